//! Shocks: events that cut the capacity of some firms and fade.

use super::Recovery;
use super::parameter::{Domain, Parameter};
use crate::error::{Error, Result};
use crate::memory;
use crate::network::Network;

/// Start of the event that stands for random ones that were not made.
const UNMADE: usize = usize::MAX;

macro_rules! event {
    (Firm { $($firm:tt)* } Hit { $(
        $(#[$doc:meta])*
        $field:ident: $Name:ident, $words:literal, $symbol:literal, $unit:literal, $bounds:expr, $usual:expr, $prior:expr;
    )* } $($rest:tt)*) => {
        /// One event. From period `start` (the paper's t*, counted from 1) on, the capacity of firm
        /// `firms[k]` is multiplied by `1 - severity[k] r(t - start)`, where `recovery` says what r is: by default
        /// `exp(-recovery_rate[k] (t - start))`.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Event {
            /// First period of the event, 1 is the first simulated period.
            pub start: usize,
            /// The firms hit, by index, each at most once.
            pub firms: Vec<usize>,
            $( $(#[$doc])* pub $field: Vec<f64>, )*
            /// How the capacity comes back.
            pub recovery: Recovery,
        }

        fields_of_domain!(Event, Vec<f64>, [$( $field $Name )*]);
    };
}

parameters!(event);

impl Event {
    /// Every parameter of its hits with its values, in the order of the table.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Parameter, &Vec<f64>)> {
        let all = Parameter::of(Domain::Hit);
        all.filter_map(|p| Some((p, self.values(p)?)))
    }
}

/// A scenario: any number of events, whose effects multiply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shock {
    /// The events, in any order.
    pub events: Vec<Event>,
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
        Self { events }
    }

    /// This scenario with all its events recovering in this way.
    pub fn recovering(mut self, recovery: Recovery) -> Self {
        self.events.iter_mut().for_each(|e| e.recovery = recovery);
        self
    }

    /// This scenario followed by the events of another.
    pub fn and(mut self, other: Shock) -> Self {
        self.events.extend(other.events);
        self
    }

    /// Number of (event, firm) pairs, the length of the severity and recovery-rate vectors when all
    /// events are laid end to end.
    pub fn hits(&self) -> usize {
        self.events.iter().map(|e| e.firms.len()).sum()
    }

    /// All values of a parameter of hits, events laid end to end; none of another.
    pub(crate) fn values(&self, parameter: Parameter) -> Vec<f64> {
        let each = self.events.iter().filter_map(|e| e.values(parameter));
        each.flatten().copied().collect()
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

    /// Refuses events without a start, or with other numbers of firms than of values.
    pub(crate) fn whole(&self) -> Result<()> {
        for (k, event) in self.events.iter().enumerate() {
            if event.start == UNMADE {
                return Err(Error::new(
                    format!("event {k}"),
                    "Shock::random was asked for more events than fit into memory",
                    "ask it for fewer events, or for a smaller share of the firms",
                ));
            }
            if event.start == 0 || event.start > u32::MAX as usize {
                return Err(Error::new(
                    format!("event {k}"),
                    format!(
                        "start is {}, but the first simulated period is 1",
                        event.start
                    ),
                    "use a start of at least 1, and of 4 billion at most",
                ));
            }
            for (parameter, values) in event.each() {
                if values.len() != event.firms.len() {
                    return Err(Error::new(
                        format!("event {k}, {}", parameter.name()),
                        format!("{} values for {} firms", values.len(), event.firms.len()),
                        "give one per firm hit",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Refuses unknown or repeated firms, wrong lengths, and values that the model does not allow.
    pub fn check(&self, network: &Network) -> Result<()> {
        self.whole()?;
        let mut last_event = vec![usize::MAX; network.firms()];
        for (k, event) in self.events.iter().enumerate() {
            let place = |row: usize| format!("event {k}, row {row}");
            for (row, &firm) in event.firms.iter().enumerate() {
                if firm >= network.firms() {
                    return Err(Error::new(
                        place(row),
                        format!(
                            "firm {firm} is hit, but there are {} firms",
                            network.firms()
                        ),
                        "firms are counted from 0",
                    ));
                }
                if last_event[firm] == k {
                    return Err(Error::new(
                        place(row),
                        format!("firm {} is hit twice by the same event", network.name(firm)),
                        "keep one row, or make it a second event",
                    ));
                }
                last_event[firm] = k;
                for (parameter, values) in event.each() {
                    let bounds = parameter.bounds();
                    if !bounds.allow(values[row]) {
                        let (words, unit) = (parameter.words(), parameter.unit());
                        return Err(Error::new(
                            place(row),
                            format!(
                                "{words} {} is not a finite number {}",
                                values[row],
                                bounds.words()
                            ),
                            format!("give a {words} {} ({unit})", bounds.words()),
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}
