//! One run of host data.

use super::{Columns, Horizon, Inputs, Method, Precision, Record, Simulation, Trajectory};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::memory;
use crate::model::{Economy, Hits, Params, Shock};
use crate::network::Network;
use crate::ops::{Opened, failure};
use burn::tensor::{Tensor, TensorData, read_sync};
use std::future::poll_fn;
use std::task::Poll;

/// Simulates `shock` hitting `network`, whose firms behave as `params` say.
///
/// Wrong lengths, NaN and unknown firms are refused before any work. The stop button and Ctrl-C make
/// it return the periods that are done: `periods` is their number then, and `warnings` says so.
pub fn simulate(
    network: &Network,
    params: &Params,
    shock: &Shock,
    simulation: &Simulation,
) -> Result<Trajectory> {
    params.check(network)?;
    shock.check(network)?;
    simulation.check()?;
    simulation.check_memory(network, shock)?;
    let interrupt = Interrupt::watch();
    let Opened {
        tensors: device,
        name,
    } = simulation.open()?;
    let economy = Economy::new(network, &device, simulation.precision);
    let flat = |f: fn(&crate::model::Event) -> &Vec<f64>| -> Vec<f64> {
        shock.events.iter().flat_map(f).copied().collect()
    };
    let severity = economy.row(&flat(|e| &e.severity));
    let recovery_rate = economy.row(&flat(|e| &e.recovery_rate));
    let mut out = Trajectory {
        network: network.clone(),
        periods: simulation.periods,
        output: Vec::new(),
        demand: Vec::new(),
        orders: Vec::new(),
        inventory: Vec::new(),
        device: name,
        warnings: [params.warnings(), shock.warnings(simulation.periods)].concat(),
    };
    let target_inventory = economy.row(&params.target_inventory);
    let adjustment_time = economy.row(&params.adjustment_time);
    let everything = simulation.record == Record::Everything;
    if !everything && simulation.method == Method::Kernels {
        let stop = Some(interrupt.flag());
        let horizon = Horizon::new(network, economy, shock, simulation, Columns::Firms, stop);
        let inputs = Inputs {
            target_inventory,
            adjustment_time,
            severity,
            recovery_rate,
        };
        out.output = host(horizon.run(inputs, None))?;
        let firms = network.firms();
        if interrupt.asked() {
            let first = out.output.iter().step_by(firms);
            let done = first.take_while(|x| !x.is_nan()).count();
            out.stop_after(done);
        }
        out.tell_infinite();
        return Ok(out);
    }
    // What happens inside a period is known to the plain tensors only.
    let hits = Hits::of(shock, &device);
    let (mut state, behaviour) = economy.start(target_inventory, adjustment_time);
    for t in 1..=simulation.periods {
        let z = economy.capacity(&hits, &severity, &recovery_rate, t);
        let (next, output) = economy.step_reference(
            simulation.model.production,
            simulation.slack,
            &state,
            &behaviour,
            z,
        );
        state = next;
        out.output.extend(host(output)?);
        if everything {
            out.demand.extend(host(state.demand.clone())?);
            out.orders
                .extend(host(state.orders.clone() * economy.coefficient.clone())?);
            out.inventory
                .extend(host(state.inventory.clone() * economy.coefficient.clone())?);
        }
        if interrupt.asked() {
            out.stop_after(t);
            break;
        }
    }
    out.tell_infinite();
    Ok(out)
}

impl Trajectory {
    /// Warns of output that is no number.
    fn tell_infinite(&mut self) {
        let lost = self.output.iter().filter(|x| !x.is_finite()).count();
        if lost > 0 {
            self.warnings.push(format!(
                "{lost} of {} outputs are not finite: the parameters are too large for the simulation's digits; try Precision::Double",
                self.output.len()
            ));
        }
    }

    /// Keeps the first `done` periods.
    fn stop_after(&mut self, done: usize) {
        if done < self.periods {
            let all = self.periods;
            self.warnings
                .push(format!("stopped after {done} of {all} periods"));
            self.output.truncate(done * self.network.firms());
            self.periods = done;
        }
    }
}

impl Simulation {
    /// The device that is asked for, ready.
    pub(crate) fn open(&self) -> Result<Opened> {
        self.device.open(self.precision == Precision::Double)
    }

    /// Refuses a run whose results do not fit into what memory is free.
    pub(crate) fn check_memory(&self, network: &Network, shock: &Shock) -> Result<()> {
        let firms = network.firms() as f64;
        // The panel in the device's numbers and in 64 bits, and the capacities of firms that are hit, thrice.
        let mut each = 16.0 * firms + 12.0 * (shock.hits() as f64).min(firms);
        if self.record == Record::Everything {
            each += 8.0 * (firms + 2.0 * network.links() as f64);
        }
        memory::require(
            "simulation.periods",
            &format!("{} periods of {firms} firms", self.periods),
            each * self.periods as f64,
            "simulate fewer periods",
        )
    }

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

/// The numbers of a tensor, row by row, on the host in 64 bits. An error where the device fails.
pub(crate) fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>> {
    let device = tensor.device();
    let data = tensor.try_into_data().map_err(|e| failure(&device, &e))?;
    Ok(numbers(&data))
}

/// The same of several tensors, all of which are asked for before the first is waited for.
pub(crate) fn host_all<const D: usize>(tensors: Vec<Tensor<D>>) -> Result<Vec<Vec<f64>>> {
    let Some(device) = tensors.first().map(|t| t.device()) else {
        return Ok(Vec::new());
    };
    let answers = tensors.into_iter().map(|t| Box::pin(t.into_data_async()));
    let mut waiting: Vec<_> = answers.map(|answer| (answer, None)).collect();
    read_sync(poll_fn(|context| {
        for (answer, data) in waiting.iter_mut().filter(|(_, data)| data.is_none()) {
            if let Poll::Ready(found) = answer.as_mut().poll(context) {
                *data = Some(found);
            }
        }
        match waiting.iter().all(|(_, data)| data.is_some()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }));
    let all = waiting.into_iter().filter_map(|(_, data)| data);
    all.map(|data| Ok(numbers(&data.map_err(|e| failure(&device, &e))?)))
        .collect()
}

/// The numbers of a tensor on the host, row by row, in 64 bits.
fn numbers(data: &TensorData) -> Vec<f64> {
    match data.as_slice::<f32>() {
        Ok(numbers) => numbers.iter().map(|v| f64::from(*v)).collect(),
        Err(_) => data.iter::<f64>().collect(),
    }
}
