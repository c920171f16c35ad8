//! evcxr's own Jupyter kernel in a session of ours, to measure against.

use crate::link::{CELLS, SHOWS};
use crate::runtime::Runtime;
use crate::session::Session;
use crate::toolchain;
use anyhow::{Context, Result};
use std::process::Command;

/// Set by whoever wants evcxr's kernel instead of ours.
pub(crate) const WANTED: &str = "BULLWHIP_STOCK";
/// Set in the process that is evcxr's kernel.
pub(crate) const INSIDE: &str = "BULLWHIP_STOCK_INSIDE";

/// Serves the connection file in the arguments with `evcxr_jupyter::main`, from a prepared folder.
///
/// The environment of a session must be set before evcxr starts, so this program starts itself
/// again with it, waits, and cleans up.
pub(crate) fn serve() -> Result<()> {
    let runtime = Runtime::locate()?;
    runtime.prepare(&|_| ())?;
    let session = Session::new(&runtime)?;
    let status = toolchain::without_package(&mut Command::new(std::env::current_exe()?))
        .args(std::env::args_os().skip(1))
        .envs(session.environment(&runtime)?)
        .env_remove("BULLWHIP_KERNEL")
        .env_remove(toolchain::INCREMENTAL)
        .env_remove(CELLS)
        .env_remove(SHOWS)
        .env(INSIDE, "1")
        .status()
        .context("the kernel cannot be started")?;
    drop(session);
    std::process::exit(status.code().unwrap_or(1));
}
