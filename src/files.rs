//! Files that are whole or absent, and files that are read whole.

use crate::memory;
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of a file that fits into memory.
pub(crate) fn contents(path: &Path) -> Result<Vec<u8>> {
    fits(path)?;
    std::fs::read(path)
}

/// A file that fits into memory, to be read.
pub(crate) fn opened(path: &Path) -> Result<File> {
    fits(path)?;
    File::open(path)
}

/// Refuses what is no file, as a device or a pipe may have no end, and what does not fit into memory.
fn fits(path: &Path) -> Result<()> {
    let about = std::fs::metadata(path)?;
    if about.is_dir() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is a folder"));
    }
    if !about.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a file"));
    }
    memory::require("", "all of it", about.len() as f64, "")
        .map_err(|e| Error::new(ErrorKind::OutOfMemory, e.fact))
}

/// What the names of unfinished files end with.
const END: &str = ".part";

/// A file that is written beside its place and not there yet; it is removed where it does not get there.
pub(crate) struct Part {
    part: PathBuf,
    path: PathBuf,
    done: bool,
}

impl Part {
    /// Writes beside `path`, down to the disk. The name is this call's own: two processes that write one file
    /// do not get into each other's way, and the last one wins.
    pub(crate) fn write(
        path: &Path,
        fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
    ) -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        if path.metadata().is_ok_and(|m| !m.is_file()) {
            return Err(Error::new(ErrorKind::InvalidInput, "it is not a file"));
        }
        remove_left(path);
        let mut part = path.as_os_str().to_owned();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        part.push(format!(".{}-{number}{END}", std::process::id()));
        let part = Self {
            part: part.into(),
            path: path.into(),
            done: false,
        };
        let mut file = BufWriter::new(File::create(&part.part)?);
        fill(&mut file)?;
        // On the disk before the name.
        file.into_inner()?.sync_all()?;
        Ok(part)
    }

    /// Puts it into its place: whoever looks finds the old file or the whole new one, after a power cut too.
    pub(crate) fn place(mut self) -> Result<()> {
        std::fs::rename(&self.part, &self.path)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.done {
            // Else it would keep a full disk full.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

/// A file, told as `what` it is, that could not be written.
pub(crate) fn unwritten(path: &Path, what: &str, error: &Error) -> crate::Error {
    crate::Error::new(
        path.display().to_string(),
        format!("{what} cannot be written: {error}"),
        "check that the folder exists, may be written to and has room",
    )
}

/// Removes what processes that have ended left beside `path`.
fn remove_left(path: &Path) {
    let folder = match path.parent() {
        Some(p) if p != Path::new("") => p,
        _ => Path::new("."),
    };
    // Where the system does not tell which processes live, nothing is removed.
    if !Path::new("/proc/self").exists() {
        return;
    }
    let (Some(name), Ok(entries)) = (path.file_name(), std::fs::read_dir(folder)) else {
        return;
    };
    let name = name.to_string_lossy();
    for entry in entries.flatten() {
        let found = entry.file_name();
        let found = found.to_string_lossy();
        let process = found
            .strip_prefix(&*name)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.strip_suffix(END))
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(process, _)| process.parse::<u32>().ok());
        if process.is_some_and(|p| !Path::new("/proc").join(p.to_string()).exists()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn write_whole(
        path: &Path,
        fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
    ) -> Result<()> {
        Part::write(path, fill)?.place()
    }

    #[test]
    fn a_file_is_whole_or_as_it_was_and_nothing_is_left() {
        let folder = std::env::temp_dir().join(format!("bullwhip-files-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("x.txt");
        write_whole(&path, |f| f.write_all(b"old")).expect("written");
        // Left by a process that has ended: none has this number.
        std::fs::write(folder.join("x.txt.4294967295-0.part"), "half").expect("written");
        let failed = write_whole(&path, |f| {
            f.write_all(b"half")?;
            Err(Error::other("the disk is full"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).expect("there"), b"old");
        let left = std::fs::read_dir(&folder).expect("a folder").count();
        assert_eq!(left, 1, "no unfinished file is left");
        let part = Part::write(&path, |f| f.write_all(b"new")).expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), b"old");
        part.place().expect("placed");
        assert_eq!(std::fs::read(&path).expect("there"), b"new");
        assert!(write_whole(Path::new("/dev/null"), |_| Ok(())).is_err());
        assert_eq!(contents(&path).expect("there"), b"new");
        for none in [&*folder, Path::new("/dev/zero")] {
            assert!(contents(none).is_err(), "{none:?}");
        }
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
