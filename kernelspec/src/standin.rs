//! Stands in for cargo inside a session, so that cells are built like the toolkit, and fast.
//!
//! evcxr builds cells with cargo's development profile, in a folder of another name than the release
//! build of the workspace; cargo then counts every dependency as changed. For a session's own crate
//! `cargo build` and `cargo check` therefore mean `cargo build --release`. Where the user has added no dependency,
//! nothing but the cell can have changed, and the compiler is called without cargo, which would spend
//! most of a second on finding that out. Everything else is passed on as it is.

use crate::compile::compile;
use crate::instrument;
use crate::known;
use crate::link::SHOWS;
use crate::metadata::metadata;
use crate::toolchain::{CARGO, CELL_PROFILE, RUSTC, rustup, with_home};
use anyhow::{Context, Result};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where evcxr wants to read the path of a cell's library.
const LIBRARY_FILE: &str = "EVCXR_EXECUTION_SO_PATH";
/// In a session's folder: the cell that is compiled, as its writer has it.
pub(crate) const CELL: &str = "cell.rs";

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
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let dir = std::env::var_os("EVCXR_TMPDIR").map(PathBuf::from);
    // A `!cargo …` of the user's in a folder of theirs is none of our business.
    let ours = dir.filter(|dir| std::env::current_dir().is_ok_and(|here| &here == dir));
    let Some(dir) = ours else {
        let error = with_home(&mut Command::new(real)).args(arguments).exec();
        return Err(error).context("cargo cannot be started");
    };
    known::keep_versions(&dir)?;
    if std::env::var_os(SHOWS).is_some() {
        prepare_source(&dir, arguments.first())?;
    }
    if arguments.first().is_some_and(|verb| verb == "metadata") {
        if known::asks_for_known(&dir) {
            return Ok(());
        }
        return metadata(&dir, &real, &arguments);
    }
    let status = match direct(&dir, &arguments) {
        Some((mut rustc, library)) => {
            let status = compile(&dir, rustc.stderr(Stdio::piped()))?;
            if let (true, Some(file)) = (status.success(), std::env::var_os(LIBRARY_FILE)) {
                fs::write(file, library.as_os_str().as_encoded_bytes())?;
            }
            status
        }
        None => {
            let mut command = Command::new(real);
            with_home(&mut command);
            for argument in arguments {
                if argument == "build" || argument == "check" {
                    // A check would compile all dependencies once more, for what it reads of them.
                    command.args(["build", "--release"]).args(CELL_PROFILE);
                } else {
                    command.arg(argument);
                }
            }
            compile(&dir, command.stdout(Stdio::piped()).stderr(Stdio::piped()))?
        }
    };
    std::process::exit(status.code().unwrap_or(1));
}

/// Has the source of a cell tell the kernel what evcxr's would print; see `instrument`.
fn prepare_source(dir: &Path, verb: Option<&OsString>) -> Result<()> {
    let file = dir.join("src/lib.rs");
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap_or_default();
    let toolkit = manifest.lines().any(|line| line.starts_with("bullwhip = "));
    let source = fs::read_to_string(&file)?;
    let changed = match verb.and_then(|verb| verb.to_str()) {
        Some("build") if toolkit => {
            let cell = fs::read_to_string(dir.join(CELL)).unwrap_or_default();
            instrument::instrument(&source, &cell)
        }
        Some("check") => instrument::with_static_variables(&source),
        _ => return Ok(()),
    };
    if changed != source {
        fs::write(&file, changed)?;
    }
    Ok(())
}

/// The compiler's call for a cell that depends on nothing but the toolkit, and the library it makes.
fn direct(dir: &Path, arguments: &[OsString]) -> Option<(Command, PathBuf)> {
    let verb = arguments.first()?.to_str()?;
    let target = arguments.iter().position(|a| a == "--target")?;
    let target = arguments.get(target + 1)?;
    let rustc = std::env::var_os(RUSTC)?;
    // Settings of evcxr's that only cargo knows what to do with.
    let plain = std::env::var_os("RUSTC_WRAPPER").is_none()
        && std::env::var_os("RUSTC").is_none_or(|chosen| chosen == rustc);
    if !plain {
        return None;
    }
    let level = known::level(dir)?;
    let deps = dir.join("target").join(target).join("release/deps");
    let mut command = Command::new(rustc);
    command
        .args(["--crate-name", "ctx", "--edition=2024", "src/lib.rs"])
        .args([
            "--crate-type",
            "cdylib",
            "--error-format=json",
            "-Cstrip=debuginfo",
            // As in `CELL_PROFILE`.
            "-Coverflow-checks=on",
        ])
        .arg(format!("-Copt-level={level}"))
        .arg(format!(
            "--emit={}",
            if verb == "build" { "link" } else { "metadata" }
        ))
        .arg("--target")
        .arg(target)
        .arg("--out-dir")
        .arg(&deps)
        .arg("-L")
        .arg(in_folder("dependency=", &deps))
        .arg("-L")
        .arg(in_folder("dependency=", &dir.join("target/release/deps")))
        .arg("--extern")
        .arg(in_folder(
            "bullwhip=",
            &deps.join(shared_library("bullwhip_notebook")),
        ));
    matches!(verb, "build" | "check").then(|| (command, deps.join(shared_library("ctx"))))
}

fn in_folder(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

/// How a shared library is called on this system.
fn shared_library(name: &str) -> String {
    format!(
        "{}{name}{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    )
}
