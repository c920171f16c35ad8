//! FRED series under all their headers, and FRED-MD.

use super::ReadOptions;
use super::cell::{DateOrder, Decimal, dated_month, shown};
use super::choice::is_wanted;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::{Header, Table};
use super::{kinds, vintages};
use crate::error::{Error, Result};

const MISSING: &[&str] = &[".", "NA"];

/// `DATE,INDPRO`, `observation_date,INDPRO,…` or `date,value`; the month is its first day.
pub(super) fn read_series(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let header = table.header()?;
    let date = header.need(&["observation_date", "DATE"])?;
    read(table, options, panel, &header, date, None)
}

/// `sasdate`, a line of transformations that is no data, dates M/D/YYYY.
pub(super) fn read_md(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let header = table.header()?;
    let date = header.need(&["sasdate"])?;
    let others: Vec<&str> = header
        .names
        .iter()
        .enumerate()
        .filter(|(k, n)| *k != date && !n.is_empty() && is_wanted(&options.sectors, n))
        .map(|(_, n)| n.as_str())
        .filter(|n| !n.starts_with("IP") && *n != "INDPRO")
        .collect();
    if options.sectors.is_empty() && !others.is_empty() {
        return Err(Error::new(
            format!("line {}", header.line),
            format!(
                "{} of its series are no production indices, such as {}",
                others.len(),
                shown(others[0])
            ),
            "name those to take: ReadOptions { sectors: vec![\"INDPRO\".into(), \"IP*\".into()] }",
        ));
    }
    read(
        table,
        options,
        panel,
        &header,
        date,
        Some(DateOrder::MonthFirst),
    )
}

fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
    header: &Header,
    date: usize,
    order: Option<DateOrder>,
) -> Result<()> {
    let region = options.region_name.as_deref().unwrap_or("US");
    let columns = header.len();
    let series: Vec<(usize, &str)> = header
        .names
        .iter()
        .enumerate()
        .filter(|(k, n)| *k != date && !n.is_empty())
        .map(|(k, n)| (k, n.as_str()))
        .collect();
    let taken: Vec<&str> = series
        .iter()
        .map(|(_, n)| *n)
        .filter(|n| is_wanted(&options.sectors, n))
        .collect();
    let line = header.line;
    vintages::refuse(&taken, line)?;
    for name in &taken {
        if let Some(what) = kinds::fred(name) {
            return Err(kinds::refusal(format!("line {line}"), name, what, ""));
        }
    }
    let marks = Marks::new(options, Decimal::Point);
    let only = options.sector_name.as_deref().filter(|_| series.len() == 1);
    while let Some(row) = table.row(columns)? {
        let when = row.get(date);
        // FRED-MD's second line, and the blank lines that some issues end with.
        if order.is_some() && when.starts_with("Transform") || row.is_blank() {
            continue;
        }
        let month = dated_month(when, order).map_err(|f| f.at(header.place(row.line, date)))?;
        for (k, name) in &series {
            panel.push(Cell {
                line: row.line,
                region,
                sector: only.unwrap_or(name),
                month,
                value: marks
                    .number(row.get(*k), MISSING)
                    .map_err(|f| f.at(header.place(row.line, *k)))?,
                ..Cell::default()
            })?;
        }
    }
    Ok(())
}
