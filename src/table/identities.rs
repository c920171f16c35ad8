//! What the sums of a table say that it is: other kinds of numbers than flows, the other orientation, final
//! demand as output, other units, totals among the sectors.

use super::{Holds, InputOutput, Layout, Orientation, TableOptions, names};
use crate::error::{Error, Result};

/// Which of the two a file had: the other was computed.
#[derive(Clone, Copy)]
pub(super) struct Given {
    pub(super) output: bool,
    pub(super) demand: bool,
}

/// What is too small beside output to be in its unit, unless the sums of its columns lie below 1.
const APART: f64 = 200.0;
/// How much larger than flows output is where the square holds shares.
const SHARES: f64 = 15.0;
/// How much larger than a Leontief inverse output is.
const INVERSE: f64 = 50.0;

/// Sums of a table that are needed again and again.
struct Sums<'a> {
    table: &'a InputOutput,
    sold: Vec<f64>,
    bought: Vec<f64>,
    demand: Vec<f64>,
    given: Given,
}

/// Refuses what the table cannot be, and notes what is unlikely. `demand_rows` are rows below the sectors
/// with the names of final demand.
pub(super) fn check(
    table: &mut InputOutput,
    demand_rows: &[String],
    given: Given,
    options: &TableOptions,
) -> Result<()> {
    let sums = Sums {
        sold: table.sold(),
        bought: table.bought(),
        demand: table.final_demand(),
        table,
        given,
    };
    if options.holds == Holds::Unsaid {
        sums.supply()?;
        sums.kind()?;
    }
    if options.orientation == Orientation::Unsaid {
        sums.orientation(demand_rows)?;
    }
    sums.output()?;
    sums.units()?;
    sums.sector_totals()?;
    let notes = sums.columns().into_iter().chain(sums.apart()).collect();
    let notes: Vec<String> = notes;
    table.notes.extend(notes);
    Ok(())
}

impl Sums<'_> {
    fn n(&self) -> usize {
        self.sold.len()
    }

    /// True where two columns agree in every row, but for rounding.
    fn agree(&self, a: impl Fn(usize) -> f64, b: impl Fn(usize) -> f64) -> bool {
        let size: f64 = (0..self.n()).map(|i| b(i).abs()).sum();
        size > 0.0 && (0..self.n()).all(|i| (a(i) - b(i)).abs() <= 5e-3 * b(i).abs() + 1e-6 * size)
    }

    fn both(&self) -> bool {
        self.given.output && self.given.demand
    }

    /// Output.
    fn x(&self, i: usize) -> f64 {
        self.table.output[i]
    }

    fn balances(&self) -> bool {
        self.agree(|i| self.sold[i] + self.demand[i], |i| self.x(i))
    }

    /// What rows below the sectors may add up to, `[buyer]`: all together, or one of them.
    fn value_added(&self) -> Vec<Vec<f64>> {
        let rows = &self.table.primary;
        let all = (0..self.n()).map(|j| rows.iter().map(|p| p.values[j]).sum());
        let mut found = vec![all.collect()];
        if rows.len() > 1 {
            // Goods that no sector makes stand beside value added.
            let bought = |p: &&super::Primary| {
                names::good(&p.name) || p.name.to_lowercase().starts_with("import")
            };
            for p in rows {
                let beside = |j: usize| -> f64 {
                    let others = rows.iter().filter(bought).filter(|o| o.name != p.name);
                    others.map(|o| o.values[j]).sum()
                };
                found.push(p.values.clone());
                found.push((0..self.n()).map(|j| p.values[j] + beside(j)).collect());
            }
        }
        found.retain(|v: &Vec<f64>| v.iter().any(|x| *x != 0.0));
        found
    }

    /// Refuses coefficients, shares and inverses where flows are meant.
    fn kind(&self) -> Result<()> {
        let (n, z) = (self.n(), &self.table.flows);
        let used: f64 = z.iter().map(|z| z.abs()).sum();
        let made: f64 = self.table.output.iter().map(|x| x.abs()).sum();
        if used == 0.0 || z.iter().any(|v| *v < -1.0) || (self.both() && self.balances()) {
            return Ok(());
        }
        let most = |v: &[f64]| v.iter().fold(0.0f64, |m, x| m.max(*x));
        let (column, row) = (most(&self.bought), most(&self.sold));
        // A few small flows are no matrix of shares.
        let filled = z.iter().filter(|v| **v != 0.0).count() as f64 / z.len() as f64;
        let enough = if n == 2 { 0.5 } else { 0.34 };
        let far = made > 120.0 * used;
        let matrix = n > 1 && (filled > enough || n >= 10 || far);
        let apart = |by: f64| matrix && made / used > by;
        let unbalanced = self.both() && !self.balances();
        let weighed = |weight: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            (0..n)
                .map(|i| (0..n).map(|j| z[i * n + j] * weight(i, j)).sum())
                .collect()
        };
        let balances_as = |weight: &dyn Fn(usize, usize) -> f64| {
            let sold = weighed(weight);
            unbalanced && self.agree(|i| sold[i] + self.demand[i], |i| self.x(i))
        };
        // Shares of inputs and value added in output.
        let whole = |all: f64| {
            let full =
                |v: Vec<f64>| (0..n).all(|j| (self.bought[j] + v[j] - all).abs() < 0.01 * all);
            let units = |x: &f64| (x - all).abs() > 0.1 * all;
            self.table.output.iter().any(units) && self.value_added().into_iter().any(full)
        };
        let times = format!("output is {:.0} times as large as they are", made / used);
        let diagonal = || (0..n).map(|i| z[i * n + i]);
        let beside = (0..n * n).filter(|k| k / n != k % n).map(|k| z[k]);
        let inverse = diagonal().all(|v| (1.0 - 1e-9..10.0).contains(&v))
            && beside.fold(0.0f64, f64::max) < diagonal().fold(0.0, f64::max)
            && z.iter().all(|v| *v >= -1e-9);
        let solved = || {
            let made = weighed(&|_, j| self.demand[j]);
            unbalanced && self.agree(|i| made[i], |i| self.x(i))
        };
        let (what, sign, holds) = if inverse && (apart(INVERSE) || solved()) {
            (
                "the Leontief inverse",
                "the diagonal holds numbers from 1 on".to_string(),
                "LeontiefInverse",
            )
        } else if column <= 1.0 + 1e-9
            && (apart(SHARES) || balances_as(&|_, j| self.x(j)) || whole(1.0))
        {
            (
                "coefficients",
                format!("every column's sum is at most 1 (largest {column:.3})"),
                "Coefficients",
            )
        } else if row <= 1.0 + 1e-9 && (apart(SHARES) || balances_as(&|i, _| self.x(i))) {
            (
                "allocation coefficients",
                format!("every row's sum is at most 1 (largest {row:.3})"),
                "Allocations",
            )
        } else if column <= 100.5 && (balances_as(&|_, j| 0.01 * self.x(j)) || whole(100.0)) {
            (
                "percentages",
                format!("columns add up to 100 or less (largest {column:.1})"),
                "Percent",
            )
        } else {
            return Ok(());
        };
        Err(Error::new(
            "flows",
            format!("the table seems to hold {what}, not flows: {sign}, and {times}"),
            format!(
                "flows are coefficients x output: say TableOptions {{ holds: Holds::{holds}, .. }} to have them computed, or Holds::Flows if they are flows"
            ),
        ))
    }

    /// Refuses what industries make, in place of what they buy.
    fn supply(&self) -> Result<()> {
        let (n, z) = (self.n(), &self.table.flows);
        let size = |v: &[f64]| v.iter().map(|x| x.abs()).sum::<f64>();
        let own: f64 = (0..n).map(|i| z[i * n + i].abs()).sum();
        if n < 5 || own <= 0.7 * size(z) || size(z) <= 0.8 * size(&self.table.output) {
            return Ok(());
        }
        Err(Error::new(
            "flows",
            "sectors sell nearly all that is made to themselves: the table seems to be one of supply, what industries make",
            "take the table of uses, or a symmetric one; if it is right, say TableOptions { holds: Holds::Flows, .. }",
        ))
    }

    fn few(&self, which: impl Iterator<Item = usize>) -> String {
        names::list(&which.map(|i| self.table.label(i)).collect::<Vec<_>>())
    }

    /// Refuses a table that adds up only the other way round.
    fn orientation(&self, demand_rows: &[String]) -> Result<()> {
        let remedy = "say TableOptions { orientation: Orientation::BuyersInRows, .. }, or Orientation::SuppliersInRows if that is right";
        let refuse = |fact: String| Err(Error::new("table", fact, remedy));
        if !self.given.demand && !demand_rows.is_empty() {
            return refuse(format!(
                "{} are final demand, and that stands in columns: the table seems to be transposed",
                names::list(demand_rows)
            ));
        }
        let turned = || self.agree(|i| self.bought[i] + self.demand[i], |i| self.x(i));
        if self.both() && !self.balances() && turned() {
            return refuse(
                "with rows and columns swapped its rows balance, as it is they do not".into(),
            );
        }
        // The columns of a long table say who sells and who buys.
        let long = self.table.layout == Layout::Long;
        if long || !self.given.output || self.given.demand || self.columns_balance() {
            return Ok(());
        }
        // Imports may let sectors buy more of one than its output, but none can spend more than that.
        let below = |sums: &[f64], i: usize| sums[i] > self.x(i) * (1.0 + 1e-6);
        let spent: Vec<usize> = (0..self.n()).filter(|j| below(&self.bought, *j)).collect();
        if spent.is_empty() || (0..self.n()).any(|i| below(&self.sold, i)) {
            return Ok(());
        }
        refuse(format!(
            "inputs cost more than the output of {}, and with rows and columns swapped they do not",
            self.few(spent.into_iter())
        ))
    }

    /// True where inputs and value added are output in every column.
    fn columns_balance(&self) -> bool {
        let fits = |v: Vec<f64>| self.agree(|j| self.bought[j] + v[j], |j| self.x(j));
        self.value_added().into_iter().any(fits)
    }

    /// Refuses final demand that is given as output.
    fn output(&self) -> Result<()> {
        if !self.given.output || self.sold.iter().all(|s| *s == 0.0) {
            return Ok(());
        }
        let refuse = |fact: String| {
            Err(Error::new(
                "output",
                fact,
                "if it is final demand, name it so: TableOptions { domestic: vec![\"…\".into()], .. }; output is all that a sector makes",
            ))
        };
        if self.both() && !self.balances() && self.agree(|i| self.demand[i], |i| self.x(i)) {
            return refuse("it equals final demand, but sectors buy, too".into());
        }
        if self.given.demand {
            return Ok(());
        }
        let made = |v: Vec<f64>| {
            self.agree(|j| self.bought[j] + v[j], |j| self.sold[j] + self.x(j))
                && !self.agree(|j| self.bought[j] + v[j], |j| self.x(j))
        };
        if self.value_added().into_iter().any(made) {
            return refuse("inputs and value added equal what is sold to sectors plus this column: it seems to be final demand".into());
        }
        let below = |sums: &[f64], i: &usize| sums[*i] > self.x(*i) * (1.0 + 1e-6);
        let sells = (0..self.n()).filter(|i| below(&self.sold, i)).count();
        let spent: Vec<usize> = (0..self.n()).filter(|j| below(&self.bought, j)).collect();
        if sells > 0
            && !spent.is_empty()
            && 3 * (sells + spent.len()) >= self.n()
            && !self.columns_balance()
        {
            return refuse(format!(
                "it is smaller than the inputs of {}, so that value added is negative: it seems to be final demand",
                self.few(spent.into_iter())
            ));
        }
        Ok(())
    }

    /// Refuses blocks whose units differ by a power of ten.
    fn units(&self) -> Result<()> {
        let sums =
            |v: &Vec<f64>| -> Vec<f64> { (0..self.n()).map(|j| self.bought[j] + v[j]).collect() };
        let wanted: Vec<Vec<f64>> = if self.both() {
            vec![self.table.output.clone()]
        } else if self.given.demand {
            self.value_added().iter().map(sums).collect()
        } else {
            return Ok(());
        };
        let fits = |z: f64, d: f64, x: &[f64]| {
            self.agree(|i| z * self.sold[i] + d * self.demand[i], |i| x[i])
        };
        if wanted.iter().any(|x| fits(1.0, 1.0, x)) {
            return Ok(());
        }
        for power in [1, 2, 3, 6, 9] {
            for s in [10_f64.powi(power), 10_f64.powi(-power)] {
                for x in &wanted {
                    for (block, z, d) in [
                        ("final demand", 1.0, s),
                        ("flows", s, 1.0),
                        ("flows and final demand", s, s),
                    ] {
                        if (z == 1.0 || self.both()) && fits(z, d, x) {
                            return Err(Error::new(
                                "table",
                                format!(
                                    "{block} and the rest are in different units: times {s} its rows balance"
                                ),
                                "bring all columns into one unit",
                            ));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Refuses a total among the sectors: in its row and in its column it is the sum of all others, or of
    /// those next to it.
    fn sector_totals(&self) -> Result<()> {
        let (n, z) = (self.n(), &self.table.flows);
        if !(4..=2000).contains(&n) {
            return Ok(());
        }
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-3 * b.abs();
        let run = |from: usize, to: usize, i: usize| {
            let sum = |cell: &dyn Fn(usize, usize) -> f64, j: usize| -> f64 {
                (from..to).filter(|k| *k != i).map(|k| cell(k, j)).sum()
            };
            let row = |i: usize, j: usize| z[i * n + j];
            let column = |i: usize, j: usize| z[j * n + i];
            let places = || (0..n).filter(|j| *j != i);
            places().filter(|j| row(i, *j) != 0.0).count() >= 2
                && places()
                    .all(|j| near(sum(&row, j), row(i, j)) && near(sum(&column, j), column(i, j)))
        };
        let (sold, bought) = (prefix(&self.sold), prefix(&self.bought));
        for i in (0..n).filter(|i| self.sold[*i] != 0.0 && self.bought[*i] != 0.0) {
            let fits = |from: usize, to: usize| {
                let own = |s: &[f64], v: f64| {
                    s[to] - s[from] - if (from..to).contains(&i) { v } else { 0.0 }
                };
                near(own(&sold, self.sold[i]), self.sold[i])
                    && near(own(&bought, self.bought[i]), self.bought[i])
                    && run(from, to, i)
            };
            // Of long tables only the sum of all: runs are as many as pairs.
            let short = n <= 400;
            let before = (0..i.saturating_sub(1))
                .filter(|_| short)
                .map(|from| (from, i));
            let after = (i + 3..=n).filter(|_| short).map(|to| (i + 1, to));
            if let Some((from, to)) = before
                .chain(after)
                .chain([(0, n)])
                .find(|(f, t)| fits(*f, *t))
            {
                let parts = self.few((from..to).filter(|k| *k != i));
                return Err(Error::new(
                    self.table.label(i),
                    format!(
                        "it is the sum of {parts}, in its row and in its column: a total among the sectors"
                    ),
                    format!(
                        "leave it out: TableOptions {{ ignore: vec![{:?}.into()], .. }}",
                        self.table.sectors[i]
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Columns whose inputs and value added miss their output, where those of most do not.
    fn columns(&self) -> Option<String> {
        let n = self.n();
        let off = |v: &[f64], j: usize| {
            (self.bought[j] + v[j] - self.x(j)).abs() > 5e-3 * self.x(j).abs()
        };
        let mut best: Option<Vec<usize>> = None;
        for v in self.value_added() {
            let bad: Vec<usize> = (0..n).filter(|j| off(&v, *j)).collect();
            // The right numbers in other columns.
            let mut sums: Vec<f64> = (0..n).map(|j| self.bought[j] + v[j]).collect();
            let mut made = self.table.output.clone();
            sums.sort_by(f64::total_cmp);
            made.sort_by(f64::total_cmp);
            let moved = n >= 2
                && sums
                    .iter()
                    .zip(&made)
                    .all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs());
            let most = bad.len() * 5 <= n * 2 || moved;
            if most && best.as_ref().is_none_or(|b| bad.len() < b.len()) {
                best = Some(bad);
            }
        }
        let bad = best.filter(|b| !b.is_empty())?;
        Some(format!(
            "inputs and value added miss the output of {}: columns may be exchanged, or a number is wrong",
            self.few(bad.into_iter())
        ))
    }

    /// Flows and output, or flows and final demand, that are too far apart for one unit.
    fn apart(&self) -> Option<String> {
        let size = |v: &[f64]| v.iter().map(|x| x.abs()).sum::<f64>();
        let (used, made, bought) = (
            size(&self.sold),
            size(&self.table.output),
            size(&self.demand),
        );
        if used == 0.0 {
            return None;
        }
        if made > APART * used {
            return Some(format!(
                "output is {:.0} times all flows: are they in one unit?",
                made / used
            ));
        }
        (self.given.demand && used > APART * bought && bought > 0.0).then(|| {
            format!(
                "flows are {:.0} times all final demand: are they in one unit?",
                used / bought
            )
        })
    }
}

fn prefix(values: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    values
        .iter()
        .for_each(|v| sums.push(sums[sums.len() - 1] + v));
    sums
}
