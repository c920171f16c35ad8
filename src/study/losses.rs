//! Who loses how much, when, and for how long: of a run, or over the draws of an outcome.

use crate::error::{Error, Result};
use crate::infer::{Outcome, column_quantiles};
use crate::simulate::Trajectory;
use std::collections::HashMap;

/// Whose losses are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Sectors of regions, as statisticians see them.
    #[default]
    Group,
    /// Sectors over all regions.
    Sector,
    /// Regions over all sectors.
    Region,
    /// Single firms.
    Firm,
}

/// The loss of one firm, sector, region or group.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// Region; empty where several are together.
    pub region: String,
    /// Sector; empty where several are together.
    pub sector: String,
    /// Name of the firm; empty but for `By::Firm`.
    pub firm: String,
    /// Output lost over all periods, units of output, the mean over draws; negative where more is made than in the
    /// steady state.
    pub lost: f64,
    /// The same as a share of its own steady output over all periods.
    pub own: f64,
    /// 5 % and 95 % quantile of `own` over draws; NaN of a single run.
    pub band: (f64, f64),
    /// What it loses as a share of what the whole economy loses; NaN where that loses nothing.
    pub of_all: f64,
    /// The period with the lowest output, from 1; of several draws that of their mean.
    pub worst: usize,
    /// How far output is below the steady one then, as a share.
    pub fall: f64,
    /// From this period on output is at 95 % of the steady one for good: 0 where it never falls below, None where it is
    /// not back at the end.
    pub back: Option<usize>,
}

impl Loss {
    /// "region · sector", or the firm's name.
    pub fn label(&self) -> String {
        let names = [&self.firm, &self.region, &self.sector].map(String::as_str);
        match names {
            ["", region, ""] => region.into(),
            ["", "", sector] => sector.into(),
            ["", region, sector] => format!("{region} · {sector}"),
            [firm, ..] => firm.into(),
        }
    }
}

/// Losses, the largest share of the own output first. It shows itself as a table, and has a frame and a figure.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let network = Network::synthetic(&Synthetic { firms: 40, ..Synthetic::default() })?;
/// let shock = Shock::region(&network, "R1", 5, 0.6, 0.1)?;
/// let run = simulate(&network, &Params::usual(&network), &shock, &Simulation::default())?;
/// let worst = run.losses(By::Region)?.top(1);
/// assert_eq!(worst.rows[0].region, "R1");
/// # Ok::<(), bullwhip::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// Whose losses are told apart.
    pub by: By,
    /// One entry each.
    pub rows: Vec<Loss>,
    /// Number of periods.
    pub periods: usize,
}

impl Losses {
    /// Those with the `n` largest losses by share of their own output.
    pub fn top(&self, n: usize) -> Losses {
        let mut top = self.clone();
        top.rows.truncate(n);
        top
    }

    /// Those with the `n` largest losses in units of output.
    pub fn largest(&self, n: usize) -> Losses {
        let mut all = self.clone();
        all.rows.sort_by(|a, b| b.lost.total_cmp(&a.lost));
        all.top(n)
    }

    /// True where draws give bands.
    pub fn has_bands(&self) -> bool {
        self.rows.iter().any(|r| !r.band.0.is_nan())
    }
}

/// Region, sector and firm.
type Name = [String; 3];

/// Series of some columns over periods, in one draw or several.
struct Series<'a> {
    names: Vec<Name>,
    base: &'a [f64],
    periods: usize,
    /// [draw, period, column].
    values: &'a [f64],
}

impl Series<'_> {
    /// The names that are told apart, and the place of each column among them.
    fn kinds(&self, by: By) -> (Vec<Name>, Vec<usize>) {
        let mut of_name: HashMap<Name, usize> = HashMap::new();
        let mut names: Vec<Name> = Vec::new();
        let mut place = |[region, sector, firm]: &Name| {
            let none = String::new;
            let key = match by {
                By::Group => [region.clone(), sector.clone(), none()],
                By::Sector => [none(), sector.clone(), none()],
                By::Region => [region.clone(), none(), none()],
                By::Firm => [region.clone(), sector.clone(), firm.clone()],
            };
            *of_name.entry(key.clone()).or_insert_with(|| {
                names.push(key);
                names.len() - 1
            })
        };
        let of = self.names.iter().map(&mut place).collect();
        (names, of)
    }

    fn losses(&self, by: By) -> Losses {
        let (names, of) = self.kinds(by);
        let sums = |row: &[f64]| {
            let mut sums = vec![0.0; names.len()];
            row.iter().zip(&of).for_each(|(v, k)| sums[*k] += v);
            sums
        };
        let base = sums(self.base);
        let columns = self.base.len().max(1);
        let draws = self.values.len() / (columns * self.periods).max(1);
        let rows: Vec<Vec<f64>> = self.values.chunks_exact(columns).map(sums).collect();
        let all: Vec<f64> = base.iter().map(|b| b * self.periods as f64).collect();
        // Share of the own output that is lost, [draw, kind].
        let mut own: Vec<f64> = Vec::with_capacity(draws * names.len());
        for draw in rows.chunks_exact(self.periods.max(1)) {
            let made = |k: usize| draw.iter().map(|row| row[k]).sum::<f64>();
            own.extend((0..names.len()).map(|k| 1.0 - made(k) / all[k]));
        }
        let band = |q| match draws {
            0 | 1 => vec![f64::NAN; names.len()],
            _ => column_quantiles(&own, names.len(), q),
        };
        let (low, high) = (band(0.05), band(0.95));
        let level = |t: usize, k: usize| {
            let each = (0..draws).map(|d| rows[d * self.periods + t][k]);
            each.sum::<f64>() / draws as f64 / base[k]
        };
        let mut losses: Vec<Loss> = Vec::with_capacity(names.len());
        for (k, [region, sector, firm]) in names.iter().cloned().enumerate() {
            let each = own.iter().skip(k).step_by(names.len());
            let mean = each.sum::<f64>() / draws as f64;
            let levels: Vec<f64> = (0..self.periods).map(|t| level(t, k)).collect();
            let (worst, fall, back) = course(&levels);
            losses.push(Loss {
                region,
                sector,
                firm,
                lost: mean * all[k],
                own: mean,
                band: (low[k], high[k]),
                of_all: f64::NAN,
                worst,
                fall,
                back,
            });
        }
        let total: f64 = losses.iter().map(|l| l.lost).sum();
        if total != 0.0 {
            losses.iter_mut().for_each(|l| l.of_all = l.lost / total);
        }
        losses.sort_by(|a, b| b.own.total_cmp(&a.own));
        Losses {
            by,
            rows: losses,
            periods: self.periods,
        }
    }
}

/// Of levels relative to the steady one: the lowest period from 1, how far it is below, and the period from which they
/// are at 95 % for good, 0 where they never fall below.
pub(super) fn course(levels: &[f64]) -> (usize, f64, Option<usize>) {
    let worst = (0..levels.len()).min_by(|a, b| levels[*a].total_cmp(&levels[*b]));
    // Rounding must not make a steady state one that has not recovered.
    let below = levels.iter().rposition(|v| *v < 0.95 - 1e-9);
    let back = match below {
        None => Some(0),
        Some(t) if t + 1 == levels.len() => None,
        Some(t) => Some(t + 2),
    };
    let fall = worst.map_or(f64::NAN, |t| 1.0 - levels[t]);
    (worst.map_or(0, |t| t + 1), fall, back)
}

impl Trajectory {
    /// Who loses how much: by group, sector, region or firm.
    ///
    /// # Errors
    /// Tables that were changed and do not fit together.
    pub fn losses(&self, by: By) -> Result<Losses> {
        self.whole()?;
        let network = &self.network;
        let name = |i: usize| {
            let region = &network.regions()[network.region()[i] as usize];
            let sector = &network.sectors()[network.sector()[i] as usize];
            [region.clone(), sector.clone(), network.name(i)]
        };
        let series = Series {
            names: (0..network.firms()).map(name).collect(),
            base: network.output(),
            periods: self.periods,
            values: &self.output,
        };
        Ok(series.losses(by))
    }
}

impl Outcome {
    /// Who loses how much, with bands over draws: by group, sector or region.
    ///
    /// # Errors
    /// `By::Firm`, as an outcome keeps groups only; tables that were changed.
    pub fn losses(&self, by: By) -> Result<Losses> {
        let mean = &self.prediction.mean;
        mean.whole()?;
        if by == By::Firm {
            return Err(Error::new(
                "Outcome::losses",
                "an outcome keeps groups of firms, and no single ones",
                "take By::Group, By::Sector or By::Region, or the losses of a run",
            ));
        }
        let name = |g: usize| {
            [
                mean.region[g].clone(),
                mean.sector[g].clone(),
                String::new(),
            ]
        };
        let series = Series {
            names: (0..mean.groups()).map(name).collect(),
            base: &mean.base,
            periods: mean.periods,
            values: &self.prediction.samples,
        };
        Ok(series.losses(by))
    }
}
