//! Generalised variational inference with normal guides: its options.

mod ascent;
mod descent;
mod several;

use super::{Fit, Method, Options};
use crate::error::{Error, Result};
use crate::infer::guide::{Divergence, Guide};
use crate::infer::objective::Objective;
use crate::infer::state::Facts;
use ascent::Ascent;
use serde::Serialize;

/// What it is called in results.
pub(super) const NAME: &str = "variational inference";

/// How the gradient of the divergence is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Estimator {
    /// By its closed form: exact.
    #[default]
    ClosedForm,
    /// Along the particles' paths: ln q - ln p at each particle, with q's own unknowns held still
    /// (Roeder, Wu & Duvenaud 2017). Noisy at first, but its noise and that of the data cancel where the
    /// guide is the posterior, so the end of a fit is calmer. With `Divergence::Kl` only.
    Path,
}

/// When a fit ends before its last step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EarlyStop {
    /// Steps that are looked at: the mean objective of the last so many is held against that of the so
    /// many before.
    pub patience: usize,
    /// The fit comes to its end where the mean fell by less than this share of its size, and the guide is about as wide
    /// as the gradients let it be.
    pub tolerance: f64,
    /// Steps that are made from there on, as a multiple of those made before: over them the learning rate falls to
    /// `Svi::final_rate`, as to end at a higher one blurs the result. At most those that are left; 0 ends at once.
    pub landing: f64,
}

impl Default for EarlyStop {
    fn default() -> Self {
        Self {
            patience: 50,
            tolerance: 1e-3,
            landing: 1.0,
        }
    }
}

/// Options of variational inference with normal guides. What is not given of steps, particles, starts and annealing follows
/// from the number of unknowns: see `Svi::sized`. It minimises `w E_q[loss] + divergence(q || prior)` over normals q
/// in the coordinates of the prior, of the family `guide`, with w the weight of `Problem::loss` (Knoblauch, Jewson &
/// Damoulas 2022).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Svi {
    /// Family of the approximation.
    pub guide: Guide,
    /// Optimiser steps. They also set the course of the learning rate, so a fit that stopped goes on
    /// to the numbers of one that did not only with the same `steps`. `Svi::BY_SIZE` unless given.
    pub steps: usize,
    /// Reparameterised particles per step of each start; each costs one model evaluation with its gradient.
    /// `Svi::BY_SIZE` unless given.
    pub particles: usize,
    /// Guides that start at other places, side by side; after three fifths of the steps the best by its objective goes
    /// on alone. The first starts at the prior's mean, the others at draws from its inner part, u ~ N(0, 1/4). Economies of
    /// a few dozen firms and problems with few unknowns have local optima far below the posterior: what all starts
    /// came to is in `Posterior::starts`. `Svi::BY_SIZE` unless given.
    pub starts: usize,
    /// Weight of the data at the first step: it rises geometrically to 1 over the first half of the steps, by which a
    /// fit finds the higher hill more often; meanwhile the learning rate is twice as high. 1 weighs the data in full at once; 0, unless given, goes by size.
    pub anneal: f64,
    /// Learning rate of Adam at its highest, in standard deviations of the prior.
    pub learning_rate: f64,
    /// Share of the learning rate that is left at the last step: it falls along half a cosine, so
    /// that the end is not blurred by the noise of single particles. 1 keeps the rate constant.
    pub final_rate: f64,
    /// Steps at the start over which the learning rate rises in even steps.
    pub warm_up: usize,
    /// Scale of the guide at the start, relative to the prior. Small, so that the first steps go
    /// downhill with little noise; a scale grows by about the learning rate a step.
    pub initial_scale: f64,
    /// What holds the guide to the prior.
    pub divergence: Divergence,
    /// Weight of the divergence against the data; 1 is Bayes' rule, less trusts the data more.
    pub kl_weight: f64,
    /// How the divergence's gradient is taken.
    pub estimator: Estimator,
    /// Gradients of the objective longer than this, in nats per unit of the guide's unknowns, are
    /// shortened to it.
    pub clip: Option<f64>,
    /// Ends the fit where it no longer gets better; `None` makes all steps. A fit that made all of them says in
    /// `Posterior::warnings` where they did not suffice.
    pub early_stop: Option<EarlyStop>,
    /// Draws kept in the posterior.
    pub draws: usize,
}

impl Default for Svi {
    fn default() -> Self {
        Self {
            guide: Guide::MeanField,
            steps: Self::BY_SIZE,
            particles: Self::BY_SIZE,
            starts: Self::BY_SIZE,
            anneal: 0.0,
            learning_rate: 0.15,
            final_rate: 0.02,
            warm_up: 0,
            initial_scale: 0.003,
            divergence: Divergence::Kl,
            kl_weight: 1.0,
            estimator: Estimator::ClosedForm,
            clip: None,
            early_stop: Some(EarlyStop::default()),
            draws: 100,
        }
    }
}

/// From 1 to 0.
fn half_cosine(gone: f64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * gone).cos())
}

/// Unknowns up to which fits are annealed from several starts, unless said otherwise.
const SMALL: usize = 500;
/// Share of the steps after which the best start goes on alone, and over which the data come to their full weight.
const TRIAL: f64 = 0.6;
const ANNEALED: f64 = 0.5;
/// What the learning rate is multiplied with until then: more of it finds the higher hill more often.
const EAGER: f64 = 2.0;

impl Svi {
    /// Stands for what follows from the number of unknowns.
    pub const BY_SIZE: usize = usize::MAX - 1;

    /// The options with everything that is not given filled in, as a calibration of so many unknowns takes them.
    ///
    /// Where `steps` are not given, up to 500 unknowns make 1,500 steps (3,000 with `Guide::LowRank` and
    /// `Guide::FullRank`) of 4 particles from each of 4 starts, annealed from 1/1,000, and more unknowns 300 steps of one
    /// particle from one start (1,000 of 4 with `Guide::LowRank`). Where they are given, one particle from one
    /// start makes them, with the data in full weight, unless these are given, too: for more steps of the same kind
    /// write `Svi { steps: 3000, ..Svi::default().sized(unknowns) }`.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// let (few, many) = (Svi::default().sized(80), Svi::default().sized(2000));
    /// assert_eq!((few.steps, few.particles, few.starts, few.anneal), (1500, 4, 4, 1e-3));
    /// assert_eq!((many.steps, many.particles, many.starts, many.anneal), (300, 1, 1, 1.0));
    /// let given = Svi { steps: 700, ..Svi::default() }.sized(80);
    /// assert_eq!((given.steps, given.particles, given.starts, given.anneal), (700, 1, 1, 1.0));
    /// ```
    pub fn sized(&self, unknowns: usize) -> Svi {
        let given = self.steps != Self::BY_SIZE;
        let small = unknowns <= SMALL && !given;
        let correlated = !matches!(self.guide, Guide::MeanField | Guide::Point);
        let or = |value: usize, other: usize| match value {
            Self::BY_SIZE => other,
            value => value,
        };
        let steps = match (small, correlated) {
            (true, false) => 1500,
            (true, true) => 3000,
            (false, false) => 300,
            (false, true) => 1000,
        };
        let several = (small && !self.guide.is_point()) || (correlated && !given);
        Svi {
            steps: or(self.steps, steps),
            particles: or(self.particles, if several { 4 } else { 1 }),
            starts: or(self.starts, if small { 4 } else { 1 }),
            anneal: match self.anneal {
                0.0 if small => 1e-3,
                0.0 => 1.0,
                given => given,
            },
            ..self.clone()
        }
    }

    /// Step at which the best start goes on alone.
    fn trial(&self) -> usize {
        match self.starts {
            0 | 1 => 0,
            _ => ((TRIAL * self.steps as f64).ceil() as usize).max(1),
        }
    }

    /// Weight of the data at step `k`, from 0.
    fn weight_at(&self, k: usize) -> f64 {
        let rise = k as f64 / (ANNEALED * self.steps as f64);
        self.anneal.powf((1.0 - rise).max(0.0))
    }

    /// Steps that `early_stop` looks at.
    fn looks_back(&self) -> usize {
        self.early_stop.map_or(0, |e| e.patience.saturating_mul(2))
    }

    /// The learning rate of step `k`, from 0, of a fit that makes all its steps.
    fn rate(&self, k: usize) -> f64 {
        let rise = ((k + 1) as f64 / (self.warm_up + 1) as f64).min(1.0);
        let gone = (k as f64 / self.steps as f64).min(1.0);
        self.learning_rate * rise * (self.final_rate + (1.0 - self.final_rate) * half_cosine(gone))
    }
}

impl Options for Svi {
    fn name(&self) -> &'static str {
        NAME
    }

    fn short_name(&self) -> &'static str {
        "svi"
    }

    fn total(&self) -> (&'static str, usize) {
        ("Svi.steps", self.steps)
    }

    fn posterior_draws(&self) -> usize {
        self.draws
    }

    fn sized(&self, unknowns: usize, before: Option<&Facts>) -> Option<Method> {
        let mut filled = self.clone();
        // What a fit was begun with stays, however many steps it is to make now.
        let fact = |name: &str| before?.get(&format!("Svi.{name}")).cloned();
        for (field, name) in [
            (&mut filled.particles, "particles"),
            (&mut filled.starts, "starts"),
        ] {
            if let (Self::BY_SIZE, Some(Ok(n))) = (*field, fact(name).map(|n| n.parse())) {
                *field = n;
            }
        }
        if let (0.0, Some(Ok(weight))) = (filled.anneal, fact("anneal").map(|a| a.parse())) {
            filled.anneal = weight;
        }
        Some(Method::Svi(Svi::sized(&filled, unknowns)))
    }

    fn lasting(&self) -> Method {
        let Svi {
            steps,
            draws,
            early_stop,
            ..
        } = Svi::default();
        Method::Svi(Svi {
            steps,
            draws,
            early_stop,
            ..self.clone()
        })
    }

    fn check(&self) -> Result<()> {
        for (field, n) in [
            ("steps", self.steps),
            ("particles", self.particles),
            ("starts", self.starts),
            ("draws", self.draws),
        ] {
            if n == 0 {
                return Err(Error::new(
                    format!("Svi.{field}"),
                    "it is 0",
                    "give at least 1",
                ));
            }
        }
        for (field, v) in [
            ("learning_rate", self.learning_rate),
            ("initial_scale", self.initial_scale),
            ("final_rate", self.final_rate),
            ("kl_weight", self.kl_weight),
            ("clip", self.clip.unwrap_or(1.0)),
        ] {
            if !(v > 0.0 && v.is_finite()) {
                return Err(Error::new(
                    format!("Svi.{field}"),
                    format!("it is {v}"),
                    "give a positive number such as 0.1",
                ));
            }
        }
        if !(self.anneal >= 0.0 && self.anneal <= 1.0) {
            return Err(Error::new(
                "Svi.anneal",
                format!("it is {}", self.anneal),
                "give the weight of the data at the first step, such as 0.001; 1 does not anneal",
            ));
        }
        if self.final_rate > 1.0 {
            return Err(Error::new(
                "Svi.final_rate",
                format!("it is {}", self.final_rate),
                "give a share of at most 1, which keeps the rate constant",
            ));
        }
        if let Some(EarlyStop {
            patience,
            tolerance,
            landing,
        }) = self.early_stop
            && !(patience > 0 && tolerance >= 0.0 && tolerance.is_finite() && landing >= 0.0)
        {
            return Err(Error::new(
                "Svi.early_stop",
                format!("patience {patience}, tolerance {tolerance}, landing {landing}"),
                "give a patience of at least 1, such as 50, a tolerance of at least 0, such as 0.001, and a landing of at least 0",
            ));
        }
        if self.estimator == Estimator::Path && self.divergence != Divergence::Kl {
            return Err(Error::new(
                "Svi.estimator",
                format!("Estimator::Path with {:?}", self.divergence),
                "use Estimator::ClosedForm, or Divergence::Kl",
            ));
        }
        self.divergence.check(self.guide)
    }

    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        let each = objective.numbers_of_draw();
        // A particle has its noise, its coordinates and its gradient besides.
        let particle = each + 3.0 * self.guide.noise(objective.dimension()) as f64;
        vec![
            (
                "Svi.particles",
                "the particles of a step",
                self.particles as f64 * self.starts as f64 * particle,
            ),
            (
                "Svi.draws",
                "the posterior's draws",
                self.draws as f64 * each,
            ),
        ]
    }

    fn start(&self, objective: &Objective, seed: u64) -> Result<Box<dyn Fit + '_>> {
        self.guide.check(objective.dimension())?;
        Ok(Box::new(Ascent::new(self, objective, seed)))
    }
}
