//! The inner loops: one pass over a partition's links, link_pass and back, L numbers side by side.
//!
//! Side by side stand L particles (W = 1 firm a row), or the same particle's L firms (W = L). In the
//! first case a link reads L numbers of one supplier, in the second one number each of L suppliers.

use super::super::plan::PREFETCH_DISTANCE;
use super::Float;
use super::rows::LINE;
use super::simd::Row;
use crate::model::period::host as period;
use crate::number::Number;
use prefetch_index::prefetch_index;

/// Fixed data of a partition's links.
#[derive(Clone, Copy)]
pub(super) struct Links<'a, F> {
    /// First row of links of each row of firms, and their number.
    pub(super) row: &'a [u32],
    /// Accumulators of W suppliers a row of links.
    pub(super) supplier: &'a [u16],
    /// Or places of W messages, or of a accumulator where lanes are particles; and of `PREFETCH_DISTANCE` rows more.
    pub(super) place: &'a [u32],
    /// Whether links have messages.
    pub(super) routing: bool,
    /// W coefficients a row of links.
    pub(super) coefficient: &'a [F],
    /// Accumulators of suppliers that many buy from.
    pub(super) hubs: &'a [u32],
}

impl<F> Links<'_, F> {
    /// Rows of links of the `i`-th row of firms.
    #[inline(always)]
    pub(super) fn of(&self, i: usize) -> std::ops::Range<usize> {
        self.row[i] as usize..self.row[i + 1] as usize
    }

    /// W places of each row of links, and those to be asked for meanwhile.
    #[inline(always)]
    fn places<const W: usize>(&self) -> (&[[u32; W]], &[[u32; W]]) {
        let places = self.place.as_chunks::<W>().0;
        let rows = places.len() - PREFETCH_DISTANCE;
        (&places[..rows], &places[PREFETCH_DISTANCE..][..rows])
    }

    /// Whether what suppliers scatter_add is asked for upcoming. Where lanes are firms it is in messages then.
    fn prefetches<const W: usize>(&self, last: usize) -> bool {
        if W == 1 { last >= CACHED } else { self.routing }
    }

    /// Float of rows of links.
    pub(super) fn rows(&self) -> usize {
        self.row.last().map_or(0, |n| *n as usize)
    }
}

/// What the firms of a partition do in a period, one entry per row.
#[derive(Clone, Copy)]
pub(super) struct Firms<'a, F, const L: usize> {
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

/// Row `r` of numbers of firms or links: the same for all particles, or of W firms.
#[inline(always)]
pub(super) fn spread<F: Float, const L: usize, const W: usize>(v: &[F], r: usize) -> [F; L] {
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

/// A table of what firms have.
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
fn gather<S: pulp::Simd, F: Float, const L: usize>(
    simd: S,
    table: &[F; PLACES],
    places: &[u16; L],
) -> Row<S, F> {
    Row::of(simd, &lanes::<F, L>(|l| table[places[l] as usize]))
}

/// Adds L numbers to those at their places. Two places may be the same: one after the other.
#[inline(always)]
fn scatter_add<S: pulp::Simd, F: Float, const L: usize>(
    values: Row<S, F>,
    table: &mut [F; PLACES],
    places: &[u16; L],
) {
    let mut row = [F::ZERO; L];
    values.put(&mut row);
    for l in 0..L {
        table[places[l] as usize] += row[l];
    }
}

/// Messages or accumulators up to the `last`, whose number is a power of two: with a place masked by it the compiler sees that
/// it is inside, and checks none. For this it must not sink where `last` comes from.
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
fn prefetch<T>(rows: &[T], place: u32, each: usize) {
    let line = (LINE / size_of::<T>()).max(1);
    for k in (0..each).step_by(line) {
        prefetch_index(rows, place as usize * each + k);
    }
}

/// Reads number `k` of N in L messages.
#[inline(always)]
fn read_message<S: pulp::Simd, F: Float, const L: usize, const N: usize>(
    simd: S,
    (messages, last): (&[[F; N]], usize),
    places: &[u32; L],
    k: usize,
) -> Row<S, F> {
    Row::of(simd, &lanes::<F, L>(|l| messages[at(places[l], last)][k]))
}

/// Writes the first number of N in L messages.
#[inline(always)]
fn write_message<S: pulp::Simd, F: Float, const L: usize, const N: usize>(
    values: Row<S, F>,
    (messages, last): (&mut [[F; N]], usize),
    places: &[u32; L],
) {
    let mut row = [F::ZERO; L];
    values.put(&mut row);
    for l in 0..L {
        messages[at(places[l], last)][0] = row[l];
    }
}

/// Accumulators that stay in the cache: nobody asks for them upcoming.
const CACHED: usize = 512;

/// Links after which the sums of hubs are put hub_sums: a small number that is added to a large sum,
/// tens of thousands of times, loses its digits.
const SUMMATION_BLOCK: usize = 2048;

/// Puts the sums of hubs hub_sums: sum `k` of N in their accumulators, or the only one where lanes are firms.
#[inline(always)]
fn flush_hubs<F: Float, const L: usize, const W: usize, const N: usize>(
    accumulators: &mut [F],
    k: usize,
    hubs: &[u32],
    hub_sums: &mut [[F; L]],
) {
    if W == 1 {
        let accumulators = accumulators.as_chunks_mut::<L>().0.as_chunks_mut::<N>().0;
        for (hub, hub_sums) in hubs.iter().zip(hub_sums) {
            let sum = std::mem::replace(&mut accumulators[*hub as usize][k], [F::ZERO; L]);
            *hub_sums = lanes(|l| hub_sums[l] + sum[l]);
        }
    } else {
        for (hub, hub_sums) in hubs.iter().zip(hub_sums.as_flattened_mut()) {
            *hub_sums += std::mem::replace(&mut accumulators[*hub as usize], F::ZERO);
        }
    }
}

/// Adds what was put hub_sums to the sums.
#[inline(always)]
fn restore_hubs<F: Float, const L: usize, const W: usize, const N: usize>(
    accumulators: &mut [F],
    k: usize,
    hubs: &[u32],
    hub_sums: &mut [[F; L]],
) {
    if W == 1 {
        let accumulators = accumulators.as_chunks_mut::<L>().0.as_chunks_mut::<N>().0;
        for (hub, hub_sums) in hubs.iter().zip(hub_sums) {
            let sum = &mut accumulators[*hub as usize][k];
            *sum = lanes(|l| sum[l] + hub_sums[l]);
            *hub_sums = [F::ZERO; L];
        }
    } else {
        for (hub, hub_sums) in hubs.iter().zip(hub_sums.as_flattened_mut()) {
            accumulators[*hub as usize] += *hub_sums;
            *hub_sums = F::ZERO;
        }
    }
}

/// Inventories and orders of one period t: writes the inventory of t and its minimum over each firm's
/// inputs, and adds what is ordered to the suppliers' accumulators.
///
/// A struct rather than a function: the library that chooses the instruction set inlines the pass
/// into a copy for each.
pub(super) struct LinkPass<'a, F, const L: usize, const W: usize> {
    pub(super) links: Links<'a, F>,
    pub(super) firms: Firms<'a, F, L>,
    /// Output in t, a row per row of the partition's firms.
    pub(super) output: &'a [[F; L]],
    /// Offer of its orders that each firm delivers in t, of all partitions.
    pub(super) offer: &'a [[F; L]],
    /// Inventory of t-1.
    pub(super) s1: &'a [[F; L]],
    /// Inventory of t-2, where it is not in `out` itself.
    pub(super) s2: Option<&'a [[F; L]]>,
    pub(super) out: &'a mut [[F; L]],
    pub(super) lowest: &'a mut [[F; L]],
    /// Accumulators of all firms: delivered offer, ordered, 0 so prefetches; where lanes are firms what is ordered alone. Or
    /// messages: read for the offer, written with the order.
    pub(super) accumulators: &'a mut [F],
    /// The last of these accumulators or messages.
    pub(super) last: usize,
    /// Sums of hubs, 0.
    pub(super) hub_sums: &'a mut [[F; L]],
}

impl<F: Float, const L: usize, const W: usize> pulp::WithSimd for LinkPass<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        match (self.s2, self.links.prefetches::<W>(self.last)) {
            (Some(s2), false) => link_pass::<S, F, L, W, true, false>(simd, self, s2),
            (None, false) => link_pass::<S, F, L, W, false, false>(simd, self, &[]),
            (Some(s2), true) => link_pass::<S, F, L, W, true, true>(simd, self, s2),
            (None, true) => link_pass::<S, F, L, W, false, true>(simd, self, &[]),
        }
    }
}

#[inline(always)]
fn link_pass<
    S: pulp::Simd,
    F: Float,
    const L: usize,
    const W: usize,
    const APART: bool,
    const PREFETCH: bool,
>(
    simd: S,
    pass: LinkPass<'_, F, L, W>,
    before: &[[F; L]],
) {
    let LinkPass {
        links,
        firms,
        output,
        offer,
        s1,
        out,
        lowest,
        accumulators,
        last,
        hub_sums,
        ..
    } = pass;
    let of = |row: &[F; L]| Row::of(simd, row);
    // Else links have messages.
    let has_accumulators = W == 1 || !PREFETCH;
    // As many of each: with one place inside the compiler sees that all are.
    let (n, e) = (lowest.len(), links.rows());
    let (target, rate) = (&firms.target[..n], &firms.rate[..n]);
    let (d1, d2, output) = (&firms.d1[..n], &firms.d2[..n], &output[..n]);
    let ends = &links.row[1..][..n];
    let (s1, out) = (&s1[..e], &mut out[..e]);
    let before = if APART { &before[..e] } else { before };
    let mut block_end = SUMMATION_BLOCK / W;
    let mut first = 0;
    for i in 0..n {
        let row = first..(ends[i] as usize).min(e);
        first = row.end;
        if has_accumulators && row.start >= block_end {
            block_end = row.start + SUMMATION_BLOCK / W;
            flush_hubs::<F, L, W, 2>(accumulators, 1, links.hubs, hub_sums);
        }
        let (target, rate) = (of(&target[i]), of(&rate[i]));
        let x = of(&output[i]);
        let level = period::level(target, rate, of(&d1[i]));
        let level_before = period::level(target, rate, of(&d2[i]));
        let mut low = Row::all(simd, F::INFINITY);
        // What is ordered, in units of the buyer's output.
        let mut link = |k: usize, offer: Row<S, F>| {
            let s2 = of(if APART { &before[k] } else { &out[k] });
            let s1 = of(&s1[k]);
            let ordered = period::order(level_before, rate, s2);
            let next = period::stock(ordered, offer, s1, x);
            low = low.min(next);
            next.put(&mut out[k]);
            period::order(level, rate, s1)
        };
        if W == 1 {
            let accumulators = up_to(
                accumulators.as_chunks_mut::<L>().0.as_chunks_mut::<2>().0,
                last,
            );
            let (places, upcoming) = links.places::<1>();
            let (places, upcoming) = (&places[..e], &upcoming[..e]);
            let a = &links.coefficient[..e];
            for k in row {
                if PREFETCH {
                    prefetch(accumulators.as_flattened(), upcoming[k][0], 2);
                }
                let accumulator = &mut accumulators[at(places[k][0], last)];
                let orders = link(k, of(&accumulator[0]));
                let sum = orders.mul_add(Row::all(simd, a[k]), of(&accumulator[1]));
                sum.put(&mut accumulator[1]);
            }
        } else if PREFETCH {
            let messages = up_to(accumulators.as_chunks_mut::<1>().0, last);
            let (places, upcoming) = links.places::<L>();
            let (places, upcoming) = (&places[..e], &upcoming[..e]);
            let a = &links.coefficient.as_chunks::<L>().0[..e];
            for k in row {
                upcoming[k]
                    .iter()
                    .for_each(|place| prefetch(messages, *place, 1));
                let offer = read_message(simd, (messages, last), &places[k], 0);
                let orders = link(k, offer) * of(&a[k]);
                write_message(orders, (messages, last), &places[k]);
            }
        } else {
            let offer = table(offer.as_flattened());
            let sums = table_mut(accumulators);
            let suppliers = &links.supplier.as_chunks::<L>().0[..e];
            let a = &links.coefficient.as_chunks::<L>().0[..e];
            for k in row {
                let orders = link(k, gather(simd, offer, &suppliers[k])) * of(&a[k]);
                scatter_add(orders, sums, &suppliers[k]);
            }
        }
        low.put(&mut lowest[i]);
    }
    if has_accumulators {
        restore_hubs::<F, L, W, 2>(accumulators, 1, links.hubs, hub_sums);
    }
}

/// One period t back: from the adjoints of the inventories of t+1 and t makes that of t-1, by way of the orders that t-1
/// leads to in t, and adds the adjoints of the offers at t to the suppliers' accumulators.
pub(super) struct LinkAdjoint<'a, F, const L: usize, const W: usize> {
    pub(super) links: Links<'a, F>,
    pub(super) firms: Firms<'a, F, L>,
    /// Offer of its orders that each firm delivers in t+1, of all partitions.
    pub(super) offer: &'a [[F; L]],
    /// Adjoint of demand in t, of all partitions.
    pub(super) demand_adjoint: &'a [[F; L]],
    /// Inventories of t-1 and t-2.
    pub(super) s1: &'a [[F; L]],
    pub(super) s2: &'a [[F; L]],
    /// Adjoint of the inventory of t.
    pub(super) now: &'a [[F; L]],
    /// Of t+1, and takes that of t-1.
    pub(super) out: &'a mut [[F; L]],
    /// Sums over a firm's inputs: of the adjoints of the inventories of t, and of the orders of t before their `max`.
    pub(super) sum_inventory: &'a mut [[F; L]],
    pub(super) sum_order: &'a mut [[F; L]],
    /// Adjoint of 1 / adjustment time, accumulated over periods.
    pub(super) to_rate: &'a mut [[F; L]],
    /// Accumulators of all firms: adjoint of demand at t, delivered offer at t+1, adjoint of the offer at t, 0 so prefetches, and
    /// nothing; where lanes are firms the third alone. Or messages: read for the first two, written with the third.
    pub(super) accumulators: &'a mut [F],
    /// The last of these accumulators or messages.
    pub(super) last: usize,
    /// Sums of hubs, 0.
    pub(super) hub_sums: &'a mut [[F; L]],
}

impl<F: Float, const L: usize, const W: usize> pulp::WithSimd for LinkAdjoint<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        if self.links.prefetches::<W>(self.last) {
            link_adjoint::<S, F, L, W, true>(simd, self);
        } else {
            link_adjoint::<S, F, L, W, false>(simd, self);
        }
    }
}

#[inline(always)]
fn link_adjoint<S: pulp::Simd, F: Float, const L: usize, const W: usize, const PREFETCH: bool>(
    simd: S,
    pass: LinkAdjoint<'_, F, L, W>,
) {
    let LinkAdjoint {
        links,
        firms,
        offer,
        demand_adjoint,
        s1,
        s2,
        now,
        out,
        accumulators,
        last,
        hub_sums,
        ..
    } = pass;
    let of = |row: &[F; L]| Row::of(simd, row);
    let zero = Row::all(simd, F::ZERO);
    // Else links have messages.
    let has_accumulators = W == 1 || !PREFETCH;
    // As many of each: with one place inside the compiler sees that all are.
    let (n, e) = (pass.sum_inventory.len(), links.rows());
    let (target, rate) = (&firms.target[..n], &firms.rate[..n]);
    let (d1, d2) = (&firms.d1[..n], &firms.d2[..n]);
    let (sum_order, to_rate) = (&mut pass.sum_order[..n], &mut pass.to_rate[..n]);
    let ends = &links.row[1..][..n];
    let (s1, s2) = (&s1[..e], &s2[..e]);
    let (now, out) = (&now[..e], &mut out[..e]);
    let mut block_end = SUMMATION_BLOCK / W;
    let mut first = 0;
    for i in 0..n {
        let row = first..(ends[i] as usize).min(e);
        first = row.end;
        if has_accumulators && row.start >= block_end {
            block_end = row.start + SUMMATION_BLOCK / W;
            flush_hubs::<F, L, W, 4>(accumulators, 2, links.hubs, hub_sums);
        }
        let (target, rate) = (of(&target[i]), of(&rate[i]));
        let level = period::level(target, rate, of(&d1[i]));
        let level_before = period::level(target, rate, of(&d2[i]));
        let (mut sum_s, mut sum_p, mut sum_r) = (zero, zero, of(&to_rate[i]));
        // The adjoint of a stock, and what was ordered: factors of the adjoint of the offer.
        let mut link = |k: usize, (to_demand, offer): (Row<S, F>, Row<S, F>), a: Row<S, F>| {
            let (s1, s2, now) = (of(&s1[k]), of(&s2[k]), of(&now[k]));
            let to_order = period::to_order(of(&out[k]), offer, a, to_demand);
            let to_wanted = period::order_adjoint(level, rate, s1, to_order);
            sum_s = sum_s + now;
            sum_p = sum_p + to_wanted;
            sum_r = period::to_rate(to_wanted, target, s1, sum_r);
            period::to_stock(now, rate, to_wanted).put(&mut out[k]);
            (now, period::order(level_before, rate, s2))
        };
        if W == 1 {
            let accumulators = up_to(
                accumulators.as_chunks_mut::<L>().0.as_chunks_mut::<4>().0,
                last,
            );
            let (places, upcoming) = links.places::<1>();
            let (places, upcoming) = (&places[..e], &upcoming[..e]);
            let a = &links.coefficient[..e];
            for k in row {
                if PREFETCH {
                    prefetch(accumulators.as_flattened(), upcoming[k][0], 4);
                }
                let accumulator = &mut accumulators[at(places[k][0], last)];
                let read = (of(&accumulator[0]), of(&accumulator[1]));
                let (now, ordered) = link(k, read, Row::all(simd, a[k]));
                now.mul_add(ordered, of(&accumulator[2]))
                    .put(&mut accumulator[2]);
            }
        } else if PREFETCH {
            let messages = up_to(accumulators.as_chunks_mut::<2>().0, last);
            let (places, upcoming) = links.places::<L>();
            let (places, upcoming) = (&places[..e], &upcoming[..e]);
            let a = &links.coefficient.as_chunks::<L>().0[..e];
            for k in row {
                upcoming[k]
                    .iter()
                    .for_each(|place| prefetch(messages, *place, 1));
                let read = (
                    read_message(simd, (messages, last), &places[k], 0),
                    read_message(simd, (messages, last), &places[k], 1),
                );
                let (now, ordered) = link(k, read, of(&a[k]));
                write_message(now * ordered, (messages, last), &places[k]);
            }
        } else {
            let (demand_adjoint, offer) = (
                table(demand_adjoint.as_flattened()),
                table(offer.as_flattened()),
            );
            let sums = table_mut(accumulators);
            let suppliers = &links.supplier.as_chunks::<L>().0[..e];
            let a = &links.coefficient.as_chunks::<L>().0[..e];
            for k in row {
                let of_k = &suppliers[k];
                let read = (
                    gather(simd, demand_adjoint, of_k),
                    gather(simd, offer, of_k),
                );
                let (now, ordered) = link(k, read, of(&a[k]));
                scatter_add(now * ordered, sums, of_k);
            }
        }
        sum_s.put(&mut pass.sum_inventory[i]);
        sum_p.put(&mut sum_order[i]);
        sum_r.put(&mut to_rate[i]);
    }
    if has_accumulators {
        restore_hubs::<F, L, W, 4>(accumulators, 2, links.hubs, hub_sums);
    }
}
