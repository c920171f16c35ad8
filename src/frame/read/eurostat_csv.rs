//! Eurostat SDMX-CSV: columns by name, codes or labels, optional flags and confidentiality.

use super::{Row, month, number, positions};
use crate::error::{Error, Result};

pub(super) fn rows(text: &str) -> Result<Vec<Row>> {
    // With CRLF the reader counts a record's line one short.
    let text = text.replace("\r\n", "\n");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let fail = |e: csv::Error| {
        let line = e.position().map_or(0, csv::Position::line);
        Error::new(
            format!("line {line}"),
            e.to_string(),
            "the line may be cut off; download the file again",
        )
    };
    let header: Vec<String> = reader
        .headers()
        .map_err(fail)?
        .iter()
        .map(String::from)
        .collect();
    let at = positions(&header);
    let find = |names: &[&str]| names.iter().find_map(|n| at.get(*n).copied());
    let need = |names: &[&str]| {
        find(names).ok_or_else(|| {
            Error::new(
                "line 1",
                format!("there is no column `{}`", names[0]),
                format!("it has the columns {}", header.join(", ")),
            )
        })
    };
    let (region, sector) = (need(&["geo"])?, need(&["nace_r2", "nace"])?);
    let (time, value) = (need(&["time_period"])?, need(&["obs_value"])?);
    let (flag, confidential) = (find(&["obs_flag"]), find(&["conf_status"]));
    let (s_adj, unit) = (find(&["s_adj"]), find(&["unit"]));
    let indicator = find(&["indic_bt", "indic"]);
    let frequency = find(&["freq"]);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fail)?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |k: usize| record.get(k).unwrap_or_default().trim();
        let place = |column: usize| format!("line {line}, column `{}`", header[column]);
        let option = |k: Option<usize>| k.map(cell).filter(|c| !c.is_empty()).map(String::from);
        if let Some(k) = frequency
            && !matches!(cell(k), "M" | "Monthly" | "")
        {
            return Err(Error::new(
                place(k),
                format!("the frequency is {:?}, not monthly", cell(k)),
                "select monthly data (freq M) before downloading",
            ));
        }
        rows.push(Row {
            place: format!("line {line}"),
            region: cell(region).to_string(),
            sector: cell(sector).to_string(),
            month: month(cell(time), &place(time))?,
            value: number(cell(value), &place(value))?,
            // A confidential cell says so in a column of its own; TSV writes it with an @.
            flag: match (option(flag), option(confidential)) {
                (flag, None) => flag,
                (None, Some(c)) => Some(format!("@{c}")),
                (Some(f), Some(c)) => Some(format!("{f}@{c}")),
            },
            s_adj: option(s_adj),
            unit: option(unit),
            indicator: option(indicator),
        });
    }
    Ok(rows)
}
