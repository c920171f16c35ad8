//! What the passes of a period over a partition read: fixed data and inputs of its firms.
//!
//! The lanes of a row are L particles (W = 1 firm a row), or L firms of one particle (W = L). A pass is a struct and
//! not a function: `pulp`, which chooses the instruction set, inlines it into a copy for each.
//!
//! Forward, a period t is `Receive` (demand of t-1), `LinkPass` (inventories of t-1, orders of t) and `FirmPass`
//! (output and offers of t). Back, it is `FirmAdjoint` (what goes to the inventory that limits output, and to
//! capacity), `LinkAdjoint` (inventories and orders) and `Publish` (demand of t-1). What they read of other firms was
//! published in the period before: one synchronisation a period is enough.

use super::Float;
use crate::model::Kernel;

/// Fixed data of a partition's firms and links.
#[derive(Clone, Copy)]
pub(super) struct Fixed<'a, F> {
    /// First row of links of each row of firms, and the number of rows of links.
    pub(super) row: &'a [u32],
    /// W coefficients a row of links.
    pub(super) coefficient: &'a [F],
    /// Output at full capacity and demand from outside, W a row of firms; 1 where a firm has no inputs.
    pub(super) full: &'a [F],
    pub(super) outside: &'a [F],
    pub(super) unfed: &'a [F],
    /// Group of each firm; where a row is one firm, also the first row of each group, and the number of rows.
    pub(super) group: &'a [u32],
    pub(super) first_member: &'a [u32],
    pub(super) model: Kernel,
}

impl<F> Fixed<'_, F> {
    /// Data of firms from one on, without that of links.
    pub(super) fn from(self, firm: usize) -> Self {
        Self {
            full: &self.full[firm..],
            outside: &self.outside[firm..],
            unfed: &self.unfed[firm..],
            group: &self.group[firm..],
            ..self
        }
    }
}

/// Inputs of a partition's firms, one entry a row.
#[derive(Clone, Copy)]
pub(super) struct Firms<'a, F, const L: usize> {
    /// Target inventory n x0.
    pub(super) target: &'a [[F; L]],
    /// 1 / adjustment time.
    pub(super) rate: &'a [[F; L]],
}

/// Remaining capacity of firms as a share of full capacity.
#[derive(Clone, Copy)]
pub(super) enum Capacity<'a, F, const L: usize> {
    Each(&'a [[F; L]]),
    /// One number a firm for all particles, where lanes are particles.
    Shared(&'a [F]),
}

impl<F: Float, const L: usize> Capacity<'_, F, L> {
    pub(super) fn from(self, row: usize) -> Self {
        match self {
            Capacity::Each(rows) => Capacity::Each(&rows[row..]),
            Capacity::Shared(firms) => Capacity::Shared(&firms[row..]),
        }
    }

    #[inline(always)]
    pub(super) fn row(self, i: usize) -> [F; L] {
        match self {
            Capacity::Each(rows) => rows[i],
            Capacity::Shared(firms) => [firms[i]; L],
        }
    }
}

/// Rounds sums to numbers of F.
pub(super) fn round<F: Float>(sums: &mut [f64]) {
    for sum in sums {
        *sum = F::of(*sum).value();
    }
}
