//! Losses with their slopes of many particles at once, for methods that move along them.

use crate::error::Result;
use crate::infer::objective::Objective;

/// Where a particle is: its loss and the loss's slope there. What is not finite has an infinite loss and no slope.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) u: Vec<f64>,
    pub(super) loss: f64,
    pub(super) slope: Vec<f64>,
}

impl Point {
    /// Logarithm of the density, but for a constant, where the data weigh `weight` times their loss.
    pub(super) fn log(&self, weight: f64) -> f64 {
        -weight * self.loss - 0.5 * self.u.iter().map(|u| u * u).sum::<f64>()
    }

    /// Its gradient.
    pub(super) fn force(&self, weight: f64) -> Vec<f64> {
        let both = self.u.iter().zip(&self.slope);
        both.map(|(u, g)| -weight * g - u).collect()
    }
}

/// The points at rows of coordinates, and how many of them are not finite.
pub(super) fn points(
    objective: &Objective,
    rows: Vec<Vec<f64>>,
    together: usize,
) -> Result<(Vec<Point>, usize)> {
    let n = objective.dimension();
    let (mut all, mut dropped) = (Vec::with_capacity(rows.len()), 0);
    for some in rows.chunks(together.max(1)) {
        let found = objective.gradient(&some.concat())?;
        let each = found.loss.iter().zip(found.gradient.chunks_exact(n));
        for ((loss, slope), u) in each.zip(some) {
            let finite = loss.is_finite() && slope.iter().all(|g| g.is_finite());
            dropped += usize::from(!finite);
            all.push(Point {
                u: u.clone(),
                loss: if finite { *loss } else { f64::INFINITY },
                slope: if finite { slope.to_vec() } else { vec![0.0; n] },
            });
        }
    }
    Ok((all, dropped))
}
