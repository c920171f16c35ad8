//! What a notebook's user waits for, in our kernel and in evcxr's own, side by side on the same cells:
//! until the kernel answers, until the first cell, for a later cell, for the stop button; how often a
//! live display changes, and what that costs.
//!
//! Prints a table, and writes JSON lines to `target/latency.json`: `kernel` (bullwhip, evcxr), `what`
//! (ready, first_cell, median_cell, live_rate, live_cost, stop), `value` in seconds, 1/s or a share.
//! evcxr's kernel runs from the same prepared folder, with the toolkit as a shared library: a plain
//! installation would compile for minutes first. It has no live displays, and its stop button ends the
//! process that holds the variables.

#[path = "../tests/client/mod.rs"]
mod client;

use client::{Kernel, content};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const FIRST: &str = "use bullwhip::prelude::*;";
const CELLS: [&str; 9] = [
    "let economy = Network::synthetic(&Synthetic { firms: 200, regions: 4, sectors: 3, ..Synthetic::default() })?;\neconomy",
    "let params = Params::uniform(&economy, 2.0, 6.0);",
    "let shock = Shock::region(&economy, \"R1\", 5, 0.6, 0.1)?;",
    "let run = simulate(&economy, &params, &shock, &Simulation::default())?;\nrun.loss_share()",
    "run.figure()",
    "run.observe().frame()?",
    "let shares: Vec<f64> = (1..5).map(|k| 1.0 / k as f64).collect();\nshares",
    "fn double(x: f64) -> f64 { 2.0 * x }\ndouble(21.0)",
    "1 + 1",
];
/// A calibration that would last for minutes, and one for a while, watched or not.
const PROBLEM: &str = r#"
let problem = Problem::new(&economy, &shock, &run.observe());
let long = Svi { steps: 1_000_000, early_stop: None, draws: 1, ..Svi::default() };
fn speed(problem: &Problem, svi: &Svi, seconds: f64, live: bool) -> f64 {
    let run = Run { max_seconds: Some(seconds), ..Run::default() };
    let posterior = if live {
        calibrate(problem, svi, &run, &mut Live::default())
    } else {
        calibrate(problem, svi, &run, &mut ())
    };
    posterior.map_or(0.0, |p| p.history.len() as f64 / seconds)
}"#;

struct Figure {
    kernel: &'static str,
    what: &'static str,
    value: f64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // `cargo test --benches` only wants to know that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let folder = std::env::temp_dir().join(format!("bullwhip-latency-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut figures = Vec::new();
    bullwhip(&folder, &mut figures).await;
    evcxr(&folder, &mut figures).await;
    std::fs::remove_dir_all(&folder)?;
    let mut file = std::fs::File::create(target().join("latency.json"))?;
    println!("{:<12} {:>10} {:>10}", "what", "bullwhip", "evcxr");
    for what in [
        "ready",
        "first_cell",
        "median_cell",
        "live_rate",
        "live_cost",
        "stop",
    ] {
        let value = |kernel| {
            figures
                .iter()
                .find(|f| f.kernel == kernel && f.what == what)
        };
        let shown = |kernel| value(kernel).map_or("-".to_string(), |f| format!("{:.3}", f.value));
        println!(
            "{what:<12} {:>10} {:>10}",
            shown("bullwhip"),
            shown("evcxr")
        );
    }
    for Figure {
        kernel,
        what,
        value,
    } in figures
    {
        writeln!(
            file,
            "{}",
            serde_json::json!({ "kernel": kernel, "what": what, "value": value })
        )?;
    }
    Ok(())
}

/// The workspace's target folder.
fn target() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target")
}

async fn bullwhip(folder: &Path, figures: &mut Vec<Figure>) {
    // The first kernel leaves a warm engine behind, as `install` does.
    let mut warm = Kernel::start(folder, &[("BULLWHIP_ALONE", "1")]).await;
    warm.run(FIRST).await;
    warm.shutdown().await;
    let mut add = |what, value| {
        figures.push(Figure {
            kernel: "bullwhip",
            what,
            value,
        })
    };
    let begin = Instant::now();
    let mut kernel = Kernel::start(folder, &[("BULLWHIP_ALONE", "1")]).await;
    add("ready", begin.elapsed().as_secs_f64());
    add("first_cell", kernel.run(FIRST).await.seconds);
    add("median_cell", median_cell(&mut kernel).await);

    assert!(kernel.run(PROBLEM).await.ok());
    let mut speeds = [Vec::new(), Vec::new()];
    let mut updates = 0;
    // In turns: the machine's own speed wanders.
    for _ in 0..TURNS {
        for (live, speeds) in speeds.iter_mut().enumerate() {
            let (speed, seen) = speed(&mut kernel, live == 1).await;
            speeds.push(speed);
            updates += seen;
        }
    }
    let [plain, live] = speeds.map(|s| s.into_iter().fold(0.0, f64::max));
    add("live_rate", updates as f64 / (TURNS as f64 * SECONDS));
    add("live_cost", 1.0 - live / plain);

    let id = kernel
        .begin("let part = calibrate(&problem, &long, &Run::default(), &mut Live::default())?;")
        .await;
    // It runs: its picture is there.
    while kernel.next().await.message_type() != "display_data" {}
    let begin = Instant::now();
    kernel.interrupt().await;
    assert!(kernel.finish(&id).await.ok());
    add("stop", begin.elapsed().as_secs_f64());
    let kept = kernel.run("(part.stopped, economy.firms())").await;
    assert_eq!(kept.result(), "(true, 200)", "the variables are there");
    kernel.shutdown().await;
}

async fn evcxr(folder: &Path, figures: &mut Vec<Figure>) {
    let mut add = |what, value| {
        figures.push(Figure {
            kernel: "evcxr",
            what,
            value,
        })
    };
    let begin = Instant::now();
    let mut kernel = Kernel::start(folder, &[("BULLWHIP_STOCK", "1")]).await;
    add("ready", begin.elapsed().as_secs_f64());
    add("first_cell", kernel.run(FIRST).await.seconds);
    add("median_cell", median_cell(&mut kernel).await);
    // Its stop button: the cell ends, with all variables.
    let id = kernel
        .begin("println!(\"begun\"); loop { std::thread::yield_now(); }")
        .await;
    kernel.until("begun").await;
    let begin = Instant::now();
    kernel.interrupt().await;
    kernel.finish(&id).await;
    add("stop", begin.elapsed().as_secs_f64());
    kernel.shutdown().await;
}

async fn median_cell(kernel: &mut Kernel) -> f64 {
    let mut seconds = Vec::new();
    for code in CELLS {
        let cell = kernel.run(code).await;
        assert!(cell.ok(), "{code}: {:?}", cell.of("error"));
        seconds.push(cell.seconds);
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

const SECONDS: f64 = 4.0;
const TURNS: usize = 3;

/// Steps per second of a fit, and the displays that came.
async fn speed(kernel: &mut Kernel, live: bool) -> (f64, usize) {
    let code = format!("println!(\"{{}}\", speed(&problem, &long, {SECONDS:?}, {live}));");
    let cell = kernel.run(&code).await;
    assert!(cell.ok(), "{:?}", content(&cell.reply));
    let speed = cell.text("stdout").trim().parse().expect("a number");
    (
        speed,
        cell.of("display_data").len() + cell.of("update_display_data").len(),
    )
}
