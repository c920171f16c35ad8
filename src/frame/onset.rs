//! The month in which a shock begins, found in the index itself.

use super::prepare::{code, month};
use super::series::{IndexSeries, index_series};
use crate::error::{Error, Result};
use polars::prelude::DataFrame;

/// Months before that a value is held against.
const BEFORE: i32 = 3;
/// Robust standard deviations that a fall must exceed.
const THRESHOLD: f64 = 3.0;

/// A shock that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Onset {
    /// First month (year, month) of the run of unusual falls.
    pub month: (i32, u32),
    /// Month of the most unusual fall.
    pub steepest: (i32, u32),
    /// Median over the series of value / mean of the three months before, in the steepest month: 0.7
    /// is a fall by 30 %.
    pub ratio: f64,
    /// Median over the series of the fall in robust standard deviations; negative.
    pub score: f64,
    /// Number of series that were looked at.
    pub series: usize,
}

/// Looks for the beginning of a shock among the months `from..=to`.
///
/// For each series, d_t = ln(v_t / mean of the three months before), standardised by the median and
/// 1.4826 x the median absolute deviation of all its d_t, which one shock hardly moves. The score of a
/// month is the median over the series. The month with the lowest score is the steepest; the shock begins
/// with the first month of the unbroken run of scores below -3 that leads to it. Raw series must
/// be seasonally adjusted first. A shock that comes with no such month is an error.
pub fn shock_month(frame: &DataFrame, from: (i32, u32), to: (i32, u32)) -> Result<Onset> {
    let (from, to) = (code(from)?, code(to)?);
    let series = index_series(frame)?;
    let scored: Vec<(&IndexSeries, f64, f64)> = series.iter().filter_map(scale).collect();
    if scored.is_empty() || from > to {
        return Err(Error::new(
            "shock_month",
            "no series has 24 months of positive values that vary",
            "give longer series, and a first month before the last",
        ));
    }
    let at = |t: i32| -> Option<(f64, f64)> {
        let mut scores = Vec::new();
        let mut falls = Vec::new();
        for (s, middle, spread) in &scored {
            let d = change(s, t);
            if d.is_finite() {
                scores.push((d - middle) / spread);
                falls.push(d);
            }
        }
        Some((median(&mut scores)?, median(&mut falls)?))
    };
    let score = |t: i32| at(t).map_or(0.0, |(score, _)| score);
    let steepest = (from..=to)
        .min_by(|a, b| score(*a).total_cmp(&score(*b)))
        .unwrap_or(from);
    let lowest = score(steepest);
    if lowest > -THRESHOLD {
        let (y, m) = month(steepest);
        return Err(Error::new(
            "shock_month",
            format!(
                "no month falls unusually: the lowest is {y:04}-{m:02}, by {:.1} robust standard deviations, not {THRESHOLD}",
                -lowest
            ),
            "name the month yourself, look at fewer series, or adjust raw series first",
        ));
    }
    let mut first = steepest;
    while first > from && score(first - 1) < -THRESHOLD {
        first -= 1;
    }
    Ok(Onset {
        month: month(first),
        steepest: month(steepest),
        ratio: at(steepest).map_or(f64::NAN, |(_, fall)| fall.exp()),
        score: lowest,
        series: scored.len(),
    })
}

/// ln(v_t / mean of the months before); NaN where one is missing or not positive.
fn change(s: &IndexSeries, t: i32) -> f64 {
    let before = (t - BEFORE..t).map(|k| s.at(k)).sum::<f64>() / f64::from(BEFORE);
    if before > 0.0 {
        (s.at(t) / before).ln()
    } else {
        f64::NAN
    }
}

/// Median and robust standard deviation of a series' changes.
fn scale(s: &IndexSeries) -> Option<(&IndexSeries, f64, f64)> {
    let mut changes: Vec<f64> = (0..s.values.len() as i32)
        .map(|k| change(s, s.code + k))
        .filter(|d| d.is_finite())
        .collect();
    if changes.len() < 24 - BEFORE as usize {
        return None;
    }
    let middle = median(&mut changes)?;
    let mut off: Vec<f64> = changes.iter().map(|d| (d - middle).abs()).collect();
    let spread = 1.4826 * median(&mut off)?;
    (spread > 0.0).then_some((s, middle, spread))
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => None,
        n if n % 2 == 1 => Some(values[n / 2]),
        n => Some(0.5 * (values[n / 2 - 1] + values[n / 2])),
    }
}
