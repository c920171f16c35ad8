//! Reads the tables of a golden case.

use super::Case;
use bullwhip::Result;
use bullwhip::prelude::*;
use std::collections::HashMap;
use std::path::Path;

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
pub(super) fn numbers(path: &Path) -> Option<(Vec<usize>, Vec<f64>)> {
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
