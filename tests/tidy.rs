//! The conventions of the sources: a purpose line in every file, each library in its own folder,
//! printing in one place, no loose ends.

use std::collections::BTreeSet;
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
        if !allowed("use burn", &["src/engine/"]) {
            fault("tensors belong in the engine");
        }
        if !allowed(
            "use cubecl",
            &["src/engine/", "src/number.rs", "src/model/local.rs"],
        ) {
            fault("kernels belong in the engine, and rules for them in `local!`");
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

/// The modules in order: one uses only those before it.
const ORDER: [&str; 19] = [
    "error",
    "interrupt",
    "memory",
    "files",
    "progress",
    "number",
    "workbook",
    "network",
    "table",
    "equilibrium",
    "model",
    "engine",
    "simulate",
    "observe",
    "infer",
    "study",
    "frame",
    "plot",
    "notebook",
];

/// The modules of the notebook kernel in order, by what they do: the ground; the process of cells; what cells say
/// and are; building; sessions; evaluators; the kernel that Jupyter starts; notebooks as files; commands.
const KERNEL: [&str; 41] = [
    "process",
    "folder",
    "link",
    "pipes",
    "obey",
    "input",
    "runner",
    "source",
    "instrument",
    "fates",
    "display",
    "outlet",
    "report",
    "toolchain",
    "answers",
    "known",
    "metadata",
    "compile",
    "standin",
    "slim",
    "building",
    "runtime",
    "session",
    "stock",
    "spare",
    "cells",
    "evaluator",
    "seek",
    "protocol",
    "kernel",
    "connection",
    "book",
    "parameters",
    "html",
    "execute",
    "kernelspec",
    "lab",
    "install",
    "serve",
    "doctor",
    "cli",
];

/// The modules of the crate that a text names, but for its comments.
fn uses(text: &str) -> BTreeSet<&str> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let named = code.flat_map(|line| line.split("crate::").skip(1));
    named
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(several) => several.split(['}', ',']).take(several.len()),
            None => rest.split(['}', ',']).take(1),
        })
        .map(|name| {
            let name = name.trim_start();
            let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            &name[..end.unwrap_or(name.len())]
        })
        .collect()
}

/// Where a module uses one that is not before it in `order`, but for what is `known`; `free` gathers names or
/// texts and may use all.
fn against(order: &[&str], root: &Path, free: &[&str]) -> (Vec<PathBuf>, Vec<String>) {
    let mut files = Vec::new();
    sources(root, &mut files);
    let rank = |name: &str| order.iter().position(|m| *m == name);
    let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
    for file in &files {
        let name = file.strip_prefix(root).expect("inside");
        let first = name.iter().next().expect("a name").to_string_lossy();
        let module = first.trim_end_matches(".rs");
        let Some(own) = rank(module) else {
            assert!(free.contains(&module), "{module} has no place in the order");
            continue;
        };
        seen.insert(own);
        let text = std::fs::read_to_string(file).expect("text");
        for other in uses(&text) {
            let later = rank(other).is_some_and(|other| other > own);
            if later {
                faults.push(format!("{}: {module} uses {other}", name.display()));
            }
        }
        if module == "infer" && text.contains("engine::cpu") {
            faults.push(format!("{} uses a backend", name.display()));
        }
    }
    assert_eq!(
        seen.len(),
        order.len(),
        "a module of the order is not there"
    );
    (files, faults)
}

#[test]
fn modules_use_only_those_before_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let free = ["lib", "prelude", "upstream", "cookbook"];
    let (files, mut faults) = against(&ORDER, &root, &free);
    // Inside the engine, what is run knows nothing of who runs it.
    let plain = |file: &PathBuf| ["door.rs", "plan.rs"].iter().any(|f| file.ends_with(f));
    let engine = root.join("engine");
    for file in files
        .iter()
        .filter(|file| file.starts_with(&engine) && plain(file))
    {
        let text = std::fs::read_to_string(file).expect("text");
        for backend in ["super::cube", "super::remote"] {
            let mut code = text.lines().filter(|l| l.starts_with("use "));
            if code.any(|l| l.contains(backend)) {
                faults.push(format!("{} uses {backend}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Lines of a file, and of a function, at most. A longer function says why in a comment above it: "Long: …".
const LINES: (usize, usize) = (500, 80);

/// Functions of a text that are too long: their first lines, and how many they have.
fn long_functions(text: &str, most: usize) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (k, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words = ["pub ", "pub(super) ", "pub(crate) ", "const ", "async "];
        let bare = words
            .iter()
            .fold(code, |code, word| code.strip_prefix(word).unwrap_or(code));
        if !bare.starts_with("fn ") {
            continue;
        }
        let end = format!("{}}}", " ".repeat(indent));
        let last = lines[k..].iter().position(|l| *l == end);
        let comments = lines[..k].iter().rev().map(|l| l.trim_start());
        let mut above = comments.take_while(|l| l.starts_with("//") || l.starts_with('#'));
        let has_body = !lines[k..].iter().take(20).any(|l| {
            // A declaration without a body ends before any body begins.
            l.ends_with(';') && !l.contains('{') && l.len() - l.trim_start().len() <= indent
        });
        let length = last.map_or(0, |l| l + 1);
        if has_body && length > most && !above.any(|l| l.contains("Long: ")) {
            found.push((*line, length));
        }
    }
    found
}

#[test]
fn files_and_functions_are_short() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&crates.join("src"), &mut files);
    sources(&crates.join("kernelspec/src"), &mut files);
    let mut faults = Vec::new();
    for file in &files {
        let name = file.strip_prefix(crates).expect("inside").display();
        let text = std::fs::read_to_string(file).expect("text");
        let lines = text.lines().count();
        if lines > LINES.0 {
            faults.push(format!("{name}: {lines} lines"));
        }
        let long = long_functions(&text, LINES.1).into_iter();
        faults.extend(long.map(|(line, n)| format!("{name}: {} has {n} lines", line.trim())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_kernel_s_modules_use_only_those_before_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernelspec/src");
    let (_, faults) = against(&KERNEL, &root, &["main"]);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn orders_and_lengths_are_seen() {
    let text = "use crate::{a::B, c};\nuse crate::d::{e, f};\n// crate::g\nfn h() {\n    crate::i::j(k, l)\n}\n";
    let all: Vec<&str> = uses(text).into_iter().filter(|m| !m.is_empty()).collect();
    assert_eq!(all, ["a", "c", "d", "i"]);
    assert_eq!(long_functions(text, 2), [("fn h() {", 3)]);
    assert!(long_functions(text, 3).is_empty());
}
