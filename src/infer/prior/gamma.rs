//! The gamma distribution above a shift.

use super::transport::quantile;
use super::{Distribution, is_shape, is_spread};
use statrs::distribution::{Continuous, ContinuousCDF};

/// A gamma above a shift.
pub(super) struct Gamma {
    pub(super) shift: f64,
    pub(super) shape: f64,
    pub(super) scale: f64,
}

impl Gamma {
    /// With scale 1, from 0 on.
    fn standard(&self) -> statrs::distribution::Gamma {
        statrs::distribution::Gamma::new(self.shape, 1.0).expect("a shape that was checked")
    }
}

impl Distribution for Gamma {
    fn is_one(&self) -> bool {
        self.shift.is_finite() && is_shape(self.shape) && is_spread(self.scale)
    }

    fn needs(&self) -> &'static str {
        "shape between 0.01 and 1e6, scale positive"
    }

    fn support(&self) -> (f64, f64) {
        (self.shift, f64::INFINITY)
    }

    fn coordinate_between(&self, above: f64, _: f64) -> f64 {
        let d = self.standard();
        quantile(d.cdf(above / self.scale), d.sf(above / self.scale))
    }

    fn density_between(&self, above: f64, _: f64) -> f64 {
        self.standard().pdf(above / self.scale) / self.scale
    }
}
