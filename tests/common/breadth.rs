//! Golden cases of every behaviour: an economy, a scenario, what is expected, and how far the model is from it.

#[path = "breadth_tables.rs"]
mod tables;

use bullwhip::Result;
use bullwhip::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
pub use tables::load;
use tables::numbers;

/// A case.
pub struct Case {
    pub folder: PathBuf,
    pub network: Network,
    pub params: Params,
    pub shock: Shock,
    pub simulation: Simulation,
    pub target: Observation,
    pub loss: f64,
    /// Whether 32-bit floats may take another side of a threshold.
    pub double_only: bool,
    /// Each gradient that is expected: its name, its index, its value.
    pub gradient: Vec<(String, usize, f64)>,
    /// p of each hit, where the rate is 1 over it, by the prefix of its events.
    times: HashMap<&'static str, Vec<Option<f64>>>,
    /// Places of the rows of damage.csv and rebuilders.csv.
    damage: Vec<usize>,
    builder: Vec<usize>,
}

/// Largest errors of a case in one number format.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors {
    /// Outputs, demands, stocks and all that is recorded, relative to the largest steady output; of groups relative to
    /// the group's level.
    pub values: f64,
    /// Limits that are others than expected although the margin is above a millionth.
    pub limits: usize,
    pub loss: f64,
    /// Gradients, relative to the largest entry.
    pub gradient: f64,
}

/// The folders of all cases of a directory.
pub fn cases(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root).expect("the cases");
    let mut folders: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    folders.retain(|f| is_case(f));
    folders.sort();
    folders
}

/// Whether a directory holds a case of this layout: with options.
pub fn is_case(dir: &Path) -> bool {
    std::fs::read_to_string(dir.join("meta.json")).is_ok_and(|text| text.contains("\"options\""))
}

impl Case {
    pub fn name(&self) -> String {
        self.folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// One expected gradient as the library has it; none where it does not give it.
    fn found(&self, of: &Sensitivity, name: &str, k: usize) -> Option<f64> {
        let inputs = !self.params.input_inventory.is_empty();
        let sum = |v: &[f64]| (!v.is_empty()).then(|| v.iter().sum());
        let at = |v: &[f64], k: usize| v.get(k).copied();
        let rate = |v: &[f64], prefix: &str| {
            // The rate may be 1 / p.
            let by_rate = at(v, k)?;
            Some(match self.times[prefix][k] {
                Some(p) => -by_rate / (p * p),
                None => by_rate,
            })
        };
        match name {
            "n" if inputs => at(&of.input_inventory, k),
            "tau" if inputs => at(&of.input_time, k),
            "n" => at(&of.target_inventory, k),
            "tau" => at(&of.adjustment_time, k),
            "theta" => at(&of.criticality, k),
            "slack" => sum(&of.slack),
            "mix" => sum(&of.mix),
            "eta" => sum(&of.trust_rate),
            "floor" => sum(&of.trust_floor),
            "alpha_max" => sum(&of.overproduction),
            "tau_alpha" => sum(&of.overproduction_time),
            "psi" => sum(&of.stretching),
            "supply_line" => sum(&of.supply_line),
            "delta" => at(&of.severity, k),
            "p" => rate(&of.recovery_rate, ""),
            "q" => at(&of.steepness, k),
            "hold" => at(&of.hold, k),
            "gamma" => at(&of.demand_change, k),
            "dem_p" => rate(&of.demand_recovery_rate, "dem_"),
            "dem_q" => at(&of.demand_steepness, k),
            "dem_hold" => at(&of.demand_hold, k),
            "link_delta" => at(&of.link_severity, k),
            "link_p" => rate(&of.link_recovery_rate, "link_"),
            "link_q" => at(&of.link_steepness, k),
            "link_hold" => at(&of.link_hold, k),
            "z" => at(&of.capacity_path, k),
            "m" => at(&of.demand_path, k),
            "e" => at(&of.extra_demand, k),
            "capital" => at(&of.capital, k),
            "damage" => at(&of.damage, self.damage[k]),
            "share" => at(&of.builder_share, self.builder[k]),
            "reb_tau" => at(&of.rebuilding_time, k),
            "reb_factor" => at(&of.rebuilding_factor, k),
            other => panic!("no parameter is called {other}"),
        }
    }

    /// How far a simulation is from what is expected.
    pub fn errors(&self, simulation: &Simulation) -> Result<Errors> {
        let Self {
            network,
            params,
            shock,
            ..
        } = self;
        let mut out = Errors::default();
        let scale = network.output().iter().fold(0.0f64, |m, v| m.max(*v));
        let run = simulate(network, params, shock, simulation)?;
        let mut compare = |name: &str, found: &[f64], wide: usize, scale: f64| {
            let Some((times, expected)) = numbers(&self.folder.join(name)) else {
                return;
            };
            for (row, t) in times.iter().enumerate().filter(|(_, t)| **t > 0) {
                let found = &found[(t - 1) * wide..][..wide];
                for (a, b) in found.iter().zip(&expected[row * wide..][..wide]) {
                    let far = if a == b { 0.0 } else { (a - b).abs() / scale };
                    out.values = out
                        .values
                        .max(if far.is_nan() { f64::INFINITY } else { far });
                }
            }
        };
        let (firms, links) = (network.firms(), network.links());
        compare("x.csv", &run.output, firms, scale);
        if simulation.record == Record::Everything {
            compare("D.csv", &run.demand, firms, scale);
            compare("S.csv", &run.inventory, links, scale);
            compare("O.csv", &run.orders, links, scale);
            compare("unmet.csv", &run.unmet, firms, scale);
            compare("alpha.csv", &run.overproduction, firms, 1.0);
            compare("w.csv", &run.shares, links, 1.0);
            compare("left.csv", &run.damage_left, shock.rebuilding.len(), 1.0);
            out.limits = self.limits(&run);
        }
        let panel = self.folder.join("y.csv");
        if panel.exists() {
            let expected = crate::case::panel(&panel, network)?;
            let y = run.observe();
            for (k, (a, b)) in y.values.iter().zip(&expected.values).enumerate() {
                out.values = out.values.max((a - b).abs() / y.base[k % y.groups()]);
            }
        }
        let found = sensitivity(network, params, shock, simulation, &self.target)?;
        out.loss = (found.loss - self.loss).abs() / self.loss;
        let largest = self
            .gradient
            .iter()
            .fold(0.0f64, |m, (_, _, v)| m.max(v.abs()));
        for (name, k, expected) in &self.gradient {
            if let Some(found) = self.found(&found, name, *k) {
                let far = (found - expected).abs() / largest;
                out.gradient = out
                    .gradient
                    .max(if far.is_nan() { f64::INFINITY } else { far });
            } else {
                assert_eq!(
                    simulation.method,
                    Method::Kernels,
                    "{} has no {name}",
                    self.name()
                );
            }
        }
        Ok(out)
    }

    /// Limits that are others than expected, where the margin tells them apart.
    fn limits(&self, run: &Trajectory) -> usize {
        let of = |name: &str| numbers(&self.folder.join(name));
        let (Some((times, limit)), Some((_, margin))) = (of("limit.csv"), of("margin.csv")) else {
            return 0;
        };
        let firms = self.network.firms();
        let mut wrong = 0;
        for (row, t) in times.iter().enumerate() {
            for i in 0..firms {
                let (cell, at) = ((t - 1) * firms + i, row * firms + i);
                let told = margin[at] > 1e-6;
                wrong += usize::from(told && f64::from(run.limit[cell]) != limit[at]);
            }
        }
        wrong
    }

    /// The largest errors of the reference and of the kernels in a number format.
    pub fn check(&self, precision: Precision) -> Result<Errors> {
        let mut worst = Errors::default();
        for method in [Method::Reference, Method::Kernels] {
            let found = self.errors(&Simulation {
                precision,
                method,
                record: match method {
                    Method::Reference => Record::Everything,
                    Method::Kernels => Record::Output,
                },
                ..self.simulation.clone()
            })?;
            worst = Errors {
                values: worst.values.max(found.values),
                limits: worst.limits.max(found.limits),
                loss: worst.loss.max(found.loss),
                gradient: worst.gradient.max(found.gradient),
            };
        }
        Ok(worst)
    }
}

impl Errors {
    /// Whether they are what 64-bit floats allow.
    pub fn within_double(self) -> bool {
        self.values <= 1e-9 && self.limits == 0 && self.loss <= 1e-9 && self.gradient <= 1e-9
    }

    /// Whether they are what 32-bit floats allow; a gradient may, besides, take another side of a near-tie.
    pub fn within_single(self) -> bool {
        self.values <= 1e-5 && self.loss <= 1e-4 && self.gradient <= 5e-3
    }

    fn json(self) -> serde_json::Value {
        serde_json::json!({
            "values": self.values, "limits": self.limits, "loss": self.loss, "gradient": self.gradient,
        })
    }
}

/// What was checked of a case, and whether it passed: for `verify`.
pub fn report(dir: &Path) -> Result<(bool, serde_json::Value)> {
    let case = load(dir)?;
    let (double, single) = (
        case.check(Precision::Double)?,
        case.check(Precision::Single)?,
    );
    let passed = double.within_double() && (case.double_only || single.within_single());
    let json = serde_json::json!({
        "case": case.name(), "behaviour": case.simulation.model.words(), "passed": passed,
        "float64": double.json(), "float32": single.json(),
    });
    Ok((passed, json))
}
