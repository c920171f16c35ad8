//! Origins that are done, in a file: one JSON line each, so that a back-test goes on where it stopped.

use super::score::{Fan, Score};
use crate::error::{Error, Result};
use crate::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// What was found at one origin.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Part {
    /// Of which problem, method and seed.
    pub(super) of: String,
    pub(super) origin: usize,
    pub(super) scores: Vec<Score>,
    pub(super) fans: Vec<Fan>,
    pub(super) warnings: Vec<String>,
}

/// How every line begins.
const BEGIN: &str = "{\"of\":";

fn sum(mark: &str) -> String {
    format!("{:016x}", xxh3_64(mark.as_bytes()))
}

/// The origins in a file, which may not be there yet.
pub(super) fn read(file: Option<&Path>, mark: &str) -> Result<BTreeMap<usize, Part>> {
    let mut found = BTreeMap::new();
    let Some(file) = file.filter(|f| f.exists()) else {
        return Ok(found);
    };
    let refused = |fact: String| {
        let remedy = "give another file, or delete this one to begin anew";
        Error::new(file.display().to_string(), fact, remedy)
    };
    let bytes = files::contents(file).map_err(|e| refused(format!("it cannot be read: {e}")))?;
    let text = String::from_utf8_lossy(&bytes);
    for (k, line) in text.lines().enumerate() {
        let Ok(part) = serde_json::from_str::<Part>(line) else {
            // A line that was cut off is made again.
            if line.starts_with(BEGIN) {
                continue;
            }
            return Err(refused(format!(
                "line {} is no origin of a back-test",
                k + 1
            )));
        };
        if part.of != sum(mark) {
            return Err(refused(
                "it is of another problem, method, seed or horizon".into(),
            ));
        }
        found.insert(part.origin, part);
    }
    Ok(found)
}

/// Adds an origin to a file.
pub(super) fn add(file: Option<&Path>, mark: &str, part: &Part) -> Result<()> {
    let Some(file) = file else {
        return Ok(());
    };
    let part = Part {
        of: sum(mark),
        ..part.clone()
    };
    let line = serde_json::to_string(&part).expect("numbers and text");
    let cut = std::fs::read(file).is_ok_and(|b| b.last().is_some_and(|last| *last != b'\n'));
    let open = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file);
    let written = open.and_then(|mut to| {
        // After a line that was cut off.
        if cut {
            writeln!(to)?;
        }
        writeln!(to, "{line}")
    });
    written.map_err(|e| files::unwritten(file, "the back-test", &e))
}
