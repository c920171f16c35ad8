//! The gradient of the panel in automatic differentiation: the CPU's hand-written pass back.

use super::cpu::{self, Tape};
use super::{Engine, HostTensors, Plan, panel_of, slice};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex, TensorMetadata};
use burn::tensor::{DType, TensorData};
use std::sync::{Arc, Mutex, PoisonError};

/// What a run leaves for its gradient.
#[derive(Clone)]
struct Kept {
    tensors: HostTensors,
    plan: Plan,
    tape: Arc<Mutex<AnyTape>>,
}

enum AnyTape {
    Single(Tape<f32>),
    Double(Tape<f64>),
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kept({:?})", self.plan)
    }
}

#[derive(Debug)]
struct PanelBackward;

impl Backward<Flex, 3> for PanelBackward {
    type State = Kept;

    fn backward(self, ops: Ops<Kept, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let panel = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Kept { tensors, tape, .. } = ops.state;
        let mut tape = tape.lock().unwrap_or_else(PoisonError::into_inner);
        let with_capacity = ops.parents[2].is_some();
        let parts = match &mut *tape {
            AnyTape::Single(tape) => gradient(tape, &tensors, &panel, with_capacity),
            AnyTape::Double(tape) => gradient(tape, &tensors, &panel, with_capacity),
        };
        for (parent, part) in ops.parents.into_iter().zip(parts) {
            if let Some((parent, part)) = parent.zip(part) {
                grads.register::<Flex>(parent.id, part);
            }
        }
    }
}

/// The gradients in target, rate and, where it is wanted, capacity, in the tensors' own shapes.
fn gradient<F: cpu::Format + burn::tensor::Element + bytemuck::Pod>(
    tape: &mut Tape<F>,
    tensors: &HostTensors,
    panel: &FloatTensor<Flex>,
    with_capacity: bool,
) -> [Option<FloatTensor<Flex>>; 3] {
    let inputs = tensors.inputs::<F>();
    let out = cpu::backward(tape, &inputs, slice(panel), with_capacity);
    let shape = tensors.capacity.shape();
    let one = shape[1] * shape[2];
    let mut capacity = out.capacity;
    if with_capacity && shape[0] == 1 && inputs.particles > 1 {
        // One capacity for all particles: its gradient is the sum over them.
        let (sum, others) = capacity.split_at_mut(one);
        for other in others.chunks_exact(one) {
            for (s, o) in sum.iter_mut().zip(other) {
                *s += *o;
            }
        }
        capacity.truncate(one);
    }
    let tensor = |v: Vec<F>, like: &FloatTensor<Flex>| {
        FloatTensor::<Flex>::from_data(TensorData::new(v, like.shape()))
    };
    [
        Some(tensor(out.target, &tensors.target)),
        Some(tensor(out.rate, &tensors.rate)),
        with_capacity.then(|| tensor(capacity, &tensors.capacity)),
    ]
}

impl<C: CheckpointStrategy> Engine for Autodiff<Flex, C> {
    fn panel(
        target: FloatTensor<Self>,
        rate: FloatTensor<Self>,
        capacity: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let nodes = [target.node(), rate.node(), capacity.node()];
        let prepared = PanelBackward.prepare::<C>(nodes).compute_bound().stateful();
        match prepared {
            OpsKind::Tracked(prepared) => {
                let tensors = HostTensors::new(
                    target.into_primitive(),
                    rate.into_primitive(),
                    capacity.into_primitive(),
                );
                let (panel, tape) = match tensors.target.dtype() {
                    DType::F64 => {
                        let (panel, tape) = panel_of::<f64>(&tensors, &plan, true);
                        (panel, tape.map(AnyTape::Double))
                    }
                    _ => {
                        let (panel, tape) = panel_of::<f32>(&tensors, &plan, true);
                        (panel, tape.map(AnyTape::Single))
                    }
                };
                let tape = tape.expect("a kept run has a tape");
                let kept = Kept {
                    tensors,
                    plan,
                    tape: Arc::new(Mutex::new(tape)),
                };
                prepared.finish(kept, panel)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(Flex::panel(
                target.into_primitive(),
                rate.into_primitive(),
                capacity.into_primitive(),
                plan,
            )),
        }
    }
}
