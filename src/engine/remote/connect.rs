//! Devices of other machines: connecting to them, and those that are connected.

use super::client::hello;
use super::token;
use super::wire::{FULL, VERSION};
use crate::engine::device::{Device, DeviceInfo, Opened};
use crate::error::{Error, Result};
use burn::backend::ops::FloatTensorOps;
use burn::backend::{DispatchDevice, Remote};
use burn::remote::{ConnectError, EndpointId, IrohHost, IrohRelays, RemoteHost};
use burn::tensor::{Device as TensorDevice, try_read_sync};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A device that is connected.
#[derive(Clone)]
struct Connected {
    address: String,
    tensors: TensorDevice,
    /// What it calls itself.
    name: String,
}

/// All of this process, in the order in which they were connected: `Device::Remote` counts them.
fn connected() -> MutexGuard<'static, Vec<Connected>> {
    static ALL: Mutex<Vec<Connected>> = Mutex::new(Vec::new());
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(in crate::engine) fn connect(address: &str, token: &str) -> Result<Device> {
    let token = token::find(token)?;
    let (server, secret) = read_token(&token)?;
    let addresses = resolve(address)?;
    let mut host = IrohHost::new(server).with_relays(IrohRelays::Disabled);
    for one in addresses {
        host = host.with_address(one);
    }
    let host = RemoteHost::iroh(host).with_credential(secret);
    let opened = TensorDevice::remote_options(&host).init();
    let tensors = opened.map_err(|e| refused(address, &e))?;
    let mut all = connected();
    if let Some(n) = all.iter().position(|c| c.tensors == tensors) {
        return Ok(Device::Remote(n));
    }
    let name = greet(address, &tensors)?;
    all.push(Connected {
        address: address.into(),
        tensors,
        name,
    });
    Ok(Device::Remote(all.len() - 1))
}

/// Asks a server for its version and the name of its device.
fn greet(address: &str, tensors: &TensorDevice) -> Result<String> {
    let DispatchDevice::Remote(remote) = tensors.as_dispatch() else {
        unreachable!("it was opened as a remote device");
    };
    let answer = try_read_sync(Remote::float_into_data(hello(remote)));
    let strange = |fact: String| {
        Error::new(
            "connect",
            fact,
            "start `bullwhip-kernel serve` there, of the same version as here",
        )
    };
    let answer = match answer {
        Some(Ok(data)) => data,
        Some(Err(e)) => {
            return Err(strange(format!(
                "what answers at {address} is no bullwhip: {e}"
            )));
        }
        None => return Err(strange(format!("{address} does not answer"))),
    };
    let text: String = answer
        .iter::<f32>()
        .filter_map(|c| char::from_u32(c as u32))
        .take_while(|c| *c != '\0')
        .collect();
    match text.split_once('\n') {
        Some((VERSION, name)) => Ok(name.into()),
        Some((version, _)) => Err(strange(format!(
            "the server at {address} is bullwhip {version}, this is {VERSION}"
        ))),
        None => Err(strange(format!("what answers at {address} is no bullwhip"))),
    }
}

/// The server's key and the secret of a token.
fn read_token(token: &str) -> Result<(EndpointId, &str)> {
    let parts = token.trim().split_once('-');
    let read = parts.and_then(|(server, secret)| Some((server.parse().ok()?, secret)));
    read.filter(|(_, secret): &(EndpointId, &str)| !secret.is_empty())
        .ok_or_else(|| {
            let length = token.chars().count();
            Error::new(
                "connect",
                format!("the token, of {length} characters, is none"),
                "give the one that `bullwhip-kernel serve` prints, whole; or \"\", and keep it in a file",
            )
        })
}

/// All addresses of a host and port.
fn resolve(address: &str) -> Result<Vec<SocketAddr>> {
    let wrong =
        |fact: String| Error::new("connect", fact, "give host and port, such as 10.0.0.5:7788");
    let found = address
        .to_socket_addrs()
        .map_err(|e| wrong(format!("\"{address}\" is no address: {e}")))?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() {
        return Err(wrong(format!("\"{address}\" has no address")));
    }
    Ok(found)
}

fn refused(address: &str, error: &ConnectError) -> Error {
    let (fact, remedy) = match error {
        ConnectError::NoSuchDevice { device_count } if *device_count == FULL as usize => (
            "serves as many clients as it may".into(),
            "wait until one of them has ended, or let it be served with more `--clients`".into(),
        ),
        ConnectError::Unauthorized => (
            "refuses the token".into(),
            "give the one that it prints now".into(),
        ),
        ConnectError::Unreachable { reason } => (
            format!("does not answer as the server of this token: {reason}"),
            "see whether the server runs, whether its UDP port is open, and whether the token is its".into(),
        ),
        ConnectError::IncompatibleProtocol { .. } | ConnectError::Handshake { .. } => (
            format!("answers what is not understood: {error}"),
            "use the same version of bullwhip on both sides".into(),
        ),
        other => (
            format!("cannot be reached: {other}"),
            String::from("see whether the server runs, and whether its UDP port is open"),
        ),
    };
    Error::new("connect", format!("{address} {fact}"), remedy)
}

/// What is connected.
pub(in crate::engine) fn list() -> Vec<DeviceInfo> {
    let info = |(n, c): (usize, &Connected)| DeviceInfo {
        device: Device::Remote(n),
        name: format!("{} at {}", c.name, c.address),
        software: false,
    };
    connected().iter().enumerate().map(info).collect()
}

/// The address of a connected device.
pub(in crate::engine) fn address(n: usize) -> Option<String> {
    connected().get(n).map(|c| c.address.clone())
}

pub(in crate::engine) fn open(n: usize) -> Result<Opened> {
    match connected().get(n) {
        Some(found) => Ok(Opened {
            tensors: found.tensors.clone(),
            name: format!("{} at {}", found.name, found.address),
        }),
        None => Err(Error::new(
            "simulation.device",
            format!("there is no connected device {n}"),
            "take what connect(address, token) returns",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_address_or_a_token_is_a_sentence() {
        for token in ["abc", "abc-def", "-"] {
            let said = connect("127.0.0.1:1", token)
                .expect_err("no token")
                .to_string();
            assert!(said.contains("is none"), "{said}");
        }
        for address in ["", "localhost", "localhost:x", "10.0.0.1:99999"] {
            let said = resolve(address).expect_err("no address").to_string();
            assert!(said.contains("is no address"), "{said}");
        }
    }
}
