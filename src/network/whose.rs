//! Choosing firms: by region and sector, and by size.

use super::Network;
use crate::error::{Error, Result};

impl Network {
    /// Firms of a sector in a region, by index.
    ///
    /// # Errors
    /// An unknown region or sector; the error lists the known ones. A region without this sector.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// let network = Network::synthetic(&Synthetic { firms: 40, ..Synthetic::default() })?;
    /// let (region, sector) = (network.regions()[0].clone(), network.sectors()[0].clone());
    /// let firms = network.firms_where(&region, &sector)?;
    /// assert!(firms.iter().all(|i| network.region()[*i] == 0 && network.sector()[*i] == 0));
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn firms_where(&self, region: &str, sector: &str) -> Result<Vec<usize>> {
        let of_sector = self.firms_in_sector(sector)?;
        let mut firms = self.firms_in_region(region)?;
        firms.retain(|i| of_sector.binary_search(i).is_ok());
        if firms.is_empty() {
            return Err(Error::new(
                "",
                format!("region {region:?} has no firm of sector {sector:?}"),
                "see network.groups() for what there is",
            ));
        }
        Ok(firms)
    }

    /// The `n` firms with the largest steady output, the largest first; all where there are fewer.
    pub fn largest(&self, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.firms()).collect();
        let output = self.output();
        all.sort_by(|a, b| output[*b].total_cmp(&output[*a]).then(a.cmp(b)));
        all.truncate(n);
        all
    }
}
