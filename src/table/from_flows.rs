//! A table from numbers that are at hand.

use super::{Demand, InputOutput, Layout, Use};
use crate::error::{Error, Result};

impl InputOutput {
    /// A table from its flows, [supplier, buyer] row by row, and the final demand for each row. Output is what is sold:
    /// flows and final demand. `regions` and `sectors` name the rows; leave `regions` empty for a table of one region.
    ///
    /// # Errors
    /// Other numbers of names, flows or demands than the rows need; what is not finite.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// let flows = [10.0, 20.0, 5.0, 30.0];
    /// let table = InputOutput::from_flows(&[], &["cars", "steel"], &flows, &[70.0, 15.0])?;
    /// assert_eq!(table.output, [100.0, 50.0]);
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn from_flows<N: AsRef<str>>(
        regions: &[N],
        sectors: &[N],
        flows: &[f64],
        final_demand: &[f64],
    ) -> Result<InputOutput> {
        let n = sectors.len();
        let text =
            |names: &[&str]| -> Vec<String> { names.iter().map(|s| s.to_string()).collect() };
        if final_demand.len() != n {
            return Err(Error::new(
                "InputOutput::from_flows",
                format!("{} final demands for {n} rows", final_demand.len()),
                "give one a row",
            ));
        }
        let regions = match regions.is_empty() {
            true => vec![String::new(); n],
            false => text(&regions.iter().map(AsRef::as_ref).collect::<Vec<&str>>()),
        };
        let sold = |i: usize| -> f64 { flows.iter().skip(i * n).take(n).sum() };
        let table = InputOutput {
            regions,
            sectors: text(&sectors.iter().map(AsRef::as_ref).collect::<Vec<&str>>()),
            flows: flows.to_vec(),
            demand: vec![Demand {
                name: "final demand".into(),
                kind: Use::Domestic,
                values: final_demand.to_vec(),
            }],
            imports: Vec::new(),
            output: (0..n).map(|i| sold(i) + final_demand[i]).collect(),
            primary: Vec::new(),
            layout: Layout::Wide,
            notes: vec!["output was taken as flows and final demand".into()],
        };
        table.whole()?;
        if let Some(i) = (0..n).find(|i| {
            (0..*i).any(|k| {
                table.sectors[k] == table.sectors[*i] && table.regions[k] == table.regions[*i]
            })
        }) {
            return Err(Error::new(
                "InputOutput::from_flows",
                format!("there are two rows {}", table.label(i)),
                "give each row a region and sector of its own",
            ));
        }
        Ok(table)
    }
}
