//! The table that a network adds up to, and the network of a table with one firm a sector.

use super::{Demand, InputOutput, Layout, Use};
use crate::error::Result;
use crate::memory;
use crate::network::{Firms, Links, Network};

impl InputOutput {
    /// The table that the steady state of a network adds up to: one row a group, flows in the
    /// network's units per period.
    ///
    /// An error where the network has so many groups that the table does not fit into memory.
    pub fn of(network: &Network) -> Result<InputOutput> {
        let n = network.groups().len();
        memory::require(
            "network",
            &format!("a table of {n} x {n} groups"),
            8.0 * (n as f64).powi(2),
            "name fewer regions and sectors: Network::renamed joins none, so build it with coarser ones",
        )?;
        let (group, output) = (network.group(), network.output());
        let mut flows = vec![0.0; n * n];
        for e in 0..network.links() {
            let (b, s) = (network.buyer()[e] as usize, network.supplier()[e] as usize);
            flows[group[s] as usize * n + group[b] as usize] +=
                network.coefficient()[e] * output[b];
        }
        let one_region = network.regions().len() == 1;
        let region = |r: usize| {
            if one_region {
                String::new()
            } else {
                network.regions()[r].clone()
            }
        };
        Ok(InputOutput {
            regions: network.groups().iter().map(|g| region(g.0)).collect(),
            sectors: network
                .groups()
                .iter()
                .map(|g| network.sectors()[g.1].clone())
                .collect(),
            flows,
            demand: vec![Demand {
                name: "final demand".into(),
                kind: Use::Domestic,
                values: network.group_sums(network.final_demand()),
            }],
            imports: Vec::new(),
            output: network.group_sums(output),
            primary: Vec::new(),
            layout: if one_region {
                Layout::Wide
            } else {
                Layout::MultiRegional
            },
            notes: vec![format!(
                "added up from a network of {} firms",
                network.firms()
            )],
        })
    }

    /// The economy with one firm for each sector and region, whose flows are those of the table; the product
    /// of a link is its supplier's sector. The table must be one that `correct` returns.
    pub fn network(&self) -> Result<Network> {
        self.ready()?;
        let n = self.len();
        let cells: Vec<usize> = (0..n * n).filter(|k| self.flows[*k] > 0.0).collect();
        Network::new(
            Firms {
                name: (0..n).map(|i| self.label(i)).collect(),
                region: self.region_column(&(0..n).collect::<Vec<_>>()),
                sector: self.sectors.clone(),
                final_demand: self.final_demand().iter().map(|d| d.max(0.0)).collect(),
                output: Vec::new(),
            },
            Links {
                buyer: cells.iter().map(|k| k % n).collect(),
                supplier: cells.iter().map(|k| k / n).collect(),
                flow: cells.iter().map(|k| self.flows[*k]).collect(),
                ..Links::default()
            },
        )
        .map(|network| network.with_products_of_sectors())
    }

    /// The regions of firms of these sectors; empty in a table of one region.
    pub(super) fn region_column(&self, sector: &[usize]) -> Vec<String> {
        if self.regions.iter().all(String::is_empty) {
            return Vec::new();
        }
        sector.iter().map(|c| self.regions[*c].clone()).collect()
    }

    /// Refuses what a network cannot be made of, as `correct` would without any treatment.
    pub(super) fn ready(&self) -> Result<()> {
        let rounding = super::Corrections {
            tolerance: 1e-9,
            ..Default::default()
        };
        self.correct(&rounding).map(|_| ()).map_err(|mut e| {
            e.remedy = format!(
                "correct the table first with table.correct(…): {}",
                e.remedy
            );
            e
        })
    }
}
