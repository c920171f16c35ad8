//! Flows from what a table may hold instead: coefficients, shares, the Leontief inverse.

use super::Holds;
use super::leontief::inverse;
use super::read::Parts;
use crate::error::{Error, Result};

/// Makes flows of coefficients, and output of final demand where only that is known.
pub(super) fn unfold(parts: &mut Parts, holds: Holds) -> Result<()> {
    let n = parts.sectors.len();
    let buyers = match holds {
        Holds::Unsaid | Holds::Flows => return Ok(()),
        Holds::Allocations => false,
        Holds::Coefficients | Holds::Percent | Holds::LeontiefInverse => true,
    };
    let fail = |fact: &str| {
        Error::new(
            "TableOptions.holds",
            fact.to_string(),
            "check what the table holds, and whether suppliers are in rows",
        )
    };
    match holds {
        Holds::Percent => parts.flows.iter_mut().for_each(|a| *a /= 100.0),
        Holds::LeontiefInverse => {
            let l = inverse(std::mem::take(&mut parts.flows), n)
                .ok_or_else(|| fail("the inverse cannot be inverted"))?;
            parts.flows = (0..n * n)
                .map(|k| f64::from(u8::from(k / n == k % n)) - l[k])
                // What is left of zeros.
                .map(|a| if a.abs() < 1e-12 { 0.0 } else { a })
                .collect();
        }
        _ => {}
    }
    if parts.output.is_none() {
        let demand: Vec<f64> = (0..n).map(|i| parts.final_demand(i)).collect();
        let output: Vec<f64> = if buyers {
            let rest: Vec<f64> = (0..n * n)
                .map(|k| f64::from(u8::from(k / n == k % n)) - parts.flows[k])
                .collect();
            let l = inverse(rest, n).ok_or_else(|| fail("inputs use up all that is produced"))?;
            l.chunks(n)
                .map(|row| row.iter().zip(&demand).map(|(l, d)| l * d).sum())
                .collect()
        } else {
            let rows = parts.flows.chunks(n).zip(&demand);
            rows.map(|(row, d)| d / (1.0 - row.iter().sum::<f64>()))
                .collect()
        };
        if output.iter().any(|x| !(*x >= 0.0 && x.is_finite())) {
            return Err(fail(
                "output that follows from final demand is not positive",
            ));
        }
        parts
            .notes
            .push("output is computed from final demand and coefficients".into());
        parts.output = Some(output);
    }
    let output = parts.output.as_deref().unwrap_or_default();
    for (k, z) in parts.flows.iter_mut().enumerate() {
        *z *= output[if buyers { k % n } else { k / n }];
    }
    parts
        .notes
        .push("flows are computed: what the table holds times output".into());
    if matches!(holds, Holds::Coefficients | Holds::Percent) {
        let by = if holds == Holds::Percent { 0.01 } else { 1.0 };
        shares_below(parts, by);
    }
    Ok(())
}

/// Rows below the sectors that are shares of output, too, become values.
fn shares_below(parts: &mut Parts, by: f64) {
    let output = parts.output.as_deref().unwrap_or_default();
    let large = output.iter().any(|x| *x > 10.0);
    let share = |v: &f64| v.abs() * by <= 1.0;
    let mut names = Vec::new();
    for p in &mut parts.primary {
        if large && p.values.iter().all(share) {
            for (v, x) in p.values.iter_mut().zip(output) {
                *v *= by * x;
            }
            names.push(p.name.clone());
        }
    }
    if !names.is_empty() {
        parts.notes.push(format!(
            "rows below the sectors are taken as shares of output, too: {}",
            super::names::list(&names)
        ));
    }
}
