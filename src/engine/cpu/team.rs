//! Threads for the partitions of one run, whose phases take microseconds and join hundreds a run.

use super::super::plan::MOST_PARTITIONS;
use super::processors;
use micropool::{ThreadPool, ThreadPoolBuilder};
use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Threads that a run of so many partitions has.
fn threads(partitions: usize) -> usize {
    partitions.min(MOST_PARTITIONS).min(processors())
}

/// The threads besides the caller, no more than there is work for: all of them look for it. They stay awake for some
/// hundred microseconds after a phase: it takes less time than a sleeping thread to wake, and so does what is between
/// two runs of a calibration.
fn pool(threads: usize) -> &'static ThreadPool {
    static TEAMS: [OnceLock<ThreadPool>; MOST_PARTITIONS] =
        [const { OnceLock::new() }; MOST_PARTITIONS];
    let others = threads - 1;
    TEAMS[others].get_or_init(|| {
        ThreadPoolBuilder::default()
            .num_threads(others)
            .idle_spin_cycles(30_000)
            .build()
    })
}

/// Does the work of every partition, `apart` on several threads; the caller does what nobody has begun.
pub(super) fn each_partition<T: Send>(
    apart: bool,
    partitions: impl Iterator<Item = T>,
    work: impl Fn(T) + Sync,
) {
    if !apart {
        return partitions.for_each(work);
    }
    let mut partitions = partitions.fuse();
    let mut waiting: [Option<T>; MOST_PARTITIONS] = std::array::from_fn(|_| partitions.next());
    debug_assert!(partitions.next().is_none());
    let count = waiting.iter().flatten().count();
    halve(pool(threads(count)), &mut waiting[..count], &work);
}

/// Halves, and not one by one, so that a thread has the same partitions in every phase, and they stay in its cache.
fn halve<T: Send>(pool: &ThreadPool, partitions: &mut [Option<T>], work: &(impl Fn(T) + Sync)) {
    if partitions.len() < 2 {
        return partitions
            .iter_mut()
            .filter_map(Option::take)
            .for_each(work);
    }
    let (first, second) = partitions.split_at_mut(partitions.len() / 2);
    pool.join(|| halve(pool, first, work), || halve(pool, second, work));
}

/// Has several threads, at most so many, do the same work together, phase by phase. Who does not join within the
/// time that a thread takes to wake is not waited for: the members offer the work among them, however few.
pub(super) fn with_team(most: usize, work: impl Fn(Member<'_>) + Sync) {
    let most = threads(most);
    if most < 2 {
        return work(Member::alone());
    }
    let team = Team::default();
    let mut places: [Option<usize>; MOST_PARTITIONS] = std::array::from_fn(Some);
    halve(pool(most), &mut places[..most], &|place| {
        if let Some(member) = team.join(place, most) {
            work(member);
        }
    });
}

/// What runs of one kind take with their partitions over several threads and one after the other. Where cores are far from
/// each other, unequal or busy, a small network is faster on one.
#[derive(Default)]
pub(crate) struct Autotuner {
    runs: AtomicUsize,
    /// Nanoseconds, of the last runs; 0 where there was none.
    apart: AtomicU64,
    alone: AtomicU64,
}

impl Autotuner {
    /// Every so many runs go the other way, to sink whether it has become the faster one.
    const PROBE: usize = 32;

    /// Nanoseconds after which what threads tell each other takes too little to look.
    const LONG: u64 = 20_000_000;

    /// Whether the next run is to go over several threads.
    pub(crate) fn apart(&self) -> bool {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let record = |way: &AtomicU64| way.load(Ordering::Relaxed);
        let (apart, alone) = (record(&self.apart), record(&self.alone));
        let look = run % Self::PROBE == 4 && apart < Self::LONG;
        (alone == 0 || apart <= alone) != look
    }

    /// What a run record: what is faster counts at once, what is slower may be so by chance.
    pub(crate) fn record(&self, apart: bool, time: Duration) {
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

/// Where the threads of one run barrier for each other.
#[derive(Default)]
struct Team {
    /// A bit for every place that is taken, and `CLOSED`.
    taken: Alone<AtomicU32>,
    /// Phases that the member of each rank has done.
    done: [Alone<AtomicUsize>; MOST_PARTITIONS],
}

impl Team {
    /// Takes a place and waits for the others, a while. None if they have begun.
    fn join(&self, place: usize, most: usize) -> Option<Member<'_>> {
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
            team: Some(self),
            rank: (members & ((1 << place) - 1)).count_ones() as usize,
            members: members.count_ones() as usize,
            done: Cell::new(0),
        })
    }
}

/// One thread of those that do a run together.
pub(super) struct Member<'a> {
    team: Option<&'a Team>,
    rank: usize,
    members: usize,
    done: Cell<usize>,
}

impl Member<'_> {
    /// The only one.
    pub(super) fn alone() -> Self {
        Self {
            team: None,
            rank: 0,
            members: 1,
            done: Cell::new(0),
        }
    }

    /// Whether it does what is to be done once.
    pub(super) fn is_first(&self) -> bool {
        self.rank == 0
    }

    /// Its partitions, of so many.
    pub(super) fn partitions(&self, all: usize) -> Range<usize> {
        self.rank * all / self.members..(self.rank + 1) * all / self.members
    }

    /// Ends a phase: goes on when every member has join to its end. What they wrote before is there then.
    pub(super) fn barrier(&self) {
        let Some(team) = self.team else { return };
        let done = self.done.get() + 1;
        self.done.set(done);
        team.done[self.rank].0.store(done, Ordering::Release);
        for (rank, of) in team.done[..self.members].iter().enumerate() {
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
        let tuner = Autotuner::default();
        let go = |apart: u64, alone: u64| {
            let runs = 2 * Autotuner::PROBE;
            let ways = (0..runs).filter(|_| {
                let way = tuner.apart();
                tuner.record(way, Duration::from_micros(if way { apart } else { alone }));
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
        let done: [AtomicUsize; MOST_PARTITIONS] = Default::default();
        let members = AtomicUsize::new(0);
        with_team(MOST_PARTITIONS, |member| {
            members.fetch_max(member.members, Ordering::Relaxed);
            let partitions = member.partitions(MOST_PARTITIONS);
            for round in 1..=rounds {
                partitions.clone().for_each(|p| {
                    done[p].fetch_add(1, Ordering::Relaxed);
                });
                member.barrier();
                // Nobody is behind, and nobody has begun the next.
                assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == round));
                member.barrier();
            }
        });
        assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == rounds));
        assert!((1..=threads(MOST_PARTITIONS)).contains(&members.load(Ordering::Relaxed)));
    }
}
