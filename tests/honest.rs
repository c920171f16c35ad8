//! A fit says whether it is one, and a panel is held against its economy: the field's cases and others of their kinds.

use bullwhip::prelude::*;

/// The economy of the field's cases.
fn economy() -> (Network, Shock, Observation) {
    let network = Network::synthetic(&Synthetic {
        firms: 60,
        regions: 3,
        sectors: 2,
        seed: 3,
        ..Synthetic::default()
    })
    .expect("an economy");
    let shock = Shock::random(&network, 4, 0.2, 15, 1);
    let simulation = Simulation {
        periods: 24,
        ..Simulation::default()
    };
    let truth = Priors::default().draw(&network, 42);
    let run = simulate(&network, &truth, &shock, &simulation).expect("a run");
    let seen = run.observe();
    (network, shock, seen)
}

fn problem() -> Problem {
    let (network, shock, seen) = economy();
    Problem::new(&network, &shock, &seen)
}

fn fit(problem: &Problem, options: &Svi) -> Posterior {
    calibrate(problem, options, &Run::default(), &mut ()).expect("a posterior")
}

/// It is doubted, for a reason that has these words, everywhere where a user reads it.
fn doubted(posterior: &Posterior, words: &str) {
    let all = posterior.warnings.join("\n");
    assert!(all.contains(words), "no {words:?} in: {all}");
    assert!(!posterior.convergence.reached());
    let said = posterior.identification();
    assert!(
        said.starts_with("What the data say cannot be told"),
        "{said}"
    );
    for shown in [posterior.text(), posterior.summary().text()] {
        assert!(shown.contains(words), "{shown}");
        assert!(!shown.contains("comes from the data"), "{shown}");
    }
}

#[test]
fn a_fit_that_has_not_moved_says_so() {
    let problem = problem();
    for options in [
        Svi {
            steps: 1,
            ..Svi::default()
        },
        Svi {
            steps: 3,
            ..Svi::default()
        },
        Svi {
            learning_rate: 1e-9,
            ..Svi::default()
        },
        Svi {
            learning_rate: 1e-3,
            ..Svi::default()
        },
        Svi {
            guide: Guide::Point,
            learning_rate: 1e-6,
            ..Svi::default()
        },
        Svi {
            guide: Guide::LowRank(5),
            steps: 20,
            ..Svi::default()
        },
    ] {
        doubted(&fit(&problem, &options), "the fit has not converged");
    }
}

#[test]
fn a_fit_that_has_converged_is_not_doubted() {
    let problem = problem();
    for options in [
        Svi::default(),
        Svi {
            steps: 2000,
            ..Svi::default()
        },
    ] {
        let fit = fit(&problem, &options);
        assert!(fit.convergence.reached(), "{:?}", fit.convergence);
        assert!(fit.warnings.is_empty(), "{:?}", fit.warnings);
        let said = fit.identification();
        assert!(said.starts_with("Of 120 unknowns, the 144"), "{said}");
    }
}

#[test]
fn the_default_ends_by_itself() {
    let problem = problem();
    let fit = fit(
        &problem,
        &Svi {
            steps: 2000,
            ..Svi::default()
        },
    );
    assert!(fit.history.len() < 2000, "{}", fit.history.len());
    assert!(!fit.stopped);
}

#[test]
fn a_fit_that_diverged_is_an_error_that_keeps_the_last_good_state() {
    let problem = problem();
    let file = std::env::temp_dir().join(format!("bullwhip-diverged-{}", std::process::id()));
    let options = Svi {
        learning_rate: 50.0,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some(file.clone()),
        ..Run::default()
    };
    let error = calibrate(&problem, &options, &run, &mut ())
        .expect_err("it diverges")
        .to_string();
    assert!(error.contains("the fit diverged at step "), "{error}");
    assert!(error.contains("lower Svi.learning_rate"), "{error}");
    assert!(error.contains("keeps the state before it"), "{error}");
    // From there a call without further steps gives a posterior.
    let at = error
        .split("at step ")
        .nth(1)
        .and_then(|t| t.split(':').next());
    let step: usize = at.and_then(|t| t.parse().ok()).expect("a step");
    assert!(step >= 2, "{error}");
    let kept = Run {
        max_seconds: Some(0.0),
        ..run
    };
    let _ = std::fs::metadata(&file).expect("the state is there");
    let again = calibrate(&problem, &options, &kept, &mut ());
    if let Ok(posterior) = &again {
        assert!(
            posterior
                .parameters
                .iter()
                .all(|l| l.samples.iter().all(|v| v.is_finite()))
        );
    }
    std::fs::remove_file(&file).expect("removed");
    for wild in [
        Svi {
            learning_rate: 1e6,
            ..Svi::default()
        },
        Svi {
            learning_rate: 1e300,
            ..Svi::default()
        },
    ] {
        let error = calibrate(&problem, &wild, &Run::default(), &mut ())
            .expect_err("it diverges")
            .to_string();
        assert!(error.contains("diverged"), "{error}");
    }
}

#[test]
fn few_draws_are_too_few_to_speak_of_spread() {
    let problem = problem();
    for keep in [1, 2, 10] {
        let abc = Abc {
            draws: 100,
            keep,
            ..Abc::default()
        };
        let fit = calibrate(&problem, &abc, &Run::default(), &mut ()).expect("a posterior");
        doubted(&fit, "too few to speak of spread");
        assert_eq!(fit.convergence.effective_draws, keep as f64);
    }
    let smc = Smc {
        population: 10,
        evaluations: 100,
        ..Smc::default()
    };
    let fit = calibrate(&problem, &smc, &Run::default(), &mut ()).expect("a posterior");
    doubted(&fit, "too few to speak of spread");
    // Two hundred moves of a chain in 120 dimensions are next to nothing.
    let walk = RandomWalk {
        chains: 2,
        evaluations: 200,
        keep: 100,
    };
    let fit = calibrate(&problem, &walk, &Run::default(), &mut ()).expect("a posterior");
    assert!(
        fit.convergence.effective_draws < 100.0,
        "{:?}",
        fit.convergence
    );
    assert!(!fit.convergence.reached());
}

#[test]
fn chance_does_not_count_as_knowledge() {
    // Draws of the prior know nothing: whatever is narrower is so by chance.
    let mut problem = problem();
    problem.noise = 0.9;
    for keep in [20, 50] {
        let abc = Abc {
            draws: keep,
            keep,
            ..Abc::default()
        };
        let run = Run {
            seed: 3,
            ..Run::default()
        };
        let fit = calibrate(&problem, &abc, &run, &mut ()).expect("a posterior");
        let narrower: f64 = fit.parameters.iter().map(|l| l.informed(0.1)).sum();
        assert!(
            narrower < 0.05,
            "{narrower} of two parameters with {keep} draws"
        );
    }
}

fn refused(problem: &Problem, words: &str) {
    for error in [
        problem.check().expect_err("refused"),
        calibrate(
            problem,
            &Svi {
                steps: 2,
                ..Svi::default()
            },
            &Run::default(),
            &mut (),
        )
        .expect_err("refused"),
    ] {
        let text = error.to_string();
        assert!(text.contains(words), "no {words:?} in: {text}");
        assert!(
            !error.place.is_empty() && !error.remedy.is_empty(),
            "{text}"
        );
    }
    assert!(
        problem.text().contains("cannot be calibrated"),
        "{}",
        problem.text()
    );
}

fn warned(problem: &Problem, words: &str) {
    problem.check().expect("allowed");
    let all = problem.warnings().join("\n");
    assert!(all.contains(words), "no {words:?} in: {all}");
    assert!(problem.text().contains(words));
    let fit = fit(
        problem,
        &Svi {
            steps: 2,
            ..Svi::default()
        },
    );
    assert!(
        fit.warnings.join("\n").contains(words),
        "{:?}",
        fit.warnings
    );
}

fn with(change: impl Fn(&mut Observation)) -> Problem {
    let mut problem = problem();
    change(&mut problem.observed);
    problem
}

#[test]
fn a_panel_that_cannot_be_meant_is_refused() {
    let (network, ..) = economy();
    let sizes = network.group_sums(network.output());
    let index = |o: &mut Observation, by: f64| {
        let g = o.groups();
        for (c, v) in o.values.iter_mut().enumerate() {
            *v *= by / sizes[c % g];
        }
    };
    // Index values for levels, as 1 and as 100 and 1,000.
    for by in [1.0, 1000.0] {
        refused(
            &with(|o| index(o, by)),
            "these are index values, not levels",
        );
    }
    refused(
        &with(|o| o.values.iter_mut().for_each(|v| *v *= 1000.0)),
        "times its steady level",
    );
    refused(
        &with(|o| o.values.iter_mut().for_each(|v| *v /= 12.0)),
        "times its steady level",
    );
    let g = sizes.len();
    refused(
        &with(|o| o.values.iter_mut().step_by(g).for_each(|v| *v = -*v)),
        "production is not negative",
    );
    refused(&with(|o| o.values[3 * g] = -0.4 * sizes[0]), "in period 4");
    // Another network's panel.
    refused(
        &with(|o| o.region.swap(0, g - 1)),
        "the panel of another network",
    );
    refused(&with(|o| o.base[1] *= 1.5), "the panel of another network");
    let mut late = problem();
    late.shock.events.iter_mut().for_each(|e| e.start += 24);
    refused(&late, "last observed period is 24");
    for noise in [1e-300, 1e-12, 0.0, -0.03, f64::NAN] {
        let mut none = problem();
        none.noise = noise;
        refused(&none, "sigma is");
    }
}

#[test]
fn a_panel_that_is_doubtful_is_told() {
    let (network, ..) = economy();
    let sizes = network.group_sums(network.output());
    let g = sizes.len();
    // Index values near enough to the levels that they may be meant.
    let middle = 60.0;
    let index = with(|o| {
        for (c, v) in o.values.iter_mut().enumerate() {
            *v *= middle / sizes[c % g];
        }
    });
    assert!(
        sizes.iter().all(|s| (0.25..4.0).contains(&(middle / s))),
        "{sizes:?}"
    );
    warned(&index, "these look like index values");
    warned(
        &with(|o| o.values.iter_mut().step_by(g).for_each(|v| *v *= 1.5)),
        "do not start at their steady level",
    );
    warned(
        &with(|o| o.values[2 * g + 1] = 0.0),
        "in period 3: a cell that is missing must be NaN",
    );
    let mut late = problem();
    late.shock.events[0].start = 25;
    warned(
        &late,
        "1 of 4 events start after the last observed period, 24",
    );
    for noise in [0.5, 1.0, 3.0, 100.0] {
        let mut percent = problem();
        percent.noise = noise;
        warned(&percent, "a share is meant");
    }
    let mut exact = problem();
    exact.noise = 1e-6;
    warned(&exact, "no panel is so exact");
}

#[test]
fn a_good_panel_passes_without_a_word() {
    let good = problem();
    assert_eq!(good.warnings(), Vec::<String>::new());
    // Noise of 3 %, missing cells, indices compared as such, a shock in the first period.
    let (network, shock, seen) = economy();
    let mut noisy = good.clone();
    for (c, v) in noisy.observed.values.iter_mut().enumerate() {
        *v *= 1.0 + 0.03 * ((c * 37) as f64).sin();
    }
    noisy.observed.values[7] = f64::NAN;
    noisy.check().expect("allowed");
    assert_eq!(noisy.warnings(), Vec::<String>::new());
    let g = seen.groups();
    let values = (0..24 * g).map(|c| seen.index(c % g)[c / g]).collect();
    let indices = Observation::from_values(&network, values).expect("a panel");
    let mut compared = Problem::new(&network, &shock, &indices);
    compared.scale = Scale::Indices { first: 1, last: 1 };
    compared.check().expect("allowed");
    assert_eq!(compared.warnings(), Vec::<String>::new());
    let first = Shock::region(&network, "R1", 1, 0.6, 0.1).expect("a shock");
    let simulation = Simulation {
        periods: 24,
        ..Simulation::default()
    };
    let truth = Priors::default().draw(&network, 42);
    let run = simulate(&network, &truth, &first, &simulation).expect("a run");
    let mut hit = Problem::new(&network, &first, &run.observe());
    hit.check().expect("allowed");
    assert_eq!(hit.warnings(), Vec::<String>::new());
    // A shock that takes nearly all from the first period on, and nothing seen before it.
    hit.observed.values.iter_mut().for_each(|v| *v *= 0.1);
    hit.check().expect("allowed");
    assert_eq!(hit.warnings(), Vec::<String>::new());
    hit.observed.values.iter_mut().for_each(|v| *v *= 0.01);
    refused(&hit, "times its steady level");
}

#[test]
fn a_model_that_misses_the_panel_says_so() {
    // Groups that rise and fall by a third, which no shock of the problem does.
    let wave = with(|o| {
        let g = o.groups();
        for (c, v) in o.values.iter_mut().enumerate() {
            let t = (c / g) as f64;
            *v *= 1.0 + 0.4 * (t / 2.0).sin();
        }
    });
    let fit = fit(&wave, &Svi::default());
    doubted(&fit, "the model does not describe the panel");
    assert!(fit.convergence.in_bands < 0.7);
    assert!(
        fit.check()
            .note()
            .is_some_and(|n| n.contains("misses the panel"))
    );
}

#[test]
fn doubts_are_saved_and_loaded() {
    let fit = fit(
        &problem(),
        &Svi {
            steps: 3,
            ..Svi::default()
        },
    );
    let folder = std::env::temp_dir().join(format!("bullwhip-doubts-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for end in ["parquet", "csv", "arrow"] {
        let path = folder.join(format!("fit.{end}"));
        fit.save(&path).expect("saved");
        let again = Posterior::load(&path).expect("loaded");
        assert_eq!(again.convergence.doubts, fit.convergence.doubts);
        assert_eq!(again.warnings, fit.warnings);
        assert_eq!(again.identification(), fit.identification());
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn the_card_counts_what_is_learnt() {
    let mut problem = problem();
    problem.priors.per.target_inventory = Per::Sector;
    problem.priors.per.adjustment_time = Per::All;
    let text = problem.text();
    assert!(
        text.contains("target inventory (2), adjustment time (1)"),
        "{text}"
    );
}

#[test]
fn the_live_figure_shows_the_warnings() {
    #[derive(Default)]
    struct Watcher(Option<Snapshot>);
    impl Progress for Watcher {}

    impl Watch for Watcher {
        fn watches(&self) -> bool {
            true
        }
        fn picture(&mut self, snapshot: Snapshot) {
            self.0 = Some(snapshot);
        }
    }
    let mut watcher = Watcher::default();
    calibrate(
        &problem(),
        &Svi {
            steps: 3,
            ..Svi::default()
        },
        &Run::default(),
        &mut watcher,
    )
    .expect("a posterior");
    let figure = watcher.0.expect("a picture").figure();
    assert!(
        figure
            .subtitle
            .contains("Warning: the fit has not converged"),
        "{}",
        figure.subtitle
    );
    assert!(figure.svg().expect("drawn").contains("not converged"));
}

#[test]
fn a_wide_guide_that_has_not_shrunk_is_told_and_one_that_has_is_not() {
    let problem = problem();
    let guide = Guide::FullRank;
    let short = fit(
        &problem,
        &Svi {
            guide,
            steps: 120,
            initial_scale: 3.0,
            learning_rate: 0.03,
            ..Svi::default()
        },
    );
    doubted(&short, "still wider than the data let it be");
    assert!(short.convergence.width > 2.0, "{:?}", short.convergence);
    let by_size = fit(
        &problem,
        &Svi {
            guide,
            ..Svi::default()
        },
    );
    assert!(by_size.convergence.reached(), "{:?}", by_size.convergence);
    let long = fit(
        &problem,
        &Svi {
            guide,
            steps: 2000,
            particles: 4,
            ..Svi::default()
        },
    );
    assert!(long.convergence.reached(), "{:?}", long.convergence);
    assert!((long.convergence.width - 1.0).abs() < 0.3);
    let fast = fit(
        &problem,
        &Svi {
            steps: 300,
            learning_rate: 1.0,
            ..Svi::default()
        },
    );
    assert!(!fast.convergence.reached(), "{:?}", fast.convergence);
}

#[test]
fn a_point_says_nothing_of_spread() {
    let guide = Guide::Point;
    let point = fit(
        &problem(),
        &Svi {
            guide,
            ..Svi::default()
        },
    );
    assert!(point.convergence.reached(), "{:?}", point.convergence);
    assert!(point.identification().starts_with("A point has no spread"));
    assert!(!point.text().contains("narrower"), "{}", point.text());
    let few = fit(
        &problem(),
        &Svi {
            draws: 2,
            ..Svi::default()
        },
    );
    assert!(
        few.warnings.join(" ").contains("raise Svi.draws"),
        "{:?}",
        few.warnings
    );
}

#[test]
fn a_total_in_another_unit_is_refused() {
    let mut problem = problem();
    let steady: f64 = problem.network.output().iter().sum();
    let total = |by: f64| {
        Total::new(&problem.network, "all", &[], &[], vec![by * steady; 24]).expect("a total")
    };
    let (good, thousands, negative) = (total(1.0), total(1e-3), total(-1.0));
    problem.totals = vec![good];
    problem.check().expect("allowed");
    problem.totals = vec![thousands];
    refused(&problem, "times its steady level");
    problem.totals = vec![negative];
    refused(&problem, "production is not negative");
}

#[test]
fn calibrations_of_sbc_that_have_not_converged_are_counted() {
    let mut problem = problem();
    // The values of the panel do not matter.
    problem.observed.values.iter_mut().for_each(|v| *v = 0.0);
    let ended = sbc(
        &problem,
        &Svi {
            steps: 3,
            ..Svi::default()
        },
        2,
        &Run::default(),
        &mut (),
    )
    .expect("runs");
    assert_eq!(ended.doubted, 2);
    assert!(
        ended
            .text()
            .contains("2 of the 2 calibrations have not converged"),
        "{}",
        ended.text()
    );
    let whole = sbc(&problem, Svi::default(), 2, &Run::default(), &mut ()).expect("runs");
    assert_eq!(whole.doubted, 0);
}
