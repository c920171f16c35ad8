//! Runs of large networks, whose links have messages. A thread writes into the messages of all partitions:
//! `each_partition` lends every thread the messages that it writes in a phase.

use super::super::schedule::{self, Action};
use super::Float;
use super::block::{Block, Context, Run};
use super::exchange::{BinBuffer, Bins, Buffers, bins, by_supplier, make_room};
use super::partition::{BIN, Layout, Partition};
use super::pass::{Fixed, round};
use super::rows::Rows;
use super::state::{self, PartitionState};
use super::team::each_partition;
use super::worker::Sink;
use std::ops::Range;

/// Messages of each partition's links, of N numbers, and what its firms receive and publish.
#[derive(Default)]
pub(super) struct Messages<F, const L: usize, const N: usize> {
    arrays: Vec<Vec<F>>,
    counters: Vec<Counter<F, L, N>>,
}

/// Buffers of a partition's firms.
pub(super) struct Counter<F, const L: usize, const N: usize> {
    bin: BinBuffer<F>,
    /// What all firms have received, and what the firms of a bin publish.
    received: Rows<F, L>,
    published: [Rows<F, L>; N],
}

impl<F: Float, const L: usize, const N: usize> Default for Counter<F, L, N> {
    fn default() -> Self {
        Self {
            bin: BinBuffer::default(),
            received: Rows::default(),
            published: std::array::from_fn(|_| Rows::default()),
        }
    }
}

impl<F: Float, const L: usize, const N: usize> Messages<F, L, N> {
    /// Makes room for a layout, and sets what links and firms read first to 0.
    fn start<const W: usize>(&mut self, layout: &Layout) {
        make_room::<F, N>(&mut self.arrays, layout);
        let partitions = layout.partitions.iter();
        self.counters
            .resize_with(partitions.len(), Counter::default);
        for (counter, partition) in self.counters.iter_mut().zip(partitions) {
            counter.received.fill_with(partition.rows, [F::ZERO; L]);
            for rows in &mut counter.published {
                rows.resize(BIN / W);
            }
        }
    }
}

/// A phase of buyers: `work` with each partition's state and fixed data, the exchange of its links, and what its firms
/// have received.
fn buy<F: Float, const L: usize, const W: usize, const N: usize>(
    context: Context<'_, F>,
    states: &mut [PartitionState<F, L, W>],
    messages: &mut Messages<F, L, N>,
    work: impl Fn(&mut PartitionState<F, L, W>, &Partition, Fixed<'_, F>, Bins<'_, F, L, N>, &[[F; L]])
    + Sync,
) {
    let Context {
        design,
        layout,
        numbers,
        threads,
    } = context;
    let Messages { arrays, counters } = messages;
    let states = states.iter_mut().zip(counters).zip(arrays);
    let partitions = layout.partitions.iter().zip(&numbers.partitions);
    each_partition(
        threads,
        states.zip(partitions),
        |(((state, counter), messages), (partition, numbers))| {
            let fixed = state::fixed(design, partition, numbers);
            let exchange = Bins::new(messages, &partition.place);
            work(state, partition, fixed, exchange, &counter.received);
        },
    );
}

/// A phase of suppliers, bin by bin: `work` with each partition's state and fixed data, the rows of a bin, and a desk
/// that has what they have received if links have sent anything. Messages take what they publish.
fn sell<F: Float, const L: usize, const W: usize, const N: usize>(
    context: Context<'_, F>,
    states: &mut [PartitionState<F, L, W>],
    messages: &mut Messages<F, L, N>,
    have_sent: bool,
    work: impl Fn(&mut PartitionState<F, L, W>, Fixed<'_, F>, Range<usize>, &mut Buffers<'_, F, L, N>)
    + Sync,
) {
    let Context {
        design,
        layout,
        numbers,
        threads,
    } = context;
    let Messages { arrays, counters } = messages;
    let states = states.iter_mut().zip(counters);
    let sold = by_supplier::<F, N>(arrays, layout);
    let partitions = layout.partitions.iter().zip(&numbers.partitions);
    each_partition(
        threads,
        states.zip(sold).zip(partitions),
        |(((state, counter), mut sold), (partition, numbers))| {
            let fixed = state::fixed(design, partition, numbers);
            let Counter {
                bin: buffer,
                received,
                published,
            } = counter;
            for (bin, rows) in bins::<W>(partition.rows) {
                let received = &mut received[rows.clone()];
                if have_sent {
                    buffer.sums::<N>(&sold, bin, received.as_flattened_mut());
                }
                let count = rows.len();
                let mut desk = Buffers {
                    received,
                    published: published.each_mut().map(|own| &mut own[..count]),
                };
                work(state, fixed, rows, &mut desk);
                let kinds = published.each_ref().map(|own| own[..count].as_flattened());
                buffer.send(&mut sold, bin, kinds);
            }
        },
    );
}

impl<F: Float, const L: usize, const W: usize> Block<F, L, W> {
    /// Simulates all periods.
    pub(super) fn forward_by_bins(
        &mut self,
        context: Context<'_, F>,
        run: Run<'_, F>,
        sink: &mut Sink<'_>,
    ) {
        let Context {
            design,
            layout,
            numbers,
            threads,
        } = context;
        let cells = design.groups * Self::PARTICLES;
        self.messages.start::<W>(layout);
        let partitions = layout.partitions.iter().zip(&numbers.partitions);
        each_partition(
            threads,
            self.states.iter_mut().zip(partitions),
            |(state, (partition, numbers))| state.start(design, partition, numbers, run),
        );
        for action in schedule::forward(run.periods, run.stride) {
            let t = match action {
                Action::Keep(c) => {
                    let states = self.states.iter_mut();
                    each_partition(threads, states, |state| state.keep(&run, c));
                    continue;
                }
                Action::Step(t) => t,
                Action::Restore(_) | Action::Again(_) | Action::Back(_) => continue,
            };
            let (states, messages) = (&mut self.states, &mut self.messages);
            buy(
                context,
                states,
                messages,
                |state, partition, fixed, exchange, _| {
                    state.set_capacity(design, partition, &run, t);
                    state.sums.fill(0.0);
                    state.link_pass::<false>(fixed, &run, t, exchange);
                },
            );
            let takes = t < run.periods;
            sell(
                context,
                states,
                messages,
                takes,
                |state, fixed, rows, desk| {
                    state.firm_pass::<false>(fixed, &run, (t, takes), rows, desk);
                },
            );
            self.sums.clear();
            self.sums.resize(cells, 0.0);
            for state in &self.states {
                state.add_groups(&mut self.sums);
            }
            round::<F>(&mut self.sums);
            if !sink(run.steady_prefix + t - 1, &self.sums) || design.is_stopped() {
                break;
            }
        }
    }

    /// The gradient, as in `Block::backward`.
    pub(super) fn backward_by_bins(
        &mut self,
        context: Context<'_, F>,
        run: Run<'_, F>,
        panel: &[F],
        mut to_capacity: Option<&mut [F]>,
    ) {
        let Context {
            design,
            layout,
            threads,
            ..
        } = context;
        let cells = design.groups * Self::PARTICLES;
        self.adjoint_messages.start::<W>(layout);
        let states = self.states.iter_mut().zip(&layout.partitions);
        each_partition(threads, states, |(state, partition)| {
            state.start_adjoint(partition)
        });
        for action in schedule::backward(run.periods, run.stride) {
            let (states, messages) = (&mut self.states, &mut self.messages);
            match action {
                Action::Restore(c) => {
                    each_partition(
                        threads,
                        states.iter_mut().zip(&layout.partitions),
                        |(state, partition)| state.restore(&run, c, partition.link.len() / W),
                    );
                    offers(context, &run, c, states, messages);
                }
                Action::Again(t) => {
                    buy(context, states, messages, |state, _, fixed, exchange, _| {
                        state.link_pass::<true>(fixed, &run, t, exchange);
                    });
                    offers(context, &run, t, states, messages);
                }
                Action::Back(t) => {
                    let period = run.steady_prefix + t;
                    let from_panel = &panel[(period - 1) * cells..][..cells];
                    let messages = &mut self.adjoint_messages;
                    buy(
                        context,
                        states,
                        messages,
                        |state, partition, fixed, exchange, received| {
                            state.set_capacity(design, partition, &run, t);
                            let desk = &mut Buffers::of(received);
                            state.firm_adjoint(fixed, &run, t, from_panel, desk);
                            state.link_adjoint(fixed, &run, t, exchange);
                        },
                    );
                    sell(
                        context,
                        states,
                        messages,
                        true,
                        |state, fixed, rows, desk| {
                            state.publish(fixed, &run, t, rows, desk);
                        },
                    );
                    if let Some(out) = to_capacity.as_deref_mut() {
                        for (state, partition) in self.states.iter().zip(&layout.partitions) {
                            state.write_capacity_gradient(design, partition, period, out);
                        }
                    }
                }
                Action::Keep(_) | Action::Step(_) => {}
            }
        }
        each_partition(threads, self.states.iter_mut(), |state| state.end_adjoint());
    }
}

/// Publishes the offers of period t, from output and demand that were kept.
fn offers<F: Float, const L: usize, const W: usize>(
    context: Context<'_, F>,
    run: &Run<'_, F>,
    t: usize,
    states: &mut [PartitionState<F, L, W>],
    messages: &mut Messages<F, L, 1>,
) {
    sell(
        context,
        states,
        messages,
        false,
        |state, fixed, rows, desk| {
            state.firm_pass::<true>(fixed, run, (t, false), rows, desk);
        },
    );
}
