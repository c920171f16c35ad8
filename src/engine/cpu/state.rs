//! The state of one partition of the network, and the passes over its firms and links in a period.

use super::super::plan::{BIN, Design, PADDING, PREFETCH_DISTANCE, Partition, PartitionNumbers};
use super::Float;
use super::bins::{BinBuffer, SupplierMessages, bins};
use super::block::{Inputs, Run};
use super::firms::{
    AdjointPeriod, Capacity, FirmAdjoint, FirmPass, Fixed, Received, Sums, first_accumulator,
};
use super::links::{Buyers, LinkAdjoint, LinkData, LinkPass, PLACES, lanes, spread};
use super::rows::Rows;
use super::simd::dispatch;
use crate::model::{Rationing, rationing};
use prefetch_index::prefetch_index;
use std::ops::Range;

/// The state of one partition's firms and links.
#[derive(Default)]
pub(super) struct PartitionState<F, const L: usize, const W: usize> {
    pub(super) target: Rows<F, L>,
    pub(super) rate: Rows<F, L>,
    /// Remaining capacity as a share of full capacity. If it is the same for all particles and lanes are particles,
    /// it is one number a firm, not one a lane.
    pub(super) capacity: Rows<F, L>,
    pub(super) shared: bool,
    pub(super) lowest: Rows<F, L>,
    /// Demand, period after period; two periods in turn where nothing is kept.
    pub(super) demand: Rows<F, L>,
    /// Output, period after period; one period where nothing is kept.
    pub(super) output: Rows<F, L>,
    /// Inventories of the periods at hand, in units of the buyer's output.
    pub(super) stock: Rows<F, L>,
    /// The inventories of two consecutive periods at each checkpoint.
    pub(super) saved: Rows<F, L>,
    /// Adjoints of the inventories of two periods: of the even one, then of the odd one.
    pub(super) stock_adjoint: Rows<F, L>,
    pub(super) stock_adjoint_sum: Rows<F, L>,
    pub(super) order_adjoint_sum: Rows<F, L>,
    pub(super) to_rate: Rows<F, L>,
    pub(super) to_target: Rows<F, L>,
    /// Gradient in the capacity of the current period.
    pub(super) to_capacity: Rows<F, L>,
    /// Adjoints of the offers of firms, as far as links of other partitions add to them.
    pub(super) offer_adjoint: Rows<F, L>,
    /// Accumulators of the firms of all partitions. Links read the offer there and add their orders. Empty where
    /// links have messages.
    accumulators: Rows<F, L>,
    pub(super) adjoint_accumulators: Rows<F, L>,
    /// Buffer of the firms of a bin, where links have messages.
    bin_buffer: BinBuffer<F>,
    /// The numbers of a bin's firms that go into messages: adjoints of demand, and offers.
    sent: (Rows<F, L>, Rows<F, L>),
    /// Partial sums of hubs in a pass; 0 between passes.
    pub(super) hub_sums: Rows<F, L>,
    /// Output of a period summed to groups, [group, particle of the block].
    pub(super) sums: Vec<f64>,
}

/// The particles of a block among all. A block that is not full is filled up with copies of its last particle.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) first: usize,
    pub(super) last: usize,
}

impl Slot {
    /// The particle of a lane where lanes are particles; else the block's only particle.
    #[inline(always)]
    pub(super) fn particle<const W: usize>(self, lane: usize) -> usize {
        if W == 1 {
            (self.first + lane).min(self.last - 1)
        } else {
            self.first
        }
    }
}

/// The fixed data of a partition's links.
pub(super) fn links_of<'a, F>(
    partition: &'a Partition,
    numbers: &'a PartitionNumbers<F>,
) -> LinkData<'a, F> {
    LinkData {
        row: &partition.row,
        supplier: &partition.supplier,
        place: &partition.place,
        has_messages: partition.routing.is_some(),
        coefficient: &numbers.coefficient,
        hubs: &partition.hubs,
    }
}

/// Rows of the accumulators of all firms, `each` rows an accumulator: rounded up to a power of two, or `PLACES`
/// sums, as the inner loops require.
fn accumulators<const L: usize, const W: usize>(partition: &Partition, each: usize) -> usize {
    if W == 1 {
        each * partition.all_rows.next_power_of_two()
    } else {
        PLACES / L
    }
}

/// Views of `n` entries each of three slots: two that are read and one that is written. The second is None where it
/// is the slot that is written.
type Slabs<'a, T> = (&'a [T], Option<&'a [T]>, &'a mut [T]);

fn slabs<T>(v: &mut [T], n: usize, [s1, s2, out]: [usize; 3]) -> Slabs<'_, T> {
    if s1 > out {
        let (first, second) = v.split_at_mut(s1 * n);
        return (&second[..n], None, &mut first[out * n..][..n]);
    }
    let (past, now) = v.split_at_mut(out * n);
    let separate = (s2 != out).then(|| &past[s2 * n..][..n]);
    (&past[s1 * n..][..n], separate, &mut now[..n])
}

impl<F: Float, const L: usize, const W: usize> PartitionState<F, L, W> {
    /// Sets the steady state, with the inputs of a block's particles in lanes.
    pub(super) fn start(
        &mut self,
        design: &Design,
        partition: &Partition,
        numbers: &PartitionNumbers<F>,
        run: Run<'_, F>,
    ) {
        let links = links_of(partition, numbers);
        let (n, e) = (partition.rows, links.rows());
        let Run {
            inputs,
            slot,
            stride,
            periods,
            ..
        } = run;
        let keep = stride > 0;
        let firms = inputs.target.len() / inputs.particles;
        let first: [usize; L] = lanes(|l| slot.particle::<W>(l) * firms);
        let take = |v: &[F], i: usize, empty: F| -> [F; L] {
            if W == 1 {
                // Rows of one firm have no padding.
                let firm = partition.firm[i] as usize;
                return lanes(|l| v[first[l].wrapping_add(firm)]);
            }
            let here = &partition.firm[i * W..][..W];
            lanes(|l| match here[l] {
                PADDING => empty,
                firm => v[first[0].wrapping_add(firm as usize)],
            })
        };
        if partition.routing.is_none() {
            self.accumulators.resize(accumulators::<L, W>(partition, 2));
        }
        self.target.set(n, |i| take(inputs.target, i, F::ZERO));
        self.rate.set(n, |i| take(inputs.rate, i, F::ONE));
        self.shared = W == 1 && inputs.shared(design);
        let capacities = if self.shared { n.div_ceil(L) } else { n };
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
        let hub_sums = partition.hubs.len().div_ceil(W);
        self.hub_sums.fill_with(hub_sums, [F::ZERO; L]);
        for i in 0..n {
            let target = self.target[i];
            self.lowest[i] = lanes(|l| {
                let has_inputs = partition.has_inputs[if W == 1 { i } else { i * W + l }];
                if has_inputs { target[l] } else { F::INFINITY }
            });
            for r in links.of(i) {
                let stock: [F; L] = if W == 1 {
                    target
                } else {
                    let here = &partition.link[r * W..][..W];
                    lanes(|l| {
                        if here[l] == PADDING {
                            F::PADDING
                        } else {
                            target[l]
                        }
                    })
                };
                self.stock[r] = stock;
                if keep {
                    self.stock[e + r] = stock;
                }
            }
        }
    }

    /// Sets all adjoints to 0.
    pub(super) fn start_adjoint(&mut self, partition: &Partition) {
        let (n, e) = (partition.rows, partition.link.len() / W);
        if partition.routing.is_none() {
            self.adjoint_accumulators
                .resize(accumulators::<L, W>(partition, 4));
        }
        self.stock_adjoint.fill_with(2 * e, [F::ZERO; L]);
        for v in [
            &mut self.stock_adjoint_sum,
            &mut self.order_adjoint_sum,
            &mut self.to_rate,
            &mut self.to_target,
            &mut self.to_capacity,
        ] {
            v.fill_with(n, [F::ZERO; L]);
        }
    }

    /// Adds the adjoints of the first inventories to the adjoints of the targets: the first inventories are the
    /// targets.
    pub(super) fn end_adjoint(&mut self, partition: &Partition, numbers: &PartitionNumbers<F>) {
        let links = links_of(partition, numbers);
        for i in 0..partition.rows {
            let mut sum = self.to_target[i];
            for first in &self.stock_adjoint[links.of(i)] {
                sum = lanes(|l| sum[l] + first[l]);
            }
            self.to_target[i] = sum;
        }
    }

    /// Opens the accumulators of firms from row `first` on: sets their offers, and the orders on them to 0.
    pub(super) fn open_accumulators(&mut self, first: usize, offer: &[[F; L]]) {
        if W == 1 {
            let accumulators = self.accumulators.as_chunks_mut::<2>().0[first..].iter_mut();
            for (accumulator, offer) in accumulators.zip(offer) {
                *accumulator = [*offer, [F::ZERO; L]];
            }
        } else {
            self.accumulators[first..][..offer.len()].fill([F::ZERO; L]);
        }
    }

    /// Opens the accumulators of the adjoint pass from row `first` on: sets adjoints of demand and offers, and the
    /// adjoints of offers to 0.
    pub(super) fn open_adjoint_accumulators(
        &mut self,
        first: usize,
        demand_adjoint: &[[F; L]],
        offer: &[[F; L]],
    ) {
        if W == 1 {
            let accumulators = self.adjoint_accumulators.as_chunks_mut::<4>().0[first..].iter_mut();
            for (accumulator, (demand_adjoint, offer)) in
                accumulators.zip(demand_adjoint.iter().zip(offer))
            {
                (accumulator[0], accumulator[1], accumulator[2]) =
                    (*demand_adjoint, *offer, [F::ZERO; L]);
            }
        } else {
            self.adjoint_accumulators[first..][..demand_adjoint.len()].fill([F::ZERO; L]);
        }
    }

    /// The orders of the partition's links on the firms of all partitions, from row `first` on.
    pub(super) fn order_sums(&self, first: usize) -> Sums<'_, F, L> {
        if W == 1 {
            Sums::Own(&self.accumulators[2 * first + 1..], 2)
        } else {
            Sums::Own(&self.accumulators[first..], 1)
        }
    }

    /// The adjoints of the offers of the firms of all partitions, from row `first` on, as far as the partition's
    /// links add to them.
    pub(super) fn offer_adjoint_sums(&self, first: usize) -> Sums<'_, F, L> {
        if W == 1 {
            Sums::Own(&self.adjoint_accumulators[4 * first + 2..], 4)
        } else {
            Sums::Own(&self.adjoint_accumulators[first..], 1)
        }
    }

    /// Reads the remaining capacity of period `t`, of the firms whose capacity varies.
    pub(super) fn set_capacity(
        &mut self,
        design: &Design,
        partition: &Partition,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        t: usize,
    ) {
        let columns = design.column.len();
        let of_particle = design.periods * columns;
        let shared = inputs.shared(design);
        let first = (t - 1) * columns;
        let of: [usize; L] = lanes(|l| {
            let particle = if shared { 0 } else { slot.particle::<W>(l) };
            particle * of_particle + first
        });
        for (k, (i, c)) in partition.columns.iter().enumerate() {
            // Columns are in the order of the network's firms, not of the partition's: hence the prefetch.
            if let Some((_, upcoming)) = partition.columns.get(k + 2 * PREFETCH_DISTANCE) {
                prefetch_index(inputs.capacity, first.wrapping_add(*upcoming as usize));
            }
            let (i, c) = (*i as usize, *c as usize);
            if W == 1 && !self.shared {
                self.capacity[i] = lanes(|l| inputs.capacity[of[l].wrapping_add(c)]);
            } else {
                self.capacity.as_flattened_mut()[i] = inputs.capacity[of[0].wrapping_add(c)];
            }
        }
    }

    /// The firm pass of one period, where firms have accumulators. In the `first` period `demand` is complete.
    /// Later, in a network of several partitions, it lacks the orders of the partition's own links.
    pub(super) fn firm_pass(
        &mut self,
        (design, partition): (&Design, &Partition),
        numbers: &PartitionNumbers<F>,
        at: (usize, usize),
        first: bool,
        offer: &mut [[F; L]],
    ) {
        let n = self.target.len();
        self.sums.resize(design.groups * (L / W), 0.0);
        // Where lanes are particles the pass overwrites all sums.
        if W > 1 {
            self.sums.fill(0.0);
        }
        let first_accumulator = first_accumulator::<W, 2>(partition);
        dispatch::<F, L, _>(FirmPass::<F, L, W> {
            numbers: Fixed {
                full: &numbers.full,
                outside: &numbers.outside,
                group: &partition.group,
                first_member: &partition.first_member,
            },
            capacity: Capacity::of(&self.capacity, self.shared),
            model: design.model,
            lowest: &self.lowest,
            demand: &mut self.demand[at.0 * n..][..n],
            received: if first {
                Received::All
            } else if partition.rows < partition.all_rows {
                Received::Others
            } else {
                Received::Nothing
            },
            output: &mut self.output[at.1 * n..][..n],
            offer,
            accumulators: &mut self.accumulators[first_accumulator..],
            sums: &mut self.sums,
        });
    }

    /// The firm pass of one period, where links have messages: sums the orders received, except in the `first`
    /// period, and sends the offers.
    pub(super) fn firm_pass_by_bins(
        &mut self,
        (design, partition): (&Design, &Partition),
        numbers: &PartitionNumbers<F>,
        at: (usize, usize),
        supplier_messages: &mut SupplierMessages<'_, F>,
        first: bool,
    ) {
        let n = self.target.len();
        let mut offer = std::mem::take(&mut self.sent.1);
        offer.resize(BIN / W);
        self.sums.clear();
        self.sums.resize(design.groups * (L / W), 0.0);
        for (bin, rows) in bins::<W>(n) {
            let demand = &mut self.demand[at.0 * n..][rows.clone()];
            if !first {
                let demand = demand.as_flattened_mut();
                self.bin_buffer.sums::<1>(supplier_messages, bin, demand);
                let outside = &numbers.outside[rows.start * W..];
                demand.iter_mut().zip(outside).for_each(|(d, o)| *d += *o);
            }
            let offer = &mut offer[..rows.len()];
            dispatch::<F, L, _>(FirmPass::<F, L, W> {
                numbers: Fixed {
                    full: &numbers.full[rows.start * W..],
                    outside: &numbers.outside[rows.start * W..],
                    group: &partition.group[rows.start * W..],
                    first_member: &[],
                },
                capacity: Capacity::Each(&self.capacity[rows.clone()]),
                model: design.model,
                lowest: &self.lowest[rows.clone()],
                demand,
                received: Received::All,
                output: &mut self.output[at.1 * n..][rows],
                offer: &mut *offer,
                accumulators: &mut [],
                sums: &mut self.sums,
            });
            self.bin_buffer
                .send(supplier_messages, bin, [offer.as_flattened()]);
        }
        self.sent.1 = offer;
    }

    /// Sends the offers of period `t`, and computes nothing else.
    pub(super) fn send_offers(
        &mut self,
        of: (Rationing, &PartitionNumbers<F>),
        t: usize,
        supplier_messages: &mut SupplierMessages<'_, F>,
    ) {
        let mut offer = std::mem::take(&mut self.sent.1);
        offer.resize(BIN / W);
        for (bin, rows) in bins::<W>(self.target.len()) {
            let offer = &mut offer[..rows.len()];
            self.offers(of, t, rows, offer);
            self.bin_buffer
                .send(supplier_messages, bin, [offer.as_flattened()]);
        }
        self.sent.1 = offer;
    }

    /// The adjoint of `firm_pass`. If `add_own`, adjoints of offers are in the partition's own accumulators and in
    /// `offer_adjoint`, which holds those of other partitions.
    pub(super) fn firm_adjoint(
        &mut self,
        back: AdjointPeriod<'_, F>,
        add_own: bool,
        (demand_adjoint, offer): (&mut [[F; L]], &mut [[F; L]]),
    ) {
        let offer_adjoint = std::mem::take(&mut self.offer_adjoint);
        dispatch::<F, L, _>(FirmAdjoint::<F, L, W> {
            rows: 0..back.partition.rows,
            state: self,
            back,
            offer_adjoint: if add_own { &offer_adjoint } else { &[] },
            add_own,
            demand_adjoint,
            offer,
        });
        self.offer_adjoint = offer_adjoint;
    }

    /// The adjoint of `firm_pass_by_bins`. In the `last` period no later link pass adds to the adjoints of offers.
    pub(super) fn firm_adjoint_by_bins(
        &mut self,
        back: AdjointPeriod<'_, F>,
        supplier_messages: &mut SupplierMessages<'_, F>,
        last: bool,
    ) {
        let (mut demand_adjoint, mut offer) = std::mem::take(&mut self.sent);
        let mut offer_adjoint = std::mem::take(&mut self.offer_adjoint);
        for rows in [&mut demand_adjoint, &mut offer, &mut offer_adjoint] {
            rows.resize(BIN / W);
        }
        for (bin, rows) in bins::<W>(self.target.len()) {
            let n = rows.len();
            let offer_adjoint = &mut offer_adjoint[..if last { 0 } else { n }];
            if !last {
                self.bin_buffer
                    .sums::<2>(supplier_messages, bin, offer_adjoint.as_flattened_mut());
            }
            let (demand_adjoint, offer) = (&mut demand_adjoint[..n], &mut offer[..n]);
            dispatch::<F, L, _>(FirmAdjoint::<F, L, W> {
                state: self,
                back,
                rows,
                offer_adjoint,
                add_own: false,
                demand_adjoint: &mut *demand_adjoint,
                offer: &mut *offer,
            });
            let kinds = [demand_adjoint.as_flattened(), offer.as_flattened()];
            self.bin_buffer.send(supplier_messages, bin, kinds);
        }
        (self.sent, self.offer_adjoint) = ((demand_adjoint, offer), offer_adjoint);
    }

    /// The link pass of one period. `at` are the slots of output, demand and the demand before; `stock` the slots
    /// of the inventories of t-1, t-2 and t, of which the last two may be the same; `messages` those of the
    /// partition's links, where links have messages.
    pub(super) fn link_pass(
        &mut self,
        links: LinkData<'_, F>,
        at: (usize, usize, usize),
        stock: [usize; 3],
        offer: &[[F; L]],
        messages: Option<&mut [F]>,
    ) {
        let (n, e) = (self.target.len(), links.rows());
        let (s1, s2, out) = slabs(&mut self.stock, e, stock);
        let accumulators = messages.unwrap_or(self.accumulators.as_flattened_mut());
        // Numbers of an accumulator, or of a message.
        let each = if W == 1 { 2 * L } else { 1 };
        dispatch::<F, L, _>(LinkPass::<F, L, W> {
            links,
            firms: Buyers {
                target: &self.target,
                rate: &self.rate,
                d1: &self.demand[at.1 * n..][..n],
                d2: &self.demand[at.2 * n..][..n],
            },
            output: &self.output[at.0 * n..][..n],
            offer,
            s1,
            s2,
            out,
            lowest: &mut self.lowest,
            last: accumulators.len() / each - 1,
            accumulators,
            hub_sums: &mut self.hub_sums,
        });
    }

    /// The adjoint of the link pass of period `t`; `stock_at` is the slot of the inventories of t-1.
    pub(super) fn link_adjoint(
        &mut self,
        links: LinkData<'_, F>,
        t: usize,
        stock_at: usize,
        (offer, demand_adjoint): (&[[F; L]], &[[F; L]]),
        messages: Option<&mut [F]>,
    ) {
        let (n, e) = (self.target.len(), links.rows());
        let accumulators = messages.unwrap_or(self.adjoint_accumulators.as_flattened_mut());
        // Numbers of an accumulator, or of a message.
        let each = if W == 1 { 4 * L } else { 2 };
        let (even, odd) = self.stock_adjoint.split_at_mut(e);
        let (now, out) = if t & 1 == 0 {
            (&*even, odd)
        } else {
            (&*odd, even)
        };
        dispatch::<F, L, _>(LinkAdjoint::<F, L, W> {
            links,
            firms: Buyers {
                target: &self.target,
                rate: &self.rate,
                d1: &self.demand[(t - 1) * n..][..n],
                d2: &self.demand[(t.max(2) - 2) * n..][..n],
            },
            offer,
            demand_adjoint,
            s1: &self.stock[stock_at * e..][..e],
            s2: &self.stock[(stock_at - 1) * e..][..e],
            now,
            out,
            stock_adjoint_sum: &mut self.stock_adjoint_sum,
            order_adjoint_sum: &mut self.order_adjoint_sum,
            to_rate: &mut self.to_rate,
            last: accumulators.len() / each - 1,
            accumulators,
            hub_sums: &mut self.hub_sums,
        });
    }

    /// Offers of period `t` of some rows of firms, from the outputs and demands that were kept.
    pub(super) fn offers(
        &self,
        (rationing, numbers): (Rationing, &PartitionNumbers<F>),
        t: usize,
        rows: Range<usize>,
        offer: &mut [[F; L]],
    ) {
        let n = self.target.len();
        let first = rows.start;
        let x = &self.output[(t - 1) * n..][rows.clone()];
        let d = &self.demand[(t - 1) * n..][rows];
        for (k, (offer, (x, d))) in offer.iter_mut().zip(x.iter().zip(d)).enumerate() {
            let outside: [F; L] = spread::<F, L, W>(&numbers.outside, first + k);
            *offer = lanes(|l| rationing::host::offer(rationing, x[l], d[l], outside[l]));
        }
    }

    /// Copies the inventories at checkpoint `c` to the start of the segment, which ends at the next checkpoint.
    pub(super) fn load_checkpoint(&mut self, e: usize, c: usize, stride: usize) {
        self.stock.resize((stride + 1) * e);
        let pair = &self.saved[c / stride * 2 * e..][..2 * e];
        self.stock[..2 * e].copy_from_slice(pair);
    }

    /// Writes the gradient in the capacity of period `t`, from 1, into [particle, period, column].
    pub(super) fn write_capacity_gradient(
        &self,
        design: &Design,
        partition: &Partition,
        t: usize,
        out: &mut [F],
    ) {
        let columns = design.column.len();
        let found = self.to_capacity.as_flattened();
        let particles = L / W;
        for (i, c) in &partition.columns {
            let found = &found[*i as usize * particles..][..particles];
            for (p, g) in found.iter().enumerate() {
                let at = (p * design.periods + t - 1) * columns + *c as usize;
                // The copies that fill up a block have no place in `out`.
                if let Some(out) = out.get_mut(at) {
                    *out = *g;
                }
            }
        }
    }

    /// Keeps the inventories of `t - 1` and `t` at checkpoint `t`.
    pub(super) fn save_checkpoint(&mut self, e: usize, t: usize, stride: usize) {
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
