//! Can a posterior be trusted? Problems whose posterior is known, methods that must agree, and every
//! option of the problem and of variational inference against finite differences or each other.

use bullwhip::infer::Method;
use bullwhip::prelude::*;

/// One firm without suppliers: output is capacity where it is hit, linear in the severity.
fn single(slack: f64, periods: usize) -> (Problem, f64) {
    let firms = Firms {
        final_demand: vec![10.0],
        ..Firms::default()
    };
    let network = Network::new(firms, Links::default()).expect("one firm");
    let shock = Shock::firms(&[0], 2, 0.5, 0.1);
    let mut problem = Problem::new(
        &network,
        &shock,
        &Observation::from_values(&network, vec![10.0; periods]).expect("a panel"),
    );
    problem.simulation.slack = slack;
    problem.simulation.precision = Precision::Double;
    problem.priors = Priors::none();
    (problem, 10.0)
}

/// Severity with a normal prior and output linear in it: the posterior is normal, with precision
/// 1 / s0² + Σ h_t² / σ², where h_t = exp(-λ (t - t*)).
#[test]
fn a_conjugate_normal_problem_is_recovered_exactly() {
    let (mut problem, _) = single(0.0, 12);
    problem.priors.severity = Some(Prior::Normal {
        mean: 0.5,
        sd: 0.05,
    });
    problem.noise = 0.08;
    let h = |t: usize| {
        if t < 2 {
            0.0
        } else {
            (-0.1 * (t as f64 - 2.0)).exp()
        }
    };
    // Relative output 1 - δ h, seen as if δ were 0.6, with an error that alternates.
    let seen = |t: usize| 1.0 - 0.6 * h(t) + if t.is_multiple_of(2) { 0.03 } else { -0.02 };
    problem.observed.values = (1..=12).map(|t| 10.0 * seen(t)).collect();
    let (prior, data) = (1.0 / 0.0025, 1.0 / (0.08 * 0.08));
    let precision = prior + (1..=12).map(|t| data * h(t) * h(t)).sum::<f64>();
    let pull: f64 = (1..=12).map(|t| data * h(t) * (1.0 - seen(t))).sum();
    let mean = (prior * 0.5 + pull) / precision;
    let sd = precision.powf(-0.5);
    for (guide, estimator) in [
        (Guide::MeanField, Estimator::ClosedForm),
        (Guide::MeanField, Estimator::Path),
        (Guide::FullRank, Estimator::ClosedForm),
        (Guide::LowRank(1), Estimator::Path),
    ] {
        let options = Svi {
            guide,
            estimator,
            steps: 2000,
            early_stop: None,
            particles: 4,
            learning_rate: 0.05,
            final_rate: 0.001,
            draws: 2000,
            ..Svi::default()
        };
        let posterior =
            calibrate(&problem, &options, &Run::default(), &mut ()).expect("a posterior");
        let learnt = &posterior.parameters[0];
        let found = (0.5 + 0.05 * learnt.location[0], 0.05 * learnt.scale[0]);
        // Along paths the noise ends with the fit; otherwise the last steps leave some.
        let close = if estimator == Estimator::Path {
            3e-3
        } else {
            2e-2
        };
        assert!(
            (found.0 - mean).abs() < close * sd && (found.1 / sd - 1.0).abs() < close,
            "{guide:?} {estimator:?}: {found:?}, exact {mean} {sd}"
        );
        assert!(posterior.pareto_k < 0.5, "{}", posterior.pareto_k);
        // With the Gaussian loss the objective bounds the evidence; here it meets it.
        problem.loss = Loss::Gaussian;
        let honest = calibrate(&problem, &options, &Run::default(), &mut ()).expect("a posterior");
        problem.loss = Loss::RelativeSquare;
        assert!((honest.parameters[0].location[0] - learnt.location[0]).abs() < 1e-6);
        let last = honest.history[1900..]
            .iter()
            .map(|s| s.objective)
            .sum::<f64>()
            / 100.0;
        // -ln p(y): residuals r = y - (1 - 0.5 h) are normal with covariance σ² I + s0² h hᵀ.
        let r = |t: usize| seen(t) - 1.0 + 0.5 * h(t);
        let hh: f64 = (1..=12).map(|t| h(t) * h(t)).sum();
        let hr: f64 = (1..=12).map(|t| h(t) * r(t)).sum();
        let rr: f64 = (1..=12).map(|t| r(t) * r(t)).sum();
        let ratio = 0.0025 * data * hh;
        let evidence = 6.0 * (2.0 * std::f64::consts::PI / data).ln()
            + 0.5 * (1.0 + ratio).ln()
            + 0.5 * data * (rr - 0.0025 * data * hr * hr / (1.0 + ratio));
        assert!(
            (last - evidence).abs() < 0.1,
            "{guide:?}: {last} {evidence}"
        );
    }
    // The most probable point is the mean, as the posterior is normal.
    let options = Svi {
        guide: Guide::Point,
        steps: 1500,
        learning_rate: 0.05,
        final_rate: 0.001,
        ..Svi::default()
    };
    let point = calibrate(&problem, &options, &Run::default(), &mut ()).expect("a point");
    assert!((point.parameters[0].mean[0] - mean).abs() < 1e-4 * sd);
    assert_eq!((point.draws, point.parameters[0].scale[0]), (1, 0.0));
    assert!(point.pareto_k.is_nan());
}

/// Severity and recovery rate of one firm make up for each other where few periods are seen.
fn correlated() -> Problem {
    let (mut problem, _) = single(0.0, 6);
    problem.priors.severity = Some(Prior::LogitNormal {
        median: 0.5,
        sigma: 1.0,
    });
    problem.priors.recovery_rate = Some(Prior::Gamma {
        shift: 0.0,
        shape: 2.0,
        scale: 0.1,
    });
    let run = simulate(
        &problem.network,
        &problem.params,
        &problem.shock,
        &problem.simulation,
    );
    problem.simulation.periods = 6;
    let values = run.expect("a run").observe().values;
    problem.observed.values = values[..6].to_vec();
    problem
}

#[test]
fn guides_with_covariances_beat_mean_field_where_parameters_are_correlated() {
    let problem = correlated();
    let objective = |guide| {
        let options = Svi {
            guide,
            steps: 1500,
            early_stop: None,
            particles: 8,
            learning_rate: 0.05,
            ..Svi::default()
        };
        let posterior =
            calibrate(&problem, &options, &Run::default(), &mut ()).expect("a posterior");
        let last = &posterior.history[1400..];
        last.iter().map(|s| s.objective).sum::<f64>() / 100.0
    };
    let alone = objective(Guide::MeanField);
    for guide in [Guide::LowRank(1), Guide::FullRank] {
        let together = objective(guide);
        assert!(together < alone - 0.2, "{guide:?}: {together} {alone}");
    }
}

#[test]
fn methods_agree_where_all_of_them_can() {
    let problem = correlated();
    let full = Svi {
        guide: Guide::FullRank,
        steps: 1500,
        particles: 8,
        learning_rate: 0.05,
        draws: 2000,
        ..Svi::default()
    };
    let svi = calibrate(&problem, &full, &Run::default(), &mut ()).expect("a posterior");
    let walk = RandomWalk {
        chains: 64,
        evaluations: 128_000,
        keep: 2000,
    };
    let walk = calibrate(&problem, &walk, &Run::default(), &mut ()).expect("a posterior");
    for (a, b) in svi.parameters.iter().zip(&walk.parameters) {
        let spread = b.sd[0];
        assert!(
            (a.mean[0] - b.mean[0]).abs() < 0.25 * spread,
            "{}: {} {} ± {spread}",
            a.parameter.name(),
            a.mean[0],
            b.mean[0]
        );
        assert!(
            (a.sd[0] / spread - 1.0).abs() < 0.25,
            "{} {spread}",
            a.sd[0]
        );
    }
    // ABC with the loss that the posterior has on the average keeps to the same place, wider.
    let abc = Abc {
        draws: 60_000,
        keep: 300,
        batch: 512,
    };
    let abc = calibrate(&problem, &abc, &Run::default(), &mut ()).expect("a posterior");
    let smc = Smc {
        population: 300,
        evaluations: 12_000,
        ..Smc::default()
    };
    let smc = calibrate(&problem, &smc, &Run::default(), &mut ()).expect("a posterior");
    for posterior in [&abc, &smc] {
        for (a, b) in posterior.parameters.iter().zip(&walk.parameters) {
            assert!(
                (a.mean[0] - b.mean[0]).abs() < b.sd[0],
                "{} {}: {} {} ± {}",
                posterior.method,
                a.parameter.name(),
                a.mean[0],
                b.mean[0],
                b.sd[0]
            );
        }
    }
    // A population gets closer than rejection with a fifth of its evaluations.
    let last = |p: &Posterior| p.history.last().expect("steps").loss;
    assert!(last(&smc) < last(&abc), "{} {}", last(&smc), last(&abc));
}

fn economy() -> (Network, Shock, Shock) {
    let network = Network::synthetic(&Synthetic {
        firms: 30,
        mean_suppliers: 3.0,
        regions: 3,
        sectors: 2,
        seed: 7,
        ..Synthetic::default()
    })
    .expect("an economy");
    let (a, b) = (
        Shock::random(&network, 2, 0.4, 8, 1),
        Shock::random(&network, 1, 0.5, 5, 2),
    );
    (network, a, b)
}

/// Everything at once: two scenarios, weights, levels of every kind, every prior.
fn rich(loss: Loss, scale: Scale) -> Problem {
    let (network, shock, other) = economy();
    let truth = Priors::default().draw(&network, 3);
    let run = |shock: &Shock, periods| {
        let simulation = Simulation {
            periods,
            ..Simulation::default()
        };
        simulate(&network, &truth, shock, &simulation)
            .expect("a run")
            .observe()
    };
    let mut problem = Problem::new(&network, &shock, &run(&shock, 16));
    problem.further = vec![Scenario {
        observed: run(&other, 11),
        shock: other,
    }];
    problem.observed.values[30] = f64::NAN;
    problem.simulation.precision = Precision::Double;
    problem.loss = loss;
    problem.scale = scale;
    problem.weights = (0..network.groups().len())
        .map(|g| 0.5 + g as f64)
        .collect();
    problem.priors = Priors {
        target_inventory: Some(Prior::Gamma {
            shift: 1.0,
            shape: 2.0,
            scale: 0.7,
        }),
        adjustment_time: Some(Prior::Uniform {
            low: 2.0,
            high: 9.0,
        }),
        severity: Some(Prior::Beta {
            alpha: 3.0,
            beta: 3.0,
        }),
        recovery_rate: Some(Prior::TruncatedNormal {
            mean: 0.15,
            sd: 0.1,
            low: 0.01,
            high: 0.6,
        }),
        per: Levels {
            target_inventory: Per::FirmInSector(0.5),
            adjustment_time: Per::Group,
            severity: Per::Region,
            recovery_rate: Per::Event,
            ..Levels::default()
        },
        ..Priors::none()
    };
    problem
}

#[test]
fn gradients_of_every_loss_and_level_are_finite_differences() {
    let scales = [Scale::Levels, Scale::Indices { first: 1, last: 2 }];
    for loss in [
        Loss::RelativeSquare,
        Loss::Square,
        Loss::Gaussian,
        Loss::StudentT { freedom: 4.0 },
    ] {
        for scale in scales {
            let mut problem = rich(loss, scale);
            let mut all: Vec<f64> = problem
                .observed
                .values
                .chunks(problem.observed.groups())
                .map(|r| 0.9 * r.iter().sum::<f64>())
                .collect();
            all[1] = 90.0;
            all[7] = f64::NAN;
            let one = problem.network.regions()[0].clone();
            let total = |regions: &[&str], values| {
                Total::new(&problem.network, "all", regions, &[], values).expect("a total")
            };
            problem.totals = vec![total(&[], all.clone()), total(&[&one], all)];
            let objective = Objective::new(&problem).expect("a problem");
            let groups = problem.network.groups().len();
            // 2 sectors and 30 firms, groups, three events in three regions (those that are hit), events.
            assert!(objective.dimension() > 32 + groups);
            let n = objective.dimension();
            let u: Vec<f64> = (0..2 * n)
                .map(|k| ((7 * k) % 13) as f64 / 8.0 - 0.75)
                .collect();
            let found = objective.gradient(&u).expect("a gradient");
            assert_eq!(found.loss, objective.loss(&u).expect("losses"));
            let mut checked = 0;
            for k in (0..2 * n).step_by(3) {
                let at = |h: f64| {
                    let mut u = u.clone();
                    u[k] += h;
                    objective.loss(&u).expect("losses")[k / n]
                };
                let (one, two) = ((at(1e-5) - at(-1e-5)) / 2e-5, (at(1e-6) - at(-1e-6)) / 2e-6);
                // Off a kink both differences are the derivative.
                let size = found.gradient.iter().map(|g| g.abs()).fold(0.0, f64::max);
                if (one - two).abs() < 1e-5 * size {
                    checked += 1;
                    let g = found.gradient[k];
                    assert!(
                        (one - g).abs() < 1e-4 * size,
                        "{loss:?} {scale:?} {k}: {one} {g}"
                    );
                }
            }
            assert!(checked > n / 3, "{checked} of {n}");
        }
    }
}

#[test]
fn everything_that_varies_has_its_entries_and_labels() {
    let problem = rich(Loss::RelativeSquare, Scale::Levels);
    let options = Svi {
        steps: 20,
        particles: 2,
        draws: 30,
        ..Svi::default()
    };
    let posterior = calibrate(&problem, &options, &Run::default(), &mut ()).expect("a posterior");
    let entries: Vec<usize> = posterior.parameters.iter().map(Learnt::len).collect();
    let groups = problem.network.groups().len();
    assert_eq!(entries[..2], [30, groups]);
    assert_eq!(entries[3], 3);
    let severity = posterior.learnt(Parameter::Severity).expect("it varied");
    assert!(
        severity.labels[0].starts_with("event 0 · R"),
        "{:?}",
        severity.labels
    );
    assert_eq!(posterior.further.len(), 1);
    assert_eq!(
        posterior.further[0].predictive.samples.len(),
        30 * 11 * groups
    );
    // Draws lie where the priors do.
    assert!(severity.samples.iter().all(|v| (0.0..=1.0).contains(v)));
    let time = posterior
        .learnt(Parameter::AdjustmentTime)
        .expect("it varied");
    assert!(time.samples.iter().all(|v| (2.0..=9.0).contains(v)));
    // A draw's behaviour is that of its groups, and simulating it gives its panel.
    let params = posterior.params(&problem, 4).expect("a draw");
    let group = problem.network.group()[11] as usize;
    assert_eq!(params.adjustment_time[11], time.samples[4 * groups + group]);
    let world = posterior
        .what_if(&problem, &WhatIf::default())
        .expect("a world");
    assert_eq!(world.prediction.draws, 30);
    for (a, b) in world
        .prediction
        .samples
        .iter()
        .zip(&posterior.predictive.samples)
    {
        assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{a} {b}");
    }
}

#[test]
fn particles_together_are_particles_one_by_one() {
    let problem = rich(Loss::Gaussian, Scale::Levels);
    let objective = Objective::new(&problem).expect("a problem");
    let n = objective.dimension();
    let u: Vec<f64> = (0..5 * n)
        .map(|k| ((5 * k) % 17) as f64 / 9.0 - 0.9)
        .collect();
    let all = objective.gradient(&u).expect("a gradient");
    for p in 0..5 {
        let one = objective.gradient(&u[p * n..][..n]).expect("a gradient");
        assert!((one.loss[0] - all.loss[p]).abs() < 1e-9 * one.loss[0].abs());
        for (a, b) in one.gradient.iter().zip(&all.gradient[p * n..]) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
}

#[test]
fn firms_of_a_sector_are_alike_as_far_as_the_prior_says() {
    // Without data, draws of the fit are those of the prior.
    let mut problem = rich(Loss::RelativeSquare, Scale::Levels);
    problem.noise = 1e6;
    problem.priors.per.target_inventory = Per::FirmInSector(0.7);
    let options = Abc {
        draws: 3000,
        keep: 3000,
        ..Abc::default()
    };
    let posterior = calibrate(&problem, &options, &Run::default(), &mut ()).expect("a posterior");
    let learnt = posterior
        .learnt(Parameter::TargetInventory)
        .expect("it varied");
    let column = |k: usize| -> Vec<f64> {
        let all = learnt.samples.iter().skip(k).step_by(learnt.len());
        all.map(|v| learnt.prior.coordinate(*v)).collect()
    };
    let sector = |i: usize| problem.network.groups()[problem.network.group()[i] as usize].1;
    let other = (1..30)
        .find(|i| sector(*i) != sector(0))
        .expect("two sectors");
    let same = (1..30)
        .find(|i| sector(*i) == sector(0))
        .expect("many firms");
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / 3000.0;
    let (a, b, c) = (column(0), column(same), column(other));
    assert!((product(&a, &a) - 1.0).abs() < 0.1);
    assert!((product(&a, &b) - 0.7).abs() < 0.1, "{}", product(&a, &b));
    assert!(product(&a, &c).abs() < 0.1);
}

#[test]
fn a_fit_ends_early_clips_and_weighs_as_told() {
    let problem = correlated();
    let fit = |options: Svi| {
        calibrate(&problem, &options, &Run::default(), &mut ()).expect("a posterior")
    };
    let early = fit(Svi {
        steps: 5000,
        particles: 4,
        learning_rate: 0.05,
        early_stop: Some(EarlyStop {
            patience: 100,
            tolerance: 1e-3,
            landing: 0.0,
        }),
        ..Svi::default()
    });
    assert!(early.history.len() < 3000, "{}", early.history.len());
    assert!(!early.stopped, "it ended by itself");
    // Weight on the prior keeps the guide there; no less spread than with less weight.
    let spread = |kl_weight| {
        let posterior = fit(Svi {
            steps: 800,
            kl_weight,
            learning_rate: 0.05,
            ..Svi::default()
        });
        posterior.parameters[0].scale[0]
    };
    assert!(spread(100.0) > 2.0 * spread(1.0));
    // A tighter divergence gives narrower guides than KL's wider alternative.
    let renyi = fit(Svi {
        steps: 800,
        learning_rate: 0.05,
        divergence: Divergence::Renyi(0.3),
        ..Svi::default()
    });
    assert!(renyi.parameters[0].scale[0].is_finite());
    let clipped = fit(Svi {
        steps: 3,
        clip: Some(1e-3),
        ..Svi::default()
    });
    assert_eq!(clipped.history.len(), 3);
    let said = |options: Svi| {
        calibrate(&problem, &options, &Run::default(), &mut ())
            .expect_err("refused")
            .to_string()
    };
    assert!(
        said(Svi {
            estimator: Estimator::Path,
            divergence: Divergence::Renyi(0.5),
            ..Svi::default()
        })
        .contains("Estimator::Path with Renyi")
    );
    assert!(
        said(Svi {
            divergence: Divergence::Renyi(1.5),
            ..Svi::default()
        })
        .contains("alpha between 0 and 1")
    );
}

#[test]
fn what_cannot_vary_so_is_refused() {
    let good = rich(Loss::RelativeSquare, Scale::Levels);
    let said = |change: &dyn Fn(&mut Problem)| {
        let mut problem = good.clone();
        change(&mut problem);
        problem.check().expect_err("refused").to_string()
    };
    assert!(said(&|p| p.priors.per.target_inventory = Per::Event).contains("Per::All"));
    assert!(said(&|p| p.priors.per.severity = Per::FirmInRegion(1.0)).contains("share between"));
    assert!(
        said(&|p| p.priors.severity = Some(Prior::Normal { mean: 0.5, sd: 0.3 }))
            .contains("a severity lies between 0 and 1")
    );
    assert!(
        said(&|p| p.priors.adjustment_time = Some(Prior::Uniform {
            low: -1.0,
            high: 3.0
        }))
        .contains("above 0")
    );
    assert!(said(&|p| p.weights = vec![1.0]).contains("1 weights for"));
    assert!(said(&|p| p.weights[0] = -1.0).contains("a weight is -1"));
    assert!(said(&|p| p.further[0].observed.values.truncate(7)).starts_with("problem.further[0]"));
    assert!(said(&|p| p.further[0].shock.events[0].start = 0).contains("problem.further[0].shock"));
    assert!(
        said(&|p| p.scale = Scale::Indices { first: 3, last: 40 }).contains("base periods 3 to 40")
    );
    assert!(
        said(&|p| {
            p.scale = Scale::Indices { first: 1, last: 1 };
            p.observed.values[0] = f64::NAN;
        })
        .contains("no positive mean over the base periods")
    );
    assert!(said(&|p| p.loss = Loss::StudentT { freedom: 0.0 }).contains("0 degrees of freedom"));
}

#[test]
fn policies_and_losses_add_up() {
    let (network, shock, _) = economy();
    let truth = Priors::default().draw(&network, 3);
    let simulation = Simulation {
        periods: 40,
        ..Simulation::default()
    };
    let observed = simulate(&network, &truth, &shock, &simulation)
        .expect("a run")
        .observe();
    let problem = Problem::new(&network, &shock, &observed);
    let posterior = calibrate(
        &problem,
        &Svi {
            steps: 60,
            draws: 20,
            ..Svi::default()
        },
        &Run::default(),
        &mut (),
    )
    .expect("a posterior");
    let world = |policies| WhatIf {
        policies,
        ..WhatIf::default()
    };
    let as_is = posterior
        .what_if(&problem, &world(Vec::new()))
        .expect("a world");
    let all = Policy {
        firms: (0..30).collect(),
        more_inventory: 3.0,
        ..Policy::default()
    };
    let stocks = posterior
        .what_if(&problem, &world(vec![all.clone()]))
        .expect("a world");
    // Losses are those of the panels, and stocks do not make them larger.
    let steady: f64 = network.output().iter().sum::<f64>() * 40.0;
    let cells = 40 * network.groups().len();
    for k in 0..20 {
        let made: f64 = as_is.prediction.samples[k * cells..][..cells].iter().sum();
        assert!((as_is.lost[k] - (1.0 - made / steady)).abs() < 1e-12);
        assert!((as_is.lost[k] - as_is.direct[k] - as_is.indirect()[k]).abs() < 1e-15);
    }
    let (mean, low, high) = Outcome::band(&stocks.avoided(&as_is));
    assert!(
        mean > 0.0 && low <= mean && mean <= high,
        "{low} {mean} {high}"
    );
    // Without a shock nothing is lost and nothing has to recover.
    let calm = WhatIf {
        shock: Some(Shock::none()),
        periods: 10,
        policies: vec![all],
    };
    let calm = posterior.what_if(&problem, &calm).expect("a world");
    assert!(calm.lost.iter().chain(&calm.direct).all(|v| v.abs() < 1e-6));
    assert!(calm.recovery.iter().all(|v| *v == 0.0));
    // A shock that never fades is not recovered from.
    let lasting = WhatIf {
        shock: Some(Shock::firms(&(0..30).collect::<Vec<_>>(), 3, 0.9, 0.0)),
        ..WhatIf::default()
    };
    let lasting = posterior.what_if(&problem, &lasting).expect("a world");
    assert!(lasting.recovery.iter().all(|v| v.is_infinite()));
    // 38 of 40 periods at 0.1 x 1.2 of the steady output at most.
    assert!(
        lasting
            .direct
            .iter()
            .all(|v| (v - 0.88 * 38.0 / 40.0).abs() < 1e-9)
    );
    let wrong = Policy {
        firms: vec![99],
        ..Policy::default()
    };
    let error = posterior
        .what_if(&problem, &world(vec![wrong]))
        .expect_err("refused");
    assert!(
        error
            .to_string()
            .contains("firm 99, but there are 30 firms")
    );
}

#[test]
fn output_sensitivities_are_finite_differences() {
    let (network, shock, _) = economy();
    let params = Params::uniform(&network, 1.3, 4.0);
    let simulation = Simulation {
        periods: 20,
        precision: Precision::Double,
        ..Simulation::default()
    };
    let region = network.regions()[0].clone();
    for region in [None, Some(region.as_str())] {
        let found = output_sensitivity(&network, &params, &shock, &simulation, region);
        let found = found.expect("a gradient");
        if region.is_none() {
            let run = simulate(&network, &params, &shock, &simulation).expect("a run");
            assert!((run.loss_share() - found.loss).abs() < 1e-12);
        }
        let (firm, slope) = found.strongest(1)[0];
        let at = |h: f64| {
            let mut moved = params.clone();
            moved.target_inventory[firm] += h;
            output_sensitivity(&network, &moved, &shock, &simulation, region)
                .expect("a gradient")
                .loss
        };
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!(
            (difference - slope).abs() < 1e-5 * slope.abs(),
            "{difference} {slope}"
        );
    }
    assert!(output_sensitivity(&network, &params, &shock, &simulation, Some("R9")).is_err());
}

#[test]
fn a_contest_has_all_methods_and_goes_to_a_file_and_back() {
    let (network, shock, other) = economy();
    let truth = Priors::default().draw(&network, 3);
    let simulation = Simulation::default();
    let panel = |shock: &Shock| {
        simulate(&network, &truth, shock, &simulation)
            .expect("a run")
            .observe()
    };
    let problem = Problem::new(&network, &shock, &panel(&shock));
    let fresh = [Scenario {
        observed: panel(&other),
        shock: other,
    }];
    let methods = [
        Method::Svi(Svi {
            steps: 60,
            ..Svi::default()
        }),
        Method::Abc(Abc {
            draws: 600,
            keep: 30,
            ..Abc::default()
        }),
        Method::Smc(Smc {
            population: 40,
            evaluations: 600,
            ..Smc::default()
        }),
        Method::RandomWalk(RandomWalk {
            evaluations: 600,
            chains: 8,
            ..RandomWalk::default()
        }),
    ];
    let found = contest(&problem, &fresh, &methods, 5, &mut ()).expect("standings");
    let loss = |method: &str| found.last(method, 5).expect("a standing");
    assert_eq!(loss("svi").evaluations, 60);
    assert_eq!(loss("walk").evaluations, 600);
    for method in ["abc", "smc", "walk", "prior"] {
        assert!(loss("svi").in_sample < loss(method).in_sample, "{method}");
        assert!(loss(method).out_of_sample.is_finite());
    }
    // The fit that is looked at is the one that is not.
    let alone = calibrate(
        &problem,
        &Svi {
            steps: 60,
            draws: 64,
            ..Svi::default()
        },
        &Run {
            seed: 5,
            ..Run::default()
        },
        &mut (),
    )
    .expect("a posterior");
    let same = alone.predictive.loss(&problem.observed);
    assert!((loss("svi").in_sample / same - 1.0).abs() < 1e-6);
    let file = std::env::temp_dir().join(format!("bullwhip-contest-{}.json", std::process::id()));
    found.write(&file).expect("a file");
    let again = Contest::read(&file).expect("the same");
    assert_eq!(again.standings.len(), found.standings.len());
    for (a, b) in again.standings.iter().zip(&found.standings) {
        assert_eq!(
            (&a.method, a.seed, a.evaluations),
            (&b.method, b.seed, b.evaluations)
        );
        assert!((a.in_sample / b.in_sample - 1.0).abs() < 1e-12);
    }
    // Without fresh scenarios there is no loss on them, in the file neither.
    let alone = contest(&problem, &[], &methods[..1], 5, &mut ()).expect("standings");
    alone.write(&file).expect("a file");
    let again = Contest::read(&file).expect("the same");
    assert!(again.standings.iter().all(|s| s.out_of_sample.is_nan()));
    std::fs::write(&file, "{\"method\": 1}").expect("a file");
    assert!(
        Contest::read(&file)
            .expect_err("refused")
            .to_string()
            .contains("line 1")
    );
    std::fs::remove_file(&file).expect("removed");
}
