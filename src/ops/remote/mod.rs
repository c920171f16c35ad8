//! The simulation on a device of another machine: the operation and its gradient are sent to a server
//! of this library, through burn's remote backend.
//!
//! A loss with its gradient takes two answers of the server, so twice the latency: the panel comes back,
//! its gradient goes out, the gradients of the parameters come back. All else is sent without waiting.
//! What stays fixed, the plan, is sent once and stays with the server.
//!
//! The client is burn's, the server is not: that of burn-remote 0.22 reads a first message of up to 1 GiB from anybody,
//! waits for it for ever, does all operations of burn for whoever has the token, and ends for all clients where one asks
//! for more memory than there is.

#[cfg(feature = "serve")]
mod allowed;
#[cfg(feature = "serve")]
mod budget;
mod client;
mod connect;
#[cfg(feature = "serve")]
mod door;
#[cfg(feature = "serve")]
mod operations;
#[cfg(feature = "serve")]
mod protocol;
#[cfg(feature = "serve")]
mod serve;
#[cfg(feature = "serve")]
mod session;
mod token;
mod wire;

pub(super) use client::OnServers;
pub(super) use connect::{address, connect, list, open};
#[cfg(feature = "serve")]
pub use serve::{Serve, Server};
pub(super) use wire::REFUSED;
