//! The inner loops over links: the link pass of a period and its adjoint, L numbers in a row.
//!
//! The lanes of a row are L particles (W = 1 firm a row), or L firms of one particle (W = L). In the first case a
//! link reads L numbers of one supplier, in the second case one number each of L suppliers.

use super::super::plan::PREFETCH_DISTANCE;
use super::Float;
use super::rows::LINE;
use super::simd::Row;
use crate::model::period::host as period;
use crate::number::Number;
use prefetch_index::prefetch_index;

/// Fixed data of a partition's links.
#[derive(Clone, Copy)]
pub(super) struct LinkData<'a, F> {
    /// First row of links of each row of firms, and the number of rows of links.
    pub(super) row: &'a [u32],
    /// Positions of W suppliers a row of links, where lanes are firms and links have no messages.
    pub(super) supplier: &'a [u16],
    /// Otherwise: W places of messages a row of links, or the position of one supplier where lanes are particles;
    /// and the entries of `PREFETCH_DISTANCE` more rows.
    pub(super) place: &'a [u32],
    /// Whether links have messages.
    pub(super) has_messages: bool,
    /// W coefficients a row of links.
    pub(super) coefficient: &'a [F],
    /// Positions of the hubs, the suppliers with many customers.
    pub(super) hubs: &'a [u32],
}

impl<F> LinkData<'_, F> {
    /// Rows of links of the `i`-th row of firms.
    #[inline(always)]
    pub(super) fn of(&self, i: usize) -> std::ops::Range<usize> {
        self.row[i] as usize..self.row[i + 1] as usize
    }

    /// W places of each row of links, and those of the row that is `PREFETCH_DISTANCE` rows ahead.
    #[inline(always)]
    fn places<const W: usize>(&self) -> (&[[u32; W]], &[[u32; W]]) {
        let places = self.place.as_chunks::<W>().0;
        let rows = places.len() - PREFETCH_DISTANCE;
        (&places[..rows], &places[PREFETCH_DISTANCE..][..rows])
    }

    /// Whether the pass prefetches the numbers of suppliers: in messages, or in `last` + 1 accumulators if these
    /// are more than `CACHED_ACCUMULATORS`.
    fn prefetches<const W: usize>(&self, last: usize) -> bool {
        if W == 1 {
            last >= CACHED_ACCUMULATORS
        } else {
            self.has_messages
        }
    }

    /// Number of rows of links.
    pub(super) fn rows(&self) -> usize {
        self.row.last().map_or(0, |n| *n as usize)
    }
}

/// Numbers of a partition's firms that their links read, one entry a row of firms.
#[derive(Clone, Copy)]
pub(super) struct Buyers<'a, F, const L: usize> {
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

/// Row `r` of numbers of firms or links: one number in all lanes where lanes are particles, else those of W firms.
#[inline(always)]
pub(super) fn spread<F: Float, const L: usize, const W: usize>(v: &[F], r: usize) -> [F; L] {
    if W == 1 {
        [v[r]; L]
    } else {
        let row = &v[r * W..][..W];
        lanes(|l| row[l])
    }
}

/// Length of a table that is indexed by u16: the compiler then drops all bounds checks. The part of it that is
/// never touched takes no memory.
pub(super) const PLACES: usize = 1 << 16;

/// Numbers of firms as such a table.
#[inline(always)]
fn table<T>(places: &[T]) -> &[T; PLACES] {
    places.first_chunk().expect("a place for every u16")
}

#[inline(always)]
fn table_mut<T>(places: &mut [T]) -> &mut [T; PLACES] {
    places.first_chunk_mut().expect("a place for every u16")
}

/// Loads L numbers from their places in a table.
#[inline(always)]
fn gather<S: pulp::Simd, F: Float, const L: usize>(
    simd: S,
    table: &[F; PLACES],
    places: &[u16; L],
) -> Row<S, F> {
    Row::of(simd, &lanes::<F, L>(|l| table[places[l] as usize]))
}

/// Adds L numbers to those at their places in a table, one after the other: two places may be the same.
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

/// Messages or accumulators up to the index `last`, whose number is a power of two. The compiler drops the bounds
/// checks of an index that is masked by `last`, as long as this function hides how `last` was computed.
#[inline(always)]
fn up_to<T>(places: &mut [T], last: usize) -> &mut [T] {
    debug_assert!((last + 1).is_power_of_two());
    &mut places[..=last]
}

/// A place masked by `last`.
#[inline(always)]
fn at(place: u32, last: usize) -> usize {
    place as usize & last
}

/// Prefetches the `each` rows at a place, cache line by cache line.
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

/// Overwrites the first number of N in L messages.
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

/// This number of accumulators stays in the cache and is not prefetched.
const CACHED_ACCUMULATORS: usize = 512;

/// Blocked summation: after this number of links the sums of hubs are moved to `hub_sums`. A small number that is
/// added to a large sum, tens of thousands of times, would lose its digits.
const SUMMATION_BLOCK: usize = 2048;

/// Moves the sums of hubs to `hub_sums`: number `k` of the N in their accumulators, or the only one where lanes are
/// firms.
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

/// Adds `hub_sums` to the sums in the accumulators, and sets it to 0.
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

/// The link pass of one period t: writes the inventory of t and its minimum over each firm's inputs, and adds the
/// orders to the suppliers' accumulators.
///
/// It is a struct and not a function: `pulp`, which chooses the instruction set, inlines the pass into a copy for
/// each.
pub(super) struct LinkPass<'a, F, const L: usize, const W: usize> {
    pub(super) links: LinkData<'a, F>,
    pub(super) firms: Buyers<'a, F, L>,
    /// Output of t, of the partition's firms.
    pub(super) output: &'a [[F; L]],
    /// Offers of t, of the firms of all partitions.
    pub(super) offer: &'a [[F; L]],
    /// Inventory of t-1.
    pub(super) s1: &'a [[F; L]],
    /// Inventory of t-2, unless it is in `out`.
    pub(super) s2: Option<&'a [[F; L]]>,
    pub(super) out: &'a mut [[F; L]],
    pub(super) lowest: &'a mut [[F; L]],
    /// Where lanes are particles: accumulators of all firms, which hold the offer and the sum of orders, 0 before
    /// the pass. Where lanes are firms: the sums of orders alone, or messages, from which the offer is read and
    /// which are overwritten with the order.
    pub(super) accumulators: &'a mut [F],
    /// Index of the last of these accumulators or messages.
    pub(super) last: usize,
    /// Partial sums of hubs; 0 before and after the pass.
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
    const SEPARATE: bool,
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
    // Otherwise links have messages.
    let has_accumulators = W == 1 || !PREFETCH;
    // Slices of equal length: the compiler then drops all bounds checks but one.
    let (n, e) = (lowest.len(), links.rows());
    let (target, rate) = (&firms.target[..n], &firms.rate[..n]);
    let (d1, d2, output) = (&firms.d1[..n], &firms.d2[..n], &output[..n]);
    let ends = &links.row[1..][..n];
    let (s1, out) = (&s1[..e], &mut out[..e]);
    let before = if SEPARATE { &before[..e] } else { before };
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
        // Updates an inventory, and returns the order in units of the buyer's output.
        let mut link = |k: usize, offer: Row<S, F>| {
            let s2 = of(if SEPARATE { &before[k] } else { &out[k] });
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

/// The adjoint of the link pass, one period t: computes the adjoint of the inventory of t-1 from the adjoints of
/// the inventories of t+1 and t, by way of the order in t that the inventory of t-1 leads to, and adds the adjoints
/// of the offers of t to the suppliers' accumulators.
pub(super) struct LinkAdjoint<'a, F, const L: usize, const W: usize> {
    pub(super) links: LinkData<'a, F>,
    pub(super) firms: Buyers<'a, F, L>,
    /// Offers of t+1, of the firms of all partitions.
    pub(super) offer: &'a [[F; L]],
    /// Adjoints of demand in t, of the firms of all partitions.
    pub(super) demand_adjoint: &'a [[F; L]],
    /// Inventories of t-1 and t-2.
    pub(super) s1: &'a [[F; L]],
    pub(super) s2: &'a [[F; L]],
    /// Adjoint of the inventory of t.
    pub(super) now: &'a [[F; L]],
    /// Adjoint of the inventory of t+1, overwritten with that of t-1.
    pub(super) out: &'a mut [[F; L]],
    /// Sums over a firm's inputs: of the adjoints of the inventories of t, and of the adjoints of the orders of t
    /// before their `max`.
    pub(super) stock_adjoint_sum: &'a mut [[F; L]],
    pub(super) order_adjoint_sum: &'a mut [[F; L]],
    /// Adjoint of 1 / adjustment time, summed over periods.
    pub(super) to_rate: &'a mut [[F; L]],
    /// Where lanes are particles: accumulators of all firms, which hold the adjoint of demand in t, the offer of
    /// t+1, the sum of the adjoints of the offer of t, 0 before the pass, and one unused row. Where lanes are
    /// firms: these sums alone, or messages, from which the first two numbers are read and whose first is
    /// overwritten with the third.
    pub(super) accumulators: &'a mut [F],
    /// Index of the last of these accumulators or messages.
    pub(super) last: usize,
    /// Partial sums of hubs; 0 before and after the pass.
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
    // Otherwise links have messages.
    let has_accumulators = W == 1 || !PREFETCH;
    // Slices of equal length: the compiler then drops all bounds checks but one.
    let (n, e) = (pass.stock_adjoint_sum.len(), links.rows());
    let (target, rate) = (&firms.target[..n], &firms.rate[..n]);
    let (d1, d2) = (&firms.d1[..n], &firms.d2[..n]);
    let (order_adjoint_sum, to_rate) = (&mut pass.order_adjoint_sum[..n], &mut pass.to_rate[..n]);
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
        // Updates the adjoint of an inventory. Returns the adjoint of the next inventory and what was ordered:
        // their product is the adjoint of the offer.
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
        sum_s.put(&mut pass.stock_adjoint_sum[i]);
        sum_p.put(&mut order_adjoint_sum[i]);
        sum_r.put(&mut to_rate[i]);
    }
    if has_accumulators {
        restore_hubs::<F, L, W, 4>(accumulators, 2, links.hubs, hub_sums);
    }
}
