//! The negative log-density of a normal distribution.

use super::Cell;
use std::f64::consts::PI;

/// -ln N(r; 0, σ).
pub(super) struct Gaussian;

impl Cell for Gaussian {
    fn name(&self) -> &'static str {
        "mean negative log-likelihood"
    }

    fn cell(&self, r: f64, noise: f64) -> (f64, f64) {
        let z = r / noise;
        (0.5 * z * z + (noise * (2.0 * PI).sqrt()).ln(), z / noise)
    }

    fn nats(&self, _: f64, _: f64) -> f64 {
        1.0
    }
}
