//! Generalised variational inference with a mean-field normal guide.

use super::Problem;
use super::objective::Objective;
use super::posterior::{Posterior, Step, assemble};
use crate::error::{Error, Result};
use crate::progress::Progress;
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use std::time::Instant;

/// Options of variational inference.
#[derive(Clone, Debug, PartialEq)]
pub struct Svi {
    /// Optimiser steps.
    pub steps: usize,
    /// Reparameterised particles per step; each costs one model evaluation with its gradient.
    pub particles: usize,
    /// Learning rate of Adam, in standard deviations of the prior.
    pub learning_rate: f64,
    /// Scale of the guide at the start, relative to the prior.
    pub initial_scale: f64,
    /// Draws kept in the posterior.
    pub draws: usize,
    /// Stop after this many seconds, with what there is.
    pub max_seconds: Option<f64>,
    /// Seed; the same problem, options and seed give the same result.
    pub seed: u64,
}

impl Default for Svi {
    fn default() -> Self {
        Self {
            steps: 300,
            particles: 1,
            learning_rate: 0.1,
            initial_scale: 0.1,
            draws: 100,
            max_seconds: None,
            seed: 0,
        }
    }
}

impl Svi {
    fn check(&self) -> Result<()> {
        for (field, n) in [
            ("steps", self.steps),
            ("particles", self.particles),
            ("draws", self.draws),
        ] {
            if n == 0 {
                return Err(Error::new(
                    format!("Svi.{field}"),
                    "it is 0",
                    "give at least 1",
                ));
            }
        }
        for (field, v) in [
            ("learning_rate", self.learning_rate),
            ("initial_scale", self.initial_scale),
        ] {
            if !(v > 0.0 && v.is_finite()) {
                return Err(Error::new(
                    format!("Svi.{field}"),
                    format!("it is {v}"),
                    "give a positive number such as 0.1",
                ));
            }
        }
        Ok(())
    }
}

/// Adam (Kingma & Ba 2015) on a vector of unknowns.
struct Adam {
    rate: f64,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
}

impl Adam {
    fn new(rate: f64, n: usize) -> Self {
        Self {
            rate,
            first: vec![0.0; n],
            second: vec![0.0; n],
            steps: 0,
        }
    }

    fn step(&mut self, unknowns: &mut [f64], gradient: &[f64]) {
        const DECAY: (f64, f64) = (0.9, 0.999);
        self.steps += 1;
        let correct = (
            1.0 - DECAY.0.powi(self.steps),
            1.0 - DECAY.1.powi(self.steps),
        );
        for (k, g) in gradient.iter().enumerate() {
            self.first[k] = DECAY.0 * self.first[k] + (1.0 - DECAY.0) * g;
            self.second[k] = DECAY.1 * self.second[k] + (1.0 - DECAY.1) * g * g;
            unknowns[k] -= self.rate * (self.first[k] / correct.0)
                / ((self.second[k] / correct.1).sqrt() + 1e-8);
        }
    }
}

/// Minimises `w E_q[loss] + KL(q || prior)` over independent normals q in the coordinates of the
/// prior, with w = cells / (2 noise²) (Knoblauch et al. 2022). Particles whose simulation is not
/// finite are left out and counted.
pub fn calibrate(
    problem: &Problem,
    options: &Svi,
    progress: &mut dyn Progress,
) -> Result<Posterior> {
    options.check()?;
    let begin = Instant::now();
    let objective = Objective::new(problem)?;
    let n = objective.dimension();
    let weight = objective.cells() as f64 / (2.0 * problem.noise * problem.noise);
    let mut rng = StdRng::seed_from_u64(options.seed);
    // The first n unknowns are the guide's means, the other n the logarithms of its scales.
    let mut guide = vec![0.0; n];
    guide.resize(2 * n, options.initial_scale.ln());
    let mut adam = Adam::new(options.learning_rate, 2 * n);
    let mut history = Vec::with_capacity(options.steps);
    let mut stopped = false;
    progress.start("variational inference", options.steps);
    for step in 1..=options.steps {
        let (mean, log_scale) = guide.split_at(n);
        let noise: Vec<f64> = StandardNormal
            .sample_iter(&mut rng)
            .take(n * options.particles)
            .collect();
        let u: Vec<f64> = noise
            .iter()
            .enumerate()
            .map(|(k, e)| mean[k % n] + log_scale[k % n].exp() * e)
            .collect();
        let result = objective.gradient(&u)?;
        let finite = |p: usize| {
            result.loss[p].is_finite()
                && result.gradient[p * n..][..n].iter().all(|g| g.is_finite())
        };
        let good: Vec<usize> = (0..options.particles).filter(|&p| finite(p)).collect();
        let kl: f64 = (0..n)
            .map(|k| 0.5 * ((2.0 * log_scale[k]).exp() + mean[k] * mean[k] - 1.0) - log_scale[k])
            .sum();
        let loss = if good.is_empty() {
            f64::NAN
        } else {
            good.iter().map(|&p| result.loss[p]).sum::<f64>() / good.len() as f64
        };
        history.push(Step {
            evaluations: step * options.particles,
            loss,
            kl,
            objective: weight * loss + kl,
            dropped: options.particles - good.len(),
        });
        if !good.is_empty() {
            let mut gradient = vec![0.0; 2 * n];
            for &p in &good {
                for k in 0..n {
                    let g = weight * result.gradient[p * n + k] / good.len() as f64;
                    gradient[k] += g;
                    gradient[n + k] += g * noise[p * n + k] * log_scale[k].exp();
                }
            }
            for k in 0..n {
                gradient[k] += mean[k];
                gradient[n + k] += (2.0 * log_scale[k]).exp() - 1.0;
            }
            adam.step(&mut guide, &gradient);
        }
        progress.update(step, &format!("loss {loss:.2e}"));
        let late = options
            .max_seconds
            .is_some_and(|s| begin.elapsed().as_secs_f64() > s);
        if late || progress.stop() {
            stopped = step < options.steps;
            break;
        }
    }
    if history.iter().all(|s| s.loss.is_nan()) {
        return Err(Error::new(
            "calibration",
            "no particle gave a finite loss",
            "lower Svi.learning_rate or Svi.initial_scale, or narrow the priors",
        ));
    }
    let (mean, log_scale) = guide.split_at(n);
    let scale: Vec<f64> = log_scale.iter().map(|v| v.exp()).collect();
    let draws: Vec<f64> = StandardNormal
        .sample_iter(&mut rng)
        .take(n * options.draws)
        .enumerate()
        .map(|(k, e): (usize, f64)| mean[k % n] + scale[k % n] * e)
        .collect();
    let mut posterior = assemble(
        problem,
        &objective,
        "variational inference",
        mean,
        &scale,
        &draws,
    )?;
    posterior.evaluations = history.last().map_or(0, |s| s.evaluations);
    posterior.history = history;
    posterior.seconds = begin.elapsed().as_secs_f64();
    posterior.stopped = stopped;
    progress.finish(&format!("{} evaluations", posterior.evaluations));
    Ok(posterior)
}
