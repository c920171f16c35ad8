//! Every behaviour of firms against golden cases: by the reference, by lanes of particles, and, of what the kernels know,
//! in every layout of theirs.

#[path = "common/breadth.rs"]
#[allow(unreachable_pub, dead_code)]
mod breadth;
#[path = "common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;

use breadth::{Case, cases, load};
use bullwhip::prelude::*;
use std::path::Path;

fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/breadth");
    let found: Vec<Case> = cases(&root)
        .iter()
        .map(|f| load(f).expect("a case"))
        .collect();
    assert!(found.len() >= 35);
    found
}

fn close(found: &[f64], expected: &[f64], by: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let both = found.iter().zip(expected);
    let worst = both.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= by * size, "{what}: {worst:e} of {size}");
}

#[test]
fn values_limits_and_gradients_are_those_of_the_cases() {
    for case in all() {
        let double = case.check(Precision::Double).expect("a run");
        assert!(double.within_double(), "{} {double:?}", case.name());
        if !case.double_only {
            let single = case.check(Precision::Single).expect("a run");
            assert!(single.within_single(), "{} {single:?}", case.name());
        }
    }
}

/// The case with n, τ and what its events have learnt, and the coordinates of its own values.
fn problem(case: &Case) -> (Problem, Vec<f64>) {
    let mut problem = Problem::new(&case.network, &case.shock, &case.target);
    problem.simulation = case.simulation.clone();
    problem.params = case.params.clone();
    let positive = Some(Prior::LogNormal {
        shift: 0.0,
        median: 1.0,
        sigma: 1.0,
    });
    let inputs = !case.params.input_inventory.is_empty();
    let hits = case.shock.hits() > 0 && case.shock.events.iter().all(|e| e.severity[0] < 1.0);
    problem.priors = Priors {
        target_inventory: positive.filter(|_| !inputs),
        adjustment_time: positive,
        severity: Some(Prior::LogitNormal {
            median: 0.5,
            sigma: 1.0,
        })
        .filter(|_| hits),
        recovery_rate: positive.filter(|_| hits),
        ..Priors::none()
    };
    let mut u: Vec<f64> = Vec::new();
    if !inputs {
        u.extend(case.params.target_inventory.iter().map(|v| v.ln()));
    }
    u.extend(case.params.adjustment_time.iter().map(|v| v.ln()));
    if hits {
        let events = || case.shock.events.iter();
        u.extend(events().map(|e| (e.severity[0] / (1.0 - e.severity[0])).ln()));
        u.extend(events().map(|e| e.recovery_rate[0].ln()));
    }
    (problem, u)
}

#[test]
fn particles_side_by_side_have_the_same_gradient() {
    for case in all() {
        let (problem, u) = problem(&case);
        let objective = Objective::new(&problem).expect("an objective");
        let alone = objective.gradient(&u).expect("a gradient");
        let name = case.name();
        let close_to = (alone.loss[0] - case.loss).abs();
        assert!(close_to < 1e-9 * case.loss, "{name}: {}", alone.loss[0]);
        for particles in [4, 11] {
            let found = objective.gradient(&u.repeat(particles)).expect("gradients");
            let repeated = alone.gradient.repeat(particles);
            close(&found.gradient, &repeated, 1e-11, &name);
        }
    }
}

#[test]
fn a_gradient_is_the_same_under_every_policy_of_checkpoints() {
    for case in all() {
        let of = |checkpoint| {
            let simulation = Simulation {
                checkpoint,
                ..case.simulation.clone()
            };
            sensitivity(
                &case.network,
                &case.params,
                &case.shock,
                &simulation,
                &case.target,
            )
            .expect("a gradient")
        };
        let all = of(Checkpoint::All);
        for every in [1, 3, 7] {
            assert_eq!(of(Checkpoint::Every(every)), all, "{} {every}", case.name());
        }
    }
}

#[test]
fn what_the_kernels_know_is_computed_by_them() {
    for case in all() {
        let kernels = differentiable(&case.network, &case.shock, &case.simulation);
        let known = [
            "a1_final_last",
            "b1_curves",
            "b1_linear",
            "b3_z_path",
            "b4_worst",
            "z0_default",
        ];
        let name = case.name();
        if known.contains(&name.as_str()) {
            kernels.unwrap_or_else(|e| panic!("{name}: {e}"));
        } else if case.simulation.model != Model::default() {
            let refused = kernels.expect_err("refused").to_string();
            assert!(refused.contains("do not know"), "{name}: {refused}");
        }
    }
}

/// Copies of the network of a case side by side: large networks have other kernels.
#[test]
fn a_large_network_of_copies_has_the_same_gradient() {
    let small = ["a1_final_last", "b1_linear", "b4_worst", "z0_default"];
    for case in all().iter().filter(|c| small.contains(&c.name().as_str())) {
        let (firms, copies) = (case.network.firms(), 20_500 / case.network.firms() + 1);
        let again = |v: &[f64]| v.repeat(copies);
        let made = &case.network;
        let pick = |of: &[u32]| -> Vec<usize> {
            let copy = |c: usize| of.iter().map(move |i| *i as usize + c * firms);
            (0..copies).flat_map(copy).collect()
        };
        let name = |of: &dyn Fn(usize) -> String| -> Vec<String> {
            (0..firms * copies).map(|i| of(i % firms)).collect()
        };
        let group = |i: usize| made.groups()[made.group()[i] as usize];
        let network = Network::new(
            Firms {
                region: name(&|i| made.regions()[group(i).0].clone()),
                sector: name(&|i| made.sectors()[group(i).1].clone()),
                final_demand: again(made.final_demand()),
                ..Firms::default()
            },
            Links {
                buyer: pick(made.buyer()),
                supplier: pick(made.supplier()),
                coefficient: again(made.coefficient()),
                ..Links::default()
            },
        )
        .expect("copies");
        let params = Params {
            target_inventory: again(&case.params.target_inventory),
            adjustment_time: again(&case.params.adjustment_time),
            ..Params::default()
        };
        let mut shock = Shock::none();
        for c in 0..copies {
            for event in &case.shock.events {
                let mut event = event.clone();
                event.firms.iter_mut().for_each(|i| *i += c * firms);
                shock.events.push(event);
            }
        }
        let values = case.target.values.iter().map(|v| v * copies as f64);
        let target = Observation::from_values(&network, values.collect()).expect("a panel");
        let found =
            sensitivity(&network, &params, &shock, &case.simulation, &target).expect("a gradient");
        let one = sensitivity(
            &case.network,
            &case.params,
            &case.shock,
            &case.simulation,
            &case.target,
        )
        .expect("a gradient");
        let whole = |of: &[f64], n: usize| -> Vec<f64> {
            let mut sums = vec![0.0; n];
            of.iter().enumerate().for_each(|(k, g)| sums[k % n] += g);
            sums
        };
        let name = case.name();
        assert!((found.loss - case.loss).abs() < 1e-11, "{name}");
        for parameter in [
            Parameter::TargetInventory,
            Parameter::AdjustmentTime,
            Parameter::Severity,
            Parameter::RecoveryRate,
        ] {
            let expected = one.of(parameter);
            let found = whole(found.of(parameter), expected.len());
            close(&found, expected, 1e-8, &name);
        }
    }
}
