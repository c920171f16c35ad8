//! Input-output tables, what is wrong with them and what was changed, as frames and files.

use super::results::{json, numbers, texts};
use super::schema;
use super::store::{Files, Pack, Stored};
use super::write::{ToFrame, column, text};
use crate::error::{Error, Result};
use crate::table::{Corrected, Demand, Disaggregated, Finding, InputOutput, Layout, Primary, Use};
use polars::prelude::DataFrame;
use std::collections::HashMap;

/// Names of the kinds of rows of a table's frame.
const FLOW: &str = "flow";
const DOMESTIC: &str = "final demand";
const EXPORTS: &str = "exports";
const IMPORTS: &str = "imports";
const OUTPUT: &str = "output";
const PRIMARY: &str = "primary input";

#[derive(Default)]
struct Rows {
    kind: Vec<String>,
    from: (Vec<String>, Vec<String>),
    to: (Vec<String>, Vec<String>),
    value: Vec<f64>,
}

impl Rows {
    fn add(&mut self, kind: &str, from: (&str, &str), to: (&str, &str), value: f64) {
        self.kind.push(kind.into());
        self.from.0.push(from.0.into());
        self.from.1.push(from.1.into());
        self.to.0.push(to.0.into());
        self.to.1.push(to.1.into());
        self.value.push(value);
    }
}

impl ToFrame for InputOutput {
    /// One row a cell that is not zero: kind (flow, final demand, exports, imports, output, primary
    /// input), supplier_region, supplier, buyer_region, buyer, value. Output has a row for every sector.
    fn frame(&self) -> Result<DataFrame> {
        self.whole()?;
        let n = self.len();
        let key = |i: usize| (self.regions[i].as_str(), self.sectors[i].as_str());
        let mut rows = Rows::default();
        for i in 0..n {
            rows.add(OUTPUT, key(i), ("", OUTPUT), self.output[i]);
        }
        for k in (0..n * n).filter(|k| self.flows[*k] != 0.0) {
            rows.add(FLOW, key(k / n), key(k % n), self.flows[k]);
        }
        for c in &self.demand {
            let kind = if c.kind == Use::Exports {
                EXPORTS
            } else {
                DOMESTIC
            };
            for i in (0..n).filter(|i| c.values[*i] != 0.0) {
                rows.add(kind, key(i), ("", &c.name), c.values[i]);
            }
        }
        for (i, m) in self.imports.iter().enumerate().filter(|(_, m)| **m != 0.0) {
            rows.add(IMPORTS, key(i), ("", IMPORTS), *m);
        }
        for p in &self.primary {
            for j in (0..n).filter(|j| p.values[*j] != 0.0) {
                rows.add(PRIMARY, ("", &p.name), key(j), p.values[j]);
            }
        }
        Ok(DataFrame::new_infer_height(vec![
            text(schema::KIND, rows.kind),
            text(schema::SUPPLIER_REGION, rows.from.0),
            text(schema::SUPPLIER, rows.from.1),
            text(schema::BUYER_REGION, rows.to.0),
            text(schema::BUYER, rows.to.1),
            column(schema::VALUE, rows.value),
        ])?)
    }
}

/// A region and a sector, or the name of what stands in their place.
type Place = (String, String);

/// Whether a column of final demand is one of exports.
fn kind_of(exports: bool) -> Use {
    if exports { Use::Exports } else { Use::Domestic }
}

/// Fills a table with its cells, each of a kind, from a place to another.
fn fill(
    table: &mut InputOutput,
    index: &HashMap<&Place, usize>,
    (kind, value): (&[String], &[f64]),
    (from, to): (&[Place], &[Place]),
) -> Result<()> {
    let n = table.output.len();
    for k in 0..kind.len() {
        let unknown = || {
            Error::new(
                format!("row {k}"),
                format!("{:?} of {:?} to {:?} is unknown", kind[k], from[k], to[k]),
                "write it again",
            )
        };
        let row = || index.get(&from[k]).copied().ok_or_else(unknown);
        let column = || index.get(&to[k]).copied().ok_or_else(unknown);
        match kind[k].as_str() {
            OUTPUT => {}
            FLOW => table.flows[row()? * n + column()?] = value[k],
            IMPORTS => *table.imports.get_mut(row()?).ok_or_else(unknown)? = value[k],
            PRIMARY => {
                let line = table.primary.iter_mut().find(|p| p.name == from[k].1);
                line.ok_or_else(unknown)?.values[column()?] = value[k];
            }
            other => {
                let exports = kind_of(other == EXPORTS);
                let line = table
                    .demand
                    .iter_mut()
                    .find(|c| c.name == to[k].1 && c.kind == exports);
                line.ok_or_else(unknown)?.values[row()?] = value[k];
            }
        }
    }
    Ok(())
}

impl Stored for InputOutput {
    const KIND: &'static str = "input-output table";

    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        pack.fact("layout", self.layout.name());
        pack.fact("notes", json(&self.notes));
        // Columns may be zero throughout, and their order counts.
        let columns: Vec<(&str, bool)> = self
            .demand
            .iter()
            .map(|c| (c.name.as_str(), c.kind == Use::Exports))
            .collect();
        pack.fact("demand", json(&columns));
        pack.fact(
            "primary",
            json(&self.primary.iter().map(|p| &p.name).collect::<Vec<_>>()),
        );
        pack.fact("imports", !self.imports.is_empty());
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let frame = files.frame();
        let (kind, value) = (texts(frame, schema::KIND)?, numbers(frame, schema::VALUE)?);
        let pairs = |region: &str, sector: &str| -> Result<Vec<Place>> {
            Ok(texts(frame, region)?
                .into_iter()
                .zip(texts(frame, sector)?)
                .collect())
        };
        let from = pairs(schema::SUPPLIER_REGION, schema::SUPPLIER)?;
        let to = pairs(schema::BUYER_REGION, schema::BUYER)?;
        let sectors: Vec<usize> = (0..kind.len()).filter(|k| kind[*k] == OUTPUT).collect();
        let n = sectors.len();
        let index: HashMap<&Place, usize> = sectors
            .iter()
            .enumerate()
            .map(|(i, k)| (&from[*k], i))
            .collect();
        let columns: Vec<(String, bool)> = files.json("demand")?;
        let names: Vec<String> = files.json("primary")?;
        let mut table = InputOutput {
            regions: sectors.iter().map(|k| from[*k].0.clone()).collect(),
            sectors: sectors.iter().map(|k| from[*k].1.clone()).collect(),
            flows: vec![0.0; n * n],
            demand: columns
                .into_iter()
                .map(|(name, exports)| Demand {
                    name,
                    kind: kind_of(exports),
                    values: vec![0.0; n],
                })
                .collect(),
            imports: if files.fact("imports")? == "true" {
                vec![0.0; n]
            } else {
                Vec::new()
            },
            output: sectors.iter().map(|k| value[*k]).collect(),
            primary: names
                .into_iter()
                .map(|name| Primary {
                    name,
                    values: vec![0.0; n],
                })
                .collect(),
            layout: match files.fact("layout")? {
                "long" => Layout::Long,
                "multi-regional" => Layout::MultiRegional,
                _ => Layout::Wide,
            },
            notes: files.json("notes")?,
        };
        fill(&mut table, &index, (&kind, &value), (&from, &to))?;
        Ok(table)
    }
}

impl ToFrame for Vec<Finding> {
    /// One row a finding: sector, with, value, reason.
    fn frame(&self) -> Result<DataFrame> {
        let of = |f: fn(&Finding) -> &String| self.iter().map(|x| f(x).clone()).collect();
        Ok(DataFrame::new_infer_height(vec![
            text(schema::SECTOR, of(|f| &f.sector)),
            text(schema::WITH, of(|f| &f.with)),
            column(schema::VALUE, self.iter().map(|f| f.value).collect()),
            text(schema::REASON, of(|f| &f.what)),
        ])?)
    }
}

impl ToFrame for Corrected {
    /// One row a changed cell: sector, with (the buyer or the column), before, after, reason.
    fn frame(&self) -> Result<DataFrame> {
        let rows = &self.changes;
        Ok(DataFrame::new_infer_height(vec![
            text(
                schema::SECTOR,
                rows.iter().map(|c| c.sector.clone()).collect(),
            ),
            text(schema::WITH, rows.iter().map(|c| c.with.clone()).collect()),
            column(schema::BEFORE, rows.iter().map(|c| c.before).collect()),
            super::results::nullable(
                schema::AFTER,
                &rows.iter().map(|c| c.after).collect::<Vec<_>>(),
            ),
            text(
                schema::REASON,
                rows.iter().map(|c| c.reason.clone()).collect(),
            ),
        ])?)
    }
}

impl ToFrame for Disaggregated {
    /// The firms, as the network's frame.
    fn frame(&self) -> Result<DataFrame> {
        self.network.frame()
    }
}

/// Multipliers of a table, one row a sector: region, sector, output, input_share (inputs per unit of
/// output) and multiplier (output of all sectors per unit of final demand for it).
pub fn multipliers_frame(table: &InputOutput) -> Result<DataFrame> {
    Ok(DataFrame::new_infer_height(vec![
        text(schema::REGION, table.regions.clone()),
        text(schema::SECTOR, table.sectors.clone()),
        column(schema::OUTPUT, table.output.clone()),
        column(schema::INPUT_SHARE, table.input_shares()?),
        column(schema::MULTIPLIER, table.multipliers()?),
    ])?)
}
