//! INSEE: the wide table of NAF codes, and single series of the BDM.

use super::ReadOptions;
use super::cell::{DateOrder, Decimal, dated_month, month};
use super::choice::refuse_utilisation;
use super::kinds;
use super::number::{Marks, Sign};
use super::panel::{Cell, Panel};
use super::table::Table;
use crate::error::{Error, Result};

/// RF and a NAF code, as in RF0610.
pub(super) fn is_code(name: &str) -> bool {
    name.strip_prefix("RF")
        .is_some_and(|c| (1..=5).contains(&c.len()) && c.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// `date;RF0610;…`: dates dd/mm/yyyy, decimal point.
pub(super) fn read_wide(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let header = table.header()?;
    let date = header.need(&["date"])?;
    let columns = header.len();
    let region = options.region_name.as_deref().unwrap_or("FR");
    let marks = Marks::new(options, Decimal::Point);
    while let Some(row) = table.row(columns)? {
        let month = dated_month(row.get(date), Some(DateOrder::DayFirst))
            .map_err(|f| f.at(header.place(row.line, date)))?;
        for (k, name) in header.names.iter().enumerate() {
            if k == date || name.is_empty() {
                continue;
            }
            panel.push(Cell {
                line: row.line,
                region,
                sector: name,
                month,
                value: marks
                    .number(row.get(k), &["."])
                    .map_err(|f| f.at(header.place(row.line, k)))?,
                ..Cell::default()
            })?;
        }
    }
    Ok(())
}

/// True where the first lines are a title, `idBank` and a date.
pub(super) fn is_series(rows: &[Vec<String>]) -> bool {
    rows.iter()
        .take(4)
        .any(|r| r.first().is_some_and(|f| f.eq_ignore_ascii_case("idBank")))
}

/// A preamble of some lines, then `"2026-02";"99.48";"A"`, the newest or the oldest first.
pub(super) fn read_series(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let (mut title, mut code) = (String::new(), String::new());
    let mut sign = Sign::new(options, None);
    let mut begun = false;
    while let Some(row) = table.next()? {
        let (when, value) = (row.get(0), row.get(1));
        let looks_like_data = when.starts_with(|c: char| c.is_ascii_digit());
        if !begun && !looks_like_data {
            if row.line == 1 || when.to_lowercase().starts_with("libell") {
                title = value.into();
            } else if when.eq_ignore_ascii_case("idBank") {
                code = value.into();
            }
            continue;
        }
        if !begun {
            begun = true;
            refuse_utilisation(&title, || "line 1".into())?;
            kinds::refuse_label(&title, || "line 1".into())?;
            if code.is_empty() {
                return Err(Error::new(
                    format!("line {}", row.line),
                    "months begin before a line `idBank` with the number of the series",
                    "download the series with its preamble, or read it as Format::Tidy",
                ));
            }
        }
        if row.len() > 3 && (3..row.len()).any(|k| !row.get(k).is_empty()) {
            return Err(Error::new(
                format!("line {}", row.line),
                format!(
                    "it has {} fields; a series has month, value and status",
                    row.len()
                ),
                "download one series a file",
            ));
        }
        let place = |what: &str| format!("line {}, {what}", row.line);
        let month = month(when).map_err(|f| f.at(place("month")))?;
        panel.push(Cell {
            line: row.line,
            region: options.region_name.as_deref().unwrap_or("FR"),
            sector: options.sector_name.as_deref().unwrap_or(&code),
            month,
            value: sign
                .number(value, &["."])
                .map_err(|f| f.at(place("value")))?,
            flag: row.get(2),
            s_adj: adjustment(&title),
            unit: base(&title).unwrap_or_default(),
            ..Cell::default()
        })?;
    }
    sign.check(panel)
}

/// CVS-CJO: adjusted for seasons and working days; CVS: for seasons; brut: neither.
fn adjustment(title: &str) -> &'static str {
    if title.contains("CVS-CJO") {
        "CVS-CJO"
    } else if title.contains("CVS") {
        "CVS"
    } else if title.to_lowercase().contains("brut") {
        "brut"
    } else {
        ""
    }
}

/// "base 100 en 2021" of a title.
fn base(title: &str) -> Option<&str> {
    let from = title.find("base ")?;
    let text = title.get(from..from + 16)?;
    text.ends_with(|c: char| c.is_ascii_digit()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_tell_adjustment_and_base() {
        let title = "Indice CVS-CJO de la production industrielle (base 100 en 2021) - Industrie";
        assert_eq!(
            (adjustment(title), base(title)),
            ("CVS-CJO", Some("base 100 en 2021"))
        );
        assert_eq!(
            (adjustment("Indice brut"), base("Indice base é")),
            ("brut", None)
        );
        assert!(is_code("RF0610") && !is_code("RF") && !is_code("INDPRO"));
    }
}
