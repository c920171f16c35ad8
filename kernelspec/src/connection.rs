//! Connection files of kernels that `run` starts. Who has the key in one can run any code in its kernel, so
//! only the user can read them, and none is left.

use crate::process::is_alive;
use anyhow::{Context, Result};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A connection file, removed with this value.
pub(crate) struct ConnectionFile {
    pub(crate) path: PathBuf,
}

impl ConnectionFile {
    /// Writes one into the runtime's folder, and clears those of processes that are gone.
    pub(crate) fn new(home: &Path, text: &str) -> Result<Self> {
        let dir = home.join("connections");
        let make = || -> std::io::Result<()> {
            DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
            // One that was there before.
            fs::set_permissions(&dir, Permissions::from_mode(0o700))
        };
        make().with_context(|| format!("{} cannot be made", dir.display()))?;
        for entry in fs::read_dir(&dir)?.flatten() {
            let process = entry.path().with_extension("");
            if !is_alive(&process) {
                // Another run may be clearing it: then it is gone, as wanted.
                let _ = fs::remove_file(entry.path());
            }
        }
        let path = dir.join(format!("{}.json", std::process::id()));
        let guard = Self { path };
        // Of a process that had the same number.
        let _ = fs::remove_file(&guard.path);
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&guard.path)
            .with_context(|| format!("{} cannot be written", guard.path.display()))?;
        file.write_all(text.as_bytes())?;
        Ok(guard)
    }
}

impl Drop for ConnectionFile {
    fn drop(&mut self) {
        // What cannot be removed now is cleared by the next run.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_for_its_user_and_nothing_is_left() {
        let home = std::env::temp_dir().join(format!("bullwhip-connection-{}", std::process::id()));
        let dir = home.join("connections");
        fs::create_dir_all(&dir).expect("a folder");
        // Of a run that was killed, and of one that still runs.
        let stale = dir.join("999999999.json");
        let other = dir.join(format!("{}.json", std::os::unix::process::parent_id()));
        for file in [&stale, &other] {
            fs::write(file, "{}").expect("written");
        }
        let file = ConnectionFile::new(&home, "key").expect("a file");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&file.path)), (0o700, 0o600));
        if Path::new("/proc").exists() {
            assert!(!stale.exists());
        }
        assert!(other.exists());
        let path = file.path.clone();
        drop(file);
        assert!(!path.exists());
        fs::remove_dir_all(home).expect("cleaned up");
    }
}
