//! Teams of threads for the partitions of one run. A phase takes microseconds, and a run has hundreds of barriers
//! between phases.

use super::partition::MOST_PARTITIONS;
use micropool::{ThreadPool, ThreadPoolBuilder};
use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A pool of the threads besides the caller. It has no more threads than there is work for, as all of them look for
/// work. They spin for some hundred microseconds after a phase: a phase takes less time than a sleeping thread
/// takes to wake, and so does the pause between two runs of a calibration.
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

/// Does the work of every partition on up to so many threads, where the caller does what no other thread has begun.
pub(super) fn each_partition<T: Send>(
    threads: usize,
    partitions: impl Iterator<Item = T>,
    work: impl Fn(T) + Sync,
) {
    if threads < 2 {
        return partitions.for_each(work);
    }
    let mut partitions = partitions.fuse();
    let mut waiting: [Option<T>; MOST_PARTITIONS] = std::array::from_fn(|_| partitions.next());
    debug_assert!(partitions.next().is_none());
    let count = waiting.iter().flatten().count();
    divide(
        pool(threads.min(MOST_PARTITIONS)),
        &mut waiting[..count],
        &work,
    );
}

/// Divides the partitions into halves, and not one by one: a thread then has the same partitions in every phase,
/// and they stay in its cache.
fn divide<T: Send>(pool: &ThreadPool, partitions: &mut [Option<T>], work: &(impl Fn(T) + Sync)) {
    if partitions.len() < 2 {
        return partitions
            .iter_mut()
            .filter_map(Option::take)
            .for_each(work);
    }
    let (first, second) = partitions.split_at_mut(partitions.len() / 2);
    pool.join(|| divide(pool, first, work), || divide(pool, second, work));
}

/// Runs `work` on a team of up to `most` threads at once. A thread that does not join within about the time that a
/// thread takes to wake is left out: the members divide the partitions among them, however few they are.
pub(super) fn with_team(most: usize, work: impl Fn(Member<'_>) + Sync) {
    let most = most.min(MOST_PARTITIONS);
    if most < 2 {
        return work(Member::only());
    }
    let team = Team::default();
    let mut places: [Option<usize>; MOST_PARTITIONS] = std::array::from_fn(Some);
    divide(pool(most), &mut places[..most], &|place| {
        if let Some(member) = team.join(place, most) {
            work(member);
        }
    });
}

/// Autotuner: measures the runs of one kind with their partitions on several threads and on one, and chooses the
/// faster way. Where cores are far from each other, unequal or busy, a small network is faster on one thread.
#[derive(Default)]
pub(crate) struct Autotuner {
    runs: AtomicUsize,
    /// Mean times of recent runs, in nanoseconds: on several threads, and on one; 0 before the first run.
    split: AtomicU64,
    whole: AtomicU64,
}

impl Autotuner {
    /// Runs from one probe to the next. A probe takes the slower way, to measure whether that has become the faster one.
    const PROBE: usize = 32;

    /// Nanoseconds of a run from which on the cost of threads is too small to probe the other way.
    const LONG_RUN: u64 = 20_000_000;

    /// Whether the next run's partitions run on several threads.
    pub(crate) fn split(&self) -> bool {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let time = |way: &AtomicU64| way.load(Ordering::Relaxed);
        let (split, whole) = (time(&self.split), time(&self.whole));
        let probe = run % Self::PROBE == 4 && split < Self::LONG_RUN;
        (whole == 0 || split <= whole) != probe
    }

    /// Records the time of a run. A shorter time replaces the mean, as a longer time may be an accident.
    pub(crate) fn record(&self, split: bool, time: Duration) {
        let way = if split { &self.split } else { &self.whole };
        let (before, now) = (way.load(Ordering::Relaxed), time.as_nanos() as u64);
        let mean = if before == 0 || now < before {
            now
        } else {
            (3 * before + now) / 4
        };
        way.store(mean, Ordering::Relaxed);
    }
}

/// Spins of a thread that waits for others to join before it begins without them, some 100 microseconds.
const JOIN_SPINS: usize = 5_000;
/// Spins of a thread at a barrier before it yields its processor to other work of the machine.
const BARRIER_SPINS: usize = 20_000;
/// Bit that is set when no more threads may join.
const CLOSED: u32 = 1 << 31;

/// A value with cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct CacheAligned<T>(T);

/// A team: the threads of one run, and their barrier.
#[derive(Default)]
struct Team {
    /// A bit for every place that is taken, and `CLOSED`.
    taken: CacheAligned<AtomicU32>,
    /// Number of phases that the member of each rank has done.
    done: [CacheAligned<AtomicUsize>; MOST_PARTITIONS],
}

impl Team {
    /// Takes a place and waits a while for the others. None if they have begun.
    fn join(&self, place: usize, most: usize) -> Option<Member<'_>> {
        let taken = &self.taken.0;
        let take = |bits: u32| {
            let open = |taken: u32| (taken & CLOSED == 0).then_some(taken | bits);
            taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, open)
        };
        take(1 << place).ok()?;
        for _ in 0..JOIN_SPINS {
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

/// One thread of a team.
pub(super) struct Member<'a> {
    team: Option<&'a Team>,
    rank: usize,
    members: usize,
    done: Cell<usize>,
}

impl Member<'_> {
    /// The only member.
    pub(super) fn only() -> Self {
        Self {
            team: None,
            rank: 0,
            members: 1,
            done: Cell::new(0),
        }
    }

    /// Whether the member does the work that is done once.
    pub(super) fn is_first(&self) -> bool {
        self.rank == 0
    }

    /// The member's partitions, out of `all`.
    pub(super) fn partitions(&self, all: usize) -> Range<usize> {
        self.partitions_of(self.rank, all)
    }

    /// The partitions of every member.
    pub(super) fn all_partitions(&self, all: usize) -> impl Iterator<Item = Range<usize>> {
        (0..self.members).map(move |rank| self.partitions_of(rank, all))
    }

    fn partitions_of(&self, rank: usize, all: usize) -> Range<usize> {
        rank * all / self.members..(rank + 1) * all / self.members
    }

    /// Ends a phase: returns when every member has ended it. Members can then read what the others wrote before.
    pub(super) fn barrier(&self) {
        let Some(team) = self.team else { return };
        let done = self.done.get() + 1;
        self.done.set(done);
        team.done[self.rank].0.store(done, Ordering::Release);
        for (rank, of) in team.done[..self.members].iter().enumerate() {
            let mut spins = 0;
            while rank != self.rank && of.0.load(Ordering::Acquire) < done {
                spins += 1;
                if spins < BARRIER_SPINS {
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
    fn runs_take_the_faster_way_and_probe_the_other_now_and_then() {
        let tuner = Autotuner::default();
        let go = |split: u64, whole: u64| {
            let runs = 2 * Autotuner::PROBE;
            let ways = (0..runs).filter(|_| {
                let way = tuner.split();
                tuner.record(way, Duration::from_micros(if way { split } else { whole }));
                way
            });
            (ways.count(), runs)
        };
        let (split, runs) = go(100, 150);
        assert_eq!(split, runs - 2);
        // Other work keeps the other threads busy, and later no more: the autotuner follows within some runs.
        let (split, _) = go(400, 150);
        assert!((2..8).contains(&split), "{split}");
        let (split, runs) = go(100, 150);
        assert!(split > runs / 3);
    }

    #[test]
    fn all_members_of_a_team_end_each_phase_together() {
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
                // No member is behind, and no member has begun the next round.
                assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == round));
                member.barrier();
            }
        });
        assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == rounds));
        assert!((1..=MOST_PARTITIONS).contains(&members.load(Ordering::Relaxed)));
    }
}
