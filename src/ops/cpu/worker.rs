//! One thread's parts of a network, period by period and back, and what threads tell each other: orders, and the
//! shares of them that are delivered.

use super::super::plan::Layout;
use super::Number;
use super::block::{Ground, Run, lock};
use super::nodes::{Add, Back, Sums, round};
use super::rows::Rows;
use super::shard::{Shard, links_of};
use super::sweep::{PLACES, spread};
use super::team::Member;
use super::vector::dispatch;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Is told a period, from 0, and its output summed to groups, [group, particle of the block], numbers of the run's
/// format; the run ends early where it says false.
pub(super) type See<'a> = dyn FnMut(usize, &[f64]) -> bool + Send + 'a;

/// What a thread knows of the nodes of all parts: see `Worker::place`.
#[derive(Default)]
pub(super) struct Table<F, const L: usize> {
    /// Share of its orders that each node delivers this period.
    pub(super) share: Rows<F, L>,
    /// Adjoint of demand.
    pub(super) pull: Rows<F, L>,
    /// Output of a period summed to groups, [group, particle of the block], in 64 bits: thousands of outputs
    /// are added to one sum.
    pub(super) sums: Vec<f64>,
}

impl<F: Number, const L: usize> Table<F, L> {
    /// Rows of what links read of suppliers: where lanes are nodes they read it straight from there.
    pub(super) fn rows<const W: usize>(layout: &Layout) -> usize {
        if W == 1 { layout.rows } else { PLACES / L }
    }
}

/// What the threads of a run tell each other. One writes in a phase, and the others read in the next.
#[derive(Default)]
pub(super) struct Common<F: Number> {
    /// Of each part.
    posts: Vec<Post<F>>,
    /// Whether the run ends early.
    halt: AtomicBool,
}

/// What a part tells the others.
#[derive(Default)]
struct Post<F: Number> {
    /// Numbers of its nodes: the shares they deliver, and on the way back the adjoints of demand.
    share: Vec<F::Shared>,
    pull: Vec<F::Shared>,
    /// What its links add to the nodes of all parts.
    sums: Vec<F::Shared>,
    /// Its output summed to groups, of all periods in a run that keeps them.
    groups: Vec<<f64 as Number>::Shared>,
}

impl<F: Number> Common<F> {
    /// Whether the run has ended early.
    pub(super) fn halted(&self) -> bool {
        self.halt.load(Ordering::Relaxed)
    }

    /// Makes room for the parts of a layout, of L numbers a row, and for so many sums of groups.
    pub(super) fn start<const L: usize>(&mut self, layout: &Layout, groups: usize) {
        *self.halt.get_mut() = false;
        self.posts.resize_with(layout.parts.len(), Post::default);
        if layout.parts.len() == 1 {
            return;
        }
        for (post, part) in self.posts.iter_mut().zip(&layout.parts) {
            post.share.resize_with(part.rows * L, Default::default);
            post.pull.resize_with(part.rows * L, Default::default);
            post.sums.resize_with(layout.rows * L, Default::default);
            post.groups.resize_with(groups, Default::default);
        }
    }
}

/// Writes numbers where other threads read them.
fn tell<F: Number, const L: usize>(from: &[[F; L]], to: &[F::Shared]) {
    for (from, to) in from.as_flattened().iter().zip(to) {
        from.share(to);
    }
}

/// Reads numbers of another thread.
fn hear<F: Number, const L: usize>(from: &[F::Shared], to: &mut [[F; L]]) {
    for (to, from) in to.as_flattened_mut().iter_mut().zip(from) {
        *to = F::shared(from);
    }
}

/// One thread's share of a run.
pub(super) struct Worker<'a, F: Number, const L: usize, const W: usize> {
    pub(super) ground: Ground<'a, F>,
    pub(super) run: Run<'a, F>,
    pub(super) member: Member<'a>,
    /// The state of its parts.
    pub(super) shards: Vec<&'a mut Shard<F, L, W>>,
    pub(super) table: &'a mut Table<F, L>,
    pub(super) common: &'a Common<F>,
}

impl<F: Number, const L: usize, const W: usize> Worker<'_, F, L, W> {
    /// Its parts among all.
    fn own(&self) -> Range<usize> {
        self.member.parts(self.ground.layout.parts.len())
    }

    /// Whether other threads have parts.
    fn apart(&self) -> bool {
        self.own().len() < self.ground.layout.parts.len()
    }

    /// The parts of other threads.
    fn others(&self) -> impl Iterator<Item = usize> + use<F, L, W> {
        let (all, own) = (self.ground.layout.parts.len(), self.own());
        (0..all).filter(move |p| !own.contains(p))
    }

    /// Simulates all periods; the first of the threads sees them.
    pub(super) fn forward(&mut self, mut see: Option<&mut See<'_>>) {
        let Ground {
            design,
            layout,
            numbers,
            ..
        } = self.ground;
        let Run {
            inputs,
            slot,
            quiet,
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
        self.table.share.resize(Table::<F, L>::rows::<W>(layout));
        for (shard, p) in self.shards.iter_mut().zip(own.clone()) {
            shard.start(design, &layout.parts[p], &numbers.parts[p], self.run);
        }
        for t in 1..=periods {
            if t > 1 {
                let (at, stock) = self.run.links_at(t - 1);
                self.advance(at, stock);
                self.tell_sums(Shard::ordered);
                self.member.wait();
                if self.common.halted() {
                    break;
                }
            }
            let at = self.run.nodes_at(t);
            for (k, p) in own.clone().enumerate() {
                let (part, fixed) = (&layout.parts[p], &numbers.parts[p]);
                self.shards[k].set_capacity(design, part, inputs, slot, quiet + t);
                if self.several() && t > 1 {
                    self.receive_orders(k, at.0);
                }
                let told = self.told(p);
                let share = &mut self.table.share[told];
                let shard = &mut self.shards[k];
                shard.trade((design, part), fixed, at, t == 1, share);
                self.open(p, Some(k));
                let shard = &self.shards[k];
                if apart {
                    let post = &self.common.posts[p];
                    tell(&self.table.share[part.first..][..part.rows], &post.share);
                    let groups = &post.groups[kept(t) * cells..][..cells];
                    tell(shard.sums.as_chunks::<1>().0, groups);
                }
            }
            self.member.wait();
            if let Some(see) = see.as_mut().filter(|_| !late) {
                let seen = self.sum_groups(cells, kept(t), apart);
                let asked = design.stop.as_ref();
                let asked = asked.is_some_and(|stop| stop.load(Ordering::Relaxed));
                if !see(quiet + t - 1, seen) || asked {
                    // Other threads are told when they meet next.
                    self.common.halt.store(true, Ordering::Relaxed);
                    if !apart {
                        break;
                    }
                }
            }
            if keep && !self.run.whole() && (t - 1) % stride == 0 {
                for (shard, p) in self.shards.iter_mut().zip(own.clone()) {
                    shard.save(layout.parts[p].link.len() / W, t - 1, stride);
                }
            }
        }
        if let Some(see) = see.filter(|_| late) {
            for t in 1..=periods {
                see(quiet + t - 1, self.sum_groups(cells, kept(t), apart));
            }
        }
    }

    /// Inventories and orders of a period, with `at` and `stock` as `Shard::advance` wants them.
    fn advance(&mut self, at: (usize, usize, usize), stock: [usize; 3]) {
        let Ground {
            layout, numbers, ..
        } = self.ground;
        self.hear_shares();
        for q in self.others() {
            self.open(q, None);
        }
        let own = self.own();
        for (shard, p) in self.shards.iter_mut().zip(own) {
            let links = links_of(&layout.parts[p], &numbers.parts[p]);
            shard.advance(links, at, stock, &self.table.share, None);
        }
    }

    /// The gradient, given that of the panel, [period, group, particle of the block]; `to_capacity` takes [particle,
    /// period, column] where it is wanted.
    pub(super) fn backward(&mut self, panel: &[F], to_capacity: Option<&Mutex<&mut [F]>>) {
        let Ground {
            design,
            layout,
            numbers,
            ..
        } = self.ground;
        let Run {
            inputs,
            slot,
            quiet,
            periods,
            stride,
        } = self.run;
        let cells = design.groups * (L / W);
        let (own, apart) = (self.own(), self.apart());
        self.table.share.resize(Table::<F, L>::rows::<W>(layout));
        self.table.pull.resize(Table::<F, L>::rows::<W>(layout));
        for (shard, p) in self.shards.iter_mut().zip(own.clone()) {
            shard.start_back(&layout.parts[p]);
        }
        for t in (1..=periods).rev() {
            // The segment of checkpoint c holds the inventories of c-1 to c+stride-1.
            let c = (t - 1) / stride * stride;
            if stride < periods && (t == periods || t.is_multiple_of(stride)) {
                self.again(c, t - 1);
            }
            let at = |period: usize| period + 1 - c;
            if t < periods {
                self.hear_shares();
                for q in self.others() {
                    let part = &layout.parts[q];
                    let pull = &mut self.table.pull[part.first..][..part.rows];
                    hear(&self.common.posts[q].pull, pull);
                    self.open_back(q, None);
                }
                let Table { share, pull, .. } = &*self.table;
                for (shard, p) in self.shards.iter_mut().zip(own.clone()) {
                    let links = links_of(&layout.parts[p], &numbers.parts[p]);
                    shard.retreat(links, t, at(t - 1), (share, pull), None);
                }
                self.tell_sums(Shard::owing);
                self.member.wait();
            }
            for (k, p) in own.clone().enumerate() {
                let (part, fixed) = (&layout.parts[p], &numbers.parts[p]);
                let shard = &mut *self.shards[k];
                shard.set_capacity(design, part, inputs, slot, quiet + t);
                let back = Back {
                    part,
                    numbers: fixed,
                    scales_inputs: design.scales_inputs,
                    from_panel: &panel[(quiet + t - 1) * cells..][..cells],
                    t,
                    stock_at: at(t - 1),
                };
                if self.several() && t < periods {
                    self.receive_owed(k);
                }
                let told = self.told(p);
                let Table { pull, share, .. } = &mut *self.table;
                let (pull, share) = (&mut pull[told.clone()], &mut share[told]);
                let shard = &mut *self.shards[k];
                shard.trade_back(back, t < periods, (pull, share));
                self.open_back(p, Some(k));
                let shard = &mut *self.shards[k];
                if let Some(out) = to_capacity {
                    let mut out = lock(out);
                    shard.put_capacity(design, part, quiet + t, &mut out);
                }
                if apart {
                    let post = &self.common.posts[p];
                    tell(&self.table.pull[part.first..][..part.rows], &post.pull);
                    tell(&self.table.share[part.first..][..part.rows], &post.share);
                }
            }
            self.member.wait();
        }
        for (shard, p) in self.shards.iter_mut().zip(own) {
            shard.end_back(&layout.parts[p], &numbers.parts[p]);
        }
    }

    /// Simulates the inventories from checkpoint `c` to period `last` again, into the segment.
    fn again(&mut self, c: usize, last: usize) {
        let (layout, own) = (self.ground.layout, self.own());
        for (shard, p) in self.shards.iter_mut().zip(own) {
            shard.take_up(layout.parts[p].link.len() / W, c, self.run.stride);
        }
        for t in c + 1..=last {
            self.set_shares(t);
            let at = (t - 1, t - 1, t.max(2) - 2);
            self.advance(at, [t - c, t - c - 1, t - c + 1]);
            self.member.wait();
        }
        // The pass back expects the shares of the period after.
        if last + 1 < self.run.periods {
            self.set_shares(last + 2);
        }
    }

    /// Shares of orders delivered in `t`, from the outputs and demands that were kept; opens stalls with them.
    fn set_shares(&mut self, t: usize) {
        let layout = self.ground.layout;
        let (own, apart) = (self.own(), self.apart());
        for (k, p) in own.enumerate() {
            let part = &layout.parts[p];
            self.shards[k].shares(t, 0..part.rows, &mut self.table.share[part.among_all()]);
            self.open(p, None);
            if apart {
                let share = &self.table.share[part.among_all()];
                tell(share, &self.common.posts[p].share);
            }
        }
        self.member.wait();
    }

    /// Shares of orders that the nodes of other threads deliver.
    fn hear_shares(&mut self) {
        for q in self.others() {
            let part = &self.ground.layout.parts[q];
            let share = &mut self.table.share[part.first..][..part.rows];
            hear(&self.common.posts[q].share, share);
        }
    }

    /// Whether the network is in several parts.
    fn several(&self) -> bool {
        self.ground.layout.parts.len() > 1
    }

    /// Where the rows of a part stand in the table; nowhere where all links read them in the part's own stalls.
    fn told(&self, p: usize) -> Range<usize> {
        if W == 1 && !self.several() {
            0..0
        } else {
            self.ground.layout.parts[p].among_all()
        }
    }

    /// Opens the stalls of part `p` to the links of the own parts but the `k`-th.
    fn open(&mut self, p: usize, k: Option<usize>) {
        let rows = self.ground.layout.parts[p].among_all();
        let share = &self.table.share[rows.clone()];
        let shards = self.shards.iter_mut().enumerate();
        for (_, shard) in shards.filter(|(own, _)| Some(*own) != k) {
            shard.open(rows.start, share);
        }
    }

    /// The same on the way back.
    fn open_back(&mut self, p: usize, k: Option<usize>) {
        let rows = self.ground.layout.parts[p].among_all();
        let pull = &self.table.pull[rows.clone()];
        let share = &self.table.share[rows.clone()];
        let shards = self.shards.iter_mut().enumerate();
        for (_, shard) in shards.filter(|(own, _)| Some(*own) != k) {
            shard.open_back(rows.start, pull, share);
        }
    }

    /// Tells other threads what the own links add to their nodes.
    fn tell_sums(&mut self, sums: fn(&Shard<F, L, W>, usize) -> Sums<'_, F, L>) {
        for q in self.others() {
            let part = &self.ground.layout.parts[q];
            for (shard, p) in self.shards.iter().zip(self.own()) {
                let to = &self.common.posts[p].sums[part.first * L..][..part.rows * L];
                if let Sums::Own(rows, step) = sums(shard, part.first) {
                    for (row, to) in rows.iter().step_by(step).zip(to.chunks_exact(L)) {
                        tell(std::slice::from_ref(row), to);
                    }
                }
            }
        }
    }

    /// Demand of the own part `k` from outside and from the other parts, in slot `at`.
    fn receive_orders(&mut self, k: usize, at: usize) {
        let p = self.own().start + k;
        let rows = self.ground.layout.parts[p].rows;
        let mut demand = std::mem::take(&mut self.shards[k].demand);
        let to = &mut demand[at * rows..][..rows];
        let outside = &self.ground.numbers.parts[p].outside;
        for (i, to) in to.iter_mut().enumerate() {
            *to = spread::<F, L, W>(outside, i);
        }
        self.receive(p, to, Shard::ordered);
        self.shards[k].demand = demand;
    }

    /// What the links of other parts add to the adjoints of the shares that the own part `k` delivers.
    fn receive_owed(&mut self, k: usize) {
        let p = self.own().start + k;
        let mut owed = std::mem::take(&mut self.shards[k].owed);
        owed.fill_with(self.ground.layout.parts[p].rows, [F::ZERO; L]);
        self.receive(p, &mut owed, Shard::owing);
        self.shards[k].owed = owed;
    }

    /// Adds what the links of the other parts, in turn, have for the nodes of part `p` to what is there.
    fn receive(
        &self,
        p: usize,
        to: &mut [[F; L]],
        sums: fn(&Shard<F, L, W>, usize) -> Sums<'_, F, L>,
    ) {
        let (own, first) = (self.own(), self.ground.layout.parts[p].first);
        let posts = self.common.posts.iter().enumerate();
        for (q, post) in posts.filter(|(q, _)| *q != p) {
            let sums = if own.contains(&q) {
                sums(self.shards[q - own.start], first)
            } else {
                Sums::Told(&post.sums[first * L..])
            };
            dispatch::<F, L, _>(Add::<F, L> { to: &mut *to, sums });
        }
    }

    /// Output summed to groups, of all parts in turn: of the period that is the `kept`-th that they have told, if they
    /// are `apart`.
    fn sum_groups(&mut self, cells: usize, kept: usize, apart: bool) -> &[f64] {
        if let [_] = self.common.posts[..] {
            let sums = &mut self.shards[0].sums;
            round::<F>(sums);
            return sums;
        }
        let sums = &mut self.table.sums;
        sums.clear();
        sums.resize(cells, 0.0);
        if apart {
            for post in &self.common.posts {
                let of = post.groups[kept * cells..].iter().map(f64::shared);
                sums.iter_mut().zip(of).for_each(|(sum, y)| *sum += y);
            }
        } else {
            for shard in &self.shards {
                let of = sums.iter_mut().zip(&shard.sums);
                of.for_each(|(sum, y)| *sum += *y);
            }
        }
        round::<F>(sums);
        sums
    }
}
