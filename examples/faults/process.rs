//! This program again, as a process with limits of memory and time.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a process may take.
pub(crate) struct Limits {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 6 << 30,
            time: Duration::from_secs(120),
        }
    }
}

/// How a process ended.
pub(crate) enum Fate {
    Code(i32),
    /// By a signal.
    Killed,
    /// It was ended here, as its time was over.
    Late,
}

/// A process that is over.
pub(crate) struct Ended {
    pub(crate) fate: Fate,
    pub(crate) out: String,
    pub(crate) error: String,
}

/// A folder of this run's own, which goes when it is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bullwhip-faults-{}-{number}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the folder for temporary files can be written to");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts this program with arguments; its outputs go where they are told.
pub(crate) fn start(arguments: &[String], bytes: u64, out: Stdio, error: Stdio) -> Child {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = if cfg!(unix) {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -v \"$0\"; exec \"$@\""]);
        shell.arg((bytes >> 10).to_string()).arg(program);
        shell
    } else {
        Command::new(program)
    };
    command.args(arguments).stdin(Stdio::null());
    let started = command.stdout(out).stderr(error).spawn();
    started.expect("this program can be started")
}

/// Starts it, and waits until it is over or its time is.
pub(crate) fn run(arguments: &[String], limits: Limits) -> Ended {
    let folder = Folder::new("run");
    let (out, error) = (folder.0.join("out"), folder.0.join("error"));
    let file = |path: &PathBuf| File::create(path).expect("a file").into();
    let mut child = start(arguments, limits.bytes, file(&out), file(&error));
    let begin = Instant::now();
    let fate = loop {
        match child.try_wait().expect("a process of our own") {
            Some(status) => break status.code().map_or(Fate::Killed, Fate::Code),
            None if begin.elapsed() > limits.time => {
                child.kill().expect("a process of our own");
                child.wait().expect("a process of our own");
                break Fate::Late;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let text =
        |path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    Ended {
        fate,
        out: text(&out),
        error: text(&error),
    }
}
