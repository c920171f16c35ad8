//! Simulations on the CPU without tensors: around a small one these take as long as it.

use super::{Horizon, Precision, host};
use crate::error::Result;
use crate::ops::{Plan, cpu};
use burn::tensor::Tensor;
pub(crate) use cpu::{Autotuner, Blocks, processors};
use rayon::prelude::*;

/// Particles of a block of `Direct::stream`, at most.
pub(crate) const STREAM: usize = cpu::STREAM;

/// Numbers that are worth a thread's while, where each takes some nanoseconds.
pub(crate) const SHARE: usize = 1 << 15;

/// A scenario whose shocks are fixed, ready to be run many times on the CPU. Its numbers are those of
/// `Horizon::run`.
pub(crate) struct Direct {
    plan: Plan,
    /// Remaining capacity, [period, column].
    capacity: Capacity,
}

enum Capacity {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

/// How the firms of some particles behave; one row stands for all of them.
#[derive(Clone, Copy)]
pub(crate) struct Behaviours<'a> {
    pub(crate) particles: usize,
    /// n, [particle or 1, firm].
    pub(crate) target_inventory: &'a [f64],
    /// tau, [particle or 1, firm].
    pub(crate) adjustment_time: &'a [f64],
}

/// Gradient of a sum of all particles' in their behaviour.
pub(crate) struct Pulled {
    /// In n, [particle, firm].
    pub(crate) target_inventory: Vec<f64>,
    /// In tau, [particle, firm].
    pub(crate) adjustment_time: Vec<f64>,
}

/// The kernels' inputs, [particle, firm].
struct Batch<F> {
    particles: usize,
    target: Vec<F>,
    rate: Vec<F>,
}

impl<F: cpu::Format> Batch<F> {
    fn new(plan: &Plan, behaviours: Behaviours<'_>) -> Self {
        let steady = &plan.design().steady;
        let Behaviours {
            particles,
            target_inventory,
            adjustment_time,
        } = behaviours;
        let firms = steady.len();
        let mut target = Vec::with_capacity(particles * firms);
        let mut rate = Vec::with_capacity(particles * firms);
        // In the order of operations of `Horizon::run`.
        let rows = target_inventory.chunks_exact(firms).cycle();
        for n in rows.take(particles) {
            let both = n.par_iter().zip(steady).with_min_len(SHARE);
            target.par_extend(both.map(|(n, x)| F::of(*n) * F::of(*x)));
        }
        let rows = adjustment_time.chunks_exact(firms).cycle();
        for tau in rows.take(particles) {
            let each = tau.par_iter().with_min_len(SHARE);
            rate.par_extend(each.map(|tau| F::ONE / F::of(*tau)));
        }
        Self {
            particles,
            target,
            rate,
        }
    }

    fn inputs<'a>(&'a self, capacity: &'a [F]) -> cpu::Inputs<'a, F> {
        cpu::Inputs {
            particles: self.particles,
            target: &self.target,
            rate: &self.rate,
            capacity,
        }
    }
}

impl Direct {
    /// For a scenario on the CPU with this capacity, [1, period, column].
    pub(crate) fn new(horizon: &Horizon, capacity: &Tensor<3>) -> Result<Self> {
        let capacity = host(capacity.clone())?;
        Ok(Self {
            plan: horizon.plan().clone(),
            capacity: match horizon.precision() {
                Precision::Single => Capacity::Single(capacity.iter().map(|z| *z as f32).collect()),
                Precision::Double => Capacity::Double(capacity),
            },
        })
    }

    /// Particles of a block of `stream`, where there are so many of them.
    pub(crate) fn together(&self, particles: usize) -> usize {
        cpu::streamed(&self.plan, particles)
    }

    /// Threads that a block of `stream` has use for.
    pub(crate) fn parts(&self, together: usize) -> usize {
        cpu::partitions(&self.plan, together)
    }

    /// Whether blocks of `stream` are faster over several threads each, or beside each other.
    pub(crate) fn pace(&self, together: usize) -> &cpu::Autotuner {
        match &self.capacity {
            Capacity::Single(_) => cpu::tuner::<f32>(&self.plan, together),
            Capacity::Double(_) => cpu::tuner::<f64>(&self.plan, together),
        }
    }

    /// Simulates block after block. `see` is told a block's first particle, the period, from 0, and its panel's row,
    /// [group, particle of the block]; the last block may have more particles than are left. A block ends early where
    /// `see` says false.
    pub(crate) fn stream(
        &self,
        behaviours: Behaviours<'_>,
        blocks: Blocks,
        see: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
    ) {
        match &self.capacity {
            Capacity::Single(z) => {
                let batch = Batch::new(&self.plan, behaviours);
                cpu::stream(&self.plan, &batch.inputs(z), blocks, see);
            }
            Capacity::Double(z) => {
                let batch = Batch::new(&self.plan, behaviours);
                cpu::stream(&self.plan, &batch.inputs(z), blocks, see);
            }
        }
    }

    /// The panels [particle, period, group], and the gradient of what has the slope `slope(panels)` in them, of the
    /// same shape.
    pub(crate) fn gradient(
        &self,
        behaviours: Behaviours<'_>,
        slope: impl FnOnce(&[f64]) -> Vec<f64>,
    ) -> (Vec<f64>, Pulled) {
        match &self.capacity {
            Capacity::Single(z) => self.gradient_in(z, behaviours, slope),
            Capacity::Double(z) => self.gradient_in(z, behaviours, slope),
        }
    }

    fn gradient_in<F: cpu::Format>(
        &self,
        capacity: &[F],
        behaviours: Behaviours<'_>,
        slope: impl FnOnce(&[f64]) -> Vec<f64>,
    ) -> (Vec<f64>, Pulled) {
        let batch = Batch::new(&self.plan, behaviours);
        let inputs = batch.inputs(capacity);
        let (panel, tape) = cpu::forward(&self.plan, &inputs, true);
        let panel: Vec<f64> = panel.into_iter().map(F::value).collect();
        let slope: Vec<F> = slope(&panel).into_iter().map(F::of).collect();
        let mut tape = tape.expect("a kept run has a tape");
        let found = cpu::backward(&mut tape, &inputs, &slope, false);
        let steady = &self.plan.design().steady;
        let mut by_target = vec![0.0; found.target.len()];
        let rows = found.target.chunks_exact(steady.len());
        for (to, g) in by_target.chunks_exact_mut(steady.len()).zip(rows) {
            let both = to.par_iter_mut().zip(g).zip(steady).with_min_len(SHARE);
            both.for_each(|((to, g), x)| *to = g.value() * x);
        }
        let by_rate = found.rate.par_iter().zip(&batch.rate).with_min_len(SHARE);
        let pulled = Pulled {
            target_inventory: by_target,
            // The rate is 1 / tau.
            adjustment_time: by_rate
                .map(|(g, r)| -g.value() * r.value() * r.value())
                .collect(),
        };
        (panel, pulled)
    }
}
