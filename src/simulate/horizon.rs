//! A scenario on an economy, ready to be run many times by the engine.

use super::{Method, Precision, Simulation};
pub(crate) use crate::engine::general::Values;
use crate::engine::general::{General, Period, Setting};
use crate::engine::{
    Design, Differentiable, Engine, Gradient, Inputs, Plan, Processor, Remaining, Tensors,
};
use crate::error::{Error, Result};
use crate::model::{ByParameter, Domain, Kernel, Parameter, Params, PathValues, Paths, Shock};
use crate::network::Network;
use rayon::prelude::*;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    let usual = Params::default();
    let kernel = kernel(network, &usual, shock, simulation, &|_| false).map_err(|why| {
        Error::new(
            "simulation",
            format!("tensors are computed by the kernels of the default behaviour, which do not know {why}"),
            "take another behaviour or scenario, or Objective::gradient, which knows all",
        )
    })?;
    let paths = shock
        .capacity(simulation.model.combination, simulation.periods)
        .or_first();
    let plan = plan(
        network,
        (&usual, &paths, kernel),
        simulation,
        Columns::Groups,
        None,
    );
    let values = values_of(network, &usual, shock);
    let remaining = paths.values(&PathValues::of_capacity(&values));
    let double = simulation.precision == Precision::Double;
    Ok(Differentiable::new(plan, opened.tensors, double, remaining))
}

/// What the kernels of the default behaviour are to compute, or what they do not know of what is asked.
fn kernel(
    network: &Network,
    params: &Params,
    shock: &Shock,
    simulation: &Simulation,
    learnt: &dyn Fn(Parameter) -> bool,
) -> std::result::Result<Kernel, String> {
    let kernel = simulation.model.kernel()?;
    let known = |p: &Parameter| match p.domain() {
        Domain::Firm | Domain::Input if p.may_be_empty() => {
            let given = params.values(*p).is_some_and(|v| !v.is_empty());
            !learnt(*p) && (!given || *p == Parameter::Slack)
        }
        Domain::Firm | Domain::Input | Domain::Link => true,
        Domain::Hit | Domain::CapacityCell => true,
        domain => shock.entries(domain) == 0,
    };
    if let Some(p) = Parameter::ALL.iter().find(|p| !known(p)) {
        return Err(p.words().into());
    }
    if !shock.damped().is_empty() {
        return Err("recovery damped".into());
    }
    if network.lag().iter().any(|lag| *lag > 0) {
        return Err("goods in transit (Network::lag)".into());
    }
    Ok(kernel)
}

/// What the kernels run.
fn plan(
    network: &Network,
    (params, paths, kernel): (&Params, &Paths, Kernel),
    simulation: &Simulation,
    columns: Columns,
    stop: Option<Arc<AtomicBool>>,
) -> Plan {
    let (group, groups) = match columns {
        Columns::Firms => ((0..network.firms() as u32).collect(), network.firms()),
        Columns::Groups => (network.group().to_vec(), network.groups().len()),
    };
    let slack = |i: usize| params.slack.get(i).copied().unwrap_or(simulation.slack);
    let full = |(i, x0): (usize, &f64)| x0 * (1.0 + slack(i));
    Plan::new(Design {
        row: network.by_buyer().start.clone(),
        supplier: network.supplier().to_vec(),
        coefficient: network.coefficient().to_vec(),
        outside: network.final_demand().to_vec(),
        steady: network.output().to_vec(),
        full: network.output().iter().enumerate().map(full).collect(),
        group,
        groups,
        column: paths.columns().to_vec(),
        periods: simulation.periods,
        model: kernel,
        checkpoint: simulation.checkpoint,
        stop,
    })
}

/// A scenario on an economy.
pub(crate) struct Horizon {
    precision: Precision,
    engine: Kind,
    /// What the device is called.
    device: String,
    /// Spare capacity where firms have none of their own.
    slack: f64,
}

/// What computes. Kernels are given the path of capacity, which the executor of any behaviour makes itself.
enum Kind {
    Processor(Processor, Paths),
    Device(Tensors, Paths),
    General(Box<General>),
}

impl Horizon {
    /// Once `stop` is true a run without a gradient ends: periods that are left are NaN. `learnt` are parameters that
    /// will have values although `params` has none.
    pub(crate) fn new(
        network: &Network,
        (params, shock): (&Params, &Shock),
        simulation: &Simulation,
        columns: Columns,
        stop: Option<Arc<AtomicBool>>,
        learnt: &dyn Fn(Parameter) -> bool,
    ) -> Result<Self> {
        simulation.model.check(network, params, shock)?;
        let model = simulation.model;
        let kernel = match simulation.method {
            Method::Reference => Err("Method::Reference".into()),
            Method::Kernels => kernel(network, params, shock, simulation, learnt),
        };
        let opened = match &kernel {
            Ok(_) => simulation.open()?,
            Err(_) if simulation.method == Method::Reference => simulation.open()?,
            Err(why) => simulation.open_general(why)?,
        };
        let double = simulation.precision == Precision::Double;
        let engine = match kernel {
            Ok(kernel) => {
                let paths = shock.capacity(model.combination, simulation.periods);
                let paths = paths.or_first();
                let of = (params, &paths, kernel);
                let plan = plan(network, of, simulation, columns, stop);
                match opened.is_cpu() {
                    true => Kind::Processor(Processor::new(plan, double), paths),
                    false => Kind::Device(Tensors::new(plan, opened.tensors), paths),
                }
            }
            Err(_) => {
                let setting = Setting {
                    network,
                    params,
                    shock,
                    model,
                    periods: simulation.periods,
                    checkpoint: simulation.checkpoint,
                    double,
                    plain: simulation.method == Method::Reference,
                    grouped: columns == Columns::Groups,
                    stop,
                };
                Kind::General(Box::new(General::new(&setting, learnt)))
            }
        };
        Ok(Self {
            precision: simulation.precision,
            engine,
            device: opened.name,
            slack: simulation.slack,
        })
    }

    /// Shows each period of one particle; what happens inside one is known to the executor of any behaviour alone.
    pub(crate) fn trace(&self, values: &Values<'_>, see: &mut dyn FnMut(&Period<'_>) -> bool) {
        if let Some(general) = self.general() {
            general.trace(&self.with_slack(values), see);
        }
    }

    /// The executor of any behaviour, where it computes.
    pub(crate) fn general(&self) -> Option<&General> {
        match &self.engine {
            Kind::General(general) => Some(general),
            _ => None,
        }
    }

    /// What the device is called.
    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    /// This machine's processor, where it computes by kernels.
    pub(crate) fn processor(&self) -> Option<&Processor> {
        match &self.engine {
            Kind::Processor(processor, _) => Some(processor),
            _ => None,
        }
    }

    /// The path of capacity, where kernels are given it.
    fn paths(&self) -> Option<&Paths> {
        match &self.engine {
            Kind::Processor(_, paths) | Kind::Device(_, paths) => Some(paths),
            Kind::General(_) => None,
        }
    }

    /// The share of capacity that is left, for the kernels.
    pub(crate) fn remaining(&self, values: &Values<'_>) -> Remaining {
        let double = self.precision == Precision::Double;
        let Some(paths) = self.paths() else {
            return Remaining::new(Vec::new(), 1, double);
        };
        let of = PathValues::of_capacity(values);
        let (hits, cells) = (paths.count(), paths.given().0);
        let rows = [of.size, of.rate, of.steepness, of.hold].map(|v| v.len() / hits.max(1));
        let rows = rows.into_iter().max().unwrap_or(0);
        let rows = rows.max(of.factors.len() / cells.max(1));
        let left: Vec<Vec<f64>> = (0..rows.max(1))
            .into_par_iter()
            .map(|p| paths.values(&paths.of_particle(of, p)))
            .collect();
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

    /// The values, with the simulation's slack where firms have none of their own.
    fn with_slack<'a>(&self, values: &'a Values<'_>) -> Values<'a> {
        ByParameter::of(
            |p| match values.get(p).is_empty() && p == Parameter::Slack {
                true => Cow::Owned(vec![self.slack]),
                false => Cow::Borrowed(&values.get(p)[..]),
            },
        )
    }

    /// The panels [particle, period, column].
    pub(crate) fn panel(
        &self,
        particles: usize,
        values: &Values<'_>,
        remaining: &Remaining,
    ) -> Result<Vec<f64>> {
        let inputs = Self::inputs(particles, values, remaining);
        match &self.engine {
            Kind::Processor(engine, _) => engine.panel(&inputs),
            Kind::Device(engine, _) => engine.panel(&inputs),
            Kind::General(engine) => Ok(engine.panel(particles, &self.with_slack(values))),
        }
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
        let (panel, tape) = match &self.engine {
            Kind::Processor(engine, _) => engine.record(&inputs, wanted)?,
            Kind::Device(engine, _) => engine.record(&inputs, wanted)?,
            Kind::General(engine) => {
                return Ok(engine.gradient(particles, &self.with_slack(values), wanted, slope));
            }
        };
        let Gradient {
            target_inventory,
            adjustment_time,
            remaining,
        } = tape.pull(&slope(&panel))?;
        let mut gradient = match self.paths() {
            Some(paths) if wanted && !remaining.is_empty() => {
                pull_shocks(paths, values, &remaining)
            }
            _ => ByParameter::default(),
        };
        gradient.target_inventory = target_inventory;
        gradient.adjustment_time = adjustment_time;
        Ok((panel, gradient))
    }
}

/// The gradient in the parameters of hits and in the path of capacity, [particle, entry], given that in what is left of
/// capacity, [particle, period, column].
fn pull_shocks(paths: &Paths, values: &Values<'_>, to_remaining: &[f64]) -> ByParameter<Vec<f64>> {
    let rows = to_remaining.par_chunks_exact(paths.cells()).enumerate();
    let of = PathValues::of_capacity(values);
    let each = rows.map(|(p, to)| paths.pull(&paths.of_particle(of, p), to));
    let mut out = ByParameter::<Vec<f64>>::default();
    for found in each.collect::<Vec<_>>() {
        out.severity.extend(found.size);
        out.recovery_rate.extend(found.rate);
        out.steepness.extend(found.steepness);
        out.hold.extend(found.hold);
        out.capacity_path.extend(found.factors);
    }
    out
}

/// The values that host data has: of the firms, and of a scenario; none of what is left out.
pub(crate) fn values_of<'a>(network: &Network, params: &'a Params, shock: &Shock) -> Values<'a> {
    ByParameter::of(|p| match params.values(p) {
        Some(values) => Cow::Borrowed(&values[..]),
        None if p.may_be_empty() && matches!(p.domain(), Domain::Hit) && !shock.has(p) => {
            Cow::Owned(Vec::new())
        }
        None if p.of_shock() => Cow::Owned(shock.values(p)),
        None => Cow::Owned(vec![p.usual(); network.firms()]),
    })
}
