//! Standard input of the process that runs cells.

use crate::link::{self, Word};
use anyhow::Result;
use std::fs;
use std::io::{BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Standard input of cells: nobody types there, so whoever waits for a line has the evaluator ask for it.
pub(crate) struct Input {
    state: Arc<InputState>,
    watcher: std::thread::Thread,
}

struct InputState {
    /// The end at which lines are put in; None when it has been closed, since nobody could be asked.
    far: Mutex<Option<UnixStream>>,
    running: AtomicBool,
}

impl Input {
    pub(crate) fn new(socket: &Path) -> Result<Self> {
        let state = Arc::new(InputState {
            far: Mutex::new(None),
            running: AtomicBool::new(false),
        });
        let (theirs, evaluator) = (state.clone(), UnixStream::connect(socket)?);
        let thread = std::thread::Builder::new().name("input".into());
        let watcher = thread
            .spawn(move || theirs.serve(&evaluator))?
            .thread()
            .clone();
        Ok(Self { state, watcher })
    }

    /// From here on a cell runs.
    pub(crate) fn watch(&self) -> Result<()> {
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

    pub(crate) fn rest(&self) {
        self.state.running.store(false, Ordering::SeqCst);
    }
}

impl InputState {
    fn far(&self) -> std::sync::MutexGuard<'_, Option<UnixStream>> {
        self.far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks every now and then whether a cell waits for input, and has it asked for.
    fn serve(&self, evaluator: &UnixStream) {
        let Ok(heard) = evaluator.try_clone() else {
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
                if link::send(evaluator, &Word::Wants).is_err() {
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
