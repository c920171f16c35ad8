//! DataFrames in and out: production indices of statistical agencies, and every result as a table.

mod calibration;
mod disk;
mod edges;
mod posterior;
mod prepare;
pub mod read;
mod results;
pub mod schema;
mod store;
mod tables;
mod write;

pub use edges::{NetworkFiles, network_from_frames, read_network};
pub use prepare::{Alignment, align, distinct, month_lengths, months, rebase, select};
pub use read::{Format, Index, ReadOptions, read};
pub use store::{About, Files, Loaded, Pack, Stored, load};
pub use tables::multipliers_frame;
pub use write::{ToFrame, links_frame};

use crate::error::Error;
use polars::prelude::PolarsError;

impl From<PolarsError> for Error {
    fn from(error: PolarsError) -> Self {
        Error::new(
            "DataFrame",
            error.to_string(),
            "see the column names in bullwhip::frame::schema",
        )
    }
}
