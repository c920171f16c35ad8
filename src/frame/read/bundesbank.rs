//! Bundesbank: `;`, decimal comma, codes in the first line, a preamble, then months.

use super::ReadOptions;
use super::cell::{Decimal, month};
use super::choice::{is_wanted, refuse_utilisation};
use super::kinds;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::{Record, Table};
use crate::error::{Error, Result};

const MISSING: &[&str] = &[".", "-"];
/// How a column of flags is named after that of its values.
const FLAGS: &str = "_FLAGS";

/// True where the first line begins with an empty field before codes, and a month follows later.
pub(super) fn is_header(rows: &[Vec<String>]) -> bool {
    let Some(first) = rows.first() else {
        return false;
    };
    first.len() > 1
        && first[0].is_empty()
        && first[1].contains('.')
        && rows.iter().skip(1).any(|r| month(&r[0]).is_ok())
}

#[derive(Debug)]
struct Series {
    column: usize,
    flags: Option<usize>,
    code: String,
    unit: String,
}

/// The series that columns are of, each with the column of its flags.
fn series_of(names: &[String]) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for (k, name) in names.iter().enumerate().skip(1) {
        match name.strip_suffix(FLAGS) {
            Some(code) => {
                if let Some(s) = series.iter_mut().find(|s| s.code == code) {
                    s.flags = Some(k);
                }
            }
            None if !name.is_empty() => series.push(Series {
                column: k,
                flags: None,
                code: name.clone(),
                unit: String::new(),
            }),
            None => {}
        }
    }
    series
}

/// Takes what a line above the data says of every series, and refuses what is no index of production.
fn preamble(series: &mut [Series], what: &str, row: &Record, options: &ReadOptions) -> Result<()> {
    for s in series {
        let text = row.get(s.column);
        let place = || format!("line {}, series {}", row.line, s.code);
        if is_wanted(&options.sectors, &s.code) {
            refuse_utilisation(text, place)?;
            kinds::refuse_label(text, place)?;
        }
        if what == "einheit" || what == "unit" {
            s.unit = text.into();
        }
        let ones = ["", "1", "eins", "one"];
        if (what == "dimension" || what == "unit multiplier")
            && !ones.contains(&text.to_lowercase().as_str())
        {
            return Err(Error::new(
                format!("line {}, series {}", row.line, s.code),
                format!("its figures are in {text:?}"),
                "an index has none; leave the series out of the download",
            ));
        }
    }
    Ok(())
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let header = table.header()?;
    let mut series = series_of(&header.names);
    let marks = Marks::new(options, Decimal::Comma);
    let mut begun = false;
    while let Some(row) = table.next()? {
        let when = row.get(0);
        begun |= when.starts_with(|c: char| c.is_ascii_digit());
        if !begun {
            let what = when.to_lowercase();
            preamble(&mut series, &what, row, options)?;
            continue;
        }
        if row.len() < header.len() {
            return Err(Error::new(
                format!("line {}", row.line),
                format!(
                    "it has {} fields, but the header has {}",
                    row.len(),
                    header.len()
                ),
                "the line may be cut off; download the file again",
            ));
        }
        let month = month(when).map_err(|f| f.at(format!("line {}, column 1", row.line)))?;
        for s in &series {
            let text = row.get(s.column);
            let value = marks
                .number(text, MISSING)
                .map_err(|f| f.at(header.place(row.line, s.column)))?;
            let flag = s.flags.map_or("", |k| row.get(k));
            // A cell before its series begins has neither value nor mark.
            if text.is_empty() && flag.is_empty() {
                continue;
            }
            panel.push(Cell {
                line: row.line,
                region: options.region_name.as_deref().unwrap_or("DE"),
                sector: &s.code,
                month,
                value,
                flag,
                unit: &s.unit,
                s_adj: adjustment(&s.code),
                ..Cell::default()
            })?;
        }
    }
    Ok(())
}

/// The adjustment in a code of production, BBDE1.M.DE.Y.…: as the Bundesbank writes it.
fn adjustment(code: &str) -> &str {
    match code.split('.').collect::<Vec<_>>().as_slice() {
        ["BBDE1", _, _, adjustment, ..] => adjustment,
        _ => "",
    }
}
