//! Up to L particles through all periods and back: the state of a run and its two passes.

use super::super::plan::{Design, Layout, Numbers, PADDING, Plan};
use super::Float;
use super::firms::round;
use super::state::{PartitionState, Slot};
use super::team::with_team;
use super::worker::{Common, Sink, Table, Worker};
use crate::memory;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The tensors of a run as flat host arrays.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a, F> {
    /// Float of particles P.
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

/// Where the gradient goes; shapes as in `Inputs`.
pub(crate) struct Gradient<F> {
    pub(crate) target: Vec<F>,
    pub(crate) rate: Vec<F>,
    /// Of every particle, [particle, period, column]; empty where it was not asked for.
    pub(crate) capacity: Vec<F>,
}

/// The state of the particles of one block: of L particles (W = 1), or of one whose firms stand side
/// by side (W = L). Arrays keep their memory from run to run.
pub(super) struct Block<F: Float, const L: usize, const W: usize> {
    pub(super) states: Vec<PartitionState<F, L, W>>,
    /// What is known of the firms of all partitions, for each thread.
    tables: Vec<Table<F, L>>,
    /// What threads tell each other.
    common: Common<F>,
    /// Messages of each partition's links, in large networks: offer and order in turn.
    pub(super) message_arrays: Vec<Vec<F>>,
    /// Two numbers each: the adjoint of demand and then that of the offer, and the offer.
    pub(super) messages_back: Vec<Vec<F>>,
    /// Output of one period summed to groups, [group, particle of the block].
    pub(super) sums: Vec<f64>,
    /// Room for a panel [period, group, particle of the block].
    pub(super) panel: Vec<F>,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    pub(super) stride: usize,
    /// Periods at the start in which nothing happens: they are not simulated.
    steady_prefix: usize,
    /// Whether this run's partitions go over several threads, and what it has taken.
    apart: bool,
    spent: Duration,
}

/// What a run is made of: where things stand, and the numbers of this format.
#[derive(Clone, Copy)]
pub(super) struct Context<'a, F> {
    pub(super) design: &'a Design,
    pub(super) layout: &'a Layout,
    pub(super) numbers: &'a Numbers<F>,
    /// Whether the partitions go over several threads.
    pub(super) apart: bool,
}

impl<'a, F: super::Format> Context<'a, F> {
    /// For so many blocks at once. Where they keep all threads busy, each does its partitions one after the other; and in a
    /// small network, whose threads would wait for those of other blocks.
    pub(super) fn new(plan: &'a Plan, width: usize, blocks: usize) -> Self {
        let layout = plan.layout(width);
        Self {
            design: plan.design(),
            layout,
            numbers: F::numbers(plan, width),
            apart: layout.partitions.len() > 1
                && blocks < rayon::current_num_threads()
                && (blocks == 1 || layout.routing()),
        }
    }
}

/// One run of a block.
#[derive(Clone, Copy)]
pub(super) struct Run<'a, F> {
    pub(super) inputs: &'a Inputs<'a, F>,
    pub(super) slot: Slot,
    /// Periods at the start that are not simulated, and those that are.
    pub(super) steady_prefix: usize,
    pub(super) periods: usize,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    pub(super) stride: usize,
}

impl<F> Run<'_, F> {
    /// Whether all inventories are kept.
    pub(super) fn whole(&self) -> bool {
        self.stride >= self.periods
    }

    /// Slots of demand and output of period `t`, from 1.
    pub(super) fn firms_at(&self, t: usize) -> (usize, usize) {
        if self.stride > 0 {
            (t - 1, t - 1)
        } else {
            ((t - 1) & 1, 0)
        }
    }

    /// What `PartitionState::link_pass` wants of it: slots of output, demand and the demand before; of inventories.
    pub(super) fn links_at(&self, t: usize) -> ((usize, usize, usize), [usize; 3]) {
        let (demand, output) = self.firms_at(t);
        let before = if self.stride > 0 { t.max(2) - 2 } else { t & 1 };
        let stock = if self.whole() {
            [t, t - 1, t + 1]
        } else {
            // Period t - 1 is read, t - 2 is overwritten by t; the one before the first is the same as it.
            [(t - 1) & 1, if t == 1 { 0 } else { t & 1 }, t & 1]
        };
        ((output, demand, before), stock)
    }
}

/// Periods before any capacity differs from 1: the steady state is a fixed point then, unless a firm
/// aims at less inventory than it uses in a period. At least one period is left.
fn steady_prefix<F: Float>(design: &Design, inputs: &Inputs<'_, F>, slot: Slot) -> usize {
    let (firms, columns) = (design.steady.len(), design.column.len());
    let stocked = (slot.first..slot.last).all(|p| {
        let target = &inputs.target[p * firms..][..firms];
        let both = target.iter().zip(&design.steady);
        // To the end: sink `is_finite`.
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

/// What was locked by a thread that has panicked is set anew by the next run.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Float, const L: usize, const W: usize> Block<F, L, W> {
    /// Particles in a row.
    pub(super) const PARTICLES: usize = L / W;

    pub(super) fn new() -> Self {
        Self {
            states: Vec::new(),
            tables: Vec::new(),
            common: Common::default(),
            message_arrays: Vec::new(),
            messages_back: Vec::new(),
            sums: Vec::new(),
            panel: Vec::new(),
            stride: 0,
            steady_prefix: 0,
            apart: false,
            spent: Duration::ZERO,
        }
    }

    /// Simulates all periods; `keep` for a gradient that is to follow. `sink` is told each period; a run that is
    /// stopped ends early, too.
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
            // All blocks keep theirs at once.
            let links: usize = layout.partitions.iter().map(|p| p.link.len() / W).sum();
            let blocks = inputs.particles.div_ceil(Self::PARTICLES);
            let bytes = blocks * links * size_of::<[F; L]>();
            self.stride = design.checkpoint.stride(periods, bytes, memory::available);
        }
        let cells = design.groups * Self::PARTICLES;
        if self.steady_prefix > 0 {
            self.sink_steady(design, cells);
            if !(0..self.steady_prefix).all(|t| sink(t, &self.sums)) {
                return;
            }
        }
        self.states
            .resize_with(layout.partitions.len(), PartitionState::default);
        self.tables
            .resize_with(layout.partitions.len(), Table::default);
        let run = self.run(design, inputs, slot);
        if layout.routing() {
            return self.forward_by_bins(context, run, sink);
        }
        let seen = if keep { periods } else { 1 };
        self.common.start::<L>(layout, seen * cells);
        let tuner = &context.numbers.tuner[usize::from(keep)];
        self.apart = context.apart && tuner.apart();
        self.spent = Duration::ZERO;
        let sink = Mutex::new(Some(sink));
        self.together(context, run, |mut worker| {
            let first = worker.member.is_first();
            let sink = first.then(|| lock(&sink).take()).flatten();
            worker.forward(sink);
        });
        if context.apart && !keep && !self.common.halted() {
            tuner.record(self.apart, self.spent);
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
    fn sink_steady(&mut self, design: &Design, cells: usize) {
        self.sums.clear();
        self.sums.resize(cells, 0.0);
        for (x, g) in design.steady.iter().zip(&design.group) {
            for y in &mut self.sums[*g as usize * Self::PARTICLES..][..Self::PARTICLES] {
                *y += *x;
            }
        }
        round::<F>(&mut self.sums);
    }

    /// Has the threads of a run do their partitions.
    fn together(
        &mut self,
        context: Context<'_, F>,
        run: Run<'_, F>,
        work: impl Fn(Worker<'_, F, L, W>) + Sync,
    ) {
        let partitions = self.states.len();
        let common = &self.common;
        let states: Vec<_> = self.states.iter_mut().map(Mutex::new).collect();
        let tables: Vec<_> = self.tables.iter_mut().map(Mutex::new).collect();
        let begin = Instant::now();
        with_team(if self.apart { partitions } else { 1 }, |member| {
            let own = member.partitions(partitions);
            let mut states: Vec<_> = states[own.clone()].iter().map(lock).collect();
            work(Worker {
                context,
                run,
                member,
                states: states.iter_mut().map(|state| &mut ***state).collect(),
                table: &mut lock(&tables[own.start]),
                common,
            });
        });
        self.spent += begin.elapsed();
    }

    /// The gradient, given that of the panel, [period, group, particle of the block]; `to_capacity`
    /// takes [particle, period, column] where it is wanted.
    pub(super) fn backward(
        &mut self,
        context: Context<'_, F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        panel: &[F],
        to_capacity: Option<&mut [F]>,
    ) {
        assert!(
            self.stride > 0,
            "a run without a gradient was asked for one"
        );
        let run = self.run(context.design, inputs, slot);
        if context.layout.routing() {
            return self.backward_by_bins(context, run, panel, to_capacity);
        }
        let to_capacity = to_capacity.map(Mutex::new);
        self.together(context, run, |mut worker| {
            worker.backward(panel, to_capacity.as_ref());
        });
        if context.apart {
            context.numbers.tuner[1].record(self.apart, self.spent);
        }
    }

    /// Puts the gradients of a block's particles into [particle, firm] arrays that begin at the
    /// block's first particle.
    pub(super) fn gradients(
        &self,
        layout: &Layout,
        firms: usize,
        target: &mut [F],
        rate: &mut [F],
    ) {
        for (state, partition) in self.states.iter().zip(&layout.partitions) {
            let found = (state.to_target.as_flattened(), state.to_rate.as_flattened());
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
