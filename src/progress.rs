//! How long work tells how far it is, and is asked to stop.

/// Receives the progress of one long call. `()` is silent.
pub trait Progress {
    /// The work `task` begins; it has `total` steps.
    fn start(&mut self, _task: &str, _total: usize) {}
    /// `done` steps are finished; `note` is a short figure such as the current loss.
    fn update(&mut self, _done: usize, _note: &str) {}
    /// The work is over.
    fn finish(&mut self, _note: &str) {}
    /// Asked between steps: `true` makes the call return what it has.
    fn stop(&self) -> bool {
        false
    }
}

impl Progress for () {}
