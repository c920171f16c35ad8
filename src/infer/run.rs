//! What all calibrations share: the seed, the time, and the file that keeps the state.

use crate::error::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;

/// Options of a calibration that do not depend on its method.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let run = Run { seed: 3, max_seconds: Some(60.0), ..Run::default() };
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Seed; the same problem, method and seed give the same result.
    pub seed: u64,
    /// Make no more steps after this many seconds of this call; the posterior's draws come on top. `None` sets no limit.
    pub max_seconds: Option<f64>,
    /// A file that keeps the state of the fit, in the safetensors format. It is written at the start, every
    /// `save_seconds`, and after the last step. Where it exists, the fit goes on from it, to the same numbers as if it
    /// had not stopped; the method's number of steps counts all steps. A file of another problem, of another seed or
    /// of other options of the method (but for how long it goes on, and how many draws a guide gives) is refused.
    pub state_file: Option<PathBuf>,
    /// Seconds between two writings of `state_file`.
    pub save_seconds: f64,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            seed: 0,
            max_seconds: None,
            state_file: None,
            save_seconds: 30.0,
        }
    }
}

impl Run {
    /// Refuses what is no time between two writings.
    pub(super) fn check(&self) -> Result<()> {
        if Duration::try_from_secs_f64(self.save_seconds).is_ok() {
            return Ok(());
        }
        Err(Error::new(
            "run.save_seconds",
            format!("it is {}", self.save_seconds),
            "give a number of seconds of at least 0, such as 30",
        ))
    }
}
