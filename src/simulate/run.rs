//! The loop over periods, for one run of host data and for batches of particles.

use super::{Record, Simulation, Trajectory};
use crate::error::{Error, Result};
use crate::model::{Economy, Hits, Params, Shock};
use crate::network::Network;
use burn::tensor::{Device, Tensor};

/// The varying inputs of a batch of runs; row p is particle p.
pub(crate) struct Inputs {
    /// n, [particle, firm].
    pub(crate) target_inventory: Tensor<2>,
    /// tau, [particle, firm].
    pub(crate) adjustment_time: Tensor<2>,
    /// delta, [particle, hit].
    pub(crate) severity: Tensor<2>,
    /// lambda, [particle, hit].
    pub(crate) recovery_rate: Tensor<2>,
}

/// Runs a batch and hands the output of every period t = 1..=T, [particle, firm], to `keep`.
pub(crate) fn output_tensors(
    economy: &Economy,
    shock: &Shock,
    simulation: &Simulation,
    inputs: Inputs,
    mut keep: impl FnMut(usize, Tensor<2>),
) {
    let hits = Hits::of(shock, &economy.device);
    let (mut state, behaviour) = economy.start(inputs.target_inventory, inputs.adjustment_time);
    for t in 1..=simulation.periods {
        let z = economy.capacity(&hits, &inputs.severity, &inputs.recovery_rate, t);
        let (next, output) =
            economy.step_reference(simulation.rule, simulation.slack, &state, &behaviour, z);
        state = next;
        keep(t, output);
    }
}

/// Simulates `shock` hitting `network`, whose firms behave as `params` say.
///
/// Wrong lengths, NaN and unknown firms are refused before any work.
pub fn simulate(
    network: &Network,
    params: &Params,
    shock: &Shock,
    simulation: &Simulation,
) -> Result<Trajectory> {
    params.check(network)?;
    shock.check(network)?;
    simulation.check()?;
    let device = Device::flex();
    let economy = Economy::new(network, &device, simulation.precision);
    let flat = |f: fn(&crate::model::Event) -> &Vec<f64>| -> Vec<f64> {
        shock.events.iter().flat_map(f).copied().collect()
    };
    let severity = economy.row(&flat(|e| &e.severity));
    let recovery_rate = economy.row(&flat(|e| &e.recovery_rate));
    let hits = Hits::of(shock, &device);
    let (mut state, behaviour) = economy.start(
        economy.row(&params.target_inventory),
        economy.row(&params.adjustment_time),
    );
    let all = simulation.record == Record::Everything;
    let mut out = Trajectory {
        network: network.clone(),
        periods: simulation.periods,
        output: Vec::with_capacity(simulation.periods * network.firms()),
        demand: Vec::new(),
        orders: Vec::new(),
        inventory: Vec::new(),
        warnings: params.warnings(),
    };
    for t in 1..=simulation.periods {
        let z = economy.capacity(&hits, &severity, &recovery_rate, t);
        let (next, output) =
            economy.step_reference(simulation.rule, simulation.slack, &state, &behaviour, z);
        state = next;
        out.output.extend(host(output));
        if all {
            out.demand.extend(host(state.demand.clone()));
            out.orders
                .extend(host(state.orders.clone() * economy.coefficient.clone()));
            out.inventory
                .extend(host(state.inventory.clone() * economy.coefficient.clone()));
        }
    }
    Ok(out)
}

impl Simulation {
    /// Refuses zero periods and negative slack.
    pub fn check(&self) -> Result<()> {
        if self.periods == 0 {
            return Err(Error::new(
                "simulation.periods",
                "0 periods",
                "simulate at least 1",
            ));
        }
        if !(self.slack >= 0.0 && self.slack.is_finite()) {
            return Err(Error::new(
                "simulation.slack",
                format!("slack is {}", self.slack),
                "give a share of the steady output of at least 0, such as 0.2",
            ));
        }
        Ok(())
    }
}

/// The numbers of a tensor, row by row, on the host in 64 bits.
pub(crate) fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
