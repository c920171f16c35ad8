//! Destatis, table of GENESIS-Online: titles, then rows with the year and the name of the month in two columns.

use super::ReadOptions;
use super::cell::{Decimal, shown, were};
use super::choice::{is_wanted, refuse_utilisation};
use super::generic::year;
use super::kinds;
use super::months::named;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::{Record, Table};
use crate::error::{Error, Result};

const MISSING: &[&str] = &["...", "-", ".", "/", "x", "X", "–"];

/// True where a title of GENESIS stands first and a year with a month follows.
pub(super) fn is_header(rows: &[Vec<String>]) -> bool {
    let title = rows.first().and_then(|r| r.first()).is_some_and(|f| {
        f.starts_with("GENESIS-Tabelle")
            || f.starts_with("GENESIS-Table")
            || f.starts_with("Tabelle: ")
    });
    title && rows.iter().any(|r| is_data(r.first(), r.get(1)))
}

fn is_data(first: Option<&String>, second: Option<&String>) -> bool {
    first.is_some_and(|y| year(y).is_ok()) && second.is_some_and(|m| named(m).is_some())
}

/// Names of the columns, from the lines above the data: those with cells beyond the first two columns. A name that stands
/// over several columns is written once.
fn names(above: &[Vec<String>], width: usize) -> Vec<String> {
    let heads: Vec<&Vec<String>> = above
        .iter()
        .filter(|row| row.iter().skip(2).any(|c| !c.is_empty()))
        .collect();
    let last = heads.len().saturating_sub(1);
    (0..width)
        .map(|k| {
            let parts: Vec<&str> = heads
                .iter()
                .enumerate()
                .filter_map(|(h, row)| {
                    let own = row.get(k).map_or("", String::as_str);
                    let left = || {
                        row[..k.min(row.len())]
                            .iter()
                            .skip(2)
                            .rev()
                            .find(|c| !c.is_empty())
                    };
                    if own.is_empty() && h < last {
                        left().map(String::as_str)
                    } else {
                        Some(own)
                    }
                })
                .filter(|t| !t.is_empty())
                .collect();
            parts.join(" ")
        })
        .collect()
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let marks = Marks::new(options, Decimal::Comma);
    let mut above: Vec<Vec<String>> = Vec::new();
    let mut found: Option<(Vec<String>, String)> = None;
    let mut below = 0;
    while let Some(row) = table.next()? {
        let fields: Vec<String> = row.fields().map(String::from).collect();
        if !is_data(fields.first(), fields.get(1)) {
            if found.is_none() {
                above.push(fields);
                continue;
            }
            if fields.iter().skip(1).any(|f| !f.is_empty()) {
                return Err(Error::new(
                    format!("line {}", row.line),
                    format!(
                        "{} and {} are not a year and a month",
                        shown(row.get(0)),
                        shown(row.get(1))
                    ),
                    "the line may be damaged; download the file again",
                ));
            }
            below += 1;
            continue;
        }
        if below > 0 {
            return Err(Error::new(
                format!("line {}", row.line),
                "figures follow the notes below the table",
                "keep one table a file",
            ));
        }
        if found.is_none() {
            found = Some(start(&above, row, options, panel)?);
        }
        if let Some((names, titles)) = &found {
            push(panel, options, row, names, titles, marks)?;
        }
    }
    if below > 0 {
        panel.note(format!("{} left out below the table", were(below, "line")));
    }
    Ok(())
}

/// Names of the columns, and the titles.
fn start(
    above: &[Vec<String>],
    row: &Record,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<(Vec<String>, String)> {
    let names = names(above, row.len());
    let titles = above
        .iter()
        .filter_map(|r| r.first())
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("\n");
    refuse_utilisation(&titles, || format!("lines before line {}", row.line))?;
    if let Some(note) = kinds::judge_titles(&titles, row.line)? {
        panel.note(note);
    }
    for (k, name) in names.iter().enumerate().skip(2) {
        let place = || format!("line {}, column {}", row.line, k + 1);
        if name.is_empty() && !row.get(k).is_empty() {
            return Err(Error::new(
                place(),
                "the column has no name above the data",
                "download the table again",
            ));
        }
        if is_wanted(&options.sectors, name) {
            kinds::refuse_label(name, place)?;
        }
    }
    Ok((names, titles))
}

fn push(
    panel: &mut Panel<'_>,
    options: &ReadOptions,
    row: &Record,
    names: &[String],
    titles: &str,
    marks: Marks,
) -> Result<()> {
    if row.len() != names.len() {
        return Err(Error::new(
            format!("line {}", row.line),
            format!(
                "it has {} fields, but the first row has {}",
                row.len(),
                names.len()
            ),
            "the line may be cut off; download the file again",
        ));
    }
    let place = |k: usize| format!("line {}, column {}", row.line, k + 1);
    let year = year(row.get(0)).map_err(|f| f.at(place(0)))?;
    let month = year * 12 + named(row.get(1)).unwrap_or(0);
    for (k, name) in names
        .iter()
        .enumerate()
        .skip(2)
        .filter(|(_, n)| !n.is_empty())
    {
        // Original and adjusted figures stand side by side, and say so in their heading.
        let own = match kinds::adjustment(name) {
            "" if name.to_lowercase().starts_with("original") => "NSA",
            known => known,
        };
        panel.push(Cell {
            line: row.line,
            region: options.region_name.as_deref().unwrap_or("DE"),
            sector: name,
            month,
            value: if is_wanted(&options.sectors, name) {
                marks
                    .number(row.get(k), MISSING)
                    .map_err(|f| f.at(place(k)))?
            } else {
                None
            },
            s_adj: own,
            unit: kinds::base(titles).unwrap_or_default(),
            ..Cell::default()
        })?;
    }
    Ok(())
}
