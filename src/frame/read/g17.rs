//! Federal Reserve, G.17 data download: six labels a series, and its months in a row or a column.

use super::ReadOptions;
use super::cell::{Decimal, month, shown};
use super::choice::{is_wanted, refuse_utilisation};
use super::kinds;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::Table;
use crate::error::{Error, Result};

const MISSING: &[&str] = &["ND", "NA", "."];

/// The labels of the download, as they begin.
const LABELS: [&str; 8] = [
    "description",
    "series description",
    "unit",
    "multiplier",
    "currency",
    "unique identifier",
    "series name",
    "time period",
];

/// What the labels say of one series.
#[derive(Clone, Debug, Default)]
struct Series {
    name: String,
    description: String,
    identifier: String,
    unit: String,
    multiplier: String,
}

/// True where the first line, or the first column, has the labels of the download.
pub(super) fn is_header(rows: &[Vec<String>]) -> bool {
    let Some(first) = rows.iter().find(|r| r.iter().any(|f| !f.is_empty())) else {
        return false;
    };
    let in_rows =
        first.iter().any(|f| label(f) == "unit") && first.iter().any(|f| label(f) == "multiplier");
    let in_columns = label(&first[0]).starts_with("series description");
    in_rows || in_columns
}

fn label(text: &str) -> String {
    text.trim().trim_end_matches(':').trim().to_lowercase()
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let Some(first) = table.next()? else {
        return Ok(());
    };
    let line = first.line;
    let names: Vec<String> = first.fields().map(String::from).collect();
    if label(&names[0]).starts_with("series description") {
        columns(table, options, panel, names)
    } else {
        rows(table, options, panel, &names, line)
    }
}

/// Columns with their months, and columns without a heading.
type Columns = (Vec<(usize, i32)>, Vec<usize>);

/// The columns of months, and those without a heading, which must be empty: a month may have lost its name.
fn months_of(names: &[String], labels: &[String], line: usize) -> Result<Columns> {
    let mut months = Vec::new();
    let mut unnamed = Vec::new();
    for (k, text) in names.iter().enumerate() {
        if text.is_empty() {
            unnamed.push(k);
            continue;
        }
        // Labels come first; whatever follows the first month is one.
        if months.is_empty() && month(text).is_err() {
            if !LABELS.iter().any(|l| labels[k].starts_with(l)) {
                return Err(Error::new(
                    format!("line {line}, column {}", k + 1),
                    format!(
                        "{} is neither a label of the download nor a month",
                        shown(text)
                    ),
                    "the heading may be damaged; download the file again",
                ));
            }
            continue;
        }
        let code = month(text).map_err(|f| f.at(format!("line {line}, column {}", k + 1)))?;
        months.push((k, code));
    }
    if months.is_empty() {
        return Err(Error::new(
            format!("line {line}"),
            "it has labels, but no month such as 1919-01",
            "download monthly data",
        ));
    }
    Ok((months, unnamed))
}

fn rows(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
    names: &[String],
    line: usize,
) -> Result<()> {
    let labels: Vec<String> = names.iter().map(|n| label(n)).collect();
    let find = |wanted: &str| labels.iter().position(|l| l.starts_with(wanted));
    let need = |wanted: &str| {
        find(wanted).ok_or_else(|| {
            Error::new(
                format!("line {line}"),
                format!("there is no label `{wanted}`"),
                "download the table with all labels",
            )
        })
    };
    let (name, unit) = (need("series name")?, need("unit")?);
    let (description, identifier) = (find("description"), find("unique identifier"));
    let multiplier = find("multiplier");
    let (months, unnamed) = months_of(names, &labels, line)?;
    while let Some(row) = table.row(names.len())? {
        if let Some(k) = unnamed.iter().find(|k| !row.get(**k).is_empty()) {
            return Err(Error::new(
                format!("line {}, column {}", row.line, k + 1),
                "it has a figure, but the column has no heading",
                "the heading may be damaged; download the file again",
            ));
        }
        let text = |k: Option<usize>| k.map_or(String::new(), |k| row.get(k).to_string());
        let series = Series {
            name: text(Some(name)),
            description: text(description),
            identifier: text(identifier),
            unit: text(Some(unit)),
            multiplier: text(multiplier),
        };
        if !take(&series, options, row.line)? {
            continue;
        }
        for (k, month) in &months {
            // Cells before a series begins are empty: no observation, not a missing one.
            if row.get(*k).is_empty() {
                continue;
            }
            let place = || format!("line {}, column {}", row.line, names[*k]);
            push(
                panel,
                options,
                &series,
                row.line,
                *month,
                row.get(*k),
                place,
            )?;
        }
    }
    Ok(())
}

/// Labels above the data, one series a column.
fn columns(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
    first: Vec<String>,
) -> Result<()> {
    let mut series: Vec<Series> = first[1..]
        .iter()
        .map(|d| Series {
            description: d.clone(),
            ..Series::default()
        })
        .collect();
    let width = first.len();
    let mut named = false;
    let mut taken = Vec::new();
    while let Some(row) = table.row(width)? {
        if !named {
            let what = label(row.get(0));
            for (k, s) in series.iter_mut().enumerate() {
                let text = row.get(k + 1).to_string();
                match what.as_str() {
                    "unit" => s.unit = text,
                    "multiplier" => s.multiplier = text,
                    "unique identifier" => s.identifier = text,
                    "time period" | "series name" => s.name = text,
                    _ => {}
                }
            }
            named = matches!(what.as_str(), "time period" | "series name");
            if !named && month(row.get(0)).is_ok() {
                return Err(Error::new(
                    format!("line {}", row.line),
                    "months begin before the line `Time Period` with the names of the series",
                    "download the table with all labels",
                ));
            }
            if named {
                for s in &series {
                    taken.push(take(s, options, row.line)?);
                }
            }
            continue;
        }
        let code = month(row.get(0)).map_err(|f| f.at(format!("line {}, column 1", row.line)))?;
        for (k, s) in series.iter().enumerate().filter(|(k, _)| taken[*k]) {
            if row.get(k + 1).is_empty() {
                continue;
            }
            let place = || format!("line {}, series {}", row.line, s.name);
            push(panel, options, s, row.line, code, row.get(k + 1), place)?;
        }
    }
    Ok(())
}

/// Whether the series is one of those that were asked for; refuses capacity utilisation among them.
fn take(series: &Series, options: &ReadOptions, line: usize) -> Result<bool> {
    let wanted = is_wanted(&options.sectors, &series.name)
        && options.unit.as_ref().is_none_or(|u| *u == series.unit);
    if !wanted {
        return Ok(false);
    }
    let place = || format!("line {line}, series {}", series.name);
    for text in [&series.name, &series.identifier, &series.description] {
        refuse_utilisation(text, place)?;
        kinds::refuse_label(text, place)?;
    }
    if !matches!(series.multiplier.as_str(), "" | "1" | "1.0") {
        return Err(Error::new(
            place(),
            format!("its multiplier is {}, not 1", series.multiplier),
            "an index has none; leave the series out with ReadOptions.sectors",
        ));
    }
    Ok(true)
}

fn push(
    panel: &mut Panel<'_>,
    options: &ReadOptions,
    series: &Series,
    line: usize,
    month: i32,
    cell: &str,
    place: impl Fn() -> String,
) -> Result<()> {
    // The name ends in .S where the series is seasonally adjusted, in .N where it is not.
    let s_adj = match series.name.rsplit_once('.') {
        Some((_, "S")) => "SA",
        Some((_, "N")) => "NSA",
        _ => "",
    };
    panel.push(Cell {
        line,
        region: options.region_name.as_deref().unwrap_or("US"),
        sector: &series.name,
        month,
        value: Marks::new(options, Decimal::Point)
            .number(cell, MISSING)
            .map_err(|f| f.at(place()))?,
        s_adj,
        unit: &series.unit,
        ..Cell::default()
    })?;
    Ok(())
}
