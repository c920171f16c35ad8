//! The kernels on the CPU: particles in blocks, L numbers in a row; blocks and partitions run on several threads.

mod adjoint;
mod binned;
mod block;
mod board;
mod exchange;
mod float;
mod forward;
mod host;
mod partition;
mod pass;
mod rows;
mod simd;
mod state;
mod team;
mod transpose;
mod worker;

use super::plan::Plan;
use block::{Block, Context};
pub(crate) use block::{Gradient, Inputs};
pub(crate) use float::Float;
pub(crate) use host::Processor;
use partition::{FIRM_LANES, LayoutNumbers, Layouts};
use rayon::prelude::*;
use state::Slot;
use std::any::Any;
use std::num::NonZero;
use std::sync::OnceLock;
pub(crate) use team::Autotuner;
use transpose::unravel;

/// A number format, and the arrays of a plan in it.
pub(crate) trait Format: Float {
    fn numbers(plan: &Plan, width: usize) -> &LayoutNumbers<Self>;
}

impl Format for f32 {
    fn numbers(plan: &Plan, width: usize) -> &LayoutNumbers<Self> {
        Layouts::of(plan).single(plan.design(), width)
    }
}

impl Format for f64 {
    fn numbers(plan: &Plan, width: usize) -> &LayoutNumbers<Self> {
        Layouts::of(plan).double(plan.design(), width)
    }
}

/// Number of processors of this machine, read once, as the system opens files for it. No result depends on it.
pub(crate) fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

/// From this number of particles on lanes are particles, else firms of one particle. The two layouts add numbers up in
/// different orders: which of them a run has may not depend on the machine. In large networks a block of particles
/// uses the memory of the whole machine.
const MANY_PARTICLES: usize = 5;
const MANY_IN_LARGE_NETWORKS: usize = 8;

/// The layout of particles: (lanes that are particles, lanes that are firms), one of them 1.
///
/// Four or eight lanes of particles compute the same numbers. There are four where all processors together then take
/// less time.
fn shape(plan: &Plan, particles: usize) -> (usize, usize) {
    let many = if plan.design().is_large() {
        MANY_IN_LARGE_NETWORKS
    } else {
        MANY_PARTICLES
    };
    if particles < many {
        return (1, FIRM_LANES);
    }
    let rounds = |lanes: usize| {
        particles
            .div_ceil(lanes)
            .div_ceil(Layouts::of(plan).processors)
    };
    // A block of eight takes twice the time of a block of four.
    let lanes = if rounds(4) < 2 * rounds(8) { 4 } else { 8 };
    (lanes, 1)
}

/// What the gradient reads of a run. When it is dropped its memory goes back to the plan.
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

/// Simulates all particles: the panel [particle, period, group], and a tape if `keep`.
pub(crate) fn forward<F: Format>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    keep: bool,
) -> (Vec<F>, Option<Tape<F>>) {
    match shape(plan, inputs.particles) {
        (1, _) => forward_in::<F, FIRM_LANES, FIRM_LANES>(plan, inputs, keep),
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
    let lanes = L / W;
    let mut panel = vec![F::ZERO; inputs.particles * cells];
    let one = |slot: &Slot, panel: &mut [F]| -> Option<Box<dyn Any + Send>> {
        let mut block = numbers.pool.take::<L, W>();
        let mut rows = std::mem::take(&mut block.panel);
        rows.clear();
        // Periods that a stopped run does not reach stay NaN.
        rows.resize(cells * lanes, F::NAN);
        let row = design.groups * lanes;
        block.forward(context, inputs, *slot, keep, &mut |t, sums| {
            for (y, sum) in rows[t * row..][..row].iter_mut().zip(sums) {
                *y = F::of(*sum);
            }
            true
        });
        unravel::<F>(&rows, lanes, panel);
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
        let panels = panel.par_chunks_mut(lanes * cells);
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

/// Whether all inputs of a particle are finite: the comparisons of the kernels would hide NaN.
fn is_finite<F: Float>(inputs: &Inputs<'_, F>, particle: usize) -> bool {
    let firms = inputs.target.len() / inputs.particles;
    // The loop does not stop at the first that is not finite: the compiler then vectorises it.
    let of = particle * firms..(particle + 1) * firms;
    let finite = |v: &[F]| v[of.clone()].iter().fold(true, |all, v| all & v.finite());
    finite(inputs.target) && finite(inputs.rate)
}

/// The blocks that `stream` makes of its particles.
#[derive(Clone, Copy)]
pub(crate) struct Blocks {
    /// Particles of a block: 1, or up to `PARTICLE_LANES`.
    pub(crate) particles: usize,
    /// Whether the partitions of a block run on several threads.
    pub(crate) split: bool,
}

/// Simulates particles block by block and keeps nothing. `sink` takes a block's first particle, the period, from 0,
/// and the output summed to groups, [group, particle of the block], NaN for particles whose inputs are not finite.
/// The last block may have more particles than are left. A block ends early where `sink` returns false.
pub(crate) fn stream<F: Format>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    blocks: Blocks,
    sink: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
) {
    match blocks.particles {
        1 => stream_in::<F, 1, FIRM_LANES, FIRM_LANES>(plan, inputs, blocks.split, sink),
        _ => stream_in::<F, PARTICLE_LANES, PARTICLE_LANES, 1>(plan, inputs, blocks.split, sink),
    }
}

/// Lanes of a block of `stream` whose lanes are particles.
pub(crate) const PARTICLE_LANES: usize = 8;

/// Particles of a block of `stream`, for a number of particles in all: the layout of runs with a gradient, so that
/// losses are the same.
pub(crate) fn stream_particles(plan: &Plan, particles: usize) -> usize {
    match shape(plan, particles) {
        (1, _) => 1,
        _ => PARTICLE_LANES,
    }
}

/// Lanes that are firms, in a block of `stream` with this number of particles.
fn width(block_particles: usize) -> usize {
    if block_particles == 1 { FIRM_LANES } else { 1 }
}

/// The autotuner of `stream`'s blocks, which chooses between threads within a block and a thread for each block.
pub(crate) fn tuner<F: Format>(plan: &Plan, block_particles: usize) -> &Autotuner {
    &F::numbers(plan, width(block_particles)).tuner_of_many
}

/// Partitions of a block of `stream`: the most threads that it can use.
pub(crate) fn partitions(plan: &Plan, block_particles: usize) -> usize {
    let width = width(block_particles);
    Layouts::of(plan)
        .layout(plan.design(), width)
        .partitions
        .len()
}

fn stream_in<F: Format, const P: usize, const L: usize, const W: usize>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    split: bool,
    sink: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
) {
    let blocks = if split { 1 } else { usize::MAX };
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

/// The gradient, given the gradient `panel` [particle, period, group] in the panel. `inputs` are those of the run
/// that made `tape`.
pub(crate) fn backward<F: Format>(
    tape: &mut Tape<F>,
    inputs: &Inputs<'_, F>,
    panel: &[F],
    with_capacity: bool,
) -> Gradient<F> {
    match shape(&tape.plan, tape.particles) {
        (1, _) => backward_in::<F, FIRM_LANES, FIRM_LANES>(tape, inputs, panel, with_capacity),
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
    let lanes = L / W;
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
        let mut own = vec![F::ZERO; cells * lanes];
        for p in 0..particles {
            let to = own.iter_mut().skip(p).step_by(lanes);
            for (to, from) in to.zip(&panel[p * cells..][..cells]) {
                *to = *from;
            }
        }
        block.backward(context, inputs, *slot, &own, capacity);
        block.gradients(context.layout, firms, target, rate);
    };
    let mut capacity: Vec<Option<&mut [F]>> = if hits > 0 {
        out.capacity.chunks_mut(lanes * hits).map(Some).collect()
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
            .zip(panel.par_chunks(lanes * cells))
            .zip(out.target.par_chunks_mut(lanes * firms))
            .zip(out.rate.par_chunks_mut(lanes * firms))
            .zip(capacity)
            .for_each(|(((((block, slot), panel), target), rate), capacity)| {
                one(block, slot, panel, target, rate, capacity);
            });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Checkpoint, Design};
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    /// Firms that buy from `inputs` random firms each.
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
        // Links take four fifths of each firm's output in equal amounts, the rest is final demand.
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

    fn for_processors(processors: usize, design: Design) -> Plan {
        let plan = Plan::new(design);
        let made = plan.cached(|_| Layouts::for_processors(processors));
        assert_eq!(made.processors, processors);
        plan
    }

    #[test]
    fn results_are_the_same_bits_on_any_number_of_threads() {
        // Partitions whose lanes are firms, without and with messages, and partitions whose lanes are particles; hubs;
        // all periods kept, and some of them.
        for (firms, inputs, particles, checkpoint) in [
            (900, 10, 1, Checkpoint::All),
            (2_500, 11, 3, Checkpoint::Every(2)),
            (40_000, 3, 2, Checkpoint::Every(4)),
            (1_960, 260, 16, Checkpoint::Every(3)),
        ] {
            let mut design = design(firms, inputs);
            design.checkpoint = checkpoint;
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
                let plan = for_processors(processors, design.clone());
                let (panel, tape) = forward(&plan, &inputs, true);
                let mut tape = tape.expect("a kept run has a tape");
                let found = backward(&mut tape, &inputs, &slope, true);
                let (_, width) = shape(&plan, particles);
                let layout = Layouts::of(&plan).layout(plan.design(), width);
                assert!(layout.partitions.len() > 1, "{firms} firms");
                [panel, found.target, found.rate, found.capacity]
            };
            let one = run(1);
            for processors in [2, 3, 8, 16] {
                let found = run(processors);
                assert!(found == one, "{firms} firms, {processors} threads");
            }
        }
    }

    #[test]
    fn particles_take_lanes_where_they_are_many() {
        let shapes = |processors: usize, firms: usize| {
            let plan = for_processors(processors, design(firms, 2));
            let of = [1, 4, 5, 8, 16, 256].map(|particles| shape(&plan, particles).0);
            (
                of,
                [2, 16].map(|particles| stream_particles(&plan, particles)),
            )
        };
        assert_eq!(shapes(1, 50), ([1, 1, 8, 8, 8, 8], [1, 8]));
        assert_eq!(shapes(2, 50), ([1, 1, 4, 4, 8, 8], [1, 8]));
        assert_eq!(shapes(16, 50), ([1, 1, 4, 4, 4, 8], [1, 8]));
        assert_eq!(shapes(2, 20_000), ([1, 1, 1, 4, 8, 8], [1, 8]));
    }
}
