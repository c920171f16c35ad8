//! Figures of studies: who loses, policies side by side, grids of scenarios, bands.

use super::figures::{dated, periods};
use super::{Draw, Figure, Layer, Mark, Panel};
use crate::error::Result;
use crate::infer::Outcome;
use crate::observe::Observation;
use crate::study::{Band, Losses, Policies, Scenarios};
use crate::table::sector_name;

/// Rows that a figure shows at most.
const ROWS: usize = 24;

/// A panel with a row a name, the first at the top.
fn rows(names: Vec<String>, layers: Vec<Layer>, x_label: &str) -> Panel {
    let n = names.len();
    let at = |k: usize| (n - 1 - k) as f64;
    Panel {
        x_label: x_label.into(),
        y_ticks: names
            .into_iter()
            .enumerate()
            .map(|(k, name)| (at(k), name))
            .collect(),
        y_range: Some((-0.6, n as f64 - 0.4)),
        layers,
        ..Panel::default()
    }
}

/// Height of a figure with so many rows.
pub(super) fn tall(rows: usize) -> u32 {
    110 + 22 * rows.max(2) as u32
}

impl Draw for Losses {
    /// A bar each, the largest share of the own output at the top; a line is the 5-95 % band over draws.
    fn figure(&self) -> Figure {
        let shown = self.rows.len().min(ROWS);
        let some = &self.rows[..shown];
        let name = |r: &crate::study::Loss| {
            let sector = sector_name(&r.sector);
            crate::study::Loss {
                sector,
                ..r.clone()
            }
            .label()
        };
        let percent = |f: &dyn Fn(&crate::study::Loss) -> f64| -> Vec<f64> {
            some.iter().map(|r| 100.0 * f(r)).collect()
        };
        let y: Vec<f64> = (0..shown).rev().map(|k| k as f64).collect();
        let own = percent(&|r| r.own);
        let mut layers = vec![Layer::new(Mark::Bars, "", 0, own.clone(), y.clone())];
        if self.has_bands() {
            layers.push(Layer {
                low: percent(&|r| r.band.0),
                high: percent(&|r| r.band.1),
                ..Layer::new(Mark::Spans, "", 6, own, y)
            });
        }
        Figure {
            title: format!("Who loses how much over {} periods", self.periods),
            subtitle: match shown < self.rows.len() {
                true => format!(
                    "the {shown} of {} that lose most of their output",
                    self.rows.len()
                ),
                false => String::new(),
            },
            panels: vec![rows(
                some.iter().map(name).collect(),
                layers,
                "output lost (% of its own steady output)",
            )],
            columns: 1,
            size: (760, tall(shown)),
        }
    }
}

impl Draw for Policies {
    /// What each policy avoids, and what is lost with it: mean and 5-95 % band over draws.
    fn figure(&self) -> Figure {
        let n = self.tried.len();
        let spans = |bands: Vec<(f64, f64, f64)>, color: usize| {
            let of = |f: fn(&(f64, f64, f64)) -> f64| bands.iter().map(|b| 100.0 * f(b)).collect();
            let y = (0..bands.len()).rev().map(|k| k as f64).collect();
            vec![Layer {
                low: of(|b| b.1),
                high: of(|b| b.2),
                ..Layer::new(Mark::Spans, "", color, of(|b| b.0), y)
            }]
        };
        let names: Vec<String> = self.tried.iter().map(|t| t.name.clone()).collect();
        let avoided = self
            .tried
            .iter()
            .map(|t| Outcome::band(&t.avoided))
            .collect();
        let all = std::iter::once(&self.nothing).chain(self.tried.iter().map(|t| &t.outcome));
        let lost = all.map(|o| Outcome::band(&o.lost)).collect();
        let with_nothing = std::iter::once("nothing".to_string()).chain(names.clone());
        Figure {
            title: "Policies side by side".into(),
            subtitle: "mean and 5-95 % band over draws".into(),
            panels: vec![
                rows(
                    names,
                    spans(avoided, 2),
                    "loss avoided (% of steady output)",
                ),
                rows(
                    with_nothing.collect(),
                    spans(lost, 1),
                    "output lost (% of steady output)",
                ),
            ],
            columns: 2,
            size: (900, tall(n + 1) + 20),
        }
    }
}

impl Draw for Scenarios {
    /// A line over one coordinate, a heat map over two; over more of them the worst scenarios as bars.
    fn figure(&self) -> Figure {
        let lost: Vec<f64> = self.lost.iter().map(|v| 100.0 * v).collect();
        let label = "output lost (%)";
        let number = |k: usize| self.numbers.iter().all(|n| !n[k].is_nan());
        let panel = match self.names.as_slice() {
            [name] if number(0) => {
                let mut points: Vec<(f64, f64)> = self
                    .numbers
                    .iter()
                    .map(|n| n[0])
                    .zip(lost.clone())
                    .collect();
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                let (x, y) = points.into_iter().unzip();
                Panel {
                    x_label: name.clone(),
                    y_label: label.into(),
                    layers: vec![Layer::new(Mark::Line, "", 0, x, y)],
                    ..Panel::default()
                }
            }
            [across, up] => {
                let places = |k: usize| {
                    let mut known: Vec<String> = Vec::new();
                    let mut at = |text: &String| -> f64 {
                        known.iter().position(|o| o == text).unwrap_or_else(|| {
                            known.push(text.clone());
                            known.len() - 1
                        }) as f64
                    };
                    let all: Vec<f64> = self.texts.iter().map(|t| at(&t[k])).collect();
                    let ticks = known.into_iter().enumerate();
                    (all, ticks.map(|(k, t)| (k as f64, t)).collect())
                };
                let ((x, x_ticks), (y, y_ticks)) = (places(0), places(1));
                Panel {
                    x_label: across.clone(),
                    y_label: up.clone(),
                    x_ticks,
                    y_ticks,
                    z_label: label.into(),
                    layers: vec![Layer {
                        z: lost.clone(),
                        ..Layer::new(Mark::Cells, "", 0, x, y)
                    }],
                    ..Panel::default()
                }
            }
            _ => {
                let mut order: Vec<usize> = (0..lost.len()).collect();
                order.sort_by(|a, b| lost[*b].total_cmp(&lost[*a]));
                order.truncate(ROWS);
                let y = (0..order.len()).rev().map(|k| k as f64).collect();
                let x = order.iter().map(|k| lost[*k]).collect();
                let names = order.iter().map(|k| self.texts[*k].join(" · ")).collect();
                rows(names, vec![Layer::new(Mark::Bars, "", 0, x, y)], label)
            }
        };
        let height = panel.y_ticks.len();
        Figure {
            title: format!("{} scenarios", lost.len()),
            subtitle: match self.stopped {
                true => "stopped: the others were not simulated".into(),
                false => String::new(),
            },
            panels: vec![panel],
            columns: 1,
            size: (760, tall(height).max(360)),
        }
    }
}

/// Bands of several parts of an economy, a panel each, and what was observed of them where a panel is given:
/// `bands(&prediction, Some(&observed), &[Of::Total, Of::region("IT")], 0.9)?`.
///
/// # Errors
/// A region, sector or group that is not there.
pub fn bands(
    prediction: &crate::infer::Prediction,
    observed: Option<&Observation>,
    parts: &[crate::study::Of],
    level: f64,
) -> Result<Figure> {
    let columns = parts.len().clamp(1, 3);
    let panel = |of: &crate::study::Of| -> Result<Panel> {
        let band: Band = prediction.band(of, level)?;
        let x = periods(band.low.len());
        let mut layers = vec![
            Layer::band(
                format!("{:.0} % of draws", 100.0 * level),
                0,
                x.clone(),
                band.low,
                band.high,
            ),
            Layer::new(Mark::Line, "median", 0, x.clone(), band.middle),
        ];
        if let Some(seen) = observed {
            let y = seen.index_of(of)?;
            layers.push(Layer::new(Mark::Dots, "observed", 1, periods(y.len()), y));
        }
        let mut panel = Panel {
            title: band.label,
            x_label: "period".into(),
            y_label: "index".into(),
            layers,
            ..Panel::default()
        };
        dated(&mut panel, observed.and_then(|o| o.dates.as_ref()), 4);
        Ok(panel)
    };
    let panels: Vec<Panel> = parts.iter().map(panel).collect::<Result<_>>()?;
    let rows = panels.len().div_ceil(columns).max(1) as u32;
    Ok(Figure {
        title: "What the draws predict".into(),
        subtitle: "steady state = 100".into(),
        panels,
        columns,
        size: (860, 80 + 240 * rows),
    })
}
