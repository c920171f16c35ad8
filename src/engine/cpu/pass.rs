//! The passes of a period over firms and over links, forward and back, L numbers in a row.
//!
//! The lanes of a row are L particles (W = 1 firm a row), or L firms of one particle (W = L). A pass is a struct and
//! not a function: `pulp`, which chooses the instruction set, inlines it into a copy for each.
//!
//! Forward, a period t is `Receive` (demand of t-1), `LinkPass` (inventories of t-1, orders of t) and `FirmPass`
//! (output and offers of t). Back, it is `FirmAdjoint` (what goes to the inventory that limits output, and to
//! capacity), `LinkAdjoint` (inventories and orders) and `Publish` (demand of t-1). What they read of other firms was
//! published in the period before: one synchronisation a period is enough.

use super::Float;
use super::exchange::{Desk, Exchange};
use super::rows::{lanes, widen};
use super::simd::Row;
use crate::model::Model;
use crate::model::period::host as period;
use crate::model::production::host as production;
use crate::model::rationing::host as rationing;
use crate::number::Number;

/// Fixed data of a partition's firms and links.
#[derive(Clone, Copy)]
pub(super) struct Fixed<'a, F> {
    /// First row of links of each row of firms, and the number of rows of links.
    pub(super) row: &'a [u32],
    /// W coefficients a row of links.
    pub(super) coefficient: &'a [F],
    /// Output at full capacity and demand from outside, W a row of firms; 1 where a firm has no inputs.
    pub(super) full: &'a [F],
    pub(super) outside: &'a [F],
    pub(super) unfed: &'a [F],
    /// Group of each firm; where a row is one firm, also the first row of each group, and the number of rows.
    pub(super) group: &'a [u32],
    pub(super) first_member: &'a [u32],
    pub(super) model: Model,
}

impl<F> Fixed<'_, F> {
    /// Data of firms from one on, without that of links.
    pub(super) fn from(self, firm: usize) -> Self {
        Self {
            full: &self.full[firm..],
            outside: &self.outside[firm..],
            unfed: &self.unfed[firm..],
            group: &self.group[firm..],
            ..self
        }
    }
}

/// Inputs of a partition's firms, one entry a row.
#[derive(Clone, Copy)]
pub(super) struct Firms<'a, F, const L: usize> {
    /// Target inventory n x0.
    pub(super) target: &'a [[F; L]],
    /// 1 / adjustment time.
    pub(super) rate: &'a [[F; L]],
}

/// Remaining capacity of firms as a share of full capacity.
#[derive(Clone, Copy)]
pub(super) enum Capacity<'a, F, const L: usize> {
    Each(&'a [[F; L]]),
    /// One number a firm for all particles, where lanes are particles.
    Shared(&'a [F]),
}

impl<F: Float, const L: usize> Capacity<'_, F, L> {
    pub(super) fn from(self, row: usize) -> Self {
        match self {
            Capacity::Each(rows) => Capacity::Each(&rows[row..]),
            Capacity::Shared(firms) => Capacity::Shared(&firms[row..]),
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

/// Demand of t-1: demand from outside, and the orders that firms have received.
pub(super) struct Receive<'a, F, D, const L: usize, const W: usize> {
    pub(super) fixed: Fixed<'a, F>,
    pub(super) demand: &'a mut [[F; L]],
    pub(super) desk: &'a mut D,
}

impl<F: Float, D: Desk<F, L, 1>, const L: usize, const W: usize> pulp::WithSimd
    for Receive<'_, F, D, L, W>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let outside = self.fixed.outside.as_chunks::<W>().0;
        for (i, (demand, outside)) in self.demand.iter_mut().zip(outside).enumerate() {
            let (outside, received) = (widen::<F, L, W>(outside), self.desk.take(i));
            (Row::of(simd, &outside) + Row::of(simd, &received)).put(demand);
        }
    }
}

/// The inventories of t-1, the lowest of each firm, and the orders of t, which are sent.
///
/// `REPLAY` computes inventories alone.
pub(super) struct LinkPass<'a, F, E, const L: usize, const W: usize, const REPLAY: bool> {
    pub(super) fixed: Fixed<'a, F>,
    pub(super) firms: Firms<'a, F, L>,
    /// Demand of t-3 and of t-1.
    pub(super) demand_before: &'a [[F; L]],
    pub(super) demand: &'a [[F; L]],
    /// Output of t-1.
    pub(super) used: &'a [[F; L]],
    /// Inventories of t-3, unless they are overwritten with those of t-1; of t-2; and of t-1.
    pub(super) before: Option<&'a [[F; L]]>,
    pub(super) last: &'a [[F; L]],
    pub(super) stock: &'a mut [[F; L]],
    pub(super) lowest: &'a mut [[F; L]],
    pub(super) exchange: E,
}

impl<F: Float, E: Exchange<F, L, 1>, const L: usize, const W: usize, const REPLAY: bool>
    pulp::WithSimd for LinkPass<'_, F, E, L, W, REPLAY>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        match self.before {
            Some(before) => link_pass::<S, F, E, L, W, REPLAY, true>(simd, self, before),
            None => link_pass::<S, F, E, L, W, REPLAY, false>(simd, self, &[]),
        }
    }
}

#[inline(always)]
fn link_pass<
    S: pulp::Simd,
    F: Float,
    E: Exchange<F, L, 1>,
    const L: usize,
    const W: usize,
    const REPLAY: bool,
    const SEPARATE: bool,
>(
    simd: S,
    pass: LinkPass<'_, F, E, L, W, REPLAY>,
    before: &[[F; L]],
) {
    let LinkPass {
        fixed,
        firms,
        exchange,
        ..
    } = pass;
    let of = |row: &[F; L]| Row::of(simd, row);
    // Slices of equal length: the compiler then drops all bounds checks but one.
    let (n, e) = (pass.lowest.len(), pass.stock.len());
    let (target, rate) = (&firms.target[..n], &firms.rate[..n]);
    let (demand, demand_before) = (&pass.demand[..n], &pass.demand_before[..n]);
    let (used, lowest) = (&pass.used[..n], &mut pass.lowest[..n]);
    let ends = &fixed.row[1..][..n];
    let (last, stock) = (&pass.last[..e], &mut pass.stock[..e]);
    let before = if SEPARATE { &before[..e] } else { before };
    let coefficient = &fixed.coefficient.as_chunks::<W>().0[..e];
    let mut exchange = exchange.within(e);
    let mut first = 0;
    for i in 0..n {
        let links = first..(ends[i] as usize).min(e);
        first = links.end;
        if !REPLAY {
            exchange.pause(Some(links.start));
        }
        let (target, rate, used) = (of(&target[i]), of(&rate[i]), of(&used[i]));
        let level = period::level(target, rate, of(&demand[i]));
        let level_before = period::level(target, rate, of(&demand_before[i]));
        let mut low = Row::all(simd, F::INFINITY);
        let mut update = |k: usize, offer: Row<S, F>| {
            let before = of(if SEPARATE { &before[k] } else { &stock[k] });
            let ordered = period::order(level_before, rate, before);
            let next = period::stock(ordered, offer, of(&last[k]), used);
            low = low.min(next);
            next.put(&mut stock[k]);
            next
        };
        if REPLAY || E::APART {
            for k in links.clone() {
                exchange.prefetch(k);
                let [offer] = exchange.read(simd, k);
                update(k, offer);
            }
            for k in if REPLAY { 0..0 } else { links } {
                let order = period::order(level, rate, of(&stock[k]));
                exchange.send(simd, k, [order, of(&widen(&coefficient[k]))]);
            }
        } else {
            for k in links {
                exchange.prefetch(k);
                exchange.trade(simd, k, |[offer]| {
                    let order = period::order(level, rate, update(k, offer));
                    [order, of(&widen(&coefficient[k]))]
                });
            }
        }
        low.put(&mut lowest[i]);
    }
    if !REPLAY {
        exchange.pause(None);
    }
}

/// The output of t, summed to groups, and the offers of t, which are published, of some rows of firms. Slices begin at
/// the first of these.
///
/// `REPLAY` publishes offers alone, from demand and output that were kept.
pub(super) struct FirmPass<'a, F, D, const L: usize, const W: usize, const REPLAY: bool> {
    pub(super) fixed: Fixed<'a, F>,
    pub(super) capacity: Capacity<'a, F, L>,
    /// Demand of t-1.
    pub(super) demand: &'a [[F; L]],
    pub(super) lowest: &'a [[F; L]],
    pub(super) output: &'a mut [[F; L]],
    /// Demand of t, where firms have received all orders already.
    pub(super) next: Option<&'a mut [[F; L]]>,
    pub(super) desk: &'a mut D,
    /// Output summed to groups, [group, particle of the block]; 0 before the first rows.
    pub(super) sums: &'a mut [f64],
}

impl<F: Float, D: Desk<F, L, 1>, const L: usize, const W: usize, const REPLAY: bool> pulp::WithSimd
    for FirmPass<'_, F, D, L, W, REPLAY>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let of = |row: &[F; L]| Row::of(simd, row);
        let (fixed, model) = (self.fixed, self.fixed.model);
        // Slices of equal length: the compiler then drops most bounds checks.
        let n = self.demand.len();
        let (output, lowest) = (&mut self.output[..n], &self.lowest[..n]);
        let full = &fixed.full.as_chunks::<W>().0[..n];
        let outside = &fixed.outside.as_chunks::<W>().0[..n];
        let next = self.next.unwrap_or_default();
        let takes = !next.is_empty();
        let next = &mut next[..if takes { n } else { 0 }];
        let (capacity, desk) = (self.capacity, self.desk);
        let mut firm = |i: usize| -> [F; L] {
            let d = of(&self.demand[i]);
            if !REPLAY {
                let z = of(&capacity.row(i));
                let own = z * of(&widen(&full[i]));
                let limit = production::limit(model.production, own, z, of(&lowest[i]));
                period::output(d, limit).put(&mut output[i]);
            }
            let (x, outside) = (of(&output[i]), of(&widen(&outside[i])));
            desk.publish(i, [rationing::offer(model.rationing, x, d, outside)]);
            if takes {
                (outside + of(&desk.take(i))).put(&mut next[i]);
            }
            output[i]
        };
        if REPLAY {
            for i in 0..n {
                firm(i);
            }
        } else if W == 1 {
            // Group by group, so that the sums of a group stay in registers.
            let of = fixed.first_member.windows(2);
            for (sum, of) in self.sums.as_chunks_mut::<L>().0.iter_mut().zip(of) {
                let mut found = [0.0; L];
                for i in of[0] as usize..(of[1] as usize).min(n) {
                    let x = firm(i);
                    found = lanes(|l| found[l] + x[l].value());
                }
                *sum = found;
            }
        } else {
            let groups = &fixed.group.as_chunks::<L>().0[..n];
            for (i, groups) in groups.iter().enumerate() {
                let x = firm(i);
                for l in 0..L {
                    self.sums[groups[l] as usize] += x[l].value();
                }
            }
        }
    }
}

/// What an adjoint pass over firms finds and the passes after it read.
pub(super) struct Found<'a, F, const L: usize> {
    /// Adjoint of demand of t-1, as far as it does not come from the firm's orders; then all of it.
    pub(super) to_demand: &'a mut [[F; L]],
    /// The inventory that limits output, and what goes to it.
    pub(super) lowest: &'a mut [[F; L]],
    pub(super) to_lowest: &'a mut [[F; L]],
}

/// The adjoint of output and offers of t: what goes to demand, to capacity, and to the inventory that limits output.
pub(super) struct FirmAdjoint<'a, F, D, const L: usize, const W: usize> {
    pub(super) fixed: Fixed<'a, F>,
    pub(super) capacity: Capacity<'a, F, L>,
    /// Demand of t-1 and output of t.
    pub(super) demand: &'a [[F; L]],
    pub(super) output: &'a [[F; L]],
    /// Inventories of t-1.
    pub(super) stock: &'a [[F; L]],
    /// Sums of the adjoints of the inventories of t over a firm's inputs.
    pub(super) stock_adjoint_sum: &'a [[F; L]],
    /// Gradient in this period's panel: L numbers a group, or one where lanes are firms.
    pub(super) from_panel: &'a [F],
    pub(super) to_capacity: &'a mut [[F; L]],
    pub(super) found: Found<'a, F, L>,
    pub(super) desk: &'a mut D,
}

impl<F: Float, D: Desk<F, L, 2>, const L: usize, const W: usize> pulp::WithSimd
    for FirmAdjoint<'_, F, D, L, W>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let of = |row: &[F; L]| Row::of(simd, row);
        let zero = Row::all(simd, F::ZERO);
        let (fixed, model) = (self.fixed, self.fixed.model);
        // Slices of equal length: the compiler then drops most bounds checks.
        let n = self.demand.len();
        let (output, to_capacity) = (&self.output[..n], &mut self.to_capacity[..n]);
        let stock_adjoint_sum = &self.stock_adjoint_sum[..n];
        let full = &fixed.full.as_chunks::<W>().0[..n];
        let unfed = &fixed.unfed.as_chunks::<W>().0[..n];
        let outside = &fixed.outside.as_chunks::<W>().0[..n];
        let group = &fixed.group[..n * W];
        let found = self.found;
        let to_demand = &mut found.to_demand[..n];
        let (lowest, to_lowest) = (&mut found.lowest[..n], &mut found.to_lowest[..n]);
        for i in 0..n {
            let (d, x) = (of(&self.demand[i]), of(&output[i]));
            let outside = of(&widen(&outside[i]));
            let panel = if W == 1 {
                of(&self.from_panel.as_chunks::<L>().0[group[i] as usize])
            } else {
                let group = &group[i * W..][..W];
                of(&lanes(|l| self.from_panel[group[l] as usize]))
            };
            let to_offer = of(&self.desk.take(i));
            let through = rationing::offer_to_output(model.rationing, x, d, outside, to_offer);
            let to_output = panel - of(&stock_adjoint_sum[i]) + through;
            let through = rationing::offer_to_demand(model.rationing, x, d, outside, to_offer);
            (through + period::output_to_demand(x, d, to_output)).put(&mut to_demand[i]);
            let (mut to_z, mut low, mut to_low) = (zero, x, zero);
            let limited = period::output_to_limit(x, d, to_output);
            if limited.any::<L>() {
                let z = of(&self.capacity.row(i));
                let (full, unfed) = (of(&widen(&full[i])), of(&widen(&unfed[i])));
                let by_capacity = production::own_limits(model.production, x, z * full, unfed);
                to_z = by_capacity.select_positive(limited * full);
                let by_input = by_capacity.select_equal(zero, limited, zero);
                if !model.production.is_lowest() && by_input.any::<L>() {
                    let links = fixed.row[i] as usize..fixed.row[i + 1] as usize;
                    let inputs = self.stock[links].iter();
                    low = inputs.fold(Row::all(simd, F::INFINITY), |low, s| low.min(of(s)));
                    to_z = to_z + by_input * production::slope_in_factor(model.production, low);
                }
                to_low = by_input * production::slope_in_lowest(model.production, z);
            }
            to_z.put(&mut to_capacity[i]);
            low.put(&mut lowest[i]);
            to_low.put(&mut to_lowest[i]);
        }
    }
}

/// The adjoints of the inventories of t-1, from those of t and t+1; and of the offers of t-1, which are sent.
pub(super) struct LinkAdjoint<'a, F, E, const L: usize, const W: usize> {
    pub(super) fixed: Fixed<'a, F>,
    pub(super) firms: Firms<'a, F, L>,
    /// Demand of t-3 and t-1.
    pub(super) demand_before: &'a [[F; L]],
    pub(super) demand: &'a [[F; L]],
    /// Inventories of t-3 and t-1.
    pub(super) before: &'a [[F; L]],
    pub(super) stock: &'a [[F; L]],
    /// Adjoint of the inventories of t.
    pub(super) now: &'a [[F; L]],
    /// Adjoint of the inventories of t+1, overwritten with that of t-1.
    pub(super) out: &'a mut [[F; L]],
    /// Sums of the adjoints of the inventories of t-1 over a firm's inputs.
    pub(super) stock_adjoint_sum: &'a mut [[F; L]],
    /// Adjoints of 1 / adjustment time and of the target inventory, summed over periods.
    pub(super) to_rate: &'a mut [[F; L]],
    pub(super) to_target: &'a mut [[F; L]],
    pub(super) found: Found<'a, F, L>,
    pub(super) exchange: E,
}

impl<F: Float, E: Exchange<F, L, 2>, const L: usize, const W: usize> pulp::WithSimd
    for LinkAdjoint<'_, F, E, L, W>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let of = |row: &[F; L]| Row::of(simd, row);
        let zero = Row::all(simd, F::ZERO);
        let (fixed, firms) = (self.fixed, self.firms);
        // Slices of equal length: the compiler then drops all bounds checks but one.
        let (n, e) = (self.stock_adjoint_sum.len(), self.out.len());
        let (target, rate) = (&firms.target[..n], &firms.rate[..n]);
        let (demand, demand_before) = (&self.demand[..n], &self.demand_before[..n]);
        let (to_rate, to_target) = (&mut self.to_rate[..n], &mut self.to_target[..n]);
        let found = self.found;
        let to_demand = &mut found.to_demand[..n];
        let (lowest, to_lowest) = (&found.lowest[..n], &found.to_lowest[..n]);
        let ends = &fixed.row[1..][..n];
        let (before, stock) = (&self.before[..e], &self.stock[..e]);
        let (now, out) = (&self.now[..e], &mut self.out[..e]);
        let coefficient = &fixed.coefficient.as_chunks::<W>().0[..e];
        let mut exchange = self.exchange.within(e);
        let mut first = 0;
        for i in 0..n {
            let links = first..(ends[i] as usize).min(e);
            first = links.end;
            exchange.pause(Some(links.start));
            let (lowest, mut to_lowest) = (of(&lowest[i]), of(&to_lowest[i]));
            let (target, rate) = (of(&target[i]), of(&rate[i]));
            let level = period::level(target, rate, of(&demand[i]));
            let level_before = period::level(target, rate, of(&demand_before[i]));
            let (mut sum_s, mut sum_p, mut sum_r) = (zero, zero, of(&to_rate[i]));
            let mut update = |k: usize, [demanded, offered]: [Row<S, F>; 2]| {
                let (s, a) = (of(&stock[k]), of(&widen(&coefficient[k])));
                let to_order = period::to_order(of(&out[k]), offered, a, demanded);
                let to_wanted = period::order_adjoint(level, rate, s, to_order);
                sum_p = sum_p + to_wanted;
                sum_r = period::to_rate(to_wanted, target, s, sum_r);
                // The first of several lowest inputs takes the whole adjoint.
                let take = s.select_equal(lowest, to_lowest, zero);
                to_lowest = to_lowest - take;
                let to_stock = period::to_stock(of(&now[k]), rate, to_wanted) + take;
                to_stock.put(&mut out[k]);
                sum_s = sum_s + to_stock;
                to_stock
            };
            let ordered = |k: usize| period::order(level_before, rate, of(&before[k]));
            if E::APART {
                for k in links.clone() {
                    exchange.prefetch(k);
                    update(k, exchange.read(simd, k));
                }
                for k in links {
                    exchange.send(simd, k, [of(&out[k]), ordered(k)]);
                }
            } else {
                for k in links {
                    exchange.prefetch(k);
                    exchange.trade(simd, k, |read| [update(k, read), ordered(k)]);
                }
            }
            sum_s.put(&mut self.stock_adjoint_sum[i]);
            sum_r.put(&mut to_rate[i]);
            (of(&to_target[i]) + rate * sum_p).put(&mut to_target[i]);
            (of(&to_demand[i]) + sum_p).put(&mut to_demand[i]);
        }
        exchange.pause(None);
    }
}

/// Publishes the adjoint of demand of t-1 and the offers of t of some rows of firms. Slices begin at the first of
/// these.
pub(super) struct Publish<'a, F, D, const L: usize, const W: usize> {
    pub(super) fixed: Fixed<'a, F>,
    /// Demand of t-1 and output of t.
    pub(super) demand: &'a [[F; L]],
    pub(super) output: &'a [[F; L]],
    pub(super) to_demand: &'a [[F; L]],
    pub(super) desk: &'a mut D,
}

impl<F: Float, D: Desk<F, L, 2>, const L: usize, const W: usize> pulp::WithSimd
    for Publish<'_, F, D, L, W>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let of = |row: &[F; L]| Row::of(simd, row);
        let rationing = self.fixed.model.rationing;
        let n = self.demand.len();
        let (output, to_demand) = (&self.output[..n], &self.to_demand[..n]);
        let outside = &self.fixed.outside.as_chunks::<W>().0[..n];
        for i in 0..n {
            let (x, d) = (of(&output[i]), of(&self.demand[i]));
            let offer = rationing::offer(rationing, x, d, of(&widen(&outside[i])));
            self.desk.publish(i, [of(&to_demand[i]), offer]);
        }
    }
}

/// Rounds sums to numbers of F.
pub(super) fn round<F: Float>(sums: &mut [f64]) {
    for sum in sums {
        *sum = F::of(*sum).value();
    }
}
