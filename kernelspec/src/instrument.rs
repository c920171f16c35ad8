//! The code that evcxr writes around a cell, changed so that it tells the kernel what it otherwise prints:
//! a panic, the error of a `?`, a variable that is lost, the value of the cell, and which statement runs.
//!
//! Lines stay lines: evcxr finds the places of errors by their numbers. Only lines that evcxr has written
//! are changed: those before the cell's function, and around the cell's statements in it.

use crate::source;

/// The library's side of it.
const CELL: &str = "::bullwhip::notebook::cell";
/// Before the cell's function. What is before are items, what follows is the cell.
const FUNCTION: &str = "\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_";

/// The source of `cell` as it shall be compiled.
pub(crate) fn instrument(source: &str, cell: &str) -> String {
    with_places(&with_words(source), cell)
}

fn with_words(source: &str) -> String {
    let Some(at) = source.find(FUNCTION) else {
        return source.to_string();
    };
    let (items, cell) = source.split_at(at);
    let mut items = items.to_string();
    replace_last(
        &mut items,
        "println!(\"{VARIABLE_CHANGED_TYPE}{name}\");",
        &format!("{CELL}::lost(name);"),
    );
    error_of_question_mark(&mut items);
    let mut cell = cell.to_string();
    for caught in [
        "\nmatch std::panic::catch_unwind(\n",
        "\nif std::panic::catch_unwind(||{\n",
    ] {
        let ours = caught.replace("std::panic::catch_unwind", &format!("{CELL}::run"));
        // evcxr's own comes before the cell's statements.
        cell = cell.replacen(caught, &ours, 1);
    }
    replace_last(
        &mut cell,
        "    println!(\"EVCXR_PANIC_NOTIFICATION\");\n",
        "\n",
    );
    let value = format!("{CELL}::value();\n");
    replace_last(
        &mut cell,
        "\n).evcxr_display();\n",
        &format!("\n).evcxr_display(); {value}"),
    );
    let begin = "\nevcxr_send_text_plain(&format!(\"";
    let end = "\n)));\n";
    if let Some(from) = cell.rfind(begin)
        && let Some(to) = cell[from..].find(end)
    {
        let to = from + to;
        cell.replace_range(to..to + end.len(), &format!("\n))); {value}"));
        let ours = begin.replace("evcxr_send_text_plain", &format!("{CELL}::debug"));
        cell.replace_range(from..from + begin.len(), &ours);
    }
    items + &cell
}

/// Each statement says that it begins, at the end of the line before it: a panic in what it calls is told
/// with its line.
fn with_places(source: &str, cell: &str) -> String {
    let Some(from) = source.find(FUNCTION) else {
        return source.to_string();
    };
    let mut lines: Vec<String> = source.split('\n').map(str::to_string).collect();
    for (line, compiled) in source::statement_lines(cell, source, from) {
        // What evcxr has put before the last expression.
        let shows = |text: &str| {
            text == "("
                || text.is_empty()
                || text.starts_with("evcxr_send_text_plain(")
                || text.starts_with(&format!("{CELL}::debug("))
        };
        let before = lines[..compiled - 1].iter().rposition(|text| !shows(text));
        let Some(before) = before.and_then(|at| lines.get_mut(at)) else {
            continue;
        };
        // A comment would hide it, and a statement without an end would take it for a part of itself.
        let ends = before.trim_end().ends_with(['{', '}', ';']) && !before.contains("//");
        if ends && !before.contains("extern \"C\" fn") {
            *before += &format!(" {CELL}::at({line});");
        }
    }
    lines.join("\n")
}

/// What is compiled, less what statements say of themselves.
pub(crate) fn without_places(source: &str) -> String {
    let said = format!(" {CELL}::at(");
    let lines = source.split('\n').map(|line| {
        let number = line.rsplit_once(&said).and_then(|(before, rest)| {
            let digits = rest.strip_suffix(");")?;
            digits.bytes().all(|b| b.is_ascii_digit()).then_some(before)
        });
        number.unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The error is told with the place of the `?`, in place of being printed.
fn error_of_question_mark(items: &mut String) {
    let Some(from) = items.rfind("struct EvcxrUserCodeError {}") else {
        return;
    };
    let tail = items.split_off(from);
    let mut lines: Vec<String> = tail.split('\n').map(str::to_string).collect();
    for line in &mut lines {
        if line.contains("fn from(error: T) -> Self {") {
            *line = line.replacen("fn from", "#[track_caller] fn from", 1);
        } else if let Some(format) = line
            .trim()
            .strip_prefix("eprintln!(")
            .and_then(|rest| rest.strip_suffix(", error);"))
        {
            *line = format!("{CELL}::failed(&format!({format}, error));");
        } else if line.contains("println!(\"{}\", evcxr_internal_runtime::USER_ERROR_OCCURRED);") {
            line.clear();
        }
    }
    items.push_str(&lines.join("\n"));
}

fn replace_last(text: &mut String, old: &str, new: &str) {
    if let Some(at) = text.rfind(old) {
        text.replace_range(at..at + old.len(), new);
    }
}

/// A cell's source as it shall be checked: variables of earlier cells hold no borrowed data, which evcxr
/// does not say of those that are references.
pub(crate) fn with_static_variables(source: &str) -> String {
    const BEGIN: &str = "async fn evcxr_analysis_wrapper(\n";
    const END: &str = ") -> Result<(), EvcxrUserCodeError> {";
    let Some(from) = source.find(BEGIN).map(|at| at + BEGIN.len()) else {
        return source.to_string();
    };
    let Some(to) = source[from..].find(END).map(|at| from + at) else {
        return source.to_string();
    };
    let lines = source[from..to].split_inclusive('\n');
    let lines = lines.map(|line| {
        // A reference that a function takes is not one that a variable holds.
        if ["Fn(", "FnMut(", "FnOnce(", "fn("]
            .iter()
            .any(|f| line.contains(f))
        {
            return line.to_string();
        }
        let parts: Vec<&str> = line.split('&').collect();
        let rest = parts[1..].iter().map(|part| match part.starts_with('\'') {
            true => format!("&{part}"),
            false => format!("&'static {part}"),
        });
        parts[0].to_string() + &rest.collect::<String>()
    });
    source[..from].to_string() + &lines.collect::<String>() + &source[to..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As evcxr 0.22 writes it.
    const SOURCE: &str = r##"#![allow(unused_imports, unused_mut, dead_code)]
fn mine() { println!("EVCXR_PANIC_NOTIFICATION"); }

            struct EvcxrUserCodeError {}
            impl<T: std::fmt::Display> From<T> for EvcxrUserCodeError {
                fn from(error: T) -> Self {
                    eprintln!("{}", error);
                    println!("{}", evcxr_internal_runtime::USER_ERROR_OCCURRED);
                    EvcxrUserCodeError {}
                }
            }
        
mod evcxr_internal_runtime {
            println!("{VARIABLE_CHANGED_TYPE}{name}");
}
#[unsafe(no_mangle)]
pub extern "C" fn run_user_code_3(
mut evcxr_variable_store: *mut evcxr_internal_runtime::VariableStore)
match std::panic::catch_unwind(
  std::panic::AssertUnwindSafe(||{
let _ = (|| -> std::result::Result<(), EvcxrUserCodeError> {
    println!("EVCXR_PANIC_NOTIFICATION");
let x = std::panic::catch_unwind(|| 3);
(
x
).evcxr_display();
Ok(())})();
})) { 
  Ok(_) => {}
  Err(_) => {
    println!("EVCXR_PANIC_NOTIFICATION");
}}
evcxr_variable_store
}
"##;

    #[test]
    fn what_evcxr_prints_is_told_and_what_the_cell_prints_is_not() {
        let ours = instrument(SOURCE, "println!(\"x\");\nx");
        assert_eq!(ours.lines().count(), SOURCE.lines().count());
        assert!(ours.contains("\nmatch ::bullwhip::notebook::cell::run(\n"));
        assert!(ours.contains("let x = std::panic::catch_unwind(|| 3);"));
        assert!(ours.contains("fn mine() { println!(\"EVCXR_PANIC_NOTIFICATION\"); }"));
        assert_eq!(
            ours.matches("    println!(\"EVCXR_PANIC_NOTIFICATION\");")
                .count(),
            1
        );
        assert!(ours.contains(").evcxr_display(); ::bullwhip::notebook::cell::value();"));
        assert!(ours.contains("::bullwhip::notebook::cell::lost(name);"));
        assert!(ours.contains("#[track_caller] fn from(error: T) -> Self {"));
        assert!(ours.contains("::bullwhip::notebook::cell::failed(&format!(\"{}\", error));"));
        assert!(!ours.contains("eprintln!"));
    }

    #[test]
    fn statements_say_where_they_begin() {
        let cell = "let a = 1; // why\nlet b = 2;\nfor k in 0..b {\n}\n\nb";
        let source = format!(
            "fn a() {{}}{FUNCTION}3(\nevcxr_variable_store: *mut u8) -> *mut u8 {{\nif std::panic::catch_unwind(||{{\nlet a = 1; // why\nlet b = 2;\nfor k in 0..b {{\n}}\n\n(\nb\n).evcxr_display();\n}}).is_err() {{\n"
        );
        let ours = with_places(&source, cell);
        assert_eq!(ours.lines().count(), source.lines().count());
        assert!(ours.contains("catch_unwind(||{ ::bullwhip::notebook::cell::at(1);\nlet a = 1; // why\nlet b = 2; ::bullwhip::notebook::cell::at(3);\nfor k in 0..b {\n} ::bullwhip::notebook::cell::at(6);\n\n(\nb\n)"), "{ours}");
        assert_eq!(without_places(&ours), source);
    }

    #[test]
    fn the_plain_form_of_a_value_is_told() {
        let plain = SOURCE.replace(
            "(\nx\n).evcxr_display();\n",
            "fn evcxr_send_text_plain(text: &str) {}\nevcxr_send_text_plain(&format!(\"{:?}\",&(\n\nx\n)));\n",
        );
        let ours = with_words(&plain);
        assert!(ours.contains(
            "::bullwhip::notebook::cell::debug(&format!(\"{:?}\",&(\n\nx\n))); ::bullwhip::notebook::cell::value();\n"
        ), "{ours}");
        assert_eq!(ours.lines().count(), plain.lines().count());
        // What has no function is no cell.
        assert_eq!(instrument("fn a() {}", "fn a() {}"), "fn a() {}");
    }

    #[test]
    fn variables_that_are_references_live_for_ever() {
        let source = "x\nasync fn evcxr_analysis_wrapper(\nb: &str,\nmut c: &mut [&'static str],\nd: Box<dyn Fn(&str) -> i32>,\n) -> Result<(), EvcxrUserCodeError> {\nf(&b)";
        let ours = with_static_variables(source);
        assert!(ours.contains("\nb: &'static str,\nmut c: &'static mut [&'static str],\nd: Box<dyn Fn(&str) -> i32>,\n"));
        assert!(ours.ends_with("\nf(&b)"));
    }
}
