//! Files of several blocks, which are read side by side: the same as one line after the other.

use super::*;

const MONTHS: usize = 400;
const SERIES: usize = 300;

fn month(k: usize) -> String {
    format!("{}-{:02}", 1990 + k / 12, k % 12 + 1)
}

/// Value and flag of a cell: some are missing, some have a flag.
fn cell(series: usize, k: usize) -> (Option<f64>, &'static str) {
    let n = series * MONTHS + k;
    let value = (80.0 * 10.0 + ((n * 7919) % 400) as f64) / 10.0;
    let flag = ["", "p", "e", "c"][(n / 7) % 4];
    ((!n.is_multiple_of(50)).then_some(value), flag)
}

fn row(series: usize, k: usize) -> String {
    let (value, flag) = cell(series, k);
    let value = value.map_or(String::new(), |v| v.to_string());
    let (sector, region) = (series / 40, series % 40);
    format!(
        "ESTAT:STS_INPR_M(1.0),24/09/22 11:00:00,M,PRD,C{sector},SCA,I21,R{region:02},{},{value},{flag}\r\n",
        month(k)
    )
}

const HEAD: &str =
    "DATAFLOW,LAST UPDATE,freq,indic_bt,nace_r2,s_adj,unit,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG\r\n";

fn csv() -> String {
    let cells = (0..SERIES).flat_map(|s| (0..MONTHS).map(move |k| row(s, k)));
    HEAD.to_string() + &cells.collect::<String>()
}

fn tsv() -> String {
    let mut text = String::from("freq,indic_bt,nace_r2,s_adj,unit,geo\\TIME_PERIOD");
    (0..MONTHS).for_each(|k| text += &format!("\t{} ", month(k)));
    for s in 0..SERIES {
        text += &format!("\r\nM,PRD,C{},SCA,I21,R{:02}", s / 40, s % 40);
        for k in 0..MONTHS {
            text += &match cell(s, k) {
                (Some(v), flag) => format!("\t{v} {flag}"),
                (None, flag) => format!("\t: {flag}"),
            };
        }
    }
    text + "\r\n"
}

#[test]
fn rows_columns_and_any_order_give_one_frame() {
    let text = csv();
    assert!(text.len() > 8 << 20);
    let whole = good(&text);
    assert_eq!(whole.frame.height(), SERIES * MONTHS);
    assert_eq!(whole.missing, SERIES * MONTHS / 50);
    assert!(whole.frame.equals_missing(&good(&tsv()).frame));
    // Month by month, so that every cell belongs to another series than the one before.
    let turned = (0..MONTHS).flat_map(|k| (0..SERIES).map(move |s| row(s, MONTHS - 1 - k)));
    let turned = HEAD.to_string() + &turned.collect::<String>();
    assert!(whole.frame.equals_missing(&good(&turned).frame));
    let packed = read_bytes(&gzip(text.as_bytes())).expect("a frame");
    assert!(whole.frame.equals_missing(&packed.frame));
    // Cell by cell, against what was written.
    let (numbers, flags) = (values(&whole), whole.flags().expect("flags"));
    let mut order: Vec<usize> = (0..SERIES).collect();
    order.sort_by_key(|s| (format!("R{:02}", s % 40), format!("C{}", s / 40)));
    for (place, s) in order.iter().enumerate() {
        for k in 0..MONTHS {
            assert_eq!(numbers[place * MONTHS + k], cell(*s, k).0, "{s} {k}");
        }
        assert_eq!(
            text_of(&whole, place),
            format!("R{:02} C{}", s % 40, s / 40)
        );
    }
    for flag in ["p", "e", "c"] {
        let all = (0..SERIES).flat_map(|s| (0..MONTHS).map(move |k| cell(s, k).1));
        assert_eq!(flags[flag], all.filter(|f| *f == flag).count());
    }
    // What is chosen is chosen in every block.
    let some = with(
        &text,
        &ReadOptions {
            regions: vec!["R07".into()],
            sectors: vec!["C1*".into()],
            ..ReadOptions::default()
        },
    );
    assert_eq!(some.frame.height(), MONTHS);
}

fn text_of(index: &Index, series: usize) -> String {
    let row = series * MONTHS;
    format!(
        "{} {}",
        text(index, "region", row),
        text(index, "sector", row)
    )
}

#[test]
fn the_first_fault_of_the_file_is_told_with_its_line() {
    let text = csv();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let spoilt = |faults: &[(usize, &str)]| {
        let mut lines = lines.clone();
        for (number, line) in faults {
            lines[number - 1] = line;
        }
        refused(lines.concat().as_bytes())
    };
    let bad = row(3, 3).replace("1990-04", "1990-Q2");
    let shown = spoilt(&[(110_001, "short\r\n"), (60_001, &bad), (60_002, "x\r\n")]);
    assert!(
        shown.starts_with("line 60001, column `TIME_PERIOD`"),
        "{shown}"
    );
    let shown = spoilt(&[(110_001, "short\r\n")]);
    assert!(shown.starts_with("line 110001: it has 1 fields"), "{shown}");
    let shown = spoilt(&[(99_000, lines[1])]);
    assert!(
        shown.starts_with("line 99000: R00 C0 in 1990-01 was already given in line 2"),
        "{shown}"
    );
    let other = row(7, 0).replace("SCA", "NSA");
    let shown = spoilt(&[(115_000, &other)]);
    assert!(shown.contains("it mixes NSA, SCA"), "{shown}");
    let few = ReadOptions {
        max_cells: Some(77_777),
        ..ReadOptions::default()
    };
    let shown = refused_with(text.as_bytes(), &few);
    assert!(
        shown.starts_with("line 77779: the file has more than 77777 cells"),
        "{shown}"
    );
    let mut cut = gzip(text.as_bytes());
    cut.truncate(cut.len() / 2);
    assert!(refused(&cut).contains("cut off"));
    // A fault before the end of what can be read comes first.
    let shown = refused(&[spoilt_head().as_bytes(), &vec![b'x'; 10 << 20]].concat());
    assert!(shown.starts_with("line 2, column `OBS_VALUE`"), "{shown}");
}

fn spoilt_head() -> String {
    let line = row(0, 1).replace(&cell(0, 1).0.expect("a value").to_string(), "NaN");
    format!("{HEAD}{line}")
}
