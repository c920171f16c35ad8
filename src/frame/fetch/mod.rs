//! Production indices from their official source, on request: downloaded once, checked, kept.
//!
//! Nothing is downloaded unless `eurostat` or `fred` is called. A download is kept in a cache
//! (`$XDG_CACHE_HOME/bullwhip`, else `~/.cache/bullwhip`) with a file `….json` beside it: address,
//! licence, time, and the SHA-256 of the data, which is checked whenever the copy is used again.
//!
//! Offline, whatever was downloaded before is used. For other machines: copy the cache, or download
//! with a browser and give the path to `read`.

mod cache;
mod http;

pub use cache::Source;

use crate::error::{Error, Result};
use crate::frame::read::{Format, Index, ReadOptions, read};
use crate::progress::{Progress, Stoppable};
use std::path::PathBuf;
use std::time::Duration;

/// What to do with a copy in the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Take the copy where there is one, else download.
    #[default]
    Copy,
    /// Download anew and replace the copy.
    Fresh,
    /// Take the copy; never download.
    Offline,
}

/// How to download.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Base address instead of the source's own. `None` also looks at the environment variable
    /// `BULLWHIP_MIRROR`: the base is then that address followed by `/eurostat` or `/fred`.
    pub base: Option<String>,
    /// Folder of the cache; `None` is `$XDG_CACHE_HOME/bullwhip` or `~/.cache/bullwhip`.
    pub cache: Option<PathBuf>,
    /// What to do with a copy in the cache.
    pub reuse: Reuse,
    /// Longest wait for a connection, for an answer, and between two parts of it.
    pub timeout: Duration,
    /// How often a download is tried; at least once.
    pub attempts: u32,
    /// First wait between two tries; it doubles each time. `Retry-After` of the source comes before it.
    pub pause: Duration,
    /// How waiting is done, in parts of a second at most.
    pub wait: fn(Duration),
    /// Bytes that are downloaded at most: 2 GiB.
    pub max_bytes: u64,
    /// How the data are read.
    pub read: ReadOptions,
}

impl Default for Fetch {
    fn default() -> Self {
        Self {
            base: None,
            cache: None,
            reuse: Reuse::Copy,
            timeout: Duration::from_secs(60),
            attempts: 4,
            pause: Duration::from_secs(2),
            wait: std::thread::sleep,
            max_bytes: 2 << 30,
            read: ReadOptions::default(),
        }
    }
}

/// A file at a source.
struct Remote<'a> {
    /// "eurostat" or "fred": the folder in the cache, and on a mirror.
    source: &'static str,
    /// The source's own base address.
    home: &'static str,
    /// Address below the base.
    path: String,
    /// Start of the file's name in the cache.
    name: &'a str,
    licence: &'static str,
    /// Where a person finds the data.
    page: String,
    format: Format,
}

/// A Eurostat data set such as "sts_inpr_m", filtered by dimension: names and codes are Eurostat's,
/// and `time` takes a first and a last month, of which the last may be left out.
///
/// ```no_run
/// use bullwhip::prelude::*;
/// let filter = [
///     ("geo", vec!["BE", "DE"]),
///     ("nace_r2", vec!["C", "D"]),
///     ("s_adj", vec!["SCA"]),
///     ("unit", vec!["I21"]),
///     ("time", vec!["2015-01", "2022-12"]),
/// ];
/// let index = eurostat("sts_inpr_m", &filter, &Fetch::default(), &mut Lines::default())?;
/// # Ok::<(), Error>(())
/// ```
///
/// The address is that of the dissemination API, SDMX 3.0, SDMX-CSV. Data: © European Union, CC BY 4.0.
pub fn eurostat(
    dataset: &str,
    filter: &[(&str, Vec<&str>)],
    options: &Fetch,
    progress: &mut dyn Progress,
) -> Result<Index> {
    check_name("eurostat", "data set", dataset)?;
    let mut query = String::new();
    for (dimension, codes) in filter {
        check_name("eurostat", "dimension", dimension)?;
        for code in codes {
            check_name(&format!("dimension {dimension}"), "code", code)?;
        }
        query += &match (*dimension, codes.as_slice()) {
            ("time" | "TIME_PERIOD", [from]) => format!("&c[TIME_PERIOD]=ge:{from}"),
            ("time" | "TIME_PERIOD", [from, to]) => {
                format!("&c[TIME_PERIOD]=ge:{from}+le:{to}")
            }
            ("time" | "TIME_PERIOD", _) => {
                return Err(Error::new(
                    "dimension time",
                    format!("it has {} months", codes.len()),
                    "give the first month, or the first and the last",
                ));
            }
            (_, []) => {
                return Err(Error::new(
                    format!("dimension {dimension}"),
                    "no code is given",
                    "name the codes, or leave the dimension out to take all",
                ));
            }
            (_, codes) => format!("&c[{dimension}]={}", codes.join(",")),
        };
    }
    if !filter.iter().any(|(d, _)| *d == "freq") {
        query += "&c[freq]=M";
    }
    let remote = Remote {
        source: "eurostat",
        home: "https://ec.europa.eu/eurostat/api/dissemination",
        path: format!(
            "/sdmx/3.0/data/dataflow/ESTAT/{dataset}/1.0?format=csvdata&formatVersion=1.0&compress=true{query}"
        ),
        name: dataset,
        licence: "Source: Eurostat, © European Union, CC BY 4.0",
        page: format!("https://ec.europa.eu/eurostat/databrowser/view/{dataset}"),
        format: Format::EurostatCsv,
    };
    get(&remote, options, progress)
}

/// A FRED series such as "INDPRO", or several of one table, "INDPRO,IPMAN". Data: Board of Governors of
/// the Federal Reserve System through FRED; production indices are in the public domain.
///
/// ```no_run
/// use bullwhip::prelude::*;
/// let index = fred("INDPRO", &Fetch::default(), &mut Lines::default())?;
/// # Ok::<(), Error>(())
/// ```
pub fn fred(series: &str, options: &Fetch, progress: &mut dyn Progress) -> Result<Index> {
    for name in series.split(',') {
        check_name("fred", "series", name)?;
    }
    let remote = Remote {
        source: "fred",
        home: "https://fred.stlouisfed.org",
        path: format!("/graph/fredgraph.csv?id={series}"),
        name: series,
        licence: "Source: Board of Governors of the Federal Reserve System (US) through FRED, Federal Reserve Bank of St. Louis; see the series' page for its terms",
        page: format!("https://fred.stlouisfed.org/series/{series}"),
        format: Format::FredSeries,
    };
    get(&remote, options, progress)
}

/// Refuses names that would change the address or leave the cache's folder.
fn check_name(place: &str, what: &str, name: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-$".contains(&b);
    if name.is_empty() || name.len() > 80 || !name.bytes().all(plain) {
        return Err(Error::new(
            place,
            format!("{name:?} is no name of a {what}"),
            "names have letters, digits, _ and - only",
        ));
    }
    Ok(())
}

fn get(remote: &Remote<'_>, options: &Fetch, progress: &mut dyn Progress) -> Result<Index> {
    let address = match (&options.base, std::env::var("BULLWHIP_MIRROR")) {
        (Some(base), _) => format!("{}{}", base.trim_end_matches('/'), remote.path),
        (None, Ok(mirror)) if !mirror.is_empty() => format!(
            "{}/{}{}",
            mirror.trim_end_matches('/'),
            remote.source,
            remote.path
        ),
        _ => format!("{}{}", remote.home, remote.path),
    };
    let spot = cache::Spot::new(
        options.cache.as_deref(),
        remote.source,
        remote.name,
        &address,
    )?;
    let read_options = ReadOptions {
        format: options.read.format.or(Some(remote.format)),
        ..options.read.clone()
    };
    if options.reuse != Reuse::Fresh
        && let Some(source) = spot.verified()?
    {
        let mut index = read(&source.path, &read_options)?;
        index.source = Some(source);
        return Ok(index);
    }
    if options.reuse == Reuse::Offline {
        return Err(Error::new(
            address,
            format!("there is no copy of it in {}", spot.folder().display()),
            offline(remote),
        ));
    }
    let progress = &mut Stoppable::new(progress);
    progress.start(&format!("downloading {}", remote.name), 1);
    let done = download(remote, options, &address, &spot, &read_options, progress);
    match &done {
        Ok(index) => progress.finish(&format!(
            "{} cells, kept in {}",
            index.frame.height(),
            spot.data().display()
        )),
        Err(e) => progress.fail(e),
    }
    done
}

fn download(
    remote: &Remote<'_>,
    options: &Fetch,
    address: &str,
    spot: &cache::Spot,
    read_options: &ReadOptions,
    progress: &mut dyn Progress,
) -> Result<Index> {
    let part = spot.part()?;
    http::download(address, &part.path, options, progress).map_err(|e| {
        Error::new(
            e.place,
            e.fact,
            format!("{}. {}", e.remedy, offline(remote)),
        )
    })?;
    // What cannot be read is not kept: an error page must not be taken for data next time.
    let mut index = read(&part.path, read_options).map_err(|e| {
        let fact = e.fact.clone();
        let place = e.place.replace(&part.path.display().to_string(), address);
        Error::new(place, fact, format!("{}. Nothing was kept", e.remedy))
    })?;
    index.source = Some(spot.keep(part, address, remote.licence)?);
    Ok(index)
}

fn offline(remote: &Remote<'_>) -> String {
    format!(
        "Offline: download it with a browser from {} and give the path to `read`, or copy the cache of another machine",
        remote.page
    )
}
