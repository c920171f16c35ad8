//! A calibration that was stopped goes on to the same numbers, and from no state but its own.

#[path = "common/small.rs"]
mod small;

use bullwhip::prelude::*;
use small::problem;
use std::path::PathBuf;

/// A folder of this test's own, emptied.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("bullwhip-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Stops a calibration after some updates.
struct Stopper(usize);

impl Watch for Stopper {}

impl Progress for Stopper {
    fn update(&mut self, _: usize, _: &str) {
        self.0 = self.0.saturating_sub(1);
    }
    fn stop(&self) -> bool {
        self.0 == 0
    }
}

/// Bit for bit.
fn assert_same(a: &Posterior, b: &Posterior) {
    let bits = |v: &[f64]| -> Vec<u64> { v.iter().map(|x| x.to_bits()).collect() };
    assert_eq!(a.history, b.history);
    assert_eq!((a.evaluations, a.stopped), (b.evaluations, b.stopped));
    for (x, y) in a.parameters.iter().zip(&b.parameters) {
        assert_eq!(bits(&x.location), bits(&y.location));
        assert_eq!(bits(&x.scale), bits(&y.scale));
        assert_eq!(bits(&x.samples), bits(&y.samples));
    }
    assert_eq!(bits(&a.predictive.samples), bits(&b.predictive.samples));
}

fn svi() -> Svi {
    Svi {
        steps: 60,
        particles: 2,
        draws: 20,
        ..Svi::default()
    }
}

fn run() -> Run {
    Run {
        seed: 5,
        ..Run::default()
    }
}

/// With a state that is written at every step.
fn kept(file: PathBuf) -> Run {
    Run {
        state_file: Some(file),
        save_seconds: 0.0,
        ..run()
    }
}

#[test]
fn variational_inference_goes_on_from_a_file_and_from_a_posterior() {
    let problem = problem();
    let whole = calibrate(&problem, svi(), &run(), &mut ()).expect("a posterior");
    let folder = folder("svi");
    let file = kept(folder.join("fit.safetensors"));
    let part = calibrate(&problem, svi(), &file, &mut Stopper(23)).expect("a posterior");
    assert!(part.stopped);
    assert_eq!(part.warnings, part.convergence.doubts);
    assert_eq!(part.history.len(), 23);
    let rest = calibrate(&problem, svi(), &file, &mut ()).expect("the rest");
    assert_same(&whole, &rest);
    // Nothing is left to do: the same again, at once.
    let again = calibrate(&problem, svi(), &file, &mut Stopper(0)).expect("the same");
    assert_eq!(again.history, whole.history);
    let others = std::fs::read_dir(&folder).expect("a folder").count();
    assert_eq!(others, 1, "nothing but the state is left there");
    // From the posterior itself, in memory and through a file, with other numbers of draws and steps.
    let fewer = Svi { draws: 3, ..svi() };
    let part = calibrate(&problem, &fewer, &run(), &mut Stopper(41)).expect("a posterior");
    assert_same(
        &whole,
        &part
            .resume(&problem, svi(), &run(), &mut ())
            .expect("the rest"),
    );
    part.save_state(folder.join("later.safetensors"))
        .expect("written");
    let later = kept(folder.join("later.safetensors"));
    assert_same(
        &whole,
        &calibrate(&problem, svi(), &later, &mut ()).expect("the rest"),
    );
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn the_state_of_a_long_fit_stays_small() {
    let problem = problem();
    let folder = folder("long");
    let long = Svi {
        steps: 30_000,
        early_stop: None,
        draws: 3,
        ..svi()
    };
    let whole = calibrate(&problem, &long, &run(), &mut ()).expect("a posterior");
    assert!(whole.history.len() <= 12_000, "{}", whole.history.len());
    assert_eq!(whole.evaluations, 60_000);
    assert_eq!(whole.history[0].evaluations, 2);
    let last = &whole.history[whole.history.len() - 1000..];
    assert!((0..1000).all(|k| last[k].evaluations == 2 * (29_001 + k)));
    let file = Run {
        state_file: Some(folder.join("fit.safetensors")),
        ..run()
    };
    // Stopped where all is kept, where it is thinned, and near the end.
    for stop in [9_000, 12_000, 8_500] {
        let part = calibrate(&problem, &long, &file, &mut Stopper(stop)).expect("a posterior");
        assert!(part.stopped);
    }
    let size = std::fs::metadata(folder.join("fit.safetensors")).expect("a file");
    assert!(size.len() < 600_000, "{}", size.len());
    assert_same(
        &whole,
        &calibrate(&problem, &long, &file, &mut ()).expect("the rest"),
    );
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn rejection_goes_on_from_a_file() {
    let problem = problem();
    let abc = Abc {
        draws: 700,
        keep: 30,
        batch: 32,
    };
    let whole = calibrate(&problem, &abc, &run(), &mut ()).expect("a posterior");
    let folder = folder("abc");
    let file = Run {
        state_file: Some(folder.join("abc.safetensors")),
        ..run()
    };
    let part = calibrate(&problem, &abc, &file, &mut Stopper(7)).expect("a posterior");
    assert_eq!((part.stopped, part.evaluations), (true, 7 * 32));
    assert_same(
        &whole,
        &calibrate(&problem, &abc, &file, &mut ()).expect("the rest"),
    );
    // From the posterior itself as well.
    assert_same(
        &whole,
        &part
            .resume(&problem, &abc, &run(), &mut ())
            .expect("the rest"),
    );
    let said = part
        .resume(&problem, svi(), &run(), &mut ())
        .expect_err("another method");
    assert_eq!(
        said.to_string(),
        "posterior: it is of another calibration: its method is ABC rejection, but here variational \
         inference; give the problem and options that it was begun with, or begin anew with another \
         state_file"
    );
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn populations_and_chains_go_on_from_a_file() {
    let problem = problem();
    let folder = folder("others");
    let smc = Smc {
        population: 50,
        evaluations: 700,
        batch: 32,
        ..Smc::default()
    };
    let whole = calibrate(&problem, &smc, &run(), &mut ()).expect("a posterior");
    let file = kept(folder.join("smc.safetensors"));
    // In the middle of a round.
    let part = calibrate(&problem, &smc, &file, &mut Stopper(5)).expect("a posterior");
    assert!(part.stopped && part.evaluations < 300);
    let rest = calibrate(&problem, &smc, &file, &mut ()).expect("the rest");
    assert_same(&whole, &rest);
    let walk = RandomWalk {
        chains: 8,
        evaluations: 800,
        keep: 40,
    };
    let whole = calibrate(&problem, &walk, &run(), &mut ()).expect("a posterior");
    assert_eq!((whole.draws, whole.evaluations), (40, 800));
    for (k, stop) in [11, 77].into_iter().enumerate() {
        let file = kept(folder.join(format!("walk{k}.safetensors")));
        let part = calibrate(&problem, &walk, &file, &mut Stopper(stop)).expect("a posterior");
        assert_eq!(part.evaluations, 8 * stop);
        let rest = calibrate(&problem, &walk, &file, &mut ()).expect("the rest");
        assert_same(&whole, &rest);
    }
    // Of other options they are refused.
    let file = kept(folder.join("walk0.safetensors"));
    let other = Run {
        seed: 1,
        ..file.clone()
    };
    let error = calibrate(&problem, &walk, &other, &mut ()).expect_err("refused");
    assert!(
        error.to_string().contains("its run.seed is 5, but here 1"),
        "{error}"
    );
    let fewer = RandomWalk { chains: 4, ..walk };
    let error = calibrate(&problem, &fewer, &file, &mut ()).expect_err("refused");
    assert!(error.to_string().contains("RandomWalk.chains"), "{error}");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_state_of_another_calibration_is_refused() {
    let good = problem();
    let folder = folder("other");
    let file = folder.join("fit.safetensors");
    let options = Svi {
        steps: 4,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some(file.clone()),
        ..Run::default()
    };
    calibrate(&good, &options, &run, &mut ()).expect("a posterior");
    let refused = |change: &dyn Fn(&mut Problem, &mut Svi)| {
        let (mut problem, mut options) = (good.clone(), options.clone());
        change(&mut problem, &mut options);
        let said = calibrate(&problem, &options, &run, &mut ()).expect_err("it must be refused");
        assert_eq!(said.place, file.display().to_string());
        assert!(said.remedy.contains("another state_file"));
        said.fact
    };
    let other = Run {
        seed: 1,
        ..run.clone()
    };
    assert_eq!(
        calibrate(&good, &options, &other, &mut ())
            .expect_err("another seed")
            .fact,
        "it is of another calibration: its run.seed is 0, but here 1"
    );
    assert_eq!(
        refused(&|_, o| o.guide = Guide::LowRank(3)),
        "it is of another calibration: its Svi.guide is MeanField, but here {\"LowRank\":3}"
    );
    assert!(refused(&|_, o| o.particles = 2).contains("its Svi.particles is 1, but here 2"));
    assert!(refused(&|_, o| o.learning_rate = 0.2).contains("Svi.learning_rate"));
    assert!(refused(&|p, _| p.noise = 0.1).contains("its problem.noise is 0.03, but here 0.1"));
    assert!(refused(&|p, _| p.observed.values[3] *= 1.01).contains("problem.observed"));
    assert!(refused(&|p, _| p.observed.values[3] = f64::NAN).contains("problem.observed"));
    assert!(refused(&|p, _| p.shock.events[0].severity[0] = 0.123).contains("problem.shock"));
    assert!(refused(&|p, _| p.shock.events[0].start += 1).contains("problem.shock"));
    assert!(refused(&|p, _| p.priors.adjustment_time = None).contains("problem.p"));
    assert!(refused(&|p, _| p.simulation.slack = 0.3).contains("problem.simulation"));
    let other = Network::synthetic(&Synthetic {
        firms: 40,
        mean_suppliers: 3.0,
        regions: 3,
        sectors: 3,
        seed: 6,
        ..Synthetic::default()
    })
    .expect("an economy");
    assert_eq!(other.groups().len(), good.network.groups().len());
    let said = refused(&|p, _| {
        p.network = other.clone();
        p.shock = Shock::random(&other, 4, 0.4, 15, 1);
        p.observed.base = other.group_sums(other.output());
        p.observed.values = p.observed.base.repeat(p.observed.periods);
    });
    assert!(said.contains("its problem.network is 40 firms, "), "{said}");
    // What varies has no fixed value that could matter.
    let mut same = good.clone();
    same.params.target_inventory[0] = 7.0;
    calibrate(&same, &options, &run, &mut ()).expect("the same problem");
    let fewer = Svi {
        steps: 3,
        ..options.clone()
    };
    assert_eq!(
        calibrate(&good, &fewer, &run, &mut ())
            .expect_err("too few")
            .to_string(),
        "Svi.steps: 3 steps, but 4 are made already; give the number of all steps, or begin anew with \
         another state_file"
    );
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn a_file_that_is_not_whole_is_refused() {
    let problem = problem();
    let folder = folder("damaged");
    let file = folder.join("fit.safetensors");
    let options = Svi {
        steps: 4,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some(file.clone()),
        ..Run::default()
    };
    calibrate(&problem, &options, &run, &mut ()).expect("a posterior");
    let whole = std::fs::read(&file).expect("a file");
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).expect("written");
        let said = calibrate(&problem, &options, &run, &mut ()).expect_err("it must be refused");
        // What is refused is kept.
        assert_eq!(std::fs::read(&file).expect("a file"), bytes);
        assert_eq!(said.place, file.display().to_string());
        assert_eq!(
            said.remedy,
            "give another file, or delete this one to begin anew"
        );
        said.fact
    };
    let foreign = "it is not the state of a calibration";
    let damaged = "it is damaged: its end is missing, or its numbers changed";
    assert_eq!(refused(b""), foreign);
    assert_eq!(refused(b"PK\x03\x04 something else, not short"), foreign);
    assert_eq!(refused(&whole[..100]), foreign);
    assert_eq!(refused(&whole[..whole.len() - 8]), damaged);
    let mut flipped = whole.clone();
    *flipped.last_mut().expect("a byte") ^= 1;
    assert_eq!(refused(&flipped), damaged);
    // A state of an earlier version.
    let text = b"bullwhip calibration 7";
    let at = whole.windows(text.len()).position(|w| w == text);
    let mut older = whole.clone();
    older[at.expect("the form") + text.len() - 1] = b'6';
    assert_eq!(
        refused(&older),
        "it is a state in the form \"bullwhip calibration 6\", and this version reads \"bullwhip calibration 7\""
    );
    std::fs::write(&file, &whole).expect("written");
    calibrate(&problem, &options, &run, &mut ()).expect("whole again");
    std::fs::remove_dir_all(&folder).expect("removed");
    // The folder is missing now: told before any work.
    let said = calibrate(&problem, &options, &run, &mut ()).expect_err("no such folder");
    assert!(said.to_string().contains("cannot be written"), "{said}");
    let odd = Run {
        save_seconds: f64::NAN,
        ..Run::default()
    };
    assert_eq!(
        calibrate(&problem, &options, &odd, &mut ())
            .expect_err("NaN")
            .to_string(),
        "run.save_seconds: it is NaN; give a number of seconds of at least 0, such as 30"
    );
}
