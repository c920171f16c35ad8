//! Tables on disk: the three formats, each with the text that says what the table is.

use super::store::About;
use crate::error::{Error, Result};
use crate::files::Part;
use crate::memory;
use polars::prelude::{
    Column, CsvReadOptions, CsvWriter, DataFrame, DataType, IpcReader, IpcWriter, KeyValueMetadata,
    ParquetReader, ParquetWriter, PolarsError, SerReader, SerWriter,
};
use std::fs::File;
use std::io::Write;
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
        match path.extension().and_then(|e| e.to_str()) {
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
    let fail = |e: std::io::Error| unwritten(path, &e);
    about.columns = frame
        .columns()
        .iter()
        .map(|c| (c.name().to_string(), type_name(c.dtype())))
        .collect();
    if format != Format::Csv {
        about.checksum = checksum(about, |sum| hash(frame, sum)).map_err(fail)?;
        let text = serde_json::to_string(about).map_err(|e| fail(e.into()))?;
        let part = Part::write(path, |file| {
            let written: std::result::Result<(), PolarsError> = match format {
                Format::Parquet => ParquetWriter::new(file)
                    .with_key_value_metadata(Some(KeyValueMetadata::from_static(vec![(
                        KEY.into(),
                        text,
                    )])))
                    .finish(frame)
                    .map(|_| ()),
                _ => {
                    let mut writer = IpcWriter::new(file);
                    writer.set_custom_schema_metadata(Arc::new(
                        [(KEY.into(), text.into())].into_iter().collect(),
                    ));
                    writer.finish(frame)
                }
            };
            written.map_err(std::io::Error::other)
        });
        return Ok(vec![part.map_err(fail)?]);
    }
    // Of a CSV file the bytes are summed: numbers in it are texts.
    let mut bytes = Vec::new();
    let written = CsvWriter::new(&mut bytes).finish(frame);
    written.map_err(|e| fail(std::io::Error::other(e)))?;
    about.checksum = checksum(about, |sum| {
        sum.update(&bytes);
        Ok(())
    })
    .map_err(fail)?;
    let text = serde_json::to_string(about).map_err(|e| fail(e.into()))? + "\n";
    let table = Part::write(path, |file| file.write_all(&bytes)).map_err(fail)?;
    let facts = Part::write(&sidecar(path), |file| file.write_all(text.as_bytes()));
    // The facts after the table: new facts with old numbers would be believed.
    Ok(vec![table, facts.map_err(fail)?])
}

/// A file that could not be written.
pub(super) fn unwritten(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        path.display().to_string(),
        format!("it cannot be written: {error}"),
        "check that the folder exists, may be written to and has room",
    )
}

/// The sum over what a file says of itself and its table.
fn checksum(
    about: &About,
    table: impl FnOnce(&mut Xxh3) -> std::io::Result<()>,
) -> std::io::Result<String> {
    let about = About {
        checksum: String::new(),
        ..about.clone()
    };
    let mut sum = Xxh3::new();
    sum.update(&serde_json::to_vec(&about)?);
    table(&mut sum)?;
    Ok(format!("{:016x}", sum.digest()))
}

/// Adds the cells of a table to a sum, column by column.
fn hash(frame: &DataFrame, sum: &mut Xxh3) -> std::io::Result<()> {
    for column in frame.columns() {
        let series = column.as_materialized_series();
        let nulls = series.null_count();
        sum.update(&(nulls as u64).to_le_bytes());
        match series.dtype() {
            DataType::Float64 if nulls == 0 => {
                for chunk in series.f64().map_err(std::io::Error::other)?.downcast_iter() {
                    sum.update(bytemuck::cast_slice(chunk.values().as_slice()));
                }
            }
            DataType::UInt32 if nulls == 0 => {
                for chunk in series.u32().map_err(std::io::Error::other)?.downcast_iter() {
                    sum.update(bytemuck::cast_slice(chunk.values().as_slice()));
                }
            }
            DataType::String => {
                for cell in series.str().map_err(std::io::Error::other)?.iter() {
                    // The length parts a cell from the next, and one that is missing from all.
                    let length = cell.map_or(u64::MAX, |c| c.len() as u64);
                    sum.update(&length.to_le_bytes());
                    sum.update(cell.unwrap_or_default().as_bytes());
                }
            }
            _ => {
                for cell in series.iter() {
                    sum.update(format!("{cell:?}\n").as_bytes());
                }
            }
        }
    }
    Ok(())
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
    let file = File::open(path).map_err(|e| fail(e.to_string(), "check the path"))?;
    let about = file
        .metadata()
        .map_err(|e| fail(e.to_string(), "check the path"))?;
    if !about.is_file() {
        return Err(fail("it is not a file".into(), "give a file"));
    }
    let name = match format {
        Format::Parquet => "Parquet",
        Format::Arrow => "Arrow",
        Format::Csv => "CSV",
    };
    let damaged = || {
        fail(
            format!("it is no readable {name} file"),
            "the file is damaged or of another format",
        )
    };
    // The library's readers panic on some damaged files.
    let table = catch_unwind(AssertUnwindSafe(|| table(path, format, file, about.len())));
    let (frame, text) = table.map_err(|_| damaged())?.map_err(|fault| match fault {
        Fault::Ours(e) => e,
        Fault::Damaged => damaged(),
    })?;
    let about = match &text {
        Some(text) => serde_json::from_str::<About>(text).map_err(|_| {
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
    if !about.mark.is_empty() {
        let sum = checksum(&about, |sum| match format {
            Format::Csv => {
                sum.update(&std::fs::read(path)?);
                Ok(())
            }
            _ => hash(&frame, sum),
        });
        if sum.ok().as_ref() != Some(&about.checksum) {
            let remedy = match format {
                Format::Csv => format!(
                    "get it again; where the change is an edit that is meant, delete {}, and read the table by network_from_frames, \
                     Observation::from_values and the like",
                    sidecar(path).display()
                ),
                _ => "get it again, or write it again".into(),
            };
            return Err(fail(
                "it changed since bullwhip wrote it: a damaged copy, an interrupted save, or an edit".into(),
                &remedy,
            ));
        }
    }
    if format != Format::Csv {
        return Ok((frame, about));
    }
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
    Ok((DataFrame::new_infer_height(columns?)?, about))
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

/// The table of a file of so many bytes, and the text that says what it is.
fn table(
    path: &Path,
    format: Format,
    file: File,
    bytes: u64,
) -> std::result::Result<(DataFrame, Option<String>), Fault> {
    match format {
        Format::Parquet => {
            let mut reader = ParquetReader::new(file);
            let metadata = reader.get_metadata()?.clone();
            let cells = metadata.num_rows as f64 * metadata.schema_descr.columns().len() as f64;
            within(path, cells)?;
            for group in &metadata.row_groups {
                for column in group.parquet_columns() {
                    let (length, values) = (column.compressed_size(), column.num_values());
                    let fits = (0..=bytes as i64).contains(&length)
                        && (0..=metadata.num_rows as i64).contains(&values);
                    if !fits {
                        return Err(Fault::Damaged);
                    }
                    within(path, column.uncompressed_size() as f64 / 8.0)?;
                }
            }
            let pairs = metadata.key_value_metadata.iter().flatten();
            let text = pairs.filter(|p| p.key == KEY).find_map(|p| p.value.clone());
            Ok((reader.finish()?, text))
        }
        Format::Arrow => {
            let mut reader = IpcReader::new(file);
            let metadata = reader.custom_metadata()?;
            let text = metadata.and_then(|m| m.get(KEY).map(|t| t.to_string()));
            Ok((reader.finish()?, text))
        }
        Format::Csv => {
            // As text first: a code such as 01 is no number.
            let options = CsvReadOptions::default().with_infer_schema_length(Some(0));
            let frame = options.into_reader_with_file_handle(file).finish()?;
            Ok((frame, std::fs::read_to_string(sidecar(path)).ok()))
        }
    }
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
