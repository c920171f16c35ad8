//! One run of host data.

use super::{
    Columns, Device, Horizon, Method, Precision, Record, Simulation, Trajectory, values_of,
};
use crate::engine::Opened;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::memory;
use crate::model::reference::Economy;
use crate::model::{Params, Paths, Shock, places};
use crate::network::Network;
use crate::number::Real;

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
    let mut out = Trajectory {
        network: network.clone(),
        periods: simulation.periods,
        output: Vec::new(),
        demand: Vec::new(),
        orders: Vec::new(),
        inventory: Vec::new(),
        device: String::new(),
        warnings: [params.warnings(), shock.warnings(simulation.periods)].concat(),
    };
    let everything = simulation.record == Record::Everything;
    if everything || simulation.method == Method::Reference {
        // What happens inside a period is known to the plain loops only.
        let plain = Simulation {
            method: Method::Reference,
            ..simulation.clone()
        };
        out.device = plain.open()?.name;
        match simulation.precision {
            Precision::Single => out.reference::<f32>(params, shock, simulation, &interrupt),
            Precision::Double => out.reference::<f64>(params, shock, simulation, &interrupt),
        }
        out.tell_infinite();
        return Ok(out);
    }
    let stop = Some(interrupt.flag());
    let horizon = Horizon::new(network, shock, simulation, Columns::Firms, stop)?;
    out.device = horizon.device().into();
    let values = values_of(network, params, shock);
    let remaining = horizon.remaining(&values);
    out.output = horizon.panel(&Horizon::inputs(1, &values, &remaining))?;
    let firms = network.firms();
    if interrupt.asked() {
        let first = out.output.iter().step_by(firms);
        let done = first.take_while(|x| !x.is_nan()).count();
        out.stop_after(done);
    }
    out.tell_infinite();
    Ok(out)
}

impl Trajectory {
    /// Simulates in plain loops, and keeps what is to be recorded.
    fn reference<R: Real + Send + Sync>(
        &mut self,
        params: &Params,
        shock: &Shock,
        simulation: &Simulation,
        interrupt: &Interrupt,
    ) {
        let network = self.network.clone();
        let paths = Paths::new(shock, simulation.periods);
        let of = |v: &[f64]| -> Vec<R> { v.iter().map(|v| R::of(*v)).collect() };
        let values = values_of(&network, params, shock);
        let left = paths.remaining(&of(&values.severity), &of(&values.recovery_rate));
        let place = places(paths.columns(), network.firms());
        let columns = paths.columns().len();
        let remaining =
            |t: usize, i: usize| place[i].map_or(R::of(1.0), |c| left[(t - 1) * columns + c]);
        let economy = Economy {
            network: &network,
            model: simulation.model,
            slack: simulation.slack,
        };
        let (n, tau) = (of(&values.target_inventory), of(&values.adjustment_time));
        let everything = simulation.record == Record::Everything;
        let mut done = 0;
        economy.run(
            (&n, &tau),
            remaining,
            simulation.periods,
            |t, state, output| {
                let units = |v: &[R]| -> Vec<f64> {
                    let both = v.iter().zip(network.coefficient());
                    both.map(|(v, a)| v.value() * a).collect()
                };
                self.output.extend(output.iter().map(|x| x.value()));
                if everything {
                    self.demand.extend(state.demand.iter().map(|d| d.value()));
                    self.orders.extend(units(&state.orders));
                    self.inventory.extend(units(&state.stock));
                }
                done = t;
                !interrupt.asked()
            },
        );
        self.stop_after(done);
    }

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
        if self.method == Method::Reference {
            return match self.device {
                Device::Auto | Device::Cpu => Device::Cpu.open(false),
                other => Err(Error::new(
                    "simulation.device",
                    format!("{other} is asked for, and the plain loops run on the processor only"),
                    "take Device::Cpu, or Method::Kernels with Record::Output",
                )),
            };
        }
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
