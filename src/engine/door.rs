//! The one door to the engine: host arrays in, host arrays out, whatever computes.

use crate::error::Result;
use crate::number::Real;
use burn::tensor::Tensor;
use rayon::prelude::*;
use std::ops::AddAssign;
use std::sync::OnceLock;

/// Fewest numbers that are worth a thread of their own, where each takes some nanoseconds.
pub(crate) const GRAIN: usize = 1 << 15;

/// The inputs of some particles' runs.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    /// Number of particles.
    pub(crate) particles: usize,
    /// Target inventory n, [particle or 1, firm].
    pub(crate) target_inventory: &'a [f64],
    /// Adjustment time τ, [particle or 1, firm].
    pub(crate) adjustment_time: &'a [f64],
    /// The share of capacity that is left.
    pub(crate) remaining: &'a Remaining,
}

/// The gradient in the inputs.
pub(crate) struct Gradient {
    /// In n and τ, [particle, firm].
    pub(crate) target_inventory: Vec<f64>,
    pub(crate) adjustment_time: Vec<f64>,
    /// In what is left of capacity, [particle or 1, period, column], as it was given; empty where it was not wanted.
    pub(crate) remaining: Vec<f64>,
}

/// What computes a plan's runs.
pub(crate) trait Engine: Send + Sync {
    /// The panels [particle, period, group]; nothing is kept.
    fn panel(&self, inputs: &Inputs<'_>) -> Result<Vec<f64>>;

    /// The panels, and what the gradient needs, that in what is left of capacity where it is `wanted`.
    fn record<'a>(
        &'a self,
        inputs: &Inputs<'a>,
        wanted: bool,
    ) -> Result<(Vec<f64>, Box<dyn Tape + 'a>)>;
}

/// A run that was kept.
pub(crate) trait Tape {
    /// The gradient of what has this slope in the panels, [particle, period, group].
    fn pull(self: Box<Self>, slope: &[f64]) -> Result<Gradient>;
}

/// The share of capacity that is left, [particle or 1, period, column], in the engine's numbers.
pub(crate) struct Remaining {
    pub(super) numbers: Numbers,
    /// Rows: particles, or 1 for all of them.
    pub(super) rows: usize,
    /// On a device, where it stays.
    pub(super) tensor: OnceLock<Tensor<3>>,
}

pub(super) enum Numbers {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Remaining {
    /// Of `rows` particles, or of all where that is 1.
    pub(crate) fn new(values: Vec<f64>, rows: usize, double: bool) -> Self {
        Self {
            numbers: if double {
                Numbers::Double(values)
            } else {
                Numbers::Single(values.into_iter().map(|z| z as f32).collect())
            },
            rows,
            tensor: OnceLock::new(),
        }
    }
}

/// Adds the rows of all particles to the first, which alone is left: the gradient in what all of them share.
pub(super) fn over_particles<F: Copy + AddAssign>(rows: &mut Vec<F>, one: usize) {
    let (sum, others) = rows.split_at_mut(one);
    for other in others.chunks_exact(one) {
        sum.iter_mut().zip(other).for_each(|(s, o)| *s += *o);
    }
    rows.truncate(one);
}

/// The kernels' inputs of particles, [particle, firm].
pub(super) struct Batch<F> {
    pub(super) particles: usize,
    /// Target inventory n x0.
    pub(super) target: Vec<F>,
    /// 1 / τ.
    pub(super) rate: Vec<F>,
}

impl<F: Real + Send + Sync> Batch<F> {
    pub(super) fn new(steady: &[f64], inputs: &Inputs<'_>) -> Self {
        let (particles, firms) = (inputs.particles, steady.len());
        let mut target = Vec::with_capacity(particles * firms);
        let mut rate = Vec::with_capacity(particles * firms);
        let rows = inputs.target_inventory.chunks_exact(firms).cycle();
        for n in rows.take(particles) {
            let both = n.par_iter().zip(steady).with_min_len(GRAIN);
            target.par_extend(both.map(|(n, x)| F::of(*n) * F::of(*x)));
        }
        let rows = inputs.adjustment_time.chunks_exact(firms).cycle();
        for tau in rows.take(particles) {
            let each = tau.par_iter().with_min_len(GRAIN);
            rate.par_extend(each.map(|tau| F::of(1.0) / F::of(*tau)));
        }
        Self {
            particles,
            target,
            rate,
        }
    }

    /// The gradient in n and τ, given that in target and rate.
    pub(super) fn pull(
        &self,
        steady: &[f64],
        (by_target, by_rate): (&[F], &[F]),
        remaining: Vec<f64>,
    ) -> Gradient {
        let mut target_inventory = vec![0.0; by_target.len()];
        let rows = by_target.chunks_exact(steady.len());
        for (to, g) in target_inventory.chunks_exact_mut(steady.len()).zip(rows) {
            let both = to.par_iter_mut().zip(g).zip(steady).with_min_len(GRAIN);
            both.for_each(|((to, g), x)| *to = g.value() * x);
        }
        let by_rate = by_rate.par_iter().zip(&self.rate).with_min_len(GRAIN);
        Gradient {
            target_inventory,
            // The rate is 1 / τ.
            adjustment_time: by_rate
                .map(|(g, r)| -g.value() * r.value() * r.value())
                .collect(),
            remaining,
        }
    }
}
