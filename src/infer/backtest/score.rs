//! Forecasts as draws, and how they are scored.

use super::Backtested;
use serde::{Deserialize, Serialize};

/// Draws of a series by a method, a list for each period of the horizon, in per cent.
pub(super) struct Forecast {
    pub(super) method: String,
    pub(super) draws: Vec<Vec<f64>>,
}

/// How one forecast of one cell went. Numbers are in per cent of the series' level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// "model", or the name of a baseline.
    pub method: String,
    /// The last period that was known.
    pub origin: usize,
    /// Periods after it.
    pub horizon: usize,
    /// Place of the series among the groups, and its label.
    pub group: usize,
    /// Label of the series.
    pub series: String,
    /// What came.
    #[serde(with = "crate::infer::exact")]
    pub observed: f64,
    /// Median of the forecast's draws.
    #[serde(with = "crate::infer::exact")]
    pub median: f64,
    /// Continuous ranked probability score: the mean distance of the draws from what came, less half of that of draws from
    /// each other. The lower, the better; of a single number it is the absolute error.
    #[serde(with = "crate::infer::exact")]
    pub crps: f64,
    /// Share of the draws below what came.
    #[serde(with = "crate::infer::exact")]
    pub pit: f64,
    /// Whether the central 50 % of the draws hold it.
    pub in_50: bool,
    /// Whether the central 90 % do.
    pub in_90: bool,
}

/// The model's forecast of one series at one origin: quantiles over draws, one for each period of the horizon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fan {
    /// The last period that was known.
    pub origin: usize,
    /// Place of the series among the groups.
    pub group: usize,
    /// 5 % quantiles.
    #[serde(with = "crate::infer::exact::list")]
    pub q05: Vec<f64>,
    /// 25 % quantiles.
    #[serde(with = "crate::infer::exact::list")]
    pub q25: Vec<f64>,
    /// Medians.
    #[serde(with = "crate::infer::exact::list")]
    pub q50: Vec<f64>,
    /// 75 % quantiles.
    #[serde(with = "crate::infer::exact::list")]
    pub q75: Vec<f64>,
    /// 95 % quantiles.
    #[serde(with = "crate::infer::exact::list")]
    pub q95: Vec<f64>,
}

/// How a method's forecasts went together.
#[derive(Clone, Debug, PartialEq)]
pub struct Standings {
    /// "model", or the name of a baseline.
    pub method: String,
    /// Number of forecasts.
    pub forecasts: usize,
    /// Root mean square error of the medians.
    pub rmse: f64,
    /// Mean continuous ranked probability score.
    pub crps: f64,
    /// Mean of the medians' errors: above 0 where forecasts were too high.
    pub bias: f64,
    /// Share of what came that 50 % bands held.
    pub in_50: f64,
    /// Share that 90 % bands held.
    pub in_90: f64,
}

/// Quantile of sorted numbers, between neighbours by linear interpolation.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (at - low as f64) * (sorted[high] - sorted[low])
}

/// The continuous ranked probability score of sorted draws.
pub(super) fn crps(sorted: &[f64], seen: f64) -> f64 {
    let n = sorted.len() as f64;
    let away = sorted.iter().map(|x| (x - seen).abs()).sum::<f64>() / n;
    // Distances of all pairs, from ranks.
    let ranked = sorted.iter().enumerate();
    let apart: f64 = ranked.map(|(k, x)| (2.0 * k as f64 + 1.0 - n) * x).sum();
    away - apart / (n * n)
}

impl Forecast {
    fn sorted(&self, h: usize) -> Vec<f64> {
        let mut sorted = self.draws[h].clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// How it went `h` periods after the first that was not known; none where nothing was seen.
    pub(super) fn score(&self, h: usize, seen: f64, of: (usize, usize, &String)) -> Option<Score> {
        let sorted = self.sorted(h);
        if seen.is_nan() || sorted.is_empty() {
            return None;
        }
        let (origin, group, series) = of;
        let at = |q: f64| quantile(&sorted, q);
        let within = |a: f64| at(0.5 - 0.5 * a) <= seen && seen <= at(0.5 + 0.5 * a);
        let below = sorted.iter().filter(|x| **x < seen).count();
        Some(Score {
            method: self.method.clone(),
            origin,
            horizon: h + 1,
            group,
            series: series.clone(),
            observed: seen,
            median: at(0.5),
            crps: crps(&sorted, seen),
            pit: below as f64 / sorted.len() as f64,
            in_50: within(0.5),
            in_90: within(0.9),
        })
    }

    /// Its quantiles.
    pub(super) fn fan(&self, origin: usize, group: usize) -> Fan {
        let all: Vec<Vec<f64>> = (0..self.draws.len()).map(|h| self.sorted(h)).collect();
        let at = |q: f64| all.iter().map(|sorted| quantile(sorted, q)).collect();
        Fan {
            origin,
            group,
            q05: at(0.05),
            q25: at(0.25),
            q50: at(0.5),
            q75: at(0.75),
            q95: at(0.95),
        }
    }
}

impl Score {
    /// Median less what came.
    pub fn error(&self) -> f64 {
        self.median - self.observed
    }
}

impl Backtested {
    /// How every method went over all forecasts, the lowest CRPS first.
    pub fn standings(&self) -> Vec<Standings> {
        self.standings_where(|_| true)
    }

    /// The same over some forecasts: of an origin, a horizon, or a series.
    pub fn standings_where(&self, keep: impl Fn(&Score) -> bool) -> Vec<Standings> {
        let mut names: Vec<&str> = Vec::new();
        for score in &self.scores {
            if !names.contains(&score.method.as_str()) {
                names.push(&score.method);
            }
        }
        let one = |name: &&str| {
            let own: Vec<&Score> = self
                .scores
                .iter()
                .filter(|s| s.method == **name && keep(s))
                .collect();
            let mean = |f: &dyn Fn(&Score) -> f64| {
                own.iter().map(|s| f(s)).sum::<f64>() / own.len() as f64
            };
            Standings {
                method: name.to_string(),
                forecasts: own.len(),
                rmse: mean(&|s| s.error().powi(2)).sqrt(),
                crps: mean(&|s| s.crps),
                bias: mean(&|s| s.error()),
                in_50: mean(&|s| f64::from(s.in_50)),
                in_90: mean(&|s| f64::from(s.in_90)),
            }
        };
        let mut all: Vec<Standings> = names.iter().map(one).collect();
        all.retain(|s| s.forecasts > 0);
        all.sort_by(|a, b| a.crps.total_cmp(&b.crps));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_their_formulas() {
        assert!((crps(&[3.0], 5.0) - 2.0).abs() < 1e-12);
        let draws: [f64; 4] = [1.0, 2.0, 4.0, 8.0];
        let pairs: f64 = draws
            .iter()
            .flat_map(|a| draws.iter().map(move |b| (a - b).abs()))
            .sum();
        let away: f64 = draws.iter().map(|a| (a - 3.0f64).abs()).sum();
        assert!((crps(&draws, 3.0) - (away / 4.0 - pairs / 32.0)).abs() < 1e-12);
        let forecast = Forecast {
            method: "model".into(),
            draws: vec![(0..101).map(f64::from).collect()],
        };
        let label = "series".to_string();
        let score = forecast.score(0, 80.0, (4, 1, &label)).expect("seen");
        assert_eq!(
            (score.median, score.error(), score.in_50, score.in_90),
            (50.0, -30.0, false, true)
        );
        assert!((score.pit - 80.0 / 101.0).abs() < 1e-12);
        assert!(forecast.score(0, f64::NAN, (4, 1, &label)).is_none());
        let found = Backtested {
            scores: vec![score],
            ..Backtested::default()
        };
        let standings = found.standings();
        assert_eq!(
            (standings.len(), standings[0].rmse, standings[0].bias),
            (1, 30.0, -30.0)
        );
        assert!(found.standings_where(|s| s.horizon > 1).is_empty());
    }
}
