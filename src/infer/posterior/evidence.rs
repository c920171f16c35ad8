//! The evidence: how probable the data are under a model's priors, by which models are ranked.

use serde::{Deserialize, Serialize};

/// Logarithm of the evidence in nats, as far as a method knows it. It is that of `exp(-weight x loss)` under the priors:
/// with `Loss::Gaussian` and `Loss::StudentT` the probability density of the data; with the squares it lacks the
/// normal's constant, and only models with the same `Problem::noise` on the same panel can be held against each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The logarithm, or the bound of a guide: the ELBO, below the evidence by the divergence of the guide from the
    /// posterior.
    #[serde(with = "crate::infer::exact")]
    pub log: f64,
    /// Its standard error.
    #[serde(with = "crate::infer::exact")]
    pub error: f64,
    /// True of a bound from below.
    pub bound: bool,
}

/// The bound of a guide, from the logarithms of (likelihood x prior without its constant / guide) at its draws in `n`
/// coordinates.
pub(crate) fn bound(log_ratios: &[f64], n: usize) -> Option<Evidence> {
    let count = log_ratios.len() as f64;
    if count < 2.0 || log_ratios.iter().any(|r| !r.is_finite()) {
        return None;
    }
    let mean = log_ratios.iter().sum::<f64>() / count;
    let square: f64 = log_ratios.iter().map(|r| (r - mean).powi(2)).sum();
    Some(Evidence {
        log: mean - 0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln(),
        error: (square / (count * (count - 1.0))).sqrt(),
        bound: true,
    })
}
