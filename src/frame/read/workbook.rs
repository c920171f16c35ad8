//! A sheet of a workbook as tab-separated text, one line a row.

use super::input::too_large;
use crate::error::{Error, Result};
use crate::workbook::{Workbook, quoted_list};
use std::io::Read;

const SHEET: &str = "ReadOptions.sheet";
const CAP: &str = "ReadOptions.max_unpacked";

/// Name and text of the sheet that was asked for, or of the only one that may be meant.
pub(super) fn text(reader: impl Read, cap: u64, wanted: Option<&str>) -> Result<(String, String)> {
    let mut bytes = Vec::new();
    reader
        .take(cap.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| Error::new("", format!("it cannot be read: {e}"), "download it again"))?;
    if bytes.len() as u64 > cap {
        return Err(too_large());
    }
    let mut book = Workbook::open(bytes, cap, CAP)?;
    let name = match wanted {
        Some(wanted) => book.named(wanted, SHEET)?,
        None => choose(&book.sheets())?,
    };
    let (mut text, mut row, mut column) = (String::new(), 0_u32, 0_u32);
    book.cells(&name, CAP, &mut |r, c, cell| {
        while row < r {
            text.push('\n');
            (row, column) = (row + 1, 0);
        }
        while column < c {
            text.push('\t');
            column += 1;
        }
        quoted(&mut text, cell);
    })
    .map_err(|e| e.within(format!("sheet {name:?}")))?;
    text.push('\n');
    Ok((name, text))
}

fn choose(names: &[String]) -> Result<String> {
    // METI's workbooks have production, shipments and inventories on sheets of their own.
    let production: Vec<&String> = names
        .iter()
        .filter(|n| n.trim() == "生産" || n.trim().eq_ignore_ascii_case("production"))
        .collect();
    match (names, production.as_slice()) {
        ([only], _) => Ok(only.clone()),
        (_, [one]) => Ok((*one).clone()),
        _ => Err(Error::new(
            "workbook",
            format!("it has several sheets: {}", quoted_list(names)),
            "choose one with ReadOptions { sheet: Some(…) }",
        )),
    }
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
