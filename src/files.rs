//! Files that are whole or absent.

use std::fs::File;
use std::io::{BufWriter, Result};
use std::path::Path;

/// Writes beside the place and renames: whoever looks finds the old file or the whole new one, after a
/// power cut too.
pub(crate) fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut file = BufWriter::new(File::create(&part)?);
    fill(&mut file)?;
    // On the disk before the name.
    file.into_inner()?.sync_all()?;
    std::fs::rename(&part, path)
}
