//! One spelling for the codes of industrial classifications.

/// Section letter of a division of NACE Rev. 2 and ISIC Rev. 4.
fn section(division: u32) -> Option<char> {
    Some(match division {
        1..=3 => 'A',
        5..=9 => 'B',
        10..=33 => 'C',
        35 => 'D',
        36..=39 => 'E',
        41..=43 => 'F',
        45..=47 => 'G',
        49..=53 => 'H',
        55..=56 => 'I',
        58..=63 => 'J',
        64..=66 => 'K',
        68 => 'L',
        69..=75 => 'M',
        77..=82 => 'N',
        84 => 'O',
        85 => 'P',
        86..=88 => 'Q',
        90..=93 => 'R',
        94..=96 => 'S',
        97..=98 => 'T',
        99 => 'U',
        _ => return None,
    })
}

/// A section's letter, where there is one, and a division of two digits, which may end in a letter
/// (L68A).
fn part(text: &str) -> Option<(Option<char>, &str)> {
    let letter = text.chars().next().filter(char::is_ascii_uppercase);
    let rest = if letter.is_some() { &text[1..] } else { text };
    let digits = rest.trim_end_matches(|c: char| c.is_ascii_uppercase());
    let good = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()) && rest.len() <= 3;
    good.then_some((letter, rest))
}

/// True for a division under its own section: P85 is one, P51C is not.
pub(super) fn division(label: &str) -> bool {
    part(label).is_some_and(|(letter, digits)| {
        letter.is_some() && letter == digits[..2].parse().ok().and_then(section)
    })
}

/// The code of a division, or of a range of them, in one spelling: `C10-C12`, `CPA_C10-12`, `C10T12`
/// and `D10T12` are all `C10-C12`, `C31_C32` is `C31-C32`, `CPA_D` is `D`. What is no such code
/// comes back as it is, without blanks around it.
pub fn sector_code(label: &str) -> String {
    let label = label.trim();
    normal(label.strip_prefix("CPA_").unwrap_or(label)).unwrap_or_else(|| label.to_string())
}

fn normal(code: &str) -> Option<String> {
    if code.len() == 1 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        return Some(code.to_string());
    }
    // A bare number is a code only in OECD's ranges: "01" may be anybody's first sector.
    if code.starts_with(|c: char| c.is_ascii_digit()) && !code.contains('T') {
        return None;
    }
    let (from, to) = match code.split_once(['-', '_', 'T']) {
        Some((from, to)) => (from, Some(to)),
        None => (code, None),
    };
    let (letter, first) = part(from)?;
    let of = |digits: &str| digits[..2].parse().ok().and_then(section);
    // OECD's `D10T12`: the letter says "division". Section D has division 35 alone.
    let of_part = |letter: Option<char>, digits: &str| match letter {
        Some('D') | None => of(digits),
        known => known,
    };
    let letter = of_part(letter, first)?;
    let Some(to) = to else {
        return Some(format!("{letter}{first}"));
    };
    let (other, last) = part(to)?;
    let other = of_part(other, last)?;
    Some(format!("{letter}{first}-{other}{last}"))
}

#[cfg(test)]
mod tests {
    use super::sector_code;

    #[test]
    fn spellings_of_one_division_are_one() {
        for (code, spellings) in [
            (
                "C10-C12",
                &[
                    "C10-C12",
                    "CPA_C10-12",
                    "C10T12",
                    "D10T12",
                    "C10-12",
                    "10T12",
                    "CPA_C10-C12",
                ][..],
            ),
            (
                "C31-C32",
                &["C31_C32", "C31-32", "CPA_C31_32", "C31-C32", "D31T32"],
            ),
            ("C31-C33", &["C31T33", "D31T33"]),
            ("E37-E39", &["E37-E39", "CPA_E37-39", "E37T39", "D37T39"]),
            ("J59-J60", &["CPA_J59_60", "J59_J60"]),
            ("A01-A02", &["01T02", "A01_02", "D01T02"]),
            ("D35", &["D35", "CPA_D35"]),
            ("C29", &["C29", "D29", "CPA_C29"]),
            ("L68A", &["CPA_L68A", "L68A"]),
            ("D", &["D", "CPA_D"]),
        ] {
            for s in spellings {
                assert_eq!(sector_code(s), code, "{s}");
            }
        }
        for other in [
            "Mining", "B-D", "01", "P3_S14", "Total", "", "C1", "é", "C10T", "T", "CPA_",
        ] {
            assert_eq!(sector_code(other), other);
        }
    }
}
