//! The paper's figures, from the lines that the benchmarks write.

use super::{Draw, Figure, Layer, Mark, Panel};
use crate::error::{Error, Result};
use crate::files;
use crate::infer::{Contest, Standing};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What each method is called, and its colour.
const METHODS: [(&str, &str, usize); 6] = [
    ("svi", "variational inference", 0),
    ("svi mean", "mean of its guide", 2),
    ("abc", "ABC rejection", 1),
    ("abc mean", "mean of ABC's draws", 3),
    ("smc", "SMC-ABC", 4),
    ("walk", "random walk", 5),
];

/// Loss in and out of sample against model evaluations and against wall time: means over seeds, with
/// bands from the lowest to the highest seed. `file` is `target/fig2b.json`, as `cargo bench --bench
/// fig2b` writes it.
pub fn fig2b(file: impl AsRef<Path>) -> Result<Figure> {
    Ok(Contest::read(file)?.figure())
}

impl Draw for Contest {
    /// Loss in and out of sample against model evaluations and against wall time; several seeds are
    /// means, with bands from the lowest to the highest.
    fn figure(&self) -> Figure {
        draw(&self.standings)
    }
}

/// The loss of the prior's mean, which costs nothing: a level to be below.
fn level_of_prior(lines: &[Standing], loss: fn(&Standing) -> f64, widest: &BTreeSet<u64>) -> Layer {
    let prior: Vec<f64> = lines
        .iter()
        .filter(|l| l.method == "prior mean")
        .map(loss)
        .collect();
    let level = prior.iter().sum::<f64>() / prior.len() as f64;
    let ends = [widest.first(), widest.last()].map(|x| x.map_or(1.0, |x| *x as f64 / 1e6));
    Layer::new(
        Mark::Reference,
        "mean of the prior",
        0,
        ends.to_vec(),
        vec![level; 2],
    )
}

fn draw(lines: &[Standing]) -> Figure {
    type Column = fn(&Standing) -> f64;
    let samples: [(&str, Column); 2] = [
        ("observed shocks", |l| l.in_sample),
        ("fresh shocks", |l| l.out_of_sample),
    ];
    let mut panels = Vec::new();
    for (x_label, by_time) in [("model evaluations", false), ("seconds", true)] {
        for (title, loss) in samples {
            if lines.iter().all(|l| loss(l).is_nan()) {
                continue;
            }
            let mut layers = Vec::new();
            let mut widest = BTreeSet::new();
            for (method, label, color) in METHODS {
                // By evaluations: losses and seconds of every seed.
                let mut points: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
                for l in lines.iter().filter(|l| l.method == method) {
                    let at = points.entry(l.evaluations).or_default();
                    at.push((loss(l), l.seconds));
                }
                let mean = |v: &[(f64, f64)], f: fn(&(f64, f64)) -> f64| {
                    v.iter().map(f).sum::<f64>() / v.len() as f64
                };
                let x: Vec<f64> = points
                    .iter()
                    .map(|(n, v)| if by_time { mean(v, |p| p.1) } else { *n as f64 })
                    .collect();
                widest.extend(x.iter().map(|x| (x * 1e6) as u64));
                let edge = |f: fn(f64, f64) -> f64, from: f64| -> Vec<f64> {
                    let each = points.values();
                    each.map(|v| v.iter().fold(from, |a, p| f(a, p.0)))
                        .collect()
                };
                if points.is_empty() {
                    continue;
                }
                layers.push(Layer::band(
                    "",
                    color,
                    x.clone(),
                    edge(f64::min, f64::INFINITY),
                    edge(f64::max, 0.0),
                ));
                let y = points.values().map(|v| mean(v, |p| p.0)).collect();
                layers.push(Layer::new(Mark::Line, label, color, x, y));
            }
            layers.push(level_of_prior(lines, loss, &widest));
            panels.push(Panel {
                title: title.into(),
                x_label: x_label.into(),
                y_label: "mean relative square loss".into(),
                log_x: true,
                log_y: true,
                layers,
                ..Panel::default()
            });
        }
    }
    Figure {
        title: "Loss against model evaluations and time".into(),
        subtitle: "means over seeds, bands from the lowest to the highest".into(),
        panels,
        columns: 2,
        size: (900, 760),
    }
}

/// One line of `target/fig2a.json`.
#[derive(Deserialize)]
struct Timing {
    firms: f64,
    steps: f64,
    device: String,
    seconds: f64,
}

/// Time of a fixed number of steps of variational inference against the number of firms, on every device
/// that was measured, on logarithmic axes; beside it how many times longer each takes than the fastest of
/// our own. `file` is `target/fig2a.json`, as `cargo bench --bench fig2a` writes it.
pub fn fig2a(file: impl AsRef<Path>) -> Result<Figure> {
    let file = file.as_ref();
    let refused = |place: String, fact: String| {
        Error::new(place, fact, "make it with `cargo bench --bench fig2a`")
    };
    let place = file.display().to_string();
    let text = files::contents(file)
        .map_err(|e| refused(place.clone(), format!("it cannot be read: {e}")))?;
    let text = String::from_utf8_lossy(&text);
    let one = |(k, line): (usize, &str)| {
        let fact = "it is no time of a calibration".to_string();
        serde_json::from_str(line).map_err(|_| refused(format!("{place}, line {}", k + 1), fact))
    };
    let lines: Vec<Timing> = text.lines().enumerate().map(one).collect::<Result<_>>()?;
    let mut devices: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for line in &lines {
        let points = devices.entry(&line.device).or_default();
        points.push((line.firms, line.seconds));
    }
    let theirs = |device: &str| device.starts_with("JAX");
    let best = |firms: f64| {
        let ours = lines
            .iter()
            .filter(|l| l.firms == firms && !theirs(&l.device));
        ours.map(|l| l.seconds).fold(f64::INFINITY, f64::min)
    };
    let (mut times, mut ratios) = (Vec::new(), Vec::new());
    for (k, (device, points)) in devices.iter().enumerate() {
        let (x, y): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        let ratio = points.iter().map(|(m, s)| s / best(*m)).collect();
        times.push(Layer::new(Mark::Line, *device, k, x.clone(), y));
        ratios.push(Layer::new(Mark::Line, *device, k, x, ratio));
    }
    let panel = |y_label: &str, log_y, layers| Panel {
        x_label: "firms".into(),
        y_label: y_label.into(),
        log_x: true,
        log_y,
        layers,
        ..Panel::default()
    };
    let steps = lines.first().map_or(0.0, |l| l.steps);
    Ok(Figure {
        title: format!("{steps} steps of variational inference"),
        subtitle: "JAX: its best formulation at each size, without its compilation".into(),
        panels: vec![
            panel("seconds", true, times),
            panel("times our fastest", false, ratios),
        ],
        columns: 2,
        size: (900, 380),
    })
}
