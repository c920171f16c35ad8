//! What varies in a calibration, how finely, and what is believed of it beforehand.

use crate::error::{Error, Result};
use crate::infer::Prior;
use crate::model::parameter::parameters;
use crate::model::{Bounds, ByParameter, Domain, Parameter, Params};
use crate::network::Network;
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// How finely a parameter varies: what has a value of its own. Severities and recovery rates belong to
/// an event, so theirs are per region *and event*, and so on, but for `All`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Per {
    /// Each firm, or each (event, firm) pair: what the parameter's domain is made of.
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
    /// Of a path, period by period: firms of a region share one, which walks at random. Its standard-normal coordinate
    /// is normal in the first period and changes by so many standard deviations from one period to the next.
    RegionWalk(#[serde(with = "crate::infer::exact")] f64),
    /// The same with sectors.
    SectorWalk(#[serde(with = "crate::infer::exact")] f64),
    /// The same with region x sector groups.
    GroupWalk(#[serde(with = "crate::infer::exact")] f64),
    /// The same with all firms together.
    Walk(#[serde(with = "crate::infer::exact")] f64),
}

impl Per {
    /// The step of a random walk, of those that walk.
    pub(crate) fn walk(self) -> Option<f64> {
        match self {
            Per::RegionWalk(step)
            | Per::SectorWalk(step)
            | Per::GroupWalk(step)
            | Per::Walk(step) => Some(step),
            _ => None,
        }
    }
}

/// How finely each parameter varies, where it does.
pub type Levels = ByParameter<Per>;

macro_rules! priors {
    ($( $Domain:ident { $(
        $(#[$doc:meta])*
        $field:ident: $Name:ident, $words:literal, $symbol:literal, $unit:literal, $bounds:expr, $usual:expr, $prior:expr, $varies:expr;
    )* } )*) => {
        /// The prior of each parameter; `None` keeps it fixed.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct Priors {
            $($( $(#[$doc])* pub $field: Option<Prior>, )*)*
            /// How finely each varies; per firm, or per (event, firm) pair, unless said otherwise.
            pub per: Levels,
        }

        impl Default for Priors {
            /// n = 1 + LogNormal(0, 0.7) and τ = 1 + 5 LogNormal(0, 0.5) per firm; all else known.
            fn default() -> Self {
                Self { $($( $field: $varies.then_some($prior), )*)* per: Levels::default() }
            }
        }

        impl Priors {
            /// No parameter varies: to start from where few do.
            pub fn none() -> Self {
                Self { $($( $field: None, )*)* per: Levels::default() }
            }

            /// A sensible prior of a parameter, to begin with.
            ///
            /// ```
            /// use bullwhip::prelude::*;
            ///
            /// let severity = Some(Priors::sensible(Parameter::Severity));
            /// let priors = Priors { severity, ..Priors::default() };
            /// assert_eq!(priors.varying().len(), 3);
            /// ```
            pub fn sensible(parameter: Parameter) -> Prior {
                match parameter { $($( Parameter::$Name => $prior, )*)* }
            }

            /// The prior of a parameter, to be changed.
            pub fn of_mut(&mut self, parameter: Parameter) -> &mut Option<Prior> {
                match parameter { $($( Parameter::$Name => &mut self.$field, )*)* }
            }

            /// Lets a parameter keep its value.
            pub(crate) fn forget(&mut self, parameter: Parameter) {
                match parameter { $($( Parameter::$Name => self.$field = None, )*)* }
            }

            /// The prior of a parameter.
            pub fn of(&self, parameter: Parameter) -> Option<Prior> {
                match parameter { $($( Parameter::$Name => self.$field, )*)* }
            }
        }
    };
}

parameters!(priors);

/// Standard deviations of a normal prior that must lie within what the model allows.
const WITHIN: f64 = 8.0;

impl Priors {
    /// What varies, in the order of the table.
    pub fn varying(&self) -> Vec<(Parameter, Prior, Per)> {
        let all = Parameter::ALL.iter();
        all.filter_map(|p| Some((*p, self.of(*p)?, *self.per.get(*p))))
            .collect()
    }

    /// Behaviour of every firm drawn from the priors, each firm for itself; what has none takes the
    /// default prior, or its usual value where there is none either. The same seed gives the same values; those of a prior that is none, such as one with a
    /// negative spread, are NaN, which `simulate` refuses.
    pub fn draw(&self, network: &Network, seed: u64) -> Params {
        let mut rng = StdRng::seed_from_u64(seed);
        let default = Priors::default();
        let draw = |parameter: Parameter| -> std::result::Result<Vec<f64>, Infallible> {
            let Some(prior) = self.of(parameter).or(default.of(parameter)) else {
                let values = if parameter.may_be_empty() {
                    0
                } else {
                    network.firms()
                };
                return Ok(vec![parameter.usual(); values]);
            };
            if parameter.domain() == Domain::Input {
                return Ok(Vec::new());
            }
            let normals = StandardNormal.sample_iter(&mut rng);
            let noise: Vec<f64> = normals.take(network.firms()).collect();
            // Values of a prior that is none are NaN, which whatever takes them refuses.
            let good = Some(prior).filter(|p| p.check("").is_ok());
            let transport = good.map(super::Transport::new);
            let value = |u: &f64| transport.as_ref().map_or(f64::NAN, |t| t.at(*u).0);
            Ok(noise.iter().map(value).collect())
        };
        Params::try_of(draw).unwrap_or_else(|never| match never {})
    }

    pub(crate) fn check(&self, entries: impl Fn(Domain) -> usize) -> Result<()> {
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
            let Bounds { low, high, .. } = parameter.bounds();
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
                        parameter.words()
                    ),
                    if high.is_finite() {
                        "use Prior::LogitNormal, Beta, Uniform or TruncatedNormal within these bounds"
                    } else {
                        "use Prior::LogNormal, Gamma, Uniform or TruncatedNormal within these bounds"
                    },
                ));
            }
            if parameter.of_shock() && entries(parameter.domain()) == 0 {
                return Err(Error::new(
                    place,
                    match parameter.domain() {
                        Domain::Hit => "the scenario hits no firm, so there is nothing to learn",
                        _ => "the scenario has nothing of this kind, so there is nothing to learn",
                    },
                    "add an event to problem.shock, or set this prior to None",
                ));
            }
            check_per(parameter, per)?;
        }
        Ok(())
    }
}

/// Refuses levels that a parameter cannot have.
fn check_per(parameter: Parameter, per: Per) -> Result<()> {
    let (fact, remedy) = match (parameter.domain(), per) {
        (domain, Per::Event) if !domain.of_shock() => (
            "the behaviour of firms does not belong to an event".into(),
            "use Per::All for one value",
        ),
        (domain, per) if per.walk().is_some() && !domain.of_path() => (
            "only a path over periods can walk".into(),
            "use it for capacity_path, demand_path or extra_demand",
        ),
        (_, per)
            if per
                .walk()
                .is_some_and(|step| !(step > 0.0 && step.is_finite())) =>
        {
            (
                format!("a step of {:?} standard deviations", per.walk()),
                "give a step above 0, such as 0.2",
            )
        }
        (_, Per::FirmInRegion(share) | Per::FirmInSector(share) | Per::FirmInGroup(share))
            if !(share > 0.0 && share < 1.0) =>
        {
            (
                format!("{share} of the variance is common"),
                "give a share between 0 and 1, such as 0.5; for 0 use Per::Firm, for 1 Per::Sector",
            )
        }
        _ => return Ok(()),
    };
    let place = format!("priors.per.{}", parameter.name());
    Err(Error::new(place, fact, remedy))
}
