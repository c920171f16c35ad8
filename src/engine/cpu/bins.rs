//! Messages between suppliers and buyers of a large network, by propagation blocking (Beamer et al. 2017): each
//! pass goes through memory in order.
//!
//! In a network whose firms do not fit into the cache, every link would load a cache line of its own for the few
//! bytes of its supplier's accumulator. Here every link has a message instead, in the array of the buyer's
//! partition. Messages are sorted by *bin*, which is `BIN` consecutive suppliers, and within a bin in the order of
//! the links. Firm passes read and write the messages bin by bin, with the firms of a bin in the cache. Link passes
//! read and write the messages of all bins at once, but those of one bin one after the other. Where lanes are
//! particles there are no messages: an accumulator is then a cache line of its own, and is prefetched.

use super::super::plan::{BIN, Layout, MOST_PARTITIONS, Routing};
use super::Float;
use std::ops::Range;

/// The messages of the links on which one partition's firms sell, in the arrays of all partitions.
pub(super) struct SupplierMessages<'a, F> {
    /// Per partition that buys: its routing, the place of the first of these messages in its array, and the
    /// messages.
    messages: Vec<(&'a Routing, usize, &'a mut [F])>,
    /// First bin of the partition's firms.
    first: usize,
}

/// Cuts the arrays of messages, of N numbers a message, by the partition that sells.
pub(super) fn by_supplier<'a, F, const N: usize>(
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

/// Makes room for the messages of every partition. The number of places is a power of two, as the inner loops
/// require.
pub(super) fn make_room<F: Float, const N: usize>(
    message_arrays: &mut Vec<Vec<F>>,
    layout: &Layout,
) {
    message_arrays.resize_with(layout.partitions.len(), Vec::new);
    for (messages, partition) in message_arrays.iter_mut().zip(&layout.partitions) {
        let places = partition.routing.as_ref().map_or(0, |m| m.firm.len() + 1);
        let room = places.next_power_of_two() * N;
        if messages.len() != room {
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
pub(super) struct BinBuffer<F> {
    sums: Vec<f64>,
    own: Vec<F>,
}

impl<F: Float> BinBuffer<F> {
    /// Adds the first numbers of the messages of a bin up by firm, in 64 bits.
    pub(super) fn sums<const N: usize>(
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
    pub(super) fn send<const N: usize>(
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
pub(super) fn bins<const W: usize>(rows: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    let each = BIN / W;
    let first = (0..rows).step_by(each);
    first
        .map(move |first| first..(first + each).min(rows))
        .enumerate()
}
