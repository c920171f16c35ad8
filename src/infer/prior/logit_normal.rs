//! The logit-normal distribution, between 0 and 1.

use super::transport::{each, phi};
use super::{Distribution, Formula, MOST_SIGMA};
use crate::infer::exp::exp;

/// `1 / (1 + (1 - median) / median exp(-sigma u))`.
pub(super) struct LogitNormal {
    pub(super) median: f64,
    pub(super) sigma: f64,
}

impl Distribution for LogitNormal {
    fn is_one(&self) -> bool {
        let Self { median, sigma } = *self;
        median > 0.0 && median < 1.0 && sigma > 0.0 && sigma <= MOST_SIGMA
    }

    fn needs(&self) -> &'static str {
        "median between 0 and 1, sigma positive"
    }

    fn support(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn value(&self, u: f64) -> f64 {
        1.0 / (1.0 + (1.0 - self.median) / self.median * (-self.sigma * u).exp())
    }

    fn formula(&self) -> Option<&dyn Formula> {
        Some(self)
    }

    fn coordinate(&self, x: f64) -> f64 {
        ((x / (1.0 - x)).ln() - (self.median / (1.0 - self.median)).ln()) / self.sigma
    }

    fn density(&self, x: f64) -> f64 {
        if x > 0.0 && x < 1.0 {
            phi(self.coordinate(x)) / (self.sigma * x * (1.0 - x))
        } else {
            0.0
        }
    }
}

impl Formula for LogitNormal {
    fn transport(&self, values: &mut [f64], slopes: &mut [f64]) {
        let odds = (1.0 - self.median) / self.median;
        exp(-self.sigma, values);
        each(values, slopes, |x| {
            let share = 1.0 / (1.0 + odds * x);
            (share, self.sigma * share * (1.0 - share))
        });
    }
}
