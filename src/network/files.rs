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
    let rows = pairs(
        &firms,
        &links.places,
        (&buyer, &supplier, &value),
        flows,
        rules,
    )?;
    let of = |list: &[usize]| rows.iter().map(|r| list[r.0]).collect::<Vec<usize>>();
    let sums: Vec<f64> = rows.iter().map(|r| r.1).collect();
    let (coefficient, flow) = if flows {
        (Vec::new(), sums)
    } else {
        (sums, Vec::new())
    };
    let made = Links {
        buyer: of(&buyer),
        supplier: of(&supplier),
        coefficient,
        flow,
    };
    let final_demand = demand(&firms, &made, rules)?;
    // Firms that are called by their index have no names.
    let plain = firms
        .name
        .iter()
        .enumerate()
        .all(|(i, n)| *n == i.to_string());
    drop(index);
    let firm_places = if named {
        firms.places
    } else {
        links.places.clone()
    };
    let first: Vec<usize> = rows.iter().map(|r| r.0).collect();
    Network::new(
        Firms {
            name: if plain { Vec::new() } else { firms.name },
            region: firms.region,
            sector: firms.sector,
            output: if final_demand.is_empty() {
                firms.output
            } else {
                Vec::new()
            },
            final_demand,
        },
        made,
    )
    .map_err(|e| located(e, &firm_places, &links.places, &first))
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

/// Rows of links, each with its value: one for each pair. Where pairs are added up, the first row of each.
fn pairs(
    firms: &RawFirms,
    places: &Places,
    (buyer, supplier, value): (&[usize], &[usize], &[f64]),
    flows: bool,
    rules: Rules,
) -> Result<Vec<(usize, f64)>> {
    let (what, column) = if flows {
        ("a payment", "flow")
    } else {
        ("a coefficient", "coefficient")
    };
    if value.len() != buyer.len() {
        return Err(Error::new(
            places.name.clone(),
            "there is neither a column of flows nor one of coefficients",
            "name it flow or coefficient, or say its name in NetworkFiles.columns",
        ));
    }
    let told = |row: usize, v: f64, remedy: &str| {
        let (b, s) = (
            quoted(&firms.name[buyer[row]]),
            quoted(&firms.name[supplier[row]]),
        );
        let how = if flows { "for" } else { "with coefficient" };
        Error::new(
            places.of(row),
            format!("firm {b} buys from {s} {how} {v}"),
            format!("check column `{column}`: {what} must be {remedy}"),
        )
    };
    let add = match (flows, rules.options) {
        (true, true) => {
            "positive; take a returned delivery off its payment, or add the payments of a pair up: NetworkFiles { add_up: true, .. }"
        }
        (true, false) => "positive; take a returned delivery off its payment",
        _ => "positive and finite",
    };
    let mut seen: HashMap<(usize, usize), usize> = HashMap::with_capacity(value.len());
    let mut rows: Vec<(usize, f64)> = Vec::with_capacity(value.len());
    for (row, v) in value.iter().copied().enumerate() {
        if !v.is_finite() {
            return Err(told(row, v, "a finite number"));
        }
        if v <= 0.0 && !rules.add_up {
            let remedy = if v == 0.0 {
                "positive; leave links without one away"
            } else {
                add
            };
            return Err(told(row, v, remedy));
        }
        match seen.entry((buyer[row], supplier[row])) {
            std::collections::hash_map::Entry::Vacant(at) => {
                at.insert(rows.len());
                rows.push((row, v));
            }
            std::collections::hash_map::Entry::Occupied(at) if rules.add_up => {
                rows[*at.get()].1 += v;
            }
            std::collections::hash_map::Entry::Occupied(at) => {
                let first = places.short(rows[*at.get()].0);
                return Err(Error::new(
                    places.of(row),
                    format!(
                        "firm {} buys from {} a second time (first in {first})",
                        quoted(&firms.name[buyer[row]]),
                        quoted(&firms.name[supplier[row]]),
                    ),
                    if rules.options {
                        "keep one of the two, or add them up: NetworkFiles { add_up: true, .. }"
                    } else {
                        "keep one of the two, or add them up into one link"
                    },
                ));
            }
        }
    }
    if let Some((row, sum)) = rows.iter().find(|r| r.1 <= 0.0) {
        return Err(told(
            *row,
            *sum,
            "positive in sum; leave pairs away that paid everything back",
        ));
    }
    Ok(rows)
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
