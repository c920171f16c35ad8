//! Starts JupyterLab with the kernel, from the user's installation or from one of our own.

use crate::kernelspec;
use crate::runtime::{Runtime, cache_dir};
use crate::spare;
use crate::toolchain;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Prepares what notebooks need, and becomes JupyterLab; `arguments` are for it.
pub(crate) fn lab(arguments: &[OsString]) -> Result<()> {
    let runtime = Runtime::locate()?;
    let program = program()?;
    runtime.prepare(&|_| ())?;
    // Registered for this JupyterLab only: `install` does it for all.
    let data = data_dir()?;
    kernelspec::register(&data)?;
    spare::start_next(&runtime)?;
    eprintln!("starting {}, kernel \"Rust (bullwhip)\"", program.display());
    let error = Command::new(&program)
        .args(arguments)
        .env("JUPYTER_PATH", toolchain::in_front("JUPYTER_PATH", &data))
        .exec();
    Err(error).with_context(|| format!("{} cannot be started", program.display()))
}

/// Where our own JupyterLab is, or would be.
pub(crate) fn private_dir() -> Result<PathBuf> {
    Ok(cache_dir()?.join("lab"))
}

/// Where the kernel is registered for `lab`.
pub(crate) fn data_dir() -> Result<PathBuf> {
    Ok(cache_dir()?.join("jupyter"))
}

/// The user's `jupyter-lab`, or ours, which is installed when there is none.
fn program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("jupyter-lab"));
    // A shim of a version manager can be there without the program.
    if let Some(program) = found
        .into_iter()
        .find(|file| file.is_file() && starts(file))
    {
        return Ok(program);
    }
    let dir = private_dir()?;
    let program = dir.join("bin/jupyter-lab");
    let remedy = "JupyterLab cannot be installed (it takes Python's `venv` and `pip`, and the network); install it yourself (`pip install jupyterlab jupyterlab_widgets`) and run this again";
    if program.is_file() && starts(&program) {
        // One of before `explore` has no widgets. Without them notebooks run as well.
        if !has_widgets(&program) && pip(&dir, &["jupyterlab_widgets"]).is_err() {
            eprintln!(
                "the extension for widgets cannot be installed: what `explore` shows stands still"
            );
        }
        return Ok(program);
    }
    let Some(python) = ["python3", "python"]
        .into_iter()
        .find(|name| starts(Path::new(name)))
    else {
        bail!(
            "JupyterLab is not installed, and neither is Python 3 to install it with; install one of them, or use the notebooks in VS Code with its Jupyter extension after `bullwhip-kernel install`"
        );
    };
    eprintln!(
        "installing JupyterLab into {} (about a minute)",
        dir.display()
    );
    run(Command::new(python).args(["-m", "venv"]).arg(&dir)).context(remedy)?;
    pip(&dir, &["jupyterlab", "jupyterlab_widgets"]).context(remedy)?;
    Ok(program)
}

/// Installs packages into our own environment.
fn pip(dir: &Path, packages: &[&str]) -> Result<()> {
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    let python = dir.join("bin/python");
    run(Command::new(python).args(install).args(packages))
}

/// The JupyterLab that `lab` would start.
pub(crate) fn found() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let theirs = std::env::split_paths(&path).map(|dir| dir.join("jupyter-lab"));
    let ours = private_dir().ok().map(|dir| dir.join("bin/jupyter-lab"));
    let mut all = theirs.chain(ours);
    all.find(|file| file.is_file() && starts(file))
}

/// True when this JupyterLab has the extension for widgets, which `explore` moves.
pub(crate) fn has_widgets(program: &Path) -> bool {
    // Beside it is the program that knows where it looks for extensions.
    let told = Command::new(program.with_file_name("jupyter"))
        .args(["--paths", "--json"])
        .stderr(Stdio::null())
        .output();
    let Ok(told) = told else { return false };
    let paths: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
    let data = paths["data"].as_array().into_iter().flatten();
    let extension = Path::new("labextensions/@jupyter-widgets/jupyterlab-manager");
    data.filter_map(|path| path.as_str())
        .any(|path| Path::new(path).join(extension).is_dir())
}

/// True when a program is there and can tell its version.
pub(crate) fn starts(program: &Path) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if !status.success() {
        bail!("{:?} ended with {status}", command.get_program());
    }
    Ok(())
}
