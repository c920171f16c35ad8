//! Naive forecasts of one series, in per cent of its level, that a model has to beat.

use super::score::Forecast;
use crate::infer::{Prior, Problem};

/// What is known of a series.
pub(super) struct Past<'a> {
    /// Its cells up to the origin, NaN where missing.
    pub(super) known: &'a [f64],
    /// The first period of the first event.
    pub(super) begin: Option<usize>,
    /// Standard deviation of a cell.
    pub(super) noise: f64,
    /// Median and spread of the logarithm of a recovery rate a period.
    pub(super) rate: (f64, f64),
}

/// Periods in which a gap halves.
const HALF: f64 = 3.0;
/// What a gap's own path is uncertain by, as a share of what has closed of it.
const UNSURE: f64 = 0.5;

/// What the problem believes of recovery rates: its prior where they vary, else the shock's own.
pub(super) fn rate(problem: &Problem) -> (f64, f64) {
    let of = |median: f64, spread: f64| (median.max(1e-3), spread);
    match problem.priors.recovery_rate {
        Some(Prior::LogNormal { median, sigma, .. }) => of(median, sigma),
        Some(prior) => {
            let (mean, sd) = prior.moments();
            of(mean, (sd / mean.max(1e-3)).clamp(0.1, 2.0))
        }
        None => {
            let rates: Vec<f64> = problem
                .shock
                .events
                .iter()
                .flat_map(|e| &e.recovery_rate)
                .copied()
                .collect();
            let count = rates.len().max(1) as f64;
            of(rates.iter().sum::<f64>() / count, 0.5)
        }
    }
}

impl Past<'_> {
    fn last(&self) -> f64 {
        let seen = self.known.iter().rev().find(|v| !v.is_nan());
        seen.copied().unwrap_or(100.0)
    }

    /// The root mean square of first differences, with as many as two of the cell's noise besides.
    fn jump(&self) -> f64 {
        let pairs = self
            .known
            .windows(2)
            .filter(|w| !w[0].is_nan() && !w[1].is_nan());
        let (sum, count) = pairs.fold((0.0, 0.0), |(s, n), w| (s + (w[1] - w[0]).powi(2), n + 1.0));
        ((sum + 2.0 * self.noise.powi(2)) / (count + 2.0)).sqrt()
    }
}

/// All baselines over `horizon` periods, from `noise`, normal numbers for every draw and period and two besides.
pub(super) fn all(past: &Past<'_>, horizon: usize, noise: &[f64]) -> Vec<Forecast> {
    let rows: Vec<&[f64]> = noise.chunks_exact(horizon + 2).collect();
    let named = |method: &str, paths: Vec<Vec<f64>>| Forecast {
        method: method.into(),
        draws: (0..horizon)
            .map(|h| paths.iter().map(|path| path[h]).collect())
            .collect(),
    };
    vec![
        named(
            "random walk",
            rows.iter().map(|e| walk(past, e, horizon)).collect(),
        ),
        named("AR(2)", autoregression(past, &rows, horizon)),
        named(
            "gap halves",
            rows.iter().map(|e| halving(past, e, horizon)).collect(),
        ),
        named("recovery curve", curves(past, &rows, horizon)),
    ]
}

fn walk(past: &Past<'_>, noise: &[f64], horizon: usize) -> Vec<f64> {
    let (mut now, jump) = (past.last(), past.jump());
    (0..horizon)
        .map(|h| {
            now += jump * noise[h];
            now
        })
        .collect()
}

fn halving(past: &Past<'_>, noise: &[f64], horizon: usize) -> Vec<f64> {
    let gap = past.last() - 100.0;
    (0..horizon)
        .map(|h| {
            let left = 0.5f64.powf((h + 1) as f64 / HALF);
            let unsure = UNSURE * gap * (1.0 - left);
            100.0 + gap * left + unsure * noise[horizon] + past.noise * noise[h]
        })
        .collect()
}

/// Coefficients of the last two values that do not explode: drawn to 0 until they are those of a series that stays.
fn lasting(mut first: f64, mut second: f64) -> (f64, f64) {
    let stays = |a: f64, b: f64| a + b <= 1.0 && b - a <= 1.0 && b >= -1.0;
    while !stays(first, second) {
        (first, second) = (0.99 * first, 0.99 * second);
    }
    (first, second)
}

/// Deviations from 100 by their last two, by least squares drawn to a random walk where few are known.
fn autoregression(past: &Past<'_>, rows: &[&[f64]], horizon: usize) -> Vec<Vec<f64>> {
    let known: Vec<f64> = past.known.iter().map(|v| v - 100.0).collect();
    // The prior: coefficients 1 and 0, as firm as two cells of the noise.
    let worth = 2.0 * past.noise.powi(2);
    let (mut aa, mut ab, mut bb) = (worth, 0.0, worth);
    let (mut ay, mut by) = (worth, 0.0);
    let triples = || known.windows(3).filter(|w| w.iter().all(|v| !v.is_nan()));
    for w in triples() {
        (aa, ab, bb) = (aa + w[1] * w[1], ab + w[1] * w[0], bb + w[0] * w[0]);
        (ay, by) = (ay + w[1] * w[2], by + w[0] * w[2]);
    }
    let determinant = aa * bb - ab * ab;
    let (first, second) = (
        (ay * bb - by * ab) / determinant,
        (by * aa - ay * ab) / determinant,
    );
    let (first, second) = lasting(first, second);
    let left: f64 = triples()
        .map(|w| (w[2] - first * w[1] - second * w[0]).powi(2))
        .sum();
    let spread = ((left + worth) / (triples().count() as f64 + 2.0)).sqrt();
    let seen: Vec<f64> = known
        .iter()
        .rev()
        .filter(|v| !v.is_nan())
        .take(2)
        .copied()
        .collect();
    let now = seen.first().copied().unwrap_or(0.0);
    let before = seen.get(1).copied().unwrap_or(now);
    let path = |noise: &&[f64]| {
        let (mut now, mut before) = (now, before);
        let step = |h: usize| {
            let next = first * now + second * before + spread * noise[h];
            (before, now) = (now, next);
            100.0 + now
        };
        (0..horizon).map(step).collect()
    };
    rows.iter().map(path).collect()
}

/// 100 - a exp(-r t) from the period before the first event's fall is fully there, its a and r by their posterior on a grid.
fn curves(past: &Past<'_>, rows: &[&[f64]], horizon: usize) -> Vec<Vec<f64>> {
    let origin = past.known.len();
    let Some(begin) = past.begin.filter(|begin| *begin <= origin) else {
        let flat = |noise: &&[f64]| {
            (0..horizon)
                .map(|h| 100.0 + past.noise * noise[h])
                .collect()
        };
        return rows.iter().map(flat).collect();
    };
    // The deepest cell so far is where the recovery begins.
    let seen = past
        .known
        .iter()
        .enumerate()
        .skip(begin - 1)
        .filter(|(_, v)| !v.is_nan());
    let from = seen
        .min_by(|a, b| a.1.total_cmp(b.1))
        .map_or(begin - 1, |(t, _)| t);
    let mut grid = Vec::new();
    for j in 0..41 {
        let z = -2.5 + 0.125 * f64::from(j);
        let rate = past.rate.0 * (past.rate.1 * z).exp();
        // Given r, a is a regression; its prior is flat enough to say nothing: 0 with a spread of 50.
        let (mut xx, mut xy, mut yy) = (past.noise.powi(2) / 2500.0, 0.0, 0.0);
        for (t, v) in past
            .known
            .iter()
            .enumerate()
            .skip(from)
            .filter(|(_, v)| !v.is_nan())
        {
            let x = (-rate * (t - from) as f64).exp();
            let y = 100.0 - v;
            (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
        }
        let square = past.noise.powi(2);
        let log = -0.5 * (yy - xy * xy / xx) / square - 0.5 * xx.ln() - 0.5 * z * z;
        grid.push((log, rate, xy / xx, past.noise / xx.sqrt()));
    }
    let most = grid.iter().map(|g| g.0).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = grid.iter().map(|g| (g.0 - most).exp()).sum();
    let path = |(k, noise): (usize, &&[f64])| {
        // Evenly spread over the grid's weights.
        let mut left = (k as f64 + 0.5) / rows.len() as f64 * total;
        let chosen = grid.iter().find(|g| {
            left -= (g.0 - most).exp();
            left <= 0.0
        });
        let (_, rate, depth, spread) = *chosen.unwrap_or(&grid[grid.len() - 1]);
        let depth = depth + spread * noise[horizon];
        let at = |h: usize| {
            let age = (origin + h - from) as f64;
            100.0 - depth * (-rate * age).exp() + past.noise * noise[h]
        };
        (0..horizon).map(at).collect()
    };
    rows.iter().enumerate().map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals};

    fn medians(known: &[f64], begin: Option<usize>) -> Vec<(String, Vec<f64>)> {
        let noise = normals(1, Purpose::Proposal, 0, 2000 * 8);
        let past = Past {
            known,
            begin,
            noise: 1.0,
            rate: (0.5, 0.5),
        };
        let all = all(&past, 6, &noise);
        let median = |draws: &Vec<f64>| {
            let mut sorted = draws.clone();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        all.iter()
            .map(|f| (f.method.clone(), f.draws.iter().map(median).collect()))
            .collect()
    }

    #[test]
    fn each_goes_on_as_it_should() {
        let curve = |t: f64| 100.0 - 30.0 * (-0.4 * t).exp();
        let mut known = vec![100.0; 4];
        known.extend((0..6).map(|t| curve(f64::from(t))));
        let found = medians(&known, Some(5));
        let of = |name: &str| &found.iter().find(|f| f.0 == name).expect("it").1;
        assert!((of("random walk")[5] - curve(5.0)).abs() < 2.0);
        assert!((of("gap halves")[2] - (100.0 - 0.5 * (100.0 - curve(5.0)))).abs() < 0.5);
        for h in 0..6 {
            let real = curve(6.0 + h as f64);
            assert!((of("recovery curve")[h] - real).abs() < 0.6, "{found:?}");
        }
        assert!(of("AR(2)").iter().all(|v| (80.0..120.0).contains(v)));
        // Nothing has happened, and nothing is known.
        for (name, path) in medians(&[f64::NAN, f64::NAN], None) {
            assert!(
                path.iter().all(|v| (v - 100.0).abs() < 1.0),
                "{name} {path:?}"
            );
        }
    }
}
