//! Batches of particles over all periods: by the kernels of `ops`, or step by step as the oracle.

use super::{Method, Precision, Simulation};
use crate::model::{Economy, Hits, Shock};
use crate::network::Network;
use crate::ops::{self, Design, Plan};
use burn::tensor::Tensor;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The varying inputs of a batch of runs; row p is particle p. Shocks may have one row for all.
pub(crate) struct Inputs {
    /// n, [particle, firm].
    pub(crate) target_inventory: Tensor<2>,
    /// tau, [particle, firm].
    pub(crate) adjustment_time: Tensor<2>,
    /// delta, [particle, hit] or [1, hit].
    pub(crate) severity: Tensor<2>,
    /// lambda, [particle, hit] or [1, hit].
    pub(crate) recovery_rate: Tensor<2>,
}

/// What a panel has a column for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    Firms,
    Groups,
}

/// A scenario on an economy, ready to be run many times.
pub(crate) struct Horizon {
    economy: Economy,
    hits: Vec<Hits>,
    columns: Columns,
    simulation: Simulation,
    plan: Plan,
}

impl Horizon {
    /// Once `stop` is true a run without a gradient ends: periods that are left are NaN.
    pub(crate) fn new(
        network: &Network,
        economy: Economy,
        shock: &Shock,
        simulation: &Simulation,
        columns: Columns,
        stop: Option<Arc<AtomicBool>>,
    ) -> Self {
        let hit: BTreeSet<u32> = shock
            .events
            .iter()
            .flat_map(|e| e.firms.iter().map(|i| *i as u32))
            .collect();
        let (group, groups) = match columns {
            Columns::Firms => ((0..network.firms() as u32).collect(), network.firms()),
            Columns::Groups => (network.group().to_vec(), network.groups().len()),
        };
        let full = |x0: &f64| x0 * (1.0 + simulation.slack);
        let plan = Plan::new(Design {
            row: network.by_buyer().start.clone(),
            supplier: network.supplier().to_vec(),
            coefficient: network.coefficient().to_vec(),
            outside: network.final_demand().to_vec(),
            steady: network.output().to_vec(),
            full: network.output().iter().map(full).collect(),
            group,
            groups,
            // A tensor needs at least one column: where nobody is hit, firm 0 keeps its capacity.
            column: if hit.is_empty() {
                vec![0]
            } else {
                hit.into_iter().collect()
            },
            periods: simulation.periods,
            model: simulation.model,
            checkpoint: simulation.checkpoint,
            stop,
        });
        Self {
            hits: Hits::of(shock, &economy.device),
            economy,
            columns,
            simulation: simulation.clone(),
            plan,
        }
    }

    /// The economy's tensors.
    pub(crate) fn economy(&self) -> &Economy {
        &self.economy
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn precision(&self) -> Precision {
        self.simulation.precision
    }

    /// Remaining capacity of the firms that are hit, [particle or 1, period, column].
    pub(crate) fn capacity(&self, severity: &Tensor<2>, recovery_rate: &Tensor<2>) -> Tensor<3> {
        let design = self.plan.design();
        self.economy.capacity_path(
            &self.hits,
            &design.column,
            design.periods,
            severity,
            recovery_rate,
        )
    }

    /// The panel [particle, period, column] of a batch. `capacity` may be given where it is the same
    /// for every call.
    pub(crate) fn run(&self, inputs: Inputs, capacity: Option<&Tensor<3>>) -> Tensor<3> {
        if self.simulation.method == Method::Reference {
            return self.run_reference(inputs);
        }
        let capacity = capacity.cloned();
        let capacity =
            capacity.unwrap_or_else(|| self.capacity(&inputs.severity, &inputs.recovery_rate));
        let target = inputs.target_inventory * self.economy.steady.clone();
        ops::panel(&self.plan, target, inputs.adjustment_time.recip(), capacity)
    }

    /// The same by `step_reference`, period after period.
    fn run_reference(&self, inputs: Inputs) -> Tensor<3> {
        let economy = &self.economy;
        let particles = inputs.target_inventory.dims()[0];
        let rows = |v: Tensor<2>| {
            if v.dims()[0] < particles {
                v.repeat_dim(0, particles)
            } else {
                v
            }
        };
        let (severity, rate) = (rows(inputs.severity), rows(inputs.recovery_rate));
        let (mut state, behaviour) = economy.start(inputs.target_inventory, inputs.adjustment_time);
        let mut panel = Vec::with_capacity(self.simulation.periods);
        for t in 1..=self.simulation.periods {
            let z = economy.capacity(&self.hits, &severity, &rate, t);
            let Simulation { model, slack, .. } = self.simulation;
            let (next, output) =
                economy.step_reference(model.production, slack, &state, &behaviour, z);
            state = next;
            panel.push(match self.columns {
                Columns::Firms => output,
                Columns::Groups => economy.observe(output),
            });
        }
        Tensor::stack(panel, 1)
    }
}
