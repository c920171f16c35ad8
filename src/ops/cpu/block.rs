//! Up to L particles through all periods and back: the state of a run and its two passes.

use super::super::plan::{Design, Layout, NONE, Numbers, Plan, available_memory};
use super::Number;
use super::mail::{desks, make_room};
use super::rows::Rows;
use super::shard::{ProduceBack, Shard, Slot, links_of};
use super::sweep::{Links, lanes, spread};
use super::team::each_part;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The tensors of a run as flat host arrays.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a, F> {
    /// Number of particles P.
    pub(crate) particles: usize,
    /// Target inventory n x0, [particle, node].
    pub(crate) target: &'a [F],
    /// 1 / adjustment time, [particle, node].
    pub(crate) rate: &'a [F],
    /// Remaining capacity, [particle, period, column], or [period, column] for all particles.
    pub(crate) capacity: &'a [F],
}

/// Where the gradient goes; shapes as in `Inputs`.
pub(crate) struct Gradient<F> {
    pub(crate) target: Vec<F>,
    pub(crate) rate: Vec<F>,
    /// Of every particle, [particle, period, column]; empty where it was not asked for.
    pub(crate) capacity: Vec<F>,
}

/// The state of the particles of one block: of L particles (W = 1), or of one whose nodes stand side
/// by side (W = L). Arrays keep their memory from run to run.
pub(super) struct Block<F, const L: usize, const W: usize> {
    shards: Vec<Shard<F, L, W>>,
    /// Stalls of all nodes for each part: what its links read there, and what they add.
    market: Vec<Rows<F, L>>,
    market_back: Vec<Rows<F, L>>,
    /// Letters of each part's links, in large networks instead of the stalls: share and order in turn.
    boxes: Vec<Vec<F>>,
    /// Two numbers each: the adjoint of demand and then that of the share, and the share.
    boxes_back: Vec<Vec<F>>,
    /// Share of its orders that each node delivers this period.
    share: Rows<F, L>,
    /// Adjoint of demand.
    pull: Rows<F, L>,
    /// Output of one period summed to groups, [group, particle of the block], in 64 bits: thousands of
    /// outputs are added to one sum.
    sums: Vec<f64>,
    /// Room for a panel [period, group, particle of the block].
    pub(super) panel: Vec<F>,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    stride: usize,
    /// Periods at the start in which nothing happens: they are not simulated.
    quiet: usize,
}

/// What a run is made of: where things stand, and the numbers of this format.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a, F> {
    pub(super) design: &'a Design,
    pub(super) layout: &'a Layout,
    pub(super) numbers: &'a Numbers<F>,
    /// Whether the parts go over several threads.
    pub(super) apart: bool,
}

impl<'a, F: super::Format> Ground<'a, F> {
    /// For so many blocks at once: where they keep all threads busy, each does its parts one after the other.
    pub(super) fn new(plan: &'a Plan, width: usize, blocks: usize) -> Self {
        let layout = plan.layout(width);
        Self {
            design: plan.design(),
            layout,
            numbers: F::numbers(plan, width),
            apart: layout.parts.len() > 1 && blocks < rayon::current_num_threads(),
        }
    }
}

/// Rows of stalls: a power of two, as the inner loops want it.
fn stalls(layout: &Layout) -> usize {
    layout.rows.next_power_of_two()
}

/// Cuts rows of all nodes into those of each part.
fn cut<'a, T>(mut rows: &'a mut [T], layout: &'a Layout) -> impl Iterator<Item = &'a mut [T]> {
    layout.parts.iter().map(move |part| {
        let (own, others) = std::mem::take(&mut rows).split_at_mut(part.rows);
        rows = others;
        own
    })
}

/// What each part's links read and write: stalls, or letters in their place.
fn told<'a, F: Number, const L: usize>(
    market: &'a mut [Rows<F, L>],
    boxes: &'a mut [Vec<F>],
) -> impl Iterator<Item = &'a mut [F]> {
    let stalls = market.iter_mut().map(|m| m.as_flattened_mut());
    let letters = boxes.iter_mut().map(Vec::as_mut_slice);
    stalls.chain(letters)
}

/// Does the work of every part with the links of which its nodes are buyers, and what they read and write.
fn each_buyer<'a, F: Number, const L: usize, const W: usize>(
    ground: Ground<'_, F>,
    shards: &mut [Shard<F, L, W>],
    told: impl Iterator<Item = &'a mut [F]>,
    work: impl Fn(&mut Shard<F, L, W>, Links<'_, F>, &mut [F]) + Sync,
) {
    let buyers = shards.iter_mut().zip(told);
    let fixed = ground.layout.parts.iter().zip(&ground.numbers.parts);
    each_part(
        ground.apart,
        buyers.zip(fixed),
        |((shard, market), (part, numbers))| work(shard, links_of(part, numbers), market),
    );
}

/// Periods before any capacity differs from 1: the steady state is a fixed point then, unless a node
/// aims at less inventory than it uses in a period. At least one period is left.
fn quiet<F: Number>(design: &Design, inputs: &Inputs<'_, F>, slot: Slot) -> usize {
    let (nodes, columns) = (design.steady.len(), design.column.len());
    let stocked = (slot.first..slot.last).all(|p| {
        let target = &inputs.target[p * nodes..][..nodes];
        let steady = design.steady.iter().map(|x| F::from_f64(*x));
        target.iter().zip(steady).all(|(n, x)| *n >= x)
    });
    if !stocked {
        return 0;
    }
    let rows = inputs.capacity.chunks_exact(columns);
    let first = |particle: usize| {
        let own = rows.clone().skip(particle * design.periods);
        own.take(design.periods)
            .position(|row| row.iter().any(|z| *z != F::ONE))
            .unwrap_or(design.periods)
    };
    let earliest = if inputs.capacity.len() == design.periods * columns {
        first(0)
    } else {
        (slot.first..slot.last).map(first).min().unwrap_or(0)
    };
    earliest.min(design.periods - 1)
}

impl<F: Number, const L: usize, const W: usize> Block<F, L, W> {
    /// Particles in a row.
    const PARTICLES: usize = L / W;

    pub(super) fn new() -> Self {
        Self {
            shards: Vec::new(),
            market: Vec::new(),
            market_back: Vec::new(),
            boxes: Vec::new(),
            boxes_back: Vec::new(),
            share: Rows::default(),
            pull: Rows::default(),
            sums: Vec::new(),
            panel: Vec::new(),
            stride: 0,
            quiet: 0,
        }
    }

    /// Rows of what links read of suppliers: where lanes are nodes they read it straight from there.
    fn told_of(layout: &Layout) -> usize {
        if W == 1 { layout.rows } else { stalls(layout) }
    }

    /// Lays the inputs of a block's particles side by side and sets the steady state.
    fn start(&mut self, ground: Ground<'_, F>, inputs: &Inputs<'_, F>, slot: Slot, keep: bool) {
        let Ground {
            design,
            layout,
            numbers,
            apart,
        } = ground;
        let nodes = design.steady.len();
        self.quiet = quiet(design, inputs, slot);
        let periods = design.periods - self.quiet;
        let links: usize = layout.parts.iter().map(|p| p.link.len() / W).sum();
        self.stride = if keep {
            // All blocks keep theirs at once.
            let blocks = inputs.particles.div_ceil(Self::PARTICLES);
            let bytes = blocks * links * size_of::<[F; L]>();
            design.checkpoint.stride(periods, bytes, available_memory)
        } else {
            0
        };
        let stride = self.stride;
        self.share.resize(Self::told_of(layout));
        self.shards.resize_with(layout.parts.len(), Shard::default);
        if layout.mail() {
            make_room::<F, 1>(&mut self.boxes, layout);
        } else {
            self.market.resize_with(layout.parts.len(), Rows::default);
            for market in &mut self.market {
                market.resize(if W == 1 { 2 } else { 1 } * stalls(layout));
            }
        }
        let parts = layout.parts.iter().zip(&numbers.parts);
        let shards = self.shards.iter_mut().zip(parts);
        each_part(apart, shards, |(shard, (part, numbers))| {
            let links = links_of(part, numbers);
            let (n, e) = (part.rows, links.rows());
            let take = |v: &[F], i: usize, empty: F| -> [F; L] {
                lanes(|l| match part.node[if W == 1 { i } else { i * W + l }] {
                    NONE => empty,
                    node => v[slot.particle::<W>(l) * nodes + node as usize],
                })
            };
            shard.target.set(n, |i| take(inputs.target, i, F::ZERO));
            shard.rate.set(n, |i| take(inputs.rate, i, F::ONE));
            shard.capacity.fill_with(n, [F::ONE; L]);
            shard.own.set(n, |i| spread::<F, L, W>(&numbers.full, i));
            let (demands, outputs) = if keep { (periods, periods) } else { (2, 1) };
            shard.demand.resize(demands * n);
            shard.output.resize(outputs * n);
            let first_demands = if keep { 1 } else { 2 };
            for k in 0..first_demands {
                for (i, d) in shard.demand[k * n..][..n].iter_mut().enumerate() {
                    *d = spread::<F, L, W>(&numbers.steady, i);
                }
            }
            let slots = if stride >= periods { periods + 1 } else { 2 };
            shard.stock.resize(slots.max(2) * e);
            if keep && stride < periods {
                let pairs = periods.div_ceil(stride);
                shard.saved.resize(pairs * 2 * e);
            }
            shard.lowest.resize(n);
            let aside = part.hubs.len().div_ceil(W);
            shard.aside.fill_with(aside, [F::ZERO; L]);
            for i in 0..n {
                let target = shard.target[i];
                shard.lowest[i] = lanes(|l| {
                    let fed = part.fed[if W == 1 { i } else { i * W + l }];
                    if fed { target[l] } else { F::INFINITY }
                });
                for r in links.of(i) {
                    let stock: [F; L] = if W == 1 {
                        target
                    } else {
                        let here = &part.link[r * W..][..W];
                        lanes(|l| if here[l] == NONE { F::FAR } else { target[l] })
                    };
                    shard.stock[r] = stock;
                    shard.stock[e + r] = stock;
                }
            }
        });
    }

    /// Simulates all periods; `keep` for a gradient that is to follow. `see` is told each period, from 0, and its
    /// output summed to groups, [group, particle of the block], numbers of F; the run ends early where it says
    /// false, or where it is stopped.
    pub(super) fn forward(
        &mut self,
        ground: Ground<'_, F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        keep: bool,
        see: &mut dyn FnMut(usize, &[f64]) -> bool,
    ) {
        self.start(ground, inputs, slot, keep);
        let Ground {
            design,
            layout,
            numbers,
            apart,
        } = ground;
        let (stride, quiet) = (self.stride, self.quiet);
        let periods = design.periods - quiet;
        let cells = design.groups * Self::PARTICLES;
        self.sums.clear();
        self.sums.resize(cells, 0.0);
        for (x, g) in design.steady.iter().zip(&design.group) {
            for y in &mut self.sums[*g as usize * Self::PARTICLES..][..Self::PARTICLES] {
                *y += *x;
            }
        }
        for sum in &mut self.sums {
            *sum = F::from_f64(*sum).to_f64();
        }
        if !(0..quiet).all(|t| see(t, &self.sums)) {
            return;
        }
        let whole = keep && stride >= periods;
        // Where groups are few against nodes, every part sums its own.
        let parts = layout.parts.len();
        let each_sums = parts > 1 && parts * design.groups <= design.steady.len();
        for t in 1..=periods {
            let asked = |stop: &Arc<AtomicBool>| stop.load(Ordering::Relaxed);
            if t > 1 && design.stop.as_ref().is_some_and(asked) {
                break;
            }
            let (demand_at, output_at) = if keep {
                (t - 1, t - 1)
            } else {
                ((t - 1) & 1, 0)
            };
            let market = &self.market;
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(cut(&mut self.share, layout))
                    .zip(desks::<F, 1>(&mut self.boxes, layout))
                    .zip(&layout.parts)
                    .zip(&numbers.parts),
                |((((shard, share), mut desk), part), numbers)| {
                    shard.set_capacity(design, part, &numbers.full, inputs, slot, quiet + t);
                    if part.mail.is_some() && t > 1 {
                        shard.receive(numbers, &desk, demand_at);
                    }
                    let market = (t > 1 && part.mail.is_none()).then_some(market.as_slice());
                    let at = (demand_at, output_at);
                    shard.produce(numbers, part, design.scales_inputs, market, at, share);
                    shard.send(&mut desk, [&*share]);
                    if each_sums {
                        let mut sums = std::mem::take(&mut shard.sums);
                        sums.clear();
                        sums.resize(cells, 0.0);
                        shard.observe(part, output_at, &mut sums);
                        shard.sums = sums;
                    }
                },
            );
            self.sums.fill(0.0);
            for (shard, part) in self.shards.iter().zip(&layout.parts) {
                if each_sums {
                    for (sum, own) in self.sums.iter_mut().zip(&shard.sums) {
                        *sum += *own;
                    }
                } else {
                    shard.observe(part, output_at, &mut self.sums);
                }
            }
            pulp::Arch::new().dispatch(Round::<F> {
                sums: &mut self.sums,
                format: PhantomData,
            });
            if !see(quiet + t - 1, &self.sums) {
                break;
            }
            if keep && !whole && (t - 1) % stride == 0 {
                for (shard, part) in self.shards.iter_mut().zip(&layout.parts) {
                    shard.save(part.link.len() / W, t - 1, stride);
                }
            }
            if t == periods {
                break;
            }
            let share = &self.share;
            each_buyer(
                ground,
                &mut self.shards,
                told(&mut self.market, &mut self.boxes),
                |shard, links, market| {
                    let demand_before = if keep { t.max(2) - 2 } else { t & 1 };
                    let at = (output_at, demand_at, demand_before);
                    let stock = if whole {
                        [t, t - 1, t + 1]
                    } else {
                        // Period t - 1 is read, t - 2 is overwritten by t.
                        [(t - 1) & 1, t & 1, t & 1]
                    };
                    shard.advance(links, at, stock, share, market);
                },
            );
        }
    }

    /// The gradient, given that of the panel, [period, group, particle of the block]; `to_capacity`
    /// takes [particle, period, column] where it is wanted.
    pub(super) fn backward(
        &mut self,
        ground: Ground<'_, F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        panel: &[F],
        mut to_capacity: Option<&mut [F]>,
    ) {
        let Ground {
            design,
            layout,
            numbers,
            apart,
        } = ground;
        let cells = design.groups * Self::PARTICLES;
        let (stride, quiet) = (self.stride, self.quiet);
        let periods = design.periods - quiet;
        assert!(stride > 0, "a run without a gradient was asked for one");
        self.pull.fill_with(Self::told_of(layout), [F::ZERO; L]);
        if layout.mail() {
            make_room::<F, 2>(&mut self.boxes_back, layout);
        } else {
            self.market_back
                .resize_with(layout.parts.len(), Rows::default);
            for market in &mut self.market_back {
                let rows = if W == 1 { 4 } else { 3 };
                market.fill_with(rows * stalls(layout), [F::ZERO; L]);
            }
        }
        let shards = self.shards.iter_mut().zip(&layout.parts);
        each_part(apart, shards, |(shard, part)| {
            let (n, e) = (part.rows, part.link.len() / W);
            shard.adjoint_stock.fill_with(e, [F::ZERO; L]);
            shard.adjoint_order.fill_with(e, [F::ZERO; L]);
            for v in [
                &mut shard.sum_stock,
                &mut shard.sum_order,
                &mut shard.to_rate,
                &mut shard.to_target,
                &mut shard.to_capacity,
                &mut shard.owed,
            ] {
                v.fill_with(n, [F::ZERO; L]);
            }
        });
        for t in (1..=periods).rev() {
            // The segment of checkpoint c holds the inventories of c-1 to c+stride-1.
            let c = (t - 1) / stride * stride;
            if stride < periods && (t == periods || t.is_multiple_of(stride)) {
                self.again(ground, c, t - 1);
            }
            let at = |period: usize| period + 1 - c;
            if t < periods {
                let (share, pull) = (&self.share, &self.pull);
                each_buyer(
                    ground,
                    &mut self.shards,
                    told(&mut self.market_back, &mut self.boxes_back),
                    |shard, links, market| {
                        shard.retreat(links, t, at(t - 1), share, pull, market);
                    },
                );
            }
            let market = &self.market_back;
            let from_panel = &panel[(quiet + t - 1) * cells..][..cells];
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(cut(&mut self.pull, layout))
                    .zip(cut(&mut self.share, layout))
                    .zip(desks::<F, 2>(&mut self.boxes_back, layout))
                    .zip(&layout.parts)
                    .zip(&numbers.parts),
                |(((((shard, pull), share), mut desk), part), numbers)| {
                    shard.set_capacity(design, part, &numbers.full, inputs, slot, quiet + t);
                    if part.mail.is_some() && t < periods {
                        shard.receive_back(&desk);
                    }
                    pulp::Arch::new().dispatch(ProduceBack::<F, L, W> {
                        shard,
                        links: links_of(part, numbers),
                        part,
                        full: &numbers.full,
                        scales_inputs: design.scales_inputs,
                        market,
                        from_panel,
                        t,
                        stock_at: at(t - 1),
                        pull: &mut *pull,
                        share: &mut *share,
                    });
                    shard.send(&mut desk, [&*pull, &*share]);
                },
            );
            if let Some(out) = to_capacity.as_deref_mut() {
                let columns = design.column.len();
                for (shard, part) in self.shards.iter().zip(&layout.parts) {
                    let found = shard.to_capacity.as_flattened();
                    for (i, c) in &part.columns {
                        let found = &found[*i as usize * Self::PARTICLES..][..Self::PARTICLES];
                        for (p, g) in found.iter().enumerate() {
                            let at = (p * design.periods + quiet + t - 1) * columns + *c as usize;
                            // Copies that fill up a block have no place.
                            if let Some(out) = out.get_mut(at) {
                                *out = *g;
                            }
                        }
                    }
                }
            }
        }
        // What is left reaches the first inventories, which are the targets.
        let parts = layout.parts.iter().zip(&numbers.parts);
        let shards = self.shards.iter_mut().zip(parts);
        each_part(apart, shards, |(shard, (part, numbers))| {
            let links = links_of(part, numbers);
            for i in 0..part.rows {
                let rate = shard.rate[i];
                let mut sum = shard.to_target[i];
                let row = links.of(i);
                let rest = shard.adjoint_stock[row.clone()]
                    .iter()
                    .zip(&shard.adjoint_order[row]);
                for (inv, ord) in rest {
                    sum = lanes(|l| sum[l] + (inv[l] - rate[l] * ord[l]));
                }
                shard.to_target[i] = sum;
            }
        });
    }

    /// Simulates the inventories from checkpoint `c` to period `last` again, into the segment.
    fn again(&mut self, ground: Ground<'_, F>, c: usize, last: usize) {
        let Ground {
            design,
            layout,
            apart,
            ..
        } = ground;
        let stride = self.stride;
        for (shard, part) in self.shards.iter_mut().zip(&layout.parts) {
            let e = part.link.len() / W;
            shard.stock.resize((stride + 1) * e);
            let pair = &shard.saved[c / stride * 2 * e..][..2 * e];
            shard.stock[..2 * e].copy_from_slice(pair);
        }
        for t in c + 1..=last {
            self.set_shares(layout, t);
            let share = &self.share;
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(desks::<F, 1>(&mut self.boxes, layout))
                    .zip(&layout.parts),
                |((shard, mut desk), part)| {
                    shard.send(&mut desk, [&share[part.first..][..part.rows]]);
                },
            );
            each_buyer(
                ground,
                &mut self.shards,
                told(&mut self.market, &mut self.boxes),
                |shard, links, market| {
                    let at = (t - 1, t - 1, t.max(2) - 2);
                    let stock = [t - c, t - c - 1, t - c + 1];
                    shard.advance(links, at, stock, share, market);
                },
            );
        }
        // The pass back expects the shares of the period after.
        if last + 1 < design.periods - self.quiet {
            self.set_shares(layout, last + 2);
        }
    }

    /// Shares of orders delivered in `t`, from the outputs and demands that were kept.
    fn set_shares(&mut self, layout: &Layout, t: usize) {
        for (shard, part) in self.shards.iter().zip(&layout.parts) {
            let x = &shard.output[(t - 1) * part.rows..][..part.rows];
            let d = &shard.demand[(t - 1) * part.rows..][..part.rows];
            let share = &mut self.share[part.first..][..part.rows];
            for ((share, x), d) in share.iter_mut().zip(x).zip(d) {
                *share = lanes(|l| d[l].gate(x[l] / d[l]));
            }
        }
    }

    /// Puts the gradients of a block's particles into [particle, node] arrays that begin at the
    /// block's first particle.
    pub(super) fn gradients(
        &self,
        layout: &Layout,
        nodes: usize,
        target: &mut [F],
        rate: &mut [F],
    ) {
        for (shard, part) in self.shards.iter().zip(&layout.parts) {
            let found = (shard.to_target.as_flattened(), shard.to_rate.as_flattened());
            for (i, node) in part.node.iter().enumerate().filter(|(_, n)| **n != NONE) {
                for p in 0..target.len() / nodes {
                    let (to, from) = (p * nodes + *node as usize, i * Self::PARTICLES + p);
                    target[to] = found.0[from];
                    rate[to] = found.1[from];
                }
            }
        }
    }
}

/// Rounds sums to the run's format.
struct Round<'a, F> {
    sums: &'a mut [f64],
    format: PhantomData<F>,
}

impl<F: Number> pulp::WithSimd for Round<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for sum in self.sums {
            *sum = F::from_f64(*sum).to_f64();
        }
    }
}
