//! Random numbers by name: those of (seed, purpose, k) are the same in any order and in any call.

use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal, StandardUniform};

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
}

fn generator(seed: u64, purpose: Purpose, k: usize) -> StdRng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(k as u64).to_le_bytes());
    key[16] = purpose as u8;
    StdRng::from_seed(key)
}

/// `n` standard normal numbers.
pub(super) fn normals(
    seed: u64,
    purpose: Purpose,
    k: usize,
    n: usize,
) -> impl Iterator<Item = f64> {
    StandardNormal
        .sample_iter(generator(seed, purpose, k))
        .take(n)
}

/// Numbers uniform in 0..1, without end.
pub(super) fn uniforms(seed: u64, purpose: Purpose, k: usize) -> impl Iterator<Item = f64> {
    StandardUniform.sample_iter(generator(seed, purpose, k))
}
