//! What the partitions of a small network exchange: accumulators, sums along a fixed tree, and what threads publish
//! to each other.
//!
//! A partition's links add to accumulators of its own, for the firms of all partitions. These sums are added along a
//! binary tree of partitions, which is the same for every number of threads: so are the results, bit for bit.

use super::Float;
use super::exchange::{CACHED_ACCUMULATORS, Gather, Hubs, Lanes, PLACES};
use super::partition::{Layout, Partition};
use super::rows::{Rows, lanes};
use super::simd::dispatch;
use super::team::Member;
use std::ops::Range;

/// Accumulators of the links of one partition.
#[derive(Default)]
pub(super) struct Accumulators<F, const L: usize> {
    rows: Rows<F, L>,
    hub_sums: Rows<F, L>,
}

impl<F: Float, const L: usize> Accumulators<F, L> {
    /// Accumulators of `each` rows where lanes are particles, else sums; all are 0.
    fn start<const W: usize>(&mut self, partition: &Partition, each: usize) {
        if W == 1 {
            let firms = partition.all_rows.next_power_of_two();
            self.rows.fill_with(each * firms, [F::ZERO; L]);
        } else {
            self.rows.resize(PLACES / L);
            self.rows[..partition.all_rows].fill([F::ZERO; L]);
        }
        let hubs = partition.hubs.len().div_ceil(W);
        self.hub_sums.fill_with(hubs, [F::ZERO; L]);
    }
}

/// A thread's copy of numbers of firms of all partitions.
pub(super) struct Board<F, const L: usize, const N: usize> {
    /// Where lanes are firms: what is published.
    tables: [Rows<F, L>; N],
    /// Where partitions are several: sums received by the firms of the thread's partitions.
    received: Rows<F, L>,
    /// Sums of branches of the tree that are not on one thread.
    branches: Vec<Rows<F, L>>,
}

impl<F, const L: usize, const N: usize> Default for Board<F, L, N> {
    fn default() -> Self {
        Self {
            tables: std::array::from_fn(|_| Rows::default()),
            received: Rows::default(),
            branches: Vec::new(),
        }
    }
}

/// What a partition publishes to other threads, in even and in odd periods. One thread writes an entry in a phase, and
/// the others read it in the next.
pub(super) struct Outbox<F: Float, const N: usize> {
    /// Numbers of the partition's firms.
    numbers: [[Vec<F::Atomic>; N]; 2],
    /// Sums of the branch of the tree that begins with the partition, for the firms of all partitions.
    sums: [Vec<F::Atomic>; 2],
}

impl<F: Float, const N: usize> Default for Outbox<F, N> {
    fn default() -> Self {
        Self {
            numbers: std::array::from_fn(|_| std::array::from_fn(|_| Vec::new())),
            sums: Default::default(),
        }
    }
}

/// Makes room for the partitions of a layout.
pub(super) fn make_outboxes<F: Float, const N: usize, const L: usize>(
    outboxes: &mut Vec<Outbox<F, N>>,
    layout: &Layout,
) {
    outboxes.resize_with(layout.partitions.len(), Outbox::default);
    if layout.partitions.len() == 1 {
        return;
    }
    for (outbox, partition) in outboxes.iter_mut().zip(&layout.partitions) {
        let own = outbox.numbers.as_flattened_mut().iter_mut();
        own.for_each(|v| v.resize_with(partition.rows * L, Default::default));
        let sums = outbox.sums.iter_mut();
        sums.for_each(|v| v.resize_with(layout.rows * L, Default::default));
    }
}

/// Writes numbers that other threads read.
pub(super) fn publish<'a, F: Float, const L: usize>(
    from: impl Iterator<Item = &'a [F; L]>,
    to: &[F::Atomic],
) {
    for (from, to) in from.zip(to.as_chunks::<L>().0) {
        for (from, to) in from.iter().zip(to) {
            from.to_atomic(to);
        }
    }
}

/// Reads numbers of another thread.
fn collect<'a, F: Float, const L: usize>(
    from: &[F::Atomic],
    to: impl Iterator<Item = &'a mut [F; L]>,
) {
    for (to, from) in to.zip(from.as_chunks::<L>().0) {
        *to = lanes(|l| F::from_atomic(&from[l]));
    }
}

/// Rows that are added to other rows, with a step between them.
struct AddRows<'a, F, const L: usize> {
    to: &'a mut [[F; L]],
    to_step: usize,
    from: &'a [[F; L]],
    from_step: usize,
}

impl<F: Float, const L: usize> pulp::WithSimd for AddRows<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let to = self.to.iter_mut().step_by(self.to_step);
        for (to, from) in to.zip(self.from.iter().step_by(self.from_step)) {
            *to = lanes(|l| to[l] + from[l]);
        }
    }
}

fn add_rows<F: Float, const L: usize>(to: (&mut [[F; L]], usize), from: (&[[F; L]], usize)) {
    dispatch::<F, L, _>(AddRows {
        to: to.0,
        to_step: to.1,
        from: from.0,
        from_step: from.1,
    });
}

/// One direction of a thread's exchange: N numbers that firms publish, and one that links send. Accumulators have M
/// rows where lanes are particles.
pub(super) struct Side<'a, F: Float, const L: usize, const W: usize, const N: usize, const M: usize>
{
    pub(super) layout: &'a Layout,
    /// The thread's partitions, and their accumulators.
    pub(super) own: Range<usize>,
    pub(super) accumulators: Vec<&'a mut Accumulators<F, L>>,
    pub(super) board: &'a mut Board<F, L, N>,
    pub(super) outboxes: &'a [Outbox<F, N>],
    /// Partitions of the largest branches that lie whole on one thread, by their first partition; else 0.
    branch: Vec<usize>,
}

impl<'a, F: Float, const L: usize, const W: usize, const N: usize, const M: usize>
    Side<'a, F, L, W, N, M>
{
    pub(super) fn new(
        layout: &'a Layout,
        member: &Member<'_>,
        accumulators: Vec<&'a mut Accumulators<F, L>>,
        board: &'a mut Board<F, L, N>,
        outboxes: &'a [Outbox<F, N>],
    ) -> Self {
        let all = layout.partitions.len();
        let mut branch = vec![0; all];
        for mut range in member.all_partitions(all) {
            while !range.is_empty() {
                let aligned = if range.start == 0 {
                    all
                } else {
                    1 << range.start.trailing_zeros()
                };
                let fits = 1 << range.len().ilog2();
                branch[range.start] = aligned.min(fits);
                range.start += aligned.min(fits);
            }
        }
        Self {
            layout,
            own: member.partitions(all),
            accumulators,
            board,
            outboxes,
            branch,
        }
    }

    /// Sets all numbers to 0.
    pub(super) fn start(&mut self) {
        let own = &self.layout.partitions[self.own.clone()];
        for (accumulators, partition) in self.accumulators.iter_mut().zip(own) {
            accumulators.start::<W>(partition, M);
        }
        let rows = self.layout.rows;
        if W > 1 {
            for table in &mut self.board.tables {
                table.resize(PLACES / L);
                table[..rows].fill([F::ZERO; L]);
            }
        }
        if self.is_several() {
            self.board.received.fill_with(rows, [F::ZERO; L]);
        }
    }

    fn is_several(&self) -> bool {
        self.layout.partitions.len() > 1
    }

    fn is_split(&self) -> bool {
        self.own.len() < self.layout.partitions.len()
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<F, L, W, N, M> {
        let (all, own) = (self.layout.partitions.len(), self.own.clone());
        (0..all).filter(move |p| !own.contains(p))
    }

    /// Where the sum of a row of firms is in an accumulator, and the step to the next.
    const SUM: (usize, usize) = if W == 1 { (N, M) } else { (0, 1) };

    /// The sums of some rows of firms among the rows of accumulators, and the step to the next.
    fn sums_of(rows: &[[F; L]], of: Range<usize>) -> (&[[F; L]], usize) {
        let (first, step) = Self::SUM;
        (&rows[of.start * step + first..of.end * step], step)
    }

    /// Begins a phase of period t: takes what was published in the phase before, and the sums received if links
    /// have sent any.
    pub(super) fn open(&mut self, t: usize, has_sums: bool) {
        if !self.is_several() {
            return;
        }
        for q in self.others() {
            let rows = self.layout.partitions[q].among_all();
            for n in 0..N {
                let from = &self.outboxes[q].numbers[t & 1][n];
                if W > 1 {
                    collect(from, self.board.tables[n][rows.clone()].iter_mut());
                    continue;
                }
                for own in &mut self.accumulators {
                    let to = &mut own.rows[rows.start * M + n..rows.end * M];
                    collect(from, to.iter_mut().step_by(M));
                }
            }
        }
        if !has_sums {
            return;
        }
        let mut branches = std::mem::take(&mut self.board.branches);
        let mut received = std::mem::take(&mut self.board.received);
        for p in self.own.clone() {
            let rows = self.layout.partitions[p].among_all();
            let to = &mut received[rows.clone()];
            let all = (0, self.layout.partitions.len());
            self.combine(all, t, rows, to, false, &mut branches);
        }
        self.board.received = received;
        self.board.branches = branches;
        let ((first, step), rows) = (Self::SUM, self.layout.rows);
        for own in &mut self.accumulators {
            let sums = own.rows[first..rows * step].iter_mut().step_by(step);
            sums.for_each(|sum| *sum = [F::ZERO; L]);
        }
    }

    /// Writes the sums of a branch, its first partition and their number, for some rows of firms to `to`, or adds
    /// them.
    fn combine(
        &self,
        (first, count): (usize, usize),
        t: usize,
        rows: Range<usize>,
        to: &mut [[F; L]],
        add: bool,
        branches: &mut Vec<Rows<F, L>>,
    ) {
        let half = count / 2;
        if self.branch[first] < count {
            let whole = |branches: &mut Vec<_>, to: &mut [[F; L]]| {
                let (low, high) = ((first, half), (first + half, half));
                self.combine(low, t, rows.clone(), to, false, branches);
                self.combine(high, t, rows.clone(), to, true, branches);
            };
            if !add {
                return whole(branches, to);
            }
            let mut sum = branches.pop().unwrap_or_default();
            sum.resize(rows.len());
            whole(branches, &mut sum);
            add_rows((to, 1), (&sum, 1));
            branches.push(sum);
        } else if self.own.contains(&first) {
            let own = &self.accumulators[first - self.own.start].rows;
            let own = Self::sums_of(own, rows);
            if add {
                return add_rows((to, 1), own);
            }
            let sums = own.0.iter().step_by(own.1);
            to.iter_mut().zip(sums).for_each(|(to, sum)| *to = *sum);
        } else {
            let sums = &self.outboxes[first].sums[t & 1][rows.start * L..rows.end * L];
            if !add {
                return collect(sums, to.iter_mut());
            }
            for (to, sum) in to.iter_mut().zip(sums.as_chunks::<L>().0) {
                *to = lanes(|l| to[l] + F::from_atomic(&sum[l]));
            }
        }
    }

    /// Ends a phase of period t: publishes the numbers of own firms, and the sums that links have sent if they have.
    pub(super) fn close(&mut self, t: usize, has_sums: bool) {
        let all = self.layout.partitions.len();
        if has_sums && self.is_several() {
            // Branches of two partitions, of four, and so on, as far as they lie on this thread.
            let mut half = 1;
            while half < all {
                for first in self.own.clone().filter(|p| p % (2 * half) == 0) {
                    if first + 2 * half <= self.own.end {
                        let at = first - self.own.start;
                        let (low, high) = self.accumulators.split_at_mut(at + half);
                        let rows = 0..self.layout.rows;
                        let (skip, step) = Self::SUM;
                        let to = &mut low[at].rows[skip..rows.end * step];
                        add_rows((to, step), Self::sums_of(&high[0].rows, rows));
                    }
                }
                half *= 2;
            }
        }
        // Read in the next phase, in which this thread may already write what is read in the one after.
        let next = 1 - (t & 1);
        for (k, p) in self.own.clone().enumerate() {
            let rows = self.layout.partitions[p].among_all();
            let own = rows.start * M..rows.end * M;
            if W == 1 {
                self.copy_numbers(k, own.clone());
            }
            if !self.is_split() {
                continue;
            }
            for n in 0..N {
                let to = &self.outboxes[p].numbers[next][n];
                if W == 1 {
                    let from = &self.accumulators[k].rows[own.clone()];
                    publish(from[n..].iter().step_by(M), to);
                } else {
                    publish(self.board.tables[n][rows.clone()].iter(), to);
                }
            }
            if !has_sums || self.branch[p] == 0 {
                continue;
            }
            for q in self.others() {
                let rows = self.layout.partitions[q].among_all();
                let to = &self.outboxes[p].sums[next][rows.start * L..rows.end * L];
                let (sums, step) = Self::sums_of(&self.accumulators[k].rows, rows);
                publish(sums.iter().step_by(step), to);
            }
        }
    }

    /// Copies the numbers of the firms of the thread's k-th partition to the accumulators of its other partitions.
    fn copy_numbers(&mut self, k: usize, own: Range<usize>) {
        let (before, rest) = self.accumulators.split_at_mut(k);
        let (of_k, after) = rest.split_at_mut(1);
        let from = of_k[0].rows[own.clone()].as_chunks::<M>().0;
        for other in before.iter_mut().chain(after) {
            let to = other.rows[own.clone()].as_chunks_mut::<M>().0;
            for (to, from) in to.iter_mut().zip(from) {
                to[..N].copy_from_slice(&from[..N]);
            }
        }
    }

    /// Whether accumulators are prefetched.
    pub(super) fn prefetches(&self) -> bool {
        self.layout.rows > CACHED_ACCUMULATORS
    }

    /// What the firms of the k-th of the thread's partitions have received, where partitions are several.
    pub(super) fn received(&self, k: usize) -> Option<&[[F; L]]> {
        let own = &self.layout.partitions[self.own.start + k];
        self.is_several()
            .then(|| &self.board.received[own.among_all()])
    }

    /// The exchange of the k-th of the thread's partitions where lanes are particles.
    pub(super) fn lanes<const P: bool>(&mut self, k: usize) -> Lanes<'_, F, L, N, M, P> {
        let partition = &self.layout.partitions[self.own.start + k];
        let Accumulators { rows, hub_sums } = &mut *self.accumulators[k];
        let hubs = Hubs::new(&partition.hubs, hub_sums);
        Lanes::new(rows, partition.first, &partition.place, hubs)
    }

    /// The same where lanes are firms.
    pub(super) fn gather(&mut self, k: usize) -> Gather<'_, F, L, N> {
        let partition = &self.layout.partitions[self.own.start + k];
        let Accumulators { rows, hub_sums } = &mut *self.accumulators[k];
        let hubs = Hubs::new(&partition.hubs, hub_sums);
        let tables = self.board.tables.each_mut().map(|table| &mut **table);
        Gather::new(tables, rows, partition.first, &partition.supplier, hubs)
    }
}
