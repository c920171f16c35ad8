//! Every behaviour of firms on the processor: `model::economy`, particles in lanes, blocks of particles on threads.
//!
//! It computes what the kernels of the default behaviour do not know, and, one particle after the other, the reference
//! that they are checked against. States are kept every k periods (`Checkpoint`); the periods between are computed
//! again on the way back.

mod block;
mod values;

use super::plan::Checkpoint;
use crate::model::economy::{Layout, Structure};
use crate::model::{ByParameter, Domain, Model, Parameter, Params, Paths, Shock};
use crate::network::Network;
use block::Block;
pub(crate) use block::Period;
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
pub(crate) use values::Values;

/// Particles side by side: what a register of every machine holds, and a block for each of two threads where there are
/// eight particles.
const LANES: usize = 4;

/// An economy with any behaviour, ready to be run.
pub(crate) struct General {
    pub(crate) layout: Layout,
    pub(crate) capacity: Paths,
    demand: Paths,
    open: Paths,
    /// Group that each firm's output is added to, and number of groups.
    group: Vec<u32>,
    groups: usize,
    checkpoint: Checkpoint,
    double: bool,
    /// Whether one particle is computed after the other, in plain loops.
    plain: bool,
    /// Places of damped hits among all hits.
    damped: Vec<usize>,
    /// Whether a parameter of the paths of capacity, of final demand and of links is learnt; the paths that are the same
    /// in every run, once they are made.
    learnt: [bool; 3],
    fixed: [OnceLock<Vec<f64>>; 3],
    stop: Option<Arc<AtomicBool>>,
}

/// What an engine of any behaviour is made of.
pub(crate) struct Setting<'a> {
    pub(crate) network: &'a Network,
    pub(crate) params: &'a Params,
    pub(crate) shock: &'a Shock,
    pub(crate) model: Model,
    pub(crate) periods: usize,
    pub(crate) checkpoint: Checkpoint,
    /// Whether it computes in 64-bit floats.
    pub(crate) double: bool,
    /// Whether one particle is computed after the other.
    pub(crate) plain: bool,
    /// Whether outputs are summed to groups.
    pub(crate) grouped: bool,
    pub(crate) stop: Option<Arc<AtomicBool>>,
}

impl General {
    /// `learnt` are the parameters that will have values although `params` has none.
    pub(crate) fn new(setting: &Setting<'_>, learnt: impl Fn(Parameter) -> bool) -> Self {
        let Setting {
            network,
            params,
            shock,
            model,
            periods,
            ..
        } = *setting;
        let capacity = shock.capacity(model.combination, periods);
        let demand = shock.final_demand(network, periods + 1);
        let open = shock.open(periods + 1);
        let structure = Structure {
            capacity: capacity.columns().to_vec(),
            demand: demand.columns().to_vec(),
            open: open.columns().to_vec(),
            ..model.structure(params, shock, &learnt)
        };
        let (group, groups) = match setting.grouped {
            true => (network.group().to_vec(), network.groups().len()),
            false => ((0..network.firms() as u32).collect(), network.firms()),
        };
        Self {
            layout: Layout::new(network, model, periods, &structure),
            capacity,
            demand,
            open,
            group,
            groups,
            checkpoint: setting.checkpoint,
            double: setting.double,
            plain: setting.plain,
            damped: shock.damped(),
            learnt: [
                [Domain::Hit, Domain::CapacityCell, Domain::CapacityCell],
                [Domain::DemandHit, Domain::DemandCell, Domain::ExtraCell],
                [Domain::LinkHit, Domain::LinkHit, Domain::LinkHit],
            ]
            .map(|of| of.into_iter().flat_map(Parameter::of).any(&learnt)),
            fixed: Default::default(),
            stop: setting.stop.clone(),
        }
    }

    /// Numbers of a panel of one particle.
    fn cells(&self) -> usize {
        self.layout.periods * self.groups
    }

    /// Lanes of blocks: particles that a thread computes side by side.
    fn lanes(&self, particles: usize) -> usize {
        match particles == 1 || self.plain || self.double {
            true => 1,
            false => LANES,
        }
    }

    /// The panels [particle, period, group]. Periods that a stopped run does not reach are NaN.
    pub(crate) fn panel(&self, particles: usize, values: &Values<'_>) -> Vec<f64> {
        let mut panel = vec![f64::NAN; particles * self.cells()];
        let lanes = self.lanes(particles);
        let chunks = panel.par_chunks_mut(lanes * self.cells()).enumerate();
        chunks.for_each(|(k, panel)| {
            let first = k * lanes;
            match (lanes, self.double) {
                (1, false) => Block::<f32, 1>::new(self, first, values).panel(panel),
                (_, false) => Block::<f32, LANES>::new(self, first, values).panel(panel),
                (_, true) => Block::<f64, 1>::new(self, first, values).panel(panel),
            }
        });
        panel
    }

    /// The panels, and the gradient of what has the slope `slope(panels)` in them, [particle, entry] of each parameter
    /// with as many entries as its values have; of paths only where these are `wanted`, or learnt.
    pub(crate) fn gradient(
        &self,
        particles: usize,
        values: &Values<'_>,
        wanted: bool,
        slope: impl FnOnce(&[f64]) -> Vec<f64>,
    ) -> (Vec<f64>, ByParameter<Vec<f64>>) {
        let lanes = self.lanes(particles);
        let mut panel = vec![f64::NAN; particles * self.cells()];
        let chunks = panel.par_chunks_mut(lanes * self.cells()).enumerate();
        let blocks: Vec<Box<dyn Kept + '_>> = chunks
            .map(|(k, panel)| -> Box<dyn Kept + '_> {
                let first = k * lanes;
                match (lanes, self.double) {
                    (1, false) => Block::<f32, 1>::kept(self, first, values, panel),
                    (_, false) => Block::<f32, LANES>::kept(self, first, values, panel),
                    (_, true) => Block::<f64, 1>::kept(self, first, values, panel),
                }
            })
            .collect();
        let slope = slope(&panel);
        let slopes = slope.par_chunks(lanes * self.cells());
        let found: Vec<ByParameter<Vec<f64>>> = blocks
            .into_par_iter()
            .zip(slopes)
            .enumerate()
            .map(|(k, (block, slope))| block.pull(k * lanes, values, wanted, slope))
            .collect();
        let mut out = ByParameter::<Vec<f64>>::default();
        for found in found {
            for (parameter, values) in found.iter() {
                out.get_mut(parameter).extend(values);
            }
        }
        (panel, out)
    }

    /// Runs one particle, and shows each period. `see` ends the run where it says false.
    pub(crate) fn trace(&self, values: &Values<'_>, see: &mut dyn FnMut(&Period<'_>) -> bool) {
        match self.double {
            true => Block::<f64, 1>::new(self, 0, values).trace(see),
            false => Block::<f32, 1>::new(self, 0, values).trace(see),
        }
    }
}

/// A block of particles that was run and kept.
trait Kept: Send {
    /// The gradient of its particles, given the slope in their panels.
    fn pull(
        self: Box<Self>,
        first: usize,
        values: &Values<'_>,
        wanted: bool,
        slope: &[f64],
    ) -> ByParameter<Vec<f64>>;
}
