//! The live picture: the lines for the kernel, what other places get, and the last state in all cases.

#[path = "common/small.rs"]
mod small;

use bullwhip::plot::Steady;
use bullwhip::prelude::*;
use serde_json::Value;
use small::problem;
use std::process::Command;

/// Runs one of the ignored tests below in a process of its own, and returns what it prints.
fn run(child: &str, variable: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", child, "--ignored", "--nocapture"]);
    command
        .env_remove("BULLWHIP_KERNEL")
        .env_remove("EVCXR_IS_RUNTIME");
    if let Some(variable) = variable {
        command.env(variable, "1");
    }
    let out = command.output().expect("it runs");
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).expect("UTF-8")
}

/// The displays that a process asked the kernel for, checked one by one.
fn displays(said: &str) -> Vec<Value> {
    let marked = said.split("\u{1}bullwhip-display ").skip(1);
    let displays: Vec<Value> = marked
        .map(|rest| {
            let line = rest.lines().next().expect("a line");
            let display: Value = serde_json::from_str(line).expect("JSON in one line");
            assert!(display["data"]["text/plain"].is_string());
            display
        })
        .collect();
    assert!(!displays.is_empty(), "{said}");
    for display in &displays {
        assert_eq!(display["id"], displays[0]["id"], "one display a call");
    }
    // SVG while it moves, a bitmap that all readers show when it stays; both say how large they are.
    let (last, before) = displays.split_last().expect("at least one");
    for display in before {
        let svg = display["data"]["text/html"].as_str().expect("HTML");
        let parsed = roxmltree::Document::parse(svg).expect("well-formed SVG");
        let root = parsed.root_element();
        assert_eq!(root.tag_name().name(), "svg");
        assert_eq!(root.attribute("width"), Some("900"));
        let style = root.attribute("style").expect("a style");
        assert!(style.contains("max-width:100%"), "{style}");
        assert!(display["data"]["image/png"].is_null());
    }
    let png = last["data"]["image/png"].as_str().expect("a bitmap");
    let html = last["data"]["text/html"].as_str().expect("HTML");
    assert!(html.starts_with("<img width=\"900\" height=") && html.contains("max-width:100%"));
    assert!(html.contains(png));
    displays
}

fn last_text(said: &str) -> String {
    let last = displays(said).pop().expect("at least one");
    last["data"]["text/plain"].as_str().expect("text").into()
}

fn options() -> Svi {
    Svi {
        steps: 200,
        ..Svi::default()
    }
}

#[test]
fn the_kernel_gets_pictures_and_at_last_the_final_state() {
    let said = run("watched", Some("BULLWHIP_KERNEL"));
    let text = last_text(&said);
    assert!(
        text.starts_with("Calibration by variational inference\nfinished: 200 steps in"),
        "{text}"
    );
    assert!(text.contains("200 evaluations · none dropped"), "{text}");
    let first = displays(&said)[0]["data"]["text/plain"].to_string();
    assert!(first.contains("Calibrating by"), "{first}");
}

#[test]
#[ignore = "run by the tests here in processes of their own"]
fn watched() {
    calibrate(&problem(), options(), &Run::default(), &mut Live::default()).expect("a posterior");
}

#[test]
fn a_stopped_calibration_leaves_its_last_picture() {
    let text = last_text(&run("stopped", Some("BULLWHIP_KERNEL")));
    assert!(text.contains("stopped at step 200 of 1000000"), "{text}");
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn stopped() {
    let problem = problem();
    let part = calibrate(&problem, options(), &Run::default(), &mut ()).expect("a posterior");
    let options = Svi {
        steps: 1_000_000,
        ..options()
    };
    let at_once = Run {
        max_seconds: Some(0.0),
        ..Run::default()
    };
    // One step more, for the limit is looked at after a step.
    let rest = part
        .resume(&problem, &options, &at_once, &mut ())
        .expect("a posterior");
    assert_eq!(rest.history.len(), 201);
    let fit = Watched {
        live: Live::default(),
        left: 200,
    };
    calibrate(&problem, &options, &Run::default(), &mut { fit }).expect("a posterior");
}

/// `Live`, and a stop after some steps.
struct Watched {
    live: Live,
    left: usize,
}

impl Progress for Watched {
    fn start(&mut self, task: &str, total: usize) {
        self.live.start(task, total);
    }
    fn update(&mut self, done: usize, note: &str) {
        self.left -= 1;
        self.live.update(done, note);
    }
    fn finish(&mut self, note: &str) {
        self.live.finish(note);
    }
    fn stop(&self) -> bool {
        self.left == 0
    }
}

impl Watch for Watched {
    fn watches(&self) -> bool {
        self.live.watches()
    }
    fn wants_picture(&mut self) -> bool {
        self.live.wants_picture()
    }
    fn picture(&mut self, snapshot: Snapshot) {
        self.live.picture(snapshot);
    }
}

#[test]
fn a_failed_calibration_says_so_in_its_last_picture() {
    let text = last_text(&run("failed", Some("BULLWHIP_KERNEL")));
    assert!(text.contains("no particle gave a finite loss"), "{text}");
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn failed() {
    let options = Svi {
        initial_scale: 1e200,
        steps: 3,
        ..Svi::default()
    };
    let said = calibrate(&problem(), &options, &Run::default(), &mut Live::default())
        .expect_err("no finite loss");
    assert!(said.to_string().contains("no particle"), "{said}");
}

#[test]
fn a_stock_kernel_gets_lines_and_the_figure_a_log_gets_lines() {
    let stock = run("watched", Some("EVCXR_IS_RUNTIME"));
    let log = run("watched", None);
    for said in [&stock, &log] {
        assert!(said.contains("variational inference: 200 steps"), "{said}");
        assert!(said.contains(" 50 %  loss "), "{said}");
        assert!(said.contains("  done in "), "{said}");
        assert!(!said.contains('\u{1}'), "{said}");
    }
    for mime in ["text/html", "image/png"] {
        let begin = format!("EVCXR_BEGIN_CONTENT {mime}\n");
        assert_eq!(stock.matches(&begin).count(), 1);
    }
    assert!(stock.contains("[figure: Calibration by variational inference]"));
    assert!(!log.contains("EVCXR_BEGIN_CONTENT"));
}

/// Keeps every picture.
#[derive(Default)]
struct Album(Vec<Snapshot>);

impl Progress for Album {}

impl Watch for Album {
    fn watches(&self) -> bool {
        true
    }
    fn wants_picture(&mut self) -> bool {
        true
    }
    fn picture(&mut self, snapshot: Snapshot) {
        self.0.push(snapshot);
    }
}

#[test]
fn axes_grow_and_never_shrink() {
    let mut album = Album::default();
    calibrate(&problem(), options(), &Run::default(), &mut album).expect("a posterior");
    // Every step, then while the posterior is drawn, then the end.
    assert_eq!(album.0.len(), 202);
    let mut steady = Steady::default();
    let mut before: Vec<[(f64, f64); 2]> = Vec::new();
    let mut loss_ends = Vec::new();
    for snapshot in &album.0 {
        let mut figure = snapshot.figure();
        steady.hold(&mut figure);
        let now: Vec<[(f64, f64); 2]> = figure
            .panels
            .iter()
            .map(|p| [p.x_range, p.y_range].map(|r| r.expect("a range")))
            .collect();
        for (a, b) in before.iter().flatten().zip(now.iter().flatten()) {
            assert!(b.0 <= a.0 && a.1 <= b.1, "{a:?} became {b:?}");
        }
        loss_ends.push(now[0][0].1);
        before = now;
    }
    loss_ends.dedup();
    assert_eq!(loss_ends, [12.5, 25.0, 50.0, 100.0, 200.0]);
}

#[test]
fn pictures_carry_what_was_computed() {
    let problem = problem();
    let mut album = Album::default();
    let watched = calibrate(&problem, options(), &Run::default(), &mut album).expect("a posterior");
    // Watching changes nothing.
    let alone = calibrate(&problem, options(), &Run::default(), &mut ()).expect("a posterior");
    assert_eq!(watched.history, alone.history);
    assert_eq!(watched.parameters[0].samples, alone.parameters[0].samples);
    let last = album.0.last().expect("a picture");
    assert_eq!(last.history, watched.history);
    assert_eq!(*last.panels, watched.predictive.samples);
    for (marginals, learnt) in last.parameters.iter().zip(&watched.parameters) {
        assert_eq!(marginals.location, learnt.location);
        assert_eq!(marginals.scale, learnt.scale);
    }
    // The last particle's panel has the loss that the history says.
    let running = &album.0[99];
    assert_eq!((running.done, running.draws()), (100, 32));
    let cells = problem.observed.values.len();
    let panel = &running.panels[31 * cells..];
    let squares = panel.iter().zip(&problem.observed.values).enumerate();
    let loss = squares
        .map(|(c, (y, o))| ((y - o) / problem.observed.base[c % problem.observed.groups()]).powi(2))
        .sum::<f64>()
        / cells as f64;
    let told = running.history[99].loss;
    assert!((loss / told - 1.0).abs() < 1e-4, "{loss}, but told {told}");
}
