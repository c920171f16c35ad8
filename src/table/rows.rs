//! Which rows of a square table are read, and what its names and its title say.

use super::grid::{Line, number};
use super::labels::{Key, told};
use super::names::{self, Role};
use super::read::Parts;
use super::wide::{Below, Reader};
use super::{Orientation, Primary};
use crate::error::{Error, Result};
use crate::network::text::hidden;
use std::collections::{BTreeSet, HashMap};

impl Reader<'_> {
    /// Refuses names that hide something.
    pub(super) fn names(&self) -> Result<()> {
        let rows = self.row_keys.iter().enumerate();
        let rows = rows.map(|(r, key)| (self.line(r).place(), key));
        let columns = self.column_keys.iter().enumerate();
        let columns =
            columns.map(|(k, key)| (self.lines[0].place_below(self.labels.first + k), key));
        for (place, key) in rows.chain(columns) {
            if let Some(c) = hidden(&key.0).or_else(|| hidden(&key.1)) {
                return Err(Error::new(
                    place,
                    format!("its name holds the hidden character U+{:04X}", u32::from(c)),
                    "take it out of the name",
                ));
            }
        }
        Ok(())
    }

    /// Refuses a table whose corner says that rows are buyers, unless that was said.
    pub(super) fn corner(&self) -> Result<()> {
        if self.options.orientation != Orientation::Unsaid {
            return Ok(());
        }
        let told = self.labels.heads.iter();
        let told = told.map(|h| (h, names::buyers_first(h)));
        match told.clone().find(|(_, buyers)| buyers.is_some()) {
            Some((head, Some(true))) => Err(Error::new(
                "header",
                format!("the corner says {head:?}: rows seem to be buyers"),
                "say TableOptions { orientation: Orientation::BuyersInRows, .. }, or Orientation::SuppliersInRows if rows are suppliers",
            )),
            _ => Ok(()),
        }
    }

    /// Of rows that are there several times, those that `keep` names; the others with what they have
    /// instead.
    pub(super) fn keep(&mut self) -> Result<Vec<(String, usize)>> {
        let mut left = Vec::new();
        for (column, wanted) in &self.options.keep {
            let refuse = |fact: String, known: &[String]| {
                Error::new(
                    "TableOptions.keep",
                    fact,
                    format!("there are {}", names::list(known)),
                )
            };
            let same = |h: &String| h.trim().eq_ignore_ascii_case(column.trim());
            let Some(k) = self.labels.heads.iter().position(same) else {
                let fact = format!("there is no column {column:?} of names");
                return Err(refuse(fact, &self.labels.heads));
            };
            let mut times: HashMap<&Key, usize> = HashMap::new();
            for key in &self.row_keys {
                *times.entry(key).or_default() += 1;
            }
            let has = |r: usize| self.labels.rows[r][k].eq_ignore_ascii_case(wanted);
            if !(0..self.row_keys.len()).any(has) {
                let known: BTreeSet<String> =
                    self.labels.rows.iter().map(|row| row[k].clone()).collect();
                let known: Vec<String> = known.into_iter().collect();
                return Err(refuse(
                    format!("no row has {wanted:?} in column {column:?}"),
                    &known,
                ));
            }
            let drop: Vec<bool> = (0..self.row_keys.len())
                .map(|r| times[&self.row_keys[r]] > 1 && !has(r))
                .collect();
            for r in (0..drop.len()).filter(|r| drop[*r]) {
                left.push((self.labels.rows[r][k].clone(), self.labels.data[r]));
            }
            without(&mut self.labels.rows, &drop);
            without(&mut self.labels.data, &drop);
            without(&mut self.row_keys, &drop);
            without(&mut self.row_names, &drop);
        }
        Ok(left)
    }

    /// Refuses a row that is there twice and a column's name: that is told before what else is amiss.
    pub(super) fn no_row_twice(&self) -> Result<()> {
        let columns: BTreeSet<&Key> = self.column_keys.iter().collect();
        let mut seen: HashMap<&Key, usize> = HashMap::new();
        for (r, key) in self
            .row_keys
            .iter()
            .enumerate()
            .filter(|(_, k)| columns.contains(k))
        {
            if let Some(before) = seen.insert(key, r) {
                let fact = format!("{} is also {}", told(key), self.line(before).place());
                let (a, b) = (&self.labels.rows[before], &self.labels.rows[r]);
                let differs = |k: &usize| a[*k] != b[*k] && !self.labels.heads[*k].is_empty();
                let (fact, remedy) = match (0..a.len()).find(differs) {
                    None => (
                        fact,
                        "give every sector one row; where several tables stand in one sheet, name the cells of one: TableOptions { cells: Some(\"B9:O35\".into()), .. }".into(),
                    ),
                    Some(k) => (
                        format!(
                            "{fact}; in column {:?} they have {:?} and {:?}",
                            self.labels.heads[k],
                            names::cut(&a[k]),
                            names::cut(&b[k])
                        ),
                        format!(
                            "choose one with TableOptions {{ keep: vec![({:?}.into(), {:?}.into())], .. }}",
                            self.labels.heads[k], a[k]
                        ),
                    ),
                };
                return Err(Error::new(self.line(r).place(), fact, remedy));
            }
        }
        Ok(())
    }

    /// What the title says that the numbers are.
    pub(super) fn titled(&self, parts: &mut Parts) -> Result<()> {
        let title = &self.labels.title;
        if ["supply table", "make table", "make of commodities"]
            .iter()
            .any(|w| title.contains(w))
            && !title.contains("use")
        {
            return Err(Error::new(
                "title",
                "it says that this is a supply table: what industries make, and not what they buy",
                "take the table of uses, or a symmetric one",
            ));
        }
        if title.contains("purchaser") && title.contains("price") {
            parts.notes.push(
                "the title says purchasers' prices: flows contain margins and taxes of other sectors"
                    .into(),
            );
        }
        Ok(())
    }

    /// Says that columns stand in another order than rows: their names count.
    pub(super) fn ordered(&self, place: &[usize], keys: &[Key], parts: &mut Parts) {
        if let Some(i) = (1..place.len()).find(|i| place[*i] < place[i - 1]) {
            parts.notes.push(format!(
                "columns stand in another order than rows ({} before {}): they are matched by their names",
                told(&keys[i]),
                told(&keys[i - 1])
            ));
        }
    }

    /// Says that output by row is not that by column.
    pub(super) fn differs(&self, r: usize, output: &[f64], row: &[f64]) -> Option<String> {
        let off = |i: &usize| (output[*i] - row[*i]).abs() / output[*i].abs().max(1e-300);
        let worst = (0..row.len()).max_by(|a, b| off(a).total_cmp(&off(b)))?;
        (off(&worst) > 1e-3 && row.iter().any(|v| *v != 0.0)).then(|| {
            format!(
                "{} differs from the column of output, by {:.1} % at most: the column counts",
                self.row_names[r],
                100.0 * off(&worst)
            )
        })
    }

    /// Reads the rows below the sectors, and says what was left out.
    pub(super) fn below(
        &self,
        below: &Below,
        other: &[(usize, Role)],
        parts: &mut Parts,
    ) -> Result<()> {
        let mut totals = Vec::new();
        for (r, role) in &below.rest {
            let values = self.across(self.line(*r), &below.place)?;
            match role {
                Role::Output => match &parts.output {
                    None => parts.output = Some(values),
                    Some(output) => parts.notes.extend(self.differs(*r, output, &values)),
                },
                Role::Total => totals.push(self.row_names[*r].clone()),
                Role::Primary | Role::Imports => self.primary(*r, values, parts),
                Role::Domestic | Role::Exports => {}
            }
        }
        for (what, line) in &below.left {
            let values = self.across(&self.lines[*line], &below.place)?;
            match parts.primary.iter_mut().find(|p| p.name == *what) {
                Some(p) => p.values.iter_mut().zip(&values).for_each(|(s, v)| *s += v),
                None => {
                    let name = what.clone();
                    parts.notes.push(format!(
                        "rows with {name:?} are no suppliers: their sum is the primary input {name}, and what final demand buys of them is left out"
                    ));
                    parts.primary.push(Primary { name, values });
                }
            }
        }
        let columns = other.iter().filter(|(_, role)| *role == Role::Total);
        totals.extend(columns.map(|(k, _)| told(&self.column_keys[*k])));
        if !totals.is_empty() {
            parts
                .notes
                .push(format!("left out as totals: {}", names::list(&totals)));
        }
        Ok(())
    }

    fn across(&self, line: &Line, place: &[usize]) -> Result<Vec<f64>> {
        let of = |k: &usize| {
            let k = self.labels.first + k;
            Ok(number(line, k, self.style, || line.place_of(k))?.unwrap_or(0.0))
        };
        place.iter().map(of).collect()
    }

    fn primary(&self, r: usize, values: Vec<f64>, parts: &mut Parts) {
        let plain = &self.row_names[r];
        if !Reader::given(&self.options.primary, &self.row_keys[r]) {
            if names::good(plain) {
                parts.notes.push(format!(
                    "{plain} has no column: it is taken as a primary input, and what final demand buys of it is left out"
                ));
            }
            if names::demand_row(plain) {
                parts.demand_rows.push(plain.clone());
            }
        }
        let name = match self.row_keys[r].0.as_str() {
            "" => plain.clone(),
            region => format!("{region} · {plain}"),
        };
        parts.primary.push(Primary { name, values });
    }
}

/// Takes the items out that are marked.
fn without<T>(list: &mut Vec<T>, drop: &[bool]) {
    let mut marks = drop.iter();
    list.retain(|_| !marks.next().copied().unwrap_or(false));
}
