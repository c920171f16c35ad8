//! Reads a production index of any known format into the one long frame.

mod eurostat_csv;
mod eurostat_tsv;

use super::schema;
use crate::error::{Error, Result};
use polars::prelude::{Column, DataFrame, DataType};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// A source format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Eurostat SDMX-CSV: one row an observation.
    EurostatCsv,
    /// Eurostat TSV: one row a series, one column a month.
    EurostatTsv,
}

impl Format {
    /// The name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Format::EurostatCsv => "Eurostat SDMX-CSV",
            Format::EurostatTsv => "Eurostat TSV",
        }
    }
}

/// Which of several series of the same region and sector to take. `None` means that there must be
/// only one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Seasonal adjustment, such as "SCA".
    pub s_adj: Option<String>,
    /// Unit, such as "I21".
    pub unit: Option<String>,
    /// Indicator, such as "PRD".
    pub indicator: Option<String>,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Index {
    /// What the file was taken for.
    pub format: Format,
    /// The long frame: region, sector, month, value, flag, s_adj, unit, sorted by the first three.
    pub frame: DataFrame,
    /// Cells without a value.
    pub missing: usize,
}

/// Reads a file, guessing its format.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Index> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|e| {
        Error::new(
            path.display().to_string(),
            format!("it cannot be read: {e}"),
            "check the path",
        )
    })?;
    parse(&bytes, options).map_err(|e| e.within(path.display()))
}

/// Reads the contents of a file.
pub fn parse(bytes: &[u8], options: &ReadOptions) -> Result<Index> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Error::new(
            "",
            "it is compressed with gzip",
            "unpack it first: gunzip FILE",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = bytes[..e.valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count()
            + 1;
        Error::new(
            format!("line {line}"),
            "it is not UTF-8 text",
            "save the file as UTF-8",
        )
    })?;
    if text.trim_start().starts_with('<') {
        return Err(Error::new(
            "line 1",
            "it is XML or HTML, as the source sends an error or a queue notice, not data",
            "open it in an editor to see the message, and download it again",
        ));
    }
    let header = text.lines().next().unwrap_or_default().trim_end();
    let format = guess(header)?;
    let rows = match format {
        Format::EurostatCsv => eurostat_csv::rows(text)?,
        Format::EurostatTsv => eurostat_tsv::rows(text)?,
    };
    long_frame(format, rows, options)
}

fn guess(header: &str) -> Result<Format> {
    let first_tab = header.split('\t').next().unwrap_or_default();
    if first_tab.contains('\\') && header.contains('\t') {
        return Ok(Format::EurostatTsv);
    }
    if header.contains("TIME_PERIOD") && header.contains("OBS_VALUE") && header.contains(',') {
        return Ok(Format::EurostatCsv);
    }
    let start: String = header.chars().take(60).collect();
    Err(Error::new(
        "line 1",
        format!("the header {start:?} is of no known format"),
        "known are Eurostat SDMX-CSV (columns TIME_PERIOD and OBS_VALUE) and Eurostat TSV (a first field that ends in \\TIME_PERIOD or \\time)",
    ))
}

/// One observation, with where it was found.
pub(super) struct Row {
    pub(super) place: String,
    pub(super) region: String,
    pub(super) sector: String,
    pub(super) month: i32,
    pub(super) value: Option<f64>,
    pub(super) flag: Option<String>,
    pub(super) s_adj: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) indicator: Option<String>,
}

/// "2015-01" or "2022M07" as months since year 0.
pub(super) fn month(text: &str, place: &str) -> Result<i32> {
    let text = text.trim();
    let parsed = (text.len() == 7 && text.is_ascii()).then(|| {
        (
            text[..4].parse::<i32>(),
            &text[4..5],
            text[5..].parse::<i32>(),
        )
    });
    match parsed {
        Some((Ok(year), "-" | "M", Ok(month))) if (1..=12).contains(&month) => {
            Ok(year * 12 + month - 1)
        }
        _ => Err(Error::new(
            place,
            format!("{text:?} is not a month"),
            "months are written 2015-01 or 2015M01; annual and quarterly rows must be left out",
        )),
    }
}

/// A number, or None for the words that mean a missing one.
pub(super) fn number(text: &str, place: &str) -> Result<Option<f64>> {
    match text.trim() {
        "" | ":" | "n/a" => Ok(None),
        cell => match cell.parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(Some(v)),
            _ => Err(Error::new(
                place,
                format!("{cell:?} is not a number"),
                "check that the decimal sign is a point",
            )),
        },
    }
}

fn long_frame(format: Format, mut rows: Vec<Row>, options: &ReadOptions) -> Result<Index> {
    if rows.is_empty() {
        return Err(Error::new(
            "",
            "it has a header, but no observation",
            "download the file again",
        ));
    }
    type Field = fn(&Row) -> &Option<String>;
    let fields: [(&str, &Option<String>, Field); 3] = [
        ("s_adj", &options.s_adj, |r| &r.s_adj),
        ("unit", &options.unit, |r| &r.unit),
        ("indicator", &options.indicator, |r| &r.indicator),
    ];
    for (name, wanted, field) in fields {
        let found: BTreeSet<String> = rows.iter().filter_map(|r| field(r).clone()).collect();
        let list = found.iter().cloned().collect::<Vec<_>>().join(", ");
        match wanted {
            Some(value) => {
                rows.retain(|r| field(r).as_ref() == Some(value));
                if rows.is_empty() {
                    return Err(Error::new(
                        format!("ReadOptions.{name}"),
                        format!("no row has {value:?}"),
                        format!("the file has {list}"),
                    ));
                }
            }
            None if found.len() > 1 => {
                return Err(Error::new(
                    format!("column `{name}`"),
                    format!("it mixes {list}, which cannot stand in one panel"),
                    format!("choose one with ReadOptions {{ {name}: Some(…) }}"),
                ));
            }
            None => {}
        }
    }
    rows.sort_by(|a, b| (&a.region, &a.sector, a.month).cmp(&(&b.region, &b.sector, b.month)));
    for pair in rows.windows(2) {
        let [a, b] = pair else { continue };
        if (&a.region, &a.sector, a.month) == (&b.region, &b.sector, b.month) {
            return Err(Error::new(
                b.place.clone(),
                format!(
                    "{} {} in {:04}-{:02} was already given in {}",
                    b.region,
                    b.sector,
                    b.month.div_euclid(12),
                    b.month.rem_euclid(12) + 1,
                    a.place
                ),
                "keep one of the two",
            ));
        }
    }
    // A cell without an observation carries nothing; one that is missing with a flag does.
    let missing = rows.iter().filter(|r| r.value.is_none()).count();
    let text = |name: &str, f: fn(&Row) -> Option<&str>| -> Column {
        Column::new(name.into(), rows.iter().map(f).collect::<Vec<_>>())
    };
    let days: Vec<i32> = rows.iter().map(|r| first_day(r.month)).collect();
    let frame = DataFrame::new_infer_height(vec![
        text(schema::REGION, |r| Some(&r.region)),
        text(schema::SECTOR, |r| Some(&r.sector)),
        Column::new(schema::MONTH.into(), days).cast(&DataType::Date)?,
        Column::new(
            schema::VALUE.into(),
            rows.iter().map(|r| r.value).collect::<Vec<_>>(),
        ),
        text(schema::FLAG, |r| r.flag.as_deref()),
        text(schema::S_ADJ, |r| r.s_adj.as_deref()),
        text(schema::UNIT, |r| r.unit.as_deref()),
    ])?;
    Ok(Index {
        format,
        frame,
        missing,
    })
}

/// Days from 1970-01-01 to the first of a month counted from year 0.
pub(super) fn first_day(month: i32) -> i32 {
    // Howard Hinnant's days_from_civil, for day 1.
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let year_of_era = y - era * 400;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl Index {
    /// How often each flag occurs.
    pub fn flags(&self) -> Result<BTreeMap<String, usize>> {
        let mut counts = BTreeMap::new();
        for flag in self.frame.column(schema::FLAG)?.str()?.iter().flatten() {
            *counts.entry(flag.to_string()).or_insert(0) += 1;
        }
        Ok(counts)
    }
}

/// Positions of named columns in a header.
pub(super) fn positions(header: &[String]) -> HashMap<String, usize> {
    header
        .iter()
        .enumerate()
        .map(|(i, h)| (h.trim().to_lowercase(), i))
        .collect()
}
