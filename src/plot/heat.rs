//! Groups against time, as cells in colour.

use super::figures::{dated, most_affected, name};
use super::{Figure, Layer, Mark, Panel};
use crate::observe::Observation;

/// Rows at most.
const ROWS: usize = 40;

/// A panel as a heat map: a row a group, the most affected at the top, a column a period; white is the steady state,
/// orange below, blue above, grey missing.
///
/// ```
/// use bullwhip::prelude::*;
///
/// # let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::region(&network, "R1", 5, 0.6, 0.1)?;
/// # let run = simulate(&network, &Params::usual(&network), &shock, &Simulation::default())?;
/// heat(&run.observe()).svg()?;
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn heat(panel: &Observation) -> Figure {
    let order = most_affected(panel);
    let shown = order.len().min(ROWS);
    let periods = panel.rows();
    let mut layer = Layer {
        mark: Mark::Cells,
        ..Layer::default()
    };
    let mut y_ticks = Vec::new();
    for (k, group) in order[..shown].iter().enumerate() {
        let y = (shown - 1 - k) as f64;
        y_ticks.push((y, name(panel, *group)));
        for (t, v) in panel.index(*group).into_iter().enumerate() {
            layer.x.push((t + 1) as f64);
            layer.y.push(y);
            layer.z.push(v);
        }
    }
    let mut axes = Panel {
        x_label: "period".into(),
        y_ticks,
        z_label: "index (steady state = 100)".into(),
        z_middle: Some(100.0),
        x_range: Some((0.5, periods as f64 + 0.5)),
        layers: vec![layer],
        ..Panel::default()
    };
    dated(&mut axes, panel.dates.as_ref(), 7);
    Figure {
        title: "Output over time".into(),
        subtitle: match shown < order.len() {
            true => format!("the {shown} most affected of {} groups", order.len()),
            false => String::new(),
        },
        panels: vec![axes],
        columns: 1,
        size: (860, 110 + 17 * shown.max(6) as u32),
    }
}
