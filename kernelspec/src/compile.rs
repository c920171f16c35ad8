//! Runs the compiler for a cell, in a way that can be stopped, and passes on what it says.

use crate::link::{self, SHOWS, Word};
use crate::process;
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// How evcxr keeps a variable for later cells.
const KEEPS: &str = "evcxr_variable_store.put_variable::<";

/// In a session's folder: a compiler that runs; one that was stopped.
const COMPILING: &str = "compiling";
const STOPPED: &str = "stopped";

/// Runs a compiler in a group of its own, so that it can be stopped with all that it starts. Its
/// messages are on the channels that are piped: the compiler's own on the error stream, cargo's not.
pub(crate) fn compile(dir: &Path, command: &mut Command) -> Result<ExitStatus> {
    let mut child = command
        .process_group(0)
        .spawn()
        .context("the compiler cannot be started")?;
    fs::write(dir.join(COMPILING), child.id().to_string())?;
    let errors = child.stderr.take();
    // Both at once: who writes into a full pipe waits.
    let errors = std::thread::spawn(move || match errors {
        Some(messages) => pass_on(messages, std::io::stderr(), &mut Waits::default()),
        None => Ok(()),
    });
    if let Some(messages) = child.stdout.take() {
        pass_on(messages, std::io::stdout(), &mut Waits::default())?;
    }
    let passed = errors.join();
    let status = child.wait();
    fs::remove_file(dir.join(COMPILING))?;
    passed.map_err(|_| anyhow::anyhow!("the compiler's messages cannot be read"))??;
    Ok(status?)
}

fn pass_on(from: impl Read, mut to: impl Write, waits: &mut Waits) -> Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        let text = std::str::from_utf8(&line).ok();
        if let Some(said) = text.and_then(|text| waits.hear(text)) {
            tell(&said);
        }
        match text.and_then(without_user) {
            Some(ours) => writeln!(to, "{ours}")?,
            None => to.write_all(&line)?,
        }
        line.clear();
    }
    Ok(())
}

/// What the user of a cell that waits for cargo is told.
#[derive(Default)]
struct Waits {
    compiled: usize,
}

impl Waits {
    /// The words for a line of cargo's, if it is worth any.
    fn hear(&mut self, line: &str) -> Option<String> {
        let line = line.trim();
        if let Some(lock) = line.strip_prefix("Blocking waiting for file lock on ") {
            return Some(format!(
                "waiting for another cargo of this user, which holds the lock on {lock}\n"
            ));
        }
        let name = line.strip_prefix("Compiling ")?.split(' ').next()?;
        self.compiled += 1;
        self.compiled.is_multiple_of(10).then(|| {
            format!(
                "compiling what this cell adds: {} crates, now {name}\n",
                self.compiled
            )
        })
    }
}

/// Tells the evaluator of these cells.
fn tell(text: &str) {
    let Some(socket) = std::env::var_os(SHOWS) else {
        return;
    };
    if let Ok(stream) = std::os::unix::net::UnixStream::connect(socket) {
        // An evaluator that has gone needs no words.
        let _ = link::send(&stream, &Word::Waits { text: text.into() });
    }
}

/// A compiler's message that evcxr cannot keep a variable which the cell has moved, as one about
/// evcxr's line only; None for all others.
///
/// evcxr then forgets the variable and compiles again. If the message also points to the cell's last
/// expression, evcxr takes it for the fault of the way it shows that, and falls back to the plain one.
fn without_user(line: &str) -> Option<String> {
    if !line.contains("\"E0382\"") {
        return None;
    }
    let mut whole: Value = serde_json::from_str(line).ok()?;
    // Cargo wraps what the compiler says.
    let message = match whole["message"].is_object() {
        true => &mut whole["message"],
        false => &mut whole,
    };
    let spans = message["spans"].as_array_mut()?;
    let primary = |span: &Value| span["is_primary"] == true;
    let keeps = |span: &Value| span["text"].to_string().contains(KEEPS);
    if !spans.iter().filter(|span| primary(span)).all(keeps) {
        return None;
    }
    spans.retain(primary);
    message["children"] = Value::Array(Vec::new());
    Some(whole.to_string())
}

/// Stops the compiler that runs in `dir`; false when none does.
pub(crate) fn stop(dir: &Path) -> bool {
    let running = fs::read_to_string(dir.join(COMPILING)).ok();
    let Some(group) = running.and_then(|text| text.parse::<u32>().ok()) else {
        return false;
    };
    // A number that a compiler has left behind may be another process's by now.
    let place = fs::read_link(format!("/proc/{group}/cwd")).ok();
    if Path::new("/proc").exists() && place != fs::canonicalize(dir).ok() {
        return false;
    }
    // Should it end this very moment, the cell runs, and the next interrupt asks it to stop.
    let stopped = process::signal("KILL", &format!("-{group}"));
    stopped && fs::write(dir.join(STOPPED), "").is_ok()
}

/// True, once, after `stop` has stopped a compiler in `dir`.
pub(crate) fn was_stopped(dir: &Path) -> bool {
    fs::remove_file(dir.join(STOPPED)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_variable_is_not_the_fault_of_the_display() {
        let message = |kept: &str| {
            let span = |primary: bool, text: &str| serde_json::json!({ "is_primary": primary, "text": [{ "text": text }] });
            serde_json::json!({
                "code": { "code": "E0382" }, "children": [{ "message": "consider cloning" }],
                "spans": [span(false, "(shock.and(other)).evcxr_display();"), span(true, kept)],
            })
            .to_string()
        };
        let line = "evcxr_variable_store.put_variable::<Shock>(stringify!(shock), shock);";
        let ours: Value =
            serde_json::from_str(&without_user(&message(line)).expect("ours")).expect("JSON");
        assert_eq!(ours["spans"].as_array().map(Vec::len), Some(1));
        assert_eq!(ours["spans"][0]["is_primary"], true);
        assert_eq!(ours["children"].as_array().map(Vec::len), Some(0));
        let wrapped = format!(
            "{{\"reason\":\"compiler-message\",\"message\":{}}}",
            message(line)
        );
        let wrapped: Value =
            serde_json::from_str(&without_user(&wrapped).expect("ours")).expect("JSON");
        assert_eq!(wrapped["message"], ours);
        // A fault of the user's stays as it is, with all that the compiler says of it.
        assert_eq!(without_user(&message("shock.and(other);")), None);
        assert_eq!(without_user("error: aborting"), None);
    }

    #[test]
    fn who_waits_for_cargo_is_told_what_for() {
        let mut waits = Waits::default();
        let said = waits.hear("    Blocking waiting for file lock on package cache\n");
        assert!(said.is_some_and(
            |s| s.contains("another cargo of this user") && s.contains("package cache")
        ));
        let lines = (1..=12).filter_map(|k| waits.hear(&format!("   Compiling crate{k} v1.0.0\n")));
        let said: Vec<String> = lines.collect();
        assert_eq!(
            said,
            ["compiling what this cell adds: 10 crates, now crate10\n"]
        );
        assert_eq!(waits.hear("{\"reason\":\"compiler-artifact\"}"), None);
    }
}
