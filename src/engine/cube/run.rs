//! Runs on a device: particles through all periods, and back.

use super::super::plan::Design;
use super::adjoint::{self, AtLaunch};
use super::device::{Buffer, Laid, SumsOn, launch, tall};
use super::forward;
use super::sums::{self, PlaceLaunch};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The tensors of a run on the device, contiguous.
#[derive(Clone)]
pub(super) struct Tensors {
    /// [particle, node].
    pub(super) target: Buffer,
    pub(super) rate: Buffer,
    /// [particle or 1, period, column].
    pub(super) capacity: Buffer,
    pub(super) particles: usize,
    /// All particles have the same capacity.
    pub(super) shared: bool,
}

/// Where sums go: `first + row x by_row + particle x by_particle`.
#[derive(Clone, Copy)]
struct To {
    first: usize,
    by_row: usize,
    by_particle: usize,
}

impl To {
    /// Into an array of nodes, [place, particle].
    fn nodes(particles: usize) -> Self {
        Self {
            first: 0,
            by_row: particles,
            by_particle: 1,
        }
    }

    fn launch(self) -> PlaceLaunch {
        PlaceLaunch::new(self.first, self.by_row, self.by_particle)
    }
}

/// Particles that are simulated together.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) particles: usize,
}

/// Blocks of particles whose arrays a device can bind.
pub(super) fn blocks(laid: &Laid, particles: usize) -> Vec<Block> {
    // The largest arrays: adjoints of inventories and orders, sums over inputs. Kernels count in 32
    // bits.
    let each = (2 * laid.inputs.slots).max(3 * laid.nodes);
    let limit = laid.client.properties().memory.max_page_size / 4;
    cut(particles, (limit.min(1 << 31) as usize / each).max(1))
}

/// Particles in blocks of about equal size, of at most `most`.
fn cut(particles: usize, most: usize) -> Vec<Block> {
    let size = particles.div_ceil(particles.div_ceil(most));
    (0..particles)
        .step_by(size)
        .map(|first| Block {
            first,
            particles: size.min(particles - first),
        })
        .collect()
}

/// Buffers of the periods, as far as they are kept.
#[derive(Clone, Default)]
struct History(Vec<Option<Buffer>>);

impl History {
    fn push(&mut self, buffer: Buffer) {
        self.0.push(Some(buffer));
    }

    fn has(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|b| b.is_some())
    }

    fn get(&self, at: usize) -> &Buffer {
        self.0[at].as_ref().expect("what is read is kept")
    }

    fn set(&mut self, at: usize, buffer: Buffer) {
        self.0[at] = Some(buffer);
    }

    fn forget(&mut self, at: usize) {
        if let Some(buffer) = self.0.get_mut(at) {
            *buffer = None;
        }
    }
}

/// What the gradient needs of a block's run.
#[derive(Clone)]
pub(super) struct Kept {
    behaviour: Buffer,
    /// Demand after period t.
    demand: History,
    /// Output of period t, at t - 1.
    output: History,
    /// The input with the lowest inventory before period t, at t - 1, and that inventory where the
    /// rule needs it.
    limiting: History,
    lowest: History,
    /// Inventories after period t.
    stock: History,
    /// Periods between checkpoints; None where nothing is kept for a gradient.
    stride: Option<usize>,
}

/// One block of particles of a run.
pub(super) struct Run<'a> {
    pub(super) design: &'a Design,
    pub(super) laid: &'a Arc<Laid>,
    pub(super) tensors: &'a Tensors,
    pub(super) block: Block,
}

impl Run<'_> {
    fn cells(&self) -> usize {
        self.laid.nodes * self.block.particles
    }

    fn links(&self) -> usize {
        self.laid.inputs.slots * self.block.particles
    }

    /// Simulates the block into `panel`, [particle, period, group]. `stride` is that of the
    /// checkpoints, where something is kept for a gradient.
    pub(super) fn forward(&self, panel: &Buffer, stride: Option<usize>) -> Option<Kept> {
        let (laid, design, tensors) = (self.laid, self.design, self.tensors);
        let particles = self.block.particles;
        let (cells, periods) = (self.cells(), design.periods);
        let behaviour = laid.empty(2 * cells);
        let (count, dim) = laid.flat(cells);
        launch!(
            laid,
            forward::load,
            (count, dim),
            laid.node.arg(),
            tensors.target.arg(),
            tensors.rate.arg(),
            behaviour.arg(),
            laid.nodes,
            self.block.first,
            particles,
            f32::NAN,
        );
        let steady = self.spread(&laid.steady);
        let mut share = steady.clone();
        let mut kept = Kept {
            behaviour,
            demand: History(vec![Some(steady)]),
            output: History::default(),
            limiting: History::default(),
            lowest: History::default(),
            stock: History::default(),
            stride,
        };
        let asked = laid.empty(self.links());
        for t in 1..=periods {
            let stop = design.stop.as_ref();
            if t > 1 && stop.is_some_and(|s| s.load(Ordering::Relaxed)) {
                self.unknown(panel, t);
                break;
            }
            let (stock, lowest) = (laid.empty(self.links()), laid.empty(cells));
            let limiting = laid.empty_whole(cells);
            self.advance(&kept, t, &share, &stock, Some((&asked, &lowest, &limiting)));
            kept.stock.push(stock);
            let (output, delivered) = (laid.empty(cells), laid.empty(cells));
            self.produce(&kept, t, &lowest, &output, &delivered);
            share = delivered;
            let by_group = To {
                first: (self.block.first * periods + t - 1) * design.groups,
                by_row: 1,
                by_particle: periods * design.groups,
            };
            self.sum(&laid.groups, &output, None, panel, by_group);
            kept.output.push(output);
            if stride.is_some() {
                kept.limiting.push(limiting);
                kept.lowest.push(lowest);
            }
            if t < periods {
                let demand = laid.empty(cells);
                let by_node = To::nodes(particles);
                self.sum(
                    &laid.customers,
                    &asked,
                    Some(&laid.outside),
                    &demand,
                    by_node,
                );
                kept.demand.push(demand);
            }
            kept.forget(t, periods);
        }
        stride.map(|_| kept)
    }

    /// A value per node for all particles.
    fn spread(&self, values: &Buffer) -> Buffer {
        let (laid, cells) = (self.laid, self.cells());
        let out = laid.empty(cells);
        let (count, dim) = laid.flat(cells);
        let particles = self.block.particles;
        launch!(
            laid,
            sums::spread,
            (count, dim),
            values.arg(),
            out.arg(),
            cells,
            particles
        );
        out
    }

    fn zeros(&self, length: usize) -> Buffer {
        let out = self.laid.empty(length);
        self.fill(&out, 0.0, 0, length);
        out
    }

    fn fill(&self, out: &Buffer, value: f32, first: usize, last: usize) {
        let (count, dim) = self.laid.flat(last - first);
        launch!(
            self.laid,
            sums::fill,
            (count, dim),
            out.arg(),
            value,
            first,
            last
        );
    }

    /// The panel from period `t` on, where a run has been stopped.
    fn unknown(&self, panel: &Buffer, t: usize) {
        let (periods, groups) = (self.design.periods, self.design.groups);
        for p in self.block.first..self.block.first + self.block.particles {
            let first = (p * periods + t - 1) * groups;
            self.fill(panel, f32::NAN, first, (p + 1) * periods * groups);
        }
    }

    /// Begins period `t`: the inventories of t-1 and, where `fresh`, orders and lowest inventories.
    fn advance(
        &self,
        kept: &Kept,
        t: usize,
        share: &Buffer,
        stock: &Buffer,
        fresh: Option<(&Buffer, &Buffer, &Buffer)>,
    ) {
        let (laid, inputs) = (self.laid, &self.laid.inputs);
        let particles = self.block.particles;
        let demand = kept.demand.get(t - 1);
        let demand_before = kept.demand.get(t.max(3) - 3);
        // In period 1 nothing has been before: these are not read.
        let (output, s1, s2) = if t == 1 {
            (demand, demand, demand)
        } else {
            let stock = &kept.stock;
            (
                kept.output.get(t - 2),
                stock.get(t - 2),
                stock.get(t.max(3) - 3),
            )
        };
        let nothing = (laid.empty(1), laid.empty(1), laid.empty_whole(1));
        let (asked, lowest, limiting) = match fresh {
            Some((asked, lowest, limiting)) => (asked.clone(), lowest.clone(), limiting.clone()),
            None => nothing,
        };
        let again = fresh.is_none();
        if inputs.heavy > 0 {
            let (count, dim) = tall(inputs.chunks, particles);
            let partial = if again {
                laid.empty(1)
            } else {
                laid.empty(2 * inputs.chunks * particles)
            };
            launch!(
                laid,
                forward::advance_heavy,
                (count, dim),
                inputs.chunk.arg(),
                inputs.span.arg(),
                laid.supplier.arg(),
                laid.coefficient.arg(),
                kept.behaviour.arg(),
                demand.arg(),
                demand_before.arg(),
                output.arg(),
                share.arg(),
                s1.arg(),
                s2.arg(),
                stock.arg(),
                asked.arg(),
                partial.arg(),
                laid.nodes,
                particles,
                inputs.chunks,
                t == 1,
                again,
            );
            if !again {
                let (count, dim) = tall(inputs.heavy, particles);
                launch!(
                    laid,
                    forward::advance_finish,
                    (count, dim),
                    inputs.first_chunk.arg(),
                    partial.arg(),
                    kept.behaviour.arg(),
                    lowest.arg(),
                    limiting.arg(),
                    particles,
                    inputs.chunks,
                );
            }
        }
        if inputs.heavy < inputs.rows {
            let (count, dim) = laid.flat((inputs.rows - inputs.heavy) * particles);
            launch!(
                laid,
                forward::advance_light,
                (count, dim),
                inputs.span.arg(),
                laid.supplier.arg(),
                laid.coefficient.arg(),
                kept.behaviour.arg(),
                demand.arg(),
                demand_before.arg(),
                output.arg(),
                share.arg(),
                s1.arg(),
                s2.arg(),
                stock.arg(),
                asked.arg(),
                lowest.arg(),
                limiting.arg(),
                inputs.heavy,
                laid.nodes,
                particles,
                t == 1,
                again,
            );
        }
    }

    /// First entry of period `t` in the capacity, and the entries of a particle.
    fn capacity_at(&self, t: usize) -> (usize, usize) {
        let columns = self.design.column.len();
        let stride = if self.tensors.shared {
            0
        } else {
            self.design.periods * columns
        };
        (self.block.first * stride + (t - 1) * columns, stride)
    }

    fn produce(&self, kept: &Kept, t: usize, lowest: &Buffer, output: &Buffer, share: &Buffer) {
        let laid = self.laid;
        let (count, dim) = laid.flat(self.cells());
        let (first, stride) = self.capacity_at(t);
        launch!(
            laid,
            forward::produce,
            (count, dim),
            lowest.arg(),
            kept.demand.get(t - 1).arg(),
            laid.full.arg(),
            laid.outside.arg(),
            laid.belongs.arg(),
            self.tensors.capacity.arg(),
            output.arg(),
            share.arg(),
            laid.nodes,
            self.block.particles,
            first,
            stride,
            self.design.model,
        );
    }

    /// Adds rows of `values` up into `out`.
    fn sum(&self, sums: &SumsOn, values: &Buffer, base: Option<&Buffer>, out: &Buffer, to: To) {
        let rows = &sums.rows;
        let particles = self.block.particles;
        let with_base = base.is_some();
        let base = base.unwrap_or(values);
        if rows.heavy > 0 {
            let (count, dim) = tall(rows.chunks, particles);
            let partial = self.laid.empty(rows.chunks * particles);
            launch!(
                self.laid,
                sums::sum_heavy,
                (count, dim),
                rows.chunk.arg(),
                rows.span.arg(),
                sums.from.arg(),
                values.arg(),
                partial.arg(),
                particles,
            );
            let (count, dim) = tall(rows.heavy, particles);
            launch!(
                self.laid,
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
            let (count, dim) = self.laid.flat((rows.rows - rows.heavy) * particles);
            launch!(
                self.laid,
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

    /// The gradient of what has the gradient `panel` in the panel: into `target` and `rate`,
    /// [particle, node], and `capacity`, [particle, period, column], where it is wanted.
    pub(super) fn backward(
        &self,
        kept: &Kept,
        panel: &Buffer,
        (target, rate): (&Buffer, &Buffer),
        capacity: Option<&Buffer>,
    ) {
        let (laid, periods) = (self.laid, self.design.periods);
        let cells = self.cells();
        let mut kept = kept.clone();
        let back = Back {
            adjoint: self.zeros(2 * self.links()),
            owed: laid.empty(self.links()),
            sums: self.zeros(3 * cells),
            market: laid.empty(2 * cells),
            left: laid.empty(cells),
            to_target: self.zeros(cells),
            owed_sum: self.zeros(cells),
        };
        for t in (0..=periods).rev() {
            if t < periods {
                if t > 0 {
                    self.again(&mut kept, t);
                }
                self.retreat(&kept, &back, t);
            }
            if t > 0 {
                if t < periods {
                    let by_node = To::nodes(self.block.particles);
                    self.sum(&laid.customers, &back.owed, None, &back.owed_sum, by_node);
                }
                self.produce_back(&kept, &back, t, panel, capacity);
            }
            // The inventories of t are not needed any more.
            kept.stock.forget(t);
        }
        let (count, dim) = laid.flat(cells);
        launch!(
            laid,
            adjoint::store,
            (count, dim),
            laid.node.arg(),
            back.sums.arg(),
            back.to_target.arg(),
            target.arg(),
            rate.arg(),
            laid.nodes,
            self.block.first,
            self.block.particles,
        );
    }

    /// Simulates the inventories before period `t` again, from the checkpoint before them.
    fn again(&self, kept: &mut Kept, t: usize) {
        let stride = kept.stride.expect("a run for a gradient");
        let from = (t - 1) / stride * stride;
        for s in from + 1..t {
            if kept.stock.has(s) {
                continue;
            }
            let (share, cells) = (self.laid.empty(self.cells()), self.cells());
            let (count, dim) = self.laid.flat(cells);
            launch!(
                self.laid,
                forward::shares,
                (count, dim),
                kept.demand.get(s - 1).arg(),
                kept.output.get(s - 1).arg(),
                self.laid.outside.arg(),
                share.arg(),
                self.block.particles,
                cells,
                self.design.model,
            );
            let stock = self.laid.empty(self.links());
            self.advance(kept, s + 1, &share, &stock, None);
            kept.stock.set(s, stock);
        }
    }

    fn retreat(&self, kept: &Kept, back: &Back, t: usize) {
        let (laid, inputs) = (self.laid, &self.laid.inputs);
        let particles = self.block.particles;
        let end = t == 0;
        let demand = kept.demand.get(t.max(1) - 1);
        let demand_before = kept.demand.get(t.max(2) - 2);
        // At the end inventories are not read.
        let (s1, s2) = if end {
            (kept.demand.get(0), kept.demand.get(0))
        } else {
            (kept.stock.get(t - 1), kept.stock.get(t.max(2) - 2))
        };
        if inputs.heavy > 0 {
            let (count, dim) = tall(inputs.chunks, particles);
            let partial = laid.empty(3 * inputs.chunks * particles);
            launch!(
                laid,
                adjoint::retreat_heavy,
                (count, dim),
                inputs.chunk.arg(),
                inputs.span.arg(),
                laid.supplier.arg(),
                laid.coefficient.arg(),
                kept.behaviour.arg(),
                demand.arg(),
                demand_before.arg(),
                s1.arg(),
                s2.arg(),
                back.market.arg(),
                back.left.arg(),
                kept.limiting.get(t).arg(),
                back.adjoint.arg(),
                back.owed.arg(),
                partial.arg(),
                laid.nodes,
                particles,
                inputs.slots,
                inputs.chunks,
                end,
            );
            let (count, dim) = tall(inputs.heavy, particles);
            launch!(
                laid,
                adjoint::retreat_finish,
                (count, dim),
                inputs.first_chunk.arg(),
                partial.arg(),
                back.sums.arg(),
                laid.nodes,
                particles,
                inputs.chunks,
                end,
            );
        }
        if inputs.heavy < inputs.rows {
            let (count, dim) = laid.flat((inputs.rows - inputs.heavy) * particles);
            launch!(
                laid,
                adjoint::retreat_light,
                (count, dim),
                inputs.span.arg(),
                laid.supplier.arg(),
                laid.coefficient.arg(),
                kept.behaviour.arg(),
                demand.arg(),
                demand_before.arg(),
                s1.arg(),
                s2.arg(),
                back.market.arg(),
                back.left.arg(),
                kept.limiting.get(t).arg(),
                back.adjoint.arg(),
                back.owed.arg(),
                back.sums.arg(),
                inputs.heavy,
                laid.nodes,
                particles,
                inputs.slots,
                end,
            );
        }
    }

    fn produce_back(
        &self,
        kept: &Kept,
        back: &Back,
        t: usize,
        panel: &Buffer,
        capacity: Option<&Buffer>,
    ) {
        let (laid, design) = (self.laid, self.design);
        let (count, dim) = laid.flat(self.cells());
        let columns = design.column.len();
        let (capacity_first, capacity_stride) = self.capacity_at(t);
        let panel_stride = design.periods * design.groups;
        let gradient_stride = design.periods * columns;
        let first = self.block.first;
        let at = || {
            AtLaunch::new(
                first * panel_stride + (t - 1) * design.groups,
                panel_stride,
                capacity_first,
                capacity_stride,
                first * gradient_stride + (t - 1) * columns,
                gradient_stride,
            )
        };
        let nothing = laid.empty(1);
        launch!(
            laid,
            adjoint::produce_back,
            (count, dim),
            back.owed_sum.arg(),
            back.sums.arg(),
            kept.demand.get(t - 1).arg(),
            kept.output.get(t - 1).arg(),
            panel.arg(),
            laid.belongs.arg(),
            laid.full.arg(),
            laid.outside.arg(),
            self.tensors.capacity.arg(),
            kept.behaviour.arg(),
            kept.lowest.get(t - 1).arg(),
            back.market.arg(),
            back.left.arg(),
            back.to_target.arg(),
            capacity.unwrap_or(&nothing).arg(),
            at(),
            laid.nodes,
            self.block.particles,
            design.model,
            capacity.is_some(),
        );
    }
}

/// The arrays of a run back.
struct Back {
    adjoint: Buffer,
    owed: Buffer,
    sums: Buffer,
    market: Buffer,
    left: Buffer,
    to_target: Buffer,
    owed_sum: Buffer,
}

impl Kept {
    /// After period `t`: lets go of what no later period reads.
    fn forget(&mut self, t: usize, periods: usize) {
        let Some(past) = t.checked_sub(3) else {
            return;
        };
        match self.stride {
            None => {
                self.stock.forget(past);
                self.output.forget(past);
                // The steady state is read in place of what was before.
                if past > 0 {
                    self.demand.forget(past);
                }
            }
            Some(k) if k >= periods => {}
            // Pairs at checkpoints stay.
            Some(k) if past.is_multiple_of(k) || (past + 1).is_multiple_of(k) => {}
            Some(_) => self.stock.forget(past),
        }
    }
}

/// Sums the particles' gradients of a capacity that all share.
pub(super) fn over_particles(
    laid: &Laid,
    all: &Buffer,
    out: &Buffer,
    cells: usize,
    particles: usize,
) {
    let (count, dim) = laid.flat(cells);
    launch!(
        laid,
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
    use super::cut;

    #[test]
    fn blocks_hold_every_particle_once() {
        for particles in 1..40 {
            for most in 1..45 {
                let mut next = 0;
                for block in cut(particles, most) {
                    assert_eq!(block.first, next);
                    assert!((1..=most).contains(&block.particles));
                    next += block.particles;
                }
                assert_eq!(next, particles);
            }
        }
    }
}
