//! Eurostat SDMX-CSV: columns by name, codes or labels, optional flags and confidentiality.

use super::ReadOptions;
use super::cell::{Decimal, Fault, month, shown};
use super::further::Further;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::{Table, bare};
use crate::error::Result;

/// Words for a missing value.
pub(super) const MISSING: &[&str] = &[":", "n/a"];

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let mut header = table.header()?;
    // With "both" labels a header is `geo: Geopolitical entity` and a cell `BE: Belgium`.
    let both = header.without_labels();
    let (region, sector) = (header.need(&["geo"])?, header.need(&["nace_r2", "nace"])?);
    let (time, value) = (header.need(&["TIME_PERIOD"])?, header.need(&["OBS_VALUE"])?);
    let (flag, confidential) = (header.find(&["OBS_FLAG"]), header.find(&["CONF_STATUS"]));
    let (s_adj, unit) = (header.find(&["s_adj"]), header.find(&["unit"]));
    let indicator = header.find(&["indic_bt", "indic"]);
    let frequency = header.find(&["freq"]);
    let columns = header.len();
    let used = [
        Some(region),
        Some(sector),
        Some(time),
        Some(value),
        flag,
        confidential,
        s_adj,
        unit,
        indicator,
        frequency,
    ];
    let further = Further::new(&header.names, &used, &[Some(region), Some(sector)], options)?;
    panel.watch(&further);
    let marks = Marks::new(options, Decimal::Point);
    table.in_parallel(panel, |rows, panel| {
        let mut flags = String::new();
        while let Some(row) = rows.row(columns)? {
            let get = |k: usize| bare(row.get(k), both);
            let option = |k: Option<usize>| k.map_or("", get);
            if !panel.takes(&further, row.line, get, || {
                (get(region), get(sector), month(get(time)).ok())
            }) {
                continue;
            }
            if let Some(k) = frequency {
                monthly(get(k)).map_err(|f| f.at(header.place(row.line, k)))?;
            }
            // A confidential cell says so in a column of its own; TSV writes it with an @.
            let mut written = option(flag);
            if let Some(k) = flag {
                refuse_figures(written).map_err(|f| f.at(header.place(row.line, k)))?;
            }
            let secret = option(confidential);
            if !secret.is_empty() {
                flags.clear();
                flags.push_str(written);
                flags.push('@');
                flags.push_str(secret);
                written = &flags;
            }
            let cell = Cell {
                line: row.line,
                region: get(region),
                sector: get(sector),
                month: month(get(time)).map_err(|f| f.at(header.place(row.line, time)))?,
                value: marks
                    .number(row.raw(value), MISSING)
                    .map_err(|f| f.at(header.place(row.line, value)))?,
                flag: written,
                s_adj: option(s_adj),
                unit: option(unit),
                indicator: option(indicator),
            };
            panel.push_row(cell, &further, get)?;
        }
        Ok(())
    })
}

/// Refuses a flag with digits: Eurostat's have letters only.
pub(super) fn refuse_figures(flag: &str) -> std::result::Result<(), Fault> {
    if flag.bytes().any(|b| b.is_ascii_digit()) {
        return Err(Fault::new(
            format!("{} is no flag, which has letters only", shown(flag)),
            "the cells of the line may be shifted, or thousands separated; download the file again",
        ));
    }
    Ok(())
}

/// Refuses frequencies that are not monthly; none at all is accepted, as old files have none.
pub(super) fn monthly(code: &str) -> std::result::Result<(), Fault> {
    if matches!(code, "M" | "") {
        return Ok(());
    }
    let low = code.to_lowercase();
    let word = low.split(':').next().unwrap_or_default().trim();
    let known = [
        "",
        "m",
        "p1m",
        "monthly",
        "month",
        "monatlich",
        "mensuel",
        "mensuelle",
        "mensual",
        "mensile",
        "mensal",
    ];
    if known.contains(&word) {
        return Ok(());
    }
    Err(Fault::new(
        format!("the frequency is {}, not monthly", shown(code)),
        "select monthly data (freq M) before downloading",
    ))
}
