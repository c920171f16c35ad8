//! Inside the process that runs cells: where its evaluator wants it to run.

use crate::link::{self, CELLS, LIBRARIES, Order, Place, SHOWS};
use crate::pipes;
use anyhow::{Context, Result, bail};
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// How many times the evaluator had been given away when the process started.
const TURN: &str = "BULLWHIP_CELLS_TURN";

/// Waits for the first order, and obeys later ones in the background.
pub(crate) fn follow(socket: &Path) -> Result<()> {
    let stream = UnixStream::connect(socket).context("the engine of these cells has gone")?;
    let turn: u64 = std::env::var(TURN).map_or(0, |t| t.parse().unwrap_or(0));
    link::send(&stream, &turn)?;
    let mut reader = BufReader::new(stream);
    let mut obey = move |turn: u64| -> Result<()> {
        let Some(order) = link::receive::<Order>(&mut reader)? else {
            // The evaluator has gone, perhaps while a cell runs: nobody can reach this process again.
            pipes::end_all();
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
        CELLS,
        SHOWS,
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
    match pipes::give_back() {
        Ok(()) => command.exec(),
        Err(error) => error,
    }
}
