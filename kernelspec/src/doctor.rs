//! Says what is there and what is missing.

use crate::install::kernel_dir;
use crate::runtime::{Runtime, rustc_version};
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// Prints a checklist; an error when something that is needed is missing.
pub(crate) fn doctor() -> Result<()> {
    let mut missing = 0;
    let mut line = |good: bool, needed: bool, what: &str, remedy: &str| {
        let mark = if good {
            "ok     "
        } else if needed {
            "MISSING"
        } else {
            "-      "
        };
        println!(
            "{mark}  {what}{}",
            if good {
                String::new()
            } else {
                format!(": {remedy}")
            }
        );
        missing += usize::from(needed && !good);
    };
    line(
        rustc_version().is_ok(),
        true,
        "rustc",
        "install Rust with rustup",
    );
    line(
        starts("cargo", "--version"),
        true,
        "cargo",
        "install Rust with rustup",
    );
    line(
        starts("cc", "--version"),
        true,
        "a C compiler as linker (cc)",
        "install gcc or clang",
    );
    line(
        starts("mold", "--version"),
        false,
        "mold",
        "optional: a faster linker, used where it is on PATH",
    );
    line(
        starts("jupyter", "--version"),
        false,
        "jupyter",
        "only needed for notebooks in a browser: pip install jupyterlab",
    );
    match Runtime::locate() {
        Ok(runtime) => {
            line(
                true,
                true,
                &format!("sources at {}", runtime.source.display()),
                "",
            );
            line(
                runtime.is_fresh(),
                false,
                "notebook runtime compiled",
                "`bullwhip-kernel install` or the first run compiles it",
            );
        }
        Err(e) => line(false, true, "sources", &e.to_string()),
    }
    let installed = kernel_dir(None).is_ok_and(|d| d.join("kernel.json").is_file());
    line(
        installed,
        false,
        "kernel registered with Jupyter",
        "`bullwhip-kernel install`",
    );
    if missing > 0 {
        bail!("{missing} needed things are missing");
    }
    Ok(())
}

fn starts(program: &str, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}
