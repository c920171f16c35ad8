//! What cargo knows of the packages that a session's crate depends on, as evcxr and rust-analyzer ask for it.

use crate::answers;
use crate::known;
use crate::toolchain::with_home;
use anyhow::Result;
use serde_json::Value;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

/// What cargo knows of the packages, less those that are never compiled.
///
/// Cargo lists every package that some optional feature could ask for: more than twice as many as
/// are compiled, with all GPU toolkits among them. rust-analyzer would read them all.
///
/// What cargo says of a crate that depends on nothing but the toolkit is kept beside the prepared runtime:
/// finding it out takes more than a second.
pub(crate) fn metadata(dir: &Path, real: &OsStr, arguments: &[OsString]) -> Result<()> {
    let kept = known::what(dir).and_then(|about| answers::place(dir, arguments, &about));
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
}
