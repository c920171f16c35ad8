//! The evaluator's hold on the process that runs the cells of one notebook.
//!
//! evcxr starts this program again to load and run cells. Before it runs any, it connects to its
//! evaluator, and when the evaluator is given to a notebook it starts itself afresh in that notebook's folder
//! and environment: same process, same pipes, nothing left of the warm-up.

use crate::link::{self, Order, Place};
use anyhow::{Context, Result, bail};
use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The evaluator's side.
pub(crate) struct Cells {
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    order: Order,
    /// The turn that the process says it has started in.
    reached: u64,
    process: Option<UnixStream>,
}

impl Cells {
    /// Listens for the process, which connects each time it starts.
    pub(crate) fn listen(socket: &Path) -> Result<Self> {
        let listener = UnixListener::bind(socket)
            .with_context(|| format!("{} cannot be made", socket.display()))?;
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(clone) = stream.try_clone() else {
                    continue;
                };
                let Ok(Some(turn)) = link::receive::<u64>(&mut BufReader::new(clone)) else {
                    continue;
                };
                let mut state = lock(&shared.0);
                // A process that cannot be told has gone, and the next one connects again.
                let _ = link::send(&stream, &state.order);
                state.reached = turn;
                state.process = Some(stream);
                shared.1.notify_all();
            }
        });
        Ok(Self { state })
    }

    /// Moves the process, now and after each restart, to a notebook's place.
    pub(crate) fn go(&self, place: &Place) -> Result<()> {
        let mut state = lock(&self.state.0);
        state.order.turn += 1;
        state.order.place = Some(place.clone());
        let turn = state.order.turn;
        if let Some(process) = &state.process {
            // One that has just ended cannot be told; the next one is when it connects.
            let _ = link::send(process, &state.order);
        }
        let limit = Duration::from_secs(20);
        let (state, _) = self
            .state
            .1
            .wait_timeout_while(state, limit, |s| s.reached != turn)
            .unwrap_or_else(PoisonError::into_inner);
        if state.reached != turn {
            bail!(
                "the cells cannot be started in {}; is it still there?",
                place.folder.display()
            );
        }
        Ok(())
    }
}

fn lock(mutex: &Mutex<State>) -> MutexGuard<'_, State> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
