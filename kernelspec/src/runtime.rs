//! The prepared runtime: everything a cell links, compiled once and kept in a cache folder.

use crate::building::follow;
use crate::folder;
use crate::slim;
use crate::toolchain;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The settings of `[profile.release]` in the workspace's Cargo.toml, for the cells' own crate.
/// Equal settings mean equal hashes, so cells use the dependencies that the workspace has compiled. What
/// cells have besides is in `toolchain`.
pub(crate) const PROFILE: [(&str, &str); 9] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
    ("CARGO_PROFILE_RELEASE_STRIP", "debuginfo"),
    ("CARGO_PROFILE_RELEASE_RPATH", "false"),
    ("CARGO_PROFILE_RELEASE_LTO", "false"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_INCREMENTAL", "false"),
    ("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", "false"),
    ("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "false"),
];

/// In a runtime's folder: the checkout that it is of.
const SOURCE: &str = "source";

/// In a runtime's folder: the features of the library that it is compiled with, with commas.
const FEATURES: &str = "features";

/// The features that it can be compiled with.
const KNOWN_FEATURES: [&str; 7] = ["wgpu", "vulkan", "metal", "cuda", "rocm", "remote", "serve"];

/// The toolkit's names, in every session, and the crates that it speaks with.
const PRELUDE: &str =
    "use bullwhip::prelude::*;\nuse bullwhip::{burn, plotters, polars, rand, rayon};";

/// The program of `kernelspec/runtime`.
const DEVICES: &str = "bullwhip-devices";

/// Where things are.
pub(crate) struct Runtime {
    /// The checkout of bullwhip that notebooks use.
    pub(crate) source: PathBuf,
    /// The target folder whose release build holds the dependencies.
    target: PathBuf,
    /// The compiler's name for this machine.
    pub(crate) triple: String,
    /// This runtime's folder in the cache.
    pub(crate) home: PathBuf,
}

impl Runtime {
    /// Finds the sources and the compiler; creates nothing.
    pub(crate) fn locate() -> Result<Self> {
        let source = checkout();
        if !source.join("kernelspec/runtime/Cargo.toml").is_file() {
            bail!(
                "the sources of bullwhip are not at {}, where this kernel was built; build the kernel again from the checkout you use",
                source.display()
            );
        }
        let version = rustc_version()?;
        let triple = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .context("`rustc -vV` names no host; install Rust with rustup")?
            .to_string();
        let mut key = Sha256::new();
        key.update(source.as_os_str().as_encoded_bytes());
        key.update(version.as_bytes());
        key.update(env!("CARGO_PKG_VERSION").as_bytes());
        let digest: String = key
            .finalize()
            .iter()
            .take(6)
            .map(|b| format!("{b:02x}"))
            .collect();
        let home = cache_dir()?.join(format!("runtime-{digest}"));
        Ok(Self {
            source: source.to_path_buf(),
            target: target_dir(&triple, &home),
            triple,
            home,
        })
    }

    /// The folder that sessions are made from.
    pub(crate) fn prepared(&self) -> PathBuf {
        self.home.join("prepared")
    }

    /// The folder of a process that serves a notebook, or waits for one.
    pub(crate) fn session_dir(&self, process: u32) -> PathBuf {
        self.home.join("sessions").join(process.to_string())
    }

    /// The features of the library that notebooks have.
    pub(crate) fn features(&self) -> Vec<String> {
        let text = fs::read_to_string(self.home.join(FEATURES)).unwrap_or_default();
        let names = text.trim().split(',').filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }

    /// Has it compiled with these features by the next `prepare`; names that are none are refused.
    pub(crate) fn set_features(&self, wanted: &[String]) -> Result<()> {
        let mut names: Vec<&str> = Vec::new();
        for name in wanted.iter().map(|n| n.trim()).filter(|n| !n.is_empty()) {
            if !KNOWN_FEATURES.contains(&name) {
                bail!(
                    "\"{name}\" is no feature; there are {}",
                    KNOWN_FEATURES.join(", ")
                );
            }
            names.push(name);
        }
        names.sort_unstable();
        names.dedup();
        fs::create_dir_all(&self.home).with_context(|| self.home.display().to_string())?;
        fs::write(self.home.join(FEATURES), names.join(","))?;
        Ok(())
    }

    /// The program of the runtime that lists devices and serves them.
    pub(crate) fn devices(&self) -> Command {
        Command::new(self.home.join(DEVICES))
    }

    fn stamp_file(&self) -> PathBuf {
        self.home.join("ready")
    }

    /// The folders of this checkout's runtimes: one for each Rust that it was used with.
    pub(crate) fn homes() -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(cache_dir()?).into_iter().flatten().flatten();
        let ours = entries.map(|entry| entry.path()).filter(|home| {
            fs::read(home.join(SOURCE))
                .is_ok_and(|s| s == checkout().as_os_str().as_encoded_bytes())
        });
        Ok(ours.collect())
    }

    /// Why something has to be compiled, and how long that takes.
    fn reason(&self) -> &'static str {
        if self.stamp_file().exists() {
            "bullwhip has changed: compiling what notebooks use of it (minutes)"
        } else if Self::homes().is_ok_and(|homes| homes.iter().any(|home| home != &self.home)) {
            "Rust has changed: compiling all that notebooks use with it (about 15 minutes)"
        } else {
            "compiling the notebook runtime (the first time takes about 15 minutes)"
        }
    }

    /// True when it is compiled from the sources as they are now.
    pub(crate) fn is_fresh(&self) -> bool {
        fs::read_to_string(self.stamp_file()).is_ok_and(|s| self.stamp().is_ok_and(|now| now == s))
    }

    /// Names, sizes and times of the sources, hashed.
    pub(crate) fn stamp(&self) -> Result<String> {
        let mut files = vec![
            self.source.join("Cargo.toml"),
            self.source.join("Cargo.lock"),
        ];
        for dir in ["src", "kernelspec/runtime"] {
            list(&self.source.join(dir), &mut files)?;
        }
        files.sort();
        let mut hash = Sha256::new();
        hash.update(self.features().join(","));
        for file in files {
            let meta = fs::metadata(&file).with_context(|| file.display().to_string())?;
            hash.update(file.as_os_str().as_encoded_bytes());
            hash.update(meta.len().to_le_bytes());
            hash.update(format!("{:?}", meta.modified()?).as_bytes());
        }
        Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Compiles what is missing, with progress on the terminal and to `say`. Safe to call from
    /// several processes: the others wait.
    pub(crate) fn prepare(&self, say: &dyn Fn(&str)) -> Result<()> {
        if self.is_fresh() {
            return Ok(());
        }
        fs::create_dir_all(&self.home).with_context(|| {
            format!(
                "{} cannot be made; set BULLWHIP_CACHE to a folder you may write",
                self.home.display()
            )
        })?;
        let lock = self.lock(say)?;
        if self.is_fresh() {
            return Ok(());
        }
        let (stamp, reason) = (self.stamp()?, self.reason());
        fs::write(
            self.home.join(SOURCE),
            self.source.as_os_str().as_encoded_bytes(),
        )?;
        let mut build = Command::new("cargo");
        build
            .args([
                "build",
                "--release",
                "-p",
                "bullwhip-notebook",
                "--target",
                &self.triple,
            ])
            .arg("--target-dir")
            .arg(&self.target)
            .args(["--features", &self.features().join(",")])
            .current_dir(&self.source)
            .env_remove(toolchain::INCREMENTAL);
        follow(build, reason, say)?;
        let built = self.target.join(&self.triple).join("release").join(DEVICES);
        fs::copy(&built, self.home.join(DEVICES)).with_context(|| built.display().to_string())?;
        let prepared = self.prepared();
        if prepared.exists() {
            fs::remove_dir_all(&prepared)?;
        }
        for (from, to) in [(self.triple.as_str(), self.triple.as_str()), ("", "")] {
            let from = self.target.join(from).join("release");
            let to = prepared.join("target").join(to).join("release");
            for part in ["deps", ".fingerprint", "build"] {
                if from.join(part).is_dir() {
                    folder::link_tree(&from.join(part), &to.join(part))?;
                }
            }
        }
        self.write_cell_crate(&prepared)?;
        follow(self.cell_build(), "linking the notebook runtime", say)?;
        let told = toolchain::without_package(&mut self.cell_build())
            .arg("--message-format=json")
            .output()?;
        // Of a build that was not told whole, nothing is known to be too much.
        let told = match told.status.success() {
            true => String::from_utf8_lossy(&told.stdout).into_owned(),
            false => String::new(),
        };
        for release in [self.triple.as_str(), ""].map(|part| prepared.join("target").join(part)) {
            slim::slim(&release.join("release"), &told)?;
        }
        self.write_config()?;
        fs::write(self.stamp_file(), stamp)?;
        drop(lock);
        Ok(())
    }

    /// Builds the cells' own crate in the prepared folder, as sessions do: what differs would be compiled
    /// again in each of them.
    fn cell_build(&self) -> Command {
        let mut cell = Command::new("cargo");
        cell.args(["build", "--release", "--target", &self.triple])
            .args(toolchain::CELL_PROFILE)
            .env_remove(toolchain::INCREMENTAL)
            .current_dir(self.prepared())
            .env("CARGO_TARGET_DIR", "target")
            .env("CARGO_BUILD_BUILD_DIR", "target")
            .env("CARGO_ENCODED_RUSTFLAGS", "")
            .envs(PROFILE);
        cell
    }

    /// The right to prepare the runtime. Who has to wait for it is told for whom.
    fn lock(&self, say: &dyn Fn(&str)) -> Result<fs::File> {
        let file = self.home.join("lock");
        let mut lock = fs::File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&file)?;
        if lock.try_lock().is_err() {
            let holder = fs::read_to_string(&file).unwrap_or_default();
            let text = format!(
                "waiting for the process {} of this user, which compiles the notebook runtime",
                holder.trim()
            );
            eprintln!("{text}");
            say(&text);
            lock.lock()
                .with_context(|| format!("{} cannot be locked", file.display()))?;
        }
        lock.set_len(0)?;
        writeln!(lock, "{}", std::process::id())?;
        Ok(lock)
    }

    /// A crate like those that evcxr writes for cells, so that what it will build is built.
    fn write_cell_crate(&self, dir: &Path) -> Result<()> {
        fs::create_dir_all(dir.join("src"))?;
        fs::copy(self.source.join("Cargo.lock"), dir.join("Cargo.lock"))?;
        fs::write(dir.join("src/lib.rs"), "")?;
        fs::write(
            dir.join("Cargo.toml"),
            format!(
                "[package]\nname = \"ctx\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n[dependencies]\n{}\n",
                self.dependency()
            ),
        )?;
        Ok(())
    }

    fn dependency(&self) -> String {
        let path = self.source.join("kernelspec/runtime");
        // As evcxr spells what it reads in its configuration: a `:load_config` changes nothing then.
        format!(
            "bullwhip = {{features = {:?}, package = \"bullwhip-notebook\", path = {:?}}}",
            self.features(),
            path.display().to_string()
        )
    }

    /// The cell that every session begins with.
    pub(crate) fn opening(&self) -> String {
        format!(":dep {}\n{PRELUDE}", self.dependency())
    }

    /// What evcxr itself takes from its configuration: the level at its start, all at `:load_config`.
    fn write_config(&self) -> Result<()> {
        let config = format!(
            "[evcxr]\nopt_level = \"2\"\nprelude = {PRELUDE:?}\n\n[dependencies]\n{}\n",
            self.dependency()
        );
        fs::create_dir_all(self.home.join("config"))?;
        fs::write(self.home.join("config/evcxr.toml"), config)?;
        Ok(())
    }
}

/// Where this program was built.
fn checkout() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// What `rustc -vV` prints.
pub(crate) fn rustc_version() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("rustc cannot be started; install Rust with rustup")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `BULLWHIP_CACHE`, or a folder in the user's cache.
pub(crate) fn cache_dir() -> Result<PathBuf> {
    match std::env::var_os("BULLWHIP_CACHE") {
        Some(dir) => Ok(std::path::absolute(dir)?),
        None => Ok(dirs::cache_dir()
            .context("there is no cache folder for this user; set BULLWHIP_CACHE")?
            .join("bullwhip")),
    }
}

/// The target folder this program was built in, to share its dependencies; else one in the cache.
fn target_dir(triple: &str, home: &Path) -> PathBuf {
    let release = Path::new(triple).join("release");
    std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_path_buf))
        // Tests run from `deps`.
        .map(|dir| {
            if dir.ends_with("deps") {
                dir.parent().map(Path::to_path_buf).unwrap_or(dir)
            } else {
                dir
            }
        })
        .filter(|dir| dir.ends_with(&release))
        .and_then(|dir| dir.ancestors().nth(2).map(Path::to_path_buf))
        .unwrap_or_else(|| home.join("target"))
}

fn list(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?
        } else {
            files.push(path)
        }
    }
    Ok(())
}
