//! The names of rows and columns of a square table, and which of them are sectors and regions.

use super::grid::{Line, Looks, looks};
use super::{names, sector_code};
use crate::error::{Error, Result};
use std::collections::BTreeSet;

/// Region and sector of a line of the table; the sector in its normal spelling.
pub(super) type Key = (String, String);

/// The names of rows and columns, level by level, and where the numbers begin.
pub(super) struct Labels {
    /// Of each data line: one text per index column.
    pub(super) rows: Vec<Vec<String>>,
    /// Of each data column: one text per header line.
    pub(super) columns: Vec<Vec<String>>,
    /// Data lines, by their place in `lines`.
    pub(super) data: Vec<usize>,
    /// The first data column.
    pub(super) first: usize,
    /// Number of cells of the header.
    pub(super) width: usize,
    /// What the last header line calls the index columns.
    pub(super) heads: Vec<String>,
    /// All text above the numbers.
    pub(super) title: String,
}

fn count(line: &Line, from: usize, what: Looks) -> usize {
    (from..line.cells.len())
        .filter(|k| looks(line.cell(*k)) == what)
        .count()
}

/// Empty names take the one before them, as merged cells leave them.
fn fill(names: &mut [Vec<String>], level: usize) {
    let mut last = String::new();
    for name in names {
        if name[level].is_empty() {
            name[level].clone_from(&last);
        } else {
            last.clone_from(&name[level]);
        }
    }
}

/// The first column of numbers, after those of names; at most the ninth.
fn first_of_numbers(lines: &[Line], headers: &[&Line], data: &[usize]) -> usize {
    let mostly_text = |k: usize| {
        let number = |what| {
            data.iter()
                .filter(|d| looks(lines[**d].cell(k)) == what)
                .count()
        };
        number(Looks::Text) > number(Looks::Number)
    };
    // A year is no buyer.
    let dated = |k: usize| {
        let names = headers.iter().map(|l| l.cell(k).to_lowercase());
        names
            .filter(|n| !n.is_empty())
            .all(|n| ["year", "time", "period", "time_period", "jahr"].contains(&n.as_str()))
            && headers.iter().any(|l| !l.cell(k).is_empty())
    };
    (1..8).find(|k| !mostly_text(*k) && !dated(*k)).unwrap_or(8)
}

/// Finds names and numbers.
pub(super) fn labels(lines: &[Line]) -> Result<Labels> {
    // Most cells are numbers, or all from the first number on are.
    let is_data = |l: &Line| {
        let first = (0..l.cells.len()).find(|k| looks(l.cell(*k)) == Looks::Number);
        first.is_some_and(|k| {
            count(l, k, Looks::Text) == 0 || count(l, 0, Looks::Number) >= count(l, 0, Looks::Text)
        })
    };
    let start = (1..lines.len())
        .find(|k| is_data(&lines[*k]))
        .ok_or_else(|| {
            Error::new(
                "",
                "no line has more numbers than names",
                "give a table with a header line and numbers",
            )
        })?;
    let enough = lines[start].width() / 2;
    let headers: Vec<&Line> = lines[..start]
        .iter()
        .filter(|l| l.width() > 1 && l.width() >= enough && filled(l) >= enough / 2)
        .collect();
    let Some(last) = headers.last() else {
        return Err(Error::new(
            lines[start].place(),
            "there is no line of column names before the first numbers",
            "put the names of the buyers into the first line",
        ));
    };
    let data: Vec<usize> = (start..lines.len())
        .filter(|k| count(&lines[*k], 1, Looks::Number) > 0)
        .collect();
    if data.is_empty() {
        return Err(Error::new(
            lines[start].place(),
            "there is no number beyond the first column",
            "give a column for each buyer",
        ));
    }
    let first = first_of_numbers(lines, &headers, &data);
    let width = headers.iter().map(|l| l.width()).max().unwrap_or(0);
    if first >= width {
        return Err(Error::new(
            last.place(),
            format!("{width} columns, and the first {first} of them are names"),
            "give a column of numbers for each buyer",
        ));
    }
    let mut columns: Vec<Vec<String>> = (first..width)
        .map(|k| headers.iter().map(|l| l.cell(k).to_string()).collect())
        .collect();
    let mut rows: Vec<Vec<String>> = data
        .iter()
        .map(|d| (0..first).map(|k| lines[*d].cell(k).to_string()).collect())
        .collect();
    (0..headers.len() - 1).for_each(|level| fill(&mut columns, level));
    (0..first - 1).for_each(|level| fill(&mut rows, level));
    Ok(Labels {
        rows,
        columns,
        data,
        first,
        width,
        heads: (0..first).map(|k| last.cell(k).to_string()).collect(),
        title: lines[..start]
            .iter()
            .flat_map(|l| l.cells.iter())
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase(),
    })
}

fn filled(line: &Line) -> usize {
    (0..line.cells.len())
        .filter(|k| !line.cell(*k).is_empty())
        .count()
}

/// A sector's name in its normal spelling.
pub(super) fn normal(label: &str) -> String {
    sector_code(names::bare(label))
}

/// Which level of rows and of columns names sectors, and which regions: those with names in common.
pub(super) fn levels(l: &Labels) -> ((usize, usize), Option<(usize, usize)>) {
    let depth = (l.rows[0].len(), l.columns[0].len());
    let set = |names: &[Vec<String>], level: usize| -> BTreeSet<String> {
        names
            .iter()
            .map(|n| normal(&n[level]))
            .filter(|n| !n.is_empty())
            .collect()
    };
    let mut found: Vec<((usize, usize), bool)> = Vec::new();
    for row in 0..depth.0 {
        let names = set(&l.rows, row);
        let shared = |h: &usize| set(&l.columns, *h).intersection(&names).count();
        let Some(best) = (0..depth.1).max_by_key(|h| (shared(h), usize::MAX - h)) else {
            continue;
        };
        if shared(&best) * 3 >= names.len().min(l.columns.len()) && shared(&best) > 0 {
            let runs = 1 + l.rows.windows(2).filter(|w| w[0][row] != w[1][row]).count();
            let blocks = names.len() < l.rows.len() && runs == names.len();
            found.push(((row, best), blocks));
        }
    }
    let region = found.iter().find(|f| f.1).map(|f| f.0);
    let sector = found.iter().find(|f| !f.1).map(|f| f.0);
    match (sector, region) {
        (Some(s), region) => (s, region),
        (None, _) => ((depth.0 - 1, depth.1 - 1), None),
    }
}

/// The keys of rows or columns.
pub(super) fn keys(
    names: &[Vec<String>],
    sector: usize,
    region: Option<usize>,
    split: bool,
) -> Vec<Key> {
    names
        .iter()
        .map(|n| {
            if let (true, Some((r, s))) = (split, names::split(&n[sector])) {
                return (r.to_string(), sector_code(s));
            }
            (
                region.map_or(String::new(), |r| n[r].clone()),
                normal(&n[sector]),
            )
        })
        .collect()
}

/// A key as it is told.
pub(super) fn shown(key: &Key) -> String {
    match key.0.as_str() {
        "" => key.1.clone(),
        r => format!("{r} · {}", key.1),
    }
}

/// A key as messages repeat it.
pub(super) fn told(key: &Key) -> String {
    names::cut(&shown(key))
}
