//! Serves a device of this machine to notebooks on other machines.

use crate::runtime::Runtime;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// Compiles the runtime with `serve` where it is without, and serves until Ctrl-C.
pub(crate) fn serve(device: &str, port: u16, key: Option<PathBuf>) -> Result<()> {
    let runtime = Runtime::locate()?;
    let mut features = runtime.features();
    if !features.iter().any(|name| name == "serve") {
        features.push("serve".into());
        runtime.set_features(&features)?;
    }
    runtime.prepare(&|_| ())?;
    let mut program = runtime.devices();
    program.args(["serve", device, &port.to_string()]).args(key);
    // Ctrl-C reaches both: the program ends, and then this one.
    let status = program
        .status()
        .context("the runtime's program does not start")?;
    if !status.success() {
        bail!("the server has ended: {status}");
    }
    Ok(())
}
