//! Technical coefficients, the Leontief inverse and multipliers.

use super::InputOutput;
use crate::error::{Error, Result};
use rayon::prelude::*;

impl InputOutput {
    /// Technical coefficients a_ij = Z_ij / x_j, [supplier, buyer]: what buyer j uses of supplier i per
    /// unit of its output. A sector without output must be dropped first.
    pub fn coefficients(&self) -> Result<Vec<f64>> {
        self.whole_flows()?;
        let n = self.len();
        if let Some(j) = (0..n).find(|j| !(self.output[*j] > 0.0)) {
            return Err(Error::new(
                self.label(j),
                format!(
                    "its output is {}, so its coefficients do not exist",
                    self.output[j]
                ),
                "drop it: table.correct(&Corrections { zero_output: ZeroOutput::Drop, .. })",
            ));
        }
        Ok((0..n * n)
            .map(|k| self.flows[k] / self.output[k % n])
            .collect())
    }

    /// Cost of inputs from the table's own sectors per unit of output, `[buyer]`: the column sums of A.
    pub fn input_shares(&self) -> Result<Vec<f64>> {
        self.coefficients()?;
        Ok(self
            .bought()
            .iter()
            .zip(&self.output)
            .map(|(b, x)| b / x)
            .collect())
    }

    /// The Leontief inverse L = (I - A)^-1, [supplier, buyer]: what supplier i makes, directly and
    /// indirectly, per unit of final demand for j. Dense, by elimination: seconds for 1,000 sectors.
    pub fn leontief(&self) -> Result<Vec<f64>> {
        let (n, mut a) = (self.len(), self.coefficients()?);
        for (k, v) in a.iter_mut().enumerate() {
            *v = f64::from(u8::from(k / n == k % n)) - *v;
        }
        inverse(a, n).ok_or_else(|| self.singular())
    }

    fn singular(&self) -> Error {
        Error::new(
            "table",
            "I - A cannot be inverted: inputs use up all that is produced",
            "check that suppliers are in rows and that output is that of the same sectors",
        )
    }

    /// Output multipliers, `[sector]`: output of all sectors per unit of final demand for each, the
    /// column sums of L (Eurostat Manual of Supply, Use and Input-Output Tables, 2008, chapter 15).
    pub fn multipliers(&self) -> Result<Vec<f64>> {
        self.multipliers_of(&vec![1.0; self.len()])
    }

    /// Multipliers of what is used per unit of output, `[sector]`: with value added per unit of output
    /// (or employment, or energy), the value added of all sectors per unit of final demand for each.
    /// Solves m = w + A^T m by iteration, without the inverse: also for thousands of sectors.
    pub fn multipliers_of(&self, per_output: &[f64]) -> Result<Vec<f64>> {
        let (n, a) = (self.len(), self.coefficients()?);
        if per_output.len() != n {
            return Err(Error::new(
                "per_output",
                format!("{} values for {n} sectors", per_output.len()),
                "give one per sector",
            ));
        }
        let (mut total, mut term) = (per_output.to_vec(), per_output.to_vec());
        let size = |v: &[f64]| v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        for _ in 0..100_000 {
            let mut next = vec![0.0; n];
            for (row, t) in a.chunks(n).zip(&term) {
                next.iter_mut().zip(row).for_each(|(s, a)| *s += a * t);
            }
            term = next;
            total.iter_mut().zip(&term).for_each(|(s, t)| *s += t);
            if size(&term) <= 1e-16 * size(&total) && total.iter().all(|v| v.is_finite()) {
                return Ok(total);
            }
            if !size(&term).is_finite() {
                break;
            }
        }
        Err(self.singular())
    }

    /// A primary input per unit of output, `[sector]`, for `multipliers_of`, by its name in the table.
    pub fn per_output(&self, primary: &str) -> Result<Vec<f64>> {
        self.coefficients()?;
        let row = self
            .primary
            .iter()
            .find(|p| p.name == primary)
            .ok_or_else(|| {
                let known: Vec<String> = self.primary.iter().map(|p| p.name.clone()).collect();
                Error::new(
                    "table",
                    format!("there is no row {primary:?}"),
                    format!(
                        "the rows below the sectors are {}",
                        super::names::list(&known)
                    ),
                )
            })?;
        Ok(row
            .values
            .iter()
            .zip(&self.output)
            .map(|(v, x)| v / x)
            .collect())
    }

    /// Spectral radius of A: below 1 there is a steady state. By power iteration on A + I, which
    /// converges where A alone may turn in circles.
    pub fn spectral_radius(&self) -> Result<f64> {
        let (n, a) = (self.len(), self.coefficients()?);
        let mut v = vec![1.0 / n as f64; n];
        let mut before = 0.0;
        for k in 0..20_000 {
            let mut next: Vec<f64> = a
                .chunks(n)
                .map(|row| row.iter().zip(&v).map(|(a, v)| a * v).sum())
                .collect();
            next.iter_mut().zip(&v).for_each(|(s, v)| *s += v);
            let norm: f64 = next.iter().map(|v| v.abs()).sum();
            next.iter_mut().for_each(|v| *v /= norm);
            v = next;
            if k > 20 && (norm - before).abs() < 1e-14 * norm {
                break;
            }
            before = norm;
        }
        Ok(before - 1.0)
    }
}

/// The inverse of an n x n matrix, by elimination; `None` where there is none.
pub(super) fn inverse(matrix: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = matrix
        .chunks(n.max(1))
        .enumerate()
        .map(|(i, values)| {
            let mut row = vec![0.0; 2 * n];
            row[..n].copy_from_slice(values);
            row[n + i] = 1.0;
            row
        })
        .collect();
    for k in 0..n {
        let pivot = (k..n)
            .max_by(|i, j| rows[*i][k].abs().total_cmp(&rows[*j][k].abs()))
            .unwrap_or(k);
        if !(rows[pivot][k].abs() > 1e-12) {
            return None;
        }
        rows.swap(k, pivot);
        let by = 1.0 / rows[k][k];
        rows[k][k..].iter_mut().for_each(|v| *v *= by);
        let (above, rest) = rows.split_at_mut(k);
        let (row, below) = rest.split_first_mut()?;
        above
            .par_iter_mut()
            .chain(below)
            .with_min_len(16)
            .for_each(|other| {
                let factor = other[k];
                if factor != 0.0 {
                    for (v, p) in other[k..].iter_mut().zip(&row[k..]) {
                        *v -= factor * p;
                    }
                }
            });
    }
    let right = rows.iter().flat_map(|row| row[n..].iter().copied());
    Some(right.collect())
}
