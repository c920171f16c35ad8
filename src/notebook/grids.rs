//! Grids of scenarios, with what a notebook shows of a long call.

use super::lines::Lines;
use crate::error::{Error, Result};
use crate::network::Network;
use crate::progress::Progress;
use crate::study::{Grid, Scenarios, World, scenarios_with};
use std::time::{Duration, Instant};

/// Calls that are over sooner say nothing.
const QUIET: Duration = Duration::from_secs(2);

/// Lines of progress, once a call takes long.
#[derive(Debug, Default)]
struct Late {
    lines: Lines,
    begin: Option<Instant>,
    task: (String, usize),
    speaks: bool,
}

impl Progress for Late {
    fn start(&mut self, task: &str, total: usize) {
        self.begin = Some(Instant::now());
        self.task = (task.into(), total);
    }

    fn update(&mut self, done: usize, note: &str) {
        let late = self.begin.is_some_and(|begin| begin.elapsed() > QUIET);
        if late && !self.speaks {
            self.lines.start(&self.task.0, self.task.1);
            self.speaks = true;
        }
        if self.speaks {
            self.lines.update(done, note);
        }
    }

    fn finish(&mut self, note: &str) {
        if self.speaks {
            self.lines.finish(note);
        }
    }

    fn fail(&mut self, error: &Error) {
        if self.speaks {
            self.lines.fail(error);
        }
    }
}

/// Simulates every point of a grid on all cores; what takes more than two seconds says how far it is. `world` is given a
/// point, with a field a coordinate, and gives what to simulate: a shock, or `(params, shock)`, `(shock, simulation)`, or
/// all three; without parameters firms behave as usual. The result is a table with a figure: a line over one coordinate,
/// a heat map over two. The stop button makes it return the points that are done.
///
/// # Errors
/// The first error of a point, with its coordinates.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// let found = scenarios(&network, grid! { severity: [0.2, 0.6], stocks: [2.0, 6.0] }, |s| {
///     let shock = Shock::region(&network, "R1", 5, s.severity, 0.1)?;
///     Ok((Params::uniform(&network, s.stocks, 6.0), shock))
/// })?;
/// assert_eq!(found.lost.len(), 4);
/// assert!(found.lost[0] < found.lost[2]);
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn scenarios<P, W, F>(network: &Network, grid: Grid<P>, world: F) -> Result<Scenarios>
where
    P: Sync,
    W: Into<World>,
    F: Fn(&P) -> Result<W> + Sync,
{
    scenarios_with(network, grid, world, &mut Late::default())
}
