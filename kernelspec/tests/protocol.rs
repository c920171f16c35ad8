//! The kernel over the Jupyter protocol: order of messages, displays, interrupts, errors, restarts.
//!
//! One conversation after another: a first start compiles and warms up, and what an earlier
//! conversation gives back a later one takes.

mod client;

use client::{Cell, Kernel, content, soon};
use jupyter_protocol::KernelInfoRequest;
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Warms up no next spare: the tests would only compete with it.
const ALONE: (&str, &str) = ("BULLWHIP_ALONE", "1");

fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("bullwhip-protocol-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    dir.canonicalize().expect("a path")
}

/// One test, since a kernel at a time keeps it quick: each part says what it shows.
#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_keeps_the_protocol() {
    let dir = folder("one");
    let mut kernel = Kernel::start(&dir, &[("BULLWHIP_TEST_WORD", "supply chain"), ALONE]).await;
    answers_at_once(&mut kernel).await;
    a_client_may_go_before_its_answer(&mut kernel).await;
    messages_come_in_order(&mut kernel).await;
    cells_run_where_the_notebook_is(&mut kernel, &dir).await;
    displays_change_in_place(&mut kernel).await;
    errors_are_told(&mut kernel).await;
    code_is_completed_and_described(&mut kernel).await;
    what_moves_a_variable_shows_itself(&mut kernel).await;
    a_cell_may_ask_the_user(&mut kernel).await;
    an_interrupt_keeps_the_variables(&mut kernel).await;
    an_interrupt_stops_the_compiler(&mut kernel).await;
    a_second_interrupt_ends_the_cell(&mut kernel).await;
    a_crash_is_told(&mut kernel).await;
    assert_eq!(kernel.shutdown().await["restart"], false);

    let dir = folder("two");
    let mut next = Kernel::start(&dir, &[ALONE]).await;
    nothing_is_left_of_the_notebook_before(&mut next, &dir).await;
    let mut next = a_restart_begins_anew(next, &dir).await;
    two_kernels_run_side_by_side(&mut next).await;
    the_configuration_may_be_loaded_again(&mut next).await;
    an_engine_may_die(&mut next).await;
    let next = a_kernel_may_die(next, &dir).await;
    next.shutdown().await;
}

async fn answers_at_once(kernel: &mut Kernel) {
    println!("answers at once");
    let begin = Instant::now();
    let id = kernel.ask(KernelInfoRequest {}).await;
    let info = content(&soon(kernel.shell.read()).await.expect("a reply"));
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "even while it prepares"
    );
    assert_eq!(info["language_info"]["name"], "rust");
    let mut states = Vec::new();
    while states.len() < 2 {
        let message = kernel.next().await;
        if message
            .parent_header
            .as_ref()
            .is_some_and(|h| h.msg_id == id)
        {
            states.push(content(&message)["execution_state"].clone());
        }
    }
    assert_eq!(states, ["busy", "idle"]);
}

/// As Jupyter's server does with the connection on which it asks whether the kernel is there.
async fn a_client_may_go_before_its_answer(kernel: &mut Kernel) {
    println!("a client may go before its answer");
    for _ in 0..20 {
        kernel.ask_and_go().await;
    }
    answers_at_once(kernel).await;
}

/// evcxr falls back to the plain form where the value's making has used up a variable.
async fn what_moves_a_variable_shows_itself(kernel: &mut Kernel) {
    println!("what moves a variable shows itself");
    let code = "let quake = Shock::random(&economy, 3, 0.3, 10, 1);\nlet other = quake.clone();";
    assert!(kernel.run(code).await.ok());
    let cell = kernel.run("quake.and(other)").await;
    assert!(cell.of("execute_result")[0]["data"]["text/html"].is_string());
    let gone = kernel.run("quake").await;
    assert!(
        gone.of("error")[0]["evalue"]
            .to_string()
            .contains("cannot find value")
    );
    // A fault of the user's is told in full.
    let twice = "let one = vec![1];\nlet two = one;\nprintln!(\"{one:?} {two:?}\");";
    let trace = kernel.run(twice).await.of("error")[0]["traceback"].to_string();
    assert!(trace.contains("value moved here"), "{trace}");
}

async fn messages_come_in_order(kernel: &mut Kernel) {
    println!("messages come in order");
    let cell = kernel
        .run("println!(\"one\"); println!(\"two\"); 40 + 2")
        .await;
    let mut kinds = cell.kinds();
    // Where the cell had to wait, the user was told so, and that was taken back.
    if let Some(at) = kinds.iter().position(|kind| *kind == "clear_output") {
        kinds.drain(2..=at);
    }
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "status",
            "execute_input",
            "stream",
            "execute_result",
            "status"
        ]
    );
    assert!(cell.text("stdout").ends_with("one\ntwo\n"));
    assert_eq!(cell.result(), "42");
    assert_eq!(cell.of("execute_input")[0]["execution_count"], 1);
    assert_eq!(cell.of("execute_result")[0]["execution_count"], 1);
    assert_eq!(content(&cell.reply)["execution_count"], 1);
    let vars = kernel.run(":vars").await;
    assert!(!vars.result().contains("warm_up"), "{}", vars.result());
}

async fn cells_run_where_the_notebook_is(kernel: &mut Kernel, dir: &std::path::Path) {
    println!("cells run where the notebook is");
    let cell = kernel
        .run("println!(\"{}\", std::env::current_dir()?.display()); println!(\"{:?}\", std::env::var(\"BULLWHIP_TEST_WORD\"));")
        .await;
    assert_eq!(
        cell.text("stdout"),
        format!("{}\nOk(\"supply chain\")\n", dir.display())
    );
    let shell = kernel.run("!pwd").await;
    assert_eq!(shell.result().trim(), dir.display().to_string());
}

/// A display that changes in place, as the library asks for it.
fn changing(id: &str, text: &str) -> String {
    format!(
        "bullwhip::notebook::cell::live(\"{id}\", &[(\"text/plain\", \"{text}\"), (\"image/svg+xml\", \"<svg/>\")]);"
    )
}

async fn displays_change_in_place(kernel: &mut Kernel) {
    println!("displays change in place");
    let code = [
        changing("fit", "10 %"),
        "print!(\"held \");".into(),
        changing("fit", "20 %"),
        changing("other", "1"),
    ];
    let cell = kernel.run(&code.join("\n")).await;
    let kinds: Vec<_> = cell
        .kinds()
        .into_iter()
        .filter(|k| k.contains("display") || *k == "stream")
        .collect();
    assert_eq!(
        kinds,
        [
            "display_data",
            "stream",
            "update_display_data",
            "display_data"
        ]
    );
    assert_eq!(cell.text("stdout"), "held ");
    let first = &cell.of("display_data")[0];
    assert_eq!(first["transient"]["display_id"], "fit");
    assert_eq!(first["metadata"], serde_json::json!({}));
    assert_eq!(first["data"]["text/plain"], "10 %");
    assert_eq!(
        cell.of("update_display_data")[0]["data"]["text/plain"],
        "20 %"
    );
    // A thread shows what it has when its cell has ended, too, and without a cell that runs.
    let code = format!(
        "std::thread::spawn(|| {{ while !std::path::Path::new(\"go\").exists() {{ std::thread::yield_now(); }} {} }});",
        changing("fit", "100 %")
    );
    let cell = kernel.run(&code).await;
    assert!(cell.of("update_display_data").is_empty());
    // It may come before or behind the end of this cell.
    kernel.begin("std::fs::write(\"go\", \"\")?;").await;
    let shown = content(&kernel.reach("update_display_data").await);
    assert_eq!(shown["data"]["text/plain"], "100 %");
}

async fn errors_are_told(kernel: &mut Kernel) {
    println!("errors are told");
    // Both are asked for at once, as "Run all" does: what stands behind an error does not run.
    let first = kernel.begin("let x: usize = \"text\";").await;
    let second = kernel.begin("println!(\"never\");").await;
    let failed = kernel.finish(&first).await;
    assert!(!failed.ok());
    let error = &failed.of("error")[0];
    assert!(
        error["evalue"]
            .as_str()
            .is_some_and(|e| e.contains("mismatched types"))
    );
    let trace = error["traceback"].to_string();
    let count = content(&failed.reply)["execution_count"].clone();
    assert!(trace.contains(&format!("command_{count}")), "{trace}");
    let aborted = kernel.finish(&second).await;
    assert_eq!(content(&aborted.reply)["status"], "aborted");
    assert_eq!(aborted.text("stdout"), "");
    let refused = kernel
        .run("Network::synthetic(&Synthetic { firms: 1, ..Synthetic::default() })?;")
        .await;
    let error = &refused.of("error")[0];
    assert_eq!(error["ename"], "Error");
    let told = error["evalue"].as_str().unwrap_or_default();
    assert_eq!(
        told, "Synthetic.firms: 1 firms; give at least 2",
        "a sentence, no backtrace"
    );
    assert_eq!(content(&refused.reply)["status"], "error");
    assert_eq!(refused.text("stderr"), "");
}

async fn code_is_completed_and_described(kernel: &mut Kernel) {
    println!("code is completed and described");
    kernel
        .run("let economy = Network::synthetic(&Synthetic::default())?;")
        .await;
    let reply = kernel.complete("let ä = 1; economy.fi").await;
    let matches = reply["matches"].to_string();
    assert!(matches.contains("firms"), "{reply}");
    assert_eq!(
        (&reply["cursor_start"], &reply["cursor_end"]),
        (&19.into(), &21.into())
    );
    let reply = kernel.inspect("Network").await;
    assert_eq!(reply["found"], true);
    assert!(
        reply["data"]["text/plain"]
            .as_str()
            .is_some_and(|t| t.contains("Network"))
    );
}

async fn a_cell_may_ask_the_user(kernel: &mut Kernel) {
    println!("a cell may ask the user");
    let id = kernel
        .begin("println!(\"EVCXR_INPUT_REQUEST:which region\"); let mut region = String::new(); std::io::stdin().read_line(&mut region)?; println!(\"[{}]\", region.trim());")
        .await;
    assert_eq!(kernel.answer("R2").await["prompt"], "which region");
    assert_eq!(kernel.finish(&id).await.text("stdout"), "[R2]\n");
}

/// A calibration that would last for minutes.
const LONG_CALL: &str = "let shock = Shock::random(&economy, 3, 0.3, 10, 1);
let run = simulate(&economy, &Params::uniform(&economy, 2.0, 6.0), &shock, &Simulation::default())?;
let problem = Problem::new(&economy, &shock, &run.observe());
let long = Svi { steps: 10_000_000, early_stop: None, draws: 1, ..Svi::default() };";

async fn an_interrupt_keeps_the_variables(kernel: &mut Kernel) {
    println!("an interrupt keeps the variables");
    assert!(kernel.run(LONG_CALL).await.ok());
    let id = kernel
        .begin("let part = calibrate(&problem, &long, &Run::default(), &mut Live::default())?;")
        .await;
    // It runs: its picture is there, and changes in place.
    kernel.reach("display_data").await;
    kernel.reach("update_display_data").await;
    let next = kernel.begin("println!(\"next\");").await;
    // Answered in turn on the same channel: then the kernel has the next cell too.
    kernel.ask(KernelInfoRequest {}).await;
    soon(kernel.shell.read()).await.expect("a reply");
    assert_eq!(kernel.interrupt().await["status"], "ok");
    let cell = kernel.finish(&id).await;
    assert!(cell.ok(), "the call returns what it has");
    assert!(cell.text("stderr").contains("press again"));
    // What stands behind an interrupted cell does not run.
    assert_eq!(
        content(&kernel.finish(&next).await.reply)["status"],
        "aborted"
    );
    let kept = kernel.run("(part.stopped, part.history.len() < 10_000_000, economy.firms() > 1)");
    assert_eq!(kept.await.result(), "(true, true, true)");
}

async fn an_interrupt_stops_the_compiler(kernel: &mut Kernel) {
    println!("an interrupt stops the compiler");
    let engine = kernel
        .run("std::os::unix::process::parent_id()")
        .await
        .result();
    let slow = "#[allow(long_running_const_eval)] const SUM: u64 = { let mut i = 0; while i < 4_000_000_000 { i += 1; } i }; println!(\"{SUM}\");";
    let id = kernel.begin(slow).await;
    // The compiler starts a moment after the cell; an interrupt before that finds nothing to stop.
    let begin = Instant::now();
    while !compiling(&engine) {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "the compiler starts"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    kernel.interrupt().await;
    let cell = kernel.finish(&id).await;
    assert_eq!(cell.of("error")[0]["ename"], "Interrupted");
    assert!(
        kernel.run("economy.firms()").await.ok(),
        "nothing has changed"
    );
}

/// True while this engine compiles a cell: others may, too.
fn compiling(engine: &str) -> bool {
    let cache = std::env::var_os("BULLWHIP_CACHE").map(PathBuf::from);
    let cache = cache
        .or_else(|| Some(dirs::cache_dir()?.join("bullwhip")))
        .expect("a cache");
    let folders = |dir: PathBuf| {
        std::fs::read_dir(dir)
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
    };
    folders(cache)
        .flat_map(|runtime| folders(runtime.join("sessions")))
        .any(|session| session.ends_with(engine) && session.join("compiling").exists())
}

async fn a_second_interrupt_ends_the_cell(kernel: &mut Kernel) {
    println!("a second interrupt ends the cell");
    let id = kernel
        .begin("println!(\"endless\"); loop { std::thread::yield_now(); }")
        .await;
    kernel.until("endless").await;
    kernel.interrupt().await;
    kernel.interrupt().await;
    let cell = kernel.finish(&id).await;
    assert!(!cell.ok());
    assert!(
        cell.of("error")[0]["evalue"]
            .as_str()
            .is_some_and(|e| e.contains("variables are lost"))
    );
    assert!(
        !kernel.run("economy.firms()").await.ok(),
        "variables are lost"
    );
    assert!(
        kernel
            .run("println!(\"{}\", std::env::var(\"BULLWHIP_TEST_WORD\")?);")
            .await
            .text("stdout")
            .contains("supply")
    );
    let cell = kernel.run("let again = 7; again").await;
    assert_eq!(cell.result(), "7");
    // Display ids begin again with the process; an old display is not the new one's.
    let cell = kernel.run(&changing("fit", "1 %")).await;
    assert_eq!(cell.of("display_data").len(), 1);
    assert_ne!(cell.of("display_data")[0]["transient"]["display_id"], "fit");
}

async fn a_crash_is_told(kernel: &mut Kernel) {
    println!("a crash is told");
    let cell = kernel.run("std::process::abort();").await;
    assert!(!cell.ok());
    assert!(
        cell.of("error")[0]["evalue"]
            .as_str()
            .is_some_and(|e| e.contains("terminated"))
    );
    assert_eq!(kernel.run("1 + 1").await.result(), "2");
}

async fn nothing_is_left_of_the_notebook_before(kernel: &mut Kernel, dir: &std::path::Path) {
    println!("nothing is left of the notebook before");
    // The engine of the notebook before is taken, if not a spare of the user's.
    let cell = kernel
        .run("println!(\"{}\", std::env::current_dir()?.display());")
        .await;
    assert_eq!(content(&cell.reply)["execution_count"], 1);
    assert!(
        cell.text("stdout")
            .ends_with(&format!("{}\n", dir.display()))
    );
    for gone in ["again", "long_call::run()", "economy"] {
        assert!(!kernel.run(gone).await.ok(), "{gone}");
    }
    let word = kernel
        .run("println!(\"{:?}\", std::env::var(\"BULLWHIP_TEST_WORD\").is_err());")
        .await;
    assert_eq!(word.text("stdout"), "true\n");
}

async fn a_restart_begins_anew(mut kernel: Kernel, dir: &std::path::Path) -> Kernel {
    println!("a restart begins anew");
    assert!(kernel.run("let before = 1;").await.ok());
    kernel.run(&changing("fit", "1 %")).await;
    let (reply, mut kernel) = kernel.restart(dir, &[ALONE]).await;
    assert_eq!(
        (&reply["status"], &reply["restart"]),
        (&"ok".into(), &true.into())
    );
    let cell = kernel.run("2 * 3").await;
    assert_eq!(cell.result(), "6");
    assert_eq!(cell.of("execute_result")[0]["execution_count"], 1);
    assert!(!kernel.run("before").await.ok(), "variables are gone");
    let cell = kernel.run(&changing("fit", "2 %")).await;
    assert_eq!(cell.of("display_data").len(), 1);
    kernel
}

async fn two_kernels_run_side_by_side(first: &mut Kernel) {
    println!("two kernels run side by side");
    let dir = folder("three");
    let mut second = Kernel::start(&dir, &[ALONE]).await;
    first.run("let value = 1;").await;
    second.run("let value = \"two\";").await;
    assert_eq!(first.run("value").await.result(), "1");
    assert_eq!(
        second.run("println!(\"{value}\");").await.text("stdout"),
        "two\n"
    );
    an_interrupt_is_for_one_kernel(first, &mut second).await;
    second.shutdown().await;
    // A kernel that takes what the second has given back starts at once.
    let begin = Instant::now();
    let mut third = Kernel::start(&dir, &[ALONE]).await;
    let cell = third.run("use bullwhip::prelude::*; 1 + 1").await;
    println!(
        "a kernel after another: first result after {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    assert_eq!(cell.result(), "2");
    assert!(!third.run("value").await.ok());
    third.shutdown().await;
}

async fn an_interrupt_is_for_one_kernel(first: &mut Kernel, second: &mut Kernel) {
    println!("an interrupt is for one kernel");
    let code = format!("let economy = Network::synthetic(&Synthetic::default())?;\n{LONG_CALL}");
    let fit = "let part = calibrate(&problem, &long, &Run::default(), &mut Live::default())?;";
    let (mut ids, mut cells) = (Vec::new(), Vec::new());
    for kernel in [&mut *first, &mut *second] {
        assert!(kernel.run(&code).await.ok());
        cells.push(kernel.begin(fit).await);
    }
    for kernel in [&mut *first, &mut *second] {
        let display = kernel.reach("display_data").await;
        ids.push(content(&display)["transient"]["display_id"].clone());
    }
    assert_ne!(ids[0], ids[1]);
    first.interrupt().await;
    let cell = first.finish(&cells[0]).await;
    assert!(cell.ok(), "it returns what it has");
    // The other has not heard of it.
    let end = cell.messages.last().expect("messages").header.date;
    while second.reach("update_display_data").await.header.date <= end {}
    second.interrupt().await;
    assert!(second.finish(&cells[1]).await.ok());
    for kernel in [first, second] {
        assert_eq!(kernel.run("part.stopped").await.result(), "true");
    }
}

/// Begins a cell that never ends; its id, and the process of the engine.
async fn endless(kernel: &mut Kernel) -> (String, String) {
    let id = kernel.begin("println!(\"{}\", std::os::unix::process::parent_id()); loop { std::thread::yield_now(); }").await;
    let engine = loop {
        let text = content(&kernel.next().await)["text"]
            .as_str()
            .unwrap_or_default()
            .trim()
            .to_string();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            break text;
        }
    };
    (id, engine)
}

async fn a_kernel_may_die(mut kernel: Kernel, dir: &std::path::Path) -> Kernel {
    println!("a kernel may die");
    let (_, engine) = endless(&mut kernel).await;
    let mut kernel = kernel.die(dir, &[ALONE]).await;
    // Nobody is there to hear of its endless cell: it ends, too.
    let begin = Instant::now();
    while signal("-0", &engine) {
        assert!(begin.elapsed() < Duration::from_secs(60), "the engine ends");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let cell = kernel.run("1 + 1").await;
    assert_eq!(cell.result(), "2");
    assert_eq!(cell.of("execute_result")[0]["execution_count"], 1);
    kernel
}

/// Sends a signal to a process; false where there is none.
fn signal(which: &str, process: &str) -> bool {
    let output = std::process::Command::new("kill")
        .args([which, process])
        .output();
    output.is_ok_and(|o| o.status.success())
}

/// It asks for what is there: cells still compile without cargo.
async fn the_configuration_may_be_loaded_again(kernel: &mut Kernel) {
    println!("the configuration may be loaded again");
    assert!(kernel.run(":load_config").await.ok());
    let code = "!cmp \"$EVCXR_TMPDIR/Cargo.toml\" \"$EVCXR_TMPDIR/known.toml\" && echo same";
    assert_eq!(kernel.run(code).await.result().trim(), "same");
}

async fn an_engine_may_die(kernel: &mut Kernel) {
    println!("an engine may die");
    let (id, engine) = endless(kernel).await;
    assert!(signal("-9", &engine));
    let cell: Cell = kernel.finish(&id).await;
    assert_eq!(cell.of("error")[0]["ename"], "KernelError");
    let again: Value = content(&kernel.run("2 + 2").await.reply);
    assert_eq!(again["status"], "ok");
}
