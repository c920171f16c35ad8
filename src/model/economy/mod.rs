//! One economy with any behaviour of its firms, period by period, in plain loops over rows of particles, with its
//! adjoint: the law of every behaviour, written once for all kinds of numbers.
//!
//! With one number in a row it is the reference; with L particles in a row it is the executor of what the kernels of
//! the default behaviour do not know. A period is cut where firms read of each other: what they produce
//! (`production`), what they deliver (`delivery`), what arrives and is ordered (`orders`), and what the next period
//! begins with (`close`). Each file has a phase and its adjoint.
//!
//! Stocks, orders and goods in transit are in units of the buyer's output (S / a, O / a, transit / a), so that an
//! input allows the mean of its links' stocks, weighted by their shares a / A in the input.

mod attribution;
mod close;
mod delivery;
mod layout;
mod numbers;
mod orders;
mod orders_adjoint;
mod plain;
mod production;
mod run;
mod single;
mod state;

pub(crate) use attribution::Attribution;
pub(crate) use layout::{Builder, Damage, DampedHit, Layout, NONE, Rebuild, Structure, inputs};
pub(crate) use numbers::{Each, Numbers};
pub(crate) use run::Run;
pub(crate) use state::{State, Work};
