//! The kernels of one period: inventories and orders of links, output of nodes.
//!
//! A unit works on one row (a node's inputs) of one particle, particles side by side; a row with many
//! entries is cut into chunks with a cube each, whose results a second kernel brings together.

use super::layout::SLICE;
use crate::model::Model;
use crate::model::period::device as period;
use crate::model::production::device as production;
use crate::model::rationing::device as rationing;
use cubecl::prelude::*;

/// Units of a cube.
pub(super) const UNITS: usize = 256;
/// The lowest inventory of a node without inputs; anything above `UNFED` means that it has none.
pub(super) const NO_INPUT: f32 = 1e38;
pub(super) const UNFED: f32 = 1e37;
/// No column: the capacity is full.
pub(super) const NO_COLUMN: u32 = u32::MAX;

/// Infinite or not a number: its exponent is all ones.
#[cube]
fn broken(v: f32) -> bool {
    u32::reinterpret(v) & 0x7f80_0000u32 == 0x7f80_0000u32
}

/// Lays targets and rates [particle, node] side by side by place, [2, place, particle]; `nan` takes
/// the place of targets that are not numbers or that have such a rate.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn load(
    node: &[u32],
    target: &[f32],
    rate: &[f32],
    behaviour: &mut [f32],
    nodes: usize,
    first: usize,
    particles: usize,
    nan: f32,
) {
    let unit = ABSOLUTE_POS;
    let place = unit / particles;
    if place < nodes {
        let p = first + unit % particles;
        let from = p * nodes + node[place] as usize;
        let (n, r) = (target[from], rate[from]);
        behaviour[unit] = select(broken(n) || broken(r), nan, n);
        behaviour[nodes * particles + unit] = r;
    }
}

/// What a node knows when it looks at its inputs at the beginning of period t.
#[derive(CubeType, Clone, Copy)]
struct Buyer {
    target: f32,
    rate: f32,
    /// Orders of t were none were in stock.
    level: f32,
    /// Likewise of t-2.
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

/// The inventory of t-1 from those of t-2 and t-3 and the share of its orders that the supplier
/// delivered in t-1.
#[cube]
fn advanced(buyer: &Buyer, s1: f32, s2: f32, share: f32) -> f32 {
    let ordered = period::order(buyer.level_before, buyer.rate, s2);
    period::stock(ordered, share, s1, buyer.used)
}

/// Begins period t for nodes with few inputs: inventories of t-1, orders of t, the lowest inventory
/// and the first input that has it. `first` is period 1, whose inventories are the targets; `again`
/// computes inventories only.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn advance_light(
    span: &[u32],
    supplier: &[u32],
    coefficient: &[f32],
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    output: &[f32],
    share: &[f32],
    s1: &[f32],
    s2: &[f32],
    stock: &mut [f32],
    asked: &mut [f32],
    lowest: &mut [f32],
    limiting: &mut [u32],
    heavy: usize,
    nodes: usize,
    particles: usize,
    #[comptime] first: bool,
    #[comptime] again: bool,
) {
    let unit = ABSOLUTE_POS;
    let place = heavy + unit / particles;
    if place < nodes {
        let p = unit % particles;
        let i = place * particles + p;
        let buyer = buyer(
            behaviour,
            demand,
            demand_before,
            output,
            nodes * particles,
            i,
        );
        let slot = span[2 * place] as usize;
        let degree = span[2 * place + 1];
        let mut low = f32::new(NO_INPUT);
        let mut lowest_input = 0u32;
        for k in 0..degree {
            let link = slot + k as usize * SLICE;
            let e = link * particles + p;
            let mut now = buyer.target;
            if comptime![!first] {
                let from = supplier[link] as usize * particles + p;
                now = advanced(&buyer, s1[e], s2[e], share[from]);
            }
            stock[e] = now;
            if comptime![!again] {
                asked[e] = coefficient[link] * period::order(buyer.level, buyer.rate, now);
                if now < low {
                    low = now;
                    lowest_input = k;
                }
            }
        }
        if comptime![!again] {
            lowest[i] = select(broken(buyer.target), buyer.target, low);
            limiting[i] = lowest_input;
        }
    }
}

/// The same for one chunk of a node with many inputs; `partial` takes the chunk's lowest inventory
/// and, after those of all chunks, which input it is.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn advance_heavy(
    chunk: &[u32],
    span: &[u32],
    supplier: &[u32],
    coefficient: &[f32],
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    output: &[f32],
    share: &[f32],
    s1: &[f32],
    s2: &[f32],
    stock: &mut [f32],
    asked: &mut [f32],
    partial: &mut [f32],
    nodes: usize,
    particles: usize,
    chunks: usize,
    #[comptime] first: bool,
    #[comptime] again: bool,
) {
    let c = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let mut low = f32::new(NO_INPUT);
    let mut lowest_input = 0u32;
    if p < particles {
        let place = chunk[3 * c] as usize;
        let begin = chunk[3 * c + 1];
        let end = begin + chunk[3 * c + 2];
        let i = place * particles + p;
        let buyer = buyer(
            behaviour,
            demand,
            demand_before,
            output,
            nodes * particles,
            i,
        );
        let slot = span[2 * place] as usize;
        let mut k = begin + UNIT_POS_Y;
        while k < end {
            let link = slot + k as usize;
            let e = link * particles + p;
            let mut now = buyer.target;
            if comptime![!first] {
                let from = supplier[link] as usize * particles + p;
                now = advanced(&buyer, s1[e], s2[e], share[from]);
            }
            stock[e] = now;
            if comptime![!again] {
                asked[e] = coefficient[link] * period::order(buyer.level, buyer.rate, now);
                if now < low {
                    low = now;
                    lowest_input = k;
                }
            }
            k += CUBE_DIM_Y;
        }
    }
    if comptime![!again] {
        let lowest = together(low, lowest_input);
        if p < particles && UNIT_POS_Y == 0 {
            partial[c * particles + p] = lowest.stock;
            // Exact: no node has 2^24 inputs.
            partial[(chunks + c) * particles + p] = f32::cast_from(lowest.input);
        }
    }
}

/// An inventory and the input that it is of.
#[derive(CubeType, Clone, Copy)]
struct Lowest {
    stock: f32,
    input: u32,
}

/// The lowest of a cube's columns of units; of several equal ones the first input. The units of row 0
/// have it.
#[cube]
fn together(stock: f32, input: u32) -> Lowest {
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

/// Brings the chunks of each node with many inputs together.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn advance_finish(
    first_chunk: &[u32],
    partial: &[f32],
    behaviour: &[f32],
    lowest: &mut [f32],
    limiting: &mut [u32],
    particles: usize,
    chunks: usize,
) {
    let place = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let mut low = f32::new(NO_INPUT);
    let mut lowest_input = 0u32;
    if p < particles {
        let end = first_chunk[place + 1];
        let mut c = first_chunk[place] + UNIT_POS_Y;
        while c < end {
            let stock = partial[c as usize * particles + p];
            if stock < low {
                low = stock;
                lowest_input = u32::cast_from(partial[(chunks + c as usize) * particles + p]);
            }
            c += CUBE_DIM_Y;
        }
    }
    let found = together(low, lowest_input);
    if p < particles && UNIT_POS_Y == 0 {
        let i = place * particles + p;
        let target = behaviour[i];
        lowest[i] = select(broken(target), target, found.stock);
        limiting[i] = found.input;
    }
}

/// Remaining capacity of a node in a period: `first` is the period's first entry of the first
/// particle, `stride` the entries of a particle, 0 where all have the same.
#[cube]
pub(super) fn remaining(
    belongs: &[u32],
    capacity: &[f32],
    nodes: usize,
    place: usize,
    p: usize,
    first: usize,
    stride: usize,
) -> f32 {
    let column = belongs[nodes + place];
    let mut z = 1.0f32;
    if column != NO_COLUMN {
        z = capacity[first + p * stride + column as usize];
    }
    z
}

/// Output, and the share of its orders that each node delivers.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn produce(
    lowest: &[f32],
    demand: &[f32],
    full: &[f32],
    outside: &[f32],
    belongs: &[u32],
    capacity: &[f32],
    output: &mut [f32],
    share: &mut [f32],
    nodes: usize,
    particles: usize,
    capacity_first: usize,
    capacity_stride: usize,
    #[comptime] model: Model,
) {
    let i = ABSOLUTE_POS;
    let place = i / particles;
    if place < nodes {
        let p = i % particles;
        let z = remaining(
            belongs,
            capacity,
            nodes,
            place,
            p,
            capacity_first,
            capacity_stride,
        );
        let own = z * full[place];
        let (low, d) = (lowest[i], demand[i]);
        let x = period::output(d, production::limit(model.production, own, z, low));
        // Comparisons would hide a target that is not a number.
        output[i] = select(broken(low), low, x);
        share[i] = rationing::offer(model.rationing, x, d, outside[place]);
    }
}

/// The share of its orders that each node delivers, from its output and the demand it met.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn shares(
    demand: &[f32],
    output: &[f32],
    outside: &[f32],
    share: &mut [f32],
    particles: usize,
    cells: usize,
    #[comptime] model: Model,
) {
    let i = ABSOLUTE_POS;
    if i < cells {
        let outside = outside[i / particles];
        share[i] = rationing::offer(model.rationing, output[i], demand[i], outside);
    }
}
