//! Tables on disk: the three formats, each with the text that says what the table is.

use super::store::About;
use super::{blocks, pages};
use crate::error::{Error, Result};
use crate::files::{Part, contents, opened, unwritten};
use crate::memory;
use polars::prelude::{
    Column, CsvReadOptions, CsvWriter, DataFrame, DataType, IpcReader, IpcWriter, KeyValueMetadata,
    ParquetReader, ParquetWriter, PolarsError, SerReader, SerWriter,
};
use polars_buffer::Buffer;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

const KEY: &str = "bullwhip";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Parquet,
    Arrow,
    Csv,
}

impl Format {
    pub(super) fn of(path: &Path) -> Result<Self> {
        // As the file is called, in whatever case.
        let end = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match end.as_deref() {
            Some("parquet") => Ok(Format::Parquet),
            Some("arrow" | "ipc" | "feather") => Ok(Format::Arrow),
            Some("csv") => Ok(Format::Csv),
            _ => Err(Error::new(
                path.display().to_string(),
                "tables are Parquet, Arrow or CSV",
                "end the file's name in .parquet, .arrow or .csv",
            )),
        }
    }
}

fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// Types by name, as far as results have them.
fn types() -> [(&'static str, DataType); 8] {
    [
        ("text", DataType::String),
        ("f64", DataType::Float64),
        ("u32", DataType::UInt32),
        ("u64", DataType::UInt64),
        ("i64", DataType::Int64),
        ("bool", DataType::Boolean),
        ("date", DataType::Date),
        ("i32", DataType::Int32),
    ]
}

fn type_name(of: &DataType) -> String {
    types()
        .into_iter()
        .find(|t| t.1 == *of)
        .map_or_else(|| of.to_string(), |t| t.0.to_string())
}

/// Writes a table with what it is beside its place; the parts are to be placed in this order.
pub(super) fn write(path: &Path, frame: &mut DataFrame, about: &mut About) -> Result<Vec<Part>> {
    let format = Format::of(path)?;
    let fail = |e: std::io::Error| unwritten(path, "it", &e);
    let other = |e: PolarsError| unwritten(path, "it", &std::io::Error::other(e));
    about.columns = frame
        .columns()
        .iter()
        .map(|c| (c.name().to_string(), type_name(c.dtype())))
        .collect();
    about.checksum = NO_SUM.into();
    let text = |about: &About| serde_json::to_string(about).map_err(|e| fail(e.into()));
    let mut bytes = Vec::new();
    match format {
        Format::Parquet => {
            let facts = KeyValueMetadata::from_static(vec![(KEY.into(), text(about)?)]);
            let writer = ParquetWriter::new(&mut bytes).with_key_value_metadata(Some(facts));
            writer.finish(frame).map_err(other)?;
        }
        Format::Arrow => {
            let mut writer = IpcWriter::new(&mut bytes);
            writer.set_custom_schema_metadata(Arc::new(
                [(KEY.into(), text(about)?.into())].into_iter().collect(),
            ));
            writer.finish(frame).map_err(other)?;
        }
        Format::Csv => CsvWriter::new(&mut bytes).finish(frame).map_err(other)?,
    }
    if format != Format::Csv {
        // The sum takes its places once the bytes are written, as it is had meanwhile.
        let part = Part::write(path, |file| {
            let (sum, written) = std::thread::scope(|threads| {
                let sum = threads.spawn(|| (sums(&bytes), sum_of(&bytes, &[]).found));
                let written = file.write_all(&bytes);
                (sum.join(), written)
            });
            written?;
            let (places, sum) = sum.map_err(|_| std::io::Error::other("its sum cannot be had"))?;
            for at in places {
                file.seek(SeekFrom::Start(at.start as u64))?;
                file.write_all(sum.as_bytes())?;
            }
            Ok(())
        });
        return Ok(vec![part.map_err(fail)?]);
    }
    about.checksum = sum_of(text(about)?.as_bytes(), &bytes).found;
    let facts = text(about)? + "\n";
    let table = Part::write(path, |file| file.write_all(&bytes)).map_err(fail)?;
    let facts = Part::write(&sidecar(path), |file| file.write_all(facts.as_bytes()));
    // The facts after the table: new facts with old numbers would be believed.
    Ok(vec![table, facts.map_err(fail)?])
}

/// How the sum stands in what a file says of itself, before it is known.
const NO_SUM: &str = "0000000000000000";
/// What stands before it.
const SUM: &[u8] = b"\"checksum\":\"";

/// Where sums stand in a file: an Arrow file says what it is twice.
fn sums(bytes: &[u8]) -> Vec<Range<usize>> {
    let after = |at: usize| at + SUM.len()..at + SUM.len() + NO_SUM.len();
    let found = memchr::memmem::find_iter(bytes, SUM).map(after);
    found.filter(|r| r.end <= bytes.len()).collect()
}

/// The sum of a file, with noughts for what the file says that it is.
#[derive(Default)]
struct Sum {
    of_bytes: Xxh3,
    /// What the file says, and whether it says one and the same throughout.
    told: Option<Vec<u8>>,
    differ: bool,
}

impl Sum {
    /// Takes bytes in their order, and says how many: the rest may be a part of what is not there yet, unless these
    /// are the `last`.
    fn take(&mut self, bytes: &[u8], last: bool) -> usize {
        let mut from = 0;
        for at in sums(bytes) {
            self.of_bytes.update(&bytes[from..at.start]);
            self.of_bytes.update(NO_SUM.as_bytes());
            from = at.end;
            let said = &bytes[at];
            self.differ |= *self.told.get_or_insert_with(|| said.to_vec()) != said;
        }
        let unsure = if last {
            0
        } else {
            SUM.len() + NO_SUM.len() - 1
        };
        let end = bytes.len().saturating_sub(unsure).max(from);
        self.of_bytes.update(&bytes[from..end]);
        end
    }

    fn end(self) -> Sums {
        let said = |told: Vec<u8>| match self.differ {
            true => String::new(),
            false => String::from_utf8_lossy(&told).into_owned(),
        };
        Sums {
            told: self.told.map(said),
            found: format!("{:016x}", self.of_bytes.digest()),
        }
    }
}

/// What a file says that its sum is, if it says so, of two that differ neither; and what it is.
#[derive(Default)]
struct Sums {
    told: Option<String>,
    found: String,
}

impl Sums {
    fn differ(&self) -> bool {
        self.told.as_ref().is_some_and(|told| *told != self.found)
    }
}

/// The sum that a file says it has, and that of its bytes and of a table beside it.
fn sum_of(bytes: &[u8], table: &[u8]) -> Sums {
    let mut sum = Sum::default();
    sum.take(bytes, true);
    sum.of_bytes.update(table);
    sum.end()
}

/// The same of a file, piece by piece.
fn sum_of_file(mut file: File) -> std::io::Result<Sums> {
    let mut sum = Sum::default();
    let mut piece = vec![0; 1 << 20];
    let mut held = 0;
    loop {
        let more = file.read(&mut piece[held..])?;
        let all = held + more;
        let taken = sum.take(&piece[..all], more == 0);
        if more == 0 {
            return Ok(sum.end());
        }
        piece.copy_within(taken..all, 0);
        held = all - taken;
    }
}

/// A table, and what it says of itself; a file of others is a "table".
pub(super) fn read(path: &Path) -> Result<(DataFrame, About)> {
    let format = Format::of(path)?;
    let fail = |fact: String, remedy: &str| {
        Error::new(
            path.display().to_string(),
            format!("it cannot be read: {fact}"),
            remedy,
        )
    };
    let unread = |e: std::io::Error| fail(e.to_string(), "check the path");
    let beside = match format {
        Format::Csv => contents(&sidecar(path)).ok(),
        _ => None,
    };
    let beside = beside.and_then(|bytes| String::from_utf8(bytes).ok());
    let found = match format {
        Format::Arrow => arrow(path),
        Format::Parquet => parquet(path),
        Format::Csv => csv(path, beside.as_deref()),
    };
    let (table, sums) = found.map_err(unread)?;
    let changed = || {
        let remedy = match format {
            Format::Csv => format!(
                "get it again; where the change is an edit that is meant, delete {}, and read the table by network_from_frames, \
                 Observation::from_values and the like",
                sidecar(path).display()
            ),
            _ => "get it again, or write it again".into(),
        };
        fail(
            "it changed since bullwhip wrote it: a damaged copy, an interrupted save, or an edit"
                .into(),
            &remedy,
        )
    };
    if sums.differ() {
        return Err(changed());
    }
    let damaged = || {
        let name = match format {
            Format::Parquet => "Parquet",
            Format::Arrow => "Arrow",
            Format::Csv => "CSV",
        };
        fail(
            format!("it is no readable {name} file"),
            "the file is damaged or of another format",
        )
    };
    let (frame, inside) = table.map_err(|_| damaged())?.map_err(|fault| match fault {
        Fault::Ours(e) => e,
        Fault::Damaged => damaged(),
    })?;
    let about = match inside.or(beside) {
        Some(text) => serde_json::from_str::<About>(&text).map_err(|_| {
            fail(
                "what it says of itself is damaged, or of a later version of bullwhip".into(),
                "write it again with this version",
            )
        })?,
        None => About {
            kind: "table".into(),
            ..About::default()
        },
    };
    // Without a mark it is of another program, or of a version that knew none.
    if !about.mark.is_empty() && sums.told.as_ref() != Some(&about.checksum) {
        return Err(changed());
    }
    if format != Format::Csv {
        return Ok((frame, about));
    }
    let typed = catch_unwind(AssertUnwindSafe(|| typed(&frame, &about, &damaged)));
    Ok((typed.map_err(|_| damaged())??, about))
}

/// A table of texts with the types that its columns had, or, where nobody says so, that all their cells have.
fn typed(frame: &DataFrame, about: &About, damaged: &dyn Fn() -> Error) -> Result<DataFrame> {
    let columns: Result<Vec<Column>> = frame
        .columns()
        .iter()
        .map(|column| {
            let known = about.columns.iter().find(|c| c.0 == column.name().as_str());
            match known.and_then(|k| types().into_iter().find(|t| t.0 == k.1)) {
                Some((_, DataType::String)) => Ok(column.clone()),
                Some((_, of)) => column.strict_cast(&of).map_err(|_| damaged()),
                None => guessed(column),
            }
        })
        .collect();
    Ok(DataFrame::new_infer_height(columns?)?)
}

/// Why a table cannot be had.
enum Fault {
    /// Told in words.
    Ours(Error),
    /// By the library's readers.
    Damaged,
}

impl From<PolarsError> for Fault {
    fn from(_: PolarsError) -> Self {
        Fault::Damaged
    }
}

/// A table, and the text in its file that says what it is.
type Found = std::result::Result<(DataFrame, Option<String>), Fault>;

/// The same where the library's reader may fall over a damaged file, and the file's sums.
type Guarded = std::io::Result<(std::thread::Result<Found>, Sums)>;

/// The table of an Arrow file. Its blocks are looked through before, and its sum is had while it is read.
fn arrow(path: &Path) -> Guarded {
    let parts = blocks::Parts::of(opened(path)?)?;
    let (to_sum, to_read) = (opened(path)?, opened(path)?);
    let table = || -> Found {
        let unpacked = blocks::unpacked(&parts).ok_or(Fault::Damaged)?;
        within(path, unpacked / 8.0)?;
        let mut reader = IpcReader::new(to_read);
        let metadata = reader.custom_metadata()?;
        let text = metadata.and_then(|m| m.get(KEY).map(|t| t.to_string()));
        Ok((reader.finish()?, text))
    };
    std::thread::scope(|threads| {
        let sums = threads.spawn(|| sum_of_file(to_sum));
        let table = catch_unwind(AssertUnwindSafe(table));
        let unsummed = |_| Err(std::io::Error::other("its sum cannot be had"));
        Ok((table, sums.join().unwrap_or_else(unsummed)?))
    })
}

/// The table of a Parquet file, unless its bytes are not those that were written.
fn parquet(path: &Path) -> Guarded {
    let bytes = contents(path)?;
    let sums = sum_of(&bytes, &[]);
    if sums.differ() {
        return Ok((Ok(Err(Fault::Damaged)), sums));
    }
    let table = || -> Found {
        let bytes = Buffer::from(bytes);
        let mut reader = ParquetReader::new(Cursor::new(bytes.clone()));
        let metadata = reader.get_metadata()?.clone();
        let cells = metadata.num_rows as f64 * metadata.schema_descr.columns().len() as f64;
        within(path, cells)?;
        if sums.told.is_none() {
            pages::check(&bytes, &metadata).map_err(|_| Fault::Damaged)?;
        }
        let pairs = metadata.key_value_metadata.iter().flatten();
        let text = pairs.filter(|p| p.key == KEY).find_map(|p| p.value.clone());
        Ok((reader.finish()?, text))
    };
    Ok((catch_unwind(AssertUnwindSafe(table)), sums))
}

/// The table of a CSV file, with the text beside it that says what it is.
fn csv(path: &Path, beside: Option<&str>) -> Guarded {
    let bytes = contents(path)?;
    let sums = match beside {
        Some(text) => sum_of(text.trim_end_matches('\n').as_bytes(), &bytes),
        None => Sums::default(),
    };
    if sums.differ() {
        return Ok((Ok(Err(Fault::Damaged)), sums));
    }
    let table = || -> Found {
        // As text first: a code such as 01 is no number.
        let options = CsvReadOptions::default().with_infer_schema_length(Some(0));
        let reader = options.into_reader_with_file_handle(Cursor::new(bytes));
        Ok((reader.finish()?, None))
    };
    Ok((catch_unwind(AssertUnwindSafe(table)), sums))
}

/// Refuses a file that says that it has more cells than fit into memory.
fn within(path: &Path, cells: f64) -> std::result::Result<(), Fault> {
    let place = path.display().to_string();
    let what = "what the file says that it holds";
    memory::require(
        &place,
        what,
        8.0 * cells,
        "it is damaged, or read a part of it",
    )
    .map_err(Fault::Ours)
}

/// A column of text as numbers, where every cell is one and none is a code with a leading zero.
fn guessed(column: &Column) -> Result<Column> {
    let cells = column.str()?;
    let plain = |cell: &str| {
        let digits = cell.trim_start_matches('-');
        !(digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0."))
    };
    let all = |good: &dyn Fn(&str) -> bool| cells.iter().flatten().all(|c| plain(c) && good(c));
    if cells.null_count() == cells.len() {
        return Ok(column.clone());
    }
    let to = if all(&|c| c.parse::<i64>().is_ok()) {
        DataType::Int64
    } else if all(&|c| c.parse::<f64>().is_ok()) {
        DataType::Float64
    } else {
        return Ok(column.clone());
    };
    Ok(column.strict_cast(&to)?)
}
