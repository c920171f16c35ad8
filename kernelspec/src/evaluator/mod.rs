//! The process that compiles cells: evcxr and its rust-analyzer, warmed up once and then given to a
//! notebook, and when that is closed to the next.
//!
//! Most of the time that a Rust notebook takes to start is rust-analyzer reading the sources of
//! every dependency. An evaluator does that before a notebook needs it, and waits as a *spare*.

mod answer;
mod execute;
mod shared;

use crate::cells::Cells;
use crate::fates::Fates;
use crate::known;
use crate::link::{self, Ask, Place, Tell};
use crate::outlet::Outlet;
use crate::process;
use crate::runtime::Runtime;
use crate::session::Session;
use crate::spare::{self, OWN, PRIVATE};
use crate::toolchain;
use answer::{complete, inspect};
use anyhow::{Context, Result, anyhow};
use crossbeam_channel::unbounded;
use evcxr::{CommandContext, EvalContext};
use shared::{Ours, Shared, pass_on};
use std::fs;
use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Set to the session's folder in the evaluator's process.
pub(crate) const FOLDER: &str = "BULLWHIP_ENGINE";

/// Loads what users use first, so that no notebook waits for it; it leaves nothing behind.
const WARM_UP: [&str; 2] = [
    "let bullwhip_warm_up = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;",
    "drop(bullwhip_warm_up);",
];

/// A statement with an error that never comes.
const QUESTION_MARK: &str = "Ok::<(), Error>(())?;";

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
    let mut evaluator = Evaluator::new(dir, private).inspect_err(|_| {
        // Else it would stay until the next one starts.
        let _ = fs::remove_dir_all(dir);
    })?;
    let (seconds, memory) = (begin.elapsed().as_secs_f64(), evaluator.memory as f64 / 1e9);
    println!("warm after {seconds:.1} s, {memory:.1} GB");
    fs::write(dir.join("warm"), "")?;
    loop {
        evaluator.shared.watch(dir)?;
        let (stream, _) = listener.accept()?;
        let again = evaluator.serve(stream)?;
        if !again || !evaluator.may_wait()? {
            evaluator.shared.finish();
        }
        fs::write(dir.join(spare::RETURNING), "")?;
        evaluator.clear()?;
        listener = offer(dir, private)?;
        fs::remove_file(dir.join(spare::RETURNING))?;
    }
}

/// The socket that a notebook claims an evaluator by.
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
struct Evaluator {
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

impl Evaluator {
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
            outlet: outlet.clone(),
            process: context.process_handle(),
            busy: AtomicBool::new(false),
            killed: AtomicBool::new(false),
        });
        pass_on(outputs, shared.clone());
        let mut evaluator = Self {
            context,
            cells,
            home,
            manifest: String::new(),
            memory: 0,
            outlet,
            fates: Fates::default(),
            shared,
        };
        evaluator.warm_up()?;
        if !private {
            evaluator.manifest = fs::read_to_string(dir.join("Cargo.toml"))?;
            // From now on cells are compiled without cargo, in the next sessions from the beginning.
            known::remember(dir, &evaluator.manifest)?;
            // Only slower where it cannot be noted, as while a new version is prepared.
            let _ = known::remember(&Runtime::locate()?.prepared(), &evaluator.manifest);
        }
        evaluator.memory = memory_in_use();
        Ok(evaluator)
    }

    /// Loads the toolkit, in a private evaluator also what the folder's evcxr.toml adds to it, and what
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
        // evcxr makes room for `?` where it first fails to compile, and shows a value that ends in it by its `Debug`
        // form then: here, once, instead of in the user's first such cell.
        if let Err(error) = self.context.execute(QUESTION_MARK) {
            eprintln!("`?` cannot be prepared: {error}");
        }
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

    /// False where a next notebook could notice this one, or enough evaluators wait already.
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

    /// Serves one notebook; true when the evaluator can be used for another.
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

/// The crate that a line of dependencies names, where sessions have one under that name.
fn own_crate(line: &str) -> Option<&'static str> {
    let line = line.trim_start();
    let name = line.split([' ', '=', '.']).next()?;
    let after = line[name.len()..].trim_start();
    let known = ["burn", "plotters", "polars", "rand", "rayon"];
    let known = known.into_iter().find(|known| *known == name);
    known.filter(|_| after.starts_with(['=', '.']))
}

/// Memory of this process, in bytes; 0 where it is not told.
fn memory_in_use() -> u64 {
    process::memory(std::process::id()).unwrap_or(0)
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
