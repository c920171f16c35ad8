//! Production indices: every format, hostile files, the agencies' own files, downloads, preparation.

#[path = "../common/folder.rs"]
mod folder;
#[path = "../common/workbook.rs"]
mod workbook;

mod adapters;
mod blocks;
mod downloads;
mod fieldwork;
mod hostile;
mod noted;
mod preparing;
mod published;

use bullwhip::Result;
use bullwhip::frame::read::parse;
use bullwhip::prelude::*;
use folder::Folder;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use workbook::{Cell, ods, ods_rows, sheet_xml, workbook};

/// The agencies' files, where the checkout has them beside it.
fn shared(file: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(file);
    if !path.exists() {
        println!("skipped: ../shared/data/{file} is not here");
        return None;
    }
    Some(path)
}

fn read_bytes(bytes: &[u8]) -> Result<Index> {
    parse(bytes, &ReadOptions::default())
}

fn good(text: &str) -> Index {
    read_bytes(text.as_bytes()).expect("a frame")
}

fn with(text: &str, options: &ReadOptions) -> Index {
    parse(text.as_bytes(), options).expect("a frame")
}

fn refused(bytes: &[u8]) -> String {
    read_bytes(bytes)
        .expect_err("this must be refused")
        .to_string()
}

fn refused_with(bytes: &[u8], options: &ReadOptions) -> String {
    parse(bytes, options)
        .expect_err("this must be refused")
        .to_string()
}

/// The text column of one row; empty where it is null.
fn text(index: &Index, column: &str, row: usize) -> String {
    let values = index
        .frame
        .column(column)
        .expect("a column")
        .str()
        .expect("text");
    values.get(row).unwrap_or_default().to_string()
}

fn values(index: &Index) -> Vec<Option<f64>> {
    let values = index
        .frame
        .column("value")
        .expect("a column")
        .f64()
        .expect("numbers");
    values.iter().collect()
}

fn span(index: &Index) -> ((i32, u32), (i32, u32)) {
    let all = months(&index.frame).expect("months");
    (all[0], all[all.len() - 1])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("packed");
    out.finish().expect("packed")
}
