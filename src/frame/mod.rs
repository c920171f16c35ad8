//! DataFrames in and out: production indices of statistical agencies, and every result as a table.

mod calibration;
pub mod fetch;
mod prepare;
pub mod read;
pub mod schema;
mod write;

pub use prepare::{Alignment, align, distinct, month_lengths, months, rebase, select};
pub use read::{Columns, DateOrder, Decimal, Format, Guess, Index, ReadOptions, guess_format, read, read_with};
pub use write::{ToFrame, links_frame, network_from_frames};

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
