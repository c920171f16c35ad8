//! The economics, in plain tensors: parameters, shocks and one period of the model.

mod deltas;
mod params;
mod shock;
mod step;

pub use params::Params;
pub use shock::{Event, Shock};
pub use step::Rule;
pub(crate) use step::{Economy, Hits};
