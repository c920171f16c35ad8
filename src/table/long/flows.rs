//! The flows of a long table: where its columns are, and what each row says.

use super::{BUYER, FROM, Name, REGION, SUPPLIER, TO, find, name_of, value_column};
use crate::error::{Error, Result};
use crate::network::text::{Style, hidden};
use crate::table::grid::{Line, number};
use crate::table::listed::{accounts, repeats};
use crate::table::names;
use crate::table::{Orientation, TableOptions, sector_code};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One flow, with where it was found.
pub(in crate::table) struct Flow<'a> {
    pub(super) line: &'a Line,
    pub(in crate::table) from: Name,
    pub(in crate::table) to: Name,
    pub(in crate::table) value: Option<f64>,
    /// What stands in the columns over which values are added up.
    pub(in crate::table) variant: String,
}

/// Where a long table has what.
struct Columns<'a> {
    supplier: usize,
    buyer: usize,
    value: usize,
    /// The columns of the regions, of suppliers and buyers.
    from: Option<usize>,
    to: Option<usize>,
    /// What some columns must have, for a row to be kept.
    keep: Vec<(usize, &'a str)>,
    /// Columns over which values are added up.
    added: Vec<usize>,
}

fn columns<'a>(header: &Line, options: &'a TableOptions) -> Result<Columns<'a>> {
    let (Some(mut supplier), Some(mut buyer), Some(value)) = (
        find(header, SUPPLIER),
        find(header, BUYER),
        value_column(header),
    ) else {
        return Err(Error::new(
            header.place(),
            "there is no column of suppliers, buyers or values",
            "name them supplier, buyer and value",
        ));
    };
    if options.orientation == Orientation::BuyersInRows {
        std::mem::swap(&mut supplier, &mut buyer);
    }
    let region = find(header, REGION);
    let (from, to) = (find(header, FROM).or(region), find(header, TO).or(region));
    let column_of = |option: &str, column: &str| {
        find(header, &[name_of(column).as_str()]).ok_or_else(|| {
            Error::new(
                format!("TableOptions.{option}"),
                format!("there is no column {column:?}"),
                "see the header of the file",
            )
        })
    };
    let mut keep = Vec::new();
    for (column, wanted) in &options.keep {
        keep.push((column_of("keep", column)?, wanted.as_str()));
    }
    let added = options
        .add_up
        .iter()
        .map(|column| column_of("add_up", column));
    let added: Vec<usize> = added.collect::<Result<_>>()?;
    Ok(Columns {
        supplier,
        buyer,
        value,
        from,
        to,
        keep,
        added,
    })
}

/// The normal spelling of names.
struct Spelling<'a> {
    /// Codes of transactions, which are no sectors.
    accounts: BTreeSet<&'a str>,
    /// Those that were seen.
    known: RefCell<HashMap<&'a str, String>>,
}

impl<'a> Spelling<'a> {
    fn of(&self, cell: &'a str) -> std::result::Result<String, (String, &'static str)> {
        let bare = names::bare(cell);
        if let Some(name) = self.known.borrow().get(bare) {
            return Ok(name.clone());
        }
        let name = match self.accounts.contains(bare) {
            true => bare.to_string(),
            false => sector_code(bare),
        };
        self.known.borrow_mut().insert(bare, name.clone());
        if name.is_empty() {
            return Err(("it is blank".into(), "name the sector"));
        }
        match hidden(&name) {
            None => Ok(name),
            Some(c) => Err((
                format!("the name holds the hidden character U+{:04X}", u32::from(c)),
                "take it out of the name",
            )),
        }
    }
}

/// Refuses rows that differ in a column which nobody chose from: their values cannot be added.
fn refuse_mixture(header: &Line, variants: &BTreeMap<usize, BTreeSet<&str>>) -> Result<()> {
    if let Some((k, set)) = variants.iter().find(|(_, set)| set.len() > 1) {
        let values: Vec<String> = set.iter().map(|v| v.to_string()).collect();
        let column = header.cell(*k);
        return Err(Error::new(
            format!("column `{column}`"),
            format!("it mixes {}, which cannot be added", names::list(&values)),
            format!(
                "choose one with TableOptions {{ keep: vec![({column:?}.into(), {:?}.into())], .. }}, or say that they are parts: TableOptions {{ add_up: vec![{column:?}.into()], .. }}",
                names::cut(&values[0])
            ),
        ));
    }
    Ok(())
}

pub(super) fn flows<'a>(lines: &'a [Line], options: &TableOptions) -> Result<Vec<Flow<'a>>> {
    let header = &lines[0];
    let Columns {
        supplier,
        buyer,
        value,
        from,
        to,
        keep,
        added,
    } = columns(header, options)?;
    let style = Style::new(options.decimal, options.thousands, "TableOptions")?;
    // What is in other columns must be the same in all rows that are kept, or flows are added that differ.
    let others: Vec<usize> = (0..header.cells.len())
        .filter(|k| ![Some(supplier), Some(buyer), Some(value), from, to].contains(&Some(*k)))
        .filter(|k| !added.contains(k) && !repeats(lines, *k, supplier, buyer))
        .filter(|k| {
            !name_of(header.cell(*k)).contains("flag")
                && !name_of(header.cell(*k)).contains("status")
        })
        .collect();
    let mut variants: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    let mut found = Vec::new();
    let spelling = Spelling {
        accounts: accounts(lines, supplier, buyer),
        known: RefCell::default(),
    };
    for line in &lines[1..] {
        // A row of a sheet ends with its last cell that holds something.
        let short = !line.sheet && line.cells.len() <= supplier.max(buyer).max(value);
        if short || line.width() > header.cells.len() {
            return Err(Error::new(
                line.place(),
                format!(
                    "{} cells, but the header has {}",
                    line.cells.len(),
                    header.cells.len()
                ),
                "give every line as many cells as the header",
            ));
        }
        if keep.iter().any(|(k, wanted)| line.cell(*k) != *wanted) {
            continue;
        }
        for k in &others {
            variants.entry(*k).or_default().insert(line.cell(*k));
        }
        let place = |k: usize| {
            if line.sheet {
                return format!("{} ({})", line.place_of(k), header.cell(k));
            }
            format!("{}, column `{}`", line.place(), header.cell(k))
        };
        let end = |region: Option<usize>, sector: usize| -> Result<Name> {
            let name = spelling
                .of(line.cell(sector))
                .map_err(|(fact, remedy)| Error::new(place(sector), fact, remedy))?;
            Ok((region.map_or("", |k| line.cell(k)).to_string(), name))
        };
        found.push(Flow {
            line,
            from: end(from, supplier)?,
            to: end(to, buyer)?,
            value: number(line, value, style, || place(value))?,
            variant: added
                .iter()
                .map(|k| line.cell(*k))
                .collect::<Vec<_>>()
                .join(" "),
        });
    }
    refuse_mixture(header, &variants)?;
    if found.is_empty() {
        return Err(Error::new("", "no row is left", "see TableOptions.keep"));
    }
    Ok(found)
}
