//! What the nodes of a part do in a period, forward and back, L numbers side by side.

use super::super::plan::{Part, PartNumbers};
use super::Number;
use super::rows::Rows;
use super::shard::{Shard, links_of};
use super::sweep::{lanes, spread};
use super::vector::Vector;
use std::ops::Range;

/// What the links of a part have added to nodes.
#[derive(Clone, Copy)]
pub(super) enum Sums<'a, F: Number, const L: usize> {
    /// Every so many rows, of a part of this thread.
    Own(&'a [[F; L]], usize),
    /// Told by another thread.
    Told(&'a [F::Shared]),
}

/// Adds such sums to what is there.
pub(super) struct Add<'a, F: Number, const L: usize> {
    pub(super) to: &'a mut [[F; L]],
    pub(super) sums: Sums<'a, F, L>,
}

impl<F: Number, const L: usize> pulp::WithSimd for Add<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        match self.sums {
            Sums::Own(sums, step) => {
                for (to, sum) in self.to.iter_mut().zip(sums.iter().step_by(step)) {
                    *to = lanes(|l| to[l] + sum[l]);
                }
            }
            Sums::Told(sums) => {
                for (to, sum) in self.to.iter_mut().zip(sums.as_chunks::<L>().0) {
                    *to = lanes(|l| to[l] + F::shared(&sum[l]));
                }
            }
        }
    }
}

/// Remaining capacity of a part's nodes, a share.
#[derive(Clone, Copy)]
pub(super) enum Capacity<'a, F, const L: usize> {
    Each(&'a [[F; L]]),
    /// The same for all particles, where lanes are particles.
    Alike(&'a [F]),
}

impl<'a, F: Number, const L: usize> Capacity<'a, F, L> {
    /// What these rows have: the numbers of nodes one after the other, if they are `alike`.
    pub(super) fn of(rows: &'a Rows<F, L>, alike: bool) -> Self {
        if alike {
            Capacity::Alike(rows.as_flattened())
        } else {
            Capacity::Each(rows)
        }
    }

    #[inline(always)]
    fn row(self, i: usize) -> [F; L] {
        match self {
            Capacity::Each(rows) => rows[i],
            Capacity::Alike(nodes) => [nodes[i]; L],
        }
    }
}

/// Stalls of so many rows of nodes, from the first of them on: N rows each where lanes are particles, else one.
#[inline(always)]
#[allow(clippy::type_complexity)]
fn stalls_of<F, const L: usize, const W: usize, const N: usize>(
    stalls: &mut [[F; L]],
    rows: usize,
) -> (&mut [[[F; L]; N]], &mut [[F; L]]) {
    if W == 1 {
        (&mut stalls.as_chunks_mut().0[..rows], &mut [])
    } else {
        (&mut [], &mut stalls[..rows])
    }
}

/// Where those of a part begin.
pub(super) fn first_stall<const W: usize, const N: usize>(part: &Part) -> usize {
    part.first * if W == 1 { N } else { 1 }
}

/// A period of some rows of nodes: demand, output, its sums over groups, and the share of orders that is delivered.
pub(super) struct Trade<'a, F, const L: usize, const W: usize> {
    /// Of these rows.
    pub(super) numbers: Fixed<'a, F>,
    pub(super) capacity: Capacity<'a, F, L>,
    pub(super) scales_inputs: bool,
    pub(super) lowest: &'a [[F; L]],
    /// Takes demand, unless it is there.
    pub(super) demand: &'a mut [[F; L]],
    pub(super) known: Known,
    pub(super) output: &'a mut [[F; L]],
    /// Takes the share, if it is not empty.
    pub(super) share: &'a mut [[F; L]],
    /// Stalls of these nodes, if they have any: opened anew.
    pub(super) stalls: &'a mut [[F; L]],
    /// [group, particle of the block]: set where lanes are particles, else added to.
    pub(super) sums: &'a mut [f64],
}

/// What `demand` has before a period.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// All.
    All,
    /// All but the orders in the own stalls.
    Others,
    /// Nothing: there is what comes from outside, and the orders in the own stalls.
    Nothing,
}

/// What stays the same of some rows of nodes.
#[derive(Clone, Copy)]
pub(super) struct Fixed<'a, F> {
    pub(super) full: &'a [F],
    pub(super) outside: &'a [F],
    pub(super) group: &'a [u32],
    /// Where a row is a node: the first row of each group, and their number.
    pub(super) first_member: &'a [u32],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Trade<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        if self.stalls.is_empty() {
            trade::<S, F, L, W, false>(simd, self);
        } else {
            trade::<S, F, L, W, true>(simd, self);
        }
    }
}

#[inline(always)]
fn trade<S: pulp::Simd, F: Number, const L: usize, const W: usize, const STALLS: bool>(
    simd: S,
    pass: Trade<'_, F, L, W>,
) {
    let Trade {
        numbers,
        capacity,
        scales_inputs,
        lowest,
        demand,
        known,
        output,
        share,
        stalls,
        sums,
    } = pass;
    // As many of each: with one place inside the compiler sees that all are.
    let n = lowest.len();
    let (demand, output) = (&mut demand[..n], &mut output[..n]);
    let (full, outside) = (&numbers.full[..n * W], &numbers.outside[..n * W]);
    let (pairs, singles) = stalls_of::<F, L, W, 2>(stalls, if STALLS { n } else { 0 });
    let tells = !share.is_empty();
    let share = &mut share[..if tells { n } else { 0 }];
    let of = |row: &[F; L]| Vector::of(simd, row);
    let all = |number: F| Vector::all(simd, number);
    let mut node = |i: usize| -> [F; L] {
        let mut d = of(&demand[i]);
        if STALLS && known != Known::All {
            if known == Known::Nothing {
                d = of(&spread::<F, L, W>(outside, i));
            }
            let orders = if W == 1 { &pairs[i][1] } else { &singles[i] };
            d = d + of(orders);
            d.put(&mut demand[i]);
        }
        let (low, z) = (of(&lowest[i]), of(&capacity.row(i)));
        let own = z * of(&spread::<F, L, W>(full, i));
        let x = d.lower(if scales_inputs {
            // Who has no input is limited by capacity alone.
            let fed = (all(F::FAR) - low).gate(all(F::ONE));
            fed.same(all(F::ZERO), own, z * low)
        } else {
            own.lower(low)
        });
        let delivered = d.gate(x / d);
        if tells {
            delivered.put(&mut share[i]);
        }
        if STALLS && W == 1 {
            delivered.put(&mut pairs[i][0]);
            pairs[i][1] = [F::ZERO; L];
        } else if STALLS {
            singles[i] = [F::ZERO; L];
        }
        x.put(&mut output[i]);
        output[i]
    };
    if W == 1 {
        // Group by group: rows of sums then stay in registers.
        let of = numbers.first_member.windows(2);
        for (sum, of) in sums.as_chunks_mut::<L>().0.iter_mut().zip(of) {
            let mut found = [0.0; L];
            for i in of[0] as usize..(of[1] as usize).min(n) {
                let x = node(i);
                found = lanes(|l| found[l] + x[l].to_f64());
            }
            *sum = found;
        }
    } else {
        let groups = &numbers.group.as_chunks::<L>().0[..n];
        for (i, groups) in groups.iter().enumerate() {
            let x = node(i);
            for l in 0..L {
                sums[groups[l] as usize] += x[l].to_f64();
            }
        }
    }
}

/// A period of a part's nodes on the way back.
#[derive(Clone, Copy)]
pub(super) struct Back<'a, F> {
    pub(super) part: &'a Part,
    pub(super) numbers: &'a PartNumbers<F>,
    pub(super) scales_inputs: bool,
    /// Gradient of this period's panel: per group L numbers, or one where lanes are nodes.
    pub(super) from_panel: &'a [F],
    pub(super) t: usize,
    /// Slot of the inventories of t-1.
    pub(super) stock_at: usize,
}

/// One period of nodes back: the adjoints of demand (to `pull`) and capacity, and of the inventory that limits output.
pub(super) struct TradeBack<'a, F, const L: usize, const W: usize> {
    pub(super) shard: &'a mut Shard<F, L, W>,
    pub(super) back: Back<'a, F>,
    /// Which rows of the part's nodes; the rest begins at the first of them.
    pub(super) rows: Range<usize>,
    /// Adjoint of the shares delivered, if it is not empty.
    pub(super) owed: &'a [[F; L]],
    /// Whether the own stalls have more of it.
    pub(super) owing: bool,
    /// Take the adjoint of demand and the share, if they are not empty.
    pub(super) pull: &'a mut [[F; L]],
    pub(super) share: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for TradeBack<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        if self.back.part.mail.is_some() {
            trade_back::<S, F, L, W, false>(simd, self);
        } else {
            trade_back::<S, F, L, W, true>(simd, self);
        }
    }
}

#[inline(always)]
fn trade_back<S: pulp::Simd, F: Number, const L: usize, const W: usize, const STALLS: bool>(
    simd: S,
    pass: TradeBack<'_, F, L, W>,
) {
    let TradeBack {
        shard,
        back,
        rows,
        owed,
        owing,
        pull,
        share,
    } = pass;
    let Back {
        part,
        numbers,
        scales_inputs,
        from_panel,
        t,
        stock_at,
    } = back;
    let links = links_of(part, numbers);
    let of = |row: &[F; L]| Vector::of(simd, row);
    let fixed = |all: &[F], k: usize| of(&spread::<F, L, W>(all, k));
    let all = |number: F| Vector::all(simd, number);
    let (zero, one) = (all(F::ZERO), all(F::ONE));
    let (n, e) = (part.rows, links.rows());
    let Shard {
        rate,
        capacity,
        alike,
        demand,
        output,
        stock,
        adjoint_stock,
        sum_stock,
        sum_order,
        to_target,
        to_capacity,
        market_back,
        ..
    } = shard;
    // As many of each: with one place inside the compiler sees that all are.
    let m = rows.len();
    let of_rows = (t - 1) * n + rows.start..(t - 1) * n + rows.end;
    let (demand, output) = (&demand[of_rows.clone()][..m], &output[of_rows][..m]);
    let (sum_stock, sum_order) = (&sum_stock[rows.clone()][..m], &sum_order[rows.clone()][..m]);
    let (rate, to_target) = (&rate[rows.clone()][..m], &mut to_target[rows.clone()][..m]);
    let to_capacity = &mut to_capacity[rows.clone()][..m];
    let nodes = rows.start * W..rows.end * W;
    let (full, unfed) = (&numbers.full[nodes.clone()], &numbers.unfed[nodes.clone()]);
    let (full, unfed) = (&full[..m * W], &unfed[..m * W]);
    let group = &part.group[nodes][..m * W];
    let z = Capacity::of(capacity, *alike);
    let stock = &stock[stock_at * e..][..e];
    let adjoint_before = &mut adjoint_stock[((t - 1) & 1) * e..][..e];
    let market = &mut market_back[if STALLS { first_stall::<W, 4>(part) } else { 0 }..];
    let (quads, singles) = stalls_of::<F, L, W, 4>(market, if STALLS { m } else { 0 });
    let owed = &owed[..if owed.is_empty() { 0 } else { m }];
    let tells = !pull.is_empty();
    let told = if tells { m } else { 0 };
    let (pull, share) = (&mut pull[..told], &mut share[..told]);
    for k in 0..m {
        let (d, x) = (of(&demand[k]), of(&output[k]));
        let mut owed = if owed.is_empty() { zero } else { of(&owed[k]) };
        if STALLS && owing {
            let own = if W == 1 { &quads[k][2] } else { &singles[k] };
            owed = owed + of(own);
        }
        let (sum_s, sum_p) = (of(&sum_stock[k]), of(&sum_order[k]));
        let (inverse, delivered) = (d.gate(one / d), d.gate(x / d));
        let panel = if W == 1 {
            of(&from_panel.as_chunks::<L>().0[group[k] as usize])
        } else {
            let group = &group[k * W..][..W];
            of(&lanes(|l| from_panel[group[l] as usize]))
        };
        let to_output = panel - sum_s + owed * inverse;
        let direct = x.same(d, to_output, zero);
        let to_demand = sum_p - owed * delivered * inverse + direct;
        if tells {
            to_demand.put(&mut pull[k]);
            delivered.put(&mut share[k]);
        }
        if STALLS && W == 1 {
            let quad = &mut quads[k];
            to_demand.put(&mut quad[0]);
            delivered.put(&mut quad[1]);
            quad[2] = [F::ZERO; L];
        } else if STALLS {
            singles[k] = [F::ZERO; L];
        }
        (of(&to_target[k]) + of(&rate[k]) * sum_p).put(&mut to_target[k]);
        let limited = x.same(d, zero, to_output);
        if !limited.any::<L>() {
            to_capacity[k] = [F::ZERO; L];
            continue;
        }
        // Who has no input is limited by capacity alone.
        let unfed = fixed(unfed, k);
        let (z, full) = (of(&z.row(rows.start + k)), fixed(full, k));
        let by_capacity = if scales_inputs {
            unfed
        } else {
            x.same(z * full, one, unfed)
        };
        let mut to_z = by_capacity.gate(limited * full);
        let by_input = by_capacity.same(zero, limited, zero);
        if by_input.any::<L>() {
            let row = links.of(rows.start + k);
            let (mut low, mut through) = (x, by_input);
            if scales_inputs {
                low = stock[row.clone()]
                    .iter()
                    .fold(all(F::INFINITY), |low, s| low.lower(of(s)));
                to_z = to_z + by_input.same(zero, zero, by_input * low);
                through = by_input * z;
            }
            let before = &mut adjoint_before[row.clone()];
            for (s, adjoint) in stock[row].iter().zip(before) {
                // The first of several lowest inputs takes it all.
                let take = of(s).same(low, through, zero);
                (of(adjoint) + take).put(adjoint);
                through = through - take;
            }
        }
        to_z.put(&mut to_capacity[k]);
    }
}

/// Rounds sums to numbers of F.
pub(super) fn round<F: Number>(sums: &mut [f64]) {
    for sum in sums {
        *sum = F::from_f64(*sum).to_f64();
    }
}
