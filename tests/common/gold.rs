//! Cases whose posteriors are known: the problem of a directory, and how far a posterior is from the known one.

#[path = "case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;

use bullwhip::Result;
use bullwhip::prelude::*;
use serde_json::Value;
use std::path::Path;

/// A coordinate of the known posterior.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: String,
    /// Mean and standard deviation in standard-normal coordinates, and the mean's Monte Carlo error.
    pub mean: f64,
    pub sd: f64,
    pub error: f64,
    pub ess: f64,
}

/// A case.
pub struct Gold {
    pub problem: Problem,
    /// Logarithm of the evidence, without the normal's constant.
    pub evidence: f64,
    /// The normal's constant.
    pub constant: f64,
    pub known: Vec<Known>,
    /// Relative error of a standard deviation above which it is printed.
    pub tell: f64,
}

/// How far a posterior is from the known one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Distance {
    /// Largest error of a mean, in known standard deviations, beyond three times its Monte Carlo error.
    pub mean: f64,
    /// Median error of a mean, in the same.
    pub median: f64,
    /// Largest relative error of a standard deviation.
    pub sd: f64,
    /// Median ratio of standard deviations.
    pub ratio: f64,
}

fn bad(place: &Path, fact: impl Into<String>) -> Error {
    Error::new(
        place.display().to_string(),
        fact.into(),
        "give a directory of the layout of gold posteriors",
    )
}

/// The numbers in a text, in their order.
fn numbers(text: &str) -> Vec<f64> {
    let parts = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// The prior of a formula in a standard normal u.
fn prior(formula: &str) -> Option<Prior> {
    let found = numbers(formula);
    if let ([.., median, sigma], true) = (&found[..], formula.contains("logit(")) {
        return Some(Prior::LogitNormal {
            median: *median,
            sigma: *sigma,
        });
    }
    let (shift, rest) = match formula.split_once('+') {
        Some((shift, rest)) => (numbers(shift)[0], numbers(rest)),
        None => (0.0, found),
    };
    let (median, sigma) = match rest[..] {
        [sigma] => (1.0, sigma),
        [median, sigma] => (median, sigma),
        _ => return None,
    };
    Some(Prior::LogNormal {
        shift,
        median,
        sigma,
    })
}

/// What has a value of its own.
fn level(words: &str) -> Option<Per> {
    Some(match words.rsplit(' ').next()? {
        "firm" => Per::Firm,
        "region" => Per::Region,
        "sector" => Per::Sector,
        "group" => Per::Group,
        "event" => Per::Event,
        "all" => Per::All,
        _ => return None,
    })
}

/// What a coordinate of the table is called here: "event 0 region 1" is "event 0 · 1".
fn label(inside: &str) -> String {
    let words: Vec<&str> = inside.split(' ').collect();
    match words[..] {
        ["event", event, _, unit] => format!("event {event} · {unit}"),
        [.., last] => last.to_string(),
        [] => String::new(),
    }
}

/// Priors and levels of a case.
fn priors(dir: &Path, meta: &Value) -> Result<Priors> {
    let mut priors = Priors::none();
    let told = meta["priors"].as_object().into_iter().flatten();
    for (name, formula) in told {
        let formula = formula.as_str().unwrap_or_default();
        let found = prior(formula).ok_or_else(|| bad(dir, format!("the prior {formula}")))?;
        let words = meta["per"][name].as_str().unwrap_or("firm");
        let per = level(words).ok_or_else(|| bad(dir, format!("the level {words}")))?;
        let (to, parameter) = match name.as_str() {
            "n" => (&mut priors.target_inventory, Parameter::TargetInventory),
            "tau" => (&mut priors.adjustment_time, Parameter::AdjustmentTime),
            "delta" => (&mut priors.severity, Parameter::Severity),
            "lambda" => (&mut priors.recovery_rate, Parameter::RecoveryRate),
            other => return Err(bad(dir, format!("the parameter {other}"))),
        };
        *to = Some(found);
        *priors.per.get_mut(parameter) = per;
    }
    Ok(priors)
}

impl Gold {
    /// Reads a case.
    pub fn read(dir: &Path) -> Result<Gold> {
        let text = |name: &str| {
            let read = std::fs::read_to_string(dir.join(name));
            read.map_err(|e| bad(&dir.join(name), e.to_string()))
        };
        let meta: Value =
            serde_json::from_str(&text("meta.json")?).map_err(|e| bad(dir, e.to_string()))?;
        let (network, params, shock) = case::inputs(dir)?;
        let rule = meta["rule"].as_str().unwrap_or("capacity");
        let production = [Production::Capacity, Production::Paper].into_iter();
        let production = production.into_iter().find(|p| p.name() == rule);
        let observed = case::panel(&dir.join(format!("{rule}_target.csv")), &network)?;
        let mut problem = Problem::new(&network, &shock, &observed);
        problem.params = params;
        problem.simulation.slack = meta["slack"].as_f64().unwrap_or(0.2);
        problem.simulation.model.production =
            production.ok_or_else(|| bad(dir, format!("the rule {rule}")))?;
        problem.noise = meta["sigma"].as_f64().unwrap_or(0.02);
        problem.priors = priors(dir, &meta)?;
        let evidence = &meta["posterior"]["evidence"];
        let table = text("posterior.csv")?;
        let mut lines = table.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &str| header.iter().position(|h| *h == name);
        let column = |name: &str| column(name).ok_or_else(|| bad(dir, format!("no column {name}")));
        let (name, mean, sd) = (column("name")?, column("mean_u")?, column("sd_u")?);
        let (error, ess) = (column("mean_u_error")?, column("ess")?);
        let known = lines.map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let at = |k: usize| cells[k].parse().unwrap_or(f64::NAN);
            Known {
                name: cells[name].into(),
                mean: at(mean),
                sd: at(sd),
                error: at(error),
                ess: at(ess),
            }
        });
        Ok(Gold {
            known: known.collect(),
            problem,
            tell: f64::INFINITY,
            evidence: evidence["log_evidence_without_constant"]
                .as_f64()
                .unwrap_or(f64::NAN),
            constant: evidence["constant_of_the_gaussian"]
                .as_f64()
                .unwrap_or(f64::NAN),
        })
    }

    /// How far a posterior is from the known one, over coordinates with at least `ess` effective draws.
    pub fn distance(&self, posterior: &Posterior, ess: f64) -> Distance {
        let (mut means, mut sds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for known in self.known.iter().filter(|k| k.ess >= ess) {
            let (parameter, rest) = known.name.split_once('[').expect("a name and an entry");
            let entry = label(rest.trim_end_matches(']'));
            let learnt = posterior.parameters.iter();
            let learnt = learnt.into_iter().find(|l| l.parameter.name() == parameter);
            let learnt = learnt.expect("a parameter of the case");
            let k = learnt.labels.iter().position(|l| *l == entry);
            let k = k.unwrap_or_else(|| panic!("no {entry} in {:?}", learnt.labels));
            let off = (learnt.location[k] - known.mean).abs() - 3.0 * known.error;
            means.push(off.max(0.0) / known.sd);
            sds.push((learnt.scale[k] / known.sd - 1.0).abs());
            ratios.push(learnt.scale[k] / known.sd);
            if ratios.last().is_some_and(|r| (r - 1.0).abs() > self.tell) {
                println!(
                    "  {}: mean {:.3} against {:.3}, sd {:.3} against {:.3}",
                    known.name, learnt.location[k], known.mean, learnt.scale[k], known.sd
                );
            }
        }
        let median = |v: &mut Vec<f64>| {
            v.sort_by(f64::total_cmp);
            v[v.len() / 2]
        };
        let most = |v: &[f64]| v.iter().copied().fold(0.0, f64::max);
        Distance {
            mean: most(&means),
            sd: most(&sds),
            median: median(&mut means),
            ratio: median(&mut ratios),
        }
    }
}
