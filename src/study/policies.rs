//! Policies side by side: what each avoids, draw by draw.

use crate::error::Result;
use crate::infer::{Outcome, Policy, Posterior, Problem, WhatIf};
use crate::interrupt::Interrupt;

/// A policy, and what happens with it.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Its name.
    pub name: String,
    /// What it is.
    pub policy: Policy,
    /// What happens with it.
    pub outcome: Outcome,
    /// Loss avoided by it, as a share of the steady output of all periods, one entry a draw.
    pub avoided: Vec<f64>,
}

/// Policies side by side, against doing nothing. It shows itself as a table, and has a frame and a figure.
#[derive(Clone, Debug)]
pub struct Policies {
    /// What happens without any.
    pub nothing: Outcome,
    /// Those that were tried, in their order.
    pub tried: Vec<Tried>,
    /// True where the stop button has left some out.
    pub stopped: bool,
}

/// Tries each policy on the observed scenario of `problem`, which is the one that was calibrated, with the same draws.
/// The stop button makes it return those that are done.
///
/// # Errors
/// A policy that cannot be followed; another problem than the one that was calibrated.
///
/// ```
/// use bullwhip::prelude::*;
///
/// # let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::region(&network, "R1", 3, 0.5, 0.1)?;
/// # let run = simulate(&network, &Params::usual(&network), &shock, &Simulation::default())?;
/// # let problem = Problem::new(&network, &shock, &run.observe());
/// # let svi = Svi { steps: 5, early_stop: None, draws: 8, ..Svi::default() };
/// # let posterior = calibrate(&problem, &svi, &Run::default(), &mut ())?;
/// let stocks = Policy { more_inventory: 1.0, ..Policy::region(&network, "R1")? };
/// let found = compare_policies(&posterior, &problem, &[("stocks in R1", stocks)])?;
/// assert_eq!(found.tried[0].avoided.len(), 8);
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn compare_policies(
    posterior: &Posterior,
    problem: &Problem,
    policies: &[(&str, Policy)],
) -> Result<Policies> {
    let interrupt = Interrupt::watch();
    let mut out = Policies {
        nothing: posterior.what_if(problem, &WhatIf::default())?,
        tried: Vec::new(),
        stopped: false,
    };
    for (name, policy) in policies {
        if interrupt.asked() {
            break;
        }
        let world = WhatIf {
            policies: vec![policy.clone()],
            ..WhatIf::default()
        };
        let outcome = posterior
            .what_if(problem, &world)
            .map_err(|e| e.within(format!("policy {name:?}")))?;
        if interrupt.asked() {
            break;
        }
        out.tried.push(Tried {
            name: (*name).to_string(),
            policy: policy.clone(),
            avoided: outcome.avoided(&out.nothing),
            outcome,
        });
    }
    out.stopped = interrupt.asked();
    Ok(out)
}
