//! The loss of a batch of particles and its gradient, in the standard-normal coordinates of the priors.

use super::layout::{Varying, VaryingValues, layout};
use super::learnt_noise::NoiseUnits;
use super::loss::Target;
use super::scene::Scene;
pub(super) use super::scene::particles_within;
use super::totals::Totals;
use super::{Parameter, Problem};
use crate::error::{Error, Result};
use crate::model::{ByParameter, Domain};
use crate::simulate::{
    Autotuner, Blocks, Columns, Horizon, Simulation, Values, processors, values_of,
};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use std::time::Instant;

/// A problem made ready to be evaluated many times, in the standard-normal coordinates of its
/// priors: what calibration does, for those who bring their own method.
///
/// One particle is a row of `dimension()` coordinates: those of the parameters that vary, in the order of
/// `Parameter::ALL`; one per firm or hit, or per region and
/// so on as `Priors::per` says. Where firms are alike within a group, the groups' common coordinates come
/// first.
pub struct Objective {
    problem: Problem,
    runs: Vec<Scene>,
    varying: Vec<Varying>,
    /// Where the noise is learnt, too.
    noise: Option<NoiseUnits>,
    /// What the device is called.
    device: String,
}

const EITHER: &str = "shocks are fixed or drawn";

/// Losses with their gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean loss, `[particle]`; not finite where a particle diverged.
    pub loss: Vec<f64>,
    /// Its gradient, [particle, coordinate] row by row.
    pub gradient: Vec<f64>,
}

/// Coordinates of some of a batch's particles, row by row.
type Rows<'a> = dyn Fn(Range<usize>) -> Cow<'a, [f64]> + Sync + 'a;

impl Objective {
    /// Checks the problem and lays it out.
    pub fn new(problem: &Problem) -> Result<Self> {
        problem.check()?;
        let varying = layout(problem);
        let varies = |p| varying.iter().any(|v| v.parameter == p);
        let of_paths = Parameter::of(Domain::Hit).chain(Parameter::of(Domain::CapacityCell));
        let calm = !of_paths.into_iter().any(varies);
        let mut first = ByParameter::<usize>::default();
        let mut runs: Vec<Scene> = Vec::new();
        for (shock, observed) in problem.scenarios() {
            let simulation = Simulation {
                periods: observed.periods,
                ..problem.simulation.clone()
            };
            let network = &problem.network;
            let of = (&problem.params, shock);
            let horizon = Horizon::new(network, of, &simulation, Columns::Groups, None, &varies)?;
            let parts = ByParameter::of(|p| match p.of_shock() {
                true => {
                    let (begin, count) = (*first.get(p), shock.entries(p.domain()));
                    *first.get_mut(p) = begin + count;
                    (begin, count)
                }
                false => (0, p.domain().entries(network, &simulation.model)),
            });
            let all = values_of(network, &problem.params, shock);
            let remaining = calm.then(|| horizon.remaining(&all));
            let fixed = ByParameter::of(|p| match varies(p) {
                true => Vec::new(),
                false => all.get(p).to_vec(),
            });
            let Problem {
                loss,
                scale,
                weights,
                noise,
                ..
            } = problem;
            let target = Target::new(observed, *loss, *scale, weights, *noise);
            runs.push(Scene {
                target,
                // They are the first scenario's.
                totals: runs.is_empty().then(|| Totals::new(problem)).flatten(),
                fixed,
                remaining,
                horizon,
                parts,
            });
        }
        Ok(Self {
            problem: problem.clone(),
            device: runs[0].horizon.device().into(),
            runs,
            noise: NoiseUnits::new(problem, varying.last().map_or(0, Varying::end)),
            varying,
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
        let cells = |r: &Scene| r.target.total() + r.totals.as_ref().map_or(0.0, Totals::total);
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
        let noise = self.noise.as_ref().map_or(0, NoiseUnits::count);
        self.varying.last().map_or(0, Varying::end) + noise
    }

    /// The noise that is learnt.
    pub(super) fn noise(&self) -> Option<&NoiseUnits> {
        self.noise.as_ref()
    }

    /// Numbers that derivatives in a particle's noise take: one for each group and total.
    fn noises(&self) -> usize {
        let wide = self.runs[0].target.groups();
        self.noise.as_ref().map_or(0, |n| wide + n.totals.len())
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
    fn values(&self, u: &[f64], sloped: bool) -> Vec<VaryingValues> {
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
        let processors = self.runs.iter().filter_map(|run| run.horizon.processor());
        let processors: Vec<_> = processors.collect();
        let blocks = processors.iter().map(|p| p.block_particles(particles));
        // A device takes all at once.
        let block = blocks.max().unwrap_or(particles);
        let pieces = particles.div_ceil(block);
        // Of about the same size, and all laid out in the same way.
        let piece = particles.div_ceil(pieces);
        let block_particles = block.min(piece);
        let partitions = processors.iter().map(|p| p.partitions(block_particles));
        let either = pieces > 1 && partitions.max().unwrap_or(1) >= rayon::current_num_threads();
        let tuner = processors.first().filter(|_| either);
        let tuner = tuner.map(|p| p.tuner(block_particles));
        let split = pieces == 1 || tuner.is_some_and(Autotuner::split);
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
            self.piece(
                &u,
                loss,
                panels,
                limit,
                Blocks {
                    particles: block_particles,
                    split,
                },
            )
        };
        if split {
            work.into_iter().try_for_each(one)?;
        } else {
            // One at a time: a thread that is done early takes from the others what they have not begun.
            work.into_par_iter().with_max_len(1).try_for_each(one)?;
        }
        if let Some(tuner) = tuner {
            tuner.record(split, begin.elapsed() / particles as u32);
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
            let all = self.all_values(run, &values);
            let drawn = run.drawn(&all);
            let remaining = drawn.as_ref().or(run.remaining.as_ref()).expect(EITHER);
            match run.horizon.processor() {
                Some(processor) => {
                    let square = run.is_square();
                    if panel.is_none() && !square {
                        own.resize(particles * cells, 0.0);
                        panel = Some(&mut own);
                    }
                    let inputs = Horizon::inputs(particles, &all, remaining);
                    processor.stream(&inputs, blocks, &mut |first, period, row| {
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
                        self.add_up(run, u, panel, &mut sums);
                    }
                }
                None => {
                    let found = run.horizon.panel(particles, &all, remaining)?;
                    self.add_up(run, u, &found, &mut sums);
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

    /// Sums of the losses of panels [particle, period, group] of particles with coordinates `u`.
    fn add_up(&self, run: &Scene, u: &[f64], panels: &[f64], sums: &mut [f64]) {
        let each = sums.iter_mut().zip(panels.chunks(run.target.cells()));
        let mut by = vec![0.0; self.noises()];
        for ((sum, panel), row) in each.zip(u.chunks_exact(self.dimension())) {
            let noise = self.noise.as_ref().map(|units| (units, row, &mut by[..]));
            *sum = run.sum(panel, None, noise);
        }
    }

    /// Values of all parameters: of those that vary, for the entries of a scenario.
    fn all_values<'a>(&'a self, run: &'a Scene, values: &'a [VaryingValues]) -> Values<'a> {
        ByParameter::of(|p| {
            let Some(k) = self.varying.iter().position(|v| v.parameter == p) else {
                return Cow::Borrowed(&run.fixed.get(p)[..]);
            };
            let entries = &values[k].entries;
            if !p.of_shock() {
                return Cow::Borrowed(&entries[..]);
            }
            let (first, count) = *run.parts.get(p);
            let rows = entries.chunks_exact(self.varying[k].entries().max(1));
            Cow::Owned(
                rows.flat_map(|row| &row[first..first + count])
                    .copied()
                    .collect(),
            )
        })
    }

    /// The losses with their gradient, and the panels [particle, period, group] of the first scenario.
    pub(super) fn gradient_and_panel(&self, u: &[f64]) -> Result<(Evaluation, Vec<f64>)> {
        let particles = self.particles(u)?;
        let values = self.values(u, true);
        let mut loss = vec![0.0; particles];
        let mut gradient = vec![0.0; u.len()];
        let mut first = None;
        let total = self.total();
        let noises = self.noises();
        let mut by_noise = vec![0.0; particles * noises];
        for run in &self.runs {
            // The slope of the losses in the panels.
            let slope = |panel: &[f64]| -> Vec<f64> {
                let mut slope = vec![0.0; panel.len()];
                let cells = run.target.cells();
                let each = panel.chunks_exact(cells).zip(slope.chunks_exact_mut(cells));
                let rows = u.chunks_exact(self.dimension());
                let each = loss.iter_mut().zip(each).zip(rows).enumerate();
                for (p, ((loss, (panel, slope)), row)) in each {
                    let by = &mut by_noise[p * noises..][..noises];
                    let noise = self.noise.as_ref().map(|units| (units, row, by));
                    *loss += run.sum(panel, Some(&mut *slope), noise) / total;
                    for s in slope {
                        *s /= total;
                    }
                }
                slope
            };
            let mut pull = |varying: usize, part: &[f64]| {
                let (varying, values) = (&self.varying[varying], &values[varying]);
                let (begin, _) = *run.parts.get(varying.parameter);
                varying.pull(values, part, begin, self.dimension(), &mut gradient);
            };
            let all = self.all_values(run, &values);
            let drawn = run.drawn(&all);
            let remaining = drawn.as_ref().or(run.remaining.as_ref()).expect(EITHER);
            let inputs = (particles, &all, remaining);
            let (panel, found) = run.horizon.gradient(inputs, drawn.is_some(), slope)?;
            for (k, varying) in self.varying.iter().enumerate() {
                pull(k, found.get(varying.parameter));
            }
            first.get_or_insert(panel);
        }
        if let Some(units) = &self.noise {
            by_noise.iter_mut().for_each(|by| *by /= total);
            let each = gradient.chunks_exact_mut(self.dimension());
            let each = each.zip(by_noise.chunks_exact(noises));
            each.for_each(|(to, by)| units.pull(by, to));
        }
        let panel = first.expect("a problem has a scenario");
        Ok((Evaluation { loss, gradient }, panel))
    }

    /// Panels [particle, period, group] of the particles under every scenario.
    pub(crate) fn panels(&self, u: &[f64]) -> Result<Vec<Vec<f64>>> {
        Ok(self.loss_and_panels(u)?.1)
    }
}

impl Problem {
    /// What is to be learnt: each parameter that varies, and how many values of its own it has (firms, regions, hits
    /// and so on, by `Priors::per`).
    pub fn unknowns(&self) -> Vec<(Parameter, usize)> {
        let layout = layout(self).into_iter();
        layout.map(|v| (v.parameter, v.units())).collect()
    }

    /// The values of a parameter where it does not vary, one per entry.
    pub(super) fn fixed(&self, parameter: Parameter) -> Vec<f64> {
        match self.params.values(parameter) {
            Some(values) => values.clone(),
            None => {
                let shocks = || self.scenarios().map(|(shock, _)| shock);
                let left_out = parameter.domain() == Domain::Hit && parameter.may_be_empty();
                if left_out && !shocks().any(|shock| shock.has(parameter)) {
                    return Vec::new();
                }
                shocks().flat_map(|shock| shock.values(parameter)).collect()
            }
        }
    }
}
