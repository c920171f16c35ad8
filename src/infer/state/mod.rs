//! The state of a calibration, in memory and on disk: what it takes to go on to the same numbers.

pub(crate) mod fingerprint;
pub(crate) mod history;
pub(crate) mod rows;

use super::Run;
use super::method::Fit;
use crate::error::{Error, Result};
use crate::files::{self, Part};
pub(crate) use fingerprint::Facts;
use rows::Rows;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::Xxh3;

/// Written into every file, and raised when what is in it changes.
const FORMAT: &str = "bullwhip calibration 7";

/// Why a file is refused that was a state once.
const DAMAGED: &str = "it is damaged: its end is missing, or its numbers changed";

/// The fact by which files of one save know each other.
const MARK: &str = "mark";

/// A state: the rows of a fit, and what they are of. On disk a safetensors file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Saved {
    facts: Facts,
    rows: Rows,
}

fn unwritten(file: &Path, error: &std::io::Error) -> Error {
    files::unwritten(file, "the state of the calibration", error)
}

impl Saved {
    /// The state of a fit that is of `facts`.
    pub(super) fn of(fit: &dyn Fit, facts: &Facts) -> Self {
        Self {
            facts: facts.clone(),
            rows: fit.state(),
        }
    }

    /// What it is of.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Writes the file.
    pub(super) fn write(&self, file: &Path) -> Result<()> {
        let part = self.part(file, "")?;
        part.place().map_err(|e| unwritten(file, &e))
    }

    /// The mark of the save that it was written in, which is taken out; empty where there is none.
    pub(super) fn take_mark(&mut self) -> String {
        self.facts.remove(MARK).unwrap_or_default()
    }

    /// Writes the file beside its place, with a mark where one is given.
    pub(super) fn part(&self, file: &Path, mark: &str) -> Result<Part> {
        let bytes: BTreeMap<&str, Vec<u8>> = self
            .rows
            .iter()
            .map(|(name, row)| {
                let bytes = row.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name.as_str(), bytes)
            })
            .collect();
        let mut facts = self.facts.clone();
        facts.insert("checksum".into(), self.checksum());
        if !mark.is_empty() {
            facts.insert(MARK.into(), mark.into());
        }
        let views: Vec<(&str, TensorView<'_>)> = bytes
            .iter()
            .map(|(name, b)| {
                let view = TensorView::new(Dtype::F64, vec![b.len() / 8], b);
                (*name, view.expect("as many bytes as eight a number"))
            })
            .collect();
        let whole = serialize(views, Some(facts.into_iter().collect()));
        let written = whole
            .map_err(std::io::Error::other)
            .and_then(|whole| Part::write(file, |part| part.write_all(&whole)));
        written.map_err(|e| unwritten(file, &e))
    }

    /// Reads what `write` wrote, whole and unchanged, or refuses it.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let refused = |fact: String| {
            Error::new(
                file.display().to_string(),
                fact,
                "give another file, or delete this one to begin anew",
            )
        };
        let bytes =
            files::contents(file).map_err(|e| refused(format!("it cannot be read: {e}")))?;
        // What the library runs out of is a damaged file.
        let parsed = catch_unwind(AssertUnwindSafe(|| Self::parse(&bytes)));
        parsed
            .unwrap_or_else(|_| Err(DAMAGED.into()))
            .map_err(refused)
    }

    /// The state in a file's bytes, or why there is none.
    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        const FOREIGN: &str = "it is not the state of a calibration";
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| match e {
            SafeTensorError::MetadataIncompleteBuffer => DAMAGED,
            _ => FOREIGN,
        })?;
        let facts = header.metadata().clone().unwrap_or_default();
        let mut facts: BTreeMap<String, String> = facts.into_iter().collect();
        match facts.get("format") {
            Some(f) if f == FORMAT => {}
            Some(f) if f.starts_with("bullwhip calibration ") => {
                return Err(format!(
                    "it is a state in the form \"{f}\", and this version reads \"{FORMAT}\""
                ));
            }
            _ => return Err(FOREIGN.into()),
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|_| DAMAGED)?;
        let rows = tensors
            .iter()
            .map(|(name, view)| {
                let numbers = view.data().as_chunks().0.iter();
                (
                    name.to_string(),
                    numbers.map(|b| f64::from_le_bytes(*b)).collect(),
                )
            })
            .collect();
        let checksum = facts.remove("checksum");
        let saved = Self { facts, rows };
        if checksum != Some(saved.checksum()) {
            return Err(DAMAGED.into());
        }
        Ok(saved)
    }

    fn checksum(&self) -> String {
        let mut sum = Xxh3::new();
        for (name, row) in &self.rows {
            sum.update(name.as_bytes());
            for v in row {
                sum.update(&v.to_le_bytes());
            }
        }
        format!("{:016x}", sum.digest())
    }

    /// Refuses a state of another problem, method or seed.
    fn require(&self, facts: &Facts, place: &str) -> Result<()> {
        // Of another network all else is another, too.
        let first = ["method", "problem.network"].into_iter();
        let differs = |name: &&str| self.facts.get(*name) != facts.get(*name);
        let Some(name) = first.chain(facts.keys().map(String::as_str)).find(differs) else {
            return Ok(());
        };
        let of = |facts: &Facts| facts.get(name).map_or("unknown".into(), String::clone);
        Err(Error::new(
            place,
            format!(
                "it is of another calibration: its {name} is {}, but here {}",
                of(&self.facts),
                of(facts)
            ),
            "give the problem and options that it was begun with, or begin anew with another state_file",
        ))
    }

    /// Lets a fit that is of `facts` go on from this state, which was found at `place`.
    pub(super) fn resume(&self, fit: &mut dyn Fit, facts: &Facts, place: &str) -> Result<()> {
        self.require(facts, place)?;
        fit.restore(&self.rows).map_err(|unfit| {
            Error::new(
                place,
                unfit.to_string(),
                "begin anew with another state_file",
            )
        })
    }
}

/// Writes the state to a file now and then, where there is one.
pub(super) struct Autosave<'a> {
    file: Option<&'a Path>,
    every: Duration,
    next: Instant,
}

impl<'a> Autosave<'a> {
    /// By options that were checked.
    pub(super) fn new(run: &'a Run) -> Self {
        Self {
            file: run.state_file.as_deref(),
            every: Duration::try_from_secs_f64(run.save_seconds).unwrap_or_default(),
            next: Instant::now(),
        }
    }

    /// True when it is time to write.
    pub(super) fn due(&self) -> bool {
        self.file.is_some() && Instant::now() >= self.next
    }

    /// Writes the state of a fit that is of `facts`, where there is a file.
    pub(super) fn save(&mut self, fit: &dyn Fit, facts: &Facts) -> Result<()> {
        let Some(file) = self.file else {
            return Ok(());
        };
        let written = Saved::of(fit, facts).write(file);
        // Counted from the end of writing: a slow disk must not take up the time.
        let now = Instant::now();
        // So late that there is no such time: never again.
        self.next = now
            .checked_add(self.every)
            .unwrap_or(now + Duration::from_secs(1 << 32));
        written
    }

    /// Writes the last good state of a fit that cannot go on, where there is a file, and says so beside why it cannot.
    pub(super) fn keep_last_good(&mut self, fit: &dyn Fit, facts: &Facts, error: Error) -> Error {
        let Some(file) = self.file else {
            return error;
        };
        let kept = match self.save(fit, facts) {
            Ok(()) => format!("{} keeps the state before it", file.display()),
            Err(e) => e.to_string(),
        };
        Error {
            remedy: format!("{}; {kept}", error.remedy),
            ..error
        }
    }
}
