//! Layouts of offices: long tables, FIGARO, national workbooks, tables of uses; lines, numbers and letters.

use super::*;

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
            "\"2.000\"",
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
fn labels_of_other_offices_are_known() {
    // As Switzerland's and Australia's offices call lines.
    let swiss = "Code;A01-03;C10-12;Konsum der privaten Haushalte;Konsum des Staates;Bruttoanlageinvestitionen;Vorratsveränderungen;Exporte;Insgesamt\nA01-03;20;30;40;5;15;1;9;120\nC10-12;25;60;90;10;30;-2;37;250\nInsgesamt;45;90;130;15;45;-1;46;370\nArbeitnehmerentgelt;50;80;;;;;;\nBetriebsüberschuss;25;80;;;;;;\n";
    let t = read(swiss);
    assert_eq!(
        (t.output.as_slice(), t.demand.len(), t.primary.len()),
        (&[120.0, 250.0][..], 5, 2)
    );
    noted(&t, "left out as totals: Insgesamt, Insgesamt");
    let australian = "Industry,Farms,Mills,Intermediate uses,Households Final Consumption Expenditure,Exports of Goods and Services,Final Uses\nFarms,20,30,50,40,30,70\nMills,25,60,85,100,65,165\nIntermediate uses,45,90,135,,,\nCompensation of employees,50,80,130,,,\nGross operating surplus & mixed income,25,80,105,,,\nAustralian Production,120,250,370,,,\n";
    let t = read(australian);
    assert_eq!(
        (t.output.as_slice(), t.demand.len()),
        (&[120.0, 250.0][..], 2)
    );
    noted(&t, "Final Uses is left out of final demand");
    assert!(t.imbalance().iter().all(|m| *m == 0.0));
    // Its workbooks: codes above names, codes beside names, lines below the sectors with codes of their own.
    let workbook = ",,0101,1101,T1,Q1,Q7,T5,T6\n,,Farms,Mills,Total Industry Uses,Households Final Consumption Expenditure,Exports of Goods and Services,Final Uses,Total Supply\n0101,Farms,20,30,50,40,30,70,120\n1101,Mills,25,60,85,100,65,165,250\nT1,Total Intermediate Uses,45,90,135,,,,\nP1,Compensation of employees,50,80,130,,,,\nP2,Gross operating surplus & mixed income,25,80,105,,,,\nT2,Australian Production,120,250,370,,,,\n";
    let t = read(workbook);
    assert_eq!(t.len(), 2, "{:?}", t.sectors);
    assert_eq!(
        (t.output.as_slice(), t.demand.len(), t.primary.len()),
        (&[120.0, 250.0][..], 2, 2)
    );
    assert_eq!(t.flow(1, 0), 25.0);
    assert!(t.imbalance().iter().all(|m| *m == 0.0));
}

#[test]
fn a_table_is_taken_from_among_others() {
    let square = table(flow, &[("output", &OUTPUT)], &[]);
    let lines = square.lines().count();
    let moved: String = square.lines().map(|l| format!(",{l}\n")).collect();
    let file = format!("Tables of 2020\n\n{moved}\nThe same in percent\n\n{moved}");
    let cells = |range: &str| TableOptions {
        cells: Some(range.into()),
        ..TableOptions::default()
    };
    for first in [3, 3 + lines + 3] {
        let range = format!("b{first}:F{}", first + lines - 1);
        right(&parse(&file, &cells(&range)).expect(&range));
    }
    // Places are those of the file.
    let hurt = file.replacen("\n,A,", "\n,A,x", 1);
    let said = refused(&hurt, &cells(&format!("B3:F{}", 2 + lines)));
    has(&said, &["line 4, column 3"]);
    for (range, fact) in [
        ("B3", "\"B3\" is no range of cells"),
        ("3:5", "\"3:5\" is no range of cells"),
        ("B0:C5", "is no range"),
        ("F9:B3", "ends before it begins"),
        ("ZZZZZZZZZZZZZZZZZZ1:ZZZZZZZZZZZZZZZZZZ5", "is no range"),
        ("B300:F400", "there is no table in"),
    ] {
        has(
            &refused(&file, &cells(range)),
            &["TableOptions.cells", fact],
        );
    }
}

#[test]
fn columns_may_have_codes_where_rows_have_names() {
    let coded = "Name,11,21,31G,T001,F010,F040,T007\nFarms,10,20,0,30,60,10,100\nMines,5,10,5,20,70,10,100\nMakers,15,5,10,30,65,5,100\nValue added,70,65,85,,,,\n";
    let said = refused(coded, &TableOptions::default());
    has(&said, &["11 is the name of no row", "same_order: true"]);
    let in_order = TableOptions {
        same_order: true,
        ..TableOptions::default()
    };
    let t = parse(coded, &in_order).expect("in order");
    assert_eq!(t.sectors, ["Farms", "Mines", "Makers"]);
    assert_eq!(t.flow(2, 0), 15.0);
    assert_eq!(t.output, [100.0, 100.0, 100.0]);
    let kinds: Vec<Use> = t.demand.iter().map(|d| d.kind).collect();
    assert_eq!(kinds, [Use::Domestic, Use::Exports]);
    // One more row than columns, and one less.
    let more = coded.replace("Value added", "Shops,1,1,1,3,1,1,5\nValue added");
    has(
        &refused(&more, &in_order),
        &["3 buyers are in columns", "row Shops comes after as many"],
    );
    let fewer = coded.replace("Makers,15,5,10,30,65,5,100\n", "");
    has(
        &refused(&fewer, &in_order),
        &[
            "3 buyers are in columns",
            "row Value added of the suppliers is none",
        ],
    );
}
