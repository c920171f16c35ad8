//! Losses: how a simulated cell is held against the observed one, a file each.

mod gaussian;
mod scale;
mod square;
mod student_t;
mod target;

use crate::error::Result;
pub use scale::Scale;
use serde::{Deserialize, Serialize};
pub(crate) use target::{Learning, Target};

/// What a loss is of one cell.
pub(crate) trait Cell {
    /// What it is called on axes.
    fn name(&self) -> &'static str;
    /// True of a mean of squares, which is never negative.
    fn is_square(&self) -> bool {
        false
    }
    /// True where differences are relative to the steady level of their series.
    fn is_relative(&self) -> bool {
        true
    }
    /// Refuses numbers that are none of such a loss.
    fn check(&self) -> Result<()> {
        Ok(())
    }
    /// Loss of a cell with difference `r`, and its derivative in `r`.
    fn cell(&self, r: f64, noise: f64) -> (f64, f64);
    /// Nats that one unit of a cell's loss weighs; `level` is the mean square of the steady levels.
    fn nats(&self, noise: f64, level: f64) -> f64;
}

members! {
    /// How a simulated cell y is held against an observed cell d. r = (y - d) / y0 is the difference relative
    /// to the series' steady level y0, σ is `Problem::noise`. What the data weigh against the prior is
    /// the sum over observed cells and scenarios that is named with each; the loss that is reported is a mean.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
    Loss: dyn Cell {
        /// Mean of r². The data weigh Σ r² / (2σ²): all series count alike, whatever their size.
        #[default]
        RelativeSquare = square,
        /// Mean of (y - d)², in squared units: large series count more. The data weigh Σ (y - d)² / (2 σ² ȳ²)
        /// with ȳ the root mean square of the steady levels.
        Square = square,
        /// Mean of -ln N(r; 0, σ): as `RelativeSquare` in its gradient, but an honest density, so that the
        /// objective bounds the evidence and models can be compared by it.
        Gaussian = gaussian,
        /// Mean of the negative log-density of r by Student's t with scale σ: outliers such as a strike or a
        /// change of method pull less.
        StudentT {
            /// Degrees of freedom; the fewer, the less outliers count. 4 is usual.
            freedom,
        } = student_t,
    }
}

impl Loss {
    /// What it is called on axes.
    pub fn name(self) -> &'static str {
        self.with(|loss| loss.name())
    }

    /// True where a loss can be drawn on a logarithmic axis.
    pub fn positive(self) -> bool {
        self.with(|loss| loss.is_square())
    }

    pub(crate) fn check(self) -> Result<()> {
        self.with(|loss| loss.check())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_are_densities() {
        for loss in [Loss::Gaussian, Loss::StudentT { freedom: 3.0 }] {
            let step = 1e-3;
            let whole: f64 = (-40_000..=40_000)
                .map(|k| step * (-loss.with(|l| l.cell(f64::from(k) * step, 0.2)).0).exp())
                .sum();
            assert!((whole - 1.0).abs() < 1e-4, "{loss:?}: {whole}");
        }
        // With many degrees of freedom, t is normal.
        let (t, n) = (Loss::StudentT { freedom: 1e7 }, Loss::Gaussian);
        let cell = |loss: Loss| loss.with(|l| l.cell(0.13, 0.1)).0;
        assert!((cell(t) - cell(n)).abs() < 1e-5);
    }
}
