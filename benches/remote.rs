//! What a step of calibration costs on a device of another machine, against the latency of the way there.
//!
//! `cargo bench --features serve --bench remote` starts a server on the processor of this machine. The client
//! runs in a network of its own (`unshare`, `ip`), from which one way leads to the server: a relay that holds back every
//! packet, half of the added latency in each direction. It prints the time of a loss with its gradient here and there,
//! with 0, 1 and 20 ms added to the way there and back; lines go to `target/remote.json`: `firms`,
//! `particles`, `added` (seconds), `here`, `there` (seconds a step), `ways` (what is added to a step, in ways there and
//! back). `-- 300 1000` chooses the numbers of firms.

#[path = "../tests/common/server.rs"]
#[allow(unreachable_pub)]
mod server;

use bullwhip::infer::Objective;
use bullwhip::prelude::*;
use bullwhip::{Error, Result};
use serde_json::{Value, json};
use server::Started;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PARTICLES: usize = 8;
const PERIODS: usize = 60;
const ADDED: [f64; 3] = [0.0, 0.001, 0.020];

fn main() {
    if let Some(served) = server::serve_if_asked() {
        served.expect("served");
        return;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["client", socket, token, ref sizes @ ..] => client(Path::new(socket), token, sizes),
        ref sizes => run(sizes),
    };
    if let Err(e) = result {
        eprintln!("remote: {e}");
        std::process::exit(1);
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    let mut sizes: Vec<&str> = arguments.to_vec();
    sizes.retain(|a| a.parse::<usize>().is_ok());
    if sizes.is_empty() {
        sizes = vec!["100", "1000", "3000"];
    }
    let failed = |e: std::io::Error| {
        Error::new(
            "the client",
            e.to_string(),
            "install util-linux and iproute2",
        )
    };
    let mut lines: Vec<Value> = Vec::new();
    println!("   firms   added ms   here ms  there ms   ways");
    for added in ADDED {
        let server = Started::new("cpu", &[]);
        let name = format!("bullwhip-relay-{}-{}", std::process::id(), server.port);
        let socket = std::env::temp_dir().join(name);
        relay(&socket, server.port, Duration::from_secs_f64(added / 2.0));
        let program = std::env::current_exe().map_err(failed)?;
        let output = Command::new("unshare")
            .args(["--map-root-user", "--net", "sh", "-c"])
            .arg("ip link set lo up && exec \"$@\"")
            .arg("client")
            .arg(program)
            .arg("client")
            .arg(&socket)
            .arg(&server.token)
            .args(&sizes)
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(failed)?;
        let _ = std::fs::remove_file(&socket);
        if !output.status.success() {
            return Err(failed(std::io::Error::other(output.status.to_string())));
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(mut line) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let number = |key: &str| line[key].as_f64().unwrap_or(f64::NAN);
            let (here, there) = (number("here"), number("there"));
            let none = lines.iter().find(|l| l["firms"] == line["firms"]);
            let none = none.and_then(|l| l["there"].as_f64());
            let ways = none.map(|none| (there - none) / added);
            println!(
                "{:8} {:10.0} {:9.2} {:9.2} {:>6}",
                line["firms"],
                added * 1e3,
                here * 1e3,
                there * 1e3,
                ways.map_or("-".into(), |w| format!("{w:.1}"))
            );
            line["added"] = json!(added);
            line["ways"] = json!(ways);
            lines.push(line);
        }
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write("target/remote.json", text)
        .map_err(|e| Error::new("target/remote.json", e.to_string(), "make the folder"))
}

/// Measures, in a network without any other way to the server than the relay behind `socket`.
fn client(socket: &Path, token: &str, sizes: &[&str]) -> Result<()> {
    let port = entrance(socket);
    let device = connect(&format!("127.0.0.1:{port}"), token)?;
    for firms in sizes.iter().filter_map(|s| s.parse().ok()) {
        let (here, there) = (problem(firms, Device::Cpu)?, problem(firms, device)?);
        let mut best = [f64::INFINITY; 2];
        for _ in 0..3 {
            for (best, problem) in best.iter_mut().zip([&here, &there]) {
                *best = best.min(step(problem)?);
            }
        }
        let [here, there] = best;
        println!(
            "{}",
            json!({ "firms": firms, "particles": PARTICLES, "here": here, "there": there })
        );
    }
    Ok(())
}

fn problem(firms: usize, device: Device) -> Result<Problem> {
    let network = Network::synthetic(&Synthetic {
        firms,
        mean_suppliers: 10.0,
        regions: 5,
        sectors: 5,
        ..Synthetic::default()
    })?;
    let truth = Priors::default().draw(&network, 1);
    let shock = Shock::random(&network, 10, 0.2, 35, 1);
    let simulation = Simulation {
        periods: PERIODS,
        device: Device::Cpu,
        ..Simulation::default()
    };
    let observed = simulate(&network, &truth, &shock, &simulation)?.observe();
    let mut problem = Problem::new(&network, &shock, &observed);
    problem.simulation = Simulation {
        device,
        ..simulation
    };
    Ok(problem)
}

/// Seconds of a loss with its gradient, what a step consists of.
fn step(problem: &Problem) -> Result<f64> {
    let objective = Objective::new(problem)?;
    let u = vec![0.1; PARTICLES * objective.dimension()];
    objective.gradient(&u)?;
    let begin = Instant::now();
    let rounds = 20;
    for _ in 0..rounds {
        objective.gradient(&u)?;
    }
    Ok(begin.elapsed().as_secs_f64() / f64::from(rounds))
}

/// The relay's side of the server: packets from `socket` go to the server and back, each after `hold`.
fn relay(socket: &Path, server: u16, hold: Duration) {
    let back = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    back.connect(("127.0.0.1", server)).expect("the server");
    let front = UnixDatagram::bind(socket).expect("a socket");
    // The client's side, once it has written.
    let client = socket.with_extension("client");
    let (back_out, front_in) = (back.try_clone(), front.try_clone());
    let (back_out, front_in) = (back_out.expect("a socket"), front_in.expect("a socket"));
    hold_back(hold, move |b| front_in.recv(b), move |p| back_out.send(p));
    hold_back(
        hold,
        move |b| back.recv(b),
        move |p| front.send_to(p, &client),
    );
}

/// The relay's side of the client: a port whose packets go to `socket`, and back.
fn entrance(socket: &Path) -> u16 {
    let port = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let number = port.local_addr().expect("an address").port();
    let own = socket.with_extension("client");
    let _ = std::fs::remove_file(&own);
    let out = UnixDatagram::bind(&own).expect("a socket");
    out.connect(socket).expect("the relay");
    let from = Arc::new(Mutex::new(None));
    let (seen, port_in) = (from.clone(), port.try_clone().expect("a socket"));
    let out_in = out.try_clone().expect("a socket");
    let no_time = Duration::ZERO;
    hold_back(
        no_time,
        move |b| {
            let (length, address) = port_in.recv_from(b)?;
            *seen.lock().expect("no panic") = Some(address);
            Ok(length)
        },
        move |p| out.send(p),
    );
    hold_back(
        no_time,
        move |b| out_in.recv(b),
        move |p| match *from.lock().expect("no panic") {
            Some(address) => port.send_to(p, address),
            None => Ok(0),
        },
    );
    number
}

/// Passes packets on, each `hold` after it came, on two threads of their own.
fn hold_back(
    hold: Duration,
    receive: impl Fn(&mut [u8]) -> std::io::Result<usize> + Send + 'static,
    send: impl Fn(&[u8]) -> std::io::Result<usize> + Send + 'static,
) {
    let (on, packets) = channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length) = receive(&mut buffer) {
            if on
                .send((Instant::now() + hold, buffer[..length].to_vec()))
                .is_err()
            {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        for (at, packet) in packets {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            // A packet that is lost is sent again by those who talk.
            let _ = send(&packet);
        }
    });
}
