//! From a file's bytes to lines of text: gzip, encodings, and whatever is no text at all.

use super::ReadOptions;
use super::{documents, workbook};
use crate::error::{Error, Result};
use crate::progress::Progress;
use encoding_rs::{Decoder, DecoderResult, Encoding};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// Longer lines are no table of an agency: the longest known have some 100 kB.
const LONGEST_LINE: usize = 4 << 20;
/// What gzip may unpack to unless `ReadOptions.max_unpacked` says otherwise.
const UNPACKED: u64 = 4 << 30;
/// Bytes that it may unpack to, whatever the ratio to the packed ones.
const LITTLE: u64 = 16 << 20;
/// How many bytes one may unpack to beyond that. Tables of figures unpack to 5 to 30 times their size, those that are
/// nearly all missing or repeat one number to some 100 times; gzip can do 1000.
const RATIO: u64 = 200;
/// Bytes of whole lines that are handed on together.
const BLOCK: usize = 1 << 20;

/// A file's text, block by block.
pub(super) struct Lines<'a> {
    reader: Box<dyn BufRead + 'a>,
    /// What was read of the line after the last block.
    rest: Vec<u8>,
    /// Lines of the blocks so far.
    number: usize,
    /// Why nothing can be read after the last block.
    failed: Option<Error>,
    /// Bytes of the file that were taken so far.
    taken: Rc<Cell<u64>>,
    progress: &'a mut dyn Progress,
    /// The last line, where it has no line end.
    pub(super) unended: Option<usize>,
    /// The sheet, where the text was a workbook.
    pub(super) sheet: Option<String>,
}

/// Whole lines, one after the other, with their numbers.
#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: Vec<u8>,
    at: usize,
    number: usize,
}

impl Block {
    /// Number of the line that was read last, counted from 1.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// To its first line again. It must be the file's first block.
    pub(super) fn rewind(&mut self) {
        (self.at, self.number) = (0, 0);
    }

    /// The next line, without its end.
    pub(super) fn next(&mut self) -> Result<Option<&str>> {
        let left = &self.bytes[self.at..];
        if left.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let length = memchr::memchr(b'\n', left).map_or(left.len(), |k| k + 1);
        let mut line = &left[..length];
        self.at += length;
        if line.len() > LONGEST_LINE {
            return Err(too_long(self.number));
        }
        while let [start @ .., b'\n' | b'\r'] = line {
            line = start;
        }
        if memchr::memchr2(0, b'\r', line).is_some() {
            return Err(not_text(line, self.number));
        }
        match std::str::from_utf8(line) {
            Ok(text) => Ok(Some(text)),
            Err(e) => Err(Error::new(
                format!("line {}", self.number),
                format!(
                    "it is not UTF-8 text: byte {:#04x} at position {}",
                    line[e.valid_up_to()],
                    e.valid_up_to() + 1
                ),
                "say how it is encoded: ReadOptions { encoding: Some(\"windows-1252\".into()) } (western Europe), \"shift_jis\" (Japan), \"euc-kr\" (Korea) or \"gbk\" (China)",
            )),
        }
    }
}

fn too_long(line: usize) -> Error {
    Error::new(
        format!("line {line}"),
        format!("the line is longer than {} MiB", LONGEST_LINE >> 20),
        "it is no table of an agency, or its line ends are lost; download it again",
    )
}

/// Why a line with a NUL byte or a carriage return inside is refused.
fn not_text(line: &[u8], number: usize) -> Error {
    let place = format!("line {number}");
    if line.contains(&0) {
        Error::new(
            place,
            "it holds a NUL byte, so it is no text in this encoding",
            "download it again; if it is UTF-16, say so: ReadOptions { encoding: Some(\"utf-16le\".into()) }",
        )
    } else {
        Error::new(
            place,
            "it holds a carriage return inside a line",
            "save the file with line ends LF or CRLF",
        )
    }
}

impl<'a> Lines<'a> {
    /// Lines of a file's contents, unpacked and decoded as its first bytes and `options` say.
    pub(super) fn new(
        raw: impl Read + 'a,
        options: &ReadOptions,
        progress: &'a mut dyn Progress,
    ) -> Result<Self> {
        let taken = Rc::new(Cell::new(0));
        let mut reader: Box<dyn BufRead + 'a> = Box::new(BufReader::with_capacity(
            1 << 16,
            Counted {
                inner: raw,
                taken: taken.clone(),
            },
        ));
        let mut gzip = false;
        if peek(&mut *reader)?.starts_with(&[0x1f, 0x8b]) {
            gzip = true;
            reader = Box::new(BufReader::with_capacity(
                1 << 16,
                Capped {
                    inner: flate2::bufread::MultiGzDecoder::new(reader),
                    most: options.max_unpacked.unwrap_or(UNPACKED),
                    ratio: options.max_unpacked.map_or(RATIO, |_| u64::MAX),
                    unpacked: 0,
                    taken: taken.clone(),
                },
            ));
        }
        let mut sheet = None;
        let start = peek(&mut *reader)?;
        if let Some((what, remedy)) = foreign(start) {
            return Err(Error::new("", format!("it is {what}, not text"), remedy));
        }
        if start.starts_with(b"PK\x03\x04") {
            let cap = options.max_unpacked.unwrap_or(crate::workbook::UNPACKED);
            let (name, text) = workbook::text(reader, cap, options.sheet.as_deref())?;
            sheet = Some(name);
            reader = Box::new(Cursor::new(text.into_bytes()));
        } else if let Some(encoding) = encoding(start, options)? {
            reader = Box::new(BufReader::with_capacity(
                1 << 16,
                Decoded::new(reader, encoding),
            ));
        } else if start.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        let start = peek(&mut *reader)?;
        if let Ok(text) = std::str::from_utf8(&start[..start.len().min(4096)])
            .or_else(|e| std::str::from_utf8(&start[..e.valid_up_to()]))
            && documents::begins(text)
        {
            // The whole of its beginning, as data in XML and JSON may be one long line.
            documents::refuse(&String::from_utf8_lossy(start))?;
        }
        if start.is_empty() {
            let what = if gzip {
                "nothing is packed in it"
            } else {
                "it is empty"
            };
            return Err(Error::new("", what, "download the file again"));
        }
        Ok(Self {
            reader,
            rest: Vec::new(),
            number: 0,
            failed: None,
            taken,
            progress,
            unended: None,
            sheet,
        })
    }

    /// Whole lines: at least `lines` of them and a block's worth, or what is left. An error comes after the
    /// lines before it.
    pub(super) fn block(&mut self, lines: usize) -> Result<Option<Block>> {
        if let Some(e) = self.failed.take() {
            return Err(e);
        }
        let first = self.number;
        if first > 0 {
            let done = (self.taken.get() >> 20) as usize;
            self.progress.update(done, &format!("{first} lines"));
            if self.progress.stop() {
                return Err(Error::new(
                    format!("line {}", first + 1),
                    "reading was stopped there",
                    "read the file again: a part of a panel is no panel",
                ));
            }
        }
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.reserve(BLOCK + BLOCK / 4);
        // The end of the last whole line, and how many there are.
        let (mut end, mut whole) = (0, 0);
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    let place = format!("line {}", first + whole + 1);
                    self.failed = Some(read_error(&e).within(place));
                    break;
                }
            };
            if chunk.is_empty() {
                if end < bytes.len() {
                    whole += 1;
                    self.unended = Some(first + whole);
                }
                end = bytes.len();
                break;
            }
            let (from, used) = (bytes.len(), chunk.len());
            bytes.extend_from_slice(chunk);
            whole += memchr::memchr_iter(b'\n', chunk).count();
            end = memchr::memrchr(b'\n', chunk).map_or(end, |k| from + k + 1);
            self.reader.consume(used);
            if bytes.len() - end > LONGEST_LINE {
                self.failed = Some(too_long(first + whole + 1));
                break;
            }
            if end >= BLOCK && whole >= lines {
                self.rest = bytes[end..].to_vec();
                break;
            }
        }
        self.number = first + whole;
        bytes.truncate(end);
        if bytes.is_empty() {
            return self.failed.take().map_or(Ok(None), Err);
        }
        Ok(Some(Block {
            bytes,
            at: 0,
            number: first,
        }))
    }

    /// The next blocks, at most `count` of them.
    pub(super) fn blocks(&mut self, count: usize) -> Result<Vec<Block>> {
        let mut blocks = Vec::with_capacity(count);
        while blocks.len() < count {
            match self.block(1) {
                Ok(Some(block)) => blocks.push(block),
                Ok(None) => break,
                Err(e) if blocks.is_empty() => return Err(e),
                Err(e) => {
                    self.failed = Some(e);
                    break;
                }
            }
        }
        Ok(blocks)
    }
}

fn peek(reader: &mut dyn BufRead) -> Result<&[u8]> {
    // An interrupted read is tried again; whatever else, once more below, has the same result.
    while let Err(e) = reader.fill_buf() {
        if e.kind() != io::ErrorKind::Interrupted {
            return Err(read_error(&e));
        }
    }
    reader.fill_buf().map_err(|e| read_error(&e))
}

/// What a file is that no reader here takes.
fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    let kinds: [(&[u8], &str, &str); 7] = [
        (
            b"\xd0\xcf\x11\xe0",
            "an old Excel workbook (.xls), or one with a password",
            "save it as .xlsx or CSV",
        ),
        (b"PAR1", "a Parquet file", "read it as a DataFrame"),
        (b"ARROW1", "an Arrow file", "read it as a DataFrame"),
        (b"%PDF", "a PDF document", "download the data as CSV"),
        (b"BZh", "compressed with bzip2", "unpack it first"),
        (b"\xfd7zXZ", "compressed with xz", "unpack it first"),
        (
            b"\x28\xb5\x2f\xfd",
            "compressed with zstd",
            "unpack it first",
        ),
    ];
    kinds
        .into_iter()
        .find(|(magic, ..)| start.starts_with(magic))
        .map(|(_, what, remedy)| (what, remedy))
}

/// The encoding to translate from: the one that was declared, or UTF-16 where a byte-order mark
/// says so. None is UTF-8.
fn encoding(start: &[u8], options: &ReadOptions) -> Result<Option<&'static Encoding>> {
    if let Some(label) = &options.encoding {
        let found = Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            Error::new(
                "ReadOptions.encoding",
                format!("there is no encoding {label:?}"),
                "known are utf-8, windows-1252, iso-8859-1, shift_jis, utf-16le and the others of the WHATWG list",
            )
        })?;
        return Ok((found != encoding_rs::UTF_8).then_some(found));
    }
    Ok(Encoding::for_bom(start)
        .map(|(found, _)| found)
        .filter(|found| *found != encoding_rs::UTF_8))
}

fn read_error(e: &io::Error) -> Error {
    if let Some(error) = e.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return error.clone();
    }
    let (fact, remedy) = match e.kind() {
        io::ErrorKind::UnexpectedEof => (
            "the compressed file is cut off here".into(),
            "download it again",
        ),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => (
            format!("the compressed data are damaged: {e}"),
            "download it again",
        ),
        _ => (format!("it cannot be read: {e}"), "check the file"),
    };
    Error::new("", fact, remedy)
}

/// Counts what is read of the file itself.
struct Counted<R> {
    inner: R,
    taken: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.taken.set(self.taken.get() + n as u64);
        Ok(n)
    }
}

/// Fails where more is unpacked than is allowed, or than a table can come to.
struct Capped<R> {
    inner: R,
    most: u64,
    ratio: u64,
    unpacked: u64,
    /// Packed bytes.
    taken: Rc<Cell<u64>>,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What the library runs out of is a damaged file.
        let read = catch_unwind(AssertUnwindSafe(|| self.inner.read(buffer)));
        let n = read.unwrap_or_else(|_| Err(io::ErrorKind::InvalidData.into()))?;
        self.unpacked += n as u64;
        if self.unpacked > self.most {
            return Err(io::Error::other(too_large()));
        }
        let taken = self.taken.get().max(1);
        if self.unpacked > LITTLE && self.unpacked / taken >= self.ratio {
            return Err(io::Error::other(too_dense(self.unpacked / taken)));
        }
        Ok(n)
    }
}

/// The refusal of a file that is no table, though it begins as one.
fn too_dense(ratio: u64) -> Error {
    Error::new(
        "",
        format!(
            "by here it unpacks to {ratio} times its size, and tables of figures to 5 to 100 times"
        ),
        "it repeats itself or was made to fill the memory: download it again; if it is meant to be so, give ReadOptions.max_unpacked (bytes), with which any ratio passes",
    )
}

/// The refusal of a bomb.
pub(super) fn too_large() -> Error {
    Error::new(
        "",
        "it unpacks to more than is allowed (4 GiB of gzip, 256 MiB of a workbook, or ReadOptions.max_unpacked)",
        "if the file is meant to be so large, raise ReadOptions.max_unpacked (bytes)",
    )
}

/// Translates to UTF-8. A sequence that the encoding does not have is an error.
struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    text: Vec<u8>,
    at: usize,
    over: bool,
}

impl<R: BufRead> Decoded<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_with_bom_removal(),
            text: Vec::new(),
            at: 0,
            over: false,
        }
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.over {
            let chunk = self.inner.fill_buf()?;
            let last = chunk.is_empty();
            self.text.resize(4 * chunk.len() + 16, 0);
            let (result, read, written) =
                self.decoder
                    .decode_to_utf8_without_replacement(chunk, &mut self.text, last);
            self.inner.consume(read);
            self.text.truncate(written);
            (self.at, self.over) = (0, last && result == DecoderResult::InputEmpty);
            if let DecoderResult::Malformed(..) = result {
                return Err(io::Error::other(Error::new(
                    "",
                    format!(
                        "near here it is not {} text",
                        self.decoder.encoding().name()
                    ),
                    "check ReadOptions.encoding",
                )));
            }
        }
        let n = buffer.len().min(self.text.len() - self.at);
        buffer[..n].copy_from_slice(&self.text[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
