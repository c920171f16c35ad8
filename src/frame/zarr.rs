//! Posteriors as Zarr folders (version 2) that ArviZ and xarray read: JSON beside raw numbers, one chunk an array.

use crate::error::{Error, Result};
use crate::files::unwritten;
use crate::infer::{Discrepancy, Learnt, Per, Posterior, log_densities, prior_values};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Draws of the prior that are written.
const PRIOR_DRAWS: usize = 500;

/// Files by their paths within the folder.
struct Folder {
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// Names and lengths of an array's dimensions.
type Dimensions<'a> = [(&'a str, usize)];

impl Folder {
    fn text(&mut self, path: PathBuf, value: &Value) {
        self.files.push((path, value.to_string().into_bytes()));
    }

    fn group(&mut self, name: &str, facts: &Value) {
        self.text(
            Path::new(name).join(".zgroup"),
            &json!({ "zarr_format": 2 }),
        );
        self.text(Path::new(name).join(".zattrs"), facts);
    }

    fn array(
        &mut self,
        (group, name): (&str, &str),
        dimensions: &Dimensions<'_>,
        kind: &str,
        bytes: Vec<u8>,
    ) {
        let folder = Path::new(group).join(name);
        let shape: Vec<usize> = dimensions.iter().map(|d| d.1).collect();
        let names: Vec<&str> = dimensions.iter().map(|d| d.0).collect();
        let fill = if kind == "<f8" {
            json!("NaN")
        } else {
            Value::Null
        };
        let about = json!({
            "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": kind, "compressor": null, "fill_value": fill,
            "order": "C", "filters": null,
        });
        self.text(folder.join(".zarray"), &about);
        self.text(
            folder.join(".zattrs"),
            &json!({ "_ARRAY_DIMENSIONS": names }),
        );
        let chunk = vec!["0"; dimensions.len()].join(".");
        self.files.push((folder.join(chunk), bytes));
    }

    fn numbers(&mut self, place: (&str, &str), dimensions: &Dimensions<'_>, values: &[f64]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.array(place, dimensions, "<f8", bytes);
    }

    /// The numbers 0, 1, … of a dimension, from `first` on.
    fn count(&mut self, group: &str, (name, length): (&str, usize), first: i64) {
        let numbers = (0..length as i64).flat_map(|k| (first + k).to_le_bytes());
        self.array((group, name), &[(name, length)], "<i8", numbers.collect());
    }

    /// Texts along a dimension, all as long as the longest.
    fn labels(&mut self, group: &str, name: &str, labels: &[String]) {
        let longest = labels
            .iter()
            .map(|l| l.chars().count())
            .max()
            .unwrap_or(0)
            .max(1);
        let bytes = labels.iter().flat_map(|label| {
            let letters = label.chars().map(u32::from).chain(std::iter::repeat(0));
            letters.take(longest).flat_map(u32::to_le_bytes)
        });
        self.array(
            (group, name),
            &[(name, labels.len())],
            &format!("<U{longest}"),
            bytes.collect(),
        );
    }

    /// Writes all to a folder beside its place, and puts it there.
    fn write(&self, path: &Path) -> Result<()> {
        let fail = |e: &std::io::Error| unwritten(path, "the posterior", e);
        if path.exists() && !path.join(".zgroup").exists() {
            return Err(Error::new(
                path.display().to_string(),
                "it is there already, and is no Zarr folder",
                "give another name",
            ));
        }
        let part = path.with_extension(format!("zarr.{}.part", std::process::id()));
        let all = self.files.iter().try_for_each(|(name, bytes)| {
            let file = part.join(name);
            std::fs::create_dir_all(file.parent().unwrap_or(&part))?;
            std::fs::write(file, bytes)
        });
        let placed = all.and_then(|()| {
            if path.exists() {
                std::fs::remove_dir_all(path)?;
            }
            std::fs::rename(&part, path)
        });
        placed.map_err(|e| {
            // What is left of it is of no use.
            let _ = std::fs::remove_dir_all(&part);
            fail(&e)
        })
    }
}

/// From [draw, chain, entry] to [chain, draw, entry].
fn by_chain(values: &[f64], chains: usize, entries: usize) -> Vec<f64> {
    let draws = values.len() / (chains * entries).max(1);
    let row = |chain: usize, draw: usize| &values[(draw * chains + chain) * entries..][..entries];
    let each = (0..chains).flat_map(|c| (0..draws).map(move |d| (c, d)));
    each.flat_map(|(c, d)| row(c, d).iter().copied()).collect()
}

/// What a dimension of entries is called: after what has a value of its own, or after the parameter where others of that
/// name have other entries.
fn dimension(learnt: &Learnt, all: &[Learnt]) -> String {
    let of = |l: &Learnt| match l.per {
        Per::Firm | Per::FirmInRegion(_) | Per::FirmInSector(_) | Per::FirmInGroup(_) => "firm",
        Per::Region => "region",
        Per::Sector => "sector",
        Per::Group => "group",
        Per::RegionWalk(_) => "region_period",
        Per::SectorWalk(_) => "sector_period",
        Per::GroupWalk(_) => "group_period",
        Per::Walk(_) => "period",
        Per::Event => "event",
        Per::All => "all",
    };
    let name = of(learnt);
    match all
        .iter()
        .all(|l| of(l) != name || l.labels == learnt.labels)
    {
        true => name.into(),
        false => format!("{}_{name}", learnt.parameter.name()),
    }
}

/// Writes a posterior: posterior, prior, posterior_predictive, observed_data, log_likelihood and sample_stats.
pub(super) fn save(posterior: &Posterior, path: &Path) -> Result<()> {
    posterior.whole()?;
    let chains = posterior.chains.as_ref().map_or(1, |c| c.chains);
    // A draw that was left out leaves no chains.
    let chains = if posterior.draws.is_multiple_of(chains) {
        chains
    } else {
        1
    };
    let draws = posterior.draws / chains;
    let mut folder = Folder { files: Vec::new() };
    let facts = json!({
        "inference_library": "bullwhip", "inference_library_version": env!("CARGO_PKG_VERSION"), "method": posterior.method,
        "evaluations": posterior.evaluations, "warnings": posterior.warnings,
    });
    folder.group("", &facts);
    parameters(&mut folder, posterior, (chains, draws), &facts);
    let observed = &posterior.observed;
    let (g, periods) = (observed.groups(), observed.periods);
    let labels: Vec<String> = (0..g).map(|k| observed.label(k)).collect();
    let cells = [("period", periods), ("series", g)];
    let whole = [("chain", chains), ("draw", draws), cells[0], cells[1]];
    folder.group("posterior_predictive", &facts);
    folder.group("observed_data", &facts);
    let made = posterior.observations(Discrepancy::None, 0);
    let made = by_chain(&made.samples, chains, periods * g);
    folder.numbers(("posterior_predictive", "production"), &whole, &made);
    folder.numbers(("observed_data", "production"), &cells, &observed.values);
    for group in ["posterior_predictive", "observed_data"] {
        folder.labels(group, "series", &labels);
        folder.count(group, cells[0], 1);
    }
    let densities = log_densities(posterior);
    let seen = densities.first().map_or(0, Vec::len);
    let wide = [("chain", chains), ("draw", draws), ("cell", seen)];
    folder.group("log_likelihood", &facts);
    let values = by_chain(&densities.concat(), chains, seen);
    folder.numbers(("log_likelihood", "production"), &wide, &values);
    folder.count("log_likelihood", wide[2], 0);
    for group in ["posterior", "posterior_predictive", "log_likelihood"] {
        folder.count(group, ("chain", chains), 0);
        folder.count(group, ("draw", draws), 0);
    }
    energies(&mut folder, posterior, (chains, draws), &facts);
    folder.write(path)
}

/// The draws of all parameters, and of their priors.
fn parameters(
    folder: &mut Folder,
    posterior: &Posterior,
    (chains, draws): (usize, usize),
    facts: &Value,
) {
    folder.group("posterior", facts);
    folder.group("prior", facts);
    folder.count("prior", ("chain", 1), 0);
    folder.count("prior", ("draw", PRIOR_DRAWS), 0);
    let mut written: Vec<String> = Vec::new();
    for (k, learnt) in posterior.parameters.iter().enumerate() {
        let name = dimension(learnt, &posterior.parameters);
        let (parameter, entries) = (learnt.parameter.name(), learnt.len());
        let wide = |chains: usize, draws: usize| {
            [("chain", chains), ("draw", draws), (name.as_str(), entries)]
        };
        let values = by_chain(&learnt.samples, chains, entries);
        folder.numbers(("posterior", parameter), &wide(chains, draws), &values);
        let prior = prior_values(learnt.prior, k, PRIOR_DRAWS * entries);
        folder.numbers(("prior", parameter), &wide(1, PRIOR_DRAWS), &prior);
        if !written.contains(&name) {
            for group in ["posterior", "prior"] {
                folder.labels(group, &name, &learnt.labels);
            }
            written.push(name);
        }
    }
    if let Some(noise) = &posterior.learnt_noise {
        let wide = [
            ("chain", chains),
            ("draw", draws),
            ("noise_of", noise.labels.len()),
        ];
        let values = by_chain(&noise.samples, chains, noise.labels.len());
        folder.numbers(("posterior", "noise"), &wide, &values);
        folder.labels("posterior", "noise_of", &noise.labels);
    }
}

/// The energies of chains, at the draws that were kept.
fn energies(
    folder: &mut Folder,
    posterior: &Posterior,
    (chains, draws): (usize, usize),
    facts: &Value,
) {
    let Some(told) = posterior.chains.as_ref().filter(|c| c.chains == chains) else {
        return;
    };
    let at = |k: usize| {
        told.energy
            .get(k / chains * told.draws / draws * chains + k % chains)
    };
    let kept: Option<Vec<f64>> = (0..chains * draws).map(|k| at(k).copied()).collect();
    let Some(kept) = kept else {
        return;
    };
    let energy = by_chain(&kept, chains, 1);
    let lp: Vec<f64> = energy.iter().map(|e| -e).collect();
    let wide = [("chain", chains), ("draw", draws)];
    folder.group("sample_stats", facts);
    folder.numbers(("sample_stats", "energy"), &wide, &energy);
    folder.numbers(("sample_stats", "lp"), &wide, &lp);
    folder.count("sample_stats", wide[0], 0);
    folder.count("sample_stats", wide[1], 0);
}
