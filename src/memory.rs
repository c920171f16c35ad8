//! The budget of memory: what work will hold is counted before it begins, and held against what is free.

use crate::error::{Error, Result};

/// Bytes that are there without asking: to ask takes as long as a small run.
const LITTLE: f64 = 64e6;
/// Share of the free memory that work may take: what it does not count must fit beside it.
const SHARE: f64 = 0.9;

/// Bytes of memory that can be had without swapping; 4 GB where the system does not tell.
pub(crate) fn available() -> usize {
    let told = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
            line.split_whitespace().nth(1)?.parse::<usize>().ok()
        });
    told.map_or(4 << 30, |kib| kib << 10)
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
