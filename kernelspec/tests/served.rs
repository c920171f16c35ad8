//! A device that `bullwhip-kernel serve` serves, and a notebook that computes on it.
//!
//! One test in a cache of its own, as it compiles the notebook runtime with the feature `serve`, for which
//! two cores take a quarter of an hour where burn's remote backend is not compiled yet.

mod client;

use client::Kernel;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ends with the test, whatever happens: the kernel and its program are a group.
struct Served(Child);

impl Served {
    fn end(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-INT", "--", &group]).output();
        let _ = self.0.wait();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

/// Serves the processor; the line that connects a notebook. The token is in a file of `root`.
fn serve(cache: &Path, root: &Path) -> (Served, String) {
    let free = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let mut command = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"));
    command
        .args(["serve", "--device", "cpu", "--port", &port.to_string()])
        .arg("--key")
        .arg(root.join("server.key"))
        .arg("--token-file")
        .arg(root.join("token"))
        .env("BULLWHIP_CACHE", cache)
        .process_group(0)
        .stdout(Stdio::piped());
    let mut served = Served(command.spawn().expect("it starts"));
    let said = served.0.stdout.take().expect("its output");
    for line in BufReader::new(said).lines() {
        let line = line.expect("text");
        println!("{line}");
        if line.trim_start().starts_with("let device = connect(") {
            let here = format!("127.0.0.1:{port}");
            return (served, line.replace(&format!("HOST:{port}"), &here));
        }
    }
    panic!("it ended before it served");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of an hour: cargo test --release -p bullwhip-kernel --test served -- --ignored"]
async fn a_notebook_computes_on_a_served_device() {
    let root = std::env::temp_dir().join(format!("bullwhip-served-{}", std::process::id()));
    let cache = root.join("cache");
    std::fs::create_dir_all(&cache).expect("a folder");
    let (mut served, connect) = serve(&cache, &root);
    let token = root.join("token");
    let environment = [
        ("BULLWHIP_CACHE", cache.to_str().expect("a path")),
        ("BULLWHIP_TOKEN_FILE", token.to_str().expect("a path")),
        ("BULLWHIP_ALONE", "1"),
    ];
    // No notebook holds it.
    let secret = std::fs::read_to_string(&token).expect("a token");
    assert!(!connect.contains(secret.trim()), "{connect}");
    let mut kernel = Kernel::start(&root, &environment).await;
    let wrong = kernel
        .run("let device = connect(\"127.0.0.1:9\", \"no token\")?;")
        .await;
    let error = wrong.text("stderr");
    assert!(error.contains("token"), "{error}");
    for cell in [
        connect.as_str(),
        "let economy = Network::synthetic(&Synthetic { firms: 60, regions: 3, sectors: 2, ..Synthetic::default() })?;",
        "let truth = Priors::default().draw(&economy, 1);\nlet shock = Shock::region(&economy, \"R1\", 5, 0.6, 0.1)?;",
        // Both in 32 bits: the numbers are the same then.
        "let here = Simulation { precision: Precision::Single, ..Simulation::default() };\nlet there = Simulation { device, ..here.clone() };",
        "let run = simulate(&economy, &truth, &shock, &there)?;\nlet own = simulate(&economy, &truth, &shock, &here)?;",
        "let mut problem = Problem::new(&economy, &shock, &run.observe());\nlet svi = Svi { steps: 30, ..Svi::default() };\nproblem.simulation = here;",
        "let own_fit = calibrate(&problem, &svi, &Run::default(), &mut ())?;\nproblem.simulation = there;\nlet fit = calibrate(&problem, &svi, &Run::default(), &mut Live::default())?;",
    ] {
        let done = kernel.run(cell).await;
        let errors = done.of("error");
        assert!(done.ok() && errors.is_empty(), "{cell}: {errors:?}");
        assert_eq!(done.text("stderr"), "", "{cell}");
    }
    let told = kernel
        .run("(run.device.clone(), fit.device.clone(), run.output == own.output, fit.draws == own_fit.draws)")
        .await;
    let told = told.result();
    println!("{told}");
    assert_eq!(told.matches("CPU at 127.0.0.1:").count(), 2, "{told}");
    assert!(told.ends_with("true, true)"), "{told}");
    // What runs when the server goes ends with a sentence, and the notebook goes on.
    served.end();
    let gone = kernel
        .run("calibrate(&problem, &svi, &Run::default(), &mut ())?")
        .await;
    let error = gone.text("stderr");
    println!("{error}");
    assert!(
        error.contains("the server's answer did not come"),
        "{error}"
    );
    assert!(kernel.run("run.output.len()").await.ok());
    kernel.shutdown().await;
    let mut uninstall = Command::new(env!("CARGO_BIN_EXE_bullwhip-kernel"));
    uninstall.arg("uninstall").env("BULLWHIP_CACHE", &cache);
    let _ = uninstall
        .env("JUPYTER_DATA_DIR", root.join("jupyter"))
        .output();
    std::fs::remove_dir_all(&root).expect("cleaned up");
}
