//! One run of host data.

use super::{
    Columns, Device, Horizon, Method, Precision, Record, Simulation, Trajectory, Values, values_of,
};
use crate::engine::Opened;
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::memory;
use crate::model::{Params, Shock};
use crate::network::Network;

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
        limit: Vec::new(),
        margin: Vec::new(),
        unmet: Vec::new(),
        overproduction: Vec::new(),
        shares: Vec::new(),
        damage_left: Vec::new(),
        model: simulation.model,
        device: String::new(),
        warnings: [
            params.warnings(),
            simulation.model.warnings(network, params),
            shock.warnings(simulation.periods),
        ]
        .concat(),
    };
    if simulation.record == Record::Everything {
        // What happens inside a period is known to the plain loops only.
        let plain = Simulation {
            method: Method::Reference,
            ..simulation.clone()
        };
        let of = (params, shock);
        let horizon = Horizon::new(network, of, &plain, Columns::Firms, None, &|_| false)?;
        out.device = horizon.device().into();
        out.everything(&horizon, &values_of(network, params, shock), &interrupt);
        out.tell_infinite();
        return Ok(out);
    }
    let stop = Some(interrupt.flag());
    let of = (params, shock);
    let horizon = Horizon::new(network, of, simulation, Columns::Firms, stop, &|_| false)?;
    out.device = horizon.device().into();
    let values = values_of(network, params, shock);
    let remaining = horizon.remaining(&values);
    out.output = horizon.panel(1, &values, &remaining)?;
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
    fn everything(&mut self, horizon: &Horizon, values: &Values<'_>, interrupt: &Interrupt) {
        let mut done = 0;
        horizon.trace(values, &mut |period| {
            let seen = period.seen;
            self.output.extend(seen.output());
            self.demand.extend(seen.demand());
            self.orders.extend(seen.orders());
            self.inventory.extend(seen.stock());
            self.unmet.extend(seen.unmet());
            self.overproduction.extend(seen.overproduction());
            self.shares.extend(seen.shares());
            self.damage_left.extend(seen.damage_left());
            for found in seen.limits() {
                self.limit.push(found.limit);
                self.margin.push(found.margin);
            }
            done = period.t;
            !interrupt.asked()
        });
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
            self.cut(done);
        }
    }
}

impl Simulation {
    /// The processor, for what only it computes: `why` the kernels of the default behaviour do not.
    pub(crate) fn open_general(&self, why: &str) -> Result<Opened> {
        match self.device {
            Device::Auto | Device::Cpu => Device::Cpu.open(false),
            other => Err(Error::new(
                "simulation.device",
                format!("{other} is asked for, and {why} is computed on the processor only"),
                "take Device::Cpu",
            )),
        }
    }

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
