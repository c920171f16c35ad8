//! Office for National Statistics (United Kingdom): series with lines of facts above; years, quarters and months in one column.

use super::ReadOptions;
use super::cell::{Decimal, shown, were};
use super::choice::{is_wanted, refuse_utilisation};
use super::kinds;
use super::months::spelled;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::{Record, Table};
use crate::error::{Error, Result};

/// True where the first lines are `Title` and `CDID`.
pub(super) fn is_header(rows: &[Vec<String>]) -> bool {
    let begins = |k: usize, word: &str| {
        rows.get(k)
            .and_then(|r| r.first())
            .is_some_and(|f| f.eq_ignore_ascii_case(word))
    };
    begins(0, "Title") && (begins(1, "CDID") || begins(2, "CDID"))
}

#[derive(Clone, Default)]
struct Series {
    title: String,
    code: String,
    unit: String,
}

/// Takes what a line above the data says of every series.
fn preamble(series: &mut Vec<Series>, row: &Record, what: &str) {
    series.resize(
        series.len().max(row.len().saturating_sub(1)),
        Series::default(),
    );
    for (k, s) in series.iter_mut().enumerate() {
        let text = row.get(k + 1).to_string();
        match what.to_lowercase().as_str() {
            "title" => s.title = text,
            "cdid" => s.code = text,
            "unit" => s.unit = text,
            _ => {}
        }
    }
}

/// Refuses series that are no index of production.
fn check(series: &[Series], options: &ReadOptions) -> Result<()> {
    for s in series
        .iter()
        .filter(|s| is_wanted(&options.sectors, &s.code))
    {
        let place = || format!("line 1, series {}", s.code);
        refuse_utilisation(&s.title, place)?;
        kinds::refuse_label(&s.title, place)?;
        kinds::refuse_label(&s.unit, place)?;
    }
    Ok(())
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let marks = Marks::new(options, Decimal::Point);
    let mut series: Vec<Series> = Vec::new();
    let (mut begun, mut others) = (false, 0);
    while let Some(row) = table.next()? {
        let when = row.get(0);
        if !begun && !when.starts_with(|c: char| c.is_ascii_digit()) {
            preamble(&mut series, row, when);
            continue;
        }
        if !begun {
            begun = true;
            check(&series, options)?;
        }
        let month = match spelled(when, None) {
            Ok((month, _)) => month,
            // Years and quarters stand above the months of the same series.
            Err(_) if is_longer(when) => {
                others += 1;
                continue;
            }
            Err(f) => return Err(f.at(format!("line {}, column 1", row.line))),
        };
        if row.len() != series.len() + 1 {
            return Err(Error::new(
                format!("line {}", row.line),
                format!(
                    "it has {} fields, but there are {} series",
                    row.len(),
                    series.len()
                ),
                "the line may be cut off; download the file again",
            ));
        }
        for (k, s) in series.iter().enumerate() {
            let cell = row.get(k + 1);
            // A series that begins later has empty cells before.
            if cell.is_empty() && series.len() > 1 {
                continue;
            }
            panel.push(Cell {
                line: row.line,
                region: options.region_name.as_deref().unwrap_or("UK"),
                sector: options
                    .sector_name
                    .as_deref()
                    .filter(|_| series.len() == 1)
                    .unwrap_or(&s.code),
                month,
                value: marks
                    .number(cell, &[".", "..", "-"])
                    .map_err(|f| f.at(format!("line {}, series {}", row.line, shown(&s.code))))?,
                s_adj: kinds::adjustment(&s.title),
                unit: &s.unit,
                ..Cell::default()
            })?;
        }
    }
    if others > 0 {
        panel.note(format!(
            "{} left out, with figures of years and quarters",
            were(others, "row")
        ));
    }
    Ok(())
}

/// "2019" or "2019 Q1".
fn is_longer(text: &str) -> bool {
    let (year, rest) = text.split_at_checked(4).unwrap_or((text, ""));
    let rest = rest.trim();
    year.bytes().all(|b| b.is_ascii_digit())
        && (rest.is_empty() || rest.len() == 2 && rest.starts_with('Q'))
}
