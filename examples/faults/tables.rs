//! Extreme arguments of economies, tables and panels.

use crate::calls::ODD;
use crate::world::{Calls, Seen, World, anything, numbers};
use bullwhip::prelude::*;

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
                        ..Links::default()
                    };
                    numbers(Network::new(firms, links)?.output().iter().copied(), false)
                },
            );
        }
    }
    networks(calls);
    input_output(calls);
    disaggregations(calls);
}

fn networks(calls: &mut Calls) {
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
    cut(calls);
}

/// What panels and runs do whose tables were cut.
fn cut(calls: &mut Calls) {
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
