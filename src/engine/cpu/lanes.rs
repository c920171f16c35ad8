//! Takes a block's panel apart: particles that stand side by side get panels of their own.

use super::Float;
use super::links::lanes;

/// `from` is [cell, particle], with so many particles `together`; `to` [particle, cell] of the first of them.
pub(super) fn unravel<F: Float>(from: &[F], together: usize, to: &mut [F]) {
    match together {
        1 => to.copy_from_slice(from),
        4 => turn::<F, 4>(from, to),
        _ => turn::<F, 8>(from, to),
    }
}

fn turn<F: Float, const L: usize>(from: &[F], to: &mut [F]) {
    let from = from.as_chunks().0;
    pulp::Arch::new().dispatch(Unravel::<F, L> {
        from,
        to: to.chunks_exact_mut(from.len()).collect(),
    });
}

/// Takes particles apart that stand side by side.
struct Unravel<'a, F, const L: usize> {
    /// [cell, particle].
    from: &'a [[F; L]],
    /// A panel for each particle that is wanted.
    to: Vec<&'a mut [F]>,
}

impl<F: Float, const L: usize> pulp::WithSimd for Unravel<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) {
        // Squares of cells and particles: whole rows are read and written.
        let (squares, rest) = self.from.as_chunks::<L>();
        for (l, to) in self.to.iter_mut().enumerate() {
            let last = to.as_chunks_mut::<L>().1;
            for (to, from) in last.iter_mut().zip(rest) {
                *to = from[l];
            }
        }
        for (k, square) in squares.iter().enumerate() {
            let turned: [[F; L]; L] = std::array::from_fn(|l| lanes(|c| square[c][l]));
            for (to, row) in self.to.iter_mut().zip(turned) {
                to[k * L..][..L].copy_from_slice(&row);
            }
        }
    }
}
