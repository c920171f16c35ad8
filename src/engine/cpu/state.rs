//! The state of one partition of the network, and its part in the passes of a period.

use super::super::plan::{Design, PADDING};
use super::Float;
use super::adjoint::{FirmAdjoint, Found, LinkAdjoint, Publish};
use super::block::Run;
use super::exchange::{Desk, Exchange};
use super::forward::{FirmPass, LinkPass, Receive};
use super::partition::{PREFETCH_DISTANCE, Partition, PartitionNumbers};
use super::pass::{Capacity, Firms, Fixed};
use super::rows::{Rows, lanes, spread};
use super::simd::dispatch;
use prefetch_index::prefetch_index;
use std::ops::Range;

/// The state of one partition's firms and links.
#[derive(Default)]
pub(super) struct PartitionState<F, const L: usize, const W: usize> {
    target: Rows<F, L>,
    rate: Rows<F, L>,
    /// Remaining capacity as a share of full capacity. If it is the same for all particles and lanes are particles,
    /// it is one number a firm, not one a lane.
    capacity: Rows<F, L>,
    shared: bool,
    /// Demand, period after period; three periods in turn where nothing is kept.
    demand: Rows<F, L>,
    /// Output, period after period; two periods in turn where nothing is kept.
    output: Rows<F, L>,
    /// Inventories of the periods at hand, in units of the buyer's output.
    stock: Rows<F, L>,
    lowest: Rows<F, L>,
    /// The inventories of two consecutive periods at each checkpoint.
    saved: Rows<F, L>,
    /// Adjoints of the inventories of two periods: of the even one, then of the odd one.
    stock_adjoint: Rows<F, L>,
    stock_adjoint_sum: Rows<F, L>,
    to_demand: Rows<F, L>,
    to_lowest: Rows<F, L>,
    to_rate: Rows<F, L>,
    to_target: Rows<F, L>,
    /// Gradient in the capacity of the current period.
    to_capacity: Rows<F, L>,
    /// Output of a period summed to groups, [group, particle of the block].
    pub(super) sums: Vec<f64>,
}

/// The particles of a block among all. A block that is not full is filled up with copies of its last particle.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) first: usize,
    pub(super) last: usize,
}

impl Slot {
    /// The particle of a lane where lanes are particles; else the block's only particle.
    #[inline(always)]
    pub(super) fn particle<const W: usize>(self, lane: usize) -> usize {
        if W == 1 {
            (self.first + lane).min(self.last - 1)
        } else {
            self.first
        }
    }
}

/// The fixed data of a partition.
pub(super) fn fixed<'a, F>(
    design: &Design,
    partition: &'a Partition,
    numbers: &'a PartitionNumbers<F>,
) -> Fixed<'a, F> {
    Fixed {
        row: &partition.row,
        coefficient: &numbers.coefficient,
        full: &numbers.full,
        outside: &numbers.outside,
        unfed: &numbers.unfed,
        group: &partition.group,
        first_member: &partition.first_member,
        model: design.model,
    }
}

/// Views of `n` entries each of three slots: two that are read and one that is written. The second is None where it
/// is the slot that is written.
type Slabs<'a, T> = (&'a [T], Option<&'a [T]>, &'a mut [T]);

fn slabs<T>(v: &mut [T], n: usize, [s1, s2, out]: [usize; 3]) -> Slabs<'_, T> {
    if s1 > out {
        let (first, second) = v.split_at_mut(s1 * n);
        return (&second[..n], None, &mut first[out * n..][..n]);
    }
    let (past, now) = v.split_at_mut(out * n);
    let separate = (s2 != out).then(|| &past[s2 * n..][..n]);
    (&past[s1 * n..][..n], separate, &mut now[..n])
}

/// Views of `n` entries: those that begin at `read`, and those at `write`.
fn pair<T>(v: &mut [T], n: usize, read: usize, write: usize) -> (&[T], &mut [T]) {
    if read < write {
        let (first, second) = v.split_at_mut(write);
        (&first[read..][..n], &mut second[..n])
    } else {
        let (first, second) = v.split_at_mut(read);
        (&second[..n], &mut first[write..][..n])
    }
}

impl<F: Float, const L: usize, const W: usize> PartitionState<F, L, W> {
    /// Sets the steady state, with the inputs of a block's particles in lanes.
    pub(super) fn start(
        &mut self,
        design: &Design,
        partition: &Partition,
        numbers: &PartitionNumbers<F>,
        run: Run<'_, F>,
    ) {
        let (n, e) = (partition.rows, partition.link.len() / W);
        let Run { inputs, slot, .. } = run;
        let firms = inputs.target.len() / inputs.particles;
        let first: [usize; L] = lanes(|l| slot.particle::<W>(l) * firms);
        let take = |v: &[F], i: usize, empty: F| -> [F; L] {
            if W == 1 {
                // Rows of one firm have no padding.
                let firm = partition.firm[i] as usize;
                return lanes(|l| v[first[l].wrapping_add(firm)]);
            }
            let here = &partition.firm[i * W..][..W];
            lanes(|l| match here[l] {
                PADDING => empty,
                firm => v[first[0].wrapping_add(firm as usize)],
            })
        };
        self.target.set(n, |i| take(inputs.target, i, F::ZERO));
        self.rate.set(n, |i| take(inputs.rate, i, F::ONE));
        self.shared = W == 1 && inputs.shared(design);
        let capacities = if self.shared { n.div_ceil(L) } else { n };
        self.capacity.fill_with(capacities, [F::ONE; L]);
        self.demand.resize(run.demands() * n);
        // Demand of the three periods before the first.
        for k in 0..3 {
            for (i, d) in self.demand[k * n..][..n].iter_mut().enumerate() {
                *d = spread::<F, L, W>(&numbers.steady, i);
            }
        }
        // The first inventories are what is there before the first period, of which nothing is used.
        self.output.resize(run.outputs() * n);
        self.output[..n].fill([F::ZERO; L]);
        self.stock.resize(run.stocks() * e);
        self.lowest.resize(n);
        if run.stride > 0 && !run.keeps_all() {
            let pairs = run.periods.div_ceil(run.stride);
            self.saved.resize(pairs * 2 * e);
        }
        self.sums.clear();
        self.sums.resize(design.groups * (L / W), 0.0);
        for i in 0..n {
            let target = self.target[i];
            for r in partition.row[i] as usize..partition.row[i + 1] as usize {
                let stock: [F; L] = if W == 1 {
                    target
                } else {
                    let here = &partition.link[r * W..][..W];
                    lanes(|l| {
                        if here[l] == PADDING {
                            F::PADDING
                        } else {
                            target[l]
                        }
                    })
                };
                (self.stock[r], self.stock[e + r]) = (stock, stock);
            }
        }
    }

    /// Sets all adjoints to 0.
    pub(super) fn start_adjoint(&mut self, partition: &Partition) {
        let (n, e) = (partition.rows, partition.link.len() / W);
        self.stock_adjoint.fill_with(2 * e, [F::ZERO; L]);
        for v in [
            &mut self.lowest,
            &mut self.stock_adjoint_sum,
            &mut self.to_demand,
            &mut self.to_lowest,
            &mut self.to_rate,
            &mut self.to_target,
            &mut self.to_capacity,
        ] {
            v.fill_with(n, [F::ZERO; L]);
        }
    }

    /// Adds the adjoints of the first inventories to the adjoints of the targets: the first inventories are the
    /// targets.
    pub(super) fn end_adjoint(&mut self) {
        for (target, first) in self.to_target.iter_mut().zip(&*self.stock_adjoint_sum) {
            *target = lanes(|l| target[l] + first[l]);
        }
    }

    /// Reads the remaining capacity of period t of a run, of the firms whose capacity varies.
    pub(super) fn set_capacity(
        &mut self,
        design: &Design,
        partition: &Partition,
        run: &Run<'_, F>,
        t: usize,
    ) {
        let Run { inputs, slot, .. } = *run;
        let columns = design.column.len();
        let of_particle = design.periods * columns;
        let shared = inputs.shared(design);
        let first = (run.steady_prefix + t - 1) * columns;
        let of: [usize; L] = lanes(|l| {
            let particle = if shared { 0 } else { slot.particle::<W>(l) };
            particle * of_particle + first
        });
        for (k, (i, c)) in partition.columns.iter().enumerate() {
            // Columns are in the order of the network's firms, not of the partition's: hence the prefetch.
            if let Some((_, upcoming)) = partition.columns.get(k + 2 * PREFETCH_DISTANCE) {
                prefetch_index(inputs.capacity, first.wrapping_add(*upcoming as usize));
            }
            let (i, c) = (*i as usize, *c as usize);
            if W == 1 && !self.shared {
                self.capacity[i] = lanes(|l| inputs.capacity[of[l].wrapping_add(c)]);
            } else {
                self.capacity.as_flattened_mut()[i] = inputs.capacity[of[0].wrapping_add(c)];
            }
        }
    }

    /// Demand of t-1, from what firms have received.
    pub(super) fn receive(
        &mut self,
        fixed: Fixed<'_, F>,
        run: &Run<'_, F>,
        t: usize,
        desk: &mut impl Desk<F, L, 1>,
    ) {
        let n = self.target.len();
        dispatch::<F, L, _>(Receive::<F, _, L, W> {
            fixed,
            demand: &mut self.demand[run.demand(t + 1) * n..][..n],
            desk,
        });
    }

    /// The link pass of period t.
    pub(super) fn link_pass<const REPLAY: bool>(
        &mut self,
        fixed: Fixed<'_, F>,
        run: &Run<'_, F>,
        t: usize,
        exchange: impl Exchange<F, L, 1>,
    ) {
        let (n, e) = (self.target.len(), fixed.coefficient.len() / W);
        let (last, before, stock) = slabs(&mut self.stock, e, run.stock(t, REPLAY));
        dispatch::<F, L, _>(LinkPass::<F, _, L, W, REPLAY> {
            fixed,
            firms: Firms {
                target: &self.target,
                rate: &self.rate,
            },
            demand_before: &self.demand[run.demand(t - 1) * n..][..n],
            demand: &self.demand[run.demand(t + 1) * n..][..n],
            used: &self.output[run.output(t - 1) * n..][..n],
            before,
            last,
            stock,
            lowest: &mut self.lowest,
            exchange,
        });
    }

    /// The firm pass of period t over some rows of firms, and the demand of t if it `takes` what they have received.
    pub(super) fn firm_pass<const REPLAY: bool>(
        &mut self,
        fixed: Fixed<'_, F>,
        run: &Run<'_, F>,
        (t, takes): (usize, bool),
        rows: Range<usize>,
        desk: &mut impl Desk<F, L, 1>,
    ) {
        let n = self.target.len();
        let (now, next) = (run.demand(t + 1) * n, run.demand(t + 2) * n);
        let (demand, next) = if takes {
            let (demand, next) = pair(&mut self.demand, n, now, next);
            (&demand[rows.clone()], Some(&mut next[rows.clone()]))
        } else {
            (&self.demand[now..][rows.clone()], None)
        };
        dispatch::<F, L, _>(FirmPass::<F, _, L, W, REPLAY> {
            fixed: fixed.from(rows.start * W),
            capacity: capacity(&self.capacity, self.shared).from(rows.start),
            demand,
            lowest: &self.lowest[rows.clone()],
            output: &mut self.output[run.output(t) * n..][rows],
            next,
            desk,
            sums: &mut self.sums,
        });
    }

    /// The adjoints of the firm pass and of the link pass of period t; `desk` has what firms have received.
    pub(super) fn firm_adjoint(
        &mut self,
        fixed: Fixed<'_, F>,
        run: &Run<'_, F>,
        t: usize,
        from_panel: &[F],
        desk: &mut impl Desk<F, L, 2>,
    ) {
        let (n, e) = (self.target.len(), fixed.coefficient.len() / W);
        let [_, _, stock] = run.stock(t, true);
        dispatch::<F, L, _>(FirmAdjoint::<F, _, L, W> {
            fixed,
            capacity: capacity(&self.capacity, self.shared),
            demand: &self.demand[run.demand(t + 1) * n..][..n],
            output: &self.output[run.output(t) * n..][..n],
            stock: &self.stock[stock * e..][..e],
            stock_adjoint_sum: &self.stock_adjoint_sum,
            from_panel,
            to_capacity: &mut self.to_capacity,
            found: Found {
                to_demand: &mut self.to_demand,
                lowest: &mut self.lowest,
                to_lowest: &mut self.to_lowest,
            },
            desk,
        });
    }

    pub(super) fn link_adjoint(
        &mut self,
        fixed: Fixed<'_, F>,
        run: &Run<'_, F>,
        t: usize,
        exchange: impl Exchange<F, L, 2>,
    ) {
        let (n, e) = (self.target.len(), fixed.coefficient.len() / W);
        let (even, odd) = self.stock_adjoint.split_at_mut(e);
        let (now, out) = if t & 1 == 0 {
            (&*even, odd)
        } else {
            (&*odd, even)
        };
        let [_, before, stock] = run.stock(t, true);
        dispatch::<F, L, _>(LinkAdjoint::<F, _, L, W> {
            fixed,
            firms: Firms {
                target: &self.target,
                rate: &self.rate,
            },
            demand_before: &self.demand[run.demand(t - 1) * n..][..n],
            demand: &self.demand[run.demand(t + 1) * n..][..n],
            before: &self.stock[before * e..][..e],
            stock: &self.stock[stock * e..][..e],
            now,
            out,
            stock_adjoint_sum: &mut self.stock_adjoint_sum,
            to_rate: &mut self.to_rate,
            to_target: &mut self.to_target,
            found: Found {
                to_demand: &mut self.to_demand,
                lowest: &mut self.lowest,
                to_lowest: &mut self.to_lowest,
            },
            exchange,
        });
    }

    /// Publishes what the adjoint of period t has found, of some rows of firms.
    pub(super) fn publish(
        &self,
        fixed: Fixed<'_, F>,
        run: &Run<'_, F>,
        t: usize,
        rows: Range<usize>,
        desk: &mut impl Desk<F, L, 2>,
    ) {
        let n = self.target.len();
        dispatch::<F, L, _>(Publish::<F, _, L, W> {
            fixed: fixed.from(rows.start * W),
            demand: &self.demand[run.demand(t + 1) * n..][rows.clone()],
            output: &self.output[run.output(t) * n..][rows.clone()],
            to_demand: &self.to_demand[rows],
            desk,
        });
    }

    /// Keeps the inventories of c-2 and c-1 as checkpoint c.
    pub(super) fn keep(&mut self, run: &Run<'_, F>, c: usize) {
        let e = self.stock.len() / run.stocks();
        let (even, odd) = self.stock.split_at(e);
        let (before, last) = if c & 1 == 0 {
            (even, &odd[..e])
        } else {
            (&odd[..e], even)
        };
        let pair = &mut self.saved[c / run.stride * 2 * e..][..2 * e];
        pair[..e].copy_from_slice(before);
        pair[e..].copy_from_slice(last);
    }

    /// Copies the inventories of checkpoint c to the start of the segment, which ends at the next checkpoint.
    pub(super) fn restore(&mut self, run: &Run<'_, F>, c: usize, links: usize) {
        self.stock.resize((run.stride + 2) * links);
        let pair = &self.saved[c / run.stride * 2 * links..][..2 * links];
        self.stock[..2 * links].copy_from_slice(pair);
    }

    /// Writes the gradient in the capacity of period `t`, from 1, into [particle, period, column].
    pub(super) fn write_capacity_gradient(
        &self,
        design: &Design,
        partition: &Partition,
        t: usize,
        out: &mut [F],
    ) {
        let columns = design.column.len();
        let found = self.to_capacity.as_flattened();
        let particles = L / W;
        for (i, c) in &partition.columns {
            let found = &found[*i as usize * particles..][..particles];
            for (p, g) in found.iter().enumerate() {
                let at = (p * design.periods + t - 1) * columns + *c as usize;
                // The copies that fill up a block have no place in `out`.
                if let Some(out) = out.get_mut(at) {
                    *out = *g;
                }
            }
        }
    }

    /// Adds the output summed to groups to that of other partitions.
    pub(super) fn add_groups(&self, to: &mut [f64]) {
        to.iter_mut().zip(&self.sums).for_each(|(to, y)| *to += *y);
    }

    /// Gradients in target and rate, by position.
    pub(super) fn gradients(&self) -> (&[F], &[F]) {
        (self.to_target.as_flattened(), self.to_rate.as_flattened())
    }
}

fn capacity<F: Float, const L: usize>(rows: &Rows<F, L>, shared: bool) -> Capacity<'_, F, L> {
    if shared {
        Capacity::Shared(rows.as_flattened())
    } else {
        Capacity::Each(rows)
    }
}
