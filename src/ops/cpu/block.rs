//! Up to L particles through all periods and back: the state of a run and its two passes.

use super::super::plan::{Design, Numbers, Plan};
use super::Number;
use super::rows::Rows;
use super::shard::{ProduceBack, Shard, Slot, links_of};
use super::sweep::lanes;
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
    market: Vec<Rows<F, L>>,
    market_back: Vec<Rows<F, L>>,
    /// Share of its orders that each node delivers this period, `[node]`.
    share: Rows<F, L>,
    /// Adjoint of demand, `[node]`.
    pull: Rows<F, L>,
    /// Output summed to groups, [period, group].
    pub(super) panel: Rows<F, L>,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    stride: usize,
    /// Periods at the start in which nothing happens: they are not simulated.
    quiet: usize,
}

/// Periods before any capacity differs from 1: the steady state is a fixed point then, unless a node
/// aims at less inventory than it uses in a period. At least one period is left.
fn quiet<F: Number>(
    design: &Design,
    numbers: &Numbers<F>,
    inputs: &Inputs<'_, F>,
    slot: Slot,
) -> usize {
    let (nodes, columns) = (design.steady.len(), design.column.len());
    let stocked = (slot.first..slot.last).all(|p| {
        let target = &inputs.target[p * nodes..][..nodes];
        target.iter().zip(&numbers.steady).all(|(n, x)| n >= x)
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

impl<F: Number, const L: usize> Block<F, L> {
    pub(super) fn new() -> Self {
        Self {
            shards: Vec::new(),
            market: Vec::new(),
            market_back: Vec::new(),
            share: Rows::default(),
            pull: Rows::default(),
            panel: Rows::default(),
            stride: 0,
            quiet: 0,
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
        let nodes = design.steady.len();
        self.quiet = quiet(design, numbers, inputs, slot);
        let periods = design.periods - self.quiet;
        let bytes = design.supplier.len() * size_of::<[F; L]>();
        self.stride = if keep {
            design.checkpoint.stride(periods, bytes)
        } else {
            0
        };
        let stride = self.stride;
        self.share.resize(nodes);
        self.panel
            .fill_with(design.periods * design.groups, [F::ZERO; L]);
        let parts = plan.parts();
        self.shards.resize_with(parts.len(), Shard::default);
        self.market.resize_with(parts.len(), Rows::default);
        for market in &mut self.market {
            market.resize(2 * nodes);
        }
        for (shard, part) in self.shards.iter_mut().zip(parts) {
            let links = links_of(design, numbers, *part);
            let n = part.last - part.first;
            let e = links.supplier.len();
            let take = |v: &[F], i: usize| -> [F; L] {
                lanes(|l| v[slot.particle(l) * nodes + part.first + i])
            };
            shard.target.set(n, |i| take(inputs.target, i));
            shard.rate.set(n, |i| take(inputs.rate, i));
            shard.capacity.fill_with(n, [F::ONE; L]);
            let full = &numbers.full[part.first..part.last];
            shard.own.set(n, |i| [full[i]; L]);
            let columns = design.column.iter().enumerate();
            shard.columns.clear();
            shard.columns.extend(
                columns
                    .filter(|(_, i)| (part.first..part.last).contains(&(**i as usize)))
                    .map(|(c, i)| (*i - part.first as u32, c as u32)),
            );
            let (demands, outputs) = if keep { (periods, periods) } else { (2, 1) };
            shard.demand.resize(demands * n);
            shard.output.resize(outputs * n);
            let first_demands = if keep { 1 } else { 2 };
            for k in 0..first_demands {
                for (i, d) in shard.demand[k * n..][..n].iter_mut().enumerate() {
                    *d = [numbers.steady[part.first + i]; L];
                }
            }
            let slots = if stride >= periods { periods + 1 } else { 2 };
            shard.stock.resize(slots.max(2) * e);
            if keep && stride < periods {
                let pairs = periods.div_ceil(stride);
                shard.saved.resize(pairs * 2 * e);
            }
            shard.lowest.fill_with(n, [F::INFINITY; L]);
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
        let (groups, stride, quiet) = (design.groups, self.stride, self.quiet);
        let periods = design.periods - quiet;
        for row in self.panel[..quiet * groups].chunks_exact_mut(groups.max(1)) {
            for (x, g) in numbers.steady.iter().zip(&design.group) {
                let y = &mut row[*g as usize];
                *y = lanes(|l| y[l] + *x);
            }
        }
        let whole = keep && stride >= periods;
        for t in 1..=periods {
            let (demand_at, output_at) = if keep {
                (t - 1, t - 1)
            } else {
                ((t - 1) & 1, 0)
            };
            let mut shares: Vec<&mut [[F; L]]> = Vec::with_capacity(plan.parts().len());
            let mut rest = &mut *self.share;
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
                    let full = &numbers.full[part.first..part.last];
                    shard.set_capacity(design, full, inputs, slot, quiet + t);
                    let market = (t > 1).then_some(market.as_slice());
                    let at = (demand_at, output_at);
                    shard.produce(numbers, *part, design.scales_inputs, market, at, share);
                });
            let row = &mut self.panel[(quiet + t - 1) * groups..][..groups];
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
                    let demand_before = if keep { t.max(2) - 2 } else { t & 1 };
                    let at = (output_at, demand_at, demand_before);
                    let stock = if whole {
                        [t, t - 1, t + 1]
                    } else {
                        // Period t - 1 is read, t - 2 is overwritten by t.
                        [(t - 1) & 1, t & 1, t & 1]
                    };
                    shard.advance(links, at, stock, share, market);
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
        let (nodes, groups) = (design.steady.len(), design.groups);
        let (stride, quiet) = (self.stride, self.quiet);
        let periods = design.periods - quiet;
        assert!(stride > 0, "a run without a gradient was asked for one");
        self.pull.fill_with(nodes, [F::ZERO; L]);
        self.market_back
            .resize_with(plan.parts().len(), Rows::default);
        for market in &mut self.market_back {
            market.fill_with(3 * nodes, [F::ZERO; L]);
        }
        for (shard, part) in self.shards.iter_mut().zip(plan.parts()) {
            let e = links_of(design, numbers, *part).supplier.len();
            let n = part.last - part.first;
            shard.adjoint_stock.fill_with(e, [F::ZERO; L]);
            shard.adjoint_order.fill_with(e, [F::ZERO; L]);
            for v in [
                &mut shard.sum_stock,
                &mut shard.sum_order,
                &mut shard.to_rate,
                &mut shard.to_target,
            ] {
                v.fill_with(n, [F::ZERO; L]);
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
                        shard.retreat(links, t, at(t - 1), share, pull, market);
                    });
            }
            let mut ends: Vec<(&mut [[F; L]], &mut [[F; L]])> = Vec::new();
            let (mut pulls, mut shares) = (&mut *self.pull, &mut *self.share);
            for part in plan.parts() {
                let (pull, other_pulls) = pulls.split_at_mut(part.last - part.first);
                let (share, other_shares) = shares.split_at_mut(part.last - part.first);
                ends.push((pull, share));
                (pulls, shares) = (other_pulls, other_shares);
            }
            let market = &self.market_back;
            let from_panel = &panel[(quiet + t - 1) * groups..][..groups];
            self.shards
                .par_iter_mut()
                .zip(ends)
                .zip(plan.parts())
                .for_each(|((shard, (pull, share)), part)| {
                    let full = &numbers.full[part.first..part.last];
                    shard.set_capacity(design, full, inputs, slot, quiet + t);
                    shard
                        .to_capacity
                        .fill_with(shard.columns.len(), [F::ZERO; L]);
                    let links = links_of(design, numbers, *part);
                    let group = &design.group[part.first..part.last];
                    let full = &numbers.full[part.first..part.last];
                    pulp::Arch::new().dispatch(ProduceBack {
                        shard,
                        links,
                        first: part.first,
                        group,
                        full,
                        scales_inputs: design.scales_inputs,
                        market,
                        from_panel,
                        t,
                        stock_at: at(t - 1),
                        pull,
                        share,
                    });
                });
            if let Some(out) = to_capacity.as_deref_mut() {
                let columns = design.column.len();
                for shard in &self.shards {
                    for ((_, c), g) in shard.columns.iter().zip(shard.to_capacity.iter()) {
                        for (l, g) in g.iter().enumerate() {
                            let at = (l * design.periods + quiet + t - 1) * columns + *c as usize;
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
        for (shard, part) in self.shards.iter_mut().zip(plan.parts()) {
            let e = links_of(design, numbers, *part).supplier.len();
            shard.stock.resize((stride + 1) * e);
            let pair = &shard.saved[c / stride * 2 * e..][..2 * e];
            shard.stock[..2 * e].copy_from_slice(pair);
        }
        for t in c + 1..=last {
            self.set_shares(plan, t);
            let share = &self.share;
            self.shards
                .par_iter_mut()
                .zip(&mut self.market)
                .zip(plan.parts())
                .for_each(|((shard, market), part)| {
                    let links = links_of(design, numbers, *part);
                    let at = (t - 1, t - 1, t.max(2) - 2);
                    shard.advance(links, at, [t - c, t - c - 1, t - c + 1], share, market);
                });
        }
        // The pass back expects the shares of the period after.
        if last + 1 < design.periods - self.quiet {
            self.set_shares(plan, last + 2);
        }
    }

    /// Shares of orders delivered in `t`, from the outputs and demands that were kept.
    fn set_shares(&mut self, plan: &Plan, t: usize) {
        for (shard, part) in self.shards.iter().zip(plan.parts()) {
            let n = part.last - part.first;
            let x = &shard.output[(t - 1) * n..][..n];
            let d = &shard.demand[(t - 1) * n..][..n];
            for ((share, x), d) in self.share[part.first..part.last].iter_mut().zip(x).zip(d) {
                *share = lanes(|l| d[l].gate(x[l] / d[l]));
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
                    for (to, v) in part.iter_mut().zip(values.iter()) {
                        *to = v[l];
                    }
                }
            }
        }
    }
}
