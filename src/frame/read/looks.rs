//! What looks wrong in figures that can be read: signs, zeros, codes for missing values, jumps, far years.
//!
//! A reader cannot know that a figure is wrong, so these are notes.

use super::cell::month_name;

/// A month is told where it differs by this factor.
const FACTOR: f64 = 5.0;
/// Months without a row before a few cells stand alone.
const ALONE: i32 = 24;
/// Places of a kind that are told one by one.
const TOLD: usize = 5;

/// A month since year 0 and its value, which is NaN where missing.
pub(super) type Point = (i32, f64);

/// What was found, by kind.
#[derive(Debug, Default)]
pub(super) struct Looks {
    negative: Found,
    zero: Found,
    code: Found,
    jump: Found,
    far: Found,
    /// The series that is looked at; kept for the next one.
    buffer: Vec<Point>,
}

#[derive(Debug, Default)]
struct Found {
    count: usize,
    told: Vec<String>,
}

impl Found {
    fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(text());
        }
    }

    fn note(self, why: &str) -> Option<String> {
        if self.count == 0 {
            return None;
        }
        let more = match self.count - self.told.len() {
            0 => String::new(),
            n => format!(", and {n} more"),
        };
        Some(format!("{}{more}: {why}", self.told.join(", ")))
    }
}

impl Looks {
    /// Looks at one series; most have nothing odd and are seen to in one pass.
    pub(super) fn series(
        &mut self,
        name: &dyn Fn() -> String,
        points: impl Iterator<Item = Point>,
    ) {
        let mut all = std::mem::take(&mut self.buffer);
        all.clear();
        all.extend(points);
        let ends = all.first().zip(all.last());
        let span = ends.map_or(0, |(a, b)| (b.0 - a.0) as usize + 1);
        let mut odd = span > all.len() + ALONE as usize
            || ends.is_some_and(|(a, b)| is_far(a.0) || is_far(b.0));
        let mut before = f64::NAN;
        for &(_, v) in &all {
            odd |=
                v <= 0.0 || v > FACTOR * before || v * FACTOR < before || v >= 777.0 && is_code(v);
            before = if v.is_nan() { before } else { v };
        }
        if odd {
            self.closely(name, &all);
        }
        self.buffer = all;
    }

    fn closely(&mut self, name: &dyn Fn() -> String, all: &[Point]) {
        self.months(name, all);
        let known: Vec<Point> = all.iter().copied().filter(|p| !p.1.is_nan()).collect();
        let at = |p: &Point| format!("{} in {} is {}", name(), month_name(p.0), p.1);
        let (codes, usual): (Vec<Point>, Vec<Point>) = (0..known.len())
            .map(|k| known[k])
            .partition(|p| is_code(p.1) && stands_out(&known, p));
        for p in &codes {
            self.code.add(|| at(p));
        }
        for (found, odd) in [
            (
                &mut self.negative,
                usual.iter().filter(|p| p.1 < 0.0).collect::<Vec<_>>(),
            ),
            (
                &mut self.zero,
                usual.iter().filter(|p| p.1 == 0.0).collect(),
            ),
        ] {
            match odd.as_slice() {
                [] => {}
                few if few.len() <= 2 => few.iter().for_each(|p| found.add(|| at(p))),
                [first, ..] => found.add(|| {
                    let (n, of) = (odd.len(), usual.len());
                    format!(
                        "{} in {n} of {of} months, the first of them {}",
                        name(),
                        month_name(first.0)
                    )
                }),
            }
        }
        let positive: Vec<Point> = usual.into_iter().filter(|p| p.1 > 0.0).collect();
        self.jumps(name, &positive);
    }

    /// Years that no index has, and few cells far away from the others.
    fn months(&mut self, name: &dyn Fn() -> String, all: &[Point]) {
        let mut told = false;
        for p in all.iter().filter(|p| is_far(p.0)) {
            told = true;
            self.far
                .add(|| format!("{} in {}", name(), month_name(p.0)));
        }
        if told || all.len() < 6 {
            return;
        }
        for (k, pair) in all.windows(2).enumerate() {
            let hole = pair[1].0 - pair[0].0 - 1;
            let alone = if k < 2 { pair[0] } else { pair[1] };
            if hole >= ALONE && (k < 2 || k + 3 >= all.len()) {
                self.far.add(|| {
                    format!(
                        "{} in {}, {hole} months away from the others",
                        name(),
                        month_name(alone.0)
                    )
                });
            }
        }
    }

    /// Values that are five times both neighbours or a fifth of them, and levels that change so from a month on.
    fn jumps(&mut self, name: &dyn Fn() -> String, p: &[Point]) {
        let n = p.len();
        let ratio = |a: usize, b: usize| p[b].1 / p[a].1;
        let large = |r: f64| r >= FACTOR || r <= 1.0 / FACTOR;
        // Some series move so by themselves: sugar after the harvest, ice cream.
        let wild = (1..n)
            .filter(|k| !(0.5..2.0).contains(&ratio(k - 1, *k)))
            .count();
        if n >= 24 && wild * 10 > n {
            return;
        }
        let mut k = 1;
        while k < n {
            let r = ratio(k - 1, k);
            if !large(r) {
                k += 1;
                continue;
            }
            let back = k + 1 < n && large(ratio(k + 1, k)) && (ratio(k + 1, k) > 1.0) == (r > 1.0);
            if back {
                self.jump.add(|| {
                    format!(
                        "{} in {} is {}, {} both months beside it",
                        name(),
                        month_name(p[k].0),
                        p[k].1,
                        times(r)
                    )
                });
                k += 2;
                continue;
            }
            let level = |from: usize, to: usize| {
                let mut part: Vec<f64> = p[from..to].iter().map(|p| p.1).collect();
                part.sort_by(f64::total_cmp);
                part[part.len() / 2]
            };
            let change = level(k, n.min(k + 12)) / level(k.saturating_sub(12), k);
            if large(change) && (change > 1.0) == (r > 1.0) {
                self.jump.add(|| {
                    format!(
                        "{} from {} on is {} the months before",
                        name(),
                        month_name(p[k].0),
                        times(change)
                    )
                });
            }
            k += 1;
        }
    }

    /// The notes, one a kind.
    pub(super) fn notes(self) -> Vec<String> {
        [
            self.code
                .note("these numbers often stand for a missing value; leave such cells empty"),
            self.negative
                .note("negative values; an index of levels has none, changes have"),
            self.zero
                .note("values of 0; a missing value is an empty cell"),
            self.jump
                .note("this may be a slip of the decimal sign or a change of unit or base"),
            self.far
                .note("these months are far from all others; a year may be mistyped"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// "10.2 times" or "a 10.2th of".
fn times(ratio: f64) -> String {
    if ratio > 1.0 {
        format!("{ratio:.1} times")
    } else {
        format!("{:.1} times below", 1.0 / ratio)
    }
}

/// True of years that no index has.
fn is_far(month: i32) -> bool {
    !(1850 * 12..2070 * 12).contains(&month)
}

/// Numbers that programs write for a missing value.
fn is_code(v: f64) -> bool {
    let v = v.abs();
    [
        99.0,
        999.0,
        9999.0,
        99_999.0,
        999_999.0,
        9_999_999.0,
        999.9,
        9999.9,
        999.99,
        888.0,
        8888.0,
        777.0,
        7777.0,
    ]
    .contains(&v)
}

/// True of a code that no neighbour is near to: 999 between 998 and 1001 is a value.
fn stands_out(known: &[Point], p: &Point) -> bool {
    if p.1 < 0.0 {
        return true;
    }
    if p.1 < 777.0 {
        return false;
    }
    let mut others: Vec<f64> = known
        .iter()
        .map(|q| q.1)
        .filter(|v| *v > 0.0 && *v != p.1)
        .collect();
    if others.is_empty() {
        return false;
    }
    others.sort_by(f64::total_cmp);
    p.1 > 2.0 * others[others.len() / 2] && p.1 > 1.5 * others[others.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(values: &[f64]) -> Vec<String> {
        let mut looks = Looks::default();
        let points = values
            .iter()
            .enumerate()
            .map(|(k, v)| (2020 * 12 + k as i32, *v));
        looks.series(&|| "BE C".into(), points);
        looks.notes()
    }

    #[test]
    fn odd_figures_are_told_with_their_month() {
        let told = |values: &[f64], month: &str, why: &str| {
            let notes = notes(values);
            assert!(
                notes.len() == 1 && notes[0].contains(month) && notes[0].contains(why),
                "{notes:?}"
            );
        };
        told(&[100.0, 101.0, -99.0, 98.0], "2020-03", "missing value");
        told(&[100.0, 101.0, 999.0, 98.0], "2020-03", "missing value");
        told(&[100.0, 101.0, -97.0, 98.0], "2020-03", "negative");
        told(&[100.0, 101.0, 0.0, 98.0], "2020-03", "values of 0");
        told(&[100.0, 101.0, 1000.0, 98.0], "2020-03", "slip");
        told(&[100.0, 101.0, 10.2, 98.0], "2020-03", "slip");
        told(
            &[100.0, 101.0, 1.0, 1.01, 0.99],
            "2020-03",
            "change of unit",
        );
        told(
            &[100.0, 101.0, f64::NAN, 1000.0, 1010.0],
            "2020-04",
            "change of unit",
        );
        told(&[100.0, 101.0, 99.0, 10.0], "2020-04", "slip");
        assert!(notes(&[998.0, 999.0, 1001.0]).is_empty());
        // A collapse of two months and a recovery, as in the spring of 2020.
        assert!(notes(&[100.0, 101.0, 60.0, 15.0, 40.0, 80.0, 95.0]).is_empty());
        let mut far = Looks::default();
        far.series(
            &|| "BE C".into(),
            &mut (0..8).map(|k| (if k == 7 { 2105 * 12 } else { 2020 * 12 + k }, 100.0)),
        );
        assert!(far.notes()[0].contains("2105-01"));
    }
}
