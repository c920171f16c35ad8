//! Values of links by iterative proportional fitting: what is exact, and what is near.
//!
//! Three margins, scaled to in turns (Deming & Stephan 1940, Bacharach 1970): what every firm sells is
//! near its output, what every firm buys is near its sector's share of its output, and the links of
//! every pair of sectors add up to the table's flow. The last is exact, as it is scaled to last; final
//! demand then closes every firm's row.

use rayon::prelude::*;

/// Links and the margins that they are fitted to.
pub(super) struct Fit<'a> {
    /// Sector of every firm.
    pub(super) sector: &'a [u32],
    /// First firm of every sector, and the number of firms at the end.
    pub(super) first: &'a [usize],
    /// Buyer of every link; links are sorted by buyer.
    pub(super) buyer: &'a [u32],
    /// Supplier of every link.
    pub(super) supplier: &'a [u32],
    /// Wanted output of every firm.
    pub(super) output: &'a [f64],
    /// Wanted purchases of every firm.
    pub(super) inputs: &'a [f64],
    /// The table's flows, [supplier, buyer].
    pub(super) flows: &'a [f64],
    /// The table's final demand, `[sector]`.
    pub(super) demand: &'a [f64],
}

/// What was found.
pub(super) struct Fitted {
    /// Value of every link.
    pub(super) value: Vec<f64>,
    /// Final demand of every firm.
    pub(super) demand: Vec<f64>,
    /// Rounds of scaling.
    pub(super) rounds: usize,
    /// Sum over firms of the difference between purchases and the sector's share of output, as a share of all.
    pub(super) inputs_off: f64,
}

/// One scaling by more than this in a round is left for the next.
const STEP: f64 = 8.0;
/// A link's value is at least this share of the mean of its pair of sectors: a link that is there is used.
const FLOOR: f64 = 1e-6;

impl Fit<'_> {
    /// Pair of sectors of a link, as an index into the flows.
    fn pair(&self, e: usize) -> usize {
        let n = self.demand.len();
        self.sector[self.supplier[e] as usize] as usize * n
            + self.sector[self.buyer[e] as usize] as usize
    }

    fn sums(&self, of: &[u32], value: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.output.len()];
        of.iter()
            .zip(value)
            .for_each(|(i, z)| sums[*i as usize] += z);
        sums
    }

    fn scale(&self, value: &mut [f64], of: &[u32], factor: &[f64]) {
        value
            .par_iter_mut()
            .zip(of)
            .with_min_len(1 << 14)
            .for_each(|(z, i)| *z *= factor[*i as usize]);
    }

    /// Scales links to the table's flows, none below its floor; exact to rounding.
    fn to_flows(&self, pair: &[u32], links: &[u32], value: &mut [f64]) {
        let floor: Vec<f64> = self
            .flows
            .iter()
            .zip(links)
            .map(|(z, k)| FLOOR * z / f64::from((*k).max(1)))
            .collect();
        let mut sums = vec![0.0; self.flows.len()];
        for (z, p) in value.iter_mut().zip(pair) {
            *z = z.max(floor[*p as usize]);
            sums[*p as usize] += *z;
        }
        let factor: Vec<f64> = self
            .flows
            .iter()
            .zip(&sums)
            .map(|(z, s)| if *s > 0.0 { z / s } else { 0.0 })
            .collect();
        self.scale(value, pair, &factor);
    }

    pub(super) fn run(&self, most: usize, tolerance: f64) -> Fitted {
        let (firms, n) = (self.output.len(), self.demand.len());
        let pair: Vec<u32> = (0..self.buyer.len()).map(|e| self.pair(e) as u32).collect();
        let mut links = vec![0u32; n * n];
        pair.iter().for_each(|p| links[*p as usize] += 1);
        let (mut bought_of, mut sold_to) = (vec![0u32; firms], vec![0u32; firms]);
        self.buyer.iter().for_each(|b| bought_of[*b as usize] += 1);
        self.supplier.iter().for_each(|s| sold_to[*s as usize] += 1);
        // A link begins between what its buyer and its supplier would trade with each of their partners.
        let begin = |e: usize| {
            let (b, s) = (self.buyer[e] as usize, self.supplier[e] as usize);
            (self.inputs[b] / f64::from(bought_of[b]) * self.output[s] / f64::from(sold_to[s]))
                .sqrt()
        };
        let mut value: Vec<f64> = (0..self.buyer.len()).map(begin).collect();
        let mut demand: Vec<f64> = self
            .output
            .iter()
            .zip(self.sector)
            .map(|(x, c)| {
                let c = *c as usize;
                let row: f64 = self.flows[c * n..(c + 1) * n].iter().sum();
                x * self.demand[c] / (row + self.demand[c]).max(f64::MIN_POSITIVE)
            })
            .collect();
        let bound = |f: f64| {
            if f.is_finite() {
                f.clamp(1.0 / STEP, STEP)
            } else {
                1.0
            }
        };
        self.to_flows(&pair, &links, &mut value);
        let wanted: f64 = self.inputs.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let (mut rounds, mut inputs_off) = (0, f64::INFINITY);
        let share: Vec<f64> = self
            .inputs
            .iter()
            .zip(self.output)
            .map(|(b, x)| b / x)
            .collect();
        let mut sold = self.sums(self.supplier, &value);
        while rounds < most {
            rounds += 1;
            // A firm that cannot sell as much as it is large buys for what it sells.
            let inputs: Vec<f64> = (0..firms)
                .map(|i| share[i] * (sold[i] + demand[i]))
                .collect();
            let factor: Vec<f64> = (0..firms)
                .map(|j| bound(self.output[j] / (sold[j] + demand[j])))
                .collect();
            self.scale(&mut value, self.supplier, &factor);
            demand.iter_mut().zip(&factor).for_each(|(d, f)| *d *= f);
            self.to_demand(&mut demand);
            let bought = self.sums(self.buyer, &value);
            let factor: Vec<f64> = (0..firms).map(|i| bound(inputs[i] / bought[i])).collect();
            self.scale(&mut value, self.buyer, &factor);
            self.to_flows(&pair, &links, &mut value);
            let bought = self.sums(self.buyer, &value);
            sold = self.sums(self.supplier, &value);
            let off = |i: usize| (bought[i] - share[i] * (sold[i] + demand[i])).abs();
            let off = (0..firms).map(off).sum::<f64>() / wanted;
            let still = (inputs_off - off).abs() < 0.01 * off;
            inputs_off = off;
            if off < tolerance || (still && rounds >= 20) {
                break;
            }
        }
        let demand = self.close(&value);
        Fitted {
            value,
            demand,
            rounds,
            inputs_off,
        }
    }

    /// Scales final demand to the table's, sector by sector.
    fn to_demand(&self, demand: &mut [f64]) {
        for (c, total) in self.demand.iter().enumerate() {
            let firms = &mut demand[self.first[c]..self.first[c + 1]];
            let sum: f64 = firms.iter().sum();
            if sum > 0.0 {
                firms.iter_mut().for_each(|d| *d *= total / sum);
            }
        }
    }

    /// Shares out each sector's final demand, given what firms sell to and buy from firms: a little to
    /// everybody, then what keeps inputs below output, then what brings firms to their wanted size.
    fn close(&self, value: &[f64]) -> Vec<f64> {
        let (sold, bought) = (
            self.sums(self.supplier, value),
            self.sums(self.buyer, value),
        );
        let mut demand = vec![0.0; self.output.len()];
        for (c, &total) in self.demand.iter().enumerate() {
            let range = self.first[c]..self.first[c + 1];
            let outputs: f64 = self.output[range.clone()].iter().sum();
            let inputs: f64 = bought[range.clone()].iter().sum();
            if total <= 0.0 {
                continue;
            }
            // Halfway between the sector's own share of inputs and 1.
            let highest = 0.5 * (1.0 + (inputs / outputs).min(1.0));
            let little = |i: usize| 0.01 * total * self.output[i] / outputs;
            let short: Vec<f64> = range
                .clone()
                .map(|i| (bought[i] / highest - sold[i] - little(i)).max(0.0))
                .collect();
            let (shortage, left) = (short.iter().sum::<f64>(), 0.99 * total);
            let met = if shortage > left {
                left / shortage
            } else {
                1.0
            };
            let gap: Vec<f64> = range
                .clone()
                .zip(&short)
                .map(|(i, s)| (self.output[i] - sold[i] - little(i) - s).max(1e-3 * self.output[i]))
                .collect();
            let rest = (left - met * shortage) / gap.iter().sum::<f64>();
            for (k, i) in range.enumerate() {
                demand[i] = little(i) + met * short[k] + rest * gap[k];
            }
        }
        self.to_demand(&mut demand);
        demand
    }
}
