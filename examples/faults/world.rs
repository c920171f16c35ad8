//! What calls with extreme arguments are made on, and what is looked at in their results.

use crate::{calls, fits, frames, small, tables};
use bullwhip::prelude::*;

/// A result: how many of its numbers are not finite, and whether it says so itself.
pub(crate) struct Found {
    pub(crate) bad: usize,
    pub(crate) told: bool,
}

pub(crate) type Seen = Result<Found, Error>;

/// A call with its name.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) call: Box<dyn Fn(&World) -> Seen>,
}

/// The calls as they are listed.
#[derive(Default)]
pub(crate) struct Calls(pub(crate) Vec<Call>);

impl Calls {
    pub(crate) fn add(&mut self, name: impl Into<String>, call: impl Fn(&World) -> Seen + 'static) {
        self.0.push(Call {
            name: name.into(),
            call: Box::new(call),
        });
    }
}

/// All calls, in an order that stays.
pub(crate) fn all() -> Vec<Call> {
    let mut calls = Calls::default();
    calls::simulations(&mut calls);
    fits::fits(&mut calls);
    calls::posteriors(&mut calls);
    tables::economies(&mut calls);
    tables::panels(&mut calls);
    frames::frames(&mut calls);
    frames::figures(&mut calls);
    frames::paths(&mut calls);
    calls.0
}

/// A small economy with a panel.
pub(crate) struct World {
    pub(crate) problem: Problem,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            problem: small::problem(),
        }
    }

    pub(crate) fn network(&self) -> &Network {
        &self.problem.network
    }

    pub(crate) fn params(&self) -> Params {
        Params::uniform(self.network(), 2.0, 6.0)
    }

    pub(crate) fn simulate(&self, simulation: Simulation) -> Seen {
        run(simulate(
            self.network(),
            &self.params(),
            &self.problem.shock,
            &simulation,
        )?)
    }

    pub(crate) fn run(&self) -> Result<Trajectory, Error> {
        let simulation = Simulation {
            periods: 8,
            ..Simulation::default()
        };
        simulate(
            self.network(),
            &self.params(),
            &self.problem.shock,
            &simulation,
        )
    }

    pub(crate) fn posterior(&self) -> Result<Posterior, Error> {
        let svi = Svi {
            steps: 5,
            draws: 6,
            ..Svi::default()
        };
        calibrate(&self.problem, &svi, &Run::default(), &mut ())
    }
}

/// Numbers that must be finite, or that the result says why they are not.
pub(crate) fn numbers(values: impl IntoIterator<Item = f64>, told: bool) -> Seen {
    let bad = values.into_iter().filter(|v| !v.is_finite()).count();
    Ok(Found { bad, told })
}

/// A result whose numbers are all its own matter.
pub(crate) fn anything<T>(_: T) -> Seen {
    Ok(Found {
        bad: 0,
        told: false,
    })
}

pub(crate) fn run(run: Trajectory) -> Seen {
    numbers(run.output, !run.warnings.is_empty())
}

pub(crate) fn fitted(posterior: Posterior) -> Seen {
    let learnt = posterior.parameters.iter();
    let all = learnt.flat_map(|l| l.samples.iter().chain(&l.location).chain(&l.scale));
    let all = all.chain(&posterior.predictive.samples);
    numbers(all.copied(), !posterior.warnings.is_empty())
}
