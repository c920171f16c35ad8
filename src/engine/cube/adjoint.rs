//! The adjoint kernels of one period: of inventories and orders, of output, demand and capacity.

use super::forward::{HAS_INPUT_BELOW, NO_COLUMN, remaining};
use super::layout::SLICE;
use super::sums::{chunks_of, column_sum};
use crate::model::Kernel;
use crate::model::offer::device as rationing;
use crate::model::period::device as period;
use crate::model::production::device as production;
use cubecl::prelude::*;

/// Data of a firm that the adjoints of its links in period t read.
#[derive(CubeType, Clone, Copy)]
struct BuyerAdjoint {
    target: f32,
    rate: f32,
    /// Orders of t if stocks of t-1 were 0.
    level: f32,
    /// Orders of t-1 if stocks of t-2 were 0.
    level_before: f32,
    /// Adjoint of the lowest inventory before t+1, which goes to the limiting input; and the number of that input.
    to_lowest: f32,
    limiting: u32,
}

#[cube]
fn buyer_adjoint(
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    to_lowest: &[f32],
    limiting: &[u32],
    cells: usize,
    i: usize,
) -> BuyerAdjoint {
    let (target, rate) = (behaviour[i], behaviour[cells + i]);
    BuyerAdjoint {
        target,
        rate,
        level: period::level(target, rate, demand[i]),
        level_before: period::level(target, rate, demand_before[i]),
        to_lowest: to_lowest[i],
        limiting: limiting[i],
    }
}

/// Adjoints of a link in period t: of its inventory, of its order before the `max`, and the link's term of the
/// adjoint of the supplier's offer.
#[derive(CubeType, Clone, Copy)]
struct LinkAdjoints {
    stock: f32,
    order: f32,
    to_offer: f32,
}

/// The adjoint of one link. `inventory` and `ordered` are the adjoints of t+1, `to_demand` the adjoint of the
/// supplier's demand in t, `offer` the supplier's offer of t+1, `s1` and `s2` the inventories of t-1 and t-2.
#[cube]
fn link_adjoint(
    buyer: &BuyerAdjoint,
    k: u32,
    inventory: f32,
    ordered: f32,
    coefficient: f32,
    offer: f32,
    to_demand: f32,
    s1: f32,
    s2: f32,
) -> LinkAdjoints {
    let kept = period::to_stock(inventory, buyer.rate, ordered);
    let stock = kept + select(k == buyer.limiting, buyer.to_lowest, 0.0f32);
    let to_order = period::to_order(inventory, offer, coefficient, to_demand);
    LinkAdjoints {
        stock,
        order: period::order_adjoint(buyer.level, buyer.rate, s1, to_order),
        to_offer: stock * period::order(buyer.level_before, buyer.rate, s2),
    }
}

/// The adjoint of the link pass, period t, for firms with few inputs. `link_adjoints` holds the adjoints of
/// inventories and then those of orders; `offer_and_to_demand` holds the offer of t+1 and the adjoint of demand in
/// t, pairs by position. `sums` takes the sums over a firm's inputs of the adjoints of inventories and of orders;
/// the adjoint of the rate is added to it. In `period_zero` only the first of these sums is computed.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn link_adjoint_light(
    span: &[u32],
    supplier: &[u32],
    coefficient: &[f32],
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    s1: &[f32],
    s2: &[f32],
    offer_and_to_demand: &[f32],
    to_lowest: &[f32],
    limiting: &[u32],
    link_adjoints: &mut [f32],
    to_offer: &mut [f32],
    sums: &mut [f32],
    heavy: usize,
    firms: usize,
    particles: usize,
    slots: usize,
    #[comptime] period_zero: bool,
) {
    let unit = ABSOLUTE_POS;
    let position = heavy + unit / particles;
    if position < firms {
        let p = unit % particles;
        let cells = firms * particles;
        let i = position * particles + p;
        let buyer = buyer_adjoint(
            behaviour,
            demand,
            demand_before,
            to_lowest,
            limiting,
            cells,
            i,
        );
        let slot = span[2 * position] as usize;
        let degree = span[2 * position + 1];
        let mut sum_stock = 0.0f32;
        let mut sum_order = 0.0f32;
        let mut sum_rate = 0.0f32;
        for k in 0..degree {
            let link = slot + k as usize * SLICE;
            let e = link * particles + p;
            let (inventory, ordered) = (link_adjoints[e], link_adjoints[slots * particles + e]);
            if comptime![period_zero] {
                let kept = period::to_stock(inventory, buyer.rate, ordered);
                sum_stock += kept + select(k == buyer.limiting, buyer.to_lowest, 0.0f32);
            } else {
                let from = 2 * (supplier[link] as usize * particles + p);
                let (offer, to_demand) = (offer_and_to_demand[from], offer_and_to_demand[from + 1]);
                let stock = s1[e];
                let found = link_adjoint(
                    &buyer,
                    k,
                    inventory,
                    ordered,
                    coefficient[link],
                    offer,
                    to_demand,
                    stock,
                    s2[e],
                );
                link_adjoints[e] = found.stock;
                link_adjoints[slots * particles + e] = found.order;
                to_offer[e] = found.to_offer;
                sum_stock += found.stock;
                sum_order += found.order;
                sum_rate = period::to_rate(found.order, buyer.target, stock, sum_rate);
            }
        }
        sums[i] = sum_stock;
        if comptime![!period_zero] {
            sums[cells + i] = sum_order;
            sums[2 * cells + i] += sum_rate;
        }
    }
}

// Long: a kernel names all its arrays, and `cube` knows no function that returns some of them.
/// The same for one chunk of a firm with many inputs; `partial` takes the three sums, [sum, chunk, particle].
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn link_adjoint_heavy(
    chunk: &[u32],
    span: &[u32],
    supplier: &[u32],
    coefficient: &[f32],
    behaviour: &[f32],
    demand: &[f32],
    demand_before: &[f32],
    s1: &[f32],
    s2: &[f32],
    offer_and_to_demand: &[f32],
    to_lowest: &[f32],
    limiting: &[u32],
    link_adjoints: &mut [f32],
    to_offer: &mut [f32],
    partial: &mut [f32],
    firms: usize,
    particles: usize,
    slots: usize,
    chunks: usize,
    #[comptime] period_zero: bool,
) {
    let c = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let mut sum_stock = 0.0f32;
    let mut sum_order = 0.0f32;
    let mut sum_rate = 0.0f32;
    if p < particles {
        let position = chunk[3 * c] as usize;
        let begin = chunk[3 * c + 1];
        let last = begin + chunk[3 * c + 2];
        let i = position * particles + p;
        let cells = firms * particles;
        let buyer = buyer_adjoint(
            behaviour,
            demand,
            demand_before,
            to_lowest,
            limiting,
            cells,
            i,
        );
        let slot = span[2 * position] as usize;
        let mut k = begin + UNIT_POS_Y;
        while k < last {
            let link = slot + k as usize;
            let e = link * particles + p;
            let (inventory, ordered) = (link_adjoints[e], link_adjoints[slots * particles + e]);
            if comptime![period_zero] {
                let kept = period::to_stock(inventory, buyer.rate, ordered);
                sum_stock += kept + select(k == buyer.limiting, buyer.to_lowest, 0.0f32);
            } else {
                let from = 2 * (supplier[link] as usize * particles + p);
                let (offer, to_demand) = (offer_and_to_demand[from], offer_and_to_demand[from + 1]);
                let stock = s1[e];
                let found = link_adjoint(
                    &buyer,
                    k,
                    inventory,
                    ordered,
                    coefficient[link],
                    offer,
                    to_demand,
                    stock,
                    s2[e],
                );
                link_adjoints[e] = found.stock;
                link_adjoints[slots * particles + e] = found.order;
                to_offer[e] = found.to_offer;
                sum_stock += found.stock;
                sum_order += found.order;
                sum_rate = period::to_rate(found.order, buyer.target, stock, sum_rate);
            }
            k += CUBE_DIM_Y;
        }
    }
    let all_stock = column_sum(sum_stock);
    if p < particles && UNIT_POS_Y == 0 {
        partial[c * particles + p] = all_stock;
    }
    if comptime![!period_zero] {
        let all_order = column_sum(sum_order);
        let all_rate = column_sum(sum_rate);
        if p < particles && UNIT_POS_Y == 0 {
            partial[(chunks + c) * particles + p] = all_order;
            partial[(2 * chunks + c) * particles + p] = all_rate;
        }
    }
}

/// Adds the chunks of each firm with many inputs up.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn link_adjoint_finish(
    first_chunk: &[u32],
    partial: &[f32],
    sums: &mut [f32],
    firms: usize,
    particles: usize,
    chunks: usize,
    #[comptime] period_zero: bool,
) {
    let position = CUBE_POS_X as usize;
    let p = (CUBE_POS_Y * CUBE_DIM_X + UNIT_POS_X) as usize;
    let cells = firms * particles;
    let i = position * particles + p;
    let stock = column_sum(chunks_of(first_chunk, partial, position, p, particles, 0));
    if p < particles && UNIT_POS_Y == 0 {
        sums[i] = stock;
    }
    if comptime![!period_zero] {
        let order = column_sum(chunks_of(
            first_chunk,
            partial,
            position,
            p,
            particles,
            chunks,
        ));
        let rate = column_sum(chunks_of(
            first_chunk,
            partial,
            position,
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

/// Offsets of a period's numbers in the tensors of a run.
#[derive(CubeType, CubeLaunch, Clone, Copy)]
pub(super) struct PeriodOffsets {
    /// First entry of the period in the panel, and entries of a particle.
    pub(super) panel_first: usize,
    pub(super) panel_stride: usize,
    /// The same in the capacity.
    pub(super) capacity_first: usize,
    pub(super) capacity_stride: usize,
    /// The same in the gradient of the capacity.
    pub(super) gradient_first: usize,
    pub(super) gradient_stride: usize,
}

/// The adjoint of the firm pass, period t: writes the adjoint of demand in t-1 and the offer of t to
/// `offer_and_to_demand`, the adjoint of the lowest inventory to `to_lowest`, and the gradients in target and
/// capacity.
///
/// At a tie output is limited by demand first, then by capacity, then by the first of the inputs.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn firm_adjoint(
    offer_adjoint: &[f32],
    sums: &[f32],
    demand: &[f32],
    output: &[f32],
    panel: &[f32],
    group_and_column: &[u32],
    full: &[f32],
    outside: &[f32],
    capacity: &[f32],
    behaviour: &[f32],
    lowest: &[f32],
    offer_and_to_demand: &mut [f32],
    to_lowest: &mut [f32],
    to_target: &mut [f32],
    to_capacity: &mut [f32],
    at: PeriodOffsets,
    firms: usize,
    particles: usize,
    #[comptime] model: Kernel,
    #[comptime] with_capacity: bool,
) {
    let i = ABSOLUTE_POS;
    let cells = firms * particles;
    if i < cells {
        let position = i / particles;
        let p = i % particles;
        let (d, x) = (demand[i], output[i]);
        let outside = outside[position];
        let (sum_stock, sum_order) = (sums[i], sums[cells + i]);
        let group = group_and_column[position] as usize;
        let from_panel = panel[at.panel_first + p * at.panel_stride + group];
        let to_offer = offer_adjoint[i];
        let to_output = from_panel - sum_stock
            + rationing::offer_to_output(model.rationing, x, d, outside, to_offer);
        offer_and_to_demand[2 * i] = rationing::offer(model.rationing, x, d, outside);
        offer_and_to_demand[2 * i + 1] = sum_order
            + rationing::offer_to_demand(model.rationing, x, d, outside, to_offer)
            + period::output_to_demand(x, d, to_output);
        to_target[i] = fma(behaviour[cells + i], sum_order, to_target[i]);
        let to_limit = period::output_to_limit(x, d, to_output);
        let z = remaining(
            group_and_column,
            capacity,
            firms,
            position,
            p,
            at.capacity_first,
            at.capacity_stride,
        );
        let low = lowest[i];
        let unfed = select(low < HAS_INPUT_BELOW, 0.0f32, 1.0f32);
        let by_capacity = production::own_limits(model.production, x, z * full[position], unfed);
        let by_input = select(by_capacity > 0.0, 0.0f32, to_limit);
        to_lowest[i] = by_input * production::slope_in_lowest(model.production, z);
        let to_z = select(by_capacity > 0.0, to_limit * full[position], 0.0f32);
        // The lowest inventory of a firm without inputs is too large to be multiplied by 0.
        let to_z = to_z
            + select(
                by_input == 0.0,
                0.0f32,
                by_input * production::slope_in_factor(model.production, low),
            );
        write_capacity_gradient(
            group_and_column,
            to_capacity,
            at,
            firms,
            position,
            p,
            to_z,
            with_capacity,
        );
    }
}

/// Writes the gradient in a firm's capacity, if the firm has a column.
#[cube]
fn write_capacity_gradient(
    group_and_column: &[u32],
    to_capacity: &mut [f32],
    at: PeriodOffsets,
    firms: usize,
    position: usize,
    p: usize,
    to_z: f32,
    #[comptime] with_capacity: bool,
) {
    if comptime![with_capacity] {
        let column = group_and_column[firms + position];
        if column != NO_COLUMN {
            to_capacity[at.gradient_first + p * at.gradient_stride + column as usize] = to_z;
        }
    }
}

/// Writes the gradients as [particle, firm], from the particle `first` on. The adjoints of the first inventories,
/// in `sums`, are added to those of the targets, which the first inventories are.
#[cfg_attr(not(feature = "cuda-source"), cube(launch))]
#[cfg_attr(feature = "cuda-source", cube(launch, create_dummy_kernel))]
pub(super) fn store(
    firm: &[u32],
    sums: &[f32],
    to_target: &[f32],
    target: &mut [f32],
    rate: &mut [f32],
    firms: usize,
    first: usize,
    particles: usize,
) {
    let i = ABSOLUTE_POS;
    let cells = firms * particles;
    if i < cells {
        let at = (first + i % particles) * firms + firm[i / particles] as usize;
        target[at] = to_target[i] + sums[i];
        rate[at] = sums[2 * cells + i];
    }
}
