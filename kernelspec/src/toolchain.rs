//! Stands in for cargo and rustup inside a session, so that cells are built like the toolkit, and fast.
//!
//! evcxr builds cells with cargo's development profile, in a folder of another name than the release
//! build of the workspace; cargo then counts every dependency as changed. For a session's own crate
//! `cargo build` and `cargo check` therefore mean `--release`. Where the user has added no dependency,
//! nothing but the cell can have changed, and the compiler is called without cargo, which would spend
//! most of a second on finding that out. Everything else is passed on as it is.

use crate::answers;
use crate::instrument;
use crate::link::{self, Word};
use crate::process;
use crate::session::in_front;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

const CARGO: &str = "BULLWHIP_CARGO";
const RUSTC: &str = "BULLWHIP_RUSTC";
const CARGO_HOME: &str = "BULLWHIP_CARGO_HOME";
/// Where evcxr wants to read the path of a cell's library.
const LIBRARY_FILE: &str = "EVCXR_EXECUTION_SO_PATH";
/// How evcxr keeps a variable for later cells.
const KEEPS: &str = "evcxr_variable_store.put_variable::<";
/// How a Cargo.lock names the toolkit.
const TOOLKIT: &str = "name = \"bullwhip-notebook\"";
/// In a session's folder: the Cargo.toml that cargo has built; the Cargo.lock of what is compiled; a
/// compiler that runs; one that was stopped.
const KNOWN: &str = "known.toml";
pub(crate) const VERSIONS: &str = "prepared.lock";
const COMPILING: &str = "compiling";
const STOPPED: &str = "stopped";
/// In a session's folder: the cell that is compiled, as its writer has it.
pub(crate) const CELL: &str = "cell.rs";

/// Makes `bin` with this program under the two names, and what it needs to find the real tools.
pub(crate) fn environment(bin: &Path) -> Result<Vec<(OsString, OsString)>> {
    std::fs::create_dir_all(bin)?;
    let program = std::env::current_exe()?;
    for name in ["cargo", "rustup"] {
        std::os::unix::fs::symlink(&program, bin.join(name))
            .with_context(|| format!("{} cannot be made", bin.join(name).display()))?;
    }
    Ok(vec![
        ("PATH".into(), in_front("PATH", bin)),
        (CARGO.into(), real("cargo")?.into()),
        (RUSTC.into(), real("rustc")?.into()),
    ])
}

/// The folder of the compiler's shared standard library.
pub(crate) fn standard_library() -> Result<PathBuf> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir"])
        .output()
        .context("rustc cannot be started; install Rust with rustup")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().into())
}

/// The tool that rustup would start, or the one on PATH.
fn real(tool: &str) -> Result<PathBuf> {
    if let Ok(output) = Command::new("rustup").args(["which", tool]).output()
        && output.status.success()
    {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join(tool))
        .find(|file| file.is_file())
        .with_context(|| format!("{tool} is not on PATH; install Rust with rustup"))
}

/// When this program was started as cargo or rustup, does their work; else None.
pub(crate) fn serve() -> Option<Result<()>> {
    let name = std::env::args_os().next()?;
    match Path::new(&name).file_name().and_then(OsStr::to_str) {
        Some("cargo") => Some(cargo()),
        Some("rustup") => Some(rustup(Path::new(&name))),
        _ => None,
    }
}

fn cargo() -> Result<()> {
    let real = std::env::var_os(CARGO).context("this cargo belongs to a notebook session")?;
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let dir = std::env::var_os("EVCXR_TMPDIR").map(PathBuf::from);
    // A `!cargo …` of the user's in a folder of theirs is none of our business.
    let ours = dir.filter(|dir| std::env::current_dir().is_ok_and(|here| &here == dir));
    let Some(dir) = ours else {
        let error = with_home(&mut Command::new(real)).args(arguments).exec();
        return Err(error).context("cargo cannot be started");
    };
    keep_versions(&dir)?;
    if std::env::var_os(process::SHOWS).is_some() {
        prepare_source(&dir, arguments.first())?;
    }
    if arguments.first().is_some_and(|verb| verb == "metadata") {
        if asks_for_known(&dir) {
            return Ok(());
        }
        return metadata(&dir, &real, &arguments);
    }
    let status = match direct(&dir, &arguments) {
        Some((mut rustc, library)) => {
            let status = compile(&dir, rustc.stderr(Stdio::piped()))?;
            if let (true, Some(file)) = (status.success(), std::env::var_os(LIBRARY_FILE)) {
                fs::write(file, library.as_os_str().as_encoded_bytes())?;
            }
            status
        }
        None => {
            let mut command = Command::new(real);
            with_home(&mut command);
            for argument in arguments {
                let builds = argument == "build" || argument == "check";
                command.arg(argument);
                if builds {
                    command.arg("--release").args(CELL_PROFILE);
                }
            }
            compile(&dir, command.stdout(Stdio::piped()).stderr(Stdio::piped()))?
        }
    };
    std::process::exit(status.code().unwrap_or(1));
}

/// Has the source of a cell tell the kernel what evcxr's would print; see `instrument`.
fn prepare_source(dir: &Path, verb: Option<&OsString>) -> Result<()> {
    let file = dir.join("src/lib.rs");
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap_or_default();
    let known = manifest.lines().any(|line| line.starts_with("bullwhip = "));
    let source = fs::read_to_string(&file)?;
    let changed = match verb.and_then(|verb| verb.to_str()) {
        Some("build") if known => {
            let cell = fs::read_to_string(dir.join(CELL)).unwrap_or_default();
            instrument::instrument(&source, &cell)
        }
        Some("check") => instrument::with_static_variables(&source),
        _ => return Ok(()),
    };
    if changed != source {
        fs::write(&file, changed)?;
    }
    Ok(())
}

/// A setting of the user's that goes before the profile's, and has our crates compiled again where it has changed.
pub(crate) const INCREMENTAL: &str = "CARGO_INCREMENTAL";

/// Sums that overflow panic: in cells, and in the toolkit, as the workspace's Cargo.toml has it.
pub(crate) const CELL_PROFILE: [&str; 4] = [
    "--config",
    "profile.release.package.ctx.overflow-checks=true",
    "--config",
    "profile.release.package.bullwhip.overflow-checks=true",
];

/// True where the crate's Cargo.toml is one that has been built.
fn is_known(dir: &Path) -> bool {
    let read = |name: &str| fs::read_to_string(dir.join(name)).ok();
    let (manifest, known) = (read("Cargo.toml"), read(KNOWN));
    let (manifest, known) = (manifest.unwrap_or_default(), known.unwrap_or_default());
    match (split_level(&manifest), split_level(&known)) {
        (Some((_, manifest)), Some((_, known))) => manifest == known,
        _ => false,
    }
}

/// Gives cargo the versions that are compiled, where it has none of them.
///
/// evcxr asks cargo about crates that depend on nothing, or on one thing only. Cargo then forgets all
/// other versions, and would take, and compile, whatever is the newest.
fn keep_versions(dir: &Path) -> Result<()> {
    let lock = dir.join("Cargo.lock");
    let knows = fs::read_to_string(&lock).is_ok_and(|text| text.contains(TOOLKIT));
    if !knows {
        fs::copy(dir.join(VERSIONS), lock).context("the versions of the toolkit's crates")?;
    }
    Ok(())
}

/// True where evcxr asks whether a dependency can be had that is built: what it is answered it does not
/// read, and cargo takes most of a second.
fn asks_for_known(dir: &Path) -> bool {
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap_or_default();
    only_known(&read("Cargo.toml"), &read(KNOWN))
}

/// True for the Cargo.toml of such a question that asks for nothing but what `known` has.
fn only_known(question: &str, known: &str) -> bool {
    let dependencies = |text: &str| -> Vec<String> {
        let list = text
            .split_once("[dependencies]")
            .map_or("", |(_, list)| list);
        let lines = list.lines().map(|line| line.trim().to_string());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let (asked, known) = (dependencies(question), dependencies(known));
    question.contains("\"evcxr_dummy_validate_dep\"")
        && !asked.is_empty()
        && asked.iter().all(|line| known.contains(line))
}

/// What cargo knows of the packages, less those that are never compiled.
///
/// Cargo lists every package that some optional feature could ask for: more than twice as many as
/// are compiled, with all GPU toolkits among them. rust-analyzer would read them all.
///
/// What cargo says of a crate that depends on nothing but the toolkit is kept beside the prepared runtime:
/// finding it out takes more than a second.
fn metadata(dir: &Path, real: &OsStr, arguments: &[OsString]) -> Result<()> {
    let kept = answers::place(dir, arguments).filter(|_| is_known(dir));
    if let Some(text) = kept.as_deref().and_then(|file| answers::read(file, dir)) {
        print!("{text}");
        return Ok(());
    }
    let output = with_home(&mut Command::new(real))
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    let compiled = with_home(&mut Command::new(real))
        .args([
            "tree",
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .stderr(Stdio::null())
        .output()?;
    let filtered = serde_json::from_slice(&output.stdout)
        .ok()
        .filter(|_| compiled.status.success());
    let text = match filtered {
        Some(all) => without_others(all, &String::from_utf8_lossy(&compiled.stdout)).to_string(),
        // An error, or no JSON was asked for: as it is.
        None => String::from_utf8_lossy(&output.stdout).into_owned(),
    };
    if let (true, Some(file)) = (output.status.success(), kept) {
        // Only the time of the next session is lost where it cannot be written.
        let _ = answers::write(&file, dir, &text);
    }
    print!("{text}");
    std::process::exit(output.status.code().unwrap_or(1));
}

/// `all` of cargo's metadata with the packages that are named in `compiled`, one `name vVersion` a line.
fn without_others(mut all: Value, compiled: &str) -> Value {
    let words = |line: &str| {
        let mut words = line.split_whitespace();
        Some((
            words.next()?.to_string(),
            words.next()?.strip_prefix('v')?.to_string(),
        ))
    };
    let named: HashSet<(String, String)> = compiled.lines().filter_map(words).collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let packages = all["packages"]
        .as_array_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    let kept = packages
        .into_iter()
        .filter(|p| named.contains(&(text(&p["name"]), text(&p["version"]))));
    let kept: Vec<Value> = kept.collect();
    let ids: HashSet<String> = kept.iter().map(|p| text(&p["id"])).collect();
    all["packages"] = Value::Array(kept);
    if let Some(nodes) = all["resolve"]["nodes"].as_array_mut() {
        nodes.retain(|node| ids.contains(&text(&node["id"])));
        for node in nodes {
            if let Some(names) = node["dependencies"].as_array_mut() {
                names.retain(|id| ids.contains(&text(id)));
            }
            if let Some(deps) = node["deps"].as_array_mut() {
                deps.retain(|dep| ids.contains(&text(&dep["pkg"])));
            }
        }
    }
    all
}

/// A folder that rust-analyzer takes for cargo's, so that it asks us: the user's, but for `cargo`.
pub(crate) fn home(dir: &Path) -> Result<Vec<(OsString, OsString)>> {
    let theirs = match std::env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => std::env::home_dir()
            .context("this user has no home folder")?
            .join(".cargo"),
    };
    fs::create_dir_all(dir.join("bin"))?;
    for (from, to) in [
        (theirs.clone(), dir.to_path_buf()),
        (theirs.join("bin"), dir.join("bin")),
    ] {
        for entry in fs::read_dir(&from).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != "bin" && name != "cargo" {
                std::os::unix::fs::symlink(entry.path(), to.join(name))?;
            }
        }
    }
    std::os::unix::fs::symlink(std::env::current_exe()?, dir.join("bin/cargo"))?;
    Ok(vec![
        ("CARGO_HOME".into(), dir.into()),
        (CARGO_HOME.into(), theirs.into()),
    ])
}

/// Gives the real cargo the real folder back.
fn with_home(command: &mut Command) -> &mut Command {
    if let Some(home) = std::env::var_os(CARGO_HOME) {
        command.env("CARGO_HOME", home);
    }
    command
}

/// The compiler's call for a cell that depends on nothing but the toolkit, and the library it makes.
fn direct(dir: &Path, arguments: &[OsString]) -> Option<(Command, PathBuf)> {
    let verb = arguments.first()?.to_str()?;
    let target = arguments.iter().position(|a| a == "--target")?;
    let target = arguments.get(target + 1)?;
    let rustc = std::env::var_os(RUSTC)?;
    // Settings of evcxr's that only cargo knows what to do with.
    let plain = std::env::var_os("RUSTC_WRAPPER").is_none()
        && std::env::var_os("RUSTC").is_none_or(|chosen| chosen == rustc);
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).ok()?;
    let known = fs::read_to_string(dir.join(KNOWN)).ok()?;
    let (level, rest) = split_level(&manifest)?;
    if !plain || !is_part_of(&rest, &split_level(&known)?.1) {
        return None;
    }
    let deps = dir.join("target").join(target).join("release/deps");
    let mut command = Command::new(rustc);
    command
        .args(["--crate-name", "ctx", "--edition=2024", "src/lib.rs"])
        .args([
            "--crate-type",
            "cdylib",
            "--error-format=json",
            "-Cstrip=debuginfo",
            // As in `CELL_PROFILE`.
            "-Coverflow-checks=on",
        ])
        .arg(format!("-Copt-level={level}"))
        .arg(format!(
            "--emit={}",
            if verb == "build" { "link" } else { "metadata" }
        ))
        .arg("--target")
        .arg(target)
        .arg("--out-dir")
        .arg(&deps)
        .arg("-L")
        .arg(in_folder("dependency=", &deps))
        .arg("-L")
        .arg(in_folder("dependency=", &dir.join("target/release/deps")))
        .arg("--extern")
        .arg(in_folder(
            "bullwhip=",
            &deps.join(shared_library("bullwhip_notebook")),
        ));
    matches!(verb, "build" | "check").then(|| (command, deps.join(shared_library("ctx"))))
}

fn in_folder(option: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

/// How a shared library is called on this system.
pub(crate) fn shared_library(name: &str) -> String {
    format!(
        "{}{name}{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    )
}

/// The optimisation level that a cell's Cargo.toml asks for, and the rest of it.
fn split_level(manifest: &str) -> Option<(&str, String)> {
    let level = manifest
        .lines()
        .find_map(|line| line.strip_prefix("opt-level = "))?;
    let rest = manifest
        .lines()
        .filter(|line| !line.starts_with("opt-level = "));
    matches!(level, "0" | "1" | "2" | "3").then(|| (level, rest.collect::<Vec<_>>().join("\n")))
}

/// True for a Cargo.toml, less its level, that is the known one, or the same without dependencies.
fn is_part_of(manifest: &str, known: &str) -> bool {
    let bare = known
        .split_once("[dependencies]")
        .map(|(settings, _)| format!("{settings}[dependencies]"));
    manifest == known || bare.is_some_and(|bare| bare == manifest.trim_end())
}

/// Notes that a crate with this Cargo.toml has been built in `dir` by cargo, and needs no cargo again.
pub(crate) fn remember(dir: &Path, manifest: &str) -> Result<()> {
    if fs::read_to_string(dir.join(KNOWN)).is_ok_and(|known| known == manifest) {
        return Ok(());
    }
    // Whole or absent: a session may read it now.
    let beside = dir.join(format!("{KNOWN}.{}", std::process::id()));
    fs::write(&beside, manifest)?;
    Ok(fs::rename(beside, dir.join(KNOWN))?)
}

/// Gives a new session in `dir` what an earlier one has noted in the folder that it is made from.
pub(crate) fn recall(prepared: &Path, dir: &Path) -> Result<()> {
    match fs::read_to_string(prepared.join(KNOWN)) {
        Ok(manifest) => remember(dir, &manifest),
        // The first.
        Err(_) => Ok(()),
    }
}

/// Runs a compiler in a group of its own, so that it can be stopped with all that it starts. Its
/// messages are on the channels that are piped: the compiler's own on the error stream, cargo's not.
fn compile(dir: &Path, command: &mut Command) -> Result<ExitStatus> {
    let mut child = command
        .process_group(0)
        .spawn()
        .context("the compiler cannot be started")?;
    fs::write(dir.join(COMPILING), child.id().to_string())?;
    let errors = child.stderr.take();
    // Both at once: who writes into a full pipe waits.
    let errors = std::thread::spawn(move || match errors {
        Some(messages) => pass_on(messages, std::io::stderr(), &mut Waits::default()),
        None => Ok(()),
    });
    if let Some(messages) = child.stdout.take() {
        pass_on(messages, std::io::stdout(), &mut Waits::default())?;
    }
    let passed = errors.join();
    let status = child.wait();
    fs::remove_file(dir.join(COMPILING))?;
    passed.map_err(|_| anyhow::anyhow!("the compiler's messages cannot be read"))??;
    Ok(status?)
}

fn pass_on(from: impl Read, mut to: impl Write, waits: &mut Waits) -> Result<()> {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        let text = std::str::from_utf8(&line).ok();
        if let Some(said) = text.and_then(|text| waits.hear(text)) {
            tell(&said);
        }
        match text.and_then(without_user) {
            Some(ours) => writeln!(to, "{ours}")?,
            None => to.write_all(&line)?,
        }
        line.clear();
    }
    Ok(())
}

/// What the user of a cell that waits for cargo is told.
#[derive(Default)]
struct Waits {
    compiled: usize,
}

impl Waits {
    /// The words for a line of cargo's, if it is worth any.
    fn hear(&mut self, line: &str) -> Option<String> {
        let line = line.trim();
        if let Some(lock) = line.strip_prefix("Blocking waiting for file lock on ") {
            return Some(format!(
                "waiting for another cargo of this user, which holds the lock on {lock}\n"
            ));
        }
        let name = line.strip_prefix("Compiling ")?.split(' ').next()?;
        self.compiled += 1;
        self.compiled.is_multiple_of(10).then(|| {
            format!(
                "compiling what this cell adds: {} crates, now {name}\n",
                self.compiled
            )
        })
    }
}

/// Tells the engine of these cells.
fn tell(text: &str) {
    let Some(socket) = std::env::var_os(process::SHOWS) else {
        return;
    };
    if let Ok(stream) = std::os::unix::net::UnixStream::connect(socket) {
        // An engine that has gone needs no words.
        let _ = link::send(&stream, &Word::Waits { text: text.into() });
    }
}

/// A compiler's message that evcxr cannot keep a variable which the cell has moved, as one about
/// evcxr's line only; None for all others.
///
/// evcxr then forgets the variable and compiles again. If the message also points to the cell's last
/// expression, evcxr takes it for the fault of the way it shows that, and falls back to the plain one.
fn without_user(line: &str) -> Option<String> {
    if !line.contains("\"E0382\"") {
        return None;
    }
    let mut whole: Value = serde_json::from_str(line).ok()?;
    // Cargo wraps what the compiler says.
    let message = match whole["message"].is_object() {
        true => &mut whole["message"],
        false => &mut whole,
    };
    let spans = message["spans"].as_array_mut()?;
    let primary = |span: &Value| span["is_primary"] == true;
    let keeps = |span: &Value| span["text"].to_string().contains(KEEPS);
    if !spans.iter().filter(|span| primary(span)).all(keeps) {
        return None;
    }
    spans.retain(primary);
    message["children"] = Value::Array(Vec::new());
    Some(whole.to_string())
}

/// Takes away what a cargo that has started this program tells of the package it has built: crates that
/// look at it would be compiled anew.
pub(crate) fn without_package(command: &mut Command) -> &mut Command {
    let names = ["OUT_DIR", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CFG_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if names.contains(&&*text) || prefixes.iter().any(|p| text.starts_with(p)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Stops the compiler that runs in `dir`; false when none does.
pub(crate) fn stop(dir: &Path) -> bool {
    let running = fs::read_to_string(dir.join(COMPILING)).ok();
    let Some(group) = running.and_then(|text| text.parse::<u32>().ok()) else {
        return false;
    };
    // A number that a compiler has left behind may be another process's by now.
    let place = fs::read_link(format!("/proc/{group}/cwd")).ok();
    if Path::new("/proc").exists() && place != fs::canonicalize(dir).ok() {
        return false;
    }
    // Should it end this very moment, the cell runs, and the next interrupt asks it to stop.
    let stopped = signal("KILL", &format!("-{group}"));
    stopped && fs::write(dir.join(STOPPED), "").is_ok()
}

/// Sends a signal to a process, or with a minus before its number to a group; false when it has gone.
pub(crate) fn signal(name: &str, process: &str) -> bool {
    let script = "kill -s \"$0\" -- \"$1\"";
    Command::new("sh")
        .args(["-c", script, name, process])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// True, once, after `stop` has stopped a compiler in `dir`.
pub(crate) fn was_stopped(dir: &Path) -> bool {
    fs::remove_file(dir.join(STOPPED)).is_ok()
}

/// evcxr asks `rustup which cargo` and `rustup which rustc`, and nothing else.
fn rustup(program: &Path) -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let answer = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["which", "cargo"] => program_in_path(program)
            .context("PATH has changed")?
            .into_os_string(),
        ["which", "rustc"] => {
            std::env::var_os(RUSTC).context("this rustup belongs to a notebook session")?
        }
        _ => bail!("a notebook session uses the toolchain it was started with"),
    };
    println!("{}", answer.to_string_lossy());
    Ok(())
}

/// The stand-in for cargo beside this stand-in for rustup.
fn program_in_path(program: &Path) -> Option<PathBuf> {
    if let Some(dir) = program.parent().filter(|d| d.is_absolute()) {
        return Some(dir.join("cargo"));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|d| d.join("cargo"))
        .find(|f| f.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_lists_what_is_compiled() {
        let package = |name: &str, version: &str| serde_json::json!({ "name": name, "version": version, "id": format!("{name}@{version}") });
        let all = serde_json::json!({
            "packages": [package("ctx", "1.0.0"), package("cudarc", "0.1.0"), package("syn", "1.0.0"), package("syn", "2.0.0")],
            "resolve": { "nodes": [
                { "id": "ctx@1.0.0", "dependencies": ["cudarc@0.1.0", "syn@2.0.0"], "deps": [{ "pkg": "cudarc@0.1.0" }, { "pkg": "syn@2.0.0" }] },
                { "id": "cudarc@0.1.0", "dependencies": [], "deps": [] },
            ] },
        });
        let kept = without_others(all, "ctx v1.0.0 (/a/folder)\nsyn v2.0.0\n");
        let names: Vec<&str> = kept["packages"]
            .as_array()
            .expect("packages")
            .iter()
            .filter_map(|p| p["id"].as_str())
            .collect();
        assert_eq!(names, ["ctx@1.0.0", "syn@2.0.0"]);
        assert_eq!(kept["resolve"]["nodes"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            kept["resolve"]["nodes"][0]["dependencies"],
            serde_json::json!(["syn@2.0.0"])
        );
        assert_eq!(
            kept["resolve"]["nodes"][0]["deps"].as_array().map(Vec::len),
            Some(1)
        );
    }

    #[test]
    fn what_is_built_can_be_had() {
        let question = |lines: &str| {
            format!(
                "\n    [package]\n    name = \"evcxr_dummy_validate_dep\"\n    [dependencies]\n    {lines}\n    "
            )
        };
        let known = "[package]\nname = \"ctx\"\n[dependencies]\nbullwhip = { path = \"a\" }\n";
        assert!(only_known(&question("bullwhip = { path = \"a\" }"), known));
        assert!(!only_known(&question("bullwhip = { path = \"b\" }"), known));
        assert!(!only_known(&question("rand = \"1\""), known));
        assert!(!only_known(&question(""), known));
        assert!(!only_known(&question("bullwhip = { path = \"a\" }"), ""));
        // The cell's own crate: evcxr reads what cargo tells of it.
        assert!(!only_known(known, known));
    }

    #[test]
    fn versions_are_kept() {
        let dir = std::env::temp_dir().join(format!("bullwhip-versions-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        let all = format!("[[package]]\n{TOOLKIT}\n[[package]]\nname = \"polars\"\n");
        fs::write(dir.join(VERSIONS), &all).expect("written");
        let lock = || fs::read_to_string(dir.join("Cargo.lock")).expect("a lock");
        keep_versions(&dir).expect("none yet");
        assert_eq!(lock(), all);
        // What cargo leaves of a crate without dependencies.
        fs::write(dir.join("Cargo.lock"), "[[package]]\nname = \"ctx\"\n").expect("written");
        keep_versions(&dir).expect("lost");
        assert_eq!(lock(), all);
        // What the user has added stays.
        let more = all.clone() + "[[package]]\nname = \"itoa\"\n";
        fs::write(dir.join("Cargo.lock"), &more).expect("written");
        keep_versions(&dir).expect("there");
        assert_eq!(lock(), more);
        fs::remove_dir_all(dir).expect("cleaned up");
    }

    #[test]
    fn a_moved_variable_is_not_the_fault_of_the_display() {
        let message = |kept: &str| {
            let span = |primary: bool, text: &str| serde_json::json!({ "is_primary": primary, "text": [{ "text": text }] });
            serde_json::json!({
                "code": { "code": "E0382" }, "children": [{ "message": "consider cloning" }],
                "spans": [span(false, "(shock.and(other)).evcxr_display();"), span(true, kept)],
            })
            .to_string()
        };
        let line = "evcxr_variable_store.put_variable::<Shock>(stringify!(shock), shock);";
        let ours: Value =
            serde_json::from_str(&without_user(&message(line)).expect("ours")).expect("JSON");
        assert_eq!(ours["spans"].as_array().map(Vec::len), Some(1));
        assert_eq!(ours["spans"][0]["is_primary"], true);
        assert_eq!(ours["children"].as_array().map(Vec::len), Some(0));
        let wrapped = format!(
            "{{\"reason\":\"compiler-message\",\"message\":{}}}",
            message(line)
        );
        let wrapped: Value =
            serde_json::from_str(&without_user(&wrapped).expect("ours")).expect("JSON");
        assert_eq!(wrapped["message"], ours);
        // A fault of the user's stays as it is, with all that the compiler says of it.
        assert_eq!(without_user(&message("shock.and(other);")), None);
        assert_eq!(without_user("error: aborting"), None);
    }

    #[test]
    fn who_waits_for_cargo_is_told_what_for() {
        let mut waits = Waits::default();
        let said = waits.hear("    Blocking waiting for file lock on package cache\n");
        assert!(said.is_some_and(
            |s| s.contains("another cargo of this user") && s.contains("package cache")
        ));
        let lines = (1..=12).filter_map(|k| waits.hear(&format!("   Compiling crate{k} v1.0.0\n")));
        let said: Vec<String> = lines.collect();
        assert_eq!(
            said,
            ["compiling what this cell adds: 10 crates, now crate10\n"]
        );
        assert_eq!(waits.hear("{\"reason\":\"compiler-artifact\"}"), None);
    }

    #[test]
    fn only_the_level_of_a_known_manifest_may_change() {
        let manifest = |level: &str, more: &str| {
            format!(
                "[package]\nname = \"ctx\"\n[profile.dev]\nopt-level = {level}\n[dependencies]\nbullwhip = 1\n{more}"
            )
        };
        let known = manifest("3", "");
        let (level, rest) = split_level(&known).expect("a level");
        assert_eq!(level, "3");
        let faster = manifest("0", "");
        assert_eq!(split_level(&faster), Some(("0", rest.clone())));
        let more = manifest("3", "rand = 1\n");
        assert_ne!(split_level(&more).expect("a level").1, rest);
        assert_eq!(split_level(&manifest("\"s\"", "")), None);
        assert_eq!(split_level("[package]"), None);
        assert!(is_part_of(&rest, &rest));
        // Before the toolkit is there, evcxr asks for nothing.
        let bare = rest.replace("bullwhip = 1", "");
        assert!(is_part_of(&bare, &rest));
        assert!(!is_part_of(&bare.replace("ctx", "other"), &rest));
        assert!(!is_part_of(&rest.replace("bullwhip", "rand"), &rest));
    }
}
