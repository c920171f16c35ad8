//! A sheet of an xlsx workbook as tab-separated text, one line a row.

use super::cell::shown;
use super::input::too_large;
use crate::error::{Error, Result};
use calamine::{DataRef, Reader, Xlsx};
use std::fmt::Write;
use std::io::{self, Cursor, Read};

/// Name and text of the sheet that was asked for, or of the only one that may be meant.
pub(super) fn text(reader: impl Read, cap: u64, wanted: Option<&str>) -> Result<(String, String)> {
    let mut bytes = Vec::new();
    reader
        .take(cap.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| damaged(&e.to_string()))?;
    if bytes.len() as u64 > cap {
        return Err(too_large());
    }
    check_size(&bytes, cap)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|e| damaged(&e.to_string()))?;
    let name = choose(&book.sheet_names(), wanted)?;
    let text = rows(&mut book, &name, cap).map_err(|e| e.within(format!("sheet {name:?}")))?;
    Ok((name, text))
}

/// Unpacks everything to nowhere, and refuses what is larger than `cap` together. Sizes that the
/// archive states are not trusted.
fn check_size(bytes: &[u8], cap: u64) -> Result<()> {
    let mut archive =
        zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| damaged(&e.to_string()))?;
    let mut left = cap;
    for k in 0..archive.len() {
        let entry = archive.by_index(k).map_err(|e| damaged(&e.to_string()))?;
        let n = io::copy(&mut entry.take(left.saturating_add(1)), &mut io::sink())
            .map_err(|e| damaged(&e.to_string()))?;
        left = left.checked_sub(n).ok_or_else(too_large)?;
    }
    Ok(())
}

fn damaged(why: &str) -> Error {
    Error::new(
        "",
        format!("it begins like an xlsx workbook, but cannot be read as one: {why}"),
        "download it again; another zip archive must be unpacked first",
    )
}

fn choose(names: &[String], wanted: Option<&str>) -> Result<String> {
    let list = || {
        let shown: Vec<String> = names.iter().take(20).map(|n| format!("{n:?}")).collect();
        shown.join(", ")
    };
    if let Some(wanted) = wanted {
        return names.iter().find(|n| *n == wanted).cloned().ok_or_else(|| {
            Error::new(
                "ReadOptions.sheet",
                format!("there is no sheet {wanted:?}"),
                format!("the workbook has {}", list()),
            )
        });
    }
    // METI's workbooks have production, shipments and inventories on sheets of their own.
    let production: Vec<&String> = names
        .iter()
        .filter(|n| n.trim() == "生産" || n.trim().eq_ignore_ascii_case("production"))
        .collect();
    match (names, production.as_slice()) {
        ([only], _) => Ok(only.clone()),
        (_, [one]) => Ok((*one).clone()),
        ([], _) => Err(damaged("it has no sheet")),
        _ => Err(Error::new(
            "workbook",
            format!("it has several sheets: {}", list()),
            "choose one with ReadOptions { sheet: Some(…) }",
        )),
    }
}

fn rows(book: &mut Xlsx<Cursor<Vec<u8>>>, name: &str, cap: u64) -> Result<String> {
    let fail = |e: calamine::XlsxError| {
        Error::new(
            "",
            format!("it cannot be read: {e}"),
            "save the workbook again",
        )
    };
    let mut cells = book.worksheet_cells_reader(name).map_err(fail)?;
    let (mut text, mut row, mut column) = (String::new(), 0_u32, 0_u32);
    while let Some(cell) = cells.next_cell().map_err(fail)? {
        let (r, c) = cell.get_position();
        if r < row || (r == row && c < column) {
            return Err(Error::new(
                format!("row {}", r + 1),
                "its cells are not in order",
                "save the workbook again",
            ));
        }
        if (r - row) as u64 + c as u64 + text.len() as u64 > cap {
            return Err(too_large());
        }
        while row < r {
            text.push('\n');
            (row, column) = (row + 1, 0);
        }
        while column < c {
            text.push('\t');
            column += 1;
        }
        value(&mut text, cell.get_value()).map_err(|e| e.within(format!("row {}", r + 1)))?;
    }
    text.push('\n');
    Ok(text)
}

fn value(text: &mut String, value: &DataRef<'_>) -> Result<()> {
    match value {
        DataRef::Empty => {}
        DataRef::Int(v) => _ = write!(text, "{v}"),
        DataRef::Float(v) => _ = write!(text, "{v}"),
        DataRef::Bool(v) => _ = write!(text, "{v}"),
        DataRef::DateTime(date) => {
            let (year, month, day, ..) = date.to_ymd_hms_milli();
            _ = write!(text, "{year:04}-{month:02}-{day:02}");
        }
        DataRef::String(s) | DataRef::DateTimeIso(s) | DataRef::DurationIso(s) => quoted(text, s),
        DataRef::SharedString(s) => quoted(text, s),
        DataRef::Error(e) => {
            return Err(Error::new(
                "",
                format!("a cell holds the error {}", shown(&e.to_string())),
                "correct the formula in the workbook",
            ));
        }
    }
    Ok(())
}

/// A text that may hold anything, so that it stays one field of one line.
fn quoted(text: &mut String, cell: &str) {
    if cell.contains('"') {
        text.push('"');
        text.push_str(&cell.replace('"', "\"\"").replace(['\t', '\n', '\r'], " "));
        text.push('"');
    } else {
        text.push_str(&cell.replace(['\t', '\n', '\r'], " "));
    }
}
