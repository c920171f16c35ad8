//! The loss of a batch of particles and its gradient, in the standard-normal coordinates of the priors.

use super::layout::{Values, Varying, layout};
use super::target::Target;
use super::totals::Totals;
use super::{Parameter, Problem};
use crate::error::{Error, Result};
use crate::model::Economy;
use crate::simulate::{
    Autotuner, Behaviours, Blocks, Columns, Direct, Horizon, Inputs, Method, STREAM, Simulation,
    host, host_all, processors,
};
use burn::tensor::Tensor;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::time::Instant;

/// One scenario with its panel, ready to be run.
struct Run {
    horizon: Horizon,
    target: Target,
    /// Sums of groups that are observed beside the panel.
    totals: Option<Totals>,
    /// Remaining capacity, where neither severities nor recovery rates vary.
    capacity: Option<Tensor<3>>,
    /// What does not vary, in the order of `Parameter`, [1, entry]; none where it varies.
    fixed: [Option<Tensor<2>>; 4],
    /// The way around tensors, on the CPU where shocks are fixed.
    direct: Option<Direct>,
    /// Its hits among those of all scenarios: first and number.
    hits: (usize, usize),
}

impl Run {
    /// Sum of the losses of all cells; the sum's derivative in the panel is written to `slope`.
    fn sum(&self, panel: &[f64], mut slope: Option<&mut [f64]>) -> f64 {
        let sum = self.target.sum(panel, slope.as_deref_mut());
        sum + self.totals.as_ref().map_or(0.0, |t| t.sum(panel, slope))
    }

    /// Whether the sum is that of squares of the panel's cells and no more.
    fn is_square(&self) -> bool {
        self.totals.is_none() && self.target.is_square()
    }
}

/// A problem made ready to be evaluated many times, in the standard-normal coordinates of its
/// priors: what calibration does, for those who bring their own method.
///
/// One particle is a row of `dimension()` coordinates: those of the target inventories, adjustment
/// times, severities and recovery rates, each only if it varies; one per firm or hit, or per region and
/// so on as `Priors::per` says. Where firms are alike within a group, the groups' common coordinates come
/// first.
pub struct Objective {
    problem: Problem,
    runs: Vec<Run>,
    varying: Vec<Varying>,
    /// What the device is called.
    device: String,
    /// Whether this machine's processor computes, by kernels of its own.
    on_cpu: bool,
}

/// Losses with their gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss, `[particle]`; not finite where a particle diverged.
    pub loss: Vec<f64>,
    /// Its gradient, [particle, coordinate] row by row.
    pub gradient: Vec<f64>,
}

/// Gradients in the entries of what varies, each with its place in the layout.
type Entries = Vec<(usize, Vec<f64>)>;

/// Coordinates of some of a batch's particles, row by row.
type Rows<'a> = dyn Fn(Range<usize>) -> Cow<'a, [f64]> + Sync + 'a;

/// The four inputs of the model as tensors [particle, entry], or [1, entry] where they are fixed.
struct Leaves {
    /// In the order of `Parameter`; true where it varies.
    all: [(Tensor<2>, bool); 4],
}

const PARAMETERS: [Parameter; 4] = [
    Parameter::TargetInventory,
    Parameter::AdjustmentTime,
    Parameter::Severity,
    Parameter::RecoveryRate,
];

impl Objective {
    /// Checks the problem and lays it out.
    pub fn new(problem: &Problem) -> Result<Self> {
        problem.check()?;
        let varying = layout(problem);
        let opened = problem.simulation.open()?;
        let on_cpu = opened.is_cpu() && problem.simulation.method == Method::Kernels;
        let fixed = |p| varying.iter().all(|v| v.parameter != p);
        // Where the kernels of this machine's processor have the gradient, tensors need none, and keep nothing for it.
        let direct = on_cpu && fixed(Parameter::Severity) && fixed(Parameter::RecoveryRate);
        let device = match direct {
            true => opened.tensors,
            false => opened.tensors.autodiff(),
        };
        let mut first = 0;
        let mut runs: Vec<Run> = Vec::new();
        for (shock, observed) in problem.scenarios() {
            let simulation = Simulation {
                periods: observed.periods,
                ..problem.simulation.clone()
            };
            let network = &problem.network;
            let economy = Economy::new(network, &device, simulation.precision);
            let horizon = Horizon::new(network, economy, shock, &simulation, Columns::Groups, None);
            let hits = (first, shock.hits());
            first += hits.1;
            let row = |p: Parameter| {
                let (first, count) = problem.part(p, hits);
                let all = problem.fixed(p);
                horizon.economy().row(&all[first..first + count])
            };
            let given = PARAMETERS.map(|p| fixed(p).then(|| row(p)));
            let capacity = match &given {
                [_, _, Some(severity), Some(rate)] => Some(horizon.capacity(severity, rate)),
                _ => None,
            };
            let direct = match &capacity {
                Some(capacity) if on_cpu => Some(Direct::new(&horizon, capacity)?),
                _ => None,
            };
            let Problem {
                loss,
                scale,
                weights,
                noise,
                ..
            } = problem;
            let target = Target::new(observed, *loss, *scale, weights, *noise);
            runs.push(Run {
                horizon,
                target,
                // They are the first scenario's.
                totals: runs.is_empty().then(|| Totals::new(problem)).flatten(),
                capacity,
                fixed: given,
                direct,
                hits,
            });
        }
        Ok(Self {
            problem: problem.clone(),
            runs,
            varying,
            on_cpu,
            device: opened.name,
        })
    }

    /// What computes, as "CPU" or "NVIDIA H100 PCIe (CUDA 0)".
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Nats that the mean loss weighs against the prior.
    pub fn weight(&self) -> f64 {
        self.total() * self.runs[0].target.nats()
    }

    /// Sum of the weights of all observed cells.
    fn total(&self) -> f64 {
        let cells = |r: &Run| r.target.total() + r.totals.as_ref().map_or(0.0, Totals::total);
        self.runs.iter().map(cells).sum()
    }

    /// Number of particles, at least one, that place no more than so many orders, one per link and period: one thread
    /// places a few hundred million a second.
    pub(super) fn particles_within(&self, orders: usize) -> usize {
        let periods: usize = self.problem.scenarios().map(|(_, o)| o.periods).sum();
        particles_within(orders, self.problem.network.links() * periods)
    }

    /// Particles of a batch without gradients, for which a stop waits: about a second's.
    pub(super) fn particles_at_once(&self) -> usize {
        self.particles_within(500_000_000 * processors())
    }

    /// Number of coordinates of one particle.
    pub fn dimension(&self) -> usize {
        self.varying.last().map_or(0, Varying::end)
    }

    /// Numbers that a draw of the posterior takes: its coordinates and values, and its panels.
    pub(super) fn numbers_of_draw(&self) -> f64 {
        let cells: usize = self.runs.iter().map(|r| r.target.cells()).sum();
        (3 * self.dimension() + 2 * cells) as f64
    }

    /// What varies, in the order of its coordinates.
    pub(super) fn layout(&self) -> &[Varying] {
        &self.varying
    }

    pub(super) fn problem(&self) -> &Problem {
        &self.problem
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

    /// Mean loss of each particle; `u` is [particle, coordinate] row by row.
    pub fn loss(&self, u: &[f64]) -> Result<Vec<f64>> {
        let particles = self.particles(u)?;
        self.evaluate(particles, &self.given(u), f64::INFINITY, &mut [])
    }

    /// The same, but for the rounding of sums in 64 bits, with its gradient.
    pub fn gradient(&self, u: &[f64]) -> Result<Evaluation> {
        Ok(self.gradient_and_panel(u)?.0)
    }

    /// Values of what varies, in the order of the layout.
    fn values(&self, u: &[f64], sloped: bool) -> Vec<Values> {
        let n = self.dimension();
        let each = self.varying.iter();
        each.map(|v| v.values(u, n, sloped)).collect()
    }

    /// Rows of particles that are there.
    fn given<'a>(&self, u: &'a [f64]) -> impl Fn(Range<usize>) -> Cow<'a, [f64]> + Sync + use<'a> {
        let n = self.dimension();
        move |some| Cow::Borrowed(&u[some.start * n..some.end * n])
    }

    /// The losses, and the panels [particle, period, group] of every scenario that they are of.
    pub(super) fn loss_and_panels(&self, u: &[f64]) -> Result<(Vec<f64>, Vec<Vec<f64>>)> {
        let particles = self.particles(u)?;
        let sizes = self.runs.iter().map(|run| particles * run.target.cells());
        let mut panels: Vec<Vec<f64>> = sizes.map(|n| vec![0.0; n]).collect();
        let loss = self.evaluate(particles, &self.given(u), f64::INFINITY, &mut panels)?;
        Ok((loss, panels))
    }

    /// The losses, and the first scenario's panels where somebody watches, else none.
    pub(super) fn loss_watched(
        &self,
        u: &[f64],
        limit: f64,
        watched: bool,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        self.loss_drawn(self.particles(u)?, &self.given(u), limit, watched)
    }

    /// The same of particles that are made where they are wanted.
    ///
    /// Losses above `limit` need not be whole, nor their panels: a simulation may end once it is known to be worse.
    pub(super) fn loss_drawn(
        &self,
        particles: usize,
        rows: &Rows<'_>,
        limit: f64,
        watched: bool,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let cells = self.runs[0].target.cells();
        let mut panels = Vec::new();
        if watched {
            panels.push(vec![0.0; particles * cells]);
        }
        let loss = self.evaluate(particles, rows, limit, &mut panels)?;
        Ok((loss, panels.pop().unwrap_or_default()))
    }

    /// The losses, as of `loss_drawn`; what they are of is written to `panels`, one for each of the first scenarios.
    ///
    /// On the CPU a thread takes some particles from their coordinates to their losses, so that what they leave on
    /// the way stays in its cache. Where all threads fit into one simulation, they may take it together, and it has
    /// more of its state in their caches: what was faster by now.
    fn evaluate(
        &self,
        particles: usize,
        rows: &Rows<'_>,
        limit: f64,
        panels: &mut [Vec<f64>],
    ) -> Result<Vec<f64>> {
        let direct = self.runs.iter().filter_map(|run| run.direct.as_ref());
        let direct: Vec<_> = direct.collect();
        let block = if !self.on_cpu {
            particles
        } else if direct.len() < self.runs.len() {
            // Tensors of fewer are laid out four by four.
            2 * STREAM
        } else {
            let blocks = direct.iter().map(|d| d.together(particles));
            blocks.max().unwrap_or(1)
        };
        let pieces = particles.div_ceil(block);
        // Of about the same size, and all laid out in the same way.
        let piece = particles.div_ceil(pieces);
        let together = block.min(piece);
        let parts = direct.iter().map(|d| d.parts(together)).max().unwrap_or(1);
        let either = pieces > 1 && parts >= rayon::current_num_threads();
        let pace = direct.first().filter(|_| either).map(|d| d.pace(together));
        let apart = pieces == 1 || pace.is_some_and(Autotuner::apart);
        let begin = Instant::now();
        let mut loss = vec![0.0; particles];
        let mut cut: Vec<_> = panels
            .iter_mut()
            .zip(&self.runs)
            .map(|(panel, run)| panel.chunks_mut(piece * run.target.cells()))
            .collect();
        let firsts = (0..particles).step_by(piece);
        let work: Vec<_> = firsts
            .zip(loss.chunks_mut(piece))
            .map(|(k, loss)| (k, loss, cut.iter_mut().filter_map(Iterator::next).collect()))
            .collect();
        let one = |(first, loss, panels): (usize, &mut [f64], Vec<&mut [f64]>)| {
            let u = rows(first..first + loss.len());
            self.piece(&u, loss, panels, limit, Blocks { together, apart })
        };
        if apart {
            work.into_iter().try_for_each(one)?;
        } else {
            // One at a time: a thread that is done early takes from the others what they have not begun.
            work.into_par_iter().with_max_len(1).try_for_each(one)?;
        }
        if let Some(pace) = pace {
            pace.record(apart, begin.elapsed() / particles as u32);
        }
        Ok(loss)
    }

    /// The losses, and panels where they are wanted, of some particles.
    fn piece(
        &self,
        u: &[f64],
        loss: &mut [f64],
        panels: Vec<&mut [f64]>,
        limit: f64,
        blocks: Blocks,
    ) -> Result<()> {
        let particles = loss.len();
        let values = self.values(u, false);
        let total = self.total();
        let mut panels = panels.into_iter();
        for run in &self.runs {
            let cells = run.target.cells();
            let mut panel = panels.next();
            let mut own = Vec::new();
            let mut sums = vec![0.0; particles];
            match &run.direct {
                Some(direct) => {
                    let square = run.is_square();
                    if panel.is_none() && !square {
                        own.resize(particles * cells, 0.0);
                        panel = Some(&mut own);
                    }
                    let behaviours = self.behaviours(&values, particles);
                    direct.stream(behaviours, blocks, &mut |first, period, row| {
                        let together = row.len() / run.target.groups();
                        let mut beyond = false;
                        if square {
                            // Sums of squares only grow.
                            let sums = &mut sums[first..];
                            run.target.add_squares(period, row, sums);
                            let known = loss[first..].iter().zip(sums.iter()).take(together);
                            let over = |(loss, sum): (&f64, &f64)| {
                                let known = loss + sum / total;
                                known > limit || known.is_nan()
                            };
                            beyond = limit.is_finite() && known.into_iter().all(over);
                        }
                        if let Some(panel) = &mut panel {
                            let groups = run.target.groups();
                            let each = panel[first * cells..].chunks_mut(cells).take(together);
                            for (p, panel) in each.enumerate() {
                                let to = &mut panel[period * groups..][..groups];
                                let from = row.iter().skip(p).step_by(together);
                                to.iter_mut().zip(from).for_each(|(to, y)| *to = *y);
                            }
                        }
                        !beyond
                    });
                    if let (false, Some(panel)) = (square, panel) {
                        let each = sums.iter_mut().zip(panel.chunks(cells));
                        each.for_each(|(sum, panel)| *sum = run.sum(panel, None));
                    }
                }
                None => {
                    let found = host(self.panel(run, &self.leaves(run, &values, particles)))?;
                    let each = sums.iter_mut().zip(found.chunks(cells));
                    each.for_each(|(sum, panel)| *sum = run.sum(panel, None));
                    if let Some(panel) = panel {
                        panel.copy_from_slice(&found);
                    }
                }
            }
            for (loss, sum) in loss.iter_mut().zip(sums) {
                *loss += sum / total;
            }
        }
        Ok(())
    }

    /// The target inventories and adjustment times of particles with these values.
    fn behaviours<'a>(&'a self, values: &'a [Values], particles: usize) -> Behaviours<'a> {
        let rows = |parameter: Parameter, fixed: &'a [f64]| {
            let k = self.varying.iter().position(|v| v.parameter == parameter);
            k.map_or(fixed, |k| &values[k].entries)
        };
        let params = &self.problem.params;
        Behaviours {
            particles,
            target_inventory: rows(Parameter::TargetInventory, &params.target_inventory),
            adjustment_time: rows(Parameter::AdjustmentTime, &params.adjustment_time),
        }
    }

    /// The losses with their gradient, and the panels [particle, period, group] of the first scenario.
    pub(super) fn gradient_and_panel(&self, u: &[f64]) -> Result<(Evaluation, Vec<f64>)> {
        let particles = self.particles(u)?;
        let values = self.values(u, true);
        let mut loss = vec![0.0; particles];
        let mut gradient = vec![0.0; u.len()];
        let mut first = None;
        let total = self.total();
        for run in &self.runs {
            // The slope of the losses in the panels.
            let slope = |panel: &[f64]| -> Vec<f64> {
                let mut slope = vec![0.0; panel.len()];
                let cells = run.target.cells();
                let each = panel.chunks_exact(cells).zip(slope.chunks_exact_mut(cells));
                for (loss, (panel, slope)) in loss.iter_mut().zip(each) {
                    *loss += run.sum(panel, Some(&mut *slope)) / total;
                    for s in slope {
                        *s /= total;
                    }
                }
                slope
            };
            let mut pull = |varying: usize, part: &[f64]| {
                let (varying, values) = (&self.varying[varying], &values[varying]);
                let (begin, _) = self.problem.part(varying.parameter, run.hits);
                varying.pull(values, part, begin, self.dimension(), &mut gradient);
            };
            let panel = match &run.direct {
                Some(direct) => {
                    let (panel, pulled) =
                        direct.gradient(self.behaviours(&values, particles), slope);
                    for (k, varying) in self.varying.iter().enumerate() {
                        match varying.parameter {
                            Parameter::TargetInventory => pull(k, &pulled.target_inventory),
                            Parameter::AdjustmentTime => pull(k, &pulled.adjustment_time),
                            Parameter::Severity | Parameter::RecoveryRate => {
                                unreachable!("shocks that vary take tensors")
                            }
                        }
                    }
                    panel
                }
                None => {
                    let (panel, parts) =
                        self.gradient_by_tensors(run, &values, particles, slope)?;
                    parts.iter().for_each(|(k, part)| pull(*k, part));
                    panel
                }
            };
            first.get_or_insert(panel);
        }
        let panel = first.expect("a problem has a scenario");
        Ok((Evaluation { loss, gradient }, panel))
    }

    /// The panels [particle, period, group], and the gradient in the entries of what varies, of what has the slope
    /// `slope(panels)`. What no output depends on is left out.
    fn gradient_by_tensors(
        &self,
        run: &Run,
        values: &[Values],
        particles: usize,
        slope: impl FnOnce(&[f64]) -> Vec<f64>,
    ) -> Result<(Vec<f64>, Entries)> {
        let mut leaves = self.leaves(run, values, particles);
        for (leaf, varies) in &mut leaves.all {
            if *varies {
                // Made a leaf only now: its gradient must have this shape.
                *leaf = leaf.clone().detach().require_grad();
            }
        }
        let tensor = self.panel(run, &leaves);
        let panel = host(tensor.clone())?;
        let shape = tensor.dims();
        let slope = run.horizon.economy().row(&slope(&panel)).reshape(shape);
        let gradients = (tensor * slope).sum().backward();
        let of = |v: &Varying| leaves.all[position(v.parameter)].0.grad(&gradients);
        let (there, parts): (Vec<_>, Vec<_>) = (0..)
            .zip(&self.varying)
            .filter_map(|(k, v)| Some((k, of(v)?)))
            .unzip();
        Ok((panel, there.into_iter().zip(host_all(parts)?).collect()))
    }

    /// Panels [particle, period, group] of the particles under every scenario.
    pub(crate) fn panels(&self, u: &[f64]) -> Result<Vec<Vec<f64>>> {
        Ok(self.loss_and_panels(u)?.1)
    }

    fn leaves(&self, run: &Run, values: &[Values], particles: usize) -> Leaves {
        let economy = run.horizon.economy();
        let one = |parameter: Parameter| {
            let Some(k) = self.varying.iter().position(|v| v.parameter == parameter) else {
                let fixed = run.fixed[position(parameter)].clone();
                return (fixed.expect("it does not vary"), false);
            };
            let (first, count) = self.problem.part(parameter, run.hits);
            let (entries, all) = (&values[k].entries, self.varying[k].entries());
            let row = if count == all {
                economy.row(entries)
            } else {
                let rows = entries.chunks_exact(all);
                let part: Vec<f64> = rows
                    .flat_map(|r| &r[first..first + count])
                    .copied()
                    .collect();
                economy.row(&part)
            };
            // A scenario without hits has nothing of what varies with them.
            (row.reshape([particles, count]), count > 0)
        };
        Leaves {
            all: PARAMETERS.map(one),
        }
    }

    fn panel(&self, run: &Run, leaves: &Leaves) -> Tensor<3> {
        let particles = leaves
            .all
            .iter()
            .map(|(v, _)| v.dims()[0])
            .max()
            .unwrap_or(1);
        let rows = |v: &Tensor<2>| {
            if v.dims()[0] < particles {
                v.clone().repeat_dim(0, particles)
            } else {
                v.clone()
            }
        };
        let [n, tau, severity, rate] = &leaves.all;
        let inputs = Inputs {
            target_inventory: rows(&n.0),
            adjustment_time: rows(&tau.0),
            severity: severity.0.clone(),
            recovery_rate: rate.0.clone(),
        };
        run.horizon.run(inputs, run.capacity.as_ref())
    }
}

/// Number of particles, at least one, that place no more than so many orders, `each` of them by each. The
/// kernels take eight particles side by side, and there should be work for several threads.
pub(super) fn particles_within(orders: usize, each: usize) -> usize {
    match orders / each.max(1) {
        n if n < STREAM => n.max(1),
        n if n < 2 * STREAM => STREAM,
        n => n / (2 * STREAM) * (2 * STREAM),
    }
}

/// Where a parameter stands among the model's inputs.
fn position(parameter: Parameter) -> usize {
    parameter as usize
}

impl Problem {
    /// What is to be learnt: each parameter that varies, and how many values of its own it has (firms, regions, hits
    /// and so on, by `Priors::per`).
    pub fn unknowns(&self) -> Vec<(Parameter, usize)> {
        let layout = layout(self).into_iter();
        layout.map(|v| (v.parameter, v.units())).collect()
    }

    /// First and number of a parameter's entries that a scenario with these hits takes.
    fn part(&self, parameter: Parameter, hits: (usize, usize)) -> (usize, usize) {
        if parameter.of_shock() {
            hits
        } else {
            (0, self.network.firms())
        }
    }

    /// The values of a parameter where it does not vary, one per entry.
    pub(super) fn fixed(&self, parameter: Parameter) -> Vec<f64> {
        let events = self.scenarios().flat_map(|(shock, _)| &shock.events);
        match parameter {
            Parameter::TargetInventory => self.params.target_inventory.clone(),
            Parameter::AdjustmentTime => self.params.adjustment_time.clone(),
            Parameter::Severity => events.flat_map(|e| &e.severity).copied().collect(),
            Parameter::RecoveryRate => events.flat_map(|e| &e.recovery_rate).copied().collect(),
        }
    }
}
