//! Compiler errors as evcxr's own kernel shows them.

use crate::link::Failure;
use ariadne::sources;
use evcxr::{CompilationError, Error, Theme};

/// The errors of a cell, one failure each.
pub(crate) fn failures(error: &Error, code: &str, count: usize) -> Vec<Failure> {
    match error {
        Error::CompilationErrors(errors) => errors
            .iter()
            .map(|error| failure(error, code, count))
            .collect(),
        error => vec![Failure::of("Error", &error.to_string())],
    }
}

fn failure(error: &CompilationError, code: &str, count: usize) -> Failure {
    let traceback = if error.is_from_user_code() {
        let name = format!("command_{count}");
        match error.build_report(name.clone(), code.to_string(), Theme::Light) {
            Some(report) => {
                let mut text = Vec::new();
                // Writing into memory does not fail.
                let _ = report.write(sources([(name, code)]), &mut text);
                let text = String::from_utf8_lossy(&text).into_owned();
                text.lines().map(str::to_string).collect()
            }
            None => plain(error),
        }
    } else {
        vec![red(&error.message())]
    };
    Failure {
        ename: "Error".to_string(),
        evalue: error.message(),
        traceback,
    }
}

/// The lines of an error that has no place in the cell to point at.
fn plain(error: &CompilationError) -> Vec<String> {
    let mut lines = Vec::new();
    for part in error.spanned_messages() {
        lines.extend(part.lines.iter().cloned());
        match &part.span {
            Some(span) => {
                let before = " ".repeat(span.start_column.saturating_sub(1));
                let marks = "^".repeat(span.end_column.saturating_sub(span.start_column));
                lines.push(format!("{before}{} {}", red(&marks), part.label));
            }
            None => lines.push(part.label.clone()),
        }
    }
    lines.push(error.message());
    lines.extend(error.help().iter().map(|help| format!("help: {help}")));
    lines
}

fn red(text: &str) -> String {
    format!("\u{1b}[91m{text}\u{1b}[0m")
}
