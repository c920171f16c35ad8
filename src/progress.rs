//! How long work tells how far it is, and is asked to stop.

use crate::error::Error;
use crate::interrupt::Interrupt;
use std::time::{Duration, Instant};

/// Receives the progress of one long call. `()` is silent.
pub trait Progress {
    /// The work `task` begins; it has `total` steps.
    fn start(&mut self, _task: &str, _total: usize) {}
    /// `done` steps are finished; `note` is a short figure such as the current loss.
    fn update(&mut self, _done: usize, _note: &str) {}
    /// The work is over.
    fn finish(&mut self, _note: &str) {}
    /// The work is over, without a result.
    fn fail(&mut self, error: &Error) {
        self.finish(&error.to_string());
    }
    /// Asked between steps: `true` makes the call return what it has.
    fn stop(&self) -> bool {
        false
    }
}

impl Progress for () {}

/// A progress that also stops where the stop button or Ctrl-C asks it to.
pub(crate) struct Stoppable<'a> {
    inner: &'a mut dyn Progress,
    interrupt: Interrupt,
}

impl<'a> Stoppable<'a> {
    pub(crate) fn new(inner: &'a mut dyn Progress) -> Self {
        Self {
            inner,
            interrupt: Interrupt::watch(),
        }
    }
}

impl Progress for Stoppable<'_> {
    fn start(&mut self, task: &str, total: usize) {
        self.inner.start(task, total);
    }
    fn update(&mut self, done: usize, note: &str) {
        self.inner.update(done, note);
    }
    fn finish(&mut self, note: &str) {
        self.inner.finish(note);
    }
    fn fail(&mut self, error: &Error) {
        self.inner.fail(error);
    }
    fn stop(&self) -> bool {
        self.inner.stop() || self.interrupt.asked()
    }
}

/// When pictures are wanted: some times a second, and so seldom that making them stays cheap.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    every: Duration,
    asked: Instant,
    next: Instant,
}

impl Rhythm {
    pub(crate) fn new(per_second: f64) -> Self {
        let now = Instant::now();
        Self {
            // Anything that is no rate means once a second.
            every: Duration::try_from_secs_f64(1.0 / per_second)
                .unwrap_or(Duration::from_secs(1))
                .min(Duration::from_secs(3600)),
            asked: now,
            next: now,
        }
    }

    /// True when the time has come; the picture is then made at once.
    pub(crate) fn due(&mut self) -> bool {
        self.asked = Instant::now();
        self.asked >= self.next
    }

    /// The picture was made, and what is done with it takes `cost` of the machine's time. Both
    /// together take at most a fiftieth.
    pub(crate) fn made(&mut self, cost: Duration) {
        let spent = self.asked.elapsed() + cost;
        self.next = Instant::now() + self.every.max(50 * spent);
    }
}
