//! Text and sheets as lines of cells, which need not be equally long, and the numbers in them.

use crate::error::{Error, Result};
use crate::workbook::{Workbook, cell_name, column_name};
use csv::StringRecord;
use std::rc::Rc;

/// One line of cells.
pub(super) struct Line {
    /// Where it is in the file, from 1; of a transposed table its column there.
    number: u64,
    pub(super) cells: StringRecord,
    /// True of a row of a workbook.
    pub(super) sheet: bool,
    /// Where each cell's line is in the file, in a transposed table.
    across: Option<Rc<[u64]>>,
}

impl Line {
    /// Where it is, for messages: "line 5", "row 5" of a sheet.
    pub(super) fn place(&self) -> String {
        match &self.across {
            None => told_line(self.sheet, self.number),
            Some(_) => told_column(self.sheet, self.number),
        }
    }

    /// Where a cell is: "line 5, column 3", "cell C5" of a sheet.
    pub(super) fn place_of(&self, k: usize) -> String {
        let (line, column) = match &self.across {
            None => (self.number, k as u64 + 1),
            Some(lines) => (lines.get(k).copied().unwrap_or(1), self.number),
        };
        if self.sheet {
            format!("cell {}", cell_name(line - 1, column as usize - 1))
        } else {
            format!("line {line}, column {column}")
        }
    }

    /// Where all cells below one are: "column 3", "column C" of a sheet.
    pub(super) fn place_below(&self, k: usize) -> String {
        match &self.across {
            None => told_column(self.sheet, k as u64 + 1),
            Some(lines) => told_line(self.sheet, lines.get(k).copied().unwrap_or(1)),
        }
    }

    /// A cell without blanks around it; what is beyond the end is empty.
    pub(super) fn cell(&self, k: usize) -> &str {
        self.cells.get(k).unwrap_or_default().trim()
    }

    /// Number of cells up to the last that is not empty.
    pub(super) fn width(&self) -> usize {
        (0..self.cells.len())
            .rev()
            .find(|k| !self.cell(*k).is_empty())
            .map_or(0, |k| k + 1)
    }
}

fn told_line(sheet: bool, number: u64) -> String {
    format!("{} {number}", if sheet { "row" } else { "line" })
}

fn told_column(sheet: bool, number: u64) -> String {
    if sheet {
        format!("column {}", column_name(number as usize - 1))
    } else {
        format!("column {number}")
    }
}

/// What a cell looks like, before it is known what it must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    Empty,
    Number,
    Text,
}

/// A number, also one with thousands separators or a decimal comma, or a mark for a missing one.
pub(super) fn looks(cell: &str) -> Looks {
    let cell = cell.trim();
    if cell.is_empty() {
        return Looks::Empty;
    }
    // 01 is a code.
    if cell.len() > 1 && cell.starts_with('0') && cell.bytes().all(|b| b.is_ascii_digit()) {
        return Looks::Text;
    }
    let digits = cell.bytes().any(|b| b.is_ascii_digit());
    let only = cell
        .bytes()
        .all(|b| b.is_ascii_digit() || b" ,.'+-eE".contains(&b));
    if (digits && only) || cell.parse::<f64>().is_ok() || missing(cell) {
        Looks::Number
    } else {
        Looks::Text
    }
}

/// Marks of a missing number.
pub(super) fn missing(cell: &str) -> bool {
    matches!(
        cell,
        "" | ":" | "-" | "n/a" | "n.a." | "na" | "NA" | ".." | "..." | "…" | "*" | ": c" | ":c"
    )
}

/// The number in a cell, `None` for a mark of a missing one.
pub(super) fn number(cell: &str, place: impl Fn() -> String) -> Result<Option<f64>> {
    let cell = cell.trim();
    match cell.parse::<f64>() {
        Ok(v) if v.is_finite() => return Ok(Some(v)),
        Ok(v) => {
            let (fact, remedy) = if v.is_nan() {
                (
                    format!("{cell:?} is not a value"),
                    "fill the cell, or leave it blank and say TableOptions { missing: Blank::Zero, .. }",
                )
            } else {
                (
                    format!("{cell:?} is too large for a number"),
                    "check the cell",
                )
            };
            return Err(Error::new(place(), fact, remedy));
        }
        Err(_) if missing(cell) => return Ok(None),
        Err(_) => {}
    }
    let shown: String = cell.chars().take(40).collect();
    let grouped = cell.contains(|c| ",' \u{a0}\u{202f}".contains(c))
        && cell
            .chars()
            .all(|c| c.is_ascii_digit() || "+-.,' \u{a0}\u{202f}".contains(c));
    let remedy = if grouped {
        "write it without thousands separators and with a decimal point"
    } else {
        "give a number there"
    };
    Err(Error::new(
        place(),
        format!("{shown:?} is not a number"),
        remedy,
    ))
}

/// The lines of a text in which tabs, semicolons or commas separate cells.
pub(super) fn grid(bytes: &[u8]) -> Result<Vec<Line>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let line_of = |at: usize| {
        format!(
            "line {}",
            bytes[..at].iter().filter(|b| **b == b'\n').count() + 1
        )
    };
    let refuse = |place: String, fact: &str, remedy: &str| Err(Error::new(place, fact, remedy));
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return refuse(
            String::new(),
            "it is compressed with gzip",
            "unpack it first: gunzip FILE",
        );
    }
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        return refuse(
            line_of(at),
            "there is a NUL byte",
            "the file is damaged, or UTF-16: save it as UTF-8",
        );
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        Error::new(
            line_of(e.valid_up_to()),
            "it is not UTF-8 text",
            "save the file as UTF-8",
        )
    })?;
    if text.trim_start().starts_with('<') {
        return refuse(
            "line 1".into(),
            "it is XML or HTML, not a table",
            "download the file again",
        );
    }
    let first = text
        .lines()
        .find(|l| !l.trim().is_empty())
        .unwrap_or_default();
    let mut quoted = false;
    let mut counts = [0usize; 3];
    for c in first.chars() {
        quoted ^= c == '"';
        if let (false, Some(k)) = (quoted, "\t;,".find(c)) {
            counts[k] += 1;
        }
    }
    let best = (0..3).max_by_key(|k| (counts[*k], 3 - k)).unwrap_or(2);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(b"\t;,"[best])
        .from_reader(text.as_bytes());
    let mut lines = Vec::new();
    for record in reader.records() {
        let cells = record
            .map_err(|e| Error::new("", format!("it cannot be read: {e}"), "give a CSV file"))?;
        let number = cells.position().map_or(0, csv::Position::line);
        let line = Line {
            number,
            cells,
            sheet: false,
            across: None,
        };
        if line.width() > 0 {
            lines.push(line);
        }
    }
    enough(lines)
}

fn enough(lines: Vec<Line>) -> Result<Vec<Line>> {
    if lines.len() < 2 {
        return Err(Error::new(
            "",
            "there is no table in it",
            "give a header and a row for each sector",
        ));
    }
    Ok(lines)
}

/// The rows of a sheet that hold something. `option` is the name of what sets the bound.
pub(super) fn sheet(book: &mut Workbook, name: &str, option: &str) -> Result<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::new();
    book.cells(name, option, &mut |row, column, text| {
        let number = u64::from(row) + 1;
        if lines.last().is_none_or(|l| l.number != number) {
            lines.push(Line {
                number,
                cells: StringRecord::new(),
                sheet: true,
                across: None,
            });
        }
        if let Some(line) = lines.last_mut() {
            while line.cells.len() < column as usize {
                line.cells.push_field("");
            }
            // A name that is wrapped in its cell is one name.
            line.cells.push_field(&text.replace(['\n', '\r'], " "));
        }
    })?;
    lines.retain(|l| l.width() > 0);
    enough(lines)
}

/// The lines with rows and columns swapped.
pub(super) fn transposed(lines: &[Line]) -> Vec<Line> {
    let width = lines.iter().map(Line::width).max().unwrap_or(0);
    let across: Rc<[u64]> = lines.iter().map(|l| l.number).collect();
    (0..width)
        .map(|k| Line {
            number: k as u64 + 1,
            cells: lines.iter().map(|l| l.cell(k)).collect(),
            sheet: lines.iter().any(|l| l.sheet),
            across: Some(across.clone()),
        })
        .collect()
}
