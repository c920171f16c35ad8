//! Simulated panels, one a draw, and quantiles over draws.

use crate::observe::Observation;

/// The mean of each of `columns` columns of a table, row by row.
pub(crate) fn column_means(table: &[f64], columns: usize) -> Vec<f64> {
    let rows = (table.len() / columns) as f64;
    let mean = |c| table.iter().skip(c).step_by(columns).sum::<f64>() / rows;
    (0..columns).map(mean).collect()
}

/// The `q` quantile of each of `columns` columns of a table, row by row, between neighbours by
/// linear interpolation.
pub(crate) fn column_quantiles(table: &[f64], columns: usize, q: f64) -> Vec<f64> {
    (0..columns)
        .map(|c| {
            let mut column: Vec<f64> = table.iter().skip(c).step_by(columns).copied().collect();
            if column.is_empty() {
                return f64::NAN;
            }
            column.sort_by(f64::total_cmp);
            let at = q.clamp(0.0, 1.0) * (column.len() - 1) as f64;
            let (low, high) = (at.floor() as usize, at.ceil() as usize);
            column[low] + (at - low as f64) * (column[high] - column[low])
        })
        .collect()
}

/// Simulated panels, one per draw, with their quantiles.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Groups and their steady levels; its values are the mean over draws, [period, group].
    pub mean: Observation,
    /// Number of draws.
    pub draws: usize,
    /// Level of every group, [draw, period, group].
    pub samples: Vec<f64>,
}

impl Prediction {
    /// The `q` quantile over draws of every cell, [period, group]; q in 0..=1.
    pub fn quantile(&self, q: f64) -> Vec<f64> {
        column_quantiles(&self.samples, self.mean.values.len(), q)
    }

    /// Mean over cells of the squared difference to `panel` relative to the steady level, averaged
    /// over draws. Missing cells are left out.
    pub fn loss(&self, panel: &Observation) -> f64 {
        let cells = self.mean.values.len();
        let g = self.mean.groups();
        let (mut sum, mut n) = (0.0, 0usize);
        for draw in self.samples.chunks_exact(cells) {
            for (c, (y, target)) in draw.iter().zip(&panel.values).enumerate() {
                if !target.is_nan() {
                    sum += ((y - target) / self.mean.base[c % g]).powi(2);
                    n += 1;
                }
            }
        }
        sum / n.max(1) as f64
    }

    /// The `q` quantile over draws of every period's total output, q in 0..=1.
    pub fn total_quantile(&self, q: f64) -> Vec<f64> {
        let g = self.mean.groups();
        let totals: Vec<f64> = self
            .samples
            .chunks_exact(g)
            .map(|row| row.iter().sum())
            .collect();
        column_quantiles(&totals, self.mean.periods, q)
    }
}
