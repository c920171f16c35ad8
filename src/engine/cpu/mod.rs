//! The kernels on the CPU: particles in blocks of L side by side, blocks and partitions over threads.

mod binned;
mod bins;
mod block;
mod firms;
mod float;
mod host;
mod lanes;
mod links;
mod rows;
mod simd;
mod state;
mod team;
mod worker;

use super::plan::{Numbers, Plan, WIDE};
use block::{Block, Context};
pub(crate) use block::{Gradient, Inputs};
pub(crate) use float::Float;
pub(crate) use host::Processor;
use lanes::unravel;
use rayon::prelude::*;
use state::Slot;
use std::any::Any;
use std::num::NonZero;
use std::sync::{Mutex, OnceLock, PoisonError};
pub(crate) use team::Autotuner;

/// Blocks that wait for their next run, with their memory.
pub(crate) struct Pool<F> {
    blocks: Mutex<Vec<Box<dyn Any + Send>>>,
    kind: std::marker::PhantomData<F>,
}

impl<F> Default for Pool<F> {
    fn default() -> Self {
        Self {
            blocks: Mutex::default(),
            kind: std::marker::PhantomData,
        }
    }
}

impl<F: Float> Pool<F> {
    fn take<const L: usize, const W: usize>(&self) -> Box<Block<F, L, W>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let found = blocks.iter().rposition(|b| b.is::<Block<F, L, W>>());
        found
            .map(|k| blocks.swap_remove(k))
            .and_then(|b| b.downcast().ok())
            .unwrap_or_else(|| Box::new(Block::new()))
    }

    fn give(&self, block: Box<dyn Any + Send>) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.push(block);
    }
}

/// A number format with the arrays of a plan in it.
pub(crate) trait Format: Float {
    fn numbers(plan: &Plan, width: usize) -> &Numbers<Self>;
}

impl Format for f32 {
    fn numbers(plan: &Plan, width: usize) -> &Numbers<Self> {
        plan.single(width)
    }
}

impl Format for f64 {
    fn numbers(plan: &Plan, width: usize) -> &Numbers<Self> {
        plan.double(width)
    }
}

/// Processors of this machine; the system reads files to tell. Not the threads of a pool: on them no result may depend.
pub(crate) fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

/// How particles are laid out: (particles side by side, firms side by side). Alone a particle has its firms side by side;
/// others stand beside it where processors have enough to do all the same.
fn shape(plan: &Plan, particles: usize) -> (usize, usize) {
    let processors = plan.processors();
    let blocks = |side: usize| particles.div_ceil(side).div_ceil(processors) as f64;
    let (mut best, mut least) = ((1, WIDE), blocks(1));
    // What a block takes, in times that one particle alone does.
    for (side, takes) in [(4, 2.8), (8, 5.6)] {
        // Those of a large network want the memory of the whole machine: only where no processor goes without.
        let fills = !plan.design().is_large() || particles >= side * processors;
        let time = takes * blocks(side);
        if fills && particles > 1 && time <= least {
            (best, least) = ((side, 1), time);
        }
    }
    best
}

/// What the gradient needs of a run; its memory goes back to the plan when it is dropped.
pub(crate) struct Tape<F: Format> {
    plan: Plan,
    blocks: Vec<Box<dyn Any + Send>>,
    particles: usize,
    kind: std::marker::PhantomData<F>,
}

impl<F: Format> Drop for Tape<F> {
    fn drop(&mut self) {
        let (_, width) = shape(&self.plan, self.particles);
        for block in self.blocks.drain(..) {
            F::numbers(&self.plan, width).pool.give(block);
        }
    }
}

/// Simulates all particles: the panel [particle, period, group], and a tape where it is wanted.
pub(crate) fn forward<F: Format>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    keep: bool,
) -> (Vec<F>, Option<Tape<F>>) {
    match shape(plan, inputs.particles) {
        (1, _) => forward_in::<F, WIDE, WIDE>(plan, inputs, keep),
        (4, _) => forward_in::<F, 4, 1>(plan, inputs, keep),
        _ => forward_in::<F, 8, 1>(plan, inputs, keep),
    }
}

fn slots(particles: usize, lanes: usize) -> Vec<Slot> {
    (0..particles.div_ceil(lanes))
        .map(|k| Slot {
            first: k * lanes,
            last: ((k + 1) * lanes).min(particles),
        })
        .collect()
}

fn forward_in<F: Format, const L: usize, const W: usize>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    keep: bool,
) -> (Vec<F>, Option<Tape<F>>) {
    let slots = slots(inputs.particles, L / W);
    let context = Context::<F>::new(plan, W, slots.len());
    let Context {
        design, numbers, ..
    } = context;
    let cells = design.periods * design.groups;
    let together = L / W;
    let mut panel = vec![F::ZERO; inputs.particles * cells];
    let one = |slot: &Slot, panel: &mut [F]| -> Option<Box<dyn Any + Send>> {
        let mut block = numbers.pool.take::<L, W>();
        let mut rows = std::mem::take(&mut block.panel);
        rows.clear();
        // Periods that a run which is stopped does not reach stay so.
        rows.resize(cells * together, F::NAN);
        let row = design.groups * together;
        block.forward(context, inputs, *slot, keep, &mut |t, sums| {
            for (y, sum) in rows[t * row..][..row].iter_mut().zip(sums) {
                *y = F::of(*sum);
            }
            true
        });
        unravel::<F>(&rows, together, panel);
        block.panel = rows;
        for (l, panel) in panel.chunks_exact_mut(cells).enumerate() {
            if !is_finite(inputs, slot.first + l) {
                panel.fill(F::NAN);
            }
        }
        if keep {
            return Some(block);
        }
        numbers.pool.give(block);
        None
    };
    let blocks: Vec<Option<Box<dyn Any + Send>>> = if slots.len() == 1 {
        vec![one(&slots[0], &mut panel)]
    } else {
        let panels = panel.par_chunks_mut(together * cells);
        slots
            .par_iter()
            .zip(panels)
            .map(|(s, p)| one(s, p))
            .collect()
    };
    let tape = keep.then(|| Tape {
        plan: plan.clone(),
        blocks: blocks.into_iter().flatten().collect(),
        particles: inputs.particles,
        kind: std::marker::PhantomData,
    });
    (panel, tape)
}

/// Whether a particle's inputs are numbers: the kernels' comparisons would hide what is not.
fn is_finite<F: Float>(inputs: &Inputs<'_, F>, particle: usize) -> bool {
    let firms = inputs.target.len() / inputs.particles;
    // To the end, where it could stop: the compiler then looks at several at once.
    let of = particle * firms..(particle + 1) * firms;
    let finite = |v: &[F]| v[of.clone()].iter().fold(true, |all, v| all & v.finite());
    finite(inputs.target) && finite(inputs.rate)
}

/// How `stream` takes its particles.
#[derive(Clone, Copy)]
pub(crate) struct Blocks {
    /// So many side by side.
    pub(crate) together: usize,
    /// Each block goes over several threads.
    pub(crate) apart: bool,
}

/// Simulates particles, one block after the other and keeps nothing: `sink` is told a block's
/// first particle, the period, from 0, and its output summed to groups, [group, particle of the block], NaN where
/// inputs are not finite. The last block may have more particles than are left. A block ends early where `sink` says
/// false.
pub(crate) fn stream<F: Format>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    blocks: Blocks,
    sink: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
) {
    match blocks.together {
        1 => stream_in::<F, 1, WIDE, WIDE>(plan, inputs, blocks.apart, sink),
        _ => stream_in::<F, STREAM, STREAM, 1>(plan, inputs, blocks.apart, sink),
    }
}

/// Particles of a block of `stream`, at most.
pub(crate) const STREAM: usize = 8;

/// The same where there are so many of them: as in runs with a gradient, so that losses are the same, but in large
/// networks whose blocks of fewer leave processors idle.
pub(crate) fn streamed(plan: &Plan, particles: usize) -> usize {
    let idle = plan.design().is_large() && particles < STREAM * plan.processors();
    match shape(plan, particles) {
        (side, _) if side > 1 && !idle => STREAM,
        _ => 1,
    }
}

/// Firms side by side in a block of `stream` of so many particles.
fn width(together: usize) -> usize {
    if together == 1 { WIDE } else { 1 }
}

/// What many particles of `stream` take each, in blocks that go over several threads or beside each other.
pub(crate) fn tuner<F: Format>(plan: &Plan, together: usize) -> &Autotuner {
    &F::numbers(plan, width(together)).tuner_of_many
}

/// Partitions of a block of `stream`, which may go over as many threads.
pub(crate) fn partitions(plan: &Plan, together: usize) -> usize {
    plan.layout(width(together)).partitions.len()
}

fn stream_in<F: Format, const P: usize, const L: usize, const W: usize>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    apart: bool,
    sink: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
) {
    let blocks = if apart { 1 } else { usize::MAX };
    let context = Context::<F>::new(plan, W, blocks);
    let mut block = context.numbers.pool.take::<L, W>();
    let mut marked = Vec::new();
    for slot in slots(inputs.particles, P) {
        let lost: Vec<usize> = (slot.first..slot.last)
            .filter(|p| !is_finite(inputs, *p))
            .map(|p| p - slot.first)
            .collect();
        block.forward(context, inputs, slot, false, &mut |t, sums| {
            if lost.is_empty() {
                return sink(slot.first, t, sums);
            }
            marked.clear();
            marked.extend_from_slice(sums);
            for row in marked.chunks_exact_mut(P) {
                lost.iter().for_each(|l| row[*l] = f64::NAN);
            }
            sink(slot.first, t, &marked)
        });
    }
    context.numbers.pool.give(block);
}

/// The gradient of what has the gradient `panel` [particle, period, group] in the panel. `inputs`
/// are those of the run that made `tape`.
pub(crate) fn backward<F: Format>(
    tape: &mut Tape<F>,
    inputs: &Inputs<'_, F>,
    panel: &[F],
    with_capacity: bool,
) -> Gradient<F> {
    match shape(&tape.plan, tape.particles) {
        (1, _) => backward_in::<F, WIDE, WIDE>(tape, inputs, panel, with_capacity),
        (4, _) => backward_in::<F, 4, 1>(tape, inputs, panel, with_capacity),
        _ => backward_in::<F, 8, 1>(tape, inputs, panel, with_capacity),
    }
}

fn backward_in<F: Format, const L: usize, const W: usize>(
    tape: &mut Tape<F>,
    inputs: &Inputs<'_, F>,
    panel: &[F],
    with_capacity: bool,
) -> Gradient<F> {
    let slots = slots(inputs.particles, L / W);
    let context = Context::<F>::new(&tape.plan, W, slots.len());
    let design = context.design;
    let together = L / W;
    let (firms, cells) = (design.steady.len(), design.periods * design.groups);
    let hits = if with_capacity {
        design.periods * design.column.len()
    } else {
        0
    };
    let mut out = Gradient {
        target: vec![F::ZERO; inputs.particles * firms],
        rate: vec![F::ZERO; inputs.particles * firms],
        capacity: vec![F::ZERO; inputs.particles * hits],
    };
    let one = |block: &mut Box<dyn Any + Send>,
               slot: &Slot,
               panel: &[F],
               target: &mut [F],
               rate: &mut [F],
               capacity: Option<&mut [F]>| {
        let block = block
            .downcast_mut::<Block<F, L, W>>()
            .expect("a tape holds blocks of its own lanes");
        let particles = slot.last - slot.first;
        let mut own = vec![F::ZERO; cells * together];
        for p in 0..particles {
            let to = own.iter_mut().skip(p).step_by(together);
            for (to, from) in to.zip(&panel[p * cells..][..cells]) {
                *to = *from;
            }
        }
        block.backward(context, inputs, *slot, &own, capacity);
        block.gradients(context.layout, firms, target, rate);
    };
    let mut capacity: Vec<Option<&mut [F]>> = if hits > 0 {
        out.capacity.chunks_mut(together * hits).map(Some).collect()
    } else {
        slots.iter().map(|_| None).collect()
    };
    if let ([block], [slot]) = (tape.blocks.as_mut_slice(), slots.as_slice()) {
        let capacity = capacity.pop().flatten();
        let (target, rate) = (&mut out.target, &mut out.rate);
        one(block, slot, panel, target, rate, capacity);
    } else {
        tape.blocks
            .par_iter_mut()
            .zip(&slots)
            .zip(panel.par_chunks(together * cells))
            .zip(out.target.par_chunks_mut(together * firms))
            .zip(out.rate.par_chunks_mut(together * firms))
            .zip(capacity)
            .for_each(|(((((block, slot), panel), target), rate), capacity)| {
                one(block, slot, panel, target, rate, capacity);
            });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Design, MOST_PARTITIONS};
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    /// Firms that each buy from so many others.
    fn design(firms: usize, inputs: usize) -> Design {
        let mut random = StdRng::seed_from_u64(firms as u64);
        let steady: Vec<f64> = (0..firms)
            .map(|_| random.random_range(50.0..100.0))
            .collect();
        let supplier: Vec<u32> = (0..firms * inputs)
            .map(|_| random.random_range(0..firms as u32))
            .collect();
        let mut customers = vec![0.0; firms];
        for j in &supplier {
            customers[*j as usize] += 1.0;
        }
        // Four fifths of what is sold goes to customers, to each of them as much.
        let coefficient = supplier.iter().enumerate().map(|(link, j)| {
            0.8 * steady[*j as usize] / (customers[*j as usize] * steady[link / inputs])
        });
        let outside = steady.iter().zip(&customers);
        Design {
            row: (0..=firms).map(|i| (i * inputs) as u32).collect(),
            coefficient: coefficient.collect(),
            outside: outside
                .map(|(x, n)| if *n > 0.0 { 0.2 * x } else { *x })
                .collect(),
            full: steady.iter().map(|x| 1.05 * x).collect(),
            group: (0..firms as u32).map(|i| i % 7).collect(),
            groups: 7,
            column: (0..firms as u32).collect(),
            periods: 6,
            steady,
            supplier,
            ..Design::default()
        }
    }

    fn close(found: &[f64], expected: &[f64]) -> bool {
        let size = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        let mut both = found.iter().zip(expected);
        found.len() == expected.len() && both.all(|(a, b)| (a - b).abs() <= 1e-12 * size)
    }

    #[test]
    fn a_network_is_the_same_in_any_number_of_parts() {
        // In partitions where firms stand side by side, with messages, and where particles do.
        for (firms, inputs, particles) in [
            (900, 10, 1),
            (2_500, 11, 1),
            (20_100, 3, 2),
            (1_960, 260, 16),
        ] {
            let design = design(firms, inputs);
            let mut random = StdRng::seed_from_u64(1);
            let mut some = |count: usize, least: f64, most: f64| -> Vec<f64> {
                (0..count)
                    .map(|_| random.random_range(least..most))
                    .collect()
            };
            let steady = design.steady.iter().cycle();
            let target = some(particles * firms, 1.2, 4.0).into_iter().zip(steady);
            let (target, rate): (Vec<f64>, _) = (
                target.map(|(n, x)| n * x).collect(),
                some(particles * firms, 0.1, 0.5),
            );
            let capacity = some(design.periods * firms, 0.3, 1.0);
            let slope = some(particles * design.periods * design.groups, -1.0, 1.0);
            let inputs = Inputs {
                particles,
                target: &target,
                rate: &rate,
                capacity: &capacity,
            };
            let run = |processors: usize| {
                let plan = Plan::on(processors, design.clone());
                let (panel, tape) = forward(&plan, &inputs, true);
                let mut tape = tape.expect("a kept run has a tape");
                let found = backward(&mut tape, &inputs, &slope, true);
                let (_, width) = shape(&plan, particles);
                let partitions = plan.layout(width).partitions.len();
                (partitions, panel, found)
            };
            let (partitions, panel, one) = run(1);
            assert_eq!(partitions, 1);
            let mut most = 1;
            for processors in [2, 3, 5, 64] {
                let (partitions, found, back) = run(processors);
                most = partitions.max(most);
                assert!(
                    close(&found, &panel),
                    "{firms} firms, {partitions} partitions"
                );
                for (found, expected) in [
                    (&back.target, &one.target),
                    (&back.rate, &one.rate),
                    (&back.capacity, &one.capacity),
                ] {
                    assert!(
                        close(found, expected),
                        "{firms} firms, {partitions} partitions"
                    );
                }
            }
            assert!((4..=MOST_PARTITIONS).contains(&most), "{most} partitions");
        }
    }

    #[test]
    fn particles_stand_side_by_side_where_processors_have_enough_to_do() {
        let shapes = |processors: usize, firms: usize| {
            let plan = Plan::on(processors, design(firms, 2));
            let of = [1, 2, 4, 8, 16, 256].map(|particles| shape(&plan, particles).0);
            (
                of,
                [2, 16, 64, 256].map(|particles| streamed(&plan, particles)),
            )
        };
        assert_eq!(shapes(1, 50), ([1, 1, 4, 8, 8, 8], [1, 8, 8, 8]));
        assert_eq!(shapes(2, 50), ([1, 1, 1, 4, 8, 8], [1, 8, 8, 8]));
        assert_eq!(shapes(16, 50), ([1, 1, 1, 1, 1, 8], [1, 1, 8, 8]));
        // Memory for all of them at once is wanted where each keeps a processor busy.
        assert_eq!(shapes(16, 20_000), ([1, 1, 1, 1, 1, 8], [1, 1, 1, 8]));
    }
}
