//! What draws predict for a group, a region, a sector or the whole economy, with its band.

use crate::error::{Error, Result};
use crate::infer::{Prediction, column_quantiles};
use crate::observe::Observation;

/// What part of a panel is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Of {
    /// The whole economy.
    #[default]
    Total,
    /// A group by its place in `network.groups()`.
    Group(usize),
    /// All groups of a region.
    Region(String),
    /// All groups of a sector.
    Sector(String),
}

impl Of {
    /// A region by its name.
    pub fn region(name: impl Into<String>) -> Self {
        Of::Region(name.into())
    }

    /// A sector by its name.
    pub fn sector(name: impl Into<String>) -> Self {
        Of::Sector(name.into())
    }

    /// As figures call it.
    pub fn label(&self, panel: &Observation) -> String {
        match self {
            Of::Total => "whole economy".into(),
            Of::Group(g) => panel.label(*g),
            Of::Region(name) | Of::Sector(name) => name.clone(),
        }
    }

    /// The groups that belong to it.
    fn groups(&self, panel: &Observation) -> Result<Vec<usize>> {
        let all = 0..panel.groups();
        let found: Vec<usize> = match self {
            Of::Total => all.collect(),
            Of::Group(g) => all.filter(|k| k == g).collect(),
            Of::Region(name) => all.filter(|k| panel.region[*k] == *name).collect(),
            Of::Sector(name) => all.filter(|k| panel.sector[*k] == *name).collect(),
        };
        if !found.is_empty() {
            return Ok(found);
        }
        let known = |names: &[String]| {
            let mut known: Vec<&str> = Vec::new();
            for name in names.iter().map(String::as_str) {
                if !known.contains(&name) {
                    known.push(name);
                }
            }
            let more = if known.len() > 12 { ", …" } else { "" };
            known.truncate(12);
            known.join(", ") + more
        };
        let (fact, remedy) = match self {
            Of::Region(name) => (
                format!("there is no region {name:?}"),
                format!("the regions are {}", known(&panel.region)),
            ),
            Of::Sector(name) => (
                format!("there is no sector {name:?}"),
                format!("the sectors are {}", known(&panel.sector)),
            ),
            Of::Group(g) => (
                format!("group {g} of {}", panel.groups()),
                "groups are counted from 0, in the order of network.groups()".into(),
            ),
            Of::Total => (
                "the panel has no groups".into(),
                "give one with groups".into(),
            ),
        };
        Err(Error::new("band", fact, remedy))
    }
}

/// A series with its band over draws, as an index: the steady state is 100.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// What it is of.
    pub label: String,
    /// The part of the draws that lies inside, such as 0.9.
    pub level: f64,
    /// Lower end, one a period.
    pub low: Vec<f64>,
    /// Median.
    pub middle: Vec<f64>,
    /// Upper end.
    pub high: Vec<f64>,
}

impl Observation {
    /// A part of the panel as an index, the steady state = 100, one a period; a period with a missing cell is missing.
    ///
    /// # Errors
    /// A region, sector or group that is not there.
    pub fn index_of(&self, of: &Of) -> Result<Vec<f64>> {
        self.whole()?;
        let groups = of.groups(self)?;
        let base: f64 = groups.iter().map(|g| self.base[*g]).sum();
        let rows = self.values.chunks_exact(self.groups());
        Ok(rows
            .map(|row| 100.0 * groups.iter().map(|g| row[*g]).sum::<f64>() / base)
            .collect())
    }
}

impl Prediction {
    /// The central band that holds the share `level` of the draws, for the whole economy, a region, a sector or a group.
    ///
    /// # Errors
    /// A level outside 0..=1; a region, sector or group that is not there.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// # let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
    /// # let shock = Shock::random(&network, 2, 0.3, 10, 1);
    /// # let run = simulate(&network, &Params::usual(&network), &shock, &Simulation::default())?;
    /// # let problem = Problem::new(&network, &shock, &run.observe());
    /// # let svi = Svi { steps: 5, early_stop: None, draws: 8, ..Svi::default() };
    /// # let posterior = calibrate(&problem, &svi, &Run::default(), &mut ())?;
    /// let band = posterior.predictive.band(&Of::Total, 0.9)?;
    /// assert!(band.low.iter().zip(&band.high).all(|(low, high)| low <= high));
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn band(&self, of: &Of, level: f64) -> Result<Band> {
        if !(0.0..=1.0).contains(&level) {
            return Err(Error::new(
                "band",
                format!("it shall hold {level} of the draws"),
                "give a share of 0 to 1, such as 0.9",
            ));
        }
        let mean = &self.mean;
        mean.whole()?;
        let groups = of.groups(mean)?;
        let base: f64 = groups.iter().map(|g| mean.base[*g]).sum();
        let rows = self.samples.chunks_exact(mean.groups());
        let index: Vec<f64> = rows
            .map(|row| 100.0 * groups.iter().map(|g| row[*g]).sum::<f64>() / base)
            .collect();
        let at = |q| column_quantiles(&index, mean.periods, q);
        Ok(Band {
            label: of.label(mean),
            level,
            low: at(0.5 - 0.5 * level),
            middle: at(0.5),
            high: at(0.5 + 0.5 * level),
        })
    }
}
