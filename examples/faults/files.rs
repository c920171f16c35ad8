//! Saves that are killed while they write over another, and saved files with one bit changed.

use crate::process::{Folder, start};
use crate::small;
use bullwhip::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const ENDS: [&str; 3] = ["parquet", "arrow", "csv"];

fn fit(seed: u64) -> Posterior {
    let svi = Svi {
        steps: 20,
        draws: 100,
        ..Svi::default()
    };
    let run = Run {
        seed,
        ..Run::default()
    };
    calibrate(&small::problem(), &svi, &run, &mut ()).expect("a posterior")
}

/// All numbers of a posterior, as bits.
fn print(p: &Posterior) -> Vec<u64> {
    let learnt = p.parameters.iter();
    let all = learnt.flat_map(|l| l.samples.iter().chain(&l.location).chain(&l.scale).copied());
    let history = p.history.iter().map(|s| s.objective);
    let panels = p.predictive.samples.iter().copied();
    all.chain(history).chain(panels).map(f64::to_bits).collect()
}

/// `save FILE`: saves a fit, says so, and saves one fit after the other over the file until it is killed.
pub(crate) fn child(arguments: &[String]) {
    let fits = [fit(1), fit(2)];
    fits[0].save(&arguments[0]).expect("saved");
    std::fs::write(format!("{}.begun", arguments[0]), "").expect("a file");
    for k in 1.. {
        fits[k % 2].save(&arguments[0]).expect("saved");
    }
}

/// The table, and how many mixtures were loaded.
pub(crate) fn interrupted(kills: usize, seed: u64) -> usize {
    println!("\nsaves killed while they write over another (seed {seed})");
    println!("  format   kills  first fit  second fit  refused  mixtures");
    let mut random = StdRng::seed_from_u64(seed);
    let (a, b) = (print(&fit(1)), print(&fit(2)));
    let mut mixtures = 0;
    for end in ENDS {
        let mut counts = [0; 4];
        for _ in 0..kills {
            let folder = Folder::new("save");
            let path = folder.0.join(format!("fit.{end}"));
            let name = path.display().to_string();
            let arguments = ["save".to_string(), name.clone()];
            let mut child = start(&arguments, 6 << 30, Stdio::null(), Stdio::null());
            while !Path::new(&format!("{name}.begun")).exists() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_micros(random.random_range(1000..60_000)));
            child.kill().expect("a process of our own");
            child.wait().expect("a process of our own");
            let fate = match Posterior::load(&path) {
                Ok(p) if print(&p) == a => 0,
                Ok(p) if print(&p) == b => 1,
                Err(_) => 2,
                Ok(_) => 3,
            };
            counts[fate] += 1;
        }
        let [first, second, refused, mixed] = counts;
        println!("  {end:<8} {kills:>5} {first:>10} {second:>11} {refused:>8} {mixed:>9}");
        mixtures += mixed;
    }
    mixtures
}

/// The table, and how many files gave other values without a word.
pub(crate) fn bits(seed: u64) -> usize {
    const TRIES: usize = 3000;
    println!("\none bit changed in saved files (seed {seed})");
    println!("  file                        changed  refused  as it was  other values  panics");
    let mut random = StdRng::seed_from_u64(seed);
    let panel = small::problem().observed;
    let good = |p: &Observation| {
        p.values
            .iter()
            .zip(&panel.values)
            .all(|(a, b)| a.to_bits() == b.to_bits())
    };
    let mut faults = 0;
    std::panic::set_hook(Box::new(|_| ()));
    for end in ENDS {
        let folder = Folder::new("bits");
        let path = folder.0.join(format!("panel.{end}"));
        panel
            .save_with(&path, &[("severity", &0.3)])
            .expect("saved");
        let files: Vec<_> = std::fs::read_dir(&folder.0)
            .expect("a folder")
            .flatten()
            .collect();
        for file in files {
            let bytes = std::fs::read(file.path()).expect("bytes");
            let mut counts = [0; 4];
            for _ in 0..TRIES {
                let mut hurt = bytes.clone();
                hurt[random.random_range(0..bytes.len())] ^= 1 << random.random_range(0..8);
                std::fs::write(file.path(), &hurt).expect("written");
                let loaded = std::panic::catch_unwind(|| (Observation::load(&path), load(&path)));
                let fate = match loaded {
                    Err(_) => 3,
                    Ok((Ok(back), Ok(about))) => {
                        let fact = about.about.facts.get("severity").map(String::as_str);
                        let same = good(&back) && fact == Some("0.3");
                        if same { 1 } else { 2 }
                    }
                    Ok(_) => 0,
                };
                counts[fate] += 1;
            }
            std::fs::write(file.path(), &bytes).expect("written");
            let name = file.file_name().to_string_lossy().into_owned();
            let [refused, same, other, panics] = counts;
            println!("  {name:<26} {TRIES:>8} {refused:>8} {same:>10} {other:>13} {panics:>7}");
            faults += other + panics;
        }
    }
    faults += states(&mut random, TRIES);
    let _ = std::panic::take_hook();
    faults
}

/// States of calibrations: a changed one must be refused.
fn states(random: &mut StdRng, tries: usize) -> usize {
    let folder = Folder::new("state");
    let path = folder.0.join("fit.safetensors");
    let problem = small::problem();
    let svi = Svi {
        steps: 5,
        draws: 3,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some(path.clone()),
        ..Run::default()
    };
    let whole = print(&calibrate(&problem, &svi, &run, &mut ()).expect("a posterior"));
    let bytes = std::fs::read(&path).expect("bytes");
    let mut counts = [0; 3];
    for _ in 0..tries / 10 {
        let mut hurt = bytes.clone();
        hurt[random.random_range(0..bytes.len())] ^= 1 << random.random_range(0..8);
        std::fs::write(&path, &hurt).expect("written");
        let fate = match calibrate(&problem, &svi, &run, &mut ()) {
            Err(_) => 0,
            Ok(p) if print(&p) == whole => 1,
            Ok(_) => 2,
        };
        counts[fate] += 1;
    }
    let [refused, same, other] = counts;
    let tries = tries / 10;
    println!(
        "  {:<26} {tries:>8} {refused:>8} {same:>10} {other:>13}",
        "state of a calibration"
    );
    other
}
