//! A panel held against its economy before any work: what cannot be meant is refused, what is doubtful is told.

use super::{Problem, Scale};
use crate::error::{Error, Result};
use crate::observe::Observation;

/// No data are as exact as this: the simulation itself has 6 or 7 digits.
const NOISE: f64 = 1e-7;
/// Noise outside of this is told.
const USUAL_NOISE: (f64, f64) = (1e-5, 0.3);
/// The panel is in another unit where the middle series starts so many times above or below its steady level.
const UNIT: f64 = 4.0;
/// Where all that is observed is after the shock, so many times below: no shock leaves less.
const LEFT: f64 = 100.0;
/// A series starts elsewhere than at its steady level where it is off by more than this, and by more than noise.
const OFF: f64 = 0.2;

/// A series and where it starts, relative to its steady level.
struct Start {
    group: usize,
    ratio: f64,
    /// It is not seen before the shock: what it has lost may be the shock's.
    hit: bool,
}

impl Start {
    /// True where it starts further from its steady level than by these factors, down and up.
    fn is_off(&self, down: f64, up: f64) -> bool {
        self.ratio > up || (!self.hit && self.ratio < 1.0 / down)
    }
}

/// What a field of scenario `k` is called in messages.
pub(super) fn place_of(k: usize, field: &str) -> String {
    match k {
        0 => format!("problem.{field}"),
        _ => format!("problem.further[{}].{field}", k - 1),
    }
}

impl Problem {
    pub(super) fn check_noise(&self) -> Result<()> {
        if !(self.noise >= NOISE && self.noise.is_finite()) {
            return Err(Error::new(
                "problem.noise",
                format!("sigma is {}", self.noise),
                format!("give a positive share such as 0.03, and {NOISE} at least"),
            ));
        }
        Ok(())
    }

    /// Refuses panels that cannot be levels of this economy.
    pub(super) fn check_levels(&self) -> Result<()> {
        for (k, (shock, observed)) in self.scenarios().enumerate() {
            let place = place_of(k, "observed");
            self.check_owner(observed, &place)?;
            let (begin, last) = (shock_begins(shock), observed.periods);
            if let Some(first) = begin.filter(|first| *first > last) {
                return Err(Error::new(
                    place_of(k, "shock"),
                    format!(
                        "its first event is in period {first}, and the last observed period is {last}"
                    ),
                    "count the periods of events from the first observed one, which is 1",
                ));
            }
            self.check_signs(observed, &place)?;
            if self.scale == Scale::Levels {
                check_unit(observed, &starts(begin, observed), &place)?;
            }
        }
        Ok(())
    }

    /// Refuses a panel of another network.
    fn check_owner(&self, observed: &Observation, place: &str) -> Result<()> {
        let network = &self.network;
        let remedy = "build the panel for this network: Observation::from_values, Trajectory::observe or align_to";
        for (g, (r, s)) in network.groups().iter().enumerate() {
            let own = (&network.regions()[*r], &network.sectors()[*s]);
            let there = (observed.region.get(g), observed.sector.get(g));
            if there != (Some(own.0), Some(own.1)) {
                let name = |r: &str, s: &str| format!("{r} · {s}");
                let there = match there {
                    (Some(r), Some(s)) => name(r, s),
                    _ => "without a name".into(),
                };
                return Err(Error::new(
                    place,
                    format!(
                        "its series {} is {there}, and the network's is {}: it is the panel of another network",
                        g + 1,
                        name(own.0, own.1)
                    ),
                    remedy,
                ));
            }
        }
        let levels = network.group_sums(network.output());
        let off = |g: &usize| (observed.base[*g] / levels[*g] - 1.0).abs() > 0.01;
        if let Some(g) = (0..levels.len()).find(off) {
            return Err(Error::new(
                place,
                format!(
                    "its steady level of {} is {}, and the network's is {}: it is the panel of another network",
                    observed.label(g),
                    round(observed.base[g]),
                    round(levels[g])
                ),
                remedy,
            ));
        }
        Ok(())
    }

    /// Refuses totals that cannot be levels of the groups that they add up.
    pub(super) fn check_total_levels(&self) -> Result<()> {
        let begin = shock_begins(&self.shock);
        for total in &self.totals {
            let place = format!("total {}", total.name);
            let series = Observation {
                region: vec![total.name.clone()],
                sector: vec![String::new()],
                base: vec![total.steady(&self.network)],
                periods: total.values.len(),
                values: total.values.clone(),
                dates: None,
            };
            self.check_signs(&series, &place)?;
            if self.scale == Scale::Levels {
                check_unit(&series, &starts(begin, &series), &place)?;
            }
        }
        Ok(())
    }

    /// Refuses production below 0, but for what noise can do near 0.
    fn check_signs(&self, observed: &Observation, place: &str) -> Result<()> {
        let g = observed.groups();
        let negative = |(c, v): &(usize, &f64)| **v < -5.0 * self.noise * observed.base[c % g];
        let Some((c, v)) = observed.values.iter().enumerate().find(negative) else {
            return Ok(());
        };
        let all = observed.values.iter().enumerate().filter(negative).count();
        Err(Error::new(
            place,
            format!(
                "{} in period {} is {}{}, and production is not negative",
                observed.label(c % g),
                c / g + 1,
                round(*v),
                match all {
                    1 => String::new(),
                    n => format!(", one of {n} negative cells"),
                }
            ),
            "give levels, not changes; mend the sign; NaN where a cell is missing",
        ))
    }

    /// What is allowed but doubtful in a problem, with the remedy, one sentence each: a panel whose series do not start
    /// at their steady levels, zeros, events after the last period, an unusual noise. `check` refuses the rest.
    pub fn warnings(&self) -> Vec<String> {
        let mut out = self.params.warnings();
        let (least, most) = USUAL_NOISE;
        if self.noise >= 1.0 {
            out.push(format!(
                "problem.noise is {0}, which is {0} times a series' steady level: the panel has next to no weight; a share is \
                 meant, {0} % is {1}",
                self.noise,
                self.noise / 100.0
            ));
        } else if self.noise > most {
            out.push(format!(
                "problem.noise is {}: the panel is trusted to {:.0} % only; a share is meant, 3 % is 0.03",
                self.noise,
                100.0 * self.noise
            ));
        } else if self.noise < least {
            out.push(format!(
                "problem.noise is {:e}: no panel is so exact, and the simulation has 6 to 7 digits; 3 % is 0.03",
                self.noise
            ));
        }
        for (k, (shock, observed)) in self.scenarios().enumerate() {
            let name = match k {
                0 => String::new(),
                _ => format!("scenario {}: ", k + 1),
            };
            let late = shock.events.iter().filter(|e| e.start > observed.periods);
            let late = late.count();
            if late > 0 {
                out.push(format!(
                    "{name}{late} of {} events start after the last observed period, {}: the panel tells nothing of them",
                    shock.events.len(),
                    observed.periods
                ));
            }
            out.extend(zeros(observed).map(|text| format!("{name}{text}")));
            if self.scale == Scale::Levels {
                let starts = starts(shock_begins(shock), observed);
                let told = off_start(observed, &starts, self.noise);
                out.extend(told.map(|text| format!("{name}{text}")));
            }
        }
        out
    }

    /// `beside`: other series are observed, too.
    pub(super) fn check_panel(
        &self,
        observed: &Observation,
        place: &dyn Fn(&str) -> String,
        beside: bool,
    ) -> Result<()> {
        let groups = self.network.groups().len();
        if observed.groups() != groups {
            return Err(Error::new(
                place("observed"),
                format!(
                    "{} series, but the network has {groups} non-empty region x sector groups",
                    observed.groups()
                ),
                "build the panel with Observation::from_values or Trajectory::observe of this network",
            ));
        }
        if observed.periods == 0 || observed.values.len() != observed.periods * groups {
            return Err(Error::new(
                place("observed.values"),
                format!(
                    "{} values for {} periods x {groups} groups",
                    observed.values.len(),
                    observed.periods
                ),
                "give [period, group] row by row, NaN where missing",
            ));
        }
        let counts = |c: usize| self.weights.get(c % groups).is_none_or(|w| *w > 0.0);
        let cells = || observed.values.iter().enumerate();
        if !beside && !cells().any(|(c, v)| !v.is_nan() && counts(c)) {
            return Err(Error::new(
                place("observed"),
                "every cell is missing or without weight",
                "nothing can be learnt from it",
            ));
        }
        if let Some(v) = observed.values.iter().find(|v| v.is_infinite()) {
            return Err(Error::new(
                place("observed"),
                format!("a cell is {v}"),
                "use NaN for a missing cell",
            ));
        }
        if let Some(i) = (0..groups).find(|&i| !(observed.base[i] > 0.0)) {
            return Err(Error::new(
                place("observed"),
                format!(
                    "the series of {} has steady level {}",
                    observed.label(i),
                    observed.base[i]
                ),
                "a relative loss needs positive levels: merge or drop the group",
            ));
        }
        self.check_base(observed, place)
    }

    /// Refuses base periods that are not there, or in which a series that is compared has no level.
    fn check_base(&self, observed: &Observation, place: &dyn Fn(&str) -> String) -> Result<()> {
        let groups = observed.groups();
        let Scale::Indices { first, last } = self.scale else {
            return Ok(());
        };
        if first == 0 || first > last || last > observed.periods {
            return Err(Error::new(
                "problem.scale",
                format!(
                    "base periods {first} to {last}, but periods are 1 to {}",
                    observed.periods
                ),
                "give base periods within them, before the shock",
            ));
        }
        let based = |g: usize| {
            let mean = (first - 1..last).map(|t| observed.values[t * groups + g]);
            mean.filter(|v| !v.is_nan()).sum::<f64>() > 0.0
        };
        let counts = |g: usize| self.weights.get(g).is_none_or(|w| *w > 0.0);
        let seen = |g: usize| {
            let mut cells = observed.values.iter().skip(g).step_by(groups);
            cells.any(|v| !v.is_nan())
        };
        let needed = |g: &usize| seen(*g) && counts(*g);
        if let Some(g) = (0..groups).filter(needed).find(|g| !based(*g)) {
            return Err(Error::new(
                place("observed"),
                format!(
                    "the series of {} has no positive mean over the base periods {first} to {last}",
                    observed.label(g)
                ),
                "choose base periods that are observed, or give the series weight 0",
            ));
        }
        Ok(())
    }
}

/// The first period of a shock's first event; none of one without events.
fn shock_begins(shock: &crate::model::Shock) -> Option<usize> {
    shock.events.iter().map(|e| e.start).min()
}

/// Where the series that are observed before the shock start: their mean there, relative to the steady level. Where the
/// shock comes in the first period, the highest level of each series, which the shock cannot have raised much.
fn starts(shock: Option<usize>, observed: &Observation) -> Vec<Start> {
    let g = observed.groups();
    let before = shock
        .map_or(observed.periods, |s| s - 1)
        .min(observed.periods);
    let start = |group: usize| {
        let cells = |periods: usize| {
            let all = (0..periods).map(move |t| observed.values[t * g + group]);
            all.filter(|v| !v.is_nan())
        };
        let seen = cells(before).count();
        let level = match seen {
            0 => cells(observed.periods).fold(f64::NAN, f64::max),
            n => cells(before).sum::<f64>() / n as f64,
        };
        let (ratio, hit) = (level / observed.base[group], seen == 0);
        ratio.is_finite().then_some(Start { group, ratio, hit })
    };
    (0..g).filter_map(start).collect()
}

/// The middle of some ratios.
fn middle(starts: &[Start]) -> f64 {
    let mut all: Vec<f64> = starts.iter().map(|s| s.ratio).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(1.0)
}

/// True where all series start at about the same number though their steady levels differ: index values, such as 100.
fn one_number(observed: &Observation, starts: &[Start]) -> Option<f64> {
    let spread = |values: &dyn Fn(&Start) -> f64| {
        let all = starts.iter().map(values);
        let (low, high) = all.fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), v| {
            (a.min(v), b.max(v))
        });
        high / low
    };
    let level = |s: &Start| s.ratio * observed.base[s.group];
    let same =
        starts.len() > 1 && spread(&level) < 1.3 && spread(&|s| observed.base[s.group]) > 1.5;
    same.then(|| starts.iter().map(level).sum::<f64>() / starts.len() as f64)
}

/// What to do with index values.
const INDICES: &str =
    "compare indices by problem.scale = Scale::Indices { first, last }, or make levels by align_to";

/// Refuses levels in another unit, and index values where they are far from levels.
fn check_unit(observed: &Observation, starts: &[Start], place: &str) -> Result<()> {
    let middle = middle(starts);
    // A shock in the first period may take nearly all.
    let down = if starts.iter().all(|s| s.hit) {
        LEFT
    } else {
        UNIT
    };
    if (1.0 / down..=UNIT).contains(&middle) {
        return Ok(());
    }
    if let Some(number) = one_number(observed, starts) {
        return Err(Error::new(
            place,
            format!(
                "all series start near {}, and their steady levels are {}: these are index values, not levels",
                round(number),
                levels(observed)
            ),
            INDICES,
        ));
    }
    let first = starts.iter().min_by(|a, b| {
        let from = |s: &Start| (s.ratio / middle).ln().abs();
        from(a).total_cmp(&from(b))
    });
    let example = first.map_or(String::new(), |s| {
        format!(
            ", as {}, which starts at {} and has a steady level of {}",
            observed.label(s.group),
            round(s.ratio * observed.base[s.group]),
            round(observed.base[s.group])
        )
    });
    Err(Error::new(
        place,
        format!(
            "the middle series starts at {} times its steady level{example}",
            round(middle)
        ),
        "give the panel in the network's unit per period, or compare indices by problem.scale = Scale::Indices { first, last }",
    ))
}

/// The range of the steady levels.
fn levels(observed: &Observation) -> String {
    let low = observed.base.iter().copied().fold(f64::INFINITY, f64::min);
    let high = observed.base.iter().copied().fold(0.0, f64::max);
    format!("{} to {}", round(low), round(high))
}

/// Series that are 0 somewhere.
fn zeros(observed: &Observation) -> Option<String> {
    let g = observed.groups();
    let cells: Vec<usize> = (0..observed.values.len())
        .filter(|c| observed.values[*c] == 0.0)
        .collect();
    let first = cells.first()?;
    Some(format!(
        "{} cells of the panel are 0, the first {} in period {}: a cell that is missing must be NaN",
        cells.len(),
        observed.label(first % g),
        first / g + 1
    ))
}

/// Series that do not start at their steady level.
fn off_start(observed: &Observation, starts: &[Start], noise: f64) -> Option<String> {
    let limit = OFF.max(4.0 * noise);
    let off = |s: &&Start| s.is_off(1.0 + limit, 1.0 + limit);
    let worst = starts.iter().filter(off).max_by(|a, b| {
        let far = |s: &Start| s.ratio.ln().abs();
        far(a).total_cmp(&far(b))
    })?;
    let number = starts.iter().filter(off).count();
    if number * 2 > starts.len()
        && let Some(number) = one_number(observed, starts)
    {
        return Some(format!(
            "all series of the panel start near {}, and their steady levels are {}: these look like index values, not levels; {INDICES}",
            round(number),
            levels(observed)
        ));
    }
    Some(format!(
        "{number} of {} series do not start at their steady level: {} starts at {} and its steady level is {}; before a shock the model is in its steady state, so give levels in the network's unit, or {INDICES}",
        starts.len(),
        observed.label(worst.group),
        round(worst.ratio * observed.base[worst.group]),
        round(observed.base[worst.group])
    ))
}

/// A number in four digits.
fn round(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return v.to_string();
    }
    let digits = 3 - v.abs().log10().floor() as i32;
    if (-3..=6).contains(&digits) {
        let text = format!("{v:.*}", digits.max(0) as usize);
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
            false => text,
        }
    } else {
        format!("{v:.3e}")
    }
}
