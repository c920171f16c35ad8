//! The kernel that Jupyter starts: it owns the sockets, answers what it can, and has the rest done by
//! an evaluator. It turns interrupts into requests.

mod comms;
mod requests;
mod told;

use crate::link::{self, Ask, Failure, Tell};
use crate::process;
use crate::protocol::{error_reply, listen};
use crate::runtime::Runtime;
use crate::seek;
use crate::spare::{self, ALONE};
use anyhow::{Context, Result};
use comms::Comms;
use jupyter_protocol::{ConnectionInfo, JupyterMessage, JupyterMessageContent};
use jupyter_zmq_client::{
    KernelIoPubConnection, RouterSendConnection, create_kernel_control_connection,
    create_kernel_heartbeat_connection, create_kernel_iopub_connection,
    create_kernel_shell_connection, create_kernel_stdin_connection,
};
use std::collections::{HashSet, VecDeque};
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

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
    Evaluator(UnixStream),
    NoEvaluator(String),
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
        kernel.seek_evaluator();
        kernel.run(events).await
    })
}

/// A request that an evaluator works on.
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
    evaluator: Option<UnixStream>,
    ready: bool,
    seeking: bool,
    progress: String,
    queue: VecDeque<JupyterMessage>,
    running: Option<Running>,
    /// The cell that ran last: what is printed in the background belongs to it.
    last: Option<JupyterMessage>,
    count: usize,
    displays: HashSet<String>,
    comms: Comms,
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
            evaluator: None,
            ready: false,
            seeking: false,
            progress: String::new(),
            queue: VecDeque::new(),
            running: None,
            last: None,
            count: 0,
            displays: HashSet::new(),
            comms: Comms::default(),
            losses: 0,
            next_spare: None,
            published: Instant::now(),
            memory_ends: process::memory_ends(),
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
        self.forget_displays().await?;
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
            Event::Evaluator(stream) => {
                self.evaluator = Some(stream);
                self.seeking = false;
            }
            Event::NoEvaluator(reason) => {
                self.seeking = false;
                self.lose_evaluator(&reason).await?;
            }
            Event::Told(tell) => self.told(tell).await?,
            Event::Gone => {
                let had = self.evaluator.take().is_some();
                let served = std::mem::replace(&mut self.ready, false);
                if had {
                    self.forget_displays().await?;
                    let reason = if served {
                        let why = match process::memory_ends() > self.memory_ends {
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
                    self.lose_evaluator(&reason).await?;
                }
            }
            Event::End => return Ok(false),
        }
        Ok(true)
    }

    fn ask(&mut self, ask: &Ask) {
        if let Some(evaluator) = &self.evaluator {
            // One that has gone is told by its reader.
            let _ = link::send(evaluator, ask);
        }
    }

    /// Looks for an evaluator in the background: a spare, or a new one.
    fn seek_evaluator(&mut self) {
        if self.seeking || self.evaluator.is_some() {
            return;
        }
        self.seeking = true;
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let say = |text: &str| {
                let _ = sender.send(Event::Progress(text.to_string()));
            };
            let event = match seek::find_evaluator(&say) {
                Ok(stream) => Event::Evaluator(stream),
                Err(error) => Event::NoEvaluator(format!("{error:#}")),
            };
            let reading = match &event {
                Event::Evaluator(stream) => stream.try_clone().ok(),
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

    /// What waits for an evaluator that does not come is told so.
    async fn lose_evaluator(&mut self, reason: &str) -> Result<()> {
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
}

/// Ends the kernel when the Jupyter that started it has gone.
async fn watch_parent(sender: UnboundedSender<Event>) {
    let parent = std::os::unix::process::parent_id();
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let _ = sender.send(Event::End);
}
