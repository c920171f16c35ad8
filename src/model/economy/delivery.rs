//! The second phase of a period: what a supplier that cannot serve all delivers to whom; with its adjoint.
//!
//! Links read of their supplier `Work::ratio`, and `Work::fill` of their class: of every order the share that is
//! served, or, lower first, the level up to which orders are served in units of the usual purchase.

use super::{Builder, Layout, Numbers, State, Work};
use crate::number::{PADDING, Real, Row};

/// Goods that a customer gets, and the slopes of that.
#[derive(Clone, Copy)]
pub(crate) struct Share<F, const L: usize> {
    pub(crate) delivered: Row<F, L>,
    /// In the order, and in the level.
    pub(crate) by_order: Row<F, L>,
    pub(crate) by_level: Row<F, L>,
}

impl Layout {
    /// What lower-first delivers of an order up to a level of the usual purchase; of an order without one the order is
    /// its own usual purchase.
    #[inline(always)]
    pub(crate) fn up_to<F: Real, const L: usize>(
        order: Row<F, L>,
        usual: f64,
        level: Row<F, L>,
    ) -> Share<F, L> {
        let (one, zero) = (Row::one(), Row::zero());
        if usual > 0.0 {
            let usual = Row::all(usual);
            let most = usual * level;
            Share {
                delivered: order.least(most),
                by_order: order.where_most(most, one, zero),
                by_level: order.where_most(most, zero, usual),
            }
        } else {
            Share {
                delivered: order * level.least(one),
                by_order: level.least(one),
                by_level: one.where_most(level, zero, order),
            }
        }
    }

    /// What a class delivers of an order, by its `Work::fill`, before `mix`.
    #[inline(always)]
    pub(crate) fn by_class<F: Real, const L: usize>(
        &self,
        order: Row<F, L>,
        usual: f64,
        fill: Row<F, L>,
    ) -> Share<F, L> {
        if self.lower_first() {
            return Self::up_to(order, usual, fill);
        }
        Share {
            delivered: order * fill,
            by_order: fill,
            by_level: order,
        }
    }

    /// What a customer gets.
    #[inline(always)]
    pub(crate) fn delivered<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (order, usual): (Row<F, L>, f64),
        (j, slot): (usize, usize),
        work: &Work<F, L>,
    ) -> Row<F, L> {
        let alike = order * work.ratio[j];
        if !self.ranks() {
            return alike;
        }
        let ranked = self.by_class(order, usual, work.fill[slot]).delivered;
        let mix = v.mix.of(j);
        mix * ranked + (Row::one() - mix) * alike
    }

    /// Adjoint of `delivered`: gives that of the order.
    #[inline(always)]
    pub(crate) fn delivered_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (order, usual): (Row<F, L>, f64),
        (j, slot): (usize, usize),
        work: &Work<F, L>,
        to_goods: Row<F, L>,
        (to_v, to): (&mut Numbers<F, L>, &mut Work<F, L>),
    ) -> Row<F, L> {
        if !self.ranks() {
            to.ratio[j] += to_goods * order;
            return to_goods * work.ratio[j];
        }
        let share = self.by_class(order, usual, work.fill[slot]);
        let (mix, one) = (v.mix.of(j), Row::one());
        to_v.mix
            .add(j, to_goods * (share.delivered - order * work.ratio[j]));
        let (to_ranked, to_alike) = (to_goods * mix, to_goods * (one - mix));
        to.ratio[j] += to_alike * order;
        to.fill[slot] += to_ranked * share.by_level;
        to_alike * work.ratio[j] + to_ranked * share.by_order
    }

    /// Orders of a class of customers of supplier j: of links, final demand and rebuilding.
    fn total<F: Real, const L: usize>(
        &self,
        (j, slot): (usize, usize),
        (before, outside, work): (&State<F, L>, Row<F, L>, &Work<F, L>),
    ) -> Row<F, L> {
        let mut total = before.ordered[slot];
        if self.final_slot[j] as usize == slot {
            total += outside;
        }
        if self.rebuild_slot[j] as usize == slot {
            for b in self.builders_of(j) {
                total += work.rebuilding[*b as usize];
            }
        }
        total
    }

    /// Customers of a class beside links: what each asks, and its usual purchase.
    fn others<'a, F: Real, const L: usize>(
        &'a self,
        (j, slot): (usize, usize),
        outside: Row<F, L>,
        work: &'a Work<F, L>,
    ) -> impl Iterator<Item = (Row<F, L>, f64)> + 'a {
        let last = self.final_slot[j] as usize == slot;
        let outside = last.then_some((outside, self.outside[j]));
        let here = self.rebuild_slot[j] as usize == slot;
        let builders = if here { self.builders_of(j) } else { &[] };
        let rebuilding = builders.iter().map(|b| (work.rebuilding[*b as usize], 0.0));
        outside.into_iter().chain(rebuilding)
    }

    /// The level up to which a class is served with `left`, and the slope of what it gets in the level: Newton's method
    /// from 0, which never goes too far, as what is delivered is concave in the level.
    fn level<F: Real, const L: usize>(
        &self,
        (j, slot): (usize, usize),
        left: Row<F, L>,
        (before, outside, work): (&State<F, L>, Row<F, L>, &Work<F, L>),
    ) -> (Row<F, L>, Row<F, L>) {
        let customers = self.by_supplier.as_ref().map_or(&[][..], |c| c.of(j));
        let mut level = Row::zero();
        loop {
            let (mut delivered, mut slope) = (Row::zero(), Row::zero());
            for k in customers.iter().map(|k| *k as usize) {
                if self.slot[k] as usize == slot {
                    let (a, usual) = (Row::all(self.coefficient[k]), self.usual(k));
                    let share = Self::up_to(before.orders[k], usual, level);
                    delivered += a * share.delivered;
                    slope += a * share.by_level;
                }
            }
            for (order, usual) in self.others((j, slot), outside, work) {
                let share = Self::up_to(order, usual, level);
                delivered += share.delivered;
                slope += share.by_level;
            }
            let next = level + (left - delivered).over(slope, Row::zero());
            // Rounding ends it: a step that changes nothing, or goes back. Its slope is that of what it solves.
            let further = next.where_most(level, level, next);
            if further == level {
                return (next, slope);
            }
            level = further;
        }
    }

    /// Final demand of a firm that is not met in period t.
    pub(crate) fn unmet<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        (before, work): (&State<F, L>, &Work<F, L>),
        j: usize,
    ) -> Row<F, L> {
        debug_assert!(before.demand.len() > j);
        let outside = self.outside(v, t, j);
        let slot = self.final_slot.get(j).map_or(0, |s| *s as usize);
        let order = (outside, self.outside[j]);
        outside - self.delivered(v, order, (j, slot), work)
    }

    /// What a link usually buys, in units of the buyer's output.
    #[inline(always)]
    pub(crate) fn usual(&self, k: usize) -> f64 {
        self.usual.get(k).copied().unwrap_or(0.0)
    }

    /// Rebuilding that each builder is asked for in period t, `[builder]`.
    pub(crate) fn rebuilding<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        left: &[Row<F, L>],
    ) -> Vec<Row<F, L>> {
        let damaged = self.damaged(v);
        let asked = |(b, builder): (usize, &Builder)| {
            let m = builder.rebuild;
            match self.rebuilds[m].asks(t) {
                true => v.rebuild_factor[m] * damaged[m] * v.share[b] * left[b] * v.rebuild_rate[m],
                false => Row::zero(),
            }
        };
        self.builders.iter().enumerate().map(asked).collect()
    }

    /// All damage of each event, that of households too, `[rebuilding]`.
    pub(crate) fn damaged<F: Real, const L: usize>(&self, v: &Numbers<F, L>) -> Vec<Row<F, L>> {
        let mut sums = vec![Row::zero(); self.rebuilds.len()];
        for (d, damage) in self.damages.iter().enumerate() {
            sums[damage.rebuild] += v.damage[d];
        }
        sums
    }

    /// What suppliers deliver in period t.
    pub(crate) fn deliver<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        before: &State<F, L>,
        work: &mut Work<F, L>,
    ) {
        if !self.builders.is_empty() {
            work.rebuilding = self.rebuilding(v, t, &before.left);
        }
        for j in 0..self.firms() {
            let (x, demand) = (work.output[j], before.demand[j]);
            work.ratio[j] = x.over(demand, Row::zero());
            if self.ranks() {
                self.rank(j, self.outside(v, t, j), before, work);
            }
        }
        if self.builders.is_empty() {
            return;
        }
        work.served.fill(Row::zero());
        for (b, builder) in self.builders.iter().enumerate() {
            let (j, order) = (builder.firm, (work.rebuilding[b], 0.0));
            let slot = self.rebuild_slot.get(j).map_or(0, |s| *s as usize);
            work.rebuilt[b] = self.delivered(v, order, (j, slot), work);
            work.served[j] += work.rebuilt[b];
        }
    }

    /// Serves the classes of a supplier one after the other.
    fn rank<F: Real, const L: usize>(
        &self,
        j: usize,
        outside: Row<F, L>,
        before: &State<F, L>,
        work: &mut Work<F, L>,
    ) {
        let (zero, one) = (Row::zero(), Row::one());
        let (x, demand) = (work.output[j], before.demand[j]);
        let served = if self.lower_first() {
            Row::all(PADDING)
        } else {
            one
        };
        let mut left = x.above_zero();
        for slot in self.slots_of(j) {
            let total = self.total((j, slot), (before, outside, work));
            let (partly, slope) = match self.lower_first() {
                true => {
                    // Nobody looks for a level where all is served.
                    let enough = total.where_most(left, zero, one);
                    let short = demand.where_most(x, zero, enough);
                    match short.any() {
                        true => self.level((j, slot), left, (before, outside, work)),
                        false => (served, zero),
                    }
                }
                false => (left.over(total, zero), zero),
            };
            work.fill[slot] = total.where_most(left, served, partly);
            work.fill[slot] = demand.where_most(x, served, work.fill[slot]);
            work.slope[slot] = slope;
            left = total.where_most(left, left - total, zero);
        }
    }

    /// Adjoint of `rank`: from that of fills to output, to orders of classes, and to what others ask.
    fn rank_back<F: Real, const L: usize>(
        &self,
        (j, outside): (usize, Row<F, L>),
        (before, work): (&State<F, L>, &Work<F, L>),
        to: &mut Work<F, L>,
        to_before: &mut State<F, L>,
        to_outside: &mut Row<F, L>,
    ) {
        let zero = Row::zero();
        let (x, demand) = (work.output[j], before.demand[j]);
        let mut lefts = Vec::with_capacity(self.slots_of(j).len());
        let mut left = x.above_zero();
        for slot in self.slots_of(j) {
            let total = self.total((j, slot), (before, outside, work));
            lefts.push((slot, left, total));
            left = total.where_most(left, left - total, zero);
        }
        let mut to_left = zero;
        for (slot, left, total) in lefts.into_iter().rev() {
            // Where all is served nothing depends on what is left.
            let to_fill = demand.where_most(x, zero, to.fill[slot]);
            let partly = |then, other| total.where_most(left, other, then);
            let (to_partly, to_total, to_level) = match self.lower_first() {
                true => {
                    let rate = to_fill.over(work.slope[slot], zero);
                    (rate, zero, rate)
                }
                false => (
                    to_fill.over(total, zero),
                    -(to_fill * left).over(total * total, zero),
                    zero,
                ),
            };
            let to_total = partly(to_total, -to_left);
            to_left = partly(to_partly, to_left);
            // What a filled order takes leaves less for the others.
            let to_level = partly(to_level, zero);
            to.slope[slot] = to_level;
            to_before.ordered[slot] += to_total;
            if self.final_slot[j] as usize == slot {
                let share = self.by_class(outside, self.outside[j], work.fill[slot]);
                *to_outside += to_total - to_level * share.by_order;
            }
            if self.rebuild_slot[j] as usize == slot {
                for b in self.builders_of(j).iter().map(|b| *b as usize) {
                    let order = work.rebuilding[b];
                    let share = self.by_class(order, 0.0, work.fill[slot]);
                    to.rebuilding[b] += to_total - to_level * share.by_order;
                }
            }
        }
        to.output[j] += to_left;
    }

    /// Adjoint of `deliver`, links' parts of which are done: `to.ratio`, `to.fill`, `to.rebuilt` and `to.served` are
    /// given. `to_outside` is that of final demand in period t, `[firm]`.
    pub(crate) fn deliver_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        (before, work): (&State<F, L>, &Work<F, L>),
        to: &mut Work<F, L>,
        (to_v, to_before): (&mut Numbers<F, L>, &mut State<F, L>),
        to_outside: &mut [Row<F, L>],
    ) {
        for (b, builder) in self.builders.iter().enumerate() {
            let (j, order) = (builder.firm, (work.rebuilding[b], 0.0));
            let slot = self.rebuild_slot.get(j).map_or(0, |s| *s as usize);
            let to_goods = to.rebuilt[b] + to.served[j];
            let both = (&mut *to_v, &mut *to);
            let to_order = self.delivered_back(v, order, (j, slot), work, to_goods, both);
            to.rebuilding[b] += to_order;
        }
        for j in 0..self.firms() {
            let (x, demand, zero) = (work.output[j], before.demand[j], Row::zero());
            let to_ratio = to.ratio[j];
            to.output[j] += to_ratio.over(demand, zero);
            to_before.demand[j] -= (to_ratio * x).over(demand * demand, zero);
            if self.ranks() {
                let outside = (j, self.outside(v, t, j));
                let to_outside = to_outside.get_mut(j);
                let mut unused = zero;
                let to_outside = to_outside.unwrap_or(&mut unused);
                self.rank_back(outside, (before, work), to, to_before, to_outside);
            }
        }
        if !self.lower_first() {
            return;
        }
        for (k, j) in self.supplier.iter().enumerate() {
            let slot = self.slot[k] as usize;
            let to_level = to.slope[slot];
            if to_level.any() && self.slots_of(*j as usize).contains(&slot) {
                let share = Self::up_to(before.orders[k], self.usual(k), work.fill[slot]);
                to_before.orders[k] -= Row::all(self.coefficient[k]) * to_level * share.by_order;
            }
        }
    }
}
