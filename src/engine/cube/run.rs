//! Runs on a device: the launches of all periods, and of the adjoint pass.

use super::super::plan::Design;
use super::super::schedule::{self, Action};
use super::device::{Buffer, DeviceLayout, RowSumsOnDevice, cube_each, launch};
use super::forward;
use super::sums::{self, DestinationLaunch};
use super::tape::{BlockTape, History};
use std::sync::Arc;

/// The tensors of a run on the device, contiguous.
#[derive(Clone)]
pub(super) struct Tensors {
    /// [particle, firm].
    pub(super) target: Buffer,
    pub(super) rate: Buffer,
    /// [particle or 1, period, column].
    pub(super) capacity: Buffer,
    pub(super) particles: usize,
    /// Whether all particles have one capacity.
    pub(super) shared: bool,
}

/// Where sums are written: `first + row x by_row + particle x by_particle`.
#[derive(Clone, Copy)]
pub(super) struct To {
    first: usize,
    by_row: usize,
    by_particle: usize,
}

impl To {
    /// An array of firms, [position, particle].
    pub(super) fn firms(particles: usize) -> Self {
        Self {
            first: 0,
            by_row: particles,
            by_particle: 1,
        }
    }

    fn launch(self) -> DestinationLaunch {
        DestinationLaunch::new(self.first, self.by_row, self.by_particle)
    }
}

/// Particles that are simulated at once.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) particles: usize,
}

/// Blocks of particles whose arrays are not too large for one binding of the device.
pub(super) fn blocks(layout: &DeviceLayout, particles: usize) -> Vec<Block> {
    // The largest arrays: adjoints of inventories and orders, sums over inputs. Kernels index with 32 bits.
    let each = (2 * layout.inputs.slots).max(3 * layout.firms);
    let limit = layout.client.properties().memory.max_page_size / 4;
    equal_blocks(particles, (limit.min(1 << 31) as usize / each).max(1))
}

/// Blocks of particles of about equal size, of at most `most` particles.
fn equal_blocks(particles: usize, most: usize) -> Vec<Block> {
    let size = particles.div_ceil(particles.div_ceil(most));
    (0..particles)
        .step_by(size)
        .map(|first| Block {
            first,
            particles: size.min(particles - first),
        })
        .collect()
}

/// One block of particles of a run.
pub(super) struct Run<'a> {
    pub(super) design: &'a Design,
    pub(super) layout: &'a Arc<DeviceLayout>,
    pub(super) tensors: &'a Tensors,
    pub(super) block: Block,
}

impl Run<'_> {
    pub(super) fn cells(&self) -> usize {
        self.layout.firms * self.block.particles
    }

    pub(super) fn links(&self) -> usize {
        self.layout.inputs.slots * self.block.particles
    }

    // Long: a launch names all its arrays.
    /// Simulates the block into `panel`, [particle, period, group]. `stride`, the number of periods between
    /// checkpoints, is given where a gradient is to follow.
    pub(super) fn forward(&self, panel: &Buffer, stride: Option<usize>) -> Option<BlockTape> {
        let (layout, design, tensors) = (self.layout, self.design, self.tensors);
        let particles = self.block.particles;
        let (cells, periods) = (self.cells(), design.periods);
        let behaviour = layout.empty(2 * cells);
        let (count, dim) = layout.unit_each(cells);
        launch!(
            layout,
            forward::load,
            (count, dim),
            layout.firm.arg(),
            tensors.target.arg(),
            tensors.rate.arg(),
            behaviour.arg(),
            layout.firms,
            self.block.first,
            particles,
            f32::NAN,
        );
        let steady = self.spread(&layout.steady);
        let mut offer = steady.clone();
        let mut tape = BlockTape {
            behaviour,
            demand: History(vec![Some(steady)]),
            output: History::default(),
            limiting: History::default(),
            lowest: History::default(),
            stock: History::default(),
            stride,
        };
        let orders = layout.empty(self.links());
        // What a checkpoint keeps is not freed.
        let steps = schedule::forward(periods, stride.unwrap_or(0));
        let steps = steps.filter_map(|action| match action {
            Action::Step(t) => Some(t),
            _ => None,
        });
        for t in steps {
            if t > 1 && design.is_stopped() {
                self.fill_nan(panel, t);
                break;
            }
            let (stock, lowest) = (layout.empty(self.links()), layout.empty(cells));
            let limiting = layout.empty_whole(cells);
            self.link_pass(
                &tape,
                t,
                &offer,
                &stock,
                Some((&orders, &lowest, &limiting)),
            );
            tape.stock.push(stock);
            let (output, offer_now) = (layout.empty(cells), layout.empty(cells));
            self.firm_pass(&tape, t, &lowest, &output, &offer_now);
            offer = offer_now;
            let by_group = To {
                first: (self.block.first * periods + t - 1) * design.groups,
                by_row: 1,
                by_particle: periods * design.groups,
            };
            self.sum(&layout.groups, &output, None, panel, by_group);
            tape.output.push(output);
            if stride.is_some() {
                tape.limiting.push(limiting);
                tape.lowest.push(lowest);
            }
            if t < periods {
                let demand = layout.empty(cells);
                let by_firm = To::firms(particles);
                self.sum(
                    &layout.customers,
                    &orders,
                    Some(&layout.outside),
                    &demand,
                    by_firm,
                );
                tape.demand.push(demand);
            }
            tape.free_unread(t, periods);
        }
        stride.map(|_| tape)
    }

    /// A value a firm, copied to all particles.
    fn spread(&self, values: &Buffer) -> Buffer {
        let (layout, cells) = (self.layout, self.cells());
        let out = layout.empty(cells);
        let (count, dim) = layout.unit_each(cells);
        let particles = self.block.particles;
        launch!(
            layout,
            sums::spread,
            (count, dim),
            values.arg(),
            out.arg(),
            cells,
            particles
        );
        out
    }

    pub(super) fn zeros(&self, length: usize) -> Buffer {
        let out = self.layout.empty(length);
        self.fill(&out, 0.0, 0, length);
        out
    }

    fn fill(&self, out: &Buffer, value: f32, first: usize, last: usize) {
        let (count, dim) = self.layout.unit_each(last - first);
        launch!(
            self.layout,
            sums::fill,
            (count, dim),
            out.arg(),
            value,
            first,
            last
        );
    }

    /// Sets the panel of a stopped run to NaN from period `t` on.
    fn fill_nan(&self, panel: &Buffer, t: usize) {
        let (periods, groups) = (self.design.periods, self.design.groups);
        for p in self.block.first..self.block.first + self.block.particles {
            let first = (p * periods + t - 1) * groups;
            self.fill(panel, f32::NAN, first, (p + 1) * periods * groups);
        }
    }

    // Long: a launch names all its arrays.
    /// The link pass at the beginning of period `t`: the inventories of t-1 and, where `with_orders`, orders and
    /// lowest inventories.
    pub(super) fn link_pass(
        &self,
        tape: &BlockTape,
        t: usize,
        offer: &Buffer,
        stock: &Buffer,
        with_orders: Option<(&Buffer, &Buffer, &Buffer)>,
    ) {
        let (layout, inputs) = (self.layout, &self.layout.inputs);
        let particles = self.block.particles;
        let demand = tape.demand.get(t - 1);
        let demand_before = tape.demand.get(t.max(3) - 3);
        // The kernel does not read these in period 1.
        let (output, s1, s2) = if t == 1 {
            (demand, demand, demand)
        } else {
            let stock = &tape.stock;
            (
                tape.output.get(t - 2),
                stock.get(t - 2),
                stock.get(t.max(3) - 3),
            )
        };
        let nothing = (layout.empty(1), layout.empty(1), layout.empty_whole(1));
        let (orders, lowest, limiting) = match with_orders {
            Some((orders, lowest, limiting)) => (orders.clone(), lowest.clone(), limiting.clone()),
            None => nothing,
        };
        let recompute = with_orders.is_none();
        if inputs.heavy > 0 {
            let (count, dim) = cube_each(inputs.chunks, particles);
            let partial = if recompute {
                layout.empty(1)
            } else {
                layout.empty(2 * inputs.chunks * particles)
            };
            launch!(
                layout,
                forward::link_pass_heavy,
                (count, dim),
                inputs.chunk.arg(),
                inputs.span.arg(),
                layout.supplier.arg(),
                layout.coefficient.arg(),
                tape.behaviour.arg(),
                demand.arg(),
                demand_before.arg(),
                output.arg(),
                offer.arg(),
                s1.arg(),
                s2.arg(),
                stock.arg(),
                orders.arg(),
                partial.arg(),
                layout.firms,
                particles,
                inputs.chunks,
                t == 1,
                recompute,
            );
            if !recompute {
                let (count, dim) = cube_each(inputs.heavy, particles);
                launch!(
                    layout,
                    forward::link_pass_finish,
                    (count, dim),
                    inputs.first_chunk.arg(),
                    partial.arg(),
                    tape.behaviour.arg(),
                    lowest.arg(),
                    limiting.arg(),
                    particles,
                    inputs.chunks,
                );
            }
        }
        if inputs.heavy < inputs.rows {
            let (count, dim) = layout.unit_each((inputs.rows - inputs.heavy) * particles);
            launch!(
                layout,
                forward::link_pass_light,
                (count, dim),
                inputs.span.arg(),
                layout.supplier.arg(),
                layout.coefficient.arg(),
                tape.behaviour.arg(),
                demand.arg(),
                demand_before.arg(),
                output.arg(),
                offer.arg(),
                s1.arg(),
                s2.arg(),
                stock.arg(),
                orders.arg(),
                lowest.arg(),
                limiting.arg(),
                inputs.heavy,
                layout.firms,
                particles,
                t == 1,
                recompute,
            );
        }
    }

    /// First entry of period `t` in the capacity, and entries of a particle.
    pub(super) fn capacity_at(&self, t: usize) -> (usize, usize) {
        let columns = self.design.column.len();
        let stride = if self.tensors.shared {
            0
        } else {
            self.design.periods * columns
        };
        (self.block.first * stride + (t - 1) * columns, stride)
    }

    fn firm_pass(
        &self,
        tape: &BlockTape,
        t: usize,
        lowest: &Buffer,
        output: &Buffer,
        offer: &Buffer,
    ) {
        let layout = self.layout;
        let (count, dim) = layout.unit_each(self.cells());
        let (first, stride) = self.capacity_at(t);
        launch!(
            layout,
            forward::firm_pass,
            (count, dim),
            lowest.arg(),
            tape.demand.get(t - 1).arg(),
            layout.full.arg(),
            layout.outside.arg(),
            layout.group_and_column.arg(),
            self.tensors.capacity.arg(),
            output.arg(),
            offer.arg(),
            layout.firms,
            self.block.particles,
            first,
            stride,
            self.design.model,
        );
    }

    /// Sums rows of `values` into `out`, and adds `base` where it is given.
    pub(super) fn sum(
        &self,
        sums: &RowSumsOnDevice,
        values: &Buffer,
        base: Option<&Buffer>,
        out: &Buffer,
        to: To,
    ) {
        let rows = &sums.rows;
        let particles = self.block.particles;
        let with_base = base.is_some();
        let base = base.unwrap_or(values);
        if rows.heavy > 0 {
            let (count, dim) = cube_each(rows.chunks, particles);
            let partial = self.layout.empty(rows.chunks * particles);
            launch!(
                self.layout,
                sums::sum_heavy,
                (count, dim),
                rows.chunk.arg(),
                rows.span.arg(),
                sums.from.arg(),
                values.arg(),
                partial.arg(),
                particles,
            );
            let (count, dim) = cube_each(rows.heavy, particles);
            launch!(
                self.layout,
                sums::sum_finish,
                (count, dim),
                rows.first_chunk.arg(),
                sums.to.arg(),
                base.arg(),
                partial.arg(),
                out.arg(),
                to.launch(),
                particles,
                with_base,
            );
        }
        if rows.heavy < rows.rows {
            let (count, dim) = self.layout.unit_each((rows.rows - rows.heavy) * particles);
            launch!(
                self.layout,
                sums::sum_light,
                (count, dim),
                rows.span.arg(),
                sums.to.arg(),
                sums.from.arg(),
                base.arg(),
                values.arg(),
                out.arg(),
                to.launch(),
                rows.heavy,
                rows.rows,
                particles,
                with_base,
            );
        }
    }
}

/// Sums the gradients of all particles in their common capacity.
pub(super) fn over_particles(
    layout: &DeviceLayout,
    all: &Buffer,
    out: &Buffer,
    cells: usize,
    particles: usize,
) {
    let (count, dim) = layout.unit_each(cells);
    launch!(
        layout,
        sums::over_particles,
        (count, dim),
        all.arg(),
        out.arg(),
        cells,
        particles
    );
}

#[cfg(test)]
mod tests {
    use super::equal_blocks;

    #[test]
    fn blocks_hold_every_particle_once() {
        for particles in 1..40 {
            for most in 1..45 {
                let mut next = 0;
                for block in equal_blocks(particles, most) {
                    assert_eq!(block.first, next);
                    assert!((1..=most).contains(&block.particles));
                    next += block.particles;
                }
                assert_eq!(next, particles);
            }
        }
    }
}
