//! One thread's part in a run of a small network: its partitions, period by period and back.

use super::super::schedule::{self, Action};
use super::Float;
use super::block::{Context, Run, lock};
use super::board::{Accumulators, Board, Outbox, Side, make_outboxes, publish};
use super::exchange::Buffers;
use super::partition::Layout;
use super::pass::{Fixed, round};
use super::state::{self, PartitionState};
use super::team::Member;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Takes a period, from 0, and the output summed to groups, [group, particle of the block], rounded to the run's
/// format. The run ends early where it returns false.
pub(super) type Sink<'a> = dyn FnMut(usize, &[f64]) -> bool + Send + 'a;

/// What the threads of a run publish to each other.
pub(super) struct Common<F: Float> {
    outboxes: Vec<Outbox<F, 1>>,
    adjoint_outboxes: Vec<Outbox<F, 2>>,
    /// Output of each partition summed to groups: of all periods in a run that keeps them, else of two in turn.
    groups: Vec<Vec<<f64 as Float>::Atomic>>,
    /// The phase after which a run ends that ends early.
    end: AtomicUsize,
}

impl<F: Float> Default for Common<F> {
    fn default() -> Self {
        Self {
            outboxes: Vec::new(),
            adjoint_outboxes: Vec::new(),
            groups: Vec::new(),
            end: AtomicUsize::new(usize::MAX),
        }
    }
}

impl<F: Float> Common<F> {
    /// Whether the run has ended early.
    pub(super) fn has_ended(&self) -> bool {
        self.end.load(Ordering::Relaxed) < usize::MAX
    }

    /// Makes room for the partitions of a layout, with L numbers a row, and for `groups` sums of output.
    pub(super) fn start<const L: usize>(&mut self, layout: &Layout, groups: usize) {
        *self.end.get_mut() = usize::MAX;
        make_outboxes::<F, 1, L>(&mut self.outboxes, layout);
        make_outboxes::<F, 2, L>(&mut self.adjoint_outboxes, layout);
        let partitions = layout.partitions.len();
        self.groups.resize_with(partitions, Vec::new);
        if partitions > 1 {
            let all = self.groups.iter_mut();
            all.for_each(|v| v.resize_with(groups, Default::default));
        }
    }
}

/// What one thread has of the two directions.
#[derive(Default)]
pub(super) struct Boards<F, const L: usize> {
    forward: Board<F, L, 1>,
    back: Board<F, L, 2>,
    /// Output of a period summed to groups, [group, particle of the block], in 64 bits, as thousands of outputs are
    /// added to one sum.
    sums: Vec<f64>,
}

/// A partition's accumulators, forward and back.
#[derive(Default)]
pub(super) struct BothWays<F, const L: usize> {
    forward: Accumulators<F, L>,
    back: Accumulators<F, L>,
}

/// The part of a run that one thread does.
pub(super) struct Worker<'a, F: Float, const L: usize, const W: usize> {
    pub(super) context: Context<'a, F>,
    pub(super) run: Run<'a, F>,
    pub(super) member: Member<'a>,
    /// The states of the thread's partitions.
    pub(super) states: Vec<&'a mut PartitionState<F, L, W>>,
    forward: Side<'a, F, L, W, 1, 2>,
    back: Side<'a, F, L, W, 2, 4>,
    sums: &'a mut Vec<f64>,
    common: &'a Common<F>,
}

/// Work with the exchange of the k-th of a thread's partitions.
macro_rules! exchanged {
    ($side:expr, $k:expr, |$exchange:pat_param| $work:expr) => {
        if W == 1 && $side.prefetches() {
            let $exchange = $side.lanes::<true>($k);
            $work
        } else if W == 1 {
            let $exchange = $side.lanes::<false>($k);
            $work
        } else {
            let $exchange = $side.gather($k);
            $work
        }
    };
}

impl<'a, F: Float, const L: usize, const W: usize> Worker<'a, F, L, W> {
    pub(super) fn new(
        context: Context<'a, F>,
        run: Run<'a, F>,
        member: Member<'a>,
        partitions: (
            Vec<&'a mut PartitionState<F, L, W>>,
            Vec<&'a mut BothWays<F, L>>,
        ),
        boards: &'a mut Boards<F, L>,
        common: &'a Common<F>,
    ) -> Self {
        let (states, accumulators) = partitions;
        let (forward, back) = accumulators
            .into_iter()
            .map(|BothWays { forward, back }| (forward, back))
            .unzip();
        let layout = context.layout;
        let (board, outboxes) = (&mut boards.forward, &common.outboxes);
        let forward = Side::new(layout, &member, forward, board, outboxes);
        let (board, outboxes) = (&mut boards.back, &common.adjoint_outboxes);
        let back = Side::new(layout, &member, back, board, outboxes);
        Self {
            context,
            run,
            member,
            states,
            forward,
            back,
            sums: &mut boards.sums,
            common,
        }
    }

    /// The thread's partitions among all.
    fn own(&self) -> Range<usize> {
        self.forward.own.clone()
    }

    /// Whether other threads have partitions.
    fn split(&self) -> bool {
        self.own().len() < self.context.layout.partitions.len()
    }

    fn fixed(&self, p: usize) -> Fixed<'a, F> {
        let Context {
            design,
            layout,
            numbers,
            ..
        } = self.context;
        state::fixed(design, &layout.partitions[p], &numbers.partitions[p])
    }

    /// Simulates all periods. The first thread of the team has a `sink`.
    pub(super) fn forward(&mut self, mut sink: Option<&mut Sink<'_>>) {
        let Context {
            design,
            layout,
            numbers,
            ..
        } = self.context;
        let run = self.run;
        let own = self.own();
        let cells = design.groups * (L / W);
        // A run that keeps all periods does not end early. Its output goes to `sink` after the last period, as
        // reading the sums of other threads takes a while.
        let deferred = run.stride > 0 && self.split();
        let kept = |t: usize| if deferred { t - 1 } else { t & 1 };
        for (state, p) in self.states.iter_mut().zip(own.clone()) {
            state.start(design, &layout.partitions[p], &numbers.partitions[p], run);
        }
        self.forward.start();
        for action in schedule::forward(run.periods, run.stride) {
            match action {
                Action::Keep(c) => self.states.iter_mut().for_each(|s| s.keep(&run, c)),
                Action::Step(t) => {
                    self.step(t, kept(t) * cells);
                    if self.common.end.load(Ordering::Relaxed) <= t {
                        break;
                    }
                    if let Some(sink) = sink.as_mut().filter(|_| !deferred) {
                        let sums = self.sum_groups(cells, kept(t));
                        if !sink(run.steady_prefix + t - 1, sums) || design.is_stopped() {
                            // The other threads are in the next period and read this at its end.
                            self.common.end.store(t + 1, Ordering::Relaxed);
                            if !self.split() {
                                break;
                            }
                        }
                    }
                }
                Action::Restore(_) | Action::Again(_) | Action::Back(_) => {}
            }
        }
        if let Some(sink) = sink.filter(|_| deferred) {
            for t in 1..=run.periods {
                sink(run.steady_prefix + t - 1, self.sum_groups(cells, kept(t)));
            }
        }
    }

    /// Simulates period t. Output summed to groups goes to `groups` on where other threads read it.
    fn step(&mut self, t: usize, groups: usize) {
        let Context { design, layout, .. } = self.context;
        let (run, split) = (self.run, self.split());
        if t > 1 {
            self.forward.open(t, true);
        }
        for (k, p) in self.own().enumerate() {
            let (partition, fixed) = (&layout.partitions[p], self.fixed(p));
            let state = &mut *self.states[k];
            state.set_capacity(design, partition, &run, t);
            state.sums.fill(0.0);
            if let Some(received) = self.forward.received(k).filter(|_| t > 1) {
                state.receive(fixed, &run, t, &mut Buffers::of(received));
            }
            exchanged!(self.forward, k, |exchange| {
                state.link_pass::<false>(fixed, &run, t, exchange)
            });
        }
        // The links of a single partition have sent all orders by now.
        let takes = layout.partitions.len() == 1 && t < run.periods;
        for (k, p) in self.own().enumerate() {
            let (rows, fixed) = (0..layout.partitions[p].rows, self.fixed(p));
            let state = &mut *self.states[k];
            exchanged!(self.forward, k, |mut exchange| {
                state.firm_pass::<false>(fixed, &run, (t, takes), rows, &mut exchange)
            });
            if split {
                let to = &self.common.groups[p][groups..][..state.sums.len()];
                publish(state.sums.as_chunks::<1>().0.iter(), to);
            }
        }
        self.forward.close(t, true);
        self.member.barrier();
    }

    /// The gradient, given the gradient of the panel, [period, group, particle of the block]. The gradient in the
    /// capacity, [particle, period, column], goes to `to_capacity` where that is given.
    pub(super) fn backward(&mut self, panel: &[F], to_capacity: Option<&Mutex<&mut [F]>>) {
        let run = self.run;
        let cells = self.context.design.groups * (L / W);
        let (layout, own) = (self.context.layout, self.own());
        for (state, p) in self.states.iter_mut().zip(own) {
            state.start_adjoint(&layout.partitions[p]);
        }
        self.back.start();
        for action in schedule::backward(run.periods, run.stride) {
            match action {
                Action::Restore(c) => self.restore(c),
                Action::Again(t) => self.again(t),
                Action::Back(t) => {
                    let of = (run.steady_prefix + t - 1) * cells;
                    self.back(t, &panel[of..][..cells], to_capacity);
                }
                Action::Keep(_) | Action::Step(_) => {}
            }
        }
        self.states.iter_mut().for_each(|state| state.end_adjoint());
    }

    /// The adjoint of period t.
    fn back(&mut self, t: usize, from_panel: &[F], to_capacity: Option<&Mutex<&mut [F]>>) {
        let Context { design, layout, .. } = self.context;
        let run = self.run;
        if t < run.periods {
            self.back.open(t, true);
        }
        for (k, p) in self.own().enumerate() {
            let (partition, fixed) = (&layout.partitions[p], self.fixed(p));
            let state = &mut *self.states[k];
            let period = run.steady_prefix + t;
            state.set_capacity(design, partition, &run, t);
            if let Some(received) = self.back.received(k) {
                let desk = &mut Buffers::of(received);
                state.firm_adjoint(fixed, &run, t, from_panel, desk);
            } else {
                exchanged!(self.back, k, |mut exchange| {
                    state.firm_adjoint(fixed, &run, t, from_panel, &mut exchange)
                });
            }
            if let Some(out) = to_capacity {
                state.write_capacity_gradient(design, partition, period, &mut lock(out));
            }
            exchanged!(self.back, k, |exchange| {
                state.link_adjoint(fixed, &run, t, exchange)
            });
        }
        for (k, p) in self.own().enumerate() {
            let (rows, fixed) = (0..layout.partitions[p].rows, self.fixed(p));
            let state = &*self.states[k];
            exchanged!(self.back, k, |mut exchange| {
                state.publish(fixed, &run, t, rows, &mut exchange)
            });
        }
        self.back.close(t, true);
        self.member.barrier();
    }

    /// Reads the inventories of checkpoint c back, and publishes the offers of period c.
    fn restore(&mut self, c: usize) {
        let (run, layout) = (self.run, self.context.layout);
        let own = self.own();
        for (state, p) in self.states.iter_mut().zip(own) {
            state.restore(&run, c, layout.partitions[p].link.len() / W);
        }
        self.publish_offers(c);
    }

    /// Computes the inventories of period t-1 once more, and publishes the offers of t.
    fn again(&mut self, t: usize) {
        let run = self.run;
        self.forward.open(t, false);
        for (k, p) in self.own().enumerate() {
            let fixed = self.fixed(p);
            let state = &mut *self.states[k];
            exchanged!(self.forward, k, |exchange| {
                state.link_pass::<true>(fixed, &run, t, exchange)
            });
        }
        self.publish_offers(t);
    }

    fn publish_offers(&mut self, t: usize) {
        let run = self.run;
        for (k, p) in self.own().enumerate() {
            let rows = 0..self.context.layout.partitions[p].rows;
            let fixed = self.fixed(p);
            let state = &mut *self.states[k];
            exchanged!(self.forward, k, |mut exchange| {
                state.firm_pass::<true>(fixed, &run, (t, false), rows, &mut exchange)
            });
        }
        self.forward.close(t, false);
        self.member.barrier();
    }

    /// Output of all partitions summed to groups, partition by partition; if the run is split, as it was published
    /// in the `kept`-th place.
    fn sum_groups(&mut self, cells: usize, kept: usize) -> &[f64] {
        let split = self.split();
        if self.context.layout.partitions.len() == 1 {
            let sums = &mut self.states[0].sums;
            round::<F>(sums);
            return sums;
        }
        let sums = &mut *self.sums;
        sums.clear();
        sums.resize(cells, 0.0);
        if split {
            for groups in &self.common.groups {
                let of = groups[kept * cells..].iter().map(f64::from_atomic);
                sums.iter_mut().zip(of).for_each(|(sum, y)| *sum += y);
            }
        } else {
            self.states.iter().for_each(|state| state.add_groups(sums));
        }
        round::<F>(sums);
        sums
    }
}
