//! Every result as a DataFrame. Columns are in `schema`.

use super::schema;
use crate::error::Result;
use crate::infer::Posterior;
use crate::network::Network;
use crate::observe::Observation;
use crate::simulate::Trajectory;
use polars::prelude::{Column, DataFrame};

/// Adds `.frame()` to results.
pub trait ToFrame {
    /// The result as a long table.
    fn frame(&self) -> Result<DataFrame>;
}

pub(super) fn column<T>(name: &str, values: Vec<T>) -> Column
where
    polars::prelude::Series: polars::prelude::NamedFrom<Vec<T>, [T]>,
{
    use polars::prelude::NamedFrom;
    polars::prelude::Series::new(name.into(), values).into()
}

pub(super) fn text(name: &str, values: Vec<String>) -> Column {
    Column::new(name.into(), values)
}

impl ToFrame for Network {
    /// One row a firm: firm, region, sector, final_demand, output, suppliers, customers.
    fn frame(&self) -> Result<DataFrame> {
        let firms = 0..self.firms();
        let name = |names: &[String], codes: &[u32]| -> Vec<String> {
            codes.iter().map(|c| names[*c as usize].clone()).collect()
        };
        Ok(DataFrame::new_infer_height(vec![
            text(schema::FIRM, firms.clone().map(|i| self.name(i)).collect()),
            text(schema::REGION, name(self.regions(), self.region())),
            text(schema::SECTOR, name(self.sectors(), self.sector())),
            column(schema::FINAL_DEMAND, self.final_demand().to_vec()),
            column(schema::OUTPUT, self.output().to_vec()),
            column(
                schema::SUPPLIERS,
                firms
                    .clone()
                    .map(|i| self.by_buyer().degree(i) as u32)
                    .collect(),
            ),
            column(
                schema::CUSTOMERS,
                firms.map(|i| self.by_supplier().degree(i) as u32).collect(),
            ),
        ])?)
    }
}

/// One row a link: buyer, supplier, coefficient, product, lag, class.
pub fn links_frame(network: &Network) -> Result<DataFrame> {
    let names = |firms: &[u32]| firms.iter().map(|i| network.name(*i as usize)).collect();
    let product = |p: &u32| network.products()[*p as usize].clone();
    Ok(DataFrame::new_infer_height(vec![
        text(schema::BUYER, names(network.buyer())),
        text(schema::SUPPLIER, names(network.supplier())),
        column(schema::COEFFICIENT, network.coefficient().to_vec()),
        text(
            schema::PRODUCT,
            network.product().iter().map(product).collect(),
        ),
        column(schema::LAG, network.lag().to_vec()),
        column(schema::CLASS, network.class().to_vec()),
    ])?)
}

impl ToFrame for Trajectory {
    /// One row a period and firm: period, firm, region, sector, output, and where recorded demand, limit,
    /// margin, unmet, overproduction.
    fn frame(&self) -> Result<DataFrame> {
        self.whole()?;
        let (network, m) = (&self.network, self.network.firms());
        let repeat = |f: &dyn Fn(usize) -> String| -> Vec<String> {
            let once: Vec<String> = (0..m).map(f).collect();
            (0..self.periods)
                .flat_map(|_| once.iter().cloned())
                .collect()
        };
        let region = |i: usize| network.regions()[network.region()[i] as usize].clone();
        let sector = |i: usize| network.sectors()[network.sector()[i] as usize].clone();
        let mut columns = vec![
            column(
                schema::PERIOD,
                (0..self.output.len()).map(|k| (k / m + 1) as u32).collect(),
            ),
            text(schema::FIRM, repeat(&|i| network.name(i))),
            text(schema::REGION, repeat(&region)),
            text(schema::SECTOR, repeat(&sector)),
            column(schema::OUTPUT, self.output.clone()),
        ];
        if !self.demand.is_empty() {
            columns.push(column(schema::DEMAND, self.demand.clone()));
        }
        if !self.limit.is_empty() {
            columns.push(column(schema::LIMIT, self.limit.clone()));
            columns.push(column(schema::MARGIN, self.margin.clone()));
            columns.push(column(schema::UNMET, self.unmet.clone()));
            columns.push(column(schema::OVERPRODUCTION, self.overproduction.clone()));
        }
        Ok(DataFrame::new_infer_height(columns)?)
    }
}

impl ToFrame for Observation {
    /// One row a period and group: period, region, sector, value, index; null where missing.
    fn frame(&self) -> Result<DataFrame> {
        self.whole()?;
        let g = self.groups();
        let cells = 0..self.values.len();
        let known = |v: f64| (!v.is_nan()).then_some(v);
        let index = |k: usize| known(100.0 * self.values[k] / self.base[k % g]);
        Ok(DataFrame::new_infer_height(vec![
            column(
                schema::PERIOD,
                cells.clone().map(|k| (k / g + 1) as u32).collect(),
            ),
            text(
                schema::REGION,
                cells.clone().map(|k| self.region[k % g].clone()).collect(),
            ),
            text(
                schema::SECTOR,
                cells.clone().map(|k| self.sector[k % g].clone()).collect(),
            ),
            Column::new(
                schema::VALUE.into(),
                self.values.iter().map(|v| known(*v)).collect::<Vec<_>>(),
            ),
            Column::new(schema::INDEX.into(), cells.map(index).collect::<Vec<_>>()),
        ])?)
    }
}

impl ToFrame for Posterior {
    /// One row a parameter and entry: parameter, entry, prior_median, mean, sd, shrinkage.
    fn frame(&self) -> Result<DataFrame> {
        self.whole()?;
        let entries = || {
            self.parameters
                .iter()
                .flat_map(|l| (0..l.len()).map(move |k| (l, k)))
        };
        Ok(DataFrame::new_infer_height(vec![
            text(
                schema::PARAMETER,
                entries()
                    .map(|(l, _)| l.parameter.name().to_string())
                    .collect(),
            ),
            column(schema::ENTRY, entries().map(|(_, k)| k as u32).collect()),
            column(
                schema::PRIOR_MEDIAN,
                entries().map(|(l, _)| l.prior.value(0.0)).collect(),
            ),
            column(schema::MEAN, entries().map(|(l, k)| l.mean[k]).collect()),
            column(schema::SD, entries().map(|(l, k)| l.sd[k]).collect()),
            column(
                schema::SHRINKAGE,
                entries().map(|(l, k)| 1.0 - l.scale[k]).collect(),
            ),
        ])?)
    }
}
