//! Production indices: every format, hostile files, the agencies' own files, downloads, preparation.

mod adapters;
mod downloads;
mod hostile;
mod preparing;
mod published;

use bullwhip::Result;
use bullwhip::frame::read::parse;
use bullwhip::prelude::*;
use std::io::{Cursor, Write};
use std::path::PathBuf;

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

/// A cell of a workbook.
enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    Empty,
}

/// The XML of one sheet.
fn sheet_xml(rows: &[Vec<Cell<'_>>]) -> String {
    let column = |k: usize| {
        let letter = |n: usize| char::from(b'A' + n as u8);
        if k < 26 {
            letter(k).to_string()
        } else {
            format!("{}{}", letter(k / 26 - 1), letter(k % 26))
        }
    };
    let mut xml = String::from(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>",
    );
    for (r, cells) in rows.iter().enumerate() {
        xml += &format!("<row r=\"{}\">", r + 1);
        for (k, cell) in cells.iter().enumerate() {
            let at = format!("{}{}", column(k), r + 1);
            xml += &match cell {
                Cell::Text(t) => format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{t}</t></is></c>"),
                Cell::Number(v) => format!("<c r=\"{at}\"><v>{v}</v></c>"),
                Cell::Empty => String::new(),
            };
        }
        xml += "</row>";
    }
    xml + "</sheetData></worksheet>"
}

/// A workbook of sheets with their names and XML.
fn workbook(sheets: &[(&str, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, text: &str| {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .expect("an entry");
        zip.write_all(text.as_bytes()).expect("packed");
    };
    let ns = "http://schemas.openxmlformats.org";
    let mut types = format!(
        "<Types xmlns=\"{ns}/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/>"
    );
    let mut list = String::new();
    let mut links = String::new();
    for (k, (name, xml)) in sheets.iter().enumerate() {
        let n = k + 1;
        types += &format!(
            "<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>"
        );
        list += &format!("<sheet name=\"{name}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>");
        links += &format!(
            "<Relationship Id=\"rId{n}\" Type=\"{ns}/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"
        );
        put(&format!("xl/worksheets/sheet{n}.xml"), xml);
    }
    put("[Content_Types].xml", &(types + "</Types>"));
    put(
        "_rels/.rels",
        &format!(
            "<Relationships xmlns=\"{ns}/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{ns}/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        ),
    );
    put(
        "xl/workbook.xml",
        &format!(
            "<workbook xmlns=\"{ns}/spreadsheetml/2006/main\" xmlns:r=\"{ns}/officeDocument/2006/relationships\"><sheets>{list}</sheets></workbook>"
        ),
    );
    put(
        "xl/_rels/workbook.xml.rels",
        &format!(
            "<Relationships xmlns=\"{ns}/package/2006/relationships\">{links}</Relationships>"
        ),
    );
    zip.finish().expect("a workbook").into_inner()
}

/// A folder of its own for a test; it goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bullwhip-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
