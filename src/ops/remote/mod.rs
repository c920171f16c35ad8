//! The simulation on a device of another machine: the operation and its gradient are sent to a server
//! of this library, through burn's remote backend.
//!
//! A loss with its gradient takes two answers of the server, so twice the latency: the panel comes back,
//! its gradient goes out, the gradients of the parameters come back. All else is sent without waiting.
//! What stays fixed, the plan, is sent once and stays with the server.

mod client;
mod connect;
#[cfg(feature = "serve")]
mod serve;
mod wire;

pub(super) use client::OnServers;
pub(super) use connect::{address, connect, list, open};
#[cfg(feature = "serve")]
pub use serve::{Serve, Server};
