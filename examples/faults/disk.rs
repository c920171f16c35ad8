//! What is kept that should not be: memory of objectives, and room on a disk that is full.

use crate::process::{Fate, Folder, Limits, run};
use crate::small;
use bullwhip::prelude::*;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const OBJECTIVES: usize = 4000;
/// Bytes by which an objective may make the process grow: what the allocator does with its own.
const GROWTH: f64 = 2000.0;

/// Bytes of memory that the process has.
fn held() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    Some(1024.0 * line.split_whitespace().next()?.parse::<f64>().ok()?)
}

/// What is made and dropped: objectives with shocks that are known or learnt, used or not.
const KINDS: [&str; 4] = [
    "known shocks, not used",
    "known shocks, used",
    "learnt shocks, not used",
    "learnt shocks, used",
];

/// `leak KIND`: makes objectives, drops them, and prints by how much the process grew for each.
pub(crate) fn leak_child(kind: &str) {
    let mut problem = small::problem();
    if kind.starts_with("learnt") {
        problem.priors.severity = Some(Prior::Uniform {
            low: 0.1,
            high: 0.9,
        });
    }
    let one = || {
        let objective = Objective::new(&problem).expect("an objective");
        if kind.ends_with(", used") {
            let u = vec![0.0; objective.dimension()];
            objective.gradient(&u).expect("a gradient");
        }
    };
    (0..OBJECTIVES / 4).for_each(|_| one());
    let before = held();
    (0..OBJECTIVES).for_each(|_| one());
    match before.zip(held()) {
        Some((before, after)) => println!("{}", (after - before) / OBJECTIVES as f64),
        None => println!("unknown"),
    }
}

/// How many kinds of objectives leave something behind.
pub(crate) fn leak() -> usize {
    println!();
    let of = |kind: &&str| {
        let ended = run(&["leak".into(), kind.to_string()], Limits::default());
        let growth: Option<f64> = ended.out.trim().parse().ok();
        match growth {
            Some(growth) => {
                println!(
                    "{OBJECTIVES} objectives ({kind}) made and dropped: {growth:.0} bytes of growth each"
                );
                usize::from(growth > GROWTH)
            }
            None if matches!(ended.fate, Fate::Code(0)) => {
                println!("objectives: left out, as the system does not tell what a process holds");
                0
            }
            None => {
                println!("objectives ({kind}): the process ended, {}", ended.error);
                1
            }
        }
    };
    KINDS.iter().map(of).sum()
}

/// A small disk, where this process may mount one.
struct Disk(PathBuf);

impl Disk {
    fn new(folder: &Folder) -> Option<Self> {
        let at = folder.0.join("disk");
        std::fs::create_dir_all(&at).ok()?;
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(&at);
        let mounted = mount.stderr(std::process::Stdio::null()).status();
        mounted.is_ok_and(|s| s.success()).then_some(Self(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Stops a fit after so many of its steps.
struct Until {
    steps: usize,
    done: usize,
}

impl Watch for Until {}

impl Progress for Until {
    fn update(&mut self, done: usize, _note: &str) {
        self.done = done;
    }
    fn stop(&self) -> bool {
        self.done >= self.steps
    }
}

/// A fit whose disk fills while it runs must tell so while it runs and give the right result all the same.
pub(crate) fn full() -> usize {
    let folder = Folder::new("full");
    let Some(disk) = Disk::new(&folder) else {
        println!(
            "\nfull disk: left out, as this process may not mount a small one; `calls` tries /dev/full"
        );
        return 0;
    };
    let problem = small::problem();
    let svi = Svi {
        // More than there is time for: it is stopped once it has told.
        steps: 200_000,
        particles: 1,
        early_stop: None,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some(disk.0.join("fit.safetensors")),
        save_seconds: 0.0,
        ..Run::default()
    };
    let fit = Background::spawn(&problem, &svi, &run).expect("it begins");
    while fit.snapshot().is_none() && !fit.is_over() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let fill = disk.0.join("fill");
    // More than there is room for: the file takes what is left.
    let _ = std::fs::write(&fill, vec![0; 1 << 20]);
    let mut told = false;
    while !told && !fit.is_over() {
        told = fit.status().contains("cannot be written");
        std::thread::sleep(Duration::from_millis(5));
    }
    fit.stop();
    let result = fit.wait().expect("a result");
    let steps = result.history.last().map_or(0, |s| s.evaluations) / svi.particles;
    let as_far = |run: &Run| calibrate(&problem, &svi, run, &mut Until { steps, done: 0 });
    let same = as_far(&Run::default()).expect("a fit").history == result.history;
    let warned = result
        .warnings
        .iter()
        .any(|w| w.contains("cannot be written"));
    let entries = std::fs::read_dir(&disk.0).expect("a folder").flatten();
    let left = entries
        .filter(|e| e.file_name().to_string_lossy().ends_with(".part"))
        .count();
    let _ = std::fs::remove_file(&fill);
    let resumed = as_far(&run).is_ok_and(|p| p.history == result.history);
    println!(
        "\nfull disk: told while the fit runs {told}, warned at the end {warned}, the right result {same}, .part left {left}, the last state goes on to the same {resumed}"
    );
    [told, warned, same, left == 0, resumed]
        .iter()
        .filter(|good| !**good)
        .count()
}
