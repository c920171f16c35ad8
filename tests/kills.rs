//! Processes that are killed: calibrations go on to the same bits, saves are whole or refused.
//!
//! `examples/faults` does the same for as many kills as are wanted.

use bullwhip::prelude::*;
use folder::Folder;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[path = "common/folder.rs"]
#[allow(dead_code)]
mod folder;
#[path = "common/small.rs"]
mod small;

const METHODS: [&str; 5] = ["svi", "low-rank", "abc", "smc", "walk"];
/// What a child is told, by its environment.
const WHAT: &str = "BULLWHIP_TEST_WHAT";
const FILE: &str = "BULLWHIP_TEST_FILE";

/// A line a step, after which the one who reads it may kill the process.
struct Lines;

impl Watch for Lines {}

impl Progress for Lines {
    fn update(&mut self, done: usize, _: &str) {
        println!("\nstep {done}");
    }
}

fn fit(method: &str, state_file: Option<PathBuf>, progress: &mut dyn Watch) -> Posterior {
    let problem = small::problem();
    let run = Run {
        state_file,
        save_seconds: 0.0,
        ..Run::default()
    };
    let result = match method {
        "svi" | "low-rank" => {
            let guide = match method {
                "svi" => Guide::MeanField,
                _ => Guide::LowRank(3),
            };
            let svi = Svi {
                guide,
                steps: 120,
                draws: 20,
                ..Svi::default()
            };
            calibrate(&problem, &svi, &run, progress)
        }
        "abc" => {
            let abc = Abc {
                draws: 960,
                keep: 30,
                batch: 32,
            };
            calibrate(&problem, &abc, &run, progress)
        }
        "smc" => {
            let smc = Smc {
                population: 64,
                evaluations: 960,
                batch: 32,
                ..Smc::default()
            };
            calibrate(&problem, &smc, &run, progress)
        }
        _ => {
            let walk = RandomWalk {
                chains: 8,
                evaluations: 400,
                keep: 40,
            };
            calibrate(&problem, &walk, &run, progress)
        }
    };
    result.expect("a posterior")
}

/// All numbers of a posterior, as bits.
fn print(p: &Posterior) -> Vec<u64> {
    let learnt = p.parameters.iter();
    let all = learnt.flat_map(|l| l.samples.iter().chain(&l.location).chain(&l.scale).copied());
    let steps = p.history.iter();
    let steps = steps.flat_map(|s| [s.evaluations as f64, s.loss, s.kl, s.objective]);
    let panels = p.predictive.samples.iter().copied();
    all.chain(steps).chain(panels).map(f64::to_bits).collect()
}

/// Starts an ignored test in a process of its own, reads lines until so many begin with `word`, and kills it.
fn kill_after(child: &str, what: &str, file: &Path, word: &str, lines: usize) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", child, "--ignored", "--nocapture"]);
    command.env(WHAT, what).env(FILE, file);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn().expect("it runs");
    let out = BufReader::new(process.stdout.take().expect("piped"));
    let seen = out.lines().map_while(Result::ok);
    let seen = seen.filter(|l| l.starts_with(word)).take(lines).count();
    process.kill().expect("a process of our own");
    process.wait().expect("a process of our own");
    assert_eq!(seen, lines, "{what}: it was over before it was killed");
}

fn told(name: &str) -> String {
    std::env::var(name).expect("told by the test that starts this one")
}

#[test]
fn killed_calibrations_go_on_to_the_same_bits() {
    for method in METHODS {
        let whole = print(&fit(method, None, &mut ()));
        let folder = Folder::new(&format!("kills-{method}"));
        let file = folder.0.join("fit.safetensors");
        // At other steps, and wherever the process is by then: often in a save, as each step has one.
        for lines in [1, 4, 9] {
            kill_after("a_fit", method, &file, "step ", lines);
        }
        assert_eq!(
            print(&fit(method, Some(file.clone()), &mut ())),
            whole,
            "{method}"
        );
        let left = std::fs::read_dir(&folder.0).expect("a folder").count();
        assert_eq!(
            left, 1,
            "{method}: what was left unfinished is cleared away"
        );
    }
}

#[test]
#[ignore = "run by the test above, which kills it"]
fn a_fit() {
    fit(&told(WHAT), Some(told(FILE).into()), &mut Lines);
}

fn two() -> [Posterior; 2] {
    let problem = small::problem();
    [1, 2].map(|seed| {
        let svi = Svi {
            steps: 4,
            draws: 60,
            ..Svi::default()
        };
        let run = Run {
            seed,
            ..Run::default()
        };
        calibrate(&problem, &svi, &run, &mut ()).expect("a posterior")
    })
}

#[test]
fn a_killed_save_is_one_fit_or_the_other_or_refused() {
    let fits = two().map(|p| print(&p));
    for end in ["parquet", "arrow", "csv"] {
        let folder = Folder::new(&format!("kills-{end}"));
        let path = folder.0.join(format!("fit.{end}"));
        for lines in 1..=6 {
            kill_after("a_save", end, &path, "save ", lines);
            match Posterior::load(&path) {
                Ok(p) => assert!(fits.contains(&print(&p)), "{end}: a mixture"),
                Err(e) => assert!(!e.remedy.is_empty(), "{e}"),
            }
        }
        let [a, _] = two();
        a.save(&path).expect("saved");
        assert_eq!(
            print(&Posterior::load(&path).expect("whole again")),
            fits[0]
        );
    }
}

#[test]
#[ignore = "run by the test above, which kills it"]
fn a_save() {
    let (fits, path) = (two(), told(FILE));
    fits[0].save(&path).expect("saved");
    for k in 1.. {
        println!("\nsave {k}");
        fits[k % 2].save(&path).expect("saved");
    }
}
