//! An observed panel made ready: the loss of a simulated panel, and its slope in every cell.

use super::{Cell, Loss, Scale};
use crate::observe::Observation;
use crate::simulate::PARTICLE_LANES;

/// A noise that is learnt: that of each series, and the derivative of the sum of losses in its logarithm, which is added.
pub(crate) struct Learning<'a> {
    pub(crate) noise: &'a [f64],
    pub(crate) by: &'a mut [f64],
}

/// An observed panel made ready to be compared with simulations.
pub(crate) struct Target {
    loss: Loss,
    noise: f64,
    /// What a simulated level is multiplied with before it is compared, `[group]`.
    scale: Vec<f64>,
    /// What it is compared with, NaN where missing, [period, group].
    level: Vec<f64>,
    /// Weight of each series, `[group]`.
    weight: Vec<f64>,
    base: Option<Base>,
    /// The same three by cell, all 0 where it is missing, for squares of levels.
    square: Vec<Square>,
    /// Sum of weights over observed cells.
    total: f64,
    /// Nats per unit of loss of a cell with weight 1.
    nats: f64,
}

/// What a cell is multiplied with, compared with, and counts.
struct Square {
    scale: f64,
    level: f64,
    weight: f64,
}

impl Square {
    #[inline(always)]
    fn error(&self, y: f64) -> f64 {
        y * self.scale - self.level
    }
}

/// The weighted sum of squares of a panel's cells.
struct SumOfSquares<'a> {
    panel: &'a [f64],
    cells: &'a [Square],
}

impl pulp::WithSimd for SumOfSquares<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> f64 {
        // Several sums at once, as additions wait for each other.
        let mut sums = [0.0; 8];
        for (panel, cells) in self.panel.chunks(8).zip(self.cells.chunks(8)) {
            for (sum, (y, c)) in sums.iter_mut().zip(panel.iter().zip(cells)) {
                let e = c.error(*y);
                *sum += c.weight * e * e;
            }
        }
        sums.iter().sum()
    }
}

/// The same of L particles whose panels' cells stand side by side, [cell, particle].
struct SumsOfSquares<'a, const L: usize> {
    panels: &'a [[f64; L]],
    cells: &'a [Square],
}

impl<const L: usize> pulp::WithSimd for SumsOfSquares<'_, L> {
    type Output = [f64; L];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> [f64; L] {
        let mut sums = [0.0; L];
        for (y, c) in self.panels.iter().zip(self.cells) {
            for (sum, y) in sums.iter_mut().zip(y) {
                let e = c.error(*y);
                *sum += c.weight * e * e;
            }
        }
        sums
    }
}

/// Base periods of indices, from 0, and how many of them are observed, `[group]`.
struct Base {
    first: usize,
    last: usize,
    count: Vec<f64>,
}

impl Target {
    /// `weights` are those of the series, or none.
    pub(crate) fn new(
        observed: &Observation,
        loss: Loss,
        scale: Scale,
        weights: &[f64],
        noise: f64,
    ) -> Self {
        let g = observed.groups();
        let weight = match weights {
            [] => vec![1.0; g],
            w => w.to_vec(),
        };
        let base = match scale {
            Scale::Levels => None,
            Scale::Indices { first, last } => {
                let (first, last) = (first - 1, last - 1);
                let seen = |k: usize| {
                    let cells = (first..=last).map(|t| observed.values[t * g + k]);
                    cells.filter(|v| !v.is_nan()).count() as f64
                };
                Some(Base {
                    first,
                    last,
                    count: (0..g).map(seen).collect(),
                })
            }
        };
        let mut target = Self {
            loss,
            noise,
            scale: match loss.with(|l| l.is_relative()) {
                true => observed.base.iter().map(|b| 1.0 / b).collect(),
                false => vec![1.0; g],
            },
            level: observed.values.clone(),
            weight,
            base,
            square: Vec::new(),
            total: 0.0,
            nats: 0.0,
        };
        let mut level = observed.values.clone();
        let means = target.means(&level);
        for (c, v) in level.iter_mut().enumerate() {
            *v *= means
                .as_ref()
                .map_or(target.scale[c % g], |m| 1.0 / m[c % g]);
        }
        target.level = level;
        let square = |(c, level): (usize, &f64)| {
            let seen = !level.is_nan() && target.weight[c % g] > 0.0;
            let or_none = |v| if seen { v } else { 0.0 };
            Square {
                scale: or_none(target.scale[c % g]),
                level: or_none(*level),
                weight: or_none(target.weight[c % g]),
            }
        };
        target.square = target.level.iter().enumerate().map(square).collect();
        let cells = target.level.iter().enumerate();
        let counted = cells.filter(|(_, v)| !v.is_nan());
        target.total = counted.map(|(c, _)| target.weight[c % g]).sum();
        let square = match target.base {
            Some(_) => 1.0,
            None => observed.base.iter().map(|b| b * b).sum::<f64>() / g as f64,
        };
        target.nats = loss.with(|l| l.nats(noise, square));
        target
    }

    /// Whether `sum` is that of squares of levels, which most calibrations take.
    pub(crate) fn is_square(&self) -> bool {
        self.base.is_none() && self.loss.positive()
    }

    /// `sum` where it is that of squares of levels: without a branch per cell.
    fn squares(&self, panel: &[f64], slope: Option<&mut [f64]>) -> f64 {
        let cells = &self.square;
        if let Some(slope) = slope {
            for (slope, (y, c)) in slope.iter_mut().zip(panel.iter().zip(cells)) {
                *slope = 2.0 * c.weight * c.scale * c.error(*y);
            }
        }
        pulp::Arch::new().dispatch(SumOfSquares { panel, cells })
    }

    /// Adds to the sums of some particles, where they are those of squares of levels, what one period's row
    /// [group, particle] contributes; it may have more particles than have a sum.
    pub(crate) fn add_squares(&self, period: usize, row: &[f64], sums: &mut [f64]) {
        let groups = self.weight.len();
        let cells = &self.square[period * groups..][..groups];
        if row.len() == groups {
            sums[0] += pulp::Arch::new().dispatch(SumOfSquares { panel: row, cells });
            return;
        }
        let panels = row.as_chunks::<PARTICLE_LANES>().0;
        let more = pulp::Arch::new().dispatch(SumsOfSquares { panels, cells });
        for (sum, more) in sums.iter_mut().zip(more) {
            *sum += more;
        }
    }

    /// Means over the base periods of a panel [period, group], where indices are compared. Cells that
    /// are not observed are left out.
    fn means(&self, panel: &[f64]) -> Option<Vec<f64>> {
        let base = self.base.as_ref()?;
        let g = self.weight.len();
        let mut sum = vec![0.0; g];
        for t in base.first..=base.last {
            for (k, sum) in sum.iter_mut().enumerate() {
                if !self.level[t * g + k].is_nan() {
                    *sum += panel[t * g + k];
                }
            }
        }
        Some(sum.iter().zip(&base.count).map(|(s, n)| s / n).collect())
    }

    /// Series of a panel.
    pub(crate) fn groups(&self) -> usize {
        self.weight.len()
    }

    /// Cells of a panel, observed or not.
    pub(crate) fn cells(&self) -> usize {
        self.level.len()
    }

    /// Sum of the weights of observed cells; their number where none is given.
    pub(crate) fn total(&self) -> f64 {
        self.total
    }

    /// Nats that the sum of the cells' losses weighs.
    pub(crate) fn nats(&self) -> f64 {
        self.nats
    }

    /// Sum of the cells' losses of one panel [period, group]. Where `slope` is given, the sum's
    /// derivative in every cell is written to it.
    pub(crate) fn sum(
        &self,
        panel: &[f64],
        slope: Option<&mut [f64]>,
        learning: Option<Learning<'_>>,
    ) -> f64 {
        if self.is_square() {
            return self.squares(panel, slope);
        }
        self.loss
            .with(|loss| self.cells_one_by_one(loss, panel, slope, learning))
    }

    /// The same of any loss and of indices.
    fn cells_one_by_one(
        &self,
        loss: &dyn Cell,
        panel: &[f64],
        mut slope: Option<&mut [f64]>,
        mut learning: Option<Learning<'_>>,
    ) -> f64 {
        let g = self.weight.len();
        let means = self.means(panel);
        let scale: Vec<f64> = match &means {
            Some(means) => means.iter().map(|m| 1.0 / m).collect(),
            None => self.scale.clone(),
        };
        let mut sum = 0.0;
        // Of an index: the derivative in the mean of its base periods.
        let mut pulled = vec![0.0; if means.is_some() { g } else { 0 }];
        for (t, (row, levels)) in panel
            .chunks_exact(g)
            .zip(self.level.chunks_exact(g))
            .enumerate()
        {
            for k in 0..g {
                let mut d = 0.0;
                if !levels[k].is_nan() && self.weight[k] > 0.0 {
                    let noise = learning.as_ref().map_or(self.noise, |l| l.noise[k]);
                    let r = row[k] * scale[k] - levels[k];
                    let (loss, by) = loss.cell(r, noise);
                    sum += self.weight[k] * loss;
                    if let Some(learning) = &mut learning {
                        // A density of r / σ: its logarithm changes with ln σ as it does with r.
                        learning.by[k] += self.weight[k] * (1.0 - r * by);
                    }
                    d = self.weight[k] * by * scale[k];
                    if let Some(pulled) = pulled.get_mut(k) {
                        *pulled -= d * row[k] * scale[k];
                    }
                }
                if let Some(slope) = slope.as_deref_mut() {
                    slope[t * g + k] = d;
                }
            }
        }
        if let (Some(slope), Some(base)) = (slope, &self.base) {
            for t in base.first..=base.last {
                for k in 0..g {
                    if !self.level[t * g + k].is_nan() {
                        slope[t * g + k] += pulled[k] / base.count[k];
                    }
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Observation {
        let values = (0..24).map(|c| 2.0 + 0.37 * ((c * c) % 7) as f64).collect();
        let mut panel = Observation {
            region: vec!["R".into(); 3],
            sector: (0..3).map(|k| k.to_string()).collect(),
            base: vec![3.0, 2.0, 5.0],
            periods: 8,
            values,
            dates: None,
        };
        panel.values[4] = f64::NAN;
        panel.values[20] = f64::NAN;
        panel
    }

    #[test]
    fn slopes_are_finite_differences() {
        let observed = panel();
        let simulated: Vec<f64> = (0..24)
            .map(|c| 2.5 + 0.21 * ((3 * c) % 11) as f64)
            .collect();
        for loss in [
            Loss::RelativeSquare,
            Loss::Square,
            Loss::Gaussian,
            Loss::StudentT { freedom: 4.0 },
        ] {
            for scale in [Scale::Levels, Scale::Indices { first: 1, last: 3 }] {
                let target = Target::new(&observed, loss, scale, &[1.0, 0.5, 2.0], 0.3);
                assert!((target.total() - (7.0 * 1.0 + 7.0 * 0.5 + 8.0 * 2.0)).abs() < 3.1);
                let mut slope = vec![f64::NAN; 24];
                target.sum(&simulated, Some(&mut slope), None);
                for (c, slope) in slope.iter().enumerate() {
                    let at = |h: f64| {
                        let mut moved = simulated.clone();
                        moved[c] += h;
                        target.sum(&moved, None, None)
                    };
                    let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
                    assert!(
                        (difference - slope).abs() < 1e-6,
                        "{loss:?} {scale:?} {c}: {difference} {slope}"
                    );
                }
            }
        }
    }

    #[test]
    fn slopes_in_the_noise_are_finite_differences() {
        let observed = panel();
        let simulated: Vec<f64> = (0..24)
            .map(|c| 2.5 + 0.21 * ((3 * c) % 11) as f64)
            .collect();
        for loss in [Loss::Gaussian, Loss::StudentT { freedom: 4.0 }] {
            let target = Target::new(&observed, loss, Scale::Levels, &[], 0.3);
            let at = |noise: &[f64], by: &mut [f64]| {
                let learning = Learning { noise, by };
                target.sum(&simulated, None, Some(learning))
            };
            let (noise, mut by) = ([0.2, 0.3, 0.5], [0.0; 3]);
            at(&noise, &mut by);
            for (k, by) in by.iter().enumerate() {
                let moved = |h: f64| {
                    let mut moved = noise;
                    moved[k] *= f64::exp(h);
                    at(&moved, &mut [0.0; 3])
                };
                let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((difference - by).abs() < 1e-5, "{loss:?} {k}");
            }
        }
    }

    #[test]
    fn an_index_does_not_see_levels() {
        let mut observed = panel();
        let scale = Scale::Indices { first: 2, last: 4 };
        let simulated = observed
            .values
            .iter()
            .map(|v| if v.is_nan() { 9.0 } else { *v });
        let simulated: Vec<f64> = simulated.collect();
        for v in &mut observed.values {
            *v *= 7.0;
        }
        let target = Target::new(&observed, Loss::RelativeSquare, scale, &[], 0.03);
        assert!(target.sum(&simulated, None, None) < 1e-24);
        assert_eq!(target.total(), 22.0);
    }
}
