//! Reading what was learnt: single entries by their names, and draws.

use crate::error::{Error, Result};
use crate::infer::Learnt;

impl Learnt {
    /// The place of the entry with this label, such as a region or a firm.
    ///
    /// # Errors
    /// No entry of this label: the error lists the first ones.
    pub fn place(&self, label: &str) -> Result<usize> {
        self.labels.iter().position(|l| l == label).ok_or_else(|| {
            let known: Vec<&str> = self.labels.iter().take(12).map(String::as_str).collect();
            let more = if self.labels.len() > 12 { ", …" } else { "" };
            Error::new(
                self.parameter.name(),
                format!("nothing was learnt of {label:?}"),
                format!("its entries are {}{more}", known.join(", ")),
            )
        })
    }

    /// The draws of the entry with this label, in the parameter's own unit.
    ///
    /// # Errors
    /// No entry of this label.
    pub fn of(&self, label: &str) -> Result<Vec<f64>> {
        let place = self.place(label)?;
        let every = self.len().max(1);
        Ok(self
            .samples
            .iter()
            .skip(place)
            .step_by(every)
            .copied()
            .collect())
    }

    /// All entries in draw `k`; an error beyond the last.
    ///
    /// # Errors
    /// A draw that is not there.
    pub fn draw(&self, k: usize) -> Result<Vec<f64>> {
        let every = self.len().max(1);
        let draws = self.samples.len() / every;
        if k >= draws {
            return Err(Error::new(
                self.parameter.name(),
                format!("draw {k}, but there are {draws}"),
                "draws are counted from 0",
            ));
        }
        Ok(self.samples[k * every..][..every].to_vec())
    }
}
