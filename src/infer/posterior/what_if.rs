//! What would happen: draws of a posterior under another shock, or under a policy.

use crate::error::{Error, Result};
use crate::infer::layout::{Varying, layout};
use crate::infer::objective::particles_within;
use crate::infer::posterior::{column_means, column_quantiles};
use crate::infer::{Parameter, Posterior, Prediction, Problem};
use crate::interrupt::Interrupt;
use crate::memory;
use crate::model::{ByParameter, Params, PathValues, Shock, production};
use crate::network::Network;
use crate::number::PADDING;
use crate::observe::Observation;
use crate::simulate::{Columns, Horizon, Simulation};
use std::borrow::Cow;

/// What some firms do otherwise, from long before the shock on: the economy starts from the steady state
/// with these stocks.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The firms, by index.
    pub firms: Vec<usize>,
    /// Periods of use that their target inventory is raised by: five days are 5/7 where periods are weeks.
    pub more_inventory: f64,
    /// What their adjustment time is multiplied with: 0.5 closes a gap in their stocks twice as fast.
    pub slower: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            firms: Vec::new(),
            more_inventory: 0.0,
            slower: 1.0,
        }
    }
}

impl Policy {
    /// A policy for the firms of a sector, which changes nothing yet; an unknown sector is an error.
    pub fn sector(network: &Network, sector: &str) -> Result<Self> {
        Ok(Self {
            firms: network.firms_in_sector(sector)?,
            ..Self::default()
        })
    }

    /// The same for the firms of a region.
    pub fn region(network: &Network, region: &str) -> Result<Self> {
        Ok(Self {
            firms: network.firms_in_region(region)?,
            ..Self::default()
        })
    }

    /// The parameters of firms that follow it.
    pub fn apply(&self, params: &Params) -> Result<Params> {
        let mut out = params.clone();
        if !(self.slower > 0.0 && self.slower.is_finite() && self.more_inventory.is_finite()) {
            return Err(Error::new(
                "policy",
                format!(
                    "more_inventory {}, slower {}",
                    self.more_inventory, self.slower
                ),
                "give finite numbers, slower above 0",
            ));
        }
        for &firm in &self.firms {
            let firms = out.target_inventory.len();
            let Some(n) = out.target_inventory.get_mut(firm) else {
                return Err(Error::new(
                    "policy.firms",
                    format!("firm {firm}, but there are {firms} firms"),
                    "firms are counted from 0",
                ));
            };
            *n += self.more_inventory;
            if !(*n > 0.0) {
                return Err(Error::new(
                    "policy.more_inventory",
                    format!("firm {firm} would aim at {n} periods of use"),
                    "leave every firm a positive target",
                ));
            }
            out.adjustment_time[firm] *= self.slower;
        }
        Ok(out)
    }
}

/// A world to be simulated with the draws of a posterior.
#[derive(Clone, Debug, Default)]
pub struct WhatIf {
    /// The shock; `None` is the first observed scenario, with what was learnt of its severities and
    /// recovery rates.
    pub shock: Option<Shock>,
    /// Number of periods; 0 takes as many as were observed.
    pub periods: usize,
    /// What firms do otherwise, one after the other.
    pub policies: Vec<Policy>,
}

/// What happens in a world, one entry a draw. The k-th draws of two worlds are the same firms, so
/// differences between worlds are taken draw by draw.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Output of the groups.
    pub prediction: Prediction,
    /// Output lost over all periods, as a share of the steady output of all periods.
    pub lost: Vec<f64>,
    /// The part of it that firms lose by their own capacity, had they full stocks and steady demand, same
    /// unit. The rest, which comes through suppliers and customers, is indirect.
    pub direct: Vec<f64>,
    /// Periods from the first event until the economy's output is back at 95 % of the steady one for
    /// good: 0 where it never falls below, infinite where it is not back at the end.
    pub recovery: Vec<f64>,
}

impl Outcome {
    /// Loss that comes through suppliers and customers, `lost - direct`, one entry a draw; below 0 where
    /// firms that are not hit, or catch up later, make up for more than spreads.
    pub fn indirect(&self) -> Vec<f64> {
        let both = self.lost.iter().zip(&self.direct);
        both.map(|(lost, direct)| lost - direct).collect()
    }

    /// Loss avoided against another world, in its unit, draw by draw.
    pub fn avoided(&self, other: &Outcome) -> Vec<f64> {
        let both = other.lost.iter().zip(&self.lost);
        both.map(|(other, own)| other - own).collect()
    }

    /// Mean, 5 % and 95 % quantile over draws of any of these vectors.
    pub fn band(values: &[f64]) -> (f64, f64, f64) {
        if values.is_empty() {
            return (f64::NAN, f64::NAN, f64::NAN);
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let at = |q| column_quantiles(values, 1, q)[0];
        (mean, at(0.05), at(0.95))
    }

    /// Output of the whole economy as an index, steady state = 100, [draw, period].
    pub fn total(&self) -> Vec<f64> {
        let base = &self.prediction.mean.base;
        let steady: f64 = base.iter().sum();
        let rows = self.prediction.samples.chunks_exact(base.len());
        rows.map(|row| 100.0 * row.iter().sum::<f64>() / steady)
            .collect()
    }
}

impl Posterior {
    /// Values of every entry of a parameter in draw k: firms, or hits of all scenarios. `problem` is the
    /// one that was calibrated, and `layout` its layout.
    fn entries(
        &self,
        problem: &Problem,
        layout: &[Varying],
        parameter: Parameter,
        k: usize,
    ) -> Result<Vec<f64>> {
        let Some(learnt) = self.parameters.iter().find(|l| l.parameter == parameter) else {
            return Ok(problem.fixed(parameter));
        };
        let varying = layout.iter().find(|v| v.parameter == parameter);
        let len = learnt.len();
        match varying.filter(|v| v.units() == len) {
            Some(varying) => Ok(varying.spread(learnt.samples[k * len..][..len].to_vec())),
            None => Err(Error::new(
                "problem",
                format!(
                    "the posterior has {len} values of {}, which are not those of this problem",
                    parameter.name()
                ),
                "give the problem that was calibrated",
            )),
        }
    }

    /// Behaviour of the firms in draw k, to simulate with. `problem` is the one that was calibrated.
    pub fn params(&self, problem: &Problem, k: usize) -> Result<Params> {
        self.whole()?;
        if k >= self.draws {
            return Err(Error::new(
                "posterior",
                format!("draw {k}, but there are {}", self.draws),
                "draws are counted from 0",
            ));
        }
        self.behaviour(problem, &layout(problem), k)
    }

    /// Values of every hit in draw k, those of all scenarios. `problem` is the one that was calibrated.
    pub(crate) fn hits(
        &self,
        problem: &Problem,
        parameter: Parameter,
        k: usize,
    ) -> Result<Vec<f64>> {
        self.entries(problem, &layout(problem), parameter, k)
    }

    fn behaviour(&self, problem: &Problem, layout: &[Varying], k: usize) -> Result<Params> {
        Params::try_of(|parameter| self.entries(problem, layout, parameter, k))
    }

    /// The draws under a new scenario over `periods` periods: what would happen, with bands.
    /// `problem` is the one that was calibrated. Where severities or recovery rates were learnt
    /// they belong to the observed scenario; the new one brings its own. The stop button makes it
    /// return what it has: `Prediction::draws` says how many draws that are.
    pub fn predict(&self, problem: &Problem, shock: &Shock, periods: usize) -> Result<Prediction> {
        let world = WhatIf {
            shock: Some(shock.clone()),
            periods,
            policies: Vec::new(),
        };
        let simulation = Simulation {
            periods,
            ..problem.simulation.clone()
        };
        simulation.check()?;
        Ok(self.what_if(problem, &world)?.prediction)
    }

    /// The draws in another world. `problem` is the one that was calibrated. The stop button makes it
    /// return what it has: `Prediction::draws` says how many draws that are.
    pub fn what_if(&self, problem: &Problem, world: &WhatIf) -> Result<Outcome> {
        self.whole()?;
        let interrupt = Interrupt::watch();
        let network = &problem.network;
        let shock = world.shock.as_ref().unwrap_or(&problem.shock);
        shock.check(network)?;
        let simulation = Simulation {
            periods: match world.periods {
                0 => problem.observed.periods,
                n => n,
            },
            ..problem.simulation.clone()
        };
        simulation.check()?;
        let periods = simulation.periods;
        let cells = periods as f64 * network.groups().len() as f64;
        memory::require(
            "periods",
            &format!("{} draws of {periods} periods", self.draws),
            16.0 * self.draws as f64 * cells,
            "predict fewer periods, or calibrate with fewer draws",
        )?;
        let layout = layout(problem);
        let learnt = |p: Parameter| self.parameters.iter().any(|l| l.parameter == p);
        let of = (&problem.params, shock);
        let horizon = Horizon::new(network, of, &simulation, Columns::Groups, None, &learnt)?;
        // What was learnt of the hits belongs to the observed scenario, and stands first among those of all.
        let of_hits = |parameter: Parameter, k: usize| -> Result<Vec<f64>> {
            if world.shock.is_some() {
                return Ok(shock.values(parameter));
            }
            let mut all = self.entries(problem, &layout, parameter, k)?;
            all.truncate(shock.entries(parameter.domain()));
            Ok(all)
        };
        // As many together as take about half a second, as it may be asked to stop.
        let together = particles_within(200_000_000, network.links() * periods).min(64);
        let mut out = Outcome {
            prediction: Prediction {
                mean: Observation::from_values(
                    network,
                    vec![0.0; periods * network.groups().len()],
                )?,
                draws: 0,
                samples: Vec::new(),
            },
            lost: Vec::new(),
            direct: Vec::new(),
            recovery: Vec::new(),
        };
        while out.prediction.draws < self.draws {
            let first = out.prediction.draws;
            let count = together.min(self.draws - first);
            let mut rows: ByParameter<Vec<f64>> = ByParameter::default();
            for k in first..first + count {
                let mut params = self.behaviour(problem, &layout, k)?;
                for policy in &world.policies {
                    params = policy.apply(&params)?;
                }
                if !world.policies.is_empty() {
                    params.check(network).map_err(|e| e.within("policies"))?;
                }
                let draw = ByParameter::try_of(|p| match params.values(p) {
                    Some(values) => Ok(values.clone()),
                    None if p.of_shock() => of_hits(p, k),
                    None => self.entries(problem, &layout, p, k),
                })?;
                out.direct.push(direct(problem, shock, periods, &draw));
                for (parameter, values) in draw.iter() {
                    rows.get_mut(parameter).extend(values);
                }
            }
            out.simulate(&horizon, count, &rows)?;
            if interrupt.asked() {
                break;
            }
        }
        out.finish(shock);
        Ok(out)
    }
}

impl Outcome {
    /// Adds some draws.
    fn simulate(
        &mut self,
        horizon: &Horizon,
        count: usize,
        rows: &ByParameter<Vec<f64>>,
    ) -> Result<()> {
        let values = ByParameter::of(|p| Cow::Borrowed(&rows.get(p)[..]));
        let remaining = horizon.remaining(&values);
        let panels = horizon.panel(count, &values, &remaining)?;
        let lost = panels.iter().filter(|v| !v.is_finite()).count();
        if lost > 0 {
            return Err(Error::new(
                "prediction",
                format!("{lost} of {} predicted cells are not finite", panels.len()),
                "narrow the priors, or calibrate again with a lower learning rate",
            ));
        }
        self.prediction.samples.extend(panels);
        self.prediction.draws += count;
        Ok(())
    }

    /// Works out what is told of the simulated draws.
    fn finish(&mut self, shock: &Shock) {
        let Prediction { mean, samples, .. } = &mut self.prediction;
        mean.values = column_means(samples, mean.values.len());
        let periods = mean.periods;
        let begin = shock.events.iter().map(|e| e.start).min().unwrap_or(1);
        for total in self.total().chunks_exact(periods) {
            self.lost
                .push(1.0 - total.iter().sum::<f64>() / (100.0 * periods as f64));
            // Rounding must not make a steady state one that has not recovered.
            let last = total.iter().rposition(|v| *v < 95.0 - 1e-9);
            self.recovery.push(match last {
                None => 0.0,
                Some(t) if t + 1 == periods => f64::INFINITY,
                Some(t) => (t + 2).saturating_sub(begin) as f64,
            });
        }
    }
}

/// Share of the steady output of all periods that the firms hit lose by their own capacity alone; hits that recover
/// as the firm's partners do are not in it.
fn direct(problem: &Problem, shock: &Shock, periods: usize, draw: &ByParameter<Vec<f64>>) -> f64 {
    let network = &problem.network;
    let Simulation { model, slack, .. } = problem.simulation;
    // Remaining capacity of every firm that is hit, [period, column].
    let paths = shock.capacity(model.combination, periods);
    let left = paths.values(&PathValues::of_capacity(draw));
    let mut lost = 0.0;
    for (c, firm) in paths.columns().iter().enumerate() {
        let firm = *firm as usize;
        let z = left.iter().skip(c).step_by(paths.columns().len());
        let slack = draw.slack.get(firm).copied().unwrap_or(slack);
        let fed = network.by_buyer().degree(firm) > 0;
        // Stocks are full: what a firm can make is relative to its steady output.
        let lowest = if fed {
            draw.target_inventory[firm]
        } else {
            PADDING
        };
        let short = z.map(|z| {
            let limit = production::host::limit(model.production, z * (1.0 + slack), *z, lowest);
            (1.0 - limit).max(0.0)
        });
        lost += network.output()[firm] * short.sum::<f64>();
    }
    lost / (network.output().iter().sum::<f64>() * periods as f64)
}
