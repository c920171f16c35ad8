//! From an index to a panel: calendars, holes, seasons, the month of a shock, descriptions.

use super::*;

/// One series from a month on.
fn series(first: (i32, u32), values: &[f64]) -> Index {
    let mut text = String::from("region,sector,month,value\n");
    for (k, v) in values.iter().enumerate() {
        let code = first.0 * 12 + first.1 as i32 - 1 + k as i32;
        let cell = if v.is_nan() {
            String::new()
        } else {
            v.to_string()
        };
        text += &format!(
            "R1,S1,{:04}-{:02},{cell}\n",
            code.div_euclid(12),
            code.rem_euclid(12) + 1
        );
    }
    good(&text)
}

fn adjusted(index: &Index, from: (i32, u32), to: (i32, u32)) -> Vec<f64> {
    let frame = seasonal_adjust(&index.frame, from, to).expect("adjusted");
    index_series(&frame).expect("series")[0].values.clone()
}

const SEASON: [f64; 12] = [
    0.9, 0.95, 1.05, 1.0, 1.02, 1.08, 0.98, 0.7, 1.1, 1.12, 1.08, 1.02,
];

#[test]
fn a_synthetic_season_is_recovered() {
    let mean = SEASON.iter().sum::<f64>() / 12.0;
    assert!((mean - 1.0).abs() < 1e-12);
    // Without a trend exactly; with one of 2 % a year to a few parts in ten thousand. The shock after the
    // last month before it leaves the factors alone.
    for (growth, tolerance) in [(0.0, 1e-12), (0.02_f64, 1e-3)] {
        let level = |k: usize| {
            let shock = if k >= 62 { 0.7 } else { 1.0 };
            100.0 * (1.0 + growth).powf(k as f64 / 12.0) * shock
        };
        let raw: Vec<f64> = (0..84).map(|k| level(k) * SEASON[k % 12]).collect();
        let found = adjusted(&series((2015, 1), &raw), (2015, 1), (2019, 12));
        for (k, v) in found.iter().enumerate() {
            assert!(
                (v / level(k) - 1.0).abs() < tolerance,
                "month {k}: {v} against {}",
                level(k)
            );
        }
    }
}

#[test]
fn the_adjustment_refuses_what_it_cannot_do() {
    let raw: Vec<f64> = (0..84).map(|k| 100.0 * SEASON[k % 12]).collect();
    let index = series((2015, 1), &raw);
    let twice = seasonal_adjust(&index.frame, (2015, 1), (2019, 12)).expect("once");
    let again = seasonal_adjust(&twice, (2015, 1), (2019, 12))
        .expect_err("twice")
        .to_string();
    assert!(again.contains("adjusted already"));
    let short = seasonal_adjust(&index.frame, (2018, 1), (2019, 12))
        .expect_err("short")
        .to_string();
    assert!(short.contains("two are needed") && short.contains("three whole years"));
    let zero = series((2015, 1), &[0.0; 60]);
    assert!(
        seasonal_adjust(&zero.frame, (2015, 1), (2019, 12))
            .expect_err("zero")
            .to_string()
            .contains("positive")
    );
}

#[test]
fn holes_are_kept_refused_or_filled() {
    let n = f64::NAN;
    let index = series((2019, 11), &[n, 10.0, n, n, 16.0, n, n, n, 8.0, n]);
    let filled = |policy| {
        fill(&index.frame, policy).map(|f| index_series(&f).expect("series")[0].values.clone())
    };
    let same = |a: Vec<f64>, b: &[f64]| {
        a.iter()
            .zip(b)
            .all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
    };
    assert!(same(
        filled(Missing::Keep).expect("kept"),
        &[n, 10.0, n, n, 16.0, n, n, n, 8.0, n]
    ));
    assert!(same(
        filled(Missing::Interpolate { months: 2 }).expect("filled"),
        &[n, 10.0, 12.0, 14.0, 16.0, n, n, n, 8.0, n]
    ));
    let refused = filled(Missing::Refuse).expect_err("holes").to_string();
    assert_eq!(
        refused,
        "series R1 · S1: 2 months from 2020-01 on have no value; leave the series out with `select`, or fill it: Missing::Interpolate { months: … }"
    );
    let frame = fill(&index.frame, Missing::Interpolate { months: 2 }).expect("filled");
    let flags = frame
        .column("flag")
        .expect("flags")
        .str()
        .expect("text")
        .iter()
        .flatten()
        .count();
    assert_eq!(flags, 2);
    // A month without a row is a hole too.
    let gap = good("region,sector,month,value\nR1,S1,2020-01,1\nR1,S1,2020-03,3\n");
    assert!(fill(&gap.frame, Missing::Refuse).is_err());
    assert_eq!(
        fill(&gap.frame, Missing::Interpolate { months: 1 })
            .expect("filled")
            .height(),
        3
    );
}

#[test]
fn the_month_of_a_shock_is_found_or_said_not_to_be_there() {
    let noise = |k: usize| 1.0 + 0.004 * ((k * 37 % 11) as f64 - 5.0) / 5.0;
    let level = |k: usize| match k {
        50 => 0.88,
        51 => 0.6,
        52..58 => 0.7 + 0.04 * (k - 52) as f64,
        _ => 1.0,
    };
    let values: Vec<f64> = (0..72).map(|k| 100.0 * noise(k) * level(k)).collect();
    let index = series((2016, 1), &values);
    let onset = shock_month(&index.frame, (2017, 1), (2021, 12)).expect("found");
    assert_eq!(
        (onset.month, onset.steepest, onset.series),
        ((2020, 3), (2020, 4), 1)
    );
    assert!((onset.ratio - 0.6 / (2.88 / 3.0)).abs() < 0.02, "{onset:?}");
    let calm = shock_month(&index.frame, (2017, 1), (2019, 12))
        .expect_err("calm")
        .to_string();
    assert!(calm.contains("no month falls unusually"));
    assert!(shock_month(&series((2020, 1), &[1.0; 12]).frame, (2020, 1), (2020, 12)).is_err());
}

fn economy() -> Network {
    Network::synthetic(&Synthetic {
        firms: 20,
        mean_suppliers: 3.0,
        regions: 1,
        sectors: 1,
        ..Synthetic::default()
    })
    .expect("an economy")
}

#[test]
fn months_become_weeks_and_days() {
    let network = economy();
    let index = series((2020, 1), &[100.0, 90.0, 60.0]);
    let base = rebase(&index.frame, (2020, 1), (2020, 1)).expect("rebased");
    let calendar = Calendar {
        first: (2020, 1),
        months: 3,
        period: Period::Week,
        ..Calendar::default()
    };
    assert_eq!(calendar.lengths().expect("weeks"), [5, 4, 4]);
    assert_eq!(calendar.period_of((2020, 3)).expect("March"), 10);
    assert!(calendar.period_of((2021, 1)).is_err());
    let middle = align_to(&base, &network, &calendar).expect("aligned");
    let o = &middle.observed;
    assert_eq!((o.periods, o.missing()), (13, 10));
    for (week, index) in [(2, 100.0), (7, 90.0), (11, 60.0)] {
        assert!((o.index(0)[week] - index).abs() < 1e-9);
    }
    // Steps, averaged over the months again, are the months.
    let every = align_to(
        &base,
        &network,
        &Calendar {
            spread: Spread::Every,
            ..calendar
        },
    )
    .expect("aligned");
    let back = every.observed.block_means(&every.lengths).expect("means");
    for (a, b) in back.values.iter().zip(&every.monthly.values) {
        assert!((a - b).abs() < 1e-9 * b);
    }
    let days = Calendar {
        period: Period::Day,
        ..calendar
    };
    assert_eq!(
        align_to(&base, &network, &days)
            .expect("aligned")
            .observed
            .periods,
        91
    );
    // By month both are the panel itself.
    let monthly = align(&base, &network, (2020, 1), 3).expect("aligned");
    assert_eq!(monthly.observed.values, monthly.monthly.values);
    let late = align(&base, &network, (2021, 1), 3)
        .expect_err("no months")
        .to_string();
    assert!(
        late.contains("the frame covers 2020-01 to 2020-03, asked for are 2021-01 to 2021-03"),
        "{late}"
    );
}

#[test]
fn a_description_tells_what_a_frame_holds_and_shows_itself() {
    let n = f64::NAN;
    let index = series((2020, 1), &[100.0, n, 60.0]);
    let d = index.frame.describe().expect("described");
    let facts = d.index.clone().expect("an index");
    assert_eq!((d.rows, facts.months, facts.missing), (3, 3, 1));
    assert_eq!(
        (facts.regions, facts.span),
        (vec!["R1".to_string()], Some(((2020, 1), (2020, 3))))
    );
    let value = d
        .columns
        .iter()
        .find(|c| c.name == "value")
        .expect("values");
    assert_eq!((value.range, value.missing), (Some((60.0, 80.0, 100.0)), 1));
    assert!(
        d.html().contains("2020-01 to 2020-03") && d.text().contains("cells without a value: 1")
    );
    // Frames of other kinds have no index.
    let run = economy()
        .frame()
        .expect("firms")
        .describe()
        .expect("described");
    assert!(run.index.is_none() && run.columns.len() == 7);
}

#[test]
fn an_index_draws_itself() {
    let figure = series((2020, 1), &[100.0, f64::NAN, 60.0]).figure();
    let layer = &figure.panels[0].layers[0];
    assert_eq!(layer.label, "R1 · S1");
    assert!((layer.x[0] - (2020.0 + 0.5 / 12.0)).abs() < 1e-9 && layer.y[1].is_nan());
    assert!(
        figure
            .svg()
            .expect("drawn")
            .contains("Production by region and sector")
    );
}
