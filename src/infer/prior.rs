//! Priors, each a transform of a standard normal.

use crate::error::{Error, Result};
use crate::model::Params;
use crate::network::Network;
use burn::tensor::Tensor;
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};

/// A parameter that can be learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// Target inventory n of each firm, periods of use.
    TargetInventory,
    /// Inventory adjustment time τ of each firm, periods.
    AdjustmentTime,
    /// Severity δ of each (event, firm) pair, share of capacity.
    Severity,
    /// Recovery rate λ of each (event, firm) pair, per period.
    RecoveryRate,
}

impl Parameter {
    /// The name used in frames and figures.
    pub fn name(self) -> &'static str {
        match self {
            Parameter::TargetInventory => "target_inventory",
            Parameter::AdjustmentTime => "adjustment_time",
            Parameter::Severity => "severity",
            Parameter::RecoveryRate => "recovery_rate",
        }
    }

    /// The unit, for axes.
    pub fn unit(self) -> &'static str {
        match self {
            Parameter::TargetInventory => "periods of use",
            Parameter::AdjustmentTime => "periods",
            Parameter::Severity => "share of capacity",
            Parameter::RecoveryRate => "1 / period",
        }
    }
}

/// A prior distribution, independent for each firm or (event, firm) pair. Each is the image of a
/// standard normal u, in which guides work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prior {
    /// `shift + median exp(sigma u)`: positive above a shift.
    LogNormal {
        /// Lower bound.
        shift: f64,
        /// Median of the part above the shift.
        median: f64,
        /// Standard deviation of its logarithm.
        sigma: f64,
    },
    /// `1 / (1 + (1 - median) / median exp(-sigma u))`: between 0 and 1.
    LogitNormal {
        /// Median, between 0 and 1.
        median: f64,
        /// Standard deviation of the log-odds.
        sigma: f64,
    },
}

impl Prior {
    /// The value at standard-normal coordinate `u`.
    pub fn value(&self, u: f64) -> f64 {
        match *self {
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => shift + median * (sigma * u).exp(),
            Prior::LogitNormal { median, sigma } => {
                let odds = median / (1.0 - median) * (sigma * u).exp();
                odds / (1.0 + odds)
            }
        }
    }

    /// The standard-normal coordinate of value `x`, the inverse of `value`; NaN outside the support.
    pub fn coordinate(&self, x: f64) -> f64 {
        match *self {
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => ((x - shift) / median).ln() / sigma,
            Prior::LogitNormal { median, sigma } => {
                ((x / (1.0 - x)).ln() - (median / (1.0 - median)).ln()) / sigma
            }
        }
    }

    /// The density at value `x`, 0 outside the support.
    pub fn density(&self, x: f64) -> f64 {
        let normal = |u: f64| (-0.5 * u * u).exp() / (2.0 * std::f64::consts::PI).sqrt();
        match *self {
            Prior::LogNormal { shift, sigma, .. } => {
                if x <= shift {
                    return 0.0;
                }
                normal(self.coordinate(x)) / (sigma * (x - shift))
            }
            Prior::LogitNormal { sigma, .. } => {
                if x <= 0.0 || x >= 1.0 {
                    return 0.0;
                }
                normal(self.coordinate(x)) / (sigma * x * (1.0 - x))
            }
        }
    }

    /// The same transform on tensors of any shape.
    pub(crate) fn transform<const D: usize>(&self, u: Tensor<D>) -> Tensor<D> {
        match *self {
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => (u * sigma).exp().mul_scalar(median).add_scalar(shift),
            Prior::LogitNormal { median, sigma } => {
                let against = (u * (-sigma)).exp().mul_scalar((1.0 - median) / median);
                against.add_scalar(1.0).recip()
            }
        }
    }

    fn check(&self, name: &str) -> Result<()> {
        let good = match *self {
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => {
                shift >= 0.0
                    && shift.is_finite()
                    && median > 0.0
                    && median.is_finite()
                    && sigma > 0.0
                    && sigma.is_finite()
            }
            Prior::LogitNormal { median, sigma } => {
                median > 0.0 && median < 1.0 && sigma > 0.0 && sigma.is_finite()
            }
        };
        let bounded = matches!(self, Prior::LogitNormal { .. });
        if !good {
            return Err(Error::new(
                format!("priors.{name}"),
                format!("{self:?} is not a distribution"),
                if bounded {
                    "median between 0 and 1, sigma positive"
                } else {
                    "shift at least 0, median and sigma positive"
                },
            ));
        }
        Ok(())
    }
}

/// The prior of each parameter; `None` keeps it fixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priors {
    /// Of the target inventory, per firm.
    pub target_inventory: Option<Prior>,
    /// Of the adjustment time, per firm.
    pub adjustment_time: Option<Prior>,
    /// Of the severity, per (event, firm) pair.
    pub severity: Option<Prior>,
    /// Of the recovery rate, per (event, firm) pair.
    pub recovery_rate: Option<Prior>,
}

impl Default for Priors {
    /// n = 1 + LogNormal(0, 0.7) and τ = 1 + 5 LogNormal(0, 0.5); shocks known.
    fn default() -> Self {
        Self {
            target_inventory: Some(Prior::LogNormal {
                shift: 1.0,
                median: 1.0,
                sigma: 0.7,
            }),
            adjustment_time: Some(Prior::LogNormal {
                shift: 1.0,
                median: 5.0,
                sigma: 0.5,
            }),
            severity: None,
            recovery_rate: None,
        }
    }
}

impl Priors {
    /// What varies, in a fixed order.
    pub fn varying(&self) -> Vec<(Parameter, Prior)> {
        [
            (Parameter::TargetInventory, self.target_inventory),
            (Parameter::AdjustmentTime, self.adjustment_time),
            (Parameter::Severity, self.severity),
            (Parameter::RecoveryRate, self.recovery_rate),
        ]
        .into_iter()
        .filter_map(|(p, prior)| prior.map(|prior| (p, prior)))
        .collect()
    }

    /// Behaviour of every firm drawn from the priors; what has none takes the default prior.
    /// The same seed gives the same values.
    pub fn draw(&self, network: &Network, seed: u64) -> Params {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut draw = |prior: Option<Prior>, other: Option<Prior>| -> Vec<f64> {
            let noise: Vec<f64> = StandardNormal
                .sample_iter(&mut rng)
                .take(network.firms())
                .collect();
            noise
                .iter()
                .filter_map(|u| prior.or(other).map(|p| p.value(*u)))
                .collect()
        };
        let default = Priors::default();
        Params {
            target_inventory: draw(self.target_inventory, default.target_inventory),
            adjustment_time: draw(self.adjustment_time, default.adjustment_time),
        }
    }

    pub(crate) fn check(&self, hits: usize) -> Result<()> {
        let varying = self.varying();
        if varying.is_empty() {
            return Err(Error::new(
                "problem.priors",
                "every prior is None, so nothing varies",
                "give at least one parameter a prior",
            ));
        }
        for (parameter, prior) in varying {
            prior.check(parameter.name())?;
            let of_shock = matches!(parameter, Parameter::Severity | Parameter::RecoveryRate);
            if of_shock && hits == 0 {
                return Err(Error::new(
                    format!("priors.{}", parameter.name()),
                    "the scenario hits no firm, so there is nothing to learn",
                    "add an event to problem.shock, or set this prior to None",
                ));
            }
            if parameter == Parameter::Severity && !matches!(prior, Prior::LogitNormal { .. }) {
                return Err(Error::new(
                    "priors.severity",
                    "a severity lies between 0 and 1, and this prior does not",
                    "use Prior::LogitNormal",
                ));
            }
        }
        Ok(())
    }
}
