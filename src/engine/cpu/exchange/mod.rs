//! How numbers get from suppliers to the links of their customers and back: a type parameter of the passes.

mod bins;
mod gather;
mod lanes;

use super::Float;
use super::simd::Row;
pub(super) use bins::{BinBuffer, Bins, bins, by_supplier, make_room};
pub(super) use gather::{Gather, PLACES};
pub(super) use lanes::{CACHED_ACCUMULATORS, Lanes};
use pulp::Simd;

/// What links read of their suppliers, N numbers, and what they send them, one number that is added up. Rows of links
/// are counted from the partition's first.
pub(super) trait Exchange<F: Float, const L: usize, const N: usize>: Sized {
    /// Whether a firm's links read first and send then, link by link otherwise: a processor that waits for what is
    /// read is not to wait before it sends.
    const APART: bool = false;
    /// The same exchange. A pass over `links` rows of links calls this first: the compiler, which sees the lengths of
    /// slices there, then drops most bounds checks.
    fn within(self, links: usize) -> Self;
    /// Prefetches what a later row of links reads.
    fn prefetch(&self, k: usize);
    /// What the suppliers of a row of links have published.
    fn read<S: Simd>(&self, simd: S, k: usize) -> [Row<S, F>; N];
    /// Sends a product to the suppliers of a row of links.
    fn send<S: Simd>(&mut self, simd: S, k: usize, factors: [Row<S, F>; 2]);
    /// Reads, and sends the product of what `work` makes of it.
    #[inline(always)]
    fn trade<S: Simd>(
        &mut self,
        simd: S,
        k: usize,
        work: impl FnOnce([Row<S, F>; N]) -> [Row<S, F>; 2],
    ) {
        let factors = work(self.read(simd, k));
        self.send(simd, k, factors);
    }
    /// Called before the links of a row of firms, which begin at row `k` of links, and after all.
    fn pause(&mut self, _k: Option<usize>) {}
}

/// The other end: what firms receive, and the N numbers that they publish. Rows of firms are counted from the first
/// of a pass.
pub(super) trait Desk<F: Float, const L: usize, const N: usize> {
    /// The sums that links have sent to a row of firms, which are 0 afterwards.
    fn take(&mut self, i: usize) -> [F; L];
    /// Publishes the numbers of a row of firms.
    fn publish<S: Simd>(&mut self, i: usize, numbers: [Row<S, F>; N]);
}

/// A desk of arrays: what firms have received, and what they publish.
pub(super) struct Buffers<'a, F, const L: usize, const N: usize> {
    pub(super) received: &'a [[F; L]],
    pub(super) published: [&'a mut [[F; L]]; N],
}

impl<'a, F, const L: usize, const N: usize> Buffers<'a, F, L, N> {
    /// Of firms that publish elsewhere, or nothing.
    pub(super) fn of(received: &'a [[F; L]]) -> Self {
        Self {
            received,
            published: std::array::from_fn(|_| &mut [][..]),
        }
    }
}

impl<F: Float, const L: usize, const N: usize> Desk<F, L, N> for Buffers<'_, F, L, N> {
    #[inline(always)]
    fn take(&mut self, i: usize) -> [F; L] {
        self.received[i]
    }

    #[inline(always)]
    fn publish<S: Simd>(&mut self, i: usize, numbers: [Row<S, F>; N]) {
        for (to, number) in self.published.iter_mut().zip(numbers) {
            number.put(&mut to[i]);
        }
    }
}

/// Cuts the sums of hubs: see `SUMMATION_BLOCK`.
pub(super) struct Hubs<'a, F, const L: usize> {
    /// Positions of the suppliers with many customers.
    pub(super) at: &'a [u32],
    /// Partial sums of hubs; 0 before and after a pass.
    pub(super) sums: &'a mut [[F; L]],
    /// Row of links from which on the next block begins.
    pub(super) next: usize,
}

/// Blocked summation: after this number of links the sums of hubs are moved to `Hubs::sums`. A small number that is
/// added to a large sum, tens of thousands of times, would lose its digits.
pub(super) const SUMMATION_BLOCK: usize = 2048;

impl<'a, F: Float, const L: usize> Hubs<'a, F, L> {
    pub(super) fn new(at: &'a [u32], sums: &'a mut [[F; L]]) -> Self {
        Self { at, sums, next: 0 }
    }

    /// Whether a block of sums ends before row `k` of links, of which each has `width`.
    #[inline(always)]
    fn is_due(&mut self, k: usize, width: usize) -> bool {
        let due = !self.at.is_empty() && k >= self.next;
        if due {
            self.next = k + SUMMATION_BLOCK / width;
        }
        due
    }
}
