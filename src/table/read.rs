//! Reads an input-output table of any known layout, from a file or from text.

use super::grid::{Line, grid, transposed};
use super::{Demand, InputOutput, Layout, Orientation, Primary, TableOptions, Use, long, wide};
use crate::error::{Error, Result};
use std::path::Path;

/// What a reader found, before what is missing is computed.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) layout: Layout,
    pub(super) regions: Vec<String>,
    pub(super) sectors: Vec<String>,
    pub(super) flows: Vec<f64>,
    pub(super) demand: Vec<Demand>,
    /// Sum of the columns of imports, as they are.
    pub(super) imports: Vec<f64>,
    pub(super) output: Option<Vec<f64>>,
    pub(super) primary: Vec<Primary>,
    pub(super) notes: Vec<String>,
    /// Cells without a number that became zero.
    pub(super) missing: usize,
}

impl Parts {
    pub(super) fn add_imports(&mut self, values: &[f64]) {
        self.imports.resize(values.len(), 0.0);
        for (sum, v) in self.imports.iter_mut().zip(values) {
            *sum += v;
        }
    }

    /// Imports become positive, and output or final demand follow from the other where one is missing.
    fn finish(mut self) -> Result<InputOutput> {
        let n = self.sectors.len();
        if self.missing > 0 {
            self.notes.push(format!(
                "{} cells without a number are taken as zero",
                self.missing
            ));
        }
        if self.imports.iter().sum::<f64>() < 0.0 {
            self.imports.iter_mut().for_each(|m| *m = 0.0 - *m);
        } else if !self.imports.is_empty() {
            self.notes.push(
                "imports are positive, and taken as counted in flows and final demand".into(),
            );
        }
        let import = |i: usize| self.imports.get(i).copied().unwrap_or(0.0);
        let sold: Vec<f64> = self.flows.chunks(n).map(|row| row.iter().sum()).collect();
        let output = match self.output {
            Some(output) => output,
            None if self.demand.is_empty() => {
                return Err(Error::new(
                    "",
                    "there is neither final demand nor output, so coefficients are not known",
                    "give the file of final demand in TableOptions.final_demand_file, or name columns in TableOptions",
                ));
            }
            None => {
                self.notes
                    .push("output is computed: flows and final demand, less imports".into());
                let demand = |i: usize| self.demand.iter().map(|c| c.values[i]).sum::<f64>();
                (0..n).map(|i| sold[i] + demand(i) - import(i)).collect()
            }
        };
        if self.demand.is_empty() {
            self.notes
                .push("final demand is computed: output less flows, plus imports".into());
            let values = (0..n).map(|i| output[i] - sold[i] + import(i)).collect();
            self.demand.push(Demand {
                name: "final demand".into(),
                kind: Use::Domestic,
                values,
            });
        }
        Ok(InputOutput {
            regions: self.regions,
            sectors: self.sectors,
            flows: self.flows,
            demand: self.demand,
            imports: self.imports,
            output,
            primary: self.primary,
            layout: self.layout,
            notes: self.notes,
        })
    }
}

/// Reads a table, guessing its layout: a square of sectors with final demand and output beside it
/// (national offices, Eurostat, WIOD), one row a flow (`region,supplier,buyer,value`, Eurostat's
/// SDMX-CSV, FIGARO), or a square of regions x sectors with any number of header lines and index
/// columns (pymrio, EXIOBASE, OECD ICIO, WIOD). What lines are is told by their names, and what it
/// was taken for by `layout`, `demand`, `primary` and `notes`. It is not checked yet: see
/// `InputOutput::findings` and `InputOutput::correct`.
///
/// All cells are held in memory as text while it is read.
pub fn read_table(path: impl AsRef<Path>, options: &TableOptions) -> Result<InputOutput> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|e| {
            Error::new(
                path.display().to_string(),
                format!("it cannot be read: {e}"),
                "check the path",
            )
        })
    };
    let path = path.as_ref();
    let second = options.final_demand_file.as_deref().map(read).transpose()?;
    parse_table(&read(path)?, second.as_deref(), options).map_err(|e| e.within(path.display()))
}

/// Reads the contents of a file, and of the file of final demand where there is one.
pub fn parse_table(
    bytes: &[u8],
    final_demand: Option<&[u8]>,
    options: &TableOptions,
) -> Result<InputOutput> {
    let lines = grid(bytes)?;
    if long::is(&lines[0]) {
        if final_demand.is_some() {
            return Err(Error::new(
                "TableOptions.final_demand_file",
                "a long table has its final demand in rows of its own",
                "leave the file away",
            ));
        }
        return long::read(&lines, options)?.finish();
    }
    let turn = |lines: Vec<Line>| match options.orientation {
        Orientation::SuppliersInRows => lines,
        Orientation::BuyersInRows => transposed(&lines),
    };
    let second = final_demand
        .map(grid)
        .transpose()
        .map_err(|e| e.within("final demand file"))?
        .map(turn);
    wide::read(&turn(lines), second.as_deref(), options)?.finish()
}
