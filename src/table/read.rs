//! Reads an input-output table of any known layout, from a file or from text.

use super::grid::{Line, Looks, grid, looks, sheet, transposed, within};
use super::{
    Demand, InputOutput, Layout, Orientation, Primary, TableOptions, Use, holds, identities, long,
    totals, wide,
};
use crate::error::{Error, Result};
use crate::workbook::{UNPACKED, Workbook, is_workbook, quoted_list};
use std::path::Path;
use std::rc::Rc;

const SHEET: &str = "TableOptions.sheet";
const SECOND: &str = "TableOptions.final_demand_sheet";
const CAP: &str = "TableOptions.max_unpacked";

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
    /// Rows below the sectors that have the names of final demand: a sign of a transposed table.
    pub(super) demand_rows: Vec<String>,
}

impl Parts {
    pub(super) fn add_imports(&mut self, values: &[f64]) {
        self.imports.resize(values.len(), 0.0);
        for (sum, v) in self.imports.iter_mut().zip(values) {
            *sum += v;
        }
    }

    /// Imports become positive, and output or final demand follow from the other where one is missing.
    /// What the table cannot be is refused.
    fn finish(mut self, options: &TableOptions) -> Result<InputOutput> {
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
        if self.output.is_none() && self.demand.is_empty() {
            return Err(Error::new(
                "",
                "there is neither final demand nor output, so coefficients are not known",
                "give the file of final demand in TableOptions.final_demand_file, or name columns in TableOptions; a supply table has none: take the table of uses",
            ));
        }
        let given = identities::Given {
            output: self.output.is_some(),
            demand: !self.demand.is_empty(),
        };
        if given.demand {
            totals::leave_out(&mut self, options);
        }
        holds::unfold(&mut self, options.holds)?;
        let sold = self.sold();
        let output = match self.output.take() {
            Some(output) => output,
            None => {
                self.notes
                    .push("output is computed: flows and final demand, less imports".into());
                (0..sold.len())
                    .map(|i| sold[i] + self.final_demand(i))
                    .collect()
            }
        };
        if self.demand.is_empty() {
            self.notes
                .push("final demand is computed: output less flows, plus imports".into());
            let values = (0..output.len())
                .map(|i| output[i] - sold[i] + self.import(i))
                .collect();
            self.demand.push(Demand {
                name: "final demand".into(),
                kind: Use::Domestic,
                values,
            });
        }
        let demand_rows = std::mem::take(&mut self.demand_rows);
        let mut table = InputOutput {
            regions: self.regions,
            sectors: self.sectors,
            flows: self.flows,
            demand: self.demand,
            imports: self.imports,
            output,
            primary: self.primary,
            layout: self.layout,
            notes: self.notes,
        };
        identities::check(&mut table, &demand_rows, given, options)?;
        Ok(table)
    }

    /// Sales to sectors, `[supplier]`.
    pub(super) fn sold(&self) -> Vec<f64> {
        let rows = self.flows.chunks(self.sectors.len().max(1));
        rows.map(|row| row.iter().sum()).collect()
    }

    fn import(&self, i: usize) -> f64 {
        self.imports.get(i).copied().unwrap_or(0.0)
    }

    /// Final demand for what supplier `i` makes here: all columns, less imports.
    pub(super) fn final_demand(&self, i: usize) -> f64 {
        self.demand.iter().map(|c| c.values[i]).sum::<f64>() - self.import(i)
    }
}

/// Reads a table, guessing its layout: a square of sectors with final demand and output beside it
/// (national offices, Eurostat, WIOD), one row a flow (`region,supplier,buyer,value`, Eurostat's
/// SDMX-CSV, FIGARO), or a square of regions x sectors with any number of header lines and index
/// columns (pymrio, EXIOBASE, OECD ICIO, WIOD). What lines are is told by their names, and what it
/// was taken for by `layout`, `demand`, `primary` and `notes`. It is not checked yet: see
/// `InputOutput::findings` and `InputOutput::correct`.
///
/// A workbook (.xlsx, .ods) is read where it is: the sheet that `TableOptions.sheet` names, or the only
/// one that reads as a table. Its formulas must have been computed; of merged cells the first holds the
/// text, and the names of outer header lines hold until the next. Errors name its cells as "C5".
///
/// All cells are held in memory as text while it is read.
pub fn read_table(path: impl AsRef<Path>, options: &TableOptions) -> Result<InputOutput> {
    let read = |path: &Path| {
        crate::files::contents(path).map_err(|e| {
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
    let second = final_demand
        .map(|bytes| second(bytes, options))
        .transpose()
        .map_err(|e| e.within("final demand file"))?;
    if !is_workbook(bytes) {
        if options.sheet.is_some() {
            return Err(Error::new(
                SHEET,
                "the file is no workbook",
                "leave it away",
            ));
        }
        return table(grid(bytes, options)?, second, options);
    }
    let mut book = open(bytes, options)?;
    let names = match &options.sheet {
        Some(name) => vec![book.named(name, SHEET)?],
        None => book.sheets(),
    };
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for name in &names {
        let read =
            sheet(&mut book, name, CAP).and_then(|lines| table(lines, second.clone(), options));
        match read {
            Ok(table) => found.push((name, table)),
            Err(e) => refused.push(e.within(format!("sheet {name:?}"))),
        }
    }
    let choose = "say which is meant: TableOptions { sheet: Some(\"…\".into()), .. }";
    if found.len() > 1 {
        let tables: Vec<String> = found.iter().map(|(name, _)| (*name).clone()).collect();
        let fact = format!("several of its sheets are tables: {}", quoted_list(&tables));
        return Err(Error::new("workbook", fact, choose));
    }
    match (found.pop(), refused.len()) {
        (Some((name, mut table)), others) => {
            if others > 0 {
                table.notes.push(format!(
                    "sheet {name:?} is the only one of {} that reads as a table",
                    names.len()
                ));
            }
            Ok(table)
        }
        (None, 1) => Err(refused.remove(0)),
        (None, _) => {
            let reasons: Vec<String> = refused
                .iter()
                .take(8)
                .map(|e| format!("{}: {}", e.place, e.fact))
                .collect();
            let more = if refused.len() > 8 { " | …" } else { "" };
            Err(Error::new(
                "workbook",
                format!(
                    "none of its {} sheets reads as a table: {}{more}",
                    refused.len(),
                    reasons.join(" | ")
                ),
                choose,
            ))
        }
    }
}

fn open(bytes: &[u8], options: &TableOptions) -> Result<Workbook> {
    Workbook::open(
        bytes.to_vec(),
        options.max_unpacked.unwrap_or(UNPACKED),
        CAP,
    )
}

/// The lines of the file of final demand.
fn second(bytes: &[u8], options: &TableOptions) -> Result<Rc<[Line]>> {
    let wanted = options.final_demand_sheet.as_deref();
    let lines = if is_workbook(bytes) {
        let mut book = open(bytes, options)?;
        let name = match (wanted, book.sheets().as_slice()) {
            (Some(wanted), _) => book.named(wanted, SECOND)?,
            (None, [only]) => only.clone(),
            (None, names) => {
                return Err(Error::new(
                    "workbook",
                    format!("it has several sheets: {}", quoted_list(names)),
                    format!("choose one with {SECOND}"),
                ));
            }
        };
        sheet(&mut book, &name, CAP).map_err(|e| e.within(format!("sheet {name:?}")))?
    } else if wanted.is_some() {
        return Err(Error::new(
            SECOND,
            "the file is no workbook",
            "leave it away",
        ));
    } else {
        grid(bytes, options)?
    };
    Ok(turned(lines, options).into())
}

fn turned(lines: Vec<Line>, options: &TableOptions) -> Vec<Line> {
    match options.orientation {
        Orientation::BuyersInRows => transposed(&lines),
        Orientation::SuppliersInRows | Orientation::Unsaid => lines,
    }
}

/// A table from its lines, and those of its final demand where they are apart.
fn table(
    lines: Vec<Line>,
    second: Option<Rc<[Line]>>,
    options: &TableOptions,
) -> Result<InputOutput> {
    let lines = match &options.cells {
        Some(range) => within(lines, range)?,
        None => lines,
    };
    headed(&lines)?;
    if long::is(&lines[0]) {
        if second.is_some() {
            return Err(Error::new(
                "TableOptions.final_demand_file",
                "a long table has its final demand in rows of its own",
                "leave the file away",
            ));
        }
        return long::read(&lines, options)?.finish(options);
    }
    wide::read(&turned(lines, options), second.as_deref(), options)?.finish(options)
}

/// Refuses a list of links that has no header: its first line is one of them.
fn headed(lines: &[Line]) -> Result<()> {
    let link = |l: &Line| {
        l.width() == 3
            && looks(l.cell(0)) == Looks::Text
            && looks(l.cell(1)) == Looks::Text
            && l.cell(2).parse::<f64>().is_ok()
    };
    if lines.len() < 3 || !lines.iter().take(100).all(link) {
        return Ok(());
    }
    Err(Error::new(
        lines[0].place(),
        "there is no header, and each line is a link: two names and a number",
        "write supplier,buyer,value above them; a list of firms' payments is read by read_network",
    ))
}
