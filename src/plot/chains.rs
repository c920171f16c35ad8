//! Chains: their course, and how the ranks of their draws lie.

use super::figures::SIZE;
use super::theme::COLORS;
use super::{Draw, Figure, Layer, Mark, Panel};
use crate::infer::Chains;

/// Entries that are drawn: those with the largest R-hat.
const SHOWN: usize = 3;
/// Bins of ranks.
const BINS: usize = 20;
/// Points of a trace at most.
const POINTS: usize = 500;

impl Chains {
    /// Draws of an entry, a list for each chain.
    fn of(&self, entry: usize) -> Vec<Vec<f64>> {
        let entries = self.rhat.len();
        let chain = |c: usize| {
            let rows = self
                .trace
                .chunks_exact(entries.max(1))
                .skip(c)
                .step_by(self.chains);
            rows.map(|row| row[entry]).collect()
        };
        (0..self.chains).map(chain).collect()
    }
}

fn trace(all: &[Vec<f64>], title: String) -> Panel {
    let line = |(c, chain): (usize, &Vec<f64>)| {
        let every = chain.len().div_ceil(POINTS).max(1);
        let at: Vec<usize> = (0..chain.len()).step_by(every).collect();
        let x = at.iter().map(|k| *k as f64).collect();
        let y = at.iter().map(|k| chain[*k]).collect();
        Layer::new(Mark::Line, format!("chain {}", c + 1), c % COLORS, x, y)
    };
    Panel {
        title,
        x_label: "draw".into(),
        y_label: "prior's standard deviations".into(),
        layers: all.iter().enumerate().map(line).collect(),
        ..Panel::default()
    }
}

/// Ranks among the draws of all chains, in bins: flat for each chain where they sample the same.
fn ranks(all: &[Vec<f64>]) -> Panel {
    let mut order: Vec<(f64, usize)> = Vec::new();
    for (c, chain) in all.iter().enumerate() {
        order.extend(chain.iter().map(|v| (*v, c)));
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut counts = vec![[0.0; BINS]; all.len()];
    for (rank, (_, c)) in order.iter().enumerate() {
        counts[*c][rank * BINS / order.len()] += 1.0;
    }
    let line = |(c, counts): (usize, &[f64; BINS])| {
        let expected = all[c].len() as f64 / BINS as f64;
        let ends = |k: usize| [k as f64 / BINS as f64, (k + 1) as f64 / BINS as f64];
        let x = (0..BINS).flat_map(ends).collect();
        let y = counts.iter().flat_map(|n| [n / expected; 2]).collect();
        Layer::new(Mark::Line, "", c % COLORS, x, y)
    };
    let mut layers: Vec<Layer> = counts.iter().enumerate().map(line).collect();
    layers.push(Layer::new(
        Mark::Reference,
        "",
        0,
        vec![0.0, 1.0],
        vec![1.0; 2],
    ));
    Panel {
        x_label: "rank among all draws".into(),
        y_label: "frequency (1 = uniform)".into(),
        layers,
        ..Panel::default()
    }
}

impl Draw for Chains {
    /// The course and the ranks of the entries whose chains agree least.
    fn figure(&self) -> Figure {
        let mut order: Vec<usize> = (0..self.rhat.len()).collect();
        order.sort_by(|a, b| self.rhat[*b].total_cmp(&self.rhat[*a]));
        let mut panels = Vec::new();
        for entry in order.into_iter().take(SHOWN) {
            let all = self.of(entry);
            let title = format!("unknown {entry}: R-hat {:.3}", self.rhat[entry]);
            panels.push(trace(&all, title));
            panels.push(ranks(&all));
        }
        Figure {
            title: format!("{} chains of {} draws", self.chains, self.draws),
            subtitle: format!(
                "the unknowns that agree least; {:.0} effective draws at least, {} draws diverged",
                self.least_ess(),
                self.divergences
            ),
            size: (SIZE.0, 240 * (panels.len() as u32 / 2).max(1)),
            panels,
            columns: 2,
        }
    }
}
