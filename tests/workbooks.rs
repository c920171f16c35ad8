//! Input-output tables from workbooks: equal to the text of the same cells, the right sheet, refusals.

mod common {
    pub(crate) mod shared;
    pub(crate) mod workbook;
}

use bullwhip::Result;
use bullwhip::prelude::*;
use bullwhip::table::parse_table;
use common::shared::shared;
use common::workbook::{Cell, ods, ods_rows, sheet_xml, workbook};
use proptest::prelude::*;
use std::io::{Cursor, Write};

const SMALL: &str = "sector,farms,mills,consumption,exports,output\nfarms,10,80,8,2,100\nmills,20,40,100,40,200\nwages,70,80,,,\n";
const NOTES: &str = "Table 1: flows,\nMillions,\nSource: the office,\n";
const COEFFICIENTS: &str = "sector,farms,mills\nfarms,0.1,0.4\nmills,0.2,0.2\n";

/// The cells of a text: numbers where they are numbers.
fn cells(text: &str) -> Vec<Vec<Cell<'_>>> {
    let cell = |t| match t {
        "" => Cell::Empty,
        t => t.parse().map_or(Cell::Text(t), Cell::Number),
    };
    text.lines()
        .map(|l| l.split(',').map(cell).collect())
        .collect()
}

fn xlsx(sheets: &[(&str, &str)]) -> Vec<u8> {
    let sheets: Vec<_> = sheets
        .iter()
        .map(|(name, text)| (*name, sheet_xml(&cells(text))))
        .collect();
    workbook(&sheets)
}

/// The same cells in both kinds of workbooks.
fn both(sheets: &[(&str, &str)]) -> [Vec<u8>; 2] {
    let open: Vec<_> = sheets
        .iter()
        .map(|(name, text)| (*name, ods_rows(&cells(text))))
        .collect();
    [xlsx(sheets), ods(&open)]
}

fn read(bytes: &[u8]) -> Result<InputOutput> {
    parse_table(bytes, None, &TableOptions::default())
}

fn on(name: &str) -> TableOptions {
    TableOptions {
        sheet: Some(name.into()),
        ..TableOptions::default()
    }
}

#[test]
fn a_workbook_is_the_text_of_its_cells() {
    // Wide, with a margin, a title and notes, two header lines, long, and of several regions.
    let shifted = ",,,,,,,\n,Flows of 2020,,,,,,\n,,,,,,(million),\n,sector,farms,mills,consumption,exports,output\n,farms,10,80,8,2,100\n,mills,20,40,100,40,200\n,wages,70,80,,,\n,Source: the office,,,,,\n";
    let long =
        "supplier,buyer,value\na,a,1\na,b,2\nb,a,3\nb,b,4\na,final demand,7\nb,final demand,3\n";
    let regions = "region,,N,N,S,S,N,S\n,sector,farms,mills,farms,mills,final demand,final demand\nN,farms,1,2,3,4,5,6\nN,mills,2,3,4,5,6,7\nS,farms,3,4,5,6,7,8\nS,mills,4,5,6,7,8,9\n";
    for text in [SMALL, shifted, long, regions] {
        let wanted = parse_table(text.as_bytes(), None, &TableOptions::default()).expect(text);
        for bytes in both(&[("IOT", text)]) {
            assert_eq!(read(&bytes).expect("a table"), wanted, "{text}");
        }
    }
    // Merged cells: only the first of a region's columns and rows has its name.
    let merged = regions
        .replace("N,N,S,S,", "N,,S,,")
        .replace("N,mills", ",mills")
        .replace("S,mills", ",mills");
    assert_ne!(merged, regions);
    let wanted = parse_table(regions.as_bytes(), None, &TableOptions::default()).expect("a table");
    for bytes in both(&[("IOT", &merged)]) {
        assert_eq!(read(&bytes).expect("a table"), wanted);
    }
    // Numbers that are kept as texts are numbers; wrapped names are one name.
    let typed = sheet_xml(&cells(SMALL))
        .replace(
            "<c r=\"B2\"><v>10</v></c>",
            "<c r=\"B2\" t=\"str\"><v>10</v></c>",
        )
        .replace("consumption", "final&#10;consumption");
    let read = read(&workbook(&[("IOT", typed)])).expect("a table");
    assert_eq!(read.flow(0, 0), 10.0);
    assert_eq!(read.demand[0].name, "final consumption");
}

#[test]
fn a_real_table_comes_back_from_both_kinds_of_workbooks() {
    for file in [
        "hungary_2020_65.csv",
        "germany_1995_6.csv",
        "wiod2013_japan_2010_35.csv",
        "japan_prefectures_2015_long.csv",
    ] {
        let Some(path) = shared(&format!("io/{file}")) else {
            return;
        };
        let text = std::fs::read_to_string(&path).expect("text");
        let text = text.trim_start_matches('\u{feff}').replace('&', "&amp;");
        let wanted = read_table(&path, &TableOptions::default()).expect("a table");
        for bytes in both(&[("a", &text)]) {
            assert_eq!(read(&bytes).expect("a table"), wanted, "{file}");
        }
    }
}

#[test]
fn the_sheet_that_is_a_table_is_found_or_named() {
    let wanted = read(SMALL.as_bytes()).expect("a table");
    let sheets = [
        ("Notes", NOTES),
        ("Flows", SMALL),
        ("Coefficients", COEFFICIENTS),
    ];
    for bytes in both(&sheets) {
        let found = read(&bytes).expect("the only table");
        assert_eq!(
            found.notes.last().expect("a note"),
            "sheet \"Flows\" is the only one of 3 that reads as a table"
        );
        assert_eq!(found.flows, wanted.flows);
        let named = parse_table(&bytes, None, &on("Flows")).expect("the named one");
        assert_eq!(named, wanted);
        let says = |options| {
            parse_table(&bytes, None, &options)
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            says(on("Flow")),
            "TableOptions.sheet: there is no sheet \"Flow\"; the workbook has \"Notes\", \"Flows\", \"Coefficients\""
        );
        assert!(
            says(on("Coefficients"))
                .starts_with("sheet \"Coefficients\": there is neither final demand nor output")
        );
    }
    let twice = [("2019", SMALL), ("2020", SMALL), ("Notes", NOTES)];
    for bytes in both(&twice) {
        assert_eq!(
            read(&bytes).expect_err("two tables").to_string(),
            "workbook: several of its sheets are tables: \"2019\", \"2020\"; say which is meant: TableOptions { sheet: Some(\"…\".into()), .. }"
        );
        assert!(parse_table(&bytes, None, &on("2020")).is_ok());
    }
    let bad = SMALL.replace("80,8", "x,8");
    for bytes in both(&[("Notes", NOTES), ("Flows", &bad)]) {
        let says = read(&bytes).expect_err("no table").to_string();
        println!("| no sheet is a table | {says} |");
        for part in [
            "none of its 2 sheets reads as a table: sheet \"Notes\"",
            " | sheet \"Flows\", cell C2 (mills): \"x\" is not a number",
            "TableOptions { sheet: Some(\"…\".into()), .. }",
        ] {
            assert!(says.contains(part), "{says:?} lacks {part:?}");
        }
    }
    // A sheet that is hidden is read when it is named.
    let hidden = workbook_with_hidden();
    assert!(read(&hidden).is_ok_and(|t| t.notes == wanted.notes));
    assert!(parse_table(&hidden, None, &on("2020")).is_ok());
}

/// Two tables, the second hidden.
fn workbook_with_hidden() -> Vec<u8> {
    let bytes = xlsx(&[("2019", SMALL), ("2020", SMALL)]);
    let mut from = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for k in 0..from.len() {
        let entry = from.by_index(k).expect("an entry");
        let name = entry.name().to_string();
        let text = std::io::read_to_string(entry).expect("text");
        let text = text.replace("name=\"2020\"", "name=\"2020\" state=\"hidden\"");
        to.start_file(name, zip::write::SimpleFileOptions::default())
            .expect("an entry");
        to.write_all(text.as_bytes()).expect("packed");
    }
    to.finish().expect("a workbook").into_inner()
}

#[test]
fn final_demand_may_be_on_a_sheet_of_its_own() {
    let flows = "sector,farms,mills\nfarms,10,80\nmills,20,40\n";
    let demand = "sector,consumption,exports\nmills,100,40\nfarms,8,2\n";
    let wanted = parse_table(
        flows.as_bytes(),
        Some(demand.as_bytes()),
        &TableOptions::default(),
    )
    .expect("a table");
    for bytes in both(&[("Z", flows), ("Y", demand)]) {
        let options = TableOptions {
            final_demand_sheet: Some("Y".into()),
            ..on("Z")
        };
        assert_eq!(
            parse_table(&bytes, Some(&bytes), &options).expect("a table"),
            wanted
        );
        let says = parse_table(&bytes, Some(&bytes), &on("Z")).expect_err("which sheet");
        assert_eq!(
            says.to_string(),
            "final demand file, workbook: it has several sheets: \"Z\", \"Y\"; choose one with TableOptions.final_demand_sheet"
        );
    }
}

#[test]
fn transposed_sheets_name_the_cells_of_the_file() {
    let turned = "sector,farms,mills,wages\nfarms,10,20,70\nmills,80,40,80\nconsumption,8,100,\nexports,2,40,\noutput,100,200,\n";
    let options = TableOptions {
        orientation: Orientation::BuyersInRows,
        ..TableOptions::default()
    };
    let wanted = read(SMALL.as_bytes()).expect("a table");
    for bytes in both(&[("a", turned)]) {
        let read = parse_table(&bytes, None, &options).expect("a table");
        assert_eq!(
            (read.flows, read.output),
            (wanted.flows.clone(), wanted.output.clone())
        );
    }
    let bad = turned.replace("mills,80", "mills,x");
    let says = |bytes: &[u8]| {
        let e = parse_table(bytes, None, &options).expect_err("refused");
        e.to_string()
    };
    assert!(says(&xlsx(&[("a", &bad)])).starts_with("sheet \"a\", cell B3 (mills): \"x\""));
    assert!(says(bad.as_bytes()).starts_with("line 3, column 2 (mills): \"x\""));
}

fn says(name: &str, bytes: &[u8], expected: &[&str]) {
    let message =
        read(bytes).map_or_else(|e| e.to_string(), |t| panic!("{name}: accepted as {t:?}"));
    println!("| {name} | {message} |");
    for part in expected {
        assert!(message.contains(part), "{name}: {message:?} lacks {part:?}");
    }
}

/// `SMALL` with one cell replaced by other XML.
fn with_cell(xml: &str) -> Vec<u8> {
    let sheet = sheet_xml(&cells(SMALL));
    let changed = sheet.replace("<c r=\"C3\"><v>40</v></c>", xml);
    assert_ne!(sheet, changed);
    workbook(&[("IOT", changed)])
}

fn zipped(name: &str, text: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default())
        .expect("an entry");
    zip.write_all(text.as_bytes()).expect("packed");
    zip.finish().expect("an archive").into_inner()
}

#[test]
fn hostile_workbooks_get_an_error_that_helps() {
    let [whole, open] = both(&[("IOT", SMALL)]);
    says(
        "xlsx cut off",
        &whole[..whole.len() / 2],
        &["like a workbook", "download it again"],
    );
    says(
        "ods cut off",
        &open[..open.len() / 2],
        &["like a workbook", "download it again"],
    );
    says("no sheet", &workbook(&[]), &["the workbook has no sheet"]);
    says("no sheet, ods", &ods(&[]), &["the workbook has no sheet"]);
    says(
        "empty sheet",
        &xlsx(&[("IOT", "")]),
        &["sheet \"IOT\": there is no table in it"],
    );
    says(
        "other archive",
        &zipped("a.txt", "text"),
        &["like a workbook", "unpacked first"],
    );
    says(
        "xlsb",
        &zipped("xl/workbook.bin", ""),
        &["binary workbook (.xlsb)", "save it as .xlsx"],
    );
    says(
        "xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        &["old Excel workbook (.xls)", "save it as .xlsx"],
    );
    says(
        "formula without its value",
        &with_cell("<c r=\"C3\"><f>B3*2</f></c>"),
        &[
            "sheet \"IOT\", cell C3: it holds a formula without its value",
            "let it compute",
        ],
    );
    let formula = ods_rows(&cells(SMALL)).replace(
        "office:value-type=\"float\" office:value=\"40\"",
        "table:formula=\"of:=[.B3]*2\"",
    );
    says(
        "the same, ods",
        &ods(&[("IOT", formula)]),
        &["sheet \"IOT\", cell C3: it holds a formula without its value"],
    );
    let computed = with_cell("<c r=\"C3\"><f>B3*2</f><v>40</v></c>");
    assert_eq!(read(&computed).expect("computed").flow(1, 1), 40.0);
    says(
        "error in a cell",
        &with_cell("<c r=\"C3\" t=\"e\"><v>#DIV/0!</v></c>"),
        &[
            "sheet \"IOT\", cell C3: it holds the error #DIV/0!",
            "correct the formula",
        ],
    );
    says(
        "text where a number is wanted",
        &with_cell("<c r=\"C3\" t=\"str\"><v>forty</v></c>"),
        &[
            "sheet \"IOT\", cell C3 (mills): \"forty\" is not a number",
            "give a number there",
        ],
    );
    says(
        "thousands in a text",
        &with_cell("<c r=\"C3\" t=\"str\"><v>1,040</v></c>"),
        &["cell C3 (mills)", "without thousands separators"],
    );
    says(
        "blank cell",
        &with_cell(""),
        &["cell C3 (mills)", "Blank::Zero"],
    );
    says(
        "cells out of order",
        &with_cell("<c r=\"C2\"><v>40</v></c>"),
        &["cell C2: its cells are not in order"],
    );
    let wider = format!(
        "{}left over",
        SMALL.replace("mills,20,40,100,40,200", "mills,20,40,100,40,200,5")
    );
    says(
        "cell beyond the header",
        &xlsx(&[("IOT", &wider)]),
        &["row 3: 7 cells", "the header has 6", "clear the cells"],
    );
    let twice = format!("{SMALL}mills,20,40,100,40,200\n");
    says(
        "row twice",
        &xlsx(&[("IOT", &twice)]),
        &["row 5: mills is also row 3"],
    );
    let twice = SMALL.replace("mills,consumption", "mills,mills");
    says(
        "column twice",
        &xlsx(&[("IOT", &twice)]),
        &["column D: mills is also column C"],
    );
    let e = parse_table(SMALL.as_bytes(), None, &on("a")).expect_err("no workbook");
    assert_eq!(
        e.to_string(),
        "TableOptions.sheet: the file is no workbook; leave it away"
    );
}

#[test]
fn bombs_are_refused_before_they_unfold() {
    let bound = TableOptions {
        max_unpacked: Some(1 << 20),
        ..TableOptions::default()
    };
    let refused = |name: &str, bytes: &[u8], options: &TableOptions| {
        let e = parse_table(bytes, None, options)
            .expect_err("refused")
            .to_string();
        println!("| {name} | {e} |");
        assert!(
            e.contains("unpacks to more than") && e.contains("TableOptions.max_unpacked"),
            "{name}: {e}"
        );
    };
    let blanks = format!("<worksheet><!--{}--></worksheet>", " ".repeat(2 << 20));
    refused("blanks", &workbook(&[("a", blanks)]), &bound);
    // Every row has one cell, in the last column.
    let rows: String = (1..=300)
        .map(|r| format!("<row r=\"{r}\"><c r=\"XFD{r}\"><v>1</v></c></row>"))
        .collect();
    let far = format!(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    );
    refused("far cells", &workbook(&[("a", far)]), &bound);
    let cell = "<table:table-cell office:value-type=\"float\" office:value=\"1\" table:number-columns-repeated=\"16384\"/>";
    let one = format!("<table:table-row>{cell}</table:table-row>");
    refused(
        "repeated cells",
        &ods(&[("a", one.repeat(3000))]),
        &TableOptions::default(),
    );
    let rows =
        format!("<table:table-row table:number-rows-repeated=\"1000000\">{cell}</table:table-row>");
    refused(
        "repeated rows",
        &ods(&[("a", rows.clone())]),
        &TableOptions::default(),
    );
    // What is meant to hide the same from whoever counts.
    for hidden in [
        format!("<!-- ' -->{rows}"),
        format!("<?a \" ?>{rows}"),
        rows.replace("\"16384\"", "\"&#49;6384\""),
        rows.replace("repeated=", "repeated = "),
    ] {
        let e = parse_table(
            &ods(&[("a", hidden.clone())]),
            None,
            &TableOptions::default(),
        );
        assert!(e.is_err(), "{hidden}");
    }
    let texts = "<sst uniqueCount=\"999999999999\"></sst>";
    let mut zip =
        zip::ZipWriter::new_append(Cursor::new(xlsx(&[("IOT", SMALL)]))).expect("an archive");
    zip.start_file(
        "xl/sharedStrings.xml",
        zip::write::SimpleFileOptions::default(),
    )
    .expect("an entry");
    zip.write_all(texts.as_bytes()).expect("packed");
    says(
        "more texts stated than there are",
        &zip.finish().expect("a workbook").into_inner(),
        &["states more texts than it holds"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_workbook_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0usize..2) {
        let mut bytes = both(&[("IOT", SMALL)])[kind].clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = parse_table(&bytes, None, &TableOptions { max_unpacked: Some(1 << 20), ..TableOptions::default() });
    }

    #[test]
    fn no_change_of_its_xml_makes_it_panic(at in any::<prop::sample::Index>(), text in "[<>/\"'=a-z0-9 -]{1,6}", kind in 0usize..2) {
        let mut xml = [sheet_xml(&cells(SMALL)), ods_rows(&cells(SMALL))][kind].clone().into_bytes();
        let at = at.index(xml.len());
        xml.splice(at..(at + text.len()).min(xml.len()), text.bytes());
        let xml = String::from_utf8(xml).expect("all of it is ASCII");
        let bytes = [workbook(&[("a", xml.clone())]), ods(&[("a", xml)])][kind].clone();
        let _ = parse_table(&bytes, None, &TableOptions { max_unpacked: Some(1 << 20), ..TableOptions::default() });
    }
}

#[test]
fn tags_that_are_not_closed_are_refused_before_a_reader_looks_for_their_end() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/workbooks/table_not_closed.ods");
    let said = read_table(path, &TableOptions::default())
        .expect_err("not closed")
        .to_string();
    assert!(
        said.contains("a tag of its part content.xml is not closed") && said.contains("again"),
        "{said}"
    );
    let (sheet, rows) = (sheet_xml(&cells(SMALL)), ods_rows(&cells(SMALL)));
    for tag in [
        "</table:table-row>",
        "</table:table-cell>",
        "<table:table-row>",
    ] {
        says(
            tag,
            &ods(&[("a", rows.replacen(tag, "", 1))]),
            &["content.xml is not closed"],
        );
    }
    for tag in [
        "</row>",
        "</sheetData>",
        "</worksheet>",
        "</v>",
        "<row r=\"2\">",
    ] {
        let part = sheet.replacen(tag, "", 1);
        assert_ne!(part, sheet, "{tag}");
        says(tag, &workbook(&[("a", part)]), &["is not closed"]);
    }
    says(
        "crossed",
        &ods(&[(
            "a",
            rows.replacen("</table:table-row>", "</table:table>", 1),
        )]),
        &["is not closed"],
    );
}

/// Random damage of the XML inside: an error or a table, in bounded time. Seeded, and a fixed number.
#[test]
fn no_damage_inside_makes_a_reader_hang() {
    let mut state = 7_u64;
    let mut random = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % n
    };
    let (sheet, rows) = (sheet_xml(&cells(SMALL)), ods_rows(&cells(SMALL)));
    let (mut good, mut bad) = (0, 0);
    for k in 0..400 {
        let xml = [&sheet, &rows][k % 2];
        // A tag is lost, or there twice, or a piece of it.
        let tags: Vec<(usize, usize)> = xml
            .match_indices('<')
            .filter_map(|(at, _)| Some((at, at + xml[at..].find('>')? + 1)))
            .collect();
        let (from, to) = tags[random(tags.len())];
        let cut = from + random(to - from);
        let piece = match random(4) {
            0 => String::new(),
            1 => xml[from..to].repeat(2),
            2 => xml[from..cut].to_string(),
            _ => xml[cut..to].to_string(),
        };
        let hurt = format!("{}{piece}{}", &xml[..from], &xml[to..]);
        let bytes = match k % 2 {
            0 => workbook(&[("a", hurt)]),
            _ => ods(&[("a", hurt)]),
        };
        let bound = TableOptions {
            max_unpacked: Some(1 << 20),
            ..TableOptions::default()
        };
        match parse_table(&bytes, None, &bound) {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        }
    }
    println!("{good} read, {bad} refused");
    assert!(bad > 100);
}
