//! JupyterLab in a real browser: a display changes in place while its cell runs, and is saved.
//!
//! Needs Python with jupyterlab and playwright (`BULLWHIP_TEST_PYTHON`, or a virtual environment in
//! `bullwhip-test` in the user's cache) and chromium; skipped, with a printed line, without them.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

fn python() -> Option<PathBuf> {
    let given = std::env::var_os("BULLWHIP_TEST_PYTHON").map(PathBuf::from);
    let python = given.or_else(|| Some(dirs::cache_dir()?.join("bullwhip-test/bin/python")))?;
    let imports = Command::new(&python)
        .args(["-c", "import jupyterlab, playwright"])
        .output();
    let chromium = Command::new("chromium").arg("--version").output();
    let there =
        imports.is_ok_and(|o| o.status.success()) && chromium.is_ok_and(|o| o.status.success());
    there.then_some(python)
}

#[test]
fn a_display_changes_in_place_in_jupyterlab() {
    let Some(python) = python() else {
        println!("skipped: no Python with jupyterlab and playwright, or no chromium");
        return;
    };
    let dir = std::env::temp_dir().join(format!("bullwhip-browser-{}", std::process::id()));
    let pictures = dir.join("pictures");
    std::fs::create_dir_all(&pictures).expect("a folder");
    let kernel = env!("CARGO_BIN_EXE_bullwhip-kernel");
    let installed = Command::new(kernel)
        .arg("install")
        .arg("--prefix")
        .arg(&dir)
        .env("BULLWHIP_SPARES", "0")
        .output();
    assert!(
        installed.is_ok_and(|o| o.status.success()),
        "the kernel is installed"
    );
    let live = r##"for k in 1..=20 {
    let bar = format!("<svg xmlns='http://www.w3.org/2000/svg' width='420' height='60'><rect width='{}' height='60' fill='#2a6f97'/></svg>", 20 * k);
    println!("\u{1}bullwhip-display {{\"id\":\"bar\",\"data\":{{\"text/plain\":\"{k} of 20\",\"image/svg+xml\":\"{bar}\"}}}}");
    std::thread::sleep(std::time::Duration::from_millis(200));
}"##;
    let code = |id: &str, source: &str| json!({ "cell_type": "code", "id": id, "metadata": {}, "source": source, "outputs": [], "execution_count": null });
    let book = json!({
        "cells": [code("a", "use bullwhip::prelude::*;"), code("b", live), code("c", "6 * 7")],
        "metadata": { "kernelspec": { "name": "bullwhip", "display_name": "Rust (bullwhip)", "language": "rust" } },
        "nbformat": 4, "nbformat_minor": 5,
    });
    let notebook = dir.join("live.ipynb");
    std::fs::write(&notebook, book.to_string()).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser.py");
    let seen = Command::new(python)
        .arg(script)
        .args([&dir, &notebook, &pictures])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&seen.stderr).into_owned();
    let line = String::from_utf8_lossy(&seen.stdout).into_owned();
    let seen: Value =
        serde_json::from_str(line.trim()).unwrap_or_else(|e| panic!("{e}: {line}\n{said}"));
    println!("{seen}\npictures in {}", pictures.display());
    assert_eq!(seen["displays"], 1, "one display, in place");
    assert!(
        seen["different"].as_u64().is_some_and(|n| n >= 8),
        "it changes while the cell runs"
    );
    assert_eq!(seen["counts"], json!([1, 2, 3]));
    assert_eq!(
        seen["svg"].as_array().map(Vec::len),
        Some(1),
        "its last state is saved"
    );
    assert!(seen["svg"].to_string().contains("width='400'"));
}
