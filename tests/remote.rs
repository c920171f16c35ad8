//! A device of another machine, over loopback: the same numbers as here, several clients' worth of runs
//! at once, and sentences for what cannot be had.
#![cfg(feature = "serve")]

#[path = "common/server.rs"]
#[allow(unreachable_pub)]
mod server;
#[path = "common/small.rs"]
#[allow(unreachable_pub)]
mod small;

use bullwhip::infer::Objective;
use bullwhip::prelude::*;
use server::Started;

/// Starts a server on the processor.
fn start() -> (Started, Device) {
    let started = Started::new("cpu", &["--exact", "server", "--ignored", "--nocapture"]);
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
    let fit = |p: &Problem| calibrate(p, &svi, &mut ()).expect("a posterior");
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
    let kept = |p: &Problem| calibrate_abc(p, &abc, &mut ()).expect("a posterior");
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
    let other = Started::new("cpu", &["--exact", "server", "--ignored", "--nocapture"]);
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
