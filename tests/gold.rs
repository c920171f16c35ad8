//! Problems whose posteriors are known: guides, chains and populations come to them, or say that they have not.

use bullwhip::prelude::*;
use std::path::Path;

#[path = "common/gold.rs"]
#[allow(unreachable_pub, dead_code)]
mod gold;

use gold::Gold;

fn case(name: &str) -> Gold {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gold");
    Gold::read(&folder.join(name)).expect("a case")
}

fn fit(gold: &Gold, method: impl Into<Method>, seed: u64) -> Posterior {
    let run = Run {
        seed,
        ..Run::default()
    };
    calibrate(&gold.problem, method, &run, &mut ()).expect("a posterior")
}

use bullwhip::infer::Method;

/// How far the bound of a fit is below the evidence.
fn below(gold: &Gold, fit: &Posterior) -> f64 {
    let evidence = fit.evidence.expect("a guide has a bound");
    assert!(evidence.bound);
    gold.evidence - evidence.log
}

#[test]
fn the_default_fit_is_on_the_right_hill_or_warns() {
    let gold = case("g10");
    let mut right = 0;
    for seed in 0..6 {
        let fit = fit(&gold, Svi::default(), seed);
        let best = fit.starts.iter().filter(|s| s.kept);
        assert_eq!((fit.starts.len(), best.count()), (4, 1));
        assert_eq!(fit.evaluations, (900 * 4 + 600) * 4);
        let (below, warned) = (below(&gold, &fit), fit.warnings.join(" "));
        right += usize::from(below < 8.0);
        assert!(
            below < 8.0 || warned.contains("found once"),
            "{seed}: {below} {warned}"
        );
    }
    assert!(right >= 4, "{right} of 6");
}

#[test]
fn full_rank_guides_converge_by_either_estimator() {
    let gold = case("g40_shock");
    for estimator in [Estimator::ClosedForm, Estimator::Path] {
        let options = Svi {
            guide: Guide::FullRank,
            estimator,
            draws: 400,
            ..Svi::default()
        };
        let fit = fit(&gold, &options, 1);
        let (below, far) = (below(&gold, &fit), gold.distance(&fit, 0.0));
        assert!((-0.2..1.5).contains(&below), "{estimator:?}: {below}");
        assert!(far.mean < 0.35 && (far.ratio - 1.0).abs() < 0.08, "{far:?}");
        assert!(fit.warnings.is_empty(), "{:?}", fit.warnings);
    }
}

#[test]
fn tempering_finds_the_evidence_where_fits_and_chains_split_up() {
    let gold = case("g10");
    let smc = Smc {
        ladder: Ladder::Likelihood,
        ..Smc::default()
    };
    for seed in [1, 2] {
        let fit = fit(&gold, &smc, seed);
        let found = fit.evidence.expect("it ended");
        assert!(
            !found.bound && (0.05..1.0).contains(&found.error),
            "{found:?}"
        );
        assert!((found.log - gold.evidence).abs() < 1.5, "{found:?}");
        let far = gold.distance(&fit, 0.0);
        assert!(far.mean < 0.4 && (far.ratio - 1.0).abs() < 0.1, "{far:?}");
        assert!(
            fit.warnings.is_empty() && !fit.stopped,
            "{:?}",
            fit.warnings
        );
    }
    let short = Smc {
        evaluations: 20_000,
        ..smc
    };
    let short = fit(&gold, &short, 1);
    assert!(short.evidence.is_none());
    let said = short.warnings.join(" ");
    assert!(said.contains("ended where the data weigh"), "{said}");
}

#[test]
fn chains_sample_the_posterior_or_say_that_they_have_not_met() {
    let gold = case("g40_shock");
    let nuts = Nuts {
        tune: 300,
        draws: 300,
        ..Nuts::default()
    };
    let found = fit(&gold, &nuts, 1);
    let chains = found.chains.as_ref().expect("chains");
    assert_eq!((chains.chains, chains.draws), (4, 300));
    assert_eq!(chains.rhat.len(), 16);
    assert!(chains.worst_rhat() < 1.05 && chains.least_ess() > 200.0);
    let far = gold.distance(&found, 0.0);
    assert!(far.mean < 0.2 && (far.ratio - 1.0).abs() < 0.1, "{far:?}");
    assert!(found.convergence.reached());
    let summary = found.summary();
    let told = summary.rows.iter().map(|r| r.rhat).fold(0.0, f64::max);
    assert_eq!(told, chains.worst_rhat());
    let table = summary.frame().expect("a table");
    assert!(table.column("rhat").is_ok() && table.column("ess").is_ok());
    let figure = chains.figure().svg().expect("a figure");
    assert!(figure.contains("4 chains of 300 draws") && figure.contains("R-hat"));
    assert!(
        found.text().contains("effective draws at least"),
        "{}",
        found.text()
    );
    // On several hills.
    let gold = case("g10");
    let split = fit(&gold, &nuts, 0);
    let said = split.warnings.join(" ");
    assert!(said.contains("have not met: R-hat"), "{said}");
    assert!(!split.convergence.reached());
    let refused = Nuts {
        most_unknowns: 10,
        ..nuts
    };
    let error = calibrate(&gold.problem, refused, &Run::default(), &mut ());
    let said = error.expect_err("too many").to_string();
    assert!(
        said.contains("20 unknowns vary, and 10 are the most"),
        "{said}"
    );
}

/// Goes on to the numbers of one that did not stop, wherever it stopped.
#[test]
fn chains_and_populations_go_on_to_the_same_numbers() {
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
    let gold = case("g10");
    let nuts = Nuts {
        tune: 60,
        draws: 40,
        ..Nuts::default()
    };
    let smc = Smc {
        ladder: Ladder::Likelihood,
        population: 40,
        ..Smc::default()
    };
    let starts = Svi {
        steps: 100,
        starts: 3,
        anneal: 0.01,
        ..Svi::default()
    };
    let methods: [Method; 3] = [nuts.into(), smc.into(), starts.into()];
    for method in methods {
        let run = Run::default();
        let whole = fit(&gold, &method, 0);
        for after in [1, 4, 9] {
            let part = calibrate(&gold.problem, &method, &run, &mut Stopper(after));
            let part = part.expect("what it has");
            assert!(part.stopped);
            let rest = part.resume(&gold.problem, &method, &run, &mut ());
            let rest = rest.expect("the rest");
            assert_eq!(rest.evaluations, whole.evaluations);
            for (a, b) in rest.parameters.iter().zip(&whole.parameters) {
                assert!(a.samples == b.samples, "{}", whole.method);
            }
            assert_eq!(rest.chains, whole.chains);
            assert_eq!(rest.evidence, whole.evidence);
        }
    }
}

#[test]
fn a_fit_by_size_goes_on_with_more_steps_as_it_was_begun() {
    let gold = case("g10");
    let short = fit(&gold, Svi::default(), 3);
    assert_eq!((short.history.len(), short.starts.len()), (1500, 4));
    let more = Svi {
        steps: 1800,
        ..Svi::default()
    };
    let run = Run {
        seed: 3,
        ..Run::default()
    };
    let long = short.resume(&gold.problem, &more, &run, &mut ());
    let long = long.expect("it goes on");
    // With four particles still, and of one start.
    assert_eq!(long.history.len(), 1800);
    assert_eq!(long.evaluations, short.evaluations + 300 * 4);
    assert_eq!(long.starts, short.starts);
    // Begun with as many steps it is a plain fit, unless it is said otherwise.
    let plain = fit(&gold, &more, 3);
    assert_eq!(
        (plain.evaluations, plain.starts.len()),
        (plain.history.len(), 0)
    );
}
