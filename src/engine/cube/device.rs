//! A design on a device: its arrays, buffers for a run, launches.

use super::forward::UNITS;
use super::layout::{Layout, Rows, Sums};
use burn::tensor::{DType, Shape};
use burn_cubecl::CubeDevice;
use burn_cubecl::tensor::CubeTensor;
use bytemuck::Pod;
use cubecl::client::Client;
use cubecl::prelude::{BufferArg, CubeCount, CubeDim};

/// Launches a kernel with a unit or a cube for each piece of work. While the CUDA sources are being
/// written it is recorded as well, see `source`.
macro_rules! launch {
    ($laid:expr, $($kernel:ident)::+, $cubes:expr, $($argument:expr),* $(,)?) => {{
        let (count, dim) = $cubes;
        let client = &$laid.client;
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

/// Numbers on a device.
#[derive(Clone)]
pub(super) struct Buffer(pub(super) CubeTensor);

impl Buffer {
    /// As an argument of a launch.
    pub(super) fn arg(&self) -> BufferArg {
        self.0.clone().into_buffer_arg()
    }
}

/// Rows on a device.
pub(super) struct RowsOn {
    pub(super) rows: usize,
    pub(super) heavy: usize,
    pub(super) slots: usize,
    pub(super) chunks: usize,
    pub(super) span: Buffer,
    pub(super) chunk: Buffer,
    pub(super) first_chunk: Buffer,
}

/// Rows of numbers that lie elsewhere, on a device.
pub(super) struct SumsOn {
    pub(super) rows: RowsOn,
    pub(super) to: Buffer,
    pub(super) from: Buffer,
}

/// A design laid out and uploaded.
pub(super) struct Laid {
    pub(super) client: Client,
    pub(super) device: CubeDevice,
    pub(super) nodes: usize,
    pub(super) inputs: RowsOn,
    /// Node at each place.
    pub(super) node: Buffer,
    pub(super) supplier: Buffer,
    pub(super) coefficient: Buffer,
    pub(super) outside: Buffer,
    pub(super) steady: Buffer,
    pub(super) full: Buffer,
    pub(super) belongs: Buffer,
    pub(super) customers: SumsOn,
    pub(super) groups: SumsOn,
}

impl Laid {
    pub(super) fn new(layout: &Layout, device: &CubeDevice) -> Self {
        let client = device.client();
        let up = Upload {
            client: &client,
            device,
        };
        Self {
            nodes: layout.inputs.rows(),
            inputs: up.rows(&layout.inputs),
            node: up.whole(&layout.inputs.order),
            supplier: up.whole(&layout.supplier),
            coefficient: up.floats(&layout.coefficient),
            outside: up.floats(&layout.outside),
            steady: up.floats(&layout.steady),
            full: up.floats(&layout.full),
            belongs: up.whole(&layout.belongs),
            customers: up.sums(&layout.customers),
            groups: up.sums(&layout.groups),
            device: device.clone(),
            client,
        }
    }

    /// A buffer whose numbers are not set.
    pub(super) fn empty(&self, length: usize) -> Buffer {
        self.buffer(length, DType::F32)
    }

    /// Likewise, of whole numbers.
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

    /// Cubes for a launch of one unit each for `units` numbers.
    pub(super) fn flat(&self, units: usize) -> (CubeCount, CubeDim) {
        let dim = CubeDim::new_1d(UNITS as u32);
        (
            cubecl::calculate_cube_count_elemwise(&self.client, units, dim),
            dim,
        )
    }
}

/// Cubes for a launch with a cube for each of `pieces`: particles along x, the units that share the
/// work on one along y.
pub(super) fn tall(pieces: usize, particles: usize) -> (CubeCount, CubeDim) {
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
        // No array may be empty.
        if values.is_empty() {
            self.any(&[0u32], DType::U32)
        } else {
            self.any(values, DType::U32)
        }
    }

    fn rows(&self, rows: &Rows) -> RowsOn {
        RowsOn {
            rows: rows.rows(),
            heavy: rows.heavy,
            slots: rows.slots,
            chunks: rows.chunk.len() / 3,
            span: self.whole(&rows.span),
            chunk: self.whole(&rows.chunk),
            first_chunk: self.whole(&rows.first_chunk),
        }
    }

    fn sums(&self, sums: &Sums) -> SumsOn {
        SumsOn {
            rows: self.rows(&sums.rows),
            to: self.whole(&sums.to),
            from: self.whole(&sums.from),
        }
    }
}
