//! Shocks: events on firms, final demand and links that fade, given paths, and damage that is rebuilt.

mod check;
mod event;

use super::parameter::{Domain, Parameter};
use super::path::{Effect, Given, Paths};
use super::{Combination, Recovery};
use crate::error::Result;
use crate::memory;
use crate::network::Network;
pub use event::{Cells, DemandEvent, Event, LinkEvent, Rebuilding};

/// Start of the event that stands for random ones that were not made.
const UNMADE: usize = usize::MAX;

/// A scenario: any number of events, whose effects multiply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shock {
    /// The events on firms, in any order.
    pub events: Vec<Event>,
    /// Events on final demand.
    pub demand: Vec<DemandEvent>,
    /// Events on links.
    pub links: Vec<LinkEvent>,
    /// Shares of capacity that are left, beside events (z).
    pub capacity_path: Cells,
    /// Factors of final demand, beside events (m).
    pub demand_path: Cells,
    /// Amounts that are added to final demand, units per period (e).
    pub extra_demand: Cells,
    /// Damage that is rebuilt.
    pub rebuilding: Vec<Rebuilding>,
}

impl Shock {
    /// No event at all: the economy stays in its steady state.
    pub fn none() -> Self {
        Self::default()
    }

    /// One event that hits the given firms alike.
    pub fn firms(firms: &[usize], start: usize, severity: f64, recovery_rate: f64) -> Self {
        Self {
            events: vec![Event {
                start,
                firms: firms.to_vec(),
                severity: vec![severity; firms.len()],
                recovery_rate: vec![recovery_rate; firms.len()],
                ..Event::default()
            }],
            ..Self::default()
        }
    }

    /// One event that hits every firm of a region alike; an unknown region is an error.
    pub fn region(
        network: &Network,
        region: &str,
        start: usize,
        severity: f64,
        recovery_rate: f64,
    ) -> Result<Self> {
        let firms = network.firms_in_region(region)?;
        Ok(Self::firms(&firms, start, severity, recovery_rate))
    }

    /// One event that hits every firm of a sector alike; an unknown sector is an error.
    pub fn sector(
        network: &Network,
        sector: &str,
        start: usize,
        severity: f64,
        recovery_rate: f64,
    ) -> Result<Self> {
        let firms = network.firms_in_sector(sector)?;
        Ok(Self::firms(&firms, start, severity, recovery_rate))
    }

    /// Random events after the paper's experiment: each hits every firm with probability `share`,
    /// starts uniformly in `1..=latest`, with severity uniform in 0.3..0.9 and recovery rate
    /// uniform in 0.05..0.3, drawn per firm. The same seed gives the same events. More of them than fit into memory
    /// are not made: whatever the scenario is given to refuses it.
    pub fn random(network: &Network, events: usize, share: f64, latest: usize, seed: u64) -> Self {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
        // A share that is no number hits nobody.
        let hits = share.clamp(0.0, 1.0).max(0.0) * network.firms() as f64;
        let bytes = events as f64 * (size_of::<Event>() as f64 + 24.0 * hits);
        if memory::require("", "", bytes, "").is_err() {
            return Self {
                events: vec![Event {
                    start: UNMADE,
                    ..Event::default()
                }],
                ..Self::default()
            };
        }
        let events = (0..events)
            .map(|_| {
                let start = rng.random_range(1..=latest.max(1));
                let firms: Vec<usize> = (0..network.firms())
                    .filter(|_| rng.random::<f64>() < share)
                    .collect();
                let severity = firms.iter().map(|_| rng.random_range(0.3..0.9)).collect();
                let recovery_rate = firms.iter().map(|_| rng.random_range(0.05..0.3)).collect();
                Event {
                    start,
                    firms,
                    severity,
                    recovery_rate,
                    ..Event::default()
                }
            })
            .collect();
        Self {
            events,
            ..Self::default()
        }
    }

    /// This scenario with all its events recovering in this way.
    pub fn recovering(mut self, recovery: Recovery) -> Self {
        self.events.iter_mut().for_each(|e| e.recovery = recovery);
        self
    }

    /// This scenario with all its events on firms holding for so many periods before they recover.
    pub fn holding(mut self, periods: f64) -> Self {
        let events = self.events.iter_mut();
        events.for_each(|e| e.hold = vec![periods; e.firms.len()]);
        self
    }

    /// This scenario followed by the events, paths and rebuilding of another.
    pub fn and(mut self, other: Shock) -> Self {
        self.events.extend(other.events);
        self.demand.extend(other.demand);
        self.links.extend(other.links);
        self.rebuilding.extend(other.rebuilding);
        for (own, more) in [
            (&mut self.capacity_path, other.capacity_path),
            (&mut self.demand_path, other.demand_path),
            (&mut self.extra_demand, other.extra_demand),
        ] {
            own.period.extend(more.period);
            own.firm.extend(more.firm);
            own.value.extend(more.value);
        }
        self
    }

    /// Whether nothing happens in it.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Number of (event, firm) pairs, the length of the severity and recovery-rate vectors when all
    /// events are laid end to end.
    pub fn hits(&self) -> usize {
        self.events.iter().map(|e| e.firms.len()).sum()
    }

    /// Number of values of a domain; 0 of one that is the economy's.
    pub fn entries(&self, domain: Domain) -> usize {
        match domain {
            Domain::Firm | Domain::Input | Domain::Link => 0,
            Domain::Hit => self.hits(),
            Domain::DemandHit => self.demand.iter().map(|e| e.firms.len()).sum(),
            Domain::LinkHit => self.links.iter().map(|e| e.links.len()).sum(),
            Domain::CapacityCell => self.capacity_path.value.len(),
            Domain::DemandCell => self.demand_path.value.len(),
            Domain::ExtraCell => self.extra_demand.value.len(),
            Domain::Damage => self.rebuilding.iter().map(|r| r.firms.len() + 1).sum(),
            Domain::Builder => self.rebuilding.iter().map(|r| r.builders.len()).sum(),
            Domain::Rebuilding => self.rebuilding.len(),
        }
    }

    /// Event, from 0 within its kind, and firm of each entry of a domain; of a link its buyer, of households nobody.
    pub(crate) fn places(&self, network: &Network, domain: Domain) -> Vec<(usize, Option<usize>)> {
        fn all<'a, E: 'a>(
            events: &'a [E],
            of: impl Fn(&'a E) -> Vec<Option<usize>>,
        ) -> Vec<(usize, Option<usize>)> {
            let each = events.iter().enumerate();
            each.flat_map(|(k, e)| of(e).into_iter().map(move |i| (k, i)))
                .collect()
        }
        let some = |v: &[usize]| -> Vec<Option<usize>> { v.iter().map(|i| Some(*i)).collect() };
        let cells = |c: &Cells| c.places().into_iter().map(|(t, i)| (t, Some(i))).collect();
        match domain {
            Domain::Firm | Domain::Input | Domain::Link => Vec::new(),
            Domain::Hit => all(&self.events, |e| some(&e.firms)),
            Domain::DemandHit => all(&self.demand, |e| some(&e.firms)),
            Domain::LinkHit => {
                let buyer = |e: &usize| network.buyer().get(*e).map(|i| *i as usize);
                all(&self.links, |e| e.links.iter().map(buyer).collect())
            }
            Domain::CapacityCell => cells(&self.capacity_path),
            Domain::DemandCell => cells(&self.demand_path),
            Domain::ExtraCell => cells(&self.extra_demand),
            Domain::Damage => all(&self.rebuilding, |r| r.damages().map(|(i, _)| i).collect()),
            Domain::Builder => all(&self.rebuilding, |r| some(&r.builders)),
            Domain::Rebuilding => all(&self.rebuilding, |_| vec![None]),
        }
    }

    /// All values of a parameter of a scenario, events laid end to end; usual ones where they are left out.
    pub(crate) fn values(&self, parameter: Parameter) -> Vec<f64> {
        fn hits<'a>(
            events: impl Iterator<Item = (usize, Option<&'a Vec<f64>>)>,
            usual: f64,
        ) -> Vec<f64> {
            let of = |(hits, given): (usize, Option<&Vec<f64>>)| match given {
                Some(values) if !values.is_empty() => values.clone(),
                _ => vec![usual; hits],
            };
            events.flat_map(of).collect()
        }
        let usual = parameter.usual();
        let rebuilding = self.rebuilding.iter();
        match parameter.domain() {
            Domain::Firm | Domain::Input | Domain::Link => Vec::new(),
            Domain::Hit => {
                let each = self.events.iter();
                hits(each.map(|e| (e.firms.len(), e.values(parameter))), usual)
            }
            Domain::DemandHit => {
                let each = self.demand.iter();
                hits(each.map(|e| (e.firms.len(), e.values(parameter))), usual)
            }
            Domain::LinkHit => {
                let each = self.links.iter();
                hits(each.map(|e| (e.links.len(), e.values(parameter))), usual)
            }
            Domain::CapacityCell => self.capacity_path.value.clone(),
            Domain::DemandCell => self.demand_path.value.clone(),
            Domain::ExtraCell => self.extra_demand.value.clone(),
            Domain::Damage => rebuilding
                .flat_map(|r| r.damages().map(|(_, c)| c))
                .collect(),
            Domain::Builder => rebuilding.flat_map(|r| r.builder_share.clone()).collect(),
            Domain::Rebuilding => match parameter {
                Parameter::RebuildingTime => rebuilding.map(|r| r.rebuilding_time).collect(),
                _ => rebuilding.map(|r| r.rebuilding_factor).collect(),
            },
        }
    }

    /// Places of the hits that recover as the firm's partners do, among all hits.
    pub(crate) fn damped(&self) -> Vec<usize> {
        let each = self.events.iter();
        let hits = each.flat_map(|e| e.firms.iter().map(|_| e.recovery));
        let damped = hits.enumerate().filter(|(_, r)| *r == Recovery::Damped);
        damped.map(|(k, _)| k).collect()
    }

    /// Whether a hit holds or has a steepness of its own, so that these have values.
    pub(crate) fn has(&self, parameter: Parameter) -> bool {
        let given = |v: Option<&Vec<f64>>| v.is_some_and(|v| !v.is_empty());
        (self.events.iter()).any(|e| given(e.values(parameter)))
            || self.demand.iter().any(|e| given(e.values(parameter)))
            || self.links.iter().any(|e| given(e.values(parameter)))
    }

    /// The paths of capacity, of final demand, and of what links let through, over `periods`.
    pub(crate) fn capacity(&self, combination: Combination, periods: usize) -> Paths {
        let events = self.events.iter().map(|e| Given {
            start: e.start,
            hits: &e.firms,
            recovery: e.recovery,
        });
        let cells = self.capacity_path.places();
        Paths::new(
            Effect::Loss(combination),
            events,
            (&cells, &[]),
            |_| 1.0,
            periods,
        )
    }

    pub(crate) fn final_demand(&self, network: &Network, periods: usize) -> Paths {
        let events = self.demand.iter().map(|e| Given {
            start: e.start,
            hits: &e.firms,
            recovery: e.recovery,
        });
        let cells = (self.demand_path.places(), self.extra_demand.places());
        let base = |i: usize| network.final_demand()[i];
        Paths::new(Effect::Change, events, (&cells.0, &cells.1), base, periods)
    }

    pub(crate) fn open(&self, periods: usize) -> Paths {
        let events = self.links.iter().map(|e| Given {
            start: e.start,
            hits: &e.links,
            recovery: e.recovery,
        });
        let effect = Effect::Loss(Combination::Product);
        Paths::new(effect, events, (&[], &[]), |_| 1.0, periods)
    }

    /// What is allowed but unusual where `periods` are simulated, one sentence each: events that begin later.
    pub fn warnings(&self, periods: usize) -> Vec<String> {
        let late: Vec<usize> = (0..self.events.len())
            .filter(|k| self.events[*k].start > periods)
            .collect();
        let Some(first) = late.first() else {
            return Vec::new();
        };
        vec![format!(
            "{} of {} events begin after the last period, {periods}, and do nothing: the first is event {first}, which begins in period {}",
            late.len(),
            self.events.len(),
            self.events[*first].start
        )]
    }
}
