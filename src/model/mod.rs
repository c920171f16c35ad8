//! The law: what firms and links do in a period, parameters, shocks. Nothing here knows of arrays, threads or devices.

#[macro_use]
mod local;
#[macro_use]
pub(crate) mod parameter;
mod deltas;
#[cfg(test)]
mod laws;
mod params;
mod path;
pub(crate) mod period;
pub(crate) mod production;
pub(crate) mod rationing;
pub(crate) mod recovery;
pub(crate) mod reference;
mod shock;

pub use parameter::{Bounds, ByParameter, Domain, Parameter};
pub use params::Params;
pub(crate) use path::{Paths, places};
pub use production::Production;
pub use rationing::Rationing;
pub use recovery::Recovery;
pub use shock::{Event, Shock};

/// How firms behave: the chosen member of each family. The default is the model of Hamid et al. (2025).
///
/// ```
/// use bullwhip::prelude::*;
///
/// let model = Model { production: Production::Paper, ..Model::default() };
/// let simulation = Simulation { model, ..Simulation::default() };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Model {
    /// How capacity and the inputs in stock limit output.
    pub production: Production,
    /// Who gets how much where a supplier cannot serve everybody.
    pub rationing: Rationing,
}
