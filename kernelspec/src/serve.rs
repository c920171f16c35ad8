//! Serves a device of this machine to notebooks on other machines.

use crate::runtime::Runtime;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct Options {
    /// auto, cpu, cuda:N, rocm:N or wgpu:N, of those that the runtime is installed with.
    #[arg(long, default_value = "auto")]
    device: String,
    /// UDP port.
    #[arg(long, default_value_t = 7788)]
    port: u16,
    /// File of the server's key, made if it is not there; the token comes from it
    /// [default: .config/bullwhip/server.key in the user's folder].
    #[arg(long)]
    key: Option<PathBuf>,
    /// Write the token into this file, for you alone, and do not print it.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// GB of memory that one client may hold [default: half of what is free, or all that a GPU has].
    #[arg(long)]
    memory: Option<f64>,
    /// Clients at a time.
    #[arg(long, default_value_t = 16)]
    clients: usize,
}

impl Options {
    /// As the runtime's program takes them.
    fn words(self) -> Vec<OsString> {
        let named = |name: &str, value: OsString| {
            let mut word = OsString::from(format!("{name}="));
            word.push(value);
            word
        };
        let mut words = vec![
            named("device", self.device.into()),
            named("port", self.port.to_string().into()),
            named("clients", self.clients.to_string().into()),
        ];
        words.extend(self.key.map(|file| named("key", file.into())));
        words.extend(self.token_file.map(|file| named("token_file", file.into())));
        words.extend(self.memory.map(|gb| named("memory", gb.to_string().into())));
        words
    }
}

/// Compiles the runtime with `serve` where it is without, and serves until Ctrl-C.
pub(crate) fn serve(options: Options) -> Result<()> {
    let runtime = Runtime::locate()?;
    let mut features = runtime.features();
    if !features.iter().any(|name| name == "serve") {
        features.push("serve".into());
        runtime.set_features(&features)?;
    }
    runtime.prepare(&|_| ())?;
    let mut program = runtime.devices();
    program.arg("serve").args(options.words());
    // Ctrl-C reaches both: the program ends, and then this one.
    let status = program
        .status()
        .context("the runtime's program does not start")?;
    if !status.success() {
        bail!("the server has ended: {status}");
    }
    Ok(())
}
