//! The loss of a batch of particles and its gradient, in the standard-normal coordinates of the priors.

use super::{Parameter, Prior, Problem};
use crate::error::{Error, Result};
use crate::model::Economy;
use crate::observe::Observation;
use crate::simulate::{Columns, Horizon, Inputs, host};
use burn::tensor::{Device, Tensor};

/// An observed panel laid out on a device, to be compared with simulations.
pub(super) struct Target {
    /// What a simulated level is multiplied with: 1 / steady level, 0 where missing, [1, cell].
    scale: Tensor<2>,
    /// Observed level relative to the steady level, 0 where missing, [1, cell].
    level: Tensor<2>,
    /// Number of observed cells.
    cells: usize,
}

impl Target {
    pub(super) fn new(observed: &Observation, economy: &Economy) -> Self {
        let g = observed.groups();
        let row = |f: &dyn Fn(f64, f64) -> f64| -> Tensor<2> {
            let cells = observed.values.iter().enumerate();
            let one = |(k, v): (usize, &f64)| {
                if v.is_nan() {
                    0.0
                } else {
                    f(*v, observed.base[k % g])
                }
            };
            economy.row(&cells.map(one).collect::<Vec<_>>())
        };
        Self {
            scale: row(&|_, b| 1.0 / b),
            level: row(&|v, b| v / b),
            cells: observed.values.len() - observed.missing(),
        }
    }

    /// Mean over observed cells of ((y - target) / y0)², [particle, 1], of a panel [particle,
    /// period, group].
    pub(super) fn loss(&self, panel: Tensor<3>) -> Tensor<2> {
        let [particles, periods, groups] = panel.dims();
        let panel = panel.reshape([particles, periods * groups]);
        let error = panel * self.scale.clone() - self.level.clone();
        // Not div_scalar: its backward pass rounds the divisor to 32 bits.
        (error.clone() * error)
            .sum_dim(1)
            .mul_scalar(1.0 / self.cells as f64)
    }
}

/// A problem made ready to be evaluated many times, in the standard-normal coordinates of its
/// priors: what calibration does, for those who bring their own method.
///
/// One particle is a row of `dimension()` coordinates: those of the target inventories (one per
/// firm), adjustment times, severities and recovery rates (one per hit), each only if it varies.
pub struct Objective {
    problem: Problem,
    horizon: Horizon,
    /// Remaining capacity, where neither severities nor recovery rates vary.
    capacity: Option<Tensor<3>>,
    varying: Vec<(Parameter, Prior)>,
    /// Number of coordinates of each varying parameter.
    sizes: Vec<usize>,
    target: Target,
}

/// Losses with their gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean relative square loss, `[particle]`; not finite where a particle diverged.
    pub loss: Vec<f64>,
    /// Its gradient, [particle, coordinate] row by row.
    pub gradient: Vec<f64>,
}

impl Objective {
    /// Checks the problem and lays it out.
    pub fn new(problem: &Problem) -> Result<Self> {
        problem.check()?;
        let device = Device::flex().autodiff();
        let economy = Economy::new(&problem.network, &device, problem.simulation.precision);
        let target = Target::new(&problem.observed, &economy);
        let Problem {
            network,
            shock,
            simulation,
            ..
        } = problem;
        let horizon = Horizon::new(network, economy, shock, simulation, Columns::Groups, None);
        let varying = problem.priors.varying();
        let fixed = |p| varying.iter().all(|(v, _)| *v != p);
        let row = |p| horizon.economy().row(&problem.fixed(p));
        let capacity = (fixed(Parameter::Severity) && fixed(Parameter::RecoveryRate))
            .then(|| horizon.capacity(&row(Parameter::Severity), &row(Parameter::RecoveryRate)));
        Ok(Self {
            sizes: varying.iter().map(|(p, _)| problem.entries(*p)).collect(),
            target,
            problem: problem.clone(),
            horizon,
            capacity,
            varying,
        })
    }

    /// Number of observed cells.
    pub(crate) fn cells(&self) -> usize {
        self.target.cells
    }

    /// Number of particles, at least one, that place no more than so many orders, one per link and
    /// period: with a hundred million a simulation takes about half a second. The kernels take eight
    /// particles side by side.
    pub(super) fn particles_within(&self, orders: usize) -> usize {
        let each = self.problem.network.links() * self.problem.simulation.periods;
        match orders / each.max(1) {
            n if n < 8 => n.max(1),
            n => n / 8 * 8,
        }
    }

    /// Number of coordinates of one particle.
    pub fn dimension(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// The varying parameters with their priors and numbers of coordinates.
    pub(crate) fn layout(&self) -> impl Iterator<Item = (Parameter, Prior, usize)> {
        self.varying
            .iter()
            .zip(&self.sizes)
            .map(|((p, prior), n)| (*p, *prior, *n))
    }

    fn particles(&self, u: &[f64]) -> Result<usize> {
        let n = self.dimension();
        if u.is_empty() || !u.len().is_multiple_of(n) {
            return Err(Error::new(
                "objective",
                format!("{} coordinates do not fill rows of {n}", u.len()),
                "give one row of Objective::dimension() coordinates per particle",
            ));
        }
        Ok(u.len() / n)
    }

    /// Mean relative square loss of each particle; `u` is [particle, coordinate] row by row.
    pub fn loss(&self, u: &[f64]) -> Result<Vec<f64>> {
        Ok(self.loss_and_panel(u)?.0)
    }

    /// The same with its gradient.
    pub fn gradient(&self, u: &[f64]) -> Result<Evaluation> {
        Ok(self.gradient_and_panel(u)?.0)
    }

    /// The losses, and the panel [particle, period, group] that they are of.
    pub(super) fn loss_and_panel(&self, u: &[f64]) -> Result<(Vec<f64>, Tensor<3>)> {
        let leaves = self.leaves(u, self.particles(u)?, false);
        let panel = self.panel_of(&leaves);
        Ok((host(self.target.loss(panel.clone())), panel.inner()))
    }

    /// The same with the gradient. The panel is handed over without a copy, outside the graph.
    pub(super) fn gradient_and_panel(&self, u: &[f64]) -> Result<(Evaluation, Tensor<3>)> {
        let leaves = self.leaves(u, self.particles(u)?, true);
        let panel = self.panel_of(&leaves);
        let loss = self.target.loss(panel.clone());
        let gradients = loss.clone().sum().backward();
        let mut gradient = vec![0.0; u.len()];
        let mut first = 0;
        for (leaf, n) in leaves.iter().zip(&self.sizes) {
            // A parameter that no output depends on has no gradient node: its gradient is zero.
            if let Some(part) = leaf.grad(&gradients) {
                for (p, row) in host(part).chunks_exact(*n).enumerate() {
                    gradient[p * self.dimension() + first..][..*n].copy_from_slice(row);
                }
            }
            first += n;
        }
        let evaluation = Evaluation {
            loss: host(loss),
            gradient,
        };
        Ok((evaluation, panel.inner()))
    }

    fn panel_of(&self, leaves: &[Tensor<2>]) -> Tensor<3> {
        self.horizon
            .run(self.inputs(leaves), self.capacity.as_ref())
    }

    /// Panels [particle, period, group] of the particles under `self`'s scenario.
    pub(crate) fn panels(&self, u: &[f64]) -> Result<Vec<f64>> {
        let leaves = self.leaves(u, self.particles(u)?, false);
        Ok(host(self.panel_of(&leaves)))
    }

    /// One tensor [particle, entry] per varying parameter.
    fn leaves(&self, u: &[f64], particles: usize, with_gradient: bool) -> Vec<Tensor<2>> {
        let dimension = self.dimension();
        let mut first = 0;
        self.sizes
            .iter()
            .map(|&n| {
                let part: Vec<f64> = u
                    .chunks_exact(dimension)
                    .flat_map(|row| &row[first..first + n])
                    .copied()
                    .collect();
                first += n;
                let leaf = self.horizon.economy().row(&part).reshape([particles, n]);
                // Made a leaf only now: its gradient must have this shape.
                if with_gradient {
                    leaf.detach().require_grad()
                } else {
                    leaf
                }
            })
            .collect()
    }

    fn inputs(&self, leaves: &[Tensor<2>]) -> Inputs {
        let particles = leaves.iter().map(|v| v.dims()[0]).max().unwrap_or(1);
        let take = |parameter: Parameter| -> Tensor<2> {
            match self.varying.iter().position(|(p, _)| *p == parameter) {
                Some(k) => self.varying[k].1.transform(leaves[k].clone()),
                None => self.horizon.economy().row(&self.problem.fixed(parameter)),
            }
        };
        let rows = |v: Tensor<2>| {
            if v.dims()[0] < particles {
                v.repeat_dim(0, particles)
            } else {
                v
            }
        };
        Inputs {
            target_inventory: rows(take(Parameter::TargetInventory)),
            adjustment_time: rows(take(Parameter::AdjustmentTime)),
            severity: take(Parameter::Severity),
            recovery_rate: take(Parameter::RecoveryRate),
        }
    }
}

impl Problem {
    /// Number of entries of a parameter: firms, or (event, firm) pairs.
    pub(crate) fn entries(&self, parameter: Parameter) -> usize {
        match parameter {
            Parameter::TargetInventory | Parameter::AdjustmentTime => self.network.firms(),
            Parameter::Severity | Parameter::RecoveryRate => self.shock.hits(),
        }
    }

    pub(super) fn fixed(&self, parameter: Parameter) -> Vec<f64> {
        let events = self.shock.events.iter();
        match parameter {
            Parameter::TargetInventory => self.params.target_inventory.clone(),
            Parameter::AdjustmentTime => self.params.adjustment_time.clone(),
            Parameter::Severity => events.flat_map(|e| &e.severity).copied().collect(),
            Parameter::RecoveryRate => events.flat_map(|e| &e.recovery_rate).copied().collect(),
        }
    }
}
