//! The CPU's kernels as an operation of burn's CPU backend.

use super::adjoint::Passes;
use super::cpu::{self, Tape};
use super::door::over_particles;
use super::{Operation, Plan};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{DType, TensorData};

/// The three tensors of a run on the CPU, contiguous.
#[derive(Clone, Debug)]
pub(super) struct HostTensors {
    target: FloatTensor<Flex>,
    rate: FloatTensor<Flex>,
    capacity: FloatTensor<Flex>,
}

/// A tensor's numbers, not copied; `HostTensors` made the tensor contiguous.
fn slice<F: cpu::Format + burn::tensor::Element + bytemuck::Pod>(
    tensor: &FloatTensor<Flex>,
) -> &[F] {
    tensor.as_slice().expect("a contiguous tensor of this type")
}

impl HostTensors {
    fn new([target, rate, capacity]: [FloatTensor<Flex>; 3]) -> Self {
        Self {
            target: target.to_contiguous(),
            rate: rate.to_contiguous(),
            capacity: capacity.to_contiguous(),
        }
    }

    fn inputs<F: cpu::Format + burn::tensor::Element + bytemuck::Pod>(&self) -> cpu::Inputs<'_, F> {
        cpu::Inputs {
            particles: self.target.shape()[0],
            target: slice(&self.target),
            rate: slice(&self.rate),
            capacity: slice(&self.capacity),
        }
    }
}

fn panel_of<F: cpu::Format + burn::tensor::Element + bytemuck::Pod>(
    tensors: &HostTensors,
    plan: &Plan,
    keep: bool,
) -> (FloatTensor<Flex>, Option<Tape<F>>) {
    let inputs = tensors.inputs::<F>();
    let (panel, tape) = cpu::forward(plan, &inputs, keep);
    let design = plan.design();
    let shape = [inputs.particles, design.periods, design.groups];
    let data = TensorData::new(panel, shape);
    (FloatTensor::<Flex>::from_data(data), tape)
}

impl Operation for Flex {
    fn panel(
        target: FloatTensor<Self>,
        rate: FloatTensor<Self>,
        capacity: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let tensors = HostTensors::new([target, rate, capacity]);
        match tensors.target.dtype() {
            DType::F64 => panel_of::<f64>(&tensors, &plan, false).0,
            _ => panel_of::<f32>(&tensors, &plan, false).0,
        }
    }
}

/// The tensors of a run and the tape of the kernels.
pub(super) struct FlexTape {
    tensors: HostTensors,
    tape: AnyTape,
}

enum AnyTape {
    Single(Tape<f32>),
    Double(Tape<f64>),
}

impl Passes for Flex {
    type Tape = FlexTape;

    fn forward(tensors: [FloatTensor<Self>; 3], plan: &Plan) -> (FloatTensor<Self>, FlexTape) {
        let tensors = HostTensors::new(tensors);
        let (panel, tape) = match tensors.target.dtype() {
            DType::F64 => {
                let (panel, tape) = panel_of::<f64>(&tensors, plan, true);
                (panel, tape.map(AnyTape::Double))
            }
            _ => {
                let (panel, tape) = panel_of::<f32>(&tensors, plan, true);
                (panel, tape.map(AnyTape::Single))
            }
        };
        let tape = tape.expect("a kept run has a tape");
        (panel, FlexTape { tensors, tape })
    }

    fn backward(
        kept: &mut FlexTape,
        panel: FloatTensor<Self>,
        with_capacity: bool,
    ) -> [Option<FloatTensor<Self>>; 3] {
        let panel = panel.to_contiguous();
        let FlexTape { tensors, tape } = kept;
        match tape {
            AnyTape::Single(tape) => gradient(tape, tensors, &panel, with_capacity),
            AnyTape::Double(tape) => gradient(tape, tensors, &panel, with_capacity),
        }
    }
}

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
        over_particles(&mut capacity, one);
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
