//! The steady state x0 = (I - A^T)^-1 d by a sparse iteration, and its refusal; the same for what a change does.

use super::{Csr, Network};
use crate::error::{Error, Result};
use rayon::prelude::*;

/// The links in the order of one of their ends: A is applied in one pass in the order of buyers, A^T in that of
/// suppliers.
pub(super) struct Ordered<'a> {
    by: &'a Csr,
    /// The other end and the coefficient of each link.
    links: Vec<(u32, f64)>,
}

impl<'a> Ordered<'a> {
    pub(super) fn new(by: &'a Csr, other: &[u32], a: &[f64]) -> Self {
        let links = by.links.iter();
        Self {
            by,
            links: links
                .map(|e| (other[*e as usize], a[*e as usize]))
                .collect(),
        }
    }

    /// One application. In the order of suppliers: what every firm must sell as input when output is `x`,
    /// `[firm]`. In that of buyers: what its inputs cost when prices are `x`.
    pub(super) fn of(&self, x: &[f64]) -> Vec<f64> {
        let start = &self.by.start;
        (0..x.len())
            .into_par_iter()
            .with_min_len(4096)
            .map(|j| {
                let links = &self.links[start[j] as usize..start[j + 1] as usize];
                links.iter().map(|(b, a)| a * x[*b as usize]).sum()
            })
            .collect()
    }

    /// The sum of the series first + A first + A^2 first + …, which ends where there is a steady state. Terms may
    /// be of both signs.
    fn all_rounds(&self, first: &[f64]) -> Result<Vec<f64>> {
        let largest = |v: &[f64]| v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let (mut total, mut term) = (first.to_vec(), first.to_vec());
        for _ in 0..MOST {
            term = self.of(&term);
            for (t, v) in total.iter_mut().zip(&term) {
                *t += v;
            }
            if largest(&term) <= TOLERANCE * largest(&total) {
                break;
            }
        }
        match total.iter().all(|t| t.is_finite()) && largest(&term) <= 1e-9 * largest(&total) {
            true => Ok(total),
            false => Err(Error::new(
                "network",
                "the rounds of effects on suppliers and customers do not settle",
                "inputs use up nearly all that is produced: lower the technical coefficients",
            )),
        }
    }
}

impl Network {
    /// (I - A^T)^-1 of `first` `[firm]`: what all firms make for it, suppliers of suppliers and on.
    pub(crate) fn through_suppliers(&self, first: &[f64]) -> Result<Vec<f64>> {
        Ordered::new(self.by_supplier(), self.buyer(), self.coefficient()).all_rounds(first)
    }

    /// (I - A)^-1 of `first` `[firm]`: what it does to the cost of all firms, customers of customers and on.
    pub(crate) fn through_customers(&self, first: &[f64]) -> Result<Vec<f64>> {
        Ordered::new(self.by_buyer(), self.supplier(), self.coefficient()).all_rounds(first)
    }
}

const TOLERANCE: f64 = 1e-15;
const WINDOW: usize = 50;
const MOST: usize = 20_000;

/// Sums the series d + A^T d + (A^T)^2 d + …, which is the steady output where it converges.
///
/// The series converges for every d exactly when the spectral radius of A is below 1. When every
/// buyer spends less than it earns (row sums of A below 1) that is certain; otherwise the terms are
/// watched over windows of 50 and must shrink.
pub(super) fn steady_output(
    by_supplier: &Csr,
    buyer: &[u32],
    a: &[f64],
    final_demand: &[f64],
    name: &dyn Fn(usize) -> String,
) -> Result<Vec<f64>> {
    let mut spending = vec![0.0; final_demand.len()];
    for (&b, &v) in buyer.iter().zip(a) {
        spending[b as usize] += v;
    }
    let sales = Ordered::new(by_supplier, buyer, a);
    if spending.iter().any(|s| *s >= 1.0) {
        // A firm without final demand may sit in a loop that d does not reach: try every firm.
        sum_series(&sales, &vec![1.0; final_demand.len()], &spending, name)?;
    }
    sum_series(&sales, final_demand, &spending, name)
}

fn sum_series(
    sales: &Ordered<'_>,
    first: &[f64],
    spending: &[f64],
    name: &dyn Fn(usize) -> String,
) -> Result<Vec<f64>> {
    let largest = |v: &[f64]| v.iter().fold(0.0f64, |m, x| m.max(*x));
    let mut total = first.to_vec();
    let mut term = first.to_vec();
    let mut before = largest(&term);
    for k in 1..=MOST {
        term = sales.of(&term);
        for (t, v) in total.iter_mut().zip(&term) {
            *t += v;
        }
        let size = largest(&term);
        // What overflows is as good as endless.
        if size <= TOLERANCE * largest(&total) {
            return match total.iter().all(|t| t.is_finite()) {
                true => Ok(total),
                false => Err(refusal(&term, spending, name)),
            };
        }
        if k % WINDOW == 0 {
            if !(size < before * 0.999_999) {
                return Err(refusal(&term, spending, name));
            }
            before = size;
        }
    }
    Err(refusal(&term, spending, name))
}

/// Names the firms whose input sales keep growing, those that spend most first.
fn refusal(term: &[f64], spending: &[f64], name: &dyn Fn(usize) -> String) -> Error {
    let top = term
        .iter()
        .fold(0.0f64, |m, x| if x.is_finite() { m.max(*x) } else { m });
    let mut growing: Vec<usize> = (0..term.len())
        .filter(|&i| !(term[i] < 1e-3 * top))
        .collect();
    growing.sort_by(|&i, &j| spending[j].total_cmp(&spending[i]));
    let firms: Vec<String> = growing
        .iter()
        .take(5)
        .map(|&i| format!("{} (inputs {:.3} per unit)", name(i), spending[i]))
        .collect();
    Error::new(
        "network",
        format!(
            "there is no steady state: inputs use up all that is produced around firms {}",
            firms.join(", ")
        ),
        "lower their technical coefficients (units of input per unit of the buyer's output), and check that the table is not transposed",
    )
}
