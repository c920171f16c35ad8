//! Lanes are firms of a small network: a link reads the numbers of L suppliers from tables that fit into the cache,
//! and adds to L sums.

use super::super::Float;
use super::super::rows::lanes;
use super::super::simd::Row;
use super::{Desk, Exchange, Hubs};
use pulp::Simd;

/// Length of a table that is indexed by u16: the compiler then drops all bounds checks. The part of it that is
/// never touched takes no memory.
pub(in super::super) const PLACES: usize = 1 << 16;

pub(in super::super) struct Gather<'a, F, const L: usize, const N: usize> {
    /// Tables of what firms of all partitions have published, and sums of what links of the partition send.
    tables: [&'a mut [F; PLACES]; N],
    sums: &'a mut [F; PLACES],
    /// Positions of the suppliers of each row of links.
    supplier: &'a [[u16; L]],
    /// Row of the first of the partition's own firms.
    first: usize,
    hubs: Hubs<'a, F, L>,
}

impl<'a, F: Float, const L: usize, const N: usize> Gather<'a, F, L, N> {
    pub(in super::super) fn new(
        tables: [&'a mut [[F; L]]; N],
        sums: &'a mut [[F; L]],
        first: usize,
        supplier: &'a [u16],
        hubs: Hubs<'a, F, L>,
    ) -> Self {
        let table = |rows: &'a mut [[F; L]]| {
            let numbers = rows.as_flattened_mut();
            numbers.first_chunk_mut().expect("a place for every u16")
        };
        Self {
            tables: tables.map(table),
            sums: table(sums),
            supplier: supplier.as_chunks::<L>().0,
            first,
            hubs,
        }
    }
}

impl<F: Float, const L: usize, const N: usize> Exchange<F, L, N> for Gather<'_, F, L, N> {
    #[inline(always)]
    fn within(self, links: usize) -> Self {
        Self {
            supplier: &self.supplier[..links],
            ..self
        }
    }

    #[inline(always)]
    fn prefetch(&self, _k: usize) {}

    #[inline(always)]
    fn read<S: Simd>(&self, simd: S, k: usize) -> [Row<S, F>; N] {
        let places = &self.supplier[k];
        // A loop, as the compiler inlines it in any case.
        let mut rows = [Row::all(simd, F::ZERO); N];
        for (row, table) in rows.iter_mut().zip(&self.tables) {
            *row = Row::of(simd, &lanes::<F, L>(|l| table[places[l] as usize]));
        }
        rows
    }

    /// Adds the L products one after the other: two places may be the same.
    #[inline(always)]
    fn send<S: Simd>(&mut self, _: S, k: usize, [a, b]: [Row<S, F>; 2]) {
        let mut row = [F::ZERO; L];
        (a * b).put(&mut row);
        let places = &self.supplier[k];
        for l in 0..L {
            self.sums[places[l] as usize] += row[l];
        }
    }

    #[inline(always)]
    fn pause(&mut self, k: Option<usize>) {
        let Self { sums, hubs, .. } = self;
        match k {
            Some(k) if hubs.is_due(k, L) => {
                for (hub, partial) in hubs.at.iter().zip(hubs.sums.as_flattened_mut()) {
                    *partial += std::mem::replace(&mut sums[*hub as usize], F::ZERO);
                }
            }
            Some(_) => {}
            None => {
                for (hub, partial) in hubs.at.iter().zip(hubs.sums.as_flattened_mut()) {
                    sums[*hub as usize] += std::mem::replace(partial, F::ZERO);
                }
            }
        }
    }
}

impl<F: Float, const L: usize, const N: usize> Desk<F, L, N> for Gather<'_, F, L, N> {
    #[inline(always)]
    fn take(&mut self, i: usize) -> [F; L] {
        let rows = self.sums.as_chunks_mut::<L>().0;
        std::mem::replace(&mut rows[self.first + i], [F::ZERO; L])
    }

    #[inline(always)]
    fn publish<S: Simd>(&mut self, i: usize, numbers: [Row<S, F>; N]) {
        for (to, number) in self.tables.iter_mut().zip(numbers) {
            number.put(&mut to.as_chunks_mut::<L>().0[self.first + i]);
        }
    }
}
