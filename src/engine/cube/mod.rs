//! The kernels on a GPU, of any kind that CubeCL reaches.
//!
//! A period is four launches, and three in the adjoint pass:
//!
//! | kernel | works on | computes |
//! |---|---|---|
//! | `link_pass` | a firm's inputs | inventories of t-1, orders of t, the lowest inventory |
//! | `firm_pass` | a firm | output of t, the offer: the share of its orders that the firm delivers |
//! | `sum` | a group's firms | the panel |
//! | `sum` | a firm's customers | demand of t |
//! | `link_adjoint` | a firm's inputs | adjoints of inventories and orders, and their sums |
//! | `sum` | a firm's customers | adjoint of the offer |
//! | `firm_adjoint` | a firm | adjoints of demand, lowest inventory, capacity, target |
//!
//! Everything stays on the device for the whole horizon: target, rate and capacity go in, the panel comes out.
//! Particles are the fastest index. Firms are sorted by their number of inputs, in SELL-C-sigma slices (Kreutzer et
//! al. 2014) with C = 32: the k-th inputs of a slice's firms are neighbours, so that neighbouring units read
//! neighbouring numbers with one particle, too. The orders on a supplier, and the adjoints of its offer, are gathered
//! over its customers: no atomics, the same bits in every run. A row of more than 64 entries is heavy: it is cut into
//! chunks of 512 entries with a cube each, and a second launch combines the chunks. Networks without heavy rows do
//! without these launches.
//!
//! # What it costs
//!
//! Bytes of one period for P particles, counted from the arguments of the kernels: every array once, 4 bytes a
//! number.
//!
//! | | a link | a firm |
//! |---|---|---|
//! | `link_pass` | 16 P + 8 | 32 P + 8 |
//! | `firm_pass` | | 16 P + 8 |
//! | `sum` of customers, of groups | 4 P + 4 | 8 P + 20 |
//! | `link_adjoint` | 28 P + 8 | 48 P + 8 |
//! | `sum` of customers | 4 P + 4 | 4 P + 12 |
//! | `firm_adjoint` | | 44 P + 12 |
//! | a gradient | 52 P + 24 | 152 P + 68 |
//!
//! The kernels do 27 P operations a link and about 40 P a firm: half an operation a byte, where an H100 can do 20 for
//! each byte that it reads. Memory bandwidth is the limit. Predicted, not measured, for a loss with its gradient over
//! 60 periods with 8 particles, at 80 % of the memory bandwidth (H100 SXM 3.35 TB/s, RTX 5090 1.79 TB/s, RTX 4060
//! Laptop 0.256 TB/s):
//!
//! | firms, links | bytes | H100 | RTX 5090 | RTX 4060 Laptop | kept for the gradient |
//! |---|---|---|---|---|---|
//! | 1,000, 10,300 | 0.35 GB | 0.13 ms | 0.24 ms | 1.7 ms | 0.03 GB |
//! | 10,000, 98,617 | 3.4 GB | 1.3 ms | 2.4 ms | 16 ms | 0.26 GB |
//! | 100,000, 997,907 | 34 GB | 13 ms | 24 ms | 166 ms | 2.6 GB |
//! | 1,000,000, 5,000,000 | 209 GB | 78 ms | 146 ms | 1.0 s | 16 GB (checkpoints from 8 GB on) |
//!
//! For instance, 60 x (98,617 x (52 x 8 + 24) + 10,000 x (152 x 8 + 68)) = 3.4 GB, / (0.8 x 3.35 TB/s) = 1.3 ms.
//! The 420 launches of a gradient come on top. On an H100 through Vulkan a launch takes 60 µs, and those of a gradient
//! 25 ms, which dominates there below some 100,000 firms; 8 particles of a million firms take 0.7 s with the transfers
//! to and from the host (`examples/gpu_check.rs`). With one particle the gathers of `sum` read 32 bytes for each 4,
//! unless the second-level cache holds an array of links (50 MB on an H100: 12 million links); from 8 particles on
//! they read only what they need.

mod adjoint;
mod back;
mod device;
mod forward;
mod layout;
mod run;
#[cfg(feature = "cuda-source")]
mod source;
mod sums;
mod tape;

use super::adjoint::Passes;
use super::{Operation, Plan};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Cube, TensorMetadata};
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeDevice;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use device::{Buffer, DeviceLayout};
use layout::Layout;
use run::{Run, Tensors};
#[cfg(feature = "cuda-source")]
pub use source::{CudaSource, cuda_sources};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tape::BlockTape;

/// A plan's arrays on the devices that it has run on.
#[derive(Default)]
struct OnDevices {
    /// For all devices.
    layout: OnceLock<Layout>,
    layouts: Mutex<Vec<Arc<DeviceLayout>>>,
}

impl OnDevices {
    fn get(&self, plan: &Plan, device: &CubeDevice) -> Arc<DeviceLayout> {
        let mut all = self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = all.iter().find(|l| l.device == *device) {
            return found.clone();
        }
        let layout = self.layout.get_or_init(|| Layout::new(plan.design()));
        let made = Arc::new(DeviceLayout::new(layout, device));
        all.push(made.clone());
        made
    }
}

/// What the gradient reads of a run.
pub(super) struct Tape {
    plan: Plan,
    layout: Arc<DeviceLayout>,
    tensors: Tensors,
    blocks: Vec<BlockTape>,
}

impl Tensors {
    fn new(target: CubeTensor, rate: CubeTensor, capacity: CubeTensor) -> Self {
        assert_eq!(target.dtype, DType::F32);
        let particles = target.shape()[0];
        Self {
            shared: capacity.shape()[0] == 1,
            target: Buffer(into_contiguous(target)),
            rate: Buffer(into_contiguous(rate)),
            capacity: Buffer(into_contiguous(capacity)),
            particles,
        }
    }
}

/// A buffer as a tensor of this shape.
fn shaped(buffer: Buffer, shape: Shape) -> CubeTensor {
    let CubeTensor {
        client,
        device,
        handle,
        dtype,
        ..
    } = buffer.0;
    CubeTensor::new_contiguous(client, device, shape, handle, dtype)
}

fn forward(
    [target, rate, capacity]: [CubeTensor; 3],
    plan: &Plan,
    keep: bool,
) -> (CubeTensor, Tape) {
    let layout = plan
        .cached(|_| OnDevices::default())
        .get(plan, &target.device);
    let tensors = Tensors::new(target, rate, capacity);
    let design = plan.design();
    let shape = Shape::new([tensors.particles, design.periods, design.groups]);
    let panel = layout.empty(shape.num_elements());
    let stride = keep.then(|| {
        let bytes = layout.inputs.slots * tensors.particles * 4;
        let memory = layout.client.properties().memory.max_memory();
        let memory = || memory.map_or_else(crate::memory::available, |m| m as usize);
        design.checkpoint.stride(design.periods, bytes, memory)
    });
    let blocks = run::blocks(&layout, tensors.particles)
        .into_iter()
        .filter_map(|block| {
            let run = Run {
                design,
                layout: &layout,
                tensors: &tensors,
                block,
            };
            run.forward(&panel, stride)
        })
        .collect();
    let tape = Tape {
        plan: plan.clone(),
        layout,
        tensors,
        blocks,
    };
    (shaped(panel, shape), tape)
}

impl Operation for Cube {
    fn panel(
        target: FloatTensor<Self>,
        rate: FloatTensor<Self>,
        capacity: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        forward([target, rate, capacity], &plan, false).0
    }
}

impl Passes for Cube {
    type Tape = Tape;

    fn forward(tensors: [FloatTensor<Self>; 3], plan: &Plan) -> (FloatTensor<Self>, Tape) {
        forward(tensors, plan, true)
    }

    fn backward(
        tape: &mut Tape,
        panel: FloatTensor<Self>,
        with_capacity: bool,
    ) -> [Option<FloatTensor<Self>>; 3] {
        let Tape {
            plan,
            layout,
            tensors,
            blocks,
        } = tape;
        let design = plan.design();
        let panel = Buffer(into_contiguous(panel));
        let firms = Shape::new([tensors.particles, layout.firms]);
        let (target, rate) = (
            layout.empty(firms.num_elements()),
            layout.empty(firms.num_elements()),
        );
        let cells = design.periods * design.column.len();
        let capacity = with_capacity.then(|| layout.empty(tensors.particles * cells));
        for (block, block_tape) in run::blocks(layout, tensors.particles)
            .into_iter()
            .zip(&*blocks)
        {
            let run = Run {
                design,
                layout,
                tensors,
                block,
            };
            run.backward(block_tape, &panel, (&target, &rate), capacity.as_ref());
        }
        let capacity = capacity.map(|all| {
            let rows = if tensors.shared { 1 } else { tensors.particles };
            let shape = Shape::new([rows, design.periods, design.column.len()]);
            if rows == tensors.particles {
                return shaped(all, shape);
            }
            let sum = layout.empty(cells);
            run::over_particles(layout, &all, &sum, cells, tensors.particles);
            shaped(sum, shape)
        });
        [
            Some(shaped(target, firms.clone())),
            Some(shaped(rate, firms)),
            capacity,
        ]
    }
}
