//! Fig. 2B of the paper: variational inference against methods without gradients at equal model
//! evaluations and equal time.
//!
//! `cargo bench --bench fig2b` generates three economies of 1,000 firms with ten shocks, fits the
//! observed panel, and compares the fits on it and on ten fresh scenarios. `cargo bench --bench fig2b
//! -- DIR...` takes given problems instead: each a folder with the cases `in` and `out_0`, `out_1` and
//! so on; `-- --draws 3000` and `-- --seeds 1` make it smaller, `-- --firms 100` the economies, and
//! `-- --weak` takes a set-up in which the panel says little (its lines go to `target/fig2b_weak.json`). A
//! table goes to the screen, and one line a point to `target/fig2b.json`: `method`, `seed`, `evaluations`,
//! `in_sample`, `out_of_sample` (mean relative square losses), `seconds`. Methods ending in "mean" are
//! the loss at the mean of the draws or of the guide, in the priors' standard-normal coordinates; the
//! others the mean of the loss. `prior mean` and `abc mean` are the controls without which the comparison
//! flatters.

#[path = "../tests/common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;

use bullwhip::Result;
use bullwhip::infer::Method;
use bullwhip::prelude::*;
use std::path::{Path, PathBuf};

const PERIODS: usize = 60;
/// Fresh scenarios with the same true parameters.
const FRESH: usize = 10;
fn main() {
    if let Err(e) = run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        eprintln!("fig2b: {e}");
        std::process::exit(1);
    }
}

/// What is fitted, and what the fit is judged by.
struct Experiment {
    seed: u64,
    observed: Problem,
    fresh: Vec<Scenario>,
}

/// Priors n = 1 + LogNormal(0, 0.7), tau = 1 + 5 LogNormal(0, 0.5), rule Capacity, slack 0.2 and noise
/// 0.03, which are the defaults. The weakly identified set-up has the rule Paper and inventories
/// about 4: most firms never run short, and the panel says little about them.
fn problem(network: &Network, shock: &Shock, panel: &Observation, weak: bool) -> Problem {
    let mut problem = Problem::new(network, shock, panel);
    if weak {
        problem.simulation.model.production = Production::Paper;
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

fn generated(seed: u64, firms: usize, weak: bool) -> Result<Experiment> {
    let network = Network::synthetic(&Synthetic {
        firms,
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
    let fresh = |k| {
        let Problem {
            shock, observed, ..
        } = one(k)?;
        Ok(Scenario { shock, observed })
    };
    Ok(Experiment {
        seed,
        observed: one(0)?,
        fresh: (1..=FRESH).map(fresh).collect::<Result<_>>()?,
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
        let observed = panel(&dir)?;
        fresh.push(Scenario { shock, observed });
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
        seed: name.trim_start_matches("seed_").parse().unwrap_or_default(),
        observed: problem(&network, &shock, &panel(&inside)?, false),
        fresh,
    })
}

/// All methods on one problem: as many evaluations as `most` for those without gradients.
fn compare(experiment: &Experiment, most: usize) -> Result<Contest> {
    let methods = [
        Method::Svi(Svi::default()),
        Method::Abc(Abc {
            draws: most,
            ..Abc::default()
        }),
        Method::Smc(Smc {
            evaluations: most,
            ..Smc::default()
        }),
        Method::RandomWalk(RandomWalk {
            evaluations: most,
            ..RandomWalk::default()
        }),
    ];
    let Experiment {
        seed,
        observed,
        fresh,
    } = experiment;
    let mut found = contest(observed, fresh, &methods, 0, &mut ())?;
    for s in &mut found.standings {
        // What differs is the problem.
        s.seed = *seed;
        println!(
            "{:>6}  {:10} {:11} {:10.2e} {:13.2e} {:9.2}",
            s.seed, s.method, s.evaluations, s.in_sample, s.out_of_sample, s.seconds
        );
    }
    Ok(found)
}

fn run(arguments: &[String]) -> Result<()> {
    let (mut dirs, mut most, mut seeds, mut firms) = (Vec::new(), 30_000, 3, 1000);
    let mut weak = false;
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
            "--firms" => firms = number()?,
            dir => dirs.push(PathBuf::from(dir)),
        }
    }
    println!("  seed  method     evaluations  in sample  out of sample   seconds");
    let mut all = Contest::default();
    for dir in &dirs {
        all.standings.extend(compare(&given(dir)?, most)?.standings);
    }
    if dirs.is_empty() {
        for seed in 0..seeds {
            let experiment = generated(seed as u64, firms, weak)?;
            all.standings.extend(compare(&experiment, most)?.standings);
        }
    }
    let name = if weak { "fig2b_weak" } else { "fig2b" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/{name}.json"));
    all.write(&path)?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
