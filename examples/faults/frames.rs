//! Extreme arguments of frames, figures and paths.

use crate::world::{Calls, Seen, World, anything};
use bullwhip::plot::{Layer, Mark, Panel};
use bullwhip::prelude::*;
use polars::prelude::{Column, DataFrame, DataType};
use std::path::Path;

/// A long frame of one series with these days since 1970.
fn index(days: Vec<i32>, value: f64) -> Result<DataFrame, Error> {
    let n = days.len();
    Ok(DataFrame::new(
        n,
        vec![
            Column::new("region".into(), vec!["R1"; n]),
            Column::new("sector".into(), vec!["S1"; n]),
            Column::new("month".into(), days).cast(&DataType::Date)?,
            Column::new("value".into(), vec![value; n]),
        ],
    )?)
}

pub(crate) fn frames(calls: &mut Calls) {
    for months in [0, 1, 13_000, 1_000_000_000, usize::MAX] {
        for period in [Period::Month, Period::Week, Period::Day] {
            for first in [(2020, 1), (0, 0), (9999, 12), (i32::MAX, u32::MAX)] {
                calls.add(
                    format!("a calendar of {months} times {period:?} from {first:?}"),
                    move |_| {
                        let calendar = Calendar {
                            first,
                            months,
                            period,
                            ..Calendar::default()
                        };
                        let _ = calendar.period_of((2020, 3));
                        let _ = calendar.period_of((i32::MIN, 1));
                        anything((calendar.lengths()?, calendar.periods()?))
                    },
                );
            }
        }
    }
    for days in [0, 1, 29, u32::MAX] {
        calls.add(format!("months in periods of {days} days"), move |_| {
            anything(month_lengths((2020, 1), 12, days)?)
        });
    }
    let spans = [
        ("one month", vec![18_262]),
        ("the ends of time", vec![i32::MIN, i32::MAX]),
        ("five million years", vec![-1_000_000_000, 1_000_000_000]),
        ("one day twice", vec![18_262, 18_262]),
        ("no row", Vec::new()),
    ];
    type Use = fn(&World, &DataFrame) -> Seen;
    let uses: [(&str, Use); 9] = [
        ("index_series", |_, f| anything(index_series(f)?)),
        ("fill", |_, f| {
            anything(fill(f, Missing::Interpolate { months: usize::MAX })?)
        }),
        ("rebase", |_, f| anything(rebase(f, (2020, 1), (2020, 1))?)),
        ("seasonal_adjust", |_, f| {
            anything(seasonal_adjust(f, (1, 1), (9999, 12))?)
        }),
        ("shock_month", |_, f| {
            anything(shock_month(f, (1, 1), (9999, 12))?)
        }),
        ("months", |_, f| {
            anything((months(f)?, select(f, &["R1"], &[])?))
        }),
        ("align", |w, f| {
            anything(align_to(f, w.network(), &Calendar::default())?)
        }),
        ("describe", |_, f| anything(f.describe()?)),
        ("indices", |_, f| {
            anything(indices(&index_series(f)?).svg()?)
        }),
    ];
    for (name, days) in spans {
        for value in [100.0, f64::NAN, 1e300] {
            for (what, of) in uses {
                let days = days.clone();
                calls.add(format!("{what} of {name} of {value:e}"), move |w| {
                    of(w, &index(days.clone(), value)?)
                });
            }
        }
    }
    calls.add("frames without columns", |w| {
        let empty = DataFrame::empty();
        let _ = (months(&empty), index_series(&empty), distinct(&empty, "?"));
        let _ = (rebase(&empty, (2020, 2), (2020, 1)), empty.describe());
        let _ = align_to(&empty, w.network(), &Calendar::default());
        anything(network_from_frames(&empty, &empty)?)
    });
}

pub(crate) fn figures(calls: &mut Calls) {
    for size in [
        (0, 0),
        (1, 1),
        (100_000, 100_000),
        (u32::MAX, 10),
        (u32::MAX, u32::MAX),
    ] {
        calls.add(format!("a figure of {size:?}"), move |w| {
            let figure = Figure {
                size,
                ..w.run()?.figure()
            };
            anything((figure.svg()?, figure.png()?))
        });
    }
    for columns in [0, 1000, usize::MAX] {
        calls.add(format!("a figure of {columns} columns"), move |w| {
            let mut figure = w.run()?.figure();
            figure.columns = columns;
            anything(figure.svg()?)
        });
        calls.add(format!("a panel that spans {columns} columns"), move |w| {
            let mut figure = w.run()?.figure();
            figure.panels[0].span = columns;
            anything(figure.svg()?)
        });
    }
    for value in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e300,
        -1e300,
        0.0,
        5e-324,
    ] {
        for log in [false, true] {
            for mark in [
                Mark::Line,
                Mark::Faint,
                Mark::Reference,
                Mark::Band,
                Mark::Dots,
            ] {
                calls.add(
                    format!("a figure of {mark:?} of {value:e}, log {log}"),
                    move |w| {
                        let layer = Layer {
                            mark,
                            label: "x".into(),
                            color: usize::MAX,
                            x: vec![value, 1.0],
                            y: vec![value; 2],
                            low: vec![value],
                            high: vec![value; 3],
                            ..Layer::default()
                        };
                        let figure = Figure {
                            panels: vec![Panel {
                                log_x: log,
                                log_y: log,
                                x_range: Some((value, -value)),
                                layers: vec![layer],
                                ..Panel::default()
                            }],
                            ..w.run()?.figure()
                        };
                        anything((figure.svg()?, figure.png()?))
                    },
                );
            }
        }
    }
    long_figures(calls);
}

fn long_figures(calls: &mut Calls) {
    calls.add("a figure of labels of 1 MB", |w| {
        let mut figure = w.run()?.figure();
        let long = "label ".repeat(170_000);
        (figure.title, figure.subtitle) = (long.clone(), long.clone());
        figure.panels[0].y_label = long.clone();
        figure.panels[0].layers[0].label = long;
        anything(figure.svg()?)
    });
    calls.add("a figure of 100,000 groups", |_| {
        let panel = Observation {
            region: (0..100_000).map(|k| format!("R{k}")).collect(),
            sector: vec!["S".into(); 100_000],
            base: vec![1.0; 100_000],
            periods: 2,
            values: vec![1.0; 200_000],
            dates: None,
        };
        anything((panel.figure().svg()?, panel.text(), panel.html()))
    });
    calls.add("a figure without panels", |w| {
        let mut figure = w.run()?.figure();
        figure.panels.clear();
        anything((figure.svg()?, figure.png()?))
    });
}

pub(crate) fn paths(calls: &mut Calls) {
    let paths = [
        "",
        ".",
        "/dev/zero",
        "/dev/full",
        "/dev/null",
        "/proc/self/mem",
        "/no/such/folder/x.parquet",
        "a\0b.csv",
    ];
    let ends = ["", ".parquet", ".arrow", ".csv", ".png"];
    type Use = fn(&World, &Path) -> Seen;
    let uses: [(&str, Use); 14] = [
        ("read", |_, p| anything(read(p, &ReadOptions::default())?)),
        ("guess_format", |_, p| {
            anything(guess_format(p, &ReadOptions::default())?)
        }),
        ("read_table", |_, p| {
            anything(read_table(p, &TableOptions::default())?)
        }),
        ("from_csv", |_, p| anything(Network::from_csv(p, p)?)),
        ("load", |_, p| anything(load(p)?)),
        ("Posterior::load", |_, p| anything(Posterior::load(p)?)),
        ("Contest::read", |_, p| anything(Contest::read(p)?)),
        ("fig2a and fig2b", |_, p| anything((fig2a(p)?, fig2b(p)?))),
        ("panel.save", |w, p| anything(w.problem.observed.save(p)?)),
        ("posterior.save", |w, p| anything(w.posterior()?.save(p)?)),
        ("save_state", |w, p| anything(w.posterior()?.save_state(p)?)),
        ("figure.save", |w, p| anything(w.run()?.figure().save(p)?)),
        ("state_file", |w, p| {
            let svi = Svi {
                steps: 3,
                ..Svi::default()
            };
            let run = Run {
                state_file: Some(p.into()),
                ..Run::default()
            };
            anything(calibrate(&w.problem, &svi, &run, &mut ())?)
        }),
        ("contest.write", |_, p| {
            anything(Contest::default().write(p)?)
        }),
    ];
    for path in paths {
        for (what, of) in uses {
            for end in ends {
                // Endings matter where a file is saved by them.
                if !(end.is_empty() || what.ends_with("save") || what.ends_with("load")) {
                    continue;
                }
                // Real folders and devices have no endings.
                if !end.is_empty() && path.starts_with(['/', '.']) && !path.starts_with("/dev/full")
                {
                    continue;
                }
                let path = format!("{path}{end}");
                calls.add(format!("{what} of {path:?}"), move |w| {
                    of(w, Path::new(&path))
                });
            }
        }
    }
    options(calls);
}

/// Options of a file that is read.
fn options(calls: &mut Calls) {
    let options: [(&str, fn() -> ReadOptions); 7] = [
        ("max_cells 0", || ReadOptions {
            max_cells: Some(0),
            ..ReadOptions::default()
        }),
        ("max_unpacked 0", || ReadOptions {
            max_unpacked: Some(0),
            ..ReadOptions::default()
        }),
        ("max_cells usize::MAX", || ReadOptions {
            max_cells: Some(usize::MAX),
            ..ReadOptions::default()
        }),
        ("an encoding that is none", || ReadOptions {
            encoding: Some("\0".into()),
            ..ReadOptions::default()
        }),
        ("regions that are none", || ReadOptions {
            regions: vec!["*".into(), String::new()],
            ..ReadOptions::default()
        }),
        ("a choice that is none", || ReadOptions {
            keep: vec![(String::new(), "*".into())],
            ..ReadOptions::default()
        }),
        ("a sheet that is none", || ReadOptions {
            sheet: Some(String::new()),
            ..ReadOptions::default()
        }),
    ];
    for (name, of) in options {
        calls.add(format!("an index read with {name}"), move |_| {
            let text = "region,sector,month,value\nBE,C,2020-01,100\nBE,C,2020-02,101\n";
            anything(bullwhip::frame::read::parse(text.as_bytes(), &of())?)
        });
    }
}
