//! The methods of inference, a file each.

pub(super) mod abc;
pub(super) mod random_walk;
pub(super) mod smc;
pub(super) mod svi;

pub use abc::{Abc, calibrate_abc};
pub use random_walk::{RandomWalk, calibrate_walk};
pub use smc::{Smc, calibrate_smc};
pub use svi::{EarlyStop, Estimator, Svi, calibrate};
