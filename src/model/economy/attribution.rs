//! What limits the output of each firm in a period, and by how much.

use super::{Layout, Numbers, State, Work};
use crate::model::Production;
use crate::number::{PADDING, Real};

/// What limits a firm in a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Attribution {
    /// -1 demand, -2 own capacity, else the input, by its place.
    pub(crate) limit: i32,
    /// How much more the next limit allows, as a share of steady output; infinite where there is none.
    pub(crate) margin: f64,
}

impl Layout {
    /// What limits firm i, of the first particle. Of equal limits demand is first, then own capacity, then inputs in
    /// link order.
    pub(crate) fn attribute<F: Real, const L: usize>(
        &self,
        v: &Numbers<F, L>,
        (before, work): (&State<F, L>, &Work<F, L>),
        i: usize,
    ) -> Attribution {
        let first = |row: crate::number::Row<F, L>| row.0[0].value();
        let stretched = v.psi.is_other_than(0.0);
        let inputs = self.inputs_of(i).map(|g| {
            let allowed = self.allowed(v, stretched, &before.stock, (g, i));
            (g as i32, first(allowed))
        });
        let binding: Vec<(i32, f64)> = inputs.filter(|(_, q)| *q < 0.5 * PADDING).collect();
        let own = first(work.own[i]);
        let paper = self.model.production == Production::Paper && !binding.is_empty();
        let scale = if paper {
            first(work.factor[i]) * first(work.alpha(i))
        } else {
            1.0
        };
        let mut limits = vec![(-1, first(before.demand[i]))];
        if !paper {
            limits.push((-2, own));
        }
        limits.extend(binding.into_iter().map(|(g, q)| (g, scale * q)));
        let mut limit = limits[0];
        for other in &limits[1..] {
            if other.1 < limit.1 {
                limit = *other;
            }
        }
        let mut all: Vec<f64> = limits.iter().map(|(_, v)| *v).collect();
        all.sort_by(f64::total_cmp);
        let x0 = self.steady[i];
        let margin = match all.get(1) {
            Some(second) if x0 > 0.0 => (second - all[0]) / x0,
            _ => f64::INFINITY,
        };
        Attribution {
            limit: limit.0,
            margin,
        }
    }
}
