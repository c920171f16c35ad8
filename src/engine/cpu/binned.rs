//! Runs of large networks, whose links have messages. A thread writes into the messages of all partitions:
//! `each_partition` lends every thread the messages that it writes in a phase.

use super::Float;
use super::bins::{by_supplier, make_room};
use super::block::{Block, Context, Run};
use super::firms::{AdjointPeriod, round};
use super::links::LinkData;
use super::state::{PartitionState, links_of};
use super::team::each_partition;
use super::worker::Sink;
use std::sync::atomic::Ordering;

/// Does `work` for every partition, with the partition's links and their messages.
fn each_buyer<F: Float, const L: usize, const W: usize>(
    context: Context<'_, F>,
    states: &mut [PartitionState<F, L, W>],
    message_arrays: &mut [Vec<F>],
    work: impl Fn(&mut PartitionState<F, L, W>, LinkData<'_, F>, &mut [F]) + Sync,
) {
    let buyers = states.iter_mut().zip(message_arrays);
    let fixed = context
        .layout
        .partitions
        .iter()
        .zip(&context.numbers.partitions);
    each_partition(
        context.split,
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
            split,
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
            split,
            self.states.iter_mut().zip(partitions),
            |(state, (partition, numbers))| state.start(design, partition, numbers, run),
        );
        for t in 1..=periods {
            let at = run.firms_at(t);
            each_partition(
                split,
                self.states
                    .iter_mut()
                    .zip(by_supplier::<F, 1>(&mut self.message_arrays, layout))
                    .zip(layout.partitions.iter().zip(&numbers.partitions)),
                |((state, mut supplier_messages), (partition, numbers))| {
                    state.set_capacity(design, partition, inputs, slot, steady_prefix + t);
                    state.firm_pass_by_bins(
                        (design, partition),
                        numbers,
                        at,
                        &mut supplier_messages,
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
            if stride > 0 && !run.keeps_all() && (t - 1) % stride == 0 {
                for (state, partition) in self.states.iter_mut().zip(&layout.partitions) {
                    state.save_checkpoint(partition.link.len() / W, t - 1, stride);
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
            numbers,
            split,
        } = context;
        let Run {
            inputs,
            slot,
            steady_prefix,
            periods,
            stride,
        } = run;
        let cells = design.groups * Self::PARTICLES;
        make_room::<F, 2>(&mut self.adjoint_message_arrays, layout);
        let states = self.states.iter_mut().zip(&layout.partitions);
        each_partition(split, states, |(state, partition)| {
            state.start_adjoint(partition)
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
                    &mut self.adjoint_message_arrays,
                    |state, links, messages| {
                        state.link_adjoint(links, t, at(t - 1), (&[], &[]), Some(messages));
                    },
                );
            }
            let from_panel = &panel[(steady_prefix + t - 1) * cells..][..cells];
            each_partition(
                split,
                self.states
                    .iter_mut()
                    .zip(by_supplier::<F, 2>(
                        &mut self.adjoint_message_arrays,
                        layout,
                    ))
                    .zip(layout.partitions.iter().zip(&numbers.partitions)),
                |((state, mut supplier_messages), (partition, numbers))| {
                    state.set_capacity(design, partition, inputs, slot, steady_prefix + t);
                    let back = AdjointPeriod {
                        partition,
                        numbers,
                        model: design.model,
                        from_panel,
                        t,
                        stock_at: at(t - 1),
                    };
                    state.firm_adjoint_by_bins(back, &mut supplier_messages, t == periods);
                },
            );
            if let Some(out) = to_capacity.as_deref_mut() {
                for (state, partition) in self.states.iter().zip(&layout.partitions) {
                    state.write_capacity_gradient(design, partition, steady_prefix + t, out);
                }
            }
        }
        let partitions = layout.partitions.iter().zip(&numbers.partitions);
        let states = self.states.iter_mut().zip(partitions);
        each_partition(split, states, |(state, (partition, numbers))| {
            state.end_adjoint(partition, numbers);
        });
    }

    /// Recomputes the inventories from checkpoint `c` to period `last` into the segment.
    fn recompute_by_bins(&mut self, context: Context<'_, F>, c: usize, last: usize) {
        let Context {
            design,
            layout,
            numbers,
            split,
        } = context;
        for (state, partition) in self.states.iter_mut().zip(&layout.partitions) {
            state.load_checkpoint(partition.link.len() / W, c, self.stride);
        }
        for t in c + 1..=last {
            each_partition(
                split,
                self.states
                    .iter_mut()
                    .zip(by_supplier::<F, 1>(&mut self.message_arrays, layout))
                    .zip(&numbers.partitions),
                |((state, mut supplier_messages), numbers)| {
                    state.send_offers((design.model.rationing, numbers), t, &mut supplier_messages);
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
