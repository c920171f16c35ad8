//! Long tables: one row a flow, columns by name.

mod flows;
mod taken;

use super::TableOptions;
use super::grid::Line;
use super::listed::{no_firm_list, no_total_among};
use super::read::Parts;
use crate::error::{Error, Result};
pub(super) use flows::Flow;
use std::collections::{HashMap, HashSet};
use taken::{Said, Taken};

/// A region, empty where there are none, and a sector or what stands in its place.
type Name = (String, String);

const SUPPLIER: &[&str] = &[
    "supplier",
    "seller",
    "row",
    "from",
    "origin",
    "source",
    "input",
    "prd_ava",
    "ind_ava",
    "prod_na",
    "rowpi",
    "row_item",
    "row_sector",
    "sector_from",
    "supplier_sector",
];
const BUYER: &[&str] = &[
    "buyer",
    "customer",
    "client",
    "column",
    "col",
    "to",
    "destination",
    "target",
    "prd_use",
    "ind_use",
    "induse",
    "colpi",
    "column_item",
    "col_sector",
    "sector_to",
    "buyer_sector",
];
const REGION: &[&str] = &["region", "geo", "country", "area", "prefecture"];
const FROM: &[&str] = &[
    "supplier_region",
    "region_from",
    "from_region",
    "refarea",
    "row_country",
    "origin_country",
];
const TO: &[&str] = &[
    "buyer_region",
    "region_to",
    "to_region",
    "counterpartarea",
    "col_country",
    "destination_country",
];
const VALUE: &[&str] = &["value", "values", "flow", "obs_value", "obsvalue", "amount"];

pub(super) fn name_of(header: &str) -> String {
    // Eurostat's labels stand behind a colon; SDMX-CSV of the new API may have them.
    header
        .split(':')
        .next()
        .unwrap_or_default()
        .trim()
        .to_lowercase()
}

fn find(header: &Line, names: &[&str]) -> Option<usize> {
    let cells: Vec<String> = header.cells.iter().map(name_of).collect();
    names.iter().find_map(|n| cells.iter().position(|c| c == n))
}

fn value_column(header: &Line) -> Option<usize> {
    find(header, VALUE).or_else(|| {
        header
            .cells
            .iter()
            .position(|c| name_of(c).starts_with("value_"))
    })
}

/// True when the header names suppliers, buyers and values.
pub(super) fn is(header: &Line) -> bool {
    find(header, SUPPLIER).is_some()
        && find(header, BUYER).is_some()
        && value_column(header).is_some()
}

/// The sectors, which sell and buy, in the order of the file, and the place of each.
fn sectors_of(flows: &[Flow<'_>], said: Said<'_>) -> (HashMap<Name, usize>, Vec<Name>) {
    let buyers: HashSet<&Name> = flows.iter().map(|f| &f.to).collect();
    let mut index: HashMap<Name, usize> = HashMap::new();
    let mut sectors: Vec<Name> = Vec::new();
    for f in flows {
        let sells = !index.contains_key(&f.from) && buyers.contains(&f.from);
        if sells && said.role(&f.from.1).is_none() {
            index.insert(f.from.clone(), sectors.len());
            sectors.push(f.from.clone());
        }
    }
    (index, sectors)
}

/// Reads a long table.
pub(super) fn read(lines: &[Line], options: &TableOptions) -> Result<Parts> {
    let flows = flows::flows(lines, options)?;
    if !options.add_up.is_empty() {
        no_total_among(&flows, &options.add_up)?;
    }
    let said = Said(options);
    let (index, sectors) = sectors_of(&flows, said);
    if sectors.is_empty() {
        return Err(Error::new(
            "",
            "no sector both sells and buys",
            "name suppliers and buyers alike",
        ));
    }
    let closed = flows
        .iter()
        .all(|f| index.contains_key(&f.from) && index.contains_key(&f.to));
    no_firm_list(sectors.len(), &flows, closed)?;
    let mut taken = Taken::new(said, &flows, &sectors);
    for (row, f) in flows.iter().enumerate() {
        let value = taken.value(f)?;
        match (index.get(&f.from), index.get(&f.to)) {
            (Some(&i), Some(&j)) => taken.between(row, (i, j), value)?,
            (Some(&i), None) => taken.add_final_demand(f, i, value)?,
            (None, Some(&j)) => taken.add_primary(f, j, value)?,
            (None, None) => taken.beside(f)?,
        }
    }
    Ok(taken.parts(sectors))
}
