//! How the size of steps is found: dual averaging (Hoffman & Gelman 2014), and the windows of the tuning.

use serde::{Deserialize, Serialize};

/// The size of a chain's steps on its way.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct StepSize {
    log: f64,
    mean: f64,
    shortfall: f64,
    count: f64,
    anchor: f64,
}

impl StepSize {
    pub(super) fn new(size: f64) -> Self {
        Self {
            log: size.ln(),
            mean: size.ln(),
            shortfall: 0.0,
            count: 0.0,
            anchor: (3.0 * size).ln(),
        }
    }

    /// The size while it is tuned.
    pub(super) fn now(&self) -> f64 {
        self.log.exp()
    }

    /// The size that the tuning came to.
    pub(super) fn tuned(&self) -> f64 {
        self.mean.exp()
    }

    /// Learns from a draw's acceptance.
    pub(super) fn learn(&mut self, acceptance: f64, wanted: f64) {
        self.count += 1.0;
        let share = 1.0 / (self.count + 10.0);
        self.shortfall = (1.0 - share) * self.shortfall + share * (wanted - acceptance);
        self.log = self.anchor - self.count.sqrt() / 0.05 * self.shortfall;
        let share = self.count.powf(-0.75);
        self.mean = share * self.log + (1.0 - share) * self.mean;
    }
}

/// The draws of the tuning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    /// Draws over which the data come to their full weight.
    pub(super) annealed: usize,
    first: usize,
    last: usize,
}

impl Windows {
    /// Of so many draws, made so many at a time.
    pub(super) fn new(tune: usize, together: usize) -> Self {
        let whole = |share: f64| {
            let draws = (share * tune as f64 / together as f64).round() as usize;
            draws * together
        };
        Self {
            annealed: whole(0.1),
            first: whole(0.15),
            last: whole(0.9),
        }
    }

    /// True after draws at whose end the metric is learnt from those since the last time.
    pub(super) fn ends_at(&self, draws: usize, together: usize) -> bool {
        let unit = (self.last.saturating_sub(self.first) / 15).div_ceil(together) * together;
        let (mut end, mut size) = (self.first, unit.max(together));
        while end < self.last {
            // What is left after this one is too little for the next, which is twice as long.
            end = match end + 3 * size > self.last {
                true => self.last,
                false => end + size,
            };
            if end == draws {
                return true;
            }
            size *= 2;
        }
        false
    }

    /// True of draws that a metric may be learnt from.
    pub(super) fn counts(&self, draw: usize) -> bool {
        (self.first..self.last).contains(&draw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_double_and_leave_an_end() {
        let windows = Windows::new(600, 10);
        let ends: Vec<usize> = (1..=600).filter(|d| windows.ends_at(*d, 10)).collect();
        assert_eq!(ends, [120, 180, 300, 540]);
        assert!(!windows.counts(89) && windows.counts(90) && !windows.counts(540));
        for (tune, together) in [(20, 10), (50, 1), (100, 10), (1000, 10)] {
            let windows = Windows::new(tune, together);
            let ends: Vec<usize> = (1..=tune)
                .filter(|d| windows.ends_at(*d, together))
                .collect();
            assert!(!ends.is_empty() || tune < 30, "{tune} {together}");
            assert!(
                ends.iter()
                    .all(|e| e.is_multiple_of(together) && *e <= tune)
            );
        }
    }

    #[test]
    fn steps_come_to_the_acceptance_that_is_wanted() {
        let mut size = StepSize::new(0.01);
        for _ in 0..2000 {
            let acceptance = (-size.now()).exp();
            size.learn(acceptance, 0.8);
        }
        let found = (-size.tuned()).exp();
        assert!((found - 0.8).abs() < 0.02, "{found}");
    }
}
