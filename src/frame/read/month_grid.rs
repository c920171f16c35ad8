//! One row a year, with twelve columns of months.

use super::further::Further;
use super::generic::{
    MISSING, REGION, S_ADJ, UNIT, YEAR, column, end, is_year, sector_column, sign, year,
};
use super::months::{named, plain};
use super::panel::{Cell, Panel};
use super::table::{Header, Table};
use super::{ReadOptions, generic};
use crate::error::{Error, Result};

/// 0 for January of a heading: a name or a number.
fn heading(text: &str) -> Option<i32> {
    let number = text
        .parse::<i32>()
        .ok()
        .filter(|m| (1..=12).contains(m) && text.len() < 3);
    named(text).or(number.map(|m| m - 1))
}

/// True where most months of a year stand beside a column of years.
pub(super) fn is_header(names: &[String]) -> bool {
    let first = names.first().map_or("", String::as_str);
    let spelled = names.iter().filter(|n| named(n).is_some()).count();
    let numbers = names.iter().filter(|n| heading(n).is_some()).count();
    spelled >= 6 && named(first).is_none() || numbers >= 12 && is_year(first)
}

/// Refuses four quarters beside a column of years.
pub(super) fn refuse_quarters(names: &[String], line: usize) -> Result<()> {
    let quarter = |n: &&String| {
        let low = plain(n);
        low.len() < 14
            && (1..=4).any(|q| {
                [
                    format!("q{q}"),
                    format!("t{q}"),
                    format!("{q}q"),
                    format!("qtr{q}"),
                    format!("qtr {q}"),
                    format!("quarter {q}"),
                    format!("quartal {q}"),
                    format!("{q}. quartal"),
                ]
                .contains(&low)
            })
    };
    let quarters: Vec<&String> = names.iter().filter(quarter).collect();
    if quarters.len() >= 4 {
        return Err(Error::new(
            format!("line {line}, column `{}`", quarters[0]),
            "its columns are quarters, so the data are quarterly",
            "take monthly data",
        ));
    }
    Ok(())
}

/// Where the twelve months begin.
fn first_month(header: &Header) -> Result<usize> {
    let first = header
        .names
        .iter()
        .position(|n| heading(n).is_some())
        .unwrap_or(0);
    let months: Vec<i32> = header.names[first..]
        .iter()
        .map_while(|n| heading(n))
        .collect();
    if months.iter().copied().eq(0..12) {
        return Ok(first);
    }
    let fact = match months.as_slice() {
        [start, ..] if months.len() == 12 && *start != 0 => format!(
            "its months begin with {}, as in a financial year, so that it is not said which year they are in",
            header.names[first]
        ),
        _ => format!(
            "it has {} columns of months in a row, not January to December",
            months.len()
        ),
    };
    Err(Error::new(
        format!("line {}", header.line),
        fact,
        "give one row a month, as in `month,value` and 2015-01,101.5",
    ))
}

/// The average or total of a year.
fn is_annual(name: &str) -> bool {
    const WORDS: [&str; 16] = [
        "annual",
        "average",
        "avg",
        "mean",
        "total",
        "year",
        "ave",
        "annual average",
        "jahr",
        "durchschnitt",
        "moyenne",
        "media",
        "promedio",
        "sum",
        "yearly",
        "year average",
    ];
    WORDS.contains(&plain(name).trim_end_matches('.'))
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let mut sign = sign(table, options);
    let header = generic::header(table, panel)?;
    refuse_quarters(&header.names, header.line)?;
    let first = first_month(&header)?;
    let years = column(&header, &options.columns.year, YEAR)?.unwrap_or(0);
    let region = column(&header, &options.columns.region, REGION)?;
    let sector = sector_column(&header, options)?;
    let s_adj = column(&header, &options.columns.s_adj, S_ADJ)?;
    let unit = column(&header, &options.columns.unit, UNIT)?;
    let width = header.len();
    let mut used = vec![Some(years), region, sector, s_adj, unit];
    used.extend((first..first + 12).map(Some));
    for k in (0..width).filter(|k| is_annual(&header.names[*k]) && *k != years) {
        used.push(Some(k));
        panel.note(format!(
            "column `{}` with one figure a year was left out",
            header.names[k]
        ));
    }
    let further = Further::new(&header.names, &used, &[region, sector], options)?;
    panel.watch(&further);
    while let Some(row) = table.data_row(width)? {
        let get = |k: usize| row.get(k);
        let option = |k: Option<usize>| k.map(get);
        let region = option(region)
            .or(options.region_name.as_deref())
            .unwrap_or_default();
        let sector = option(sector)
            .or(options.sector_name.as_deref())
            .unwrap_or_default();
        if !panel.takes(&further, row.line, get, || (region, sector, None)) {
            continue;
        }
        let year = year(get(years)).map_err(|f| f.at(header.place(row.line, years)))?;
        for month in 0..12 {
            let k = first + month;
            // The months that are still to come, and those before the series began.
            if get(k).is_empty() {
                continue;
            }
            let cell = Cell {
                line: row.line,
                region,
                sector,
                month: year * 12 + month as i32,
                value: sign
                    .number(get(k), MISSING)
                    .map_err(|f| f.at(header.place(row.line, k)))?,
                s_adj: option(s_adj).unwrap_or_default(),
                unit: option(unit).unwrap_or_default(),
                ..Cell::default()
            };
            panel.push_row(cell, &further, get)?;
        }
    }
    sign.check(panel)?;
    end(table, panel);
    Ok(())
}
