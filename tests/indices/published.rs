//! The agencies' own files, where the checkout has them: shapes, months, flags, sums of values.

use super::*;

/// File, format, rows, regions, sectors, months, first and last month, missing, sum of the values,
/// number of flags p.
type Facts = (
    &'static str,
    Format,
    usize,
    usize,
    usize,
    usize,
    ((i32, u32), (i32, u32)),
    usize,
    f64,
    usize,
);

/// Counted and summed by another program, straight from the files.
const FILES: [Facts; 8] = [
    (
        "eurostat/sts_inpr_m_5geo_2015.csv",
        Format::EurostatCsv,
        1365,
        5,
        3,
        91,
        ((2015, 1), (2022, 7)),
        0,
        142846.2,
        330,
    ),
    (
        "eurostat/sts_inpr_m_5geo_2015.tsv",
        Format::EurostatTsv,
        1365,
        5,
        3,
        91,
        ((2015, 1), (2022, 7)),
        0,
        142846.2,
        330,
    ),
    (
        "eurostat/sts_inpr_m_5geo_from1990.csv",
        Format::EurostatCsv,
        5037,
        5,
        3,
        391,
        ((1990, 1), (2022, 7)),
        0,
        513397.3,
        1158,
    ),
    (
        "eurostat/ipi_c_eu_wide.csv",
        Format::WideRegions,
        12648,
        34,
        1,
        372,
        ((1990, 1), (2020, 12)),
        3287,
        895503.9,
        0,
    ),
    (
        "us/INDPRO_date_value.csv",
        Format::FredSeries,
        551,
        1,
        1,
        551,
        ((1980, 1), (2025, 11)),
        0,
        45463.7393,
        0,
    ),
    (
        "us/INDPRO_fred_DATE.csv",
        Format::FredSeries,
        1193,
        1,
        1,
        1193,
        ((1919, 1), (2018, 5)),
        0,
        52307.6772,
        0,
    ),
    (
        "us/fredmd_ip_subset.csv",
        Format::FredMd,
        10231,
        1,
        13,
        787,
        ((1959, 1), (2024, 7)),
        0,
        711344.6,
        0,
    ),
    (
        "insee/IPI_nace4.csv",
        Format::InseeWide,
        11172,
        1,
        133,
        84,
        ((2015, 1), (2021, 12)),
        0,
        1100647.53127,
        0,
    ),
];

#[test]
fn every_file_has_its_shape_months_flags_and_sum() {
    for (file, format, rows, regions, sectors, covered, ends, missing, sum, provisional) in FILES {
        let Some(path) = shared(file) else { continue };
        let index = read(path, &ReadOptions::default()).expect(file);
        let count = |column| distinct(&index.frame, column).expect("texts").len();
        assert_eq!(index.format, format, "{file}");
        assert_eq!(
            (index.frame.height(), index.missing),
            (rows, missing),
            "{file}"
        );
        assert_eq!(
            (count("region"), count("sector")),
            (regions, sectors),
            "{file}"
        );
        assert_eq!(
            (months(&index.frame).expect("months").len(), span(&index)),
            (covered, ends),
            "{file}"
        );
        let total: f64 = values(&index).iter().flatten().sum();
        assert!((total - sum).abs() < 1e-9 * sum, "{file}: {total}");
        let flags = index.flags().expect("flags");
        assert_eq!(flags.get("p").copied().unwrap_or(0), provisional, "{file}");
        assert!(flags.keys().all(|f| f == "p"), "{file}");
    }
}

#[test]
fn csv_tsv_gzip_and_resaved_tsv_of_the_same_cells_give_equal_frames() {
    let (Some(csv), Some(tsv)) = (
        shared("eurostat/sts_inpr_m_5geo_2015.csv"),
        shared("eurostat/sts_inpr_m_5geo_2015.tsv"),
    ) else {
        return;
    };
    let a = read(&csv, &ReadOptions::default()).expect("SDMX-CSV");
    let bytes = std::fs::read(&tsv).expect("bytes");
    let packed = read_bytes(&gzip(&bytes)).expect("gzip");
    // The bulk layout before 2022: no frequency, months 2022M07, the newest first, lines end in LF.
    let lines: Vec<Vec<&str>> = std::str::from_utf8(&bytes)
        .expect("text")
        .lines()
        .map(|l| l.split('\t').collect())
        .collect();
    let legacy: String = lines
        .iter()
        .map(|fields| {
            let key = fields[0]
                .split_once(',')
                .expect("a key")
                .1
                .replace("\\TIME_PERIOD", "\\time");
            let cells: Vec<String> = fields[1..]
                .iter()
                .rev()
                .map(|c| match c.split_once('-') {
                    Some((year, month)) => format!("{year}M{month}"),
                    None => c.to_string(),
                })
                .collect();
            format!("{key}\t{}\n", cells.join("\t"))
        })
        .collect();
    let resaved: String = lines
        .iter()
        .map(|fields| format!("\"{}\",{}\n", fields[0], fields[1..].join(",")))
        .collect();
    for other in [
        read(&tsv, &ReadOptions::default()).expect("TSV"),
        packed,
        good(&legacy),
        good(&resaved),
    ] {
        assert_eq!(other.format, Format::EurostatTsv);
        assert!(a.frame.equals_missing(&other.frame));
    }
}

#[test]
fn the_shock_of_2020_is_found_in_the_index() {
    let Some(path) = shared("eurostat/sts_inpr_m_5geo_2015.csv") else {
        return;
    };
    let options = ReadOptions {
        sectors: vec!["C".into()],
        ..ReadOptions::default()
    };
    let index = read(path, &options).expect("manufacturing");
    let onset = shock_month(&index.frame, (2017, 1), (2022, 7)).expect("a shock");
    assert_eq!((onset.month, onset.steepest), ((2020, 3), (2020, 4)));
    assert!((0.6..0.85).contains(&onset.ratio), "{onset:?}");
}

#[test]
fn raw_indices_lose_most_of_their_seasons() {
    let Some(path) = shared("eurostat/ipi_c_eu_wide.csv") else {
        return;
    };
    let options = ReadOptions {
        regions: vec!["FR".into(), "IT".into(), "DE".into()],
        ..ReadOptions::default()
    };
    let index = read(path, &options).expect("raw indices");
    let flat = seasonal_adjust(&index.frame, (2010, 1), (2019, 12)).expect("adjusted");
    // August is a holiday month: it falls by more than a tenth in raw figures, and by little after.
    let august = |frame: &_| -> f64 {
        let series = index_series(frame).expect("series");
        let falls = series.iter().map(|s| {
            let at = |year: i32, month: i32| {
                s.values[((year - s.first.0) * 12 + month - s.first.1 as i32) as usize]
            };
            (2012..2019)
                .map(|y| at(y, 8) / (0.5 * (at(y, 7) + at(y, 9))))
                .sum::<f64>()
                / 7.0
        });
        falls.sum::<f64>() / 3.0
    };
    let (raw, adjusted) = (august(&index.frame), august(&flat));
    assert!(
        raw < 0.85 && (adjusted - 1.0).abs() < 0.05,
        "{raw} {adjusted}"
    );
}
