//! The network of firms: validated once, immutable, cheap to clone.

mod build;
mod carried;
mod csr;
mod edges;
pub(crate) mod files;
pub(crate) mod sheet;
mod steady;
mod synthetic;
pub(crate) mod text;
mod whose;

pub use build::{Firms, Links};
pub use csr::Csr;
pub use edges::{InoueTodo, final_demand_of_links};
pub(crate) use edges::{once, word_lines};
pub use synthetic::Synthetic;
pub use text::Decimal;

use crate::error::{Error, Result};
use carried::Carried;
use std::fmt;
use std::sync::Arc;

/// Firms, the links between them, and the steady state they imply.
///
/// Links are sorted by (buyer, supplier). The technical coefficient of a link (the paper's A_ij) is
/// units of the supplier's good per unit of the buyer's output; beware that input-output tables
/// print the transpose.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    names: Vec<String>,
    region: Vec<u32>,
    sector: Vec<u32>,
    region_names: Vec<String>,
    sector_names: Vec<String>,
    groups: Vec<(usize, usize)>,
    group: Vec<u32>,
    final_demand: Vec<f64>,
    output: Vec<f64>,
    buyer: Vec<u32>,
    supplier: Vec<u32>,
    coefficient: Vec<f64>,
    carried: Carried,
    by_buyer: Csr,
    by_supplier: Csr,
}

impl Network {
    /// Number of firms M.
    pub fn firms(&self) -> usize {
        self.inner.output.len()
    }
    /// Number of links E.
    pub fn links(&self) -> usize {
        self.inner.buyer.len()
    }
    /// The user's name of a firm; its index where none was given.
    pub fn name(&self, firm: usize) -> String {
        self.inner
            .names
            .get(firm)
            .cloned()
            .unwrap_or_else(|| firm.to_string())
    }
    /// Index of the firm with this name.
    pub fn firm(&self, name: &str) -> Result<usize> {
        let found = if self.inner.names.is_empty() {
            name.parse().ok().filter(|i| *i < self.firms())
        } else {
            self.inner.names.iter().position(|n| n == name)
        };
        found.ok_or_else(|| {
            Error::new(
                "",
                format!("there is no firm {name:?}"),
                "see network.frame() for the names",
            )
        })
    }
    /// Region names, in the order of first appearance.
    pub fn regions(&self) -> &[String] {
        &self.inner.region_names
    }
    /// Sector names, in the order of first appearance.
    pub fn sectors(&self) -> &[String] {
        &self.inner.sector_names
    }
    /// Index of each firm's region into `regions`, `[firm]`.
    pub fn region(&self) -> &[u32] {
        &self.inner.region
    }
    /// Index of each firm's sector into `sectors`, `[firm]`.
    pub fn sector(&self) -> &[u32] {
        &self.inner.sector
    }
    /// Non-empty groups as (region, sector) indices, sorted.
    pub fn groups(&self) -> &[(usize, usize)] {
        &self.inner.groups
    }
    /// Index of each firm's group into `groups`, `[firm]`.
    pub fn group(&self) -> &[u32] {
        &self.inner.group
    }
    /// Final demand per period (the paper's d), `[firm]`.
    pub fn final_demand(&self) -> &[f64] {
        &self.inner.final_demand
    }
    /// Steady output per period (the paper's x0), `[firm]`.
    pub fn output(&self) -> &[f64] {
        &self.inner.output
    }
    /// Buyer of each link, `[link]`.
    pub fn buyer(&self) -> &[u32] {
        &self.inner.buyer
    }
    /// Supplier of each link, `[link]`.
    pub fn supplier(&self) -> &[u32] {
        &self.inner.supplier
    }
    /// Technical coefficient of each link, `[link]`.
    pub fn coefficient(&self) -> &[f64] {
        &self.inner.coefficient
    }
    /// Links of each buyer (its inputs), in link order.
    pub fn by_buyer(&self) -> &Csr {
        &self.inner.by_buyer
    }
    /// Links of each supplier (its customers).
    pub fn by_supplier(&self) -> &Csr {
        &self.inner.by_supplier
    }

    /// Sum of `values` `[firm]` over the firms of each group, `[group]`.
    pub fn group_sums(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.groups().len()];
        for (v, g) in values.iter().zip(self.group()) {
            sums[*g as usize] += v;
        }
        sums
    }

    /// The same economy with other names for its regions and sectors, in the order of `regions`
    /// and `sectors`; the numbers of names must agree. Products that were given keep their names.
    pub fn renamed(&self, regions: &[String], sectors: &[String]) -> Result<Network> {
        for (kind, new, old) in [
            ("regions", regions, self.regions()),
            ("sectors", sectors, self.sectors()),
        ] {
            let distinct: std::collections::BTreeSet<&String> = new.iter().collect();
            if new.len() != old.len() || distinct.len() != new.len() {
                return Err(Error::new(
                    kind,
                    format!(
                        "{} names, {} of them distinct, for {} {kind}",
                        new.len(),
                        distinct.len(),
                        old.len()
                    ),
                    "give every one a name of its own",
                ));
            }
        }
        let mut inner = (*self.inner).clone();
        inner.region_names = regions.to_vec();
        inner.sector_names = sectors.to_vec();
        Ok(Network {
            inner: Arc::new(inner),
        })
    }

    /// Firms of a region, by index; an unknown region is an error that lists the known ones.
    pub fn firms_in_region(&self, region: &str) -> Result<Vec<usize>> {
        members(region, "region", self.regions(), self.region())
    }

    /// Firms of a sector, by index; an unknown sector is an error that lists the known ones.
    pub fn firms_in_sector(&self, sector: &str) -> Result<Vec<usize>> {
        members(sector, "sector", self.sectors(), self.sector())
    }
}

fn members(name: &str, kind: &str, names: &[String], of_firm: &[u32]) -> Result<Vec<usize>> {
    let Some(code) = names.iter().position(|n| n == name) else {
        let known: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
        let more = if names.len() > 12 { ", …" } else { "" };
        return Err(Error::new(
            "",
            format!("there is no {kind} {name:?}"),
            format!("the {kind}s are {}{more}", known.join(", ")),
        ));
    };
    Ok((0..of_firm.len())
        .filter(|i| of_firm[*i] as usize == code)
        .collect())
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Network: {} firms, {} links, {} regions x {} sectors ({} groups), output {:.4} per period",
            self.firms(),
            self.links(),
            self.regions().len(),
            self.sectors().len(),
            self.groups().len(),
            self.output().iter().sum::<f64>()
        )
    }
}
