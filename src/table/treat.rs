//! The treatments of a table, one after the other, and the record of what they change.

use super::correct::{
    Change, Corrections, Imbalance, Imports, NegativeDemand, NegativeFlows, ZeroOutput,
};
use super::{Demand, InputOutput, Primary, Use, names};
use crate::error::{Error, Result};

const DIFFERENCE: &str = "statistical difference";

/// A table under treatment.
pub(super) struct Work {
    pub(super) table: InputOutput,
    pub(super) changes: Vec<Change>,
}

impl Work {
    fn changed(&mut self, i: usize, with: &str, before: f64, after: f64, reason: &str) {
        if before != after {
            let (sector, with, reason) =
                (self.table.label(i), with.to_string(), reason.to_string());
            self.changes.push(Change {
                sector,
                with,
                before,
                after,
                reason,
            });
        }
    }

    fn set_flow(&mut self, i: usize, j: usize, after: f64, reason: &str) {
        let k = i * self.table.len() + j;
        let before = std::mem::replace(&mut self.table.flows[k], after);
        self.changed(i, &self.table.label(j), before, after, reason);
    }

    fn set_demand(&mut self, c: usize, i: usize, after: f64, reason: &str) {
        let before = std::mem::replace(&mut self.table.demand[c].values[i], after);
        let name = self.table.demand[c].name.clone();
        self.changed(i, &name, before, after, reason);
    }

    fn set_output(&mut self, i: usize, after: f64, reason: &str) {
        let before = std::mem::replace(&mut self.table.output[i], after);
        self.changed(i, "output", before, after, reason);
    }

    /// Adds to a column of final demand that only holds differences.
    fn difference(&mut self, i: usize, by: f64, reason: &str) {
        let n = self.table.len();
        let c = self
            .table
            .demand
            .iter()
            .position(|c| c.name == DIFFERENCE)
            .unwrap_or_else(|| {
                self.table.demand.push(Demand {
                    name: DIFFERENCE.into(),
                    kind: Use::Domestic,
                    values: vec![0.0; n],
                });
                self.table.demand.len() - 1
            });
        self.set_demand(c, i, self.table.demand[c].values[i] + by, reason);
    }

    /// An error that names the sectors of `bad` with their numbers.
    fn refuse(&self, bad: &[(usize, f64)], fact: &str, remedy: &str) -> Error {
        let named: Vec<String> = bad
            .iter()
            .map(|(i, v)| format!("{} ({v:.6})", self.table.label(*i)))
            .collect();
        Error::new("table", format!("{fact}: {}", names::list(&named)), remedy)
    }

    pub(super) fn imports(&mut self, treatment: Imports) -> Result<()> {
        let n = self.table.len();
        let imports = std::mem::take(&mut self.table.imports);
        let used: Vec<(usize, f64)> = imports
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, m)| *m != 0.0)
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        if treatment == Imports::Refuse {
            return Err(self.refuse(
                &used,
                "imports are counted in flows and final demand",
                "say Corrections { imports: Imports::Proportional, .. }, or take the table of domestic flows",
            ));
        }
        let sold = self.table.sold();
        let home = |i: usize| -> f64 {
            self.table
                .demand
                .iter()
                .filter(|c| c.kind == Use::Domestic)
                .map(|c| c.values[i])
                .sum()
        };
        let share: Vec<f64> = (0..n)
            .map(|i| {
                if imports[i] == 0.0 {
                    0.0
                } else {
                    imports[i] / (sold[i] + home(i))
                }
            })
            .collect();
        let bad: Vec<(usize, f64)> = share
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, m)| !(0.0..=1.0).contains(m))
            .collect();
        if !bad.is_empty() {
            return Err(self.refuse(
                &bad,
                "the share of imports in what is used at home is not between 0 and 1",
                "check the columns of imports and exports",
            ));
        }
        for i in (0..n).filter(|i| share[*i] > 0.0) {
            let reason = format!("imports, {:.4} of what is used at home", share[i]);
            for j in 0..n {
                self.set_flow(i, j, self.table.flow(i, j) * (1.0 - share[i]), &reason);
            }
            for c in 0..self.table.demand.len() {
                if self.table.demand[c].kind == Use::Domestic {
                    self.set_demand(
                        c,
                        i,
                        self.table.demand[c].values[i] * (1.0 - share[i]),
                        &reason,
                    );
                }
            }
        }
        Ok(())
    }

    pub(super) fn balance(&mut self, corrections: &Corrections) -> Result<()> {
        let misses = self.table.imbalance();
        let rounding = |i: usize, x: f64| misses[i].abs() <= corrections.tolerance * x;
        let bad: Vec<(usize, f64)> = (0..misses.len())
            .filter(|i| !rounding(*i, self.table.output[*i]))
            .map(|i| (i, misses[i]))
            .collect();
        if !bad.is_empty() && corrections.imbalance == Imbalance::Refuse {
            let remedy = if self.balances_transposed(corrections.tolerance) {
                "with rows and columns swapped they balance: say TableOptions { orientation: Orientation::BuyersInRows, .. }"
            } else {
                "check the columns of final demand and output, or say Corrections { imbalance: Imbalance::KeepOutput, .. }"
            };
            return Err(self.refuse(
                &bad,
                "output less flows and final demand is not zero",
                remedy,
            ));
        }
        for (i, by) in misses
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, by)| *by != 0.0)
        {
            let x = self.table.output[i];
            // What is left of adding in floating point is no change that anybody wants to read of.
            let noise = by.abs() <= 1e-12 * x;
            match corrections.imbalance {
                Imbalance::KeepDemand if !rounding(i, x) => {
                    self.set_output(i, x - by, "imbalance: flows and final demand count");
                }
                _ if noise => {}
                _ if rounding(i, x) => self.difference(i, by, "rounding"),
                _ => self.difference(i, by, "imbalance: output counts"),
            }
        }
        Ok(())
    }

    /// True where the flows would balance the other way round.
    fn balances_transposed(&self, tolerance: f64) -> bool {
        let t = &self.table;
        let (bought, demand) = (t.bought(), t.final_demand());
        (0..t.len()).all(|i| (t.output[i] - bought[i] - demand[i]).abs() <= tolerance * t.output[i])
    }

    pub(super) fn zero_output(&mut self, treatment: ZeroOutput) -> Result<()> {
        let n = self.table.len();
        let zero: Vec<(usize, f64)> = (0..n)
            .filter(|i| self.table.output[*i] == 0.0)
            .map(|i| (i, 0.0))
            .collect();
        if zero.is_empty() {
            return Ok(());
        }
        if treatment == ZeroOutput::Refuse {
            return Err(self.refuse(
                &zero,
                "sectors without output",
                "say Corrections { zero_output: ZeroOutput::Drop, .. }",
            ));
        }
        let dropped: Vec<bool> = (0..n).map(|i| self.table.output[i] == 0.0).collect();
        if let Some((i, j)) = (0..n * n)
            .map(|k| (k / n, k % n))
            .find(|(i, j)| dropped[*i] && self.table.flow(*i, *j) != 0.0)
        {
            return Err(Error::new(
                self.table.label(i),
                format!(
                    "it has no output but sells {} to {}",
                    self.table.flow(i, j),
                    self.table.label(j)
                ),
                "give it its output, or merge it with another sector",
            ));
        }
        for i in (0..n).filter(|i| !dropped[*i]) {
            for j in (0..n).filter(|j| dropped[*j]) {
                let z = self.table.flow(i, j);
                if z != 0.0 {
                    let reason = format!(
                        "{} has no output: what it buys is final demand",
                        self.table.label(j)
                    );
                    self.set_flow(i, j, 0.0, &reason);
                    self.difference(i, z, &reason);
                }
            }
        }
        for (i, _) in &zero {
            let sector = self.table.label(*i);
            let reason = "a sector without output, dropped".to_string();
            self.changes.push(Change {
                sector,
                with: "output".into(),
                before: 0.0,
                after: f64::NAN,
                reason,
            });
        }
        let keep: Vec<usize> = (0..n).filter(|i| !dropped[*i]).collect();
        self.table = self.table.only(&keep);
        Ok(())
    }

    pub(super) fn negative_flows(&mut self, treatment: NegativeFlows) -> Result<()> {
        let n = self.table.len();
        let bad: Vec<(usize, usize)> = (0..n * n)
            .filter(|k| self.table.flows[*k] < 0.0)
            .map(|k| (k / n, k % n))
            .collect();
        if !bad.is_empty() && treatment == NegativeFlows::Refuse {
            let named: Vec<String> = bad
                .iter()
                .map(|(i, j)| {
                    format!(
                        "{} to {} ({})",
                        self.table.label(*i),
                        self.table.label(*j),
                        self.table.flow(*i, *j)
                    )
                })
                .collect();
            return Err(Error::new(
                "table",
                format!("flows below zero: {}", names::list(&named)),
                "say Corrections { negative_flows: NegativeFlows::ToDemand, .. }",
            ));
        }
        for (i, j) in bad {
            let z = self.table.flow(i, j);
            self.set_flow(i, j, 0.0, "a negative flow is zero");
            self.difference(i, z, "a negative flow is zero");
        }
        Ok(())
    }

    pub(super) fn negative_demand(&mut self, treatment: NegativeDemand) -> Result<()> {
        let demand = self.table.final_demand();
        // Below zero by rounding of the sum alone is zero.
        let bad: Vec<(usize, f64)> = demand
            .iter()
            .copied()
            .enumerate()
            .filter(|(i, d)| *d < -1e-12 * self.table.output[*i])
            .collect();
        if !bad.is_empty() && treatment == NegativeDemand::Refuse {
            return Err(self.refuse(
                &bad,
                "final demand is negative",
                "imports may be counted in flows, or stocks run down: say Corrections { negative_demand: NegativeDemand::ScaleFlows, .. } or RaiseOutput",
            ));
        }
        for (i, _) in bad {
            let n = self.table.len();
            match treatment {
                NegativeDemand::ScaleFlows => {
                    let sold: f64 = (0..n).map(|j| self.table.flow(i, j)).sum();
                    let scale = self.table.output[i] / sold;
                    let reason = "final demand was negative: flows shrink to output";
                    for j in 0..n {
                        self.set_flow(i, j, self.table.flow(i, j) * scale, reason);
                    }
                    for c in 0..self.table.demand.len() {
                        self.set_demand(c, i, 0.0, reason);
                    }
                }
                _ => {
                    let reason = "final demand was negative: what was taken from stock is produced";
                    for c in 0..self.table.demand.len() {
                        let v = self.table.demand[c].values[i];
                        self.set_demand(c, i, v.max(0.0), reason);
                    }
                    let d: f64 = self.table.demand.iter().map(|c| c.values[i]).sum();
                    let sold: f64 = (0..n).map(|j| self.table.flow(i, j)).sum();
                    self.set_output(i, sold + d, reason);
                }
            }
        }
        Ok(())
    }

    pub(super) fn steady(&self) -> Result<()> {
        let radius = self.table.spectral_radius()?;
        if radius < 1.0 {
            return Ok(());
        }
        let shares = self.table.input_shares()?;
        let mut bad: Vec<(usize, f64)> = shares.into_iter().enumerate().collect();
        bad.sort_by(|a, b| b.1.total_cmp(&a.1));
        bad.truncate(5);
        Err(self.refuse(
            &bad,
            &format!("there is no steady state, the spectral radius of A is {radius:.4}; inputs per unit of output are largest in"),
            "check that suppliers are in rows, and that output is that of the same sectors",
        ))
    }
}

impl InputOutput {
    /// The table of these sectors alone; its imports are left out.
    fn only(&self, keep: &[usize]) -> InputOutput {
        let of = |v: &[f64]| -> Vec<f64> { keep.iter().map(|i| v[*i]).collect() };
        let names = |v: &[String]| -> Vec<String> { keep.iter().map(|i| v[*i].clone()).collect() };
        let row = |i: &usize| -> Vec<f64> { keep.iter().map(|j| self.flow(*i, *j)).collect() };
        let demand = self.demand.iter().map(|c| Demand {
            values: of(&c.values),
            ..c.clone()
        });
        let primary = self.primary.iter().map(|p| Primary {
            values: of(&p.values),
            ..p.clone()
        });
        InputOutput {
            regions: names(&self.regions),
            sectors: names(&self.sectors),
            flows: keep.iter().flat_map(row).collect(),
            demand: demand.collect(),
            imports: Vec::new(),
            output: of(&self.output),
            primary: primary.collect(),
            layout: self.layout,
            notes: self.notes.clone(),
        }
    }
}
