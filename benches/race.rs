//! The engine against the tuned JAX implementation: same network, parameters and machine, in turns.
//!
//! `cargo bench --bench race` races at 100 to 100,000 firms, then runs alone at 1,000,000;
//! `cargo bench --bench race -- 100 1000` chooses sizes, and `-- once` takes each only as often as it takes to find the
//! peer's best formulation, for a first look. The JAX programs are taken from the folder
//! `BULLWHIP_PEER` (or `../shared/peer`), run by `BULLWHIP_PEER_PYTHON` (or `python3`); without them
//! the opponent is our own reference in plain tensors. Rows are also kept in `target/race.json`.

#[path = "../tests/common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;
mod common;
#[path = "common/peer.rs"]
mod peer;

use bullwhip::Result;
use bullwhip::prelude::*;
use common::{median, peak_memory};
use peer::{Peer, WHAT, names, number, search};
use serde_json::{Value, json};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

const PERIODS: usize = 50;
/// Turns that both take after the peer's best formulation was found.
const ROUNDS: usize = 2;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some("ours") => ours(&arguments[1..]),
        _ => race(&arguments),
    };
    if let Err(e) = result {
        eprintln!("race: {e}");
        std::process::exit(1);
    }
}

/// The problem in a case directory with the priors that the peer has, and the point it is timed at.
fn problem(dir: &Path, method: Method) -> Result<(Problem, Vec<f64>)> {
    let (network, params, shock) = case::inputs(dir)?;
    let observed = case::panel(&dir.join("capacity_target.csv"), &network)?;
    let mut problem = Problem::new(&network, &shock, &observed);
    problem.simulation.method = method;
    problem.noise = 0.01;
    problem.priors = Priors {
        target_inventory: Some(Prior::LogNormal {
            shift: 1.0,
            median: 3.0,
            sigma: 0.7,
        }),
        ..Priors::default()
    };
    let u = problem
        .priors
        .varying()
        .iter()
        .zip([&params.target_inventory, &params.adjustment_time])
        .flat_map(|((_, prior, _), values)| values.iter().map(|v| prior.coordinate(*v)))
        .collect();
    Ok((problem, u))
}

/// An economy of our own where the peer does not follow.
fn alone(firms: usize, periods: usize) -> Result<(Problem, Vec<f64>)> {
    let network = Network::synthetic(&Synthetic {
        firms,
        ..Synthetic::default()
    })?;
    // From the first period on: what comes before a shock is a fixed point, and is not simulated.
    let shock = Shock::random(&network, 5, 0.1, 1, 1);
    let simulation = Simulation {
        periods,
        ..Simulation::default()
    };
    let truth = Params::uniform(&network, 2.0, 6.0);
    let observed = simulate(&network, &truth, &shock, &simulation)?.observe();
    let u = vec![0.3; 2 * firms];
    Ok((Problem::new(&network, &shock, &observed), u))
}

/// One measurement in a process of its own, so that its peak memory is its own: prints JSON.
fn ours(arguments: &[String]) -> Result<()> {
    let (from, what) = (&arguments[0], arguments[1].as_str());
    let particles: usize = arguments[2].parse().unwrap_or(1);
    let method = match arguments[3].as_str() {
        "reference" => Method::Reference,
        _ => Method::Kernels,
    };
    let (problem, u) = match from.parse::<usize>() {
        Ok(firms) => alone(firms, 60)?,
        Err(_) => problem(Path::new(from), method)?,
    };
    // A calibration of many steps less one of few: what a step costs, without the set-up.
    let step = |steps: usize| -> Result<f64> {
        let options = Svi {
            steps,
            particles,
            early_stop: None,
            draws: 1,
            ..Svi::default()
        };
        let begin = Instant::now();
        calibrate(&problem, &options, &Run::default(), &mut ())?;
        Ok(begin.elapsed().as_secs_f64())
    };
    let objective = Objective::new(&problem)?;
    let value = match what {
        "forward" => median(|| objective.loss(&u).map(|v| drop(black_box(v))))?,
        "gradient" => median(|| objective.gradient(&u).map(|v| drop(black_box(v))))?,
        "svi step" => {
            let few = 3;
            let many = few + ((0.7 / (step(few)? / few as f64)) as usize).clamp(3, 400);
            let mut times = Vec::new();
            for _ in 0..3 {
                times.push((step(many)? - step(few)?) / (many - few) as f64);
            }
            times.sort_by(f64::total_cmp);
            times[1]
        }
        "abc draws" => {
            let draws = |draws: usize| -> Result<f64> {
                let options = Abc {
                    draws,
                    keep: 8,
                    ..Abc::default()
                };
                Ok(calibrate(&problem, &options, &Run::default(), &mut ())?.seconds)
            };
            let few = 64;
            let many = few * (2 + ((0.7 / draws(few)?) as usize).clamp(2, 200));
            let mut rates = Vec::new();
            for _ in 0..3 {
                rates.push((many - few) as f64 / (draws(many)? - draws(few)?));
            }
            rates.sort_by(f64::total_cmp);
            rates[1]
        }
        other => {
            return Err(Error::new("race", format!("{other:?} is not measured"), ""));
        }
    };
    let at = objective.gradient(&u)?;
    // Before the first shock the economy stays in its steady state, which takes no bytes.
    let starts = problem.shock.events.iter().map(|event| event.start);
    let quiet = starts.min().map_or(0, |first| first - 1);
    let size = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    println!(
        "{}",
        json!({
            "value": value,
            "peak_mb": peak_memory(),
            "loss": at.loss[0],
            "gradient_norm": size(&at.gradient),
            "firms": problem.network.firms(),
            "links": problem.network.links(),
            "periods": problem.simulation.periods,
            "simulated": problem.simulation.periods - quiet,
        })
    );
    Ok(())
}

fn run_ours(from: &str, (what, particles): (&str, usize), method: &str) -> Result<Value> {
    let fail = |fact: String| Error::new("race", fact, "");
    let output = Command::new(std::env::current_exe().map_err(|e| fail(e.to_string()))?)
        .args(["ours", from, what, &particles.to_string(), method])
        .output()
        .map_err(|e| fail(e.to_string()))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| fail(String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Bytes that one evaluation must move at least, 32-bit floats: per link and period forward two
/// inventories read and one written, coefficient and supplier; back as many inventories read, two
/// adjoints read and one written, coefficient and supplier; both with what suppliers are read and told.
fn bytes(what: &str, firms: usize, links: usize, runs: usize) -> f64 {
    let forward = 20 * links + 40 * firms;
    let back = 28 * links + 60 * firms;
    let per_period = if what == "forward" || what == "abc draws" {
        forward
    } else {
        forward + back
    };
    (per_period * runs) as f64
}

fn race(arguments: &[String]) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chosen: Vec<usize> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
    let once = arguments.iter().any(|a| a == "once");
    let sizes = if chosen.is_empty() {
        vec![100, 300, 1000, 3000, 10_000, 100_000, 1_000_000]
    } else {
        chosen
    };
    let peer = Peer::find();
    match &peer {
        Some(peer) => println!("peer: JAX, {}", peer.folder.display()),
        None => println!("peer: our own reference in plain tensors (no JAX implementation found)"),
    }
    let bandwidth = Device::Cpu.copy_bandwidth()?;
    println!(
        "memory bandwidth of a copy on this machine: {:.1} GB/s\n",
        bandwidth / 1e9
    );
    println!(
        "   firms     links  what              ours         peer     ratio  GB moved  of bandwidth  peak MB ours/peer  peer's form"
    );
    // Rows of sizes that are not raced now stay; the file is written after every size, as the large ones take long.
    let path = root.join("target/race.json");
    let mut rows: Vec<Value> = std::fs::read_to_string(&path)
        .unwrap_or_default()
        .lines()
        .filter_map(|l| serde_json::from_str(l).ok())
        .filter(|row: &Value| !sizes.iter().any(|s| row["firms"] == json!(s)))
        .collect();
    for firms in sizes {
        let dir = root.join("target/race").join(firms.to_string());
        let small = firms <= 100_000;
        let from = match &peer {
            Some(peer) if small => {
                if !peer.export(firms, PERIODS, &dir) {
                    eprintln!("race: the peer cannot export {firms} firms");
                    continue;
                }
                agree(&dir)?;
                dir.display().to_string()
            }
            _ => firms.to_string(),
        };
        let found = match &peer {
            Some(peer) if small => search(peer, firms, &WHAT),
            _ => vec![None; WHAT.len()],
        };
        for ((what, particles), best) in WHAT.into_iter().zip(found) {
            if !small && (what == "abc draws" || particles > 1) {
                continue;
            }
            let rate = what == "abc draws";
            let unit = if rate { 1.0 } else { 1e-3 };
            let mut ours = Vec::new();
            let mut theirs: Vec<f64> = best.iter().map(|b| b.value * unit).collect();
            let (mut peak, mut peer_peak, mut last) = (f64::NAN, f64::NAN, Value::Null);
            let rounds = if small && !once { ROUNDS } else { 0 };
            for round in 0..=rounds {
                last = run_ours(&from, (what, particles), "kernels")?;
                ours.push(number(&last, "value"));
                peak = peak.max(number(&last, "peak_mb"));
                // The search was the peer's first measurement.
                if round == 0 && best.is_some() {
                    continue;
                }
                if let (Some(peer), Some(b)) = (&peer, &best) {
                    let (ask, key) = names(what);
                    let line = peer.bench(firms, &b.form, (ask, particles), b.one_core);
                    if let Some(line) = line {
                        theirs.push(number(&line, key) * unit);
                        peer_peak = peer_peak.max(number(&line, "maxrss_mb"));
                    }
                } else if peer.is_none() && firms <= 10_000 {
                    let line = run_ours(&from, (what, particles), "reference")?;
                    theirs.push(number(&line, "value"));
                    peer_peak = peer_peak.max(number(&line, "peak_mb"));
                }
            }
            let (ours, theirs) = (middle(ours), middle(theirs));
            let ratio = if rate { ours / theirs } else { theirs / ours };
            let count = |key: &str| last[key].as_u64().unwrap_or(0) as usize;
            let (links, periods, simulated) =
                (count("links"), count("periods"), count("simulated"));
            let moved = bytes(what, firms, links, simulated * particles);
            let share = moved * if rate { ours } else { 1.0 / ours } / bandwidth;
            let form = best.map_or(String::new(), |b| {
                format!("{}{}", b.form, if b.one_core { ", 1 core" } else { "" })
            });
            let shown = |v: f64| {
                if rate {
                    format!("{v:9.0} /s")
                } else {
                    format!("{:9.3} ms", v * 1e3)
                }
            };
            let name = match particles {
                1 => what.to_string(),
                _ => format!("{what} x{particles}"),
            };
            println!(
                "{firms:8} {links:9}  {name:11} {} {} {ratio:8.1}x {:9.3} {:12.0} % {peak:9.0} / {peer_peak:.0}  {form}",
                shown(ours),
                shown(theirs),
                moved / 1e9,
                100.0 * share,
            );
            rows.push(json!({
                "firms": firms, "links": links, "periods": periods, "simulated": simulated,
                "particles": particles, "what": what, "ours": ours, "peer": theirs, "ratio": ratio,
                "form": form, "bytes": moved,
                "share_of_bandwidth": share, "peak_mb": peak, "peer_peak_mb": peer_peak,
            }));
            if what == "gradient" {
                rows.push(json!({
                    "firms": firms, "links": links, "periods": periods, "particles": 1,
                    "what": "peak memory", "ours": peak, "peer": peer_peak, "ratio": peer_peak / peak,
                }));
            }
        }
        rows.sort_by_key(|row| row["firms"].as_u64());
        let text: String = rows.iter().map(|r| format!("{r}\n")).collect();
        std::fs::write(&path, text)
            .map_err(|e| Error::new(path.display().to_string(), e.to_string(), ""))?;
    }
    println!("\nwritten to {}", path.display());
    Ok(())
}

/// Loss and gradient are those of the peer, to 1e-4, before anything is timed.
fn agree(dir: &Path) -> Result<()> {
    for report in case::check(dir)? {
        let e = report.single;
        if !(e.loss <= 1e-4 && e.gradient <= 1e-4) {
            return Err(Error::new(
                dir.display().to_string(),
                format!(
                    "loss differs by {:.1e}, gradient by {:.1e} from the peer's",
                    e.loss, e.gradient
                ),
                "they must agree to 1e-4 before they are timed",
            ));
        }
    }
    Ok(())
}
