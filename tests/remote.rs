//! A device of another machine, over loopback: the same numbers as here, several clients' worth of runs
//! at once, and sentences for what cannot be had.
#![cfg(feature = "serve")]

#[path = "common/server.rs"]
#[allow(unreachable_pub)]
mod server;
#[path = "common/small.rs"]
#[allow(unreachable_pub)]
mod small;

use bullwhip::Serve;
use bullwhip::infer::Objective;
use bullwhip::prelude::*;
use burn::remote::{Endpoint, EndpointId, IrohHost, IrohRelays, RemoteHost};
use burn::tensor::{Device as TensorDevice, Tensor};
use iroh::endpoint::{Connection, presets};
use iroh::{EndpointAddr, RelayMode};
use server::Started;
use std::net::SocketAddr;
use std::path::Path;

/// Arguments of this program that make it a server.
const SERVER: [&str; 4] = ["--exact", "server", "--ignored", "--nocapture"];

/// Starts a server on the processor.
fn start() -> (Started, Device) {
    let started = Started::new("cpu", &SERVER);
    let address = format!("127.0.0.1:{}", started.port);
    let device = connect(&address, &started.token).expect("a connection");
    (started, device)
}

#[test]
#[ignore = "not a test: the server that the tests start"]
fn server() {
    if let Some(done) = server::serve_if_asked() {
        done.expect("served");
    }
}

fn on(problem: &Problem, device: Device) -> Problem {
    let mut problem = problem.clone();
    problem.simulation.device = device;
    problem.simulation.precision = Precision::Single;
    problem
}

/// The same but for rounding: here a gradient of fixed shocks takes a way of its own to the kernels.
fn alike(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-6 * size, "{a} {b}");
    }
}

/// Coordinates of some particles.
fn some(problem: &Problem, particles: usize) -> Vec<f64> {
    let n = Objective::new(problem).expect("an objective").dimension();
    (0..particles * n)
        .map(|k| ((k * 37 % 101) as f64 / 50.0 - 1.0) * 0.9)
        .collect()
}

#[test]
fn numbers_are_those_of_this_machine() {
    let (_started, device) = start();
    let here = on(&small::problem(), Device::Cpu);
    let there = on(&here, device);
    let listed = devices().into_iter().any(|info| info.device == device);
    assert!(listed, "{:?}", devices());

    let run = |p: &Problem| {
        let truth = Priors::default().draw(&p.network, 3);
        simulate(&p.network, &truth, &p.shock, &p.simulation).expect("a run")
    };
    assert_eq!(run(&there).output, run(&here).output);
    // The plain loops are for this machine's processor.
    let mut everything = there.clone();
    everything.simulation.record = Record::Everything;
    let truth = Priors::default().draw(&there.network, 3);
    let asked = &everything.simulation;
    let said = simulate(&there.network, &truth, &there.shock, asked).expect_err("refused");
    assert!(said.to_string().contains("run on the processor only"));
    assert!(run(&there).device.starts_with("CPU at 127.0.0.1:"));

    for particles in [1, 3, 8] {
        let u = some(&here, particles);
        let made = |p: &Problem| Objective::new(p).expect("an objective");
        let expected = made(&here).gradient(&u).expect("a gradient");
        let found = made(&there).gradient(&u).expect("a gradient");
        alike(&found.loss, &expected.loss);
        alike(&found.gradient, &expected.gradient);
        alike(&made(&there).loss(&u).expect("a loss"), &expected.loss);
        // Of one way there are the same bits, whatever the server does besides.
        assert_eq!(made(&there).gradient(&u).expect("a gradient"), found);
    }

    let svi = Svi {
        steps: 12,
        ..Svi::default()
    };
    let fit = |p: &Problem| calibrate(p, &svi, &Run::default(), &mut ()).expect("a posterior");
    let (found, expected) = (fit(&there), fit(&here));
    let losses = |p: &Posterior| p.history.iter().map(|s| s.loss).collect::<Vec<_>>();
    let (there_losses, here_losses) = (losses(&found), losses(&expected));
    alike(&there_losses[..3], &here_losses[..3]);
    // Where nothing observed depends on a coordinate its gradient is rounding alone, of which Adam makes whole steps.
    for (a, b) in there_losses.iter().zip(&here_losses) {
        assert!((a / b - 1.0).abs() < 0.05, "{a} {b}");
    }
    let counts = |p: &Posterior| -> Vec<_> {
        let steps = p.history.iter();
        steps.map(|s| (s.evaluations, s.dropped)).collect()
    };
    assert_eq!(counts(&found), counts(&expected));
    assert_eq!(found.draws, expected.draws);

    let abc = Abc {
        draws: 64,
        keep: 8,
        ..Abc::default()
    };
    let kept = |p: &Problem| calibrate(p, &abc, &Run::default(), &mut ()).expect("a posterior");
    let (found, expected) = (kept(&there), kept(&here));
    alike(&losses(&found), &losses(&expected));
    assert_eq!(counts(&found), counts(&expected));
}

#[test]
fn a_server_forgets_and_is_told_again() {
    let (_started, device) = start();
    let base = on(&small::problem(), Device::Cpu);
    let u = some(&base, 2);
    // More plans than a server keeps, and their gradients at the same time: more runs than it keeps.
    let all: Vec<Problem> = (0..12)
        .map(|k| {
            let mut problem = base.clone();
            problem.simulation.slack = 0.1 + 0.02 * f64::from(k);
            problem
        })
        .collect();
    let objectives: Vec<(Objective, Objective)> = all
        .iter()
        .map(|p| {
            let there = on(p, device);
            let made = |p: &Problem| Objective::new(p).expect("an objective");
            (made(p), made(&there))
        })
        .collect();
    for _ in 0..2 {
        std::thread::scope(|scope| {
            for pair in objectives.chunks(3) {
                let u = &u;
                scope.spawn(move || {
                    for (here, there) in pair {
                        let expected = here.gradient(u).expect("a gradient");
                        let found = there.gradient(u).expect("a gradient");
                        alike(&found.loss, &expected.loss);
                        alike(&found.gradient, &expected.gradient);
                    }
                });
            }
        });
    }
}

#[test]
fn what_cannot_be_had_is_a_sentence() {
    let (mut started, device) = start();
    let address = format!("127.0.0.1:{}", started.port);
    let mut wrong = started.token.clone();
    let last = if wrong.pop() == Some('0') { '1' } else { '0' };
    wrong.push(last);
    let said = |address: &str, token: &str| {
        connect(address, token)
            .expect_err("no connection")
            .to_string()
    };
    let refused = said(&address, &wrong);
    assert!(refused.contains("refuses the token"), "{refused}");
    println!("{refused}");
    // Another server's token: the key of the server is part of it.
    let other = Started::new("cpu", &SERVER);
    let stranger = said(&address, &other.token);
    assert!(
        stranger.contains("does not answer as the server of this token"),
        "{stranger}"
    );
    println!("{stranger}");

    let mut double = on(&small::problem(), device);
    double.simulation.precision = Precision::Double;
    let said = Objective::new(&double).err().expect("64 bits").to_string();
    assert!(said.contains("computes in 32-bit floats"), "{said}");
    let unknown = on(&small::problem(), Device::Remote(99));
    let said = Objective::new(&unknown)
        .err()
        .expect("no device")
        .to_string();
    assert!(said.contains("there is no connected device 99"), "{said}");

    // A server that is gone.
    let problem = on(&small::problem(), device);
    let objective = Objective::new(&problem).expect("an objective");
    let u = some(&on(&problem, Device::Cpu), 1);
    objective.gradient(&u).expect("a gradient");
    started.end();
    let lost = objective.gradient(&u).expect_err("no server").to_string();
    assert!(lost.contains("the server's answer did not come"), "{lost}");
    println!("{lost}");
}

/// The server of a token, and its secret.
fn parts(token: &str) -> (EndpointId, &str) {
    let (server, secret) = token.split_once('-').expect("a token");
    (server.parse().expect("a server"), secret)
}

/// A device of burn on a server, as whoever has the token can have it. `own` is a connection of its own.
fn raw(started: &Started, own: Option<&Endpoint>) -> Result<TensorDevice, String> {
    let (server, secret) = parts(&started.token);
    let address: SocketAddr = ([127, 0, 0, 1], started.port).into();
    let host = IrohHost::new(server).with_address(address);
    let host = match own {
        Some(endpoint) => host.with_endpoint(endpoint.clone()),
        None => host.with_relays(IrohRelays::Disabled),
    };
    let host = RemoteHost::iroh(host).with_credential(secret);
    let device = TensorDevice::remote_options(&host).init();
    device.map_err(|e| e.to_string())
}

/// Bytes of memory that a process has.
fn memory(process: u32) -> f64 {
    let facts = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = facts.lines().find(|l| l.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<f64>().ok());
    1024.0 * kilobytes.expect("its memory")
}

#[test]
fn a_token_comes_from_a_file() {
    use std::os::unix::fs::PermissionsExt;
    let (started, device) = start();
    let address = format!("127.0.0.1:{}", started.port);
    let name = format!("bullwhip-remote-{}.token", std::process::id());
    let file = std::env::temp_dir().join(name);
    let mode = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode));
    std::fs::write(&file, format!("{}\n", started.token)).expect("written");
    let token = format!("file:{}", file.display());
    mode(0o644).expect("its mode");
    let said = connect(&address, &token).expect_err("others can read it");
    assert!(said.to_string().contains("chmod 600"), "{said}");
    mode(0o600).expect("its mode");
    assert_eq!(connect(&address, &token).expect("a connection"), device);
    std::fs::remove_file(&file).expect("removed");
}

#[test]
fn what_a_client_may_not_have_is_refused_and_all_goes_on() {
    let serve = Serve {
        memory: Some(0.05),
        ..Serve::default()
    };
    let started = Started::with("cpu", &SERVER, serve);
    let device = raw(&started, None).expect("a device");
    let refused = |what: &str, tensor: Tensor<2>| {
        let said = tensor.try_into_data().expect_err(what).to_string();
        println!("{what}: {said}");
        assert!(said.contains("bullwhip refuses: "), "{what}: {said}");
        said
    };
    let zeros = |n: usize| Tensor::<2>::zeros([n, n], &device);
    let said = refused("4 TB", zeros(1 << 20));
    assert!(said.contains("4.4 TB of memory"), "{said}");
    let said = refused("more than a client's", zeros(4_000));
    assert!(said.contains("a client may hold 50 MB"), "{said}");
    // A result that is larger than what it is made of, and one of what was refused.
    let column = Tensor::<2>::zeros([1 << 20, 1], &device);
    let row = Tensor::<2>::zeros([1, 1 << 20], &device);
    refused("a table", column.clone() + row);
    refused("what comes of it", zeros(1 << 20).add_scalar(1.0));
    let said = refused("a product", zeros(8).matmul(zeros(8)));
    assert!(said.contains("no operation of bullwhip"), "{said}");
    drop(column);
    // What is given back can be had again, and what there is, is right.
    for _ in 0..20 {
        let sum = zeros(1_500).add_scalar(2.0).sum();
        assert_eq!(sum.into_scalar::<f32>(), 4.5e6);
    }
    // A run that would not fit, told by whoever asks for it.
    let address = format!("127.0.0.1:{}", started.port);
    let small = on(
        &small::problem(),
        connect(&address, &started.token).expect("a connection"),
    );
    let mut large = small.clone();
    large.simulation.periods = 165_000;
    let truth = Priors::default().draw(&large.network, 3);
    let run = |p: &Problem| simulate(&p.network, &truth, &p.shock, &p.simulation);
    let said = run(&large)
        .map(|run| run.periods)
        .expect_err("too long")
        .to_string();
    assert!(said.contains("the server refuses: "), "{said}");
    assert!(said.contains("--memory"), "{said}");
    run(&small).expect("a run that fits");
}

#[test]
fn a_message_that_does_not_fit_is_told() {
    let serve = Serve {
        memory: Some(0.001),
        ..Serve::default()
    };
    let started = Started::with("cpu", &SERVER, serve);
    let device = raw(&started, None).expect("a device");
    let many = Tensor::<1>::from_floats(vec![1.0f32; 1 << 20].as_slice(), &device);
    let said = many.try_into_data().expect_err("too large").to_string();
    assert!(said.contains("a message would take 8.4 MB"), "{said}");
    // Told where it is asked for, and nowhere else.
    let few = Tensor::<1>::from_floats([1.0f32, 2.0, 3.0], &device);
    assert_eq!(few.clone().sum().into_scalar::<f32>(), 6.0);
    let again = Tensor::<1>::from_floats(vec![1.0f32; 1 << 20].as_slice(), &device);
    again.try_into_data().expect_err("too large");
    assert_eq!(few.sum().into_scalar::<f32>(), 6.0);
}

#[test]
fn a_refusal_is_told_once() {
    let serve = Serve {
        memory: Some(0.02),
        ..Serve::default()
    };
    let started = Started::with("cpu", &SERVER, serve);
    let address = format!("127.0.0.1:{}", started.port);
    let device = connect(&address, &started.token).expect("a connection");
    let here = on(&small::problem(), Device::Cpu);
    let objective = |p: &Problem| Objective::new(p).expect("an objective");
    let (there, here) = (objective(&on(&here, device)), objective(&here));
    let problem = small::problem();
    let (many, few) = (some(&problem, 1 << 17), some(&problem, 2));
    let expected = here.gradient(&few).expect("a gradient");
    // Before the server has the plan, and after.
    for _ in 0..2 {
        let said = there.gradient(&many).expect_err("too many").to_string();
        println!("{said}");
        assert!(said.contains("the server refuses: "), "{said}");
        assert!(said.contains("a message would take"), "{said}");
        for _ in 0..2 {
            let found = there.gradient(&few).expect("a gradient that fits");
            alike(&found.gradient, &expected.gradient);
        }
    }
}

#[test]
fn one_client_too_many_is_told() {
    let serve = Serve {
        clients: 1,
        ..Serve::default()
    };
    let started = Started::with("cpu", &SERVER, serve);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let other = runtime.block_on(endpoint());
    raw(&started, Some(&other)).expect("the first");
    let address = format!("127.0.0.1:{}", started.port);
    let said = connect(&address, &started.token).expect_err("the second");
    assert!(
        said.to_string()
            .contains("serves as many clients as it may"),
        "{said}"
    );
}

/// Somebody with an address.
async fn endpoint() -> Endpoint {
    let builder = Endpoint::builder(presets::Minimal).relay_mode(RelayMode::Disabled);
    builder.bind().await.expect("an endpoint")
}

/// Sends the beginning of a frame of 1 GiB without any token, and waits until the door is shut.
async fn knock(endpoint: &Endpoint, server: EndpointAddr) -> String {
    let knocked = endpoint.connect(server, b"burn/remote/1").await;
    let connection: Connection = match knocked {
        Ok(connection) => connection,
        Err(e) => return e.to_string(),
    };
    let mut streams = Vec::new();
    for _ in 0..4 {
        let (mut send, receive) = connection.open_bi().await.expect("a stream");
        send.write_all(&(1u64 << 30).to_le_bytes())
            .await
            .expect("a length");
        streams.push((send, receive));
    }
    // As much as is taken: the window is full, or the stream is refused.
    let all = streams.iter_mut().map(|(send, _)| async {
        let part = vec![7u8; 1 << 20];
        while send.write_all(&part).await.is_ok() {}
    });
    let all: Vec<_> = all.map(Box::pin).collect();
    let closed = connection.closed();
    tokio::pin!(closed);
    for one in all {
        tokio::select! {
            reason = &mut closed => return reason.to_string(),
            () = one => (),
        }
    }
    closed.await.to_string()
}

#[test]
fn who_has_no_token_has_no_memory_and_no_time() {
    let (started, device) = start();
    let (id, _) = parts(&started.token);
    let process = started.process();
    let before = Path::new("/proc").exists().then(|| memory(process));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address: SocketAddr = ([127, 0, 0, 1], started.port).into();
    let server = EndpointAddr::new(id).with_ip_addr(address);
    let said: Vec<String> = runtime.block_on(async {
        let mut knocks = tokio::task::JoinSet::new();
        for _ in 0..24 {
            let server = server.clone();
            knocks.spawn(async move { knock(&endpoint().await, server).await });
        }
        knocks.join_all().await
    });
    println!("{said:?}");
    let late = said.iter().filter(|s| s.contains("no token came in time"));
    assert!(late.count() >= 8, "{said:?}");
    if let Some(before) = before {
        let more = memory(process) - before;
        assert!(more < 32e6, "{more} bytes for nothing");
    }
    // Whoever was in goes on, and whoever comes is let in.
    let problem = on(&small::problem(), device);
    Objective::new(&problem).expect("an objective");
    raw(&started, Some(&runtime.block_on(endpoint()))).expect("a device");
}
