//! Workbooks made in tests: xlsx and ods with nothing but their cells.

use std::io::{Cursor, Write};

/// A cell of a workbook.
#[derive(Clone)]
pub(crate) enum Cell<'a> {
    Text(&'a str),
    Number(f64),
    Empty,
}

/// The XML of one sheet.
pub(crate) fn sheet_xml(rows: &[Vec<Cell<'_>>]) -> String {
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
pub(crate) fn workbook(sheets: &[(&str, String)]) -> Vec<u8> {
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

/// An OpenDocument workbook of sheets with their names and the XML of their rows.
pub(crate) fn ods(sheets: &[(&str, String)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let kind = "application/vnd.oasis.opendocument.spreadsheet";
    let tables: String = sheets
        .iter()
        .map(|(name, rows)| format!("<table:table table:name=\"{name}\">{rows}</table:table>"))
        .collect();
    for (name, text) in [
        ("mimetype", kind.to_string()),
        (
            "META-INF/manifest.xml",
            format!(
                "<manifest:manifest><manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"{kind}\"></manifest:file-entry></manifest:manifest>"
            ),
        ),
        (
            "content.xml",
            format!(
                "<office:document-content><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
            ),
        ),
    ] {
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .expect("an entry");
        zip.write_all(text.as_bytes()).expect("packed");
    }
    zip.finish().expect("a workbook").into_inner()
}

/// The rows of an OpenDocument sheet; blank cells in a row are told by their number, as programs write them.
pub(crate) fn ods_rows(rows: &[Vec<Cell<'_>>]) -> String {
    let mut xml = String::new();
    for cells in rows {
        xml += "<table:table-row>";
        let mut blank = 0;
        for cell in cells {
            if matches!(cell, Cell::Empty) {
                blank += 1;
                continue;
            }
            if blank > 0 {
                xml += &format!("<table:table-cell table:number-columns-repeated=\"{blank}\"/>");
                blank = 0;
            }
            xml += &match cell {
                Cell::Text(t) => format!(
                    "<table:table-cell office:value-type=\"string\"><text:p>{t}</text:p></table:table-cell>"
                ),
                Cell::Number(v) => format!(
                    "<table:table-cell office:value-type=\"float\" office:value=\"{v}\"><text:p>{v}</text:p></table:table-cell>"
                ),
                Cell::Empty => String::new(),
            };
        }
        xml += "<table:table-cell table:number-columns-repeated=\"16000\"/></table:table-row>";
    }
    xml + "<table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>"
}
