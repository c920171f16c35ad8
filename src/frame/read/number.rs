//! Numbers in cells: the decimal sign, and thousands where the sign was said.

use super::ReadOptions;
use super::cell::{Decimal, Fault, shown, trim};
use super::panel::Panel;
use crate::error::{Error, Result};

/// How to name the option in a remedy.
fn option(decimal: Decimal) -> String {
    format!("ReadOptions {{ decimal: Some(Decimal::{decimal:?}) }}")
}

/// A number, or None where the cell is empty or one of `missing`. A number that is not finite, has
/// thousands separators or the other decimal sign is refused.
#[inline]
pub(super) fn number(
    text: &str,
    decimal: Decimal,
    missing: &[&str],
) -> std::result::Result<Option<f64>, Fault> {
    let cell = trim(text);
    if cell.is_empty() || missing.contains(&cell) {
        return Ok(None);
    }
    let parsed = match decimal {
        Decimal::Point => cell.parse::<f64>(),
        Decimal::Comma if cell.contains('.') => "".parse::<f64>(),
        Decimal::Comma => cell.replace(',', ".").parse::<f64>(),
    };
    match parsed {
        Ok(v) if v.is_finite() => Ok(Some(v)),
        parsed => Err(fault(cell, decimal, parsed.is_ok_and(f64::is_infinite))),
    }
}

#[cold]
fn fault(cell: &str, decimal: Decimal, infinite: bool) -> Fault {
    let written = cell.bytes().all(|b| b"0123456789+-.,eE".contains(&b));
    if infinite && written {
        return Fault::new(
            format!("{} is too large for a number", shown(cell)),
            "correct the cell, or leave it empty if it is missing",
        );
    }
    let fact = format!("{} is not a number", shown(cell));
    if let Some(sign) = with_thousands(cell) {
        return Fault::new(
            fact,
            format!(
                "if its thousands are separated, say the decimal sign, with which they are read: {}",
                option(sign)
            ),
        );
    }
    if written && cell.contains([',', '.']) {
        let (name, other) = match decimal {
            Decimal::Point => ("point", Decimal::Comma),
            Decimal::Comma => ("comma", Decimal::Point),
        };
        return Fault::new(
            fact,
            format!(
                "the decimal sign is a {name} here and thousands are not separated; if that is wrong for the whole file, say so: {}",
                option(other)
            ),
        );
    }
    Fault::new(fact, "correct the cell, or leave it empty if it is missing")
}

/// The decimal sign of a number that only makes sense with separated thousands, as in 1.231,2 or 1 231.
fn with_thousands(cell: &str) -> Option<Decimal> {
    let both = cell.contains(',') && cell.contains('.');
    if !both && !cell.contains(is_gap) {
        return None;
    }
    [Decimal::Point, Decimal::Comma]
        .into_iter()
        .find(|d| grouped(cell, *d).is_some())
}

/// Blanks and apostrophes that part thousands.
fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’')
}

/// A number whose thousands may be parted by blanks, apostrophes or the sign that is not the decimal one:
/// groups of three after one of one to three digits, all parted by the same sign.
fn grouped(cell: &str, decimal: Decimal) -> Option<f64> {
    let (point, other) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let (whole, decimals) = match cell.split_once(point) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (cell, None),
    };
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if decimals.is_some_and(|d| !digits(d)) {
        return None;
    }
    let (sign, body) = match whole.strip_prefix(['-', '+', '−']) {
        Some(body) => (if whole.starts_with('+') { "" } else { "-" }, body),
        None => ("", whole),
    };
    let gap = body.chars().find(|c| is_gap(*c) || *c == other)?;
    let groups: Vec<&str> = body.split(gap).collect();
    let whole = groups.iter().all(|g| digits(g))
        && groups[0].len() <= 3
        && groups[1..].iter().all(|g| g.len() == 3);
    if !whole {
        return None;
    }
    format!("{sign}{}.{}", groups.concat(), decimals.unwrap_or("0"))
        .parse()
        .ok()
}

/// The decimal sign of a file: the one that was said, with which thousands may be separated, or that of the
/// first cell that shows one.
#[derive(Debug, Default)]
pub(super) struct Sign {
    known: Option<Decimal>,
    said: bool,
    /// True where it is not inferred from the cells.
    fixed: bool,
    /// Numbers with exactly three digits after the sign, which may be thousands.
    three: usize,
    /// Numbers with a sign and another number of digits after it.
    others: usize,
    /// Numbers without a sign.
    whole: usize,
    /// The first of the three-digit ones, for a message.
    example: String,
}

impl Sign {
    /// `usual` is the sign of such files, where nothing was said; None is that of the first cell.
    pub(super) fn new(options: &ReadOptions, usual: Option<Decimal>) -> Self {
        Self {
            known: options.decimal.or(usual),
            said: options.decimal.is_some(),
            fixed: options.decimal.or(usual).is_some(),
            ..Self::default()
        }
    }

    pub(super) fn number(
        &mut self,
        text: &str,
        missing: &[&str],
    ) -> std::result::Result<Option<f64>, Fault> {
        if self.said {
            let sign = self.known.unwrap_or(Decimal::Point);
            return said(text, sign, missing);
        }
        if self.known.is_none() {
            self.known = match (text.contains(','), text.contains('.')) {
                (true, false) => Some(Decimal::Comma),
                (false, true) if !missing.contains(&text.trim()) => Some(Decimal::Point),
                _ => None,
            };
        }
        let value = number(text, self.known.unwrap_or(Decimal::Point), missing)?;
        if !self.fixed && value.is_some() {
            self.count(trim(text));
        }
        Ok(value)
    }

    fn count(&mut self, cell: &str) {
        match cell.split_once([',', '.']) {
            None => self.whole += 1,
            Some((whole, after)) => {
                let whole = whole.trim_start_matches(['-', '+']);
                let group = (1..=3).contains(&whole.len()) && !whole.starts_with('0');
                if group && after.len() == 3 {
                    if self.three == 0 {
                        self.example = cell.into();
                    }
                    self.three += 1;
                } else {
                    self.others += 1;
                }
            }
        }
    }

    /// Whether the sign that was found may part thousands: every number with it has three digits after it. A
    /// factor of 1,000 on all of them is told; on some of them it is refused.
    pub(super) fn check(&self, panel: &mut Panel<'_>) -> Result<()> {
        if self.three == 0 || self.others > 0 {
            return Ok(());
        }
        let sign = self.known.unwrap_or(Decimal::Point);
        let other = match sign {
            Decimal::Point => Decimal::Comma,
            Decimal::Comma => Decimal::Point,
        };
        let remedy = format!("{} or {}", option(sign), option(other));
        if self.whole > 0 {
            return Err(Error::new(
                "values",
                format!(
                    "{} of them have a sign and exactly three digits after it, as in {:?}, and {} have none, so it may part thousands",
                    self.three, self.example, self.whole
                ),
                format!("say which sign is the decimal one: {remedy}"),
            ));
        }
        panel.note(format!(
            "every value has exactly three digits after its sign, as in {:?}: it was read as the decimal sign; if it parts thousands, say {}",
            self.example,
            option(other)
        ));
        Ok(())
    }
}

/// The decimal sign of a format that has one, unless another was said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    decimal: Decimal,
    said: bool,
}

impl Marks {
    pub(super) fn new(options: &ReadOptions, usual: Decimal) -> Self {
        Self {
            decimal: options.decimal.unwrap_or(usual),
            said: options.decimal.is_some(),
        }
    }

    #[inline]
    pub(super) fn number(
        self,
        text: &str,
        missing: &[&str],
    ) -> std::result::Result<Option<f64>, Fault> {
        // Most files have points: this call has no other case.
        match (self.said, self.decimal) {
            (false, Decimal::Point) => number(text, Decimal::Point, missing),
            (false, Decimal::Comma) => number(text, Decimal::Comma, missing),
            (true, decimal) => said(text, decimal, missing),
        }
    }
}

/// A number of a file whose decimal sign was said: thousands may be separated.
fn said(text: &str, decimal: Decimal, missing: &[&str]) -> std::result::Result<Option<f64>, Fault> {
    number(text, decimal, missing).or_else(|fault| match grouped(trim(text), decimal) {
        Some(v) if v.is_finite() => Ok(Some(v)),
        _ => Err(fault),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_have_one_decimal_sign() {
        let point = |t| number(t, Decimal::Point, &[":"]);
        assert_eq!(point("101.3 "), Ok(Some(101.3)));
        assert_eq!((point(""), point(":")), (Ok(None), Ok(None)));
        for bad in [
            "NaN", "inf", "1e400", "101,3", "1,234.5", "1 234", "0x10", "..", "12a",
        ] {
            assert!(point(bad).is_err(), "{bad}");
        }
        let comma = |t| number(t, Decimal::Comma, &["."]);
        assert_eq!((comma("101,3"), comma(".")), (Ok(Some(101.3)), Ok(None)));
        assert!(comma("101.3").is_err() && comma("1.234,5").is_err());
        let mut sign = Sign::default();
        assert_eq!(sign.number("7", &[]), Ok(Some(7.0)));
        assert_eq!(sign.number("7,5", &[]), Ok(Some(7.5)));
        assert!(sign.number("7.5", &[]).is_err());
    }

    #[test]
    fn thousands_are_read_where_the_sign_was_said() {
        let comma = |t| said(t, Decimal::Comma, &[]);
        for text in [
            "1.231,5",
            "1 231,5",
            "1'231,5",
            "1\u{202f}231,5",
            "1\u{a0}231,5",
            "1231,5",
        ] {
            assert_eq!(comma(text), Ok(Some(1231.5)), "{text}");
        }
        assert_eq!(comma("1.231"), Ok(Some(1231.0)));
        assert_eq!(comma("-1.231.000"), Ok(Some(-1_231_000.0)));
        for bad in [
            "1.23",
            "101.3",
            "1.231.5",
            "1 02,5",
            "1.231 500",
            "12345.678",
            "1,2,3",
            ".231",
        ] {
            assert!(comma(bad).is_err(), "{bad}");
        }
        assert_eq!(said("1,231.5", Decimal::Point, &[]), Ok(Some(1231.5)));
        assert!(said("100,35", Decimal::Point, &[]).is_err());
    }
}
