//! Series that are observed as sums of groups: a country's total where the model has regions.

use super::Problem;
use super::loss::{Learning, Target};
use crate::error::{Error, Result};
use crate::network::Network;
use crate::observe::Observation;

/// An observed series that no single group holds: the output of several groups together. Its cells count
/// in the loss as those of a series of the panel do, beside the panel; they are in no prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// What it is called in messages.
    pub name: String,
    /// The groups that it adds up, by their place in `network.groups()`.
    pub groups: Vec<usize>,
    /// Its level in each period of the first scenario; NaN is missing. The sum of the groups' steady
    /// levels, `steady`, is 100 % of it.
    pub values: Vec<f64>,
}

impl Total {
    /// The total of all groups of these regions and sectors; no names mean all.
    pub fn new(
        network: &Network,
        name: &str,
        regions: &[&str],
        sectors: &[&str],
        values: Vec<f64>,
    ) -> Result<Self> {
        let known = |wanted: &[&str], names: &[String], what: &str| match wanted
            .iter()
            .find(|w| !names.iter().any(|n| n == **w))
        {
            None => Ok(()),
            Some(w) => Err(Error::new(
                format!("total {name}"),
                format!("there is no {what} {w:?}"),
                format!("the network has {}", names.join(", ")),
            )),
        };
        known(regions, network.regions(), "region")?;
        known(sectors, network.sectors(), "sector")?;
        let within =
            |wanted: &[&str], n: &String| wanted.is_empty() || wanted.contains(&n.as_str());
        let groups = network.groups().iter().enumerate().filter(|(_, (r, s))| {
            within(regions, &network.regions()[*r]) && within(sectors, &network.sectors()[*s])
        });
        Ok(Self {
            name: name.into(),
            groups: groups.map(|(g, _)| g).collect(),
            values,
        })
    }

    /// Its level in the steady state.
    pub fn steady(&self, network: &Network) -> f64 {
        let levels = network.group_sums(network.output());
        self.groups.iter().filter_map(|g| levels.get(*g)).sum()
    }
}

/// Totals ready to be compared with simulations.
pub(super) struct Totals {
    groups: Vec<Vec<usize>>,
    /// Number of groups of the panel.
    wide: usize,
    target: Target,
}

impl Totals {
    /// Those of a problem, which was checked; `None` where there are none.
    pub(super) fn new(problem: &Problem) -> Option<Self> {
        let (totals, panel) = (&problem.totals, &problem.observed);
        if totals.is_empty() {
            return None;
        }
        let groups: Vec<Vec<usize>> = totals.iter().map(|t| t.groups.clone()).collect();
        let periods = 0..panel.periods;
        let series = Observation {
            region: totals.iter().map(|t| t.name.clone()).collect(),
            sector: vec![String::new(); totals.len()],
            base: added(&groups, &panel.base),
            periods: panel.periods,
            values: periods
                .flat_map(|t| totals.iter().map(move |s| s.values[t]))
                .collect(),
            dates: None,
        };
        Some(Self {
            groups,
            wide: panel.groups(),
            target: Target::new(&series, problem.loss, problem.scale, &[], problem.noise),
        })
    }

    /// Number of observed cells.
    pub(super) fn total(&self) -> f64 {
        self.target.total()
    }

    /// Sum of the cells' losses of one panel [period, group]. Where `slope` is given, the sum's
    /// derivative in every cell of the panel is added to it.
    pub(super) fn sum(
        &self,
        panel: &[f64],
        slope: Option<&mut [f64]>,
        learning: Option<Learning<'_>>,
    ) -> f64 {
        let rows = panel.chunks_exact(self.wide);
        let sums: Vec<f64> = rows.flat_map(|row| added(&self.groups, row)).collect();
        let Some(slope) = slope else {
            return self.target.sum(&sums, None, learning);
        };
        let mut by = vec![0.0; sums.len()];
        let loss = self.target.sum(&sums, Some(&mut by), learning);
        let rows = slope.chunks_exact_mut(self.wide);
        for (row, by) in rows.zip(by.chunks_exact(self.groups.len())) {
            for (groups, by) in self.groups.iter().zip(by) {
                groups.iter().for_each(|g| row[*g] += by);
            }
        }
        loss
    }
}

/// The sum of each list of groups.
fn added(groups: &[Vec<usize>], row: &[f64]) -> Vec<f64> {
    let sum = |list: &Vec<usize>| list.iter().map(|g| row[*g]).sum();
    groups.iter().map(sum).collect()
}

impl Problem {
    /// Refuses totals that cannot be compared.
    pub(super) fn check_totals(&self) -> Result<()> {
        let (n, periods) = (self.network.groups().len(), self.observed.periods);
        for total in &self.totals {
            let refuse = |fact: String, remedy: &str| {
                Err(Error::new(
                    format!("problem.totals, {}", total.name),
                    fact,
                    remedy,
                ))
            };
            let mut seen = vec![false; n];
            let twice = |g: &&usize| seen.get_mut(**g).is_none_or(|s| std::mem::replace(s, true));
            if let Some(g) = total.groups.iter().find(twice) {
                return refuse(
                    format!("group {g} is there twice, or is none of the network's {n}"),
                    "build it with Total::new",
                );
            }
            if total.groups.is_empty() {
                return refuse(
                    "it adds up no group".into(),
                    "name regions and sectors that have firms",
                );
            }
            if total.values.len() != periods {
                return refuse(
                    format!(
                        "{} values, but {periods} periods are observed",
                        total.values.len()
                    ),
                    "give one value per period, NaN where missing",
                );
            }
            if let Some(v) = total.values.iter().find(|v| v.is_infinite()) {
                return refuse(format!("a value is {v}"), "use NaN for a missing cell");
            }
            let seen = |values: &[f64]| -> f64 { values.iter().filter(|v| !v.is_nan()).sum() };
            if let super::Scale::Indices { first, last } = self.scale
                && total.values.iter().any(|v| !v.is_nan())
                && !(seen(&total.values[first - 1..last]) > 0.0)
            {
                return refuse(
                    format!("it has no positive mean over the base periods {first} to {last}"),
                    "choose base periods that are observed",
                );
            }
        }
        Ok(())
    }
}
