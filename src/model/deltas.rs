//! The shock files of Inoue & Todo's simulator: `firm delta`, the share of capacity that a firm loses.

use super::{Event, Shock};
use crate::error::{Error, Result};
use crate::network::{Network, word_lines};
use std::collections::HashMap;
use std::path::Path;

impl Shock {
    /// One event from a file of lines `firm delta`, firms by their names in `network`, delta the share
    /// of capacity lost. The file says neither when nor how fast firms recover.
    pub fn from_deltas(
        network: &Network,
        path: impl AsRef<Path>,
        start: usize,
        recovery_rate: f64,
    ) -> Result<Self> {
        let path = path.as_ref();
        let index: HashMap<String, usize> =
            (0..network.firms()).map(|i| (network.name(i), i)).collect();
        let mut event = Event {
            start,
            ..Event::default()
        };
        for (line, words) in word_lines(path, 2, "firm delta")? {
            let refuse = |fact: String, remedy: &str| {
                Error::new(format!("{}, line {line}", path.display()), fact, remedy)
            };
            let firm = index.get(&words[0]).ok_or_else(|| {
                refuse(
                    format!(
                        "firm {} is not among the {} firms",
                        words[0],
                        network.firms()
                    ),
                    "name firms as in the network",
                )
            })?;
            let delta = words[1]
                .parse()
                .ok()
                .filter(|d| (0.0..=1.0).contains(d))
                .ok_or_else(|| {
                    refuse(
                        format!("{:?} is no share", words[1]),
                        "give a number between 0 and 1",
                    )
                })?;
            event.firms.push(*firm);
            event.severity.push(delta);
            event.recovery_rate.push(recovery_rate);
        }
        let shock = Self {
            events: vec![event],
            ..Self::default()
        };
        shock.check(network).map_err(|e| e.within(path.display()))?;
        Ok(shock)
    }
}
