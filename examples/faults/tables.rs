//! Extreme arguments of economies, tables, panels, frames, figures and paths.

use crate::world::{Calls, Seen, World, anything, numbers};
use bullwhip::plot::{Layer, Mark, Panel};
use bullwhip::prelude::*;
use polars::prelude::{Column, DataFrame, DataType};
use std::path::Path;

const ODD: [f64; 8] = [
    0.0,
    -1.0,
    f64::NAN,
    f64::INFINITY,
    1e-300,
    1e30,
    1e300,
    f64::MAX,
];

pub(crate) fn economies(calls: &mut Calls) {
    for n in [0, 1, 1_000_000_000, 4_000_000_000, usize::MAX] {
        let whole: [(&str, fn(&mut Synthetic, usize)); 3] = [
            ("firms", |s, n| s.firms = n),
            ("regions", |s, n| s.regions = n),
            ("sectors", |s, n| s.sectors = n),
        ];
        for (name, change) in whole {
            calls.add(format!("Synthetic.{name} of {n}"), move |_| {
                let mut options = Synthetic {
                    firms: 50,
                    ..Synthetic::default()
                };
                change(&mut options, n);
                numbers(
                    Network::synthetic(&options)?.output().iter().copied(),
                    false,
                )
            });
        }
    }
    for odd in ODD {
        let real: [(&str, fn(&mut Synthetic, f64)); 5] = [
            ("mean_suppliers", |s, v| s.mean_suppliers = v),
            ("supplier_tail", |s, v| s.supplier_tail = v),
            ("customer_tail", |s, v| s.customer_tail = v),
            ("home", |s, v| s.home = v),
            ("input_share", |s, v| s.input_share = (v, v)),
        ];
        for (name, change) in real {
            calls.add(format!("Synthetic.{name} of {odd:e}"), move |_| {
                let mut options = Synthetic {
                    firms: 50,
                    ..Synthetic::default()
                };
                change(&mut options, odd);
                numbers(
                    Network::synthetic(&options)?.output().iter().copied(),
                    false,
                )
            });
        }
        for which in 0..4 {
            calls.add(
                format!("Network::new with column {which} of {odd:e}"),
                move |_| {
                    let pair =
                        |k: usize, v: f64| if k == which { vec![odd; 2] } else { vec![v; 2] };
                    let firms = Firms {
                        final_demand: if which == 3 { Vec::new() } else { pair(0, 1.0) },
                        output: if which == 3 { vec![odd; 2] } else { Vec::new() },
                        ..Firms::default()
                    };
                    let links = Links {
                        buyer: vec![0, 1],
                        supplier: vec![1, 0],
                        coefficient: if which == 2 { Vec::new() } else { pair(1, 0.1) },
                        flow: if which == 2 { vec![odd; 2] } else { Vec::new() },
                    };
                    numbers(Network::new(firms, links)?.output().iter().copied(), false)
                },
            );
        }
    }
    calls.add("a network of nobody", |_| {
        anything(Network::new(Firms::default(), Links::default())?)
    });
    calls.add("links of firm usize::MAX", |_| {
        let firms = Firms {
            final_demand: vec![1.0; 2],
            ..Firms::default()
        };
        let links = Links {
            buyer: vec![usize::MAX],
            supplier: vec![0],
            coefficient: vec![0.1],
            ..Links::default()
        };
        anything(Network::new(firms, links)?)
    });
    calls.add("names, sums and regions that are none", |w| {
        let network = w.network();
        let _ = (network.name(usize::MAX), network.group_sums(&[1.0]));
        let _ = network.group_sums(&[1.0; 1000]);
        let _ = (
            network.firms_in_region("?").is_err(),
            network.firm("\0").is_err(),
        );
        anything(network.renamed(&[], &[])?)
    });
    calls.add("a table of 200,000 groups", |_| {
        let network = Network::synthetic(&Synthetic {
            firms: 200_000,
            regions: 2000,
            sectors: 2000,
            ..Synthetic::default()
        })?;
        anything(InputOutput::of(&network)?)
    });
    input_output(calls);
    disaggregations(calls);
}

fn input_output(calls: &mut Calls) {
    type Change = fn(&mut InputOutput);
    type Use = fn(&InputOutput) -> Seen;
    let hurt: [(&str, Change); 8] = [
        ("flows cut", |t| t.flows.truncate(2)),
        ("output cut", |t| t.output.truncate(1)),
        ("a column cut", |t| t.demand[0].values.clear()),
        ("names cut", |t| t.sectors.truncate(1)),
        ("regions cut", |t| t.regions.clear()),
        ("flows of NaN", |t| t.flows.fill(f64::NAN)),
        ("flows of 1e300", |t| t.flows.fill(1e300)),
        ("nothing", |t| {
            (t.flows, t.output) = (Vec::new(), Vec::new());
            (t.regions, t.sectors) = (Vec::new(), Vec::new());
            t.demand.clear();
            t.primary.clear();
        }),
    ];
    let uses: [(&str, Use); 14] = [
        ("correct", |t| anything(t.correct(&Corrections::all())?)),
        ("findings", |t| anything(t.findings())),
        ("sums", |t| {
            anything((t.sold(), t.bought(), t.final_demand(), t.imbalance()))
        }),
        ("coefficients", |t| numbers(t.coefficients()?, false)),
        ("input_shares", |t| numbers(t.input_shares()?, false)),
        ("leontief", |t| numbers(t.leontief()?, false)),
        ("multipliers", |t| numbers(t.multipliers()?, false)),
        ("spectral_radius", |t| {
            numbers([t.spectral_radius()?], false)
        }),
        ("network", |t| {
            numbers(t.network()?.output().iter().copied(), false)
        }),
        ("frame", |t| anything((t.frame()?, multipliers_frame(t)?))),
        ("region", |t| anything((t.region_names(), t.region("R1")?))),
        ("disaggregate", |t| {
            let options = Disaggregate {
                firms: 100,
                ..Disaggregate::default()
            };
            anything(disaggregate(t, &options)?)
        }),
        ("card", |t| {
            anything((t.text(), t.html(), t.label(0), t.flow(0, 99)))
        }),
        ("figure", |t| anything((t.clone(), t.per_output("?")?))),
    ];
    for (name, change) in hurt {
        for (what, of) in uses {
            calls.add(format!("{what} of a table with {name}"), move |w| {
                let mut table = InputOutput::of(w.network())?;
                change(&mut table);
                of(&table)
            });
        }
    }
}

fn disaggregations(calls: &mut Calls) {
    for n in [0, 1_000_000_000_000, usize::MAX] {
        calls.add(format!("Disaggregate.firms of {n}"), move |w| {
            let options = Disaggregate {
                firms: n,
                ..Disaggregate::default()
            };
            anything(disaggregate(&InputOutput::of(w.network())?, &options)?)
        });
        calls.add(format!("Disaggregate.firms_of {n}"), move |w| {
            let options = Disaggregate {
                firms: 100,
                firms_of: vec![n; 9],
                ..Disaggregate::default()
            };
            anything(disaggregate(&InputOutput::of(w.network())?, &options)?)
        });
    }
    for odd in ODD {
        let real: [(&str, fn(&mut Disaggregate, f64)); 4] = [
            ("links_per_firm", |o, v| o.links_per_firm = v),
            ("size_tail", |o, v| o.size_tail = v),
            ("supplier_tail", |o, v| o.supplier_tail = v),
            ("customer_tail", |o, v| o.customer_tail = v),
        ];
        for (name, change) in real {
            calls.add(format!("Disaggregate.{name} of {odd:e}"), move |w| {
                let mut options = Disaggregate {
                    firms: 100,
                    ..Disaggregate::default()
                };
                change(&mut options, odd);
                let found = disaggregate(&InputOutput::of(w.network())?, &options)?;
                numbers(found.network.output().iter().copied(), false)
            });
        }
    }
}

pub(crate) fn panels(calls: &mut Calls) {
    for t in [0, 9, 1000, usize::MAX] {
        calls.add(format!("output_at and at of period {t}"), move |w| {
            let run = w.run()?;
            let _ = run.observe().at(t, t);
            let _ = (run.observe().index(t), run.observe().label(t));
            let _ = run.observe().series(t);
            numbers(run.output_at(t)?, false)
        });
        calls.add(format!("block means of {t}"), move |w| {
            numbers(w.run()?.observe().block_means(&[t, 2])?.values, false)
        });
    }
    type Change = fn(&mut Observation);
    type Use = fn(&World, &Observation) -> Seen;
    let hurt: [(&str, Change); 7] = [
        ("cells cut", |p| p.values.truncate(5)),
        ("no cell", |p| p.values.clear()),
        ("no group", |p| p.base.clear()),
        ("names cut", |p| p.region.clear()),
        ("usize::MAX periods", |p| p.periods = usize::MAX),
        ("no period", |p| p.periods = 0),
        ("cells of NaN", |p| p.values.fill(f64::NAN)),
    ];
    let uses: [(&str, Use); 9] = [
        ("block_means", |_, p| anything(p.block_means(&[1, 2])?)),
        ("series", |_, p| {
            anything((p.series(0)?, p.index(0), p.missing()))
        }),
        ("at", |_, p| anything(p.at(3, 1)?)),
        ("figure", |_, p| anything(p.figure().svg()?)),
        ("frame", |_, p| anything(p.frame()?)),
        ("card", |_, p| anything((p.text(), p.html()))),
        ("save", |_, p| {
            let folder = crate::process::Folder::new("panel");
            let path = folder.0.join("p.parquet");
            p.save(&path)?;
            anything(Observation::load(&path)?)
        }),
        ("sensitivity", |w, p| {
            let simulation = Simulation {
                periods: 8,
                ..Simulation::default()
            };
            let (params, shock) = (w.params(), &w.problem.shock);
            let found = sensitivity(w.network(), &params, shock, &simulation, p)?;
            numbers([found.loss], true)
        }),
        ("Problem", |w, p| {
            anything(Problem::new(w.network(), &w.problem.shock, p).check()?)
        }),
    ];
    for (name, change) in hurt {
        for (what, of) in uses {
            calls.add(format!("{what} of a panel with {name}"), move |w| {
                let mut panel = w.run()?.observe();
                change(&mut panel);
                of(w, &panel)
            });
        }
    }
    type Broken = fn(&mut Trajectory);
    let runs: [(&str, Broken); 3] = [
        ("output cut", |r| r.output.truncate(7)),
        ("no output", |r| r.output.clear()),
        ("usize::MAX periods", |r| r.periods = usize::MAX),
    ];
    for (name, change) in runs {
        calls.add(format!("a run with {name}"), move |w| {
            let mut run = w.run()?;
            change(&mut run);
            let _ = (run.total(), run.loss_share(), run.text(), run.html());
            let _ = (
                run.observe(),
                run.output_at(3),
                run.frame(),
                run.figure().svg(),
            );
            anything(())
        });
    }
    calls.add("a panel of values that fill no rows", |w| {
        anything(Observation::from_values(w.network(), vec![1.0; 7])?)
    });
    calls.add("output_sensitivity of a region that is none", |w| {
        let simulation = Simulation::default();
        let (params, shock) = (w.params(), &w.problem.shock);
        let found = output_sensitivity(w.network(), &params, shock, &simulation, Some("?"))?;
        anything(found.strongest(usize::MAX))
    });
}

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
                state_file: Some(p.into()),
                ..Svi::default()
            };
            anything(calibrate(&w.problem, &svi, &mut ())?)
        }),
        ("contest.write", |_, p| {
            anything(Contest::default().write(p)?)
        }),
    ];
    for path in paths {
        for (what, of) in uses {
            for end in ends {
                // Endings matter where a file is saved by them.
                if !end.is_empty() && !(what.ends_with("save") || what.ends_with("load")) {
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
