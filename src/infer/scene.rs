//! One scenario of a problem with its panel.

use super::learnt_noise::NoiseUnits;
use super::loss::{Learning, Target};
use super::totals::Totals;
use crate::model::ByParameter;
use crate::simulate::{Horizon, PARTICLE_LANES, Remaining, Values};

/// One scenario with its panel, ready to be run.
pub(super) struct Scene {
    pub(super) horizon: Horizon,
    pub(super) target: Target,
    /// Sums of groups that are observed beside the panel.
    pub(super) totals: Option<Totals>,
    /// Values of the parameters that do not vary, one per entry; empty of those that do.
    pub(super) fixed: ByParameter<Vec<f64>>,
    /// The share of capacity that is left, where no parameter of the hits varies.
    pub(super) remaining: Option<Remaining>,
    /// Its entries of each parameter among those of all scenarios: first and number.
    pub(super) parts: ByParameter<(usize, usize)>,
}

impl Scene {
    /// Sum of the losses of all cells; the sum's derivative in the panel is written to `slope`.
    pub(super) fn sum(
        &self,
        panel: &[f64],
        mut slope: Option<&mut [f64]>,
        noise: Option<(&NoiseUnits, &[f64], &mut [f64])>,
    ) -> f64 {
        let Some((units, row, by)) = noise else {
            let sum = self.target.sum(panel, slope.as_deref_mut(), None);
            return sum
                + self
                    .totals
                    .as_ref()
                    .map_or(0.0, |t| t.sum(panel, slope, None));
        };
        let (own, beside) = by.split_at_mut(self.target.groups());
        let (noise, by) = (&units.of_groups(row)[..], own);
        let learning = Some(Learning { noise, by });
        let sum = self.target.sum(panel, slope.as_deref_mut(), learning);
        let Some(totals) = &self.totals else {
            return sum;
        };
        let (noise, by) = (&units.of_totals(row)[..], beside);
        sum + totals.sum(panel, slope, Some(Learning { noise, by }))
    }

    /// The share of capacity that is left of particles with these values, where their shocks vary.
    pub(super) fn drawn(&self, values: &Values<'_>) -> Option<Remaining> {
        let varies = self.remaining.is_none();
        varies.then(|| self.horizon.remaining(values))
    }

    /// Whether the sum is that of squares of the panel's cells and no more.
    pub(super) fn is_square(&self) -> bool {
        self.totals.is_none() && self.target.is_square()
    }
}

/// Number of particles, at least one, that place no more than so many orders, `each` of them by each. The
/// kernels take eight particles side by side, and there should be work for several threads.
pub(super) fn particles_within(orders: usize, each: usize) -> usize {
    match orders / each.max(1) {
        n if n < PARTICLE_LANES => n.max(1),
        n if n < 2 * PARTICLE_LANES => PARTICLE_LANES,
        n => n / (2 * PARTICLE_LANES) * (2 * PARTICLE_LANES),
    }
}
