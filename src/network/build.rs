//! From tables of firms and links to a validated network, in memory or from CSV files.

use super::carried::{self, Carried};
use super::files::{RawFirms, RawLinks, Rules, network, whole};
use super::sheet::{TextTable, Written};
use super::steady::{Ordered, steady_output};
use super::text::Style;
use super::{Csr, Inner, Network};
use crate::error::{Error, Result};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// A table of firms, column by column. An empty column was not given. At least one of
/// `final_demand` and `output` is needed; the other is computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Firms {
    /// Names; firms are called by their index when empty.
    pub name: Vec<String>,
    /// Region of each firm; all in one region when empty.
    pub region: Vec<String>,
    /// Sector of each firm; all in one sector when empty.
    pub sector: Vec<String>,
    /// Final demand per period.
    pub final_demand: Vec<f64>,
    /// Steady output per period.
    pub output: Vec<f64>,
}

/// A table of links, column by column. Exactly one of `coefficient` and `flow` is needed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Links {
    /// Index of the firm that buys.
    pub buyer: Vec<usize>,
    /// Index of the firm that sells.
    pub supplier: Vec<usize>,
    /// Units of the supplier's good per unit of the buyer's output.
    pub coefficient: Vec<f64>,
    /// Units of the supplier's good per period in the steady state.
    pub flow: Vec<f64>,
    /// Name of what is bought; each supplier's sector when empty. Suppliers of one product can stand in for
    /// each other where the model says so.
    pub product: Vec<String>,
    /// Whole periods in transit, at most 1,000; 0 when empty.
    pub lag: Vec<u32>,
    /// Class when the supplier rations, class 0 before class 1; 0 when empty.
    pub class: Vec<i32>,
}

impl Network {
    // Long: one column after the other, each with its checks.
    /// Validates the tables, computes what was not given, and the steady state.
    pub fn new(firms: Firms, links: Links) -> Result<Network> {
        let m = count_firms(&firms)?;
        check_links(&links, m, &firms.name)?;
        let mut order: Vec<usize> = (0..links.buyer.len()).collect();
        order.sort_by_key(|&e| (links.buyer[e], links.supplier[e]));
        if let Some(w) = order.windows(2).find(|w| {
            links.buyer[w[0]] == links.buyer[w[1]] && links.supplier[w[0]] == links.supplier[w[1]]
        }) {
            return Err(Error::new(
                format!("links, row {}", w[1]),
                format!(
                    "firm {} buys from {} a second time (first in row {})",
                    label(&firms.name, links.buyer[w[1]]),
                    label(&firms.name, links.supplier[w[1]]),
                    w[0]
                ),
                "add the two coefficients into one link",
            ));
        }
        let buyer: Vec<u32> = order.iter().map(|&e| links.buyer[e] as u32).collect();
        let supplier: Vec<u32> = order.iter().map(|&e| links.supplier[e] as u32).collect();
        let by_supplier = Csr::group(m, &supplier);
        let given = |column: &[f64]| -> Vec<f64> { order.iter().map(|&e| column[e]).collect() };
        let name = |i: usize| label(&firms.name, i);
        let (coefficient, final_demand, output) = if links.flow.is_empty() {
            let a = given(&links.coefficient);
            if firms.output.is_empty() {
                let x0 = steady_output(&by_supplier, &buyer, &a, &firms.final_demand, &name)?;
                (a, firms.final_demand, x0)
            } else {
                let sold = Ordered::new(&by_supplier, &buyer, &a).of(&firms.output);
                let d = remainder(&firms.output, &sold, &name)?;
                let x0 = steady_output(&by_supplier, &buyer, &a, &d, &name)?;
                (a, d, x0)
            }
        } else {
            let z = given(&links.flow);
            let sold: Vec<f64> = (0..m)
                .map(|j| by_supplier.of(j).iter().map(|&e| z[e as usize]).sum())
                .collect();
            let d = if firms.output.is_empty() {
                firms.final_demand
            } else {
                remainder(&firms.output, &sold, &name)?
            };
            let x0: Vec<f64> = d.iter().zip(&sold).map(|(d, s)| d + s).collect();
            let mut a = z;
            for (a, &b) in a.iter_mut().zip(&buyer) {
                if x0[b as usize] == 0.0 {
                    return Err(Error::new(
                        format!("firm {}", name(b as usize)),
                        "it buys inputs but sells nothing",
                        "give it final demand or customers, or drop its links",
                    ));
                }
                *a /= x0[b as usize];
            }
            let x0 = steady_output(&by_supplier, &buyer, &a, &d, &name)?;
            (a, d, x0)
        };
        let (region, region_names) = codes(&firms.region, m);
        let (sector, sector_names) = codes(&firms.sector, m);
        let pairs = |i: usize| (region[i] as usize, sector[i] as usize);
        let groups: Vec<(usize, usize)> = (0..m)
            .map(pairs)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let group = (0..m)
            .map(|i| groups.binary_search(&pairs(i)).unwrap_or_default() as u32)
            .collect();
        let by_buyer = Csr::group(m, &buyer);
        let carried = Carried::new(links, &order, &sector);
        Ok(Network {
            inner: Arc::new(Inner {
                names: firms.name,
                region,
                sector,
                region_names,
                sector_names,
                groups,
                group,
                final_demand,
                output,
                buyer,
                supplier,
                coefficient,
                carried,
                by_buyer,
                by_supplier,
            }),
        })
    }

    /// Reads two CSV files with headers. Firms: `firm`, `region`, `sector`, and `final_demand`
    /// (or `d`) or `output` (or `x0`). Links: `buyer`, `supplier`, and `coefficient` (or `a`) or
    /// `flow`; where they are there also `product`, `lag` and `class`. Firms are called by the text in their column, without blanks around it; further columns
    /// are ignored. When both final demand and output are given, final demand counts and output is
    /// recomputed. Other files, and other ways to write numbers, are read by `read_network`.
    pub fn from_csv(firms: impl AsRef<Path>, links: impl AsRef<Path>) -> Result<Network> {
        let read = |path: &Path| {
            let written = Written {
                separator: None,
                style: Style::new(None, None, "NetworkFiles")?,
                encoding: None,
                trim: true,
                options: "NetworkFiles",
            };
            TextTable::read(path, written, |_| true)
        };
        let (mut table, mut edges) = (read(firms.as_ref())?, read(links.as_ref())?);
        let find = |t: &TextTable, names: &[&str]| {
            names
                .iter()
                .find_map(|n| t.header.iter().position(|h| h == n))
        };
        let numbers = |t: &TextTable, names: &[&str]| match find(t, names) {
            Some(k) => t.numbers(k),
            None => Ok(Vec::new()),
        };
        let required = |t: &mut TextTable, names: &[&str]| match find(t, names) {
            Some(k) => Ok(t.texts(k)),
            None => Err(Error::new(
                t.places.name.clone(),
                format!("there is no column `{}`", names[0]),
                format!("it has the columns {}", t.header.join(", ")),
            )),
        };
        let final_demand = numbers(&table, &["final_demand", "d"])?;
        let raw = RawFirms {
            output: if final_demand.is_empty() {
                numbers(&table, &["output", "x0"])?
            } else {
                Vec::new()
            },
            final_demand,
            places: table.places.clone(),
            name: required(&mut table, &["firm", "name", "id"])?,
            region: required(&mut table, &["region"]).unwrap_or_default(),
            sector: required(&mut table, &["sector"]).unwrap_or_default(),
        };
        let coefficient = numbers(&edges, &["coefficient", "a"])?;
        let parsed = RawLinks {
            flow: if coefficient.is_empty() {
                numbers(&edges, &["flow"])?
            } else {
                Vec::new()
            },
            coefficient,
            places: edges.places.clone(),
            product: required(&mut edges, &["product"]).unwrap_or_default(),
            lag: whole(&numbers(&edges, &["lag"])?, 0, &edges.places, "lag")?,
            class: whole(
                &numbers(&edges, &["class"])?,
                i64::MIN,
                &edges.places,
                "class",
            )?,
            buyer: required(&mut edges, &["buyer"])?,
            supplier: required(&mut edges, &["supplier"])?,
        };
        network(Some(raw), parsed, Rules::default())
    }
}

fn label(names: &[String], i: usize) -> String {
    names.get(i).cloned().unwrap_or_else(|| i.to_string())
}

fn count_firms(firms: &Firms) -> Result<usize> {
    let m = firms.final_demand.len().max(firms.output.len());
    if m == 0 {
        return Err(Error::new(
            "firms",
            "neither final demand nor output is given",
            "give one of the two columns, one value per firm",
        ));
    }
    if u32::try_from(m).is_err() {
        return Err(Error::new(
            "firms",
            format!("{m} firms"),
            "at most 4 billion are supported",
        ));
    }
    for (column, n) in [
        ("name", firms.name.len()),
        ("region", firms.region.len()),
        ("sector", firms.sector.len()),
        ("final_demand", firms.final_demand.len()),
        ("output", firms.output.len()),
    ] {
        if n != 0 && n != m {
            return Err(Error::new(
                format!("firms, column `{column}`"),
                format!("{n} values, but there are {m} firms"),
                "give one value per firm, or leave the column empty",
            ));
        }
    }
    let mut seen = HashMap::new();
    for (i, n) in firms.name.iter().enumerate() {
        if let Some(first) = seen.insert(n, i) {
            return Err(Error::new(
                format!("firms, row {i}"),
                format!("firm {n:?} is already in row {first}"),
                "give every firm a name of its own",
            ));
        }
    }
    for (column, values) in [
        ("final_demand", &firms.final_demand),
        ("output", &firms.output),
    ] {
        if let Some(i) = values.iter().position(|v| !(*v >= 0.0 && v.is_finite())) {
            return Err(Error::new(
                format!("firms, row {i}"),
                format!("firm {} has {column} {}", label(&firms.name, i), values[i]),
                format!("check column `{column}`: it must be at least 0 and finite"),
            ));
        }
    }
    if firms.output.is_empty() && firms.final_demand.iter().all(|v| *v == 0.0) {
        return Err(Error::new(
            "firms, column `final_demand`",
            "nobody buys anything: every final demand is 0",
            "give at least one firm final demand",
        ));
    }
    Ok(m)
}

fn check_links(links: &Links, m: usize, names: &[String]) -> Result<()> {
    let e = links.buyer.len();
    let (value, values) = match (links.coefficient.len(), links.flow.len()) {
        (_, 0) => ("coefficient", &links.coefficient),
        (0, _) => ("flow", &links.flow),
        _ => {
            return Err(Error::new(
                "links",
                "both coefficients and flows are given",
                "give one of the two columns",
            ));
        }
    };
    if links.supplier.len() != e || values.len() != e {
        return Err(Error::new(
            "links",
            format!(
                "{e} buyers, {} suppliers, {} {value}s",
                links.supplier.len(),
                values.len()
            ),
            "give one of each per link",
        ));
    }
    carried::check(&links.product, &links.lag, &links.class, e)?;
    for (row, &value_here) in values.iter().enumerate() {
        let (b, s) = (links.buyer[row], links.supplier[row]);
        let place = || format!("links, row {row}");
        for (column, firm) in [("buyer", b), ("supplier", s)] {
            if firm >= m {
                return Err(Error::new(
                    place(),
                    format!("firm {b} buys from {s}, but there are {m} firms"),
                    format!("check column `{column}`"),
                ));
            }
        }
        if !(value_here > 0.0 && value_here.is_finite()) {
            return Err(Error::new(
                place(),
                format!(
                    "firm {} buys from {} with {value} {}",
                    label(names, b),
                    label(names, s),
                    value_here
                ),
                format!("check column `{value}`: it must be positive and finite"),
            ));
        }
    }
    Ok(())
}

/// Final demand that is left of output after what is sold as input; rounding below zero is zero.
fn remainder(output: &[f64], sold: &[f64], name: &dyn Fn(usize) -> String) -> Result<Vec<f64>> {
    let d: Vec<f64> = output
        .iter()
        .zip(sold)
        .map(|(x, s)| {
            if (x - s).abs() <= 1e-12 * x {
                0.0
            } else {
                x - s
            }
        })
        .collect();
    match d.iter().position(|v| *v < 0.0) {
        None => Ok(d),
        Some(i) => Err(Error::new(
            format!("firms, row {i}"),
            format!(
                "firm {} produces {} but sells {} as input: final demand would be negative",
                name(i),
                output[i],
                sold[i]
            ),
            "raise its output or lower its customers' coefficients; imports may be counted in them",
        )),
    }
}

/// Integer codes in order of first appearance, and their names.
fn codes(values: &[String], m: usize) -> (Vec<u32>, Vec<String>) {
    if values.is_empty() {
        return (vec![0; m], vec!["all".to_string()]);
    }
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let mut names = Vec::new();
    let codes = values
        .iter()
        .map(|v| {
            *seen.entry(v.as_str()).or_insert_with(|| {
                names.push(v.clone());
                names.len() as u32 - 1
            })
        })
        .collect();
    (codes, names)
}
