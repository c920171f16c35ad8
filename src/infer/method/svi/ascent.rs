//! The fit of a guide: stochastic gradients of particles, and Adam.

use super::{EarlyStop, Estimator, Svi, half_cosine};
use crate::error::{Error, Result};
use crate::infer::Step;
use crate::infer::method::Fit;
use crate::infer::noise::{Purpose, normals};
use crate::infer::objective::Objective;
use crate::infer::posterior::Draws;
use crate::infer::posterior::convergence::{Ending, Pull, is_wide_enough, of_guide};
use crate::infer::snapshot::PANELS;
use crate::infer::state::history::History;
use crate::infer::state::rows::{Rows, Unfit, from_rows, rows_of};
use crate::simulate::GRAIN;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Adam's memory of the gradient and of its square.
const DECAY: (f64, f64) = (0.9, 0.999);
/// Steps in a row without a finite particle after which a fit has diverged.
const FAILED: usize = 10;

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

/// All that the next step depends on.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    /// The unknowns of the guide.
    guide: Vec<f64>,
    /// Adam's running means of the gradient and of its square (Kingma & Ba 2015).
    first: Vec<f64>,
    second: Vec<f64>,
    /// How often the guide moved: a step without a finite particle does not move it.
    moves: i32,
    /// How the last steps pulled at the means.
    pull: Pull,
    /// The step after which the objective no longer got better.
    level: Option<usize>,
    history: History,
}

/// A fit of a guide.
pub(super) struct Ascent<'a> {
    options: &'a Svi,
    seed: u64,
    /// Nats that the loss weighs.
    weight: f64,
    /// Number of coordinates.
    n: usize,
    state: State,
    /// Guide, means of the gradient and number of steps where the loss was last finite, before the move from there.
    good: (Vec<f64>, Vec<f64>, Vec<f64>, usize),
    /// Panels [particle, period, group] of the last steps, where somebody watches.
    last: VecDeque<Vec<f64>>,
}

impl<'a> Ascent<'a> {
    pub(super) fn new(options: &'a Svi, objective: &Objective, seed: u64) -> Self {
        let n = objective.dimension();
        let guide = options.guide.start(n, options.initial_scale, seed);
        Self {
            options,
            seed,
            weight: objective.weight(),
            n,
            state: State {
                first: vec![0.0; guide.len()],
                second: vec![0.0; guide.len()],
                guide,
                moves: 0,
                pull: Pull::default(),
                level: None,
                history: History::new(options.looks_back()),
            },
            good: Default::default(),
            last: VecDeque::new(),
        }
    }

    /// From which step on it comes to its end, and how many steps that takes.
    fn landing(&self) -> Option<(usize, usize)> {
        let landing = self.options.early_stop?.landing;
        let from = self.state.level?;
        let steps = (landing * from as f64).ceil() as usize;
        Some((from, steps.min(self.options.steps.saturating_sub(from))))
    }

    /// The learning rate of step `k`, from 0.
    fn rate(&self, k: usize) -> f64 {
        let options = self.options;
        match self.landing() {
            Some((from, steps)) if k >= from && steps > 0 => {
                let gone = ((k - from) as f64 / steps as f64).min(1.0);
                let (high, low) = (
                    options.rate(from),
                    options.final_rate * options.learning_rate,
                );
                low + (high - low).max(0.0) * half_cosine(gone)
            }
            _ => options.rate(k),
        }
    }

    /// True where the objective no longer gets better.
    fn is_level(&self) -> bool {
        let Some(EarlyStop {
            patience,
            tolerance,
            ..
        }) = self.options.early_stop
        else {
            return false;
        };
        let Some(steps) = self.state.history.last(self.options.looks_back()) else {
            return false;
        };
        let (before, after) = steps.split_at(patience);
        let mean = |steps: &[Step]| {
            let finite = steps.iter().map(|s| s.objective).filter(|o| o.is_finite());
            finite.clone().sum::<f64>() / finite.count() as f64
        };
        let (before, after) = (mean(before), mean(after));
        before - after < tolerance * before.abs()
            && (self.options.guide.is_point() || is_wide_enough(self.state.pull.width()))
    }

    /// Remembers where the guide is, as the next move may lead where nothing is finite.
    fn mark(&mut self) {
        let (guide, first, second, steps) = &mut self.good;
        guide.clone_from(&self.state.guide);
        first.clone_from(&self.state.first);
        second.clone_from(&self.state.second);
        *steps = self.state.history.steps();
    }

    /// Goes back to where the loss was last finite, and says that the fit has diverged.
    fn diverged(&mut self, what: &str) -> Error {
        let (guide, first, second, steps) = std::mem::take(&mut self.good);
        let at = if guide.is_empty() { 1 } else { steps + 2 };
        if at > 1 {
            (self.state.guide, self.state.first, self.state.second) = (guide, first, second);
            self.state.history.truncate(steps);
            // What was seen of steps that are taken back.
            self.state.level = self.state.level.filter(|level| *level <= steps);
            self.state.moves -= 1;
        }
        let remedy = match at {
            1 => "narrow the priors, or raise problem.noise",
            _ => "lower Svi.learning_rate, or narrow the priors",
        };
        Error::new(
            "calibration",
            format!("the fit diverged at step {at}: {what}"),
            remedy,
        )
    }

    /// Notes how this step's gradient of the means lies to those before.
    fn pulled(&mut self, gradient: &[f64]) {
        if self.state.moves == 0 {
            return;
        }
        let correct = 1.0 - DECAY.0.powi(self.state.moves);
        let of = |a: &[f64]| -> f64 {
            let pieces = a[..self.n]
                .par_chunks(GRAIN)
                .zip(gradient.par_chunks(GRAIN));
            let sums: Vec<f64> = pieces
                .map(|(a, g)| a.iter().zip(g).map(|(a, g)| a * g).sum())
                .collect();
            sums.iter().sum()
        };
        let (together, alone) = (of(&self.state.first) / correct, of(gradient));
        self.state.pull.add(together, alone);
    }

    /// The gradient of the objective in the guide's unknowns, its divergence, and the mean loss, which is
    /// NaN without a finite particle.
    fn gradient(&mut self, objective: &Objective, watched: bool) -> Result<(Vec<f64>, Step)> {
        let (n, options) = (self.n, self.options);
        let (family, particles) = (options.guide, options.particles);
        let (step, width) = (self.state.history.steps(), family.noise(n));
        let noise = normals(self.seed, Purpose::Particles, step, width * particles);
        let noise = |p: usize| &noise[p * width..][..width];
        let u: Vec<_> = (0..particles)
            .map(|p| family.particle(&self.state.guide, n, noise(p)))
            .collect();
        let u = u.concat();
        let (mut result, panel) = objective.gradient_and_panel(&u)?;
        if watched {
            self.last.push_back(panel);
            if self.last.len() > PANELS.div_ceil(particles) {
                self.last.pop_front();
            }
        }
        let finite = |p: usize| {
            result.loss[p].is_finite()
                && (result.gradient[p * n..][..n].par_chunks(GRAIN))
                    .all(|some| some.iter().all(|g| g.is_finite()))
        };
        let good: Vec<usize> = (0..particles).filter(|&p| finite(p)).collect();
        let share = 1.0 / good.len() as f64;
        let mut gradient = vec![0.0; self.state.guide.len()];
        let along_paths = options.estimator == Estimator::Path && !family.is_point();
        // By its closed form the divergence is known however it is differentiated.
        let divergence = options.kl_weight
            * options
                .divergence
                .of(family, &self.state.guide, n, &mut gradient);
        let weighs = if along_paths { 0.0 } else { options.kl_weight };
        if weighs != 1.0 {
            gradient.iter_mut().for_each(|g| *g *= weighs);
        }
        let mut balance = 0.0;
        for &p in &good {
            let pull = &mut result.gradient[p * n..][..n];
            let each = pull.par_iter_mut().with_min_len(GRAIN);
            each.for_each(|g| *g = self.weight * *g * share);
            balance += outward(pull, &u[p * n..][..n], &self.state.guide, share);
            if along_paths {
                let (_, score) = family.density(&self.state.guide, n, noise(p));
                let u = &u[p * n..][..n];
                for (pull, (score, u)) in pull.iter_mut().zip(score.iter().zip(u)) {
                    *pull += options.kl_weight * share * (score + u);
                }
            }
            family.pull(&self.state.guide, noise(p), pull, &mut gradient);
        }
        let loss = good.iter().map(|&p| result.loss[p]).sum::<f64>() * share;
        let step = Step {
            evaluations: (step + 1) * particles,
            loss,
            kl: divergence,
            objective: self.weight * loss + divergence,
            dropped: particles - good.len(),
        };
        self.state.pull.balance(balance / n as f64);
        Ok((gradient, step))
    }

    fn adam(&mut self, rate: f64, gradient: &[f64]) {
        self.state.moves += 1;
        let correct = (
            1.0 - DECAY.0.powi(self.state.moves),
            1.0 - DECAY.1.powi(self.state.moves),
        );
        let means = self.state.first.par_iter_mut().zip(&mut self.state.second);
        let all = self.state.guide.par_iter_mut().zip(means).zip(gradient);
        let all = all.with_min_len(GRAIN);
        all.for_each(|((w, (first, second)), g)| {
            *first = DECAY.0 * *first + (1.0 - DECAY.0) * g;
            *second = DECAY.1 * *second + (1.0 - DECAY.1) * g * g;
            *w -= rate * (*first / correct.0) / ((*second / correct.1).sqrt() + 1e-8);
        });
    }
}

impl Fit for Ascent<'_> {
    fn unit(&self) -> &'static str {
        "step"
    }

    fn done(&self) -> usize {
        self.state.history.steps()
    }

    fn settled(&self) -> bool {
        let end = self.landing().map(|(from, steps)| from + steps);
        end.is_some_and(|end| self.done() >= end)
    }

    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String> {
        let (mut gradient, step) = self.gradient(objective, watched)?;
        let done = self.done();
        if step.loss.is_finite() {
            self.mark();
            self.pulled(&gradient);
        }
        self.state.history.push(step);
        if step.loss.is_finite() {
            if let Some(most) = self.options.clip {
                let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                let shorten = (most / length).min(1.0);
                for g in &mut gradient {
                    *g *= shorten;
                }
            }
            self.adam(self.rate(done), &gradient);
            let all = self.state.guide.par_iter().with_min_len(GRAIN);
            if !all.into_par_iter().all(|w| w.is_finite()) {
                return Err(self.diverged("the guide is no longer finite"));
            }
        } else if let Some(steps) = self.state.history.last(FAILED)
            && steps.iter().all(|s| !s.loss.is_finite())
        {
            let what = format!("no particle of {FAILED} steps gave a finite loss");
            return Err(self.diverged(&what));
        }
        if self.state.level.is_none() && self.is_level() {
            self.state.level = Some(self.done());
        }
        Ok(format!("loss {:.2e}", step.loss))
    }

    fn history(&self) -> &[Step] {
        self.state.history.kept()
    }

    fn state(&self) -> Rows {
        rows_of(&self.state)
    }

    fn restore(&mut self, state: &Rows) -> std::result::Result<(), Unfit> {
        let read: State = from_rows(state)?;
        let rows = [
            ("guide", &read.guide),
            ("first", &read.first),
            ("second", &read.second),
        ];
        for (name, row) in rows {
            if row.len() != self.state.guide.len() {
                return Err(Unfit::missing(name));
            }
        }
        self.state = State {
            history: read.history.restored(self.options.looks_back())?,
            ..read
        };
        Ok(())
    }

    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>) {
        let units = objective.layout().iter();
        units
            .flat_map(|v| (0..v.units()).map(|k| v.parts(k)))
            .map(|parts| self.options.guide.moments(&self.state.guide, self.n, parts))
            .unzip()
    }

    fn center(&self) -> Option<Vec<f64>> {
        Some(self.state.guide[..self.n].to_vec())
    }

    fn panels(&self) -> Vec<f64> {
        self.last.iter().flatten().copied().collect()
    }

    fn draws(&self) -> Result<Draws<'_>> {
        let steps = self.state.history.kept();
        if steps.last().is_none_or(|s| !s.loss.is_finite()) {
            let when = match steps.iter().all(|s| !s.loss.is_finite()) {
                true => "",
                false => " in the last step",
            };
            return Err(Error::new(
                "calibration",
                format!("no particle gave a finite loss{when}"),
                "lower Svi.learning_rate or Svi.initial_scale, or narrow the priors",
            ));
        }
        let (family, n) = (self.options.guide, self.n);
        // All draws of a point are the same.
        let count = if family.is_point() {
            1
        } else {
            self.options.draws
        };
        let one = move |k| {
            let width = family.noise(n);
            let noise = normals(self.seed, Purpose::Posterior, k, width);
            let log = family.density(&self.state.guide, n, &noise).0;
            (family.particle(&self.state.guide, n, &noise), log)
        };
        Ok(Draws {
            count,
            each: Box::new((0..count).map(one)),
        })
    }

    fn ending(&self) -> Ending {
        let options = self.options;
        let rates = (0..self.done()).map(|k| self.rate(k)).sum();
        // A point has no spread to measure either by.
        let (distance, width) = match options.guide.is_point() {
            true => (f64::NAN, f64::NAN),
            false => (
                self.state.pull.distance(options.particles),
                self.state.pull.width(),
            ),
        };
        Ending {
            distance,
            width,
            effective_draws: f64::INFINITY,
            doubts: of_guide(
                options,
                (rates, self.n),
                (distance, width),
                &self.state.history,
            ),
        }
    }
}
