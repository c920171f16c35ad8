//! Which format a file has, by its first lines.

use super::cell::{dated_month, month, shown};
use super::generic::{self, FLAG, MONTH, REGION, SECTOR, VALUE, YEAR};
use super::months::spelled;
use super::table::Table;
use super::{
    DateOrder, ReadOptions, bundesbank, dbnomics, documents, g17, genesis, insee, meti, month_grid,
    mospi, office, ons, vintages, wide_months,
};
use crate::error::{Error, Result};

/// A source format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Eurostat SDMX-CSV: one row an observation; codes or labels.
    EurostatCsv,
    /// Eurostat TSV, current or legacy, or resaved as CSV: one row a series, one column a month.
    EurostatTsv,
    /// FRED: dates in the first column, one column a series.
    FredSeries,
    /// FRED-MD: `sasdate`, and a second line of transformations.
    FredMd,
    /// Federal Reserve, G.17 data download, series in rows or in columns.
    G17,
    /// INSEE, wide: `date;RF0610;…`.
    InseeWide,
    /// INSEE, one series of the BDM with its preamble.
    InseeSeries,
    /// METI (Japan): industries in rows, months YYYYMM in columns.
    Meti,
    /// Bundesbank: `;`, decimal comma, a preamble below the codes.
    Bundesbank,
    /// India, MOSPI: a preamble, a `Weight` line, months `Apr'05`, then years.
    Mospi,
    /// OECD SDMX-CSV of the Data Explorer.
    OecdCsv,
    /// OECD.Stat CSV.
    OecdStat,
    /// Any file with one row an observation; `ReadOptions.columns` names its columns.
    Tidy,
    /// Any file with months in rows and one column a region.
    WideRegions,
    /// Any file with months in rows and one column a sector.
    WideSectors,
    /// Any file with one row a series and one column a month.
    WideMonths,
    /// Any file with one row a year and twelve columns of months.
    MonthGrid,
    /// ONS (United Kingdom): lines of facts, then years, quarters and months in one column.
    OnsSeries,
    /// Destatis, table of GENESIS-Online: titles, year and month in two columns.
    Genesis,
    /// DBnomics: months in rows, series with their codes in brackets.
    Dbnomics,
}

impl Format {
    /// The name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Format::EurostatCsv => "Eurostat SDMX-CSV",
            Format::EurostatTsv => "Eurostat TSV",
            Format::FredSeries => "FRED series",
            Format::FredMd => "FRED-MD",
            Format::G17 => "Federal Reserve G.17",
            Format::InseeWide => "INSEE wide",
            Format::InseeSeries => "INSEE BDM series",
            Format::Meti => "METI",
            Format::Bundesbank => "Bundesbank",
            Format::Mospi => "India MOSPI",
            Format::OecdCsv => "OECD SDMX-CSV",
            Format::OecdStat => "OECD.Stat CSV",
            Format::Tidy => "tidy table",
            Format::WideRegions => "wide table of regions",
            Format::WideSectors => "wide table of sectors",
            Format::WideMonths => "wide table of months",
            Format::MonthGrid => "table of years by months",
            Format::OnsSeries => "ONS series",
            Format::Genesis => "Destatis GENESIS table",
            Format::Dbnomics => "DBnomics",
        }
    }
}

/// What a file is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guess {
    /// The format.
    pub format: Format,
    /// Why.
    pub reason: String,
}

pub(super) fn guess(table: &Table<'_>, options: &ReadOptions) -> Result<Guess> {
    documents::refuse(&table.head().join(" "))?;
    if let Some(format) = options.format {
        return Ok(said(format, "ReadOptions.format says so"));
    }
    let rows = table.head_records();
    let header: &[String] = rows
        .iter()
        .find(|r| r.iter().any(|f| !f.is_empty()))
        .map_or(&[], |r| r);
    if header.is_empty() {
        return Err(match table.sheet() {
            Some(_) => Error::new("", "it is empty", "choose another with ReadOptions.sheet"),
            None => Error::new(
                "",
                "its first lines hold no text",
                "download the file again",
            ),
        });
    }
    if let Some(guess) = by_header(table, &rows, header) {
        return Ok(guess);
    }
    // Titles above the header of other tables have text in their first field only.
    let titles = rows
        .iter()
        .position(|r| r.iter().skip(1).any(|f| !f.is_empty()))
        .unwrap_or(0);
    let line = table
        .head()
        .iter()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
        .nth(titles)
        .map_or(1, |(k, _)| k + 1);
    let rows = &rows[titles..];
    match by_shape(rows, line, options)? {
        Some(guess) => Ok(guess),
        None => Err(refusal(table, rows, line)),
    }
}

/// A guess, and why.
fn said(format: Format, reason: &str) -> Guess {
    Guess {
        format,
        reason: reason.into(),
    }
}

/// What the header is that of: the offices' own layouts, each told by what no other has.
///
/// Long: a question a format, and which is asked first decides.
fn by_header(table: &Table<'_>, rows: &[Vec<String>], header: &[String]) -> Option<Guess> {
    let yes = |format, reason: &str| Some(said(format, reason));
    let has = |name: &str| header.iter().any(|f| f == name);
    let has_any = |names: &[&str]| {
        header
            .iter()
            .any(|f| names.iter().any(|n| f.eq_ignore_ascii_case(n)))
    };
    let first = header.first().map_or("", String::as_str);
    if first.contains('\\') {
        return yes(
            Format::EurostatTsv,
            "the first field names dimensions, a backslash and time",
        );
    }
    if has("LOCATION") && has("TIME") && has("Value") {
        return yes(
            Format::OecdStat,
            "it has the columns LOCATION, TIME and Value",
        );
    }
    let starts = |name: &str| header.iter().any(|f| f.split(':').next() == Some(name));
    if starts("REF_AREA") && starts("TIME_PERIOD") && starts("OBS_VALUE") {
        return yes(
            Format::OecdCsv,
            "it has the columns REF_AREA, TIME_PERIOD and OBS_VALUE",
        );
    }
    if has("ITTER107") && has("TIME") && has("Value") {
        return yes(
            Format::OecdStat,
            "it has ISTAT's columns ITTER107, TIME and Value",
        );
    }
    if starts("TIME_PERIOD")
        && starts("OBS_VALUE")
        && ["geo", "nace_r2", "nace", "indic_bt"]
            .into_iter()
            .any(starts)
    {
        return yes(
            Format::EurostatCsv,
            "it has the columns TIME_PERIOD and OBS_VALUE",
        );
    }
    if first == "sasdate" {
        return yes(Format::FredMd, "the first column is `sasdate`");
    }
    if g17::is_header(rows) {
        return yes(
            Format::G17,
            "its labels are Descriptions, Unit, Multiplier and Series Name",
        );
    }
    if insee::is_series(rows) {
        return yes(
            Format::InseeSeries,
            "it begins with a title, an idBank and a date",
        );
    }
    if first.eq_ignore_ascii_case("date")
        && header.len() > 1
        && header[1..].iter().all(|f| insee::is_code(f))
    {
        return yes(Format::InseeWide, "its columns are `date` and RF codes");
    }
    let comma = table.delimiter == b',';
    let begins = rows
        .get(1)
        .and_then(|r| r.first())
        .is_none_or(|f| f.is_empty() || f.starts_with(|c: char| c.is_ascii_digit()));
    if matches!(first, "DATE" | "observation_date") && header.len() > 1 && begins {
        return yes(
            Format::FredSeries,
            "the first column is DATE or observation_date",
        );
    }
    let plain = rows
        .get(1)
        .and_then(|r| r.first())
        .is_none_or(|f| dated_month(f, None).is_ok());
    if first == "date" && header.len() == 2 && header[1] == "value" && comma && plain {
        return yes(Format::FredSeries, "its columns are `date` and `value`");
    }
    if bundesbank::is_header(rows) && table.delimiter == b';' {
        return yes(
            Format::Bundesbank,
            "codes, a preamble and months are parted by semicolons",
        );
    }
    if mospi::is_preamble(rows) {
        return yes(
            Format::Mospi,
            "there is a `Weight` line above months such as Apr'05",
        );
    }
    let tidy_labels = has_any(REGION) || has_any(&["sector"]);
    if meti::header(rows).is_some() && !tidy_labels {
        return yes(
            Format::Meti,
            "a row of its first has months YYYYMM after labels",
        );
    }
    if ons::is_header(rows) {
        return yes(Format::OnsSeries, "its first lines are Title and CDID");
    }
    if genesis::is_header(rows) {
        return yes(
            Format::Genesis,
            "it begins with a title of GENESIS, and years stand beside months",
        );
    }
    if dbnomics::is_header(header) {
        return yes(
            Format::Dbnomics,
            "its columns end in codes such as (Eurostat/sts_inpr_m/M.PRD.C)",
        );
    }
    None
}

/// What the shape of a table says where its header is of nobody: tidy, or wide in one direction.
fn by_shape(rows: &[Vec<String>], line: usize, options: &ReadOptions) -> Result<Option<Guess>> {
    let yes = |format, reason: &str| Ok(Some(said(format, reason)));
    let header: &[String] = rows.first().map_or(&[], |r| r);
    let first = header.first().map_or("", String::as_str);
    let has_any = |names: &[&str]| {
        header
            .iter()
            .any(|f| names.iter().any(|n| f.eq_ignore_ascii_case(n)))
    };
    let dated = |k: usize| {
        let first = rows.get(k).and_then(|r| r.first());
        first.is_some_and(|f| {
            spelled(f, Some(DateOrder::DayFirst)).is_ok()
                || spelled(f, Some(DateOrder::MonthFirst)).is_ok()
        })
    };
    let named = &options.columns;
    let tidy_value = named.value.is_some() || has_any(VALUE);
    let tidy_when = named.month.is_some() || has_any(MONTH);
    let tidy_name = named.region.is_some()
        || named.sector.is_some()
        || has_any(REGION)
        || has_any(SECTOR)
        || header.iter().any(|f| generic::is_classification(f));
    let years = named.year.is_some() || has_any(YEAR) || has_any(&["quarter", "qtr"]);
    let alone = header.len() == 2 || header.len() == 3 && first.is_empty();
    if tidy_value && (tidy_when || years) && (tidy_name || alone) {
        return yes(Format::Tidy, "it has a column of months and one of values");
    }
    month_grid::refuse_quarters(header, line)?;
    if month_grid::is_header(header) && !dated(1) {
        return yes(
            Format::MonthGrid,
            "it has a column of years and twelve of months",
        );
    }
    let months_in_rows = header.len() > 1 && dated(1);
    if months_in_rows {
        // Months in both directions: publication days stand above the columns.
        let names: Vec<&str> = header[1..].iter().map(String::as_str).collect();
        if options.sectors.is_empty() {
            vintages::refuse(&names, line)?;
        }
    } else if header.iter().filter(|f| month(f).is_ok()).count() > 1 {
        return yes(Format::WideMonths, "its columns are months");
    } else if wide_months::header(rows).is_some() {
        return yes(
            Format::WideMonths,
            "a row of its first has months after labels",
        );
    }
    let lone = tidy_value && tidy_when && header.iter().all(|f| !f.is_empty());
    let figures = |f: &String| f.replace(',', ".").parse::<f64>().is_ok();
    let mostly_text = rows
        .get(1)
        .is_some_and(|r| r.iter().filter(|f| figures(f)).count() * 2 < r.len());
    if lone && mostly_text && !has_any(FLAG) {
        return yes(Format::Tidy, "it has a column of months and one of values");
    }
    if months_in_rows && (tidy_when || first.is_empty() || has_any(YEAR)) {
        return if header[1..].iter().all(|f| f.is_empty() || is_geo(f)) {
            yes(
                Format::WideRegions,
                "months are in the first column, and the others have codes of countries",
            )
        } else {
            yes(
                Format::WideSectors,
                "months are in the first column, and the others have names",
            )
        };
    }
    Ok(None)
}

/// Why a table is of no format.
fn refusal(table: &Table<'_>, rows: &[Vec<String>], line: usize) -> Error {
    let header: &[String] = rows.first().map_or(&[], |r| r);
    let start = table
        .head()
        .iter()
        .find(|l| !l.trim().is_empty())
        .map_or("", String::as_str);
    let error = unknown(table, start);
    // A column that is named after time, but whose cells are no months: the spelling is told.
    let time = header
        .iter()
        .position(|f| MONTH.iter().any(|m| f.eq_ignore_ascii_case(m)));
    let cell = time.zip(rows.iter().skip_while(|r| *r != header).nth(1));
    if let Some((k, row)) = cell
        && let Some(text) = row.get(k).filter(|t| !t.is_empty())
        && let Err(fault) = spelled(text, Some(DateOrder::DayFirst))
    {
        let fault = fault.at(format!("line {}, column `{}`", line + 1, header[k]));
        return Error::new(
            fault.place,
            fault.fact,
            format!("{}; {}", fault.remedy, error.remedy),
        );
    }
    error
}

/// The refusal of a layout that is not known.
fn unknown(table: &Table<'_>, start: &str) -> Error {
    let fact = format!("the header {} is of no known format", shown(start));
    if let Some((office, call)) = office::hint(table.head()) {
        return Error::new(
            "line 1",
            format!("{fact}, but looks like a file of {office}"),
            format!(
                "name its columns: ReadOptions {{ format: Some(Format::Tidy), .. }} with {call}"
            ),
        );
    }
    Error::new(
        "line 1",
        fact,
        "known are Eurostat SDMX-CSV and TSV, FRED, FRED-MD, G.17, INSEE, METI, Bundesbank, MOSPI, OECD, ECB, ISTAT, ONS, GENESIS, SIDRA, DBnomics, and tidy or wide tables; name yours with ReadOptions { format: Some(…) }, and its columns with `columns`",
    )
}

/// BE, EL, EA20, EU27_2020 as Eurostat writes them.
pub(super) fn is_geo(code: &str) -> bool {
    let (letters, rest) = code.split_at_checked(2).unwrap_or(("", ""));
    letters.len() == 2
        && letters.bytes().all(|b| b.is_ascii_uppercase())
        && (rest.is_empty()
            || matches!(letters, "EA" | "EU")
                && rest.bytes().all(|b| b.is_ascii_digit() || b == b'_'))
}

/// The text of an XML or HTML document, its beginning.
pub(in crate::frame) fn words(text: &str) -> String {
    let mut plain = String::new();
    for (k, part) in text.split('<').enumerate() {
        let outside = match part.split_once('>') {
            Some((_, rest)) if k > 0 => rest,
            _ if k == 0 => part,
            _ => "",
        };
        plain.push_str(outside);
        plain.push(' ');
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(160).collect()
}
