//! The simulation on a device of another machine: the operation and its gradient are sent to a server
//! of this library, through burn's remote backend.
//!
//! A loss with its gradient takes two answers of the server, so twice the latency: the panel comes back,
//! its gradient goes out, the gradients of the parameters come back. All else is sent without waiting.
//! What stays fixed, the plan, is sent once and stays with the server.
//!
//! The client is burn's, the server is our own. What would have to change in burn-remote 0.22.1 for its server to do:
//! - `recv_frame` takes a frame of up to 1 GiB before anybody is asked for a token, and all at once: 8 connections that
//!   announce 1 GiB each and send 200 MB hold 1.7 GB of the server;
//! - no greeting has a time limit, and no client a limit of streams or memory;
//! - `TensorInterpreter` does every operation of burn, in any size: `Tensor::zeros` of 4 TB ends the server for all;
//! - of a connection that a server closes, its client tells "connection lost" and not the server's reason.

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

pub(super) use client::refused;
pub(super) use connect::{address, connect, list, open};
#[cfg(feature = "serve")]
pub use serve::{Serve, Server};
pub(super) use wire::REFUSED;
