//! Fits problems whose posteriors are known, over seeds, and prints how far the fits are from them.
//!
//! `cargo run --release --example gold -- [--seeds N] [--only fit,full,nuts,smc] [--tell 0.05] DIR...`

#[path = "../tests/common/gold.rs"]
#[allow(unreachable_pub, dead_code)]
mod gold;

use bullwhip::prelude::*;
use gold::Gold;
use std::path::Path;

/// What is asked for.
struct Asked {
    seeds: u64,
    tell: f64,
    draws: usize,
    longer: f64,
    only: Vec<String>,
    folders: Vec<String>,
}

fn asked() -> Asked {
    let mut asked = Asked {
        seeds: 10,
        tell: f64::INFINITY,
        draws: Nuts::default().draws,
        longer: 1.0,
        only: Vec::new(),
        folders: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => asked.seeds = words.next().and_then(|n| n.parse().ok()).unwrap_or(10),
            "--draws" => asked.draws = words.next().and_then(|n| n.parse().ok()).unwrap_or(1000),
            "--longer" => asked.longer = words.next().and_then(|n| n.parse().ok()).unwrap_or(2.0),
            "--tell" => asked.tell = words.next().and_then(|n| n.parse().ok()).unwrap_or(0.05),
            "--only" => {
                let list = words.next().unwrap_or_default();
                asked.only = list.split(',').map(String::from).collect();
            }
            _ => asked.folders.push(word),
        }
    }
    asked
}

/// The fits by guides.
fn guides() -> Vec<(&'static str, Svi)> {
    let with = |guide, estimator| Svi {
        guide,
        estimator,
        draws: 400,
        ..Svi::default()
    };
    vec![
        ("fit", with(Guide::MeanField, Estimator::ClosedForm)),
        ("full", with(Guide::FullRank, Estimator::ClosedForm)),
        ("full-path", with(Guide::FullRank, Estimator::Path)),
        ("low", with(Guide::LowRank(10), Estimator::ClosedForm)),
        ("low-path", with(Guide::LowRank(10), Estimator::Path)),
    ]
}

fn main() -> Result<(), Error> {
    let asked = asked();
    if asked.folders.is_empty() {
        eprintln!("usage: cargo run --release --example gold -- [--seeds N] [--only fit,…] DIR...");
        std::process::exit(2);
    }
    let wanted = |name: &str| asked.only.is_empty() || asked.only.iter().any(|o| o == name);
    for folder in &asked.folders {
        let mut gold = Gold::read(Path::new(folder))?;
        gold.tell = asked.tell;
        println!(
            "{folder}: {} unknowns, log evidence {}",
            gold.known.len(),
            gold.evidence
        );
        for (name, svi) in guides() {
            if wanted(name) {
                by_guide(&gold, name, &longer(&svi, &gold, asked.longer), asked.seeds)?;
            }
        }
        if wanted("noise") {
            by_noise(&gold, &asked)?;
        }
        if wanted("nuts") {
            by_chains(&gold, &asked)?;
        }
        if wanted("smc") {
            by_population(&gold, asked.seeds)?;
        }
    }
    Ok(())
}

/// The options with so many times the steps that they would make.
fn longer(svi: &Svi, gold: &Gold, times: f64) -> Svi {
    if times == 1.0 {
        return svi.clone();
    }
    let sized = svi.sized(gold.known.len());
    Svi {
        steps: (times * sized.steps as f64) as usize,
        ..sized
    }
}

/// Fits by a guide, and prints how far below the evidence they are.
fn by_guide(gold: &Gold, name: &str, svi: &Svi, seeds: u64) -> Result<(), Error> {
    for seed in 0..seeds {
        let run = Run {
            seed,
            ..Run::default()
        };
        let fit = calibrate(&gold.problem, svi, &run, &mut ())?;
        let bound = fit.evidence.map_or(f64::NAN, |e| e.log);
        let far = gold.distance(&fit, 200.0);
        let starts: Vec<String> = fit
            .starts
            .iter()
            .map(|s| format!("{:.1}/{:.1}", -s.objective, s.distance))
            .collect();
        println!(
            "{name} seed {seed}: {:.1} nats below the evidence; means off by {:.2} sds (median {:.2}), sds {:.2} of the known; \
             k-hat {:.1}; {} evaluations in {:.1} s; starts {}; {} warnings {}",
            gold.evidence - bound,
            far.mean,
            far.median,
            far.ratio,
            fit.pareto_k,
            fit.evaluations,
            fit.seconds,
            starts.join(" "),
            fit.warnings.len(),
            fit.warnings.first().map_or("", |w| w)
        );
    }
    Ok(())
}

/// Samples by chains.
fn by_chains(gold: &Gold, asked: &Asked) -> Result<(), Error> {
    for seed in 0..asked.seeds {
        let run = Run {
            seed,
            ..Run::default()
        };
        let nuts = Nuts {
            draws: asked.draws,
            ..Nuts::default()
        };
        let fit = calibrate(&gold.problem, nuts, &run, &mut ())?;
        let (near, far) = (gold.distance(&fit, 200.0), gold.distance(&fit, 0.0));
        let chains = fit.chains.as_ref().expect("chains");
        let draws = (chains.chains * chains.draws) as f64;
        println!(
            "nuts seed {seed}: means off by {:.2} sds (all coordinates: {:.2}), sds by {:.1} %; R-hat {:.3}, least ESS {:.0}, \
             {} divergences, steps {:.2?}, acceptance {:.2?}; {} gradients ({:.0} a draw) in {:.1} s; {} warnings {}",
            near.mean,
            far.mean,
            100.0 * near.sd,
            chains.worst_rhat(),
            chains.least_ess(),
            chains.divergences,
            chains.step_size,
            chains.acceptance,
            fit.evaluations,
            fit.evaluations as f64 / (draws * 1.6),
            fit.seconds,
            fit.warnings.len(),
            fit.warnings.first().map_or("", |w| w)
        );
    }
    Ok(())
}

/// Samples by a tempered population.
fn by_population(gold: &Gold, seeds: u64) -> Result<(), Error> {
    for seed in 0..seeds {
        let run = Run {
            seed,
            ..Run::default()
        };
        let smc = Smc {
            ladder: Ladder::Likelihood,
            ..Smc::default()
        };
        let fit = calibrate(&gold.problem, smc, &run, &mut ())?;
        let far = gold.distance(&fit, 200.0);
        let evidence = fit
            .evidence
            .map_or((f64::NAN, f64::NAN), |e| (e.log, e.error));
        println!(
            "smc seed {seed}: log evidence {:.2} ({:+.2}, error {:.2}); means off by {:.2} sds (median {:.2}), sds {:.2} of the \
             known; {} gradients in {:.1} s; {} warnings {}",
            evidence.0,
            evidence.0 - gold.evidence,
            evidence.1,
            far.mean,
            far.median,
            far.ratio,
            fit.evaluations,
            fit.seconds,
            fit.warnings.len(),
            fit.warnings.first().map_or("", |w| w)
        );
    }
    Ok(())
}

/// Learns the noise beside everything else, from a median twice too large.
fn by_noise(gold: &Gold, asked: &Asked) -> Result<(), Error> {
    let mut problem = gold.problem.clone();
    problem.loss = Loss::Gaussian;
    problem.noise *= 2.0;
    problem.noise_prior = Some(NoisePrior::default());
    for seed in 0..asked.seeds {
        let run = Run {
            seed,
            ..Run::default()
        };
        for guide in [Guide::MeanField, Guide::FullRank] {
            let svi = Svi {
                guide,
                ..Svi::default()
            };
            let svi = longer(&svi, gold, asked.longer);
            let fit = calibrate(&problem, &svi, &run, &mut ())?;
            let learnt = fit.learnt_noise.as_ref().expect("it is learnt");
            println!(
                "noise seed {seed}, {guide:?}: {:.4} (sd {:.4}) against {}; {} warnings {}",
                learnt.mean[0],
                learnt.sd[0],
                gold.problem.noise,
                fit.warnings.len(),
                fit.warnings.first().map_or("", |w| w)
            );
        }
    }
    Ok(())
}
