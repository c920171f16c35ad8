//! Calibrations on a thread of their own: later cells look at them, stop them, or wait for them.

use super::calibrate::{Options, Search};
use super::snapshot::span;
use super::state::Saved;
use super::{Abc, Phase, Posterior, Problem, RandomWalk, Smc, Snapshot, Svi, calibrate};
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
/// dropping the value. It ends with the kernel; `state_file` keeps what it did.
///
/// ```
/// # use bullwhip::prelude::*;
/// # let economy = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::random(&economy, 3, 0.4, 10, 1);
/// # let truth = Priors::default().draw(&economy, 1);
/// # let observed = simulate(&economy, &truth, &shock, &Simulation::default())?.observe();
/// # let problem = Problem::new(&economy, &shock, &observed);
/// let running = Svi { steps: 50, ..Svi::default() }.spawn(&problem)?;
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

macro_rules! spawn {
    ($($options:ty),+) => {$(
        impl $options {
            /// Calibrates `problem` on a thread of its own and returns at once. What cannot be calibrated
            /// is refused here; what goes wrong later is told by `Background::wait`.
            pub fn spawn(&self, problem: &Problem) -> Result<Background> {
                self.check()?;
                Background::start(problem, Box::new(self.clone()))
            }
        }
    )+};
}

spawn!(Svi, Abc, Smc, RandomWalk);

impl Background {
    fn start(problem: &Problem, options: Box<dyn Options + Send + Sync>) -> Result<Self> {
        problem.check()?;
        let shared = Arc::new(Shared {
            problem: problem.clone(),
            options,
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
            let (problem, options) = (&theirs.problem, &*theirs.options);
            let asked = || theirs.stop.load(Ordering::SeqCst);
            let see = |search: &dyn Search| {
                let mut news = theirs.news();
                if matches!(news.state, State::Wanted) {
                    news.state = State::There(search.saved());
                    theirs.changed.notify_all();
                }
            };
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                calibrate::run_seen(problem, options, None, &mut reporter, &asked, &see)
            }));
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
            problem, options, ..
        } = &*self.shared;
        let asked = || interrupt.asked();
        let posterior = calibrate::posterior_of(problem, &**options, state, &asked)?;
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
    pub fn watch(&self, progress: &mut dyn Progress) {
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

    fn finish(&mut self, note: &str) {
        self.shared.news().note = note.into();
    }

    fn fail(&mut self, _: &Error) {
        if let Some(snapshot) = &mut self.shared.news().snapshot {
            snapshot.phase = Phase::Failed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::objective::Objective;
    use crate::model::{Params, Shock};
    use crate::network::{Network, Synthetic};
    use crate::simulate::{Simulation, simulate};

    fn problem() -> Problem {
        let network = Network::synthetic(&Synthetic {
            firms: 30,
            ..Synthetic::default()
        })
        .expect("an economy");
        let shock = Shock::random(&network, 3, 0.4, 10, 1);
        let truth = Params::uniform(&network, 1.7, 5.0);
        let run = simulate(&network, &truth, &shock, &Simulation::default()).expect("a run");
        Problem::new(&network, &shock, &run.observe())
    }

    fn endless() -> Svi {
        Svi {
            steps: usize::MAX,
            early_stop: None,
            ..Svi::default()
        }
    }

    /// Waits until something is true, without a guess how long it takes.
    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !holds() {
            assert!(begin.elapsed() < Duration::from_secs(120), "never {what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_gives_what_the_foreground_gives() {
        let problem = problem();
        let options = Svi {
            steps: 20,
            ..Svi::default()
        };
        let fit = options.spawn(&problem).expect("a thread");
        let (there, again) = (fit.wait().expect("a result"), fit.wait().expect("a copy"));
        let here = crate::infer::calibrate(&problem, &options, &mut ()).expect("a result");
        assert_eq!(there.history, here.history);
        assert_eq!(there.parameters[1].samples, here.parameters[1].samples);
        assert_eq!(again.history, here.history);
        assert!(fit.is_over());
        let status = fit.status();
        assert!(
            status.starts_with("variational inference: finished at 20 of 20 after"),
            "{status}"
        );
        let last = fit.snapshot().expect("the last picture");
        assert_eq!((last.phase, last.done), (Phase::Finished, 20));
        let abc = Abc {
            draws: 100,
            keep: 10,
            ..Abc::default()
        };
        let fit = abc.spawn(&problem).expect("a thread");
        assert_eq!(fit.wait().expect("a result").evaluations, 100);
    }

    #[test]
    fn it_is_looked_at_and_stopped() {
        let fit = endless().spawn(&problem()).expect("a thread");
        until("running", || fit.status().contains("running"));
        until("a picture", || fit.snapshot().is_some());
        assert!(!fit.is_over());
        // Watching ends when it is asked to, and leaves the fit alone.
        struct Glance(Vec<String>);
        impl Progress for Glance {
            fn update(&mut self, _: usize, note: &str) {
                self.0.push(note.into());
            }
            fn finish(&mut self, note: &str) {
                self.0.push(note.into());
            }
            fn stop(&self) -> bool {
                !self.0.is_empty()
            }
        }
        let mut glance = Glance(Vec::new());
        fit.watch(&mut glance);
        assert!(glance.0[0].contains("loss"));
        assert_eq!(glance.0[1], "it goes on in the background");
        assert!(!fit.is_over());
        fit.stop();
        let posterior = fit.wait().expect("what it has");
        assert!(posterior.stopped && !posterior.history.is_empty());
        assert!(fit.status().contains("stopped at"), "{}", fit.status());
    }

    /// Stops a calibration after so many steps.
    struct Limit(usize);

    impl Progress for Limit {
        fn update(&mut self, _: usize, _: &str) {
            self.0 -= 1;
        }
        fn stop(&self) -> bool {
            self.0 == 0
        }
    }

    #[test]
    fn it_is_asked_for_its_posterior_and_goes_on() {
        let problem = problem();
        let fit = endless().spawn(&problem).expect("a thread");
        let (first, second) = (fit.so_far().expect("one"), fit.so_far().expect("another"));
        assert!(!fit.is_over());
        assert!(first.stopped && second.history.len() > first.history.len());
        fit.stop();
        let last = fit.wait().expect("what it has");
        assert_eq!(
            last.history[..second.history.len()],
            second.history,
            "asking changes nothing"
        );
        // It is what a calibration that is stopped there gives, and can be gone on from.
        let steps = first.history.len();
        let mut limit = Limit(steps);
        let alone = crate::infer::calibrate(&problem, &endless(), &mut limit).expect("a result");
        assert_eq!(first.history, alone.history);
        let (learnt, there) = (&first.parameters[0], &alone.parameters[0]);
        assert_eq!(
            (&learnt.location, &learnt.scale),
            (&there.location, &there.scale)
        );
        // One that is stopped draws less.
        assert!(first.draws == endless().draws && alone.draws <= first.draws);
        assert_eq!(learnt.samples[..there.samples.len()], there.samples);
        let more = first.resume(&problem, &endless(), &mut Limit(1));
        assert_eq!(more.expect("a result").history, last.history[..steps + 1]);
        // Once it is over, the result.
        assert_eq!(fit.so_far().expect("the end").history, last.history);
    }

    #[test]
    fn every_method_has_a_posterior_so_far() {
        let problem = problem();
        let draws = 1_000_000_000;
        let abc = Abc {
            draws,
            keep: 10,
            ..Abc::default()
        };
        let smc = Smc {
            evaluations: draws,
            ..Smc::default()
        };
        let walk = RandomWalk {
            evaluations: draws,
            ..RandomWalk::default()
        };
        for fit in [
            abc.spawn(&problem),
            smc.spawn(&problem),
            walk.spawn(&problem),
        ] {
            let fit = fit.expect("a thread");
            let part = fit.so_far().expect("a posterior");
            assert!(
                !fit.is_over() && part.stopped && part.draws > 0,
                "{}",
                part.method
            );
            assert_eq!(
                part.evaluations,
                part.history.last().expect("a step").evaluations
            );
            fit.stop();
            let end = fit.wait().expect("what it has");
            assert_eq!(
                end.history[..part.history.len()],
                part.history,
                "{}",
                part.method
            );
        }
    }

    #[test]
    fn dropping_it_ends_the_thread() {
        let fit = endless().spawn(&problem()).expect("a thread");
        until("running", || fit.status().contains("running"));
        let shared = Arc::downgrade(&fit.shared);
        drop(fit);
        until("over", || shared.upgrade().is_none());
    }

    /// A method that breaks off.
    struct Falls;

    impl Options for Falls {
        fn frame(&self) -> calibrate::Frame<'_> {
            unreachable!("it does not get there")
        }
        fn check(&self) -> Result<()> {
            panic!("the thread fell")
        }
        fn holds(&self, _: &Objective) -> Vec<(&'static str, &'static str, f64)> {
            unreachable!("it does not get there")
        }
        fn start(&self, _: &Objective) -> Result<Box<dyn Search + '_>> {
            unreachable!("it does not get there")
        }
    }

    #[test]
    fn what_goes_wrong_is_told_by_waiting() {
        let problem = problem();
        let fit = Background::start(&problem, Box::new(Falls)).expect("one");
        let told = "background calibration: it broke off: the thread fell; please report this";
        assert_eq!(fit.wait().expect_err("a panic").to_string(), told);
        assert_eq!(fit.so_far().expect_err("a panic").to_string(), told);
        let wild = Svi {
            initial_scale: 1e200,
            steps: 2,
            ..Svi::default()
        };
        let fit = wild.spawn(&problem).expect("a thread");
        assert!(
            fit.wait()
                .expect_err("no loss")
                .fact
                .contains("no particle")
        );
        assert!(fit.status().contains("failed: calibration: no particle"));
        // What can be seen at once is refused at once.
        let none = Svi {
            steps: 0,
            ..Svi::default()
        };
        assert!(none.spawn(&problem).is_err());
        let mut odd = problem.clone();
        odd.noise = -1.0;
        assert!(Abc::default().spawn(&odd).is_err());
    }
}
