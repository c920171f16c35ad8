//! Tests of the guides.

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
            let own = guide.with(|f| made(f, &w, all).into_owned());
            expected += 0.5 * c * c * dot(&own[2 * all..], &own[2 * all..]);
            let widening = |f: &dyn Family| f.widening(&own, all, &mut vec![0.0; w.len()]);
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
