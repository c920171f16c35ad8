//! The third phase of a period and its adjoint where every input has one supplier and nothing else is asked of links:
//! no lags, no blocked links, no criticalities, no trust. One loop over the links of a firm.

use super::orders::Basis;
use super::orders_adjoint::{Back, Seen};
use super::{Layout, Numbers, State, Work};
use crate::model::{Division, Gap, StockSeen};
use crate::number::{PADDING, Real, Row};
use std::ops::Range;

impl Layout {
    /// Whether links do nothing but what this file knows.
    pub(super) fn has_plain_links(&self) -> bool {
        self.lags.is_empty()
            && self.open_column.is_empty()
            && !self.learns()
            && !self.critical
            && self.inputs() == self.links()
            && self.model.division != Division::Capacity
            && !self.never.contains(&true)
    }

    #[cfg(test)]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Takes the way of all links, to compare with.
    #[cfg(test)]
    pub(crate) fn forget_plain(&mut self) {
        self.plain = false;
    }

    /// Links of a firm, where every input has one.
    #[inline(always)]
    pub(super) fn links_of_firm(&self, i: usize) -> Range<usize> {
        self.inputs_of(i)
    }

    /// What the scarcest of a firm's plain links allows.
    #[inline(always)]
    pub(super) fn lowest_of<F: Real, const L: usize>(stock: &[Row<F, L>]) -> Row<F, L> {
        let first = Row::all(PADDING);
        stock
            .iter()
            .fold(first, |low, s| s.where_below(low, *s, low))
    }

    /// Goods that link k gets.
    #[inline(always)]
    fn goods<F: Real, const L: usize, const RANKS: bool>(
        &self,
        v: &Numbers<F, L>,
        work: &Work<F, L>,
        (k, j): (usize, usize),
        order: Row<F, L>,
    ) -> Row<F, L> {
        match RANKS {
            true => {
                let slot = self.slot[k] as usize;
                self.delivered(v, (order, self.usual(k)), (j, slot), work)
            }
            false => order * work.ratio[j],
        }
    }

    /// What period t leaves of all links.
    pub(super) fn order_plain<F: Real, const L: usize, const RANKS: bool>(
        &self,
        v: &Numbers<F, L>,
        (before, work): (&State<F, L>, &Work<F, L>),
        after: &mut State<F, L>,
    ) {
        let later = self.model.stock_seen == StockSeen::After;
        let shortfall = self.model.gap == Gap::Shortfall;
        for i in 0..self.firms() {
            let basis = self.basis((before, work), i);
            let (links, x) = (self.links_of_firm(i), work.output[i]);
            let supplier = &self.supplier[links.clone()];
            let coefficient = &self.coefficient[links.clone()];
            let (stock, orders) = (&before.stock[links.clone()], &before.orders[links.clone()]);
            let to_stock = &mut after.stock[links.clone()];
            let to_orders = &mut after.orders[links.clone()];
            for n in 0..supplier.len() {
                let (k, j) = (links.start + n, supplier[n] as usize);
                let place = self.place(k, i);
                let came = self.goods::<F, L, RANKS>(v, work, (k, j), orders[n]);
                let left = stock[n] + came - x;
                let seen = if later { left } else { stock[n] };
                let mut gap = v.target[place] * basis.target - seen;
                if shortfall {
                    gap = gap.above_zero();
                }
                let order = (basis.need + gap * v.rate[place]).above_zero();
                to_stock[n] = left;
                to_orders[n] = order;
                let asked = Row::all(coefficient[n]) * order;
                after.demand[j] += asked;
                if RANKS {
                    after.ordered[self.slot[k] as usize] += asked;
                }
            }
        }
    }

    /// Adjoint of `order_plain`.
    pub(super) fn order_plain_back<F: Real, const L: usize, const RANKS: bool>(
        &self,
        v: &Numbers<F, L>,
        known: Seen<'_, F, L>,
        to_after: &State<F, L>,
        back: &mut Back<'_, F, L>,
    ) {
        let (before, work, zero) = (known.before, known.work, Row::zero());
        let later = self.model.stock_seen == StockSeen::After;
        let shortfall = self.model.gap == Gap::Shortfall;
        for i in 0..self.firms() {
            let basis = self.basis((before, work), i);
            let (links, x) = (self.links_of_firm(i), work.output[i]);
            let (mut to_x, mut to_need, mut to_target) = (zero, zero, zero);
            let supplier = &self.supplier[links.clone()];
            let coefficient = &self.coefficient[links.clone()];
            let (stock, orders) = (&before.stock[links.clone()], &before.orders[links.clone()]);
            let from_stock = &to_after.stock[links.clone()];
            let from_orders = &to_after.orders[links.clone()];
            for n in 0..supplier.len() {
                let (k, j) = (links.start + n, supplier[n] as usize);
                let place = self.place(k, i);
                let rate = v.rate[place];
                let came = self.goods::<F, L, RANKS>(v, work, (k, j), orders[n]);
                let seen = if later { stock[n] + came - x } else { stock[n] };
                let gap = v.target[place] * basis.target - seen;
                let counted = if shortfall { gap.above_zero() } else { gap };
                let wish = basis.need + counted * rate;
                let mut to_asked = to_after.demand[j];
                if RANKS {
                    to_asked += to_after.ordered[self.slot[k] as usize];
                }
                let to_order = from_orders[n] + Row::all(coefficient[n]) * to_asked;
                let to_wish = wish.where_below(zero, zero, to_order);
                let mut to_gap = to_wish * rate;
                if shortfall {
                    to_gap = gap.where_below(zero, zero, to_gap);
                }
                to_need += to_wish;
                back.numbers.rate[place] += to_wish * counted;
                back.numbers.target[place] += to_gap * basis.target;
                to_target += to_gap * v.target[place];
                let mut to_left = from_stock[n];
                if later {
                    to_left -= to_gap;
                    back.before.stock[k] += to_left;
                } else {
                    back.before.stock[k] += to_left - to_gap;
                }
                to_x -= to_left;
                if RANKS {
                    let (slot, order) = (self.slot[k] as usize, (orders[n], self.usual(k)));
                    let both = (&mut *back.numbers, &mut *back.work);
                    let to = self.delivered_back(v, order, (j, slot), work, to_left, both);
                    back.before.orders[k] += to;
                } else {
                    back.work.ratio[j] += to_left * orders[n];
                    back.before.orders[k] += to_left * work.ratio[j];
                }
            }
            back.work.output[i] += to_x;
            let to = Basis {
                need: to_need,
                target: to_target,
            };
            self.basis_back(known, i, to, back);
        }
    }
}
