//! Cells as readers find them, to the long frame; refuses what would silently spoil a calibration.

use super::cell::{first_day, month_name, shown};
use super::{Format, Index, ReadOptions};
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

/// Texts that occur often, each once.
#[derive(Debug, Default)]
struct Names {
    list: Vec<Box<str>>,
    codes: HashMap<Box<str>, u32>,
    last: u32,
}

impl Names {
    fn code(&mut self, name: &str) -> u32 {
        if self
            .list
            .get(self.last as usize)
            .is_some_and(|n| **n == *name)
        {
            return self.last;
        }
        self.last = match self.codes.get(name) {
            Some(code) => *code,
            None => {
                let code = self.list.len() as u32;
                self.list.push(name.into());
                self.codes.insert(name.into(), code);
                code
            }
        };
        self.last
    }

    fn text(&self, code: u32) -> &str {
        &self.list[code as usize]
    }

    /// The first names in order, for a message.
    fn shown(&self, codes: Option<&[u32]>) -> String {
        let mut names: Vec<&str> = (0..self.list.len() as u32)
            .filter(|c| codes.is_none_or(|some| some.contains(c)))
            .map(|c| self.text(c))
            .map(|n| if n.is_empty() { "(none)" } else { n })
            .collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(20);
        names.truncate(20);
        let list = names.join(", ");
        if more > 0 {
            format!("{list} and {more} more")
        } else {
            list
        }
    }
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
    spots: Vec<Spot>,
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
    last: usize,
    cells: usize,
    read: usize,
    notes: Vec<String>,
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
            last: 0,
            cells: 0,
            read: 0,
            notes: Vec::new(),
        }
    }

    /// Something that the reader left out, to be shown with the result.
    pub(super) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    fn wanted(&self) -> [&'o Option<String>; 3] {
        let o = self.options;
        [&o.s_adj, &o.unit, &o.indicator]
    }

    pub(super) fn push(&mut self, cell: Cell<'_>) -> Result<()> {
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
            return Ok(());
        }
        let same = |s: &Series| (s.region, s.sector) == key;
        if !self.series.get(self.last).is_some_and(same) {
            self.last = match self.by_name.get(&key) {
                Some(k) => *k,
                None => self.open(key, &cell)?,
            };
        }
        if !self.series[self.last].wanted {
            return Ok(());
        }
        for (kept, code) in self.kept.iter_mut().zip(codes) {
            if !kept.contains(&code) {
                kept.push(code);
            }
        }
        // Of a mixture only its kinds are wanted, for the message.
        if self.kept.iter().any(|kept| kept.len() > 1) {
            return Ok(());
        }
        self.cells += 1;
        let most = self.options.max_cells.unwrap_or(CELLS);
        if self.cells > most {
            return Err(Error::new(
                format!("line {}", cell.line),
                format!("the file has more than {most} cells"),
                "if it is meant to be so large, raise ReadOptions.max_cells, or choose with `regions` and `sectors`",
            ));
        }
        let flag = self.flags.code(cell.flag);
        if flag >> FLAG_BITS > 0 {
            return Err(Error::new(
                format!("line {}", cell.line),
                format!("the file has more than {} different flags", 1 << FLAG_BITS),
                "the wrong column may be read as flags",
            ));
        }
        let spots = &mut self.series[self.last].spots;
        if spots.len() == spots.capacity() {
            // A quarter more at a time: memory is scarcer than time here.
            spots.reserve_exact((spots.len() / 4).max(64));
        }
        spots.push(Spot {
            value: cell.value.unwrap_or(f64::NAN),
            line: u32::try_from(cell.line).unwrap_or(u32::MAX),
            // Months have at most 17 bits: years have four digits.
            when: (cell.month as u32) << FLAG_BITS | flag,
        });
        Ok(())
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
        }
        let wanted = is_wanted(&self.options.regions, cell.region)
            && is_wanted(&self.options.sectors, cell.sector);
        if wanted {
            for text in [cell.sector, cell.unit, cell.indicator] {
                refuse_utilisation(text, || format!("line {}", cell.line))?;
            }
        }
        self.series.push(Series {
            region: key.0,
            sector: key.1,
            wanted,
            spots: Vec::new(),
        });
        self.by_name.insert(key, self.series.len() - 1);
        Ok(self.series.len() - 1)
    }

    /// The frame, where the cells make one panel.
    pub(super) fn finish(mut self, format: Format, reason: String) -> Result<Index> {
        if self.read == 0 {
            return Err(Error::new(
                "",
                "it has a header, but no observation",
                "download the file again",
            ));
        }
        self.check_choices()?;
        self.order()?;
        let missing = self
            .series
            .iter()
            .flat_map(|s| &s.spots)
            .filter(|spot| spot.value.is_nan())
            .count();
        let notes = std::mem::take(&mut self.notes);
        Ok(Index {
            format,
            reason,
            missing,
            notes,
            source: None,
            frame: self.frame()?,
        })
    }

    fn check_choices(&self) -> Result<()> {
        for (k, name) in KINDS.into_iter().enumerate() {
            match self.wanted()[k] {
                Some(value) if !self.kinds[k].codes.contains_key(value.as_str()) => {
                    return Err(Error::new(
                        format!("ReadOptions.{name}"),
                        format!("no row has {value:?}"),
                        format!("the file has {}", self.kinds[k].shown(None)),
                    ));
                }
                None if self.kept[k].len() > 1 => {
                    let found = self.kinds[k].shown(Some(&self.kept[k]));
                    return Err(Error::new(
                        format!("column `{name}`"),
                        format!("it mixes {found}, which cannot stand in one panel"),
                        format!("choose one with ReadOptions {{ {name}: Some(…) }}"),
                    ));
                }
                _ => {}
            }
        }
        let lists = [
            ("regions", &self.options.regions, &self.regions),
            ("sectors", &self.options.sectors, &self.sectors),
        ];
        for (name, wanted, found) in lists {
            let unknown = wanted
                .iter()
                .find(|w| !found.list.iter().any(|n| fits(w, n)));
            if let Some(unknown) = unknown {
                return Err(Error::new(
                    format!("ReadOptions.{name}"),
                    format!("there is no {unknown:?}"),
                    format!("the file has {}", found.shown(None)),
                ));
            }
        }
        if self.cells == 0 {
            return Err(Error::new(
                "ReadOptions",
                "no row has all of what was chosen",
                "choose fewer things at a time",
            ));
        }
        Ok(())
    }

    /// Series by name, cells by month; refuses months that occur twice and series that are not monthly.
    fn order(&mut self) -> Result<()> {
        let (regions, sectors) = (&self.regions, &self.sectors);
        self.series.retain(|s| !s.spots.is_empty());
        self.series.sort_by(|a, b| {
            let name = |s: &Series| (regions.text(s.region), sectors.text(s.sector));
            name(a).cmp(&name(b))
        });
        for series in &mut self.series {
            let (region, sector) = (regions.text(series.region), sectors.text(series.sector));
            let (name, spots) = (format!("{region} {sector}"), &mut series.spots);
            let name = name.trim();
            if !spots.is_sorted_by(|a, b| a.month() < b.month()) {
                spots.sort_by_key(|s| (s.month(), s.line));
            }
            for pair in spots.windows(2) {
                if pair[0].month() == pair[1].month() {
                    let (first, again) = (pair[0].line, pair[1].line);
                    return Err(Error::new(
                        format!("line {again}"),
                        format!(
                            "{name} in {} was already given in {}",
                            month_name(pair[0].month()),
                            if first == again {
                                "the same line".to_string()
                            } else {
                                format!("line {first}")
                            }
                        ),
                        "keep one of the two; if they differ in a further column, choose by it before",
                    ));
                }
            }
            let apart = |n: i32| {
                spots.len() > 2 && spots.windows(2).all(|p| p[1].month() - p[0].month() == n)
            };
            for (n, kind) in [(3, "quarterly"), (12, "annual")] {
                if apart(n) {
                    return Err(Error::new(
                        format!("series {name}, line {}", spots[0].line),
                        format!("all its months are {n} apart, so it is {kind}"),
                        "take the monthly series, or leave it out with `regions` and `sectors`",
                    ));
                }
            }
        }
        Ok(())
    }

    fn frame(self) -> Result<DataFrame> {
        let n = self.cells;
        let series = self.series;
        let every = |f: fn(&Series, &Spot) -> u32| -> Vec<u32> {
            let mut codes = Vec::with_capacity(n);
            for s in &series {
                codes.extend(s.spots.iter().map(|spot| f(s, spot)));
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
        let constant = |k: usize| -> Column {
            let value = self.kept[k].first().map_or("", |c| self.kinds[k].text(*c));
            let value = if value.is_empty() {
                AnyValue::Null
            } else {
                AnyValue::StringOwned(value.into())
            };
            Column::new_scalar(KINDS[k].into(), Scalar::new(DataType::String, value), n)
        };
        // Sizes are known: a vector that grows would need half as much again.
        let mut days = Vec::with_capacity(n);
        let mut values = PrimitiveChunkedBuilder::<Float64Type>::new(schema::VALUE.into(), n);
        for spot in series.iter().flat_map(|s| &s.spots) {
            days.push(first_day(spot.month()));
            values.append_option((!spot.value.is_nan()).then_some(spot.value));
        }
        let values = values.finish();
        let days = Int32Chunked::from_vec(schema::MONTH.into(), days).into_date();
        Ok(DataFrame::new(
            n,
            vec![
                text(schema::REGION, &self.regions, every(|s, _| s.region))?,
                text(schema::SECTOR, &self.sectors, every(|s, _| s.sector))?,
                days.into_column(),
                values.into_column(),
                text(schema::FLAG, &self.flags, every(|_, spot| spot.flag()))?,
                constant(0),
                constant(1),
            ],
        )?)
    }
}

/// Refuses series of capacity utilisation, which look like indices: percent of capacity.
pub(super) fn refuse_utilisation(text: &str, place: impl Fn() -> String) -> Result<()> {
    const CODES: [&str; 5] = ["TCU", "CAPUTL", "CUMF", "MCUMF", "G17/CAPUTL"];
    const WORDS: [&str; 6] = [
        "capacity utili",
        "utilisation of capacity",
        "utilisation des capacit",
        "operating ratio",
        "稼働率",
        "kapazitätsauslastung",
    ];
    let low = text.to_lowercase();
    if CODES.iter().any(|c| text.starts_with(c)) || WORDS.iter().any(|w| low.contains(w)) {
        return Err(Error::new(
            place(),
            format!("{} is capacity utilisation, not production", shown(text)),
            "leave it out: ReadOptions.sectors (or unit) names what is read",
        ));
    }
    Ok(())
}

/// True where nothing is wanted in particular, or one of the wanted names fits.
pub(super) fn is_wanted(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|w| fits(w, name))
}

/// `IP*` fits all names that begin with IP.
fn fits(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => wanted == name,
    }
}
