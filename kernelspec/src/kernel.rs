//! The kernel that Jupyter starts: it owns the sockets, answers what it can, and has the rest done by
//! an engine. It turns interrupts into requests.

use crate::engine;
use crate::link::{self, Ask, Failure, Place, Tell};
use crate::runtime::Runtime;
use crate::session;
use crate::spare;
use anyhow::{Context, Result};
use jupyter_protocol::{ConnectionInfo, JupyterMessage, JupyterMessageContent, UnknownMessage};
use jupyter_zmq_client::{
    KernelIoPubConnection, RouterRecvConnection, RouterSendConnection, RuntimeError,
    create_kernel_control_connection, create_kernel_heartbeat_connection,
    create_kernel_iopub_connection, create_kernel_shell_connection, create_kernel_stdin_connection,
};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Set where the kernel is not to start the next spare itself.
pub(crate) const ALONE: &str = "BULLWHIP_ALONE";
/// How long the next spare waits after a cell has ended: the user's cells come first.
const PAUSE: Duration = Duration::from_secs(5);
/// Time between two messages to everybody. The queue behind them (zeromq 0.7.0's `PubFanoutQueue`) can
/// miss the wake-up for one that comes in the moment in which it has emptied itself: it would stay
/// there until the next, and a cell without its last message never ends.
const APART: Duration = Duration::from_millis(1);

/// Everything that can happen to a kernel.
enum Event {
    Shell(JupyterMessage),
    Control(JupyterMessage),
    Stdin(JupyterMessage),
    /// An interrupt by a signal.
    Interrupt,
    /// The end by a signal, or because Jupyter has gone.
    End,
    Progress(String),
    Engine(UnixStream),
    NoEngine(String),
    Told(Tell),
    Gone,
}

/// Serves the connection file in the arguments until Jupyter ends it.
pub(crate) fn serve() -> Result<()> {
    let file = std::env::args_os()
        .nth(2)
        .context("--control_file needs a file")?;
    let file = Path::new(&file);
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let connection: ConnectionInfo = serde_json::from_str(&text)
        .with_context(|| format!("{} is not a connection file of Jupyter's", file.display()))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let (sender, events) = unbounded_channel();
        let mut kernel = Kernel::open(&connection, sender).await?;
        kernel.seek_engine();
        kernel.run(events).await
    })
}

/// A request that an engine works on.
struct Running {
    request: JupyterMessage,
    count: usize,
    silent: bool,
    interrupts: usize,
    /// What had been asked for when it was interrupted.
    behind: Vec<JupyterMessage>,
    failed: Option<Failure>,
    /// The user has been told that the notebook is being prepared.
    waiting: bool,
}

struct Kernel {
    sender: UnboundedSender<Event>,
    shell: RouterSendConnection,
    control: RouterSendConnection,
    stdin: RouterSendConnection,
    iopub: KernelIoPubConnection,
    engine: Option<UnixStream>,
    ready: bool,
    seeking: bool,
    progress: String,
    queue: VecDeque<JupyterMessage>,
    running: Option<Running>,
    /// The cell that ran last: what is printed in the background belongs to it.
    last: Option<JupyterMessage>,
    count: usize,
    displays: HashSet<String>,
    /// How often the cells' process has been lost; its display ids start again with it.
    losses: usize,
    next_spare: Option<Instant>,
    /// When the last message to everybody was sent.
    published: Instant,
    /// How many processes had been ended for want of memory when the kernel began.
    memory_ends: u64,
}

impl Kernel {
    async fn open(connection: &ConnectionInfo, sender: UnboundedSender<Event>) -> Result<Self> {
        let session = uuid::Uuid::new_v4().to_string();
        let mut heartbeat = create_kernel_heartbeat_connection(connection).await?;
        tokio::spawn(async move { while heartbeat.single_heartbeat().await.is_ok() {} });
        let iopub = create_kernel_iopub_connection(connection, &session).await?;
        let shell = create_kernel_shell_connection(connection, &session)
            .await?
            .split();
        let control = create_kernel_control_connection(connection, &session)
            .await?
            .split();
        let stdin = create_kernel_stdin_connection(connection, &session)
            .await?
            .split();
        tokio::spawn(listen(shell.1, sender.clone(), Event::Shell));
        tokio::spawn(listen(control.1, sender.clone(), Event::Control));
        tokio::spawn(listen(stdin.1, sender.clone(), Event::Stdin));
        for (kind, interrupts) in [
            (SignalKind::interrupt(), true),
            (SignalKind::terminate(), false),
        ] {
            let (mut signals, sender) = (signal(kind)?, sender.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    let _ = sender.send(if interrupts {
                        Event::Interrupt
                    } else {
                        Event::End
                    });
                }
            });
        }
        if std::env::var_os("JPY_PARENT_PID").is_some() {
            tokio::spawn(watch_parent(sender.clone()));
        }
        Ok(Self {
            sender,
            shell: shell.0,
            control: control.0,
            stdin: stdin.0,
            iopub,
            engine: None,
            ready: false,
            seeking: false,
            progress: String::new(),
            queue: VecDeque::new(),
            running: None,
            last: None,
            count: 0,
            displays: HashSet::new(),
            losses: 0,
            next_spare: None,
            published: Instant::now(),
            memory_ends: session::memory_ends(),
        })
    }

    async fn run(&mut self, mut events: UnboundedReceiver<Event>) -> Result<()> {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    None | Some(Event::End) => break,
                    Some(event) => if !self.handle(event).await? { break },
                },
                _ = tick.tick() => self.start_next_spare(),
            }
        }
        self.ask(&Ask::Leave);
        // The last replies are written by tasks in the background.
        tokio::time::sleep(Duration::from_millis(150)).await;
        Ok(())
    }

    /// Does what an event asks for; false when the kernel shall end.
    async fn handle(&mut self, event: Event) -> Result<bool> {
        match event {
            Event::Shell(request) => self.shell_request(request).await?,
            Event::Control(request) => return self.control_request(&request).await,
            Event::Stdin(message) => {
                if let JupyterMessageContent::InputReply(reply) = message.content {
                    let value = serde_json::to_value(reply)?;
                    let line = value["value"].as_str().unwrap_or_default();
                    self.ask(&Ask::Input(Some(line.to_string())));
                }
            }
            Event::Interrupt => self.interrupt().await?,
            Event::Progress(text) => {
                self.progress = format!("{text}\n");
                self.say_why().await?;
            }
            Event::Engine(stream) => {
                self.engine = Some(stream);
                self.seeking = false;
            }
            Event::NoEngine(reason) => {
                self.seeking = false;
                self.lose_engine(&reason).await?;
            }
            Event::Told(tell) => self.told(tell).await?,
            Event::Gone => {
                let had = self.engine.take().is_some();
                let served = std::mem::replace(&mut self.ready, false);
                if had {
                    self.forget_displays();
                    let reason = if served {
                        let why = match session::memory_ends() > self.memory_ends {
                            true => " (the system has run out of memory)",
                            false => "",
                        };
                        format!(
                            "the process that compiles cells has ended{why}; the variables and items are lost, and the next cell starts afresh"
                        )
                    } else {
                        let log = Runtime::locate().map(|runtime| spare::log_tail(&runtime));
                        let log = log.unwrap_or_default();
                        format!(
                            "the process that compiles cells has ended while it started; it said last:\n{log}"
                        )
                    };
                    self.lose_engine(&reason).await?;
                }
            }
            Event::End => return Ok(false),
        }
        Ok(true)
    }

    // Requests

    async fn shell_request(&mut self, request: JupyterMessage) -> Result<()> {
        let content = match &request.content {
            JupyterMessageContent::ExecuteRequest(_)
            | JupyterMessageContent::CompleteRequest(_)
            | JupyterMessageContent::InspectRequest(_) => {
                self.queue.push_back(request);
                return self.work().await;
            }
            JupyterMessageContent::KernelInfoRequest(_) => kernel_info(),
            JupyterMessageContent::IsCompleteRequest(_) => json!({ "status": "complete" }),
            JupyterMessageContent::CommInfoRequest(_) => json!({ "status": "ok", "comms": {} }),
            JupyterMessageContent::HistoryRequest(_) => json!({ "status": "ok", "history": [] }),
            JupyterMessageContent::CommOpen(open) => {
                // No widgets live here: the other side is told so.
                let id = serde_json::to_value(&open.comm_id)?;
                let content = json!({ "comm_id": id, "data": {} });
                self.publish("comm_close", content, Some(&request)).await?;
                return self.status("idle", &request).await;
            }
            _ => return Ok(()),
        };
        self.status("busy", &request).await?;
        let told = reply(&request, content);
        answer(&mut self.shell, told).await;
        self.status("idle", &request).await?;
        // A page that was loaded again takes the last status for the kernel's.
        if let Some(running) = &self.running {
            let request = running.request.clone();
            self.status("busy", &request).await?;
        }
        Ok(())
    }

    async fn control_request(&mut self, request: &JupyterMessage) -> Result<bool> {
        self.status("busy", request).await?;
        let (content, goes_on) = match &request.content {
            JupyterMessageContent::InterruptRequest(_) => {
                self.interrupt().await?;
                (json!({ "status": "ok" }), true)
            }
            JupyterMessageContent::ShutdownRequest(shutdown) => (
                json!({ "status": "ok", "restart": shutdown.restart }),
                false,
            ),
            JupyterMessageContent::KernelInfoRequest(_) => (kernel_info(), true),
            _ => (
                json!({ "status": "error", "ename": "Unsupported", "evalue": "this kernel has no such request", "traceback": [] }),
                true,
            ),
        };
        answer(&mut self.control, reply(request, content.clone())).await;
        if !goes_on {
            self.publish("shutdown_reply", content, Some(request))
                .await?;
        }
        self.status("idle", request).await?;
        Ok(goes_on)
    }

    /// Gives the next request to the engine, when both are there.
    async fn work(&mut self) -> Result<()> {
        if self.running.is_none() {
            let Some(request) = self.queue.pop_front() else {
                return Ok(());
            };
            self.begin(request).await?;
        }
        if !self.ready {
            self.seek_engine();
            if self.running.as_ref().is_some_and(|r| !r.waiting) {
                return self.say_why().await;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, request: JupyterMessage) -> Result<()> {
        self.status("busy", &request).await?;
        let mut silent = true;
        if let JupyterMessageContent::ExecuteRequest(execute) = &request.content {
            silent = execute.silent;
            if !silent {
                self.count += 1;
                let content = json!({ "code": execute.code, "execution_count": self.count });
                self.publish("execute_input", content, Some(&request))
                    .await?;
            }
            self.last = Some(request.clone());
        }
        self.running = Some(Running {
            request,
            count: self.count,
            silent,
            interrupts: 0,
            behind: Vec::new(),
            failed: None,
            waiting: false,
        });
        if self.ready {
            self.give();
        }
        Ok(())
    }

    /// Hands the running request to the engine.
    fn give(&mut self) {
        let Some(running) = &self.running else { return };
        let ask = match &running.request.content {
            JupyterMessageContent::ExecuteRequest(execute) => Ask::Execute {
                code: execute.code.clone(),
                count: running.count,
            },
            JupyterMessageContent::CompleteRequest(complete) => Ask::Complete {
                at: bytes_before(&complete.code, complete.cursor_pos),
                code: complete.code.clone(),
            },
            JupyterMessageContent::InspectRequest(inspect) => Ask::Inspect {
                at: bytes_before(&inspect.code, inspect.cursor_pos),
                code: inspect.code.clone(),
            },
            _ => return,
        };
        self.ask(&ask);
    }

    /// Tells the user of a cell that has to wait why, as soon as that is known.
    async fn say_why(&mut self) -> Result<()> {
        match &mut self.running {
            Some(running) if !self.progress.is_empty() && !running.silent => running.waiting = true,
            _ => return Ok(()),
        }
        let text = self.progress.clone();
        self.print("stdout", &text).await
    }

    /// Ends the running request with a reply, and goes on with the next.
    async fn end(&mut self, content: Value) -> Result<()> {
        if let Some(running) = self.running.take() {
            let failed = content["status"] == "error";
            answer(&mut self.shell, reply(&running.request, content)).await;
            self.status("idle", &running.request).await?;
            if let JupyterMessageContent::ExecuteRequest(execute) = &running.request.content {
                self.next_spare = Some(Instant::now() + PAUSE);
                let mut behind = running.behind;
                if failed && execute.stop_on_error {
                    behind.extend(self.take_cells());
                }
                self.abort(behind).await?;
            }
        }
        Box::pin(self.work()).await
    }

    /// Takes the cells that were asked for behind the running one out of the queue.
    fn take_cells(&mut self) -> Vec<JupyterMessage> {
        let is_cell =
            |r: &JupyterMessage| matches!(r.content, JupyterMessageContent::ExecuteRequest(_));
        let (cells, others) = self.queue.drain(..).partition(is_cell);
        self.queue = VecDeque::from(others);
        cells
    }

    /// Cells behind one that failed or was interrupted do not run.
    async fn abort(&mut self, cells: Vec<JupyterMessage>) -> Result<()> {
        for request in cells {
            self.status("busy", &request).await?;
            let aborted = reply(&request, json!({ "status": "aborted" }));
            answer(&mut self.shell, aborted).await;
            self.status("idle", &request).await?;
        }
        Ok(())
    }

    async fn interrupt(&mut self) -> Result<()> {
        let behind = self.take_cells();
        let Some(running) = &mut self.running else {
            // A fit in the background can be asked to stop too.
            self.ask(&Ask::Stop);
            return Ok(());
        };
        if !matches!(
            running.request.content,
            JupyterMessageContent::ExecuteRequest(_)
        ) {
            return Ok(());
        }
        running.interrupts += 1;
        running.behind.extend(behind);
        let again = running.interrupts > 1;
        if !self.ready {
            let failure = Failure::of(
                "Interrupted",
                "interrupted before it ran; nothing has changed",
            );
            return self.fail(failure).await;
        }
        if again {
            self.ask(&Ask::Kill);
            return Ok(());
        }
        self.ask(&Ask::Stop);
        let text =
            "asked the running call to stop; press again to end the cell and lose its variables\n";
        self.print("stderr", text).await
    }

    // The engine

    fn ask(&mut self, ask: &Ask) {
        if let Some(engine) = &self.engine {
            // One that has gone is told by its reader.
            let _ = link::send(engine, ask);
        }
    }

    /// Looks for an engine in the background: a spare, or a new one.
    fn seek_engine(&mut self) {
        if self.seeking || self.engine.is_some() {
            return;
        }
        self.seeking = true;
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let event = match find_engine(&sender) {
                Ok(stream) => Event::Engine(stream),
                Err(error) => Event::NoEngine(format!("{error:#}")),
            };
            let reading = match &event {
                Event::Engine(stream) => stream.try_clone().ok(),
                _ => None,
            };
            let _ = sender.send(event);
            let Some(stream) = reading else { return };
            let mut reader = BufReader::new(stream);
            while let Ok(Some(tell)) = link::receive(&mut reader) {
                if sender.send(Event::Told(tell)).is_err() {
                    return;
                }
            }
            let _ = sender.send(Event::Gone);
        });
    }

    /// What waits for an engine that does not come is told so.
    async fn lose_engine(&mut self, reason: &str) -> Result<()> {
        match &self.running {
            Some(_) => self.fail(Failure::of("KernelError", reason)).await,
            None => Ok(()),
        }
    }

    async fn fail(&mut self, failure: Failure) -> Result<()> {
        self.clear_waiting().await?;
        self.publish_error(&failure).await?;
        let count = self.running.as_ref().map_or(0, |r| r.count);
        self.end(error_reply(&failure, count)).await
    }

    async fn told(&mut self, tell: Tell) -> Result<()> {
        match tell {
            Tell::Ready => {
                self.ready = true;
                self.next_spare = Some(Instant::now() + PAUSE);
                self.clear_waiting().await?;
                self.give();
                Box::pin(self.work()).await?;
            }
            Tell::Text { error, text } => {
                let name = if error { "stderr" } else { "stdout" };
                self.print(name, &text).await?;
            }
            Tell::Display { id, data } => self.display(id, data).await?,
            Tell::Input { prompt, password } => {
                let running = self.running.as_ref();
                let allowed = running.filter(|running| {
                    matches!(&running.request.content, JupyterMessageContent::ExecuteRequest(e) if e.allow_stdin)
                });
                if let Some(running) = allowed {
                    let content = json!({ "prompt": prompt, "password": password });
                    let request = message("input_request", content, Some(&running.request));
                    answer(&mut self.stdin, request).await;
                } else {
                    self.ask(&Ask::Input(None));
                }
            }
            Tell::Show(data) => {
                if let Some(running) = self.running.as_ref().filter(|r| !r.silent) {
                    let content =
                        json!({ "execution_count": running.count, "data": data, "metadata": {} });
                    let parent = running.request.clone();
                    self.publish("execute_result", content, Some(&parent))
                        .await?;
                }
            }
            Tell::Failed(failure) => {
                self.publish_error(&failure).await?;
                if let Some(running) = &mut self.running {
                    running.failed.get_or_insert(failure);
                }
            }
            Tell::Done { ok, restarted } => {
                if restarted {
                    self.forget_displays();
                }
                let Some(running) = &mut self.running else {
                    return Ok(());
                };
                let (count, failed) = (running.count, running.failed.take());
                let content = if ok {
                    json!({ "status": "ok", "execution_count": count, "payload": [], "user_expressions": {} })
                } else {
                    error_reply(&failed.unwrap_or_default(), count)
                };
                self.end(content).await?;
            }
            Tell::Answer(content) => self.end(content).await?,
        }
        Ok(())
    }

    fn start_next_spare(&mut self) {
        let due = self.next_spare.is_some_and(|due| due < Instant::now());
        if !due || self.running.is_some() {
            return;
        }
        self.next_spare = None;
        if std::env::var_os(ALONE).is_none() {
            std::thread::spawn(|| {
                let next = Runtime::locate().and_then(|runtime| spare::start_next(&runtime));
                if let Err(error) = next {
                    eprintln!("no spare: {error:#}");
                }
            });
        }
    }

    // What is sent to everybody

    /// Shows what a cell shows; what has the `id` of an earlier display takes its place.
    async fn display(&mut self, id: Option<String>, data: Value) -> Result<()> {
        if self.is_silent() {
            return Ok(());
        }
        let parent = self.last.clone();
        let Some(mut id) = id else {
            let content = json!({ "data": data, "metadata": {}, "transient": {} });
            return self.publish("display_data", content, parent.as_ref()).await;
        };
        if self.losses > 0 {
            id += &format!("-{}", self.losses);
        }
        let content = json!({ "data": data, "metadata": {}, "transient": { "display_id": id } });
        let kind = if self.displays.insert(id) {
            "display_data"
        } else {
            "update_display_data"
        };
        self.publish(kind, content, parent.as_ref()).await
    }

    /// True while a cell runs of which nobody shall hear.
    fn is_silent(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|r| r.silent && r.request.message_type() == "execute_request")
    }

    fn forget_displays(&mut self) {
        self.displays.clear();
        self.losses += 1;
    }

    async fn print(&mut self, name: &str, text: &str) -> Result<()> {
        if self.is_silent() {
            return Ok(());
        }
        let parent = self.last.clone();
        self.publish(
            "stream",
            json!({ "name": name, "text": text }),
            parent.as_ref(),
        )
        .await
    }

    /// Takes back what told the user to wait.
    async fn clear_waiting(&mut self) -> Result<()> {
        self.progress.clear();
        let Some(running) = self.running.as_mut().filter(|r| r.waiting) else {
            return Ok(());
        };
        running.waiting = false;
        let parent = running.request.clone();
        self.publish("clear_output", json!({ "wait": false }), Some(&parent))
            .await
    }

    async fn publish_error(&mut self, failure: &Failure) -> Result<()> {
        if self
            .running
            .as_ref()
            .is_some_and(|r| r.request.message_type() == "execute_request")
        {
            let parent = self.last.clone();
            self.publish("error", serde_json::to_value(failure)?, parent.as_ref())
                .await?;
        }
        Ok(())
    }

    async fn status(&mut self, state: &str, request: &JupyterMessage) -> Result<()> {
        self.publish("status", json!({ "execution_state": state }), Some(request))
            .await
    }

    async fn publish(
        &mut self,
        kind: &str,
        content: Value,
        parent: Option<&JupyterMessage>,
    ) -> Result<()> {
        let message = message(kind, content, parent).with_zmq_identities(Vec::new());
        tokio::time::sleep_until((self.published + APART).into()).await;
        self.iopub.send(message).await?;
        self.published = Instant::now();
        Ok(())
    }
}

/// Finds an engine and takes it; may compile, and then says so.
fn find_engine(sender: &UnboundedSender<Event>) -> Result<UnixStream> {
    let say = |text: &str| {
        let _ = sender.send(Event::Progress(text.to_string()));
    };
    let runtime = Runtime::locate()?;
    runtime.prepare(&say)?;
    let folder = std::env::current_dir().context("the notebook's folder has gone")?;
    let own = folder.join(engine::OWN);
    let stream = if own.is_file() {
        engine::check_own(&own)?;
        // It is read when an engine starts, so this notebook needs an engine of its own.
        say(
            "starting with this folder's evcxr.toml: about a minute, and the time to compile what it adds",
        );
        spare::start_and_claim(&runtime, Some(&folder))?
    } else {
        match spare::claim(&runtime, &say) {
            Some(stream) => stream,
            None => {
                say(match spare::wanted() {
                    0 => "starting: about a minute, as no engine waits (BULLWHIP_SPARES=0)",
                    _ => "starting: about a minute; the next notebooks start in seconds",
                });
                spare::start_and_claim(&runtime, None)?
            }
        }
    };
    let mut environment: Vec<_> = std::env::vars_os().collect();
    environment.retain(|(name, _)| name != ALONE);
    link::send(
        &stream,
        &Ask::Serve(Place {
            folder,
            environment,
        }),
    )?;
    Ok(stream)
}

async fn listen(
    mut connection: RouterRecvConnection,
    sender: UnboundedSender<Event>,
    event: fn(JupyterMessage) -> Event,
) {
    loop {
        match connection.read().await {
            Ok(message) => {
                if sender.send(event(message)).is_err() {
                    return;
                }
            }
            Err(RuntimeError::ZmqError(error)) => {
                eprintln!("a channel has closed: {error}");
                return;
            }
            // Not a message, not signed by our key, or of a form that is not known.
            Err(error) => eprintln!("a message was refused: {error}"),
        }
    }
}

/// Ends the kernel when the Jupyter that started it has gone.
async fn watch_parent(sender: UnboundedSender<Event>) {
    let parent = std::os::unix::process::parent_id();
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let _ = sender.send(Event::End);
}

/// Answers one client. One that has gone, as Jupyter's server does that only asks whether the kernel is
/// there, is no fault of the others'.
async fn answer(channel: &mut RouterSendConnection, message: JupyterMessage) {
    if let Err(error) = channel.send(message).await {
        eprintln!("an answer finds nobody: {error}");
    }
}

fn message(kind: &str, content: Value, parent: Option<&JupyterMessage>) -> JupyterMessage {
    let msg_type = kind.to_string();
    JupyterMessage::new(UnknownMessage { msg_type, content }, parent)
}

fn reply(request: &JupyterMessage, content: Value) -> JupyterMessage {
    message(
        &request.message_type().replace("_request", "_reply"),
        content,
        Some(request),
    )
}

fn error_reply(failure: &Failure, count: usize) -> Value {
    json!({
        "status": "error", "execution_count": count, "ename": failure.ename,
        "evalue": failure.evalue, "traceback": failure.traceback,
    })
}

/// Jupyter counts characters, Rust counts bytes.
fn bytes_before(code: &str, characters: usize) -> usize {
    code.char_indices()
        .nth(characters)
        .map_or(code.len(), |(at, _)| at)
}

fn kernel_info() -> Value {
    json!({
        "status": "ok",
        "protocol_version": "5.3",
        "implementation": env!("CARGO_PKG_NAME"),
        "implementation_version": env!("CARGO_PKG_VERSION"),
        "language_info": {
            "name": "rust",
            "version": env!("CARGO_PKG_RUST_VERSION"),
            "mimetype": "text/rust",
            "file_extension": ".rs",
            "pygments_lexer": "rust",
            "codemirror_mode": "rust",
        },
        "banner": concat!("bullwhip ", env!("CARGO_PKG_VERSION"), ": Rust notebooks with the toolkit compiled once"),
        "help_links": [{ "text": "Rust's standard library", "url": "https://doc.rust-lang.org/stable/std/" }],
    })
}
