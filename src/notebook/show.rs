//! The trait by which a notebook shows a value, for everything that a user can bind.

use super::behaviour;
use super::card::{self, Card};
use super::cell;
use super::economy;
use super::frames;
use super::page::{Page, emit, in_notebook};
use super::table;
use crate::equilibrium::{Elasticities, Hulten, Propagated, SecondOrder, Yardsticks};
use crate::error::Error;
use crate::frame::{Alignment, Description, Guess, Index, Loaded, Onset, Source, ToFrame};
use crate::infer::{
    Assumptions, Background, Check, Contest, Outcome, Posterior, Prediction, Problem, Sbc,
    Sensitivity, Snapshot, Summary, WhatIf,
};
use crate::model::{Params, Shock};
use crate::network::Network;
use crate::observe::Observation;
use crate::plot::{Animation, Draw, Figure};
use crate::simulate::{Attribution, DeviceInfo, Trajectory};
use crate::study::{Band, Losses, Policies, Scenarios};
use crate::table::{Corrected, Disaggregated, Finding, InputOutput};
use base64::Engine;
use polars::prelude::DataFrame;

/// How a value looks in a notebook. In scope it also keeps evcxr from compiling a cell twice.
pub trait Show {
    /// As HTML that needs nothing else.
    fn html(&self) -> String;
    /// As plain text.
    fn text(&self) -> String;
    /// All its forms, each behind its MIME type.
    fn parts(&self) -> Vec<(&'static str, String)> {
        vec![("text/html", self.html()), ("text/plain", self.text())]
    }
    /// As HTML that is quickly made, for what changes many times a second.
    fn quick(&self) -> String {
        self.html()
    }
    /// Called by evcxr on the last expression of a cell.
    fn evcxr_display(&self) {
        emit(&[("text/html", &self.html()), ("text/plain", &self.text())]);
    }
}

fn card_text((title, facts): &Card) -> String {
    let lines: Vec<String> = facts
        .iter()
        .map(|(name, value)| format!("  {name}: {value}"))
        .collect();
    format!("{title}\n{}", lines.join("\n"))
}

macro_rules! cards {
    ($($kind:ty => $card:path),+ $(,)?) => {$(
        impl Show for $kind {
            fn html(&self) -> String {
                let (title, facts) = $card(self);
                table::facts(&title, &facts)
            }
            fn text(&self) -> String {
                card_text(&$card(self))
            }
        }
    )+};
}

cards! {
    Network => economy::network,
    Yardsticks => economy::yardsticks,
    Params => card::params,
    Shock => card::shock,
    Trajectory => card::trajectory,
    Attribution => behaviour::attribution,
    Assumptions => behaviour::assumptions,
    Observation => card::observation,
    Problem => card::problem,
    Posterior => card::posterior,
    Prediction => card::prediction,
    Sensitivity => card::sensitivity,
    Sbc => card::sbc,
    Check => card::check,
    Outcome => card::outcome,
    WhatIf => card::what_if,
    Onset => frames::onset,
    Source => frames::source,
    Guess => frames::guess,
    InputOutput => card::input_output,
    Disaggregated => card::disaggregated,
}

/// A figure as it is kept. The HTML says how large it is, and shrinks with the page: notebooks show a
/// bare PNG with two pixels a point too large, and cut off an SVG. The PNG is for exports, as to PDF.
pub(super) fn kept(figure: &Figure) -> Result<[(&'static str, String); 2], Error> {
    let png = base64::engine::general_purpose::STANDARD.encode(figure.png()?);
    let (width, height) = figure.size;
    let html = format!(
        "<img width=\"{width}\" height=\"{height}\" style=\"max-width:100%;height:auto\" alt=\"{}\" src=\"data:image/png;base64,{png}\">",
        table::escape(&figure.title)
    );
    Ok([("text/html", html), ("image/png", png)])
}

impl Show for Figure {
    fn html(&self) -> String {
        match kept(self) {
            Ok([(_, html), _]) => html,
            Err(e) => table::escape(&e.to_string()),
        }
    }

    fn text(&self) -> String {
        format!("[figure: {}]", self.title)
    }

    fn parts(&self) -> Vec<(&'static str, String)> {
        match kept(self) {
            Ok([html, png]) => vec![html, png, ("text/plain", self.text())],
            Err(e) => vec![("text/plain", e.to_string())],
        }
    }

    fn quick(&self) -> String {
        match self.svg() {
            Ok(svg) => svg,
            Err(e) => table::escape(&e.to_string()),
        }
    }

    fn evcxr_display(&self) {
        if !in_notebook() {
            return emit(&[("text/plain", &self.text())]);
        }
        let parts = self.parts();
        let parts: Vec<(&str, &str)> = parts.iter().map(|p| (p.0, p.1.as_str())).collect();
        emit(&parts);
    }
}

/// A picture that moves.
impl Show for Animation {
    fn html(&self) -> String {
        match self.gif() {
            Ok(gif) => format!(
                "<img style=\"max-width:100%;height:auto\" alt=\"animation\" src=\"data:image/gif;base64,{}\">",
                base64::engine::general_purpose::STANDARD.encode(gif)
            ),
            Err(e) => table::escape(&e.to_string()),
        }
    }
    fn text(&self) -> String {
        format!("[animation of {} figures]", self.frames.len())
    }
}

/// Several figures, one below the other.
impl Show for Vec<Figure> {
    fn html(&self) -> String {
        let each = self.iter().map(|f| format!("<div>{}</div>", f.html()));
        each.collect()
    }
    fn text(&self) -> String {
        let each: Vec<String> = self.iter().map(Show::text).collect();
        each.join("\n")
    }
    fn quick(&self) -> String {
        let each = self.iter().map(|f| format!("<div>{}</div>", f.quick()));
        each.collect()
    }
}

/// A page of several values, as `show!` makes it.
impl Show for Page {
    fn html(&self) -> String {
        self.html.clone()
    }
    fn text(&self) -> String {
        self.text.trim_end().to_string()
    }
}

impl Show for Snapshot {
    fn html(&self) -> String {
        self.figure().html()
    }
    fn text(&self) -> String {
        format!("Calibration by {}: {}", self.method, self.line())
    }
    fn evcxr_display(&self) {
        self.figure().evcxr_display();
    }
}

impl Show for Background {
    fn html(&self) -> String {
        let picture = self.snapshot().map_or(String::new(), |s| s.html());
        format!("<p>{}</p>{picture}", table::escape(&self.status()))
    }
    fn text(&self) -> String {
        self.status()
    }
}

/// The warnings first: what speaks against reading the rows.
impl Show for Summary {
    fn html(&self) -> String {
        let warnings = self.warnings.iter();
        let lines = warnings.map(|w| format!("<p>Warning: {}</p>", table::escape(w)));
        lines.collect::<String>() + &self.frame().html()
    }
    fn text(&self) -> String {
        let warnings = self.warnings.iter();
        let lines = warnings.map(|w| format!("Warning: {w}\n"));
        lines.collect::<String>() + &self.frame().text()
    }
}

macro_rules! frames {
    ($($kind:ty),+) => {$(
        impl Show for $kind {
            fn html(&self) -> String {
                self.frame().html()
            }
            fn text(&self) -> String {
                self.frame().text()
            }
        }
    )+};
}

frames!(Contest, Losses, Policies, Scenarios, Band, Vec<Finding>);

impl Show for DataFrame {
    fn html(&self) -> String {
        table::frame(self)
    }
    fn text(&self) -> String {
        self.to_string()
    }
}

/// What was changed, as a frame.
impl Show for Corrected {
    fn html(&self) -> String {
        let line = format!("{} cells were changed", self.changes.len());
        format!("{}<p>{line}</p>{}", self.table.html(), self.frame().html())
    }
    fn text(&self) -> String {
        let line = format!("{} cells were changed", self.changes.len());
        format!("{}\n{line}\n{}", self.table.text(), self.frame().text())
    }
}

impl Show for Loaded {
    fn html(&self) -> String {
        let title = format!("{}: {}", self.path.display(), self.about.kind);
        format!(
            "{}{}",
            table::facts(&title, &loaded(self)),
            self.frame.html()
        )
    }
    fn text(&self) -> String {
        let facts = loaded(self)
            .into_iter()
            .map(|(name, value)| format!("  {name}: {value}\n"));
        format!(
            "{}: {}\n{}{}",
            self.path.display(),
            self.about.kind,
            facts.collect::<String>(),
            self.frame
        )
    }
}

fn loaded(file: &Loaded) -> Vec<(&str, String)> {
    let by = match file.about.version.as_str() {
        "" => "another program".to_string(),
        version => format!("bullwhip {version}"),
    };
    // Lists of names and the like are for reading back.
    let short = |v: &String| {
        if v.chars().count() > 90 {
            format!("{}…", v.chars().take(90).collect::<String>())
        } else {
            v.clone()
        }
    };
    let facts = file.about.facts.iter().map(|(k, v)| (k.as_str(), short(v)));
    std::iter::once(("written by", by)).chain(facts).collect()
}

impl Show for Index {
    fn html(&self) -> String {
        format!(
            "<p>{}</p>{}",
            table::escape(&index_line(self)),
            self.frame.html()
        )
    }
    fn text(&self) -> String {
        format!("{}\n{}", index_line(self), self.frame)
    }
}

fn index_line(index: &Index) -> String {
    let mut line = format!(
        "{} ({}): {} rows, {} without a value",
        index.format.name(),
        index.reason,
        index.frame.height(),
        index.missing
    );
    for note in &index.notes {
        line += &format!("; note: {note}");
    }
    if let Some(source) = &index.source {
        line += &format!(". {}", source.licence);
    }
    line
}

impl Show for Description {
    fn html(&self) -> String {
        let (title, facts) = frames::description(self);
        table::facts(&title, &facts) + &frames::columns(&self.columns)
    }
    fn text(&self) -> String {
        card_text(&frames::description(self)) + &frames::columns_text(&self.columns)
    }
}

impl Show for Alignment {
    fn html(&self) -> String {
        format!("<pre>{}</pre>", table::escape(&self.text()))
    }
    fn text(&self) -> String {
        let list = |names: &[String]| {
            if names.is_empty() {
                "none".into()
            } else {
                names.join(", ")
            }
        };
        format!(
            "{}\n  groups without data: {}\n  series not used: {}",
            self.observed.text(),
            list(&self.without_data),
            list(&self.unused)
        )
    }
}

/// Nothing to show, as of a loop at the end of a cell.
impl Show for () {
    fn html(&self) -> String {
        String::new()
    }
    fn text(&self) -> String {
        String::new()
    }
    fn evcxr_display(&self) {}
}

macro_rules! plain {
    ($($kind:ty),+ $(,)?) => {$(
        impl Show for $kind {
            fn html(&self) -> String {
                format!("<pre>{}</pre>", table::escape(&self.text()))
            }
            fn text(&self) -> String {
                cell::short(format!("{self:?}"))
            }
            fn evcxr_display(&self) {
                emit(&[("text/plain", &self.text())]);
            }
        }
    )+};
}

plain!(
    bool,
    char,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    f32,
    f64,
    Vec<f64>,
    Vec<f32>,
    Vec<usize>,
    Vec<i32>,
    Vec<i64>,
    Vec<u32>,
    Vec<String>,
    Vec<bool>,
    Vec<(i32, u32)>,
    (i32, u32),
    (usize, usize),
    (f64, f64),
    Elasticities,
    Propagated,
    Hulten,
    SecondOrder,
    Error,
);

/// As it reads, not as Rust would write it.
macro_rules! texts {
    ($($kind:ty),+) => {$(
        impl Show for $kind {
            fn html(&self) -> String {
                format!("<pre>{}</pre>", table::escape(&self.text()))
            }
            fn text(&self) -> String {
                cell::short(self.to_string())
            }
            fn evcxr_display(&self) {
                emit(&[("text/plain", &self.text())]);
            }
        }
    )+};
}

texts!(String, &str);

impl Show for Vec<DeviceInfo> {
    fn html(&self) -> String {
        let (title, facts) = card::devices(self);
        let facts: Vec<(&str, String)> =
            facts.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        table::facts(title, &facts)
    }
    fn text(&self) -> String {
        let (title, facts) = card::devices(self);
        let lines: Vec<String> = facts.iter().map(|(k, v)| format!("  {k}: {v}")).collect();
        format!("{title}\n{}", lines.join("\n"))
    }
}

impl<T: Show> Show for Option<T> {
    fn html(&self) -> String {
        self.as_ref().map_or("None".into(), Show::html)
    }
    fn text(&self) -> String {
        self.as_ref().map_or("None".into(), Show::text)
    }
    fn evcxr_display(&self) {
        match self {
            Some(value) => value.evcxr_display(),
            None => emit(&[("text/plain", "None")]),
        }
    }
}

impl<T: Show> Show for Result<T, Error> {
    fn html(&self) -> String {
        self.as_ref()
            .map_or_else(|e| table::escape(&e.to_string()), Show::html)
    }
    fn text(&self) -> String {
        self.as_ref().map_or_else(Error::to_string, Show::text)
    }
    fn parts(&self) -> Vec<(&'static str, String)> {
        match self {
            Ok(value) => value.parts(),
            Err(e) => vec![("text/html", self.html()), ("text/plain", e.to_string())],
        }
    }
    fn quick(&self) -> String {
        self.as_ref().map_or_else(
            |e| {
                let text = table::escape(&e.to_string());
                format!("<p style=\"color:#8c1d04\">{text}</p>")
            },
            Show::quick,
        )
    }
    fn evcxr_display(&self) {
        match self {
            Ok(value) => value.evcxr_display(),
            Err(e) => emit(&[("text/plain", &e.to_string())]),
        }
    }
}
