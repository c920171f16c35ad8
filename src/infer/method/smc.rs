//! Sequential Monte Carlo ABC: a population of draws that comes closer to the data round by round.

use crate::error::{Error, Result};
use crate::infer::Problem;
use crate::infer::calibrate::{self, Frame, Options, Search};
use crate::infer::history::History;
use crate::infer::method::abc::moments;
use crate::infer::noise::{Purpose, move_from, rows_of_normals, uniforms};
use crate::infer::objective::Objective;
use crate::infer::posterior::convergence::{Ending, distinct};
use crate::infer::posterior::{Draws, Posterior, Step};
use crate::infer::snapshot::PANELS;
use crate::infer::state::{Facts, Keeper, Saved, facts_of};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use std::path::PathBuf;

pub(crate) const METHOD: &str = "SMC-ABC";

/// Options of sequential Monte Carlo ABC with an adaptive tolerance (Del Moral, Doucet & Jasra 2012).
///
/// The population starts from the prior. In each round the tolerance falls to the loss that `survivors`
/// of the population keep to; the others are replaced by copies of these, and each makes one move that
/// leaves the prior as it is, u' = √(1 - β²) u + β ε (Cotter et al. 2013), taken where its loss is
/// within the tolerance. β follows the share that is taken. Needs no gradient; memory holds population x
/// coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Smc {
    /// Draws in the population, which are those of the posterior.
    pub population: usize,
    /// Model evaluations in all.
    pub evaluations: usize,
    /// Share of the population that survives a round, in 0..1.
    pub survivors: f64,
    /// Draws simulated together, at most: in large economies fewer, as a stop waits for them.
    pub batch: usize,
    /// Simulate no more after this many seconds of this call.
    pub max_seconds: Option<f64>,
    /// Seed; the same problem, options and seed give the same result.
    pub seed: u64,
    /// A file that keeps the state, as `Svi::state_file` does; `evaluations` counts all.
    pub state_file: Option<PathBuf>,
    /// Seconds between two writings of `state_file`.
    pub save_seconds: f64,
}

impl Default for Smc {
    fn default() -> Self {
        Self {
            population: 200,
            evaluations: 10_000,
            survivors: 0.5,
            batch: 256,
            max_seconds: None,
            seed: 0,
            state_file: None,
            save_seconds: 30.0,
        }
    }
}

impl Smc {
    fn facts(&self, problem: &Problem) -> Facts {
        let mut facts = facts_of(problem, METHOD);
        facts.extend([
            ("Smc.population", self.population.to_string()),
            ("Smc.survivors", format!("{:?}", self.survivors)),
            ("Smc.batch", self.batch.to_string()),
            ("Smc.seed", self.seed.to_string()),
        ]);
        facts
    }
}

impl Options for Smc {
    fn frame(&self) -> Frame<'_> {
        Frame {
            place: "Smc.evaluations",
            total: self.evaluations,
            file: self.state_file.as_deref(),
            save_seconds: self.save_seconds,
            max_seconds: self.max_seconds,
        }
    }

    fn check(&self) -> Result<()> {
        if self.population < 2 || self.batch == 0 || self.evaluations < self.population {
            return Err(Error::new(
                "Smc",
                format!(
                    "population {}, evaluations {}, batch {}",
                    self.population, self.evaluations, self.batch
                ),
                "give a population of at least 2, evaluations for all of it, and batches of at least 1",
            ));
        }
        if !(self.survivors > 0.0 && self.survivors < 1.0) {
            return Err(Error::new(
                "Smc.survivors",
                format!("it is {}", self.survivors),
                "give a share between 0 and 1, such as 0.5",
            ));
        }
        Keeper::check("Smc.save_seconds", self.save_seconds)
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let numbers = self.population as f64 * 2.0 * objective.numbers_of_draw();
        vec![("Smc.population", "the population", numbers)]
    }

    fn start(&self, objective: &Objective) -> Result<Box<dyn Search + '_>> {
        Ok(Box::new(Population::new(self, objective)))
    }
}

/// A population part of the way through a round.
struct Population<'a> {
    options: &'a Smc,
    facts: Facts,
    /// Number of coordinates.
    n: usize,
    /// Coordinates, [draw, coordinate].
    u: Vec<f64>,
    /// Their losses; infinite where a simulation was not finite.
    loss: Vec<f64>,
    /// Panels of the first draws, where somebody watches.
    panels: Vec<Vec<f64>>,
    tolerance: f64,
    /// β of the type's doc.
    reach: f64,
    /// Moves of this round that were taken.
    taken: usize,
    /// The draw that moves next in this round.
    next: usize,
    round: usize,
    /// Evaluations.
    done: usize,
    history: History,
}

/// Share of moves that should be taken.
const TAKEN: f64 = 0.25;

impl<'a> Population<'a> {
    fn new(options: &'a Smc, objective: &Objective) -> Self {
        Self {
            options,
            facts: options.facts(objective.problem()),
            n: objective.dimension(),
            u: Vec::new(),
            loss: Vec::new(),
            panels: vec![Vec::new(); options.population.min(PANELS)],
            tolerance: f64::INFINITY,
            reach: 0.5,
            taken: 0,
            next: 0,
            round: 0,
            done: 0,
            history: History::default(),
        }
    }

    /// Lowers the tolerance, and lets those within it take the places of the others.
    fn select(&mut self) {
        let size = self.loss.len();
        if self.round > 1 {
            let share = self.taken as f64 / size as f64;
            self.reach = (self.reach * (2.0 * (share - TAKEN)).exp()).clamp(1e-3, 1.0);
        }
        self.taken = 0;
        let mut sorted = self.loss.clone();
        sorted.sort_by(f64::total_cmp);
        let keep = ((self.options.survivors * size as f64) as usize).clamp(1, size);
        self.tolerance = sorted[keep - 1];
        let within: Vec<usize> = (0..size)
            .filter(|k| self.loss[*k] <= self.tolerance)
            .collect();
        let mut chance = uniforms(self.options.seed, Purpose::Choice, self.round);
        for k in 0..size {
            if self.loss[k] > self.tolerance {
                let pick = chance.next().expect("without end") * within.len() as f64;
                let from = within[(pick as usize).min(within.len() - 1)];
                self.u
                    .copy_within(from * self.n..(from + 1) * self.n, k * self.n);
                self.loss[k] = self.loss[from];
                if k < self.panels.len() {
                    // Outside the pictured ones the panel is not known: the old one goes.
                    self.panels[k] = self.panels.get(from).cloned().unwrap_or_default();
                }
            }
        }
    }
}

impl Search for Population<'_> {
    fn method(&self) -> &'static str {
        METHOD
    }

    fn unit(&self) -> &'static str {
        "evaluation"
    }

    fn done(&self) -> usize {
        self.done
    }

    fn resume(&mut self, saved: &Saved, place: &str) -> Result<()> {
        saved.require(&self.facts, place)?;
        self.loss = saved.row("population.loss", None, place)?.to_vec();
        let length = Some(self.loss.len() * self.n);
        self.u = saved.row("population.u", length, place)?.to_vec();
        let [tolerance, reach, taken, next, round, done] = *saved.row("round", Some(6), place)?
        else {
            unreachable!("a row of six");
        };
        (self.tolerance, self.reach) = (tolerance, reach);
        (self.taken, self.next) = (taken as usize, next as usize);
        (self.round, self.done) = (round as usize, done as usize);
        saved.history(&mut self.history, place)?;
        Ok(())
    }

    /// Moves some of the population.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String> {
        let (n, options) = (self.n, self.options);
        let size = options.population;
        if self.next == size {
            self.next = 0;
            self.round += 1;
        }
        if self.next == 0 && self.round > 0 {
            self.select();
        }
        let quick = objective.particles_at_once();
        let left = (size - self.next).min(options.evaluations - self.done);
        let batch = options.batch.min(quick).min(left);
        let first = self.round * size + self.next;
        let moves = first..first + batch;
        let mut moved = rows_of_normals(options.seed, Purpose::Proposal, moves, n);
        if self.round > 0 {
            let here = &self.u[self.next * n..][..batch * n];
            move_from(here, self.reach, &mut moved);
        }
        let (loss, panel) = objective.loss_watched(&moved, self.tolerance, watched)?;
        let one = panel.len() / batch;
        let mut dropped = 0;
        for (j, loss) in loss.iter().enumerate() {
            let k = self.next + j;
            dropped += usize::from(!loss.is_finite());
            let taken = loss.is_finite() && *loss <= self.tolerance;
            let row = &moved[j * n..][..n];
            if self.round == 0 {
                self.u.extend(row);
                self.loss.push(if loss.is_finite() {
                    *loss
                } else {
                    f64::INFINITY
                });
            } else if taken {
                self.u[k * n..][..n].copy_from_slice(row);
                self.loss[k] = *loss;
                self.taken += 1;
            }
            if watched && taken && k < self.panels.len() {
                self.panels[k] = panel[j * one..][..one].to_vec();
            }
        }
        self.next += batch;
        self.done += batch;
        let finite = self.loss.iter().filter(|l| l.is_finite());
        let mean = finite.clone().sum::<f64>() / finite.count() as f64;
        self.history.push(Step {
            evaluations: self.done,
            loss: mean,
            kl: 0.0,
            objective: mean,
            dropped,
        });
        Ok(format!("round {}, mean loss {mean:.2e}", self.round))
    }

    fn history(&self) -> &[Step] {
        self.history.kept()
    }

    fn saved(&self) -> Saved {
        let round = [self.taken, self.next, self.round, self.done].map(|v| v as f64);
        let rows = [
            ("population.u", self.u.clone()),
            ("population.loss", self.loss.clone()),
            (
                "round",
                [&[self.tolerance, self.reach][..], &round].concat(),
            ),
        ];
        Saved::new(&self.facts, rows, &self.history)
    }

    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>) {
        moments(objective, &self.u)
    }

    fn panels(&self) -> Vec<f64> {
        self.panels.iter().flatten().copied().collect()
    }

    fn draws(&self) -> Result<Draws<'_>> {
        let good = |k: &usize| self.loss[*k].is_finite();
        let count = (0..self.loss.len()).filter(good).count();
        if count == 0 {
            return Err(Error::new(
                "calibration",
                "no draw gave a finite loss",
                "narrow the priors",
            ));
        }
        let one = |k: usize| (self.u[k * self.n..][..self.n].to_vec(), f64::NAN);
        Ok(Draws {
            count,
            each: Box::new((0..self.loss.len()).filter(good).map(one)),
        })
    }

    fn ending(&self) -> Ending {
        let remedy = "raise Smc.population, or Smc.evaluations so that copies move apart";
        Ending::of_draws(self.loss.len(), distinct(&self.u, self.n), remedy)
    }
}

/// Calibrates by sequential Monte Carlo ABC.
///
/// The stop button, Ctrl-C and `Progress::stop` make it return what it has after the batch that is
/// running.
pub fn calibrate_smc(
    problem: &Problem,
    options: &Smc,
    progress: &mut dyn Progress,
) -> Result<Posterior> {
    let interrupt = Interrupt::watch();
    calibrate::run(problem, options, None, progress, &|| interrupt.asked())
}
