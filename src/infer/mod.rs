//! Calibration: which parameters vary, what is observed, and what was learnt.

mod abc;
mod background;
mod guide;
mod noise;
mod objective;
mod posterior;
mod prior;
mod saved;
mod sbc;
mod sensitivity;
mod snapshot;
mod svi;

pub use abc::{Abc, calibrate_abc};
pub use background::Background;
pub use guide::Guide;
pub use objective::{Evaluation, Objective};
pub use posterior::{Learnt, Posterior, Prediction, Step};
pub use prior::{Parameter, Prior, Priors};
pub use sbc::{Ranks, Sbc, sbc};
pub use sensitivity::{Sensitivity, sensitivity};
pub use snapshot::{Marginals, Phase, Snapshot};
pub use svi::{Svi, calibrate};

use crate::error::{Error, Result};
use crate::model::{Params, Shock};
use crate::network::Network;
use crate::observe::Observation;
use crate::simulate::Simulation;

/// A calibration problem: an economy, a known scenario, an observed panel, and priors on what is
/// to be learnt. Everything without a prior stays at its value in `params` and `shock`.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The economy.
    pub network: Network,
    /// How to simulate it; `periods` must be that of `observed`.
    pub simulation: Simulation,
    /// Values of the parameters that do not vary.
    pub params: Params,
    /// The scenario; its severities and recovery rates are used where they do not vary.
    pub shock: Shock,
    /// The observed panel, levels; NaN cells are left out of the loss.
    pub observed: Observation,
    /// Which parameters vary, and what is believed of them beforehand.
    pub priors: Priors,
    /// Relative observation noise σ: 0.03 means that a series is trusted to 3 % of its steady
    /// level. It sets the weight T G / (2 σ²) of the data against the prior.
    pub noise: f64,
}

impl Problem {
    /// A problem with the default priors on target inventory and adjustment time, and 3 % noise.
    pub fn new(network: &Network, shock: &Shock, observed: &Observation) -> Self {
        Self {
            network: network.clone(),
            simulation: Simulation {
                periods: observed.periods,
                ..Simulation::default()
            },
            params: Params::uniform(network, 2.0, 6.0),
            shock: shock.clone(),
            observed: observed.clone(),
            priors: Priors::default(),
            noise: 0.03,
        }
    }

    /// Refuses, before any work, whatever cannot be calibrated.
    pub fn check(&self) -> Result<()> {
        self.params.check(&self.network)?;
        self.shock.check(&self.network)?;
        let groups = self.network.groups().len();
        if self.observed.groups() != groups {
            return Err(Error::new(
                "problem.observed",
                format!(
                    "{} series, but the network has {groups} non-empty region x sector groups",
                    self.observed.groups()
                ),
                "build the panel with Observation::from_values or Trajectory::observe of this network",
            ));
        }
        if self.observed.periods != self.simulation.periods || self.observed.periods == 0 {
            return Err(Error::new(
                "problem.simulation.periods",
                format!(
                    "{} periods are simulated, but {} are observed",
                    self.simulation.periods, self.observed.periods
                ),
                "set both to the same number, at least 1",
            ));
        }
        if self.observed.values.len() != self.observed.periods * groups {
            return Err(Error::new(
                "problem.observed.values",
                format!(
                    "{} values for {} periods x {groups} groups",
                    self.observed.values.len(),
                    self.observed.periods
                ),
                "give [period, group] row by row, NaN where missing",
            ));
        }
        if self.observed.missing() == self.observed.values.len() {
            return Err(Error::new(
                "problem.observed",
                "every cell is missing",
                "nothing can be learnt from it",
            ));
        }
        if let Some(v) = self.observed.values.iter().find(|v| v.is_infinite()) {
            return Err(Error::new(
                "problem.observed",
                format!("a cell is {v}"),
                "use NaN for a missing cell",
            ));
        }
        if let Some(i) = (0..groups).find(|&i| !(self.observed.base[i] > 0.0)) {
            return Err(Error::new(
                "problem.observed",
                format!(
                    "the series of {} has steady level {}",
                    self.observed.label(i),
                    self.observed.base[i]
                ),
                "a relative loss needs positive levels: merge or drop the group",
            ));
        }
        if !(self.noise > 0.0 && self.noise.is_finite()) {
            return Err(Error::new(
                "problem.noise",
                format!("sigma is {}", self.noise),
                "give a positive share such as 0.03",
            ));
        }
        self.priors.check(self.shock.hits())
    }
}
