//! Hulten's theorem: to first order, a firm counts by its sales over GDP.

use super::{final_demand, log_productivity};
use crate::error::Result;
use crate::network::Network;

/// The first-order effect of productivities on what there is for final demand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hulten {
    /// Domar weight of each firm: its output over the sum of final demand, `[firm]`. They add up to more than 1.
    pub domar: Vec<f64>,
    /// Change of the logarithm of real final demand (GDP).
    pub log_change: f64,
    /// The same as a share: exp(`log_change`) - 1.
    pub final_demand: f64,
}

/// Hulten's first-order effect on GDP of a relative `change` of productivities `[firm]`; -0.1 is a tenth less made
/// of the same inputs.
///
/// Δ log Y = Σ_i λ_i Δ log A_i, λ_i = x0_i / Σ d the Domar weight, Δ log A_i = ln(1 + change_i). Hulten (1978),
/// "Growth Accounting with Intermediate Inputs", Review of Economic Studies 45(3).
///
/// Assumes an efficient equilibrium (prices are marginal costs), constant returns, and a given supply of the primary
/// factor, which moves freely. To this order networks and elasticities do not matter: what `baqaee_farhi` adds, and
/// what the dynamic answer has beyond, is the part that they play.
///
/// An error where `change` has not one number above -1 for every firm.
///
/// ```
/// use bullwhip::prelude::*;
/// let network = Network::new(
///     Firms { final_demand: vec![1.0, 1.0], ..Firms::default() },
///     Links { buyer: vec![0], supplier: vec![1], coefficient: vec![0.5], ..Links::default() },
/// )?;
/// let found = hulten(&network, &[0.0, -0.1])?;
/// assert!((found.domar[1] - 0.75).abs() < 1e-12);
/// assert!((found.log_change - 0.75 * 0.9f64.ln()).abs() < 1e-12);
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn hulten(network: &Network, change: &[f64]) -> Result<Hulten> {
    let log = log_productivity(network, change)?;
    let all = final_demand(network)?;
    let domar: Vec<f64> = network.output().iter().map(|x| x / all).collect();
    let log_change: f64 = domar.iter().zip(&log).map(|(w, a)| w * a).sum();
    Ok(Hulten {
        domar,
        log_change,
        final_demand: log_change.exp_m1(),
    })
}
