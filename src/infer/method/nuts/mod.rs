//! The no-U-turn sampler: its options.

mod chain;
mod sampler;
mod tune;

use super::{Fit, Method, Options};
use crate::error::{Error, Result};
use crate::infer::objective::Objective;
use sampler::Sampler;
use serde::Serialize;

/// What it is called in results.
pub(super) const NAME: &str = "no-U-turn sampler";

/// What a sampler learns of the posterior's shape while it is tuned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Metric {
    /// All covariances up to 200 unknowns, above that each unknown's own spread.
    #[default]
    BySize,
    /// The spread of each unknown.
    Diagonal,
    /// All covariances.
    Dense,
}

/// Options of the no-U-turn sampler (Hoffman & Gelman 2014) on the posterior exp(-w loss) x prior. Its draws are those of
/// the posterior, where chains from several places agree: `Posterior::chains` has R-hat and effective draws of every
/// unknown. A draw costs from ten to some hundred model evaluations with their gradient, so it is for up to some hundred
/// unknowns; it finds one hill a chain, as `Svi` does, and says by R-hat where chains are on several.
///
/// Chains start from draws of the prior. While they are tuned the data come to their full weight, and the size of steps
/// and the metric are learnt; these draws are thrown away. The chains' course depends on `tune`; with more `draws` a fit
/// goes on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nuts {
    /// Chains, evaluated side by side.
    pub chains: usize,
    /// Draws of each chain while it is tuned.
    pub tune: usize,
    /// Draws of each chain after that.
    pub draws: usize,
    /// Draws that the posterior keeps and simulates, as many of each chain, evenly spread and chain by chain within a
    /// draw; spreads, R-hat and effective draws are those of all.
    pub keep: usize,
    /// What steps are measured in.
    pub metric: Metric,
    /// Mean acceptance that steps are tuned to, in 0..1: the higher, the shorter the steps.
    pub acceptance: f64,
    /// How often a trajectory may double at most: a draw costs up to 2^depth evaluations.
    pub depth: usize,
    /// Unknowns above which it is refused, as draws of so many are dear and chains slow; raise it to sample all the same.
    pub most_unknowns: usize,
}

impl Default for Nuts {
    fn default() -> Self {
        Self {
            chains: 4,
            tune: 600,
            draws: 1000,
            keep: 1000,
            metric: Metric::BySize,
            acceptance: 0.8,
            depth: 10,
            most_unknowns: 2000,
        }
    }
}

/// Unknowns up to which all covariances are learnt by `Metric::BySize`.
const DENSE: usize = 200;
/// Unknowns up to which chains make ten draws before they wait for each other.
const QUICK: usize = 500;

impl Nuts {
    /// Draws of a chain that are made before it waits for the others.
    fn together(n: usize) -> usize {
        if n <= QUICK { 10 } else { 1 }
    }

    fn dense(&self, n: usize) -> bool {
        match self.metric {
            Metric::BySize => n <= DENSE,
            Metric::Diagonal => false,
            Metric::Dense => true,
        }
    }
}

impl Options for Nuts {
    fn name(&self) -> &'static str {
        NAME
    }

    fn short_name(&self) -> &'static str {
        "nuts"
    }

    fn total(&self) -> (&'static str, usize) {
        ("Nuts.draws", self.tune.saturating_add(self.draws))
    }

    fn posterior_draws(&self) -> usize {
        (self.keep / self.chains.max(1)).clamp(1, self.draws.max(1)) * self.chains
    }

    fn lasting(&self) -> Method {
        let Nuts { draws, keep, .. } = Nuts::default();
        Method::Nuts(Nuts {
            draws,
            keep,
            ..self.clone()
        })
    }

    fn check(&self) -> Result<()> {
        for (field, value, least) in [
            ("chains", self.chains, 1),
            ("tune", self.tune, 50),
            ("draws", self.draws, 1),
            ("keep", self.keep, 1),
            ("depth", self.depth, 1),
        ] {
            if value < least {
                return Err(Error::new(
                    format!("Nuts.{field}"),
                    format!("it is {value}"),
                    format!("give at least {least}"),
                ));
            }
        }
        if self.depth > 20 {
            return Err(Error::new(
                "Nuts.depth",
                format!(
                    "it is {}, so a draw may cost 2^{} evaluations",
                    self.depth, self.depth
                ),
                "give at most 20; 10 is usual",
            ));
        }
        if !(self.acceptance > 0.0 && self.acceptance < 1.0) {
            return Err(Error::new(
                "Nuts.acceptance",
                format!("it is {}", self.acceptance),
                "give a share between 0 and 1, such as 0.8",
            ));
        }
        Ok(())
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let n = objective.dimension() as f64;
        let draws = (self.chains as f64) * (self.draws as f64);
        let kept = self.posterior_draws() as f64 * objective.numbers_of_draw();
        let mut all = vec![
            ("Nuts.draws", "the draws of all chains", 2.0 * draws * n),
            ("Nuts.keep", "the posterior's draws", kept),
        ];
        if self.dense(objective.dimension()) {
            all.push(("Nuts.metric", "the covariances", 3.0 * n * n));
        }
        all
    }

    fn start(&self, objective: &Objective, seed: u64) -> Result<Box<dyn Fit + '_>> {
        let n = objective.dimension();
        if n > self.most_unknowns {
            return Err(Error::new(
                "Nuts.most_unknowns",
                format!("{n} unknowns vary, and {} are the most", self.most_unknowns),
                "use Svi, coarser levels such as Per::Sector, or raise Nuts.most_unknowns if you have the time",
            ));
        }
        Ok(Box::new(Sampler::new(self, objective, seed)))
    }
}
