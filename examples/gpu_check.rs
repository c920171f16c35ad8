//! Checks the GPUs of a machine, alone and without files: devices, values and gradients against the
//! CPU, the time of calibration steps and of their gradients against the number of firms, and achieved
//! against measured bandwidth. JSON lines after the tables; a non-zero exit where a check fails.
//!
//! `cargo build --release --features wgpu --example gpu_check` (or `cuda`), then copy
//! `target/*/release/examples/gpu_check` to the machine, and run it there:
//! `gpu_check [--seconds S] [--particles P] [--device cpu|cuda:N|rocm:N|wgpu:N]...`

use bullwhip::prelude::*;
use serde_json::{Value, json};
use std::time::Instant;

/// Sizes of the table, firms; 5 suppliers each, as in `benches/scale.rs`.
const FIRMS: [usize; 6] = [1_000, 3_000, 10_000, 100_000, 300_000, 1_000_000];
/// Calibration steps that are timed.
const STEPS: usize = 3;
const PERIODS: usize = 60;

struct Options {
    /// A size is left out where the one before took more seconds a step than this.
    seconds: f64,
    particles: usize,
    /// All that are found where it is empty.
    devices: Vec<Device>,
}

fn main() {
    match options().and_then(|options| check(&options)) {
        Ok(true) => {}
        Ok(false) => std::process::exit(1),
        Err(e) => {
            eprintln!("{e}");
            std::process::exit(2);
        }
    }
}

fn options() -> Result<Options, Error> {
    let mut out = Options {
        seconds: 5.0,
        particles: 8,
        devices: Vec::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().unwrap_or_default();
        let bad = || {
            Error::new(
                format!("{word} {value}"),
                "it is not understood",
                "usage: gpu_check [--seconds S] [--particles P] [--device cpu|cuda:N|rocm:N|wgpu:N]...",
            )
        };
        match word.as_str() {
            "--seconds" => out.seconds = value.parse().map_err(|_| bad())?,
            "--particles" => out.particles = value.parse().map_err(|_| bad())?,
            "--device" => out.devices.push(value.parse()?),
            _ => return Err(bad()),
        }
    }
    if out.particles == 0 {
        return Err(Error::new("--particles", "it is 0", "give at least 1"));
    }
    Ok(out)
}

fn check(options: &Options) -> Result<bool, Error> {
    let mut lines: Vec<Value> = Vec::new();
    println!("Devices");
    let mut found = devices();
    if !options.devices.is_empty() {
        let known = |d: &Device| found.iter().any(|info| info.device == *d);
        // The sentence that a simulation would give.
        if let Some(missing) = options.devices.iter().find(|d| !known(d)) {
            missing.copy_bandwidth()?;
        }
        found.retain(|info| options.devices.contains(&info.device));
    }
    for info in &found {
        let bandwidth = info.device.copy_bandwidth()?;
        let note = match (info.device, info.software) {
            (Device::Cpu, _) => "",
            (_, true) => ", emulated by the CPU",
            _ => "",
        };
        println!(
            "  {}: {}{note}, copies {:.1} GB/s",
            info.device,
            info.name,
            bandwidth / 1e9
        );
        lines.push(json!({
            "device": info.device.to_string(), "name": info.name, "software": info.software,
            "copy_bytes_per_second": bandwidth,
        }));
    }
    if found.iter().all(|info| info.device == Device::Cpu) {
        println!("  no GPU is found: the CPU only");
    }

    println!("\nAgainst the CPU in 64 bits: largest difference, relative");
    let mut good = true;
    for info in &found {
        for (name, network, rule) in cases()? {
            let (loss, gradient) = difference(&network, rule, info.device)?;
            let passed = loss < 1e-4 && gradient < 5e-3;
            good &= passed;
            println!(
                "  {}, {name}, rule {}: loss {loss:.1e}, gradient {gradient:.1e}{}",
                info.device,
                rule.name(),
                if passed { "" } else { "  FAILED" }
            );
            lines.push(json!({
                "device": info.device.to_string(), "case": name, "rule": rule.name(),
                "loss_difference": loss, "gradient_difference": gradient, "passed": passed,
            }));
        }
    }

    println!(
        "\nCalibration steps, {} particles, {PERIODS} periods (Fig. 2A): seconds a step, those of a loss with its \
         gradient alone, and the bytes that this moves a second by the count of the kernels",
        options.particles
    );
    for info in &found {
        for firms in FIRMS {
            let row = step(firms, options.particles, info.device)?;
            let get = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
            let (seconds, gradient) = (get("seconds_per_step"), get("seconds_of_gradient"));
            println!(
                "  {:10} {firms:9} firms {:9} links {seconds:10.5} s {gradient:10.5} s {:8.1} GB/s",
                info.device.to_string(),
                row["links"],
                get("bytes") / gradient / 1e9,
            );
            lines.push(row);
            if seconds > options.seconds {
                println!("  {:10} larger ones would take too long", "");
                break;
            }
        }
    }
    println!();
    for line in &lines {
        println!("{line}");
    }
    println!("{}", json!({ "passed": good }));
    Ok(good)
}

/// Networks to verify on: drawn ones, and a hub that sells to and buys from all others.
fn cases() -> Result<Vec<(&'static str, Network, Production)>, Error> {
    let drawn = |firms, seed| {
        Network::synthetic(&Synthetic {
            firms,
            mean_suppliers: 4.0,
            seed,
            ..Synthetic::default()
        })
    };
    let others = 20_000;
    let mut links = Links::default();
    for i in 1..=others {
        for (buyer, supplier, coefficient) in [(i, 0, 0.1), (0, i, 0.2 / others as f64)] {
            links.buyer.push(buyer);
            links.supplier.push(supplier);
            links.coefficient.push(coefficient);
        }
    }
    let hub = Network::new(
        Firms {
            region: (0..=others).map(|i| format!("R{}", i % 3)).collect(),
            sector: vec!["S".into(); others + 1],
            final_demand: (0..=others).map(|i| 1.0 + (i % 7) as f64).collect(),
            ..Firms::default()
        },
        links,
    )?;
    Ok(vec![
        ("500 firms", drawn(500, 1)?, Production::Capacity),
        ("500 firms", drawn(500, 2)?, Production::Paper),
        ("a hub of 20,000", hub, Production::Capacity),
    ])
}

fn problem(network: &Network, rule: Production, device: Device) -> Result<Problem, Error> {
    let shock = Shock::random(network, 3, 0.3, 10, 1);
    let simulation = Simulation {
        periods: PERIODS,
        model: Model {
            production: rule,
            ..Model::default()
        },
        device,
        ..Simulation::default()
    };
    let truth = Priors::default().draw(network, 2);
    let observed = simulate(network, &truth, &shock, &simulation)?.observe();
    let mut problem = Problem::new(network, &shock, &observed);
    problem.simulation = simulation;
    Ok(problem)
}

/// Largest differences of losses and gradients of three particles.
fn difference(network: &Network, rule: Production, device: Device) -> Result<(f64, f64), Error> {
    let mut problem = problem(network, rule, Device::Cpu)?;
    problem.simulation.precision = Precision::Double;
    let expected = Objective::new(&problem)?;
    // Spread over -1.5..1.5 without repeating: away from ties.
    let u: Vec<f64> = (0..3 * expected.dimension())
        .map(|k| (k as f64 * 0.618_033_988_749).fract() * 3.0 - 1.5)
        .collect();
    let expected = expected.gradient(&u)?;
    problem.simulation.precision = Precision::Single;
    problem.simulation.device = device;
    let found = Objective::new(&problem)?.gradient(&u)?;
    let apart = |a: &[f64], b: &[f64]| {
        let size = b.iter().fold(1e-300f64, |m, v| m.max(v.abs()));
        let pairs = a.iter().zip(b);
        pairs.fold(0.0f64, |m, (a, b)| m.max((a - b).abs() / size))
    };
    Ok((
        apart(&found.loss, &expected.loss),
        apart(&found.gradient, &expected.gradient),
    ))
}

fn step(firms: usize, particles: usize, device: Device) -> Result<Value, Error> {
    let network = Network::synthetic(&Synthetic {
        firms,
        mean_suppliers: 5.0,
        ..Synthetic::default()
    })?;
    let problem = problem(&network, Production::Capacity, device)?;
    let options = |steps| Svi {
        steps,
        particles,
        early_stop: None,
        draws: 1,
        ..Svi::default()
    };
    // The first step compiles kernels and lays the network out.
    calibrate(&problem, options(1), &Run::default(), &mut ())?;
    let begin = Instant::now();
    let short = calibrate(&problem, options(1), &Run::default(), &mut ())?;
    let once = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    calibrate(&problem, options(1 + STEPS), &Run::default(), &mut ())?;
    let seconds = (begin.elapsed().as_secs_f64() - once).max(0.0) / STEPS as f64;
    let objective = Objective::new(&problem)?;
    let u = vec![0.3; particles * objective.dimension()];
    objective.gradient(&u)?;
    let begin = Instant::now();
    for _ in 0..STEPS {
        objective.gradient(&u)?;
    }
    let gradient = begin.elapsed().as_secs_f64() / STEPS as f64;
    Ok(json!({
        "device": device.to_string(), "computed_on": short.device, "firms": firms,
        "links": network.links(), "periods": PERIODS, "particles": particles,
        "seconds_per_step": seconds, "seconds_of_gradient": gradient,
        "bytes": traffic(network.firms(), network.links(), particles),
    }))
}

/// Bytes that a gradient moves, by the count in `src/engine/cube/mod.rs`.
fn traffic(firms: usize, links: usize, particles: usize) -> f64 {
    let p = particles as f64;
    let each = links as f64 * (52.0 * p + 24.0) + firms as f64 * (152.0 * p + 68.0);
    each * PERIODS as f64
}
