//! Equilibrium yardsticks: closed forms by which economists judge an answer, on the same networks.
//!
//! The model of this crate is one of quantities in time: inventories run down, suppliers cannot be replaced at
//! once. These are the answers without time, between which it should lie or differ for a reason:
//!
//! | yardstick | a change of | keeps | substitution |
//! |---|---|---|---|
//! | [`leontief`] | final demand | technical coefficients | none; supply follows demand |
//! | [`ghosh`] | primary inputs | shares in which sales are divided | perfect; demand follows supply |
//! | [`hulten`] | productivity | nothing: first order | any, to first order it does not matter |
//! | [`baqaee_farhi`] | productivity | elasticities of substitution | as they say, to second order |
//!
//! A change is relative, one number a firm: -0.1 is a tenth less. Money is output at the prices of the steady state;
//! final demand is all that is not sold to firms, its sum is what value added adds up to and stands for GDP.

mod baqaee_farhi;
mod hulten;
mod linear;
mod yardsticks;

pub use baqaee_farhi::{Elasticities, SecondOrder, baqaee_farhi};
pub use hulten::{Hulten, hulten};
pub use linear::{Propagated, ghosh, leontief};
pub use yardsticks::{Yardsticks, yardsticks};

use crate::error::{Error, Result};
use crate::network::Network;

/// Refuses changes that are not one finite number a firm of at least -1. `what` falls.
fn check(network: &Network, change: &[f64], what: &str) -> Result<()> {
    if change.len() != network.firms() {
        return Err(Error::new(
            "change",
            format!(
                "{} numbers, but there are {} firms",
                change.len(),
                network.firms()
            ),
            "give one relative change a firm, 0 where nothing changes",
        ));
    }
    match change.iter().position(|c| !(*c >= -1.0 && c.is_finite())) {
        None => Ok(()),
        Some(i) => Err(Error::new(
            format!("change, firm {}", network.name(i)),
            format!("its {what} would change by {}", change[i]),
            "give a relative change of at least -1, such as -0.1 for a tenth less",
        )),
    }
}

/// Logarithms of what productivities become.
fn log_productivity(network: &Network, change: &[f64]) -> Result<Vec<f64>> {
    check(network, change, "productivity")?;
    if let Some(i) = change.iter().position(|c| *c == -1.0) {
        return Err(Error::new(
            format!("change, firm {}", network.name(i)),
            "a firm that makes nothing has no finite price, and these formulas are near small changes",
            "give more than -1, such as -0.5; a firm that stops is for simulate, leontief and ghosh",
        ));
    }
    Ok(change.iter().map(|c| c.ln_1p()).collect())
}

/// Sum of final demand, which every share here is of.
fn final_demand(network: &Network) -> Result<f64> {
    let sum: f64 = network.final_demand().iter().sum();
    if sum > 0.0 && sum.is_finite() {
        return Ok(sum);
    }
    Err(Error::new(
        "network",
        format!("its final demand adds up to {sum}"),
        "give final demand in a unit in which its sum is a number",
    ))
}
