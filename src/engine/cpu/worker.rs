//! One thread's partitions of a network, period by period and back, and what threads publish each other: orders, and the
//! offers of them that are delivered.

use super::super::plan::Layout;
use super::Float;
use super::block::{Context, Run, lock};
use super::firms::{Add, Back, Sums, round};
use super::links::{PLACES, spread};
use super::rows::Rows;
use super::simd::dispatch;
use super::state::{PartitionState, links_of};
use super::team::Member;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Is own_rows a period, from 0, and its output summed to groups, [group, particle of the block], numbers of the run's
/// format; the run ends early where it says false.
pub(super) type Sink<'a> = dyn FnMut(usize, &[f64]) -> bool + Send + 'a;

/// What a thread knows of the firms of all partitions: sink `Worker::place`.
#[derive(Default)]
pub(super) struct Table<F, const L: usize> {
    /// Offer of its orders that each firm delivers this period.
    pub(super) offer: Rows<F, L>,
    /// Adjoint of demand.
    pub(super) demand_adjoint: Rows<F, L>,
    /// Output of a period summed to groups, [group, particle of the block], in 64 bits: thousands of outputs
    /// are added to one sum.
    pub(super) sums: Vec<f64>,
}

impl<F: Float, const L: usize> Table<F, L> {
    /// Rows of what links read of suppliers: where lanes are firms they read it straight from there.
    pub(super) fn rows<const W: usize>(layout: &Layout) -> usize {
        if W == 1 { layout.rows } else { PLACES / L }
    }
}

/// What the threads of a run publish each other. One writes in a phase, and the others read in the next.
#[derive(Default)]
pub(super) struct Common<F: Float> {
    /// Of each partition.
    outboxes: Vec<Outbox<F>>,
    /// Whether the run ends early.
    halt: AtomicBool,
}

/// What a partition tells the others.
#[derive(Default)]
struct Outbox<F: Float> {
    /// Numbers of its firms: the offers they deliver, and on the way back the adjoints of demand.
    offer: Vec<F::Atomic>,
    demand_adjoint: Vec<F::Atomic>,
    /// What its links add to the firms of all partitions.
    sums: Vec<F::Atomic>,
    /// Its output summed to groups, of all periods in a run that keeps them.
    groups: Vec<<f64 as Float>::Atomic>,
}

impl<F: Float> Common<F> {
    /// Whether the run has ended early.
    pub(super) fn halted(&self) -> bool {
        self.halt.load(Ordering::Relaxed)
    }

    /// Makes room for the partitions of a layout, of L numbers a row, and for so many sums of groups.
    pub(super) fn start<const L: usize>(&mut self, layout: &Layout, groups: usize) {
        *self.halt.get_mut() = false;
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

/// Writes numbers where other threads read them.
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

/// One thread's offer of a run.
pub(super) struct Worker<'a, F: Float, const L: usize, const W: usize> {
    pub(super) context: Context<'a, F>,
    pub(super) run: Run<'a, F>,
    pub(super) member: Member<'a>,
    /// The state of its partitions.
    pub(super) states: Vec<&'a mut PartitionState<F, L, W>>,
    pub(super) table: &'a mut Table<F, L>,
    pub(super) common: &'a Common<F>,
}

impl<F: Float, const L: usize, const W: usize> Worker<'_, F, L, W> {
    /// Its partitions among all.
    fn own(&self) -> Range<usize> {
        self.member.partitions(self.context.layout.partitions.len())
    }

    /// Whether other threads have partitions.
    fn apart(&self) -> bool {
        self.own().len() < self.context.layout.partitions.len()
    }

    /// The partitions of other threads.
    fn others(&self) -> impl Iterator<Item = usize> + use<F, L, W> {
        let (all, own) = (self.context.layout.partitions.len(), self.own());
        (0..all).filter(move |p| !own.contains(p))
    }

    /// Simulates all periods; the first of the threads sees them.
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
        let apart = self.apart();
        // A run that keeps all does not end early, and is seen once it is over: reading what others write takes a
        // while.
        let late = keep && apart;
        let kept = |t: usize| if late { t - 1 } else { 0 };
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
                self.publish_sums(PartitionState::ordered);
                self.member.barrier();
                if self.common.halted() {
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
                self.reset(p, Some(k));
                let state = &self.states[k];
                if apart {
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
            if let Some(sink) = sink.as_mut().filter(|_| !late) {
                let seen = self.sum_groups(cells, kept(t), apart);
                let asked = design.stop.as_ref();
                let asked = asked.is_some_and(|stop| stop.load(Ordering::Relaxed));
                if !sink(steady_prefix + t - 1, seen) || asked {
                    // Other threads are own_rows when they with_team next.
                    self.common.halt.store(true, Ordering::Relaxed);
                    if !apart {
                        break;
                    }
                }
            }
            if keep && !self.run.whole() && (t - 1) % stride == 0 {
                for (state, p) in self.states.iter_mut().zip(own.clone()) {
                    state.save(layout.partitions[p].link.len() / W, t - 1, stride);
                }
            }
        }
        if let Some(sink) = sink.filter(|_| late) {
            for t in 1..=periods {
                sink(
                    steady_prefix + t - 1,
                    self.sum_groups(cells, kept(t), apart),
                );
            }
        }
    }

    /// Inventories and orders of a period, with `at` and `stock` as `PartitionState::link_pass` wants them.
    fn link_pass(&mut self, at: (usize, usize, usize), stock: [usize; 3]) {
        let Context {
            layout, numbers, ..
        } = self.context;
        self.collect_offers();
        for q in self.others() {
            self.reset(q, None);
        }
        let own = self.own();
        for (state, p) in self.states.iter_mut().zip(own) {
            let links = links_of(&layout.partitions[p], &numbers.partitions[p]);
            state.link_pass(links, at, stock, &self.table.offer, None);
        }
    }

    /// The gradient, given that of the panel, [period, group, particle of the block]; `to_capacity` takes [particle,
    /// period, column] where it is wanted.
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
        let (own, apart) = (self.own(), self.apart());
        self.table.offer.resize(Table::<F, L>::rows::<W>(layout));
        self.table
            .demand_adjoint
            .resize(Table::<F, L>::rows::<W>(layout));
        for (state, p) in self.states.iter_mut().zip(own.clone()) {
            state.start_back(&layout.partitions[p]);
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
                    self.reset_back(q, None);
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
                self.publish_sums(PartitionState::offer_adjoints);
                self.member.barrier();
            }
            for (k, p) in own.clone().enumerate() {
                let (partition, fixed) = (&layout.partitions[p], &numbers.partitions[p]);
                let state = &mut *self.states[k];
                state.set_capacity(design, partition, inputs, slot, steady_prefix + t);
                let back = Back {
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
                self.reset_back(p, Some(k));
                let state = &mut *self.states[k];
                if let Some(out) = to_capacity {
                    let mut out = lock(out);
                    state.put_capacity(design, partition, steady_prefix + t, &mut out);
                }
                if apart {
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
            state.end_back(&layout.partitions[p], &numbers.partitions[p]);
        }
    }

    /// Simulates the inventories from checkpoint `c` to period `last` recompute, into the segment.
    fn recompute(&mut self, c: usize, last: usize) {
        let (layout, own) = (self.context.layout, self.own());
        for (state, p) in self.states.iter_mut().zip(own) {
            state.resume(layout.partitions[p].link.len() / W, c, self.run.stride);
        }
        for t in c + 1..=last {
            self.set_offers(t);
            let at = (t - 1, t - 1, t.max(2) - 2);
            self.link_pass(at, [t - c, t - c - 1, t - c + 1]);
            self.member.barrier();
        }
        // The pass back expects the offers of the period after.
        if last + 1 < self.run.periods {
            self.set_offers(last + 2);
        }
    }

    /// Offers of orders delivered in `t`, from the outputs and demands that were kept; opens accumulators with them.
    fn set_offers(&mut self, t: usize) {
        let layout = self.context.layout;
        let (own, apart) = (self.own(), self.apart());
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
            self.reset(p, None);
            if apart {
                let offer = &self.table.offer[partition.among_all()];
                publish(offer, &self.common.outboxes[p].offer);
            }
        }
        self.member.barrier();
    }

    /// Offers of orders that the firms of other threads deliver.
    fn collect_offers(&mut self) {
        for q in self.others() {
            let partition = &self.context.layout.partitions[q];
            let offer = &mut self.table.offer[partition.first..][..partition.rows];
            collect(&self.common.outboxes[q].offer, offer);
        }
    }

    /// Whether the network is in several partitions.
    fn several(&self) -> bool {
        self.context.layout.partitions.len() > 1
    }

    /// Where the rows of a partition stand in the table; nowhere where all links read them in the partition's own accumulators.
    fn own_rows(&self, p: usize) -> Range<usize> {
        if W == 1 && !self.several() {
            0..0
        } else {
            self.context.layout.partitions[p].among_all()
        }
    }

    /// Opens the accumulators of partition `p` to the links of the own partitions but the `k`-th.
    fn reset(&mut self, p: usize, k: Option<usize>) {
        let rows = self.context.layout.partitions[p].among_all();
        let offer = &self.table.offer[rows.clone()];
        let states = self.states.iter_mut().enumerate();
        for (_, state) in states.filter(|(own, _)| Some(*own) != k) {
            state.reset(rows.start, offer);
        }
    }

    /// The same on the way back.
    fn reset_back(&mut self, p: usize, k: Option<usize>) {
        let rows = self.context.layout.partitions[p].among_all();
        let demand_adjoint = &self.table.demand_adjoint[rows.clone()];
        let offer = &self.table.offer[rows.clone()];
        let states = self.states.iter_mut().enumerate();
        for (_, state) in states.filter(|(own, _)| Some(*own) != k) {
            state.reset_back(rows.start, demand_adjoint, offer);
        }
    }

    /// Tells other threads what the own links add to their firms.
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

    /// Demand of the own partition `k` from outside and from the other partitions, in slot `at`.
    fn receive_orders(&mut self, k: usize, at: usize) {
        let p = self.own().start + k;
        let rows = self.context.layout.partitions[p].rows;
        let mut demand = std::mem::take(&mut self.states[k].demand);
        let to = &mut demand[at * rows..][..rows];
        let outside = &self.context.numbers.partitions[p].outside;
        for (i, to) in to.iter_mut().enumerate() {
            *to = spread::<F, L, W>(outside, i);
        }
        self.receive(p, to, PartitionState::ordered);
        self.states[k].demand = demand;
    }

    /// What the links of other partitions add to the adjoints of the offers that the own partition `k` delivers.
    fn receive_offer_adjoints(&mut self, k: usize) {
        let p = self.own().start + k;
        let mut offer_adjoint = std::mem::take(&mut self.states[k].offer_adjoint);
        offer_adjoint.fill_with(self.context.layout.partitions[p].rows, [F::ZERO; L]);
        self.receive(p, &mut offer_adjoint, PartitionState::offer_adjoints);
        self.states[k].offer_adjoint = offer_adjoint;
    }

    /// Adds what the links of the other partitions, in turn, have for the firms of partition `p` to what is there.
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

    /// Output summed to groups, of all partitions in turn: of the period that is the `kept`-th that they have own_rows, if they
    /// are `apart`.
    fn sum_groups(&mut self, cells: usize, kept: usize, apart: bool) -> &[f64] {
        if let [_] = self.common.outboxes[..] {
            let sums = &mut self.states[0].sums;
            round::<F>(sums);
            return sums;
        }
        let sums = &mut self.table.sums;
        sums.clear();
        sums.resize(cells, 0.0);
        if apart {
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
