//! One kernel's own working folder, made from the prepared runtime by hard links.

use crate::cells;
use crate::runtime::{PROFILE, Runtime};
use crate::spare;
use crate::toolchain;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A working folder that is removed when dropped.
pub(crate) struct Session {
    pub(crate) dir: PathBuf,
}

impl Session {
    /// Makes the folder of this process, after clearing those of processes that are gone.
    pub(crate) fn new(runtime: &Runtime) -> Result<Self> {
        let all = runtime.home.join("sessions");
        fs::create_dir_all(&all)?;
        for entry in fs::read_dir(&all)? {
            let path = entry?.path();
            if !spare::is_alive(&path) {
                // Another kernel may be clearing the same folder: then it is gone, as wanted.
                let _ = fs::remove_dir_all(&path);
            }
        }
        let session = Self {
            dir: runtime.session_dir(std::process::id()),
        };
        if session.dir.exists() {
            // Of a process that had the same number.
            fs::remove_dir_all(&session.dir)?;
        }
        // What is said on the sockets in it is for its user only.
        fs::DirBuilder::new().mode(0o700).create(&session.dir)?;
        let prepared = runtime.prepared();
        link_tree(&prepared.join("target"), &session.dir.join("target"))
            .and_then(|()| copy_tree(&prepared.join("src"), &session.dir.join("src")))
            .and_then(|()| {
                copy_file(
                    &prepared.join("Cargo.lock"),
                    &session.dir.join(toolchain::VERSIONS),
                )
            })
            .context("making the session's folder")?;
        toolchain::recall(&prepared, &session.dir).context("making the session's folder")?;
        Ok(session)
    }

    /// What the kernel process needs in its environment.
    pub(crate) fn environment(&self, runtime: &Runtime) -> Result<Vec<(OsString, OsString)>> {
        let release = self
            .dir
            .join("target")
            .join(&runtime.triple)
            .join("release");
        // The shared library of the toolkit, and the standard library that it links.
        let mut libraries = OsString::from(release.join("deps"));
        libraries.push(":");
        libraries.push(toolchain::standard_library()?);
        let mut all: Vec<(OsString, OsString)> = vec![
            ("BULLWHIP_KERNEL".into(), env!("CARGO_PKG_VERSION").into()),
            ("EVCXR_TMPDIR".into(), self.dir.clone().into()),
            (
                "EVCXR_CONFIG_DIR".into(),
                runtime.home.join("config").into(),
            ),
            (
                "LD_LIBRARY_PATH".into(),
                in_front("LD_LIBRARY_PATH", Path::new(&libraries)),
            ),
            ("CARGO_ENCODED_RUSTFLAGS".into(), "".into()),
            // Here evcxr looks for a kernel of its own to update: nothing of the user's is there.
            ("JUPYTER_PATH".into(), self.dir.join("no-jupyter").into()),
        ];
        all.extend(toolchain::environment(&self.dir.join("bin"))?);
        all.extend(cells::environment(&self.dir, libraries));
        all.extend(PROFILE.map(|(k, v)| (OsString::from(k), OsString::from(v))));
        Ok(all)
    }
}

/// The memory of a process in bytes; None where the system does not tell.
pub(crate) fn memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// How many processes the system has ended for want of memory; 0 where it does not tell.
pub(crate) fn memory_ends() -> u64 {
    let told = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("oom_kill "));
    line.and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
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

impl Drop for Session {
    fn drop(&mut self) {
        // What cannot be removed now is cleared by the next session.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Copies a build folder, by hard links where files never change; times are kept, as cargo compares
/// them. Our own crates and the cell's are copied, since cargo may write them again in place.
pub(crate) fn link_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(".cargo") {
            // Cargo's locks: shared, they would have one notebook's compilation wait for another's.
            continue;
        }
        // Also what cargo notes of its builds, as it may write that in place.
        let notes = name == ".fingerprint" || in_fingerprint(&source);
        let rewritten = notes || name.contains("ctx") || name.contains("bullwhip");
        if rewritten && source.is_file() && source.extension().is_none() && !notes {
            // A test or a program of ours: no cell links it.
            continue;
        }
        match (entry.file_type()?.is_dir(), rewritten) {
            (true, true) => copy_tree(&source, &target)?,
            (true, false) => link_tree(&source, &target)?,
            (false, false) if fs::hard_link(&source, &target).is_ok() => {}
            (false, _) => copy_file(&source, &target)?,
        }
    }
    Ok(())
}

/// Cargo's records have no endings, and are all needed.
fn in_fingerprint(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == ".fingerprint")
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?
        } else {
            copy_file(&entry.path(), &target)?
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_file(to)?;
    }
    fs::copy(from, to).with_context(|| from.display().to_string())?;
    let modified = fs::metadata(from)?.modified()?;
    fs::File::options()
        .write(true)
        .open(to)?
        .set_modified(modified)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linked_trees_share_dependencies_and_keep_times() {
        let root = std::env::temp_dir().join(format!("bullwhip-session-{}", std::process::id()));
        let from = root.join("a");
        fs::create_dir_all(from.join("deps")).expect("a folder");
        fs::write(from.join("deps/libserde.rlib"), "serde").expect("a file");
        fs::write(from.join("deps/libctx.so"), "cell").expect("a file");
        fs::create_dir_all(from.join(".fingerprint/serde-1")).expect("a folder");
        fs::write(from.join(".fingerprint/serde-1/dep-lib"), "note").expect("a file");
        fs::write(from.join(".cargo-lock"), "").expect("a file");
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        for name in ["libserde.rlib", "libctx.so"] {
            fs::File::options()
                .write(true)
                .open(from.join("deps").join(name))
                .and_then(|f| f.set_modified(old))
                .expect("a time");
        }
        link_tree(&from, &root.join("b")).expect("a copy");
        for name in ["libserde.rlib", "libctx.so"] {
            let copied = fs::metadata(root.join("b/deps").join(name)).expect("a file");
            assert_eq!(copied.modified().expect("a time"), old);
        }
        // No lock is shared, nor what cargo notes.
        assert!(!root.join("b/.cargo-lock").exists());
        fs::write(root.join("b/.fingerprint/serde-1/dep-lib"), "other").expect("written");
        let note = fs::read_to_string(from.join(".fingerprint/serde-1/dep-lib"));
        assert_eq!(note.expect("a file"), "note");
        // The cell's library is its own: writing it does not reach the original.
        fs::write(root.join("b/deps/libctx.so"), "other").expect("written");
        assert_eq!(
            fs::read_to_string(from.join("deps/libctx.so")).expect("a file"),
            "cell"
        );
        fs::remove_dir_all(&root).expect("cleaned up");
    }
}
