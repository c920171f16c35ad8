//! JupyterLab and Notebook 7 in a real browser: they open notebook 03 and run it, and the picture of the
//! calibration changes in place while the cell runs, and is saved.
//!
//! Needs Python with jupyterlab, playwright and, for its test, notebook (`BULLWHIP_TEST_PYTHON`, or a virtual
//! environment in `bullwhip-test` in the user's cache) and chromium; skipped, with a printed line, without
//! them.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// One after the other: their engines and pages would take each other's time.
static ALONE: Mutex<()> = Mutex::new(());

/// The code cell of the notebook that calibrates, and the steps that it is given here.
const FIT: usize = 1;
const STEPS: usize = 12_000;

/// The Python that has these packages, where there is a browser too.
fn python(packages: &str) -> Option<PathBuf> {
    let given = std::env::var_os("BULLWHIP_TEST_PYTHON").map(PathBuf::from);
    let python = given.or_else(|| Some(dirs::cache_dir()?.join("bullwhip-test/bin/python")))?;
    let imports = Command::new(&python)
        .args(["-c", &format!("import {packages}")])
        .output();
    let chromium = Command::new("chromium").arg("--version").output();
    let there =
        imports.is_ok_and(|o| o.status.success()) && chromium.is_ok_and(|o| o.status.success());
    there.then_some(python)
}

#[test]
fn a_display_changes_in_place_in_jupyterlab() {
    a_display_changes_in_place("jupyterlab, playwright", "lab/tree");
}

#[test]
fn a_display_changes_in_place_in_notebook_7() {
    a_display_changes_in_place("jupyterlab, notebook, playwright", "notebooks");
}

/// `page` is where the server shows notebooks.
fn a_display_changes_in_place(packages: &str, page: &str) {
    let Some(python) = python(packages) else {
        println!("skipped: no Python with {packages}, or no chromium");
        return;
    };
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (dir, pictures) = installed("browser", page);
    // The notebook's own fit is over in a tenth of a second: here it goes on for some seconds.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../notebooks/03_calibrate.ipynb");
    let text = std::fs::read_to_string(source).expect("the notebook");
    let longer = text.replace("steps: 300,", &format!("steps: {STEPS}, early_stop: None,"));
    assert_ne!(text, longer, "the number of steps is where it was");
    let notebook = dir.join("calibrate.ipynb");
    std::fs::write(&notebook, without_outputs(&longer)).expect("written");
    let watched = FIT.to_string();
    let seen = see(
        &python,
        "browser.py",
        &[&dir, &notebook, &pictures],
        &[&watched, page],
    );
    println!("pictures in {}", pictures.display());
    for name in [
        "pictures", "states", "outputs", "places", "prompts", "seconds", "moving", "narrow", "wide",
    ] {
        println!("{name}: {}", seen[name]);
    }
    assert!(
        seen["states"].as_u64().is_some_and(|n| n >= 5),
        "it changes while the cell runs"
    );
    assert_eq!(seen["outputs"], json!([1]), "one display, in place");
    assert_eq!(seen["places"].as_array().map(Vec::len), Some(1), "it stays");
    // Where there is less room than figures would take they shrink, and are not cut off.
    for name in ["moving", "narrow"] {
        let figures = figures(&seen[name]);
        assert!(!figures.is_empty(), "{name}");
        assert!(figures.iter().all(|f| f[0] <= 0), "{name}: {figures:?}");
        assert!(figures.iter().any(|f| f[1] < f[2]), "{name}: {figures:?}");
    }
    // Where there is more they do not grow.
    let wide = figures(&seen["wide"]);
    assert!(wide.iter().all(|f| f[0] <= 0 && f[1] == f[2]), "{wide:?}");
    let cells = seen["cells"].as_array().expect("cells");
    let counts: Vec<_> = cells
        .iter()
        .map(|c| c["execution_count"].as_u64())
        .collect();
    let expected: Vec<_> = (1..=cells.len() as u64).map(Some).collect();
    assert_eq!(counts, expected);
    // The display's last state is saved, and what the cell gave behind it.
    let outputs = cells[FIT]["outputs"].as_array().expect("outputs");
    assert_eq!(outputs.len(), 2);
    assert_eq!(outputs[0]["output_type"], "display_data");
    let told = outputs[0]["data"]["text/plain"].to_string();
    assert!(told.contains(&format!("finished: {STEPS} steps")), "{told}");
    let html = outputs[0]["data"]["text/html"].to_string();
    assert!(
        html.contains("data:image/png;base64,"),
        "what all readers show"
    );
    assert!(!outputs[0]["data"]["image/png"].is_null());
    for cell in cells {
        let failed = |o: &Value| o["output_type"] == "error" || o["name"] == "stderr";
        assert!(
            !cell["outputs"]
                .as_array()
                .expect("outputs")
                .iter()
                .any(failed),
            "{cell}"
        );
    }
}

#[test]
fn a_picture_follows_its_slider_in_jupyterlab() {
    a_picture_follows_its_slider("jupyterlab, jupyterlab_widgets, playwright", "lab/tree");
}

#[test]
fn a_picture_follows_its_slider_in_notebook_7() {
    let packages = "jupyterlab, jupyterlab_widgets, notebook, playwright";
    a_picture_follows_its_slider(packages, "notebooks");
}

/// 2,000 firms, whose output is simulated and drawn for each position of the slider.
fn a_picture_follows_its_slider(packages: &str, page: &str) {
    let Some(python) = python(packages) else {
        println!("skipped: no Python with {packages}, or no chromium");
        return;
    };
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (dir, pictures) = installed("explore", page);
    let code = "let network = Network::synthetic(&Synthetic { firms: 2000, ..Synthetic::default() })?;\nlet params = Params::usual(&network);\nexplore(slider(\"severity\", 0.0..=1.0, 0.3), move |severity| {\n    let shock = Shock::region(&network, \"R1\", 5, severity, 0.1)?;\n    Ok(simulate(&network, &params, &shock, &Simulation::default())?.figure())\n})?";
    let cell = json!({ "cell_type": "code", "source": code, "metadata": {}, "outputs": [], "execution_count": null, "id": "a" });
    let kernel =
        json!({ "name": "bullwhip", "display_name": "Rust (bullwhip)", "language": "rust" });
    let book = json!({ "cells": [cell], "metadata": { "kernelspec": kernel }, "nbformat": 4, "nbformat_minor": 5 });
    let notebook = dir.join("explore.ipynb");
    std::fs::write(&notebook, book.to_string()).expect("written");
    let seen = see(
        &python,
        "explore.py",
        &[&dir, &notebook, &pictures],
        &[page],
    );
    println!("pictures in {}\n{seen}", pictures.display());
    assert!(
        seen["changes"].as_u64().is_some_and(|n| n >= 5) && seen["moved"] == true,
        "the picture changes while the slider is dragged"
    );
    // Its state has stayed with the kernel.
    assert_eq!(seen["value"], seen["value again"]);
    assert_eq!(seen["same picture"], true);
    assert!(seen["changes again"].as_u64().is_some_and(|n| n > 0));
}

/// A folder with the kernel installed, and one in it for pictures, which stay to be looked at.
fn installed(what: &str, page: &str) -> (PathBuf, PathBuf) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(what)
        .join(page.replace('/', "-"));
    let pictures = dir.join("pictures");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&pictures).expect("a folder");
    let installed = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"))
        .arg("install")
        .arg("--prefix")
        .arg(&dir)
        .env("BULLWHIP_SPARES", "0")
        .output();
    assert!(
        installed.is_ok_and(|o| o.status.success()),
        "the kernel is installed"
    );
    (dir, pictures)
}

/// What a script has seen in a browser.
fn see(python: &Path, script: &str, paths: &[&Path], words: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(script);
    let seen = Command::new(python)
        .arg(script)
        .args(paths)
        .args(words)
        .output();
    let seen = seen.expect("it starts");
    let said = String::from_utf8_lossy(&seen.stderr).into_owned();
    let line = String::from_utf8_lossy(&seen.stdout).into_owned();
    serde_json::from_str(line.trim()).unwrap_or_else(|e| panic!("{e}: {line}\n{said}"))
}

/// How far figures stick out, their width, and that at which they were drawn.
fn figures(seen: &Value) -> Vec<[i64; 3]> {
    serde_json::from_value(seen.clone()).expect("three numbers each")
}

/// The notebook as it is before it is run.
fn without_outputs(text: &str) -> String {
    let mut book: Value = serde_json::from_str(text).expect("JSON");
    for cell in book["cells"].as_array_mut().expect("cells") {
        if cell["cell_type"] == "code" {
            cell["outputs"] = json!([]);
            cell["execution_count"] = Value::Null;
        }
    }
    book["metadata"]["kernelspec"] =
        json!({ "name": "bullwhip", "display_name": "Rust (bullwhip)", "language": "rust" });
    book.to_string()
}
