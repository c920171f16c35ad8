//! Tables with one row a series and one column a month, with or without titles above and notes below.

use super::ReadOptions;
use super::cell::{DateOrder, shown, were};
use super::further::Further;
use super::generic::{MISSING, REGION, S_ADJ, UNIT, column, sector_column, sign};
use super::kinds;
use super::months::spelled;
use super::number::Sign;
use super::panel::{Cell, Panel};
use super::table::{Header, Record, Table};
use crate::error::{Error, Result};

/// The month of a heading.
fn heading(text: &str) -> Option<i32> {
    spelled(text, Some(DateOrder::DayFirst))
        .ok()
        .map(|(month, _)| month)
}

/// Which of the first rows is the header: it has two months or more, after its labels.
pub(super) fn header(rows: &[Vec<String>]) -> Option<usize> {
    rows.iter().position(|row| {
        row.first().is_some_and(|f| heading(f).is_none())
            && row.iter().filter(|f| heading(f).is_some()).count() > 1
    })
}

/// The columns of the table.
struct Layout {
    header: Header,
    /// Titles above the header.
    titles: String,
    region: Option<usize>,
    sector: Option<usize>,
    s_adj: Option<usize>,
    unit: Option<usize>,
    months: Vec<(usize, i32)>,
    /// True where labels have no heading: they are then written once for several rows.
    carried: bool,
}

impl Layout {
    fn new(table: &mut Table<'_>, options: &ReadOptions) -> Result<Self> {
        let mut titles = String::new();
        let (mut names, line) = loop {
            let Some(row) = table.next()? else {
                return Err(Error::new(
                    "",
                    "no row has columns of months such as 2015-01",
                    "name the format with ReadOptions.format",
                ));
            };
            let names: Vec<String> = row.fields().map(String::from).collect();
            if names.iter().filter(|n| heading(n).is_some()).count() > 0 {
                break (names, row.line);
            }
            titles = format!("{titles}\n{}", names.join(" ").trim());
        };
        let first = names.iter().position(|n| heading(n).is_some()).unwrap_or(0);
        if let Some((k, text)) = names[..first]
            .iter()
            .enumerate()
            .find(|(_, n)| {
                n.chars().filter(char::is_ascii_digit).count() >= 4 && !n.contains("100")
            })
            .filter(|(_, n)| n.len() < 12)
        {
            return Err(Error::new(
                format!("line {line}, column {}", k + 1),
                format!("{} stands before the months and is none", shown(text)),
                "the heading may be damaged; correct it, or rename the column if it is a label",
            ));
        }
        let carried = names[..first].iter().any(String::is_empty);
        for (k, name) in names[..first]
            .iter_mut()
            .enumerate()
            .filter(|(_, n)| n.is_empty())
        {
            *name = format!("column {}", letters(k));
        }
        let header = Header { line, names };
        header.check()?;
        let mut months = Vec::new();
        for k in first..header.len() {
            let code = spelled(
                &header.names[k],
                options.date_order.or(Some(DateOrder::DayFirst)),
            );
            let (code, _) = code.map_err(|f| f.at(header.place(line, k)))?;
            months.push((k, code));
        }
        let labels = Header {
            line,
            names: header.names[..first].to_vec(),
        };
        let region = column(&labels, &options.columns.region, REGION)?;
        let sector = match sector_column(&labels, options)? {
            // The last of labels without a known name has the most detail.
            None if region.is_none() && first > 0 => Some(first - 1),
            found => found,
        };
        Ok(Self {
            region,
            sector,
            s_adj: column(&labels, &options.columns.s_adj, S_ADJ)?,
            unit: column(&labels, &options.columns.unit, UNIT)?,
            months,
            carried,
            header,
            titles,
        })
    }

    fn further(&self, options: &ReadOptions) -> Result<Further> {
        let first = self.months.first().map_or(0, |m| m.0);
        let used = [self.region, self.sector, self.s_adj, self.unit];
        Further::new(
            &self.header.names[..first],
            &used,
            &[self.region, self.sector],
            options,
        )
    }
}

/// A, B, …, Z, AA as a spreadsheet calls its columns.
fn letters(k: usize) -> String {
    let letter = char::from(b'A' + (k % 26) as u8);
    if k < 26 {
        letter.into()
    } else {
        format!("{}{letter}", letters(k / 26 - 1))
    }
}

pub(super) fn read(
    table: &mut Table<'_>,
    options: &ReadOptions,
    panel: &mut Panel<'_>,
) -> Result<()> {
    let mut sign = sign(table, options);
    let at = Layout::new(table, options)?;
    if let Some(note) = kinds::judge_titles(&at.titles, at.header.line)? {
        panel.note(note);
    }
    let further = at.further(options)?;
    panel.watch(&further);
    let sheet = table.sheet().is_some();
    let (width, first) = (at.header.len(), at.months[0].0);
    let mut labels = vec![String::new(); first];
    let (mut data, mut notes) = (false, None::<(usize, usize)>);
    while let Some(row) = table.next()? {
        let blank = at.months.iter().all(|(k, _)| row.get(*k).is_empty());
        let note = row.is_note() || sheet && blank;
        if note && blank && (data || !row.is_note()) {
            notes = Some(notes.map_or((row.line, 1), |(line, n)| (line, n + 1)));
            continue;
        }
        if !sheet {
            row.check(width)?;
        } else if (width..row.len()).any(|k| !row.get(k).is_empty()) {
            panel.surplus(|| format!("line {}", row.line));
        }
        data = true;
        for (k, label) in labels.iter_mut().enumerate() {
            if !(at.carried && row.get(k).is_empty()) {
                *label = row.get(k).to_string();
            }
        }
        let get = |k: usize| labels.get(k).map_or("", String::as_str);
        if panel.takes(&further, row.line, get, || {
            (at.region.map_or("", get), at.sector.map_or("", get), None)
        }) {
            push(panel, options, &at, &further, row, &labels, &mut sign)?;
        }
    }
    if let Some((line, count)) = notes {
        panel.note(format!(
            "{} left out, as no figures stand there, the first is line {line}",
            were(count, "line")
        ));
    }
    sign.check(panel)
}

fn push(
    panel: &mut Panel<'_>,
    options: &ReadOptions,
    at: &Layout,
    further: &Further,
    row: &Record,
    labels: &[String],
    sign: &mut Sign,
) -> Result<()> {
    let get = |k: usize| labels.get(k).map_or("", String::as_str);
    let option = |k: Option<usize>| k.map(get);
    for (k, month) in &at.months {
        // An empty cell is no observation.
        if row.get(*k).is_empty() {
            continue;
        }
        let cell = Cell {
            line: row.line,
            region: option(at.region)
                .or(options.region_name.as_deref())
                .unwrap_or_default(),
            sector: option(at.sector)
                .or(options.sector_name.as_deref())
                .unwrap_or_default(),
            month: *month,
            value: sign
                .number(row.get(*k), MISSING)
                .map_err(|f| f.at(at.header.place(row.line, *k)))?,
            s_adj: option(at.s_adj).unwrap_or(kinds::adjustment(&at.titles)),
            unit: option(at.unit)
                .or(kinds::base(&at.titles))
                .unwrap_or_default(),
            ..Cell::default()
        };
        panel.push_row(cell, further, get)?;
    }
    Ok(())
}
