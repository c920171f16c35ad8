//! Threads for the parts of one run, whose phases take microseconds and come hundreds a run.

use super::super::plan::MOST_PARTS;

/// Does the work of every part, `apart` on several threads. A phase takes less time than a sleeping thread to
/// wake: threads stay awake for the next one, and the caller takes what nobody has begun.
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
    micropool::join(|| halve(first, work), || halve(second, work));
}
