//! Months as people write them: with names, with a day, with the year before or after.

use super::cell::{DateOrder, Fault, dated, month, shown};

/// The names of the twelve months, without accents, as agencies and spreadsheets write them.
const NAMES: [&str; 12] = [
    "jan january januar jaenner janner janvier janv enero ene gennaio gen janeiro januari ocak styczen leden 一 1月",
    "feb february februar feber fevrier fevr fev febrero febbraio fevereiro februari subat luty unor",
    "mar march marz maerz mrz mars marzo marco maart mrt mart marzec brezen",
    "apr april avril avr abril abr aprile nisan kwiecien duben",
    "may mai mayo maggio mag maio mei maj mayis kveten",
    "jun june juni juin junio giugno giu junho haziran czerwiec cerven",
    "jul july juli juillet juil julio luglio lug julho temmuz lipiec cervenec",
    "aug august aout agosto ago augustus augusti agustos sierpien srpen",
    "sep sept september septembre septiembre setiembre settembre set setembro eylul wrzesien zari",
    "oct october oktober okt octobre octubre ottobre ott outubro out ekim pazdziernik rijen",
    "nov november novembre noviembre novembro kasim listopad",
    "dec december dezember dez decembre diciembre dic dicembre dezembro desember des aralik grudzien prosinec",
];

/// 0 for January, from its name in one of a dozen languages.
pub(super) fn named(text: &str) -> Option<i32> {
    let name = plain(text.trim().trim_end_matches('.'));
    NAMES
        .iter()
        .position(|n| n.split(' ').any(|n| n == name))
        .map(|k| k as i32)
}

/// Lower case, without accents.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        let letter = match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
            'ç' | 'ć' | 'č' => 'c',
            'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
            'ì'..='ï' | 'ı' | 'ī' => 'i',
            'ñ' | 'ń' | 'ň' => 'n',
            'ò'..='ö' | 'ø' | 'ő' => 'o',
            'ś' | 'ş' | 'š' => 's',
            'ù'..='ü' | 'ű' | 'ů' => 'u',
            'ý' | 'ÿ' => 'y',
            'ź' | 'ż' | 'ž' => 'z',
            'ğ' => 'g',
            'ł' => 'l',
            'ř' => 'r',
            'ß' => 's',
            // Accents that are characters of their own.
            '\u{300}'..='\u{36f}' => continue,
            c => c,
        };
        out.push(letter);
    }
    out
}

/// A run of digits or of letters.
enum Token<'a> {
    Digits(&'a str),
    Letters(String),
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut list = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digit = first.is_ascii_digit();
        let end = rest
            .find(|c: char| {
                if digit {
                    !c.is_ascii_digit()
                } else {
                    !c.is_alphabetic()
                }
            })
            .unwrap_or(rest.len());
        if end == 0 {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (run, after) = rest.split_at(end);
        if digit {
            list.push(Token::Digits(run));
        } else {
            let word = plain(run);
            // "janeiro de 2019", "January of 2019".
            if !matches!(word.as_str(), "de" | "del" | "of" | "di") {
                list.push(Token::Letters(word));
            }
        }
        rest = after;
    }
    list
}

/// Month since year 0 and day of the month of a date in any of the usual spellings; without a day it is
/// the first.
pub(super) fn spelled(text: &str, order: Option<DateOrder>) -> Result<(i32, i32), Fault> {
    let text = without_hour(text.trim());
    if let Ok(month) = month(text) {
        return Ok((month, 1));
    }
    let list = tokens(text);
    let signs = text
        .chars()
        .all(|c| c.is_alphanumeric() || " -/._,'’–\u{300}\u{301}\u{308}\u{327}".contains(c));
    match when(text, &list).filter(|_| signs) {
        Some(Ok((year, month, day))) if (1..=12).contains(&month) && year > 0 => {
            return Ok((year * 12 + month - 1, day));
        }
        Some(Err(fault)) => return Err(fault),
        _ => {}
    }
    dated(text, order)
}

/// "2019-01-01T00:00:00.000Z" and the like: an hour of zeros is none.
fn without_hour(text: &str) -> &str {
    let Some((date, hour)) = text.split_once([' ', 'T']) else {
        return text;
    };
    let zeros = hour.starts_with("00:00") || hour.starts_with("0:00");
    if zeros && hour.bytes().all(|b| b"0:.Z+".contains(&b)) {
        date
    } else {
        text
    }
}

/// Year, month and day, where the tokens are a date with or without a day; a fault where they are a date
/// of another kind.
///
/// Long: one match, with an arm a spelling.
fn when(text: &str, list: &[Token<'_>]) -> Option<Result<(i32, i32, i32), Fault>> {
    use Token::{Digits, Letters};
    let n = |d: &str| d.parse::<i32>().unwrap_or(0);
    let other = |kind: &str| {
        Some(Err(Fault::new(
            format!("{} is not a month: it is {kind}", shown(text)),
            "take monthly data; rows of years, quarters and weeks must be left out",
        )))
    };
    Some(Ok(match list {
        [Digits(d)] if d.len() == 6 => (n(&d[..4]), n(&d[4..]), 1),
        [Digits(d)] if d.len() == 8 => (n(&d[..4]), n(&d[4..6]), n(&d[6..])),
        [Digits(d)] if d.len() == 5 => {
            return Some(Err(Fault::new(
                format!(
                    "{} is not a month: it looks like a spreadsheet's number of a day",
                    shown(text)
                ),
                "format the column as a date such as 2015-01-31 before saving",
            )));
        }
        [Digits(y), Digits(m)] if y.len() == 4 && m.len() <= 2 => {
            if m.len() == 1 && text.contains('.') {
                return Some(Err(Fault::new(
                    format!(
                        "{} may be month {m} or month {m}0, whose zero a spreadsheet drops",
                        shown(text)
                    ),
                    "write the month with two digits, as in 2015-01",
                )));
            }
            (n(y), n(m), 1)
        }
        [Digits(m), Digits(y)] if y.len() == 4 && m.len() <= 2 => (n(y), n(m), 1),
        [Digits(y), Digits(m), Letters(w)] if y.len() == 4 && (w == "月" || w == "월") => {
            (n(y), n(m), 1)
        }
        [Digits(y), Letters(a), Digits(m), Letters(b)]
            if y.len() == 4
                && matches!(a.as_str(), "年" | "년")
                && matches!(b.as_str(), "月" | "월") =>
        {
            (n(y), n(m), 1)
        }
        [
            Digits(y),
            Letters(a),
            Digits(m),
            Letters(_),
            Digits(d),
            Letters(_),
        ] if y.len() == 4 && matches!(a.as_str(), "年" | "년") => (n(y), n(m), n(d)),
        [Digits(y), Letters(w), Digits(k)] if y.len() == 4 && k.len() <= 2 => match w.as_str() {
            "m" | "mm" => (n(y), n(k), 1),
            "q" | "t" | "k" | "kw" | "kv" | "qtr" | "quarter" | "trim" | "trimestre"
            | "quartal" => {
                return other("a quarter");
            }
            "h" | "s" | "hj" => return other("half a year"),
            "w" | "ww" => return other("a week"),
            "jj" | "a" => return other("a year"),
            w => (n(y), named(w)? + 1, n(k)),
        },
        [Letters(w), Digits(k), Digits(y)] if y.len() == 4 && k.len() <= 2 => match w.as_str() {
            "m" => (n(y), n(k), 1),
            "q" | "t" | "quarter" | "qtr" => return other("a quarter"),
            w => (n(y), named(w)? + 1, n(k)),
        },
        [Digits(k), Letters(w), Digits(y)] if k.len() <= 2 && (y.len() == 4 || y.len() == 2) => {
            if matches!(w.as_str(), "q" | "quartal" | "trimestre" | "quarter") {
                return other("a quarter");
            }
            (year(y), named(w)? + 1, n(k))
        }
        [Digits(y), Letters(w)] if y.len() == 4 => (n(y), named(w)? + 1, 1),
        [Letters(w), Digits(y)] if y.len() == 4 || y.len() == 2 => (year(y), named(w)? + 1, 1),
        [Digits(_), Letters(w)] if named(w).is_some() => {
            return Some(Err(Fault::new(
                format!(
                    "in {} the day and the year cannot be told apart",
                    shown(text)
                ),
                "write the year with four digits, as in 2015-01 or Jan-2015",
            )));
        }
        [Letters(w)] if named(w).is_some() => {
            return Some(Err(Fault::new(
                format!("{} is a month without a year", shown(text)),
                "write both, as in 2015-01, or name the column of years with ReadOptions.columns.year",
            )));
        }
        _ => return None,
    }))
}

/// Two digits are of this century below 70, as spreadsheets read them.
fn year(digits: &str) -> i32 {
    match (digits.len(), digits.parse::<i32>().unwrap_or(0)) {
        (2, y) if y < 70 => 2000 + y,
        (2, y) => 1900 + y,
        (_, y) => y,
    }
}

/// The days of the dates so far. Monthly data have one day a month: the first, the last, or always the
/// same one; other days belong to daily or weekly data.
#[derive(Debug, Default)]
pub(super) struct Days {
    first: bool,
    /// The latest last day of a month that was seen.
    last: i32,
    /// The one other day.
    other: Option<i32>,
}

impl Days {
    /// The month of a date whose day fits to those before.
    pub(super) fn month(&mut self, text: &str, order: Option<DateOrder>) -> Result<i32, Fault> {
        let (code, day) = spelled(text, order)?;
        let length = super::cell::first_day(code + 1) - super::cell::first_day(code);
        let fits = if day == 1 {
            self.first = true;
            self.other.is_none()
        } else if day == length {
            self.last = self.last.max(length);
            self.other.is_none_or(|d| length <= d)
        } else {
            let other = *self.other.get_or_insert(day);
            (1..=length).contains(&day) && other == day && !self.first && self.last <= day
        };
        if fits {
            return Ok(code);
        }
        Err(Fault::new(
            format!(
                "{} is neither the first nor the last day of a month, nor the day that all other rows have",
                shown(text)
            ),
            "the data look daily or weekly (or day and month are swapped); give one value a month",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_as_people_write_them() {
        for text in [
            "2019-03",
            "2019M03",
            "2019-M03",
            "2019m3",
            "2019MM03",
            "2019/03",
            "2019.03",
            "2019-3",
            "03/2019",
            "03.2019",
            "3-2019",
            "201903",
            "20190301",
            "Mar-19",
            "Mar 2019",
            "mars 2019",
            "März 2019",
            "Maerz 2019",
            "2019 MAR",
            "2019 March",
            "março 2019",
            "março de 2019",
            "marzo 2019",
            "Mrz. 19",
            "2019年3月",
            "2019년 3월",
            "2019. 03 월",
            "1-Mar-2019",
            "Mar 1, 2019",
            "2019-03-01T00:00:00.000Z",
            "2019-03-01 00:00",
            "M03 2019",
            "maart 2019",
        ] {
            assert_eq!(spelled(text, None), Ok((2019 * 12 + 2, 1)), "{text}");
        }
        assert_eq!(spelled("15-Mar-19", None), Ok((2019 * 12 + 2, 15)));
        assert_eq!(spelled("Dec-69", None), Ok((2069 * 12 + 11, 1)));
        for bad in [
            "2019",
            "2019 Q1",
            "2019Q1",
            "Q1 2019",
            "2019-T4",
            "2019KW01",
            "2019JJ00",
            "2019W05",
            "43466",
            "19-Mar",
            "Mar",
            "2019.1",
            "2019-13",
            "2019 H1",
            "2019-03 x",
            "colour 2019",
            "",
            "-",
            "2019+03",
        ] {
            assert!(spelled(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_day_a_month_is_monthly() {
        let read = |days: &[&str]| {
            let mut seen = Days::default();
            days.iter()
                .try_for_each(|d| seen.month(d, None).map(|_| ()))
        };
        assert!(read(&["2019-01-15", "2019-02-15", "2019-03-15"]).is_ok());
        assert!(read(&["2019-01-30", "2019-02-28", "2019-03-30"]).is_ok());
        assert!(read(&["2019-01-31", "2019-02-01"]).is_ok());
        assert!(read(&["2019-01-04", "2019-01-11"]).is_err());
        assert!(read(&["2019-01-01", "2019-01-08"]).is_err());
        assert!(read(&["2019-01-31", "2019-02-14"]).is_err());
        assert!(read(&["2019-02-31"]).is_err());
    }
}
