//! Threads for the parts of one run, whose phases take microseconds and come hundreds a run.

use super::super::plan::MOST_PARTS;
use micropool::{ThreadPool, ThreadPoolBuilder};
use std::cell::Cell;
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The threads besides the caller. They stay awake for some hundred microseconds after a phase: it takes less time
/// than a sleeping thread to wake, and so does what is between two runs of a calibration.
static TEAM: LazyLock<ThreadPool> = LazyLock::new(|| {
    ThreadPoolBuilder::default()
        .num_threads(*THREADS - 1)
        .idle_spin_cycles(30_000)
        .build()
});

/// Threads that a run may have. The system reads files to tell.
static THREADS: LazyLock<usize> = LazyLock::new(|| {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    all.min(MOST_PARTS)
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

/// Has several threads, at most so many, do the same work together, phase by phase. Who does not come within the
/// time that a thread takes to wake is not waited for: the members share the work among them, however few.
pub(super) fn meet(most: usize, work: impl Fn(Member<'_>) + Sync) {
    let most = most.min(*THREADS);
    if most < 2 {
        return work(Member::alone());
    }
    let meeting = Meeting::default();
    let mut places: [Option<usize>; MOST_PARTS] =
        std::array::from_fn(|place| (place < most).then_some(place));
    halve(&mut places, &|place| {
        if let Some(member) = meeting.come(place, most) {
            work(member);
        }
    });
}

/// Times that a thread looks for the others before it begins without them, some 100 microseconds.
const PATIENCE: usize = 5_000;
/// Times that it looks for them in a phase before it lets other work of the machine have the processor.
const SPINS: usize = 20_000;
/// Set once nobody is let in any more.
const CLOSED: u32 = 1 << 31;

/// Alone in its lines of the cache.
#[derive(Default)]
#[repr(align(128))]
struct Alone<T>(T);

/// Where the threads of one run wait for each other.
#[derive(Default)]
struct Meeting {
    /// A bit for every place that is taken, and `CLOSED`.
    taken: Alone<AtomicU32>,
    /// Phases that the member of each rank has done.
    done: [Alone<AtomicUsize>; MOST_PARTS],
}

impl Meeting {
    /// Takes a place and waits for the others, a while. None if they have begun.
    fn come(&self, place: usize, most: usize) -> Option<Member<'_>> {
        let taken = &self.taken.0;
        let take = |bits: u32| {
            let open = |taken: u32| (taken & CLOSED == 0).then_some(taken | bits);
            taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, open)
        };
        take(1 << place).ok()?;
        for _ in 0..PATIENCE {
            let now = taken.load(Ordering::Acquire);
            if now & CLOSED != 0 || now.count_ones() as usize == most {
                break;
            }
            std::hint::spin_loop();
        }
        let members = take(CLOSED).unwrap_or_else(|closed| closed) & !CLOSED;
        Some(Member {
            meeting: Some(self),
            rank: (members & ((1 << place) - 1)).count_ones() as usize,
            members: members.count_ones() as usize,
            done: Cell::new(0),
        })
    }
}

/// One thread of those that do a run together.
pub(super) struct Member<'a> {
    meeting: Option<&'a Meeting>,
    rank: usize,
    members: usize,
    done: Cell<usize>,
}

impl Member<'_> {
    /// The only one.
    pub(super) fn alone() -> Self {
        Self {
            meeting: None,
            rank: 0,
            members: 1,
            done: Cell::new(0),
        }
    }

    /// Whether it does what is to be done once.
    pub(super) fn is_first(&self) -> bool {
        self.rank == 0
    }

    /// Its parts, of so many.
    pub(super) fn parts(&self, all: usize) -> Range<usize> {
        self.rank * all / self.members..(self.rank + 1) * all / self.members
    }

    /// Ends a phase: goes on when every member has come to its end. What they wrote before is there then.
    pub(super) fn wait(&self) {
        let Some(meeting) = self.meeting else { return };
        let done = self.done.get() + 1;
        self.done.set(done);
        meeting.done[self.rank].0.store(done, Ordering::Release);
        for (rank, of) in meeting.done[..self.members].iter().enumerate() {
            let mut looks = 0;
            while rank != self.rank && of.0.load(Ordering::Acquire) < done {
                looks += 1;
                if looks < SPINS {
                    std::hint::spin_loop();
                } else {
                    std::thread::yield_now();
                }
            }
        }
    }
}
