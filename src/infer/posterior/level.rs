//! Whether an objective is level at the end of a fit.

use crate::infer::state::history::History;

/// Unknowns up to which a fit should be level to a nat, and the steps that tell it.
const LEVEL: (usize, usize) = (500, 50);

/// Nats by which the objective still fell in a hundred steps over the last tenth of a fit that has few unknowns, where
/// that is more than one nat and more than its noise.
pub(super) fn still_falling(history: &History, coordinates: usize) -> Option<f64> {
    let steps = history.steps();
    let last = history.last((steps / 10).min(1000))?;
    if coordinates > LEVEL.0 || last.len() < LEVEL.1 {
        return None;
    }
    let (n, middle) = (last.len() as f64, 0.5 * (last.len() - 1) as f64);
    let mean = last.iter().map(|s| s.objective).sum::<f64>() / n;
    let all = || {
        last.iter()
            .enumerate()
            .map(|(k, s)| (k as f64 - middle, s.objective - mean))
    };
    let spread: f64 = all().map(|(x, _)| x * x).sum();
    let slope = all().map(|(x, y)| x * y).sum::<f64>() / spread;
    let rest: f64 = all().map(|(x, y)| (y - slope * x).powi(2)).sum();
    let error = (rest / (n - 2.0) / spread).sqrt();
    let fall = -100.0 * slope;
    (fall > 1.0 && fall > 300.0 * error).then_some(fall)
}
