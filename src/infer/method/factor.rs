//! What steps along the gradient are measured in: a factor of the covariances of draws.

use crate::infer::guide::{cholesky, dot};

/// A factor L of covariances: steps in L's coordinates are about as long in every direction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Factor {
    n: usize,
    /// Its diagonal, or the lower triangle row by row in a full square.
    factor: Vec<f64>,
}

/// Sample size that the prior's spread of 1 counts for beside the draws.
const WORTH: f64 = 5.0;

impl Factor {
    /// That of the prior.
    pub(super) fn unit(n: usize) -> Self {
        Self {
            n,
            factor: vec![1.0; n],
        }
    }

    /// Of a covariance matrix; none where it is not positive.
    pub(super) fn dense(covariance: Vec<f64>, n: usize) -> Option<Self> {
        let mut factor = cholesky(covariance, n);
        for i in 0..n {
            factor[i * n + i + 1..(i + 1) * n].fill(0.0);
        }
        let good = factor.iter().all(|v| v.is_finite()) && (0..n).all(|i| factor[i * n + i] > 0.0);
        good.then_some(Self { n, factor })
    }

    /// Of draws [draw, chain, coordinate], around each chain's own mean, with covariances where `dense`.
    pub(super) fn of(draws: &[f64], chains: usize, n: usize, dense: bool) -> Self {
        let rounds = draws.len() / (chains * n);
        let at = |t: usize, c: usize| &draws[(t * chains + c) * n..][..n];
        let mut covariance = vec![0.0; if dense { n * n } else { n }];
        for c in 0..chains {
            let mut mean = vec![0.0; n];
            for t in 0..rounds {
                let row = mean.iter_mut().zip(at(t, c));
                row.for_each(|(m, u)| *m += u / rounds as f64);
            }
            for t in 0..rounds {
                let off: Vec<f64> = at(t, c).iter().zip(&mean).map(|(u, m)| u - m).collect();
                for i in 0..n {
                    match dense {
                        true => {
                            let row = &mut covariance[i * n..i * n + i + 1];
                            row.iter_mut().zip(&off).for_each(|(v, o)| *v += off[i] * o);
                        }
                        false => covariance[i] += off[i] * off[i],
                    }
                }
            }
        }
        let count = (rounds.saturating_sub(1) * chains).max(1) as f64;
        let shrunk = count / (count + WORTH);
        // A matrix of few draws has directions without spread: covariances count less.
        let related = count / (count + n as f64);
        let spread = |v: f64| shrunk * v / count + 1e-3 * (1.0 - shrunk);
        if !dense {
            let factor = covariance.iter().map(|v| spread(*v).sqrt()).collect();
            return Self { n, factor };
        }
        let diagonal: Vec<f64> = (0..n).map(|i| spread(covariance[i * n + i])).collect();
        for i in 0..n {
            for j in 0..i {
                covariance[i * n + j] *= shrunk * related / count;
            }
            covariance[i * n + i] = diagonal[i];
        }
        Self::dense(covariance, n).unwrap_or_else(|| Self {
            n,
            factor: diagonal.iter().map(|v| v.sqrt()).collect(),
        })
    }

    /// Its numbers, for a file.
    pub(super) fn numbers(&self) -> &[f64] {
        &self.factor
    }

    /// From these numbers; none of another length.
    pub(super) fn from_numbers(factor: Vec<f64>, n: usize) -> Option<Self> {
        (factor.len() == n || factor.len() == n * n).then_some(Self { n, factor })
    }

    fn is_diagonal(&self) -> bool {
        self.factor.len() == self.n
    }

    /// L p.
    pub(super) fn times(&self, p: &[f64]) -> Vec<f64> {
        let n = self.n;
        if self.is_diagonal() {
            return self.factor.iter().zip(p).map(|(l, p)| l * p).collect();
        }
        (0..n)
            .map(|i| dot(&self.factor[i * n..][..i + 1], &p[..i + 1]))
            .collect()
    }

    /// Lᵀ g.
    pub(super) fn transposed(&self, g: &[f64]) -> Vec<f64> {
        let n = self.n;
        if self.is_diagonal() {
            return self.times(g);
        }
        let mut out = vec![0.0; n];
        for (i, g) in g.iter().enumerate() {
            let row = &self.factor[i * n..][..i + 1];
            out.iter_mut().zip(row).for_each(|(o, l)| *o += l * g);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals};

    #[test]
    fn covariances_of_draws_are_found() {
        let true_factor = Factor::dense(vec![4.0, 0.0, 1.5, 1.0], 2).expect("positive");
        let z = normals(3, Purpose::Momentum, 0, 8000);
        let draws: Vec<f64> = z.chunks(2).flat_map(|z| true_factor.times(z)).collect();
        let found = Factor::of(&draws, 4, 2, true);
        for (a, b) in found.numbers().iter().zip(true_factor.numbers()) {
            assert!((a - b).abs() < 0.1, "{found:?}");
        }
        let single = Factor::of(&draws, 4, 2, false);
        assert!((single.numbers()[0] - 2.0).abs() < 0.1);
        // g·(L p) = (Lᵀ g)·p.
        let (g, p) = ([0.3, -2.0], [1.0, 0.7]);
        let (a, b) = (found.times(&p), found.transposed(&g));
        assert!((dot(&g, &a) - dot(&b, &p)).abs() < 1e-12);
        let back = Factor::from_numbers(found.numbers().to_vec(), 2);
        assert_eq!(back, Some(found));
    }
}
