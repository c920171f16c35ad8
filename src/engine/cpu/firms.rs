//! The inner loops over firms: the firm pass of a period and its adjoint, L numbers in a row.

use super::super::plan::{Partition, PartitionNumbers};
use super::Float;
use super::links::{lanes, spread};
use super::rows::Rows;
use super::simd::Row;
use super::state::{PartitionState, links_of};
use crate::model::Model;
use crate::model::period::host as period;
use crate::model::production::host as production;
use crate::model::rationing::host as rationing;
use crate::number::Number;
use std::ops::Range;

/// Sums that the links of a partition have added to the accumulators of firms.
#[derive(Clone, Copy)]
pub(super) enum Sums<'a, F: Float, const L: usize> {
    /// Rows of accumulators of a partition of this thread, and the step from one firm's sum to the next.
    Own(&'a [[F; L]], usize),
    /// Sums published by another thread.
    Published(&'a [F::Atomic]),
}

/// Adds such sums to `to`.
pub(super) struct Add<'a, F: Float, const L: usize> {
    pub(super) to: &'a mut [[F; L]],
    pub(super) sums: Sums<'a, F, L>,
}

impl<F: Float, const L: usize> pulp::WithSimd for Add<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        match self.sums {
            Sums::Own(sums, step) => {
                for (to, sum) in self.to.iter_mut().zip(sums.iter().step_by(step)) {
                    *to = lanes(|l| to[l] + sum[l]);
                }
            }
            Sums::Published(sums) => {
                for (to, sum) in self.to.iter_mut().zip(sums.as_chunks::<L>().0) {
                    *to = lanes(|l| to[l] + F::from_atomic(&sum[l]));
                }
            }
        }
    }
}

/// Remaining capacity of a partition's firms, as a share of full capacity.
#[derive(Clone, Copy)]
pub(super) enum Capacity<'a, F, const L: usize> {
    Each(&'a [[F; L]]),
    /// One number a firm for all particles, where lanes are particles.
    Shared(&'a [F]),
}

impl<'a, F: Float, const L: usize> Capacity<'a, F, L> {
    /// The capacity in `rows`, which hold one number a firm if they are `shared`.
    pub(super) fn of(rows: &'a Rows<F, L>, shared: bool) -> Self {
        if shared {
            Capacity::Shared(rows.as_flattened())
        } else {
            Capacity::Each(rows)
        }
    }

    #[inline(always)]
    fn row(self, i: usize) -> [F; L] {
        match self {
            Capacity::Each(rows) => rows[i],
            Capacity::Shared(firms) => [firms[i]; L],
        }
    }
}

/// The accumulators of the first `rows` rows of firms: N rows each where lanes are particles, else one.
#[inline(always)]
#[allow(clippy::type_complexity)]
fn accumulators_of<F, const L: usize, const W: usize, const N: usize>(
    accumulators: &mut [[F; L]],
    rows: usize,
) -> (&mut [[[F; L]; N]], &mut [[F; L]]) {
    if W == 1 {
        (&mut accumulators.as_chunks_mut().0[..rows], &mut [])
    } else {
        (&mut [], &mut accumulators[..rows])
    }
}

/// Index of the first of a partition's accumulators among those of all partitions.
pub(super) fn first_accumulator<const W: usize, const N: usize>(partition: &Partition) -> usize {
    partition.first * if W == 1 { N } else { 1 }
}

/// The firm pass of one period over some rows of firms: demand, output, output summed to groups, and offers.
pub(super) struct FirmPass<'a, F, const L: usize, const W: usize> {
    /// Fixed data of these rows.
    pub(super) numbers: Fixed<'a, F>,
    pub(super) capacity: Capacity<'a, F, L>,
    pub(super) model: Model,
    pub(super) lowest: &'a [[F; L]],
    /// Demand; the pass adds what it lacks according to `received`.
    pub(super) demand: &'a mut [[F; L]],
    pub(super) received: Received,
    pub(super) output: &'a mut [[F; L]],
    /// Takes the offers, unless it is empty.
    pub(super) offer: &'a mut [[F; L]],
    /// Accumulators of these firms, or empty. The pass opens them for the next link pass.
    pub(super) accumulators: &'a mut [[F; L]],
    /// Output summed to groups, [group, particle of the block]: overwritten where lanes are particles, else added
    /// to.
    pub(super) sums: &'a mut [f64],
}

/// What `demand` holds before a firm pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// All demand.
    All,
    /// All demand but the orders in the partition's own accumulators.
    Others,
    /// Nothing: demand is final demand and the orders in the partition's own accumulators.
    Nothing,
}

/// Fixed data of some rows of firms.
#[derive(Clone, Copy)]
pub(super) struct Fixed<'a, F> {
    pub(super) full: &'a [F],
    pub(super) outside: &'a [F],
    pub(super) group: &'a [u32],
    /// Where a row is one firm: the first row of each group, and the number of rows.
    pub(super) first_member: &'a [u32],
}

impl<F: Float, const L: usize, const W: usize> pulp::WithSimd for FirmPass<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        if self.accumulators.is_empty() {
            firm_pass::<S, F, L, W, false>(simd, self);
        } else {
            firm_pass::<S, F, L, W, true>(simd, self);
        }
    }
}

#[inline(always)]
fn firm_pass<S: pulp::Simd, F: Float, const L: usize, const W: usize, const ACCUMULATORS: bool>(
    simd: S,
    pass: FirmPass<'_, F, L, W>,
) {
    let FirmPass {
        numbers,
        capacity,
        model,
        lowest,
        demand,
        received,
        output,
        offer,
        accumulators,
        sums,
    } = pass;
    // Slices of equal length: the compiler then drops all bounds checks but one.
    let n = lowest.len();
    let (demand, output) = (&mut demand[..n], &mut output[..n]);
    let (full, outside) = (&numbers.full[..n * W], &numbers.outside[..n * W]);
    let (pairs, singles) =
        accumulators_of::<F, L, W, 2>(accumulators, if ACCUMULATORS { n } else { 0 });
    let publishes = !offer.is_empty();
    let offer = &mut offer[..if publishes { n } else { 0 }];
    let of = |row: &[F; L]| Row::of(simd, row);
    let mut firm = |i: usize| -> [F; L] {
        let mut d = of(&demand[i]);
        if ACCUMULATORS && received != Received::All {
            if received == Received::Nothing {
                d = of(&spread::<F, L, W>(outside, i));
            }
            let orders = if W == 1 { &pairs[i][1] } else { &singles[i] };
            d = d + of(orders);
            d.put(&mut demand[i]);
        }
        let (low, z) = (of(&lowest[i]), of(&capacity.row(i)));
        let own = z * of(&spread::<F, L, W>(full, i));
        let x = period::output(d, production::limit(model.production, own, z, low));
        let outside = of(&spread::<F, L, W>(outside, i));
        let delivered = rationing::offer(model.rationing, x, d, outside);
        if publishes {
            delivered.put(&mut offer[i]);
        }
        if ACCUMULATORS && W == 1 {
            delivered.put(&mut pairs[i][0]);
            pairs[i][1] = [F::ZERO; L];
        } else if ACCUMULATORS {
            singles[i] = [F::ZERO; L];
        }
        x.put(&mut output[i]);
        output[i]
    };
    if W == 1 {
        // Group by group, so that the sums of a group stay in registers.
        let of = numbers.first_member.windows(2);
        for (sum, of) in sums.as_chunks_mut::<L>().0.iter_mut().zip(of) {
            let mut found = [0.0; L];
            for i in of[0] as usize..(of[1] as usize).min(n) {
                let x = firm(i);
                found = lanes(|l| found[l] + x[l].value());
            }
            *sum = found;
        }
    } else {
        let groups = &numbers.group.as_chunks::<L>().0[..n];
        for (i, groups) in groups.iter().enumerate() {
            let x = firm(i);
            for l in 0..L {
                sums[groups[l] as usize] += x[l].value();
            }
        }
    }
}

/// Data of one period for the adjoint of a partition's firm pass.
#[derive(Clone, Copy)]
pub(super) struct AdjointPeriod<'a, F> {
    pub(super) partition: &'a Partition,
    pub(super) numbers: &'a PartitionNumbers<F>,
    pub(super) model: Model,
    /// Gradient in this period's panel: L numbers a group, or one where lanes are firms.
    pub(super) from_panel: &'a [F],
    pub(super) t: usize,
    /// Slot of the inventories of t-1.
    pub(super) stock_at: usize,
}

/// The adjoint of the firm pass of one period: the adjoints of demand and capacity, and of the inventory that
/// limits output.
pub(super) struct FirmAdjoint<'a, F, const L: usize, const W: usize> {
    pub(super) state: &'a mut PartitionState<F, L, W>,
    pub(super) back: AdjointPeriod<'a, F>,
    /// Rows of the partition's firms. The other slices begin at the first of these rows.
    pub(super) rows: Range<usize>,
    /// Adjoints of the offers, as far as they come from other partitions or from messages; or empty.
    pub(super) offer_adjoint: &'a [[F; L]],
    /// Whether the partition's own accumulators hold more of these adjoints.
    pub(super) add_own: bool,
    /// Take the adjoints of demand, and the offers, unless they are empty.
    pub(super) demand_adjoint: &'a mut [[F; L]],
    pub(super) offer: &'a mut [[F; L]],
}

impl<F: Float, const L: usize, const W: usize> pulp::WithSimd for FirmAdjoint<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        if self.back.partition.routing.is_some() {
            firm_adjoint::<S, F, L, W, false>(simd, self);
        } else {
            firm_adjoint::<S, F, L, W, true>(simd, self);
        }
    }
}

#[inline(always)]
fn firm_adjoint<
    S: pulp::Simd,
    F: Float,
    const L: usize,
    const W: usize,
    const ACCUMULATORS: bool,
>(
    simd: S,
    pass: FirmAdjoint<'_, F, L, W>,
) {
    let FirmAdjoint {
        state,
        back,
        rows,
        offer_adjoint,
        add_own,
        demand_adjoint,
        offer,
    } = pass;
    let AdjointPeriod {
        partition,
        numbers,
        model,
        from_panel,
        t,
        stock_at,
    } = back;
    let links = links_of(partition, numbers);
    let of = |row: &[F; L]| Row::of(simd, row);
    let fixed = |all: &[F], k: usize| of(&spread::<F, L, W>(all, k));
    let all = |number: F| Row::all(simd, number);
    let zero = all(F::ZERO);
    let (n, e) = (partition.rows, links.rows());
    let PartitionState {
        rate,
        capacity,
        shared,
        demand,
        output,
        stock,
        stock_adjoint,
        stock_adjoint_sum,
        order_adjoint_sum,
        to_target,
        to_capacity,
        adjoint_accumulators,
        ..
    } = state;
    // Slices of equal length: the compiler then drops all bounds checks but one.
    let m = rows.len();
    let of_rows = (t - 1) * n + rows.start..(t - 1) * n + rows.end;
    let (demand, output) = (&demand[of_rows.clone()][..m], &output[of_rows][..m]);
    let (stock_adjoint_sum, order_adjoint_sum) = (
        &stock_adjoint_sum[rows.clone()][..m],
        &order_adjoint_sum[rows.clone()][..m],
    );
    let (rate, to_target) = (&rate[rows.clone()][..m], &mut to_target[rows.clone()][..m]);
    let to_capacity = &mut to_capacity[rows.clone()][..m];
    let firms = rows.start * W..rows.end * W;
    let (full, unfed) = (&numbers.full[firms.clone()], &numbers.unfed[firms.clone()]);
    let (full, unfed) = (&full[..m * W], &unfed[..m * W]);
    let outside = &numbers.outside[firms.clone()][..m * W];
    let group = &partition.group[firms][..m * W];
    let z = Capacity::of(capacity, *shared);
    let stock = &stock[stock_at * e..][..e];
    let adjoint_before = &mut stock_adjoint[((t - 1) & 1) * e..][..e];
    let accumulators = &mut adjoint_accumulators[if ACCUMULATORS {
        first_accumulator::<W, 4>(partition)
    } else {
        0
    }..];
    let (quads, singles) =
        accumulators_of::<F, L, W, 4>(accumulators, if ACCUMULATORS { m } else { 0 });
    let offer_adjoint = &offer_adjoint[..if offer_adjoint.is_empty() { 0 } else { m }];
    let publishes = !demand_adjoint.is_empty();
    let published = if publishes { m } else { 0 };
    let (demand_adjoint, offer) = (&mut demand_adjoint[..published], &mut offer[..published]);
    for k in 0..m {
        let (d, x) = (of(&demand[k]), of(&output[k]));
        let mut to_offer = if offer_adjoint.is_empty() {
            zero
        } else {
            of(&offer_adjoint[k])
        };
        if ACCUMULATORS && add_own {
            let own = if W == 1 { &quads[k][2] } else { &singles[k] };
            to_offer = to_offer + of(own);
        }
        let (sum_s, sum_p) = (of(&stock_adjoint_sum[k]), of(&order_adjoint_sum[k]));
        let panel = if W == 1 {
            of(&from_panel.as_chunks::<L>().0[group[k] as usize])
        } else {
            let group = &group[k * W..][..W];
            of(&lanes(|l| from_panel[group[l] as usize]))
        };
        let outside = fixed(outside, k);
        let delivered = rationing::offer(model.rationing, x, d, outside);
        let through = rationing::offer_to_output(model.rationing, x, d, outside, to_offer);
        let to_output = panel - sum_s + through;
        let through = rationing::offer_to_demand(model.rationing, x, d, outside, to_offer);
        let to_demand = sum_p + through + period::output_to_demand(x, d, to_output);
        if publishes {
            to_demand.put(&mut demand_adjoint[k]);
            delivered.put(&mut offer[k]);
        }
        if ACCUMULATORS && W == 1 {
            let quad = &mut quads[k];
            to_demand.put(&mut quad[0]);
            delivered.put(&mut quad[1]);
            quad[2] = [F::ZERO; L];
        } else if ACCUMULATORS {
            singles[k] = [F::ZERO; L];
        }
        (of(&to_target[k]) + of(&rate[k]) * sum_p).put(&mut to_target[k]);
        let limited = period::output_to_limit(x, d, to_output);
        if !limited.any::<L>() {
            to_capacity[k] = [F::ZERO; L];
            continue;
        }
        let unfed = fixed(unfed, k);
        let (z, full) = (of(&z.row(rows.start + k)), fixed(full, k));
        let by_capacity = production::own_limits(model.production, x, z * full, unfed);
        let mut to_z = by_capacity.select_positive(limited * full);
        let by_input = by_capacity.select_equal(zero, limited, zero);
        if by_input.any::<L>() {
            let row = links.of(rows.start + k);
            let mut low = x;
            if !model.production.is_lowest() {
                low = stock[row.clone()]
                    .iter()
                    .fold(all(F::INFINITY), |low, s| low.min(of(s)));
                to_z = to_z + by_input * production::slope_in_factor(model.production, low);
            }
            let mut through = by_input * production::slope_in_lowest(model.production, z);
            let before = &mut adjoint_before[row.clone()];
            for (s, adjoint) in stock[row].iter().zip(before) {
                // The first of several lowest inputs takes the whole adjoint.
                let take = of(s).select_equal(low, through, zero);
                (of(adjoint) + take).put(adjoint);
                through = through - take;
            }
        }
        to_z.put(&mut to_capacity[k]);
    }
}

/// Rounds sums to numbers of F.
pub(super) fn round<F: Float>(sums: &mut [f64]) {
    for sum in sums {
        *sum = F::of(*sum).value();
    }
}
