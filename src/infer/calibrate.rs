//! The frame around every method: steps until the end, a stop or the clock; pictures, the state on disk,
//! and the posterior at the end.

use super::Problem;
use super::objective::Objective;
use super::posterior::convergence::{Ending, few_draws, measure};
use super::posterior::{Draws, Pace, Posterior, Step, assemble};
use super::snapshot::{Phase, Snapshot};
use super::state::{Keeper, Saved};
use crate::error::{Error, Result};
use crate::memory;
use crate::progress::Progress;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// A method that goes on step by step.
pub(super) trait Search {
    /// What it is called.
    fn method(&self) -> &'static str;
    /// What `done` counts, in the singular.
    fn unit(&self) -> &'static str;
    /// How far it is.
    fn done(&self) -> usize;
    /// True where it ends before its last step, as more of them would not help.
    fn settled(&self) -> bool {
        false
    }
    /// Goes on from a state that was found at `place`.
    fn resume(&mut self, saved: &Saved, place: &str) -> Result<()>;
    /// One step; `watched` says that pictures will be made. Returns a note of where it stands. An error
    /// leaves the search where it was last good.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String>;
    /// One entry a step; of very many the early ones thinned.
    fn history(&self) -> &[Step];
    /// All that it takes to go on to the same numbers.
    fn saved(&self) -> Saved;
    /// Mean and standard deviation of every unit's coordinate.
    fn moments(&self, objective: &Objective) -> (Vec<f64>, Vec<f64>);
    /// Mean of a guide in all coordinates; none of methods that have draws only.
    fn center(&self) -> Option<Vec<f64>> {
        None
    }
    /// Some panels [particle, period, group] of the first scenario, for pictures.
    fn panels(&self) -> Vec<f64>;
    /// The draws of the posterior; an error where there are none.
    fn draws(&self) -> Result<Draws<'_>>;
    /// What it knows of its own end.
    fn ending(&self) -> Ending;
}

/// Options of a method.
pub(super) trait Options {
    /// What all methods have.
    fn frame(&self) -> Frame<'_>;
    /// Refuses what is out of range.
    fn check(&self) -> Result<()>;
    /// What will be held at a time, by the option that asks for it: its name, what it counts, and how many
    /// numbers that are.
    fn holds(&self, objective: &Objective) -> Vec<(&'static str, &'static str, f64)>;
    /// Begins, on a problem that fits.
    fn start(&self, objective: &Objective) -> Result<Box<dyn Search + '_>>;
}

/// Where to keep the state, and when to stop.
pub(super) struct Frame<'a> {
    /// Where `total` stands among the options.
    pub(super) place: &'static str,
    /// In what `Search::done` counts.
    pub(super) total: usize,
    pub(super) file: Option<&'a Path>,
    pub(super) save_seconds: f64,
    pub(super) max_seconds: Option<f64>,
}

/// Calibrates. `from` is the state to go on from, `asked` is true once the call should return what it has.
pub(super) fn run(
    problem: &Problem,
    options: &dyn Options,
    from: Option<&Saved>,
    progress: &mut dyn Progress,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    run_seen(problem, options, from, progress, asked, &|_| ())
}

/// Calibrates, and lets `see` look at the search after every step.
pub(super) fn run_seen(
    problem: &Problem,
    options: &dyn Options,
    from: Option<&Saved>,
    progress: &mut dyn Progress,
    asked: &dyn Fn() -> bool,
    see: &dyn Fn(&dyn Search),
) -> Result<Posterior> {
    let begin = Instant::now();
    let prepared = || {
        options.check()?;
        let objective = Objective::new(problem)?;
        for (place, what, numbers) in options.holds(&objective) {
            memory::require(place, what, 8.0 * numbers, "give fewer")?;
        }
        let mut search = options.start(&objective)?;
        let frame = options.frame();
        match (from, frame.file) {
            (Some(saved), _) => search.resume(saved, "posterior")?,
            (None, Some(file)) if file.exists() => {
                search.resume(&Saved::read(file)?, &file.display().to_string())?;
            }
            _ => {}
        }
        let (unit, done) = (search.unit(), search.done());
        if done > frame.total {
            return Err(Error::new(
                frame.place,
                format!("{} {unit}s, but {done} are made already", frame.total),
                format!("give the number of all {unit}s, or begin anew with another state_file"),
            ));
        }
        Ok((objective, search, frame))
    };
    let result = prepared().and_then(|(objective, mut search, frame)| {
        let search = search.as_mut();
        drive(&objective, search, &frame, begin, progress, asked, see)
    });
    result.inspect_err(|e| progress.fail(e))
}

/// The posterior of a state that such a calibration has had: no step is made, no file is touched.
pub(super) fn posterior_of(
    problem: &Problem,
    options: &dyn Options,
    saved: Saved,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    let objective = Objective::new(problem)?;
    let mut search = options.start(&objective)?;
    search.resume(&saved, "background calibration")?;
    let total = options.frame().total;
    let (draws, pace) = (search.draws()?, Pace::Until(asked));
    conclude(&objective, search.as_ref(), total, draws, saved, pace)
}

/// Goes on with `search` to its end.
fn drive(
    objective: &Objective,
    search: &mut dyn Search,
    frame: &Frame<'_>,
    begin: Instant,
    progress: &mut dyn Progress,
    asked: &dyn Fn() -> bool,
    see: &dyn Fn(&dyn Search),
) -> Result<Posterior> {
    let before = search.done();
    let mut keeper = Keeper::new(frame.file, frame.save_seconds);
    // At once, so that a file that cannot be written is refused before any work.
    if frame.file.is_some() {
        keeper.save(&search.saved())?;
    }
    let mut unsaved = None;
    progress.start(search.method(), frame.total);
    let watched = progress.watches();
    let mut snapshot = Snapshot::new(
        search.method(),
        search.unit(),
        objective.problem(),
        frame.total,
        before,
    );
    let doubtful = objective.problem().warnings();
    let (mut late, mut stopped) = (false, false);
    while search.done() < frame.total && !search.settled() && !late && !stopped {
        let note = match search.step(objective, watched) {
            Ok(note) => note,
            Err(e) => return Err(keep_last_good(search, &mut keeper, frame, e)),
        };
        progress.update(search.done(), &note);
        see(search);
        if watched && progress.wants_picture() {
            snapshot.warnings = doubtful.iter().chain(&unsaved).cloned().collect();
            snapshot.look(search, objective, begin);
            progress.picture(snapshot.clone());
        }
        if keeper.due() {
            // Told in the next picture: a fit of a week must not run unprotected unseen.
            unsaved = keeper.save(&search.saved()).err().map(|e| e.to_string());
        }
        let over = |s| begin.elapsed().as_secs_f64() > s;
        late = frame.max_seconds.is_some_and(over);
        stopped = asked() || progress.stop();
    }
    let saved = search.saved();
    let draws = search.draws()?;
    if frame.file.is_some() {
        unsaved = keeper.save(&saved).err().map(|e| e.to_string());
    }
    if watched {
        snapshot.look(search, objective, begin);
        snapshot.phase = Phase::Drawing;
        progress.picture(snapshot.clone());
    }
    let ask = || asked() || progress.stop();
    let pace = if stopped {
        Pace::Hurried
    } else {
        Pace::Until(&ask)
    };
    let mut posterior = conclude(objective, search, frame.total, draws, saved, pace)?;
    posterior.warnings.extend(unsaved);
    posterior.seconds = begin.elapsed().as_secs_f64();
    if watched {
        progress.picture(posterior.last_picture(snapshot));
    }
    progress.finish(&format!("{} evaluations", posterior.evaluations));
    Ok(posterior)
}

/// The posterior of what `search` has: its draws, and `saved`, its state.
fn conclude(
    objective: &Objective,
    search: &dyn Search,
    total: usize,
    draws: Draws<'_>,
    saved: Saved,
    pace: Pace<'_>,
) -> Result<Posterior> {
    let wanted = draws.count;
    let moments = search.moments(objective);
    let (mut posterior, lost) = assemble(objective, search.method(), moments, draws, pace)?;
    let whole = search.done() >= total || search.settled();
    posterior.stopped = !whole || posterior.draws + lost < wanted;
    posterior.history = search.history().to_vec();
    posterior.evaluations = posterior.history.last().map_or(0, |s| s.evaluations);
    posterior.saved = Arc::new(saved);
    let ending = search.ending();
    for learnt in &mut posterior.parameters {
        learnt.effective_draws = ending.effective_draws;
    }
    posterior.convergence = measure(&posterior, ending);
    posterior.warnings = objective.problem().warnings();
    let doubts = posterior.convergence.doubts.iter().cloned();
    posterior.warnings.extend(doubts);
    posterior.warnings.extend(few_draws(&posterior));
    if lost > 0 {
        posterior.warnings.push(format!(
            "{lost} of the posterior's {wanted} draws gave no finite output and were left out; narrow the priors"
        ));
    }
    Ok(posterior)
}

/// Writes the last good state of a search that cannot go on, where there is a file, and says so.
fn keep_last_good(
    search: &dyn Search,
    keeper: &mut Keeper<'_>,
    frame: &Frame<'_>,
    error: Error,
) -> Error {
    let Some(file) = frame.file else {
        return error;
    };
    let kept = match keeper.save(&search.saved()) {
        Ok(()) => format!("{} keeps the state before it", file.display()),
        Err(e) => e.to_string(),
    };
    Error {
        remedy: format!("{}; {kept}", error.remedy),
        ..error
    }
}
