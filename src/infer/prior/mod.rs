//! Prior distributions, a file each, and which parameters have one.

mod beta;
mod gamma;
mod log_normal;
mod logit_normal;
mod normal;
mod priors;
mod transport;
mod truncated_normal;
mod uniform;

use crate::error::{Error, Result};
pub use priors::{Levels, Per, Priors};
use serde::{Deserialize, Serialize};
pub(crate) use transport::{Transport, below, quantile};

/// Draws of a prior, of the `k`-th of several.
pub(crate) fn prior_values(prior: Prior, k: usize, count: usize) -> Vec<f64> {
    let transport = Transport::new(prior);
    let normals = super::noise::normals(0, super::noise::Purpose::Truth, k, count);
    normals.iter().map(|u| transport.at(*u).0).collect()
}

/// What a distribution can do. Most have either a formula of T, or their probabilities: T is then found by bisection and
/// tabled.
pub(crate) trait Distribution {
    /// Whether its numbers are those of a distribution.
    fn is_one(&self) -> bool;
    /// What its numbers must be.
    fn needs(&self) -> &'static str;
    /// Where values lie.
    fn support(&self) -> (f64, f64);
    /// T(u).
    fn value(&self, u: f64) -> f64 {
        transport::by_bisection(self.support(), u, &|above, left| {
            self.coordinate_between(above, left)
        })
    }
    /// T and T' by their formula, of many coordinates at a time; nothing where there is none.
    fn formula(&self) -> Option<&dyn Formula> {
        None
    }
    /// The coordinate of a value within the support.
    fn coordinate(&self, x: f64) -> f64 {
        let (low, high) = self.support();
        self.coordinate_between(x - low, high - x)
    }
    /// The density at a value within the support.
    fn density(&self, x: f64) -> f64 {
        let (low, high) = self.support();
        self.density_between(x - low, high - x)
    }
    /// The coordinate of the value so far above the lower and below the upper end: near the ends these
    /// tell values apart that are the same number. For distributions without a formula.
    fn coordinate_between(&self, _above: f64, _left: f64) -> f64 {
        f64::NAN
    }
    /// The density there.
    fn density_between(&self, _above: f64, _left: f64) -> f64 {
        f64::NAN
    }
}

/// A formula of T.
pub(crate) trait Formula {
    /// Turns coordinates into values, and writes the slopes T' where there is room for them.
    fn transport(&self, values: &mut [f64], slopes: &mut [f64]);
}

members! {
    /// A prior distribution. Each is the image x = T(u) of a standard normal coordinate u, in which guides
    /// work: T maps the quantiles of the normal to those of the prior, so that the prior of u is the same
    /// for all, and a divergence from it has a closed form. The density is φ(u) / T'(u), with log-determinant
    /// ln T'(u).
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    Prior: dyn Distribution {
        /// Normal; for parameters with bounds only where it stays eight standard deviations within them.
        Normal {
            /// Mean.
            mean,
            /// Standard deviation.
            sd,
        } = normal,
        /// A normal cut off outside `low..high`, and scaled up to probability 1.
        TruncatedNormal {
            /// Mean of the normal before it is cut.
            mean,
            /// Standard deviation of the normal before it is cut.
            sd,
            /// Lower end, finite.
            low,
            /// Upper end; may be infinite.
            high,
        } = truncated_normal,
        /// `shift + median exp(sigma u)`: positive above a shift.
        LogNormal {
            /// Lower bound.
            shift,
            /// Median of the part above the shift.
            median,
            /// Standard deviation of its logarithm.
            sigma,
        } = log_normal,
        /// Gamma above a shift, with mean `shift + shape scale`.
        Gamma {
            /// Lower bound.
            shift,
            /// Shape; 1 is the exponential distribution.
            shape,
            /// Scale, in the parameter's unit.
            scale,
        } = gamma,
        /// `1 / (1 + (1 - median) / median exp(-sigma u))`: between 0 and 1.
        LogitNormal {
            /// Median, between 0 and 1.
            median,
            /// Standard deviation of the log-odds.
            sigma,
        } = logit_normal,
        /// Beta, between 0 and 1, with mean `alpha / (alpha + beta)`.
        Beta {
            /// First shape.
            alpha,
            /// Second shape.
            beta,
        } = beta,
        /// Uniform.
        Uniform {
            /// Lower end.
            low,
            /// Upper end.
            high,
        } = uniform,
    }
}

/// Standard deviation of a logarithm at most: a factor of e^10 between the middle and one standard deviation.
const MOST_SIGMA: f64 = 10.0;

/// True of a number that can be a spread.
fn is_spread(v: f64) -> bool {
    v > 0.0 && v.is_finite()
}

/// True of a number that can be a shape.
fn is_shape(v: f64) -> bool {
    (0.01..=1e6).contains(&v)
}

impl Prior {
    /// The value at standard-normal coordinate `u`. Exact, and for gamma, beta and truncated normal
    /// priors slow: inference reads a table. NaN of a prior that is none, such as one with a negative shape.
    pub fn value(&self, u: f64) -> f64 {
        self.with(|d| if d.is_one() { d.value(u) } else { f64::NAN })
    }

    /// The standard-normal coordinate of value `x`, the inverse of `value`; NaN outside the support.
    pub fn coordinate(&self, x: f64) -> f64 {
        let (low, high) = self.support();
        let inside = x >= low && x <= high;
        self.with(|d| match inside && d.is_one() {
            true => d.coordinate(x),
            false => f64::NAN,
        })
    }

    /// The density at value `x`, 0 outside the support.
    pub fn density(&self, x: f64) -> f64 {
        let (low, high) = self.support();
        let inside = x >= low && x <= high;
        self.with(|d| match (d.is_one(), inside) {
            (false, _) => f64::NAN,
            (true, false) => 0.0,
            (true, true) => d.density(x),
        })
    }

    /// Mean and standard deviation, by quadrature over the standard normal; NaN of a prior that is none.
    pub fn moments(&self) -> (f64, f64) {
        if !self.with(|d| d.is_one()) {
            return (f64::NAN, f64::NAN);
        }
        let transport = Transport::new(*self);
        let nodes = || (-640..=640).map(|k| f64::from(k) / 80.0);
        let sum = |f: &dyn Fn(f64) -> f64| -> f64 {
            nodes()
                .map(|u| transport::phi(u) / 80.0 * f(transport.at(u).0))
                .sum()
        };
        let mean = sum(&|x| x);
        (mean, sum(&|x| (x - mean) * (x - mean)).sqrt())
    }

    /// Where values lie.
    pub fn support(&self) -> (f64, f64) {
        self.with(|d| d.support())
    }

    pub(crate) fn check(&self, place: &str) -> Result<()> {
        self.with(|d| match d.is_one() {
            true => Ok(()),
            false => Err(Error::new(
                place,
                format!("{self:?} is not a distribution"),
                d.needs(),
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::transport::phi;
    use super::*;

    const ALL: [Prior; 11] = [
        Prior::Normal { mean: 3.0, sd: 0.5 },
        Prior::TruncatedNormal {
            mean: 0.3,
            sd: 0.4,
            low: 0.0,
            high: 1.0,
        },
        Prior::TruncatedNormal {
            mean: -1.0,
            sd: 2.0,
            low: 1.0,
            high: f64::INFINITY,
        },
        Prior::LogNormal {
            shift: 1.0,
            median: 2.0,
            sigma: 0.7,
        },
        Prior::Gamma {
            shift: 1.0,
            shape: 2.5,
            scale: 0.8,
        },
        Prior::Gamma {
            shift: 0.0,
            shape: 0.3,
            scale: 2.0,
        },
        Prior::LogitNormal {
            median: 0.3,
            sigma: 1.2,
        },
        Prior::Beta {
            alpha: 2.0,
            beta: 5.0,
        },
        Prior::Beta {
            alpha: 0.5,
            beta: 0.5,
        },
        Prior::Beta {
            alpha: 40.0,
            beta: 3.0,
        },
        Prior::Uniform {
            low: -1.0,
            high: 2.0,
        },
    ];

    #[test]
    fn value_and_coordinate_are_inverse_and_tables_agree() {
        for prior in ALL {
            prior.check("prior").expect("a distribution");
            let transport = Transport::new(prior);
            let mut last = f64::NEG_INFINITY;
            for k in -59..=59 {
                let u = 0.1003 * f64::from(k);
                let x = prior.value(u);
                assert!(x >= last, "{prior:?} rises at {u}");
                last = x;
                let back = prior.coordinate(x);
                // Near a finite upper end, floats are too far apart to tell one coordinate from the next.
                if u < 4.0 {
                    assert!((back - u).abs() < 1e-6, "{prior:?} at {u}: {back}");
                }
                let (y, slope) = transport.at(u);
                assert!(
                    (y - x).abs() <= 1e-8 * x.abs().max(1e-3),
                    "{prior:?} at {u}: {y} {x}"
                );
                let rise = (transport.at(u + 1e-5).0 - transport.at(u - 1e-5).0) / 2e-5;
                assert!(
                    (rise - slope).abs() < 1e-5 * slope + 1e-9,
                    "{prior:?} at {u}: {rise} {slope}"
                );
            }
            assert!(transport.at(40.0).0.is_finite() && transport.at(-40.0).0.is_finite());
        }
    }

    #[test]
    fn the_density_is_that_of_the_image() {
        for prior in ALL {
            let transport = Transport::new(prior);
            for k in -35..=35 {
                let u = 0.1 * f64::from(k);
                let (x, slope) = transport.at(u);
                let density = prior.density(x);
                assert!(
                    (density * slope / phi(u) - 1.0).abs() < 1e-6,
                    "{prior:?} at {u}: {density} {slope}"
                );
            }
        }
    }

    #[test]
    fn known_quantiles() {
        // R 4: qgamma(0.9, 2.5, scale = 0.8), qbeta(0.05, 2, 5), with Φ⁻¹(0.9), Φ⁻¹(0.05).
        let gamma = Prior::Gamma {
            shift: 0.0,
            shape: 2.5,
            scale: 0.8,
        };
        assert!((gamma.value(1.281_551_565_544_600_5) - 3.694_542_8).abs() < 1e-5);
        let beta = Prior::Beta {
            alpha: 2.0,
            beta: 5.0,
        };
        assert!((beta.value(-1.644_853_626_951_472_7) - 0.062_849_9).abs() < 1e-5);
    }

    #[test]
    fn moments_are_those_of_the_books() {
        let close = |prior: Prior, mean: f64, sd: f64| {
            let got = prior.moments();
            assert!(
                (got.0 - mean).abs() < 1e-6 && (got.1 - sd).abs() < 1e-6,
                "{prior:?} {got:?}"
            );
        };
        close(ALL[0], 3.0, 0.5);
        close(ALL[4], 1.0 + 2.5 * 0.8, 2.5_f64.sqrt() * 0.8);
        close(ALL[7], 2.0 / 7.0, (10.0 / (49.0 * 8.0_f64)).sqrt());
        close(ALL[10], 0.5, 3.0 / 12.0_f64.sqrt());
        let (half, whole) = ((0.245_f64).exp(), (0.49_f64).exp());
        close(ALL[3], 1.0 + 2.0 * half, 2.0 * half * (whole - 1.0).sqrt());
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        let bad = [
            Prior::Normal { mean: 0.0, sd: 0.0 },
            Prior::Uniform {
                low: 1.0,
                high: 1.0,
            },
            Prior::Beta {
                alpha: -1.0,
                beta: 1.0,
            },
            Prior::Gamma {
                shift: 0.0,
                shape: f64::NAN,
                scale: 1.0,
            },
            Prior::TruncatedNormal {
                mean: 0.0,
                sd: 1.0,
                low: 50.0,
                high: 51.0,
            },
        ];
        for prior in bad {
            assert!(prior.check("prior").is_err(), "{prior:?}");
        }
    }
}
