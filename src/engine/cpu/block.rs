//! Blocks of particles: the state of a run, its pass through all periods and its adjoint pass.

use super::super::plan::{Design, PADDING, Plan};
use super::super::schedule;
use super::Float;
use super::binned::Messages;
use super::partition::{Layout, LayoutNumbers, Layouts};
use super::pass::round;
use super::state::{PartitionState, Slot};
use super::team::with_team;
use super::worker::{Boards, BothWays, Common, Sink, Worker};
use crate::memory;
use std::any::Any;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The tensors of a run as flat host arrays.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a, F> {
    /// Number of particles.
    pub(crate) particles: usize,
    /// Target inventory n x0, [particle, firm].
    pub(crate) target: &'a [F],
    /// 1 / adjustment time, [particle, firm].
    pub(crate) rate: &'a [F],
    /// Remaining capacity, [particle, period, column], or [period, column] for all particles.
    pub(crate) capacity: &'a [F],
}

impl<F> Inputs<'_, F> {
    /// Whether all particles have the same capacity.
    pub(super) fn shared(&self, design: &Design) -> bool {
        self.capacity.len() == design.periods * design.column.len()
    }
}

/// The gradient; shapes as in `Inputs`.
pub(crate) struct Gradient<F> {
    pub(crate) target: Vec<F>,
    pub(crate) rate: Vec<F>,
    /// [particle, period, column], also where all particles have one capacity; empty where it is not wanted.
    pub(crate) capacity: Vec<F>,
}

/// The state of the particles of one block: L particles (W = 1), or one particle whose firms are the lanes (W = L).
/// Arrays keep their memory from run to run.
pub(super) struct Block<F: Float, const L: usize, const W: usize> {
    pub(super) states: Vec<PartitionState<F, L, W>>,
    /// The accumulators of each partition, and each thread's copy of what firms of all partitions publish.
    accumulators: Vec<BothWays<F, L>>,
    boards: Vec<Boards<F, L>>,
    /// What threads publish to each other.
    common: Common<F>,
    /// Messages of links, in large networks: the offer, which is overwritten with the order.
    pub(super) messages: Messages<F, L, 1>,
    /// Messages of the adjoint pass: the adjoint of demand, which is overwritten with the adjoint of the offer, and
    /// the offer.
    pub(super) adjoint_messages: Messages<F, L, 2>,
    /// Output of one period summed to groups, [group, particle of the block].
    pub(super) sums: Vec<f64>,
    /// Buffer of a panel [period, group, particle of the block].
    pub(super) panel: Vec<F>,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    pub(super) stride: usize,
    /// Periods before any capacity differs from 1: they are not simulated.
    steady_prefix: usize,
    /// Whether this run's partitions run on several threads, and the time that its passes took.
    split: bool,
    elapsed: Duration,
}

/// Blocks between two runs, kept for their memory.
pub(super) struct Pool<F> {
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
    pub(super) fn take<const L: usize, const W: usize>(&self) -> Box<Block<F, L, W>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let found = blocks.iter().rposition(|b| b.is::<Block<F, L, W>>());
        found
            .map(|k| blocks.swap_remove(k))
            .and_then(|b| b.downcast().ok())
            .unwrap_or_else(|| Box::new(Block::new()))
    }

    pub(super) fn give(&self, block: Box<dyn Any + Send>) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.push(block);
    }
}

/// The fixed data of a run: design, layout, and numbers in the run's format.
#[derive(Clone, Copy)]
pub(super) struct Context<'a, F> {
    pub(super) design: &'a Design,
    pub(super) layout: &'a Layout,
    pub(super) numbers: &'a LayoutNumbers<F>,
    /// Threads on which the partitions may run.
    pub(super) threads: usize,
}

impl<'a, F: super::Format> Context<'a, F> {
    /// The context of `blocks` blocks that run at once. A block's partitions run on one thread where the blocks
    /// keep all threads busy, and where several blocks of a small network would wait for each other's threads.
    pub(super) fn new(plan: &'a Plan, width: usize, blocks: usize) -> Self {
        let layouts = Layouts::of(plan);
        let layout = layouts.layout(plan.design(), width);
        let split = blocks < rayon::current_num_threads() && (blocks == 1 || layout.has_messages());
        let threads = layout.partitions.len().min(layouts.processors);
        Self {
            design: plan.design(),
            layout,
            numbers: F::numbers(plan, width),
            threads: if split { threads } else { 1 },
        }
    }
}

/// One run of a block.
#[derive(Clone, Copy)]
pub(super) struct Run<'a, F> {
    pub(super) inputs: &'a Inputs<'a, F>,
    pub(super) slot: Slot,
    /// Periods of the steady prefix, and periods that are simulated.
    pub(super) steady_prefix: usize,
    pub(super) periods: usize,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    pub(super) stride: usize,
}

impl<F> Run<'_, F> {
    /// Whether the inventories of all periods are kept.
    pub(super) fn keeps_all(&self) -> bool {
        self.stride >= self.periods
    }

    /// Slots of demand, of output and of inventories that a run has.
    pub(super) fn demands(&self) -> usize {
        if self.stride > 0 { self.periods + 2 } else { 3 }
    }

    pub(super) fn outputs(&self) -> usize {
        if self.stride > 0 { self.periods + 1 } else { 2 }
    }

    pub(super) fn stocks(&self) -> usize {
        if self.keeps_all() {
            self.periods + 2
        } else {
            2
        }
    }

    /// Slot of the demand of period u - 2: demand begins two periods before the steady state.
    pub(super) fn demand(&self, u: usize) -> usize {
        if self.stride > 0 { u } else { u % 3 }
    }

    /// Slot of the output of period t.
    pub(super) fn output(&self, t: usize) -> usize {
        if self.stride > 0 { t } else { t & 1 }
    }

    /// Slots of the inventories of t-2, t-3 and t-1: in the segment of period t's checkpoint, or two in turn, where
    /// those of t-1 overwrite those of t-3.
    pub(super) fn stock(&self, t: usize, in_segment: bool) -> [usize; 3] {
        if in_segment || self.keeps_all() {
            let c = schedule::segment(t, self.stride);
            [t - c, t - c - 1, t - c + 1]
        } else {
            [t & 1, (t + 1) & 1, (t + 1) & 1]
        }
    }
}

/// Length of the steady prefix: the periods before any capacity differs from 1. The steady state is a fixed point
/// in these periods, unless a firm's target inventory is less than it uses in a period. At least one period is left
/// to simulate.
fn steady_prefix<F: Float>(design: &Design, inputs: &Inputs<'_, F>, slot: Slot) -> usize {
    let (firms, columns) = (design.steady.len(), design.column.len());
    let stocked = (slot.first..slot.last).all(|p| {
        let target = &inputs.target[p * firms..][..firms];
        let both = target.iter().zip(&design.steady);
        // The loop does not stop early, as in `is_finite`.
        both.fold(true, |all, (n, x)| all & (*n >= F::of(*x)))
    });
    if !stocked {
        return 0;
    }
    let rows = inputs.capacity.chunks_exact(columns);
    let first = |particle: usize| {
        let own = rows.clone().skip(particle * design.periods);
        own.take(design.periods)
            .position(|row| row.iter().any(|z| *z != F::ONE))
            .unwrap_or(design.periods)
    };
    let earliest = if inputs.shared(design) {
        first(0)
    } else {
        (slot.first..slot.last).map(first).min().unwrap_or(0)
    };
    earliest.min(design.periods - 1)
}

/// Locks, also after a thread has panicked: the next run sets the data anew.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Float, const L: usize, const W: usize> Block<F, L, W> {
    /// Particles of a block.
    pub(super) const PARTICLES: usize = L / W;

    pub(super) fn new() -> Self {
        Self {
            states: Vec::new(),
            accumulators: Vec::new(),
            boards: Vec::new(),
            common: Common::default(),
            messages: Messages::default(),
            adjoint_messages: Messages::default(),
            sums: Vec::new(),
            panel: Vec::new(),
            stride: 0,
            steady_prefix: 0,
            split: false,
            elapsed: Duration::ZERO,
        }
    }

    /// Simulates all periods; `keep` keeps what a gradient reads. `sink` takes the output of each period, and ends
    /// the run early where it returns false; the design's `stop` ends the run early, too.
    pub(super) fn forward(
        &mut self,
        context: Context<'_, F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        keep: bool,
        sink: &mut Sink<'_>,
    ) {
        let Context { design, layout, .. } = context;
        self.steady_prefix = steady_prefix(design, inputs, slot);
        let periods = design.periods - self.steady_prefix;
        self.stride = 0;
        if keep {
            // All blocks are kept at once.
            let links: usize = layout.partitions.iter().map(|p| p.link.len() / W).sum();
            let blocks = inputs.particles.div_ceil(Self::PARTICLES);
            let bytes = blocks * links * size_of::<[F; L]>();
            self.stride = design.checkpoint.stride(periods, bytes, memory::available);
        }
        let cells = design.groups * Self::PARTICLES;
        if self.steady_prefix > 0 {
            self.sum_steady(design, cells);
            if !(0..self.steady_prefix).all(|t| sink(t, &self.sums)) {
                return;
            }
        }
        self.states
            .resize_with(layout.partitions.len(), PartitionState::default);
        self.accumulators
            .resize_with(layout.partitions.len(), BothWays::default);
        self.boards
            .resize_with(layout.partitions.len(), Boards::default);
        let run = self.run(design, inputs, slot);
        if layout.has_messages() {
            return self.forward_by_bins(context, run, sink);
        }
        let kept_periods = if keep { periods } else { 2 };
        self.common.start::<L>(layout, kept_periods * cells);
        let tuner = &context.numbers.tuner[usize::from(keep)];
        self.split = context.threads > 1 && tuner.split();
        self.elapsed = Duration::ZERO;
        let sink = Mutex::new(Some(sink));
        self.on_team(context, run, |mut worker| {
            let first = worker.member.is_first();
            let sink = first.then(|| lock(&sink).take()).flatten();
            worker.forward(sink);
        });
        if context.threads > 1 && !keep && !self.common.has_ended() {
            tuner.record(self.split, self.elapsed);
        }
    }

    fn run<'a>(&self, design: &Design, inputs: &'a Inputs<'a, F>, slot: Slot) -> Run<'a, F> {
        Run {
            inputs,
            slot,
            steady_prefix: self.steady_prefix,
            periods: design.periods - self.steady_prefix,
            stride: self.stride,
        }
    }

    /// Sums the steady output to groups.
    fn sum_steady(&mut self, design: &Design, cells: usize) {
        self.sums.clear();
        self.sums.resize(cells, 0.0);
        for (x, g) in design.steady.iter().zip(&design.group) {
            for y in &mut self.sums[*g as usize * Self::PARTICLES..][..Self::PARTICLES] {
                *y += *x;
            }
        }
        round::<F>(&mut self.sums);
    }

    /// Runs `work` on the threads of a team, each with its partitions.
    fn on_team(
        &mut self,
        context: Context<'_, F>,
        run: Run<'_, F>,
        work: impl Fn(Worker<'_, F, L, W>) + Sync,
    ) {
        let partitions = self.states.len();
        let common = &self.common;
        let states: Vec<_> = self.states.iter_mut().map(Mutex::new).collect();
        let accumulators: Vec<_> = self.accumulators.iter_mut().map(Mutex::new).collect();
        let boards: Vec<_> = self.boards.iter_mut().map(Mutex::new).collect();
        let begin = Instant::now();
        with_team(if self.split { context.threads } else { 1 }, |member| {
            let own = member.partitions(partitions);
            let mut states: Vec<_> = states[own.clone()].iter().map(lock).collect();
            let states = states.iter_mut().map(|state| &mut ***state).collect();
            let mut accumulators: Vec<_> = accumulators[own.clone()].iter().map(lock).collect();
            let accumulators = accumulators.iter_mut().map(|own| &mut ***own).collect();
            let (partitions, mut boards) = ((states, accumulators), lock(&boards[own.start]));
            work(Worker::new(
                context,
                run,
                member,
                partitions,
                &mut boards,
                common,
            ));
        });
        self.elapsed += begin.elapsed();
    }

    /// The gradient, given the gradient of the panel, [period, group, particle of the block]. The gradient in the
    /// capacity, [particle, period, column], goes to `to_capacity` where that is given.
    pub(super) fn backward(
        &mut self,
        context: Context<'_, F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        panel: &[F],
        to_capacity: Option<&mut [F]>,
    ) {
        assert!(self.stride > 0, "a run that keeps nothing has no gradient");
        let run = self.run(context.design, inputs, slot);
        if context.layout.has_messages() {
            return self.backward_by_bins(context, run, panel, to_capacity);
        }
        let to_capacity = to_capacity.map(Mutex::new);
        self.on_team(context, run, |mut worker| {
            worker.backward(panel, to_capacity.as_ref());
        });
        if context.threads > 1 {
            context.numbers.tuner[1].record(self.split, self.elapsed);
        }
    }

    /// Writes the gradients of a block's particles into [particle, firm] arrays that begin at the block's first
    /// particle.
    pub(super) fn gradients(
        &self,
        layout: &Layout,
        firms: usize,
        target: &mut [F],
        rate: &mut [F],
    ) {
        for (state, partition) in self.states.iter().zip(&layout.partitions) {
            let found = state.gradients();
            for (i, firm) in partition
                .firm
                .iter()
                .enumerate()
                .filter(|(_, n)| **n != PADDING)
            {
                for p in 0..target.len() / firms {
                    let (to, from) = (p * firms + *firm as usize, i * Self::PARTICLES + p);
                    target[to] = found.0[from];
                    rate[to] = found.1[from];
                }
            }
        }
    }
}
