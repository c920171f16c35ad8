//! Whether a result is one: what a search, its draws and its predictions say against it.

use super::level::still_falling;
use crate::infer::state::history::History;
use crate::infer::{Posterior, Step, Svi};
use serde::{Deserialize, Serialize};

/// How far a result may be taken for the posterior. It is measured at the end of every calibration;
/// `Posterior::identification` rests on it, and its doubts are among `Posterior::warnings`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Convergence {
    /// What speaks against the result, with the remedy, one sentence each; empty where nothing was found.
    pub doubts: Vec<String>,
    /// How far the means of the guide are from where the gradient ends, in its own standard deviations,
    /// as a root mean square over coordinates by the weight of the data. Below a half the noise of single
    /// particles hides the rest. NaN without a guide, of a point, and with fewer than two steps.
    #[serde(with = "crate::infer::exact")]
    pub distance: f64,
    /// How wide the guide is against what data and prior let it be: 1 at the optimum, less where it is too narrow. It is
    /// E (u - m)·(w ∇loss + u - m) over particles u around the mean m, per coordinate, which is 1 where no common factor
    /// of all scales makes the objective smaller. NaN without a guide and of a point.
    #[serde(with = "crate::infer::exact")]
    pub width: f64,
    /// How much the objective fell from the last but one to the last quarter of the steps (fifty at most), in
    /// nats; the loss where there is no guide. NaN with fewer than 20 steps.
    #[serde(with = "crate::infer::exact")]
    pub fall: f64,
    /// How many independent draws the means and spreads rest on; infinite with a guide, which knows its
    /// spread.
    #[serde(with = "crate::infer::exact")]
    pub effective_draws: f64,
    /// Share of the simulations whose output was not finite and that were left out.
    #[serde(with = "crate::infer::exact")]
    pub dropped: f64,
    /// Share of observed cells within their central 90 % predictive intervals, noise included.
    #[serde(with = "crate::infer::exact")]
    pub in_bands: f64,
}

impl Convergence {
    /// True where nothing speaks against the result.
    pub fn reached(&self) -> bool {
        self.doubts.is_empty()
    }
}

/// What a search knows of its own end.
pub(crate) struct Ending {
    pub(crate) distance: f64,
    pub(crate) width: f64,
    pub(crate) effective_draws: f64,
    pub(crate) doubts: Vec<String>,
}

impl Ending {
    /// Of methods that keep draws: their number, as many as are independent, and what to do about few.
    pub(crate) fn of_draws(kept: usize, effective: f64, remedy: &str) -> Self {
        let mut doubts = Vec::new();
        if effective < FEW {
            let worth = match effective {
                e if e >= kept as f64 => String::new(),
                e => format!(", worth {e:.0} independent ones"),
            };
            doubts.push(format!(
                "{kept} draw{} kept{worth}: too few to speak of spread; {remedy}",
                if kept == 1 { " is" } else { "s are" }
            ));
        }
        Self {
            distance: f64::NAN,
            width: f64::NAN,
            effective_draws: effective,
            doubts,
        }
    }
}

/// Fewer independent draws than this do not tell a spread: that of 20 is uncertain by a sixth.
const FEW: f64 = 20.0;
/// Distance of the means above which a fit has not converged.
const FAR: f64 = 0.5;
/// Widths of the guide, relative to what the gradients let it be, between which it has converged.
const WIDTH: (f64, f64) = (0.7, 1.4);
/// Fall of the objective above which a fit has not converged: relative to the divergence from the prior, and in nats a
/// coordinate, as many as a mean half a standard deviation off costs. Both, as the objective falls while the learning
/// rate does.
const FALL: (f64, f64) = (0.1, 0.125);
/// Share of simulations that may be left out.
const DROPPED: f64 = 0.1;
/// Share of observed cells that 90 % intervals must hold, and the number of cells that tell it.
pub(crate) const HELD: (f64, usize) = (0.7, 20);

/// Adds to what is known of the last fifty steps.
fn push_last<T>(steps: &mut Vec<T>, one: T) {
    if steps.len() == 50 {
        steps.remove(0);
    }
    steps.push(one);
}

/// True of a width that a guide has about its optimum.
pub(crate) fn is_wide_enough(width: f64) -> bool {
    (WIDTH.0..=WIDTH.1).contains(&width)
}

/// How the gradients of the means pull at the end of a fit: together, or each its own way.
///
/// With g the gradient of a step and m the running mean of those before, both in the means' coordinates, the
/// expectation of m·g is |E g|², as the noise of a step does not depend on that of others, and that of g·g is |E g|²
/// plus the variance. Near the optimum of a normal posterior with precision H, E g is H times the distance and
/// the noise of one particle is H times the guide's spread, so the root of their ratio is the distance in
/// standard deviations.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// m·g and g·g of the last steps, the oldest first.
    products: Vec<[f64; 2]>,
    /// How data and prior push particles away from the mean, per coordinate, in the last steps.
    outward: Vec<f64>,
}

impl Pull {
    pub(crate) fn add(&mut self, together: f64, alone: f64) {
        push_last(&mut self.products, [together, alone]);
    }

    pub(crate) fn balance(&mut self, outward: f64) {
        push_last(&mut self.outward, outward);
    }

    /// 1 where the guide is as wide as data and prior let it be.
    pub(crate) fn width(&self) -> f64 {
        let n = self.outward.len() as f64;
        self.outward.iter().sum::<f64>() / n
    }

    /// The distance in standard deviations of the guide, with `particles` averaged in each step; NaN before
    /// there is anything to tell it from.
    pub(crate) fn distance(&self, particles: usize) -> f64 {
        if self.products.is_empty() {
            return f64::NAN;
        }
        let sum = |k: usize| self.products.iter().map(|p| p[k]).sum::<f64>();
        let (together, alone) = (sum(0).max(0.0), sum(1));
        if !(alone > 0.0) {
            return 0.0;
        }
        (together / (alone - together).max(1e-12 * alone) / particles as f64).sqrt()
    }
}

/// Mean of the objective over the last but one and the last quarter of the steps, fifty at most, and the
/// standard error of their difference. `None` with fewer than 20 steps or without a finite one.
pub(crate) fn quarters(history: &[Step]) -> Option<(f64, f64, f64)> {
    let width = (history.len() / 4).min(50);
    if width < 5 {
        return None;
    }
    let (before, last) = history[history.len() - 2 * width..].split_at(width);
    let moments = |steps: &[Step]| {
        let finite: Vec<f64> = steps.iter().map(|s| s.objective).collect();
        let finite: Vec<f64> = finite.into_iter().filter(|o| o.is_finite()).collect();
        let n = finite.len() as f64;
        let mean = finite.iter().sum::<f64>() / n;
        let square = finite.iter().map(|o| (o - mean).powi(2)).sum::<f64>();
        (mean, square / (n * (n - 1.0)))
    };
    let ((before, first), (last, second)) = (moments(before), moments(last));
    let error = (first + second).sqrt();
    (before.is_finite() && last.is_finite()).then_some((before, last, error))
}

/// What speaks against a fit by a guide whose steps had learning rates that add up to `rates`: how far these can have
/// carried it, its distance and its width, and its objective.
pub(crate) fn of_guide(
    options: &Svi,
    (rates, coordinates): (f64, usize),
    (distance, width): (f64, f64),
    history: &History,
) -> Vec<String> {
    let steps = history.steps();
    let is_point = options.guide.is_point();
    // A scale grows by a factor of e where the rates of the steps add up to 1, a mean moves by one standard
    // deviation of the prior.
    let needed = match is_point {
        true => 1.0,
        false => options.initial_scale.ln().abs().max(1.0),
    };
    let more = match options.starts {
        0 | 1 => "give Svi.steps more, or go on by posterior.resume".to_string(),
        _ => format!(
            "give more steps, as in Svi {{ steps: {}, ..Svi::default().sized({coordinates}) }}, or go on by posterior.resume",
            2 * options.steps
        ),
    };
    if rates < needed {
        let what = match is_point {
            true => format!(
                "in {steps} steps the means can have moved by {} standard deviations of the prior",
                short(rates)
            ),
            false => format!(
                "the guide began with {} of the prior's spread, and {steps} steps at these learning rates can have widened it by a \
                 factor of {}",
                short(options.initial_scale),
                short(rates.exp())
            ),
        };
        return vec![format!(
            "the fit has not converged: {what}; give Svi.steps more or Svi.learning_rate a higher value, such as the defaults"
        )];
    }
    let why = against(history, coordinates, (distance, width), &more);
    let said = |why: String| format!("the fit has not converged after {steps} steps: {why}");
    why.into_iter().map(said).collect()
}

/// What a fit's distance, width and objective say against it.
fn against(
    history: &History,
    coordinates: usize,
    (distance, width): (f64, f64),
    more: &str,
) -> Vec<String> {
    let steps = history.steps();
    let mut why = Vec::new();
    if distance > FAR {
        why.push(format!(
            "the gradients still pull the means one way, by some {} standard deviations; {more}",
            short(distance)
        ));
    }
    if width > WIDTH.1 {
        why.push(format!(
            "the guide is still wider than the data let it be (by the gradients, {} times as much as at the optimum); {more}, with more \
             particles, or take Guide::MeanField",
            short(width)
        ));
    } else if width < WIDTH.0 {
        why.push(format!(
            "the guide is still narrower than data and prior let it be (by the gradients, {} of what it is at the optimum); {more}",
            short(width)
        ));
    }
    if let Some((before, last, error)) = quarters(history.kept()) {
        let quarter = history.since(steps - steps / 4);
        let kl = quarter.iter().map(|s| s.kl.abs()).sum::<f64>() / quarter.len() as f64;
        let fall = before - last;
        if why.is_empty()
            && fall > (3.0 * error).max(1.0)
            && fall > (FALL.0 * kl).max(FALL.1 * coordinates as f64)
        {
            why.push(format!(
                "the objective still fell by {} nats from the last but one to the last quarter; {more}",
                short(fall)
            ));
        }
        if why.is_empty()
            && let Some(slope) = still_falling(history, coordinates)
        {
            why.push(format!(
                "the objective still fell by {} nats a hundred steps at the end; {more}",
                short(slope)
            ));
        }
        let mut all = history.kept().iter().map(|s| s.objective);
        let first = all.find(|o| o.is_finite());
        if let Some(first) = first
            && last - first > (4.0 * error).max(1.0)
        {
            why.push(format!(
                "the objective ends at {}, above {} where it began; lower Svi.learning_rate",
                short(last),
                short(first)
            ));
        }
    }
    why
}

/// A number in as few digits as say something.
fn short(v: f64) -> String {
    match v.abs() {
        a if a == 0.0 || (0.001..1e4).contains(&a) => {
            let digits = if a < 0.01 {
                3
            } else if a < 1.0 {
                2
            } else if a < 100.0 {
                1
            } else {
                0
            };
            format!("{v:.digits$}")
        }
        _ => format!("{v:.1e}"),
    }
}

/// Measures a result whose history and predictions are there.
pub(crate) fn measure(posterior: &Posterior, ending: Ending) -> Convergence {
    let Ending {
        distance,
        width,
        effective_draws,
        mut doubts,
    } = ending;
    let left_out: usize = posterior.history.iter().map(|s| s.dropped).sum();
    let dropped = left_out as f64 / posterior.evaluations.max(1) as f64;
    if dropped > DROPPED {
        doubts.push(format!(
            "{:.0} % of the simulations gave no finite output and were left out; narrow the priors",
            100.0 * dropped
        ));
    }
    let (in_bands, cells) = posterior.held(0.9);
    if cells >= HELD.1 && in_bands < HELD.0 {
        doubts.push(format!(
            "the model does not describe the panel: {:.0} % of the observed cells lie within 90 % intervals of what it predicts for \
             them; see posterior.check(), and look at the panel's units, the time of the shock, and problem.noise",
            100.0 * in_bands
        ));
    }
    Convergence {
        doubts,
        distance,
        width,
        fall: quarters(&posterior.history).map_or(f64::NAN, |(before, last, _)| before - last),
        effective_draws,
        dropped,
        in_bands,
    }
}

/// Bands and quantiles of so few draws that they say little; none of a point, which has one draw and no spread.
pub(crate) fn few_draws(posterior: &Posterior) -> Option<String> {
    let few = posterior.draws < FEW as usize && !posterior.is_point();
    // Of methods that keep draws it is among the doubts already.
    (few && posterior.convergence.effective_draws.is_infinite()).then(|| {
        format!(
            "the posterior has {} draw{}: bands and quantiles of so few say little; raise Svi.draws",
            posterior.draws,
            if posterior.draws == 1 { "" } else { "s" }
        )
    })
}

/// How many independent draws those of several chains are worth, of each column of `draws` [draw, column] in
/// the median over at most 64 columns; draw k is of chain k modulo `chains`. After Gelman et al., Bayesian Data
/// Analysis (3rd ed., 11.5), with the variance between chains.
pub(crate) fn effective_draws(draws: &[f64], columns: usize, chains: usize) -> f64 {
    let count = draws.len() / columns.max(1);
    let length = count / chains.max(1);
    if length < 4 {
        return (count.min(chains)) as f64;
    }
    let stride = columns.div_ceil(64);
    let mut all: Vec<f64> = (0..columns)
        .step_by(stride)
        .map(|c| {
            let chain = |k: usize| -> Vec<f64> {
                let steps = (0..length).map(|t| draws[(t * chains + k) * columns + c]);
                steps.collect()
            };
            effective(&(0..chains).map(chain).collect::<Vec<_>>())
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// The same of one quantity; all chains have the same length, at least 4.
fn effective(chains: &[Vec<f64>]) -> f64 {
    let (m, n) = (chains.len() as f64, chains[0].len() as f64);
    let means: Vec<f64> = chains.iter().map(|c| c.iter().sum::<f64>() / n).collect();
    let covariance = |lag: usize| -> f64 {
        let of = |(c, mean): (&Vec<f64>, &f64)| {
            let pairs = c.iter().zip(&c[lag..]);
            pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n
        };
        chains.iter().zip(&means).map(of).sum::<f64>() / m
    };
    let within = covariance(0) * n / (n - 1.0);
    let all = means.iter().sum::<f64>() / m;
    let between = match chains.len() {
        1 => 0.0,
        _ => means.iter().map(|v| (v - all).powi(2)).sum::<f64>() / (m - 1.0),
    };
    let whole = covariance(0) + between;
    if !(whole > 0.0) {
        // All draws are the same one.
        return 1.0;
    }
    // Geyer's sums of pairs, which are positive for as long as they are signal.
    let correlation = |lag: usize| 1.0 - (within - covariance(lag)) / whole;
    let mut sum = 0.0;
    let mut lag = 1;
    while lag + 1 < chains[0].len() {
        let pair = correlation(lag) + correlation(lag + 1);
        if pair <= 0.0 {
            break;
        }
        sum += pair;
        lag += 2;
    }
    (m * n / (1.0 + 2.0 * sum)).clamp(1.0, m * n)
}

/// How many draws a population is worth of which some rows [draw, coordinate] are copies of others.
pub(crate) fn distinct(rows: &[f64], columns: usize) -> f64 {
    let mut copies: std::collections::HashMap<Vec<u64>, f64> = std::collections::HashMap::new();
    let count = rows.len() / columns.max(1);
    for row in rows.chunks_exact(columns.max(1)) {
        // The first coordinates tell rows of a continuous prior apart.
        let key = row.iter().take(8).map(|v| v.to_bits()).collect();
        *copies.entry(key).or_default() += 1.0;
    }
    (count * count) as f64 / copies.values().map(|n| n * n).sum::<f64>().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals};

    #[test]
    fn independent_draws_count_and_those_of_a_slow_chain_do_not() {
        let free = normals(1, Purpose::Prior, 0, 4000);
        let all = effective_draws(&free, 2, 4);
        assert!((1500.0..=2000.0).contains(&all), "{all}");
        // An autoregression with memory 0.9: (1 - 0.9) / (1 + 0.9) of the draws.
        let mut slow = free.clone();
        for k in 8..slow.len() {
            slow[k] = 0.9 * slow[k - 8] + (1.0f64 - 0.81).sqrt() * free[k];
        }
        let few = effective_draws(&slow, 2, 4);
        assert!((50.0..=200.0).contains(&few), "{few} of 2000");
        // Chains that stand still, each elsewhere.
        let still: Vec<f64> = (0..400).map(|k| (k % 4) as f64).collect();
        let few = effective_draws(&still, 1, 4);
        assert!(few < 10.0, "{few}");
        assert_eq!(effective_draws(&[3.0; 100], 1, 1), 1.0);
    }

    #[test]
    fn copies_count_once() {
        let rows = [[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].concat();
        assert!((distinct(&rows, 2) - 16.0 / 6.0).abs() < 1e-12);
        assert_eq!(distinct(&[1.0, 2.0, 3.0], 1), 3.0);
    }

    #[test]
    fn the_pull_tells_the_distance() {
        // g = H (d + s e): the mean is H d, the noise H s.
        let (n, h) = (400, 50.0);
        for (d, s) in [(0.0, 1.0), (0.3, 1.0), (2.0, 1.0), (2.0, 0.1)] {
            let mut pull = Pull::default();
            let mut mean = vec![0.0; n];
            for t in 0..80 {
                let g: Vec<f64> = normals(3, Purpose::Noise, t, n)
                    .iter()
                    .map(|e| h * (d + s * e))
                    .collect();
                if t > 0 {
                    let correct = 1.0 - 0.9f64.powi(t as i32);
                    let dot = |a: &[f64]| a.iter().zip(&g).map(|(a, g)| a * g).sum::<f64>();
                    pull.add(dot(&mean) / correct, dot(&g));
                }
                for (m, g) in mean.iter_mut().zip(&g) {
                    *m = 0.9 * *m + 0.1 * g;
                }
            }
            let (found, true_one) = (pull.distance(1), d / s);
            assert!(
                (found - true_one).abs() < 0.1 * true_one + 0.08,
                "{found} for {true_one}"
            );
        }
    }
}
