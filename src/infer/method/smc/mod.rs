//! Sequential Monte Carlo: a population of draws that comes closer to the data round by round, by a tolerance or by weights.

mod tempered;

use super::{Fit, Method, Options, moments};
use crate::error::{Error, Result};
use crate::infer::Step;
use crate::infer::noise::{Purpose, move_from, rows_of_normals, uniforms};
use crate::infer::objective::Objective;
use crate::infer::posterior::Draws;
use crate::infer::posterior::convergence::{Ending, distinct};
use crate::infer::snapshot::PANELS;
use crate::infer::state::Facts;
use crate::infer::state::history::History;
use crate::infer::state::rows::{Rows, Unfit, from_rows, rows_of};
use serde::{Deserialize, Serialize};
use tempered::{Tempered, WAY};

/// What it is called in results.
pub(super) const NAME: &str = "SMC-ABC";

/// What it is called with `Ladder::Likelihood`.
pub(super) const TEMPERED: &str = "tempered SMC";

/// What leads a population from the prior to the posterior.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Ladder {
    /// A tolerance of the loss that falls: approximate, and needs no gradient.
    #[default]
    Tolerance,
    /// The weight of the data, which rises from 0 to 1: the draws are those of the posterior, on all its hills in their
    /// proportions, and `Posterior::evidence` has the evidence. Needs gradients, some hundred a draw.
    Likelihood,
}

/// Options of sequential Monte Carlo: by an adaptive tolerance (SMC-ABC; Del Moral, Doucet & Jasra 2012), or with
/// `Ladder::Likelihood` by tempering.
///
/// By tempering, the data gain weight in steps that leave the population worth the share `survivors` of its size; draws
/// that fit take the places of those that do not, and each is moved along its gradient, by Hamiltonian moves in the
/// spreads of the population. It is right where `Svi` and `Nuts` stay on a wrong hill.
///
/// By tolerance, the population starts from the prior. In each round the tolerance falls to the loss that `survivors`
/// of the population keep to; the others are replaced by copies of these, and each makes one move that
/// leaves the prior as it is, u' = √(1 - β²) u + β ε (Cotter et al. 2013), taken where its loss is
/// within the tolerance. β follows the share that is taken. Needs no gradient; memory holds population x
/// coordinates.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Smc {
    /// What leads the population to the posterior.
    pub ladder: Ladder,
    /// Draws in the population, which are those of the posterior. Unless given 200; by tempering ten
    /// for each unknown, at least 400 and at most 2,000.
    pub population: usize,
    /// Model evaluations in all. Unless given 10,000; by tempering, which ends by itself, at most ten million.
    pub evaluations: usize,
    /// Share of the population that survives a round, in 0..1; by tempering, that it is worth.
    pub survivors: f64,
    /// Moves of each draw a round, by tempering.
    pub moves: usize,
    /// Draws simulated together, at most: in large economies fewer, as a stop waits for them.
    pub batch: usize,
}

impl Default for Smc {
    fn default() -> Self {
        Self {
            ladder: Ladder::Tolerance,
            population: Self::BY_LADDER,
            evaluations: Self::BY_LADDER,
            survivors: 0.5,
            moves: 2,
            batch: 256,
        }
    }
}

impl Smc {
    /// Stands for what follows from the ladder.
    pub const BY_LADDER: usize = usize::MAX - 1;

    /// With what is not given, for so many unknowns.
    fn filled(&self, unknowns: usize) -> Smc {
        let (population, evaluations) = match self.ladder {
            Ladder::Tolerance => (200, 10_000),
            // Of more unknowns fewer draws survive a round by chance alone.
            Ladder::Likelihood => ((10 * unknowns).clamp(400, 2000), 10_000_000),
        };
        let or = |value: usize, other: usize| match value {
            Self::BY_LADDER => other,
            value => value,
        };
        Smc {
            population: or(self.population, population),
            evaluations: or(self.evaluations, evaluations),
            ..self.clone()
        }
    }
}

impl Options for Smc {
    fn name(&self) -> &'static str {
        match self.ladder {
            Ladder::Tolerance => NAME,
            Ladder::Likelihood => TEMPERED,
        }
    }

    fn sized(&self, unknowns: usize, _: Option<&Facts>) -> Option<Method> {
        Some(Method::Smc(self.filled(unknowns)))
    }

    fn short_name(&self) -> &'static str {
        "smc"
    }

    fn total(&self) -> (&'static str, usize) {
        match self.ladder {
            Ladder::Tolerance => ("Smc.evaluations", self.evaluations),
            Ladder::Likelihood => ("Smc.ladder", WAY),
        }
    }

    fn posterior_draws(&self) -> usize {
        self.population
    }

    fn lasting(&self) -> Method {
        Method::Smc(Smc {
            evaluations: Smc::default().evaluations,
            ..self.clone()
        })
    }

    fn check(&self) -> Result<()> {
        if self.moves == 0 {
            return Err(Error::new("Smc.moves", "it is 0", "give at least 1"));
        }
        let whole = self.filled(0);
        if whole.population < 2 || self.batch == 0 || whole.evaluations < whole.population {
            return Err(Error::new(
                "Smc",
                format!(
                    "population {}, evaluations {}, batch {}",
                    whole.population, whole.evaluations, self.batch
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
        Ok(())
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let numbers = self.population as f64 * 2.0 * objective.numbers_of_draw();
        vec![("Smc.population", "the population", numbers)]
    }

    fn start(&self, objective: &Objective, seed: u64) -> Result<Box<dyn Fit + '_>> {
        Ok(match self.ladder {
            Ladder::Tolerance => Box::new(Population::new(self, objective, seed)),
            Ladder::Likelihood => Box::new(Tempered::new(self, objective, seed)),
        })
    }
}

/// A population part of the way through a round.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    /// Coordinates, [draw, coordinate].
    u: Vec<f64>,
    /// Their losses; infinite where a simulation was not finite.
    loss: Vec<f64>,
    tolerance: f64,
    /// β of the doc of `Smc`.
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

/// A population on its way.
struct Population<'a> {
    options: &'a Smc,
    seed: u64,
    /// Number of coordinates.
    n: usize,
    state: State,
    /// Panels of the first draws, where somebody watches.
    panels: Vec<Vec<f64>>,
}

/// Share of moves that should be taken.
const TAKEN: f64 = 0.25;

impl<'a> Population<'a> {
    fn new(options: &'a Smc, objective: &Objective, seed: u64) -> Self {
        Self {
            options,
            seed,
            n: objective.dimension(),
            state: State {
                u: Vec::new(),
                loss: Vec::new(),
                tolerance: f64::INFINITY,
                reach: 0.5,
                taken: 0,
                next: 0,
                round: 0,
                done: 0,
                history: History::default(),
            },
            panels: vec![Vec::new(); options.population.min(PANELS)],
        }
    }

    /// Lowers the tolerance, and lets those within it take the places of the others.
    fn select(&mut self) {
        let size = self.state.loss.len();
        if self.state.round > 1 {
            let share = self.state.taken as f64 / size as f64;
            self.state.reach = (self.state.reach * (2.0 * (share - TAKEN)).exp()).clamp(1e-3, 1.0);
        }
        self.state.taken = 0;
        let mut sorted = self.state.loss.clone();
        sorted.sort_by(f64::total_cmp);
        let keep = ((self.options.survivors * size as f64) as usize).clamp(1, size);
        self.state.tolerance = sorted[keep - 1];
        let within: Vec<usize> = (0..size)
            .filter(|k| self.state.loss[*k] <= self.state.tolerance)
            .collect();
        let mut chance = uniforms(self.seed, Purpose::Choice, self.state.round);
        for k in 0..size {
            if self.state.loss[k] > self.state.tolerance {
                let pick = chance.next().expect("without end") * within.len() as f64;
                let from = within[(pick as usize).min(within.len() - 1)];
                self.state
                    .u
                    .copy_within(from * self.n..(from + 1) * self.n, k * self.n);
                self.state.loss[k] = self.state.loss[from];
                if k < self.panels.len() {
                    // Outside the pictured ones the panel is not known: the old one goes.
                    self.panels[k] = self.panels.get(from).cloned().unwrap_or_default();
                }
            }
        }
    }
}

impl Fit for Population<'_> {
    fn unit(&self) -> &'static str {
        "evaluation"
    }

    fn done(&self) -> usize {
        self.state.done
    }

    /// Moves some of the population.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String> {
        let (n, options) = (self.n, self.options);
        let size = options.population;
        if self.state.next == size {
            self.state.next = 0;
            self.state.round += 1;
        }
        if self.state.next == 0 && self.state.round > 0 {
            self.select();
        }
        let quick = objective.particles_at_once();
        let left = (size - self.state.next).min(options.evaluations - self.state.done);
        let batch = options.batch.min(quick).min(left);
        let first = self.state.round * size + self.state.next;
        let moves = first..first + batch;
        let mut moved = rows_of_normals(self.seed, Purpose::Proposal, moves, n);
        if self.state.round > 0 {
            let here = &self.state.u[self.state.next * n..][..batch * n];
            move_from(here, self.state.reach, &mut moved);
        }
        let (loss, panel) = objective.loss_watched(&moved, self.state.tolerance, watched)?;
        let one = panel.len() / batch;
        let mut dropped = 0;
        for (j, loss) in loss.iter().enumerate() {
            let k = self.state.next + j;
            dropped += usize::from(!loss.is_finite());
            let taken = loss.is_finite() && *loss <= self.state.tolerance;
            let row = &moved[j * n..][..n];
            if self.state.round == 0 {
                self.state.u.extend(row);
                self.state.loss.push(if loss.is_finite() {
                    *loss
                } else {
                    f64::INFINITY
                });
            } else if taken {
                self.state.u[k * n..][..n].copy_from_slice(row);
                self.state.loss[k] = *loss;
                self.state.taken += 1;
            }
            if watched && taken && k < self.panels.len() {
                self.panels[k] = panel[j * one..][..one].to_vec();
            }
        }
        self.state.next += batch;
        self.state.done += batch;
        let finite = self.state.loss.iter().filter(|l| l.is_finite());
        let mean = finite.clone().sum::<f64>() / finite.count() as f64;
        self.state.history.push(Step {
            evaluations: self.state.done,
            loss: mean,
            kl: 0.0,
            objective: mean,
            dropped,
        });
        Ok(format!("round {}, mean loss {mean:.2e}", self.state.round))
    }

    fn history(&self) -> &[Step] {
        self.state.history.kept()
    }

    fn state(&self) -> Rows {
        rows_of(&self.state)
    }

    fn restore(&mut self, state: &Rows) -> std::result::Result<(), Unfit> {
        let read: State = from_rows(state)?;
        if read.u.len() != read.loss.len() * self.n {
            return Err(Unfit::missing("u"));
        }
        self.state = State {
            history: read.history.restored(0)?,
            ..read
        };
        Ok(())
    }

    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>) {
        moments(objective, &self.state.u)
    }

    fn panels(&self) -> Vec<f64> {
        self.panels.iter().flatten().copied().collect()
    }

    fn draws(&self) -> Result<Draws<'_>> {
        let good = |k: &usize| self.state.loss[*k].is_finite();
        let count = (0..self.state.loss.len()).filter(good).count();
        if count == 0 {
            return Err(Error::new(
                "calibration",
                "no draw gave a finite loss",
                "narrow the priors",
            ));
        }
        let one = |k: usize| (self.state.u[k * self.n..][..self.n].to_vec(), f64::NAN);
        Ok(Draws {
            count,
            each: Box::new((0..self.state.loss.len()).filter(good).map(one)),
        })
    }

    fn ending(&self) -> Ending {
        let remedy = "raise Smc.population, or Smc.evaluations so that copies move apart";
        Ending::of_draws(
            self.state.loss.len(),
            distinct(&self.state.u, self.n),
            remedy,
        )
    }
}
