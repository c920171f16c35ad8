//! What a state is of: problem, method and seed, told in words and hashes.

use super::FORMAT;
use crate::infer::method::Options;
use crate::infer::{Parameter, Problem};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::Xxh3;

/// Facts by their names, as "problem.noise" or "Svi.particles".
pub(crate) type Facts = BTreeMap<String, String>;

/// Everything in a problem that its numbers depend on.
#[derive(Serialize)]
struct ProblemFacts {
    network: String,
    simulation: String,
    params: String,
    shock: String,
    observed: String,
    priors: String,
    loss: String,
    noise: f64,
}

/// Everything that the numbers of a fit depend on.
pub(crate) fn fingerprint(problem: &Problem, options: &dyn Options, seed: u64) -> Facts {
    let mut facts = Facts::from([
        ("format".into(), FORMAT.into()),
        ("method".into(), options.name().into()),
        ("run.seed".into(), seed.to_string()),
    ]);
    // The variant's name stands before its options.
    let method = json(&options.lasting());
    for (name, options) in method.as_object().into_iter().flatten() {
        add(&mut facts, name, options);
    }
    add(&mut facts, "problem", &json(&of_problem(problem)));
    facts
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("numbers and text")
}

/// Adds the fields of a struct, each under its name.
fn add(facts: &mut Facts, owner: &str, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_string);
        facts.insert(format!("{owner}.{name}"), text);
    }
}

/// A hash of numbers, in which all that are missing are the same.
fn hash(values: impl Iterator<Item = f64>) -> u64 {
    let mut sum = Xxh3::new();
    for v in values {
        // There are many NaN, and all of them mean "missing".
        let v = if v.is_nan() { f64::NAN } else { v };
        sum.update(&v.to_le_bytes());
    }
    sum.digest()
}

fn of_problem(problem: &Problem) -> ProblemFacts {
    let Problem {
        simulation,
        priors,
        noise,
        loss,
        scale,
        weights,
        noise_prior,
        ..
    } = problem;
    let missing: usize = problem.scenarios().map(|(_, o)| o.missing()).sum();
    let events: usize = problem.scenarios().map(|(s, _)| s.events.len()).sum();
    ProblemFacts {
        network: of_network(problem),
        simulation: format!(
            "{} periods, {:?}, slack {:?}, {:?}, {:?}",
            simulation.periods,
            simulation.model,
            simulation.slack,
            simulation.precision,
            simulation.method
        ),
        params: fixed(problem, false),
        shock: format!(
            "{events} events, {:016x} {}",
            hash(events_of(problem)),
            fixed(problem, true)
        ),
        observed: format!("{missing} missing, {:016x}", hash(panels_of(problem))),
        priors: format!("{:?}", priors.varying()),
        loss: match noise_prior {
            None => format!("{loss:?}, {scale:?}, weights {weights:?}"),
            Some(prior) => format!("{loss:?}, {scale:?}, weights {weights:?}, {prior:?}"),
        },
        noise: *noise,
    }
}

/// Hashes of the parameters that do not vary, of the shock or of the firms; the values of one that varies do not matter.
fn fixed(problem: &Problem, of_shock: bool) -> String {
    let varying = problem.priors.varying();
    let all = Parameter::ALL.iter().filter(|p| p.of_shock() == of_shock);
    let each = all.filter_map(|parameter| {
        let varies = varying.iter().any(|(p, _, _)| p == parameter);
        let values = match varies {
            true => Vec::new(),
            false => problem.fixed(*parameter),
        };
        // What is left out is not told, so that a state is still of its problem where there are new parameters.
        let told = !values.is_empty() || varies;
        told.then(|| format!("{} {:016x}", parameter.name(), hash(values.into_iter())))
    });
    each.collect::<Vec<_>>().join(" ")
}

fn of_network(problem: &Problem) -> String {
    let network = &problem.network;
    let whole = |v: &[u32]| -> Vec<f64> { v.iter().map(|k| f64::from(*k)).collect() };
    let links = whole(network.buyer())
        .into_iter()
        .chain(whole(network.supplier()))
        .chain(network.coefficient().iter().copied());
    let firms = network.output().iter().chain(network.final_demand());
    let groups = whole(network.group()).into_iter();
    // Nothing where it is the default, so that states of before are still of their problems.
    let carried = network.carried_numbers().into_iter();
    format!(
        "{} firms, {} links, {} groups, {:016x}",
        network.firms(),
        network.links(),
        network.groups().len(),
        hash(links.chain(firms.copied()).chain(groups).chain(carried))
    )
}

/// When which firms and links are hit, and how they recover; what has paths and rebuilds: -1 ends an event, -2 a scenario.
fn events_of(problem: &Problem) -> impl Iterator<Item = f64> {
    problem.scenarios().flat_map(|(shock, _)| {
        let mut out: Vec<f64> = Vec::new();
        let mut event = |start: usize, recovery: u8, places: &[usize]| {
            out.extend([start as f64, f64::from(recovery)]);
            out.extend(places.iter().map(|i| *i as f64));
            out.push(-1.0);
        };
        for e in &shock.events {
            event(e.start, e.recovery as u8, &e.firms);
        }
        for e in &shock.demand {
            event(e.start, 32 + e.recovery as u8, &e.firms);
        }
        for e in &shock.links {
            event(e.start, 64 + e.recovery as u8, &e.links);
        }
        for (k, cells) in [
            &shock.capacity_path,
            &shock.demand_path,
            &shock.extra_demand,
        ]
        .into_iter()
        .enumerate()
        .filter(|(_, cells)| !cells.value.is_empty())
        {
            event(k, 96, &cells.period);
            event(k, 96, &cells.firm);
        }
        for r in &shock.rebuilding {
            event(r.start, 97, &r.firms);
            event(r.hold, 97, &r.builders);
        }
        out.push(-2.0);
        out
    })
}

/// All that is observed.
fn panels_of(problem: &Problem) -> impl Iterator<Item = f64> {
    let totals = problem.totals.iter().flat_map(|t| {
        let groups = t.groups.iter().map(|g| *g as f64);
        groups.chain(t.values.iter().copied()).chain([-1.0])
    });
    problem
        .scenarios()
        .flat_map(|(_, o)| o.values.iter().chain(&o.base).copied())
        .chain(totals)
}
