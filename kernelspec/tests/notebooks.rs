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
fn assumptions_are_compared() {
    assert!(figures(&passes("10_assumptions.ipynb", None)) >= 2);
    let real = project().join("../shared/data/io/hungary_2020_65.csv");
    if real.exists() {
        passes("10_assumptions.ipynb", Some(("BULLWHIP_TABLE", &real)));
    } else {
        println!("skipped: the Hungarian table is not beside this checkout");
    }
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

/// A notebook of cells with their tags.
fn book(cells: &[(&str, &[&str])]) -> Value {
    let cells: Vec<Value> = cells
        .iter()
        .enumerate()
        .map(|(k, (source, tags))| json!({ "cell_type": "code", "id": format!("c{k}"), "metadata": { "tags": tags }, "source": source, "outputs": [], "execution_count": null }))
        .collect();
    json!({ "cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5 })
}

fn said(result: &Output) -> String {
    let said = String::from_utf8_lossy(&result.stderr).into_owned();
    assert!(!said.contains('\u{1b}'), "colour codes: {said}");
    said
}

#[test]
fn tags_and_parameters_are_honoured() {
    let dir = folder("tags");
    let path = dir.join("tags.ipynb");
    let mut tagged = book(&[
        (
            "let firms: usize = 20;\nlet share = 0.5;\nlet name = \"a\";",
            &["parameters"],
        ),
        (
            "println!(\"{} {} {name}\", firms + 1, share * 2.0); eprintln!(\"no failure\");",
            &[],
        ),
        ("let n: i32 = \"x\".parse()?;", &["raises-exception"]),
        ("panic!(\"never\");", &["skip-execution"]),
        ("print!(\"\\r1 %\"); print!(\"\\r2 %\"); 1 + 1", &[]),
    ]);
    tagged["cells"][3]["outputs"] =
        json!([{ "output_type": "stream", "name": "stdout", "text": "old" }]);
    std::fs::write(&path, tagged.to_string()).expect("written");
    for (share, shown) in [("0.25", "101 0.5 R1\n"), ("1", "101 2 R1\n")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"));
        command.arg("run").arg(&path).args(["-p", "firms", "100"]);
        command.args(["-p", "share", share, "-p", "name", "R1", "--no-html"]);
        let result = command.output().expect("the kernel starts");
        assert!(result.status.success(), "{}", said(&result));
        let cells = cells(&path);
        assert_eq!(cells.len(), 6, "one cell is injected, also the second time");
        assert_eq!(cells[1]["metadata"]["tags"], json!(["injected-parameters"]));
        let outputs = cells[2]["outputs"].as_array().expect("outputs");
        let texts: Vec<&Value> = outputs.iter().map(|o| &o["text"]).collect();
        assert!(
            texts.contains(&&json!(shown)) && texts.contains(&&json!("no failure\n")),
            "{texts:?}"
        );
        assert_eq!(cells[3]["outputs"][0]["output_type"], "error");
        assert_eq!(cells[4]["outputs"][0]["text"], "old");
        assert_eq!(cells[5]["outputs"][0]["text"], "2 %");
        assert_eq!(cells[5]["outputs"][1]["data"]["text/plain"], "2");
    }
    // A name that is none of the notebook's is told.
    let mut command = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"));
    command
        .arg("run")
        .arg(&path)
        .args(["-p", "firm", "100", "--no-html"]);
    let result = command.output().expect("the kernel starts");
    assert!(
        said(&result).contains("warning: -p firm: the cell tagged `parameters` has no `let firm`")
    );
    std::fs::remove_dir_all(dir).expect("cleaned up");
}

#[test]
fn what_reads_input_or_fails_is_told_without_colours() {
    let dir = folder("told");
    let path = dir.join("told.ipynb");
    for (code, told) in [
        (
            "let mut s = String::new();\nstd::io::stdin().read_line(&mut s)?;\ns",
            "standard input: nobody can answer here",
        ),
        (
            "let month: usize = std::hint::black_box(3); month - 5",
            "attempt to subtract with overflow",
        ),
        ("let x: i32 = \"\u{1b}[31mred\";", "mismatched types"),
    ] {
        std::fs::write(&path, book(&[(code, &[])]).to_string()).expect("written");
        let result = run(&path, &path, None);
        assert_eq!(result.status.code(), Some(1));
        assert!(said(&result).contains(told), "{}", said(&result));
        let page = std::fs::read_to_string(dir.join("told.html")).expect("a page");
        assert!(page.contains(told) && !page.contains('\u{1b}'));
    }
    std::fs::remove_dir_all(dir).expect("cleaned up");
}

#[test]
fn a_target_that_cannot_be_written_is_told_before_the_work() {
    let dir = folder("target");
    let path = dir.join("target.ipynb");
    std::fs::write(
        &path,
        book(&[("std::fs::write(\"ran\", \"\")?;", &[])]).to_string(),
    )
    .expect("written");
    let result = run(&path, &dir.join("absent/out.ipynb"), None);
    assert_eq!(result.status.code(), Some(1));
    assert!(
        said(&result).contains("there is no folder"),
        "{}",
        said(&result)
    );
    assert!(!dir.join("ran").exists());
    std::fs::remove_dir_all(dir).expect("cleaned up");
}

/// The key lets in whoever has it.
#[test]
fn the_connection_file_is_for_its_user_and_gone_with_the_run() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder("connection");
    let path = dir.join("connection.ipynb");
    let code = "let parent = std::fs::read_to_string(format!(\"/proc/{}/environ\", std::process::id()))?;\nwhile !std::path::Path::new(\"go\").exists() { std::thread::yield_now(); }";
    std::fs::write(&path, book(&[(code, &[])]).to_string()).expect("written");
    if !Path::new("/proc").exists() {
        println!("skipped: this system does not list the arguments of a process");
        return;
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"));
    command.arg("run").arg(&path).arg("--no-html");
    let mut child = command
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    // The kernel that it has started is named after the file.
    let file = loop {
        assert!(child.try_wait().expect("a child").is_none(), "it runs");
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()))
            .unwrap_or_default();
        let arguments =
            |id: &str| std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let found = children.split_whitespace().map(arguments).find_map(|line| {
            let mut words = line
                .split('\0')
                .skip_while(|word| *word != "--control_file");
            words.nth(1).map(PathBuf::from)
        });
        if let Some(file) = found {
            break file;
        }
        std::thread::yield_now();
    };
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().expect("a folder")), 0o700);
    assert!(!file.starts_with(std::env::temp_dir().join("bullwhip")));
    std::fs::write(dir.join("go"), "").expect("written");
    assert!(child.wait().expect("a child").success());
    assert!(!file.exists());
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
