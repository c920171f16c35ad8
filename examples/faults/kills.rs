//! Calibrations that are killed at random moments and resumed, against the same ones that are not.

use crate::process::{Folder, start};
use crate::small;
use bullwhip::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
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

/// A line a step, after which the one who reads it may kill the process.
struct Lines;

impl Watch for Lines {}

impl Progress for Lines {
    fn update(&mut self, done: usize, _: &str) {
        println!("step {done}");
    }
}

/// A fit of a method, with its state in a file where one is given.
fn fit(
    method: &str,
    seed: u64,
    file: Option<PathBuf>,
    progress: &mut dyn Watch,
) -> Result<Posterior, Error> {
    let problem = small::problem();
    let svi = Svi {
        steps: 400,
        early_stop: None,
        draws: 30,
        ..Svi::default()
    };
    let run = Run {
        seed,
        state_file: file,
        save_seconds: 0.0,
        ..Run::default()
    };
    match method {
        "svi" => calibrate(&problem, &svi, &run, progress),
        "low-rank" => {
            let svi = Svi {
                guide: Guide::LowRank(5),
                ..svi
            };
            calibrate(&problem, &svi, &run, progress)
        }
        "abc" => {
            let abc = Abc {
                draws: 12_000,
                keep: 50,
                batch: 32,
            };
            calibrate(&problem, &abc, &run, progress)
        }
        "smc" => {
            let smc = Smc {
                population: 100,
                evaluations: 12_000,
                batch: 32,
                ..Smc::default()
            };
            calibrate(&problem, &smc, &run, progress)
        }
        _ => {
            let walk = RandomWalk {
                chains: 8,
                evaluations: 4000,
                keep: 60,
            };
            calibrate(&problem, &walk, &run, progress)
        }
    }
}

/// `fit METHOD SEED FILE`: makes it or goes on with it, and prints its steps and what came of it.
pub(crate) fn child(arguments: &[String]) {
    let seed = arguments[1].parse().expect("a seed");
    match fit(
        &arguments[0],
        seed,
        Some(arguments[2].clone().into()),
        &mut Lines,
    ) {
        Ok(p) => println!("over: {}", print(&p)),
        Err(e) => println!("over: refused: {e}"),
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

/// What a process said at its end; none where it was killed after so many steps and a moment more.
fn watched(arguments: &[String], steps: usize, moment: Duration) -> Option<String> {
    let mut child = start(arguments, 6 << 30, Stdio::piped(), Stdio::null());
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let mut over = None;
    for (k, line) in out.lines().map_while(Result::ok).enumerate() {
        over = line.strip_prefix("over: ").map(String::from);
        if k + 1 >= steps || over.is_some() {
            break;
        }
    }
    if over.is_none() {
        std::thread::sleep(moment);
        child.kill().expect("a process of our own");
    }
    child.wait().expect("a process of our own");
    over
}

/// Kills fits of a method until so many kills are made.
fn kill(method: &str, kills: usize, random: &mut StdRng) -> Counts {
    let mut counts = Counts::default();
    while counts.kills < kills {
        let seed = counts.fits as u64 + 1;
        let whole = print(&fit(method, seed, None, &mut ()).expect("a fit"));
        let folder = Folder::new("fit");
        let file = folder.0.join("fit.safetensors");
        let arguments = [
            "fit",
            method,
            &seed.to_string(),
            &file.display().to_string(),
        ];
        let arguments = arguments.map(String::from);
        loop {
            // Some five kills a fit, each anywhere within a step or its save.
            let steps = match counts.kills < kills {
                true => random.random_range(1..150),
                false => usize::MAX,
            };
            let moment = Duration::from_micros(random.random_range(0..3000));
            let Some(said) = watched(&arguments, steps, moment) else {
                counts.kills += 1;
                counts.left += parts(&folder.0);
                continue;
            };
            counts.fits += 1;
            counts.same += usize::from(said == whole);
            if said != whole {
                counts.refused += usize::from(said.starts_with("refused"));
                println!("  {method}, seed {seed}: {said}");
            }
            counts.left_at_end += parts(&folder.0);
            break;
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
