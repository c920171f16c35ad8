//! Which model is better: by evidence, by leaving out cells, and by forecasts.

use super::posterior::{relative, smoothed};
use super::{Backtested, Evidence, Loss, Posterior};
use crate::error::{Error, Result};

/// How a model stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// What it is called.
    pub name: String,
    /// Its evidence, or the bound of its guide, where the method tells one; held against others only where the loss is a
    /// density of the same cells.
    pub evidence: Option<Evidence>,
    /// Expected logarithm of the density of cells that are left out one at a time (PSIS-LOO), their sum in nats: the
    /// higher, the better.
    pub loo: f64,
    /// Its standard error.
    pub loo_error: f64,
    /// How much lower it is than the best model's, and the standard error of that.
    pub loo_behind: (f64, f64),
    /// Number of cells, and of those whose Pareto k-hat is above 0.7: for them the draws do not tell what leaving them
    /// out would do.
    pub cells: (usize, usize),
    /// Mean continuous ranked probability score of its forecasts, in per cent of the series' levels, where a
    /// back-test is given: the lower, the better.
    pub forecasts: Option<f64>,
}

/// Models from the best to the worst: by their forecasts where all have a back-test, else by evidence where all have one,
/// else by leaving out cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// The models.
    pub models: Vec<Ranked>,
    /// What is to be known of the numbers, one sentence each.
    pub notes: Vec<String>,
}

/// Cells whose k-hat is above this are not told by the draws.
const BAD: f64 = 0.7;

/// Ranks calibrations of the same panel by models that differ, such as in their rule of production, their priors or
/// their shock. Cells of one series follow each other, so leaving out single ones tells how well a model fills gaps and
/// flatters all models alike: the headline is how they forecast (`Ranking::with_forecasts`), the rest is an aid.
///
/// ```
/// # use bullwhip::prelude::*;
/// # let economy = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::random(&economy, 3, 0.4, 5, 1);
/// # let truth = Priors::default().draw(&economy, 1);
/// # let observed = simulate(&economy, &truth, &shock, &Simulation::default())?.observe();
/// let mut problem = Problem::new(&economy, &shock, &observed);
/// problem.loss = Loss::Gaussian;
/// let svi = Svi { steps: 50, ..Svi::default() };
/// let capacity = calibrate(&problem, &svi, &Run::default(), &mut ())?;
/// problem.simulation.model.production = Production::Paper;
/// let paper = calibrate(&problem, &svi, &Run::default(), &mut ())?;
/// let ranking = rank(&[("capacity", &capacity), ("paper", &paper)])?;
/// assert_eq!(ranking.models.len(), 2);
/// # Ok::<(), Error>(())
/// ```
pub fn rank(models: &[(&str, &Posterior)]) -> Result<Ranking> {
    let Some((_, first)) = models.first() else {
        return Err(Error::new(
            "rank",
            "no model is given",
            "give names with their posteriors",
        ));
    };
    let mut all = Vec::new();
    for (name, posterior) in models {
        posterior.whole()?;
        same_panel(first, posterior, name)?;
        let cells = left_out(posterior);
        let (loo, loo_error) = total(cells.iter().map(|c| c.0));
        let bad = cells.iter().filter(|c| c.1 > BAD).count();
        let ranked = Ranked {
            name: name.to_string(),
            evidence: posterior.evidence,
            loo,
            loo_error,
            loo_behind: (0.0, 0.0),
            cells: (cells.len(), bad),
            forecasts: None,
        };
        all.push((ranked, cells));
    }
    let best = all.iter().max_by(|a, b| a.0.loo.total_cmp(&b.0.loo));
    let best: Vec<f64> = best.expect("one at least").1.iter().map(|c| c.0).collect();
    for (ranked, cells) in &mut all {
        ranked.loo_behind = total(best.iter().zip(cells).map(|(b, c)| b - c.0));
    }
    let mut ranking = Ranking {
        notes: notes(models, &all),
        models: all.into_iter().map(|(ranked, _)| ranked).collect(),
    };
    ranking.sort();
    Ok(ranking)
}

/// Refuses a posterior of another panel.
fn same_panel(first: &Posterior, other: &Posterior, name: &str) -> Result<()> {
    let cells = |p: &Posterior| -> Vec<u64> {
        let values = p
            .observed
            .values
            .iter()
            .chain(p.further.iter().flat_map(|f| &f.observed.values));
        // All that are missing are alike.
        values
            .map(|v| if v.is_nan() { 0 } else { v.to_bits() })
            .collect()
    };
    if cells(first) == cells(other) && first.scale == other.scale {
        return Ok(());
    }
    Err(Error::new(
        format!("rank, {name}"),
        "it was calibrated to another panel, so its numbers cannot be held against the others'",
        "calibrate all models to the same cells",
    ))
}

/// The sum of some numbers, and its standard error.
fn total(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (n * mean, (n * square / (n - 1.0).max(1.0)).sqrt())
}

/// Logarithm of the density of each observed cell in every draw, [draw, cell]; the normal's where the loss is a square.
pub(crate) fn log_densities(posterior: &Posterior) -> Vec<Vec<f64>> {
    let loss = match posterior.loss.positive() {
        true => Loss::Gaussian,
        false => posterior.loss,
    };
    let further = posterior
        .further
        .iter()
        .map(|f| (&f.predictive, &f.observed));
    let all: Vec<_> = std::iter::once((&posterior.predictive, &posterior.observed))
        .chain(further)
        .collect();
    let one = |k: usize| -> Vec<f64> {
        let each = all.iter().flat_map(|(made, observed)| {
            let g = observed.groups();
            let cells = observed.values.len();
            let seen = relative(&observed.values, observed, posterior.scale);
            let draw = relative(
                &made.samples[k * cells..][..cells],
                observed,
                posterior.scale,
            );
            let both = seen
                .into_iter()
                .zip(draw)
                .enumerate()
                .filter(|(_, (s, _))| !s.is_nan());
            let density = |(c, (s, y)): (usize, (f64, f64))| {
                let noise = posterior.noise_of(k, c % g);
                -loss.with(|l| l.cell(y - s, noise)).0
            };
            both.map(density).collect::<Vec<f64>>()
        });
        each.collect()
    };
    (0..posterior.draws).map(one).collect()
}

/// Of every observed cell the logarithm of its density by the draws that were not told of it, and k-hat.
fn left_out(posterior: &Posterior) -> Vec<(f64, f64)> {
    let rows = log_densities(posterior);
    let cells = rows.first().map_or(0, Vec::len);
    let one = |c: usize| {
        let logs: Vec<f64> = rows.iter().map(|row| row[c]).collect();
        let ratios: Vec<f64> = logs.iter().map(|l| -l).collect();
        let (weights, k) = smoothed(&ratios);
        let sum = |values: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f64> = values.collect();
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            most + values.iter().map(|v| (v - most).exp()).sum::<f64>().ln()
        };
        let above = sum(&mut weights.iter().zip(&logs).map(|(w, l)| w + l));
        (above - sum(&mut weights.iter().copied()), k)
    };
    (0..cells).map(one).collect()
}

fn notes(models: &[(&str, &Posterior)], all: &[(Ranked, Vec<(f64, f64)>)]) -> Vec<String> {
    let mut notes = Vec::new();
    let bad: Vec<String> = all
        .iter()
        .filter(|(r, _)| r.cells.1 * 20 > r.cells.0)
        .map(|(r, _)| format!("{} of {} of {}", r.cells.1, r.cells.0, r.name))
        .collect();
    if !bad.is_empty() {
        notes.push(format!(
            "cells with a k-hat above {BAD}, {}: what leaving them out would do is not told by these draws",
            bad.join(", ")
        ));
    }
    if models.iter().any(|(_, p)| p.loss.positive()) {
        notes.push(
            "the loss of a model is a square and no density, so evidence can be compared only where noise and loss are the same; \
             Loss::Gaussian mends that"
                .into(),
        );
    }
    if models
        .iter()
        .any(|(_, p)| p.evidence.is_some_and(|e| e.bound))
    {
        notes.push(
            "evidence is a guide's bound, which is further below where the guide fits worse; Smc with Ladder::Likelihood tells it"
                .into(),
        );
    }
    let doubted: Vec<&str> = models
        .iter()
        .filter(|(_, p)| !p.convergence.reached())
        .map(|(name, _)| *name)
        .collect();
    if !doubted.is_empty() {
        notes.push(format!(
            "something speaks against the fit of {}",
            doubted.join(", ")
        ));
    }
    notes
}

impl Ranking {
    /// With the back-test of a model, by which models are ranked once all have one.
    pub fn with_forecasts(mut self, name: &str, test: &Backtested) -> Result<Self> {
        let standings = test.standings();
        let found = standings.iter().find(|s| s.method == "model");
        let model = self.models.iter_mut().find(|m| m.name == name);
        let (Some(model), Some(found)) = (model, found) else {
            return Err(Error::new(
                format!("ranking, {name}"),
                "there is no such model, or the back-test has no forecast of one",
                "give a name of the ranking and a back-test of that model",
            ));
        };
        model.forecasts = Some(found.crps);
        self.sort();
        Ok(self)
    }

    fn sort(&mut self) {
        let all = |has: fn(&Ranked) -> bool| self.models.iter().all(has);
        let (forecast, evidence) = (
            all(|m| m.forecasts.is_some()),
            all(|m| m.evidence.is_some()),
        );
        self.models.sort_by(|a, b| match (forecast, evidence) {
            (true, _) => a
                .forecasts
                .unwrap_or(f64::NAN)
                .total_cmp(&b.forecasts.unwrap_or(f64::NAN)),
            (false, true) => {
                let log = |m: &Ranked| m.evidence.map_or(f64::NAN, |e| e.log);
                log(b).total_cmp(&log(a))
            }
            (false, false) => b.loo.total_cmp(&a.loo),
        });
    }
}
