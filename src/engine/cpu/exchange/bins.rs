//! Messages between suppliers and buyers of a large network, by propagation blocking (Beamer et al. 2017): each
//! pass goes through memory in order.
//!
//! In a network whose firms do not fit into the cache, every link would load a cache line of its own for the few
//! bytes of its supplier's accumulator. Here every link has a message instead, in the array of the buyer's
//! partition. Messages are sorted by *bin*, which is `BIN` consecutive suppliers, and within a bin in the order of
//! the links. Suppliers read what links have sent and write what they read next bin by bin, with the firms of a bin in
//! the cache. Links read and overwrite the messages of all bins at once, but those of one bin one after the other. So
//! there are two phases a period, and not one: messages that links and suppliers use at the same time would have to be
//! there twice, and a large network waits for memory and not for threads. Where lanes are particles there are no
//! messages: an accumulator is then a cache line of its own, and is prefetched.

use super::super::Float;
use super::super::partition::{BIN, Layout, MOST_PARTITIONS, PREFETCH_DISTANCE, Routing};
use super::super::rows::lanes;
use super::super::simd::Row;
use super::Exchange;
use prefetch_index::prefetch_index;
use pulp::Simd;
use std::ops::Range;

/// The messages of the links on which one partition's firms sell, in the arrays of all partitions.
pub(in super::super) struct SupplierMessages<'a, F> {
    /// Per partition that buys: its routing, the place of the first of these messages in its array, and the
    /// messages.
    messages: Vec<(&'a Routing, usize, &'a mut [F])>,
    /// First bin of the partition's firms.
    first: usize,
}

/// Cuts the arrays of messages, of N numbers a message, by the partition that sells.
pub(in super::super) fn by_supplier<'a, F, const N: usize>(
    message_arrays: &'a mut [Vec<F>],
    layout: &'a Layout,
) -> impl Iterator<Item = SupplierMessages<'a, F>> {
    let mut of_supplier: [Vec<_>; MOST_PARTITIONS] = Default::default();
    for (messages, buyers) in message_arrays.iter_mut().zip(&layout.partitions) {
        let Some(routing) = &buyers.routing else {
            continue;
        };
        let mut rest = messages.as_mut_slice();
        let mut done = 0;
        for (of_supplier, sellers) in of_supplier.iter_mut().zip(&layout.partitions) {
            let end = routing.bin[sellers.bins.end] as usize;
            let (own, others) = rest.split_at_mut((end - done) * N);
            of_supplier.push((routing, done, own));
            (rest, done) = (others, end);
        }
    }
    let of = of_supplier.into_iter().zip(&layout.partitions);
    of.map(|(messages, partition)| SupplierMessages {
        messages,
        first: partition.bins.start,
    })
}

/// Makes room for the messages of every partition, and sets them to 0. The number of places is a power of two, as the
/// inner loops require.
pub(in super::super) fn make_room<F: Float, const N: usize>(
    message_arrays: &mut Vec<Vec<F>>,
    layout: &Layout,
) {
    message_arrays.resize_with(layout.partitions.len(), Vec::new);
    for (messages, partition) in message_arrays.iter_mut().zip(&layout.partitions) {
        let places = partition.routing.as_ref().map_or(0, |m| m.firm.len() + 1);
        let room = places.next_power_of_two() * N;
        if messages.len() == room {
            messages.fill(F::ZERO);
        } else {
            *messages = vec![F::ZERO; room];
        }
    }
}

/// The numbers of a bin as an array, whose length the compiler can use.
fn bin_array<T>(numbers: &mut [T]) -> &mut [T; BIN] {
    numbers.first_chunk_mut().expect("a bin's numbers")
}

/// Buffers of one bin. Bins are read and written one after the other, so that messages come from memory once a
/// period.
#[derive(Default)]
pub(in super::super) struct BinBuffer<F> {
    sums: Vec<f64>,
    own: Vec<F>,
}

impl<F: Float> BinBuffer<F> {
    /// Adds the first numbers of the messages of a bin up by firm, in 64 bits.
    pub(in super::super) fn sums<const N: usize>(
        &mut self,
        supplier_messages: &SupplierMessages<'_, F>,
        bin: usize,
        to: &mut [F],
    ) {
        self.sums.resize(BIN, 0.0);
        let sums: &mut [f64; BIN] = bin_array(&mut self.sums);
        sums.fill(0.0);
        for (routing, done, messages) in &supplier_messages.messages {
            let bin = routing.places(supplier_messages.first + bin);
            let messages = messages[(bin.start - done) * N..].as_chunks::<N>().0;
            for (message, firm) in messages.iter().zip(&routing.firm[bin]) {
                sums[*firm as usize % BIN] += message[0].value();
            }
        }
        for (to, sum) in to.iter_mut().zip(&*sums) {
            *to = F::of(*sum);
        }
    }

    /// Writes the numbers of a bin's firms, one number of each kind, into their messages.
    pub(in super::super) fn send<const N: usize>(
        &mut self,
        supplier_messages: &mut SupplierMessages<'_, F>,
        bin: usize,
        kinds: [&[F]; N],
    ) {
        self.own.resize(BIN * N, F::ZERO);
        let own: &mut [[F; N]; BIN] = bin_array(self.own.as_chunks_mut().0);
        for (k, from) in kinds.iter().enumerate() {
            for (own, from) in own.iter_mut().zip(*from) {
                own[k] = *from;
            }
        }
        for (routing, done, messages) in &mut supplier_messages.messages {
            let bin = routing.places(supplier_messages.first + bin);
            let messages = messages[(bin.start - *done) * N..].as_chunks_mut::<N>().0;
            for (message, firm) in messages.iter_mut().zip(&routing.firm[bin]) {
                *message = own[*firm as usize % BIN];
            }
        }
    }
}

/// Rows of a partition's firms, bin by bin.
pub(in super::super) fn bins<const W: usize>(
    rows: usize,
) -> impl Iterator<Item = (usize, Range<usize>)> {
    let each = BIN / W;
    let first = (0..rows).step_by(each);
    first
        .map(move |first| first..(first + each).min(rows))
        .enumerate()
}

/// The exchange of the links of one partition.
pub(in super::super) struct Bins<'a, F, const L: usize, const N: usize> {
    /// Messages of all links of the partition, whose number is a power of two.
    messages: &'a mut [[F; N]],
    /// Index of the last. It masks places, so that the compiler drops the bounds checks.
    last: usize,
    /// Places of the messages of each row of links, and of `PREFETCH_DISTANCE` more.
    all_places: &'a [[u32; L]],
    /// The places of links, and those that are prefetched.
    place: &'a [[u32; L]],
    upcoming: &'a [[u32; L]],
}

impl<'a, F: Float, const L: usize, const N: usize> Bins<'a, F, L, N> {
    /// `places` has those of links, and `PREFETCH_DISTANCE` more rows.
    pub(in super::super) fn new(messages: &'a mut [F], places: &'a [u32]) -> Self {
        let messages = messages.as_chunks_mut::<N>().0;
        let last = messages.len() - 1;
        debug_assert!(messages.len().is_power_of_two());
        Self {
            messages,
            last,
            all_places: places.as_chunks::<L>().0,
            place: &[],
            upcoming: &[],
        }
    }
}

impl<F: Float, const L: usize, const N: usize> Exchange<F, L, N> for Bins<'_, F, L, N> {
    const APART: bool = true;

    #[inline(always)]
    fn within(self, links: usize) -> Self {
        Self {
            messages: &mut self.messages[..=self.last],
            place: &self.all_places[..links],
            upcoming: &self.all_places[PREFETCH_DISTANCE..][..links],
            ..self
        }
    }

    #[inline(always)]
    fn prefetch(&self, k: usize) {
        for place in &self.upcoming[k] {
            prefetch_index(&*self.messages, *place as usize);
        }
    }

    #[inline(always)]
    fn read<S: Simd>(&self, simd: S, k: usize) -> [Row<S, F>; N] {
        let places = &self.place[k];
        // A loop, as the compiler inlines it in any case.
        let mut rows = [Row::all(simd, F::ZERO); N];
        for (n, row) in rows.iter_mut().enumerate() {
            let number = |l| self.messages[places[l] as usize & self.last][n];
            *row = Row::of(simd, &lanes::<F, L>(number));
        }
        rows
    }

    /// Overwrites the first number of the L messages.
    #[inline(always)]
    fn send<S: Simd>(&mut self, _: S, k: usize, [a, b]: [Row<S, F>; 2]) {
        let mut row = [F::ZERO; L];
        (a * b).put(&mut row);
        let places = &self.place[k];
        for l in 0..L {
            self.messages[places[l] as usize & self.last][0] = row[l];
        }
    }
}
