//! The back-test of Eurostat's production indices in 2020: what the model of notebook 08 would have forecast each month,
//! against what came and against naive curves.
//!
//! `cargo run --release --example backtest -- FILE [--slack 0.2,0.02] [--learn-noise] [--ar1] [--last 19]`, where FILE is an
//! index of manufacturing (C) and energy (D) by country, such as `sts_inpr_m`.

use bullwhip::prelude::*;

/// What is asked for.
struct Asked {
    file: String,
    slacks: Vec<f64>,
    learn_noise: bool,
    discrepancy: Discrepancy,
    last: usize,
}

fn asked() -> Asked {
    let mut asked = Asked {
        file: String::new(),
        slacks: vec![0.2],
        learn_noise: false,
        discrepancy: Discrepancy::None,
        last: 19,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--slack" => {
                let list = words.next().unwrap_or_default();
                asked.slacks = list.split(',').filter_map(|s| s.parse().ok()).collect();
            }
            "--learn-noise" => asked.learn_noise = true,
            "--ar1" => asked.discrepancy = Discrepancy::Ar1,
            "--last" => asked.last = words.next().and_then(|n| n.parse().ok()).unwrap_or(19),
            _ => asked.file = word,
        }
    }
    asked
}

/// Notebook 08's problem over two years from January 2020 on, with manufacturing and energy hit.
fn problem(asked: &Asked, slack: f64) -> Result<Problem, Error> {
    let options = ReadOptions {
        sectors: vec!["C".to_string(), "D".to_string()],
        s_adj: Some("SCA".to_string()),
        ..ReadOptions::default()
    };
    let index = read(&asked.file, &options)?;
    let regions = distinct(&index.frame, "region")?;
    let sectors = ["C".to_string(), "D".to_string()];
    let economy = Network::synthetic(&Synthetic {
        firms: 200,
        regions: regions.len(),
        sectors: 2,
        seed: 8,
        ..Synthetic::default()
    })?
    .renamed(&regions, &sectors)?;
    let based = rebase(&index.frame, (2019, 9), (2020, 2))?;
    let calendar = Calendar {
        first: (2020, 1),
        months: 24,
        ..Calendar::default()
    };
    let aligned = align_to(&based, &economy, &calendar)?;
    let mut shock = Shock::none();
    for start in [3, 4] {
        for sector in ["C", "D"] {
            let hit = economy.firms_in_sector(sector)?;
            shock = shock.and(Shock::firms(&hit, start, 0.2, 0.5));
        }
    }
    let mut problem = Problem::new(&economy, &shock, &aligned.observed);
    problem.simulation.slack = slack;
    problem.noise = 0.03;
    problem.loss = Loss::Gaussian;
    problem.noise_prior = asked.learn_noise.then_some(NoisePrior {
        spread: 0.5,
        per: PerSeries::Sector,
    });
    problem.priors = Priors {
        severity: Some(Prior::LogitNormal {
            median: 0.2,
            sigma: 1.0,
        }),
        recovery_rate: Some(Prior::LogNormal {
            shift: 0.0,
            median: 0.5,
            sigma: 0.7,
        }),
        per: Levels {
            severity: Per::Region,
            recovery_rate: Per::Region,
            ..Levels::default()
        },
        ..Priors::none()
    };
    Ok(problem)
}

fn main() -> Result<(), Error> {
    let asked = asked();
    if asked.file.is_empty() {
        eprintln!(
            "usage: cargo run --release --example backtest -- FILE [--slack 0.2,0.02] [--learn-noise] [--ar1] [--last 19]"
        );
        std::process::exit(2);
    }
    for (k, slack) in asked.slacks.iter().enumerate() {
        let problem = problem(&asked, *slack)?;
        let options = Backtest {
            origins: 3..=asked.last,
            method: Svi {
                guide: Guide::FullRank,
                draws: 400,
                ..Svi::default()
            }
            .into(),
            discrepancy: asked.discrepancy,
            baselines: k == 0,
            ..Backtest::default()
        };
        let test = backtest(&problem, &options, &Run::default(), &mut Lines::default())?;
        println!(
            "slack {slack}, {:?}, noise {}: RMSE / CRPS / share in 90 % bands / bias",
            asked.discrepancy,
            if asked.learn_noise { "learnt" } else { "0.03" }
        );
        for sector in ["C", "D"] {
            for (name, origins) in [
                ("March", 3..=3),
                ("April", 4..=4),
                ("May", 5..=5),
                ("June to August", 6..=8),
                ("April to August", 4..=8),
                ("September on", 9..=asked.last),
            ] {
                let of = |s: &Score| s.series.ends_with(sector) && origins.contains(&s.origin);
                let all: Vec<String> = test
                    .standings_where(of)
                    .iter()
                    .map(|s| {
                        format!(
                            "{} {:.1}/{:.1}/{:.2}/{:+.1}",
                            s.method, s.rmse, s.crps, s.in_90, s.bias
                        )
                    })
                    .collect();
                println!("{sector}, known until {name}: {}", all.join("  "));
            }
        }
    }
    Ok(())
}
