//! What a notebook cell links: bullwhip and the crates it speaks with, as one shared library.

pub use bullwhip::*;
pub use {burn, plotters, polars, rand, rayon};
