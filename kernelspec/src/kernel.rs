//! The kernel process that Jupyter starts: a session of its own, and evcxr inside it.

use crate::runtime::Runtime;
use crate::session::Session;
use anyhow::{Context, Result};
use std::process::Command;

/// Serves the connection file in the arguments until Jupyter ends it.
///
/// The environment of a session must be set before evcxr starts, so this process starts itself
/// again with it, waits, and cleans up.
pub(crate) fn serve() -> Result<()> {
    if std::env::var_os("BULLWHIP_KERNEL").is_some() {
        return evcxr_jupyter::main();
    }
    let runtime = Runtime::locate()?;
    runtime.prepare()?;
    let session = Session::new(&runtime)?;
    let status = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .envs(session.environment(&runtime)?)
        .status()
        .context("the kernel cannot be started")?;
    drop(session);
    std::process::exit(status.code().unwrap_or(1));
}
