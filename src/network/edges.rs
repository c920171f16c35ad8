//! Firm-level edge lists: the text files of Inoue & Todo's simulator, and what every list needs.

use super::files::located;
use super::sheet::Places;
use super::text::{hidden, quoted};
use super::{Firms, Links, Network};
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The files that Inoue & Todo's simulator reads: words separated by blanks, one firm or link a line, no
/// header. Firms are called by the words in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InoueTodo {
    /// `supplier client amount`: what the client buys per period.
    pub edges: PathBuf,
    /// `firm amount`: final demand per period. It follows from `output` where absent.
    pub final_demand: Option<PathBuf>,
    /// `firm amount`: initial output. It follows from edges and final demand where absent, and must
    /// agree with them where all are given.
    pub output: Option<PathBuf>,
    /// `firm affiliation`, or `firm affiliation sales`, as later versions of the simulator want: the
    /// affiliation is taken as the sector; the third word is not used, here as there.
    pub affiliation: Option<PathBuf>,
}

/// Lines of words, with their numbers, each of so many words.
pub(crate) fn word_lines(
    path: &Path,
    words: RangeInclusive<usize>,
    meaning: &str,
) -> Result<Vec<(usize, Vec<String>)>> {
    let fail =
        |place: String, fact: String| Error::new(place, fact, format!("each line is {meaning}"));
    let name = path.display().to_string();
    let bytes = crate::files::contents(path)
        .map_err(|e| fail(name.clone(), format!("it cannot be read: {e}")))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| fail(name, "it is not UTF-8 text".into()))?
        .trim_start_matches('\u{feff}');
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(k, line)| {
            let found: Vec<String> = line.split_whitespace().map(String::from).collect();
            let place = || format!("{}, line {}", path.display(), k + 1);
            if !words.contains(&found.len()) {
                return Err(fail(place(), format!("{} words", found.len())));
            }
            if let Some(word) = found.iter().find(|w| hidden(w).is_some()) {
                return Err(fail(
                    place(),
                    format!("{} holds a hidden character", quoted(word)),
                ));
            }
            Ok((k + 1, found))
        })
        .collect()
}

fn amount(text: &str, path: &Path, line: usize) -> Result<f64> {
    match text.parse::<f64>() {
        Ok(v) if v.is_finite() => Ok(v),
        _ => Err(Error::new(
            format!("{}, line {line}", path.display()),
            format!("{} is not a number", quoted(text)),
            "give an amount with a decimal point and without thousands separators",
        )),
    }
}

/// A word and a number for each firm.
fn amounts(path: Option<&PathBuf>) -> Result<Option<Vec<(usize, String, f64)>>> {
    let Some(path) = path else { return Ok(None) };
    let rows = word_lines(path, 2..=2, "`firm amount`")?;
    once(path, &rows)?;
    let parsed = rows
        .into_iter()
        .map(|(line, words)| Ok((line, words[0].clone(), amount(&words[1], path, line)?)));
    parsed.collect::<Result<_>>().map(Some)
}

/// Refuses a firm that has two lines in a file.
pub(crate) fn once(path: &Path, rows: &[(usize, Vec<String>)]) -> Result<()> {
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    for (line, words) in rows {
        if let Some(first) = seen.insert(&words[0], *line) {
            return Err(Error::new(
                format!("{}, line {line}", path.display()),
                format!("firm {} is already in line {first}", quoted(&words[0])),
                "give every firm one line",
            ));
        }
    }
    Ok(())
}

impl Network {
    // Long: one file of theirs after the other, each with its checks.
    /// Reads an economy from the files of Inoue & Todo's simulator.
    pub fn from_inoue_todo(files: &InoueTodo) -> Result<Network> {
        let mut index: HashMap<String, usize> = HashMap::new();
        let mut name: Vec<String> = Vec::new();
        let mut firm = |word: &str| -> usize {
            *index.entry(word.to_string()).or_insert_with(|| {
                name.push(word.to_string());
                name.len() - 1
            })
        };
        let (demand, output) = (
            amounts(files.final_demand.as_ref())?,
            amounts(files.output.as_ref())?,
        );
        for (_, word, _) in output.iter().chain(&demand).flatten() {
            firm(word);
        }
        let mut links = Links::default();
        let mut places = Places {
            name: files.edges.display().to_string(),
            lines: Vec::new(),
        };
        for (line, words) in word_lines(&files.edges, 3..=3, "`supplier client amount`")? {
            places.lines.push(line as u64);
            links.supplier.push(firm(&words[0]));
            links.buyer.push(firm(&words[1]));
            links.flow.push(amount(&words[2], &files.edges, line)?);
        }
        let affiliation = match &files.affiliation {
            Some(path) => {
                let rows = word_lines(
                    path,
                    2..=3,
                    "`firm affiliation` or `firm affiliation sales`",
                )?;
                once(path, &rows)?;
                rows
            }
            None => Vec::new(),
        };
        let mut sector = vec![
            if affiliation.is_empty() {
                "all"
            } else {
                "unknown"
            }
            .to_string();
            name.len()
        ];
        for (line, words) in affiliation {
            let Some(i) = index.get(&words[0]) else {
                let place = files
                    .affiliation
                    .as_ref()
                    .map_or(String::new(), |p| p.display().to_string());
                return Err(Error::new(
                    format!("{place}, line {line}"),
                    format!("firm {} is in none of the other files", words[0]),
                    "drop the line, or give the firm links, final demand or output",
                ));
            };
            sector[*i].clone_from(&words[1]);
        }
        let column = |given: Option<Vec<(usize, String, f64)>>| -> Option<Vec<f64>> {
            given.map(|rows| {
                let mut values = vec![0.0; name.len()];
                rows.iter()
                    .for_each(|(_, word, v)| values[index[word]] += v);
                values
            })
        };
        let (demand, output) = (column(demand), column(output));
        if let (Some(d), Some(x)) = (&demand, &output) {
            let mut made = d.clone();
            links
                .supplier
                .iter()
                .zip(&links.flow)
                .for_each(|(j, z)| made[*j] += z);
            if let Some(i) =
                (0..made.len()).find(|i| (made[*i] - x[*i]).abs() > 1e-6 * x[*i].abs().max(1e-12))
            {
                return Err(Error::new(
                    format!("firm {}", name[i]),
                    format!("its initial output is {}, but it sells {}", x[i], made[i]),
                    "give files of the same economy, or leave one of output and final demand away",
                ));
            }
        }
        let firms = Firms {
            name: name.clone(),
            region: Vec::new(),
            sector,
            output: if demand.is_some() {
                Vec::new()
            } else {
                output.unwrap_or_default()
            },
            final_demand: demand.unwrap_or_default(),
        };
        let given = [&files.final_demand, &files.output];
        let path = given.into_iter().flatten().next().unwrap_or(&files.edges);
        let firm_places = Places {
            name: path.display().to_string(),
            lines: Vec::new(),
        };
        let rows: Vec<usize> = (0..places.lines.len()).collect();
        Network::new(firms, links).map_err(|e| located(e, &firm_places, &places, &rows))
    }
}

/// What is still to be known where only links are given: each firm's output is what it sells to firms,
/// or, where that is less, what makes its inputs `input_share` of its output; final demand is the rest.
/// Flows are per period, firms counted from 0 to `firms`.
pub fn final_demand_of_links(firms: usize, links: &Links, input_share: f64) -> Result<Vec<f64>> {
    if !(input_share > 0.0 && input_share < 1.0) {
        return Err(Error::new(
            "input_share",
            format!("it is {input_share}"),
            "give the share of inputs in output, between 0 and 1, such as 0.5",
        ));
    }
    if links.flow.len() != links.buyer.len() || links.supplier.len() != links.buyer.len() {
        return Err(Error::new(
            "links",
            "final demand can only be assumed for links with flows",
            "give a column of flows, or the firms' final demand",
        ));
    }
    let (mut sold, mut bought) = (vec![0.0; firms], vec![0.0; firms]);
    for (e, z) in links.flow.iter().enumerate() {
        for (i, sums) in [
            (links.supplier[e], &mut sold),
            (links.buyer[e], &mut bought),
        ] {
            let Some(sum) = sums.get_mut(i) else {
                return Err(Error::new(
                    format!("links, row {e}"),
                    format!("firm {i}, but there are {firms}"),
                    "count firms from 0",
                ));
            };
            *sum += z;
        }
    }
    Ok(sold
        .iter()
        .zip(&bought)
        .map(|(s, b)| (b / input_share - s).max(0.0))
        .collect())
}
