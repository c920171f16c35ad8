//! Folders that are copied, by hard links where files never change.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

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

pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
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

pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<()> {
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
