//! The figures: which panels and series show a result.

use super::theme::COLORS;
use super::{Draw, Figure, Layer, Mark, Panel};
use crate::infer::{Learnt, Posterior, Prediction, Sbc};
use crate::model::Model;
use crate::network::{Csr, Network};
use crate::observe::{Dates, Observation};
use crate::simulate::Trajectory;
use crate::table::sector_name;

pub(super) const SIZE: (u32, u32) = (760, 420);

impl Layer {
    pub(super) fn new(
        mark: Mark,
        label: impl Into<String>,
        color: usize,
        x: Vec<f64>,
        y: Vec<f64>,
    ) -> Self {
        Self {
            mark,
            label: label.into(),
            color,
            x,
            y,
            ..Self::default()
        }
    }

    pub(super) fn band(
        label: impl Into<String>,
        color: usize,
        x: Vec<f64>,
        low: Vec<f64>,
        high: Vec<f64>,
    ) -> Self {
        Self {
            high,
            ..Self::new(Mark::Band, label, color, x, low)
        }
    }
}

pub(super) fn periods(n: usize) -> Vec<f64> {
    (1..=n).map(|t| t as f64).collect()
}

/// Months below a panel's horizontal axis, where they are known.
pub(super) fn dated(panel: &mut Panel, dates: Option<&Dates>, wanted: usize) {
    if let Some(dates) = dates {
        panel.x_ticks = dates.ticks(wanted);
        panel.x_label = match panel.x_label.as_str() {
            "" => String::new(),
            _ => "month".into(),
        };
    }
}

/// "region · sector" of a group, with the name of the sector's class.
pub(super) fn name(panel: &Observation, group: usize) -> String {
    match panel.sector.get(group).filter(|s| !s.is_empty()) {
        Some(sector) => {
            let named = Observation {
                region: vec![panel.region.get(group).cloned().unwrap_or_default()],
                sector: vec![sector_name(sector)],
                base: vec![0.0],
                periods: 0,
                values: Vec::new(),
                dates: None,
            };
            named.label(0)
        }
        None => panel.label(group),
    }
}

/// Groups by how far their index strays from the steady state, the most affected first.
pub(super) fn most_affected(panel: &Observation) -> Vec<usize> {
    let strays = |g: usize| {
        panel
            .index(g)
            .iter()
            .filter(|v| !v.is_nan())
            .map(|v| (v - 100.0).abs())
            .fold(0.0, f64::max)
    };
    let mut order: Vec<(usize, f64)> = (0..panel.groups()).map(|g| (g, strays(g))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.into_iter().map(|(g, _)| g).collect()
}

/// Series of a panel as indices over periods: all where there are few, else the most affected in
/// colour before the others in grey.
pub fn series(panel: &Observation) -> Figure {
    let x = periods(panel.rows());
    let order = most_affected(panel);
    let shown = order.len().min(COLORS - 1);
    let mut layers = vec![Layer::new(
        Mark::Reference,
        "steady state",
        0,
        vec![1.0, panel.rows().max(2) as f64],
        vec![100.0; 2],
    )];
    for (k, g) in order.iter().enumerate().rev() {
        layers.push(if k < shown {
            Layer::new(Mark::Line, name(panel, *g), k, x.clone(), panel.index(*g))
        } else {
            let label = if k == shown { "other groups" } else { "" };
            Layer::new(Mark::Faint, label, 0, x.clone(), panel.index(*g))
        });
    }
    let subtitle = if order.len() > shown {
        format!(
            "the {shown} most affected of {} groups in colour",
            order.len()
        )
    } else {
        String::new()
    };
    let mut axes = Panel {
        x_label: "period".into(),
        y_label: "index (steady state = 100)".into(),
        layers,
        ..Panel::default()
    };
    dated(&mut axes, panel.dates.as_ref(), 6);
    Figure {
        title: "Output by region and sector".into(),
        subtitle,
        panels: vec![axes],
        columns: 1,
        size: SIZE,
    }
}

impl Draw for Observation {
    fn figure(&self) -> Figure {
        series(self)
    }
}

impl Draw for Trajectory {
    fn figure(&self) -> Figure {
        let mut figure = series(&self.observe());
        let steady: f64 = self.network.output().iter().sum();
        let total: Vec<f64> = self.total().iter().map(|v| 100.0 * v / steady).collect();
        figure.panels[0].layers.push(Layer::new(
            Mark::Line,
            "whole economy",
            COLORS - 1,
            periods(total.len()),
            total,
        ));
        figure.title = format!(
            "Output after the shock: {:.2} % lost over {} periods",
            100.0 * self.loss_share(),
            self.periods
        );
        if self.model != Model::default() {
            figure.subtitle = format!("behaviour: {}", self.model.words());
        }
        figure
    }
}

/// Loss against model evaluations, and the divergence from the prior where there is any.
pub fn history(posterior: &Posterior) -> Figure {
    let steps = &posterior.history;
    let x: Vec<f64> = steps.iter().map(|s| s.evaluations as f64).collect();
    let line = |y: Vec<f64>, color| vec![Layer::new(Mark::Line, "", color, x.clone(), y)];
    let mut panels = vec![Panel {
        x_label: "model evaluations".into(),
        y_label: posterior.loss.name().into(),
        log_y: posterior.loss.positive(),
        layers: line(steps.iter().map(|s| s.loss).collect(), 0),
        ..Panel::default()
    }];
    if steps.iter().any(|s| s.kl > 0.0) {
        panels.push(Panel {
            x_label: "model evaluations".into(),
            y_label: "KL from the prior (nats)".into(),
            layers: line(steps.iter().map(|s| s.kl).collect(), 1),
            ..Panel::default()
        });
    }
    let dropped: usize = steps.iter().map(|s| s.dropped).sum();
    Figure {
        title: format!("Calibration by {}", posterior.method),
        subtitle: if dropped > 0 {
            format!("{dropped} particles were not finite and left out")
        } else {
            String::new()
        },
        columns: panels.len(),
        panels,
        size: (SIZE.0, 340),
    }
}

/// Loss against evaluations of several calibrations of one problem, on logarithmic axes.
pub fn compare(runs: &[(&str, &Posterior)]) -> Figure {
    let layers = runs
        .iter()
        .enumerate()
        .map(|(k, (label, p))| {
            let (x, y) = p
                .history
                .iter()
                .map(|s| (s.evaluations as f64, s.loss))
                .unzip();
            Layer::new(Mark::Line, *label, k, x, y)
        })
        .collect();
    Figure {
        title: "Loss against the number of model evaluations".into(),
        subtitle: "variational inference: the particles of each step; ABC: the mean of the draws kept so far".into(),
        panels: vec![Panel {
            x_label: "model evaluations".into(),
            y_label: "mean relative square loss".into(),
            log_x: true,
            log_y: true,
            layers,
            ..Panel::default()
        }],
        columns: 1,
        size: SIZE,
    }
}

/// Density of values by a normal kernel (Silverman's bandwidth), at `at`.
fn density(values: &[f64], at: &[f64]) -> Vec<f64> {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let h = (1.06 * sd * n.powf(-0.2)).max(1e-9 * mean.abs()).max(1e-12);
    let norm = n * h * (2.0 * std::f64::consts::PI).sqrt();
    at.iter()
        .map(|x| {
            values
                .iter()
                .map(|v| (-0.5 * ((x - v) / h).powi(2)).exp())
                .sum::<f64>()
                / norm
        })
        .collect()
}

/// The prior's density against that of the posterior means; with the true values, also the
/// posterior mean (and the 5-95 % range) against the truth.
pub fn prior_posterior(learnt: &Learnt, truth: Option<&[f64]>) -> Figure {
    let name = learnt.parameter.words();
    let axis = format!("{name} ({})", learnt.parameter.unit());
    let ends = (learnt.prior.value(-2.6), learnt.prior.value(2.6));
    let at: Vec<f64> = (0..=160)
        .map(|k| ends.0 + (ends.1 - ends.0) * f64::from(k) / 160.0)
        .collect();
    let prior: Vec<f64> = at.iter().map(|x| learnt.prior.density(*x)).collect();
    let mut layers = vec![
        Layer::band("prior", 6, at.clone(), vec![0.0; at.len()], prior),
        Layer::new(
            Mark::Line,
            "posterior means",
            0,
            at.clone(),
            density(&learnt.mean, &at),
        ),
    ];
    let mut subtitle = format!(
        "{:.0} % of {} entries are at least 10 % narrower than the prior",
        100.0 * learnt.informed(0.1),
        learnt.len()
    );
    let mut panels = Vec::new();
    if let Some(truth) = truth.filter(|t| t.len() == learnt.len()) {
        layers.push(Layer::new(
            Mark::Line,
            "truth",
            1,
            at.clone(),
            density(truth, &at),
        ));
        subtitle += &format!(
            "; correlation with the truth {:.2}",
            correlation(truth, &learnt.mean)
        );
        let ends = truth
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
                (a.min(*v), b.max(*v))
            });
        let mut dots = Layer::new(Mark::Dots, "", 0, truth.to_vec(), learnt.mean.clone());
        (dots.low, dots.high) = (learnt.quantile(0.05), learnt.quantile(0.95));
        panels.push(Panel {
            x_label: format!("true {axis}"),
            y_label: "posterior mean, 5-95 %".into(),
            layers: vec![
                dots,
                Layer::new(
                    Mark::Reference,
                    "",
                    0,
                    vec![ends.0, ends.1],
                    vec![ends.0, ends.1],
                ),
            ],
            ..Panel::default()
        });
    }
    panels.insert(
        0,
        Panel {
            x_label: axis,
            y_label: "density".into(),
            layers,
            ..Panel::default()
        },
    );
    Figure {
        title: format!("What was learnt of the {name}"),
        subtitle,
        columns: panels.len(),
        panels,
        size: (860, 380),
    }
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().max(1) as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

/// What was observed against what the draws predict, with their 5-95 % and 25-75 % bands, for the
/// groups that are affected most.
pub fn fit(prediction: &Prediction, observed: &Observation) -> Figure {
    let g = observed.groups();
    let order = most_affected(observed);
    let shown = order.len().min(9);
    let quantiles = [0.05, 0.25, 0.75, 0.95].map(|q| prediction.quantile(q));
    let x = periods(observed.periods);
    let panels = order[..shown]
        .iter()
        .enumerate()
        .map(|(k, &group)| {
            let index = |cells: &[f64]| -> Vec<f64> {
                (0..observed.periods)
                    .map(|t| {
                        cells
                            .get(t * g + group)
                            .map_or(f64::NAN, |v| 100.0 * v / observed.base[group])
                    })
                    .collect()
            };
            let [q05, q25, q75, q95] = [0, 1, 2, 3].map(|i| index(&quantiles[i]));
            let mut axes = Panel {
                title: name(observed, group),
                x_label: if k + 3 >= shown {
                    "period".into()
                } else {
                    String::new()
                },
                y_label: if k % 3 == 0 {
                    "index".into()
                } else {
                    String::new()
                },
                layers: vec![
                    Layer::band("5-95 %", 4, x.clone(), q05, q95),
                    Layer::band("25-75 %", 0, x.clone(), q25, q75),
                    Layer::new(
                        Mark::Line,
                        "predicted mean",
                        0,
                        x.clone(),
                        index(&prediction.mean.values),
                    ),
                    Layer::new(Mark::Dots, "observed", 1, x.clone(), observed.index(group)),
                ],
                ..Panel::default()
            };
            dated(&mut axes, observed.dates.as_ref(), 3);
            axes
        })
        .collect();
    Figure {
        title: "Observed against predicted".into(),
        subtitle: format!(
            "index, steady state = 100; the {shown} most affected of {g} groups; bands over {} draws",
            prediction.draws
        ),
        panels,
        columns: 3.min(shown),
        size: (860, if shown > 3 { 560 } else { 320 }),
    }
}

impl Draw for Posterior {
    fn figure(&self) -> Figure {
        history(self)
    }
}

/// Share of firms with at least so many suppliers and customers: straight lines are Pareto tails.
pub fn degrees(network: &Network) -> Figure {
    let curve = |csr: &Csr| -> (Vec<f64>, Vec<f64>) {
        let mut counts: Vec<usize> = (0..network.firms())
            .map(|i| csr.degree(i))
            .filter(|k| *k > 0)
            .collect();
        counts.sort_unstable();
        let n = network.firms() as f64;
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (k, degree) in counts.iter().enumerate() {
            if k == 0 || counts[k - 1] != *degree {
                points.push((*degree as f64, (counts.len() - k) as f64 / n));
            }
        }
        points.into_iter().unzip()
    };
    let (suppliers, customers) = (curve(network.by_buyer()), curve(network.by_supplier()));
    Figure {
        title: "How many partners firms have".into(),
        subtitle: format!("{} firms, {} links", network.firms(), network.links()),
        panels: vec![Panel {
            x_label: "number of partners".into(),
            y_label: "share of firms with at least so many".into(),
            log_x: true,
            log_y: true,
            layers: vec![
                Layer::new(Mark::Line, "suppliers", 0, suppliers.0, suppliers.1),
                Layer::new(Mark::Line, "customers", 1, customers.0, customers.1),
            ],
            ..Panel::default()
        }],
        columns: 1,
        size: SIZE,
    }
}

impl Draw for Sbc {
    /// Histograms of the ranks of true values: flat where the posterior is right. The band holds 95 %
    /// of the heights that independent ranks would have.
    fn figure(&self) -> Figure {
        const BINS: usize = 20;
        let panels = self.parameters.iter().map(|r| {
            let expected = r.ranks.len() as f64 / BINS as f64;
            let spread = 1.96 * (expected * (1.0 - 1.0 / BINS as f64)).sqrt();
            // Steps: each bin has its height at both of its ends.
            let ends = |k: usize| [k as f64 / BINS as f64, (k + 1) as f64 / BINS as f64];
            let x: Vec<f64> = (0..BINS).flat_map(ends).collect();
            let heights = r.histogram(BINS).into_iter();
            let y: Vec<f64> = heights.flat_map(|n| [n as f64 / expected; 2]).collect();
            let level = |v: f64| vec![v / expected; x.len()];
            Panel {
                title: r.parameter.words().to_string(),
                x_label: "rank of the true value among the draws".into(),
                y_label: "frequency (1 = uniform)".into(),
                y_range: Some((0.0, 2.0)),
                layers: vec![
                    Layer::band(
                        "95 % of uniform ranks",
                        6,
                        x.clone(),
                        level((expected - spread).max(0.0)),
                        level(expected + spread),
                    ),
                    Layer::new(Mark::Line, "ranks", 0, x.clone(), y),
                    Layer::new(Mark::Reference, "", 0, vec![0.0, 1.0], vec![1.0; 2]),
                ],
                ..Panel::default()
            }
        });
        let panels: Vec<Panel> = panels.collect();
        let cover = self.parameters.iter().map(|r| {
            let name = r.parameter.words();
            format!("{:.0} % ({name})", 100.0 * r.coverage(0.9))
        });
        Figure {
            title: format!("Simulation-based calibration, {} runs", self.runs),
            subtitle: format!(
                "90 % intervals hold {} of the true values",
                cover.collect::<Vec<_>>().join(", ")
            ),
            columns: panels.len().min(2),
            size: (860, if panels.len() > 2 { 640 } else { 360 }),
            panels,
        }
    }
}
