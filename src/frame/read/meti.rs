//! METI (Japan): a workbook's sheet or CSV with industries in rows and months YYYYMM in columns.

use super::ReadOptions;
use super::cell::{Decimal, dated_month, month_name, shown};
use super::choice::{is_wanted, refuse_utilisation};
use super::kinds;
use super::number::Marks;
use super::panel::{Cell, Panel};
use super::table::Table;
use crate::error::{Error, Result};
use std::collections::HashSet;

const MISSING: &[&str] = &["-", "－", "…", "x", "X", "***", "."];

/// "202001", or with a mark of its state before it, as in "p 202512".
fn heading(text: &str) -> Option<(i32, &str)> {
    let (mark, digits) = text
        .trim()
        .rsplit_once([' ', '\u{3000}'])
        .unwrap_or(("", text.trim()));
    let mark = mark.trim();
    if digits.len() != 6 || mark.len() > 3 || !mark.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    dated_month(digits, None).ok().map(|month| (month, mark))
}

/// Which of the first rows has months after its labels.
pub(super) fn header(rows: &[Vec<String>]) -> Option<usize> {
    rows.iter().take(12).position(|row| {
        row.len() > 1
            && heading(&row[0]).is_none()
            && row.iter().filter(|f| heading(f).is_some()).count() > 1
    })
}

/// What stands above the figures.
struct Heading {
    /// The sheet's name and all titles.
    titles: String,
    names: Vec<String>,
    /// Columns of months, with the marks of their state.
    months: Vec<(usize, i32, String)>,
    /// The column of the sectors.
    sector: usize,
    /// Columns that must have no figures, as their headings are neither labels nor months.
    unnamed: Vec<usize>,
}

/// Reads down to the line of months, and what its columns are.
fn head(table: &mut Table<'_>, options: &ReadOptions) -> Result<Heading> {
    let mut titles = table.sheet().unwrap_or_default().to_string();
    let (names, line) = loop {
        let Some(row) = table.next()? else {
            return Err(Error::new(
                "",
                "no row has months such as 202001 after its labels",
                "choose the sheet of a monthly index with ReadOptions.sheet",
            ));
        };
        let names: Vec<String> = row.fields().map(String::from).collect();
        if header(std::slice::from_ref(&names)).is_some() {
            break (names, row.line);
        }
        titles = format!("{titles} {}", names.join(" "));
    };
    refuse_utilisation(&titles, || format!("line {line}, title"))?;
    kinds::refuse_label(&titles, || format!("line {line}, title"))?;
    let months: Vec<(usize, i32, String)> = names
        .iter()
        .enumerate()
        .filter_map(|(k, n)| heading(n).map(|(month, mark)| (k, month, mark.to_string())))
        .collect();
    let labels = months[0].0;
    if let Some((k, _)) = names
        .iter()
        .enumerate()
        .find(|(k, n)| *k > labels && !n.is_empty() && heading(n).is_none())
    {
        return Err(Error::new(
            format!("line {line}, column {}", k + 1),
            format!("{:?} stands among months and is none", names[k]),
            "take the sheet of monthly figures; annual and quarterly columns must be left out",
        ));
    }
    let sector = sector_column(&names[..labels], options, line)?;
    let damaged = |text: &str| text.chars().filter(char::is_ascii_digit).count() > 2;
    if let Some(k) = (0..labels).find(|k| damaged(&names[*k])) {
        return Err(Error::new(
            format!("line {line}, column {}", k + 1),
            format!(
                "{} is neither a label nor a month such as 202001",
                shown(&names[k])
            ),
            "the heading may be damaged; download the file again",
        ));
    }
    let unnamed: Vec<usize> = (0..names.len().max(labels))
        .filter(|k| names[*k].is_empty() || *k < labels && *k != sector && !is_label(&names[*k]))
        .collect();
    Ok(Heading {
        titles,
        names,
        months,
        sector,
        unnamed,
    })
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let marks = Marks::new(options, Decimal::Point);
    let Heading {
        titles,
        names,
        months,
        sector,
        unnamed,
    } = head(table, options)?;
    let mut seen = HashSet::new();
    while let Some(row) = table.next()? {
        let name = row.get(sector);
        let empty = months.iter().all(|(k, ..)| row.get(*k).is_empty());
        // Notes below the table have text in the first column only.
        if empty {
            continue;
        }
        let stray = |k: &&usize| row.get(**k).parse::<f64>().is_ok();
        if let Some(k) = unnamed.iter().find(stray) {
            return Err(Error::new(
                format!("line {}, column {}", row.line, k + 1),
                format!(
                    "it has the figure {}, but its heading {} is no month",
                    row.get(*k),
                    shown(&names[*k])
                ),
                "the heading may be damaged; download the file again, or take the column out",
            ));
        }
        if (names.len()..row.len()).any(|k| !row.get(k).is_empty()) {
            panel.surplus(|| format!("line {}", row.line));
        }
        if name.is_empty() {
            return Err(Error::new(
                format!("line {}", row.line),
                format!("it has figures, but no {:?}", names[sector]),
                "fill the cell, or name another column with ReadOptions.columns.sector",
            ));
        }
        if !seen.insert(name.to_string()) && is_wanted(&options.sectors, name) {
            return Err(Error::new(
                format!("line {}, column `{}`", row.line, names[sector]),
                format!("{name:?} stands in a second row"),
                "name a column that tells the rows apart with ReadOptions.columns.sector",
            ));
        }
        for (k, month, mark) in &months {
            panel.push(Cell {
                line: row.line,
                region: options.region_name.as_deref().unwrap_or("JP"),
                sector: name,
                month: *month,
                value: marks.number(row.get(*k), MISSING).map_err(|f| {
                    f.at(format!(
                        "line {}, column `{}`",
                        row.line,
                        month_name(*month)
                    ))
                })?,
                flag: mark,
                s_adj: adjustment(&titles),
                unit: base(&titles).unwrap_or_default(),
                ..Cell::default()
            })?;
        }
    }
    Ok(())
}

/// True of the headings of METI's labels, which may have numbers below them.
fn is_label(name: &str) -> bool {
    const PARTS: [&str; 14] = [
        "item",
        "number",
        "code",
        "name",
        "weight",
        "no",
        "industry",
        "unit",
        "番号",
        "名称",
        "ウエイト",
        "ウェイト",
        "品目",
        "業種",
    ];
    let low = name.to_lowercase();
    PARTS.iter().any(|p| low.contains(p))
}

/// The column that was named, or the number of the item, or the first.
fn sector_column(labels: &[String], options: &ReadOptions, line: usize) -> Result<usize> {
    if let Some(wanted) = &options.columns.sector {
        return labels.iter().position(|l| l == wanted).ok_or_else(|| {
            Error::new(
                "ReadOptions.columns.sector",
                format!("line {line} has no column {wanted:?} before its months"),
                format!("it has {}", labels.join(", ")),
            )
        });
    }
    let number = |l: &String| {
        l.contains("番号")
            || l.to_lowercase().contains("number")
            || l.to_lowercase().contains("code")
    };
    Ok(labels.iter().position(number).unwrap_or(0))
}

/// SA where a title says seasonally adjusted (季節調整済), NSA where it says original (原指数).
fn adjustment(titles: &str) -> &'static str {
    let low = titles.to_lowercase();
    if low.contains("原指数") || low.contains("original") || low.contains("not seasonally") {
        "NSA"
    } else if low.contains("季節調整") || low.contains("seasonally adjusted") {
        "SA"
    } else {
        ""
    }
}

/// "2020年=100" or "2020=100" of a title.
fn base(titles: &str) -> Option<&str> {
    let (at, sign) = ["=100", "＝100", "= 100", "＝１００"]
        .iter()
        .find_map(|s| titles.find(s).map(|at| (at, s)))?;
    let digits = |c: char| c.is_ascii_digit() || "年 ".contains(c);
    let from = titles[..at].trim_end_matches(digits).len();
    Some(titles[from..at + sign.len()].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_titles() {
        let code = 2025 * 12 + 11;
        assert_eq!(heading("202512"), Some((code, "")));
        assert_eq!(heading("p 202512"), Some((code, "p")));
        for bad in ["202513", "10000", "p", "", "item 202512", "1234567"] {
            assert_eq!(heading(bad), None, "{bad}");
        }
        assert_eq!(base("鉱工業指数 2020年=100 季節調整済"), Some("2020年=100"));
        assert_eq!(base("Indices (2015=100)"), Some("2015=100"));
        assert_eq!((base("nothing"), adjustment("生産 原指数")), (None, "NSA"));
    }
}
