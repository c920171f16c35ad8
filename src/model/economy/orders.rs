//! The third phase of a period, of links: what arrives, what is used, whom buyers trust, what they order.

use super::{Layout, Numbers, State, Work};
use crate::model::{Division, Gap, Need, StockSeen, StockTarget};
use crate::number::{Real, Row};
use std::ops::Range;

/// Goods that links have sent, [period, lagged link], from period 1 on.
pub(crate) type Sent<F, const L: usize> = Vec<Row<F, L>>;

/// What the links of one input do in a period; arrays are `[link of the input]`.
#[derive(Clone, Debug)]
pub(crate) struct InputWork<F, const L: usize> {
    /// Sent by the supplier, and arrived.
    pub(crate) sent: Vec<Row<F, L>>,
    pub(crate) arrived: Vec<Row<F, L>>,
    /// Stock and goods in transit at the end.
    pub(crate) stock: Vec<Row<F, L>>,
    pub(crate) transit: Vec<Row<F, L>>,
    /// Fill of what was wanted; what trust becomes; share in the input's orders in units of the steady share.
    pub(crate) fill: Vec<Row<F, L>>,
    pub(crate) trust: Vec<Row<F, L>>,
    pub(crate) pull: Vec<Row<F, L>>,
    /// Orders that are wanted.
    pub(crate) wanted: Vec<Row<F, L>>,
    /// The mean of pulls before they were made to add up.
    pub(crate) total: Row<F, L>,
}

impl<F: Real, const L: usize> InputWork<F, L> {
    pub(crate) fn new() -> Self {
        Self {
            sent: Vec::new(),
            arrived: Vec::new(),
            stock: Vec::new(),
            transit: Vec::new(),
            fill: Vec::new(),
            trust: Vec::new(),
            pull: Vec::new(),
            wanted: Vec::new(),
            total: Row::zero(),
        }
    }

    /// Makes room for the links of an input, all at 0.
    pub(super) fn resize(&mut self, links: usize) {
        let Self {
            sent,
            arrived,
            stock,
            transit,
            fill,
            trust,
            pull,
            wanted,
            ..
        } = self;
        for rows in [sent, arrived, stock, transit, fill, trust, pull, wanted] {
            rows.resize(links, Row::zero());
            rows.fill(Row::zero());
        }
    }
}

/// What an order of an input looks at.
#[derive(Clone, Copy)]
pub(super) struct Basis<F, const L: usize> {
    /// What the use part follows, and what the target stock follows.
    pub(super) need: Row<F, L>,
    pub(super) target: Row<F, L>,
}

impl Layout {
    /// What use and targets of a firm follow.
    #[inline(always)]
    pub(super) fn basis<F: Real, const L: usize>(
        &self,
        (before, work): (&State<F, L>, &Work<F, L>),
        i: usize,
    ) -> Basis<F, L> {
        let capped = || {
            let demand = before.demand[i];
            let served = work.served.get(i).copied().unwrap_or(Row::zero());
            (demand - served).least(work.own[i])
        };
        let steady = || Row::all(self.steady[i]);
        Basis {
            need: match self.model.need {
                Need::Demand => before.demand[i],
                Need::Output => work.output[i],
                Need::Capped => capped(),
                Need::Steady => steady(),
            },
            target: match self.model.target {
                StockTarget::Steady => steady(),
                StockTarget::Demand => before.demand[i],
                StockTarget::Capped => capped(),
                StockTarget::Output => work.output[i],
            },
        }
    }

    /// Goods that arrive of a lagged link in period t.
    #[inline(always)]
    pub(super) fn arrival<F: Real, const L: usize>(
        &self,
        sent: &Sent<F, L>,
        (t, lagged): (usize, usize),
        usual: f64,
    ) -> Row<F, L> {
        let lag = self.lags[lagged] as usize;
        match t.checked_sub(lag + 1) {
            Some(row) => sent[row * self.lags.len() + lagged],
            None => Row::all(usual),
        }
    }

    /// Orders of link k that its supplier saw as wanted in the period before.
    #[inline(always)]
    pub(super) fn wanted_before<'a, F, const L: usize>(
        &self,
        before: &'a State<F, L>,
    ) -> &'a [Row<F, L>] {
        match self.keeps_wanted() {
            true => &before.wanted,
            false => &before.orders,
        }
    }

    /// What arrives, what is left in stock, and trust, of the links of input g of firm i.
    pub(super) fn receive<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        (before, work, sent): (&State<F, L>, &Work<F, L>, &Sent<F, L>),
        (g, i): (usize, usize),
        of: &mut InputWork<F, L>,
    ) {
        let links = self.links_of(g);
        of.resize(links.len());
        for (n, k) in links.clone().enumerate() {
            let j = self.supplier[k] as usize;
            let slot = self.slot.get(k).map_or(0, |s| *s as usize);
            let order = (before.orders[k], self.usual(k));
            let goods = self.delivered(v, order, (j, slot), work);
            of.sent[n] = goods;
            of.arrived[n] = goods;
            if let Some(l) = self.lag_of(k) {
                of.arrived[n] = self.arrival(sent, (t, l), self.steady[i]);
                of.transit[n] = before.transit[l] + goods - of.arrived[n];
            }
        }
        self.use_up((g, work.output[i]), &before.stock[links.clone()], of);
        if self.learns() {
            let wanted = &self.wanted_before(before)[links.clone()];
            self.learn(v, (g, i), (&before.trust[links], wanted), of);
        }
    }

    /// Stocks at the end: use is in proportion to the piles.
    fn use_up<F: Real, const L: usize>(
        &self,
        (g, x): (usize, Row<F, L>),
        before: &[Row<F, L>],
        of: &mut InputWork<F, L>,
    ) {
        if self.never[g] {
            return;
        }
        if let [only] = before {
            let left = *only + of.arrived[0] - x;
            of.stock[0] = if self.critical {
                left.above_zero()
            } else {
                left
            };
            return;
        }
        let (stock, came) = self.piles(g, before, &of.arrived);
        let [keep, keep_arrived] = Self::kept(x, stock, came);
        for (n, before) in before.iter().enumerate() {
            let whole = *before * keep + of.arrived[n];
            of.stock[n] = x.where_most(stock, whole, of.arrived[n] * keep_arrived);
        }
    }

    /// What there is of an input, and what arrives, in units of the buyer's output.
    #[inline(always)]
    pub(super) fn piles<F: Real, const L: usize>(
        &self,
        g: usize,
        before: &[Row<F, L>],
        arrived: &[Row<F, L>],
    ) -> (Row<F, L>, Row<F, L>) {
        let (mut stock, mut came) = (Row::zero(), Row::zero());
        for (n, k) in self.links_of(g).enumerate() {
            let share = Row::all(self.share[k]);
            stock += share * before[n];
            came += share * arrived[n];
        }
        (stock, came)
    }

    /// The part of piles that is kept where they suffice, and that of arrivals where they do not.
    #[inline(always)]
    pub(super) fn kept<F: Real, const L: usize>(
        x: Row<F, L>,
        stock: Row<F, L>,
        came: Row<F, L>,
    ) -> [Row<F, L>; 2] {
        let (one, zero) = (Row::one(), Row::zero());
        let keep = stock.where_positive(one - x / stock, one);
        let rest = (one - (x - stock) / came).above_zero();
        [keep, came.where_positive(rest, zero)]
    }

    /// How far each supplier of an input is trusted.
    fn learn<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (g, i): (usize, usize),
        (trust, wanted): (&[Row<F, L>], &[Row<F, L>]),
        of: &mut InputWork<F, L>,
    ) {
        let one = Row::one();
        for (n, wanted) in wanted.iter().enumerate() {
            of.fill[n] = of.sent[n].over(*wanted, one);
        }
        if self.model.division == Division::Delivered {
            let eta = v.learning.of(i);
            for (n, trust) in trust.iter().enumerate() {
                of.trust[n] = (one - eta) * *trust + eta * of.fill[n];
            }
            return;
        }
        let mut total = Row::zero();
        for (n, k) in self.links_of(g).enumerate() {
            total += Row::all(self.share[k]) * trust[n] * of.fill[n];
        }
        for (n, trust) in trust.iter().enumerate() {
            of.trust[n] = (*trust * of.fill[n]).over(total, *trust);
        }
    }

    /// The shares of suppliers in the orders of an input, before they are made to add up, in units of steady shares.
    #[inline(always)]
    pub(super) fn pulls<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        work: &Work<F, L>,
        (links, i): (Range<usize>, usize),
        of: &mut InputWork<F, L>,
    ) {
        let one = Row::one();
        match self.model.division {
            Division::PerLink | Division::Fixed => of.pull.fill(one),
            Division::Delivered => {
                let floor = v.floor.of(i);
                for (pull, trust) in of.pull.iter_mut().zip(&of.trust) {
                    *pull = floor + (one - floor) * *trust;
                }
            }
            Division::Cumulative => of.pull.copy_from_slice(&of.trust),
            Division::Capacity => {
                for (pull, k) in of.pull.iter_mut().zip(links) {
                    let j = self.supplier[k] as usize;
                    *pull = work.factor[j] * work.alpha(j);
                }
            }
        }
    }

    /// The mean of pulls, which divides them.
    #[inline(always)]
    pub(super) fn pulled<F: Real, const L: usize>(
        &self,
        g: usize,
        pull: &[Row<F, L>],
    ) -> Row<F, L> {
        if matches!(self.model.division, Division::PerLink | Division::Fixed) {
            return Row::one();
        }
        let mut sum = Row::zero();
        for (pull, k) in pull.iter().zip(self.links_of(g)) {
            sum += Row::all(self.share[k]) * *pull;
        }
        sum
    }

    /// What is missing to the target stock, with what is in transit: of some links of an input, weighted by shares.
    #[inline(always)]
    pub(super) fn missing<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (g, i): (usize, usize),
        of: Range<usize>,
        basis: Basis<F, L>,
        (before, seen): (&State<F, L>, &InputWork<F, L>),
    ) -> Row<F, L> {
        let first = self.links_of(g).start;
        let after = self.model.stock_seen == StockSeen::After;
        let each = of.len() == 1;
        let mut gap = v.target[self.place(g, i)] * basis.target;
        for k in of {
            let share = if each {
                Row::one()
            } else {
                Row::all(self.share[k])
            };
            let (stock, n) = (before.stock[k], k - first);
            let stock = if after { seen.stock[n] } else { stock };
            gap -= share * stock;
            if let Some(l) = self.lag_of(k) {
                let way = if after {
                    seen.transit[n]
                } else {
                    before.transit[l]
                };
                let line = Row::all(f64::from(self.lags[l])) * basis.target - way;
                gap += share * v.supply_line.of(i) * line;
            }
        }
        gap
    }

    /// An order before its `max`: need and a part of the gap.
    #[inline(always)]
    pub(super) fn wish<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (g, i): (usize, usize),
        need: Row<F, L>,
        gap: Row<F, L>,
    ) -> Row<F, L> {
        let gap = match self.model.gap {
            Gap::Both => gap,
            Gap::Shortfall => gap.above_zero(),
        };
        need + gap * v.rate[self.place(g, i)]
    }

    /// What is wanted of each link of an input.
    pub(super) fn want<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (before, work): (&State<F, L>, &Work<F, L>),
        (g, i): (usize, usize),
        basis: Basis<F, L>,
        of: &mut InputWork<F, L>,
    ) {
        let links = self.links_of(g);
        if self.never[g] && self.model.division == Division::PerLink {
            of.wanted.fill(basis.need.above_zero());
            return;
        }
        if self.model.division == Division::PerLink {
            for (n, k) in links.enumerate() {
                let gap = self.missing(v, (g, i), k..k + 1, basis, (before, of));
                of.wanted[n] = self.wish(v, (g, i), basis.need, gap).above_zero();
            }
            return;
        }
        let wish = match self.never[g] {
            true => basis.need,
            false => {
                let gap = self.missing(v, (g, i), links.clone(), basis, (before, of));
                self.wish(v, (g, i), basis.need, gap)
            }
        };
        let want = wish.above_zero();
        self.pulls(v, work, (links, i), of);
        of.total = self.pulled(g, &of.pull);
        for n in 0..of.pull.len() {
            of.pull[n] = of.pull[n].over(of.total, Row::zero());
            of.wanted[n] = want * of.pull[n];
        }
    }

    /// Period t of all links: what they leave is written to `after`, what suppliers have sent to `sent`.
    pub(crate) fn order<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        (before, work): (&State<F, L>, &Work<F, L>),
        sent: &mut Sent<F, L>,
        after: &mut State<F, L>,
        of: &mut InputWork<F, L>,
    ) {
        let lagged = self.lags.len();
        if sent.len() < t * lagged {
            sent.resize(t * lagged, Row::zero());
        }
        after.demand.fill(Row::zero());
        after.ordered.fill(Row::zero());
        if self.plain {
            return match self.ranks() {
                true => self.order_plain::<F, L, true>(v, (before, work), after),
                false => self.order_plain::<F, L, false>(v, (before, work), after),
            };
        }
        for i in 0..self.firms() {
            let basis = self.basis((before, work), i);
            for g in self.inputs_of(i) {
                let links = self.links_of(g);
                if links.len() == 1 {
                    let k = links.start;
                    let one = self.one(v, t, (before, work, sent), (k, g, i), basis);
                    if self.learns() {
                        after.trust[k] = self.trust_one(v, (before, one.sent), (k, i));
                    }
                    let found = [one.wanted, one.stock, one.transit, one.sent];
                    self.leave(v, t, k, found, (sent, after));
                    continue;
                }
                self.receive(v, t, (before, work, sent), (g, i), of);
                self.want(v, (before, work), (g, i), basis, of);
                for (n, k) in links.enumerate() {
                    if self.learns() {
                        after.trust[k] = of.trust[n];
                    }
                    let found = [of.wanted[n], of.stock[n], of.transit[n], of.sent[n]];
                    self.leave(v, t, k, found, (sent, after));
                }
            }
        }
    }

    /// Writes what a link leaves of a period: the order as far as the link lets it through, stock, and goods in transit.
    #[inline(always)]
    fn leave<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        k: usize,
        [wanted, stock, transit, goods]: [Row<F, L>; 4],
        (sent, after): (&mut Sent<F, L>, &mut State<F, L>),
    ) {
        after.stock[k] = stock;
        let mut order = wanted;
        if let Some(c) = self.open_of(k) {
            order = order * v.open[t * self.open_columns + c];
        }
        if self.keeps_wanted() {
            after.wanted[k] = wanted;
        }
        after.orders[k] = order;
        let asked = Row::all(self.coefficient[k]) * order;
        after.demand[self.supplier[k] as usize] += asked;
        if self.ranks() {
            after.ordered[self.slot[k] as usize] += asked;
        }
        if let Some(l) = self.lag_of(k) {
            after.transit[l] = transit;
            sent[(t - 1) * self.lags.len() + l] = goods;
        }
    }
}
