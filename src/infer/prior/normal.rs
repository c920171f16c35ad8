//! The normal distribution.

use super::transport::{each, phi};
use super::{Distribution, Formula, is_spread};

/// A normal.
pub(super) struct Normal {
    pub(super) mean: f64,
    pub(super) sd: f64,
}

impl Distribution for Normal {
    fn is_one(&self) -> bool {
        self.mean.is_finite() && is_spread(self.sd)
    }

    fn needs(&self) -> &'static str {
        "sd positive, both finite"
    }

    fn support(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn value(&self, u: f64) -> f64 {
        self.mean + self.sd * u
    }

    fn formula(&self) -> Option<&dyn Formula> {
        Some(self)
    }

    fn coordinate(&self, x: f64) -> f64 {
        (x - self.mean) / self.sd
    }

    fn density(&self, x: f64) -> f64 {
        phi((x - self.mean) / self.sd) / self.sd
    }
}

impl Formula for Normal {
    fn transport(&self, values: &mut [f64], slopes: &mut [f64]) {
        each(values, slopes, |u| (self.mean + self.sd * u, self.sd));
    }
}
