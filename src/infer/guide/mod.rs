//! Guides: the families of normal distributions that a posterior is approximated by.

mod divergence;

pub use divergence::Divergence;

use crate::error::{Error, Result};
use crate::infer::exp::exp;
use crate::infer::noise::{Purpose, normals};
use crate::simulate::GRAIN;
use rayon::prelude::*;
use std::ops::Range;

/// The family of the guide: normal distributions of the priors' standard-normal coordinates.
///
/// Particles are u = m + e^d ε + c B ε', with a mean m and a log-scale d per coordinate. B, a row per
/// coordinate, is what makes coordinates depend on each other; the constant c, one over the root of
/// the number of columns, makes a step of the optimiser the same for every family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Guide {
    /// Independent coordinates: 2 numbers per coordinate. Its intervals are too narrow where
    /// parameters can make up for each other; `sbc` tells by how much.
    #[default]
    MeanField,
    /// Diagonal and so many common factors: B has that many columns and ε' its own normals. For many
    /// coordinates it needs many steps: after 300 of one particle it fits 2,000 coordinates worse
    /// than `MeanField`.
    LowRank(usize),
    /// All covariances: B is strictly lower triangular and ε' is ε. Up to 500 coordinates.
    FullRank,
    /// No spread at all: the most probable coordinates (maximum a posteriori), where `weight x loss +
    /// |m|² / 2` is least. It is the mode in the standard-normal coordinates, which is not that of the
    /// parameters' own densities, and says nothing of uncertainty.
    Point,
}

/// Of more coordinates some hundred gradients cannot tell the covariances.
const FULL: usize = 500;

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

impl Guide {
    pub(crate) fn check(self, n: usize) -> Result<()> {
        match self {
            Guide::LowRank(0) => Err(Error::new(
                "Svi.guide",
                "LowRank(0) has no factors",
                "give at least 1, or Guide::MeanField",
            )),
            Guide::LowRank(r) if r > n => Err(Error::new(
                "Svi.guide",
                format!("LowRank({r}) has more factors than the {n} coordinates"),
                "give fewer, such as 20",
            )),
            Guide::FullRank if n > FULL => Err(Error::new(
                "Svi.guide",
                format!(
                    "FullRank of {n} coordinates has {} covariances, more than a fit can learn; {FULL} coordinates are the most",
                    n * (n - 1) / 2
                ),
                "use Guide::LowRank(20) or Guide::MeanField",
            )),
            _ => Ok(()),
        }
    }

    /// Normals that a particle takes.
    pub(crate) fn noise(self, n: usize) -> usize {
        match self {
            Guide::LowRank(r) => n + r,
            Guide::Point => 0,
            _ => n,
        }
    }

    /// c of the type's doc.
    pub(crate) fn unit(self, n: usize) -> f64 {
        let columns = match self {
            Guide::LowRank(r) => r,
            _ => n,
        };
        1.0 / (columns.max(1) as f64).sqrt()
    }

    /// Row i of B among the unknowns, which are the means, the log-scales, and B row by row.
    pub(crate) fn row(self, n: usize, i: usize) -> Range<usize> {
        match self {
            Guide::MeanField | Guide::Point => 0..0,
            Guide::LowRank(r) => 2 * n + i * r..2 * n + (i + 1) * r,
            Guide::FullRank => 2 * n + i * i.saturating_sub(1) / 2..2 * n + (i + 1) * i / 2,
        }
    }

    /// Cuts a gradient in the unknowns into pieces.
    fn pieces(self, n: usize, to: &mut [f64]) -> Vec<Piece<'_>> {
        let (to_mean, rest) = to.split_at_mut(n);
        let (to_scale, to_rows) = rest.split_at_mut(rest.len().min(n));
        let rows = self.row(n, GRAIN.min(n) - 1).end.saturating_sub(2 * n);
        let (mut to_scale, mut to_rows) =
            (to_scale.chunks_mut(GRAIN), to_rows.chunks_mut(rows.max(1)));
        let means = to_mean.chunks_mut(GRAIN).enumerate();
        let pieces = means.map(|(k, to_mean)| Piece {
            first: k * GRAIN,
            to_mean,
            to_scale: to_scale.next().unwrap_or_default(),
            to_rows: to_rows.next().unwrap_or_default(),
        });
        pieces.collect()
    }

    /// What row i of B is multiplied with.
    fn factors(self, noise: &[f64], n: usize, i: usize) -> &[f64] {
        match self {
            Guide::MeanField | Guide::Point => &[],
            Guide::LowRank(_) => &noise[n..],
            Guide::FullRank => &noise[..i],
        }
    }

    /// Number of unknowns.
    pub(crate) fn unknowns(self, n: usize) -> usize {
        match self {
            Guide::Point => n,
            _ => self.row(n, n - 1).end.max(2 * n),
        }
    }

    /// Unknowns to start from: the prior's mean, and `scale` in every direction.
    pub(crate) fn start(self, n: usize, scale: f64, seed: u64) -> Vec<f64> {
        let mut w = vec![0.0; n];
        if self == Guide::Point {
            return w;
        }
        w.resize(2 * n, scale.ln());
        let rest = self.unknowns(n) - 2 * n;
        if let Guide::LowRank(_) = self {
            // Not zero: there all factors would stay alike.
            let factors = normals(seed, Purpose::Guide, 0, rest).into_iter();
            w.extend(factors.map(|e| scale * e));
        } else {
            w.resize(2 * n + rest, 0.0);
        }
        w
    }

    /// The particle that `noise` makes.
    pub(crate) fn particle(self, w: &[f64], n: usize, noise: &[f64]) -> Vec<f64> {
        if self == Guide::Point {
            return w.to_vec();
        }
        let c = self.unit(n);
        let mut u = vec![0.0; n];
        let pieces = u.par_chunks_mut(GRAIN).enumerate();
        pieces.for_each(|(k, u)| {
            let all = k * GRAIN..k * GRAIN + u.len();
            let scales = scales(w, n, all.clone());
            let means = w[all.clone()].iter().zip(&scales);
            for ((u, (m, scale)), e) in u.iter_mut().zip(means).zip(&noise[all.clone()]) {
                *u = m + scale * e;
            }
            if self != Guide::MeanField {
                for (u, i) in u.iter_mut().zip(all) {
                    *u += c * dot(&w[self.row(n, i)], self.factors(noise, n, i));
                }
            }
        });
        u
    }

    /// Adds the gradient in the unknowns of what has gradient `g` in the particle.
    pub(crate) fn pull(self, w: &[f64], noise: &[f64], g: &[f64], to: &mut [f64]) {
        let (n, c) = (g.len(), self.unit(g.len()));
        let pieces = self.pieces(n, to).into_par_iter();
        pieces.for_each(|piece| {
            let all = piece.all();
            let g = &g[all.clone()];
            for (to, g) in piece.to_mean.iter_mut().zip(g) {
                *to += g;
            }
            if self != Guide::Point {
                let scales = scales(w, n, all.clone());
                let each = g.iter().zip(&scales).zip(&noise[all.clone()]);
                for (to, ((g, scale), e)) in piece.to_scale.iter_mut().zip(each) {
                    *to += g * scale * e;
                }
            }
            if piece.to_rows.is_empty() {
                return;
            }
            let begin = self.row(n, all.start).start;
            for (i, g) in all.zip(g) {
                let row = self.row(n, i);
                let row = piece.to_rows[row.start - begin..row.end - begin].iter_mut();
                for (to, e) in row.zip(self.factors(noise, n, i)) {
                    *to += c * g * e;
                }
            }
        });
    }

    /// KL(q || standard normal), and adds its gradient in the unknowns. Of a point, whose divergence is
    /// infinite, the part that depends on where it is.
    pub(crate) fn kl(self, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        let c = self.unit(n);
        let of = |piece: Piece<'_>| {
            let all = piece.all();
            let means = &w[all.clone()];
            for (to, m) in piece.to_mean.iter_mut().zip(means) {
                *to += m;
            }
            if self == Guide::Point {
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
            let rows = &w[self.row(n, all.start).start..self.row(n, all.end - 1).end];
            for (to, b) in piece.to_rows.iter_mut().zip(rows) {
                *to += c * c * b;
            }
            kl + 0.5 * c * c * dot(rows, rows)
        };
        let kl: Vec<f64> = self.pieces(n, to).into_par_iter().map(of).collect();
        // One after the other: the sum is the same on any number of threads.
        let mut kl: f64 = kl.iter().sum();
        if let Guide::LowRank(r) = self {
            kl -= self.common(w, n, r, to);
        }
        kl
    }

    /// Half the log-determinant of I + c² Bᵀ e^-2d B, by which common factors widen the guide; adds
    /// its negative gradient.
    pub(crate) fn common(self, w: &[f64], n: usize, r: usize, to: &mut [f64]) -> f64 {
        let c = self.unit(n);
        let weight = |i: usize| c * c * (-2.0 * w[n + i]).exp();
        let l = self.factor(w, n, r, &weight);
        let pieces = self.pieces(n, to).into_par_iter();
        pieces.for_each(|piece| {
            let all = piece.all();
            let rows = piece.to_rows.chunks_exact_mut(r);
            for (i, (to_scale, to_row)) in all.zip(piece.to_scale.iter_mut().zip(rows)) {
                let row = &w[self.row(n, i)];
                let x = solve(&l, r, row);
                *to_scale += weight(i) * dot(row, &x);
                for (to, x) in to_row.iter_mut().zip(&x) {
                    *to -= weight(i) * x;
                }
            }
        });
        (0..r).map(|k| l[k * r + k].ln()).sum()
    }

    /// The lower factor of I + Σ_i weight(i) b_i b_iᵀ, with b_i the rows of B.
    pub(crate) fn factor(
        self,
        w: &[f64],
        n: usize,
        r: usize,
        weight: &(dyn Fn(usize) -> f64 + Sync),
    ) -> Vec<f64> {
        let of = |piece: usize| {
            let mut s = vec![0.0; r * r];
            for i in piece * GRAIN..((piece + 1) * GRAIN).min(n) {
                let row = &w[self.row(n, i)];
                for (k, b) in row.iter().enumerate() {
                    for l in 0..=k {
                        s[k * r + l] += weight(i) * b * row[l];
                    }
                }
            }
            s
        };
        let pieces: Vec<_> = (0..n.div_ceil(GRAIN)).into_par_iter().map(of).collect();
        let mut s = vec![0.0; r * r];
        for piece in pieces {
            s.iter_mut().zip(piece).for_each(|(s, part)| *s += part);
        }
        for k in 0..r {
            s[k * r + k] += 1.0;
        }
        cholesky(s, r)
    }

    /// Logarithm of the guide's density at the particle that `noise` makes, and the density's score
    /// there: the gradient of the logarithm in the particle. A point has neither: NaN and zeros.
    pub(crate) fn density(self, w: &[f64], n: usize, noise: &[f64]) -> (f64, Vec<f64>) {
        if self == Guide::Point {
            return (f64::NAN, vec![0.0; n]);
        }
        let c = self.unit(n);
        let scale = |i: usize| w[n + i].exp();
        let constant =
            -0.5 * n as f64 * (2.0 * std::f64::consts::PI).ln() - w[n..2 * n].iter().sum::<f64>();
        match self {
            Guide::Point => unreachable!("returned above"),
            Guide::MeanField => {
                let score = (0..n).map(|i| -noise[i] / scale(i)).collect();
                (constant - 0.5 * dot(noise, noise), score)
            }
            Guide::FullRank => {
                // The particle is m + L ε: the score is -L^-T ε.
                let mut x: Vec<f64> = noise.iter().map(|e| -e).collect();
                for i in (0..n).rev() {
                    x[i] /= scale(i);
                    let (before, own) = x.split_at_mut(i);
                    for (x, b) in before.iter_mut().zip(&w[self.row(n, i)]) {
                        *x -= c * b * own[0];
                    }
                }
                (constant - 0.5 * dot(noise, noise), x)
            }
            Guide::LowRank(r) => {
                let weight = |i: usize| c * c * (-2.0 * w[n + i]).exp();
                let l = self.factor(w, n, r, &weight);
                let away: Vec<f64> = (0..n)
                    .map(|i| scale(i) * noise[i] + c * dot(&w[self.row(n, i)], &noise[n..]))
                    .collect();
                // Σ^-1 v by Woodbury's identity.
                let mut pulled = vec![0.0; r];
                for (i, v) in away.iter().enumerate() {
                    for (p, b) in pulled.iter_mut().zip(&w[self.row(n, i)]) {
                        *p += weight(i) * b * v;
                    }
                }
                let common = solve(&l, r, &pulled);
                let score: Vec<f64> = (0..n)
                    .map(|i| {
                        let rest = away[i] - dot(&w[self.row(n, i)], &common);
                        -rest / (scale(i) * scale(i))
                    })
                    .collect();
                let half: f64 = (0..r).map(|k| l[k * r + k].ln()).sum();
                (constant - half + 0.5 * dot(&score, &away), score)
            }
        }
    }

    /// Mean and standard deviation of a weighted sum of coordinates.
    pub(crate) fn moments(
        self,
        w: &[f64],
        n: usize,
        parts: impl Iterator<Item = (usize, f64)>,
    ) -> (f64, f64) {
        let c = self.unit(n);
        let (mut mean, mut variance) = (0.0, 0.0);
        // What common factors, or all earlier normals, contribute.
        let mut common: Vec<f64> = Vec::new();
        for (i, a) in parts {
            mean += a * w[i];
            if self == Guide::Point {
                continue;
            }
            let own = a * w[n + i].exp();
            let row = &w[self.row(n, i)];
            if self == Guide::FullRank {
                common.resize(common.len().max(i + 1), 0.0);
                common[i] += own;
            } else {
                variance += own * own;
                common.resize(common.len().max(row.len()), 0.0);
            }
            for (to, b) in common.iter_mut().zip(row) {
                *to += a * c * b;
            }
        }
        (mean, (variance + dot(&common, &common)).sqrt())
    }
}

/// The scales e^d of some of n coordinates.
fn scales(w: &[f64], n: usize, some: Range<usize>) -> Vec<f64> {
    let mut scales = w[n..2 * n][some].to_vec();
    exp(1.0, &mut scales);
    scales
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The lower factor of a symmetric positive matrix, from its lower half.
pub(crate) fn cholesky(mut s: Vec<f64>, r: usize) -> Vec<f64> {
    for k in 0..r {
        for l in 0..=k {
            let (a, b) = (k * r, l * r);
            let rest = s[a + l] - dot(&s[a..a + l], &s[b..b + l]);
            s[a + l] = if l == k { rest.sqrt() } else { rest / s[b + l] };
        }
    }
    s
}

/// Solves L Lᵀ x = b.
pub(crate) fn solve(l: &[f64], r: usize, b: &[f64]) -> Vec<f64> {
    let mut x = b.to_vec();
    for k in 0..r {
        x[k] = (x[k] - dot(&l[k * r..k * r + k], &x[..k])) / l[k * r + k];
    }
    for k in (0..r).rev() {
        let later: f64 = (k + 1..r).map(|j| l[j * r + k] * x[j]).sum();
        x[k] = (x[k] - later) / l[k * r + k];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_finite_differences() {
        let n = 5;
        for guide in [
            Guide::MeanField,
            Guide::LowRank(2),
            Guide::FullRank,
            Guide::Point,
        ] {
            let size = guide.unknowns(n);
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
                let c = guide.unit(all);
                expected += 0.5 * c * c * dot(&w[2 * all..], &w[2 * all..]);
                expected -= guide.common(&w, all, r, &mut vec![0.0; w.len()]);
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
            let w = normals(2, Purpose::Guide, 0, guide.unknowns(n));
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
            let kl = guide.kl(&w, n, &mut vec![0.0; guide.unknowns(n)]);
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
