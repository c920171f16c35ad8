//! From coordinates to the values of firms and hits, and gradients back.

use super::prior::Transport;
use super::{Parameter, Per, Prior, Problem};
use crate::model::Domain;
use crate::network::Network;
use crate::simulate::GRAIN;
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;

/// One varying parameter. Its *entries* are what the model takes: firms, or hits of all scenarios end to
/// end. Its *units* are what has a value of its own: entries, or regions, sectors and so on. Its
/// *coordinates* are the standard normals that units are made of.
pub(crate) struct Varying {
    pub(crate) parameter: Parameter,
    pub(crate) prior: Prior,
    pub(crate) per: Per,
    /// What each unit is called.
    pub(crate) labels: Vec<String>,
    transport: Transport,
    /// Unit of each entry; empty where units are entries.
    unit: Vec<u32>,
    /// Number of entries.
    entries: usize,
    common: Option<Common>,
    /// Units of the periods before each unit's, the first first, where these walk at random; and the step.
    before: Vec<Vec<u32>>,
    step: f64,
    /// Its coordinates among those of a particle: of the common parts first.
    coordinates: Range<usize>,
}

/// What firms of a region, sector or group have in common.
struct Common {
    of: Vec<u32>,
    groups: usize,
    /// √share and √(1 - share) of `Per::FirmInSector`.
    weight: (f64, f64),
}

/// Values of a batch of particles, [particle, entry], and T' at the units, [particle, unit], or nothing.
pub(crate) struct VaryingValues {
    pub(crate) entries: Vec<f64>,
    slope: Vec<f64>,
}

/// Numbers things by the order in which they come.
#[derive(Default)]
struct Numbers {
    seen: HashMap<(usize, usize), u32>,
    labels: Vec<String>,
}

impl Numbers {
    fn of(&mut self, key: (usize, usize), label: impl FnOnce() -> String) -> u32 {
        let next = self.labels.len() as u32;
        *self.seen.entry(key).or_insert_with(|| {
            self.labels.push(label());
            next
        })
    }

    /// Of each number those with the same second part of their key and a smaller first one, in the order of that.
    fn before(&self) -> Vec<Vec<u32>> {
        let mut all: Vec<(&(usize, usize), u32)> = self.seen.iter().map(|(k, n)| (k, *n)).collect();
        all.sort_unstable();
        let mut chains: HashMap<usize, Vec<u32>> = HashMap::new();
        let mut out = vec![Vec::new(); all.len()];
        for ((_, key), number) in all {
            let chain = chains.entry(*key).or_default();
            out[number as usize].clone_from(chain);
            chain.push(number);
        }
        out
    }
}

/// What has a value of its own.
struct Entry {
    /// Its event, if it belongs to one, numbered through all scenarios; of a path its period.
    event: Option<usize>,
    /// Its firm: of a link or an input the buyer; none of households and of a rebuilding.
    firm: Option<usize>,
    /// What it is called.
    name: String,
}

/// What has a value of its own in a domain.
fn entries(problem: &Problem, domain: Domain) -> Vec<Entry> {
    let network = &problem.network;
    let of_firm = |event: Option<usize>, i: usize| Entry {
        event,
        firm: Some(i),
        name: network.name(i),
    };
    let of_link = |e: usize| {
        let (i, j) = (network.buyer()[e] as usize, network.supplier()[e] as usize);
        Entry {
            event: None,
            firm: Some(i),
            name: format!("{} from {}", network.name(i), network.name(j)),
        }
    };
    match domain {
        Domain::Firm => (0..network.firms()).map(|i| of_firm(None, i)).collect(),
        Domain::Link => (0..network.links()).map(of_link).collect(),
        Domain::Input => {
            let substitution = problem.simulation.model.substitution;
            let inputs = network.input_links(substitution);
            let of_input = |links: &Vec<u32>| {
                let first = links[0] as usize;
                let mut entry = of_link(first);
                if links.len() > 1 {
                    let buyer = network.name(network.buyer()[first] as usize);
                    let product = &network.products()[network.product()[first] as usize];
                    entry.name = format!("{buyer} from {product}");
                }
                entry
            };
            inputs.iter().map(of_input).collect()
        }
        _ => {
            let mut out = Vec::new();
            let mut events = 0;
            let path = domain.of_path();
            for (shock, _) in problem.scenarios() {
                let mut most = events;
                for (event, firm) in shock.places(network, domain) {
                    // Periods are those of every scenario, events are a scenario's own.
                    let event = if path { event } else { events + event };
                    most = most.max(event + 1);
                    out.push(Entry {
                        event: Some(event),
                        firm,
                        name: firm.map_or("households".into(), |i| network.name(i)),
                    });
                }
                if !path {
                    events = most;
                }
            }
            out
        }
    }
}

/// Where a firm belongs, as a number, and its name.
fn place(network: &Network, per: Per, firm: usize) -> (usize, String) {
    let g = network.group()[firm] as usize;
    let (r, s) = network.groups()[g];
    let (region, sector) = (&network.regions()[r], &network.sectors()[s]);
    match per {
        Per::Region | Per::FirmInRegion(_) | Per::RegionWalk(_) => (r, region.clone()),
        Per::Sector | Per::FirmInSector(_) | Per::SectorWalk(_) => (s, sector.clone()),
        Per::Group | Per::FirmInGroup(_) | Per::GroupWalk(_) => (g, format!("{region} · {sector}")),
        Per::Event | Per::All | Per::Walk(_) => (0, "all".into()),
        Per::Firm => (firm, network.name(firm)),
    }
}

/// Lays out everything that varies, one parameter after the other.
pub(crate) fn layout(problem: &Problem) -> Vec<Varying> {
    let mut first = 0;
    let varying = problem.priors.varying().into_iter();
    varying
        .map(|(parameter, prior, per)| {
            let one = Varying::new(problem, parameter, prior, per, first);
            first = one.coordinates.end;
            one
        })
        .collect()
}

impl Varying {
    fn new(problem: &Problem, parameter: Parameter, prior: Prior, per: Per, first: usize) -> Self {
        let network = &problem.network;
        let domain = parameter.domain();
        let entries = entries(problem, domain);
        let path = domain.of_path();
        let event = if path { "period" } else { "event" };
        let named = |of: Option<usize>, name: String| match of {
            Some(k) if per != Per::All => format!("{event} {k} · {name}"),
            _ => name,
        };
        let mut units = Numbers::default();
        let each = matches!(
            per,
            Per::Firm | Per::FirmInRegion(_) | Per::FirmInSector(_) | Per::FirmInGroup(_)
        );
        let mut unit = Vec::new();
        for Entry { event, firm, name } in &entries {
            if each {
                units.labels.push(named(*event, name.clone()));
            } else {
                let (key, name) = match firm {
                    Some(firm) => place(network, per, *firm),
                    None => (usize::MAX, name.clone()),
                };
                let event_key = if per == Per::All {
                    0
                } else {
                    event.map_or(0, |k| k + 1)
                };
                unit.push(units.of((event_key, key), || named(*event, name)));
            }
        }
        let common = match per {
            Per::FirmInRegion(share) | Per::FirmInSector(share) | Per::FirmInGroup(share) => {
                let mut groups = Numbers::default();
                let of = entries
                    .iter()
                    .map(|Entry { event, firm, name }| {
                        let (key, name) = match firm {
                            Some(firm) => place(network, per, *firm),
                            None => (usize::MAX, name.clone()),
                        };
                        groups.of((event.map_or(0, |k| k + 1), key), || name)
                    })
                    .collect();
                Some(Common {
                    of,
                    groups: groups.labels.len(),
                    weight: (share.sqrt(), (1.0 - share).sqrt()),
                })
            }
            _ => None,
        };
        let before = match per.walk() {
            Some(_) => units.before(),
            None => Vec::new(),
        };
        let count = units.labels.len() + common.as_ref().map_or(0, |c| c.groups);
        Self {
            parameter,
            prior,
            per,
            labels: units.labels,
            transport: Transport::new(prior),
            unit,
            entries: entries.len(),
            common,
            before,
            step: per.walk().unwrap_or(1.0),
            coordinates: first..first + count,
        }
    }

    pub(crate) fn units(&self) -> usize {
        self.labels.len()
    }

    pub(crate) fn end(&self) -> usize {
        self.coordinates.end
    }

    /// Whether every unit has one coordinate.
    fn is_plain(&self) -> bool {
        self.common.is_none() && self.before.is_empty()
    }

    /// The coordinates that unit k is made of, with their weights.
    pub(crate) fn parts(&self, k: usize) -> impl Iterator<Item = (usize, f64)> + use<> {
        let first = self.coordinates.start;
        let before = self.before.get(k);
        let weight = |n: usize| if n == 0 { 1.0 } else { self.step };
        let walked: Vec<(usize, f64)> = (before.iter().flat_map(|b| b.iter().enumerate()))
            .map(|(n, unit)| (first + *unit as usize, weight(n)))
            .collect();
        let (own, common) = match &self.common {
            None => ((first + k, weight(walked.len())), None),
            Some(c) => (
                (first + c.groups + k, c.weight.1),
                Some((first + c.of[k] as usize, c.weight.0)),
            ),
        };
        common.into_iter().chain(walked).chain([own])
    }

    /// The standard-normal coordinate of unit k's value, for a particle's row of coordinates.
    fn coordinate(&self, row: &[f64], k: usize) -> f64 {
        match self.is_plain() {
            true => row[self.coordinates.start + k],
            false => self.parts(k).map(|(at, w)| w * row[at]).sum(),
        }
    }

    /// Coordinates of the units of every particle, [particle, unit]; `u` is [particle, coordinate].
    pub(crate) fn unit_coordinates(&self, u: &[f64], dimension: usize) -> Vec<f64> {
        let (first, units) = (self.coordinates.start, self.units());
        let mut all = Vec::with_capacity(u.len() / dimension * units);
        for row in u.chunks_exact(dimension) {
            match self.is_plain() {
                true => all.extend_from_slice(&row[first..][..units]),
                false => all.extend((0..units).map(|k| self.coordinate(row, k))),
            }
        }
        all
    }

    /// Values of the units of every particle, [particle, unit].
    pub(crate) fn unit_values(&self, u: &[f64], dimension: usize) -> Vec<f64> {
        self.transported(u, dimension, false).0
    }

    /// Values of the entries of every particle, where `sloped` with the slopes that their gradient needs.
    pub(crate) fn values(&self, u: &[f64], dimension: usize, sloped: bool) -> VaryingValues {
        let (value, slope) = self.transported(u, dimension, sloped);
        VaryingValues {
            entries: self.spread(value),
            slope,
        }
    }

    /// Values of the units of every particle and, where `sloped`, T' there, [particle, unit].
    fn transported(&self, u: &[f64], dimension: usize, sloped: bool) -> (Vec<f64>, Vec<f64>) {
        let mut value = self.unit_coordinates(u, dimension);
        let mut slope = vec![0.0; if sloped { value.len() } else { 0 }];
        let pieces = value.par_chunks_mut(GRAIN);
        if sloped {
            let both = pieces.zip(slope.par_chunks_mut(GRAIN));
            both.for_each(|(value, slope)| self.transport.all(value, slope));
        } else {
            pieces.for_each(|value| self.transport.all(value, &mut []));
        }
        (value, slope)
    }

    /// Values of the entries, [row, entry], from those of the units, [row, unit].
    pub(crate) fn spread(&self, value: Vec<f64>) -> Vec<f64> {
        if self.unit.is_empty() {
            return value;
        }
        let rows = value.chunks_exact(self.units());
        rows.flat_map(|row| self.unit.iter().map(|k| row[*k as usize]))
            .collect()
    }

    /// Adds the gradient in the coordinates, [particle, coordinate], of what has gradient `g` in some of
    /// the entries: those from `first` on, [particle, entry].
    pub(crate) fn pull(
        &self,
        values: &VaryingValues,
        g: &[f64],
        first: usize,
        dimension: usize,
        to: &mut [f64],
    ) {
        let units = self.units();
        let count = g.len() * dimension / to.len();
        for (p, to) in to.chunks_exact_mut(dimension).enumerate() {
            let (g, slope) = (
                &g[p * count..][..count],
                &values.slope[p * units..][..units],
            );
            // An entry a coordinate: threads can share them.
            if self.is_plain() && self.unit.is_empty() {
                let to = &mut to[self.coordinates.start + first..][..count];
                let all = to.par_iter_mut().zip(g).zip(&slope[first..][..count]);
                all.with_min_len(GRAIN)
                    .for_each(|((to, g), slope)| *to += g * slope);
                continue;
            }
            for (k, g) in g.iter().enumerate() {
                let unit = match self.unit.is_empty() {
                    true => first + k,
                    false => self.unit[first + k] as usize,
                };
                for (at, w) in self.parts(unit) {
                    to[at] += w * g * slope[unit];
                }
            }
        }
    }

    /// Number of entries.
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }
}

/// A value that follows coordinates, cut into those of each parameter's units.
pub(crate) fn cut<'a>(layout: &'a [Varying], all: &'a [f64]) -> impl Iterator<Item = &'a [f64]> {
    let mut first = 0;
    layout.iter().map(move |v| {
        first += v.units();
        &all[first - v.units()..first]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Params, Shock};
    use crate::network::Synthetic;
    use crate::simulate::{Simulation, simulate};

    #[test]
    fn every_domain_has_its_entries_and_names() {
        let network = Network::synthetic(&Synthetic {
            firms: 20,
            ..Synthetic::default()
        })
        .expect("an economy");
        let shock = Shock::firms(&[3, 5], 2, 0.4, 0.1).and(Shock::firms(&[3], 4, 0.2, 0.1));
        let params = Params::usual(&network);
        let run = simulate(&network, &params, &shock, &Simulation::default()).expect("a run");
        let problem = Problem::new(&network, &shock, &run.observe());
        let of = |domain| entries(&problem, domain);
        let model = problem.simulation.model;
        assert_eq!(
            of(Domain::Firm).len(),
            Domain::Firm.entries(&network, &model)
        );
        let hits = of(Domain::Hit);
        let hits: Vec<_> = hits.iter().map(|e| (e.event, e.firm)).collect();
        assert_eq!(
            hits,
            [(Some(0), Some(3)), (Some(0), Some(5)), (Some(1), Some(3))],
            "events are numbered through"
        );
        for domain in [Domain::Link, Domain::Input] {
            let links = of(domain);
            assert_eq!(links.len(), domain.entries(&network, &model));
            let (buyer, supplier) = (links[7].firm.unwrap(), network.supplier()[7] as usize);
            let expected = format!("{} from {}", network.name(buyer), network.name(supplier));
            assert_eq!(links[7].name, expected);
        }
    }
}
