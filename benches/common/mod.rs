//! What the benchmarks share.

use bullwhip::Result;
use std::time::Instant;

/// Largest resident memory of this process so far, MB; NaN where the system does not tell.
pub(crate) fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    line.and_then(|l| l.split_whitespace().nth(1)?.parse::<f64>().ok())
        .map_or(f64::NAN, |kb| kb / 1024.0)
}

/// Median seconds of a call, over at least five.
///
/// Before, it has run a while: a processor takes milliseconds to reach its clock, a small network some runs to find
/// its pace, and the peer of the race compiles for seconds.
pub(crate) fn median(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    call()?;
    while begin.elapsed().as_secs_f64() < 0.2 {
        call()?;
    }
    let (begin, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || (times.len() < 41 && begin.elapsed().as_secs_f64() < 2.0) {
        let start = Instant::now();
        call()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
