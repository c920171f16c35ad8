//! The negative log-density of Student's t, by which outliers pull less.

use super::Cell;
use crate::error::{Error, Result};
use statrs::function::gamma::ln_gamma;
use std::f64::consts::PI;

/// The negative log-density of r by Student's t with scale σ.
pub(super) struct StudentT {
    pub(super) freedom: f64,
}

impl Cell for StudentT {
    fn name(&self) -> &'static str {
        "mean negative log-likelihood (t)"
    }

    fn check(&self) -> Result<()> {
        if self.freedom > 0.0 && self.freedom.is_finite() {
            return Ok(());
        }
        Err(Error::new(
            "problem.loss",
            format!("{} degrees of freedom", self.freedom),
            "give a positive number such as 4",
        ))
    }

    fn cell(&self, r: f64, noise: f64) -> (f64, f64) {
        let freedom = self.freedom;
        let z = r / noise;
        let spread = 1.0 + z * z / freedom;
        let constant = ln_gamma(0.5 * freedom) - ln_gamma(0.5 * (freedom + 1.0))
            + 0.5 * (freedom * PI).ln()
            + noise.ln();
        (
            0.5 * (freedom + 1.0) * spread.ln() + constant,
            (freedom + 1.0) * z / (freedom * noise * spread),
        )
    }

    fn nats(&self, _: f64, _: f64) -> f64 {
        1.0
    }
}
