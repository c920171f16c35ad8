//! ABC rejection: draw from the prior, keep the draws with the lowest loss.

use super::{Fit, Method, Options, moments};
use crate::error::{Error, Result};
use crate::infer::Step;
use crate::infer::noise::{Purpose, normals, rows_of_normals};
use crate::infer::objective::Objective;
use crate::infer::posterior::Draws;
use crate::infer::posterior::convergence::Ending;
use crate::infer::snapshot::PANELS;
use crate::infer::state::history::History;
use crate::infer::state::rows::{Rows, Unfit, from_rows, rows_of};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Range;

/// What it is called in results.
pub(super) const NAME: &str = "ABC rejection";

/// Options of ABC rejection: of many draws from the prior it keeps those with the lowest loss. Memory holds the kept draws
/// only. On the CPU a draw's simulation ends once its sum of squares is above the worst that is kept, which changes no
/// result.
///
/// A fit that goes on from a state gives the numbers of one that did not stop where the draws made before fill whole
/// batches, as they do after every stop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Abc {
    /// Draws from the prior; each costs one model evaluation.
    pub draws: usize,
    /// How many of them are kept, those with the lowest loss.
    pub keep: usize,
    /// Draws simulated together, at most: in large economies fewer, as a stop waits for them.
    pub batch: usize,
}

impl Default for Abc {
    fn default() -> Self {
        Self {
            draws: 3000,
            keep: 100,
            batch: 256,
        }
    }
}

impl Options for Abc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn short_name(&self) -> &'static str {
        "abc"
    }

    fn total(&self) -> (&'static str, usize) {
        ("Abc.draws", self.draws)
    }

    fn posterior_draws(&self) -> usize {
        self.keep
    }

    fn lasting(&self) -> Method {
        Method::Abc(Abc {
            draws: Abc::default().draws,
            ..self.clone()
        })
    }

    fn check(&self) -> Result<()> {
        if self.keep == 0 || self.batch == 0 || self.draws < self.keep {
            return Err(Error::new(
                "Abc",
                format!(
                    "{} draws, keep {}, batch {}",
                    self.draws, self.keep, self.batch
                ),
                "keep at least 1, at most all draws, in batches of at least 1",
            ));
        }
        Ok(())
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let numbers = self.keep as f64 * objective.numbers_of_draw();
        vec![("Abc.keep", "the draws that are kept", numbers)]
    }

    fn start(&self, objective: &Objective, seed: u64) -> Result<Box<dyn Fit + '_>> {
        Ok(Box::new(Found::new(self, objective, seed)))
    }
}

/// A draw that is kept.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    loss: f64,
    /// Its number: the draw is made again from it where it is wanted.
    draw: usize,
    /// Its panel [period, group], where it is among the best and somebody watches.
    #[serde(skip)]
    panel: Option<Vec<f64>>,
}

/// What was found by now.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    done: usize,
    /// The best draws, the best first.
    kept: Vec<Kept>,
    history: History,
}

/// A rejection on its way.
struct Found<'a> {
    options: &'a Abc,
    seed: u64,
    /// Number of coordinates.
    n: usize,
    state: State,
}

impl<'a> Found<'a> {
    fn new(options: &'a Abc, objective: &Objective, seed: u64) -> Self {
        Self {
            options,
            seed,
            n: objective.dimension(),
            state: State::default(),
        }
    }

    /// Coordinates of the kept draws.
    fn coordinates(&self) -> impl Iterator<Item = Vec<f64>> {
        let one = |k: &Kept| normals(self.seed, Purpose::Prior, k.draw, self.n);
        self.state.kept.iter().map(one)
    }
}

impl Fit for Found<'_> {
    fn unit(&self) -> &'static str {
        "draw"
    }

    fn done(&self) -> usize {
        self.state.done
    }

    /// Simulates one batch and keeps the best of all.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String> {
        let options = self.options;
        let quick = objective.particles_at_once();
        let batch = options
            .batch
            .min(quick)
            .min(options.draws - self.state.done);
        let (n, done) = (self.n, self.state.done);
        // What is worse than all of these will not be kept.
        let limit = match self.state.kept.last() {
            Some(last) if self.state.kept.len() == options.keep => last.loss,
            _ => f64::INFINITY,
        };
        let rows = |some: Range<usize>| {
            let draws = done + some.start..done + some.end;
            Cow::Owned(rows_of_normals(self.seed, Purpose::Prior, draws, n))
        };
        let (loss, panel) = objective.loss_drawn(batch, &rows, limit, watched)?;
        let mut dropped = 0;
        for (k, loss) in loss.into_iter().enumerate() {
            if loss.is_finite() {
                let (draw, panel) = (self.state.done + k, None);
                self.state.kept.push(Kept { loss, draw, panel });
            } else {
                dropped += 1;
            }
        }
        self.state
            .kept
            .sort_by(|a, b| a.loss.total_cmp(&b.loss).then(a.draw.cmp(&b.draw)));
        self.state.kept.truncate(options.keep);
        // A draw only falls back: one that is not among the best when it comes never will be.
        let one = panel.len() / batch;
        for (rank, kept) in self.state.kept.iter_mut().enumerate() {
            if rank >= PANELS || !watched {
                kept.panel = None;
            } else if kept.draw >= self.state.done {
                let k = kept.draw - self.state.done;
                kept.panel = Some(panel[k * one..][..one].to_vec());
            }
        }
        self.state.done += batch;
        let mean =
            self.state.kept.iter().map(|k| k.loss).sum::<f64>() / self.state.kept.len() as f64;
        self.state.history.push(Step {
            evaluations: self.state.done,
            loss: mean,
            kl: 0.0,
            objective: mean,
            dropped,
        });
        Ok(format!(
            "loss of the best {} {mean:.2e}",
            self.state.kept.len()
        ))
    }

    fn history(&self) -> &[Step] {
        self.state.history.kept()
    }

    fn state(&self) -> Rows {
        rows_of(&self.state)
    }

    fn restore(&mut self, state: &Rows) -> std::result::Result<(), Unfit> {
        let read: State = from_rows(state)?;
        self.state = State {
            history: read.history.restored(0)?,
            ..read
        };
        Ok(())
    }

    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>) {
        let all: Vec<f64> = self.coordinates().flatten().collect();
        moments(objective, &all)
    }

    fn panels(&self) -> Vec<f64> {
        let panels = self.state.kept.iter().filter_map(|k| k.panel.as_deref());
        panels.flatten().copied().collect()
    }

    fn draws(&self) -> Result<Draws<'_>> {
        if self.state.kept.is_empty() {
            return Err(Error::new(
                "calibration",
                "no draw gave a finite loss",
                "narrow the priors",
            ));
        }
        Ok(Draws {
            count: self.state.kept.len(),
            each: Box::new(self.coordinates().map(|u| (u, f64::NAN))),
        })
    }

    fn ending(&self) -> Ending {
        let kept = self.state.kept.len();
        Ending::of_draws(kept, kept as f64, "raise Abc.keep, and Abc.draws with it")
    }
}
