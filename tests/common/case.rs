//! A golden case on disk: its inputs, its expected numbers, and how far the model is from them.

use bullwhip::Result;
use bullwhip::prelude::*;
use std::path::Path;

/// Largest errors of one rule of a case in one number format, by the kernels or by the reference.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errors {
    /// Output, relative to the largest steady output.
    pub x: f64,
    /// Group output, relative to the group's steady level.
    pub y: f64,
    /// Loss, relative.
    pub loss: f64,
    /// Gradients, relative to the largest entry of the same parameter.
    pub gradient: f64,
}

impl Errors {
    /// The larger of each.
    fn or(self, other: Self) -> Self {
        Self {
            x: self.x.max(other.x),
            y: self.y.max(other.y),
            loss: self.loss.max(other.loss),
            gradient: self.gradient.max(other.gradient),
        }
    }
}

/// What was checked of one rule of a case.
pub struct Report {
    pub case: String,
    pub rule: &'static str,
    pub single: Errors,
    pub double: Errors,
}

/// Tolerances: (values, loss, gradient). Single precision follows float32's rounding over the
/// horizon; the gradient may, besides, take another side where single precision rounds a near-tie.
const DOUBLE: (f64, f64, f64) = (1e-9, 1e-9, 1e-9);
const SINGLE: (f64, f64, f64) = (2e-5, 1e-4, 5e-3);

impl Errors {
    fn within(self, (values, loss, gradient): (f64, f64, f64)) -> bool {
        self.x <= values && self.y <= values && self.loss <= loss && self.gradient <= gradient
    }

    /// Whether they are what 32-bit floats allow.
    pub fn within_single(self) -> bool {
        self.within(SINGLE)
    }
}

impl Report {
    pub fn passed(&self) -> bool {
        self.double.within(DOUBLE) && self.single.within_single()
    }

    pub fn json(&self) -> serde_json::Value {
        let part = |e: Errors| serde_json::json!({ "x": e.x, "y": e.y, "loss": e.loss, "gradient": e.gradient });
        serde_json::json!({
            "case": self.case, "rule": self.rule, "passed": self.passed(),
            "float64": part(self.double), "float32": part(self.single),
        })
    }
}

/// A CSV file of numbers with a header.
fn table(path: &Path) -> Result<(Vec<String>, Vec<Vec<f64>>)> {
    let fail = |fact: String| {
        Error::new(
            path.display().to_string(),
            fact,
            "see tests/golden/README.md",
        )
    };
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    let mut lines = text.lines();
    let header = lines
        .next()
        .unwrap_or_default()
        .split(',')
        .map(String::from)
        .collect();
    let rows = lines
        .map(|line| {
            line.split(',')
                .map(|cell| {
                    cell.parse()
                        .map_err(|_| fail(format!("{cell:?} is not a number")))
                })
                .collect()
        })
        .collect::<Result<_>>()?;
    Ok((header, rows))
}

/// The economy, parameters and scenario of a case directory.
pub fn inputs(dir: &Path) -> Result<(Network, Params, Shock)> {
    let network = Network::from_csv(dir.join("firms.csv"), dir.join("edges.csv"))?;
    let (header, firms) = table(&dir.join("firms.csv"))?;
    let column = |name: &str| -> Vec<f64> {
        let k = header
            .iter()
            .position(|h| h == name)
            .expect("a column of the case layout");
        firms.iter().map(|row| row[k]).collect()
    };
    let params = Params {
        target_inventory: column("n"),
        adjustment_time: column("tau"),
        ..Params::default()
    };
    Ok((network, params, shock(&dir.join("shocks.csv"))?))
}

/// Events of a shocks.csv, in the order of their numbers.
pub fn shock(path: &Path) -> Result<Shock> {
    let mut events: Vec<Event> = Vec::new();
    for row in table(path)?.1 {
        let k = row[0] as usize;
        events.resize(
            events.len().max(k + 1),
            Event {
                start: 1,
                ..Event::default()
            },
        );
        events[k].start = row[2] as usize;
        events[k].firms.push(row[1] as usize);
        events[k].severity.push(row[3]);
        events[k].recovery_rate.push(row[4]);
    }
    Ok(Shock {
        events,
        ..Shock::none()
    })
}

/// A `t,r{region}_s{sector},…` table as a panel in the network's order of groups.
pub fn panel(path: &Path, network: &Network) -> Result<Observation> {
    let (header, rows) = table(path)?;
    let column: Vec<usize> = network
        .groups()
        .iter()
        .map(|&(r, s)| format!("r{}_s{}", network.regions()[r], network.sectors()[s]))
        .map(|name| {
            header
                .iter()
                .position(|h| *h == name)
                .expect("a group of the case")
        })
        .collect();
    let values = rows
        .iter()
        .flat_map(|row| column.iter().map(|k| row[*k]))
        .collect();
    Observation::from_values(network, values)
}

fn largest(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    pairs.fold(0.0, |m, (a, b)| {
        if (a - b).is_nan() {
            f64::INFINITY
        } else {
            m.max((a - b).abs())
        }
    })
}

/// The cases of a directory: for each rule that it has expectations for, how to run it, and the
/// expected loss.
fn rules(dir: &Path) -> Result<Vec<(Simulation, Option<f64>)>> {
    let text = std::fs::read_to_string(dir.join("meta.json")).map_err(|e| {
        Error::new(
            dir.display().to_string(),
            e.to_string(),
            "give a case directory",
        )
    })?;
    let meta: serde_json::Value = serde_json::from_str(&text)
        .map_err(|e| Error::new("meta.json", e.to_string(), "give a case directory"))?;
    let both = [Production::Capacity, Production::Paper].into_iter();
    let of = |rule: Production| {
        let expected = &meta["rules"][rule.name()];
        let simulation = Simulation {
            periods: meta["T"].as_u64().unwrap_or_default() as usize,
            slack: meta["slack"].as_f64().unwrap_or(f64::NAN),
            model: Model {
                production: rule,
                ..Model::default()
            },
            device: Device::Cpu,
            ..Simulation::default()
        };
        (!expected.is_null()).then(|| (simulation, expected["loss_rel_mse"].as_f64()))
    };
    Ok(both.filter_map(of).collect())
}

/// The errors of the kernels of a device in 32 bits, for every rule that the directory has
/// expectations for.
pub fn check_on(dir: &Path, device: Device) -> Result<Vec<(&'static str, Errors)>> {
    let (network, params, shock) = inputs(dir)?;
    let check = |(mut simulation, loss): (Simulation, Option<f64>)| {
        simulation.device = device;
        let found = errors(dir, &network, &params, &shock, &simulation, loss)?;
        Ok((simulation.model.production.name(), found))
    };
    rules(dir)?.into_iter().map(check).collect()
}

/// Checks every rule that the directory has expectations for, on the CPU.
pub fn check(dir: &Path) -> Result<Vec<Report>> {
    let (network, params, shock) = inputs(dir)?;
    let mut reports = Vec::new();
    for (simulation, loss) in rules(dir)? {
        let run = |precision| -> Result<Errors> {
            let mut worst = Errors::default();
            for method in [Method::Kernels, Method::Reference] {
                // Large economies are for the kernels only.
                if method == Method::Reference && network.links() > 5000 {
                    continue;
                }
                let simulation = Simulation {
                    precision,
                    method,
                    ..simulation.clone()
                };
                let found = errors(dir, &network, &params, &shock, &simulation, loss)?;
                worst = worst.or(found);
            }
            Ok(worst)
        };
        reports.push(Report {
            case: dir
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            rule: simulation.model.production.name(),
            single: run(Precision::Single)?,
            double: run(Precision::Double)?,
        });
    }
    Ok(reports)
}

fn errors(
    dir: &Path,
    network: &Network,
    params: &Params,
    shock: &Shock,
    simulation: &Simulation,
    loss: Option<f64>,
) -> Result<Errors> {
    let file = |what: &str| dir.join(format!("{}_{what}.csv", simulation.model.production.name()));
    let run = simulate(network, params, shock, simulation)?;
    let mut out = Errors::default();
    let scale = network.output().iter().fold(0.0f64, |m, v| m.max(*v));
    // Large cases leave out x.csv and the gradients of shocks.
    if file("x").exists() {
        for row in table(&file("x"))?.1 {
            let simulated = run
                .output_at(row[0] as usize)
                .expect("a period")
                .into_iter();
            out.x = out
                .x
                .max(largest(simulated.zip(row[1..].iter().copied())) / scale);
        }
    }
    let y = run.observe();
    if file("y").exists() {
        let expected = panel(&file("y"), network)?;
        let g = y.groups();
        let relative = |o: &Observation| -> Vec<f64> {
            o.values
                .iter()
                .enumerate()
                .map(|(k, v)| v / y.base[k % g])
                .collect()
        };
        out.y = largest(relative(&y).into_iter().zip(relative(&expected)));
    }
    let target = panel(&file("target"), network)?;
    let found = sensitivity(network, params, shock, simulation, &target)?;
    if let Some(loss) = loss {
        // A loss of exactly zero has no relative error: then the absolute one counts.
        out.loss = (found.loss - loss).abs() / if loss == 0.0 { 1.0 } else { loss };
    }
    let mut compare = |found: &[f64], expected: Vec<f64>| {
        let size = expected
            .iter()
            .fold(0.0f64, |m, v| m.max(v.abs()))
            .max(1e-12);
        out.gradient = out
            .gradient
            .max(largest(found.iter().copied().zip(expected)) / size);
    };
    if file("grad").exists() {
        let rows = table(&file("grad"))?.1;
        compare(&found.target_inventory, rows.iter().map(|r| r[1]).collect());
        compare(&found.adjustment_time, rows.iter().map(|r| r[2]).collect());
    }
    if file("grad_shocks").exists() {
        let rows = table(&file("grad_shocks"))?.1;
        compare(&found.severity, rows.iter().map(|r| r[2]).collect());
        compare(&found.recovery_rate, rows.iter().map(|r| r[3]).collect());
    }
    Ok(out)
}
