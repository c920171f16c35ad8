//! What is told of a cell that fails: the compiler's words, an error, a panic, the end of the process.

use crate::fates::Fates;
use crate::link::Failure;
use crate::outlet::Stop;
use crate::source;
use ariadne::sources;
use evcxr::{CompilationError, Error, Theme};

/// How the runtime calls itself, and how its user does.
const INSIDE: &str = "bullwhip_notebook::";

/// The errors of a cell that does not compile, one failure each.
pub(crate) fn failures(error: &Error, code: &str, count: usize, fates: &Fates) -> Vec<Failure> {
    match error {
        Error::CompilationErrors(errors) => {
            // Warnings come with errors; alone they are all there is.
            let grave = |error: &&CompilationError| error.level() != "warning";
            let mut told: Vec<&CompilationError> = errors.iter().filter(grave).collect();
            if told.is_empty() {
                told = errors.iter().collect();
            }
            let failures = told.into_iter();
            failures
                .map(|error| failure(error, code, count, fates))
                .collect()
        }
        error => vec![Failure::of("Error", &error.to_string())],
    }
}

fn failure(error: &CompilationError, code: &str, count: usize, fates: &Fates) -> Failure {
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
        vec![error.message()]
    };
    let mut evalue = error.message();
    let mut traceback: Vec<String> = traceback.iter().map(|line| without_colours(line)).collect();
    let foreign = evalue.starts_with("expected expression, found `%`");
    let note = if foreign {
        Some("a line that begins with `%` is a command of IPython; this notebook is in Rust".into())
    } else {
        fates.note(&evalue).or_else(|| source::asks_for_help(code))
    };
    if let Some(note) = note {
        evalue = format!("{evalue}; {note}");
        traceback.push(format!("note: {note}"));
    }
    Failure {
        ename: "Error".to_string(),
        evalue: evalue.replace(INSIDE, "bullwhip::"),
        traceback: traceback
            .iter()
            .map(|line| line.replace(INSIDE, "bullwhip::"))
            .collect(),
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
                lines.push(format!("{before}{marks} {}", part.label));
            }
            None => lines.push(part.label.clone()),
        }
    }
    lines.push(error.message());
    lines.extend(error.help().iter().map(|help| format!("help: {help}")));
    lines
}

/// Text of a length that a page bears, as of a command's; a longer one says that it is cut.
pub(crate) fn cut(mut text: String) -> String {
    const LONGEST: usize = 1 << 20;
    if text.len() > LONGEST {
        let all = text.len();
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text += &format!("…\n[cut here: {LONGEST} of {all} bytes are shown]");
    }
    text
}

/// Text without the colour codes of a terminal: pages, logs and files show them as they are.
pub(crate) fn without_colours(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            let _ = chars.by_ref().find(|c| c.is_ascii_alphabetic());
        } else {
            out.push(c);
        }
    }
    out
}

/// What stopped a cell that ran; `compiled` is the source that evcxr has made of it.
pub(crate) fn stopped(stop: &Stop, code: &str, compiled: &str, count: usize) -> Failure {
    let line = |file: &str, line: usize| {
        in_cell(file)
            .then(|| source::line_of(code, compiled, line))
            .flatten()
    };
    let (ename, text, place, outside) = match stop {
        Stop::Failed {
            text,
            file,
            line: at,
        } => ("Error", text, line(file, *at), None),
        Stop::Panicked {
            text,
            file,
            line: at,
            at: statement,
        } => {
            let through = Some(*statement).filter(|line| *line > 0);
            let outside = (!in_cell(file) && !file.is_empty()).then(|| format!("{file}:{at}"));
            ("Panic", text, line(file, *at).or(through), outside)
        }
    };
    let mut traceback = Vec::new();
    if let Some(number) = place {
        let source = code.lines().nth(number - 1).unwrap_or_default();
        traceback.push(format!("cell [{count}], line {number}:"));
        traceback.push(format!("  {}", source.trim()));
    } else if let Some(earlier) = earlier_line(stop, compiled) {
        traceback.push(format!("cell [{count}], in a function of an earlier cell:"));
        traceback.push(format!("  {}", earlier.trim()));
    }
    let text = cut(text.replace(INSIDE, "bullwhip::"));
    match ename {
        "Panic" => traceback.push(format!("panicked: {text}")),
        _ => traceback.push(text.clone()),
    }
    // A panic inside of a library is a fault of its maker's, who wants to know where.
    traceback.extend(outside.map(|place| format!("(raised at {place})")));
    Failure {
        ename: ename.to_string(),
        evalue: text,
        traceback,
    }
}

/// Where a panic was that does not end the cell.
pub(crate) fn place(code: &str, compiled: &str, file: &str, line: usize) -> String {
    if !in_cell(file) {
        return format!("at {file}:{line}");
    }
    match source::line_of(code, compiled, line) {
        Some(line) => format!("in line {line} of the cell"),
        None => "in code of an earlier cell".into(),
    }
}

/// True for the file that cells are compiled from.
fn in_cell(file: &str) -> bool {
    file == "src/lib.rs"
}

fn earlier_line<'a>(stop: &Stop, compiled: &'a str) -> Option<&'a str> {
    let (Stop::Failed { file, line, .. } | Stop::Panicked { file, line, .. }) = stop;
    let text = in_cell(file).then(|| compiled.lines().nth(line.checked_sub(1)?))?;
    text.filter(|text| !text.trim().is_empty())
}

/// What is said when nobody can be asked for input.
pub(crate) const NO_INPUT: &str = "standard input: nobody can answer here; write the value into the cell, or run the notebook where there is somebody to ask (Jupyter)";

/// Why the process of the cells has ended, from evcxr's words, what it printed last, and whether the system
/// has ended processes for want of memory since.
pub(crate) fn death(words: &str, errors: &str, memory_ended: bool) -> Failure {
    let number = |label: &str| {
        let rest = words.rsplit_once(label)?.1;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<i32>().ok()
    };
    let allocation = errors.contains("memory allocation of ");
    let why = match (number("signal: "), number("exit status: ")) {
        (Some(9), _) if memory_ended => {
            "terminated by signal 9 (SIGKILL): the system has run out of memory".to_string()
        }
        (Some(9), _) => {
            "terminated by signal 9 (SIGKILL), often because memory ran out".to_string()
        }
        (Some(6), _) if allocation => {
            "terminated by signal 6 (SIGABRT): memory could not be had".to_string()
        }
        (Some(6), _) => {
            "terminated by signal 6 (SIGABRT), as by `std::process::abort`, a panic within a panic, or a variable that panics when it is dropped".to_string()
        }
        (Some(11), _) => {
            "terminated by signal 11 (SIGSEGV), often a stack overflow: a function that calls itself too often, or a large array within a function".to_string()
        }
        // The system's words have its name.
        (Some(signal), _) => {
            let name = words.split_once("signal: ").map(|(_, name)| name.trim());
            let name = name.map_or(signal.to_string(), str::to_string);
            format!("terminated by signal {name}, from outside or by a function that is not of Rust")
        }
        (None, Some(status)) => format!(
            "terminated by the cell itself with exit status {status}, as by `std::process::exit`"
        ),
        (None, None) => format!("terminated ({})", words.trim()),
    };
    let remedy = match number("signal: ") {
        Some(9) => "make the data smaller, or close what else needs memory, and ",
        _ if allocation => "make the data smaller, and ",
        _ => "",
    };
    let text = format!(
        "the process of the cells has ended: {why}; all variables are lost, functions and types are kept; {remedy}run the cells that make the variables again"
    );
    Failure::of("ProcessEnded", &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_process_says_why_and_what_is_lost() {
        let of = |words: &str, errors: &str, memory| death(words, errors, memory).evalue;
        let killed = of(
            "Subprocess terminated with status: signal: 9 (SIGKILL)",
            "",
            false,
        );
        assert!(killed.contains("signal 9") && killed.contains("often because memory ran out"));
        assert!(
            of("status: signal: 9 (SIGKILL)", "", true)
                .contains("the system has run out of memory")
        );
        let overflow = of("status: signal: 11 (SIGSEGV)", "", false);
        assert!(overflow.contains("signal 11") && overflow.contains("stack overflow"));
        assert!(
            of(
                "status: signal: 6 (SIGABRT)",
                "memory allocation of 5 bytes failed",
                false
            )
            .contains("memory could not be had")
        );
        assert!(of("status: exit status: 3", "", false).contains("exit status 3"));
        for text in [killed, overflow] {
            assert!(text.contains("all variables are lost"), "{text}");
        }
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(cut("é".into()), "é");
        let text = cut("aé".repeat(1 << 20));
        assert!(text.len() < (1 << 20) + 100 && text.ends_with("bytes are shown]"));
    }

    #[test]
    fn a_panic_names_its_line() {
        let code = "let a = 1;\nlet b = [1, 2];\nb[a + 5]";
        let compiled = "x\nlet a = 1;\nlet b = [1, 2];\n(\nb[a + 5]\n).evcxr_display();\n";
        let stop = Stop::Panicked {
            text: "index out of bounds".into(),
            file: "src/lib.rs".into(),
            line: 5,
            at: 3,
        };
        let failure = stopped(&stop, code, compiled, 7);
        assert_eq!(
            failure.traceback,
            [
                "cell [7], line 3:",
                "  b[a + 5]",
                "panicked: index out of bounds"
            ]
        );
        assert_eq!(failure.ename, "Panic");
        let inside = Stop::Panicked {
            text: "no".into(),
            file: "/x/polars/lib.rs".into(),
            line: 9,
            at: 2,
        };
        let failure = stopped(&inside, code, compiled, 7);
        assert_eq!(failure.traceback[1], "  let b = [1, 2];");
        assert_eq!(failure.traceback[3], "(raised at /x/polars/lib.rs:9)");
    }
}
