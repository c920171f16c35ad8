//! Results to files and back: Parquet, Arrow IPC and CSV, with what they are.
//!
//! One rule for all: every file carries a JSON text that says what it is, with which version of
//! bullwhip it was written, the facts that its tables do not hold, and the type of every column. Parquet
//! and Arrow hold it inside, under the key `bullwhip`; CSV has no place for it, so it is in a file beside
//! it, `x.csv.json` for `x.csv`. A value of several tables is written to several files whose names begin
//! alike: `fit.parquet`, `fit.samples.parquet`; it is loaded by the first of them.

use super::disk;
use crate::error::{Error, Result};
use crate::files::{Part, unwritten};
use polars::prelude::DataFrame;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use xxhash_rust::xxh3::Xxh3;

/// What a file is.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The kind of value: "trajectory", "network"; "table" for a frame of the user's.
    pub kind: String,
    /// Version of bullwhip that wrote it; empty for files of others.
    pub version: String,
    /// What is not in the table: numbers of the value itself, and what the user added (seed, parameters,
    /// source of the data).
    pub facts: BTreeMap<String, String>,
    /// Type of every column, in the order of the file.
    pub columns: Vec<(String, String)>,
    /// The same in all files of one save, and in no other's; empty for files of others.
    #[serde(default)]
    pub mark: String,
    /// A sum over all this and the table: what changed since it was written is refused.
    #[serde(default)]
    pub checksum: String,
}

/// A file that was read: its table, and what it is.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Where it was.
    pub path: PathBuf,
    /// What it is.
    pub about: About,
    /// The table.
    pub frame: DataFrame,
}

/// Reads a table from `.parquet`, `.arrow` (or `.ipc`, `.feather`) or `.csv`, written by bullwhip or
/// not. In a CSV file of others a column is a number where every cell is one; codes with leading zeros
/// stay text.
pub fn load(path: impl AsRef<Path>) -> Result<Loaded> {
    let path = path.as_ref();
    let (frame, about) = disk::read(path)?;
    Ok(Loaded {
        path: path.to_path_buf(),
        about,
        frame,
    })
}

/// The tables and facts of a value on their way to files.
#[derive(Default)]
pub struct Pack {
    files: Vec<Packed>,
}

struct Packed {
    suffix: String,
    about: About,
    frame: DataFrame,
}

impl Pack {
    /// A fact that the tables do not hold.
    pub fn fact(&mut self, name: &str, value: impl ToString) {
        let last = self.files.iter_mut().find(|f| f.suffix.is_empty());
        if let Some(file) = last {
            file.about.facts.insert(name.into(), value.to_string());
        }
    }

    /// A table, in a file with this suffix; the one with the empty suffix comes first.
    pub fn table(&mut self, kind: &str, suffix: &str, frame: DataFrame) {
        let about = About {
            kind: kind.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..About::default()
        };
        self.files.push(Packed {
            suffix: suffix.into(),
            about,
            frame,
        });
    }

    /// A value inside the value, in files of its own.
    pub fn inside<T: Stored>(&mut self, suffix: &str, value: &T) -> Result<()> {
        let mut pack = Pack::default();
        value.pack(&mut pack)?;
        for mut file in pack.files {
            file.suffix = match file.suffix.as_str() {
                "" => suffix.to_string(),
                own => format!("{suffix}.{own}"),
            };
            self.files.push(file);
        }
        Ok(())
    }
}

/// A file on its way to its place.
#[doc(hidden)]
pub struct Beside {
    pub(super) path: PathBuf,
    pub(super) part: Part,
}

/// The files of a value on their way back.
pub struct Files {
    path: PathBuf,
    about: About,
    frame: DataFrame,
}

impl Files {
    fn open(path: &Path, kind: &str) -> Result<Self> {
        let (frame, about) = disk::read(path)?;
        if about.kind != kind {
            let is = if about.kind.is_empty() {
                "a table"
            } else {
                about.kind.as_str()
            };
            return Err(Error::new(
                path.display().to_string(),
                format!("it is {is}, not a {kind}"),
                "load it as what it is, or see frame::load",
            ));
        }
        Ok(Self {
            path: path.to_path_buf(),
            about,
            frame,
        })
    }

    /// The first table.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// A further table.
    pub fn table(&self, suffix: &str) -> Result<DataFrame> {
        let path = named(&self.path, suffix);
        let (frame, about) = disk::read(&path)?;
        self.check_mark(&path, &about.mark)?;
        Ok(frame)
    }

    /// Refuses a file of another save: one that was interrupted while it wrote over this one.
    pub(super) fn check_mark(&self, path: &Path, mark: &str) -> Result<()> {
        if mark == self.about.mark {
            return Ok(());
        }
        Err(Error::new(
            path.display().to_string(),
            format!(
                "it is not of the same save as {}: a save was interrupted, or files of two were mixed",
                self.path.display()
            ),
            "save the value again, or bring back all its files from one save",
        ))
    }

    /// The path of a file that belongs to the value.
    pub fn beside(&self, suffix: &str) -> PathBuf {
        named(&self.path, suffix)
    }

    /// A value inside the value.
    pub fn inside<T: Stored>(&self, suffix: &str) -> Result<T> {
        let files = Files::open(&named(&self.path, suffix), T::KIND)?;
        self.check_mark(&files.path, &files.about.mark)?;
        T::unpack(&files)
    }

    /// A fact.
    pub fn fact(&self, name: &str) -> Result<&str> {
        self.about
            .facts
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| {
                Error::new(
                    self.path.display().to_string(),
                    format!("its {name} is missing"),
                    "give a file that bullwhip wrote",
                )
            })
    }

    /// A fact that is a number.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T> {
        let text = self.fact(name)?;
        text.parse().map_err(|_| {
            let place = self.path.display().to_string();
            Error::new(
                place,
                format!("its {name} is {text:?}"),
                "give a file that bullwhip wrote",
            )
        })
    }

    /// A fact that was written as JSON.
    pub fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_str(self.fact(name)?).map_err(|_| {
            Error::new(
                self.path.display().to_string(),
                format!("its {name} cannot be read: it is of another version, or was changed"),
                "save the value again with this version",
            )
        })
    }
}

/// `fit.parquet` and `samples` make `fit.samples.parquet`.
fn named(path: &Path, suffix: &str) -> PathBuf {
    if suffix.is_empty() {
        return path.to_path_buf();
    }
    let end = path.extension().unwrap_or_default().to_string_lossy();
    path.with_extension(format!("{suffix}.{end}"))
}

/// A mark that no other save has.
fn mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut sum = Xxh3::new();
    sum.update(&COUNT.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    sum.update(&std::process::id().to_le_bytes());
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    sum.update(&now.unwrap_or_default().as_nanos().to_le_bytes());
    format!("{:016x}", sum.digest())
}

/// Adds `.save(path)` to results, and `::load(path)` to their types: what comes back is equal, bit for
/// bit, in all three formats.
pub trait Stored: Sized {
    /// What files of it are called.
    const KIND: &'static str;

    /// The value as tables and facts.
    fn pack(&self, pack: &mut Pack) -> Result<()>;

    /// The value from its files.
    fn unpack(files: &Files) -> Result<Self>;

    /// Writes the value to `.parquet`, `.arrow` or `.csv`, by the file's extension.
    fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path, &[])
    }

    /// The same, with facts of the user's: `run.save_with("run.parquet", &[("seed", &7), ("simulation",
    /// &simulation), ("source", &"METI, 2011")])`. Anything that prints itself for debugging is a fact.
    fn save_with(&self, path: impl AsRef<Path>, facts: &[(&str, &dyn Debug)]) -> Result<()> {
        let path = path.as_ref();
        if let Some(done) = self.save_otherwise(path) {
            return done;
        }
        disk::Format::of(path)?;
        let mut pack = Pack::default();
        self.pack(&mut pack)?;
        for (name, value) in facts {
            let text = format!("{value:?}");
            // A text prints with its quotes.
            pack.fact(name, serde_json::from_str::<String>(&text).unwrap_or(text));
        }
        // The first file comes last: where it is, the others are.
        pack.files.sort_by_key(|f| f.suffix.is_empty());
        let mark = mark();
        let mut parts = Vec::new();
        for file in &mut pack.files {
            file.about.mark.clone_from(&mark);
            let path = named(path, &file.suffix);
            for part in disk::write(&path, &mut file.frame, &mut file.about)? {
                let path = path.clone();
                parts.push(Beside { path, part });
            }
        }
        let more = self.save_more(&|suffix| named(path, suffix), &mark)?;
        // All are on the disk before the first is in its place: a full disk leaves the old ones.
        for Beside { path, part } in more.into_iter().chain(parts) {
            part.place().map_err(|e| unwritten(&path, "it", &e))?;
        }
        Ok(())
    }

    /// Writes it in a form of its own kind, which its extension asks for; none where that is a table's.
    #[doc(hidden)]
    fn save_otherwise(&self, _path: &Path) -> Option<Result<()>> {
        None
    }

    /// What is no table, in a file of its own with this mark, beside its place.
    #[doc(hidden)]
    fn save_more(&self, _named: &dyn Fn(&str) -> PathBuf, _mark: &str) -> Result<Option<Beside>> {
        Ok(None)
    }

    /// Reads what `save` wrote; a file of another kind is refused by its name.
    fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::unpack(&Files::open(path, Self::KIND)?).map_err(|e| match e.place.as_str() {
            place if place.contains(&*path.to_string_lossy()) => e,
            _ => e.within(path.display()),
        })
    }
}

impl Stored for DataFrame {
    const KIND: &'static str = "table";

    fn pack(&self, pack: &mut Pack) -> Result<()> {
        pack.table(Self::KIND, "", self.clone());
        Ok(())
    }

    fn unpack(files: &Files) -> Result<Self> {
        Ok(files.frame.clone())
    }

    fn load(path: impl AsRef<Path>) -> Result<Self> {
        Ok(disk::read(path.as_ref())?.0)
    }
}
