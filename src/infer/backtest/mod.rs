//! The back-test: what a model would have forecast at earlier dates, against what came, and against naive curves.

mod baselines;
mod score;
mod stored;

use super::calibrate::calibrate_until;
use super::noise::{Purpose, normals};
use super::posterior::relative;
use super::state::fingerprint::fingerprint;
use super::{Discrepancy, Method, Parameter, Posterior, Problem, Run, Svi};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::model::Domain;
use crate::progress::Progress;
use score::Forecast;
pub use score::{Fan, Score, Standings};
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// What is to be tested.
#[derive(Clone, Debug)]
pub struct Backtest {
    /// The last observed periods that forecasts are made from, from 1: at each the problem is calibrated on the cells up
    /// to it, and on the events that began by then.
    pub origins: RangeInclusive<usize>,
    /// Every so many of them.
    pub every: usize,
    /// Periods that are forecast.
    pub horizon: usize,
    /// What calibrates.
    pub method: Method,
    /// What the model misses beside the noise of cells, in its forecasts.
    pub discrepancy: Discrepancy,
    /// Whether naive curves are tested beside the model: a random walk, an autoregression of order two, a gap that halves
    /// every three periods, and one recovery curve a series.
    pub baselines: bool,
    /// A file that keeps the origins that are done, one JSON line each; where it exists, only the others are
    /// calibrated. A file of another problem, method or seed is refused.
    pub file: Option<PathBuf>,
}

impl Default for Backtest {
    fn default() -> Self {
        Self {
            origins: 1..=1,
            every: 1,
            horizon: 6,
            method: Method::Svi(Svi::default()),
            discrepancy: Discrepancy::None,
            baselines: true,
            file: None,
        }
    }
}

/// What a back-test found. Numbers are in per cent of each series' steady level, or of its base where indices are
/// compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backtested {
    /// A forecast a row: of a series at an origin for a later period by a method.
    pub scores: Vec<Score>,
    /// The model's forecasts, a series at an origin each, with their quantiles.
    pub fans: Vec<Fan>,
    /// The observed series, [period, group], NaN where missing.
    pub observed: Vec<f64>,
    /// Label of each series.
    pub labels: Vec<String>,
    /// What the calibrations warned of, each with its origin.
    pub warnings: Vec<String>,
    /// True when it was asked to stop before its end.
    pub stopped: bool,
}

/// Forecasts by a baseline that are drawn.
const DRAWS: usize = 400;

/// The problem as it was known at the end of period `origin`: later cells are missing, later events unknown.
fn known(problem: &Problem, origin: usize) -> Problem {
    let mut past = problem.clone();
    let groups = past.observed.groups();
    past.observed.values[origin * groups..].fill(f64::NAN);
    for total in &mut past.totals {
        total.values[origin..].fill(f64::NAN);
    }
    let shock = &mut past.shock;
    shock.events.retain(|e| e.start <= origin);
    shock.demand.retain(|e| e.start <= origin);
    shock.links.retain(|e| e.start <= origin);
    shock.rebuilding.retain(|e| e.start <= origin);
    // Of what has not come yet there is nothing to learn.
    let entries = |domain: Domain| -> usize {
        let scenarios = past.scenarios();
        scenarios.map(|(shock, _)| shock.entries(domain)).sum()
    };
    let of_shocks = Parameter::ALL.iter().filter(|p| p.of_shock());
    let none: Vec<Parameter> = of_shocks
        .filter(|p| entries(p.domain()) == 0)
        .copied()
        .collect();
    for parameter in none {
        past.priors.forget(parameter);
    }
    past
}

/// Makes forecasts at each origin and scores them against what came: the error of the median, the continuous ranked
/// probability score, where what came lies among the draws, and whether 50 and 90 % bands hold it. Bands are of
/// observations, noise included. It takes a calibration an origin; the stop button returns what is done, and with a file
/// a later call goes on.
///
/// Data that were revised since make all forecasts look better than they could have been, those of the model and of the
/// baselines alike. Priors must be chosen before looking.
///
/// ```
/// # use bullwhip::prelude::*;
/// # let economy = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::random(&economy, 3, 0.4, 3, 1);
/// # let truth = Priors::default().draw(&economy, 1);
/// # let simulation = Simulation { periods: 16, ..Simulation::default() };
/// # let observed = simulate(&economy, &truth, &shock, &simulation)?.observe();
/// let problem = Problem::new(&economy, &shock, &observed);
/// let options = Backtest {
///     origins: 6..=10,
///     every: 4,
///     horizon: 4,
///     method: Svi { steps: 50, ..Svi::default() }.into(),
///     ..Backtest::default()
/// };
/// let test = backtest(&problem, &options, &Run::default(), &mut ())?;
/// assert_eq!(test.standings().len(), 5, "the model and four baselines");
/// # Ok::<(), Error>(())
/// ```
pub fn backtest(
    problem: &Problem,
    options: &Backtest,
    run: &Run,
    progress: &mut dyn Progress,
) -> Result<Backtested> {
    options.check(problem)?;
    problem.check()?;
    run.check()?;
    options.method.options().check()?;
    let interrupt = Interrupt::watch();
    let origins: Vec<usize> = options.origins.clone().step_by(options.every).collect();
    let facts = fingerprint(problem, options.method.options(), run.seed);
    let mark = format!(
        "{facts:?} horizon {} {:?} {}",
        options.horizon, options.discrepancy, options.baselines
    );
    let mut done = stored::read(options.file.as_deref(), &mark)?;
    let groups = problem.observed.groups();
    let mut out = Backtested {
        observed: percent(&relative(
            &problem.observed.values,
            &problem.observed,
            problem.scale,
        )),
        labels: (0..groups).map(|g| problem.observed.label(g)).collect(),
        ..Backtested::default()
    };
    progress.start("back-test", origins.len());
    for (k, origin) in origins.iter().enumerate() {
        let part = match done.remove(origin) {
            Some(part) => part,
            None => {
                let asked = || interrupt.asked();
                let Some(part) = at_origin(problem, options, run, *origin, &out, &asked)? else {
                    out.stopped = true;
                    break;
                };
                stored::add(options.file.as_deref(), &mark, &part)?;
                part
            }
        };
        out.scores.extend(part.scores);
        out.fans.extend(part.fans);
        out.warnings.extend(part.warnings);
        let best = out.standings();
        let best = best.first().map_or(String::new(), |s| {
            format!("{}: RMSE {:.1}", s.method, s.rmse)
        });
        progress.update(k + 1, &best);
        if (interrupt.asked() || progress.stop()) && k + 1 < origins.len() {
            out.stopped = true;
            break;
        }
    }
    progress.finish(&format!("{} forecasts", out.scores.len()));
    Ok(out)
}

fn percent(shares: &[f64]) -> Vec<f64> {
    shares.iter().map(|v| 100.0 * v).collect()
}

/// The forecasts at one origin; none where it was stopped on the way.
fn at_origin(
    problem: &Problem,
    options: &Backtest,
    run: &Run,
    origin: usize,
    all: &Backtested,
    asked: &dyn Fn() -> bool,
) -> Result<Option<stored::Part>> {
    let past = known(problem, origin);
    let run = Run {
        state_file: None,
        ..run.clone()
    };
    let posterior = calibrate_until(&past, &options.method, &run, &mut (), asked)
        .map_err(|e| e.within(format!("origin {origin}")))?;
    if posterior.stopped {
        return Ok(None);
    }
    let groups = problem.observed.groups();
    let last = (origin + options.horizon).min(problem.observed.periods);
    let mut part = stored::Part {
        origin,
        warnings: posterior
            .warnings
            .iter()
            .map(|w| format!("origin {origin}: {w}"))
            .collect(),
        ..stored::Part::default()
    };
    let drawn = draws(&posterior, options.discrepancy, run.seed);
    let cells = problem.observed.values.len();
    let begin = past.shock.events.iter().map(|e| e.start).min();
    for group in 0..groups {
        let series = |t: usize| all.observed[t * groups + group];
        let column = |t: usize| -> Vec<f64> {
            drawn
                .iter()
                .skip(t * groups + group)
                .step_by(cells)
                .copied()
                .collect()
        };
        let model = Forecast {
            method: "model".into(),
            draws: (origin..last).map(column).collect(),
        };
        part.fans.push(model.fan(origin, group));
        let mut forecasts = vec![model];
        if options.baselines {
            let known: Vec<f64> = (0..origin).map(series).collect();
            let noise = normals(
                run.seed,
                Purpose::Proposal,
                origin * groups + group,
                DRAWS * (options.horizon + 2),
            );
            let past = baselines::Past {
                known: &known,
                begin,
                noise: 100.0 * problem.noise,
                rate: baselines::rate(&past),
            };
            forecasts.extend(baselines::all(&past, last - origin, &noise));
        }
        for forecast in &forecasts {
            for (h, t) in (origin..last).enumerate() {
                let score = forecast.score(h, series(t), (origin, group, &all.labels[group]));
                part.scores.extend(score);
            }
        }
    }
    Ok(Some(part))
}

/// Draws of observations in per cent, [draw, period, group].
fn draws(posterior: &Posterior, discrepancy: Discrepancy, seed: u64) -> Vec<f64> {
    let made = posterior.observations(discrepancy, seed);
    let cells = posterior.observed.values.len().max(1);
    // Indices are relative to the base of the model's own mean in the draw, without the noise.
    let rows = made
        .samples
        .chunks_exact(cells)
        .zip(posterior.predictive.samples.chunks_exact(cells));
    rows.flat_map(|(noisy, mean)| {
        let shares = relative(mean, &posterior.observed, posterior.scale);
        let each = noisy.iter().zip(mean).zip(shares);
        let each = each.map(|((y, m), share)| if *m > 0.0 { 100.0 * y * share / m } else { 0.0 });
        each.collect::<Vec<f64>>()
    })
    .collect()
}

impl Backtest {
    /// Refuses what cannot be tested.
    fn check(&self, problem: &Problem) -> Result<()> {
        let periods = problem.observed.periods;
        let (first, last) = (*self.origins.start(), *self.origins.end());
        if first == 0 || first > last || last >= periods {
            return Err(Error::new(
                "backtest.origins",
                format!("they are {first} to {last}, and {periods} periods are observed"),
                format!(
                    "give periods between 1 and {}, so that something is left to forecast",
                    periods.saturating_sub(1)
                ),
            ));
        }
        if self.every == 0 || self.horizon == 0 {
            return Err(Error::new(
                "backtest",
                format!("every {}, horizon {}", self.every, self.horizon),
                "give both at least 1",
            ));
        }
        Ok(())
    }
}
