//! The adjoint of the third phase: from orders, stocks and trust at the end of a period to those at its beginning.

use super::orders::{Basis, InputWork, Sent};
use super::{Layout, Numbers, State, Work};
use crate::model::{Division, Gap, Need, StockSeen, StockTarget};
use crate::number::{Real, Row};
use std::ops::Range;

/// Where adjoints of a period go.
pub(crate) struct Back<'a, F, const L: usize> {
    pub(crate) numbers: &'a mut Numbers<F, L>,
    pub(crate) before: &'a mut State<F, L>,
    pub(crate) work: &'a mut Work<F, L>,
    /// Of what lagged links have sent, [period, lagged link].
    pub(crate) sent: &'a mut Sent<F, L>,
}

/// What is known of a period on the way back.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a, F, const L: usize> {
    pub(crate) t: usize,
    pub(crate) before: &'a State<F, L>,
    pub(crate) work: &'a Work<F, L>,
    pub(crate) sent: &'a Sent<F, L>,
}

impl Layout {
    /// Adjoint of `basis`.
    pub(super) fn basis_back<F: Real, const L: usize>(
        &self,
        seen: Seen<'_, F, L>,
        i: usize,
        to: Basis<F, L>,
        back: &mut Back<'_, F, L>,
    ) {
        let capped = |to: Row<F, L>, back: &mut Back<'_, F, L>| {
            let served = seen.work.served.get(i).copied().unwrap_or(Row::zero());
            let (asked, own) = (seen.before.demand[i] - served, seen.work.own[i]);
            let to_asked = asked.where_most(own, to, Row::zero());
            back.work.own[i] += to - to_asked;
            back.before.demand[i] += to_asked;
            if let Some(to_served) = back.work.served.get_mut(i) {
                *to_served -= to_asked;
            }
        };
        match self.model.need {
            Need::Demand => back.before.demand[i] += to.need,
            Need::Output => back.work.output[i] += to.need,
            Need::Capped => capped(to.need, back),
            Need::Steady => {}
        }
        match self.model.target {
            StockTarget::Steady => {}
            StockTarget::Demand => back.before.demand[i] += to.target,
            StockTarget::Capped => capped(to.target, back),
            StockTarget::Output => back.work.output[i] += to.target,
        }
    }

    /// Adjoint of `wish` and of `missing` for some links of an input.
    fn wish_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (g, i): (usize, usize),
        (links, to_wish): (Range<usize>, Row<F, L>),
        (basis, to_basis): (Basis<F, L>, &mut Basis<F, L>),
        (seen, of): (Seen<'_, F, L>, &InputWork<F, L>),
        (to_of, back): (&mut InputWork<F, L>, &mut Back<'_, F, L>),
    ) {
        to_basis.need += to_wish;
        if self.never[g] {
            return;
        }
        let (place, zero) = (self.place(g, i), Row::zero());
        let gap = self.missing(v, (g, i), links.clone(), basis, (seen.before, of));
        let (counted, to_gap) = match self.model.gap {
            Gap::Both => (gap, to_wish * v.rate[place]),
            Gap::Shortfall => (
                gap.above_zero(),
                gap.where_below(zero, zero, to_wish * v.rate[place]),
            ),
        };
        back.numbers.rate[place] += to_wish * counted;
        back.numbers.target[place] += to_gap * basis.target;
        to_basis.target += to_gap * v.target[place];
        let first = self.links_of(g).start;
        let after = self.model.stock_seen == StockSeen::After;
        let each = links.len() == 1;
        for k in links {
            let n = k - first;
            let part = if each {
                to_gap
            } else {
                Row::all(self.share[k]) * to_gap
            };
            if after {
                to_of.stock[n] -= part;
            } else {
                back.before.stock[k] -= part;
            }
            if let Some(l) = self.lag_of(k) {
                let lag = Row::all(f64::from(self.lags[l]));
                let way = if after {
                    of.transit[n]
                } else {
                    seen.before.transit[l]
                };
                let line = lag * basis.target - way;
                back.numbers.supply_line.add(i, part * line);
                let to_line = part * v.supply_line.of(i);
                to_basis.target += lag * to_line;
                if after {
                    to_of.transit[n] -= to_line;
                } else {
                    back.before.transit[l] -= to_line;
                }
            }
        }
    }

    /// Adjoint of `want`; `to_of.wanted` is given.
    fn want_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (g, i): (usize, usize),
        (basis, to_basis): (Basis<F, L>, &mut Basis<F, L>),
        (seen, of): (Seen<'_, F, L>, &InputWork<F, L>),
        (to_of, back): (&mut InputWork<F, L>, &mut Back<'_, F, L>),
    ) {
        let (links, zero) = (self.links_of(g), Row::zero());
        let wish = |links: Range<usize>| match self.never[g] {
            true => basis.need,
            false => {
                let gap = self.missing(v, (g, i), links, basis, (seen.before, of));
                self.wish(v, (g, i), basis.need, gap)
            }
        };
        if self.model.division == Division::PerLink {
            for (n, k) in links.enumerate() {
                let to_wish = wish(k..k + 1).where_below(zero, zero, to_of.wanted[n]);
                let both = (basis, &mut *to_basis);
                let out = (&mut *to_of, &mut *back);
                self.wish_back(v, (g, i), (k..k + 1, to_wish), both, (seen, of), out);
            }
            return;
        }
        let wish = wish(links.clone());
        let want = wish.above_zero();
        let mut to_want = zero;
        for n in 0..links.len() {
            to_want += to_of.wanted[n] * of.pull[n];
            to_of.pull[n] = to_of.wanted[n] * want;
        }
        let to_wish = wish.where_below(zero, zero, to_want);
        let both = (basis, &mut *to_basis);
        let out = (&mut *to_of, &mut *back);
        self.wish_back(v, (g, i), (links, to_wish), both, (seen, of), out);
        self.pulls_back(v, (g, i), (seen, of), (to_of, back));
    }

    /// Adjoint of the shares of suppliers; `to_of.pull` is given.
    fn pulls_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (g, i): (usize, usize),
        (seen, of): (Seen<'_, F, L>, &InputWork<F, L>),
        (to_of, back): (&mut InputWork<F, L>, &mut Back<'_, F, L>),
    ) {
        if self.model.division == Division::Fixed {
            return;
        }
        let (links, zero, one) = (self.links_of(g), Row::zero(), Row::one());
        // `of.pull` is divided by the total already.
        let total = of.total;
        let mut to_total = zero;
        for n in 0..links.len() {
            to_total -= (to_of.pull[n] * of.pull[n]).over(total, zero);
        }
        for (n, k) in links.enumerate() {
            let share = Row::all(self.share[k]);
            let to_pull = to_of.pull[n].over(total, zero) + share * to_total;
            match self.model.division {
                Division::Delivered => {
                    let floor = v.floor.of(i);
                    back.numbers.floor.add(i, to_pull * (one - of.trust[n]));
                    to_of.trust[n] += to_pull * (one - floor);
                }
                Division::Cumulative => to_of.trust[n] += to_pull,
                Division::Capacity => {
                    let j = self.supplier[k] as usize;
                    back.work.factor[j] += to_pull * seen.work.alpha(j);
                    if let Some(to_over) = back.work.over.get_mut(j) {
                        *to_over += to_pull * seen.work.factor[j];
                    }
                }
                Division::PerLink | Division::Fixed => {}
            }
        }
    }

    /// Adjoint of `learn`; `to_of.trust` is given.
    fn learn_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (g, i): (usize, usize),
        (seen, of): (Seen<'_, F, L>, &InputWork<F, L>),
        (to_of, back): (&mut InputWork<F, L>, &mut Back<'_, F, L>),
    ) {
        let (links, zero, one) = (self.links_of(g), Row::zero(), Row::one());
        if self.model.division == Division::Delivered {
            let eta = v.learning.of(i);
            for (n, k) in links.clone().enumerate() {
                let to = to_of.trust[n];
                back.numbers
                    .learning
                    .add(i, to * (of.fill[n] - seen.before.trust[k]));
                back.before.trust[k] += to * (one - eta);
                to_of.fill[n] += to * eta;
            }
        } else {
            let (mut total, mut to_total) = (zero, zero);
            for (n, k) in links.clone().enumerate() {
                total += Row::all(self.share[k]) * seen.before.trust[k] * of.fill[n];
            }
            for n in 0..links.len() {
                to_total -= (to_of.trust[n] * of.trust[n]).over(total, zero);
            }
            for (n, k) in links.clone().enumerate() {
                let share = Row::all(self.share[k]);
                let to_product = to_of.trust[n].over(total, zero) + share * to_total;
                let to_trust = total.where_positive(to_product * of.fill[n], to_of.trust[n]);
                back.before.trust[k] += to_trust;
                let to_fill = to_product * seen.before.trust[k];
                to_of.fill[n] += total.where_positive(to_fill, zero);
            }
        }
        for (n, k) in links.enumerate() {
            let wanted = self.wanted_before(seen.before)[k];
            let to_fill = to_of.fill[n].over(wanted, zero);
            to_of.sent[n] += to_fill;
            let to_wanted = match self.keeps_wanted() {
                true => &mut back.before.wanted,
                false => &mut back.before.orders,
            };
            to_wanted[k] -= to_fill * of.fill[n];
        }
    }

    /// Adjoint of `use_up`; `to_of.stock` is given. Gives that of output.
    fn use_up_back<F: Real, const L: usize>(
        &self,
        (g, x): (usize, Row<F, L>),
        (seen, of): (Seen<'_, F, L>, &InputWork<F, L>),
        (to_of, back): (&mut InputWork<F, L>, &mut Back<'_, F, L>),
    ) -> Row<F, L> {
        let (links, zero, one) = (self.links_of(g), Row::zero(), Row::one());
        if self.never[g] {
            return zero;
        }
        let before = &seen.before.stock[links.clone()];
        if let [only] = before {
            let mut to = to_of.stock[0];
            if self.critical {
                let left = *only + of.arrived[0] - x;
                to = left.where_below(zero, zero, to);
            }
            back.before.stock[links.start] += to;
            to_of.arrived[0] += to;
            return -to;
        }
        let (stock, came) = self.piles(g, before, &of.arrived);
        let [keep, rest] = Self::kept(x, stock, came);
        let (mut to_keep, mut to_rest) = (zero, zero);
        for (n, to) in to_of.stock.iter().enumerate() {
            to_keep += *to * before[n];
            to_rest += *to * of.arrived[n];
        }
        // Piles suffice, or they do not: what is not the case gets nothing.
        let enough = |then, other| x.where_most(stock, then, other);
        let to_keep = stock.where_positive(enough(to_keep, zero), zero);
        let positive = (one - (x - stock) / came).where_below(zero, zero, one);
        let to_rest = came.where_positive(enough(zero, to_rest) * positive, zero);
        let to_x = -to_keep.over(stock, zero) - to_rest.over(came, zero);
        let to_stock = (to_keep * x).over(stock * stock, zero) + to_rest.over(came, zero);
        let to_came = (to_rest * (x - stock)).over(came * came, zero);
        for (n, k) in links.enumerate() {
            let (to, share) = (to_of.stock[n], Row::all(self.share[k]));
            back.before.stock[k] += enough(to * keep, zero) + share * to_stock;
            to_of.arrived[n] += enough(to, to * rest) + share * to_came;
        }
        to_x
    }

    /// Adjoint of `receive`; `to_of.stock`, `to_of.transit` and `to_of.trust` are given.
    fn receive_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (g, i): (usize, usize),
        (seen, of): (Seen<'_, F, L>, &InputWork<F, L>),
        (to_of, back): (&mut InputWork<F, L>, &mut Back<'_, F, L>),
    ) {
        if self.learns() {
            self.learn_back(v, (g, i), (seen, of), (to_of, back));
        }
        let x = seen.work.output[i];
        let to_x = self.use_up_back((g, x), (seen, of), (to_of, back));
        back.work.output[i] += to_x;
        let lagged = self.lags.len();
        for (n, k) in self.links_of(g).enumerate() {
            if let Some(l) = self.lag_of(k) {
                let to = to_of.transit[n];
                back.before.transit[l] += to;
                to_of.sent[n] += to + back.sent[(seen.t - 1) * lagged + l];
                let to_arrived = to_of.arrived[n] - to;
                if let Some(row) = seen.t.checked_sub(self.lags[l] as usize + 1) {
                    back.sent[row * lagged + l] += to_arrived;
                }
            } else {
                to_of.sent[n] += to_of.arrived[n];
            }
            let j = self.supplier[k] as usize;
            let slot = self.slot.get(k).map_or(0, |s| *s as usize);
            let order = (seen.before.orders[k], self.usual(k));
            let both = (&mut *back.numbers, &mut *back.work);
            let to_goods = to_of.sent[n];
            let to_order = self.delivered_back(v, order, (j, slot), seen.work, to_goods, both);
            back.before.orders[k] += to_order;
        }
    }

    /// The adjoint of what is wanted of a link, from those of the order that gets through and of what is asked of the
    /// supplier.
    #[inline(always)]
    fn asked_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        k: usize,
        wanted: impl Fn() -> Row<F, L>,
        to_after: &State<F, L>,
        to_v: &mut Numbers<F, L>,
    ) -> Row<F, L> {
        let mut to_goods = to_after.demand[self.supplier[k] as usize];
        if self.ranks() {
            to_goods += to_after.ordered[self.slot[k] as usize];
        }
        let mut to = to_after.orders[k] + Row::all(self.coefficient[k]) * to_goods;
        if let Some(c) = self.open_of(k) {
            let row = t * self.open_columns + c;
            to_v.open[row] += to * wanted();
            to = to * v.open[row];
        }
        if self.keeps_wanted() {
            to += to_after.wanted[k];
        }
        to
    }

    /// Adjoint of `order`: from the adjoint `to_after` of what period t leaves.
    pub(crate) fn order_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        seen: Seen<'_, F, L>,
        to_after: &State<F, L>,
        back: &mut Back<'_, F, L>,
        [of, to_of]: &mut [InputWork<F, L>; 2],
    ) {
        let (t, before, work) = (seen.t, seen.before, seen.work);
        if self.plain {
            return match self.ranks() {
                true => self.order_plain_back::<F, L, true>(v, seen, to_after, back),
                false => self.order_plain_back::<F, L, false>(v, seen, to_after, back),
            };
        }
        for i in 0..self.firms() {
            let basis = self.basis((before, work), i);
            let mut to_basis = Basis {
                need: Row::zero(),
                target: Row::zero(),
            };
            for g in self.inputs_of(i) {
                let links = self.links_of(g);
                if links.len() == 1 {
                    let k = links.start;
                    let wanted = || {
                        let known = (before, work, seen.sent);
                        self.one(v, t, known, (k, g, i), basis).wanted
                    };
                    let to_wanted = self.asked_back(v, t, k, wanted, to_after, back.numbers);
                    let to_transit = self.lag_of(k).map_or(Row::zero(), |l| to_after.transit[l]);
                    let to = [to_wanted, to_after.stock[k], to_transit];
                    self.one_back(v, seen, (k, g, i), (basis, &mut to_basis), to, back);
                    continue;
                }
                self.receive(v, t, (before, work, seen.sent), (g, i), of);
                self.want(v, (before, work), (g, i), basis, of);
                to_of.resize(links.len());
                for (n, k) in links.enumerate() {
                    let wanted = || of.wanted[n];
                    to_of.wanted[n] = self.asked_back(v, t, k, wanted, to_after, back.numbers);
                    to_of.stock[n] = to_after.stock[k];
                    if self.learns() {
                        to_of.trust[n] = to_after.trust[k];
                    }
                    if let Some(l) = self.lag_of(k) {
                        to_of.transit[n] = to_after.transit[l];
                    }
                }
                let both = (basis, &mut to_basis);
                let out = (&mut *to_of, &mut *back);
                self.want_back(v, (g, i), both, (seen, of), out);
                self.receive_back(v, (g, i), (seen, of), (to_of, back));
            }
            self.basis_back(seen, i, to_basis, back);
        }
    }
}
