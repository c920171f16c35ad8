//! A simple seasonal adjustment for raw series, with factors from the months before the shock.

use super::prepare::code;
use super::schema;
use super::series::{frame_text, index_series, series_frame};
use crate::error::{Error, Result};
use polars::prelude::{Column, DataFrame};

/// What the adjusted frame says in its column `s_adj`.
const NAME: &str = "ratio to centred 12-month mean";

/// Takes the seasons out of raw series by the classical multiplicative decomposition (ratio to moving
/// average), with factors from the months `from..=to` (year, month) before the shock only, so that the
/// shock does not become a season:
///
/// 1. trend of month t: the centred 12-month mean (v_{t-6} / 2 + v_{t-5} + … + v_{t+5} + v_{t+6} / 2) / 12;
/// 2. factor of a calendar month: the mean over the years of value / trend, the twelve then divided by
///    their mean;
/// 3. adjusted value: value / factor, in all months.
///
/// It knows no working days, moving holidays or changing seasons, which X-13 and TRAMO-SEATS do: where
/// the agency publishes an adjusted series, take that. Each calendar month needs two ratios, so about
/// three years are needed; all values must be positive. A frame that says it is adjusted is refused.
pub fn seasonal_adjust(frame: &DataFrame, from: (i32, u32), to: (i32, u32)) -> Result<DataFrame> {
    let (from, to) = (code(from)?, code(to)?);
    if let Some(known) = frame_text(frame, schema::S_ADJ)?
        && is_adjusted(&known)
    {
        return Err(Error::new(
            "seasonal_adjust",
            format!("the series are seasonally adjusted already ({known})"),
            "leave the step out, or read the raw series (NSA or CA)",
        ));
    }
    let mut series = index_series(frame)?;
    for s in &mut series {
        let place = || format!("series {}", s.label());
        if let Some(v) = s.values.iter().find(|v| **v <= 0.0) {
            return Err(Error::new(
                place(),
                format!("it has the value {v}; ratios need positive ones"),
                "leave the series out with `select`",
            ));
        }
        let mut ratios: [Vec<f64>; 12] = Default::default();
        // A mean takes six months on either side, all of them before the shock.
        for t in from + 6..=to - 6 {
            let inner: f64 = (t - 5..=t + 5).map(|k| s.at(k)).sum();
            let trend = (inner + 0.5 * (s.at(t - 6) + s.at(t + 6))) / 12.0;
            let ratio = s.at(t) / trend;
            if ratio.is_finite() {
                ratios[t.rem_euclid(12) as usize].push(ratio);
            }
        }
        if let Some(month) = ratios.iter().position(|r| r.len() < 2) {
            return Err(Error::new(
                place(),
                format!(
                    "month {} of the year has {} whole ratios before the shock; two are needed",
                    month + 1,
                    ratios[month].len()
                ),
                "give at least three whole years before the shock, or leave the series out with `select`",
            ));
        }
        let mut factors = ratios.map(|r| r.iter().sum::<f64>() / r.len() as f64);
        let mean = factors.iter().sum::<f64>() / 12.0;
        factors.iter_mut().for_each(|f| *f /= mean);
        let first = s.code;
        for (k, v) in s.values.iter_mut().enumerate() {
            *v /= factors[(first + k as i32).rem_euclid(12) as usize];
        }
    }
    let mut out = series_frame(&series, frame)?;
    out.with_column(Column::new(schema::S_ADJ.into(), vec![NAME; out.height()]))?;
    Ok(out)
}

/// Codes and labels of the agencies for series without seasons.
fn is_adjusted(text: &str) -> bool {
    let low = text.to_lowercase();
    let raw = low.starts_with("unadjusted") || low.starts_with("not ");
    matches!(text, "SA" | "SCA" | "CVS" | "CVS-CJO" | "Y" | "S" | NAME)
        || (!raw && low.contains("seasonally") && low.contains("adjusted"))
}
