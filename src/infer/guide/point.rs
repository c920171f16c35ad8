//! A single point: the most probable coordinates.

use super::{Family, Parts};

/// A mean alone.
pub(super) struct Point;

impl Family for Point {
    fn is_point(&self) -> bool {
        true
    }

    fn noise(&self, _: usize) -> usize {
        0
    }

    fn density(&self, _: &[f64], n: usize, _: &[f64], _: f64) -> (f64, Vec<f64>) {
        (f64::NAN, vec![0.0; n])
    }

    fn moments(&self, w: &[f64], _: usize, parts: &mut Parts<'_>) -> (f64, f64) {
        let mut mean = 0.0;
        for (i, a) in parts {
            mean += a * w[i];
        }
        (mean, 0.0)
    }

    /// A point has no spread to hold to the prior's: `Divergence::check` refuses it.
    fn renyi(&self, _: f64, _: f64, _: &[f64], _: usize, _: &mut [f64]) -> f64 {
        f64::NAN
    }
}
