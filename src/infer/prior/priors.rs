//! What varies in a calibration, how finely, and what is believed of it beforehand.

use crate::error::{Error, Result};
use crate::infer::Prior;
use crate::model::Params;
use crate::network::Network;
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// A parameter that can be learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// All of them, in the order of coordinates.
    pub const ALL: &'static [Parameter] = &[
        Parameter::TargetInventory,
        Parameter::AdjustmentTime,
        Parameter::Severity,
        Parameter::RecoveryRate,
    ];

    /// The parameter of a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.name() == name)
    }

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

    /// The values that the model allows.
    fn range(self) -> (f64, f64) {
        match self {
            Parameter::Severity => (0.0, 1.0),
            _ => (0.0, f64::INFINITY),
        }
    }

    /// True of what belongs to a scenario, not to the firms.
    pub(crate) fn of_shock(self) -> bool {
        matches!(self, Parameter::Severity | Parameter::RecoveryRate)
    }
}

/// How finely a parameter varies: what has a value of its own. Severities and recovery rates belong to
/// an event, so theirs are per region *and event*, and so on, but for `All`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Per {
    /// Each firm, or each (event, firm) pair.
    #[default]
    Firm,
    /// All firms of a region share one value.
    Region,
    /// All firms of a sector share one.
    Sector,
    /// All firms of a region x sector group share one.
    Group,
    /// All firms of an event share one; for severities and recovery rates only.
    Event,
    /// One value for all.
    All,
    /// Each firm, but firms of a region are alike: so much of the prior variance of a firm's
    /// standard-normal coordinate is common to its region, in 0..1. u = √share v + √(1 - share) e with
    /// independent standard normals v per region and e per firm, so each firm alone has the prior.
    FirmInRegion(#[serde(with = "crate::infer::exact")] f64),
    /// The same with sectors.
    FirmInSector(#[serde(with = "crate::infer::exact")] f64),
    /// The same with region x sector groups.
    FirmInGroup(#[serde(with = "crate::infer::exact")] f64),
}

/// How finely each parameter varies, where it does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Levels {
    /// The target inventory.
    pub target_inventory: Per,
    /// The adjustment time.
    pub adjustment_time: Per,
    /// The severity.
    pub severity: Per,
    /// The recovery rate.
    pub recovery_rate: Per,
}

/// The prior of each parameter; `None` keeps it fixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Priors {
    /// Of the target inventory.
    pub target_inventory: Option<Prior>,
    /// Of the adjustment time.
    pub adjustment_time: Option<Prior>,
    /// Of the severity.
    pub severity: Option<Prior>,
    /// Of the recovery rate.
    pub recovery_rate: Option<Prior>,
    /// How finely each varies; per firm, or per (event, firm) pair, unless said otherwise.
    pub per: Levels,
}

impl Default for Priors {
    /// n = 1 + LogNormal(0, 0.7) and τ = 1 + 5 LogNormal(0, 0.5) per firm; shocks known.
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
            per: Levels::default(),
        }
    }
}

/// Standard deviations of a normal prior that must lie within what the model allows.
const WITHIN: f64 = 8.0;

impl Priors {
    /// No parameter varies: to start from where few do.
    pub fn none() -> Self {
        Self {
            target_inventory: None,
            adjustment_time: None,
            ..Self::default()
        }
    }

    /// What varies, in a fixed order.
    pub fn varying(&self) -> Vec<(Parameter, Prior, Per)> {
        let Levels {
            target_inventory,
            adjustment_time,
            severity,
            recovery_rate,
        } = self.per;
        [
            (
                Parameter::TargetInventory,
                self.target_inventory,
                target_inventory,
            ),
            (
                Parameter::AdjustmentTime,
                self.adjustment_time,
                adjustment_time,
            ),
            (Parameter::Severity, self.severity, severity),
            (Parameter::RecoveryRate, self.recovery_rate, recovery_rate),
        ]
        .into_iter()
        .filter_map(|(p, prior, per)| prior.map(|prior| (p, prior, per)))
        .collect()
    }

    /// Behaviour of every firm drawn from the priors, each firm for itself; what has none takes the
    /// default prior. The same seed gives the same values; those of a prior that is none, such as one with a
    /// negative spread, are NaN, which `simulate` refuses.
    pub fn draw(&self, network: &Network, seed: u64) -> Params {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut draw = |prior: Option<Prior>, other: Option<Prior>| -> Vec<f64> {
            let noise: Vec<f64> = StandardNormal
                .sample_iter(&mut rng)
                .take(network.firms())
                .collect();
            // Values of a prior that is none are NaN, which whatever takes them refuses.
            let good = prior.or(other).filter(|p| p.check("").is_ok());
            let transport = good.map(super::Transport::new);
            let value = |u: &f64| transport.as_ref().map_or(f64::NAN, |t| t.at(*u).0);
            noise.iter().map(value).collect()
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
        for (parameter, prior, per) in varying {
            let place = format!("priors.{}", parameter.name());
            prior.check(&place)?;
            let (low, high) = parameter.range();
            let (from, to) = match prior {
                Prior::Normal { mean, sd } => (mean - WITHIN * sd, mean + WITHIN * sd),
                _ => prior.support(),
            };
            if from < low || to > high {
                let range = if high.is_finite() {
                    format!("between {low} and {high}")
                } else {
                    format!("above {low}")
                };
                return Err(Error::new(
                    place,
                    format!(
                        "a {} lies {range}, and {prior:?} reaches from {from} to {to}",
                        parameter.name().replace('_', " ")
                    ),
                    if high.is_finite() {
                        "use Prior::LogitNormal, Beta, Uniform or TruncatedNormal within these bounds"
                    } else {
                        "use Prior::LogNormal, Gamma, Uniform or TruncatedNormal within these bounds"
                    },
                ));
            }
            if parameter.of_shock() && hits == 0 {
                return Err(Error::new(
                    place,
                    "the scenario hits no firm, so there is nothing to learn",
                    "add an event to problem.shock, or set this prior to None",
                ));
            }
            let place = format!("priors.per.{}", parameter.name());
            match per {
                Per::Event if !parameter.of_shock() => {
                    return Err(Error::new(
                        place,
                        "the behaviour of firms does not belong to an event",
                        "use Per::All for one value",
                    ));
                }
                Per::FirmInRegion(share) | Per::FirmInSector(share) | Per::FirmInGroup(share)
                    if !(share > 0.0 && share < 1.0) =>
                {
                    return Err(Error::new(
                        place,
                        format!("{share} of the variance is common"),
                        "give a share between 0 and 1, such as 0.5; for 0 use Per::Firm, for 1 Per::Sector",
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
