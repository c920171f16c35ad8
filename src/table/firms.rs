//! Firms with sizes, and the links between them, before links have values.

use super::sizes::{Draw, degrees, noise, outputs};
use super::{Disaggregate, InputOutput};
use rayon::prelude::*;
use std::collections::BinaryHeap;

/// The firms before they have links.
pub(super) struct Economy<'a> {
    table: &'a InputOutput,
    /// First firm of each sector, and the number of firms.
    pub(super) first: Vec<usize>,
    pub(super) sector: Vec<u32>,
    pub(super) output: Vec<f64>,
    /// Wanted purchases: the sector's share of inputs in the firm's output.
    pub(super) inputs: Vec<f64>,
}

/// A firm with what it has still to buy or to sell.
#[derive(PartialEq)]
struct Open(f64, u32);

impl Eq for Open {}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<'a> Economy<'a> {
    pub(super) fn new(table: &'a InputOutput, options: &Disaggregate, number: &[usize]) -> Self {
        let mut first = vec![0];
        number
            .iter()
            .for_each(|k| first.push(first[first.len() - 1] + k));
        let sector: Vec<u32> = (0..number.len())
            .flat_map(|c| std::iter::repeat_n(c as u32, number[c]))
            .collect();
        let output = outputs(number, &table.output, options.size_tail, options.seed);
        let share: Vec<f64> = table
            .bought()
            .iter()
            .zip(&table.output)
            .map(|(b, x)| b / x)
            .collect();
        let inputs = output
            .iter()
            .zip(&sector)
            .map(|(x, c)| x * share[*c as usize])
            .collect();
        Self {
            table,
            first,
            sector,
            output,
            inputs,
        }
    }

    fn heap(&self, c: usize, open: &[f64]) -> BinaryHeap<Open> {
        (self.first[c]..self.first[c + 1])
            .map(|i| Open(open[i], i as u32))
            .collect()
    }

    /// One link for every flow, the largest flows first, between the firms of the two sectors with most
    /// still to buy and to sell; [buyer] lists of suppliers.
    fn one_each(&self) -> Vec<Vec<u32>> {
        let n = self.table.len();
        let mut suppliers = vec![Vec::new(); self.output.len()];
        let mut pairs: Vec<usize> = (0..n * n).filter(|k| self.table.flows[*k] > 0.0).collect();
        pairs.sort_by(|a, b| self.table.flows[*b].total_cmp(&self.table.flows[*a]));
        let mut buyers: Vec<BinaryHeap<Open>> =
            (0..n).map(|c| self.heap(c, &self.inputs)).collect();
        let mut sellers: Vec<BinaryHeap<Open>> =
            (0..n).map(|c| self.heap(c, &self.output)).collect();
        for k in pairs {
            let (from, to) = (k / n, k % n);
            let Some(mut b) = buyers[to].pop() else {
                continue;
            };
            let Some(mut s) = sellers[from].pop() else {
                continue;
            };
            if s.1 == b.1
                && let Some(next) = sellers[from].pop()
            {
                sellers[from].push(s);
                s = next;
            }
            suppliers[b.1 as usize].push(s.1);
            b.0 -= self.table.flows[k];
            s.0 -= self.table.flows[k];
            buyers[to].push(b);
            sellers[from].push(s);
        }
        suppliers
    }

    /// Buyers and suppliers of all links, sorted by both.
    pub(super) fn links(&self, options: &Disaggregate) -> (Vec<u32>, Vec<u32>) {
        let (n, m) = (self.table.len(), self.output.len());
        let power = |tail: f64| -> Vec<f64> {
            self.output
                .par_iter()
                .map(|x| x.powf(options.size_tail / tail))
                .collect()
        };
        let attraction = power(options.customer_tail);
        let most = (m as f64 / 3.0).max(options.links_per_firm.ceil());
        let wanted = degrees(
            &power(options.supplier_tail),
            options.links_per_firm,
            most,
            options.seed,
        );
        let firms: Vec<Draw> = (0..n)
            .map(|c| Draw::new(attraction[self.first[c]..self.first[c + 1]].iter().copied()))
            .collect();
        let flow = |i: usize, j: usize| self.table.flow(i, j);
        let inputs: Vec<Draw> = (0..n)
            .map(|j| Draw::new((0..n).map(|i| flow(i, j))))
            .collect();
        let mut suppliers = self.one_each();
        suppliers
            .par_iter_mut()
            .enumerate()
            .for_each(|(i, chosen)| {
                let draw = &inputs[self.sector[i] as usize];
                if draw.total() == 0.0 {
                    return;
                }
                let mut rng = noise(options.seed, 3, i as u64);
                chosen.sort_unstable();
                // Popular suppliers are drawn again and again: a few rounds, then take what there is.
                for _ in 0..8 {
                    for _ in chosen.len()..wanted[i] as usize {
                        let c = draw.draw(&mut rng);
                        let j = self.first[c] + firms[c].draw(&mut rng);
                        if j != i {
                            chosen.push(j as u32);
                        }
                    }
                    chosen.sort_unstable();
                    chosen.dedup();
                    if chosen.len() >= wanted[i] as usize {
                        break;
                    }
                }
                if chosen.is_empty() {
                    // A sector that buys only from itself, drawn again and again.
                    let c = draw.draw(&mut rng);
                    let other = (self.first[c]..self.first[c + 1]).find(|j| *j != i);
                    chosen.push(other.unwrap_or(i) as u32);
                }
            });
        self.customers(options, &mut suppliers);
        let total = suppliers.iter().map(Vec::len).sum();
        let (mut buyer, mut supplier) = (Vec::with_capacity(total), Vec::with_capacity(total));
        for (i, chosen) in suppliers.iter().enumerate() {
            buyer.extend(std::iter::repeat_n(i as u32, chosen.len()));
            supplier.extend(chosen);
        }
        (buyer, supplier)
    }

    /// Firms without customers live on final demand: where their sector's is too small for all of them,
    /// the largest get a customer.
    fn customers(&self, options: &Disaggregate, suppliers: &mut [Vec<u32>]) {
        let n = self.table.len();
        let mut sells = vec![false; self.output.len()];
        suppliers
            .iter()
            .flatten()
            .for_each(|j| sells[*j as usize] = true);
        let demand = self.table.final_demand();
        let buyers: Vec<Draw> = (0..n)
            .map(|c| {
                Draw::new(
                    self.inputs[self.first[c]..self.first[c + 1]]
                        .iter()
                        .copied(),
                )
            })
            .collect();
        let mut added: Vec<(usize, u32)> = Vec::new();
        for (c, d) in demand.iter().enumerate() {
            let to = Draw::new((0..n).map(|j| self.table.flow(c, j)));
            if to.total() == 0.0 {
                continue;
            }
            let mut rng = noise(options.seed, 4, c as u64);
            let mut left = 0.5 * d;
            for j in (self.first[c]..self.first[c + 1])
                .rev()
                .filter(|j| !sells[*j])
            {
                if self.output[j] <= left {
                    left -= self.output[j];
                    continue;
                }
                let b = to.draw(&mut rng);
                let mut i = self.first[b] + buyers[b].draw(&mut rng);
                if i == j
                    && let Some(other) = (self.first[b]..self.first[b + 1]).find(|i| *i != j)
                {
                    i = other;
                }
                added.push((i, j as u32));
            }
        }
        for (i, j) in added {
            suppliers[i].push(j);
            suppliers[i].sort_unstable();
            suppliers[i].dedup();
        }
    }
}
