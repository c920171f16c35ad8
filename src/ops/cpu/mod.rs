//! The kernels on the CPU: particles in blocks of L side by side, blocks and parts over threads.

mod block;
mod large;
mod mail;
mod nodes;
mod number;
mod panel;
mod rows;
mod shard;
mod sweep;
mod team;
mod vector;
mod worker;

use super::plan::{Numbers, Plan, WIDE};
use block::{Block, Ground};
pub(crate) use block::{Gradient, Inputs};
pub(crate) use number::Number;
use panel::unravel;
use rayon::prelude::*;
use shard::Slot;
use std::any::Any;
use std::num::NonZero;
use std::sync::{Mutex, OnceLock, PoisonError};
pub(crate) use team::Pace;

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

impl<F: Number> Pool<F> {
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
pub(crate) trait Format: Number {
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

/// Whether particles fill a block of so many for every processor. In a large network, where each is long at work, fewer
/// are run one by one.
fn fill(plan: &Plan, particles: usize, block: usize) -> bool {
    !plan.design().is_large() || particles >= block * processors()
}

/// How particles are laid out: (particles side by side, nodes side by side). One particle alone has its nodes side by
/// side; a few are cut into more blocks, so that threads have work.
fn shape(plan: &Plan, particles: usize) -> (usize, usize) {
    if particles == 1 || !fill(plan, particles, 4) {
        (1, WIDE)
    } else if particles <= 8 || !fill(plan, particles, 8) {
        (4, 1)
    } else {
        (8, 1)
    }
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
    let ground = Ground::<F>::new(plan, W, slots.len());
    let Ground {
        design, numbers, ..
    } = ground;
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
        block.forward(ground, inputs, *slot, keep, &mut |t, sums| {
            for (y, sum) in rows[t * row..][..row].iter_mut().zip(sums) {
                *y = F::from_f64(*sum);
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
fn is_finite<F: Number>(inputs: &Inputs<'_, F>, particle: usize) -> bool {
    let nodes = inputs.target.len() / inputs.particles;
    let finite = |v: &[F]| v[particle * nodes..][..nodes].iter().all(|v| v.finite());
    finite(inputs.target) && finite(inputs.rate)
}

/// Simulates particles, `together` side by side, one block after the other and keeps nothing: `see` is told a block's
/// first particle, the period, from 0, and its output summed to groups, [group, particle of the block], NaN where
/// inputs are not finite. The last block may have more particles than are left. A block ends early where `see` says
/// false. `apart` has every block go over several threads.
pub(crate) fn stream<F: Format>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    (together, apart): (usize, bool),
    see: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
) {
    match together {
        1 => stream_in::<F, 1, WIDE, WIDE>(plan, inputs, apart, see),
        _ => stream_in::<F, STREAM, STREAM, 1>(plan, inputs, apart, see),
    }
}

/// Particles of a block of `stream`, at most.
pub(crate) const STREAM: usize = 8;

/// The same where there are so many of them.
pub(crate) fn streamed(plan: &Plan, particles: usize) -> usize {
    if particles == 1 || !fill(plan, particles, STREAM) {
        1
    } else {
        STREAM
    }
}

/// Parts of a block of `stream`, which may go over as many threads.
pub(crate) fn parts(plan: &Plan, together: usize) -> usize {
    let width = if together == 1 { WIDE } else { 1 };
    plan.layout(width).parts.len()
}

fn stream_in<F: Format, const P: usize, const L: usize, const W: usize>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    apart: bool,
    see: &mut (dyn FnMut(usize, usize, &[f64]) -> bool + Send),
) {
    let blocks = if apart { 1 } else { usize::MAX };
    let ground = Ground::<F>::new(plan, W, blocks);
    let mut block = ground.numbers.pool.take::<L, W>();
    let mut marked = Vec::new();
    for slot in slots(inputs.particles, P) {
        let lost: Vec<usize> = (slot.first..slot.last)
            .filter(|p| !is_finite(inputs, *p))
            .map(|p| p - slot.first)
            .collect();
        block.forward(ground, inputs, slot, false, &mut |t, sums| {
            if lost.is_empty() {
                return see(slot.first, t, sums);
            }
            marked.clear();
            marked.extend_from_slice(sums);
            for row in marked.chunks_exact_mut(P) {
                lost.iter().for_each(|l| row[*l] = f64::NAN);
            }
            see(slot.first, t, &marked)
        });
    }
    ground.numbers.pool.give(block);
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
    let ground = Ground::<F>::new(&tape.plan, W, slots.len());
    let design = ground.design;
    let together = L / W;
    let (nodes, cells) = (design.steady.len(), design.periods * design.groups);
    let hits = if with_capacity {
        design.periods * design.column.len()
    } else {
        0
    };
    let mut out = Gradient {
        target: vec![F::ZERO; inputs.particles * nodes],
        rate: vec![F::ZERO; inputs.particles * nodes],
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
        block.backward(ground, inputs, *slot, &own, capacity);
        block.gradients(ground.layout, nodes, target, rate);
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
            .zip(out.target.par_chunks_mut(together * nodes))
            .zip(out.rate.par_chunks_mut(together * nodes))
            .zip(capacity)
            .for_each(|(((((block, slot), panel), target), rate), capacity)| {
                one(block, slot, panel, target, rate, capacity);
            });
    }
    out
}
