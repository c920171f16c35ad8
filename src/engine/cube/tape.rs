//! What the gradient reads of a run on a device.

use super::device::Buffer;

/// A buffer for each period that is kept.
#[derive(Clone, Default)]
pub(super) struct History(pub(super) Vec<Option<Buffer>>);

impl History {
    pub(super) fn push(&mut self, buffer: Buffer) {
        self.0.push(Some(buffer));
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|b| b.is_some())
    }

    pub(super) fn get(&self, at: usize) -> &Buffer {
        self.0[at].as_ref().expect("what is read is kept")
    }

    pub(super) fn set(&mut self, at: usize, buffer: Buffer) {
        self.0[at] = Some(buffer);
    }

    pub(super) fn free(&mut self, at: usize) {
        if let Some(buffer) = self.0.get_mut(at) {
            *buffer = None;
        }
    }
}

/// What the gradient reads of a block's run.
#[derive(Clone)]
pub(super) struct BlockTape {
    pub(super) behaviour: Buffer,
    /// Demand after period t.
    pub(super) demand: History,
    /// Output of period t, at t - 1.
    pub(super) output: History,
    /// The input with the lowest inventory before period t, at t - 1; and that inventory.
    pub(super) limiting: History,
    pub(super) lowest: History,
    /// Inventories after period t.
    pub(super) stock: History,
    /// Periods between checkpoints; None where nothing is kept for a gradient.
    pub(super) stride: Option<usize>,
}

impl BlockTape {
    /// Frees, after period `t`, the buffers that no later period reads.
    pub(super) fn free_unread(&mut self, t: usize, periods: usize) {
        let Some(past) = t.checked_sub(3) else {
            return;
        };
        match self.stride {
            None => {
                self.stock.free(past);
                self.output.free(past);
                // The steady state is also the demand before period 1.
                if past > 0 {
                    self.demand.free(past);
                }
            }
            Some(k) if k >= periods => {}
            // The inventories of two periods stay at each checkpoint.
            Some(k) if past.is_multiple_of(k) || (past + 1).is_multiple_of(k) => {}
            Some(_) => self.stock.free(past),
        }
    }
}
