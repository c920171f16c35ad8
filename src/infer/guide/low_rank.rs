//! Independent coordinates and common factors.

use super::linear::{cholesky, dot, solve};
use super::{Family, pieces, scale, unit};
use crate::error::{Error, Result};
use crate::infer::noise::{Purpose, normals};
use crate::simulate::GRAIN;
use rayon::prelude::*;
use std::ops::Range;

/// A diagonal and so many common factors.
pub(super) struct LowRank(pub(super) usize);

/// Size of the factors at the start, relative to the scales.
const START: f64 = 0.3;

impl LowRank {
    /// The lower factor of I + Σ_i weight(i) b_i b_iᵀ, with b_i the rows of B.
    fn factor(&self, w: &[f64], n: usize, weight: &(dyn Fn(usize) -> f64 + Sync)) -> Vec<f64> {
        let r = self.0;
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
}

impl Family for LowRank {
    fn check(&self, n: usize) -> Result<()> {
        let (fact, remedy) = match self.0 {
            0 => (
                "LowRank(0) has no factors".into(),
                "give at least 1, or Guide::MeanField",
            ),
            r if r > n => (
                format!("LowRank({r}) has more factors than the {n} coordinates"),
                "give fewer, such as 20",
            ),
            _ => return Ok(()),
        };
        Err(Error::new("Svi.guide", fact, remedy))
    }

    fn noise(&self, n: usize) -> usize {
        n + self.0
    }

    fn columns(&self, _: usize) -> usize {
        self.0
    }

    fn row(&self, n: usize, i: usize) -> Range<usize> {
        let r = self.0;
        2 * n + i * r..2 * n + (i + 1) * r
    }

    fn factors<'a>(&self, noise: &'a [f64], n: usize, _: usize) -> &'a [f64] {
        &noise[n..]
    }

    /// Not zero: there all factors would stay alike.
    fn start(&self, count: usize, seed: u64) -> Vec<f64> {
        let factors = normals(seed, Purpose::Guide, 0, count).into_iter();
        factors.map(|e| START * e).collect()
    }

    /// Half the log-determinant of I + c² Bᵀ e^-2d B, by which common factors widen the guide; adds
    /// its negative gradient.
    fn widening(&self, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        let r = self.0;
        let c = unit(r);
        let weight = |i: usize| c * c * (-2.0 * w[n + i]).exp();
        let l = self.factor(w, n, &weight);
        let pieces = pieces(self, n, to).into_par_iter();
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

    fn density(&self, w: &[f64], n: usize, noise: &[f64], constant: f64) -> (f64, Vec<f64>) {
        let r = self.0;
        let c = unit(r);
        let weight = |i: usize| c * c * (-2.0 * w[n + i]).exp();
        let l = self.factor(w, n, &weight);
        let away: Vec<f64> = (0..n)
            .map(|i| scale(w, n, i) * noise[i] + c * dot(&w[self.row(n, i)], &noise[n..]))
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
                -rest / (scale(w, n, i) * scale(w, n, i))
            })
            .collect();
        let half: f64 = (0..r).map(|k| l[k * r + k].ln()).sum();
        (constant - half + 0.5 * dot(&score, &away), score)
    }

    fn renyi(&self, alpha: f64, d: f64, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        let (r, beta) = (self.0, 1.0 - alpha);
        let square = |i: usize| (2.0 * w[n + i]).exp();
        let d = d - self.widening(w, n, to);
        // A = diag(a) + κ B Bᵀ, inverted by Woodbury's identity.
        let kappa = beta * unit(r).powi(2);
        let a = |i: usize| alpha + beta * square(i);
        let weight = |i: usize| kappa / a(i);
        let l = self.factor(w, n, &weight);
        let row = |i: usize| &w[self.row(n, i)];
        let mut pulled = vec![0.0; r];
        for (i, m) in w[..n].iter().enumerate() {
            for (p, b) in pulled.iter_mut().zip(row(i)) {
                *p += weight(i) * b * m;
            }
        }
        let common = solve(&l, r, &pulled);
        let v: Vec<f64> = (0..n)
            .map(|i| (w[i] - dot(row(i), &common)) / a(i))
            .collect();
        let log: f64 = 2.0 * (0..r).map(|k| l[k * r + k].ln()).sum::<f64>()
            + (0..n).map(|i| a(i).ln()).sum::<f64>();
        let d = d + 0.5 * (alpha * dot(&v, &w[..n]) + log / beta);
        let mut along = vec![0.0; r];
        for (i, v) in v.iter().enumerate() {
            for (to, b) in along.iter_mut().zip(row(i)) {
                *to += v * b;
            }
        }
        for i in 0..n {
            let inner = solve(&l, r, row(i));
            let inverse = (1.0 - weight(i) * dot(row(i), &inner)) / a(i);
            to[i] += alpha * v[i];
            to[n + i] += square(i) * (inverse - alpha * beta * v[i] * v[i]);
            let columns = inner.iter().zip(&along);
            for (to, (x, s)) in to[self.row(n, i)].iter_mut().zip(columns) {
                *to += kappa * (x / (a(i) * beta) - alpha * v[i] * s);
            }
        }
        d
    }
}
