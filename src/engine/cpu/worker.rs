//! One thread's passes over its partitions, period by period and back, and what threads publish to each other:
//! offers, and sums of orders.

use super::super::plan::Layout;
use super::Float;
use super::block::{Context, Run, lock};
use super::firms::{Add, AdjointPeriod, Sums, round};
use super::links::{PLACES, spread};
use super::rows::Rows;
use super::simd::dispatch;
use super::state::{PartitionState, links_of};
use super::team::Member;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Takes a period, from 0, and the output summed to groups, [group, particle of the block], rounded to the run's
/// format. The run ends early where it returns false.
pub(super) type Sink<'a> = dyn FnMut(usize, &[f64]) -> bool + Send + 'a;

/// A thread's copy of numbers of the firms of all partitions: see `Worker::own_rows`.
#[derive(Default)]
pub(super) struct Table<F, const L: usize> {
    /// Offers of this period.
    pub(super) offer: Rows<F, L>,
    /// Adjoint of demand.
    pub(super) demand_adjoint: Rows<F, L>,
    /// Output of a period summed to groups, [group, particle of the block], in 64 bits, as thousands of outputs are
    /// added to one sum.
    pub(super) sums: Vec<f64>,
}

impl<F: Float, const L: usize> Table<F, L> {
    /// Number of rows: all rows of firms or, where lanes are firms and links read the table itself, its `PLACES`.
    pub(super) fn rows<const W: usize>(layout: &Layout) -> usize {
        if W == 1 { layout.rows } else { PLACES / L }
    }
}

/// What the threads of a run publish to each other. One thread writes an entry in a phase, and the others read it
/// in the next.
#[derive(Default)]
pub(super) struct Common<F: Float> {
    /// The outbox of each partition.
    outboxes: Vec<Outbox<F>>,
    /// Whether the run ends early.
    ended: AtomicBool,
}

/// What a partition publishes.
#[derive(Default)]
struct Outbox<F: Float> {
    /// Offers of the partition's firms and, in the adjoint pass, adjoints of their demand.
    offer: Vec<F::Atomic>,
    demand_adjoint: Vec<F::Atomic>,
    /// Sums that the partition's links add to the firms of all partitions.
    sums: Vec<F::Atomic>,
    /// Output of the partition summed to groups; of all periods in a run that keeps them.
    groups: Vec<<f64 as Float>::Atomic>,
}

impl<F: Float> Common<F> {
    /// Whether the run has ended early.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Makes room for the partitions of a layout, with L numbers a row, and for `groups` sums of output.
    pub(super) fn start<const L: usize>(&mut self, layout: &Layout, groups: usize) {
        *self.ended.get_mut() = false;
        self.outboxes
            .resize_with(layout.partitions.len(), Outbox::default);
        if layout.partitions.len() == 1 {
            return;
        }
        for (outbox, partition) in self.outboxes.iter_mut().zip(&layout.partitions) {
            outbox
                .offer
                .resize_with(partition.rows * L, Default::default);
            outbox
                .demand_adjoint
                .resize_with(partition.rows * L, Default::default);
            outbox.sums.resize_with(layout.rows * L, Default::default);
            outbox.groups.resize_with(groups, Default::default);
        }
    }
}

/// Writes numbers that other threads read.
fn publish<F: Float, const L: usize>(from: &[[F; L]], to: &[F::Atomic]) {
    for (from, to) in from.as_flattened().iter().zip(to) {
        from.to_atomic(to);
    }
}

/// Reads numbers of another thread.
fn collect<F: Float, const L: usize>(from: &[F::Atomic], to: &mut [[F; L]]) {
    for (to, from) in to.as_flattened_mut().iter_mut().zip(from) {
        *to = F::from_atomic(from);
    }
}

/// The part of a run that one thread does.
pub(super) struct Worker<'a, F: Float, const L: usize, const W: usize> {
    pub(super) context: Context<'a, F>,
    pub(super) run: Run<'a, F>,
    pub(super) member: Member<'a>,
    /// The states of the thread's partitions.
    pub(super) states: Vec<&'a mut PartitionState<F, L, W>>,
    pub(super) table: &'a mut Table<F, L>,
    pub(super) common: &'a Common<F>,
}

impl<F: Float, const L: usize, const W: usize> Worker<'_, F, L, W> {
    /// The thread's partitions among all.
    fn own(&self) -> Range<usize> {
        self.member.partitions(self.context.layout.partitions.len())
    }

    /// Whether other threads have partitions.
    fn split(&self) -> bool {
        self.own().len() < self.context.layout.partitions.len()
    }

    /// The partitions of other threads.
    fn others(&self) -> impl Iterator<Item = usize> + use<F, L, W> {
        let (all, own) = (self.context.layout.partitions.len(), self.own());
        (0..all).filter(move |p| !own.contains(p))
    }

    /// Simulates all periods. The first thread of the team has a `sink`.
    pub(super) fn forward(&mut self, mut sink: Option<&mut Sink<'_>>) {
        let Context {
            design,
            layout,
            numbers,
            ..
        } = self.context;
        let Run {
            inputs,
            slot,
            steady_prefix,
            periods,
            stride,
        } = self.run;
        let keep = stride > 0;
        let cells = design.groups * (L / W);
        let own = self.own();
        let split = self.split();
        // A run that keeps all periods does not end early. Its output goes to `sink` after the last period, as
        // reading the outboxes of other threads takes a while.
        let deferred = keep && split;
        let kept = |t: usize| if deferred { t - 1 } else { 0 };
        self.table.offer.resize(Table::<F, L>::rows::<W>(layout));
        for (state, p) in self.states.iter_mut().zip(own.clone()) {
            state.start(
                design,
                &layout.partitions[p],
                &numbers.partitions[p],
                self.run,
            );
        }
        for t in 1..=periods {
            if t > 1 {
                let (at, stock) = self.run.links_at(t - 1);
                self.link_pass(at, stock);
                self.publish_sums(PartitionState::order_sums);
                self.member.barrier();
                if self.common.has_ended() {
                    break;
                }
            }
            let at = self.run.firms_at(t);
            for (k, p) in own.clone().enumerate() {
                let (partition, fixed) = (&layout.partitions[p], &numbers.partitions[p]);
                self.states[k].set_capacity(design, partition, inputs, slot, steady_prefix + t);
                if self.several() && t > 1 {
                    self.receive_orders(k, at.0);
                }
                let own_rows = self.own_rows(p);
                let offer = &mut self.table.offer[own_rows];
                let state = &mut self.states[k];
                state.firm_pass((design, partition), fixed, at, t == 1, offer);
                self.open_accumulators(p, Some(k));
                let state = &self.states[k];
                if split {
                    let outbox = &self.common.outboxes[p];
                    publish(
                        &self.table.offer[partition.first..][..partition.rows],
                        &outbox.offer,
                    );
                    let groups = &outbox.groups[kept(t) * cells..][..cells];
                    publish(state.sums.as_chunks::<1>().0, groups);
                }
            }
            self.member.barrier();
            if let Some(sink) = sink.as_mut().filter(|_| !deferred) {
                let sums = self.sum_groups(cells, kept(t), split);
                let stopped = design.stop.as_ref();
                let stopped = stopped.is_some_and(|stop| stop.load(Ordering::Relaxed));
                if !sink(steady_prefix + t - 1, sums) || stopped {
                    // The other threads read this after their next barrier.
                    self.common.ended.store(true, Ordering::Relaxed);
                    if !split {
                        break;
                    }
                }
            }
            if keep && !self.run.keeps_all() && (t - 1) % stride == 0 {
                for (state, p) in self.states.iter_mut().zip(own.clone()) {
                    state.save_checkpoint(layout.partitions[p].link.len() / W, t - 1, stride);
                }
            }
        }
        if let Some(sink) = sink.filter(|_| deferred) {
            for t in 1..=periods {
                sink(
                    steady_prefix + t - 1,
                    self.sum_groups(cells, kept(t), split),
                );
            }
        }
    }

    /// The link pass of a period, with `at` and `stock` as in `PartitionState::link_pass`.
    fn link_pass(&mut self, at: (usize, usize, usize), stock: [usize; 3]) {
        let Context {
            layout, numbers, ..
        } = self.context;
        self.collect_offers();
        for q in self.others() {
            self.open_accumulators(q, None);
        }
        let own = self.own();
        for (state, p) in self.states.iter_mut().zip(own) {
            let links = links_of(&layout.partitions[p], &numbers.partitions[p]);
            state.link_pass(links, at, stock, &self.table.offer, None);
        }
    }

    /// The gradient, given the gradient of the panel, [period, group, particle of the block]. The gradient in the
    /// capacity, [particle, period, column], goes to `to_capacity` where that is given.
    pub(super) fn backward(&mut self, panel: &[F], to_capacity: Option<&Mutex<&mut [F]>>) {
        let Context {
            design,
            layout,
            numbers,
            ..
        } = self.context;
        let Run {
            inputs,
            slot,
            steady_prefix,
            periods,
            stride,
        } = self.run;
        let cells = design.groups * (L / W);
        let (own, split) = (self.own(), self.split());
        self.table.offer.resize(Table::<F, L>::rows::<W>(layout));
        self.table
            .demand_adjoint
            .resize(Table::<F, L>::rows::<W>(layout));
        for (state, p) in self.states.iter_mut().zip(own.clone()) {
            state.start_adjoint(&layout.partitions[p]);
        }
        for t in (1..=periods).rev() {
            // The segment of checkpoint c holds the inventories of c-1 to c+stride-1.
            let c = (t - 1) / stride * stride;
            if stride < periods && (t == periods || t.is_multiple_of(stride)) {
                self.recompute(c, t - 1);
            }
            let at = |period: usize| period + 1 - c;
            if t < periods {
                self.collect_offers();
                for q in self.others() {
                    let partition = &layout.partitions[q];
                    let demand_adjoint =
                        &mut self.table.demand_adjoint[partition.first..][..partition.rows];
                    collect(&self.common.outboxes[q].demand_adjoint, demand_adjoint);
                    self.open_adjoint_accumulators(q, None);
                }
                let Table {
                    offer,
                    demand_adjoint,
                    ..
                } = &*self.table;
                for (state, p) in self.states.iter_mut().zip(own.clone()) {
                    let links = links_of(&layout.partitions[p], &numbers.partitions[p]);
                    state.link_adjoint(links, t, at(t - 1), (offer, demand_adjoint), None);
                }
                self.publish_sums(PartitionState::offer_adjoint_sums);
                self.member.barrier();
            }
            for (k, p) in own.clone().enumerate() {
                let (partition, fixed) = (&layout.partitions[p], &numbers.partitions[p]);
                let state = &mut *self.states[k];
                state.set_capacity(design, partition, inputs, slot, steady_prefix + t);
                let back = AdjointPeriod {
                    partition,
                    numbers: fixed,
                    model: design.model,
                    from_panel: &panel[(steady_prefix + t - 1) * cells..][..cells],
                    t,
                    stock_at: at(t - 1),
                };
                if self.several() && t < periods {
                    self.receive_offer_adjoints(k);
                }
                let own_rows = self.own_rows(p);
                let Table {
                    demand_adjoint,
                    offer,
                    ..
                } = &mut *self.table;
                let (demand_adjoint, offer) =
                    (&mut demand_adjoint[own_rows.clone()], &mut offer[own_rows]);
                let state = &mut *self.states[k];
                state.firm_adjoint(back, t < periods, (demand_adjoint, offer));
                self.open_adjoint_accumulators(p, Some(k));
                let state = &mut *self.states[k];
                if let Some(out) = to_capacity {
                    let mut out = lock(out);
                    state.write_capacity_gradient(design, partition, steady_prefix + t, &mut out);
                }
                if split {
                    let outbox = &self.common.outboxes[p];
                    publish(
                        &self.table.demand_adjoint[partition.first..][..partition.rows],
                        &outbox.demand_adjoint,
                    );
                    publish(
                        &self.table.offer[partition.first..][..partition.rows],
                        &outbox.offer,
                    );
                }
            }
            self.member.barrier();
        }
        for (state, p) in self.states.iter_mut().zip(own) {
            state.end_adjoint(&layout.partitions[p], &numbers.partitions[p]);
        }
    }

    /// Recomputes the inventories from checkpoint `c` to period `last` into the segment.
    fn recompute(&mut self, c: usize, last: usize) {
        let (layout, own) = (self.context.layout, self.own());
        for (state, p) in self.states.iter_mut().zip(own) {
            state.load_checkpoint(layout.partitions[p].link.len() / W, c, self.run.stride);
        }
        for t in c + 1..=last {
            self.set_offers(t);
            let at = (t - 1, t - 1, t.max(2) - 2);
            self.link_pass(at, [t - c, t - c - 1, t - c + 1]);
            self.member.barrier();
        }
        // The adjoint pass next reads the offers of period `last` + 2.
        if last + 1 < self.run.periods {
            self.set_offers(last + 2);
        }
    }

    /// Computes the offers of period `t` from the outputs and demands that were kept, and opens accumulators with
    /// them.
    fn set_offers(&mut self, t: usize) {
        let layout = self.context.layout;
        let (own, split) = (self.own(), self.split());
        for (k, p) in own.enumerate() {
            let partition = &layout.partitions[p];
            let of = (
                self.context.design.model.rationing,
                &self.context.numbers.partitions[p],
            );
            self.states[k].offers(
                of,
                t,
                0..partition.rows,
                &mut self.table.offer[partition.among_all()],
            );
            self.open_accumulators(p, None);
            if split {
                let offer = &self.table.offer[partition.among_all()];
                publish(offer, &self.common.outboxes[p].offer);
            }
        }
        self.member.barrier();
    }

    /// Reads the offers of the firms of other threads.
    fn collect_offers(&mut self) {
        for q in self.others() {
            let partition = &self.context.layout.partitions[q];
            let offer = &mut self.table.offer[partition.first..][..partition.rows];
            collect(&self.common.outboxes[q].offer, offer);
        }
    }

    /// Whether the network has several partitions.
    fn several(&self) -> bool {
        self.context.layout.partitions.len() > 1
    }

    /// Rows of a partition in the table. None where all links read the offer in the accumulators of the only
    /// partition.
    fn own_rows(&self, p: usize) -> Range<usize> {
        if W == 1 && !self.several() {
            0..0
        } else {
            self.context.layout.partitions[p].among_all()
        }
    }

    /// Opens the accumulators of the firms of partition `p`, in the states of this thread's partitions but the
    /// `k`-th.
    fn open_accumulators(&mut self, p: usize, k: Option<usize>) {
        let rows = self.context.layout.partitions[p].among_all();
        let offer = &self.table.offer[rows.clone()];
        let states = self.states.iter_mut().enumerate();
        for (_, state) in states.filter(|(own, _)| Some(*own) != k) {
            state.open_accumulators(rows.start, offer);
        }
    }

    /// The same for the adjoint pass.
    fn open_adjoint_accumulators(&mut self, p: usize, k: Option<usize>) {
        let rows = self.context.layout.partitions[p].among_all();
        let demand_adjoint = &self.table.demand_adjoint[rows.clone()];
        let offer = &self.table.offer[rows.clone()];
        let states = self.states.iter_mut().enumerate();
        for (_, state) in states.filter(|(own, _)| Some(*own) != k) {
            state.open_adjoint_accumulators(rows.start, demand_adjoint, offer);
        }
    }

    /// Publishes the sums that the thread's links add to firms of other threads.
    fn publish_sums(&mut self, sums: fn(&PartitionState<F, L, W>, usize) -> Sums<'_, F, L>) {
        for q in self.others() {
            let partition = &self.context.layout.partitions[q];
            for (state, p) in self.states.iter().zip(self.own()) {
                let to = &self.common.outboxes[p].sums[partition.first * L..][..partition.rows * L];
                if let Sums::Own(rows, step) = sums(state, partition.first) {
                    for (row, to) in rows.iter().step_by(step).zip(to.chunks_exact(L)) {
                        publish(std::slice::from_ref(row), to);
                    }
                }
            }
        }
    }

    /// Adds up the demand of the thread's `k`-th partition in slot `at`: final demand, and the orders from other
    /// partitions.
    fn receive_orders(&mut self, k: usize, at: usize) {
        let p = self.own().start + k;
        let rows = self.context.layout.partitions[p].rows;
        let mut demand = std::mem::take(&mut self.states[k].demand);
        let to = &mut demand[at * rows..][..rows];
        let outside = &self.context.numbers.partitions[p].outside;
        for (i, to) in to.iter_mut().enumerate() {
            *to = spread::<F, L, W>(outside, i);
        }
        self.receive(p, to, PartitionState::order_sums);
        self.states[k].demand = demand;
    }

    /// Adds up what the links of other partitions add to the adjoints of the offers of the thread's `k`-th
    /// partition.
    fn receive_offer_adjoints(&mut self, k: usize) {
        let p = self.own().start + k;
        let mut offer_adjoint = std::mem::take(&mut self.states[k].offer_adjoint);
        offer_adjoint.fill_with(self.context.layout.partitions[p].rows, [F::ZERO; L]);
        self.receive(p, &mut offer_adjoint, PartitionState::offer_adjoint_sums);
        self.states[k].offer_adjoint = offer_adjoint;
    }

    /// Adds the sums of the links of all other partitions for the firms of partition `p` to `to`, partition by
    /// partition.
    fn receive(
        &self,
        p: usize,
        to: &mut [[F; L]],
        sums: fn(&PartitionState<F, L, W>, usize) -> Sums<'_, F, L>,
    ) {
        let (own, first) = (self.own(), self.context.layout.partitions[p].first);
        let outboxes = self.common.outboxes.iter().enumerate();
        for (q, outbox) in outboxes.filter(|(q, _)| *q != p) {
            let sums = if own.contains(&q) {
                sums(self.states[q - own.start], first)
            } else {
                Sums::Published(&outbox.sums[first * L..])
            };
            dispatch::<F, L, _>(Add::<F, L> { to: &mut *to, sums });
        }
    }

    /// Output of all partitions summed to groups, partition by partition. If the run is `split`, it is that of the
    /// `kept`-th period in the outboxes.
    fn sum_groups(&mut self, cells: usize, kept: usize, split: bool) -> &[f64] {
        if let [_] = self.common.outboxes[..] {
            let sums = &mut self.states[0].sums;
            round::<F>(sums);
            return sums;
        }
        let sums = &mut self.table.sums;
        sums.clear();
        sums.resize(cells, 0.0);
        if split {
            for outbox in &self.common.outboxes {
                let of = outbox.groups[kept * cells..].iter().map(f64::from_atomic);
                sums.iter_mut().zip(of).for_each(|(sum, y)| *sum += y);
            }
        } else {
            for state in &self.states {
                let of = sums.iter_mut().zip(&state.sums);
                of.for_each(|(sum, y)| *sum += *y);
            }
        }
        round::<F>(sums);
        sums
    }
}
