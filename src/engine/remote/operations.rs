//! The operations of the library on a server's device.

use super::allowed::bytes;
use super::budget::Budget;
use super::wire::{
    Digest, GRADIENT, HELLO, HELLO_LENGTH, NO_TAPE, PANEL, VERSION, le_bytes, unpack,
};
use crate::engine::adjoint::Passes;
use crate::engine::plan::{Checkpoint, Design, Plan};
use crate::error::{Error, Result};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{TensorData, try_read_sync};
use burn_ir::{BackendIr, CustomOpIr, HandleKind, TensorIr};
use burn_router::TensorInterpreter;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Plans that a server keeps ready.
const PLANS: usize = 8;
/// Runs whose gradient may still be asked for; of one that is gone the run is computed again.
const TAPES: usize = 2;

/// What is kept between operations, for all clients.
pub(super) struct Shelf<B: Passes> {
    kept: Mutex<Kept<B>>,
    /// What a client is told: version and device.
    greeting: String,
}

struct Kept<B: Passes> {
    plans: VecDeque<(Digest, Plan)>,
    tapes: VecDeque<(u64, B::Tape)>,
}

/// Puts in front, and drops what has been there longest.
fn keep<T>(all: &mut VecDeque<T>, one: T, most: usize) {
    all.push_front(one);
    all.truncate(most);
}

/// What does not belong together.
fn wrong(fact: &str) -> Error {
    Error::new(
        "plan",
        fact,
        "use the same version of bullwhip on both sides",
    )
}

impl<B: Passes + BackendIr> Shelf<B> {
    pub(super) fn new(device: &str) -> Self {
        Self {
            kept: Mutex::new(Kept {
                plans: VecDeque::new(),
                tapes: VecDeque::new(),
            }),
            greeting: format!("{VERSION}\n{device}"),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<B>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does an operation, whose inputs are there in the shapes that they are said to have.
    pub(super) fn run(
        &self,
        tensors: &mut TensorInterpreter<B>,
        op: &CustomOpIr,
        budget: &Arc<Budget>,
    ) -> Result<()> {
        match op.id.as_str() {
            HELLO => self.hello(tensors, op),
            PANEL => self.panel(tensors, op, budget),
            GRADIENT => self.gradient(tensors, op, budget),
            _ => Err(wrong("an operation has a name that is not known")),
        }
    }

    fn hello(&self, tensors: &mut TensorInterpreter<B>, op: &CustomOpIr) -> Result<()> {
        let [output] = op.outputs.as_slice() else {
            return Err(wrong("a greeting has one output"));
        };
        let mut codes: Vec<f32> = self.greeting.chars().map(|c| u32::from(c) as f32).collect();
        codes.resize(HELLO_LENGTH, 0.0);
        let data = TensorData::new(codes, [HELLO_LENGTH]);
        tensors.register_tensor_data_id(output.id, data);
        Ok(())
    }

    fn panel(
        &self,
        tensors: &mut TensorInterpreter<B>,
        op: &CustomOpIr,
        budget: &Arc<Budget>,
    ) -> Result<()> {
        let (4, [output]) = (op.inputs.len(), op.outputs.as_slice()) else {
            return Err(wrong("a panel has four inputs and one output"));
        };
        let (plan, tape) = self.plan(tensors, op)?;
        let design = plan.design();
        let particles = op.inputs[0].shape[0];
        if output.shape != [particles, design.periods, design.groups].into() {
            return Err(wrong("a panel of another shape than the plan's"));
        }
        let _held = hold(budget, design, particles, tape != NO_TAPE)?;
        let inputs = three(tensors, op)?;
        let panel = if tape == NO_TAPE {
            let [target, rate, capacity] = inputs;
            B::panel(target, rate, capacity, plan)
        } else {
            let (panel, made) = B::forward(inputs, &plan);
            keep(&mut self.kept().tapes, (tape, made), TAPES);
            panel
        };
        put(tensors, output, panel);
        Ok(())
    }

    fn gradient(
        &self,
        tensors: &mut TensorInterpreter<B>,
        op: &CustomOpIr,
        budget: &Arc<Budget>,
    ) -> Result<()> {
        let (5, 2 | 3) = (op.inputs.len(), op.outputs.len()) else {
            return Err(wrong(
                "a gradient has five inputs, and two or three outputs",
            ));
        };
        let (plan, tape) = self.plan(tensors, op)?;
        let design = plan.design();
        let particles = op.inputs[0].shape[0];
        if op.inputs[4].shape != [particles, design.periods, design.groups].into() {
            return Err(wrong("a panel of another shape than the plan's"));
        }
        let alike = |(a, b): (&TensorIr, &TensorIr)| a.shape == b.shape;
        if !op.inputs.iter().zip(&op.outputs).all(alike) {
            return Err(wrong("a gradient of another shape than its tensor's"));
        }
        let _held = hold(budget, design, particles, true)?;
        let (inputs, panel) = (three(tensors, op)?, float(tensors, &op.inputs[4])?);
        let found = {
            let tapes = &mut self.kept().tapes;
            let at = tapes.iter().position(|(n, _)| *n == tape);
            at.and_then(|at| tapes.remove(at))
        };
        let mut made = match found {
            Some((_, made)) => made,
            None => B::forward(inputs, &plan).1,
        };
        let parts = B::backward(&mut made, panel, op.outputs.len() == 3);
        for (output, part) in op.outputs.iter().zip(parts.into_iter().flatten()) {
            put(tensors, output, part);
        }
        Ok(())
    }

    /// The plan of an operation, and the number of its tape.
    fn plan(&self, tensors: &mut TensorInterpreter<B>, op: &CustomOpIr) -> Result<(Plan, u64)> {
        let (digest, tape) = Digest::read(&op.scalars).ok_or_else(|| wrong("it has no digest"))?;
        let words = int(tensors, &op.inputs[3])?;
        let ready = {
            let kept = self.kept();
            let found = kept.plans.iter().find(|(d, _)| *d == digest);
            found.map(|(_, plan)| plan.clone())
        };
        let plan = match ready {
            Some(plan) => plan,
            None => {
                let plan = Plan::new(unpack(&sent::<B>(words, digest)?)?);
                keep(&mut self.kept().plans, (digest, plan.clone()), PLANS);
                plan
            }
        };
        fits(op, plan.design())?;
        Ok((plan, tape))
    }
}

/// The bytes of a plan that was sent as numbers.
fn sent<B: BackendIr>(words: IntTensor<B>, digest: Digest) -> Result<Vec<u8>> {
    let read = try_read_sync(B::int_into_data(words));
    let data = read.and_then(std::result::Result::ok);
    let data = data.ok_or_else(|| wrong("it cannot be read back from the device"))?;
    let words = data.as_slice::<i32>();
    let bytes = le_bytes(
        words.map_err(|_| wrong("it is of another type"))?,
        i32::to_le_bytes,
    );
    match Digest::of(&bytes) == digest {
        true => Ok(bytes),
        false => Err(wrong("its digest is of another one")),
    }
}

/// Refuses tensors of other shapes than the plan's.
fn fits(op: &CustomOpIr, design: &Design) -> Result<()> {
    let [target, rate, capacity] = [0, 1, 2].map(|k| &op.inputs[k].shape);
    let nodes = design.steady.len();
    let runs = target.num_dims() == 2 && target[1] == nodes && rate == target;
    let capacities = capacity.num_dims() == 3
        && (capacity[0] == 1 || capacity[0] == target[0])
        && capacity[1] == design.periods
        && capacity[2] == design.column.len();
    match runs && capacities && target[0] > 0 {
        true => Ok(()),
        false => Err(wrong("tensors of other shapes than the plan's")),
    }
}

/// The memory of a run while it goes on.
fn hold(
    budget: &Arc<Budget>,
    design: &Design,
    particles: usize,
    tape: bool,
) -> Result<super::budget::Held> {
    let (links, nodes) = (design.supplier.len() as f64, design.steady.len() as f64);
    let periods = design.periods as f64;
    let stages = match design.checkpoint {
        _ if !tape => 1.0,
        // It looks itself for what is free.
        Checkpoint::Auto => 2.0 * periods.sqrt(),
        Checkpoint::All => periods,
        Checkpoint::Every(k) => {
            let k = k.clamp(1, design.periods) as f64;
            periods / k + k
        }
    };
    let each = 2.0 * periods * design.groups as f64 + 8.0 * nodes + stages * links;
    let what = format!("a run of {particles} particles over {periods} periods");
    let numbers = each * particles as f64;
    let held = budget.take(&what, 4.0 * numbers);
    held.map_err(|fact| Error::new("simulation", fact, ""))
}

fn float<B: BackendIr>(
    tensors: &mut TensorInterpreter<B>,
    tensor: &TensorIr,
) -> Result<FloatTensor<B>> {
    match tensor.dtype.is_float() {
        true => match tensors.get_tensor(tensor) {
            HandleKind::Float(found) => Ok(found),
            _ => Err(wrong("a tensor is of another type")),
        },
        false => Err(wrong("a tensor is of another type")),
    }
}

fn int<B: BackendIr>(
    tensors: &mut TensorInterpreter<B>,
    tensor: &TensorIr,
) -> Result<IntTensor<B>> {
    match tensor.dtype.is_int() {
        true => match tensors.get_tensor(tensor) {
            HandleKind::Int(found) => Ok(found),
            _ => Err(wrong("a plan is of another type")),
        },
        false => Err(wrong("a plan is of another type")),
    }
}

/// Target, rate, capacity.
fn three<B: BackendIr>(
    tensors: &mut TensorInterpreter<B>,
    op: &CustomOpIr,
) -> Result<[FloatTensor<B>; 3]> {
    Ok([
        float(tensors, &op.inputs[0])?,
        float(tensors, &op.inputs[1])?,
        float(tensors, &op.inputs[2])?,
    ])
}

fn put<B: BackendIr>(tensors: &mut TensorInterpreter<B>, output: &TensorIr, made: FloatTensor<B>) {
    tensors.register_tensor_to_device(output.id, HandleKind::Float(made));
}

/// Bytes of what an operation returns.
pub(super) fn results(op: &CustomOpIr) -> f64 {
    op.outputs.iter().map(bytes).sum()
}
