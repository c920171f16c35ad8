//! Golden cases of every behaviour: an economy, a scenario, what is expected, and how far the model is from it.

use bullwhip::Result;
use bullwhip::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

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

/// A table: its header, and its rows.
type Table = (Vec<String>, Vec<Vec<String>>);

fn table(path: &Path) -> Option<Table> {
    let text = std::fs::read_to_string(path).ok()?;
    let cells = |line: &str| line.split(',').map(String::from).collect();
    let mut lines = text.lines();
    let header = cells(lines.next()?);
    Some((header, lines.map(cells).collect()))
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

fn whole(text: &str) -> usize {
    text.parse().expect("a whole number")
}

/// A column by its name, where it is there.
fn column(table: &Table, name: &str) -> Option<Vec<f64>> {
    let k = table.0.iter().position(|h| h == name)?;
    Some(table.1.iter().map(|row| number(&row[k])).collect())
}

/// A table without its first column, row by row, and that column.
fn numbers(path: &Path) -> Option<(Vec<usize>, Vec<f64>)> {
    let (_, rows) = table(path)?;
    let all = rows.iter().flat_map(|row| row[1..].iter());
    Some((
        rows.iter().map(|row| whole(&row[0])).collect(),
        all.map(|v| number(v)).collect(),
    ))
}

/// An option by the name that its family gives it.
fn choice<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, option: &serde_json::Value) -> T {
    // What is not said is the default, which is the first.
    let wanted = option.as_str().unwrap_or(name(all[0]));
    let found = all.iter().find(|one| name(**one) == wanted);
    *found.unwrap_or_else(|| panic!("no member is called {wanted}"))
}

/// The rationing rule that options say.
fn rationing(o: &serde_json::Value, by_link: bool) -> (Rationing, i32, i32) {
    let lower = o["within"] == "lower_first";
    let class = |name: &str| o[name].as_i64().unwrap_or(0) as i32;
    let (last, rebuild) = (class("final_class"), class("rebuild_class"));
    let rule = match (lower, last) {
        _ if by_link || rebuild != 0 && last != 0 => match lower {
            true => Rationing::PriorityLowerFirst,
            false => Rationing::Priority,
        },
        (false, 0) if rebuild == 0 => Rationing::Proportional,
        (false, 1) => Rationing::FinalLast,
        (false, -1) => Rationing::FinalFirst,
        (true, 0) => Rationing::LowerFirst,
        (true, 1) => Rationing::LowerFirstFinalLast,
        (true, _) => Rationing::PriorityLowerFirst,
        (false, _) => Rationing::Priority,
    };
    (rule, last, rebuild)
}

fn model(o: &serde_json::Value, by_link: bool, products: bool) -> Model {
    let (rationing, final_class, rebuild_class) = rationing(o, by_link);
    Model {
        production: choice(Production::ALL, Production::name, &o["rule"]),
        rationing,
        final_class,
        rebuild_class,
        combination: choice(Combination::ALL, Combination::name, &o["combine"]),
        substitution: if products {
            Substitution::Product
        } else {
            Substitution::None
        },
        division: choice(Division::ALL, Division::name, &o["division"]),
        overproduction: choice(
            Overproduction::ALL,
            Overproduction::name,
            &o["overproduction"],
        ),
        need: choice(Need::ALL, Need::name, &o["need"]),
        target: choice(StockTarget::ALL, StockTarget::name, &o["target"]),
        gap: choice(Gap::ALL, Gap::name, &o["gap"]),
        stock_seen: choice(StockSeen::ALL, StockSeen::name, &o["stock_seen"]),
    }
}

/// One hit as a table of events says it.
struct Hit {
    place: usize,
    start: usize,
    size: f64,
    rate: f64,
    steepness: f64,
    hold: f64,
    recovery: Recovery,
}

/// The hits of a table of events, and p where the rate is 1 over it. `place` is what a row hits.
fn hits(
    table: &Option<Table>,
    size: &str,
    place: impl Fn(&[String]) -> usize,
) -> (Vec<Hit>, Vec<Option<f64>>) {
    let (mut out, mut times) = (Vec::new(), Vec::new());
    let Some((header, rows)) = table else {
        return (out, times);
    };
    let at = |row: &[String], name: &str| -> f64 {
        let k = header.iter().position(|h| h == name);
        k.map_or(0.0, |k| {
            if row[k].is_empty() {
                0.0
            } else {
                number(&row[k])
            }
        })
    };
    let curve = header.iter().position(|h| h == "curve").expect("a curve");
    for row in rows {
        let recovery = Recovery::ALL.iter().find(|r| r.name() == row[curve]);
        let recovery = *recovery.expect("a recovery that is known");
        let p = at(row, "p");
        let is_rate = matches!(recovery, Recovery::Exponential | Recovery::Damped);
        times.push((!is_rate).then_some(p));
        let q = at(row, "q");
        out.push(Hit {
            place: place(row),
            start: at(row, "tstar") as usize,
            size: at(row, size),
            rate: if is_rate { p } else { 1.0 / p },
            steepness: if q > 0.0 { q } else { 1.0 },
            hold: at(row, "hold"),
            recovery,
        });
    }
    (out, times)
}

fn cells(table: &Option<Table>) -> Cells {
    let mut out = Cells::default();
    for row in table.iter().flat_map(|t| &t.1) {
        out.period.push(whole(&row[0]));
        out.firm.push(whole(&row[1]));
        out.value.push(number(&row[2]));
    }
    out
}

/// Damage and rebuilding, with the places of the rows of damage and of builders.
fn rebuilding(dir: &Path) -> (Vec<Rebuilding>, Vec<usize>, Vec<usize>) {
    let read = |name: &str| table(&dir.join(name)).map_or(Vec::new(), |t| t.1);
    let events = read("rebuild.csv");
    let ids: Vec<usize> = events.iter().map(|row| whole(&row[0])).collect();
    let mut all: Vec<Rebuilding> = events
        .iter()
        .map(|row| Rebuilding {
            start: whole(&row[1]),
            hold: whole(&row[2]),
            rebuilding_time: number(&row[3]),
            rebuilding_factor: number(&row[4]),
            ..Rebuilding::default()
        })
        .collect();
    let of = |row: &[String]| {
        ids.iter()
            .position(|id| *id == whole(&row[0]))
            .expect("an event")
    };
    let (mut at_damage, mut at_builder) = (Vec::new(), Vec::new());
    for row in &read("damage.csv") {
        let event = &mut all[of(row)];
        if row[1] == "-1" {
            event.households = number(&row[2]);
            at_damage.push((of(row), None));
        } else {
            event.firms.push(whole(&row[1]));
            event.damage.push(number(&row[2]));
            at_damage.push((of(row), Some(event.firms.len() - 1)));
        }
    }
    for row in &read("rebuilders.csv") {
        let event = &mut all[of(row)];
        event.builders.push(whole(&row[1]));
        event.builder_share.push(number(&row[2]));
        at_builder.push((of(row), event.builders.len() - 1));
    }
    let before = |k: usize, of: fn(&Rebuilding) -> usize| all[..k].iter().map(of).sum::<usize>();
    let damage = at_damage
        .into_iter()
        .map(|(k, place)| before(k, |r| r.firms.len() + 1) + place.unwrap_or(all[k].firms.len()));
    let damage = damage.collect();
    let builder = at_builder
        .into_iter()
        .map(|(k, place)| before(k, |r| r.builders.len()) + place)
        .collect();
    (all, damage, builder)
}

/// The network of a case, and whether some of its inputs have several suppliers.
fn network(dir: &Path) -> Result<(Network, bool)> {
    let firms = table(&dir.join("firms.csv")).expect("firms.csv");
    let edges = table(&dir.join("edges.csv")).expect("edges.csv");
    let text = |table: &Table, name: &str| -> Vec<String> {
        let k = table.0.iter().position(|h| h == name).expect("a column");
        table.1.iter().map(|row| row[k].clone()).collect()
    };
    let of = |table: &Table, name: &str| -> Vec<usize> {
        text(table, name).iter().map(|v| whole(v)).collect()
    };
    let network = Network::new(
        Firms {
            region: text(&firms, "region"),
            sector: text(&firms, "sector"),
            final_demand: column(&firms, "d").expect("d"),
            ..Firms::default()
        },
        Links {
            buyer: of(&edges, "buyer"),
            supplier: of(&edges, "supplier"),
            coefficient: column(&edges, "a").expect("a"),
            product: text(&edges, "product"),
            lag: of(&edges, "lag").iter().map(|v| *v as u32).collect(),
            class: column(&edges, "class")
                .expect("class")
                .iter()
                .map(|v| *v as i32)
                .collect(),
            ..Links::default()
        },
    )?;
    let several = network.inputs(Substitution::Product) < network.links();
    Ok((network, several))
}

/// Reads a case.
pub fn load(dir: &Path) -> Result<Case> {
    let text = std::fs::read_to_string(dir.join("meta.json")).expect("meta.json");
    let meta: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let o = &meta["options"];
    let (network, several) = network(dir)?;
    let firms = table(&dir.join("firms.csv")).expect("firms.csv");
    let mut params = Params {
        target_inventory: column(&firms, "n").expect("n"),
        adjustment_time: column(&firms, "tau").expect("tau"),
        capital: column(&firms, "capital").unwrap_or_default(),
        ..Params::default()
    };
    // Firms that lose no capital may be without.
    params.capital.iter_mut().for_each(|k| *k = k.max(1e-9));
    for (parameter, option) in [
        (&mut params.stretching, "psi"),
        (&mut params.mix, "mix"),
        (&mut params.trust_rate, "eta"),
        (&mut params.trust_floor, "floor"),
        (&mut params.overproduction, "alpha_max"),
        (&mut params.overproduction_time, "tau_alpha"),
        (&mut params.supply_line, "supply_line"),
    ] {
        let usual = match option {
            "psi" => 0.0,
            "eta" => 0.5,
            "floor" => 0.05,
            "alpha_max" => 1.25,
            "tau_alpha" => 365.0,
            _ => 1.0,
        };
        let value = o[option].as_f64().unwrap_or(usual);
        if value != usual {
            *parameter = vec![value; network.firms()];
        }
    }
    if let Some(inputs) = table(&dir.join("inputs.csv")) {
        let value = |name: &str| column(&inputs, name).expect("a column of inputs");
        let (n, tau, theta) = (value("n"), value("tau"), value("criticality"));
        let row: HashMap<(usize, &str), usize> = (inputs.1.iter().enumerate())
            .map(|(k, row)| ((whole(&row[0]), row[1].as_str()), k))
            .collect();
        for links in network.input_links(Substitution::Product) {
            let e = links[0] as usize;
            let product = &network.products()[network.product()[e] as usize];
            let k = row[&(network.buyer()[e] as usize, product.as_str())];
            params.input_inventory.push(n[k]);
            params.input_time.push(tau[k]);
            params.criticality.push(theta[k]);
        }
        if params.criticality.iter().all(|v| *v == 1.0) {
            params.criticality.clear();
        }
    }
    let read = |name: &str| table(&dir.join(name));
    let firm = |row: &[String]| whole(&row[1]);
    let link = |row: &[String]| {
        let (i, j) = (whole(&row[1]) as u32, whole(&row[2]) as u32);
        let both = network.buyer().iter().zip(network.supplier());
        both.clone()
            .position(|(b, s)| (*b, *s) == (i, j))
            .expect("a link")
    };
    let (supply, supply_times) = hits(&read("shocks.csv"), "delta", firm);
    let (demand, demand_times) = hits(&read("demand.csv"), "gamma", firm);
    let (links, link_times) = hits(&read("link_shocks.csv"), "delta", link);
    let (rebuilding, damage, builder) = rebuilding(dir);
    let shock = Shock {
        // A hit of each row: events whose curve differs between firms are several.
        events: (supply.into_iter())
            .map(|h| Event {
                start: h.start,
                firms: vec![h.place],
                severity: vec![h.size],
                recovery_rate: vec![h.rate],
                steepness: vec![h.steepness],
                hold: vec![h.hold],
                recovery: h.recovery,
            })
            .collect(),
        demand: (demand.into_iter())
            .map(|h| DemandEvent {
                start: h.start,
                firms: vec![h.place],
                demand_change: vec![h.size],
                demand_recovery_rate: vec![h.rate],
                demand_steepness: vec![h.steepness],
                demand_hold: vec![h.hold],
                recovery: h.recovery,
            })
            .collect(),
        links: (links.into_iter())
            .map(|h| LinkEvent {
                start: h.start,
                links: vec![h.place],
                link_severity: vec![h.size],
                link_recovery_rate: vec![h.rate],
                link_steepness: vec![h.steepness],
                link_hold: vec![h.hold],
                recovery: h.recovery,
            })
            .collect(),
        capacity_path: cells(&read("z_path.csv")),
        demand_path: cells(&read("demand_path.csv")),
        extra_demand: cells(&read("extra_demand.csv")),
        rebuilding,
    };
    let by_link = network.class().iter().any(|c| *c != 0);
    let gradient = read("grad.csv").map_or(Vec::new(), |t| t.1);
    Ok(Case {
        folder: dir.to_path_buf(),
        simulation: Simulation {
            periods: meta["T"].as_u64().expect("T") as usize,
            slack: o["slack"].as_f64().unwrap_or(0.2),
            model: model(o, by_link, several),
            precision: Precision::Double,
            device: Device::Cpu,
            ..Simulation::default()
        },
        target: match dir.join("target.csv").exists() {
            true => crate::case::panel(&dir.join("target.csv"), &network)?,
            // A case of values alone.
            false => Observation::from_values(&network, vec![0.0; network.groups().len()])?,
        },
        loss: meta["loss_rel_mse"].as_f64().unwrap_or(f64::NAN),
        double_only: o["overproduction"] == "boario",
        gradient: (gradient.iter())
            .map(|row| (row[0].clone(), whole(&row[1]), number(&row[2])))
            .collect(),
        times: HashMap::from([
            ("", supply_times),
            ("dem_", demand_times),
            ("link_", link_times),
        ]),
        damage,
        builder,
        network,
        params,
        shock,
    })
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
