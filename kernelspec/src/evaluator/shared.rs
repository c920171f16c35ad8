//! What several threads of an evaluator need: its folder, its notebook, the process of its cells, its end.

use crate::compile;
use crate::instrument;
use crate::link::{self, Ask, Tell};
use crate::outlet::{Notebook, Outlet};
use crate::process;
use crate::runtime::Runtime;
use crate::spare;
use anyhow::Result;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, select};
use evcxr::EvalContextOutputs;
use std::fs;
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a spare waits for a notebook, in seconds, where it is not two hours; for tests.
const PATIENCE: &str = "BULLWHIP_PATIENCE";

/// What several threads need.
pub(super) struct Shared {
    pub(super) ours: Arc<Ours>,
    pub(super) outlet: Arc<Outlet>,
    /// evcxr's handle on the process that runs cells; it stays valid when that is started again.
    pub(super) process: Arc<Mutex<Child>>,
    pub(super) busy: AtomicBool,
    pub(super) killed: AtomicBool,
}

/// What is there before evcxr is.
pub(super) struct Ours {
    pub(super) dir: PathBuf,
    /// Cells that have begun.
    pub(super) cells: AtomicUsize,
    pub(super) notebook: Mutex<Option<UnixStream>>,
    pub(super) input: (Sender<Option<String>>, Receiver<Option<String>>),
}

impl Ours {
    pub(super) fn notebook(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.notebook.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the notebook; one that has gone is noticed by whoever reads from it.
    pub(super) fn tell(&self, message: &Tell) {
        if let Some(stream) = &*self.notebook() {
            let _ = link::send(stream, message);
        }
    }

    /// The source that was compiled last, as evcxr has written it but for what tells instead of printing.
    pub(super) fn compiled(&self) -> String {
        let source = fs::read_to_string(self.dir.join("src/lib.rs"));
        instrument::without_places(&source.unwrap_or_default())
    }

    /// How what cells print and ask reaches the notebook.
    pub(super) fn as_notebook(self: Arc<Self>) -> Notebook {
        let asked = self.clone();
        Notebook {
            tell: Box::new(move |tell| self.tell(tell)),
            ask: Box::new(move |prompt, password| {
                asked.tell(&Tell::Input {
                    prompt: prompt.to_string(),
                    password,
                });
                // Without a notebook nobody answers.
                asked.notebook().as_ref()?;
                let cell = asked.cells.load(Ordering::SeqCst);
                // A process that has gone while it waited leaves the answer to a later cell.
                while asked.cells.load(Ordering::SeqCst) == cell {
                    let answer = asked.input.1.recv_timeout(Duration::from_millis(200));
                    match answer {
                        Err(RecvTimeoutError::Timeout) => {}
                        answer => return answer.ok().flatten(),
                    }
                }
                None
            }),
        }
    }
}

impl Shared {
    pub(super) fn notebook(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.ours.notebook()
    }

    pub(super) fn tell(&self, message: &Tell) {
        self.ours.tell(message);
    }

    /// Takes the notebook's words: what concerns a running cell at once, the rest in turn.
    pub(super) fn listen(&self, mut reader: BufReader<UnixStream>, asked: &Sender<Ask>) {
        loop {
            let ask = link::receive(&mut reader)
                .ok()
                .flatten()
                .unwrap_or(Ask::Leave);
            match ask {
                Ask::Stop => self.stop(),
                Ask::Kill => {
                    self.killed.store(true, Ordering::SeqCst);
                    let _ = self.ours.input.0.send(None);
                    self.kill();
                }
                Ask::Input(line) => {
                    let _ = self.ours.input.0.send(line);
                }
                Ask::Moved { id, state } => self.outlet.moved(&id, &state),
                Ask::Leave | Ask::End if self.busy.load(Ordering::SeqCst) => self.finish(),
                Ask::Leave | Ask::End | Ask::Serve(_) => {
                    let _ = asked.send(ask);
                    return;
                }
                ask => {
                    let _ = asked.send(ask);
                }
            }
        }
    }

    /// Ends a compilation, or asks the running call to stop.
    pub(super) fn stop(&self) {
        // A cell that waits for input waits no longer.
        let _ = self.ours.input.0.send(None);
        if !compile::stop(&self.ours.dir) {
            process::signal("INT", &process_id(&self.process).to_string());
        }
    }

    /// Ends what cells have started and left running.
    pub(super) fn end_children(&self) {
        process::end_group(process_id(&self.process));
    }

    pub(super) fn kill(&self) {
        self.end_children();
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended by itself is as good.
        let _ = process.kill();
    }

    /// Ends the evaluator: its cells, its folder, itself.
    pub(super) fn finish(&self) -> ! {
        compile::stop(&self.ours.dir);
        self.kill();
        let _ = fs::remove_dir_all(&self.ours.dir);
        std::process::exit(0)
    }

    /// Ends a spare that nobody claims, or that has become stale.
    pub(super) fn watch(self: &Arc<Self>, dir: &Path) -> Result<()> {
        let (shared, home) = (self.clone(), Runtime::locate()?.home);
        let free = dir.join(spare::FREE);
        let begin = Instant::now();
        let patience = patience();
        // Every 20 seconds of two hours.
        let pause = patience.div_f64(360.0);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(pause);
                if !shared.ours.dir.exists() {
                    shared.finish();
                }
                if !free.exists() {
                    return;
                }
                // Another Rust has a runtime in another folder.
                let fresh = Runtime::locate()
                    .is_ok_and(|now| now.home == home && spare::is_fresh(&now, &shared.ours.dir));
                let good = begin.elapsed() < patience && fresh;
                // By the same renaming that a notebook claims it with: only one of the two succeeds.
                if !good && fs::rename(&free, shared.ours.dir.join(spare::TAKEN)).is_ok() {
                    shared.finish();
                }
            }
        });
        Ok(())
    }
}

/// Passes on what the process of the cells says before it has its own pipes: why it cannot start.
pub(super) fn pass_on(outputs: EvalContextOutputs, shared: Arc<Shared>) {
    std::thread::spawn(move || {
        let tell = |line: String| {
            let text = line + "\n";
            shared.tell(&Tell::Text { error: true, text });
        };
        let EvalContextOutputs { stdout, stderr } = outputs;
        loop {
            let line = select! {
                recv(stdout) -> line => line,
                recv(stderr) -> line => line,
            };
            match line {
                Ok(line) => tell(line),
                Err(_) => return,
            }
        }
    });
}

/// How long a spare waits for a notebook.
fn patience() -> Duration {
    let given = std::env::var(PATIENCE).ok();
    let given = given.and_then(|text| Duration::try_from_secs_f64(text.parse().ok()?).ok());
    given.unwrap_or(Duration::from_secs(2 * 3600))
}

pub(super) fn process_id(process: &Mutex<Child>) -> u32 {
    process.lock().unwrap_or_else(PoisonError::into_inner).id()
}
