//! What networks, scenarios and results say of themselves in a few facts.

use super::economy;
use super::table::number;
use crate::infer::{
    Check, Learnt, Outcome, Posterior, Prediction, Problem, Sbc, Sensitivity, WhatIf,
};
use crate::model::{Model, Parameter, Params, Shock};
use crate::observe::Observation;
use crate::simulate::{Device, DeviceInfo, Trajectory};
use crate::table::{Disaggregated, InputOutput};

/// A title and its facts.
pub(super) type Card = (String, Vec<(&'static str, String)>);

pub(super) fn range(values: &[f64]) -> String {
    let (low, high) = values
        .iter()
        .filter(|v| !v.is_nan())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(*v), b.max(*v))
        });
    if low > high {
        "none".into()
    } else {
        format!("{} to {}", number(low), number(high))
    }
}

pub(super) fn params(p: &Params) -> Card {
    let mut facts = vec![("firms", p.target_inventory.len().to_string())];
    facts.extend(
        p.each()
            .filter(|(_, values)| !values.is_empty())
            .map(|(parameter, values)| (parameter.label(), range(values))),
    );
    facts.extend(p.warnings().into_iter().map(|w| ("note", w)));
    ("Parameters".into(), facts)
}

pub(super) fn shock(s: &Shock) -> Card {
    let each = |k: usize, e: &crate::model::Event| {
        let all = e.each();
        let values: String = all
            .filter(|(_, values)| !values.is_empty())
            .map(|(p, values)| format!(", {} {}", p.words(), range(values)))
            .collect();
        (
            "event",
            format!(
                "{k}: from period {}, {} firms, {} recovery{values}",
                e.start,
                e.firms.len(),
                e.recovery.name()
            ),
        )
    };
    let mut facts: Vec<_> = s
        .events
        .iter()
        .take(12)
        .enumerate()
        .map(|(k, e)| each(k, e))
        .collect();
    if s.events.len() > 12 {
        facts.push(("and", format!("{} more events", s.events.len() - 12)));
    }
    for (k, e) in s.demand.iter().take(12).enumerate() {
        let change = range(&e.demand_change);
        let text = format!(
            "{k}: from period {}, {} firms, {} recovery, change of demand {change}",
            e.start,
            e.firms.len(),
            e.recovery.name()
        );
        facts.push(("demand event", text));
    }
    for (k, e) in s.links.iter().take(12).enumerate() {
        let severity = range(&e.link_severity);
        let text = format!(
            "{k}: from period {}, {} links, {} recovery, severity {severity}",
            e.start,
            e.links.len(),
            e.recovery.name()
        );
        facts.push(("link event", text));
    }
    for (name, cells) in [
        ("capacity path", &s.capacity_path),
        ("demand path", &s.demand_path),
        ("extra demand", &s.extra_demand),
    ] {
        if !cells.value.is_empty() {
            let text = format!("{} values, {}", cells.value.len(), range(&cells.value));
            facts.push((name, text));
        }
    }
    for (k, r) in s.rebuilding.iter().enumerate() {
        let damage = r.damage.iter().sum::<f64>() + r.households;
        let text = format!(
            "{k}: from period {}, {damage:.4} of capital destroyed, of {} firms and households, rebuilt by {} firms over {} periods",
            r.start,
            r.firms.len(),
            r.builders.len(),
            r.rebuilding_time
        );
        facts.push(("rebuilding", text));
    }
    let events = s.events.len() + s.demand.len() + s.links.len() + s.rebuilding.len();
    (format!("Scenario: {events} events"), facts)
}

/// A behaviour in words.
pub(super) fn behaviour(model: &Model) -> String {
    match *model == Model::default() {
        true => "default (Hamid et al. 2025)".into(),
        false => model.words(),
    }
}

pub(super) fn trajectory(t: &Trajectory) -> Card {
    let total = t.total();
    let steady: f64 = t.network.output().iter().sum();
    let worst = (1..=total.len())
        .min_by(|a, b| total[a - 1].total_cmp(&total[b - 1]))
        .unwrap_or(0);
    let mut facts = vec![
        (
            "periods, firms",
            format!("{}, {}", t.periods, t.network.firms()),
        ),
        (
            "output lost",
            format!("{:.2} % of the steady output", 100.0 * t.loss_share()),
        ),
        (
            "worst period",
            format!(
                "{worst}, at {:.1} % of the steady output",
                100.0 * total.get(worst.wrapping_sub(1)).copied().unwrap_or(steady) / steady
            ),
        ),
        (
            "last period",
            format!(
                "{:.1} %",
                100.0 * total.last().copied().unwrap_or(steady) / steady
            ),
        ),
    ];
    facts.push(("behaviour", behaviour(&t.model)));
    facts.push(("computed on", t.device.clone()));
    facts.extend(t.warnings.iter().map(|w| ("note", w.clone())));
    ("Simulation".into(), facts)
}

pub(super) fn devices(all: &[DeviceInfo]) -> (&'static str, Vec<(String, String)>) {
    let one = |info: &DeviceInfo| {
        let emulated = info.software && info.device != Device::Cpu;
        let note = if emulated {
            ", emulated by the CPU"
        } else {
            ""
        };
        (info.device.to_string(), format!("{}{note}", info.name))
    };
    ("Devices", all.iter().map(one).collect())
}

pub(super) fn observation(o: &Observation) -> Card {
    let lowest = (0..o.groups()).flat_map(|g| o.index(g)).collect::<Vec<_>>();
    (
        "Panel".into(),
        vec![
            ("groups, periods", format!("{}, {}", o.groups(), o.periods)),
            ("missing cells", o.missing().to_string()),
            ("index (steady state = 100)", range(&lowest)),
        ],
    )
}

pub(super) fn problem(p: &Problem) -> Card {
    let varying: Vec<String> = p
        .unknowns()
        .iter()
        .map(|(parameter, count)| format!("{} ({count})", parameter.words()))
        .collect();
    let cells: usize = p
        .scenarios()
        .map(|(_, o)| o.values.len() - o.missing())
        .sum();
    let mut facts = vec![
        ("to be learnt", varying.join(", ")),
        ("observed cells", cells.to_string()),
        ("relative noise σ", number(p.noise)),
        ("behaviour", behaviour(&p.simulation.model)),
    ];
    match p.check() {
        Ok(()) => facts.extend(p.warnings().into_iter().map(|w| ("note", w))),
        Err(e) => facts.push(("cannot be calibrated", e.to_string())),
    }
    ("Calibration problem".into(), facts)
}

pub(super) fn posterior(p: &Posterior) -> Card {
    let mut facts = vec![
        (
            "evaluations, time",
            format!(
                "{}, {:.1} s{}",
                p.evaluations,
                p.seconds,
                if p.stopped { " (stopped early)" } else { "" }
            ),
        ),
        ("computed on", p.device.clone()),
        (
            "loss of the posterior draws",
            format!("{:.3e}", p.predictive.loss(&p.observed)),
        ),
    ];
    for l in &p.parameters {
        facts.push((
            l.parameter.name(),
            format!(
                "means {} (prior median {}){}",
                range(&l.mean),
                number(l.prior.value(0.0)),
                narrower(p, l)
            ),
        ));
    }
    if p.stopped {
        facts.push(("draws", p.draws.to_string()));
    }
    facts.extend(super::told::inference(p));
    if !p.pareto_k.is_nan() {
        let verdict = match p.pareto_k {
            k if k < 0.7 => {
                "where the guide is, it is close to the posterior; it does not see other places"
            }
            _ => "the guide is only an approximation: its intervals may be too narrow, see sbc",
        };
        facts.push(("Pareto k-hat", format!("{:.2}: {verdict}", p.pareto_k)));
    }
    // Before what can be read from it.
    let warnings = p.warnings.iter().map(|w| ("warning", w.clone()));
    facts.splice(0..0, warnings);
    if p.convergence.reached() {
        facts.push(("what the data say", p.identification()));
    }
    (format!("Posterior by {}", p.method), facts)
}

/// How many entries the data speak about, where that can be told.
fn narrower(p: &Posterior, l: &Learnt) -> String {
    match p.convergence.reached() && !p.is_point() {
        true => format!(
            "; {:.0} % of {} entries at least 10 % narrower than the prior",
            100.0 * l.informed(0.1),
            l.len()
        ),
        false => format!("; {} entries", l.len()),
    }
}

/// A share in per cent with its 5-95 % range.
fn percent(values: &[f64]) -> String {
    let (mean, low, high) = Outcome::band(values);
    format!(
        "{:.2} % (5-95 %: {:.2} to {:.2} %)",
        100.0 * mean,
        100.0 * low,
        100.0 * high
    )
}

pub(super) fn outcome(o: &Outcome) -> Card {
    let back: Vec<f64> = o
        .recovery
        .iter()
        .copied()
        .filter(|r| r.is_finite())
        .collect();
    let mut facts = vec![
        (
            "draws, periods",
            format!("{}, {}", o.lost.len(), o.prediction.mean.periods),
        ),
        ("output lost", percent(&o.lost)),
        ("of it direct, by own capacity", percent(&o.direct)),
        (
            "of it indirect, by suppliers and customers",
            percent(&o.indirect()),
        ),
    ];
    let (mean, low, high) = Outcome::band(&back);
    facts.push((
        "periods until 95 % of the steady output",
        match (back.len(), o.recovery.len() - back.len()) {
            (0, _) => "not within these periods".into(),
            (_, 0) => format!("{mean:.1} (5-95 %: {low:.0} to {high:.0})"),
            (_, n) => format!("{mean:.1} where it is back; in {n} draws it is not"),
        },
    ));
    ("What would happen".into(), facts)
}

pub(super) fn what_if(w: &WhatIf) -> Card {
    let mut facts = vec![(
        "shock",
        match &w.shock {
            None => "the observed one".into(),
            Some(s) => format!("{} events, {} hits", s.events.len(), s.hits()),
        },
    )];
    for p in &w.policies {
        facts.push((
            "policy",
            format!(
                "{} firms: target inventory {:+} periods, adjustment time x {}",
                p.firms.len(),
                p.more_inventory,
                p.slower
            ),
        ));
    }
    ("A world".into(), facts)
}

pub(super) fn check(c: &Check) -> Card {
    let mut facts: Vec<_> = [0.5, 0.9]
        .map(|level| {
            let name = if level < 0.9 {
                "in 50 % intervals"
            } else {
                "in 90 % intervals"
            };
            (
                name,
                format!("{:.0} % of the observed cells", 100.0 * c.coverage(level)),
            )
        })
        .into();
    let worst: Vec<String> = c
        .worst(0.9)
        .iter()
        .take(3)
        .map(|(label, share)| format!("{label} ({:.0} %)", 100.0 * share))
        .collect();
    facts.push(("worst groups, in 90 % intervals", worst.join(", ")));
    if let Some(note) = c.note() {
        facts.push(("note", note));
    }
    ("Predictive check".into(), facts)
}

pub(super) fn prediction(p: &Prediction) -> Card {
    (
        "Prediction".into(),
        vec![
            ("draws", p.draws.to_string()),
            (
                "groups, periods",
                format!("{}, {}", p.mean.groups(), p.mean.periods),
            ),
        ],
    )
}

pub(super) fn sensitivity(s: &Sensitivity) -> Card {
    let mut facts = vec![("loss", format!("{:.4e}", s.loss))];
    let each = Parameter::ALL.iter();
    facts.extend(each.map(|p| (p.words(), range(s.of(*p)))));
    ("Sensitivity of the loss".into(), facts)
}

pub(super) fn sbc(s: &Sbc) -> Card {
    let mut facts = vec![(
        "runs, time",
        format!(
            "{}, {:.1} s{}",
            s.runs,
            s.seconds,
            if s.stopped { " (stopped early)" } else { "" }
        ),
    )];
    for r in &s.parameters {
        let cover = |level| format!("{:.0} %", 100.0 * r.coverage(level));
        facts.push((
            r.parameter.name(),
            format!(
                "50 % intervals hold {} of the true values, 90 % intervals {}",
                cover(0.5),
                cover(0.9)
            ),
        ));
    }
    if s.doubted > 0 {
        facts.push((
            "warning",
            format!(
                "{} of the {} calibrations have not converged or do not fit their panel: give Svi.steps more",
                s.doubted, s.runs
            ),
        ));
    }
    ("Simulation-based calibration".into(), facts)
}

pub(super) fn input_output(t: &InputOutput) -> Card {
    let n = t.len();
    let total: f64 = t.output.iter().sum();
    let used = t.flows.iter().filter(|z| **z != 0.0).count();
    let names: Vec<&str> = t.demand.iter().map(|c| c.name.as_str()).collect();
    let shown = |names: &[&str]| match names.len() {
        0 => "none".into(),
        k if k > 6 => format!("{}, … ({k} in all)", names[..6].join(", ")),
        _ => names.join(", "),
    };
    let primary: Vec<&str> = t.primary.iter().map(|p| p.name.as_str()).collect();
    let mut facts = vec![
        (
            "rows × columns",
            format!(
                "{n} × {n}, {:.1} % of the flows zero",
                100.0 * (1.0 - used as f64 / (n * n).max(1) as f64)
            ),
        ),
        ("regions", t.region_names().len().to_string()),
        ("output", number(total)),
        (
            "of it final demand",
            format!(
                "{:.1} %",
                100.0 * t.final_demand().iter().sum::<f64>() / total
            ),
        ),
        ("columns of final demand", shown(&names)),
        ("rows below the sectors", shown(&primary)),
    ];
    if !t.imports.is_empty() {
        facts.push((
            "imports in flows and final demand",
            number(t.imports.iter().sum()),
        ));
    }
    if let Ok(shares) = t.input_shares() {
        facts.push(("inputs per unit of output", range(&shares)));
    }
    facts.push((
        "findings",
        format!("{}, see findings()", t.findings().len()),
    ));
    facts.extend(t.notes.iter().map(|w| ("note", w.clone())));
    (format!("Input-output table ({})", t.layout.name()), facts)
}

pub(super) fn disaggregated(d: &Disaggregated) -> Card {
    let (title, mut facts) = economy::network(&d.network);
    facts.extend([
        (
            "flows against the table's",
            format!("{:.1e} at most, relative", d.flow_error),
        ),
        (
            "final demand and output",
            format!("{:.1e} at most, relative", d.output_error),
        ),
        (
            "firms' output against drawn sizes",
            format!("{:.2} % off", 100.0 * d.size_error),
        ),
        (
            "firms' inputs against their sector's share",
            format!(
                "{:.2} % off after {} rounds",
                100.0 * d.input_error,
                d.rounds
            ),
        ),
        ("firms with inputs above output", d.loss_making.to_string()),
    ]);
    (title, facts)
}
