//! What limits whom and when: losses by cause, by the product that was short, and the firms that hold others up.

use super::Trajectory;
use crate::error::{Error, Result};
use crate::model::Substitution;

/// What a loss of output is due to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The firm's own capacity: the direct loss.
    Capacity,
    /// An input that is short: the loss that comes from suppliers.
    Input,
    /// Demand that is missing: the loss that comes from customers.
    Demand,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 3] = [Cause::Capacity, Cause::Input, Cause::Demand];

    /// Its name in tables and legends.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Capacity => "own capacity",
            Cause::Input => "inputs",
            Cause::Demand => "demand",
        }
    }
}

/// A supplier that holds others up.
#[derive(Clone, Debug, PartialEq)]
pub struct Bottleneck {
    /// The firm, by index.
    pub firm: usize,
    /// Output that its customers lose because the inputs that it delivers are short, units over all periods: of an input
    /// with several suppliers each has the part that it delivers less of its usual orders.
    pub held_up: f64,
    /// Customers that it holds up at some time.
    pub customers: usize,
}

/// Losses of a run by cause. The three causes add up to the loss.
///
/// What limits a firm is the smallest of what is demanded, what its capacity allows and what its inputs allow; of equal
/// ones demand comes first, then capacity. Below a margin of a millionth the answer is rounding.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// Number of periods.
    pub periods: usize,
    /// Region names, as of the network.
    pub regions: Vec<String>,
    /// Names of products, as of the network.
    pub products: Vec<String>,
    /// Loss by region and cause, [period, region, cause], units per period; causes in the order of `Cause::ALL`.
    pub loss: Vec<f64>,
    /// Loss by the product whose shortage limits, [period, product], units per period: the parts of `Cause::Input`.
    pub short: Vec<f64>,
    /// Final demand that is not met, by the region of the firm that makes it, [period, region], units per period.
    pub unmet: Vec<f64>,
    /// Steady output of the economy, units per period.
    pub steady: f64,
    /// The suppliers that hold up most, the strongest first.
    pub bottlenecks: Vec<Bottleneck>,
}

impl Attribution {
    /// Loss of the economy by cause over all periods, in the order of `Cause::ALL`, as a share of steady output.
    pub fn shares(&self) -> [f64; 3] {
        let whole = self.steady * self.periods as f64;
        let sum = |k: usize| self.loss.iter().skip(k).step_by(3).sum::<f64>() / whole;
        [sum(0), sum(1), sum(2)]
    }

    /// Loss of the economy by one cause, one value a period, as a share of steady output.
    pub fn over_time(&self, cause: Cause) -> Vec<f64> {
        let regions = self.regions.len();
        let rows = self.loss.chunks_exact(3 * regions.max(1));
        rows.map(|row| row.iter().skip(cause as usize).step_by(3).sum::<f64>() / self.steady)
            .collect()
    }

    /// Products by the loss that their shortage makes over all periods, as a share of steady output, the largest first.
    pub fn products_short(&self) -> Vec<(String, f64)> {
        let whole = self.steady * self.periods as f64;
        let count = self.products.len();
        let loss = |p: usize| self.short.iter().skip(p).step_by(count).sum::<f64>() / whole;
        let all = self.products.iter().enumerate();
        let mut all: Vec<(String, f64)> = all.map(|(p, name)| (name.clone(), loss(p))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }
}

impl Trajectory {
    /// Losses by cause, over time, by region and product, and the ten suppliers that hold up most. Needs a run with
    /// `Record::Everything`.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// let network = Network::synthetic(&Synthetic { firms: 80, ..Synthetic::default() })?;
    /// let shock = Shock::sector(&network, "S1", 3, 0.6, 0.05)?;
    /// let simulation = Simulation { record: Record::Everything, ..Simulation::default() };
    /// let run = simulate(&network, &Params::usual(&network), &shock, &simulation)?;
    /// let by_cause = run.attribution()?;
    /// let whole: f64 = by_cause.shares().iter().sum();
    /// assert!((whole - run.loss_share()).abs() < 1e-6);
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn attribution(&self) -> Result<Attribution> {
        self.whole()?;
        let (network, firms) = (&self.network, self.network.firms());
        if self.limit.len() != self.output.len() || self.unmet.len() != self.output.len() {
            return Err(Error::new(
                "attribution",
                "the run did not record what limits firms",
                "simulate with Record::Everything",
            ));
        }
        let (regions, products) = (network.regions().len(), network.products().len());
        let inputs = network.input_links(self.model.substitution);
        let mut out = Attribution {
            periods: self.periods,
            regions: network.regions().to_vec(),
            products: network.products().to_vec(),
            loss: vec![0.0; self.periods * regions * 3],
            short: vec![0.0; self.periods * products],
            unmet: vec![0.0; self.periods * regions],
            steady: network.output().iter().sum(),
            bottlenecks: Vec::new(),
        };
        let mut held = vec![0.0; firms];
        let mut customers = vec![std::collections::BTreeSet::new(); firms];
        for (cell, x) in self.output.iter().enumerate() {
            let (t, i) = (cell / firms, cell % firms);
            let region = network.region()[i] as usize;
            out.unmet[t * regions + region] += self.unmet[cell];
            // What a firm makes beyond its steady output is a gain, which the causes share as losses below 0.
            let lost = network.output()[i] - x;
            let cause = match self.limit[cell] {
                -1 => Cause::Demand,
                -2 => Cause::Capacity,
                _ => Cause::Input,
            };
            out.loss[(t * regions + region) * 3 + cause as usize] += lost;
            let Some(links) = usize::try_from(self.limit[cell])
                .ok()
                .and_then(|g| inputs.get(g))
            else {
                continue;
            };
            let product = network.product()[links[0] as usize] as usize;
            out.short[t * products + product] += lost;
            if lost <= 0.0 {
                continue;
            }
            for (e, part) in self.missing(links, (t, i)) {
                let j = network.supplier()[e] as usize;
                held[j] += lost * part;
                if part > 0.0 {
                    customers[j].insert(i);
                }
            }
        }
        let mut order: Vec<usize> = (0..firms).filter(|j| held[*j] > 0.0).collect();
        order.sort_by(|a, b| held[*b].total_cmp(&held[*a]));
        out.bottlenecks = (order.into_iter().take(10))
            .map(|firm| Bottleneck {
                firm,
                held_up: held[firm],
                customers: customers[firm].len(),
            })
            .collect();
        Ok(out)
    }

    /// The parts of an input's shortage that its links have: by how far their stocks are below the mean stock that the
    /// buyer would have in the steady state; all alike where none is.
    fn missing(&self, links: &[u32], (t, i): (usize, usize)) -> Vec<(usize, f64)> {
        let network = &self.network;
        let all = network.links();
        if links.len() == 1 || self.model.substitution == Substitution::None {
            return vec![(links[0] as usize, 1.0)];
        }
        let x0 = network.output()[i];
        let below = links.iter().map(|e| {
            let e = *e as usize;
            // Stocks at the end of the period before are what limited this one.
            let stock = match t {
                0 => f64::INFINITY,
                _ => self.inventory[(t - 1) * all + e],
            };
            (e, (network.coefficient()[e] * x0 - stock).max(0.0))
        });
        let below: Vec<(usize, f64)> = below.collect();
        let sum: f64 = below.iter().map(|(_, v)| v).sum();
        let even = 1.0 / links.len() as f64;
        below
            .into_iter()
            .map(|(e, v)| (e, if sum > 0.0 { v / sum } else { even }))
            .collect()
    }
}
