//! The kernel's entry in a Jupyter data folder.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Writes the kernelspec into a Jupyter data folder; its own folder there.
pub(crate) fn register(data: &Path) -> Result<PathBuf> {
    let dir = data.join("kernels").join("bullwhip");
    write_kernelspec(&dir, &std::env::current_exe()?)?;
    Ok(dir)
}

/// The kernel's folder in the user's Jupyter data folder, or in `prefix`.
pub(crate) fn kernel_dir(prefix: Option<PathBuf>) -> Result<PathBuf> {
    let data = prefix.map_or_else(data_dir, Ok)?;
    Ok(data.join("kernels").join("bullwhip"))
}

/// The user's Jupyter data folder.
pub(crate) fn data_dir() -> Result<PathBuf> {
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
