//! Squares of differences, relative to the steady level or in units.

use super::Cell;

/// The square of the relative difference.
pub(super) struct RelativeSquare;

/// The square of the difference in units.
pub(super) struct Square;

/// The square and its derivative.
fn square(r: f64) -> (f64, f64) {
    (r * r, 2.0 * r)
}

impl Cell for RelativeSquare {
    fn name(&self) -> &'static str {
        "mean relative square loss"
    }

    fn is_square(&self) -> bool {
        true
    }

    fn cell(&self, r: f64, _: f64) -> (f64, f64) {
        square(r)
    }

    fn nats(&self, noise: f64, _: f64) -> f64 {
        0.5 / (noise * noise)
    }
}

impl Cell for Square {
    fn name(&self) -> &'static str {
        "mean square loss"
    }

    fn is_square(&self) -> bool {
        true
    }

    fn is_relative(&self) -> bool {
        false
    }

    fn cell(&self, r: f64, _: f64) -> (f64, f64) {
        square(r)
    }

    fn nats(&self, noise: f64, level: f64) -> f64 {
        0.5 / (noise * noise * level)
    }
}
