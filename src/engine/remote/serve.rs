//! The server: its key and token, its limits, and its port.

use super::door::{Door, digest, limits};
use super::operations::Shelf;
use super::protocol::ALPN;
use super::token;
use crate::engine::adjoint::Passes;
use crate::engine::device::{Device, Opened};
use crate::error::{Error, Result};
use crate::memory::available;
use burn::backend::{DispatchDevice, Flex};
use burn::remote::IrohIdentity;
use burn_ir::BackendIr;
use iroh::endpoint::{BindOpts, presets};
use iroh::{Endpoint, RelayMode, SecretKey};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::signal;

/// What is served, how, and how much of it.
///
/// Who has the token may have the operations of this library done on the device, and hold as much memory as
/// [`memory`](Self::memory) allows; nothing else of this machine is reached, no file and no command. What a client asks
/// for beyond that is refused, in its own results; other clients go on. Who does not have the token has a few kilobytes
/// for ten seconds.
#[derive(Clone, Debug)]
pub struct Serve {
    /// The device.
    pub device: Device,
    /// UDP port that clients connect to.
    pub port: u16,
    /// File of the server's key, made if it is not there. Who has it can pose as the server; without it
    /// the server gets another token.
    pub key: PathBuf,
    /// File that the token is written to, readable by its user alone.
    pub token_file: Option<PathBuf>,
    /// GB of memory that one client may hold at a time. If not given: on the CPU half of what is free when the server
    /// starts, on a GPU as much as it has.
    pub memory: Option<f64>,
    /// Clients that are served at a time.
    pub clients: usize,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            device: Device::Auto,
            port: 7788,
            key: token::folder().join("server.key"),
            token_file: None,
            memory: None,
            clients: 16,
        }
    }
}

/// A server that is about to serve.
#[derive(Debug)]
pub struct Server {
    /// What lets clients in.
    pub token: String,
    /// What its device calls itself.
    pub device: String,
    /// UDP port.
    pub port: u16,
    identity: IrohIdentity,
    secret: String,
    opened: Opened,
    memory: f64,
    clients: usize,
}

impl Serve {
    /// Opens the device, reads or makes the key, and writes the token where that is asked for.
    pub fn open(&self) -> Result<Server> {
        if self.clients == 0 {
            return Err(Error::new("serve.clients", "0 clients", "serve at least 1"));
        }
        if let Some(memory) = self.memory.filter(|m| !(*m > 0.0)) {
            let fact = format!("{memory} GB for a client");
            return Err(Error::new("serve.memory", fact, "give more than 0"));
        }
        let opened = self.device.open(false)?;
        let file = |e: std::io::Error| {
            Error::new(
                "serve.key",
                format!("{}: {e}", self.key.display()),
                "give a file that you may write, or the key of a server",
            )
        };
        token::folder_of(&self.key).map_err(file)?;
        let identity = IrohIdentity::load_or_create(&self.key).map_err(file)?;
        token::private(&self.key, "serve.key")?;
        let digest = Sha256::new()
            .chain_update(b"bullwhip token")
            .chain_update(identity.to_bytes())
            .finalize();
        let secret: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        let token = format!("{}-{secret}", identity.id());
        if let Some(path) = &self.token_file {
            token::write(path, &token)?;
        }
        let most = match self.memory {
            Some(memory) => memory * 1e9,
            None if opened.is_cpu() => available() as f64 / 2.0,
            None => f64::INFINITY,
        };
        Ok(Server {
            token,
            device: opened.name.clone(),
            port: self.port,
            identity,
            secret,
            opened,
            memory: most,
            clients: self.clients,
        })
    }
}

impl Server {
    /// Serves until Ctrl-C or SIGTERM. Only clients with the token are let in, and all that travels is
    /// encrypted; no relay and no directory of others is asked.
    pub fn run(self) -> Result<()> {
        let device = self.opened.tensors.clone();
        match device.as_dispatch() {
            DispatchDevice::Flex(device) => self.serve::<Flex>(*device),
            #[cfg(feature = "cube")]
            DispatchDevice::Cube(device) => self.serve::<burn::backend::Cube>(device.clone()),
            _ => Err(Error::new(
                "serve.device",
                format!("{} is another machine's", self.device),
                "serve it there",
            )),
        }
    }

    fn serve<B: Passes + BackendIr>(&self, device: B::Device) -> Result<()> {
        let door = Arc::new(Door::<B> {
            device,
            shelf: Arc::new(Shelf::new(&self.device)),
            digest: digest(self.secret.as_bytes()),
            clients: self.clients,
            memory: self.memory,
            host: self.opened.is_cpu(),
            waiting: Mutex::default(),
            inside: Default::default(),
        });
        let failed =
            |e: std::io::Error| Error::new("serve", e.to_string(), "see what the system lacks");
        let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
        runtime.block_on(async {
            let endpoint = self.bind().await?;
            let mut end = Box::pin(asked_to_end());
            tokio::select! {
                () = door.open(endpoint.clone()) => (),
                ended = &mut end => ended.map_err(failed)?,
            }
            endpoint.close().await;
            Ok(())
        })
    }

    /// The port, on all addresses of this machine.
    async fn bind(&self) -> Result<Endpoint> {
        let taken = || {
            Error::new(
                "serve.port",
                format!(
                    "UDP port {} is another program's, or you may not have it",
                    self.port
                ),
                "give another, above 1023",
            )
        };
        // A machine may be without IPv6.
        let ipv6 = BindOpts::default().set_is_required(false);
        let builder = Endpoint::builder(presets::Minimal)
            .relay_mode(RelayMode::Disabled)
            .secret_key(SecretKey::from_bytes(&self.identity.to_bytes()))
            .alpns(vec![ALPN.to_vec()])
            .transport_config(limits())
            .clear_ip_transports()
            .bind_addr(format!("0.0.0.0:{}", self.port))
            .and_then(|b| b.bind_addr_with_opts(format!("[::]:{}", self.port), ipv6))
            .map_err(|_| taken())?;
        builder.bind().await.map_err(|_| taken())
    }
}

/// Waits for Ctrl-C or SIGTERM.
async fn asked_to_end() -> std::io::Result<()> {
    #[cfg(unix)]
    let terminated = {
        let mut signals = signal::unix::signal(signal::unix::SignalKind::terminate())?;
        async move {
            signals.recv().await;
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        ended = signal::ctrl_c() => ended,
        () = terminated => Ok(()),
    }
}
