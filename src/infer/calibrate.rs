//! The verb: steps of a method until its end, a stop or the clock; pictures, the state on disk, and the posterior at the
//! end.

use super::method::{Fit, Method, Options};
use super::objective::Objective;
use super::posterior::convergence::{few_draws, measure};
use super::posterior::{Chains, Draws, Pace, Posterior, assemble, disagreeing};
use super::snapshot::{Phase, Snapshot};
use super::state::fingerprint::fingerprint;
use super::state::{Autosave, Facts, Saved};
use super::{Problem, Run, Watch};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::memory;
use std::sync::Arc;
use std::time::Instant;

/// Learns what the panel says of the parameters that vary, by variational inference, ABC rejection, sequential Monte
/// Carlo ABC or a random walk: `method` is the options of one, such as `&Svi::default()`, or a `Method`. The same problem,
/// method and seed give the same numbers.
///
/// Refuses, before any work, what cannot be calibrated. Simulations whose output is not finite are left out and counted.
/// The stop button, Ctrl-C and `Progress::stop` make it return what it has after the step that is running, of a guide with
/// as many draws as a quarter of a second allows, at least one.
///
/// ```
/// # use bullwhip::prelude::*;
/// # let economy = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::random(&economy, 3, 0.4, 10, 1);
/// # let truth = Priors::default().draw(&economy, 1);
/// # let observed = simulate(&economy, &truth, &shock, &Simulation::default())?.observe();
/// let problem = Problem::new(&economy, &shock, &observed);
/// let run = Run { seed: 1, ..Run::default() };
/// let svi = calibrate(&problem, &Svi { steps: 50, ..Svi::default() }, &run, &mut ())?;
/// let abc = calibrate(&problem, &Abc { draws: 200, keep: 20, ..Abc::default() }, &run, &mut ())?;
/// assert_eq!((svi.evaluations, abc.evaluations), (50, 200));
/// # Ok::<(), Error>(())
/// ```
pub fn calibrate(
    problem: &Problem,
    method: impl Into<Method>,
    run: &Run,
    progress: &mut dyn Watch,
) -> Result<Posterior> {
    let (method, interrupt) = (method.into(), Interrupt::watch());
    let asked = || interrupt.asked();
    calibrate_until(problem, &method, run, progress, &asked)
}

/// The same, until somebody asks for what it has.
pub(super) fn calibrate_until(
    problem: &Problem,
    method: &Method,
    run: &Run,
    progress: &mut dyn Watch,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    let (options, see) = (method.options(), &|_: &dyn Fit, _: &Facts| ());
    let work = Work {
        problem,
        options,
        run,
        from: None,
        asked,
        see,
    };
    work.begin(progress)
}

impl Posterior {
    /// Goes on from where this posterior was left, to the number of steps, draws or evaluations of `method` in all; with
    /// the same number as before, to the same numbers as of a calibration that had not stopped. Problem, seed and method
    /// are those of the posterior, but for what may change (`Run::state_file` says what that is); the state file, where
    /// there is one, is written and not read.
    pub fn resume(
        &self,
        problem: &Problem,
        method: impl Into<Method>,
        run: &Run,
        progress: &mut dyn Watch,
    ) -> Result<Posterior> {
        let (method, interrupt) = (method.into(), Interrupt::watch());
        let work = Work {
            problem,
            options: method.options(),
            run,
            from: Some(&self.saved),
            asked: &|| interrupt.asked(),
            see: &|_, _| (),
        };
        work.begin(progress)
    }
}

/// A calibration that is to be made.
pub(super) struct Work<'a> {
    pub(super) problem: &'a Problem,
    pub(super) options: &'a dyn Options,
    pub(super) run: &'a Run,
    /// The state to go on from; else the file's, where there is one.
    pub(super) from: Option<&'a Saved>,
    /// True once the call should return what it has.
    pub(super) asked: &'a dyn Fn() -> bool,
    /// Looks at the fit, and at what it is of, after every step.
    pub(super) see: &'a dyn Fn(&dyn Fit, &Facts),
}

impl Work<'_> {
    /// Calibrates.
    pub(super) fn begin(&self, progress: &mut dyn Watch) -> Result<Posterior> {
        let result = self.calibrate(Instant::now(), progress);
        result.inspect_err(|e| progress.fail(e))
    }

    fn calibrate(&self, begin: Instant, progress: &mut dyn Watch) -> Result<Posterior> {
        self.run.check()?;
        self.options.check()?;
        let objective = Objective::new(self.problem)?;
        let read;
        let from = match (self.from, &self.run.state_file) {
            (Some(saved), _) => Some((saved, "posterior".to_string())),
            (None, Some(file)) if file.exists() => {
                read = Saved::read(file)?;
                Some((&read, file.display().to_string()))
            }
            _ => None,
        };
        let before = from.as_ref().map(|(saved, _)| saved.facts());
        let sized = self.options.sized(objective.dimension(), before);
        let options = sized.as_ref().map_or(self.options, Method::options);
        for (place, what, numbers) in options.holds(&objective) {
            memory::require(place, what, 8.0 * numbers, "give fewer")?;
        }
        let mut fit = options.start(&objective, self.run.seed)?;
        let facts = fingerprint(self.problem, options, self.run.seed);
        if let Some((saved, place)) = &from {
            saved.resume(fit.as_mut(), &facts, place)?;
        }
        let ((place, total), unit, done) = (options.total(), fit.unit(), fit.done());
        if done > total {
            return Err(Error::new(
                place,
                format!("{total} {unit}s, but {done} are made already"),
                format!("give the number of all {unit}s, or begin anew with another state_file"),
            ));
        }
        self.go_on(&objective, options, (fit.as_mut(), &facts), begin, progress)
    }

    /// Goes on with a fit to its end.
    fn go_on(
        &self,
        objective: &Objective,
        options: &dyn Options,
        (fit, facts): (&mut dyn Fit, &Facts),
        begin: Instant,
        progress: &mut dyn Watch,
    ) -> Result<Posterior> {
        let (name, total, before) = (options.name(), options.total().1, fit.done());
        let mut autosave = Autosave::new(self.run);
        // At once, so that a file that cannot be written is refused before any work.
        autosave.save(fit, facts)?;
        let mut unsaved = None;
        progress.start(name, total);
        let watched = progress.watches();
        let mut snapshot = Snapshot::new(name, fit.unit(), self.problem, total, before);
        let doubtful = self.problem.warnings();
        let (mut late, mut stopped) = (false, false);
        while fit.done() < total && !fit.settled() && !late && !stopped {
            let note = match fit.step(objective, watched) {
                Ok(note) => note,
                Err(e) => return Err(autosave.keep_last_good(fit, facts, e)),
            };
            progress.update(fit.done(), &note);
            (self.see)(fit, facts);
            if watched && progress.wants_picture() {
                snapshot.warnings = doubtful.iter().chain(&unsaved).cloned().collect();
                snapshot.look(fit, objective, begin);
                progress.picture(snapshot.clone());
            }
            if autosave.due() {
                // Told in the next picture: a fit of a week must not run unprotected unseen.
                unsaved = autosave.save(fit, facts).err().map(|e| e.to_string());
            }
            let over = |s| begin.elapsed().as_secs_f64() > s;
            late = self.run.max_seconds.is_some_and(over);
            stopped = (self.asked)() || progress.stop();
        }
        let draws = fit.draws()?;
        if self.run.state_file.is_some() {
            unsaved = autosave.save(fit, facts).err().map(|e| e.to_string());
        }
        if watched {
            snapshot.look(fit, objective, begin);
            snapshot.phase = Phase::Drawing;
            progress.picture(snapshot.clone());
        }
        let ask = || (self.asked)() || progress.stop();
        let pace = match stopped {
            true => Pace::Hurried,
            false => Pace::Until(&ask),
        };
        let mut posterior = conclude(objective, options, (fit, facts), draws, pace)?;
        posterior.warnings.extend(unsaved);
        posterior.seconds = begin.elapsed().as_secs_f64();
        if watched {
            progress.picture(posterior.last_picture(snapshot));
        }
        progress.finish(&format!("{} evaluations", posterior.evaluations));
        Ok(posterior)
    }
}

/// The posterior of a state that such a calibration has had: no step is made, no file is touched.
pub(super) fn posterior_of(
    problem: &Problem,
    options: &dyn Options,
    seed: u64,
    saved: &Saved,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    let objective = Objective::new(problem)?;
    let sized = options.sized(objective.dimension(), Some(saved.facts()));
    let options = sized.as_ref().map_or(options, Method::options);
    let mut fit = options.start(&objective, seed)?;
    let facts = fingerprint(problem, options, seed);
    saved.resume(fit.as_mut(), &facts, "background calibration")?;
    let (draws, pace) = (fit.draws()?, Pace::Until(asked));
    conclude(&objective, options, (fit.as_ref(), &facts), draws, pace)
}

/// The posterior of what a fit has.
fn conclude(
    objective: &Objective,
    options: &dyn Options,
    (fit, facts): (&dyn Fit, &Facts),
    draws: Draws<'_>,
    pace: Pace<'_>,
) -> Result<Posterior> {
    let wanted = draws.count;
    let moments = fit.moments(objective);
    let (mut posterior, lost) = assemble(objective, options.name(), moments, draws, pace)?;
    let whole = fit.done() >= options.total().1 || fit.settled();
    posterior.stopped = !whole || posterior.draws + lost < wanted;
    posterior.history = fit.history().to_vec();
    posterior.evaluations = posterior.history.last().map_or(0, |s| s.evaluations);
    posterior.starts = fit.starts();
    if let Some((draws, chains)) = fit.chains() {
        posterior.chains = Some(chains.measured(objective, draws));
    }
    posterior.evidence = fit.evidence().or(posterior.evidence);
    posterior.saved = Arc::new(Saved::of(fit, facts));
    let mut ending = fit.ending();
    if let Some(chains) = &posterior.chains {
        ending.effective_draws = chains.least_ess();
    }
    for learnt in &mut posterior.parameters {
        learnt.effective_draws = ending.effective_draws;
    }
    posterior.convergence = measure(&posterior, ending);
    let mixed = posterior.chains.as_ref().map(Chains::doubts);
    posterior
        .convergence
        .doubts
        .extend(mixed.into_iter().flatten());
    posterior.warnings = objective.problem().warnings();
    let doubts = posterior.convergence.doubts.iter().cloned();
    posterior.warnings.extend(doubts);
    posterior.warnings.extend(few_draws(&posterior));
    posterior.warnings.extend(disagreeing(&posterior.starts));
    posterior
        .warnings
        .extend(posterior.chains.as_ref().and_then(Chains::note));
    if lost > 0 {
        posterior.warnings.push(format!(
            "{lost} of the posterior's {wanted} draws gave no finite output and were left out; narrow the priors"
        ));
    }
    Ok(posterior)
}
