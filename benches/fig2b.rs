//! Fig. 2B of the paper: variational inference against ABC at equal model evaluations.
//!
//! `cargo bench --bench fig2b` generates three economies of 1,000 firms with ten shocks, fits the
//! observed panel, and compares the fits on it and on ten fresh scenarios. `cargo bench --bench fig2b
//! -- DIR...` takes given problems instead: each a folder with the cases `in` and `out_0`, `out_1` and
//! so on; `-- --draws 3000` and `-- --seeds 1` make it smaller, and `-- --weak` takes a set-up in which
//! the panel says little (its lines go to `target/fig2b_weak.json`). A table goes to the screen, and one
//! line a point to `target/fig2b.json`: `method`, `seed`, `evaluations`, `in_sample`, `out_of_sample`
//! (mean relative square losses), `seconds`. Methods ending in "mean" are the loss at the mean of the
//! draws or of the guide, in the priors' standard-normal coordinates; the others the mean of the loss.
//! `prior mean` and `abc mean` are the controls without which the comparison flatters.

#[path = "../tests/common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;

use bullwhip::Result;
use bullwhip::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use serde_json::json;
use std::path::{Path, PathBuf};

const FIRMS: usize = 1000;
const PERIODS: usize = 60;
/// Fresh scenarios with the same true parameters.
const FRESH: usize = 10;
/// Evaluations after which variational inference is looked at.
const STEPS: [usize; 12] = [1, 2, 3, 5, 10, 20, 30, 50, 100, 150, 200, 300];
/// The same for ABC.
const DRAWS: [usize; 6] = [100, 300, 1000, 3000, 10_000, 30_000];
/// Draws of a guide that its expected losses are the means of.
const SAMPLES: usize = 64;

fn main() {
    if let Err(e) = run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        eprintln!("fig2b: {e}");
        std::process::exit(1);
    }
}

/// What is fitted, and what the fit is judged by.
struct Experiment {
    name: String,
    observed: Problem,
    fresh: Vec<Problem>,
}

/// Priors n = 1 + LogNormal(0, 0.7), tau = 1 + 5 LogNormal(0, 0.5), rule Capacity, slack 0.2 and noise
/// 0.03, which are the defaults. The weakly identified set-up has the rule Paper and inventories
/// about 4: most firms never run short, and the panel says little about them.
fn problem(network: &Network, shock: &Shock, panel: &Observation, weak: bool) -> Problem {
    let mut problem = Problem::new(network, shock, panel);
    if weak {
        problem.simulation.rule = Rule::Paper;
        problem.priors.target_inventory = Some(Prior::LogNormal {
            shift: 1.0,
            median: 3.0,
            sigma: 0.7,
        });
    }
    problem
}

/// Ten events, each of which hits a random fifth of the firms.
fn scenario(network: &Network, seed: u64) -> Shock {
    Shock::random(network, 10, 0.2, 42, seed)
}

fn generated(seed: u64, weak: bool) -> Result<Experiment> {
    let network = Network::synthetic(&Synthetic {
        firms: FIRMS,
        regions: 10,
        sectors: 10,
        seed,
        ..Synthetic::default()
    })?;
    let one = |k: usize| -> Result<Problem> {
        let shock = scenario(&network, 1000 * (seed + 1) + k as u64);
        let empty =
            Observation::from_values(&network, vec![0.0; PERIODS * network.groups().len()])?;
        let mut problem = problem(&network, &shock, &empty, weak);
        let truth = problem.priors.draw(&network, seed);
        problem.observed = simulate(&network, &truth, &shock, &problem.simulation)?.observe();
        Ok(problem)
    };
    Ok(Experiment {
        name: seed.to_string(),
        observed: one(0)?,
        fresh: (1..=FRESH).map(one).collect::<Result<_>>()?,
    })
}

fn given(dir: &Path) -> Result<Experiment> {
    let inside = dir.join("in");
    let (network, _, shock) = case::inputs(&inside)?;
    let panel = |dir: &Path| case::panel(&dir.join("capacity_target.csv"), &network);
    let mut fresh = Vec::new();
    while let dir = dir.join(format!("out_{}", fresh.len()))
        && dir.is_dir()
    {
        let shock = case::shock(&dir.join("shocks.csv"))?;
        fresh.push(problem(&network, &shock, &panel(&dir)?, false));
    }
    if fresh.is_empty() {
        return Err(Error::new(
            dir.display().to_string(),
            "it has no case out_0",
            "give a folder with the cases in, out_0, out_1 and so on",
        ));
    }
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    Ok(Experiment {
        name: name.trim_start_matches("seed_").to_string(),
        observed: problem(&network, &shock, &panel(&inside)?, false),
        fresh,
    })
}

/// Losses in and out of sample of points in the priors' coordinates.
struct Judge {
    observed: Objective,
    fresh: Vec<Objective>,
}

impl Judge {
    fn new(experiment: &Experiment) -> Result<Self> {
        Ok(Self {
            observed: Objective::new(&experiment.observed)?,
            fresh: experiment
                .fresh
                .iter()
                .map(Objective::new)
                .collect::<Result<_>>()?,
        })
    }

    /// Mean losses over the rows of `u` [draw, coordinate]: on the observed scenario, on fresh ones.
    fn losses(&self, u: &[f64]) -> Result<(f64, f64)> {
        let mean = |o: &Objective| -> Result<f64> {
            let loss = o.loss(u)?;
            Ok(loss.iter().sum::<f64>() / loss.len() as f64)
        };
        let fresh: Vec<f64> = self.fresh.iter().map(mean).collect::<Result<_>>()?;
        let out = fresh.iter().sum::<f64>() / fresh.len() as f64;
        Ok((mean(&self.observed)?, out))
    }
}

/// Mean and standard deviation of every coordinate.
fn moments(posterior: &Posterior) -> (Vec<f64>, Vec<f64>) {
    let each = || posterior.parameters.iter();
    (
        each().flat_map(|l| l.location.clone()).collect(),
        each().flat_map(|l| l.scale.clone()).collect(),
    )
}

/// The draws of a posterior in the priors' coordinates, [draw, coordinate].
fn draws(posterior: &Posterior) -> Vec<f64> {
    (0..posterior.draws)
        .flat_map(|k| {
            posterior.parameters.iter().flat_map(move |l| {
                let row = &l.samples[k * l.len()..][..l.len()];
                row.iter().map(|x| l.prior.coordinate(*x))
            })
        })
        .collect()
}

struct Book {
    seed: String,
    lines: Vec<String>,
}

impl Book {
    fn note(&mut self, method: &str, evaluations: usize, loss: (f64, f64), seconds: f64) {
        println!(
            "{:>6}  {method:10} {evaluations:11} {:10.2e} {:13.2e} {seconds:9.2}",
            self.seed, loss.0, loss.1
        );
        let line = json!({
            "method": method, "seed": self.seed.parse::<u64>().unwrap_or_default(),
            "evaluations": evaluations, "in_sample": loss.0, "out_of_sample": loss.1,
            "seconds": seconds,
        });
        self.lines.push(line.to_string());
    }
}

/// Stops a calibration after some steps.
struct Pause {
    steps: usize,
    done: usize,
}

impl Progress for Pause {
    fn update(&mut self, done: usize, _: &str) {
        self.done = done;
    }
    fn stop(&self) -> bool {
        self.done >= self.steps
    }
}

fn compare(experiment: &Experiment, most: usize) -> Result<Vec<String>> {
    let judge = Judge::new(experiment)?;
    let mut book = Book {
        seed: experiment.name.clone(),
        lines: Vec::new(),
    };
    let n = judge.observed.dimension();
    let normals: Vec<f64> = StandardNormal
        .sample_iter(StdRng::seed_from_u64(0))
        .take(SAMPLES * n)
        .collect();
    book.note("prior", 0, judge.losses(&normals)?, 0.0);
    book.note("prior mean", 0, judge.losses(&vec![0.0; n])?, 0.0);
    let mut found: Option<Posterior> = None;
    let mut seconds = 0.0;
    for steps in STEPS {
        let options = Svi {
            draws: 1,
            ..Svi::default()
        };
        // One calibration, stopped to be looked at: the numbers are those of one without stops.
        let mut pause = Pause { steps, done: 0 };
        let posterior = match &found {
            None => calibrate(&experiment.observed, &options, &mut pause)?,
            Some(p) => p.resume(&experiment.observed, &options, &mut pause)?,
        };
        seconds += posterior.seconds;
        let (mean, scale) = moments(&posterior);
        let u: Vec<f64> = normals
            .iter()
            .enumerate()
            .map(|(k, e)| mean[k % n] + scale[k % n] * e)
            .collect();
        let evaluations = posterior.evaluations;
        book.note("svi", evaluations, judge.losses(&u)?, seconds);
        book.note("svi mean", evaluations, judge.losses(&mean)?, seconds);
        found = Some(posterior);
    }
    for draws_made in DRAWS.into_iter().filter(|d| *d <= most) {
        let options = Abc {
            draws: draws_made,
            keep: 100,
            ..Abc::default()
        };
        let posterior = calibrate_abc(&experiment.observed, &options, &mut ())?;
        let (mean, _) = moments(&posterior);
        let seconds = posterior.seconds;
        book.note(
            "abc",
            draws_made,
            judge.losses(&draws(&posterior))?,
            seconds,
        );
        book.note("abc mean", draws_made, judge.losses(&mean)?, seconds);
    }
    Ok(book.lines)
}

fn run(arguments: &[String]) -> Result<()> {
    let (mut dirs, mut most, mut seeds, mut weak) = (Vec::new(), 30_000, 3, false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            rest.next().and_then(|n| n.parse().ok()).ok_or_else(|| {
                Error::new(
                    "fig2b",
                    format!("{argument} has no number"),
                    "give one after it",
                )
            })
        };
        match argument.as_str() {
            "--bench" => {}
            "--weak" => weak = true,
            "--draws" => most = number()?,
            "--seeds" => seeds = number()?,
            dir => dirs.push(PathBuf::from(dir)),
        }
    }
    println!("  seed  method     evaluations  in sample  out of sample   seconds");
    let mut lines = Vec::new();
    for dir in &dirs {
        lines.extend(compare(&given(dir)?, most)?);
    }
    if dirs.is_empty() {
        for seed in 0..seeds {
            lines.extend(compare(&generated(seed as u64, weak)?, most)?);
        }
    }
    let name = if weak { "fig2b_weak" } else { "fig2b" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/{name}.json"));
    std::fs::write(&path, lines.join("\n") + "\n")
        .map_err(|e| Error::new(path.display().to_string(), e.to_string(), ""))?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
