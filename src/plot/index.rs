//! Figures of production indices over calendar time.

use super::theme::COLORS;
use super::{Draw, Figure, Layer, Mark, Panel};
use crate::frame::{Index, IndexSeries, index_series};

/// Series of an index over the years: all in colour where there are few, else those that fell deepest
/// below their own mean before the others in grey.
pub fn indices(series: &[IndexSeries]) -> Figure {
    let fall = |s: &IndexSeries| {
        let known = || s.values.iter().filter(|v| !v.is_nan());
        let mean = known().sum::<f64>() / known().count().max(1) as f64;
        known().fold(0.0, |low: f64, v| low.max(1.0 - v / mean))
    };
    let mut order: Vec<usize> = (0..series.len()).collect();
    order.sort_by(|a, b| fall(&series[*b]).total_cmp(&fall(&series[*a])));
    let shown = order.len().min(COLORS - 1);
    let layers = order
        .iter()
        .enumerate()
        .rev()
        .map(|(k, s)| {
            let s = &series[*s];
            let (mark, label, color) = match k {
                k if k < shown => (Mark::Line, s.label(), k),
                k if k == shown => (Mark::Faint, "other series".into(), 0),
                _ => (Mark::Faint, String::new(), 0),
            };
            Layer::new(mark, label, color, s.years(), s.values.clone())
        })
        .collect();
    Figure {
        title: "Production by region and sector".into(),
        subtitle: if order.len() > shown {
            format!(
                "the {shown} of {} series that fell deepest in colour",
                order.len()
            )
        } else {
            String::new()
        },
        panels: vec![Panel {
            x_label: "year".into(),
            y_label: "index".into(),
            layers,
            ..Panel::default()
        }],
        columns: 1,
        size: (760, 420),
    }
}

impl Draw for Index {
    fn figure(&self) -> Figure {
        // What a reader made has the columns and no month twice.
        let series = index_series(&self.frame).unwrap_or_default();
        let mut figure = indices(&series);
        if let Some(source) = &self.source {
            figure.subtitle = source.licence.clone();
        }
        figure
    }
}
