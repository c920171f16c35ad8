//! Threads for the parts of one run, whose phases take microseconds and come hundreds a run.

use super::super::plan::MOST_PARTS;
use micropool::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;

/// The threads besides the caller. They stay awake for some hundred microseconds after a phase: it takes less time
/// than a sleeping thread to wake, and so does what is between two runs of a calibration.
static TEAM: LazyLock<ThreadPool> = LazyLock::new(|| {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    ThreadPoolBuilder::default()
        .num_threads(threads.min(MOST_PARTS).saturating_sub(1))
        .idle_spin_cycles(30_000)
        .build()
});

/// Does the work of every part, `apart` on several threads; the caller does what nobody has begun.
pub(super) fn each_part<T: Send>(
    apart: bool,
    parts: impl Iterator<Item = T>,
    work: impl Fn(T) + Sync,
) {
    if !apart {
        return parts.for_each(work);
    }
    let mut parts = parts.fuse();
    let mut waiting: [Option<T>; MOST_PARTS] = std::array::from_fn(|_| parts.next());
    debug_assert!(parts.next().is_none());
    halve(&mut waiting, &work);
}

/// Halves, and not one by one, so that a thread has the same parts in every phase, and they stay in its cache.
fn halve<T: Send>(parts: &mut [Option<T>], work: &(impl Fn(T) + Sync)) {
    let count = parts.iter().filter(|part| part.is_some()).count();
    if count < 2 {
        return parts.iter_mut().filter_map(Option::take).for_each(work);
    }
    let (first, second) = parts.split_at_mut(count / 2);
    TEAM.join(|| halve(first, work), || halve(second, work));
}
