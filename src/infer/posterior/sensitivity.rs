//! How a loss of one simulation changes with every parameter.

use crate::error::{Error, Result};
use crate::infer::loss::Target;
use crate::infer::{Loss, Scale};
use crate::model::parameter::parameters;
use crate::model::{ByParameter, Domain, Parameter, Params, Shock};
use crate::network::Network;
use crate::observe::Observation;
use crate::simulate::{Columns, Horizon, Simulation, values_of};
use std::borrow::Cow;

macro_rules! sensitivity {
    ($( $Domain:ident { $(
        $(#[$doc:meta])*
        $field:ident: $Name:ident, $words:literal, $symbol:literal, $unit:literal, $bounds:expr, $usual:expr, $prior:expr, $varies:expr;
    )* } )*) => {
        /// How a loss changes with each parameter: what matters for it. A field is the derivative in every entry of a
        /// parameter, per its unit: `[firm]`, `[input]`, or `[hit]` with events end to end. The kernels of the default
        /// behaviour give those in n, τ, and in what cuts capacity; the other fields are empty then.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Sensitivity {
            /// The loss: against a panel the mean over observed cells of ((y - target) / y0)²; of output the share
            /// that is lost.
            pub loss: f64,
            $($( $(#[$doc])* pub $field: Vec<f64>, )*)*
        }

        impl Sensitivity {
            /// A loss and its derivatives.
            pub(crate) fn new(loss: f64, by: ByParameter<Vec<f64>>) -> Self {
                Self { loss, $($( $field: by.$field, )*)* }
            }

            /// The derivative in every entry of a parameter.
            pub fn of(&self, parameter: Parameter) -> &[f64] {
                match parameter { $($( Parameter::$Name => &self.$field, )*)* }
            }
        }
    };
}

parameters!(sensitivity);

/// Simulates once and differentiates the loss against `observed` through all periods.
///
/// At a kink of the model the derivative is that of one side: where production is tied, demand
/// comes first, then capacity, then the input whose link comes first.
pub fn sensitivity(
    network: &Network,
    params: &Params,
    shock: &Shock,
    simulation: &Simulation,
    observed: &Observation,
) -> Result<Sensitivity> {
    let cells = simulation.periods * network.groups().len();
    if observed.periods != simulation.periods
        || observed.groups() != network.groups().len()
        || observed.values.len() != cells
    {
        return Err(Error::new(
            "observed",
            format!(
                "{} values for {} periods x {} groups, but {} periods x {} groups are simulated",
                observed.values.len(),
                observed.periods,
                observed.groups(),
                simulation.periods,
                network.groups().len()
            ),
            "give a panel of this network over the simulated periods",
        ));
    }
    let target = Target::new(observed, Loss::RelativeSquare, Scale::Levels, &[], 1.0);
    differentiate(network, params, shock, simulation, |panel| {
        let mut slope = vec![0.0; panel.len()];
        let sum = target.sum(panel, Some(&mut slope), None);
        for s in &mut slope {
            *s /= target.total();
        }
        (sum / target.total(), slope)
    })
}

/// Simulates once and differentiates the output that is lost: which firms' inventories matter most for
/// it. The loss is the share of the steady output over all periods, of the whole economy, or of the
/// groups of `region` where one is named; an unknown region is an error. A derivative below 0 in a
/// firm's target inventory says that more stock there makes the loss smaller.
pub fn output_sensitivity(
    network: &Network,
    params: &Params,
    shock: &Shock,
    simulation: &Simulation,
    region: Option<&str>,
) -> Result<Sensitivity> {
    let counted: Vec<bool> = match region {
        None => vec![true; network.groups().len()],
        Some(region) => {
            network.firms_in_region(region)?;
            let of = |g: &(usize, usize)| network.regions()[g.0] == region;
            network.groups().iter().map(of).collect()
        }
    };
    let base = network.group_sums(network.output());
    let steady = base.iter().zip(&counted).filter(|(_, c)| **c);
    let whole = steady.map(|(b, _)| b).sum::<f64>() * simulation.periods as f64;
    differentiate(network, params, shock, simulation, |panel| {
        let slope: Vec<f64> = (0..panel.len())
            .map(|c| {
                if counted[c % counted.len()] {
                    -1.0 / whole
                } else {
                    0.0
                }
            })
            .collect();
        let made: f64 = panel.iter().zip(&slope).map(|(y, s)| -y * s).sum();
        (1.0 - made, slope)
    })
}

impl Sensitivity {
    /// The `count` firms whose target inventory changes the loss most, in either direction, with the
    /// derivatives, the strongest first.
    pub fn strongest(&self, count: usize) -> Vec<(usize, f64)> {
        let mut all: Vec<(usize, f64)> =
            self.target_inventory.iter().copied().enumerate().collect();
        all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        all.truncate(count);
        all
    }
}

/// `loss` gives the loss of a panel [period, group] and its derivative in every cell.
fn differentiate(
    network: &Network,
    params: &Params,
    shock: &Shock,
    simulation: &Simulation,
    loss: impl Fn(&[f64]) -> (f64, Vec<f64>),
) -> Result<Sensitivity> {
    params.check(network)?;
    shock.check(network)?;
    simulation.check()?;
    simulation.check_memory(network, shock)?;
    let of = (params, shock);
    let horizon = Horizon::new(network, of, simulation, Columns::Groups, None, &|_| false)?;
    let mut values = values_of(network, params, shock);
    if horizon.general().is_some() {
        // The derivative in what firms have by default, too.
        for p in Parameter::of(Domain::Firm) {
            let of_all = match p {
                Parameter::Slack => simulation.slack,
                _ => p.usual(),
            };
            // Capital is given where there is any.
            if values.get(p).is_empty() && p != Parameter::Capital {
                *values.get_mut(p) = Cow::Owned(vec![of_all; network.firms()]);
            }
        }
    }
    let remaining = horizon.remaining(&values);
    let mut value = f64::NAN;
    let (_, gradient) = horizon.gradient((1, &values, &remaining), true, |panel| {
        let (found, slope) = loss(panel);
        value = found;
        slope
    })?;
    Ok(Sensitivity::new(value, gradient))
}
