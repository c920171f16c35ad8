//! What a calibration learnt: host data that can be printed, framed, drawn and used to predict.

use super::objective::Objective;
use super::saved::Saved;
use super::snapshot::{Phase, Snapshot};
use super::{Parameter, Prior, Priors, Problem};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::model::Shock;
use crate::observe::Observation;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One entry of the history of a calibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Model evaluations (simulations of one particle or draw) so far.
    pub evaluations: usize,
    /// Mean relative square loss: the mean of this step's particles, or of the draws kept so far.
    pub loss: f64,
    /// Divergence KL(q || p) of the guide from the prior, in nats; 0 for ABC.
    pub kl: f64,
    /// What is minimised: weight x loss + KL; the loss alone for ABC.
    pub objective: f64,
    /// Particles whose simulation was not finite and were left out.
    pub dropped: usize,
}

/// What was learnt of one parameter. Entries are firms, or (event, firm) pairs in the order of
/// the scenario's events.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// Which parameter.
    pub parameter: Parameter,
    /// Its prior.
    pub prior: Prior,
    /// Mean of the posterior in the standard-normal coordinates of the prior, one per entry.
    pub location: Vec<f64>,
    /// Standard deviation there, one per entry; 1 is the prior's.
    pub scale: Vec<f64>,
    /// Posterior mean in the parameter's own unit, one per entry.
    pub mean: Vec<f64>,
    /// Posterior standard deviation in the parameter's own unit, one per entry.
    pub sd: Vec<f64>,
    /// Draws in the parameter's own unit, [draw, entry] row by row.
    pub samples: Vec<f64>,
}

impl Learnt {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// True when nothing was learnt, which a checked problem does not allow.
    pub fn is_empty(&self) -> bool {
        self.mean.is_empty()
    }

    /// The `q` quantile over draws of every entry, in the parameter's own unit; q in 0..=1.
    pub fn quantile(&self, q: f64) -> Vec<f64> {
        column_quantiles(&self.samples, self.len(), q)
    }

    /// Share of entries whose posterior is at least `by` narrower than the prior (0.1: 10 %): how
    /// much of this parameter the data speak about.
    pub fn informed(&self, by: f64) -> f64 {
        let n = self.scale.iter().filter(|s| **s <= 1.0 - by).count();
        n as f64 / self.scale.len().max(1) as f64
    }
}

/// The `q` quantile of each of `columns` columns of a table, row by row, between neighbours by
/// linear interpolation.
fn column_quantiles(table: &[f64], columns: usize, q: f64) -> Vec<f64> {
    (0..columns)
        .map(|c| {
            let mut column: Vec<f64> = table.iter().skip(c).step_by(columns).copied().collect();
            column.sort_by(f64::total_cmp);
            let at = q.clamp(0.0, 1.0) * (column.len() - 1) as f64;
            let (low, high) = (at.floor() as usize, at.ceil() as usize);
            column[low] + (at - low as f64) * (column[high] - column[low])
        })
        .collect()
}

/// Simulated panels, one per draw, with their quantiles.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Groups and their steady levels; its values are the mean over draws, [period, group].
    pub mean: Observation,
    /// Number of draws.
    pub draws: usize,
    /// Level of every group, [draw, period, group].
    pub samples: Vec<f64>,
}

impl Prediction {
    /// The `q` quantile over draws of every cell, [period, group]; q in 0..=1.
    pub fn quantile(&self, q: f64) -> Vec<f64> {
        column_quantiles(&self.samples, self.mean.values.len(), q)
    }

    /// Mean over cells of the squared difference to `panel` relative to the steady level, averaged
    /// over draws. Missing cells are left out.
    pub fn loss(&self, panel: &Observation) -> f64 {
        let cells = self.mean.values.len();
        let g = self.mean.groups();
        let (mut sum, mut n) = (0.0, 0usize);
        for draw in self.samples.chunks_exact(cells) {
            for (c, (y, target)) in draw.iter().zip(&panel.values).enumerate() {
                if !target.is_nan() {
                    sum += ((y - target) / self.mean.base[c % g]).powi(2);
                    n += 1;
                }
            }
        }
        sum / n.max(1) as f64
    }
}

/// The result of a calibration.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// "variational inference" or "ABC rejection".
    pub method: &'static str,
    /// How it got there.
    pub history: Vec<Step>,
    /// What was learnt, one entry per parameter that varied.
    pub parameters: Vec<Learnt>,
    /// Number of draws in every `Learnt::samples`.
    pub draws: usize,
    /// The panel that was fitted.
    pub observed: Observation,
    /// The draws run through the model on the observed scenario.
    pub predictive: Prediction,
    /// Model evaluations used.
    pub evaluations: usize,
    /// Wall time of the call, seconds.
    pub seconds: f64,
    /// True when the call returned before its end, as it was asked to or its time was up.
    pub stopped: bool,
    /// What went wrong on the way without spoiling the result, one sentence each.
    pub warnings: Vec<String>,
    /// Where it was left, to go on from.
    pub(super) saved: Arc<Saved>,
}

impl Posterior {
    /// What was learnt of `parameter`, a copy that a notebook can keep; an error if it did not vary.
    pub fn learnt(&self, parameter: Parameter) -> Result<Learnt> {
        let found = self.parameters.iter().find(|l| l.parameter == parameter);
        found.cloned().ok_or_else(|| {
            Error::new(
                "posterior",
                format!("the {} did not vary", parameter.name().replace('_', " ")),
                "give it a prior in problem.priors",
            )
        })
    }

    /// Writes the state of the calibration to a file, from which a later session goes on by
    /// `Svi::state_file` or `Abc::state_file`.
    pub fn save_state(&self, file: impl AsRef<Path>) -> Result<()> {
        self.saved.write(file.as_ref())
    }

    /// The last picture of the calibration: its bands are those of the posterior's draws.
    pub(super) fn last_picture(&self, snapshot: Snapshot) -> Snapshot {
        Snapshot {
            phase: if self.stopped {
                Phase::Stopped
            } else {
                Phase::Finished
            },
            panels: Arc::new(self.predictive.samples.clone()),
            ..snapshot
        }
    }
}

/// How many draws are simulated.
#[derive(Clone, Copy)]
pub(super) enum Pace<'a> {
    /// As many as a quarter of a second allows, at least one: somebody waits.
    Hurried,
    /// All, or fewer once this is true.
    Until(&'a dyn Fn() -> bool),
}

/// Builds the result from the posterior's moments and draws in standard-normal coordinates.
pub(super) fn assemble(
    problem: &Problem,
    objective: &Objective,
    method: &'static str,
    location: &[f64],
    scale: &[f64],
    draws: &mut dyn Iterator<Item = f64>,
    pace: Pace<'_>,
) -> Result<Posterior> {
    let n = objective.dimension();
    let (predictive, draws) = predict(problem, objective, draws, pace)?;
    let count = predictive.draws;
    let mut first = 0;
    let parameters = objective
        .layout()
        .map(|(parameter, prior, len)| {
            let range = first..first + len;
            first += len;
            let samples: Vec<f64> = draws
                .chunks_exact(n)
                .flat_map(|row| &row[range.clone()])
                .map(|u| prior.value(*u))
                .collect();
            let column = |k: usize| samples.iter().skip(k).step_by(len);
            let mean: Vec<f64> = (0..len)
                .map(|k| column(k).sum::<f64>() / count as f64)
                .collect();
            let sd = (0..len)
                .map(|k| {
                    let square = column(k).map(|v| (v - mean[k]).powi(2)).sum::<f64>();
                    (square / count as f64).sqrt()
                })
                .collect();
            Learnt {
                parameter,
                prior,
                location: location[range.clone()].to_vec(),
                scale: scale[range].to_vec(),
                mean,
                sd,
                samples,
            }
        })
        .collect();
    Ok(Posterior {
        method,
        history: Vec::new(),
        parameters,
        draws: count,
        observed: problem.observed.clone(),
        predictive,
        evaluations: 0,
        seconds: 0.0,
        stopped: false,
        warnings: Vec::new(),
        saved: Arc::default(),
    })
}

/// Runs draws [draw, coordinate] through the model, some at a time: 64, or in large economies as
/// many as take about half a second, as it may be asked to stop. Returns the draws that were made, too.
fn predict(
    problem: &Problem,
    objective: &Objective,
    draws: &mut dyn Iterator<Item = f64>,
    pace: Pace<'_>,
) -> Result<(Prediction, Vec<f64>)> {
    let n = objective.dimension();
    let begin = Instant::now();
    let enough = || match pace {
        Pace::Hurried => begin.elapsed() > Duration::from_millis(250),
        Pace::Until(asked) => asked(),
    };
    let orders = match pace {
        Pace::Hurried => 25_000_000,
        Pace::Until(_) => 200_000_000,
    };
    let together = objective.particles_within(orders).min(64);
    let (mut made, mut samples) = (Vec::new(), Vec::new());
    loop {
        let before = made.len();
        made.extend(draws.take(together * n));
        if made.len() == before {
            break;
        }
        samples.extend(objective.panels(&made[before..])?);
        if enough() {
            break;
        }
    }
    let count = made.len() / n;
    let cells = problem.observed.values.len();
    let mean = (0..cells)
        .map(|c| samples.iter().skip(c).step_by(cells).sum::<f64>() / count as f64)
        .collect();
    let prediction = Prediction {
        mean: Observation::from_values(&problem.network, mean)?,
        draws: count,
        samples,
    };
    Ok((prediction, made))
}

impl Posterior {
    /// The draws under a new scenario over `periods` periods: what would happen, with bands.
    /// `problem` is the one that was calibrated. Where severities or recovery rates were learnt
    /// they belong to the observed scenario; the new one brings its own. The stop button makes it
    /// return what it has: `Prediction::draws` says how many draws that are.
    pub fn predict(&self, problem: &Problem, shock: &Shock, periods: usize) -> Result<Prediction> {
        shock.check(&problem.network)?;
        let behaviour: Vec<&Learnt> = self
            .parameters
            .iter()
            .filter(|l| {
                matches!(
                    l.parameter,
                    Parameter::TargetInventory | Parameter::AdjustmentTime
                )
            })
            .collect();
        let mut next = problem.clone();
        next.simulation.periods = periods;
        next.simulation.check()?;
        next.shock = shock.clone();
        next.priors = Priors {
            severity: None,
            recovery_rate: None,
            ..problem.priors
        };
        let groups = problem.network.groups().len();
        next.observed = Observation::from_values(&problem.network, vec![0.0; periods * groups])?;
        for learnt in &behaviour {
            if learnt.len() != problem.network.firms() {
                return Err(Error::new(
                    "problem.network",
                    format!(
                        "{} firms, but the posterior is of {}",
                        problem.network.firms(),
                        learnt.len()
                    ),
                    "give the problem that was calibrated",
                ));
            }
        }
        if behaviour.is_empty() {
            // Only the observed shock was learnt: one run with the fixed parameters.
            let run =
                crate::simulate::simulate(&next.network, &next.params, shock, &next.simulation)?;
            let mean = run.observe();
            return Ok(Prediction {
                samples: mean.values.clone(),
                draws: 1,
                mean,
            });
        }
        let mut draws = (0..self.draws).flat_map(|k| {
            behaviour.iter().flat_map(move |l| {
                l.samples[k * l.len()..][..l.len()]
                    .iter()
                    .map(|v| l.prior.coordinate(*v))
            })
        });
        let interrupt = Interrupt::watch();
        let pace = Pace::Until(&|| interrupt.asked());
        Ok(predict(&next, &Objective::new(&next)?, &mut draws, pace)?.0)
    }
}
