//! Parameters of a notebook from the command line, by papermill's convention: a cell tagged
//! `injected-parameters` behind the one tagged `parameters`.

use crate::book::{is_tagged, text_of};
use crate::source::{self, Binding};
use anyhow::{Result, bail};
use serde_json::{Value, json};

const PARAMETERS: &str = "parameters";
const INJECTED: &str = "injected-parameters";

/// Puts the values where the notebook takes them, in place of those of a run before; what is to be said of
/// it.
pub(crate) fn inject(book: &mut Value, given: &[(String, String)]) -> Result<Vec<String>> {
    let minor = book["nbformat_minor"].as_u64().unwrap_or(0);
    let Some(cells) = book["cells"].as_array_mut() else {
        bail!("a notebook has cells");
    };
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let is_code = |cell: &Value| cell["cell_type"] == "code";
    cells.retain(|cell| !(is_code(cell) && is_tagged(cell, INJECTED)));
    let at = cells
        .iter()
        .position(|cell| is_code(cell) && is_tagged(cell, PARAMETERS));
    let defaults = at.map_or(String::new(), |at| text_of(&cells[at]["source"]));
    let mut notes = Vec::new();
    if at.is_none() {
        notes.push(
            "no cell is tagged `parameters`: the parameters stand before the first cell, and a `let` of the same name after it wins".to_string(),
        );
    }
    let known = source::bound(&defaults);
    let mut lines = vec!["// Parameters".to_string()];
    for (name, value) in given {
        let plain = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty()
            || !name.chars().all(plain)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            bail!("-p {name}: this is no name of a variable; write -p name value");
        }
        if at.is_some() && !known.contains(name) {
            notes.push(format!(
                "-p {name}: the cell tagged `parameters` has no `let {name}`; it has {}",
                match known.is_empty() {
                    true => "none".to_string(),
                    false => known.join(", "),
                }
            ));
        }
        lines.push(statement(name, value, &default_of(&defaults, name)));
    }
    let mut cell = json!({
        "cell_type": "code", "execution_count": null, "metadata": { "tags": [INJECTED] },
        "outputs": [], "source": lines.join("\n"),
    });
    if minor >= 5 {
        let id = uuid::Uuid::new_v4().simple().to_string();
        cell["id"] = json!(id[..8]);
    }
    cells.insert(at.map_or(0, |at| at + 1), cell);
    Ok(notes)
}

/// What the cell of the defaults says of a parameter.
fn default_of(defaults: &str, name: &str) -> Binding {
    let mut bindings = source::bindings(defaults).into_iter();
    bindings
        .rfind(|binding| binding.name == name)
        .unwrap_or_default()
}

/// The `let` of a value, of the type that the default has where that is plain to see, else of the type of
/// the literal.
fn statement(name: &str, value: &str, default: &Binding) -> String {
    let mutable = if default.mutable { "mut " } else { "" };
    let kind = match default.kind.as_str() {
        "" => String::new(),
        kind => format!(": {kind}"),
    };
    format!("let {mutable}{name}{kind} = {};", literal(value, default))
}

const FLOATS: [&str; 2] = ["f64", "f32"];
const INTEGERS: [&str; 12] = [
    "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
];

fn literal(value: &str, default: &Binding) -> String {
    let old = default.value.replace('_', "");
    let suffix = |names: &[&'static str]| {
        let suffix = names.iter().find(|name| {
            old.strip_suffix(**name)
                .is_some_and(|number| number.parse::<f64>().is_ok())
        });
        suffix.copied().unwrap_or("")
    };
    let text = || {
        let quoted = format!("{value:?}");
        let owned = [".to_string()", ".to_owned()", ".into()", "String::from("];
        match default.kind == "String" || owned.iter().any(|way| default.value.contains(way)) {
            true => format!("{quoted}.to_string()"),
            false => quoted,
        }
    };
    if default.value.contains('"') || default.kind.contains("str") || default.kind == "String" {
        return text();
    }
    let float = FLOATS.contains(&default.kind.as_str())
        || !suffix(&FLOATS).is_empty()
        || old.parse::<f64>().is_ok() && old.parse::<i128>().is_err();
    let number = value.replace('_', "");
    if number.parse::<i128>().is_ok() {
        return match float {
            true => format!("{number}.0{}", suffix(&FLOATS)),
            false => format!("{number}{}", suffix(&INTEGERS)),
        };
    }
    let finite = number.parse::<f64>().is_ok_and(f64::is_finite);
    if finite {
        // `.5` and `5.` are numbers on a command line, and none in Rust.
        let number = number.parse::<f64>().map_or(number, |v| format!("{v:?}"));
        return number + suffix(&FLOATS);
    }
    match value {
        "true" | "True" => "true".into(),
        "false" | "False" => "false".into(),
        _ => text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str, tags: &[&str]) -> Value {
        json!({ "cell_type": "code", "metadata": { "tags": tags }, "source": source, "outputs": [] })
    }

    fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs.map(|(a, b)| ((*a).into(), (*b).into())).collect()
    }

    #[test]
    fn values_have_the_types_of_the_defaults_and_else_of_their_literals() {
        let defaults = "let severity = 0.5;\nlet mut firms: usize = 200;\nlet seed = 7u64;\nlet year = \"2020\";\nlet name = String::from(\"a\");\nlet on = true;\nlet big = 1_000;";
        let of = |name: &str, value: &str| statement(name, value, &default_of(defaults, name));
        assert_eq!(of("severity", "1"), "let severity = 1.0;");
        assert_eq!(of("severity", ".25"), "let severity = 0.25;");
        assert_eq!(of("severity", "1e-7"), "let severity = 1e-7;");
        assert_eq!(of("firms", "100"), "let mut firms: usize = 100;");
        assert_eq!(of("seed", "8"), "let seed = 8u64;");
        assert_eq!(of("year", "2021"), "let year = \"2021\";");
        assert_eq!(
            of("name", "b \"c\""),
            "let name = \"b \\\"c\\\"\".to_string();"
        );
        assert_eq!(of("on", "False"), "let on = false;");
        assert_eq!(of("big", "-3"), "let big = -3;");
        for (value, written) in [
            ("5", "5"),
            ("0.5", "0.5"),
            ("true", "true"),
            ("inf", "\"inf\""),
            ("R1", "\"R1\""),
            ("", "\"\""),
        ] {
            assert_eq!(of("other", value), format!("let other = {written};"));
        }
    }

    #[test]
    fn the_cell_stands_behind_that_of_the_defaults_and_only_once() {
        let mut book = json!({ "nbformat": 4, "nbformat_minor": 5, "cells": [
            code("use std::fmt;", &[]), code("let a = 1;", &["parameters"]), code("a", &[]) ] });
        for value in ["2", "3"] {
            let notes = inject(&mut book, &given(&[("a", value)])).expect("injected");
            assert!(notes.is_empty(), "{notes:?}");
        }
        let cells = book["cells"].as_array().expect("cells");
        assert_eq!(cells.len(), 4);
        assert_eq!(cells[2]["source"], "// Parameters\nlet a = 3;");
        assert_eq!(cells[2]["metadata"]["tags"], json!(["injected-parameters"]));
        assert!(cells[2]["id"].is_string());
        let notes = inject(&mut book, &given(&[("b", "1")])).expect("injected");
        assert_eq!(
            notes,
            ["-p b: the cell tagged `parameters` has no `let b`; it has a"]
        );
        assert!(inject(&mut book, &given(&[("a b", "1")])).is_err());
        let mut book = json!({ "nbformat": 4, "nbformat_minor": 4, "cells": [code("1", &[])] });
        let notes = inject(&mut book, &given(&[("b", "1")])).expect("injected");
        assert!(notes[0].contains("no cell is tagged"));
        assert!(book["cells"][0]["id"].is_null());
        assert_eq!(book["cells"][1]["source"], "1");
    }
}
