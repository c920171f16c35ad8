//! The pipes by which evcxr gives orders to the process that runs cells, and the end of that process.

use std::os::fd::OwnedFd;
use std::sync::OnceLock;

/// evcxr's pipes: the first three files of the process when it started.
pub(crate) static THEIRS: OnceLock<[OwnedFd; 3]> = OnceLock::new();

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
