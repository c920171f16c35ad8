//! What a step of calibration costs on a device of another machine, against the latency of the way there.
//!
//! `cargo bench --features serve --bench remote` starts a server on the processor of this machine and a
//! relay before it that holds back every packet: half of the added latency in each direction. It prints
//! the time of a step here and there, with 0, 1 and 20 ms added to the way there and back; lines go to
//! `target/remote.json`: `firms`, `particles`, `added` (seconds), `here`, `there` (seconds a step), `trips` (what
//! is added to a step, in ways there and back). `-- 300 1000` chooses the numbers of firms.

#[path = "../tests/common/server.rs"]
#[allow(unreachable_pub)]
mod server;

use bullwhip::Result;
use bullwhip::infer::Objective;
use bullwhip::prelude::*;
use serde_json::json;
use server::Started;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const PARTICLES: usize = 8;
const PERIODS: usize = 60;
const ADDED: [f64; 3] = [0.0, 0.001, 0.020];

fn main() {
    if let Some(served) = server::serve_if_asked() {
        served.expect("served");
        return;
    }
    if let Err(e) = run() {
        eprintln!("remote: {e}");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let sizes: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let sizes = if sizes.is_empty() {
        vec![100, 1000, 3000]
    } else {
        sizes
    };
    let mut lines = Vec::new();
    println!("   firms   added ms   here ms  there ms   ways");
    for added in ADDED {
        // A server of its own for each latency: a connection remembers the way that it has found.
        let server = Started::new("cpu", &[]);
        let port = relay(server.port, Duration::from_secs_f64(added / 2.0));
        let device = connect(&format!("127.0.0.1:{port}"), &server.token)?;
        for &firms in &sizes {
            let here = problem(firms, Device::Cpu)?;
            let there = problem(firms, device)?;
            let mut best = [f64::INFINITY; 2];
            for _ in 0..3 {
                for (best, problem) in best.iter_mut().zip([&here, &there]) {
                    *best = best.min(step(problem)?);
                }
            }
            let [here, there] = best;
            let trips = (added > 0.0).then(|| (there - here) / added);
            let ways = trips.map_or("-".into(), |t| format!("{t:.1}"));
            println!(
                "{firms:8} {:10.0} {:9.2} {:9.2} {ways:>6}",
                added * 1e3,
                here * 1e3,
                there * 1e3
            );
            lines.push(json!({
                "firms": firms, "particles": PARTICLES, "added": added,
                "here": here, "there": there, "trips": trips,
            }));
        }
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write("target/remote.json", text)
        .map_err(|e| bullwhip::Error::new("target/remote.json", e.to_string(), "make the folder"))
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

/// A packet, and when it may go on.
type Packet = (Instant, Vec<u8>, SocketAddr);

/// A port that passes packets on to `server` and back, each after `hold`.
fn relay(server: u16, hold: Duration) -> u16 {
    let front = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let back = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let port = front.local_addr().expect("an address").port();
    let to = SocketAddr::from(([127, 0, 0, 1], server));
    let client = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (out, outgoing) = channel::<Packet>();
    let (inward, incoming) = channel::<Packet>();
    let share = |s: &UdpSocket| s.try_clone().expect("a socket");
    let (seen, front_in, back_in) = (client.clone(), share(&front), share(&back));
    std::thread::spawn(move || {
        listen(&front_in, hold, &out, |from| {
            *seen.lock().expect("no panic") = Some(from);
            Some(to)
        });
    });
    std::thread::spawn(move || {
        listen(&back_in, hold, &inward, |_| {
            *client.lock().expect("no panic")
        })
    });
    std::thread::spawn(move || pass(&back, &outgoing));
    std::thread::spawn(move || pass(&front, &incoming));
    port
}

fn listen(
    socket: &UdpSocket,
    hold: Duration,
    on: &Sender<Packet>,
    to: impl Fn(SocketAddr) -> Option<SocketAddr>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        if let Some(to) = to(from)
            && on
                .send((Instant::now() + hold, buffer[..length].to_vec(), to))
                .is_err()
        {
            return;
        }
    }
}

fn pass(socket: &UdpSocket, packets: &Receiver<Packet>) {
    for (at, packet, to) in packets {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        // A packet that is lost is sent again by those who talk.
        let _ = socket.send_to(&packet, to);
    }
}
