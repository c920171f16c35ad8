//! The posterior of draws: each is run through the model, and what is not finite is left out.

use super::psis::pareto_k;
use super::{Convergence, Fitted, Learnt, Posterior, Prediction, bound, column_means};
use crate::error::{Error, Result};
use crate::infer::layout::{Varying, cut};
use crate::infer::objective::Objective;
use crate::observe::Observation;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many draws are simulated.
#[derive(Clone, Copy)]
pub(crate) enum Pace<'a> {
    /// As many as a quarter of a second allows, at least one: somebody waits.
    Hurried,
    /// All, or fewer once this is true.
    Until(&'a dyn Fn() -> bool),
}

/// Draws of a posterior to be simulated.
pub(crate) struct Draws<'a> {
    /// Number of them.
    pub(crate) count: usize,
    /// Coordinates of each, and the logarithm of the guide's density there, NaN without a guide.
    pub(crate) each: Box<dyn Iterator<Item = (Vec<f64>, f64)> + 'a>,
}

/// Draws that were simulated.
struct Made {
    /// [draw, coordinate].
    coordinates: Vec<f64>,
    /// Panels of each scenario, [draw, period, group].
    panels: Vec<Vec<f64>>,
    /// ln (exp(-weight x loss) prior / guide), `[draw]`.
    log_ratios: Vec<f64>,
    /// Draws that were left out, as their output is not finite.
    lost: usize,
}

/// What was learnt of one parameter, from draws [draw, coordinate] of `n` coordinates.
fn learnt(
    varying: &Varying,
    (location, scale): (Vec<f64>, Vec<f64>),
    coordinates: &[f64],
    n: usize,
) -> Learnt {
    let samples = varying.unit_values(coordinates, n);
    let len = varying.units();
    let column = |k: usize| samples.iter().skip(k).step_by(len);
    let mean = column_means(&samples, len);
    let sd = (0..len)
        .map(|k| {
            let square = column(k).map(|v| (v - mean[k]).powi(2)).sum::<f64>();
            (square / (coordinates.len() / n) as f64).sqrt()
        })
        .collect();
    Learnt {
        parameter: varying.parameter,
        prior: varying.prior,
        per: varying.per,
        labels: varying.labels.clone(),
        location,
        scale,
        mean,
        sd,
        samples,
        effective_draws: f64::INFINITY,
    }
}

/// Builds the result from means and standard deviations of all units, and draws of all coordinates. Draws
/// whose output is not finite are left out, and counted beside it.
pub(crate) fn assemble(
    objective: &Objective,
    method: &'static str,
    moments: (Vec<f64>, Vec<f64>),
    draws: Draws<'_>,
    pace: Pace<'_>,
) -> Result<(Posterior, usize)> {
    let (n, problem) = (objective.dimension(), objective.problem());
    let made = make(objective, draws, pace)?;
    let count = made.coordinates.len() / n;
    if count == 0 {
        return Err(Error::new(
            "calibration",
            format!(
                "none of the posterior's {} draws gives a finite output",
                made.lost
            ),
            "narrow the priors, raise problem.noise, or lower Svi.learning_rate",
        ));
    }
    let units = |all: &[f64]| -> Vec<Vec<f64>> {
        cut(objective.layout(), all).map(<[f64]>::to_vec).collect()
    };
    let each = units(&moments.0).into_iter().zip(units(&moments.1));
    let parameters = objective
        .layout()
        .iter()
        .zip(each)
        .map(|(varying, (location, scale))| {
            learnt(varying, (location, scale), &made.coordinates, n)
        })
        .collect();
    let predictions = made.panels.into_iter().map(|samples| {
        let mean = column_means(&samples, samples.len() / count);
        Ok(Prediction {
            mean: Observation::from_values(&problem.network, mean)?,
            draws: count,
            samples,
        })
    });
    let mut predictions = predictions.collect::<Result<Vec<_>>>()?.into_iter();
    let predictive = predictions.next().expect("a problem has a scenario");
    let further = problem.further.iter().zip(predictions);
    let posterior = Posterior {
        method,
        history: Vec::new(),
        parameters,
        draws: count,
        observed: problem.observed.clone(),
        predictive,
        further: further
            .map(|(scenario, predictive)| Fitted {
                observed: scenario.observed.clone(),
                predictive,
            })
            .collect(),
        loss: problem.loss,
        starts: Vec::new(),
        chains: None,
        evidence: bound(&made.log_ratios, n),
        pareto_k: pareto_k(&made.log_ratios),
        noise: problem.noise,
        learnt_noise: objective
            .noise()
            .map(|units| units.learnt(&made.coordinates, n)),
        scale: problem.scale,
        device: objective.device().into(),
        evaluations: 0,
        seconds: 0.0,
        stopped: false,
        convergence: Convergence::default(),
        warnings: Vec::new(),
        saved: Arc::default(),
    };
    Ok((posterior, made.lost))
}

/// Runs draws through the model, some at a time: 64, or in large economies as many as take about half a
/// second, as it may be asked to stop.
fn make(objective: &Objective, mut draws: Draws<'_>, pace: Pace<'_>) -> Result<Made> {
    let begin = Instant::now();
    let enough = || match pace {
        Pace::Hurried => begin.elapsed() > Duration::from_millis(250),
        Pace::Until(asked) => asked(),
    };
    let orders = match pace {
        Pace::Hurried => 25_000_000,
        Pace::Until(_) => 200_000_000,
    };
    let together = objective.particles_within(orders).min(64);
    let weight = objective.weight();
    let mut made = Made {
        coordinates: Vec::new(),
        panels: Vec::new(),
        log_ratios: Vec::new(),
        lost: 0,
    };
    loop {
        let some: Vec<(Vec<f64>, f64)> = draws.each.by_ref().take(together).collect();
        if some.is_empty() {
            break;
        }
        let u: Vec<f64> = some.iter().flat_map(|(u, _)| u).copied().collect();
        let (losses, panels) = objective.loss_and_panels(&u)?;
        made.panels.resize_with(panels.len(), Vec::new);
        for (k, (loss, (u, log))) in losses.iter().zip(&some).enumerate() {
            let of = |panel: &Vec<f64>| -> Range<usize> {
                let cells = panel.len() / some.len();
                k * cells..(k + 1) * cells
            };
            let whole = panels
                .iter()
                .all(|p| p[of(p)].iter().all(|v| v.is_finite()));
            if !(whole && loss.is_finite() && u.iter().all(|v| v.is_finite())) {
                made.lost += 1;
                continue;
            }
            for (all, new) in made.panels.iter_mut().zip(&panels) {
                all.extend(&new[of(new)]);
            }
            // Constants do not matter: the prior without its normalisation.
            let prior = 0.5 * u.iter().map(|u| u * u).sum::<f64>();
            made.log_ratios.push(-weight * loss - prior - log);
            made.coordinates.extend(u);
        }
        if enough() {
            break;
        }
    }
    Ok(made)
}
