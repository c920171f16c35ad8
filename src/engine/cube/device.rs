//! A plan on a device: its arrays, buffers of a run, launches.

use super::forward::UNITS;
use super::layout::{Layout, RowSums, Slices};
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeDevice;
use burn_cubecl::tensor::CubeTensor;
use bytemuck::Pod;
use cubecl::client::Client;
use cubecl::prelude::{BufferArg, CubeCount, CubeDim};

/// Launches a kernel with a unit or a cube for each piece of work. While `cuda_sources` runs, the launch is
/// recorded as well, see `source`.
macro_rules! launch {
    ($layout:expr, $($kernel:ident)::+, $cubes:expr, $($argument:expr),* $(,)?) => {{
        let (count, dim) = $cubes;
        let client = &$layout.client;
        #[cfg(feature = "cuda-source")]
        super::source::record(|| {
            Box::new($($kernel)::+::create_dummy_kernel(
                client.properties_shared(),
                client.target_properties_shared(),
                count.clone(),
                dim,
                $($argument),*
            ))
        });
        $($kernel)::+::launch(client, count, dim, $($argument),*);
    }};
}
pub(super) use launch;

/// An array of numbers on a device.
#[derive(Clone)]
pub(super) struct Buffer(pub(super) CubeTensor);

impl Buffer {
    /// As an argument of a launch.
    pub(super) fn arg(&self) -> BufferArg {
        self.0.clone().into_buffer_arg()
    }
}

/// `Slices` on a device.
pub(super) struct SlicesOnDevice {
    pub(super) rows: usize,
    pub(super) heavy: usize,
    pub(super) slots: usize,
    pub(super) chunks: usize,
    pub(super) span: Buffer,
    pub(super) chunk: Buffer,
    pub(super) first_chunk: Buffer,
}

/// `RowSums` on a device.
pub(super) struct RowSumsOnDevice {
    pub(super) rows: SlicesOnDevice,
    pub(super) to: Buffer,
    pub(super) from: Buffer,
}

/// A plan's arrays on a device.
pub(super) struct DeviceLayout {
    pub(super) client: Client,
    pub(super) device: CubeDevice,
    pub(super) firms: usize,
    pub(super) inputs: SlicesOnDevice,
    /// Firm at each position.
    pub(super) firm: Buffer,
    pub(super) supplier: Buffer,
    pub(super) coefficient: Buffer,
    pub(super) outside: Buffer,
    pub(super) steady: Buffer,
    pub(super) full: Buffer,
    pub(super) group_and_column: Buffer,
    pub(super) customers: RowSumsOnDevice,
    pub(super) groups: RowSumsOnDevice,
}

impl DeviceLayout {
    pub(super) fn new(layout: &Layout, device: &CubeDevice) -> Self {
        let client = device.client();
        let up = Upload {
            client: &client,
            device,
        };
        Self {
            firms: layout.inputs.rows(),
            inputs: up.rows(&layout.inputs),
            firm: up.whole(&layout.inputs.order),
            supplier: up.whole(&layout.supplier),
            coefficient: up.floats(&layout.coefficient),
            outside: up.floats(&layout.outside),
            steady: up.floats(&layout.steady),
            full: up.floats(&layout.full),
            group_and_column: up.whole(&layout.group_and_column),
            customers: up.sums(&layout.customers),
            groups: up.sums(&layout.groups),
            device: device.clone(),
            client,
        }
    }

    /// A buffer of floats whose values are not set.
    pub(super) fn empty(&self, length: usize) -> Buffer {
        self.buffer(length, DType::F32)
    }

    /// A buffer of whole numbers whose values are not set.
    pub(super) fn empty_whole(&self, length: usize) -> Buffer {
        self.buffer(length, DType::U32)
    }

    fn buffer(&self, length: usize, dtype: DType) -> Buffer {
        let handle = self.client.empty(length * 4);
        let (client, device) = (self.client.clone(), self.device.clone());
        Buffer(CubeTensor::new_contiguous(
            client,
            device,
            Shape::new([length]),
            handle,
            dtype,
        ))
    }

    /// Count and size of cubes for a launch with one unit for each of `units` numbers.
    pub(super) fn unit_each(&self, units: usize) -> (CubeCount, CubeDim) {
        let dim = CubeDim::new_1d(UNITS as u32);
        (
            cubecl::calculate_cube_count_elemwise(&self.client, units, dim),
            dim,
        )
    }
}

/// Count and size of cubes for a launch with one cube for each of `pieces` of work: particles along x, the units
/// that divide a piece among them along y.
pub(super) fn cube_each(pieces: usize, particles: usize) -> (CubeCount, CubeDim) {
    let side = particles.next_power_of_two().min(32);
    let count = CubeCount::Static(pieces as u32, particles.div_ceil(side) as u32, 1);
    (count, CubeDim::new_2d(side as u32, (UNITS / side) as u32))
}

struct Upload<'a> {
    client: &'a Client,
    device: &'a CubeDevice,
}

impl Upload<'_> {
    fn any<T: Pod>(&self, values: &[T], dtype: DType) -> Buffer {
        let handle = self.client.create_from_slice(bytemuck::cast_slice(values));
        let shape = Shape::new([values.len()]);
        let (client, device) = (self.client.clone(), self.device.clone());
        Buffer(CubeTensor::new_contiguous(
            client, device, shape, handle, dtype,
        ))
    }

    fn floats(&self, values: &[f32]) -> Buffer {
        self.any(values, DType::F32)
    }

    fn whole(&self, values: &[u32]) -> Buffer {
        // A buffer cannot be empty.
        if values.is_empty() {
            self.any(&[0u32], DType::U32)
        } else {
            self.any(values, DType::U32)
        }
    }

    fn rows(&self, rows: &Slices) -> SlicesOnDevice {
        SlicesOnDevice {
            rows: rows.rows(),
            heavy: rows.heavy,
            slots: rows.slots,
            chunks: rows.chunk.len() / 3,
            span: self.whole(&rows.span),
            chunk: self.whole(&rows.chunk),
            first_chunk: self.whole(&rows.first_chunk),
        }
    }

    fn sums(&self, sums: &RowSums) -> RowSumsOnDevice {
        RowSumsOnDevice {
            rows: self.rows(&sums.rows),
            to: self.whole(&sums.to),
            from: self.whole(&sums.from),
        }
    }
}
