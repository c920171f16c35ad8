//! Tables are what they say: each kind of table that was once read wrong without a word, and its relatives.

#[path = "../common/shared.rs"]
mod shared;

mod kinds;
mod layouts;

use bullwhip::prelude::*;
use bullwhip::table::{Use, parse_table};
use shared::shared;
use std::path::PathBuf;

/// Output multipliers of the 3 x 3 table behind the cases.
const TRUE: [f64; 3] = [1.77284, 1.663429, 1.561781];
const FLOWS: [[f64; 3]; 3] = [[20.0, 30.0, 10.0], [25.0, 60.0, 40.0], [15.0, 35.0, 50.0]];
const DEMAND: [f64; 3] = [70.0, 188.0, 189.0];
const OUTPUT: [f64; 3] = [130.0, 313.0, 289.0];
const VALUE_ADDED: [f64; 3] = [70.0, 188.0, 189.0];

fn case(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/tables")
        .join(file)
}

fn open(file: &str, options: TableOptions) -> InputOutput {
    read_table(case(file), &options).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn refusal(file: &str, options: TableOptions) -> String {
    let said = read_table(case(file), &options)
        .map_or_else(|e| e.to_string(), |t| panic!("{file}: read as {t:?}"));
    println!(
        "| {file} | {} |",
        said.replace(env!("CARGO_MANIFEST_DIR"), "")
    );
    said
}

fn parse(text: &str, options: &TableOptions) -> bullwhip::Result<InputOutput> {
    parse_table(text.as_bytes(), None, options)
}

fn refused(text: &str, options: &TableOptions) -> String {
    let said = parse(text, options).map_or_else(
        |e| e.to_string(),
        |t| panic!("read as {t:?}, {:?}: {text}", t.notes),
    );
    println!("| {:?} | {said} |", text.lines().next().unwrap_or_default());
    said
}

fn read(text: &str) -> InputOutput {
    parse(text, &TableOptions::default()).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn has(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{said:?} lacks {part:?}");
    }
}

fn noted(table: &InputOutput, part: &str) {
    let all = &table.notes;
    assert!(
        all.iter().any(|n| n.contains(part)),
        "{all:?} lack {part:?}"
    );
}

fn near(found: &[f64], wanted: &[f64], by: f64) {
    let close = found.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= by);
    assert!(
        found.len() == wanted.len() && close,
        "{found:?}, {wanted:?}"
    );
}

fn right(table: &InputOutput) {
    near(&table.multipliers().expect("multipliers"), &TRUE, 2e-5);
}

/// A table with these columns beside the flows and these rows below them.
fn table(
    flows: impl Fn(usize, usize) -> f64,
    columns: &[(&str, &[f64])],
    rows: &[(&str, &[f64])],
) -> String {
    let mut text = String::from("sector,A,B,C");
    columns
        .iter()
        .for_each(|(name, _)| text += &format!(",{name}"));
    for (i, name) in ["A", "B", "C"].iter().enumerate() {
        text += &format!("\n{name}");
        (0..3).for_each(|j| text += &format!(",{}", flows(i, j)));
        columns
            .iter()
            .for_each(|(_, v)| text += &format!(",{}", v[i]));
    }
    for (name, values) in rows {
        text += &format!("\n{name}");
        values.iter().for_each(|v| text += &format!(",{v}"));
        columns.iter().for_each(|_| text += ",");
    }
    text + "\n"
}

fn flow(i: usize, j: usize) -> f64 {
    FLOWS[i][j]
}

fn coefficient(i: usize, j: usize) -> f64 {
    FLOWS[i][j] / OUTPUT[j]
}

fn holds(holds: Holds) -> TableOptions {
    TableOptions {
        holds,
        ..TableOptions::default()
    }
}

#[test]
fn the_right_table_is_read_without_a_word() {
    let text = table(
        flow,
        &[("final demand", &DEMAND), ("output", &OUTPUT)],
        &[("value added", &VALUE_ADDED)],
    );
    let t = read(&text);
    right(&t);
    assert!(
        t.notes.is_empty() && t.findings().is_empty(),
        "{:?}",
        t.notes
    );
    right(&read(&table(flow, &[("output", &OUTPUT)], &[])));
    right(&read(&table(flow, &[("final demand", &DEMAND)], &[])));
}

#[test]
fn a_list_of_firms_is_no_table() {
    let mut text = String::from("supplier,buyer,value\n");
    for k in 0..60_000_u64 {
        // Multiplication by an odd number mixes: 20,000 names, each several times.
        let name = |m: u64| k.wrapping_mul(m).wrapping_add(m) >> 7 & 0x3fff;
        text += &format!("S{},S{},1.5\n", name(2_654_435_761), name(40_503));
    }
    let said = refused(&text, &TableOptions::default());
    has(
        &said,
        &["it seems to be a list of firms' links", "read_network"],
    );
    let (_, lines) = text.split_once('\n').expect("a header");
    has(
        &refused(lines, &TableOptions::default()),
        &["there is no header", "read_network"],
    );
    has(
        &refused(
            "supplier,buyer,value\na,b,1\nb,a,2\n",
            &TableOptions::default(),
        ),
        &["neither final demand nor output"],
    );
}

#[test]
fn tables_cut_short_are_told_and_never_panic() {
    let whole = read(&table(
        flow,
        &[("final demand", &DEMAND), ("output", &OUTPUT)],
        &[("wages", &VALUE_ADDED)],
    ));
    let cuts: [fn(&mut InputOutput); 7] = [
        |t| t.flows.truncate(8),
        |t| t.flows.truncate(2),
        |t| t.demand[0].values.truncate(2),
        |t| drop(t.regions.pop()),
        |t| drop(t.sectors.pop()),
        |t| t.imports = vec![1.0],
        |t| t.primary[0].values.truncate(2),
    ];
    for cut in cuts {
        let mut t = whole.clone();
        cut(&mut t);
        let said = t
            .correct(&Corrections::all())
            .expect_err("cut short")
            .to_string();
        println!("| cut | {said} |");
        has(&said, &["InputOutput, ", "3 sectors"]);
        assert_eq!(t.findings().len(), 1);
        assert!(t.network().is_err() && t.region("").is_err() && t.frame().is_err());
        assert!(disaggregate(&t, &Disaggregate::default()).is_err());
        let _ = (
            t.imbalance(),
            t.sold(),
            t.bought(),
            t.final_demand(),
            t.flow(9, 9),
            t.label(9),
        );
        let _ = (
            t.coefficients(),
            t.leontief(),
            t.multipliers(),
            t.spectral_radius(),
            format!("{t:?}"),
        );
        let _ = (
            t.per_output("wages"),
            t.input_shares(),
            multipliers_frame(&t),
        );
    }
}

#[test]
fn long_cells_are_cut_in_messages() {
    let long = "x".repeat(5000);
    let square = table(flow, &[("output", &OUTPUT)], &[]);
    for text in [
        square.replacen("130", &long, 1),
        square.replacen("\nC,", &format!("\n{long},"), 1),
        square.replacen(",C,", &format!(",{long},"), 1),
        format!("supplier,buyer,value\nA,A,1\nA,{long},2\n"),
        format!("supplier,buyer,value\nA,A,1\n{long},A,2\n"),
        format!("supplier,buyer,value\nA,A,1\n{long},{long},2\nA,{long},2\n{long},{long},2\n"),
        format!("supplier,buyer,value,unit\nA,A,1,{long}\nA,B,2,x\nB,A,1,{long}\n"),
    ] {
        let said = refused(&text, &TableOptions::default()).len();
        assert!(said < 700, "{said} characters");
    }
    let shares: Vec<f64> = (0..3).map(|j| VALUE_ADDED[j] / OUTPUT[j]).collect();
    let text = table(
        coefficient,
        &[("output", &OUTPUT)],
        &[("value added", &shares)],
    );
    let t = parse(&text, &holds(Holds::Coefficients)).expect("shares");
    near(&t.primary[0].values, &VALUE_ADDED, 1e-9);
    noted(&t, "taken as shares of output, too: value added");
}

#[test]
fn names_that_hide_something_are_refused() {
    for text in [
        table(flow, &[("output", &OUTPUT)], &[]).replace('A', "A\u{200b}"),
        "supplier,buyer,value\nA\u{202e},B,1\nB,A\u{202e},2\nB,output,5\nA\u{202e},output,7\n"
            .into(),
    ] {
        has(
            &refused(&text, &TableOptions::default()),
            &["the hidden character U+20"],
        );
    }
}

#[test]
fn real_tables_read_as_before_without_new_notes() {
    // What may be said of them, beside totals that are left out.
    for (file, said) in [
        ("io/germany_1995_6.csv", &["left out as totals"][..]),
        ("io/hungary_2020_65.csv", &["left out as totals"]),
        ("io/japan_2011_13_competitive.csv", &["output is computed"]),
        ("io/japan_2011_13_domestic.csv", &[]),
        ("io/wiod2013_japan_2010_35.csv", &[]),
        (
            "io/japan_prefectures_2015_long.csv",
            &["no flow crosses regions", "final demand is computed"],
        ),
    ] {
        let Some(path) = shared(file) else { return };
        let t = read_table(path, &TableOptions::default()).expect(file);
        assert_eq!(t.notes.len(), said.len(), "{file}: {:?}", t.notes);
        said.iter().for_each(|part| noted(&t, part));
    }
    let Some(path) = shared("bea/use_15.csv") else {
        return;
    };
    let options = TableOptions {
        missing: Blank::Zero,
        ..TableOptions::default()
    };
    let t = read_table(path, &options).expect("BEA");
    assert_eq!((t.len(), t.flow(1, 2)), (15, 54_149.0));
    assert!(
        !t.notes.iter().any(|n| n.contains("miss the output")),
        "{:?}",
        t.notes
    );
    noted(&t, "Scrap, used and secondhand goods has no column");
    // Rows have names there, and columns codes.
    let Some(path) = shared("bea/use_71.csv") else {
        return;
    };
    let said = read_table(&path, &options).expect_err("codes").to_string();
    has(&said, &["TableOptions { same_order: true, .. }"]);
    let options = TableOptions {
        same_order: true,
        ..options
    };
    let t = read_table(&path, &options).expect("BEA, 71 industries");
    let food = t.sectors.iter().position(|s| s.starts_with("Food and"));
    assert_eq!(t.len(), 71);
    assert_eq!(food.map(|j| t.flow(0, j)), Some(304_745.0));
    noted(&t, "Scrap, used and secondhand goods has no column");
    assert!(
        t.demand
            .iter()
            .any(|d| d.name == "F040" && d.kind == Use::Exports)
    );
    // Flows, coefficients and the inverse stand in one sheet.
    let Some(path) = shared("chile/mip_2008_12x12.xlsx") else {
        return;
    };
    let sheet = TableOptions {
        sheet: Some("12x12_2008".into()),
        ..TableOptions::default()
    };
    let said = read_table(&path, &sheet).expect_err("three").to_string();
    has(&said, &["TableOptions { cells: Some("]);
    let flows = TableOptions {
        cells: Some("B9:O43".into()),
        ..sheet
    };
    let t = read_table(&path, &flows).expect("flows");
    assert_eq!(t.len(), 12);
    assert!((t.flow(3, 0) - 956_228.924).abs() < 1e-3);
    assert!((t.output[0] - 6_754_398.069).abs() < 1e-3);
}
