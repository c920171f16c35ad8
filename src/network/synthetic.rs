//! Seeded synthetic economies with the published stylised facts of firm networks.

use super::{Firms, Links, Network};
use crate::error::{Error, Result};
use crate::memory;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, LogNormal, Pareto};

/// Options of the generator. Defaults follow the Japanese firm network: the numbers of suppliers
/// and of customers have Pareto tails with exponents 1.35 and 1.26 (Fujiwara & Aoyama 2010), about
/// 5 suppliers a firm, and sales that grow with the number of customers.
#[derive(Clone, Debug, PartialEq)]
pub struct Synthetic {
    /// Number of firms.
    pub firms: usize,
    /// Mean number of suppliers of a firm.
    pub mean_suppliers: f64,
    /// Number of regions, named R1, R2, …
    pub regions: usize,
    /// Number of sectors, named S1, S2, …
    pub sectors: usize,
    /// Tail exponent of the number of suppliers (of the complementary cumulative distribution).
    pub supplier_tail: f64,
    /// Tail exponent of the number of customers.
    pub customer_tail: f64,
    /// Share of links drawn inside the buyer's own region.
    pub home: f64,
    /// Range of the cost of inputs per unit of output.
    pub input_share: (f64, f64),
    /// Seed; the same options give the same economy.
    pub seed: u64,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            firms: 1000,
            mean_suppliers: 5.0,
            regions: 10,
            sectors: 10,
            supplier_tail: 1.35,
            customer_tail: 1.26,
            home: 0.5,
            input_share: (0.3, 0.7),
            seed: 0,
        }
    }
}

impl Synthetic {
    fn check(&self) -> Result<()> {
        let refuse = |field: &str, fact: String, remedy: &str| {
            Err(Error::new(
                format!("Synthetic.{field}"),
                fact,
                remedy.to_string(),
            ))
        };
        if self.firms < 2 || self.firms > u32::MAX as usize {
            return refuse("firms", format!("{} firms", self.firms), "give at least 2");
        }
        memory::require(
            "Synthetic.firms",
            &format!(
                "an economy of {} firms, {} regions and {} sectors",
                self.firms, self.regions, self.sectors
            ),
            // Of a firm its names, sums and levels, of a link its ends, coefficient, product, lag, class and places in both orders.
            self.firms as f64 * (160.0 + 60.0 * self.mean_suppliers)
                + 64.0 * (self.regions as f64 + self.sectors as f64),
            "give fewer firms, fewer suppliers a firm, or fewer regions and sectors",
        )?;
        let most = u32::MAX as usize;
        if !(1..=most).contains(&self.regions) || !(1..=most).contains(&self.sectors) {
            return refuse(
                "regions",
                format!("{} regions, {} sectors", self.regions, self.sectors),
                "give at least 1 of each, and no more than there can be firms",
            );
        }
        if !(self.mean_suppliers >= 1.0 && self.mean_suppliers <= (self.firms - 1) as f64) {
            return refuse(
                "mean_suppliers",
                format!(
                    "{} suppliers a firm among {} firms",
                    self.mean_suppliers, self.firms
                ),
                "give at least 1 and fewer than there are firms",
            );
        }
        if !(self.supplier_tail > 1.0 && self.customer_tail > 1.0) {
            return refuse(
                "supplier_tail",
                format!(
                    "tail exponents {} and {}",
                    self.supplier_tail, self.customer_tail
                ),
                "give exponents above 1, else the mean does not exist",
            );
        }
        if !(0.0..=1.0).contains(&self.home) {
            return refuse(
                "home",
                format!("{}", self.home),
                "give a share between 0 and 1",
            );
        }
        let (low, high) = self.input_share;
        if !(low > 0.0 && high >= low && high < 1.0) {
            return refuse(
                "input_share",
                format!("{low} to {high}"),
                "give a range inside 0..1, else there is no steady state",
            );
        }
        Ok(())
    }
}

/// Firms sorted by region, with running sums of their attractiveness, to draw a supplier in O(log M).
struct Market {
    firm: Vec<u32>,
    sum: Vec<f64>,
    region_start: Vec<usize>,
}

impl Market {
    fn new(region: &[usize], regions: usize, attraction: &[f64]) -> Self {
        let mut firm: Vec<u32> = (0..region.len() as u32).collect();
        firm.sort_by_key(|&i| region[i as usize]);
        let mut sum = Vec::with_capacity(firm.len() + 1);
        sum.push(0.0);
        let mut region_start = vec![0; regions + 1];
        for &i in &firm {
            sum.push(sum[sum.len() - 1] + attraction[i as usize]);
            region_start[region[i as usize] + 1] += 1;
        }
        for r in 0..regions {
            region_start[r + 1] += region_start[r];
        }
        Self {
            firm,
            sum,
            region_start,
        }
    }

    fn draw(&self, within: Option<usize>, rng: &mut StdRng) -> usize {
        let (low, high) = match within {
            Some(r) => (self.region_start[r], self.region_start[r + 1]),
            None => (0, self.firm.len()),
        };
        let u = self.sum[low] + rng.random::<f64>() * (self.sum[high] - self.sum[low]);
        let at = self.sum[low + 1..=high].partition_point(|s| *s <= u);
        self.firm[(low + at).min(high - 1)] as usize
    }
}

impl Network {
    // Long: one step of the recipe after the other, each read from the numbers before.
    /// A seeded synthetic economy. 1,000 firms take milliseconds, a million take seconds.
    pub fn synthetic(options: &Synthetic) -> Result<Network> {
        options.check()?;
        let m = options.firms;
        let mut rng = StdRng::seed_from_u64(options.seed);
        // The first firms visit every region x sector once, so that no group is empty by chance.
        let cells = options.regions * options.sectors;
        let place: Vec<(usize, usize)> = (0..m)
            .map(|i| {
                if i < cells {
                    (i / options.sectors, i % options.sectors)
                } else {
                    (
                        rng.random_range(0..options.regions),
                        rng.random_range(0..options.sectors),
                    )
                }
            })
            .collect();
        let region: Vec<usize> = place.iter().map(|p| p.0).collect();
        let pareto = |tail: f64| Pareto::new(1.0, tail).expect("tails above 1 were checked");
        let attraction: Vec<f64> = pareto(options.customer_tail)
            .sample_iter(&mut rng)
            .take(m)
            .collect();
        let market = Market::new(&region, options.regions, &attraction);
        let wanted = supplier_numbers(options, pareto(options.supplier_tail), &mut rng);
        let weight = LogNormal::new(0.0, 1.0).expect("a valid distribution");
        let total: usize = wanted.iter().sum();
        let mut links = Links {
            buyer: Vec::with_capacity(total),
            supplier: Vec::with_capacity(total),
            coefficient: Vec::with_capacity(total),
            ..Links::default()
        };
        let mut chosen: Vec<usize> = Vec::new();
        for i in 0..m {
            chosen.clear();
            // Popular suppliers are drawn again and again: a few rounds, then take what there is.
            for _ in 0..8 {
                for _ in chosen.len()..wanted[i] {
                    let within = (rng.random::<f64>() < options.home).then_some(region[i]);
                    let j = market.draw(within, &mut rng);
                    if j != i {
                        chosen.push(j);
                    }
                }
                chosen.sort_unstable();
                chosen.dedup();
                if chosen.len() == wanted[i] {
                    break;
                }
            }
            if chosen.is_empty() {
                chosen.push((i + 1) % m);
            }
            let (low, high) = options.input_share;
            let share = low + (high - low) * rng.random::<f64>();
            let first = links.coefficient.len();
            for &j in &chosen {
                links.buyer.push(i);
                links.supplier.push(j);
                links.coefficient.push(weight.sample(&mut rng));
            }
            let sum: f64 = links.coefficient[first..].iter().sum();
            for a in &mut links.coefficient[first..] {
                *a *= share / sum;
            }
        }
        // Consumers, too, buy from the firms that are attractive to customers.
        let final_demand = attraction
            .iter()
            .map(|w| w.sqrt() * weight.sample(&mut rng))
            .collect();
        Network::new(
            Firms {
                name: Vec::new(),
                region: place.iter().map(|p| format!("R{}", p.0 + 1)).collect(),
                sector: place.iter().map(|p| format!("S{}", p.1 + 1)).collect(),
                final_demand,
                output: Vec::new(),
            },
            links,
        )
    }
}

/// Heavy-tailed numbers of suppliers with the wanted mean, at least 1, at most a third of the firms.
fn supplier_numbers(options: &Synthetic, tail: Pareto<f64>, rng: &mut StdRng) -> Vec<usize> {
    let most = (options.firms / 3)
        .max(1)
        .max(options.mean_suppliers.ceil() as usize)
        .min(options.firms - 1) as f64;
    let raw: Vec<f64> = tail.sample_iter(&mut *rng).take(options.firms).collect();
    let mean = |scale: f64| {
        raw.iter()
            .map(|v| (v * scale).clamp(1.0, most))
            .sum::<f64>()
            / raw.len() as f64
    };
    // Truncation moves the mean, so the scale is found by bisection.
    let (mut low, mut high) = (0.0, most);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if mean(middle) < options.mean_suppliers {
            low = middle
        } else {
            high = middle
        }
    }
    raw.iter()
        .map(|v| {
            (((v * high).clamp(1.0, most)) + rng.random::<f64>())
                .floor()
                .min(most) as usize
        })
        .map(|k| k.max(1))
        .collect()
}
