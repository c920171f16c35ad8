//! Fig. 2A of the paper: the time of 100 steps of variational inference against the number of firms.
//!
//! `cargo bench --bench fig2a` runs from 100 to 100,000 firms with ten suppliers each over 50 periods, on
//! the processor with one thread and with all, and on every GPU of a build that has them (`--features
//! wgpu` or `cuda`) but those that the processor emulates, and prints a table; `-- 100 1000` chooses sizes and `--
//! --steps 20` fewer steps. Where the JAX programs are (`BULLWHIP_PEER`, `BULLWHIP_PEER_PYTHON`; see the
//! race), theirs are the problems, and the time of their best formulation stands beside ours, without its
//! compilation. Lines go to `target/fig2a.json`: `firms`, `links`, `periods`, `steps`, `device`,
//! `seconds`, `loss_first`, `loss_last`.

#[path = "../tests/common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;
#[path = "common/peer.rs"]
#[allow(dead_code)]
mod peer;

use bullwhip::Result;
use bullwhip::prelude::*;
use peer::{Peer, search};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const PERIODS: usize = 50;
const SIZES: [usize; 7] = [100, 300, 1000, 3000, 10_000, 30_000, 100_000];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some("ours") => ours(&arguments[1..]),
        _ => run(&arguments),
    };
    if let Err(e) = result {
        eprintln!("fig2a: {e}");
        std::process::exit(1);
    }
}

/// A problem of the peer's from its folder, or one of our own of so many firms.
fn problem(from: &str) -> Result<Problem> {
    let (network, truth, shock) = match from.parse::<usize>() {
        Err(_) => case::inputs(Path::new(from))?,
        Ok(firms) => {
            let network = Network::synthetic(&Synthetic {
                firms,
                mean_suppliers: 10.0,
                regions: 10,
                sectors: 10,
                ..Synthetic::default()
            })?;
            let truth = Priors::default().draw(&network, 1);
            let shock = Shock::random(&network, 10, 0.2, 35, 1);
            (network, truth, shock)
        }
    };
    let simulation = Simulation {
        periods: PERIODS,
        ..Simulation::default()
    };
    let observed = simulate(&network, &truth, &shock, &simulation)?.observe();
    Ok(Problem::new(&network, &shock, &observed))
}

/// One calibration, in a process of its own as the number of threads is the process's: prints JSON.
fn ours(arguments: &[String]) -> Result<()> {
    let mut problem = problem(&arguments[0])?;
    let steps = arguments[1].parse().unwrap_or(100);
    let place = arguments[2].parse().unwrap_or(0);
    // Only a GPU is looked for: that takes a moment.
    problem.simulation.device = match place {
        0 => Device::Cpu,
        _ => devices().get(place).map_or(Device::Cpu, |d| d.device),
    };
    let options = Svi {
        steps,
        draws: 1,
        early_stop: None,
        ..Svi::default()
    };
    let posterior = calibrate(&problem, &options, &Run::default(), &mut ())?;
    println!(
        "{}",
        json!({
            "firms": problem.network.firms(), "links": problem.network.links(), "periods": PERIODS,
            "steps": steps, "seconds": posterior.seconds,
            "loss_first": posterior.history[0].loss,
            "loss_last": posterior.history[posterior.history.len() - 1].loss,
        })
    );
    Ok(())
}

fn run(arguments: &[String]) -> Result<()> {
    let (mut sizes, mut steps) = (Vec::new(), 100usize);
    let mut rest = arguments.iter().filter(|a| *a != "--bench");
    while let Some(argument) = rest.next() {
        let number = |text: &str| {
            text.parse::<usize>().map_err(|_| {
                Error::new(
                    "fig2a",
                    format!("{text:?} is no number"),
                    "give numbers of firms, and --steps N",
                )
            })
        };
        match argument.as_str() {
            "--steps" => steps = number(rest.next().map_or("", String::as_str))?,
            size => sizes.push(number(size)?),
        }
    }
    if sizes.is_empty() {
        sizes = SIZES.to_vec();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = std::thread::available_parallelism().map_or(1, |n| n.get());
    let peer = Peer::find();
    if peer.is_none() {
        println!("no JAX implementation found: ours alone");
    }
    println!(
        "   firms     links  device                seconds of {steps} steps     loss first, last"
    );
    let mut lines: Vec<Value> = Vec::new();
    for firms in sizes {
        let dir = root.join("target/race").join(firms.to_string());
        let from = match &peer {
            Some(peer) if peer.export(firms, PERIODS, &dir) => dir.display().to_string(),
            _ => firms.to_string(),
        };
        let mut threads = vec![1, all];
        threads.dedup();
        for threads in threads {
            let plural = if threads == 1 { "" } else { "s" };
            let device = format!("CPU, {threads} thread{plural}");
            lines.push(measure(&from, steps, threads, (0, device))?);
        }
        for (place, gpu) in devices()
            .into_iter()
            .enumerate()
            .filter(|(_, d)| !d.software)
        {
            lines.push(measure(&from, steps, all, (place, gpu.name))?);
        }
        if let Some(peer) = &peer
            && let Some(best) = search(peer, firms, &[("svi step", 1)]).remove(0)
        {
            let last = &lines[lines.len() - 1];
            let line = json!({
                "firms": firms, "links": last["links"], "periods": PERIODS, "steps": steps,
                "device": "JAX, CPU", "form": best.form, "seconds": best.value * 1e-3 * steps as f64,
            });
            show(&line);
            lines.push(line);
        }
    }
    let text: String = lines.iter().map(|r| format!("{r}\n")).collect();
    let path = root.join("target/fig2a.json");
    std::fs::write(&path, text)
        .map_err(|e| Error::new(path.display().to_string(), e.to_string(), ""))?;
    println!("\nwritten to {}", path.display());
    Ok(())
}

/// `device` is its place among `devices()` and what it is called.
fn measure(
    from: &str,
    steps: usize,
    threads: usize,
    (place, device): (usize, String),
) -> Result<Value> {
    let fail = |fact: String| Error::new("fig2a", fact, "");
    let output = Command::new(std::env::current_exe().map_err(|e| fail(e.to_string()))?)
        .args(["ours", from, &steps.to_string(), &place.to_string()])
        .env("RAYON_NUM_THREADS", threads.to_string())
        .output()
        .map_err(|e| fail(e.to_string()))?;
    let mut line: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| fail(String::from_utf8_lossy(&output.stderr).into_owned()))?;
    line["device"] = json!(device);
    show(&line);
    Ok(line)
}

fn show(line: &Value) {
    let number = |key: &str| line[key].as_f64().unwrap_or(f64::NAN);
    println!(
        "{:8} {:9}  {:20} {:9.2}              {:10.2e} {:10.2e}",
        number("firms"),
        number("links"),
        line["device"].as_str().unwrap_or(""),
        number("seconds"),
        number("loss_first"),
        number("loss_last"),
    );
}
