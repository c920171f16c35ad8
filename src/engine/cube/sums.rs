//! The kernels that sum: orders of customers, output of groups. Each sum gathers its terms in a fixed order,
//! without atomics.

use super::forward::UNITS;
use super::layout::SLICE;
use cubecl::prelude::*;

/// Where a launch writes its sums: `first + row x by_row + particle x by_particle`.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct Destination {
    pub(super) first: usize,
    pub(super) by_row: usize,
    pub(super) by_particle: usize,
}

#[cube]
fn put(
    out: &mut [f32],
    base: &[f32],
    at: Destination,
    row: usize,
    p: usize,
    sum: f32,
    #[comptime] with_base: bool,
) {
    let mut all = sum;
    if comptime![with_base] {
        all = base[row] + sum;
    }
    out[at.first + row * at.by_row + p * at.by_particle] = all;
}

/// Sums of rows with few entries: `values` [entry, particle]; `base` [row] is added if `with_base`.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn sum_light(
    span: &[u32],
    to: &[u32],
    from: &[u32],
    base: &[f32],
    values: &[f32],
    out: &mut [f32],
    at: Destination,
    heavy: usize,
    rows: usize,
    particles: usize,
    #[comptime] with_base: bool,
) {
    let unit = ABSOLUTE_POS;
    let position = heavy + unit / particles;
    if position < rows {
        let p = unit % particles;
        let slot = span[2 * position] as usize;
        let degree = span[2 * position + 1] as usize;
        let mut sum = 0.0f32;
        for k in 0..degree {
            sum += values[from[slot + k * SLICE] as usize * particles + p];
        }
        put(out, base, at, to[position] as usize, p, sum, with_base);
    }
}

/// The same for one chunk of a row with many entries.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn sum_heavy(
    chunk: &[u32],
    span: &[u32],
    from: &[u32],
    values: &[f32],
    partial: &mut [f32],
    particles: usize,
) {
    let c = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let mut sum = 0.0f32;
    if p < particles {
        let slot = (span[2 * chunk[3 * c] as usize] + chunk[3 * c + 1]) as usize;
        let count = chunk[3 * c + 2];
        let mut k = UNIT_POS_Y;
        while k < count {
            sum += values[from[slot + k as usize] as usize * particles + p];
            k += CUBE_DIM_Y;
        }
    }
    let sum = column_sum(sum);
    if p < particles && UNIT_POS_Y == 0 {
        partial[c * particles + p] = sum;
    }
}

/// Sums the chunks of each row with many entries.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn sum_finish(
    first_chunk: &[u32],
    to: &[u32],
    base: &[f32],
    partial: &[f32],
    out: &mut [f32],
    at: Destination,
    particles: usize,
    #[comptime] with_base: bool,
) {
    let position = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let sum = column_sum(chunks_of(first_chunk, partial, position, p, particles, 0));
    if p < particles && UNIT_POS_Y == 0 {
        put(out, base, at, to[position] as usize, p, sum, with_base);
    }
}

/// One unit's terms of the sum over a row's chunks; `partial` is [chunk, particle] from `first` on.
#[cube]
pub(super) fn chunks_of(
    first_chunk: &[u32],
    partial: &[f32],
    position: usize,
    p: usize,
    particles: usize,
    first: usize,
) -> f32 {
    let mut sum = 0.0f32;
    if p < particles {
        let end = first_chunk[position + 1];
        let mut c = first_chunk[position] + UNIT_POS_Y;
        while c < end {
            sum += partial[(first + c as usize) * particles + p];
            c += CUBE_DIM_Y;
        }
    }
    sum
}

/// The sum of each column of a cube's units. The units of row 0 get the result.
#[cube]
pub(super) fn column_sum(value: f32) -> f32 {
    let mut values = Shared::<[f32]>::new_slice(UNITS);
    let own = UNIT_POS as usize;
    values[own] = value;
    sync_cube();
    let mut half = CUBE_DIM_Y / 2;
    while half > 0 {
        if UNIT_POS_Y < half {
            values[own] += values[own + (half * CUBE_DIM_X) as usize];
        }
        sync_cube();
        half /= 2;
    }
    values[own]
}

/// Sums the gradients of all particles in their common capacity, [particle, cell] to [cell].
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn over_particles(values: &[f32], out: &mut [f32], cells: usize, particles: usize) {
    let cell = ABSOLUTE_POS;
    if cell < cells {
        let mut sum = 0.0f32;
        for p in 0..particles {
            sum += values[p * cells + cell];
        }
        out[cell] = sum;
    }
}

/// Sets `out` to one value, from `first` to before `last`.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn fill(out: &mut [f32], value: f32, first: usize, last: usize) {
    let i = first + ABSOLUTE_POS;
    if i < last {
        out[i] = value;
    }
}

/// Copies a value a row, [row], to all particles, [row, particle].
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn spread(values: &[f32], out: &mut [f32], cells: usize, particles: usize) {
    let i = ABSOLUTE_POS;
    if i < cells {
        out[i] = values[i / particles];
    }
}
