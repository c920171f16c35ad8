//! Reads a production index of any known format into the one long frame.
//!
//! `read` guesses the format and says what it took the file for; `ReadOptions.format` names it
//! instead. Every reader gives the same columns (`region, sector, month, value, flag, s_adj, unit`) and
//! refuses what would silently spoil a calibration: several adjustments, units or indicators in one
//! panel, further columns that differ between series, a month that occurs twice, annual and quarterly data, growth
//! rates, shares and capacity utilisation, and cells that are no numbers. Missing cells stay null. What may be
//! right but looks wrong (a sign, a jump, names that look alike, a total among its parts) is told in `Index.notes`.

mod bundesbank;
mod cell;
mod choice;
mod dbnomics;
mod documents;
mod eurostat_csv;
mod eurostat_tsv;
mod fred;
mod further;
mod g17;
mod generic;
mod genesis;
mod guess;
mod input;
mod insee;
mod kinds;
mod looks;
mod meti;
mod month_grid;
mod months;
mod mospi;
mod names;
mod number;
mod oecd;
mod office;
mod ons;
mod panel;
mod table;
mod totals;
mod usual;
mod vintages;
mod wide_months;
mod workbook;

pub use crate::network::Decimal;
pub use cell::DateOrder;
pub(in crate::frame) use cell::first_day;
pub(in crate::frame) use guess::words;
pub use guess::{Format, Guess};

use super::fetch::Source;
use super::schema;
use crate::error::{Error, Result};
use crate::progress::{Progress, Stoppable};
use input::Lines;
use panel::Panel;
use polars::prelude::DataFrame;
use std::collections::BTreeMap;
use std::path::Path;
use table::Table;

/// How to read a file. The default guesses the format and takes everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format; `None` guesses it from the first lines.
    pub format: Option<Format>,
    /// Seasonal adjustment to take, such as "SCA"; `None` means that there must be only one.
    pub s_adj: Option<String>,
    /// Unit to take, such as "I21"; `None` means that there must be only one.
    pub unit: Option<String>,
    /// Indicator to take, such as "PRD"; `None` means that there must be only one.
    pub indicator: Option<String>,
    /// Further columns to choose by: (column, value), such as ("price_basis", "constant"). Several values of one
    /// column are all taken, and `*` at the end of one takes all that begin so; a column that is named here may
    /// differ between series. `TableOptions.keep` does the same for long tables.
    pub keep: Vec<(String, String)>,
    /// Regions to take; empty means all. `DE*` takes all that begin with DE.
    pub regions: Vec<String>,
    /// Sectors to take; empty means all. `IP*` takes all that begin with IP.
    pub sectors: Vec<String>,
    /// Name of the region of a file that does not say it.
    pub region_name: Option<String>,
    /// Name of the sector of a file that does not say it.
    pub sector_name: Option<String>,
    /// Names of the columns of a tidy or wide file, where they are not the usual ones.
    pub columns: Columns,
    /// Order of day and month in dates such as 01/02/2020 of a tidy or wide file.
    pub date_order: Option<DateOrder>,
    /// Decimal sign, with which thousands may be separated too: by the other sign, blanks or apostrophes. `None` is the
    /// sign of the format; of a tidy or wide file a point, or, where semicolons part the fields, the one that the
    /// first cell has, and no thousands are separated.
    pub decimal: Option<Decimal>,
    /// Encoding of the text, such as "windows-1252" or "shift_jis"; `None` is UTF-8, or UTF-16 with a
    /// byte-order mark.
    pub encoding: Option<String>,
    /// Sheet of a workbook; `None` is the only one, or that of production.
    pub sheet: Option<String>,
    /// Bytes that a compressed file may unpack to: 4 GiB of gzip, 256 MiB of a workbook. Without it gzip may not unpack to
    /// 200 times its size either, beyond the first 16 MiB.
    pub max_unpacked: Option<u64>,
    /// Cells that are read at most: 100 million.
    pub max_cells: Option<usize>,
}

/// Names of columns. `None` looks for the usual names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Region; usual: region, geo, country, ref_area, location.
    pub region: Option<String>,
    /// Sector; usual: sector, nace_r2, nace, activity, industry, series.
    pub sector: Option<String>,
    /// Month; usual: month, date, time, period, time_period. Beside a column of years it may have names or numbers.
    pub month: Option<String>,
    /// Year, where months stand in a column of their own without one; usual: year.
    pub year: Option<String>,
    /// Value; usual: value, obs_value, index.
    pub value: Option<String>,
    /// Flag; usual: flag, obs_flag, obs_status.
    pub flag: Option<String>,
    /// Seasonal adjustment; usual: s_adj, adjustment.
    pub s_adj: Option<String>,
    /// Unit; usual: unit.
    pub unit: Option<String>,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Index {
    /// What the file was taken for.
    pub format: Format,
    /// Why it was.
    pub reason: String,
    /// The long frame: region, sector, month, value, flag, s_adj, unit, sorted by the first three.
    pub frame: DataFrame,
    /// Cells without a value.
    pub missing: usize,
    /// What the reader left out, and what looks wrong in what it read, with series and month: one sentence each.
    pub notes: Vec<String>,
    /// Where the data are from and under which licence; of files that were downloaded.
    pub source: Option<Source>,
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

/// Reads a file, guessing its format unless it is given.
pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Index> {
    read_with(path, options, &mut ())
}

/// Reads a file and shows how far it is, in MiB. A stop that is asked for, by the stop button too, is an
/// error: a part of a panel is no panel.
pub fn read_with(
    path: impl AsRef<Path>,
    options: &ReadOptions,
    progress: &mut dyn Progress,
) -> Result<Index> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let (file, size) = open(path)?;
    let progress = &mut Stoppable::new(progress);
    progress.start("reading", (size >> 20) as usize + 1);
    let read = index(file, options, progress).map_err(|e| e.within(&name));
    match read {
        Ok(mut index) => {
            progress.finish(&format!("{} cells", index.frame.height()));
            index.source = Source::beside(path)?;
            Ok(index)
        }
        Err(e) => {
            progress.fail(&e);
            Err(e)
        }
    }
}

/// Reads the contents of a file.
pub fn parse(bytes: &[u8], options: &ReadOptions) -> Result<Index> {
    index(bytes, options, &mut ())
}

/// What a file would be taken for, and why.
pub fn guess_format(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Guess> {
    let path = path.as_ref();
    let (file, _) = open(path)?;
    Lines::new(file, options, &mut ())
        .and_then(Table::new)
        .and_then(|table| guess::guess(&table, options))
        .map_err(|e| e.within(path.display()))
}

fn open(path: &Path) -> Result<(std::fs::File, u64)> {
    let fail = |fact: String, remedy| Error::new(path.display().to_string(), fact, remedy);
    let opened = std::fs::File::open(path).and_then(|f| Ok((f.metadata()?, f)));
    match opened {
        Ok((meta, _)) if meta.is_dir() => Err(fail(
            "it is a folder".into(),
            "give the path of a file in it",
        )),
        Ok((meta, file)) => Ok((file, meta.len())),
        Err(e) => Err(fail(format!("it cannot be read: {e}"), "check the path")),
    }
}

fn index(
    raw: impl std::io::Read,
    options: &ReadOptions,
    progress: &mut dyn Progress,
) -> Result<Index> {
    let lines = Lines::new(raw, options, progress)?;
    let sheet = lines.sheet.clone();
    let read = read_table(lines, options);
    match sheet {
        Some(name) => read.map_err(|e| e.within(format!("sheet {name:?}"))),
        None => read,
    }
}

fn read_table(lines: Lines<'_>, options: &ReadOptions) -> Result<Index> {
    let mut table = Table::new(lines)?;
    let Guess { format, reason } = guess::guess(&table, options)?;
    let mut panel = Panel::new(options);
    let read = match format {
        Format::EurostatCsv => eurostat_csv::read,
        Format::EurostatTsv => eurostat_tsv::read,
        Format::FredSeries => fred::read_series,
        Format::FredMd => fred::read_md,
        Format::G17 => g17::read,
        Format::InseeWide => insee::read_wide,
        Format::InseeSeries => insee::read_series,
        Format::Meti => meti::read,
        Format::Bundesbank => bundesbank::read,
        Format::Mospi => mospi::read,
        Format::OecdCsv => oecd::read_csv,
        Format::OecdStat => oecd::read_stat,
        Format::Tidy => generic::read_tidy,
        Format::WideRegions => generic::read_wide_regions,
        Format::WideSectors => generic::read_wide_sectors,
        Format::WideMonths => wide_months::read,
        Format::MonthGrid => month_grid::read,
        Format::OnsSeries => ons::read,
        Format::Genesis => genesis::read,
        Format::Dbnomics => dbnomics::read,
    };
    let generic = options.format.is_none()
        && matches!(
            format,
            Format::Tidy | Format::WideRegions | Format::WideSectors | Format::WideMonths
        );
    let head = table.head().to_vec();
    read(&mut table, options, &mut panel).map_err(|mut e| {
        // A file of a known office that does not read by itself is told how it does.
        let layout = !e.fact.contains("not an index") && !e.fact.contains("mixes");
        if generic
            && layout
            && let Some((office, call)) = office::hint(&head)
        {
            e.remedy += &format!("; the file looks like one of {office}: {call}");
        }
        e
    })?;
    let mut index = panel.finish(format, reason)?;
    if let Some(line) = table.unended() {
        index.notes.push(format!(
            "the last line, {line}, has no line end: the file may be cut off inside it"
        ));
    }
    Ok(index)
}
