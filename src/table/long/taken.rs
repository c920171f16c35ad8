//! Flows on their way to the parts of a table: between sectors, to final demand, from primary inputs.

use super::{Flow, Name};
use crate::error::{Error, Result};
use crate::table::grid::Line;
use crate::table::listed::{sums, unknown};
use crate::table::names::{self, Role};
use crate::table::read::Parts;
use crate::table::{Blank, Demand, Layout, Primary, TableOptions, Use, sector_code};
use std::collections::HashMap;

/// What names are: by the options, or for certain.
#[derive(Clone, Copy)]
pub(super) struct Said<'a>(pub(super) &'a TableOptions);

/// True where a list has a name, as it is or in its normal spelling.
fn given(list: &[String], name: &str) -> bool {
    list.iter().any(|n| n == name || sector_code(n) == name)
}

impl Said<'_> {
    pub(super) fn role(&self, name: &str) -> Option<Role> {
        let options = self.0;
        let of = |list: &[String], role| given(list, name).then_some(role);
        of(&options.domestic, Role::Domestic)
            .or(of(&options.exports, Role::Exports))
            .or(of(&options.imports, Role::Imports))
            .or(of(options.output.as_slice(), Role::Output))
            .or(of(&options.ignore, Role::Total))
            .or_else(|| names::certain(name))
    }

    /// What a buyer is that is no sector.
    fn buyer(&self, name: &str) -> Option<Role> {
        self.role(name).or_else(|| names::column(name))
    }

    /// True of a supplier that is known to be no sector.
    fn is_below(&self, name: &str) -> bool {
        names::primary(name) || self.role(name).is_some() || given(&self.0.primary, name)
    }
}

/// What was taken from the flows so far.
pub(super) struct Taken<'a> {
    said: Said<'a>,
    flows: &'a [Flow<'a>],
    /// Number of sectors.
    n: usize,
    /// Whether they are of several regions.
    regional: bool,
    parts: Parts,
    /// Where each flow was given: the number of its row, plus one.
    given_in: Vec<u32>,
    columns: Vec<(String, Role, Vec<f64>)>,
    primary: Vec<(String, Vec<f64>)>,
    /// Where flows that are not between sectors were given first.
    seen: HashMap<(&'a Name, &'a Name), &'a Line>,
    column_of: HashMap<String, usize>,
    primary_of: HashMap<String, usize>,
    /// Rows that are no part of the table.
    left_out: usize,
}

impl<'a> Taken<'a> {
    pub(super) fn new(said: Said<'a>, flows: &'a [Flow<'a>], sectors: &[Name]) -> Self {
        let n = sectors.len();
        Self {
            said,
            flows,
            n,
            regional: sectors.iter().any(|s| s.0 != sectors[0].0),
            parts: Parts {
                layout: Layout::Long,
                flows: vec![0.0; n * n],
                ..Parts::default()
            },
            given_in: vec![0; n * n],
            columns: Vec::new(),
            primary: Vec::new(),
            seen: HashMap::new(),
            column_of: HashMap::new(),
            primary_of: HashMap::new(),
            left_out: 0,
        }
    }

    /// The value of a flow, 0 where it has none and the options say so.
    pub(super) fn value(&mut self, f: &Flow<'_>) -> Result<f64> {
        match f.value {
            Some(v) => Ok(v),
            None if self.said.0.missing == Blank::Zero => {
                self.parts.missing += 1;
                Ok(0.0)
            }
            None => Err(Error::new(
                f.line.place(),
                "it has no value",
                "fill the cell, or say TableOptions { missing: Blank::Zero, .. }",
            )),
        }
    }

    /// True where flows of the same names are added up.
    fn adds(&self) -> bool {
        !self.said.0.add_up.is_empty()
    }

    /// Refuses a flow that is not between sectors and was given before.
    fn once(&mut self, f: &'a Flow<'a>) -> Result<()> {
        let before = self.seen.insert((&f.from, &f.to), f.line);
        match before.filter(|_| !self.adds()) {
            Some(first) => Err(twice(f, first)),
            None => Ok(()),
        }
    }

    /// Takes the flow of a row from sector i to sector j.
    pub(super) fn between(&mut self, row: usize, (i, j): (usize, usize), value: f64) -> Result<()> {
        let cell = i * self.n + j;
        let before = std::mem::replace(&mut self.given_in[cell], row as u32 + 1);
        if before > 0 && !self.adds() {
            let first = self.flows[before as usize - 1].line;
            return Err(twice(&self.flows[row], first));
        }
        self.parts.flows[cell] += value;
        Ok(())
    }

    /// Takes a flow from sector i to what is no sector.
    pub(super) fn add_final_demand(&mut self, f: &'a Flow<'a>, i: usize, value: f64) -> Result<()> {
        let Some(role) = self.said.buyer(&f.to.1) else {
            return Err(Error::new(
                f.line.place(),
                format!(
                    "{} buys, but sells nothing, and is not known as final demand or output",
                    names::cut(&f.to.1)
                ),
                "spell sectors alike, or say in TableOptions what it is",
            ));
        };
        if role == Role::Primary {
            return Err(Error::new(
                f.line.place(),
                format!(
                    "{} is a primary input, but it buys: the table seems to be transposed",
                    f.to.1
                ),
                "swap suppliers and buyers, or say TableOptions { orientation: Orientation::BuyersInRows, .. }",
            ));
        }
        self.once(f)?;
        let name = if self.regional && role != Role::Output && f.to.0 != f.from.0 {
            format!("{} · {}", f.to.0, f.to.1)
        } else {
            f.to.1.clone()
        };
        let (columns, n) = (&mut self.columns, self.n);
        let k = *self.column_of.entry(name.clone()).or_insert_with(|| {
            columns.push((name, role, vec![0.0; n]));
            columns.len() - 1
        });
        columns[k].2[i] += value;
        Ok(())
    }

    /// Takes a flow from what is no sector to sector j.
    pub(super) fn add_primary(&mut self, f: &'a Flow<'a>, j: usize, value: f64) -> Result<()> {
        if !self.said.is_below(&f.from.1) {
            return Err(Error::new(
                f.line.place(),
                format!(
                    "{} sells, but buys nothing, and is not known as value added, taxes or imports",
                    names::cut(&f.from.1)
                ),
                "spell sectors alike, or say in TableOptions what it is",
            ));
        }
        self.once(f)?;
        let (primary, n) = (&mut self.primary, self.n);
        let k = *self.primary_of.entry(f.from.1.clone()).or_insert_with(|| {
            primary.push((f.from.1.clone(), vec![0.0; n]));
            primary.len() - 1
        });
        primary[k].1[j] += value;
        Ok(())
    }

    /// Leaves a flow out that is between no sectors, such as taxes on final demand, where both of its ends are known.
    pub(super) fn beside(&mut self, f: &Flow<'_>) -> Result<()> {
        if !self.said.is_below(&f.from.1) {
            return Err(unknown(&f.from.1, &f.to.1, f.line.place()));
        }
        if self.said.buyer(&f.to.1).is_none() {
            return Err(unknown(&f.to.1, &f.from.1, f.line.place()));
        }
        self.left_out += 1;
        Ok(())
    }

    /// The parts of a table of these sectors, with what is to be told of them.
    pub(super) fn parts(mut self, sectors: Vec<Name>) -> Parts {
        let n = self.n;
        let of_one_region = |k: usize| sectors[k / n].0 == sectors[k % n].0;
        if self.left_out > 0 {
            self.parts.notes.push(format!(
                "{} rows are left out: they lead from primary inputs or totals to final demand",
                self.left_out
            ));
        }
        let rows = self.given_in.iter().enumerate();
        let blank = rows.filter(|(k, row)| **row == 0 && of_one_region(*k));
        let blank = blank.count();
        if blank > 0 {
            let note = format!("{blank} flows have no row, and are taken as zero");
            self.parts.notes.push(note);
        }
        let totals = self.place_ends();
        let mut parts = self.parts;
        if !totals.is_empty() {
            let note = format!("left out as totals: {}", names::list(&totals));
            parts.notes.push(note);
        }
        if self.regional && (0..n * n).all(|k| parts.flows[k] == 0.0 || of_one_region(k)) {
            parts.notes.push(
                "no flow crosses regions: each region is a table of its own, see InputOutput::region"
                    .into(),
            );
        }
        (parts.regions, parts.sectors) = sectors.into_iter().unzip();
        parts
    }

    /// Puts columns and primary inputs where they belong, and names those that are totals of others.
    fn place_ends(&mut self) -> Vec<String> {
        let parts = &mut self.parts;
        let sums = sums(&self.columns);
        let mut totals: Vec<String> = Vec::new();
        for ((name, role, values), sum) in self.columns.drain(..).zip(sums) {
            if sum {
                totals.push(name);
                continue;
            }
            let kind = match role {
                Role::Domestic => Use::Domestic,
                Role::Exports => Use::Exports,
                Role::Imports => {
                    parts.add_imports(&values);
                    continue;
                }
                Role::Output => {
                    parts.output = Some(values);
                    continue;
                }
                Role::Total | Role::Primary => {
                    totals.push(name);
                    continue;
                }
            };
            parts.demand.push(Demand { name, kind, values });
        }
        for (name, values) in self.primary.drain(..) {
            match self.said.role(&name) {
                Some(Role::Output) if parts.output.is_none() => parts.output = Some(values),
                Some(Role::Output) => {}
                Some(Role::Total) => totals.push(name),
                _ => parts.primary.push(Primary { name, values }),
            }
        }
        totals
    }
}

/// The refusal of a flow that was given before.
fn twice(f: &Flow<'_>, first: &Line) -> Error {
    let fact = format!(
        "{} to {} was already given in {}",
        names::cut(&f.from.1),
        names::cut(&f.to.1),
        first.place()
    );
    let remedy = "keep one of the two; parts are added up by TableOptions.add_up";
    Error::new(f.line.place(), fact, remedy)
}
