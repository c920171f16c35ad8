//! The uniform distribution.

use super::transport::{below, each, phi, quantile};
use super::{Distribution, Formula};

/// A uniform.
pub(super) struct Uniform {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Distribution for Uniform {
    fn is_one(&self) -> bool {
        self.low.is_finite() && self.high.is_finite() && self.low < self.high
    }

    fn needs(&self) -> &'static str {
        "low below high, both finite"
    }

    fn support(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    fn value(&self, u: f64) -> f64 {
        let Self { low, high } = self;
        if u < 0.0 {
            low + (high - low) * below(u)
        } else {
            high - (high - low) * below(-u)
        }
    }

    fn formula(&self) -> Option<&dyn Formula> {
        Some(self)
    }

    fn coordinate(&self, x: f64) -> f64 {
        let Self { low, high } = self;
        quantile((x - low) / (high - low), (high - x) / (high - low))
    }

    fn density(&self, _: f64) -> f64 {
        1.0 / (self.high - self.low)
    }
}

impl Formula for Uniform {
    fn transport(&self, values: &mut [f64], slopes: &mut [f64]) {
        each(values, slopes, |u| {
            (self.value(u), (self.high - self.low) * phi(u))
        });
    }
}
