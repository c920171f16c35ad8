//! Which instructions a block is computed with: those of the machine, chosen when it runs.

use super::block::Block;
use super::{General, Values};
use crate::number::Real;
use pulp::{Arch, WithSimd};

/// Work that is compiled for every kind of instructions; all that it calls is inlined.
pub(super) struct Work<W>(pub(super) W);

impl<R, W: FnOnce() -> R> WithSimd for Work<W> {
    type Output = R;
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> R {
        (self.0)()
    }
}

/// Runs `work` with the best instructions that there are.
#[inline(always)]
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(Work(work))
}

/// The panels of a block's particles.
pub(super) fn panel<F: Real + 'static, const L: usize>(
    general: &General,
    first: usize,
    values: &Values<'_>,
    panel: &mut [f64],
) {
    Block::<F, L>::new(general, first, values).panel(panel);
}
