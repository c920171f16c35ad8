//! Square tables: one or more header lines, one or more index columns, regions or none.

mod beside;

use super::grid::{Line, number};
use super::labels::{Key, Labels, keys, labels, levels, normal, shown, told};
use super::names::{self, Role};
use super::read::Parts;
use super::{Blank, Demand, Layout, TableOptions, Use};
use crate::error::{Error, Result};
use crate::network::text::Style;
use beside::beside;
use std::collections::{BTreeSet, HashMap};

/// The roles of all columns, and the place of each sector's.
struct Columns {
    sector: HashMap<Key, usize>,
    other: Vec<(usize, Role)>,
}

/// What stands below the sectors, and where the buyers' columns are.
pub(super) struct Below {
    /// Data lines that are no sectors.
    pub(super) rest: Vec<(usize, Role)>,
    /// Rows that `keep` left out: what they have instead, and their lines.
    pub(super) left: Vec<(String, usize)>,
    pub(super) place: Vec<usize>,
}

/// Data lines that are sectors, and the others with their roles.
type Rows = (Vec<usize>, Vec<(usize, Role)>);

pub(super) struct Reader<'a> {
    pub(super) lines: &'a [Line],
    pub(super) options: &'a TableOptions,
    pub(super) labels: Labels,
    pub(super) row_keys: Vec<Key>,
    pub(super) column_keys: Vec<Key>,
    /// Names of rows as they are: ESA's D11 is no division 11.
    pub(super) row_names: Vec<String>,
    pub(super) style: Style,
    /// Whether lines have regions.
    regional: bool,
    missing: usize,
}

impl<'a> Reader<'a> {
    fn new(lines: &'a [Line], options: &'a TableOptions) -> Result<(Self, bool)> {
        let labels = labels(lines)?;
        let (sector, region) = levels(&labels);
        let known: BTreeSet<&String> = labels.columns.iter().map(|c| &c[sector.1]).collect();
        let both: Vec<String> = labels
            .rows
            .iter()
            .map(|r| r[sector.0].clone())
            .filter(|n| known.contains(n) && names::certain(n).is_none())
            .collect();
        let split = region.is_none() && names::regional(&both);
        let mut reader = Self {
            style: Style::new(options.decimal, options.thousands, "TableOptions")?,
            row_keys: keys(&labels.rows, sector.0, region.map(|r| r.0), split),
            column_keys: keys(&labels.columns, sector.1, region.map(|r| r.1), split),
            row_names: labels
                .rows
                .iter()
                .map(|r| names::bare(&r[sector.0]).to_string())
                .collect(),
            lines,
            options,
            labels,
            regional: split || region.is_some(),
            missing: 0,
        };
        if options.same_order {
            reader.in_order()?;
        }
        reader.names()?;
        let regional = reader.regional;
        Ok((reader, regional))
    }

    /// Gives the columns before the first that is known as something else the names of as many rows.
    fn in_order(&mut self) -> Result<()> {
        let known = |key: &Key, text: &[String]| {
            self.role(key).is_some()
                || names::intermediate(&key.1)
                || text.iter().any(|t| names::column(t).is_some())
        };
        let mut columns = self.column_keys.iter().zip(&self.labels.columns);
        let buyers = columns.position(|(key, text)| known(key, text));
        let buyers = buyers.unwrap_or(self.column_keys.len());
        let below = |r: usize| {
            self.role(&self.row_keys[r]).is_some()
                || Self::given(&self.options.primary, &self.row_keys[r])
                || names::certain(&self.row_names[r]).is_some()
        };
        let rows = self.row_keys.len();
        let beyond = buyers < rows && !below(buyers) && !names::primary(&self.row_names[buyers]);
        // Many a sector's name has a word of primary inputs; the last has not.
        let last = buyers.min(rows).saturating_sub(1);
        let wrong = match (0..=last)
            .find(|r| below(*r) || (*r == last && names::primary(&self.row_names[*r])))
        {
            Some(r) => Some(format!(
                "row {} of the suppliers is none",
                self.row_names[r]
            )),
            None if beyond => Some(format!(
                "row {} comes after as many",
                self.row_names[buyers]
            )),
            None if buyers > rows => Some(format!("there are {rows} rows")),
            None => None,
        };
        if let Some(wrong) = wrong {
            return Err(Error::new(
                "TableOptions.same_order",
                format!(
                    "{buyers} buyers are in columns before what is known as something else, and {wrong}"
                ),
                "say what is no sector: TableOptions.primary names rows, domestic, exports, imports and output columns, ignore both",
            ));
        }
        self.column_keys[..buyers].clone_from_slice(&self.row_keys[..buyers]);
        Ok(())
    }

    pub(super) fn line(&self, row: usize) -> &'a Line {
        &self.lines[self.labels.data[row]]
    }

    pub(super) fn given(list: &[String], key: &Key) -> bool {
        list.iter()
            .any(|n| *n == key.1 || *n == shown(key) || normal(n) == key.1)
    }

    fn role(&self, key: &Key) -> Option<Role> {
        let o = self.options;
        let of = |list: &[String], role| Self::given(list, key).then_some(role);
        of(&o.domestic, Role::Domestic)
            .or(of(&o.exports, Role::Exports))
            .or(of(&o.imports, Role::Imports))
            .or(of(o.output.as_slice(), Role::Output))
            .or(of(&o.ignore, Role::Total))
    }

    /// Role of a line of which no sector is called so, by its names. Where a name stands beside a code, the name tells:
    /// P1 is output to some offices, and to others wages.
    fn certain(&self, key: &Key, names: &[String]) -> Option<Role> {
        let long = |t: &&String| t.trim().chars().count() > 3;
        let named = names.len() > 1 && !self.regional && names.iter().any(|t| long(&t));
        match named {
            true => names.iter().filter(long).find_map(|t| names::certain(t)),
            false => names::certain(&key.1),
        }
    }

    /// Role of a column by another of its header lines, where its key does not tell.
    fn column_by_text(&self, k: usize) -> Option<Role> {
        self.labels.columns[k].iter().find_map(|t| names::column(t))
    }

    fn columns(&self) -> Result<Columns> {
        let rows: BTreeSet<&Key> = self.row_keys.iter().collect();
        let (mut sector, mut other) = (HashMap::new(), Vec::new());
        for (k, key) in self.column_keys.iter().enumerate() {
            let place_of = |k: usize| self.lines[0].place_below(self.labels.first + k);
            let place = || place_of(k);
            if key.1.is_empty() {
                let used = self
                    .labels
                    .data
                    .iter()
                    .any(|d| !self.lines[*d].cell(self.labels.first + k).is_empty());
                if used {
                    return Err(Error::new(
                        place(),
                        "it has no name",
                        "name it in the header",
                    ));
                }
                continue;
            }
            let certain = || self.certain(key, &self.labels.columns[k]);
            if let Some(role) = self.role(key).or_else(certain) {
                other.push((k, role));
            } else if names::intermediate(&key.1) {
                other.push((k, Role::Total));
            } else if rows.contains(key) {
                if let Some(before) = sector.insert(key.clone(), k) {
                    return Err(Error::new(
                        place(),
                        format!("{} is also {}", told(key), place_of(before)),
                        "give every sector one column",
                    ));
                }
            } else {
                match names::column(&key.1).or_else(|| self.column_by_text(k)) {
                    Some(Role::Primary) => return Err(transposed(&place(), &told(key))),
                    Some(role) => other.push((k, role)),
                    None => return Err(self.unknown_column(&place(), key, sector.is_empty())),
                }
            }
        }
        if sector.is_empty() {
            return Err(Error::new(
                "header",
                format!(
                    "no column has the name of a row: rows are {}, columns {}",
                    names::list(&self.row_keys.iter().map(shown).collect::<Vec<_>>()),
                    names::list(&self.column_keys.iter().map(shown).collect::<Vec<_>>())
                ),
                "name suppliers and buyers alike",
            ));
        }
        self.drop_sums(&mut other);
        Ok(Columns { sector, other })
    }

    /// `first`: no column before it has the name of a row.
    fn unknown_column(&self, place: &str, key: &Key, first: bool) -> Error {
        let columns: BTreeSet<&Key> = self.column_keys.iter().collect();
        let alone: Vec<String> = self
            .row_keys
            .iter()
            .zip(&self.row_names)
            .filter(|(k, name)| {
                !columns.contains(k) && !names::primary(name) && names::column(name).is_none()
            })
            .map(|(k, _)| told(k))
            .collect();
        let lower = key.1.to_lowercase();
        if ["margin", "purchasers"].iter().any(|w| lower.contains(w)) {
            return Error::new(
                place,
                format!(
                    "{} stands in tables of supply, or of uses at purchasers' prices",
                    told(key)
                ),
                "take a symmetric table at basic prices, or leave the column out: TableOptions.ignore",
            );
        }
        Error::new(
            place,
            format!(
                "{} is the name of no row, and not known as final demand, imports or output; rows without a column: {}",
                told(key),
                names::list(&alone)
            ),
            if first
                && !self
                    .column_keys
                    .iter()
                    .any(|key| self.row_keys.contains(key))
            {
                "spell sectors alike in rows and columns, or say TableOptions { same_order: true, .. } where both are in one order"
            } else {
                "spell sectors alike in rows and columns, or say in TableOptions what the column is"
            },
        )
    }

    /// Drops P3 where P3_S14 and the like are there, region by region.
    fn drop_sums(&self, other: &mut Vec<(usize, Role)>) {
        let demand: Vec<usize> = other
            .iter()
            .filter(|(_, r)| matches!(r, Role::Domestic | Role::Exports))
            .map(|(k, _)| *k)
            .collect();
        let mut sums = BTreeSet::new();
        let regions: BTreeSet<&String> = demand.iter().map(|k| &self.column_keys[*k].0).collect();
        for region in regions {
            let here: Vec<usize> = demand
                .iter()
                .copied()
                .filter(|k| self.column_keys[*k].0 == *region)
                .collect();
            let names: Vec<&str> = here
                .iter()
                .map(|k| self.column_keys[*k].1.as_str())
                .collect();
            sums.extend(
                here.iter()
                    .zip(names::sums(&names))
                    .filter(|(_, sum)| *sum)
                    .map(|(k, _)| *k),
            );
        }
        other.retain(|(k, _)| !sums.contains(k));
    }

    /// Data lines that are sectors, and those that are primary inputs or output.
    fn rows(&self, columns: &Columns) -> Result<Rows> {
        let (mut sectors, mut other) = (Vec::new(), Vec::new());
        for (r, key) in self.row_keys.iter().enumerate() {
            let certain = || self.certain(key, &self.labels.rows[r]);
            if let Some(role) = self.role(key).or_else(certain) {
                other.push((r, role));
            } else if columns.sector.contains_key(key) {
                sectors.push(r);
            } else if Self::given(&self.options.primary, key)
                || names::primary(tail(&self.row_names[r]))
                || self.labels.rows[r].iter().any(|t| names::primary(t))
            {
                other.push((r, Role::Primary));
            } else {
                if names::demand_row(&self.row_names[r]) {
                    return Err(Error::new(
                        self.line(r).place(),
                        format!(
                            "{} is final demand, and that stands in columns: the table seems to be transposed",
                            told(key)
                        ),
                        "put suppliers into rows, or say TableOptions { orientation: Orientation::BuyersInRows, .. }",
                    ));
                }
                return Err(Error::new(
                    self.line(r).place(),
                    format!(
                        "{} is the name of no column, and not known as value added, taxes or imports",
                        told(key)
                    ),
                    "spell sectors alike in rows and columns, or say in TableOptions what the row is",
                ));
            }
        }
        Ok((sectors, other))
    }

    fn value(&mut self, row: usize, column: usize) -> Result<f64> {
        let line = self.line(row);
        let k = self.labels.first + column;
        let key = &self.column_keys[column];
        let place = || format!("{} ({})", line.place_of(k), told(key));
        if let Some(v) = number(line, k, self.style, place)? {
            return Ok(v);
        }
        if self.options.missing == Blank::Refuse {
            return Err(Error::new(
                place(),
                format!("{:?} is no number", line.cell(k)),
                "fill the cell, or say TableOptions { missing: Blank::Zero, .. }",
            ));
        }
        self.missing += 1;
        Ok(0.0)
    }

    fn column(&mut self, rows: &[usize], column: usize) -> Result<Vec<f64>> {
        rows.iter().map(|r| self.value(*r, column)).collect()
    }

    fn check_lengths(&self, rows: &[usize]) -> Result<()> {
        for r in rows {
            let line = self.line(*r);
            // A row of a sheet ends with its last cell that holds something.
            let short = !line.sheet && line.cells.len() < self.labels.width;
            if short || line.width() > self.labels.width {
                return Err(Error::new(
                    line.place(),
                    format!(
                        "{} cells, but the header has {}",
                        line.cells.len(),
                        self.labels.width
                    ),
                    if line.sheet {
                        "name its columns in the header, or clear the cells beyond it"
                    } else {
                        "give every line as many cells as the header; quote cells that hold a separator"
                    },
                ));
            }
        }
        Ok(())
    }
}

/// The name behind a region: `W2_D21X31` is ESA's D21X31.
fn tail(name: &str) -> &str {
    names::split(name).map_or(name, |(_, rest)| rest)
}

fn transposed(place: &str, name: &str) -> Error {
    Error::new(
        place,
        format!(
            "{name} is a primary input, and those stand in rows: the table seems to be transposed"
        ),
        "put suppliers into rows, or say TableOptions { orientation: Orientation::BuyersInRows, .. }",
    )
}

/// Reads a square table, and its final demand from a second file where there is one.
pub(super) fn read(
    lines: &[Line],
    second: Option<&[Line]>,
    options: &TableOptions,
) -> Result<Parts> {
    let (mut reader, regional) = Reader::new(lines, options)?;
    if !options.add_up.is_empty() {
        return Err(Error::new(
            "TableOptions.add_up",
            "this is a square table, with one cell for each supplier and buyer",
            "leave it away; rows are chosen by keep",
        ));
    }
    reader.corner()?;
    let left = reader.keep()?;
    reader.no_row_twice()?;
    let columns = reader.columns()?;
    let (sectors, rest) = reader.rows(&columns)?;
    reader.check_lengths(&sectors)?;
    let keys: Vec<Key> = sectors
        .iter()
        .map(|r| reader.row_keys[*r].clone())
        .collect();
    let place: Vec<usize> = keys.iter().map(|k| columns.sector[k]).collect();
    let mut parts = Parts {
        layout: if regional {
            Layout::MultiRegional
        } else {
            Layout::Wide
        },
        flows: Vec::with_capacity(keys.len() * keys.len()),
        ..Parts::default()
    };
    for r in &sectors {
        for k in &place {
            parts.flows.push(reader.value(*r, *k)?);
        }
    }
    reader.others(&columns, &sectors, &mut parts)?;
    reader.titled(&mut parts)?;
    reader.ordered(&place, &keys, &mut parts);
    let below = Below { rest, left, place };
    reader.below(&below, &columns.other, &mut parts)?;
    parts.missing = reader.missing;
    (parts.regions, parts.sectors) = keys.iter().cloned().unzip();
    if let Some(second) = second {
        beside(second, &keys, options, &mut parts).map_err(|e| e.within("final demand file"))?;
    }
    Ok(parts)
}

impl Reader<'_> {
    /// Columns that are no sectors: final demand, imports, output.
    fn others(&mut self, columns: &Columns, rows: &[usize], parts: &mut Parts) -> Result<()> {
        for (k, role) in &columns.other {
            let name = shown(&self.column_keys[*k]);
            let kind = match role {
                Role::Domestic => Use::Domestic,
                Role::Exports => Use::Exports,
                Role::Output => {
                    parts.output = Some(self.column(rows, *k)?);
                    continue;
                }
                Role::Imports => {
                    parts.add_imports(&self.column(rows, *k)?);
                    continue;
                }
                Role::Total | Role::Primary => continue,
            };
            let values = self.column(rows, *k)?;
            parts.demand.push(Demand { name, kind, values });
        }
        Ok(())
    }
}
