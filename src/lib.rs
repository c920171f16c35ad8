//! How shocks travel through supply chains: a differentiable model, calibrated to production data.
//!
//! A notebook begins with an economy, a shock and a run:
//!
//! ```
//! use bullwhip::prelude::*;
//!
//! let network = Network::synthetic(&opts!(Synthetic { firms: 200, regions: 4, sectors: 3 }))?;
//! let shock = shock! { network: region "R2" at 5 loses 60 % recovers 10 % }?;
//! let run = simulate(&network, &Params::usual(&network), &shock, &Simulation::default())?;
//! println!("{:.1} % of output is lost", 100.0 * run.loss_share());
//! println!("{}", run.losses(By::Region)?.to_markdown()?);
//! # Ok::<(), bullwhip::Error>(())
//! ```
//!
//! [`cookbook`] says how to do what is done often, [`prelude`] lists all that a notebook has.
//!
//! # How the library is made
//!
//! Data flow in one direction; a module uses only modules before it:
//!
//! ```text
//! network -> model ------------> engine -> simulate -> observe -> infer -> frame -> plot -> notebook
//!  table     the law, once, and   moves
//!            the plain loops      numbers
//! ```
//!
//! `table` reads input-output tables and makes networks of them. `equilibrium` has the yardsticks of economists, in
//! closed form on the same networks. `model` has the law: what a firm and a link do in a
//! period, with their adjoints, written once for one number, rows of them and devices; families of rules, a file a
//! member; and a whole run in plain loops, the oracle. `engine` moves numbers: plans, layouts, threads, lanes,
//! devices; of the model it knows the rules alone, and it has one door, over host arrays. burn and CubeCL are named only
//! there and where rules are stamped for devices, polars only in `frame`, `notebook::table` and `notebook::show`,
//! plotters only in `plot`, and only `notebook` prints (`tests/tidy.rs`). `progress` and `interrupt` serve all long calls:
//! the one shows how far they are, the other makes them return what they have; `files` writes files that are whole or
//! absent, `memory` holds what work will take against what is free, `workbook` reads those of spreadsheets within bounds.
//!
//! | symbol in the paper | here |
//! |---|---|
//! | A_ij | `Network::coefficient` of the link from buyer i to supplier j |
//! | d_i, x0_i | `Network::final_demand`, `Network::output` |
//! | n_i, τ_i | `Params::target_inventory`, `Params::adjustment_time` |
//! | t*, δ, λ | `Event::start`, `severity`, `recovery_rate` |
//! | x, D, O, S | `Trajectory::output`, `demand`, `orders`, `inventory` |

pub mod cookbook;
mod engine;
pub mod equilibrium;
pub mod error;
mod files;
pub mod frame;
pub mod infer;
pub mod interrupt;
mod memory;
pub mod model;
pub mod network;
pub mod notebook;
mod number;
pub mod observe;
pub mod plot;
pub mod prelude;
pub mod progress;
pub mod simulate;
pub mod study;
pub mod table;
pub mod upstream;
mod workbook;

#[cfg(feature = "cuda-source")]
pub use engine::{CudaSource, cuda_sources};
#[cfg(feature = "serve")]
pub use engine::{Serve, Server};
pub use error::{Error, Result};

#[cfg(all(
    feature = "cube",
    not(any(feature = "wgpu", feature = "cuda", feature = "rocm"))
))]
compile_error!("the feature `cube` is what `wgpu`, `cuda` and `rocm` share: enable one of these");

/// The README, whose example is run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
