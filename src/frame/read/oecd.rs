//! OECD: SDMX-CSV of the Data Explorer, and the older CSV of OECD.Stat.

use super::ReadOptions;
use super::cell::{Decimal, month, number, shown};
use super::panel::{Cell, Panel};
use super::table::{Header, Table};
use crate::error::{Error, Result};

/// States in which an observation has no value (SDMX code list CL_OBS_STATUS).
const WITHOUT_VALUE: &[&str] = &["M", "L", "O", "H", "Q"];

/// Columns by code: REF_AREA, MEASURE, UNIT_MEASURE, ACTIVITY, ADJUSTMENT, BASE_PER, OBS_STATUS.
pub(super) fn read_csv(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let header = table.header()?;
    let columns = Named {
        region: header.need(&["REF_AREA"])?,
        sector: header.find(&["ACTIVITY", "ECONOMIC_ACTIVITY"]),
        time: header.need(&["TIME_PERIOD"])?,
        value: header.need(&["OBS_VALUE"])?,
        flag: header.find(&["OBS_STATUS"]),
        frequency: header.find(&["FREQ"]),
        unit: header.find(&["UNIT_MEASURE"]),
        base: header.find(&["BASE_PER", "BASE_REF_AREA"]),
        power: header.find(&["UNIT_MULT"]),
        s_adj: header.find(&["ADJUSTMENT"]),
        measure: header.find(&["MEASURE", "SUBJECT"]),
        transformation: header.find(&["TRANSFORMATION"]),
    };
    read(table, options, panel, &header, &columns)
}

/// Nineteen quoted columns, code and label in turn: LOCATION, SUBJECT, MEASURE, TIME, Value, Flag Codes.
pub(super) fn read_stat(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let header = table.header()?;
    let columns = Named {
        region: header.need(&["LOCATION"])?,
        sector: header.find(&["SUBJECT", "INDICATOR"]),
        time: header.need(&["TIME"])?,
        value: header.need(&["Value"])?,
        flag: header.find(&["Flag Codes"]),
        frequency: header.find(&["FREQUENCY"]),
        unit: header.find(&["Unit Code", "Unit"]),
        base: header.find(&["Reference Period", "Reference Period Code"]),
        power: header.find(&["PowerCode Code"]),
        s_adj: None,
        measure: header.find(&["MEASURE"]),
        transformation: None,
    };
    read(table, options, panel, &header, &columns)
}

struct Named {
    region: usize,
    sector: Option<usize>,
    time: usize,
    value: usize,
    flag: Option<usize>,
    frequency: Option<usize>,
    unit: Option<usize>,
    base: Option<usize>,
    power: Option<usize>,
    s_adj: Option<usize>,
    measure: Option<usize>,
    transformation: Option<usize>,
}

fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
    header: &Header,
    at: &Named,
) -> Result<()> {
    let width = header.len();
    while let Some(row) = table.row(width)? {
        let option = |k: Option<usize>| k.map_or("", |k| row.get(k));
        if let Some(k) = at.frequency
            && !matches!(row.get(k), "M" | "")
        {
            return Err(Error::new(
                header.place(row.line, k),
                format!("the frequency is {}, not monthly", shown(row.get(k))),
                "select monthly data (M) before downloading",
            ));
        }
        if let Some(k) = at.power
            && !matches!(row.get(k), "" | "0" | "_Z")
        {
            return Err(Error::new(
                header.place(row.line, k),
                format!("figures are multiplied by 10 to the {}", row.get(k)),
                "an index is not; leave these rows out before downloading",
            ));
        }
        let month = month(row.get(at.time)).map_err(|f| f.at(header.place(row.line, at.time)))?;
        let flag = option(at.flag);
        // An observation that its status calls missing may be written as NaN.
        let missing: &[&str] = if WITHOUT_VALUE.contains(&flag) {
            &["..", "NaN"]
        } else {
            &[".."]
        };
        let value = number(row.get(at.value), Decimal::Point, missing)
            .map_err(|f| f.at(header.place(row.line, at.value)))?;
        let join = |a: &str, b: &str| match (a, b) {
            ("" | "_Z", b) => b.to_string(),
            (a, "" | "_Z") => a.to_string(),
            (a, b) => format!("{a} {b}"),
        };
        panel.push(Cell {
            line: row.line,
            region: row.get(at.region),
            sector: match at.sector {
                Some(k) => row.get(k),
                None => options.sector_name.as_deref().unwrap_or(""),
            },
            month,
            value,
            // A is a normal value: no flag.
            flag: if flag == "A" { "" } else { flag },
            s_adj: option(at.s_adj),
            unit: &join(option(at.unit), option(at.base)),
            indicator: &join(option(at.measure), option(at.transformation)),
        })?;
    }
    Ok(())
}
