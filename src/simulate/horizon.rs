//! A scenario on an economy, ready to be run many times by the engine.

use super::reference::Reference;
use super::{Method, Precision, Simulation};
use crate::engine::{
    Design, Differentiable, Engine, Gradient, Inputs, Plan, Processor, Remaining, Tensors,
};
use crate::error::Result;
use crate::model::{ByParameter, Parameter, Params, Paths, Shock};
use crate::network::Network;
use rayon::prelude::*;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Values of all parameters: [particle, entry] row by row, or [entry] where all particles have the same. Entries are firms,
/// or the hits of a scenario.
pub(crate) type Values<'a> = ByParameter<Cow<'a, [f64]>>;

/// What a panel has a column for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    Firms,
    Groups,
}

/// A scenario on an economy as a differentiable operation on burn's tensors, on `simulation.device`.
/// `simulation.method` and `record` are of no account. Errors as of `simulate`.
pub fn differentiable(
    network: &Network,
    shock: &Shock,
    simulation: &Simulation,
) -> Result<Differentiable> {
    shock.check(network)?;
    simulation.check()?;
    simulation.check_memory(network, shock)?;
    let kernels = Simulation {
        method: Method::Kernels,
        ..simulation.clone()
    };
    let opened = kernels.open()?;
    let paths = Paths::new(shock, simulation.periods);
    let plan = plan(network, &paths, simulation, Columns::Groups, None);
    let fixed = |p| shock.values(p);
    let remaining = paths.remaining(&fixed(Parameter::Severity), &fixed(Parameter::RecoveryRate));
    let double = simulation.precision == Precision::Double;
    Ok(Differentiable::new(plan, opened.tensors, double, remaining))
}

/// What the engine runs.
fn plan(
    network: &Network,
    paths: &Paths,
    simulation: &Simulation,
    columns: Columns,
    stop: Option<Arc<AtomicBool>>,
) -> Plan {
    let (group, groups) = match columns {
        Columns::Firms => ((0..network.firms() as u32).collect(), network.firms()),
        Columns::Groups => (network.group().to_vec(), network.groups().len()),
    };
    let full = |x0: &f64| x0 * (1.0 + simulation.slack);
    Plan::new(Design {
        row: network.by_buyer().start.clone(),
        supplier: network.supplier().to_vec(),
        coefficient: network.coefficient().to_vec(),
        outside: network.final_demand().to_vec(),
        steady: network.output().to_vec(),
        full: network.output().iter().map(full).collect(),
        group,
        groups,
        column: paths.columns().to_vec(),
        periods: simulation.periods,
        model: simulation.model,
        checkpoint: simulation.checkpoint,
        stop,
    })
}

/// A scenario on an economy.
pub(crate) struct Horizon {
    paths: Paths,
    precision: Precision,
    engine: Kind,
    /// What the device is called.
    device: String,
}

enum Kind {
    Processor(Processor),
    Device(Tensors),
    Reference(Reference),
}

impl Horizon {
    /// Once `stop` is true a run without a gradient ends: periods that are left are NaN.
    pub(crate) fn new(
        network: &Network,
        shock: &Shock,
        simulation: &Simulation,
        columns: Columns,
        stop: Option<Arc<AtomicBool>>,
    ) -> Result<Self> {
        let opened = simulation.open()?;
        let paths = Paths::new(shock, simulation.periods);
        let plan = || plan(network, &paths, simulation, columns, stop.clone());
        let double = simulation.precision == Precision::Double;
        let engine = match simulation.method {
            Method::Reference => Kind::Reference(Reference {
                network: network.clone(),
                simulation: simulation.clone(),
                firms: paths.columns().to_vec(),
                columns,
            }),
            Method::Kernels if opened.is_cpu() => Kind::Processor(Processor::new(plan(), double)),
            Method::Kernels => Kind::Device(Tensors::new(plan(), opened.tensors)),
        };
        Ok(Self {
            paths,
            precision: simulation.precision,
            engine,
            device: opened.name,
        })
    }

    /// What the device is called.
    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    /// This machine's processor, where it computes by kernels.
    pub(crate) fn processor(&self) -> Option<&Processor> {
        match &self.engine {
            Kind::Processor(processor) => Some(processor),
            _ => None,
        }
    }

    fn engine(&self) -> &dyn Engine {
        match &self.engine {
            Kind::Processor(engine) => engine,
            Kind::Device(engine) => engine,
            Kind::Reference(engine) => engine,
        }
    }

    /// The share of capacity that is left.
    pub(crate) fn remaining(&self, values: &Values<'_>) -> Remaining {
        let (severity, rate) = (&values.severity[..], &values.recovery_rate[..]);
        let rows = severity.len().max(rate.len()) / self.paths.count().max(1);
        let left: Vec<Vec<f64>> = (0..rows.max(1))
            .into_par_iter()
            .map(|p| {
                let (severity, rate) = (self.row(severity, p), self.row(rate, p));
                self.paths.remaining(severity, rate)
            })
            .collect();
        let double = self.precision == Precision::Double;
        Remaining::new(left.concat(), rows.max(1), double)
    }

    /// What the engine takes: values of some particles, and what `remaining` made of them.
    pub(crate) fn inputs<'a>(
        particles: usize,
        values: &'a Values<'_>,
        remaining: &'a Remaining,
    ) -> Inputs<'a> {
        Inputs {
            particles,
            target_inventory: &values.target_inventory,
            adjustment_time: &values.adjustment_time,
            remaining,
        }
    }

    /// Row `p` of what has one number a hit, or the only one.
    fn row<'a>(&self, values: &'a [f64], p: usize) -> &'a [f64] {
        let hits = self.paths.count();
        let p = if values.len() == hits { 0 } else { p };
        &values[p * hits..][..hits]
    }

    /// The panels [particle, period, column].
    pub(crate) fn panel(&self, inputs: &Inputs<'_>) -> Result<Vec<f64>> {
        self.engine().panel(inputs)
    }

    /// The panels, and the gradient of what has the slope `slope(panels)` in them, of the same shape: in the parameters of
    /// firms, and in those of hits where these are `wanted`.
    pub(crate) fn gradient(
        &self,
        (particles, values, remaining): (usize, &Values<'_>, &Remaining),
        wanted: bool,
        slope: impl FnOnce(&[f64]) -> Vec<f64>,
    ) -> Result<(Vec<f64>, ByParameter<Vec<f64>>)> {
        let inputs = Self::inputs(particles, values, remaining);
        let (panel, tape) = self.engine().record(&inputs, wanted)?;
        let Gradient {
            target_inventory,
            adjustment_time,
            remaining,
        } = tape.pull(&slope(&panel))?;
        let (severity, recovery_rate) = match wanted && self.paths.count() > 0 {
            true => self.pull_shocks(values, &remaining),
            false => Default::default(),
        };
        let gradient = ByParameter {
            target_inventory,
            adjustment_time,
            severity,
            recovery_rate,
        };
        Ok((panel, gradient))
    }

    /// The gradient in severities and recovery rates, [particle, hit], given that in what is left of capacity,
    /// [particle, period, column].
    fn pull_shocks(&self, values: &Values<'_>, to_remaining: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let cells = self.paths.cells();
        let rows = to_remaining.par_chunks_exact(cells).enumerate();
        let each = rows.map(|(p, to)| {
            let severity = self.row(&values.severity, p);
            let rate = self.row(&values.recovery_rate, p);
            self.paths.pull(severity, rate, to)
        });
        let (by_severity, by_rate): (Vec<Vec<f64>>, Vec<Vec<f64>>) = each.unzip();
        (by_severity.concat(), by_rate.concat())
    }
}

/// The values that host data has: of the firms, and of the hits of a shock; what neither has is as usual.
pub(crate) fn values_of<'a>(network: &Network, params: &'a Params, shock: &Shock) -> Values<'a> {
    ByParameter::of(|p| match params.values(p) {
        Some(values) => Cow::Borrowed(&values[..]),
        None if p.of_shock() => Cow::Owned(shock.values(p)),
        None => Cow::Owned(vec![p.usual(); p.domain().entries(network)]),
    })
}
