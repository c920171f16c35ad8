//! Lanes are particles: a link reads L numbers of one supplier, and adds to its accumulator beside them.

use super::super::Float;
use super::super::partition::PREFETCH_DISTANCE;
use super::super::rows::LINE;
use super::super::simd::Row;
use super::{Desk, Exchange, Hubs};
use crate::number::Number;
use prefetch_index::prefetch_index;
use pulp::Simd;

/// This number of accumulators stays in the cache and is not prefetched.
pub(in super::super) const CACHED_ACCUMULATORS: usize = 512;

/// Accumulators of M rows each: N rows that links read, one that they add to, and padding to a power of two.
/// They are prefetched if `P`.
pub(in super::super) struct Lanes<
    'a,
    F,
    const L: usize,
    const N: usize,
    const M: usize,
    const P: bool,
> {
    /// Accumulators of the firms of all partitions.
    rows: &'a mut [[[F; L]; M]],
    /// Index of the last. It masks places, so that the compiler drops the bounds checks.
    last: usize,
    /// Index of the first of the partition's own firms.
    first: usize,
    /// Position of each link's supplier, and `PREFETCH_DISTANCE` more.
    all_places: &'a [u32],
    /// The places of links, and those that are prefetched.
    place: &'a [u32],
    upcoming: &'a [u32],
    hubs: Hubs<'a, F, L>,
}

impl<'a, F: Float, const L: usize, const N: usize, const M: usize, const P: bool>
    Lanes<'a, F, L, N, M, P>
{
    /// `places` has those of links, and `PREFETCH_DISTANCE` more.
    pub(in super::super) fn new(
        rows: &'a mut [[F; L]],
        first: usize,
        all_places: &'a [u32],
        hubs: Hubs<'a, F, L>,
    ) -> Self {
        let rows = rows.as_chunks_mut::<M>().0;
        let last = rows.len() - 1;
        debug_assert!(rows.len().is_power_of_two());
        Self {
            rows,
            last,
            first,
            all_places,
            place: &[],
            upcoming: &[],
            hubs,
        }
    }
}

impl<F: Float, const L: usize, const N: usize, const M: usize, const P: bool> Exchange<F, L, N>
    for Lanes<'_, F, L, N, M, P>
{
    #[inline(always)]
    fn within(self, links: usize) -> Self {
        Self {
            rows: &mut self.rows[..=self.last],
            place: &self.all_places[..links],
            upcoming: &self.all_places[PREFETCH_DISTANCE..][..links],
            ..self
        }
    }

    #[inline(always)]
    fn prefetch(&self, k: usize) {
        if P {
            let line = (LINE / size_of::<[F; L]>()).max(1);
            let rows = self.rows.as_flattened();
            for row in (0..M).step_by(line) {
                prefetch_index(rows, self.upcoming[k] as usize * M + row);
            }
        }
    }

    #[inline(always)]
    fn read<S: Simd>(&self, simd: S, k: usize) -> [Row<S, F>; N] {
        let accumulator = &self.rows[self.place[k] as usize & self.last];
        // A loop, as the compiler inlines it in any case.
        let mut rows = [Row::of(simd, &accumulator[0]); N];
        for (row, number) in rows.iter_mut().zip(accumulator) {
            *row = Row::of(simd, number);
        }
        rows
    }

    #[inline(always)]
    fn send<S: Simd>(&mut self, simd: S, k: usize, [a, b]: [Row<S, F>; 2]) {
        let sum = &mut self.rows[self.place[k] as usize & self.last][N];
        a.mul_add(b, Row::of(simd, sum)).put(sum);
    }

    #[inline(always)]
    fn trade<S: Simd>(
        &mut self,
        simd: S,
        k: usize,
        work: impl FnOnce([Row<S, F>; N]) -> [Row<S, F>; 2],
    ) {
        // One look for the accumulator, and not two.
        let accumulator = &mut self.rows[self.place[k] as usize & self.last];
        let mut rows = [Row::of(simd, &accumulator[0]); N];
        for (row, number) in rows.iter_mut().zip(&*accumulator) {
            *row = Row::of(simd, number);
        }
        let [a, b] = work(rows);
        let sum = &mut accumulator[N];
        a.mul_add(b, Row::of(simd, sum)).put(sum);
    }

    #[inline(always)]
    fn pause(&mut self, k: Option<usize>) {
        let Self { rows, hubs, .. } = self;
        match k {
            Some(k) if hubs.is_due(k, 1) => {
                for (hub, partial) in hubs.at.iter().zip(&mut *hubs.sums) {
                    let sum = std::mem::replace(&mut rows[*hub as usize][N], [F::ZERO; L]);
                    *partial = std::array::from_fn(|l| partial[l] + sum[l]);
                }
            }
            Some(_) => {}
            None => {
                for (hub, partial) in hubs.at.iter().zip(&mut *hubs.sums) {
                    let sum = &mut rows[*hub as usize][N];
                    *sum = std::array::from_fn(|l| sum[l] + partial[l]);
                    *partial = [F::ZERO; L];
                }
            }
        }
    }
}

impl<F: Float, const L: usize, const N: usize, const M: usize, const P: bool> Desk<F, L, N>
    for Lanes<'_, F, L, N, M, P>
{
    #[inline(always)]
    fn take(&mut self, i: usize) -> [F; L] {
        std::mem::replace(&mut self.rows[self.first + i][N], [F::ZERO; L])
    }

    #[inline(always)]
    fn publish<S: Simd>(&mut self, i: usize, numbers: [Row<S, F>; N]) {
        for (to, number) in self.rows[self.first + i].iter_mut().zip(numbers) {
            number.put(to);
        }
    }
}
