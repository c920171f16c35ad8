//! Frames: the adapters' grammar and refusals, preparation, and tables of every result.

use bullwhip::Result;
use bullwhip::frame::read::parse;
use bullwhip::prelude::*;
use proptest::prelude::*;
use std::path::PathBuf;

const HEADER: &str =
    "DATAFLOW,LAST UPDATE,freq,indic_bt,nace_r2,s_adj,unit,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG";

fn csv(rows: &[&str]) -> String {
    let mut text = format!("{HEADER}\r\n");
    for row in rows {
        text += &format!("ESTAT:STS_INPR_M(1.0),24/09/22 11:00:00,{row}\r\n");
    }
    text
}

fn read_text(text: &str) -> Result<Index> {
    parse(text.as_bytes(), &ReadOptions::default())
}

fn refused(text: &str) -> String {
    read_text(text)
        .expect_err("this must be refused")
        .to_string()
}

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

#[test]
fn the_two_files_with_the_same_cells_give_equal_frames() {
    let (Some(a), Some(b)) = (
        shared("eurostat/sts_inpr_m_5geo_2015.csv"),
        shared("eurostat/sts_inpr_m_5geo_2015.tsv"),
    ) else {
        return;
    };
    let a = read(a, &ReadOptions::default()).expect("SDMX-CSV");
    let b = read(b, &ReadOptions::default()).expect("TSV");
    assert_eq!(
        (a.format, b.format),
        (Format::EurostatCsv, Format::EurostatTsv)
    );
    assert_eq!(a.frame.height(), 1365);
    assert!(a.frame.equals_missing(&b.frame));
    assert_eq!(a.flags().expect("flags"), b.flags().expect("flags"));
    assert_eq!(a.flags().expect("flags")["p"], 330);
}

#[test]
fn columns_are_found_by_name_and_optional_ones_may_be_absent() {
    let a = read_text(&csv(&[
        "M,PROD,C,SCA,I15,BE,2015-01,101.3,",
        "M,PROD,C,SCA,I15,BE,2015-02,,p",
    ]))
    .expect("a frame");
    assert_eq!((a.frame.height(), a.missing), (2, 1));
    let b = read_text("geo,nace_r2,OBS_VALUE,TIME_PERIOD\nBE,C,101.3,2015-01\nBE,C,,2015-02\n")
        .expect("a frame");
    let value = |i: &Index| {
        i.frame
            .column("value")
            .expect("a column")
            .f64()
            .expect("numbers")
            .get(0)
    };
    assert_eq!(value(&a), value(&b));
    // Confidential cells say so; a quoted label may hold a comma.
    let c = read_text("geo,nace_r2,unit,TIME_PERIOD,OBS_VALUE,OBS_FLAG,CONF_STATUS\nIE,B,\"Index, 2021=100\",2023-01,,,C\n").expect("a frame");
    assert_eq!(c.flags().expect("flags")["@C"], 1);
    assert_eq!(
        c.frame
            .column("unit")
            .expect("a column")
            .str()
            .expect("text")
            .get(0),
        Some("Index, 2021=100")
    );
}

#[test]
fn tsv_cells_follow_the_grammar_in_both_layouts() {
    let text = "freq,indic_bt,nace_r2,s_adj,unit,geo\\TIME_PERIOD\t2023-01 \t2023-02 \t2023-03 \r\nM,PRD,B,CA,I21,BG\t94.4 p\t: \t\t99.9 \r\nM,PRD,B,CA,I21,IE\t: @C\t7.0 p@C\t12.5 bdep\r\n";
    let a = read_text(text).expect("a frame");
    // The blank cell is no observation, the surplus cell has no month.
    assert_eq!((a.frame.height(), a.missing), (5, 2));
    let flags = a.flags().expect("flags");
    assert_eq!(
        flags.keys().map(String::as_str).collect::<Vec<_>>(),
        ["@C", "bdep", "p", "p@C"]
    );
    let legacy = "nace_r2,s_adj,unit,geo\\time\t2022M07 \t2022M06 \nB,CA,I15,BG\t2.0 \t1.0 \n";
    let b = read_text(legacy).expect("a frame");
    let values: Vec<_> = b
        .frame
        .column("value")
        .expect("a column")
        .f64()
        .expect("numbers")
        .iter()
        .collect();
    assert_eq!(values, [Some(1.0), Some(2.0)]);
}

#[test]
fn what_would_spoil_a_calibration_is_refused_with_its_place() {
    let good = "M,PROD,C,SCA,I15,BE,2015-01,101.3,";
    assert!(refused(&csv(&[good, "M,PROD,C,NSA,I15,BE,2015-02,1,"])).contains("mixes NSA, SCA"));
    assert!(refused(&csv(&[good, "M,PROD,C,SCA,I21,BE,2015-02,1,"])).contains("mixes I15, I21"));
    assert!(
        refused(&csv(&[good, good]))
            .starts_with("line 3: BE C in 2015-01 was already given in line 2")
    );
    assert!(
        refused(&csv(&["A,PROD,C,SCA,I15,BE,2015,1,"]))
            .contains("line 2, column `freq`: the frequency is \"A\"")
    );
    assert!(
        refused(&csv(&["M,PROD,C,SCA,I15,BE,2015-Q1,1,"])).contains("\"2015-Q1\" is not a month")
    );
    assert!(refused(&csv(&["M,PROD,C,SCA,I15,BE,2015-13,1,"])).contains("is not a month"));
    assert!(
        refused(&csv(&["M,PROD,C,SCA,I15,BE,2015-01,\"101,3\","]))
            .contains("line 2, column `OBS_VALUE`")
    );
    assert!(refused(&csv(&["M,PROD,C,SCA"])).contains("download the file again"));
    assert!(refused("<?xml version=\"1.0\"?><error/>").contains("XML or HTML"));
    assert!(refused("").contains("it is empty"));
    assert!(refused(&format!("{HEADER}\r\n")).contains("no observation"));
    assert!(
        parse(b"geo,\nTIME_PERIOD\xff", &ReadOptions::default())
            .expect_err("bytes")
            .to_string()
            .contains("line 2")
    );
    let mixed = csv(&[good, "M,PROD,C,NSA,I15,BE,2015-02,1,"]);
    let options = ReadOptions {
        s_adj: Some("SCA".into()),
        ..ReadOptions::default()
    };
    assert_eq!(
        parse(mixed.as_bytes(), &options)
            .expect("chosen")
            .frame
            .height(),
        1
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), which in 0usize..3) {
        let head: &[u8] = [b"".as_slice(), b"geo,nace_r2,TIME_PERIOD,OBS_VALUE\n", b"nace_r2,geo\\TIME_PERIOD\t2020-01 \n"][which];
        let _ = parse(&[head, &bytes].concat(), &ReadOptions::default());
    }

    #[test]
    fn no_cell_makes_it_panic(cell in "\\PC{0,12}", time in "[0-9M: -]{0,9}") {
        let _ = read_text(&format!("geo,nace_r2,TIME_PERIOD,OBS_VALUE\nBE,C,{time},{cell}\n"));
        let _ = read_text(&format!("nace_r2,geo\\TIME_PERIOD\t{time}\nC,BE\t{cell}\n"));
    }
}

fn economy() -> Network {
    Network::synthetic(&Synthetic {
        firms: 20,
        mean_suppliers: 3.0,
        regions: 2,
        sectors: 2,
        ..Synthetic::default()
    })
    .expect("an economy")
}

#[test]
fn a_rebased_index_aligns_with_a_network() {
    let mut rows = Vec::new();
    for (k, v) in [90.0, 110.0, 50.0, 80.0].iter().enumerate() {
        rows.push(format!("M,PROD,S1,SCA,I15,R1,2020-{:02},{v},", k + 1));
        rows.push(format!("M,PROD,S9,SCA,I15,R1,2020-{:02},{v},", k + 1));
    }
    let index =
        read_text(&csv(&rows.iter().map(String::as_str).collect::<Vec<_>>())).expect("a frame");
    assert_eq!(
        months(&index.frame).expect("months"),
        [(2020, 1), (2020, 2), (2020, 3), (2020, 4)]
    );
    let based = rebase(&index.frame, (2020, 1), (2020, 2)).expect("rebased");
    let network = economy();
    let found = align(&based, &network, (2020, 3), 3).expect("aligned");
    let o = &found.observed;
    let group = (0..o.groups())
        .find(|g| o.label(*g) == "R1 · S1")
        .expect("a group");
    assert!((o.index(group)[0] - 50.0).abs() < 1e-12 && (o.index(group)[1] - 80.0).abs() < 1e-12);
    assert!(o.index(group)[2].is_nan());
    assert_eq!(
        (found.unused, found.without_data.len()),
        (vec!["R1 · S9".to_string()], 3)
    );
    assert!(
        rebase(&index.frame, (2021, 1), (2021, 2))
            .expect_err("no cells")
            .to_string()
            .starts_with("series R1 S1")
    );
    assert!(
        select(&index.frame, &["R7"], &[])
            .expect_err("unknown")
            .to_string()
            .contains("it has R1")
    );
    assert_eq!(
        select(&index.frame, &["R1"], &["S9"])
            .expect("some")
            .height(),
        4
    );
}

#[test]
fn every_period_belongs_to_one_month() {
    assert_eq!(month_lengths((2023, 1), 3, 1).expect("days"), [31, 28, 31]);
    assert_eq!(month_lengths((2024, 2), 1, 1).expect("a leap year"), [29]);
    let weeks = month_lengths((2023, 1), 12, 7).expect("weeks");
    assert_eq!(weeks.iter().sum::<usize>(), 53);
    assert!(weeks.iter().all(|w| (4..=5).contains(w)));
}

#[test]
fn a_network_survives_a_round_trip_through_frames() {
    let a = economy();
    let b = network_from_frames(&a.frame().expect("firms"), &links_frame(&a).expect("links"))
        .expect("the same");
    assert_eq!(a.coefficient(), b.coefficient());
    assert_eq!(a.output(), b.output());
    assert_eq!(a.group(), b.group());
}

#[test]
fn results_have_the_documented_columns() {
    let network = economy();
    let shock = Shock::region(&network, "R1", 2, 0.5, 0.1).expect("a shock");
    let simulation = Simulation {
        periods: 4,
        record: Record::Everything,
        ..Simulation::default()
    };
    let run = simulate(
        &network,
        &Params::uniform(&network, 2.0, 5.0),
        &shock,
        &simulation,
    )
    .expect("a run");
    let names = |f: &dyn ToFrame| -> Vec<String> {
        f.frame()
            .expect("a frame")
            .get_column_names()
            .iter()
            .map(|n| n.to_string())
            .collect()
    };
    assert_eq!(
        names(&run),
        [
            "period",
            "firm",
            "region",
            "sector",
            "output",
            "demand",
            "limit",
            "margin",
            "unmet",
            "overproduction"
        ]
    );
    assert_eq!(run.frame().expect("a frame").height(), 4 * 20);
    let mut panel = run.observe();
    panel.values[1] = f64::NAN;
    assert_eq!(
        names(&panel),
        ["period", "region", "sector", "value", "index"]
    );
    assert_eq!(
        panel
            .frame()
            .expect("a frame")
            .column("value")
            .expect("values")
            .null_count(),
        1
    );
    let problem = Problem::new(&network, &shock, &panel);
    let posterior = calibrate(
        &problem,
        &Svi {
            steps: 2,
            draws: 3,
            ..Svi::default()
        },
        &Run::default(),
        &mut (),
    )
    .expect("a posterior");
    assert_eq!(
        names(&posterior),
        [
            "parameter",
            "entry",
            "prior_median",
            "mean",
            "sd",
            "shrinkage"
        ]
    );
    assert_eq!(posterior.frame().expect("a frame").height(), 40);
}
