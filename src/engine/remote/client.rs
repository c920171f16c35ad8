//! The operation of the remote backend: it is sent, with its tensors that are with the server already.

use super::wire::{Digest, GRADIENT, HELLO, HELLO_LENGTH, NO_TAPE, PANEL, numbers, pack};
use crate::engine::adjoint::Passes;
use crate::engine::{Operation, Plan};
use burn::backend::ops::IntTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Remote, RemoteDevice, TensorMetadata};
use burn::remote::CustomOpClient;
use burn::tensor::{DType, Shape, TensorData};
use burn_ir::{CustomOpIr, TensorIr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A plan on the servers that it has run on.
#[derive(Default)]
struct OnServers {
    sent: Mutex<Vec<(RemoteDevice, Sent)>>,
}

/// A plan that a server has.
#[derive(Clone)]
struct Sent {
    digest: Digest,
    bytes: IntTensor<Remote>,
    /// Refusals that had been told when it was sent.
    refusals: usize,
}

/// Refusals of servers that this process has been told.
static REFUSALS: AtomicUsize = AtomicUsize::new(0);

/// A server has refused something: what was sent to it before may be lost, and is sent again when it is needed.
pub(in crate::engine) fn refused() {
    REFUSALS.fetch_add(1, Ordering::SeqCst);
}

impl OnServers {
    fn get(&self, plan: &Plan, device: &RemoteDevice) -> Sent {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let refusals = REFUSALS.load(Ordering::SeqCst);
        all.retain(|(_, sent)| sent.refusals == refusals);
        if let Some((_, found)) = all.iter().find(|(d, _)| d == device) {
            return found.clone();
        }
        let bytes = pack(plan.design());
        let digest = Digest::of(&bytes);
        let words = numbers(&bytes, i32::from_le_bytes);
        let shape = [words.len()];
        let made = Sent {
            digest,
            bytes: Remote::int_from_data(TensorData::new(words, shape), device),
            refusals,
        };
        all.push((device.clone(), made.clone()));
        made
    }
}

/// What the gradient needs of a run: what the run was given, and the number of the tape that the server
/// has kept.
pub(in crate::engine) struct Tape {
    plan: Plan,
    tensors: [FloatTensor<Remote>; 3],
    number: u64,
}

/// Sends an operation on tensors that the server has.
fn send(
    device: &RemoteDevice,
    name: &'static str,
    inputs: Vec<TensorIr>,
    outputs: &[(Shape, DType)],
    scalars: Vec<burn_ir::ScalarIr>,
) -> Vec<FloatTensor<Remote>> {
    let client = CustomOpClient::new(device);
    let outputs: Vec<TensorIr> = outputs
        .iter()
        .map(|(shape, dtype)| TensorIr::uninit(client.create_empty_handle(), shape.clone(), *dtype))
        .collect();
    client.register(CustomOpIr::with_scalars(name, &inputs, &outputs, scalars))
}

/// Asks the server who it is: its characters as numbers.
pub(super) fn hello(device: &RemoteDevice) -> FloatTensor<Remote> {
    let greeting = (Shape::new([HELLO_LENGTH]), DType::F32);
    send(device, HELLO, Vec::new(), &[greeting], Vec::new()).remove(0)
}

fn panel(tensors: [FloatTensor<Remote>; 3], plan: &Plan, tape: u64) -> FloatTensor<Remote> {
    let device = tensors[0].device();
    let design = plan.design();
    let shape = Shape::new([tensors[0].shape()[0], design.periods, design.groups]);
    let dtype = tensors[0].dtype();
    let sent = plan.cached(|_| OnServers::default()).get(plan, &device);
    let mut inputs: Vec<TensorIr> = tensors.into_iter().map(|t| t.into_ir()).collect();
    inputs.push(sent.bytes.into_ir());
    send(
        &device,
        PANEL,
        inputs,
        &[(shape, dtype)],
        sent.digest.with(tape),
    )
    .remove(0)
}

impl Operation for Remote {
    fn panel(
        target: FloatTensor<Self>,
        rate: FloatTensor<Self>,
        capacity: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        panel([target, rate, capacity], &plan, NO_TAPE)
    }
}

impl Passes for Remote {
    type Tape = Tape;

    fn forward(tensors: [FloatTensor<Self>; 3], plan: &Plan) -> (FloatTensor<Self>, Tape) {
        // A server keeps tapes of many clients: their numbers are drawn, not counted.
        let number = rand::random::<u64>().max(NO_TAPE + 1);
        let tape = Tape {
            plan: plan.clone(),
            tensors: tensors.clone(),
            number,
        };
        (panel(tensors, plan, number), tape)
    }

    fn backward(
        tape: &mut Tape,
        panel: FloatTensor<Self>,
        with_capacity: bool,
    ) -> [Option<FloatTensor<Self>>; 3] {
        let device = panel.device();
        let sent = tape
            .plan
            .cached(|_| OnServers::default())
            .get(&tape.plan, &device);
        let wanted = if with_capacity { 3 } else { 2 };
        let outputs: Vec<(Shape, DType)> = tape.tensors[..wanted]
            .iter()
            .map(|t| (t.shape(), t.dtype()))
            .collect();
        let mut inputs: Vec<TensorIr> = tape
            .tensors
            .clone()
            .into_iter()
            .map(|t| t.into_ir())
            .collect();
        inputs.push(sent.bytes.into_ir());
        inputs.push(panel.into_ir());
        let scalars = sent.digest.with(tape.number);
        let mut made = send(&device, GRADIENT, inputs, &outputs, scalars).into_iter();
        [made.next(), made.next(), made.next()]
    }
}
