//! Simulation-based calibration: does inference find true values as often as it says it does?

use crate::error::{Error, Result};
use crate::infer::calibrate::calibrate_until;
use crate::infer::noise::{Purpose, normals};
use crate::infer::objective::Objective;
use crate::infer::{Method, Parameter, Problem, Run};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use std::time::Instant;

/// Ranks of true values among posterior draws (Talts et al. 2018). Uniform where the posterior is
/// right; in the middle where it is too wide, at the ends where it is too narrow.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks {
    /// Which parameter.
    pub parameter: Parameter,
    /// Draws L that each true value is ranked among: ranks are 0..=L.
    pub draws: usize,
    /// How many draws are below the true value, [run, entry] row by row.
    pub ranks: Vec<usize>,
}

impl Ranks {
    /// Share of true values inside the central posterior interval of probability `level`: 0.9 is the
    /// 5-95 % interval, and should hold 90 %. NaN without runs.
    pub fn coverage(&self, level: f64) -> f64 {
        let out = 0.5 * (1.0 - level);
        let inside = |r: &&usize| {
            let at = (**r as f64 + 0.5) / (self.draws as f64 + 1.0);
            at > out && at < 1.0 - out
        };
        self.ranks.iter().filter(inside).count() as f64 / self.ranks.len() as f64
    }

    /// Number of ranks in each of `bins` equal bins; at most as many as there are different ranks.
    pub fn histogram(&self, bins: usize) -> Vec<usize> {
        // More draws than a machine can hold are none that were made.
        let different = self.draws.min(1 << 24) + 1;
        let mut counts = vec![0; bins.clamp(1, different)];
        let n = counts.len();
        for r in &self.ranks {
            let bin = *r as u128 * n as u128 / different as u128;
            counts[(bin as usize).min(n - 1)] += 1;
        }
        counts
    }
}

/// The result of a simulation-based calibration.
#[derive(Clone, Debug)]
pub struct Sbc {
    /// Calibrations that were made.
    pub runs: usize,
    /// Ranks of each parameter that varies.
    pub parameters: Vec<Ranks>,
    /// Mean relative square loss of the posterior draws on the panel they were fitted to, one per run.
    pub loss: Vec<f64>,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Calibrations that something speaks against (`Posterior::convergence`): what was checked is then not the
    /// method but where it was ended.
    pub doubted: usize,
    /// True when it was asked to stop before its end.
    pub stopped: bool,
}

impl Sbc {
    /// Without a run yet.
    fn begun(objective: &Objective, draws: usize) -> Self {
        let ranks = objective.layout().iter().map(|v| Ranks {
            parameter: v.parameter,
            draws,
            ranks: Vec::new(),
        });
        Self {
            runs: 0,
            parameters: ranks.collect(),
            loss: Vec::new(),
            seconds: 0.0,
            doubted: 0,
            stopped: false,
        }
    }
}

/// The same problem with all observed cells at their steady levels.
fn steady(problem: &Problem) -> Problem {
    let mut problem = problem.clone();
    let further = problem.further.iter_mut().map(|s| &mut s.observed);
    for panel in std::iter::once(&mut problem.observed).chain(further) {
        let groups = panel.base.len().max(1);
        for (c, value) in panel.values.iter_mut().enumerate() {
            if !value.is_nan() {
                *value = panel.base.get(c % groups).copied().unwrap_or(f64::NAN);
            }
        }
    }
    for total in &mut problem.totals {
        let level = total.steady(&problem.network);
        let seen = total.values.iter_mut().filter(|v| !v.is_nan());
        seen.for_each(|v| *v = level);
    }
    problem
}

/// The problem with other panels, each cell with the noise of run `k`; cells that are missing stay so.
fn observed_with(
    problem: &Problem,
    panels: Vec<Vec<f64>>,
    sigma: &[f64],
    (seed, k): (u64, usize),
) -> Problem {
    let mut other = problem.clone();
    let cells = panels.iter().map(Vec::len).sum::<usize>();
    let beside: usize = problem.totals.iter().map(|t| t.values.len()).sum();
    let mut noise = normals(seed, Purpose::Noise, k, cells + beside).into_iter();
    let groups = problem.observed.groups();
    let totals: Vec<Vec<f64>> = problem
        .totals
        .iter()
        .map(|t| {
            let row = |row: &[f64]| t.groups.iter().map(|g| row[*g]).sum();
            panels[0].chunks_exact(groups).map(row).collect()
        })
        .collect();
    let further = other.further.iter_mut().map(|s| &mut s.observed);
    for (observed, panel) in std::iter::once(&mut other.observed)
        .chain(further)
        .zip(panels)
    {
        let groups = observed.groups();
        for (c, (value, level)) in observed.values.iter_mut().zip(panel).enumerate() {
            let e = noise.next().expect("as many as cells");
            if !value.is_nan() {
                *value = level + sigma[c % groups] * observed.base[c % groups] * e;
            }
        }
    }
    for (total, levels) in other.totals.iter_mut().zip(totals) {
        let steady = total.steady(&problem.network);
        for (value, level) in total.values.iter_mut().zip(levels) {
            let e = noise.next().expect("as many as cells");
            if !value.is_nan() {
                *value = level + sigma[total.groups[0]] * steady * e;
            }
        }
    }
    other
}

/// Draws true values from the priors, simulates the panel that they give under the problem's
/// scenarios with its noise (independent normal, `noise` x steady level), calibrates, and ranks the
/// true values among the draws; `runs` times. Cells that are missing in the problem's panel stay so;
/// its values do not matter. Costs `runs` calibrations by `method`; start with a few hundred firms at most. Of `run` the
/// state file does not count.
///
/// The stop button, Ctrl-C and `Progress::stop` make it return the runs that are done.
pub fn sbc(
    problem: &Problem,
    method: impl Into<Method>,
    runs: usize,
    run: &Run,
    progress: &mut dyn Progress,
) -> Result<Sbc> {
    let method = method.into();
    method.options().check()?;
    run.check()?;
    if runs == 0 {
        return Err(Error::new("sbc", "0 runs", "give at least 1, better 50"));
    }
    let (interrupt, begin) = (Interrupt::watch(), Instant::now());
    // The values of the panel do not matter: a check of them would look at what nobody uses.
    let problem = &steady(problem);
    let objective = Objective::new(problem)?;
    let n = objective.dimension();
    let sized = method.options().sized(n, None);
    let draws = sized
        .as_ref()
        .unwrap_or(&method)
        .options()
        .posterior_draws();
    let mut out = Sbc::begun(&objective, draws);
    progress.start("simulation-based calibration", runs);
    for k in 0..runs {
        let truth = normals(run.seed, Purpose::Truth, k, n);
        let sigma = match objective.noise() {
            Some(units) => units.of_groups(&truth),
            None => vec![problem.noise; problem.observed.groups()],
        };
        let other = observed_with(problem, objective.panels(&truth)?, &sigma, (run.seed, k));
        let one = Run {
            seed: run.seed.wrapping_add(k as u64),
            state_file: None,
            ..run.clone()
        };
        let asked = || interrupt.asked();
        let posterior = calibrate_until(&other, &method, &one, &mut (), &asked)?;
        if posterior.stopped {
            out.stopped = true;
            break;
        }
        let each = out.parameters.iter_mut().zip(&posterior.parameters);
        for ((ranks, learnt), varying) in each.zip(objective.layout()) {
            let values = varying.unit_values(&truth, n);
            for (unit, value) in values.iter().enumerate() {
                let column = learnt.samples.iter().skip(unit).step_by(values.len());
                ranks.ranks.push(column.filter(|x| *x < value).count());
            }
        }
        out.doubted += usize::from(!posterior.convergence.reached());
        out.loss.push(posterior.predictive.loss(&other.observed));
        out.runs = k + 1;
        let shares: Vec<String> = out
            .parameters
            .iter()
            .map(|r| format!("{:.0} %", 100.0 * r.coverage(0.9)))
            .collect();
        progress.update(
            out.runs,
            &format!("90 % intervals cover {}", shares.join(", ")),
        );
        if progress.stop() {
            out.stopped = out.runs < runs;
            break;
        }
    }
    if out.runs == 0 {
        return Err(Error::new(
            "sbc",
            "stopped before the first run was over",
            "take fewer steps, firms or periods",
        ));
    }
    out.seconds = begin.elapsed().as_secs_f64();
    progress.finish(&format!("{} runs", out.runs));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_and_bins_count_ranks() {
        let ranks = Ranks {
            parameter: Parameter::AdjustmentTime,
            draws: 99,
            ranks: (0..100).collect(),
        };
        assert!((ranks.coverage(0.9) - 0.9).abs() < 1e-12);
        assert_eq!(ranks.histogram(10), [10; 10]);
        let narrow = Ranks {
            ranks: vec![0, 99, 0, 99],
            ..ranks
        };
        assert_eq!(narrow.coverage(0.9), 0.0);
        assert_eq!(narrow.histogram(4), [2, 0, 0, 2]);
    }
}
