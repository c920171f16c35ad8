//! Forecasts at earlier dates against what came, by origin and by horizon.

use super::figures::SIZE;
use super::theme::COLORS;
use super::{Draw, Figure, Layer, Mark, Panel, fit};
use crate::infer::{Backtested, Discrepancy, Fan, Posterior};

/// Origins that are drawn.
const ORIGINS: usize = 4;
/// Bins of the histogram of where what came lies.
const BINS: usize = 10;

impl Backtested {
    /// Some origins, evenly spread.
    fn shown(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.fans.iter().map(|f| f.origin).collect();
        all.sort_unstable();
        all.dedup();
        let count = all.len().min(ORIGINS);
        (0..count)
            .map(|k| all[k * (all.len() - 1) / (count - 1).max(1)])
            .collect()
    }

    /// The fan of the series whose forecasts were furthest off, at an origin.
    fn fan(&self, origin: usize) -> Option<&Fan> {
        let fans = self.fans.iter().filter(|f| f.origin == origin);
        let depth = |f: &&Fan| {
            let groups = self.labels.len().max(1);
            let series = self.observed.iter().skip(f.group).step_by(groups);
            series
                .filter(|v| !v.is_nan())
                .map(|v| (v - 100.0).abs())
                .fold(0.0, f64::max)
        };
        fans.max_by(|a, b| depth(a).total_cmp(&depth(b)))
    }

    fn fan_panel(&self, fan: &Fan) -> Panel {
        let groups = self.labels.len().max(1);
        let series: Vec<f64> = self
            .observed
            .iter()
            .skip(fan.group)
            .step_by(groups)
            .copied()
            .collect();
        let x: Vec<f64> = (1..=series.len()).map(|t| t as f64).collect();
        let ahead: Vec<f64> = (1..=fan.q50.len())
            .map(|h| (fan.origin + h) as f64)
            .collect();
        Panel {
            title: format!(
                "{}, known until period {}",
                self.labels[fan.group], fan.origin
            ),
            x_label: "period".into(),
            y_label: "% of the steady level".into(),
            layers: vec![
                Layer::band("5-95 %", 4, ahead.clone(), fan.q05.clone(), fan.q95.clone()),
                Layer::band(
                    "25-75 %",
                    0,
                    ahead.clone(),
                    fan.q25.clone(),
                    fan.q75.clone(),
                ),
                Layer::new(Mark::Line, "forecast", 0, ahead, fan.q50.clone()),
                Layer::new(Mark::Dots, "observed", 1, x, series),
            ],
            ..Panel::default()
        }
    }

    /// Where what came lies among the model's draws: flat where its bands are right.
    fn pit_panel(&self) -> Panel {
        let all = self.scores.iter().filter(|s| s.method == "model");
        let mut counts = [0.0; BINS];
        for score in all.clone() {
            counts[((score.pit * BINS as f64) as usize).min(BINS - 1)] += 1.0;
        }
        let expected = (all.count() as f64 / BINS as f64).max(1e-9);
        let ends = |k: usize| [k as f64 / BINS as f64, (k + 1) as f64 / BINS as f64];
        let x = (0..BINS).flat_map(ends).collect();
        let y = counts.iter().flat_map(|n| [n / expected; 2]).collect();
        Panel {
            title: "the model's forecasts".into(),
            x_label: "share of draws below what came".into(),
            y_label: "frequency (1 = uniform)".into(),
            layers: vec![
                Layer::new(Mark::Line, "", 0, x, y),
                Layer::new(Mark::Reference, "", 0, vec![0.0, 1.0], vec![1.0; 2]),
            ],
            ..Panel::default()
        }
    }

    /// The score of each method against the horizon.
    fn horizon_panel(&self) -> Panel {
        let last = self.scores.iter().map(|s| s.horizon).max().unwrap_or(1);
        let names = self.standings().into_iter().map(|s| s.method);
        let line = |(k, name): (usize, String)| {
            let at = |h: usize| {
                let all = self.standings_where(|s| s.horizon == h && s.method == name);
                all.first().map_or(f64::NAN, |s| s.crps)
            };
            let x = (1..=last).map(|h| h as f64).collect();
            Layer::new(
                Mark::Line,
                name.clone(),
                k % COLORS,
                x,
                (1..=last).map(at).collect(),
            )
        };
        Panel {
            title: "all series and origins".into(),
            x_label: "periods ahead".into(),
            y_label: "CRPS (% of the level)".into(),
            layers: names.enumerate().map(line).collect(),
            ..Panel::default()
        }
    }
}

impl Draw for Backtested {
    /// Fans at up to four origins, of the series that was hit hardest; where what came lies among the draws; and the
    /// score of every method against the horizon.
    fn figure(&self) -> Figure {
        let fans = self
            .shown()
            .into_iter()
            .filter_map(|origin| self.fan(origin));
        let mut panels: Vec<Panel> = fans.map(|fan| self.fan_panel(fan)).collect();
        panels.push(self.pit_panel());
        panels.push(self.horizon_panel());
        let standings: Vec<String> = self
            .standings()
            .iter()
            .map(|s| format!("{} {:.1}", s.method, s.rmse))
            .collect();
        Figure {
            title: "Forecasts against what came".into(),
            subtitle: format!("root mean square errors: {}", standings.join(", ")),
            panels,
            columns: 2,
            size: (SIZE.0, 780),
        }
    }
}

impl Posterior {
    /// What was observed against what may be observed, by `observations`: its bands should hold observed cells, and go on
    /// where none are, as forecasts.
    pub fn fan(&self, discrepancy: Discrepancy, seed: u64) -> Figure {
        let mut figure = fit(&self.observations(discrepancy, seed), &self.observed);
        figure.title = "Observed against what may be observed".into();
        figure
    }
}
