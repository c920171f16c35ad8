//! From a table to firms: sizes and links with heavy tails that add up to the table.

use super::InputOutput;
use super::firms::Economy;
use super::fit::Fit;
use super::sizes::share_out;
use crate::error::{Error, Result};
use crate::network::{Firms, Links, Network};

/// Options of `disaggregate`. Defaults follow published facts: sizes of firms have a Pareto tail of
/// exponent 1.06 (Axtell 2001), numbers of suppliers and customers of 1.35 and 1.26 (Fujiwara & Aoyama
/// 2010), with about 5 links a firm (Chakraborty et al. 2018).
#[derive(Clone, Debug, PartialEq)]
pub struct Disaggregate {
    /// Number of firms, at least one for each sector and region.
    pub firms: usize,
    /// Mean number of suppliers. Every flow of the table has a link, so small economies of many
    /// sectors have more.
    pub links_per_firm: f64,
    /// Tail exponent of firms' output (of the complementary cumulative distribution).
    pub size_tail: f64,
    /// Tail exponent of the number of suppliers.
    pub supplier_tail: f64,
    /// Tail exponent of the number of customers.
    pub customer_tail: f64,
    /// Number of firms of each sector, in the order of the table, with the sum `firms`; in proportion
    /// to output where empty.
    pub firms_of: Vec<usize>,
    /// Most rounds of proportional fitting.
    pub rounds: usize,
    /// Seed; the same table and options give the same firms.
    pub seed: u64,
}

impl Default for Disaggregate {
    fn default() -> Self {
        Self {
            firms: 10_000,
            links_per_firm: 5.0,
            size_tail: 1.06,
            supplier_tail: 1.35,
            customer_tail: 1.26,
            firms_of: Vec::new(),
            rounds: 60,
            seed: 0,
        }
    }
}

/// Firms that add up to a table, and how near the rest is.
#[derive(Clone, Debug)]
pub struct Disaggregated {
    /// The economy at its steady state: region and sector of every firm are those of its row, the product of
    /// every link is its supplier's sector.
    pub network: Network,
    /// Largest difference between the sum of a pair's links and the table's flow, relative to the flow.
    pub flow_error: f64,
    /// Largest difference between a sector's summed final demand and output and the table's, relative to output.
    pub output_error: f64,
    /// Sum over firms of |output - drawn size|, as a share of all output.
    pub size_error: f64,
    /// Sum over firms of |purchases - the sector's share of inputs x output|, as a share of all purchases.
    pub input_error: f64,
    /// Rounds of proportional fitting.
    pub rounds: usize,
    /// Firms whose inputs cost more than their output.
    pub loss_making: usize,
}

impl Disaggregate {
    fn check(&self, table: &InputOutput) -> Result<()> {
        let refuse = |field: &str, fact: String, remedy: &str| {
            Err(Error::new(format!("Disaggregate.{field}"), fact, remedy))
        };
        let n = table.len();
        if self.firms < n || self.firms > u32::MAX as usize {
            return refuse(
                "firms",
                format!("{} firms for {n} sectors", self.firms),
                "give at least one for each",
            );
        }
        if !(self.links_per_firm >= 1.0 && self.links_per_firm <= self.firms as f64) {
            return refuse(
                "links_per_firm",
                format!(
                    "{} links a firm among {} firms",
                    self.links_per_firm, self.firms
                ),
                "give at least 1, and not more than there are firms",
            );
        }
        for (field, tail) in [
            ("size_tail", self.size_tail),
            ("supplier_tail", self.supplier_tail),
            ("customer_tail", self.customer_tail),
        ] {
            if !(tail > 1.0 && tail.is_finite()) {
                return refuse(
                    field,
                    format!("{tail}"),
                    "give an exponent above 1, else the mean does not exist",
                );
            }
        }
        let given = &self.firms_of;
        if !given.is_empty()
            && (given.len() != n || given.contains(&0) || given.iter().sum::<usize>() != self.firms)
        {
            return refuse(
                "firms_of",
                format!(
                    "{} numbers with the sum {} for {n} sectors and {} firms",
                    given.len(),
                    given.iter().sum::<usize>(),
                    self.firms
                ),
                "give one number of at least 1 for each sector, with the sum `firms`",
            );
        }
        Ok(())
    }
}

/// Makes firms of a table that `InputOutput::correct` returned. The links of every pair of sectors add up
/// to the table's flow, and the firms of every sector to its final demand and output, exactly but for
/// rounding; what single firms sell and buy is near what their size says (see `Disaggregated`).
///
/// Sizes are drawn from a Pareto distribution within each sector. Every flow gets one link between the
/// firms that have most still to buy and to sell; then every firm draws suppliers, their number growing
/// with its size, a sector in proportion to the table's flows, a firm in it in proportion to its size
/// to the power that gives the tail of customers. Values follow by proportional fitting. Firms are
/// numbered sector after sector, in each from the largest to the smallest.
pub fn disaggregate(table: &InputOutput, options: &Disaggregate) -> Result<Disaggregated> {
    table.ready()?;
    options.check(table)?;
    let n = table.len();
    let number = if options.firms_of.is_empty() {
        // With two firms in each sector, none needs to buy from itself.
        share_out(
            options.firms,
            &table.output,
            if options.firms >= 2 * n { 2 } else { 1 },
        )
    } else {
        options.firms_of.clone()
    };
    let economy = Economy::new(table, options, &number);
    let (buyer, supplier) = economy.links(options);
    let demand: Vec<f64> = table.final_demand().iter().map(|d| d.max(0.0)).collect();
    let fitted = Fit {
        sector: &economy.sector,
        first: &economy.first,
        buyer: &buyer,
        supplier: &supplier,
        output: &economy.output,
        inputs: &economy.inputs,
        flows: &table.flows,
        demand: &demand,
    }
    .run(options.rounds, 1e-3);
    let sector: Vec<usize> = economy.sector.iter().map(|c| *c as usize).collect();
    let network = Network::new(
        Firms {
            name: Vec::new(),
            region: table.region_column(&sector),
            sector: sector.iter().map(|c| table.sectors[*c].clone()).collect(),
            final_demand: fitted.demand,
            output: Vec::new(),
        },
        Links {
            buyer: buyer.iter().map(|b| *b as usize).collect(),
            supplier: supplier.iter().map(|s| *s as usize).collect(),
            flow: fitted.value,
            ..Links::default()
        },
    )?
    .with_products_of_sectors();
    Ok(report(
        table,
        &economy,
        network,
        fitted.rounds,
        fitted.inputs_off,
    ))
}

/// How near the network is to the table and to the sizes that were drawn.
fn report(
    table: &InputOutput,
    economy: &Economy<'_>,
    network: Network,
    rounds: usize,
    input_error: f64,
) -> Disaggregated {
    let n = table.len();
    let (output, coefficient) = (network.output(), network.coefficient());
    let (mut flows, mut spent) = (vec![0.0; n * n], vec![0.0; output.len()]);
    for (e, a) in coefficient.iter().enumerate() {
        let (b, s) = (network.buyer()[e] as usize, network.supplier()[e] as usize);
        flows[economy.sector[s] as usize * n + economy.sector[b] as usize] += a * output[b];
        spent[b] += a * output[b];
    }
    let largest = |pairs: &mut dyn Iterator<Item = (f64, f64)>| {
        pairs.fold(
            0.0f64,
            |m, (off, size)| if off == 0.0 { m } else { m.max(off / size) },
        )
    };
    let flow_error = largest(
        &mut flows
            .iter()
            .zip(&table.flows)
            .map(|(a, b)| ((a - b).abs(), *b)),
    );
    let sums = |values: &[f64]| -> Vec<f64> {
        (0..n)
            .map(|c| values[economy.first[c]..economy.first[c + 1]].iter().sum())
            .collect()
    };
    let (x, d, wanted) = (
        sums(output),
        sums(network.final_demand()),
        table.final_demand(),
    );
    let output_error = largest(&mut (0..n).map(|c| {
        (
            (x[c] - table.output[c])
                .abs()
                .max((d[c] - wanted[c].max(0.0)).abs()),
            table.output[c],
        )
    }));
    let all: f64 = economy.output.iter().sum();
    let off: f64 = output
        .iter()
        .zip(&economy.output)
        .map(|(a, b)| (a - b).abs())
        .sum();
    let loss_making = (0..output.len()).filter(|i| spent[*i] > output[*i]).count();
    Disaggregated {
        network,
        flow_error,
        output_error,
        size_error: off / all,
        input_error,
        rounds,
        loss_making,
    }
}
