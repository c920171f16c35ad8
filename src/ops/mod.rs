//! The simulation over all periods as one tensor operation, with a hand-written adjoint.
//!
//! The only folder that names a burn backend. It takes raw tensors and arrays, and knows no firm,
//! sector or shock; `model::step` is the specification and the oracle. Shapes:
//!
//! | tensor | shape | unit |
//! |---|---|---|
//! | target (n x0) | [particle, node] | units of output |
//! | rate (1 / τ) | [particle, node] | 1 / period |
//! | capacity (z) | [particle, period, column], or [1, period, column] for all particles | share |
//! | panel (y) | [particle, period, group] | units per period |
//!
//! Inventories and orders are kept per link in units of the buyer's output (S / A and O / A), and
//! orders are not kept at all: o(t) = max(0, D(t-1) + (n x0 - s(t-1)) / τ).
//!
//! Results do not depend on the number of threads: large networks are cut into a fixed number of
//! parts, whose sums are added in a fixed order.

mod adjoint;
mod cpu;
mod plan;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Tensor, TensorData};
pub use plan::Checkpoint;
pub(crate) use plan::{Design, Plan};

/// Backends that run the simulation as one operation.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Engine: Backend {
    /// The panel of every particle.
    fn panel(
        target: FloatTensor<Self>,
        rate: FloatTensor<Self>,
        capacity: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self>;
}

/// Simulates every particle over the plan's periods: the panel [particle, period, group].
/// Differentiable in all three tensors.
pub(crate) fn panel(
    plan: &Plan,
    target: Tensor<2>,
    rate: Tensor<2>,
    capacity: Tensor<3>,
) -> Tensor<3> {
    let [particles, nodes] = target.dims();
    let design = plan.design();
    assert_eq!(nodes, design.steady.len());
    assert_eq!(rate.dims(), [particles, nodes]);
    let [rows, periods, columns] = capacity.dims();
    assert!(rows == 1 || rows == particles);
    assert_eq!((periods, columns), (design.periods, design.column.len()));
    Tensor::from_dispatch(<Dispatch as Engine>::panel(
        target.into_dispatch(),
        rate.into_dispatch(),
        capacity.into_dispatch(),
        plan.clone(),
    ))
}

/// The three tensors of a run on the CPU, contiguous.
#[derive(Clone, Debug)]
struct HostTensors {
    target: FloatTensor<Flex>,
    rate: FloatTensor<Flex>,
    capacity: FloatTensor<Flex>,
}

/// A tensor's numbers without copying; `HostTensors` made it contiguous.
fn slice<F: cpu::Format + burn::tensor::Element + bytemuck::Pod>(
    tensor: &FloatTensor<Flex>,
) -> &[F] {
    tensor.as_slice().expect("a contiguous tensor of this type")
}

impl HostTensors {
    fn new(
        target: FloatTensor<Flex>,
        rate: FloatTensor<Flex>,
        capacity: FloatTensor<Flex>,
    ) -> Self {
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

impl Engine for Flex {
    fn panel(
        target: FloatTensor<Self>,
        rate: FloatTensor<Self>,
        capacity: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let tensors = HostTensors::new(target, rate, capacity);
        match tensors.target.dtype() {
            DType::F64 => panel_of::<f64>(&tensors, &plan, false).0,
            _ => panel_of::<f32>(&tensors, &plan, false).0,
        }
    }
}

fn panel_of<F: cpu::Format + burn::tensor::Element + bytemuck::Pod>(
    tensors: &HostTensors,
    plan: &Plan,
    keep: bool,
) -> (FloatTensor<Flex>, Option<cpu::Tape<F>>) {
    let inputs = tensors.inputs::<F>();
    let (panel, tape) = cpu::forward(plan, &inputs, keep);
    let design = plan.design();
    let shape = [inputs.particles, design.periods, design.groups];
    let data = TensorData::new(panel, shape);
    (FloatTensor::<Flex>::from_data(data), tape)
}
