//! What would happen, world by world, and whether data look like their predictions.

use super::figures::periods;
use super::{Draw, Figure, Layer, Mark, Panel};
use crate::infer::{Check, Outcome};

/// Output of the whole economy in several worlds, the mean and the 5-95 % band of each, and what is lost
/// in each: the draws' losses as a density would show them, from the lowest to the highest.
pub fn outcomes(worlds: &[(&str, &Outcome)]) -> Figure {
    let mut layers = Vec::new();
    let mut losses = Vec::new();
    let mut longest = 2;
    for (k, (label, world)) in worlds.iter().enumerate() {
        let mean = &world.prediction.mean;
        longest = longest.max(mean.periods);
        let steady: f64 = mean.base.iter().sum();
        let index = |q: f64| -> Vec<f64> {
            let total = world.prediction.total_quantile(q);
            total.iter().map(|v| 100.0 * v / steady).collect()
        };
        let x = periods(mean.periods);
        let rows = mean.values.chunks_exact(mean.groups());
        let middle = rows
            .map(|r| 100.0 * r.iter().sum::<f64>() / steady)
            .collect();
        layers.push(Layer::band("", k, x.clone(), index(0.05), index(0.95)));
        layers.push(Layer::new(Mark::Line, *label, k, x, middle));
        let mut lost: Vec<f64> = world.lost.iter().map(|v| 100.0 * v).collect();
        lost.sort_by(f64::total_cmp);
        let share = (0..lost.len())
            .map(|i| 100.0 * (i as f64 + 0.5) / lost.len() as f64)
            .collect();
        losses.push(Layer::new(Mark::Line, *label, k, lost, share));
    }
    layers.push(Layer::new(
        Mark::Reference,
        "",
        0,
        vec![1.0, longest as f64],
        vec![95.0; 2],
    ));
    Figure {
        title: "What would happen".into(),
        subtitle: "mean and 5-95 % band over draws; the grey line is 95 % of the steady state"
            .into(),
        panels: vec![
            Panel {
                x_label: "period".into(),
                y_label: "output of the economy (steady state = 100)".into(),
                layers,
                ..Panel::default()
            },
            Panel {
                x_label: "output lost over all periods (%)".into(),
                y_label: "share of draws that lose less (%)".into(),
                layers: losses,
                ..Panel::default()
            },
        ],
        columns: 2,
        size: (900, 380),
    }
}

impl Draw for Outcome {
    fn figure(&self) -> Figure {
        outcomes(&[("", self)])
    }
}

impl Draw for Check {
    /// Histogram of where observed cells lie among their predictions: flat where model and noise are
    /// right.
    fn figure(&self) -> Figure {
        const BINS: usize = 20;
        let seen: Vec<f64> = self.below.iter().copied().filter(|p| !p.is_nan()).collect();
        let mut counts = [0usize; BINS];
        for p in &seen {
            counts[((p * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        let expected = seen.len() as f64 / BINS as f64;
        let ends = |k: usize| [k as f64 / BINS as f64, (k + 1) as f64 / BINS as f64];
        let x: Vec<f64> = (0..BINS).flat_map(ends).collect();
        let y: Vec<f64> = counts
            .iter()
            .flat_map(|n| [*n as f64 / expected; 2])
            .collect();
        Figure {
            title: "Where the data lie among their predictions".into(),
            subtitle: format!(
                "50 % intervals hold {:.0} % of the observed cells, 90 % intervals {:.0} %",
                100.0 * self.coverage(0.5),
                100.0 * self.coverage(0.9)
            ),
            panels: vec![Panel {
                x_label: "share of predictions below the observed cell".into(),
                y_label: "frequency (1 = uniform)".into(),
                layers: vec![
                    Layer::new(Mark::Line, "cells", 0, x, y),
                    Layer::new(Mark::Reference, "", 0, vec![0.0, 1.0], vec![1.0; 2]),
                ],
                ..Panel::default()
            }],
            columns: 1,
            size: (560, 360),
        }
    }
}
