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
    let fit = |svi: Svi| calibrate(&problem, &svi, &mut ());
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
        large(calibrate_abc(&problem, &abc, &mut ()), "Abc.keep");
        let smc = Smc {
            population: n,
            evaluations: n,
            ..Smc::default()
        };
        large(calibrate_smc(&problem, &smc, &mut ()), "Smc.population");
    }
    let walk = RandomWalk {
        keep: 1_000_000_000_000,
        evaluations: usize::MAX,
        ..RandomWalk::default()
    };
    large(calibrate_walk(&problem, &walk, &mut ()), "RandomWalk");
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
            said(calibrate(&problem, &Svi::default(), &mut ())).contains("priors.target_inventory")
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
fn policies_beyond_the_simulation_are_refused() {
    let problem = small::problem();
    let svi = Svi {
        steps: 2,
        draws: 3,
        ..Svi::default()
    };
    let fit = calibrate(&problem, &svi, &mut ()).expect("a posterior");
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
