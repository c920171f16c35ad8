//! India, MOSPI: a preamble, two header lines, a `Weight` line, months Apr'05, then financial years.

use super::ReadOptions;
use super::cell::{Decimal, shown};
use super::choice::refuse_utilisation;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::Table;
use crate::error::{Error, Result};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Apr'05 or Apr-05, this century where the year is below 70.
fn heading(text: &str) -> Option<i32> {
    let (name, year) = text.trim().split_once(['\'', '’', '-'])?;
    let month = MONTHS
        .iter()
        .position(|m| name.trim().to_lowercase().starts_with(m))?;
    let year = year.trim();
    let number: i32 = year
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| year.parse().ok())??;
    let year = match year.len() {
        2 if number < 70 => 2000 + number,
        2 => 1900 + number,
        4 => number,
        _ => return None,
    };
    Some(year * 12 + month as i32)
}

/// 2005-06, a financial year.
fn is_year(text: &str) -> bool {
    text.trim().split_once('-').is_some_and(|(a, b)| {
        a.len() == 4
            && (b.len() == 2 || b.len() == 4)
            && (a.bytes().chain(b.bytes())).all(|c| c.is_ascii_digit())
    })
}

fn is_weights(row: &[String]) -> bool {
    row.iter()
        .take(3)
        .any(|f| f.to_lowercase().starts_with("weight"))
}

/// True where a line of weights stands above one that begins with a month.
pub(super) fn is_preamble(rows: &[Vec<String>]) -> bool {
    let weights = rows.iter().position(|r| is_weights(r));
    weights.is_some_and(|k| {
        rows[k..]
            .iter()
            .any(|r| r.first().is_some_and(|f| heading(f).is_some()))
    })
}

/// What stands above the months.
struct Heading {
    names: Vec<String>,
    weights: Vec<String>,
    /// The column with the word `Weight`.
    label: usize,
    /// Columns with a weight.
    series: Vec<usize>,
}

/// Reads down to the line of weights, and what its columns are.
fn head(table: &mut Table<'_>) -> Result<Heading> {
    let mut before: Vec<Vec<String>> = Vec::new();
    let (weights, line) = loop {
        let Some(row) = table.next()? else {
            return Err(Error::new(
                "",
                "there is no line `Weight` above its months",
                "download the file again",
            ));
        };
        let fields: Vec<String> = row.fields().map(String::from).collect();
        if is_weights(&fields) {
            break (fields, row.line);
        }
        refuse_utilisation(&fields.join(" "), || format!("line {}", row.line))?;
        before.push(fields);
    };
    let header: Vec<&Vec<String>> = before.iter().rev().take(2).rev().collect();
    let names: Vec<String> = (0..weights.len())
        .map(|k| {
            let parts: Vec<&str> = header
                .iter()
                .filter_map(|r| r.get(k).map(String::as_str))
                .filter(|t| !t.is_empty())
                .collect();
            parts.join(" ")
        })
        .collect();
    // A column with a weight is a series; those without are labels.
    let series: Vec<usize> = (1..weights.len())
        .filter(|k| weights[*k].trim_end_matches('%').parse::<f64>().is_ok())
        .collect();
    let label = weights
        .iter()
        .position(|w| w.to_lowercase().starts_with("weight"))
        .unwrap_or(0);
    if let Some(k) =
        (label + 1..weights.len()).find(|k| !weights[*k].is_empty() && !series.contains(k))
    {
        return Err(Error::new(
            format!("line {line}, column `{}`", names[k]),
            format!("the weight {} is not a number", shown(&weights[k])),
            "correct it, or leave the whole column out",
        ));
    }
    if let Some(k) = series.iter().find(|k| names[**k].is_empty()) {
        return Err(Error::new(
            format!("column {}", k + 1),
            "it has a weight, but no name in the two lines above",
            "download the file again",
        ));
    }
    Ok(Heading {
        names,
        weights,
        label,
        series,
    })
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let Heading {
        names,
        weights,
        label,
        series,
    } = head(table)?;
    let marks = Marks::new(options, Decimal::Point);
    let (mut years, mut unweighted) = (0, Vec::new());
    while let Some(row) = table.next()? {
        let when = row.get(0);
        if is_year(when) {
            years += 1;
            continue;
        }
        let figures = series.iter().any(|k| !row.get(*k).is_empty());
        let Some(month) = heading(when) else {
            // Notes below the table, and the headings of its blocks.
            if !figures {
                continue;
            }
            return Err(Error::new(
                format!("line {}", row.line),
                format!("{when:?} is neither a month such as Apr'05 nor a year such as 2005-06"),
                "the line may be damaged; download the file again",
            ));
        };
        if years > 0 {
            return Err(Error::new(
                format!("line {}", row.line),
                "a month follows the years",
                "keep one table a file",
            ));
        }
        for k in label + 1..names.len() {
            let left_out = weights[k].is_empty() && !names[k].is_empty() && !row.get(k).is_empty();
            if left_out && !unweighted.contains(&k) {
                unweighted.push(k);
            }
        }
        for k in &series {
            panel.push(Cell {
                line: row.line,
                region: options.region_name.as_deref().unwrap_or("IN"),
                sector: &names[*k],
                month,
                value: marks
                    .number(row.get(*k), &["-", "."])
                    .map_err(|f| f.at(format!("line {}, column `{}`", row.line, names[*k])))?,
                ..Cell::default()
            })?;
        }
    }
    for k in unweighted {
        panel.note(format!(
            "column `{}` has figures, but no weight: it was left out",
            names[k]
        ));
    }
    if years > 0 {
        panel.note(format!(
            "{years} rows of financial years below the months were left out"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years() {
        assert_eq!(heading("Apr'05"), Some(2005 * 12 + 3));
        assert_eq!(heading("Mar-2012"), Some(2012 * 12 + 2));
        assert_eq!(heading("2005-06"), None);
        assert!(is_year("2005-06") && !is_year("Apr'05"));
    }
}
