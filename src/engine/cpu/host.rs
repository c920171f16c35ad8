//! The CPU's kernels as an `Engine`: host arrays in, host arrays out.

use super::super::door::{Batch, Engine, Gradient, Inputs, Numbers, Tape, over_particles};
use super::super::plan::Plan;
use super::{Autotuner, Blocks, Format};
use crate::error::Result;
use std::borrow::Cow;

/// This machine's processor.
pub(crate) struct Processor {
    plan: Plan,
    /// Whether it computes in 64-bit floats.
    double: bool,
}

/// A number format to which capacities can be converted.
trait In: Format {
    fn of_numbers(numbers: &Numbers) -> Cow<'_, [Self]>;
}

impl In for f32 {
    fn of_numbers(numbers: &Numbers) -> Cow<'_, [f32]> {
        match numbers {
            Numbers::Single(v) => Cow::Borrowed(v),
            Numbers::Double(v) => v.iter().map(|z| *z as f32).collect(),
        }
    }
}

impl In for f64 {
    fn of_numbers(numbers: &Numbers) -> Cow<'_, [f64]> {
        match numbers {
            Numbers::Single(v) => v.iter().map(|z| f64::from(*z)).collect(),
            Numbers::Double(v) => Cow::Borrowed(v),
        }
    }
}

fn inputs<'a, F: In>(batch: &'a Batch<F>, capacity: &'a [F]) -> super::Inputs<'a, F> {
    super::Inputs {
        particles: batch.particles,
        target: &batch.target,
        rate: &batch.rate,
        capacity,
    }
}

impl Processor {
    pub(crate) fn new(plan: Plan, double: bool) -> Self {
        Self { plan, double }
    }

    /// Particles of a block of `stream`, for a number of particles in all.
    pub(crate) fn block_particles(&self, particles: usize) -> usize {
        super::stream_particles(&self.plan, particles)
    }

    /// Partitions of a block of `stream`: the most threads that it can use.
    pub(crate) fn partitions(&self, block_particles: usize) -> usize {
        super::partitions(&self.plan, block_particles)
    }

    /// The autotuner of `stream`'s blocks, which chooses between threads within a block and a thread for each
    /// block.
    pub(crate) fn tuner(&self, block_particles: usize) -> &Autotuner {
        if self.double {
            super::tuner::<f64>(&self.plan, block_particles)
        } else {
            super::tuner::<f32>(&self.plan, block_particles)
        }
    }

    /// Simulates block by block. `sink` takes a block's first particle, the period, from 0, and the output summed
    /// to groups, [group, particle of the block]; the last block may have more particles than are left. A block
    /// ends early where `sink` returns false.
    pub(crate) fn stream(
        &self,
        given: &Inputs<'_>,
        blocks: Blocks,
        sink: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
    ) {
        if self.double {
            self.stream_in::<f64>(given, blocks, sink);
        } else {
            self.stream_in::<f32>(given, blocks, sink);
        }
    }

    fn stream_in<F: In>(
        &self,
        given: &Inputs<'_>,
        blocks: Blocks,
        sink: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
    ) {
        let batch = Batch::<F>::new(&self.plan.design().steady, given);
        let capacity = F::of_numbers(&given.remaining.numbers);
        super::stream(&self.plan, &inputs(&batch, &capacity), blocks, sink);
    }

    fn panel_in<F: In>(&self, given: &Inputs<'_>) -> Vec<f64> {
        let batch = Batch::<F>::new(&self.plan.design().steady, given);
        let capacity = F::of_numbers(&given.remaining.numbers);
        let (panel, _) = super::forward(&self.plan, &inputs(&batch, &capacity), false);
        panel.into_iter().map(F::value).collect()
    }

    fn record_in<'a, F: In>(
        &'a self,
        given: &Inputs<'a>,
        wanted: bool,
    ) -> (Vec<f64>, Box<dyn Tape + 'a>) {
        let batch = Batch::<F>::new(&self.plan.design().steady, given);
        let capacity = F::of_numbers(&given.remaining.numbers);
        let (panel, tape) = super::forward(&self.plan, &inputs(&batch, &capacity), true);
        let tape = Kept {
            plan: &self.plan,
            batch,
            capacity,
            shared: given.remaining.rows == 1,
            tape: tape.expect("a kept run has a tape"),
            wanted,
        };
        (panel.into_iter().map(F::value).collect(), Box::new(tape))
    }
}

impl Engine for Processor {
    fn panel(&self, inputs: &Inputs<'_>) -> Result<Vec<f64>> {
        Ok(if self.double {
            self.panel_in::<f64>(inputs)
        } else {
            self.panel_in::<f32>(inputs)
        })
    }

    fn record<'a>(
        &'a self,
        inputs: &Inputs<'a>,
        wanted: bool,
    ) -> Result<(Vec<f64>, Box<dyn Tape + 'a>)> {
        Ok(if self.double {
            self.record_in::<f64>(inputs, wanted)
        } else {
            self.record_in::<f32>(inputs, wanted)
        })
    }
}

/// A run with the data that its gradient reads.
struct Kept<'a, F: In> {
    plan: &'a Plan,
    batch: Batch<F>,
    capacity: Cow<'a, [F]>,
    /// Whether all particles have one row of capacities.
    shared: bool,
    tape: super::Tape<F>,
    wanted: bool,
}

impl<F: In> Tape for Kept<'_, F> {
    fn pull(mut self: Box<Self>, slope: &[f64]) -> Result<Gradient> {
        let slope: Vec<F> = slope.iter().map(|v| F::of(*v)).collect();
        let inputs = inputs(&self.batch, &self.capacity);
        let found = super::backward(&mut self.tape, &inputs, &slope, self.wanted);
        let mut remaining: Vec<f64> = found.capacity.into_iter().map(F::value).collect();
        if self.wanted && self.shared && self.batch.particles > 1 {
            over_particles(&mut remaining, self.capacity.len());
        }
        let steady = &self.plan.design().steady;
        let both = (found.target.as_slice(), found.rate.as_slice());
        Ok(self.batch.pull(steady, both, remaining))
    }
}
