//! Parameters of firms and inputs, and scenarios, as files, and back.

use super::results::{counts, json, numbers, texts};
use super::schema;
use super::store::{Files, Pack, Stored};
use super::write::{ToFrame, column, text};
use crate::error::{Error, Result};
use crate::model::{
    Cells, DemandEvent, Domain, Event, LinkEvent, Parameter, Params, Rebuilding, Recovery, Shock,
};
use polars::prelude::DataFrame;

impl ToFrame for Params {
    /// One row a firm: firm (counted from 0), and a column a parameter of firms that has values.
    fn frame(&self) -> Result<DataFrame> {
        let firms = (0..self.target_inventory.len() as u32).collect();
        let mut columns = vec![column(schema::FIRM, firms)];
        for (parameter, values) in self.each() {
            if parameter.domain() == Domain::Firm && !values.is_empty() {
                columns.push(column(parameter.name(), values.clone()));
            }
        }
        Ok(DataFrame::new_infer_height(columns)?)
    }
}

impl Stored for Params {
    const KIND: &'static str = "parameters";

    /// Firms, and inputs in a second table where they have parameters of their own.
    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        let inputs = self
            .each()
            .filter(|(p, v)| p.domain() == Domain::Input && !v.is_empty());
        let inputs: Vec<_> = inputs.map(|(p, v)| column(p.name(), v.clone())).collect();
        if !inputs.is_empty() {
            pack.fact("inputs", "given");
            pack.table("inputs", "inputs", DataFrame::new_infer_height(inputs)?);
        }
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let inputs = match files.fact("inputs") {
            Ok(_) => Some(files.table("inputs")?),
            Err(_) => None,
        };
        Params::try_of(|parameter| {
            let frame = match (parameter.domain(), &inputs) {
                (Domain::Input, None) => return Ok(Vec::new()),
                (Domain::Input, Some(inputs)) => inputs,
                _ => files.frame(),
            };
            match parameter.may_be_empty() && frame.column(parameter.name()).is_err() {
                true => Ok(Vec::new()),
                false => numbers(frame, parameter.name()),
            }
        })
    }
}

impl ToFrame for Shock {
    /// One row an event on firms and firm: event, start, firm (counted from 0), and a column a parameter: severity,
    /// recovery_rate, and steepness and hold where they are given.
    fn frame(&self) -> Result<DataFrame> {
        self.whole()?;
        let hits = || {
            self.events
                .iter()
                .enumerate()
                .flat_map(|(k, e)| (0..e.firms.len()).map(move |h| (k, e, h)))
        };
        let mut columns = vec![
            column(schema::EVENT, hits().map(|(k, ..)| k as u32).collect()),
            column(
                schema::START,
                hits().map(|(_, e, _)| e.start as u32).collect(),
            ),
            column(
                schema::FIRM,
                hits().map(|(_, e, h)| e.firms[h] as u32).collect(),
            ),
        ];
        for parameter in Parameter::of(Domain::Hit) {
            if !parameter.may_be_empty() || self.has(parameter) {
                columns.push(column(parameter.name(), self.values(parameter)));
            }
        }
        Ok(DataFrame::new_infer_height(columns)?)
    }
}

/// The recovery of a name in a file.
fn recovery(name: &str) -> Result<Recovery> {
    let found = Recovery::ALL.iter().copied().find(|r| r.name() == name);
    found.ok_or_else(|| {
        Error::new(
            "recoveries",
            format!("{name:?} is no recovery that this version knows"),
            "read it with the version that wrote it",
        )
    })
}

/// Rows of what a scenario has beside events on firms: what it is, its event, a period, a firm or link, four numbers.
#[derive(Default)]
struct Further {
    kind: Vec<String>,
    event: Vec<u32>,
    start: Vec<u32>,
    place: Vec<u32>,
    name: Vec<String>,
    numbers: [Vec<f64>; 4],
}

/// Names of the four numbers.
const NUMBERS: [&str; 4] = ["value", "rate", "steepness", "hold"];

impl Further {
    fn add(
        &mut self,
        kind: &str,
        (event, start, place): (usize, usize, usize),
        name: &str,
        numbers: [f64; 4],
    ) {
        self.kind.push(kind.into());
        self.event.push(event as u32);
        self.start.push(start as u32);
        self.place.push(place as u32);
        self.name.push(name.into());
        for (to, v) in self.numbers.iter_mut().zip(numbers) {
            to.push(v);
        }
    }

    /// An event, then its hits: which of steepness and hold are given stands in the first row.
    fn event(
        &mut self,
        kind: &str,
        (event, start, recovery): (usize, usize, Recovery),
        places: &[usize],
        values: [&Vec<f64>; 4],
    ) {
        let given = |k: usize| f64::from(u8::from(!values[k].is_empty()));
        let head = [given(0), given(1), given(2), given(3)];
        self.add(
            &format!("{kind} event"),
            (event, start, 0),
            recovery.name(),
            head,
        );
        for (h, place) in places.iter().enumerate() {
            let of = |k: usize| values[k].get(h).copied().unwrap_or(0.0);
            self.add(
                kind,
                (event, start, *place),
                "",
                [of(0), of(1), of(2), of(3)],
            );
        }
    }

    fn of(shock: &Shock) -> Self {
        let mut out = Self::default();
        for (k, e) in shock.demand.iter().enumerate() {
            let values = [
                &e.demand_change,
                &e.demand_recovery_rate,
                &e.demand_steepness,
                &e.demand_hold,
            ];
            out.event("demand", (k, e.start, e.recovery), &e.firms, values);
        }
        for (k, e) in shock.links.iter().enumerate() {
            let values = [
                &e.link_severity,
                &e.link_recovery_rate,
                &e.link_steepness,
                &e.link_hold,
            ];
            out.event("link", (k, e.start, e.recovery), &e.links, values);
        }
        for (kind, cells) in [
            ("capacity path", &shock.capacity_path),
            ("demand path", &shock.demand_path),
            ("extra demand", &shock.extra_demand),
        ] {
            for ((t, i), v) in cells.places().into_iter().zip(&cells.value) {
                out.add(kind, (0, t, i), "", [*v, 0.0, 0.0, 0.0]);
            }
        }
        for (k, r) in shock.rebuilding.iter().enumerate() {
            let of = [
                r.rebuilding_time,
                r.rebuilding_factor,
                r.households,
                r.hold as f64,
            ];
            out.add("rebuilding", (k, r.start, 0), "", of);
            for (i, c) in r.firms.iter().zip(&r.damage) {
                out.add("damage", (k, r.start, *i), "", [*c, 0.0, 0.0, 0.0]);
            }
            for (i, share) in r.builders.iter().zip(&r.builder_share) {
                out.add("builder", (k, r.start, *i), "", [*share, 0.0, 0.0, 0.0]);
            }
        }
        out
    }

    fn frame(self) -> Result<DataFrame> {
        let mut columns = vec![
            text(schema::KIND, self.kind),
            column(schema::EVENT, self.event),
            column(schema::START, self.start),
            column("place", self.place),
            text("recovery", self.name),
        ];
        for (name, values) in NUMBERS.into_iter().zip(self.numbers) {
            columns.push(column(name, values));
        }
        Ok(DataFrame::new_infer_height(columns)?)
    }

    fn read(frame: &DataFrame) -> Result<Self> {
        let counted = |name: &str| -> Result<Vec<u32>> {
            Ok(counts(frame, name)?.into_iter().map(|v| v as u32).collect())
        };
        let mut out = Self {
            kind: texts(frame, schema::KIND)?,
            event: counted(schema::EVENT)?,
            start: counted(schema::START)?,
            place: counted("place")?,
            name: texts(frame, "recovery")?,
            numbers: Default::default(),
        };
        for (name, to) in NUMBERS.into_iter().zip(&mut out.numbers) {
            *to = numbers(frame, name)?;
        }
        Ok(out)
    }

    // Long: one kind of row after the other.
    /// Adds what the rows say to a scenario.
    fn put(&self, shock: &mut Shock) -> Result<()> {
        let mut given = [0.0; 4];
        for (k, kind) in self.kind.iter().enumerate() {
            let (start, place) = (self.start[k] as usize, self.place[k] as usize);
            let v: [f64; 4] = std::array::from_fn(|n| self.numbers[n][k]);
            let cell = |cells: &mut Cells| {
                cells.period.push(start);
                cells.firm.push(place);
                cells.value.push(v[0]);
            };
            let lost = || Error::new("further", "an event is missing", "write it again");
            match kind.as_str() {
                "demand event" => {
                    given = v;
                    shock.demand.push(DemandEvent {
                        start,
                        recovery: recovery(&self.name[k])?,
                        ..DemandEvent::default()
                    });
                }
                "link event" => {
                    given = v;
                    shock.links.push(LinkEvent {
                        start,
                        recovery: recovery(&self.name[k])?,
                        ..LinkEvent::default()
                    });
                }
                "demand" => {
                    let e = shock.demand.last_mut().ok_or_else(lost)?;
                    e.firms.push(place);
                    let to = [
                        &mut e.demand_change,
                        &mut e.demand_recovery_rate,
                        &mut e.demand_steepness,
                        &mut e.demand_hold,
                    ];
                    add(to, given, v);
                }
                "link" => {
                    let e = shock.links.last_mut().ok_or_else(lost)?;
                    e.links.push(place);
                    let to = [
                        &mut e.link_severity,
                        &mut e.link_recovery_rate,
                        &mut e.link_steepness,
                        &mut e.link_hold,
                    ];
                    add(to, given, v);
                }
                "capacity path" => cell(&mut shock.capacity_path),
                "demand path" => cell(&mut shock.demand_path),
                "extra demand" => cell(&mut shock.extra_demand),
                "rebuilding" => shock.rebuilding.push(Rebuilding {
                    start,
                    rebuilding_time: v[0],
                    rebuilding_factor: v[1],
                    households: v[2],
                    hold: v[3] as usize,
                    ..Rebuilding::default()
                }),
                "damage" => {
                    let r = shock.rebuilding.last_mut().ok_or_else(lost)?;
                    r.firms.push(place);
                    r.damage.push(v[0]);
                }
                "builder" => {
                    let r = shock.rebuilding.last_mut().ok_or_else(lost)?;
                    r.builders.push(place);
                    r.builder_share.push(v[0]);
                }
                other => {
                    return Err(Error::new(
                        "further",
                        format!("{other:?} is nothing that this version knows"),
                        "read it with the version that wrote it",
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Adds a hit's values to those that are given.
fn add(to: [&mut Vec<f64>; 4], given: [f64; 4], values: [f64; 4]) {
    for ((to, given), v) in to.into_iter().zip(given).zip(values) {
        if given > 0.0 {
            to.push(v);
        }
    }
}

impl Stored for Shock {
    const KIND: &'static str = "scenario";

    /// Events on firms, and all else in a second table.
    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.frame()?);
        // An event may hit nobody.
        let starts: Vec<usize> = self.events.iter().map(|e| e.start).collect();
        pack.fact("starts", json(&starts));
        let recoveries: Vec<&str> = self.events.iter().map(|e| e.recovery.name()).collect();
        pack.fact("recoveries", json(&recoveries));
        for parameter in Parameter::of(Domain::Hit).filter(|p| p.may_be_empty()) {
            let given = |e: &Event| e.values(parameter).is_some_and(|v| !v.is_empty());
            let given: Vec<bool> = self.events.iter().map(given).collect();
            pack.fact(parameter.name(), json(&given));
        }
        let further = Further::of(self);
        if !further.kind.is_empty() {
            pack.fact("further", "given");
            pack.table("further", "further", further.frame()?);
        }
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        let starts: Vec<usize> = files.json("starts")?;
        // Files of earlier versions have no other recovery than the default.
        let recoveries: Vec<String> = match files.fact("recoveries") {
            Ok(_) => files.json("recoveries")?,
            Err(_) => vec![Recovery::default().name().into(); starts.len()],
        };
        if recoveries.len() != starts.len() {
            return Err(Error::new(
                "recoveries",
                format!("{} for {} events", recoveries.len(), starts.len()),
                "write it again",
            ));
        }
        let mut events = Vec::with_capacity(starts.len());
        for (start, name) in starts.into_iter().zip(&recoveries) {
            events.push(Event {
                start,
                recovery: recovery(name)?,
                ..Event::default()
            });
        }
        let frame = files.frame();
        let (event, firm) = (counts(frame, schema::EVENT)?, counts(frame, schema::FIRM)?);
        for k in 0..event.len() {
            let Some(e) = events.get_mut(event[k]) else {
                return Err(Error::new(
                    "event",
                    format!("there is no event {}", event[k]),
                    "write it again",
                ));
            };
            e.firms.push(firm[k]);
        }
        for parameter in Parameter::of(Domain::Hit) {
            if parameter.may_be_empty() && frame.column(parameter.name()).is_err() {
                continue;
            }
            let given: Vec<bool> = match parameter.may_be_empty() {
                true => files.json(parameter.name())?,
                false => vec![true; events.len()],
            };
            for (k, v) in numbers(frame, parameter.name())?.into_iter().enumerate() {
                let of_event = events[event[k]].values_mut(parameter);
                if let (Some(to), true) = (of_event, given.get(event[k]) == Some(&true)) {
                    to.push(v);
                }
            }
        }
        let mut shock = Shock {
            events,
            ..Shock::default()
        };
        if files.fact("further").is_ok() {
            Further::read(&files.table("further")?)?.put(&mut shock)?;
        }
        Ok(shock)
    }
}
