//! Tables of no particular source: tidy, or wide with regions, sectors or months in columns.

use super::ReadOptions;
use super::cell::{Decimal, Fault, Sign, dated_month, month};
use super::panel::{Cell, Panel, is_wanted};
use super::table::{Header, Table};
use crate::error::{Error, Result};

const MISSING: &[&str] = &[":", ".", "..", "NA", "n/a"];
const REGION: &[&str] = &["region", "geo", "country", "ref_area", "location"];
const SECTOR: &[&str] = &[
    "sector", "nace_r2", "nace", "activity", "industry", "series",
];
const MONTH: &[&str] = &["month", "date", "time", "period", "time_period"];
const VALUE: &[&str] = &["value", "obs_value", "index"];
const FLAG: &[&str] = &["flag", "obs_flag", "obs_status"];
const S_ADJ: &[&str] = &["s_adj", "adjustment"];

/// The column that was named, which must be there, or one with a usual name.
fn column(header: &Header, named: &Option<String>, usual: &[&str]) -> Result<Option<usize>> {
    match named {
        Some(name) => header.need(&[name]).map(Some),
        None => Ok(header.find(usual)),
    }
}

fn sign(table: &Table<'_>, options: &ReadOptions) -> Sign {
    Sign(match (options.decimal, table.delimiter) {
        (Some(sign), _) => Some(sign),
        (None, b';') => None,
        _ => Some(Decimal::Point),
    })
}

pub(super) fn read_tidy(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let mut sign = sign(table, options);
    let header = table.header()?;
    let named = &options.columns;
    let time = match column(&header, &named.month, MONTH)? {
        Some(k) => k,
        None => header.need(MONTH)?,
    };
    let region = column(&header, &named.region, REGION)?;
    let sector = column(&header, &named.sector, SECTOR)?;
    // Without a usual name, the one column that is left over has the values.
    let value = match column(&header, &named.value, VALUE)? {
        Some(k) => k,
        None if header.len() == 2 && region.is_none() && sector.is_none() => 1 - time.min(1),
        None => header.need(VALUE)?,
    };
    let flag = column(&header, &named.flag, FLAG)?;
    let s_adj = column(&header, &named.s_adj, S_ADJ)?;
    let unit = column(&header, &named.unit, &["unit"])?;
    let frequency = header.find(&["freq", "frequency"]);
    let width = header.len();
    while let Some(row) = table.row(width)? {
        let option = |k: Option<usize>| k.map_or("", |k| row.get(k));
        let name =
            |k: Option<usize>, given: &'static str, fixed: &'_ Option<String>| -> Result<String> {
                match (k, fixed) {
                    (Some(k), _) if row.get(k).is_empty() => Err(Error::new(
                        header.place(row.line, k),
                        format!("the {given} is empty"),
                        "fill it, or leave the row out",
                    )),
                    (Some(k), _) => Ok(row.get(k).to_string()),
                    (None, fixed) => Ok(fixed.clone().unwrap_or_default()),
                }
            };
        if let Some(k) = frequency {
            super::eurostat_csv::monthly(row.get(k))
                .map_err(|f| f.at(header.place(row.line, k)))?;
        }
        panel.push(Cell {
            line: row.line,
            region: &name(region, "region", &options.region_name)?,
            sector: &name(sector, "sector", &options.sector_name)?,
            month: dated_month(row.get(time), options.date_order)
                .map_err(|f| f.at(header.place(row.line, time)))?,
            value: sign
                .number(row.get(value), MISSING)
                .map_err(|f| f.at(header.place(row.line, value)))?,
            flag: option(flag),
            s_adj: option(s_adj),
            unit: option(unit),
            indicator: "",
        })?;
    }
    Ok(())
}

pub(super) fn read_wide_regions(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let sector = options.sector_name.as_deref().unwrap_or_default();
    let wanted = |name: &str| is_wanted(&options.regions, name);
    wide(table, options, &wanted, &mut |line, name, month, value| {
        panel.push(Cell {
            line,
            region: name,
            sector,
            month,
            value,
            ..Cell::default()
        })
    })
}

pub(super) fn read_wide_sectors(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let region = options.region_name.as_deref().unwrap_or_default();
    let wanted = |name: &str| is_wanted(&options.sectors, name);
    wide(table, options, &wanted, &mut |line, name, month, value| {
        panel.push(Cell {
            line,
            region,
            sector: name,
            month,
            value,
            ..Cell::default()
        })
    })
}

/// Line, column name, month, value.
type Take<'a> = dyn FnMut(usize, &str, i32, Option<f64>) -> Result<()> + 'a;

/// Months in the column that is named or the first, one column a series.
fn wide(
    table: &mut Table<'_>,
    options: &ReadOptions,
    wanted: &dyn Fn(&str) -> bool,
    take: &mut Take<'_>,
) -> Result<()> {
    let mut sign = sign(table, options);
    let header = table.header()?;
    let time = column(&header, &options.columns.month, MONTH)?.unwrap_or(0);
    let width = header.len();
    if let Some(k) = (0..width).find(|k| *k != time && header.names[*k].is_empty()) {
        return Err(Error::new(
            format!("line {}, column {}", header.line, k + 1),
            "the column has no name",
            "name it, or take it out",
        ));
    }
    while let Some(row) = table.row(width)? {
        let month = dated_month(row.get(time), options.date_order)
            .map_err(|f| f.at(header.place(row.line, time)))?;
        for (k, name) in header.names[..width].iter().enumerate() {
            if k == time {
                continue;
            }
            // A column that is left out may hold anything; its name must still be known.
            let value = if wanted(name) {
                sign.number(row.get(k), MISSING)
                    .map_err(|f| f.at(header.place(row.line, k)))?
            } else {
                None
            };
            take(row.line, name, month, value)?;
        }
    }
    Ok(())
}

pub(super) fn read_wide_months(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let mut sign = sign(table, options);
    let header = table.header()?;
    let named = &options.columns;
    let region = column(&header, &named.region, REGION)?;
    let sector = column(&header, &named.sector, SECTOR)?;
    let s_adj = column(&header, &named.s_adj, S_ADJ)?;
    let unit = column(&header, &named.unit, &["unit"])?;
    let width = header.len();
    let first = (0..width)
        .find(|k| month(&header.names[*k]).is_ok())
        .ok_or_else(|| {
            Error::new(
                format!("line {}", header.line),
                "no column is a month such as 2015-01",
                "name the format with ReadOptions.format",
            )
        })?;
    let mut months = Vec::new();
    for k in first..width {
        let code =
            month(&header.names[k]).map_err(|f: Fault| f.at(header.place(header.line, k)))?;
        months.push((k, code));
    }
    while let Some(row) = table.row(width)? {
        let option = |k: Option<usize>| k.map(|k| row.get(k));
        for (k, month) in &months {
            // An empty cell is no observation.
            if row.get(*k).is_empty() {
                continue;
            }
            panel.push(Cell {
                line: row.line,
                region: option(region)
                    .or(options.region_name.as_deref())
                    .unwrap_or_default(),
                sector: option(sector)
                    .or(options.sector_name.as_deref())
                    .unwrap_or_default(),
                month: *month,
                value: sign
                    .number(row.get(*k), MISSING)
                    .map_err(|f| f.at(header.place(row.line, *k)))?,
                s_adj: option(s_adj).unwrap_or_default(),
                unit: option(unit).unwrap_or_default(),
                ..Cell::default()
            })?;
        }
    }
    Ok(())
}
