//! Who watches a calibration: progress, and pictures of what the fit has.

use super::Snapshot;
use crate::progress::Progress;

/// Receives the progress of a calibration, and pictures of it where it wants any. `()` is silent and blind.
///
/// What only counts steps needs one line beside its `Progress`: `impl Watch for Counter {}`.
pub trait Watch: Progress {
    /// Asked before the first step: `false` spares the work of keeping what a picture would show.
    fn watches(&self) -> bool {
        false
    }
    /// Asked after every step of a fit that is watched: `true` where a picture is wanted now.
    fn wants_picture(&mut self) -> bool {
        false
    }
    /// What the fit has: when it was wanted, and once more at the end.
    fn picture(&mut self, _snapshot: Snapshot) {}
}

impl Watch for () {}
