//! Calibrations on a thread of their own: later cells look at them, stop them, or wait for them.

use super::calibrate::{Work, posterior_of};
use super::method::Options;
use super::snapshot::span;
use super::state::Saved;
use super::{Method, Phase, Posterior, Problem, Run, Snapshot, Watch};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, Rhythm};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A calibration that runs beside the notebook. It shares the processor with what cells do.
///
/// The stop button does not stop it, as it belongs to the cell that runs: `stop` does, and so does
/// dropping the value. It ends with the kernel; `Run::state_file` keeps what it did.
///
/// ```
/// # use bullwhip::prelude::*;
/// # let economy = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::random(&economy, 3, 0.4, 10, 1);
/// # let truth = Priors::default().draw(&economy, 1);
/// # let observed = simulate(&economy, &truth, &shock, &Simulation::default())?.observe();
/// # let problem = Problem::new(&economy, &shock, &observed);
/// let svi = Svi { steps: 50, ..Svi::default() };
/// let running = Background::spawn(&problem, &svi, &Run::default())?;
/// println!("{}", running.status());
/// let posterior = running.wait()?;
/// assert_eq!(posterior.history.len(), 50);
/// # Ok::<(), Error>(())
/// ```
pub struct Background {
    shared: Arc<Shared>,
    begin: Instant,
}

struct Shared {
    problem: Problem,
    options: Box<dyn Options + Send + Sync>,
    run: Run,
    /// True once it should return what it has.
    stop: AtomicBool,
    news: Mutex<News>,
    changed: Condvar,
}

/// What the thread told last.
struct News {
    task: String,
    done: usize,
    total: usize,
    note: String,
    snapshot: Option<Snapshot>,
    /// What `Background::so_far` waits for: the state after a step.
    state: State,
    result: Option<Result<Posterior>>,
}

enum State {
    Idle,
    Wanted,
    There(Saved),
}

impl Shared {
    fn news(&self) -> MutexGuard<'_, News> {
        // Every change is complete in itself, so what a panic leaves can be read.
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Background {
    /// Calibrates `problem` on a thread of its own, as `calibrate` does, and returns at once. What cannot be calibrated
    /// is refused here; what goes wrong later is told by `wait`.
    pub fn spawn(problem: &Problem, method: impl Into<Method>, run: &Run) -> Result<Self> {
        let options = method.into().into_options();
        run.check()?;
        options.check()?;
        Self::start(problem, options, run)
    }

    fn start(
        problem: &Problem,
        options: Box<dyn Options + Send + Sync>,
        run: &Run,
    ) -> Result<Self> {
        problem.check()?;
        let shared = Arc::new(Shared {
            problem: problem.clone(),
            options,
            run: run.clone(),
            stop: AtomicBool::new(false),
            news: Mutex::new(News {
                task: "calibration".into(),
                done: 0,
                total: 0,
                note: String::new(),
                snapshot: None,
                state: State::Idle,
                result: None,
            }),
            changed: Condvar::new(),
        });
        let theirs = shared.clone();
        let body = move || {
            let mut reporter = Reporter {
                shared: theirs.clone(),
                rhythm: Rhythm::new(4.0),
            };
            let work = Work {
                problem: &theirs.problem,
                options: &*theirs.options,
                run: &theirs.run,
                from: None,
                asked: &|| theirs.stop.load(Ordering::SeqCst),
                see: &|fit, facts| {
                    let mut news = theirs.news();
                    if matches!(news.state, State::Wanted) {
                        news.state = State::There(Saved::of(fit, facts));
                        theirs.changed.notify_all();
                    }
                },
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| work.begin(&mut reporter)));
            let result = outcome.unwrap_or_else(|panic| Err(broken(&*panic)));
            theirs.news().result = Some(result);
            theirs.changed.notify_all();
        };
        std::thread::Builder::new()
            .name("calibration".into())
            .spawn(body)
            .map_err(|e| {
                Error::new(
                    "background calibration",
                    format!("no thread can be started: {e}"),
                    "end other work, or calibrate in the foreground",
                )
            })?;
        let begin = Instant::now();
        Ok(Self { shared, begin })
    }

    /// True once the result is there.
    pub fn is_over(&self) -> bool {
        self.shared.news().result.is_some()
    }

    /// Where it stands, in one line.
    pub fn status(&self) -> String {
        let news = self.shared.news();
        let steps = format!("{} of {}", news.done, news.total);
        match &news.result {
            Some(Ok(p)) => {
                let end = if p.stopped { "stopped" } else { "finished" };
                let warnings = warned(&p.warnings);
                format!(
                    "{}: {end} at {steps} after {}{warnings}",
                    news.task,
                    span(p.seconds)
                )
            }
            Some(Err(e)) => format!("{}: failed: {e}", news.task),
            None if news.done == 0 => format!("{}: getting ready", news.task),
            None => {
                let left = news.snapshot.as_ref().and_then(Snapshot::seconds_left);
                let left = left.map_or(String::new(), |s| format!(", {} left", span(s)));
                let asked = if self.shared.stop.load(Ordering::SeqCst) {
                    ", asked to stop"
                } else {
                    ""
                };
                let warnings = news.snapshot.as_ref().map(|s| warned(&s.warnings));
                format!(
                    "{}: running, {steps}, {}{left}{asked}{}",
                    news.task,
                    news.note,
                    warnings.unwrap_or_default()
                )
            }
        }
    }

    /// What it has: at most a quarter of a second old, or one step; none before the first step.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.shared.news().snapshot.clone()
    }

    /// The posterior as it stands after the step that is running, `stopped` unless that was the last; the
    /// calibration goes on and gives what it would have given. `Posterior::resume` goes on from it, too.
    ///
    /// Waits for that step, and simulates the posterior's draws on the caller's thread. The stop button
    /// ends the waiting with an error, and the drawing with fewer draws. An error as well where there is
    /// no draw yet, or where the calibration has failed.
    pub fn so_far(&self) -> Result<Posterior> {
        let interrupt = Interrupt::watch();
        let state = loop {
            let mut news = self.news_soon();
            if let Some(result) = news.result.clone() {
                return result;
            }
            match std::mem::replace(&mut news.state, State::Wanted) {
                State::There(saved) => {
                    news.state = State::Idle;
                    break saved;
                }
                _ if interrupt.asked() => {
                    news.state = State::Idle;
                    return Err(Error::new(
                        "background calibration",
                        "no step has ended before the stop button was pressed",
                        "ask again later; it goes on",
                    ));
                }
                _ => {}
            }
        };
        let seconds = self.begin.elapsed().as_secs_f64();
        let Shared {
            problem,
            options,
            run,
            ..
        } = &*self.shared;
        let asked = || interrupt.asked();
        let posterior = posterior_of(problem, &**options, run.seed, &state, &asked)?;
        Ok(Posterior {
            seconds,
            ..posterior
        })
    }

    /// Asks it to return what it has, and returns at once; `wait` has the result.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }

    /// Waits for the result, a copy. The stop button while it waits stops the calibration, which then
    /// returns what it has.
    pub fn wait(&self) -> Result<Posterior> {
        let interrupt = Interrupt::watch();
        loop {
            if let Some(result) = self.news_soon().result.clone() {
                return result;
            }
            if interrupt.asked() {
                self.stop();
            }
        }
    }

    /// Shows how it goes on, as `calibrate` would, until it is over. The stop button ends the
    /// watching only.
    pub fn watch(&self, progress: &mut dyn Watch) {
        let interrupt = Interrupt::watch();
        let (mut started, mut shown) = (false, 0);
        loop {
            let news = self.news_soon();
            let (task, total) = (news.task.clone(), news.total);
            let (done, note) = (news.done, news.note.clone());
            let snapshot = news.snapshot.clone();
            let end = news.result.as_ref().map(|r| r.as_ref().err().cloned());
            drop(news);
            if !started && (total > 0 || end.is_some()) {
                progress.start(&task, total);
                started = true;
            }
            if done > shown {
                progress.update(done, &note);
                shown = done;
            }
            let leave = interrupt.asked() || progress.stop();
            if let Some(snapshot) = snapshot
                && progress.watches()
                && (end.is_some() || leave || progress.wants_picture())
            {
                progress.picture(snapshot);
            }
            match end {
                Some(Some(error)) => return progress.fail(&error),
                Some(None) => return progress.finish(&note),
                None if leave => return progress.finish("it goes on in the background"),
                None => {}
            }
        }
    }

    /// What is new, after a twentieth of a second or as soon as it is over.
    fn news_soon(&self) -> MutexGuard<'_, News> {
        let news = self.shared.news();
        if news.result.is_some() {
            return news;
        }
        let wait = self
            .shared
            .changed
            .wait_timeout(news, Duration::from_millis(50));
        wait.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.status())
    }
}

/// The first warning, and how many there are.
fn warned(warnings: &[String]) -> String {
    match warnings {
        [] => String::new(),
        [one] => format!("; warning: {one}"),
        [first, ..] => format!("; {} warnings, the first: {first}", warnings.len()),
    }
}

fn broken(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    Error::new(
        "background calibration",
        format!("it broke off: {}", text.unwrap_or("no reason given")),
        "please report this",
    )
}

/// What the thread tells its progress to.
struct Reporter {
    shared: Arc<Shared>,
    rhythm: Rhythm,
}

impl Progress for Reporter {
    fn start(&mut self, task: &str, total: usize) {
        let mut news = self.shared.news();
        news.task = task.into();
        news.total = total;
    }

    fn update(&mut self, done: usize, note: &str) {
        let mut news = self.shared.news();
        news.done = done;
        news.note.clear();
        news.note.push_str(note);
    }

    fn finish(&mut self, note: &str) {
        self.shared.news().note = note.into();
    }

    fn fail(&mut self, _: &Error) {
        if let Some(snapshot) = &mut self.shared.news().snapshot {
            snapshot.phase = Phase::Failed;
        }
    }
}

impl Watch for Reporter {
    fn watches(&self) -> bool {
        true
    }

    fn wants_picture(&mut self) -> bool {
        self.rhythm.due()
    }

    fn picture(&mut self, snapshot: Snapshot) {
        self.shared.news().snapshot = Some(snapshot);
        self.rhythm.made(Duration::ZERO);
    }
}

#[cfg(test)]
mod tests;
