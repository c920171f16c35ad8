//! Parameters and scenarios of what a posterior has learnt on average.

use crate::error::{Error, Result};
use crate::infer::{Posterior, Problem};
use crate::model::{Domain, Parameter, Params, Shock};

/// The mean over draws of what `each` gives of them; `each` has equally many values of all.
fn mean_of(draws: usize, mut each: impl FnMut(usize) -> Result<Vec<f64>>) -> Result<Vec<f64>> {
    let mut sum = each(0)?;
    for k in 1..draws {
        sum.iter_mut().zip(each(k)?).for_each(|(s, v)| *s += v);
    }
    sum.iter_mut().for_each(|s| *s /= draws as f64);
    Ok(sum)
}

fn drawn(posterior: &Posterior) -> Result<()> {
    posterior.whole()?;
    if posterior.draws > 0 {
        return Ok(());
    }
    Err(Error::new(
        "posterior",
        "it has no draws",
        "calibrate with at least one draw",
    ))
}

impl Params {
    /// The posterior mean of every firm's behaviour, to simulate with; what did not vary is as in `problem`, which is the
    /// one that was calibrated. For what happens on average take `Posterior::what_if`: the mean over draws is not what
    /// the mean parameters give.
    ///
    /// # Errors
    /// Another problem than the one that was calibrated.
    pub fn of(posterior: &Posterior, problem: &Problem) -> Result<Params> {
        drawn(posterior)?;
        let all: Vec<Params> = (0..posterior.draws)
            .map(|k| posterior.params(problem, k))
            .collect::<Result<_>>()?;
        Params::try_of(|parameter| {
            mean_of(all.len(), |k| {
                Ok(all[k].values(parameter).cloned().unwrap_or_default())
            })
        })
    }
}

impl Shock {
    /// The observed scenario of `problem` with the posterior means of what was learnt of it: severities, recovery rates
    /// and so on. What did not vary is as in the problem, which is the one that was calibrated.
    ///
    /// # Errors
    /// Another problem than the one that was calibrated.
    pub fn of(posterior: &Posterior, problem: &Problem) -> Result<Shock> {
        drawn(posterior)?;
        let mut shock = problem.shock.clone();
        for learnt in posterior
            .parameters
            .iter()
            .filter(|l| l.parameter.of_shock())
        {
            let parameter = learnt.parameter;
            let mut values = mean_of(posterior.draws, |k| posterior.hits(problem, parameter, k))?;
            // Those of further scenarios come behind.
            values.truncate(shock.entries(parameter.domain()));
            set(&mut shock, parameter, &values);
        }
        Ok(shock)
    }
}

/// Gives a scenario these values of a parameter, events laid end to end.
fn set(shock: &mut Shock, parameter: Parameter, values: &[f64]) {
    let mut rest = values.iter().copied();
    let mut some = |n: usize| -> Vec<f64> { rest.by_ref().take(n).collect() };
    let put = |place: Option<&mut Vec<f64>>, values: Vec<f64>| {
        if let Some(place) = place {
            *place = values;
        }
    };
    match parameter.domain() {
        Domain::Firm | Domain::Input | Domain::Link => {}
        Domain::Hit => (shock.events.iter_mut()).for_each(|e| {
            let given = some(e.firms.len());
            put(e.values_mut(parameter), given)
        }),
        Domain::DemandHit => (shock.demand.iter_mut()).for_each(|e| {
            let given = some(e.firms.len());
            put(e.values_mut(parameter), given)
        }),
        Domain::LinkHit => (shock.links.iter_mut()).for_each(|e| {
            let given = some(e.links.len());
            put(e.values_mut(parameter), given)
        }),
        Domain::CapacityCell => shock.capacity_path.value = values.to_vec(),
        Domain::DemandCell => shock.demand_path.value = values.to_vec(),
        Domain::ExtraCell => shock.extra_demand.value = values.to_vec(),
        Domain::Damage => shock.rebuilding.iter_mut().for_each(|r| {
            r.damage = some(r.firms.len());
            r.households = some(1).first().copied().unwrap_or(r.households);
        }),
        Domain::Builder => {
            (shock.rebuilding.iter_mut()).for_each(|r| r.builder_share = some(r.builders.len()))
        }
        Domain::Rebuilding => shock.rebuilding.iter_mut().for_each(|r| {
            let value = some(1).first().copied();
            match parameter {
                Parameter::RebuildingTime => r.rebuilding_time = value.unwrap_or(r.rebuilding_time),
                _ => r.rebuilding_factor = value.unwrap_or(r.rebuilding_factor),
            }
        }),
    }
}
