//! Tells levels and indices from what is none: growth rates, shares, contributions, balances.

use super::cell::shown;
use super::months::plain;
use crate::error::{Error, Result};

/// Codes of units, measures and transformations. Where one ends in `_`, more may follow.
const CODES: [(&str, &str); 6] = [
    (
        "a growth rate",
        "PCH PPCH RCH PCH_ PPCH_ RCH_ RT GR GRW GROWTH GY GYSA GP GPSA GM GQ GOV GOY G1 G2 G3 G4 \
         G12 PA PCPA PCCH PC1 PCA CCH CCA CHG CH1 ANR PER YOY MOM QOQ Y/Y M/M PCTCHG LOG_DIFF T1 \
         T12 DLOG",
    ),
    ("a percentage", "% PC PCT PT PERCENT"),
    ("a share", "PC_ PT_ SHARE SH PCTOT"),
    (
        "a contribution",
        "CTR CTGY CTGR CONTRIB CONTR CTRIB CONTRIB_",
    ),
    (
        "a balance of answers",
        "BAL BAL_ BLSA BSSA BS PB DIFF_INDEX",
    ),
    ("a logarithm", "LOG LN LOGS"),
];

/// Phrases in labels, lower case and without accents, parted by `|`.
const PHRASES: [(&str, &str); 5] = [
    (
        "a growth rate",
        "percent change|percentage change|per cent change|% change|pct change|pct. change|\
         percent chg|% chg|pct chg|growth rate|rate of change|rate of growth|rates of change|\
         growth on|growth over|growth, |annual growth|monthly growth|year-on-year|year on year|\
         year over year|year-over-year|month-on-month|month on month|month over month|\
         month-over-month|quarter on quarter|quarter-on-quarter|y-o-y|m-o-m|y/y|m/m|change on|\
         change over|change from|change compared|change versus|change vs|changes on|changes over|\
         annual change|monthly change|12-month change|percentage points|percentage point|\
         log difference|log change|first difference|\
         percent per annum|veranderung|veraenderung|wachstumsrate|anderungsrate|zuwachsrate|\
         variation|glissement|taux de croissance|evolution en|croissance annuelle|variacion|tasa de|\
         tasa anual|crecimiento|variazion|tendenzial|congiunturale|tasso di|variacao|taxa de|\
         crescimento|mutatie|verandering|groeipercentage|forandring|zmiana|degisim|valtozas|\
         previous year=100|previous year = 100|previous month=100|previous month = 100|\
         previous period=100|previous period = 100|preceding month|preceding year|preceding period|\
         same month last year|same month of|same period of|same period last|corresponding period|\
         corresponding month|vorjahr|vormonat|mois precedent|annee precedente|mes anterior|\
         ano anterior|mese precedente|anno precedente|同比|环比|增长|增速|上年|上月|前年|前月|伸び率|増減率|전년|전월|증감률|증가율|\
         t/t-|% growth|growth (|growth %|growth in %|real growth|change (|change in %|changes in %|\
         evolution (|var. %|var %|var. anual|var. mensual",
    ),
    (
        "a share",
        "share of|share in|percentage of|per cent of|percent of total|% of total|% of gdp|anteil|\
         part dans|part de la|participacion|participacao|quota di|aandeel",
    ),
    (
        "a contribution",
        "contribution|contribucion|contribuicao|contributo|wachstumsbeitrag|incidencia",
    ),
    (
        "a balance of answers",
        "balance of|net balance|diffusion index|indice de diffusion|saldo|salden|solde d",
    ),
    (
        "a sum since January",
        "year to date|year-to-date|cumulative|cumulated|kumuliert|cumule|acumulad|累计",
    ),
];

/// Words that sound like a change and mean that the seasons were taken out.
const SEASONS: [&str; 6] = [
    "variations saisonnieres",
    "variation saisonniere",
    "variaciones estacionales",
    "variacion estacional",
    "variazioni stagionali",
    "variacoes sazonais",
];

/// What a label says that the figures are, where they are no levels.
pub(super) fn label(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > 2000 {
        return None;
    }
    let mut low = plain(text);
    for season in SEASONS {
        low = low.replace(season, "");
    }
    let alone = "growth change changes|growth rates|wachstum|croissance";
    if alone.split(['|', ' ']).any(|w| w == low.trim()) || low == "growth rates" {
        return Some("a growth rate");
    }
    let mut words = low.split(|c: char| !c.is_alphanumeric());
    if words.any(|w| matches!(w, "yoy" | "mom" | "qoq" | "chg")) {
        return Some("a growth rate");
    }
    PHRASES
        .iter()
        .find(|(_, phrases)| phrases.split('|').any(|p| says(&low, p)))
        .map(|(what, _)| *what)
}

/// Single words also stand in compounds; phrases begin with a word, so that "exchange on" is no change.
fn says(low: &str, phrase: &str) -> bool {
    let word = !phrase.contains([' ', '/']);
    low.match_indices(phrase)
        .any(|(at, _)| word || !low[..at].ends_with(char::is_alphabetic))
}

/// The same of a code or a label in a column of units, measures or transformations.
pub(super) fn code(text: &str) -> Option<&'static str> {
    let found = |word: &str| {
        let (head, tail) = word.split_once('_').unwrap_or((word, ""));
        let whole = |c: &str| c == word || (!tail.is_empty() && c.strip_suffix('_') == Some(head));
        CODES
            .iter()
            .find(|(_, codes)| codes.split(' ').any(whole))
            .map(|(what, _)| *what)
            // RT1, RT12: rates of change over so many months; CLV_PCH_SM: changes of volumes.
            .or_else(|| {
                let rate = word.strip_prefix("RT").or(word.strip_prefix("GR_"));
                let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
                let change = word.split('_').any(|w| matches!(w, "PCH" | "RCH" | "PPCH"));
                (rate.is_some_and(digits) || change).then_some("a growth rate")
            })
    };
    let words = text.split(|c: char| c.is_whitespace() || c == '.' || c == ':');
    let low = plain(text);
    let percent = [
        "percent",
        "percentage",
        "per cent",
        "prozent",
        "pourcentage",
        "porcentaje",
        "percentuale",
        "procent",
        "in %",
    ];
    let others = match low.split([',', ' ', '(']).next() {
        Some("balance" | "balances") => Some("a balance of answers"),
        Some("log" | "ln" | "logarithm") => Some("a logarithm"),
        _ => None,
    };
    words
        .into_iter()
        .find_map(found)
        .or_else(|| label(text))
        .or(others)
        .or_else(|| percent.contains(&low.as_str()).then_some("a percentage"))
}

/// The refusal of figures that are no levels.
pub(super) fn refusal(place: String, text: &str, what: &str, others: &str) -> Error {
    let mut remedy = String::from(
        "take the rows, or download the series, of an index (units such as I15, I21, IX or \"2021 = 100\")",
    );
    if !others.is_empty() {
        remedy += &format!("; the file has {others}");
    }
    Error::new(
        place,
        format!("{} is {what}, not an index of levels", shown(text)),
        remedy,
    )
}

/// Refuses titles above a table that say that the figures are no levels; where they speak of an index too, that
/// is a note.
pub(super) fn judge_titles(titles: &str, line: usize) -> Result<Option<String>> {
    let Some((text, what)) = titles.split('\n').find_map(|t| Some((t, label(t)?))) else {
        return Ok(None);
    };
    let low = plain(titles);
    if ["index", "indice", "indiz", "indeks", "指数", "지수"]
        .iter()
        .any(|w| low.contains(w))
    {
        return Ok(Some(format!(
            "the lines above the table speak of {what} too: check that the values are levels"
        )));
    }
    Err(refusal(format!("lines before line {line}"), text, what, ""))
}

/// "2015=100" or "2015 = 100" of a title, with its brackets left out.
pub(super) fn base(titles: &str) -> Option<&str> {
    let at = titles
        .match_indices("100")
        .find(|(at, _)| titles[..*at].trim_end().ends_with(['=', '＝']))?
        .0;
    let before = titles[..at].trim_end().trim_end_matches(['=', '＝']);
    let year = before.trim_end();
    let from = year
        .trim_end_matches(|c: char| c.is_ascii_digit() || c == '年')
        .len();
    (from < year.len()).then(|| titles[from..at + 3].trim())
}

/// SA or NSA, where a title says it in one of the languages of the offices.
pub(super) fn adjustment(titles: &str) -> &'static str {
    let low = plain(titles);
    let has = |words: &[&str]| words.iter().any(|w| low.contains(w));
    if has(&[
        "not seasonally",
        "non-seasonally",
        "unadjusted",
        "sem ajuste",
        "serie original",
        "originalwert",
        "原指数",
        "原系列",
        "원지수",
        ": nsa",
    ]) {
        "NSA"
    } else if has(&[
        "seasonally adjusted",
        "com ajuste sazonal",
        "desestacionaliza",
        "destagionalizz",
        "kalender- und saisonbereinigt",
        "saisonbereinigt",
        "季節調整",
        "계절조정",
        ": sa",
    ]) {
        "SA"
    } else {
        ""
    }
}

/// Refuses a title or a name that says that the figures are no levels.
pub(super) fn refuse_label(text: &str, place: impl Fn() -> String) -> Result<()> {
    match label(text) {
        Some(what) => Err(refusal(place(), text, what, "")),
        None => Ok(()),
    }
}

/// The change that FRED's code of a transformed series says, as in INDPRO_PC1.
pub(super) fn fred(name: &str) -> Option<&'static str> {
    const ENDS: [&str; 8] = ["PCH", "PC1", "PCA", "CCH", "CCA", "CHG", "CH1", "LOG"];
    let (_, end) = name.rsplit_once('_')?;
    ENDS.contains(&end).then_some(if end == "LOG" {
        "a logarithm"
    } else {
        "a change"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_from_levels() {
        for text in [
            "PCH_SM",
            "PCH_PRE",
            "PCH_M12",
            "RT1",
            "RT12",
            "PC",
            "GR",
            "G1",
            "GY",
            "GPSA",
            "PA",
            "PRVM GY",
            "PC_TOT",
            "CLV_PCH_PRE",
            "RCH_A",
            "Percentage change (t/t-12)",
            "% change",
            "Percent",
            "BAL",
            "Percentage change on previous period",
            "Veränderung gegenüber Vorjahresmonat",
            "variation annuelle",
            "Variação mês/mês imediatamente anterior",
            "Growth rate, same period of previous year",
            "同比增长(%)",
            "Index, previous month = 100",
            "Contribution to growth",
            "Growth",
        ] {
            assert!(code(text).is_some(), "{text}");
        }
        for text in [
            "",
            "I15",
            "I21",
            "IX",
            "IX 2015",
            "Index, 2021=100",
            "PRD",
            "PROD",
            "PRVM _Z",
            "PRVM N",
            "IXOBSA",
            "PURE_NUMB 2021 = 100",
            "Chained (2012) dollars",
            "Volume index of production",
            "Base 2015=100",
            "Index:_2017_100",
            "Indice corrigé des variations saisonnières",
            "2015=100",
            "Número-índice com ajuste sazonal (2022=100)",
            "Produktion im Produzierenden Gewerbe",
            "MIO_EUR",
            "Index, base year = 100",
            "NSA",
            "TOVT",
            "PROD 000",
        ] {
            assert_eq!(code(text), None, "{text}");
        }
        assert_eq!(
            (fred("INDPRO_PC1"), fred("INDPRO")),
            (Some("a change"), None)
        );
    }
}
