//! How far a guide is from the prior: Kullback-Leibler, or Rényi's alpha.

use crate::error::{Error, Result};
use crate::infer::guide::{Guide, cholesky, dot, solve};

/// What holds the guide q to the prior p in generalised variational inference (Knoblauch, Jewson &
/// Damoulas 2022).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Divergence {
    /// KL(q || p) = E_q[ln q - ln p], the one of Bayes' rule.
    #[default]
    Kl,
    /// Rényi's D_α(q || p) = ln ∫ q^α p^(1 - α) / (α - 1) with α in 0..1, closed form for normals (Gil,
    /// Alajaji & Linder 2013). Below 1 it punishes a narrow guide less for lying off the prior, and more
    /// for being narrow the smaller α is: guides get wider. At 1 it is `Kl`.
    Renyi(f64),
}

impl Divergence {
    pub(crate) fn check(self, guide: Guide) -> Result<()> {
        let Divergence::Renyi(alpha) = self else {
            return Ok(());
        };
        let (fact, remedy) = match guide {
            _ if !(alpha > 0.0 && alpha < 1.0) => (
                format!("Renyi({alpha})"),
                "give alpha between 0 and 1, such as 0.5; 1 is Divergence::Kl",
            ),
            Guide::Point => (
                "a point has no divergence but from where it lies".into(),
                "use Divergence::Kl with Guide::Point",
            ),
            _ => return Ok(()),
        };
        Err(Error::new("Svi.divergence", fact, remedy))
    }

    /// The divergence from the standard normal, in nats; adds its gradient in the unknowns.
    pub(crate) fn of(self, guide: Guide, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
        match self {
            Divergence::Kl => guide.kl(w, n, to),
            Divergence::Renyi(alpha) => renyi(alpha, guide, w, n, to),
        }
    }
}

/// With q = N(m, Σ) and p = N(0, I), and A = α I + (1 - α) Σ:
/// D = α/2 mᵀ A⁻¹ m + ln|A| / (2 (1 - α)) - ln|Σ| / 2. Its derivative in A is
/// G = A⁻¹ / (2 (1 - α)) - α/2 v vᵀ with v = A⁻¹ m, from which the rest follows by the chain rule.
fn renyi(alpha: f64, guide: Guide, w: &[f64], n: usize, to: &mut [f64]) -> f64 {
    let beta = 1.0 - alpha;
    let square = |i: usize| (2.0 * w[n + i]).exp();
    // What does not depend on the family: -ln|Σ| / 2 of a triangular or diagonal factor.
    let mut d = -w[n..2 * n].iter().sum::<f64>();
    for to in &mut to[n..2 * n] {
        *to -= 1.0;
    }
    match guide {
        Guide::Point => unreachable!("refused by check"),
        Guide::MeanField => {
            for (i, m) in w[..n].iter().enumerate() {
                let e = square(i);
                let a = alpha + beta * e;
                d += 0.5 * (alpha * m * m / a + a.ln() / beta);
                to[i] += alpha * m / a;
                to[n + i] += e / a * (1.0 - alpha * beta * m * m / a);
            }
        }
        Guide::LowRank(r) => {
            d -= guide.common(w, n, r, to);
            // A = diag(a) + κ B Bᵀ, inverted by Woodbury's identity.
            let kappa = beta * guide.unit(n).powi(2);
            let a = |i: usize| alpha + beta * square(i);
            let weight = |i: usize| kappa / a(i);
            let l = guide.factor(w, n, r, &weight);
            let row = |i: usize| &w[guide.row(n, i)];
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
            d += 0.5 * (alpha * dot(&v, &w[..n]) + log / beta);
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
                for (to, (x, s)) in to[guide.row(n, i)].iter_mut().zip(columns) {
                    *to += kappa * (x / (a(i) * beta) - alpha * v[i] * s);
                }
            }
        }
        Guide::FullRank => {
            let c = guide.unit(n);
            // Σ = T Tᵀ.
            let mut t = vec![0.0; n * n];
            for i in 0..n {
                t[i * n + i] = w[n + i].exp();
                for (t, b) in t[i * n..i * n + i].iter_mut().zip(&w[guide.row(n, i)]) {
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
            d += 0.5 * (alpha * dot(&v, &w[..n]) + log / beta);
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
                        to[guide.row(n, i).start + j] += c * g;
                    }
                }
                to[j] += alpha * v[j];
            }
        }
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals};

    const GUIDES: [Guide; 3] = [Guide::MeanField, Guide::LowRank(2), Guide::FullRank];

    fn unknowns(guide: Guide, n: usize) -> Vec<f64> {
        let all = normals(5, Purpose::Guide, 0, guide.unknowns(n));
        all.iter().map(|e| 0.6 * e).collect()
    }

    #[test]
    fn gradients_are_finite_differences() {
        let n = 5;
        for guide in GUIDES {
            for alpha in [0.2, 0.5, 0.9] {
                let (d, w) = (Divergence::Renyi(alpha), unknowns(guide, n));
                let value = |w: &[f64]| d.of(guide, w, n, &mut vec![0.0; w.len()]);
                let mut gradient = vec![0.0; w.len()];
                d.of(guide, &w, n, &mut gradient);
                for (k, g) in gradient.iter().enumerate() {
                    let at = |h: f64| {
                        let mut w = w.clone();
                        w[k] += h;
                        value(&w)
                    };
                    let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!((difference - g).abs() < 1e-7, "{guide:?} {alpha} {k}");
                }
            }
        }
    }

    #[test]
    fn it_is_between_zero_and_the_kl_that_it_tends_to() {
        let n = 4;
        for guide in GUIDES {
            let w = unknowns(guide, n);
            let of = |d: Divergence| d.of(guide, &w, n, &mut vec![0.0; w.len()]);
            let kl = of(Divergence::Kl);
            let mut last = 0.0;
            for alpha in [0.1, 0.5, 0.9] {
                let here = of(Divergence::Renyi(alpha));
                assert!(here > last && here < kl, "{guide:?} {alpha}: {here} {kl}");
                last = here;
            }
            let near = of(Divergence::Renyi(1.0 - 1e-6));
            assert!((near - kl).abs() < 1e-4, "{guide:?}: {near} {kl}");
        }
    }

    #[test]
    fn one_dimension_by_quadrature() {
        let (m, s, alpha) = (0.7, 0.4, 0.3);
        let normal = |x: f64, m: f64, s: f64| {
            (-0.5 * ((x - m) / s).powi(2)).exp() / (s * (2.0 * std::f64::consts::PI).sqrt())
        };
        let step = 1e-3;
        let integral: f64 = (-10_000..=10_000)
            .map(|k| {
                let x = f64::from(k) * step;
                step * normal(x, m, s).powf(alpha) * normal(x, 0.0, 1.0).powf(1.0 - alpha)
            })
            .sum();
        let expected = integral.ln() / (alpha - 1.0);
        let w = [m, f64::ln(s)];
        let got = Divergence::Renyi(alpha).of(Guide::MeanField, &w, 1, &mut [0.0; 2]);
        assert!((got - expected).abs() < 1e-9, "{got} {expected}");
    }
}
