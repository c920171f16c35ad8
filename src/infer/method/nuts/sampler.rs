//! Chains that follow the gradient and sample the posterior itself, side by side in one batch.

use super::Nuts;
use super::chain::{Chain, Drawn, Motion};
use super::tune::{StepSize, Windows};
use crate::error::{Error, Result};
use crate::infer::Step;
use crate::infer::method::factor::Factor;
use crate::infer::method::slopes::{Point, points};
use crate::infer::method::{Fit, Options, moments};
use crate::infer::noise::{Purpose, normals, uniforms};
use crate::infer::objective::Objective;
use crate::infer::posterior::convergence::Ending;
use crate::infer::posterior::{Chains, Draws};
use crate::infer::state::history::History;
use crate::infer::state::rows::{Rows, Unfit, from_rows, rows_of};
use serde::{Deserialize, Serialize};

/// How often a trajectory may double while the data come to their full weight.
const EARLY_DEPTH: usize = 6;
/// Weight of the data at the first draw of the tuning.
const LEAST: f64 = 1e-3;
/// Draws of the prior that a chain tries for a start.
const TRIES: usize = 20;

/// All that the next draws depend on.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// Draws that every chain has made, those of the tuning with them.
    done: usize,
    /// Where each chain is, [chain, coordinate], its loss, and the loss's slope there.
    here: Vec<f64>,
    loss: Vec<f64>,
    slope: Vec<f64>,
    steps: Vec<StepSize>,
    factor: Vec<f64>,
    /// Draws since the metric was learnt, [draw, chain, coordinate].
    window: Vec<f64>,
    /// Draws after the tuning, [draw, chain, coordinate], and their energies, [draw, chain].
    drawn: Vec<f64>,
    energy: Vec<f64>,
    /// Sum of each chain's acceptance after the tuning.
    acceptance: Vec<f64>,
    divergences: usize,
    evaluations: usize,
    history: History,
}

/// Chains on their way.
pub(super) struct Sampler<'a> {
    options: &'a Nuts,
    seed: u64,
    /// Nats that the loss weighs.
    weight: f64,
    n: usize,
    state: State,
    windows: Windows,
    /// Draws that are made before chains wait for each other.
    together: usize,
    factor: Factor,
}

/// What some draws of one chain took.
#[derive(Default)]
struct Made {
    rows: Vec<Vec<f64>>,
    took: Vec<Drawn>,
}

impl<'a> Sampler<'a> {
    pub(super) fn new(options: &'a Nuts, objective: &Objective, seed: u64) -> Self {
        let n = objective.dimension();
        let together = Nuts::together(n);
        Self {
            options,
            seed,
            weight: objective.weight(),
            n,
            state: State {
                steps: vec![StepSize::new(0.2 / (n as f64).powf(0.25)); options.chains],
                acceptance: vec![0.0; options.chains],
                factor: Factor::unit(n).numbers().to_vec(),
                ..State::default()
            },
            windows: Windows::new(options.tune, together),
            together,
            factor: Factor::unit(n),
        }
    }

    /// Finds a place of the prior for every chain where the model gives finite numbers.
    fn begin(&mut self, objective: &Objective) -> Result<()> {
        let chains = self.options.chains;
        let mut found: Vec<Option<Point>> = vec![None; chains];
        for attempt in 0..TRIES {
            let wanted: Vec<usize> = (0..chains).filter(|c| found[*c].is_none()).collect();
            if wanted.is_empty() {
                break;
            }
            let rows = wanted.iter().map(|c| {
                let k = attempt * chains + c;
                normals(self.seed, Purpose::Prior, k, self.n)
            });
            let (points, _) = points(objective, rows.collect(), chains)?;
            self.state.evaluations += points.len();
            for (c, point) in wanted.into_iter().zip(points) {
                found[c] = point.loss.is_finite().then_some(point);
            }
        }
        for point in found {
            let point = point.ok_or_else(|| {
                Error::new(
                    "calibration",
                    format!(
                        "{TRIES} draws of the prior gave no finite output to start a chain from"
                    ),
                    "narrow the priors",
                )
            })?;
            self.keep(&point);
        }
        Ok(())
    }

    fn keep(&mut self, point: &Point) {
        self.state.here.extend(&point.u);
        self.state.loss.push(point.loss);
        self.state.slope.extend(&point.slope);
    }

    /// Weight of the data in draw `k`.
    fn weight_of(&self, k: usize) -> f64 {
        let rise = k as f64 / self.windows.annealed.max(1) as f64;
        self.weight * LEAST.powf((1.0 - rise).max(0.0))
    }

    fn step_of(&self, c: usize, draw: usize) -> f64 {
        let size = &self.state.steps[c];
        match draw < self.options.tune {
            true => size.now(),
            false => size.tuned(),
        }
    }

    fn motion(&self, c: usize, draw: usize) -> Motion<'_> {
        let depth = match draw < self.windows.annealed {
            true => self.options.depth.min(EARLY_DEPTH),
            false => self.options.depth,
        };
        Motion {
            factor: &self.factor,
            step: self.step_of(c, draw),
            weight: self.weight_of(draw),
            depth,
        }
    }

    /// Lets every chain make `count` draws; those that are ready wait for the others.
    fn advance(&mut self, objective: &Objective, count: usize) -> Result<(Vec<Made>, usize)> {
        let (n, chains, done) = (self.n, self.options.chains, self.state.done);
        let mut made: Vec<Made> = (0..chains).map(|_| Made::default()).collect();
        let mut all: Vec<Chain> = (0..chains)
            .map(|c| {
                Chain::new(Point {
                    u: self.state.here[c * n..][..n].to_vec(),
                    loss: self.state.loss[c],
                    slope: self.state.slope[c * n..][..n].to_vec(),
                })
            })
            .collect();
        let begin = |chain: &mut Chain, motion: Motion<'_>, c: usize, draw: usize| {
            let k = draw * chains + c;
            let momentum = normals(self.seed, Purpose::Momentum, k, n);
            let chance = uniforms(self.seed, Purpose::Choice, k);
            chain.begin(motion, momentum, Box::new(chance));
        };
        let (mut dropped, mut evaluations) = (0, 0);
        let mut steps = self.state.steps.clone();
        for (c, chain) in all.iter_mut().enumerate() {
            begin(chain, self.motion(c, done), c, done);
        }
        loop {
            let active: Vec<usize> = (0..chains)
                .filter(|c| made[*c].took.len() < count)
                .collect();
            if active.is_empty() {
                break;
            }
            let motion = |c: usize, made: &[Made], steps: &[StepSize]| {
                let draw = done + made[c].took.len();
                let step = match draw < self.options.tune {
                    true => steps[c].now(),
                    false => steps[c].tuned(),
                };
                Motion {
                    step,
                    ..self.motion(c, draw)
                }
            };
            let rows = active
                .iter()
                .map(|c| all[*c].ask(motion(*c, &made, &steps)));
            let (found, lost) = points(objective, rows.collect(), chains)?;
            dropped += lost;
            evaluations += found.len();
            for (c, point) in active.into_iter().zip(found) {
                let Some(took) = all[c].give(motion(c, &made, &steps), point) else {
                    continue;
                };
                let draw = done + made[c].took.len();
                if draw < self.options.tune {
                    steps[c].learn(took.acceptance, self.options.acceptance);
                }
                made[c].rows.push(all[c].here.u.clone());
                made[c].took.push(took);
                if made[c].took.len() < count {
                    begin(&mut all[c], motion(c, &made, &steps), c, draw + 1);
                }
            }
        }
        self.state.steps = steps;
        self.state.evaluations += evaluations;
        (self.state.here, self.state.loss, self.state.slope) = Default::default();
        for chain in &all {
            self.keep(&chain.here);
        }
        Ok((made, dropped))
    }

    /// Takes in what the chains have made, and learns the metric at the end of a window.
    fn learn(&mut self, made: &[Made]) {
        let tune = self.options.tune;
        let count = made[0].rows.len();
        for k in 0..count {
            let draw = self.state.done + k;
            for (c, one) in made.iter().enumerate() {
                if self.windows.counts(draw) {
                    self.state.window.extend(&one.rows[k]);
                } else if draw >= tune {
                    self.state.drawn.extend(&one.rows[k]);
                    self.state.energy.push(one.took[k].energy);
                    self.state.acceptance[c] += one.took[k].acceptance;
                    self.state.divergences += usize::from(one.took[k].diverged);
                }
            }
        }
        self.state.done += count;
        if self.windows.ends_at(self.state.done, self.together) && self.state.done <= tune {
            let (n, chains) = (self.n, self.options.chains);
            self.factor = Factor::of(&self.state.window, chains, n, self.options.dense(n));
            self.state.factor = self.factor.numbers().to_vec();
            self.state.window.clear();
            // In the new metric a step is about as long as in any.
            for size in &mut self.state.steps {
                *size = StepSize::new(0.5 / (n as f64).powf(0.25));
            }
        }
    }

    /// Draws after the tuning.
    fn kept(&self) -> usize {
        self.state.done.saturating_sub(self.options.tune)
    }
}

impl Fit for Sampler<'_> {
    fn unit(&self) -> &'static str {
        "draw"
    }

    fn done(&self) -> usize {
        self.state.done
    }

    fn step(&mut self, objective: &Objective, _: bool) -> Result<String> {
        if self.state.here.is_empty() {
            self.begin(objective)?;
        }
        let (done, tune) = (self.state.done, self.options.tune);
        let end = if done < tune {
            tune
        } else {
            self.options.total().1
        };
        let count = self.together.min(end - done);
        let (made, dropped) = self.advance(objective, count)?;
        self.learn(&made);
        let chains = self.options.chains as f64;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / chains;
        let loss = mean(&self.state.loss);
        let prior = 0.5 * self.state.here.iter().map(|u| u * u).sum::<f64>() / chains;
        self.state.history.push(Step {
            evaluations: self.state.evaluations,
            loss,
            kl: 0.0,
            objective: self.weight * loss + prior,
            dropped,
        });
        let leaves: usize = made.iter().flat_map(|m| &m.took).map(|t| t.leaves).sum();
        let each = leaves as f64 / (chains * count as f64);
        let diverged = self.state.divergences;
        Ok(match self.state.done <= tune {
            true => format!("tuning, loss {loss:.2e}, {each:.0} gradients a draw"),
            false => {
                format!("loss {loss:.2e}, {each:.0} gradients a draw, {diverged} diverged")
            }
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
        let (n, chains) = (self.n, self.options.chains);
        let places = if read.done == 0 { 0 } else { chains * n };
        if read.here.len() != places || read.slope.len() != places || read.steps.len() != chains {
            return Err(Unfit::missing("here"));
        }
        let kept = read.done.saturating_sub(self.options.tune) * chains;
        if read.drawn.len() != kept * n || read.energy.len() != kept {
            return Err(Unfit::missing("drawn"));
        }
        self.factor =
            Factor::from_numbers(read.factor.clone(), n).ok_or_else(|| Unfit::missing("factor"))?;
        self.state = State {
            history: read.history.restored(0)?,
            ..read
        };
        Ok(())
    }

    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>) {
        match self.kept() {
            0 => moments(objective, &self.state.here),
            _ => moments(objective, &self.state.drawn),
        }
    }

    fn panels(&self) -> Vec<f64> {
        Vec::new()
    }

    fn chains(&self) -> Option<(&[f64], Chains)> {
        let kept = self.kept();
        if kept == 0 {
            return None;
        }
        let told = Chains {
            chains: self.options.chains,
            draws: kept,
            divergences: self.state.divergences,
            step_size: self.state.steps.iter().map(StepSize::tuned).collect(),
            acceptance: self
                .state
                .acceptance
                .iter()
                .map(|a| a / kept as f64)
                .collect(),
            energy: self.state.energy.clone(),
            ..Chains::default()
        };
        Some((&self.state.drawn, told))
    }

    fn draws(&self) -> Result<Draws<'_>> {
        let rows = match self.kept() {
            0 => &self.state.here,
            _ => &self.state.drawn,
        };
        if rows.is_empty() {
            return Err(Error::new(
                "calibration",
                "no chain has made a draw",
                "give it more time",
            ));
        }
        // As many of each chain, evenly spread, [draw, chain].
        let (n, chains) = (self.n, self.options.chains);
        let made = rows.len() / (n * chains);
        let each = (self.options.keep / chains).clamp(1, made);
        let one = move |k: usize| {
            let (draw, chain) = (k / chains * made / each, k % chains);
            (rows[(draw * chains + chain) * n..][..n].to_vec(), f64::NAN)
        };
        let count = each * chains;
        Ok(Draws {
            count,
            each: Box::new((0..count).map(one)),
        })
    }

    fn ending(&self) -> Ending {
        let mut ending = Ending::of_draws(0, f64::INFINITY, "");
        if self.kept() == 0 {
            ending.doubts.push(
                "the chains are still tuned, so their places are no draws of the posterior; give it more time".into(),
            );
        }
        ending
    }
}
