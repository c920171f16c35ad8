//! Peers from their own packages beside this engine: BoARIO and ProdNet, run and not copied.
//!
//! `BULLWHIP_PEERS` is the path of a Python in whose environment `tests/peers/requirements.txt` is installed; without it
//! the test says so and ends. Each script runs a peer on an economy and writes a case in the layout of `tests/breadth`.

#[path = "common/breadth.rs"]
#[allow(unreachable_pub, dead_code)]
mod breadth;
#[path = "common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;
#[path = "common/folder.rs"]
#[allow(unreachable_pub, dead_code)]
mod folder;

use bullwhip::prelude::*;
use std::path::Path;
use std::process::Command;

/// Largest |x - x'| / x0 over all firms and periods, and what was agreed upon.
fn differences(dir: &Path) -> (f64, f64) {
    let case = breadth::load(dir).expect("a case");
    let run = simulate(&case.network, &case.params, &case.shock, &case.simulation).expect("a run");
    let text = std::fs::read_to_string(dir.join("x.csv")).expect("x.csv");
    let mut worst = 0.0f64;
    for line in text.lines().skip(1) {
        let row: Vec<f64> = line
            .split(',')
            .map(|v| v.parse().expect("a number"))
            .collect();
        let own = run.output_at(row[0] as usize).expect("a period");
        for ((a, b), x0) in own.iter().zip(&row[1..]).zip(case.network.output()) {
            if *x0 > 0.0 {
                worst = worst.max((a - b).abs() / x0);
            }
        }
    }
    let meta = std::fs::read_to_string(dir.join("meta.json")).expect("meta.json");
    let meta: serde_json::Value = serde_json::from_str(&meta).expect("JSON");
    (worst, meta["agreement"].as_f64().expect("an agreement"))
}

#[test]
fn peers_give_the_same_numbers() {
    let Ok(python) = std::env::var("BULLWHIP_PEERS") else {
        println!("skipped: set BULLWHIP_PEERS to a Python with boario and prodnet");
        return;
    };
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
    let folder = folder::Folder::new("peers");
    for (script, kinds) in [
        ("run_prodnet.py", &[""][..]),
        (
            "run_boario.py",
            &["noalt", "alt", "rebuild", "overproduction"],
        ),
    ] {
        for kind in kinds {
            for seed in ["0", "1", "2"] {
                let dir = folder.0.join(format!("{script}-{kind}-{seed}"));
                let mut command = Command::new(&python);
                command.arg(scripts.join(script)).arg(&dir);
                if !kind.is_empty() {
                    command.arg(kind);
                }
                let out = command.arg(seed).output().expect("a Python");
                assert!(
                    out.status.success(),
                    "{}",
                    String::from_utf8_lossy(&out.stderr)
                );
                let (worst, agreed) = differences(&dir);
                println!("{script} {kind} {seed}: {worst:.1e} of x0, agreed {agreed:.0e}");
                assert!(worst <= agreed, "{script} {kind} {seed}: {worst:e}");
            }
        }
    }
}
