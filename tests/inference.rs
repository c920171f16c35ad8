//! Calibration: it learns, repeats itself, keeps to its options, and refuses what it cannot do.

use bullwhip::prelude::*;

fn problem() -> (Problem, Params) {
    let network = Network::synthetic(&Synthetic {
        firms: 40,
        mean_suppliers: 3.0,
        regions: 3,
        sectors: 3,
        seed: 4,
        ..Synthetic::default()
    })
    .expect("an economy");
    let truth = Params {
        target_inventory: (0..40).map(|i| 1.2 + 0.1 * (i % 20) as f64).collect(),
        adjustment_time: (0..40).map(|i| 3.0 + 0.2 * (i % 20) as f64).collect(),
        ..Params::default()
    };
    let shock = Shock::random(&network, 4, 0.4, 15, 1);
    let simulation = Simulation {
        periods: 24,
        ..Simulation::default()
    };
    let observed = simulate(&network, &truth, &shock, &simulation)
        .expect("a run")
        .observe();
    (Problem::new(&network, &shock, &observed), truth)
}

#[test]
fn variational_inference_beats_rejection_with_fewer_evaluations() {
    let (problem, _) = problem();
    let svi = calibrate(
        &problem,
        &Svi {
            steps: 150,
            ..Svi::default()
        },
        &Run::default(),
        &mut (),
    )
    .expect("a posterior");
    let abc = calibrate(
        &problem,
        &Abc {
            draws: 600,
            keep: 30,
            ..Abc::default()
        },
        &Run::default(),
        &mut (),
    )
    .expect("a posterior");
    let (a, b) = (
        svi.predictive.loss(&problem.observed),
        abc.predictive.loss(&problem.observed),
    );
    assert!(a < 0.5 * b, "variational {a}, rejection {b}");
    assert_eq!((svi.evaluations, abc.evaluations), (150, 600));
    // Out of sample, under a scenario that was not fitted.
    let (network, truth) = (problem.network.clone(), self::problem().1);
    let fresh = Shock::random(&network, 4, 0.4, 15, 99);
    let real = simulate(&network, &truth, &fresh, &problem.simulation)
        .expect("a run")
        .observe();
    let a = svi
        .predict(&problem, &fresh, 24)
        .expect("a prediction")
        .loss(&real);
    let b = abc
        .predict(&problem, &fresh, 24)
        .expect("a prediction")
        .loss(&real);
    assert!(a < b, "variational {a}, rejection {b} out of sample");
}

#[test]
fn the_same_seed_gives_the_same_posterior() {
    let (problem, _) = problem();
    let run = |seed| {
        let options = Svi {
            steps: 5,
            particles: 2,
            draws: 8,
            ..Svi::default()
        };
        let run = Run {
            seed,
            ..Run::default()
        };
        calibrate(&problem, &options, &run, &mut ()).expect("a posterior")
    };
    assert_eq!(run(1).parameters[0].samples, run(1).parameters[0].samples);
    assert_ne!(run(1).parameters[0].samples, run(2).parameters[0].samples);
}

#[test]
fn rejection_that_ends_hopeless_draws_keeps_the_same_ones() {
    let (problem, _) = problem();
    let kept = |keep| {
        let options = Abc {
            draws: 400,
            keep,
            batch: 16,
        };
        calibrate(&problem, &options, &Run::default(), &mut ()).expect("a posterior")
    };
    // Where all draws are kept none is hopeless.
    let (all, best) = (kept(400), kept(20));
    assert!(all.draws == 400 && best.draws == 20);
    for (all, best) in all.parameters.iter().zip(&best.parameters) {
        assert!(all.samples.starts_with(&best.samples));
    }
    let worst = best.history.last().expect("steps").loss;
    assert!(worst < all.history.last().expect("steps").loss);
}

#[test]
fn with_no_weight_on_the_data_the_guide_returns_to_the_prior() {
    let (mut problem, _) = problem();
    problem.noise = 1e6;
    let options = Svi {
        steps: 400,
        learning_rate: 0.05,
        ..Svi::default()
    };
    let posterior = calibrate(&problem, &options, &Run::default(), &mut ()).expect("a posterior");
    for learnt in &posterior.parameters {
        assert!(learnt.location.iter().all(|v| v.abs() < 1e-2));
        assert!(learnt.scale.iter().all(|v| (v - 1.0).abs() < 2e-2));
        assert_eq!(learnt.informed(0.1), 0.0);
    }
}

#[test]
fn severities_can_be_learnt_and_the_rest_kept() {
    let (mut problem, truth) = problem();
    problem.params = truth;
    problem.shock.events.truncate(1);
    problem.observed = simulate(
        &problem.network,
        &problem.params,
        &problem.shock,
        &problem.simulation,
    )
    .expect("a run")
    .observe();
    let real: Vec<f64> = problem.shock.events[0].severity.clone();
    problem.priors = Priors {
        severity: Some(Prior::LogitNormal {
            median: 0.5,
            sigma: 1.0,
        }),
        ..Priors::none()
    };
    problem.noise = 0.01;
    let posterior = calibrate(
        &problem,
        &Svi {
            steps: 300,
            ..Svi::default()
        },
        &Run::default(),
        &mut (),
    )
    .expect("a posterior");
    let learnt = posterior
        .learnt(Parameter::Severity)
        .expect("severity varied");
    let error = |guess: &dyn Fn(usize) -> f64| {
        (0..real.len())
            .map(|k| (guess(k) - real[k]).powi(2))
            .sum::<f64>()
    };
    assert!(error(&|k| learnt.mean[k]) < 0.8 * error(&|_| 0.5));
    assert!(
        posterior
            .learnt(Parameter::TargetInventory)
            .expect_err("it was kept")
            .to_string()
            .contains("did not vary")
    );
}

#[test]
fn missing_cells_are_left_out_of_the_loss() {
    let (mut problem, truth) = problem();
    // A spoilt cell that is marked missing changes nothing.
    problem.observed.values[7] = f64::NAN;
    let s = sensitivity(
        &problem.network,
        &truth,
        &problem.shock,
        &problem.simulation,
        &problem.observed,
    )
    .expect("a gradient");
    assert!(s.loss < 1e-12, "{}", s.loss);
    assert!(
        calibrate(
            &problem,
            &Svi {
                steps: 3,
                ..Svi::default()
            },
            &Run::default(),
            &mut ()
        )
        .is_ok()
    );
}

#[test]
fn what_cannot_be_calibrated_is_refused_before_any_work() {
    let (good, _) = problem();
    let refused = |change: &dyn Fn(&mut Problem)| {
        let mut problem = good.clone();
        change(&mut problem);
        calibrate(&problem, Svi::default(), &Run::default(), &mut ())
            .expect_err("this must be refused")
            .to_string()
    };
    assert!(refused(&|p| p.noise = 0.0).contains("sigma is 0"));
    assert!(
        refused(&|p| p.simulation.periods = 5)
            .contains("5 periods are simulated, but 24 are observed")
    );
    assert!(refused(&|p| p.observed.values.fill(f64::NAN)).contains("every cell is missing"));
    assert!(refused(&|p| p.priors = Priors::none()).contains("nothing varies"));
    assert!(refused(&|p| p.params.target_inventory[3] = -1.0).contains("firm 3 has -1"));
    assert!(
        calibrate(
            &good,
            &Svi {
                steps: 0,
                ..Svi::default()
            },
            &Run::default(),
            &mut ()
        )
        .is_err()
    );
    assert!(
        calibrate(
            &good,
            &Abc {
                draws: 5,
                keep: 10,
                ..Abc::default()
            },
            &Run::default(),
            &mut ()
        )
        .is_err()
    );
}

/// Stops a calibration after some updates.
struct Stopper(usize);

impl Watch for Stopper {}

impl Progress for Stopper {
    fn update(&mut self, _: usize, _: &str) {
        self.0 = self.0.saturating_sub(1);
    }
    fn stop(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn a_stopped_calibration_returns_what_it_has() {
    let (problem, _) = problem();
    let posterior =
        calibrate(&problem, Svi::default(), &Run::default(), &mut Stopper(4)).expect("a posterior");
    assert!(posterior.stopped);
    // Four starts of four particles each.
    assert_eq!((posterior.history.len(), posterior.evaluations), (4, 64));
    assert_eq!(posterior.parameters[0].samples.len(), 100 * 40);
}

#[test]
fn intervals_are_checked_and_wider_with_correlations() {
    let (problem, _) = problem();
    let cover = |options: &Svi, runs| -> Vec<f64> {
        let check = sbc(&problem, options, runs, &Run::default(), &mut ()).expect("runs");
        assert_eq!((check.runs, check.stopped), (runs, false));
        assert!(check.parameters.iter().all(|r| r.ranks.len() == runs * 40));
        check.parameters.iter().map(|r| r.coverage(0.9)).collect()
    };
    let mean_field = Svi {
        draws: 99,
        ..Svi::default()
    };
    let full = Svi {
        guide: Guide::FullRank,
        ..mean_field.clone()
    };
    let factors = Svi {
        guide: Guide::LowRank(20),
        estimator: Estimator::Path,
        ..mean_field.clone()
    };
    let (narrow, better) = (cover(&mean_field, 10), cover(&full, 10));
    let right = cover(&factors, 10);
    println!(
        "90 % intervals hold {narrow:?} (mean field), {better:?} (full rank), {right:?} (20 factors, along paths)"
    );
    for k in 0..2 {
        assert!((0.68..0.9).contains(&narrow[k]), "{narrow:?}");
        for wider in [&better, &right] {
            let held = wider[k];
            assert!(
                (0.78..0.96).contains(&held) && held > narrow[k],
                "{wider:?}"
            );
        }
    }
    // Intervals that had no time to widen are found out.
    let hasty = Svi {
        steps: 20,
        ..mean_field
    };
    assert!(cover(&hasty, 5).iter().all(|c| *c < 0.5));
}

#[test]
fn intervals_of_any_method_are_checked() {
    let (problem, _) = problem();
    let abc = Abc {
        draws: 300,
        keep: 20,
        ..Abc::default()
    };
    let run = Run {
        seed: 2,
        ..Run::default()
    };
    let check = sbc(&problem, &abc, 3, &run, &mut ()).expect("runs");
    assert_eq!((check.runs, check.stopped), (3, false));
    for ranks in &check.parameters {
        assert_eq!((ranks.draws, ranks.ranks.len()), (20, 3 * 40));
        assert!(ranks.ranks.iter().all(|r| *r <= 20));
    }
    // Prior draws that are hardly chosen from cover what was drawn from the prior.
    assert!(check.parameters[0].coverage(0.9) > 0.7);
    let again = sbc(&problem, &abc, 3, &run, &mut ()).expect("runs");
    assert_eq!(again.parameters, check.parameters);
}

/// Where the data say much, ranks are uniform in every bin, not just in their middle.
#[test]
fn ranks_are_uniform_where_few_values_are_shared_by_many_firms() {
    let (mut problem, _) = problem();
    problem.priors.per = Levels {
        target_inventory: Per::Sector,
        adjustment_time: Per::All,
        ..Levels::default()
    };
    let options = Svi {
        guide: Guide::FullRank,
        steps: 400,
        particles: 4,
        draws: 99,
        learning_rate: 0.1,
        ..Svi::default()
    };
    let runs = 60;
    let check = sbc(&problem, &options, runs, &Run::default(), &mut ()).expect("runs");
    for ranks in &check.parameters {
        let bins = ranks.histogram(5);
        let expected = ranks.ranks.len() as f64 / 5.0;
        let chi: f64 = bins
            .iter()
            .map(|n| (*n as f64 - expected).powi(2) / expected)
            .sum();
        println!("{}: {bins:?}, chi-square {chi:.1}", ranks.parameter.name());
        // 99.9 % of chi-square with four degrees of freedom; runs are not all independent.
        assert!(chi < 18.5, "{}: {bins:?}", ranks.parameter.name());
    }
}

#[test]
fn guides_that_do_not_fit_are_refused() {
    let (problem, _) = problem();
    let said = |guide| {
        let options = Svi {
            guide,
            ..Svi::default()
        };
        let result = calibrate(&problem, &options, &Run::default(), &mut ());
        result.expect_err("refused").to_string()
    };
    assert_eq!(
        said(Guide::LowRank(81)),
        "Svi.guide: LowRank(81) has more factors than the 80 coordinates; give fewer, such as 20"
    );
    assert!(said(Guide::LowRank(0)).contains("no factors"));
}

#[test]
fn objectives_leave_nothing_behind() {
    let pages = || {
        let told = std::fs::read_to_string("/proc/self/statm").ok()?;
        told.split(' ').nth(1)?.parse::<usize>().ok()
    };
    let (problem, _) = problem();
    let make = |count: usize| {
        for _ in 0..count {
            Objective::new(&problem).expect("an objective");
        }
    };
    make(50);
    let Some(before) = pages() else {
        println!("left out: the system does not tell its memory");
        return;
    };
    make(500);
    let grown = pages().expect("told before").saturating_sub(before);
    // Each once kept 158 kB, which were 19,000 pages; other tests run beside.
    assert!(grown < 10_000, "{grown} pages");
}
