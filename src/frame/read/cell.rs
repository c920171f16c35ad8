//! What stands in a cell: months as the agencies write them, and numbers.

use crate::error::Error;
pub(super) use crate::network::Decimal;

/// What is wrong with a cell, and what to do about it; the reader knows the place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    fact: String,
    remedy: String,
}

impl Fault {
    pub(super) fn new(fact: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            fact: fact.into(),
            remedy: remedy.into(),
        }
    }

    pub(super) fn at(self, place: impl Into<String>) -> Error {
        Error::new(place, self.fact, self.remedy)
    }
}

/// How a text is quoted in a message: at most 40 characters, control characters escaped.
pub(super) fn shown(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{start:?}{more}")
}

/// "1 line was", "3 lines were".
pub(super) fn were(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun} was"),
        n => format!("{n} {noun}s were"),
    }
}

/// The text without the blanks around it. Most cells have none, and are seen not to at once.
pub(super) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// Months since year 0 of "2015-01", "2015M01" or "2015-M01"; annual and quarterly periods, and
/// whatever else, are refused.
pub(super) fn month(text: &str) -> Result<i32, Fault> {
    let text = trim(text);
    let b = text.as_bytes();
    let digits = |b: &[u8]| {
        b.iter().try_fold(0_i32, |n, d| {
            d.is_ascii_digit().then(|| n * 10 + i32::from(d - b'0'))
        })
    };
    let parts = match b.len() {
        7 if matches!(b[4], b'-' | b'M') => digits(&b[..4]).zip(digits(&b[5..])),
        8 if &b[4..6] == b"-M" => digits(&b[..4]).zip(digits(&b[6..])),
        _ => None,
    };
    if let Some((year, month @ 1..=12)) = parts
        && year > 0
    {
        return Ok(year * 12 + month - 1);
    }
    let kind = if b.len() == 4 && digits(b).is_some() {
        ": it is a year"
    } else if b.len() >= 6 && digits(&b[..4]).is_some() && b[4..].iter().any(|c| b"QT".contains(c))
    {
        ": it is a quarter"
    } else {
        ""
    };
    Err(Fault::new(
        format!("{} is not a month{kind}", shown(text)),
        "months are written 2015-01 or 2015M01; annual and quarterly rows must be left out",
    ))
}

/// Which of two numbers in a date with slashes is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// 01/02/2020 is the 1st of February.
    DayFirst,
    /// 01/02/2020 is the 2nd of January.
    MonthFirst,
}

/// The month of a date: "2015-01-01", "2015-01", "201501", or with slashes as `order` says. A day must be the first
/// of its month, or the last, as some agencies write it: other days belong to daily or weekly data.
pub(super) fn dated_month(text: &str, order: Option<DateOrder>) -> Result<i32, Fault> {
    let (code, day) = dated(text.trim(), order)?;
    let length = first_day(code + 1) - first_day(code);
    if day != 1 && day != length {
        return Err(Fault::new(
            format!(
                "{} is neither the first nor the last day of a month",
                shown(text)
            ),
            "the data look daily or weekly (or day and month are swapped); give one value a month",
        ));
    }
    Ok(code)
}

/// The month of a date and its day, which is 1 where there is none.
pub(super) fn dated(text: &str, order: Option<DateOrder>) -> Result<(i32, i32), Fault> {
    // A spreadsheet adds the hour to a date.
    let date = text
        .strip_suffix(" 00:00:00")
        .or(text.strip_suffix("T00:00:00"))
        .unwrap_or(text);
    if date.len() == 6 && date.bytes().all(|b| b.is_ascii_digit()) {
        return month(&format!("{}-{}", &date[..4], &date[4..])).map(|code| (code, 1));
    }
    let fields: Vec<&str> = date.split(['-', '/', '.']).collect();
    let numbers: Option<Vec<i32>> = fields
        .iter()
        .map(|f| {
            (!f.is_empty() && f.len() <= 4 && f.bytes().all(|b| b.is_ascii_digit()))
                .then(|| f.parse().ok())
                .flatten()
        })
        .collect();
    let (year, month_number, day) = match (numbers.as_deref(), fields.as_slice()) {
        (Some(&[y, m, d]), [first, ..]) if first.len() == 4 => (y, m, d),
        (Some(&[a, b, y]), [_, _, last]) if last.len() == 4 => match order {
            Some(DateOrder::DayFirst) => (y, b, a),
            Some(DateOrder::MonthFirst) => (y, a, b),
            None => {
                return Err(Fault::new(
                    format!(
                        "{} is a date whose day and month cannot be told apart",
                        shown(text)
                    ),
                    "say which comes first: ReadOptions { date_order: Some(DateOrder::DayFirst) } or MonthFirst",
                ));
            }
        },
        _ => return month(text).map(|code| (code, 1)),
    };
    if !(1..=12).contains(&month_number) || year < 1 {
        let hint = match order {
            Some(DateOrder::DayFirst) => "the day is read first here: ReadOptions.date_order",
            Some(DateOrder::MonthFirst) => "the month is read first here: ReadOptions.date_order",
            None => "dates are written 2015-01-31",
        };
        return Err(Fault::new(format!("{} is not a date", shown(text)), hint));
    }
    Ok((year * 12 + month_number - 1, day))
}

/// "2015-01" of a month since year 0.
pub(super) fn month_name(month: i32) -> String {
    format!(
        "{:04}-{:02}",
        month.div_euclid(12),
        month.rem_euclid(12) + 1
    )
}

/// Days from 1970-01-01 to the first of a month counted from year 0.
pub(in crate::frame) fn first_day(month: i32) -> i32 {
    // Howard Hinnant's days_from_civil, for day 1.
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let year_of_era = y - era * 400;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_dates_follow_their_grammar() {
        let code = |y: i32, m: i32| Ok(y * 12 + m - 1);
        for text in ["2015-03", "2015M03", "2015-M03", " 2015-03 "] {
            assert_eq!(month(text), code(2015, 3));
        }
        for bad in [
            "2015", "2015-Q1", "2015-T4", "2015-13", "2015-00", "15-01", "", "20é5-01", "0000-01",
        ] {
            assert!(month(bad).is_err(), "{bad}");
        }
        assert_eq!(dated_month("2020-02-29", None), code(2020, 2));
        assert_eq!(dated_month("2020-02-01 00:00:00", None), code(2020, 2));
        assert_eq!(dated_month("202002", None), code(2020, 2));
        assert_eq!(
            dated_month("01/02/1990", Some(DateOrder::DayFirst)),
            code(1990, 2)
        );
        assert_eq!(
            dated_month("2/1/1990", Some(DateOrder::MonthFirst)),
            code(1990, 2)
        );
        for bad in [
            "2020-02-28",
            "01/02/1990",
            "2020-01-15",
            "1/2/90",
            "2020-13-01",
            "a-b-c",
            "--",
        ] {
            assert!(dated_month(bad, None).is_err(), "{bad}");
        }
        assert!(dated_month("13/01/1990", Some(DateOrder::MonthFirst)).is_err());
    }
}
