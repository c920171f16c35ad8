//! Methods side by side on one problem: loss against model evaluations and against time.

use super::noise::{Purpose, normals};
use super::objective::Objective;
use super::posterior::column_means;
use super::{Method, Problem, Scenario};
use crate::error::{Error, Result};
use crate::files;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::simulate::Simulation;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Instant;

/// Where a method stands after some evaluations. A method's name alone is the mean loss of its draws;
/// with " mean" it is the loss at their mean, in the priors' standard-normal coordinates. "prior" and
/// "prior mean" are what is known without data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// svi, abc, smc, walk or prior, and each with " mean".
    pub method: String,
    /// Seed of the methods; where contests are put together that differ in their problem, of that.
    pub seed: u64,
    /// Model evaluations.
    pub evaluations: usize,
    /// Loss on the observed scenarios.
    pub in_sample: f64,
    /// Mean loss on the fresh scenarios; NaN without any.
    #[serde(deserialize_with = "number")]
    pub out_of_sample: f64,
    /// Wall time of the method alone, without the looking.
    pub seconds: f64,
}

/// JSON has no NaN: null stands for it.
fn number<'de, D: serde::Deserializer<'de>>(value: D) -> std::result::Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(value)?.unwrap_or(f64::NAN))
}

/// Standings of several methods, and of several problems where they are put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contest {
    /// One entry a method and look.
    pub standings: Vec<Standing>,
}

/// Draws that an expected loss is the mean of.
const SAMPLES: usize = 64;

/// Where expected losses are looked at.
struct Judge {
    observed: Objective,
    fresh: Vec<Objective>,
}

impl Judge {
    fn new(problem: &Problem, fresh: &[Scenario]) -> Result<Self> {
        let one = |scenario: &Scenario| {
            let mut other = problem.clone();
            other.shock = scenario.shock.clone();
            other.observed = scenario.observed.clone();
            other.totals.clear();
            other.further.clear();
            other.simulation = Simulation {
                periods: other.observed.periods,
                ..other.simulation
            };
            Objective::new(&other)
        };
        Ok(Self {
            observed: Objective::new(problem)?,
            fresh: fresh.iter().map(one).collect::<Result<_>>()?,
        })
    }

    /// Mean losses over rows of coordinates.
    fn losses(&self, u: &[f64]) -> Result<(f64, f64)> {
        let mean = |o: &Objective| -> Result<f64> {
            let loss = o.loss(u)?;
            Ok(loss.iter().sum::<f64>() / loss.len() as f64)
        };
        let fresh: Vec<f64> = self.fresh.iter().map(mean).collect::<Result<_>>()?;
        let out = fresh.iter().sum::<f64>() / fresh.len() as f64;
        Ok((mean(&self.observed)?, out))
    }

    /// The standings of draws and of their mean.
    fn stand(
        &self,
        name: &str,
        seed: u64,
        (evaluations, seconds): (usize, f64),
        all: &[f64],
        mean: &[f64],
    ) -> Result<[Standing; 2]> {
        let standing = |method: String, (in_sample, out_of_sample)| Standing {
            method,
            seed,
            evaluations,
            in_sample,
            out_of_sample,
            seconds,
        };
        Ok([
            standing(name.to_string(), self.losses(all)?),
            standing(format!("{name} mean"), self.losses(mean)?),
        ])
    }
}

/// Runs each method to its end on `problem`, and looks at it on the way, about three times a factor of
/// ten of its evaluations: on the observed scenarios, and on `fresh` ones that no method sees. `fresh` are
/// scenarios whose severities and recovery rates do not vary. `seed` is that of the methods.
///
/// ```
/// # use bullwhip::prelude::*;
/// # let economy = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::random(&economy, 3, 0.4, 10, 1);
/// # let truth = Priors::default().draw(&economy, 1);
/// # let observed = simulate(&economy, &truth, &shock, &Simulation::default())?.observe();
/// # let problem = Problem::new(&economy, &shock, &observed);
/// let methods = [
///     Svi { steps: 50, ..Svi::default() }.into(),
///     Abc { draws: 500, ..Abc::default() }.into(),
/// ];
/// let found = contest(&problem, &[], &methods, 0, &mut ())?;
/// assert!(found.last("svi", 0).is_some() && found.last("abc", 0).is_some());
/// # Ok::<(), Error>(())
/// ```
///
/// The stop button, Ctrl-C and `Progress::stop` make it return what it has.
pub fn contest(
    problem: &Problem,
    fresh: &[Scenario],
    methods: &[Method],
    seed: u64,
    progress: &mut dyn Progress,
) -> Result<Contest> {
    if !fresh.is_empty() && problem.priors.varying().iter().any(|v| v.0.of_shock()) {
        return Err(Error::new(
            "contest",
            "severities or recovery rates vary, and those of a fresh scenario are others",
            "give no fresh scenarios, or set these priors to None",
        ));
    }
    let interrupt = Interrupt::watch();
    let judge = Judge::new(problem, fresh)?;
    let n = judge.observed.dimension();
    let mut out = Contest::default();
    let prior = normals(0, Purpose::Truth, 0, SAMPLES * n);
    out.standings
        .extend(judge.stand("prior", seed, (0, 0.0), &prior, &vec![0.0; n])?);
    let sized = |m: &Method| m.options().sized(n, None).unwrap_or_else(|| m.clone());
    let methods: Vec<Method> = methods.iter().map(sized).collect();
    let total = methods.iter().map(|m| m.options().total().1).sum();
    progress.start("contest", total);
    let mut before = 0;
    for method in &methods {
        let options = method.options();
        options.check()?;
        let mut fit = options.start(&judge.observed, seed)?;
        let total = options.total().1;
        let (mut seconds, mut next) = (0.0, 1);
        while fit.done() < total && !fit.settled() {
            let begin = Instant::now();
            let note = fit.step(&judge.observed, false)?;
            seconds += begin.elapsed().as_secs_f64();
            let name = options.short_name();
            progress.update(before + fit.done(), &format!("{name}: {note}"));
            let stop = interrupt.asked() || progress.stop();
            let evaluations = fit.history().last().map_or(0, |s| s.evaluations);
            let over = fit.done() >= total || fit.settled();
            if evaluations >= next || over || stop {
                while next <= evaluations {
                    next = after(next);
                }
                let draws = fit.draws()?;
                // Those of a guide are without end; of the others they are all there is.
                let most = fit.center().map_or(draws.count, |_| SAMPLES);
                let rows: Vec<f64> = draws.each.take(most).flat_map(|d| d.0).collect();
                let mean = fit.center().unwrap_or_else(|| column_means(&rows, n));
                let at = (evaluations, seconds);
                out.standings
                    .extend(judge.stand(name, seed, at, &rows, &mean)?);
            }
            if stop {
                progress.finish("stopped");
                return Ok(out);
            }
        }
        before += total;
    }
    progress.finish(&format!("{} methods", methods.len()));
    Ok(out)
}

/// 1, 2, 3, 5, 10, 20, 30, 50, 100...
fn after(n: usize) -> usize {
    let ten = 10usize.pow(n.ilog10());
    match n / ten {
        1 => 2 * ten,
        2 => 3 * ten,
        3 | 4 => 5 * ten,
        _ => 10 * ten,
    }
}

impl Contest {
    /// The last standing of a method, of the problem with this seed.
    pub fn last(&self, method: &str, seed: u64) -> Option<Standing> {
        let of = |s: &&Standing| s.method == method && s.seed == seed;
        self.standings.iter().rfind(of).cloned()
    }

    /// Writes one JSON line a standing.
    pub fn write(&self, file: impl AsRef<Path>) -> Result<()> {
        let file = file.as_ref();
        let lines: Vec<String> = self
            .standings
            .iter()
            .map(|s| serde_json::to_string(s).expect("numbers and text"))
            .collect();
        std::fs::write(file, lines.join("\n") + "\n").map_err(|e| {
            Error::new(
                file.display().to_string(),
                format!("it cannot be written: {e}"),
                "check that the folder exists and may be written to",
            )
        })
    }

    /// Reads what `write` or `cargo bench --bench fig2b` wrote.
    pub fn read(file: impl AsRef<Path>) -> Result<Self> {
        let file = file.as_ref();
        let place = || file.display().to_string();
        let text = files::contents(file).map_err(|e| {
            Error::new(
                place(),
                format!("it cannot be read: {e}"),
                "make it with `cargo bench --bench fig2b`",
            )
        })?;
        let text = String::from_utf8_lossy(&text);
        let one = |(k, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|_| {
                Error::new(
                    format!("{}, line {}", place(), k + 1),
                    "it is no standing of a contest",
                    "make the file anew with `cargo bench --bench fig2b`",
                )
            })
        };
        let standings = text.lines().enumerate().map(one).collect::<Result<_>>()?;
        Ok(Self { standings })
    }
}
