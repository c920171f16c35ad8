//! Losses by cause, and answers under several behaviours.

use super::figures::periods;
use super::{Draw, Figure, Layer, Mark, Panel};
use crate::infer::Assumptions;
use crate::simulate::{Attribution, Cause};

impl Draw for Attribution {
    /// Loss by cause over time, and the products whose shortage costs most.
    fn figure(&self) -> Figure {
        let x = periods(self.periods);
        let mut below = vec![0.0; self.periods];
        let mut layers = Vec::new();
        for (k, cause) in Cause::ALL.into_iter().enumerate() {
            let part = self.over_time(cause);
            // Areas one on another: what firms gain is no area.
            let above: Vec<f64> = below
                .iter()
                .zip(&part)
                .map(|(b, v)| b + 100.0 * v.max(0.0))
                .collect();
            let mut band = Layer::band("", k, x.clone(), below, above.clone());
            band.label = String::new();
            layers.push(band);
            layers.push(Layer::new(
                Mark::Line,
                cause.name(),
                k,
                x.clone(),
                above.clone(),
            ));
            below = above;
        }
        let products = self.products_short();
        let some: Vec<&(String, f64)> = products.iter().take(6).filter(|p| p.1 > 0.0).collect();
        let bars = some.iter().enumerate().map(|(k, (name, share))| {
            let at = (k + 1) as f64;
            Layer::new(Mark::Dots, name.clone(), k, vec![at], vec![100.0 * share])
        });
        let [capacity, input, demand] = self.shares().map(|v| 100.0 * v);
        Figure {
            title: "What the loss is due to".into(),
            subtitle: format!(
                "over all periods {capacity:.2} % own capacity, {input:.2} % inputs, {demand:.2} % demand, of steady output"
            ),
            panels: vec![
                Panel {
                    x_label: "period".into(),
                    y_label: "output lost (% of steady output)".into(),
                    layers,
                    ..Panel::default()
                },
                Panel {
                    x_label: "product that is short, the worst first".into(),
                    y_label: "output lost for it (%)".into(),
                    x_range: Some((0.5, some.len().max(2) as f64 + 0.5)),
                    y_range: Some((0.0, 0.0)),
                    layers: bars.collect(),
                    ..Panel::default()
                },
            ],
            columns: 2,
            size: (900, 380),
        }
    }
}

impl Draw for Assumptions {
    /// Output of the economy under each behaviour, with 5-95 % bands, and what is lost under each beside the yardsticks.
    fn figure(&self) -> Figure {
        let mut layers = Vec::new();
        for (k, variant) in self.variants.iter().enumerate() {
            let mean = &variant.prediction.mean;
            let steady: f64 = mean.base.iter().sum();
            let x = periods(mean.periods);
            let index = |q: f64| -> Vec<f64> {
                let total = variant.prediction.total_quantile(q);
                total.iter().map(|v| 100.0 * v / steady).collect()
            };
            if variant.prediction.draws > 1 {
                layers.push(Layer::band("", k, x.clone(), index(0.05), index(0.95)));
            }
            layers.push(Layer::new(Mark::Line, &variant.name, k, x, index(0.5)));
        }
        if let Some(observed) = &self.observed {
            let steady: f64 = observed.base.iter().sum();
            let rows = observed.values.chunks_exact(observed.groups().max(1));
            let total = rows
                .map(|row| 100.0 * row.iter().sum::<f64>() / steady)
                .collect();
            let x = periods(observed.periods);
            layers.push(Layer::new(Mark::Reference, "observed", 0, x, total));
        }
        let rows = self.rows();
        let dots = rows.iter().enumerate().map(|(k, row)| {
            let at = (k + 1) as f64;
            let mut dot = Layer::new(
                Mark::Dots,
                row.name.clone(),
                k,
                vec![at],
                vec![100.0 * row.lost],
            );
            if row.high > row.low {
                dot.low = vec![100.0 * row.low];
                dot.high = vec![100.0 * row.high];
            }
            dot
        });
        Figure {
            title: "Which assumption matters".into(),
            subtitle: format!(
                "median and 5-95 % band over draws; mean losses differ by {:.2} points",
                100.0 * self.spread()
            ),
            panels: vec![
                Panel {
                    x_label: "period".into(),
                    y_label: "output of the economy (steady state = 100)".into(),
                    layers,
                    ..Panel::default()
                },
                Panel {
                    x_label: "variants, then yardsticks (final demand)".into(),
                    y_label: "lost over all periods (%)".into(),
                    x_range: Some((0.5, rows.len() as f64 + 0.5)),
                    y_range: Some((0.0, 0.0)),
                    layers: dots.collect(),
                    ..Panel::default()
                },
            ],
            columns: 2,
            size: (1000, 420),
        }
    }
}
