//! The end of a period: what rebuilding received, how damped hits recover, and the demand that the next one serves.

use super::{Layout, Numbers, State, Work};
use crate::number::{Real, Row};

impl Layout {
    /// The mean of what is left of the capacities of the partners of a damped hit's firm, link by link; 1 without any.
    fn ease<F: Real, const L: usize>(&self, factor: &[Row<F, L>], hit: usize) -> Row<F, L> {
        let partners = &self.partners[hit];
        if partners.is_empty() {
            return Row::one();
        }
        let mut sum = Row::zero();
        for j in partners {
            sum += factor[*j];
        }
        sum / Row::all(partners.len() as f64)
    }

    /// Ends period t. `after.demand` holds the orders of links.
    pub(crate) fn close<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        (before, work): (&State<F, L>, &Work<F, L>),
        after: &mut State<F, L>,
    ) {
        if self.overproduces() {
            after.over.copy_from_slice(&work.over);
            after.output.copy_from_slice(&work.output);
        }
        for (b, builder) in self.builders.iter().enumerate() {
            let fill = work.rebuilt[b].over(work.rebuilding[b], Row::zero());
            let rate = v.rebuild_rate[builder.rebuild];
            after.left[b] = before.left[b] * (Row::one() - fill * rate);
        }
        for (h, hit) in self.damped.iter().enumerate() {
            after.damped[h] = before.damped[h];
            if t >= hit.start + hit.hold {
                let ease = self.ease(&work.factor, h);
                after.damped[h] = before.damped[h] * (Row::one() - v.damped_rate[h] * ease);
            }
        }
        self.ask(v, t + 1, after);
    }

    /// Adds what final demand and rebuilding ask for in period t to the orders of links.
    pub(super) fn ask<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        state: &mut State<F, L>,
    ) {
        for (i, demand) in state.demand.iter_mut().enumerate() {
            *demand += self.outside(v, t, i);
        }
        if self.builders.is_empty() {
            return;
        }
        let asked = self.rebuilding(v, t, &state.left);
        for (builder, asked) in self.builders.iter().zip(asked) {
            state.demand[builder.firm] += asked;
        }
    }

    /// Adjoint of `ask`: that of final demand and of rebuilding in period t comes from the demand, and from whom it is
    /// delivered to.
    pub(super) fn ask_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        left: &[Row<F, L>],
        (to_outside, to_rebuilding): (&[Row<F, L>], &[Row<F, L>]),
        (to_v, to_state): (&mut Numbers<F, L>, &mut State<F, L>),
    ) {
        for (i, c) in self.demand_column.iter().enumerate() {
            if *c != super::NONE {
                let row = (t - 1) * self.demand_columns + *c as usize;
                let delivered = to_outside.get(i).copied().unwrap_or(Row::zero());
                to_v.demand[row] += to_state.demand[i] + delivered;
            }
        }
        let all_damaged = self.damaged(v);
        let mut to_damaged = vec![Row::zero(); self.rebuilds.len()];
        for (b, builder) in self.builders.iter().enumerate() {
            let m = builder.rebuild;
            if !self.rebuilds[m].asks(t) {
                continue;
            }
            let to = to_state.demand[builder.firm] + to_rebuilding[b];
            let (factor, share, rate) = (v.rebuild_factor[m], v.share[b], v.rebuild_rate[m]);
            let (damaged, left) = (all_damaged[m], left[b]);
            to_v.rebuild_factor[m] += to * damaged * share * left * rate;
            to_v.share[b] += to * factor * damaged * left * rate;
            to_v.rebuild_rate[m] += to * factor * damaged * share * left;
            to_state.left[b] += to * factor * damaged * share * rate;
            to_damaged[m] += to * factor * share * left * rate;
        }
        for (d, damage) in self.damages.iter().enumerate() {
            to_v.damage[d] += to_damaged[damage.rebuild];
        }
    }

    /// Adjoint of `close` but for demand: to `to.rebuilt`, `to.rebuilding`, `to.factor`, `to.over` and `to.output`.
    pub(crate) fn close_back<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        t: usize,
        (before, work): (&State<F, L>, &Work<F, L>),
        to_after: &State<F, L>,
        (to, to_v, to_before): (&mut Work<F, L>, &mut Numbers<F, L>, &mut State<F, L>),
    ) {
        let (one, zero) = (Row::one(), Row::zero());
        if self.overproduces() {
            to.over.copy_from_slice(&to_after.over);
            for (to, after) in to.output.iter_mut().zip(&to_after.output) {
                *to += *after;
            }
        }
        for (b, builder) in self.builders.iter().enumerate() {
            let (asked, rate) = (work.rebuilding[b], v.rebuild_rate[builder.rebuild]);
            let fill = work.rebuilt[b].over(asked, zero);
            let to_left = to_after.left[b];
            to_before.left[b] += to_left * (one - fill * rate);
            to_v.rebuild_rate[builder.rebuild] -= to_left * before.left[b] * fill;
            let to_fill = -(to_left * before.left[b] * rate);
            to.rebuilt[b] += to_fill.over(asked, zero);
            to.rebuilding[b] -= (to_fill * fill).over(asked, zero);
        }
        for (h, hit) in self.damped.iter().enumerate() {
            let to_next = to_after.damped[h];
            if t < hit.start + hit.hold {
                to_before.damped[h] += to_next;
                continue;
            }
            let (ease, partners) = (self.ease(&work.factor, h), &self.partners[h]);
            let (left, rate) = (before.damped[h], v.damped_rate[h]);
            to_before.damped[h] += to_next * (one - rate * ease);
            to_v.damped_rate[h] -= to_next * left * ease;
            let to_ease = -(to_next * left * rate) / Row::all(partners.len().max(1) as f64);
            for j in partners {
                to.factor[*j] += to_ease;
            }
        }
    }
}
