//! The tuned JAX implementation, where it is: its problems, and its own benchmark.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is measured of both, and of how many particles at once.
pub(crate) const WHAT: [(&str, usize); 5] = [
    ("forward", 1),
    ("gradient", 1),
    ("svi step", 1),
    ("svi step", 8),
    ("abc draws", 1),
];

/// A step of the peer's calibration with several particles, timed as its own benchmark times one. Takes
/// firms, formulation, particles and steps.
const STEP: &str = r#"
import json, resource, sys
sys.path.insert(0, ".")
import bench, jax, problem as P, svi as V
firms, form, particles, steps = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
form, kw = bench.parse_form(form)
p = P.Problem(P.Setup(M=firms, T=50, rule="capacity", kind="region", n_events=5, seed=0, n_out=0), form, **kw)
init, run, _, _ = V.make_bare(p, V.weight(p, 0.01), steps=300, particles=particles)
st = init()
ms = bench.med(lambda: run(st, steps, p.z_in, p.y_in)[1], 21, 2.0)[0] * 1e3 / steps
mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print("JSON " + json.dumps({"svi_ms": ms, "maxrss_mb": mb}))
"#;

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

    fn command(&self, script: &[&str], one_core: bool) -> Command {
        let mut command = if one_core {
            let mut command = Command::new("taskset");
            command.args(["-c", "1", &self.python]);
            command
        } else {
            Command::new(&self.python)
        };
        command.current_dir(&self.folder).args(script);
        command
    }

    /// Writes the peer's problem as a case.
    pub(crate) fn export(&self, firms: usize, periods: usize, dir: &Path) -> bool {
        let mut command = self.command(&["export.py"], false);
        command.args(["--M", &firms.to_string(), "--T", &periods.to_string()]);
        command.arg(dir);
        command.output().is_ok_and(|o| o.status.success())
    }

    /// One measurement by the peer's own benchmark.
    pub(crate) fn bench(
        &self,
        firms: usize,
        form: &str,
        (what, particles): (&str, usize),
        one_core: bool,
    ) -> Option<Value> {
        let (size, number) = (firms.to_string(), particles.to_string());
        let steps = match firms {
            ..=3000 => "20",
            3001..=10_000 => "5",
            _ => "2",
        };
        let batches = match firms {
            ..=1000 => "8,32,64",
            1001..=10_000 => "8,32",
            _ => "4,8",
        };
        let mut command = if particles > 1 {
            let mut command = self.command(&["-c", STEP], one_core);
            command.args([&size, form, &number, steps]);
            command
        } else {
            let mut command = self.command(&["bench.py", "one"], one_core);
            command.args(["--M", &size, "--form", form, "--what", what]);
            command.args(["--B", batches, "--svi-steps", steps, "--tmax", "2"]);
            command
        };
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
pub(crate) fn search(
    peer: &Peer,
    firms: usize,
    wanted: &[(&'static str, usize)],
) -> Vec<Option<Best>> {
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
        let fits = |w: &(&str, usize)| can.contains(&names(w.0).0);
        // Those of one particle are asked for together.
        let single = wanted.iter().filter(|w| w.1 == 1 && fits(w));
        let single: Vec<&str> = single.map(|w| names(w.0).0).collect();
        let mut asked = vec![(single.join(","), 1)];
        let several = wanted.iter().filter(|w| w.1 > 1 && fits(w));
        asked.extend(several.map(|w| (String::new(), w.1)));
        asked.retain(|(what, particles)| !what.is_empty() || *particles > 1);
        for (ask, particles) in asked {
            for one_core in [false, true] {
                if one_core && firms > 3000 {
                    continue;
                }
                let Some(line) = peer.bench(firms, &form, (&ask, particles), one_core) else {
                    continue;
                };
                for (what, best) in wanted.iter().zip(&mut best) {
                    if what.1 != particles {
                        continue;
                    }
                    let value = number(&line, names(what.0).1);
                    let better = |b: &Best| {
                        if what.0 == "abc draws" {
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
    }
    best
}

/// A number of a line, or NaN.
pub(crate) fn number(v: &Value, key: &str) -> f64 {
    v[key].as_f64().unwrap_or(f64::NAN)
}
