//! The fit of a guide: stochastic gradients of particles, and Adam.

use super::descent::DECAY;
use super::{EAGER, EarlyStop, Svi, half_cosine};
use crate::error::{Error, Result};
use crate::infer::Step;
use crate::infer::method::Fit;
use crate::infer::noise::{Purpose, normals};
use crate::infer::objective::Objective;
use crate::infer::posterior::convergence::{Ending, Pull, is_wide_enough, of_guide};
use crate::infer::posterior::{Draws, Start};
use crate::infer::state::history::History;
use crate::infer::state::rows::{Rows, Unfit, from_rows, rows_of};
use crate::simulate::GRAIN;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Steps in a row without a finite particle after which a fit has diverged.
const FAILED: usize = 10;
/// Spread of the further starts, in standard deviations of the prior.
const INNER: f64 = 0.5;

/// All that the next step depends on.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// The unknowns of the guides, [start, unknown]: of all starts until the best goes on alone.
    pub(super) guide: Vec<f64>,
    /// Adam's running means of the gradient and of its square (Kingma & Ba 2015).
    pub(super) first: Vec<f64>,
    pub(super) second: Vec<f64>,
    /// How often each guide moved: a step without a finite particle does not move it.
    pub(super) moves: Vec<i32>,
    /// Running mean of each guide's objective; infinite of one that diverged.
    pub(super) standing: Vec<f64>,
    /// What each start came to once the best goes on alone: its objective, and how far it ended from the best.
    pub(super) tried: Vec<[f64; 2]>,
    /// Which of them went on.
    pub(super) kept: usize,
    /// The step from which on the data have their full weight.
    pub(super) full: Option<usize>,
    /// How the last steps pulled at the means.
    pub(super) pull: Pull,
    /// The step after which the objective no longer got better.
    pub(super) level: Option<usize>,
    pub(super) history: History,
}

/// A fit of a guide.
pub(super) struct Ascent<'a> {
    pub(super) options: &'a Svi,
    pub(super) seed: u64,
    /// Nats that the loss weighs.
    pub(super) weight: f64,
    /// Number of coordinates.
    pub(super) n: usize,
    pub(super) state: State,
    /// Guide, means of the gradient and number of steps where the loss was last finite, before the move from there.
    pub(super) good: (Vec<f64>, Vec<f64>, Vec<f64>, usize),
    /// Panels [particle, period, group] of the last steps, where somebody watches.
    pub(super) last: VecDeque<Vec<f64>>,
}

impl<'a> Ascent<'a> {
    pub(super) fn new(options: &'a Svi, objective: &Objective, seed: u64) -> Self {
        let n = objective.dimension();
        let one = |start: usize| {
            let mut guide = options.guide.start(n, options.initial_scale, seed);
            if start > 0 {
                let means = normals(seed, Purpose::Start, start, n);
                let both = guide.iter_mut().zip(means);
                both.for_each(|(m, e)| *m = INNER * e);
            }
            guide
        };
        let guide: Vec<f64> = (0..options.starts).flat_map(one).collect();
        Self {
            options,
            seed,
            weight: objective.weight(),
            n,
            state: State {
                first: vec![0.0; guide.len()],
                second: vec![0.0; guide.len()],
                guide,
                moves: vec![0; options.starts],
                standing: vec![f64::NAN; options.starts],
                tried: Vec::new(),
                kept: 0,
                full: None,
                pull: Pull::default(),
                level: None,
                history: History::new(options.looks_back()),
            },
            good: Default::default(),
            last: VecDeque::new(),
        }
    }

    /// The first step that can count for an early end: one guide, with the data in full weight.
    fn settling(&self) -> Option<usize> {
        let full = self.state.full?;
        (self.guides() == 1).then(|| match self.options.starts {
            1 => full,
            _ => full.max(self.options.trial()),
        })
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
        let eager = match self.state.full {
            Some(full) if k >= full => 1.0,
            _ => EAGER,
        };
        match self.landing() {
            Some((from, steps)) if k >= from && steps > 0 => {
                let gone = ((k - from) as f64 / steps as f64).min(1.0);
                let (high, low) = (
                    options.rate(from),
                    options.final_rate * options.learning_rate,
                );
                low + (high - low).max(0.0) * half_cosine(gone)
            }
            _ => eager * options.rate(k),
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
        let back = self.options.looks_back();
        if self.settling().is_none_or(|from| self.done() < from + back) {
            return false;
        }
        let Some(steps) = self.state.history.last(back) else {
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
    pub(super) fn diverged(&mut self, what: &str) -> Error {
        let (guide, first, second, steps) = std::mem::take(&mut self.good);
        let at = if guide.is_empty() { 1 } else { steps + 2 };
        if at > 1 {
            (self.state.guide, self.state.first, self.state.second) = (guide, first, second);
            self.state.history.truncate(steps);
            // What was seen of steps that are taken back.
            self.state.level = self.state.level.filter(|level| *level <= steps);
            self.state.moves.iter_mut().for_each(|m| *m -= 1);
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
        if self.guides() > 1 || self.state.moves[0] == 0 {
            return;
        }
        let correct = 1.0 - DECAY.0.powi(self.state.moves[0]);
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
        if self.data_weight() == 1.0 {
            self.state.full.get_or_insert(self.state.history.steps());
        }
        let found = self.gradients(objective, watched)?;
        let (done, leading) = (self.done(), self.leading());
        let dropped = found.iter().map(|(_, step)| step.dropped).sum();
        let step = Step {
            dropped,
            ..found[leading].1
        };
        if found.iter().any(|(_, step)| step.loss.is_finite()) {
            self.mark();
        }
        if step.loss.is_finite() {
            self.pulled(&found[leading].0);
        }
        self.state.history.push(step);
        let (guides, rate) = (found.len(), self.rate(done));
        for (k, (gradient, step)) in found.into_iter().enumerate() {
            self.go(k, gradient, step, rate)?;
        }
        if !step.loss.is_finite()
            && let Some(steps) = self.state.history.last(FAILED)
            && steps.iter().all(|s| !s.loss.is_finite())
        {
            let what = format!("no particle of {FAILED} steps gave a finite loss");
            self.lose(leading, &what)?;
        }
        if guides > 1 && self.done() >= self.options.trial() {
            self.select();
        }
        if self.state.level.is_none() && self.is_level() {
            self.state.level = Some(self.done());
        }
        Ok(match guides {
            1 => format!("loss {:.2e}", step.loss),
            _ => format!("loss {:.2e}, the best of {guides} starts", step.loss),
        })
    }

    fn history(&self) -> &[Step] {
        self.state.history.kept()
    }

    fn state(&self) -> Rows {
        rows_of(&self.state)
    }

    fn restore(&mut self, state: &Rows) -> std::result::Result<(), Unfit> {
        let read: State = from_rows(state)?;
        // Of all starts, or of the one that went on.
        let guides = read.moves.len();
        if (guides != 1 && guides != self.guides()) || read.standing.len() != guides {
            return Err(Unfit::missing("moves"));
        }
        let rows = [
            ("guide", &read.guide),
            ("first", &read.first),
            ("second", &read.second),
        ];
        for (name, row) in rows {
            if row.len() != guides * self.place(0).len() {
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
            .map(|parts| self.options.guide.moments(self.guide(), self.n, parts))
            .unzip()
    }

    fn center(&self) -> Option<Vec<f64>> {
        Some(self.guide()[..self.n].to_vec())
    }

    fn starts(&self) -> Vec<Start> {
        let all = self.state.tried.iter().enumerate();
        all.map(|(k, [objective, distance])| Start {
            objective: *objective,
            distance: *distance,
            kept: k == self.state.kept,
        })
        .collect()
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
            let log = family.density(self.guide(), n, &noise).0;
            (family.particle(self.guide(), n, &noise), log)
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
