//! The law: what firms and links do in a period, parameters, shocks. Nothing here knows of arrays, threads or devices.

#[macro_use]
mod local;
#[macro_use]
pub(crate) mod parameter;
mod behaviour;
mod compose;
mod deltas;
pub(crate) mod economy;
#[cfg(test)]
mod laws;
pub(crate) mod offer;
mod params;
mod path;
pub(crate) mod period;
pub(crate) mod production;
pub(crate) mod recovery;
mod shock;

pub(crate) use behaviour::Kernel;
pub use behaviour::{
    Combination, Division, Gap, Model, Need, Overproduction, Rationing, StockSeen, StockTarget,
    Substitution,
};
pub(crate) use offer::Offer;
pub use parameter::{Bounds, ByParameter, Domain, Parameter};
pub use params::Params;
pub(crate) use path::{PathValues, Paths, row};
pub use production::Production;
pub use recovery::Recovery;
pub use shock::{Cells, DemandEvent, Event, LinkEvent, Rebuilding, Shock};
