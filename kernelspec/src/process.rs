//! Inside the process that runs cells: loads and runs them. What they print and read has pipes of its own,
//! apart from those by which evcxr gives orders and hears of their end.

use crate::cells;
use crate::link::{self, Outcome, Word};
use anyhow::{Context, Result, bail};
use std::ffi::c_void;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The socket on which cells say what they show, in the environment of their process.
pub(crate) const SHOWS: &str = "BULLWHIP_SHOWS";
/// Beside that socket: the pipes for what cells print.
pub(crate) const PIPES: [&str; 2] = ["out", "err"];

/// What evcxr said and how a cell's process answers.
const ORDER: &str = "LOAD_AND_RUN ";
const PANICKED: &str = "EVCXR_PANIC_NOTIFICATION";
const FAILED: &str = "EVCXR_ERROR_OCCURRED";
const LOST: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";
const COMPLETE: &str = "EVCXR_EXECUTION_COMPLETE";

/// evcxr's pipes: the first three files of the process when it started.
static THEIRS: OnceLock<[OwnedFd; 3]> = OnceLock::new();

/// Runs cells until the engine ends.
pub(crate) fn serve() -> Result<()> {
    // A first interrupt asks the running call to stop: a library that listens for it returns what
    // it has. It must not end the process, which holds the notebook's variables.
    signal_hook::flag::register(
        signal_hook::consts::SIGINT,
        Arc::new(AtomicBool::new(false)),
    )?;
    // What cells start belongs to this group, and ends with it. Where it cannot be made, only the
    // processes themselves are ended.
    let _ = rustix::process::setpgid(None, None);
    if let Some(socket) = std::env::var_os(cells::SOCKET) {
        cells::follow(Path::new(&socket))?;
    }
    match std::env::var_os(SHOWS) {
        Some(socket) => run(Path::new(&socket)),
        None => {
            evcxr::runtime_hook();
            Ok(())
        }
    }
}

/// Gives evcxr's pipes back to this process, before it starts itself again.
pub(crate) fn give_back() -> std::io::Result<()> {
    if let Some([input, output, errors]) = THEIRS.get() {
        rustix::stdio::dup2_stdin(input)?;
        rustix::stdio::dup2_stdout(output)?;
        rustix::stdio::dup2_stderr(errors)?;
    }
    Ok(())
}

/// Ends what cells have started, and this process.
pub(crate) fn end_all() -> ! {
    if rustix::process::getpgrp() == rustix::process::getpid() {
        // Nothing is left to be done where that fails.
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::KILL);
    }
    std::process::abort()
}

fn run(socket: &Path) -> Result<()> {
    let theirs = [
        std::io::stdin().as_fd().try_clone_to_owned()?,
        std::io::stdout().as_fd().try_clone_to_owned()?,
        std::io::stderr().as_fd().try_clone_to_owned()?,
    ];
    let orders = File::from(theirs[0].try_clone()?);
    let mut answers = File::from(theirs[1].try_clone()?);
    let engine = UnixStream::connect(socket).context("the engine of these cells has gone")?;
    let input = Input::new(socket)?;
    let pipe = |name: &str| {
        File::options()
            .write(true)
            .open(socket.with_file_name(name))
    };
    let [out, err] = PIPES.map(pipe);
    let (out, err) = (out?, err?);
    let _ = THEIRS.set(theirs);
    rustix::stdio::dup2_stdout(&out)?;
    rustix::stdio::dup2_stderr(&err)?;
    native_signals();
    let mut heard = BufReader::new(engine.try_clone()?);
    let mut variables = std::ptr::null_mut();
    for order in BufReader::new(orders).lines() {
        let order = order?;
        let Some((library, function)) = order
            .strip_prefix(ORDER)
            .and_then(|rest| rest.rsplit_once(' '))
        else {
            bail!("{order:?} is no order for a process of cells");
        };
        // What a cell has closed is open for the next.
        if rustix::io::fcntl_getfd(std::io::stdout()).is_err() {
            rustix::stdio::dup2_stdout(&out)?;
        }
        if rustix::io::fcntl_getfd(std::io::stderr()).is_err() {
            rustix::stdio::dup2_stderr(&err)?;
        }
        input.watch()?;
        let ran = load_and_run(library, function, variables);
        input.rest();
        variables = ran.with_context(|| format!("{library} cannot be loaded"))?;
        link::send(&engine, &Word::Done)?;
        let outcome: Outcome = link::receive(&mut heard)?.context("the engine has gone")?;
        write!(answers, "{}", evcxr_lines(&outcome))?;
    }
    std::process::exit(0)
}

/// How evcxr is told of a cell's end.
fn evcxr_lines(outcome: &Outcome) -> String {
    let mut lines: Vec<String> = Vec::new();
    if outcome.panicked {
        lines.push(PANICKED.into());
    }
    if outcome.failed {
        lines.push(FAILED.into());
    }
    lines.extend(outcome.lost.iter().map(|name| format!("{LOST}{name}")));
    lines.push(COMPLETE.into());
    lines.join("\n") + "\n"
}

/// A stack overflow and the like end the process by their own signal, which the engine explains.
#[allow(unsafe_code)]
fn native_signals() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the system's own action needs no function of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Loads a cell and calls it with the notebook's variables; where they are then.
///
/// It stays loaded: variables can hold pointers into it.
#[allow(unsafe_code)]
fn load_and_run(
    library: &str,
    function: &str,
    variables: *mut c_void,
) -> Result<*mut c_void, libloading::Error> {
    // SAFETY: evcxr has just compiled the library, with a function of this name and type, and the pointer
    // is null or what such a function has returned before, as in evcxr's own process.
    unsafe {
        let library = libloading::Library::new(library)?;
        let cell = library
            .get::<extern "C" fn(*mut c_void) -> *mut c_void>(function.as_bytes())
            .map(|cell| *cell);
        std::mem::forget(library);
        Ok(cell?(variables))
    }
}

/// Standard input of cells: nobody types there, so whoever waits for a line has the engine ask for it.
struct Input {
    state: Arc<InputState>,
    watcher: std::thread::Thread,
}

struct InputState {
    /// The end at which lines are put in; None when it has been closed, since nobody could be asked.
    far: Mutex<Option<UnixStream>>,
    running: AtomicBool,
}

impl Input {
    fn new(socket: &Path) -> Result<Self> {
        let state = Arc::new(InputState {
            far: Mutex::new(None),
            running: AtomicBool::new(false),
        });
        let (theirs, engine) = (state.clone(), UnixStream::connect(socket)?);
        let thread = std::thread::Builder::new().name("input".into());
        let watcher = thread
            .spawn(move || theirs.serve(&engine))?
            .thread()
            .clone();
        Ok(Self { state, watcher })
    }

    /// From here on a cell runs.
    fn watch(&self) -> Result<()> {
        let mut far = self.state.far();
        if far.is_none() {
            let (near, new) = UnixStream::pair()?;
            // When `new` is closed with this unread, who reads from `near` gets an error, not an end.
            (&near).write_all(b"\n")?;
            rustix::stdio::dup2_stdin(&near)?;
            // Where nobody can see that a cell waits, it gets the error at once.
            *far = Path::new("/proc/self/task").exists().then_some(new);
        }
        drop(far);
        self.state.running.store(true, Ordering::SeqCst);
        self.watcher.unpark();
        Ok(())
    }

    fn rest(&self) {
        self.state.running.store(false, Ordering::SeqCst);
    }
}

impl InputState {
    fn far(&self) -> std::sync::MutexGuard<'_, Option<UnixStream>> {
        self.far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks every now and then whether a cell waits for input, and has it asked for.
    fn serve(&self, engine: &UnixStream) {
        let Ok(heard) = engine.try_clone() else {
            return;
        };
        let mut heard = BufReader::new(heard);
        loop {
            if !self.running.load(Ordering::SeqCst) {
                std::thread::park();
                continue;
            }
            let begin = Instant::now();
            while self.running.load(Ordering::SeqCst) {
                // A cell that computes for minutes is looked at less often.
                let pause =
                    (begin.elapsed() / 20).clamp(Duration::from_millis(50), Duration::from_secs(1));
                std::thread::sleep(pause);
                if self.far().is_none() || !waits_for_input() {
                    continue;
                }
                // Time for the question to come out: lines without an end do so every 100 ms.
                std::thread::sleep(Duration::from_millis(150));
                if !waits_for_input() {
                    continue;
                }
                if link::send(engine, &Word::Wants).is_err() {
                    return;
                }
                let Ok(Some(line)) = link::receive::<Option<String>>(&mut heard) else {
                    return;
                };
                let mut far = self.far();
                match (line, far.as_mut()) {
                    // One that has stopped to wait does not miss it.
                    (Some(line), Some(far)) => drop(writeln!(far, "{line}")),
                    _ => *far = None,
                }
            }
        }
    }
}

/// True while a thread of this process, or a process that it has started, reads from our input.
fn waits_for_input() -> bool {
    let ours = fs::read_link("/proc/self/fd/0").ok();
    let mut processes = vec![PathBuf::from("/proc/self")];
    let mut seen = 0;
    while let Some(process) = processes.pop() {
        seen += 1;
        if seen > 64 {
            return false;
        }
        let same = fs::read_link(process.join("fd/0")).ok() == ours;
        for task in fs::read_dir(process.join("task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            if same && reads_input(&read("syscall")) {
                return true;
            }
            let children = read("children");
            processes.extend(
                children
                    .split_whitespace()
                    .map(|id| Path::new("/proc").join(id)),
            );
        }
    }
    false
}

/// True for what Linux says of a thread that is inside of `read(0, …)`.
fn reads_input(call: &str) -> bool {
    let number = if cfg!(target_arch = "x86_64") {
        "0"
    } else {
        "63"
    };
    let mut words = call.split_whitespace();
    words.next() == Some(number) && words.next() == Some("0x0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evcxr_hears_of_the_end_in_its_own_words() {
        assert_eq!(
            evcxr_lines(&Outcome::default()),
            "EVCXR_EXECUTION_COMPLETE\n"
        );
        let outcome = Outcome {
            panicked: true,
            failed: false,
            lost: vec!["x".into()],
        };
        let lines = evcxr_lines(&outcome);
        assert_eq!(
            lines.lines().collect::<Vec<_>>(),
            [
                "EVCXR_PANIC_NOTIFICATION",
                "EVCXR_VARIABLE_CHANGED_TYPE:x",
                "EVCXR_EXECUTION_COMPLETE"
            ]
        );
    }

    #[test]
    fn only_a_read_of_the_input_waits_for_it() {
        let number = if cfg!(target_arch = "x86_64") { 0 } else { 63 };
        assert!(reads_input(&format!(
            "{number} 0x0 0x7f00 0x2000 0x0 0x0 0x0 0x7ffe 0x7f11\n"
        )));
        assert!(!reads_input(&format!("{number} 0x5 0x7f00 0x2000")));
        assert!(!reads_input("running\n"));
        assert!(!reads_input("202 0x0 0x80"));
    }
}
