//! The map of a prior from standard-normal coordinates to values, ready for many of them.

use super::{Distribution, Prior};
use statrs::function::erf::{erfc, erfc_inv};
use std::f64::consts::{PI, SQRT_2};

/// Density of the standard normal.
pub(super) fn phi(u: f64) -> f64 {
    (-0.5 * u * u).exp() / (2.0 * PI).sqrt()
}

/// Probability below `u` of the standard normal, exact in its lower tail.
pub(crate) fn below(u: f64) -> f64 {
    0.5 * erfc(-u / SQRT_2)
}

/// The coordinate that has probability `p` below it, and `q` = 1 - p above; the smaller of the two is
/// the one that is known well.
pub(crate) fn quantile(p: f64, q: f64) -> f64 {
    let lower = |p: f64| -SQRT_2 * erfc_inv(2.0 * p);
    if p <= q { lower(p) } else { -lower(q) }
}

/// How far above the lower and below the upper end of the support a free coordinate y, any number, is:
/// e^y above it, or a share of it given by its log-odds.
fn ends((low, high): (f64, f64), y: f64) -> (f64, f64) {
    if high == f64::INFINITY {
        return (y.exp(), f64::INFINITY);
    }
    let share = |y: f64| (high - low) / (1.0 + (-y).exp());
    (share(y), share(-y))
}

/// The value at a free coordinate.
fn unbound(support: (f64, f64), y: f64) -> f64 {
    let (above, left) = ends(support, y);
    if above <= left {
        support.0 + above
    } else {
        support.1 - left
    }
}

/// dx/dy at a free coordinate.
fn stretch((low, high): (f64, f64), y: f64) -> f64 {
    match (high, ends((low, high), y)) {
        (f64::INFINITY, (above, _)) => above,
        (_, (above, left)) => above * left / (high - low),
    }
}

/// The coordinate of the value so far above the lower and below the upper end of a support.
type Coordinate<'a> = &'a dyn Fn(f64, f64) -> f64;

/// T(u) as a free coordinate, by bisection.
fn free(support: (f64, f64), u: f64, coordinate: Coordinate<'_>) -> f64 {
    let at = |y: f64| {
        let (above, left) = ends(support, y);
        coordinate(above, left)
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

/// T(u) of a distribution of which `coordinate` is known.
pub(super) fn by_bisection(support: (f64, f64), u: f64, coordinate: Coordinate<'_>) -> f64 {
    unbound(support, free(support, u, coordinate))
}

/// Turns all of some numbers into the first that is made of each, and writes the second where there is room for it.
pub(super) fn each(all: &mut [f64], second: &mut [f64], make: impl Fn(f64) -> (f64, f64)) {
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
    /// Of a prior that was checked.
    pub(crate) fn new(prior: Prior) -> Self {
        let table = prior.with(|d| match d.formula() {
            Some(_) => Vec::new(),
            None => table(d),
        });
        Self { prior, table }
    }

    /// T(u) and T'(u).
    pub(crate) fn at(&self, u: f64) -> (f64, f64) {
        let (mut value, mut slope) = ([u], [0.0]);
        self.all(&mut value, &mut slope);
        (value[0], slope[0])
    }

    /// The same of many: turns coordinates into values, and writes the slopes where there is room for them.
    pub(crate) fn all(&self, values: &mut [f64], slopes: &mut [f64]) {
        self.prior.with(|d| match d.formula() {
            Some(formula) => formula.transport(values, slopes),
            None => {
                let support = d.support();
                each(values, slopes, |u| {
                    let (y, slope) = self.free(u);
                    (unbound(support, y), slope * stretch(support, y))
                });
            }
        });
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

/// Free coordinates and their slopes at the nodes.
fn table(d: &dyn Distribution) -> Vec<(f64, f64)> {
    let support = d.support();
    let coordinate = |above: f64, left: f64| d.coordinate_between(above, left);
    let node = |k: usize| {
        let u = k as f64 / NODES - REACH;
        let y = free(support, u, &coordinate);
        let (above, left) = ends(support, y);
        let density = d.density_between(above, left);
        (y, phi(u) / (density * stretch(support, y)))
    };
    (0..(2.0 * REACH * NODES) as usize + 1).map(node).collect()
}
