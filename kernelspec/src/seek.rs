//! Finds an evaluator for a notebook: one that waits, or a new one.

use crate::link::{self, Ask, Place};
use crate::runtime::Runtime;
use crate::spare;
use anyhow::{Context, Result};
use std::os::unix::net::UnixStream;

/// Finds an evaluator and takes it; may compile, and then says so.
pub(crate) fn find_evaluator(say: &dyn Fn(&str)) -> Result<UnixStream> {
    let runtime = Runtime::locate()?;
    runtime.prepare(say)?;
    let folder = std::env::current_dir().context("the notebook's folder has gone")?;
    let own = folder.join(spare::OWN);
    let stream = if own.is_file() {
        spare::check_own(&own)?;
        // It is read when an evaluator starts, so this notebook needs an evaluator of its own.
        say(
            "starting with this folder's evcxr.toml: about half a minute, and the time to compile what it adds",
        );
        spare::start_and_claim(&runtime, Some(&folder))?
    } else {
        match spare::claim(&runtime, say) {
            Some(stream) => stream,
            None => {
                say(match spare::wanted() {
                    0 => "starting: about half a minute, as no engine waits (BULLWHIP_SPARES=0)",
                    _ => "starting: about half a minute; the next notebooks start in seconds",
                });
                spare::start_and_claim(&runtime, None)?
            }
        }
    };
    let mut environment: Vec<_> = std::env::vars_os().collect();
    environment.retain(|(name, _)| name != spare::ALONE);
    link::send(
        &stream,
        &Ask::Serve(Place {
            folder,
            environment,
        }),
    )?;
    Ok(stream)
}
