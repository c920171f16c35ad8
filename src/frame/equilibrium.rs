//! Equilibrium yardsticks as a table.

use super::results::nullable;
use super::schema;
use super::write::{ToFrame, column, text};
use crate::equilibrium::Yardsticks;
use crate::error::Result;
use polars::prelude::DataFrame;

impl ToFrame for Yardsticks {
    /// One row a yardstick: yardstick, final_demand_change, output_change (shares; -0.1 is a tenth less).
    fn frame(&self) -> Result<DataFrame> {
        let rows = [
            (
                "leontief",
                self.leontief.final_demand,
                self.leontief.total_output,
            ),
            ("ghosh", self.ghosh.final_demand, self.ghosh.total_output),
            ("hulten", self.hulten.final_demand, f64::NAN),
            ("baqaee_farhi", self.baqaee_farhi.final_demand, f64::NAN),
        ];
        let names = rows.iter().map(|r| r.0.to_string()).collect();
        let output: Vec<f64> = rows.iter().map(|r| r.2).collect();
        Ok(DataFrame::new_infer_height(vec![
            text(schema::YARDSTICK, names),
            column(
                schema::FINAL_DEMAND_CHANGE,
                rows.iter().map(|r| r.1).collect(),
            ),
            nullable(schema::OUTPUT_CHANGE, &output),
        ])?)
    }
}
