//! Flows from some names to others, as ribbons as wide as what flows.

use super::{Figure, Layer, Mark, Panel};
use crate::error::{Error, Result};

/// Ribbons at most; the others are one.
const RIBBONS: usize = 40;
/// Room between two names, as a share of all that flows.
const GAP: f64 = 0.02;

/// Names of one side with where they begin and how large they are.
struct Side {
    names: Vec<String>,
    begin: Vec<f64>,
    size: Vec<f64>,
}

impl Side {
    /// The largest at the top.
    fn new<'a>(flows: impl Iterator<Item = (&'a str, f64)>, all: f64) -> Self {
        let mut sums: Vec<(String, f64)> = Vec::new();
        for (name, value) in flows {
            match sums.iter_mut().find(|s| s.0 == name) {
                Some(sum) => sum.1 += value,
                None => sums.push((name.to_string(), value)),
            }
        }
        sums.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (mut begin, mut at) = (Vec::new(), 0.0);
        for (_, size) in &sums {
            begin.push(at);
            at -= size + GAP * all;
        }
        let (names, size) = sums.into_iter().unzip();
        Self { names, begin, size }
    }

    /// The names of the side at `x`, 0 or 1, and the bars that ribbons leave or reach.
    fn ends(&self, x: f64, sum: f64) -> Vec<Layer> {
        let left = x < 0.5;
        let both = self.begin.iter().zip(&self.size);
        let share = |(name, size): (&String, &f64)| format!("{name}  {:.0} %", 100.0 * size / sum);
        let mut layers = vec![Layer {
            x: vec![x + if left { -0.012 } else { 0.012 }; self.names.len()],
            y: both
                .clone()
                .map(|(begin, size)| begin - size / 2.0)
                .collect(),
            low: if left {
                vec![-1.0; self.names.len()]
            } else {
                Vec::new()
            },
            names: self.names.iter().zip(&self.size).map(share).collect(),
            mark: Mark::Texts,
            ..Layer::default()
        }];
        for (k, (begin, size)) in both.enumerate() {
            let (x0, x1) = (x - 0.012, x + 0.012);
            let corners = vec![*begin, *begin, begin - size, begin - size];
            let color = if left { k } else { 6 };
            layers.push(Layer::new(
                Mark::Area,
                "",
                color,
                vec![x0, x1, x1, x0],
                corners,
            ));
        }
        layers
    }

    fn place(&self, name: &str) -> usize {
        self.names.iter().position(|n| n == name).unwrap_or(0)
    }
}

/// Flows `(from, to, value)` as ribbons, from the left to the right: who loses through whom, or who buys of whom.
///
/// # Errors
/// No flow above 0; a value that is negative or no number.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let flows = [("steel", "cars", 3.0), ("steel", "machinery", 1.0), ("cars", "cars", 2.0)];
/// sankey("Losses by where they come from", &flows)?.svg()?;
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn sankey<A: AsRef<str>, B: AsRef<str>>(
    title: impl Into<String>,
    flows: &[(A, B, f64)],
) -> Result<Figure> {
    if let Some(flow) = flows.iter().find(|f| !(f.2 >= 0.0 && f.2.is_finite())) {
        return Err(Error::new(
            format!("sankey, {} to {}", flow.0.as_ref(), flow.1.as_ref()),
            format!("the flow is {}", flow.2),
            "give finite numbers of at least 0",
        ));
    }
    let mut all: Vec<(&str, &str, f64)> = flows
        .iter()
        .map(|f| (f.0.as_ref(), f.1.as_ref(), f.2))
        .filter(|f| f.2 > 0.0)
        .collect();
    all.sort_by(|a, b| b.2.total_cmp(&a.2));
    if all.is_empty() {
        return Err(Error::new(
            "sankey",
            "nothing flows",
            "give at least one flow above 0",
        ));
    }
    let rest: f64 = all.iter().skip(RIBBONS).map(|f| f.2).sum();
    all.truncate(RIBBONS);
    if rest > 0.0 {
        all.push(("others", "others", rest));
    }
    let sum: f64 = all.iter().map(|f| f.2).sum();
    let left = Side::new(all.iter().map(|f| (f.0, f.2)), sum);
    let right = Side::new(all.iter().map(|f| (f.1, f.2)), sum);
    // Ribbons leave and arrive in the order of the other side, so that they cross little.
    all.sort_by_key(|f| (left.place(f.0), right.place(f.1)));
    let mut layers = Vec::new();
    let (mut from, mut to) = (left.begin.clone(), right.begin.clone());
    for (a, b, value) in &all {
        let (a, b) = (left.place(a), right.place(b));
        layers.push(ribbon((from[a], to[b]), *value, a));
        from[a] -= value;
        to[b] -= value;
    }
    layers.extend(left.ends(0.0, sum));
    layers.extend(right.ends(1.0, sum));
    let rows = left.names.len().max(right.names.len()) as u32;
    Ok(Figure {
        title: title.into(),
        subtitle: "as wide as what flows; per cent of all".into(),
        panels: vec![Panel {
            bare: true,
            x_range: Some((-0.45, 1.45)),
            layers,
            ..Panel::default()
        }],
        columns: 1,
        size: (860, (140 + 34 * rows).clamp(260, 900)),
    })
}

/// A ribbon between two heights, as a smooth curve.
fn ribbon((from, to): (f64, f64), width: f64, color: usize) -> Layer {
    const STEPS: usize = 24;
    let at = |k: usize| {
        let x = k as f64 / STEPS as f64;
        (x, from + (to - from) * x * x * (3.0 - 2.0 * x))
    };
    let above = (0..=STEPS).map(at);
    let below = (0..=STEPS).rev().map(at).map(|(x, y)| (x, y - width));
    let (x, y) = above.chain(below).unzip();
    Layer::new(Mark::Area, "", color, x, y)
}
