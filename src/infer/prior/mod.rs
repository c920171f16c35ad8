//! Prior distributions, each the image of a standard normal.

mod priors;

pub use priors::{Levels, Parameter, Per, Priors};

use crate::error::{Error, Result};
use crate::infer::exp::exp;
use statrs::distribution::{Continuous, ContinuousCDF};
use std::f64::consts::{PI, SQRT_2};

/// A prior distribution. Each is the image x = T(u) of a standard normal coordinate u, in which guides
/// work: T maps the quantiles of the normal to those of the prior, so that the prior of u is the same
/// for all, and a divergence from it has a closed form. The density is φ(u) / T'(u), with log-determinant
/// ln T'(u).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Prior {
    /// Normal; for parameters with bounds only where it stays eight standard deviations within them.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
    /// A normal cut off outside `low..high`, and scaled up to probability 1.
    TruncatedNormal {
        /// Mean of the normal before it is cut.
        mean: f64,
        /// Standard deviation of the normal before it is cut.
        sd: f64,
        /// Lower end, finite.
        low: f64,
        /// Upper end; may be infinite.
        high: f64,
    },
    /// `shift + median exp(sigma u)`: positive above a shift.
    LogNormal {
        /// Lower bound.
        shift: f64,
        /// Median of the part above the shift.
        median: f64,
        /// Standard deviation of its logarithm.
        sigma: f64,
    },
    /// Gamma above a shift, with mean `shift + shape scale`.
    Gamma {
        /// Lower bound.
        shift: f64,
        /// Shape; 1 is the exponential distribution.
        shape: f64,
        /// Scale, in the parameter's unit.
        scale: f64,
    },
    /// `1 / (1 + (1 - median) / median exp(-sigma u))`: between 0 and 1.
    LogitNormal {
        /// Median, between 0 and 1.
        median: f64,
        /// Standard deviation of the log-odds.
        sigma: f64,
    },
    /// Beta, between 0 and 1, with mean `alpha / (alpha + beta)`.
    Beta {
        /// First shape.
        alpha: f64,
        /// Second shape.
        beta: f64,
    },
    /// Uniform.
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

/// Standard deviation of a logarithm at most: a factor of e^10 between the middle and one standard deviation.
const MOST_SIGMA: f64 = 10.0;

/// Density of the standard normal.
pub(crate) fn phi(u: f64) -> f64 {
    (-0.5 * u * u).exp() / (2.0 * PI).sqrt()
}

/// Probability below `u` of the standard normal, exact in its lower tail.
pub(crate) fn below(u: f64) -> f64 {
    0.5 * statrs::function::erf::erfc(-u / SQRT_2)
}

/// The coordinate that has probability `p` below it, and `q` = 1 - p above; the smaller of the two is
/// the one that is known well.
fn quantile(p: f64, q: f64) -> f64 {
    let lower = |p: f64| -SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p);
    if p <= q { lower(p) } else { -lower(q) }
}

fn gamma(shape: f64) -> statrs::distribution::Gamma {
    statrs::distribution::Gamma::new(shape, 1.0).expect("a shape that was checked")
}

fn beta(a: f64, b: f64) -> statrs::distribution::Beta {
    statrs::distribution::Beta::new(a, b).expect("shapes that were checked")
}

impl Prior {
    /// The value at standard-normal coordinate `u`. Exact, and for gamma, beta and truncated normal
    /// priors slow: inference reads a table. NaN of a prior that is none, such as one with a negative shape.
    pub fn value(&self, u: f64) -> f64 {
        if self.check("").is_err() {
            return f64::NAN;
        }
        match *self {
            Prior::Normal { mean, sd } => mean + sd * u,
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => shift + median * (sigma * u).exp(),
            Prior::LogitNormal { median, sigma } => {
                1.0 / (1.0 + (1.0 - median) / median * (-sigma * u).exp())
            }
            Prior::Uniform { low, high } => {
                if u < 0.0 {
                    low + (high - low) * below(u)
                } else {
                    high - (high - low) * below(-u)
                }
            }
            _ => self.unbound(self.free(u)),
        }
    }

    /// The standard-normal coordinate of value `x`, the inverse of `value`; NaN outside the support.
    pub fn coordinate(&self, x: f64) -> f64 {
        let (low, high) = self.support();
        if !(x >= low && x <= high) || self.check("").is_err() {
            return f64::NAN;
        }
        match *self {
            Prior::Normal { mean, sd } => (x - mean) / sd,
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => ((x - shift) / median).ln() / sigma,
            Prior::LogitNormal { median, sigma } => {
                ((x / (1.0 - x)).ln() - (median / (1.0 - median)).ln()) / sigma
            }
            Prior::Uniform { low, high } => {
                quantile((x - low) / (high - low), (high - x) / (high - low))
            }
            _ => self.coordinate_between(x - low, high - x),
        }
    }

    /// The density at value `x`, 0 outside the support.
    pub fn density(&self, x: f64) -> f64 {
        let (low, high) = self.support();
        if self.check("").is_err() {
            return f64::NAN;
        }
        if !(x >= low && x <= high) {
            return 0.0;
        }
        match *self {
            Prior::Normal { mean, sd } => phi((x - mean) / sd) / sd,
            Prior::LogNormal { shift, sigma, .. } if x > shift => {
                phi(self.coordinate(x)) / (sigma * (x - shift))
            }
            Prior::LogitNormal { sigma, .. } if x > 0.0 && x < 1.0 => {
                phi(self.coordinate(x)) / (sigma * x * (1.0 - x))
            }
            Prior::LogNormal { .. } | Prior::LogitNormal { .. } => 0.0,
            Prior::Uniform { low, high } => 1.0 / (high - low),
            _ => self.density_between(x - low, high - x),
        }
    }

    /// The coordinate of the value so far above the lower and below the upper end: near the ends these
    /// tell values apart that are the same number. For priors without a formula.
    fn coordinate_between(&self, above: f64, left: f64) -> f64 {
        match *self {
            Prior::Gamma { shape, scale, .. } => {
                let d = gamma(shape);
                quantile(d.cdf(above / scale), d.sf(above / scale))
            }
            // The upper tail is the lower one of the mirrored distribution.
            Prior::Beta { alpha, beta: b } => {
                quantile(beta(alpha, b).cdf(above), beta(b, alpha).cdf(left))
            }
            Prior::TruncatedNormal {
                mean,
                sd,
                low,
                high,
            } => {
                let (low, high) = ((low - mean) / sd, (high - mean) / sd);
                let p = mass(low, above / sd);
                let q = if high.is_finite() {
                    mass(-high, left / sd)
                } else {
                    below(-low - above / sd)
                };
                quantile(p / (p + q), q / (p + q))
            }
            _ => f64::NAN,
        }
    }

    /// The density there.
    fn density_between(&self, above: f64, left: f64) -> f64 {
        match *self {
            Prior::Gamma { shape, scale, .. } => gamma(shape).pdf(above / scale) / scale,
            Prior::Beta { alpha, beta: b } => {
                let norm = statrs::function::beta::ln_beta(alpha, b);
                ((alpha - 1.0) * above.ln() + (b - 1.0) * left.ln() - norm).exp()
            }
            Prior::TruncatedNormal {
                mean,
                sd,
                low,
                high,
            } => {
                let z = |x: f64| (x - mean) / sd;
                phi(z(low + above)) / (sd * between(z(low), z(high)))
            }
            _ => f64::NAN,
        }
    }

    /// Mean and standard deviation, by quadrature over the standard normal; NaN of a prior that is none.
    pub fn moments(&self) -> (f64, f64) {
        if self.check("").is_err() {
            return (f64::NAN, f64::NAN);
        }
        let transport = Transport::new(*self);
        let nodes = || (-640..=640).map(|k| f64::from(k) / 80.0);
        let sum = |f: &dyn Fn(f64) -> f64| -> f64 {
            nodes().map(|u| phi(u) / 80.0 * f(transport.at(u).0)).sum()
        };
        let mean = sum(&|x| x);
        (mean, sum(&|x| (x - mean) * (x - mean)).sqrt())
    }

    /// Where values lie.
    pub fn support(&self) -> (f64, f64) {
        match *self {
            Prior::Normal { .. } => (f64::NEG_INFINITY, f64::INFINITY),
            Prior::LogNormal { shift, .. } | Prior::Gamma { shift, .. } => (shift, f64::INFINITY),
            Prior::LogitNormal { .. } | Prior::Beta { .. } => (0.0, 1.0),
            Prior::Uniform { low, high } | Prior::TruncatedNormal { low, high, .. } => (low, high),
        }
    }

    /// How far above the lower and below the upper end of the support a free coordinate y, any number, is:
    /// e^y above it, or a share of it given by its log-odds.
    fn ends(self, y: f64) -> (f64, f64) {
        match self.support() {
            (_, f64::INFINITY) => (y.exp(), f64::INFINITY),
            (low, high) => {
                let share = |y: f64| (high - low) / (1.0 + (-y).exp());
                (share(y), share(-y))
            }
        }
    }

    /// The value at a free coordinate.
    fn unbound(self, y: f64) -> f64 {
        let (low, high) = self.support();
        let (above, left) = self.ends(y);
        if above <= left {
            low + above
        } else {
            high - left
        }
    }

    /// T(u) as a free coordinate, by bisection.
    fn free(&self, u: f64) -> f64 {
        let at = |y: f64| {
            let (above, left) = self.ends(y);
            self.coordinate_between(above, left)
        };
        let (mut low, mut high) = (-1.0, 1.0);
        while at(low) > u && low > -700.0 {
            low *= 2.0;
        }
        while at(high) < u && high < 700.0 {
            high *= 2.0;
        }
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if at(middle) < u {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }

    /// dx/dy at a free coordinate.
    fn stretch(&self, y: f64) -> f64 {
        match (self.support(), self.ends(y)) {
            ((_, f64::INFINITY), (above, _)) => above,
            ((low, high), (above, left)) => above * left / (high - low),
        }
    }

    pub(crate) fn check(&self, place: &str) -> Result<()> {
        let positive = |v: f64| v > 0.0 && v.is_finite();
        let (good, remedy) = match *self {
            Prior::Normal { mean, sd } => {
                (mean.is_finite() && positive(sd), "sd positive, both finite")
            }
            Prior::TruncatedNormal {
                mean,
                sd,
                low,
                high,
            } => (
                mean.is_finite()
                    && positive(sd)
                    && low.is_finite()
                    && low < high
                    && between((low - mean) / sd, (high - mean) / sd) > 1e-12,
                "sd positive, low below high, and some probability between them",
            ),
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => (
                shift.is_finite() && positive(median) && sigma > 0.0 && sigma <= MOST_SIGMA,
                "median positive, sigma between 0 and 10: it is of the logarithm",
            ),
            Prior::Gamma {
                shift,
                shape,
                scale,
            } => (
                shift.is_finite() && (0.01..=1e6).contains(&shape) && positive(scale),
                "shape between 0.01 and 1e6, scale positive",
            ),
            Prior::LogitNormal { median, sigma } => (
                median > 0.0 && median < 1.0 && sigma > 0.0 && sigma <= MOST_SIGMA,
                "median between 0 and 1, sigma positive",
            ),
            Prior::Beta { alpha, beta } => (
                (0.01..=1e6).contains(&alpha) && (0.01..=1e6).contains(&beta),
                "both shapes between 0.01 and 1e6",
            ),
            Prior::Uniform { low, high } => (
                low.is_finite() && high.is_finite() && low < high,
                "low below high, both finite",
            ),
        };
        if good {
            return Ok(());
        }
        Err(Error::new(
            place,
            format!("{self:?} is not a distribution"),
            remedy,
        ))
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

/// Turns all of some numbers into the first that is made of each, and writes the second where there is room for it.
fn each(all: &mut [f64], second: &mut [f64], make: impl Fn(f64) -> (f64, f64)) {
    if second.is_empty() {
        all.iter_mut().for_each(|v| *v = make(*v).0);
    } else {
        let both = all.iter_mut().zip(second);
        both.for_each(|(v, second)| (*v, *second) = make(*v));
    }
}

/// A prior's T made ready for many evaluations.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    prior: Prior,
    /// Free coordinate and its slope at the nodes, where T has no formula.
    table: Vec<(f64, f64)>,
}

/// The table reaches so far to both sides, with so many nodes a unit; outside, the free coordinate goes
/// on straight.
const REACH: f64 = 8.0;
const NODES: f64 = 64.0;

impl Transport {
    pub(crate) fn new(prior: Prior) -> Self {
        let tabled = matches!(
            prior,
            Prior::Gamma { .. } | Prior::Beta { .. } | Prior::TruncatedNormal { .. }
        );
        let nodes = if tabled {
            (2.0 * REACH * NODES) as usize + 1
        } else {
            0
        };
        let node = |k: usize| {
            let u = k as f64 / NODES - REACH;
            let y = prior.free(u);
            let (above, left) = prior.ends(y);
            let density = prior.density_between(above, left);
            (y, phi(u) / (density * prior.stretch(y)))
        };
        Self {
            prior,
            table: (0..nodes).map(node).collect(),
        }
    }

    /// T(u) and T'(u).
    pub(crate) fn at(&self, u: f64) -> (f64, f64) {
        let (mut value, mut slope) = ([u], [0.0]);
        self.all(&mut value, &mut slope);
        (value[0], slope[0])
    }

    /// The same of many: turns coordinates into values, and writes the slopes where there is room for them.
    pub(crate) fn all(&self, values: &mut [f64], slopes: &mut [f64]) {
        match self.prior {
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => {
                exp(sigma, values);
                each(values, slopes, |x| {
                    let above = median * x;
                    (shift + above, sigma * above)
                });
            }
            Prior::LogitNormal { median, sigma } => {
                let odds = (1.0 - median) / median;
                exp(-sigma, values);
                each(values, slopes, |x| {
                    let share = 1.0 / (1.0 + odds * x);
                    (share, sigma * share * (1.0 - share))
                });
            }
            _ => each(values, slopes, |u| self.one(u)),
        }
    }

    /// The same of one, where several at once gain nothing.
    fn one(&self, u: f64) -> (f64, f64) {
        match self.prior {
            Prior::Normal { mean, sd } => (mean + sd * u, sd),
            Prior::Uniform { low, high } => (self.prior.value(u), (high - low) * phi(u)),
            _ => {
                let (y, slope) = self.free(u);
                (self.prior.unbound(y), slope * self.prior.stretch(y))
            }
        }
    }

    /// The free coordinate at u and its slope: between nodes the cubic that has their values and slopes.
    fn free(&self, u: f64) -> (f64, f64) {
        let at = (u.clamp(-REACH, REACH) + REACH) * NODES;
        let k = (at as usize).min(self.table.len() - 2);
        let ((a, da), (b, db)) = (self.table[k], self.table[k + 1]);
        if u.abs() > REACH {
            let (y, slope, end) = if u < 0.0 {
                (a, da, -REACH)
            } else {
                (b, db, REACH)
            };
            return (y + slope * (u - end), slope);
        }
        let (t, h) = (at - k as f64, 1.0 / NODES);
        let (s, rise) = (1.0 - t, b - a);
        let y = a * s * s * (1.0 + 2.0 * t)
            + b * t * t * (3.0 - 2.0 * t)
            + h * (da * t * s * s - db * t * t * s);
        let slope = 6.0 * t * s * rise / h + da * s * (1.0 - 3.0 * t) + db * t * (3.0 * t - 2.0);
        (y, slope)
    }
}

#[cfg(test)]
mod tests {
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
