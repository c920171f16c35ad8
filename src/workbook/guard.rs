//! What a workbook would unpack to, found before a reader believes what it says of itself.

use super::{damaged, too_large};
use crate::error::Result;
use std::io::{Cursor, Read};

/// Cells of an ODS row or sheet that its reader makes at most.
const COLUMNS: u64 = 16_384;
/// What a cell takes there.
const CELL: u64 = 32;

/// Unpacks every part of an archive, and refuses what is larger than `cap` together or would be when it is
/// read. Sizes that the archive states are not trusted. The names of the parts.
pub(super) fn unpacked(bytes: &[u8], cap: u64, option: &str) -> Result<Vec<String>> {
    let broken = || damaged("the archive is cut off or damaged");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken())?;
    let (mut left, mut names, mut part) = (cap, Vec::new(), Vec::new());
    for k in 0..archive.len() {
        let entry = archive.by_index(k).map_err(|_| broken())?;
        let name = entry.name().to_string();
        part.clear();
        let n = entry
            .take(left.saturating_add(1))
            .read_to_end(&mut part)
            .map_err(|_| broken())? as u64;
        left = left.checked_sub(n).ok_or_else(|| too_large(option))?;
        if name.to_lowercase().ends_with("sharedstrings.xml") && texts(&part) > n {
            return Err(damaged("it states more texts than it holds"));
        }
        let lower = name.to_lowercase();
        if (lower.ends_with(".xml") || lower.ends_with(".rels")) && !balanced(&part) {
            return Err(damaged(&format!("a tag of its part {name} is not closed")));
        }
        if name == "content.xml" && unfolded(&part).saturating_mul(CELL) > cap {
            return Err(too_large(option));
        }
        names.push(name);
    }
    Ok(names)
}

/// The number after `name` and a quote; `None` where it is no number.
fn number(text: &[u8], name: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(text, name)? + name.len();
    let digits = text[at..].iter().skip_while(|b| b"=\"' ".contains(b));
    let digits: Vec<u8> = digits.copied().take_while(u8::is_ascii_digit).collect();
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

/// How often a cell or a row stands there. What is no plain number is as good as endless.
fn repeated(tag: &[u8], name: &[u8]) -> u64 {
    match memchr::memmem::find(tag, name) {
        None => 1,
        Some(_) => number(tag, name).unwrap_or(u64::MAX),
    }
}

/// The largest number of shared texts that is stated: room is made for them at once.
fn texts(xml: &[u8]) -> u64 {
    memchr::memmem::find_iter(xml, b"uniqueCount")
        .filter_map(|at| number(&xml[at..], b"uniqueCount"))
        .max()
        .unwrap_or(0)
}

/// True where every tag of an XML text is closed, in order: a reader may look for the end of one for ever.
fn balanced(xml: &[u8]) -> bool {
    // Where the names of open tags stand.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let (mut at, mut any) = (0, false);
    while let Some(next) = memchr::memchr(b'<', &xml[at..]) {
        let start = at + next + 1;
        let end = start + length(&xml[start..]);
        if end >= xml.len() {
            return false;
        }
        at = end;
        let tag = &xml[start..end];
        if tag.starts_with(b"!") || tag.starts_with(b"?") {
            continue;
        }
        let until = |text: &[u8]| {
            let stop = |b: &u8| b.is_ascii_whitespace() || *b == b'/';
            text.iter().position(stop).unwrap_or(text.len())
        };
        any = true;
        match tag.strip_prefix(b"/") {
            Some(name) => {
                let name = &name[..until(name)];
                if open.pop().is_none_or(|(from, to)| &xml[from..to] != name) {
                    return false;
                }
            }
            None if tag.ends_with(b"/") => {}
            None => open.push((start, start + until(tag))),
        }
    }
    any && open.is_empty()
}

/// Cells that an ODS file unfolds to: a cell and a row say how often they are repeated. Blank ones after the
/// last that holds something are not counted, as they are not made.
fn unfolded(xml: &[u8]) -> u64 {
    let (mut total, mut widest, mut rows, mut blank_rows) = (0_u64, 0_u64, 0_u64, 0_u64);
    let (mut times, mut row, mut blank) = (1, 0_u64, 0_u64);
    let mut at = 0;
    while let Some(open) = memchr::memchr(b'<', &xml[at..]) {
        let start = at + open + 1;
        let tag = &xml[start..start + length(&xml[start..])];
        at = start + tag.len();
        let end = |b: &u8| b.is_ascii_whitespace();
        let name = tag.split(end).next().unwrap_or_default();
        let is = |wanted: &[u8]| name.strip_suffix(b"/").unwrap_or(name) == wanted;
        if is(b"table:table-row") {
            times = repeated(tag, b"table:number-rows-repeated");
            (row, blank) = (0, 0);
        } else if is(b"table:table-cell") || is(b"table:covered-table-cell") {
            let n = repeated(tag, b"table:number-columns-repeated");
            let holds = [&b"office:"[..], b"table:formula"];
            if holds.iter().any(|h| memchr::memmem::find(tag, h).is_some()) {
                row = (row + blank.min(COLUMNS) + n.min(COLUMNS)).min(COLUMNS);
                blank = 0;
            } else {
                blank = blank.saturating_add(n);
            }
        } else if is(b"/table:table-row") && row == 0 {
            blank_rows = blank_rows.saturating_add(times);
        } else if is(b"/table:table-row") {
            rows = rows.saturating_add(blank_rows).saturating_add(times);
            (widest, blank_rows) = (widest.max(row), 0);
        } else if is(b"/table:table") {
            total = total.saturating_add(rows.saturating_mul(widest));
            (rows, blank_rows, widest) = (0, 0, 0);
        }
    }
    total.saturating_add(rows.saturating_mul(widest))
}

/// Bytes of a tag up to its end, which is not inside quotes; of comments and the like up to theirs.
fn length(text: &[u8]) -> usize {
    for (start, end) in [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")] {
        if text.starts_with(start.as_bytes()) {
            return memchr::memmem::find(text, end.as_bytes()).unwrap_or(text.len());
        }
    }
    let mut quote = None;
    for (k, b) in text.iter().enumerate() {
        match quote {
            Some(q) if *b == q => quote = None,
            Some(_) => {}
            None if *b == b'>' => return k,
            None if matches!(b, b'"' | b'\'') => quote = Some(*b),
            None => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::balanced;

    #[test]
    fn tags_that_are_not_closed_are_seen() {
        for good in [
            "<?xml version=\"1.0\"?><!DOCTYPE a [ <!ELEMENT a ANY> ]><a/>",
            "<a b='>'><c/><c >x</c ><!-- <d> --><![CDATA[ <e> ]]></a>",
            "<a>\n<b x=\"1\"\n/></a>\n",
        ] {
            assert!(balanced(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a><b></a></b>",
            "<a></a></a>",
            "<a",
            "<a b='></a>",
            "<a></a><!--",
            "<a></a",
        ] {
            assert!(!balanced(bad.as_bytes()), "{bad}");
        }
    }
}
