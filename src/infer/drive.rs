//! The frame around every method: steps until the end, a stop or the clock; pictures, the state on disk,
//! and the posterior at the end.

use super::Problem;
use super::objective::Objective;
use super::posterior::{Draws, Pace, Posterior, Step, assemble};
use super::saved::{Keeper, Saved};
use super::snapshot::{Phase, Snapshot};
use crate::error::{Error, Result};
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
    /// One step; `watched` says that pictures will be made. Returns a note of where it stands.
    fn step(&mut self, objective: &Objective, watched: bool) -> Result<String>;
    /// One entry a step, from the first on.
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
    fn draws(&self, objective: &Objective) -> Result<Draws<'_>>;
}

/// Where to keep the state, and when to stop.
pub(super) struct Frame<'a> {
    pub(super) total: usize,
    pub(super) file: Option<&'a Path>,
    pub(super) save_seconds: f64,
    pub(super) max_seconds: Option<f64>,
    pub(super) begin: Instant,
}

/// Refuses a state that is further than the options ask for.
pub(super) fn not_beyond(place: &str, unit: &str, total: usize, done: usize) -> Result<()> {
    if done <= total {
        return Ok(());
    }
    Err(Error::new(
        place,
        format!("{total} {unit}s, but {done} are made already"),
        format!("give the number of all {unit}s, or begin anew with another state_file"),
    ))
}

/// Goes on with `search` to its end. `asked` is true once the call should return what it has.
pub(super) fn drive(
    problem: &Problem,
    objective: &Objective,
    search: &mut dyn Search,
    frame: &Frame<'_>,
    progress: &mut dyn Progress,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    let (begin, before) = (frame.begin, search.done());
    let mut keeper = Keeper::new(frame.file, frame.save_seconds);
    // At once, so that a file that cannot be written is refused before any work.
    if frame.file.is_some() {
        keeper.save(&search.saved())?;
    }
    let mut warnings = Vec::new();
    progress.start(search.method(), frame.total);
    let watched = progress.watches();
    let mut snapshot = Snapshot::new(search.method(), search.unit(), problem, frame.total, before);
    let (mut late, mut stopped) = (false, false);
    while search.done() < frame.total && !search.settled() && !late && !stopped {
        let note = search.step(objective, watched)?;
        progress.update(search.done(), &note);
        if watched && progress.wants_picture() {
            snapshot.look(search, objective, begin);
            progress.picture(snapshot.clone());
        }
        if keeper.due()
            && let Err(e) = keeper.save(&search.saved())
        {
            warnings = vec![e.to_string()];
        }
        let over = |s| begin.elapsed().as_secs_f64() > s;
        late = frame.max_seconds.is_some_and(over);
        stopped = asked() || progress.stop();
    }
    let saved = search.saved();
    let draws = search.draws(objective)?;
    if let Err(e) = keeper.save(&saved) {
        warnings = vec![e.to_string()];
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
    let wanted = draws.count;
    let moments = search.moments(objective);
    let mut posterior = assemble(objective, search.method(), moments, draws, pace)?;
    let whole = search.done() >= frame.total || search.settled();
    posterior.stopped = !whole || posterior.draws < wanted;
    posterior.warnings.extend(warnings);
    posterior.history = search.history().to_vec();
    posterior.evaluations = posterior.history.last().map_or(0, |s| s.evaluations);
    posterior.saved = Arc::new(saved);
    posterior.seconds = begin.elapsed().as_secs_f64();
    if watched {
        progress.picture(posterior.last_picture(snapshot));
    }
    progress.finish(&format!("{} evaluations", posterior.evaluations));
    Ok(posterior)
}
