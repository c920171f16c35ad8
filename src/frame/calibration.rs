//! What a calibration found, as tables.

use super::{ToFrame, schema};
use crate::error::Result;
use crate::infer::{Check, Contest, Outcome, Standing, Summary};
use polars::prelude::{Column, DataFrame};

impl ToFrame for Summary {
    /// One row an entry: parameter, entry, prior_mean, prior_sd, mean, sd, q05, q95, shrinkage.
    fn frame(&self) -> Result<DataFrame> {
        let text = |name: &str, f: fn(&crate::infer::Row) -> String| {
            Column::new(name.into(), self.rows.iter().map(f).collect::<Vec<_>>())
        };
        let number = |name: &str, f: fn(&crate::infer::Row) -> f64| {
            Column::new(name.into(), self.rows.iter().map(f).collect::<Vec<_>>())
        };
        Ok(DataFrame::new_infer_height(vec![
            text(schema::PARAMETER, |r| r.parameter.name().to_string()),
            text(schema::ENTRY, |r| r.label.clone()),
            number(schema::PRIOR_MEAN, |r| r.prior_mean),
            number(schema::PRIOR_SD, |r| r.prior_sd),
            number(schema::MEAN, |r| r.mean),
            number(schema::SD, |r| r.sd),
            number(schema::Q05, |r| r.q05),
            number(schema::Q95, |r| r.q95),
            number(schema::SHRINKAGE, |r| r.shrinkage),
        ])?)
    }
}

impl ToFrame for Contest {
    /// One row a method and look: method, seed, evaluations, in_sample, out_of_sample, seconds.
    fn frame(&self) -> Result<DataFrame> {
        let each = || self.standings.iter();
        let number = |name: &str, f: fn(&Standing) -> f64| {
            Column::new(name.into(), each().map(f).collect::<Vec<_>>())
        };
        let whole = |name: &str, f: fn(&Standing) -> u64| {
            Column::new(name.into(), each().map(f).collect::<Vec<_>>())
        };
        let methods: Vec<String> = each().map(|s| s.method.clone()).collect();
        Ok(DataFrame::new_infer_height(vec![
            Column::new(schema::METHOD.into(), methods),
            whole(schema::SEED, |s| s.seed),
            whole(schema::EVALUATIONS, |s| s.evaluations as u64),
            number(schema::IN_SAMPLE, |s| s.in_sample),
            number(schema::OUT_OF_SAMPLE, |s| s.out_of_sample),
            number(schema::SECONDS, |s| s.seconds),
        ])?)
    }
}

impl ToFrame for Outcome {
    /// One row a draw: draw, lost, direct, indirect (shares of the steady output of all periods), recovery
    /// (periods until 95 %, infinite where not within the horizon).
    fn frame(&self) -> Result<DataFrame> {
        let draws: Vec<u32> = (0..self.lost.len() as u32).collect();
        Ok(DataFrame::new_infer_height(vec![
            Column::new(schema::DRAW.into(), draws),
            Column::new(schema::LOST.into(), self.lost.clone()),
            Column::new(schema::DIRECT.into(), self.direct.clone()),
            Column::new(schema::INDIRECT.into(), self.indirect()),
            Column::new(schema::RECOVERY.into(), self.recovery.clone()),
        ])?)
    }
}

impl ToFrame for Check {
    /// One row a group: group, cells within the 50 % and 90 % predictive intervals, the worst first.
    fn frame(&self) -> Result<DataFrame> {
        let worst = self.worst(0.9);
        let half: std::collections::HashMap<String, f64> = self.worst(0.5).into_iter().collect();
        let within = |label: &String| half.get(label).copied().unwrap_or(f64::NAN);
        let labels: Vec<String> = worst.iter().map(|w| w.0.clone()).collect();
        let half: Vec<f64> = labels.iter().map(within).collect();
        let most: Vec<f64> = worst.iter().map(|w| w.1).collect();
        Ok(DataFrame::new_infer_height(vec![
            Column::new(schema::GROUP.into(), labels),
            Column::new(schema::WITHIN_50.into(), half),
            Column::new(schema::WITHIN_90.into(), most),
        ])?)
    }
}
