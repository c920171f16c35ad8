//! What studies give, as tables: losses, policies, scenarios, posteriors side by side.

use super::schema;
use super::write::{ToFrame, column, text};
use crate::error::{Error, Result};
use crate::infer::{Outcome, Posterior};
use crate::study::{Band, By, Losses, Policies, Scenarios};
use polars::prelude::{Column, DataFrame};

/// Counts of which some are missing.
fn maybe(name: &str, values: Vec<Option<usize>>) -> Column {
    let values: Vec<Option<u32>> = values.iter().map(|v| v.map(|v| v as u32)).collect();
    Column::new(name.into(), values)
}

impl ToFrame for Losses {
    /// One row each: region, sector, firm (those that are told apart), lost (a share of the own steady output), its q05
    /// and q95 where there are draws, amount, of_all, worst, fall, back.
    fn frame(&self) -> Result<DataFrame> {
        let rows = &self.rows;
        let names = |f: fn(&crate::study::Loss) -> &String| rows.iter().map(move |r| f(r).clone());
        let numbers =
            |f: fn(&crate::study::Loss) -> f64| -> Vec<f64> { rows.iter().map(f).collect() };
        let mut columns = Vec::new();
        if self.by != By::Sector {
            columns.push(text(schema::REGION, names(|r| &r.region).collect()));
        }
        if self.by != By::Region {
            columns.push(text(schema::SECTOR, names(|r| &r.sector).collect()));
        }
        if self.by == By::Firm {
            columns.push(text(schema::FIRM, names(|r| &r.firm).collect()));
        }
        columns.push(column(schema::LOST, numbers(|r| r.own)));
        if self.has_bands() {
            columns.push(column("q05", numbers(|r| r.band.0)));
            columns.push(column("q95", numbers(|r| r.band.1)));
        }
        columns.push(column(schema::AMOUNT, numbers(|r| r.lost)));
        columns.push(super::results::nullable(
            schema::OF_ALL,
            &numbers(|r| r.of_all),
        ));
        columns.push(column(
            schema::WORST,
            rows.iter().map(|r| r.worst as u32).collect(),
        ));
        columns.push(column(schema::FALL, numbers(|r| r.fall)));
        columns.push(maybe(schema::BACK, rows.iter().map(|r| r.back).collect()));
        Ok(DataFrame::new_infer_height(columns)?)
    }
}

impl ToFrame for Policies {
    /// One row a policy, the first for none: policy, lost, avoided with its q05 and q95, shares of the steady output,
    /// and recovery, the median number of periods until output is back at 95 %, infinite where it is not back.
    fn frame(&self) -> Result<DataFrame> {
        let nothing = self.nothing.lost.iter().map(|_| 0.0).collect::<Vec<f64>>();
        let first = ("nothing", &self.nothing, &nothing);
        let tried = self
            .tried
            .iter()
            .map(|t| (t.name.as_str(), &t.outcome, &t.avoided));
        let all: Vec<(&str, &Outcome, &Vec<f64>)> = std::iter::once(first).chain(tried).collect();
        let bands: Vec<(f64, f64, f64)> = all.iter().map(|a| Outcome::band(a.2)).collect();
        let median = |o: &Outcome| {
            let mut all = o.recovery.clone();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
        };
        Ok(DataFrame::new_infer_height(vec![
            text(
                schema::POLICY,
                all.iter().map(|a| a.0.to_string()).collect(),
            ),
            column(
                schema::LOST,
                all.iter().map(|a| Outcome::band(&a.1.lost).0).collect(),
            ),
            column(schema::AVOIDED, bands.iter().map(|b| b.0).collect()),
            column("q05", bands.iter().map(|b| b.1).collect()),
            column("q95", bands.iter().map(|b| b.2).collect()),
            column(schema::RECOVERY, all.iter().map(|a| median(a.1)).collect()),
        ])?)
    }
}

impl ToFrame for Scenarios {
    /// One row a point: a column a coordinate, lost, fall, worst, back.
    fn frame(&self) -> Result<DataFrame> {
        let mut columns = Vec::new();
        for (k, name) in self.names.iter().enumerate() {
            let numbers: Vec<f64> = self.numbers.iter().map(|n| n[k]).collect();
            columns.push(match numbers.iter().any(|v| v.is_nan()) {
                false => column(name, numbers),
                true => text(name, self.texts.iter().map(|t| t[k].clone()).collect()),
            });
        }
        columns.push(column(schema::LOST, self.lost.clone()));
        columns.push(column(schema::FALL, self.fall.clone()));
        columns.push(column(
            schema::WORST,
            self.worst.iter().map(|w| *w as u32).collect(),
        ));
        columns.push(maybe(schema::BACK, self.back.clone()));
        Ok(DataFrame::new_infer_height(columns)?)
    }
}

impl ToFrame for Band {
    /// One row a period: period, low, middle, high; the steady state is 100.
    fn frame(&self) -> Result<DataFrame> {
        Ok(DataFrame::new_infer_height(vec![
            column(schema::PERIOD, (1..=self.low.len() as u32).collect()),
            column("low", self.low.clone()),
            column("middle", self.middle.clone()),
            column("high", self.high.clone()),
        ])?)
    }
}

/// The name of a quantile's column: 0.05 is q05, 0.975 is q97.5.
fn quantile_name(q: f64) -> String {
    let percent = 100.0 * q;
    match (percent - percent.round()).abs() < 1e-9 {
        true => format!("q{:02.0}", percent),
        false => format!("q{percent:04}"),
    }
}

fn check_quantiles(quantiles: &[f64]) -> Result<()> {
    match quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
        None => Ok(()),
        Some(q) => Err(Error::new(
            "quantiles",
            format!("one is {q}"),
            "give shares of 0 to 1, such as 0.05",
        )),
    }
}

impl Posterior {
    /// What was learnt, one row an entry: parameter, label, mean, sd, and a column a quantile, such as q05.
    ///
    /// # Errors
    /// A quantile outside 0..=1, or one that is given twice.
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
    /// let table = posterior.table(&[0.05, 0.5, 0.95])?;
    /// assert!(table.column("q50").is_ok());
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn table(&self, quantiles: &[f64]) -> Result<DataFrame> {
        self.whole()?;
        check_quantiles(quantiles)?;
        let all = || self.parameters.iter();
        let names = |l: &crate::infer::Learnt| vec![l.parameter.name().to_string(); l.len()];
        let mut columns = vec![
            text(schema::PARAMETER, all().flat_map(names).collect()),
            text(
                schema::LABEL,
                all().flat_map(|l| l.labels.clone()).collect(),
            ),
            column(schema::MEAN, all().flat_map(|l| l.mean.clone()).collect()),
            column(schema::SD, all().flat_map(|l| l.sd.clone()).collect()),
        ];
        for q in quantiles {
            let values = all().flat_map(|l| l.quantile(*q)).collect();
            columns.push(column(&quantile_name(*q), values));
        }
        Ok(DataFrame::new_infer_height(columns)?)
    }
}

/// Several posteriors side by side: parameter and label, and the mean, 5 % and 95 % quantile of each, in columns that end
/// in its name. Entries that one has not are null.
///
/// # Errors
/// Two of the same name.
pub fn beside(posteriors: &[(&str, &Posterior)]) -> Result<DataFrame> {
    let mut keys: Vec<(String, String)> = Vec::new();
    for (k, (name, posterior)) in posteriors.iter().enumerate() {
        if posteriors[..k].iter().any(|(other, _)| other == name) {
            return Err(Error::new(
                "beside",
                format!("two posteriors are called {name:?}"),
                "give each a name of its own",
            ));
        }
        posterior.whole()?;
        for l in &posterior.parameters {
            for label in &l.labels {
                let key = (l.parameter.name().to_string(), label.clone());
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    }
    let mut columns = vec![
        text(
            schema::PARAMETER,
            keys.iter().map(|k| k.0.clone()).collect(),
        ),
        text(schema::LABEL, keys.iter().map(|k| k.1.clone()).collect()),
    ];
    for (name, posterior) in posteriors {
        let mut of_key = std::collections::HashMap::new();
        for l in &posterior.parameters {
            let (q05, q95) = (l.quantile(0.05), l.quantile(0.95));
            for (k, label) in l.labels.iter().enumerate() {
                of_key.insert(
                    (l.parameter.name(), label.as_str()),
                    [l.mean[k], q05[k], q95[k]],
                );
            }
        }
        for (k, what) in [schema::MEAN, "q05", "q95"].iter().enumerate() {
            let found =
                |(p, l): &(String, String)| of_key.get(&(p.as_str(), l.as_str())).map(|v| v[k]);
            let values: Vec<Option<f64>> = keys.iter().map(found).collect();
            columns.push(Column::new(format!("{what} {name}").into(), values));
        }
    }
    Ok(DataFrame::new_infer_height(columns)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_have_short_names() {
        let names: Vec<String> = [0.0, 0.05, 0.5, 0.975, 1.0].map(quantile_name).into();
        assert_eq!(names, ["q00", "q05", "q50", "q97.5", "q100"]);
        assert!(check_quantiles(&[0.5, 5.0]).is_err() && check_quantiles(&[f64::NAN]).is_err());
    }
}
