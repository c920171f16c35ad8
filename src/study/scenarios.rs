//! Many scenarios at once: lists and grids of them, on all cores.

use super::Grid;
use super::losses::course;
use crate::error::{Error, Result};
use crate::memory;
use crate::model::{Params, Shock};
use crate::network::Network;
use crate::progress::{Progress, Stoppable};
use crate::simulate::{Simulation, Trajectory, processors, simulate};
use rayon::prelude::*;

/// What is simulated at a point of a grid: the firms, what hits them, and how.
#[derive(Clone, Debug)]
pub struct World {
    /// How firms behave; None is `Params::usual`.
    pub params: Option<Params>,
    /// What hits them.
    pub shock: Shock,
    /// How it is simulated.
    pub simulation: Simulation,
}

impl From<Shock> for World {
    fn from(shock: Shock) -> Self {
        Self {
            params: None,
            shock,
            simulation: Simulation::default(),
        }
    }
}

impl From<(Params, Shock)> for World {
    fn from((params, shock): (Params, Shock)) -> Self {
        Self {
            params: Some(params),
            ..World::from(shock)
        }
    }
}

impl From<(Params, Shock, Simulation)> for World {
    fn from((params, shock, simulation): (Params, Shock, Simulation)) -> Self {
        Self {
            params: Some(params),
            shock,
            simulation,
        }
    }
}

impl From<(Shock, Simulation)> for World {
    fn from((shock, simulation): (Shock, Simulation)) -> Self {
        Self {
            simulation,
            ..World::from(shock)
        }
    }
}

impl World {
    fn run(&self, network: &Network) -> Result<Trajectory> {
        let usual = self.params.is_none().then(|| Params::usual(network));
        let params = self.params.as_ref().or(usual.as_ref());
        let params = params.cloned().unwrap_or_default();
        simulate(network, &params, &self.shock, &self.simulation)
    }
}

/// What a grid of scenarios gives, point by point. It shows itself as a table, and has a frame and a figure.
#[derive(Clone, Debug)]
pub struct Scenarios {
    /// The names of the coordinates.
    pub names: Vec<String>,
    /// The coordinates of each point, as they are written in tables.
    pub texts: Vec<Vec<String>>,
    /// The same as numbers; NaN where one is none.
    pub numbers: Vec<Vec<f64>>,
    /// Output lost over all periods at each point, as a share of the steady one.
    pub lost: Vec<f64>,
    /// How far the economy's output is below the steady one where it is lowest, as a share.
    pub fall: Vec<f64>,
    /// The period in which it is lowest, from 1.
    pub worst: Vec<usize>,
    /// From this period on it is at 95 % for good; 0 where it never falls below, None where it is not back at the end.
    pub back: Vec<Option<usize>>,
    /// True where the stop button has left points out: those behind the last row.
    pub stopped: bool,
}

/// Simulates every point of a grid on all cores, and tells `progress` of it. `world` gives what to simulate: a shock, or
/// `(params, shock)`, `(shock, simulation)`, or all three. Without parameters firms behave as usual. The stop button
/// makes it return the points that are done.
///
/// # Errors
/// The first error of a point, with its coordinates.
pub fn scenarios_with<P, W, F>(
    network: &Network,
    grid: Grid<P>,
    world: F,
    progress: &mut dyn Progress,
) -> Result<Scenarios>
where
    P: Sync,
    W: Into<World>,
    F: Fn(&P) -> Result<W> + Sync,
{
    let mut out = Scenarios {
        names: grid.names,
        texts: grid.texts,
        numbers: grid.numbers,
        lost: Vec::new(),
        fall: Vec::new(),
        worst: Vec::new(),
        back: Vec::new(),
        stopped: false,
    };
    let steady: f64 = network.output().iter().sum();
    let one = |k: usize| -> Result<Trajectory> {
        let world: Result<World> = world(&grid.points[k]).map(Into::into);
        world.and_then(|world| world.run(network)).map_err(|e| {
            let both = out.names.iter().zip(&out.texts[k]);
            let at: Vec<String> = both.map(|(name, text)| format!("{name} {text}")).collect();
            e.within(format!("scenario {}", at.join(", ")))
        })
    };
    let mut progress = Stoppable::new(progress);
    progress.start("scenarios", grid.points.len());
    let together = 2 * processors();
    let mut done = Vec::new();
    for first in (0..grid.points.len()).step_by(together) {
        let last = (first + together).min(grid.points.len());
        let some: Result<Vec<Trajectory>> = (first..last).into_par_iter().map(one).collect();
        let some = some.inspect_err(|e| progress.fail(e))?;
        if progress.stop() {
            // Runs that were cut short tell of fewer periods than the others.
            out.stopped = true;
            break;
        }
        done.extend(some.iter().map(|run| facts(run, steady)));
        progress.update(last, &format!("{} scenarios", last));
    }
    progress.finish(&format!("{} scenarios", done.len()));
    out.texts.truncate(done.len());
    out.numbers.truncate(done.len());
    for (lost, (worst, fall, back)) in done {
        out.lost.push(lost);
        out.fall.push(fall);
        out.worst.push(worst);
        out.back.push(back);
    }
    Ok(out)
}

/// Share lost, and the course of the economy's output.
fn facts(run: &Trajectory, steady: f64) -> (f64, (usize, f64, Option<usize>)) {
    let total: Vec<f64> = run.total().iter().map(|v| v / steady).collect();
    (run.loss_share(), course(&total))
}

/// Simulates several scenarios on all cores; the runs are in their order.
///
/// # Errors
/// The first error, with the number of its scenario, from 0; more runs than fit into memory; the stop button, as runs
/// that were cut short could not be compared.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// let params = Params::usual(&network);
/// let mild = Shock::region(&network, "R1", 5, 0.2, 0.1)?;
/// let hard = Shock::region(&network, "R1", 5, 0.8, 0.1)?;
/// let runs = simulate_all(&network, &[(params.clone(), mild), (params, hard)], &Simulation::default())?;
/// assert!(runs[0].loss_share() < runs[1].loss_share());
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn simulate_all(
    network: &Network,
    scenarios: &[(Params, Shock)],
    simulation: &Simulation,
) -> Result<Vec<Trajectory>> {
    let cells = network.firms() as f64 * simulation.periods as f64;
    memory::require(
        "simulate_all",
        &format!("{} runs", scenarios.len()),
        8.0 * cells * scenarios.len() as f64,
        "simulate fewer at once, or take `scenarios`, which keeps their losses only",
    )?;
    let interrupt = crate::interrupt::Interrupt::watch();
    let each = scenarios.par_iter().enumerate();
    let runs = each.map(|(k, (params, shock))| {
        if interrupt.asked() {
            return Err(stopped());
        }
        simulate(network, params, shock, simulation).map_err(|e| e.within(format!("scenario {k}")))
    });
    let runs: Vec<Trajectory> = runs.collect::<Result<_>>()?;
    match interrupt.asked() {
        true => Err(stopped()),
        false => Ok(runs),
    }
}

fn stopped() -> Error {
    Error::new(
        "simulate_all",
        "it was stopped before all scenarios were simulated",
        "run it again, with fewer scenarios or periods",
    )
}
