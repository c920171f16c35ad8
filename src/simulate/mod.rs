//! Runs the model over periods and keeps what was asked for.

mod attribution;
mod horizon;
mod presets;
mod run;

pub(crate) use crate::engine::{Autotuner, Blocks, GRAIN, PARTICLE_LANES, Remaining, processors};
pub use crate::engine::{Checkpoint, Device, DeviceInfo, Differentiable, connect, devices};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::Network;
pub use attribution::{Attribution, Bottleneck, Cause};
pub use horizon::differentiable;
pub(crate) use horizon::{Columns, Horizon, Values, values_of};
pub use presets::Preset;
pub use run::simulate;

/// How a simulation is computed; both give the same numbers but for rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// All periods in one operation with a hand-written adjoint. The same inputs give the same
    /// numbers, bit for bit, with any number of threads and on machines with any number of
    /// processors, as long as these have the same instructions (with or without fused
    /// multiplication and addition). One particle alone and the same particle among others differ
    /// by rounding, as sums are then taken in another order.
    #[default]
    Kernels,
    /// Period after period in plain loops: the specification, much slower, to check against. On the processor
    /// only.
    Reference,
}

/// Number format of the tensors inside a simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats: the default, fast, about 1e-6 relative.
    #[default]
    Single,
    /// 64-bit floats: for checks and references.
    Double,
}

/// What a simulation keeps besides the output of every firm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// Only the output of firms.
    #[default]
    Output,
    /// Also demand of every firm and orders and inventories of every link, after each period:
    /// simulated by `Method::Reference`, and periods x links numbers to hold.
    Everything,
}

/// How to run the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulation {
    /// Number of periods T.
    pub periods: usize,
    /// How firms behave: the chosen member of each family.
    pub model: Model,
    /// Spare capacity above the steady output, as a share of it.
    pub slack: f64,
    /// What to keep.
    pub record: Record,
    /// Number format.
    pub precision: Precision,
    /// How it is computed.
    pub method: Method,
    /// Which inventories are kept for a gradient, by `Method::Kernels`.
    pub checkpoint: Checkpoint,
    /// Where it is computed.
    pub device: Device,
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            periods: 60,
            model: Model::default(),
            slack: 0.2,
            record: Record::Output,
            precision: Precision::Single,
            method: Method::Kernels,
            checkpoint: Checkpoint::Auto,
            device: Device::Auto,
        }
    }
}

/// What happened: host data of one run.
#[derive(Clone, Debug)]
pub struct Trajectory {
    /// The economy that was simulated.
    pub network: Network,
    /// Number of periods T; row t - 1 of each table is period t.
    pub periods: usize,
    /// Output of every firm, [period, firm] row by row, units per period.
    pub output: Vec<f64>,
    /// Demand received by every firm at the end of the period, [period, firm]; empty unless
    /// `Record::Everything`.
    pub demand: Vec<f64>,
    /// Orders placed on every link, [period, link] in the network's link order; empty unless
    /// `Record::Everything`.
    pub orders: Vec<f64>,
    /// Inventory held by the buyer of every link, [period, link]; empty unless
    /// `Record::Everything`.
    pub inventory: Vec<f64>,
    /// What limits every firm, [period, firm]: -1 demand, -2 own capacity, else the input, by its place in
    /// `Network::input_links`; empty unless `Record::Everything`.
    pub limit: Vec<i32>,
    /// How much more the next limit allows, [period, firm], as a share of steady output; infinite where there is none.
    /// Below a millionth the answer is rounding. Empty unless `Record::Everything`.
    pub margin: Vec<f64>,
    /// Final demand that is not met, [period, firm], units per period; empty unless `Record::Everything`.
    pub unmet: Vec<f64>,
    /// Overproduction, [period, firm], a multiple of capacity; empty unless `Record::Everything`.
    pub overproduction: Vec<f64>,
    /// Share of every link in the orders of its input, [period, link]; empty unless `Record::Everything`.
    pub shares: Vec<f64>,
    /// Share of each rebuilding's damage that is left at the end of the period, [period, rebuilding]; empty unless
    /// `Record::Everything`.
    pub damage_left: Vec<f64>,
    /// How firms behaved.
    pub model: Model,
    /// What computed it, as "CPU" or "NVIDIA H100 PCIe (CUDA 0)".
    pub device: String,
    /// What is allowed but unusual in the inputs, one sentence each.
    pub warnings: Vec<String>,
}

impl Trajectory {
    /// Output of all firms in period `t` (1..=periods), or the steady state for 0; an error beyond the last.
    pub fn output_at(&self, t: usize) -> Result<Vec<f64>> {
        let m = self.network.firms();
        if t == 0 {
            return Ok(self.network.output().to_vec());
        }
        let row = self.output.chunks_exact(m).nth(t - 1);
        row.map(<[f64]>::to_vec).ok_or_else(|| {
            Error::new(
                "output_at",
                format!("period {t} of {}", self.periods),
                "give a period that was simulated; 0 is the steady state",
            )
        })
    }

    /// Refuses a run with other numbers of values than its periods, firms and links need: its fields can be changed.
    pub(crate) fn whole(&self) -> Result<()> {
        let (m, e) = (self.network.firms(), self.network.links());
        let fits = |values: &[f64], each: usize, may_miss: bool| {
            may_miss && values.is_empty() || self.periods.checked_mul(each) == Some(values.len())
        };
        if fits(&self.output, m, false)
            && fits(&self.demand, m, true)
            && fits(&self.orders, e, true)
            && fits(&self.inventory, e, self.orders.is_empty())
        {
            return Ok(());
        }
        Err(Error::new(
            "trajectory",
            format!(
                "{} values of output, {} of demand, {} of orders and {} of inventory for {} periods x {m} firms and {e} links",
                self.output.len(),
                self.demand.len(),
                self.orders.len(),
                self.inventory.len(),
                self.periods
            ),
            "rows are missing: leave its tables as they are, or write it again",
        ))
    }

    /// Keeps the first `periods` periods.
    fn cut(&mut self, periods: usize) {
        let (firms, links) = (self.network.firms(), self.network.links());
        for (values, each) in [
            (&mut self.output, firms),
            (&mut self.demand, firms),
            (&mut self.orders, links),
            (&mut self.inventory, links),
            (&mut self.margin, firms),
            (&mut self.unmet, firms),
            (&mut self.overproduction, firms),
            (&mut self.shares, links),
        ] {
            values.truncate(periods * each);
        }
        self.limit.truncate(periods * firms);
        self.periods = periods;
    }

    /// Total output of the economy, one value per period 1..=T.
    pub fn total(&self) -> Vec<f64> {
        self.output
            .chunks_exact(self.network.firms())
            .map(|row| row.iter().sum())
            .collect()
    }

    /// Share of the steady output lost over all periods, in 0..=1 when output never exceeds it.
    pub fn loss_share(&self) -> f64 {
        let steady: f64 = self.network.output().iter().sum();
        1.0 - self.total().iter().sum::<f64>() / (steady * self.periods as f64)
    }
}
