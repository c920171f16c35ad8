//! Input-output tables: read, checked and corrected, their multipliers, and firms that reproduce them.
//!
//! The readers live here and not in `frame::read`, as what they return is matrices and no frame: a table
//! becomes a network without polars, and `frame` only shows it.

mod aggregate;
mod classes;
mod code;
mod correct;
mod disaggregate;
mod firms;
mod fit;
mod from_flows;
mod grid;
mod holds;
mod identities;
mod labels;
mod leontief;
mod listed;
mod long;
mod names;
mod options;
mod read;
mod rows;
mod sizes;
mod totals;
mod treat;
mod wide;

pub use classes::sector_name;
pub use code::sector_code;
pub use correct::{
    Change, Corrected, Corrections, Finding, Imbalance, Imports, NegativeDemand, NegativeFlows,
    ZeroOutput,
};
pub use disaggregate::{Disaggregate, Disaggregated, disaggregate};
pub use options::{Blank, Holds, Layout, Orientation, TableOptions};
pub use read::{parse_table, read_table};

use crate::error::{Error, Result};
use std::fmt;

/// What a column of final demand is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Consumption, investment and stocks at home: what competing imports also serve.
    Domestic,
    /// Exports: made at home by definition.
    Exports,
}

/// A column of final demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// As the table calls it; "region · column" in multi-regional tables.
    pub name: String,
    /// Whether imports may serve it.
    pub kind: Use,
    /// Value bought of each supplier, `[supplier]`.
    pub values: Vec<f64>,
}

/// A row below the sectors: value added, taxes, imported inputs, employment.
#[derive(Clone, Debug, PartialEq)]
pub struct Primary {
    /// As the table calls it.
    pub name: String,
    /// Value used by each buyer, `[buyer]`.
    pub values: Vec<f64>,
}

/// An input-output table: suppliers in rows, buyers in columns, in the table's own money per year.
/// A row balances where output = flows + final demand - imports.
///
/// Beware that the model's coefficient of a link (the paper's A_ij) is the transpose of a table's.
#[derive(Clone, PartialEq)]
pub struct InputOutput {
    /// Region of each sector; one empty name in a table of one region.
    pub regions: Vec<String>,
    /// Code or name of each sector; codes of divisions in one spelling, see `sector_code`.
    pub sectors: Vec<String>,
    /// Intermediate flows Z, [supplier, buyer] row by row.
    pub flows: Vec<f64>,
    /// Columns of final demand.
    pub demand: Vec<Demand>,
    /// Competing imports that are counted in flows and final demand, `[supplier]`; positive, and
    /// empty in a table of domestic flows.
    pub imports: Vec<f64>,
    /// Gross output x, `[sector]`.
    pub output: Vec<f64>,
    /// Rows below the sectors, as they are.
    pub primary: Vec<Primary>,
    /// What the file was taken for.
    pub layout: Layout,
    /// What was assumed when it was read, one sentence each.
    pub notes: Vec<String>,
}

impl InputOutput {
    /// Number n of rows of the flows: sectors x regions.
    pub fn len(&self) -> usize {
        self.output.len()
    }

    /// True without any sector, which no reader returns.
    pub fn is_empty(&self) -> bool {
        self.output.is_empty()
    }

    /// "region · sector" of a row; the sector alone in a table of one region.
    pub fn label(&self, sector: usize) -> String {
        let name = |list: &[String]| list.get(sector).map_or("", String::as_str).to_string();
        match (name(&self.regions), name(&self.sectors)) {
            (region, sector) if region.is_empty() => sector,
            (region, sector) => format!("{region} · {sector}"),
        }
    }

    /// Value that `buyer` uses of `supplier`; NaN where there is no such sector.
    pub fn flow(&self, supplier: usize, buyer: usize) -> f64 {
        let n = self.len();
        let cell = (supplier < n && buyer < n).then(|| self.flows.get(supplier * n + buyer));
        cell.flatten().copied().unwrap_or(f64::NAN)
    }

    /// Sales to sectors, `[supplier]`: the row sums of the flows.
    pub fn sold(&self) -> Vec<f64> {
        let n = self.len();
        (0..n)
            .map(|i| match self.flows.get(i * n..(i + 1) * n) {
                Some(row) => row.iter().sum(),
                None => f64::NAN,
            })
            .collect()
    }

    /// Purchases from sectors, `[buyer]`: the column sums of the flows.
    pub fn bought(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.len()];
        for row in self.flows.chunks(self.len().max(1)) {
            for (s, z) in sums.iter_mut().zip(row) {
                *s += z;
            }
        }
        sums
    }

    /// Final demand for what is made here, `[supplier]`: all columns, less imports.
    pub fn final_demand(&self) -> Vec<f64> {
        (0..self.len())
            .map(|i| {
                let value = |c: &Demand| c.values.get(i).copied().unwrap_or(f64::NAN);
                let all: f64 = self.demand.iter().map(value).sum();
                all - self.imports.get(i).copied().unwrap_or(0.0)
            })
            .collect()
    }

    /// Refuses flows and names that are not as many as the sectors need.
    fn whole_flows(&self) -> Result<()> {
        let n = self.len();
        if n == 0 {
            return Err(Error::new(
                "InputOutput, output",
                "the table has no sector",
                "give one output, region and name a sector, and flows row by row",
            ));
        }
        let counts = [
            ("regions", self.regions.len(), n),
            ("sectors", self.sectors.len(), n),
            ("flows", self.flows.len(), n * n),
        ];
        self.counted(&counts)?;
        if let Some(k) = self.flows.iter().position(|z| !z.is_finite()) {
            return Err(Error::new(
                format!("{} to {}", self.label(k / n), self.label(k % n)),
                format!("the flow is {}", self.flows[k]),
                "give finite numbers; a flow that is missing is 0 where nothing is sold",
            ));
        }
        match self.output.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(i) => Err(Error::new(
                self.label(i),
                format!("its output is {}", self.output[i]),
                "give a finite number",
            )),
        }
    }

    /// Refuses a table whose columns are not as long as its output.
    pub(crate) fn whole(&self) -> Result<()> {
        let n = self.len();
        self.whole_flows()?;
        let imports = match self.imports.len() {
            0 => n,
            m => m,
        };
        self.counted(&[("imports", imports, n)])?;
        for c in &self.demand {
            self.counted(&[(&format!("demand {:?}", c.name), c.values.len(), n)])?;
        }
        for p in &self.primary {
            self.counted(&[(&format!("primary {:?}", p.name), p.values.len(), n)])?;
        }
        Ok(())
    }

    fn counted(&self, counts: &[(&str, usize, usize)]) -> Result<()> {
        match counts.iter().find(|(_, found, wanted)| found != wanted) {
            None => Ok(()),
            Some((field, found, wanted)) => Err(Error::new(
                format!("InputOutput, {field}"),
                format!(
                    "{found} values, but a table of {} sectors has {wanted}",
                    self.len()
                ),
                "give one output, region and name a sector, and flows row by row",
            )),
        }
    }

    /// Names of the regions, each once, in order of first appearance.
    pub fn region_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for r in &self.regions {
            if !names.contains(r) {
                names.push(r.clone());
            }
        }
        names
    }

    /// The table of one region: its own flows. What it sells to and buys from other regions becomes
    /// exports and a primary input.
    pub fn region(&self, name: &str) -> Result<InputOutput> {
        self.whole()?;
        let keep: Vec<usize> = (0..self.len())
            .filter(|i| self.regions[*i] == name)
            .collect();
        if keep.is_empty() {
            let known = self.region_names();
            return Err(Error::new(
                "table",
                format!("there is no region {name:?}"),
                format!("the regions are {}", names::list(&known)),
            ));
        }
        let n = self.len();
        let inside: Vec<bool> = self.regions.iter().map(|r| r == name).collect();
        let of = |values: &[f64]| -> Vec<f64> { keep.iter().map(|i| values[*i]).collect() };
        let across = |cell: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            keep.iter()
                .map(|&i| (0..n).filter(|j| !inside[*j]).map(|j| cell(i, j)).sum())
                .collect()
        };
        let (to, from) = (
            across(&|i, j| self.flow(i, j)),
            across(&|i, j| self.flow(j, i)),
        );
        let mut demand: Vec<Demand> = self
            .demand
            .iter()
            .map(|c| Demand {
                values: of(&c.values),
                ..c.clone()
            })
            .collect();
        demand.retain(|c| c.values.iter().any(|v| *v != 0.0));
        let mut primary: Vec<Primary> = self
            .primary
            .iter()
            .map(|p| Primary {
                values: of(&p.values),
                ..p.clone()
            })
            .collect();
        if to.iter().any(|v| *v != 0.0) {
            demand.push(Demand {
                name: "inputs of other regions".into(),
                kind: Use::Exports,
                values: to,
            });
        }
        if from.iter().any(|v| *v != 0.0) {
            primary.push(Primary {
                name: "inputs from other regions".into(),
                values: from,
            });
        }
        Ok(InputOutput {
            regions: vec![name.to_string(); keep.len()],
            sectors: keep.iter().map(|i| self.sectors[*i].clone()).collect(),
            flows: keep
                .iter()
                .flat_map(|&i| keep.iter().map(move |&j| self.flow(i, j)))
                .collect(),
            demand,
            imports: if self.imports.is_empty() {
                Vec::new()
            } else {
                of(&self.imports)
            },
            output: of(&self.output),
            primary,
            layout: self.layout,
            notes: self.notes.clone(),
        })
    }
}

impl fmt::Debug for InputOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.flows.iter().filter(|z| **z != 0.0).count();
        write!(
            f,
            "Input-output table ({}): {} sectors in {} regions, {used} flows, output {:.6e}",
            self.layout.name(),
            self.len(),
            self.region_names().len(),
            self.output.iter().sum::<f64>()
        )
    }
}
