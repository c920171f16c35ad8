//! The inner loops: one pass over a part's links, forward and back, for L particles side by side.

use super::Number;

/// What a link reads of its supplier, and what it adds there, side by side: one memory access.
pub(super) type Stall<F, const L: usize, const N: usize> = [[F; L]; N];

/// Fixed data of a part's links.
#[derive(Clone, Copy)]
pub(super) struct Links<'a, F> {
    /// First link of each node, and the end, counted from the network's first link.
    pub(super) row: &'a [u32],
    pub(super) supplier: &'a [u32],
    pub(super) coefficient: &'a [F],
}

impl<F> Links<'_, F> {
    /// Links of the part's `i`-th node, counted from the part's first link.
    #[inline(always)]
    pub(super) fn of(&self, i: usize) -> std::ops::Range<usize> {
        (self.row[i] - self.row[0]) as usize..(self.row[i + 1] - self.row[0]) as usize
    }
}

/// What the nodes of a part do in a period, one entry per node.
#[derive(Clone, Copy)]
pub(super) struct Nodes<'a, F, const L: usize> {
    /// Target inventory n x0.
    pub(super) target: &'a [[F; L]],
    /// 1 / adjustment time.
    pub(super) rate: &'a [[F; L]],
    /// Demand received one period before.
    pub(super) d1: &'a [[F; L]],
    /// Demand received two periods before.
    pub(super) d2: &'a [[F; L]],
}

#[inline(always)]
pub(super) fn lanes<F, const L: usize>(f: impl Fn(usize) -> F) -> [F; L] {
    std::array::from_fn(f)
}

/// Inventories and orders of one period t: writes the inventory of t and its minimum over each node's
/// inputs, and adds what is ordered to the suppliers' stalls.
///
/// A struct rather than a function: the library that chooses the instruction set inlines the pass
/// into a copy for each.
pub(super) struct Forward<'a, F, const L: usize> {
    pub(super) links: Links<'a, F>,
    pub(super) nodes: Nodes<'a, F, L>,
    /// Output in t, `[node of the part]`.
    pub(super) output: &'a [[F; L]],
    /// Share of its orders that each node delivers in t, `[node]`.
    pub(super) share: &'a [[F; L]],
    /// Inventory of t-1.
    pub(super) s1: &'a [[F; L]],
    /// Inventory of t-2, where it is not in `out` itself.
    pub(super) s2: Option<&'a [[F; L]]>,
    pub(super) out: &'a mut [[F; L]],
    pub(super) lowest: &'a mut [[F; L]],
    /// Stalls `[delivered share, ordered]`.
    pub(super) market: &'a mut [Stall<F, L, 2>],
}

impl<F: Number, const L: usize> pulp::WithSimd for Forward<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for (stall, share) in self.market.iter_mut().zip(self.share) {
            *stall = [*share, [F::ZERO; L]];
        }
        match self.s2 {
            Some(s2) => forward::<S, F, L, true>(self, s2),
            None => forward::<S, F, L, false>(self, &[]),
        }
    }
}

#[inline(always)]
fn forward<S: pulp::Simd, F: Number, const L: usize, const APART: bool>(
    pass: Forward<'_, F, L>,
    before: &[[F; L]],
) {
    let Forward {
        links,
        nodes,
        output,
        s1,
        out,
        lowest,
        market,
        ..
    } = pass;
    for (i, lowest) in lowest.iter_mut().enumerate() {
        let row = links.of(i);
        let (target, rate) = (nodes.target[i], nodes.rate[i]);
        let (d1, d2, x) = (nodes.d1[i], nodes.d2[i], output[i]);
        // (n x0 - s) / tau + D, as level - s / tau: one operation a link.
        let level1: [F; L] = lanes(|l| target[l].fused::<S>(rate[l], d1[l]));
        let level2: [F; L] = lanes(|l| target[l].fused::<S>(rate[l], d2[l]));
        let minus: [F; L] = lanes(|l| F::ZERO - rate[l]);
        let mut low = [F::INFINITY; L];
        let fixed = links.supplier[row.clone()]
            .iter()
            .zip(&links.coefficient[row.clone()]);
        let state = s1[row.clone()].iter().zip(&mut out[row.clone()]);
        let before = if APART { &before[row] } else { before };
        for (k, ((supplier, a), (s1, out))) in fixed.zip(state).enumerate() {
            let s2 = if APART { before[k] } else { *out };
            let stall = &mut market[*supplier as usize];
            let next: [F; L] = lanes(|l| {
                let ordered = s2[l].fused::<S>(minus[l], level2[l]).positive();
                ordered.fused::<S>(stall[0][l], s1[l] - x[l])
            });
            *out = next;
            low = lanes(|l| low[l].lower(next[l]));
            stall[1] = lanes(|l| {
                let orders = s1[l].fused::<S>(minus[l], level1[l]).positive();
                orders.fused::<S>(*a, stall[1][l])
            });
        }
        *lowest = low;
    }
}

/// One period t back: turns the adjoints of the inventory of t+1 and of the orders of t+1, before
/// their `max`, into those of t, and adds the adjoints of the shares at t to the suppliers' stalls.
pub(super) struct Backward<'a, F, const L: usize> {
    pub(super) links: Links<'a, F>,
    pub(super) nodes: Nodes<'a, F, L>,
    /// Share of its orders that each node delivers in t+1, `[node]`.
    pub(super) share: &'a [[F; L]],
    /// Adjoint of demand in t, `[node]`.
    pub(super) pull: &'a [[F; L]],
    /// Inventories of t-1 and t-2.
    pub(super) s1: &'a [[F; L]],
    pub(super) s2: &'a [[F; L]],
    pub(super) inventory: &'a mut [[F; L]],
    pub(super) order: &'a mut [[F; L]],
    /// Sums of the two adjoints over a node's inputs.
    pub(super) sum_inventory: &'a mut [[F; L]],
    pub(super) sum_order: &'a mut [[F; L]],
    /// Adjoint of 1 / adjustment time, accumulated over periods.
    pub(super) to_rate: &'a mut [[F; L]],
    /// Stalls `[adjoint of demand at t, delivered share at t+1, adjoint of the share at t]`.
    pub(super) market: &'a mut [Stall<F, L, 3>],
}

impl<F: Number, const L: usize> pulp::WithSimd for Backward<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            links,
            nodes,
            s1,
            s2,
            inventory,
            order,
            market,
            ..
        } = self;
        for ((stall, share), pull) in market.iter_mut().zip(self.share).zip(self.pull) {
            *stall = [*pull, *share, [F::ZERO; L]];
        }
        for i in 0..self.sum_inventory.len() {
            let row = links.of(i);
            let (target, rate) = (nodes.target[i], nodes.rate[i]);
            let (d1, d2) = (nodes.d1[i], nodes.d2[i]);
            let level1: [F; L] = lanes(|l| target[l].fused::<S>(rate[l], d1[l]));
            let level2: [F; L] = lanes(|l| target[l].fused::<S>(rate[l], d2[l]));
            let minus: [F; L] = lanes(|l| F::ZERO - rate[l]);
            let (mut sum_s, mut sum_p, mut sum_r) = ([F::ZERO; L], [F::ZERO; L], self.to_rate[i]);
            let fixed = links.supplier[row.clone()]
                .iter()
                .zip(&links.coefficient[row.clone()]);
            let past = s1[row.clone()].iter().zip(&s2[row.clone()]);
            let adjoint = inventory[row.clone()].iter_mut().zip(&mut order[row]);
            for (((supplier, a), (s1, s2)), (inv, ord)) in fixed.zip(past).zip(adjoint) {
                let stall = &mut market[*supplier as usize];
                let gap: [F; L] = lanes(|l| target[l] - s1[l]);
                let next: [F; L] = lanes(|l| ord[l].fused::<S>(minus[l], inv[l]));
                let asked: [F; L] = lanes(|l| {
                    let pulled = inv[l].fused::<S>(stall[1][l], *a * stall[0][l]);
                    s1[l].fused::<S>(minus[l], level1[l]).gate(pulled)
                });
                stall[2] = lanes(|l| {
                    let before = s2[l].fused::<S>(minus[l], level2[l]).positive();
                    next[l].fused::<S>(before, stall[2][l])
                });
                sum_s = lanes(|l| sum_s[l] + next[l]);
                sum_p = lanes(|l| sum_p[l] + asked[l]);
                sum_r = lanes(|l| asked[l].fused::<S>(gap[l], sum_r[l]));
                *inv = next;
                *ord = asked;
            }
            self.sum_inventory[i] = sum_s;
            self.sum_order[i] = sum_p;
            self.to_rate[i] = sum_r;
        }
    }
}
