//! The nodes and links of one part of the network: their state, and what they do in a period.

use super::super::plan::{Design, Part, PartNumbers};
use super::Number;
use super::block::Inputs;
use super::mail::{Clerk, Desk};
use super::rows::Rows;
use super::sweep::{Backward, Forward, Links, Nodes, behind_pairs, lanes, spread};

/// The state of one part's nodes and links.
#[derive(Default)]
pub(super) struct Shard<F, const L: usize, const W: usize> {
    pub(super) target: Rows<F, L>,
    pub(super) rate: Rows<F, L>,
    /// Remaining capacity, a share.
    pub(super) capacity: Rows<F, L>,
    /// What it allows, units per period.
    pub(super) own: Rows<F, L>,
    pub(super) lowest: Rows<F, L>,
    /// Demand, period after period (two in turn where nothing is kept).
    pub(super) demand: Rows<F, L>,
    /// Output likewise.
    pub(super) output: Rows<F, L>,
    /// Inventories of the periods at hand, in units of the buyer's output.
    pub(super) stock: Rows<F, L>,
    /// Pairs of inventories at the checkpoints.
    pub(super) saved: Rows<F, L>,
    pub(super) adjoint_stock: Rows<F, L>,
    pub(super) adjoint_order: Rows<F, L>,
    pub(super) sum_stock: Rows<F, L>,
    pub(super) sum_order: Rows<F, L>,
    pub(super) to_rate: Rows<F, L>,
    pub(super) to_target: Rows<F, L>,
    /// Gradient in the capacity of this period.
    pub(super) to_capacity: Rows<F, L>,
    /// Adjoint of the shares delivered, where it came by letters.
    pub(super) owed: Rows<F, L>,
    /// What nodes of a shelf have to do with letters.
    pub(super) clerk: Clerk<F>,
    /// Sums of hubs in a pass, 0 between passes.
    pub(super) aside: Rows<F, L>,
    /// Output of a period summed to groups, [group, particle], where every part sums its own.
    pub(super) sums: Vec<f64>,
}

/// The particles of a block among all: the last block is filled up with copies.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) first: usize,
    pub(super) last: usize,
}

impl Slot {
    /// The particle in a lane, where lanes are particles; else the only one.
    #[inline(always)]
    pub(super) fn particle<const W: usize>(self, lane: usize) -> usize {
        if W == 1 {
            (self.first + lane).min(self.last - 1)
        } else {
            self.first
        }
    }
}

/// The fixed data of a part's links.
pub(super) fn links_of<'a, F>(part: &'a Part, numbers: &'a PartNumbers<F>) -> Links<'a, F> {
    Links {
        row: &part.row,
        supplier: part.mail.as_ref().map_or(&part.supplier, |m| &m.place),
        mail: part.mail.is_some(),
        coefficient: &numbers.coefficient,
        hubs: &part.hubs,
    }
}

/// The slabs of `n` entries `before` and `long before` to read, and `now` to write; the second is
/// None where it is the one that is overwritten.
type Slabs<'a, T> = (&'a [T], Option<&'a [T]>, &'a mut [T]);

fn slabs<T>(v: &mut [T], n: usize, [s1, s2, out]: [usize; 3]) -> Slabs<'_, T> {
    if s1 > out {
        let (first, second) = v.split_at_mut(s1 * n);
        return (&second[..n], None, &mut first[out * n..][..n]);
    }
    let (past, now) = v.split_at_mut(out * n);
    let apart = (s2 != out).then(|| &past[s2 * n..][..n]);
    (&past[s1 * n..][..n], apart, &mut now[..n])
}

impl<F: Number, const L: usize, const W: usize> Shard<F, L, W> {
    /// Remaining capacity of the nodes whose capacity varies, in period `t`.
    pub(super) fn set_capacity(
        &mut self,
        design: &Design,
        part: &Part,
        full: &[F],
        inputs: &Inputs<'_, F>,
        slot: Slot,
        t: usize,
    ) {
        let columns = design.column.len();
        let of_particle = design.periods * columns;
        let shared = inputs.capacity.len() == of_particle;
        let of = |l: usize| {
            if shared {
                0
            } else {
                slot.particle::<W>(l) * of_particle
            }
        };
        for (i, c) in &part.columns {
            let at = (t - 1) * columns + *c as usize;
            let i = *i as usize;
            if W == 1 {
                let z: [F; L] = if shared {
                    [inputs.capacity[at]; L]
                } else {
                    lanes(|l| inputs.capacity[of(l) + at])
                };
                // It is read by itself only where it scales inputs.
                if design.scales_inputs {
                    self.capacity[i] = z;
                }
                self.own[i] = lanes(|l| z[l] * full[i]);
            } else {
                let z = inputs.capacity[of(0) + at];
                self.capacity.as_flattened_mut()[i] = z;
                self.own.as_flattened_mut()[i] = z * full[i];
            }
        }
    }

    /// Sums the orders received (unless it is the first period), then produces; writes the share of
    /// orders that is delivered.
    pub(super) fn produce(
        &mut self,
        numbers: &PartNumbers<F>,
        part: &Part,
        scales_inputs: bool,
        market: Option<&[Rows<F, L>]>,
        (demand_at, output_at): (usize, usize),
        share: &mut [[F; L]],
    ) {
        let n = part.rows;
        pulp::Arch::new().dispatch(Produce::<F, L, W> {
            demand: &mut self.demand[demand_at * n..][..n],
            output: &mut self.output[output_at * n..][..n],
            lowest: &self.lowest,
            capacity: &self.capacity,
            own: &self.own,
            outside: &numbers.outside,
            first: part.first,
            scales_inputs,
            market,
            share,
        });
    }

    /// Adds the output in slot `output_at` to the sums of groups, [group, particle].
    pub(super) fn observe(&self, part: &Part, output_at: usize, sums: &mut [f64]) {
        pulp::Arch::new().dispatch(Observe::<F, L, W> {
            output: &self.output[output_at * part.rows..][..part.rows],
            group: &part.group,
            sums,
        });
    }

    /// Demand from outside and from the letters that came to the part's nodes.
    pub(super) fn receive(&mut self, numbers: &PartNumbers<F>, desk: &Desk<'_, F>, at: usize) {
        let n = self.target.len();
        let demand = self.demand[at * n..][..n].as_flattened_mut();
        self.clerk.sums::<1>(desk, demand);
        for (d, outside) in demand.iter_mut().zip(&numbers.outside) {
            *d += *outside;
        }
    }

    /// Writes the part's nodes' numbers, one of each kind, into the letters from them.
    pub(super) fn send<const N: usize>(&mut self, desk: &mut Desk<'_, F>, kinds: [&[[F; L]]; N]) {
        self.clerk.send(desk, kinds.map(|k| k.as_flattened()));
    }

    /// Adjoint of the shares delivered, from the letters that came back.
    pub(super) fn receive_back(&mut self, desk: &Desk<'_, F>) {
        self.clerk.sums::<2>(desk, self.owed.as_flattened_mut());
    }

    /// One period of links. `at` are the slots of output, demand and the demand before; `stock`
    /// those of the inventories of t-1, t-2 and t, the last two of which may be the same.
    pub(super) fn advance(
        &mut self,
        links: Links<'_, F>,
        at: (usize, usize, usize),
        stock: [usize; 3],
        share: &[[F; L]],
        market: &mut [F],
    ) {
        let (n, e) = (self.target.len(), links.rows());
        let (s1, s2, out) = slabs(&mut self.stock, e, stock);
        pulp::Arch::new().dispatch(Forward::<F, L, W> {
            links,
            nodes: Nodes {
                target: &self.target,
                rate: &self.rate,
                d1: &self.demand[at.1 * n..][..n],
                d2: &self.demand[at.2 * n..][..n],
            },
            output: &self.output[at.0 * n..][..n],
            share,
            s1,
            s2,
            out,
            lowest: &mut self.lowest,
            market,
            aside: &mut self.aside,
        });
    }

    /// Period `t` of links back; `stock_at` is the slot of the inventories of t-1.
    pub(super) fn retreat(
        &mut self,
        links: Links<'_, F>,
        t: usize,
        stock_at: usize,
        share: &[[F; L]],
        pull: &[[F; L]],
        market: &mut [F],
    ) {
        let (n, e) = (self.target.len(), links.rows());
        pulp::Arch::new().dispatch(Backward::<F, L, W> {
            links,
            nodes: Nodes {
                target: &self.target,
                rate: &self.rate,
                d1: &self.demand[(t - 1) * n..][..n],
                d2: &self.demand[(t.max(2) - 2) * n..][..n],
            },
            share,
            pull,
            s1: &self.stock[stock_at * e..][..e],
            s2: &self.stock[(stock_at - 1) * e..][..e],
            inventory: &mut self.adjoint_stock,
            order: &mut self.adjoint_order,
            sum_inventory: &mut self.sum_stock,
            sum_order: &mut self.sum_order,
            to_rate: &mut self.to_rate,
            market,
            aside: &mut self.aside,
        });
    }

    /// Keeps the pair of inventories of `t - 1` and `t` at checkpoint `t`.
    pub(super) fn save(&mut self, e: usize, t: usize, stride: usize) {
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

/// Sums orders into demand, then output and the share of orders that is delivered.
struct Produce<'a, F, const L: usize, const W: usize> {
    demand: &'a mut [[F; L]],
    output: &'a mut [[F; L]],
    lowest: &'a [[F; L]],
    capacity: &'a [[F; L]],
    own: &'a [[F; L]],
    outside: &'a [F],
    /// The part's first row.
    first: usize,
    scales_inputs: bool,
    market: Option<&'a [Rows<F, L>]>,
    share: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Produce<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            demand,
            output,
            share,
            ..
        } = self;
        if let Some(market) = self.market {
            for (i, d) in demand.iter_mut().enumerate() {
                *d = spread::<F, L, W>(self.outside, i);
            }
            for market in market {
                if W == 1 {
                    let stalls = &market.as_chunks::<2>().0[self.first..][..demand.len()];
                    for (d, stall) in demand.iter_mut().zip(stalls) {
                        *d = lanes(|l| d[l] + stall[1][l]);
                    }
                } else {
                    for (d, sum) in demand.iter_mut().zip(&market[self.first..]) {
                        *d = lanes(|l| d[l] + sum[l]);
                    }
                }
            }
        }
        // Flat loops over nodes and lanes: the compiler makes the best of these.
        let (x, share) = (output.as_flattened_mut(), share.as_flattened_mut());
        let (d, own) = (demand.as_flattened(), self.own.as_flattened());
        let (z, lowest) = (self.capacity.as_flattened(), self.lowest.as_flattened());
        if self.scales_inputs {
            for ((((x, d), own), z), lowest) in x.iter_mut().zip(d).zip(own).zip(z).zip(lowest) {
                let scaled = *z * *lowest;
                *x = d.lower(if *lowest < F::FAR { scaled } else { *own });
            }
        } else {
            for (((x, d), own), lowest) in x.iter_mut().zip(d).zip(own).zip(lowest) {
                *x = d.lower(own.lower(*lowest));
            }
        }
        for ((share, x), d) in share.iter_mut().zip(&*x).zip(d) {
            *share = d.gate(*x / *d);
        }
    }
}

/// One period of nodes back: the adjoints of demand (to `pull`) and capacity, and what the limiting
/// input is owed, which waits in its order's adjoint.
pub(super) struct ProduceBack<'a, F, const L: usize, const W: usize> {
    pub(super) shard: &'a mut Shard<F, L, W>,
    pub(super) links: Links<'a, F>,
    pub(super) part: &'a Part,
    pub(super) full: &'a [F],
    pub(super) scales_inputs: bool,
    pub(super) market: &'a [Rows<F, L>],
    /// Gradient of this period's panel: per group L numbers, or one where lanes are nodes.
    pub(super) from_panel: &'a [F],
    pub(super) t: usize,
    /// Slot of the inventories of t-1.
    pub(super) stock_at: usize,
    pub(super) pull: &'a mut [[F; L]],
    /// Takes the shares of `t`.
    pub(super) share: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for ProduceBack<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            shard,
            links,
            part,
            full,
            scales_inputs,
            market,
            from_panel,
            t,
            stock_at,
            pull,
            share,
        } = self;
        let (n, e) = (part.rows, links.rows());
        let stock = &shard.stock[stock_at * e..][..e];
        for i in 0..n {
            let (d, x) = (shard.demand[(t - 1) * n + i], shard.output[(t - 1) * n + i]);
            let mut owed = if part.mail.is_some() {
                shard.owed[i]
            } else {
                [F::ZERO; L]
            };
            for market in market {
                if W == 1 {
                    let stall = &market.as_chunks::<4>().0[part.first + i];
                    owed = lanes(|l| owed[l] + stall[2][l]);
                } else {
                    let sums = &market[behind_pairs(market.len())..];
                    let sum = sums[part.first + i];
                    owed = lanes(|l| owed[l] + sum[l]);
                }
            }
            let inverse: [F; L] = lanes(|l| d[l].gate(F::ONE / d[l]));
            let delivered: [F; L] = lanes(|l| d[l].gate(x[l] / d[l]));
            let panel: [F; L] = if W == 1 {
                from_panel.as_chunks::<L>().0[part.group[i] as usize]
            } else {
                lanes(|l| from_panel[part.group[i * W + l] as usize])
            };
            let (sum_s, sum_p, rate) = (shard.sum_stock[i], shard.sum_order[i], shard.rate[i]);
            let to_output: [F; L] = lanes(|l| panel[l] - sum_s[l] + owed[l] * inverse[l]);
            let by_demand: [bool; L] = lanes(|l| x[l] == d[l]);
            pull[i] = lanes(|l| {
                let direct = if by_demand[l] { to_output[l] } else { F::ZERO };
                sum_p[l] - owed[l] * delivered[l] * inverse[l] + direct
            });
            share[i] = delivered;
            let to_target = shard.to_target[i];
            shard.to_target[i] = lanes(|l| to_target[l] + rate[l] * sum_p[l]);
            shard.to_capacity[i] = [F::ZERO; L];
            if by_demand.iter().all(|b| *b) {
                continue;
            }
            let full: [F; L] = spread::<F, L, W>(full, i);
            let row = links.of(i);
            let (z, own) = (shard.capacity[i], shard.own[i]);
            let by_capacity: [bool; L] = lanes(|l| {
                let fed = part.fed[if W == 1 { i } else { i * W + l }];
                !fed || (!scales_inputs && x[l] == own[l])
            });
            let to_limit: [F; L] = lanes(|l| if by_demand[l] { F::ZERO } else { to_output[l] });
            let mut to_z: [F; L] = lanes(|l| {
                if by_capacity[l] {
                    to_limit[l] * full[l]
                } else {
                    F::ZERO
                }
            });
            if (0..L).any(|l| !by_demand[l] && !by_capacity[l]) {
                let mut low = x;
                if scales_inputs {
                    low = [F::INFINITY; L];
                    for s in &stock[row.clone()] {
                        low = lanes(|l| low[l].lower(s[l]));
                    }
                    to_z = lanes(|l| {
                        if by_capacity[l] {
                            to_z[l]
                        } else {
                            to_limit[l] * low[l]
                        }
                    });
                }
                let mut left: [F; L] = lanes(|l| {
                    let through = if scales_inputs { z[l] } else { F::ONE };
                    if by_demand[l] || by_capacity[l] {
                        F::ZERO
                    } else {
                        to_limit[l] * through / rate[l]
                    }
                });
                for (s, ord) in stock[row.clone()].iter().zip(&mut shard.adjoint_order[row]) {
                    // The first of several lowest inputs takes it all.
                    let take: [F; L] = lanes(|l| if s[l] == low[l] { left[l] } else { F::ZERO });
                    *ord = lanes(|l| ord[l] - take[l]);
                    left = lanes(|l| left[l] - take[l]);
                }
            }
            shard.to_capacity[i] = to_z;
        }
    }
}

/// Adds the outputs of a part's nodes to their groups' sums, in 64 bits.
struct Observe<'a, F, const L: usize, const W: usize> {
    output: &'a [[F; L]],
    group: &'a [u32],
    /// [group, particle of the block].
    sums: &'a mut [f64],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Observe<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        if W == 1 {
            let sums = self.sums.as_chunks_mut::<L>().0;
            for (x, g) in self.output.iter().zip(self.group) {
                let y = &mut sums[*g as usize];
                *y = lanes(|l| y[l] + x[l].to_f64());
            }
        } else {
            for (x, g) in self.output.as_flattened().iter().zip(self.group) {
                self.sums[*g as usize] += x.to_f64();
            }
        }
    }
}
