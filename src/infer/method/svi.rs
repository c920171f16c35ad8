//! Generalised variational inference with normal guides.

use crate::error::{Error, Result};
use crate::infer::Problem;
use crate::infer::calibrate::{self, Frame, Options, Search};
use crate::infer::guide::Divergence;
use crate::infer::guide::Guide;
use crate::infer::history::History;
use crate::infer::noise::{Purpose, normals};
use crate::infer::objective::Objective;
use crate::infer::posterior::convergence::{Ending, Pull, is_wide_enough, of_guide};
use crate::infer::posterior::{Draws, Posterior, Step};
use crate::infer::snapshot::PANELS;
use crate::infer::state::{Facts, Keeper, Saved, facts_of};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::simulate::GRAIN;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::path::PathBuf;

pub(crate) const METHOD: &str = "variational inference";

/// How the gradient of the divergence is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Estimator {
    /// By its closed form: exact.
    #[default]
    ClosedForm,
    /// Along the particles' paths: ln q - ln p at each particle, with q's own unknowns held still
    /// (Roeder, Wu & Duvenaud 2017). Noisy at first, but its noise and that of the data cancel where the
    /// guide is the posterior, so the end of a fit is calmer. With `Divergence::Kl` only.
    Path,
}

/// When a fit ends before its last step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStop {
    /// Steps that are looked at: the mean objective of the last so many is held against that of the so
    /// many before.
    pub patience: usize,
    /// The fit comes to its end where the mean fell by less than this share of its size, and the guide is about as wide
    /// as the gradients let it be.
    pub tolerance: f64,
    /// Steps that are made from there on, as a multiple of those made before: over them the learning rate falls to
    /// `Svi::final_rate`, as to end at a higher one blurs the result. At most those that are left; 0 ends at once.
    pub landing: f64,
}

impl Default for EarlyStop {
    fn default() -> Self {
        Self {
            patience: 50,
            tolerance: 1e-3,
            landing: 1.0,
        }
    }
}

/// Options of variational inference.
#[derive(Clone, Debug, PartialEq)]
pub struct Svi {
    /// Family of the approximation.
    pub guide: Guide,
    /// Optimiser steps. They also set the course of the learning rate, so a fit that stopped goes on
    /// to the numbers of one that did not only with the same `steps`.
    pub steps: usize,
    /// Reparameterised particles per step; each costs one model evaluation with its gradient.
    pub particles: usize,
    /// Learning rate of Adam at its highest, in standard deviations of the prior.
    pub learning_rate: f64,
    /// Share of the learning rate that is left at the last step: it falls along half a cosine, so
    /// that the end is not blurred by the noise of single particles. 1 keeps the rate constant.
    pub final_rate: f64,
    /// Steps at the start over which the learning rate rises in even steps.
    pub warm_up: usize,
    /// Scale of the guide at the start, relative to the prior. Small, so that the first steps go
    /// downhill with little noise; a scale grows by about the learning rate a step.
    pub initial_scale: f64,
    /// What holds the guide to the prior.
    pub divergence: Divergence,
    /// Weight of the divergence against the data; 1 is Bayes' rule, less trusts the data more.
    pub kl_weight: f64,
    /// How the divergence's gradient is taken.
    pub estimator: Estimator,
    /// Gradients of the objective longer than this, in nats per unit of the guide's unknowns, are
    /// shortened to it.
    pub clip: Option<f64>,
    /// Ends the fit where it no longer gets better; `None` makes all steps. A fit that made all of them says in
    /// `Posterior::warnings` where they did not suffice.
    pub early_stop: Option<EarlyStop>,
    /// Draws kept in the posterior.
    pub draws: usize,
    /// Make no more steps after this many seconds of this call; the draws come on top.
    pub max_seconds: Option<f64>,
    /// Seed; the same problem, options and seed give the same result.
    pub seed: u64,
    /// A file that keeps the state of the fit, in the safetensors format. It is written at the
    /// start, every `save_seconds`, and after the last step. Where it exists, the fit goes on from it,
    /// to the same numbers as if it had not stopped; `steps` counts all steps. A file of another
    /// problem or of other options (but for `steps`, `draws` and times) is refused.
    pub state_file: Option<PathBuf>,
    /// Seconds between two writings of `state_file`.
    pub save_seconds: f64,
}

impl Default for Svi {
    fn default() -> Self {
        Self {
            guide: Guide::MeanField,
            steps: 300,
            particles: 1,
            learning_rate: 0.15,
            final_rate: 0.02,
            warm_up: 0,
            initial_scale: 0.003,
            divergence: Divergence::Kl,
            kl_weight: 1.0,
            estimator: Estimator::ClosedForm,
            clip: None,
            early_stop: Some(EarlyStop::default()),
            draws: 100,
            max_seconds: None,
            seed: 0,
            state_file: None,
            save_seconds: 30.0,
        }
    }
}

/// From 1 to 0.
fn half_cosine(gone: f64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * gone).cos())
}

impl Svi {
    /// Steps that `early_stop` looks at.
    fn looks_back(&self) -> usize {
        self.early_stop.map_or(0, |e| e.patience.saturating_mul(2))
    }

    /// The learning rate of step `k`, from 0, of a fit that makes all its steps.
    fn rate(&self, k: usize) -> f64 {
        let rise = ((k + 1) as f64 / (self.warm_up + 1) as f64).min(1.0);
        let gone = (k as f64 / self.steps as f64).min(1.0);
        self.learning_rate * rise * (self.final_rate + (1.0 - self.final_rate) * half_cosine(gone))
    }

    /// What a state of a fit is of.
    fn facts(&self, problem: &Problem) -> Facts {
        let mut facts = facts_of(problem, METHOD);
        facts.extend([
            ("Svi.guide", format!("{:?}", self.guide)),
            ("Svi.particles", self.particles.to_string()),
            ("Svi.learning_rate", format!("{:?}", self.learning_rate)),
            ("Svi.final_rate", format!("{:?}", self.final_rate)),
            ("Svi.warm_up", self.warm_up.to_string()),
            ("Svi.initial_scale", format!("{:?}", self.initial_scale)),
            ("Svi.divergence", format!("{:?}", self.divergence)),
            ("Svi.kl_weight", format!("{:?}", self.kl_weight)),
            ("Svi.estimator", format!("{:?}", self.estimator)),
            ("Svi.clip", format!("{:?}", self.clip)),
            ("Svi.seed", self.seed.to_string()),
        ]);
        facts
    }
}

impl Options for Svi {
    fn frame(&self) -> Frame<'_> {
        Frame {
            place: "Svi.steps",
            total: self.steps,
            file: self.state_file.as_deref(),
            save_seconds: self.save_seconds,
            max_seconds: self.max_seconds,
        }
    }

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
            ("final_rate", self.final_rate),
            ("kl_weight", self.kl_weight),
            ("clip", self.clip.unwrap_or(1.0)),
        ] {
            if !(v > 0.0 && v.is_finite()) {
                return Err(Error::new(
                    format!("Svi.{field}"),
                    format!("it is {v}"),
                    "give a positive number such as 0.1",
                ));
            }
        }
        if self.final_rate > 1.0 {
            return Err(Error::new(
                "Svi.final_rate",
                format!("it is {}", self.final_rate),
                "give a share of at most 1, which keeps the rate constant",
            ));
        }
        if let Some(EarlyStop {
            patience,
            tolerance,
            landing,
        }) = self.early_stop
            && !(patience > 0 && tolerance >= 0.0 && tolerance.is_finite() && landing >= 0.0)
        {
            return Err(Error::new(
                "Svi.early_stop",
                format!("patience {patience}, tolerance {tolerance}, landing {landing}"),
                "give a patience of at least 1, such as 50, a tolerance of at least 0, such as 0.001, and a landing of at least 0",
            ));
        }
        if self.estimator == Estimator::Path && self.divergence != Divergence::Kl {
            return Err(Error::new(
                "Svi.estimator",
                format!("Estimator::Path with {:?}", self.divergence),
                "use Estimator::ClosedForm, or Divergence::Kl",
            ));
        }
        self.divergence.check(self.guide)?;
        Keeper::check("Svi.save_seconds", self.save_seconds)
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let each = objective.numbers_of_draw();
        // A particle has its noise, its coordinates and its gradient besides.
        let particle = each + 3.0 * self.guide.noise(objective.dimension()) as f64;
        vec![
            (
                "Svi.particles",
                "the particles of a step",
                self.particles as f64 * particle,
            ),
            (
                "Svi.draws",
                "the posterior's draws",
                self.draws as f64 * each,
            ),
        ]
    }

    fn start(&self, objective: &Objective) -> Result<Box<dyn Search + '_>> {
        self.guide.check(objective.dimension())?;
        Ok(Box::new(Fit::new(self, objective)))
    }
}

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

/// Where a fit stands: all that the next step depends on.
struct Fit<'a> {
    options: &'a Svi,
    /// What the state is of.
    facts: Facts,
    /// Nats that the loss weighs.
    weight: f64,
    /// The unknowns of the guide.
    guide: Vec<f64>,
    /// Number of coordinates.
    n: usize,
    /// Adam's running means of the gradient and of its square (Kingma & Ba 2015).
    first: Vec<f64>,
    second: Vec<f64>,
    /// How often the guide moved: a step without a finite particle does not move it.
    moves: i32,
    /// How the last steps pulled at the means.
    pull: Pull,
    /// The step after which the objective no longer got better.
    level: Option<usize>,
    /// Guide, means of the gradient and number of steps where the loss was last finite, before the move from there.
    good: (Vec<f64>, Vec<f64>, Vec<f64>, usize),
    history: History,
    /// Panels [particle, period, group] of the last steps, where somebody watches.
    last: VecDeque<Vec<f64>>,
}

impl<'a> Fit<'a> {
    fn new(options: &'a Svi, objective: &Objective) -> Self {
        let n = objective.dimension();
        let guide = options.guide.start(n, options.initial_scale, options.seed);
        Self {
            options,
            facts: options.facts(objective.problem()),
            weight: objective.weight(),
            first: vec![0.0; guide.len()],
            second: vec![0.0; guide.len()],
            guide,
            n,
            moves: 0,
            pull: Pull::default(),
            level: None,
            good: Default::default(),
            history: History::new(options.looks_back()),
            last: VecDeque::new(),
        }
    }

    /// From which step on it comes to its end, and how many steps that takes.
    fn landing(&self) -> Option<(usize, usize)> {
        let landing = self.options.early_stop?.landing;
        let from = self.level?;
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
        let Some(steps) = self.history.last(self.options.looks_back()) else {
            return false;
        };
        let (before, after) = steps.split_at(patience);
        let mean = |steps: &[Step]| {
            let finite = steps.iter().map(|s| s.objective).filter(|o| o.is_finite());
            finite.clone().sum::<f64>() / finite.count() as f64
        };
        let (before, after) = (mean(before), mean(after));
        before - after < tolerance * before.abs()
            && (self.options.guide == Guide::Point || is_wide_enough(self.pull.width()))
    }

    /// Remembers where the guide is, as the next move may lead where nothing is finite.
    fn mark(&mut self) {
        let (guide, first, second, steps) = &mut self.good;
        guide.clone_from(&self.guide);
        first.clone_from(&self.first);
        second.clone_from(&self.second);
        *steps = self.history.steps();
    }

    /// Goes back to where the loss was last finite, and says that the fit has diverged.
    fn diverged(&mut self, what: &str) -> Error {
        let (guide, first, second, steps) = std::mem::take(&mut self.good);
        let at = if guide.is_empty() { 1 } else { steps + 2 };
        if at > 1 {
            (self.guide, self.first, self.second) = (guide, first, second);
            self.history.truncate(steps);
            // What was seen of steps that are taken back.
            self.level = self.level.filter(|level| *level <= steps);
            self.moves -= 1;
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
        if self.moves == 0 {
            return;
        }
        let correct = 1.0 - DECAY.0.powi(self.moves);
        let of = |a: &[f64]| -> f64 {
            let pieces = a[..self.n]
                .par_chunks(GRAIN)
                .zip(gradient.par_chunks(GRAIN));
            let sums: Vec<f64> = pieces
                .map(|(a, g)| a.iter().zip(g).map(|(a, g)| a * g).sum())
                .collect();
            sums.iter().sum()
        };
        let (together, alone) = (of(&self.first) / correct, of(gradient));
        self.pull.add(together, alone);
    }

    /// The gradient of the objective in the guide's unknowns, its divergence, and the mean loss, which is
    /// NaN without a finite particle.
    fn gradient(&mut self, objective: &Objective, watched: bool) -> Result<(Vec<f64>, Step)> {
        let (n, options) = (self.n, self.options);
        let (family, particles) = (options.guide, options.particles);
        let (step, width) = (self.history.steps(), family.noise(n));
        let noise = normals(options.seed, Purpose::Particles, step, width * particles);
        let noise = |p: usize| &noise[p * width..][..width];
        let u: Vec<_> = (0..particles)
            .map(|p| family.particle(&self.guide, n, noise(p)))
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
        let mut gradient = vec![0.0; self.guide.len()];
        let along_paths = options.estimator == Estimator::Path && family != Guide::Point;
        // By its closed form the divergence is known however it is differentiated.
        let divergence =
            options.kl_weight * options.divergence.of(family, &self.guide, n, &mut gradient);
        let weighs = if along_paths { 0.0 } else { options.kl_weight };
        if weighs != 1.0 {
            gradient.iter_mut().for_each(|g| *g *= weighs);
        }
        let mut balance = 0.0;
        for &p in &good {
            let pull = &mut result.gradient[p * n..][..n];
            let each = pull.par_iter_mut().with_min_len(GRAIN);
            each.for_each(|g| *g = self.weight * *g * share);
            balance += outward(pull, &u[p * n..][..n], &self.guide, share);
            if along_paths {
                let (_, score) = family.density(&self.guide, n, noise(p));
                let u = &u[p * n..][..n];
                for (pull, (score, u)) in pull.iter_mut().zip(score.iter().zip(u)) {
                    *pull += options.kl_weight * share * (score + u);
                }
            }
            family.pull(&self.guide, noise(p), pull, &mut gradient);
        }
        let loss = good.iter().map(|&p| result.loss[p]).sum::<f64>() * share;
        let step = Step {
            evaluations: (step + 1) * particles,
            loss,
            kl: divergence,
            objective: self.weight * loss + divergence,
            dropped: particles - good.len(),
        };
        self.pull.balance(balance / n as f64);
        Ok((gradient, step))
    }

    fn adam(&mut self, rate: f64, gradient: &[f64]) {
        self.moves += 1;
        let correct = (
            1.0 - DECAY.0.powi(self.moves),
            1.0 - DECAY.1.powi(self.moves),
        );
        let means = self.first.par_iter_mut().zip(&mut self.second);
        let all = self.guide.par_iter_mut().zip(means).zip(gradient);
        let all = all.with_min_len(GRAIN);
        all.for_each(|((w, (first, second)), g)| {
            *first = DECAY.0 * *first + (1.0 - DECAY.0) * g;
            *second = DECAY.1 * *second + (1.0 - DECAY.1) * g * g;
            *w -= rate * (*first / correct.0) / ((*second / correct.1).sqrt() + 1e-8);
        });
    }
}

impl Search for Fit<'_> {
    fn method(&self) -> &'static str {
        METHOD
    }

    fn unit(&self) -> &'static str {
        "step"
    }

    fn done(&self) -> usize {
        self.history.steps()
    }

    fn resume(&mut self, saved: &Saved, place: &str) -> Result<()> {
        saved.require(&self.facts, place)?;
        let row = |name| saved.row(name, Some(self.guide.len()), place);
        let rows = (row("guide")?, row("adam.first")?, row("adam.second")?);
        let products = saved.row("pull", None, place)?.as_chunks().0;
        (self.guide, self.first, self.second) = (rows.0.to_vec(), rows.1.to_vec(), rows.2.to_vec());
        self.moves = saved.row("adam.moves", Some(1), place)?[0] as i32;
        self.pull.products = products.to_vec();
        self.pull.outward = saved.row("width", None, place)?.to_vec();
        self.level = saved
            .row("level", None, place)?
            .first()
            .map(|l| *l as usize);
        saved.history(&mut self.history, place)?;
        Ok(())
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
        self.history.push(step);
        if step.loss.is_finite() {
            if let Some(most) = self.options.clip {
                let length = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
                let shorten = (most / length).min(1.0);
                for g in &mut gradient {
                    *g *= shorten;
                }
            }
            self.adam(self.rate(done), &gradient);
            if !self
                .guide
                .par_iter()
                .with_min_len(GRAIN)
                .all(|w| w.is_finite())
            {
                return Err(self.diverged("the guide is no longer finite"));
            }
        } else if let Some(steps) = self.history.last(FAILED)
            && steps.iter().all(|s| !s.loss.is_finite())
        {
            let what = format!("no particle of {FAILED} steps gave a finite loss");
            return Err(self.diverged(&what));
        }
        if self.level.is_none() && self.is_level() {
            self.level = Some(self.done());
        }
        Ok(format!("loss {:.2e}", step.loss))
    }

    fn history(&self) -> &[Step] {
        self.history.kept()
    }

    fn saved(&self) -> Saved {
        let rows = [
            ("guide", self.guide.clone()),
            ("adam.first", self.first.clone()),
            ("adam.second", self.second.clone()),
            ("adam.moves", vec![f64::from(self.moves)]),
            ("pull", self.pull.products.concat()),
            ("width", self.pull.outward.clone()),
            ("level", self.level.map(|l| l as f64).into_iter().collect()),
        ];
        Saved::new(&self.facts, rows, &self.history)
    }

    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>) {
        let units = objective.layout().iter();
        units
            .flat_map(|v| (0..v.units()).map(|k| v.parts(k)))
            .map(|parts| self.options.guide.moments(&self.guide, self.n, parts))
            .unzip()
    }

    fn center(&self) -> Option<Vec<f64>> {
        Some(self.guide[..self.n].to_vec())
    }

    fn panels(&self) -> Vec<f64> {
        self.last.iter().flatten().copied().collect()
    }

    fn draws(&self) -> Result<Draws<'_>> {
        let steps = self.history.kept();
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
        let count = if family == Guide::Point {
            1
        } else {
            self.options.draws
        };
        let one = move |k| {
            let width = family.noise(n);
            let noise = normals(self.options.seed, Purpose::Posterior, k, width);
            let log = family.density(&self.guide, n, &noise).0;
            (family.particle(&self.guide, n, &noise), log)
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
        let (distance, width) = match options.guide {
            Guide::Point => (f64::NAN, f64::NAN),
            _ => (self.pull.distance(options.particles), self.pull.width()),
        };
        Ending {
            distance,
            width,
            effective_draws: f64::INFINITY,
            doubts: of_guide(options, (rates, self.n), (distance, width), &self.history),
        }
    }
}

/// Minimises `w E_q[loss] + divergence(q || prior)` over normals q in the coordinates of the prior, of
/// the family `options.guide`, with w the weight of `Problem::loss` (Knoblauch, Jewson & Damoulas 2022).
/// Particles whose simulation is not finite are left out and counted.
///
/// The stop button, Ctrl-C and `Progress::stop` make it return what it has after the step that is
/// running, with as many of the draws as a quarter of a second allows, at least one.
pub fn calibrate(
    problem: &Problem,
    options: &Svi,
    progress: &mut dyn Progress,
) -> Result<Posterior> {
    let interrupt = Interrupt::watch();
    calibrate::run(problem, options, None, progress, &|| interrupt.asked())
}

impl Posterior {
    /// Goes on from where this posterior was left, to `options.steps` steps in all; with the same
    /// `steps` as before, to the same numbers as of a calibration that had not stopped. Problem and
    /// options are those of the posterior, but for `steps`, `draws`, `early_stop`, times and the state
    /// file, which is not read. For variational inference; ABC goes on from `Abc::state_file`.
    pub fn resume(
        &self,
        problem: &Problem,
        options: &Svi,
        progress: &mut dyn Progress,
    ) -> Result<Posterior> {
        let interrupt = Interrupt::watch();
        let from = Some(self.saved.as_ref());
        calibrate::run(problem, options, from, progress, &|| interrupt.asked())
    }
}
