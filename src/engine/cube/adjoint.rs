//! The kernels of one period back: adjoints of inventories and orders, of output, demand and capacity.

use super::forward::{NO_COLUMN, UNFED, remaining};
use super::layout::SLICE;
use super::sums::{added, chunks_of};
use crate::model::Model;
use crate::model::period::device as period;
use crate::model::production::device as production;
use crate::model::rationing::device as rationing;
use cubecl::prelude::*;

/// What a node knows when it looks back at its inputs in period t.
#[derive(CubeType, Clone, Copy)]
struct Back {
    target: f32,
    rate: f32,
    /// Orders of t were none in stock in t-1.
    level: f32,
    /// Orders of t-1 were none in stock in t-2.
    level_before: f32,
    /// What the limiting input of t+1 is owed, and which it is.
    left: f32,
    limiting: u32,
}

#[cube]
fn back(
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    left: &[f32],
    limiting: &[u32],
    cells: usize,
    i: usize,
) -> Back {
    let (target, rate) = (behaviour[i], behaviour[cells + i]);
    Back {
        target,
        rate,
        level: period::level(target, rate, demand[i]),
        level_before: period::level(target, rate, demand_before[i]),
        left: left[i],
        limiting: limiting[i],
    }
}

/// Adjoints of a link in period t: of its inventory, of its orders before the `max`, and what it adds
/// to the adjoint of its supplier's delivered share.
#[derive(CubeType, Clone, Copy)]
struct Link {
    stock: f32,
    order: f32,
    owed: f32,
}

/// One link back. `inventory` and `ordered` are the adjoints of t+1, `pull` that of the supplier's
/// demand in t, `share` what the supplier delivers in t+1, `s1` and `s2` the inventories of t-1 and
/// t-2.
#[cube]
fn link_back(
    back: &Back,
    k: u32,
    inventory: f32,
    ordered: f32,
    coefficient: f32,
    share: f32,
    pull: f32,
    s1: f32,
    s2: f32,
) -> Link {
    let kept = period::to_stock(inventory, back.rate, ordered);
    let stock = kept + select(k == back.limiting, back.left, 0.0f32);
    let to_order = period::to_order(inventory, share, coefficient, pull);
    Link {
        stock,
        order: period::order_adjoint(back.level, back.rate, s1, to_order),
        owed: stock * period::order(back.level_before, back.rate, s2),
    }
}

/// Period t back for nodes with few inputs; `adjoint` holds the adjoints of inventories and then those
/// of orders, `market` the shares delivered in t+1 and the adjoints of demand in t, pairs by place.
/// `sums` takes the sums over inputs of the adjoints of inventories and of orders, and accumulates
/// the adjoint of the rate. `end` is period 0: only the first of the sums is wanted.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn retreat_light(
    span: &[u32],
    supplier: &[u32],
    coefficient: &[f32],
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    s1: &[f32],
    s2: &[f32],
    market: &[f32],
    left: &[f32],
    limiting: &[u32],
    adjoint: &mut [f32],
    owed: &mut [f32],
    sums: &mut [f32],
    heavy: usize,
    nodes: usize,
    particles: usize,
    slots: usize,
    #[comptime] end: bool,
) {
    let unit = ABSOLUTE_POS;
    let place = heavy + unit / particles;
    if place < nodes {
        let p = unit % particles;
        let cells = nodes * particles;
        let i = place * particles + p;
        let back = back(behaviour, demand, demand_before, left, limiting, cells, i);
        let slot = span[2 * place] as usize;
        let degree = span[2 * place + 1];
        let mut sum_stock = 0.0f32;
        let mut sum_order = 0.0f32;
        let mut sum_rate = 0.0f32;
        for k in 0..degree {
            let link = slot + k as usize * SLICE;
            let e = link * particles + p;
            let (inventory, ordered) = (adjoint[e], adjoint[slots * particles + e]);
            if comptime![end] {
                let kept = period::to_stock(inventory, back.rate, ordered);
                sum_stock += kept + select(k == back.limiting, back.left, 0.0f32);
            } else {
                let from = 2 * (supplier[link] as usize * particles + p);
                let (share, pull) = (market[from], market[from + 1]);
                let stock = s1[e];
                let found = link_back(
                    &back,
                    k,
                    inventory,
                    ordered,
                    coefficient[link],
                    share,
                    pull,
                    stock,
                    s2[e],
                );
                adjoint[e] = found.stock;
                adjoint[slots * particles + e] = found.order;
                owed[e] = found.owed;
                sum_stock += found.stock;
                sum_order += found.order;
                sum_rate = period::to_rate(found.order, back.target, stock, sum_rate);
            }
        }
        sums[i] = sum_stock;
        if comptime![!end] {
            sums[cells + i] = sum_order;
            sums[2 * cells + i] += sum_rate;
        }
    }
}

/// The same for one chunk of a node with many inputs; `partial` takes the three sums, [sum, chunk,
/// particle].
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn retreat_heavy(
    chunk: &[u32],
    span: &[u32],
    supplier: &[u32],
    coefficient: &[f32],
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    s1: &[f32],
    s2: &[f32],
    market: &[f32],
    left: &[f32],
    limiting: &[u32],
    adjoint: &mut [f32],
    owed: &mut [f32],
    partial: &mut [f32],
    nodes: usize,
    particles: usize,
    slots: usize,
    chunks: usize,
    #[comptime] end: bool,
) {
    let c = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let mut sum_stock = 0.0f32;
    let mut sum_order = 0.0f32;
    let mut sum_rate = 0.0f32;
    if p < particles {
        let place = chunk[3 * c] as usize;
        let begin = chunk[3 * c + 1];
        let last = begin + chunk[3 * c + 2];
        let i = place * particles + p;
        let cells = nodes * particles;
        let back = back(behaviour, demand, demand_before, left, limiting, cells, i);
        let slot = span[2 * place] as usize;
        let mut k = begin + UNIT_POS_Y;
        while k < last {
            let link = slot + k as usize;
            let e = link * particles + p;
            let (inventory, ordered) = (adjoint[e], adjoint[slots * particles + e]);
            if comptime![end] {
                let kept = period::to_stock(inventory, back.rate, ordered);
                sum_stock += kept + select(k == back.limiting, back.left, 0.0f32);
            } else {
                let from = 2 * (supplier[link] as usize * particles + p);
                let (share, pull) = (market[from], market[from + 1]);
                let stock = s1[e];
                let found = link_back(
                    &back,
                    k,
                    inventory,
                    ordered,
                    coefficient[link],
                    share,
                    pull,
                    stock,
                    s2[e],
                );
                adjoint[e] = found.stock;
                adjoint[slots * particles + e] = found.order;
                owed[e] = found.owed;
                sum_stock += found.stock;
                sum_order += found.order;
                sum_rate = period::to_rate(found.order, back.target, stock, sum_rate);
            }
            k += CUBE_DIM_Y;
        }
    }
    let all_stock = added(sum_stock);
    if p < particles && UNIT_POS_Y == 0 {
        partial[c * particles + p] = all_stock;
    }
    if comptime![!end] {
        let all_order = added(sum_order);
        let all_rate = added(sum_rate);
        if p < particles && UNIT_POS_Y == 0 {
            partial[(chunks + c) * particles + p] = all_order;
            partial[(2 * chunks + c) * particles + p] = all_rate;
        }
    }
}

/// Adds the chunks of each node with many inputs up.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn retreat_finish(
    first_chunk: &[u32],
    partial: &[f32],
    sums: &mut [f32],
    nodes: usize,
    particles: usize,
    chunks: usize,
    #[comptime] end: bool,
) {
    let place = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let cells = nodes * particles;
    let i = place * particles + p;
    let stock = added(chunks_of(first_chunk, partial, place, p, particles, 0));
    if p < particles && UNIT_POS_Y == 0 {
        sums[i] = stock;
    }
    if comptime![!end] {
        let order = added(chunks_of(first_chunk, partial, place, p, particles, chunks));
        let rate = added(chunks_of(
            first_chunk,
            partial,
            place,
            p,
            particles,
            2 * chunks,
        ));
        if p < particles && UNIT_POS_Y == 0 {
            sums[cells + i] = order;
            sums[2 * cells + i] += rate;
        }
    }
}

/// Where a period's numbers stand in the tensors of a run.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct At {
    /// The period's first entry in the panel, and the entries of a particle.
    pub(super) panel_first: usize,
    pub(super) panel_stride: usize,
    /// Likewise in the capacity.
    pub(super) capacity_first: usize,
    pub(super) capacity_stride: usize,
    /// Likewise in the gradient of the capacity.
    pub(super) gradient_first: usize,
    pub(super) gradient_stride: usize,
}

/// Output back in period t: adjoints of demand in t-1 and shares of t (to `market`), what the limiting
/// input is owed, and the gradients in target and capacity.
///
/// At a tie output is limited by demand first, then by capacity, then by the first of the inputs.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn produce_back(
    owed: &[f32],
    sums: &[f32],
    demand: &[f32],
    output: &[f32],
    panel: &[f32],
    belongs: &[u32],
    full: &[f32],
    outside: &[f32],
    capacity: &[f32],
    behaviour: &[f32],
    lowest: &[f32],
    market: &mut [f32],
    left: &mut [f32],
    to_target: &mut [f32],
    to_capacity: &mut [f32],
    at: At,
    nodes: usize,
    particles: usize,
    #[comptime] model: Model,
    #[comptime] with_capacity: bool,
) {
    let i = ABSOLUTE_POS;
    let cells = nodes * particles;
    if i < cells {
        let place = i / particles;
        let p = i % particles;
        let (d, x) = (demand[i], output[i]);
        let outside = outside[place];
        let (sum_stock, sum_order) = (sums[i], sums[cells + i]);
        let group = belongs[place] as usize;
        let from_panel = panel[at.panel_first + p * at.panel_stride + group];
        let to_offer = owed[i];
        let to_output = from_panel - sum_stock
            + rationing::offer_to_output(model.rationing, x, d, outside, to_offer);
        market[2 * i] = rationing::offer(model.rationing, x, d, outside);
        market[2 * i + 1] = sum_order
            + rationing::offer_to_demand(model.rationing, x, d, outside, to_offer)
            + period::output_to_demand(x, d, to_output);
        to_target[i] = fma(behaviour[cells + i], sum_order, to_target[i]);
        let to_limit = period::output_to_limit(x, d, to_output);
        let z = remaining(
            belongs,
            capacity,
            nodes,
            place,
            p,
            at.capacity_first,
            at.capacity_stride,
        );
        let low = lowest[i];
        let unfed = select(low < UNFED, 0.0f32, 1.0f32);
        let by_capacity = production::own_limits(model.production, x, z * full[place], unfed);
        let by_input = select(by_capacity > 0.0, 0.0f32, to_limit);
        left[i] = by_input * production::slope_in_lowest(model.production, z);
        let to_z = select(by_capacity > 0.0, to_limit * full[place], 0.0f32);
        // The lowest of no inputs is far beyond what may be multiplied by 0.
        let to_z = to_z
            + select(
                by_input == 0.0,
                0.0f32,
                by_input * production::slope_in_factor(model.production, low),
            );
        keep(
            belongs,
            to_capacity,
            at,
            nodes,
            place,
            p,
            to_z,
            with_capacity,
        );
    }
}

/// Puts the gradient of a node's capacity where it belongs, if the node has a column.
#[cube]
fn keep(
    belongs: &[u32],
    to_capacity: &mut [f32],
    at: At,
    nodes: usize,
    place: usize,
    p: usize,
    to_z: f32,
    #[comptime] with_capacity: bool,
) {
    if comptime![with_capacity] {
        let column = belongs[nodes + place];
        if column != NO_COLUMN {
            to_capacity[at.gradient_first + p * at.gradient_stride + column as usize] = to_z;
        }
    }
}

/// Lays the gradients out as [particle, node], from the particle `first` on. What is left of the
/// adjoints of inventories, in `sums`, belongs to the targets, which are the first inventories.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn store(
    node: &[u32],
    sums: &[f32],
    to_target: &[f32],
    target: &mut [f32],
    rate: &mut [f32],
    nodes: usize,
    first: usize,
    particles: usize,
) {
    let i = ABSOLUTE_POS;
    let cells = nodes * particles;
    if i < cells {
        let at = (first + i % particles) * nodes + node[i / particles] as usize;
        target[at] = to_target[i] + sums[i];
        rate[at] = sums[2 * cells + i];
    }
}
