//! What is refused of a scenario, with the place and the remedy.

use super::super::Recovery;
use super::super::parameter::{Domain, Parameter};
use super::{Cells, Rebuilding, Shock, UNMADE};
use crate::error::{Error, Result};
use crate::network::Network;
use std::collections::HashSet;

/// An event of any kind, as it is checked.
struct Seen<'a> {
    /// What it is called, as "event 3".
    name: String,
    start: usize,
    /// What it hits: firms, or links.
    hits: &'a [usize],
    recovery: Recovery,
    values: Vec<(Parameter, &'a Vec<f64>)>,
    of_links: bool,
}

impl Shock {
    fn all(&self) -> impl Iterator<Item = Seen<'_>> {
        let firms = self.events.iter().enumerate().map(|(k, e)| Seen {
            name: format!("event {k}"),
            start: e.start,
            hits: &e.firms,
            recovery: e.recovery,
            values: e.each().collect(),
            of_links: false,
        });
        let demand = self.demand.iter().enumerate().map(|(k, e)| Seen {
            name: format!("demand event {k}"),
            start: e.start,
            hits: &e.firms,
            recovery: e.recovery,
            values: e.each().collect(),
            of_links: false,
        });
        let links = self.links.iter().enumerate().map(|(k, e)| Seen {
            name: format!("link event {k}"),
            start: e.start,
            hits: &e.links,
            recovery: e.recovery,
            values: e.each().collect(),
            of_links: true,
        });
        firms.chain(demand).chain(links)
    }

    /// Refuses events without a start, or with other numbers of firms than of values.
    pub(crate) fn whole(&self) -> Result<()> {
        for event in self.all() {
            if event.start == UNMADE {
                return Err(Error::new(
                    event.name,
                    "Shock::random was asked for more events than fit into memory",
                    "ask it for fewer events, or for a smaller share of the firms",
                ));
            }
            check_start(&event.name, event.start)?;
            let what = if event.of_links { "links" } else { "firms" };
            for (parameter, values) in event.values {
                let left_out = values.is_empty() && parameter.may_be_empty();
                if values.len() != event.hits.len() && !left_out {
                    return Err(Error::new(
                        format!("{}, {}", event.name, parameter.name()),
                        format!("{} values for {} {what}", values.len(), event.hits.len()),
                        if event.of_links {
                            "give one per link hit"
                        } else {
                            "give one per firm hit"
                        },
                    ));
                }
            }
        }
        Ok(())
    }

    /// Refuses unknown or repeated firms and links, wrong lengths, and values that the model does not allow.
    pub fn check(&self, network: &Network) -> Result<()> {
        self.whole()?;
        for event in self.all() {
            check_hits(network, &event)?;
        }
        for (name, cells, parameter) in [
            (
                "capacity_path",
                &self.capacity_path,
                Parameter::CapacityPath,
            ),
            ("demand_path", &self.demand_path, Parameter::DemandPath),
            ("extra_demand", &self.extra_demand, Parameter::ExtraDemand),
        ] {
            cells.check(name, network, parameter)?;
        }
        for (k, rebuilding) in self.rebuilding.iter().enumerate() {
            rebuilding.check(k, network)?;
        }
        Ok(())
    }
}

fn check_start(name: &str, start: usize) -> Result<()> {
    if start == 0 || start > u32::MAX as usize {
        return Err(Error::new(
            name,
            format!("start is {start}, but the first simulated period is 1"),
            "use a start of at least 1, and of 4 billion at most",
        ));
    }
    Ok(())
}

fn check_hits(network: &Network, event: &Seen<'_>) -> Result<()> {
    let place = |row: usize| format!("{}, row {row}", event.name);
    let (count, one, many) = match event.of_links {
        true => (network.links(), "link", "links"),
        false => (network.firms(), "firm", "firms"),
    };
    let name = |k: usize| match event.of_links {
        true => k.to_string(),
        false => network.name(k),
    };
    let mut seen = HashSet::with_capacity(event.hits.len());
    for (row, &hit) in event.hits.iter().enumerate() {
        if hit >= count {
            return Err(Error::new(
                place(row),
                format!("{one} {hit} is hit, but there are {count} {many}"),
                format!("{many} are counted from 0"),
            ));
        }
        if !seen.insert(hit) {
            return Err(Error::new(
                place(row),
                format!("{one} {} is hit twice by the same event", name(hit)),
                "keep one row, or make it a second event",
            ));
        }
        for (parameter, values) in &event.values {
            let Some(value) = values.get(row) else {
                continue;
            };
            let bounds = parameter.bounds();
            if !bounds.allow(*value) {
                let (words, unit) = (parameter.words(), parameter.unit());
                return Err(Error::new(
                    place(row),
                    format!("{words} {value} is not a finite number {}", bounds.words()),
                    format!("give a {words} {} ({unit})", bounds.words()),
                ));
            }
            check_recovery(event, *parameter, *value).map_err(|e| e.within(place(row)))?;
        }
    }
    Ok(())
}

/// Refuses what a curve is not defined for.
fn check_recovery(event: &Seen<'_>, parameter: Parameter, value: f64) -> Result<()> {
    use Parameter::{DemandRecoveryRate, Hold, LinkRecoveryRate, RecoveryRate};
    let curve = event.recovery.name();
    let damped = event.recovery == Recovery::Damped;
    if damped && parameter.domain() != Domain::Hit {
        return Err(Error::new(
            "recovery",
            "the damped recovery is that of firms whose partners are hit, and this event is on demand or links",
            "use another recovery, such as Recovery::Exponential",
        ));
    }
    if damped && parameter == Hold && value.fract() != 0.0 {
        return Err(Error::new(
            "hold",
            format!("{value} periods, and a damped recovery begins with a period"),
            "give a whole number",
        ));
    }
    let is_rate = matches!(
        parameter,
        RecoveryRate | DemandRecoveryRate | LinkRecoveryRate
    );
    let (most, above_zero) = event.recovery.rates();
    if is_rate && (value >= most && !damped || value > most || above_zero && value == 0.0) {
        return Err(Error::new(
            parameter.name(),
            format!("it is {value}, for which the {curve} recovery is not defined"),
            if most.is_finite() {
                "give the share that comes back in a period, above 0 and below 1: 1 over a time above 1"
            } else {
                "give a rate above 0: 1 over a time in periods"
            },
        ));
    }
    Ok(())
}

impl Cells {
    fn check(&self, name: &str, network: &Network, parameter: Parameter) -> Result<()> {
        let Self {
            period,
            firm,
            value,
        } = self;
        if period.len() != value.len() || firm.len() != value.len() {
            return Err(Error::new(
                name,
                format!(
                    "{} periods, {} firms and {} values",
                    period.len(),
                    firm.len(),
                    value.len()
                ),
                "give a period, a firm and a value in each row",
            ));
        }
        let mut seen = HashSet::with_capacity(value.len());
        for (row, ((t, i), v)) in period.iter().zip(firm).zip(value).enumerate() {
            let place = || format!("{name}, row {row}");
            check_start(&place(), *t)?;
            if *i >= network.firms() {
                return Err(Error::new(
                    place(),
                    format!("firm {i}, but there are {} firms", network.firms()),
                    "firms are counted from 0",
                ));
            }
            if !seen.insert((t, i)) {
                return Err(Error::new(
                    place(),
                    format!("period {t} of firm {} is given twice", network.name(*i)),
                    "keep one row",
                ));
            }
            if !parameter.bounds().allow(*v) {
                let words = parameter.words();
                return Err(Error::new(
                    place(),
                    format!(
                        "{words} {v} is not a finite number {}",
                        parameter.bounds().words()
                    ),
                    format!("give a {words} {}", parameter.bounds().words()),
                ));
            }
        }
        Ok(())
    }
}

impl Rebuilding {
    fn check(&self, k: usize, network: &Network) -> Result<()> {
        let place = |what: &str| format!("rebuilding {k}, {what}");
        check_start(&place("start"), self.start)?;
        for (what, firms, values, parameter) in [
            ("damage", &self.firms, &self.damage, Parameter::Damage),
            (
                "builder_share",
                &self.builders,
                &self.builder_share,
                Parameter::BuilderShare,
            ),
        ] {
            if firms.len() != values.len() {
                return Err(Error::new(
                    place(what),
                    format!("{} values for {} firms", values.len(), firms.len()),
                    "give one per firm",
                ));
            }
            let mut seen = HashSet::new();
            for (i, v) in firms.iter().zip(values) {
                if *i >= network.firms() || !seen.insert(i) {
                    return Err(Error::new(
                        place(what),
                        format!(
                            "firm {i} is there twice, or there is none: there are {}",
                            network.firms()
                        ),
                        "name each firm once, counted from 0",
                    ));
                }
                if !parameter.bounds().allow(*v) {
                    return Err(Error::new(
                        place(what),
                        format!("{v} for firm {}", network.name(*i)),
                        format!("give a finite number {}", parameter.bounds().words()),
                    ));
                }
            }
        }
        let sum: f64 = self.builder_share.iter().sum();
        if (sum - 1.0).abs() > 1e-4 {
            return Err(Error::new(
                place("builder_share"),
                format!("the shares of those that rebuild add up to {sum}"),
                "give shares that add up to 1, so that no damage is rebuilt twice or never",
            ));
        }
        for (what, v, parameter) in [
            ("households", self.households, Parameter::Damage),
            (
                "rebuilding_time",
                self.rebuilding_time,
                Parameter::RebuildingTime,
            ),
            (
                "rebuilding_factor",
                self.rebuilding_factor,
                Parameter::RebuildingFactor,
            ),
        ] {
            if !parameter.bounds().allow(v) {
                return Err(Error::new(
                    place(what),
                    format!("it is {v}"),
                    format!("give a finite number {}", parameter.bounds().words()),
                ));
            }
        }
        Ok(())
    }
}
