//! Golden cases of the wider model.

use bullwhip::prelude::*;
use std::path::{Path, PathBuf};

/// A case: an economy, its behaviour, a scenario, a panel, and what is expected.
pub struct Case {
    pub network: Network,
    pub params: Params,
    pub shock: Shock,
    pub simulation: Simulation,
    pub target: Observation,
    pub loss: f64,
    /// Output and demand, [period, firm].
    pub output: Vec<f64>,
    pub demand: Vec<f64>,
    /// Gradient of the loss in n, tau, delta and the recovery rate.
    pub gradient: [Vec<f64>; 4],
}

/// The folders of all cases.
pub fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/breadth");
    let entries = std::fs::read_dir(root).expect("the cases");
    let mut folders: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    folders.retain(|f| f.is_dir());
    folders.sort();
    folders
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("a table of the case");
    let lines = text.lines().skip(1);
    lines
        .map(|l| l.split(',').map(String::from).collect())
        .collect()
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

/// A table without its first column, row by row.
fn numbers(path: &Path) -> Vec<f64> {
    let rows = rows(path);
    rows.iter()
        .flat_map(|row| row[1..].iter().map(|v| number(v)))
        .collect()
}

pub fn load(folder: &Path) -> Case {
    let at = |name: &str| folder.join(name);
    let meta: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(at("meta.json")).expect("meta.json"))
            .expect("JSON");
    let network = Network::from_csv(at("firms.csv"), at("edges.csv")).expect("an economy");
    let firms = rows(&at("firms.csv"));
    let column = |k: usize| firms.iter().map(|row| number(&row[k])).collect();
    // A hit of each row: events whose curve differs between firms are several.
    let hits = rows(&at("shocks.csv"));
    let (mut events, mut rate_of) = (Vec::new(), Vec::new());
    for hit in &hits {
        let recovery = Recovery::ALL.iter().find(|r| r.name() == hit[4]);
        let recovery = *recovery.expect("a recovery that is known");
        let p = number(&hit[5]);
        let rate = match recovery {
            Recovery::Exponential => p,
            _ => 1.0 / p,
        };
        rate_of.push((recovery, rate));
        events.push(Event {
            start: hit[2].parse().expect("a period"),
            firms: vec![hit[1].parse().expect("a firm")],
            severity: vec![number(&hit[3])],
            recovery_rate: vec![rate],
            recovery,
        });
    }
    let last = meta["options"]["final_class"] == 1;
    let simulation = Simulation {
        periods: meta["T"].as_u64().expect("T") as usize,
        slack: meta["options"]["slack"].as_f64().expect("a slack"),
        model: Model {
            rationing: match last {
                true => Rationing::FinalLast,
                false => Rationing::Proportional,
            },
            ..Model::default()
        },
        precision: Precision::Double,
        device: Device::Cpu,
        ..Simulation::default()
    };
    let mut gradient = [
        vec![0.0; network.firms()],
        vec![0.0; network.firms()],
        vec![0.0; hits.len()],
        vec![0.0; hits.len()],
    ];
    for row in rows(&at("grad.csv")) {
        let (k, value): (usize, f64) = (row[1].parse().expect("an index"), number(&row[2]));
        match row[0].as_str() {
            "n" => gradient[0][k] = value,
            "tau" => gradient[1][k] = value,
            "delta" => gradient[2][k] = value,
            "p" => {
                let (recovery, rate) = rate_of[k];
                // The rate is 1 / p.
                let by_rate = -1.0 / (rate * rate);
                let exponential = recovery == Recovery::Exponential;
                gradient[3][k] = value * if exponential { 1.0 } else { by_rate };
            }
            _ => {}
        }
    }
    let demand = numbers(&at("D.csv"));
    Case {
        target: crate::case::panel(&at("target.csv"), &network).expect("a panel"),
        params: Params {
            target_inventory: column(2),
            adjustment_time: column(3),
        },
        shock: Shock { events },
        loss: meta["loss_rel_mse"].as_f64().expect("a loss"),
        output: numbers(&at("x.csv")),
        // Without the steady state.
        demand: demand[network.firms()..].to_vec(),
        network,
        simulation,
        gradient,
    }
}
