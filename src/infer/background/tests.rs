//! Fits in the background: looked at, stopped, asked for what they have.

use super::*;
use crate::infer::method::Fit;
use crate::infer::objective::Objective;
use crate::infer::{Abc, RandomWalk, Smc, Svi, calibrate};
use crate::model::{Params, Shock};
use crate::network::{Network, Synthetic};
use crate::simulate::{Simulation, simulate};

fn problem() -> Problem {
    let network = Network::synthetic(&Synthetic {
        firms: 30,
        ..Synthetic::default()
    })
    .expect("an economy");
    let shock = Shock::random(&network, 3, 0.4, 10, 1);
    let truth = Params::uniform(&network, 1.7, 5.0);
    let run = simulate(&network, &truth, &shock, &Simulation::default()).expect("a run");
    Problem::new(&network, &shock, &run.observe())
}

fn run() -> Run {
    Run::default()
}

fn endless() -> Svi {
    Svi {
        steps: usize::MAX,
        early_stop: None,
        ..Svi::default()
    }
}

/// Waits until something is true, without a guess how long it takes.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < Duration::from_secs(120), "never {what}");
        std::thread::yield_now();
    }
}

#[test]
fn it_gives_what_the_foreground_gives() {
    let problem = problem();
    let options = Svi {
        steps: 20,
        ..Svi::default()
    };
    let fit = Background::spawn(&problem, &options, &run()).expect("a thread");
    let (there, again) = (fit.wait().expect("a result"), fit.wait().expect("a copy"));
    let here = calibrate(&problem, &options, &run(), &mut ()).expect("a result");
    assert_eq!(there.history, here.history);
    assert_eq!(there.parameters[1].samples, here.parameters[1].samples);
    assert_eq!(again.history, here.history);
    assert!(fit.is_over());
    let status = fit.status();
    assert!(
        status.starts_with("variational inference: finished at 20 of 20 after"),
        "{status}"
    );
    let last = fit.snapshot().expect("the last picture");
    assert_eq!((last.phase, last.done), (Phase::Finished, 20));
    let abc = Abc {
        draws: 100,
        keep: 10,
        ..Abc::default()
    };
    let fit = Background::spawn(&problem, &abc, &run()).expect("a thread");
    assert_eq!(fit.wait().expect("a result").evaluations, 100);
}

#[test]
fn it_is_looked_at_and_stopped() {
    let fit = Background::spawn(&problem(), endless(), &run()).expect("a thread");
    until("running", || fit.status().contains("running"));
    until("a picture", || fit.snapshot().is_some());
    assert!(!fit.is_over());
    // Watching ends when it is asked to, and leaves the fit alone.
    struct Glance(Vec<String>);
    impl Watch for Glance {}
    impl Progress for Glance {
        fn update(&mut self, _: usize, note: &str) {
            self.0.push(note.into());
        }
        fn finish(&mut self, note: &str) {
            self.0.push(note.into());
        }
        fn stop(&self) -> bool {
            !self.0.is_empty()
        }
    }
    let mut glance = Glance(Vec::new());
    fit.watch(&mut glance);
    assert!(glance.0[0].contains("loss"));
    assert_eq!(glance.0[1], "it goes on in the background");
    assert!(!fit.is_over());
    fit.stop();
    let posterior = fit.wait().expect("what it has");
    assert!(posterior.stopped && !posterior.history.is_empty());
    assert!(fit.status().contains("stopped at"), "{}", fit.status());
}

/// Stops a calibration after so many steps.
struct Limit(usize);

impl Watch for Limit {}

impl Progress for Limit {
    fn update(&mut self, _: usize, _: &str) {
        self.0 -= 1;
    }
    fn stop(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn it_is_asked_for_its_posterior_and_goes_on() {
    let problem = problem();
    let fit = Background::spawn(&problem, endless(), &run()).expect("a thread");
    let (first, second) = (fit.so_far().expect("one"), fit.so_far().expect("another"));
    assert!(!fit.is_over());
    assert!(first.stopped && second.history.len() > first.history.len());
    fit.stop();
    let last = fit.wait().expect("what it has");
    assert_eq!(
        last.history[..second.history.len()],
        second.history,
        "asking changes nothing"
    );
    // It is what a calibration that is stopped there gives, and can be gone on from.
    let steps = first.history.len();
    let mut limit = Limit(steps);
    let alone = calibrate(&problem, endless(), &run(), &mut limit).expect("a result");
    assert_eq!(first.history, alone.history);
    let (learnt, there) = (&first.parameters[0], &alone.parameters[0]);
    assert_eq!(
        (&learnt.location, &learnt.scale),
        (&there.location, &there.scale)
    );
    // One that is stopped draws less.
    assert!(first.draws == endless().draws && alone.draws <= first.draws);
    assert_eq!(learnt.samples[..there.samples.len()], there.samples);
    let more = first.resume(&problem, endless(), &run(), &mut Limit(1));
    assert_eq!(more.expect("a result").history, last.history[..steps + 1]);
    // Once it is over, the result.
    assert_eq!(fit.so_far().expect("the end").history, last.history);
}

#[test]
fn every_method_has_a_posterior_so_far() {
    let problem = problem();
    let draws = 1_000_000_000;
    let abc = Abc {
        draws,
        keep: 10,
        ..Abc::default()
    };
    let smc = Smc {
        evaluations: draws,
        ..Smc::default()
    };
    let walk = RandomWalk {
        evaluations: draws,
        ..RandomWalk::default()
    };
    for fit in [
        Background::spawn(&problem, &abc, &run()),
        Background::spawn(&problem, &smc, &run()),
        Background::spawn(&problem, &walk, &run()),
    ] {
        let fit = fit.expect("a thread");
        let part = fit.so_far().expect("a posterior");
        assert!(
            !fit.is_over() && part.stopped && part.draws > 0,
            "{}",
            part.method
        );
        assert_eq!(
            part.evaluations,
            part.history.last().expect("a step").evaluations
        );
        fit.stop();
        let end = fit.wait().expect("what it has");
        assert_eq!(
            end.history[..part.history.len()],
            part.history,
            "{}",
            part.method
        );
    }
}

#[test]
fn dropping_it_ends_the_thread() {
    let fit = Background::spawn(&problem(), endless(), &run()).expect("a thread");
    until("running", || fit.status().contains("running"));
    let shared = Arc::downgrade(&fit.shared);
    drop(fit);
    until("over", || shared.upgrade().is_none());
}

/// A method that breaks off.
struct Falls;

impl Options for Falls {
    fn name(&self) -> &'static str {
        "a method that falls"
    }
    fn short_name(&self) -> &'static str {
        unreachable!("it does not get there")
    }
    fn total(&self) -> (&'static str, usize) {
        unreachable!("it does not get there")
    }
    fn posterior_draws(&self) -> usize {
        unreachable!("it does not get there")
    }
    fn lasting(&self) -> Method {
        unreachable!("it does not get there")
    }
    fn check(&self) -> Result<()> {
        panic!("the thread fell")
    }
    fn holds(&self, _: &Objective) -> Vec<(&'static str, &'static str, f64)> {
        unreachable!("it does not get there")
    }
    fn start(&self, _: &Objective, _: u64) -> Result<Box<dyn Fit + '_>> {
        unreachable!("it does not get there")
    }
}

#[test]
fn what_goes_wrong_is_told_by_waiting() {
    let problem = problem();
    let fit = Background::start(&problem, Box::new(Falls), &run()).expect("one");
    let told = "background calibration: it broke off: the thread fell; please report this";
    assert_eq!(fit.wait().expect_err("a panic").to_string(), told);
    assert_eq!(fit.so_far().expect_err("a panic").to_string(), told);
    let wild = Svi {
        initial_scale: 1e200,
        steps: 2,
        ..Svi::default()
    };
    let fit = Background::spawn(&problem, &wild, &run()).expect("a thread");
    assert!(
        fit.wait()
            .expect_err("no loss")
            .fact
            .contains("no particle")
    );
    assert!(fit.status().contains("failed: calibration: no particle"));
    // What can be seen at once is refused at once.
    let none = Svi {
        steps: 0,
        ..Svi::default()
    };
    assert!(Background::spawn(&problem, &none, &run()).is_err());
    let mut odd = problem.clone();
    odd.noise = -1.0;
    assert!(Background::spawn(&odd, Abc::default(), &run()).is_err());
}
