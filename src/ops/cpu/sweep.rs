//! The inner loops: one pass over a part's links, forward and back, L numbers side by side.
//!
//! Side by side stand L particles (W = 1 node a row), or the same particle's L nodes (W = L). In the
//! first case a link reads L numbers of one supplier, in the second one number each of L suppliers.

use super::super::plan::AHEAD;
use super::Number;
use super::rows::LINE;
use super::vector::Vector;
use prefetch_index::prefetch_index;

/// Fixed data of a part's links.
#[derive(Clone, Copy)]
pub(super) struct Links<'a, F> {
    /// First row of links of each row of nodes, and their number.
    pub(super) row: &'a [u32],
    /// Stalls of W suppliers a row of links.
    pub(super) supplier: &'a [u16],
    /// Or places of W letters, or of a stall where lanes are particles; and of `AHEAD` rows more.
    pub(super) place: &'a [u32],
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

    /// W places of each row of links, and those to be asked for meanwhile.
    #[inline(always)]
    fn places<const W: usize>(&self) -> (&[[u32; W]], &[[u32; W]]) {
        let places = self.place.as_chunks::<W>().0;
        let rows = places.len() - AHEAD;
        (&places[..rows], &places[AHEAD..][..rows])
    }

    /// Whether what suppliers tell is asked for ahead. Where lanes are nodes it is in letters then.
    fn far<const W: usize>(&self, last: usize) -> bool {
        if W == 1 { last >= NEAR } else { self.mail }
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

/// Places of a table that u16 can name: the compiler then sees that every place is inside, and checks none. What is
/// never touched costs no memory.
pub(super) const PLACES: usize = 1 << 16;

/// A table of what nodes have.
#[inline(always)]
fn table<T>(places: &[T]) -> &[T; PLACES] {
    places.first_chunk().expect("a place for every u16")
}

#[inline(always)]
fn table_mut<T>(places: &mut [T]) -> &mut [T; PLACES] {
    places.first_chunk_mut().expect("a place for every u16")
}

/// Takes L numbers from their places in a table.
#[inline(always)]
fn fetch<S: pulp::Simd, F: Number, const L: usize>(
    simd: S,
    table: &[F; PLACES],
    places: &[u16; L],
) -> Vector<S, F> {
    Vector::of(simd, &lanes::<F, L>(|l| table[places[l] as usize]))
}

/// Adds L numbers to those at their places. Two places may be the same: one after the other.
#[inline(always)]
fn tell<S: pulp::Simd, F: Number, const L: usize>(
    values: Vector<S, F>,
    table: &mut [F; PLACES],
    places: &[u16; L],
) {
    let mut row = [F::ZERO; L];
    values.put(&mut row);
    for l in 0..L {
        table[places[l] as usize] += row[l];
    }
}

/// Letters or stalls up to the `last`, whose number is a power of two: with a place masked by it the compiler sees that
/// it is inside, and checks none. For this it must not see where `last` comes from.
#[inline(always)]
fn up_to<T>(places: &mut [T], last: usize) -> &mut [T] {
    debug_assert!((last + 1).is_power_of_two());
    &mut places[..=last]
}

/// A place masked so.
#[inline(always)]
fn at(place: u32, last: usize) -> usize {
    place as usize & last
}

/// Asks memory for what is at a place, of `each` rows, line by line.
#[inline(always)]
fn ask<T>(rows: &[T], place: u32, each: usize) {
    let line = (LINE / size_of::<T>()).max(1);
    for k in (0..each).step_by(line) {
        prefetch_index(rows, place as usize * each + k);
    }
}

/// Reads number `k` of N in L letters.
#[inline(always)]
fn open<S: pulp::Simd, F: Number, const L: usize, const N: usize>(
    simd: S,
    (letters, last): (&[[F; N]], usize),
    places: &[u32; L],
    k: usize,
) -> Vector<S, F> {
    Vector::of(simd, &lanes::<F, L>(|l| letters[at(places[l], last)][k]))
}

/// Writes the first number of N in L letters.
#[inline(always)]
fn post<S: pulp::Simd, F: Number, const L: usize, const N: usize>(
    values: Vector<S, F>,
    (letters, last): (&mut [[F; N]], usize),
    places: &[u32; L],
) {
    let mut row = [F::ZERO; L];
    values.put(&mut row);
    for l in 0..L {
        letters[at(places[l], last)][0] = row[l];
    }
}

/// Stalls that stay in the cache: nobody asks for them ahead.
const NEAR: usize = 512;

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
    /// Stalls of all nodes: delivered share, ordered, 0 so far; where lanes are nodes what is ordered alone. Or
    /// letters: read for the share, written with the order.
    pub(super) market: &'a mut [F],
    /// The last of these stalls or letters.
    pub(super) last: usize,
    /// Sums of hubs, 0.
    pub(super) aside: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Forward<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        match (self.s2, self.links.far::<W>(self.last)) {
            (Some(s2), false) => forward::<S, F, L, W, true, false>(simd, self, s2),
            (None, false) => forward::<S, F, L, W, false, false>(simd, self, &[]),
            (Some(s2), true) => forward::<S, F, L, W, true, true>(simd, self, s2),
            (None, true) => forward::<S, F, L, W, false, true>(simd, self, &[]),
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
    const FAR: bool,
>(
    simd: S,
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
        last,
        aside,
        ..
    } = pass;
    let of = |row: &[F; L]| Vector::of(simd, row);
    let zero = Vector::all(simd, F::ZERO);
    // Else links have letters.
    let stalls = W == 1 || !FAR;
    // As many of each: with one place inside the compiler sees that all are.
    let (n, e) = (lowest.len(), links.rows());
    let (target, rate) = (&nodes.target[..n], &nodes.rate[..n]);
    let (d1, d2, output) = (&nodes.d1[..n], &nodes.d2[..n], &output[..n]);
    let ends = &links.row[1..][..n];
    let (s1, out) = (&s1[..e], &mut out[..e]);
    let before = if APART { &before[..e] } else { before };
    let mut stage = STAGE / W;
    let mut first = 0;
    for i in 0..n {
        let row = first..(ends[i] as usize).min(e);
        first = row.end;
        if stalls && row.start >= stage {
            stage = row.start + STAGE / W;
            put_aside::<F, L, W, 2>(market, 1, links.hubs, aside);
        }
        let (target, rate) = (of(&target[i]), of(&rate[i]));
        let x = of(&output[i]);
        // (n x0 - s) / tau + D, as level - s / tau: one operation a link.
        let level1 = target.fused(rate, of(&d1[i]));
        let level2 = target.fused(rate, of(&d2[i]));
        let minus = zero - rate;
        let mut low = Vector::all(simd, F::INFINITY);
        // What is ordered, in units of the buyer's output.
        let mut link = |k: usize, share: Vector<S, F>| {
            let s2 = of(if APART { &before[k] } else { &out[k] });
            let s1 = of(&s1[k]);
            let ordered = s2.fused(minus, level2).positive();
            let next = ordered.fused(share, s1 - x);
            low = low.lower(next);
            next.put(&mut out[k]);
            s1.fused(minus, level1).positive()
        };
        if W == 1 {
            let stalls = up_to(market.as_chunks_mut::<L>().0.as_chunks_mut::<2>().0, last);
            let (places, ahead) = links.places::<1>();
            let (places, ahead) = (&places[..e], &ahead[..e]);
            let a = &links.coefficient[..e];
            for k in row {
                if FAR {
                    ask(stalls.as_flattened(), ahead[k][0], 2);
                }
                let stall = &mut stalls[at(places[k][0], last)];
                let orders = link(k, of(&stall[0]));
                let sum = orders.fused(Vector::all(simd, a[k]), of(&stall[1]));
                sum.put(&mut stall[1]);
            }
        } else if FAR {
            let letters = up_to(market.as_chunks_mut::<1>().0, last);
            let (places, ahead) = links.places::<L>();
            let (places, ahead) = (&places[..e], &ahead[..e]);
            let a = &links.coefficient.as_chunks::<L>().0[..e];
            for k in row {
                ahead[k].iter().for_each(|place| ask(letters, *place, 1));
                let share = open(simd, (letters, last), &places[k], 0);
                let orders = link(k, share) * of(&a[k]);
                post(orders, (letters, last), &places[k]);
            }
        } else {
            let share = table(share.as_flattened());
            let sums = table_mut(market);
            let suppliers = &links.supplier.as_chunks::<L>().0[..e];
            let a = &links.coefficient.as_chunks::<L>().0[..e];
            for k in row {
                let orders = link(k, fetch(simd, share, &suppliers[k])) * of(&a[k]);
                tell(orders, sums, &suppliers[k]);
            }
        }
        low.put(&mut lowest[i]);
    }
    if stalls {
        bring_back::<F, L, W, 2>(market, 1, links.hubs, aside);
    }
}

/// One period t back: from the adjoints of the inventories of t+1 and t makes that of t-1, by way of the orders that t-1
/// leads to in t, and adds the adjoints of the shares at t to the suppliers' stalls.
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
    /// Adjoint of the inventory of t.
    pub(super) now: &'a [[F; L]],
    /// Of t+1, and takes that of t-1.
    pub(super) out: &'a mut [[F; L]],
    /// Sums over a node's inputs: of the adjoints of the inventories of t, and of the orders of t before their `max`.
    pub(super) sum_inventory: &'a mut [[F; L]],
    pub(super) sum_order: &'a mut [[F; L]],
    /// Adjoint of 1 / adjustment time, accumulated over periods.
    pub(super) to_rate: &'a mut [[F; L]],
    /// Stalls of all nodes: adjoint of demand at t, delivered share at t+1, adjoint of the share at t, 0 so far, and
    /// nothing; where lanes are nodes the third alone. Or letters: read for the first two, written with the third.
    pub(super) market: &'a mut [F],
    /// The last of these stalls or letters.
    pub(super) last: usize,
    /// Sums of hubs, 0.
    pub(super) aside: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Backward<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        if self.links.far::<W>(self.last) {
            backward::<S, F, L, W, true>(simd, self);
        } else {
            backward::<S, F, L, W, false>(simd, self);
        }
    }
}

#[inline(always)]
fn backward<S: pulp::Simd, F: Number, const L: usize, const W: usize, const FAR: bool>(
    simd: S,
    pass: Backward<'_, F, L, W>,
) {
    let Backward {
        links,
        nodes,
        share,
        pull,
        s1,
        s2,
        now,
        out,
        market,
        last,
        aside,
        ..
    } = pass;
    let of = |row: &[F; L]| Vector::of(simd, row);
    let zero = Vector::all(simd, F::ZERO);
    // Else links have letters.
    let stalls = W == 1 || !FAR;
    // As many of each: with one place inside the compiler sees that all are.
    let (n, e) = (pass.sum_inventory.len(), links.rows());
    let (target, rate) = (&nodes.target[..n], &nodes.rate[..n]);
    let (d1, d2) = (&nodes.d1[..n], &nodes.d2[..n]);
    let (sum_order, to_rate) = (&mut pass.sum_order[..n], &mut pass.to_rate[..n]);
    let ends = &links.row[1..][..n];
    let (s1, s2) = (&s1[..e], &s2[..e]);
    let (now, out) = (&now[..e], &mut out[..e]);
    let mut stage = STAGE / W;
    let mut first = 0;
    for i in 0..n {
        let row = first..(ends[i] as usize).min(e);
        first = row.end;
        if stalls && row.start >= stage {
            stage = row.start + STAGE / W;
            put_aside::<F, L, W, 4>(market, 2, links.hubs, aside);
        }
        let (target, rate) = (of(&target[i]), of(&rate[i]));
        let level1 = target.fused(rate, of(&d1[i]));
        let level2 = target.fused(rate, of(&d2[i]));
        let minus = zero - rate;
        let (mut sum_s, mut sum_p, mut sum_r) = (zero, zero, of(&to_rate[i]));
        // Two factors of what is owed for the share.
        let mut link = |k: usize, (pull, share): (Vector<S, F>, Vector<S, F>), a: Vector<S, F>| {
            let (s1, s2, now) = (of(&s1[k]), of(&s2[k]), of(&now[k]));
            let pulled = of(&out[k]).fused(share, a * pull);
            let asked = s1.fused(minus, level1).gate(pulled);
            sum_s = sum_s + now;
            sum_p = sum_p + asked;
            sum_r = asked.fused(target - s1, sum_r);
            asked.fused(minus, now).put(&mut out[k]);
            (now, s2.fused(minus, level2).positive())
        };
        if W == 1 {
            let stalls = up_to(market.as_chunks_mut::<L>().0.as_chunks_mut::<4>().0, last);
            let (places, ahead) = links.places::<1>();
            let (places, ahead) = (&places[..e], &ahead[..e]);
            let a = &links.coefficient[..e];
            for k in row {
                if FAR {
                    ask(stalls.as_flattened(), ahead[k][0], 4);
                }
                let stall = &mut stalls[at(places[k][0], last)];
                let told = (of(&stall[0]), of(&stall[1]));
                let (now, ordered) = link(k, told, Vector::all(simd, a[k]));
                now.fused(ordered, of(&stall[2])).put(&mut stall[2]);
            }
        } else if FAR {
            let letters = up_to(market.as_chunks_mut::<2>().0, last);
            let (places, ahead) = links.places::<L>();
            let (places, ahead) = (&places[..e], &ahead[..e]);
            let a = &links.coefficient.as_chunks::<L>().0[..e];
            for k in row {
                ahead[k].iter().for_each(|place| ask(letters, *place, 1));
                let told = (
                    open(simd, (letters, last), &places[k], 0),
                    open(simd, (letters, last), &places[k], 1),
                );
                let (now, ordered) = link(k, told, of(&a[k]));
                post(now * ordered, (letters, last), &places[k]);
            }
        } else {
            let (pull, share) = (table(pull.as_flattened()), table(share.as_flattened()));
            let sums = table_mut(market);
            let suppliers = &links.supplier.as_chunks::<L>().0[..e];
            let a = &links.coefficient.as_chunks::<L>().0[..e];
            for k in row {
                let of_k = &suppliers[k];
                let told = (fetch(simd, pull, of_k), fetch(simd, share, of_k));
                let (now, ordered) = link(k, told, of(&a[k]));
                tell(now * ordered, sums, of_k);
            }
        }
        sum_s.put(&mut pass.sum_inventory[i]);
        sum_p.put(&mut sum_order[i]);
        sum_r.put(&mut to_rate[i]);
    }
    if stalls {
        bring_back::<F, L, W, 4>(market, 2, links.hubs, aside);
    }
}
