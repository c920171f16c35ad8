//! Eurostat SDMX-CSV: columns by name, codes or labels, optional flags and confidentiality.

use super::ReadOptions;
use super::cell::{Decimal, Fault, month, number};
use super::panel::{Cell, Panel};
use super::table::Table;
use crate::error::Result;

/// Words for a missing value.
pub(super) const MISSING: &[&str] = &[":", "n/a"];

pub(super) fn read(table: &mut Table<'_>, _: &ReadOptions, panel: &mut Panel<'_>) -> Result<()> {
    let mut header = table.header()?;
    // With "both" labels a header is `geo: Geopolitical entity` and a cell `BE: Belgium`.
    let both = header.names.iter().any(|n| n.starts_with("geo:"));
    for name in &mut header.names {
        *name = code(name, both).to_string();
    }
    let (region, sector) = (header.need(&["geo"])?, header.need(&["nace_r2", "nace"])?);
    let (time, value) = (header.need(&["TIME_PERIOD"])?, header.need(&["OBS_VALUE"])?);
    let (flag, confidential) = (header.find(&["OBS_FLAG"]), header.find(&["CONF_STATUS"]));
    let (s_adj, unit) = (header.find(&["s_adj"]), header.find(&["unit"]));
    let indicator = header.find(&["indic_bt", "indic"]);
    let frequency = header.find(&["freq"]);
    let columns = header.len();
    table.in_parallel(panel, |rows, panel| {
        let mut flags = String::new();
        while let Some(row) = rows.row(columns)? {
            let get = |k: usize| code(row.get(k), both);
            let option = |k: Option<usize>| k.map_or("", get);
            if let Some(k) = frequency {
                monthly(get(k)).map_err(|f| f.at(header.place(row.line, k)))?;
            }
            // A confidential cell says so in a column of its own; TSV writes it with an @.
            let mut written = option(flag);
            let secret = option(confidential);
            if !secret.is_empty() {
                flags.clear();
                flags.push_str(written);
                flags.push('@');
                flags.push_str(secret);
                written = &flags;
            }
            panel.push(Cell {
                line: row.line,
                region: get(region),
                sector: get(sector),
                month: month(row.raw(time)).map_err(|f| f.at(header.place(row.line, time)))?,
                value: number(row.raw(value), Decimal::Point, MISSING)
                    .map_err(|f| f.at(header.place(row.line, value)))?,
                flag: written,
                s_adj: option(s_adj),
                unit: option(unit),
                indicator: option(indicator),
            })?;
        }
        Ok(())
    })
}

/// The part before the label, where there are both.
fn code(text: &str, both: bool) -> &str {
    if !both {
        return text;
    }
    text.split_once(':').map_or(text, |(code, _)| code.trim())
}

/// Refuses frequencies that are not monthly; none at all is accepted, as old files have none.
pub(super) fn monthly(code: &str) -> std::result::Result<(), Fault> {
    if matches!(code, "M" | "Monthly" | "") {
        return Ok(());
    }
    Err(Fault::new(
        format!("the frequency is {code:?}, not monthly"),
        "select monthly data (freq M) before downloading",
    ))
}
