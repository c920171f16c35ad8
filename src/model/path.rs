//! Remaining capacity of the firms that events hit, over all periods, and its adjoint.

use super::{Recovery, Shock, recovery::host as recovery};
use crate::number::Real;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Fewest numbers that are worth a thread of their own.
const GRAIN: usize = 1 << 12;

/// One event on one firm.
#[derive(Clone, Copy)]
struct Hit {
    /// Its place among all hits, events laid end to end.
    index: usize,
    /// First period of the event, from 1.
    start: usize,
    recovery: Recovery,
}

/// Place of each firm's column, if it has one.
pub(crate) fn places(columns: &[u32], firms: usize) -> Vec<Option<usize>> {
    let mut places = vec![None; firms];
    for (c, i) in columns.iter().enumerate() {
        places[*i as usize] = Some(c);
    }
    places
}

/// The hits of a scenario, by the firms that they hit.
pub(crate) struct Paths {
    /// The firms that are hit, in order; firm 0, which keeps its capacity, where nobody is.
    columns: Vec<u32>,
    /// The hits of each of them.
    hits: Vec<Vec<Hit>>,
    count: usize,
    periods: usize,
}

impl Paths {
    pub(crate) fn new(shock: &Shock, periods: usize) -> Self {
        let mut by_firm: BTreeMap<u32, Vec<Hit>> = BTreeMap::new();
        let mut index = 0;
        for event in &shock.events {
            for firm in &event.firms {
                by_firm.entry(*firm as u32).or_default().push(Hit {
                    index,
                    start: event.start,
                    recovery: event.recovery,
                });
                index += 1;
            }
        }
        if by_firm.is_empty() {
            by_firm.insert(0, Vec::new());
        }
        let (columns, hits) = by_firm.into_iter().unzip();
        Self {
            columns,
            hits,
            count: index,
            periods,
        }
    }

    /// The firms that are hit: the columns of a path.
    pub(crate) fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Numbers of a path: periods x columns.
    pub(crate) fn cells(&self) -> usize {
        self.periods * self.columns.len()
    }

    /// Number of hits.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// What hits leave in period `t`, from 1: one factor each, of those that have begun.
    fn factors<'a, R: Real>(
        hits: &'a [Hit],
        severity: &'a [R],
        rate: &'a [R],
        t: usize,
    ) -> impl Iterator<Item = (R, Hit)> + 'a {
        let begun = hits.iter().filter(move |hit| t >= hit.start);
        begun.map(move |hit| {
            let age = R::of((t - hit.start) as f64);
            let left = recovery::left(hit.recovery, age, rate[hit.index]);
            (R::of(1.0) - severity[hit.index] * left, *hit)
        })
    }

    /// The share of capacity that is left, z = prod over events of (1 - δ r(t - t*)), [period, column]. Severities and
    /// recovery rates have one number a hit.
    pub(crate) fn remaining<R: Real + Send + Sync>(&self, severity: &[R], rate: &[R]) -> Vec<R> {
        let columns = self.columns.len();
        let mut out = vec![R::of(1.0); self.periods * columns];
        let rows = out.par_chunks_mut(columns).enumerate();
        rows.with_min_len(GRAIN.div_ceil(columns))
            .for_each(|(row, out)| {
                for (z, hits) in out.iter_mut().zip(&self.hits) {
                    for (factor, _) in Self::factors(hits, severity, rate, row + 1) {
                        *z = *z * factor;
                    }
                }
            });
        out
    }

    /// The gradient in severities and recovery rates, given that in the path, [period, column].
    pub(crate) fn pull(
        &self,
        severity: &[f64],
        rate: &[f64],
        to_remaining: &[f64],
    ) -> (Vec<f64>, Vec<f64>) {
        let columns = self.columns.len();
        let of = |(c, hits): (usize, &Vec<Hit>)| -> Vec<(f64, f64)> {
            let mut found = vec![(0.0, 0.0); hits.len()];
            for t in 1..=self.periods {
                let to_z = to_remaining[(t - 1) * columns + c];
                if to_z == 0.0 {
                    continue;
                }
                let factors: Vec<(f64, Hit)> = Self::factors(hits, severity, rate, t).collect();
                for (k, (_, hit)) in factors.iter().enumerate() {
                    // Events that leave nothing make a division impossible: the others are multiplied.
                    let others = factors.iter().enumerate().filter(|(l, _)| *l != k);
                    let others: f64 = others.map(|(_, (factor, _))| factor).product();
                    let (age, to_factor) = ((t - hit.start) as f64, to_z * others);
                    let place = hits.iter().position(|h| h.index == hit.index);
                    if let Some(place) = place {
                        let (delta, lambda) = (severity[hit.index], rate[hit.index]);
                        let left = recovery::left(hit.recovery, age, lambda);
                        let slope = recovery::left_to_rate(hit.recovery, age, lambda);
                        found[place].0 -= to_factor * left;
                        found[place].1 -= to_factor * delta * slope;
                    }
                }
            }
            found
        };
        let by_column = self.hits.par_iter().enumerate().with_min_len(16).map(of);
        let by_column: Vec<_> = by_column.collect();
        let mut out = (vec![0.0; self.count], vec![0.0; self.count]);
        for (hits, found) in self.hits.iter().zip(by_column) {
            for (hit, (to_severity, to_rate)) in hits.iter().zip(found) {
                out.0[hit.index] = to_severity;
                out.1[hit.index] = to_rate;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Event;
    use crate::number::Dual;

    /// Three events of which two hit firm 4, one of them before its capacity is back.
    fn shock(recovery: Recovery) -> Shock {
        let event = |start: usize, firms: &[usize]| Event {
            start,
            firms: firms.to_vec(),
            severity: vec![0.5; firms.len()],
            recovery_rate: vec![0.2; firms.len()],
            recovery,
        };
        Shock {
            events: vec![event(2, &[4, 1]), event(4, &[4]), event(9, &[7])],
        }
    }

    #[test]
    fn the_gradient_is_that_of_dual_numbers_under_every_recovery() {
        for recovery in Recovery::ALL {
            let paths = Paths::new(&shock(*recovery), 8);
            assert_eq!(paths.columns(), [1, 4, 7]);
            let (severity, rate) = ([0.3, 0.9, 0.45, 0.6], [0.11, 0.23, 0.31, 0.5]);
            let weights: Vec<f64> = (0..24).map(|k| ((k * 7) % 5) as f64 - 1.7).collect();
            let (to_severity, to_rate) = paths.pull(&severity, &rate, &weights);
            for k in 0..4 {
                let dual = |values: &[f64], along: bool| -> Vec<Dual> {
                    let slope = |i: usize| f64::from(u8::from(along && i == k));
                    let all = values.iter().enumerate();
                    all.map(|(i, v)| Dual::new(*v, slope(i))).collect()
                };
                for (along, found) in [(true, to_severity[k]), (false, to_rate[k])] {
                    let z = paths.remaining(&dual(&severity, along), &dual(&rate, !along));
                    let expected: f64 = z.iter().zip(&weights).map(|(z, w)| z.slope * w).sum();
                    assert!((found - expected).abs() < 1e-13, "{recovery:?} {k}");
                }
            }
        }
    }
}
