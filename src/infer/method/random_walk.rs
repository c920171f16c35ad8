//! Random-walk Metropolis: chains that need no gradient and sample the posterior itself.

use super::{Fit, Method, Options, moments};
use crate::error::{Error, Result};
use crate::infer::Step;
use crate::infer::noise::{Purpose, move_from, normals, uniforms};
use crate::infer::objective::Objective;
use crate::infer::posterior::Draws;
use crate::infer::posterior::convergence::{Ending, effective_draws, quarters};
use crate::infer::snapshot::PANELS;
use crate::infer::state::history::History;
use crate::infer::state::rows::{Rows, Unfit, from_rows, rows_of};
use serde::{Deserialize, Serialize};

/// What it is called in results.
pub(super) const NAME: &str = "random walk";

/// Options of random-walk Metropolis on the generalised posterior exp(-w loss) x prior, with proposals
/// u' = √(1 - β²) u + β ε that leave the prior as it is (preconditioned Crank-Nicolson; Cotter et al.
/// 2013). With enough evaluations it is exact; of many parameters it needs very many. Stopped before half of the evaluations
/// it gives where the chains are. The chains' course depends on `evaluations`, so a fit goes on with the same only.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RandomWalk {
    /// Chains, each from its own draw of the prior.
    pub chains: usize,
    /// Model evaluations in all; one moves one chain. β follows the share of proposals taken in the first
    /// half, which is thrown away.
    pub evaluations: usize,
    /// States kept of the second half, evenly spread over chains and time.
    pub keep: usize,
}

impl Default for RandomWalk {
    fn default() -> Self {
        Self {
            chains: 16,
            evaluations: 20_000,
            keep: 200,
        }
    }
}

impl RandomWalk {
    /// Moves of every chain.
    fn moves(&self) -> usize {
        self.evaluations / self.chains
    }
}

impl Options for RandomWalk {
    fn name(&self) -> &'static str {
        NAME
    }

    fn short_name(&self) -> &'static str {
        "walk"
    }

    fn total(&self) -> (&'static str, usize) {
        ("RandomWalk.evaluations", self.moves())
    }

    fn posterior_draws(&self) -> usize {
        self.keep
    }

    fn lasting(&self) -> Method {
        Method::RandomWalk(self.clone())
    }

    fn check(&self) -> Result<()> {
        if self.chains == 0 || self.keep == 0 || self.evaluations < 4 * self.chains {
            return Err(Error::new(
                "RandomWalk",
                format!(
                    "{} chains, {} evaluations, keep {}",
                    self.chains, self.evaluations, self.keep
                ),
                "give at least one chain, four evaluations for each, and keep at least 1",
            ));
        }
        Ok(())
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let numbers = (self.keep as f64 + 3.0 * self.chains as f64) * objective.numbers_of_draw();
        vec![(
            "RandomWalk",
            "the states that are kept and the chains",
            numbers,
        )]
    }

    fn start(&self, objective: &Objective, seed: u64) -> Result<Box<dyn Fit + '_>> {
        Ok(Box::new(Chains::new(self, objective, seed)))
    }
}

/// The chains after some moves.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    /// Where the chains are, [chain, coordinate], and their losses.
    u: Vec<f64>,
    loss: Vec<f64>,
    /// β of the doc of `RandomWalk`.
    reach: f64,
    /// States that are kept, [draw, coordinate].
    kept: Vec<f64>,
    /// Moves of every chain that are made; the first is the draw it starts from.
    moves: usize,
    history: History,
}

/// Chains on their way.
struct Chains<'a> {
    options: &'a RandomWalk,
    seed: u64,
    /// Number of coordinates.
    n: usize,
    /// Nats that the loss weighs.
    weight: f64,
    state: State,
    /// Panels of the first chains, where somebody watches.
    panels: Vec<Vec<f64>>,
}

/// Share of proposals that should be taken.
const TAKEN: f64 = 0.234;

impl<'a> Chains<'a> {
    fn new(options: &'a RandomWalk, objective: &Objective, seed: u64) -> Self {
        Self {
            options,
            seed,
            n: objective.dimension(),
            weight: objective.weight(),
            state: State {
                u: Vec::new(),
                loss: Vec::new(),
                reach: 0.2,
                kept: Vec::new(),
                moves: 0,
                history: History::default(),
            },
            panels: vec![Vec::new(); options.chains.min(PANELS)],
        }
    }

    /// Keeps as many of the chains' states as brings their number up to its share of the second half.
    fn keep(&mut self) {
        let (half, all) = (self.options.moves() / 2, self.options.moves());
        let Some(after) = self.state.moves.checked_sub(half).filter(|a| *a > 0) else {
            return;
        };
        let due = self.options.keep * after / (all - half);
        let chains = self.options.chains;
        while self.state.kept.len() / self.n < due {
            // Chains in turn.
            let k = (self.state.kept.len() / self.n) % chains;
            let row = self.state.u[k * self.n..][..self.n].to_vec();
            self.state.kept.extend(row);
        }
    }

    /// The states that are kept, or where the chains are before any is.
    fn states(&self) -> &[f64] {
        if self.state.kept.is_empty() {
            &self.state.u
        } else {
            &self.state.kept
        }
    }
}

impl Fit for Chains<'_> {
    fn unit(&self) -> &'static str {
        "move"
    }

    fn done(&self) -> usize {
        self.state.moves
    }

    /// Every chain makes a move.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String> {
        let (n, options) = (self.n, self.options);
        let chains = options.chains;
        let mut proposed = normals(self.seed, Purpose::Proposal, self.state.moves, chains * n);
        if self.state.moves > 0 {
            move_from(&self.state.u, self.state.reach, &mut proposed);
        }
        let (mut loss, mut panels) = (Vec::new(), Vec::new());
        let together = objective.particles_within(200_000_000).min(chains);
        for rows in proposed.chunks(together * n) {
            let (some, panel) = objective.loss_watched(rows, f64::INFINITY, watched)?;
            loss.extend(some);
            panels.extend(panel);
        }
        let one = panels.len() / chains;
        let mut chance = uniforms(self.seed, Purpose::Choice, self.state.moves);
        let (mut taken, mut dropped) = (0, 0);
        for (k, proposal) in loss.into_iter().enumerate() {
            let luck = chance.next().expect("without end");
            let proposal = if proposal.is_finite() {
                proposal
            } else {
                dropped += 1;
                f64::INFINITY
            };
            if self.state.moves == 0 {
                self.state.loss.push(proposal);
            } else if luck.ln() < self.weight * (self.state.loss[k] - proposal) {
                self.state.loss[k] = proposal;
                self.state.u[k * n..][..n].copy_from_slice(&proposed[k * n..][..n]);
                taken += 1;
            } else {
                continue;
            }
            if watched && k < self.panels.len() {
                self.panels[k] = panels[k * one..][..one].to_vec();
            }
        }
        if self.state.moves == 0 {
            self.state.u = proposed;
        } else if self.state.moves < options.moves() / 2 {
            let share = taken as f64 / chains as f64;
            let slower = (1.0 + self.state.moves as f64 / 20.0).sqrt();
            self.state.reach =
                (self.state.reach * ((share - TAKEN) / slower).exp()).clamp(1e-5, 1.0);
        }
        self.state.moves += 1;
        self.keep();
        let mean = self.state.loss.iter().sum::<f64>() / chains as f64;
        self.state.history.push(Step {
            evaluations: self.state.moves * chains,
            loss: mean,
            kl: 0.0,
            objective: mean,
            dropped,
        });
        Ok(format!("mean loss of the chains {mean:.2e}"))
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
        moments(objective, self.states())
    }

    fn panels(&self) -> Vec<f64> {
        self.panels.iter().flatten().copied().collect()
    }

    fn draws(&self) -> Result<Draws<'_>> {
        if self.state.loss.iter().all(|l| l.is_infinite()) {
            return Err(Error::new(
                "calibration",
                "no chain has a finite loss",
                "narrow the priors",
            ));
        }
        let states = self.states().chunks_exact(self.n);
        Ok(Draws {
            count: states.len(),
            each: Box::new(states.map(|u| (u.to_vec(), f64::NAN))),
        })
    }

    fn ending(&self) -> Ending {
        let (states, chains) = (self.states(), self.options.chains);
        let effective = effective_draws(states, self.n, chains);
        let remedy = "raise RandomWalk.evaluations";
        let mut ending = Ending::of_draws(states.len() / self.n, effective, remedy);
        if let Some((before, last, error)) = quarters(self.state.history.kept()) {
            let nats = self.weight * (before - last);
            if nats > 1.0 && before - last > 0.05 * last.abs() && before - last > 3.0 * error {
                ending.doubts.push(format!(
                    "the chains have not converged: their mean loss still fell by {:.0} % from the last but one to the last quarter; {remedy}",
                    100.0 * (before - last) / before
                ));
            }
        }
        ending
    }
}
