//! Threads for the parts of one run, whose phases take microseconds and come hundreds a run.

use super::super::plan::MOST_PARTS;
use super::processors;
use micropool::{ThreadPool, ThreadPoolBuilder};
use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Threads that a run of so many parts has.
fn threads(parts: usize) -> usize {
    parts.min(MOST_PARTS).min(processors())
}

/// The threads besides the caller, no more than there is work for: all of them look for it. They stay awake for some
/// hundred microseconds after a phase: it takes less time than a sleeping thread to wake, and so does what is between
/// two runs of a calibration.
fn team(threads: usize) -> &'static ThreadPool {
    static TEAMS: [OnceLock<ThreadPool>; MOST_PARTS] = [const { OnceLock::new() }; MOST_PARTS];
    let others = threads - 1;
    TEAMS[others].get_or_init(|| {
        ThreadPoolBuilder::default()
            .num_threads(others)
            .idle_spin_cycles(30_000)
            .build()
    })
}

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
    let count = waiting.iter().flatten().count();
    halve(team(threads(count)), &mut waiting[..count], &work);
}

/// Halves, and not one by one, so that a thread has the same parts in every phase, and they stay in its cache.
fn halve<T: Send>(team: &ThreadPool, parts: &mut [Option<T>], work: &(impl Fn(T) + Sync)) {
    if parts.len() < 2 {
        return parts.iter_mut().filter_map(Option::take).for_each(work);
    }
    let (first, second) = parts.split_at_mut(parts.len() / 2);
    team.join(|| halve(team, first, work), || halve(team, second, work));
}

/// Has several threads, at most so many, do the same work together, phase by phase. Who does not come within the
/// time that a thread takes to wake is not waited for: the members share the work among them, however few.
pub(super) fn meet(most: usize, work: impl Fn(Member<'_>) + Sync) {
    let most = threads(most);
    if most < 2 {
        return work(Member::alone());
    }
    let meeting = Meeting::default();
    let mut places: [Option<usize>; MOST_PARTS] = std::array::from_fn(Some);
    halve(team(most), &mut places[..most], &|place| {
        if let Some(member) = meeting.come(place, most) {
            work(member);
        }
    });
}

/// What runs of one kind take with their parts over several threads and one after the other. Where cores are far from
/// each other, unequal or busy, a small network is faster on one.
#[derive(Default)]
pub(crate) struct Pace {
    runs: AtomicUsize,
    /// Nanoseconds, of the last runs; 0 where there was none.
    apart: AtomicU64,
    alone: AtomicU64,
}

impl Pace {
    /// Every so many runs go the other way, to see whether it has become the faster one.
    const LOOK: usize = 32;

    /// Nanoseconds after which what threads tell each other takes too little to look.
    const LONG: u64 = 20_000_000;

    /// Whether the next run is to go over several threads.
    pub(crate) fn apart(&self) -> bool {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let took = |way: &AtomicU64| way.load(Ordering::Relaxed);
        let (apart, alone) = (took(&self.apart), took(&self.alone));
        let look = run % Self::LOOK == 4 && apart < Self::LONG;
        (alone == 0 || apart <= alone) != look
    }

    /// What a run took: what is faster counts at once, what is slower may be so by chance.
    pub(crate) fn took(&self, apart: bool, time: Duration) {
        let way = if apart { &self.apart } else { &self.alone };
        let (before, now) = (way.load(Ordering::Relaxed), time.as_nanos() as u64);
        let mean = if before == 0 || now < before {
            now
        } else {
            (3 * before + now) / 4
        };
        way.store(mean, Ordering::Relaxed);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_go_the_faster_way_and_look_at_the_other_now_and_then() {
        let pace = Pace::default();
        let go = |apart: u64, alone: u64| {
            let runs = 2 * Pace::LOOK;
            let ways = (0..runs).filter(|_| {
                let way = pace.apart();
                pace.took(way, Duration::from_micros(if way { apart } else { alone }));
                way
            });
            (ways.count(), runs)
        };
        let (apart, runs) = go(100, 150);
        assert_eq!(apart, runs - 2);
        // Something else keeps the other threads busy: after some runs, and after one look they are back.
        let (apart, _) = go(400, 150);
        assert!((2..8).contains(&apart), "{apart}");
        let (apart, runs) = go(100, 150);
        assert!(apart > runs / 3);
    }

    #[test]
    fn all_members_of_a_meeting_pass_each_phase_together() {
        let rounds = 200;
        let done: [AtomicUsize; MOST_PARTS] = Default::default();
        let members = AtomicUsize::new(0);
        meet(MOST_PARTS, |member| {
            members.fetch_max(member.members, Ordering::Relaxed);
            let parts = member.parts(MOST_PARTS);
            for round in 1..=rounds {
                parts.clone().for_each(|p| {
                    done[p].fetch_add(1, Ordering::Relaxed);
                });
                member.wait();
                // Nobody is behind, and nobody has begun the next.
                assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == round));
                member.wait();
            }
        });
        assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == rounds));
        assert!((1..=threads(MOST_PARTS)).contains(&members.load(Ordering::Relaxed)));
    }
}
