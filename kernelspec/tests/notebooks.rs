//! Notebooks through the real kernel, from the command line, several at once.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder(name: &str) -> PathBuf {
    let dir =
        std::env::temp_dir().join(format!("bullwhip-notebooks-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    dir
}

/// Runs a notebook, with the file that an environment variable names in place of the bundled one.
fn run(notebook: &Path, output: &Path, file: Option<(&str, &Path)>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"));
    command.arg("run").arg(notebook).arg("-o").arg(output);
    if let Some((variable, path)) = file {
        command.env(variable, path);
    }
    command.output().expect("the kernel starts")
}

fn cells(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("a notebook");
    let book: Value = serde_json::from_str(&text).expect("JSON");
    let cells = book["cells"].as_array().expect("cells");
    cells
        .iter()
        .filter(|c| c["cell_type"] == "code")
        .cloned()
        .collect()
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the project")
        .to_path_buf()
}

fn passes(name: &str, file: Option<(&str, &Path)>) -> Vec<Value> {
    let dir = folder(&format!("{name}-{}", file.is_some()));
    let output = dir.join("out.ipynb");
    let result = run(&project().join("notebooks").join(name), &output, file);
    let said = String::from_utf8_lossy(&result.stderr).into_owned();
    assert!(result.status.success(), "{said}");
    let cells = cells(&output);
    assert!(cells.iter().all(|c| c["execution_count"].is_u64()));
    let page = std::fs::read_to_string(dir.join("out.html")).expect("a page");
    assert!(
        page.contains("data:image/png;base64,"),
        "the page has figures"
    );
    std::fs::remove_dir_all(dir).expect("cleaned up");
    cells
}

fn figures(cells: &[Value]) -> usize {
    let outputs = cells
        .iter()
        .flat_map(|c| c["outputs"].as_array().into_iter().flatten());
    outputs
        .filter(|o| o["data"].get("image/png").is_some())
        .count()
}

#[test]
fn first_shock_runs() {
    assert!(figures(&passes("01_first_shock.ipynb", None)) >= 2);
}

#[test]
fn regional_indices_run_on_the_bundled_and_on_a_real_file() {
    assert!(figures(&passes("02_regional_indices.ipynb", None)) >= 1);
    let real = project().join("../shared/data/eurostat/sts_inpr_m_5geo_2015.csv");
    if real.exists() {
        let cells = passes("02_regional_indices.ipynb", Some(("BULLWHIP_INDEX", &real)));
        assert!(
            cells[1]["outputs"][0]["text"]
                .as_str()
                .is_some_and(|t| t.contains("91 months"))
        );
    } else {
        println!("skipped: the Eurostat file is not beside this checkout");
    }
}

#[test]
fn calibration_runs() {
    let cells = passes("03_calibrate.ipynb", None);
    assert!(figures(&cells) >= 5);
    // The live picture stays as the cell's first output.
    let live = &cells[1]["outputs"][0];
    assert_eq!(live["output_type"], "display_data");
    assert!(
        live["data"]["text/plain"]
            .as_str()
            .is_some_and(|t| t.contains("finished: 300 steps"))
    );
}

#[test]
fn inference_is_compared() {
    assert!(figures(&passes("04_svi_against_abc.ipynb", None)) >= 6);
}

#[test]
fn scaling_and_policy_run() {
    assert!(figures(&passes("05_scaling.ipynb", None)) >= 1);
    let cells = passes("06_policy.ipynb", None);
    assert!(figures(&cells) >= 4);
    let answer = cells[7]["outputs"][0]["text"].as_str().unwrap_or_default();
    assert!(answer.contains("Output is back at 95 % after"), "{answer}");
}

#[test]
fn the_shock_of_2020_is_calibrated_on_real_data_or_says_that_they_are_not() {
    let says = |cells: &[Value], what: &str| {
        let text = cells[0]["outputs"][0]["text"].as_str();
        assert!(text.is_some_and(|t| t.contains(what)), "{text:?}");
    };
    let cells = passes("08_eurostat_2020.ipynb", None);
    says(&cells, "Everything below is SYNTHETIC");
    assert!(figures(&cells) >= 3);
    let real = project().join("../shared/data/eurostat/sts_inpr_m_5geo_2015.csv");
    if real.exists() {
        let cells = passes("08_eurostat_2020.ipynb", Some(("BULLWHIP_INDEX", &real)));
        says(&cells, "CC BY 4.0");
        assert!(figures(&cells) >= 3);
    } else {
        println!("skipped: the Eurostat file is not beside this checkout");
    }
}

#[test]
fn a_table_becomes_an_economy_with_the_bundled_and_with_a_real_one() {
    let cells = passes("07_io_table_to_economy.ipynb", None);
    assert!(figures(&cells) >= 3);
    let said = |cells: &[Value], k: usize| {
        cells[k]["outputs"][0]["text"]
            .as_str()
            .unwrap_or_default()
            .to_string()
    };
    let last = said(&cells, cells.len() - 1);
    assert!(last.starts_with("the same numbers: true"), "{last}");
    let real = project().join("../shared/data/io/hungary_2020_65.csv");
    if real.exists() {
        let cells = passes(
            "07_io_table_to_economy.ipynb",
            Some(("BULLWHIP_TABLE", &real)),
        );
        let refused = said(&cells, 2);
        assert!(refused.contains("sectors without output: U"), "{refused}");
    } else {
        println!("skipped: the Hungarian table is not beside this checkout");
    }
}

#[test]
fn tohoku_is_calibrated() {
    assert!(figures(&passes("09_tohoku_2011.ipynb", None)) >= 3);
}

#[test]
fn a_failing_cell_is_told_and_what_ran_is_kept() {
    let dir = folder("failing");
    let code = |source: &str| json!({ "cell_type": "code", "id": format!("c{}", source.len()), "metadata": {}, "source": source, "outputs": [], "execution_count": null });
    for (failing, told) in [
        ("let x: usize = \"text\";", "mismatched types"),
        (
            "let network = Network::synthetic(&Synthetic { firms: 1, ..Synthetic::default() })?;",
            "Synthetic.firms: 1 firms; give at least 2",
        ),
    ] {
        let book = json!({
            "cells": [code("1 + 1"), code("println!(\"a line\");"), code(failing), code("println!(\"never\");")],
            "metadata": {}, "nbformat": 4, "nbformat_minor": 5,
        });
        let path = dir.join("failing.ipynb");
        std::fs::write(&path, book.to_string()).expect("written");
        let result = run(&path, &path, None);
        let said = String::from_utf8_lossy(&result.stderr).into_owned();
        assert_eq!(result.status.code(), Some(1), "{said}");
        assert!(
            said.contains("cell 3 of 4 failed") && said.contains(told),
            "{said}"
        );
        let cells = cells(&path);
        assert_eq!(cells[0]["outputs"][0]["data"]["text/plain"], "2");
        assert_eq!(cells[1]["outputs"][0]["text"], "a line\n");
        assert_eq!(cells[3]["outputs"], json!([]));
    }
    std::fs::remove_dir_all(dir).expect("cleaned up");
}

#[test]
fn what_is_no_notebook_is_refused_at_once() {
    let dir = folder("refused");
    let path = dir.join("notes.ipynb");
    for (text, told) in [
        ("hello", "is not a notebook"),
        ("{\"nbformat\": 3}", "format 4"),
    ] {
        std::fs::write(&path, text).expect("written");
        let result = run(&path, &path, None);
        assert!(String::from_utf8_lossy(&result.stderr).contains(told));
        assert_eq!(result.status.code(), Some(1));
    }
    assert!(!run(&dir.join("absent.ipynb"), &path, None).status.success());
    std::fs::remove_dir_all(dir).expect("cleaned up");
}
