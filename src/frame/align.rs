//! Laying an index on a network: months of the statisticians, periods of the model.

use super::prepare::{code, month, rows};
use super::read::first_day;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::observe::{Dates, Observation};
use polars::prelude::DataFrame;
use std::collections::{BTreeSet, HashMap};

/// Length of a period of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Period {
    /// A calendar month.
    #[default]
    Month,
    /// Seven days.
    Week,
    /// A day.
    Day,
}

/// Where a month's figure, which is a mean over the month, stands among the weeks or days of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// In the middle one only; the others are missing. There are as many observations as figures, and
    /// the level is right where output changes evenly through the month.
    #[default]
    Middle,
    /// In each: steps from month to month. The same figure counts four or thirty times, so the noise
    /// must be larger to give it the weight of one.
    Every,
}

/// Which months a simulation covers, and in which periods. Period 1 begins with `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// First month (year, month).
    pub first: (i32, u32),
    /// Number of months.
    pub months: usize,
    /// Length of a period.
    pub period: Period,
    /// Where a month's figure stands among its weeks or days.
    pub spread: Spread,
}

impl Default for Calendar {
    fn default() -> Self {
        Self {
            first: (2020, 1),
            months: 12,
            period: Period::Month,
            spread: Spread::Middle,
        }
    }
}

impl Calendar {
    /// Periods of each month; a period belongs to the month in which it begins.
    pub fn lengths(&self) -> Result<Vec<usize>> {
        check_months("calendar", self.months)?;
        match self.period {
            Period::Month => code(self.first).map(|_| vec![1; self.months]),
            Period::Week => month_lengths(self.first, self.months, 7),
            Period::Day => month_lengths(self.first, self.months, 1),
        }
    }

    /// Number of periods.
    pub fn periods(&self) -> Result<usize> {
        Ok(self.lengths()?.iter().sum())
    }

    /// The first period (1 is the first of all) of a month, such as that of a shock.
    pub fn period_of(&self, month: (i32, u32)) -> Result<usize> {
        let k = code(month)? - code(self.first)?;
        let lengths = self.lengths()?;
        if !(0..lengths.len() as i32).contains(&k) {
            return Err(Error::new(
                "calendar",
                format!(
                    "{month:?} is not among the {} months from {:?} on",
                    self.months, self.first
                ),
                "give a month that is simulated",
            ));
        }
        Ok(1 + lengths[..k as usize].iter().sum::<usize>())
    }
}

/// A panel for a network, and what did not fit.
#[derive(Clone, Debug)]
pub struct Alignment {
    /// Levels: index / 100 x the group's steady level, one row a period of the model; NaN where
    /// missing, and in the periods that carry no figure.
    pub observed: Observation,
    /// The same by month, to hold against `simulated.block_means(&lengths)`.
    pub monthly: Observation,
    /// Periods of each month.
    pub lengths: Vec<usize>,
    /// Groups of the network without any data, "region · sector".
    pub without_data: Vec<String>,
    /// Series of the frame that no group of the network has.
    pub unused: Vec<String>,
}

/// Lays a rebased frame (100 is the level before the shock) on a network whose regions and sectors
/// have the names of the frame. Period 1 is `first`, and one period is one month.
pub fn align(
    frame: &DataFrame,
    network: &Network,
    first: (i32, u32),
    periods: usize,
) -> Result<Alignment> {
    let calendar = Calendar {
        first,
        months: periods,
        ..Calendar::default()
    };
    align_to(frame, network, &calendar)
}

/// The same for a model whose periods are those of `calendar`.
pub fn align_to(frame: &DataFrame, network: &Network, calendar: &Calendar) -> Result<Alignment> {
    let first = code(calendar.first)?;
    let lengths = calendar.lengths()?;
    let names =
        |&(r, s): &(usize, usize)| (network.regions()[r].as_str(), network.sectors()[s].as_str());
    let groups: HashMap<(&str, &str), usize> = network
        .groups()
        .iter()
        .enumerate()
        .map(|(k, group)| (names(group), k))
        .collect();
    let base = network.group_sums(network.output());
    let g = base.len();
    let mut values = vec![f64::NAN; lengths.len() * g];
    let mut seen = vec![false; g];
    let mut unused = BTreeSet::new();
    for row in rows(frame)? {
        let Some(&group) = groups.get(&(row.region, row.sector)) else {
            unused.insert(format!("{} · {}", row.region, row.sector));
            continue;
        };
        let k = row.month - first;
        if let (Some(v), true) = (row.value, (0..lengths.len() as i32).contains(&k)) {
            values[k as usize * g + group] = v / 100.0 * base[group];
            seen[group] = true;
        }
    }
    let monthly = Observation::from_values(network, values)?;
    if !seen.contains(&true) {
        return Err(nothing(&monthly, frame, &unused, calendar)?);
    }
    let without_data = (0..g)
        .filter(|k| !seen[*k])
        .map(|k| monthly.label(k))
        .collect();
    let mut spread = Vec::with_capacity(lengths.iter().sum::<usize>() * g);
    for (k, n) in lengths.iter().enumerate() {
        for period in 0..*n {
            let carries = calendar.spread == Spread::Every || period == n / 2;
            let row = &monthly.values[k * g..(k + 1) * g];
            spread.extend(row.iter().map(|v| if carries { *v } else { f64::NAN }));
        }
    }
    let by_month = Dates {
        first: calendar.first,
        lengths: vec![1; lengths.len()],
    };
    Ok(Alignment {
        observed: Observation::from_values(network, spread)?.with_calendar(calendar)?,
        monthly: monthly.with_dates(by_month)?,
        lengths,
        without_data,
        unused: unused.into_iter().collect(),
    })
}

/// Why no cell fell on the network: other names, or other months.
fn nothing(
    panel: &Observation,
    frame: &DataFrame,
    unused: &BTreeSet<String>,
    calendar: &Calendar,
) -> Result<Error> {
    let covered = super::prepare::months(frame)?;
    let span = |m: Option<&(i32, u32)>| m.map_or(String::new(), |(y, m)| format!("{y:04}-{m:02}"));
    let series: Vec<String> = unused.iter().take(6).cloned().collect();
    let names = if series.is_empty() {
        String::new()
    } else {
        format!(
            "; it has the series {}, the network has {}",
            series.join(", "),
            panel.label(0)
        )
    };
    let last = month(code(calendar.first)? + calendar.months as i32 - 1);
    Ok(Error::new(
        "align",
        "no cell of the frame falls on a group of the network in these months",
        format!(
            "the frame covers {} to {}, asked for are {} to {}{names}",
            span(covered.first()),
            span(covered.last()),
            span(Some(&calendar.first)),
            span(Some(&last))
        ),
    ))
}

/// Refuses more than a thousand years.
fn check_months(place: &str, months: usize) -> Result<()> {
    if months <= 12_000 {
        return Ok(());
    }
    Err(Error::new(
        place,
        format!("{months} months"),
        "give 12,000 at most, which are a thousand years",
    ))
}

/// Lengths, in periods of `period_days` days, of the months from `first` on, for
/// `Observation::block_means`: every period belongs to the month in which it begins.
pub fn month_lengths(first: (i32, u32), months: usize, period_days: u32) -> Result<Vec<usize>> {
    if period_days == 0 || period_days > 28 {
        return Err(Error::new(
            "month_lengths",
            format!("a period of {period_days} days"),
            "give 1 (days) to 28",
        ));
    }
    check_months("month_lengths", months)?;
    let first = code(first)?;
    let begin = first_day(first);
    let days = period_days as i32;
    let periods_before = |m: i32| (first_day(m) - begin + days - 1) / days;
    Ok((0..months as i32)
        .map(|k| (periods_before(first + k + 1) - periods_before(first + k)) as usize)
        .collect())
}
