//! Transposes the panel of a block whose lanes are particles to one panel a particle.

use super::Float;
use super::rows::lanes;

/// Transposes `from`, [cell, particle] with `lanes` particles, to `to`, [particle, cell], which may have fewer
/// particles.
pub(super) fn unravel<F: Float>(from: &[F], lanes: usize, to: &mut [F]) {
    match lanes {
        1 => to.copy_from_slice(from),
        4 => transpose::<F, 4>(from, to),
        _ => transpose::<F, 8>(from, to),
    }
}

fn transpose<F: Float, const L: usize>(from: &[F], to: &mut [F]) {
    let from = from.as_chunks().0;
    pulp::Arch::new().dispatch(Unravel::<F, L> {
        from,
        to: to.chunks_exact_mut(from.len()).collect(),
    });
}

/// The transposition as a struct, which the choice of instructions requires.
struct Unravel<'a, F, const L: usize> {
    /// [cell, particle].
    from: &'a [[F; L]],
    /// The panels of the particles.
    to: Vec<&'a mut [F]>,
}

impl<F: Float, const L: usize> pulp::WithSimd for Unravel<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) {
        // Squares of L cells and L particles: whole rows are read and written.
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
