//! Registers the kernel with Jupyter, and removes it.

use crate::lab;
use crate::runtime::{Runtime, cache_dir};
use crate::spare;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

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
                "no engine waits (BULLWHIP_SPARES=0): each notebook starts in about a minute",
            (None, _) if !spare::memory_allows() =>
                "less than 4 GB of memory are free, so no engine waits: each notebook starts in about a minute",
            _ =>
                "an engine warms up in the background, for about a minute: after that the next notebook starts in seconds",
        }
    );
    println!("start it with: jupyter lab, kernel \"Rust (bullwhip)\"; or `bullwhip-kernel lab`");
    Ok(())
}

/// Writes the kernelspec into a Jupyter data folder; its own folder there.
pub(crate) fn register(data: &Path) -> Result<PathBuf> {
    let dir = data.join("kernels").join("bullwhip");
    write_kernelspec(&dir, &std::env::current_exe()?)?;
    Ok(dir)
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

/// The kernel's folder in the user's Jupyter data folder, or in `prefix`.
pub(crate) fn kernel_dir(prefix: Option<PathBuf>) -> Result<PathBuf> {
    let data = prefix.map_or_else(data_dir, Ok)?;
    Ok(data.join("kernels").join("bullwhip"))
}

/// The user's Jupyter data folder.
fn data_dir() -> Result<PathBuf> {
    match std::env::var_os("JUPYTER_DATA_DIR") {
        Some(dir) => Ok(dir.into()),
        None => jupyter_zmq_client::dirs::user_data_dir()
            .context("there is no Jupyter data folder for this user; give --prefix"),
    }
}

fn write_kernelspec(dir: &Path, program: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let spec = serde_json::json!({
        "argv": [program, "--control_file", "{connection_file}"],
        "display_name": "Rust (bullwhip)",
        "language": "rust",
        "interrupt_mode": "message",
    });
    fs::write(
        dir.join("kernel.json"),
        serde_json::to_string_pretty(&spec)?,
    )?;
    fs::write(dir.join("logo-svg.svg"), include_bytes!("../logo-svg.svg"))?;
    fs::write(
        dir.join("logo-32x32.png"),
        include_bytes!("../logo-32x32.png"),
    )?;
    fs::write(
        dir.join("logo-64x64.png"),
        include_bytes!("../logo-64x64.png"),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernelspec_starts_this_program() {
        let dir = std::env::temp_dir().join(format!("bullwhip-install-{}", std::process::id()));
        write_kernelspec(&dir, Path::new("/opt/bullwhip-kernel")).expect("written");
        let text = fs::read_to_string(dir.join("kernel.json")).expect("a file");
        let spec: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(spec["argv"][0], "/opt/bullwhip-kernel");
        assert_eq!(spec["argv"][2], "{connection_file}");
        assert!(
            fs::read(dir.join("logo-64x64.png"))
                .expect("a logo")
                .starts_with(b"\x89PNG")
        );
        fs::remove_dir_all(dir).expect("cleaned up");
    }
}
