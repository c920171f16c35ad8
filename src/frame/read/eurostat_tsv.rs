//! Eurostat TSV, current and legacy: one row a series, one column a month.

use super::{Row, month, number, positions};
use crate::error::{Error, Result};

pub(super) fn rows(text: &str) -> Result<Vec<Row>> {
    let mut lines = text.lines().enumerate();
    let (_, header) = lines.next().unwrap_or_default();
    let mut fields = header.split('\t');
    let first = fields.next().unwrap_or_default();
    let dimensions: Vec<String> = first
        .split_once('\\')
        .map_or(first, |(names, _)| names)
        .split(',')
        .map(String::from)
        .collect();
    let months: Vec<i32> = fields
        .enumerate()
        .filter(|(_, f)| !f.trim().is_empty())
        .map(|(k, f)| month(f, &format!("line 1, period column {}", k + 1)))
        .collect::<Result<_>>()?;
    let at = positions(&dimensions);
    let find = |names: &[&str]| names.iter().find_map(|n| at.get(*n).copied());
    let need = |names: &[&str]| {
        find(names).ok_or_else(|| {
            Error::new(
                "line 1",
                format!("there is no dimension `{}`", names[0]),
                format!("it has {}", dimensions.join(", ")),
            )
        })
    };
    let (region, sector) = (need(&["geo"])?, need(&["nace_r2", "nace"])?);
    let mut rows = Vec::new();
    for (n, line) in lines.filter(|(_, l)| !l.trim().is_empty()) {
        let mut cells = line.split('\t');
        let key: Vec<&str> = cells
            .next()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .collect();
        if key.len() != dimensions.len() {
            return Err(Error::new(
                format!("line {}", n + 1),
                format!(
                    "{} dimension codes, but the header names {}",
                    key.len(),
                    dimensions.len()
                ),
                "the line may be cut off; download the file again",
            ));
        }
        let option = |names: &[&str]| find(names).map(|k| key[k].to_string());
        if let Some(frequency) = option(&["freq"])
            && frequency != "M"
        {
            return Err(Error::new(
                format!("line {}", n + 1),
                format!("the frequency is {frequency:?}, not monthly"),
                "select monthly data (freq M) before downloading",
            ));
        }
        // More cells than periods occur: the surplus has no month and is dropped.
        for (k, (cell, month)) in cells.zip(&months).enumerate() {
            let place = format!("line {}, period column {}", n + 1, k + 1);
            // An empty cell is no observation at all; `:` is a missing one.
            if cell.trim().is_empty() {
                continue;
            }
            let (value, flag) = split(cell);
            rows.push(Row {
                value: number(value, &place)?,
                place,
                region: key[region].to_string(),
                sector: key[sector].to_string(),
                month: *month,
                flag,
                s_adj: option(&["s_adj"]),
                unit: option(&["unit"]),
                indicator: option(&["indic_bt", "indic"]),
            });
        }
    }
    Ok(rows)
}

/// "3591874.0 p" is a value and a flag, " p" a flag alone, ": @C" missing and confidential.
fn split(cell: &str) -> (&str, Option<String>) {
    match cell.trim_end().split_once(' ') {
        Some((value, flag)) => {
            let flag = flag.trim();
            (value, (!flag.is_empty()).then(|| flag.to_string()))
        }
        None => (cell.trim(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn cells_follow_the_grammar() {
        let flag = |f: &str| Some(f.to_string());
        assert_eq!(split("402767.1 "), ("402767.1", None));
        assert_eq!(split("3591874.0 p"), ("3591874.0", flag("p")));
        assert_eq!(split("12.5 bdep"), ("12.5", flag("bdep")));
        assert_eq!(split(": "), (":", None));
        assert_eq!(split(": @C"), (":", flag("@C")));
        assert_eq!(split("7.0 p@C"), ("7.0", flag("p@C")));
        assert_eq!(split(" p"), ("", flag("p")));
        assert_eq!(split("n/a "), ("n/a", None));
    }
}
