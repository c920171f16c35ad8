//! Eurostat TSV, current, legacy and resaved as CSV: one row a series, one column a month.

use super::ReadOptions;
use super::cell::{Decimal, Fault, month, shown};
use super::eurostat_csv::{MISSING, monthly, refuse_figures};
use super::further::Further;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::{Record, Table};
use crate::error::{Error, Result};

/// The months of the columns after the first.
fn months_of(header: &Record) -> Result<Vec<i32>> {
    let line = header.line;
    let mut months = Vec::new();
    let mut ended = false;
    for k in 1..header.len() {
        let text = header.get(k);
        // Tabs after the last period are no columns; a period after them would shift the cells.
        ended |= text.is_empty();
        if !text.is_empty() {
            let place = || format!("line {line}, period column {k}");
            if ended {
                return Err(Error::new(
                    place(),
                    "the column before it has no month",
                    "download the file again",
                ));
            }
            months.push(month(text).map_err(|f| f.at(place()))?);
        }
    }
    Ok(months)
}

/// The refusal of a header without a dimension.
fn missing(dimension: &str, names: &[String], line: usize) -> Error {
    Error::new(
        format!("line {line}"),
        format!("there is no dimension `{dimension}`"),
        format!("it has {}", names.join(", ")),
    )
}

/// Refuses a line that was cut off.
fn whole(row: &Record, codes: usize, dimensions: usize, months: usize) -> Result<()> {
    if codes != dimensions {
        return Err(Error::new(
            format!("line {}", row.line),
            format!(
                "{} dimension codes, but the header names {}",
                codes, dimensions
            ),
            "the line may be cut off; download the file again",
        ));
    }
    if row.len() <= months {
        return Err(Error::new(
            format!("line {}", row.line),
            format!(
                "it has {} cells, but the header has {} months",
                row.len() - 1,
                months
            ),
            "the line may be cut off; download the file again",
        ));
    }
    Ok(())
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let Some(header) = table.next()? else {
        return Ok(());
    };
    let line = header.line;
    let names: Vec<String> = header
        .get(0)
        .split('\\')
        .next()
        .unwrap_or_default()
        .split(',')
        .map(|n| n.trim().to_lowercase())
        .collect();
    let months = months_of(header)?;
    let find = |wanted: &[&str]| names.iter().position(|n| wanted.contains(&n.as_str()));
    let need = |wanted: &[&str]| find(wanted).ok_or_else(|| missing(wanted[0], &names, line));
    let (region, sector) = (need(&["geo"])?, need(&["nace_r2", "nace"])?);
    let frequency = find(&["freq"]);
    let (s_adj, unit) = (find(&["s_adj"]), find(&["unit"]));
    let indicator = find(&["indic_bt", "indic"]);
    let used = [
        Some(region),
        Some(sector),
        frequency,
        s_adj,
        unit,
        indicator,
    ];
    let further = Further::new(&names, &used, &[Some(region), Some(sector)], options)?;
    panel.watch(&further);
    let marks = Marks::new(options, Decimal::Point);
    table.in_parallel(panel, |rows, panel| {
        while let Some(row) = rows.next()? {
            let key: Vec<&str> = row.get(0).split(',').map(str::trim).collect();
            whole(row, key.len(), names.len(), months.len())?;
            let get = |k: usize| key[k];
            if !panel.takes(&further, row.line, get, || (key[region], key[sector], None)) {
                continue;
            }
            let option = |k: Option<usize>| k.map_or("", get);
            if let Some(k) = frequency {
                monthly(key[k])
                    .map_err(|f| f.at(format!("line {}, dimension `freq`", row.line)))?;
            }
            // More cells than periods occur: the surplus has no month and is dropped, which is told, as the cells
            // may have been shifted.
            if (months.len() + 1..row.len()).any(|k| !row.get(k).is_empty()) {
                panel.surplus(|| format!("line {}", row.line));
            }
            for (k, month) in months.iter().enumerate() {
                let cell = row.raw(k + 1);
                // An empty cell is no observation at all; `:` is a missing one.
                if cell.trim().is_empty() {
                    continue;
                }
                let place = || format!("line {}, period column {}", row.line, k + 1);
                let (value, flag) = value_and_flag(cell).map_err(|f| f.at(place()))?;
                let cell = Cell {
                    line: row.line,
                    region: key[region],
                    sector: key[sector],
                    month: *month,
                    value: marks.number(value, MISSING).map_err(|f| f.at(place()))?,
                    flag,
                    s_adj: option(s_adj),
                    unit: option(unit),
                    indicator: option(indicator),
                };
                panel.push_row(cell, &further, get)?;
            }
        }
        Ok(())
    })
}

/// A cell's value and its flag; a fault where it is neither.
fn value_and_flag(cell: &str) -> std::result::Result<(&str, &str), Fault> {
    let (value, flag) = split(cell);
    if flag.len() > 20 {
        return Err(Fault::new(
            format!("{} is not a value and a flag", shown(cell)),
            "the file may be damaged; download it again",
        ));
    }
    refuse_figures(flag)?;
    Ok((value, flag))
}

/// "3591874.0 p" is a value and a flag, " p" a flag alone, ": @C" missing and confidential.
fn split(cell: &str) -> (&str, &str) {
    let cell = cell.trim_end();
    cell.split_once(' ')
        .map_or((cell, ""), |(value, flag)| (value, flag.trim()))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn cells_follow_the_grammar() {
        assert_eq!(split("402767.1 "), ("402767.1", ""));
        assert_eq!(split("3591874.0 p"), ("3591874.0", "p"));
        assert_eq!(split("12.5 bdep"), ("12.5", "bdep"));
        assert_eq!(split(": "), (":", ""));
        assert_eq!(split(": @C"), (":", "@C"));
        assert_eq!(split("7.0 p@C"), ("7.0", "p@C"));
        assert_eq!(split(" p"), ("", "p"));
        assert_eq!(split("n/a "), ("n/a", ""));
    }
}
