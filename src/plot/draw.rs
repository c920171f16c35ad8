//! Lays out a figure and draws it on any surface.

use super::axis::Axis;
use super::marks;
use super::theme::{self, FAINT, FAMILY, GRID, INK, LINE, SMALL, SOFT, TEXT, TITLE};
use super::{Figure, Layer, Mark, Panel};
use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, FontTransform, IntoFont, IntoTextStyle, RGBColor, WHITE};

/// Adds `.figure()` to results.
pub trait Draw {
    /// The figure that shows the result at a glance.
    fn figure(&self) -> Figure;
}

pub(super) type Outcome<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// A surface with a scale: coordinates are points from the top left.
pub(super) struct Pen<'a, B: DrawingBackend> {
    pub(super) area: &'a DrawingArea<B, Shift>,
    pub(super) scale: f64,
}

/// Where a text's reference point lies.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Left,
    Centre,
    Right,
    Below,
    Turned,
}

impl<B: DrawingBackend> Pen<'_, B> {
    pub(super) fn at(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (
            (x * self.scale).round() as i32,
            (y * self.scale).round() as i32,
        )
    }

    pub(super) fn text(
        &self,
        text: &str,
        at: (f64, f64),
        size: f64,
        color: RGBColor,
        bold: bool,
        anchor: Anchor,
    ) -> Outcome<B> {
        if text.is_empty() {
            return Ok(());
        }
        let style = if bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let mut font = (FAMILY, size * self.scale, style).into_font();
        let pos = match anchor {
            Anchor::Left => Pos::new(HPos::Left, VPos::Center),
            Anchor::Centre | Anchor::Turned => Pos::new(HPos::Center, VPos::Center),
            Anchor::Right => Pos::new(HPos::Right, VPos::Center),
            Anchor::Below => Pos::new(HPos::Center, VPos::Top),
        };
        if matches!(anchor, Anchor::Turned) {
            font = font.transform(FontTransform::Rotate270);
        }
        let style = font.into_text_style(self.area).color(&color).pos(pos);
        self.area
            .draw(&Text::new(text.to_string(), self.at(at), style))
    }

    /// Width of a text in points.
    pub(super) fn width(&self, text: &str, size: f64) -> f64 {
        let style = (FAMILY, size * self.scale)
            .into_font()
            .into_text_style(self.area);
        let estimate = self.area.estimate_text_size(text, &style);
        estimate.map_or(text.len() as f64 * size * 0.5, |(w, _)| {
            f64::from(w) / self.scale
        })
    }

    pub(super) fn line(&self, points: &[(f64, f64)], color: RGBColor, width: f64) -> Outcome<B> {
        let stroke = (width * self.scale).round().max(1.0) as u32;
        let mut rest = points;
        while rest.len() > 1 {
            // The drawing library mitres every corner: a path that turns back would grow a spike.
            let turn = rest.windows(3).position(|w| {
                let ((ax, ay), (bx, by), (cx, cy)) = (w[0], w[1], w[2]);
                (bx - ax) * (cx - bx) + (by - ay) * (cy - by) < 0.0
            });
            let end = turn.map_or(rest.len(), |k| k + 2);
            let path: Vec<_> = rest[..end].iter().map(|p| self.at(*p)).collect();
            self.area
                .draw(&PathElement::new(path, color.stroke_width(stroke)))?;
            rest = if end < rest.len() {
                &rest[end - 1..]
            } else {
                &[]
            };
        }
        Ok(())
    }

    fn dashes(&self, points: &[(f64, f64)], color: RGBColor) -> Outcome<B> {
        for pair in points.windows(2) {
            let [(x0, y0), (x1, y1)] = *pair else {
                continue;
            };
            let length = (x1 - x0).hypot(y1 - y0);
            let n = (length / 9.0).ceil().max(1.0) as usize;
            for k in 0..n {
                let part = |f: f64| (x0 + (x1 - x0) * f, y0 + (y1 - y0) * f);
                let (a, b) = (k as f64 / n as f64, (k as f64 + 0.55) / n as f64);
                self.line(&[part(a), part(b)], color, 1.0)?;
            }
        }
        Ok(())
    }
}

pub(super) fn draw_figure<B: DrawingBackend>(
    figure: &Figure,
    area: &DrawingArea<B, Shift>,
    scale: f64,
) -> Outcome<B> {
    area.fill(&WHITE)?;
    let pen = Pen { area, scale };
    let (width, height) = (f64::from(figure.size.0), f64::from(figure.size.1));
    pen.text(&figure.title, (14.0, 20.0), TITLE, INK, true, Anchor::Left)?;
    let mut top = 36.0;
    for line in figure.subtitle.lines() {
        pen.text(line, (14.0, top + 4.0), TEXT, SOFT, false, Anchor::Left)?;
        top += LINE;
    }
    // No wider than what the panels take in one row.
    let taken: usize = figure.panels.iter().map(|p| p.span.max(1)).sum();
    let columns = figure.columns.clamp(1, taken.max(1));
    let places = places(&figure.panels, columns);
    let rows = places.last().map_or(1, |p| p.0 + 1);
    let legend = legend_of(&figure.panels);
    let room = if legend.is_empty() {
        0.0
    } else {
        legend
            .iter()
            .map(|l| pen.width(&l.label, SMALL))
            .fold(0.0, f64::max)
            + 38.0
    };
    let (w, h) = (
        (width - room - 8.0) / columns as f64,
        (height - top - 6.0) / rows as f64,
    );
    for (panel, (row, column, span)) in figure.panels.iter().zip(places) {
        let corner = (w * column as f64, top + h * row as f64);
        draw_panel(&pen, panel, corner, (w * span as f64, h))?;
    }
    for (k, layer) in legend.iter().enumerate() {
        let (x, y) = (width - room + 2.0, top + 24.0 + 19.0 * k as f64);
        match layer.mark {
            Mark::Band => pen.area.draw(&Rectangle::new(
                [pen.at((x, y - 5.0)), pen.at((x + 20.0, y + 5.0))],
                theme::color(layer.color).mix(0.25).filled(),
            ))?,
            Mark::Dots => pen.area.draw(&Circle::new(
                pen.at((x + 10.0, y)),
                (3.2 * scale) as i32,
                theme::color(layer.color).filled(),
            ))?,
            Mark::Reference => pen.dashes(&[(x, y), (x + 20.0, y)], SOFT)?,
            Mark::Faint => pen.line(&[(x, y), (x + 20.0, y)], FAINT, 1.0)?,
            Mark::Line => pen.line(&[(x, y), (x + 20.0, y)], theme::color(layer.color), 2.2)?,
            Mark::Spans | Mark::Bars | Mark::Cells | Mark::Area | Mark::Texts | Mark::Discs => {
                pen.area.draw(&Rectangle::new(
                    [pen.at((x + 4.0, y - 5.0)), pen.at((x + 14.0, y + 5.0))],
                    theme::color(layer.color).filled(),
                ))?
            }
        }
        pen.text(&layer.label, (x + 26.0, y), SMALL, INK, false, Anchor::Left)?;
    }
    Ok(())
}

/// Row, first column and number of columns of every panel: row by row, as many as there is room for.
fn places(panels: &[Panel], columns: usize) -> Vec<(usize, usize, usize)> {
    let (mut row, mut column) = (0, 0);
    let place = |panel: &Panel| {
        let span = panel.span.clamp(1, columns);
        if column + span > columns {
            (row, column) = (row + 1, 0);
        }
        column += span;
        (row, column - span, span)
    };
    panels.iter().map(place).collect()
}

/// The first layer of every label, over all panels.
fn legend_of(panels: &[Panel]) -> Vec<&Layer> {
    let mut seen: Vec<&Layer> = Vec::new();
    for layer in panels.iter().flat_map(|p| &p.layers) {
        if !layer.label.is_empty() && seen.iter().all(|s| s.label != layer.label) {
            seen.push(layer);
        }
    }
    // Lines are drawn with the first on top, so last: the legend begins with it.
    let lines: Vec<usize> = (0..seen.len())
        .filter(|k| seen[*k].mark == Mark::Line)
        .collect();
    let mut sorted: Vec<&Layer> = lines.iter().map(|k| seen[*k]).collect();
    sorted.sort_by_key(|l| l.color);
    lines
        .iter()
        .zip(sorted)
        .for_each(|(k, layer)| seen[*k] = layer);
    let context = |l: &&Layer| matches!(l.mark, Mark::Faint | Mark::Reference);
    let (behind, first): (Vec<&Layer>, Vec<&Layer>) = seen.into_iter().partition(context);
    first.into_iter().chain(behind).collect()
}

/// The axes of a panel of this size, and whether the upright one has names instead of numbers.
fn axes(panel: &Panel, (w, h): (f64, f64)) -> (Axis, Axis) {
    let layers = &panel.layers;
    let ends = |range: Option<(f64, f64)>| range.into_iter().flat_map(|(low, high)| [low, high]);
    let xs = layers.iter().flat_map(marks::xs);
    let mut x_axis = Axis::tight(
        xs.chain(ends(panel.x_range)),
        panel.log_x,
        (w / 90.0).clamp(3.0, 8.0) as usize,
    );
    let ys = layers.iter().flat_map(marks::ys).chain(ends(panel.y_range));
    let wanted = (h / 55.0).clamp(2.0, 6.0) as usize;
    let mut y_axis = match panel.y_ticks.is_empty() && !panel.bare {
        true => Axis::covering(ys, panel.log_y, wanted),
        false => Axis::tight(ys, panel.log_y, wanted),
    };
    for (axis, given) in [(&mut x_axis, &panel.x_ticks), (&mut y_axis, &panel.y_ticks)] {
        if !given.is_empty() {
            axis.ticks.clone_from(given);
        }
        if panel.bare {
            axis.ticks.clear();
        }
    }
    (x_axis, y_axis)
}

fn draw_panel<B: DrawingBackend>(
    pen: &Pen<'_, B>,
    panel: &Panel,
    corner: (f64, f64),
    (w, h): (f64, f64),
) -> Outcome<B> {
    let (x_axis, y_axis) = axes(panel, (w, h));
    let widths = y_axis.ticks.iter().map(|t| pen.width(&t.1, SMALL));
    let widest = widths.fold(0.0, f64::max);
    let left = corner.0 + 14.0 + if panel.y_label.is_empty() { 0.0 } else { 20.0 } + widest + 6.0;
    let scale = marks::Scale::of(panel);
    let right = corner.0 + w - 14.0 - scale.as_ref().map_or(0.0, |s| s.room(pen));
    let top = corner.1 + if panel.title.is_empty() { 8.0 } else { 24.0 };
    let bottom = corner.1 + h - if panel.x_label.is_empty() { 24.0 } else { 44.0 };
    let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
    let title = (left, corner.1 + 12.0);
    pen.text(&panel.title, title, TEXT, INK, true, Anchor::Left)?;
    let below = (middle.0, bottom + 34.0);
    pen.text(&panel.x_label, below, TEXT, SOFT, false, Anchor::Centre)?;
    let beside = (corner.0 + 16.0, middle.1);
    pen.text(&panel.y_label, beside, TEXT, SOFT, false, Anchor::Turned)?;
    let px = |v: f64| x_axis.at(v).map(|f| left + f * (right - left));
    let py = |v: f64| y_axis.at(v).map(|f| bottom - f * (bottom - top));
    for (v, label) in &y_axis.ticks {
        if let Some(y) = py(*v) {
            pen.line(&[(left, y), (right, y)], GRID, 1.0)?;
            pen.text(label, (left - 6.0, y), SMALL, SOFT, false, Anchor::Right)?;
        }
    }
    let mut free_from = f64::NEG_INFINITY;
    for (v, label) in &x_axis.ticks {
        let Some(x) = px(*v).filter(|x| (left - 1.0..=right + 1.0).contains(x)) else {
            continue;
        };
        pen.line(&[(x, bottom), (x, bottom + 4.0)], SOFT, 1.0)?;
        let half = pen.width(label, SMALL) / 2.0;
        if x - half > free_from + 4.0 {
            pen.text(label, (x, bottom + 7.0), SMALL, SOFT, false, Anchor::Below)?;
            free_from = x + half;
        }
    }
    if !panel.bare {
        pen.line(&[(left, bottom), (right, bottom)], SOFT, 1.0)?;
    }
    for layer in &panel.layers {
        draw_layer(pen, layer, &px, &py)?;
        marks::draw(pen, layer, scale.as_ref(), &px, &py)?;
    }
    match &scale {
        Some(scale) => scale.draw(pen, right + 12.0, (top, bottom), &panel.z_label),
        None => Ok(()),
    }
}

fn draw_layer<B: DrawingBackend>(
    pen: &Pen<'_, B>,
    layer: &Layer,
    px: &dyn Fn(f64) -> Option<f64>,
    py: &dyn Fn(f64) -> Option<f64>,
) -> Outcome<B> {
    let color = theme::color(layer.color);
    let place = |x: f64, y: f64| px(x).zip(py(y));
    let points: Vec<Option<(f64, f64)>> = layer
        .x
        .iter()
        .zip(&layer.y)
        .map(|(x, y)| place(*x, *y))
        .collect();
    match layer.mark {
        Mark::Band => {
            let highs = layer.x.iter().zip(&layer.high).map(|(x, y)| place(*x, *y));
            let (low, high): (Vec<_>, Vec<_>) = points
                .iter()
                .copied()
                .zip(highs)
                .filter_map(|(l, h)| l.zip(h))
                .unzip();
            if low.len() > 1 {
                let outline: Vec<_> = low
                    .iter()
                    .chain(high.iter().rev())
                    .map(|p| pen.at(*p))
                    .collect();
                pen.area.draw(&Polygon::new(outline, color.mix(0.2)))?;
            }
        }
        Mark::Dots => {
            for (k, point) in points.iter().enumerate() {
                let Some((x, y)) = *point else { continue };
                let end = |v: &[f64]| v.get(k).and_then(|v| py(*v));
                if let Some((low, high)) = end(&layer.low).zip(end(&layer.high)) {
                    pen.line(&[(x, low), (x, high)], FAINT, 1.0)?;
                }
                pen.area.draw(&Circle::new(
                    pen.at((x, y)),
                    (2.6 * pen.scale) as i32,
                    color.mix(0.8).filled(),
                ))?;
            }
        }
        Mark::Spans | Mark::Bars | Mark::Cells | Mark::Area | Mark::Texts | Mark::Discs => {}
        Mark::Line | Mark::Faint | Mark::Reference => {
            for run in points.split(Option::is_none) {
                let run: Vec<(f64, f64)> = run.iter().copied().flatten().collect();
                match (layer.mark, run.len()) {
                    (_, 0) => {}
                    (_, 1) => pen.area.draw(&Circle::new(
                        pen.at(run[0]),
                        (2.0 * pen.scale) as i32,
                        color.filled(),
                    ))?,
                    (Mark::Faint, _) => pen.line(&run, FAINT, 1.0)?,
                    (Mark::Reference, _) => pen.dashes(&run, SOFT)?,
                    _ => pen.line(&run, color, 2.0)?,
                }
            }
        }
    }
    Ok(())
}
