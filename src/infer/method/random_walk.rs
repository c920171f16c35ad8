//! Random-walk Metropolis: chains that need no gradient and sample the posterior itself.

use crate::error::{Error, Result};
use crate::infer::Problem;
use crate::infer::calibrate::{self, Frame, Options, Search};
use crate::infer::history::History;
use crate::infer::method::abc::moments;
use crate::infer::noise::{Purpose, move_from, normals, uniforms};
use crate::infer::objective::Objective;
use crate::infer::posterior::convergence::{Ending, effective_draws, quarters};
use crate::infer::posterior::{Draws, Posterior, Step};
use crate::infer::snapshot::PANELS;
use crate::infer::state::{Facts, Keeper, Saved, facts_of};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use std::path::PathBuf;

pub(crate) const METHOD: &str = "random walk";

/// Options of random-walk Metropolis on the generalised posterior exp(-w loss) x prior, with proposals
/// u' = √(1 - β²) u + β ε that leave the prior as it is (preconditioned Crank-Nicolson; Cotter et al.
/// 2013). With enough evaluations it is exact; of many parameters it needs very many.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomWalk {
    /// Chains, each from its own draw of the prior.
    pub chains: usize,
    /// Model evaluations in all; one moves one chain. β follows the share of proposals taken in the first
    /// half, which is thrown away.
    pub evaluations: usize,
    /// States kept of the second half, evenly spread over chains and time.
    pub keep: usize,
    /// Simulate no more after this many seconds of this call.
    pub max_seconds: Option<f64>,
    /// Seed; the same problem, options and seed give the same result.
    pub seed: u64,
    /// A file that keeps the state, as `Svi::state_file` does. The chains' course depends on
    /// `evaluations`.
    pub state_file: Option<PathBuf>,
    /// Seconds between two writings of `state_file`.
    pub save_seconds: f64,
}

impl Default for RandomWalk {
    fn default() -> Self {
        Self {
            chains: 16,
            evaluations: 20_000,
            keep: 200,
            max_seconds: None,
            seed: 0,
            state_file: None,
            save_seconds: 30.0,
        }
    }
}

impl RandomWalk {
    fn facts(&self, problem: &Problem) -> Facts {
        let mut facts = facts_of(problem, METHOD);
        facts.extend([
            ("RandomWalk.chains", self.chains.to_string()),
            ("RandomWalk.evaluations", self.evaluations.to_string()),
            ("RandomWalk.keep", self.keep.to_string()),
            ("RandomWalk.seed", self.seed.to_string()),
        ]);
        facts
    }

    /// Moves of every chain.
    fn moves(&self) -> usize {
        self.evaluations / self.chains
    }
}

impl Options for RandomWalk {
    fn frame(&self) -> Frame<'_> {
        Frame {
            place: "RandomWalk.evaluations",
            total: self.moves(),
            file: self.state_file.as_deref(),
            save_seconds: self.save_seconds,
            max_seconds: self.max_seconds,
        }
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
        Keeper::check("RandomWalk.save_seconds", self.save_seconds)
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let numbers = (self.keep as f64 + 3.0 * self.chains as f64) * objective.numbers_of_draw();
        vec![(
            "RandomWalk",
            "the states that are kept and the chains",
            numbers,
        )]
    }

    fn start(&self, objective: &Objective) -> Result<Box<dyn Search + '_>> {
        Ok(Box::new(Chains::new(self, objective)))
    }
}

/// The chains after some moves.
struct Chains<'a> {
    options: &'a RandomWalk,
    facts: Facts,
    /// Number of coordinates.
    n: usize,
    /// Nats that the loss weighs.
    weight: f64,
    /// Where the chains are, [chain, coordinate], and their losses.
    u: Vec<f64>,
    loss: Vec<f64>,
    /// Panels of the first chains, where somebody watches.
    panels: Vec<Vec<f64>>,
    /// β of the options' doc.
    reach: f64,
    /// States that are kept, [draw, coordinate].
    kept: Vec<f64>,
    /// Moves of every chain that are made; the first is the draw it starts from.
    moves: usize,
    history: History,
}

/// Share of proposals that should be taken.
const TAKEN: f64 = 0.234;

impl<'a> Chains<'a> {
    fn new(options: &'a RandomWalk, objective: &Objective) -> Self {
        Self {
            options,
            facts: options.facts(objective.problem()),
            n: objective.dimension(),
            weight: objective.weight(),
            u: Vec::new(),
            loss: Vec::new(),
            panels: vec![Vec::new(); options.chains.min(PANELS)],
            reach: 0.2,
            kept: Vec::new(),
            moves: 0,
            history: History::default(),
        }
    }

    /// Keeps as many of the chains' states as brings their number up to its share of the second half.
    fn keep(&mut self) {
        let (half, all) = (self.options.moves() / 2, self.options.moves());
        let Some(after) = self.moves.checked_sub(half).filter(|a| *a > 0) else {
            return;
        };
        let due = self.options.keep * after / (all - half);
        let chains = self.options.chains;
        while self.kept.len() / self.n < due {
            // Chains in turn.
            let k = (self.kept.len() / self.n) % chains;
            let row = self.u[k * self.n..][..self.n].to_vec();
            self.kept.extend(row);
        }
    }

    /// The states that are kept, or where the chains are before any is.
    fn states(&self) -> &[f64] {
        if self.kept.is_empty() {
            &self.u
        } else {
            &self.kept
        }
    }
}

impl Search for Chains<'_> {
    fn method(&self) -> &'static str {
        METHOD
    }

    fn unit(&self) -> &'static str {
        "move"
    }

    fn done(&self) -> usize {
        self.moves
    }

    fn resume(&mut self, saved: &Saved, place: &str) -> Result<()> {
        saved.require(&self.facts, place)?;
        self.loss = saved.row("chains.loss", None, place)?.to_vec();
        let length = Some(self.loss.len() * self.n);
        self.u = saved.row("chains.u", length, place)?.to_vec();
        self.kept = saved.row("kept.u", None, place)?.to_vec();
        let state = saved.row("moves", Some(2), place)?;
        (self.moves, self.reach) = (state[0] as usize, state[1]);
        saved.history(&mut self.history, place)?;
        Ok(())
    }

    /// Every chain makes a move.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String> {
        let (n, options) = (self.n, self.options);
        let chains = options.chains;
        let mut proposed = normals(options.seed, Purpose::Proposal, self.moves, chains * n);
        if self.moves > 0 {
            move_from(&self.u, self.reach, &mut proposed);
        }
        let (mut loss, mut panels) = (Vec::new(), Vec::new());
        let together = objective.particles_within(200_000_000).min(chains);
        for rows in proposed.chunks(together * n) {
            let (some, panel) = objective.loss_watched(rows, f64::INFINITY, watched)?;
            loss.extend(some);
            panels.extend(panel);
        }
        let one = panels.len() / chains;
        let mut chance = uniforms(options.seed, Purpose::Choice, self.moves);
        let (mut taken, mut dropped) = (0, 0);
        for (k, proposal) in loss.into_iter().enumerate() {
            let luck = chance.next().expect("without end");
            let proposal = if proposal.is_finite() {
                proposal
            } else {
                dropped += 1;
                f64::INFINITY
            };
            if self.moves == 0 {
                self.loss.push(proposal);
            } else if luck.ln() < self.weight * (self.loss[k] - proposal) {
                self.loss[k] = proposal;
                self.u[k * n..][..n].copy_from_slice(&proposed[k * n..][..n]);
                taken += 1;
            } else {
                continue;
            }
            if watched && k < self.panels.len() {
                self.panels[k] = panels[k * one..][..one].to_vec();
            }
        }
        if self.moves == 0 {
            self.u = proposed;
        } else if self.moves < options.moves() / 2 {
            let share = taken as f64 / chains as f64;
            let slower = (1.0 + self.moves as f64 / 20.0).sqrt();
            self.reach = (self.reach * ((share - TAKEN) / slower).exp()).clamp(1e-5, 1.0);
        }
        self.moves += 1;
        self.keep();
        let mean = self.loss.iter().sum::<f64>() / chains as f64;
        self.history.push(Step {
            evaluations: self.moves * chains,
            loss: mean,
            kl: 0.0,
            objective: mean,
            dropped,
        });
        Ok(format!("mean loss of the chains {mean:.2e}"))
    }

    fn history(&self) -> &[Step] {
        self.history.kept()
    }

    fn saved(&self) -> Saved {
        let rows = [
            ("chains.u", self.u.clone()),
            ("chains.loss", self.loss.clone()),
            ("kept.u", self.kept.clone()),
            ("moves", vec![self.moves as f64, self.reach]),
        ];
        Saved::new(&self.facts, rows, &self.history)
    }

    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>) {
        moments(objective, self.states())
    }

    fn panels(&self) -> Vec<f64> {
        self.panels.iter().flatten().copied().collect()
    }

    fn draws(&self) -> Result<Draws<'_>> {
        if self.loss.iter().all(|l| l.is_infinite()) {
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
        if let Some((before, last, error)) = quarters(self.history.kept()) {
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

/// Calibrates by random-walk Metropolis.
///
/// The stop button, Ctrl-C and `Progress::stop` make it return what it has after the moves that are
/// running; before half of the evaluations that is where the chains are.
pub fn calibrate_walk(
    problem: &Problem,
    options: &RandomWalk,
    progress: &mut dyn Progress,
) -> Result<Posterior> {
    let interrupt = Interrupt::watch();
    calibrate::run(problem, options, None, progress, &|| interrupt.asked())
}
