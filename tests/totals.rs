//! Series that are sums of groups: the same as a coarser panel, refusals, and what a calibration learns.

mod common {
    pub(crate) mod small;
}

use bullwhip::prelude::*;
use common::small::problem;

/// The sums of all groups, period by period.
fn sums(panel: &Observation) -> Vec<f64> {
    let rows = panel.values.chunks(panel.groups());
    rows.map(|row| row.iter().sum()).collect()
}

fn losses(problem: &Problem) -> Vec<f64> {
    let objective = Objective::new(problem).expect("a problem");
    let n = objective.dimension();
    let u: Vec<f64> = (0..3 * n)
        .map(|k| ((5 * k) % 17) as f64 / 9.0 - 0.9)
        .collect();
    objective.loss(&u).expect("losses")
}

#[test]
fn a_total_of_one_group_counts_as_its_series_does() {
    let mut panel = problem();
    let (g, group) = (panel.observed.groups(), 2);
    panel.simulation.precision = Precision::Double;
    let mut total = panel.clone();
    total.observed.values.fill(f64::NAN);
    total.totals = vec![Total {
        name: "one".into(),
        groups: vec![group],
        values: panel.observed.series(group).expect("a group"),
    }];
    for (c, value) in panel.observed.values.iter_mut().enumerate() {
        if c % g != group {
            *value = f64::NAN;
        }
    }
    for loss in [
        Loss::RelativeSquare,
        Loss::Gaussian,
        Loss::StudentT { freedom: 4.0 },
    ] {
        for scale in [Scale::Levels, Scale::Indices { first: 1, last: 3 }] {
            for problem in [&mut panel, &mut total] {
                (problem.loss, problem.scale) = (loss, scale);
            }
            for (a, b) in losses(&panel).iter().zip(losses(&total)) {
                assert!(
                    (a - b).abs() < 1e-12 * a.abs(),
                    "{loss:?} {scale:?}: {a} {b}"
                );
            }
        }
    }
}

#[test]
fn totals_add_to_the_cells_of_the_panel() {
    let mut with = problem();
    let (panel, cells) = (losses(&with), with.observed.values.len() as f64);
    let all = sums(&with.observed);
    let periods = all.len() as f64;
    with.totals = vec![Total::new(&with.network, "all", &[], &[], all).expect("a total")];
    assert_eq!(with.totals[0].groups.len(), with.observed.groups());
    let steady: f64 = with.observed.base.iter().sum();
    assert!((with.totals[0].steady(&with.network) - steady).abs() < 1e-9 * steady);
    let mut alone = with.clone();
    alone.observed.values.fill(f64::NAN);
    for ((both, panel), total) in losses(&with).iter().zip(panel).zip(losses(&alone)) {
        let wanted = (cells * panel + periods * total) / (cells + periods);
        assert!((both - wanted).abs() < 1e-6 * wanted, "{both} {wanted}");
    }
}

#[test]
fn a_total_alone_is_learnt_from_and_belongs_to_the_state() {
    let mut problem = problem();
    problem.priors.per = Levels {
        target_inventory: Per::All,
        adjustment_time: Per::All,
        ..problem.priors.per
    };
    let truth = Params::uniform(&problem.network, 3.5, 2.5);
    let run = simulate(
        &problem.network,
        &truth,
        &problem.shock,
        &problem.simulation,
    )
    .expect("a run");
    let all = sums(&run.observe());
    problem.observed.values.fill(f64::NAN);
    problem.totals = vec![Total::new(&problem.network, "all", &[], &[], all).expect("a total")];
    let svi = Svi {
        steps: 120,
        ..Svi::default()
    };
    let fitted = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a posterior");
    let mean =
        |from: usize| -> f64 { fitted.history[from..from + 10].iter().map(|s| s.loss).sum() };
    assert!(mean(110) < 0.5 * mean(0), "{} {}", mean(110), mean(0));
    let mut other = problem.clone();
    other.totals[0].values[3] *= 1.1;
    let more = Svi { steps: 130, ..svi };
    assert!(
        fitted
            .resume(&problem, &more, &Run::default(), &mut ())
            .is_ok()
    );
    let e = fitted
        .resume(&other, &more, &Run::default(), &mut ())
        .expect_err("another total");
    assert!(e.to_string().contains("observed"), "{e}");
    let ranks = sbc(
        &problem,
        &Svi { steps: 10, ..more },
        2,
        &Run::default(),
        &mut (),
    )
    .expect("two runs");
    assert_eq!(ranks.runs, 2);
}

#[test]
fn totals_that_cannot_be_compared_are_refused() {
    let whole = problem();
    let n = whole.network.groups().len();
    let values = sums(&whole.observed);
    let says = |groups: Vec<usize>, values: Vec<f64>, scale| {
        let mut problem = whole.clone();
        problem.scale = scale;
        problem.totals = vec![Total {
            name: "Japan".into(),
            groups,
            values,
        }];
        problem.check().expect_err("refused").to_string()
    };
    let levels = Scale::Levels;
    let mut holes = values.clone();
    holes[..2].fill(f64::NAN);
    let mut endless = values.clone();
    endless[4] = f64::INFINITY;
    for (message, part) in [
        (says(vec![], values.clone(), levels), "it adds up no group"),
        (
            says(vec![1, 1], values.clone(), levels),
            "group 1 is there twice",
        ),
        (
            says(vec![n], values.clone(), levels),
            "is none of the network's",
        ),
        (says(vec![0], vec![1.0], levels), "1 values, but 24 periods"),
        (says(vec![0], endless, levels), "use NaN"),
        (
            says(vec![0], holes, Scale::Indices { first: 1, last: 2 }),
            "base periods 1 to 2",
        ),
    ] {
        assert!(
            message.starts_with("problem.totals, Japan: ") && message.contains(part),
            "{message}"
        );
    }
    let e = Total::new(&whole.network, "x", &["R9"], &[], values).expect_err("no region");
    assert!(e.to_string().contains("there is no region \"R9\""), "{e}");
    let mut empty = whole.clone();
    empty.observed.values.fill(f64::NAN);
    assert!(empty.check().is_err());
}
