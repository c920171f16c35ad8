//! What a client has on a server: its tensors, and what is done with them, in the order in which it asks.
//!
//! What cannot be done is told where the client reads what would have come of it; all else goes on.

use super::allowed;
use super::budget::{Budget, Held};
use super::operations::{self, Shelf};
use super::protocol::{Answer, Failure, Read, Sync, Task, Usage, bytes};
use super::wire::REFUSED;
use crate::engine::adjoint::Passes;
use burn::tensor::{DType, Shape, TensorData, try_read_sync};
use burn_ir::{BackendIr, OperationIr, TensorId, TensorIr, TensorStatus};
use burn_router::TensorInterpreter;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Names of a client that hold nothing or nothing but a reason: so many at most.
const NAMES: usize = 1 << 20;

pub(super) struct Session<B: Passes + BackendIr> {
    tensors: TensorInterpreter<B>,
    shelf: Arc<Shelf<B>>,
    budget: Arc<Budget>,
    there: HashMap<TensorId, There>,
    /// Why a part of what the client has sent is lost: the last reason, for what is not there since.
    lost: Option<String>,
}

/// A tensor, or why it is not there.
enum There {
    Tensor {
        shape: Shape,
        dtype: DType,
        /// Given back when the last name of the tensor goes.
        held: Arc<Held>,
    },
    Lost(Arc<str>),
}

/// The client asks for what ends its session.
pub(super) struct End;

impl<B: Passes + BackendIr> Session<B> {
    pub(super) fn new(device: B::Device, shelf: Arc<Shelf<B>>, budget: Arc<Budget>) -> Self {
        Self {
            tensors: TensorInterpreter::new(device),
            shelf,
            budget,
            there: HashMap::new(),
            lost: None,
        }
    }

    /// A part of what the client has sent is lost. It is told so where it asks for what has been in that part,
    /// or for what would have come of it; all else goes on.
    pub(super) fn lose(&mut self, why: &str) {
        self.lost = Some(refused(why));
    }

    /// Why a tensor is not there.
    fn absent(&self) -> String {
        let lost = self.lost.clone();
        lost.unwrap_or_else(|| refused("a tensor is not there"))
    }

    /// Does one task; the answer, where there is one.
    pub(super) fn run(&mut self, task: Task) -> Result<Option<Vec<u8>>, End> {
        if self.there.len() > NAMES {
            return Err(End);
        }
        match task {
            Task::RegisterOperation(stream, op) => {
                stream.executes(|| self.operate(op));
                Ok(None)
            }
            Task::RegisterTensor(stream, id, data) => {
                stream.executes(|| self.take(id, data));
                Ok(None)
            }
            Task::RegisterAlias {
                stream_id,
                new_id,
                src_id,
            } => {
                stream_id.executes(|| self.name(new_id, src_id));
                Ok(None)
            }
            Task::ReadTensor(id, stream, tensor) => {
                let read = stream.executes(|| self.read(tensor));
                let content = Read::ReadTensor(read.map_err(Failure::new));
                Ok(Some(bytes(&Answer { content, id })))
            }
            Task::SyncBackend(id, stream) => {
                let done = stream.executes(|| self.tensors.sync());
                let done = done.map_err(|e| Failure::new(e.to_string()));
                let content = Sync::SyncBackend(done);
                Ok(Some(bytes(&Answer { content, id })))
            }
            Task::DTypeUsage(id, dtype) => {
                let content = Usage::DTypeUsage(self.tensors.dtype_usage(dtype));
                Ok(Some(bytes(&Answer { content, id })))
            }
            // Nothing is drawn here.
            Task::Seed(_) | Task::ProfileAbandon(_) => Ok(None),
            _ => Err(End),
        }
    }

    fn operate(&mut self, op: OperationIr) {
        let op = match op {
            OperationIr::Init(_) => return,
            OperationIr::Drop(tensor) => return self.drop(&tensor),
            op => op,
        };
        let done = self.attempt(&op);
        // What an operation uses up is gone, whether it was done or not.
        for input in op.inputs().filter(|t| t.status == TensorStatus::ReadWrite) {
            self.drop(input);
        }
        match done {
            Ok(held) => {
                let held = Arc::new(held);
                for output in op.outputs() {
                    self.put(output.id, &output.shape, output.dtype, held.clone());
                }
            }
            Err(why) => {
                let why: Arc<str> = why.into();
                for output in op.outputs() {
                    self.there.insert(output.id, There::Lost(why.clone()));
                }
            }
        }
    }

    /// Does an operation if its inputs are there and its results may be.
    fn attempt(&mut self, op: &OperationIr) -> Result<Held, String> {
        for input in op.inputs() {
            self.find(input)?;
        }
        let what = "the result of an operation";
        match op {
            OperationIr::Custom(op) => {
                let held = self.budget.take(what, operations::results(op));
                let held = held.map_err(refused)?;
                let (tensors, shelf, budget) = (&mut self.tensors, &self.shelf, &self.budget);
                let done = caught(|| shelf.run(tensors, op, budget))?;
                done.map_err(|e| refused(e.fact))?;
                Ok(held)
            }
            op => {
                let size = allowed::results(op).map_err(refused)?;
                let held = self.budget.take(what, size).map_err(refused)?;
                caught(|| self.tensors.register_op(op.clone()))?;
                Ok(held)
            }
        }
    }

    /// Whether a tensor is there, of the shape that it is said to have.
    fn find(&self, tensor: &TensorIr) -> Result<(), String> {
        match self.there.get(&tensor.id) {
            Some(There::Tensor { shape, dtype, .. })
                if *shape == tensor.shape && *dtype == tensor.dtype =>
            {
                Ok(())
            }
            Some(There::Tensor { .. }) => Err(refused("a tensor is of another shape or type")),
            Some(There::Lost(why)) => Err(why.to_string()),
            None => Err(self.absent()),
        }
    }

    fn put(&mut self, id: TensorId, shape: &Shape, dtype: DType, held: Arc<Held>) {
        let shape = shape.clone();
        self.there.insert(id, There::Tensor { shape, dtype, held });
    }

    fn drop(&mut self, tensor: &TensorIr) {
        self.there.remove(&tensor.id);
        self.tensors.register_op(OperationIr::Drop(tensor.clone()));
    }

    /// Takes a tensor that the client has sent.
    fn take(&mut self, id: TensorId, data: TensorData) {
        let (shape, dtype) = (data.shape().clone(), data.dtype());
        let size = data.as_bytes().len() as f64;
        let plain = dtype.is_float() || dtype.is_int() || dtype.is_uint() || dtype.is_bool();
        let whole = size == allowed::numbers(&shape) * dtype.size() as f64;
        let made = match plain && whole {
            true => self
                .budget
                .take("a tensor", size)
                .map_err(refused)
                .and_then(|held| {
                    caught(|| self.tensors.register_tensor_data_id(id, data))?;
                    Ok(held)
                }),
            false => Err(refused("a tensor is of another size than its shape")),
        };
        match made {
            Ok(held) => self.put(id, &shape, dtype, Arc::new(held)),
            Err(why) => {
                self.there.insert(id, There::Lost(why.into()));
            }
        }
    }

    /// Gives a tensor a second name.
    fn name(&mut self, new: TensorId, old: TensorId) {
        let named = match self.there.get(&old) {
            Some(There::Tensor { shape, dtype, held }) => {
                self.tensors.register_alias(new, old);
                There::Tensor {
                    shape: shape.clone(),
                    dtype: *dtype,
                    held: held.clone(),
                }
            }
            Some(There::Lost(why)) => There::Lost(why.clone()),
            None => There::Lost(self.absent().into()),
        };
        self.there.insert(new, named);
    }

    fn read(&mut self, tensor: TensorIr) -> Result<TensorData, String> {
        let found = self.find(&tensor);
        let gone = tensor.status == TensorStatus::ReadWrite;
        let (id, size) = (tensor.id, allowed::bytes(&tensor));
        let read = found.and_then(|()| {
            // Here, as a message, and on its way.
            let held = self.budget.take_here("an answer", 3.0 * size);
            let _held = held.map_err(refused)?;
            let answer = caught(|| try_read_sync(self.tensors.read_tensor_async(tensor)))?;
            match answer {
                Some(data) => data.map_err(|e| e.to_string()),
                None => Err(refused("the device does not answer")),
            }
        });
        if gone {
            self.there.remove(&id);
        }
        read
    }
}

/// A reason that the client tells as the server's.
fn refused(fact: impl AsRef<str>) -> String {
    format!("{REFUSED}{}", fact.as_ref())
}

/// Done, or what it panicked with.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let told = panic.downcast_ref::<String>().map(String::as_str);
        let told = told.or_else(|| panic.downcast_ref::<&str>().copied());
        refused(format!(
            "an operation failed: {}",
            told.unwrap_or("without a reason")
        ))
    })
}

/// Frees what the device has left.
impl<B: Passes + BackendIr> Drop for Session<B> {
    fn drop(&mut self) {
        let device = self.tensors.device();
        let _ = self.tensors.sync();
        self.tensors = TensorInterpreter::new(device.clone());
        B::memory_cleanup(&device);
    }
}
