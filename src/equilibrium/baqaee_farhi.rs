//! Baqaee and Farhi's second-order effect: what elasticities of substitution add to Hulten's theorem.

use super::{final_demand, hulten, log_productivity};
use crate::error::{Error, Result};
use crate::network::Network;

/// Elasticities of substitution of the nests, each at least 0: 0 is fixed proportions, 1 is Cobb-Douglas, above 1
/// are substitutes. The default is the benchmark of Baqaee and Farhi (2019): 0.9, 0.5 and 0.001, suppliers of one
/// product as products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elasticities {
    /// Of final demand, between the goods of all firms.
    pub consumption: f64,
    /// Of firms, between the primary factor and all inputs.
    pub factor: f64,
    /// Of firms, between products.
    pub products: f64,
    /// Of firms, between suppliers of one product (`Network::product`).
    pub suppliers: f64,
}

impl Default for Elasticities {
    fn default() -> Self {
        Self {
            consumption: 0.9,
            factor: 0.5,
            products: 0.001,
            suppliers: 0.001,
        }
    }
}

impl Elasticities {
    /// The same in all nests.
    pub fn all(elasticity: f64) -> Self {
        Self {
            consumption: elasticity,
            factor: elasticity,
            products: elasticity,
            suppliers: elasticity,
        }
    }

    fn check(&self) -> Result<()> {
        for (field, value) in [
            ("consumption", self.consumption),
            ("factor", self.factor),
            ("products", self.products),
            ("suppliers", self.suppliers),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::new(
                    format!("Elasticities.{field}"),
                    format!("{value}"),
                    "give an elasticity of substitution of at least 0; 1 is Cobb-Douglas",
                ));
            }
        }
        Ok(())
    }
}

/// The effect of productivities on what there is for final demand, to second order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecondOrder {
    /// Hulten's first order, change of the logarithm of real final demand (GDP).
    pub first: f64,
    /// What is added to it: the sum of the four that follow.
    pub second: f64,
    /// Part of `second` from substitution in final demand.
    pub consumption: f64,
    /// Part from substitution between the primary factor and inputs.
    pub factor: f64,
    /// Part from substitution between products.
    pub products: f64,
    /// Part from substitution between suppliers of one product.
    pub suppliers: f64,
    /// Change of real final demand as a share: exp(`first` + `second`) - 1.
    pub final_demand: f64,
    /// Change of the logarithm of each firm's price to first order, in units of the primary factor's, `[firm]`.
    pub log_price: Vec<f64>,
}

/// Baqaee and Farhi's second-order effect on GDP of a relative `change` of productivities `[firm]`; -0.1 is a tenth
/// less made of the same inputs.
///
/// ```text
/// Δ log Y = Σ_i λ_i a_i + ½ Σ_n (θ_n - 1) λ_n Var_n(u)
/// a_i = ln(1 + change_i),   u = (I - A)^-1 a,   λ_i = x0_i / Σ d
/// ```
///
/// The sum is over nests n of CES functions: final demand (λ = 1, weights d_i / Σ d); each firm's choice between
/// the primary factor, u = 0, and all its inputs (λ_i); between products (λ_i Σ_j A_ij); and between the suppliers of
/// a product (λ_i A_ig). Var_n is the variance of u among what n chooses from, with cost shares as weights; -u is
/// what prices do. Source: Baqaee and Farhi (2019), "The Macroeconomic Impact of Microeconomic Shocks: Beyond
/// Hulten's Theorem", Econometrica 87(4), where for a nested CES economy of one factor d²log Y / (d log A_i d log A_j)
/// = Σ_n (θ_n - 1) λ_n Cov_n(Ψ_i, Ψ_j), Ψ the Leontief inverse of cost shares; summed over a_i a_j that is the above.
///
/// Assumes prices of marginal cost, constant returns, and one primary factor in given supply that moves freely between
/// firms; the paper's effects are larger where it does not. Households are one, with final demand of all kinds in
/// one nest. It is exact for Cobb-Douglas, where the second order is 0; else the error is of third order: for
/// losses of a tenth, not for a firm that stops. With fixed proportions and large shocks the true loss is larger.
///
/// One pass over the links after a sparse solution. An error where `change` has not one number above -1 for every
/// firm, an elasticity is below 0, or a firm's inputs cost more than its output: its share of the factor would be
/// negative.
///
/// ```
/// use bullwhip::prelude::*;
/// let network = Network::synthetic(&Synthetic { firms: 100, ..Synthetic::default() })?;
/// let mut change = vec![0.0; 100];
/// change[7] = -0.2;
/// let found = baqaee_farhi(&network, &change, &Elasticities::default())?;
/// // Complements make a loss worse, and good luck count for less.
/// assert!(found.second < 0.0);
/// let cobb_douglas = baqaee_farhi(&network, &change, &Elasticities::all(1.0))?;
/// assert_eq!(cobb_douglas.second, 0.0);
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn baqaee_farhi(
    network: &Network,
    change: &[f64],
    elasticities: &Elasticities,
) -> Result<SecondOrder> {
    elasticities.check()?;
    let log = log_productivity(network, change)?;
    let hulten = hulten(network, change)?;
    let u = network.through_customers(&log)?;
    let all = final_demand(network)?;
    let demand = network.final_demand().iter().zip(&u);
    let basket = Moments::of(demand.map(|(d, u)| (*d / all, *u)));
    let mut spread = Spread::default();
    let mut inputs: Vec<(u32, f64, f64)> = Vec::new();
    for i in 0..network.firms() {
        inputs.clear();
        inputs.extend(network.by_buyer().of(i).iter().map(|e| {
            let e = *e as usize;
            let supplier = network.supplier()[e] as usize;
            (network.product()[e], network.coefficient()[e], u[supplier])
        }));
        inputs.sort_by_key(|input| input.0);
        let weight = hulten.domar[i];
        spread.add(weight, &inputs).map_err(|share| {
            Error::new(
                format!("firm {}", network.name(i)),
                format!("its inputs cost {share:.3} per unit of output: nothing is left for the primary factor"),
                "lower its technical coefficients below 1 in sum, or use hulten, which needs none",
            )
        })?;
    }
    let half = |elasticity: f64, variance: f64| 0.5 * (elasticity - 1.0) * variance;
    let mut found = SecondOrder {
        first: hulten.log_change,
        consumption: half(elasticities.consumption, basket.variance()),
        factor: half(elasticities.factor, spread.factor),
        products: half(elasticities.products, spread.products),
        suppliers: half(elasticities.suppliers, spread.suppliers),
        log_price: u.iter().map(|u| -u).collect(),
        ..SecondOrder::default()
    };
    found.second = found.consumption + found.factor + found.products + found.suppliers;
    found.final_demand = (found.first + found.second).exp_m1();
    Ok(found)
}

/// Weight, mean and variance of what a nest chooses from. Deviations are from the first choice: alike ones have none.
#[derive(Clone, Copy, Default)]
struct Moments {
    first: Option<f64>,
    weight: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn of(choices: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut moments = Self::default();
        choices.for_each(|(w, u)| moments.add(w, u));
        moments
    }

    fn add(&mut self, weight: f64, u: f64) {
        let off = u - *self.first.get_or_insert(u);
        self.weight += weight;
        self.sum += weight * off;
        self.squares += weight * off * off;
    }

    /// Mean deviation from the first choice.
    fn shift(&self) -> f64 {
        match self.weight > 0.0 {
            true => self.sum / self.weight,
            false => 0.0,
        }
    }

    fn mean(&self) -> f64 {
        self.first.unwrap_or_default() + self.shift()
    }

    /// Variance times weight; rounding below 0 is 0.
    fn variance(&self) -> f64 {
        (self.squares - self.sum * self.shift()).max(0.0)
    }
}

/// Sums over firms of weighted variances, by kind of nest.
#[derive(Default)]
struct Spread {
    factor: f64,
    products: f64,
    suppliers: f64,
}

impl Spread {
    /// A firm with this Domar weight and inputs (product, share of cost, u), products together. Tells the share of
    /// inputs where it leaves nothing for the factor.
    fn add(&mut self, domar: f64, inputs: &[(u32, f64, f64)]) -> std::result::Result<(), f64> {
        let mut products = Moments::default();
        for product in inputs.chunk_by(|a, b| a.0 == b.0) {
            let suppliers = Moments::of(product.iter().map(|input| (input.1, input.2)));
            self.suppliers += domar * suppliers.variance();
            products.add(suppliers.weight, suppliers.mean());
        }
        // Rounding of a firm that adds no value.
        if products.weight > 1.0 + 1e-9 {
            return Err(products.weight);
        }
        self.products += domar * products.variance();
        let factor = (1.0 - products.weight).max(0.0);
        self.factor += domar * products.weight * factor * products.mean().powi(2);
        Ok(())
    }
}
