//! Random numbers by name: those of (seed, purpose, k) are the same in any order and in any call.

use crate::simulate::GRAIN;
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal, StandardUniform};
use rayon::prelude::*;
use std::ops::Range;

/// Numbers of a row that one generator makes: in long rows the next ones come from others, for other threads to make.
const PIECE: usize = 1 << 15;

/// What numbers are drawn for; purposes do not share any.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// The k-th draw from the prior.
    Prior = 0,
    /// The particles of step k.
    Particles = 1,
    /// The draws of the posterior.
    Posterior = 2,
    /// True values of the k-th run of simulation-based calibration.
    Truth = 3,
    /// The noise in its panel.
    Noise = 4,
    /// Where a guide starts.
    Guide = 5,
    /// The proposals of a population or of chains.
    Proposal = 6,
    /// Which proposals are taken, and which draws go on.
    Choice = 7,
    /// Where the further starts of a fit are.
    Start = 8,
    /// The momenta of Hamiltonian moves.
    Momentum = 9,
}

/// The generator of one piece of row `k`.
pub(super) fn generator(seed: u64, purpose: Purpose, k: usize, piece: usize) -> StdRng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(k as u64).to_le_bytes());
    key[16] = purpose as u8;
    key[24..].copy_from_slice(&(piece as u64).to_le_bytes());
    StdRng::from_seed(key)
}

/// Fills the pieces of row `k`, each with its number, with standard normal numbers.
fn fill(seed: u64, purpose: Purpose, k: usize) -> impl Fn((usize, &mut [f64])) + Sync {
    move |(piece, to)| {
        let mut from = generator(seed, purpose, k, piece);
        to.fill_with(|| StandardNormal.sample(&mut from));
    }
}

/// `n` standard normal numbers.
pub(super) fn normals(seed: u64, purpose: Purpose, k: usize, n: usize) -> Vec<f64> {
    let mut row = vec![0.0; n];
    let pieces = row.par_chunks_mut(PIECE).enumerate();
    pieces.for_each(fill(seed, purpose, k));
    row
}

/// The same for all k of a range, row by row. Few rows are made by the thread that asks for them, which may be one of
/// many, each with its own.
pub(super) fn rows_of_normals(
    seed: u64,
    purpose: Purpose,
    all: Range<usize>,
    n: usize,
) -> Vec<f64> {
    let mut rows = vec![0.0; all.len() * n];
    let each = rows.par_chunks_exact_mut(n).zip(all).with_min_len(32);
    each.for_each(|(row, k)| {
        let pieces = row.chunks_mut(PIECE).enumerate();
        pieces.for_each(fill(seed, purpose, k));
    });
    rows
}

/// Turns normals into moves from `here` that leave the standard normal as it is: √(1 - reach²) u + reach ε.
pub(super) fn move_from(here: &[f64], reach: f64, noise: &mut [f64]) {
    let stay = (1.0 - reach * reach).sqrt();
    let both = noise.par_iter_mut().zip(here).with_min_len(GRAIN);
    both.for_each(|(u, here)| *u = stay * here + reach * *u);
}

/// Numbers uniform in 0..1, without end.
pub(super) fn uniforms(seed: u64, purpose: Purpose, k: usize) -> impl Iterator<Item = f64> {
    StandardUniform.sample_iter(generator(seed, purpose, k, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_same_by_any_way_and_on_any_threads() {
        let n = 2 * PIECE + 5;
        let rows = rows_of_normals(3, Purpose::Prior, 7..9, n);
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        for (k, row) in (7..9).zip(rows.chunks_exact(n)) {
            assert!(normals(3, Purpose::Prior, k, n) == row);
            let one = alone.as_ref().expect("one thread");
            assert!(one.install(|| normals(3, Purpose::Prior, k, n)) == row);
            assert!(normals(3, Purpose::Prior, k, 10) == row[..10]);
            // No piece is a copy of another.
            assert!(row[..5] != row[PIECE..][..5] && row[..5] != row[2 * PIECE..]);
        }
        assert!(rows[..5] != rows[n..][..5]);
    }
}
