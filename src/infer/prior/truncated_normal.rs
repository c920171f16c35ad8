//! The normal distribution cut off at both ends, or at the lower one.

use super::transport::{below, phi, quantile};
use super::{Distribution, is_spread};

/// A normal cut off outside `low..high`.
pub(super) struct TruncatedNormal {
    pub(super) mean: f64,
    pub(super) sd: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl TruncatedNormal {
    /// Its ends in standard deviations from the mean.
    fn ends(&self) -> (f64, f64) {
        let Self { mean, sd, .. } = self;
        ((self.low - mean) / sd, (self.high - mean) / sd)
    }
}

impl Distribution for TruncatedNormal {
    fn is_one(&self) -> bool {
        let (low, high) = self.ends();
        self.mean.is_finite()
            && is_spread(self.sd)
            && self.low.is_finite()
            && self.low < self.high
            && between(low, high) > 1e-12
    }

    fn needs(&self) -> &'static str {
        "sd positive, low below high, and some probability between them"
    }

    fn support(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    fn coordinate_between(&self, above: f64, left: f64) -> f64 {
        let (low, high) = self.ends();
        let p = mass(low, above / self.sd);
        let q = if high.is_finite() {
            mass(-high, left / self.sd)
        } else {
            below(-low - above / self.sd)
        };
        quantile(p / (p + q), q / (p + q))
    }

    fn density_between(&self, above: f64, _: f64) -> f64 {
        let (low, high) = self.ends();
        let z = (self.low + above - self.mean) / self.sd;
        phi(z) / (self.sd * between(low, high))
    }
}

/// Probability of the standard normal between two points, exact in both tails.
fn between(a: f64, b: f64) -> f64 {
    if a > 0.0 {
        below(-a) - below(-b)
    } else {
        below(b) - below(a)
    }
}

/// Probability of the standard normal between z and z + dz, exact for small dz.
fn mass(z: f64, dz: f64) -> f64 {
    if dz < 1e-6 {
        dz * phi(z + 0.5 * dz)
    } else {
        between(z, z + dz)
    }
}
