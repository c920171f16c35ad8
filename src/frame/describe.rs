//! What a DataFrame holds, at a glance.

use super::prepare::{distinct, months};
use super::schema;
use crate::error::Result;
use polars::prelude::{Column, DataFrame, DataType};
use std::collections::BTreeMap;

/// Adds `.describe()` to DataFrames.
pub trait Describe {
    /// What the frame holds.
    fn describe(&self) -> Result<Description>;
}

/// What a frame holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Number of rows.
    pub rows: usize,
    /// The columns in order.
    pub columns: Vec<ColumnFacts>,
    /// What an index holds, where the frame has its columns.
    pub index: Option<IndexFacts>,
}

/// What one column holds.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Rows without a value.
    pub missing: usize,
    /// Different values, of text.
    pub distinct: Option<usize>,
    /// Smallest, mean and largest value, of numbers; NaN is left out.
    pub range: Option<(f64, f64, f64)>,
}

/// What an index holds.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexFacts {
    /// The regions, sorted.
    pub regions: Vec<String>,
    /// The sectors, sorted.
    pub sectors: Vec<String>,
    /// Number of months with a row.
    pub months: usize,
    /// First and last month.
    pub span: Option<((i32, u32), (i32, u32))>,
    /// Cells without a value.
    pub missing: usize,
    /// The units.
    pub units: Vec<String>,
    /// The seasonal adjustments.
    pub s_adj: Vec<String>,
    /// How often each flag occurs.
    pub flags: BTreeMap<String, usize>,
}

impl Describe for DataFrame {
    fn describe(&self) -> Result<Description> {
        let columns = self.columns().iter().map(facts).collect::<Result<_>>()?;
        let needed = [schema::REGION, schema::SECTOR, schema::MONTH, schema::VALUE];
        let is_index = needed.iter().all(|n| self.column(n).is_ok())
            && self.column(schema::MONTH)?.dtype() == &DataType::Date;
        Ok(Description {
            rows: self.height(),
            columns,
            index: if is_index { Some(index(self)?) } else { None },
        })
    }
}

fn facts(column: &Column) -> Result<ColumnFacts> {
    let is_text = column.dtype() == &DataType::String;
    let range = if column.dtype().is_primitive_numeric() {
        let numbers = column.cast(&DataType::Float64)?;
        let (mut low, mut high, mut sum, mut n) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0_usize);
        for v in numbers.f64()?.iter().flatten().filter(|v| !v.is_nan()) {
            (low, high, sum, n) = (low.min(v), high.max(v), sum + v, n + 1);
        }
        (n > 0).then(|| (low, sum / n as f64, high))
    } else {
        None
    };
    Ok(ColumnFacts {
        name: column.name().to_string(),
        kind: column.dtype().to_string(),
        missing: column.null_count(),
        distinct: if is_text {
            Some(column.n_unique()?)
        } else {
            None
        },
        range,
    })
}

fn index(frame: &DataFrame) -> Result<IndexFacts> {
    let covered = months(frame)?;
    let texts = |name: &str| match frame.column(name) {
        Ok(_) => distinct(frame, name),
        Err(_) => Ok(Vec::new()),
    };
    let mut flags = BTreeMap::new();
    if let Ok(column) = frame.column(schema::FLAG) {
        for flag in column.str()?.iter().flatten() {
            *flags.entry(flag.to_string()).or_insert(0) += 1;
        }
    }
    Ok(IndexFacts {
        regions: texts(schema::REGION)?,
        sectors: texts(schema::SECTOR)?,
        months: covered.len(),
        span: covered.first().copied().zip(covered.last().copied()),
        missing: frame.column(schema::VALUE)?.null_count(),
        units: texts(schema::UNIT)?,
        s_adj: texts(schema::S_ADJ)?,
        flags,
    })
}
