//! One step of a fit: the gradients of its guides, and Adam.

use super::Estimator;
use super::ascent::Ascent;
use crate::error::Result;
use crate::infer::Step;
use crate::infer::noise::{Purpose, normals};
use crate::infer::objective::Objective;
use crate::infer::snapshot::PANELS;
use crate::simulate::GRAIN;
use rayon::prelude::*;

/// Adam's memory of the gradient and of its square.
pub(super) const DECAY: (f64, f64) = (0.9, 0.999);
/// What a running mean of the objective keeps in a step.
const STANDING: f64 = 0.95;

/// How data and prior push a particle away from the guide's mean: the product of its distance to the mean with the
/// gradient of its data, `pull`, and of the prior, which weighs `share`.
fn outward(pull: &[f64], u: &[f64], mean: &[f64], share: f64) -> f64 {
    let pieces = pull
        .par_chunks(GRAIN)
        .zip(u.par_chunks(GRAIN))
        .zip(mean.par_chunks(GRAIN));
    let sums: Vec<f64> = pieces
        .map(|((g, u), m)| {
            let each = g.iter().zip(u).zip(m);
            each.map(|((g, u), m)| (u - m) * (g + share * (u - m)))
                .sum()
        })
        .collect();
    sums.iter().sum()
}

impl Ascent<'_> {
    /// Of each guide the gradient of its objective in its unknowns, and where it stands: the mean loss is NaN without a
    /// finite particle.
    pub(super) fn gradients(
        &mut self,
        objective: &Objective,
        watched: bool,
    ) -> Result<Vec<(Vec<f64>, Step)>> {
        let (n, options, guides) = (self.n, self.options, self.guides());
        let (family, particles) = (options.guide, options.particles);
        let (step, width) = (self.state.history.steps(), family.noise(n));
        let all = guides * particles;
        let noise = normals(self.seed, Purpose::Particles, step, width * all);
        let noise = |p: usize| &noise[p * width..][..width];
        let u: Vec<_> = (0..all)
            .map(|p| family.particle(&self.state.guide[self.place(p / particles)], n, noise(p)))
            .collect();
        let u = u.concat();
        let (mut result, panel) = objective.gradient_and_panel(&u)?;
        if watched {
            let one = panel.len() / guides;
            let panel = &panel[self.leading() * one..][..one];
            self.last.push_back(panel.to_vec());
            if self.last.len() > PANELS.div_ceil(particles) {
                self.last.pop_front();
            }
        }
        let each = result.loss.chunks(particles);
        let each = each.zip(result.gradient.chunks_mut(particles * n));
        let each = each.zip(u.chunks(particles * n)).enumerate();
        let found = each.map(|(k, ((loss, pulls), u))| {
            let noise = |p: usize| noise(k * particles + p);
            self.gradient(k, (loss, u), pulls, &noise)
        });
        let found: Vec<_> = found.collect();
        if let [(_, _, balance)] = found[..] {
            self.state.pull.balance(balance);
        }
        let before = self.state.history.kept().last();
        let evaluations = before.map_or(0, |s| s.evaluations) + all;
        Ok(found
            .into_iter()
            .map(|(gradient, step, _)| {
                (
                    gradient,
                    Step {
                        evaluations,
                        ..step
                    },
                )
            })
            .collect())
    }

    /// The same of guide `k`, whose particles have these losses, coordinates and gradients, and how its particles are
    /// pushed away from its mean.
    fn gradient<'n>(
        &self,
        k: usize,
        (losses, u): (&[f64], &[f64]),
        pulls: &mut [f64],
        noise: &dyn Fn(usize) -> &'n [f64],
    ) -> (Vec<f64>, Step, f64) {
        let (n, options) = (self.n, self.options);
        let family = options.guide;
        let w = &self.state.guide[self.place(k)];
        let finite = |p: usize| {
            losses[p].is_finite()
                && (pulls[p * n..][..n].par_chunks(GRAIN))
                    .all(|some| some.iter().all(|g| g.is_finite()))
        };
        let good: Vec<usize> = (0..losses.len()).filter(|&p| finite(p)).collect();
        let share = 1.0 / good.len() as f64;
        let mut gradient = vec![0.0; w.len()];
        let along_paths = options.estimator == Estimator::Path && !family.is_point();
        // By its closed form the divergence is known however it is differentiated.
        let divergence = options.kl_weight * options.divergence.of(family, w, n, &mut gradient);
        let weighs = if along_paths { 0.0 } else { options.kl_weight };
        if weighs != 1.0 {
            gradient.iter_mut().for_each(|g| *g *= weighs);
        }
        let weight = self.weight * self.data_weight();
        let mut balance = 0.0;
        for &p in &good {
            let pull = &mut pulls[p * n..][..n];
            let each = pull.par_iter_mut().with_min_len(GRAIN);
            each.for_each(|g| *g = weight * *g * share);
            balance += outward(pull, &u[p * n..][..n], w, share);
            if along_paths {
                let (_, score) = family.density(w, n, noise(p));
                let u = &u[p * n..][..n];
                for (pull, (score, u)) in pull.iter_mut().zip(score.iter().zip(u)) {
                    *pull += options.kl_weight * share * (score + u);
                }
            }
            family.pull(w, noise(p), pull, &mut gradient);
        }
        let loss = good.iter().map(|&p| losses[p]).sum::<f64>() * share;
        let step = Step {
            evaluations: 0,
            loss,
            kl: divergence,
            // With the data in full weight, so that steps can be held against each other.
            objective: self.weight * loss + divergence,
            dropped: losses.len() - good.len(),
        };
        (gradient, step, balance / n as f64)
    }

    /// Weight of the data in the next step.
    pub(super) fn data_weight(&self) -> f64 {
        match self.state.full {
            Some(_) => 1.0,
            None => self.options.weight_at(self.state.history.steps()),
        }
    }

    /// Moves guide `k` down its gradient.
    fn adam(&mut self, k: usize, rate: f64, gradient: &[f64]) {
        let place = self.place(k);
        self.state.moves[k] += 1;
        let correct = (
            1.0 - DECAY.0.powi(self.state.moves[k]),
            1.0 - DECAY.1.powi(self.state.moves[k]),
        );
        let guide = self.state.guide[place.clone()].par_iter_mut();
        let first = self.state.first[place.clone()].par_iter_mut();
        let all = guide
            .zip(first.zip(&mut self.state.second[place]))
            .zip(gradient);
        let all = all.with_min_len(GRAIN);
        all.for_each(|((w, (first, second)), g)| {
            *first = DECAY.0 * *first + (1.0 - DECAY.0) * g;
            *second = DECAY.1 * *second + (1.0 - DECAY.1) * g * g;
            *w -= rate * (*first / correct.0) / ((*second / correct.1).sqrt() + 1e-8);
        });
    }

    /// Moves guide `k` by this gradient, where it is still in the search.
    pub(super) fn go(
        &mut self,
        k: usize,
        mut gradient: Vec<f64>,
        step: Step,
        rate: f64,
    ) -> Result<()> {
        if !step.loss.is_finite() || self.state.standing[k] == f64::INFINITY {
            return Ok(());
        }
        let standing = &mut self.state.standing[k];
        *standing = match standing.is_nan() {
            true => step.objective,
            false => STANDING * *standing + (1.0 - STANDING) * step.objective,
        };
        if let Some(most) = self.options.clip {
            let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            let shorten = (most / length).min(1.0);
            for g in &mut gradient {
                *g *= shorten;
            }
        }
        self.adam(k, rate, &gradient);
        let all = self.state.guide[self.place(k)].par_iter();
        match all.with_min_len(GRAIN).all(|w| w.is_finite()) {
            true => Ok(()),
            false => self.lose(k, "the guide is no longer finite"),
        }
    }
}
