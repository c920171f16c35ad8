//! What was learnt, entry by entry and in plain words, and whether the data look like its predictions.

use crate::infer::posterior::convergence::HELD;
use crate::infer::prior::below as normal_below;
use crate::infer::{Chains, Parameter, Posterior, Prediction, Scale};
use crate::observe::Observation;

/// One entry of one parameter before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which parameter.
    pub parameter: Parameter,
    /// What the entry is: a firm, a region, "event 0 · firm".
    pub label: String,
    /// Mean of the prior, in the parameter's unit.
    pub prior_mean: f64,
    /// Standard deviation of the prior.
    pub prior_sd: f64,
    /// Posterior mean.
    pub mean: f64,
    /// Posterior standard deviation.
    pub sd: f64,
    /// 5 % quantile of the posterior.
    pub q05: f64,
    /// 95 % quantile.
    pub q95: f64,
    /// 1 - the posterior's standard deviation relative to the prior's, both in standard-normal
    /// coordinates: 0 where nothing was learnt, 1 where the value is known.
    pub shrinkage: f64,
    /// R-hat of the chains, by `Nuts`; NaN of other methods.
    pub rhat: f64,
    /// Effective draws of the mean or the quantiles, the fewer; NaN of other methods.
    pub ess: f64,
}

/// All entries of a posterior, those that were learnt best first within each parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The entries.
    pub rows: Vec<Row>,
    /// The posterior's warnings: what speaks against reading the rows as they stand.
    pub warnings: Vec<String>,
}

/// How observed cells lie among what the posterior predicts for them, noise included.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Share of predicted values below each observed cell, in 0..1, [period, group] of the first and then
    /// of the further scenarios; NaN where missing. Uniform where the model and its noise are right;
    /// in the middle where they say more spread than there is, at the ends where less.
    pub below: Vec<f64>,
    /// About the relative noise that describes what is left unexplained: the root mean square of the differences of
    /// observed cells from the draws' mean.
    pub fits: f64,
    /// Number of groups.
    pub groups: usize,
    /// Label of each group.
    pub labels: Vec<String>,
}

impl Check {
    /// Share of observed cells within the central predictive interval of probability `level`: 0.9 should
    /// hold 90 %.
    pub fn coverage(&self, level: f64) -> f64 {
        let out = 0.5 * (1.0 - level);
        let seen = self.below.iter().filter(|p| !p.is_nan());
        let inside = seen.clone().filter(|p| **p > out && **p < 1.0 - out);
        inside.count() as f64 / seen.count() as f64
    }

    /// What the coverage says of `Problem::noise`, where 90 % intervals hold less than 70 or more than 98 % of at
    /// least 20 cells.
    pub fn note(&self) -> Option<String> {
        let held = self.coverage(0.9);
        if self.below.iter().filter(|p| !p.is_nan()).count() < HELD.1 {
            return None;
        }
        if held < HELD.0 {
            return Some(format!(
                "90 % intervals hold {:.0} % of the cells: the model misses the panel by more than problem.noise says; sigma is too \
                 small, about {} fits",
                100.0 * held,
                digits(self.fits)
            ));
        }
        (held > 0.98).then(|| {
            format!(
                "90 % intervals hold {:.0} % of the cells: problem.noise is larger than what is left unexplained; sigma is too large, \
                 about {} fits",
                100.0 * held,
                digits(self.fits)
            )
        })
    }

    /// Coverage of each group's cells, the worst first: (label, share of its cells in the interval).
    pub fn worst(&self, level: f64) -> Vec<(String, f64)> {
        let one = |g: usize| {
            let own = Check {
                below: self
                    .below
                    .iter()
                    .skip(g)
                    .step_by(self.groups.max(1))
                    .copied()
                    .collect(),
                groups: 1,
                labels: Vec::new(),
                fits: self.fits,
            };
            (
                self.labels.get(g).cloned().unwrap_or_default(),
                own.coverage(level),
            )
        };
        let mut all: Vec<(String, f64)> = (0..self.groups).map(one).collect();
        all.retain(|(_, c)| !c.is_nan());
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        all
    }
}

/// A noise in two digits.
fn digits(noise: f64) -> String {
    let places = (1.0 - noise.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{noise:.places$}")
}

impl Posterior {
    /// The root mean square of the relative differences of observed cells from the draws' mean.
    fn fitting_noise(&self) -> f64 {
        let further = self.further.iter().map(|f| (&f.predictive, &f.observed));
        let all = std::iter::once((&self.predictive, &self.observed)).chain(further);
        let squares = all.flat_map(|(prediction, observed)| {
            let seen = relative(&observed.values, observed, self.scale);
            let made = relative(&prediction.mean.values, observed, self.scale);
            let both = seen.into_iter().zip(made).filter(|(s, _)| !s.is_nan());
            both.map(|(s, m)| (s - m).powi(2)).collect::<Vec<f64>>()
        });
        let squares: Vec<f64> = squares.collect();
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    }

    /// Every entry before and after.
    pub fn summary(&self) -> Summary {
        let mut rows = Vec::new();
        let at = |values: &[f64], k: usize| values.get(k).copied().unwrap_or(f64::NAN);
        let mut place = 0;
        for l in &self.parameters {
            let chains = |values: fn(&Chains) -> &Vec<f64>, k: usize| {
                let found = self.chains.as_ref().and_then(|c| values(c).get(k));
                found.copied().unwrap_or(f64::NAN)
            };
            let (prior_mean, prior_sd) = l.prior.moments();
            let (q05, q95) = (l.quantile(0.05), l.quantile(0.95));
            let first = rows.len();
            rows.extend((0..l.len()).map(|k| Row {
                parameter: l.parameter,
                label: l.labels.get(k).cloned().unwrap_or_default(),
                prior_mean,
                prior_sd,
                mean: l.mean[k],
                sd: at(&l.sd, k),
                q05: q05[k],
                q95: q95[k],
                shrinkage: 1.0 - at(&l.scale, k),
                rhat: chains(|c| &c.rhat, place + k),
                ess: chains(|c| &c.ess_bulk, place + k).min(chains(|c| &c.ess_tail, place + k)),
            }));
            place += l.len();
            rows[first..].sort_by(|a: &Row, b| b.shrinkage.total_cmp(&a.shrinkage));
        }
        Summary {
            rows,
            warnings: self.warnings.clone(),
        }
    }

    /// True of the result of `Guide::Point`: one draw without any spread.
    pub fn is_point(&self) -> bool {
        self.parameters
            .iter()
            .all(|l| l.scale.iter().all(|s| *s == 0.0))
    }

    /// What the data say about the parameters, in plain words; where something speaks against the fit
    /// (`convergence`), that it cannot be told, and why.
    pub fn identification(&self) -> String {
        if !self.convergence.reached() {
            let doubts = self.convergence.doubts.join(". ");
            return format!("What the data say cannot be told from this fit: {doubts}.");
        }
        if self.is_point() {
            return "A point has no spread, so what the data say cannot be told from it: take another guide.".into();
        }
        let all: usize = self.parameters.iter().map(|l| l.len()).sum();
        let informed = |by: f64| -> usize { self.parameters.iter().map(|l| l.narrower(by)).sum() };
        let (some, half) = (informed(0.1), informed(0.5));
        let cells: usize = self
            .further
            .iter()
            .map(|f| &f.observed)
            .chain([&self.observed])
            .map(|o| o.values.len() - o.missing())
            .sum();
        let facts = format!(
            "Of {all} unknowns, the {cells} observed cells narrow {some} by a tenth or more, and {half} by a half."
        );
        let rough = match self.pareto_k {
            k if k > 0.7 => format!(
                " Intervals of single entries may be too narrow, as the guide is only an approximation (k-hat {k:.1}; see sbc)."
            ),
            _ => String::new(),
        };
        if 2 * some >= all {
            return format!("{facts} Most of what is reported here comes from the data.{rough}");
        }
        format!(
            "{facts}{rough} For the others the posterior is the prior: trust what is predicted for groups, and \
             do not read single firms; a narrower prior, coarser levels (Per::Sector) or further \
             scenarios would tell more."
        )
    }

    /// Posterior predictive check: where each observed cell lies among its predictions. A prediction is
    /// a draw plus normal noise of `Problem::noise` x steady level.
    pub fn check(&self) -> Check {
        let further = self.further.iter().map(|f| (&f.predictive, &f.observed));
        let all = std::iter::once((&self.predictive, &self.observed)).chain(further);
        Check {
            below: all.flat_map(|(p, o)| below(self, p, o, 1)).collect(),
            fits: self.fitting_noise(),
            groups: self.observed.groups(),
            labels: (0..self.observed.groups())
                .map(|g| self.observed.label(g))
                .collect(),
        }
    }

    /// Share of observed cells within their central predictive intervals, of some cells evenly where there are many,
    /// and the number of cells that were looked at.
    pub(crate) fn held(&self, level: f64) -> (f64, usize) {
        const PAIRS: usize = 2_000_000;
        let further = self.further.iter().map(|f| (&f.predictive, &f.observed));
        let all = || std::iter::once((&self.predictive, &self.observed)).chain(further.clone());
        let pairs: usize = all().map(|(p, _)| p.samples.len()).sum();
        // Odd, so that it meets all groups where their number is even.
        let every = pairs.div_ceil(PAIRS) | 1;
        let below: Vec<f64> = all().flat_map(|(p, o)| below(self, p, o, every)).collect();
        let seen = below.iter().filter(|p| !p.is_nan()).count();
        let check = Check {
            below,
            groups: self.observed.groups(),
            labels: Vec::new(),
            fits: f64::NAN,
        };
        (check.coverage(level), seen)
    }
}

/// Values of a panel as a share of the steady level, or of their own mean in the base periods.
pub(crate) fn relative(values: &[f64], observed: &Observation, scale: Scale) -> Vec<f64> {
    let g = observed.groups();
    let base: Vec<f64> = match scale {
        Scale::Levels => observed.base.clone(),
        Scale::Indices { first, last } => (0..g)
            .map(|k| {
                let seen = (first - 1..last).filter(|t| !observed.values[t * g + k].is_nan());
                let (sum, n) = seen.fold((0.0, 0.0), |(s, n), t| (s + values[t * g + k], n + 1.0));
                sum / n
            })
            .collect(),
    };
    let each = values.iter().enumerate();
    each.map(|(c, v)| v / base[c % g]).collect()
}

/// Share of predictions below each observed cell; NaN where it is missing, and but for every `every`-th.
fn below(
    posterior: &Posterior,
    prediction: &Prediction,
    observed: &Observation,
    every: usize,
) -> Vec<f64> {
    let (g, cells) = (observed.groups(), observed.values.len());
    let scale = posterior.scale;
    let relative = |values: &[f64]| relative(values, observed, scale);
    let seen = relative(&observed.values);
    let mut below = vec![f64::NAN; cells];
    below.iter_mut().step_by(every).for_each(|b| *b = 0.0);
    for (k, draw) in prediction.samples.chunks_exact(cells).enumerate() {
        let noise: Vec<f64> = (0..g).map(|group| posterior.noise_of(k, group)).collect();
        for (c, y) in relative(draw).iter().enumerate().step_by(every) {
            let z = (seen[c] - y) / noise[c % g];
            below[c] += normal_below(z) / prediction.draws as f64;
        }
    }
    below
}

impl Summary {
    /// The entries of one parameter, a copy.
    pub fn of(&self, parameter: Parameter) -> Summary {
        let rows = self.rows.iter().filter(|r| r.parameter == parameter);
        Summary {
            rows: rows.cloned().collect(),
            warnings: self.warnings.clone(),
        }
    }
}
