//! Runs of large networks, whose links have messages. A thread writes messages to all partitions, so that every phase gives
//! each thread what it writes in it.

use super::Float;
use super::bins::{make_room, outgoing};
use super::block::{Block, Context, Run};
use super::firms::{Back, round};
use super::links::Links;
use super::state::{PartitionState, links_of};
use super::team::each_partition;
use super::worker::Sink;
use std::sync::atomic::Ordering;

/// Does the work of every partition with the links of which its firms are buyers, and their messages.
fn each_buyer<F: Float, const L: usize, const W: usize>(
    context: Context<'_, F>,
    states: &mut [PartitionState<F, L, W>],
    message_arrays: &mut [Vec<F>],
    work: impl Fn(&mut PartitionState<F, L, W>, Links<'_, F>, &mut [F]) + Sync,
) {
    let buyers = states.iter_mut().zip(message_arrays);
    let fixed = context
        .layout
        .partitions
        .iter()
        .zip(&context.numbers.partitions);
    each_partition(
        context.apart,
        buyers.zip(fixed),
        |((state, messages), (partition, numbers))| {
            work(state, links_of(partition, numbers), messages)
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
            apart,
        } = context;
        let Run {
            inputs,
            slot,
            steady_prefix,
            periods,
            stride,
        } = run;
        let cells = design.groups * Self::PARTICLES;
        make_room::<F, 1>(&mut self.message_arrays, layout);
        let partitions = layout.partitions.iter().zip(&numbers.partitions);
        each_partition(
            apart,
            self.states.iter_mut().zip(partitions),
            |(state, (partition, numbers))| state.start(design, partition, numbers, run),
        );
        for t in 1..=periods {
            let at = run.firms_at(t);
            each_partition(
                apart,
                self.states
                    .iter_mut()
                    .zip(outgoing::<F, 1>(&mut self.message_arrays, layout))
                    .zip(layout.partitions.iter().zip(&numbers.partitions)),
                |((state, mut outgoing), (partition, numbers))| {
                    state.set_capacity(design, partition, inputs, slot, steady_prefix + t);
                    state.firm_pass_by_bins(
                        (design, partition),
                        numbers,
                        at,
                        &mut outgoing,
                        t == 1,
                    );
                },
            );
            self.sums.clear();
            self.sums.resize(cells, 0.0);
            for state in &self.states {
                for (sum, own) in self.sums.iter_mut().zip(&state.sums) {
                    *sum += *own;
                }
            }
            round::<F>(&mut self.sums);
            let stop = design.stop.as_ref();
            if !sink(steady_prefix + t - 1, &self.sums)
                || stop.is_some_and(|s| s.load(Ordering::Relaxed))
            {
                break;
            }
            if stride > 0 && !run.whole() && (t - 1) % stride == 0 {
                for (state, partition) in self.states.iter_mut().zip(&layout.partitions) {
                    state.save(partition.link.len() / W, t - 1, stride);
                }
            }
            if t == periods {
                break;
            }
            let (at, stock) = run.links_at(t);
            each_buyer(
                context,
                &mut self.states,
                &mut self.message_arrays,
                |state, links, messages| {
                    state.link_pass(links, at, stock, &[], Some(messages));
                },
            );
        }
    }

    /// The gradient.
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
            numbers,
            apart,
        } = context;
        let Run {
            inputs,
            slot,
            steady_prefix,
            periods,
            stride,
        } = run;
        let cells = design.groups * Self::PARTICLES;
        make_room::<F, 2>(&mut self.messages_back, layout);
        let states = self.states.iter_mut().zip(&layout.partitions);
        each_partition(apart, states, |(state, partition)| {
            state.start_back(partition)
        });
        for t in (1..=periods).rev() {
            // The segment of checkpoint c holds the inventories of c-1 to c+stride-1.
            let c = (t - 1) / stride * stride;
            if stride < periods && (t == periods || t.is_multiple_of(stride)) {
                self.recompute_by_bins(context, c, t - 1);
            }
            let at = |period: usize| period + 1 - c;
            if t < periods {
                each_buyer(
                    context,
                    &mut self.states,
                    &mut self.messages_back,
                    |state, links, messages| {
                        state.link_adjoint(links, t, at(t - 1), (&[], &[]), Some(messages));
                    },
                );
            }
            let from_panel = &panel[(steady_prefix + t - 1) * cells..][..cells];
            each_partition(
                apart,
                self.states
                    .iter_mut()
                    .zip(outgoing::<F, 2>(&mut self.messages_back, layout))
                    .zip(layout.partitions.iter().zip(&numbers.partitions)),
                |((state, mut outgoing), (partition, numbers))| {
                    state.set_capacity(design, partition, inputs, slot, steady_prefix + t);
                    let back = Back {
                        partition,
                        numbers,
                        model: design.model,
                        from_panel,
                        t,
                        stock_at: at(t - 1),
                    };
                    state.firm_adjoint_by_bins(back, &mut outgoing, t == periods);
                },
            );
            if let Some(out) = to_capacity.as_deref_mut() {
                for (state, partition) in self.states.iter().zip(&layout.partitions) {
                    state.put_capacity(design, partition, steady_prefix + t, out);
                }
            }
        }
        let partitions = layout.partitions.iter().zip(&numbers.partitions);
        let states = self.states.iter_mut().zip(partitions);
        each_partition(apart, states, |(state, (partition, numbers))| {
            state.end_back(partition, numbers);
        });
    }

    /// Simulates the inventories from checkpoint `c` to period `last` recompute, into the segment.
    fn recompute_by_bins(&mut self, context: Context<'_, F>, c: usize, last: usize) {
        let Context {
            design,
            layout,
            numbers,
            apart,
        } = context;
        for (state, partition) in self.states.iter_mut().zip(&layout.partitions) {
            state.resume(partition.link.len() / W, c, self.stride);
        }
        for t in c + 1..=last {
            each_partition(
                apart,
                self.states
                    .iter_mut()
                    .zip(outgoing::<F, 1>(&mut self.message_arrays, layout))
                    .zip(&numbers.partitions),
                |((state, mut outgoing), numbers)| {
                    state.send_offers((design.model.rationing, numbers), t, &mut outgoing);
                },
            );
            each_buyer(
                context,
                &mut self.states,
                &mut self.message_arrays,
                |state, links, messages| {
                    let at = (t - 1, t - 1, t.max(2) - 2);
                    let stock = [t - c, t - c - 1, t - c + 1];
                    state.link_pass(links, at, stock, &[], Some(messages));
                },
            );
        }
    }
}
