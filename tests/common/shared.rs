//! The files of agencies, where the checkout has them beside it.

use std::path::{Path, PathBuf};

/// A file of `../shared/data`, seen from the project or from a folder above it; `None` where it is not.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = root
        .ancestors()
        .skip(1)
        .map(|a| a.join("shared/data").join(file))
        .find(|p| p.exists());
    if found.is_none() {
        println!("skipped: ../shared/data/{file} is not here");
    }
    found
}
