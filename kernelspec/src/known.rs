//! What a session knows to be built, so that cargo need not find it out again.

use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// How a Cargo.lock names the toolkit.
const TOOLKIT: &str = "name = \"bullwhip-notebook\"";
/// In a session's folder: the Cargo.toml that cargo has built; the Cargo.lock of what is compiled.
const KNOWN: &str = "known.toml";
pub(crate) const VERSIONS: &str = "prepared.lock";

/// Gives cargo the versions that are compiled, where it has none of them.
///
/// evcxr asks cargo about crates that depend on nothing, or on one thing only. Cargo then forgets all
/// other versions, and would take, and compile, whatever is the newest.
pub(crate) fn keep_versions(dir: &Path) -> Result<()> {
    let lock = dir.join("Cargo.lock");
    let knows = fs::read_to_string(&lock).is_ok_and(|text| text.contains(TOOLKIT));
    if !knows {
        fs::copy(dir.join(VERSIONS), lock).context("the versions of the toolkit's crates")?;
    }
    Ok(())
}

/// True where evcxr asks whether a dependency can be had that is built: what it is answered it does not
/// read, and cargo takes most of a second.
pub(crate) fn asks_for_known(dir: &Path) -> bool {
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

/// What is built, and of which versions, where the crate's Cargo.toml asks for just that; None else.
pub(crate) fn what(dir: &Path) -> Option<String> {
    let read = |name: &str| fs::read_to_string(dir.join(name)).ok();
    let (manifest, known, versions) = (read("Cargo.toml")?, read(KNOWN)?, read(VERSIONS)?);
    let rest = split_level(&manifest)?.1;
    (rest == split_level(&known)?.1).then(|| rest + &versions)
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

/// The optimisation level that a cell's Cargo.toml asks for, where cargo has built all else that it asks for.
pub(crate) fn level(dir: &Path) -> Option<String> {
    let manifest = fs::read_to_string(dir.join("Cargo.toml")).ok()?;
    let known = fs::read_to_string(dir.join(KNOWN)).ok()?;
    let (level, rest) = split_level(&manifest)?;
    is_part_of(&rest, &split_level(&known)?.1).then(|| level.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

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
