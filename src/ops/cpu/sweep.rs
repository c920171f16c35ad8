//! The inner loops: one pass over a part's links, forward and back, L numbers side by side.
//!
//! Side by side stand L particles (W = 1 node a row), or the same particle's L nodes (W = L). In the
//! first case a link reads L numbers of one supplier, in the second one number each of L suppliers.

use super::Number;

/// Fixed data of a part's links.
#[derive(Clone, Copy)]
pub(super) struct Links<'a, F> {
    /// First row of links of each row of nodes, and their number.
    pub(super) row: &'a [u32],
    /// Stalls of W suppliers a row of links, or places of W letters.
    pub(super) supplier: &'a [u32],
    /// Whether links have letters.
    pub(super) mail: bool,
    /// W coefficients a row of links.
    pub(super) coefficient: &'a [F],
    /// Stalls of suppliers that many buy from.
    pub(super) hubs: &'a [u32],
}

impl<F> Links<'_, F> {
    /// Rows of links of the `i`-th row of nodes.
    #[inline(always)]
    pub(super) fn of(&self, i: usize) -> std::ops::Range<usize> {
        self.row[i] as usize..self.row[i + 1] as usize
    }

    /// Number of rows of links.
    pub(super) fn rows(&self) -> usize {
        self.row.last().map_or(0, |n| *n as usize)
    }
}

/// What the nodes of a part do in a period, one entry per row.
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

/// Row `r` of numbers of nodes or links: the same for all particles, or of W nodes.
#[inline(always)]
pub(super) fn spread<F: Number, const L: usize, const W: usize>(v: &[F], r: usize) -> [F; L] {
    if W == 1 {
        [v[r]; L]
    } else {
        let row = &v[r * W..][..W];
        lanes(|l| row[l])
    }
}

/// Rows of links whose suppliers' numbers are fetched together, where lanes are nodes.
const TILE: usize = 16;

/// The stall of a supplier. The number of stalls is a power of two, so that masking says to the
/// compiler what is known: the position is inside.
#[inline(always)]
fn at(supplier: u32, stalls: usize) -> usize {
    supplier as usize & (stalls - 1)
}

// The loops below take L suppliers at a time, and nothing where there is no stall: the compiler then sees
// that every place is inside, and checks none.

/// Fetches the number of each of L suppliers a row, for up to `TILE` rows.
#[inline(always)]
fn fetch<F: Number, const L: usize>(numbers: &[F], supplier: &[u32], to: &mut [[F; L]; TILE]) {
    if numbers.is_empty() {
        return;
    }
    for (to, supplier) in to.iter_mut().zip(supplier.as_chunks::<L>().0) {
        *to = lanes(|l| numbers[at(supplier[l], numbers.len())]);
    }
}

/// Fetches the two numbers of each of L suppliers a row, for up to `TILE` rows.
#[inline(always)]
fn fetch_pairs<F: Number, const L: usize>(
    pairs: &[F],
    supplier: &[u32],
    to: &mut [[[F; 2]; L]; TILE],
) {
    let pairs = pairs.as_chunks::<2>().0;
    if pairs.is_empty() {
        return;
    }
    for (to, supplier) in to.iter_mut().zip(supplier.as_chunks::<L>().0) {
        *to = lanes(|l| pairs[at(supplier[l], pairs.len())]);
    }
}

/// Adds a number to the sum of each of them. Two suppliers may be the same: one after the other.
#[inline(always)]
fn tell<F: Number, const L: usize>(sums: &mut [F], supplier: &[u32], values: &[[F; L]; TILE]) {
    if sums.is_empty() {
        return;
    }
    for (values, supplier) in values.iter().zip(supplier.as_chunks::<L>().0) {
        for l in 0..L {
            sums[at(supplier[l], sums.len())] += values[l];
        }
    }
}

/// Writes a number into a letter of N for each of them.
#[inline(always)]
fn post<F: Number, const L: usize, const N: usize>(
    letters: &mut [F],
    place: &[u32],
    values: &[[F; L]; TILE],
) {
    let letters = letters.as_chunks_mut::<N>().0;
    if letters.is_empty() {
        return;
    }
    for (values, place) in values.iter().zip(place.as_chunks::<L>().0) {
        for l in 0..L {
            letters[at(place[l], letters.len())][0] = values[l];
        }
    }
}

/// Links after which the sums of hubs are put aside: a small number that is added to a large sum,
/// tens of thousands of times, loses its digits.
const STAGE: usize = 2048;

/// Puts the sums of hubs aside: sum `k` of N in their stalls, or the only one where lanes are nodes.
#[inline(always)]
fn put_aside<F: Number, const L: usize, const W: usize, const N: usize>(
    market: &mut [F],
    k: usize,
    hubs: &[u32],
    aside: &mut [[F; L]],
) {
    if W == 1 {
        let stalls = market.as_chunks_mut::<L>().0.as_chunks_mut::<N>().0;
        for (hub, aside) in hubs.iter().zip(aside) {
            let sum = std::mem::replace(&mut stalls[*hub as usize][k], [F::ZERO; L]);
            *aside = lanes(|l| aside[l] + sum[l]);
        }
    } else {
        for (hub, aside) in hubs.iter().zip(aside.as_flattened_mut()) {
            *aside += std::mem::replace(&mut market[*hub as usize], F::ZERO);
        }
    }
}

/// Adds what was put aside to the sums.
#[inline(always)]
fn bring_back<F: Number, const L: usize, const W: usize, const N: usize>(
    market: &mut [F],
    k: usize,
    hubs: &[u32],
    aside: &mut [[F; L]],
) {
    if W == 1 {
        let stalls = market.as_chunks_mut::<L>().0.as_chunks_mut::<N>().0;
        for (hub, aside) in hubs.iter().zip(aside) {
            let sum = &mut stalls[*hub as usize][k];
            *sum = lanes(|l| sum[l] + aside[l]);
            *aside = [F::ZERO; L];
        }
    } else {
        for (hub, aside) in hubs.iter().zip(aside.as_flattened_mut()) {
            market[*hub as usize] += *aside;
            *aside = F::ZERO;
        }
    }
}

/// Lays one number for each of N kinds side by side for every node, where lanes are particles; where they
/// are nodes there is one sum for each, 0.
#[inline(always)]
fn open<F: Number, const L: usize, const W: usize, const N: usize>(
    market: &mut [F],
    kinds: [Option<&[[F; L]]>; N],
) {
    if W > 1 {
        market.fill(F::ZERO);
        return;
    }
    let nodes = kinds.iter().flatten().map(|v| v.len()).next();
    let nodes = nodes.unwrap_or_default();
    let stalls = &mut market.as_chunks_mut::<L>().0.as_chunks_mut::<N>().0[..nodes];
    for (k, from) in kinds.iter().enumerate() {
        for (i, stall) in stalls.iter_mut().enumerate() {
            stall[k] = from.map_or([F::ZERO; L], |v| v[i]);
        }
    }
}

/// Inventories and orders of one period t: writes the inventory of t and its minimum over each node's
/// inputs, and adds what is ordered to the suppliers' stalls.
///
/// A struct rather than a function: the library that chooses the instruction set inlines the pass
/// into a copy for each.
pub(super) struct Forward<'a, F, const L: usize, const W: usize> {
    pub(super) links: Links<'a, F>,
    pub(super) nodes: Nodes<'a, F, L>,
    /// Output in t, a row per row of the part's nodes.
    pub(super) output: &'a [[F; L]],
    /// Share of its orders that each node delivers in t, of all parts.
    pub(super) share: &'a [[F; L]],
    /// Inventory of t-1.
    pub(super) s1: &'a [[F; L]],
    /// Inventory of t-2, where it is not in `out` itself.
    pub(super) s2: Option<&'a [[F; L]]>,
    pub(super) out: &'a mut [[F; L]],
    pub(super) lowest: &'a mut [[F; L]],
    /// Stalls of all nodes: delivered share, ordered; where lanes are nodes what is ordered alone. Or
    /// letters: read for the share, written with the order.
    pub(super) market: &'a mut [F],
    /// Sums of hubs, 0.
    pub(super) aside: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Forward<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        if !self.links.mail {
            open::<F, L, W, 2>(self.market, [Some(self.share), None]);
        }
        match (self.s2, W > 1 && self.links.mail) {
            (Some(s2), false) => forward::<S, F, L, W, true, false>(self, s2),
            (None, false) => forward::<S, F, L, W, false, false>(self, &[]),
            (Some(s2), true) => forward::<S, F, L, W, true, true>(self, s2),
            (None, true) => forward::<S, F, L, W, false, true>(self, &[]),
        }
    }
}

#[inline(always)]
fn forward<
    S: pulp::Simd,
    F: Number,
    const L: usize,
    const W: usize,
    const APART: bool,
    const MAIL: bool,
>(
    pass: Forward<'_, F, L, W>,
    before: &[[F; L]],
) {
    let Forward {
        links,
        nodes,
        output,
        share,
        s1,
        out,
        lowest,
        market,
        aside,
        ..
    } = pass;
    let share = share.as_flattened();
    let (mut shares, mut orders) = ([[F::ZERO; L]; TILE], [[F::ZERO; L]; TILE]);
    let mut stage = STAGE / W;
    for (i, lowest) in lowest.iter_mut().enumerate() {
        let row = links.of(i);
        if !MAIL && row.start >= stage {
            stage = row.start + STAGE / W;
            put_aside::<F, L, W, 2>(market, 1, links.hubs, aside);
        }
        let (target, rate) = (nodes.target[i], nodes.rate[i]);
        let (d1, d2, x) = (nodes.d1[i], nodes.d2[i], output[i]);
        // (n x0 - s) / tau + D, as level - s / tau: one operation a link.
        let level1: [F; L] = lanes(|l| target[l].fused::<S>(rate[l], d1[l]));
        let level2: [F; L] = lanes(|l| target[l].fused::<S>(rate[l], d2[l]));
        let minus: [F; L] = lanes(|l| F::ZERO - rate[l]);
        let mut low = [F::INFINITY; L];
        let mut link = |s1: &[F; L], s2: &[F; L], share: &[F; L], a: [F; L]| {
            let next: [F; L] = lanes(|l| {
                let ordered = s2[l].fused::<S>(minus[l], level2[l]).positive();
                ordered.fused::<S>(share[l], s1[l] - x[l])
            });
            low = lanes(|l| low[l].lower(next[l]));
            let orders: [F; L] = lanes(|l| s1[l].fused::<S>(minus[l], level1[l]).positive() * a[l]);
            (next, orders)
        };
        if W == 1 {
            let stalls = market.as_chunks_mut::<L>().0.as_chunks_mut::<2>().0;
            let fixed = links.supplier[row.clone()]
                .iter()
                .zip(&links.coefficient[row.clone()]);
            let state = s1[row.clone()].iter().zip(&mut out[row.clone()]);
            let before = if APART { &before[row] } else { before };
            for (k, ((supplier, a), (s1, out))) in fixed.zip(state).enumerate() {
                let s2 = if APART { before[k] } else { *out };
                let here = at(*supplier, stalls.len());
                let stall = &mut stalls[here];
                let (next, orders) = link(s1, &s2, &stall[0], [*a; L]);
                *out = next;
                stall[1] = lanes(|l| stall[1][l] + orders[l]);
            }
        } else {
            for first in row.clone().step_by(TILE) {
                let tile = first..row.end.min(first + TILE);
                let supplier = &links.supplier[tile.start * W..tile.end * W];
                let a = links.coefficient[tile.start * W..tile.end * W]
                    .as_chunks::<L>()
                    .0;
                let told = if MAIL { &*market } else { share };
                fetch::<F, L>(told, supplier, &mut shares);
                let state = s1[tile.clone()].iter().zip(&mut out[tile.clone()]);
                let before = if APART { &before[tile] } else { before };
                let talk = shares.iter().zip(&mut orders).zip(a);
                for (k, ((s1, out), ((share, orders), a))) in state.zip(talk).enumerate() {
                    let s2 = if APART { before[k] } else { *out };
                    (*out, *orders) = link(s1, &s2, share, *a);
                }
                if MAIL {
                    post::<F, L, 1>(market, supplier, &orders);
                } else {
                    tell::<F, L>(market, supplier, &orders);
                }
            }
        }
        *lowest = low;
    }
    if !MAIL {
        bring_back::<F, L, W, 2>(market, 1, links.hubs, aside);
    }
}

/// Where, of so many numbers or rows, the suppliers' sums begin behind the pairs that a part's links read on
/// the way back, where lanes are nodes.
#[inline(always)]
pub(super) fn behind_pairs(all: usize) -> usize {
    all / 3 * 2
}

/// Both of them.
#[inline(always)]
fn apart<F>(market: &mut [F]) -> (&mut [F], &mut [F]) {
    market.split_at_mut(behind_pairs(market.len()))
}

/// One period t back: turns the adjoints of the inventory of t+1 and of the orders of t+1, before
/// their `max`, into those of t, and adds the adjoints of the shares at t to the suppliers' stalls.
pub(super) struct Backward<'a, F, const L: usize, const W: usize> {
    pub(super) links: Links<'a, F>,
    pub(super) nodes: Nodes<'a, F, L>,
    /// Share of its orders that each node delivers in t+1, of all parts.
    pub(super) share: &'a [[F; L]],
    /// Adjoint of demand in t, of all parts.
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
    /// Stalls of all nodes: adjoint of demand at t, delivered share at t+1, adjoint of the share at t, and
    /// nothing; where lanes are nodes pairs of the first two, and behind them the third. Or letters: read
    /// for the first two, written with the third.
    pub(super) market: &'a mut [F],
    /// Sums of hubs, 0.
    pub(super) aside: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Backward<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        if W > 1 && self.links.mail {
            return backward::<S, F, L, W, true>(self);
        }
        if W == 1 {
            open::<F, L, W, 4>(self.market, [Some(self.pull), Some(self.share), None, None]);
        } else {
            let (pairs, sums) = apart(self.market);
            let kinds = self
                .pull
                .as_flattened()
                .iter()
                .zip(self.share.as_flattened());
            for (pair, (pull, share)) in pairs.as_chunks_mut::<2>().0.iter_mut().zip(kinds) {
                *pair = [*pull, *share];
            }
            sums.fill(F::ZERO);
        }
        backward::<S, F, L, W, false>(self);
    }
}

#[inline(always)]
fn backward<S: pulp::Simd, F: Number, const L: usize, const W: usize, const MAIL: bool>(
    pass: Backward<'_, F, L, W>,
) {
    let Backward {
        links,
        nodes,
        s1,
        s2,
        inventory,
        order,
        market,
        aside,
        ..
    } = pass;
    let (pairs, market) = if W > 1 && !MAIL {
        apart(market)
    } else {
        (&mut [][..], market)
    };
    let (mut talk, mut owed) = ([[[F::ZERO; 2]; L]; TILE], [[F::ZERO; L]; TILE]);
    let mut stage = STAGE / W;
    for i in 0..pass.sum_inventory.len() {
        let row = links.of(i);
        if !MAIL && row.start >= stage {
            stage = row.start + STAGE / W;
            put_aside::<F, L, W, 4>(market, 2, links.hubs, aside);
        }
        let (target, rate) = (nodes.target[i], nodes.rate[i]);
        let (d1, d2) = (nodes.d1[i], nodes.d2[i]);
        let level1: [F; L] = lanes(|l| target[l].fused::<S>(rate[l], d1[l]));
        let level2: [F; L] = lanes(|l| target[l].fused::<S>(rate[l], d2[l]));
        let minus: [F; L] = lanes(|l| F::ZERO - rate[l]);
        let (mut sum_s, mut sum_p, mut sum_r) = ([F::ZERO; L], [F::ZERO; L], pass.to_rate[i]);
        let mut link = |(s1, s2): (&[F; L], &[F; L]),
                        (inv, ord): (&mut [F; L], &mut [F; L]),
                        (pull, share): (&[F; L], &[F; L]),
                        a: [F; L]| {
            let next: [F; L] = lanes(|l| ord[l].fused::<S>(minus[l], inv[l]));
            let asked: [F; L] = lanes(|l| {
                let pulled = inv[l].fused::<S>(share[l], a[l] * pull[l]);
                s1[l].fused::<S>(minus[l], level1[l]).gate(pulled)
            });
            sum_s = lanes(|l| sum_s[l] + next[l]);
            sum_p = lanes(|l| sum_p[l] + asked[l]);
            sum_r = lanes(|l| asked[l].fused::<S>(target[l] - s1[l], sum_r[l]));
            *inv = next;
            *ord = asked;
            let owed: [F; L] =
                lanes(|l| next[l] * s2[l].fused::<S>(minus[l], level2[l]).positive());
            owed
        };
        if W == 1 {
            let stalls = market.as_chunks_mut::<L>().0.as_chunks_mut::<4>().0;
            let fixed = links.supplier[row.clone()]
                .iter()
                .zip(&links.coefficient[row.clone()]);
            let past = s1[row.clone()].iter().zip(&s2[row.clone()]);
            let adjoint = inventory[row.clone()].iter_mut().zip(&mut order[row]);
            for (((supplier, a), past), adjoint) in fixed.zip(past).zip(adjoint) {
                let here = at(*supplier, stalls.len());
                let stall = &mut stalls[here];
                let owed = link(past, adjoint, (&stall[0], &stall[1]), [*a; L]);
                stall[2] = lanes(|l| stall[2][l] + owed[l]);
            }
        } else {
            for first in row.clone().step_by(TILE) {
                let tile = first..row.end.min(first + TILE);
                let supplier = &links.supplier[tile.start * W..tile.end * W];
                let a = links.coefficient[tile.start * W..tile.end * W]
                    .as_chunks::<L>()
                    .0;
                let told = if MAIL { &*market } else { &*pairs };
                fetch_pairs::<F, L>(told, supplier, &mut talk);
                let past = s1[tile.clone()].iter().zip(&s2[tile.clone()]);
                let adjoint = inventory[tile.clone()].iter_mut().zip(&mut order[tile]);
                let talk = talk.iter().zip(a.iter().zip(&mut owed));
                for ((past, adjoint), (talk, (a, owed))) in past.zip(adjoint).zip(talk) {
                    let (pull, share) = (lanes(|l| talk[l][0]), lanes(|l| talk[l][1]));
                    *owed = link(past, adjoint, (&pull, &share), *a);
                }
                if MAIL {
                    post::<F, L, 2>(market, supplier, &owed);
                } else {
                    tell::<F, L>(market, supplier, &owed);
                }
            }
        }
        pass.sum_inventory[i] = sum_s;
        pass.sum_order[i] = sum_p;
        pass.to_rate[i] = sum_r;
    }
    if !MAIL {
        bring_back::<F, L, W, 4>(market, 2, links.hubs, aside);
    }
}
