//! Networks from frames and from files of firms and links.

use super::{disk, schema};
use crate::error::{Error, Result};
use crate::network::{Firms, Links, Network, final_demand_of_links};
use polars::prelude::{DataFrame, DataType};
use std::collections::HashMap;
use std::path::PathBuf;

/// Names that columns of firm-level data have; the first is ours.
const FIRM: &[&str] = &[schema::FIRM, "name", "id", "firm_id"];
const BUYER: &[&str] = &[
    schema::BUYER,
    "client",
    "customer",
    "to",
    "target",
    "destination",
];
const SUPPLIER: &[&str] = &[
    schema::SUPPLIER,
    "seller",
    "vendor",
    "from",
    "source",
    "origin",
];
const COEFFICIENT: &[&str] = &[schema::COEFFICIENT, "a"];
const FLOW: &[&str] = &[schema::FLOW, "amount", "value", "weight", "sales"];
const DEMAND: &[&str] = &[schema::FINAL_DEMAND, "d"];
const OUTPUT: &[&str] = &[schema::OUTPUT, "x0"];

/// The files of a firm-level network, each Parquet, Arrow or CSV.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkFiles {
    /// One row a link: supplier, buyer, and flow or coefficient (also as seller, client, amount, …).
    pub links: PathBuf,
    /// One row a firm: firm, region and sector where there are any, and final_demand or output. Without
    /// it the firms are those of the links, in one region and sector.
    pub firms: Option<PathBuf>,
    /// Where neither final demand nor output is known: the share of inputs in output that makes firms
    /// produce enough for what they buy, see `final_demand_of_links`. `None` refuses such files.
    pub input_share: Option<f64>,
}

/// Reads a firm-level network from files.
pub fn read_network(files: &NetworkFiles) -> Result<Network> {
    let links = disk::read(&files.links)?.0;
    let firms = files
        .firms
        .as_deref()
        .map(disk::read)
        .transpose()?
        .map(|f| f.0);
    build(firms.as_ref(), &links, files.input_share).map_err(|e| e.within(files.links.display()))
}

/// A network from two frames with the columns of `Network::frame` and `links_frame`; links may have
/// flows instead of coefficients. Final demand counts where it is given, and output is computed from
/// it; else output counts. Names may be text or whole numbers.
pub fn network_from_frames(firms: &DataFrame, links: &DataFrame) -> Result<Network> {
    build(Some(firms), links, None)
}

fn find<'a>(frame: &DataFrame, names: &[&'a str]) -> Option<&'a str> {
    names.iter().copied().find(|n| frame.column(n).is_ok())
}

fn strings(frame: &DataFrame, names: &[&str]) -> Result<Vec<String>> {
    let name = find(frame, names).unwrap_or(names[0]);
    let column = frame.column(name)?.cast(&DataType::String)?;
    column
        .str()?
        .iter()
        .enumerate()
        .map(|(row, v)| {
            v.map(String::from).ok_or_else(|| {
                Error::new(
                    format!("row {row}"),
                    format!("`{name}` is null"),
                    "fill or drop the row",
                )
            })
        })
        .collect()
}

/// Empty where no such column is there.
fn numbers(frame: &DataFrame, names: &[&str]) -> Result<Vec<f64>> {
    let Some(name) = find(frame, names) else {
        return Ok(Vec::new());
    };
    let column = frame.column(name)?.strict_cast(&DataType::Float64)?;
    // A null becomes NaN, which the network refuses by row.
    Ok(column
        .f64()?
        .iter()
        .map(|v| v.unwrap_or(f64::NAN))
        .collect())
}

fn build(
    firms: Option<&DataFrame>,
    links: &DataFrame,
    input_share: Option<f64>,
) -> Result<Network> {
    let (buyer, supplier) = (strings(links, BUYER)?, strings(links, SUPPLIER)?);
    let name = match firms {
        Some(frame) => strings(frame, FIRM)?,
        None => {
            let mut seen = HashMap::new();
            let ends = supplier.iter().zip(&buyer).flat_map(|(s, b)| [s, b]);
            ends.filter(|n| seen.insert(*n, ()).is_none())
                .cloned()
                .collect()
        }
    };
    let index: HashMap<&str, usize> = name
        .iter()
        .enumerate()
        .map(|(i, n)| (n.as_str(), i))
        .collect();
    let place = |ends: &[String], column: &str| -> Result<Vec<usize>> {
        ends.iter()
            .enumerate()
            .map(|(row, n)| {
                index.get(n.as_str()).copied().ok_or_else(|| {
                    Error::new(
                        format!("links, row {row}"),
                        format!("firm {n:?} is not among the {} firms", name.len()),
                        format!("check column `{column}`"),
                    )
                })
            })
            .collect()
    };
    let coefficient = numbers(links, COEFFICIENT)?;
    let links = Links {
        buyer: place(&buyer, schema::BUYER)?,
        supplier: place(&supplier, schema::SUPPLIER)?,
        flow: if coefficient.is_empty() {
            numbers(links, FLOW)?
        } else {
            Vec::new()
        },
        coefficient,
    };
    let of_firms = |names: &[&str]| firms.map_or(Ok(Vec::new()), |f| numbers(f, names));
    let mut final_demand = of_firms(DEMAND)?;
    let output = if final_demand.is_empty() {
        of_firms(OUTPUT)?
    } else {
        Vec::new()
    };
    if final_demand.is_empty() && output.is_empty() {
        let share = input_share.ok_or_else(|| {
            Error::new(
                "firms",
                "neither their final demand nor their output is known",
                "give a file of firms with one of the two, or NetworkFiles { input_share: Some(0.5), .. } to assume it",
            )
        })?;
        final_demand = final_demand_of_links(name.len(), &links, share)?;
    }
    let text = |column: &str| match firms {
        Some(frame) if frame.column(column).is_ok() => strings(frame, &[column]),
        _ => Ok(Vec::new()),
    };
    let (region, sector) = (text(schema::REGION)?, text(schema::SECTOR)?);
    // Firms that are called by their index have no names.
    let plain = name.iter().enumerate().all(|(i, n)| *n == i.to_string());
    drop(index);
    let name = if plain { Vec::new() } else { name };
    Network::new(
        Firms {
            name,
            region,
            sector,
            final_demand,
            output,
        },
        links,
    )
}
