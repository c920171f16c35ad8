//! What is carried from period to period, and what happens within one.

use super::{Layout, Numbers};
use crate::number::{Real, Row};

/// What is carried from period to period; or the adjoints of that. Arrays that a behaviour does not need are empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct State<F, const L: usize> {
    /// Stock, and the orders that got through, `[link]`.
    pub(crate) stock: Vec<Row<F, L>>,
    pub(crate) orders: Vec<Row<F, L>>,
    /// Orders that were wanted, where links can be blocked and fills are learnt, `[link]`.
    pub(crate) wanted: Vec<Row<F, L>>,
    /// Fill seen so far (q), or the share in the input's orders in units of the steady share, `[link]`.
    pub(crate) trust: Vec<Row<F, L>>,
    /// Goods in transit, `[lagged link]`.
    pub(crate) transit: Vec<Row<F, L>>,
    /// Demand that the next period must serve, `[firm]`.
    pub(crate) demand: Vec<Row<F, L>>,
    /// The part of it that customers of a class ordered, `[slot]`.
    pub(crate) ordered: Vec<Row<F, L>>,
    /// Overproduction α, and the last output, `[firm]`.
    pub(crate) over: Vec<Row<F, L>>,
    pub(crate) output: Vec<Row<F, L>>,
    /// Share of its part that a builder has still to deliver, `[builder]`.
    pub(crate) left: Vec<Row<F, L>>,
    /// What is left of a damped hit's loss, `[damped hit]`.
    pub(crate) damped: Vec<Row<F, L>>,
}

impl<F: Real, const L: usize> State<F, L> {
    /// Arrays of the lengths that a layout needs, at 0.
    pub(crate) fn zeros(layout: &Layout) -> Self {
        let rows = |n: usize, needed: bool| vec![Row::zero(); if needed { n } else { 0 }];
        let (firms, links) = (layout.firms(), layout.links());
        Self {
            stock: rows(links, true),
            orders: rows(links, true),
            wanted: rows(links, layout.keeps_wanted()),
            trust: rows(links, layout.learns()),
            transit: rows(layout.lags.len(), true),
            demand: rows(firms, true),
            ordered: rows(layout.slots(), layout.ranks()),
            over: rows(firms, layout.overproduces()),
            output: rows(firms, layout.overproduces()),
            left: rows(layout.builders.len(), true),
            damped: rows(layout.damped.len(), true),
        }
    }

    /// Numbers of one state.
    pub(crate) fn size(layout: &Layout) -> usize {
        let link = 2 + usize::from(layout.keeps_wanted()) + usize::from(layout.learns());
        link * layout.links() + layout.lags.len() + 4 * layout.firms()
    }
}

/// What happens within a period; or the adjoints of that.
#[derive(Clone, Debug)]
pub(crate) struct Work<F, const L: usize> {
    /// Share of capacity that is left, `[firm]`.
    pub(crate) factor: Vec<Row<F, L>>,
    /// Overproduction of the period, `[firm]`; empty where there is none.
    pub(crate) over: Vec<Row<F, L>>,
    /// What capacity allows, what the scarcest input allows, and output, `[firm]`.
    pub(crate) own: Vec<Row<F, L>>,
    pub(crate) lowest: Vec<Row<F, L>>,
    pub(crate) output: Vec<Row<F, L>>,
    /// Output over demand, `[firm]`.
    pub(crate) ratio: Vec<Row<F, L>>,
    /// Share of its orders that a class gets, or the level up to which it is served, `[slot]`; empty where all
    /// customers are served alike.
    pub(crate) fill: Vec<Row<F, L>>,
    /// The slope of what is delivered in the level, `[slot]`; for lower-first alone.
    pub(crate) slope: Vec<Row<F, L>>,
    /// Rebuilding: ordered and delivered, `[builder]`, and delivered by a firm, `[firm]`.
    pub(crate) rebuilding: Vec<Row<F, L>>,
    pub(crate) rebuilt: Vec<Row<F, L>>,
    pub(crate) served: Vec<Row<F, L>>,
}

impl<F: Real, const L: usize> Work<F, L> {
    pub(crate) fn zeros(layout: &Layout) -> Self {
        let rows = |n: usize, needed: bool| vec![Row::zero(); if needed { n } else { 0 }];
        let firms = layout.firms();
        let builders = layout.builders.len();
        Self {
            factor: rows(firms, true),
            over: rows(firms, layout.overproduces()),
            own: rows(firms, true),
            lowest: rows(firms, true),
            output: rows(firms, true),
            ratio: rows(firms, true),
            fill: rows(layout.slots(), layout.ranks()),
            slope: rows(layout.slots(), layout.ranks()),
            rebuilding: rows(builders, true),
            rebuilt: rows(builders, true),
            served: rows(firms, builders > 0),
        }
    }

    /// Sets all adjoints to 0.
    pub(crate) fn clear(&mut self) {
        let Self {
            factor,
            over,
            own,
            lowest,
            output,
            ratio,
            fill,
            slope,
            rebuilding,
            rebuilt,
            served,
        } = self;
        for rows in [
            factor, over, own, lowest, output, ratio, fill, slope, rebuilding, rebuilt, served,
        ] {
            rows.fill(Row::zero());
        }
    }
}

impl<F: Real, const L: usize> Work<F, L> {
    /// Overproduction of a firm in the period.
    #[inline(always)]
    pub(crate) fn alpha(&self, i: usize) -> Row<F, L> {
        self.over.get(i).copied().unwrap_or(Row::one())
    }
}

impl Layout {
    /// Target inventory's place: that of the input, or of its firm.
    #[inline(always)]
    pub(super) fn place(&self, g: usize, i: usize) -> usize {
        if self.per_input { g } else { i }
    }

    /// The mean stock of an input, weighted by the links' shares in it.
    #[inline(always)]
    pub(super) fn mean<F: Real, const L: usize>(&self, g: usize, of: &[Row<F, L>]) -> Row<F, L> {
        let links = self.links_of(g);
        if links.len() == 1 {
            return of[links.start];
        }
        let mut sum = Row::zero();
        for k in links {
            sum += Row::all(self.share[k]) * of[k];
        }
        sum
    }

    /// Final demand of a firm in period t, from 1.
    #[inline(always)]
    pub(crate) fn outside<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        i: usize,
    ) -> Row<F, L> {
        match self.demand_column.get(i) {
            Some(c) if *c != super::NONE => v.demand[(t - 1) * self.demand_columns + *c as usize],
            _ => Row::all(self.outside[i]),
        }
    }
}
