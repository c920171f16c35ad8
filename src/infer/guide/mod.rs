//! Guides: the families of normal distributions that a posterior is approximated by, a file each.

mod divergence;
mod full_rank;
mod linear;
mod low_rank;
mod mean_field;
mod point;

use crate::error::Result;
use crate::infer::exp::exp;
use crate::simulate::GRAIN;
pub use divergence::Divergence;
use linear::dot;
use rayon::prelude::*;
use serde::Serialize;
use std::ops::Range;

/// A family of normals of n coordinates. Its unknowns w are the means, the log-scales and, where coordinates depend on
/// each other, a matrix B row by row.
pub(crate) trait Family: Sync {
    /// Refuses numbers of coordinates that it is not for.
    fn check(&self, _n: usize) -> Result<()> {
        Ok(())
    }
    /// True of a family without spread: no log-scales, no B, no noise.
    fn is_point(&self) -> bool {
        false
    }
    /// Normals that a particle takes.
    fn noise(&self, n: usize) -> usize {
        n
    }
    /// Columns of B, for the constant c.
    fn columns(&self, n: usize) -> usize {
        n
    }
    /// Row i of B among the unknowns; empty where there is no B.
    fn row(&self, _n: usize, _i: usize) -> Range<usize> {
        0..0
    }
    /// What row i of B is multiplied with.
    fn factors<'a>(&self, _noise: &'a [f64], _n: usize, _i: usize) -> &'a [f64] {
        &[]
    }
    /// B to start from, row by row, where the guide is `scale` wide.
    fn start(&self, count: usize, _scale: f64, _seed: u64) -> Vec<f64> {
        vec![0.0; count]
    }
    /// Half the log-determinant by which B widens the guide beyond its scales; adds its negative gradient.
    fn widening(&self, _w: &[f64], _n: usize, _to: &mut [f64]) -> f64 {
        0.0
    }
    /// Logarithm of the density at the particle that `noise` makes, and the density's score there: the gradient of the
    /// logarithm in the particle. `constant` is what the scales contribute.
    fn density(&self, w: &[f64], n: usize, noise: &[f64], constant: f64) -> (f64, Vec<f64>);
    /// Mean and standard deviation of a weighted sum of coordinates.
    fn moments(&self, w: &[f64], n: usize, parts: &mut Parts<'_>) -> (f64, f64) {
        let c = unit(self.columns(n));
        let (mut mean, mut variance) = (0.0, 0.0);
        // What common factors contribute.
        let mut common: Vec<f64> = Vec::new();
        for (i, a) in parts {
            mean += a * w[i];
            let own = a * w[n + i].exp();
            let row = &w[self.row(n, i)];
            variance += own * own;
            common.resize(common.len().max(row.len()), 0.0);
            for (to, b) in common.iter_mut().zip(row) {
                *to += a * c * b;
            }
        }
        (mean, (variance + dot(&common, &common)).sqrt())
    }
    /// Rényi's divergence of order `alpha`, of which `d` is what the determinant of the scales contributes; adds the
    /// gradient of the rest.
    fn renyi(&self, alpha: f64, d: f64, w: &[f64], n: usize, to: &mut [f64]) -> f64;
}

/// Coordinates with their weights.
type Parts<'a> = dyn Iterator<Item = (usize, f64)> + 'a;

members! {
    /// The family of the guide: normal distributions of the priors' standard-normal coordinates.
    ///
    /// Particles are u = m + e^d ε + c B ε', with a mean m and a log-scale d per coordinate. B, a row per
    /// coordinate, is what makes coordinates depend on each other; the constant c, one over the root of
    /// the number of columns, makes a step of the optimiser the same for every family.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
    Guide: dyn Family {
        /// Independent coordinates: 2 numbers per coordinate. Its intervals are too narrow where
        /// parameters can make up for each other; `sbc` tells by how much.
        #[default]
        MeanField = mean_field,
        /// Diagonal and so many common factors: B has that many columns and ε' its own normals. For many
        /// coordinates it needs many steps: after 300 of one particle it fits 2,000 coordinates worse
        /// than `MeanField`.
        LowRank(factors: usize) = low_rank,
        /// All covariances: B is strictly lower triangular and ε' is ε. Up to 500 coordinates.
        FullRank = full_rank,
        /// No spread at all: the most probable coordinates (maximum a posteriori), where `weight x loss +
        /// |m|² / 2` is least. It is the mode in the standard-normal coordinates, which is not that of the
        /// parameters' own densities, and says nothing of uncertainty.
        Point = point,
    }
}

/// Some coordinates' share of a gradient in the unknowns, for a thread to add to.
struct Piece<'a> {
    /// The first of the coordinates.
    first: usize,
    to_mean: &'a mut [f64],
    /// Empty for a point.
    to_scale: &'a mut [f64],
    /// Of their rows of B, if it has any.
    to_rows: &'a mut [f64],
}

impl Piece<'_> {
    /// Its coordinates.
    fn all(&self) -> Range<usize> {
        self.first..self.first + self.to_mean.len()
    }
}

/// c of the guide's doc.
fn unit(columns: usize) -> f64 {
    1.0 / (columns.max(1) as f64).sqrt()
}

/// Number of unknowns of a family.
fn unknowns(family: &dyn Family, n: usize) -> usize {
    match family.is_point() {
        true => n,
        false => family.row(n, n - 1).end.max(2 * n),
    }
}

/// Cuts a gradient in the unknowns into pieces.
fn pieces<'a>(family: &dyn Family, n: usize, to: &'a mut [f64]) -> Vec<Piece<'a>> {
    let (to_mean, rest) = to.split_at_mut(n);
    let (to_scale, to_rows) = rest.split_at_mut(rest.len().min(n));
    let rows = family.row(n, GRAIN.min(n) - 1).end.saturating_sub(2 * n);
    let (mut to_scale, mut to_rows) = (to_scale.chunks_mut(GRAIN), to_rows.chunks_mut(rows.max(1)));
    let means = to_mean.chunks_mut(GRAIN).enumerate();
    let pieces = means.map(|(k, to_mean)| Piece {
        first: k * GRAIN,
        to_mean,
        to_scale: to_scale.next().unwrap_or_default(),
        to_rows: to_rows.next().unwrap_or_default(),
    });
    pieces.collect()
}

impl Guide {
    pub(crate) fn check(self, n: usize) -> Result<()> {
        self.with(|family| family.check(n))
    }

    /// True of a guide without spread.
    pub(crate) fn is_point(self) -> bool {
        self.with(|family| family.is_point())
    }

    /// Normals that a particle takes.
    pub(crate) fn noise(self, n: usize) -> usize {
        self.with(|family| family.noise(n))
    }

    /// Unknowns to start from: the prior's mean, and `scale` in every direction.
    pub(crate) fn start(self, n: usize, scale: f64, seed: u64) -> Vec<f64> {
        self.with(|family| {
            let mut w = vec![0.0; n];
            if !family.is_point() {
                w.resize(2 * n, scale.ln());
                w.extend(family.start(unknowns(family, n) - 2 * n, scale, seed));
            }
            w
        })
    }

    /// The particle that `noise` makes.
    pub(crate) fn particle(self, w: &[f64], n: usize, noise: &[f64]) -> Vec<f64> {
        self.with(|family| {
            if family.is_point() {
                return w.to_vec();
            }
            let c = unit(family.columns(n));
            let has_rows = w.len() > 2 * n;
            let mut u = vec![0.0; n];
            let pieces = u.par_chunks_mut(GRAIN).enumerate();
            pieces.for_each(|(k, u)| {
                let all = k * GRAIN..k * GRAIN + u.len();
                let scales = scales(w, n, all.clone());
                let means = w[all.clone()].iter().zip(&scales);
                for ((u, (m, scale)), e) in u.iter_mut().zip(means).zip(&noise[all.clone()]) {
                    *u = m + scale * e;
                }
                if has_rows {
                    for (u, i) in u.iter_mut().zip(all) {
                        *u += c * dot(&w[family.row(n, i)], family.factors(noise, n, i));
                    }
                }
            });
            u
        })
    }

    /// Adds the gradient in the unknowns of what has gradient `g` in the particle.
    pub(crate) fn pull(self, w: &[f64], noise: &[f64], g: &[f64], to: &mut [f64]) {
        self.with(|family| pull(family, w, noise, g, to));
    }

    /// KL(q || standard normal), and adds its gradient in the unknowns. Of a point, whose divergence is
    /// infinite, the part that depends on where it is.
    fn kl(self, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        self.with(|family| kl(family, w, n, to))
    }

    /// Logarithm of the guide's density at the particle that `noise` makes, and the density's score
    /// there: the gradient of the logarithm in the particle. A point has neither: NaN and zeros.
    pub(crate) fn density(self, w: &[f64], n: usize, noise: &[f64]) -> (f64, Vec<f64>) {
        self.with(|family| {
            if family.is_point() {
                return (f64::NAN, vec![0.0; n]);
            }
            let constant = -0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln()
                - w[n..2 * n].iter().sum::<f64>();
            family.density(w, n, noise, constant)
        })
    }

    /// Mean and standard deviation of a weighted sum of coordinates.
    pub(crate) fn moments(
        self,
        w: &[f64],
        n: usize,
        mut parts: impl Iterator<Item = (usize, f64)>,
    ) -> (f64, f64) {
        self.with(|family| family.moments(w, n, &mut parts))
    }
}

/// Adds the gradient in the unknowns of what has gradient `g` in the particle.
fn pull(family: &dyn Family, w: &[f64], noise: &[f64], g: &[f64], to: &mut [f64]) {
    let (n, c) = (g.len(), unit(family.columns(g.len())));
    let pieces = pieces(family, n, to).into_par_iter();
    pieces.for_each(|piece| {
        let all = piece.all();
        let g = &g[all.clone()];
        for (to, g) in piece.to_mean.iter_mut().zip(g) {
            *to += g;
        }
        if !family.is_point() {
            let scales = scales(w, n, all.clone());
            let each = g.iter().zip(&scales).zip(&noise[all.clone()]);
            for (to, ((g, scale), e)) in piece.to_scale.iter_mut().zip(each) {
                *to += g * scale * e;
            }
        }
        if piece.to_rows.is_empty() {
            return;
        }
        let begin = family.row(n, all.start).start;
        for (i, g) in all.zip(g) {
            let row = family.row(n, i);
            let row = piece.to_rows[row.start - begin..row.end - begin].iter_mut();
            for (to, e) in row.zip(family.factors(noise, n, i)) {
                *to += c * g * e;
            }
        }
    });
}

/// `Guide::kl` of a family.
fn kl(family: &dyn Family, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
    let c = unit(family.columns(n));
    let of = |piece: Piece<'_>| {
        let all = piece.all();
        let means = &w[all.clone()];
        for (to, m) in piece.to_mean.iter_mut().zip(means) {
            *to += m;
        }
        if family.is_point() {
            return 0.5 * dot(means, means);
        }
        let mut kl = 0.0;
        let scales = scales(w, n, all.clone());
        let unknowns = means.iter().zip(&w[n..][all.clone()]).zip(&scales);
        for (to, ((m, d), scale)) in piece.to_scale.iter_mut().zip(unknowns) {
            let square = scale * scale;
            kl += 0.5 * (square + m * m - 1.0) - d;
            *to += square - 1.0;
        }
        let rows = &w[family.row(n, all.start).start..family.row(n, all.end - 1).end];
        for (to, b) in piece.to_rows.iter_mut().zip(rows) {
            *to += c * c * b;
        }
        kl + 0.5 * c * c * dot(rows, rows)
    };
    let parts: Vec<f64> = pieces(family, n, to).into_par_iter().map(of).collect();
    // One after the other: the sum is the same on any number of threads.
    let kl: f64 = parts.iter().sum();
    kl - family.widening(w, n, to)
}

/// The scales e^d of some of n coordinates.
fn scales(w: &[f64], n: usize, some: Range<usize>) -> Vec<f64> {
    let mut scales = w[n..2 * n][some].to_vec();
    exp(1.0, &mut scales);
    scales
}

/// The scale e^d of coordinate i.
fn scale(w: &[f64], n: usize, i: usize) -> f64 {
    w[n + i].exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals};

    fn size(guide: Guide, n: usize) -> usize {
        guide.with(|family| unknowns(family, n))
    }

    #[test]
    fn gradients_are_finite_differences() {
        let n = 5;
        for guide in [
            Guide::MeanField,
            Guide::LowRank(2),
            Guide::FullRank,
            Guide::Point,
        ] {
            let size = size(guide, n);
            let mut w = normals(1, Purpose::Guide, 0, size);
            w.iter_mut().for_each(|e| *e *= 0.5);
            let noise = normals(1, Purpose::Guide, 1, guide.noise(n));
            let pull = normals(1, Purpose::Guide, 2, n);
            let value = |w: &[f64]| {
                let kl = guide.kl(w, n, &mut vec![0.0; size]);
                kl + dot(&pull, &guide.particle(w, n, &noise))
            };
            let mut gradient = vec![0.0; size];
            guide.kl(&w, n, &mut gradient);
            guide.pull(&w, &noise, &pull, &mut gradient);
            for (k, g) in gradient.iter().enumerate() {
                let at = |h: f64| {
                    let mut w = w.clone();
                    w[k] += h;
                    value(&w)
                };
                let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!(
                    (difference - g).abs() < 1e-7,
                    "{guide:?} {k}: {difference} {g}"
                );
            }
        }
    }

    #[test]
    fn many_coordinates_are_cut_into_pieces() {
        // Three copies of the same coordinates a piece long: each adds as much, and has the same gradient.
        let (n, copies) = (GRAIN, 3);
        for (guide, r) in [(Guide::MeanField, 0), (Guide::LowRank(2), 2)] {
            let one = normals(1, Purpose::Guide, 0, (2 + r) * n);
            let noise = normals(1, Purpose::Guide, 1, n);
            let repeat = |v: &[f64]| v.repeat(copies);
            let (mean, rest) = one.split_at(n);
            let (scale, rows) = rest.split_at(n);
            let w = [repeat(mean), repeat(scale), repeat(rows)].concat();
            let all = n * copies;
            let common = [0.3, -0.8];
            let noise = [repeat(&noise), common[..r].to_vec()].concat();
            let u = guide.particle(&w, all, &noise);
            let mut to = vec![0.0; w.len()];
            let kl = guide.kl(&w, all, &mut to);
            guide.pull(&w, &noise, &u, &mut to);
            for k in 1..copies {
                assert!(u[..n] == u[k * n..][..n], "{guide:?} {k}");
                for begin in [0, all] {
                    let of = |k: usize| &to[begin + k * n..][..n];
                    assert!(of(0) == of(k), "{guide:?} {k}");
                }
                let rows = |k: usize| &to[2 * all + k * r * n..][..r * n];
                assert!(rows(0) == rows(k), "{guide:?} {k}");
            }
            let term = |i: usize| {
                let (scale, m) = ((2.0 * w[all + i]).exp(), w[i]);
                0.5 * (scale + m * m - 1.0) - w[all + i]
            };
            let mut expected: f64 = (0..all).map(term).sum();
            if r > 0 {
                let c = unit(r);
                expected += 0.5 * c * c * dot(&w[2 * all..], &w[2 * all..]);
                let widening = |f: &dyn Family| f.widening(&w, all, &mut vec![0.0; w.len()]);
                expected -= guide.with(widening);
            }
            assert!((kl / expected - 1.0).abs() < 1e-10, "{kl} {expected}");
            let i = all - 1;
            let slope = w[all + i].exp() * noise[i] * u[i] + (2.0 * w[all + i]).exp() - 1.0;
            if r == 0 {
                assert!((to[all + i] - slope).abs() < 1e-10 * slope.abs().max(1.0));
                assert!((to[i] - u[i] - w[i]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn moments_and_densities_are_those_of_many_particles() {
        let n = 4;
        let sum = [(3, 0.8), (1, -0.6)];
        for guide in [Guide::MeanField, Guide::LowRank(2), Guide::FullRank] {
            let w = normals(2, Purpose::Guide, 0, size(guide, n));
            let noise = |k| normals(3, Purpose::Particles, k, guide.noise(n));
            let particles: Vec<Vec<f64>> = (0..20_000)
                .map(|k| guide.particle(&w, n, &noise(k)))
                .collect();
            for parts in [vec![(0, 1.0)], vec![(2, 1.0)], sum.to_vec()] {
                let (mean, scale) = guide.moments(&w, n, parts.iter().copied());
                let values: Vec<f64> = particles
                    .iter()
                    .map(|u| parts.iter().map(|(i, a)| a * u[*i]).sum())
                    .collect();
                let m = values.iter().sum::<f64>() / 2e4;
                let v = values.iter().map(|x| (x - m).powi(2)).sum::<f64>() / 2e4;
                assert!((m - mean).abs() < 0.05 * scale, "{guide:?} {parts:?}");
                assert!((v.sqrt() / scale - 1.0).abs() < 0.03, "{guide:?} {parts:?}");
            }
            // E[score (u - m)ᵀ] = -I and E[-ln q] = KL + E[-ln p]: entropy by another way.
            let mut entropy = 0.0;
            let mut second = 0.0;
            let mut product = [0.0; 16];
            for (k, u) in particles.iter().enumerate() {
                let (log, score) = guide.density(&w, n, &noise(k));
                entropy -= log / 2e4;
                second += 0.5 * dot(u, u) / 2e4;
                for i in 0..n {
                    for j in 0..n {
                        product[i * n + j] += score[i] * (u[j] - w[j]) / 2e4;
                    }
                }
            }
            let kl = guide.kl(&w, n, &mut vec![0.0; size(guide, n)]);
            let normal = 0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln();
            let expected = normal + second - kl;
            assert!(
                (entropy - expected).abs() < 0.05,
                "{guide:?}: {entropy} {expected}"
            );
            for i in 0..n {
                for j in 0..n {
                    let one = if i == j { -1.0 } else { 0.0 };
                    let scale = guide.moments(&w, n, [(j, 1.0)].into_iter()).1
                        / guide.moments(&w, n, [(i, 1.0)].into_iter()).1;
                    let tolerance = 0.1 * scale.max(1.0) * 3.0;
                    assert!(
                        (product[i * n + j] - one).abs() < tolerance,
                        "{guide:?} {i} {j}"
                    );
                }
            }
        }
    }
}
