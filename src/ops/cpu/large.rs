//! Runs of large networks, whose links have letters. A thread writes letters to all parts, so that every phase gives
//! each thread what it writes in it.

use super::Number;
use super::block::{Block, Ground, Run};
use super::mail::{desks, make_room};
use super::nodes::{Back, round};
use super::shard::{Shard, links_of};
use super::sweep::Links;
use super::team::each_part;
use super::worker::See;
use std::sync::atomic::Ordering;

/// Does the work of every part with the links of which its nodes are buyers, and their letters.
fn each_buyer<F: Number, const L: usize, const W: usize>(
    ground: Ground<'_, F>,
    shards: &mut [Shard<F, L, W>],
    boxes: &mut [Vec<F>],
    work: impl Fn(&mut Shard<F, L, W>, Links<'_, F>, &mut [F]) + Sync,
) {
    let buyers = shards.iter_mut().zip(boxes);
    let fixed = ground.layout.parts.iter().zip(&ground.numbers.parts);
    each_part(
        ground.apart,
        buyers.zip(fixed),
        |((shard, letters), (part, numbers))| work(shard, links_of(part, numbers), letters),
    );
}

impl<F: Number, const L: usize, const W: usize> Block<F, L, W> {
    /// Simulates all periods.
    pub(super) fn forward_by_mail(
        &mut self,
        ground: Ground<'_, F>,
        run: Run<'_, F>,
        see: &mut See<'_>,
    ) {
        let Ground {
            design,
            layout,
            numbers,
            apart,
        } = ground;
        let Run {
            inputs,
            slot,
            quiet,
            periods,
            stride,
        } = run;
        let cells = design.groups * Self::PARTICLES;
        make_room::<F, 1>(&mut self.boxes, layout);
        let parts = layout.parts.iter().zip(&numbers.parts);
        each_part(
            apart,
            self.shards.iter_mut().zip(parts),
            |(shard, (part, numbers))| shard.start(design, part, numbers, run),
        );
        for t in 1..=periods {
            let at = run.nodes_at(t);
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(desks::<F, 1>(&mut self.boxes, layout))
                    .zip(layout.parts.iter().zip(&numbers.parts)),
                |((shard, mut desk), (part, numbers))| {
                    shard.set_capacity(design, part, inputs, slot, quiet + t);
                    shard.trade_by_mail((design, part), numbers, at, &mut desk, t == 1);
                },
            );
            self.sums.clear();
            self.sums.resize(cells, 0.0);
            for shard in &self.shards {
                for (sum, own) in self.sums.iter_mut().zip(&shard.sums) {
                    *sum += *own;
                }
            }
            round::<F>(&mut self.sums);
            let stop = design.stop.as_ref();
            if !see(quiet + t - 1, &self.sums) || stop.is_some_and(|s| s.load(Ordering::Relaxed)) {
                break;
            }
            if stride > 0 && !run.whole() && (t - 1) % stride == 0 {
                for (shard, part) in self.shards.iter_mut().zip(&layout.parts) {
                    shard.save(part.link.len() / W, t - 1, stride);
                }
            }
            if t == periods {
                break;
            }
            let (at, stock) = run.links_at(t);
            each_buyer(
                ground,
                &mut self.shards,
                &mut self.boxes,
                |shard, links, letters| {
                    shard.advance(links, at, stock, &[], Some(letters));
                },
            );
        }
    }

    /// The gradient.
    pub(super) fn backward_by_mail(
        &mut self,
        ground: Ground<'_, F>,
        run: Run<'_, F>,
        panel: &[F],
        mut to_capacity: Option<&mut [F]>,
    ) {
        let Ground {
            design,
            layout,
            numbers,
            apart,
        } = ground;
        let Run {
            inputs,
            slot,
            quiet,
            periods,
            stride,
        } = run;
        let cells = design.groups * Self::PARTICLES;
        make_room::<F, 2>(&mut self.boxes_back, layout);
        let shards = self.shards.iter_mut().zip(&layout.parts);
        each_part(apart, shards, |(shard, part)| shard.start_back(part));
        for t in (1..=periods).rev() {
            // The segment of checkpoint c holds the inventories of c-1 to c+stride-1.
            let c = (t - 1) / stride * stride;
            if stride < periods && (t == periods || t.is_multiple_of(stride)) {
                self.again_by_mail(ground, c, t - 1);
            }
            let at = |period: usize| period + 1 - c;
            if t < periods {
                each_buyer(
                    ground,
                    &mut self.shards,
                    &mut self.boxes_back,
                    |shard, links, letters| {
                        shard.retreat(links, t, at(t - 1), (&[], &[]), Some(letters));
                    },
                );
            }
            let from_panel = &panel[(quiet + t - 1) * cells..][..cells];
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(desks::<F, 2>(&mut self.boxes_back, layout))
                    .zip(layout.parts.iter().zip(&numbers.parts)),
                |((shard, mut desk), (part, numbers))| {
                    shard.set_capacity(design, part, inputs, slot, quiet + t);
                    let back = Back {
                        part,
                        numbers,
                        scales_inputs: design.scales_inputs,
                        from_panel,
                        t,
                        stock_at: at(t - 1),
                    };
                    shard.trade_back_by_mail(back, &mut desk, t == periods);
                },
            );
            if let Some(out) = to_capacity.as_deref_mut() {
                for (shard, part) in self.shards.iter().zip(&layout.parts) {
                    shard.put_capacity(design, part, quiet + t, out);
                }
            }
        }
        let parts = layout.parts.iter().zip(&numbers.parts);
        let shards = self.shards.iter_mut().zip(parts);
        each_part(apart, shards, |(shard, (part, numbers))| {
            shard.end_back(part, numbers);
        });
    }

    /// Simulates the inventories from checkpoint `c` to period `last` again, into the segment.
    fn again_by_mail(&mut self, ground: Ground<'_, F>, c: usize, last: usize) {
        let Ground { layout, apart, .. } = ground;
        for (shard, part) in self.shards.iter_mut().zip(&layout.parts) {
            shard.take_up(part.link.len() / W, c, self.stride);
        }
        for t in c + 1..=last {
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(desks::<F, 1>(&mut self.boxes, layout)),
                |(shard, mut desk)| shard.send_shares(t, &mut desk),
            );
            each_buyer(
                ground,
                &mut self.shards,
                &mut self.boxes,
                |shard, links, letters| {
                    let at = (t - 1, t - 1, t.max(2) - 2);
                    let stock = [t - c, t - c - 1, t - c + 1];
                    shard.advance(links, at, stock, &[], Some(letters));
                },
            );
        }
    }
}
