//! The process that compiles cells: evcxr and its rust-analyzer, warmed up once and then given to a
//! notebook, and when that is closed to the next.
//!
//! Most of the time that a Rust notebook takes to start is rust-analyzer reading the sources of
//! every dependency. An engine does that before a notebook needs it, and waits as a *spare*.

use crate::cells::Cells;
use crate::fates::{End, Fates};
use crate::instrument;
use crate::link::{self, Ask, Failure, Place, Tell};
use crate::outlet::{Notebook, Outlet};
use crate::report;
use crate::runtime::Runtime;
use crate::session::{self, Session};
use crate::source;
use crate::spare;
use crate::toolchain;
use anyhow::{Context, Result, anyhow, bail};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, select, unbounded};
use evcxr::{CommandContext, EvalCallbacks, EvalContext, EvalContextOutputs, EvalOutputs};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Set to the session's folder in the engine's process.
pub(crate) const FOLDER: &str = "BULLWHIP_ENGINE";
/// Set where the engine is for one notebook only, with a configuration of its own.
pub(crate) const PRIVATE: &str = "BULLWHIP_ENGINE_PRIVATE";
/// A folder's own configuration.
pub(crate) const OWN: &str = "evcxr.toml";

/// Loads what users use first, so that no notebook waits for it; it leaves nothing behind.
const WARM_UP: [&str; 2] = [
    "let bullwhip_warm_up = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;",
    "drop(bullwhip_warm_up);",
];

/// How long a spare waits for a notebook, in seconds, where it is not two hours; for tests.
const PATIENCE: &str = "BULLWHIP_PATIENCE";

/// Makes the session's folder, and starts this program again, in this process, with what a session
/// needs in its environment.
pub(crate) fn start() -> Result<()> {
    let runtime = Runtime::locate()?;
    let session = Session::new(&runtime)?;
    fs::write(session.dir.join("stamp"), spare::stamp(&runtime)?)?;
    // Files that whoever started the kernel has left open: held for hours, a lock among them would
    // be, too. Closed where this program starts itself again.
    close_fds::set_fds_cloexec(3, &[]);
    let error = toolchain::without_package(&mut Command::new(std::env::current_exe()?))
        .envs(session.environment(&runtime)?)
        .envs(toolchain::home(&session.dir.join("target/cargo"))?)
        .env_remove(toolchain::INCREMENTAL)
        .env(FOLDER, &session.dir)
        .exec();
    Err(error).context("the engine cannot be started")
}

/// Warms up, then serves notebooks until nobody needs it.
pub(crate) fn serve(dir: &Path) -> Result<()> {
    let private = std::env::var_os(PRIVATE).is_some();
    let mut listener = offer(dir, private)?;
    let begin = Instant::now();
    let mut engine = Engine::new(dir, private).inspect_err(|_| {
        // Else it would stay until the next one starts.
        let _ = fs::remove_dir_all(dir);
    })?;
    let (seconds, memory) = (begin.elapsed().as_secs_f64(), engine.memory as f64 / 1e9);
    println!("warm after {seconds:.1} s, {memory:.1} GB");
    fs::write(dir.join("warm"), "")?;
    loop {
        engine.shared.watch(dir)?;
        let (stream, _) = listener.accept()?;
        let again = engine.serve(stream)?;
        if !again || !engine.may_wait()? {
            engine.shared.finish();
        }
        fs::write(dir.join(spare::RETURNING), "")?;
        engine.clear()?;
        listener = offer(dir, private)?;
        fs::remove_file(dir.join(spare::RETURNING))?;
    }
}

/// The socket that a notebook claims an engine by.
fn offer(dir: &Path, private: bool) -> Result<UnixListener> {
    let name = if private { spare::TAKEN } else { spare::FREE };
    // What a notebook before has claimed.
    let _ = fs::remove_file(dir.join(spare::TAKEN));
    // It has its name once it listens: a notebook that claims it before would be refused, and wait for ever.
    let begun = dir.join("begun.sock");
    let _ = fs::remove_file(&begun);
    let made = UnixListener::bind(&begun).and_then(|listener| {
        fs::rename(&begun, dir.join(name))?;
        Ok(listener)
    });
    made.context("the engine's socket cannot be made")
}

/// evcxr, its cells, and what it knows of the notebook that it serves.
struct Engine {
    context: CommandContext,
    cells: Cells,
    home: PathBuf,
    /// What cells depend on where the user has added nothing.
    manifest: String,
    /// Memory in use after warming up, in bytes.
    memory: u64,
    /// What cells print and show comes out here.
    outlet: Arc<Outlet>,
    fates: Fates,
    shared: Arc<Shared>,
}

/// What several threads need.
struct Shared {
    ours: Arc<Ours>,
    /// evcxr's handle on the process that runs cells; it stays valid when that is started again.
    process: Arc<Mutex<Child>>,
    busy: AtomicBool,
    killed: AtomicBool,
}

/// What is there before evcxr is.
struct Ours {
    dir: PathBuf,
    /// Cells that have begun.
    cells: AtomicUsize,
    notebook: Mutex<Option<UnixStream>>,
    input: (Sender<Option<String>>, Receiver<Option<String>>),
}

impl Engine {
    fn new(dir: &Path, private: bool) -> Result<Self> {
        let home = std::env::current_dir()?;
        let cells = Cells::listen(&dir.join("cells.sock"))?;
        let ours = Arc::new(Ours {
            dir: dir.to_path_buf(),
            cells: AtomicUsize::new(0),
            notebook: Mutex::new(None),
            input: unbounded(),
        });
        let outlet = Outlet::open(dir, ours.clone().as_notebook())?;
        let program = Command::new(std::env::current_exe()?);
        let (context, outputs) = EvalContext::with_subprocess_command(program)
            .map_err(|e| anyhow!("evcxr cannot start: {e}"))?;
        let context = CommandContext::with_eval_context(context);
        let shared = Arc::new(Shared {
            ours,
            process: context.process_handle(),
            busy: AtomicBool::new(false),
            killed: AtomicBool::new(false),
        });
        pass_on(outputs, shared.clone());
        let mut engine = Self {
            context,
            cells,
            home,
            manifest: String::new(),
            memory: 0,
            outlet,
            fates: Fates::default(),
            shared,
        };
        engine.warm_up()?;
        if !private {
            engine.manifest = fs::read_to_string(dir.join("Cargo.toml"))?;
            // From now on cells are compiled without cargo, in the next sessions from the beginning.
            toolchain::remember(dir, &engine.manifest)?;
            toolchain::remember(&Runtime::locate()?.prepared(), &engine.manifest)?;
        }
        engine.memory = memory_in_use();
        Ok(engine)
    }

    /// Loads the toolkit, in a private engine also what the folder's evcxr.toml adds to it, and what
    /// users use first.
    fn warm_up(&mut self) -> Result<()> {
        self.open()?;
        let own = std::env::current_dir()?.join(OWN);
        if own.is_file() {
            let loaded = self.context.execute(":load_config");
            loaded
                .map_err(|e| anyhow!("{e}"))
                .with_context(|| format!("{} cannot be loaded", own.display()))?;
            let text = fs::read_to_string(&own)?;
            for name in text.lines().filter_map(own_crate) {
                // The user's takes the place of ours under its name; what cannot is told by its cell.
                let _ = self.context.execute(&format!("use ::{name};"));
            }
        }
        for cell in WARM_UP {
            if self.shared.ours.dir.join(spare::TAKEN).exists() {
                // A notebook waits: its first cell loads the same.
                break;
            }
            if let Err(error) = self.context.execute(cell) {
                // Only slower: the notebook's first cell loads what this one has not.
                eprintln!("warm-up: {error}");
                break;
            }
        }
        Ok(())
    }

    /// What every notebook begins with.
    fn open(&mut self) -> Result<()> {
        let opened = self.context.execute(&Runtime::locate()?.opening());
        opened.map_err(|e| anyhow!("the notebook's dependencies cannot be loaded: {e}"))?;
        Ok(())
    }

    /// As after warming up, in a new process for cells; what rust-analyzer has read, it keeps.
    fn clear(&mut self) -> Result<()> {
        std::env::set_current_dir(&self.home)?;
        self.fates = Fates::default();
        self.context.reset_config();
        self.shared.end_children();
        self.context
            .execute(":clear")
            .map_err(|e| anyhow!("the session cannot be cleared: {e}"))?;
        self.open()
    }

    /// False where a next notebook could notice this one, or enough engines wait already.
    fn may_wait(&self) -> Result<bool> {
        let clean = fs::read_to_string(self.shared.ours.dir.join("Cargo.toml"))
            .is_ok_and(|now| now == self.manifest);
        let slim = memory_in_use() < 2 * self.memory;
        let runtime = Runtime::locate()?;
        let fresh = spare::is_fresh(&runtime, &self.shared.ours.dir);
        let wanted = spare::free(&runtime).len() < spare::wanted();
        if !(clean && slim && fresh && wanted) {
            eprintln!("ends: clean {clean}, slim {slim}, fresh {fresh}, wanted {wanted}");
        }
        Ok(clean && slim && fresh && wanted)
    }

    /// Serves one notebook; true when the engine can be used for another.
    fn serve(&mut self, stream: UnixStream) -> Result<bool> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let place = match link::receive(&mut reader)? {
            Some(Ask::Serve(place)) => place,
            Some(Ask::End) => return Ok(false),
            _ => return Ok(true),
        };
        *self.shared.notebook() = Some(stream);
        if let Err(error) = self.move_to(&place) {
            self.shared.tell(&Tell::Text {
                error: true,
                text: format!("{error:#}\n"),
            });
        }
        self.shared.tell(&Tell::Ready);
        let (sender, asked) = unbounded();
        let shared = self.shared.clone();
        std::thread::spawn(move || shared.listen(reader, &sender));
        let mut clean = true;
        for ask in asked {
            match ask {
                Ask::Execute { code, count } => {
                    clean &= !code.lines().any(changes_settings);
                    self.shared.busy.store(true, Ordering::SeqCst);
                    self.execute(&code, count);
                    self.shared.busy.store(false, Ordering::SeqCst);
                }
                Ask::Complete { code, at } => self.answer(|context| complete(context, &code, at)),
                Ask::Inspect { code, at } => self.answer(|context| inspect(context, &code, at)),
                Ask::End => return Ok(false),
                _ => break,
            }
        }
        *self.shared.notebook() = None;
        let spares = place
            .environment
            .iter()
            .find(|(name, _)| name == spare::WANTED);
        Ok(clean && spares.is_none_or(|(_, n)| n != "0"))
    }

    fn move_to(&self, place: &Place) -> Result<()> {
        // For `!` commands.
        std::env::set_current_dir(&place.folder)
            .with_context(|| format!("{} cannot be entered", place.folder.display()))?;
        self.cells.go(place)
    }

    fn execute(&mut self, code: &str, count: usize) {
        let shared = self.shared.clone();
        if let Some(failure) = source::foreign(code) {
            shared.tell(&Tell::Failed(failure));
            return shared.tell(&Tell::Done {
                ok: false,
                restarted: false,
            });
        }
        let begin = process_id(&shared.process);
        let before = self.variables();
        let memory_ends = session::memory_ends();
        shared.killed.store(false, Ordering::SeqCst);
        shared.ours.cells.fetch_add(1, Ordering::SeqCst);
        // A line that was sent for a cell before.
        while shared.ours.input.1.try_recv().is_ok() {}
        let (cell, ours) = (code.to_string(), shared.ours.clone());
        self.outlet
            .begin(move |file, line| report::place(&cell, &ours.compiled(), file, line));
        let result = catch_unwind(AssertUnwindSafe(|| self.evaluate(code)));
        let stop = self.outlet.end();
        let restarted = process_id(&shared.process) != begin;
        if restarted {
            end_group(begin);
        }
        let mut failures = match result {
            Ok(Ok(output)) => {
                self.show(output);
                let compiled = shared.ours.compiled();
                stop.iter()
                    .map(|stop| report::stopped(stop, code, &compiled, count))
                    .collect()
            }
            Ok(Err(error)) => self.failures(&error, code, count, memory_ends),
            Err(_) => {
                let text = "evcxr failed inside; please simplify the cell, or restart the kernel";
                vec![Failure::of("Error", text)]
            }
        };
        let end = match (restarted, failures.is_empty()) {
            (true, _) => End::Lost,
            (false, false) => End::Failed,
            (false, true) => End::Well,
        };
        self.fates
            .after(count, code, end, &before, &self.variables());
        self.advise(code, &mut failures);
        let ok = failures.is_empty();
        for failure in failures {
            shared.tell(&Tell::Failed(failure));
        }
        shared.tell(&Tell::Done { ok, restarted });
    }

    /// Has evcxr compile and run a cell.
    fn evaluate(&mut self, code: &str) -> Result<EvalOutputs, evcxr::Error> {
        // A crate of the user's own takes the place of the one that is there under its name.
        for line in code.lines() {
            let dependency = line.trim_start().strip_prefix(":dep ");
            let Some(name) = dependency.and_then(own_crate) else {
                continue;
            };
            self.context.execute(&format!("{line}\nuse ::{name};"))?;
        }
        let items = source::with_items(code);
        // For the stand-in for cargo; without it a panic is told without the line that has called.
        let _ = fs::write(
            self.shared.ours.dir.join(toolchain::CELL),
            items.as_deref().unwrap_or(code),
        );
        // Cells that wait for input are asked by way of the outlet.
        let mut callbacks = EvalCallbacks::default();
        self.context
            .execute_with_callbacks(items.as_deref().unwrap_or(code), &mut callbacks)
    }

    fn variables(&self) -> HashSet<String> {
        let all = self.context.variables_and_types();
        all.map(|(name, _)| name.to_string()).collect()
    }

    /// Why evcxr says that a cell has failed.
    fn failures(
        &self,
        error: &evcxr::Error,
        code: &str,
        count: usize,
        memory_ends: u64,
    ) -> Vec<Failure> {
        let interrupted = |text| vec![Failure::of("Interrupted", text)];
        if self.shared.killed.load(Ordering::SeqCst) {
            return interrupted(
                "ended by the second interrupt; the variables are lost, the items are kept",
            );
        }
        if toolchain::was_stopped(&self.shared.ours.dir) {
            return interrupted("interrupted before it ran; nothing has changed");
        }
        match error {
            evcxr::Error::SubprocessTerminated(words) => {
                let memory = session::memory_ends() > memory_ends;
                vec![report::death(words, &self.outlet.errors(), memory)]
            }
            error => report::failures(error, code, count, &self.fates),
        }
    }

    /// Says what goes with how a cell has ended.
    fn advise(&self, code: &str, failures: &mut [Failure]) {
        let note = |text: String| self.shared.tell(&Tell::Text { error: true, text });
        if self.outlet.refused() {
            match failures.first_mut() {
                Some(failure) => {
                    let old = std::mem::replace(&mut failure.evalue, report::NO_INPUT.into());
                    failure.traceback.retain(|line| !line.ends_with(&old));
                    failure.traceback.push(report::NO_INPUT.into());
                }
                None => note(format!("{}\n", report::NO_INPUT)),
            }
        }
        if failures.is_empty() && source::only_defines_main(code) {
            note("`fn main` is defined and not run: a notebook runs the statements of a cell; call it by `main()`, or write its statements without it\n".into());
        }
    }

    fn show(&self, output: EvalOutputs) {
        if !output.is_empty() {
            let data = output.content_by_mime_type.into_iter().map(|(kind, text)| {
                let json = kind
                    .contains("json")
                    .then(|| serde_json::from_str(&text).ok());
                (
                    kind,
                    json.flatten().unwrap_or_else(|| report::cut(text).into()),
                )
            });
            self.shared.tell(&Tell::Show(Value::Object(data.collect())));
        }
        if let Some(time) = output.timing {
            let text = format!("Took {}ms", time.as_millis());
            let html = format!("<span style=\"color: rgba(0,0,0,0.4);\">{text}</span>");
            let data = json!({ "text/html": html, "text/plain": text });
            self.shared.tell(&Tell::Show(data));
        }
    }

    fn answer(&mut self, work: impl FnOnce(&mut CommandContext) -> Result<Value>) {
        let result = catch_unwind(AssertUnwindSafe(|| work(&mut self.context)));
        let content = match result {
            Ok(Ok(content)) => content,
            Ok(Err(e)) => {
                json!({ "status": "error", "ename": "Error", "evalue": e.to_string(), "traceback": [] })
            }
            Err(_) => {
                json!({ "status": "error", "ename": "Error", "evalue": "rust-analyzer failed", "traceback": [] })
            }
        };
        self.shared.tell(&Tell::Answer(content));
    }
}

impl Ours {
    fn notebook(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.notebook.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the notebook; one that has gone is noticed by whoever reads from it.
    fn tell(&self, message: &Tell) {
        if let Some(stream) = &*self.notebook() {
            let _ = link::send(stream, message);
        }
    }

    /// The source that was compiled last, as evcxr has written it but for what tells instead of printing.
    fn compiled(&self) -> String {
        let source = fs::read_to_string(self.dir.join("src/lib.rs"));
        instrument::without_places(&source.unwrap_or_default())
    }

    /// How what cells print and ask reaches the notebook.
    fn as_notebook(self: Arc<Self>) -> Notebook {
        let asked = self.clone();
        Notebook {
            tell: Box::new(move |tell| self.tell(tell)),
            ask: Box::new(move |prompt, password| {
                asked.tell(&Tell::Input {
                    prompt: prompt.to_string(),
                    password,
                });
                // Without a notebook nobody answers.
                asked.notebook().as_ref()?;
                let cell = asked.cells.load(Ordering::SeqCst);
                // A process that has gone while it waited leaves the answer to a later cell.
                while asked.cells.load(Ordering::SeqCst) == cell {
                    let answer = asked.input.1.recv_timeout(Duration::from_millis(200));
                    match answer {
                        Err(RecvTimeoutError::Timeout) => {}
                        answer => return answer.ok().flatten(),
                    }
                }
                None
            }),
        }
    }
}

impl Shared {
    fn notebook(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.ours.notebook()
    }

    fn tell(&self, message: &Tell) {
        self.ours.tell(message);
    }

    /// Takes the notebook's words: what concerns a running cell at once, the rest in turn.
    fn listen(&self, mut reader: BufReader<UnixStream>, asked: &Sender<Ask>) {
        loop {
            let ask = link::receive(&mut reader)
                .ok()
                .flatten()
                .unwrap_or(Ask::Leave);
            match ask {
                Ask::Stop => self.stop(),
                Ask::Kill => {
                    self.killed.store(true, Ordering::SeqCst);
                    let _ = self.ours.input.0.send(None);
                    self.kill();
                }
                Ask::Input(line) => {
                    let _ = self.ours.input.0.send(line);
                }
                Ask::Leave | Ask::End if self.busy.load(Ordering::SeqCst) => self.finish(),
                Ask::Leave | Ask::End | Ask::Serve(_) => {
                    let _ = asked.send(ask);
                    return;
                }
                ask => {
                    let _ = asked.send(ask);
                }
            }
        }
    }

    /// Ends a compilation, or asks the running call to stop.
    fn stop(&self) {
        // A cell that waits for input waits no longer.
        let _ = self.ours.input.0.send(None);
        if !toolchain::stop(&self.ours.dir) {
            toolchain::signal("INT", &process_id(&self.process).to_string());
        }
    }

    /// Ends what cells have started and left running.
    fn end_children(&self) {
        end_group(process_id(&self.process));
    }

    fn kill(&self) {
        self.end_children();
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended by itself is as good.
        let _ = process.kill();
    }

    /// Ends the engine: its cells, its folder, itself.
    fn finish(&self) -> ! {
        toolchain::stop(&self.ours.dir);
        self.kill();
        let _ = fs::remove_dir_all(&self.ours.dir);
        std::process::exit(0)
    }

    /// Ends a spare that nobody claims, or that has become stale.
    fn watch(self: &Arc<Self>, dir: &Path) -> Result<()> {
        let (shared, home) = (self.clone(), Runtime::locate()?.home);
        let free = dir.join(spare::FREE);
        let begin = Instant::now();
        let patience = patience();
        // Every 20 seconds of two hours.
        let pause = patience.div_f64(360.0);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(pause);
                if !shared.ours.dir.exists() {
                    shared.finish();
                }
                if !free.exists() {
                    return;
                }
                // Another Rust has a runtime in another folder.
                let fresh = Runtime::locate()
                    .is_ok_and(|now| now.home == home && spare::is_fresh(&now, &shared.ours.dir));
                let good = begin.elapsed() < patience && fresh;
                // By the same renaming that a notebook claims it with: only one of the two succeeds.
                if !good && fs::rename(&free, shared.ours.dir.join(spare::TAKEN)).is_ok() {
                    shared.finish();
                }
            }
        });
        Ok(())
    }
}

/// Passes on what the process of the cells says before it has its own pipes: why it cannot start.
fn pass_on(outputs: EvalContextOutputs, shared: Arc<Shared>) {
    std::thread::spawn(move || {
        let tell = |line: String| {
            let text = line + "\n";
            shared.tell(&Tell::Text { error: true, text });
        };
        let EvalContextOutputs { stdout, stderr } = outputs;
        loop {
            let line = select! {
                recv(stdout) -> line => line,
                recv(stderr) -> line => line,
            };
            match line {
                Ok(line) => tell(line),
                Err(_) => return,
            }
        }
    });
}

fn complete(context: &mut CommandContext, code: &str, at: usize) -> Result<Value> {
    let found = context.completions(code, at)?;
    let characters = |bytes: usize| code.get(..bytes).map_or(0, |before| before.chars().count());
    let (start, end) = (characters(found.start_offset), characters(found.end_offset));
    let matches: Vec<&str> = found.completions.iter().map(|c| c.code.as_str()).collect();
    let types: Vec<Value> = found
        .completions
        .iter()
        .map(|c| json!({ "text": c.label, "type": c.kind, "start": start, "end": end }))
        .collect();
    Ok(json!({
        "status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end,
        "metadata": { "_jupyter_types_experimental": types },
    }))
}

fn inspect(context: &mut CommandContext, code: &str, at: usize) -> Result<Value> {
    let nothing = json!({ "status": "ok", "found": false, "data": {}, "metadata": {} });
    Ok(match context.hover_at(code, at) {
        Ok((plain, html)) if plain != "No documentation found" => json!({
            "status": "ok", "found": true, "metadata": {},
            "data": { "text/plain": plain, "text/html": html },
        }),
        _ => nothing,
    })
}

/// Refuses a folder's configuration that would have everything compiled anew.
pub(crate) fn check_own(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with("tmpdir"));
    match line {
        Some(line) => bail!(
            "{}: line {}: this kernel has a folder for what it compiles; remove `tmpdir`",
            file.display(),
            line + 1
        ),
        None => Ok(()),
    }
}

/// How long a spare waits for a notebook.
fn patience() -> Duration {
    let given = std::env::var(PATIENCE).ok();
    let given = given.and_then(|text| Duration::try_from_secs_f64(text.parse().ok()?).ok());
    given.unwrap_or(Duration::from_secs(2 * 3600))
}

/// True for a command of evcxr's that changes a setting: it cannot be asked for, so not be undone.
fn changes_settings(line: &str) -> bool {
    let harmless = [
        "vars",
        "help",
        "version",
        "doc",
        "explain",
        "last_error_json",
    ];
    line.trim_start().strip_prefix(':').is_some_and(|command| {
        let name = command.split_whitespace().next().unwrap_or_default();
        !harmless.contains(&name)
    })
}

fn process_id(process: &Mutex<Child>) -> u32 {
    process.lock().unwrap_or_else(PoisonError::into_inner).id()
}

/// Ends the group of a process of cells: itself, and what it has started.
fn end_group(process: u32) {
    toolchain::signal("KILL", &format!("-{process}"));
}

/// The crate that a line of dependencies names, where sessions have one under that name.
fn own_crate(line: &str) -> Option<&'static str> {
    let line = line.trim_start();
    let name = line.split([' ', '=', '.']).next()?;
    let after = line[name.len()..].trim_start();
    let known = ["burn", "plotters", "polars", "rand"];
    let known = known.into_iter().find(|known| *known == name);
    known.filter(|_| after.starts_with(['=', '.']))
}

/// Memory of this process, in bytes; 0 where it is not told.
fn memory_in_use() -> u64 {
    session::memory(std::process::id()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_the_user_s_are_known_by_their_lines() {
        for line in [
            "rand = \"0.9\"",
            " rand={ version = \"0.9\" }",
            "rand.version = \"0.9\"",
        ] {
            assert_eq!(own_crate(line), Some("rand"), "{line}");
        }
        for line in ["rand_distr = \"0.5\"", "rand", "# polars", "serde = \"1\""] {
            assert_eq!(own_crate(line), None, "{line}");
        }
    }
}
