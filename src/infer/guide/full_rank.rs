//! All covariances.

use super::linear::{cholesky, dot, solve};
use super::{Family, Parts, scale, unit};
use crate::error::{Error, Result};
use std::ops::Range;

/// A lower triangular matrix of scales and covariances.
pub(super) struct FullRank;

/// Of more coordinates some hundred gradients cannot tell the covariances.
const MOST: usize = 500;

impl Family for FullRank {
    fn check(&self, n: usize) -> Result<()> {
        if n <= MOST {
            return Ok(());
        }
        Err(Error::new(
            "Svi.guide",
            format!(
                "FullRank of {n} coordinates has {} covariances, more than a fit can learn; {MOST} coordinates are the most",
                n * (n - 1) / 2
            ),
            "use Guide::LowRank(20) or Guide::MeanField",
        ))
    }

    fn row(&self, n: usize, i: usize) -> Range<usize> {
        2 * n + i * i.saturating_sub(1) / 2..2 * n + (i + 1) * i / 2
    }

    fn factors<'a>(&self, noise: &'a [f64], _: usize, i: usize) -> &'a [f64] {
        &noise[..i]
    }

    fn density(&self, w: &[f64], n: usize, noise: &[f64], constant: f64) -> (f64, Vec<f64>) {
        let c = unit(n);
        // The particle is m + L ε: the score is -L^-T ε.
        let mut x: Vec<f64> = noise.iter().map(|e| -e).collect();
        for i in (0..n).rev() {
            x[i] /= scale(w, n, i);
            let (before, own) = x.split_at_mut(i);
            for (x, b) in before.iter_mut().zip(&w[self.row(n, i)]) {
                *x -= c * b * own[0];
            }
        }
        (constant - 0.5 * dot(noise, noise), x)
    }

    fn moments(&self, w: &[f64], n: usize, parts: &mut Parts<'_>) -> (f64, f64) {
        let c = unit(n);
        let mut mean = 0.0;
        // What the normals of all earlier coordinates contribute.
        let mut common: Vec<f64> = Vec::new();
        for (i, a) in parts {
            mean += a * w[i];
            common.resize(common.len().max(i + 1), 0.0);
            common[i] += a * scale(w, n, i);
            for (to, b) in common.iter_mut().zip(&w[self.row(n, i)]) {
                *to += a * c * b;
            }
        }
        (mean, dot(&common, &common).sqrt())
    }

    fn renyi(&self, alpha: f64, d: f64, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        let beta = 1.0 - alpha;
        let c = unit(n);
        // Σ = T Tᵀ.
        let mut t = vec![0.0; n * n];
        for i in 0..n {
            t[i * n + i] = w[n + i].exp();
            for (t, b) in t[i * n..i * n + i].iter_mut().zip(&w[self.row(n, i)]) {
                *t = c * b;
            }
        }
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                a[i * n + j] = beta * dot(&t[i * n..i * n + j + 1], &t[j * n..j * n + j + 1]);
            }
            a[i * n + i] += alpha;
        }
        let l = cholesky(a, n);
        let v = solve(&l, n, &w[..n]);
        let log: f64 = 2.0 * (0..n).map(|k| l[k * n + k].ln()).sum::<f64>();
        let d = d + 0.5 * (alpha * dot(&v, &w[..n]) + log / beta);
        // 2 (1 - α) G T = A⁻¹ T - α (1 - α) v (vᵀ T), column by column of T.
        for j in 0..n {
            let column: Vec<f64> = (0..n).map(|i| t[i * n + j]).collect();
            let x = solve(&l, n, &column);
            let along = dot(&v, &column);
            for i in j..n {
                let g = x[i] - alpha * beta * v[i] * along;
                if i == j {
                    to[n + i] += g * t[i * n + i];
                } else {
                    to[self.row(n, i).start + j] += c * g;
                }
            }
            to[j] += alpha * v[j];
        }
        d
    }
}
