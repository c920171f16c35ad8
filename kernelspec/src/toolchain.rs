//! Stands in for cargo and rustup inside a session, so that cells are built like the toolkit.
//!
//! evcxr builds cells with cargo's development profile, in a folder of another name than the release
//! build of the workspace; cargo then counts every dependency as changed. Inside a session `cargo
//! build` and `cargo check` therefore mean `--release`. Everything else is passed on as it is.

use crate::session::in_front;
use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

const CARGO: &str = "BULLWHIP_CARGO";
const RUSTC: &str = "BULLWHIP_RUSTC";

/// Makes `bin` with this program under the two names, and what it needs to find the real tools.
pub(crate) fn environment(bin: &Path) -> Result<Vec<(OsString, OsString)>> {
    std::fs::create_dir_all(bin)?;
    let program = std::env::current_exe()?;
    for name in ["cargo", "rustup"] {
        std::os::unix::fs::symlink(&program, bin.join(name))
            .with_context(|| format!("{} cannot be made", bin.join(name).display()))?;
    }
    Ok(vec![
        ("PATH".into(), in_front("PATH", bin)),
        (CARGO.into(), real("cargo")?.into()),
        (RUSTC.into(), real("rustc")?.into()),
    ])
}

/// The folder of the compiler's shared standard library.
pub(crate) fn standard_library() -> Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir"])
        .output()
        .context("rustc cannot be started; install Rust with rustup")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().into())
}

/// The tool that rustup would start, or the one on PATH.
fn real(tool: &str) -> Result<PathBuf> {
    if let Ok(output) = Command::new("rustup").args(["which", tool]).output()
        && output.status.success()
    {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(tool))
        .find(|file| file.is_file())
        .with_context(|| format!("{tool} is not on PATH; install Rust with rustup"))
}

/// When this program was started as cargo or rustup, does their work; else None.
pub(crate) fn serve() -> Option<Result<()>> {
    let name = std::env::args_os().next()?;
    match Path::new(&name).file_name().and_then(OsStr::to_str) {
        Some("cargo") => Some(cargo()),
        Some("rustup") => Some(rustup(Path::new(&name))),
        _ => None,
    }
}

fn cargo() -> Result<()> {
    let real = std::env::var_os(CARGO).context("this cargo belongs to a notebook session")?;
    let mut command = Command::new(real);
    for argument in std::env::args_os().skip(1) {
        let builds = argument == "build" || argument == "check";
        command.arg(argument);
        if builds {
            command.arg("--release");
        }
    }
    let status = command.status().context("cargo cannot be started")?;
    std::process::exit(status.code().unwrap_or(1));
}

/// evcxr asks `rustup which cargo` and `rustup which rustc`, and nothing else.
fn rustup(program: &Path) -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let answer = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["which", "cargo"] => program_in_path(program)
            .context("PATH has changed")?
            .into_os_string(),
        ["which", "rustc"] => {
            std::env::var_os(RUSTC).context("this rustup belongs to a notebook session")?
        }
        _ => bail!("a notebook session uses the toolchain it was started with"),
    };
    println!("{}", answer.to_string_lossy());
    Ok(())
}

/// The stand-in for cargo beside this stand-in for rustup.
fn program_in_path(program: &Path) -> Option<PathBuf> {
    if let Some(dir) = program.parent().filter(|d| d.is_absolute()) {
        return Some(dir.join("cargo"));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|d| d.join("cargo"))
        .find(|f| f.is_file())
}
