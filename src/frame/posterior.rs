//! Posteriors as files, and back: what was learnt, draws, history, fit, and the state to go on from.

use super::results::{counts, json, numbers, texts};
use super::schema;
use super::store::{Beside, Files, Pack, Stored};
use super::write::{ToFrame, column, text};
use crate::error::{Error, Result};
use crate::infer::{Convergence, Fitted, Learnt, Parameter, Per, Posterior, Prior, Step};
use polars::prelude::DataFrame;
use std::path::{Path, PathBuf};

impl Posterior {
    /// The draws as a long table: parameter, draw, entry, value.
    pub fn samples_frame(&self) -> Result<DataFrame> {
        self.whole()?;
        let rows = || {
            self.parameters
                .iter()
                .flat_map(|l| (0..l.samples.len()).map(move |k| (l, k)))
        };
        Ok(DataFrame::new_infer_height(vec![
            text(
                schema::PARAMETER,
                rows()
                    .map(|(l, _)| l.parameter.name().to_string())
                    .collect(),
            ),
            column(
                schema::DRAW,
                rows().map(|(l, k)| (k / l.len()) as u32).collect(),
            ),
            column(
                schema::ENTRY,
                rows().map(|(l, k)| (k % l.len()) as u32).collect(),
            ),
            column(schema::VALUE, rows().map(|(l, k)| l.samples[k]).collect()),
        ])?)
    }

    /// The way there: evaluations, loss, kl, objective, dropped, one row an entry of `history`.
    pub fn history_frame(&self) -> Result<DataFrame> {
        let of = |f: fn(&Step) -> f64| self.history.iter().map(f).collect::<Vec<f64>>();
        let count =
            |f: fn(&Step) -> usize| self.history.iter().map(|s| f(s) as u64).collect::<Vec<_>>();
        Ok(DataFrame::new_infer_height(vec![
            column(schema::EVALUATIONS, count(|s| s.evaluations)),
            column(schema::LOSS, of(|s| s.loss)),
            column(schema::KL, of(|s| s.kl)),
            column(schema::OBJECTIVE, of(|s| s.objective)),
            column(schema::DROPPED, count(|s| s.dropped)),
        ])?)
    }
}

fn whole(frame: &DataFrame, name: &str) -> Result<Vec<usize>> {
    Ok(frame
        .column(name)?
        .u64()?
        .iter()
        .map(|v| v.unwrap_or(0) as usize)
        .collect())
}

/// The steps of a posterior.
fn history_of(files: &Files) -> Result<Vec<Step>> {
    let history = files.table("history")?;
    let (evaluations, dropped) = (
        whole(&history, schema::EVALUATIONS)?,
        whole(&history, schema::DROPPED)?,
    );
    let column = |name: &str| numbers(&history, name);
    let (loss, kl, objective) = (
        column(schema::LOSS)?,
        column(schema::KL)?,
        column(schema::OBJECTIVE)?,
    );
    let step = |k: usize| Step {
        evaluations: evaluations[k],
        loss: loss[k],
        kl: kl[k],
        objective: objective[k],
        dropped: dropped[k],
    };
    Ok((0..evaluations.len()).map(step).collect())
}

/// What was learnt of each parameter, of a posterior whose other fields are read.
fn learnt_of(
    files: &Files,
    kinds: Vec<(Parameter, Prior, Per)>,
    posterior: &Posterior,
) -> Result<Vec<Learnt>> {
    let (frame, samples) = (files.frame(), files.table("samples")?);
    let (of, entry) = (
        texts(frame, schema::PARAMETER)?,
        counts(frame, schema::ENTRY)?,
    );
    let (of_sample, value) = (
        texts(&samples, schema::PARAMETER)?,
        numbers(&samples, schema::VALUE)?,
    );
    let labels = texts(frame, schema::LABEL)?;
    let column = |name: &str| numbers(frame, name);
    let (location, scale) = (column(schema::LOCATION)?, column(schema::SCALE)?);
    let (mean, sd) = (column(schema::MEAN)?, column(schema::SD)?);
    let effective_draws = posterior.convergence.effective_draws;
    let mut all = Vec::new();
    for (parameter, prior, per) in kinds {
        let name = parameter.name();
        let rows: Vec<usize> = (0..of.len()).filter(|k| of[*k] == name).collect();
        let take = |values: &[f64]| rows.iter().map(|k| values[*k]).collect::<Vec<f64>>();
        let samples: Vec<f64> = of_sample
            .iter()
            .zip(&value)
            .filter(|(n, _)| **n == name)
            .map(|(_, v)| *v)
            .collect();
        let in_order = rows.iter().enumerate().all(|(k, row)| entry[*row] == k);
        if !in_order || samples.len() != rows.len() * posterior.draws {
            return Err(Error::new(
                name,
                "rows are missing or in another order",
                "write it again",
            ));
        }
        all.push(Learnt {
            parameter,
            prior,
            per,
            labels: rows.iter().map(|k| labels[*k].clone()).collect(),
            location: take(&location),
            scale: take(&scale),
            mean: take(&mean),
            sd: take(&sd),
            samples,
            effective_draws,
        });
    }
    Ok(all)
}

impl Stored for Posterior {
    const KIND: &'static str = "posterior";

    /// What was learnt, one row a parameter and entry; `samples`, `history`, `observed`, `predictive`, and
    /// `further0`, … in further files, and the state for `resume` in `….state.safetensors`.
    fn pack(&self, pack: &mut Pack) -> Result<()> {
        let entries = || {
            self.parameters
                .iter()
                .flat_map(|l| (0..l.len()).map(move |k| (l, k)))
        };
        let mut learnt = self.frame()?;
        learnt.with_column(text(
            schema::LABEL,
            entries().map(|(l, k)| l.labels[k].clone()).collect(),
        ))?;
        learnt.with_column(column(
            schema::LOCATION,
            entries().map(|(l, k)| l.location[k]).collect(),
        ))?;
        learnt.with_column(column(
            schema::SCALE,
            entries().map(|(l, k)| l.scale[k]).collect(),
        ))?;
        pack.table(Self::KIND, "", learnt);
        let kind = |l: &Learnt| (l.parameter, l.prior, l.per);
        let kinds: Vec<_> = self.parameters.iter().map(kind).collect();
        pack.fact("parameters", json(&kinds));
        pack.fact("method", self.method);
        pack.fact("draws", self.draws);
        pack.fact("loss", json(&self.loss));
        pack.fact("scale", json(&self.scale));
        pack.fact("noise", format!("{:?}", self.noise));
        pack.fact("learnt_noise", json(&self.learnt_noise));
        pack.fact("pareto_k", format!("{:?}", self.pareto_k));
        pack.fact("evaluations", self.evaluations);
        pack.fact("seconds", format!("{:?}", self.seconds));
        pack.fact("stopped", self.stopped);
        pack.fact("device", &self.device);
        pack.fact("warnings", json(&self.warnings));
        pack.fact("convergence", json(&self.convergence));
        pack.fact("starts", json(&self.starts));
        pack.fact("chains", json(&self.chains));
        pack.fact("evidence", json(&self.evidence));
        pack.fact("further", self.further.len());
        pack.table("samples", "samples", self.samples_frame()?);
        pack.table("history", "history", self.history_frame()?);
        pack.inside("observed", &self.observed)?;
        pack.inside("predictive", &self.predictive)?;
        for (k, fitted) in self.further.iter().enumerate() {
            pack.inside(&format!("further{k}.observed"), &fitted.observed)?;
            pack.inside(&format!("further{k}.predictive"), &fitted.predictive)?;
        }
        Ok(())
    }

    /// `.zarr` is a folder that ArviZ reads; it cannot be loaded again here.
    fn save_otherwise(&self, path: &Path) -> Option<Result<()>> {
        let zarr = path.extension().is_some_and(|e| e == "zarr");
        zarr.then(|| super::zarr::save(self, path))
    }

    fn save_more(&self, named: &dyn Fn(&str) -> PathBuf, mark: &str) -> Result<Option<Beside>> {
        let path = named("state").with_extension("safetensors");
        let part = self.state_part(&path, mark)?;
        Ok(Some(Beside { path, part }))
    }

    fn unpack(files: &Files) -> Result<Self> {
        let kinds: Vec<(Parameter, Prior, Per)> = files.json("parameters")?;
        let convergence: Convergence = files.json("convergence")?;
        let mut posterior = Posterior {
            method: Posterior::method_named(files.fact("method")?).ok_or_else(|| {
                let remedy = "write it again with this version";
                Error::new("method", "it cannot be read", remedy)
            })?,
            history: history_of(files)?,
            parameters: Vec::new(),
            draws: files.number("draws")?,
            observed: files.inside("observed")?,
            predictive: files.inside("predictive")?,
            further: (0..files.number("further")?)
                .map(|k: usize| {
                    Ok(Fitted {
                        observed: files.inside(&format!("further{k}.observed"))?,
                        predictive: files.inside(&format!("further{k}.predictive"))?,
                    })
                })
                .collect::<Result<_>>()?,
            loss: files.json("loss")?,
            scale: files.json("scale")?,
            starts: files.json("starts")?,
            chains: files.json("chains")?,
            evidence: files.json("evidence")?,
            pareto_k: files.number("pareto_k")?,
            noise: files.number("noise")?,
            learnt_noise: files.json("learnt_noise")?,
            evaluations: files.number("evaluations")?,
            seconds: files.number("seconds")?,
            stopped: files.fact("stopped")? == "true",
            convergence,
            warnings: files.json("warnings")?,
            device: files.fact("device")?.to_string(),
            saved: Default::default(),
        };
        posterior.parameters = learnt_of(files, kinds, &posterior)?;
        let state = files.beside("state").with_extension("safetensors");
        if state.exists() {
            files.check_mark(&state, &posterior.load_state(&state)?)?;
        } else {
            posterior.warnings.push(format!(
                "{} is missing: it cannot be resumed",
                state.display()
            ));
        }
        Ok(posterior)
    }
}
