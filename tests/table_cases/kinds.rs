//! What numbers are: orientation, coefficients and shares, totals, final demand for output, units, columns.

use super::*;

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
    let text = "sector,A,B\nA,10,20\nB,80,40\nFinal demand,110,140\nOutput,200,200\n";
    has(
        &refused(text, &TableOptions::default()),
        &["line 4: Final demand is final demand", "BuyersInRows"],
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
    // Half of them zero.
    let sparse = |i: usize, j: usize| {
        if i == j {
            0.0
        } else {
            [0.2, 0.0, 0.1][(i + j) % 3]
        }
    };
    has(
        &refused(
            &table(sparse, &[("output", &OUTPUT)], &[]),
            &TableOptions::default(),
        ),
        &["coefficients, not flows"],
    );
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
