//! The engine: the simulation over all periods as one operation, with a hand-written adjoint, over host arrays and
//! over burn's tensors.
//!
//! This is the only folder that names a burn backend. The rules of firms and links come from `model`
//! (`model::period` and the families beside it); `model::reference` is the oracle. Shapes of the tensors:
//!
//! | tensor | shape | unit |
//! |---|---|---|
//! | target (n x0) | [particle, firm] | units of output |
//! | rate (1 / τ) | [particle, firm] | 1 / period |
//! | capacity (z) | [particle, period, column], or [1, period, column] for all particles | share of full capacity |
//! | panel (y) | [particle, period, group] | units per period |
//!
//! Words of this folder:
//!
//! | word | meaning |
//! |---|---|
//! | offer | the share of the orders on a firm that the firm delivers |
//! | adjoint of x, `to_x` | the derivative of the loss in x |
//! | firm pass, link pass | one period of all firms, of all links; each has an adjoint pass |
//! | lane | one of the L numbers of a row; a lane is a particle or a firm |
//! | partition | firms, and the links on which they buy, that one thread works on |
//! | accumulator | a firm's offer and the sum of the orders on it |
//! | message | a link's own copy of the offer, overwritten with the order |
//! | exchange | how links read what suppliers publish, and send them what is added up: lanes, gather or bins |
//!
//! Inventories are kept per link in units of the buyer's output (S / A). Orders in the same units (O / A) are
//! computed where they are read and not kept: o(t) = max(0, D(t-1) + (n x0 - s(t-1)) / τ).
//!
//! A period is computed from what was published in the period before, so that its phases need one synchronisation:
//! `schedule` has the order of phases, for a run and for its adjoint, and every executor follows it.
//!
//! Results do not depend on the number of threads or processors. Into how many partitions a network is cut is a
//! property of the network, and the sums of partitions are added along a fixed binary tree.

mod adjoint;
pub(crate) mod cpu;
#[cfg(feature = "cube")]
mod cube;
mod device;
mod differentiable;
mod door;
mod flex;
pub(crate) mod general;
mod plan;
#[cfg(feature = "remote")]
mod remote;
mod schedule;
mod tensors;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
pub(crate) use cpu::{Autotuner, Blocks, PARTICLE_LANES, Processor, processors};
#[cfg(feature = "cuda-source")]
pub use cube::{CudaSource, cuda_sources};
pub use device::{Device, DeviceInfo, connect, devices};
pub(crate) use device::{Opened, failure};
pub use differentiable::Differentiable;
pub(crate) use door::{Engine, GRAIN, Gradient, Inputs, Remaining};
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
    let [particles, firms] = target.dims();
    let design = plan.design();
    assert_eq!(firms, design.steady.len());
    assert_eq!(rate.dims(), [particles, firms]);
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
