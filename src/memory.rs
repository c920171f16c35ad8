//! The budget of memory: what work will hold is counted before it begins, and held against what is free.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Bytes that are there without asking: to ask takes as long as a small run.
const LITTLE: f64 = 64e6;
/// Share of the free memory that work may take: what it does not count must fit beside it.
const SHARE: f64 = 0.9;

/// Bytes of memory that can be had without swapping, by the machine, the container and the limits of the process; 4 GB
/// where the system does not tell.
pub(crate) fn available() -> usize {
    let machine = told(Path::new("/proc/meminfo"), "MemAvailable:");
    let machine = machine.map_or(4 << 30, |kib| kib << 10);
    let limit = told(Path::new("/proc/self/limits"), "Max address space");
    let space = limit.map_or(usize::MAX, |limit| {
        let held = told(Path::new("/proc/self/status"), "VmSize:").unwrap_or(0) << 10;
        limit.saturating_sub(held)
    });
    machine.min(space).min(of_groups())
}

/// The number behind `name` at the start of a line; none where it is no number, as "unlimited".
fn told(file: &Path, name: &str) -> Option<usize> {
    let text = std::fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|l| l.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Files of a control group: its limit, what it holds, and what of that is a cache by the file `memory.stat`.
type Names = [&'static str; 3];

/// What the control groups of the process leave it: a container has less than its machine.
fn of_groups() -> usize {
    let text = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let each = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (kinds, path) = (parts.next()?, parts.next()?);
        let (root, names): (&str, Names) = if kinds.is_empty() {
            let names = ["memory.max", "memory.current", "inactive_file "];
            ("/sys/fs/cgroup", names)
        } else if kinds.split(',').any(|k| k == "memory") {
            let names = [
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file ",
            ];
            ("/sys/fs/cgroup/memory", names)
        } else {
            return None;
        };
        Some(left(Path::new(root), path, names))
    });
    each.min().unwrap_or(usize::MAX)
}

/// What a group and those above it leave; a container may see its own as the root.
fn left(root: &Path, path: &str, [limit, held, cache]: Names) -> usize {
    let mut at: PathBuf = root.join(path.trim_start_matches('/'));
    let mut least = usize::MAX;
    while at.starts_with(root) {
        if let Some(limit) = told(&at.join(limit), "") {
            let held = told(&at.join(held), "").unwrap_or(0);
            let cache = told(&at.join("memory.stat"), cache).unwrap_or(0);
            least = least.min(limit.saturating_sub(held.saturating_sub(cache)));
        }
        if !at.pop() {
            break;
        }
    }
    least
}

/// Refuses work that holds so many bytes where they are not free. `place` is the argument that asks for
/// them, `what` is what they are, and `remedy` says how to ask for fewer.
pub(crate) fn require(place: &str, what: &str, bytes: f64, remedy: &str) -> Result<()> {
    if bytes <= LITTLE {
        return Ok(());
    }
    let free = available() as f64;
    // NaN is refused, too.
    if bytes <= SHARE * free {
        return Ok(());
    }
    Err(Error::new(
        place,
        format!(
            "{what} would take {} of memory, and {} are free",
            size(bytes),
            size(free)
        ),
        remedy,
    ))
}

/// A number of bytes that people can read.
pub(crate) fn size(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["MB", "GB", "TB", "PB", "EB"];
    let mut value = bytes / 1e6;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match value {
        v if v >= 1e6 => format!("{v:.0e} {}", UNITS[unit]),
        v if v >= 9.95 => format!("{v:.0} {}", UNITS[unit]),
        v => format!("{v:.1} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "overflow")]
    fn sums_that_overflow_panic_in_a_release_too() {
        let most = std::hint::black_box(usize::MAX);
        std::hint::black_box(most + 1);
    }

    #[test]
    fn a_container_has_less_than_its_machine() {
        let root = std::env::temp_dir().join(format!("bullwhip-memory-{}", std::process::id()));
        let names = ["max", "current", "inactive_file "];
        let group = |path: &str, limit: &str| {
            let at = root.join(path);
            std::fs::create_dir_all(&at).expect("a folder");
            for (name, text) in [
                ("max", limit),
                ("current", "5000\n"),
                ("memory.stat", "anon 10\ninactive_file 1000\n"),
            ] {
                std::fs::write(at.join(name), text).expect("written");
            }
        };
        group("a/b", "max\n");
        assert_eq!(left(&root, "/a/b", names), usize::MAX);
        group("a", "9000\n");
        assert_eq!(left(&root, "/a/b", names), 5000);
        group("a/b", "4100\n");
        assert_eq!(left(&root, "/a/b", names), 100);
        group("", "1000\n");
        assert_eq!(left(&root, "/elsewhere", names), 0);
        assert_eq!(left(&root.join("none"), "/", names), usize::MAX);
        assert!(available() > 0);
        std::fs::remove_dir_all(&root).expect("removed");
    }

    #[test]
    fn what_is_not_free_is_refused_with_its_size() {
        assert!(require("x", "it", 1e6, "").is_ok());
        let e = require("Svi.draws", "10^12 draws", 1e15, "ask for fewer").expect_err("too much");
        let text = e.to_string();
        assert!(
            text.starts_with("Svi.draws: 10^12 draws would take 1.0 PB of memory, and "),
            "{text}"
        );
        assert!(require("x", "it", f64::NAN, "").is_err());
        assert!(require("x", "it", f64::INFINITY, "").is_err());
        assert_eq!(
            [5e6, 2.5e9, 3.2e10, 1e15, 1e25].map(size),
            ["5.0 MB", "2.5 GB", "32 GB", "1.0 PB", "1e7 EB"]
        );
    }
}
