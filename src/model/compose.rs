//! What a behaviour, its parameters and a scenario say of each other: refusals, warnings, and what is never short.

use super::economy::{Builder, Damage, DampedHit, Rebuild, Structure, inputs};
use super::parameter::{Domain, Parameter};
use super::{Division, Gap, Model, Params, Recovery, Shock, StockSeen, Substitution};
use crate::error::{Error, Result};
use crate::network::Network;

/// Where orders look k periods back, the stock returns without overshoot from (k + 1)^(k + 1) / k^k periods of
/// adjustment on, and never does at 1 / (2 cos(k π / (2 k + 1))) or less.
fn calm(k: u32) -> (f64, f64) {
    let k = f64::from(k);
    let without_overshoot = if k == 0.0 {
        1.0
    } else {
        (k + 1.0).powf(k + 1.0) / k.powf(k)
    };
    let for_ever = 1.0 / (2.0 * (k * std::f64::consts::PI / (2.0 * k + 1.0)).cos());
    (without_overshoot, for_ever)
}

impl Domain {
    /// Number of values in an economy, of firms that behave so; 0 of what belongs to a scenario.
    pub fn entries(self, network: &Network, model: &Model) -> usize {
        match self {
            Domain::Firm => network.firms(),
            Domain::Input => network.inputs(model.substitution),
            Domain::Link => network.links(),
            _ => 0,
        }
    }
}

impl Network {
    /// Number of inputs of all firms: links, or products that firms buy where suppliers of one can stand in for each
    /// other.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// let network = Network::synthetic(&Synthetic { firms: 50, sectors: 3, ..Synthetic::default() })?;
    /// assert_eq!(network.inputs(Substitution::None), network.links());
    /// assert!(network.inputs(Substitution::Product) <= 50 * 3);
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn inputs(&self, substitution: Substitution) -> usize {
        match substitution {
            Substitution::None => self.links(),
            _ => inputs(self, substitution).1.len() - 1,
        }
    }

    /// The links of each input, by index; inputs are those of firm after firm, each firm's in the order of their first
    /// links.
    pub fn input_links(&self, substitution: Substitution) -> Vec<Vec<u32>> {
        let (link, start) = inputs(self, substitution);
        let each = start.windows(2);
        each.map(|w| link[w[0] as usize..w[1] as usize].to_vec())
            .collect()
    }
}

impl Model {
    /// Refuses parameters and scenarios that do not fit this behaviour.
    pub(crate) fn check(&self, network: &Network, params: &Params, shock: &Shock) -> Result<()> {
        for (parameter, values) in params.each() {
            if parameter.domain() != Domain::Input || values.is_empty() {
                continue;
            }
            let count = network.inputs(self.substitution);
            if values.len() != count {
                return Err(Error::new(
                    format!("params.{}", parameter.name()),
                    format!(
                        "{} values, and firms have {count} inputs under substitution {}",
                        values.len(),
                        self.substitution.name()
                    ),
                    "give one value per input, in the order of Network::input_links",
                ));
            }
        }
        let mut damage = vec![0.0; network.firms()];
        for rebuilding in &shock.rebuilding {
            for (i, c) in rebuilding.firms.iter().zip(&rebuilding.damage) {
                damage[*i] += c;
            }
        }
        for (i, damage) in damage.iter().enumerate().filter(|(_, c)| **c > 0.0) {
            let Some(capital) = params.capital.get(i) else {
                return Err(Error::new(
                    "params.capital",
                    "events destroy capital, and no firm has any",
                    "give the capital of every firm in units of output, such as some years of value added",
                ));
            };
            if damage > capital {
                return Err(Error::new(
                    format!("params.capital[{i}]"),
                    format!(
                        "events destroy {damage} of firm {}, which has {capital}",
                        network.name(i)
                    ),
                    "give more capital or less damage, both in units of output per period times periods",
                ));
            }
        }
        Ok(())
    }

    /// What is allowed but unusual, one sentence each: orders that overshoot or oscillate for ever, choices without
    /// effect.
    ///
    /// An order takes effect k periods after the stock that it looks at: k = 1 under `StockSeen::Before`, 0 under
    /// `After`, and the link's lag more where goods in transit are not counted. For one link alone the stock returns
    /// without overshoot if τ >= (k+1)^(k+1) / k^k (1, 4, 6.75, 9.48, …), and oscillates for ever if
    /// τ <= 1 / (2 cos(k π / (2 k + 1))) (0.5, 1, 1.62, 2.25, …).
    pub fn warnings(&self, network: &Network, params: &Params) -> Vec<String> {
        let mut out = Vec::new();
        let quick = params.adjustment_time.iter().chain(&params.input_time);
        let lagged = network.lag().iter().any(|lag| *lag > 0);
        // Nothing to look for where all take their time, which is soon seen.
        let look = lagged || quick.clone().any(|tau| *tau <= calm(1).1);
        let links = if look {
            network.input_links(self.substitution)
        } else {
            Vec::new()
        };
        let line = &params.supply_line;
        let counted = |i: usize| {
            line.get(i)
                .copied()
                .unwrap_or(Parameter::SupplyLine.usual())
        };
        let base = u32::from(self.stock_seen == StockSeen::Before);
        let (mut endless, mut most, mut overshoot) = (0usize, 0.0f64, 0usize);
        for (g, links) in links.iter().enumerate() {
            let i = network.buyer()[links[0] as usize] as usize;
            let of_input = params.input_time.get(g);
            let tau = of_input.or(params.adjustment_time.get(i)).copied();
            let Some(tau) = tau else { continue };
            let forgotten = links.iter().map(|e| network.lag()[*e as usize]).max();
            let k = match counted(i) < 0.5 {
                true => base + forgotten.unwrap_or(0),
                false => base,
            };
            let (without_overshoot, for_ever) = calm(k);
            if tau <= for_ever {
                endless += 1;
                most = most.max(for_ever);
            } else if tau < without_overshoot && k > base {
                overshoot += 1;
            }
        }
        if endless > 0 {
            out.push(format!(
                "{endless} inputs have an adjustment time of {most:.3} periods or less, at which their orders oscillate for ever: \
                 give them longer ones, or let orders look at the stock after the period (StockSeen::After)"
            ));
        }
        if overshoot > 0 {
            out.push(format!(
                "{overshoot} inputs have goods in transit that their orders hardly count (supply_line below 0.5), and adjustment \
                 times at which stocks overshoot; with a lag of 1 period it takes 6.75 periods not to, with 2 periods 9.48"
            ));
        }
        let several = network.inputs(self.substitution) < network.links();
        if self.division != Division::PerLink && !several {
            out.push(format!(
                "division {} divides an input's order among its suppliers, and every input has one: choose Substitution::Product",
                self.division.name()
            ));
        }
        if self.gap == Gap::Shortfall && params.target_inventory.iter().any(|n| *n < 1.0) {
            out.push("stocks below one period of use are not run down by Gap::Shortfall, and limit output".into());
        }
        out
    }

    /// What a scenario says of an economy beside numbers.
    pub(crate) fn structure(
        &self,
        params: &Params,
        shock: &Shock,
        learnt: impl Fn(Parameter) -> bool,
    ) -> Structure {
        let given = |p: Parameter| params.values(p).is_some_and(|v| !v.is_empty()) || learnt(p);
        let (mut rebuilds, mut builders, mut damages) = (Vec::new(), Vec::new(), Vec::new());
        for (rebuild, event) in shock.rebuilding.iter().enumerate() {
            rebuilds.push(Rebuild {
                start: event.start,
                hold: event.hold,
            });
            let firms = event.builders.iter();
            builders.extend(firms.map(|firm| Builder {
                rebuild,
                firm: *firm,
            }));
            let all = event.damages();
            damages.extend(all.map(|(firm, _)| Damage { rebuild, firm }));
        }
        let mut damped = Vec::new();
        for event in &shock.events {
            for (k, firm) in event.firms.iter().enumerate() {
                if event.recovery == Recovery::Damped {
                    let hold = event.hold.get(k).copied().unwrap_or(0.0);
                    damped.push(DampedHit {
                        firm: *firm,
                        start: event.start,
                        hold: hold as usize,
                    });
                }
            }
        }
        Structure {
            per_input: given(Parameter::InputInventory) || given(Parameter::InputTime),
            never: params
                .input_inventory
                .iter()
                .map(|n| n.is_infinite())
                .collect(),
            critical: given(Parameter::Criticality),
            damped,
            rebuilds,
            builders,
            damages,
            ..Structure::default()
        }
    }
}
