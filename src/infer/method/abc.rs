//! ABC rejection: draw from the prior, keep the draws with the lowest loss.

use crate::error::{Error, Result};
use crate::infer::Problem;
use crate::infer::calibrate::{self, Frame, Options, Search};
use crate::infer::history::History;
use crate::infer::noise::{Purpose, normals, rows_of_normals};
use crate::infer::objective::Objective;
use crate::infer::posterior::convergence::Ending;
use crate::infer::posterior::{Draws, Posterior, Step};
use crate::infer::snapshot::PANELS;
use crate::infer::state::{Facts, Keeper, Saved, facts_of};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

pub(crate) const METHOD: &str = "ABC rejection";

/// Options of ABC rejection.
#[derive(Clone, Debug, PartialEq)]
pub struct Abc {
    /// Draws from the prior; each costs one model evaluation.
    pub draws: usize,
    /// How many of them are kept, those with the lowest loss.
    pub keep: usize,
    /// Draws simulated together, at most: in large economies fewer, as a stop waits for them.
    pub batch: usize,
    /// Simulate no more draws after this many seconds of this call.
    pub max_seconds: Option<f64>,
    /// Seed; the same problem, options and seed give the same result.
    pub seed: u64,
    /// A file that keeps the state, as `Svi::state_file` does; `draws` counts all draws. For the same
    /// numbers as without a stop, the draws done before must fill whole batches, as they do after
    /// every stop.
    pub state_file: Option<PathBuf>,
    /// Seconds between two writings of `state_file`.
    pub save_seconds: f64,
}

impl Default for Abc {
    fn default() -> Self {
        Self {
            draws: 3000,
            keep: 100,
            batch: 256,
            max_seconds: None,
            seed: 0,
            state_file: None,
            save_seconds: 30.0,
        }
    }
}

impl Abc {
    /// What a state is of.
    fn facts(&self, problem: &Problem) -> Facts {
        let mut facts = facts_of(problem, METHOD);
        facts.extend([
            ("Abc.keep", self.keep.to_string()),
            ("Abc.batch", self.batch.to_string()),
            ("Abc.seed", self.seed.to_string()),
        ]);
        facts
    }
}

impl Options for Abc {
    fn frame(&self) -> Frame<'_> {
        Frame {
            place: "Abc.draws",
            total: self.draws,
            file: self.state_file.as_deref(),
            save_seconds: self.save_seconds,
            max_seconds: self.max_seconds,
        }
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
        Keeper::check("Abc.save_seconds", self.save_seconds)
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let numbers = self.keep as f64 * objective.numbers_of_draw();
        vec![("Abc.keep", "the draws that are kept", numbers)]
    }

    fn start(&self, objective: &Objective) -> Result<Box<dyn Search + '_>> {
        Ok(Box::new(Found::new(self, objective)))
    }
}

/// A draw that is kept.
struct Kept {
    loss: f64,
    /// Its number: the draw is made again from it where it is wanted.
    draw: usize,
    /// Its panel [period, group], where it is among the best and somebody watches.
    panel: Option<Vec<f64>>,
}

/// What was found by now.
struct Found<'a> {
    options: &'a Abc,
    /// What the state is of.
    facts: Facts,
    /// Number of coordinates.
    n: usize,
    done: usize,
    /// The best draws, the best first.
    kept: Vec<Kept>,
    history: History,
}

impl<'a> Found<'a> {
    fn new(options: &'a Abc, objective: &Objective) -> Self {
        Self {
            options,
            facts: options.facts(objective.problem()),
            n: objective.dimension(),
            done: 0,
            kept: Vec::new(),
            history: History::default(),
        }
    }

    /// Coordinates of the kept draws.
    fn coordinates(&self) -> impl Iterator<Item = Vec<f64>> {
        let one = |k: &Kept| normals(self.options.seed, Purpose::Prior, k.draw, self.n);
        self.kept.iter().map(one)
    }
}

impl Search for Found<'_> {
    fn method(&self) -> &'static str {
        METHOD
    }

    fn unit(&self) -> &'static str {
        "draw"
    }

    fn done(&self) -> usize {
        self.done
    }

    fn resume(&mut self, saved: &Saved, place: &str) -> Result<()> {
        saved.require(&self.facts, place)?;
        let loss = saved.row("kept.loss", None, place)?;
        let draw = saved.row("kept.draw", Some(loss.len()), place)?;
        let kept = loss.iter().zip(draw).map(|(loss, draw)| Kept {
            loss: *loss,
            draw: *draw as usize,
            panel: None,
        });
        self.kept = kept.collect();
        self.done = saved.row("done", Some(1), place)?[0] as usize;
        saved.history(&mut self.history, place)?;
        Ok(())
    }

    /// Simulates one batch and keeps the best of all.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String> {
        let options = self.options;
        let quick = objective.particles_at_once();
        let batch = options.batch.min(quick).min(options.draws - self.done);
        let (n, done) = (self.n, self.done);
        // What is worse than all of these will not be kept.
        let limit = match self.kept.last() {
            Some(last) if self.kept.len() == options.keep => last.loss,
            _ => f64::INFINITY,
        };
        let rows = |some: Range<usize>| {
            let draws = done + some.start..done + some.end;
            Cow::Owned(rows_of_normals(options.seed, Purpose::Prior, draws, n))
        };
        let (loss, panel) = objective.loss_drawn(batch, &rows, limit, watched)?;
        let mut dropped = 0;
        for (k, loss) in loss.into_iter().enumerate() {
            if loss.is_finite() {
                let (draw, panel) = (self.done + k, None);
                self.kept.push(Kept { loss, draw, panel });
            } else {
                dropped += 1;
            }
        }
        self.kept
            .sort_by(|a, b| a.loss.total_cmp(&b.loss).then(a.draw.cmp(&b.draw)));
        self.kept.truncate(options.keep);
        // A draw only falls back: one that is not among the best when it comes never will be.
        let one = panel.len() / batch;
        for (rank, kept) in self.kept.iter_mut().enumerate() {
            if rank >= PANELS || !watched {
                kept.panel = None;
            } else if kept.draw >= self.done {
                let k = kept.draw - self.done;
                kept.panel = Some(panel[k * one..][..one].to_vec());
            }
        }
        self.done += batch;
        let mean = self.kept.iter().map(|k| k.loss).sum::<f64>() / self.kept.len() as f64;
        self.history.push(Step {
            evaluations: self.done,
            loss: mean,
            kl: 0.0,
            objective: mean,
            dropped,
        });
        Ok(format!("loss of the best {} {mean:.2e}", self.kept.len()))
    }

    fn history(&self) -> &[Step] {
        self.history.kept()
    }

    fn saved(&self) -> Saved {
        let column = |f: fn(&Kept) -> f64| self.kept.iter().map(f).collect();
        let rows = [
            ("kept.loss", column(|k| k.loss)),
            ("kept.draw", column(|k| k.draw as f64)),
            ("done", vec![self.done as f64]),
        ];
        Saved::new(&self.facts, rows, &self.history)
    }

    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>) {
        let all: Vec<f64> = self.coordinates().flatten().collect();
        moments(objective, &all)
    }

    fn panels(&self) -> Vec<f64> {
        let panels = self.kept.iter().filter_map(|k| k.panel.as_deref());
        panels.flatten().copied().collect()
    }

    fn draws(&self) -> Result<Draws<'_>> {
        if self.kept.is_empty() {
            return Err(Error::new(
                "calibration",
                "no draw gave a finite loss",
                "narrow the priors",
            ));
        }
        Ok(Draws {
            count: self.kept.len(),
            each: Box::new(self.coordinates().map(|u| (u, f64::NAN))),
        })
    }

    fn ending(&self) -> Ending {
        let kept = self.kept.len();
        Ending::of_draws(kept, kept as f64, "raise Abc.keep, and Abc.draws with it")
    }
}

/// Means and standard deviations of all units over draws [draw, coordinate].
pub(crate) fn moments(objective: &Objective, u: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let dimension = objective.dimension();
    let count = (u.len() / dimension) as f64;
    let (mut mean, mut scale) = (Vec::new(), Vec::new());
    for varying in objective.layout() {
        let n = varying.units();
        let table = varying.unit_coordinates(u, dimension);
        let column = |f: &dyn Fn(f64, usize) -> f64| -> Vec<f64> {
            let mut sums = vec![0.0; n];
            for row in table.chunks_exact(n) {
                for (k, v) in row.iter().enumerate() {
                    sums[k] += f(*v, k);
                }
            }
            sums.iter().map(|s| s / count).collect()
        };
        let here = column(&|u, _| u);
        let variance = column(&|u, k| (u - here[k]).powi(2));
        scale.extend(variance.iter().map(|v| v.sqrt()));
        mean.extend(here);
    }
    (mean, scale)
}

/// Keeps the best `keep` of `draws` draws from the prior. Memory holds the kept draws only. On the CPU a draw's
/// simulation ends once its sum of squares is above the worst that is kept, which changes no result.
///
/// The stop button, Ctrl-C and `Progress::stop` make it return what it has after the batch that is
/// running.
pub fn calibrate_abc(
    problem: &Problem,
    options: &Abc,
    progress: &mut dyn Progress,
) -> Result<Posterior> {
    let interrupt = Interrupt::watch();
    calibrate::run(problem, options, None, progress, &|| interrupt.asked())
}
