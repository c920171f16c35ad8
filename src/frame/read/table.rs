//! Lines split into fields, the first lines kept so that the format can be guessed from them.

use super::cell::{shown, trim, were};
use super::input::{Block, Lines};
use super::panel::Panel;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::ops::Range;

/// Lines that are looked at before reading.
const HEAD: usize = 24;

/// A table of text. Each physical line is one record: a quote that is still open at the end of its
/// line is an error.
pub(super) struct Table<'a> {
    lines: Lines<'a>,
    head: Vec<String>,
    /// The sign between fields.
    pub(super) delimiter: u8,
    rows: Rows,
    /// Rows of data so far.
    data: usize,
    /// The first of the lines below the table, and how many there are.
    footer: Option<(usize, usize)>,
}

/// The lines of one block, split into fields.
pub(super) struct Rows {
    block: Block,
    delimiter: u8,
    record: Record,
    splitter: csv_core::Reader,
}

impl Rows {
    fn new(block: Block, delimiter: u8) -> Self {
        let splitter = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self {
            block,
            delimiter,
            record: Record::default(),
            splitter,
        }
    }

    /// Splits the next line that is not empty; false where there is none.
    fn advance(&mut self) -> Result<bool> {
        loop {
            let number = self.block.number() + 1;
            let Some(line) = self.block.next()? else {
                return Ok(false);
            };
            if !line.trim().is_empty() {
                self.record.line = number;
                self.record
                    .split(line, self.delimiter, &mut self.splitter)?;
                return Ok(true);
            }
        }
    }

    /// The next line that is not empty, split into fields.
    pub(super) fn next(&mut self) -> Result<Option<&Record>> {
        Ok(self.advance()?.then_some(&self.record))
    }

    /// The next line, which must have `columns` fields; empty ones after them are left out.
    pub(super) fn row(&mut self, columns: usize) -> Result<Option<&Record>> {
        match self.next()? {
            Some(record) => record.check(columns).map(|()| Some(record)),
            None => Ok(None),
        }
    }
}

/// The fields of one line.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Number of the line, counted from 1.
    pub(super) line: usize,
    text: String,
    fields: Vec<Range<usize>>,
    scratch: Vec<u8>,
    ends: Vec<usize>,
}

impl Record {
    /// Number of fields.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// A field without the blanks around it; empty where the line has no such field.
    pub(super) fn get(&self, k: usize) -> &str {
        trim(self.raw(k))
    }

    /// A field as it is written.
    pub(super) fn raw(&self, k: usize) -> &str {
        self.fields.get(k).map_or("", |r| &self.text[r.clone()])
    }

    /// All fields, trimmed.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|k| self.get(k))
    }

    /// True where no field has text.
    pub(super) fn is_blank(&self) -> bool {
        self.fields().all(str::is_empty)
    }

    /// True of a line of prose: one field, the first, that is no code.
    pub(super) fn is_note(&self) -> bool {
        let text = self.get(0);
        let one = !text.is_empty() && (1..self.len()).all(|k| self.get(k).is_empty());
        let prose = text.contains(char::is_whitespace)
            || text.starts_with(['_', '©', '-', '*', '(', '注', '数']);
        one && prose && !text.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Refuses a line that has not `columns` fields; empty ones after them do not count.
    pub(super) fn check(&self, columns: usize) -> Result<()> {
        let surplus = (columns..self.len()).any(|k| !self.get(k).is_empty());
        if self.len() < columns || surplus {
            return Err(Error::new(
                format!("line {}", self.line),
                format!("it has {} fields, but the header has {columns}", self.len()),
                "the line may be cut off, or a field with the delimiter in it is not quoted; download the file again",
            ));
        }
        Ok(())
    }

    fn split(&mut self, line: &str, delimiter: u8, splitter: &mut csv_core::Reader) -> Result<()> {
        self.fields.clear();
        self.text.clear();
        if memchr::memchr(b'"', line.as_bytes()).is_none() {
            self.text.push_str(line);
            let mut from = 0;
            for k in memchr::memchr_iter(delimiter, line.as_bytes()) {
                self.fields.push(from..k);
                from = k + 1;
            }
            self.fields.push(from..line.len());
            return Ok(());
        }
        // The quoted line goes through the CSV library, with the end that closes a record.
        splitter.reset();
        self.scratch.resize(line.len() + 2, 0);
        self.ends.resize(line.len() + 2, 0);
        let (result, used, written, ends) =
            splitter.read_record(line.as_bytes(), &mut self.scratch, &mut self.ends);
        let (closed, _, more, last) =
            splitter.read_record(b"\n", &mut self.scratch[written..], &mut self.ends[ends..]);
        let whole = result == csv_core::ReadRecordResult::InputEmpty && used == line.len();
        if !whole || closed != csv_core::ReadRecordResult::Record || more != 0 {
            return Err(Error::new(
                format!("line {}", self.line),
                "a quote is opened and not closed on this line",
                "close it, or double a quote that belongs to the text",
            ));
        }
        self.text
            .push_str(std::str::from_utf8(&self.scratch[..written]).unwrap_or_default());
        let mut from = 0;
        for end in &self.ends[..ends + last] {
            self.fields.push(from..*end);
            from = *end;
        }
        Ok(())
    }
}

impl<'a> Table<'a> {
    /// Reads the first lines and finds the sign between fields: a tab, semicolon or comma.
    pub(super) fn new(mut lines: Lines<'a>) -> Result<Self> {
        let mut head = Vec::new();
        let mut block = lines.block(HEAD)?.unwrap_or_default();
        while head.len() < HEAD
            && let Some(line) = block.next()?
        {
            head.push(line.to_string());
        }
        block.rewind();
        // A sheet was written with tabs.
        let delimiter = match lines.sheet {
            Some(_) => b'\t',
            None => delimiter(&head),
        };
        Ok(Self {
            lines,
            head,
            delimiter,
            rows: Rows::new(block, delimiter),
            data: 0,
            footer: None,
        })
    }

    /// The first lines.
    pub(super) fn head(&self) -> &[String] {
        &self.head
    }

    /// The first lines, split; a line that cannot be is left out.
    pub(super) fn head_records(&self) -> Vec<Vec<String>> {
        let mut splitter = csv_core::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .build();
        let mut record = Record::default();
        let mut rows = Vec::new();
        for line in &self.head {
            if record.split(line, self.delimiter, &mut splitter).is_ok() {
                rows.push(record.fields().map(String::from).collect());
            }
        }
        rows
    }

    /// The sheet, where the file is a workbook.
    pub(super) fn sheet(&self) -> Option<&str> {
        self.lines.sheet.as_deref()
    }

    /// The next line that is not empty, split into fields.
    pub(super) fn next(&mut self) -> Result<Option<&Record>> {
        while !self.rows.advance()? {
            match self.lines.block(1)? {
                Some(block) => self.rows.block = block,
                None => return Ok(None),
            }
        }
        Ok(Some(&self.rows.record))
    }

    /// The next line, which must have `columns` fields; empty ones after them are left out.
    pub(super) fn row(&mut self, columns: usize) -> Result<Option<&Record>> {
        match self.next()? {
            Some(record) => record.check(columns).map(|()| Some(record)),
            None => Ok(None),
        }
    }

    /// The next row of a table that may have notes below it; they end it, and must be followed by nothing else.
    pub(super) fn data_row(&mut self, columns: usize) -> Result<Option<&Record>> {
        if self.next()?.is_none() {
            return Ok(None);
        }
        if self.data > 0 && self.rows.record.is_note() {
            let first = self.rows.record.line;
            let mut count = 1;
            while let Some(record) = self.next()? {
                if !record.is_note() && !record.is_blank() {
                    return Err(Error::new(
                        format!("line {}", record.line),
                        format!("it stands below line {first}, which is a note and no row"),
                        "take out the lines that are no data",
                    ));
                }
                count += 1;
            }
            self.footer = Some((first, count));
            return Ok(None);
        }
        self.data += 1;
        self.rows.record.check(columns)?;
        Ok(Some(&self.rows.record))
    }

    /// A note on the lines below the table.
    pub(super) fn footer_note(&self) -> Option<String> {
        let (first, count) = self.footer?;
        Some(format!(
            "{} left out below the table, from line {first} on",
            were(count, "line")
        ))
    }

    /// The last line, where it has no line end.
    pub(super) fn unended(&self) -> Option<usize> {
        self.lines.unended
    }

    /// Reads all lines that are left, several blocks of them at a time, while the next ones are
    /// fetched. `read` puts the cells of one block into a panel of its own; these are joined in the
    /// order of the file, so that the result and the first error are those of one line after the other.
    pub(super) fn in_parallel(
        &mut self,
        panel: &mut Panel<'_>,
        read: impl Fn(&mut Rows, &mut Panel<'_>) -> Result<()> + Sync,
    ) -> Result<()> {
        let (delimiter, lines, read) = (self.delimiter, &mut self.lines, &read);
        let mut blocks = vec![std::mem::take(&mut self.rows.block)];
        while !blocks.is_empty() {
            let mut parts: Vec<_> = blocks.iter().map(|_| (panel.part(), Ok(()))).collect();
            let next = rayon::in_place_scope(|scope| {
                for (block, (part, done)) in blocks.into_iter().zip(&mut parts) {
                    scope.spawn(move |_| *done = read(&mut Rows::new(block, delimiter), part));
                }
                lines.blocks(2 * rayon::current_num_threads())
            });
            for (part, done) in parts {
                panel.absorb(part)?;
                done?;
            }
            blocks = next?;
        }
        Ok(())
    }

    /// The header below titles, which are lines with text in their first field only; and the titles.
    pub(super) fn header_below(&mut self) -> Result<(Header, Vec<String>)> {
        let mut titles = Vec::new();
        loop {
            let Some(record) = self.next()? else {
                return Err(Error::new(
                    "",
                    "no line has more than one field, so it has no header",
                    "check the sign between the fields; tabs, semicolons and commas are known",
                ));
            };
            if (1..record.len()).any(|k| !record.get(k).is_empty()) {
                break;
            }
            titles.push(record.get(0).to_string());
        }
        let record = &self.rows.record;
        let header = Header::of(record)?;
        titles.retain(|t| !t.is_empty());
        Ok((header, titles))
    }

    /// The header: the next line.
    pub(super) fn header(&mut self) -> Result<Header> {
        let Some(record) = self.next()? else {
            return Err(Error::new(
                "",
                "it has no header",
                "download the file again",
            ));
        };
        Header::of(record)
    }
}

/// The code of a cell that has its label too, `AT: Austria`.
pub(super) fn bare(text: &str, both: bool) -> &str {
    if !both {
        return text;
    }
    text.split_once(':').map_or(text, |(code, _)| code.trim())
}

/// The names of the columns.
#[derive(Debug)]
pub(super) struct Header {
    /// Its line.
    pub(super) line: usize,
    /// The names as written.
    pub(super) names: Vec<String>,
}

impl Header {
    fn of(record: &Record) -> Result<Self> {
        let header = Header {
            line: record.line,
            names: record.fields().map(String::from).collect(),
        };
        header.check()?;
        if let Some(name) = header.names.iter().find(|n| n.contains(char::is_control)) {
            return Err(super::names::control(
                &format!("line {}, header", header.line),
                name,
            ));
        }
        Ok(header)
    }

    /// Leaves out the labels of SDMX-CSV with both: `REF_AREA: Reference area` is REF_AREA. True where there
    /// were some; cells then read `AT: Austria`.
    pub(super) fn without_labels(&mut self) -> bool {
        let code = |n: &str| {
            n.split_once(':')
                .map(|(code, _)| code.trim().to_string())
                .filter(|code| {
                    !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                })
        };
        let both = self.names.iter().any(|n| {
            code(n).is_some_and(|c| {
                c == "geo" || c == "REF_AREA" || c == "TIME_PERIOD" || c == "OBS_VALUE"
            })
        });
        for name in self.names.iter_mut().filter(|_| both) {
            if let Some(code) = code(name) {
                *name = code;
            }
        }
        both
    }

    pub(super) fn check(&self) -> Result<()> {
        let mut seen = HashMap::new();
        for (k, name) in self.names.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
            if let Some(first) = seen.insert(name, k) {
                return Err(Error::new(
                    format!("line {}", self.line),
                    format!(
                        "columns {} and {} have the same name {}",
                        first + 1,
                        k + 1,
                        shown(name)
                    ),
                    "rename one of them",
                ));
            }
        }
        Ok(())
    }

    /// Number of columns; unnamed ones at the end do not count.
    pub(super) fn len(&self) -> usize {
        self.names
            .iter()
            .rposition(|n| !n.is_empty())
            .map_or(0, |k| k + 1)
    }

    /// The column with the first of `names` that there is; exactly as written before in any case.
    pub(super) fn find(&self, names: &[&str]) -> Option<usize> {
        names
            .iter()
            .find_map(|n| self.names.iter().position(|h| h == n))
            .or_else(|| {
                names
                    .iter()
                    .find_map(|n| self.names.iter().position(|h| h.eq_ignore_ascii_case(n)))
            })
    }

    /// The same, where there must be one.
    pub(super) fn need(&self, names: &[&str]) -> Result<usize> {
        self.find(names).ok_or_else(|| {
            let list: Vec<&str> = self.names.iter().take(30).map(String::as_str).collect();
            Error::new(
                format!("line {}", self.line),
                format!(
                    "there is no column `{}`",
                    names[..names.len().min(5)].join("` or `")
                ),
                format!(
                    "it has the columns {}; name yours with ReadOptions.columns",
                    list.join(", ")
                ),
            )
        })
    }

    /// "line 17, column `OBS_VALUE`".
    pub(super) fn place(&self, line: usize, column: usize) -> String {
        match self.names.get(column) {
            Some(name) if !name.is_empty() => format!("line {line}, column `{name}`"),
            _ => format!("line {line}, column {}", column + 1),
        }
    }
}

/// The sign between fields: the one of tab, semicolon and comma that the first line with any of them
/// has outside quotes, in this order; agencies put commas into the fields of the other two.
fn delimiter(head: &[String]) -> u8 {
    for line in head {
        let mut quoted = false;
        let outside: Vec<u8> = line
            .bytes()
            .filter(|b| {
                quoted ^= *b == b'"';
                !quoted
            })
            .collect();
        if let Some(sign) = b"\t;,".iter().find(|sign| outside.contains(sign)) {
            return *sign;
        }
    }
    b','
}
