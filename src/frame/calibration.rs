//! What a calibration found, as tables.

use super::results::{counts, json, numbers, texts};
use super::store::{Files, Pack, Stored};
use super::{ToFrame, schema};
use crate::error::{Error, Result};
use crate::infer::{
    Backtested, Check, Contest, Outcome, Parameter, Ranks, Sbc, Score, Sensitivity, Standing,
    Summary,
};
use crate::model::ByParameter;
use polars::prelude::{Column, DataFrame, DataType};

impl ToFrame for Summary {
    /// One row an entry: parameter, entry, prior_mean, prior_sd, mean, sd, q05, q95, shrinkage; of chains rhat and ess, too.
    fn frame(&self) -> Result<DataFrame> {
        let text = |name: &str, f: fn(&crate::infer::Row) -> String| {
            Column::new(name.into(), self.rows.iter().map(f).collect::<Vec<_>>())
        };
        let number = |name: &str, f: fn(&crate::infer::Row) -> f64| {
            Column::new(name.into(), self.rows.iter().map(f).collect::<Vec<_>>())
        };
        let mut columns = vec![
            text(schema::PARAMETER, |r| r.parameter.name().to_string()),
            text(schema::ENTRY, |r| r.label.clone()),
            number(schema::PRIOR_MEAN, |r| r.prior_mean),
            number(schema::PRIOR_SD, |r| r.prior_sd),
            number(schema::MEAN, |r| r.mean),
            number(schema::SD, |r| r.sd),
            number(schema::Q05, |r| r.q05),
            number(schema::Q95, |r| r.q95),
            number(schema::SHRINKAGE, |r| r.shrinkage),
        ];
        if self.rows.iter().any(|r| !r.rhat.is_nan()) {
            columns.extend([number("rhat", |r| r.rhat), number("ess", |r| r.ess)]);
        }
        Ok(DataFrame::new_infer_height(columns)?)
    }
}

impl ToFrame for Contest {
    /// One row a method and look: method, seed, evaluations, in_sample, out_of_sample, seconds.
    fn frame(&self) -> Result<DataFrame> {
        let each = || self.standings.iter();
        let number = |name: &str, f: fn(&Standing) -> f64| {
            Column::new(name.into(), each().map(f).collect::<Vec<_>>())
        };
        let whole = |name: &str, f: fn(&Standing) -> u64| {
            Column::new(name.into(), each().map(f).collect::<Vec<_>>())
        };
        let methods: Vec<String> = each().map(|s| s.method.clone()).collect();
        Ok(DataFrame::new_infer_height(vec![
            Column::new(schema::METHOD.into(), methods),
            whole(schema::SEED, |s| s.seed),
            whole(schema::EVALUATIONS, |s| s.evaluations as u64),
            number(schema::IN_SAMPLE, |s| s.in_sample),
            number(schema::OUT_OF_SAMPLE, |s| s.out_of_sample),
            number(schema::SECONDS, |s| s.seconds),
        ])?)
    }
}

impl ToFrame for Backtested {
    /// One row a forecast: method, origin, horizon, group, observed, median, error, crps, pit, within_50, within_90;
    /// numbers in per cent of the series' level.
    fn frame(&self) -> Result<DataFrame> {
        let each = || self.scores.iter();
        let number = |name: &str, f: fn(&Score) -> f64| {
            Column::new(name.into(), each().map(f).collect::<Vec<_>>())
        };
        let whole = |name: &str, f: fn(&Score) -> u32| {
            Column::new(name.into(), each().map(f).collect::<Vec<_>>())
        };
        let text = |name: &str, f: fn(&Score) -> String| {
            Column::new(name.into(), each().map(f).collect::<Vec<_>>())
        };
        Ok(DataFrame::new_infer_height(vec![
            text(schema::METHOD, |s| s.method.clone()),
            whole("origin", |s| s.origin as u32),
            whole("horizon", |s| s.horizon as u32),
            text(schema::GROUP, |s| s.series.clone()),
            number("observed", |s| s.observed),
            number("median", |s| s.median),
            number("error", Score::error),
            number("crps", |s| s.crps),
            number("pit", |s| s.pit),
            number(schema::WITHIN_50, |s| f64::from(s.in_50)),
            number(schema::WITHIN_90, |s| f64::from(s.in_90)),
        ])?)
    }
}

impl ToFrame for Outcome {
    /// One row a draw: draw, lost, direct, indirect (shares of the steady output of all periods), recovery
    /// (periods until 95 %, infinite where not within the horizon).
    fn frame(&self) -> Result<DataFrame> {
        let draws: Vec<u32> = (0..self.lost.len() as u32).collect();
        Ok(DataFrame::new_infer_height(vec![
            Column::new(schema::DRAW.into(), draws),
            Column::new(schema::LOST.into(), self.lost.clone()),
            Column::new(schema::DIRECT.into(), self.direct.clone()),
            Column::new(schema::INDIRECT.into(), self.indirect()),
            Column::new(schema::RECOVERY.into(), self.recovery.clone()),
        ])?)
    }
}

impl ToFrame for Check {
    /// One row a group: group, cells within the 50 % and 90 % predictive intervals, the worst first.
    fn frame(&self) -> Result<DataFrame> {
        let worst = self.worst(0.9);
        let half: std::collections::HashMap<String, f64> = self.worst(0.5).into_iter().collect();
        let within = |label: &String| half.get(label).copied().unwrap_or(f64::NAN);
        let labels: Vec<String> = worst.iter().map(|w| w.0.clone()).collect();
        let half: Vec<f64> = labels.iter().map(within).collect();
        let most: Vec<f64> = worst.iter().map(|w| w.1).collect();
        Ok(DataFrame::new_infer_height(vec![
            Column::new(schema::GROUP.into(), labels),
            Column::new(schema::WITHIN_50.into(), half),
            Column::new(schema::WITHIN_90.into(), most),
        ])?)
    }
}

impl ToFrame for Sensitivity {
    /// One row a parameter and entry: parameter, entry (firm or hit, counted from 0), derivative.
    fn frame(&self) -> Result<DataFrame> {
        let (mut names, mut entries, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for parameter in Parameter::ALL {
            let part = self.of(*parameter);
            for (k, value) in part.iter().enumerate() {
                names.push(parameter.name().to_string());
                entries.push(k as u32);
                values.push(*value);
            }
        }
        Ok(DataFrame::new_infer_height(vec![
            Column::new(schema::PARAMETER.into(), names),
            Column::new(schema::ENTRY.into(), entries),
            Column::new(schema::DERIVATIVE.into(), values),
        ])?)
    }
}

impl ToFrame for Sbc {
    /// One row a parameter, run and entry: parameter, run, entry, rank of the true value among the draws.
    fn frame(&self) -> Result<DataFrame> {
        let (mut names, mut runs, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        let mut ranks = Vec::new();
        for r in &self.parameters {
            let each = r.ranks.len() / self.runs.max(1);
            for (k, rank) in r.ranks.iter().enumerate() {
                names.push(r.parameter.name().to_string());
                runs.push((k / each) as u32);
                entries.push((k % each) as u32);
                ranks.push(*rank as u32);
            }
        }
        Ok(DataFrame::new_infer_height(vec![
            Column::new(schema::PARAMETER.into(), names),
            Column::new(schema::RUN.into(), runs),
            Column::new(schema::ENTRY.into(), entries),
            Column::new(schema::RANK.into(), ranks),
        ])?)
    }
}

/// The parameter of a name in a file.
fn parameter(name: &str) -> Result<Parameter> {
    Parameter::from_name(name).ok_or_else(|| {
        Error::new(
            schema::PARAMETER,
            format!("{name:?} is no parameter"),
            "write the file again with this version",
        )
    })
}

impl Stored for Sensitivity {
    const KIND: &'static str = "sensitivity";

    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        pack.fact("loss", format!("{:?}", self.loss));
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let names = texts(files.frame(), schema::PARAMETER)?;
        let values = numbers(files.frame(), schema::DERIVATIVE)?;
        let of = |p: Parameter| -> Vec<f64> {
            let rows = names.iter().zip(&values).filter(|(n, _)| **n == p.name());
            rows.map(|(_, v)| *v).collect()
        };
        Ok(Sensitivity::new(files.number("loss")?, ByParameter::of(of)))
    }
}

impl Stored for Sbc {
    const KIND: &'static str = "simulation-based calibration";

    /// The ranks, and the losses of the runs in a second file.
    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        let losses = Column::new(schema::LOSS.into(), self.loss.clone());
        pack.table(
            "losses",
            "losses",
            DataFrame::new_infer_height(vec![losses])?,
        );
        let draws: Vec<(&str, usize)> = self
            .parameters
            .iter()
            .map(|r| (r.parameter.name(), r.draws))
            .collect();
        pack.fact("draws", json(&draws));
        pack.fact("runs", self.runs);
        pack.fact("seconds", format!("{:?}", self.seconds));
        pack.fact("doubted", self.doubted);
        pack.fact("stopped", self.stopped);
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let names = texts(files.frame(), schema::PARAMETER)?;
        let ranks = counts(files.frame(), schema::RANK)?;
        let draws: Vec<(String, usize)> = files.json("draws")?;
        let one = |(name, draws): &(String, usize)| {
            let rows = names.iter().zip(&ranks).filter(|(n, _)| *n == name);
            Ok(Ranks {
                parameter: parameter(name)?,
                draws: *draws,
                ranks: rows.map(|(_, r)| *r).collect(),
            })
        };
        Ok(Self {
            runs: files.number("runs")?,
            parameters: draws.iter().map(one).collect::<Result<_>>()?,
            loss: numbers(&files.table("losses")?, schema::LOSS)?,
            seconds: files.number("seconds")?,
            doubted: files.number("doubted")?,
            stopped: files.fact("stopped")? == "true",
        })
    }
}

impl Stored for Outcome {
    const KIND: &'static str = "outcome";

    /// What is lost in each draw, and the prediction in further files.
    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        pack.inside("prediction", &self.prediction)
    }

    fn unpack(files: &Files) -> Result<Self> {
        let column = |name| numbers(files.frame(), name);
        Ok(Self {
            prediction: files.inside("prediction")?,
            lost: column(schema::LOST)?,
            direct: column(schema::DIRECT)?,
            recovery: column(schema::RECOVERY)?,
        })
    }
}

impl Stored for Contest {
    const KIND: &'static str = "contest";

    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let frame = files.frame();
        let whole = |name: &str| -> Result<Vec<u64>> {
            let column = frame.column(name)?.cast(&DataType::UInt64)?;
            Ok(column.u64()?.iter().map(|v| v.unwrap_or(0)).collect())
        };
        let methods = texts(frame, schema::METHOD)?;
        let (seeds, evaluations) = (whole(schema::SEED)?, whole(schema::EVALUATIONS)?);
        let column = |name| numbers(frame, name);
        let (observed, fresh) = (column(schema::IN_SAMPLE)?, column(schema::OUT_OF_SAMPLE)?);
        let seconds = column(schema::SECONDS)?;
        let one = |(k, method): (usize, String)| Standing {
            method,
            seed: seeds[k],
            evaluations: evaluations[k] as usize,
            in_sample: observed[k],
            out_of_sample: fresh[k],
            seconds: seconds[k],
        };
        Ok(Self {
            standings: methods.into_iter().enumerate().map(one).collect(),
        })
    }
}
