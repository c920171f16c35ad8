//! Says what is there and what is missing.

use crate::kernelspec::kernel_dir;
use crate::lab;
use crate::process;
use crate::runtime::{Runtime, rustc_version};
use crate::spare;
use anyhow::{Result, bail};
use std::path::Path;

/// Prints a checklist; an error when something that is needed is missing.
pub(crate) fn doctor() -> Result<()> {
    let mut list = List::default();
    tools(&mut list);
    match Runtime::locate() {
        Ok(runtime) => {
            compiled(&mut list, &runtime);
            waiting(&mut list, &runtime);
        }
        Err(e) => list.line(false, true, "sources", &e.to_string()),
    }
    let installed = kernel_dir(None).is_ok_and(|d| d.join("kernel.json").is_file());
    list.line(
        installed,
        false,
        "kernel registered with Jupyter",
        "`bullwhip-kernel install`",
    );
    if list.missing > 0 {
        bail!("{} needed things are missing", list.missing);
    }
    Ok(())
}

/// A checklist, printed line by line.
#[derive(Default)]
struct List {
    /// Needed things that are not there.
    missing: usize,
}

impl List {
    fn line(&mut self, good: bool, needed: bool, what: &str, remedy: &str) {
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
        self.missing += usize::from(needed && !good);
    }
}

/// What must be installed, and what may be.
fn tools(list: &mut List) {
    list.line(
        rustc_version().is_ok(),
        true,
        "rustc",
        "install Rust with rustup",
    );
    list.line(
        lab::starts(Path::new("cargo")),
        true,
        "cargo",
        "install Rust with rustup",
    );
    list.line(
        lab::starts(Path::new("cc")),
        true,
        "a C compiler as linker (cc)",
        "install gcc or clang",
    );
    list.line(
        lab::starts(Path::new("mold")),
        false,
        "mold",
        "optional: a faster linker, used where it is on PATH",
    );
    let found = lab::found();
    list.line(
        found.is_some(),
        false,
        "JupyterLab",
        "only needed for notebooks in a browser; `bullwhip-kernel lab` installs it",
    );
    if let Some(program) = found {
        list.line(
            lab::has_widgets(&program),
            false,
            &format!("widgets in {}", program.display()),
            "the sliders of `explore` stand still without them; install `jupyterlab_widgets` beside JupyterLab (`pip install jupyterlab_widgets`)",
        );
    }
}

/// The sources, what they are compiled to, and the devices that notebooks can have.
fn compiled(list: &mut List, runtime: &Runtime) {
    list.line(
        true,
        true,
        &format!("sources at {}", runtime.source.display()),
        "",
    );
    list.line(
        runtime.is_fresh(),
        false,
        "notebook runtime compiled",
        "`bullwhip-kernel install` or the first run compiles it",
    );
    // The runtime's own program asks the drivers.
    if runtime.is_fresh()
        && let Ok(output) = runtime.devices().output()
    {
        for device in String::from_utf8_lossy(&output.stdout).lines() {
            list.line(true, false, &format!("device {device}"), "");
        }
    }
}

/// The evaluators that wait for a notebook, or why there is none.
fn waiting(list: &mut List, runtime: &Runtime) {
    let waiting = spare::free(runtime);
    for found in &waiting {
        let memory = process::memory(found.process).unwrap_or(0) as f64 / 1e9;
        let state = if found.warm { "warm" } else { "warming up" };
        let what = format!(
            "engine waiting for a notebook: process {}, {state}, {memory:.1} GB",
            found.process
        );
        list.line(true, false, &what, "");
    }
    if waiting.is_empty() {
        let remedy = match (spare::wanted(), process::memory_allows()) {
            (0, _) => {
                "switched off by BULLWHIP_SPARES=0; each notebook starts in about half a minute"
            }
            (_, false) => {
                "less than 4 GB of memory are free; each notebook starts in about half a minute"
            }
            _ => {
                "the next notebook starts in about half a minute; `bullwhip-kernel install` warms one up"
            }
        };
        list.line(false, false, "engine waiting for a notebook", remedy);
    }
}
