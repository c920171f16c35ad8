//! What suppliers and buyers of a large network tell each other, sorted so that every pass walks through
//! memory in order.
//!
//! In a network whose firms do not fit into the cache, every link would gather a line of its own for the
//! few bytes that its supplier's accumulator holds. Here every link has a message instead, which lies in the array
//! of the buyer's partition: first by *bin*, which is some thousand suppliers in a row, then in the order of
//! the links. Suppliers write and read bin by bin, with a bin's firms in the cache; buyers write
//! and read on all bins at once, but one message after the other on each. Where particles stand side by side there are
//! no messages: a accumulator then is a line by itself, and is asked for in time.

use super::super::plan::{BIN, Layout, MOST_PARTITIONS, Routing};
use super::Float;
use std::ops::Range;

/// The messages to and from one partition's firms in the message_arrays of all partitions.
pub(super) struct Outgoing<'a, F> {
    /// Per partition that buys: its route, the first of its messages here, and the messages.
    messages: Vec<(&'a Routing, usize, &'a mut [F])>,
    /// First bin of the firms.
    first: usize,
}

/// Takes message_arrays of N numbers a message apart, partition by partition of those who sell.
pub(super) fn outgoing<'a, F, const N: usize>(
    message_arrays: &'a mut [Vec<F>],
    layout: &'a Layout,
) -> impl Iterator<Item = Outgoing<'a, F>> {
    let mut outgoing: [Vec<_>; MOST_PARTITIONS] = Default::default();
    for (messages, buyers) in message_arrays.iter_mut().zip(&layout.partitions) {
        let Some(routing) = &buyers.routing else {
            continue;
        };
        let mut rest = messages.as_mut_slice();
        let mut done = 0;
        for (outgoing, sellers) in outgoing.iter_mut().zip(&layout.partitions) {
            let end = routing.bin[sellers.bins.end] as usize;
            let (own, others) = rest.split_at_mut((end - done) * N);
            outgoing.push((routing, done, own));
            (rest, done) = (others, end);
        }
    }
    let of = outgoing.into_iter().zip(&layout.partitions);
    of.map(|(messages, partition)| Outgoing {
        messages,
        first: partition.bins.start,
    })
}

/// Makes room for the messages of every partition: a power of two, as the inner loops want it.
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

/// A bin's numbers, of which the compiler knows how many there are.
fn whole<T>(numbers: &mut [T]) -> &mut [T; BIN] {
    numbers.first_chunk_mut().expect("a bin's numbers")
}

/// Reads and writes the messages of one bin after the other, which then come from memory once a period.
#[derive(Default)]
pub(super) struct BinBuffer<F> {
    sums: Vec<f64>,
    own: Vec<F>,
}

impl<F: Float> BinBuffer<F> {
    /// Adds the first numbers of the messages to the firms of a bin up, in 64 bits.
    pub(super) fn sums<const N: usize>(
        &mut self,
        outgoing: &Outgoing<'_, F>,
        bin: usize,
        to: &mut [F],
    ) {
        self.sums.resize(BIN, 0.0);
        let sums: &mut [f64; BIN] = whole(&mut self.sums);
        sums.fill(0.0);
        for (routing, done, messages) in &outgoing.messages {
            let bin = routing.on(outgoing.first + bin);
            let messages = messages[(bin.start - done) * N..].as_chunks::<N>().0;
            for (message, firm) in messages.iter().zip(&routing.firm[bin]) {
                sums[*firm as usize % BIN] += message[0].value();
            }
        }
        for (to, sum) in to.iter_mut().zip(&*sums) {
            *to = F::of(*sum);
        }
    }

    /// Writes the numbers of a bin's firms, one of each kind, into the messages from them.
    pub(super) fn send<const N: usize>(
        &mut self,
        outgoing: &mut Outgoing<'_, F>,
        bin: usize,
        kinds: [&[F]; N],
    ) {
        self.own.resize(BIN * N, F::ZERO);
        let own: &mut [[F; N]; BIN] = whole(self.own.as_chunks_mut().0);
        for (k, from) in kinds.iter().enumerate() {
            for (own, from) in own.iter_mut().zip(*from) {
                own[k] = *from;
            }
        }
        for (routing, done, messages) in &mut outgoing.messages {
            let bin = routing.on(outgoing.first + bin);
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
