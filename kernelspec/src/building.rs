//! Runs cargo for minutes, and shows how far it is.

use crate::toolchain;
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs cargo, shows which crates it compiles, and on failure what it printed.
pub(crate) fn follow(mut command: Command, what: &str, say: &dyn Fn(&str)) -> Result<()> {
    say(what);
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template(
        "{spinner} {prefix}: {msg} [{elapsed}]",
    )?);
    bar.set_prefix(what.to_string());
    bar.enable_steady_tick(Duration::from_millis(200));
    let terminal = !bar.is_hidden();
    if !terminal {
        eprintln!("{what}");
    }
    let mut child = toolchain::without_package(&mut command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo cannot be started; install Rust with rustup")?;
    let mut log = Vec::new();
    let mut compiled = 0;
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            let line = line?;
            if let Some(name) = line.trim_start().strip_prefix("Compiling ") {
                compiled += 1;
                bar.set_message(format!(
                    "{compiled} crates, {}",
                    name.split(' ').next().unwrap_or(name)
                ));
                if compiled % 50 == 0 {
                    say(&format!("  {compiled} crates"));
                    if !terminal {
                        eprintln!("  {compiled} crates");
                    }
                }
            }
            log.push(line);
        }
    }
    let status = child.wait()?;
    bar.finish_and_clear();
    if !status.success() {
        let tail = log.len().saturating_sub(40);
        bail!("{what} failed:\n{}", log[tail..].join("\n"));
    }
    Ok(())
}
