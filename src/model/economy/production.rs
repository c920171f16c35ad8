//! The first phase of a period: capacity, overproduction, what inputs allow, and output; with its adjoint.

use super::{Layout, Numbers, State, Work};
use crate::model::{Combination, Overproduction, Production};
use crate::number::{PADDING, Real, Row};
use std::collections::BTreeMap;

/// Below this |ζ| BoARIO's overproduction returns to 1; BoARIO asks for 0 itself, which rounding decides.
const BALANCED: f64 = 1e-6;

impl Layout {
    /// Two factors of a firm's capacity, by several events, in one.
    #[inline(always)]
    fn combined<F: Real, const L: usize>(&self, a: Row<F, L>, b: Row<F, L>) -> Row<F, L> {
        match self.model.combination {
            Combination::Product => a * b,
            Combination::Worst => a.least(b),
        }
    }

    /// The adjoint of factor `which` of a firm's factors: of a product all others, of the worst whether it is the first
    /// of the smallest.
    fn combined_back<F: Real, const L: usize>(
        &self,
        all: &[Row<F, L>],
        which: usize,
        to: Row<F, L>,
    ) -> Row<F, L> {
        let (own, zero) = (all[which], Row::zero());
        let others = all.iter().enumerate().filter(|(k, _)| *k != which);
        others.fold(to, |part, (k, other)| match self.model.combination {
            Combination::Product => part * *other,
            Combination::Worst if k < which => own.where_below(*other, part, zero),
            Combination::Worst => own.where_most(*other, part, zero),
        })
    }

    /// The share of each event's damage that is left, `[rebuilding]`.
    pub(crate) fn destroyed<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        left: &[Row<F, L>],
    ) -> Vec<Row<F, L>> {
        let mut sums = vec![Row::zero(); self.rebuilds.len()];
        for (b, builder) in self.builders.iter().enumerate() {
            sums[builder.rebuild] += v.share[b] * left[b];
        }
        sums
    }

    /// Damages that firms have suffered by period t, with the firms.
    fn suffered(&self, t: usize) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        let all = self.damages.iter().enumerate();
        let begun = all.filter(move |(_, of)| t >= self.rebuilds[of.rebuild].start);
        begun.filter_map(|(d, of)| Some((d, of.rebuild, of.firm?)))
    }

    /// Capital that is gone of each firm that has lost any by period t.
    fn lost<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        before: &State<F, L>,
    ) -> Vec<(usize, Row<F, L>)> {
        let destroyed = self.destroyed(v, &before.left);
        let mut lost: BTreeMap<usize, Row<F, L>> = BTreeMap::new();
        for (d, rebuild, firm) in self.suffered(t) {
            *lost.entry(firm).or_insert(Row::zero()) += v.damage[d] * destroyed[rebuild];
        }
        lost.into_iter().collect()
    }

    /// What the capacity path leaves of a firm.
    #[inline(always)]
    fn path<F: Real, const L: usize>(&self, v: &Numbers<F, L>, t: usize, i: usize) -> Row<F, L> {
        match self.capacity_of(i) {
            Some(c) => v.capacity[(t - 1) * self.capacity_columns + c],
            None => Row::one(),
        }
    }

    /// Factors of capacity beside the path, in order: damped hits, then capital.
    fn further<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        before: &State<F, L>,
    ) -> Vec<(usize, Row<F, L>)> {
        let begun = self.damped.iter().enumerate().filter(|(_, h)| t >= h.start);
        let damped = begun.map(|(h, hit)| {
            let factor = Row::one() - v.damped_severity[h] * before.damped[h];
            (hit.firm, factor)
        });
        let lost = self.lost(v, t, before).into_iter();
        let capital = lost.map(|(i, lost)| (i, (Row::one() - lost / v.capital[i]).above_zero()));
        damped.chain(capital).collect()
    }

    /// Share of capacity that is left of every firm.
    fn factors<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        before: &State<F, L>,
        factor: &mut [Row<F, L>],
    ) {
        factor.fill(Row::one());
        if !self.capacity_column.is_empty() {
            for (i, z) in factor.iter_mut().enumerate() {
                *z = self.path(v, t, i);
            }
        }
        for (i, of) in self.further(v, t, before) {
            factor[i] = self.combined(factor[i], of);
        }
    }

    /// Adjoint of `factors`.
    fn factors_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        before: &State<F, L>,
        to_factor: &[Row<F, L>],
        to: (&mut Numbers<F, L>, &mut State<F, L>),
    ) {
        let (to_v, to_before) = to;
        let further = self.further(v, t, before);
        let mut to_further = vec![Row::zero(); further.len()];
        let mut to_path = to_factor.to_vec();
        let mut order: Vec<usize> = (0..further.len()).collect();
        order.sort_by_key(|k| further[*k].0);
        for of in order.chunk_by(|a, b| further[*a].0 == further[*b].0) {
            let i = further[of[0]].0;
            let own: Vec<Row<F, L>> = of.iter().map(|k| further[*k].1).collect();
            let all = [&[self.path(v, t, i)], &own[..]].concat();
            to_path[i] = self.combined_back(&all, 0, to_factor[i]);
            for (n, k) in of.iter().enumerate() {
                to_further[*k] = self.combined_back(&all, n + 1, to_factor[i]);
            }
        }
        for (i, c) in self.capacity_column.iter().enumerate() {
            if *c != super::NONE {
                let row = (t - 1) * self.capacity_columns + *c as usize;
                to_v.capacity[row] += to_path[i];
            }
        }
        if further.is_empty() {
            return;
        }
        let mut which = 0;
        for (h, hit) in self.damped.iter().enumerate() {
            if t >= hit.start {
                let to = to_further[which];
                to_v.damped_severity[h] -= to * before.damped[h];
                to_before.damped[h] -= to * v.damped_severity[h];
                which += 1;
            }
        }
        let mut to_lost: BTreeMap<usize, Row<F, L>> = BTreeMap::new();
        for ((i, lost), to) in self
            .lost(v, t, before)
            .into_iter()
            .zip(&to_further[which..])
        {
            let capital = v.capital[i];
            // Capital that is all gone leaves nothing.
            let to = (Row::one() - lost / capital).where_below(Row::zero(), Row::zero(), *to);
            to_lost.insert(i, -to / capital);
            to_v.capital[i] += to * lost / capital / capital;
        }
        let destroyed = self.destroyed(v, &before.left);
        let mut to_destroyed = vec![Row::zero(); self.rebuilds.len()];
        for (d, rebuild, firm) in self.suffered(t) {
            to_v.damage[d] += to_lost[&firm] * destroyed[rebuild];
            to_destroyed[rebuild] += to_lost[&firm] * v.damage[d];
        }
        for (b, builder) in self.builders.iter().enumerate() {
            to_v.share[b] += to_destroyed[builder.rebuild] * before.left[b];
            to_before.left[b] += to_destroyed[builder.rebuild] * v.share[b];
        }
    }

    /// ζ: the share of the demand to be served that exceeds the last output.
    #[inline(always)]
    fn excess<F: Real, const L: usize>(before: &State<F, L>, i: usize) -> Row<F, L> {
        let demand = before.demand[i];
        let zeta = Row::one() - before.output[i] / demand;
        demand.where_positive(zeta, Row::zero())
    }

    /// Overproduction of the period.
    #[inline(always)]
    fn overproduction<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        before: &State<F, L>,
        i: usize,
    ) -> Row<F, L> {
        let (alpha, most, pace) = (before.over[i], v.most.of(i), v.pace.of(i));
        let (zeta, one) = (Self::excess(before, i), Row::one());
        match self.model.overproduction {
            Overproduction::None => one,
            Overproduction::Smooth => {
                let more = zeta.above_zero();
                alpha + ((most - alpha) * more + (one - alpha) * (one - more)) * pace
            }
            Overproduction::Boario => {
                let size = zeta.where_below(Row::zero(), -zeta, zeta);
                let grown = alpha + (most - alpha) * zeta * pace;
                let back = alpha + (one - alpha) * pace;
                let next = size.where_most(Row::all(BALANCED), back, grown);
                next.where_below(one, one, next)
            }
        }
    }

    /// Adjoint of `overproduction`.
    fn overproduction_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        before: &State<F, L>,
        i: usize,
        to: Row<F, L>,
        (to_v, to_before): (&mut Numbers<F, L>, &mut State<F, L>),
    ) {
        let (alpha, most, pace) = (before.over[i], v.most.of(i), v.pace.of(i));
        let (zeta, one, zero) = (Self::excess(before, i), Row::one(), Row::zero());
        let to_zeta = match self.model.overproduction {
            Overproduction::None => return,
            Overproduction::Smooth => {
                let more = zeta.above_zero();
                to_before.over[i] += to * (one - pace);
                to_v.most.add(i, to * more * pace);
                let step = (most - alpha) * more + (one - alpha) * (one - more);
                to_v.pace.add(i, to * step);
                zeta.where_below(zero, zero, to * (most - one) * pace)
            }
            Overproduction::Boario => {
                let size = zeta.where_below(zero, -zeta, zeta);
                let calm = |then, other| size.where_most(Row::all(BALANCED), then, other);
                let grown = alpha + (most - alpha) * zeta * pace;
                let next = calm(alpha + (one - alpha) * pace, grown);
                let to = next.where_below(one, zero, to);
                to_before.over[i] += to * (one - calm(pace, zeta * pace));
                to_v.most.add(i, calm(zero, to * zeta * pace));
                let step = calm(one - alpha, (most - alpha) * zeta);
                to_v.pace.add(i, to * step);
                calm(zero, to * (most - alpha) * pace)
            }
        };
        let demand = before.demand[i];
        let to_zeta = demand.where_positive(to_zeta, zero);
        to_before.output[i] -= to_zeta.over(demand, zero);
        to_before.demand[i] += (to_zeta * before.output[i]).over(demand * demand, zero);
    }

    /// By how much an input stretches: max(1, ψ n).
    #[inline(always)]
    fn reserve<F: Real, const L: usize>(&self, v: &Numbers<F, L>, g: usize, i: usize) -> Row<F, L> {
        let most = v.psi.of(i) * v.target[self.place(g, i)];
        most.where_most(Row::one(), Row::one(), most)
    }

    /// What an input allows; `PADDING` or more of one that never binds.
    #[inline(always)]
    pub(crate) fn allowed<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        stretched: bool,
        stock: &[Row<F, L>],
        (g, i): (usize, usize),
    ) -> Row<F, L> {
        let padding = Row::all(PADDING);
        if self.never[g] {
            return padding;
        }
        let mut allowed = self.mean(g, stock);
        if stretched {
            allowed = allowed / self.reserve(v, g, i);
        }
        if self.critical {
            let (theta, one) = (v.criticality[g], Row::one());
            let mixed = theta * allowed + (one - theta) * self.full(v, i);
            allowed = theta.where_positive(mixed, padding);
        }
        allowed
    }

    /// Adjoint of `allowed`.
    fn allowed_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        stretched: bool,
        stock: &[Row<F, L>],
        (g, i): (usize, usize),
        to: Row<F, L>,
        (to_v, to_before): (&mut Numbers<F, L>, &mut State<F, L>),
    ) {
        let mut to_stock = to;
        if self.critical || stretched {
            let mean = self.mean(g, stock);
            let reserve = if stretched {
                self.reserve(v, g, i)
            } else {
                Row::one()
            };
            let allowed = mean / reserve;
            if self.critical {
                let (theta, one, x0) = (v.criticality[g], Row::one(), Row::all(self.steady[i]));
                to_v.criticality[g] += to * (allowed - self.full(v, i));
                to_v.slack.add(i, to * (one - theta) * x0);
                to_stock = to * theta;
            }
            if stretched {
                let place = self.place(g, i);
                let n = v.target[place];
                let to_reserve = -(to_stock * allowed) / reserve;
                let to_reserve = reserve.where_most(Row::one(), Row::zero(), to_reserve);
                to_v.psi.add(i, to_reserve * n);
                to_v.target[place] += to_reserve * v.psi.of(i);
                to_stock = to_stock / reserve;
            }
        }
        for k in self.links_of(g) {
            to_before.stock[k] += Row::all(self.share[k]) * to_stock;
        }
    }

    /// Full capacity: (1 + slack) x0.
    #[inline(always)]
    fn full<F: Real, const L: usize>(&self, v: &Numbers<F, L>, i: usize) -> Row<F, L> {
        (Row::one() + v.slack.of(i)) * Row::all(self.steady[i])
    }

    /// The most that a firm can make, of what its capacity and its scarcest input allow.
    #[inline(always)]
    fn limit<F: Real, const L: usize>(
        &self,
        (z, alpha): (Row<F, L>, Row<F, L>),
        (own, lowest): (Row<F, L>, Row<F, L>),
    ) -> Row<F, L> {
        match self.model.production {
            Production::Capacity => own.least(lowest),
            Production::Paper => lowest.where_below(Row::all(PADDING), z * alpha * lowest, own),
        }
    }

    /// Capacity, what inputs allow, and output of every firm in period t.
    pub(crate) fn produce<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        before: &State<F, L>,
        work: &mut Work<F, L>,
    ) {
        self.factors(v, t, before, &mut work.factor);
        let stretched = v.psi.is_other_than(0.0);
        let padding = Row::all(PADDING);
        for i in 0..self.firms() {
            if self.overproduces() {
                work.over[i] = self.overproduction(v, before, i);
            }
            let (z, alpha) = (work.factor[i], work.alpha(i));
            let mut lowest = padding;
            if self.plain && !stretched {
                lowest = Self::lowest_of(&before.stock[self.links_of_firm(i)]);
            } else {
                for g in self.inputs_of(i) {
                    let allowed = self.allowed(v, stretched, &before.stock, (g, i));
                    lowest = allowed.where_below(lowest, allowed, lowest);
                }
            }
            let own = z * alpha * self.full(v, i);
            let limit = self.limit((z, alpha), (own, lowest));
            work.own[i] = own;
            work.lowest[i] = lowest;
            work.output[i] = before.demand[i].least(limit);
        }
    }

    /// Adjoint of `produce`; `to.output`, `to.own`, `to.factor` and `to.over` are given.
    pub(crate) fn produce_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        (before, work): (&State<F, L>, &Work<F, L>),
        to: &mut Work<F, L>,
        (to_v, to_before): (&mut Numbers<F, L>, &mut State<F, L>),
    ) {
        let stretched = v.psi.is_other_than(0.0);
        let (zero, padding) = (Row::zero(), Row::all(PADDING));
        for i in 0..self.firms() {
            let (z, alpha) = (work.factor[i], work.alpha(i));
            let (own, lowest, demand) = (work.own[i], work.lowest[i], before.demand[i]);
            let paper = self.model.production == Production::Paper;
            let fed = |then, other| lowest.where_below(padding, then, other);
            let limit = self.limit((z, alpha), (own, lowest));
            let to_output = to.output[i];
            to_before.demand[i] += demand.where_most(limit, to_output, zero);
            let to_limit = demand.where_most(limit, zero, to_output);
            let (to_own, to_lowest) = match paper {
                true => {
                    let limited = fed(to_limit, zero);
                    to.factor[i] += limited * alpha * lowest.least(padding);
                    if self.overproduces() {
                        to.over[i] += limited * z * lowest.least(padding);
                    }
                    (fed(zero, to_limit), limited * z * alpha)
                }
                false => (
                    own.where_most(lowest, to_limit, zero),
                    own.where_most(lowest, zero, to_limit),
                ),
            };
            let to_own = to_own + to.own[i];
            let full = self.full(v, i);
            to.factor[i] += to_own * alpha * full;
            to_v.slack
                .add(i, to_own * z * alpha * Row::all(self.steady[i]));
            // The first of the lowest inputs takes it all.
            let mut rest = to_lowest;
            if rest.any() && self.plain && !stretched {
                let links = self.links_of_firm(i);
                let both = before.stock[links.clone()]
                    .iter()
                    .zip(&mut to_before.stock[links]);
                for (stock, to) in both {
                    *to += stock.where_most(lowest, rest, zero);
                    rest = stock.where_most(lowest, zero, rest);
                }
            } else if rest.any() {
                for g in self.inputs_of(i) {
                    let allowed = self.allowed(v, stretched, &before.stock, (g, i));
                    let own = allowed.where_most(lowest, rest, zero);
                    rest = allowed.where_most(lowest, zero, rest);
                    if own.any() {
                        let to = (&mut *to_v, &mut *to_before);
                        self.allowed_back(v, stretched, &before.stock, (g, i), own, to);
                    }
                }
            }
            if self.overproduces() {
                let to_alpha = to.over[i] + to_own * z * full;
                let to = (&mut *to_v, &mut *to_before);
                self.overproduction_back(v, before, i, to_alpha, to);
            }
        }
        self.factors_back(v, t, before, &to.factor, (to_v, to_before));
    }
}
