//! Tables on disk: the three formats, each with the text that says what the table is.

use super::store::About;
use crate::error::{Error, Result};
use crate::files::write_whole;
use polars::prelude::{
    Column, CsvReadOptions, CsvWriter, DataFrame, DataType, IpcReader, IpcWriter, KeyValueMetadata,
    ParquetReader, ParquetWriter, PolarsError, SerReader, SerWriter,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// Writes a table with what it is; a file is whole or absent.
pub(super) fn write(path: &Path, frame: &mut DataFrame, about: &mut About) -> Result<()> {
    let format = Format::of(path)?;
    let fail = |fact: String| {
        let remedy = "check that the folder exists, may be written to and has room";
        Error::new(
            path.display().to_string(),
            format!("it cannot be written: {fact}"),
            remedy,
        )
    };
    about.columns = frame
        .columns()
        .iter()
        .map(|c| (c.name().to_string(), type_name(c.dtype())))
        .collect();
    let text = serde_json::to_string(about).map_err(|e| fail(e.to_string()))?;
    if format == Format::Csv {
        std::fs::write(sidecar(path), text.clone() + "\n").map_err(|e| fail(e.to_string()))?;
    }
    let written = write_whole(path, |file| {
        let written: std::result::Result<(), PolarsError> = match format {
            Format::Parquet => ParquetWriter::new(file)
                .with_key_value_metadata(Some(KeyValueMetadata::from_static(vec![(
                    KEY.into(),
                    text,
                )])))
                .finish(frame)
                .map(|_| ()),
            Format::Arrow => {
                let mut writer = IpcWriter::new(file);
                writer.set_custom_schema_metadata(Arc::new(
                    [(KEY.into(), text.into())].into_iter().collect(),
                ));
                writer.finish(frame)
            }
            Format::Csv => CsvWriter::new(file).finish(frame),
        };
        written.map_err(std::io::Error::other)
    });
    written.map_err(|e| fail(e.to_string()))
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
    let damaged = |e: PolarsError| fail(e.to_string(), "the file is damaged or of another format");
    let file = File::open(path).map_err(|e| fail(e.to_string(), "check the path"))?;
    let (frame, text): (DataFrame, Option<String>) = match format {
        Format::Parquet => {
            let mut reader = ParquetReader::new(file);
            let metadata = reader.get_metadata().map_err(damaged)?;
            let pairs = metadata.key_value_metadata.iter().flatten();
            let text = pairs.filter(|p| p.key == KEY).find_map(|p| p.value.clone());
            (reader.finish().map_err(damaged)?, text)
        }
        Format::Arrow => {
            let mut reader = IpcReader::new(file);
            let metadata = reader.custom_metadata().map_err(damaged)?;
            let text = metadata.and_then(|m| m.get(KEY).map(|t| t.to_string()));
            (reader.finish().map_err(damaged)?, text)
        }
        Format::Csv => {
            // As text first: a code such as 01 is no number.
            let options = CsvReadOptions::default().with_infer_schema_length(Some(0));
            let frame = options
                .into_reader_with_file_handle(file)
                .finish()
                .map_err(damaged)?;
            (frame, std::fs::read_to_string(sidecar(path)).ok())
        }
    };
    let about = match text {
        Some(text) => serde_json::from_str::<About>(&text).map_err(|e| {
            fail(
                format!("what it says of itself is damaged: {e}"),
                "write it again",
            )
        })?,
        None => About {
            kind: "table".into(),
            ..About::default()
        },
    };
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
                Some((_, of)) => column.strict_cast(&of).map_err(damaged),
                None => guessed(column),
            }
        })
        .collect();
    Ok((DataFrame::new_infer_height(columns?)?, about))
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
