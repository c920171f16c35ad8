//! Inputs with one supplier, which are most: the third phase of a period and its adjoint, link by link, without arrays.
//!
//! The share of the only supplier is 1 whatever it delivers, so that trust has no effect and no gradient.

use super::orders::{Basis, Sent};
use super::orders_adjoint::{Back, Seen};
use super::{Layout, Numbers, State, Work};
use crate::model::{Division, Gap, StockSeen};
use crate::number::{Real, Row};

/// What one link does in a period.
#[derive(Clone, Copy)]
pub(super) struct One<F, const L: usize> {
    pub(super) sent: Row<F, L>,
    /// Stock before what may not be below 0 is cut.
    left: Row<F, L>,
    pub(super) stock: Row<F, L>,
    pub(super) transit: Row<F, L>,
    gap: Row<F, L>,
    wish: Row<F, L>,
    /// Whether the supplier can be asked at all: 1, or 0.
    asked: Row<F, L>,
    pub(super) wanted: Row<F, L>,
}

impl Layout {
    /// Period t of link k, the only one of input g of firm i.
    #[inline(always)]
    pub(super) fn one<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        (before, work, sent): (&State<F, L>, &Work<F, L>, &Sent<F, L>),
        (k, g, i): (usize, usize, usize),
        basis: Basis<F, L>,
    ) -> One<F, L> {
        let (j, zero, one) = (self.supplier[k] as usize, Row::zero(), Row::one());
        let slot = self.slot.get(k).map_or(0, |s| *s as usize);
        let goods = self.delivered(v, (before.orders[k], self.usual(k)), (j, slot), work);
        let lag = self.lag_of(k);
        let (arrived, transit) = match lag {
            None => (goods, zero),
            Some(l) => {
                let arrived = self.arrival(sent, (t, l), self.steady[i]);
                (arrived, before.transit[l] + goods - arrived)
            }
        };
        let asked = match self.model.division {
            Division::Capacity => (work.factor[j] * work.alpha(j)).where_positive(one, zero),
            Division::Cumulative => before.trust[k].where_positive(one, zero),
            _ => one,
        };
        let mut out = One {
            sent: goods,
            left: zero,
            stock: zero,
            transit,
            gap: zero,
            wish: basis.need,
            asked,
            wanted: zero,
        };
        if !self.never[g] {
            let place = self.place(g, i);
            out.left = before.stock[k] + arrived - work.output[i];
            out.stock = if self.critical {
                out.left.above_zero()
            } else {
                out.left
            };
            let after = self.model.stock_seen == StockSeen::After;
            let seen = if after { out.stock } else { before.stock[k] };
            out.gap = v.target[place] * basis.target - seen;
            if let Some(l) = lag {
                let way = if after { transit } else { before.transit[l] };
                let line = Row::all(f64::from(self.lags[l])) * basis.target - way;
                out.gap += v.supply_line.of(i) * line;
            }
            let counted = match self.model.gap {
                Gap::Both => out.gap,
                Gap::Shortfall => out.gap.above_zero(),
            };
            out.wish = basis.need + counted * v.rate[place];
        }
        out.wanted = out.wish.above_zero() * asked;
        out
    }

    /// What trust in the only supplier becomes.
    #[inline(always)]
    pub(super) fn trust_one<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (before, goods): (&State<F, L>, Row<F, L>),
        (k, i): (usize, usize),
    ) -> Row<F, L> {
        let (trust, one) = (before.trust[k], Row::one());
        let fill = goods.over(self.wanted_before(before)[k], one);
        if self.model.division == Division::Delivered {
            let eta = v.learning.of(i);
            return (one - eta) * trust + eta * fill;
        }
        (trust * fill).where_positive(one, trust)
    }

    /// Adjoint of `one`: from that of the order that is wanted, of stock and of transit at the end.
    #[inline(always)]
    pub(super) fn one_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        seen: Seen<'_, F, L>,
        (k, g, i): (usize, usize, usize),
        (basis, to_basis): (Basis<F, L>, &mut Basis<F, L>),
        [to_wanted, mut to_stock, mut to_transit]: [Row<F, L>; 3],
        back: &mut Back<'_, F, L>,
    ) {
        let (before, work, zero) = (seen.before, seen.work, Row::zero());
        let of = self.one(v, seen.t, (before, work, seen.sent), (k, g, i), basis);
        let to_wish = of.wish.where_below(zero, zero, to_wanted * of.asked);
        to_basis.need += to_wish;
        let lag = self.lag_of(k);
        let mut to_arrived = zero;
        if !self.never[g] {
            let place = self.place(g, i);
            let rate = v.rate[place];
            let (counted, to_gap) = match self.model.gap {
                Gap::Both => (of.gap, to_wish * rate),
                Gap::Shortfall => (
                    of.gap.above_zero(),
                    of.gap.where_below(zero, zero, to_wish * rate),
                ),
            };
            back.numbers.rate[place] += to_wish * counted;
            back.numbers.target[place] += to_gap * basis.target;
            to_basis.target += to_gap * v.target[place];
            let after = self.model.stock_seen == StockSeen::After;
            let mut to_before = zero;
            if after {
                to_stock -= to_gap;
            } else {
                to_before -= to_gap;
            }
            if let Some(l) = lag {
                let lag = Row::all(f64::from(self.lags[l]));
                let way = if after { of.transit } else { before.transit[l] };
                let line = lag * basis.target - way;
                back.numbers.supply_line.add(i, to_gap * line);
                let to_line = to_gap * v.supply_line.of(i);
                to_basis.target += lag * to_line;
                if after {
                    to_transit -= to_line;
                } else {
                    back.before.transit[l] -= to_line;
                }
            }
            if self.critical {
                to_stock = of.left.where_below(zero, zero, to_stock);
            }
            back.before.stock[k] += to_before + to_stock;
            back.work.output[i] -= to_stock;
            to_arrived = to_stock;
        }
        let mut to_goods = to_arrived;
        if let Some(l) = lag {
            let lagged = self.lags.len();
            back.before.transit[l] += to_transit;
            to_goods = to_transit + back.sent[(seen.t - 1) * lagged + l];
            if let Some(row) = seen.t.checked_sub(self.lags[l] as usize + 1) {
                back.sent[row * lagged + l] += to_arrived - to_transit;
            }
        }
        let j = self.supplier[k] as usize;
        let slot = self.slot.get(k).map_or(0, |s| *s as usize);
        let order = (before.orders[k], self.usual(k));
        let both = (&mut *back.numbers, &mut *back.work);
        let to_order = self.delivered_back(v, order, (j, slot), work, to_goods, both);
        back.before.orders[k] += to_order;
    }
}
