//! DBnomics: months in rows, one column a series, whose name ends in its code, as in `… (Eurostat/sts_inpr_m/M.PRD.C.SCA.I21.DE)`.

use super::ReadOptions;
use super::cell::Decimal;
use super::choice::is_wanted;
use super::guess::is_geo;
use super::kinds;
use super::months::Days;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::Table;
use crate::error::{Error, Result};

const MISSING: &[&str] = &["NA", "NaN", "."];

/// Data set and code of a series, from the end of its name.
fn code(name: &str) -> Option<(&str, &str)> {
    let inside = name.strip_suffix(')')?.rsplit_once('(')?.1;
    let (set, code) = inside.rsplit_once('/')?;
    (set.contains('/') && !inside.contains(' ')).then_some((set, code))
}

/// True where months stand beside columns with codes of DBnomics.
pub(super) fn is_header(names: &[String]) -> bool {
    names.len() > 1
        && names[0].eq_ignore_ascii_case("period")
        && names[1..].iter().all(|n| n.is_empty() || code(n).is_some())
}

#[derive(Default)]
struct Series {
    column: usize,
    set: String,
    region: String,
    sector: String,
    s_adj: String,
    unit: String,
    /// What else the code says.
    rest: String,
    wanted: bool,
}

fn is_adjustment(part: &str) -> bool {
    matches!(
        part,
        "SCA" | "NSA" | "SA" | "CA" | "Y" | "N" | "S" | "W" | "T" | "WDA" | "SWDA"
    )
}

fn is_unit(part: &str) -> bool {
    let base = part
        .strip_prefix('I')
        .is_some_and(|y| (2..=4).contains(&y.len()) && y.bytes().all(|b| b.is_ascii_digit()));
    base || matches!(part, "IX" | "IDX" | "INX" | "PURE_NUMB")
        || kinds::code(part).is_some() && part.len() > 1
}

/// Places of a code's parts.
#[derive(Default)]
struct Roles {
    frequency: Option<usize>,
    region: Option<usize>,
    s_adj: Option<usize>,
    unit: Option<usize>,
    sector: Option<usize>,
}

/// What the parts of all codes are; those of the sectors are the first that are none of the others and look like
/// a code of an activity, or that differ.
fn roles(parts: &[Vec<&str>]) -> Roles {
    let width = parts[0].len();
    let all = |k: usize, test: &dyn Fn(&str) -> bool| parts.iter().all(|p| test(p[k]));
    let mut found = Roles {
        frequency: (0..width)
            .find(|k| all(*k, &|t| matches!(t, "M" | "Q" | "A" | "W" | "D" | "S"))),
        ..Roles::default()
    };
    let taken = |found: &Roles, k: usize| {
        [
            found.frequency,
            found.region,
            found.s_adj,
            found.unit,
            found.sector,
        ]
        .contains(&Some(k))
    };
    found.unit = (0..width).find(|k| !taken(&found, *k) && all(*k, &is_unit));
    found.s_adj = (0..width).find(|k| !taken(&found, *k) && all(*k, &is_adjustment));
    let area = |t: &str| is_geo(t) || t.len() == 3 && t.bytes().all(|b| b.is_ascii_uppercase());
    found.region = (0..width)
        .rev()
        .find(|k| !taken(&found, *k) && all(*k, &|t| is_geo(t)));
    if found.region.is_none() {
        found.region = (0..width)
            .rev()
            .find(|k| !taken(&found, *k) && all(*k, &area));
    }
    let activity = |t: &str| {
        t.starts_with(|c: char| c.is_ascii_uppercase())
            && (t.len() == 1
                || t.as_bytes()[1..]
                    .iter()
                    .all(|b| b.is_ascii_digit() || b"-_".contains(b) || b.is_ascii_uppercase()))
            && (t.len() == 1 || t.bytes().any(|b| b.is_ascii_digit() || b == b'-'))
    };
    found.sector = (0..width)
        .find(|k| !taken(&found, *k) && all(*k, &activity))
        .or_else(|| {
            (0..width).find(|k| !taken(&found, *k) && parts.iter().any(|p| p[*k] != parts[0][*k]))
        });
    found
}

fn series(names: &[String], options: &ReadOptions) -> Vec<Series> {
    let codes: Vec<(usize, &str, &str)> = names
        .iter()
        .enumerate()
        .skip(1)
        .filter_map(|(k, n)| code(n).map(|(set, code)| (k, set, code)))
        .collect();
    let parts: Vec<Vec<&str>> = codes.iter().map(|c| c.2.split('.').collect()).collect();
    let alike = !parts.is_empty()
        && parts
            .iter()
            .all(|p: &Vec<&str>| p.len() == parts[0].len() && p.len() > 2);
    let roles = if alike {
        roles(&parts)
    } else {
        Roles::default()
    };
    codes
        .iter()
        .zip(&parts)
        .map(|((column, set, code), parts)| {
            let get = |k: Option<usize>| k.map_or(String::new(), |k| parts[k].to_string());
            let used = [roles.region, roles.sector, roles.s_adj, roles.unit];
            let rest: Vec<&str> = (0..parts.len())
                .filter(|k| alike && !used.contains(&Some(*k)))
                .map(|k| parts[k])
                .collect();
            let sector = match roles.sector {
                Some(k) => parts[k].to_string(),
                None if alike => String::new(),
                None => code.to_string(),
            };
            let region = match roles.region {
                Some(k) => parts[k].to_string(),
                None => options.region_name.clone().unwrap_or_default(),
            };
            Series {
                wanted: is_wanted(&options.regions, &region)
                    && is_wanted(&options.sectors, &sector),
                column: *column,
                set: set.to_string(),
                region,
                sector,
                s_adj: get(roles.s_adj),
                unit: get(roles.unit),
                rest: rest.join("."),
            }
        })
        .collect()
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let header = table.header()?;
    let all = series(&header.names, options);
    if all.is_empty() {
        return Err(Error::new(
            format!("line {}", header.line),
            "no column has a code such as (Eurostat/sts_inpr_m/M.PRD.C.SCA.I21.DE) at its end",
            "name the format with ReadOptions.format",
        ));
    }
    for s in all.iter().filter(|s| s.wanted) {
        let place = || format!("line {}, column {}", header.line, s.column + 1);
        let title = header.names[s.column].rsplit_once('(').map_or("", |t| t.0);
        let asked = options.unit.as_ref().is_none_or(|u| *u == s.unit);
        if asked {
            kinds::refuse_label(title, place)?;
        }
        if let Some(long) = ["Q", "A", "W", "D"]
            .iter()
            .find(|f| s.rest.split('.').next() == Some(f))
        {
            return Err(Error::new(
                place(),
                format!("the frequency of the series is {long:?}, not monthly"),
                "leave the series out with ReadOptions.regions or sectors, or take monthly ones",
            ));
        }
    }
    let marks = Marks::new(options, Decimal::Point);
    let width = header.len();
    let mut days = Days::default();
    while let Some(row) = table.row(width)? {
        let month = days
            .month(row.get(0), options.date_order)
            .map_err(|f| f.at(header.place(row.line, 0)))?;
        for s in &all {
            panel.push(Cell {
                line: row.line,
                region: &s.region,
                sector: &s.sector,
                month,
                value: marks
                    .number(row.get(s.column), MISSING)
                    .map_err(|f| f.at(header.place(row.line, s.column)))?,
                s_adj: &s.s_adj,
                unit: &s.unit,
                indicator: &format!("{} {}", s.set, s.rest),
                ..Cell::default()
            })?;
        }
    }
    Ok(())
}
