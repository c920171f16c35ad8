//! Calibrations that are killed at random moments and resumed, against the same ones that are not.

use crate::process::{Folder, start};
use crate::small;
use bullwhip::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::Xxh3;

const METHODS: [&str; 5] = ["svi", "low-rank", "abc", "smc", "walk"];

/// All numbers of a result, in one.
fn print(p: &Posterior) -> String {
    let mut sum = Xxh3::new();
    let mut add = |v: f64| sum.update(&v.to_bits().to_le_bytes());
    for s in &p.history {
        [
            s.evaluations as f64,
            s.loss,
            s.kl,
            s.objective,
            s.dropped as f64,
        ]
        .into_iter()
        .for_each(&mut add);
    }
    for l in &p.parameters {
        let all = l.location.iter().chain(&l.scale).chain(&l.samples);
        all.copied().for_each(&mut add);
    }
    p.predictive.samples.iter().copied().for_each(&mut add);
    format!("{:016x}", sum.digest())
}

/// A fit of a method, with its state in a file where one is given.
fn fit(method: &str, seed: u64, file: Option<PathBuf>) -> Result<Posterior, Error> {
    let problem = small::problem();
    let svi = Svi {
        steps: 400,
        early_stop: None,
        draws: 30,
        seed,
        state_file: file.clone(),
        save_seconds: 0.0,
        ..Svi::default()
    };
    match method {
        "svi" => calibrate(&problem, &svi, &mut ()),
        "low-rank" => {
            let svi = Svi {
                guide: Guide::LowRank(5),
                ..svi
            };
            calibrate(&problem, &svi, &mut ())
        }
        "abc" => {
            let abc = Abc {
                draws: 12_000,
                keep: 50,
                batch: 32,
                seed,
                state_file: file,
                save_seconds: 0.0,
                ..Abc::default()
            };
            calibrate_abc(&problem, &abc, &mut ())
        }
        "smc" => {
            let smc = Smc {
                population: 100,
                evaluations: 12_000,
                batch: 32,
                seed,
                state_file: file,
                save_seconds: 0.0,
                ..Smc::default()
            };
            calibrate_smc(&problem, &smc, &mut ())
        }
        _ => {
            let walk = RandomWalk {
                chains: 8,
                evaluations: 4000,
                keep: 60,
                seed,
                state_file: file,
                save_seconds: 0.0,
                ..RandomWalk::default()
            };
            calibrate_walk(&problem, &walk, &mut ())
        }
    }
}

/// `fit METHOD SEED FILE`: makes it, goes on with it, and prints what came of it.
pub(crate) fn child(arguments: &[String]) {
    let seed = arguments[1].parse().expect("a seed");
    match fit(&arguments[0], seed, Some(arguments[2].clone().into())) {
        Ok(p) => println!("{}", print(&p)),
        Err(e) => println!("refused: {e}"),
    }
}

/// Files in a folder that a killed process left unfinished.
fn parts(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .filter(|e| e.file_name().to_string_lossy().ends_with(".part"))
        .count()
}

#[derive(Default)]
struct Counts {
    kills: usize,
    fits: usize,
    same: usize,
    refused: usize,
    left: usize,
    left_at_end: usize,
}

/// Kills fits of a method until so many kills are made.
fn kill(method: &str, kills: usize, random: &mut StdRng) -> Counts {
    let mut counts = Counts::default();
    let mut time = Duration::from_secs(1);
    while counts.kills < kills {
        let seed = counts.fits as u64 + 1;
        let begin = Instant::now();
        let whole = print(&fit(method, seed, None).expect("a fit"));
        time = time.min(begin.elapsed());
        let folder = Folder::new("fit");
        let file = folder.0.join("fit.safetensors");
        let arguments = [
            "fit",
            method,
            &seed.to_string(),
            &file.display().to_string(),
        ];
        loop {
            let out = folder.0.join("out");
            let to = std::fs::File::create(&out).expect("a file");
            let mut child = start(
                &arguments.map(String::from),
                6 << 30,
                to.into(),
                Stdio::null(),
            );
            let last = counts.kills >= kills;
            let moment = time.mul_f64(random.random_range(0.05..1.5));
            let begin = Instant::now();
            let mut ended = None;
            while ended.is_none() && (last || begin.elapsed() < moment) {
                ended = child.try_wait().expect("a process of our own");
                std::thread::sleep(Duration::from_millis(1));
            }
            if ended.is_none() {
                child.kill().expect("a process of our own");
                ended = child.wait().ok();
            }
            if ended.is_some_and(|e| e.success()) {
                let said = std::fs::read_to_string(&out).expect("text");
                counts.fits += 1;
                counts.same += usize::from(said.trim() == whole);
                if said.trim() != whole {
                    counts.refused += usize::from(said.starts_with("refused"));
                    println!("  {method}, seed {seed}: {}", said.trim());
                }
                counts.left_at_end += parts(&folder.0);
                break;
            }
            counts.kills += 1;
            counts.left += parts(&folder.0);
        }
    }
    counts
}

/// The table, and how many fits were others than those that nobody killed.
pub(crate) fn table(kills: usize, seed: u64) -> usize {
    println!("\ncalibrations killed at random moments and resumed (seed {seed})");
    println!("  method    kills  fits  same bits  refused  .part at a kill  .part at the end");
    let mut random = StdRng::seed_from_u64(seed);
    let mut faults = 0;
    for method in METHODS {
        let c = kill(method, kills, &mut random);
        println!(
            "  {method:<8} {:>6} {:>5} {:>10} {:>8} {:>16} {:>17}",
            c.kills, c.fits, c.same, c.refused, c.left, c.left_at_end
        );
        faults += c.fits - c.same + c.left_at_end;
    }
    faults
}
