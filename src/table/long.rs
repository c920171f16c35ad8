//! Long tables: one row a flow, columns by name.

use super::grid::{Line, number};
use super::names::{self, Role};
use super::read::Parts;
use super::{Blank, Demand, Layout, Orientation, Primary, TableOptions, Use, sector_code};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

fn name_of(header: &str) -> String {
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

/// One flow, with where it was found.
struct Flow<'a> {
    line: &'a Line,
    from: (String, String),
    to: (String, String),
    value: Option<f64>,
}

fn flows<'a>(lines: &'a [Line], options: &TableOptions) -> Result<Vec<Flow<'a>>> {
    let header = &lines[0];
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
    let mut keep = Vec::new();
    for (column, wanted) in &options.keep {
        let k = find(header, &[name_of(column).as_str()]).ok_or_else(|| {
            Error::new(
                "TableOptions.keep",
                format!("there is no column {column:?}"),
                "see the header of the file",
            )
        })?;
        keep.push((k, wanted.as_str()));
    }
    // What is in other columns must be the same in all rows that are kept, or flows are added that differ.
    let others: Vec<usize> = (0..header.cells.len())
        .filter(|k| ![Some(supplier), Some(buyer), Some(value), from, to].contains(&Some(*k)))
        .filter(|k| {
            !name_of(header.cell(*k)).contains("flag")
                && !name_of(header.cell(*k)).contains("status")
        })
        .collect();
    let mut variants: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    let mut found = Vec::new();
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
        let end = |region: Option<usize>, sector: usize| -> Result<(String, String)> {
            let name = sector_code(names::bare(line.cell(sector)));
            if name.is_empty() {
                return Err(Error::new(place(sector), "it is blank", "name the sector"));
            }
            Ok((region.map_or("", |k| line.cell(k)).to_string(), name))
        };
        found.push(Flow {
            line,
            from: end(from, supplier)?,
            to: end(to, buyer)?,
            value: number(line.cell(value), || place(value))?,
        });
    }
    if let Some((k, set)) = variants.iter().find(|(_, set)| set.len() > 1) {
        let values: Vec<String> = set.iter().map(|v| v.to_string()).collect();
        let column = header.cell(*k);
        return Err(Error::new(
            format!("column `{column}`"),
            format!("it mixes {}, which cannot be added", names::list(&values)),
            format!(
                "choose one with TableOptions {{ keep: vec![({column:?}.into(), {:?}.into())], .. }}",
                values[0]
            ),
        ));
    }
    if found.is_empty() {
        return Err(Error::new("", "no row is left", "see TableOptions.keep"));
    }
    Ok(found)
}

/// Reads a long table.
pub(super) fn read(lines: &[Line], options: &TableOptions) -> Result<Parts> {
    let flows = flows(lines, options)?;
    let given =
        |list: &[String], name: &str| list.iter().any(|n| n == name || sector_code(n) == name);
    let said = |name: &str| {
        let of = |list: &[String], role| given(list, name).then_some(role);
        of(&options.domestic, Role::Domestic)
            .or(of(&options.exports, Role::Exports))
            .or(of(&options.imports, Role::Imports))
            .or(of(options.output.as_slice(), Role::Output))
            .or(of(&options.ignore, Role::Total))
            .or_else(|| names::certain(name))
    };
    let buyers: BTreeSet<&(String, String)> = flows.iter().map(|f| &f.to).collect();
    // Sectors sell and buy; their order is that of the file.
    let mut index: HashMap<(String, String), usize> = HashMap::new();
    let mut sectors: Vec<(String, String)> = Vec::new();
    for f in &flows {
        if said(&f.from.1).is_none() && buyers.contains(&f.from) && !index.contains_key(&f.from) {
            index.insert(f.from.clone(), sectors.len());
            sectors.push(f.from.clone());
        }
    }
    let n = sectors.len();
    if n == 0 {
        return Err(Error::new(
            "",
            "no sector both sells and buys",
            "name suppliers and buyers alike",
        ));
    }
    let regional = sectors.iter().any(|s| s.0 != sectors[0].0);
    let mut parts = Parts {
        layout: Layout::Long,
        flows: vec![0.0; n * n],
        ..Parts::default()
    };
    let mut cell_line: Vec<Option<&Line>> = vec![None; n * n];
    let mut columns: Vec<(String, Role, Vec<f64>)> = Vec::new();
    let mut primary: Vec<(String, Vec<f64>)> = Vec::new();
    let (mut seen, mut column_of, mut primary_of) =
        (HashMap::new(), HashMap::new(), HashMap::new());
    for f in &flows {
        let place = f.line.place();
        let value = match f.value {
            Some(v) => v,
            None if options.missing == Blank::Zero => {
                parts.missing += 1;
                0.0
            }
            None => {
                return Err(Error::new(
                    place,
                    "it has no value",
                    "fill the cell, or say TableOptions { missing: Blank::Zero, .. }",
                ));
            }
        };
        let twice = |first: &Line| {
            let fact = format!(
                "{} to {} was already given in {}",
                f.from.1,
                f.to.1,
                first.place()
            );
            Error::new(f.line.place(), fact, "keep one of the two")
        };
        match (index.get(&f.from), index.get(&f.to)) {
            (Some(&i), Some(&j)) => {
                if let Some(first) = cell_line[i * n + j].replace(f.line) {
                    return Err(twice(first));
                }
                parts.flows[i * n + j] = value;
            }
            (Some(&i), None) => {
                let role = said(&f.to.1).or_else(|| names::column(&f.to.1)).ok_or_else(|| {
                    Error::new(
                        place.clone(),
                        format!("{} buys, but sells nothing, and is not known as final demand or output", f.to.1),
                        "spell sectors alike, or say in TableOptions what it is",
                    )
                })?;
                if role == Role::Primary {
                    return Err(Error::new(
                        place,
                        format!(
                            "{} is a primary input, but it buys: the table seems to be transposed",
                            f.to.1
                        ),
                        "swap suppliers and buyers, or say TableOptions { orientation: Orientation::BuyersInRows, .. }",
                    ));
                }
                if let Some(first) = seen.insert((&f.from, &f.to), f.line) {
                    return Err(twice(first));
                }
                let name = if regional && role != Role::Output && f.to.0 != f.from.0 {
                    format!("{} · {}", f.to.0, f.to.1)
                } else {
                    f.to.1.clone()
                };
                let k = *column_of.entry(name.clone()).or_insert_with(|| {
                    columns.push((name, role, vec![0.0; n]));
                    columns.len() - 1
                });
                columns[k].2[i] = value;
            }
            (None, Some(&j)) => {
                if !(names::primary(&f.from.1)
                    || said(&f.from.1).is_some()
                    || given(&options.primary, &f.from.1))
                {
                    return Err(Error::new(
                        place,
                        format!(
                            "{} sells, but buys nothing, and is not known as value added, taxes or imports",
                            f.from.1
                        ),
                        "spell sectors alike, or say in TableOptions what it is",
                    ));
                }
                let k = *primary_of.entry(f.from.1.clone()).or_insert_with(|| {
                    primary.push((f.from.1.clone(), vec![0.0; n]));
                    primary.len() - 1
                });
                primary[k].1[j] += value;
            }
            (None, None) => {}
        }
    }
    let blank = cell_line
        .iter()
        .enumerate()
        .filter(|(k, line)| line.is_none() && sectors[k / n].0 == sectors[k % n].0);
    let blank = blank.count();
    if blank > 0 {
        parts
            .notes
            .push(format!("{blank} flows have no row, and are taken as zero"));
    }
    for (name, role, values) in columns {
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
            Role::Total | Role::Primary => continue,
        };
        parts.demand.push(Demand { name, kind, values });
    }
    for (name, values) in primary {
        match said(&name) {
            Some(Role::Output) if parts.output.is_none() => parts.output = Some(values),
            Some(Role::Output | Role::Total) => {}
            _ => parts.primary.push(Primary { name, values }),
        }
    }
    if regional && (0..n * n).all(|k| parts.flows[k] == 0.0 || sectors[k / n].0 == sectors[k % n].0)
    {
        parts.notes.push(
            "no flow crosses regions: each region is a table of its own, see InputOutput::region"
                .into(),
        );
    }
    (parts.regions, parts.sectors) = sectors.into_iter().unzip();
    Ok(parts)
}
