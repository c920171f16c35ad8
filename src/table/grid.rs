//! Text and sheets as lines of cells, which need not be equally long, and the numbers in them.

use super::TableOptions;
use crate::error::{Error, Result};
use crate::network::text::{
    Style, decode, doubtful, quoted, records, separator, thousands_by_points,
};
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
    /// Columns of the file that were left out before its first cell.
    left: u64,
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
            None => (self.number, self.left + k as u64 + 1),
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
            None => told_column(self.sheet, self.left + k as u64 + 1),
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
        "" | ":"
            | "-"
            | "--"
            | "---"
            | "–"
            | "—"
            | "n/a"
            | "n.a."
            | "na"
            | "NA"
            | ".."
            | "..."
            | "…"
            | "*"
            | ": c"
            | ":c"
    )
}

/// The number in a cell, `None` for a mark of a missing one.
pub(super) fn number(
    line: &Line,
    k: usize,
    style: Style,
    place: impl Fn() -> String,
) -> Result<Option<f64>> {
    let cell = line.cell(k);
    // A sheet's numbers have a decimal point, whatever its texts have.
    let plain = line
        .sheet
        .then(|| cell.parse().ok())
        .flatten()
        .or_else(|| style.number(cell));
    match plain {
        Some(v) if v.is_finite() => return Ok(Some(v)),
        Some(v) => {
            let (fact, remedy) = if v.is_nan() {
                (
                    format!("{cell:?} is not a value"),
                    "fill the cell, or leave it blank and say TableOptions { missing: Blank::Zero, .. }",
                )
            } else {
                (
                    format!("{} is too large for a number", quoted(cell)),
                    "check the cell",
                )
            };
            return Err(Error::new(place(), fact, remedy));
        }
        None if missing(cell) => return Ok(None),
        None => {}
    }
    Err(Error::new(
        place(),
        format!("{} is not a number", quoted(cell)),
        style.remedy(cell, "TableOptions"),
    ))
}

/// The lines of a text in which tabs, semicolons or commas separate cells.
pub(super) fn grid(bytes: &[u8], options: &TableOptions) -> Result<Vec<Line>> {
    const OPTIONS: &str = "TableOptions";
    let text = decode(bytes, options.encoding.as_deref(), OPTIONS)?;
    let separator = separator(&text, options.separator, OPTIONS)?;
    let mut lines = Vec::new();
    for record in records(&text, separator) {
        let (number, mut cells) = record?;
        // A name that is wrapped in its cell is one name.
        if memchr::memchr2(b'\n', b'\r', cells.as_slice().as_bytes()).is_some() {
            cells = cells
                .iter()
                .map(|c| c.replace("\r\n", " ").replace(['\n', '\r'], " "))
                .collect();
        }
        let line = Line {
            number,
            cells,
            sheet: false,
            left: 0,
            across: None,
        };
        if line.width() > 0 {
            lines.push(line);
        }
    }
    // Names stand in the first line and the first columns.
    let cells = lines
        .iter()
        .skip(1)
        .flat_map(|l: &Line| l.cells.iter().skip(2));
    if options.decimal.is_none()
        && options.thousands.is_none()
        && let Some(cell) = thousands_by_points(cells, separator)
    {
        return Err(doubtful(String::new(), cell, OPTIONS));
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
                left: 0,
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

/// The cells of a range such as "B9:O35" alone.
pub(super) fn within(lines: Vec<Line>, range: &str) -> Result<Vec<Line>> {
    let wrong = |fact: String| {
        let remedy = "name the first and the last cell of the table, such as \"B9:O35\"";
        Error::new("TableOptions.cells", fact, remedy)
    };
    let corners = range.split_once(':').map(|(a, b)| (place(a), place(b)));
    let Some((Some(first), Some(last))) = corners else {
        return Err(wrong(format!("{} is no range of cells", quoted(range))));
    };
    if first.0 > last.0 || first.1 > last.1 {
        return Err(wrong(format!("{} ends before it begins", quoted(range))));
    }
    let rows = lines
        .into_iter()
        .filter(|l| (first.1..=last.1).contains(&l.number));
    let mut inside: Vec<Line> = rows
        .map(|line| Line {
            cells: (first.0..=last.0)
                .map(|k| line.cells.get(k).unwrap_or_default())
                .collect(),
            left: first.0 as u64,
            ..line
        })
        .collect();
    inside.retain(|l| l.width() > 0);
    match inside.len() {
        0 | 1 => Err(wrong(format!("there is no table in {}", quoted(range)))),
        _ => Ok(inside),
    }
}

/// Column, from 0, and row, from 1, of a cell such as "B9".
fn place(cell: &str) -> Option<(usize, u64)> {
    let cell = cell.trim();
    let letters = cell.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (column, row) = cell.split_at(letters);
    let column = column.bytes().try_fold(0usize, |n, b| {
        let letter = usize::from(b.to_ascii_uppercase() - b'A') + 1;
        n.checked_mul(26)?.checked_add(letter)
    })?;
    // No file has as many columns.
    let column = (1..=1 << 20).contains(&column).then(|| column - 1)?;
    Some((column, row.parse().ok().filter(|row| *row > 0)?))
}

/// The lines with rows and columns swapped.
pub(super) fn transposed(lines: &[Line]) -> Vec<Line> {
    let width = lines.iter().map(Line::width).max().unwrap_or(0);
    let across: Rc<[u64]> = lines.iter().map(|l| l.number).collect();
    (0..width)
        .map(|k| Line {
            number: lines.first().map_or(0, |l| l.left) + k as u64 + 1,
            left: 0,
            cells: lines.iter().map(|l| l.cell(k)).collect(),
            sheet: lines.iter().any(|l| l.sheet),
            across: Some(across.clone()),
        })
        .collect()
}
