//! ABC rejection: draw from the prior, keep the draws with the lowest loss.

use super::Problem;
use super::noise::{Purpose, normals};
use super::objective::Objective;
use super::posterior::{Pace, Posterior, Step, assemble};
use super::saved::{Facts, Keeper, Saved, facts_of};
use super::snapshot::{PANELS, Phase, Snapshot, marginals};
use crate::error::{Error, Result};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::simulate::host;
use rayon::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

pub(super) const METHOD: &str = "ABC rejection";

/// Options of ABC rejection.
#[derive(Clone, Debug, PartialEq)]
pub struct Abc {
    /// Draws from the prior; each costs one model evaluation.
    pub draws: usize,
    /// How many of them are kept, those with the lowest loss.
    pub keep: usize,
    /// Draws simulated together, at most: in large economies fewer, as a stop waits for them.
    pub batch: usize,
    /// Simulate no more draws after this many seconds of this call.
    pub max_seconds: Option<f64>,
    /// Seed; the same problem, options and seed give the same result.
    pub seed: u64,
    /// A file that keeps the state, as `Svi::state_file` does; `draws` counts all draws. For the same
    /// numbers as without a stop, the draws done before must fill whole batches, as they do after
    /// every stop.
    pub state_file: Option<PathBuf>,
    /// Seconds between two writings of `state_file`.
    pub save_seconds: f64,
}

impl Default for Abc {
    fn default() -> Self {
        Self {
            draws: 3000,
            keep: 100,
            batch: 64,
            max_seconds: None,
            seed: 0,
            state_file: None,
            save_seconds: 30.0,
        }
    }
}

impl Abc {
    pub(super) fn check(&self) -> Result<()> {
        if self.keep == 0 || self.batch == 0 || self.draws < self.keep {
            return Err(Error::new(
                "Abc",
                format!(
                    "{} draws, keep {}, batch {}",
                    self.draws, self.keep, self.batch
                ),
                "keep at least 1, at most all draws, in batches of at least 1",
            ));
        }
        Keeper::check("Abc.save_seconds", self.save_seconds)
    }

    /// What a state is of.
    fn facts(&self, problem: &Problem) -> Facts {
        let mut facts = facts_of(problem, METHOD);
        facts.extend([
            ("Abc.keep", self.keep.to_string()),
            ("Abc.batch", self.batch.to_string()),
            ("Abc.seed", self.seed.to_string()),
        ]);
        facts
    }
}

/// A draw that is kept.
struct Kept {
    loss: f64,
    /// Its number: the draw is made again from it where it is wanted.
    draw: usize,
    /// Its panel [period, group], where it is among the best and somebody watches.
    panel: Option<Vec<f64>>,
}

/// What was found by now.
#[derive(Default)]
struct Search {
    done: usize,
    dropped: usize,
    /// The best draws, the best first.
    kept: Vec<Kept>,
    /// One entry per batch.
    history: Vec<Step>,
}

impl Search {
    fn resumed(saved: &Saved, facts: &Facts, place: &str) -> Result<Self> {
        saved.require(facts, place)?;
        let loss = saved.row("kept.loss", None, place)?;
        let draw = saved.row("kept.draw", Some(loss.len()), place)?;
        let counts = saved.row("done.dropped", Some(2), place)?;
        let kept = loss.iter().zip(draw).map(|(loss, draw)| Kept {
            loss: *loss,
            draw: *draw as usize,
            panel: None,
        });
        Ok(Self {
            done: counts[0] as usize,
            dropped: counts[1] as usize,
            kept: kept.collect(),
            history: saved.history(place)?,
        })
    }

    fn saved(&self, facts: &Facts) -> Saved {
        let column = |f: fn(&Kept) -> f64| self.kept.iter().map(f).collect();
        let rows = [
            ("kept.loss", column(|k| k.loss)),
            ("kept.draw", column(|k| k.draw as f64)),
            ("done.dropped", vec![self.done as f64, self.dropped as f64]),
        ];
        Saved::new(facts, rows, &self.history)
    }

    /// Simulates one batch and keeps the best of all.
    fn step(&mut self, objective: &Objective, options: &Abc, watched: bool) -> Result<()> {
        let n = objective.dimension();
        let quick = objective.particles_within(200_000_000);
        let batch = options.batch.min(quick).min(options.draws - self.done);
        let u: Vec<f64> = (self.done..self.done + batch)
            .into_par_iter()
            .flat_map_iter(|k| normals(options.seed, Purpose::Prior, k, n))
            .collect();
        let (loss, panel) = objective.loss_and_panel(&u)?;
        for (k, loss) in loss.into_iter().enumerate() {
            if loss.is_finite() {
                let (draw, panel) = (self.done + k, None);
                self.kept.push(Kept { loss, draw, panel });
            } else {
                self.dropped += 1;
            }
        }
        self.kept
            .sort_by(|a, b| a.loss.total_cmp(&b.loss).then(a.draw.cmp(&b.draw)));
        self.kept.truncate(options.keep);
        // A draw only falls back: one that is not among the best when it comes never will be.
        for (rank, kept) in self.kept.iter_mut().enumerate() {
            if rank >= PANELS || !watched {
                kept.panel = None;
            } else if kept.draw >= self.done {
                let k = kept.draw - self.done;
                kept.panel = Some(host(panel.clone().narrow(0, k, 1)));
            }
        }
        self.done += batch;
        let mean = self.kept.iter().map(|k| k.loss).sum::<f64>() / self.kept.len() as f64;
        self.history.push(Step {
            evaluations: self.done,
            loss: mean,
            kl: 0.0,
            objective: mean,
            dropped: self.dropped,
        });
        Ok(())
    }

    /// The kept draws, [draw, coordinate].
    fn draws(&self, seed: u64, n: usize) -> Vec<f64> {
        let each = self.kept.iter();
        each.flat_map(|k| normals(seed, Purpose::Prior, k.draw, n))
            .collect()
    }
}

/// Means and standard deviations of the columns of a table with `n` columns.
fn moments(table: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let count = (table.len() / n) as f64;
    let column = |f: &dyn Fn(f64, usize) -> f64| -> Vec<f64> {
        let mut sums = vec![0.0; n];
        for row in table.chunks_exact(n) {
            for (k, v) in row.iter().enumerate() {
                sums[k] += f(*v, k);
            }
        }
        sums.iter().map(|s| s / count).collect()
    };
    let mean = column(&|u, _| u);
    let variance = column(&|u, k| (u - mean[k]).powi(2));
    let scale = variance.iter().map(|v| v.sqrt()).collect();
    (mean, scale)
}

/// Keeps the best `keep` of `draws` draws from the prior. Memory holds the kept draws only.
///
/// The stop button, Ctrl-C and `Progress::stop` make it return what it has after the batch that is
/// running.
pub fn calibrate_abc(
    problem: &Problem,
    options: &Abc,
    progress: &mut dyn Progress,
) -> Result<Posterior> {
    let interrupt = Interrupt::watch();
    run(problem, options, progress, &|| interrupt.asked())
}

/// `asked` is true once the call should return what it has.
pub(super) fn run(
    problem: &Problem,
    options: &Abc,
    progress: &mut dyn Progress,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    reject(problem, options, progress, asked).inspect_err(|e| progress.fail(e))
}

fn reject(
    problem: &Problem,
    options: &Abc,
    progress: &mut dyn Progress,
    asked: &dyn Fn() -> bool,
) -> Result<Posterior> {
    options.check()?;
    let begin = Instant::now();
    let objective = Objective::new(problem)?;
    let n = objective.dimension();
    let facts = options.facts(problem);
    let file = options.state_file.as_deref();
    let mut search = match file {
        Some(file) if file.exists() => {
            Search::resumed(&Saved::read(file)?, &facts, &file.display().to_string())?
        }
        _ => Search::default(),
    };
    let before = search.done;
    if before > options.draws {
        return Err(Error::new(
            "Abc.draws",
            format!("{} draws, but {before} are made already", options.draws),
            "give the number of all draws, or begin anew with another state_file",
        ));
    }
    let mut keeper = Keeper::new(file, options.save_seconds);
    if file.is_some() {
        keeper.save(&search.saved(&facts))?;
    }
    let mut warnings = Vec::new();
    progress.start(METHOD, options.draws);
    let watched = progress.watches();
    let mut snapshot = Snapshot::new(METHOD, problem, options.draws, before);
    let (mut late, mut stopped) = (false, false);
    while search.done < options.draws && !late && !stopped {
        search.step(&objective, options, watched)?;
        let loss = search.history.last().map_or(f64::NAN, |s| s.loss);
        progress.update(
            search.done,
            &format!("loss of the best {} {loss:.2e}", search.kept.len()),
        );
        if watched && progress.wants_picture() {
            look(&mut snapshot, &search, &objective, options.seed, begin);
            progress.picture(snapshot.clone());
        }
        if keeper.due()
            && let Err(e) = keeper.save(&search.saved(&facts))
        {
            warnings = vec![e.to_string()];
        }
        late = options
            .max_seconds
            .is_some_and(|s| begin.elapsed().as_secs_f64() > s);
        stopped = asked() || progress.stop();
    }
    if search.kept.is_empty() {
        return Err(Error::new(
            "calibration",
            "no draw gave a finite loss",
            "narrow the priors",
        ));
    }
    let saved = search.saved(&facts);
    if let Err(e) = keeper.save(&saved) {
        warnings = vec![e.to_string()];
    }
    if watched {
        look(&mut snapshot, &search, &objective, options.seed, begin);
        snapshot.phase = Phase::Drawing;
        progress.picture(snapshot.clone());
    }
    let draws = search.draws(options.seed, n);
    let (mean, scale) = moments(&draws, n);
    let ask = || asked() || progress.stop();
    let pace = if stopped {
        Pace::Hurried
    } else {
        Pace::Until(&ask)
    };
    let draws = &mut draws.into_iter();
    let mut posterior = assemble(problem, &objective, METHOD, &mean, &scale, draws, pace)?;
    posterior.stopped = search.done < options.draws || posterior.draws < search.kept.len();
    posterior.warnings = warnings;
    posterior.history = search.history;
    posterior.evaluations = search.done;
    posterior.saved = Arc::new(saved);
    posterior.seconds = begin.elapsed().as_secs_f64();
    if watched {
        progress.picture(posterior.last_picture(snapshot));
    }
    progress.finish(&format!("{} evaluations", posterior.evaluations));
    Ok(posterior)
}

/// Brings a snapshot up to date.
fn look(
    snapshot: &mut Snapshot,
    search: &Search,
    objective: &Objective,
    seed: u64,
    begin: Instant,
) {
    let n = objective.dimension();
    let (mean, scale) = moments(&search.draws(seed, n), n);
    snapshot.done = search.done;
    snapshot.seconds = begin.elapsed().as_secs_f64();
    snapshot
        .history
        .extend(&search.history[snapshot.history.len()..]);
    snapshot.parameters = marginals(objective, &mean, &scale);
    let panels = search.kept.iter().filter_map(|k| k.panel.as_deref());
    snapshot.panels = Arc::new(panels.flatten().copied().collect());
}
