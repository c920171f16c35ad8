//! What networks, scenarios and results say of themselves in a few facts.

use super::table::number;
use crate::infer::{Posterior, Prediction, Problem, Sbc, Sensitivity};
use crate::model::{Params, Shock};
use crate::network::Network;
use crate::observe::Observation;
use crate::simulate::Trajectory;

/// A title and its facts.
pub(super) type Card = (String, Vec<(&'static str, String)>);

fn range(values: &[f64]) -> String {
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

pub(super) fn network(n: &Network) -> Card {
    let total: f64 = n.output().iter().sum();
    let final_demand: f64 = n.final_demand().iter().sum();
    let mut largest: Vec<usize> = (0..n.firms()).collect();
    largest.sort_by(|a, b| n.output()[*b].total_cmp(&n.output()[*a]));
    let top: Vec<String> = largest
        .iter()
        .take(3)
        .map(|&i| format!("{} ({:.1} %)", n.name(i), 100.0 * n.output()[i] / total))
        .collect();
    let most = |csr: &crate::network::Csr| (0..n.firms()).map(|i| csr.degree(i)).max().unwrap_or(0);
    (
        "Economy".into(),
        vec![
            ("firms", n.firms().to_string()),
            (
                "links",
                format!(
                    "{} ({:.1} suppliers a firm)",
                    n.links(),
                    n.links() as f64 / n.firms().max(1) as f64
                ),
            ),
            (
                "regions × sectors",
                format!(
                    "{} × {}, {} groups with firms",
                    n.regions().len(),
                    n.sectors().len(),
                    n.groups().len()
                ),
            ),
            ("output per period", number(total)),
            (
                "of it final demand",
                format!("{:.1} %", 100.0 * final_demand / total),
            ),
            (
                "most suppliers, most customers",
                format!("{}, {}", most(n.by_buyer()), most(n.by_supplier())),
            ),
            ("largest firms", top.join(", ")),
        ],
    )
}

pub(super) fn params(p: &Params) -> Card {
    let mut facts = vec![
        ("firms", p.target_inventory.len().to_string()),
        (
            "target inventory n (periods of use)",
            range(&p.target_inventory),
        ),
        ("adjustment time τ (periods)", range(&p.adjustment_time)),
    ];
    facts.extend(p.warnings().into_iter().map(|w| ("note", w)));
    ("Parameters".into(), facts)
}

pub(super) fn shock(s: &Shock) -> Card {
    let each = |k: usize, e: &crate::model::Event| {
        (
            "event",
            format!(
                "{k}: from period {}, {} firms, severity {}, recovery rate {}",
                e.start,
                e.firms.len(),
                range(&e.severity),
                range(&e.recovery_rate)
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
    (format!("Scenario: {} events", s.events.len()), facts)
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
    facts.extend(t.warnings.iter().map(|w| ("note", w.clone())));
    ("Simulation".into(), facts)
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
        .priors
        .varying()
        .iter()
        .map(|(q, _, _)| format!("{} ({})", q.name().replace('_', " "), p.entries(*q)))
        .collect();
    (
        "Calibration problem".into(),
        vec![
            ("to be learnt", varying.join(", ")),
            (
                "observed cells",
                (p.observed.values.len() - p.observed.missing()).to_string(),
            ),
            ("relative noise σ", number(p.noise)),
        ],
    )
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
        (
            "loss of the posterior draws",
            format!("{:.3e}", p.predictive.loss(&p.observed)),
        ),
    ];
    for l in &p.parameters {
        facts.push((
            l.parameter.name(),
            format!(
                "means {} (prior median {}); {:.0} % of {} entries at least 10 % narrower than the prior",
                range(&l.mean),
                number(l.prior.value(0.0)),
                100.0 * l.informed(0.1),
                l.len()
            ),
        ));
    }
    if p.stopped {
        facts.push(("draws", p.draws.to_string()));
    }
    if p.parameters.iter().all(|l| l.informed(0.1) < 0.5) {
        facts.push(("note", "the data say little about most parameters: trust what is predicted for groups, not single firms".into()));
    }
    facts.extend(p.warnings.iter().map(|w| ("note", w.clone())));
    (format!("Posterior by {}", p.method), facts)
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
    (
        "Sensitivity of the loss".into(),
        vec![
            ("loss", format!("{:.4e}", s.loss)),
            ("in target inventories", range(&s.target_inventory)),
            ("in adjustment times", range(&s.adjustment_time)),
            ("in severities", range(&s.severity)),
            ("in recovery rates", range(&s.recovery_rate)),
        ],
    )
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
    ("Simulation-based calibration".into(), facts)
}
