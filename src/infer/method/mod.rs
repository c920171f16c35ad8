//! Methods of inference, a file each.

mod abc;
mod factor;
mod nuts;
mod random_walk;
mod slopes;
mod smc;
mod svi;

use crate::error::Result;
use crate::infer::Step;
use crate::infer::objective::Objective;
use crate::infer::posterior::convergence::Ending;
use crate::infer::posterior::{Chains, Draws, Evidence, Start};
use crate::infer::state::Facts;
use crate::infer::state::rows::{Rows, Unfit};
pub use abc::Abc;
pub use nuts::{Metric, Nuts};
pub use random_walk::RandomWalk;
use serde::Serialize;
pub use smc::{Ladder, Smc};
pub use svi::{EarlyStop, Estimator, Svi};

/// Makes the enum of all methods. A method's file has its options, a struct of the same name that is `Options`.
macro_rules! methods {
    ($( $(#[$doc:meta])* $method:ident = $file:ident ),* $(,)?) => {
        /// A method of inference with its options.
        ///
        /// What takes a method takes its options, too: `calibrate(&problem, &Svi::default(), …)`.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        pub enum Method { $( $(#[$doc])* $method($method) ),* }

        $(
            impl From<$method> for Method {
                fn from(options: $method) -> Self {
                    Method::$method(options)
                }
            }

            impl From<&$method> for Method {
                fn from(options: &$method) -> Self {
                    Method::$method(options.clone())
                }
            }
        )*

        impl Method {
            /// What methods are called in results.
            pub(crate) const NAMES: &[&str] = &[$($file::NAME,)* smc::TEMPERED];

            pub(crate) fn options(&self) -> &dyn Options {
                match self { $( Method::$method(options) => options ),* }
            }

            pub(crate) fn into_options(self) -> Box<dyn Options + Send + Sync> {
                match self { $( Method::$method(options) => Box::new(options) ),* }
            }
        }
    };
}

methods! {
    /// Variational inference.
    Svi = svi,
    /// ABC rejection.
    Abc = abc,
    /// Sequential Monte Carlo ABC.
    Smc = smc,
    /// Random-walk Metropolis.
    RandomWalk = random_walk,
    /// The no-U-turn sampler.
    Nuts = nuts,
}

impl From<&Method> for Method {
    fn from(method: &Method) -> Self {
        method.clone()
    }
}

impl Method {
    /// The short name in tables and files: svi, abc, smc, walk, nuts.
    pub fn short_name(&self) -> &'static str {
        self.options().short_name()
    }
}

/// Options of a method.
pub(crate) trait Options {
    /// What the method is called in results.
    fn name(&self) -> &'static str;
    /// The same in tables and files.
    fn short_name(&self) -> &'static str;
    /// How far a fit goes, in what `Fit::done` counts, and the name of the option that says so.
    fn total(&self) -> (&'static str, usize);
    /// Draws of the posterior.
    fn posterior_draws(&self) -> usize;
    /// The options with what follows from the number of unknowns filled in, and from what the fit was `before` where
    /// it goes on; none where nothing does.
    fn sized(&self, _unknowns: usize, _before: Option<&Facts>) -> Option<Method> {
        None
    }
    /// The options that a fit's numbers depend on: all but those that may change where it goes on.
    fn lasting(&self) -> Method;
    /// Refuses what is out of range.
    fn check(&self) -> Result<()>;
    /// What will be held at a time, by the option that asks for it: its name, what it counts, and how many
    /// numbers that are.
    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)>;
    /// Begins a fit, on a problem that was checked.
    fn start(&self, objective: &Objective, seed: u64) -> Result<Box<dyn Fit + '_>>;
}

/// A fit that goes on step by step.
pub(crate) trait Fit {
    /// What `done` counts, in the singular.
    fn unit(&self) -> &'static str;
    /// How far it is.
    fn done(&self) -> usize;
    /// True where it ends before its last step, as more of them would not help.
    fn settled(&self) -> bool {
        false
    }
    /// One step; `watched` says that pictures will be made. Returns a note of where it stands. An error
    /// leaves the fit where it was last good.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String>;
    /// One entry a step; of very many the early ones thinned.
    fn history(&self) -> &[Step];
    /// All that it takes to go on to the same numbers.
    fn state(&self) -> Rows;
    /// Goes on from what `state` gave.
    fn restore(&mut self, state: &Rows) -> std::result::Result<(), Unfit>;
    /// Mean and standard deviation of every unit's coordinate.
    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>);
    /// Mean of a guide in all coordinates; none of methods that have draws only.
    fn center(&self) -> Option<Vec<f64>> {
        None
    }
    /// What its chains came to, [draw, chain, coordinate] beside what they tell of themselves.
    fn chains(&self) -> Option<(&[f64], Chains)> {
        None
    }
    /// The evidence, where it knows it otherwise than by a guide.
    fn evidence(&self) -> Option<Evidence> {
        None
    }
    /// What its starts came to, where it had several.
    fn starts(&self) -> Vec<Start> {
        Vec::new()
    }
    /// Some panels [particle, period, group] of the first scenario, for pictures.
    fn panels(&self) -> Vec<f64>;
    /// The draws of the posterior; an error where there are none.
    fn draws(&self) -> Result<Draws<'_>>;
    /// What it knows of its own end.
    fn ending(&self) -> Ending;
}

/// Means and standard deviations of all units over draws [draw, coordinate].
fn moments(objective: &Objective, u: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let dimension = objective.dimension();
    let count = (u.len() / dimension) as f64;
    let (mut mean, mut scale) = (Vec::new(), Vec::new());
    for varying in objective.layout() {
        let n = varying.units();
        let table = varying.unit_coordinates(u, dimension);
        let column = |f: &dyn Fn(f64, usize) -> f64| -> Vec<f64> {
            let mut sums = vec![0.0; n];
            for row in table.chunks_exact(n) {
                for (k, v) in row.iter().enumerate() {
                    sums[k] += f(*v, k);
                }
            }
            sums.iter().map(|s| s / count).collect()
        };
        let here = column(&|u, _| u);
        let variance = column(&|u, k| (u - here[k]).powi(2));
        scale.extend(variance.iter().map(|v| v.sqrt()));
        mean.extend(here);
    }
    (mean, scale)
}
