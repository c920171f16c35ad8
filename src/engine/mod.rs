//! The simulation over all periods as one tensor operation, with a hand-written adjoint, and on the CPU also
//! without tensors.
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
//! Results do not depend on the number of threads: a network is cut into parts, whose sums are added in
//! a fixed order, as many as its size is worth and the machine has processors.

mod adjoint;
pub(crate) mod cpu;
#[cfg(feature = "cube")]
mod cube;
mod device;
mod differentiable;
mod door;
mod flex;
mod plan;
#[cfg(feature = "remote")]
mod remote;
mod tensors;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
pub(crate) use cpu::{Autotuner, Blocks, Processor, STREAM, processors};
#[cfg(feature = "cuda-source")]
pub use cube::{CudaSource, cuda_sources};
pub use device::{Device, DeviceInfo, connect, devices};
pub(crate) use device::{Opened, failure};
pub use differentiable::Differentiable;
pub(crate) use door::{Engine, Gradient, Inputs, Remaining, SHARE, Tape};
pub use plan::Checkpoint;
pub(crate) use plan::{Design, Plan};
#[cfg(feature = "serve")]
pub use remote::{Serve, Server};
pub(crate) use tensors::Tensors;

/// Backends that run the simulation as one operation.
#[backend_extension(Flex, Cube: cfg(feature = "cube"), Remote: cfg(feature = "remote"), Autodiff)]
pub(crate) trait Operation: Backend {
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
    Tensor::from_dispatch(<Dispatch as Operation>::panel(
        target.into_dispatch(),
        rate.into_dispatch(),
        capacity.into_dispatch(),
        plan.clone(),
    ))
}
