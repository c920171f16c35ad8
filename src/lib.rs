//! How shocks travel through supply chains: a differentiable model, calibrated to production data.

pub mod error;
pub mod frame;
pub mod infer;
pub mod model;
pub mod network;
pub mod notebook;
pub mod observe;
pub mod plot;
pub mod prelude;
pub mod progress;
pub mod simulate;

pub use error::{Error, Result};
