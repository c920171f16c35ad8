//! Tables of no particular source: tidy, or wide with regions or sectors in columns.

use super::ReadOptions;
use super::cell::{Decimal, Fault, shown, were};
use super::choice::is_wanted;
use super::eurostat_csv::monthly;
use super::further::Further;
use super::months::{Days, named, plain};
use super::number::Sign;
use super::panel::{Cell, Panel};
use super::table::{Header, Record, Table, bare};
pub(super) use super::usual::{FLAG, MISSING, MONTH, REGION, S_ADJ, SECTOR, UNIT, VALUE, YEAR};
use super::{kinds, vintages};
use crate::error::{Error, Result};

/// The column that was named, which must be there, or one with a usual name.
pub(super) fn column(
    header: &Header,
    named: &Option<String>,
    usual: &[&str],
) -> Result<Option<usize>> {
    match named {
        Some(name) => header.need(&[name]).map(Some),
        None => Ok(header.find(usual)),
    }
}

/// The column of sectors: the one that was named, one with a usual name, or the classification of an office.
pub(super) fn sector_column(header: &Header, options: &ReadOptions) -> Result<Option<usize>> {
    let found = column(header, &options.columns.sector, SECTOR)?;
    Ok(found.or_else(|| header.names.iter().position(|n| is_classification(n))))
}

/// Statistics Canada's NAICS, and the codes C02076V02508 of the Irish office.
pub(super) fn is_classification(name: &str) -> bool {
    let digits = |t: &str| t.len() == 5 && t.bytes().all(|b| b.is_ascii_digit());
    let irish = name
        .strip_prefix('C')
        .and_then(|rest| rest.split_once('V'))
        .is_some_and(|(a, b)| digits(a) && digits(b));
    irish || name.contains("(NAICS)") || name.contains("(산업") || name.starts_with("산업별")
}

/// The header, below titles that the table may have above it.
pub(super) fn header(table: &mut Table<'_>, panel: &mut Panel<'_>) -> Result<Header> {
    let (header, titles) = table.header_below()?;
    if !titles.is_empty() {
        if let Some(note) = kinds::judge_titles(&titles.join("\n"), header.line)? {
            panel.note(note);
        }
        panel.note(format!(
            "{} left out above the header, line {}",
            were(titles.len(), "line"),
            header.line
        ));
    }
    Ok(header)
}

pub(super) fn sign(table: &Table<'_>, options: &ReadOptions) -> Sign {
    let usual = (table.delimiter != b';').then_some(Decimal::Point);
    Sign::new(options, usual)
}

/// Where the months of a tidy table stand.
struct Time {
    month: usize,
    /// The column of years, where months have none.
    year: Option<usize>,
}

impl Time {
    fn new(header: &Header, options: &ReadOptions) -> Result<Self> {
        let own = &options.columns;
        let year = column(header, &own.year, YEAR)?;
        let month = match column(header, &own.month, MONTH)? {
            Some(k) => k,
            None => {
                let quarter = header.find(&["quarter", "qtr", "quartal", "trimestre"]);
                if let Some(k) = quarter.or(year) {
                    return Err(Error::new(
                        format!("line {}, column `{}`", header.line, header.names[k]),
                        "there is no column of months, so the data look quarterly or annual",
                        "take monthly data, or name the column with ReadOptions.columns.month",
                    ));
                }
                header.need(MONTH)?
            }
        };
        Ok(Self {
            month,
            year: year.filter(|k| *k != month),
        })
    }

    /// The month of a row, and the column to blame.
    fn read<'r>(
        &self,
        days: &mut Days,
        options: &ReadOptions,
        get: impl Fn(usize) -> &'r str,
    ) -> std::result::Result<i32, (Fault, usize)> {
        let text = get(self.month);
        let whole = |t: &'r str| t.strip_suffix(".0").unwrap_or(t);
        if let Some(k) = self.year {
            let number = whole(text)
                .parse::<i32>()
                .ok()
                .filter(|m| (1..=12).contains(m));
            if let Some(month) = number.map(|m| m - 1).or_else(|| named(text)) {
                return year(whole(get(k)))
                    .map(|y| y * 12 + month)
                    .map_err(|f| (f, k));
            }
        }
        days.month(text, options.date_order)
            .map_err(|f| (f, self.month))
    }
}

/// A year of four digits.
pub(super) fn year(text: &str) -> std::result::Result<i32, Fault> {
    let number = text
        .parse::<i32>()
        .ok()
        .filter(|y| *y > 0 && text.len() == 4);
    number.ok_or_else(|| {
        Fault::new(
            format!("{} is not a year", shown(text)),
            "write it with four digits; months of financial years are not read, as it is not said which year they are in",
        )
    })
}

/// The columns of a tidy table.
struct Tidy {
    both: bool,
    time: Time,
    region: Option<usize>,
    sector: Option<usize>,
    value: usize,
    flag: Option<usize>,
    s_adj: Option<usize>,
    unit: Option<usize>,
    frequency: Option<usize>,
}

impl Tidy {
    fn new(header: &mut Header, options: &ReadOptions) -> Result<Self> {
        let both = header.without_labels();
        let own = &options.columns;
        let time = Time::new(header, options)?;
        let region = column(header, &own.region, REGION)?;
        let sector = sector_column(header, options)?;
        // Without a usual name, the one column that is left over has the values.
        let value = match column(header, &own.value, VALUE)? {
            Some(k) => k,
            None if header.len() == 2 && region.is_none() && sector.is_none() => {
                1 - time.month.min(1)
            }
            None => header.need(VALUE)?,
        };
        Ok(Self {
            both,
            time,
            region,
            sector,
            value,
            flag: column(header, &own.flag, FLAG)?,
            s_adj: column(header, &own.s_adj, S_ADJ)?,
            unit: column(header, &own.unit, UNIT)?,
            frequency: header.find(&["freq", "frequency"]),
        })
    }

    fn further(&self, header: &Header, options: &ReadOptions) -> Result<Further> {
        let used = [
            Some(self.time.month),
            self.time.year,
            self.region,
            self.sector,
            Some(self.value),
            self.flag,
            self.s_adj,
            self.unit,
            self.frequency,
        ];
        Further::new(&header.names, &used, &[self.region, self.sector], options)
    }
}

pub(super) fn read_tidy(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let mut sign = sign(table, options);
    let mut header = header(table, panel)?;
    let at = Tidy::new(&mut header, options)?;
    let further = at.further(&header, options)?;
    panel.watch(&further);
    if let Some(k) = at.unit {
        panel.titles[1].clone_from(&header.names[k]);
    }
    let width = header.len();
    let mut days = Days::default();
    while let Some(row) = table.data_row(width)? {
        let get = |k: usize| bare(row.get(k), at.both);
        if !panel.takes(&further, row.line, get, || {
            let month = at.time.read(&mut Days::default(), options, get).ok();
            (at.region.map_or("", get), at.sector.map_or("", get), month)
        }) {
            continue;
        }
        row_of(&header, &at, row, options, &mut sign, &mut days)
            .and_then(|cell| panel.push_row(cell, &further, get))?;
    }
    sign.check(panel)?;
    end(table, panel);
    Ok(())
}

/// Notes on what stands below the table.
pub(super) fn end(table: &Table<'_>, panel: &mut Panel<'_>) {
    if let Some(note) = table.footer_note() {
        panel.note(note);
    }
}

fn row_of<'r>(
    header: &Header,
    at: &Tidy,
    row: &'r Record,
    options: &'r ReadOptions,
    sign: &mut Sign,
    days: &mut Days,
) -> Result<Cell<'r>> {
    let get = |k: usize| bare(row.get(k), at.both);
    let option = |k: Option<usize>| k.map_or("", get);
    let name = |k: Option<usize>, given: &str, fixed: &'r Option<String>| -> Result<&'r str> {
        match (k, fixed) {
            (Some(k), _) if row.get(k).is_empty() => Err(Error::new(
                header.place(row.line, k),
                format!("the {given} is empty"),
                "fill it, or leave the row out",
            )),
            (Some(k), _) => Ok(get(k)),
            (None, fixed) => Ok(fixed.as_deref().unwrap_or_default()),
        }
    };
    if let Some(k) = at.frequency {
        monthly(row.get(k)).map_err(|f| f.at(header.place(row.line, k)))?;
    }
    let flag = option(at.flag);
    if let Some(k) = at.flag
        && flag.contains(['.', ','])
        && flag.replace(',', ".").parse::<f64>().is_ok()
    {
        return Err(Error::new(
            header.place(row.line, k),
            format!("{} is a number, not a flag", shown(flag)),
            "the cells of the line may be shifted; correct it, or name the column with ReadOptions.columns.flag",
        ));
    }
    Ok(Cell {
        line: row.line,
        region: name(at.region, "region", &options.region_name)?,
        sector: name(at.sector, "sector", &options.sector_name)?,
        month: at
            .time
            .read(days, options, get)
            .map_err(|(f, k)| f.at(header.place(row.line, k)))?,
        value: sign
            .number(row.get(at.value), MISSING)
            .map_err(|f| f.at(header.place(row.line, at.value)))?,
        flag,
        s_adj: option(at.s_adj),
        unit: option(at.unit),
        indicator: "",
    })
}

pub(super) fn read_wide_regions(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let sector = options.sector_name.as_deref().unwrap_or_default();
    let wanted = |name: &str| is_wanted(&options.regions, name);
    wide(table, options, panel, &wanted, Fixed::Sector(sector))
}

pub(super) fn read_wide_sectors(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let region = options.region_name.as_deref().unwrap_or_default();
    let wanted = |name: &str| is_wanted(&options.sectors, name);
    wide(table, options, panel, &wanted, Fixed::Region(region))
}

/// What all columns have in common; their names are the other.
enum Fixed<'a> {
    Region(&'a str),
    Sector(&'a str),
}

/// Months in the column that is named or the first, one column a series.
fn wide(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
    wanted: &dyn Fn(&str) -> bool,
    fixed: Fixed<'_>,
) -> Result<()> {
    let mut sign = sign(table, options);
    let header = header(table, panel)?;
    let time = column(&header, &options.columns.month, MONTH)?.unwrap_or(0);
    let width = header.len();
    let mut taken = Vec::new();
    for (k, name) in header.names[..width].iter().enumerate() {
        if k == time {
            continue;
        }
        if name.is_empty() {
            return Err(Error::new(
                format!("line {}, column {}", header.line, k + 1),
                "the column has no name",
                "name it, or take it out",
            ));
        }
        if wanted(name) {
            kinds::refuse_label(name, || format!("line {}, column {}", header.line, k + 1))?;
            taken.push(name.as_str());
        }
    }
    vintages::refuse(&taken, header.line)?;
    let mut days = Days::default();
    while let Some(row) = table.data_row(width)? {
        let month = days
            .month(row.get(time), options.date_order)
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
            let (region, sector) = match fixed {
                Fixed::Region(region) => (region, name.as_str()),
                Fixed::Sector(sector) => (name.as_str(), sector),
            };
            panel.push(Cell {
                line: row.line,
                region,
                sector,
                month,
                value,
                ..Cell::default()
            })?;
        }
    }
    sign.check(panel)?;
    end(table, panel);
    Ok(())
}

/// True of the name of a column of years.
pub(super) fn is_year(name: &str) -> bool {
    YEAR.iter().any(|y| plain(name) == plain(y))
}
