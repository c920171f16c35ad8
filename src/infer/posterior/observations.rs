//! What may be observed: draws of the model with the noise of measurement, and with what the model misses for long.

use super::summary::relative;
use crate::infer::noise::{Purpose, generator, normals};
use crate::infer::{Loss, Posterior, Prediction, Scale};
use rand_distr::{ChiSquared, Distribution};
use serde::{Deserialize, Serialize};

/// What a model misses beside the noise of single cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Discrepancy {
    /// Nothing: differences of neighbouring periods do not depend on each other.
    #[default]
    None,
    /// A deviation of each series with a memory (an autoregression of order one; after Kennedy & O'Hagan 2001): two numbers
    /// a series, its size and its memory, are found in what is left between the panel and the draws' mean, drawn to no
    /// memory where few cells are observed. In a forecast the last deviation fades by it.
    ///
    /// The parameters were learnt without it: it widens and shifts predictions, and changes nothing that is said of
    /// parameters. Learning both together would let it take what the parameters should explain (Brynjarsdóttir & O'Hagan
    /// 2014).
    Ar1,
}

/// The deviation of a series: its memory, the spread of what is new in a period, and its last value with its period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Deviation {
    pub(crate) memory: f64,
    pub(crate) fresh: f64,
    pub(crate) last: f64,
    pub(crate) at: usize,
}

/// Observed neighbours that the prior of no memory counts as.
const WORTH: f64 = 4.0;

/// The deviation in a series of what is left, NaN where nothing was observed. `noise` is what is left at least.
pub(crate) fn deviation(left: &[f64], noise: f64) -> Deviation {
    let pairs = || {
        let both = left.windows(2).map(|w| (w[0], w[1]));
        both.filter(|(a, b)| !a.is_nan() && !b.is_nan())
    };
    let count = pairs().count() as f64;
    let (mut product, mut square) = (0.0, 0.0);
    for (a, b) in pairs() {
        product += a * b;
        square += a * a;
    }
    let memory = match square > 0.0 {
        true => {
            (product / (square + WORTH * noise * noise) * count / (count + 1.0)).clamp(0.0, 0.98)
        }
        false => 0.0,
    };
    let fresh = pairs().map(|(a, b)| (b - memory * a).powi(2)).sum::<f64>();
    // As many cells of the known noise besides.
    let fresh = ((fresh + WORTH * noise * noise) / (count + WORTH)).sqrt();
    let seen = left.iter().enumerate().rev().find(|(_, r)| !r.is_nan());
    let (at, last) = seen.map_or((0, 0.0), |(t, r)| (t, *r));
    Deviation {
        memory,
        fresh,
        last,
        at,
    }
}

impl Posterior {
    /// What may be observed in the scenario that was fitted: each draw with the noise of its cells, which is `noise`, or
    /// was learnt, and with a discrepancy where it is asked for. Its quantiles are the bands that should hold observed
    /// cells; those of `predictive` are of the model's mean and hold fewer. Cells that were not observed, such as later
    /// months, are forecasts. The same seed gives the same numbers.
    pub fn observations(&self, discrepancy: Discrepancy, seed: u64) -> Prediction {
        let made = &self.predictive;
        let observed = &self.observed;
        let (g, cells) = (observed.groups(), observed.values.len());
        let base = self.base_of(&made.mean.values);
        let deviations = match discrepancy {
            Discrepancy::None => Vec::new(),
            Discrepancy::Ar1 => self.deviations(),
        };
        let mut samples = made.samples.clone();
        for (k, draw) in samples.chunks_exact_mut(cells.max(1)).enumerate() {
            let noise = normals(seed, Purpose::Noise, k, cells);
            let heavy = self.heaviness(seed, k, cells);
            for (group, level) in base.iter().enumerate().take(g) {
                let sigma = self.noise_of(k, group);
                let mut now = 0.0;
                for t in 0..observed.periods {
                    let c = t * g + group;
                    let shock = noise[c] * heavy.get(c).copied().unwrap_or(1.0);
                    let off = match deviations.get(group) {
                        None => sigma * shock,
                        Some(d) => {
                            now = match t {
                                // Of observed periods the spread that a deviation has in the long run.
                                t if t <= d.at => d.fresh / (1.0 - d.memory.powi(2)).sqrt() * shock,
                                t if t == d.at + 1 => d.memory * d.last + d.fresh * shock,
                                _ => d.memory * now + d.fresh * shock,
                            };
                            now
                        }
                    };
                    draw[c] += off * level;
                }
            }
        }
        let mut mean = made.mean.clone();
        mean.values = super::column_means(&samples, cells);
        Prediction {
            mean,
            draws: made.draws,
            samples,
        }
    }

    /// What a relative deviation of 1 is in each series: the steady level, or the mean of the base periods.
    fn base_of(&self, values: &[f64]) -> Vec<f64> {
        let g = self.observed.groups();
        match self.scale {
            Scale::Levels => self.observed.base.clone(),
            Scale::Indices { .. } => {
                let shares = relative(values, &self.observed, self.scale);
                (0..g).map(|k| values[k] / shares[k]).collect()
            }
        }
    }

    /// By what the normals of draw `k` are multiplied to be of Student's t.
    fn heaviness(&self, seed: u64, k: usize, cells: usize) -> Vec<f64> {
        let Loss::StudentT { freedom } = self.loss else {
            return Vec::new();
        };
        let Ok(chi) = ChiSquared::new(freedom) else {
            return Vec::new();
        };
        let mut rng = generator(seed, Purpose::Choice, k, 0);
        let one = |_| (freedom / chi.sample(&mut rng)).sqrt();
        (0..cells).map(one).collect()
    }

    /// The deviation of every series from the draws' mean.
    pub(crate) fn deviations(&self) -> Vec<Deviation> {
        let g = self.observed.groups();
        let seen = relative(&self.observed.values, &self.observed, self.scale);
        let made = relative(&self.predictive.mean.values, &self.observed, self.scale);
        let sigma = |group: usize| {
            let draws = self.draws.max(1);
            (0..draws).map(|k| self.noise_of(k, group)).sum::<f64>() / draws as f64
        };
        let one = |group: usize| {
            let both = seen.iter().zip(&made).skip(group).step_by(g);
            let left: Vec<f64> = both.map(|(s, m)| s - m).collect();
            deviation(&left, sigma(group))
        };
        (0..g).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_is_found_where_there_is_one() {
        let noise = normals(4, Purpose::Noise, 0, 400);
        let mut value = 0.0;
        let slow: Vec<f64> = noise
            .iter()
            .map(|e| {
                value = 0.8 * value + 0.02 * e;
                value
            })
            .collect();
        let found = deviation(&slow, 0.02);
        assert!((found.memory - 0.8).abs() < 0.08, "{found:?}");
        assert!((found.fresh - 0.02).abs() < 0.002, "{found:?}");
        assert_eq!((found.at, found.last), (399, slow[399]));
        let free: Vec<f64> = noise.iter().map(|e| 0.02 * e).collect();
        assert!(deviation(&free, 0.02).memory < 0.1);
        let mut gone = free;
        gone[398..].fill(f64::NAN);
        assert_eq!(deviation(&gone, 0.02).at, 397);
        assert_eq!(deviation(&[f64::NAN; 3], 0.02).memory, 0.0);
    }
}
