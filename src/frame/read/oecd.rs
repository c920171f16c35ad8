//! SDMX-CSV with REF_AREA, as the OECD, the ECB and others send it, and the older CSV of OECD.Stat.

use super::ReadOptions;
use super::cell::Decimal;
use super::eurostat_csv::{monthly, refuse_figures};
use super::further::Further;
use super::months::{Days, spelled};
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::{Header, Table, bare};
use crate::error::{Error, Result};

/// States in which an observation has no value (SDMX code list CL_OBS_STATUS).
const WITHOUT_VALUE: &[&str] = &["M", "L", "O", "H", "Q"];
/// How the columns of sectors begin.
const SECTORS: [&str; 9] = [
    "ACTIVITY",
    "ECONOMIC_ACTIVITY",
    "STS_CLASS",
    "STS_ACTIVITY",
    "ECON_ACTIVITY",
    "INDUSTRY",
    "NACE",
    "ISIC",
    "ATECO",
];

/// The first column that begins so.
fn beginning(header: &Header, starts: &[&str]) -> Option<usize> {
    header.find(starts).or_else(|| {
        starts
            .iter()
            .find_map(|s| header.names.iter().position(|n| n.starts_with(s)))
    })
}

/// The column that was named, else `usual`.
fn named(header: &Header, name: &Option<String>, usual: Option<usize>) -> Result<Option<usize>> {
    match name {
        Some(name) => header.need(&[name]).map(Some),
        None => Ok(usual),
    }
}

/// Columns by code: REF_AREA, MEASURE, UNIT_MEASURE, ACTIVITY, ADJUSTMENT, BASE_PER, OBS_STATUS.
pub(super) fn read_csv(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let mut header = table.header()?;
    let both = header.without_labels();
    let own = &options.columns;
    let columns = Named {
        both,
        region: header.need(&["REF_AREA"])?,
        sector: named(&header, &own.sector, beginning(&header, &SECTORS))?,
        time: header.need(&["TIME_PERIOD"])?,
        value: header.need(&["OBS_VALUE"])?,
        flag: header.find(&["OBS_STATUS"]),
        frequency: header.find(&["FREQ"]),
        unit: named(&header, &own.unit, header.find(&["UNIT_MEASURE", "UNIT"]))?,
        base: header.find(&["BASE_PER", "BASE_REF_AREA", "UNIT_INDEX_BASE"]),
        power: header.find(&["UNIT_MULT"]),
        s_adj: named(
            &header,
            &own.s_adj,
            header.find(&["ADJUSTMENT", "SEASONAL_ADJUST"]),
        )?,
        measure: header.find(&[
            "MEASURE",
            "STS_INDICATOR",
            "SUBJECT",
            "DATA_TYPE",
            "INDICATOR",
        ]),
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
        both: false,
        region: header.need(&["LOCATION", "ITTER107"])?,
        sector: named(
            &header,
            &options.columns.sector,
            header
                .find(&["SUBJECT"])
                .or_else(|| beginning(&header, &["ATECO", "INDICATOR", "NACE", "ISIC"])),
        )?,
        time: header.need(&["TIME"])?,
        value: header.need(&["Value"])?,
        flag: header.find(&["Flag Codes"]),
        frequency: header.find(&["FREQUENCY"]),
        unit: header.find(&["Unit Code", "Unit"]),
        base: header.find(&["Reference Period", "Reference Period Code"]),
        power: header.find(&["PowerCode Code"]),
        s_adj: header.find(&["CORREZ"]),
        measure: header
            .find(&["MEASURE"])
            .or_else(|| beginning(&header, &["TIPO_DATO"])),
        transformation: None,
    };
    read(table, options, panel, &header, &columns)
}

struct Named {
    /// Cells are `AT: Austria`.
    both: bool,
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

impl Named {
    fn further(&self, header: &Header, options: &ReadOptions) -> Result<Further> {
        let region = Some(self.region);
        let used = [
            region,
            self.sector,
            Some(self.time),
            Some(self.value),
            self.flag,
            self.frequency,
            self.unit,
            self.base,
            self.power,
            self.s_adj,
            self.measure,
            self.transformation,
        ];
        Further::new(&header.names, &used, &[region, self.sector], options)
    }

    /// What the file calls adjustment, unit and indicator.
    fn titles(&self, header: &Header) -> [String; 3] {
        let title = |columns: &[Option<usize>], usual: &str| {
            let names: Vec<&str> = columns
                .iter()
                .flatten()
                .map(|k| header.names[*k].as_str())
                .collect();
            if names.is_empty() {
                usual.into()
            } else {
                names.join("` and `")
            }
        };
        [
            title(&[self.s_adj], "s_adj"),
            title(&[self.unit], "unit"),
            title(&[self.measure, self.transformation], "indicator"),
        ]
    }
}

fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
    header: &Header,
    at: &Named,
) -> Result<()> {
    let width = header.len();
    let further = at.further(header, options)?;
    panel.watch(&further);
    panel.titles = at.titles(header);
    let marks = Marks::new(options, Decimal::Point);
    let mut days = Days::default();
    while let Some(row) = table.row(width)? {
        let get = |k: usize| bare(row.get(k), at.both);
        let option = |k: Option<usize>| k.map_or("", get);
        let sector = match at.sector {
            Some(k) => get(k),
            None => options.sector_name.as_deref().unwrap_or(""),
        };
        if !panel.takes(&further, row.line, get, || {
            (
                get(at.region),
                sector,
                spelled(get(at.time), None).map(|m| m.0).ok(),
            )
        }) {
            continue;
        }
        if let Some(k) = at.frequency {
            monthly(get(k)).map_err(|f| f.at(header.place(row.line, k)))?;
        }
        if let Some(k) = at.power
            && !matches!(get(k), "" | "0" | "_Z")
        {
            return Err(Error::new(
                header.place(row.line, k),
                format!("figures are multiplied by 10 to the {}", get(k)),
                "an index is not; leave these rows out before downloading",
            ));
        }
        let month = days
            .month(get(at.time), options.date_order)
            .map_err(|f| f.at(header.place(row.line, at.time)))?;
        let flag = option(at.flag);
        if let Some(k) = at.flag {
            refuse_figures(flag).map_err(|f| f.at(header.place(row.line, k)))?;
        }
        // An observation that its status calls missing may be written as NaN.
        let missing: &[&str] = if WITHOUT_VALUE.contains(&flag) {
            &["..", "NaN"]
        } else {
            &[".."]
        };
        let value = marks
            .number(row.get(at.value), missing)
            .map_err(|f| f.at(header.place(row.line, at.value)))?;
        let join = |a: &str, b: &str| match (a, b) {
            ("" | "_Z", b) => b.to_string(),
            (a, "" | "_Z") => a.to_string(),
            (a, b) => format!("{a} {b}"),
        };
        let cell = Cell {
            line: row.line,
            region: get(at.region),
            sector,
            month,
            value,
            // A is a normal value: no flag.
            flag: if flag == "A" { "" } else { flag },
            s_adj: option(at.s_adj),
            unit: &join(option(at.unit), option(at.base)),
            indicator: &join(option(at.measure), option(at.transformation)),
        };
        panel.push_row(cell, &further, get)?;
    }
    Ok(())
}
