//! What was learnt, entry by entry: forest plots, pairs, and traces.

use super::study::tall;
use super::{Figure, Layer, Mark, Panel};
use crate::error::{Error, Result};
use crate::infer::{Learnt, Parameter, Posterior};

/// Rows of a forest plot, and entries of a trace, at most.
const ROWS: usize = 30;
const LINES: usize = 6;

/// A forest plot: a row an entry with its mean and 5-95 % range, the highest at the top; the grey lines are the prior's
/// range. Of more than 30 entries those that were learnt best.
///
/// ```
/// use bullwhip::prelude::*;
///
/// # let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::random(&network, 2, 0.3, 10, 1);
/// # let run = simulate(&network, &Params::usual(&network), &shock, &Simulation::default())?;
/// # let problem = Problem::new(&network, &shock, &run.observe());
/// # let svi = Svi { steps: 5, early_stop: None, draws: 8, ..Svi::default() };
/// # let posterior = calibrate(&problem, &svi, &Run::default(), &mut ())?;
/// forest(&posterior.learnt(Parameter::TargetInventory)?).svg()?;
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn forest(learnt: &Learnt) -> Figure {
    let (q05, q95) = (learnt.quantile(0.05), learnt.quantile(0.95));
    let mut order: Vec<usize> = (0..learnt.len()).collect();
    let scale = |k: &usize| learnt.scale.get(*k).copied().unwrap_or(f64::NAN);
    order.sort_by(|a, b| scale(a).total_cmp(&scale(b)));
    order.truncate(ROWS);
    order.sort_by(|a, b| learnt.mean[*b].total_cmp(&learnt.mean[*a]));
    let n = order.len();
    let y: Vec<f64> = (0..n).rev().map(|k| k as f64).collect();
    let of = |v: &[f64]| -> Vec<f64> { order.iter().map(|k| v[*k]).collect() };
    let ends = (learnt.prior.value(-1.645), learnt.prior.value(1.645));
    // One line a row: NaN breaks it.
    let prior = Layer {
        x: (0..n).flat_map(|_| [ends.0, ends.1, f64::NAN]).collect(),
        y: y.iter().flat_map(|y| [*y, *y, f64::NAN]).collect(),
        label: "prior, 5-95 %".into(),
        mark: Mark::Faint,
        ..Layer::default()
    };
    let spans = Layer {
        low: of(&q05),
        high: of(&q95),
        ..Layer::new(
            Mark::Spans,
            "posterior, mean and 5-95 %",
            0,
            of(&learnt.mean),
            y.clone(),
        )
    };
    let label = |k: &usize| learnt.labels.get(*k).cloned().unwrap_or_default();
    let parameter = learnt.parameter;
    Figure {
        title: format!("What was learnt of the {}", parameter.words()),
        subtitle: match n < learnt.len() {
            true => format!("the {n} of {} entries that were learnt best", learnt.len()),
            false => String::new(),
        },
        panels: vec![Panel {
            x_label: format!("{} ({})", parameter.words(), parameter.unit()),
            y_ticks: y.iter().copied().zip(order.iter().map(label)).collect(),
            y_range: Some((-0.6, n as f64 - 0.4)),
            layers: vec![prior, spans],
            ..Panel::default()
        }],
        columns: 1,
        size: (860, tall(n)),
    }
}

/// Draws of some entries against each other, and of each alone on the diagonal: whether the data tell them apart.
///
/// # Errors
/// A parameter that did not vary, an entry that is not there; fewer than two or more than six.
pub fn pairs(posterior: &Posterior, entries: &[(Parameter, &str)]) -> Result<Figure> {
    let n = entries.len();
    if !(2..=6).contains(&n) {
        return Err(Error::new(
            "pairs",
            format!("{n} entries"),
            "give two to six, such as (Parameter::Severity, \"R1\")",
        ));
    }
    let draws: Vec<Vec<f64>> = entries
        .iter()
        .map(|(parameter, label)| posterior.learnt(*parameter)?.of(label))
        .collect::<Result<_>>()?;
    let named = |k: usize| {
        let (parameter, label) = entries[k];
        format!("{} {label}", parameter.words())
    };
    let mut panels = Vec::new();
    for row in 0..n {
        for column in 0..n {
            let layers = match column.cmp(&row) {
                std::cmp::Ordering::Less => {
                    vec![Layer::new(
                        Mark::Dots,
                        "",
                        0,
                        draws[column].clone(),
                        draws[row].clone(),
                    )]
                }
                std::cmp::Ordering::Equal => vec![shares(&draws[row])],
                std::cmp::Ordering::Greater => Vec::new(),
            };
            let edge = |wanted: bool, k: usize| if wanted { named(k) } else { String::new() };
            panels.push(Panel {
                bare: layers.is_empty(),
                x_label: edge(row + 1 == n, column),
                y_label: edge(column == 0 && row > 0, row),
                layers,
                ..Panel::default()
            });
        }
    }
    Ok(Figure {
        title: "Draws against each other".into(),
        subtitle: "below the diagonal a dot a draw; on it the share of draws in each interval"
            .into(),
        panels,
        columns: n,
        size: (220 * n as u32 + 40, 190 * n as u32 + 70),
    })
}

/// A histogram as steps.
fn shares(draws: &[f64]) -> Layer {
    let (low, high) = draws
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(*v), b.max(*v))
        });
    let bins = ((draws.len() as f64).sqrt() as usize).clamp(4, 30);
    let width = ((high - low) / bins as f64).max(f64::MIN_POSITIVE);
    let mut counts = vec![0usize; bins];
    for v in draws.iter().filter(|v| v.is_finite()) {
        counts[(((v - low) / width) as usize).min(bins - 1)] += 1;
    }
    let ends = |k: usize| [low + width * k as f64, low + width * (k + 1) as f64];
    let share = |n: &usize| [*n as f64 / draws.len().max(1) as f64; 2];
    Layer::new(
        Mark::Line,
        "",
        0,
        (0..bins).flat_map(ends).collect(),
        counts.iter().flat_map(share).collect(),
    )
}

/// The draws of some entries in their order: chains that still drift, or that stand still, are seen here. Without labels
/// the first six.
///
/// # Errors
/// An entry that is not there.
pub fn trace(learnt: &Learnt, labels: &[&str]) -> Result<Figure> {
    let given: Vec<String> = match labels.is_empty() {
        true => learnt.labels.iter().take(LINES).cloned().collect(),
        false => labels.iter().map(|l| (*l).to_string()).collect(),
    };
    let mut layers = Vec::new();
    for (k, label) in given.iter().enumerate() {
        let y = learnt.of(label)?;
        let x = (1..=y.len()).map(|d| d as f64).collect();
        layers.push(Layer::new(Mark::Line, label.clone(), k, x, y));
    }
    Ok(Figure {
        title: format!("Draws of the {}", learnt.parameter.words()),
        subtitle: String::new(),
        panels: vec![Panel {
            x_label: "draw".into(),
            y_label: format!("{} ({})", learnt.parameter.words(), learnt.parameter.unit()),
            layers,
            ..Panel::default()
        }],
        columns: 1,
        size: (860, 380),
    })
}
