//! Paths over all periods of what events change: capacity of firms, final demand, what links let through; and their
//! adjoints.
//!
//! Events are given in the scenario; nothing here depends on what the economy does. A hit that recovers as the firm's
//! partners do is none of these: the economy keeps its state.

use super::{ByParameter, Combination, Recovery, recovery::host as recovery};
use crate::number::{Dual, Real};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Deref;

/// Fewest numbers that are worth a thread of their own.
const GRAIN: usize = 1 << 12;

/// One event on one firm or link.
#[derive(Clone, Copy)]
struct Hit {
    /// Its place among all hits, events laid end to end.
    index: usize,
    /// First period of the event, from 1.
    start: usize,
    recovery: Recovery,
}

/// A value given for one period of one firm: its place among all of them, and its period.
#[derive(Clone, Copy)]
struct Cell {
    index: usize,
    period: usize,
}

/// What changes one firm or link.
#[derive(Clone, Default)]
struct Column {
    hits: Vec<Hit>,
    factors: Vec<Cell>,
    amounts: Vec<Cell>,
    /// What it is without an event: 1, or final demand.
    base: f64,
}

/// What an event does to what it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It takes a share: 1 - δ r.
    Loss(Combination),
    /// It changes by a share: 1 + γ r.
    Change,
}

/// The values of hits, one a hit; steepness and hold may be empty: 1 and 0. Of cells, one a cell.
#[derive(Clone, Copy)]
pub(crate) struct PathValues<'a, R> {
    pub(crate) size: &'a [R],
    pub(crate) rate: &'a [R],
    pub(crate) steepness: &'a [R],
    pub(crate) hold: &'a [R],
    pub(crate) factors: &'a [R],
    pub(crate) amounts: &'a [R],
}

impl<'a> PathValues<'a, f64> {
    /// What the path of capacity takes of the values of all parameters.
    pub(crate) fn of_capacity<T: Deref<Target = [f64]>>(values: &'a ByParameter<T>) -> Self {
        Self {
            size: &values.severity,
            rate: &values.recovery_rate,
            steepness: &values.steepness,
            hold: &values.hold,
            factors: &values.capacity_path,
            amounts: &[],
        }
    }
}

/// Gradients in the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PathGradient {
    pub(crate) size: Vec<f64>,
    pub(crate) rate: Vec<f64>,
    pub(crate) steepness: Vec<f64>,
    pub(crate) hold: Vec<f64>,
    pub(crate) factors: Vec<f64>,
    pub(crate) amounts: Vec<f64>,
}

/// One event as a path takes it: what it hits, from when on, and how that recovers.
pub(crate) struct Given<'a> {
    pub(crate) start: usize,
    pub(crate) hits: &'a [usize],
    pub(crate) recovery: Recovery,
}

/// A period and a firm that a value is given for.
pub(crate) type At = (usize, usize);

/// What is changed over time, by columns.
pub(crate) struct Paths {
    /// What has a path, in order.
    columns: Vec<u32>,
    changes: Vec<Column>,
    effect: Effect,
    hits: usize,
    factors: usize,
    amounts: usize,
    periods: usize,
}

/// Row `p` of values that have `each` a row, or the last there is; nothing of nothing.
pub(crate) fn row(values: &[f64], each: usize, p: usize) -> &[f64] {
    match values.len() / each.max(1) {
        0 => &[],
        rows => &values[p.min(rows - 1) * each..][..each],
    }
}

/// What is left of an event's effect `dt` periods after its start: 1 while it holds.
fn left<R: Real>(kind: Recovery, dt: f64, [size, rate, steepness, hold]: [R; 4]) -> R {
    let age = R::of(dt) - hold;
    if kind != Recovery::Step && age.value() <= 0.0 {
        return R::of(1.0);
    }
    recovery::left(kind, age, rate, steepness, size)
}

impl Paths {
    /// `base` is what a firm or link has without events.
    pub(crate) fn new<'a>(
        effect: Effect,
        events: impl IntoIterator<Item = Given<'a>>,
        (factors, amounts): (&[At], &[At]),
        base: impl Fn(usize) -> f64,
        periods: usize,
    ) -> Self {
        let mut all: BTreeMap<u32, Column> = BTreeMap::new();
        let mut count = 0;
        for event in events {
            for place in event.hits {
                if event.recovery != Recovery::Damped {
                    all.entry(*place as u32).or_default().hits.push(Hit {
                        index: count,
                        start: event.start,
                        recovery: event.recovery,
                    });
                }
                count += 1;
            }
        }
        let cell = |(index, (period, _)): (usize, &At)| Cell {
            index,
            period: *period,
        };
        for (k, at) in factors.iter().enumerate() {
            let column = all.entry(at.1 as u32).or_default();
            column.factors.push(cell((k, at)));
        }
        for (k, at) in amounts.iter().enumerate() {
            let column = all.entry(at.1 as u32).or_default();
            column.amounts.push(cell((k, at)));
        }
        for (place, column) in &mut all {
            column.base = base(*place as usize);
        }
        let (columns, changes) = all.into_iter().unzip();
        Self {
            columns,
            changes,
            effect,
            hits: count,
            factors: factors.len(),
            amounts: amounts.len(),
            periods,
        }
    }

    /// The same with firm 0, which nothing changes, where nothing else is: kernels need a column.
    pub(crate) fn or_first(mut self) -> Self {
        if self.columns.is_empty() {
            self.columns.push(0);
            self.changes.push(Column {
                base: 1.0,
                ..Column::default()
            });
        }
        self
    }

    /// What is changed: the columns of a path.
    pub(crate) fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Numbers of a path: periods x columns.
    pub(crate) fn cells(&self) -> usize {
        self.periods * self.columns.len()
    }

    /// Numbers of factors and of amounts that are given.
    pub(crate) fn given(&self) -> (usize, usize) {
        (self.factors, self.amounts)
    }

    /// Number of hits.
    pub(crate) fn count(&self) -> usize {
        self.hits
    }

    /// The values of one particle, of those of all, row by row, or of the only row; a particle beyond the last has the
    /// last one's.
    pub(crate) fn of_particle<'a>(
        &self,
        all: PathValues<'a, f64>,
        p: usize,
    ) -> PathValues<'a, f64> {
        let hits = |v| row(v, self.hits, p);
        PathValues {
            size: hits(all.size),
            rate: hits(all.rate),
            steepness: hits(all.steepness),
            hold: hits(all.hold),
            factors: row(all.factors, self.factors, p),
            amounts: row(all.amounts, self.amounts, p),
        }
    }

    fn of_hit<R: Real>(values: &PathValues<'_, R>, hit: Hit) -> [R; 4] {
        let k = hit.index;
        let or = |of: &[R], usual: f64| of.get(k).copied().unwrap_or(R::of(usual));
        [
            values.size[k],
            values.rate[k],
            or(values.steepness, 1.0),
            or(values.hold, 0.0),
        ]
    }

    fn factor<R: Real>(&self, size: R, left: R) -> R {
        match self.effect {
            Effect::Loss(_) => R::of(1.0) - size * left,
            Effect::Change => R::of(1.0) + size * left,
        }
    }

    /// Factors of a column in period `t`, from 1: of hits that have begun, then of cells.
    fn all_factors<'a, R: Real>(
        &'a self,
        column: &'a Column,
        values: &'a PathValues<'a, R>,
        t: usize,
    ) -> impl Iterator<Item = R> + 'a {
        let begun = column.hits.iter().filter(move |hit| t >= hit.start);
        let hits = begun.map(move |hit| {
            let of = Self::of_hit(values, *hit);
            self.factor(of[0], left(hit.recovery, (t - hit.start) as f64, of))
        });
        let cells = column.factors.iter().filter(move |cell| cell.period == t);
        hits.chain(cells.map(|cell| values.factors[cell.index]))
    }

    /// Whether the smallest factor alone counts.
    fn worst(&self) -> bool {
        self.effect == Effect::Loss(Combination::Worst)
    }

    /// The paths, [period, column]: the product of what events leave, or the worst of it; final demand also times its
    /// factors and with the amounts that are added.
    pub(crate) fn values<R: Real>(&self, values: &PathValues<'_, R>) -> Vec<R> {
        let columns = self.columns.len();
        let mut out = vec![R::of(1.0); self.periods * columns];
        if columns == 0 {
            return out;
        }
        let rows = out.par_chunks_mut(columns).enumerate();
        rows.with_min_len(GRAIN.div_ceil(columns))
            .for_each(|(row, out)| {
                for (z, column) in out.iter_mut().zip(&self.changes) {
                    *z = R::of(column.base);
                    for factor in self.all_factors(column, values, row + 1) {
                        *z = match self.worst() {
                            true if *z <= factor => *z,
                            true => factor,
                            false => *z * factor,
                        };
                    }
                    for cell in column.amounts.iter().filter(|c| c.period == row + 1) {
                        *z = *z + values.amounts[cell.index];
                    }
                }
            });
        out
    }

    /// The gradients, given that in the path, [period, column].
    pub(crate) fn pull(&self, values: &PathValues<'_, f64>, to_path: &[f64]) -> PathGradient {
        let columns = self.columns.len();
        let of = |(c, column): (usize, &Column)| -> PathGradient {
            let mut found = PathGradient {
                size: vec![0.0; column.hits.len()],
                rate: vec![0.0; column.hits.len()],
                steepness: vec![0.0; column.hits.len()],
                hold: vec![0.0; column.hits.len()],
                factors: vec![0.0; column.factors.len()],
                amounts: vec![0.0; column.amounts.len()],
            };
            for t in 1..=self.periods {
                let to = to_path[(t - 1) * columns + c];
                if to != 0.0 {
                    self.pull_period(column, values, (t, to), &mut found);
                }
            }
            found
        };
        let by_column = self.changes.par_iter().enumerate().with_min_len(16).map(of);
        let by_column: Vec<PathGradient> = by_column.collect();
        let mut out = PathGradient {
            size: vec![0.0; self.hits],
            rate: vec![0.0; self.hits],
            steepness: vec![0.0; self.hits],
            hold: vec![0.0; self.hits],
            factors: vec![0.0; self.factors],
            amounts: vec![0.0; self.amounts],
        };
        for (column, found) in self.changes.iter().zip(by_column) {
            for (k, hit) in column.hits.iter().enumerate() {
                out.size[hit.index] = found.size[k];
                out.rate[hit.index] = found.rate[k];
                out.steepness[hit.index] = found.steepness[k];
                out.hold[hit.index] = found.hold[k];
            }
            for (k, cell) in column.factors.iter().enumerate() {
                out.factors[cell.index] = found.factors[k];
            }
            for (k, cell) in column.amounts.iter().enumerate() {
                out.amounts[cell.index] = found.amounts[k];
            }
        }
        out
    }

    /// Adds what one period of a column gives.
    fn pull_period(
        &self,
        column: &Column,
        values: &PathValues<'_, f64>,
        (t, to): (usize, f64),
        found: &mut PathGradient,
    ) {
        let factors: Vec<f64> = self.all_factors(column, values, t).collect();
        // The adjoint of each factor: of a product the others, of the worst whether it is that.
        let whole = factors.iter().fold(column.base, |m, f| m.min(*f));
        let first = factors.iter().position(|f| *f == whole);
        let to_factor = |k: usize| match self.worst() {
            true => match first == Some(k) && whole < column.base {
                true => to,
                false => 0.0,
            },
            false => {
                // Events that leave nothing make a division impossible: the others are multiplied.
                let others = factors.iter().enumerate().filter(|(l, _)| *l != k);
                to * column.base * others.map(|(_, f)| f).product::<f64>()
            }
        };
        let begun = column.hits.iter().enumerate();
        let mut k = 0;
        for (place, hit) in begun.filter(|(_, hit)| t >= hit.start) {
            let to_factor = to_factor(k);
            k += 1;
            if to_factor == 0.0 {
                continue;
            }
            let to_factor = match self.effect {
                Effect::Loss(_) => -to_factor,
                Effect::Change => to_factor,
            };
            let of = Self::of_hit(values, *hit);
            let dt = (t - hit.start) as f64;
            let slope = |along: usize| -> f64 {
                let dual = |j: usize| Dual::new(of[j], f64::from(u8::from(j == along)));
                left(hit.recovery, dt, [dual(0), dual(1), dual(2), dual(3)]).slope
            };
            let share = left(hit.recovery, dt, of);
            found.size[place] += to_factor * share;
            if hit.recovery == Recovery::Uniform {
                found.size[place] += to_factor * of[0] * slope(0);
            }
            found.rate[place] += to_factor * of[0] * slope(1);
            if hit.recovery == Recovery::Hill {
                found.steepness[place] += to_factor * of[0] * slope(2);
            }
            if !values.hold.is_empty() {
                found.hold[place] += to_factor * of[0] * slope(3);
            }
        }
        for (place, _) in (column.factors.iter().enumerate()).filter(|(_, c)| c.period == t) {
            found.factors[place] += to_factor(k);
            k += 1;
        }
        for (place, _) in (column.amounts.iter().enumerate()).filter(|(_, c)| c.period == t) {
            found.amounts[place] += to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hits, factors and amounts under every recovery and effect, of which two are on firm 4.
    fn paths(recovery: Recovery, effect: Effect) -> Paths {
        let event = |start, hits| Given {
            start,
            hits,
            recovery,
        };
        let events = [event(2, &[4, 1][..]), event(4, &[4]), event(9, &[7])];
        let cells = ([(3, 4), (6, 9)], [(5, 1)]);
        Paths::new(
            effect,
            events,
            (&cells.0, &cells.1),
            |i| 1.0 + 0.0 * i as f64,
            8,
        )
    }

    #[test]
    fn the_gradient_is_that_of_dual_numbers_under_every_recovery() {
        let of_values = [
            vec![0.3, 0.9, 0.45, 0.6],
            vec![0.11, 0.23, 0.31, 0.5],
            vec![1.3, 2.0, 0.7, 1.0],
            vec![0.4, 1.3, 0.2, 0.0],
            vec![0.8, 0.35],
            vec![0.21],
        ];
        let effects = [
            Effect::Loss(Combination::Product),
            Effect::Loss(Combination::Worst),
            Effect::Change,
        ];
        for (recovery, effect) in Recovery::ALL.iter().flat_map(|r| effects.map(|e| (r, e))) {
            let paths = paths(*recovery, effect);
            let cells = paths.cells();
            let weights: Vec<f64> = (0..cells).map(|k| ((k * 7) % 5) as f64 - 1.7).collect();
            let [size, rate, steepness, hold, factors, amounts] = &of_values;
            let values = PathValues {
                size,
                rate,
                steepness,
                hold,
                factors,
                amounts,
            };
            let found = paths.pull(&values, &weights);
            let found = [
                found.size,
                found.rate,
                found.steepness,
                found.hold,
                found.factors,
                found.amounts,
            ];
            for which in 0..6 {
                for k in 0..of_values[which].len() {
                    let dual = |j: usize| -> Vec<Dual> {
                        let slope = |i: usize| f64::from(u8::from(j == which && i == k));
                        let all = of_values[j].iter().enumerate();
                        all.map(|(i, v)| Dual::new(*v, slope(i))).collect()
                    };
                    let duals: Vec<Vec<Dual>> = (0..6).map(dual).collect();
                    let z = paths.values(&PathValues {
                        size: &duals[0],
                        rate: &duals[1],
                        steepness: &duals[2],
                        hold: &duals[3],
                        factors: &duals[4],
                        amounts: &duals[5],
                    });
                    let expected: f64 = z.iter().zip(&weights).map(|(z, w)| z.slope * w).sum();
                    let found = found[which][k];
                    assert!(
                        (found - expected).abs() < 1e-12,
                        "{recovery:?} {effect:?} {which} {k}: {found} and {expected}"
                    );
                }
            }
        }
    }
}
