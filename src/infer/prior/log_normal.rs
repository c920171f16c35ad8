//! The logarithmic normal distribution above a shift.

use super::transport::{each, phi};
use super::{Distribution, Formula, MOST_SIGMA, is_spread};
use crate::infer::exp::exp;

/// `shift + median exp(sigma u)`.
pub(super) struct LogNormal {
    pub(super) shift: f64,
    pub(super) median: f64,
    pub(super) sigma: f64,
}

impl Distribution for LogNormal {
    fn is_one(&self) -> bool {
        let sigma = self.sigma > 0.0 && self.sigma <= MOST_SIGMA;
        self.shift.is_finite() && is_spread(self.median) && sigma
    }

    fn needs(&self) -> &'static str {
        "median positive, sigma between 0 and 10: it is of the logarithm"
    }

    fn support(&self) -> (f64, f64) {
        (self.shift, f64::INFINITY)
    }

    fn value(&self, u: f64) -> f64 {
        self.shift + self.median * (self.sigma * u).exp()
    }

    fn formula(&self) -> Option<&dyn Formula> {
        Some(self)
    }

    fn coordinate(&self, x: f64) -> f64 {
        ((x - self.shift) / self.median).ln() / self.sigma
    }

    fn density(&self, x: f64) -> f64 {
        if x > self.shift {
            phi(self.coordinate(x)) / (self.sigma * (x - self.shift))
        } else {
            0.0
        }
    }
}

impl Formula for LogNormal {
    fn transport(&self, values: &mut [f64], slopes: &mut [f64]) {
        exp(self.sigma, values);
        each(values, slopes, |x| {
            let above = self.median * x;
            (self.shift + above, self.sigma * above)
        });
    }
}
