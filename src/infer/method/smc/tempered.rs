//! Tempered sequential Monte Carlo: a population that goes from the prior to the posterior as the data gain weight, moved
//! along the gradient, and the evidence that it finds on its way.

use super::{Smc, TEMPERED};
use crate::error::{Error, Result};
use crate::infer::Step;
use crate::infer::guide::dot;
use crate::infer::method::factor::Factor;
use crate::infer::method::slopes::{Point, points};
use crate::infer::method::{Fit, moments};
use crate::infer::noise::{Purpose, normals, uniforms};
use crate::infer::objective::Objective;
use crate::infer::posterior::convergence::{Ending, distinct};
use crate::infer::posterior::{Draws, Evidence};
use crate::infer::state::history::History;
use crate::infer::state::rows::{Rows, Unfit, from_rows, rows_of};
use serde::{Deserialize, Serialize};

/// What the way from prior to posterior is counted in.
pub(super) const WAY: usize = 1000;
/// Acceptance that steps are tuned to.
const ACCEPTANCE: f64 = 0.8;
/// Equal families below which a population may have lost hills by chance.
const FEW: f64 = 2.5;
/// Leapfrog steps of a move: the fewest, and how many numbers there are from there on.
const LEAPS: (usize, usize) = (4, 13);

/// A population part of the way.
#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// Coordinates and slopes of the loss, [draw, coordinate], and losses.
    u: Vec<f64>,
    slope: Vec<f64>,
    loss: Vec<f64>,
    /// Weight of the data by now, in 0..=1, and after the first round.
    temperature: f64,
    least: f64,
    /// The draw of the prior that each descends from.
    origin: Vec<usize>,
    /// Logarithm of the evidence by now.
    log_evidence: f64,
    /// Size of steps in what they are measured in.
    step: f64,
    rounds: usize,
    /// Moves that were made in this round, and in all.
    moved: usize,
    moves: usize,
    evaluations: usize,
    history: History,
}

/// A population on its way.
pub(super) struct Tempered<'a> {
    options: &'a Smc,
    seed: u64,
    /// Nats that the loss weighs.
    weight: f64,
    n: usize,
    state: State,
}

impl<'a> Tempered<'a> {
    pub(super) fn new(options: &'a Smc, objective: &Objective, seed: u64) -> Self {
        let n = objective.dimension();
        Self {
            options,
            seed,
            weight: objective.weight(),
            n,
            state: State {
                step: 0.7 / (n as f64).powf(0.25),
                ..State::default()
            },
        }
    }

    fn size(&self) -> usize {
        self.state.loss.len()
    }

    fn row<'r>(&self, all: &'r [f64], k: usize) -> &'r [f64] {
        &all[k * self.n..][..self.n]
    }

    /// Draws the population from the prior.
    fn begin(&mut self, objective: &Objective) -> Result<usize> {
        let size = self.options.population;
        let row = |k| normals(self.seed, Purpose::Prior, k, self.n);
        let rows = (0..size).map(row).collect();
        let (found, dropped) = points(objective, rows, self.options.batch)?;
        self.state.evaluations += size;
        self.state.origin = (0..size).collect();
        for point in found {
            self.state.u.extend(point.u);
            self.state.slope.extend(point.slope);
            self.state.loss.push(point.loss);
        }
        if self.state.loss.iter().all(|l| l.is_infinite()) {
            return Err(Error::new(
                "calibration",
                "no draw gave a finite loss",
                "narrow the priors",
            ));
        }
        Ok(dropped)
    }

    /// Weights of the draws where the data come to weigh more by `by`, the mean of them by its logarithm.
    fn weights(&self, by: f64) -> (Vec<f64>, f64) {
        let logs: Vec<f64> = self
            .state
            .loss
            .iter()
            .map(|l| -by * self.weight * l)
            .collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|l| (l - most).exp()).collect();
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        (weights, most + mean.ln())
    }

    /// The next weight of the data: as much more as leaves the share `ess` of the draws.
    fn next(&self) -> f64 {
        let share = |to: f64| {
            let (weights, _) = self.weights(to - self.state.temperature);
            let (sum, squares) = (weights.iter().sum::<f64>(), dot(&weights, &weights));
            sum * sum / squares / weights.len() as f64
        };
        if share(1.0) >= self.options.survivors {
            return 1.0;
        }
        let (mut low, mut high) = (self.state.temperature, 1.0);
        for _ in 0..60 {
            // Weights of the data grow by factors: in the middle of their logarithms, once there is one.
            let middle = match low > 0.0 && high / low > 2.0 {
                true => (low * high).sqrt(),
                false => 0.5 * (low + high),
            };
            match share(middle) >= self.options.survivors {
                true => low = middle,
                false => high = middle,
            }
        }
        // Some way on always.
        low.max(self.state.temperature + 1e-9 * (1.0 - self.state.temperature))
    }

    /// Gives the data more weight, and lets draws that fit take the places of those that do not.
    fn temper(&mut self) {
        let next = self.next();
        let (weights, log) = self.weights(next - self.state.temperature);
        self.state.log_evidence += log;
        self.state.temperature = next;
        if self.state.rounds == 0 {
            self.state.least = next;
        }
        let size = self.size();
        let sum: f64 = weights.iter().sum();
        let mut chance = uniforms(self.seed, Purpose::Choice, 2 * self.state.rounds);
        let start = chance.next().expect("without end");
        let (mut from, mut reached, mut k) = (Vec::with_capacity(size), weights[0], 0);
        for j in 0..size {
            let mark = (start + j as f64) / size as f64 * sum;
            while reached < mark && k + 1 < size {
                k += 1;
                reached += weights[k];
            }
            from.push(k);
        }
        let gather = |all: &[f64]| {
            from.iter()
                .flat_map(|k| self.row(all, *k))
                .copied()
                .collect()
        };
        let (u, slope): (Vec<f64>, Vec<f64>) = (gather(&self.state.u), gather(&self.state.slope));
        (self.state.u, self.state.slope) = (u, slope);
        self.state.loss = from.iter().map(|k| self.state.loss[*k]).collect();
        self.state.origin = from.iter().map(|k| self.state.origin[*k]).collect();
        self.state.rounds += 1;
        self.state.moved = 0;
    }

    /// What steps are measured in: the population's spreads. Its covariances would fit the draws that they move: with 800
    /// draws of 80 unknowns the evidence came out 6 nats too high.
    fn factor(&self) -> Factor {
        Factor::of(&self.state.u, 1, self.n, false)
    }

    /// Moves every draw once along its gradient; the number of simulations that were not finite.
    fn move_all(&mut self, objective: &Objective) -> Result<usize> {
        let (size, n, moves) = (self.size(), self.n, self.state.moves);
        let mut chance = uniforms(self.seed, Purpose::Choice, 2 * moves + 1);
        let mut luck = || chance.next().expect("without end");
        let leaps = LEAPS.0 + ((luck() * LEAPS.1 as f64) as usize).min(LEAPS.1 - 1);
        // Steps of several lengths, so that none is in tune with an orbit.
        let step = self.state.step * (0.8 + 0.4 * luck());
        let weight = self.weight * self.state.temperature;
        let factor = self.factor();
        let mut momenta: Vec<Vec<f64>> = (0..size)
            .map(|k| normals(self.seed, Purpose::Momentum, moves * size + k, n))
            .collect();
        let old: Vec<Point> = (0..size)
            .map(|k| Point {
                u: self.row(&self.state.u, k).to_vec(),
                loss: self.state.loss[k],
                slope: self.row(&self.state.slope, k).to_vec(),
            })
            .collect();
        let energy = |point: &Point, p: &[f64]| 0.5 * dot(p, p) - point.log(weight);
        let before: Vec<f64> = old
            .iter()
            .zip(&momenta)
            .map(|(o, p)| energy(o, p))
            .collect();
        let push = |point: &Point, p: &mut [f64], by: f64| {
            let force = factor.transposed(&point.force(weight));
            p.iter_mut().zip(force).for_each(|(p, f)| *p += by * f);
        };
        let (mut here, mut dropped) = (old.clone(), 0);
        for leap in 0..leaps {
            let mut rows = Vec::with_capacity(size);
            for (point, p) in here.iter().zip(&mut momenta) {
                push(point, p, if leap == 0 { 0.5 * step } else { step });
                let way = factor.times(p);
                let each = point.u.iter().zip(way);
                rows.push(each.map(|(u, v)| u + step * v).collect());
            }
            let (found, lost) = points(objective, rows, self.options.batch)?;
            (here, dropped) = (found, dropped + lost);
        }
        self.state.evaluations += leaps * size;
        let mut acceptance = 0.0;
        for (k, (point, p)) in here.into_iter().zip(&mut momenta).enumerate() {
            push(&point, p, 0.5 * step);
            let chance = match before[k] - energy(&point, p) {
                gain if gain.is_nan() => 0.0,
                gain => gain.exp().min(1.0),
            };
            acceptance += chance / size as f64;
            if luck() < chance {
                self.state.u[k * n..][..n].copy_from_slice(&point.u);
                self.state.slope[k * n..][..n].copy_from_slice(&point.slope);
                self.state.loss[k] = point.loss;
            }
        }
        self.state.step *= (0.7 * (acceptance - ACCEPTANCE)).exp();
        self.state.step = self.state.step.clamp(1e-4, 2.0);
        self.state.moves += 1;
        self.state.moved += 1;
        Ok(dropped)
    }

    /// Whether it has come to the posterior.
    fn whole(&self) -> bool {
        self.state.temperature >= 1.0 && self.state.moved >= self.options.moves
    }

    /// Draws of the prior that the population descends from, as a number of equal families.
    fn families(&self) -> f64 {
        let mut sizes = vec![0.0; self.options.population];
        for origin in &self.state.origin {
            sizes[*origin] += 1.0;
        }
        (self.size() * self.size()) as f64 / dot(&sizes, &sizes)
    }
}

impl Fit for Tempered<'_> {
    fn unit(&self) -> &'static str {
        "thousandth"
    }

    /// How far the data's weight has come on its way to 1, by factors: how many evaluations that will take is not known.
    fn done(&self) -> usize {
        let State {
            temperature, least, ..
        } = self.state;
        match self.whole() {
            true => WAY,
            false if temperature <= 0.0 => 0,
            false if least >= 1.0 => WAY / 2,
            false => {
                let gone = 1.0 - temperature.ln() / least.ln();
                (gone.clamp(0.0, 1.0) * (WAY - 1) as f64) as usize
            }
        }
    }

    fn settled(&self) -> bool {
        self.whole() || self.state.evaluations >= self.options.evaluations
    }

    fn step(&mut self, objective: &Objective, _: bool) -> Result<String> {
        let mut dropped = 0;
        if self.state.loss.is_empty() {
            dropped += self.begin(objective)?;
            self.temper();
        } else if self.state.moved >= self.options.moves {
            self.temper();
        }
        dropped += self.move_all(objective)?;
        let size = self.size() as f64;
        let finite = self.state.loss.iter().filter(|l| l.is_finite());
        let loss = finite.sum::<f64>() / size;
        let prior = 0.5 * dot(&self.state.u, &self.state.u) / size;
        self.state.history.push(Step {
            evaluations: self.state.evaluations,
            loss,
            kl: 0.0,
            objective: self.weight * loss + prior,
            dropped,
        });
        Ok(format!(
            "temperature {}: the data weigh {:.2e}, loss {loss:.2e}",
            self.state.rounds, self.state.temperature
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
        let (size, origins) = (read.loss.len(), self.options.population);
        let fits = read.u.len() == size * self.n && read.slope.len() == size * self.n;
        let whole = size == 0 || size == self.options.population;
        let known = read.origin.iter().all(|k| *k < origins) && read.origin.len() == size;
        if !(fits && whole && known) {
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
        Vec::new()
    }

    fn evidence(&self) -> Option<Evidence> {
        self.whole().then(|| Evidence {
            log: self.state.log_evidence,
            // What the sizes of families say (Chan & Lai 2013; Lee & Whiteley 2018).
            error: (1.0 / self.families() - 1.0 / self.size() as f64)
                .max(0.0)
                .sqrt(),
            bound: false,
        })
    }

    fn draws(&self) -> Result<Draws<'_>> {
        if self.state.loss.is_empty() {
            return Err(Error::new(
                "calibration",
                "the population has not been drawn yet",
                "give it more time",
            ));
        }
        let one = |k: usize| (self.row(&self.state.u, k).to_vec(), f64::NAN);
        Ok(Draws {
            count: self.size(),
            each: Box::new((0..self.size()).map(one)),
        })
    }

    fn ending(&self) -> Ending {
        let remedy = "raise Smc.population";
        let mut ending = Ending::of_draws(self.size(), distinct(&self.state.u, self.n), remedy);
        if !self.whole() {
            ending.doubts.push(format!(
                "{TEMPERED} ended where the data weigh {:.2} % of what they should, so the draws are between prior and posterior; \
                 raise Smc.evaluations",
                100.0 * self.state.temperature
            ));
        }
        let families = self.families();
        if self.whole() && families < FEW {
            ending.doubts.push(format!(
                "nearly all draws descend from {families:.0} of the prior's, so other hills may have been lost by chance; {remedy}"
            ));
        }
        ending
    }
}
