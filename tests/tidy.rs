//! The conventions of the sources: a purpose line in every file, each library in its own folder,
//! printing in one place, no loose ends.

use std::path::{Path, PathBuf};

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn sources_keep_to_the_conventions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for dir in ["src", "kernelspec", "examples", "benches", "tests"] {
        sources(&root.join(dir), &mut files);
    }
    assert!(files.len() > 40);
    let mut faults = Vec::new();
    for file in &files {
        let name = file
            .strip_prefix(root)
            .expect("inside")
            .to_string_lossy()
            .replace('\\', "/");
        let text = std::fs::read_to_string(file).expect("text");
        let mut fault = |what: &str| faults.push(format!("{name}: {what}"));
        if !text.starts_with("//! ") {
            fault("the first line must say what the file is for");
        }
        for loose in ["todo!(", "unimplemented!(", "dbg!("] {
            if text.contains(loose) && name != "tests/tidy.rs" {
                fault(loose);
            }
        }
        if !name.starts_with("src/") {
            continue;
        }
        let allowed = |word: &str, places: &[&str]| {
            !text.contains(word) || places.iter().any(|p| name.starts_with(p))
        };
        if !allowed("use polars", &["src/frame/", "src/notebook/"]) {
            fault("polars belongs in frame and notebook");
        }
        if !allowed("use plotters", &["src/plot/"]) {
            fault("plotters belongs in plot");
        }
        if !allowed(
            "use burn",
            &["src/ops/", "src/model/", "src/simulate/", "src/infer/"],
        ) {
            fault("tensors belong in ops, model, simulate and infer");
        }
        if !allowed("burn::backend", &["src/ops/"]) {
            fault("burn's backends belong in ops");
        }
        for print in ["println!(", "print!("] {
            let outside_docs = text
                .lines()
                .any(|l| !l.trim_start().starts_with("//") && l.contains(print));
            if outside_docs && !name.starts_with("src/notebook/") {
                fault("printing belongs in notebook");
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
