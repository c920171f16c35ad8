//! The stop signal, in processes of their own: what it stops, what it leaves alone, and what it ends.

#![cfg(unix)]

#[path = "common/small.rs"]
mod small;

use bullwhip::prelude::*;
use signal_hook::{consts::SIGINT, low_level::raise};
use small::problem;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs one of the ignored tests below in a process of its own.
fn run(child: &str, in_kernel: bool) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", child, "--ignored", "--nocapture"]);
    command.env_remove("BULLWHIP_KERNEL");
    if in_kernel {
        command.env("BULLWHIP_KERNEL", "test");
    }
    command.output().expect("it runs")
}

/// Raises the signal at one update, some times.
struct Raiser {
    at: usize,
    times: usize,
}

impl Watch for Raiser {}

impl Progress for Raiser {
    fn update(&mut self, done: usize, _: &str) {
        if done == self.at {
            for _ in 0..self.times {
                raise(SIGINT).expect("raised");
            }
        }
    }
}

fn fit(problem: &Problem, at: usize, times: usize) -> Posterior {
    calibrate(
        problem,
        Svi::default(),
        &Run::default(),
        &mut Raiser { at, times },
    )
    .expect("a posterior")
}

#[test]
fn in_the_kernel_it_stops_the_running_call_and_nothing_else() {
    let out = run("in_the_kernel", true);
    assert!(out.status.success(), "{out:?}");
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn in_the_kernel() {
    let problem = problem();
    let background = Svi {
        steps: 1_000_000,
        early_stop: None,
        ..Svi::default()
    };
    let background = Background::spawn(&problem, background, &Run::default()).expect("a thread");
    let part = fit(&problem, 17, 1);
    assert!(part.stopped);
    assert_eq!(part.history.len(), 17);
    // Between calls it does nothing, and a call that comes later is not stopped by it.
    raise(SIGINT).expect("raised");
    assert_eq!(fit(&problem, 0, 0).history.len(), 1500);
    assert_eq!(fit(&problem, 5, 3).history.len(), 5);
    let abc = calibrate(
        &problem,
        Abc::default(),
        &Run::default(),
        &mut Raiser { at: 512, times: 1 },
    )
    .expect("a posterior");
    assert_eq!((abc.stopped, abc.evaluations), (true, 512));
    // The background fit saw none of it.
    assert!(!background.is_over());
    background.stop();
    assert!(background.wait().expect("a posterior").stopped);
}

#[test]
fn a_simulation_returns_the_periods_that_are_done() {
    let out = run("simulation", true);
    assert!(out.status.success(), "{out:?}");
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn simulation() {
    let Problem {
        network,
        params,
        shock,
        ..
    } = problem();
    let run = |periods, method| {
        let simulation = Simulation {
            periods,
            method,
            ..Simulation::default()
        };
        simulate(&network, &params, &shock, &simulation).expect("a run")
    };
    let all = 200_000;
    for method in [Method::Kernels, Method::Reference] {
        let over = AtomicBool::new(false);
        let part = std::thread::scope(|scope| {
            scope.spawn(|| {
                // Again and again: a signal from before the call does not count.
                while !over.load(Ordering::SeqCst) {
                    raise(SIGINT).expect("raised");
                    std::thread::yield_now();
                }
            });
            let part = run(all, method);
            over.store(true, Ordering::SeqCst);
            part
        });
        assert!(part.periods >= 1 && part.periods < all);
        let said = format!("stopped after {} of {all} periods", part.periods);
        assert!(part.warnings.contains(&said), "{:?}", part.warnings);
        assert_eq!(part.output, run(part.periods, method).output);
    }
}

#[test]
fn in_a_terminal_the_signal_keeps_its_effect_outside_calls() {
    let out = run("in_a_terminal", false);
    assert_eq!(out.status.signal(), Some(SIGINT), "{out:?}");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("stopped at 17"), "{said}");
    assert!(!said.contains("survived"), "{said}");
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn in_a_terminal() {
    println!("stopped at {}", fit(&problem(), 17, 1).history.len());
    raise(SIGINT).expect("raised");
    println!("survived");
}

#[test]
fn in_a_terminal_a_second_signal_ends_the_process() {
    let out = run("twice_in_a_terminal", false);
    assert_eq!(out.status.signal(), Some(SIGINT), "{out:?}");
    assert!(!String::from_utf8_lossy(&out.stdout).contains("survived"));
}

#[test]
#[ignore = "run by the test above in a process of its own"]
fn twice_in_a_terminal() {
    fit(&problem(), 17, 2);
    println!("survived");
}
