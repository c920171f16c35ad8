//! The way of a calibration: every step of it while they are some thousand, fewer of the early ones after that.

use super::rows::Unfit;
use crate::infer::Step;
use serde::{Deserialize, Serialize};

/// Steps that are kept whole at the least, and the number of early ones at which these are thinned.
const MOST: usize = 10_000;
/// Steps at the end that are never thinned: what judges the end of a fit looks at them one by one.
const LAST: usize = 1000;

/// Steps in their order. Memory, pictures and state files would grow with a fit of millions of them, so of those before
/// `from` only every `stride`th is kept, the first among them. Which ones these are depends on the number of steps
/// alone, so a fit that goes on from a file has the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct History {
    kept: Vec<Step>,
    /// Steps that were made.
    made: usize,
    from: usize,
    stride: usize,
    /// How many steps at the end are kept whole.
    #[serde(skip)]
    last: usize,
}

impl Default for History {
    fn default() -> Self {
        Self::new(0)
    }
}

impl History {
    /// None yet; the last `last` steps, some thousand at least, will be kept whole.
    pub(crate) fn new(last: usize) -> Self {
        Self {
            kept: Vec::new(),
            made: 0,
            from: 0,
            stride: 1,
            last: last.max(LAST),
        }
    }

    /// The history that was read from a file, with the last `last` steps kept whole; refused where its numbers do not fit
    /// to each other.
    pub(crate) fn restored(self, last: usize) -> std::result::Result<Self, Unfit> {
        let early = self.from.div_ceil(self.stride.max(1));
        let whole = self.kept.len().checked_sub(early);
        let made = whole.and_then(|whole| self.from.checked_add(whole));
        if self.stride == 0 || made != Some(self.made) {
            return Err(Unfit::missing("history"));
        }
        let last = last.max(LAST);
        Ok(Self { last, ..self })
    }

    /// The steps that are kept.
    pub(crate) fn kept(&self) -> &[Step] {
        &self.kept
    }

    /// Number of steps that were made.
    pub(crate) fn steps(&self) -> usize {
        self.made
    }

    /// The last `count` steps; none where there are fewer, or not all of them are kept.
    pub(crate) fn last(&self, count: usize) -> Option<&[Step]> {
        (self.made - self.from >= count).then(|| &self.kept[self.kept.len() - count..])
    }

    /// Those that are kept of the steps from `step` on.
    pub(crate) fn since(&self, step: usize) -> &[Step] {
        &self.kept[self.place(step)..]
    }

    /// Where `step`, or the first one after it that is kept, stands.
    fn place(&self, step: usize) -> usize {
        if step >= self.from {
            self.kept.len() - self.made.saturating_sub(step)
        } else {
            step.div_ceil(self.stride)
        }
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.kept.push(step);
        self.made += 1;
        if self.kept.len() > MOST.saturating_add(self.last) {
            self.thin();
        }
    }

    /// Goes back to the first `steps` steps.
    pub(crate) fn truncate(&mut self, steps: usize) {
        if steps < self.made {
            self.kept.truncate(self.place(steps));
            (self.made, self.from) = (steps, self.from.min(steps));
        }
    }

    /// Leaves out early steps. What was dropped in them is counted in the next one that stays.
    fn thin(&mut self) {
        let from = self.made - self.last;
        let mut stride = self.stride;
        while from.div_ceil(stride) > MOST / 2 {
            stride *= 2;
        }
        let early = self.from.div_ceil(self.stride);
        let (mut k, mut dropped) = (0, 0);
        self.kept.retain_mut(|step| {
            let at = match k < early {
                true => k * self.stride,
                false => self.from + k - early,
            };
            k += 1;
            let stays = at >= from || at.is_multiple_of(stride);
            if stays {
                step.dropped += std::mem::take(&mut dropped);
            } else {
                dropped += step.dropped;
            }
            stays
        });
        (self.from, self.stride) = (from, stride);
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::{from_rows, rows_of};
    use super::*;

    fn step(k: usize) -> Step {
        Step {
            evaluations: k + 1,
            loss: k as f64,
            kl: 0.0,
            objective: k as f64,
            dropped: usize::from(k.is_multiple_of(7)),
        }
    }

    #[test]
    fn a_million_steps_take_no_more_than_some_thousand() {
        let mut all = History::new(3000);
        let mut most = 0;
        for k in 0..1_000_000 {
            all.push(step(k));
            most = most.max(all.kept().len());
            if k == 9_999 {
                assert_eq!(all.kept().len(), 10_000, "ten thousand are whole");
            }
        }
        assert_eq!(all.steps(), 1_000_000);
        assert!(most <= MOST + 3000, "{most}");
        let kept = all.kept();
        assert!(kept.len() > MOST / 4);
        assert_eq!(
            (kept[0].evaluations, kept[kept.len() - 1].evaluations),
            (1, 1_000_000)
        );
        // Evenly, but for the end.
        let apart: Vec<usize> = kept
            .windows(2)
            .map(|p| p[1].evaluations - p[0].evaluations)
            .collect();
        let stride = apart[0];
        assert!(stride.is_power_of_two() && stride > 1);
        let early = apart.iter().filter(|a| **a == stride).count();
        assert!(apart[..early].iter().all(|a| *a == stride));
        assert!(apart[early + 1..].iter().all(|a| *a == 1));
        let dropped: usize = kept.iter().map(|s| s.dropped).sum();
        assert_eq!(dropped, 1_000_000_usize.div_ceil(7), "none is forgotten");
        let last = all.last(3000).expect("they are whole");
        assert!((0..3000).all(|k| last[k].evaluations == 997_001 + k));
        assert_eq!(all.since(999_990).len(), 10);
        let half = all.since(500_001);
        assert!(half[0].evaluations > 500_001 && half[0].evaluations <= 500_001 + stride);
        assert!(all.last(900_000).is_none());
    }

    #[test]
    fn it_goes_on_from_anywhere_to_the_same() {
        let mut whole = History::new(0);
        let mut parts = History::new(0);
        for k in 0..60_000 {
            whole.push(step(k));
            parts.push(step(k));
            if k % 977 == 0 {
                let next: History = from_rows(&rows_of(&parts)).expect("rows of a history");
                let next = next.restored(0).expect("it fits");
                parts = next;
                assert_eq!(parts.steps(), k + 1);
            }
            if k % 1009 == 0 {
                // Ten are taken back and made again.
                let back = parts.steps().saturating_sub(10);
                parts.truncate(back);
                assert_eq!(parts.steps(), back);
                for again in back..=k {
                    parts.push(step(again));
                }
            }
        }
        assert_eq!(whole.kept(), parts.kept());
        assert_eq!((whole.from, whole.stride), (parts.from, parts.stride));
        for (from, stride) in [(100, 1), (0, 0), (usize::MAX, 1)] {
            let kept = vec![step(0)];
            let odd = History {
                kept,
                from,
                stride,
                made: 1,
                last: 0,
            };
            assert!(odd.restored(0).is_err(), "{from} {stride}");
        }
    }
}
