//! ABC rejection: draw from the prior, keep the draws with the lowest loss.

use super::Problem;
use super::objective::Objective;
use super::posterior::{Posterior, Step, assemble};
use crate::error::{Error, Result};
use crate::progress::Progress;
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use std::time::Instant;

/// Options of ABC rejection.
#[derive(Clone, Debug, PartialEq)]
pub struct Abc {
    /// Draws from the prior; each costs one model evaluation.
    pub draws: usize,
    /// How many of them are kept, those with the lowest loss.
    pub keep: usize,
    /// Draws simulated together.
    pub batch: usize,
    /// Stop after this many seconds, with what there is.
    pub max_seconds: Option<f64>,
    /// Seed; the same problem, options and seed give the same result.
    pub seed: u64,
}

impl Default for Abc {
    fn default() -> Self {
        Self {
            draws: 3000,
            keep: 100,
            batch: 64,
            max_seconds: None,
            seed: 0,
        }
    }
}

/// Coordinates of the `k`-th draw of a seed: the same in any order and in batches of any size.
fn draw(seed: u64, k: usize, n: usize) -> impl Iterator<Item = f64> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(k as u64).to_le_bytes());
    StandardNormal.sample_iter(StdRng::from_seed(key)).take(n)
}

/// Keeps the best `keep` of `draws` draws from the prior. Memory holds the kept draws only.
pub fn calibrate_abc(
    problem: &Problem,
    options: &Abc,
    progress: &mut dyn Progress,
) -> Result<Posterior> {
    let objective = Objective::new(problem)?;
    if options.keep == 0 || options.batch == 0 || options.draws < options.keep {
        return Err(Error::new(
            "Abc",
            format!(
                "{} draws, keep {}, batch {}",
                options.draws, options.keep, options.batch
            ),
            "keep at least 1, at most all draws, in batches of at least 1",
        ));
    }
    let begin = Instant::now();
    let n = objective.dimension();
    // (loss, number of the draw): a draw is made again from its number where it is wanted.
    let mut kept: Vec<(f64, usize)> = Vec::with_capacity(options.keep + options.batch);
    let mut history = Vec::new();
    let (mut done, mut dropped, mut stopped) = (0, 0, false);
    progress.start("ABC rejection", options.draws);
    while done < options.draws {
        let batch = options.batch.min(options.draws - done);
        let u: Vec<f64> = (done..done + batch)
            .into_par_iter()
            .flat_map_iter(|k| draw(options.seed, k, n))
            .collect();
        let loss = objective.loss(&u)?;
        for (k, l) in loss.iter().enumerate() {
            if l.is_finite() {
                kept.push((*l, done + k));
            } else {
                dropped += 1;
            }
        }
        kept.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        kept.truncate(options.keep);
        done += batch;
        let mean = kept.iter().map(|k| k.0).sum::<f64>() / kept.len() as f64;
        history.push(Step {
            evaluations: done,
            loss: mean,
            kl: 0.0,
            objective: mean,
            dropped,
        });
        progress.update(done, &format!("loss of the best {} {mean:.2e}", kept.len()));
        let late = options
            .max_seconds
            .is_some_and(|s| begin.elapsed().as_secs_f64() > s);
        if late || progress.stop() {
            stopped = done < options.draws;
            break;
        }
    }
    if kept.is_empty() {
        return Err(Error::new(
            "calibration",
            "no draw gave a finite loss",
            "narrow the priors",
        ));
    }
    let draws: Vec<f64> = kept
        .iter()
        .flat_map(|(_, k)| draw(options.seed, *k, n))
        .collect();
    let count = kept.len() as f64;
    let moment = |f: &dyn Fn(f64, usize) -> f64| -> Vec<f64> {
        (0..n)
            .map(|k| {
                draws
                    .iter()
                    .skip(k)
                    .step_by(n)
                    .map(|u| f(*u, k))
                    .sum::<f64>()
                    / count
            })
            .collect()
    };
    let mean = moment(&|u, _| u);
    let scale: Vec<f64> = moment(&|u, k| (u - mean[k]).powi(2))
        .iter()
        .map(|v| v.sqrt())
        .collect();
    let mut posterior = assemble(problem, &objective, "ABC rejection", &mean, &scale, &draws)?;
    posterior.history = history;
    posterior.evaluations = done;
    posterior.seconds = begin.elapsed().as_secs_f64();
    posterior.stopped = stopped;
    progress.finish(&format!("{done} evaluations"));
    Ok(posterior)
}
