//! How many firms each sector has, how large they are, and random numbers that know their purpose.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, Pareto};
use rayon::prelude::*;

/// Random numbers of (seed, purpose, k), the same whatever else is drawn, and by any number of threads.
pub(super) fn noise(seed: u64, purpose: u64, k: u64) -> StdRng {
    // Steele, Lea & Flood's SplitMix64 finaliser mixes the three.
    let mix = |mut z: u64| {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    StdRng::seed_from_u64(mix(mix(mix(seed) ^ purpose) ^ k))
}

/// Whole numbers in proportion to `weight` with the sum `total`, each at least `least`: largest remainders.
pub(super) fn share_out(total: usize, weight: &[f64], least: usize) -> Vec<usize> {
    let sum: f64 = weight.iter().sum();
    let free = total - least * weight.len();
    let exact: Vec<f64> = weight.iter().map(|w| free as f64 * w / sum).collect();
    let mut number: Vec<usize> = exact.iter().map(|v| v.floor() as usize).collect();
    let left = free.saturating_sub(number.iter().sum());
    let mut order: Vec<usize> = (0..weight.len()).collect();
    order.sort_by(|a, b| {
        (exact[*b] - exact[*b].floor()).total_cmp(&(exact[*a] - exact[*a].floor()))
    });
    order
        .iter()
        .cycle()
        .take(left)
        .for_each(|k| number[*k] += 1);
    number.iter().map(|n| n + least).collect()
}

/// Outputs of the firms of every sector, sector after sector, largest first: Pareto with this tail
/// exponent, with the sector's output as their sum.
pub(super) fn outputs(number: &[usize], output: &[f64], tail: f64, seed: u64) -> Vec<f64> {
    let pareto = Pareto::new(1.0, tail).expect("the tail was checked");
    let of = |c: usize| {
        let mut sizes: Vec<f64> = pareto
            .sample_iter(noise(seed, 1, c as u64))
            .take(number[c])
            .collect();
        sizes.sort_by(|a, b| b.total_cmp(a));
        let scale = output[c] / sizes.iter().sum::<f64>();
        sizes.iter_mut().for_each(|s| *s *= scale);
        sizes
    };
    (0..number.len())
        .into_par_iter()
        .flat_map_iter(of)
        .collect()
}

/// Numbers of suppliers in proportion to `weight`, between 1 and `most`, with this mean.
pub(super) fn degrees(weight: &[f64], mean: f64, most: f64, seed: u64) -> Vec<u32> {
    let of = |scale: f64| {
        weight
            .iter()
            .map(|w| (w * scale).clamp(1.0, most))
            .sum::<f64>()
            / weight.len() as f64
    };
    let largest = weight.iter().fold(0.0f64, |m, w| m.max(*w));
    let smallest = weight.iter().fold(f64::INFINITY, |m, w| m.min(*w));
    // Bounds move the mean, so the scale is found by bisection.
    let (mut low, mut high) = (1.0 / largest, most / smallest);
    for _ in 0..100 {
        let middle = (low * high).sqrt();
        if of(middle) < mean {
            low = middle
        } else {
            high = middle
        }
    }
    let mut rng = noise(seed, 2, 0);
    weight
        .iter()
        .map(|w| {
            ((w * high).clamp(1.0, most) + rng.random::<f64>())
                .floor()
                .min(most) as u32
        })
        .collect()
}

/// Running sums, to draw in proportion to weights.
pub(super) struct Draw {
    sums: Vec<f64>,
}

impl Draw {
    pub(super) fn new(weights: impl Iterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let sums = weights.map(|w| {
            sum += w;
            sum
        });
        Self {
            sums: sums.collect(),
        }
    }

    pub(super) fn total(&self) -> f64 {
        self.sums.last().copied().unwrap_or(0.0)
    }

    /// An index in 0..n with probability in proportion to its weight; never one of weight 0.
    pub(super) fn draw(&self, rng: &mut StdRng) -> usize {
        let u = rng.random::<f64>() * self.total();
        self.sums
            .partition_point(|s| *s <= u)
            .min(self.sums.len() - 1)
    }
}
