//! A calibration part of the way: what a picture of it shows.

use super::layout::cut;
use super::method::Fit;
use super::objective::Objective;
use super::{Loss, Parameter, Problem, Step};
use crate::observe::Observation;
use std::sync::Arc;
use std::time::Instant;

/// How many panels a picture's bands are made of at most.
pub(super) const PANELS: usize = 32;

/// How far a calibration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It makes steps.
    Running,
    /// Its steps are over; the posterior's draws are simulated.
    Drawing,
    /// It is over.
    Finished,
    /// It is over, as it was asked to stop or its time was up.
    Stopped,
    /// It ended without a result.
    Failed,
}

/// What a calibration has at some time: host data, a copy that may be kept.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// "variational inference", "ABC rejection" and so on.
    pub method: &'static str,
    /// What `done` counts: "step", "draw", "round".
    pub unit: &'static str,
    /// How far it is.
    pub phase: Phase,
    /// How many units are done.
    pub done: usize,
    /// How many there are to be.
    pub total: usize,
    /// Those that an earlier call did, where this one goes on from its state.
    pub before: usize,
    /// Wall time of this call, seconds.
    pub seconds: f64,
    /// How it got there, as `Posterior::history`.
    pub history: Vec<Step>,
    /// What the losses are.
    pub loss: Loss,
    /// What is known by now of each parameter that varies.
    pub parameters: Vec<Marginals>,
    /// The panel that is fitted.
    pub observed: Arc<Observation>,
    /// Simulated panels [draw, period, group]: those of the last particles or of the best draws, and
    /// of the posterior's draws at the end.
    pub panels: Arc<Vec<f64>>,
    /// What is wrong by now, one sentence each; at the end `Posterior::warnings`.
    pub warnings: Vec<String>,
}

/// What is known of one parameter, in the standard-normal coordinates of its prior.
#[derive(Clone, Debug, PartialEq)]
pub struct Marginals {
    /// Which parameter.
    pub parameter: Parameter,
    /// Mean, one per entry; 0 is the prior's.
    pub location: Vec<f64>,
    /// Standard deviation, one per entry; 1 is the prior's.
    pub scale: Vec<f64>,
}

impl Snapshot {
    /// A calibration that has done nothing yet.
    pub(super) fn new(
        method: &'static str,
        unit: &'static str,
        problem: &Problem,
        total: usize,
        before: usize,
    ) -> Self {
        Self {
            method,
            unit,
            phase: Phase::Running,
            done: before,
            total,
            before,
            seconds: 0.0,
            history: Vec::new(),
            loss: problem.loss,
            parameters: Vec::new(),
            observed: Arc::new(problem.observed.clone()),
            panels: Arc::default(),
            warnings: Vec::new(),
        }
    }

    /// Brings it up to date.
    pub(super) fn look(&mut self, fit: &dyn Fit, objective: &Objective, begin: Instant) {
        let (mean, scale) = fit.moments(objective);
        self.done = fit.done();
        self.seconds = begin.elapsed().as_secs_f64();
        self.history.clear();
        self.history.extend(fit.history());
        let layout = objective.layout();
        let moments = cut(layout, &mean).zip(cut(layout, &scale));
        self.parameters = layout
            .iter()
            .zip(moments)
            .map(|(v, (location, scale))| Marginals {
                parameter: v.parameter,
                location: location.to_vec(),
                scale: scale.to_vec(),
            })
            .collect();
        self.panels = Arc::new(fit.panels());
    }

    /// Number of simulated panels.
    pub fn draws(&self) -> usize {
        self.panels.len() / self.observed.values.len().max(1)
    }

    /// Where it stands, in one line.
    pub fn line(&self) -> String {
        let what = self.unit;
        let head = match self.phase {
            Phase::Running => format!("{what} {} of {}", self.done, self.total),
            Phase::Drawing => format!(
                "{what} {} of {}, simulating the posterior",
                self.done, self.total
            ),
            Phase::Finished if self.done < self.total => format!(
                "finished: {} {what}s, of {} that were allowed, in {}",
                self.done,
                self.total,
                span(self.seconds)
            ),
            Phase::Finished => {
                format!("finished: {} {what}s in {}", self.total, span(self.seconds))
            }
            Phase::Stopped => format!(
                "stopped at {what} {} of {} after {}",
                self.done,
                self.total,
                span(self.seconds)
            ),
            Phase::Failed => format!("failed at {what} {} of {}", self.done, self.total),
        };
        let speed = self.speed();
        let mut parts = vec![head];
        if speed > 0.0 {
            let digits = if speed < 10.0 { 1 } else { 0 };
            parts.push(format!("{speed:.digits$} {what}s/s"));
        }
        parts.extend(self.seconds_left().map(|s| format!("{} left", span(s))));
        parts.push(format!("{} evaluations", self.evaluations()));
        parts.push(match self.dropped() {
            0 => "none dropped".into(),
            n => format!("{n} dropped"),
        });
        parts.join(" · ")
    }

    fn evaluations(&self) -> usize {
        self.history.last().map_or(0, |s| s.evaluations)
    }

    /// Simulations that were not finite and were left out, from the first step on.
    pub fn dropped(&self) -> usize {
        self.history.iter().map(|s| s.dropped).sum()
    }

    /// Steps per second of this call; 0 before the first.
    pub fn speed(&self) -> f64 {
        if self.seconds > 0.0 {
            self.done.saturating_sub(self.before) as f64 / self.seconds
        } else {
            0.0
        }
    }

    /// Seconds until the last step at this speed; none before the first step and after the last.
    pub fn seconds_left(&self) -> Option<f64> {
        let speed = self.speed();
        (self.phase == Phase::Running && speed > 0.0)
            .then(|| self.total.saturating_sub(self.done) as f64 / speed)
    }
}

/// A time that people can read.
pub(crate) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}
