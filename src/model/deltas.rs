//! The shock files of Inoue & Todo's simulator: `firm delta day`, the share of capacity that a firm loses.

use super::{Event, Shock};
use crate::error::{Error, Result};
use crate::network::{Network, once, word_lines};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

impl Shock {
    /// Events from a file of lines `firm delta` or `firm delta day`: firms by their names in `network`, delta
    /// the share of capacity lost, day the days after `start`, 0 where it is not there. Firms of one day are one
    /// event, the earliest first. The simulator's day 0 is period 1 here, so `start` is 1 for its very dates.
    /// The file does not say how fast firms recover: that is `recovery_rate`, per period.
    ///
    /// An error where the file cannot be read, a firm is not in `network` or has two lines, delta is no share,
    /// or day no whole number of at least 0.
    pub fn from_deltas(
        network: &Network,
        path: impl AsRef<Path>,
        start: usize,
        recovery_rate: f64,
    ) -> Result<Self> {
        let path = path.as_ref();
        let index: HashMap<String, usize> =
            (0..network.firms()).map(|i| (network.name(i), i)).collect();
        let rows = word_lines(path, 2..=3, "`firm delta` or `firm delta day`")?;
        once(path, &rows)?;
        let mut events: BTreeMap<usize, Event> = BTreeMap::new();
        for (line, words) in rows {
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
            let day: Option<usize> = match words.get(2) {
                None => Some(start),
                Some(day) => day.parse().ok().and_then(|d: usize| start.checked_add(d)),
            };
            let first = day.ok_or_else(|| {
                refuse(
                    format!("{:?} is no day", words[2]),
                    "give a whole number of days, 0 or later, or leave it away",
                )
            })?;
            let event = events.entry(first).or_insert_with(|| Event {
                start: first,
                ..Event::default()
            });
            event.firms.push(*firm);
            event.severity.push(delta);
            event.recovery_rate.push(recovery_rate);
        }
        if events.is_empty() {
            // An event that hits nobody still says when.
            let event = Event::default();
            events.insert(start, Event { start, ..event });
        }
        let shock = Self {
            events: events.into_values().collect(),
            ..Self::default()
        };
        shock.check(network).map_err(|e| e.within(path.display()))?;
        Ok(shock)
    }
}
