//! Cells as readers find them, to the long frame; refuses what would silently spoil a calibration.

mod parts;
mod verdict;

use super::cell::{first_day, month_name, shown};
use super::choice::{is_wanted, refuse_utilisation};
use super::further::{Further, Track};
use super::looks::Looks;
use super::names::{Names, control};
use super::{ReadOptions, kinds};
use crate::error::{Error, Result};
use crate::frame::schema;
use polars::prelude::{
    AnyValue, ChunkedBuilder, Column, DataFrame, DataType, Float64Type, IdxCa, Int32Chunked,
    IntoColumn, NamedFrom, PrimitiveChunkedBuilder, Scalar, Series as Values,
};
use std::collections::HashMap;

/// Cells that a file may have unless `ReadOptions.max_cells` says otherwise.
const CELLS: usize = 100_000_000;
/// One cell. Empty texts mean that there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell<'a> {
    pub(super) line: usize,
    pub(super) region: &'a str,
    pub(super) sector: &'a str,
    /// Months since year 0.
    pub(super) month: i32,
    pub(super) value: Option<f64>,
    pub(super) flag: &'a str,
    pub(super) s_adj: &'a str,
    pub(super) unit: &'a str,
    pub(super) indicator: &'a str,
}

/// A cell of one series in 16 bytes: a large file has many millions.
#[derive(Clone, Copy)]
struct Spot {
    /// NaN is missing.
    value: f64,
    line: u32,
    /// Month since year 0 above the lowest 14 bits, which have the code of the flag.
    when: u32,
}

const FLAG_BITS: u32 = 14;

impl Spot {
    fn month(self) -> i32 {
        (self.when >> FLAG_BITS) as i32
    }

    fn flag(self) -> u32 {
        self.when & ((1 << FLAG_BITS) - 1)
    }
}

/// One series as it grows.
struct Series {
    region: u32,
    sector: u32,
    /// False where `regions` or `sectors` leave it out.
    wanted: bool,
    /// Where its cells are: the first, and how many there are from there on.
    runs: Vec<(u32, u32)>,
}

impl Series {
    /// Takes `count` cells that begin at `from`.
    fn take(&mut self, from: usize, count: u32) {
        match self.runs.last_mut() {
            Some((start, n)) if (*start + *n) as usize == from => *n += count,
            _ => self.runs.push((from as u32, count)),
        }
    }
}

/// What has been read so far.
pub(super) struct Panel<'o> {
    options: &'o ReadOptions,
    regions: Names,
    sectors: Names,
    flags: Names,
    /// Adjustments, units and indicators of the file.
    kinds: [Names; 3],
    /// Those of the cells that were chosen.
    kept: [Vec<u32>; 3],
    series: Vec<Series>,
    by_name: HashMap<(u32, u32), usize>,
    /// Sectors whose names were seen to be no growth rates and the like, by their codes.
    judged: Vec<bool>,
    last: usize,
    /// The cells of all series, as the file has them: in one piece, which goes back to the system at
    /// once when the columns are made.
    spots: Vec<Spot>,
    /// The lowest and the highest `when` of them.
    ends: (u32, u32),
    read: usize,
    notes: Vec<String>,
    /// What the file calls its columns of adjustments, units and indicators.
    pub(super) titles: [String; 3],
    /// The further columns, which must not differ between series.
    tracks: Vec<Track>,
    /// Rows that delete an observation: region, sector, month, line.
    deleted: Vec<(u32, u32, Option<i32>, usize)>,
    /// Rows that `keep` leaves out.
    passed: usize,
    /// True where the format has columns that `keep` can name.
    chosen_by: bool,
    /// Rows with more cells than months, and the first of them.
    surplus: (usize, String),
}

const KINDS: [&str; 3] = ["s_adj", "unit", "indicator"];

impl<'o> Panel<'o> {
    pub(super) fn new(options: &'o ReadOptions) -> Self {
        Self {
            options,
            regions: Names::default(),
            sectors: Names::default(),
            flags: Names::default(),
            kinds: Default::default(),
            kept: Default::default(),
            series: Vec::new(),
            by_name: HashMap::new(),
            judged: Vec::new(),
            last: 0,
            spots: Vec::new(),
            ends: (u32::MAX, 0),
            read: 0,
            notes: Vec::new(),
            titles: KINDS.map(String::from),
            tracks: Vec::new(),
            deleted: Vec::new(),
            passed: 0,
            chosen_by: false,
            surplus: (0, String::new()),
        }
    }

    /// Watches the further columns of a file.
    pub(super) fn watch(&mut self, further: &Further) {
        self.tracks = further.tracks();
        self.chosen_by = true;
    }

    /// Whether a row is an observation that was asked for; one that deletes is remembered. `key` gives its region,
    /// sector and month.
    pub(super) fn takes<'r>(
        &mut self,
        further: &Further,
        line: usize,
        get: impl Fn(usize) -> &'r str + Copy,
        key: impl FnOnce() -> (&'r str, &'r str, Option<i32>),
    ) -> bool {
        if further.is_idle() {
            return true;
        }
        if !further.keeps(get) {
            self.passed += 1;
            return false;
        }
        if further.deletes(get) {
            let (region, sector, month) = key();
            let key = (self.regions.code(region), self.sectors.code(sector));
            self.deleted.push((key.0, key.1, month, line));
            return false;
        }
        true
    }

    /// Adds a cell whose row has further columns.
    pub(super) fn push_row<'r>(
        &mut self,
        cell: Cell<'_>,
        further: &Further,
        get: impl Fn(usize) -> &'r str,
    ) -> Result<()> {
        if self.push(cell)? {
            for (track, k) in self.tracks.iter_mut().zip(further.places()) {
                track.take(self.last, get(*k));
            }
        }
        Ok(())
    }

    /// Counts a row that has more cells than the header has months.
    pub(super) fn surplus(&mut self, first: impl FnOnce() -> String) {
        if self.surplus.0 == 0 {
            self.surplus.1 = first();
        }
        self.surplus.0 += 1;
    }

    /// Something that the reader left out, to be shown with the result.
    pub(super) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    fn wanted(&self) -> [&'o Option<String>; 3] {
        let o = self.options;
        [&o.s_adj, &o.unit, &o.indicator]
    }

    /// Adds a cell; false where it is not wanted.
    pub(super) fn push(&mut self, cell: Cell<'_>) -> Result<bool> {
        self.read += 1;
        let texts = [cell.s_adj, cell.unit, cell.indicator];
        let mut codes = [0; 3];
        let mut chosen = true;
        for k in 0..3 {
            codes[k] = self.kinds[k].code(texts[k]);
            chosen &= self.wanted()[k].as_ref().is_none_or(|w| w == texts[k]);
        }
        let key = (
            self.regions.code(cell.region),
            self.sectors.code(cell.sector),
        );
        if !chosen {
            return Ok(false);
        }
        let same = |s: &Series| (s.region, s.sector) == key;
        if !self.series.get(self.last).is_some_and(same) {
            self.last = match self.by_name.get(&key) {
                Some(k) => *k,
                None => self.open(key, &cell)?,
            };
        }
        if !self.series[self.last].wanted {
            return Ok(false);
        }
        for (kept, code) in self.kept.iter_mut().zip(codes) {
            if !kept.contains(&code) {
                kept.push(code);
            }
        }
        if self.is_mixed() {
            return Ok(true);
        }
        if self.spots.len() >= self.most() {
            return Err(self.too_many(cell.line));
        }
        let flag = self.flags.code(cell.flag);
        if flag >> FLAG_BITS > 0 {
            return Err(too_many_flags(cell.line));
        }
        let at = self.spots.len();
        self.series[self.last].take(at, 1);
        self.make_room(1, cell.line)?;
        // Months have at most 17 bits: years have four digits.
        let when = (cell.month as u32) << FLAG_BITS | flag;
        self.ends = (self.ends.0.min(when), self.ends.1.max(when));
        self.spots.push(Spot {
            value: cell.value.unwrap_or(f64::NAN),
            line: u32::try_from(cell.line).unwrap_or(u32::MAX),
            when,
        });
        Ok(true)
    }

    /// True of a mixture: only its kinds are wanted, for the message.
    fn is_mixed(&self) -> bool {
        self.kept.iter().any(|kept| kept.len() > 1)
    }

    /// Cells that are read at most; rows of a frame are counted in 32 bits.
    fn most(&self) -> usize {
        let most = self.options.max_cells.unwrap_or(CELLS);
        most.min(u32::MAX as usize - 1)
    }

    fn too_many(&self, line: usize) -> Error {
        Error::new(
            format!("line {line}"),
            format!("the file has more than {} cells", self.most()),
            "if it is meant to be so large, raise ReadOptions.max_cells, or choose with `regions` and `sectors`",
        )
    }

    fn open(&mut self, key: (u32, u32), cell: &Cell<'_>) -> Result<usize> {
        for (name, text) in [("region", cell.region), ("sector", cell.sector)] {
            if text.len() > 1000 {
                return Err(Error::new(
                    format!("line {}", cell.line),
                    format!("the {name} {} is longer than 1000 bytes", shown(text)),
                    "the file is damaged, or the wrong column is read",
                ));
            }
            if text.contains(char::is_control) {
                return Err(control(&format!("line {}, {name}", cell.line), text));
            }
        }
        let wanted = is_wanted(&self.options.regions, cell.region)
            && is_wanted(&self.options.sectors, cell.sector);
        if wanted {
            let place = || format!("line {}", cell.line);
            for text in [cell.unit, cell.indicator] {
                refuse_utilisation(text, place)?;
            }
            // Once each: a file may have a sector in millions of regions.
            let sector = key.1 as usize;
            if !self.judged.get(sector).is_some_and(|judged| *judged) {
                refuse_utilisation(cell.sector, place)?;
                kinds::refuse_label(cell.sector, place)?;
                let most = self.judged.len().max(sector + 1);
                self.judged.resize(most, false);
                self.judged[sector] = true;
            }
        }
        self.series.push(Series {
            region: key.0,
            sector: key.1,
            wanted,
            runs: Vec::new(),
        });
        self.by_name.insert(key, self.series.len() - 1);
        Ok(self.series.len() - 1)
    }

    /// "BE C".
    fn name(&self, series: &Series) -> String {
        let region = self.regions.text(series.region);
        let name = format!("{region} {}", self.sectors.text(series.sector));
        let name = name.trim();
        if name.is_empty() { "the series" } else { name }.to_string()
    }

    /// The cells of one series by month; refuses months that occur twice and series that are not monthly.
    fn gather(&self, series: &Series, spots: &mut Vec<Spot>) -> Result<()> {
        spots.clear();
        for (start, count) in &series.runs {
            let start = *start as usize;
            spots.extend_from_slice(&self.spots[start..start + *count as usize]);
        }
        if !spots.is_sorted_by(|a, b| a.month() < b.month()) {
            spots.sort_by_key(|s| (s.month(), s.line));
        }
        let name = || self.name(series);
        for pair in spots.windows(2) {
            if pair[0].month() == pair[1].month() {
                let (first, again) = (pair[0].line, pair[1].line);
                return Err(Error::new(
                    format!("line {again}"),
                    format!(
                        "{} in {} was already given in {}",
                        name(),
                        month_name(pair[0].month()),
                        if first == again {
                            "the same line".to_string()
                        } else {
                            format!("line {first}")
                        }
                    ),
                    match self.tracks.iter().find_map(Track::choice) {
                        Some(choice) => format!("keep one of the two; rows differ in a further column: {choice}"),
                        None => "keep one of the two; if they differ in a further column, choose by it before".into(),
                    },
                ));
            }
        }
        let apart =
            |n: i32| spots.len() > 2 && spots.windows(2).all(|p| p[1].month() - p[0].month() == n);
        for (n, kind) in [(3, "quarterly"), (12, "annual")] {
            if apart(n) {
                return Err(Error::new(
                    format!("series {}, line {}", name(), spots[0].line),
                    format!("all its months are {n} apart, so it is {kind}"),
                    "take the monthly series, or leave it out with `regions` and `sectors`",
                ));
            }
        }
        let ends = spots.first().zip(spots.last());
        if spots.len() > 7
            && spots.iter().all(|s| s.month() % 12 < 4)
            && ends.is_some_and(|(a, b)| b.month() / 12 > a.month() / 12)
        {
            return Err(Error::new(
                format!("series {}, line {}", name(), spots[0].line),
                "only the months 1 to 4 of each year occur, so they may be quarters",
                "take the monthly series, or leave it out with `regions` and `sectors`",
            ));
        }
        Ok(())
    }

    /// Series by name, cells by month.
    fn frame(mut self, looks: &mut Looks) -> Result<DataFrame> {
        let n = self.spots.len();
        let mut series = std::mem::take(&mut self.series);
        series.retain(|s| !s.runs.is_empty());
        let (regions, sectors) = (self.regions.ranks(), self.sectors.ranks());
        series.sort_by_key(|s| (regions[s.region as usize], sectors[s.sector as usize]));
        drop((regions, sectors));
        // Sizes are known: a vector that grows would need half as much again.
        let (mut days, mut flags) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut values = PrimitiveChunkedBuilder::<Float64Type>::new(schema::VALUE.into(), n);
        let (mut lengths, mut spots) = (Vec::with_capacity(series.len()), Vec::new());
        for one in &series {
            self.gather(one, &mut spots)?;
            looks.series(
                &|| self.name(one),
                &mut spots.iter().map(|s| (s.month(), s.value)),
            );
            lengths.push(spots.len());
            for spot in &spots {
                days.push(first_day(spot.month()));
                values.append_option((!spot.value.is_nan()).then_some(spot.value));
                flags.push(spot.flag());
            }
        }
        // Before the texts are made, which take most.
        drop((std::mem::take(&mut self.spots), spots));
        let values = values.finish();
        let days = Int32Chunked::from_vec(schema::MONTH.into(), days).into_date();
        let every = |f: fn(&Series) -> u32| -> Vec<u32> {
            let mut codes = Vec::with_capacity(n);
            for (one, length) in series.iter().zip(&lengths) {
                codes.resize(codes.len() + length, f(one));
            }
            codes
        };
        let text = |name: &str, names: &Names, codes: Vec<u32>| -> Result<Column> {
            // The texts themselves are stored once; empty ones mean null, but not in a name.
            let keep_empty = name == schema::REGION || name == schema::SECTOR;
            let list: Vec<Option<&str>> = names
                .list
                .iter()
                .map(|t| (keep_empty || !t.is_empty()).then_some(&**t))
                .collect();
            let list = Values::new(name.into(), list);
            Ok(list.take(&IdxCa::from_vec("".into(), codes))?.into_column())
        };
        let flags = text(schema::FLAG, &self.flags, flags)?;
        let (regions, sectors) = rayon::join(
            || text(schema::REGION, &self.regions, every(|s| s.region)),
            || text(schema::SECTOR, &self.sectors, every(|s| s.sector)),
        );
        let constant = |k: usize| -> Column {
            let value = self.kept[k].first().map_or("", |c| self.kinds[k].text(*c));
            let value = if value.is_empty() {
                AnyValue::Null
            } else {
                AnyValue::StringOwned(value.into())
            };
            Column::new_scalar(KINDS[k].into(), Scalar::new(DataType::String, value), n)
        };
        Ok(DataFrame::new(
            n,
            vec![
                regions?,
                sectors?,
                days.into_column(),
                values.into_column(),
                flags,
                constant(0),
                constant(1),
            ],
        )?)
    }
}

fn too_many_flags(line: usize) -> Error {
    Error::new(
        format!("line {line}"),
        format!("the file has more than {} different flags", 1 << FLAG_BITS),
        "the wrong column may be read as flags",
    )
}
