//! Totals among their parts, told by their names: the union beside its members, B-D beside C.

use super::months::plain;

/// Codes and names of unions of countries, and of whatever else is the sum of the others.
const UNIONS: &[&str] = &[
    "eu",
    "ea",
    "euu",
    "emu",
    "eurozone",
    "euro area",
    "european union",
    "oecd",
    "oecde",
    "oecdeu",
    "g7",
    "g-7",
    "g20",
    "g-20",
    "wld",
    "world",
    "w0",
    "w1",
    "u2",
    "i7",
    "i8",
    "i9",
    "d0",
    "eea",
    "efta",
    "oecd - total",
    "oecd total",
    "oecd - europe",
    "asean",
    "nafta",
];
const TOTALS: &[&str] = &[
    "total",
    "totals",
    "all",
    "insgesamt",
    "gesamt",
    "ensemble",
    "totale",
    "totaal",
    "全国",
    "全國",
    "합계",
    "전국",
    "総数",
    "总计",
    "合计",
    "general",
    "general index",
    "total industry",
    "all items",
    "all regions",
    "all industries",
    "all sectors",
    "national",
    "nacional",
    "whole country",
    "country total",
    "industria geral",
    "total index",
    "industry total",
    "grand total",
    "sum",
    "_t",
    "tot",
    "tot_ind",
];

/// Among more names than these, codes that nest are not looked for.
const MOST: usize = 2000;

fn is_union(name: &str) -> bool {
    let low = plain(name);
    let euro = |start: &str| {
        low.strip_prefix(start).is_some_and(|rest| {
            rest.bytes()
                .all(|b| b.is_ascii_digit() || b == b'_' || b == b'-')
                && rest.bytes().any(|b| b.is_ascii_digit())
        })
    };
    UNIONS.contains(&low.as_str())
        || euro("eu")
        || euro("ea")
        || low.starts_with("european union")
        || low.starts_with("euro area")
}

fn is_total(name: &str) -> bool {
    let low = plain(name);
    let bare = low.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ' || c == '.');
    TOTALS.contains(&bare)
        || low.starts_with("total ")
        || low.ends_with(" total")
        || low.ends_with(" insgesamt")
}

/// DE beside DE1 and DE11: codes of regions that nest.
fn is_part_of_region(total: &str, part: &str) -> bool {
    let code = |t: &str| {
        t.len() <= 5
            && t.len() >= 2
            && t.bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && t.bytes().take(2).all(|b| b.is_ascii_uppercase())
    };
    code(total)
        && code(part)
        && part.len() > total.len()
        && part.starts_with(total)
        && part[2..].bytes().any(|b| b.is_ascii_digit())
}

/// B-D beside C or C10, C beside C10, C10 beside C101: codes of NACE that nest.
fn is_part_of_sector(total: &str, part: &str) -> bool {
    let section = |t: &str| -> Option<(u8, String)> {
        let (letter, rest) = t.split_at_checked(1)?;
        let letter = letter.bytes().next().filter(u8::is_ascii_uppercase)?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let after = &rest[digits.len()..];
        (after.is_empty() || after.starts_with(['-', '_'])).then_some((letter, digits))
    };
    let Some((letter, digits)) = section(part) else {
        return false;
    };
    match total.as_bytes() {
        [a @ b'A'..=b'U', b'-' | b'_', b @ b'A'..=b'U'] => {
            let own = matches!(part.as_bytes(), [_] | [_, b'0'..=b'9', ..]);
            own && (*a..=*b).contains(&letter)
        }
        [a @ b'A'..=b'U', rest @ ..] if rest.iter().all(u8::is_ascii_digit) && rest.len() != 1 => {
            *a == letter && digits.len() > rest.len() && digits.as_bytes().starts_with(rest)
        }
        _ => false,
    }
}

/// A note where one of the names is a total of others.
pub(super) fn note(what: &str, names: &[&str]) -> Option<String> {
    if names.len() < 2 {
        return None;
    }
    let region = what == "region";
    let whole = |n: &str| is_total(n) || region && is_union(n);
    let (totals, others): (Vec<&str>, Vec<&str>) = names.iter().partition(|n| whole(n));
    let mut found: Vec<(&str, Vec<&str>)> = Vec::new();
    if let [total, ..] = totals.as_slice()
        && !others.is_empty()
    {
        found.push((total, others));
    } else if names.len() <= MOST {
        let is_part = if region {
            is_part_of_region
        } else {
            is_part_of_sector
        };
        for total in names {
            let parts: Vec<&str> = names
                .iter()
                .filter(|n| is_part(total, n))
                .copied()
                .collect();
            if !parts.is_empty() {
                found.push((total, parts));
            }
        }
    }
    let (total, parts) = found.first()?;
    let list = parts.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    let more = match parts.len() {
        0..=3 => String::new(),
        n => format!(" and {} more", n - 3),
    };
    let others = match totals.len().max(found.len()) {
        1 => String::new(),
        n => format!(" ({} more such totals)", n - 1),
    };
    Some(format!(
        "the {what} {total} is a total that stands beside its parts {list}{more}{others}: choose either with ReadOptions.{what}s"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_known_by_their_names() {
        for (what, names) in [
            ("region", &["BE", "DE", "EU27_2020"][..]),
            ("region", &["BEL", "OECD"]),
            ("region", &["EA20", "FR"]),
            ("region", &["DE", "DE1", "DE2"]),
            ("region", &["Bayern", "Insgesamt"]),
            ("sector", &["B-D", "C"]),
            ("sector", &["C", "C10-C12"]),
            ("sector", &["C10", "C101"]),
            ("sector", &["General", "Mining"]),
            ("sector", &["1 Indústria geral", "2 Indústrias extrativas"]),
        ] {
            assert!(note(what, names).is_some(), "{names:?}");
        }
        for (what, names) in [
            ("region", &["BE", "DE", "BG"][..]),
            ("region", &["EU27_2020"]),
            ("region", &["EU27_2020", "EA20"]),
            ("region", &["EE", "EL", "ES"]),
            ("sector", &["B", "C", "D"]),
            ("sector", &["C10", "C11", "C31_C32"]),
            ("sector", &["Steel", "Cars"]),
        ] {
            assert_eq!(note(what, names), None);
        }
    }
}
