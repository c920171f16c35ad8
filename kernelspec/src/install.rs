//! Registers the kernel with Jupyter, and removes it.

use crate::kernelspec::{data_dir, kernel_dir, register};
use crate::lab;
use crate::process;
use crate::runtime::{Runtime, cache_dir};
use crate::spare;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;

/// Compiles the runtime and writes `kernels/bullwhip` into the Jupyter data folder.
pub(crate) fn install(prefix: Option<PathBuf>, features: Option<Vec<String>>) -> Result<()> {
    let runtime = Runtime::locate()?;
    if let Some(features) = features {
        runtime.set_features(&features)?;
    }
    runtime.prepare(&|_| ())?;
    let dir = match prefix {
        Some(data) => register(&data)?,
        None => register(&data_dir()?)?,
    };
    println!("installed {}", dir.display());
    spare::start_next(&runtime)?;
    // One that has just been started tells so a moment later.
    println!(
        "{}",
        match (spare::free(&runtime).first(), spare::wanted()) {
            (Some(found), _) if found.warm =>
                "an engine waits: the next notebook starts in seconds",
            (None, 0) =>
                "no engine waits (BULLWHIP_SPARES=0): each notebook starts in about half a minute",
            (None, _) if !process::memory_allows() =>
                "less than 4 GB of memory are free, so no engine waits: each notebook starts in about half a minute",
            _ =>
                "an engine warms up in the background, for about half a minute: after that the next notebook starts in seconds",
        }
    );
    println!("start it with: jupyter lab, kernel \"Rust (bullwhip)\"; or `bullwhip-kernel lab`");
    Ok(())
}

/// Removes the kernelspec and the compiled runtimes; says so when there was none.
pub(crate) fn uninstall(prefix: Option<PathBuf>) -> Result<()> {
    let dir = kernel_dir(prefix)?;
    let homes = Runtime::homes()?;
    let ended: usize = homes.iter().map(|home| spare::end_all(home)).sum();
    if ended > 0 {
        println!(
            "ended {ended} waiting engine{}",
            if ended == 1 { "" } else { "s" }
        );
    }
    let serving: Vec<u32> = homes.iter().flat_map(|home| spare::in_use(home)).collect();
    if !serving.is_empty() {
        bail!(
            "notebooks are open (processes {serving:?}), and need what would be removed; close them first"
        );
    }
    let mut removed = vec![dir, lab::private_dir()?, lab::data_dir()?];
    removed.extend(homes);
    for dir in removed {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;
            println!("removed {}", dir.display());
        } else {
            println!("nothing at {}", dir.display());
        }
    }
    // The cache itself, where nothing of another checkout is in it.
    let _ = fs::remove_dir(cache_dir()?);
    Ok(())
}
