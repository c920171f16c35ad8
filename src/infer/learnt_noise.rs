//! The noise as something to be learnt: its prior, and the coordinates that it takes.

use super::Problem;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which series share a noise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PerSeries {
    /// All series.
    #[default]
    All,
    /// Those of a sector.
    Sector,
    /// Each has its own.
    Group,
}

/// The prior of a noise that is learnt: σ = `Problem::noise` x exp(`spread` u) with a standard normal u.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoisePrior {
    /// Standard deviation of ln σ: with 1, σ is between a fifth and five times `Problem::noise` with 90 %.
    pub spread: f64,
    /// Which series share a value.
    pub per: PerSeries,
}

impl Default for NoisePrior {
    fn default() -> Self {
        Self {
            spread: 1.0,
            per: PerSeries::All,
        }
    }
}

/// What was learnt of the noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearntNoise {
    /// Which series share a value.
    pub per: PerSeries,
    /// What each value is of: "all", a sector, or a group.
    pub labels: Vec<String>,
    /// The value of each series, by its place in `labels`, one per group.
    pub of: Vec<usize>,
    /// Posterior mean of each value, relative to the steady level.
    #[serde(with = "crate::infer::exact::list")]
    pub mean: Vec<f64>,
    /// Its standard deviation.
    #[serde(with = "crate::infer::exact::list")]
    pub sd: Vec<f64>,
    /// Draws, [draw, value].
    #[serde(with = "crate::infer::exact::list")]
    pub samples: Vec<f64>,
}

/// The coordinates of a noise that is learnt, after those of all parameters.
pub(crate) struct NoiseUnits {
    first: usize,
    per: PerSeries,
    labels: Vec<String>,
    /// Value of each group, and of each total.
    of: Vec<usize>,
    pub(crate) totals: Vec<usize>,
    median: f64,
    spread: f64,
}

impl NoiseUnits {
    /// Those of a problem, from coordinate `first` on; none where the noise is known.
    pub(crate) fn new(problem: &Problem, first: usize) -> Option<Self> {
        let NoisePrior { spread, per } = problem.noise_prior?;
        let network = &problem.network;
        let (mut labels, mut of): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
        for (g, (_, sector)) in network.groups().iter().enumerate() {
            let label = match per {
                PerSeries::All => "all".to_string(),
                PerSeries::Sector => network.sectors()[*sector].clone(),
                PerSeries::Group => problem.observed.label(g),
            };
            let known = labels.iter().position(|l| *l == label);
            of.push(known.unwrap_or(labels.len()));
            if known.is_none() {
                labels.push(label);
            }
        }
        let total = |t: &super::Total| t.groups.first().map_or(0, |g| of[*g]);
        Some(Self {
            first,
            per,
            totals: problem.totals.iter().map(total).collect(),
            labels,
            of,
            median: problem.noise,
            spread,
        })
    }

    /// Number of coordinates.
    pub(crate) fn count(&self) -> usize {
        self.labels.len()
    }

    fn value(&self, row: &[f64], unit: usize) -> f64 {
        self.median * (self.spread * row[self.first + unit]).exp()
    }

    /// The noise of every group for a particle's row of coordinates.
    pub(crate) fn of_groups(&self, row: &[f64]) -> Vec<f64> {
        self.of.iter().map(|unit| self.value(row, *unit)).collect()
    }

    /// The noise of every total.
    pub(crate) fn of_totals(&self, row: &[f64]) -> Vec<f64> {
        self.totals
            .iter()
            .map(|unit| self.value(row, *unit))
            .collect()
    }

    /// Adds to a particle's gradient what has derivatives `by` in the logarithms of the groups' and totals' noise.
    pub(crate) fn pull(&self, by: &[f64], to: &mut [f64]) {
        for (unit, by) in self.of.iter().chain(&self.totals).zip(by) {
            to[self.first + unit] += self.spread * by;
        }
    }

    /// What draws [draw, coordinate] of `n` coordinates say.
    pub(crate) fn learnt(&self, coordinates: &[f64], n: usize) -> LearntNoise {
        let rows = coordinates.chunks_exact(n);
        let count = rows.len().max(1) as f64;
        let samples: Vec<f64> = rows
            .flat_map(|row| (0..self.count()).map(|unit| self.value(row, unit)))
            .collect();
        let column = |unit: usize| samples.iter().skip(unit).step_by(self.count());
        let mean: Vec<f64> = (0..self.count())
            .map(|unit| column(unit).sum::<f64>() / count)
            .collect();
        let sd = (0..self.count()).map(|unit| {
            let square = column(unit).map(|v| (v - mean[unit]).powi(2)).sum::<f64>();
            (square / count).sqrt()
        });
        LearntNoise {
            per: self.per,
            labels: self.labels.clone(),
            of: self.of.clone(),
            sd: sd.collect(),
            mean,
            samples,
        }
    }
}

impl Problem {
    /// Refuses a noise that cannot be learnt.
    pub(super) fn check_noise_prior(&self) -> Result<()> {
        let Some(NoisePrior { spread, .. }) = self.noise_prior else {
            return Ok(());
        };
        if !(spread > 0.0 && spread.is_finite()) {
            return Err(Error::new(
                "problem.noise_prior",
                format!("the spread is {spread}"),
                "give a positive number such as 1",
            ));
        }
        if self.loss.positive() {
            return Err(Error::new(
                "problem.noise_prior",
                format!(
                    "{:?} is no density, so it says nothing of the noise",
                    self.loss
                ),
                "set problem.loss to Loss::Gaussian or Loss::StudentT",
            ));
        }
        Ok(())
    }
}
