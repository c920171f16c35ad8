//! The passes of a period forward: demand, links, firms; L numbers in a row.

use super::Float;
use super::exchange::{Desk, Exchange};
use super::pass::{Capacity, Firms, Fixed};
use super::rows::{lanes, widen};
use super::simd::Row;
use crate::model::offer::host as rationing;
use crate::model::period::host as period;
use crate::model::production::host as production;
use crate::number::Number;

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
