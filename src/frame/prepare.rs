//! From an index as published to a panel that a network can be calibrated to.

use super::read::first_day;
use super::schema;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::observe::Observation;
use polars::prelude::{BooleanChunked, Column, DataFrame, NewChunkedArray};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    let set: BTreeSet<String> = values.iter().flatten().map(String::from).collect();
    Ok(set.into_iter().collect())
}

/// The months (year, month) that the frame covers, ascending.
pub fn months(frame: &DataFrame) -> Result<Vec<(i32, u32)>> {
    let all: BTreeSet<i32> = month_codes(frame)?.into_iter().collect();
    Ok(all
        .into_iter()
        .map(|m| (m.div_euclid(12), (m.rem_euclid(12) + 1) as u32))
        .collect())
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

/// A panel for a network, and what did not fit.
#[derive(Clone, Debug)]
pub struct Alignment {
    /// Levels: index / 100 x the group's steady level; one period a month; NaN where missing.
    pub observed: Observation,
    /// Groups of the network without any data, "region · sector".
    pub without_data: Vec<String>,
    /// Series of the frame that no group of the network has.
    pub unused: Vec<String>,
}

/// Lays a rebased frame (100 is the level before the shock) on a network whose regions and sectors
/// have the names of the frame. Period 1 is `first`, and one period is one month.
pub fn align(
    frame: &DataFrame,
    network: &Network,
    first: (i32, u32),
    periods: usize,
) -> Result<Alignment> {
    let first = code(first)?;
    let groups: HashMap<(&str, &str), usize> = network
        .groups()
        .iter()
        .enumerate()
        .map(|(k, &(r, s))| {
            (
                (network.regions()[r].as_str(), network.sectors()[s].as_str()),
                k,
            )
        })
        .collect();
    let base = network.group_sums(network.output());
    let mut values = vec![f64::NAN; periods * base.len()];
    let mut seen = vec![false; base.len()];
    let mut unused = BTreeSet::new();
    for row in rows(frame)? {
        let Some(&group) = groups.get(&(row.region, row.sector)) else {
            unused.insert(format!("{} · {}", row.region, row.sector));
            continue;
        };
        let period = row.month - first;
        if let (Some(v), true) = (row.value, (0..periods as i32).contains(&period)) {
            values[period as usize * base.len() + group] = v / 100.0 * base[group];
            seen[group] = true;
        }
    }
    let observed = Observation::from_values(network, values)?;
    if !seen.contains(&true) {
        return Err(Error::new(
            "align",
            "no cell of the frame falls on a group of the network in these months",
            format!(
                "the frame has the series {}; the network has {}",
                unused
                    .iter()
                    .take(6)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", "),
                observed.label(0)
            ),
        ));
    }
    let without_data = (0..seen.len())
        .filter(|g| !seen[*g])
        .map(|g| observed.label(g))
        .collect();
    Ok(Alignment {
        observed,
        without_data,
        unused: unused.into_iter().collect(),
    })
}

/// Lengths, in periods of `period_days` days, of the months from `first` on, for
/// `Observation::block_means`: every period belongs to the month in which it begins.
pub fn month_lengths(first: (i32, u32), months: usize, period_days: u32) -> Result<Vec<usize>> {
    if period_days == 0 || period_days > 28 {
        return Err(Error::new(
            "month_lengths",
            format!("a period of {period_days} days"),
            "give 1 (days) to 28",
        ));
    }
    let first = code(first)?;
    let begin = first_day(first);
    let days = period_days as i32;
    let periods_before = |m: i32| (first_day(m) - begin + days - 1) / days;
    Ok((0..months as i32)
        .map(|k| (periods_before(first + k + 1) - periods_before(first + k)) as usize)
        .collect())
}

fn code((year, month): (i32, u32)) -> Result<i32> {
    if !(1..=12).contains(&month) || !(1..=9999).contains(&year) {
        return Err(Error::new(
            "month",
            format!("({year}, {month}) is not a month"),
            "give (year, 1..=12)",
        ));
    }
    Ok(year * 12 + month as i32 - 1)
}

struct Cell<'a> {
    region: &'a str,
    sector: &'a str,
    month: i32,
    value: Option<f64>,
}

fn rows(frame: &DataFrame) -> Result<Vec<Cell<'_>>> {
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
fn month_codes(frame: &DataFrame) -> Result<Vec<i32>> {
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
