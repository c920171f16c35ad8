//! Missing cells: kept, refused or interpolated.

use super::prepare::month;
use super::series::{index_series, series_frame};
use crate::error::{Error, Result};
use polars::prelude::DataFrame;

/// What to do with months that have no value between the first and the last value of a series. Months
/// before the first and after the last are never filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Leave them null: calibration leaves them out of the loss.
    #[default]
    Keep,
    /// Refuse the frame, naming the first of them.
    Refuse,
    /// Fill holes of at most so many months by straight lines in the value, with the flag
    /// "interpolated"; longer holes stay null.
    Interpolate {
        /// Longest hole that is filled.
        months: usize,
    },
}

/// The long frame with its missing cells dealt with. Months without a row count as missing, and get a
/// row.
pub fn fill(frame: &DataFrame, policy: Missing) -> Result<DataFrame> {
    let mut series = index_series(frame)?;
    for s in &mut series {
        let known: Vec<usize> = (0..s.values.len())
            .filter(|k| !s.values[*k].is_nan())
            .collect();
        if known.is_empty() && policy == Missing::Refuse {
            return Err(Error::new(
                format!("series {}", s.label()),
                "it has no value at all",
                "leave it out with `select`",
            ));
        }
        for pair in known.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let hole = b - a - 1;
            match policy {
                Missing::Refuse if hole > 0 => {
                    let (y, m) = month(s.code + a as i32 + 1);
                    return Err(Error::new(
                        format!("series {}", s.label()),
                        format!("{hole} months from {y:04}-{m:02} on have no value"),
                        "leave the series out with `select`, or fill it: Missing::Interpolate { months: … }",
                    ));
                }
                Missing::Interpolate { months } if (1..=months).contains(&hole) => {
                    let (from, to) = (s.values[a], s.values[b]);
                    for k in a + 1..b {
                        let share = (k - a) as f64 / (b - a) as f64;
                        s.values[k] = from + share * (to - from);
                        s.flags[k] = Some(match &s.flags[k] {
                            Some(flag) => format!("{flag} interpolated"),
                            None => "interpolated".into(),
                        });
                    }
                }
                _ => {}
            }
        }
    }
    series_frame(&series, frame)
}
