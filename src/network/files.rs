//! Networks of firms by name: ends are matched, payments added up, and faults told with their lines.

use super::sheet::Places;
use super::text::{hidden, quoted};
use super::{Firms, Links, Network, final_demand_of_links};
use crate::error::{Error, Result};
use std::collections::HashMap;

/// Firms as they stand in a file; a column that is not there is empty.
#[derive(Default)]
pub(crate) struct RawFirms {
    pub(crate) places: Places,
    pub(crate) name: Vec<String>,
    pub(crate) region: Vec<String>,
    pub(crate) sector: Vec<String>,
    pub(crate) final_demand: Vec<f64>,
    pub(crate) output: Vec<f64>,
}

/// Links as they stand in a file.
#[derive(Default)]
pub(crate) struct RawLinks {
    pub(crate) places: Places,
    pub(crate) supplier: Vec<String>,
    pub(crate) buyer: Vec<String>,
    pub(crate) coefficient: Vec<f64>,
    pub(crate) flow: Vec<f64>,
    pub(crate) product: Vec<String>,
    pub(crate) lag: Vec<u32>,
    pub(crate) class: Vec<i32>,
}

/// How files become a network.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rules {
    pub(crate) add_up: bool,
    pub(crate) input_share: Option<f64>,
    /// The caller can be told of options of `NetworkFiles`.
    pub(crate) options: bool,
}

/// A name without what spreadsheets and programs add to it: blanks around it, ".0" behind a number.
fn bare(name: &str) -> &str {
    let name = name.trim();
    match name.strip_suffix(".0") {
        Some(whole) if !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()) => whole,
        _ => name,
    }
}

/// A network of firms and links by name. Without firms they are those of the links.
pub(crate) fn network(
    firms: Option<RawFirms>,
    mut links: RawLinks,
    rules: Rules,
) -> Result<Network> {
    let named = firms.is_some();
    let firms = firms.unwrap_or_else(|| of_links(&links));
    for (column, names) in [("supplier", &links.supplier), ("buyer", &links.buyer)] {
        no_hidden(names, &links.places, column)?;
    }
    no_hidden(&links.product, &links.places, "product")?;
    for (column, names) in [
        ("firm", &firms.name),
        ("region", &firms.region),
        ("sector", &firms.sector),
    ] {
        no_hidden(names, &firms.places, column)?;
    }
    let index = once_each(&firms, rules)?;
    let place = |names: &[String], column: &str| -> Result<Vec<usize>> {
        let of = |(row, name): (usize, &String)| match index.get(name.as_str()) {
            Some(i) => Ok(*i),
            None => Err(stranger(name, &firms, links.places.of(row), column, rules)),
        };
        names.iter().enumerate().map(of).collect()
    };
    let (buyer, supplier) = (
        place(&links.buyer, "buyer")?,
        place(&links.supplier, "supplier")?,
    );
    let flows = links.coefficient.is_empty();
    let value = std::mem::take(if flows {
        &mut links.flow
    } else {
        &mut links.coefficient
    });
    let pairs = Pairs {
        firms: &firms.name,
        places: &links.places,
        buyer: &buyer,
        supplier: &supplier,
        value: &value,
        flows,
        rules,
    };
    let rows = pairs.rows()?;
    if rules.add_up {
        pairs.alike(&links)?;
    }
    let made = made(&rows, &pairs, &links);
    let final_demand = demand(&firms, &made, rules)?;
    // Firms that are called by their index have no names.
    let plain = (0..firms.name.len()).all(|i| firms.name[i] == i.to_string());
    let tables = Firms {
        name: if plain {
            Vec::new()
        } else {
            firms.name.clone()
        },
        region: firms.region.clone(),
        sector: firms.sector.clone(),
        output: if final_demand.is_empty() {
            firms.output.clone()
        } else {
            Vec::new()
        },
        final_demand,
    };
    Network::new(tables, made).map_err(|e| {
        if !rules.add_up
            && e.fact.contains("a second time")
            && let Some(e) = pairs.twice()
        {
            return e;
        }
        let first: Vec<usize> = rows.iter().map(|r| r.0).collect();
        let places = if named { &firms.places } else { &links.places };
        located(e, places, &links.places, &first)
    })
}

/// Links of these rows.
fn made(rows: &[(usize, f64)], pairs: &Pairs<'_>, raw: &RawLinks) -> Links {
    fn of<T: Clone>(rows: &[(usize, f64)], list: &[T]) -> Vec<T> {
        let known = rows.iter().filter_map(|r| list.get(r.0));
        known.cloned().collect()
    }
    let mut links = Links {
        buyer: of(rows, pairs.buyer),
        supplier: of(rows, pairs.supplier),
        product: of(rows, &raw.product),
        lag: of(rows, &raw.lag),
        class: of(rows, &raw.class),
        ..Links::default()
    };
    let values = rows.iter().map(|r| r.1).collect();
    if pairs.flows {
        links.flow = values;
    } else {
        links.coefficient = values;
    }
    links
}

/// Whole numbers of a column, none below `least`.
pub(crate) fn whole<T: TryFrom<i64>>(
    values: &[f64],
    least: i64,
    places: &Places,
    column: &str,
) -> Result<Vec<T>> {
    let of = |(row, v): (usize, &f64)| {
        let exact = (v.fract() == 0.0 && v.abs() < 9e15).then_some(*v as i64);
        let exact = exact.filter(|v| *v >= least);
        exact.and_then(|v| T::try_from(v).ok()).ok_or_else(|| {
            let kind = match least {
                0 => "a whole number of at least 0",
                _ => "a whole number",
            };
            Error::new(
                format!("{}, column `{column}`", places.of(row)),
                format!("{v} is not {kind}"),
                format!("give {kind} there"),
            )
        })
    };
    values.iter().enumerate().map(of).collect()
}

fn of_links(links: &RawLinks) -> RawFirms {
    let mut seen = HashMap::new();
    let ends = links.supplier.iter().zip(&links.buyer).enumerate();
    let mut firms = RawFirms {
        places: Places {
            name: links.places.name.clone(),
            lines: Vec::new(),
        },
        ..RawFirms::default()
    };
    for (row, (s, b)) in ends {
        for name in [s, b] {
            if seen.insert(name, ()).is_none() {
                firms.name.push(name.clone());
                firms.places.lines.extend(links.places.lines.get(row));
            }
        }
    }
    firms
}

fn no_hidden(names: &[String], places: &Places, column: &str) -> Result<()> {
    for (row, name) in names.iter().enumerate() {
        if let Some(c) = hidden(name) {
            return Err(Error::new(
                places.of(row),
                format!(
                    "the name {} holds the hidden character U+{:04X}",
                    quoted(name),
                    u32::from(c)
                ),
                format!("take it out of column `{column}`"),
            ));
        }
        if name.trim().is_empty() {
            return Err(Error::new(
                places.of(row),
                format!("`{column}` is blank"),
                "fill or drop the row",
            ));
        }
    }
    Ok(())
}

/// The place of every firm. Refuses firms that are there twice, and names that differ by blanks or by ".0".
fn once_each(firms: &RawFirms, rules: Rules) -> Result<HashMap<&str, usize>> {
    let mut index = HashMap::with_capacity(firms.name.len());
    let mut alike: HashMap<&str, usize> = HashMap::with_capacity(firms.name.len());
    for (i, name) in firms.name.iter().enumerate() {
        if let Some(first) = index.insert(name.as_str(), i) {
            return Err(Error::new(
                firms.places.of(i),
                format!(
                    "firm {} is already in {}",
                    quoted(name),
                    firms.places.short(first)
                ),
                "give every firm one row and a name of its own",
            ));
        }
        if let Some(first) = alike.insert(bare(name), i) {
            let other = &firms.name[first];
            return Err(Error::new(
                firms.places.of(i),
                format!(
                    "firms {} and {} ({}) look like one firm",
                    quoted(name),
                    quoted(other),
                    firms.places.short(first)
                ),
                spell_alike(name, other, rules),
            ));
        }
    }
    Ok(index)
}

fn spell_alike(name: &str, other: &str, rules: Rules) -> &'static str {
    match (name.trim() == other.trim(), rules.options) {
        (true, true) => "cut the blanks, or say NetworkFiles { trim: true, .. }",
        (true, false) => "cut the blanks around names",
        _ => "spell each firm in one way: keep columns of names as text, or as whole numbers",
    }
}

/// A firm of a link that is none of the firms.
fn stranger(name: &str, firms: &RawFirms, place: String, column: &str, rules: Rules) -> Error {
    let zeros = |n: &str| bare(n).trim_start_matches('0').to_lowercase();
    let like = firms.name.iter().find(|n| bare(n) == bare(name));
    let like = like.or_else(|| firms.name.iter().find(|n| zeros(n) == zeros(name)));
    let fact = format!(
        "firm {} is not among the {} firms",
        quoted(name),
        firms.name.len()
    );
    let check = format!("check column `{column}`");
    match like {
        None => Error::new(place, fact, check),
        Some(other) => Error::new(
            place,
            format!("{fact}, but {} is", quoted(other)),
            format!("{}: {check}", spell_alike(name, other, rules)),
        ),
    }
}

/// Links whose ends are known.
struct Pairs<'a> {
    firms: &'a [String],
    places: &'a Places,
    buyer: &'a [usize],
    supplier: &'a [usize],
    value: &'a [f64],
    flows: bool,
    rules: Rules,
}

impl Pairs<'_> {
    /// Rows of links, each with its value: one for each pair. Where pairs are added up, the first row of each.
    fn rows(&self) -> Result<Vec<(usize, f64)>> {
        if self.value.len() != self.buyer.len() {
            return Err(Error::new(
                self.places.name.clone(),
                "there is neither a column of flows nor one of coefficients",
                "name it flow or coefficient, or say its name in NetworkFiles.columns",
            ));
        }
        if let Some(row) = self.value.iter().position(|v| !v.is_finite()) {
            return Err(self.told(row, self.value[row], "a finite number"));
        }
        let rows: Vec<(usize, f64)> = self.value.iter().copied().enumerate().collect();
        let rows = if self.rules.add_up {
            self.sums(rows)
        } else {
            rows
        };
        let Some((row, v)) = rows.iter().copied().find(|r| r.1 <= 0.0) else {
            return Ok(rows);
        };
        let remedy = match (self.rules.add_up, v == 0.0) {
            (true, _) => "positive in sum; leave pairs away that paid everything back",
            (false, true) => "positive; leave links without one away",
            _ if !self.flows => "positive",
            _ if self.rules.options => {
                "positive; take a returned delivery off its payment, or add the payments of a pair up: NetworkFiles { add_up: true, .. }"
            }
            _ => "positive; take a returned delivery off its payment",
        };
        Err(self.told(row, v, remedy))
    }

    fn sums(&self, rows: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
        let mut first: HashMap<(usize, usize), usize> = HashMap::with_capacity(rows.len());
        let mut sums: Vec<(usize, f64)> = Vec::new();
        for (row, v) in rows {
            let pair = (self.buyer[row], self.supplier[row]);
            let at = *first.entry(pair).or_insert(sums.len());
            match sums.get_mut(at) {
                Some(sum) => sum.1 += v,
                None => sums.push((row, v)),
            }
        }
        sums
    }

    /// Refuses pairs whose rows, to be added up into one link, carry several products, lags or classes.
    fn alike(&self, raw: &RawLinks) -> Result<()> {
        let mut first: HashMap<(usize, usize), usize> = HashMap::new();
        let text = |row: usize| {
            [
                ("product", raw.product.get(row).map(|p| quoted(p))),
                ("lag", raw.lag.get(row).map(u32::to_string)),
                ("class", raw.class.get(row).map(i32::to_string)),
            ]
        };
        if text(0).iter().all(|t| t.1.is_none()) {
            return Ok(());
        }
        for row in 0..self.value.len() {
            let pair = (self.buyer[row], self.supplier[row]);
            let one = *first.entry(pair).or_insert(row);
            let differ = text(row).into_iter().zip(text(one));
            if let Some(((column, here), (_, there))) = differ.into_iter().find(|(a, b)| a != b) {
                let (b, s) = self.ends(row);
                let said = |v: Option<String>| v.unwrap_or_default();
                return Err(Error::new(
                    self.places.of(row),
                    format!(
                        "firm {b} buys from {s} with {column} {}, but with {} in {}",
                        said(here),
                        said(there),
                        self.places.short(one)
                    ),
                    format!(
                        "the rows of a pair become one link, which has one {column}: write the same one, or read none: NetworkColumns {{ {column}: Some(String::new()), .. }}"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn told(&self, row: usize, v: f64, remedy: &str) -> Error {
        let (b, s) = self.ends(row);
        let (how, what, column) = match self.flows {
            true => ("for", "a payment", "flow"),
            false => ("with coefficient", "a coefficient", "coefficient"),
        };
        Error::new(
            self.places.of(row),
            format!("firm {b} buys from {s} {how} {v}"),
            format!("check column `{column}`: {what} must be {remedy}"),
        )
    }

    fn ends(&self, row: usize) -> (String, String) {
        let name = |i: usize| quoted(&self.firms[i]);
        (name(self.buyer[row]), name(self.supplier[row]))
    }

    /// The first pair that is there twice. A network finds that there is one, but knows no lines.
    fn twice(&self) -> Option<Error> {
        let mut seen: HashMap<(usize, usize), usize> = HashMap::new();
        for row in 0..self.value.len() {
            if let Some(first) = seen.insert((self.buyer[row], self.supplier[row]), row) {
                let (b, s) = self.ends(row);
                let first = self.places.short(first);
                return Some(Error::new(
                    self.places.of(row),
                    format!("firm {b} buys from {s} a second time (first in {first})"),
                    if self.rules.options {
                        "keep one of the two, or add them up: NetworkFiles { add_up: true, .. }"
                    } else {
                        "keep one of the two, or add them up into one link"
                    },
                ));
            }
        }
        None
    }
}

/// Final demand of the firms, as given or assumed; empty where output is given.
fn demand(firms: &RawFirms, links: &Links, rules: Rules) -> Result<Vec<f64>> {
    if !firms.final_demand.is_empty() || !firms.output.is_empty() {
        return Ok(firms.final_demand.clone());
    }
    let share = rules.input_share.ok_or_else(|| {
        Error::new(
            "firms",
            "neither their final demand nor their output is known",
            if rules.options {
                "give a file of firms with one of the two, or NetworkFiles { input_share: Some(0.5), .. } to assume it"
            } else {
                "give one of the two columns"
            },
        )
    })?;
    final_demand_of_links(firms.name.len(), links, share)
}

/// An error of the network with the lines of the files.
pub(crate) fn located(mut e: Error, firms: &Places, links: &Places, first: &[usize]) -> Error {
    let row = |rest: &str| {
        rest.strip_prefix(", row ")
            .and_then(|r| r.parse::<usize>().ok())
    };
    for (word, places) in [("links", links), ("firms", firms)] {
        if let Some(rest) = e.place.strip_prefix(word) {
            let at = |r: usize| match word {
                "links" => first.get(r).copied().unwrap_or(r),
                _ => r,
            };
            e.place = match row(rest) {
                Some(r) => places.of(at(r)),
                None => format!("{}{rest}", places.name),
            };
            return e;
        }
    }
    e.within(&links.name)
}
