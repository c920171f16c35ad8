//! DataFrames in and out: production indices of statistical agencies, and every result as a table.

mod align;
mod assumptions;
mod blocks;
mod calibration;
mod describe;
mod disk;
mod edges;
mod equilibrium;
mod export;
pub mod fetch;
mod missing;
mod onset;
mod pages;
mod posterior;
mod prepare;
pub mod read;
mod results;
mod scenario;
pub mod schema;
mod season;
mod series;
mod store;
mod study;
mod synthetic;
mod tables;
mod write;
mod zarr;

pub use align::{Alignment, Calendar, Period, Spread, align, align_to, month_lengths};
pub use describe::{ColumnFacts, Describe, Description, IndexFacts};
pub use edges::{NetworkColumns, NetworkFiles, network_from_frames, read_network};
pub use export::{Tables, Value, Values, table_of};
pub use fetch::{Fetch, Reuse, Source, eurostat, fred};
pub use missing::{Missing, fill};
pub use onset::{Onset, shock_month};
pub use prepare::{distinct, months, rebase, select};
pub use read::{
    Columns, DateOrder, Decimal, Format, Guess, Index, ReadOptions, guess_format, read, read_with,
};
pub use season::seasonal_adjust;
pub use series::{IndexSeries, index_series};
pub use store::{About, Files, Loaded, Pack, Stored, load};
pub use study::beside;
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
