//! What the rows of a long table tell beside flows: labels, accounts, totals, lists of firms.

use super::grid::Line;
use super::long::{Flow, name_of};
use super::names::{self, Role};
use crate::error::{Error, Result};
use crate::memory;
use std::collections::{BTreeSet, HashMap};

/// ESA's codes of transactions, such as D11, that only sell: they are no divisions of an industry.
pub(super) fn accounts(lines: &[Line], supplier: usize, buyer: usize) -> BTreeSet<&str> {
    let names = |k: usize| lines[1..].iter().map(move |l| names::bare(l.cell(k)));
    let account = |n: &&str| {
        let code = n.as_bytes();
        code.len() == 3 && code[0] == b'D' && code[1..].iter().all(u8::is_ascii_digit)
    };
    let mut found: BTreeSet<&str> = names(supplier).filter(account).collect();
    if !found.is_empty() {
        names(buyer).for_each(|n| {
            found.remove(n);
        });
    }
    found
}

/// True of a column that repeats what others say: labels that hold the name of the supplier or the buyer,
/// and numbers of rows.
pub(super) fn repeats(lines: &[Line], k: usize, supplier: usize, buyer: usize) -> bool {
    let rows = || lines[1..].iter();
    let holds =
        |of: usize| rows().all(|l| !l.cell(of).is_empty() && l.cell(k).contains(l.cell(of)));
    let name = name_of(lines[0].cell(k));
    if (name.is_empty() || ["id", "index", "row", "unnamed"].contains(&name.as_str()))
        && rows().all(|l| l.cell(k).parse::<u64>().is_ok())
    {
        let all: BTreeSet<&str> = rows().map(|l| l.cell(k)).collect();
        return all.len() == lines.len() - 1;
    }
    let label = ["name", "label", "desc", "title"]
        .iter()
        .any(|w| name.contains(w));
    let follows = |of: usize| {
        let mut first: HashMap<&str, &str> = HashMap::new();
        rows().all(|l| *first.entry(l.cell(of)).or_insert(l.cell(k)) == l.cell(k))
    };
    let many = rows().map(|l| l.cell(k)).any(|c| c != lines[1].cell(k));
    many && (holds(supplier) || holds(buyer) || (label && (follows(supplier) || follows(buyer))))
}

/// Refuses parts that are added up where one of them is the sum of the others.
pub(super) fn no_total_among(flows: &[Flow<'_>], columns: &[String]) -> Result<()> {
    let mut pairs: HashMap<_, Vec<(&str, f64)>> = HashMap::new();
    for f in flows {
        let value = f.value.unwrap_or(0.0);
        pairs
            .entry((&f.from, &f.to))
            .or_default()
            .push((&f.variant, value));
    }
    let variants: BTreeSet<&str> = flows.iter().map(|f| f.variant.as_str()).collect();
    for variant in variants {
        let mut seen = 0;
        let total = pairs.values().filter(|p| p.len() > 2).all(|parts| {
            let Some((_, value)) = parts.iter().find(|(v, _)| *v == variant) else {
                return true;
            };
            seen += usize::from(*value != 0.0);
            let others: f64 = parts
                .iter()
                .filter(|(v, _)| *v != variant)
                .map(|(_, v)| v)
                .sum();
            (others - value).abs() <= 1e-6 * value.abs()
        });
        if total && seen > 1 {
            return Err(Error::new(
                "TableOptions.add_up",
                format!("{variant:?} is the sum of the others: it would count twice"),
                format!(
                    "take it alone: TableOptions {{ keep: vec![({:?}.into(), {variant:?}.into())], .. }}, or delete its rows",
                    columns.first().cloned().unwrap_or_default()
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses a list of firms' links, before a place is made for each pair of them.
pub(super) fn no_firm_list(n: usize, flows: &[Flow<'_>], closed: bool) -> Result<()> {
    let remedy =
        "a list of firms' payments is read by read_network; of a table, take fewer sectors";
    let one_region = flows.iter().all(|f| f.from.0 == f.to.0);
    let share = flows.len() as f64 / (n as f64).powi(2);
    if n > 1000 && one_region && (share < 0.01 || closed) {
        return Err(Error::new(
            "",
            format!(
                "{n} names sell and buy, and {:.2} % of their pairs are given: it seems to be a list of firms' links",
                100.0 * share
            ),
            remedy,
        ));
    }
    let what = format!("flows between {n} sectors");
    memory::require("", &what, 12.0 * (n as f64).powi(2), remedy)
}

/// Which columns of final demand are sums of others of their region by their codes.
pub(super) fn sums(columns: &[(String, Role, Vec<f64>)]) -> Vec<bool> {
    let split = |name: &str| match name.rsplit_once(" · ") {
        Some((region, code)) => (region.to_string(), code.to_string()),
        None => (String::new(), name.to_string()),
    };
    let keys: Vec<(String, String)> = columns.iter().map(|c| split(&c.0)).collect();
    let mut regions: HashMap<&str, Vec<usize>> = HashMap::new();
    for (k, (region, _)) in keys.iter().enumerate() {
        if matches!(columns[k].1, Role::Domestic | Role::Exports) {
            regions.entry(region).or_default().push(k);
        }
    }
    let mut found = vec![false; columns.len()];
    for here in regions.values() {
        let names: Vec<&str> = here.iter().map(|k| keys[*k].1.as_str()).collect();
        for (k, sum) in here.iter().zip(names::sums(&names)) {
            found[*k] = sum;
        }
    }
    found
}

/// A row of which an end is neither a sector nor known.
pub(super) fn unknown(name: &str, other: &str, place: String) -> Error {
    let (name, other) = (names::cut(name), names::cut(other));
    Error::new(
        place,
        format!(
            "{name} is no sector and not known as a primary input, final demand or output, and {other} at the other end is no sector"
        ),
        "spell sectors alike, or say in TableOptions what it is",
    )
}
