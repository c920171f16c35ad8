//! The calibration problem: an economy, scenarios, panels, and priors.

use super::panel::place_of;
use super::{Loss, NoisePrior, Priors, Scale, Total};
use crate::error::{Error, Result};
use crate::model::{Params, Shock};
use crate::network::Network;
use crate::observe::Observation;
use crate::simulate::Simulation;

/// A scenario that was observed.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What hit the economy.
    pub shock: Shock,
    /// The panel that was seen, levels; NaN cells are left out of the loss.
    pub observed: Observation,
}

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
    /// Series of the first scenario that are sums of groups, such as a country's total; they may be all
    /// that is observed.
    pub totals: Vec<Total>,
    /// Further scenarios of the same economy, which started from its steady state as well: the firms'
    /// behaviour is the same in all, severities and recovery rates are each scenario's own. Each may
    /// have its own number of periods.
    pub further: Vec<Scenario>,
    /// Which parameters vary, and what is believed of them beforehand.
    pub priors: Priors,
    /// Relative observation noise σ: 0.03 means that a series is trusted to 3 % of its steady
    /// level. It sets the weight of the data against the prior: see `Loss`.
    pub noise: f64,
    /// Where given, the noise is learnt, with `noise` as its median before the data; `Posterior::learnt_noise` has it. For
    /// `Loss::Gaussian` and `Loss::StudentT`.
    pub noise_prior: Option<NoisePrior>,
    /// How simulated and observed cells are compared.
    pub loss: Loss,
    /// Whether levels or indices are compared.
    pub scale: Scale,
    /// Weight of each series in the loss, one per group: 2 counts its cells twice, 0 leaves it out.
    /// Empty: all count once.
    pub weights: Vec<f64>,
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
            params: Params::usual(network),
            shock: shock.clone(),
            observed: observed.clone(),
            totals: Vec::new(),
            further: Vec::new(),
            priors: Priors::default(),
            noise: 0.03,
            noise_prior: None,
            loss: Loss::default(),
            scale: Scale::default(),
            weights: Vec::new(),
        }
    }

    /// All scenarios with their panels: the first, and those that are further.
    pub fn scenarios(&self) -> impl Iterator<Item = (&Shock, &Observation)> {
        let further = self.further.iter().map(|s| (&s.shock, &s.observed));
        std::iter::once((&self.shock, &self.observed)).chain(further)
    }

    /// Refuses, before any work, whatever cannot be calibrated, and what cannot be meant: a panel of another
    /// network, negative production, levels in another unit, a noise in per cent. `warnings` says what is doubtful.
    pub fn check(&self) -> Result<()> {
        self.params.check(&self.network)?;
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
        self.loss.check()?;
        let groups = self.network.groups().len();
        if !self.weights.is_empty() && self.weights.len() != groups {
            return Err(Error::new(
                "problem.weights",
                format!("{} weights for {groups} series", self.weights.len()),
                "give one per group in the order of network.groups(), or none",
            ));
        }
        if let Some(w) = self.weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
            return Err(Error::new(
                "problem.weights",
                format!("a weight is {w}"),
                "give finite numbers of at least 0",
            ));
        }
        for (k, (shock, observed)) in self.scenarios().enumerate() {
            let place = |field: &str| place_of(k, field);
            shock
                .check(&self.network)
                .map_err(|e| if k == 0 { e } else { e.within(place("shock")) })?;
            let beside = k == 0
                && self
                    .totals
                    .iter()
                    .any(|t| t.values.iter().any(|v| !v.is_nan()));
            self.check_panel(observed, &place, beside)?;
        }
        self.check_totals()?;
        self.check_total_levels()?;
        self.check_noise()?;
        self.check_noise_prior()?;
        self.check_levels()?;
        self.priors.check(|domain| {
            let scenarios = self.scenarios();
            scenarios.map(|(shock, _)| shock.entries(domain)).sum()
        })
    }
}
