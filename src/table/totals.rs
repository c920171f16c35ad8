//! Totals beside their parts: columns of final demand that are the sum of others.

use super::read::Parts;
use super::{Demand, TableOptions, names, sector_code};

/// Leaves columns of final demand out that are the sum of others, cell by cell, and says so. Those whose
/// name the options have stay.
pub(super) fn leave_out(parts: &mut Parts, options: &TableOptions) {
    let told = |name: &str| {
        let tail = name.split(" · ").last().unwrap_or(name);
        let given = options.domestic.iter().chain(&options.exports);
        given
            .map(|n| (n, sector_code(n)))
            .any(|(n, code)| n == name || n == tail || code == tail)
    };
    let sold = parts.sold();
    let miss = |parts: &Parts, output: &[f64]| -> f64 {
        (0..output.len())
            .map(|i| (output[i] - sold[i] - parts.final_demand(i)).abs())
            .sum()
    };
    let size = |output: &[f64]| output.iter().map(|x| x.abs()).sum::<f64>();
    if let Some(output) = &parts.output
        && miss(parts, output) <= 1e-3 * size(output)
    {
        return;
    }
    let mut k = 0;
    while k < parts.demand.len() {
        let others = |c: &Demand| {
            let region = |name: &str| name.rsplit_once(" · ").map(|(r, _)| r.to_string());
            region(&c.name) == region(&parts.demand[k].name)
        };
        let here: Vec<usize> = (0..parts.demand.len())
            .filter(|o| *o != k && others(&parts.demand[*o]))
            .collect();
        let found = (!told(&parts.demand[k].name))
            .then(|| parts_of(&parts.demand, k, &here))
            .flatten();
        let Some(found) = found else {
            k += 1;
            continue;
        };
        let names: Vec<String> = found
            .iter()
            .map(|o| parts.demand[*o].name.clone())
            .collect();
        let total = parts.demand.remove(k);
        if let Some(output) = &parts.output {
            let without = miss(parts, output);
            parts.demand.insert(k, total.clone());
            if without >= miss(parts, output) {
                k += 1;
                continue;
            }
            parts.demand.remove(k);
        }
        parts.notes.push(format!(
            "{} is left out of final demand: in every row it is the sum of {}; if it is no total, name it in TableOptions.domestic or exports",
            total.name,
            names::list(&names)
        ));
    }
}

/// Columns that add up to column `k` in every row; at least two of them.
fn parts_of(demand: &[Demand], k: usize, others: &[usize]) -> Option<Vec<usize>> {
    let n = demand[k].values.len();
    let used = |o: &usize| demand[*o].values.iter().any(|v| *v != 0.0);
    let others: Vec<usize> = others.iter().copied().filter(used).collect();
    if others.len() < 2 || !used(&k) {
        return None;
    }
    // Rounding counts where numbers are large beside their last digit.
    let step = step(demand.iter().flat_map(|c| &c.values));
    let mean = demand[k].values.iter().map(|v| v.abs()).sum::<f64>() / n as f64;
    let slack = if mean > 100.0 * step { 0.6 * step } else { 0.0 };
    let fits = |chosen: &[usize]| {
        let both = |i: &usize| {
            chosen
                .iter()
                .filter(|o| demand[**o].values[*i] != 0.0)
                .count()
                > 1
        };
        (0..n).filter(both).count() >= 2.min(n)
            && (0..n).all(|i| {
                let sum: f64 = chosen.iter().map(|o| demand[*o].values[i]).sum();
                let wanted = demand[k].values[i];
                (sum - wanted).abs() <= 1e-6 * wanted.abs() + slack * chosen.len() as f64
            })
    };
    if others.len() <= 12 {
        // One number for a column: sums that differ there need not be compared cell by cell.
        let weight = |i: usize| 1.0 + ((i as f64 + 1.0) * 0.618_033_988_75).fract();
        let sign = |o: usize| -> f64 { (0..n).map(|i| weight(i) * demand[o].values[i]).sum() };
        let signs: Vec<f64> = others.iter().map(|o| sign(*o)).collect();
        let wanted = sign(k);
        let near = 1e-5 * wanted.abs() + 2.0 * slack * (n * others.len()) as f64;
        return (1_usize..1 << others.len()).find_map(|set| {
            let inside = |b: &usize| set >> b & 1 == 1;
            let sum: f64 = (0..others.len()).filter(inside).map(|b| signs[b]).sum();
            if set.count_ones() < 2 || (sum - wanted).abs() > near {
                return None;
            }
            let chosen: Vec<usize> = (0..others.len())
                .filter(inside)
                .map(|b| others[b])
                .collect();
            fits(&chosen).then_some(chosen)
        });
    }
    // Of many columns: those before it, those after it, or all.
    let split = others.partition_point(|o| *o < k);
    let before = (2..=split).map(|m| others[split - m..split].to_vec());
    let after = (2..=others.len() - split).map(|m| others[split..split + m].to_vec());
    before
        .chain(after)
        .chain([others.clone()])
        .find(|chosen| fits(chosen))
}

/// The last digit that numbers have: 1, 0.1, ... at least 1e-6.
fn step<'a>(values: impl Iterator<Item = &'a f64> + Clone) -> f64 {
    (0..6)
        .map(|k| 10_f64.powi(-k))
        .find(|s| {
            values.clone().all(|v| {
                let units = v / s;
                (units - units.round()).abs() <= 1e-6
            })
        })
        .unwrap_or(1e-6)
}
