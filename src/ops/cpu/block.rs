//! Up to L particles through all periods and back: the state of a run and its two passes.

use super::super::plan::{Design, Numbers, Part, Plan};
use super::Number;
use super::sweep::{self, Links, Nodes, Stall, Sums, lanes};
use rayon::prelude::*;

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

/// The state of the particles of one block. Vectors keep their memory from run to run.
pub(super) struct Block<F, const L: usize> {
    shards: Vec<Shard<F, L>>,
    /// One stall per node for each part: what its links read there, and what they add.
    market: Vec<Vec<Stall<F, L, 2>>>,
    market_back: Vec<Vec<Stall<F, L, 3>>>,
    /// Share of its orders that each node delivers this period, `[node]`.
    share: Vec<[F; L]>,
    /// Adjoint of demand, `[node]`.
    pull: Vec<[F; L]>,
    /// Output summed to groups, [period, group].
    pub(super) panel: Vec<[F; L]>,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    stride: usize,
}

/// The state of one part's nodes and links.
#[derive(Default)]
struct Shard<F, const L: usize> {
    target: Vec<[F; L]>,
    rate: Vec<[F; L]>,
    capacity: Vec<[F; L]>,
    lowest: Vec<[F; L]>,
    /// Demand, period after period (two in turn where nothing is kept).
    demand: Vec<[F; L]>,
    /// Output likewise.
    output: Vec<[F; L]>,
    /// Inventories of the periods at hand, in units of the buyer's output.
    stock: Vec<[F; L]>,
    /// Pairs of inventories at the checkpoints.
    saved: Vec<[F; L]>,
    /// (node of this part, column of the capacity tensor).
    columns: Vec<(u32, u32)>,
    adjoint_stock: Vec<[F; L]>,
    adjoint_order: Vec<[F; L]>,
    sum_stock: Vec<[F; L]>,
    sum_order: Vec<[F; L]>,
    to_rate: Vec<[F; L]>,
    to_target: Vec<[F; L]>,
    /// Gradient in the capacity of this period, one per entry of `columns`.
    to_capacity: Vec<[F; L]>,
}

/// The particles of a block among all: the last block is filled up with copies.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) first: usize,
    pub(super) last: usize,
}

impl Slot {
    #[inline(always)]
    fn particle(self, lane: usize) -> usize {
        (self.first + lane).min(self.last - 1)
    }
}

fn links_of<'a, F: Number>(
    design: &'a Design,
    numbers: &'a Numbers<F>,
    part: Part,
) -> Links<'a, F> {
    let row = &design.row[part.first..=part.last];
    let range = row[0] as usize..row[part.last - part.first] as usize;
    Links {
        row,
        supplier: &design.supplier[range.clone()],
        coefficient: &numbers.coefficient[range],
    }
}

fn fill<T: Copy>(v: &mut Vec<T>, n: usize, value: T) {
    v.clear();
    v.resize(n, value);
}

/// Only the length matters: what is in it is written before it is read.
fn size<T: Copy>(v: &mut Vec<T>, n: usize, value: T) {
    v.resize(n, value);
}

/// Disjoint slabs `a`, `b` to read and `out` to write, of `n` entries each.
fn slabs<T>(v: &mut [T], n: usize, a: usize, b: usize, out: usize) -> (&[T], &[T], &mut [T]) {
    debug_assert!(a < out && b < out);
    let (past, now) = v.split_at_mut(out * n);
    (&past[a * n..][..n], &past[b * n..][..n], &mut now[..n])
}

impl<F: Number, const L: usize> Block<F, L> {
    pub(super) fn new() -> Self {
        Self {
            shards: Vec::new(),
            market: Vec::new(),
            market_back: Vec::new(),
            share: Vec::new(),
            pull: Vec::new(),
            panel: Vec::new(),
            stride: 0,
        }
    }

    /// Lays the inputs of a block's particles side by side and sets the steady state.
    fn start(
        &mut self,
        plan: &Plan,
        numbers: &Numbers<F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        keep: bool,
    ) {
        let design = plan.design();
        let (nodes, periods) = (design.steady.len(), design.periods);
        let bytes = design.supplier.len() * size_of::<[F; L]>();
        self.stride = if keep {
            design.checkpoint.stride(periods, bytes)
        } else {
            0
        };
        let stride = self.stride;
        size(&mut self.share, nodes, [F::ZERO; L]);
        fill(&mut self.panel, periods * design.groups, [F::ZERO; L]);
        let parts = plan.parts();
        self.shards.resize_with(parts.len(), Shard::default);
        self.market.resize_with(parts.len(), Vec::new);
        for market in &mut self.market {
            size(market, nodes, [[F::ZERO; L]; 2]);
        }
        for (shard, part) in self.shards.iter_mut().zip(parts) {
            let links = links_of(design, numbers, *part);
            let n = part.last - part.first;
            let e = links.supplier.len();
            let take = |v: &[F], i: usize| -> [F; L] {
                lanes(|l| v[slot.particle(l) * nodes + part.first + i])
            };
            shard.target.clear();
            shard.target.extend((0..n).map(|i| take(inputs.target, i)));
            shard.rate.clear();
            shard.rate.extend((0..n).map(|i| take(inputs.rate, i)));
            fill(&mut shard.capacity, n, [F::ONE; L]);
            let columns = design.column.iter().enumerate();
            shard.columns.clear();
            shard.columns.extend(
                columns
                    .filter(|(_, i)| (part.first..part.last).contains(&(**i as usize)))
                    .map(|(c, i)| (*i - part.first as u32, c as u32)),
            );
            let (demands, outputs) = if keep { (periods, periods) } else { (2, 1) };
            size(&mut shard.demand, demands * n, [F::ZERO; L]);
            size(&mut shard.output, outputs * n, [F::ZERO; L]);
            let first_demands = if keep { 1 } else { 2 };
            for k in 0..first_demands {
                for (i, d) in shard.demand[k * n..][..n].iter_mut().enumerate() {
                    *d = [numbers.steady[part.first + i]; L];
                }
            }
            let slots = if stride >= periods { periods + 1 } else { 2 };
            size(&mut shard.stock, slots.max(2) * e, [F::ZERO; L]);
            if keep && stride < periods {
                let pairs = periods.div_ceil(stride);
                size(&mut shard.saved, pairs * 2 * e, [F::ZERO; L]);
            }
            fill(&mut shard.lowest, n, [F::INFINITY; L]);
            for i in 0..n {
                let row = links.of(i);
                if !row.is_empty() {
                    shard.lowest[i] = shard.target[i];
                }
                let target = shard.target[i];
                shard.stock[..e][row.clone()].fill(target);
                shard.stock[e..][row].fill(target);
            }
        }
    }

    /// Simulates all periods; `keep` for a gradient that is to follow.
    pub(super) fn forward(
        &mut self,
        plan: &Plan,
        numbers: &Numbers<F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        keep: bool,
    ) {
        self.start(plan, numbers, inputs, slot, keep);
        let design = plan.design();
        let (periods, groups, stride) = (design.periods, design.groups, self.stride);
        let whole = keep && stride >= periods;
        let arch = pulp::Arch::new();
        for t in 1..=periods {
            let (demand_at, output_at) = if keep {
                (t - 1, t - 1)
            } else {
                ((t - 1) & 1, 0)
            };
            let mut shares: Vec<&mut [[F; L]]> = Vec::with_capacity(plan.parts().len());
            let mut rest = self.share.as_mut_slice();
            for part in plan.parts() {
                let (own, others) = rest.split_at_mut(part.last - part.first);
                shares.push(own);
                rest = others;
            }
            let market = &self.market;
            self.shards
                .par_iter_mut()
                .zip(shares)
                .zip(plan.parts())
                .for_each(|((shard, share), part)| {
                    shard.set_capacity(design, inputs, slot, t);
                    arch.dispatch(|| {
                        shard.produce(
                            numbers,
                            *part,
                            design.scales_inputs,
                            (t > 1).then_some(market),
                            (demand_at, output_at),
                            share,
                        );
                    });
                });
            let row = &mut self.panel[(t - 1) * groups..][..groups];
            for (shard, part) in self.shards.iter().zip(plan.parts()) {
                let n = part.last - part.first;
                let group = &design.group[part.first..part.last];
                for (x, g) in shard.output[output_at * n..][..n].iter().zip(group) {
                    let y = &mut row[*g as usize];
                    *y = lanes(|l| y[l] + x[l]);
                }
            }
            if keep && !whole && (t - 1) % stride == 0 {
                for (shard, part) in self.shards.iter_mut().zip(plan.parts()) {
                    let e = links_of(design, numbers, *part).supplier.len();
                    shard.save(e, t - 1, stride);
                }
            }
            if t == periods {
                break;
            }
            let share = &self.share;
            self.shards
                .par_iter_mut()
                .zip(&mut self.market)
                .zip(plan.parts())
                .for_each(|((shard, market), part)| {
                    let links = links_of(design, numbers, *part);
                    let e = links.supplier.len();
                    arch.dispatch(|| {
                        for (stall, share) in market.iter_mut().zip(share) {
                            *stall = [*share, [F::ZERO; L]];
                        }
                        let n = part.last - part.first;
                        let Shard {
                            target,
                            rate,
                            demand,
                            output,
                            stock,
                            lowest,
                            ..
                        } = &mut *shard;
                        let d2 = if keep { t.max(2) - 2 } else { t & 1 };
                        let nodes = Nodes {
                            target,
                            rate,
                            d1: &demand[demand_at * n..][..n],
                            d2: &demand[d2 * n..][..n],
                        };
                        let x = &output[output_at * n..][..n];
                        if whole {
                            let (s1, s2, out) = slabs(stock, e, t, t - 1, t + 1);
                            sweep::forward(links, nodes, x, s1, Some(s2), out, lowest, market);
                        } else {
                            let (even, odd) = stock.split_at_mut(e);
                            // Period t - 1 is read, t - 2 is overwritten by t.
                            let (s1, out) = if t & 1 == 1 {
                                (&*even, odd)
                            } else {
                                (&odd[..e], even)
                            };
                            sweep::forward(
                                links,
                                nodes,
                                x,
                                s1,
                                None,
                                &mut out[..e],
                                lowest,
                                market,
                            );
                        }
                    });
                });
        }
    }

    /// The gradient, given that of the panel, [period, group]; `to_capacity` takes
    /// [lane, period, column] where it is wanted.
    pub(super) fn backward(
        &mut self,
        plan: &Plan,
        numbers: &Numbers<F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        panel: &[[F; L]],
        mut to_capacity: Option<&mut [F]>,
    ) {
        let design = plan.design();
        let (nodes, periods, groups) = (design.steady.len(), design.periods, design.groups);
        let stride = self.stride;
        assert!(stride > 0, "a run without a gradient was asked for one");
        let arch = pulp::Arch::new();
        fill(&mut self.pull, nodes, [F::ZERO; L]);
        self.market_back.resize_with(plan.parts().len(), Vec::new);
        for market in &mut self.market_back {
            fill(market, nodes, [[F::ZERO; L]; 3]);
        }
        for (shard, part) in self.shards.iter_mut().zip(plan.parts()) {
            let e = links_of(design, numbers, *part).supplier.len();
            let n = part.last - part.first;
            fill(&mut shard.adjoint_stock, e, [F::ZERO; L]);
            fill(&mut shard.adjoint_order, e, [F::ZERO; L]);
            for v in [
                &mut shard.sum_stock,
                &mut shard.sum_order,
                &mut shard.to_rate,
                &mut shard.to_target,
            ] {
                fill(v, n, [F::ZERO; L]);
            }
        }
        for t in (1..=periods).rev() {
            // The segment of checkpoint c holds the inventories of c-1 to c+stride-1.
            let c = (t - 1) / stride * stride;
            if stride < periods && (t == periods || t.is_multiple_of(stride)) {
                self.again(plan, numbers, c, t - 1);
            }
            let at = |period: usize| period + 1 - c;
            if t < periods {
                let (share, pull) = (&self.share, &self.pull);
                self.shards
                    .par_iter_mut()
                    .zip(&mut self.market_back)
                    .zip(plan.parts())
                    .for_each(|((shard, market), part)| {
                        let links = links_of(design, numbers, *part);
                        let (n, e) = (part.last - part.first, links.supplier.len());
                        arch.dispatch(|| {
                            for ((stall, share), pull) in market.iter_mut().zip(share).zip(pull) {
                                *stall = [*pull, *share, [F::ZERO; L]];
                            }
                            let nodes = Nodes {
                                target: &shard.target,
                                rate: &shard.rate,
                                d1: &shard.demand[(t - 1) * n..][..n],
                                d2: &shard.demand[(t.max(2) - 2) * n..][..n],
                            };
                            sweep::backward(
                                links,
                                nodes,
                                &shard.stock[at(t - 1) * e..][..e],
                                &shard.stock[(at(t - 1) - 1) * e..][..e],
                                &mut shard.adjoint_stock,
                                &mut shard.adjoint_order,
                                Sums {
                                    inventory: &mut shard.sum_stock,
                                    order: &mut shard.sum_order,
                                    rate: &mut shard.to_rate,
                                },
                                market,
                            );
                        });
                    });
            }
            let mut ends: Vec<(&mut [[F; L]], &mut [[F; L]])> = Vec::new();
            let (mut pulls, mut shares) = (self.pull.as_mut_slice(), self.share.as_mut_slice());
            for part in plan.parts() {
                let (pull, other_pulls) = pulls.split_at_mut(part.last - part.first);
                let (share, other_shares) = shares.split_at_mut(part.last - part.first);
                ends.push((pull, share));
                (pulls, shares) = (other_pulls, other_shares);
            }
            let market = &self.market_back;
            let from_panel = &panel[(t - 1) * groups..][..groups];
            self.shards
                .par_iter_mut()
                .zip(ends)
                .zip(plan.parts())
                .for_each(|((shard, (pull, share)), part)| {
                    shard.set_capacity(design, inputs, slot, t);
                    fill(&mut shard.to_capacity, shard.columns.len(), [F::ZERO; L]);
                    arch.dispatch(|| {
                        shard.produce_back(
                            design,
                            numbers,
                            *part,
                            market,
                            from_panel,
                            t,
                            at(t - 1),
                            pull,
                            share,
                        );
                    });
                });
            if let Some(out) = to_capacity.as_deref_mut() {
                let columns = design.column.len();
                for shard in &self.shards {
                    for ((_, c), g) in shard.columns.iter().zip(&shard.to_capacity) {
                        for (l, g) in g.iter().enumerate() {
                            let at = (l * periods + t - 1) * columns + *c as usize;
                            if let Some(out) = out.get_mut(at) {
                                *out = *g;
                            }
                        }
                    }
                }
            }
        }
        // What is left reaches the first inventories, which are the targets.
        for (shard, part) in self.shards.iter_mut().zip(plan.parts()) {
            let links = links_of(design, numbers, *part);
            for i in 0..part.last - part.first {
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
        }
    }

    /// Simulates the inventories from checkpoint `c` to period `last` again, into the segment.
    fn again(&mut self, plan: &Plan, numbers: &Numbers<F>, c: usize, last: usize) {
        let design = plan.design();
        let stride = self.stride;
        let arch = pulp::Arch::new();
        for (shard, part) in self.shards.iter_mut().zip(plan.parts()) {
            let e = links_of(design, numbers, *part).supplier.len();
            size(&mut shard.stock, (stride + 1) * e, [F::ZERO; L]);
            let pair = &shard.saved[c / stride * 2 * e..][..2 * e];
            shard.stock[..2 * e].copy_from_slice(pair);
        }
        for t in c + 1..=last {
            // Shares of period t, from the outputs and demands that were kept.
            for (shard, part) in self.shards.iter().zip(plan.parts()) {
                let n = part.last - part.first;
                let x = &shard.output[(t - 1) * n..][..n];
                let d = &shard.demand[(t - 1) * n..][..n];
                for ((share, x), d) in self.share[part.first..part.last].iter_mut().zip(x).zip(d) {
                    *share = lanes(|l| d[l].gate(x[l] / d[l]));
                }
            }
            let share = &self.share;
            self.shards
                .par_iter_mut()
                .zip(&mut self.market)
                .zip(plan.parts())
                .for_each(|((shard, market), part)| {
                    let links = links_of(design, numbers, *part);
                    let (n, e) = (part.last - part.first, links.supplier.len());
                    arch.dispatch(|| {
                        for (stall, share) in market.iter_mut().zip(share) {
                            *stall = [*share, [F::ZERO; L]];
                        }
                        let Shard {
                            target,
                            rate,
                            demand,
                            output,
                            stock,
                            lowest,
                            ..
                        } = &mut *shard;
                        let nodes = Nodes {
                            target,
                            rate,
                            d1: &demand[(t - 1) * n..][..n],
                            d2: &demand[(t.max(2) - 2) * n..][..n],
                        };
                        let x = &output[(t - 1) * n..][..n];
                        let (s1, s2, out) = slabs(stock, e, t - c, t - c - 1, t - c + 1);
                        sweep::forward(links, nodes, x, s1, Some(s2), out, lowest, market);
                    });
                });
        }
        // The pass back expects the shares of the period after.
        if last + 1 < design.periods {
            let t = last + 2;
            for (shard, part) in self.shards.iter().zip(plan.parts()) {
                let n = part.last - part.first;
                let x = &shard.output[(t - 1) * n..][..n];
                let d = &shard.demand[(t - 1) * n..][..n];
                for ((share, x), d) in self.share[part.first..part.last].iter_mut().zip(x).zip(d) {
                    *share = lanes(|l| d[l].gate(x[l] / d[l]));
                }
            }
        }
    }

    /// Puts the gradients of a block's particles into [particle, node] arrays that begin at the
    /// block's first particle.
    pub(super) fn gradients(&self, plan: &Plan, target: &mut [F], rate: &mut [F]) {
        let nodes = plan.design().steady.len();
        for (shard, part) in self.shards.iter().zip(plan.parts()) {
            for (values, to) in [
                (&shard.to_target, &mut *target),
                (&shard.to_rate, &mut *rate),
            ] {
                for (l, row) in to.chunks_exact_mut(nodes).enumerate() {
                    let part = &mut row[part.first..part.last];
                    for (to, v) in part.iter_mut().zip(values) {
                        *to = v[l];
                    }
                }
            }
        }
    }
}

impl<F: Number, const L: usize> Shard<F, L> {
    /// Remaining capacity of the nodes whose capacity varies, in period `t`.
    fn set_capacity(&mut self, design: &Design, inputs: &Inputs<'_, F>, slot: Slot, t: usize) {
        let columns = design.column.len();
        let of_particle = design.periods * columns;
        let shared = inputs.capacity.len() == of_particle;
        for (i, c) in &self.columns {
            let at = (t - 1) * columns + *c as usize;
            self.capacity[*i as usize] = if shared {
                [inputs.capacity[at]; L]
            } else {
                lanes(|l| inputs.capacity[slot.particle(l) * of_particle + at])
            };
        }
    }

    /// Sums the orders received, then produces; writes the share of orders that is delivered.
    #[inline(always)]
    fn produce(
        &mut self,
        numbers: &Numbers<F>,
        part: Part,
        scales_inputs: bool,
        market: Option<&Vec<Vec<Stall<F, L, 2>>>>,
        (demand_at, output_at): (usize, usize),
        share: &mut [[F; L]],
    ) {
        let n = part.last - part.first;
        let demand = &mut self.demand[demand_at * n..][..n];
        let output = &mut self.output[output_at * n..][..n];
        let outside = &numbers.outside[part.first..part.last];
        if let Some(market) = market {
            for (d, outside) in demand.iter_mut().zip(outside) {
                *d = [*outside; L];
            }
            for market in market {
                for (d, stall) in demand.iter_mut().zip(&market[part.first..part.last]) {
                    *d = lanes(|l| d[l] + stall[1][l]);
                }
            }
        }
        let full = &numbers.full[part.first..part.last];
        let limits = self.lowest.iter().zip(&self.capacity).zip(full);
        for (((x, share), d), ((lowest, z), full)) in
            output.iter_mut().zip(share).zip(demand).zip(limits)
        {
            let out: [F; L] = lanes(|l| {
                let own = z[l] * *full;
                let limit = if !scales_inputs {
                    own.lower(lowest[l])
                } else if lowest[l] < F::INFINITY {
                    z[l] * lowest[l]
                } else {
                    own
                };
                d[l].lower(limit)
            });
            *x = out;
            *share = lanes(|l| d[l].gate(out[l] / d[l]));
        }
    }

    /// One period of nodes back: the adjoints of demand (to `pull`) and capacity, and what the
    /// limiting input is owed, which waits in its order's adjoint. `share` takes the shares of `t`.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn produce_back(
        &mut self,
        design: &Design,
        numbers: &Numbers<F>,
        part: Part,
        market: &[Vec<Stall<F, L, 3>>],
        from_panel: &[[F; L]],
        t: usize,
        stock_at: usize,
        pull: &mut [[F; L]],
        share: &mut [[F; L]],
    ) {
        let n = part.last - part.first;
        let links = links_of(design, numbers, part);
        let e = links.supplier.len();
        let stock = &self.stock[stock_at * e..][..e];
        let mut column = self.columns.iter().zip(&mut self.to_capacity).peekable();
        for i in 0..n {
            let (d, x) = (self.demand[(t - 1) * n + i], self.output[(t - 1) * n + i]);
            let mut owed = [F::ZERO; L];
            for market in market {
                let stall = &market[part.first + i];
                owed = lanes(|l| owed[l] + stall[2][l]);
            }
            let inverse: [F; L] = lanes(|l| d[l].gate(F::ONE / d[l]));
            let delivered: [F; L] = lanes(|l| d[l].gate(x[l] / d[l]));
            let panel = from_panel[design.group[part.first + i] as usize];
            let (sum_s, sum_p, rate) = (self.sum_stock[i], self.sum_order[i], self.rate[i]);
            let to_output: [F; L] = lanes(|l| panel[l] - sum_s[l] + owed[l] * inverse[l]);
            let by_demand: [bool; L] = lanes(|l| x[l] == d[l]);
            pull[i] = lanes(|l| {
                let direct = if by_demand[l] { to_output[l] } else { F::ZERO };
                sum_p[l] - owed[l] * delivered[l] * inverse[l] + direct
            });
            share[i] = delivered;
            let to_target = self.to_target[i];
            self.to_target[i] = lanes(|l| to_target[l] + rate[l] * sum_p[l]);
            let varies = column.next_if(|((node, _), _)| *node as usize == i);
            if by_demand.iter().all(|b| *b) {
                continue;
            }
            let full = numbers.full[part.first + i];
            let row = links.of(i);
            let z = self.capacity[i];
            let by_capacity: [bool; L] =
                lanes(|l| row.is_empty() || (!design.scales_inputs && x[l] == z[l] * full));
            let to_limit: [F; L] = lanes(|l| if by_demand[l] { F::ZERO } else { to_output[l] });
            let mut to_z: [F; L] = lanes(|l| {
                if by_capacity[l] {
                    to_limit[l] * full
                } else {
                    F::ZERO
                }
            });
            if (0..L).any(|l| !by_demand[l] && !by_capacity[l]) {
                let mut low = [F::INFINITY; L];
                for s in &stock[row.clone()] {
                    low = lanes(|l| low[l].lower(s[l]));
                }
                let mut left: [F; L] = lanes(|l| {
                    let through = if design.scales_inputs { z[l] } else { F::ONE };
                    let limited = !by_demand[l] && !by_capacity[l];
                    if limited {
                        to_limit[l] * through / rate[l]
                    } else {
                        F::ZERO
                    }
                });
                if design.scales_inputs {
                    to_z = lanes(|l| {
                        if by_capacity[l] {
                            to_z[l]
                        } else {
                            to_limit[l] * low[l]
                        }
                    });
                }
                for (s, ord) in stock[row.clone()].iter().zip(&mut self.adjoint_order[row]) {
                    for l in 0..L {
                        // The first of several lowest inputs takes it all.
                        if s[l] == low[l] {
                            ord[l] = ord[l] - left[l];
                            left[l] = F::ZERO;
                        }
                    }
                }
            }
            if let Some((_, to_capacity)) = varies {
                *to_capacity = to_z;
            }
        }
    }

    /// Keeps the pair of inventories of `t - 1` and `t` at checkpoint `t`.
    fn save(&mut self, e: usize, t: usize, stride: usize) {
        let (even, odd) = self.stock.split_at(e);
        let (before, now) = if t & 1 == 0 {
            (&odd[..e], even)
        } else {
            (even, &odd[..e])
        };
        let pair = &mut self.saved[t / stride * 2 * e..][..2 * e];
        pair[..e].copy_from_slice(before);
        pair[e..].copy_from_slice(now);
    }
}
