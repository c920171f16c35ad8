//! What studies repeat: who loses, bands of what is predicted, policies side by side, grids of scenarios.

mod band;
mod grid;
mod losses;
mod means;
mod policies;
mod reading;
mod scenarios;
mod words;

pub use band::{Band, Of};
pub use grid::{Coordinate, Grid};
pub use losses::{By, Loss, Losses};
pub use policies::{Policies, Tried, compare_policies};
pub use scenarios::{Scenarios, World, scenarios_with, simulate_all};
