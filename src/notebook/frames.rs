//! Cards of what the frame module finds: descriptions, shocks, sources and formats.

use super::card::Card;
use super::table::{escape, number};
use crate::frame::{ColumnFacts, Description, Guess, Onset, Source};
use std::fmt::Write;

/// Names, the first of many.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    match names {
        [] => "none".into(),
        names if names.len() <= SHOWN => names.join(", "),
        names => format!("{} … ({} in all)", names[..SHOWN].join(", "), names.len()),
    }
}

fn month((year, month): (i32, u32)) -> String {
    format!("{year:04}-{month:02}")
}

pub(super) fn description(d: &Description) -> Card {
    let title = format!("{} rows × {} columns", d.rows, d.columns.len());
    let Some(index) = &d.index else {
        return (title, Vec::new());
    };
    let mut facts = vec![
        ("regions", list(&index.regions)),
        ("sectors", list(&index.sectors)),
        ("months", index.months.to_string()),
    ];
    if let Some((first, last)) = index.span {
        facts.push(("span", format!("{} to {}", month(first), month(last))));
    }
    facts.push(("cells without a value", index.missing.to_string()));
    facts.push(("unit", list(&index.units)));
    facts.push(("seasonal adjustment", list(&index.s_adj)));
    let flags: Vec<String> = index
        .flags
        .iter()
        .map(|(f, n)| format!("{f} × {n}"))
        .collect();
    facts.push(("flags", list(&flags)));
    (title, facts)
}

/// One row a column of a frame.
pub(super) fn columns(columns: &[ColumnFacts]) -> String {
    let mut html = String::from("<table><tr>");
    for name in [
        "column",
        "type",
        "missing",
        "different",
        "smallest",
        "mean",
        "largest",
    ] {
        let _ = write!(html, "<th style=\"text-align:right\">{name}</th>");
    }
    html += "</tr>";
    for c in columns {
        let (low, mean, high) = match c.range {
            Some((low, mean, high)) => (number(low), number(mean), number(high)),
            None => Default::default(),
        };
        let distinct = c.distinct.map_or(String::new(), |n| n.to_string());
        html += "<tr>";
        for cell in [
            &c.name,
            &c.kind,
            &c.missing.to_string(),
            &distinct,
            &low,
            &mean,
            &high,
        ] {
            let _ = write!(html, "<td style=\"text-align:right\">{}</td>", escape(cell));
        }
        html += "</tr>";
    }
    html + "</table>"
}

/// The same as text.
pub(super) fn columns_text(columns: &[ColumnFacts]) -> String {
    columns.iter().fold(String::new(), |mut text, c| {
        let _ = write!(text, "\n  {} ({}): {} missing", c.name, c.kind, c.missing);
        if let Some(n) = c.distinct {
            let _ = write!(text, ", {n} different");
        }
        if let Some((low, mean, high)) = c.range {
            let _ = write!(
                text,
                ", {} to {}, mean {}",
                number(low),
                number(high),
                number(mean)
            );
        }
        text
    })
}

pub(super) fn onset(o: &Onset) -> Card {
    (
        format!("A shock begins in {}", month(o.month)),
        vec![
            ("steepest month", month(o.steepest)),
            (
                "median level there, of the three months before",
                format!("{:.1} %", 100.0 * o.ratio),
            ),
            ("median score, robust standard deviations", number(o.score)),
            ("series", o.series.to_string()),
        ],
    )
}

pub(super) fn source(s: &Source) -> Card {
    (
        s.licence.clone(),
        vec![
            ("address", s.url.clone()),
            ("file", s.path.display().to_string()),
            ("bytes", s.bytes.to_string()),
            ("SHA-256", s.sha256.clone()),
        ],
    )
}

pub(super) fn guess(g: &Guess) -> Card {
    (g.format.name().into(), vec![("because", g.reason.clone())])
}
