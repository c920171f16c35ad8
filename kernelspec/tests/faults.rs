//! Cells that once hung the kernel, lost or displaced results, ended in silence, or passed for good.
//!
//! One conversation, as a first start compiles and warms up: each part says what it shows.

mod client;

use client::{Cell, Kernel, content};
use jupyter_protocol::ExecuteRequest;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Warms up no next spare: the test would only compete with it.
const ALONE: (&str, &str) = ("BULLWHIP_ALONE", "1");

fn folder() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("bullwhip-faults-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    dir
}

/// What an error says: its sentence, and its traceback as one text.
fn error(cell: &Cell) -> (String, String) {
    let errors = cell.of("error");
    let error = errors.first().expect("an error");
    let lines = error["traceback"].as_array().expect("lines");
    let lines: Vec<&str> = lines.iter().filter_map(|line| line.as_str()).collect();
    assert_eq!(content(&cell.reply)["status"], "error");
    assert!(!lines.join("\n").contains('\u{1b}'), "colour codes");
    (
        error["evalue"].as_str().expect("a text").to_string(),
        lines.join("\n"),
    )
}

/// The kinds of what a cell has put out, in order, and the plain text of each.
fn outputs(cell: &Cell) -> Vec<(String, String)> {
    let some = cell.messages.iter().map(|message| {
        let content = content(message);
        let text = match message.message_type() {
            "stream" => content["text"].clone(),
            _ => content["data"]["text/plain"].clone(),
        };
        let text = text.as_str().unwrap_or_default().to_string();
        (message.message_type().to_string(), text)
    });
    some.filter(|(kind, _)| {
        kind == "stream" || kind.contains("display") || kind == "execute_result"
    })
    .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = expected.iter();
    pairs.map(|(a, b)| ((*a).into(), (*b).into())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_break_kernels() {
    let dir = folder();
    let mut kernel = Kernel::start(&dir, &[ALONE]).await;
    // What a first cell waits for is taken back.
    assert!(kernel.run("use std::io::Write;").await.ok());
    lines_without_an_end_are_shown_where_they_belong(&mut kernel).await;
    what_is_printed_is_text(&mut kernel).await;
    data_cannot_show_itself(&mut kernel).await;
    all_that_is_shown_comes_in_order(&mut kernel).await;
    sums_that_overflow_panic(&mut kernel).await;
    errors_and_panics_name_their_lines(&mut kernel).await;
    run_all_stops_at_an_error(&mut kernel).await;
    panics_that_do_not_end_the_cell_are_told(&mut kernel).await;
    crates_have_their_names(&mut kernel).await;
    what_belongs_elsewhere_is_told(&mut kernel).await;
    what_evcxr_cannot_keep_is_told(&mut kernel).await;
    input_is_asked_for_or_refused(&mut kernel).await;
    too_much_is_cut(&mut kernel).await;
    a_cell_may_close_its_output(&mut kernel).await;
    variables_say_where_they_went(&mut kernel).await;
    a_dead_process_says_why(&mut kernel).await;
    a_drop_that_panics_is_told(&mut kernel).await;
    children_end_with_their_cells(&mut kernel).await;
    no_lock_is_shared_with_other_notebooks(&mut kernel).await;
    kernel.shutdown().await;
}

async fn lines_without_an_end_are_shown_where_they_belong(kernel: &mut Kernel) {
    println!("lines without an end are shown where they belong");
    let cell = kernel
        .run("use std::io::Write; print!(\"50 %\"); std::io::stdout().flush()?;")
        .await;
    assert!(cell.ok());
    assert_eq!(outputs(&cell), pairs(&[("stream", "50 %")]));
    assert_eq!(kernel.run("print!(\"abc\");").await.text("stdout"), "abc");
    assert_eq!(kernel.run("println!(\"x\");").await.text("stdout"), "x\n");
    let cell = kernel
        .run("print!(\"{} \", 3); print!(\"{} \", 4); 1 + 1")
        .await;
    assert_eq!(
        outputs(&cell),
        pairs(&[("stream", "3 4 "), ("execute_result", "2")])
    );
    let cell = kernel.run("eprint!(\"half\");").await;
    assert_eq!((cell.text("stderr").as_str(), cell.ok()), ("half", true));
    // A counter is seen while it counts, without a flush.
    let id = kernel
        .begin("print!(\"\\r10 %\"); while !std::path::Path::new(\"seen\").exists() { std::thread::yield_now(); } print!(\"\\r20 %\");")
        .await;
    kernel.until("\r10 %").await;
    std::fs::write(folder().join("seen"), "").expect("written");
    assert_eq!(kernel.finish(&id).await.text("stdout"), "\r20 %");
}

async fn what_is_printed_is_text(kernel: &mut Kernel) {
    println!("what is printed is text");
    let printed = async |kernel: &mut Kernel, text: &str| {
        let cell = kernel.run(&format!("print!(\"{{}}\", {text:?});")).await;
        assert!(cell.ok(), "{text}");
        assert_eq!(cell.text("stdout"), text);
        assert!(
            outputs(&cell).iter().all(|(kind, _)| kind == "stream"),
            "{text}"
        );
    };
    let cell = kernel.run("let z = 41; let kept = vec![1]; z + 1").await;
    assert_eq!(cell.result(), "42");
    for text in [
        "EVCXR_EXECUTION_COMPLETE\nafter\n",
        "EVCXR_VARIABLE_CHANGED_TYPE:z\n",
        "EVCXR_PANIC_NOTIFICATION\n",
        "EVCXR_ERROR_OCCURRED\n",
        "EVCXR_BEGIN_CONTENT text/html\n<img src=x onerror=alert(4)>\nEVCXR_END_CONTENT\n",
        "EVCXR_BEGIN_CONTENT text/html\n",
        "EVCXR_END_CONTENT",
        "EVCXR_INPUT_REQUEST:your password\n",
        "\u{1}bullwhip-display {\"id\":\"fit\",\"data\":{\"text/html\":\"<b>\"}}\n",
        "\u{1}bullwhip-display {",
        "{\"Show\":{\"value\":true,\"data\":{\"text/html\":\"<b>\"}}}\n\"Value\"\n\"Done\"\n",
    ] {
        printed(kernel, text).await;
        assert_eq!(kernel.run("z + 2").await.result(), "43", "{text}");
    }
    assert_eq!(kernel.run("kept.len()").await.result(), "1");
}

/// A name in a data file, and values whose text is hostile.
async fn data_cannot_show_itself(kernel: &mut Kernel) {
    println!("data cannot show itself");
    let hostile = "a\nEVCXR_END_CONTENT\nEVCXR_EXECUTION_COMPLETE\n<script>";
    let cell = kernel
        .run(&format!(
            "let name = String::from({hostile:?}); show!(name); &name"
        ))
        .await;
    assert!(cell.ok());
    assert_eq!(cell.of("display_data").len(), 1);
    let html = cell.of("display_data")[0]["data"]["text/html"].to_string();
    assert!(!html.contains("<script>") && html.contains("EVCXR_EXECUTION_COMPLETE"));
    let cell = kernel.run("struct Mine(String); impl std::fmt::Debug for Mine { fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result { f.write_str(&self.0) } } Mine(name.clone())").await;
    assert_eq!(cell.result(), hostile);
    assert_eq!(kernel.run("1 + 1").await.result(), "2");
}

async fn all_that_is_shown_comes_in_order(kernel: &mut Kernel) {
    println!("all that is shown comes in order");
    let cell = kernel
        .run("for k in [20, 40, 60] { println!(\"at {k}\"); show!(k); print!(\"behind\"); }")
        .await;
    let mut expected = Vec::new();
    for k in ["20", "40", "60"] {
        expected.push(("stream".to_string(), format!("at {k}\n")));
        expected.push(("display_data".to_string(), k.to_string()));
        expected.push(("stream".to_string(), "behind".to_string()));
    }
    // Text that comes together may be one message.
    let joined = |outputs: Vec<(String, String)>| {
        let mut all: Vec<(String, String)> = Vec::new();
        for (kind, text) in outputs {
            match all.last_mut() {
                Some(last) if kind == "stream" && last.0 == kind => last.1 += &text,
                _ => all.push((kind, text)),
            }
        }
        all
    };
    assert_eq!(joined(outputs(&cell)), joined(expected));
    let cell = kernel.run("show!(1); show!(2); 3").await;
    let order = [
        ("display_data", "1"),
        ("display_data", "2"),
        ("execute_result", "3"),
    ];
    assert_eq!(outputs(&cell), pairs(&order));
    // A figure and a frame, one value after another, by hand and at the end.
    let cell = kernel
        .run("let economy = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;\neconomy.evcxr_display(); 5.evcxr_display(); economy.firms()")
        .await;
    let kinds: Vec<String> = outputs(&cell).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["display_data", "display_data", "execute_result"]);
    // What was shown before an error stays, and no value is made of it.
    let cell = kernel
        .run("show!(7); let never: i32 = \"x\".parse()?; show!(8);")
        .await;
    assert_eq!(outputs(&cell), pairs(&[("display_data", "7")]));
}

async fn sums_that_overflow_panic(kernel: &mut Kernel) {
    println!("sums that overflow panic");
    for (code, told) in [
        (
            "let month: usize = std::hint::black_box(3); let lag = 5; month - lag",
            "attempt to subtract with overflow",
        ),
        (
            "let a: u8 = 255; a + std::hint::black_box(1)",
            "attempt to add with overflow",
        ),
        (
            "let p: u64 = (1..=40u64).product();",
            "attempt to multiply with overflow",
        ),
        (
            "let n = std::hint::black_box(i32::MIN); -n",
            "attempt to negate with overflow",
        ),
        (
            "let s: u32 = [u32::MAX, std::hint::black_box(1)].iter().sum();",
            "attempt to add with overflow",
        ),
    ] {
        let (text, trace) = error(&kernel.run(code).await);
        assert!(text.contains(told), "{code}: {text}");
        assert!(trace.contains(", line 1:"), "{code}: {trace}");
    }
    assert_eq!(kernel.run("250u8.wrapping_add(10)").await.result(), "4");
}

async fn errors_and_panics_name_their_lines(kernel: &mut Kernel) {
    println!("errors and panics name their lines");
    let cell = kernel
        .run("// a note\nlet fine = 1;\nlet n: i32 =\n    \"x\".parse()?;\nn")
        .await;
    let (text, trace) = error(&cell);
    assert_eq!(text, "invalid digit found in string");
    assert!(trace.contains("line 4:\n  \"x\".parse()?;"), "{trace}");
    assert_eq!(cell.text("stderr"), "");
    let cell = kernel
        .run("fn deep(k: usize) -> usize {\n    let v = vec![1, 2];\n    v[k]\n}\nlet w = 1;\nlet x = deep(7);")
        .await;
    let (text, trace) = error(&cell);
    assert!(text.contains("the len is 2 but the index is 7"), "{text}");
    assert!(trace.contains("line 3:\n  v[k]"), "{trace}");
    for inside in [
        "src/lib.rs",
        "catch_unwind",
        "run_user_code",
        "stack backtrace",
        "RUST_BACKTRACE",
    ] {
        assert!(!trace.contains(inside), "{trace}");
    }
    assert_eq!(cell.text("stderr"), "");
    // In a function of an earlier cell, and in a library: the line that has called it.
    for code in [
        "let a = 1;\nlet x = deep(9);",
        "let a = 1;\n\nlet v: Vec<u8> = Vec::with_capacity(usize::MAX);",
    ] {
        let (_, trace) = error(&kernel.run(code).await);
        let last = code.lines().last().expect("a line");
        let line = format!("line {}:\n  {last}", code.lines().count());
        assert!(trace.contains(&line), "{trace}");
    }
    let (text, _) = error(&kernel.run("std::panic::panic_any(5)").await);
    assert_eq!(text, "a panic without a message");
    // Variables of before are there, also those that the cell has used.
    let cell = kernel.run("let before = vec![1];").await;
    assert!(cell.ok());
    error(&kernel.run("let b = &before; None::<i32>.unwrap();").await);
    assert_eq!(kernel.run("before.len()").await.result(), "1");
    // An error that nobody returns is none.
    assert!(
        kernel
            .run("let r: Result<i32, _> = \"x\".parse::<i32>(); eprintln!(\"only a warning\");")
            .await
            .ok()
    );
}

async fn run_all_stops_at_an_error(kernel: &mut Kernel) {
    println!("run all stops at an error");
    for code in ["let x: i32 = \"x\".parse()?;", "panic!(\"boom\");"] {
        let first = kernel.begin(code).await;
        let second = kernel.begin("println!(\"never\");").await;
        error(&kernel.finish(&first).await);
        let cell = kernel.finish(&second).await;
        assert_eq!(content(&cell.reply)["status"], "aborted");
        assert_eq!(cell.text("stdout"), "");
    }
}

async fn panics_that_do_not_end_the_cell_are_told(kernel: &mut Kernel) {
    println!("panics that do not end the cell are told");
    let cell = kernel
        .run("std::panic::catch_unwind(|| panic!(\"mine\")).is_err()")
        .await;
    assert_eq!((cell.ok(), cell.result().as_str()), (true, "true"));
    assert!(
        cell.text("stderr")
            .contains("a panic was caught in line 1 of the cell: mine")
    );
    let cell = kernel
        .run("let gone = std::thread::spawn(|| { None::<i32>.unwrap() }).join().is_err();\ngone")
        .await;
    assert_eq!((cell.ok(), cell.result().as_str()), (true, "true"));
    assert!(
        cell.text("stderr")
            .contains("a thread panicked in line 1 of the cell")
    );
}

async fn crates_have_their_names(kernel: &mut Kernel) {
    println!("crates have their names");
    let cell = kernel
        .run("use polars::prelude::*;\nlet table: bullwhip::polars::prelude::DataFrame = df!(\"a\" => [1, 2])?;\ntable")
        .await;
    assert!(
        cell.of("execute_result")[0]["data"]["text/html"].is_string(),
        "{:?}",
        cell.of("error")
    );
    let cell = kernel
        .run("use rand::prelude::*;\nlet mut draws = rand::rngs::StdRng::seed_from_u64(1);\nlet u: f64 = draws.random();\n(0.0..1.0).contains(&u)")
        .await;
    assert_eq!(cell.result(), "true", "{:?}", cell.of("error"));
    let cell = kernel
        .run("use plotters::style::RED;\nlet kind = std::any::type_name::<burn::tensor::Shape>();\nRED.0")
        .await;
    assert_eq!(cell.result(), "255", "{:?}", cell.of("error"));
}

async fn what_belongs_elsewhere_is_told(kernel: &mut Kernel) {
    println!("what belongs elsewhere is told");
    for (code, told) in [
        ("%%time\n1 + 1", "`%%time` is a command of IPython"),
        ("%matplotlib inline", "figures show themselves"),
        ("?Network", "Shift+Tab"),
        ("Network?", "Shift+Tab"),
        ("let a = 1;\n%time a", "command of IPython"),
    ] {
        let (text, _) = error(&kernel.run(code).await);
        assert!(text.contains(told), "{code}: {text}");
    }
    let cell = kernel.run("fn main() { println!(\"x\"); }").await;
    assert!(cell.ok() && cell.text("stderr").contains("call it by `main()`"));
    let cell = kernel.run("main()").await;
    assert_eq!(
        (cell.text("stdout").as_str(), cell.text("stderr").as_str()),
        ("x\n", "")
    );
    assert_eq!(kernel.run("let r = 17\n  % 5;\nr").await.result(), "2");
}

async fn what_evcxr_cannot_keep_is_told(kernel: &mut Kernel) {
    println!("what evcxr cannot keep is told");
    assert!(kernel.run("let b = \"two\";").await.ok());
    let (text, _) = error(&kernel.run("let f = |x: i32| x + 1;").await);
    assert!(
        text.contains("is a closure, which cannot be persisted") && text.contains("box them"),
        "{text}"
    );
    let code = "use std::cell::Cell;\nthread_local! { static N: Cell<i32> = Cell::new(3); }\nfn n() -> i32 { N.with(|x| x.get()) }\nn()";
    assert_eq!(kernel.run(code).await.result(), "3");
    assert_eq!(
        kernel
            .run("let twice = n() + N.with(|x| x.get()); twice")
            .await
            .result(),
        "6"
    );
    let code =
        "macro_rules! mk { ($n:ident, $v:expr) => { fn $n() -> i32 { $v } } }\nmk!(three, 3);";
    assert!(kernel.run(code).await.ok());
    let (text, _) = error(&kernel.run("three()").await);
    assert!(
        text.contains("cannot find function `three`") && text.contains("by `mk!` in cell ["),
        "{text}"
    );
    assert_eq!(kernel.run("mk!(four, 4);\nfour()").await.result(), "4");
}

async fn input_is_asked_for_or_refused(kernel: &mut Kernel) {
    println!("input is asked for or refused");
    let read = "let mut line = String::new();\nprint!(\"region: \");\nstd::io::stdin().read_line(&mut line)?;\nline.trim().to_string()";
    let id = kernel.begin(read).await;
    assert_eq!(kernel.answer("R2").await["prompt"], "region: ");
    assert_eq!(kernel.finish(&id).await.result(), "R2");
    let nobody = async |kernel: &mut Kernel, code: &str| {
        let id = kernel.ask(ExecuteRequest::new(code.to_string())).await;
        kernel.finish(&id).await
    };
    let (text, trace) = error(&nobody(kernel, read).await);
    assert!(
        text.starts_with("standard input: nobody can answer here"),
        "{text}"
    );
    assert!(
        trace.contains("line 3:") && !trace.contains("os error"),
        "{trace}"
    );
    let unwrapped = read.replace('?', ".unwrap()");
    let (text, _) = error(&nobody(kernel, &unwrapped).await);
    assert!(
        text.starts_with("standard input: nobody can answer here"),
        "{text}"
    );
    // A process that a cell has started reads from the same.
    let cell = nobody(kernel, "std::process::Command::new(\"cat\").status()?;").await;
    assert!(cell.text("stderr").contains("nobody can answer here"));
    assert_eq!(kernel.run("1 + 1").await.result(), "2");
}

async fn too_much_is_cut(kernel: &mut Kernel) {
    println!("too much is cut");
    let cell = kernel.run("vec![0u8; 10_000_000]").await;
    let text = cell.result();
    assert!(
        text.len() < 30_000 && text.contains("[cut here: 20000 of 30000000 characters are shown")
    );
    let cell = kernel
        .run("#[derive(Debug)] struct Long(Vec<u8>); Long(vec![0; 1_000_000])")
        .await;
    assert!(cell.result().contains("[cut here: "));
    let cell = kernel
        .run("for k in 0..1_000_000 { println!(\"line {k}\"); } 5")
        .await;
    let text = cell.text("stdout");
    assert!(
        text.starts_with("line 0\nline 1\n") && text.len() < 3_000_000,
        "{}",
        text.len()
    );
    assert!(
        text.contains("[cut here: a cell prints 2.1 MB at most"),
        "{}",
        text.len()
    );
    assert!(text.ends_with(" MB more were not shown]\n"));
    assert_eq!(cell.result(), "5");
    // One line as long as that, without an end.
    let cell = kernel
        .run("print!(\"{}\", \"é\".repeat(20_000_000));")
        .await;
    assert!(cell.ok() && cell.text("stdout").len() < 3_000_000);
    assert_eq!(
        kernel.run("println!(\"again\");").await.text("stdout"),
        "again\n"
    );
}

async fn a_cell_may_close_its_output(kernel: &mut Kernel) {
    println!("a cell may close its output");
    let code = "use std::os::fd::{FromRawFd, OwnedFd}; drop(unsafe { OwnedFd::from_raw_fd(1) });";
    assert!(kernel.run(code).await.ok());
    assert_eq!(kernel.run("1 + 1").await.result(), "2");
    error(&kernel.run("std::process::exit(0);").await);
    assert_eq!(
        kernel.run("println!(\"back\");").await.text("stdout"),
        "back\n"
    );
}

async fn variables_say_where_they_went(kernel: &mut Kernel) {
    println!("variables say where they went");
    assert!(kernel.run("let v = vec![1, 2];").await.ok());
    let cell = kernel.run("let u = 1;\nlet w = v;").await;
    let count = content(&cell.reply)["execution_count"].to_string();
    let (text, _) = error(&kernel.run("v.len()").await);
    assert!(
        text.contains(&format!("used up in cell [{count}], by `let w = v;`")),
        "{text}"
    );
    assert!(kernel.run("let v = vec![1];").await.ok());
    assert_eq!(kernel.run("v.len()").await.result(), "1");
    let failed = kernel.run("let late: i32 = \"x\".parse()?;").await;
    let count = content(&failed.reply)["execution_count"].to_string();
    let (text, _) = error(&kernel.run("late").await);
    assert!(
        text.contains(&format!(
            "cell [{count}], which makes `late`, did not come to its end"
        )),
        "{text}"
    );
}

async fn a_dead_process_says_why(kernel: &mut Kernel) {
    println!("a dead process says why");
    for (code, why) in [
        (
            "fn f(n: u64) -> u64 { let a = std::hint::black_box([n; 1000]); if n == u64::MAX { 0 } else { f(n + 1) + std::hint::black_box(a)[3] } }\nf(1)",
            "signal 11 (SIGSEGV), often a stack overflow",
        ),
        ("std::process::abort();", "signal 6 (SIGABRT)"),
        ("std::process::exit(3);", "exit status 3"),
        (
            "let gone = std::thread::spawn(|| std::process::exit(4)).join().is_err();",
            "exit status 4",
        ),
        (
            "let nowhere = std::hint::black_box(8usize) as *mut u8;\nunsafe { nowhere.write_volatile(1) };",
            "signal 11 (SIGSEGV)",
        ),
        // A panic within a panic, and one that leaves a function of another language.
        (
            "struct Last; impl Drop for Last { fn drop(&mut self) { panic!(\"in a drop\"); } }\nlet last = Last; panic!(\"first\");",
            "signal 6 (SIGABRT)",
        ),
        (
            "extern \"C\" fn edge() { panic!(\"over the edge\"); }\nedge();",
            "signal 6 (SIGABRT)",
        ),
        (
            "std::process::Command::new(\"kill\").args([\"-15\", &std::process::id().to_string()]).status()?; loop { std::thread::yield_now(); }",
            "signal 15 (SIGTERM)",
        ),
        ("let v = vec![1u8; 1 << 46];", "memory could not be had"),
        (
            "std::process::Command::new(\"kill\").args([\"-9\", &std::process::id().to_string()]).status()?; loop { std::thread::yield_now(); }",
            "signal 9 (SIGKILL)",
        ),
    ] {
        let made = kernel.run("let keep = 3;").await;
        let made = content(&made.reply)["execution_count"].to_string();
        let (text, _) = error(&kernel.run(code).await);
        assert!(
            text.contains(why) && text.contains("all variables are lost"),
            "{code}: {text}"
        );
        let (text, _) = error(&kernel.run("keep").await);
        assert!(
            text.contains("`keep` was lost when the process of the cells ended"),
            "{text}"
        );
        assert!(
            text.contains(&format!("run cell [{made}], which makes it, again")),
            "{text}"
        );
        assert_eq!(kernel.run("1 + 1").await.result(), "2");
    }
}

/// A value that panics when it goes takes nothing else with it inside a cell; between cells it is told.
async fn a_drop_that_panics_is_told(kernel: &mut Kernel) {
    println!("a drop that panics is told");
    let code =
        "struct Loud; impl Drop for Loud { fn drop(&mut self) { panic!(\"it was loud\"); } }";
    assert!(kernel.run(code).await.ok());
    assert!(kernel.run("let keep = vec![1];").await.ok());
    let (text, _) = error(&kernel.run("{ let here = Loud; }").await);
    assert!(text.contains("it was loud"), "{text}");
    assert_eq!(kernel.run("keep.len()").await.result(), "1");
    // One that the notebook keeps, and then another value of its name.
    assert!(kernel.run("let loud = Loud;").await.ok());
    // evcxr drops that where no panic can be caught.
    let (text, _) = error(&kernel.run("let loud = 5;").await);
    assert!(
        text.contains("panics when it is dropped") && text.contains("all variables are lost"),
        "{text}"
    );
    assert_eq!(kernel.run("1 + 1").await.result(), "2");
}

async fn children_end_with_their_cells(kernel: &mut Kernel) {
    println!("children end with their cells");
    let cell = kernel
        .run("let child = std::process::Command::new(\"sleep\").arg(\"1000\").spawn()?.id();\nprintln!(\"{child}\");")
        .await;
    let child = cell.text("stdout").trim().to_string();
    let there = || {
        let stat = Path::new("/proc").join(&child).join("stat");
        // One that has ended, and whose parent has not noticed, is as good as gone.
        std::fs::read_to_string(stat).is_ok_and(|stat| !stat.contains(") Z"))
            || !Path::new("/proc").exists()
                && Command::new("kill")
                    .args(["-0", &child])
                    .status()
                    .is_ok_and(|s| s.success())
    };
    // It lives as long as the variables do.
    assert!(there() && kernel.run("1 + 1").await.ok() && there());
    kernel.run("std::process::exit(0);").await;
    let begin = Instant::now();
    while there() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the child ends");
        std::thread::yield_now();
    }
}

/// Cargo locks a build folder by a file in it: were that one file for all, each would wait for the others.
async fn no_lock_is_shared_with_other_notebooks(kernel: &mut Kernel) {
    println!("no lock is shared with other notebooks");
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    // Cargo runs, and locks, where a crate is added.
    let small = folder().join("small");
    std::fs::create_dir_all(small.join("src")).expect("a folder");
    let manifest =
        "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(small.join("Cargo.toml"), manifest).expect("written");
    let code = "pub fn twice(x: i32) -> i32 { 2 * x }\n";
    std::fs::write(small.join("src/lib.rs"), code).expect("written");
    let code = format!(":dep small = {{ path = {small:?} }}\nsmall::twice(21)");
    assert_eq!(kernel.run(&code).await.result(), "42");
    // A mistake is told without a check of all dependencies, which would compile them once more.
    let (text, _) = error(&kernel.run("small::thrice(21)").await);
    assert!(text.contains("thrice"), "{text}");
    let session = PathBuf::from(kernel.run("!echo $EVCXR_TMPDIR").await.result().trim());
    let mode = std::fs::metadata(&session)
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    let (mut locks, mut notes) = (0, 0);
    let mut folders = vec![session.join("target")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let (path, facts) = (entry.path(), entry.metadata().expect("facts"));
            if facts.is_dir() {
                folders.push(path);
                continue;
            }
            let lock = entry.file_name().to_string_lossy().starts_with(".cargo");
            let note = path.to_string_lossy().contains("/.fingerprint/");
            if lock || note {
                assert_eq!(facts.nlink(), 1, "{}", path.display());
            }
            locks += usize::from(lock);
            notes += usize::from(note);
        }
    }
    assert!(locks > 0 && notes > 0);
}
