//! Tables are what they say: each kind of table that was once read wrong without a word, and its relatives.

mod common {
    pub(crate) mod shared;
}

use bullwhip::prelude::*;
use bullwhip::table::parse_table;
use common::shared::shared;
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
fn buyers_in_rows_are_told_by_the_corner_and_by_sums() {
    let file = "buyers_in_rows_output_only.csv";
    let turned = TableOptions {
        orientation: Orientation::BuyersInRows,
        ..TableOptions::default()
    };
    has(
        &refusal(file, TableOptions::default()),
        &[
            "buyers_in_rows_output_only.csv",
            "\"buyer\"",
            "Orientation::BuyersInRows",
        ],
    );
    right(&open(file, turned.clone()));
    let straight = TableOptions {
        orientation: Orientation::SuppliersInRows,
        ..TableOptions::default()
    };
    near(
        &open(file, straight.clone())
            .multipliers()
            .expect("multipliers"),
        &[1.7767, 1.66, 1.5638],
        1e-4,
    );
    // Other words in the corner.
    let body =
        |corner: &str| table(flow, &[("output", &OUTPUT)], &[]).replacen("sector", corner, 1);
    for corner in [
        "to\\from",
        "Purchasing sector",
        "using industry",
        "buyer / supplier",
        "Käufer",
    ] {
        has(
            &refused(&body(corner), &TableOptions::default()),
            &["Orientation::BuyersInRows"],
        );
    }
    for corner in [
        "from\\to",
        "supplier / buyer",
        "industry",
        "Commodities/Industries",
        "input",
    ] {
        right(&read(&body(corner)));
    }
    // A sector that sells more than it makes, unless rows and columns are swapped.
    let skew = |i: usize, j: usize| if (i, j) == (1, 0) { 100.0 } else { flow(i, j) };
    let text = table(skew, &[("output", &OUTPUT)], &[]);
    has(
        &refused(&text, &TableOptions::default()),
        &[
            "inputs cost more than the output of A",
            "Orientation::SuppliersInRows",
        ],
    );
    assert!(parse(&text, &straight).is_ok());
    // What sectors buy beyond output is imported: such tables are right.
    let mining = |i: usize, j: usize| if (i, j) == (0, 2) { 110.0 } else { flow(i, j) };
    assert_eq!(
        read(&table(mining, &[("output", &OUTPUT)], &[])).flow(0, 2),
        110.0
    );
    // Value added that makes every column whole says that it is right.
    let added: Vec<f64> = (0..3)
        .map(|j| OUTPUT[j] - (0..3).map(|i| skew(i, j)).sum::<f64>())
        .collect();
    assert!(
        parse(
            &table(skew, &[("output", &OUTPUT)], &[("value added", &added)]),
            &TableOptions::default()
        )
        .is_ok()
    );
    // Final demand and output that balance only the other way round.
    let uneven = |i: usize, j: usize| [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 30.0]][i][j];
    let bought = |j: usize| (0..3).map(|i| uneven(i, j)).sum::<f64>();
    let made: Vec<f64> = (0..3).map(|j| bought(j) + DEMAND[j]).collect();
    let text = table(uneven, &[("final demand", &DEMAND), ("output", &made)], &[]);
    has(
        &refused(&text, &TableOptions::default()),
        &[
            "with rows and columns swapped its rows balance",
            "BuyersInRows",
        ],
    );
    // Final demand in rows.
    let text = "sector,A,B\nA,10,20\nB,80,40\nHousehold consumption,110,140\noutput,200,200\n";
    has(
        &refused(text, &TableOptions::default()),
        &["Household consumption are final demand", "BuyersInRows"],
    );
}

#[test]
fn coefficients_for_flows_are_refused_or_read_as_told() {
    let file = "a_matrix_with_output.csv";
    has(
        &refusal(file, TableOptions::default()),
        &[
            "coefficients, not flows",
            "largest 0.462",
            "times as large",
            "Holds::Coefficients",
        ],
    );
    let t = open(file, holds(Holds::Coefficients));
    right(&t);
    assert!((t.spectral_radius().expect("a radius") - 0.3952).abs() < 1e-4);
    near(&t.flows, &FLOWS.concat(), 1e-3);
    let exio = |holds| TableOptions {
        holds,
        final_demand_file: Some(case("exio_Y.txt")),
        ..TableOptions::default()
    };
    has(
        &refusal("exio_A.txt", exio(Holds::Unsaid)),
        &["coefficients, not flows"],
    );
    let t = open("exio_A.txt", exio(Holds::Coefficients));
    assert!(t.imbalance().iter().all(|m| m.abs() < 1e-9));
    assert!((t.coefficients().expect("coefficients")[0] - 0.225_563_909_774_436_08).abs() < 1e-12);
    noted(&t, "output is computed from final demand and coefficients");
    // Whoever says that they are flows is believed.
    assert!(read_table(case(file), &holds(Holds::Flows)).is_ok());
}

#[test]
fn other_kinds_of_numbers_are_refused_or_read_as_told() {
    let right_table = read(&table(flow, &[("output", &OUTPUT)], &[]));
    let inverse = right_table.leontief().expect("an inverse");
    let percent = |i: usize, j: usize| 100.0 * coefficient(i, j);
    let share = |i: usize, j: usize| FLOWS[i][j] / OUTPUT[i];
    let l = |i: usize, j: usize| inverse[3 * i + j];
    let added: Vec<f64> = (0..3).map(|j| 100.0 * VALUE_ADDED[j] / OUTPUT[j]).collect();
    let both: [(&str, &[f64]); 2] = [("final demand", &DEMAND), ("output", &OUTPUT)];
    let shares = [("value added", added.as_slice())];
    for (text, kind, told) in [
        (
            table(l, &both[1..], &[]),
            Holds::LeontiefInverse,
            "the Leontief inverse",
        ),
        (
            table(l, &both, &[]),
            Holds::LeontiefInverse,
            "the Leontief inverse",
        ),
        (
            table(l, &both[..1], &[]),
            Holds::LeontiefInverse,
            "the Leontief inverse",
        ),
        (table(percent, &both, &[]), Holds::Percent, "percentages"),
        (
            table(percent, &both[1..], &shares),
            Holds::Percent,
            "percentages",
        ),
        (
            table(coefficient, &both, &[]),
            Holds::Coefficients,
            "coefficients",
        ),
        (
            table(coefficient, &both[..1], &[]),
            Holds::Coefficients,
            "coefficients",
        ),
        (
            table(share, &both[1..], &[]),
            Holds::Coefficients,
            "coefficients",
        ),
    ] {
        has(
            &refused(&text, &TableOptions::default()),
            &["seems to hold", told],
        );
        if told == "coefficients" && text.contains(&share(0, 1).to_string()) {
            continue;
        }
        right(&parse(&text, &holds(kind)).unwrap_or_else(|e| panic!("{e}: {text}")));
    }
    // Shares of a supplier's sales whose columns do not tell.
    let skew = |i: usize, j: usize| if j == 1 { [0.6, 0.5, 0.4][i] } else { 0.1 };
    has(
        &refused(
            &table(skew, &[("output", &OUTPUT)], &[]),
            &TableOptions::default(),
        ),
        &["allocation coefficients", "Holds::Allocations"],
    );
    for columns in [&both[..1], &both[1..]] {
        right(&parse(&table(share, columns, &[]), &holds(Holds::Allocations)).expect("shares"));
    }
    // A normalised table of flows is one of flows.
    let small = |i: usize, j: usize| FLOWS[i][j] / 732.0;
    let made: Vec<f64> = OUTPUT.iter().map(|x| x / 732.0).collect();
    right(&read(&table(small, &[("output", &made)], &[])));
}

#[test]
fn totals_beside_their_parts_are_left_out_with_a_note() {
    for (file, totals) in [
        (
            "consumption_subtotal.csv",
            &[
                "Final consumption expenditure is left out",
                "Gross capital formation is left out",
            ][..],
        ),
        (
            "exports_of_which_no_output.csv",
            &[
                "Exports is left out of final demand: in every row it is the sum of Exports to the EU, Exports to the rest of the world",
            ],
        ),
    ] {
        let t = open(file, TableOptions::default());
        right(&t);
        totals.iter().for_each(|part| noted(&t, part));
    }
    let (home, abroad) = ([30.0, 90.0, 100.0], [40.0, 98.0, 89.0]);
    // The sum of all, in front and in the end; with output, too, which tells it for certain.
    for columns in [
        &[
            ("final uses", &DEMAND),
            ("households", &home),
            ("exports", &abroad),
        ][..],
        &[
            ("households", &home),
            ("exports", &abroad),
            ("final uses", &DEMAND),
        ],
        &[
            ("households", &home),
            ("exports", &abroad),
            ("final uses", &DEMAND),
            ("output", &OUTPUT),
        ],
    ] {
        let columns: Vec<(&str, &[f64])> =
            columns.iter().map(|(n, v)| (*n, v.as_slice())).collect();
        let t = read(&table(flow, &columns, &[]));
        right(&t);
        noted(&t, "final uses is left out of final demand");
    }
    // What is named stays; what output needs stays.
    let columns: [(&str, &[f64]); 3] = [
        ("households", &home),
        ("exports", &abroad),
        ("final uses", &DEMAND),
    ];
    let told = TableOptions {
        domestic: vec!["final uses".into()],
        ..TableOptions::default()
    };
    assert_eq!(
        parse(&table(flow, &columns, &[]), &told)
            .expect("told")
            .demand
            .len(),
        3
    );
    let made: Vec<f64> = (0..3).map(|i| OUTPUT[i] + DEMAND[i]).collect();
    let four = [
        columns[0],
        columns[1],
        columns[2],
        ("output", made.as_slice()),
    ];
    assert_eq!(read(&table(flow, &four, &[])).demand.len(), 3);
    // Totals in other languages, and "of which".
    let t = read(&table(
        flow,
        &[
            ("households", &home),
            ("exports", &abroad),
            ("of which to the EU", &home),
            ("Insgesamt", &DEMAND),
        ],
        &[],
    ));
    right(&t);
    noted(&t, "left out as totals: of which to the EU, Insgesamt");
    // Rounded parts.
    let text = "s,A,B,households,exports,final uses\nA,1000,2000,3000.4,4000.4,7000.9\nB,500,700,900.1,800.3,1700.3\n";
    noted(&read(text), "final uses is left out");
}

#[test]
fn totals_among_the_sectors_are_refused() {
    // The last sector, or one in the middle, is the sum of others in row and column.
    let four = "s,A,B,C,All,final demand\nA,20,30,10,60,70\nB,25,60,40,125,188\nC,15,35,50,100,189\nAll,60,125,100,285,447\n";
    has(
        &refused(four, &TableOptions::default()),
        &[
            "All: it is the sum of A, B, C",
            "TableOptions { ignore: vec![\"All\".into()], .. }",
        ],
    );
    let ignore = TableOptions {
        ignore: vec!["All".into()],
        ..TableOptions::default()
    };
    right(&parse(four, &ignore).expect("without it"));
    let sub = "s,A,B,AB,C,final demand\nA,20,30,50,10,70\nB,25,60,85,40,188\nAB,45,90,135,50,258\nC,15,35,50,50,189\n";
    has(
        &refused(sub, &TableOptions::default()),
        &["AB: it is the sum of A, B"],
    );
}

#[test]
fn final_demand_given_as_output_is_refused() {
    // Below what sectors buy; equal to final demand; told by value added.
    let small = [50.0, 60.0, 60.0];
    let says = |columns: &[(&str, &[f64])], rows: &[(&str, &[f64])]| {
        refused(&table(flow, columns, rows), &TableOptions::default())
    };
    has(&says(&[("output", &small)], &[]), &["output"]);
    has(
        &says(
            &[
                ("households", &[30.0, 90.0, 100.0]),
                ("exports", &[40.0, 98.0, 89.0]),
                ("output", &DEMAND),
            ],
            &[],
        ),
        &["output: it equals final demand"],
    );
    has(
        &says(
            &[("output", &[90.0, 160.0, 197.0])],
            &[("value added", &[90.0, 160.0, 197.0].map(|v| v))],
        ),
        &["seems to be final demand"],
    );
}

#[test]
fn blocks_in_other_units_are_refused_or_noted() {
    let thousand = DEMAND.map(|v| v * 1000.0);
    let text = table(
        flow,
        &[("final demand", &thousand), ("output", &OUTPUT)],
        &[],
    );
    has(
        &refused(&text, &TableOptions::default()),
        &["final demand and the rest are in different units: times 0.001"],
    );
    let text = table(
        |i, j| flow(i, j) / 1000.0,
        &[("final demand", &DEMAND), ("output", &OUTPUT)],
        &[],
    );
    has(&refused(&text, &TableOptions::default()), &[]);
    let text = table(
        flow,
        &[("final demand", &thousand)],
        &[("value added", &VALUE_ADDED)],
    );
    has(
        &refused(&text, &TableOptions::default()),
        &["final demand and the rest"],
    );
    let text = table(flow, &[("final demand", &DEMAND.map(|v| v * 1e6))], &[]);
    noted(&read(&text), "are they in one unit?");
}

#[test]
fn exchanged_columns_are_noted() {
    let t = open("columns_swapped.csv", TableOptions::default());
    noted(&t, "columns stand in another order than rows (B before A)");
    // Columns B and C under each other's names: value added tells it.
    let swap = |j: usize| [0, 2, 1][j];
    let added: Vec<f64> = (0..3).map(|j| VALUE_ADDED[swap(j)] + 1.0).collect();
    let made: Vec<f64> = OUTPUT.iter().map(|x| x + 1.0).collect();
    let demand: Vec<f64> = (0..3)
        .map(|i| made[i] - FLOWS[i].iter().sum::<f64>())
        .collect();
    let text = table(
        |i, j| flow(i, swap(j)),
        &[("final demand", &demand), ("output", &made)],
        &[("value added", &added)],
    );
    noted(
        &read(&text),
        "inputs and value added miss the output of B, C",
    );
}

#[test]
fn long_tables_refuse_what_is_there_twice_and_what_nobody_knows() {
    has(
        &refusal("long_value_added_twice.csv", TableOptions::default()),
        &["line 9: value added to A was already given in line 8"],
    );
    let base = "supplier,buyer,value\nA,A,10\nA,B,20\nB,A,5\nB,B,10\nA,final demand,70\nB,final demand,85\n";
    let with = |line: &str| refused(&format!("{base}{line}\n"), &TableOptions::default());
    has(
        &with("A,final demand,70"),
        &["line 8", "already given in line 6"],
    );
    has(
        &with("Mars,Venus,3"),
        &["line 8: Mars is no sector", "Venus"],
    );
    has(
        &with("value added,Venus,3"),
        &["line 8: Venus is no sector"],
    );
    noted(
        &read(&format!("{base}taxes,final demand,3\n")),
        "1 rows are left out",
    );
    // ESA's sums of final demand count once, as in square tables; D11 is wages and no industry.
    let text = "supplier,buyer,value\nC10,C10,10\nC10,C11,20\nC11,C10,5\nC11,C11,10\nC10,P3_S14,60\nC10,P3_S13,10\nC10,P3,70\nC11,P3_S14,80\nC11,P3_S13,5\nC11,P3,85\nD11,C10,30\nD11,C11,40\n";
    let t = read(text);
    assert_eq!(t.output, [100.0, 100.0]);
    assert_eq!(
        (t.primary[0].name.as_str(), t.primary[0].values.as_slice()),
        ("D11", &[30.0, 40.0][..])
    );
    noted(&t, "left out as totals: P3");
}

#[test]
fn several_products_of_a_pair_are_added_up_on_request() {
    let file = "long_products.csv";
    let add = TableOptions {
        add_up: vec!["product".into()],
        ..TableOptions::default()
    };
    has(
        &refusal(file, TableOptions::default()),
        &[
            "it mixes all, p1, p2",
            "TableOptions { add_up: vec![\"product\".into()], .. }",
        ],
    );
    right(&open(file, add.clone()));
    // A total among the products would count twice.
    let text = "supplier,buyer,product,value\nA,A,p1,8\nA,A,p2,12\nA,A,all,20\nA,B,p1,12\nA,B,p2,18\nA,B,all,30\nB,A,p1,1\nB,B,p1,2\nA,Output,all,130\nB,Output,all,90\n";
    has(&refused(text, &add), &["\"all\" is the sum of the others"]);
    let none = TableOptions {
        add_up: vec!["colour".into()],
        ..TableOptions::default()
    };
    has(
        &refused(text, &none),
        &["TableOptions.add_up: there is no column \"colour\""],
    );
    has(
        &refused(&table(flow, &[("output", &OUTPUT)], &[]), &add),
        &["TableOptions.add_up: this is a square table"],
    );
}

#[test]
fn figaro_is_read_as_it_is_published() {
    let matrix = open("figaro_matrix.csv", TableOptions::default());
    assert_eq!(matrix.region_names(), ["AT", "FIGW1"]);
    assert_eq!((matrix.len(), matrix.primary.len()), (6, 6));
    assert_eq!(
        (matrix.flow(0, 0), matrix.flow(3, 0), matrix.flow(5, 5)),
        (60.0, 8.0, 20.0)
    );
    let flat = open("figaro_flat.csv", TableOptions::default());
    assert_eq!(flat.region_names(), ["AT", "FIGW1"]);
    near(&flat.flows, &matrix.flows, 1e-6);
    near(&flat.output, &matrix.output, 1e-6);
    assert_eq!(flat.primary.len(), 3);
    // The first column of the table of uses has another name.
    let text = std::fs::read_to_string(case("figaro_flat.csv")).expect("text");
    let uses = read(&text.replacen("icioRow", "icuseRow", 1));
    assert_eq!(uses.flows, flat.flows);
    // A supply table has no final demand.
    let supply = "icsupRow,refArea,rowPi,counterpartArea,colPi,obsValue\nAT_CPA_A01,AT,CPA_A01,AT,A01,60\nAT_CPA_C10T12,AT,CPA_C10T12,AT,C10T12,60\nAT_CPA_A01,AT,CPA_A01,AT,C10T12,1\n";
    has(
        &refused(supply, &TableOptions::default()),
        &["a supply table has none"],
    );
}

#[test]
fn lines_are_those_of_an_editor() {
    for file in ["crlf.csv", "lf.csv"] {
        has(
            &refusal(file, TableOptions::default()),
            &[", line 3, column 3 (B): \"x\" is not a number"],
        );
    }
    let lf = std::fs::read_to_string(case("lf.csv")).expect("text");
    for text in [
        lf.replace('\n', "\r"),
        lf.replace('\n', "\r\n"),
        lf.replacen("S;", "\"S\";", 1),
    ] {
        has(
            &refused(&text, &TableOptions::default()),
            &["line 3, column 3"],
        );
    }
    // Blank lines, and a name over two lines.
    let blank = lf.replacen('\n', "\r\n\r\n\r\n", 1);
    has(
        &refused(&blank, &TableOptions::default()),
        &["line 5, column 3"],
    );
    let wrapped = lf.replacen("Household consumption", "\"Household\r\nconsumption\"", 1);
    has(
        &refused(&wrapped, &TableOptions::default()),
        &["line 4, column 3"],
    );
}

#[test]
fn numbers_and_letters_are_read_as_told() {
    let file = "decimal_comma.csv";
    has(
        &refusal(file, TableOptions::default()),
        &[
            "line 2, column 2 (A): \"2,0\"",
            "decimal: Some(Decimal::Comma)",
        ],
    );
    let comma = TableOptions {
        decimal: Some(Decimal::Comma),
        ..TableOptions::default()
    };
    let t = open(file, comma.clone());
    assert_eq!(
        (t.output.as_slice(), t.flow(1, 0)),
        (&[12.2, 26.0, 21.8][..], 2.5)
    );
    assert!(t.findings().is_empty(), "{:?}", t.findings());
    let thousands =
        "s;A;B;final demand;output\nA;1.000,5;2.000;3.000;6.000,5\nB;500;700;900,25;2.100,25\n";
    has(
        &refused(thousands, &comma),
        &["\"1.000,5\"", "thousands: Some('.')"],
    );
    let both = TableOptions {
        thousands: Some('.'),
        ..comma.clone()
    };
    let t = parse(thousands, &both).expect("told");
    assert_eq!(t.output, [6000.5, 2100.25]);
    has(
        &refused(&thousands.replace("2.000", "2.00"), &both),
        &["\"2.00\" is not a number"],
    );
    // Points before three digits may part thousands.
    let points = "s;A;B;final demand;output\nA;1.000;2.000;3.000;6.000\nB;500;700;900;2.100\n";
    has(
        &refused(points, &TableOptions::default()),
        &[
            "\"1.000\"",
            "decimal: Some(Decimal::Point)",
            "thousands: Some('.')",
        ],
    );
    assert_eq!(parse(points, &both).expect("told").output, [6000.0, 2100.0]);
    let point = TableOptions {
        decimal: Some(Decimal::Point),
        ..TableOptions::default()
    };
    assert_eq!(parse(points, &point).expect("told").output, [6.0, 2.1]);
    let bad = TableOptions {
        thousands: Some(','),
        ..comma
    };
    has(&refused(thousands, &bad), &["TableOptions.thousands"]);
    let file = "latin1_table.csv";
    has(
        &refusal(file, TableOptions::default()),
        &["not UTF-8", "encoding: Some(\"windows-1252\".into())"],
    );
    let encoded = |label: &str| TableOptions {
        encoding: Some(label.into()),
        ..TableOptions::default()
    };
    let t = open(file, encoded("windows-1252"));
    assert_eq!((t.sectors[1].as_str(), t.demand.len()), ("Minería", 5));
    right(&t);
    has(
        &refusal(file, encoded("latin-99")),
        &["TableOptions.encoding: there is no encoding"],
    );
    // UTF-16 tells itself.
    let text = table(flow, &[("output", &OUTPUT)], &[]);
    let mut wide = vec![0xff, 0xfe];
    text.encode_utf16()
        .for_each(|u| wide.extend(u.to_le_bytes()));
    right(&parse_table(&wide, None, &TableOptions::default()).expect("UTF-16"));
    let bars = TableOptions {
        separator: Some('|'),
        ..TableOptions::default()
    };
    right(&parse(&text.replace(',', "|"), &bars).expect("bars"));
    right(&read(&format!(
        "Flows, of 2020\n{}",
        text.replace(',', ";")
    )));
}

#[test]
fn national_workbooks_are_read_where_their_rows_are_chosen() {
    let file = "wiod2016_niot.xlsx";
    has(
        &refusal(file, TableOptions::default()),
        &[
            "A01 is also row 5",
            "\"Domestic\" and \"Imports\"",
            "keep: vec![(\"Origin\".into(), \"Domestic\".into())]",
        ],
    );
    let keep = |column: &str, value: &str| TableOptions {
        keep: vec![(column.into(), value.into())],
        ..TableOptions::default()
    };
    let t = open(file, keep("Origin", "Domestic"));
    assert_eq!(
        (t.sectors.join(" "), t.output.as_slice()),
        ("A01 C10-C12 G47".into(), &[118.0, 288.0, 269.0][..])
    );
    let imports = t
        .primary
        .iter()
        .find(|p| p.name == "Imports")
        .expect("imports");
    assert_eq!(imports.values, [12.0, 25.0, 20.0]);
    noted(&t, "rows with \"Imports\" are no suppliers");
    assert!(
        t.imbalance().iter().all(|m| *m == 0.0),
        "{:?}",
        t.imbalance()
    );
    has(
        &refusal(file, keep("Origin", "Mars")),
        &["no row has \"Mars\"", "Domestic"],
    );
    has(
        &refusal(file, keep("Planet", "Mars")),
        &["there is no column \"Planet\""],
    );
}

#[test]
fn tables_of_uses_are_read_with_what_was_dropped() {
    let file = "bea_use.xlsx";
    has(
        &refusal(file, TableOptions::default()),
        &["sheet \"2020\", cell E7 (Manufacturing): \"...\" is no number"],
    );
    let zero = TableOptions {
        missing: Blank::Zero,
        ..TableOptions::default()
    };
    has(
        &refusal(file, zero),
        &["\"2020\", \"2021\"", "TableOptions { sheet"],
    );
    let of = |missing| TableOptions {
        sheet: Some("2020".into()),
        missing,
        ..TableOptions::default()
    };
    has(
        &refusal(file, of(Blank::Refuse)),
        &["\"...\" is no number", "Blank::Zero"],
    );
    let t = open(file, of(Blank::Zero));
    assert_eq!(t.sectors, ["Agriculture", "Mining", "Manufacturing"]);
    near(
        &t.flows,
        &[20.0, 30.0, 0.0, 25.0, 60.0, 40.0, 15.0, 35.0, 50.0],
        0.0,
    );
    assert_eq!(t.output, [125.0, 303.0, 274.0]);
    assert_eq!(t.imports, [5.0, 10.0, 15.0]);
    noted(&t, "Scrap, used and secondhand goods has no column");
    noted(&t, "Noncomparable imports has no column");
    noted(
        &t,
        "Total Industry Output differs from the column of output, by 5.5 % at most",
    );
    noted(
        &t,
        "left out as totals: Total Intermediate, Total Value Added",
    );
    let scrap = t
        .primary
        .iter()
        .find(|p| p.name.starts_with("Scrap"))
        .expect("scrap");
    assert_eq!(scrap.values, [1.0, 0.0, 2.0]);
    for (mark, text) in [
        ("---", "s,A,B,output\nA,1,---,5\nB,2,3,9\n"),
        ("–", "s,A,B,output\nA,1,–,5\nB,2,3,9\n"),
    ] {
        has(
            &refused(text, &TableOptions::default()),
            &[&format!("{mark:?} is no number")],
        );
    }
    let title = "Use of products at purchasers' prices,,,\n";
    noted(
        &read(&format!(
            "{title}{}",
            table(flow, &[("output", &OUTPUT)], &[])
        )),
        "purchasers' prices",
    );
    has(
        &refused(
            &table(
                flow,
                &[("trade margins", &DEMAND), ("output", &OUTPUT)],
                &[],
            ),
            &TableOptions::default(),
        ),
        &["trade margins stands in tables of supply"],
    );
    has(
        &refused(
            &format!(
                "Supply table 2020,,,,\n{}",
                table(flow, &[("output", &OUTPUT)], &[])
            ),
            &TableOptions::default(),
        ),
        &["a supply table: what industries make"],
    );
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
    for file in [
        "bea/use_71.csv",
        "bea/make_15.csv",
        "chile/mip_2008_12x12.xlsx",
    ] {
        let Some(path) = shared(file) else { return };
        match read_table(path, &options) {
            Ok(t) => println!("{file}: {t:?} {:?}", t.notes),
            Err(e) => println!("{file}: {e}"),
        }
    }
}
