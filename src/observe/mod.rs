//! What a statistician sees of the economy: output summed to region x sector groups.

mod dates;

pub use dates::Dates;

use crate::error::{Error, Result};
use crate::network::Network;
use crate::simulate::Trajectory;

/// A panel: one series per group over periods. Observed data and simulated output have this form.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Name of each group's region, one per group.
    pub region: Vec<String>,
    /// Name of each group's sector, one per group.
    pub sector: Vec<String>,
    /// Level of each group in the steady state (period 0), one per group.
    pub base: Vec<f64>,
    /// Number of periods.
    pub periods: usize,
    /// Level of each group, [period, group] row by row; NaN is a missing cell.
    pub values: Vec<f64>,
    /// Where its periods stand in the calendar, where that is known: see `with_calendar`.
    pub dates: Option<Dates>,
}

impl Observation {
    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.base.len()
    }

    /// Level of `group` in period `t` (1..=periods); an error outside.
    pub fn at(&self, t: usize, group: usize) -> Result<f64> {
        self.check_group(group)?;
        let row = t.checked_sub(1).filter(|t| *t < self.periods);
        let value = row.and_then(|t| self.values.get(t * self.groups() + group));
        value.copied().ok_or_else(|| {
            Error::new(
                "panel",
                format!("period {t} of {}", self.periods),
                "give a period from 1 to the last",
            )
        })
    }

    /// One group's series over periods 1..=T; an error where there is no such group.
    pub fn series(&self, group: usize) -> Result<Vec<f64>> {
        self.check_group(group)?;
        Ok(self.column(group).collect())
    }

    /// One group's series as an index: 100 is the steady state. All missing where there is no such group.
    pub fn index(&self, group: usize) -> Vec<f64> {
        match self.base.get(group) {
            Some(base) => self.column(group).map(|v| 100.0 * v / base).collect(),
            None => vec![f64::NAN; self.rows()],
        }
    }

    fn column(&self, group: usize) -> impl Iterator<Item = f64> {
        let every = self.groups().max(1);
        self.values.iter().skip(group).step_by(every).copied()
    }

    fn check_group(&self, group: usize) -> Result<()> {
        if group < self.groups() {
            return Ok(());
        }
        Err(Error::new(
            "panel",
            format!("group {group} of {}", self.groups()),
            "groups are counted from 0, in the order of network.groups()",
        ))
    }

    /// "region · sector" of a group; "group 7" where it has no name.
    pub fn label(&self, group: usize) -> String {
        let name = |names: &[String]| names.get(group).cloned().unwrap_or_default();
        match (name(&self.region).as_str(), name(&self.sector).as_str()) {
            ("", "") => format!("group {group}"),
            (r, "") => r.to_string(),
            ("", s) => s.to_string(),
            (r, s) => format!("{r} · {s}"),
        }
    }

    /// Periods whose cells are all there: its fields can be changed.
    pub(crate) fn rows(&self) -> usize {
        self.periods.min(self.values.len() / self.groups().max(1))
    }

    /// Refuses a panel with other numbers of names or values than its groups and periods need.
    pub(crate) fn whole(&self) -> Result<()> {
        let g = self.groups();
        let named = self.region.len() == g && self.sector.len() == g;
        if g > 0 && named && self.periods.checked_mul(g) == Some(self.values.len()) {
            return Ok(());
        }
        Err(Error::new(
            "panel",
            format!(
                "{} values, {} regions and {} sectors for {} periods x {g} groups",
                self.values.len(),
                self.region.len(),
                self.sector.len(),
                self.periods
            ),
            "give one value a period and group, row by row, and one region and sector a group",
        ))
    }

    /// Number of missing cells.
    pub fn missing(&self) -> usize {
        self.values.iter().filter(|v| v.is_nan()).count()
    }

    /// Means over blocks of consecutive periods, such as the weeks of a month. `lengths` are the
    /// block lengths; periods beyond their sum are left out. A block with a missing cell is missing.
    pub fn block_means(&self, lengths: &[usize]) -> Result<Observation> {
        self.whole()?;
        let used = lengths.iter().fold(0usize, |sum, n| sum.saturating_add(*n));
        if used > self.periods || lengths.contains(&0) {
            return Err(Error::new(
                "block lengths",
                format!(
                    "{} blocks need {used} periods (each at least 1), but there are {}",
                    lengths.len(),
                    self.periods
                ),
                "simulate more periods, or give fewer blocks",
            ));
        }
        let g = self.groups();
        let mut values = Vec::with_capacity(lengths.len() * g);
        let mut first = 0;
        for &n in lengths {
            for group in 0..g {
                let sum: f64 = (first..first + n).map(|t| self.values[t * g + group]).sum();
                values.push(sum / n as f64);
            }
            first += n;
        }
        // Blocks that are its months stand for one each.
        let dates = self.dates.clone().filter(|d| d.lengths == lengths);
        Ok(Observation {
            periods: lengths.len(),
            values,
            dates: dates.map(|d| Dates {
                lengths: vec![1; lengths.len()],
                ..d
            }),
            ..self.clone()
        })
    }

    /// A panel for `network` from values [period, group] in the order of `network.groups()`.
    pub fn from_values(network: &Network, values: Vec<f64>) -> Result<Observation> {
        let g = network.groups().len();
        if g == 0 || !values.len().is_multiple_of(g) {
            return Err(Error::new(
                "observed values",
                format!("{} values do not fill rows of {g} groups", values.len()),
                "give one value per period and non-empty group",
            ));
        }
        let (region, sector) = network
            .groups()
            .iter()
            .map(|&(r, s)| (network.regions()[r].clone(), network.sectors()[s].clone()))
            .unzip();
        Ok(Observation {
            region,
            sector,
            base: network.group_sums(network.output()),
            periods: values.len() / g,
            values,
            dates: None,
        })
    }
}

impl Trajectory {
    /// Output summed over the firms of each region x sector group, per period.
    pub fn observe(&self) -> Observation {
        let values = self
            .output
            .chunks_exact(self.network.firms())
            .flat_map(|row| self.network.group_sums(row))
            .collect();
        Observation::from_values(&self.network, values)
            .expect("a trajectory fills whole rows of its own network's groups")
    }
}
