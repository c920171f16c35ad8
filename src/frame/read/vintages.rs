//! Real-time data: columns that are the same series as it was published on several days.

use super::cell::shown;
use super::months::spelled;
use crate::error::{Error, Result};
use std::collections::HashMap;

/// Refuses names of columns of which several are one series on several days.
pub(super) fn refuse(names: &[&str], line: usize) -> Result<()> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for (k, name) in names.iter().enumerate() {
        let Some(stem) = stem(name) else { continue };
        if let Some(first) = seen.insert(stem, name) {
            return Err(Error::new(
                format!("line {line}, column {}", k + 2),
                format!(
                    "the header's dates, such as {} and {}, are publication days (vintages) of one series",
                    shown(first),
                    shown(name)
                ),
                format!(
                    "take one of the columns: ReadOptions {{ sectors: vec![{:?}.into()], .. }}",
                    names[names.len() - 1]
                ),
            ));
        }
    }
    Ok(())
}

/// What stands before the date in the name of a vintage: "" of 2020-10-07, INDPRO of INDPRO_20201007, IPT of
/// IPT20M10.
fn stem(name: &str) -> Option<&str> {
    if spelled(name, Some(super::DateOrder::DayFirst)).is_ok() {
        return Some("");
    }
    if let Some((stem, date)) = name.rsplit_once(['_', ' '])
        && (date.len() == 8 || date.len() == 10 || date.len() == 7)
        && date.starts_with(|c: char| c.is_ascii_digit())
        && spelled(date, None).is_ok()
    {
        return Some(stem);
    }
    let at = name.find(|c: char| c.is_ascii_digit())?;
    let (year, month) = name[at..].split_once('M')?;
    let digits = |t: &str| (1..=2).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    (at > 0 && year.len() == 2 && digits(year) && digits(month)).then_some(&name[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vintages_are_told_from_series() {
        for names in [
            ["2020-10-07", "2020-11-06"],
            ["INDPRO_20201007", "INDPRO_20201106"],
            ["INDPRO 2020-10-07", "INDPRO 2020-11-06"],
            ["IPT20M10", "IPT20M11"],
            ["2020-10", "2020-11"],
        ] {
            assert!(refuse(&names, 1).is_err(), "{names:?}");
            assert!(refuse(&names[..1], 1).is_ok());
        }
        for names in [
            ["INDPRO", "IPMAN"],
            ["RF0610", "RF0811"],
            ["IP_20201007", "UR_20201007"],
            ["C10", "C11"],
        ] {
            assert!(refuse(&names, 1).is_ok(), "{names:?}");
        }
    }
}
