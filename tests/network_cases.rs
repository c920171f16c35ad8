//! Files of firms and links as companies and tax offices have them: read as told, or refused with the line.

use bullwhip::prelude::*;
use folder::Folder;
use std::path::{Path, PathBuf};

#[path = "common/folder.rs"]
mod folder;

fn case(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases/networks")
        .join(file)
}

/// Links of the field cases, with their firms.
fn field(file: &str) -> NetworkFiles {
    NetworkFiles {
        links: case(&format!("field/{file}")),
        firms: Some(case("field/firms.csv")),
        ..NetworkFiles::default()
    }
}

impl Folder {
    /// Links alone, with assumed final demand.
    fn links(&self, text: &str) -> NetworkFiles {
        NetworkFiles {
            links: self.write("links.csv", text),
            input_share: Some(0.5),
            ..NetworkFiles::default()
        }
    }
}

fn refused(files: &NetworkFiles, parts: &[&str]) -> String {
    let said = read_network(files).map_or_else(|e| e.to_string(), |n| panic!("read as {n:?}"));
    println!("| {} |", said.replace(env!("CARGO_MANIFEST_DIR"), ""));
    for part in parts {
        assert!(said.contains(part), "{said:?} lacks {part:?}");
    }
    for foreign in [
        "polars",
        "Schema",
        "`str`",
        "schema",
        "truncate_ragged",
        "CSV error",
    ] {
        assert!(!said.contains(foreign), "{said:?} is of another library");
    }
    said
}

/// The economy of the field cases.
fn wanted(n: &Network, scale: f64) {
    assert_eq!((n.firms(), n.links()), (6, 8));
    let names: Vec<String> = (0..6).map(|i| n.name(i)).collect();
    assert_eq!(names, ["001", "002", "01", "10", "3", "07"]);
    let sold = n.output()[0] - n.final_demand()[0];
    assert!((sold - 35.0 * scale).abs() < 1e-9, "001 sells {sold}");
}

#[test]
fn files_of_the_field_are_read_as_told() {
    wanted(
        &read_network(&field("LINKS.CSV")).expect("an upper-case extension"),
        1.0,
    );
    let comma = NetworkFiles {
        decimal: Some(Decimal::Comma),
        ..field("semicolon.csv")
    };
    wanted(&read_network(&comma).expect("semicolons"), 0.5);
    let thousands = NetworkFiles {
        thousands: Some(','),
        ..field("thousands.csv")
    };
    wanted(&read_network(&thousands).expect("thousands"), 100.0);
    let trim = NetworkFiles {
        trim: true,
        ..field("spaces.csv")
    };
    wanted(&read_network(&trim).expect("blanks"), 1.0);
    let add = NetworkFiles {
        add_up: true,
        ..field("transactions_named.csv")
    };
    wanted(&read_network(&add).expect("payments"), 1.0);
}

#[test]
fn files_of_the_field_are_refused_with_their_lines() {
    refused(
        &field("semicolon.csv"),
        &[
            "field/semicolon.csv, line 2, column `flow`: \"15,0\" is not a number",
            "decimal: Some(Decimal::Comma)",
        ],
    );
    refused(
        &field("thousands.csv"),
        &[
            "field/thousands.csv, line 2, column `flow`: \"3,000\" is not a number",
            "NetworkFiles { thousands: Some(',')",
        ],
    );
    refused(
        &field("spaces.csv"),
        &[
            "field/spaces.csv, line 2: firm \"002 \" is not among the 6 firms, but \"002\" is",
            "trim: true",
            "column `buyer`",
        ],
    );
    refused(
        &field("transactions_named.csv"),
        &[
            "line 3: firm \"002\" buys from \"001\" a second time (first in line 2)",
            "NetworkFiles { add_up: true, .. }",
        ],
    );
    refused(
        &field("negative.csv"),
        &[
            "field/negative.csv, line 9: firm \"07\" buys from \"01\" for -3",
            "returned delivery",
        ],
    );
}

#[test]
fn faults_are_told_of_the_file_that_has_them() {
    let fault = |firms: Option<&str>, links: &str| NetworkFiles {
        links: case(&format!("fault/{links}")),
        firms: firms.map(|f| case(&format!("fault/{f}"))),
        input_share: Some(0.5),
        ..NetworkFiles::default()
    };
    refused(
        &fault(Some("firms_thousands.csv"), "links.csv"),
        &[
            "fault/firms_thousands.csv, line 2, column `final_demand`: \"1,000\" is not a number",
            "thousands: Some(',')",
        ],
    );
    refused(
        &fault(Some("firms.csv"), "coefficient_twice.csv"),
        &["fault/coefficient_twice.csv, line 1: columns 3 and 4 are both called \"coefficient\""],
    );
    refused(
        &fault(None, "ids_as_floats.csv"),
        &["fault/ids_as_floats.csv, line 3: firms \"1\" and \"1.0\" (line 2) look like one firm"],
    );
    let good = read_network(&fault(Some("firms.csv"), "links.csv")).expect("an economy");
    assert_eq!((good.firms(), good.links()), (3, 2));
    let said = Network::from_csv(case("fault/firms.csv"), case("fault/coefficient_twice.csv"))
        .expect_err("twice")
        .to_string();
    assert!(said.contains("are both called \"coefficient\""), "{said}");
    let said = Network::from_csv(case("fault/firms_thousands.csv"), case("fault/links.csv"))
        .expect_err("thousands")
        .to_string();
    assert!(
        said.contains("firms_thousands.csv, line 2, column `final_demand`"),
        "{said}"
    );
}

#[test]
fn columns_are_named_or_found_and_never_guessed_of_two() {
    let folder = Folder::new("columns");
    let text = "Lieferant;Kunde;Monat;Betrag\n1;2;1;7,5\n1;2;2;2,5\n2;1;1;4,0\n";
    let named = NetworkFiles {
        columns: NetworkColumns {
            supplier: Some("Lieferant".into()),
            buyer: Some("Kunde".into()),
            flow: Some("Betrag".into()),
            ..NetworkColumns::default()
        },
        decimal: Some(Decimal::Comma),
        add_up: true,
        ..folder.links(text)
    };
    let n = read_network(&named).expect("named columns");
    assert_eq!((n.firms(), n.links()), (2, 2));
    assert!((n.output()[0] - n.final_demand()[0] - 10.0).abs() < 1e-12);
    refused(
        &NetworkFiles {
            columns: NetworkColumns::default(),
            ..named.clone()
        },
        &[
            "there is no column of the supplier",
            "\"Lieferant\"",
            "NetworkFiles.columns",
        ],
    );
    let wrong = NetworkColumns {
        flow: Some("Preis".into()),
        ..named.columns.clone()
    };
    refused(
        &NetworkFiles {
            columns: wrong,
            ..named
        },
        &[
            "NetworkColumns.flow: there is no column \"Preis\"",
            "\"Betrag\"",
        ],
    );
    refused(
        &folder.links("supplier,buyer,amount,value\na,b,1,2\n"),
        &[
            "columns \"amount\" and \"value\" may both be the flow",
            "flow: Some(\"amount\".into())",
        ],
    );
    refused(
        &folder.links("supplier,buyer,flow,coefficient\na,b,1,2\n"),
        &["both coefficients and flows are given"],
    );
    refused(
        &folder.links("supplier,buyer\na,b\n"),
        &["neither a column of flows"],
    );
    // Other spellings of the usual names.
    assert!(read_network(&folder.links("Supplier\tBuyer\tAmount\na\tb\t1\nb\ta\t1\n")).is_ok());
}

#[test]
fn lines_are_those_of_an_editor() {
    let folder = Folder::new("editor");
    for end in ["\n", "\r\n", "\r"] {
        let text = format!("supplier,buyer,flow{end}a,b,1{end}{end}\"b\",a,2{end}c,a,x{end}");
        refused(
            &folder.links(&text),
            &["links.csv, line 5, column `flow`: \"x\" is not a number"],
        );
        let text = text.replace("c,a,x", "c,a");
        refused(
            &folder.links(&text),
            &["links.csv, line 5: 2 cells, but the header has 3"],
        );
    }
    refused(
        &folder.links("supplier,buyer,flow\na,b,\n"),
        &["line 2, column `flow`: it is blank"],
    );
    refused(
        &folder.links("supplier,buyer,flow\na,b,NaN\n"),
        &["line 2: firm \"b\" buys from \"a\" for NaN"],
    );
    refused(
        &folder.links("supplier,buyer,flow\na,,1\n"),
        &["line 2: `buyer` is blank"],
    );
    refused(&folder.links(""), &["links.csv: it is empty"]);
    let mut latin = folder.links("");
    std::fs::write(
        &latin.links,
        b"supplier,buyer,flow\nM\xfcller,b,1\nb,M\xfcller,1\n",
    )
    .expect("bytes");
    refused(
        &latin,
        &["line 2: it is not UTF-8 text", "NetworkFiles { encoding"],
    );
    latin.encoding = Some("windows-1252".into());
    assert_eq!(read_network(&latin).expect("told").name(0), "Müller");
    // Of firms, with their own file and line.
    let firms = |text: &str| NetworkFiles {
        firms: Some(folder.write("firms.csv", text)),
        ..folder.links("supplier,buyer,flow\na,b,1\nb,a,1\n")
    };
    refused(
        &firms("firm,final_demand\na,1\nb,2\n\na,3\n"),
        &["firms.csv, line 5: firm \"a\" is already in line 2"],
    );
    refused(
        &firms("firm,final_demand\na,1\nb,-2\n"),
        &["firms.csv, line 3: firm b has final_demand -2"],
    );
    refused(
        &firms("firm,output\na,5\nb,0.5\n"),
        &["firms.csv, line 3: firm b produces 0.5 but sells 1 as input"],
    );
    refused(
        &firms("firm,final_demand\na,0\nb,0\n"),
        &["firms.csv, column `final_demand`"],
    );
}

#[test]
fn payments_are_netted_where_they_are_added_up() {
    let folder = Folder::new("netted");
    let files = |text: &str| NetworkFiles {
        add_up: true,
        ..folder.links(text)
    };
    let n = read_network(&files("supplier,buyer,flow\na,b,5\nb,a,1\na,b,-2\n")).expect("netted");
    assert!((n.output()[0] - n.final_demand()[0] - 3.0).abs() < 1e-12);
    refused(
        &files("supplier,buyer,flow\nb,a,1\na,b,5\na,b,-5\n"),
        &[
            "line 3: firm \"b\" buys from \"a\" for 0",
            "positive in sum",
        ],
    );
    // A firm that buys from itself, and names with leading zeros, are no faults.
    let own =
        read_network(&folder.links("supplier,buyer,flow\n1,1,2\n1,01,3\n01,1,1\n")).expect("own");
    assert_eq!((own.firms(), own.links()), (2, 3));
    refused(
        &folder.links("supplier,buyer,flow\na,b,0\n"),
        &["line 2", "for 0", "leave links without one away"],
    );
}

#[test]
fn names_that_look_alike_or_hide_something_are_refused() {
    let folder = Folder::new("alike");
    refused(
        &folder.links("supplier,buyer,flow\n001,002,1\n002 ,001,1\n"),
        &[
            "line 3: firms \"002 \" and \"002\" (line 2) look like one firm",
            "trim: true",
        ],
    );
    refused(
        &folder.links("supplier,buyer,flow\na,b\u{200b},1\nb,a,1\n"),
        &["line 2", "hidden character U+200B", "column `buyer`"],
    );
    refused(
        &folder.links("supplier,buyer,flow\na,\"b\u{7}\",1\n"),
        &["hidden character U+0007"],
    );
    let firms = NetworkFiles {
        firms: Some(folder.write("firms.csv", "firm,final_demand\n1,1\n2,1\n")),
        ..folder.links("supplier,buyer,flow\n1.0,2.0,1\n")
    };
    refused(
        &firms,
        &[
            "firm \"2.0\" is not among the 2 firms, but \"2\" is",
            "column `buyer`",
        ],
    );
    // All of them with ".0" are one spelling.
    assert!(read_network(&folder.links("supplier,buyer,flow\n1.0,2.0,1\n2.0,1.0,1\n")).is_ok());
    // Points before three digits may part thousands.
    let points = folder.links("supplier;buyer;flow\na;b;3.000\nb;a;500\nb;c;2.500\n");
    refused(
        &points,
        &[
            "links.csv, column `flow`: \"3.000\"",
            "NetworkFiles { decimal: Some(Decimal::Point), .. }",
        ],
    );
    let told = NetworkFiles {
        decimal: Some(Decimal::Comma),
        thousands: Some('.'),
        ..points
    };
    let n = read_network(&told).expect("thousands");
    assert!((n.output()[0] - n.final_demand()[0] - 3000.0).abs() < 1e-9);
    // Long cells are cut.
    let long = "x".repeat(5000);
    let said = refused(
        &folder.links(&format!("supplier,buyer,flow\na,b,{long}\n")),
        &["line 2"],
    );
    assert!(said.len() < 400, "{} characters", said.len());
}

#[test]
fn files_that_are_no_texts_of_links_are_refused() {
    let folder = Folder::new("foreign");
    for (name, bytes, part) in [
        ("a.csv", &b"PK\x03\x04\0\0"[..], "NUL byte"),
        ("b.csv", b"\x1f\x8b\x08", "compressed with gzip"),
        ("c.csv", b"<html><body>busy</body></html>", "XML or HTML"),
        ("d.xlsx", b"PK\x03\x04", "end the file's name in"),
        ("e.parquet", b"PAR1", "damaged"),
    ] {
        let files = NetworkFiles {
            links: folder.write(name, bytes),
            ..NetworkFiles::default()
        };
        refused(&files, &[name, part]);
    }
    let none = NetworkFiles {
        links: Path::new("no/such/links.csv").into(),
        ..NetworkFiles::default()
    };
    refused(&none, &["no/such/links.csv: it cannot be read"]);
}

#[test]
fn frames_are_refused_by_row_without_foreign_sentences() {
    let folder = Folder::new("frames");
    let frame = |name: &str, text: &str| load(folder.write(name, text)).expect("read").frame;
    let firms = frame("f.csv", "firm,final_demand\na,1\nb,2\n");
    let said = |links: &str| {
        let e = network_from_frames(&firms, &frame("l.csv", links)).expect_err("refused");
        println!("| {e} |");
        e.to_string()
    };
    assert!(
        said("buyer,supplier,flow\na,b,\"1,000\"\n")
            .starts_with("links, row 0, column `flow`: \"1,000\" is not a number")
    );
    assert!(
        said("buyer,supplier,flow\na,b,1\na,c,1\n")
            .starts_with("links, row 1: firm \"c\" is not among the 2 firms")
    );
    assert!(
        said("buyer,supplier,flow\na,b,1\na,b,1\n")
            .contains("row 1: firm \"a\" buys from \"b\" a second time (first in row 0)")
    );
}

#[test]
fn files_of_inoue_and_todo_are_refused_with_their_lines() {
    let folder = Folder::new("inoue-lines");
    let files = |edges: &str, demand: &str| InoueTodo {
        edges: folder.write("a.txt", edges),
        final_demand: Some(folder.write("c.txt", demand)),
        ..InoueTodo::default()
    };
    let said = |f: InoueTodo| {
        let e = Network::from_inoue_todo(&f)
            .expect_err("refused")
            .to_string();
        println!("| {e} |");
        e
    };
    assert!(
        said(files("1 2 10\n\n1 2 5\n", "1 100\n2 100\n"))
            .contains("a.txt, line 3: firm 2 buys from 1 a second time")
    );
    assert!(
        said(files("1 2 10\n\n2 1 -5\n", "1 100\n2 100\n"))
            .contains("a.txt, line 3: firm 1 buys from 2 with flow -5")
    );
    assert!(
        said(files("1 2 10\n", "1 100\n2 100\n1 7\n"))
            .contains("c.txt, line 3: firm \"1\" is already in line 1")
    );
    assert!(
        said(files("1 2 1,000\n", "1 100\n2 100\n"))
            .contains("a.txt, line 1: \"1,000\" is not a number")
    );
}

/// Random damage of texts: an error or an economy, never a panic. Seeded, and a fixed number.
#[test]
fn no_damage_makes_a_reader_panic() {
    let folder = Folder::new("damage");
    let good = "supplier,buyer,flow\n001,002,30\n002,01,40\n01,10,20\n10,001,15\n";
    let mut state = 0x9e37_79b9_u64;
    let mut random = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % n
    };
    let pieces = [
        "", ",", ";", "\"", "\n", "\r\n", "\0", "-", "1e999", "\u{200b}", "0", "é", "\u{feff}",
        "x", " ",
    ];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..400 {
        let mut text = good.to_string();
        for _ in 0..1 + random(3) {
            let at = (0..=random(text.len()))
                .rev()
                .find(|k| text.is_char_boundary(*k))
                .unwrap_or(0);
            let end = (at + random(4)..).find(|k| text.is_char_boundary(*k) || *k >= text.len());
            let end = end.unwrap_or(at).min(text.len()).max(at);
            text.replace_range(at..end, pieces[random(pieces.len())]);
        }
        match read_network(&folder.links(&text)) {
            Ok(_) => read += 1,
            Err(e) => {
                refused += 1;
                assert!(!e.place.is_empty() && !e.remedy.is_empty(), "{e}: {text:?}");
            }
        }
    }
    println!("{read} read, {refused} refused");
    assert!(read > 20 && refused > 100);
}
