//! The long frame as one series a region and sector, without a hole between its first and last month.

use super::prepare::{Cell, month, rows};
use super::schema;
use crate::error::{Error, Result};
use polars::prelude::{Column, DataFrame, DataType};
use std::collections::BTreeMap;

/// One series of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexSeries {
    /// Region code or name.
    pub region: String,
    /// Sector code or name.
    pub sector: String,
    /// The first month (year, month).
    pub first: (i32, u32),
    /// One value a month from `first` on; NaN where missing.
    pub values: Vec<f64>,
    /// The first month, counted from year 0.
    pub(super) code: i32,
    /// The flags, one a month.
    pub(super) flags: Vec<Option<String>>,
}

impl IndexSeries {
    /// "region · sector".
    pub fn label(&self) -> String {
        match (self.region.as_str(), self.sector.as_str()) {
            (r, "") => r.to_string(),
            ("", s) => s.to_string(),
            (r, s) => format!("{r} · {s}"),
        }
    }

    /// Months as years with decimals, at the middle of each: 2020.0417 is January 2020.
    pub fn years(&self) -> Vec<f64> {
        let middle = |k: usize| (f64::from(self.code) + k as f64 + 0.5) / 12.0;
        (0..self.values.len()).map(middle).collect()
    }

    /// Value of a month since year 0; NaN outside.
    pub(super) fn at(&self, month: i32) -> f64 {
        usize::try_from(month - self.code)
            .ok()
            .and_then(|k| self.values.get(k).copied())
            .unwrap_or(f64::NAN)
    }
}

/// A row and its flag.
type Flagged<'a> = (Cell<'a>, Option<String>);

/// The series of a long frame, by region and sector. Months without a row are missing.
pub fn index_series(frame: &DataFrame) -> Result<Vec<IndexSeries>> {
    let flags = match frame.column(schema::FLAG) {
        Ok(column) => column.str()?.iter().map(|f| f.map(String::from)).collect(),
        Err(_) => vec![None; frame.height()],
    };
    let mut groups: BTreeMap<(&str, &str), Vec<Flagged<'_>>> = BTreeMap::new();
    for (cell, flag) in rows(frame)?.into_iter().zip(flags) {
        groups
            .entry((cell.region, cell.sector))
            .or_default()
            .push((cell, flag));
    }
    let mut all = Vec::with_capacity(groups.len());
    for ((region, sector), mut cells) in groups {
        cells.sort_by_key(|c| c.0.month);
        if let Some(pair) = cells.windows(2).find(|p| p[0].0.month == p[1].0.month) {
            let (y, m) = month(pair[0].0.month);
            return Err(Error::new(
                format!("series {region} {sector}"),
                format!("{y:04}-{m:02} occurs twice"),
                "keep one row a region, sector and month",
            ));
        }
        let code = cells[0].0.month;
        let length = (cells[cells.len() - 1].0.month - code) as usize + 1;
        let mut series = IndexSeries {
            region: region.into(),
            sector: sector.into(),
            first: month(code),
            values: vec![f64::NAN; length],
            code,
            flags: vec![None; length],
        };
        for (cell, flag) in cells {
            let k = (cell.month - code) as usize;
            series.values[k] = cell.value.unwrap_or(f64::NAN);
            series.flags[k] = flag;
        }
        all.push(series);
    }
    Ok(all)
}

/// Series back to a long frame; adjustment and unit are the first of `like`, which has only one.
pub(super) fn series_frame(series: &[IndexSeries], like: &DataFrame) -> Result<DataFrame> {
    let n: usize = series.iter().map(|s| s.values.len()).sum();
    let names = |f: fn(&IndexSeries) -> &str| -> Vec<&str> {
        series
            .iter()
            .flat_map(|s| std::iter::repeat_n(f(s), s.values.len()))
            .collect()
    };
    let days: Vec<i32> = series
        .iter()
        .flat_map(|s| (0..s.values.len() as i32).map(|k| super::read::first_day(s.code + k)))
        .collect();
    let values: Vec<Option<f64>> = series
        .iter()
        .flat_map(|s| s.values.iter().map(|v| (!v.is_nan()).then_some(*v)))
        .collect();
    let flags: Vec<Option<&str>> = series
        .iter()
        .flat_map(|s| s.flags.iter().map(Option::as_deref))
        .collect();
    let mut columns = vec![
        Column::new(schema::REGION.into(), names(|s| &s.region)),
        Column::new(schema::SECTOR.into(), names(|s| &s.sector)),
        Column::new(schema::MONTH.into(), days).cast(&DataType::Date)?,
        Column::new(schema::VALUE.into(), values),
        Column::new(schema::FLAG.into(), flags),
    ];
    for name in [schema::S_ADJ, schema::UNIT] {
        let one = match frame_text(like, name)? {
            Some(text) => Column::new(name.into(), vec![text; n]),
            None => Column::new(name.into(), vec![None::<&str>; n]),
        };
        columns.push(one);
    }
    Ok(DataFrame::new(n, columns)?)
}

/// The one text of a column; an error where there are several.
pub(super) fn frame_text(frame: &DataFrame, name: &str) -> Result<Option<String>> {
    if frame.column(name).is_err() {
        return Ok(None);
    }
    let found = super::prepare::distinct(frame, name)?;
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        _ => Err(Error::new(
            format!("column `{name}`"),
            format!("it mixes {}", found.join(", ")),
            "keep one; `read` and `select` do",
        )),
    }
}
