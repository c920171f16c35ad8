//! Where the periods of a panel stand in the calendar.

use super::Observation;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Months of a panel: the first, and how many periods each has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dates {
    /// First month (year, month).
    pub first: (i32, u32),
    /// Periods of each month.
    pub lengths: Vec<usize>,
}

impl Dates {
    /// Number of periods.
    pub fn periods(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// The month (year, month) in which a period begins; None beyond the last.
    pub fn month(&self, period: usize) -> Option<(i32, u32)> {
        let mut left = period.checked_sub(1)?;
        for (k, n) in self.lengths.iter().enumerate() {
            if left < *n {
                return Some(self.after(k));
            }
            left -= n;
        }
        None
    }

    fn after(&self, months: usize) -> (i32, u32) {
        let code = self.first.0 as i64 * 12 + i64::from(self.first.1) - 1 + months as i64;
        (code.div_euclid(12) as i32, code.rem_euclid(12) as u32 + 1)
    }

    /// Where months begin, as ticks: the first period of some of them, and what is written there, such as "Jun 2020".
    /// `wanted` is about how many; years alone where there are many.
    pub fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let months = self.lengths.len();
        let steps = [1, 2, 3, 6, 12, 24, 60, 120, 240];
        let fits = |s: &&usize| months / **s <= wanted.max(2);
        let step = *steps.iter().find(fits).unwrap_or(&480);
        let mut ticks = Vec::new();
        let mut period = 1;
        for (k, n) in self.lengths.iter().enumerate() {
            let (year, month) = self.after(k);
            let place = (i64::from(year) * 12 + i64::from(month) - 1) as usize;
            if place.is_multiple_of(step) && *n > 0 {
                let name = MONTHS.get(month as usize - 1).unwrap_or(&"");
                let text = if step >= 12 {
                    format!("{year}")
                } else {
                    format!("{name} {year}")
                };
                ticks.push((period as f64, text));
            }
            period += n;
        }
        ticks
    }
}

impl Observation {
    /// The same panel with its place in the calendar, which figures and saved files keep.
    ///
    /// # Errors
    /// Other numbers of periods.
    pub fn with_dates(mut self, dates: Dates) -> Result<Observation> {
        if dates.periods() != self.periods || !(1..=12).contains(&dates.first.1) {
            return Err(Error::new(
                "dates",
                format!(
                    "{} months from {:?} on have {} periods, and the panel {}",
                    dates.lengths.len(),
                    dates.first,
                    dates.periods(),
                    self.periods
                ),
                "give the calendar that the panel was made by",
            ));
        }
        self.dates = Some(dates);
        Ok(self)
    }

    /// The panel with noise: each cell times 1 plus a normal number of standard deviation `relative`. The same seed gives
    /// the same noise.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// # let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
    /// # let run = simulate(&network, &Params::usual(&network), &Shock::none(), &Simulation::default())?;
    /// let seen = run.observe().noisy(0.02, 1);
    /// assert_ne!(seen.values, run.observe().values);
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn noisy(mut self, relative: f64, seed: u64) -> Observation {
        use rand::SeedableRng;
        use rand_distr::{Distribution, StandardNormal};
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        for value in &mut self.values {
            let noise: f64 = StandardNormal.sample(&mut rng);
            *value *= 1.0 + relative * noise;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_stand_in_months() {
        let weeks = Dates {
            first: (2019, 11),
            lengths: vec![4, 5, 4],
        };
        assert_eq!(weeks.periods(), 13);
        let months: Vec<_> = [1, 4, 5, 10, 14].map(|t| weeks.month(t)).into();
        assert_eq!(
            months,
            [
                Some((2019, 11)),
                Some((2019, 11)),
                Some((2019, 12)),
                Some((2020, 1)),
                None
            ]
        );
        assert_eq!(weeks.month(0), None);
        let ticks = weeks.ticks(6);
        assert_eq!(ticks[2], (10.0, "Jan 2020".to_string()));
        let years = Dates {
            first: (2015, 3),
            lengths: vec![1; 72],
        };
        let ticks = years.ticks(6);
        assert_eq!(ticks[0], (11.0, "2016".to_string()));
        assert_eq!(ticks.len(), 6);
    }
}
