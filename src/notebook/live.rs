//! A calibration that is watched while it runs: a picture that updates in place, a bar, or lines.

use super::cell;
use super::lines::{Lines, print};
use super::page::in_notebook;
use super::show::{Show, kept};
use crate::error::Error;
use crate::infer::{Phase, Snapshot, Watch};
use crate::plot::{Draw, Figure, Steady, calibration};
use crate::progress::{Progress, Rhythm};
use serde_json::{Map, Value};
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Shows a calibration while it runs: `calibrate(&problem, &svi, &Run::default(), &mut Live::default())`.
///
/// In the kernel *Rust (bullwhip)* one figure updates in place, and its last state stays in the saved
/// notebook. It is drawn on a thread of its own, so a fit waits for it only at its end; where the
/// processor is busy it is drawn less often, to take a fiftieth of its time at most (measured by
/// `cargo run --release --example live_cost`). In a terminal it is a bar, and elsewhere short lines,
/// in another notebook kernel with the figure at the end.
#[derive(Debug)]
pub struct Live {
    /// Pictures or bars per second, at most.
    pub per_second: f64,
    face: Face,
}

#[derive(Debug)]
enum Face {
    None,
    Kernel(Painter),
    Terminal(Bar),
    Lines(Lines, Option<Snapshot>),
}

impl Default for Live {
    fn default() -> Self {
        Self {
            per_second: 5.0,
            face: Face::None,
        }
    }
}

impl Watch for Live {
    fn watches(&self) -> bool {
        match self.face {
            Face::None | Face::Terminal(_) => false,
            Face::Kernel(_) => true,
            Face::Lines(..) => in_notebook(),
        }
    }

    fn wants_picture(&mut self) -> bool {
        match &mut self.face {
            Face::Kernel(painter) => painter.free() && painter.rhythm.due(),
            // Only the last picture is shown.
            _ => false,
        }
    }

    fn picture(&mut self, snapshot: Snapshot) {
        match &mut self.face {
            Face::Kernel(painter) => painter.take(snapshot),
            Face::Lines(_, last) => *last = Some(snapshot),
            Face::None | Face::Terminal(_) => {}
        }
    }
}

impl Progress for Live {
    fn start(&mut self, task: &str, total: usize) {
        self.face = if std::env::var_os("BULLWHIP_KERNEL").is_some() {
            Face::Kernel(Painter::new(self.per_second))
        } else if std::io::stderr().is_terminal() && !in_notebook() {
            Face::Terminal(Bar::new(task, total, self.per_second))
        } else {
            Face::Lines(Lines::default(), None)
        };
        if let Face::Lines(lines, _) = &mut self.face {
            lines.start(task, total);
        }
    }

    fn update(&mut self, done: usize, note: &str) {
        match &mut self.face {
            Face::None | Face::Kernel(_) => {}
            Face::Terminal(bar) => bar.update(done, note),
            Face::Lines(lines, _) => lines.update(done, note),
        }
    }

    fn finish(&mut self, note: &str) {
        match std::mem::replace(&mut self.face, Face::None) {
            Face::None => {}
            Face::Kernel(painter) => painter.end(None),
            Face::Terminal(bar) => bar.finish(note),
            Face::Lines(mut lines, last) => {
                lines.finish(note);
                if let Some(snapshot) = last {
                    snapshot.figure().evcxr_display();
                }
            }
        }
    }

    fn fail(&mut self, error: &Error) {
        match std::mem::replace(&mut self.face, Face::None) {
            Face::None => {}
            Face::Kernel(painter) => painter.end(Some(error)),
            Face::Terminal(bar) => bar.finish("failed"),
            Face::Lines(mut lines, _) => lines.fail(error),
        }
    }
}

/// Draws on a thread of its own. It takes the latest picture; those in between are left out.
#[derive(Debug)]
struct Painter {
    rhythm: Rhythm,
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Desk {
    work: Mutex<Work>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Work {
    next: Option<Snapshot>,
    /// True while a picture is drawn.
    busy: bool,
    /// Processor time of the last picture, as a share of the whole machine.
    cost: Duration,
    over: bool,
    error: Option<Error>,
}

impl Desk {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Painter {
    fn new(per_second: f64) -> Self {
        let desk = Arc::new(Desk::default());
        let theirs = desk.clone();
        let spawned = std::thread::Builder::new().name("live picture".into());
        Self {
            rhythm: Rhythm::new(per_second),
            // Without a thread the last picture is drawn by `end`.
            thread: spawned.spawn(move || paint(&theirs)).ok(),
            desk,
        }
    }

    /// True when the last picture was drawn.
    fn free(&self) -> bool {
        let work = self.desk.work();
        !work.busy && work.next.is_none()
    }

    fn take(&mut self, snapshot: Snapshot) {
        let mut work = self.desk.work();
        work.next = Some(snapshot);
        self.rhythm.made(work.cost);
        self.desk.changed.notify_one();
    }

    /// Draws the last picture and waits for it.
    fn end(mut self, error: Option<&Error>) {
        self.desk.work().error = error.cloned();
        self.close();
    }

    fn close(&mut self) {
        self.desk.work().over = true;
        self.desk.changed.notify_one();
        match self.thread.take() {
            // A picture that cannot be drawn must not spoil the fit.
            Some(thread) => drop(thread.join()),
            None => paint(&self.desk),
        }
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.close();
        }
    }
}

fn paint(desk: &Desk) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let id = format!(
        "bullwhip-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let cores = crate::simulate::processors() as u32;
    let mut steady = Steady::default();
    let mut last: Option<Snapshot> = None;
    loop {
        let mut work = desk.work();
        while work.next.is_none() && !work.over {
            work = desk
                .changed
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let over = work.over;
        let error = work.error.clone();
        let next = work.next.take();
        work.busy = true;
        drop(work);
        if let Some(snapshot) = next {
            last = Some(snapshot);
        }
        let begin = Instant::now();
        if let Some(snapshot) = &mut last {
            if error.is_some() {
                snapshot.phase = Phase::Failed;
            }
            let mut figure = calibration(snapshot);
            if let Some(error) = &error {
                figure.subtitle = error.to_string();
            }
            steady.hold(&mut figure);
            send(&id, &figure, over);
        }
        let mut work = desk.work();
        work.busy = false;
        work.cost = begin.elapsed() / cores;
        if over {
            return;
        }
    }
}

/// Hands the kernel a display that updates in place; without its channel as one marked line.
fn send(id: &str, figure: &Figure, last: bool) {
    let text = format!("{}\n{}", figure.title, figure.subtitle);
    let mut data = Map::from_iter([("text/plain".to_string(), Value::from(text))]);
    if last {
        let parts = kept(figure).into_iter().flatten();
        data.extend(parts.map(|(mime, part)| (mime.into(), part.into())));
    } else if let Ok(svg) = figure.svg() {
        // In the page's own markup, where it shrinks with the page and is there at once.
        data.insert("text/html".into(), svg.trim().into());
    }
    let parts = data
        .iter()
        .filter_map(|(mime, part)| Some((mime.as_str(), part.as_str()?)));
    if cell::live(id, &parts.collect::<Vec<_>>()) {
        return;
    }
    let line = serde_json::json!({ "id": id, "data": data });
    print(&format!("\u{1}bullwhip-display {line}"));
}

/// A bar on the terminal's last line.
///
/// Our own: the library for it would change features of a crate below burn, which is then compiled
/// anew.
#[derive(Debug)]
struct Bar {
    task: String,
    total: usize,
    begin: Instant,
    first: Option<usize>,
    rhythm: Rhythm,
}

impl Bar {
    fn new(task: &str, total: usize, per_second: f64) -> Self {
        Self {
            task: task.into(),
            total: total.max(1),
            begin: Instant::now(),
            first: None,
            rhythm: Rhythm::new(per_second),
        }
    }

    fn draw(text: &str, end: &str) {
        let mut err = std::io::stderr().lock();
        // A closed terminal cannot be told to anybody. The code clears what was there.
        let _ = write!(err, "\r\u{1b}[2K{text}{end}");
        let _ = err.flush();
    }

    fn update(&mut self, done: usize, note: &str) {
        let first = *self.first.get_or_insert(done.saturating_sub(1));
        if !self.rhythm.due() {
            return;
        }
        // The whole line fits into 80 columns: one that wraps cannot be overwritten.
        const WIDTH: usize = 10;
        let full = (WIDTH * done / self.total).min(WIDTH);
        let spent = self.begin.elapsed().as_secs_f64();
        let speed = (done - first) as f64 / spent.max(1e-9);
        let left = self.total.saturating_sub(done) as f64 / speed;
        Self::draw(
            &format!(
                "{} [{}{}] {done}/{}  {note}  {speed:.0}/s, {left:.0} s left",
                self.task,
                "=".repeat(full),
                " ".repeat(WIDTH - full),
                self.total
            ),
            "",
        );
        self.rhythm.made(Duration::ZERO);
    }

    fn finish(self, note: &str) {
        let spent = self.begin.elapsed().as_secs_f64();
        Self::draw(&format!("{}: {note}, {spent:.1} s", self.task), "\n");
    }
}
