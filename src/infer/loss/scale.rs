//! What is compared: levels, or indices.

use serde::{Deserialize, Serialize};

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scale {
    /// Levels, in units per period.
    #[default]
    Levels,
    /// Indices: every series, observed and simulated, is divided by its own mean over the periods
    /// `first..=last` (from 1), so that only its course matters and a wrong level does no harm. Missing
    /// cells are left out of both means. r is then the difference of the indices, 1 = base, and y0 is 1.
    Indices {
        /// First base period.
        first: usize,
        /// Last base period.
        last: usize,
    },
}
