//! Evaluators that wait for a notebook: found, claimed, started, ended.

use crate::compile;
use crate::link::{self, Ask};
use crate::process;
use crate::runtime::Runtime;
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How many spares wait: `0` switches them off.
pub(crate) const WANTED: &str = "BULLWHIP_SPARES";
/// The socket of an evaluator that nobody has claimed. Renaming it claims it.
pub(crate) const FREE: &str = "free.sock";
pub(crate) const TAKEN: &str = "taken.sock";
/// There while an evaluator clears what the notebook before has left.
pub(crate) const RETURNING: &str = "returning";

/// Set where the evaluator is for one notebook only, with a configuration of its own.
pub(crate) const PRIVATE: &str = "BULLWHIP_ENGINE_PRIVATE";

/// A folder's own configuration.
pub(crate) const OWN: &str = "evcxr.toml";
/// Set where the kernel is not to start the next spare itself.
pub(crate) const ALONE: &str = "BULLWHIP_ALONE";

/// An evaluator, as its folder tells.
pub(crate) struct Found {
    pub(crate) process: u32,
    dir: PathBuf,
    pub(crate) warm: bool,
}

/// How many spares the user wants.
pub(crate) fn wanted() -> usize {
    match std::env::var(WANTED) {
        Ok(text) => text.trim().parse().unwrap_or(1),
        Err(_) => 1,
    }
}

/// What an evaluator was made from: the sources and this program.
pub(crate) fn stamp(runtime: &Runtime) -> Result<String> {
    let program = fs::metadata(std::env::current_exe()?)?;
    Ok(format!(
        "{} {:?} {}",
        runtime.stamp()?,
        program.modified()?,
        program.len()
    ))
}

/// True when the evaluator in `dir` was made from the sources as they are now.
pub(crate) fn is_fresh(runtime: &Runtime, dir: &Path) -> bool {
    let made = fs::read_to_string(dir.join("stamp"));
    made.is_ok_and(|made| stamp(runtime).is_ok_and(|now| now == made))
}

/// The evaluators that nobody has claimed, warm ones first.
pub(crate) fn free(runtime: &Runtime) -> Vec<Found> {
    free_in(&runtime.home)
}

fn free_in(home: &Path) -> Vec<Found> {
    let entries = fs::read_dir(home.join("sessions"));
    let mut all: Vec<Found> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join(FREE).exists() && process::is_alive(&entry.path()))
        .filter_map(|entry| {
            Some(Found {
                process: entry.file_name().to_str()?.parse().ok()?,
                warm: entry.path().join("warm").exists(),
                dir: entry.path(),
            })
        })
        .collect();
    all.sort_by_key(|found| (!found.warm, found.process));
    all
}

impl Found {
    /// Claims the evaluator; None when another notebook was faster, or it has gone.
    fn claim(&self) -> Option<UnixStream> {
        let taken = self.dir.join(TAKEN);
        fs::rename(self.dir.join(FREE), &taken).ok()?;
        UnixStream::connect(taken).ok()
    }
}

/// A claimed evaluator for this notebook; waits a moment for one that another notebook gives back.
/// Says how long the notebook has to wait for it.
pub(crate) fn claim(runtime: &Runtime, say: &dyn Fn(&str)) -> Option<UnixStream> {
    let limit = Instant::now() + Duration::from_secs(30);
    let mut told = false;
    loop {
        // Asked before looking for free ones: what returns in between is found.
        let returning = returning(runtime);
        let claimed = claim_free(runtime, say);
        if claimed.is_some() || !returning || Instant::now() > limit {
            return claimed;
        }
        if !told {
            say("taking over from the notebook before: a second");
            told = true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn returning(runtime: &Runtime) -> bool {
    let entries = fs::read_dir(runtime.home.join("sessions"));
    let mut folders = entries.into_iter().flatten().flatten();
    folders.any(|entry| {
        let path = entry.path();
        process::is_alive(&path) && path.join(RETURNING).exists() && is_fresh(runtime, &path)
    })
}

/// The first evaluator that waits; ends those that are stale.
fn claim_free(runtime: &Runtime, say: &dyn Fn(&str)) -> Option<UnixStream> {
    free(runtime).iter().find_map(|found| {
        let stream = found.claim()?;
        if is_fresh(runtime, &found.dir) {
            say(match found.warm {
                true => "starting: a few seconds",
                false => "starting: the engine is still warming up, at most a minute",
            });
            return Some(stream);
        }
        say("bullwhip has changed: the engine that waited is of the old version, and ends");
        let _ = link::send(&stream, &Ask::End);
        None
    })
}

/// The processes that serve notebooks.
pub(crate) fn in_use(home: &Path) -> Vec<u32> {
    let entries = fs::read_dir(home.join("sessions"));
    let serving = entries.into_iter().flatten().flatten().filter(|entry| {
        let waits = [FREE, RETURNING]
            .iter()
            .any(|n| entry.path().join(n).exists());
        !waits && process::is_alive(&entry.path())
    });
    serving
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Ends all that wait, and sees them end; the number of them.
pub(crate) fn end_all(home: &Path) -> usize {
    let ended = free_in(home).into_iter().filter_map(|found| {
        let stream = found.claim()?;
        // One that still warms up would hear it in a minute.
        if found.warm && link::send(&stream, &Ask::End).is_ok() {
            // Nothing comes: the end of the stream is the end of the evaluator.
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = (&stream).read(&mut [0]);
        } else {
            compile::stop(&found.dir);
        }
        // Its group, which its cells are in; where it has ended by itself, there is none.
        process::end_group(found.process);
        let limit = Instant::now() + Duration::from_secs(5);
        while Path::new("/proc").exists() && process::is_alive(&found.dir) && Instant::now() < limit
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        // It could not do it itself.
        let _ = fs::remove_dir_all(&found.dir);
        Some(())
    });
    ended.count()
}

/// Starts an evaluator; `private` in a folder whose own evcxr.toml it reads.
pub(crate) fn start(runtime: &Runtime, private: Option<&Path>) -> Result<Child> {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(runtime.home.join("log"))?;
    if log.metadata()?.len() > 1 << 20 {
        log.set_len(0)?;
    }
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("engine")
        .current_dir(&runtime.home)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Jupyter ends the processes of a notebook as a group: an evaluator outlives it.
        .process_group(0);
    if let Some(folder) = private {
        command.env(PRIVATE, "1").current_dir(folder);
    }
    command.spawn().context("the engine cannot be started")
}

/// Starts an evaluator and claims it, before it is warm. Waits as long as its process lives: on a busy
/// machine its folder alone can take minutes.
pub(crate) fn start_and_claim(runtime: &Runtime, private: Option<&Path>) -> Result<UnixStream> {
    let mut child = start(runtime, private)?;
    let mut dir = runtime.session_dir(child.id());
    loop {
        let claimed = if private.is_some() {
            UnixStream::connect(dir.join(TAKEN)).ok()
        } else {
            let found = Found {
                process: child.id(),
                dir: dir.clone(),
                warm: false,
            };
            found.claim()
        };
        if let Some(stream) = claimed {
            // Waits for it in the background: else it would stay as a zombie when it ends.
            std::thread::spawn(move || child.wait());
            return Ok(stream);
        }
        // Another notebook was faster: this one needs another.
        if private.is_none() && dir.join(TAKEN).exists() {
            std::thread::spawn(move || child.wait());
            child = start(runtime, None)?;
            dir = runtime.session_dir(child.id());
        }
        if let Some(status) = child.try_wait()? {
            bail!(
                "the engine ended at once ({status}):\n{}",
                log_tail(runtime)
            );
        }
        // The socket appears a moment after the process.
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts a spare where one is wanted, none waits and memory allows it.
pub(crate) fn start_next(runtime: &Runtime) -> Result<()> {
    if free(runtime).len() < wanted() && process::memory_allows() {
        let mut child = start(runtime, None)?;
        std::thread::spawn(move || child.wait());
    }
    Ok(())
}

/// The last lines that evaluators have written.
pub(crate) fn log_tail(runtime: &Runtime) -> String {
    let text = fs::read_to_string(runtime.home.join("log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// Refuses a folder's configuration that would have everything compiled anew.
pub(crate) fn check_own(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let line = text
        .lines()
        .position(|line| line.trim_start().starts_with("tmpdir"));
    match line {
        Some(line) => bail!(
            "{}: line {}: this kernel has a folder for what it compiles; remove `tmpdir`",
            file.display(),
            line + 1
        ),
        None => Ok(()),
    }
}
