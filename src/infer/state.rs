//! The state of a calibration, in memory and on disk: what it takes to go on to the same numbers.

use super::history::History;
use super::{Parameter, Problem, Step};
use crate::error::{Error, Result};
use crate::files::{self, Part};
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::Xxh3;

/// Written into every file, and raised when what is in it changes.
const FORMAT: &str = "bullwhip calibration 5";

/// Why a file is refused that was a state once.
const DAMAGED: &str = "it is damaged: its end is missing, or its numbers changed";

/// The fact by which files of one save know each other.
const MARK: &str = "mark";

/// What a state is of: problem and options, told in words and hashes, what matters most first.
pub(super) type Facts = Vec<(&'static str, String)>;

/// A state: named rows of numbers, and what they are of. On disk a safetensors file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Saved {
    facts: BTreeMap<String, String>,
    rows: BTreeMap<String, Vec<f64>>,
}

fn hash(values: impl Iterator<Item = f64>) -> u64 {
    let mut sum = Xxh3::new();
    for v in values {
        // There are many NaN, and all of them mean "missing".
        let v = if v.is_nan() { f64::NAN } else { v };
        sum.update(&v.to_le_bytes());
    }
    sum.digest()
}

/// Everything in a problem that its numbers depend on.
pub(super) fn facts_of(problem: &Problem, method: &str) -> Facts {
    let Problem {
        network,
        simulation,
        priors,
        noise,
        loss,
        scale,
        weights,
        totals,
        ..
    } = problem;
    let whole = |v: &[u32]| -> Vec<f64> { v.iter().map(|k| f64::from(*k)).collect() };
    let varying = priors.varying();
    // A value that varies does not matter.
    let fixed = |parameter| {
        let values = if varying.iter().any(|(p, _, _)| *p == parameter) {
            Vec::new()
        } else {
            problem.fixed(parameter)
        };
        format!("{:016x}", hash(values.into_iter()))
    };
    let links = whole(network.buyer())
        .into_iter()
        .chain(whole(network.supplier()))
        .chain(network.coefficient().iter().copied());
    let firms = network.output().iter().chain(network.final_demand());
    let groups = whole(network.group()).into_iter();
    // -1 ends an event, -2 a scenario.
    let events = problem.scenarios().flat_map(|(shock, _)| {
        let each = shock.events.iter().flat_map(|e| {
            let firms = e.firms.iter().map(|i| *i as f64);
            [e.start as f64, f64::from(e.recovery as u8)]
                .into_iter()
                .chain(firms)
                .chain([-1.0])
        });
        each.chain([-2.0])
    });
    let number: usize = problem.scenarios().map(|(s, _)| s.events.len()).sum();
    let panels = problem
        .scenarios()
        .flat_map(|(_, o)| o.values.iter().chain(&o.base).copied())
        .chain(totals.iter().flat_map(|t| {
            let groups = t.groups.iter().map(|g| *g as f64);
            groups.chain(t.values.iter().copied()).chain([-1.0])
        }));
    let missing: usize = problem.scenarios().map(|(_, o)| o.missing()).sum();
    [
        ("format", FORMAT.to_string()),
        ("method", method.to_string()),
        (
            "problem.network",
            format!(
                "{} firms, {} links, {} groups, {:016x}",
                network.firms(),
                network.links(),
                network.groups().len(),
                hash(links.chain(firms.copied()).chain(groups))
            ),
        ),
        (
            "problem.simulation",
            format!(
                "{} periods, {:?}, slack {:?}, {:?}, {:?}",
                simulation.periods,
                simulation.model,
                simulation.slack,
                simulation.precision,
                simulation.method
            ),
        ),
        (
            "problem.params",
            format!(
                "{} {}",
                fixed(Parameter::TargetInventory),
                fixed(Parameter::AdjustmentTime)
            ),
        ),
        (
            "problem.shock",
            format!(
                "{} events, {:016x} {} {}",
                number,
                hash(events),
                fixed(Parameter::Severity),
                fixed(Parameter::RecoveryRate)
            ),
        ),
        (
            "problem.observed",
            format!("{missing} missing, {:016x}", hash(panels)),
        ),
        ("problem.priors", format!("{varying:?}")),
        (
            "problem.loss",
            format!("{loss:?}, {scale:?}, weights {weights:?}"),
        ),
        ("problem.noise", format!("{noise:?}")),
    ]
    .into()
}

fn unwritten(file: &Path, error: &std::io::Error) -> Error {
    files::unwritten(file, "the state of the calibration", error)
}

impl Saved {
    pub(super) fn new<const N: usize>(
        facts: &Facts,
        rows: [(&str, Vec<f64>); N],
        history: &History,
    ) -> Self {
        let facts = facts.iter().map(|(k, v)| (k.to_string(), v.clone()));
        let mut saved = Self {
            facts: facts.collect(),
            rows: rows.map(|(name, row)| (name.to_string(), row)).into(),
        };
        saved.set_history(history);
        saved
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

    /// Refuses a state of another problem or of other options.
    pub(super) fn require(&self, facts: &Facts, place: &str) -> Result<()> {
        let differs = |f: &&(&str, String)| self.facts.get(f.0) != Some(&f.1);
        let Some((name, here)) = facts.iter().find(differs) else {
            return Ok(());
        };
        let there = self.facts.get(*name).map_or("unknown", String::as_str);
        Err(Error::new(
            place,
            format!("it is of another calibration: its {name} is {there}, but here {here}"),
            "give the problem and options that it was begun with, or begin anew with another state_file",
        ))
    }

    /// A row that must have `length` numbers, or any where none is given.
    pub(super) fn row(&self, name: &str, length: Option<usize>, place: &str) -> Result<&[f64]> {
        self.rows
            .get(name)
            .filter(|row| length.is_none_or(|n| row.len() == n))
            .map(Vec::as_slice)
            .ok_or_else(|| {
                Error::new(
                    place,
                    format!("its {name} is missing or has another length"),
                    "begin anew with another state_file",
                )
            })
    }

    fn set_history(&mut self, history: &History) {
        type Column = fn(&Step) -> f64;
        let columns: [(&str, Column); 5] = [
            ("history.evaluations", |s| s.evaluations as f64),
            ("history.loss", |s| s.loss),
            ("history.kl", |s| s.kl),
            ("history.objective", |s| s.objective),
            ("history.dropped", |s| s.dropped as f64),
        ];
        let thinned = history.thinned().to_vec();
        self.rows.insert("history.thinned".into(), thinned);
        for (name, column) in columns {
            self.rows
                .insert(name.into(), history.kept().iter().map(column).collect());
        }
    }

    /// Goes on with a history that was saved.
    pub(super) fn history(&self, into: &mut History, place: &str) -> Result<()> {
        let evaluations = self.row("history.evaluations", None, place)?;
        let n = Some(evaluations.len());
        let column = |name: &str| self.row(name, n, place);
        let (loss, kl) = (column("history.loss")?, column("history.kl")?);
        let objective = column("history.objective")?;
        let dropped = column("history.dropped")?;
        let step = |k: usize| Step {
            evaluations: evaluations[k] as usize,
            loss: loss[k],
            kl: kl[k],
            objective: objective[k],
            dropped: dropped[k] as usize,
        };
        let steps = (0..evaluations.len()).map(step).collect();
        let thinned = self.row("history.thinned", Some(2), place)?;
        into.resume(steps, [thinned[0], thinned[1]]).ok_or_else(|| {
            Error::new(
                place,
                "its history does not fit together",
                "begin anew with another state_file",
            )
        })
    }
}

/// Writes the state to a file now and then, where there is one.
pub(super) struct Keeper<'a> {
    file: Option<&'a Path>,
    every: Duration,
    next: Instant,
}

impl<'a> Keeper<'a> {
    /// Refuses what is no time between two writings.
    pub(super) fn check(place: &str, seconds: f64) -> Result<()> {
        if Duration::try_from_secs_f64(seconds).is_ok() {
            return Ok(());
        }
        Err(Error::new(
            place,
            format!("it is {seconds}"),
            "give a number of seconds of at least 0, such as 30",
        ))
    }

    /// `seconds`, which were checked, between two writings.
    pub(super) fn new(file: Option<&'a Path>, seconds: f64) -> Self {
        Self {
            file,
            every: Duration::try_from_secs_f64(seconds).unwrap_or_default(),
            next: Instant::now(),
        }
    }

    /// True when it is time to write.
    pub(super) fn due(&self) -> bool {
        self.file.is_some() && Instant::now() >= self.next
    }

    /// Writes the state.
    pub(super) fn save(&mut self, saved: &Saved) -> Result<()> {
        let Some(file) = self.file else {
            return Ok(());
        };
        let written = saved.write(file);
        // Counted from the end of writing: a slow disk must not take up the time.
        let now = Instant::now();
        // So late that there is no such time: never again.
        self.next = now
            .checked_add(self.every)
            .unwrap_or(now + Duration::from_secs(1 << 32));
        written
    }
}
