//! Repeats the tables of faults, each call and each kill in a process of its own:
//! `cargo run --release --example faults -- [--part calls] [--calls NAME] [--kills 40] [--seed 1]`.
//!
//! Parts: `calls` (extreme arguments), `fits` (calibrations killed and resumed), `saves` (saves killed while they write
//! over another), `bits` (one bit changed in saved files), `leak` (objectives made and dropped), `disk` (a disk that is
//! full). The exit code is 1 where anything is not 0 that must be. `--calls` takes calls whose names hold the text.

// Tables of names and closures: a type of their own would hide what is in them.
#![allow(clippy::type_complexity)]

#[path = "../../tests/common/small.rs"]
mod small;

mod calls;
mod disk;
mod files;
mod fits;
mod frames;
mod kills;
mod process;
mod tables;
mod world;

use process::{Fate, Limits, run};

/// The value of an option, or what it is without.
fn option<T: std::str::FromStr>(name: &str, default: T) -> T {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|a| a == name);
    let value = at.and_then(|k| arguments.get(k + 1)?.parse().ok());
    value.unwrap_or(default)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Started by this program itself.
    match arguments.first().map(String::as_str) {
        Some("call") => return call(&arguments[1]),
        Some("fit") => return kills::child(&arguments[1..]),
        Some("save") => return files::child(&arguments[1..]),
        Some("leak") => return disk::leak_child(&arguments[1]),
        _ => {}
    }
    let (part, seed): (String, u64) = (option("--part", String::new()), option("--seed", 1));
    let kills: usize = option("--kills", 40);
    let mut faults = 0;
    let parts: [(&str, &dyn Fn() -> usize); 6] = [
        ("calls", &|| extreme(&option("--calls", String::new()))),
        ("fits", &|| kills::table(kills, seed)),
        ("saves", &|| files::interrupted(kills, seed)),
        ("bits", &|| files::bits(seed)),
        ("leak", &disk::leak),
        ("disk", &disk::full),
    ];
    for (name, run) in parts {
        if part.is_empty() || part == name {
            faults += run();
        }
    }
    println!("{faults} faults");
    if faults > 0 {
        std::process::exit(1);
    }
}

/// One call, which ends with a line that tells its fate.
fn call(number: &str) {
    let world = world::World::new();
    let calls = world::all();
    let one = number.parse::<usize>().ok().and_then(|k| calls.get(k));
    let one = one.expect("the number of a call");
    match (one.call)(&world) {
        Err(e) if e.fact.is_empty() || e.remedy.is_empty() => println!("speechless: {e}"),
        Err(e) => println!("error: {e}"),
        Ok(found) if found.bad > 0 && !found.told => println!("silent: {}", found.bad),
        Ok(_) => println!("result"),
    }
}

/// Calls with extreme arguments, counted by what came of them.
fn extreme(only: &str) -> usize {
    const FATES: [&str; 7] = [
        "errors",
        "results",
        "errors without a fact or a remedy",
        "results that are not finite, without a word",
        "panics",
        "ended",
        "hung",
    ];
    let mut counts = [0; 7];
    let calls = world::all();
    for (k, one) in calls.iter().enumerate() {
        if !one.name.contains(only) {
            continue;
        }
        let ended = run(&["call".into(), k.to_string()], Limits::default());
        let line = ended.out.lines().last().unwrap_or_default().to_string();
        let fate = match ended.fate {
            Fate::Code(0) if line.starts_with("error: ") => 0,
            Fate::Code(0) if line == "result" => 1,
            Fate::Code(0) if line.starts_with("speechless: ") => 2,
            Fate::Code(0) if line.starts_with("silent: ") => 3,
            Fate::Code(101) => 4,
            Fate::Late => 6,
            _ => 5,
        };
        counts[fate] += 1;
        if fate > 1 {
            let mut lines = ended.error.lines();
            let panicked = lines.by_ref().find(|l| l.contains("panicked at"));
            let why = panicked.or(ended.error.lines().last()).unwrap_or_default();
            let why = format!("{why} {}", lines.next().unwrap_or_default());
            println!("{}: {} {line} {why}", FATES[fate], one.name);
        } else if !only.is_empty() {
            println!("{}: {line}", one.name);
        }
    }
    println!(
        "\ncalls with extreme arguments, a process each: {}",
        counts.iter().sum::<usize>()
    );
    for (name, count) in FATES.iter().zip(counts) {
        println!("  {count:>4} {name}");
    }
    counts[2..].iter().sum()
}
