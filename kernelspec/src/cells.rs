//! The engine's hold on the process that runs the cells of one notebook.
//!
//! evcxr starts this program again to load and run cells. Before it runs any, it connects to its
//! engine, and when the engine is given to a notebook it starts itself afresh in that notebook's folder
//! and environment: same process, same pipes, nothing left of the warm-up.

use crate::link::{self, Place};
use crate::process;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The engine's socket, in the environment of the process.
pub(crate) const SOCKET: &str = "BULLWHIP_CELLS";
/// How many times the engine had been given away when the process started.
const TURN: &str = "BULLWHIP_CELLS_TURN";
/// Where the shared libraries of cells are.
pub(crate) const LIBRARIES: &str = "BULLWHIP_LIBRARIES";

/// The engine's word to the process: where it has to run.
#[derive(Serialize, Deserialize, Clone, Default)]
struct Order {
    turn: u64,
    place: Option<Place>,
}

/// Waits for the first order, and obeys later ones in the background.
pub(crate) fn follow(socket: &Path) -> Result<()> {
    let stream = UnixStream::connect(socket).context("the engine of these cells has gone")?;
    let turn: u64 = std::env::var(TURN).map_or(0, |t| t.parse().unwrap_or(0));
    link::send(&stream, &turn)?;
    let mut reader = BufReader::new(stream);
    let mut obey = move |turn: u64| -> Result<()> {
        let Some(order) = link::receive::<Order>(&mut reader)? else {
            // The engine has gone, perhaps while a cell runs: nobody can reach this process again.
            process::end_all();
        };
        if order.turn != turn
            && let Some(place) = order.place
        {
            bail!("{}", begin_again(&place, order.turn));
        }
        Ok(())
    };
    obey(turn)?;
    std::thread::spawn(move || {
        loop {
            if let Err(error) = obey(turn) {
                eprintln!("the notebook's folder cannot be entered: {error:#}");
                return;
            }
        }
    });
    Ok(())
}

/// Starts this program in another place, in this very process; returns only when it cannot.
fn begin_again(place: &Place, turn: u64) -> std::io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(place.environment.iter().cloned())
        .current_dir(&place.folder)
        .env(TURN, turn.to_string());
    let kept = [
        "BULLWHIP_KERNEL",
        "EVCXR_IS_RUNTIME",
        SOCKET,
        process::SHOWS,
        LIBRARIES,
    ];
    for name in kept {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if let Some(mut path) = std::env::var_os(LIBRARIES) {
        let old = place
            .environment
            .iter()
            .find(|(n, _)| n == "LD_LIBRARY_PATH");
        if let Some((_, old)) = old {
            path.push(":");
            path.push(old);
        }
        command.env("LD_LIBRARY_PATH", path);
    }
    match process::give_back() {
        Ok(()) => command.exec(),
        Err(error) => error,
    }
}

/// The engine's side.
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

/// The variables that the engine's process needs for its cells.
pub(crate) fn environment(dir: &Path, libraries: OsString) -> Vec<(OsString, OsString)> {
    vec![
        (SOCKET.into(), dir.join("cells.sock").into()),
        (process::SHOWS.into(), dir.join("shows.sock").into()),
        (LIBRARIES.into(), libraries),
    ]
}
