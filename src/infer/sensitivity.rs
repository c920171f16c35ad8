//! The loss of one simulation against a panel, and its gradient in every parameter.

use super::objective::Target;
use crate::error::{Error, Result};
use crate::model::{Economy, Params, Shock};
use crate::network::Network;
use crate::observe::Observation;
use crate::simulate::{Columns, Horizon, Inputs, Simulation, host};
use burn::tensor::{Device, Tensor};

/// How the mean relative square loss changes with each parameter: what matters for a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensitivity {
    /// Mean over observed cells of ((y - target) / y0)².
    pub loss: f64,
    /// Derivative in each firm's target inventory, per period of use, `[firm]`.
    pub target_inventory: Vec<f64>,
    /// Derivative in each firm's adjustment time, per period, `[firm]`.
    pub adjustment_time: Vec<f64>,
    /// Derivative in each severity, events end to end, `[hit]`.
    pub severity: Vec<f64>,
    /// Derivative in each recovery rate, events end to end, `[hit]`.
    pub recovery_rate: Vec<f64>,
}

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
    params.check(network)?;
    shock.check(network)?;
    simulation.check()?;
    if observed.periods != simulation.periods || observed.groups() != network.groups().len() {
        return Err(Error::new(
            "observed",
            format!(
                "{} periods x {} groups, but {} periods x {} groups are simulated",
                observed.periods,
                observed.groups(),
                simulation.periods,
                network.groups().len()
            ),
            "give a panel of this network over the simulated periods",
        ));
    }
    let economy = Economy::new(network, &Device::flex().autodiff(), simulation.precision);
    let leaf = |values: &[f64]| economy.row(values).require_grad();
    let flat = |f: fn(&crate::model::Event) -> &Vec<f64>| -> Vec<f64> {
        shock.events.iter().flat_map(f).copied().collect()
    };
    let leaves = [
        leaf(&params.target_inventory),
        leaf(&params.adjustment_time),
        leaf(&flat(|e| &e.severity)),
        leaf(&flat(|e| &e.recovery_rate)),
    ];
    let [n, tau, severity, recovery_rate] = leaves.clone();
    let inputs = Inputs {
        target_inventory: n,
        adjustment_time: tau,
        severity,
        recovery_rate,
    };
    let target = Target::new(observed, &economy);
    let horizon = Horizon::new(network, economy, shock, simulation, Columns::Groups, None);
    let loss = target.loss(horizon.run(inputs, None));
    let value = host(loss.clone())[0];
    let gradients = loss.sum().backward();
    let [target_inventory, adjustment_time, severity, recovery_rate] =
        leaves.map(|leaf: Tensor<2>| match leaf.grad(&gradients) {
            Some(g) => host(g),
            // No output depends on it.
            None => vec![0.0; leaf.dims()[1]],
        });
    Ok(Sensitivity {
        loss: value,
        target_inventory,
        adjustment_time,
        severity,
        recovery_rate,
    })
}
