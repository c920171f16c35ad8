//! Arguments that are too large, beyond the end or nonsense: an error that says so, no panic, no end of the process.

use bullwhip::prelude::*;

#[path = "common/small.rs"]
mod small;

fn said<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("it must be refused"),
        Err(e) => {
            assert!(!e.fact.is_empty() && !e.remedy.is_empty(), "{e}");
            e.to_string()
        }
    }
}

fn large<T>(result: Result<T, Error>, place: &str) {
    let text = said(result);
    assert!(
        text.starts_with(place) && text.contains("of memory"),
        "{text}"
    );
}

#[test]
fn what_does_not_fit_into_memory_is_refused_with_its_size() {
    let problem = small::problem();
    let (network, shock) = (&problem.network, &problem.shock);
    let params = Params::uniform(network, 2.0, 6.0);
    for periods in [1_000_000_000_000, usize::MAX] {
        let simulation = Simulation {
            periods,
            ..Simulation::default()
        };
        large(
            simulate(network, &params, shock, &simulation),
            "simulation.periods",
        );
        let everything = Simulation {
            record: Record::Everything,
            ..simulation
        };
        large(
            simulate(network, &params, shock, &everything),
            "simulation.periods",
        );
    }
    let fit = |svi: Svi| calibrate(&problem, &svi, &Run::default(), &mut ());
    for n in [1_000_000_000_000, usize::MAX] {
        large(
            fit(Svi {
                draws: n,
                ..Svi::default()
            }),
            "Svi.draws",
        );
        large(
            fit(Svi {
                particles: n,
                ..Svi::default()
            }),
            "Svi.particles",
        );
        let abc = Abc {
            draws: n,
            keep: n,
            ..Abc::default()
        };
        large(
            calibrate(&problem, &abc, &Run::default(), &mut ()),
            "Abc.keep",
        );
        let smc = Smc {
            population: n,
            evaluations: n,
            ..Smc::default()
        };
        large(
            calibrate(&problem, &smc, &Run::default(), &mut ()),
            "Smc.population",
        );
    }
    let walk = RandomWalk {
        keep: 1_000_000_000_000,
        evaluations: usize::MAX,
        ..RandomWalk::default()
    };
    large(
        calibrate(&problem, &walk, &Run::default(), &mut ()),
        "RandomWalk",
    );
    let posterior = fit(Svi {
        steps: 2,
        draws: 10,
        ..Svi::default()
    })
    .expect("a posterior");
    large(
        posterior.predict(&problem, shock, 1_000_000_000_000),
        "periods",
    );
    for firms in [4_000_000_000, 1_000_000_000] {
        large(
            Network::synthetic(&Synthetic {
                firms,
                mean_suppliers: 50.0,
                ..Synthetic::default()
            }),
            "Synthetic.firms",
        );
    }
    let figure = posterior.figure();
    for size in [(100_000, 100_000), (u32::MAX, 10), (0, 400)] {
        let figure = Figure {
            size,
            ..figure.clone()
        };
        assert!(said(figure.png()).starts_with("figure.size"));
        assert!(said(figure.svg()).starts_with("figure.size"));
    }
}

#[test]
fn beyond_the_end_is_an_error() {
    let problem = small::problem();
    let simulation = Simulation {
        periods: 5,
        ..Simulation::default()
    };
    let params = Params::uniform(&problem.network, 2.0, 6.0);
    let run = simulate(&problem.network, &params, &problem.shock, &simulation).expect("a run");
    assert_eq!(run.output_at(0).expect("steady"), problem.network.output());
    assert_eq!(run.output_at(5).expect("the last").len(), 40);
    for t in [6, 1000, usize::MAX] {
        assert!(said(run.output_at(t)).contains("of 5"));
    }
    let panel = run.observe();
    for (t, g) in [(0, 0), (6, 0), (1, 1_000_000), (usize::MAX, usize::MAX)] {
        said(panel.at(t, g));
    }
    assert!(
        (panel.at(5, 0).expect("a cell") - panel.series(0).expect("a series")[4]).abs() < 1e-12
    );
    assert!(said(panel.series(1_000_000)).contains("group 1000000 of"));
    assert!(panel.index(1_000_000).iter().all(|v| v.is_nan()));
    assert_eq!(panel.label(1_000_000), "group 1000000");
    said(panel.block_means(&[usize::MAX, 2]));
    for period in [Period::Month, Period::Week, Period::Day] {
        for months in [usize::MAX, 1_000_000_000] {
            let calendar = Calendar {
                months,
                period,
                ..Calendar::default()
            };
            assert!(said(calendar.periods()).contains("12,000"));
        }
    }
    said(month_lengths((2020, 1), usize::MAX, 7));
    let mut cut = panel.clone();
    cut.values.truncate(3);
    said(sensitivity(
        &problem.network,
        &params,
        &problem.shock,
        &simulation,
        &cut,
    ));
}

#[test]
fn priors_that_are_none_give_no_numbers_and_no_panic() {
    let bad = [
        Prior::Gamma {
            shift: 0.0,
            shape: -1.0,
            scale: 1.0,
        },
        Prior::Beta {
            alpha: 0.0,
            beta: 1.0,
        },
        Prior::TruncatedNormal {
            mean: 0.0,
            sd: -1.0,
            low: 0.0,
            high: 1.0,
        },
        Prior::LogNormal {
            shift: 0.0,
            median: -1.0,
            sigma: 1.0,
        },
        Prior::Uniform {
            low: 2.0,
            high: 1.0,
        },
        Prior::LogNormal {
            shift: 1.0,
            median: 1.0,
            sigma: 100.0,
        },
    ];
    let mut problem = small::problem();
    for prior in bad {
        for v in [
            prior.value(0.0),
            prior.moments().0,
            prior.coordinate(0.5),
            prior.density(0.5),
        ] {
            assert!(v.is_nan() || v == 0.0, "{prior:?}: {v}");
        }
        problem.priors.target_inventory = Some(prior);
        assert!(
            said(calibrate(
                &problem,
                Svi::default(),
                &Run::default(),
                &mut ()
            ))
            .contains("priors.target_inventory")
        );
        let params = problem.priors.draw(&problem.network, 1);
        let run = simulate(
            &problem.network,
            &params,
            &problem.shock,
            &Simulation::default(),
        );
        assert!(said(run).contains("params.target_inventory"));
    }
}

#[test]
fn nonsense_is_not_returned_without_a_word() {
    let problem = small::problem();
    let network = &problem.network;
    let run = |n: f64, tau: f64| {
        simulate(
            network,
            &Params::uniform(network, n, tau),
            &problem.shock,
            &Simulation::default(),
        )
    };
    for n in [1e30, 1e300, f64::INFINITY] {
        assert!(said(run(n, 5.0)).contains("params.target_inventory"));
        assert!(said(run(2.0, n)).contains("params.adjustment_time"));
    }
    let late = Shock::region(network, "R1", 61, 0.5, 0.1).expect("a shock");
    let run = simulate(
        network,
        &Params::uniform(network, 2.0, 6.0),
        &late,
        &Simulation::default(),
    )
    .expect("a run");
    assert!(
        run.warnings
            .iter()
            .any(|w| w.contains("begin after the last period, 60")),
        "{:?}",
        run.warnings
    );
    assert!(run.text().contains("begin after the last period"));
}

#[test]
fn tables_that_were_cut_are_refused() {
    let problem = small::problem();
    let network = &problem.network;
    let run = simulate(
        network,
        &Params::uniform(network, 2.0, 6.0),
        &problem.shock,
        &Simulation::default(),
    )
    .expect("a run");
    let panel = run.observe();
    let cut: [fn(&mut Observation); 5] = [
        |p| p.values.truncate(5),
        |p| p.values.clear(),
        |p| p.base.clear(),
        |p| p.region.clear(),
        |p| p.periods = usize::MAX,
    ];
    for change in cut {
        let mut hurt = panel.clone();
        change(&mut hurt);
        assert!(said(hurt.block_means(&[1, 2])).starts_with("panel: "));
        assert!(said(hurt.frame()).starts_with("panel: "));
        // What cannot be refused shows what is there.
        let _ = (hurt.figure().svg(), hurt.index(1_000_000), hurt.text());
    }
    let cut: [fn(&mut Trajectory); 3] = [
        |r| r.output.truncate(7),
        |r| r.periods = usize::MAX,
        |r| r.demand.push(1.0),
    ];
    for change in cut {
        let mut hurt = run.clone();
        change(&mut hurt);
        assert!(said(hurt.frame()).starts_with("trajectory: "));
        let _ = (hurt.figure().svg(), hurt.text(), hurt.loss_share());
    }
    let svi = Svi {
        steps: 2,
        draws: 5,
        ..Svi::default()
    };
    let fit = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a posterior");
    let cut: [fn(&mut Posterior); 5] = [
        |p| p.parameters[0].samples.truncate(3),
        |p| p.parameters[0].labels.clear(),
        |p| p.parameters[1].mean.truncate(1),
        |p| p.predictive.samples.truncate(3),
        |p| p.draws = usize::MAX,
    ];
    for change in cut {
        let mut hurt = fit.clone();
        change(&mut hurt);
        assert!(said(hurt.frame()).starts_with("posterior."));
        said(hurt.samples_frame());
        said(hurt.predict(&problem, &problem.shock, 5));
        said(hurt.params(&problem, 0));
        let _ = (hurt.summary(), hurt.check(), hurt.identification());
        let _ = (hurt.text(), hurt.figure().svg());
    }
    let mut shock = problem.shock.clone();
    shock.events[0].severity.pop();
    said(shock.frame());
}

#[test]
fn tables_of_no_numbers_are_refused() {
    let network = &small::problem().network;
    let table = InputOutput::of(network).expect("a table");
    let hurt: [fn(&mut InputOutput); 4] = [
        |t| t.flows.fill(f64::NAN),
        |t| t.flows.fill(1e300),
        |t| t.output[2] = f64::INFINITY,
        |t| {
            (t.flows, t.output) = (Vec::new(), Vec::new());
            (t.regions, t.sectors) = (Vec::new(), Vec::new());
            t.demand.clear();
        },
    ];
    for change in hurt {
        let mut table = table.clone();
        change(&mut table);
        said(table.multipliers());
        said(table.network());
        said(table.correct(&Corrections::default()));
        said(disaggregate(&table, &Disaggregate::default()));
    }
    let firms = Firms {
        final_demand: vec![1.0; 2],
        ..Firms::default()
    };
    let links = Links {
        buyer: vec![0, 1],
        supplier: vec![1, 0],
        coefficient: vec![f64::MAX; 2],
        ..Links::default()
    };
    assert!(said(Network::new(firms, links)).contains("no steady state"));
}

#[test]
fn more_events_names_or_bins_than_there_can_be() {
    let problem = small::problem();
    let network = &problem.network;
    for events in [1_000_000_000_000, usize::MAX] {
        let shock = Shock::random(network, events, 0.4, 9, 1);
        assert!(said(shock.check(network)).contains("more events than fit into memory"));
        assert!(said(shock.frame()).contains("more events than fit"));
    }
    assert_eq!(Shock::random(network, 3, f64::NAN, 9, 1).hits(), 0);
    for regions in [1_000_000_000_000, usize::MAX] {
        let options = Synthetic {
            firms: 50,
            regions,
            ..Synthetic::default()
        };
        large(Network::synthetic(&options), "Synthetic.firms");
    }
    let svi = Svi {
        steps: 3,
        draws: 4,
        ..Svi::default()
    };
    let ranks = &sbc(&problem, &svi, 2, &Run::default(), &mut ())
        .expect("ranks")
        .parameters[0];
    let counted = |bins| ranks.histogram(bins).iter().sum::<usize>();
    assert_eq!([0, 1, 2, usize::MAX].map(counted), [ranks.ranks.len(); 4]);
    assert_eq!(
        ranks.histogram(usize::MAX).len(),
        5,
        "four draws have five ranks"
    );
    // Twice the patience is more than a number can be.
    let patient = EarlyStop {
        patience: (1 << 63) + 1,
        ..EarlyStop::default()
    };
    let svi = Svi {
        early_stop: Some(patient),
        ..svi
    };
    assert!(calibrate(&problem, &svi, &Run::default(), &mut ()).is_ok());
}

#[test]
fn policies_beyond_the_simulation_are_refused() {
    let problem = small::problem();
    let svi = Svi {
        steps: 2,
        draws: 3,
        ..Svi::default()
    };
    let fit = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a posterior");
    for more in [1e300, 1e30, f64::NAN] {
        let policy = Policy {
            firms: vec![0, 1],
            more_inventory: more,
            ..Policy::default()
        };
        let world = WhatIf {
            policies: vec![policy],
            ..WhatIf::default()
        };
        said(fit.what_if(&problem, &world));
    }
}
