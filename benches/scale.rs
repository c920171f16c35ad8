//! What a simulation and a gradient cost against firms, links, periods and particles: times, peak
//! memory, and the exponents of a power law fitted to them.
//!
//! `cargo bench --bench scale` measures, every case in a process of its own, prints the table and
//! the fit, and draws `target/scale.png`; `-- draw FILE` draws elsewhere.

mod common;

use bullwhip::plot::{Layer, Mark, Panel};
use bullwhip::prelude::*;
use common::{median, peak_memory};
use serde_json::{Value, json};
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

/// One size: firms, suppliers a firm, periods, particles.
type Case = (usize, usize, usize, usize);

/// Sizes of which each varies one thing, and the large ones.
const CASES: [Case; 13] = [
    (1_000, 5, 60, 1),
    (3_000, 5, 60, 1),
    (10_000, 5, 60, 1),
    (30_000, 5, 60, 1),
    (100_000, 5, 60, 1),
    (300_000, 5, 60, 1),
    (1_000_000, 5, 60, 1),
    (30_000, 10, 60, 1),
    (30_000, 20, 60, 1),
    (30_000, 5, 15, 1),
    (30_000, 5, 30, 1),
    (30_000, 5, 60, 8),
    (30_000, 5, 60, 16),
];

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&String> = arguments.iter().filter(|a| *a != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(|a| a.as_str()).collect();
    match words.as_slice() {
        ["one", sizes @ ..] => {
            let sizes: Vec<usize> = sizes.iter().filter_map(|s| s.parse().ok()).collect();
            let [firms, suppliers, periods, particles] = sizes[..] else {
                return Err(Error::new("scale", "four sizes are needed", ""));
            };
            println!("{}", measure((firms, suppliers, periods, particles))?);
            Ok(())
        }
        ["draw", path] => all(path),
        _ => all(concat!(env!("CARGO_MANIFEST_DIR"), "/target/scale.png")),
    }
}

fn measure((firms, suppliers, periods, particles): Case) -> Result<Value, Error> {
    let begin = Instant::now();
    let network = Network::synthetic(&Synthetic {
        firms,
        mean_suppliers: suppliers as f64,
        ..Synthetic::default()
    })?;
    let economy = begin.elapsed().as_secs_f64();
    let shock = Shock::random(&network, 3, 0.1, 1, 1);
    let simulation = Simulation {
        periods,
        ..Simulation::default()
    };
    let truth = Params::uniform(&network, 2.0, 6.0);
    let observed = simulate(&network, &truth, &shock, &simulation)?.observe();
    let problem = Problem::new(&network, &shock, &observed);
    let objective = Objective::new(&problem)?;
    let u = vec![0.3; objective.dimension() * particles];
    let forward = median(|| objective.loss(&u).map(|v| drop(black_box(v))))?;
    let forward_peak = peak_memory();
    let gradient = median(|| objective.gradient(&u).map(|v| drop(black_box(v))))?;
    Ok(json!({
        "firms": firms, "links": network.links(), "periods": periods, "particles": particles,
        "economy": economy, "forward": forward, "gradient": gradient,
        "forward_mb": forward_peak, "gradient_mb": peak_memory(),
    }))
}

fn all(path: &str) -> Result<(), Error> {
    println!(
        "   firms     links periods particles   economy s  forward s  gradient s   peak MB (forward, gradient)"
    );
    let fail = |fact: String| Error::new("scale", fact, "");
    let mut rows = Vec::new();
    for (firms, suppliers, periods, particles) in CASES {
        let program = std::env::current_exe().map_err(|e| fail(e.to_string()))?;
        let sizes = [firms, suppliers, periods, particles].map(|n| n.to_string());
        let output = Command::new(program).arg("one").args(sizes).output();
        let output = output.map_err(|e| fail(e.to_string()))?;
        let row: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| fail(String::from_utf8_lossy(&output.stderr).into_owned()))?;
        let get = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        println!(
            "{firms:8} {:9} {periods:7} {particles:9} {:11.3} {:10.4} {:11.4} {:9.0} {:9.0}",
            get("links"),
            get("economy"),
            get("forward"),
            get("gradient"),
            get("forward_mb"),
            get("gradient_mb"),
        );
        rows.push(row);
    }
    let get = |k: usize, key: &str| rows[k][key].as_f64().unwrap_or(f64::NAN);
    // Between which cases, and in what, an exponent is taken; the first over the large firms only.
    let series: [(&str, &str, &[usize]); 4] = [
        ("firms", "firms, 10,000 to 1,000,000", &[2, 3, 4, 5, 6]),
        ("links", "links a firm, 5 to 20", &[3, 7, 8]),
        ("periods", "periods, 15 to 60", &[9, 10, 3]),
        ("particles", "particles, 1 to 16", &[3, 11, 12]),
    ];
    println!("\nexponents of a power law (1 is proportional):");
    for (key, name, cases) in series {
        let exponent = |what: &str| {
            let points = cases
                .iter()
                .map(|k| (get(*k, key).ln(), get(*k, what).ln()));
            slope(&points.collect::<Vec<_>>())
        };
        println!(
            "  in {name}: forward {:.2}, gradient {:.2}, memory of a gradient {:.2}",
            exponent("forward"),
            exponent("gradient"),
            exponent("gradient_mb")
        );
    }
    let line = |what: &str, label: &str, color: usize, scale: f64| Layer {
        mark: Mark::Line,
        label: label.into(),
        color,
        x: (0..7).map(|k| get(k, "firms")).collect(),
        y: (0..7).map(|k| get(k, what) * scale).collect(),
        ..Layer::default()
    };
    let panel = |y_label: &str, layers: Vec<Layer>| Panel {
        x_label: "firms".into(),
        y_label: y_label.into(),
        log_x: true,
        log_y: true,
        layers,
        ..Panel::default()
    };
    let figure = Figure {
        title: "Cost against the number of firms".into(),
        subtitle: "5 links a firm, 60 periods, one particle, 32-bit floats".into(),
        panels: vec![
            panel(
                "seconds",
                vec![
                    line("forward", "simulation", 0, 1.0),
                    line("gradient", "loss and gradient", 1, 1.0),
                ],
            ),
            panel(
                "peak memory (GB)",
                vec![
                    line("forward_mb", "simulation", 0, 1.0 / 1024.0),
                    line("gradient_mb", "loss and gradient", 1, 1.0 / 1024.0),
                ],
            ),
        ],
        columns: 2,
        size: (860, 380),
    };
    figure.save(path)?;
    println!("\ndrawn to {path}");
    Ok(())
}

/// Slope of the least-squares line through points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points
        .iter()
        .fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let (top, below) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| {
        (a + (x - mx) * (y - my), b + (x - mx) * (x - mx))
    });
    top / below
}
