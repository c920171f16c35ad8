//! Whether chains agree: rank-normalised split R-hat and effective draws of every unknown.
//!
//! Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021.

use crate::infer::objective::Objective;
use crate::infer::prior::quantile;
use serde::{Deserialize, Serialize};

/// What the chains of a sampler tell of themselves. Lists by entry are in the order of `Posterior::parameters`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chains {
    /// Number of chains.
    pub chains: usize,
    /// Draws of each after the tuning.
    pub draws: usize,
    /// R-hat of every entry: 1 where the chains cannot be told apart, above 1.01 where they can. NaN of fewer than
    /// eight draws a chain.
    #[serde(with = "crate::infer::exact::list")]
    pub rhat: Vec<f64>,
    /// How many independent draws the mean of every entry rests on.
    #[serde(with = "crate::infer::exact::list")]
    pub ess_bulk: Vec<f64>,
    /// How many its 5 % and 95 % quantiles rest on, the fewer of the two.
    #[serde(with = "crate::infer::exact::list")]
    pub ess_tail: Vec<f64>,
    /// Draws whose trajectory left what the steps can follow, after the tuning.
    pub divergences: usize,
    /// Size of each chain's steps.
    #[serde(with = "crate::infer::exact::list")]
    pub step_size: Vec<f64>,
    /// Mean acceptance of each chain after the tuning.
    #[serde(with = "crate::infer::exact::list")]
    pub acceptance: Vec<f64>,
    /// Energy of every draw, the negative logarithm of its density, [draw, chain].
    #[serde(with = "crate::infer::exact::list")]
    pub energy: Vec<f64>,
    /// Draws of every entry in the standard-normal coordinates of its prior, [draw, chain, entry].
    #[serde(with = "crate::infer::exact::list")]
    pub trace: Vec<f64>,
}

/// R-hat above which chains have not met, and above which it is said that they could agree better.
const RHAT: (f64, f64) = (1.05, 1.01);
/// Effective draws that quantiles need, a chain.
const ENOUGH: f64 = 100.0;

impl Chains {
    /// With what draws [draw, chain, coordinate] say.
    pub(crate) fn measured(mut self, objective: &Objective, draws: &[f64]) -> Self {
        let n = objective.dimension();
        let layout = objective.layout();
        let units: usize = layout.iter().map(|v| v.units()).sum();
        let rows = draws.len() / n.max(1);
        let mut trace = vec![0.0; rows * units];
        let mut first = 0;
        for varying in layout {
            let table = varying.unit_coordinates(draws, n);
            let own = varying.units();
            for (to, from) in trace.chunks_exact_mut(units).zip(table.chunks_exact(own)) {
                to[first..first + own].copy_from_slice(from);
            }
            first += own;
        }
        for k in 0..units {
            let chain = |c: usize| -> Vec<f64> {
                let rows = trace.chunks_exact(units).skip(c).step_by(self.chains);
                rows.map(|row| row[k]).collect()
            };
            let all: Vec<Vec<f64>> = (0..self.chains).map(chain).collect();
            self.rhat.push(rhat(&all));
            let (bulk, tail) = effective(&all);
            self.ess_bulk.push(bulk);
            self.ess_tail.push(tail);
        }
        self.trace = trace;
        self
    }

    fn most(values: &[f64]) -> f64 {
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The largest R-hat of all entries.
    pub fn worst_rhat(&self) -> f64 {
        Self::most(&self.rhat)
    }

    /// The fewest effective draws of any entry, of its mean or quantiles.
    pub fn least_ess(&self) -> f64 {
        let all = self.ess_bulk.iter().chain(&self.ess_tail);
        all.copied().fold(f64::INFINITY, f64::min)
    }

    /// What speaks against the chains.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let (apart, worst) = (self.above(RHAT.0), self.worst_rhat());
        if apart > 0 {
            doubts.push(format!(
                "the {} chains have not met: R-hat is above {} for {apart} of {} unknowns, {worst:.2} at most, so they may be on \
                 several hills; give Nuts.tune and Nuts.draws more, or take Smc with Ladder::Likelihood, which weighs hills",
                self.chains,
                RHAT.0,
                self.rhat.len()
            ));
        }
        doubts
    }

    fn above(&self, limit: f64) -> usize {
        self.rhat.iter().filter(|r| **r > limit).count()
    }

    /// What is worth to be known, but does not speak against them.
    pub(crate) fn note(&self) -> Option<String> {
        let mut parts = Vec::new();
        if self.divergences > 0 {
            parts.push(format!(
                "{} of {} draws diverged, so the posterior may be narrower somewhere than the steps; raise Nuts.acceptance, such as \
                 to 0.95",
                self.divergences,
                self.chains * self.draws
            ));
        }
        let (above, worst) = (self.above(RHAT.1), self.worst_rhat());
        let few = ENOUGH * self.chains as f64;
        if above > 0 && worst <= RHAT.0 {
            parts.push(format!(
                "R-hat is above {} for {above} of {} unknowns, {worst:.3} at most; give Nuts.draws more",
                RHAT.1,
                self.rhat.len()
            ));
        } else if self.least_ess() < few && worst <= RHAT.0 {
            parts.push(format!(
                "the {} draws of an unknown are worth as few as {:.0} independent ones; give Nuts.draws more",
                self.chains * self.draws,
                self.least_ess()
            ));
        }
        (!parts.is_empty()).then(|| parts.join(". "))
    }
}

/// The halves of chains.
fn halves(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let halves = chains.iter().flat_map(|chain| {
        let half = chain.len() / 2;
        [chain[..half].to_vec(), chain[chain.len() - half..].to_vec()]
    });
    halves.collect()
}

/// Values replaced by the normal quantiles of their ranks, of ties by those of their mean rank.
fn normal_ranks(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let length = chains.first().map_or(0, Vec::len);
    let all: Vec<f64> = chains.concat();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| all[*a].total_cmp(&all[*b]));
    let mut ranked = vec![0.0; all.len()];
    let mut first = 0;
    while first < order.len() {
        let same = order[first..]
            .iter()
            .take_while(|k| all[**k] == all[order[first]]);
        let last = first + same.count();
        let rank = 0.5 * (first + 1 + last) as f64;
        let share = (rank - 0.375) / (all.len() as f64 + 0.25);
        for k in &order[first..last] {
            ranked[*k] = quantile(share, 1.0 - share);
        }
        first = last;
    }
    ranked.chunks(length.max(1)).map(<[f64]>::to_vec).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The root of the variance of all over that within chains.
fn ratio(chains: &[Vec<f64>]) -> f64 {
    let (m, n) = (chains.len() as f64, chains[0].len() as f64);
    let means: Vec<f64> = chains.iter().map(|c| mean(c)).collect();
    let variance = |values: &[f64]| {
        let middle = mean(values);
        values.iter().map(|v| (v - middle).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
    };
    let within = chains.iter().map(|c| variance(c)).sum::<f64>() / m;
    let between = variance(&means);
    if !(within > 0.0) {
        return if between > 0.0 {
            f64::INFINITY
        } else {
            f64::NAN
        };
    }
    ((n - 1.0) / n + between / within).sqrt()
}

/// R-hat of one quantity: the larger of that of ranks, which sees places, and of distances from the median, which
/// sees spreads.
fn rhat(chains: &[Vec<f64>]) -> f64 {
    let split = halves(chains);
    if split.is_empty() || split[0].len() < 4 {
        return f64::NAN;
    }
    let mut all = split.concat();
    all.sort_by(f64::total_cmp);
    let median = 0.5 * (all[(all.len() - 1) / 2] + all[all.len() / 2]);
    let folded: Vec<Vec<f64>> = split
        .iter()
        .map(|c| c.iter().map(|v| (v - median).abs()).collect())
        .collect();
    ratio(&normal_ranks(&split)).max(ratio(&normal_ranks(&folded)))
}

/// Effective draws of the mean by ranks, and of the 5 % and 95 % quantiles.
fn effective(chains: &[Vec<f64>]) -> (f64, f64) {
    let split = halves(chains);
    if split.is_empty() || split[0].len() < 4 {
        return (f64::NAN, f64::NAN);
    }
    let mut all = split.concat();
    all.sort_by(f64::total_cmp);
    let below = |share: f64| {
        let limit = all[((all.len() - 1) as f64 * share) as usize];
        let one = |c: &Vec<f64>| c.iter().map(|v| f64::from(*v <= limit)).collect();
        worth(&split.iter().map(one).collect::<Vec<Vec<f64>>>())
    };
    (worth(&normal_ranks(&split)), below(0.05).min(below(0.95)))
}

/// Effective draws of a mean, by Geyer's initial monotone sequence.
fn worth(chains: &[Vec<f64>]) -> f64 {
    let (m, n) = (chains.len() as f64, chains[0].len());
    let length = n as f64;
    let centred: Vec<Vec<f64>> = chains
        .iter()
        .map(|c| {
            let middle = mean(c);
            c.iter().map(|v| v - middle).collect()
        })
        .collect();
    let covariance = |lag: usize| -> f64 {
        let of = |c: &Vec<f64>| -> f64 {
            let pairs = c.iter().zip(&c[lag..]);
            pairs.map(|(a, b)| a * b).sum::<f64>() / length
        };
        centred.iter().map(of).sum::<f64>() / m
    };
    let means: Vec<f64> = chains.iter().map(|c| mean(c)).collect();
    let middle = mean(&means);
    let between = means.iter().map(|v| (v - middle).powi(2)).sum::<f64>() / (m - 1.0).max(1.0);
    let within = covariance(0) * length / (length - 1.0);
    let whole = covariance(0) + between;
    if !(whole > 0.0) {
        return m * length;
    }
    let correlation = |lag: usize| 1.0 - (within - covariance(lag)) / whole;
    let (mut sum, mut least, mut lag) = (0.0, f64::INFINITY, 0);
    while lag + 1 < n {
        let first = if lag == 0 { 1.0 } else { correlation(lag) };
        let pair = first + correlation(lag + 1);
        if pair <= 0.0 {
            break;
        }
        least = pair.min(least);
        sum += least;
        lag += 2;
    }
    let draws = m * length;
    (draws / (2.0 * sum - 1.0).max(1.0 / draws.log10())).min(draws * draws.log10())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals};

    fn chains(memory: f64, shift: f64, spread: f64) -> Vec<Vec<f64>> {
        let one = |c: usize| {
            let noise = normals(7, Purpose::Prior, c, 1000);
            let mut value = noise[0];
            let own = if c == 0 { (shift, spread) } else { (0.0, 1.0) };
            noise
                .iter()
                .map(|e| {
                    value = memory * value + (1.0 - memory * memory).sqrt() * e;
                    own.0 + own.1 * value
                })
                .collect()
        };
        (0..4).map(one).collect()
    }

    #[test]
    fn chains_that_agree_are_told_from_those_that_do_not() {
        assert!(rhat(&chains(0.0, 0.0, 1.0)) < 1.005);
        assert!(rhat(&chains(0.0, 1.0, 1.0)) > 1.05, "elsewhere");
        assert!(rhat(&chains(0.0, 0.0, 4.0)) > 1.05, "wider");
        let stuck = vec![vec![0.0; 100], vec![1.0; 100]];
        assert!(rhat(&stuck) > 2.0);
        assert!(rhat(&[vec![0.0; 3]]).is_nan());
    }

    #[test]
    fn effective_draws_follow_the_memory_of_chains() {
        let (bulk, tail) = effective(&chains(0.0, 0.0, 1.0));
        assert!(
            (3000.0..5000.0).contains(&bulk) && tail > 2500.0,
            "{bulk} {tail}"
        );
        // (1 - 0.9) / (1 + 0.9) of 4,000.
        let (slow, _) = effective(&chains(0.9, 0.0, 1.0));
        assert!((130.0..320.0).contains(&slow), "{slow}");
        // Draws that alternate around the mean tell it better than independent ones.
        let (quick, _) = effective(&chains(-0.5, 0.0, 1.0));
        assert!(quick > 6000.0, "{quick}");
    }
}
