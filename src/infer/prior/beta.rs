//! The beta distribution, between 0 and 1.

use super::transport::quantile;
use super::{Distribution, is_shape};
use statrs::distribution::ContinuousCDF;

/// A beta.
pub(super) struct Beta {
    pub(super) alpha: f64,
    pub(super) beta: f64,
}

fn of(a: f64, b: f64) -> statrs::distribution::Beta {
    statrs::distribution::Beta::new(a, b).expect("shapes that were checked")
}

impl Distribution for Beta {
    fn is_one(&self) -> bool {
        is_shape(self.alpha) && is_shape(self.beta)
    }

    fn needs(&self) -> &'static str {
        "both shapes between 0.01 and 1e6"
    }

    fn support(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    /// The upper tail is the lower one of the mirrored distribution.
    fn coordinate_between(&self, above: f64, left: f64) -> f64 {
        let Self { alpha, beta } = *self;
        quantile(of(alpha, beta).cdf(above), of(beta, alpha).cdf(left))
    }

    fn density_between(&self, above: f64, left: f64) -> f64 {
        let Self { alpha, beta } = *self;
        let norm = statrs::function::beta::ln_beta(alpha, beta);
        ((alpha - 1.0) * above.ln() + (beta - 1.0) * left.ln() - norm).exp()
    }
}
