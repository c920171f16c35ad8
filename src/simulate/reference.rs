//! The oracle behind the engine's door: `model::reference`, particle by particle.

use super::{Columns, Precision, Simulation};
use crate::engine::{Engine, Gradient, Inputs, Tape};
use crate::error::Result;
use crate::model::places;
use crate::model::reference::{self, Economy};
use crate::network::Network;
use crate::number::Real;
use rayon::prelude::*;

/// An economy in plain loops.
pub(crate) struct Reference {
    pub(crate) network: Network,
    pub(crate) simulation: Simulation,
    /// The firms whose capacity varies.
    pub(crate) firms: Vec<u32>,
    pub(crate) columns: Columns,
}

impl Reference {
    fn economy(&self) -> Economy<'_> {
        Economy {
            network: &self.network,
            model: self.simulation.model,
            slack: self.simulation.slack,
        }
    }

    /// Row `p` of the inputs of particles, or the only one.
    fn row<'a>(&self, values: &'a [f64], p: usize) -> &'a [f64] {
        let firms = self.network.firms();
        let p = if values.len() == firms { 0 } else { p };
        &values[p * firms..][..firms]
    }

    /// Outputs of a period, summed to groups if those are wanted.
    fn observe(&self, output: &[f64]) -> Vec<f64> {
        match self.columns {
            Columns::Firms => output.to_vec(),
            Columns::Groups => self.network.group_sums(output),
        }
    }

    fn panel_in<R: Real>(&self, inputs: &Inputs<'_>, p: usize) -> Vec<f64> {
        let of = |v: &[f64]| -> Vec<R> { self.row(v, p).iter().map(|v| R::of(*v)).collect() };
        let (n, tau) = (of(inputs.target_inventory), of(inputs.adjustment_time));
        let left = inputs.remaining.row(p);
        let place = places(&self.firms, self.network.firms());
        let remaining = |t: usize, i: usize| {
            R::of(place[i].map_or(1.0, |c| left[(t - 1) * self.firms.len() + c]))
        };
        let mut panel = Vec::new();
        let periods = self.simulation.periods;
        let economy = self.economy();
        economy.run((&n, &tau), remaining, periods, |_, _, output| {
            let output: Vec<f64> = output.iter().map(|x| x.value()).collect();
            panel.extend(self.observe(&output));
            true
        });
        panel
    }
}

impl Engine for Reference {
    fn panel(&self, inputs: &Inputs<'_>) -> Result<Vec<f64>> {
        let of = |p| match self.simulation.precision {
            Precision::Single => self.panel_in::<f32>(inputs, p),
            Precision::Double => self.panel_in::<f64>(inputs, p),
        };
        let panels: Vec<Vec<f64>> = (0..inputs.particles).into_par_iter().map(of).collect();
        Ok(panels.concat())
    }

    fn record<'a>(
        &'a self,
        inputs: &Inputs<'a>,
        wanted: bool,
    ) -> Result<(Vec<f64>, Box<dyn Tape + 'a>)> {
        let tape = Kept {
            reference: self,
            inputs: *inputs,
            wanted,
        };
        Ok((self.panel(inputs)?, Box::new(tape)))
    }
}

/// A run to be made again with its gradient, in 64 bits.
struct Kept<'a> {
    reference: &'a Reference,
    inputs: Inputs<'a>,
    wanted: bool,
}

impl Kept<'_> {
    fn gradient(&self, p: usize, slope: &[f64]) -> reference::Gradient {
        let Reference {
            network,
            simulation,
            firms,
            columns,
        } = self.reference;
        let inputs = &self.inputs;
        let left = inputs.remaining.row(p);
        let place = places(firms, network.firms());
        let remaining =
            |t: usize, i: usize| place[i].map_or(1.0, |c| left[(t - 1) * firms.len() + c]);
        let n = self.reference.row(inputs.target_inventory, p);
        let tau = self.reference.row(inputs.adjustment_time, p);
        let periods = simulation.periods;
        let economy = self.reference.economy();
        economy.gradient((n, tau), remaining, periods, |_| match columns {
            Columns::Firms => slope.to_vec(),
            Columns::Groups => {
                let rows = slope.chunks_exact(network.groups().len());
                rows.flat_map(|row| network.group().iter().map(|g| row[*g as usize]))
                    .collect()
            }
        })
    }
}

impl Tape for Kept<'_> {
    fn pull(self: Box<Self>, slope: &[f64]) -> Result<Gradient> {
        let Self { reference, .. } = &*self;
        let particles = self.inputs.particles;
        let cells = slope.len() / particles;
        let of = |p: usize| self.gradient(p, &slope[p * cells..][..cells]);
        let all: Vec<_> = (0..particles).into_par_iter().map(of).collect();
        let mut out = Gradient {
            target_inventory: Vec::new(),
            adjustment_time: Vec::new(),
            remaining: Vec::new(),
        };
        let firms = reference.network.firms();
        for found in all {
            out.target_inventory.extend(found.target_inventory);
            out.adjustment_time.extend(found.adjustment_time);
            if self.wanted {
                let rows = found.remaining.chunks_exact(firms);
                let row: Vec<f64> = rows
                    .flat_map(|row| reference.firms.iter().map(|i| row[*i as usize]))
                    .collect();
                if out.remaining.is_empty() || self.inputs.remaining.is_of_each() {
                    out.remaining.extend(row);
                } else {
                    // One row for all particles: its gradient is the sum over them.
                    let both = out.remaining.iter_mut().zip(row);
                    both.for_each(|(sum, g)| *sum += g);
                }
            }
        }
        Ok(out)
    }
}
