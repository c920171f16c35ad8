//! Losses by cause, and answers under several behaviours, as frames.

use super::schema;
use super::write::{ToFrame, column, text};
use crate::error::Result;
use crate::infer::Assumptions;
use crate::simulate::{Attribution, Cause};
use polars::prelude::DataFrame;

impl ToFrame for Attribution {
    /// One row a period, region and cause: period, region, cause, loss (units per period), share (of the economy's steady
    /// output).
    fn frame(&self) -> Result<DataFrame> {
        let (regions, rows) = (self.regions.len(), 0..self.loss.len());
        let of = |k: usize| (k / 3 / regions.max(1) + 1) as u32;
        let region = |k: usize| self.regions[k / 3 % regions].clone();
        let cause = |k: usize| Cause::ALL[k % 3].name().to_string();
        Ok(DataFrame::new_infer_height(vec![
            column(schema::PERIOD, rows.clone().map(of).collect()),
            text(schema::REGION, rows.clone().map(region).collect()),
            text("cause", rows.clone().map(cause).collect()),
            column("loss", self.loss.clone()),
            column("share", self.loss.iter().map(|v| v / self.steady).collect()),
        ])?)
    }
}

impl ToFrame for Assumptions {
    /// One row a variant, then one a yardstick: variant, behaviour, lost (mean share of steady output over all periods;
    /// of a yardstick the share of final demand), low and high (5 % and 95 % of draws), lowest (the worst period, steady
    /// state = 100), fit (mean relative square difference to what was observed).
    fn frame(&self) -> Result<DataFrame> {
        let rows = self.rows();
        let number = |of: fn(&crate::infer::AssumedRow) -> f64| rows.iter().map(of).collect();
        let maybe: Vec<Option<f64>> = rows.iter().map(|r| r.fit).collect();
        let lowest: Vec<Option<f64>> = rows.iter().map(|r| r.lowest).collect();
        Ok(DataFrame::new_infer_height(vec![
            text("variant", rows.iter().map(|r| r.name.clone()).collect()),
            text(
                "behaviour",
                rows.iter().map(|r| r.behaviour.clone()).collect(),
            ),
            column("lost", number(|r| r.lost)),
            column("low", number(|r| r.low)),
            column("high", number(|r| r.high)),
            polars::prelude::Column::new("lowest".into(), lowest),
            polars::prelude::Column::new("fit".into(), maybe),
        ])?)
    }
}
