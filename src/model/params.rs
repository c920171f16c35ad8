//! The behavioural parameters of the firms.

use crate::error::{Error, Result};
use crate::network::Network;

/// Periods that an inventory may last, or an adjustment take: beyond, what is used in a period is less than the last digit
/// of the inventory.
const MOST: f64 = 1e6;

/// How each firm keeps stock and orders. Both vectors have one entry per firm.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// Target inventory, in periods of use (the paper's n). At least 1, else a firm cannot produce
    /// its steady output from stock.
    pub target_inventory: Vec<f64>,
    /// Inventory adjustment time, in periods (the paper's τ). Below 1 orders oscillate.
    pub adjustment_time: Vec<f64>,
}

impl Params {
    /// The same two values for every firm of `network`.
    pub fn uniform(network: &Network, target_inventory: f64, adjustment_time: f64) -> Self {
        Self {
            target_inventory: vec![target_inventory; network.firms()],
            adjustment_time: vec![adjustment_time; network.firms()],
        }
    }

    /// Refuses wrong lengths, NaN, and values that are not positive or above a million periods.
    pub fn check(&self, network: &Network) -> Result<()> {
        for (name, values) in [
            ("target_inventory", &self.target_inventory),
            ("adjustment_time", &self.adjustment_time),
        ] {
            if values.len() != network.firms() {
                return Err(Error::new(
                    format!("params.{name}"),
                    format!("{} values for {} firms", values.len(), network.firms()),
                    "give one value per firm, or use Params::uniform",
                ));
            }
            if let Some(i) = values.iter().position(|v| *v > MOST) {
                return Err(Error::new(
                    format!("params.{name}[{i}]"),
                    format!("firm {} has {:e} periods", network.name(i), values[i]),
                    format!(
                        "give {MOST:e} periods at most: beyond, the simulation's digits do not suffice"
                    ),
                ));
            }
            if let Some(i) = values.iter().position(|v| !(*v > 0.0 && v.is_finite())) {
                return Err(Error::new(
                    format!("params.{name}[{i}]"),
                    format!("firm {} has {}", network.name(i), values[i]),
                    "give a positive finite number of periods",
                ));
            }
        }
        Ok(())
    }

    /// What is allowed but unusual, one sentence each: stocks below one period, orders that oscillate.
    pub fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        let low = self.target_inventory.iter().filter(|v| **v < 1.0).count();
        if low > 0 {
            out.push(format!(
                "{low} firms have a target inventory below 1 period: they cannot produce their \
                 steady output from stock, so no shock is not a fixed point"
            ));
        }
        let fast = self.adjustment_time.iter().filter(|v| **v < 1.0).count();
        if fast > 0 {
            out.push(format!(
                "{fast} firms adjust their inventory in less than 1 period: their orders overshoot \
                 and oscillate"
            ));
        }
        out
    }
}
