//! Every format by small texts in its layout: what is read, and what is refused.

use super::*;

fn only(sectors: &[&str]) -> ReadOptions {
    ReadOptions {
        sectors: sectors.iter().map(|s| s.to_string()).collect(),
        ..ReadOptions::default()
    }
}

#[test]
fn eurostat_labels_and_codes() {
    let labels = "DATAFLOW,LAST UPDATE,freq,indic_bt,nace_r2,s_adj,unit,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG,CONF_STATUS\r\nESTAT:STS_INPR_M(1.0),24/09/22 11:00:00,Monthly,Volume index of production,Manufacturing,Unadjusted data (i.e. neither seasonally adjusted nor calendar adjusted data),\"Index, 2021=100\",Belgium,2023-01,101.3,,\r\nESTAT:STS_INPR_M(1.0),24/09/22 11:00:00,Monthly,Volume index of production,Manufacturing,Unadjusted data (i.e. neither seasonally adjusted nor calendar adjusted data),\"Index, 2021=100\",Belgium,2023-02,,,C\r\n";
    let a = good(labels);
    assert_eq!(a.format, Format::EurostatCsv);
    assert_eq!(
        (text(&a, "unit", 0), text(&a, "region", 1)),
        ("Index, 2021=100".into(), "Belgium".into())
    );
    assert_eq!((text(&a, "flag", 1), a.missing), ("@C".into(), 1));
    // Codes and labels together, as the newer service offers them.
    let both = "STRUCTURE,freq: Time frequency,nace_r2: Activity,geo: Geopolitical entity,TIME_PERIOD: Time,OBS_VALUE: Value,OBS_FLAG: Flag\ndataflow,M: Monthly,C: Manufacturing,BE: Belgium,2023-01,7,p: provisional\n";
    let b = good(both);
    assert_eq!(
        (text(&b, "region", 0), text(&b, "sector", 0)),
        ("BE".into(), "C".into())
    );
    assert_eq!(text(&b, "flag", 0), "p");
}

#[test]
fn eurostat_tsv_resaved_and_packed() {
    let tsv = "freq,indic_bt,nace_r2,s_adj,unit,geo\\TIME_PERIOD\t2023-01 \t2023-02 \r\nM,PRD,B,CA,I21,BG\t94.4 p\t: \r\n";
    let csv = "\"freq,indic_bt,nace_r2,s_adj,unit,geo\\TIME_PERIOD\",2023-01 ,2023-02 \n\"M,PRD,B,CA,I21,BG\",94.4 p,: \n";
    let (a, b) = (good(tsv), good(csv));
    assert_eq!(
        (a.format, b.format),
        (Format::EurostatTsv, Format::EurostatTsv)
    );
    assert!(a.frame.equals_missing(&b.frame));
    let c = read_bytes(&gzip(tsv.as_bytes())).expect("unpacked");
    assert!(a.frame.equals_missing(&c.frame));
    // A file of several gzip members is one text.
    let (head, tail) = tsv.split_at(60);
    let two = [gzip(head.as_bytes()), gzip(tail.as_bytes())].concat();
    assert!(
        a.frame
            .equals_missing(&read_bytes(&two).expect("unpacked").frame)
    );
    let annual = "\"freq,unit,nace_r2,geo\\TIME_PERIOD\",1990,1991\n\"A,I15,C,BE\",1,2\n";
    assert!(refused(annual.as_bytes()).contains("\"1990\" is not a month: it is a year"));
}

#[test]
fn fred_under_all_headers() {
    for header in ["DATE,INDPRO", "observation_date,INDPRO"] {
        let a = good(&format!("{header}\n1919-01-01,5.0124\n1919-02-01,.\n"));
        assert_eq!((a.format, a.missing), (Format::FredSeries, 1));
        assert_eq!(
            (text(&a, "region", 0), text(&a, "sector", 0)),
            ("US".into(), "INDPRO".into())
        );
    }
    let options = ReadOptions {
        sector_name: Some("INDPRO".into()),
        ..ReadOptions::default()
    };
    assert_eq!(
        text(&with("date,value\n1980-01-01,52\n", &options), "sector", 0),
        "INDPRO"
    );
    assert_eq!(
        text(&good("date,value\n1980-01-01,52\n"), "sector", 0),
        "value"
    );
    let two = good("observation_date,INDPRO,IPMAN\n2020-01-01,1,2\n2020-02-01,3,\n");
    assert_eq!((two.frame.height(), two.missing), (4, 1));
    let quarterly = "DATE,GDP\n2020-01-01,1\n2020-04-01,2\n2020-07-01,3\n2020-10-01,4\n";
    assert!(refused(quarterly.as_bytes()).contains("it is quarterly"));
    let daily = "DATE,DFF\n2020-01-02,1\n2020-01-03,2\n";
    assert!(refused(daily.as_bytes()).contains("neither the first nor the last day"));
    assert!(refused(b"DATE,TCU\n2020-01-01,77.1\n").contains("capacity utilisation"));
}

#[test]
fn fred_md_skips_the_transformations() {
    let md = "sasdate,INDPRO,IPFUELS\r\nTransform:,5,5\r\n1/1/1959,21.9,34.6\r\n2/1/1959,22.3,\r\n,,\r\n";
    let a = good(md);
    assert_eq!(
        (a.format, a.frame.height(), a.missing),
        (Format::FredMd, 4, 1)
    );
    assert_eq!(span(&a), ((1959, 1), (1959, 2)));
    let whole = "sasdate,RPI,INDPRO,CUMFNS\nTransform:,5,5,2\n1/1/1959,2437,21.9,82\n2/1/1959,2446,22.3,83\n";
    assert!(refused(whole.as_bytes()).contains("2 of its series are no production indices"));
    assert_eq!(
        with(whole, &only(&["INDPRO", "IP*"][..1])).frame.height(),
        2
    );
    assert!(refused_with(whole.as_bytes(), &only(&["CUMFNS"])).contains("capacity utilisation"));
    // A swapped date is seen: the month is read first.
    assert!(refused(b"sasdate,INDPRO\nTransform:,5\n13/1/1959,1\n").contains("not a date"));
}

const G17: &str = "\"Descriptions:\",\"Unit:\",\"Multiplier:\",\"Currency:\",\"Unique Identifier:\",\"Series Name:\",1919-01,1919-02\n\"Total index; s.a. IP\",\"Index:_2017_100\",\"1\",\"NA\",\"G17/IP_MAJOR_INDUSTRY_GROUPS/IP.B50001.S\",\"IP.B50001.S\",,4.79\n\"Mining, quarrying; s.a. IP\",\"Index:_2017_100\",\"1\",\"NA\",\"G17/IP_MAJOR_INDUSTRY_GROUPS/IP.B50089.S\",\"IP.B50089.S\",1.5,ND\n\"Total index; s.a. CAPUTL\",\"Percentage\",\"1\",\"NA\",\"G17/CAPUTL/CAPUTL.B50001.S\",\"CAPUTL.B50001.S\",,77\n";

#[test]
fn g17_rows_and_columns() {
    assert!(
        refused(G17.as_bytes()).contains(
            "line 4, series CAPUTL.B50001.S: \"CAPUTL.B50001.S\" is capacity utilisation"
        )
    );
    let index = ReadOptions {
        unit: Some("Index:_2017_100".into()),
        ..ReadOptions::default()
    };
    let a = with(G17, &index);
    assert_eq!((a.format, a.frame.height(), a.missing), (Format::G17, 3, 1));
    assert_eq!(
        (text(&a, "s_adj", 0), text(&a, "unit", 0)),
        ("SA".into(), "Index:_2017_100".into())
    );
    assert!(with(G17, &only(&["IP.*"])).frame.equals_missing(&a.frame));
    let columns = "\"Series Description\",\"Total index; s.a. IP\",\"Mining, quarrying; s.a. IP\"\n\"Unit:\",\"Index:_2017_100\",\"Index:_2017_100\"\n\"Multiplier:\",\"1\",\"1\"\n\"Currency:\",\"NA\",\"NA\"\n\"Unique Identifier: \",\"G17/IP/IP.B50001.S\",\"G17/IP/IP.B50089.S\"\n\"Time Period\",\"IP.B50001.S\",\"IP.B50089.S\"\n1919-01,,1.5\n1919-02,4.79,ND\n";
    assert!(good(columns).frame.equals_missing(&a.frame));
    let mixed = G17
        .replace("CAPUTL.B50001.S\"", "IP.X.N\"")
        .replace("G17/CAPUTL/", "G17/IP/")
        .replace("s.a. CAPUTL", "n.s.a.")
        .replace("IP.X.N\"\n", "IP.X.N\",,77\n");
    let mixed = mixed.replace(",,77,,77", ",,77");
    assert!(
        refused(mixed.as_bytes()).contains("mixes NSA, SA"),
        "{}",
        refused(mixed.as_bytes())
    );
}

#[test]
fn insee_wide_reads_the_day_first() {
    let a = good("date;RF0610;RF0811\n01/01/1990;90.5;1\n01/02/1990;91.5;\n");
    assert_eq!(
        (a.format, a.frame.height(), a.missing),
        (Format::InseeWide, 4, 1)
    );
    assert_eq!(
        (span(&a), text(&a, "region", 0)),
        (((1990, 1), (1990, 2)), "FR".into())
    );
    // What a US parser would swap silently stands out as an error here.
    assert!(refused(b"date;RF0610\n02/13/1990;1\n").contains("the day is read first here"));
    assert!(refused(b"date;RF0610\n01/01/1990;90,5\n").contains("decimal sign is a point"));
    // Resaved under Windows, with an accent in a name of ours: the encoding must be said.
    let latin = b"date;RF0610\n01/01/1990;90.5\n01/02/1990;\xe9\n";
    assert!(refused(latin).contains("line 3: it is not UTF-8 text: byte 0xe9"));
}

#[test]
fn insee_series_with_their_preamble() {
    let bdm = "\"Libellé\";\"Indice CVS-CJO de la production industrielle (base 100 en 2021) - Industrie\";\"Codes\"\n\"idBank\";\"010768135\";\"\"\n\"Dernière mise à jour\";\"03/04/2026 08:45\";\"\"\n\"Période\";\"\";\"\"\n\"2026-02\";\"99.48\";\"A\"\n\"2026-01\";\"98.48\";\"P\"\n";
    let a = good(bdm);
    assert_eq!((a.format, a.frame.height()), (Format::InseeSeries, 2));
    assert_eq!(values(&a), [Some(98.48), Some(99.48)]);
    assert_eq!(
        (text(&a, "flag", 0), text(&a, "sector", 0)),
        ("P".into(), "010768135".into())
    );
    assert_eq!(
        (text(&a, "s_adj", 0), text(&a, "unit", 0)),
        ("CVS-CJO".into(), "base 100 en 2021".into())
    );
    // Resaved by a spreadsheet in Windows-1252: no quotes, no leading zero, decimal commas.
    let resaved = "Libellé;Indice CVS-CJO de la production industrielle (base 100 en 2021) - Industrie;Codes\r\nidBank;10768135;\r\nDernière mise à jour;03/04/2026 08:45;\r\n2026-01;98,48;P\r\n2026-02;99,48;A\r\n";
    let (bytes, ..) = encoding_rs::WINDOWS_1252.encode(resaved);
    let options = ReadOptions {
        encoding: Some("windows-1252".into()),
        ..ReadOptions::default()
    };
    let b = parse(&bytes, &options).expect("decoded");
    assert_eq!(
        (values(&b), text(&b, "sector", 0)),
        (values(&a), "10768135".into())
    );
    assert!(refused(&bytes).contains("not UTF-8"));
    assert!(refused(bdm.replace("2026-02", "2025-T4").as_bytes()).contains("it is a quarter"));
    let mixed = resaved.replace("98,48", "98.48");
    assert!(refused(mixed.as_bytes()).contains("line 5, value: \"99,48\" is not a number"));
    let rates = bdm.replace(
        "Indice CVS-CJO de la production",
        "Taux d'utilisation des capacités de",
    );
    assert!(refused(rates.as_bytes()).contains("capacity utilisation"));
}

fn meti() -> Vec<Vec<Cell<'static>>> {
    use Cell::{Empty, Number, Text};
    vec![
        vec![Text(
            "Indices of Industrial Production, seasonally adjusted",
        )],
        vec![Text("2020=100")],
        vec![
            Text("Item_Number"),
            Text("Item_Name"),
            Text("Weight"),
            Number(202511.0),
            Text("p 202512"),
        ],
        vec![
            Text("1000000000"),
            Text("Mining and manufacturing"),
            Number(10000.0),
            Number(101.5),
            Number(100.25),
        ],
        vec![
            Text("2A00000000"),
            Text("Iron &amp; steel"),
            Number(544.3),
            Number(99.0),
            Empty,
        ],
        vec![Text("(Note) p: preliminary")],
    ]
}

#[test]
fn meti_workbooks_and_csv() {
    let book = workbook(&[("Production", sheet_xml(&meti()))]);
    let a = read_bytes(&book).expect("a sheet");
    assert_eq!(
        (a.format, a.frame.height(), a.missing),
        (Format::Meti, 4, 1)
    );
    assert_eq!(
        (span(&a), text(&a, "region", 0)),
        (((2025, 11), (2025, 12)), "JP".into())
    );
    assert_eq!(values(&a), [Some(101.5), Some(100.25), Some(99.0), None]);
    let open = read_bytes(&ods(&[("Production", ods_rows(&meti()))])).expect("a sheet");
    assert!(open.frame.equals_missing(&a.frame));
    assert_eq!(
        (text(&a, "flag", 0), text(&a, "flag", 1)),
        (String::new(), "p".into())
    );
    assert_eq!(
        (text(&a, "unit", 0), text(&a, "s_adj", 0)),
        ("2020=100".into(), "SA".into())
    );
    assert_eq!(text(&a, "sector", 0), "1000000000");
    let names = ReadOptions {
        columns: Columns {
            sector: Some("Item_Name".into()),
            ..Columns::default()
        },
        ..ReadOptions::default()
    };
    assert_eq!(
        text(&parse(&book, &names).expect("names"), "sector", 0),
        "Iron & steel"
    );
    // Several sheets: that of production is meant; others are asked for.
    let two = workbook(&[("出荷", sheet_xml(&meti())), ("生産", sheet_xml(&meti()))]);
    assert_eq!(read_bytes(&two).expect("production").frame.height(), 4);
    let unclear = workbook(&[("A", sheet_xml(&meti())), ("B", sheet_xml(&meti()))]);
    assert!(refused(&unclear).contains("several sheets: \"A\", \"B\""));
    let chosen = ReadOptions {
        sheet: Some("B".into()),
        ..ReadOptions::default()
    };
    assert!(parse(&unclear, &chosen).is_ok());
    let wrong = ReadOptions {
        sheet: Some("C".into()),
        ..ReadOptions::default()
    };
    assert!(refused_with(&unclear, &wrong).contains("there is no sheet \"C\""));
    // The CSV of the same table is in Shift-JIS.
    let csv = "鉱工業生産指数 季節調整済指数 2020年=100\n\n品目番号,品目名称,ウエイト,202511,p 202512\n1000000000,鉱工業,10000,101.5,100.25\n2A00000000,鉄鋼・非鉄金属工業,544.3,99,-\n";
    let (bytes, ..) = encoding_rs::SHIFT_JIS.encode(csv);
    let options = ReadOptions {
        encoding: Some("shift_jis".into()),
        ..ReadOptions::default()
    };
    let b = parse(&bytes, &options).expect("decoded");
    assert_eq!((b.format, values(&b)), (Format::Meti, values(&a)));
    assert_eq!(
        (text(&b, "unit", 0), text(&b, "s_adj", 0)),
        ("2020年=100".into(), "SA".into())
    );
    let rates = csv.replace("鉱工業生産指数", "製造工業 稼働率指数");
    assert!(refused(rates.as_bytes()).contains("capacity utilisation"));
    let mut annual = meti();
    annual[2].push(Cell::Text("CY2025"));
    annual[3].push(Cell::Number(1.0));
    assert!(
        refused(&workbook(&[("x", sheet_xml(&annual))]))
            .contains("stands among months and is none")
    );
    let mut twice = meti();
    twice[4][0] = Cell::Text("1000000000");
    assert!(refused(&workbook(&[("x", sheet_xml(&twice))])).contains("stands in a second row"));
}

#[test]
fn bundesbank_has_decimal_commas() {
    let text_ = ";BBDE1.M.DE.Y.BAA1.A2P000000.G.C.I15.A;BBDE1.M.DE.Y.BAA1.A2P000000.G.C.I15.A_FLAGS\n;Output in the production sector;\nEinheit;2015=100;\nDimension;Eins;\nStand vom;06.11.2023 12:04:09 Uhr;\n1991-01;82,9;\n1991-02;.;\n1991-03;83,4;vorläufig\n";
    let a = good(text_);
    assert_eq!((a.format, a.missing), (Format::Bundesbank, 1));
    assert_eq!(values(&a), [Some(82.9), None, Some(83.4)]);
    assert_eq!(
        (
            text(&a, "flag", 2),
            text(&a, "unit", 0),
            text(&a, "s_adj", 0)
        ),
        ("vorläufig".into(), "2015=100".into(), "Y".into())
    );
    assert!(refused(text_.replace("82,9", "82.9").as_bytes()).contains("decimal sign is a comma"));
    assert!(refused(text_.replace("82,9", "1.082,9").as_bytes()).contains("not a number"));
    assert!(refused(text_.replace("Eins", "Tausend").as_bytes()).contains("Tausend"));
    assert!(refused(text_.replace("1991-02", "1991-Q2").as_bytes()).contains("quarter"));
}

#[test]
fn mospi_leaves_out_the_years_and_says_so() {
    let csv = "\u{feff}GOVERNMENT OF INDIA,,,\r\nMINISTRY OF STATISTICS,,,\r\nINDEX OF INDUSTRIAL PRODUCTION,,,\r\n(Base : 2004-05=100),,,\r\n,,,\r\nSectoral,,,\r\nMonthly,,,\r\nMonth,Mining,Manufacturing,General\r\n,,(NIC 15-36),\r\nWeight,14.16,75.53,100\r\nApr'05,99.6,102.9,102.1\r\nMay'05,102.0,106.9,\r\n,,,\r\n2005-06,102.3,110.3,108.6\r\n2006-07,107.5,126.8,122.6\r\n";
    let a = good(csv);
    assert_eq!(
        (a.format, a.frame.height(), a.missing),
        (Format::Mospi, 6, 1)
    );
    assert_eq!(
        (span(&a), text(&a, "region", 0)),
        (((2005, 4), (2005, 5)), "IN".into())
    );
    assert_eq!(
        distinct(&a.frame, "sector").expect("names"),
        ["General", "Manufacturing (NIC 15-36)", "Mining"]
    );
    assert_eq!(
        a.notes[0],
        "2 rows of financial years below the months were left out"
    );
    assert!(a.notes[1].contains("the sector General is a total"));
    let late = csv.replace("2006-07,", "Jun'05,");
    assert!(refused(late.as_bytes()).contains("a month follows the years"));
    assert!(refused(csv.replace("May'05", "Mai 05").as_bytes()).contains("neither a month"));
}

#[test]
fn oecd_old_and_new() {
    let new = "STRUCTURE,STRUCTURE_ID,ACTION,REF_AREA,Reference area,FREQ,MEASURE,UNIT_MEASURE,ACTIVITY,ADJUSTMENT,TRANSFORMATION,TIME_PERIOD,OBS_VALUE,OBS_STATUS,UNIT_MULT,BASE_PER\nDATAFLOW,OECD.SDD:DSD(4.0),I,DEU,Germany,M,PRVM,IX,C,Y,_Z,2020-01,101.5,A,0,2015\nDATAFLOW,OECD.SDD:DSD(4.0),I,DEU,Germany,M,PRVM,IX,C,Y,_Z,2020-02,NaN,M,0,2015\n";
    let a = good(new);
    assert_eq!((a.format, a.missing), (Format::OecdCsv, 1));
    assert_eq!(
        (
            text(&a, "unit", 0),
            text(&a, "s_adj", 0),
            text(&a, "flag", 1)
        ),
        ("IX 2015".into(), "Y".into(), "M".into())
    );
    // NaN without a status that says missing is no number.
    assert!(refused(new.replace("NaN,M", "NaN,A").as_bytes()).contains("\"NaN\" is not a number"));
    assert!(
        refused(
            new.replace(",M,PRVM,IX,C,Y,_Z,2020-02", ",Q,PRVM,IX,C,Y,_Z,2020-Q1")
                .as_bytes()
        )
        .contains("not monthly")
    );
    let old = "\u{feff}\"LOCATION\",\"Country\",\"SUBJECT\",\"Subject\",\"MEASURE\",\"Measure\",\"FREQUENCY\",\"Frequency\",\"TIME\",\"Time\",\"Unit Code\",\"Unit\",\"PowerCode Code\",\"PowerCode\",\"Reference Period Code\",\"Reference Period\",\"Value\",\"Flag Codes\",\"Flags\"\n\"DEU\",\"Germany\",\"PRMNTO01\",\"Production > Manufacturing\",\"IXOBSA\",\"Index, s.a.\",\"M\",\"Monthly\",\"2020-01\",\"Jan-2020\",\"IDX\",\"Index\",\"0\",\"Units\",\"2015_100\",\"2015\",101.5,,\n\"DEU\",\"Germany\",\"PRMNTO01\",\"Production > Manufacturing\",\"IXOBSA\",\"Index, s.a.\",\"M\",\"Monthly\",\"2020-02\",\"Feb-2020\",\"IDX\",\"Index\",\"0\",\"Units\",\"2015_100\",\"2015\",99,\"E\",\"Estimated\"\n";
    let b = good(old);
    assert_eq!((b.format, b.frame.height()), (Format::OecdStat, 2));
    assert_eq!(
        (
            text(&b, "sector", 0),
            text(&b, "flag", 1),
            text(&b, "unit", 0)
        ),
        ("PRMNTO01".into(), "E".into(), "IDX 2015".into())
    );
    let mixed = old.replacen("\"IXOBSA\"", "\"GPSA\"", 1);
    assert!(refused(mixed.as_bytes()).contains("mixes GPSA, IXOBSA"));
    assert!(
        refused(
            old.replace("\"0\",\"Units\"", "\"6\",\"Millions\"")
                .as_bytes()
        )
        .contains("10 to the 6")
    );
}

#[test]
fn tidy_and_wide_tables_by_name() {
    let a = good(
        "region,sector,month,value,flag,s_adj,unit\nR1,S1,2020-01-01,1.5,p,SA,I15\nR1,S1,2020-02-01,,,SA,I15\n",
    );
    assert_eq!(
        (a.format, a.missing, text(&a, "flag", 0)),
        (Format::Tidy, 1, "p".into())
    );
    let named = ReadOptions {
        format: Some(Format::Tidy),
        columns: Columns {
            region: Some("Land".into()),
            sector: Some("Branche".into()),
            month: Some("Monat".into()),
            value: Some("Wert".into()),
            ..Columns::default()
        },
        date_order: Some(DateOrder::DayFirst),
        ..ReadOptions::default()
    };
    let german = "Land;Branche;Monat;Wert\nDE;C;31.01.2020;99,5\nDE;C;29.02.2020;98\n";
    let b = with(german, &named);
    assert_eq!(
        (values(&b), span(&b)),
        (vec![Some(99.5), Some(98.0)], ((2020, 1), (2020, 2)))
    );
    let unnamed = ReadOptions {
        columns: Columns {
            value: Some("Zahl".into()),
            ..named.columns.clone()
        },
        ..named.clone()
    };
    assert!(
        refused_with(german.as_bytes(), &unnamed)
            .contains("there is no column `Zahl`; it has the columns Land, Branche, Monat, Wert")
    );
    let unordered = ReadOptions {
        date_order: None,
        ..named
    };
    assert!(refused_with(german.as_bytes(), &unordered).contains("say which comes first"));
    // Wide: codes of countries are regions, other names are sectors.
    let c = good("time,BE,EL,EA20,EU27_2020\n2020-01,1,,3,4\n2020-02,2,2,3,4\n");
    assert_eq!(
        (c.format, c.frame.height(), c.missing),
        (Format::WideRegions, 8, 1)
    );
    let d = good("month,Steel,Cars\n2020-01,1,2\n");
    assert_eq!(
        (d.format, text(&d, "sector", 0)),
        (Format::WideSectors, "Cars".into())
    );
    let e = good("region,sector,2020-01,2020-02\nR1,S1,1,2\nR2,S1,3,\n");
    assert_eq!((e.format, e.frame.height()), (Format::WideMonths, 3));
    assert!(
        refused(b"time,BE,BE\n2020-01,1,2\n").contains("columns 2 and 3 have the same name \"BE\"")
    );
    assert!(refused(b"time,BE,EL\n2020-01,1\n").contains("it has 2 fields, but the header has 3"));
    assert!(refused(b"region,sector,month,value\n,S1,2020-01,1\n").contains("the region is empty"));
}

#[test]
fn regions_and_sectors_are_chosen_while_reading() {
    let text_ = "time,BE,DE,DK\n2020-01,1,2,x\n2020-02,3,4,y\n";
    assert!(refused(text_.as_bytes()).contains("line 2, column `DK`: \"x\" is not a number"));
    let some = |names: &[&str]| ReadOptions {
        regions: names.iter().map(|n| n.to_string()).collect(),
        ..ReadOptions::default()
    };
    assert_eq!(values(&with(text_, &some(&["DE"]))), [Some(2.0), Some(4.0)]);
    assert_eq!(with(text_, &some(&["BE", "DE"])).frame.height(), 4);
    assert!(
        refused_with(text_.as_bytes(), &some(&["FR"]))
            .contains("there is no \"FR\"; the file has BE, DE, DK")
    );
}

#[test]
fn a_format_can_be_named_and_a_guess_asked_for() {
    let folder = Folder::new("guess");
    let path = folder.write("a.csv", b"DATE,INDPRO\n2020-01-01,1\n");
    let guess = guess_format(&path, &ReadOptions::default()).expect("a guess");
    assert_eq!(guess.format, Format::FredSeries);
    assert!(guess.reason.contains("DATE"));
    let named = ReadOptions {
        format: Some(Format::WideSectors),
        ..ReadOptions::default()
    };
    let index = read(&path, &named).expect("read");
    assert_eq!(
        (index.format, text(&index, "region", 0)),
        (Format::WideSectors, String::new())
    );
    let wrong = ReadOptions {
        format: Some(Format::InseeSeries),
        ..ReadOptions::default()
    };
    assert!(read(&path, &wrong).is_err());
}

#[test]
fn encodings_and_marks() {
    let text_ = "date,value\n2020-01-01,1\n";
    let marked = ["\u{feff}", text_].concat();
    assert_eq!(good(&marked).frame.height(), 1);
    let utf16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_bytes(&utf16).expect("by its mark").frame.height(), 1);
    let bare: Vec<u8> = text_.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(refused(&bare).contains("NUL byte"));
    let said = ReadOptions {
        encoding: Some("utf-16le".into()),
        ..ReadOptions::default()
    };
    assert_eq!(parse(&bare, &said).expect("declared").frame.height(), 1);
    let unknown = ReadOptions {
        encoding: Some("klingon".into()),
        ..ReadOptions::default()
    };
    assert!(refused_with(text_.as_bytes(), &unknown).contains("there is no encoding \"klingon\""));
}
