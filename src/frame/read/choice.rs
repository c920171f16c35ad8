//! Which series are wanted, and the refusal of capacity utilisation.

use super::cell::shown;
use crate::error::{Error, Result};

/// Refuses series of capacity utilisation, which look like indices: percent of capacity.
pub(super) fn refuse_utilisation(text: &str, place: impl Fn() -> String) -> Result<()> {
    const CODES: [&str; 5] = ["TCU", "CAPUTL", "CUMF", "MCUMF", "G17/CAPUTL"];
    const WORDS: [&str; 6] = [
        "capacity utili",
        "utilisation of capacity",
        "utilisation des capacit",
        "operating ratio",
        "稼働率",
        "kapazitätsauslastung",
    ];
    let low = text.to_lowercase();
    if CODES.iter().any(|c| text.starts_with(c)) || WORDS.iter().any(|w| low.contains(w)) {
        return Err(Error::new(
            place(),
            format!("{} is capacity utilisation, not production", shown(text)),
            "leave it out: ReadOptions.sectors (or unit) names what is read",
        ));
    }
    Ok(())
}

/// True where nothing is wanted in particular, or one of the wanted names fits.
pub(super) fn is_wanted(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|w| fits(w, name))
}

/// `IP*` fits all names that begin with IP.
pub(super) fn fits(wanted: &str, name: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => wanted == name,
    }
}
