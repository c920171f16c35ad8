//! Cards of what is due to what, and of which assumption matters.

use super::card::Card;
use crate::infer::Assumptions;
use crate::simulate::{Attribution, Cause};

/// Percent.
fn percent(v: f64) -> String {
    format!("{:.2} %", 100.0 * v)
}

pub(super) fn attribution(a: &Attribution) -> Card {
    let shares = a.shares();
    let mut facts = vec![("lost", percent(shares.iter().sum()))];
    for (cause, share) in Cause::ALL.into_iter().zip(shares) {
        facts.push((cause.name(), percent(share)));
    }
    for (name, share) in a.products_short().into_iter().take(5).filter(|p| p.1 > 0.0) {
        facts.push(("short of", format!("{name}: {}", percent(share))));
    }
    let whole = a.steady * a.periods as f64;
    for b in &a.bottlenecks {
        let text = format!(
            "firm {}: {} of steady output, {} customers",
            b.firm,
            percent(b.held_up / whole),
            b.customers
        );
        facts.push(("holds up", text));
    }
    ("What the loss is due to".into(), facts)
}

pub(super) fn assumptions(a: &Assumptions) -> Card {
    let line = |row: &crate::infer::AssumedRow| {
        let band = match row.high > row.low {
            true => format!(" ({} to {})", percent(row.low), percent(row.high)),
            false => String::new(),
        };
        let fit = row
            .fit
            .map_or(String::new(), |v| format!(", loss of fit {v:.4}"));
        format!(
            "{}: {} lost{band}{fit} ({})",
            row.name,
            percent(row.lost),
            row.behaviour
        )
    };
    let rows = a.rows();
    let mut facts: Vec<(&str, String)> = Vec::new();
    for (k, row) in rows.iter().enumerate() {
        let what = if k < a.variants.len() {
            "variant"
        } else {
            "yardstick"
        };
        facts.push((what, line(row)));
    }
    facts.push(("differ by", percent(a.spread())));
    for v in &a.variants {
        facts.extend(
            v.warnings
                .iter()
                .map(|w| ("note", format!("{}: {w}", v.name))),
        );
    }
    facts.extend(a.notes.iter().map(|n| ("note", n.clone())));
    ("Which assumption matters".into(), facts)
}
