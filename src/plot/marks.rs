//! Bars, cells, areas, discs and texts, and the scale of colours.

use super::axis::Axis;
use super::draw::{Anchor, Outcome, Pen};
use super::theme::{self, FAINT, INK, SMALL, SOFT};
use super::{Layer, Mark, Panel};
use plotters::element::{Circle, Polygon, Rectangle};
use plotters::prelude::DrawingBackend;
use plotters::style::{Color, RGBColor};

/// Width of the bar that shows the scale of colours, in points.
const BAR: f64 = 12.0;

/// What a layer needs of the horizontal axis.
pub(super) fn xs(layer: &Layer) -> impl Iterator<Item = f64> + Clone {
    let (out, more) = match layer.mark {
        Mark::Cells => (0.5, &[][..]),
        Mark::Bars => (0.0, &[0.0][..]),
        _ => (0.0, &[][..]),
    };
    let ends = match layer.mark {
        Mark::Spans => [layer.low.as_slice(), layer.high.as_slice()],
        _ => [&[][..], &[]],
    };
    let each = layer.x.iter().flat_map(move |x| [x - out, x + out]);
    each.chain(more.iter().copied())
        .chain(ends.into_iter().flatten().copied())
}

/// What a layer needs of the upright axis.
pub(super) fn ys(layer: &Layer) -> impl Iterator<Item = f64> + Clone {
    let out = if layer.mark == Mark::Cells { 0.5 } else { 0.0 };
    let ends = match layer.mark {
        Mark::Spans | Mark::Texts | Mark::Discs => [&[][..], &[]],
        _ => [layer.low.as_slice(), layer.high.as_slice()],
    };
    let each = layer.y.iter().flat_map(move |y| [y - out, y + out]);
    each.chain(ends.into_iter().flatten().copied())
}

/// From numbers to the colours of cells.
pub(super) struct Scale {
    low: f64,
    high: f64,
    middle: Option<f64>,
}

impl Scale {
    /// The scale of a panel with cells.
    pub(super) fn of(panel: &Panel) -> Option<Scale> {
        let colored = |l: &Layer| match l.mark {
            Mark::Cells => l.z.clone(),
            Mark::Discs => l.high.clone(),
            _ => Vec::new(),
        };
        let values = panel.layers.iter().flat_map(colored);
        let given = panel
            .z_range
            .into_iter()
            .flat_map(|(low, high)| [low, high]);
        let values = values.filter(|z| z.is_finite()).chain(given);
        let (mut low, mut high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), z| {
            (a.min(z), b.max(z))
        });
        if low > high || panel.layers.iter().all(|l| colored(l).is_empty()) {
            return None;
        }
        if let Some(middle) = panel.z_middle {
            (low, high) = (low.min(middle), high.max(middle));
        }
        if high - low < 1e-9 * high.abs().max(1e-300) {
            high = low + low.abs().max(1.0) * 0.05;
        }
        Some(Scale {
            low,
            high,
            middle: panel.z_middle,
        })
    }

    fn color(&self, z: f64) -> RGBColor {
        if !z.is_finite() {
            return FAINT;
        }
        let mixed = |share: f64, (r, g, b): (f64, f64, f64)| {
            let part = |c: f64| (255.0 + share.clamp(0.0, 1.0) * (c - 255.0)).round() as u8;
            RGBColor(part(r), part(g), part(b))
        };
        // Orange is below, blue above: colour-blind readers can tell them apart.
        let (below, above) = ((190.0, 75.0, 0.0), (0.0, 90.0, 160.0));
        match self.middle {
            // Both sides by the same measure, so that equal strays look equal.
            Some(middle) => {
                let widest = (middle - self.low).max(self.high - middle);
                let share = (z - middle) / widest;
                if share < 0.0 {
                    mixed(-share, below)
                } else {
                    mixed(share, above)
                }
            }
            None => mixed(0.06 + 0.94 * (z - self.low) / (self.high - self.low), below),
        }
    }

    fn axis(&self) -> Axis {
        Axis::tight([self.low, self.high].into_iter(), false, 5)
    }

    /// Width that it takes, in points.
    pub(super) fn room<B: DrawingBackend>(&self, pen: &Pen<'_, B>) -> f64 {
        let axis = self.axis();
        let widths = axis.ticks.iter().map(|t| pen.width(&t.1, SMALL));
        widths.fold(0.0, f64::max) + BAR + 44.0
    }

    pub(super) fn draw<B: DrawingBackend>(
        &self,
        pen: &Pen<'_, B>,
        left: f64,
        (top, bottom): (f64, f64),
        label: &str,
    ) -> Outcome<B> {
        const STEPS: usize = 60;
        let at = |k: usize| bottom - (bottom - top) * k as f64 / STEPS as f64;
        for k in 0..STEPS {
            let z = self.low + (self.high - self.low) * (k as f64 + 0.5) / STEPS as f64;
            pen.area.draw(&Rectangle::new(
                [pen.at((left, at(k + 1))), pen.at((left + BAR, at(k)))],
                self.color(z).filled(),
            ))?;
        }
        let axis = self.axis();
        let mut widest = 0.0f64;
        for (v, text) in &axis.ticks {
            if let Some(f) = axis.at(*v) {
                let y = bottom - f * (bottom - top);
                pen.line(&[(left + BAR, y), (left + BAR + 3.0, y)], SOFT, 1.0)?;
                pen.text(
                    text,
                    (left + BAR + 6.0, y),
                    SMALL,
                    SOFT,
                    false,
                    Anchor::Left,
                )?;
                widest = widest.max(pen.width(text, SMALL));
            }
        }
        let place = (left + BAR + widest + 18.0, (top + bottom) / 2.0);
        pen.text(label, place, SMALL, SOFT, false, Anchor::Turned)
    }
}

/// Draws what `draw_layer` leaves out.
pub(super) fn draw<B: DrawingBackend>(
    pen: &Pen<'_, B>,
    layer: &Layer,
    scale: Option<&Scale>,
    px: &dyn Fn(f64) -> Option<f64>,
    py: &dyn Fn(f64) -> Option<f64>,
) -> Outcome<B> {
    let color = theme::color(layer.color);
    let points = layer.x.iter().copied().zip(layer.y.iter().copied());
    match layer.mark {
        Mark::Bars => {
            for (x, y) in points {
                let (Some(from), Some(to)) = (px(0.0), px(x)) else {
                    continue;
                };
                let (Some(low), Some(high)) = (py(y - 0.36), py(y + 0.36)) else {
                    continue;
                };
                let corners = [pen.at((from.min(to), high)), pen.at((from.max(to), low))];
                pen.area
                    .draw(&Rectangle::new(corners, color.mix(0.75).filled()))?;
            }
        }
        Mark::Spans => {
            for (k, (x, y)) in points.enumerate() {
                let Some(y) = py(y) else { continue };
                let end = |v: &[f64]| v.get(k).and_then(|v| px(*v));
                if let Some((low, high)) = end(&layer.low).zip(end(&layer.high)) {
                    pen.line(&[(low, y), (high, y)], color, 2.0)?;
                }
                if let Some(x) = px(x) {
                    let size = (3.4 * pen.scale) as i32;
                    pen.area
                        .draw(&Circle::new(pen.at((x, y)), size, color.filled()))?;
                }
            }
        }
        Mark::Cells => {
            let Some(scale) = scale else { return Ok(()) };
            for ((x, y), z) in points.zip(&layer.z) {
                let (Some(l), Some(r)) = (px(x - 0.5), px(x + 0.5)) else {
                    continue;
                };
                let (Some(b), Some(t)) = (py(y - 0.5), py(y + 0.5)) else {
                    continue;
                };
                let corners = [pen.at((l, t)), pen.at((r, b))];
                pen.area
                    .draw(&Rectangle::new(corners, scale.color(*z).filled()))?;
            }
        }
        _ => shapes(pen, layer, scale, px, py)?,
    }
    Ok(())
}

/// Areas, discs and texts.
fn shapes<B: DrawingBackend>(
    pen: &Pen<'_, B>,
    layer: &Layer,
    scale: Option<&Scale>,
    px: &dyn Fn(f64) -> Option<f64>,
    py: &dyn Fn(f64) -> Option<f64>,
) -> Outcome<B> {
    let color = theme::color(layer.color);
    let points = layer.x.iter().copied().zip(layer.y.iter().copied());
    match layer.mark {
        Mark::Area => {
            let outline: Vec<(i32, i32)> = points
                .filter_map(|(x, y)| Some(pen.at((px(x)?, py(y)?))))
                .collect();
            if outline.len() > 2 {
                pen.area.draw(&Polygon::new(outline, color.mix(0.45)))?;
            }
        }
        Mark::Discs => {
            for (k, ((x, y), z)) in points.zip(&layer.z).enumerate() {
                let Some(at) = px(x).zip(py(y)) else {
                    continue;
                };
                let given = scale.zip(layer.high.get(k));
                let fill = given.map_or(color, |(scale, value)| scale.color(*value));
                let size = (z.clamp(0.0, 200.0) * pen.scale).round() as i32;
                pen.area
                    .draw(&Circle::new(pen.at(at), size, fill.filled()))?;
                pen.area.draw(&Circle::new(pen.at(at), size, SOFT))?;
            }
        }
        Mark::Texts => {
            for (k, ((x, y), text)) in points.zip(&layer.names).enumerate() {
                let Some((x, y)) = px(x).zip(py(y)) else {
                    continue;
                };
                let (x, anchor) = match layer.low.get(k) {
                    Some(side) if *side < 0.0 => (x - 6.0, Anchor::Right),
                    Some(_) => (x, Anchor::Centre),
                    None => (x + 6.0, Anchor::Left),
                };
                pen.text(text, (x, y), SMALL, INK, false, anchor)?;
            }
        }
        _ => {}
    }
    Ok(())
}
