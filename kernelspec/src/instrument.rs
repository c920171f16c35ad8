//! The code that evcxr writes around a cell, changed so that it tells the kernel what it otherwise prints:
//! a panic, the error of a `?`, a variable that is lost, and the value of the cell.
//!
//! Lines stay lines: evcxr finds the places of errors by their numbers. Only lines that evcxr has written
//! are changed: those before the cell's function, and around the cell's statements in it.

/// The library's side of it.
const CELL: &str = "::bullwhip::notebook::cell";
/// The runtime's: it runs the cell.
const RUN: &str = "::bullwhip::cells::run";
/// Before the cell's function. What is before are items, what follows is the cell.
const FUNCTION: &str = "\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_";

/// A cell's source as it shall be compiled.
pub(crate) fn instrument(source: &str) -> String {
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
        let ours = caught.replace("std::panic::catch_unwind", RUN);
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
        let ours = instrument(SOURCE);
        assert_eq!(ours.lines().count(), SOURCE.lines().count());
        assert!(ours.contains("\nmatch ::bullwhip::cells::run(\n"));
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
    fn the_plain_form_of_a_value_is_told() {
        let plain = SOURCE.replace(
            "(\nx\n).evcxr_display();\n",
            "fn evcxr_send_text_plain(text: &str) {}\nevcxr_send_text_plain(&format!(\"{:?}\",&(\n\nx\n)));\n",
        );
        let ours = instrument(&plain);
        assert!(ours.contains(
            "::bullwhip::notebook::cell::debug(&format!(\"{:?}\",&(\n\nx\n))); ::bullwhip::notebook::cell::value();\n"
        ), "{ours}");
        assert_eq!(ours.lines().count(), plain.lines().count());
        // What has no function is no cell.
        assert_eq!(instrument("fn a() {}"), "fn a() {}");
    }

    #[test]
    fn variables_that_are_references_live_for_ever() {
        let source = "x\nasync fn evcxr_analysis_wrapper(\nb: &str,\nmut c: &mut [&'static str],\nd: Box<dyn Fn(&str) -> i32>,\n) -> Result<(), EvcxrUserCodeError> {\nf(&b)";
        let ours = with_static_variables(source);
        assert!(ours.contains("\nb: &'static str,\nmut c: &'static mut [&'static str],\nd: Box<dyn Fn(&str) -> i32>,\n"));
        assert!(ours.ends_with("\nf(&b)"));
    }
}
