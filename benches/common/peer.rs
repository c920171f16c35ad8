//! The tuned JAX implementation, where it is: its problems, and its own benchmark.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is measured of both.
pub(crate) const WHAT: [&str; 4] = ["forward", "gradient", "svi step", "abc draws"];

pub(crate) struct Peer {
    pub(crate) folder: PathBuf,
    python: String,
}

impl Peer {
    /// The programs that the environment names, where they run.
    pub(crate) fn find() -> Option<Self> {
        let folder =
            std::env::var_os("BULLWHIP_PEER").map_or("../shared/peer".into(), PathBuf::from);
        let folder = std::path::absolute(folder).ok()?;
        let python = std::env::var("BULLWHIP_PEER_PYTHON").unwrap_or("python3".into());
        let runs = Command::new(&python)
            .args(["-c", "import jax, numpyro, optax"])
            .output()
            .is_ok_and(|o| o.status.success());
        (runs && folder.join("bench.py").is_file()).then_some(Self { folder, python })
    }

    fn command(&self, script: &str, one_core: bool) -> Command {
        let mut command = if one_core {
            let mut command = Command::new("taskset");
            command.args(["-c", "1", &self.python]);
            command
        } else {
            Command::new(&self.python)
        };
        command.current_dir(&self.folder).arg(script);
        command
    }

    /// Writes the peer's problem as a case.
    pub(crate) fn export(&self, firms: usize, periods: usize, dir: &Path) -> bool {
        let mut command = self.command("export.py", false);
        command.args(["--M", &firms.to_string(), "--T", &periods.to_string()]);
        command.arg(dir);
        command.output().is_ok_and(|o| o.status.success())
    }

    /// One line of the peer's own benchmark.
    pub(crate) fn bench(
        &self,
        firms: usize,
        form: &str,
        what: &str,
        one_core: bool,
    ) -> Option<Value> {
        let mut command = self.command("bench.py", one_core);
        let batches = if firms <= 1000 {
            "8,32,64"
        } else if firms <= 10_000 {
            "8,32"
        } else {
            "4,8"
        };
        let steps = if firms <= 3000 {
            "20"
        } else if firms <= 10_000 {
            "5"
        } else {
            "2"
        };
        command.args([
            "one",
            "--M",
            &firms.to_string(),
            "--form",
            form,
            "--what",
            what,
        ]);
        command.args(["--B", batches, "--svi-steps", steps, "--tmax", "2"]);
        let output = command.output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find_map(|l| l.strip_prefix("JSON "))?;
        serde_json::from_str(line).ok()
    }
}

/// The peer's measurement of one kind, from its best formulation.
#[derive(Clone)]
pub(crate) struct Best {
    pub(crate) value: f64,
    pub(crate) form: String,
    pub(crate) one_core: bool,
}

/// What a measurement is called on the peer's command line and in its output.
pub(crate) fn names(what: &str) -> (&'static str, &'static str) {
    match what {
        "forward" => ("fwd", "fwd_ms"),
        "gradient" => ("grad", "grad_ms"),
        "svi step" => ("svi", "svi_ms"),
        _ => ("abc", "abc_draws_s"),
    }
}

/// Tries the peer's formulations at this size, on one core and on all: the best for each that is wanted.
pub(crate) fn search(peer: &Peer, firms: usize, wanted: &[&str]) -> Vec<Option<Best>> {
    let blocked = format!(
        "badj-l{}",
        if firms < 1000 { 300 } else { firms.div_ceil(3) }
    );
    let mut tries = vec![
        ("edge".to_string(), "fwd,grad,svi,abc"),
        ("chunkT-w4".to_string(), "fwd,grad,svi"),
        (blocked, "fwd,grad,svi"),
        ("chunk-w4".to_string(), "abc"),
    ];
    if firms <= 100 {
        tries.push(("dense".to_string(), "fwd,grad,svi,abc"));
        tries.push(("ell".to_string(), "fwd,grad,svi,abc"));
    }
    let mut best: Vec<Option<Best>> = vec![None; wanted.len()];
    for (form, ask) in tries {
        let can: Vec<&str> = ask.split(',').collect();
        let ask: Vec<&str> = wanted
            .iter()
            .map(|w| names(w).0)
            .filter(|w| can.contains(w))
            .collect();
        if ask.is_empty() {
            continue;
        }
        let ask = ask.join(",");
        for one_core in [false, true] {
            if one_core && firms > 3000 {
                continue;
            }
            let Some(line) = peer.bench(firms, &form, &ask, one_core) else {
                continue;
            };
            for (what, best) in wanted.iter().zip(&mut best) {
                let value = number(&line, names(what).1);
                let better = |b: &Best| {
                    if *what == "abc draws" {
                        value > b.value
                    } else {
                        value < b.value
                    }
                };
                if value.is_finite() && best.as_ref().is_none_or(better) {
                    *best = Some(Best {
                        value,
                        form: form.clone(),
                        one_core,
                    });
                }
            }
        }
    }
    best
}

/// A number of a line, or NaN.
pub(crate) fn number(v: &Value, key: &str) -> f64 {
    v[key].as_f64().unwrap_or(f64::NAN)
}
