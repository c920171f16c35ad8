//! Columns that nobody named: they must not differ between the series of one panel, or are chosen by.

use super::cell::shown;
use super::choice::fits;
use super::months::plain;
use super::names::{Names, same};
use super::{ReadOptions, kinds};
use crate::error::{Error, Result};
use std::collections::HashSet;

/// More different texts than this are not told apart any more.
const MOST: usize = 10_000;

/// What a column is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Belongs to an observation, or says nothing of what is measured.
    Attribute,
    /// Another name of a series.
    Label,
    /// Says what is measured, and how.
    Dimension,
    Unknown,
}

const ATTRIBUTES: &str = "obs_conf conf_status obs_com obs_pre_break symbol symbols terminated decimals decimal \
    time_format breaks break collection structure structure_id structure_name row id idx no nr fid \
    objectid year jahr annee ano anno quarter month month_name monat mois mes mese day date time \
    time_period periodo seleziona_periodo period time_label quality reliability confidential \
    confidentiality last_update last_updated updated embargo_time dataflow_name";
const ATTRIBUTE_PARTS: &str = "flag status comment note footnote remark weight gewicht observation";
const DIMENSIONS: &str = "adj sa type typ tipo uom mult scale basis base real nominal freq frequency data size stock flow \
    edition version vintage asof method currency item variable statistic suffix sex age counterpart \
    partner dataflow dataset concept kind class market";
const DIMENSION_PARTS: &str = "adjust season saison desest destag correz corrig price preis prix precio prezz preco measur unit \
    einheit multipl power scalar scaling vintage realtime real_time release revision snapshot publi \
    transform statisti indic valuation currency dato nomor as_of reference_period frequen deflat \
    calendar working_day aggregation";
/// Dimensions that are also names of what the sectors or regions of a file are.
const LOOSE: &str = "type typ tipo item variable class concept market kind indic statistic";
const LABELS: &str = "key vector coordinate dguid title title_compl code name label desc description series_id source \
    country region area territorio geo state province sector industry activity group";
const LABEL_PARTS: &str = "name label _lab title descr _code code_ country region area sector industr activit series nace \
    isic naics ateco branch territor";

fn role(name: &str) -> Role {
    let low: String = plain(name.split(':').next().unwrap_or_default().trim())
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    let words = |list: &str| low.split('_').any(|w| list.split(' ').any(|l| l == w));
    let parts = |list: &str| list.split(' ').any(|p| low.contains(p));
    if ATTRIBUTES.split(' ').any(|a| a == low) || parts(ATTRIBUTE_PARTS) {
        Role::Attribute
    } else if words(DIMENSIONS) || parts(DIMENSION_PARTS) {
        Role::Dimension
    } else if words(LABELS) || parts(LABEL_PARTS) {
        Role::Label
    } else {
        Role::Unknown
    }
}

/// Which rows count, and the further columns of a file with columns by name.
pub(super) struct Further {
    /// Places of the columns that are watched.
    places: Vec<usize>,
    /// Places of the columns that are chosen by, and what is taken of them.
    keep: Vec<(usize, Vec<String>)>,
    /// The column of SDMX-CSV 2.0 that says whether a row adds or deletes.
    action: Option<usize>,
    tracks: Vec<Track>,
}

/// One further column.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    name: String,
    role: Role,
    /// True beside the column of regions or sectors, where its labels stand.
    beside: bool,
    /// True where `ReadOptions.keep` names it, so that it may differ.
    chosen: bool,
}

/// What stands in a further column.
#[derive(Debug)]
pub(super) struct Track {
    watched: Watched,
    names: Names,
    /// The text of each series, by its number; `NONE` where there is none yet.
    of: Vec<u32>,
    /// True where it changes within a series.
    within: bool,
    /// The series and text of the row before: most rows have the same.
    last: (usize, u32),
}

const NONE: u32 = u32::MAX;

impl Further {
    /// `names` are all columns, `used` those that the reader takes, `labelled` those of regions and sectors.
    pub(super) fn new(
        names: &[String],
        used: &[Option<usize>],
        labelled: &[Option<usize>],
        options: &ReadOptions,
    ) -> Result<Self> {
        let mut keep: Vec<(usize, Vec<String>)> = Vec::new();
        for (column, value) in &options.keep {
            let same = |n: &String| {
                n == column || n.split(':').next().unwrap_or_default().trim() == column
            };
            let Some(k) = names.iter().position(same) else {
                return Err(Error::new(
                    "ReadOptions.keep",
                    format!("there is no column {column:?}"),
                    format!(
                        "the file has the columns {}",
                        names[..names.len().min(30)].join(", ")
                    ),
                ));
            };
            match keep.iter_mut().find(|(c, _)| *c == k) {
                Some((_, values)) => values.push(value.clone()),
                None => keep.push((k, vec![value.clone()])),
            }
        }
        let action = names
            .iter()
            .position(|n| n.split(':').next() == Some("ACTION"));
        let mut places = Vec::new();
        let mut tracks = Vec::new();
        for (k, name) in names.iter().enumerate() {
            let chosen = keep.iter().any(|(c, _)| *c == k);
            let role = role(name);
            let skipped = name.is_empty() || role == Role::Attribute && !chosen;
            if used.contains(&Some(k)) || skipped || action == Some(k) {
                continue;
            }
            places.push(k);
            tracks.push(Track {
                watched: Watched {
                    name: name.clone(),
                    role,
                    beside: k > 0 && labelled.contains(&Some(k - 1)),
                    chosen,
                },
                names: Names::default(),
                of: Vec::new(),
                within: false,
                last: (usize::MAX, NONE),
            });
        }
        Ok(Self {
            places,
            keep,
            action,
            tracks,
        })
    }

    /// The tracks, empty, for the panel.
    pub(super) fn tracks(&self) -> Vec<Track> {
        self.tracks.iter().map(Track::empty).collect()
    }

    /// Whether the row has what was asked for.
    pub(super) fn keeps<'r>(&self, get: impl Fn(usize) -> &'r str) -> bool {
        self.keep
            .iter()
            .all(|(k, values)| values.iter().any(|v| fits(v, get(*k))))
    }

    /// Whether the row deletes an observation instead of giving one.
    pub(super) fn deletes<'r>(&self, get: impl Fn(usize) -> &'r str) -> bool {
        self.action.is_some_and(|k| {
            let action = get(k);
            action.eq_ignore_ascii_case("D") || action.to_lowercase().starts_with("delete")
        })
    }

    /// Where the watched columns stand.
    pub(super) fn places(&self) -> &[usize] {
        &self.places
    }

    /// True where nothing is asked of a row.
    pub(super) fn is_idle(&self) -> bool {
        self.places.is_empty() && self.keep.is_empty() && self.action.is_none()
    }
}

impl Track {
    pub(super) fn empty(&self) -> Track {
        Track {
            watched: self.watched.clone(),
            names: Names::default(),
            of: Vec::new(),
            within: false,
            last: (usize::MAX, NONE),
        }
    }

    pub(super) fn take(&mut self, series: usize, text: &str) {
        let (before, code) = self.last;
        let last = self.names.list.get(code as usize);
        if before == series && last.is_some_and(|last| same(last, text)) {
            return;
        }
        if self.names.list.len() >= MOST && !self.names.has(text) {
            self.within = true;
            return;
        }
        let code = self.names.code(text);
        self.last = (series, code);
        self.set(series, code);
    }

    fn set(&mut self, series: usize, code: u32) {
        if self.of.len() <= series {
            self.of.resize(series + 1, NONE);
        }
        let of = &mut self.of[series];
        if *of == NONE {
            *of = code;
        } else {
            self.within |= *of != code;
        }
    }

    /// Adds what another part of the file has; `series` are the numbers that its series have here.
    pub(super) fn absorb(&mut self, part: &Track, series: &[usize]) {
        self.within |= part.within;
        let codes: Vec<u32> = part.names.list.iter().map(|n| self.names.code(n)).collect();
        for (theirs, code) in part.of.iter().enumerate().filter(|(_, c)| **c != NONE) {
            self.set(series[theirs], codes[*code as usize]);
        }
    }

    /// Name and first text, where the column changes within series: for the message on a month that occurs twice.
    pub(super) fn choice(&self) -> Option<String> {
        self.within.then(|| {
            let first = self.names.list.iter().find(|n| !n.is_empty());
            choose(&self.watched.name, first.map_or("", |n| n))
        })
    }

    fn mixed(&self, why: &str) -> Error {
        let mut texts: Vec<&str> = self.names.list.iter().map(|n| &**n).collect();
        texts.sort_unstable();
        let first = texts.iter().find(|t| !t.is_empty()).copied().unwrap_or("");
        Error::new(
            format!("column `{}`", self.watched.name),
            format!("it mixes {}, {why}", self.names.shown(None)),
            format!(
                "choose one with {}, or take all with {:?} if it does not matter",
                choose(&self.watched.name, first),
                "*"
            ),
        )
    }

    /// Refuses a column that says that the series measure different things, or no levels; what is not read
    /// and changes is a note. `keys` are region and sector of each series that was read.
    pub(super) fn judge(&self, keys: &[(u32, u32)]) -> Result<Option<String>> {
        let Watched {
            name,
            role,
            beside,
            chosen,
        } = &self.watched;
        let known = |text: &str| {
            if *role == Role::Dimension || *chosen {
                kinds::code(text)
            } else {
                kinds::label(text)
            }
        };
        let several = self.names.list.len() > 1;
        if *role == Role::Dimension && several && !*chosen && !self.names_series(keys) {
            return Err(self.mixed("which cannot stand in one panel"));
        }
        if let Some((text, what)) = self.names.list.iter().find_map(|t| Some((t, known(t)?))) {
            let mut error = kinds::refusal(format!("column `{name}`"), text, what, "");
            if let Some(level) = self
                .names
                .list
                .iter()
                .find(|t| !t.is_empty() && known(t).is_none())
            {
                error.remedy += &format!(", as with {}", choose(name, level));
            }
            return Err(error);
        }
        if *chosen {
            return Ok(None);
        }
        if !several {
            return Ok(None);
        }
        if self.within {
            return Ok((*role == Role::Unknown && !self.is_numeric()).then(|| {
                format!(
                    "column `{name}` was not read, and changes within series: {}",
                    self.names.shown(None)
                )
            }));
        }
        let label = *role == Role::Label || self.is_one_to_one(keys, *beside);
        if label || self.is_numeric() {
            return Ok(None);
        }
        Err(self.mixed("and differs between the series of one panel"))
    }

    /// True of numbers, which measure something else.
    fn is_numeric(&self) -> bool {
        let list = &self.names.list;
        let numbers: Vec<f64> = list.iter().filter_map(|n| n.parse().ok()).collect();
        // Few small numbers, powers of ten and years may be codes or factors.
        let code = |v: &f64| {
            let power = [1e2, 1e3, 1e4, 1e5, 1e6, 1e9].contains(v);
            v.fract() == 0.0 && ((0.0..100.0).contains(v) || (1900.0..2100.0).contains(v)) || power
        };
        numbers.len() == list.len() && (list.len() > 3 || !numbers.iter().all(code))
    }

    /// True where the column is another name of the regions, the sectors or the series.
    fn is_one_to_one(&self, keys: &[(u32, u32)], beside: bool) -> bool {
        let enough = self.names.list.len() >= 4 || beside;
        let by = |part: fn(&(u32, u32)) -> (u32, u32)| {
            let mut pairs = HashSet::new();
            let mut theirs = HashSet::new();
            for (key, code) in keys.iter().zip(&self.of).filter(|(_, c)| **c != NONE) {
                pairs.insert((part(key), *code));
                theirs.insert(part(key));
            }
            pairs.len() == theirs.len() && theirs.len() == self.names.list.len()
        };
        enough && !self.within && (by(|k| (k.0, 0)) || by(|k| (0, k.1)) || by(|k| *k))
    }

    /// True of a dimension by its name that is another name of at least four regions, sectors or series.
    fn names_series(&self, keys: &[(u32, u32)]) -> bool {
        let low = plain(&self.watched.name);
        LOOSE.split(' ').any(|w| low.contains(w)) && self.is_one_to_one(keys, false)
    }
}

fn choose(column: &str, value: &str) -> String {
    format!("ReadOptions {{ keep: vec![({column:?}.into(), {value:?}.into())], .. }}")
}

/// The refusal where nothing has what was chosen.
pub(super) fn nothing_kept(options: &ReadOptions) -> Error {
    let wanted: Vec<String> = options
        .keep
        .iter()
        .map(|(c, v)| format!("{} in `{c}`", shown(v)))
        .collect();
    Error::new(
        "ReadOptions.keep",
        format!("no row has {}", wanted.join(" and ")),
        "see the columns of the file; a text that ends in * takes all that begin with it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_their_names() {
        for name in [
            "adjusted",
            "price_basis",
            "measure",
            "UNIT_MULT",
            "vintage",
            "realtime_start",
            "Price type",
            "freq",
            "scale",
            "nomORreal",
        ] {
            assert_eq!(role(name), Role::Dimension, "{name}");
        }
        for name in [
            "Reference area",
            "country",
            "KEY",
            "sector_name",
            "DGUID",
            "nace_label",
        ] {
            assert_eq!(role(name), Role::Label, "{name}");
        }
        for name in [
            "OBS_COM",
            "year",
            "flags",
            "weight",
            "STATUS",
            "LAST UPDATE",
        ] {
            assert_eq!(role(name), Role::Attribute, "{name}");
        }
        assert_eq!(role("colour"), Role::Unknown);
    }
}
