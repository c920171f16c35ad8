//! Downloads on disk: data, and beside them where they are from, their licence and their checksum.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where data are from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The address they were downloaded from.
    pub url: String,
    /// The line that must be shown with them.
    pub licence: String,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// When it was downloaded, seconds since 1970 (UTC).
    pub fetched: u64,
    /// Where it lies; not written to disk, as a cache may be moved.
    #[serde(skip)]
    pub path: PathBuf,
}

impl Source {
    /// What is told beside a data file, where a download left it; checks the data against it.
    pub(in crate::frame) fn beside(data: &Path) -> Result<Option<Self>> {
        let path = card(data);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(disk(&path, "read", &e)),
        };
        let Some(mut source) = Source::parse(&text).map_err(|fact| damaged(&path, &fact))? else {
            return Ok(None);
        };
        source.path = data.into();
        let (found, bytes) = sha256(data)?;
        if found != source.sha256 {
            return Err(Error::new(
                data.display().to_string(),
                format!(
                    "its {bytes} bytes have the SHA-256 {}…, but {}… was downloaded: the copy was changed or damaged",
                    &found[..12],
                    source.sha256.get(..12).unwrap_or(&source.sha256)
                ),
                format!(
                    "download it again with Fetch {{ reuse: Reuse::Fresh, .. }}, or remove {} if the change is yours",
                    path.display()
                ),
            ));
        }
        Ok(Some(source))
    }

    /// What a card says; None where it is another program's, as JSON beside data may be. A card that is damaged must
    /// not switch the check off.
    fn parse(text: &[u8]) -> std::result::Result<Option<Self>, String> {
        const OURS: [&str; 6] = ["url", "licence", "sha256", "bytes", "fetched", "check"];
        let value: serde_json::Value =
            serde_json::from_slice(text).map_err(|_| "it is no JSON any more".to_string())?;
        let Some(fields) = value.as_object() else {
            return Ok(None);
        };
        let ours = fields.keys().filter(|k| OURS.contains(&k.as_str())).count();
        if ours < 2 {
            return Ok(None);
        }
        let check = fields.get("check").cloned();
        let fields = fields.len();
        let source: Source = serde_json::from_value(value)
            .map_err(|_| "fields of it are missing or changed".to_string())?;
        let digits = source.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        if source.sha256.len() != 64 || !digits {
            return Err("its checksum is none".into());
        }
        // Cards of earlier versions have no checksum of themselves, and five fields.
        match check {
            Some(check) if check.as_str() == Some(&source.check()) => Ok(Some(source)),
            None if fields == 5 => Ok(Some(source)),
            _ => Err("it does not have its own checksum".into()),
        }
    }

    /// Checksum of what the card says.
    fn check(&self) -> String {
        let text = format!(
            "{}\n{}\n{}\n{}\n{}",
            self.url, self.licence, self.sha256, self.bytes, self.fetched
        );
        hex(&Sha256::digest(text.as_bytes()))
    }
}

/// The refusal of a card that is damaged.
fn damaged(path: &Path, fact: &str) -> Error {
    Error::new(
        path.display().to_string(),
        format!("the file that tells source and checksum of a download is damaged: {fact}"),
        "download the data again with Fetch { reuse: Reuse::Fresh, .. }, or remove this file to read the data without the check",
    )
}

fn card(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_os_string();
    name.push(".json");
    data.with_file_name(name)
}

fn sha256(path: &Path) -> Result<(String, u64)> {
    let fail = |e: std::io::Error| disk(path, "read", &e);
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let (mut hash, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 16], 0);
    loop {
        match file.read(&mut buffer).map_err(fail)? {
            0 => return Ok((hex(&hash.finalize()), bytes)),
            n => {
                hash.update(&buffer[..n]);
                bytes += n as u64;
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

pub(super) fn disk(path: &Path, what: &str, e: &std::io::Error) -> Error {
    Error::new(
        path.display().to_string(),
        format!("it cannot be {what}: {e}"),
        "check the folder, or name another with Fetch.cache",
    )
}

/// The place of one address in the cache.
pub(super) struct Spot {
    data: PathBuf,
}

/// A download that is not finished; it goes when it is dropped.
pub(super) struct Part {
    pub(super) path: PathBuf,
}

impl Drop for Part {
    fn drop(&mut self) {
        // After `keep` there is none; a file that stays behind harms nobody.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Spot {
    pub(super) fn new(
        folder: Option<&Path>,
        source: &str,
        name: &str,
        address: &str,
    ) -> Result<Self> {
        let folder = match folder {
            Some(folder) => folder.to_path_buf(),
            None => default_folder()?,
        };
        let hash = hex(&Sha256::digest(address.as_bytes()));
        let name: String = name.replace(',', "+").chars().take(40).collect();
        Ok(Self {
            data: folder
                .join(source)
                .join(format!("{name}-{}.csv", &hash[..12])),
        })
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn folder(&self) -> &Path {
        self.data.parent().unwrap_or(&self.data)
    }

    /// The copy, where there is one; one that is not what was downloaded is an error.
    pub(super) fn verified(&self) -> Result<Option<Source>> {
        if !self.data.exists() {
            return Ok(None);
        }
        match Source::beside(&self.data)? {
            Some(source) => Ok(Some(source)),
            None => Err(Error::new(
                self.data.display().to_string(),
                "the file that tells its source and checksum is missing or damaged",
                "download it again with Fetch { reuse: Reuse::Fresh, .. }",
            )),
        }
    }

    /// A new file beside the copy, to be written first.
    pub(super) fn part(&self) -> Result<Part> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let folder = self.folder();
        std::fs::create_dir_all(folder).map_err(|e| disk(folder, "made", &e))?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let end = format!("{}-{count}.part", std::process::id());
        Ok(Part {
            path: self.data.with_extension(end),
        })
    }

    /// Puts a finished download into its place, its card first.
    pub(super) fn keep(&self, part: Part, address: &str, licence: &str) -> Result<Source> {
        let (sha256, bytes) = sha256(&part.path)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let source = Source {
            url: address.into(),
            licence: licence.into(),
            sha256,
            bytes,
            fetched: now.map_or(0, |d| d.as_secs()),
            path: self.data.clone(),
        };
        let mut value = serde_json::to_value(&source).unwrap_or_default();
        value["check"] = source.check().into();
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        // A reader between the two renames finds a copy that does not fit, and is told so.
        let fresh = part.path.with_extension("card");
        let card = card(&self.data);
        std::fs::write(&fresh, text + "\n")
            .and_then(|()| std::fs::rename(&fresh, &card))
            .map_err(|e| disk(&card, "written", &e))?;
        std::fs::rename(&part.path, &self.data).map_err(|e| disk(&self.data, "written", &e))?;
        Ok(source)
    }
}

fn default_folder() -> Result<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    folder("XDG_CACHE_HOME")
        .or_else(|| folder("HOME").map(|h| h.join(".cache")))
        .map(|p| p.join("bullwhip"))
        .ok_or_else(|| {
            Error::new(
                "cache",
                "neither XDG_CACHE_HOME nor HOME is set",
                "name a folder with Fetch.cache",
            )
        })
}
