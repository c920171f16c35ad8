//! The picture of a calibration part of the way, and axes that stay still while it moves.

use super::figures::{most_affected, periods};
use super::theme::LINE;
use super::{Draw, Figure, Layer, Mark, Panel};
use crate::infer::{Background, Marginals, Phase, Snapshot, Step};

/// Points of a line, at most: a picture that is sent some times a second must stay small.
const POINTS: usize = 240;
/// Groups whose fit is shown, at most.
const GROUPS: usize = 6;
/// Columns of the grid, for rows of one, two and three panels.
const GRID: usize = 6;

/// Every so many-th of a list, and its last.
fn thinned<T: Copy>(all: &[T], at_most: usize) -> Vec<T> {
    let stride = all.len().div_ceil(at_most).max(1);
    let mut some: Vec<T> = all.iter().copied().step_by(stride).collect();
    if !(all.len().saturating_sub(1)).is_multiple_of(stride) {
        some.extend(all.last());
    }
    some
}

/// A calibration at some time: the terms of the loss, what is learnt of the parameters, and the fit
/// of the groups that are affected most, with bands over the snapshot's panels.
pub fn calibration(snapshot: &Snapshot) -> Figure {
    let observed = &snapshot.observed;
    let order = most_affected(observed);
    let shown = order.len().min(GROUPS);
    let mut panels = vec![loss(snapshot), learnt(&snapshot.parameters)];
    // Rows of fits that are full wherever they can be.
    let in_a_row = match shown {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    };
    let first_of_last_row = in_a_row * (shown.saturating_sub(1) / in_a_row);
    let mut column = Vec::new();
    for (k, &group) in order[..shown].iter().enumerate() {
        let mut panel = fit(snapshot, group, &mut column);
        panel.span = GRID / in_a_row;
        if k >= first_of_last_row {
            panel.x_label = "period".into();
        }
        if k.is_multiple_of(in_a_row) {
            panel.y_label = "index".into();
        }
        panels.push(panel);
    }
    let warnings = told(&snapshot.warnings);
    let lines = warnings.lines().count() as u32;
    Figure {
        title: match snapshot.phase {
            Phase::Running | Phase::Drawing => format!("Calibrating by {}", snapshot.method),
            _ => format!("Calibration by {}", snapshot.method),
        },
        subtitle: format!("{}{warnings}", snapshot.line()),
        panels,
        columns: GRID,
        size: (
            900,
            if shown > 3 { 640 } else { 480 } + lines.saturating_sub(1) * LINE as u32,
        ),
    }
}

/// Warnings as lines below the subtitle: the first few, so that the picture stays one.
fn told(warnings: &[String]) -> String {
    const SHOWN: usize = 3;
    const WIDE: usize = 125;
    let mut text = String::new();
    for warning in warnings.iter().take(SHOWN) {
        let mut width = 0;
        text += "\n";
        for (k, word) in std::iter::once("Warning:")
            .chain(warning.split_whitespace())
            .enumerate()
        {
            let more = word.chars().count() + 1;
            if width + more > WIDE {
                text += "\n";
                width = 0;
            } else if k > 0 {
                text += " ";
            }
            text += word;
            width += more;
        }
    }
    if warnings.len() > SHOWN {
        text += &format!("\n{} more in `warnings`", warnings.len() - SHOWN);
    }
    text
}

fn loss(snapshot: &Snapshot) -> Panel {
    let steps = thinned(&snapshot.history, POINTS);
    let x: Vec<f64> = steps.iter().map(|s| s.evaluations as f64).collect();
    let line = |label: &str, color, term: fn(&Step) -> f64| {
        let y = steps.iter().map(term).collect();
        Layer::new(Mark::Line, label, color, x.clone(), y)
    };
    let (y_label, layers) = if steps.iter().any(|s| s.kl > 0.0) {
        let lines = vec![
            line("data term", 0, |s| s.objective - s.kl),
            line("KL from the prior", 2, |s| s.kl),
            line("total", 6, |s| s.objective),
        ];
        ("loss (nats)", lines)
    } else {
        let lines = vec![line("loss", 0, |s| s.loss)];
        (snapshot.loss.name(), lines)
    };
    // The axis is the whole way, or a half, quarter... of it while less is done.
    let each = snapshot
        .history
        .last()
        .map_or(1.0, |s| s.evaluations as f64 / snapshot.done.max(1) as f64);
    let mut end = snapshot.total as f64;
    for _ in 0..4 {
        if end / 2.0 >= snapshot.done as f64 {
            end /= 2.0;
        }
    }
    Panel {
        title: "Loss".into(),
        x_label: "model evaluations".into(),
        y_label: y_label.into(),
        span: 3,
        log_y: snapshot.loss.positive(),
        x_range: Some((0.0, (end * each).max(1.0))),
        layers,
        ..Panel::default()
    }
}

/// How wide each parameter's posterior is, entries sorted from the best known on.
fn learnt(parameters: &[Marginals]) -> Panel {
    const ENTRIES: usize = 2000;
    let mut layers = vec![Layer::new(
        Mark::Reference,
        "prior",
        0,
        vec![0.0, 100.0],
        vec![1.0; 2],
    )];
    for (k, m) in parameters.iter().enumerate() {
        let mut scale = thinned(&m.scale, ENTRIES);
        scale.sort_by(f64::total_cmp);
        let sorted = thinned(&scale, POINTS / 2);
        let last = sorted.len().saturating_sub(1).max(1) as f64;
        let x = (0..sorted.len()).map(|i| 100.0 * i as f64 / last).collect();
        let name = m.parameter.words();
        // The colours of the loss terms mean something else.
        let color = [3, 5, 4, 1][k % 4];
        layers.push(Layer::new(Mark::Line, name, color, x, sorted));
    }
    Panel {
        title: "Uncertainty that is left".into(),
        x_label: "share of entries, the best known first (%)".into(),
        y_label: "width relative to the prior".into(),
        span: 3,
        x_range: Some((0.0, 100.0)),
        y_range: Some((0.0, 1.2)),
        layers,
        ..Panel::default()
    }
}

/// Observed against simulated, in index points; `column` is room to work in.
fn fit(snapshot: &Snapshot, group: usize, column: &mut Vec<f64>) -> Panel {
    let observed = &snapshot.observed;
    let (g, cells) = (observed.groups(), observed.values.len());
    let draws = snapshot.draws();
    let times = thinned(&(0..observed.periods).collect::<Vec<_>>(), POINTS / 2);
    let x: Vec<f64> = times.iter().map(|t| (t + 1) as f64).collect();
    let [mut q05, mut q25, mut mean, mut q75, mut q95] = [const { Vec::new() }; 5];
    for t in &times {
        column.clear();
        let cell = t * g + group;
        column.extend(
            (0..draws).map(|d| 100.0 * snapshot.panels[d * cells + cell] / observed.base[group]),
        );
        column.retain(|v| v.is_finite());
        column.sort_by(f64::total_cmp);
        let at = |q: f64| {
            let k = q * column.len().saturating_sub(1) as f64;
            let value = |k: f64| column.get(k as usize).copied().unwrap_or(f64::NAN);
            value(k.floor()) + k.fract() * (value(k.ceil()) - value(k.floor()))
        };
        q05.push(at(0.05));
        q25.push(at(0.25));
        q75.push(at(0.75));
        q95.push(at(0.95));
        mean.push(column.iter().sum::<f64>() / column.len() as f64);
    }
    let mut layers = Vec::new();
    if draws > 0 {
        layers = vec![
            Layer::band("5-95 %", 4, x.clone(), q05, q95),
            Layer::band("25-75 %", 0, x.clone(), q25, q75),
            Layer::new(Mark::Line, "simulated mean", 0, x, mean),
        ];
    }
    layers.push(Layer::new(
        Mark::Dots,
        "observed",
        1,
        periods(observed.periods),
        observed.index(group),
    ));
    Panel {
        title: observed.label(group),
        layers,
        ..Panel::default()
    }
}

/// Axes that grow and never shrink: what the panels of a moving picture have shown so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steady {
    ranges: Vec<[Option<(f64, f64)>; 2]>,
}

impl Steady {
    /// Makes every axis of the figure show at least what it showed before.
    pub fn hold(&mut self, figure: &mut Figure) {
        self.ranges.resize(figure.panels.len(), [None; 2]);
        for (panel, [x_before, y_before]) in figure.panels.iter_mut().zip(&mut self.ranges) {
            let layers = &panel.layers;
            let xs = layers.iter().flat_map(|l| &l.x).copied();
            let ys = layers
                .iter()
                .flat_map(|l| l.y.iter().chain(&l.low).chain(&l.high))
                .copied();
            *x_before = hull(xs, panel.log_x, [*x_before, panel.x_range]);
            *y_before = hull(ys, panel.log_y, [*y_before, panel.y_range]);
            (panel.x_range, panel.y_range) = (*x_before, *y_before);
        }
    }
}

/// The smallest range that holds all values that have a place on the axis, and the ranges.
fn hull(
    values: impl Iterator<Item = f64>,
    log: bool,
    ranges: [Option<(f64, f64)>; 2],
) -> Option<(f64, f64)> {
    let ends = ranges.into_iter().flatten().flat_map(|(a, b)| [a, b]);
    values
        .chain(ends)
        .filter(|v| v.is_finite() && !(log && *v <= 0.0))
        .fold(None, |range, v| {
            Some(range.map_or((v, v), |(a, b): (f64, f64)| (a.min(v), b.max(v))))
        })
}

impl Draw for Snapshot {
    fn figure(&self) -> Figure {
        calibration(self)
    }
}

impl Draw for Background {
    /// What it has now; only the status where it has nothing yet.
    fn figure(&self) -> Figure {
        self.snapshot().map_or_else(
            || Figure {
                title: "Calibration in the background".into(),
                subtitle: self.status(),
                panels: Vec::new(),
                columns: 1,
                size: (900, 80),
            },
            |s| calibration(&s),
        )
    }
}
