//! Widgets over the Jupyter protocol: `explore` opens models, follows what the page moves, and ends with its process.

mod client;

use client::{Kernel, content};
use jupyter_protocol::{CommId, CommInfoRequest, CommMsg, CommOpen, JupyterMessage};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

const VIEW: &str = "application/vnd.jupyter.widget-view+json";

fn folder() -> PathBuf {
    let dir = std::env::temp_dir().join(format!("bullwhip-explore-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    dir.canonicalize().expect("a path")
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// The models that a cell has opened: their ids, by the names of their kinds.
struct Models(Vec<(String, Value)>);

impl Models {
    fn id(&self, kind: &str) -> String {
        let found = self.0.iter().find(|(_, s)| s["_model_name"] == kind);
        found.expect("a model of this kind").0.clone()
    }
}

/// Moves a model, as a page does.
async fn move_it(kernel: &mut Kernel, id: &str, state: Value) {
    let data = object(json!({ "method": "update", "state": state, "buffer_paths": [] }));
    let comm_id = CommId(id.to_string());
    kernel.ask(CommMsg { comm_id, data }).await;
}

/// The next change of a model that the kernel tells.
async fn change(kernel: &mut Kernel, id: &str) -> Value {
    loop {
        let told = content(&kernel.reach("comm_msg").await);
        if told["comm_id"] == id {
            return told["data"].clone();
        }
    }
}

/// Runs a cell that explores; what it shows, and its models.
async fn explore(kernel: &mut Kernel, code: &str) -> (Value, Models) {
    let cell = kernel.run(code).await;
    assert!(cell.ok(), "{:?}", cell.of("error"));
    let opened = cell.of("comm_open").into_iter().map(|open| {
        assert_eq!(open["target_name"], "jupyter.widget");
        let id = open["comm_id"].as_str().expect("an id").to_string();
        (id, open["data"]["state"].clone())
    });
    let models = Models(opened.collect());
    let shown = cell.of("display_data");
    assert_eq!(shown.len(), 1, "{:?}", cell.of("execute_result"));
    (shown[0].clone(), models)
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_follow_what_is_moved() {
    let dir = folder();
    let mut kernel = Kernel::start(&dir, &[("BULLWHIP_ALONE", "1")]).await;
    let code = "explore((slider(\"x\", 0..=9, 5), choice(\"word\", [\"a\", \"b\"]), checkbox(\"tick\", true), play(\"t\", 0..=9)),
        |(x, word, tick, t)| match x { 8 => Err(Error::new(\"x\", \"it is 8\", \"take less\")), 9 => panic!(\"nine\"), _ => Ok(format!(\"x {x} {word} {tick} {t}\")) })?";
    let (shown, models) = explore(&mut kernel, code).await;
    let data = &shown["data"];
    let picture = models.id("HTMLModel");
    assert_eq!(data[VIEW]["model_id"], models.id("VBoxModel"));
    let still = data["text/html"].as_str().expect("a page");
    assert!(still.contains("x 5 a true 0") && still.contains("x 3 a true 0"));
    let moved = |told: Value| {
        told["state"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_string()
    };
    // Between cells.
    move_it(
        &mut kernel,
        &models.id("IntSliderModel"),
        json!({ "value": 3 }),
    )
    .await;
    assert!(moved(change(&mut kernel, &picture).await).contains("x 3 a true 0"));
    // Beside a cell that runs.
    let id = kernel
        .begin("println!(\"runs\"); while !std::path::Path::new(\"go\").exists() { std::thread::yield_now(); }")
        .await;
    kernel.until("runs").await;
    move_it(
        &mut kernel,
        &models.id("DropdownModel"),
        json!({ "index": 1 }),
    )
    .await;
    assert!(moved(change(&mut kernel, &picture).await).contains("x 3 b true 0"));
    move_it(
        &mut kernel,
        &models.id("CheckboxModel"),
        json!({ "value": false }),
    )
    .await;
    assert!(moved(change(&mut kernel, &picture).await).contains("x 3 b false 0"));
    std::fs::write(dir.join("go"), "").expect("written");
    assert!(kernel.finish(&id).await.ok());
    errors_stand_in_its_place(&mut kernel, &models, &picture).await;
    a_page_may_be_loaded_again(&mut kernel, &models).await;
    only_the_latest_value_counts(&mut kernel, &dir).await;
    it_ends_with_its_process(&mut kernel, &models, &shown).await;
    kernel.shutdown().await;
    std::fs::remove_dir_all(dir).expect("cleaned up");
}

async fn errors_stand_in_its_place(kernel: &mut Kernel, models: &Models, picture: &str) {
    println!("errors stand in its place");
    for (value, text) in [
        (8, "x: it is 8; take less"),
        (9, "panicked: nine"),
        (7, "x 7 b"),
    ] {
        move_it(
            kernel,
            &models.id("IntSliderModel"),
            json!({ "value": value }),
        )
        .await;
        let told = change(kernel, picture).await;
        let html = told["state"]["value"].as_str().expect("markup");
        assert!(html.contains(text), "{html}");
    }
}

async fn a_page_may_be_loaded_again(kernel: &mut Kernel, models: &Models) {
    println!("a page may be loaded again");
    kernel.ask(CommInfoRequest { target_name: None }).await;
    let listed = loop {
        let reply = content(&client::soon(kernel.shell.read()).await.expect("a reply"));
        if reply["comms"].is_object() {
            break reply["comms"].clone();
        }
    };
    assert_eq!(listed.as_object().map(Map::len), Some(models.0.len()));
    let comm_id = CommId("control".into());
    let open = CommOpen {
        comm_id: comm_id.clone(),
        target_name: "jupyter.widget.control".into(),
        data: Map::new(),
        target_module: None,
    };
    kernel.ask(open).await;
    let data = object(json!({ "method": "request_states" }));
    kernel.ask(CommMsg { comm_id, data }).await;
    let told = change(kernel, "control").await;
    assert_eq!(told["method"], "update_states");
    let slider = &told["states"][models.id("IntSliderModel")];
    assert_eq!(
        (&slider["model_name"], &slider["state"]["value"]),
        (&"IntSliderModel".into(), &7.into())
    );
    let picture = told["states"][models.id("HTMLModel")]["state"]["value"].to_string();
    assert!(picture.contains("x 7 b false 0"), "{picture}");
}

async fn only_the_latest_value_counts(kernel: &mut Kernel, dir: &Path) {
    println!("only the latest value counts");
    let code = "explore(slider(\"y\", 0..=500, 0), |y| { if y == 1 { while !std::path::Path::new(\"on\").exists() { std::thread::yield_now(); } } format!(\"y {y}\") })?";
    // The page that stands still would wait for the file, too, were 1 among its frames.
    let (_, models) = explore(kernel, code).await;
    let (slider, picture) = (models.id("IntSliderModel"), models.id("HTMLModel"));
    for y in 1..=500 {
        move_it(kernel, &slider, json!({ "value": y })).await;
    }
    // All are heard when the last one's end is told.
    let last = kernel.begin("std::fs::write(\"on\", \"\")?;").await;
    let mut pictures: Vec<String> = Vec::new();
    let mut told: Vec<JupyterMessage> = Vec::new();
    while !pictures.last().is_some_and(|p| p.contains("y 500")) {
        let message = kernel.next().await;
        let said = content(&message);
        if said["comm_id"] == picture.as_str() {
            pictures.push(said["data"]["state"]["value"].to_string());
        }
        told.push(message);
    }
    assert!(pictures.len() <= 4, "{pictures:?}");
    let ended = told.iter().any(|m| {
        content(m)["execution_state"] == "idle"
            && m.parent_header.as_ref().is_some_and(|h| h.msg_id == last)
    });
    if !ended {
        assert!(kernel.finish(&last).await.ok());
    }
    let _ = std::fs::remove_file(dir.join("on"));
}

async fn it_ends_with_its_process(kernel: &mut Kernel, models: &Models, shown: &Value) {
    println!("it ends with its process");
    let cell = kernel.run("std::process::abort();").await;
    assert!(!cell.ok());
    let closed = cell.of("comm_close");
    assert!(
        models
            .0
            .iter()
            .all(|(id, _)| closed.iter().any(|c| c["comm_id"] == id.as_str()))
    );
    let still = cell.of("update_display_data");
    let ours = still.iter().find(|s| s["transient"] == shown["transient"]);
    let data = &ours.expect("its display")["data"];
    assert!(data[VIEW].is_null() && data["text/html"] == shown["data"]["text/html"]);
    kernel.ask(CommInfoRequest { target_name: None }).await;
    loop {
        let reply = content(&client::soon(kernel.shell.read()).await.expect("a reply"));
        if reply["comms"].is_object() {
            assert_eq!(reply["comms"], json!({}));
            break;
        }
    }
}
