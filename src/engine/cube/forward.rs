//! The kernels of one period: inventories and orders of links, output of firms.
//!
//! A unit works on one row (the inputs of a firm) of one particle. Neighbouring units work on neighbouring
//! particles. A row with many entries is cut into chunks with a cube each, and a second kernel combines the results
//! of the chunks.

use super::layout::SLICE;
use crate::model::Kernel;
use crate::model::offer::device as rationing;
use crate::model::period::device as period;
use crate::model::production::device as production;
use cubecl::prelude::*;

/// Units of a cube.
pub(super) const UNITS: usize = 256;
/// The lowest inventory of a firm without inputs. A lowest inventory below `HAS_INPUT_BELOW` is that of an input.
pub(super) const NO_INPUT: f32 = 1e38;
pub(super) const HAS_INPUT_BELOW: f32 = 1e37;
/// Marks a firm without a column, whose capacity is always full.
pub(super) const NO_COLUMN: u32 = u32::MAX;

/// Whether a number is infinite or NaN: all bits of its exponent are 1.
#[cube]
fn not_finite(v: f32) -> bool {
    u32::reinterpret(v) & 0x7f80_0000u32 == 0x7f80_0000u32
}

/// Transposes targets and rates, [particle, firm], to [2, position, particle]. `nan` replaces the targets of firms
/// whose target or rate is not finite.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn load(
    firm: &[u32],
    target: &[f32],
    rate: &[f32],
    behaviour: &mut [f32],
    firms: usize,
    first: usize,
    particles: usize,
    nan: f32,
) {
    let unit = ABSOLUTE_POS;
    let position = unit / particles;
    if position < firms {
        let p = first + unit % particles;
        let from = p * firms + firm[position] as usize;
        let (n, r) = (target[from], rate[from]);
        behaviour[unit] = select(not_finite(n) || not_finite(r), nan, n);
        behaviour[firms * particles + unit] = r;
    }
}

/// Data of a firm that its links read at the beginning of period t.
#[derive(CubeType, Clone, Copy)]
struct Buyer {
    target: f32,
    rate: f32,
    /// Orders of t if stocks were 0.
    level: f32,
    /// Orders of t-2 if stocks were 0.
    level_before: f32,
    /// Output in t-1.
    used: f32,
}

#[cube]
fn buyer(
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    output: &[f32],
    cells: usize,
    i: usize,
) -> Buyer {
    let (target, rate) = (behaviour[i], behaviour[cells + i]);
    Buyer {
        target,
        rate,
        level: period::level(target, rate, demand[i]),
        level_before: period::level(target, rate, demand_before[i]),
        used: output[i],
    }
}

/// The inventory of t-1, from those of t-2 and t-3 and from the supplier's offer of t-1.
#[cube]
fn next_stock(buyer: &Buyer, s1: f32, s2: f32, offer: f32) -> f32 {
    let ordered = period::order(buyer.level_before, buyer.rate, s2);
    period::stock(ordered, offer, s1, buyer.used)
}

/// The link pass at the beginning of period t, for firms with few inputs: inventories of t-1, orders of t, the
/// lowest inventory, and the first input that has it. `first` is period 1, whose inventories are the targets;
/// `recompute` computes inventories only.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn link_pass_light(
    span: &[u32],
    supplier: &[u32],
    coefficient: &[f32],
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    output: &[f32],
    offer: &[f32],
    s1: &[f32],
    s2: &[f32],
    stock: &mut [f32],
    orders: &mut [f32],
    lowest: &mut [f32],
    limiting: &mut [u32],
    heavy: usize,
    firms: usize,
    particles: usize,
    #[comptime] first: bool,
    #[comptime] recompute: bool,
) {
    let unit = ABSOLUTE_POS;
    let position = heavy + unit / particles;
    if position < firms {
        let p = unit % particles;
        let i = position * particles + p;
        let buyer = buyer(
            behaviour,
            demand,
            demand_before,
            output,
            firms * particles,
            i,
        );
        let slot = span[2 * position] as usize;
        let degree = span[2 * position + 1];
        let mut low = f32::new(NO_INPUT);
        let mut lowest_input = 0u32;
        for k in 0..degree {
            let link = slot + k as usize * SLICE;
            let e = link * particles + p;
            let mut now = buyer.target;
            if comptime![!first] {
                let from = supplier[link] as usize * particles + p;
                now = next_stock(&buyer, s1[e], s2[e], offer[from]);
            }
            stock[e] = now;
            if comptime![!recompute] {
                orders[e] = coefficient[link] * period::order(buyer.level, buyer.rate, now);
                if now < low {
                    low = now;
                    lowest_input = k;
                }
            }
        }
        if comptime![!recompute] {
            lowest[i] = select(not_finite(buyer.target), buyer.target, low);
            limiting[i] = lowest_input;
        }
    }
}

/// The same for one chunk of a firm with many inputs. `partial` takes the lowest inventory of each chunk and then,
/// for each chunk, the input that has it.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn link_pass_heavy(
    chunk: &[u32],
    span: &[u32],
    supplier: &[u32],
    coefficient: &[f32],
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    output: &[f32],
    offer: &[f32],
    s1: &[f32],
    s2: &[f32],
    stock: &mut [f32],
    orders: &mut [f32],
    partial: &mut [f32],
    firms: usize,
    particles: usize,
    chunks: usize,
    #[comptime] first: bool,
    #[comptime] recompute: bool,
) {
    let c = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let mut low = f32::new(NO_INPUT);
    let mut lowest_input = 0u32;
    if p < particles {
        let position = chunk[3 * c] as usize;
        let begin = chunk[3 * c + 1];
        let end = begin + chunk[3 * c + 2];
        let i = position * particles + p;
        let buyer = buyer(
            behaviour,
            demand,
            demand_before,
            output,
            firms * particles,
            i,
        );
        let slot = span[2 * position] as usize;
        let mut k = begin + UNIT_POS_Y;
        while k < end {
            let link = slot + k as usize;
            let e = link * particles + p;
            let mut now = buyer.target;
            if comptime![!first] {
                let from = supplier[link] as usize * particles + p;
                now = next_stock(&buyer, s1[e], s2[e], offer[from]);
            }
            stock[e] = now;
            if comptime![!recompute] {
                orders[e] = coefficient[link] * period::order(buyer.level, buyer.rate, now);
                if now < low {
                    low = now;
                    lowest_input = k;
                }
            }
            k += CUBE_DIM_Y;
        }
    }
    if comptime![!recompute] {
        let lowest = lowest_of_column(low, lowest_input);
        if p < particles && UNIT_POS_Y == 0 {
            partial[c * particles + p] = lowest.stock;
            // The cast is exact: no firm has 2^24 inputs.
            partial[(chunks + c) * particles + p] = f32::cast_from(lowest.input);
        }
    }
}

/// An inventory, and the input that it belongs to.
#[derive(CubeType, Clone, Copy)]
struct Lowest {
    stock: f32,
    input: u32,
}

/// The lowest inventory of each column of a cube's units; of equal inventories that of the first input. The units
/// of row 0 get the result.
#[cube]
fn lowest_of_column(stock: f32, input: u32) -> Lowest {
    let mut stocks = Shared::<[f32]>::new_slice(UNITS);
    let mut inputs = Shared::<[u32]>::new_slice(UNITS);
    let own = UNIT_POS as usize;
    stocks[own] = stock;
    inputs[own] = input;
    sync_cube();
    let mut half = CUBE_DIM_Y / 2;
    while half > 0 {
        if UNIT_POS_Y < half {
            let other = own + (half * CUBE_DIM_X) as usize;
            let (s, k) = (stocks[other], inputs[other]);
            if s < stocks[own] || (s == stocks[own] && k < inputs[own]) {
                stocks[own] = s;
                inputs[own] = k;
            }
        }
        sync_cube();
        half /= 2;
    }
    Lowest {
        stock: stocks[own],
        input: inputs[own],
    }
}

/// Combines the chunks of each firm with many inputs.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn link_pass_finish(
    first_chunk: &[u32],
    partial: &[f32],
    behaviour: &[f32],
    lowest: &mut [f32],
    limiting: &mut [u32],
    particles: usize,
    chunks: usize,
) {
    let position = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let mut low = f32::new(NO_INPUT);
    let mut lowest_input = 0u32;
    if p < particles {
        let end = first_chunk[position + 1];
        let mut c = first_chunk[position] + UNIT_POS_Y;
        while c < end {
            let stock = partial[c as usize * particles + p];
            if stock < low {
                low = stock;
                lowest_input = u32::cast_from(partial[(chunks + c as usize) * particles + p]);
            }
            c += CUBE_DIM_Y;
        }
    }
    let found = lowest_of_column(low, lowest_input);
    if p < particles && UNIT_POS_Y == 0 {
        let i = position * particles + p;
        let target = behaviour[i];
        lowest[i] = select(not_finite(target), target, found.stock);
        limiting[i] = found.input;
    }
}

/// Remaining capacity of a firm in a period. `first` is the period's first entry of the first particle; `stride` is
/// the number of entries of a particle, 0 where all particles have one capacity.
#[cube]
pub(super) fn remaining(
    group_and_column: &[u32],
    capacity: &[f32],
    firms: usize,
    position: usize,
    p: usize,
    first: usize,
    stride: usize,
) -> f32 {
    let column = group_and_column[firms + position];
    let mut z = 1.0f32;
    if column != NO_COLUMN {
        z = capacity[first + p * stride + column as usize];
    }
    z
}

/// The firm pass: output, and the offer of each firm.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn firm_pass(
    lowest: &[f32],
    demand: &[f32],
    full: &[f32],
    outside: &[f32],
    group_and_column: &[u32],
    capacity: &[f32],
    output: &mut [f32],
    offer: &mut [f32],
    firms: usize,
    particles: usize,
    capacity_first: usize,
    capacity_stride: usize,
    #[comptime] model: Kernel,
) {
    let i = ABSOLUTE_POS;
    let position = i / particles;
    if position < firms {
        let p = i % particles;
        let z = remaining(
            group_and_column,
            capacity,
            firms,
            position,
            p,
            capacity_first,
            capacity_stride,
        );
        let own = z * full[position];
        let (low, d) = (lowest[i], demand[i]);
        let x = period::output(d, production::limit(model.production, own, z, low));
        // The minimum would hide a target that is not finite.
        output[i] = select(not_finite(low), low, x);
        offer[i] = rationing::offer(model.rationing, x, d, outside[position]);
    }
}

/// The offer of each firm, from its output and demand.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn offers(
    demand: &[f32],
    output: &[f32],
    outside: &[f32],
    offer: &mut [f32],
    particles: usize,
    cells: usize,
    #[comptime] model: Kernel,
) {
    let i = ABSOLUTE_POS;
    if i < cells {
        let outside = outside[i / particles];
        offer[i] = rationing::offer(model.rationing, output[i], demand[i], outside);
    }
}
