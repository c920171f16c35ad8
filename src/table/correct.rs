//! What is wrong with a table, and its stated treatments.

use super::InputOutput;
use super::treat::Work;
use crate::error::{Error, Result};

/// One thing that a model cannot take as it is, or that a user should know.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The sector, "region · sector".
    pub sector: String,
    /// The buyer or column; empty where the whole row is meant.
    pub with: String,
    /// The number in question, in the table's money.
    pub value: f64,
    /// What it is.
    pub what: String,
}

/// One cell that a treatment changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The sector, "region · sector".
    pub sector: String,
    /// The buyer, the column of final demand, or "output".
    pub with: String,
    /// The table's number.
    pub before: f64,
    /// The number now; NaN where the line was dropped.
    pub after: f64,
    /// Which treatment, and why.
    pub reason: String,
}

/// Competing imports: counted in flows and final demand, and subtracted in a column of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Imports {
    /// A table with imports is an error.
    #[default]
    Refuse,
    /// The share m_i = M_i / (sum_j Z_ij + F_i), F final demand at home, is taken off every use of
    /// i but exports.
    Proportional,
}

/// Sectors without output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZeroOutput {
    /// Such a sector is an error.
    #[default]
    Refuse,
    /// Such a sector is left out; what it bought counts as final demand.
    Drop,
}

/// Flows below zero, as tables by commodity technology have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NegativeFlows {
    /// Such a flow is an error.
    #[default]
    Refuse,
    /// It becomes zero, and final demand takes the difference, so that rows still balance.
    ToDemand,
}

/// Final demand that is below zero in sum, by running down stocks or by imports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NegativeDemand {
    /// Such a sector is an error.
    #[default]
    Refuse,
    /// Negative columns of that row become zero and output rises with it: what was taken from stock
    /// is produced in a steady state.
    RaiseOutput,
    /// Flows of that row shrink to its output and its final demand is zero: what sectors use beyond
    /// it is taken as imported.
    ScaleFlows,
}

/// Rows whose flows and final demand miss their output by more than `Corrections::tolerance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Imbalance {
    /// Such a row is an error.
    #[default]
    Refuse,
    /// Output counts; the difference becomes a column of final demand, "statistical difference".
    KeepOutput,
    /// Flows and final demand count; output becomes their sum.
    KeepDemand,
}

/// The treatment of everything that a table must not have. The default refuses all but rounding.
#[derive(Clone, Debug, PartialEq)]
pub struct Corrections {
    /// Competing imports.
    pub imports: Imports,
    /// Sectors without output.
    pub zero_output: ZeroOutput,
    /// Flows below zero.
    pub negative_flows: NegativeFlows,
    /// Final demand below zero.
    pub negative_demand: NegativeDemand,
    /// Rows that do not balance.
    pub imbalance: Imbalance,
    /// Share of its output by which a row may miss it and still count as rounded: then the difference
    /// goes into final demand, and is reported.
    pub tolerance: f64,
}

impl Default for Corrections {
    fn default() -> Self {
        Self {
            imports: Imports::Refuse,
            zero_output: ZeroOutput::Refuse,
            negative_flows: NegativeFlows::Refuse,
            negative_demand: NegativeDemand::Refuse,
            imbalance: Imbalance::Refuse,
            tolerance: 1e-3,
        }
    }
}

impl Corrections {
    /// All treatments that leave a table's output as it is, where there is one.
    pub fn all() -> Self {
        Self {
            imports: Imports::Proportional,
            zero_output: ZeroOutput::Drop,
            negative_flows: NegativeFlows::ToDemand,
            negative_demand: NegativeDemand::ScaleFlows,
            imbalance: Imbalance::KeepOutput,
            ..Self::default()
        }
    }
}

/// A table that firms can be made of, and what was changed in it.
#[derive(Clone, Debug)]
pub struct Corrected {
    /// The table: rows balance, nothing is negative, every sector has output, a steady state exists.
    pub table: InputOutput,
    /// Every cell that differs from the table as read.
    pub changes: Vec<Change>,
}

impl InputOutput {
    /// Output less all that a row's flows, final demand and imports add up to, `[supplier]`.
    pub fn imbalance(&self) -> Vec<f64> {
        let (sold, demand) = (self.sold(), self.final_demand());
        (0..self.len())
            .map(|i| self.output[i] - sold[i] - demand[i])
            .collect()
    }

    /// Everything that `correct` has a treatment for, and negative columns of final demand, which are
    /// allowed where the row's sum is positive.
    /// A table whose columns are not equally long has that one finding.
    pub fn findings(&self) -> Vec<Finding> {
        if let Err(e) = self.whole() {
            return vec![Finding {
                sector: String::new(),
                with: e.place,
                value: f64::NAN,
                what: e.fact,
            }];
        }
        let mut found = Vec::new();
        let mut add = |sector: String, with: &str, value: f64, what: &str| {
            found.push(Finding {
                sector,
                with: with.into(),
                value,
                what: what.into(),
            });
        };
        let (imbalance, demand, bought) = (self.imbalance(), self.final_demand(), self.bought());
        for i in 0..self.len() {
            let x = self.output[i];
            if let Some(m) = self.imports.get(i).filter(|m| **m != 0.0) {
                add(
                    self.label(i),
                    "",
                    *m,
                    "imports are counted in flows and final demand",
                );
            }
            if x == 0.0 {
                add(self.label(i), "", 0.0, "no output");
            } else if x < 0.0 {
                add(self.label(i), "", x, "negative output");
            } else if bought[i] >= x {
                add(
                    self.label(i),
                    "",
                    bought[i] / x,
                    "inputs per unit of output reach 1",
                );
            }
            if imbalance[i].abs() > 1e-9 * x.abs() {
                add(
                    self.label(i),
                    "",
                    imbalance[i],
                    "output less flows and final demand is not zero",
                );
            }
            if demand[i] < 0.0 {
                add(self.label(i), "", demand[i], "negative final demand");
            }
            for c in self.demand.iter().filter(|c| c.values[i] < 0.0) {
                add(
                    self.label(i),
                    &c.name,
                    c.values[i],
                    "negative column of final demand",
                );
            }
            for j in (0..self.len()).filter(|j| self.flow(i, *j) < 0.0) {
                add(
                    self.label(i),
                    &self.label(j),
                    self.flow(i, j),
                    "negative flow",
                );
            }
        }
        found
    }

    /// The table with the treatments that `corrections` names; whatever has none is an error that names
    /// the sectors. Imports come first, then imbalance, sectors without output, negative flows, negative
    /// final demand.
    pub fn correct(&self, corrections: &Corrections) -> Result<Corrected> {
        self.whole()?;
        if !(corrections.tolerance >= 0.0 && corrections.tolerance.is_finite()) {
            return Err(Error::new(
                "Corrections.tolerance",
                format!("it is {}", corrections.tolerance),
                "give a share of output, such as 0.001",
            ));
        }
        if let Some(i) = (0..self.len()).find(|i| self.output[*i] < 0.0) {
            return Err(Error::new(
                self.label(i),
                format!("its output is {}", self.output[i]),
                "output must not be negative: check the row and the column of output",
            ));
        }
        let mut work = Work {
            table: self.clone(),
            changes: Vec::new(),
        };
        work.imports(corrections.imports)?;
        work.balance(corrections)?;
        work.zero_output(corrections.zero_output)?;
        work.negative_flows(corrections.negative_flows)?;
        work.negative_demand(corrections.negative_demand)?;
        work.steady()?;
        Ok(Corrected {
            table: work.table,
            changes: work.changes,
        })
    }
}
