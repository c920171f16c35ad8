//! The kernels on the CPU: particles in blocks of L side by side, blocks and parts over threads.

mod block;
mod number;
mod rows;
mod shard;
mod sweep;

use super::plan::{Numbers, Plan};
use block::Block;
pub(crate) use block::{Gradient, Inputs};
pub(crate) use number::Number;
use rayon::prelude::*;
use shard::Slot;
use std::any::Any;
use std::sync::{Mutex, PoisonError};

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
    fn take<const L: usize>(&self) -> Box<Block<F, L>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let found = blocks.iter().rposition(|b| b.is::<Block<F, L>>());
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
    /// Particles side by side where there are many: one vector register.
    const LANES: usize;
    fn numbers(plan: &Plan) -> &Numbers<Self>;
}

impl Format for f32 {
    const LANES: usize = 8;
    fn numbers(plan: &Plan) -> &Numbers<Self> {
        plan.single()
    }
}

impl Format for f64 {
    const LANES: usize = 4;
    fn numbers(plan: &Plan) -> &Numbers<Self> {
        plan.double()
    }
}

/// What the gradient needs of a run; its memory goes back to the plan when it is dropped.
pub(crate) struct Tape<F: Format> {
    plan: Plan,
    blocks: Vec<Box<dyn Any + Send>>,
    lanes: usize,
    kind: std::marker::PhantomData<F>,
}

impl<F: Format> Drop for Tape<F> {
    fn drop(&mut self) {
        for block in self.blocks.drain(..) {
            F::numbers(&self.plan).pool.give(block);
        }
    }
}

/// Simulates all particles: the panel [particle, period, group], and a tape where it is wanted.
pub(crate) fn forward<F: Format>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    keep: bool,
) -> (Vec<F>, Option<Tape<F>>) {
    match (inputs.particles, F::LANES) {
        (1, _) => forward_in::<F, 1>(plan, inputs, keep),
        (2..=4, _) | (_, 4) => forward_in::<F, 4>(plan, inputs, keep),
        (5..=8, _) => forward_in::<F, 8>(plan, inputs, keep),
        _ => forward_in::<F, 8>(plan, inputs, keep),
    }
}

/// Runs `work` inside the thread pool where it has several parts, so that they start without delay.
fn in_pool<R: Send>(plan: &Plan, work: impl FnOnce() -> R + Send) -> R {
    if plan.parts().len() > 1 {
        rayon::scope(|_| work())
    } else {
        work()
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

fn forward_in<F: Format, const L: usize>(
    plan: &Plan,
    inputs: &Inputs<'_, F>,
    keep: bool,
) -> (Vec<F>, Option<Tape<F>>) {
    let numbers = F::numbers(plan);
    let design = plan.design();
    let cells = design.periods * design.groups;
    let mut panel = vec![F::ZERO; inputs.particles * cells];
    let slots = slots(inputs.particles, L);
    let one = |slot: &Slot, panel: &mut [F]| -> Option<Box<dyn Any + Send>> {
        let mut block = numbers.pool.take::<L>();
        block.forward(plan, numbers, inputs, *slot, keep);
        for (l, panel) in panel.chunks_exact_mut(cells).enumerate() {
            let nodes = design.steady.len();
            let own = |v: &[F]| -> bool {
                let v = &v[(slot.first + l) * nodes..][..nodes];
                v.iter().all(|v| v.finite())
            };
            // The kernels' comparisons would hide what is not a number.
            if own(inputs.target) && own(inputs.rate) {
                for (to, y) in panel.iter_mut().zip(block.panel.iter()) {
                    *to = y[l];
                }
            } else {
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
        vec![in_pool(plan, || one(&slots[0], &mut panel))]
    } else {
        let panels = panel.par_chunks_mut(L * cells);
        slots
            .par_iter()
            .zip(panels)
            .map(|(s, p)| one(s, p))
            .collect()
    };
    let tape = keep.then(|| Tape {
        plan: plan.clone(),
        blocks: blocks.into_iter().flatten().collect(),
        lanes: L,
        kind: std::marker::PhantomData,
    });
    (panel, tape)
}

/// The gradient of what has the gradient `panel` [particle, period, group] in the panel. `inputs`
/// are those of the run that made `tape`.
pub(crate) fn backward<F: Format>(
    tape: &mut Tape<F>,
    inputs: &Inputs<'_, F>,
    panel: &[F],
    with_capacity: bool,
) -> Gradient<F> {
    match tape.lanes {
        1 => backward_in::<F, 1>(tape, inputs, panel, with_capacity),
        4 => backward_in::<F, 4>(tape, inputs, panel, with_capacity),
        8 => backward_in::<F, 8>(tape, inputs, panel, with_capacity),
        _ => backward_in::<F, 8>(tape, inputs, panel, with_capacity),
    }
}

fn backward_in<F: Format, const L: usize>(
    tape: &mut Tape<F>,
    inputs: &Inputs<'_, F>,
    panel: &[F],
    with_capacity: bool,
) -> Gradient<F> {
    let plan = &tape.plan;
    let design = plan.design();
    let numbers = F::numbers(plan);
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
            .downcast_mut::<Block<F, L>>()
            .expect("a tape holds blocks of its own lanes");
        let particles = slot.last - slot.first;
        let own: Vec<[F; L]> = (0..cells)
            .map(|k| {
                sweep::lanes(|l| {
                    if l < particles {
                        panel[l * cells + k]
                    } else {
                        F::ZERO
                    }
                })
            })
            .collect();
        block.backward(plan, numbers, inputs, *slot, &own, capacity);
        block.gradients(plan, target, rate);
    };
    let slots = slots(inputs.particles, L);
    let mut capacity: Vec<Option<&mut [F]>> = if hits > 0 {
        out.capacity.chunks_mut(L * hits).map(Some).collect()
    } else {
        slots.iter().map(|_| None).collect()
    };
    if let ([block], [slot]) = (tape.blocks.as_mut_slice(), slots.as_slice()) {
        let capacity = capacity.pop().flatten();
        let (target, rate) = (&mut out.target, &mut out.rate);
        in_pool(plan, || one(block, slot, panel, target, rate, capacity));
    } else {
        tape.blocks
            .par_iter_mut()
            .zip(&slots)
            .zip(panel.par_chunks(L * cells))
            .zip(out.target.par_chunks_mut(L * nodes))
            .zip(out.rate.par_chunks_mut(L * nodes))
            .zip(capacity)
            .for_each(|(((((block, slot), panel), target), rate), capacity)| {
                one(block, slot, panel, target, rate, capacity);
            });
    }
    out
}
