//! Damaged files: refused, or read with a note that names the place; and files that must not be noted.

use super::*;

fn fault(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/indices/cases/faults")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn noted(index: &Index, parts: &[&str]) {
    let found = index
        .notes
        .iter()
        .any(|n| parts.iter().all(|p| n.contains(p)));
    assert!(found, "{:?} lack {parts:?}", index.notes);
}

fn says(bytes: &[u8], parts: &[&str]) {
    let message = refused(bytes);
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
}

/// Twelve months of BE, one of them replaced.
fn months_with(at: usize, value: &str) -> String {
    let mut text = String::from("geo,nace_r2,TIME_PERIOD,OBS_VALUE\n");
    for k in 0..12 {
        let usual = format!("{}.{}", 98 + k % 5, k % 10);
        let v = if k == at { value } else { &usual };
        text += &format!("BE,C,2020-{:02},{v}\n", k + 1);
    }
    text
}

#[test]
fn figures_that_look_wrong_are_noted_with_series_and_month() {
    let case = |name: &str| read_bytes(&fault(name)).expect(name);
    noted(
        &case("negative.csv"),
        &["BE C in 2020-06 is -97.6", "negative"],
    );
    noted(
        &case("sentinel_999.csv"),
        &["BE C in 2020-06 is -999", "missing"],
    );
    noted(
        &case("ten_times_from_july.csv"),
        &["BE C from 2020-07 on", "10.3 times"],
    );
    noted(&case("cut_in_last_number.csv"), &["13", "no line end"]);
    noted(
        &case("union_beside_members.csv"),
        &["EU27_2020", "total", "BE, DE"],
    );
    for (value, why) in [
        ("0", "values of 0"),
        ("-1.5", "negative"),
        ("-999", "missing value"),
        ("-9999", "missing value"),
        ("9999", "missing value"),
        ("999", "missing value"),
        ("999.9", "missing value"),
        ("1005", "slip"),
        ("10050", "slip"),
        ("9.8", "slip"),
    ] {
        for at in [2, 5] {
            let month = format!("BE C in 2020-{:02}", at + 1);
            noted(&good(&months_with(at, value)), &[&month, why]);
        }
    }
    noted(
        &good(&months_with(11, "1005")),
        &["BE C from 2020-12 on", "slip"],
    );
    assert!(good(&months_with(5, "60.5")).notes.is_empty());
    // Mostly negative figures are changes.
    let changes: String = (1..=12)
        .map(|m| {
            format!(
                "BE,C,2020-{m:02},{}\n",
                if m % 2 == 0 { "-1.5" } else { "2.5" }
            )
        })
        .collect();
    noted(
        &good(&format!("geo,nace_r2,TIME_PERIOD,OBS_VALUE\n{changes}")),
        &["BE C in 6 of 12 months", "negative"],
    );
    for year in ["2105", "0201", "9999"] {
        let text = months_with(99, "") + &format!("BE,C,{year}-01,100\n");
        noted(&good(&text), &[&format!("BE C in {year}-01"), "mistyped"]);
    }
    let far = months_with(99, "") + "BE,C,2030-01,100\n";
    noted(&good(&far), &["BE C in 2030-01", "108 months away"]);
    // Months of each series of each format.
    noted(
        &good("month,Steel,Cars\n2020-01,1,200\n2020-02,1,20\n2020-03,1,201\n"),
        &["Cars in 2020-02"],
    );
}

#[test]
fn names_are_checked() {
    says(
        &fault("zero_width_label.csv"),
        &["column `region`", "\\u{200b}", "look the same"],
    );
    says(
        &fault("marker_in_region.csv"),
        &["line 2, region", "control character"],
    );
    for name in ["be", "B\u{415}", "Be"] {
        let text = months_with(99, "") + &format!("{name},C,2021-01,100\n");
        noted(&good(&text), &["look alike"]);
    }
    for hidden in ["BE\u{200d}", "BE\u{feff}", "B\u{ad}E", "BE\u{202e}"] {
        says(
            (months_with(99, "") + &format!("{hidden},C,2021-01,100\n")).as_bytes(),
            &["hidden character"],
        );
    }
    noted(
        &good("region,sector,month,value\nB\u{200b}E,C,2020-01,1\n"),
        &["hidden character"],
    );
    for (header, row) in [
        ("region,sector,month,value", "R\u{1b}[31m,C,2020-01,1"),
        ("region,sector,month,value", "R,C\u{7f},2020-01,1"),
        ("region,sector,month,value,flag", "R,C,2020-01,1,\u{1}x"),
        ("region,sector,month,value,unit", "R,C,2020-01,1,\u{8}x"),
        ("geo,nace_r2,TIME_PERIOD,OBS_VALUE", "BE\u{1},C,2020-01,1"),
    ] {
        says(
            format!("{header}\n{row}\n").as_bytes(),
            &["control character"],
        );
    }
    says(b"month,St\x1beel\n2020-01,1\n", &["control character"]);
    says(
        b"nace_r2,geo\\TIME_PERIOD\t2020-01\nC,B\x01E\t1 \n",
        &["control character"],
    );
}

#[test]
fn totals_among_their_parts_are_noted() {
    for (text, total) in [
        ("time,BE,DE,EA20\n2020-01,1,2,3\n", "EA20"),
        (
            "REF_AREA,ACTIVITY,TIME_PERIOD,OBS_VALUE\nDEU,C,2020-01,1\nOECD,C,2020-01,1\n",
            "OECD",
        ),
        (
            "region,sector,month,value\nBayern,C,2020-01,1\nInsgesamt,C,2020-01,1\n",
            "Insgesamt",
        ),
        (
            "region,sector,month,value\nR,C,2020-01,1\nR,TOTAL,2020-01,1\n",
            "TOTAL",
        ),
        (
            "region,sector,month,value\nR,C,2020-01,1\nR,B-D,2020-01,1\n",
            "B-D",
        ),
        (
            "region,sector,month,value\nR,C,2020-01,1\nR,C10-C12,2020-01,1\n",
            "C",
        ),
    ] {
        noted(&good(text), &[&format!("{total} is a total")]);
    }
    let chosen = ReadOptions {
        regions: vec!["BE".into(), "DE".into()],
        ..ReadOptions::default()
    };
    assert!(
        with("time,BE,DE,EA20\n2020-01,1,2,3\n", &chosen)
            .notes
            .is_empty()
    );
    assert!(good("time,EA20,EU27_2020\n2020-01,1,2\n").notes.is_empty());
}

#[test]
fn shifted_cells_are_seen() {
    says(
        &fault("space_thousands.tsv"),
        &["line 2, period column 2", "02.5"],
    );
    for cell in ["1 234.5", "12 3", "101.5 7p"] {
        says(
            format!("nace_r2,geo\\TIME_PERIOD\t2020-01 \nC,BE\t{cell} \n").as_bytes(),
            &["no flag"],
        );
    }
    let late = good(
        "nace_r2,geo\\TIME_PERIOD\t2020-01 \t2020-02 \nC,BE\t100 \t101 \t102 \nC,DE\t1 \t2 \n",
    );
    noted(&late, &["1 row was cut", "line 2"]);
    assert!(
        good("nace_r2,geo\\TIME_PERIOD\t2020-01 \t2020-02 \nC,BE\t100 \t101 \t\n")
            .notes
            .is_empty()
    );
    // A cell too many before the value, hidden by an empty one at the end.
    says(
        b"freq,nace_r2,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG\nM,C,BE,2020-01,7,99.7,\n",
        &["line 2, column `OBS_FLAG`", "\"99.7\" is no flag"],
    );
    says(
        b"region,sector,month,value,flag\nR,C,2020-01,7,99.7\n",
        &["99.7", "not a flag"],
    );
    says(
        b"REF_AREA,ACTIVITY,TIME_PERIOD,OBS_VALUE,OBS_STATUS\nDEU,C,2020-01,7,99.7\n",
        &["no flag"],
    );
}

#[test]
fn damaged_headings_lose_no_month() {
    let g17 = "\"Descriptions:\",\"Unit:\",\"Multiplier:\",\"Currency:\",\"Unique Identifier:\",\"Series Name:\",1919-01,1919-02\n\"Total\",\"Index:_2017_100\",\"1\",\"NA\",\"G17/IP/IP.B50001.S\",\"IP.B50001.S\",4.5,4.79\n";
    assert_eq!(good(g17).frame.height(), 2);
    for bad in ["1919-O1", "191901x", "x"] {
        says(
            g17.replace("1919-01", bad).as_bytes(),
            &["line 1, column 7", "neither a label"],
        );
    }
    says(
        g17.replace("1919-01", "").as_bytes(),
        &["line 2, column 7", "no heading"],
    );
    says(
        g17.replace(",1919-02", ",").as_bytes(),
        &["line 2, column 8", "no heading"],
    );
    let meti = "Production 2020=100\nItem_Number,Item_Name,Weight,202001,202002,202003\n1,Steel,500,99.5,98.5,97.5\n2,Cars,500,89.5,88.5,87.5\n";
    assert_eq!(good(meti).frame.height(), 6);
    for bad in ["2O2001", "20201", "202013", "", "x"] {
        says(meti.replace("202001", bad).as_bytes(), &["damaged"]);
    }
    says(meti.replace("202002", "").as_bytes(), &["damaged"]);
    let months = "region,sector,2020-O1,2020-02,2020-03\nR,C,1,2,3\nS,C,1,2,3\n";
    says(
        months.as_bytes(),
        &["line 1, column 3", "stands before the months"],
    );
    says(&fault("mospi_weight_damaged.csv"), &["line 5", "75.53 (r)"]);
    let mospi = String::from_utf8(fault("mospi_weight_damaged.csv")).expect("text");
    for bad in ["75,53x", "r75.53", "?"] {
        says(
            mospi.replace("75.53 (r)", &format!("\"{bad}\"")).as_bytes(),
            &["weight"],
        );
    }
    noted(
        &good(&mospi.replace("75.53 (r)", "")),
        &["Manufacturing", "no weight"],
    );
    assert_eq!(good(&mospi.replace("75.53 (r)", "75.53")).frame.height(), 6);
}

#[test]
fn a_missing_line_end_is_noted_wherever_it_is() {
    let text = months_with(99, "");
    assert!(good(&text).notes.is_empty());
    assert!(good(&text.replace('\n', "\r\n")).notes.is_empty());
    noted(&good(text.trim_end()), &["the last line, 13,"]);
    let packed = read_bytes(&gzip(text.trim_end().as_bytes())).expect("read");
    noted(&packed, &["no line end"]);
    noted(&good("month,Steel\n2020-01,1"), &["the last line, 2,"]);
}

#[test]
fn a_damaged_card_does_not_switch_the_check_off() {
    let folder = Folder::new("cards");
    let data = folder.write("a.csv", months_with(99, "").as_bytes());
    let card = |text: &[u8]| {
        folder.write("a.csv.json", text);
        read(&data, &ReadOptions::default())
    };
    let sha = "0".repeat(64);
    let good = format!(
        "{{\"url\":\"u\",\"licence\":\"l\",\"sha256\":\"{sha}\",\"bytes\":1,\"fetched\":1}}"
    );
    let fail = |text: &str, part: &str| {
        let message = card(text.as_bytes()).expect_err("refused").to_string();
        assert!(
            message.contains(part) && message.contains("a.csv"),
            "{message}"
        );
    };
    fail(&good, "the copy was changed or damaged");
    fail(&good[..60], "no JSON");
    fail("", "no JSON");
    fail(&good.replace("sha256", "sha257"), "damaged");
    fail(&good.replace("\"bytes\":1", "\"bytes\":\"x\""), "damaged");
    fail(&good.replace(&sha, "12"), "checksum");
    fail(&good.replace("\"url\"", "\"urk\""), "damaged");
    assert!(card(b"\xff\xfe").is_err());
    // JSON of other programs stands beside data too.
    for other in [
        "{}",
        "[1, 2]",
        "{\"title\":\"x\",\"url\":\"u\"}",
        "{\"name\":\"a\",\"resources\":[]}",
    ] {
        assert!(card(other.as_bytes()).expect(other).source.is_none());
    }
    std::fs::remove_file(folder.0.join("a.csv.json")).expect("gone");
    assert!(
        read(&data, &ReadOptions::default())
            .expect("read")
            .source
            .is_none()
    );
}

#[test]
fn the_agencies_files_are_not_noted_without_a_reason() {
    for (file, notes) in [
        ("eurostat/sts_inpr_m_5geo_2015.csv", 1),
        ("eurostat/sts_inpr_m_5geo_2015.tsv", 1),
        ("eurostat/sts_inpr_m_5geo_from1990.csv", 1),
        ("eurostat/ipi_c_eu_wide.csv", 0),
        ("eurostat/sts_inpr_m_2023_custom.csv", 0),
        ("us/INDPRO_date_value.csv", 0),
        ("us/INDPRO_fred_DATE.csv", 0),
        ("us/fredmd_ip_subset.csv", 0),
        ("insee/IPI_nace4.csv", 1),
    ] {
        let Some(path) = shared(file) else { continue };
        let index = read(path, &ReadOptions::default()).expect(file);
        assert_eq!(index.notes.len(), notes, "{file}: {:?}", index.notes);
    }
}
