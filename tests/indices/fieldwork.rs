//! The made-up files of the kinds that were found in the field, and further members of each kind.

use super::*;

/// A copy of a case, in the folder `cases` beside this file.
fn case(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/indices/cases")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn read_case(name: &str) -> Index {
    read_bytes(&case(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn has(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
}

fn keep(choices: &[(&str, &str)]) -> ReadOptions {
    ReadOptions {
        keep: choices
            .iter()
            .map(|(c, v)| (c.to_string(), v.to_string()))
            .collect(),
        ..ReadOptions::default()
    }
}

fn sum(index: &Index) -> f64 {
    values(index).iter().flatten().sum()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

/// A tidy table of one further column; `texts` are what stands in it for regions R1 and R2.
fn tidy(column: &str, texts: [&str; 2]) -> String {
    let mut text = format!("region,sector,month,value,{column}\n");
    for (k, t) in texts.iter().enumerate() {
        for m in 1..=6 {
            text += &format!("R{},C,2019-{m:02},{},{t}\n", k + 1, 100 + m);
        }
    }
    text
}

#[test]
fn growth_rates_are_refused_under_all_their_names() {
    let eurostat = String::from_utf8(case("index-growth-rates/eurostat_pch.csv")).expect("text");
    has(
        &refused(eurostat.as_bytes()),
        &["column `unit`", "PCH_SM", "not an index", "I21"],
    );
    has(
        &refused(&case("index-growth-rates/oecd_gy.csv")),
        &["UNIT_MEASURE", "\"PA\"", "not an index"],
    );
    for unit in [
        "PCH_PRE",
        "PCH_M12",
        "RT1",
        "RT12",
        "PC",
        "PC_TOT",
        "BAL",
        "\"Percentage change on previous period\"",
        "\"Growth rate on previous period (t/t-1)\"",
        "Veränderung zum Vorjahr",
        "Variation annuelle",
    ] {
        let text = eurostat.replace("PCH_SM", unit);
        has(
            &refused(text.as_bytes()),
            &["column `unit`", "not an index"],
        );
    }
    assert_eq!(
        good(&eurostat.replace("PCH_SM", "I21")).format,
        Format::EurostatCsv
    );
    // Levels beside rates: the levels can be chosen, the rates cannot.
    let both = eurostat.clone()
        + &eurostat
            .lines()
            .skip(1)
            .map(|l| l.replace("PCH_SM", "I21") + "\n")
            .collect::<String>();
    has(&refused(both.as_bytes()), &["mixes I21, PCH_SM"]);
    let unit = |u: &str| ReadOptions {
        unit: Some(u.into()),
        ..ReadOptions::default()
    };
    assert_eq!(text(&with(&both, &unit("I21")), "unit", 0), "I21");
    has(
        &refused_with(both.as_bytes(), &unit("PCH_SM")),
        &["growth rate", "the file has I21"],
    );
    let oecd = String::from_utf8(case("index-growth-rates/oecd_gy.csv")).expect("text");
    for (from, to) in [(",PA,", ",IX,"), (",GY,", ",G1,")] {
        let text = oecd.replace(",PA,", ",IX,").replace(from, to);
        has(&refused(text.as_bytes()), &["MEASURE", "growth rate"]);
    }
    let levels = oecd.replace(",PA,", ",IX,").replace(",GY,", ",_Z,");
    assert_eq!(good(&levels).format, Format::OecdCsv);
    let old = "LOCATION,SUBJECT,MEASURE,TIME,Value\nDEU,PRMNTO01,GPSA,2020-01,0.1\n";
    has(&refused(old.as_bytes()), &["column `MEASURE`", "GPSA"]);
    has(
        &refused(b"DATE,INDPRO_PC1\n2020-01-01,1.2\n"),
        &["INDPRO_PC1", "a change"],
    );
    has(
        &refused(b"month,Steel (% change on year)\n2020-01,1.2\n"),
        &["line 1, column 2", "growth rate"],
    );
    has(
        &refused("指标,2020年2月,2020年1月\n工业增加值_同比增长(%),6.9,5.1\n".as_bytes()),
        &["line 2", "not an index"],
    );
    for unit in [
        "Index, previous month=100",
        "Growth (%)",
        "YoY",
        "12-month % change",
        "Balance",
        "Year to date",
        "log",
    ] {
        let text = format!("region,sector,month,value,unit\nR,C,2020-01,1.5,\"{unit}\"\n");
        has(
            &refused(text.as_bytes()),
            &["column `unit`", "not an index"],
        );
    }
    for unit in [
        "Index, 2021 = 100",
        "2015=100",
        "million euro",
        "Seasonally adjusted annual rate",
        "tonnes",
    ] {
        let text = format!("region,sector,month,value,unit\nR,C,2020-01,1.5,\"{unit}\"\n");
        assert_eq!(good(&text).frame.height(), 1, "{unit}");
    }
    let insee = "\"Libellé\";\"Glissement annuel de l'indice CVS-CJO\";\"Codes\"\n\"idBank\";\"1\";\"\"\n\"2026-02\";\"1.48\";\"A\"\n";
    has(&refused(insee.as_bytes()), &["not an index"]);
    let seasons = insee.replace(
        "Glissement annuel de l'indice",
        "Indice corrigé des variations saisonnières",
    );
    assert_eq!(good(&seasons).format, Format::InseeSeries);
}

#[test]
fn further_columns_are_asked_for() {
    let name = "index-further-columns/tidy_disjoint_dims.csv";
    has(
        &refused(&case(name)),
        &[
            "column `adjusted`",
            "mixes no, yes",
            "ReadOptions { keep: vec![(\"adjusted\"",
        ],
    );
    let chosen = parse(&case(name), &keep(&[("adjusted", "yes")])).expect("one economy");
    assert_eq!(distinct(&chosen.frame, "region").expect("names"), ["North"]);
    let all = parse(
        &case(name),
        &keep(&[("adjusted", "*"), ("price_basis", "*")]),
    )
    .expect("all");
    assert_eq!(all.frame.height(), 48);
    has(
        &refused(&case("index-further-columns/wide_months_disjoint.csv")),
        &["column `measure`", "Index 2021=100, Percent change"],
    );
    let levels = parse(
        &case("index-further-columns/wide_months_disjoint.csv"),
        &keep(&[("measure", "Index*")]),
    )
    .expect("levels");
    assert_eq!(distinct(&levels.frame, "region").expect("names"), ["DE"]);
    has(
        &refused_with(
            &case("index-further-columns/wide_months_disjoint.csv"),
            &keep(&[("measure", "Percent change")]),
        ),
        &["column `measure`", "growth rate"],
    );
    let series = |s: &str| ReadOptions {
        s_adj: Some(s.into()),
        ..ReadOptions::default()
    };
    let bank = case("index-further-columns/dbnomics.csv");
    has(&refused(&bank), &["mixes NSA, SCA", "s_adj"]);
    let one = parse(&bank, &series("SCA")).expect("one column");
    assert_eq!(
        (
            one.format,
            one.frame.height(),
            text(&one, "region", 0),
            text(&one, "sector", 0),
            text(&one, "unit", 0)
        ),
        (Format::Dbnomics, 24, "DE".into(), "C".into(), "I21".into())
    );
    for (column, texts) in [
        ("price_basis", ["constant", "current"]),
        ("measure", ["index", "level"]),
        ("scale", ["1", "1000"]),
        ("UNIT_MULT", ["0", "6"]),
        ("vintage", ["2020-10-07", "2020-11-06"]),
        ("realtime_start", ["2020-10-07", "2020-11-06"]),
        ("colour", ["red", "blue"]),
        ("freq_type", ["M", "Q"]),
        ("base_year", ["2015", "2021"]),
    ] {
        has(
            &refused(tidy(column, texts).as_bytes()),
            &["mixes", column, "keep"],
        );
        let some = with(&tidy(column, texts), &keep(&[(column, texts[1])]));
        assert_eq!(
            distinct(&some.frame, "region").expect("names"),
            ["R2"],
            "{column}"
        );
        assert_eq!(good(&tidy(column, [texts[0]; 2])).frame.height(), 12);
    }
    // Names of regions and sectors, figures of another kind and remarks are no measures.
    for (column, texts) in [
        ("country_name", ["Austria", "Belgium"]),
        ("note", ["a", "b"]),
        ("weight", ["12.5", "87.5"]),
        ("population", ["8900000", "11500000"]),
        ("obs_status", ["A", "E"]),
    ] {
        assert_eq!(good(&tidy(column, texts)).frame.height(), 12, "{column}");
    }
    has(
        &refused_with(
            tidy("measure", ["a", "b"]).as_bytes(),
            &keep(&[("meassure", "a")]),
        ),
        &[
            "ReadOptions.keep",
            "no column \"meassure\"",
            "region, sector",
        ],
    );
    has(
        &refused_with(
            tidy("measure", ["a", "b"]).as_bytes(),
            &keep(&[("measure", "c")]),
        ),
        &["ReadOptions.keep", "no row has \"c\""],
    );
    has(
        &refused_with(b"DATE,INDPRO\n2020-01-01,1\n", &keep(&[("a", "b")])),
        &["ReadOptions.keep", "no columns to choose by"],
    );
    // The same series twice, told apart by a column: the message names the choice.
    let twice = "region,sector,month,value,colour\nR1,C,2019-01,1,red\nR1,C,2019-01,2,blue\n";
    has(
        &refused(twice.as_bytes()),
        &["already given", "(\"colour\".into(), \"red\".into())"],
    );
    // Eurostat's and SDMX's own further dimensions.
    let eurostat = "DATAFLOW,freq,geo,nace_r2,TIME_PERIOD,OBS_VALUE\nESTAT:STS_INPR_M(1.0),M,BE,C,2020-01,1\nESTAT:STS_INTV_M(1.0),M,DE,C,2020-01,1\n";
    has(
        &refused(eurostat.as_bytes()),
        &["column `DATAFLOW`", "STS_INTV_M"],
    );
    let tsv = "indic_bt,sizeclas,nace_r2,geo\\TIME_PERIOD\t2020-01 \nPRD,GE10,C,BE\t1 \nPRD,GE250,C,DE\t1 \n";
    has(
        &refused(tsv.as_bytes()),
        &["column `sizeclas`", "GE10, GE250"],
    );
    let chosen = with(tsv, &keep(&[("sizeclas", "GE10")]));
    assert_eq!(chosen.frame.height(), 1);
    let turnover = tsv
        .replace("sizeclas", "s_adj")
        .replace("GE10", "CA")
        .replace("GE250", "CA")
        .replacen("PRD,CA,C,DE", "TOVT,CA,C,DE", 1);
    has(
        &refused(turnover.as_bytes()),
        &["column `indicator`", "PRD, TOVT"],
    );
}

#[test]
fn deleted_rows_do_not_count() {
    let text = String::from_utf8(case("index-deleted-rows/sdmx_csv20_delete.csv")).expect("text");
    let index = good(&text);
    assert_eq!((index.frame.height(), span(&index).1), (21, (2020, 9)));
    assert!(
        index
            .notes
            .iter()
            .any(|n| n.contains("3 rows were left out") && n.contains("line 23"))
    );
    for kind in ["A", "R", "M"] {
        assert_eq!(
            good(&text.replace(",D,", &format!(",{kind},")))
                .frame
                .height(),
            24
        );
    }
    let labelled = text.replace(",D,", ",d,");
    assert_eq!(good(&labelled).frame.height(), 21);
    // A row that deletes what the file gives before.
    let again = format!("{text}dataflow,XX:IP(1.0),D,M,Y,AT,C,IX,2019-03,,A\n");
    has(
        &refused(again.as_bytes()),
        &[
            "line 26",
            "deletes the observation of 2019-03 that line 4 gives",
        ],
    );
    let eurostat = "STRUCTURE,STRUCTURE_ID,ACTION,freq,geo,nace_r2,TIME_PERIOD,OBS_VALUE\ndataflow,E:S(1.0),I,M,BE,C,2020-01,1\ndataflow,E:S(1.0),D,M,BE,C,2020-02,2\n";
    assert_eq!(good(eurostat).frame.height(), 1);
}

#[test]
fn months_are_read_as_people_write_them() {
    assert!(near(sum(&read_case("index-months/midmonth.csv")), 2361.1));
    let short = read_case("index-months/mon_yy.csv");
    assert_eq!(
        (short.format, span(&short)),
        (Format::WideRegions, ((2019, 1), (2020, 12)))
    );
    let grid = read_case("index-months/year_by_month.csv");
    assert_eq!((grid.format, grid.frame.height()), (Format::MonthGrid, 24));
    assert_eq!(
        (values(&grid)[15], values(&grid)[0]),
        (Some(68.9), Some(100.7))
    );
    let two = read_case("index-months/year_month_cols.csv");
    assert_eq!((two.frame.height(), values(&two)[15]), (48, Some(68.3)));
    for (jan, feb) in [
        ("2019M01", "2019M02"),
        ("2019/01", "2019/02"),
        ("01.2019", "02.2019"),
        ("01/2019", "02/2019"),
        ("2019.01", "2019.02"),
        ("janvier 2019", "février 2019"),
        ("Januar 2019", "Februar 2019"),
        ("janeiro 2019", "fevereiro 2019"),
        ("2019 JAN", "2019 FEB"),
        ("January 2019", "February 2019"),
        ("Jan. 2019", "Feb. 2019"),
        ("Gen-2019", "Feb-2019"),
        ("2019MM01", "2019MM02"),
        ("2019年1月", "2019年2月"),
        ("2019-1", "2019-2"),
        ("201901", "201902"),
        ("20190101", "20190201"),
        ("15-Jan-2019", "15-Feb-2019"),
        ("2019-01-20", "2019-02-20"),
        ("2019-01-01T00:00:00Z", "2019-02-01T00:00:00Z"),
    ] {
        let rows = good(&format!("month,Steel,Cars\n{jan},1.5,2\n{feb},3,4\n"));
        assert_eq!(
            (span(&rows), rows.frame.height()),
            (((2019, 1), (2019, 2)), 4),
            "{jan}"
        );
        let tidy = good(&format!(
            "region,sector,date,value\nR,C,{jan},1.5\nR,C,{feb},3\n"
        ));
        assert_eq!(span(&tidy), ((2019, 1), (2019, 2)), "{jan}");
        let columns = good(&format!("region,sector,{jan},{feb}\nR,C,1.5,3\nS,C,1,2\n"));
        assert_eq!(
            (span(&columns), columns.format),
            (((2019, 1), (2019, 2)), Format::WideMonths),
            "{jan}"
        );
    }
    let named = good("region;Jahr;Monat;value;sector\nR;2019;Januar;1,5;C\nR;2019;März;2,5;C\n");
    assert_eq!(
        (span(&named), values(&named)),
        (((2019, 1), (2019, 3)), vec![Some(1.5), Some(2.5)])
    );
    let refuse = |text: &str, parts: &[&str]| has(&refused(text.as_bytes()), parts);
    refuse(
        "region,sector,date,value\nR,C,2019-01-03,1\nR,C,2019-01-10,2\n",
        &["line 3", "daily or weekly"],
    );
    refuse(
        "date,Steel\n2019-Q1,1\n",
        &["line 2, column `date`", "it is a quarter"],
    );
    refuse("date,Steel\n43466,1\n", &["spreadsheet's number of a day"]);
    refuse(
        "region,sector,date,value\nR,C,43466,1\n",
        &["spreadsheet's number of a day"],
    );
    refuse(
        "region,sector,date,value\nR,C,19-Jan,1\n",
        &["cannot be told apart"],
    );
    refuse(
        "region,sector,date,value\nR,C,Jan,1\n",
        &["a month without a year"],
    );
    refuse("region,sector,date,value\nR,C,2019.1,1\n", &["drops"]);
    refuse(
        "region,sector,date,value\nR,C,Q1 2019,1\n",
        &["it is a quarter"],
    );
    refuse(
        "region,sector,date,value\nR,C,2019KW03,1\n",
        &["not a month"],
    );
    refuse(
        "region,sector,year,value\nR,C,2019,1\n",
        &["quarterly or annual", "year"],
    );
    refuse(
        "region,sector,year,quarter,value\nR,C,2019,1,1\n",
        &["quarterly", "quarter"],
    );
    refuse("Year,Q1,Q2,Q3,Q4\n2019,1,2,3,4\n", &["quarterly"]);
    let fiscal =
        "Year,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec,Jan,Feb,Mar\n2019,1,2,3,4,5,6,7,8,9,10,11,12\n";
    refuse(fiscal, &["line 1", "begin with Apr", "financial year"]);
    refuse(
        "Year,Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec\n2019-20,1,2,3,4,5,6,7,8,9,10,11,12\n",
        &["line 2", "not a year"],
    );
    let annual = good(
        "Year,Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec,Annual\n2019,1,2,3,4,5,6,7,8,9,10,11,12,6.5\n",
    );
    assert_eq!((annual.frame.height(), sum(&annual)), (12, 78.0));
    assert!(annual.notes.iter().any(|n| n.contains("`Annual`")));
    let quarters: String = (0..8)
        .map(|k| format!("R,C,{}-{},{k}5\n", 2019 + k / 4, k % 4 + 1))
        .collect();
    refuse(
        &format!("region,sector,month,value\n{quarters}"),
        &["months 1 to 4", "quarters"],
    );
}

#[test]
fn titles_above_and_notes_below_a_table_are_left_out_and_told() {
    let text = "Industrial production of Ruritania;;\n;;\nMonth;Steel;Cars\n2020-01;1,5;2\n2020-02;3;4\nSource: the office;;\n";
    let index = good(text);
    assert_eq!(
        (index.format, index.frame.height()),
        (Format::WideSectors, 4)
    );
    assert!(
        index
            .notes
            .iter()
            .any(|n| n.contains("1 line was left out above the header, line 3"))
    );
    assert!(
        index
            .notes
            .iter()
            .any(|n| n.contains("below the table") && n.contains("line 6"))
    );
    let changes = text.replace("production", "production, change on the year before,");
    has(&refused(changes.as_bytes()), &["not an index"]);
    let tidy = good("Made by hand\nregion,sector,month,value\nR,C,2020-01,1\n");
    assert_eq!((tidy.format, tidy.frame.height()), (Format::Tidy, 1));
    // Row names that a program wrote, without a heading.
    let numbered =
        good("\"\",\"date\",\"value\"\n\"1\",\"2019-01-01\",5\n\"2\",\"2019-02-01\",6\n");
    assert_eq!(values(&numbered), [Some(5.0), Some(6.0)]);
    // A row of data that is cut off is none.
    has(
        &refused(b"month,Steel,Cars\n2020-01,1,2\n2020-02\n"),
        &["line 3", "1 fields"],
    );
    has(
        &refused(b"month,Steel\n2020-01,1\nSource: x y\n2020-02,1\n"),
        &["line 4", "below line 3"],
    );
}

#[test]
fn vintages_are_not_taken_for_sectors() {
    let bytes = case("index-vintages/vintages.csv");
    has(
        &refused(&bytes),
        &["publication days (vintages)", "2021-01-08"],
    );
    let one = ReadOptions {
        sectors: vec!["2021-01-08".into()],
        ..ReadOptions::default()
    };
    let index = parse(&bytes, &one).expect("one vintage");
    let chosen: f64 = sum(&index);
    assert!(near(chosen, 2371.0) || chosen > 2000.0, "{chosen}");
    assert_eq!(
        distinct(&index.frame, "sector").expect("names"),
        ["2021-01-08"]
    );
    for header in [
        "observation_date,INDPRO_20201007,INDPRO_20201106",
        "DATE,INDPRO_2020-10-07,INDPRO_2020-11-06",
        "date,IPT20M10,IPT20M11",
        "month,2020-10,2020-11",
    ] {
        has(
            &refused(format!("{header}\n2020-01-01,1,2\n2020-02-01,1,2\n").as_bytes()),
            &["vintages"],
        );
    }
}

#[test]
fn numbers_are_read_with_the_sign_that_was_said() {
    let option = |decimal: Decimal| ReadOptions {
        decimal: Some(decimal),
        ..ReadOptions::default()
    };
    let bytes = case("index-numbers-and-codes/thousands_de.csv");
    has(&refused(&bytes), &["1.231,2", "Decimal::Comma"]);
    let index = parse(&bytes, &option(Decimal::Comma)).expect("thousands");
    assert_eq!(
        (values(&index)[0], values(&index)[15]),
        (Some(1231.2), Some(847.5))
    );
    let quoted = case("index-numbers-and-codes/comma_quoted_decimal.csv");
    has(
        &refused(&quoted),
        &["line 2, column `value`", "decimal: Some(Decimal::Comma)"],
    );
    assert_eq!(
        values(&parse(&quoted, &option(Decimal::Comma)).expect("commas"))[0],
        Some(100.3)
    );
    for (text, value) in [
        ("1 231,2", 1231.2),
        ("1'231,2", 1231.2),
        ("1\u{202f}231,2", 1231.2),
        ("1\u{a0}231,2", 1231.2),
        ("12.345.678,9", 12_345_678.9),
    ] {
        let file = format!("month;Steel\n2020-01;{text}\n");
        has(&refused(file.as_bytes()), &["Decimal::Comma"]);
        assert_eq!(
            values(&with(&file, &option(Decimal::Comma))),
            [Some(value)],
            "{text}"
        );
    }
    has(
        &refused(b"month,Steel\n2020-01,\"1,231.2\"\n"),
        &["Decimal::Point"],
    );
    let commas = with(
        "month,Steel\n2020-01,\"1,231.2\"\n",
        &option(Decimal::Point),
    );
    assert_eq!(values(&commas), [Some(1231.2)]);
    for bad in ["1.23,4.5", "12.34", "1 02,5", "1..2"] {
        let file = format!("month;Steel\n2020-01;{bad}\n");
        has(
            &refused_with(file.as_bytes(), &option(Decimal::Comma)),
            &["not a number"],
        );
    }
    // A file of Eurostat, saved again with semicolons and commas.
    let saved = "geo;nace_r2;TIME_PERIOD;OBS_VALUE\nBE;C;2020-01;101,3\n";
    assert_eq!(values(&with(saved, &option(Decimal::Comma))), [Some(101.3)]);
    for file in ["faults/point_thousands.csv", "faults/comma_thousands.csv"] {
        assert!(
            read_case(file).notes[0].contains("exactly three digits"),
            "{file}"
        );
    }
    let some = "month;Steel\n2020-01;998\n2020-02;1.002\n";
    has(
        &refused(some.as_bytes()),
        &["may part thousands", "Decimal::Point", "Decimal::Comma"],
    );
    assert_eq!(
        values(&with(some, &option(Decimal::Comma))),
        [Some(998.0), Some(1002.0)]
    );
    assert!(
        good("month;Steel\n2020-01;101.25\n2020-02;1.002\n")
            .notes
            .iter()
            .all(|n| !n.contains("three digits"))
    );
}

#[test]
fn codes_with_labels_and_documents_are_known_by_name() {
    let both = read_case("index-numbers-and-codes/sdmx_csv_both.csv");
    assert_eq!(
        (
            text(&both, "region", 0),
            text(&both, "sector", 0),
            text(&both, "s_adj", 0),
            text(&both, "unit", 0)
        ),
        ("AT".into(), "C".into(), "Y".into(), "IX".into())
    );
    assert!(both.flags().expect("flags").is_empty());
    has(
        &refused(&case("index-numbers-and-codes/sdmxml.xml")),
        &["SDMX-ML data", "SDMX-CSV"],
    );
    has(&refused(b"<?xml version=\"1.0\"?>\n<!-- made -->\n<mes:GenericData xmlns:mes=\"x\"><a/></mes:GenericData>"), &["SDMX-ML data"]);
    let long = format!(
        "<message:CompactData><DataSet>{}</DataSet></message:CompactData>",
        "<Obs/>".repeat(1 << 20)
    );
    has(&refused(long.as_bytes()), &["SDMX-ML data"]);
    has(
        &refused(
            b"<mes:Error xmlns:mes=\"http://www.sdmx.org/x\"><Text>No results</Text></mes:Error>",
        ),
        &["XML or HTML", "No results"],
    );
    has(
        &refused(b"{\"header\":{\"id\":\"x\"},\"dataSets\":[]}"),
        &["SDMX-JSON", "SDMX-CSV"],
    );
    has(&refused(b"{\"version\":\"2.0\",\"class\":\"dataset\",\"id\":[\"geo\"],\"dimension\":{},\"value\":[1]}"), &["JSON-stat", "CSV"]);
    has(
        &refused(b"[{\"date\":\"2020-01\",\"value\":1}]"),
        &["it is JSON"],
    );
}

#[test]
fn layouts_of_the_offices() {
    let folder = "index-agency-layouts";
    let facts = |file: &str, index: &Index| {
        (
            index.frame.height(),
            index.missing,
            distinct(&index.frame, "region").expect(file).len(),
            distinct(&index.frame, "sector").expect(file).len(),
            span(index),
        )
    };
    let whole = ((2019, 1), (2020, 12));
    for (file, format, expected, total) in [
        ("cso_pxstat.csv", Format::Tidy, (48, 0, 1, 2), 4721.9),
        ("ecb_csvdata.csv", Format::OecdCsv, (96, 0, 2, 2), 9450.0),
        ("genesis_table.csv", Format::Genesis, (72, 2, 1, 3), 6884.5),
        ("istat.csv", Format::OecdStat, (48, 0, 1, 2), 4725.5),
        ("ons_series.csv", Format::OnsSeries, (24, 0, 1, 1), 2359.8),
        ("sidra_8888.csv", Format::WideMonths, (72, 1, 1, 3), 6985.2),
        ("statcan.csv", Format::Tidy, (96, 2, 2, 2), 9242.5),
    ] {
        let index = read_case(&format!("{folder}/{file}"));
        let (rows, missing, regions, sectors, ends) = facts(file, &index);
        assert_eq!(
            (index.format, (rows, missing, regions, sectors), ends),
            (format, expected, whole),
            "{file}"
        );
        assert!(near(sum(&index), total), "{file}: {}", sum(&index));
    }
    let ons = read_case("index-agency-layouts/ons_series.csv");
    assert_eq!(
        (
            text(&ons, "s_adj", 0),
            text(&ons, "region", 0),
            values(&ons)[15]
        ),
        ("SA".into(), "UK".into(), Some(68.5))
    );
    assert!(ons.notes[0].contains("10 rows were left out, with figures of years"));
    let growth = String::from_utf8(case("index-agency-layouts/ons_series.csv")).expect("text");
    has(
        &refused(
            growth
                .replace(
                    "C: Manufacturing: SA",
                    "Manufacturing: Growth rate, year on year",
                )
                .as_bytes(),
        ),
        &["not an index"],
    );
    let inegi = case("index-agency-layouts/inegi.csv");
    has(&refused(&inegi), &["windows-1252"]);
    let options = ReadOptions {
        encoding: Some("windows-1252".into()),
        ..ReadOptions::default()
    };
    let index = parse(&inegi, &options).expect("read");
    assert_eq!((index.frame.height(), span(&index)), (48, whole));
    assert!(index.notes[0].contains("below the table"));
    let genesis = read_case("index-agency-layouts/genesis_table.csv");
    assert_eq!(
        (text(&genesis, "unit", 0), text(&genesis, "sector", 0)),
        ("2015=100".into(), "Bergbau".into())
    );
    has(
        &refused(b"\"ID\";\"SBI2008\";\"Perioden\";\"Gemiddelde_1\";\"Gemiddelde_2\"\n\"0\";\"307500\";\"2019MM01\";\" 98.1\";\" 97.2\"\n"),
        &["CBS StatLine", "Columns"],
    );
    // Layouts of other offices, in small.
    let kosis = good(
        "시도별,산업별,단위,2019. 01 월,2019. 02 월\n전라북도,제조업,2015=100,99.1,98.2\n제주도,제조업,2015=100,97.1,96.2\n",
    );
    assert_eq!(
        (
            kosis.frame.height(),
            text(&kosis, "region", 0),
            text(&kosis, "unit", 0)
        ),
        (4, "전라북도".into(), "2015=100".into())
    );
    let nbs = good(
        "数据库：月度数据\n时间：2019年\n指标,2019年2月,2019年1月\n粗钢产量_当期值,71.5,70.2\n水泥产量_当期值,81.5,80.2\n数据来源：国家统计局\n",
    );
    assert_eq!(
        (nbs.frame.height(), span(&nbs)),
        (4, ((2019, 1), (2019, 2)))
    );
}

#[test]
fn the_offices_own_files_are_read() {
    if let Some(path) = shared("bfs/ip_retail_selection.csv") {
        let fail = read(&path, &ReadOptions::default())
            .expect_err("two adjustments")
            .to_string();
        has(&fail, &["mixes brut, sa"]);
        let options = ReadOptions {
            s_adj: Some("sa".into()),
            ..ReadOptions::default()
        };
        let index = read(&path, &options).expect("adjusted");
        assert_eq!(
            (index.format, index.frame.height(), span(&index)),
            (Format::Tidy, 252, ((2000, 1), (2020, 12)))
        );
        assert!(index.notes.is_empty(), "{:?}", index.notes);
    }
    if let Some(path) = shared("bfs/retail_monthly_pxweb.xlsx") {
        let fail = read(&path, &ReadOptions::default())
            .expect_err("changes")
            .to_string();
        has(&fail, &["column `column D`", "\"Changes\"", "keep"]);
        let choices = keep(&[
            ("column D", "Indices"),
            ("column B", "Unadjusted"),
            ("column F", "Nominal"),
        ]);
        let index = read(&path, &choices).expect("indices");
        assert_eq!(
            (index.format, span(&index)),
            (Format::WideMonths, ((2000, 1), (2020, 12)))
        );
        assert!(index.frame.height() > 2000);
    }
    if let Some(path) = shared("destatis/genesis_12612-0002.csv") {
        let index = read(&path, &ReadOptions::default()).expect("a table");
        assert_eq!(
            (index.format, index.frame.height(), span(&index)),
            (Format::Genesis, 2628, ((1950, 1), (2022, 12)))
        );
    }
}
