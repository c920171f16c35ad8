//! Choosing and rebasing the series of an index.

use super::schema;
use crate::error::{Error, Result};
use polars::prelude::{BooleanChunked, Column, DataFrame, NewChunkedArray};
use std::collections::{BTreeMap, BTreeSet};

/// The rows of the given regions and sectors; an empty list means all.
pub fn select(frame: &DataFrame, regions: &[&str], sectors: &[&str]) -> Result<DataFrame> {
    let mut keep = vec![true; frame.height()];
    for (column, wanted) in [(schema::REGION, regions), (schema::SECTOR, sectors)] {
        if wanted.is_empty() {
            continue;
        }
        let values = frame.column(column)?.str()?.clone();
        let found: BTreeSet<&str> = values.iter().flatten().collect();
        if let Some(missing) = wanted.iter().find(|w| !found.contains(**w)) {
            let known: Vec<&str> = found.into_iter().take(20).collect();
            return Err(Error::new(
                format!("column `{column}`"),
                format!("there is no {missing:?}"),
                format!("it has {}", known.join(", ")),
            ));
        }
        for (k, value) in values.iter().enumerate() {
            keep[k] &= value.is_some_and(|v| wanted.contains(&v));
        }
    }
    Ok(frame.filter(&BooleanChunked::from_slice("keep".into(), &keep))?)
}

/// The distinct texts of a column, sorted.
pub fn distinct(frame: &DataFrame, column: &str) -> Result<Vec<String>> {
    let values = frame.column(column)?.str()?;
    let mut set: BTreeSet<&str> = BTreeSet::new();
    let mut last = None;
    for value in values.iter().flatten() {
        // Most rows repeat the text before.
        if last != Some(value) {
            set.insert(value);
            last = Some(value);
        }
    }
    Ok(set.into_iter().map(String::from).collect())
}

/// The months (year, month) that the frame covers, ascending.
pub fn months(frame: &DataFrame) -> Result<Vec<(i32, u32)>> {
    let all: BTreeSet<i32> = month_codes(frame)?.into_iter().collect();
    Ok(all.into_iter().map(month).collect())
}

/// Each series as 100 x value / its mean over the months `from..=to` (year, month) before the
/// shock. Missing cells are left out of the mean; a series without any value there is an error.
pub fn rebase(frame: &DataFrame, from: (i32, u32), to: (i32, u32)) -> Result<DataFrame> {
    let (from, to) = (code(from)?, code(to)?);
    if from > to {
        return Err(Error::new(
            "rebase",
            "the first month comes after the last",
            "swap the two",
        ));
    }
    let rows = rows(frame)?;
    let mut means: BTreeMap<(&str, &str), (f64, usize)> = BTreeMap::new();
    for row in &rows {
        let mean = means.entry((row.region, row.sector)).or_default();
        if let Some(v) = row.value.filter(|_| (from..=to).contains(&row.month)) {
            *mean = (mean.0 + v, mean.1 + 1);
        }
    }
    if let Some(((region, sector), _)) = means.iter().find(|(_, m)| m.1 == 0 || !(m.0 > 0.0)) {
        return Err(Error::new(
            format!("series {region} {sector}"),
            "it has no positive mean in the months before the shock",
            "choose months that every series covers, or leave the series out with `select`",
        ));
    }
    let values: Vec<Option<f64>> = rows
        .iter()
        .map(|row| {
            let (sum, n) = means[&(row.region, row.sector)];
            row.value.map(|v| 100.0 * v / (sum / n as f64))
        })
        .collect();
    let mut out = frame.clone();
    out.with_column(Column::new(schema::VALUE.into(), values))?;
    Ok(out)
}

/// Year and month of a month since year 0.
pub(super) fn month(code: i32) -> (i32, u32) {
    (code.div_euclid(12), (code.rem_euclid(12) + 1) as u32)
}

/// Months since year 0.
pub(super) fn code((year, month): (i32, u32)) -> Result<i32> {
    if !(1..=12).contains(&month) || !(1..=9999).contains(&year) {
        return Err(Error::new(
            "month",
            format!("({year}, {month}) is not a month"),
            "give (year, 1..=12)",
        ));
    }
    Ok(year * 12 + month as i32 - 1)
}

/// One row of the long frame.
pub(super) struct Cell<'a> {
    pub(super) region: &'a str,
    pub(super) sector: &'a str,
    /// Months since year 0.
    pub(super) month: i32,
    pub(super) value: Option<f64>,
}

/// The rows of a long frame.
pub(super) fn rows(frame: &DataFrame) -> Result<Vec<Cell<'_>>> {
    let regions = frame.column(schema::REGION)?.str()?;
    let sectors = frame.column(schema::SECTOR)?.str()?;
    let values = frame.column(schema::VALUE)?.f64()?;
    Ok(regions
        .iter()
        .zip(sectors.iter())
        .zip(values.iter())
        .zip(month_codes(frame)?)
        .map(|(((region, sector), value), month)| Cell {
            region: region.unwrap_or_default(),
            sector: sector.unwrap_or_default(),
            month,
            value,
        })
        .collect())
}

/// Month of each row, counted from year 0.
pub(super) fn month_codes(frame: &DataFrame) -> Result<Vec<i32>> {
    use polars::prelude::DateMethods;
    let series = frame
        .column(schema::MONTH)?
        .as_materialized_series()
        .clone();
    let dates = series.date()?;
    let (years, months) = (dates.year(), dates.month());
    Ok(years
        .iter()
        .zip(months.iter())
        .map(|(y, m)| y.unwrap_or(0) * 12 + i32::from(m.unwrap_or(1)) - 1)
        .collect())
}
