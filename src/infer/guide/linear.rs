//! Small linear algebra: dot products and Cholesky factors.

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
pub(super) fn solve(l: &[f64], r: usize, b: &[f64]) -> Vec<f64> {
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
