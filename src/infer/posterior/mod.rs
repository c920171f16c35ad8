//! What a calibration learnt: host data that can be printed, framed, drawn and used to predict.

mod assemble;
mod chains;
pub(crate) mod convergence;
mod evidence;
mod level;
mod observations;
mod prediction;
mod psis;
mod sbc;
mod sensitivity;
mod starts;
mod summary;
mod what_if;

pub(crate) use assemble::{Draws, Pace, assemble};
pub use chains::Chains;
pub use convergence::Convergence;
pub use evidence::Evidence;
pub(crate) use evidence::bound;
pub use observations::Discrepancy;
pub use prediction::Prediction;
pub(crate) use prediction::{column_means, column_quantiles};
pub(crate) use psis::smoothed;
pub use sbc::{Ranks, Sbc, sbc};
pub use sensitivity::{Sensitivity, output_sensitivity, sensitivity};
pub use starts::Start;
pub(crate) use starts::disagreeing;
pub(crate) use summary::relative;
pub use summary::{Check, Row, Summary};
pub use what_if::{Outcome, Policy, WhatIf};

use crate::error::{Error, Result};
use crate::files::Part;
use crate::infer::snapshot::{Phase, Snapshot};
use crate::infer::state::Saved;
use crate::infer::{LearntNoise, Loss, Method, Parameter, Per, Prior, Scale};
use crate::observe::Observation;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// One entry of the history of a calibration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Model evaluations (simulations of one particle or draw) so far.
    pub evaluations: usize,
    /// Mean loss (`Problem::loss`): of this step's particles, or of the draws kept so far.
    pub loss: f64,
    /// Divergence of the guide from the prior, with its weight, in nats; 0 for methods without a guide.
    pub kl: f64,
    /// What is minimised: the weight of the data x loss + divergence; the loss alone without a guide.
    pub objective: f64,
    /// Particles since the entry before whose simulation was not finite and were left out.
    pub dropped: usize,
}

/// What was learnt of one parameter. Entries are what has a value of its own: firms, or (event, firm)
/// pairs in the order of the scenarios' events, or the regions, sectors and so on of `Priors::per`.
#[derive(Clone, Debug)]
pub struct Learnt {
    /// Which parameter.
    pub parameter: Parameter,
    /// Its prior.
    pub prior: Prior,
    /// How finely it varied.
    pub per: Per,
    /// What each entry is: a firm, a region, "event 0 · firm", and so on.
    pub labels: Vec<String>,
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
    /// How many independent draws `scale` rests on; infinite where a guide knows it.
    pub effective_draws: f64,
}

impl Learnt {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// True when it has no entries, which a checked problem does not allow.
    pub fn is_empty(&self) -> bool {
        self.mean.is_empty()
    }

    /// The `q` quantile over draws of every entry, in the parameter's own unit; q in 0..=1.
    pub fn quantile(&self, q: f64) -> Vec<f64> {
        column_quantiles(&self.samples, self.len(), q)
    }

    /// Share of entries whose posterior is at least `by` narrower than the prior (0.1: 10 %): how
    /// much of this parameter the data speak about. Where the spread is that of n draws it is uncertain by a
    /// share of 1 / √(2 (n - 1)), and an entry counts where it is narrower by twice that besides.
    pub fn informed(&self, by: f64) -> f64 {
        self.narrower(by) as f64 / self.scale.len().max(1) as f64
    }

    /// Number of these entries.
    pub(crate) fn narrower(&self, by: f64) -> usize {
        let chance = 2.0 / (2.0 * (self.effective_draws - 1.0).max(0.0)).sqrt();
        let limit = (1.0 - by) * (1.0 - chance);
        self.scale.iter().filter(|s| **s <= limit).count()
    }
}

/// A further scenario, and what the draws make of it.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The panel that was fitted.
    pub observed: Observation,
    /// The draws run through the model on its scenario.
    pub predictive: Prediction,
}

/// The result of a calibration.
#[derive(Clone, Debug)]
pub struct Posterior {
    /// "variational inference", "ABC rejection" and so on.
    pub method: &'static str,
    /// How it got there: an entry for each step of the optimiser, batch of draws or move of the chains. Of more than
    /// 10,000 the last thousand at least are all there (twice `EarlyStop::patience` where that is more), and of those
    /// before them the first and every second, fourth, eighth, … after it; `Step::evaluations` says where each stands.
    pub history: Vec<Step>,
    /// What was learnt, one entry per parameter that varied.
    pub parameters: Vec<Learnt>,
    /// Number of draws in every `Learnt::samples`.
    pub draws: usize,
    /// The panel that was fitted.
    pub observed: Observation,
    /// The draws run through the model on the observed scenario.
    pub predictive: Prediction,
    /// The same for each further scenario of the problem.
    pub further: Vec<Fitted>,
    /// What `Step::loss` is.
    pub loss: Loss,
    /// What each start of `Svi::starts` came to; empty of one start, and of methods without.
    pub starts: Vec<Start>,
    /// What the chains of `Nuts` tell of themselves; none of other methods.
    pub chains: Option<Chains>,
    /// Logarithm of the evidence, the probability of the data under the priors, as far as the method bounds or
    /// estimates it; see `Evidence`. None of ABC, of chains and of a point.
    pub evidence: Option<Evidence>,
    /// Pareto k-hat of the guide: whether its draws could be weighted to be those of the posterior. Below
    /// 0.7 they could; above, the guide is another distribution, as it nearly always is for hundreds of
    /// parameters. It compares the two where the guide is, and cannot see a higher hill elsewhere: `starts` can. NaN
    /// without a guide or with fewer than 25 draws.
    pub pareto_k: f64,
    /// Relative observation noise σ of the problem.
    pub noise: f64,
    /// What was learnt of the noise, where `Problem::noise_prior` is given.
    pub learnt_noise: Option<LearntNoise>,
    /// What the problem compares.
    pub scale: Scale,
    /// What computed it, as "CPU" or "NVIDIA H100 PCIe (CUDA 0)".
    pub device: String,
    /// Model evaluations used.
    pub evaluations: usize,
    /// Wall time of the call, seconds.
    pub seconds: f64,
    /// True when the call returned before its end, as it was asked to or its time was up.
    pub stopped: bool,
    /// How far the result may be taken for the posterior.
    pub convergence: Convergence,
    /// What is unusual in the problem, what speaks against the result (`convergence.doubts`), and what went
    /// wrong on the way, one sentence each.
    pub warnings: Vec<String>,
    /// Where it was left, to go on from.
    pub(crate) saved: Arc<Saved>,
}

impl Posterior {
    /// The noise σ of a group's series in draw k, relative to its steady level.
    pub fn noise_of(&self, k: usize, group: usize) -> f64 {
        let learnt = self.learnt_noise.as_ref();
        let value = learnt.and_then(|l| l.samples.get(k * l.mean.len() + l.of.get(group)?));
        value.copied().unwrap_or(self.noise)
    }

    /// What was learnt of `parameter`, a copy that a notebook can keep; an error if it did not vary.
    pub fn learnt(&self, parameter: Parameter) -> Result<Learnt> {
        let found = self.parameters.iter().find(|l| l.parameter == parameter);
        found.cloned().ok_or_else(|| {
            Error::new(
                "posterior",
                format!("the {} did not vary", parameter.words()),
                "give it a prior in problem.priors",
            )
        })
    }

    /// The name of a method, as results hold it.
    pub(crate) fn method_named(name: &str) -> Option<&'static str> {
        Method::NAMES.iter().copied().find(|m| *m == name)
    }

    /// Refuses a posterior whose tables are not as long as its draws and entries need: its fields can be changed.
    pub(crate) fn whole(&self) -> Result<()> {
        let cut = |what: &str| {
            Err(Error::new(
                format!("posterior.{what}"),
                "its length is not that of the draws and entries",
                "leave the tables of a posterior as they are, or load it again",
            ))
        };
        for l in &self.parameters {
            let lengths = [l.labels.len(), l.location.len(), l.scale.len(), l.sd.len()];
            let samples = self.draws.checked_mul(l.len());
            if lengths.iter().any(|n| *n != l.len()) || samples != Some(l.samples.len()) {
                return cut(&format!("parameters, {}", l.parameter.name()));
            }
        }
        let further = self.further.iter().map(|f| (&f.observed, &f.predictive));
        for (observed, made) in std::iter::once((&self.observed, &self.predictive)).chain(further) {
            observed.whole()?;
            made.mean.whole()?;
            let cells = made.draws.checked_mul(made.mean.values.len());
            if cells != Some(made.samples.len()) || observed.values.len() != made.mean.values.len()
            {
                return cut("predictive");
            }
        }
        Ok(())
    }

    /// Writes the state of the calibration to a file, from which a later session goes on by
    /// `Run::state_file`.
    pub fn save_state(&self, file: impl AsRef<Path>) -> Result<()> {
        self.saved.write(file.as_ref())
    }

    /// The state with the mark of a save, beside its place.
    pub(crate) fn state_part(&self, file: &Path, mark: &str) -> Result<Part> {
        self.saved.part(file, mark)
    }

    /// Takes over the state that `state_part` wrote, to go on from, and returns its mark.
    pub(crate) fn load_state(&mut self, file: &Path) -> Result<String> {
        let mut saved = Saved::read(file)?;
        let mark = saved.take_mark();
        self.saved = Arc::new(saved);
        Ok(mark)
    }

    /// The last picture of the calibration: its bands are those of the posterior's draws.
    pub(crate) fn last_picture(&self, snapshot: Snapshot) -> Snapshot {
        Snapshot {
            phase: if self.stopped {
                Phase::Stopped
            } else {
                Phase::Finished
            },
            panels: Arc::new(self.predictive.samples.clone()),
            warnings: self.warnings.clone(),
            ..snapshot
        }
    }
}
