//! Networks, runs and panels as files, and back.

use super::edges::network_from_frames;
use super::schema;
use super::store::{Files, Pack, Stored};
use super::write::{ToFrame, column, links_frame, text};
use crate::error::{Error, Result};
use crate::infer::Prediction;
use crate::model::Model;
use crate::network::Network;
use crate::observe::Observation;
use crate::simulate::Trajectory;
use polars::prelude::{Column, DataFrame};

/// A column of numbers; null is NaN.
pub(super) fn numbers(frame: &DataFrame, name: &str) -> Result<Vec<f64>> {
    Ok(frame
        .column(name)?
        .f64()?
        .iter()
        .map(|v| v.unwrap_or(f64::NAN))
        .collect())
}

/// A column of counts.
pub(super) fn counts(frame: &DataFrame, name: &str) -> Result<Vec<usize>> {
    Ok(frame
        .column(name)?
        .u32()?
        .iter()
        .map(|v| v.unwrap_or(0) as usize)
        .collect())
}

/// A column of whole numbers, which may be below 0.
fn whole(frame: &DataFrame, name: &str) -> Result<Vec<i32>> {
    let column = frame.column(name)?.i32()?;
    Ok(column.iter().map(|v| v.unwrap_or(0)).collect())
}

/// A column of names; null is the empty name.
pub(super) fn texts(frame: &DataFrame, name: &str) -> Result<Vec<String>> {
    Ok(frame
        .column(name)?
        .str()?
        .iter()
        .map(|v| v.unwrap_or_default().to_string())
        .collect())
}

/// NaN as null, as frames have missing cells.
pub(super) fn nullable(name: &str, values: &[f64]) -> Column {
    let known: Vec<Option<f64>> = values.iter().map(|v| (!v.is_nan()).then_some(*v)).collect();
    Column::new(name.into(), known)
}

/// A list of texts as one fact.
pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers can be written as JSON")
}

impl Stored for Network {
    const KIND: &'static str = "network";

    /// Firms, and links in a second table.
    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        // A region or sector may have lost its firms, and the order counts.
        pack.fact("regions", json(&self.regions()));
        pack.fact("sectors", json(&self.sectors()));
        // Where none were given, products are the sectors and are renamed with them.
        if self.has_products() {
            pack.fact("products", "given");
        }
        pack.table("links", "links", links_frame(self)?);
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let mut links = files.table("links")?;
        if files.fact("products").is_err() && links.column(schema::PRODUCT).is_ok() {
            links.drop_in_place(schema::PRODUCT)?;
        }
        let network = network_from_frames(files.frame(), &links)?;
        let (regions, sectors): (Vec<String>, Vec<String>) =
            (files.json("regions")?, files.json("sectors")?);
        if network.regions() != regions || network.sectors() != sectors {
            return Err(Error::new(
                "regions",
                "regions or sectors of the firms are not those of the network",
                "give files of one network",
            ));
        }
        Ok(network)
    }
}

impl Stored for Trajectory {
    const KIND: &'static str = "trajectory";

    /// One row a period and firm, the network, and orders and inventories where they were recorded.
    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        pack.fact("periods", self.periods);
        pack.fact("warnings", json(&self.warnings));
        pack.fact("flows", !self.orders.is_empty());
        pack.fact("device", &self.device);
        pack.fact("model", json(&self.model.names()));
        if !self.damage_left.is_empty() {
            let left: Vec<String> = self.damage_left.iter().map(|v| format!("{v:?}")).collect();
            pack.fact("damage_left", json(&left));
        }
        pack.inside("network", &self.network)?;
        if !self.orders.is_empty() {
            let e = self.network.links();
            let cells = 0..self.orders.len();
            let firm =
                |firms: &[u32]| -> Vec<u32> { cells.clone().map(|k| firms[k % e]).collect() };
            pack.table(
                "flows",
                "flows",
                DataFrame::new_infer_height(vec![
                    column(
                        schema::PERIOD,
                        cells.clone().map(|k| (k / e + 1) as u32).collect(),
                    ),
                    column(schema::BUYER, firm(self.network.buyer())),
                    column(schema::SUPPLIER, firm(self.network.supplier())),
                    column(schema::ORDERS, self.orders.clone()),
                    column(schema::INVENTORY, self.inventory.clone()),
                    column(schema::SHARE, self.shares.clone()),
                ])?,
            );
        }
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let network: Network = files.inside("network")?;
        let frame = files.frame();
        let recorded = files.fact("flows")? == "true";
        let mut run = Trajectory {
            periods: files.number("periods")?,
            output: numbers(frame, schema::OUTPUT)?,
            demand: Vec::new(),
            orders: Vec::new(),
            inventory: Vec::new(),
            limit: Vec::new(),
            margin: Vec::new(),
            unmet: Vec::new(),
            overproduction: Vec::new(),
            shares: Vec::new(),
            damage_left: Vec::new(),
            // Files of earlier versions are of the default or of a behaviour that they do not tell.
            model: match files.fact("model") {
                Ok(_) => Model::of_names(&files.json("model")?)?,
                Err(_) => Model::default(),
            },
            warnings: files.json("warnings")?,
            device: files.fact("device")?.to_string(),
            network,
        };
        if frame.column(schema::DEMAND).is_ok() {
            run.demand = numbers(frame, schema::DEMAND)?;
        }
        if frame.column(schema::LIMIT).is_ok() {
            run.limit = whole(frame, schema::LIMIT)?;
            run.margin = numbers(frame, schema::MARGIN)?;
            run.unmet = numbers(frame, schema::UNMET)?;
            run.overproduction = numbers(frame, schema::OVERPRODUCTION)?;
        }
        if files.fact("damage_left").is_ok() {
            let left: Vec<String> = files.json("damage_left")?;
            run.damage_left = left.iter().filter_map(|v| v.parse().ok()).collect();
        }
        if recorded {
            let flows = files.table("flows")?;
            run.orders = numbers(&flows, schema::ORDERS)?;
            run.inventory = numbers(&flows, schema::INVENTORY)?;
            if flows.column(schema::SHARE).is_ok() {
                run.shares = numbers(&flows, schema::SHARE)?;
            }
        }
        run.whole()?;
        Ok(run)
    }
}

impl Stored for Observation {
    const KIND: &'static str = "observation";

    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        pack.fact("periods", self.periods);
        if self.dates.is_some() {
            pack.fact("dates", json(&self.dates));
        }
        pack.fact("region", json(&self.region));
        pack.fact("sector", json(&self.sector));
        pack.fact(
            "base",
            json(
                &self
                    .base
                    .iter()
                    .map(|v| format!("{v:?}"))
                    .collect::<Vec<_>>(),
            ),
        );
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let base: Vec<String> = files.json("base")?;
        let bad =
            |e: std::num::ParseFloatError| Error::new("base", e.to_string(), "write it again");
        let panel = Observation {
            region: files.json("region")?,
            sector: files.json("sector")?,
            base: base
                .iter()
                .map(|v| v.parse::<f64>().map_err(bad))
                .collect::<Result<_>>()?,
            periods: files.number("periods")?,
            values: numbers(files.frame(), schema::VALUE)?,
            // Files of earlier versions have none.
            dates: match files.fact("dates") {
                Ok(_) => files.json("dates")?,
                Err(_) => None,
            },
        };
        panel.whole()?;
        Ok(panel)
    }
}

impl ToFrame for Prediction {
    /// One row a draw, period and group: draw, period, region, sector, value.
    fn frame(&self) -> Result<DataFrame> {
        self.mean.whole()?;
        let (g, cells) = (self.mean.groups(), self.mean.values.len().max(1));
        let of = |names: &[String]| {
            (0..self.samples.len())
                .map(|k| names[k % g].clone())
                .collect()
        };
        Ok(DataFrame::new_infer_height(vec![
            column(
                schema::DRAW,
                (0..self.samples.len())
                    .map(|k| (k / cells) as u32)
                    .collect(),
            ),
            column(
                schema::PERIOD,
                (0..self.samples.len())
                    .map(|k| (k % cells / g + 1) as u32)
                    .collect(),
            ),
            text(schema::REGION, of(&self.mean.region)),
            text(schema::SECTOR, of(&self.mean.sector)),
            nullable(schema::VALUE, &self.samples),
        ])?)
    }
}

impl Stored for Prediction {
    const KIND: &'static str = "prediction";

    /// One row a draw, period and group, and the mean in a second file.
    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        pack.fact("draws", self.draws);
        pack.inside("mean", &self.mean)
    }

    fn unpack(files: &Files) -> Result<Self> {
        let prediction = Prediction {
            mean: files.inside("mean")?,
            draws: files.number("draws")?,
            samples: numbers(files.frame(), schema::VALUE)?,
        };
        if prediction.samples.len() != prediction.draws * prediction.mean.values.len() {
            return Err(Error::new(
                "value",
                "there are not as many values as draws, periods and groups",
                "write it again",
            ));
        }
        Ok(prediction)
    }
}
