//! Delimited text: its encoding, its separator, records with the line numbers of an editor, and numbers.

use crate::error::{Error, Result};
use csv::StringRecord;
use encoding_rs::Encoding;
use std::borrow::Cow;

/// The sign before the decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// 101.5
    Point,
    /// 101,5
    Comma,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// The decimal sign was said, not assumed.
    pub(crate) told: bool,
    pub(crate) decimal: char,
    pub(crate) thousands: Option<char>,
}

impl Style {
    /// As the options say. `options` is the name of their struct.
    pub(crate) fn new(
        decimal: Option<Decimal>,
        thousands: Option<char>,
        options: &str,
    ) -> Result<Self> {
        let told = decimal.is_some();
        let decimal = match decimal {
            Some(Decimal::Comma) => ',',
            _ => '.',
        };
        if thousands.is_some_and(|t| t == decimal || !(" .,'’_".contains(t) || t == '\u{a0}')) {
            return Err(Error::new(
                format!("{options}.thousands"),
                format!("{thousands:?} beside the decimal sign {decimal:?}"),
                "give a comma, a point, an apostrophe or a blank, and say the decimal sign in `decimal`",
            ));
        }
        Ok(Self {
            told,
            decimal,
            thousands,
        })
    }

    /// The number in a cell; `None` where it is none. Groups of thousands must have three digits.
    pub(crate) fn number(self, cell: &str) -> Option<f64> {
        let cell = cell.trim();
        if self.decimal == '.' && self.thousands.is_none() {
            return cell.parse().ok();
        }
        let (whole, rest) = match cell.split_once(self.decimal) {
            Some((whole, rest)) => (whole, Some(rest)),
            None => (cell, None),
        };
        let mut plain = String::with_capacity(cell.len());
        let is_group = |c: char| {
            self.thousands.is_some_and(|t| {
                c == t || (" \u{a0}\u{202f}".contains(t) && " \u{a0}\u{202f}".contains(c))
            })
        };
        let (sign, digits) = match whole.strip_prefix(['-', '+']) {
            Some(digits) => (&whole[..1], digits),
            None => ("", whole),
        };
        plain.push_str(sign);
        let groups: Vec<&str> = digits.split(is_group).collect();
        let right = groups.len() == 1
            || ((1..=3).contains(&groups[0].len()) && groups[1..].iter().all(|g| g.len() == 3));
        let figures = |g: &&str| g.bytes().all(|b| b.is_ascii_digit());
        if !right || (groups.len() > 1 && !groups.iter().all(figures)) {
            return None;
        }
        groups.iter().for_each(|g| plain.push_str(g));
        if plain.contains('.') {
            return None;
        }
        if let Some(rest) = rest {
            if rest.contains(['.', ',']) {
                return None;
            }
            plain.push('.');
            plain.push_str(rest);
        }
        plain.parse().ok()
    }

    /// What to do about a cell that is no number. `options` is the name of the struct of options.
    pub(crate) fn remedy(self, cell: &str, options: &str) -> String {
        let digits = cell.contains(|c: char| c.is_ascii_digit());
        let signs = ",.' \u{a0}\u{202f}’_";
        let grouped = digits
            && cell.contains(|c| signs.contains(c))
            && cell
                .chars()
                .all(|c| c.is_ascii_digit() || "+-".contains(c) || signs.contains(c));
        if !grouped {
            return "give a number there".into();
        }
        let plain = "write it without thousands separators and with a decimal point, or say";
        let last = cell.rfind(['.', ',']).map(|k| &cell[k..]);
        let comma = last.is_some_and(|l| l.starts_with(','));
        if comma && cell.matches(',').count() == 1 && last.is_some_and(|l| l.len() != 4) {
            let dot = if cell.contains('.') {
                ", thousands: Some('.')"
            } else {
                ""
            };
            return format!("{plain} {options} {{ decimal: Some(Decimal::Comma){dot}, .. }}");
        }
        if comma && cell.matches(',').count() == 1 && !cell.contains('.') {
            return format!(
                "{plain} {options} {{ thousands: Some(','), .. }} or {options} {{ decimal: Some(Decimal::Comma), .. }}"
            );
        }
        let sign = cell.chars().find(|c| signs.contains(*c)).unwrap_or(',');
        format!("{plain} {options} {{ thousands: Some({sign:?}), .. }}")
    }
}

/// A number whose point may part thousands: every number with a point has groups of three digits behind it,
/// and the others are below 1,000, or semicolons separate the cells.
pub(crate) fn thousands_by_points<'a>(
    cells: impl Iterator<Item = &'a str>,
    separator: u8,
) -> Option<&'a str> {
    let (mut example, mut pointed, mut plain) = (None, 0, false);
    for cell in cells {
        let digits = cell.trim().trim_start_matches(['-', '+']);
        if !digits.bytes().next().is_some_and(|b| b.is_ascii_digit())
            || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        {
            continue;
        }
        let mut groups = digits.split('.');
        let first = groups.next().unwrap_or_default();
        if digits.contains('.') {
            let good = (1..=3).contains(&first.len()) && !first.starts_with('0');
            if !good || !groups.all(|g| g.len() == 3) {
                return None;
            }
            pointed += 1;
            example = example.or(Some(cell));
        } else if first.len() > 3 {
            return None;
        } else {
            plain |= first != "0";
        }
    }
    example.filter(|_| pointed > 1 && (plain || separator == b';'))
}

/// What to say of it.
pub(crate) fn doubtful(place: String, cell: &str, options: &str) -> Error {
    Error::new(
        place,
        format!(
            "{} and every other number with a point has three digits behind it: they may be thousands",
            quoted(cell)
        ),
        format!(
            "say TABLE {{ decimal: Some(Decimal::Point), .. }}, or {options} {{ decimal: Some(Decimal::Comma), thousands: Some('.'), .. }}"
        )
        .replace("TABLE", options),
    )
}

/// A cell as it is told, in quotes and cut.
pub(crate) fn quoted(cell: &str) -> String {
    match cell.char_indices().nth(60) {
        Some((k, _)) => format!("{:?}…", &cell[..k]),
        None => format!("{cell:?}"),
    }
}

/// A character that no name has, and that hides what is written or acts where it is shown.
pub(crate) fn hidden(name: &str) -> Option<char> {
    if name.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return None;
    }
    name.chars().find(|c| {
        c.is_control()
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
    })
}

/// The text of a file. `options` is the name of the struct whose `encoding` it is.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    encoding: Option<&str>,
    options: &str,
) -> Result<Cow<'a, str>> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(Error::new(
            "",
            "it is compressed with gzip",
            "unpack it first: gunzip FILE",
        ));
    }
    let said = match encoding {
        Some(label) => Some(Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            Error::new(
                format!("{options}.encoding"),
                format!("there is no encoding {label:?}"),
                "known are utf-8, windows-1252, iso-8859-1, shift_jis, utf-16le and the others of the WHATWG list",
            )
        })?),
        None => Encoding::for_bom(bytes).map(|(found, _)| found),
    };
    let text = match said.filter(|e| *e != encoding_rs::UTF_8) {
        Some(known) => {
            let rest = match Encoding::for_bom(bytes) {
                Some((found, length)) if found == known => &bytes[length..],
                _ => bytes,
            };
            known
                .decode_without_bom_handling_and_without_replacement(rest)
                .ok_or_else(|| {
                    Error::new(
                        "",
                        format!("it is no text in {}", known.name()),
                        format!("check {options}.encoding"),
                    )
                })?
        }
        None => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            Cow::Borrowed(std::str::from_utf8(bytes).map_err(|e| {
                Error::new(
                    line_of(bytes, e.valid_up_to()),
                    "it is not UTF-8 text",
                    format!(
                        "save the file as UTF-8, or say how it is encoded: {options} {{ encoding: Some(\"windows-1252\".into()), .. }} (western Europe) or \"shift_jis\" (Japan)"
                    ),
                )
            })?)
        }
    };
    if let Some(at) = memchr::memchr(0, text.as_bytes()) {
        return Err(Error::new(
            line_of(text.as_bytes(), at),
            "there is a NUL byte",
            format!(
                "the file is damaged, or UTF-16: save it as UTF-8, or say {options} {{ encoding: Some(\"utf-16le\".into()), .. }}"
            ),
        ));
    }
    if text.trim_start().starts_with('<') {
        return Err(Error::new(
            "line 1",
            "it is XML or HTML, not a table",
            "download the file again",
        ));
    }
    Ok(text)
}

fn line_of(bytes: &[u8], at: usize) -> String {
    format!("line {}", 1 + Ends::default().count(bytes, at))
}

/// Counts line ends as an editor does: LF, CRLF and a CR alone.
#[derive(Default)]
struct Ends {
    at: usize,
    count: u64,
}

impl Ends {
    /// Line ends before a byte, which is at least that of the call before.
    fn count(&mut self, bytes: &[u8], at: usize) -> u64 {
        for k in memchr::memchr2_iter(b'\n', b'\r', &bytes[self.at..at]) {
            let k = self.at + k;
            self.count += u64::from(bytes[k] == b'\n' || bytes.get(k + 1) != Some(&b'\n'));
        }
        self.at = at;
        self.count
    }
}

/// What separates the cells: `said`, or the tab, semicolon or comma that lines have alike.
pub(crate) fn separator(text: &str, said: Option<char>, options: &str) -> Result<u8> {
    if let Some(c) = said {
        return u8::try_from(c)
            .ok()
            .filter(|b| b.is_ascii() && !b"\"\r\n".contains(b))
            .ok_or_else(|| {
                Error::new(
                    format!("{options}.separator"),
                    format!("{c:?} separates no cells"),
                    "give a comma, a semicolon, a tab or a bar",
                )
            });
    }
    let counts: Vec<[usize; 3]> = text
        .lines()
        .filter(|l| !l.trim().is_empty())
        .take(12)
        .map(|line| {
            let (mut quoted, mut counts) = (false, [0; 3]);
            for c in line.chars() {
                quoted ^= c == '"';
                if let (false, Some(k)) = (quoted, "\t;,".find(c)) {
                    counts[k] += 1;
                }
            }
            counts
        })
        .collect();
    // A title above the header has none of them, or another.
    let alike = |k: usize| {
        counts.iter().any(|c| {
            let same = counts.iter().filter(|o| o[k] == c[k]).count();
            c[k] > 0 && same * 5 >= counts.len() * 3
        })
    };
    let first = counts.iter().find(|c| **c != [0; 3]).unwrap_or(&[0; 3]);
    let best = (0..2)
        .find(|k| alike(*k) && (first[*k] > 0 || first[2] < 2))
        .or_else(|| (0..3).max_by_key(|k| (first[*k], 3 - k)));
    Ok(b"\t;,"[best.unwrap_or(2)])
}

/// The records of a text, each with the line on which it begins, counted from 1.
pub(crate) struct Records<'t> {
    bytes: &'t [u8],
    reader: csv::Reader<&'t [u8]>,
    ends: Ends,
}

pub(crate) fn records(text: &str, separator: u8) -> Records<'_> {
    let bytes = text.as_bytes();
    Records {
        bytes,
        reader: csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .from_reader(bytes),
        ends: Ends::default(),
    }
}

impl Records<'_> {
    /// Reads the next record into one that is there, and tells its line; `None` at the end.
    pub(crate) fn read(&mut self, record: &mut StringRecord) -> Result<Option<u64>> {
        match self.reader.read_record(record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                // The library stands before the LF of the line end above.
                let start = record.position().map_or(0, |p| p.byte() as usize);
                let rest = self.bytes[start..].iter();
                let start = start + rest.take_while(|b| b"\r\n".contains(b)).count();
                Ok(Some(1 + self.ends.count(self.bytes, start)))
            }
            Err(_) => Err(Error::new(
                "",
                "its lines cannot be parted into cells",
                "give a text with a header line, and cells parted by commas, semicolons or tabs",
            )),
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(u64, StringRecord)>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = StringRecord::new();
        let line = self.read(&mut record).transpose()?;
        Some(line.map(|line| (line, record)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_said_to_be_written() {
        let style = |decimal, thousands| Style {
            told: true,
            decimal,
            thousands,
        };
        for (cell, decimal, thousands, wanted) in [
            ("1.5", '.', None, Some(1.5)),
            ("1,5", '.', None, None),
            ("1,5", ',', None, Some(1.5)),
            ("1.5", ',', None, None),
            ("1.234,5", ',', Some('.'), Some(1234.5)),
            ("1.23,5", ',', Some('.'), None),
            ("-12,345,678.25", '.', Some(','), Some(-12_345_678.25)),
            ("1234,567", '.', Some(','), None),
            ("1\u{202f}234", '.', Some(' '), Some(1234.0)),
            ("1'234", '.', Some('\''), Some(1234.0)),
            ("12", '.', Some(','), Some(12.0)),
            ("1e3", ',', None, Some(1000.0)),
            (",5", ',', None, Some(0.5)),
        ] {
            assert_eq!(style(decimal, thousands).number(cell), wanted, "{cell}");
        }
    }

    #[test]
    fn points_that_may_part_thousands_are_seen() {
        let said = |cells: &[&'static str], sign| thousands_by_points(cells.iter().copied(), sign);
        assert_eq!(said(&["3.000", "500", "2.500"], b','), Some("3.000"));
        assert_eq!(said(&["3.015", "2.500"], b';'), Some("3.015"));
        for decimal in [
            &["3.015", "2.500"][..],
            &["0.125", "2.500", "7"],
            &["3.000", "5000", "2.500"],
            &["3.000", "0", "2.500"],
            &["3.000", "500"],
            &["3.5", "500", "2.500"],
        ] {
            assert_eq!(said(decimal, b','), None, "{decimal:?}");
        }
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        for text in [
            "a,b\n1,2\n\n3,\"x\ny\"\n5,6\n",
            "a,b\r\n1,2\r\n\r\n3,\"x\r\ny\"\r\n5,6\r\n",
            "a,b\r1,2\r\r3,\"x\ry\"\r5,6\r",
        ] {
            let lines: Vec<u64> = records(text, b',').map(|r| r.expect("cells").0).collect();
            assert_eq!(lines, [1, 2, 4, 6], "{text:?}");
        }
    }

    #[test]
    fn separators_are_found_below_titles_and_beside_decimal_commas() {
        for (text, wanted) in [
            ("a,b\n1,2\n", b','),
            ("a;b;c\nx;1,5;2,5\ny;1,5;2,5\n", b';'),
            ("Flows, 2020\ns;a;b\na;1,0;2,0\nb;1,0;2,0\n", b';'),
            ("a\tb\n1,2\t3\n", b'\t'),
            ("\"a;b\",c\n1,2\n", b','),
        ] {
            assert_eq!(separator(text, None, "x"), Ok(wanted), "{text}");
        }
    }
}
