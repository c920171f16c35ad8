//! How far a guide is from the prior: Kullback-Leibler, or Rényi's alpha.

use super::Guide;
use crate::error::{Error, Result};
use serde::Serialize;

/// What holds the guide q to the prior p in generalised variational inference (Knoblauch, Jewson &
/// Damoulas 2022).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
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
            Divergence::Renyi(alpha) => guide.renyi(alpha, w, n, to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals};

    const GUIDES: [Guide; 3] = [Guide::MeanField, Guide::LowRank(2), Guide::FullRank];

    fn unknowns(guide: Guide, n: usize) -> Vec<f64> {
        let all = normals(
            5,
            Purpose::Guide,
            0,
            guide.with(|family| super::super::unknowns(family, n)),
        );
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
