//! Noise that is learnt, bands of observations, and forecasts at earlier dates against what came.

use bullwhip::prelude::*;
use std::path::PathBuf;

const NOISE: f64 = 0.02;

/// An economy whose panel has a noise of 2 %, and what it would be without.
fn problem() -> (Problem, Observation) {
    let network = Network::synthetic(&Synthetic {
        firms: 40,
        mean_suppliers: 3.0,
        regions: 2,
        sectors: 2,
        seed: 4,
        ..Synthetic::default()
    })
    .expect("an economy");
    let truth = Priors::default().draw(&network, 3);
    let shock = Shock::random(&network, 4, 0.5, 6, 1);
    let simulation = Simulation {
        periods: 30,
        ..Simulation::default()
    };
    let real = simulate(&network, &truth, &shock, &simulation).expect("a run");
    let real = real.observe();
    let mut seen = real.clone();
    let groups = seen.groups();
    // Normal numbers by a rule.
    let uniform = |a: usize, b: usize| ((a % b) as f64 + 0.5) / b as f64;
    for (c, v) in seen.values.iter_mut().enumerate() {
        let (length, angle) = (uniform(c * 7919 + 13, 1009), uniform(c * 104_729 + 7, 997));
        let e = (-2.0 * length.ln()).sqrt() * (2.0 * std::f64::consts::PI * angle).cos();
        *v += NOISE * e * real.base[c % groups];
    }
    let mut problem = Problem::new(&network, &shock, &seen);
    problem.loss = Loss::Gaussian;
    (problem, real)
}

fn fit(problem: &Problem) -> Posterior {
    calibrate(problem, Svi::default(), &Run::default(), &mut ()).expect("a posterior")
}

#[test]
fn the_noise_is_learnt_for_all_or_each_series() {
    let (mut problem, real) = problem();
    // What the noise is in this panel.
    let spread = |keep: &dyn Fn(usize) -> bool| {
        let cells = real.values.iter().zip(&problem.observed.values).enumerate();
        let squares = cells.filter(|(c, _)| keep(c % 4));
        let squares = squares.map(|(c, (y, seen))| ((seen - y) / real.base[c % 4]).powi(2));
        let squares: Vec<f64> = squares.collect();
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    };
    let each: Vec<f64> = (0..4).map(|g| spread(&|k| k == g)).collect();
    problem.noise = 0.06;
    let blind = fit(&problem);
    assert!(blind.learnt_noise.is_none());
    assert_eq!(blind.noise_of(0, 0), 0.06);
    let note = blind.check().note().expect("too large");
    assert!(
        note.contains("sigma is too large, about 0.02") || note.contains("about 0.019"),
        "{note}"
    );
    for (per, values) in [
        (PerSeries::All, 1),
        (PerSeries::Sector, 2),
        (PerSeries::Group, 4),
    ] {
        problem.noise_prior = Some(NoisePrior { per, spread: 1.0 });
        let svi = Svi {
            guide: Guide::FullRank,
            ..Svi::default()
        };
        let fit = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a posterior");
        let learnt = fit.learnt_noise.as_ref().expect("learnt");
        assert_eq!((learnt.labels.len(), learnt.of.len()), (values, 4));
        for (group, real) in each.iter().enumerate() {
            let found = learnt.mean[learnt.of[group]];
            assert!(
                (found / real - 1.0).abs() < 0.35,
                "{per:?}: {found} {each:?}"
            );
        }
        assert!(learnt.sd.iter().all(|sd| (1e-4..0.01).contains(sd)));
        assert!(fit.check().note().is_none(), "{:?}", fit.check().note());
        assert_eq!(fit.noise_of(1, 3), learnt.samples[values + learnt.of[3]]);
    }
    problem.loss = Loss::RelativeSquare;
    let refused = calibrate(&problem, Svi::default(), &Run::default(), &mut ());
    let said = refused.expect_err("a square has no noise").to_string();
    assert!(
        said.contains("set problem.loss to Loss::Gaussian"),
        "{said}"
    );
}

#[test]
fn the_gradient_in_the_noise_is_a_finite_difference() {
    let (mut problem, _) = problem();
    problem.simulation.precision = Precision::Double;
    for loss in [Loss::Gaussian, Loss::StudentT { freedom: 4.0 }] {
        problem.loss = loss;
        problem.noise_prior = Some(NoisePrior {
            per: PerSeries::Group,
            spread: 0.7,
        });
        let objective = Objective::new(&problem).expect("an objective");
        let n = objective.dimension();
        assert_eq!(n, 80 + 4);
        let u: Vec<f64> = (0..2 * n)
            .map(|k| 0.3 * ((k % 7) as f64 - 3.0) / 3.0)
            .collect();
        let found = objective.gradient(&u).expect("a gradient");
        for k in [80, 83, n + 81] {
            let at = |h: f64| {
                let mut u = u.clone();
                u[k] += h;
                objective.loss(&u).expect("a loss")[k / n]
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            let gradient = found.gradient[k];
            assert!(
                (difference - gradient).abs() < 1e-4 * difference.abs().max(0.1),
                "{loss:?} {k}: {difference} {gradient}"
            );
        }
    }
}

#[test]
fn a_profile_finds_the_noise_that_fits() {
    let (problem, _) = problem();
    let svi = Svi {
        steps: 300,
        particles: 4,
        ..Svi::default()
    };
    let tried = [0.01, 0.02, 0.05];
    let found = noise_profile(&problem, &svi, &tried, &Run::default(), &mut ()).expect("it");
    assert_eq!((found.best(), found.found.len()), (0.02, 3));
    let none = noise_profile(&problem, &svi, &[], &Run::default(), &mut ());
    assert!(none.is_err());
}

#[test]
fn bands_of_observations_hold_later_cells_and_those_of_the_mean_do_not() {
    let (mut problem, _) = problem();
    problem.noise = NOISE;
    let seen = problem.observed.clone();
    let from = 20 * seen.groups();
    problem.observed.values[from..].fill(f64::NAN);
    let fit = fit(&problem);
    let held = |made: &Prediction| {
        let (low, high) = (made.quantile(0.05), made.quantile(0.95));
        let inside =
            (from..seen.values.len()).filter(|c| (low[*c]..=high[*c]).contains(&seen.values[*c]));
        inside.count() as f64 / (seen.values.len() - from) as f64
    };
    let noisy = fit.observations(Discrepancy::None, 1);
    assert_eq!(noisy.draws, fit.draws);
    let again = fit.observations(Discrepancy::None, 1);
    assert!(noisy.samples == again.samples, "the same seed");
    let (mean, observations) = (held(&fit.predictive), held(&noisy));
    println!("bands of the mean hold {mean}, of observations {observations}");
    assert!((0.8..=1.0).contains(&observations) && mean < observations - 0.15);
    // A deviation that lasts goes on from the last observed cell.
    let mut off = fit.clone();
    for v in off.observed.values[..from].iter_mut() {
        *v *= 1.1;
    }
    let carried = off.observations(Discrepancy::Ar1, 1);
    let (next, model) = (carried.mean.values[from], fit.predictive.mean.values[from]);
    assert!(next > 1.05 * model && next < 1.12 * model, "{next} {model}");
    let text = fit.fan(Discrepancy::None, 0).svg().expect("a figure");
    assert!(text.contains("may be observed"));
}

fn file(name: &str) -> PathBuf {
    let name = format!("bullwhip-{name}-{}.jsonl", std::process::id());
    let file = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&file);
    file
}

#[test]
fn forecasts_are_scored_against_what_came_and_go_on_from_a_file() {
    let (mut problem, _) = problem();
    problem.noise = NOISE;
    let file = file("backtest");
    let options = Backtest {
        origins: 8..=20,
        every: 6,
        horizon: 5,
        method: Svi {
            steps: 200,
            particles: 2,
            ..Svi::default()
        }
        .into(),
        file: Some(file.clone()),
        ..Backtest::default()
    };
    let run = Run::default();
    struct Once(usize);
    impl Progress for Once {
        fn update(&mut self, done: usize, _: &str) {
            self.0 = done;
        }
        fn stop(&self) -> bool {
            self.0 >= 1
        }
    }
    let part = backtest(&problem, &options, &run, &mut Once(0)).expect("one origin");
    assert!(part.stopped && part.scores.iter().all(|s| s.origin == 8));
    let whole = backtest(&problem, &options, &run, &mut ()).expect("all origins");
    let fresh = Backtest {
        file: None,
        ..options.clone()
    };
    let fresh = backtest(&problem, &fresh, &run, &mut ()).expect("all origins");
    assert_eq!(whole, fresh, "it went on to the same");
    // Three origins, five periods, four series, five methods.
    assert_eq!(whole.scores.len(), 3 * 5 * 4 * 5);
    assert_eq!(whole.fans.len(), 3 * 4);
    let standings = whole.standings();
    println!("{standings:?}");
    let of = |name: &str| {
        let found = standings.iter().find(|s| s.method == name);
        found.expect("it was tested").clone()
    };
    let model = of("model");
    // The truth is of the model: it knows more than a walk, and its bands are right.
    assert!(model.crps < of("random walk").crps, "{standings:?}");
    assert!((0.7..=1.0).contains(&model.in_90), "{model:?}");
    assert!((model.rmse - model.rmse.abs()).abs() < 1e-12 && model.rmse < 6.0);
    let table = whole.frame().expect("a table");
    assert_eq!(table.height(), whole.scores.len());
    assert!(
        whole
            .figure()
            .svg()
            .expect("a figure")
            .contains("Forecasts against what came")
    );
    // A file of another problem is refused; a line that was cut off is made again.
    problem.noise = 0.03;
    let refused = backtest(&problem, &options, &run, &mut ());
    assert!(
        refused
            .expect_err("another")
            .to_string()
            .contains("of another problem")
    );
    problem.noise = NOISE;
    let text = std::fs::read_to_string(&file).expect("lines");
    std::fs::write(&file, &text[..text.len() - 100]).expect("cut");
    let mended = backtest(&problem, &options, &run, &mut ()).expect("all origins");
    assert_eq!(mended, whole);
    let again = backtest(&problem, &options, &run, &mut ()).expect("all origins");
    assert_eq!(again, whole);
    std::fs::remove_file(file).expect("removed");
    let beyond = Backtest {
        origins: 8..=30,
        ..options
    };
    let said = backtest(&problem, &beyond, &run, &mut ()).expect_err("nothing left");
    assert!(
        said.to_string().contains("30 periods are observed"),
        "{said}"
    );
}

#[test]
fn before_the_shock_nothing_is_known_of_it() {
    let (mut problem, _) = problem();
    problem.priors.severity = Some(Prior::LogitNormal {
        median: 0.4,
        sigma: 0.8,
    });
    problem.priors.per.severity = Per::Event;
    for (k, event) in problem.shock.events.iter_mut().enumerate() {
        event.start = 10 + k;
    }
    let options = Backtest {
        origins: 5..=12,
        every: 7,
        horizon: 3,
        method: Svi {
            steps: 60,
            ..Svi::default()
        }
        .into(),
        ..Backtest::default()
    };
    let test = backtest(&problem, &options, &Run::default(), &mut ()).expect("forecasts");
    let early = test.fans.iter().filter(|f| f.origin == 5);
    for fan in early {
        let flat = fan.q50.iter().all(|v| (v - 100.0).abs() < 2.0);
        assert!(flat, "{fan:?}");
    }
}

#[test]
fn models_are_ranked_by_evidence_cells_left_out_and_forecasts() {
    let (mut problem, _) = problem();
    problem.noise = NOISE;
    let right = fit(&problem);
    let mut other = problem.clone();
    other.simulation.slack = 1.0;
    let wrong = fit(&other);
    let ranking = rank(&[("slack of 1", &wrong), ("truth", &right)]).expect("a ranking");
    println!("{ranking:?}");
    let (best, second) = (&ranking.models[0], &ranking.models[1]);
    assert_eq!((best.name.as_str(), best.cells.0), ("truth", 120));
    assert!(best.loo > second.loo && best.loo_behind.0 == 0.0);
    assert!(second.loo_behind.0 > 2.0 * second.loo_behind.1);
    let log = |m: &Ranked| m.evidence.expect("a bound").log;
    assert!(log(best) > log(second));
    assert!(ranking.notes.iter().any(|n| n.contains("a guide's bound")));
    // What is left out lies a little lower than what was fitted.
    let fitted: f64 = right.check().below.iter().filter(|p| !p.is_nan()).count() as f64;
    assert_eq!(fitted, 120.0);
    let options = Backtest {
        origins: 8..=14,
        every: 6,
        horizon: 4,
        method: Svi {
            steps: 100,
            ..Svi::default()
        }
        .into(),
        baselines: false,
        ..Backtest::default()
    };
    let test = |p: &Problem| backtest(p, &options, &Run::default(), &mut ()).expect("forecasts");
    let ranking = ranking
        .with_forecasts("truth", &test(&problem))
        .expect("it is there");
    let ranking = ranking
        .with_forecasts("slack of 1", &test(&other))
        .expect("it is there");
    assert_eq!(ranking.models[0].name, "truth");
    assert!(ranking.models[0].forecasts < ranking.models[1].forecasts);
    other.observed.values[3] *= 1.01;
    let stranger = fit(&other);
    let refused = rank(&[("a", &right), ("b", &stranger)]).expect_err("another panel");
    assert!(
        refused
            .to_string()
            .starts_with("rank, b: it was calibrated to another panel")
    );
}

#[test]
fn a_posterior_is_saved_for_arviz() {
    let (mut problem, _) = problem();
    problem.observed.values[5] = f64::NAN;
    problem.priors.per.adjustment_time = Per::Sector;
    problem.noise_prior = Some(NoisePrior::default());
    let nuts = Nuts {
        chains: 3,
        tune: 60,
        draws: 20,
        keep: 30,
        ..Nuts::default()
    };
    let fit = calibrate(&problem, &nuts, &Run::default(), &mut ()).expect("draws");
    assert_eq!(fit.draws, 30);
    let folder = std::env::temp_dir().join(format!("bullwhip-{}.zarr", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    for _ in 0..2 {
        fit.save(&folder).expect("written, and again in its place");
    }
    let about = |name: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(folder.join(name)).expect(name);
        serde_json::from_str(&text).expect("JSON")
    };
    let numbers = |name: &str| -> Vec<f64> {
        let bytes = std::fs::read(folder.join(name)).expect(name);
        bytes
            .as_chunks()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b))
            .collect()
    };
    let inventory = about("posterior/target_inventory/.zarray");
    assert_eq!(inventory["shape"], serde_json::json!([3, 10, 40]));
    assert_eq!(inventory["dtype"], "<f8");
    let names = about("posterior/adjustment_time/.zattrs");
    assert_eq!(
        names["_ARRAY_DIMENSIONS"],
        serde_json::json!(["chain", "draw", "sector"])
    );
    let values = numbers("posterior/target_inventory/0.0.0");
    let learnt = fit.learnt(Parameter::TargetInventory).expect("it varied");
    // Chain 2, draw 4, firm 7.
    assert_eq!(
        values[(2 * 10 + 4) * 40 + 7],
        learnt.samples[(4 * 3 + 2) * 40 + 7]
    );
    assert_eq!(numbers("log_likelihood/production/0.0.0").len(), 30 * 119);
    assert!(
        numbers("log_likelihood/production/0.0.0")
            .iter()
            .all(|v| v.is_finite())
    );
    assert_eq!(
        numbers("posterior_predictive/production/0.0.0.0").len(),
        30 * 120
    );
    assert_eq!(numbers("posterior/noise/0.0.0").len(), 30);
    assert_eq!(numbers("sample_stats/energy/0.0").len(), 30);
    assert_eq!(numbers("prior/target_inventory/0.0.0").len(), 500 * 40);
    assert_eq!(about(".zgroup")["zarr_format"], 2);
    python_reads(&folder);
    std::fs::remove_dir_all(&folder).expect("removed");
    std::fs::create_dir(&folder).expect("a folder of somebody's");
    let refused = fit.save(&folder).expect_err("it is not ours").to_string();
    assert!(refused.contains("is no Zarr folder"), "{refused}");
    std::fs::remove_dir(&folder).expect("removed");
}

/// ArviZ reads it, where it is installed.
fn python_reads(folder: &std::path::Path) {
    let script = r#"
import sys
try:
    import arviz as az, xarray as xr, zarr
except ImportError:
    print("left out: ArviZ, xarray or zarr is not installed")
    sys.exit(0)
tree = xr.open_datatree(sys.argv[1], engine="zarr", consolidated=False)
data = az.from_dict({}) if False else az.InferenceData(**{k: v.to_dataset() for k, v in tree.children.items()})
print(az.summary(data, var_names=["adjustment_time", "noise"]))
print(az.loo(data))
assert data.posterior.target_inventory.shape == (3, 10, 40)
"#;
    let run = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(folder)
        .output();
    let Ok(run) = run else {
        println!("left out: there is no python3");
        return;
    };
    println!("{}", String::from_utf8_lossy(&run.stdout));
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
}
