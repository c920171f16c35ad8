//! Which assumption matters: one shock, or one calibration, under several behaviours of firms.

use super::posterior::column_means;
use super::{Method, Posterior, Prediction, Priors, Problem, Run, Watch, calibrate};
use crate::equilibrium::{Elasticities, Yardsticks, yardsticks};
use crate::error::{Error, Result};
use crate::memory;
use crate::model::{Domain, Model, Parameter, Params, PathValues, Shock};
use crate::network::Network;
use crate::observe::Observation;
use crate::simulate::{Columns, Horizon, Preset, Simulation, values_of};
use std::borrow::Cow;

/// A behaviour to be compared with others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// What it is called in the figure and the table.
    pub name: String,
    /// How firms behave.
    pub model: Model,
    /// Spare capacity as a share of steady output; `None` is the simulation's.
    pub slack: Option<f64>,
    /// Parameters of firms and inputs that it has beside n and τ, such as criticalities; what is left out is as usual.
    pub params: Params,
}

impl Variant {
    /// A behaviour with its name.
    pub fn new(name: &str, model: Model) -> Self {
        Self {
            name: name.into(),
            model,
            ..Self::default()
        }
    }

    /// A model of the literature.
    pub fn preset(network: &Network, preset: Preset) -> Self {
        Self {
            name: preset.name().into(),
            model: preset.model(),
            slack: Some(preset.slack()),
            params: preset.params(network, &Params::default()),
        }
    }

    fn simulation(&self, simulation: &Simulation) -> Simulation {
        Simulation {
            model: self.model,
            slack: self.slack.unwrap_or(simulation.slack),
            ..simulation.clone()
        }
    }

    /// Parameters with those that it has of its own.
    fn params(&self, params: &Params) -> Params {
        let mut out = params.clone();
        for (parameter, own) in self.params.each() {
            if let (false, Some(to)) = (own.is_empty(), out.values_mut(parameter)) {
                to.clone_from(own);
            }
        }
        out
    }
}

/// How variants are compared.
#[derive(Clone, Debug)]
pub struct Assuming {
    /// Periods, slack, precision and device; its model is of no account.
    pub simulation: Simulation,
    /// Draws of n and τ from the priors, over which bands are taken; with one draw firms behave as usual, and there are
    /// no bands.
    pub draws: usize,
    /// What n and τ are drawn from.
    pub priors: Priors,
    /// Seed of the draws; all variants have the same.
    pub seed: u64,
    /// What was observed, if anything: each variant's loss of fit is told.
    pub observed: Option<Observation>,
    /// Elasticities of the equilibrium yardsticks.
    pub elasticities: Elasticities,
}

impl Default for Assuming {
    fn default() -> Self {
        Self {
            simulation: Simulation::default(),
            draws: 20,
            priors: Priors::default(),
            seed: 0,
            observed: None,
            elasticities: Elasticities::default(),
        }
    }
}

/// What one behaviour makes of the shock.
#[derive(Clone, Debug)]
pub struct Assumed {
    /// The variant's name.
    pub name: String,
    /// Its choices in words.
    pub behaviour: String,
    /// Output of the groups, draw by draw.
    pub prediction: Prediction,
    /// Output lost over all periods as a share of steady output, one entry a draw.
    pub lost: Vec<f64>,
    /// Mean relative square difference to what was observed, where anything was.
    pub fit: Option<f64>,
    /// What is unusual, one sentence each.
    pub warnings: Vec<String>,
}

/// Answers of several behaviours side by side, with the equilibrium yardsticks.
#[derive(Clone, Debug)]
pub struct Assumptions {
    /// One a variant, in their order.
    pub variants: Vec<Assumed>,
    /// What equilibrium models make of the mean loss of capacity over the periods; none where the shock cuts no
    /// capacity, or where they do not apply (`notes` says why).
    pub yardsticks: Option<Yardsticks>,
    /// What was observed, if anything.
    pub observed: Option<Observation>,
    /// What is to be known of the comparison, one sentence each.
    pub notes: Vec<String>,
}

impl Assumptions {
    /// By how much the mean loss of the variants differs, largest less smallest, as a share of steady output: what the
    /// answer hangs on.
    pub fn spread(&self) -> f64 {
        let mean = |v: &Assumed| v.lost.iter().sum::<f64>() / v.lost.len().max(1) as f64;
        let all = self.variants.iter().map(mean);
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        high - low
    }
}

/// Runs a shock under several behaviours, with the same draws of n and τ, and puts the answers side by side: which of the
/// assumptions does the answer hang on? All variants are checked before anything runs.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let network = Network::synthetic(&Synthetic { firms: 60, ..Synthetic::default() })?;
/// let shock = Shock::sector(&network, "S1", 3, 0.5, 0.1)?;
/// let products = Model { substitution: Substitution::Product, division: Division::Delivered, ..Model::default() };
/// let variants = [
///     Variant::new("every supplier is indispensable", Model::default()),
///     Variant::new("suppliers of a product stand in", products),
///     Variant::preset(&network, Preset::Boario),
/// ];
/// let found = assumptions(&network, &shock, &variants, &Assuming { draws: 4, ..Assuming::default() })?;
/// let lost = |k: usize| found.variants[k].lost[0];
/// assert!(lost(1) <= lost(0));
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn assumptions(
    network: &Network,
    shock: &Shock,
    variants: &[Variant],
    options: &Assuming,
) -> Result<Assumptions> {
    some(variants)?;
    shock.check(network)?;
    let draws: Vec<Params> = match options.draws {
        0 => {
            return Err(Error::new(
                "assumptions.draws",
                "0 draws",
                "take at least 1; 20 give bands",
            ));
        }
        1 => vec![Params::usual(network)],
        n => (0..n as u64)
            .map(|k| options.priors.draw(network, options.seed.wrapping_add(k)))
            .collect(),
    };
    let cells = (options.simulation.periods * network.groups().len() * draws.len()) as f64;
    memory::require(
        "assumptions",
        &format!("{} variants with {} draws", variants.len(), draws.len()),
        24.0 * cells * variants.len() as f64,
        "take fewer draws or periods",
    )?;
    let prepared: Vec<(Simulation, Vec<Params>)> = variants
        .iter()
        .map(|variant| {
            let simulation = variant.simulation(&options.simulation);
            simulation.check()?;
            let params: Vec<Params> = draws.iter().map(|p| variant.params(p)).collect();
            for params in &params {
                params.check(network)?;
                simulation.model.check(network, params, shock)?;
            }
            Ok((simulation, params))
        })
        .collect::<Result<Vec<_>>>()
        .map_err(|e| e.within("assumptions"))?;
    let mut found = Vec::with_capacity(variants.len());
    for (variant, (simulation, params)) in variants.iter().zip(prepared) {
        let panels = panels(network, shock, &simulation, &params)
            .map_err(|e| e.within(format!("variant {:?}", variant.name)))?;
        let mut warnings = params[0].warnings();
        warnings.extend(simulation.model.warnings(network, &params[0]));
        let prediction = predicted(network, panels, params.len())?;
        found.push(assumed(
            variant,
            prediction,
            warnings,
            options.observed.as_ref(),
        ));
    }
    let (yardsticks, notes) = beside(network, shock, options);
    Ok(Assumptions {
        variants: found,
        yardsticks,
        observed: options.observed.clone(),
        notes,
    })
}

/// Calibrates a problem under several behaviours, each with its own parameters, and puts what they learnt side by side: the
/// bands of their predictions, and how well each fits. `method` is the options of one, such as `&Svi::default()`.
pub fn assumptions_fitted(
    problem: &Problem,
    method: impl Into<Method>,
    run: &Run,
    variants: &[Variant],
    progress: &mut dyn Watch,
) -> Result<Assumptions> {
    some(variants)?;
    let method = method.into();
    let mut found = Vec::with_capacity(variants.len());
    for variant in variants {
        let mut own = problem.clone();
        own.simulation = variant.simulation(&problem.simulation);
        own.params = variant.params(&problem.params);
        let within = |e: Error| e.within(format!("variant {:?}", variant.name));
        let mut run = run.clone();
        // Each variant has a state of its own.
        run.state_file = run.state_file.map(|f| {
            let name = f
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            f.with_file_name(format!("{}-{name}", variant.name.replace(['/', ' '], "_")))
        });
        let posterior: Posterior =
            calibrate(&own, method.clone(), &run, &mut *progress).map_err(within)?;
        let stopped = posterior.stopped;
        let prediction = posterior.predictive.clone();
        let observed = Some(&problem.observed);
        found.push(assumed(variant, prediction, posterior.warnings, observed));
        if stopped {
            break;
        }
    }
    let options = Assuming {
        simulation: problem.simulation.clone(),
        ..Assuming::default()
    };
    let (yardsticks, mut notes) = beside(&problem.network, &problem.shock, &options);
    if found.len() < variants.len() {
        notes.push(format!(
            "stopped after {} of {} variants",
            found.len(),
            variants.len()
        ));
    }
    Ok(Assumptions {
        variants: found,
        yardsticks,
        observed: Some(problem.observed.clone()),
        notes,
    })
}

fn some(variants: &[Variant]) -> Result<()> {
    if variants.is_empty() {
        return Err(Error::new(
            "assumptions",
            "there are no variants",
            "give at least one, such as Variant::new(\"default\", Model::default())",
        ));
    }
    Ok(())
}

/// The panels of all draws, [draw, period, group].
fn panels(
    network: &Network,
    shock: &Shock,
    simulation: &Simulation,
    params: &[Params],
) -> Result<Vec<f64>> {
    let of = (&params[0], shock);
    let horizon = Horizon::new(network, of, simulation, Columns::Groups, None, &|_| false)?;
    let mut values = values_of(network, &params[0], shock);
    for parameter in Parameter::of(Domain::Firm) {
        if !values.get(parameter).is_empty() {
            let rows = params.iter().filter_map(|p| p.values(parameter)).flatten();
            *values.get_mut(parameter) = Cow::Owned(rows.copied().collect());
        }
    }
    let remaining = horizon.remaining(&values);
    horizon.panel(params.len(), &values, &remaining)
}

fn predicted(network: &Network, samples: Vec<f64>, draws: usize) -> Result<Prediction> {
    let cells = samples.len() / draws;
    Ok(Prediction {
        mean: Observation::from_values(network, column_means(&samples, cells))?,
        draws,
        samples,
    })
}

fn assumed(
    variant: &Variant,
    prediction: Prediction,
    warnings: Vec<String>,
    observed: Option<&Observation>,
) -> Assumed {
    let steady: f64 = prediction.mean.base.iter().sum();
    let cells = prediction.mean.values.len();
    let draws = prediction.samples.chunks_exact(cells.max(1));
    let lost =
        draws.map(|y| 1.0 - y.iter().sum::<f64>() / (steady * prediction.mean.periods as f64));
    let same = observed.filter(|o| o.values.len() == cells);
    Assumed {
        name: variant.name.clone(),
        behaviour: variant.model.words(),
        lost: lost.collect(),
        fit: same.map(|o| prediction.loss(o)),
        prediction,
        warnings,
    }
}

/// What equilibrium models make of the mean loss of capacity over the periods.
fn beside(
    network: &Network,
    shock: &Shock,
    options: &Assuming,
) -> (Option<Yardsticks>, Vec<String>) {
    let periods = options.simulation.periods;
    let paths = shock.capacity(options.simulation.model.combination, periods);
    let none = Params::default();
    let values = values_of(network, &none, shock);
    let left = paths.values(&PathValues::of_capacity(&values));
    let columns = paths.columns();
    let mut lost = vec![0.0; network.firms()];
    for (k, z) in left.iter().enumerate() {
        lost[columns[k % columns.len()] as usize] += (1.0 - z).clamp(0.0, 1.0) / periods as f64;
    }
    if lost.iter().all(|v| *v == 0.0) {
        return (
            None,
            vec!["the shock cuts no capacity by a given path: there are no yardsticks".into()],
        );
    }
    match yardsticks(network, &lost, &options.elasticities) {
        Ok(found) => (
            Some(found),
            vec![
                "yardsticks are of the mean loss of capacity over the periods: they know neither stocks nor time, and say \
                 by how much final demand changes"
                    .into(),
            ],
        ),
        Err(e) => (None, vec![format!("there are no yardsticks: {e}")]),
    }
}

/// A line of the comparison: a variant, or a yardstick.
#[derive(Clone, Debug, PartialEq)]
pub struct AssumedRow {
    /// Its name.
    pub name: String,
    /// Its choices in words; of a yardstick what it is.
    pub behaviour: String,
    /// Share that is lost: mean, and 5 % and 95 % of draws.
    pub lost: f64,
    /// 5 % of draws.
    pub low: f64,
    /// 95 % of draws.
    pub high: f64,
    /// Output of the worst period, steady state = 100.
    pub lowest: Option<f64>,
    /// Mean relative square difference to what was observed.
    pub fit: Option<f64>,
}

impl Assumptions {
    /// The comparison line by line: variants, then yardsticks.
    pub fn rows(&self) -> Vec<AssumedRow> {
        let mut out: Vec<AssumedRow> = self.variants.iter().map(Assumed::row).collect();
        let Some(found) = &self.yardsticks else {
            return out;
        };
        for (name, of, change) in [
            (
                "Leontief",
                "demand-pull, no substitution",
                found.leontief.final_demand,
            ),
            (
                "Ghosh",
                "supply-push, perfect substitution",
                found.ghosh.final_demand,
            ),
            ("Hulten", "first order", found.hulten.final_demand),
            (
                "Baqaee and Farhi",
                "second order",
                found.baqaee_farhi.final_demand,
            ),
        ] {
            out.push(AssumedRow {
                name: name.into(),
                behaviour: format!("yardstick: {of}"),
                lost: -change,
                low: -change,
                high: -change,
                lowest: None,
                fit: None,
            });
        }
        out
    }
}

impl Assumed {
    fn row(&self) -> AssumedRow {
        let (lost, low, high) = super::Outcome::band(&self.lost);
        let mean = &self.prediction.mean;
        let steady: f64 = mean.base.iter().sum();
        let rows = mean.values.chunks_exact(mean.groups().max(1));
        let total = rows.map(|row| 100.0 * row.iter().sum::<f64>() / steady);
        AssumedRow {
            name: self.name.clone(),
            behaviour: self.behaviour.clone(),
            lost,
            low,
            high,
            lowest: total.min_by(f64::total_cmp),
            fit: self.fit,
        }
    }
}
