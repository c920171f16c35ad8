//! Generalised variational inference with normal guides.

use super::Problem;
use super::guide::Guide;
use super::noise::{Purpose, normals};
use super::objective::Objective;
use super::posterior::{Pace, Posterior, Step, assemble};
use super::saved::{Facts, Keeper, Saved, facts_of};
use super::snapshot::{PANELS, Phase, Snapshot, marginals};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::simulate::host;
use burn::tensor::Tensor;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

const METHOD: &str = "variational inference";

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
            draws: 100,
            max_seconds: None,
            seed: 0,
            state_file: None,
            save_seconds: 30.0,
        }
    }
}

impl Svi {
    pub(super) fn check(&self) -> Result<()> {
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
        Keeper::check("Svi.save_seconds", self.save_seconds)
    }

    /// The learning rate of step `k`, from 0.
    fn rate(&self, k: usize) -> f64 {
        let rise = ((k + 1) as f64 / (self.warm_up + 1) as f64).min(1.0);
        let gone = (k as f64 / self.steps as f64).min(1.0);
        let left = 0.5 * (1.0 + (std::f64::consts::PI * gone).cos());
        self.learning_rate * rise * (self.final_rate + (1.0 - self.final_rate) * left)
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
            ("Svi.seed", self.seed.to_string()),
        ]);
        facts
    }
}

/// Where a fit stands: all that the next step depends on, besides the problem and the options.
struct Fit {
    /// The family of the guide, and its unknowns.
    family: Guide,
    guide: Vec<f64>,
    /// Number of coordinates.
    n: usize,
    /// Adam's running means of the gradient and of its square (Kingma & Ba 2015).
    first: Vec<f64>,
    second: Vec<f64>,
    /// How often the guide moved: a step without a finite particle does not move it.
    moves: i32,
    /// One entry per step.
    history: Vec<Step>,
}

impl Fit {
    fn new(options: &Svi, n: usize) -> Self {
        let family = options.guide;
        let guide = family.start(n, options.initial_scale, options.seed);
        Self {
            family,
            first: vec![0.0; guide.len()],
            second: vec![0.0; guide.len()],
            guide,
            n,
            moves: 0,
            history: Vec::new(),
        }
    }

    /// Goes on from `saved`, which was found at `place`.
    fn resumed(saved: &Saved, facts: &Facts, family: Guide, n: usize, place: &str) -> Result<Self> {
        saved.require(facts, place)?;
        let row = |name| saved.row(name, Some(family.unknowns(n)), place);
        Ok(Self {
            family,
            n,
            guide: row("guide")?.to_vec(),
            first: row("adam.first")?.to_vec(),
            second: row("adam.second")?.to_vec(),
            moves: saved.row("adam.moves", Some(1), place)?[0] as i32,
            history: saved.history(place)?,
        })
    }

    fn saved(&self, facts: &Facts) -> Saved {
        let rows = [
            ("guide", self.guide.clone()),
            ("adam.first", self.first.clone()),
            ("adam.second", self.second.clone()),
            ("adam.moves", vec![f64::from(self.moves)]),
        ];
        Saved::new(facts, rows, &self.history)
    }

    /// Means and scales of the guide.
    fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        self.family.moments(&self.guide, self.n)
    }

    /// One step; returns the panel [particle, period, group] of its particles.
    fn step(&mut self, objective: &Objective, weight: f64, options: &Svi) -> Result<Tensor<3>> {
        let n = objective.dimension();
        let particles = options.particles;
        let step = self.history.len();
        let (guide, width) = (self.family, self.family.noise(n));
        let noise: Vec<f64> =
            normals(options.seed, Purpose::Particles, step, width * particles).collect();
        let u: Vec<f64> = noise
            .chunks_exact(width)
            .flat_map(|e| guide.particle(&self.guide, n, e))
            .collect();
        let (result, panel) = objective.gradient_and_panel(&u)?;
        let finite = |p: usize| {
            result.loss[p].is_finite()
                && result.gradient[p * n..][..n].iter().all(|g| g.is_finite())
        };
        let good: Vec<usize> = (0..particles).filter(|&p| finite(p)).collect();
        let mut gradient = vec![0.0; self.guide.len()];
        let kl = guide.kl(&self.guide, n, &mut gradient);
        let loss = if good.is_empty() {
            f64::NAN
        } else {
            good.iter().map(|&p| result.loss[p]).sum::<f64>() / good.len() as f64
        };
        self.history.push(Step {
            evaluations: (step + 1) * particles,
            loss,
            kl,
            objective: weight * loss + kl,
            dropped: particles - good.len(),
        });
        if !good.is_empty() {
            for &p in &good {
                let pull: Vec<f64> = result.gradient[p * n..][..n]
                    .iter()
                    .map(|g| weight * g / good.len() as f64)
                    .collect();
                guide.pull(
                    &self.guide,
                    &noise[p * width..][..width],
                    &pull,
                    &mut gradient,
                );
            }
            self.adam(options.rate(step), &gradient);
        }
        Ok(panel)
    }

    fn adam(&mut self, rate: f64, gradient: &[f64]) {
        const DECAY: (f64, f64) = (0.9, 0.999);
        self.moves += 1;
        let correct = (
            1.0 - DECAY.0.powi(self.moves),
            1.0 - DECAY.1.powi(self.moves),
        );
        for (k, g) in gradient.iter().enumerate() {
            self.first[k] = DECAY.0 * self.first[k] + (1.0 - DECAY.0) * g;
            self.second[k] = DECAY.1 * self.second[k] + (1.0 - DECAY.1) * g * g;
            self.guide[k] -=
                rate * (self.first[k] / correct.0) / ((self.second[k] / correct.1).sqrt() + 1e-8);
        }
    }
}

/// Minimises `w E_q[loss] + KL(q || prior)` over normals q in the coordinates of the prior, of the
/// family `options.guide`, with w = cells / (2 noise²) (Knoblauch et al. 2022). Particles whose simulation is not
/// finite are left out and counted.
///
/// The stop button, Ctrl-C and `Progress::stop` make it return what it has after the step that is
/// running, with as many of the draws as a quarter of a second allows, at least one.
pub fn calibrate(
    problem: &Problem,
    options: &Svi,
    progress: &mut dyn Progress,
) -> Result<Posterior> {
    let interrupt = Interrupt::watch();
    run(problem, options, None, progress, &|| interrupt.asked())
}

impl Posterior {
    /// Goes on from where this posterior was left, to `options.steps` steps in all; with the same
    /// `steps` as before, to the same numbers as of a calibration that had not stopped. Problem and
    /// options are those of the posterior, but for `steps`, `draws`, times and the state file, which
    /// is not read. For variational inference; ABC goes on from `Abc::state_file`.
    pub fn resume(
        &self,
        problem: &Problem,
        options: &Svi,
        progress: &mut dyn Progress,
    ) -> Result<Posterior> {
        let interrupt = Interrupt::watch();
        let from = Some(self.saved.as_ref());
        run(problem, options, from, progress, &|| interrupt.asked())
    }
}

/// `from` is the state to go on from; `asked` is true once the call should return what it has.
pub(super) fn run(
    problem: &Problem,
    options: &Svi,
    from: Option<&Saved>,
    progress: &mut dyn Progress,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    fit(problem, options, from, progress, asked).inspect_err(|e| progress.fail(e))
}

fn fit(
    problem: &Problem,
    options: &Svi,
    from: Option<&Saved>,
    progress: &mut dyn Progress,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    options.check()?;
    let begin = Instant::now();
    let objective = Objective::new(problem)?;
    let n = objective.dimension();
    options.guide.check(n)?;
    let weight = objective.cells() as f64 / (2.0 * problem.noise * problem.noise);
    let facts = options.facts(problem);
    let file = options.state_file.as_deref();
    let mut fit = match (from, file) {
        (Some(saved), _) => Fit::resumed(saved, &facts, options.guide, n, "posterior")?,
        (None, Some(file)) if file.exists() => {
            let place = file.display().to_string();
            Fit::resumed(&Saved::read(file)?, &facts, options.guide, n, &place)?
        }
        _ => Fit::new(options, n),
    };
    let before = fit.history.len();
    if before > options.steps {
        return Err(Error::new(
            "Svi.steps",
            format!("{} steps, but {before} are made already", options.steps),
            "give the number of all steps, or begin anew with another state_file",
        ));
    }
    let mut keeper = Keeper::new(file, options.save_seconds);
    // At once, so that a file that cannot be written is refused before any work.
    if file.is_some() {
        keeper.save(&fit.saved(&facts))?;
    }
    let mut warnings = Vec::new();
    progress.start(METHOD, options.steps);
    let watched = progress.watches();
    let mut last: VecDeque<Tensor<3>> = VecDeque::new();
    let mut snapshot = Snapshot::new(METHOD, problem, options.steps, before);
    let (mut late, mut stopped) = (false, false);
    while fit.history.len() < options.steps && !late && !stopped {
        let panel = fit.step(&objective, weight, options)?;
        let done = fit.history.len();
        let loss = fit.history[done - 1].loss;
        progress.update(done, &format!("loss {loss:.2e}"));
        if watched {
            last.push_back(panel);
            if last.len() > PANELS.div_ceil(options.particles) {
                last.pop_front();
            }
            if progress.wants_picture() {
                look(&mut snapshot, &fit, &objective, &last, begin);
                progress.picture(snapshot.clone());
            }
        }
        if keeper.due()
            && let Err(e) = keeper.save(&fit.saved(&facts))
        {
            warnings = vec![e.to_string()];
        }
        late = options
            .max_seconds
            .is_some_and(|s| begin.elapsed().as_secs_f64() > s);
        stopped = asked() || progress.stop();
    }
    if fit.history.iter().all(|s| s.loss.is_nan()) {
        return Err(Error::new(
            "calibration",
            "no particle gave a finite loss",
            "lower Svi.learning_rate or Svi.initial_scale, or narrow the priors",
        ));
    }
    let saved = fit.saved(&facts);
    if let Err(e) = keeper.save(&saved) {
        warnings = vec![e.to_string()];
    }
    if watched {
        look(&mut snapshot, &fit, &objective, &last, begin);
        snapshot.phase = Phase::Drawing;
        progress.picture(snapshot.clone());
    }
    let (mean, scale) = fit.moments();
    let (guide, width) = (fit.family, fit.family.noise(n));
    let mut draws = (0..options.draws).flat_map(|k| {
        let noise: Vec<f64> = normals(options.seed, Purpose::Posterior, k, width).collect();
        guide.particle(&fit.guide, n, &noise)
    });
    let ask = || asked() || progress.stop();
    let pace = if stopped {
        Pace::Hurried
    } else {
        Pace::Until(&ask)
    };
    let mut posterior = assemble(problem, &objective, METHOD, &mean, &scale, &mut draws, pace)?;
    posterior.stopped = fit.history.len() < options.steps || posterior.draws < options.draws;
    posterior.warnings = warnings;
    posterior.evaluations = fit.history.last().map_or(0, |s| s.evaluations);
    posterior.history = fit.history;
    posterior.saved = Arc::new(saved);
    posterior.seconds = begin.elapsed().as_secs_f64();
    if watched {
        progress.picture(posterior.last_picture(snapshot));
    }
    progress.finish(&format!("{} evaluations", posterior.evaluations));
    Ok(posterior)
}

/// Brings a snapshot up to date.
fn look(
    snapshot: &mut Snapshot,
    fit: &Fit,
    objective: &Objective,
    last: &VecDeque<Tensor<3>>,
    begin: Instant,
) {
    let (mean, scale) = fit.moments();
    snapshot.done = fit.history.len();
    snapshot.seconds = begin.elapsed().as_secs_f64();
    snapshot
        .history
        .extend(&fit.history[snapshot.history.len()..]);
    snapshot.parameters = marginals(objective, &mean, &scale);
    snapshot.panels = Arc::new(last.iter().flat_map(|p| host(p.clone())).collect());
}
