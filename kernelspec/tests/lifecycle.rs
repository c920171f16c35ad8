//! What comes before, between and after notebooks: JupyterLab's installation, engines that wait and
//! end, a folder's own configuration, upgrades, and the removal of everything.
//!
//! One test in a cache of its own, as each part needs what the one before has left. It compiles the
//! toolkit twice and starts seven engines, which takes about ten minutes on two cores that do nothing
//! else, and installs JupyterLab from the network (a minute, 300 MB).

mod client;

use client::{Cell, Kernel, content};
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Warms up no next spare: the test would only compete with it.
const ALONE: (&str, &str) = ("BULLWHIP_ALONE", "1");

/// What all parts work in.
struct Place {
    cache: PathBuf,
    jupyter: PathBuf,
    work: PathBuf,
}

impl Place {
    fn new() -> Self {
        // Outside of the project: cargo would take what is compiled in it for a part of it.
        let root = std::env::temp_dir().join(format!("bullwhip-lifecycle-{}", std::process::id()));
        let place = Self {
            cache: root.join("cache"),
            jupyter: root.join("jupyter"),
            work: root.join("work"),
        };
        std::fs::create_dir_all(&place.work).expect("a folder");
        place
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"));
        command
            .args(arguments)
            .env("BULLWHIP_CACHE", &self.cache)
            .env("JUPYTER_DATA_DIR", &self.jupyter);
        command
    }

    fn folder(&self, name: &str) -> PathBuf {
        let dir = self.work.join(name);
        std::fs::create_dir_all(&dir).expect("a folder");
        dir
    }

    async fn kernel(&self, folder: &Path, more: &[(&str, &str)]) -> Kernel {
        let cache = self.cache.to_str().expect("a path");
        let mut environment = vec![("BULLWHIP_CACHE", cache), ALONE];
        environment.extend(more);
        Kernel::start(folder, &environment).await
    }

    /// The folder of this Rust's runtime.
    fn runtime(&self) -> PathBuf {
        let mut homes = entries(&self.cache).into_iter();
        homes
            .find(|home| home.join("ready").exists())
            .expect("a runtime")
    }

    /// The folders of engines, named like their processes.
    fn engines(&self) -> Vec<PathBuf> {
        entries(&self.runtime().join("sessions"))
    }

    /// Waits for an engine that waits for a notebook.
    fn waiting(&self, warm: bool) -> PathBuf {
        let waits =
            |dir: &PathBuf| dir.join("free.sock").exists() && (!warm || dir.join("warm").exists());
        let mut found = None;
        until("an engine waits", || {
            found = self.engines().into_iter().find(waits);
            found.is_some()
        });
        found.expect("one")
    }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Waits until something is true, without a guess how long it takes.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(1200), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// True once an engine has ended and removed its folder.
fn gone(engine: &Path) -> bool {
    let alive = Command::new("kill")
        .args(["-0", &process(engine)])
        .output()
        .is_ok_and(|o| o.status.success());
    !engine.exists() && !alive
}

fn process(engine: &Path) -> String {
    engine
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn done(mut command: Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{}", said(&output));
    said(&output)
}

fn failed(mut command: Command) -> String {
    let output = command.output().expect("it starts");
    assert!(!output.status.success(), "{}", said(&output));
    said(&output)
}

fn error(cell: &Cell) -> String {
    cell.of("error")
        .first()
        .map_or(String::new(), |e| e["evalue"].to_string())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ten minutes and 300 MB from the network: cargo test --release -p bullwhip-kernel --test lifecycle -- --ignored"]
async fn engines_come_and_go() {
    let place = Place::new();
    jupyterlab_is_installed_where_there_is_none(&place);
    an_engine_holds_no_file_of_who_started_it(&place);
    a_crate_is_added(&place).await;
    a_folder_has_its_own_configuration(&place).await;
    an_engine_ends_that_nobody_needs(&place);
    an_upgrade_is_told_and_waited_for(&place).await;
    an_engine_of_the_old_version_ends(&place).await;
    another_rust_is_told(&place).await;
    no_engine_waits_where_none_is_wanted(&place).await;
    nothing_is_left(&place);
    std::fs::remove_dir_all(place.work.parent().expect("a folder")).expect("cleaned up");
}

/// The search path without JupyterLab.
fn without_jupyter() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).filter(|dir| !dir.join("jupyter-lab").exists());
    std::env::join_paths(dirs).expect("a path")
}

fn jupyterlab_is_installed_where_there_is_none(place: &Place) {
    println!("JupyterLab is installed where there is none");
    let lab = |path: &std::ffi::OsStr| {
        let mut command = place.command(&["lab", "--version"]);
        command.env("BULLWHIP_SPARES", "0").env("PATH", path);
        command
    };
    // Without Python either, the user is told what to do.
    let bare = place.folder("bare");
    for tool in ["rustc", "cargo"] {
        let path = std::env::var_os("PATH").expect("a path");
        let real = std::env::split_paths(&path)
            .map(|dir| dir.join(tool))
            .find(|file| file.is_file());
        std::os::unix::fs::symlink(real.expect("Rust"), bare.join(tool)).expect("a link");
    }
    assert!(failed(lab(bare.as_os_str())).contains("neither is Python 3 to install it with"));
    let python = Command::new("python3")
        .env("PATH", without_jupyter())
        .arg("-V")
        .output();
    if !python.is_ok_and(|o| o.status.success()) {
        println!("skipped: no python3");
        done(place.command(&["install"]));
        return;
    }
    // Where it cannot be installed, too; what was begun is not taken for an installation.
    let mut offline = lab(&without_jupyter());
    offline
        .env("PIP_INDEX_URL", "http://127.0.0.1:9/")
        .env("PIP_CONFIG_FILE", "/dev/null")
        .env("PIP_RETRIES", "0");
    assert!(failed(offline).contains("pip install jupyterlab"));
    let mut command = lab(&without_jupyter());
    let output = command.output().expect("it starts");
    if !output.status.success() {
        let mut pip = Command::new(place.cache.join("lab/bin/python"));
        pip.args(["-m", "pip", "download", "--no-deps", "-d"])
            .args([place.work.as_os_str(), "jupyterlab".as_ref()]);
        assert!(
            !pip.output().is_ok_and(|o| o.status.success()),
            "{}",
            said(&output)
        );
        println!("skipped: no package can be had");
        done(place.command(&["install"]));
        return;
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.lines().last().expect("a line");
    assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{text}");
    let again = done(lab(&without_jupyter()));
    assert!(
        again.contains(version) && !again.contains("installing"),
        "{again}"
    );
    // It finds the kernel; the user's own Jupyter does not, as nothing was asked to install it.
    let mut list = Command::new(place.cache.join("lab/bin/jupyter"));
    list.args(["kernelspec", "list", "--json"])
        .env("JUPYTER_PATH", place.cache.join("jupyter"));
    let specs: Value =
        serde_json::from_slice(&list.output().expect("it starts").stdout).expect("JSON");
    let spec = &specs["kernelspecs"]["bullwhip"]["spec"];
    assert_eq!(spec["argv"][0], env!("CARGO_BIN_EXE_bullwhip-kernel"));
    assert!(!place.jupyter.join("kernels").exists());
}

fn an_engine_holds_no_file_of_who_started_it(place: &Place) {
    println!("an engine holds no file of who started it");
    let held = place.work.join("held");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec 9>\"$0\"; exec \"$1\" install"])
        .arg(&held)
        .arg(env!("CARGO_BIN_EXE_bullwhip-kernel"))
        .env("BULLWHIP_CACHE", &place.cache)
        .env("JUPYTER_DATA_DIR", &place.jupyter);
    let text = done(shell);
    assert!(text.contains("an engine warms up"), "{text}");
    let engine = place.waiting(false);
    let open = Path::new("/proc").join(process(&engine)).join("fd");
    if !open.exists() {
        println!("skipped: this system does not list the files of a process");
        return;
    }
    let files: Vec<PathBuf> = entries(&open)
        .iter()
        .filter_map(|link| std::fs::read_link(link).ok())
        .collect();
    assert!(files.iter().any(|file| file.ends_with("log")), "{files:?}");
    assert!(!files.contains(&held), "{files:?}");
}

/// A crate that a user could have written.
fn small(place: &Place) -> PathBuf {
    let dir = place.folder("small");
    std::fs::create_dir_all(dir.join("src")).expect("a folder");
    let manifest =
        "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(dir.join("Cargo.toml"), manifest).expect("written");
    let code = "pub fn twice(x: i32) -> i32 { 2 * x }\n";
    std::fs::write(dir.join("src/lib.rs"), code).expect("written");
    dir
}

async fn a_crate_is_added(place: &Place) {
    println!("a crate is added");
    let engine = place.waiting(false);
    let mut kernel = place.kernel(&place.folder("a"), &[]).await;
    let cell = kernel.run("1 + 1").await;
    assert_eq!(cell.result(), "2");
    let waited = cell.waited();
    assert!(
        waited.starts_with("starting: the engine is still warming up")
            || waited.starts_with("starting: a few seconds"),
        "{waited}"
    );
    let code = format!(
        ":dep small = {{ path = {:?} }}\nsmall::twice(21)",
        small(place)
    );
    assert_eq!(kernel.run(&code).await.result(), "42");
    // One from the registry, and the toolkit goes on beside it.
    let code = ":dep itoa = \"1\"\nitoa::Buffer::new().format(7).to_string()";
    assert_eq!(kernel.run(code).await.result(), "7");
    let code = "let economy = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;\nlet shock = Shock::random(&economy, 3, 0.3, 10, 1);\nlet other = shock.clone();\neconomy.firms()";
    assert_eq!(kernel.run(code).await.result(), "30");
    // Cells go through cargo now: what moves a variable shows itself all the same.
    let cell = kernel.run("shock.and(other)").await;
    assert!(cell.of("execute_result")[0]["data"]["text/html"].is_string());
    let wrong = kernel
        .run(":dep absent = { path = \"/nowhere/at/all\" }")
        .await;
    assert!(
        !wrong.ok() && error(&wrong).contains("/nowhere/at/all"),
        "{}",
        error(&wrong)
    );
    only_prepared_versions_are_used(&engine);
    kernel.shutdown().await;
    // The next notebook would see the crates.
    until("the engine ends", || gone(&engine));
}

/// Cargo has not taken newer versions of the toolkit's crates than those that are compiled.
fn only_prepared_versions_are_used(engine: &Path) {
    let versions = |file: PathBuf| -> HashSet<String> {
        let text = std::fs::read_to_string(&file).expect("a lock file");
        let lines: Vec<&str> = text.lines().collect();
        let named = lines.windows(2).filter(|l| l[0].starts_with("name = "));
        named.map(|l| format!("{} {}", l[0], l[1])).collect()
    };
    let prepared = engine.join("../../prepared/Cargo.lock");
    let newer: Vec<String> = versions(engine.join("Cargo.lock"))
        .difference(&versions(prepared))
        .filter(|line| !line.contains("\"small\""))
        .cloned()
        .collect();
    assert_eq!(newer, Vec::<String>::new());
}

async fn a_folder_has_its_own_configuration(place: &Place) {
    println!("a folder has its own configuration");
    let dir = place.folder("b");
    let config = dir.join("evcxr.toml");
    std::fs::write(&config, "[evcxr]\ntmpdir = \"/tmp\"\n").expect("written");
    let mut kernel = place.kernel(&dir, &[]).await;
    let refused = kernel.run("1").await;
    assert!(
        error(&refused).contains("line 2: this kernel has a folder"),
        "{}",
        error(&refused)
    );
    // What is wrong with it is told.
    std::fs::write(
        &config,
        "[dependencies]\nsmall = { path = \"/nowhere/at/all\" }\n",
    )
    .expect("written");
    let refused = kernel.run("1").await;
    assert!(
        error(&refused).contains("/nowhere/at/all"),
        "{}",
        error(&refused)
    );
    let own = format!(
        "[evcxr]\nprelude = \"const LOCAL: i32 = 5;\"\n[dependencies]\nsmall = {{ path = {:?} }}\n",
        small(place)
    );
    std::fs::write(&config, own).expect("written");
    // Beside it, one that soon tires of waiting, for a later part.
    let mut install = place.command(&["install"]);
    install.env("BULLWHIP_PATIENCE", "0.36");
    done(install);
    let cell = kernel
        .run("let regions = Synthetic::default().regions; (small::twice(LOCAL), regions > 0)")
        .await;
    assert_eq!(cell.result(), "(10, true)", "{}", error(&cell));
    assert!(
        cell.waited().contains("this folder's evcxr.toml"),
        "{}",
        cell.waited()
    );
    kernel.shutdown().await;
}

fn an_engine_ends_that_nobody_needs(place: &Place) {
    println!("an engine ends that nobody needs");
    until("no engine is left", || place.engines().is_empty());
    let log = std::fs::read_to_string(place.runtime().join("log")).expect("a log");
    assert!(log.contains("warm after"), "it had warmed up");
}

async fn an_upgrade_is_told_and_waited_for(place: &Place) {
    println!("an upgrade is told and waited for");
    // As if the sources had changed since.
    std::fs::write(place.runtime().join("ready"), "an old version").expect("written");
    let patience = ("BULLWHIP_PATIENCE", "3600");
    let mut kernel = place.kernel(&place.folder("c"), &[patience]).await;
    let cell = kernel.run("3 + 4").await;
    let waited = cell.waited();
    assert!(
        waited.contains("bullwhip has changed: compiling"),
        "{waited}"
    );
    assert!(waited.contains("starting: about half a minute"), "{waited}");
    assert_eq!(cell.result(), "7");
    kernel.shutdown().await;
}

async fn an_engine_of_the_old_version_ends(place: &Place) {
    println!("an engine of the old version ends");
    // What the notebook before has given back, as if this program had changed since.
    let old = place.waiting(true);
    std::fs::write(old.join("stamp"), "an old version").expect("written");
    let patience = ("BULLWHIP_PATIENCE", "360");
    let mut kernel = place.kernel(&place.folder("d"), &[patience]).await;
    let engine = kernel
        .run("std::os::unix::process::parent_id()")
        .await
        .result();
    assert_ne!(engine, process(&old));
    until("the old engine has ended", || gone(&old));
    kernel.shutdown().await;
    // Nor does one wait for a notebook to find out.
    let next = place.waiting(true);
    assert_eq!(process(&next), engine);
    std::fs::write(next.join("stamp"), "an old version").expect("written");
    until("it ends by itself", || gone(&next));
}

async fn another_rust_is_told(place: &Place) {
    println!("another Rust is told");
    let tools = place.folder("tools");
    let script = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let file = tools.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("written");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("set");
    };
    let version = Command::new("rustc").arg("-vV").output().expect("Rust");
    let version = String::from_utf8_lossy(&version.stdout).replace("release: 1", "release: 2");
    script("rustc", &format!("cat <<'END'\n{version}END"));
    // What would take a quarter of an hour.
    script("cargo", "echo 'error: no space left' >&2; exit 1");
    let mut path = tools.into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let path = path.into_string().expect("a path");
    let mut kernel = place.kernel(&place.folder("e"), &[("PATH", &path)]).await;
    let cell = kernel.run("1").await;
    assert!(
        cell.waited().contains("Rust has changed: compiling"),
        "{}",
        cell.waited()
    );
    assert!(error(&cell).contains("no space left"), "{}", error(&cell));
    kernel.shutdown().await;
}

async fn no_engine_waits_where_none_is_wanted(place: &Place) {
    println!("no engine waits where none is wanted");
    let none = ("BULLWHIP_SPARES", "0");
    let mut kernel = place.kernel(&place.folder("f"), &[none]).await;
    let cell = kernel.run("std::os::unix::process::parent_id()").await;
    assert!(
        cell.waited().contains("BULLWHIP_SPARES=0"),
        "{}",
        cell.waited()
    );
    assert!(cell.ok(), "{}", error(&cell));
    let engine = place.runtime().join("sessions").join(cell.result());
    assert!(engine.exists());
    // Nothing is taken away from an open notebook.
    let refused = failed(place.command(&["uninstall"]));
    assert!(
        refused.contains("close them first") && refused.contains(&process(&engine)),
        "{refused}"
    );
    assert_eq!(content(&kernel.run("1 + 1").await.reply)["status"], "ok");
    kernel.shutdown().await;
    until("the engine ends", || gone(&engine));
    let mut install = place.command(&["install"]);
    install.env("BULLWHIP_SPARES", "0");
    assert!(done(install).contains("no engine waits (BULLWHIP_SPARES=0)"));
    assert!(place.engines().is_empty());
}

fn nothing_is_left(place: &Place) {
    println!("nothing is left");
    assert_eq!(place.engines(), Vec::<PathBuf>::new());
    done(place.command(&["install"]));
    assert!(place.jupyter.join("kernels/bullwhip/kernel.json").exists());
    let engine = place.waiting(false);
    let text = done(place.command(&["uninstall"]));
    assert!(text.contains("ended 1 waiting engine"), "{text}");
    assert!(gone(&engine), "it has ended");
    assert!(!place.cache.exists(), "{:?}", entries(&place.cache));
    assert!(!place.jupyter.join("kernels/bullwhip").exists());
    // Again: there is nothing, and that is said.
    assert!(done(place.command(&["uninstall"])).contains("nothing at"));
}
