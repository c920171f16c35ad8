//! The nodes and links of one part of the network: their state, and what they do in a period.

use super::super::plan::{AHEAD, Design, NONE, Part, PartNumbers, SHELF};
use super::Number;
use super::block::{Inputs, Run};
use super::mail::{Clerk, Desk, shelves};
use super::nodes::{Back, Capacity, Fixed, Known, Sums, Trade, TradeBack, first_stall};
use super::rows::Rows;
use super::sweep::{Backward, Forward, Links, Nodes, PLACES, lanes, spread};
use super::vector::dispatch;
use prefetch_index::prefetch_index;
use std::ops::Range;

/// The state of one part's nodes and links.
#[derive(Default)]
pub(super) struct Shard<F, const L: usize, const W: usize> {
    pub(super) target: Rows<F, L>,
    pub(super) rate: Rows<F, L>,
    /// Remaining capacity, a share: one number a node, if all particles have the same, side by side.
    pub(super) capacity: Rows<F, L>,
    pub(super) alike: bool,
    pub(super) lowest: Rows<F, L>,
    /// Demand, period after period (two in turn where nothing is kept).
    pub(super) demand: Rows<F, L>,
    /// Output likewise.
    pub(super) output: Rows<F, L>,
    /// Inventories of the periods at hand, in units of the buyer's output.
    pub(super) stock: Rows<F, L>,
    /// Pairs of inventories at the checkpoints.
    pub(super) saved: Rows<F, L>,
    /// Adjoints of the inventories of two periods in turn: of even ones first.
    pub(super) adjoint_stock: Rows<F, L>,
    pub(super) sum_stock: Rows<F, L>,
    pub(super) sum_order: Rows<F, L>,
    pub(super) to_rate: Rows<F, L>,
    pub(super) to_target: Rows<F, L>,
    /// Gradient in the capacity of this period.
    pub(super) to_capacity: Rows<F, L>,
    /// Adjoint of the shares delivered.
    pub(super) owed: Rows<F, L>,
    /// Stalls of all nodes: what the part's links read there, and what they add. None where links have letters.
    market: Rows<F, L>,
    pub(super) market_back: Rows<F, L>,
    /// What nodes of a shelf have to do with letters.
    clerk: Clerk<F>,
    /// What nodes of a shelf send: the adjoints of their demand, the shares they deliver.
    sent: (Rows<F, L>, Rows<F, L>),
    /// Sums of hubs in a pass, 0 between passes.
    pub(super) aside: Rows<F, L>,
    /// Output of a period summed to groups, [group, particle].
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
        supplier: &part.supplier,
        place: &part.place,
        mail: part.mail.is_some(),
        coefficient: &numbers.coefficient,
        hubs: &part.hubs,
    }
}

/// Rows of the stalls of all nodes, `each` in one: as many stalls as the inner loops want, or sums alone.
fn stalls<const L: usize, const W: usize>(part: &Part, each: usize) -> usize {
    if W == 1 {
        each * part.all_rows.next_power_of_two()
    } else {
        PLACES / L
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
    /// Sets the steady state, with the inputs of a block's particles side by side.
    pub(super) fn start(
        &mut self,
        design: &Design,
        part: &Part,
        numbers: &PartNumbers<F>,
        run: Run<'_, F>,
    ) {
        let links = links_of(part, numbers);
        let (n, e) = (part.rows, links.rows());
        let Run {
            inputs,
            slot,
            stride,
            periods,
            ..
        } = run;
        let keep = stride > 0;
        let nodes = inputs.target.len() / inputs.particles;
        let first: [usize; L] = lanes(|l| slot.particle::<W>(l) * nodes);
        let take = |v: &[F], i: usize, empty: F| -> [F; L] {
            if W == 1 {
                // All places have a node.
                let node = part.node[i] as usize;
                return lanes(|l| v[first[l].wrapping_add(node)]);
            }
            let here = &part.node[i * W..][..W];
            lanes(|l| match here[l] {
                NONE => empty,
                node => v[first[0].wrapping_add(node as usize)],
            })
        };
        if part.mail.is_none() {
            self.market.resize(stalls::<L, W>(part, 2));
        }
        self.target.set(n, |i| take(inputs.target, i, F::ZERO));
        self.rate.set(n, |i| take(inputs.rate, i, F::ONE));
        self.alike = W == 1 && inputs.alike(design);
        let capacities = if self.alike { n.div_ceil(L) } else { n };
        self.capacity.fill_with(capacities, [F::ONE; L]);
        let (demands, outputs) = if keep { (periods, periods) } else { (2, 1) };
        self.demand.resize(demands * n);
        self.output.resize(outputs * n);
        let first_demands = if keep { 1 } else { 2 };
        for k in 0..first_demands {
            for (i, d) in self.demand[k * n..][..n].iter_mut().enumerate() {
                *d = spread::<F, L, W>(&numbers.steady, i);
            }
        }
        let slots = if stride >= periods { periods + 1 } else { 2 };
        self.stock.resize(slots.max(2) * e);
        if keep && stride < periods {
            let pairs = periods.div_ceil(stride);
            self.saved.resize(pairs * 2 * e);
        }
        self.lowest.resize(n);
        let aside = part.hubs.len().div_ceil(W);
        self.aside.fill_with(aside, [F::ZERO; L]);
        for i in 0..n {
            let target = self.target[i];
            self.lowest[i] = lanes(|l| {
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
                self.stock[r] = stock;
                if keep {
                    self.stock[e + r] = stock;
                }
            }
        }
    }

    /// Sets all adjoints to 0.
    pub(super) fn start_back(&mut self, part: &Part) {
        let (n, e) = (part.rows, part.link.len() / W);
        if part.mail.is_none() {
            self.market_back.resize(stalls::<L, W>(part, 4));
        }
        self.adjoint_stock.fill_with(2 * e, [F::ZERO; L]);
        for v in [
            &mut self.sum_stock,
            &mut self.sum_order,
            &mut self.to_rate,
            &mut self.to_target,
            &mut self.to_capacity,
        ] {
            v.fill_with(n, [F::ZERO; L]);
        }
    }

    /// What is left reaches the first inventories, which are the targets.
    pub(super) fn end_back(&mut self, part: &Part, numbers: &PartNumbers<F>) {
        let links = links_of(part, numbers);
        for i in 0..part.rows {
            let mut sum = self.to_target[i];
            for first in &self.adjoint_stock[links.of(i)] {
                sum = lanes(|l| sum[l] + first[l]);
            }
            self.to_target[i] = sum;
        }
    }

    /// Opens the stalls of the nodes of all parts from row `first` on: the shares that they deliver, and nothing
    /// ordered so far.
    pub(super) fn open(&mut self, first: usize, share: &[[F; L]]) {
        if W == 1 {
            let stalls = self.market.as_chunks_mut::<2>().0[first..].iter_mut();
            for (stall, share) in stalls.zip(share) {
                *stall = [*share, [F::ZERO; L]];
            }
        } else {
            self.market[first..][..share.len()].fill([F::ZERO; L]);
        }
    }

    /// The same on the way back: the adjoints of their demand, the shares, and nothing owed so far.
    pub(super) fn open_back(&mut self, first: usize, pull: &[[F; L]], share: &[[F; L]]) {
        if W == 1 {
            let stalls = self.market_back.as_chunks_mut::<4>().0[first..].iter_mut();
            for (stall, (pull, share)) in stalls.zip(pull.iter().zip(share)) {
                (stall[0], stall[1], stall[2]) = (*pull, *share, [F::ZERO; L]);
            }
        } else {
            self.market_back[first..][..pull.len()].fill([F::ZERO; L]);
        }
    }

    /// What the part's links added to the nodes of all parts from row `first` on.
    pub(super) fn ordered(&self, first: usize) -> Sums<'_, F, L> {
        if W == 1 {
            Sums::Own(&self.market[2 * first + 1..], 2)
        } else {
            Sums::Own(&self.market[first..], 1)
        }
    }

    /// The same on the way back.
    pub(super) fn owing(&self, first: usize) -> Sums<'_, F, L> {
        if W == 1 {
            Sums::Own(&self.market_back[4 * first + 2..], 4)
        } else {
            Sums::Own(&self.market_back[first..], 1)
        }
    }

    /// Remaining capacity of the nodes whose capacity varies, in period `t`.
    pub(super) fn set_capacity(
        &mut self,
        design: &Design,
        part: &Part,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        t: usize,
    ) {
        let columns = design.column.len();
        let of_particle = design.periods * columns;
        let shared = inputs.alike(design);
        let first = (t - 1) * columns;
        let of: [usize; L] = lanes(|l| {
            let particle = if shared { 0 } else { slot.particle::<W>(l) };
            particle * of_particle + first
        });
        for (k, (i, c)) in part.columns.iter().enumerate() {
            // Columns are in the order of the network's nodes, not of the part's.
            if let Some((_, ahead)) = part.columns.get(k + 2 * AHEAD) {
                prefetch_index(inputs.capacity, first.wrapping_add(*ahead as usize));
            }
            let (i, c) = (*i as usize, *c as usize);
            if W == 1 && !self.alike {
                self.capacity[i] = lanes(|l| inputs.capacity[of[l].wrapping_add(c)]);
            } else {
                self.capacity.as_flattened_mut()[i] = inputs.capacity[of[0].wrapping_add(c)];
            }
        }
    }

    /// One period of nodes that have stalls. All demand is there in the `first` period; else, where there are several
    /// parts, all but what the part's own links order.
    pub(super) fn trade(
        &mut self,
        (design, part): (&Design, &Part),
        numbers: &PartNumbers<F>,
        at: (usize, usize),
        first: bool,
        share: &mut [[F; L]],
    ) {
        let n = self.target.len();
        self.sums.resize(design.groups * (L / W), 0.0);
        // Where lanes are particles all sums are set.
        if W > 1 {
            self.sums.fill(0.0);
        }
        let first_stall = first_stall::<W, 2>(part);
        dispatch::<F, L, _>(Trade::<F, L, W> {
            numbers: Fixed {
                full: &numbers.full,
                outside: &numbers.outside,
                group: &part.group,
                first_member: &part.first_member,
            },
            capacity: Capacity::of(&self.capacity, self.alike),
            scales_inputs: design.scales_inputs,
            lowest: &self.lowest,
            demand: &mut self.demand[at.0 * n..][..n],
            known: if first {
                Known::All
            } else if part.rows < part.all_rows {
                Known::Others
            } else {
                Known::Nothing
            },
            output: &mut self.output[at.1 * n..][..n],
            share,
            stalls: &mut self.market[first_stall..],
            sums: &mut self.sums,
        });
    }

    /// One period of nodes whose links have letters: sums the orders received unless it is the `first` period,
    /// produces, and sends the shares that are delivered.
    pub(super) fn trade_by_mail(
        &mut self,
        (design, part): (&Design, &Part),
        numbers: &PartNumbers<F>,
        at: (usize, usize),
        desk: &mut Desk<'_, F>,
        first: bool,
    ) {
        let n = self.target.len();
        let mut share = std::mem::take(&mut self.sent.1);
        share.resize(SHELF / W);
        self.sums.clear();
        self.sums.resize(design.groups * (L / W), 0.0);
        for (shelf, rows) in shelves::<W>(n) {
            let demand = &mut self.demand[at.0 * n..][rows.clone()];
            if !first {
                let demand = demand.as_flattened_mut();
                self.clerk.sums::<1>(desk, shelf, demand);
                let outside = &numbers.outside[rows.start * W..];
                demand.iter_mut().zip(outside).for_each(|(d, o)| *d += *o);
            }
            let share = &mut share[..rows.len()];
            dispatch::<F, L, _>(Trade::<F, L, W> {
                numbers: Fixed {
                    full: &numbers.full[rows.start * W..],
                    outside: &numbers.outside[rows.start * W..],
                    group: &part.group[rows.start * W..],
                    first_member: &[],
                },
                capacity: Capacity::Each(&self.capacity[rows.clone()]),
                scales_inputs: design.scales_inputs,
                lowest: &self.lowest[rows.clone()],
                demand,
                known: Known::All,
                output: &mut self.output[at.1 * n..][rows],
                share: &mut *share,
                stalls: &mut [],
                sums: &mut self.sums,
            });
            self.clerk.send(desk, shelf, [share.as_flattened()]);
        }
        self.sent.1 = share;
    }

    /// Sends the shares of `t` alone.
    pub(super) fn send_shares(&mut self, t: usize, desk: &mut Desk<'_, F>) {
        let mut share = std::mem::take(&mut self.sent.1);
        share.resize(SHELF / W);
        for (shelf, rows) in shelves::<W>(self.target.len()) {
            let share = &mut share[..rows.len()];
            self.shares(t, rows, share);
            self.clerk.send(desk, shelf, [share.as_flattened()]);
        }
        self.sent.1 = share;
    }

    /// `trade` back: whether the links are `owing` anything, of which that of other parts is in `owed`.
    pub(super) fn trade_back(
        &mut self,
        back: Back<'_, F>,
        owing: bool,
        (pull, share): (&mut [[F; L]], &mut [[F; L]]),
    ) {
        let owed = std::mem::take(&mut self.owed);
        dispatch::<F, L, _>(TradeBack::<F, L, W> {
            rows: 0..back.part.rows,
            shard: self,
            back,
            owed: if owing { &owed } else { &[] },
            owing,
            pull,
            share,
        });
        self.owed = owed;
    }

    /// `trade_by_mail` back; nobody is owed anything in the `last` period.
    pub(super) fn trade_back_by_mail(
        &mut self,
        back: Back<'_, F>,
        desk: &mut Desk<'_, F>,
        last: bool,
    ) {
        let (mut pull, mut share) = std::mem::take(&mut self.sent);
        let mut owed = std::mem::take(&mut self.owed);
        for rows in [&mut pull, &mut share, &mut owed] {
            rows.resize(SHELF / W);
        }
        for (shelf, rows) in shelves::<W>(self.target.len()) {
            let n = rows.len();
            let owed = &mut owed[..if last { 0 } else { n }];
            if !last {
                self.clerk.sums::<2>(desk, shelf, owed.as_flattened_mut());
            }
            let (pull, share) = (&mut pull[..n], &mut share[..n]);
            dispatch::<F, L, _>(TradeBack::<F, L, W> {
                shard: self,
                back,
                rows,
                owed,
                owing: false,
                pull: &mut *pull,
                share: &mut *share,
            });
            let kinds = [pull.as_flattened(), share.as_flattened()];
            self.clerk.send(desk, shelf, kinds);
        }
        (self.sent, self.owed) = ((pull, share), owed);
    }

    /// One period of links. `at` are the slots of output, demand and the demand before; `stock`
    /// those of the inventories of t-1, t-2 and t, the last two of which may be the same; `letters` those of the
    /// links, where they have some.
    pub(super) fn advance(
        &mut self,
        links: Links<'_, F>,
        at: (usize, usize, usize),
        stock: [usize; 3],
        share: &[[F; L]],
        letters: Option<&mut [F]>,
    ) {
        let (n, e) = (self.target.len(), links.rows());
        let (s1, s2, out) = slabs(&mut self.stock, e, stock);
        let market = letters.unwrap_or(self.market.as_flattened_mut());
        // Numbers of a stall, or of a letter.
        let each = if W == 1 { 2 * L } else { 1 };
        dispatch::<F, L, _>(Forward::<F, L, W> {
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
            last: market.len() / each - 1,
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
        (share, pull): (&[[F; L]], &[[F; L]]),
        letters: Option<&mut [F]>,
    ) {
        let (n, e) = (self.target.len(), links.rows());
        let market = letters.unwrap_or(self.market_back.as_flattened_mut());
        // Numbers of a stall, or of a letter.
        let each = if W == 1 { 4 * L } else { 2 };
        let (even, odd) = self.adjoint_stock.split_at_mut(e);
        let (now, out) = if t & 1 == 0 {
            (&*even, odd)
        } else {
            (&*odd, even)
        };
        dispatch::<F, L, _>(Backward::<F, L, W> {
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
            now,
            out,
            sum_inventory: &mut self.sum_stock,
            sum_order: &mut self.sum_order,
            to_rate: &mut self.to_rate,
            last: market.len() / each - 1,
            market,
            aside: &mut self.aside,
        });
    }

    /// Shares of orders delivered in `t` by some rows of nodes, from the outputs and demands that were kept.
    pub(super) fn shares(&self, t: usize, rows: Range<usize>, share: &mut [[F; L]]) {
        let n = self.target.len();
        let x = &self.output[(t - 1) * n..][rows.clone()];
        let d = &self.demand[(t - 1) * n..][rows];
        for ((share, x), d) in share.iter_mut().zip(x).zip(d) {
            *share = lanes(|l| d[l].gate(x[l] / d[l]));
        }
    }

    /// Takes up the pair of inventories of checkpoint `c`, before the periods to the next one.
    pub(super) fn take_up(&mut self, e: usize, c: usize, stride: usize) {
        self.stock.resize((stride + 1) * e);
        let pair = &self.saved[c / stride * 2 * e..][..2 * e];
        self.stock[..2 * e].copy_from_slice(pair);
    }

    /// Writes the gradient in the capacity of period `t`, from 1, into [particle, period, column].
    pub(super) fn put_capacity(&self, design: &Design, part: &Part, t: usize, out: &mut [F]) {
        let columns = design.column.len();
        let found = self.to_capacity.as_flattened();
        let particles = L / W;
        for (i, c) in &part.columns {
            let found = &found[*i as usize * particles..][..particles];
            for (p, g) in found.iter().enumerate() {
                let at = (p * design.periods + t - 1) * columns + *c as usize;
                // Copies that fill up a block have no place.
                if let Some(out) = out.get_mut(at) {
                    *out = *g;
                }
            }
        }
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
