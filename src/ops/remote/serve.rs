//! The server: its key and token, and the operations of the library on its device.

use super::wire::{
    Digest, GRADIENT, HELLO, HELLO_LENGTH, NO_TAPE, PANEL, VERSION, le_bytes, unpack,
};
use crate::error::{Error, Result};
use crate::ops::adjoint::Passes;
use crate::ops::device::{Device, Opened};
use crate::ops::plan::Plan;
use burn::backend::tensor::FloatTensor;
use burn::backend::{DispatchDevice, Flex};
use burn::server::{
    CustomOpIr, HandleContainer, IrohIdentity, IrohRelays, IrohTransport, RemoteServer, ServeError,
    TokenAuthorizer,
};
use burn::tensor::{TensorData, try_read_sync};
use burn_ir::BackendIr;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Plans that a server keeps ready.
const PLANS: usize = 8;
/// Runs whose gradient may still be asked for; of one that is gone the run is computed again.
const TAPES: usize = 2;

/// What is served, and how.
#[derive(Clone, Debug)]
pub struct Serve {
    /// The device.
    pub device: Device,
    /// UDP port that clients connect to.
    pub port: u16,
    /// File of the server's key, made if it is not there. Who has it can pose as the server; without it
    /// the server gets another token.
    pub key: PathBuf,
}

impl Default for Serve {
    fn default() -> Self {
        let home = std::env::home_dir().unwrap_or_default();
        Self {
            device: Device::Auto,
            port: 7788,
            key: home.join(".config/bullwhip/server.key"),
        }
    }
}

/// A server that is about to serve.
#[derive(Debug)]
pub struct Server {
    /// What clients give to `connect`.
    pub token: String,
    /// What its device calls itself.
    pub device: String,
    /// UDP port.
    pub port: u16,
    identity: IrohIdentity,
    secret: String,
    opened: Opened,
}

impl Serve {
    /// Opens the device and reads or makes the key.
    pub fn open(&self) -> Result<Server> {
        let opened = self.device.open(false)?;
        let file = |e: std::io::Error| {
            Error::new(
                "serve.key",
                format!("{}: {e}", self.key.display()),
                "give a file that you may write, or the key of a server",
            )
        };
        if let Some(folder) = self.key.parent() {
            std::fs::create_dir_all(folder).map_err(file)?;
        }
        let identity = IrohIdentity::load_or_create(&self.key).map_err(file)?;
        let digest = Sha256::new()
            .chain_update(b"bullwhip token")
            .chain_update(identity.to_bytes())
            .finalize();
        let secret: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
        Ok(Server {
            token: format!("{}-{secret}", identity.id()),
            device: opened.name.clone(),
            port: self.port,
            identity,
            secret,
            opened,
        })
    }
}

impl Server {
    /// Serves until Ctrl-C or SIGTERM. Only clients with the token are let in, and all that travels is
    /// encrypted; no relay and no directory of others is asked.
    pub fn run(self) -> Result<()> {
        let failed = |e: ServeError| match e {
            ServeError::Bind { source } => Error::new(
                "serve.port",
                format!("UDP port {} cannot be had: {source}", self.port),
                "give another",
            ),
            other => Error::new("serve", other.to_string(), "start it again"),
        };
        let token = TokenAuthorizer::new(self.secret.as_str())
            .map_err(|e| Error::new("serve", e.to_string(), "give another key"))?;
        let tensors = self.opened.tensors.clone();
        let server = RemoteServer::new([tensors.clone()]).with_authorizer(token);
        let server = match tensors.as_dispatch() {
            DispatchDevice::Flex(_) => operations::<Flex>(server, &self.device),
            #[cfg(feature = "cube")]
            DispatchDevice::Cube(_) => operations::<burn::backend::Cube>(server, &self.device),
            _ => {
                return Err(Error::new(
                    "serve.device",
                    format!("{} is another machine's", self.device),
                    "serve it there",
                ));
            }
        };
        let transport = IrohTransport::new(self.identity.clone())
            .with_relays(IrohRelays::Disabled)
            .with_port(self.port);
        server.serve(transport).map_err(failed)
    }
}

/// What is kept between operations.
struct Shelf<B: Passes> {
    plans: VecDeque<(Digest, Plan)>,
    tapes: VecDeque<(u64, B::Tape)>,
}

/// Puts in front, and drops what has been there longest.
fn keep<T>(all: &mut VecDeque<T>, one: T, most: usize) {
    all.push_front(one);
    all.truncate(most);
}

/// A server that knows the operations of this library. What a client sends wrongly ends that client's
/// session, by a panic that the server catches and writes to its log.
fn operations<B: Passes + BackendIr>(server: RemoteServer, device: &str) -> RemoteServer {
    let shelf = Arc::new(Mutex::new(Shelf::<B> {
        plans: VecDeque::new(),
        tapes: VecDeque::new(),
    }));
    let other = shelf.clone();
    let greeting = format!("{VERSION}\n{device}");
    server
        .with_custom_op::<B, _>(HELLO, move |handles, op, device| {
            let mut codes: Vec<f32> = greeting.chars().map(|c| u32::from(c) as f32).collect();
            codes.resize(HELLO_LENGTH, 0.0);
            let data = TensorData::new(codes, [HELLO_LENGTH]);
            handles.register_float_tensor::<B>(&op.outputs[0].id, B::float_from_data(data, device));
        })
        .with_custom_op::<B, _>(PANEL, move |handles, op, _| {
            let (plan, tensors, tape) = read::<B>(&shelf, handles, op);
            let panel = if tape == NO_TAPE {
                let [target, rate, capacity] = tensors;
                B::panel(target, rate, capacity, plan)
            } else {
                let (panel, kept) = B::forward(tensors, &plan);
                let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
                keep(&mut shelf.tapes, (tape, kept), TAPES);
                panel
            };
            handles.register_float_tensor::<B>(&op.outputs[0].id, panel);
        })
        .with_custom_op::<B, _>(GRADIENT, move |handles, op, _| {
            let (plan, tensors, tape) = read::<B>(&other, handles, op);
            let panel = handles.get_float_tensor::<B>(&op.inputs[4]);
            let found = {
                let mut shelf = other.lock().unwrap_or_else(PoisonError::into_inner);
                let at = shelf.tapes.iter().position(|(n, _)| *n == tape);
                at.and_then(|at| shelf.tapes.remove(at))
            };
            let mut kept = match found {
                Some((_, kept)) => kept,
                None => B::forward(tensors, &plan).1,
            };
            let parts = B::backward(&mut kept, panel, op.outputs.len() == 3);
            for (output, part) in op.outputs.iter().zip(parts.into_iter().flatten()) {
                handles.register_float_tensor::<B>(&output.id, part);
            }
        })
}

/// The plan, the three tensors of a run, and the number of its tape.
fn read<B: Passes + BackendIr>(
    shelf: &Mutex<Shelf<B>>,
    handles: &mut HandleContainer<B::Handle>,
    op: &CustomOpIr,
) -> (Plan, [FloatTensor<B>; 3], u64) {
    let (digest, tape) = Digest::read(&op.scalars).expect("a digest and a tape's number");
    let tensors = [0, 1, 2].map(|k| handles.get_float_tensor::<B>(&op.inputs[k]));
    let words = handles.get_int_tensor::<B>(&op.inputs[3]);
    let ready = {
        let shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let found = shelf.plans.iter().find(|(d, _)| *d == digest);
        found.map(|(_, plan)| plan.clone())
    };
    let plan = ready.unwrap_or_else(|| {
        let words = try_read_sync(B::int_into_data(words)).expect("a device that can be read");
        let words = words.expect("the plan");
        let words = words.as_slice::<i32>().expect("the plan's words");
        let bytes = le_bytes(words, i32::to_le_bytes);
        assert!(Digest::of(&bytes) == digest, "the plan is another one");
        let plan = Plan::new(unpack(&bytes).unwrap_or_else(|e| panic!("{e}")));
        let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        keep(&mut shelf.plans, (digest, plan.clone()), PLANS);
        plan
    });
    let design = plan.design();
    let [target, rate, capacity] = [0, 1, 2].map(|k| &op.inputs[k].shape);
    let nodes = design.steady.len();
    assert!(
        target.num_dims() == 2 && target[1] == nodes && rate == target && capacity.num_dims() == 3,
        "tensors of other shapes than the plan's"
    );
    assert!(
        (capacity[0] == 1 || capacity[0] == target[0])
            && capacity[1] == design.periods
            && capacity[2] == design.column.len(),
        "a capacity of another shape than the plan's"
    );
    (plan, tensors, tape)
}
