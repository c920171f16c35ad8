//! The two linear propagations of input-output analysis: Leontief's by demand, Ghosh's by supply.

use super::{check, final_demand};
use crate::error::Result;
use crate::network::Network;

/// What a change does where everything is proportional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Propagated {
    /// Change of each firm's output, units per period, `[firm]`.
    pub output: Vec<f64>,
    /// Its sum, as a share of all output.
    pub total_output: f64,
    /// Change of the sum of final demand, which is that of value added, as a share of it.
    pub final_demand: f64,
}

impl Propagated {
    fn of(network: &Network, output: Vec<f64>, final_demand: f64) -> Self {
        let all: f64 = network.output().iter().sum();
        Self {
            total_output: output.iter().sum::<f64>() / all,
            output,
            final_demand,
        }
    }
}

/// Leontief's demand-pull: what firms make when final demand for their goods changes, by a relative `change`
/// `[firm]`; -0.1 is a tenth less.
///
/// Δx = (I - Aᵀ)⁻¹ Δd, Δd_j = change_j d_j, A_ij what buyer i needs of supplier j per unit of its output (tables
/// print the transpose). Every firm makes what is ordered of it. Leontief (1936), "Quantitative Input and Output
/// Relations in the Economic Systems of the United States", Review of Economics and Statistics 18(3).
///
/// Assumes fixed coefficients, idle capacity everywhere and no prices: what a firm cannot make is no part of it. A
/// loss of supply is often put into it as a loss of the firm's own final demand; then its customers are not hurt.
///
/// An error where `change` has not one number of at least -1 for every firm.
///
/// ```
/// use bullwhip::prelude::*;
/// // Mills buy half a unit of grain for a unit of flour.
/// let network = Network::new(
///     Firms { final_demand: vec![1.0, 1.0], ..Firms::default() },
///     Links { buyer: vec![0], supplier: vec![1], coefficient: vec![0.5], ..Links::default() },
/// )?;
/// let less_flour = leontief(&network, &[-0.1, 0.0])?;
/// assert!((less_flour.output[1] + 0.05).abs() < 1e-12);
/// assert!((less_flour.final_demand + 0.05).abs() < 1e-12);
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn leontief(network: &Network, change: &[f64]) -> Result<Propagated> {
    check(network, change, "final demand")?;
    let all = final_demand(network)?;
    let demand = network.final_demand().iter().zip(change);
    let first: Vec<f64> = demand.map(|(d, c)| d * c).collect();
    let lost = first.iter().sum::<f64>() / all;
    let output = network.through_suppliers(&first)?;
    Ok(Propagated::of(network, output, lost))
}

/// Ghosh's supply-push: what firms make when their primary inputs (labour, capital) change, by a relative
/// `change` `[firm]`; -0.1 is a tenth less.
///
/// Δx = (I - B)⁻¹ Δv, B_ij = A_ij x0_i / x0_j the share of supplier j's output that goes to buyer i, v_i = x0_i
/// (1 - Σ_j A_ij) value added, Δv_i = change_i v_i. Every firm sells to its customers in the same proportions as
/// before, and they make more or less in the value of what they get. Ghosh (1958), "Input-Output Approach in an
/// Allocation System", Economica 25(97).
///
/// As a model of quantities it says that any input does the work of any other, which Oosterhaven (1988, Journal of
/// Regional Science 28(2)) holds against it; Dietzenbacher (1997, same journal 37(4)) reads it as a model of prices.
/// It is a yardstick here for the other end: all inputs substitutes, no demand. A firm whose inputs cost more than
/// its output has negative primary inputs.
///
/// An error where `change` has not one number of at least -1 for every firm.
///
/// ```
/// use bullwhip::prelude::*;
/// let network = Network::new(
///     Firms { final_demand: vec![1.0, 1.0], ..Firms::default() },
///     Links { buyer: vec![0], supplier: vec![1], coefficient: vec![0.5], ..Links::default() },
/// )?;
/// // A tenth less grain: mills, half of whose cost is grain, make a twentieth less.
/// let less_grain = ghosh(&network, &[0.0, -0.1])?;
/// assert!((less_grain.output[0] + 0.05).abs() < 1e-12 && (less_grain.output[1] + 0.15).abs() < 1e-12);
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn ghosh(network: &Network, change: &[f64]) -> Result<Propagated> {
    check(network, change, "primary inputs")?;
    let all = final_demand(network)?;
    let mut own = vec![1.0; network.firms()];
    for (b, a) in network.buyer().iter().zip(network.coefficient()) {
        own[*b as usize] -= a;
    }
    // In shares of output, B is A: a firm that makes nothing needs no care.
    own.iter_mut().zip(change).for_each(|(v, c)| *v *= c);
    let x0 = network.output();
    let lost: f64 = own.iter().zip(x0).map(|(v, x)| v * x).sum();
    let relative = network.through_customers(&own)?;
    let output = relative.iter().zip(x0).map(|(r, x)| r * x).collect();
    Ok(Propagated::of(network, output, lost / all))
}
