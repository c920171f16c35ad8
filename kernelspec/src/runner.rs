//! Inside the process that runs cells: loads and runs them. What they print and read has pipes of its own,
//! apart from those by which evcxr gives orders and hears of their end.

use crate::input::Input;
use crate::link::{self, CELLS, Outcome, PIPES, SHOWS, Word};
use crate::obey;
use crate::pipes::THEIRS;
use anyhow::{Context, Result, bail};
use std::ffi::c_void;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What evcxr said and how a cell's process answers.
const ORDER: &str = "LOAD_AND_RUN ";
const PANICKED: &str = "EVCXR_PANIC_NOTIFICATION";
const FAILED: &str = "EVCXR_ERROR_OCCURRED";
const LOST: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";
const COMPLETE: &str = "EVCXR_EXECUTION_COMPLETE";

/// Runs cells until the evaluator ends.
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
    if let Some(socket) = std::env::var_os(CELLS) {
        obey::follow(Path::new(&socket))?;
    }
    match std::env::var_os(SHOWS) {
        Some(socket) => run(Path::new(&socket)),
        None => {
            evcxr::runtime_hook();
            Ok(())
        }
    }
}

fn run(socket: &Path) -> Result<()> {
    let theirs = [
        std::io::stdin().as_fd().try_clone_to_owned()?,
        std::io::stdout().as_fd().try_clone_to_owned()?,
        std::io::stderr().as_fd().try_clone_to_owned()?,
    ];
    let orders = File::from(theirs[0].try_clone()?);
    let mut answers = File::from(theirs[1].try_clone()?);
    let evaluator = UnixStream::connect(socket).context("the engine of these cells has gone")?;
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
    let mut heard = BufReader::new(evaluator.try_clone()?);
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
        link::send(&evaluator, &Word::Done)?;
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

/// A stack overflow and the like end the process by their own signal, which the evaluator explains.
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
}
