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

/// Inventories and orders of one period t. `s1` is the inventory of t-1; that of t-2 is in `s2`, or
/// in `out` itself where `s2` is None. Writes the inventory of t to `out` and its minimum over each
/// node's inputs to `lowest`; adds what is ordered to the suppliers' stalls, `[delivered share,
/// ordered]`.
#[inline(always)]
pub(super) fn forward<F: Number, const L: usize>(
    links: Links<'_, F>,
    nodes: Nodes<'_, F, L>,
    output: &[[F; L]],
    s1: &[[F; L]],
    s2: Option<&[[F; L]]>,
    out: &mut [[F; L]],
    lowest: &mut [[F; L]],
    market: &mut [Stall<F, L, 2>],
) {
    for (i, lowest) in lowest.iter_mut().enumerate() {
        let row = links.of(i);
        let (target, rate) = (nodes.target[i], nodes.rate[i]);
        let (d1, d2, x) = (nodes.d1[i], nodes.d2[i], output[i]);
        let mut low = [F::INFINITY; L];
        let fixed = links.supplier[row.clone()]
            .iter()
            .zip(&links.coefficient[row.clone()]);
        let state = s1[row.clone()].iter().zip(&mut out[row.clone()]);
        let before = s2.map(|s| &s[row]);
        for (k, ((supplier, a), (s1, out))) in fixed.zip(state).enumerate() {
            let s2 = before.map_or(*out, |s| s[k]);
            let stall = &mut market[*supplier as usize];
            let next: [F; L] = lanes(|l| {
                let ordered = (d2[l] + (target[l] - s2[l]) * rate[l]).positive();
                (s1[l] - x[l]) + ordered * stall[0][l]
            });
            *out = next;
            low = lanes(|l| low[l].lower(next[l]));
            stall[1] =
                lanes(|l| stall[1][l] + *a * (d1[l] + (target[l] - s1[l]) * rate[l]).positive());
        }
        *lowest = low;
    }
}

/// Sums over a node's inputs that its own adjoint needs.
pub(super) struct Sums<'a, F, const L: usize> {
    /// Adjoint of the inventories.
    pub(super) inventory: &'a mut [[F; L]],
    /// Adjoint of the orders.
    pub(super) order: &'a mut [[F; L]],
    /// Adjoint of 1 / adjustment time, accumulated over periods.
    pub(super) rate: &'a mut [[F; L]],
}

/// One period t back. `s1` and `s2` are the inventories of t-1 and t-2. `inventory` and `order` hold
/// the adjoints of the inventory of t+1 and of the orders of t+1, before their `max`, and take those
/// of t. Stalls are `[adjoint of demand at t, delivered share at t+1, adjoint of the share at t]`.
#[inline(always)]
pub(super) fn backward<F: Number, const L: usize>(
    links: Links<'_, F>,
    nodes: Nodes<'_, F, L>,
    s1: &[[F; L]],
    s2: &[[F; L]],
    inventory: &mut [[F; L]],
    order: &mut [[F; L]],
    sums: Sums<'_, F, L>,
    market: &mut [Stall<F, L, 3>],
) {
    for i in 0..sums.inventory.len() {
        let row = links.of(i);
        let (target, rate) = (nodes.target[i], nodes.rate[i]);
        let (d1, d2) = (nodes.d1[i], nodes.d2[i]);
        let (mut sum_s, mut sum_p, mut sum_r) = ([F::ZERO; L], [F::ZERO; L], sums.rate[i]);
        let fixed = links.supplier[row.clone()]
            .iter()
            .zip(&links.coefficient[row.clone()]);
        let past = s1[row.clone()].iter().zip(&s2[row.clone()]);
        let adjoint = inventory[row.clone()].iter_mut().zip(&mut order[row]);
        for (((supplier, a), (s1, s2)), (inv, ord)) in fixed.zip(past).zip(adjoint) {
            let stall = &mut market[*supplier as usize];
            let gap: [F; L] = lanes(|l| target[l] - s1[l]);
            let next: [F; L] = lanes(|l| inv[l] - rate[l] * ord[l]);
            let asked: [F; L] = lanes(|l| {
                let pulled = *a * stall[0][l] + inv[l] * stall[1][l];
                (d1[l] + gap[l] * rate[l]).gate(pulled)
            });
            stall[2] = lanes(|l| {
                let before = (d2[l] + (target[l] - s2[l]) * rate[l]).positive();
                stall[2][l] + next[l] * before
            });
            sum_s = lanes(|l| sum_s[l] + next[l]);
            sum_p = lanes(|l| sum_p[l] + asked[l]);
            sum_r = lanes(|l| sum_r[l] + asked[l] * gap[l]);
            *inv = next;
            *ord = asked;
        }
        sums.inventory[i] = sum_s;
        sums.order[i] = sum_p;
        sums.rate[i] = sum_r;
    }
}
