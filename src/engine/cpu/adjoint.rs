//! The adjoints of a period's passes: firms, links, demand; L numbers in a row.

use super::Float;
use super::exchange::{Desk, Exchange};
use super::pass::{Capacity, Firms, Fixed};
use super::rows::{lanes, widen};
use super::simd::Row;
use crate::model::offer::host as rationing;
use crate::model::period::host as period;
use crate::model::production::host as production;
use crate::number::Number;

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
