//! What links carry beside their coefficient: the product, the time in transit, the class in rationing.

use super::{Links, Network};
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Most periods that goods may be in transit.
const MOST_LAG: u32 = 1000;

/// What links carry, in link order.
#[derive(Clone)]
pub(super) struct Carried {
    /// Index into the products' names.
    pub(super) product: Vec<u32>,
    /// Names of the products where they were given; else products are the sectors.
    pub(super) names: Option<Vec<String>>,
    pub(super) lag: Vec<u32>,
    pub(super) class: Vec<i32>,
}

impl Carried {
    /// Of links that are taken in this order; `sector` is that of every firm.
    pub(super) fn new(links: Links, order: &[usize], sector: &[u32]) -> Self {
        let e = order.len();
        let product = order.iter().map(|k| sector[links.supplier[*k]]);
        let (product, names) = match links.product.is_empty() {
            true => (product.collect(), None),
            false => {
                let (codes, names) = codes(order.iter().map(|k| links.product[*k].as_str()));
                (codes, Some(names))
            }
        };
        Self {
            product,
            names,
            lag: match links.lag.is_empty() {
                true => vec![0; e],
                false => order.iter().map(|k| links.lag[*k]).collect(),
            },
            class: match links.class.is_empty() {
                true => vec![0; e],
                false => order.iter().map(|k| links.class[*k]).collect(),
            },
        }
    }
}

/// Numbers of the names, and every name once, in order of first appearance.
fn codes<'a>(names: impl Iterator<Item = &'a str>) -> (Vec<u32>, Vec<String>) {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let mut each = Vec::new();
    let number = |name: &'a str| {
        *seen.entry(name).or_insert_with(|| {
            each.push(name.to_string());
            each.len() as u32 - 1
        })
    };
    (names.map(number).collect(), each)
}

/// Refuses columns of another length than the links, blank products and endless journeys.
pub(super) fn check(product: &[String], lag: &[u32], class: &[i32], links: usize) -> Result<()> {
    for (column, n) in [
        ("product", product.len()),
        ("lag", lag.len()),
        ("class", class.len()),
    ] {
        if n != 0 && n != links {
            return Err(Error::new(
                format!("links, column `{column}`"),
                format!("{n} values, but there are {links} links"),
                "give one value per link, or leave the column empty",
            ));
        }
    }
    if let Some(row) = product.iter().position(|p| p.trim().is_empty()) {
        return Err(Error::new(
            format!("links, row {row}"),
            "`product` is blank",
            "name the product, such as by the supplier's sector, or leave the column empty",
        ));
    }
    match lag.iter().position(|t| *t > MOST_LAG) {
        None => Ok(()),
        Some(row) => Err(Error::new(
            format!("links, row {row}"),
            format!("its goods are {} periods in transit", lag[row]),
            format!("give a `lag` of at most {MOST_LAG} periods"),
        )),
    }
}

impl Network {
    /// Names of the products: in the order of first appearance in `product` where they were given, else the
    /// sectors.
    pub fn products(&self) -> &[String] {
        let names = self.inner.carried.names.as_ref();
        names.map_or(self.sectors(), Vec::as_slice)
    }
    /// Product of each link, an index into `products`, `[link]`. Where none were given it is the supplier's
    /// sector. Suppliers of one product can stand in for each other where the model says so.
    pub fn product(&self) -> &[u32] {
        &self.inner.carried.product
    }
    /// Whole periods that the goods of each link are in transit, `[link]`; 0 where not given.
    pub fn lag(&self) -> &[u32] {
        &self.inner.carried.lag
    }
    /// Class of each link when its supplier rations, `[link]`: class 0 is served before class 1; 0 where not
    /// given.
    pub fn class(&self) -> &[i32] {
        &self.inner.carried.class
    }

    /// Whether products were given: they then keep their names when sectors are renamed.
    pub(crate) fn has_products(&self) -> bool {
        self.inner.carried.names.is_some()
    }

    /// What links carry, as numbers, where it is not the default: products that are not the suppliers' sectors,
    /// lags, classes.
    pub(crate) fn carried_numbers(&self) -> Vec<f64> {
        let own = |(p, j): (&u32, &u32)| {
            self.products()[*p as usize] != self.sectors()[self.sector()[*j as usize] as usize]
        };
        let mut numbers = Vec::new();
        if self.product().iter().zip(self.supplier()).any(own) {
            numbers.extend(self.product().iter().map(|p| f64::from(*p)));
        }
        // A mark before each: a lag of 1 is no class of 1.
        if self.lag().iter().any(|t| *t > 0) {
            numbers.push(-1.0);
            numbers.extend(self.lag().iter().map(|t| f64::from(*t)));
        }
        if self.class().iter().any(|c| *c != 0) {
            numbers.push(-2.0);
            numbers.extend(self.class().iter().map(|c| f64::from(*c)));
        }
        numbers
    }

    /// The same economy whose links carry these products, one name a link in link order.
    ///
    /// An error where there is not one name for every link, or where one is blank.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    /// let network = Network::synthetic(&Synthetic { firms: 20, ..Synthetic::default() })?;
    /// // Goods of one sector in one region are a product.
    /// let of = |j: &u32| {
    ///     let (region, sector) = network.groups()[network.group()[*j as usize] as usize];
    ///     format!("{} of {}", network.sectors()[sector], network.regions()[region])
    /// };
    /// let names: Vec<String> = network.supplier().iter().map(of).collect();
    /// let finer = network.with_products(&names)?;
    /// assert_eq!(finer.products()[finer.product()[0] as usize], names[0]);
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn with_products(&self, product: &[String]) -> Result<Network> {
        self.one_each("product", product.len())?;
        check(product, &[], &[], self.links())?;
        let (codes, names) = codes(product.iter().map(String::as_str));
        Ok(self
            .clone()
            .carrying(|carried| (carried.product, carried.names) = (codes, Some(names))))
    }

    /// The same economy whose goods are so many whole periods in transit, one number a link in link order.
    ///
    /// An error where there is not one number for every link, or where one is above 1,000.
    pub fn with_lags(&self, lag: &[u32]) -> Result<Network> {
        self.one_each("lag", lag.len())?;
        check(&[], lag, &[], self.links())?;
        Ok(self.clone().carrying(|carried| carried.lag = lag.to_vec()))
    }

    /// The same economy with these classes in rationing, one number a link in link order; class 0 is served
    /// before class 1.
    ///
    /// An error where there is not one number for every link.
    pub fn with_classes(&self, class: &[i32]) -> Result<Network> {
        self.one_each("class", class.len())?;
        Ok(self
            .clone()
            .carrying(|carried| carried.class = class.to_vec()))
    }

    /// The same economy, in which the products are said to be the suppliers' sectors: they keep their names
    /// when sectors are renamed.
    pub(crate) fn with_products_of_sectors(self) -> Network {
        let of = |j: &u32| self.sectors()[self.sector()[*j as usize] as usize].as_str();
        let (codes, names) = codes(self.supplier().iter().map(of));
        self.carrying(|carried| (carried.product, carried.names) = (codes, Some(names)))
    }

    fn one_each(&self, column: &str, given: usize) -> Result<()> {
        if given == self.links() {
            return Ok(());
        }
        Err(Error::new(
            format!("links, column `{column}`"),
            format!("{given} values, but there are {} links", self.links()),
            "give one value per link, in the order of network.buyer() and network.supplier()",
        ))
    }

    fn carrying(self, change: impl FnOnce(&mut Carried)) -> Network {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        change(&mut inner.carried);
        Network {
            inner: Arc::new(inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Synthetic;

    #[test]
    fn what_links_carry_counts_where_it_is_not_the_default() {
        let n = Network::synthetic(&Synthetic {
            firms: 20,
            ..Synthetic::default()
        });
        let n = n.expect("an economy");
        assert!(n.carried_numbers().is_empty());
        // Products that are said to be sectors are the default.
        assert!(
            n.clone()
                .with_products_of_sectors()
                .carried_numbers()
                .is_empty()
        );
        let same = vec!["a".to_string(); n.links()];
        let ones = (vec![1; n.links()], vec![1; n.links()]);
        let each = [
            n.with_products(&same),
            n.with_lags(&ones.0),
            n.with_classes(&ones.1),
        ];
        let numbers = each.map(|n| n.expect("an economy").carried_numbers());
        assert!(numbers.iter().all(|v| !v.is_empty()));
        assert!(numbers[0] != numbers[1] && numbers[1] != numbers[2]);
    }
}
