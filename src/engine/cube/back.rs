//! The adjoint of a run on a device: the launches of all periods, back.

use super::super::schedule::{self, Action};
use super::adjoint::{self, PeriodOffsetsLaunch};
use super::device::{Buffer, cube_each, launch};
use super::forward;
use super::run::{Run, To};
use super::tape::BlockTape;

impl Run<'_> {
    /// The gradient, given the gradient `panel` in the panel: into `target` and `rate`, [particle, firm], and
    /// `capacity`, [particle, period, column], where it is wanted.
    pub(super) fn backward(
        &self,
        tape: &BlockTape,
        panel: &Buffer,
        (target, rate): (&Buffer, &Buffer),
        capacity: Option<&Buffer>,
    ) {
        let (layout, periods) = (self.layout, self.design.periods);
        let cells = self.cells();
        let mut tape = tape.clone();
        let buffers = AdjointBuffers {
            link_adjoints: self.zeros(2 * self.links()),
            to_offer: layout.empty(self.links()),
            sums: self.zeros(3 * cells),
            offer_and_to_demand: layout.empty(2 * cells),
            to_lowest: layout.empty(cells),
            to_target: self.zeros(cells),
            offer_adjoint: self.zeros(cells),
        };
        let stride = tape.stride.expect("a run for a gradient");
        for action in schedule::backward(periods, stride) {
            match action {
                // The inventories of the checkpoint are there.
                Action::Restore(_) | Action::Keep(_) | Action::Step(_) => {}
                Action::Again(t) => self.recompute(&mut tape, t),
                Action::Back(t) => {
                    if t < periods {
                        self.link_adjoint(&tape, &buffers, t);
                        let by_firm = To::firms(self.block.particles);
                        let (to_offer, sums) = (&buffers.to_offer, &buffers.offer_adjoint);
                        self.sum(&layout.customers, to_offer, None, sums, by_firm);
                    }
                    self.firm_adjoint(&tape, &buffers, t, panel, capacity);
                    // No later launch reads the inventories of t.
                    tape.stock.free(t);
                }
            }
        }
        self.link_adjoint(&tape, &buffers, 0);
        let (count, dim) = layout.unit_each(cells);
        launch!(
            layout,
            adjoint::store,
            (count, dim),
            layout.firm.arg(),
            buffers.sums.arg(),
            buffers.to_target.arg(),
            target.arg(),
            rate.arg(),
            layout.firms,
            self.block.first,
            self.block.particles,
        );
    }

    /// Computes the inventories of t-1 once more, unless they were kept.
    fn recompute(&self, tape: &mut BlockTape, t: usize) {
        if tape.stock.has(t - 1) {
            return;
        }
        let (offer, cells) = (self.layout.empty(self.cells()), self.cells());
        let (count, dim) = self.layout.unit_each(cells);
        launch!(
            self.layout,
            forward::offers,
            (count, dim),
            tape.demand.get(t - 2).arg(),
            tape.output.get(t - 2).arg(),
            self.layout.outside.arg(),
            offer.arg(),
            self.block.particles,
            cells,
            self.design.model,
        );
        let stock = self.layout.empty(self.links());
        self.link_pass(tape, t, &offer, &stock, None);
        tape.stock.set(t - 1, stock);
    }

    // Long: a launch names all its arrays.
    fn link_adjoint(&self, tape: &BlockTape, buffers: &AdjointBuffers, t: usize) {
        let (layout, inputs) = (self.layout, &self.layout.inputs);
        let particles = self.block.particles;
        let period_zero = t == 0;
        let demand = tape.demand.get(t.max(1) - 1);
        let demand_before = tape.demand.get(t.max(2) - 2);
        // The kernel does not read inventories in period 0.
        let (s1, s2) = if period_zero {
            (tape.demand.get(0), tape.demand.get(0))
        } else {
            (tape.stock.get(t - 1), tape.stock.get(t.max(2) - 2))
        };
        if inputs.heavy > 0 {
            let (count, dim) = cube_each(inputs.chunks, particles);
            let partial = layout.empty(3 * inputs.chunks * particles);
            launch!(
                layout,
                adjoint::link_adjoint_heavy,
                (count, dim),
                inputs.chunk.arg(),
                inputs.span.arg(),
                layout.supplier.arg(),
                layout.coefficient.arg(),
                tape.behaviour.arg(),
                demand.arg(),
                demand_before.arg(),
                s1.arg(),
                s2.arg(),
                buffers.offer_and_to_demand.arg(),
                buffers.to_lowest.arg(),
                tape.limiting.get(t).arg(),
                buffers.link_adjoints.arg(),
                buffers.to_offer.arg(),
                partial.arg(),
                layout.firms,
                particles,
                inputs.slots,
                inputs.chunks,
                period_zero,
            );
            let (count, dim) = cube_each(inputs.heavy, particles);
            launch!(
                layout,
                adjoint::link_adjoint_finish,
                (count, dim),
                inputs.first_chunk.arg(),
                partial.arg(),
                buffers.sums.arg(),
                layout.firms,
                particles,
                inputs.chunks,
                period_zero,
            );
        }
        if inputs.heavy < inputs.rows {
            let (count, dim) = layout.unit_each((inputs.rows - inputs.heavy) * particles);
            launch!(
                layout,
                adjoint::link_adjoint_light,
                (count, dim),
                inputs.span.arg(),
                layout.supplier.arg(),
                layout.coefficient.arg(),
                tape.behaviour.arg(),
                demand.arg(),
                demand_before.arg(),
                s1.arg(),
                s2.arg(),
                buffers.offer_and_to_demand.arg(),
                buffers.to_lowest.arg(),
                tape.limiting.get(t).arg(),
                buffers.link_adjoints.arg(),
                buffers.to_offer.arg(),
                buffers.sums.arg(),
                inputs.heavy,
                layout.firms,
                particles,
                inputs.slots,
                period_zero,
            );
        }
    }

    fn firm_adjoint(
        &self,
        tape: &BlockTape,
        buffers: &AdjointBuffers,
        t: usize,
        panel: &Buffer,
        capacity: Option<&Buffer>,
    ) {
        let (layout, design) = (self.layout, self.design);
        let (count, dim) = layout.unit_each(self.cells());
        let columns = design.column.len();
        let (capacity_first, capacity_stride) = self.capacity_at(t);
        let panel_stride = design.periods * design.groups;
        let gradient_stride = design.periods * columns;
        let first = self.block.first;
        let at = || {
            PeriodOffsetsLaunch::new(
                first * panel_stride + (t - 1) * design.groups,
                panel_stride,
                capacity_first,
                capacity_stride,
                first * gradient_stride + (t - 1) * columns,
                gradient_stride,
            )
        };
        let nothing = layout.empty(1);
        launch!(
            layout,
            adjoint::firm_adjoint,
            (count, dim),
            buffers.offer_adjoint.arg(),
            buffers.sums.arg(),
            tape.demand.get(t - 1).arg(),
            tape.output.get(t - 1).arg(),
            panel.arg(),
            layout.group_and_column.arg(),
            layout.full.arg(),
            layout.outside.arg(),
            self.tensors.capacity.arg(),
            tape.behaviour.arg(),
            tape.lowest.get(t - 1).arg(),
            buffers.offer_and_to_demand.arg(),
            buffers.to_lowest.arg(),
            buffers.to_target.arg(),
            capacity.unwrap_or(&nothing).arg(),
            at(),
            layout.firms,
            self.block.particles,
            design.model,
            capacity.is_some(),
        );
    }
}

/// The buffers of the adjoint pass.
struct AdjointBuffers {
    link_adjoints: Buffer,
    to_offer: Buffer,
    sums: Buffer,
    offer_and_to_demand: Buffer,
    to_lowest: Buffer,
    to_target: Buffer,
    offer_adjoint: Buffer,
}
