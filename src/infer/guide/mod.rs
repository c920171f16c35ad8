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
pub(crate) use linear::{cholesky, dot};
use rayon::prelude::*;
use serde::Serialize;
use std::borrow::Cow;
use std::ops::Range;

/// A family of normals of n coordinates. Its unknowns w are the means, the log-scales and, where coordinates depend on
/// each other, a matrix B row by row. What a family is given are the numbers that the particle is made of, in which row i
/// of B is multiplied with the scale of coordinate i already: `Guide` does that, and takes gradients back.
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
    /// B to start from, row by row.
    fn start(&self, count: usize, _seed: u64) -> Vec<f64> {
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
    /// Particles are u = m + e^d (ε + c B ε'), with a mean m and a log-scale d per coordinate. B, a row per
    /// coordinate, is what makes coordinates depend on each other; the constant c, one over the root of
    /// the number of columns, makes a step of the optimiser the same for every family. As the scales multiply B, a guide
    /// that is narrow stays so while B is being learnt.
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
                w.extend(family.start(unknowns(family, n) - 2 * n, seed));
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
            let w = &*made(family, w, n);
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
        self.with(|family| {
            back(family, w, g.len(), to, |w, to| {
                pull(family, w, noise, g, to)
            });
        });
    }

    /// KL(q || standard normal), and adds its gradient in the unknowns. Of a point, whose divergence is
    /// infinite, the part that depends on where it is.
    fn kl(self, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        self.with(|family| back(family, w, n, to, |w, to| kl(family, w, n, to)))
    }

    /// Rényi's divergence D of order α.
    ///
    /// With q = N(m, Σ) and p = N(0, I), and A = α I + (1 - α) Σ:
    /// D = α/2 mᵀ A⁻¹ m + ln|A| / (2 (1 - α)) - ln|Σ| / 2. Its derivative in A is
    /// G = A⁻¹ / (2 (1 - α)) - α/2 v vᵀ with v = A⁻¹ m, from which the rest follows by the chain rule.
    fn renyi(self, alpha: f64, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        // What does not depend on the family: -ln|Σ| / 2 of a triangular or diagonal factor.
        let d = -w[n..2 * n].iter().sum::<f64>();
        for to in &mut to[n..2 * n] {
            *to -= 1.0;
        }
        self.with(|family| back(family, w, n, to, |w, to| family.renyi(alpha, d, w, n, to)))
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
            family.density(&made(family, w, n), n, noise, constant)
        })
    }

    /// Mean and standard deviation of a weighted sum of coordinates.
    pub(crate) fn moments(
        self,
        w: &[f64],
        n: usize,
        mut parts: impl Iterator<Item = (usize, f64)>,
    ) -> (f64, f64) {
        self.with(|family| family.moments(&made(family, w, n), n, &mut parts))
    }
}

/// The numbers that particles are made of: row i of B is multiplied with the scale of coordinate i.
fn made<'a>(family: &dyn Family, w: &'a [f64], n: usize) -> Cow<'a, [f64]> {
    if w.len() <= 2 * n {
        return Cow::Borrowed(w);
    }
    let mut own = w.to_vec();
    let scales = scales(w, n, 0..n);
    for (i, scale) in scales.iter().enumerate() {
        for b in &mut own[family.row(n, i)] {
            *b *= scale;
        }
    }
    Cow::Owned(own)
}

/// Adds to a gradient in the unknowns what `f` adds in the numbers that particles are made of.
fn back<R>(
    family: &dyn Family,
    w: &[f64],
    n: usize,
    to: &mut [f64],
    f: impl FnOnce(&[f64], &mut [f64]) -> R,
) -> R {
    if w.len() <= 2 * n {
        return f(w, to);
    }
    let own = made(family, w, n);
    let mut gradient = vec![0.0; w.len()];
    let result = f(&own, &mut gradient);
    let scales = scales(w, n, 0..n);
    for (i, scale) in scales.iter().enumerate() {
        let row = family.row(n, i);
        gradient[n + i] += dot(&own[row.clone()], &gradient[row.clone()]);
        for g in &mut gradient[row] {
            *g *= scale;
        }
    }
    for (to, g) in to.iter_mut().zip(gradient) {
        *to += g;
    }
    result
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
mod tests;
