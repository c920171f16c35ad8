//! A session's tools: this program under the names of cargo and rustup, and where the real ones are.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const CARGO: &str = "BULLWHIP_CARGO";
pub(crate) const RUSTC: &str = "BULLWHIP_RUSTC";
const CARGO_HOME: &str = "BULLWHIP_CARGO_HOME";

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

/// A setting of the user's that goes before the profile's, and has our crates compiled again where it has changed.
pub(crate) const INCREMENTAL: &str = "CARGO_INCREMENTAL";

/// Sums that overflow panic: in cells, and in the toolkit, as the workspace's Cargo.toml has it.
pub(crate) const CELL_PROFILE: [&str; 4] = [
    "--config",
    "profile.release.package.ctx.overflow-checks=true",
    "--config",
    "profile.release.package.bullwhip.overflow-checks=true",
];

/// A folder that rust-analyzer takes for cargo's, so that it asks us: the user's, but for `cargo`.
pub(crate) fn home(dir: &Path) -> Result<Vec<(OsString, OsString)>> {
    let theirs = match std::env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => std::env::home_dir()
            .context("this user has no home folder")?
            .join(".cargo"),
    };
    fs::create_dir_all(dir.join("bin"))?;
    for (from, to) in [
        (theirs.clone(), dir.to_path_buf()),
        (theirs.join("bin"), dir.join("bin")),
    ] {
        for entry in fs::read_dir(&from).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != "bin" && name != "cargo" {
                std::os::unix::fs::symlink(entry.path(), to.join(name))?;
            }
        }
    }
    std::os::unix::fs::symlink(std::env::current_exe()?, dir.join("bin/cargo"))?;
    Ok(vec![
        ("CARGO_HOME".into(), dir.into()),
        (CARGO_HOME.into(), theirs.into()),
    ])
}

/// Gives the real cargo the real folder back.
pub(crate) fn with_home(command: &mut Command) -> &mut Command {
    if let Some(home) = std::env::var_os(CARGO_HOME) {
        command.env("CARGO_HOME", home);
    }
    command
}

/// Takes away what a cargo that has started this program tells of the package it has built: crates that
/// look at it would be compiled anew.
pub(crate) fn without_package(command: &mut Command) -> &mut Command {
    let names = ["OUT_DIR", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CFG_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if names.contains(&&*text) || prefixes.iter().any(|p| text.starts_with(p)) {
            command.env_remove(&name);
        }
    }
    command
}

/// evcxr asks `rustup which cargo` and `rustup which rustc`, and nothing else.
pub(crate) fn rustup(program: &Path) -> Result<()> {
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

/// `dir` followed by what the search path `variable` holds now.
pub(crate) fn in_front(variable: &str, dir: &Path) -> OsString {
    let mut path = dir.as_os_str().to_owned();
    if let Some(old) = std::env::var_os(variable) {
        path.push(":");
        path.push(old);
    }
    path
}
