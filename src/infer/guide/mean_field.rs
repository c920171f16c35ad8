//! Independent coordinates.

use super::linear::dot;
use super::{Family, scale};

/// A mean and a scale per coordinate.
pub(super) struct MeanField;

impl Family for MeanField {
    fn density(&self, w: &[f64], n: usize, noise: &[f64], constant: f64) -> (f64, Vec<f64>) {
        let score = (0..n).map(|i| -noise[i] / scale(w, n, i)).collect();
        (constant - 0.5 * dot(noise, noise), score)
    }

    fn renyi(&self, alpha: f64, d: f64, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        let beta = 1.0 - alpha;
        let mut d = d;
        for (i, m) in w[..n].iter().enumerate() {
            let e = (2.0 * w[n + i]).exp();
            let a = alpha + beta * e;
            d += 0.5 * (alpha * m * m / a + a.ln() / beta);
            to[i] += alpha * m / a;
            to[n + i] += e / a * (1.0 - alpha * beta * m * m / a);
        }
        d
    }
}
