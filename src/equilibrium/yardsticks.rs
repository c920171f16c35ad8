//! All yardsticks for one loss of capacity, side by side.

use super::{Elasticities, Hulten, Propagated, SecondOrder, baqaee_farhi, ghosh, hulten, leontief};
use crate::error::{Error, Result};
use crate::network::Network;

/// What the yardsticks say of one loss.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Yardsticks {
    /// The share as a loss of the firms' own final demand.
    pub leontief: Propagated,
    /// The share as a loss of their primary inputs.
    pub ghosh: Propagated,
    /// The share as a loss of productivity, to first order.
    pub hulten: Hulten,
    /// The same to second order.
    pub baqaee_farhi: SecondOrder,
}

/// All yardsticks where firms lose these shares of what they can make, `[firm]`, from 0 to below 1. The unit of
/// time is that of the loss: for an event that lasts, give the loss of one period, or its mean over a year.
///
/// An error where there is not one share for every firm, one is outside 0 to 1, an elasticity is below 0, or a
/// firm's inputs cost more than its output.
///
/// ```
/// use bullwhip::prelude::*;
/// let network = Network::synthetic(&Synthetic { firms: 100, ..Synthetic::default() })?;
/// let mut lost = vec![0.0; 100];
/// for i in network.firms_in_sector("S3")? {
///     lost[i] = 0.1;
/// }
/// let found = yardsticks(&network, &lost, &Elasticities::default())?;
/// // Firms count by all they sell in Hulten's theorem, by what households buy of them in Leontief's.
/// assert!(found.hulten.final_demand < found.leontief.final_demand);
/// assert!(found.baqaee_farhi.final_demand < found.hulten.final_demand);
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn yardsticks(
    network: &Network,
    lost: &[f64],
    elasticities: &Elasticities,
) -> Result<Yardsticks> {
    if let Some(i) = lost.iter().position(|s| !(0.0..1.0).contains(s)) {
        return Err(Error::new(
            format!("lost, firm {}", network.name(i)),
            format!("it loses the share {}", lost[i]),
            "give a share from 0 to below 1, such as 0.1 for a tenth",
        ));
    }
    let change: Vec<f64> = lost.iter().map(|s| -s).collect();
    Ok(Yardsticks {
        leontief: leontief(network, &change)?,
        ghosh: ghosh(network, &change)?,
        hulten: hulten(network, &change)?,
        baqaee_farhi: baqaee_farhi(network, &change, elasticities)?,
    })
}
