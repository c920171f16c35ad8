//! Members of the model's families against golden cases: by the plain loops, and by the kernels in every layout.

#[path = "common/breadth.rs"]
#[allow(unreachable_pub)]
mod breadth;
#[path = "common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;

use breadth::{Case, cases, load};
use bullwhip::prelude::*;

fn close(found: &[f64], expected: &[f64], by: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let both = found.iter().zip(expected);
    let worst = both.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= by * size, "{what}: {worst:e} of {size}");
}

#[test]
fn runs_are_those_of_the_reference() {
    assert!(cases().len() >= 2);
    for folder in cases() {
        let case = load(&folder);
        let name = folder.display().to_string();
        let everything = Simulation {
            record: Record::Everything,
            ..case.simulation.clone()
        };
        let run = |simulation: &Simulation| {
            simulate(&case.network, &case.params, &case.shock, simulation).expect("a run")
        };
        let plain = run(&everything);
        close(&plain.output, &case.output, 1e-12, &name);
        close(&plain.demand, &case.demand, 1e-12, &name);
        close(&run(&case.simulation).output, &case.output, 1e-12, &name);
        let single = Simulation {
            precision: Precision::Single,
            ..case.simulation.clone()
        };
        close(&run(&single).output, &case.output, 1e-5, &name);
    }
}

#[test]
fn gradients_are_those_of_the_reference() {
    for folder in cases() {
        let case = load(&folder);
        for method in [Method::Reference, Method::Kernels] {
            let simulation = Simulation {
                method,
                ..case.simulation.clone()
            };
            let found = sensitivity(
                &case.network,
                &case.params,
                &case.shock,
                &simulation,
                &case.target,
            )
            .expect("a gradient");
            let name = format!("{} {method:?}", folder.display());
            assert!((found.loss - case.loss).abs() < 1e-12, "{name}");
            let [n, tau, delta, rate] = &case.gradient;
            close(&found.target_inventory, n, 1e-9, &name);
            close(&found.adjustment_time, tau, 1e-9, &name);
            close(&found.severity, delta, 1e-9, &name);
            close(&found.recovery_rate, rate, 1e-9, &name);
        }
    }
}

/// The case with all that may be learnt, and the coordinates of its own values.
fn problem(case: &Case) -> (Problem, Vec<f64>) {
    let mut problem = Problem::new(&case.network, &case.shock, &case.target);
    problem.simulation = case.simulation.clone();
    problem.params = case.params.clone();
    let logit = |v: f64| (v / (1.0 - v)).ln();
    problem.priors = Priors {
        target_inventory: Some(Prior::LogNormal {
            shift: 0.0,
            median: 1.0,
            sigma: 1.0,
        }),
        adjustment_time: Some(Prior::LogNormal {
            shift: 0.0,
            median: 1.0,
            sigma: 1.0,
        }),
        severity: Some(Prior::LogitNormal {
            median: 0.5,
            sigma: 1.0,
        }),
        recovery_rate: Some(Prior::LogNormal {
            shift: 0.0,
            median: 1.0,
            sigma: 1.0,
        }),
        ..Priors::default()
    };
    let hits = || case.shock.events.iter();
    let u = (case.params.target_inventory.iter())
        .chain(&case.params.adjustment_time)
        .map(|v| v.ln())
        .chain(hits().map(|e| logit(e.severity[0])))
        .chain(hits().map(|e| e.recovery_rate[0].ln()))
        .collect();
    (problem, u)
}

#[test]
fn particles_side_by_side_have_the_same_gradient() {
    for folder in cases() {
        let case = load(&folder);
        let (problem, u) = problem(&case);
        let objective = Objective::new(&problem).expect("an objective");
        let alone = objective.gradient(&u).expect("a gradient");
        let chain = case.params.target_inventory.iter().zip(&case.gradient[0]);
        let expected: Vec<f64> = chain.map(|(n, g)| n * g).collect();
        let name = folder.display().to_string();
        close(&alone.gradient[..expected.len()], &expected, 1e-9, &name);
        for particles in [4, 8] {
            let found = objective.gradient(&u.repeat(particles)).expect("gradients");
            let repeated = alone.gradient.repeat(particles);
            close(&found.gradient, &repeated, 1e-12, &name);
        }
    }
}

#[test]
fn a_large_network_of_copies_has_the_same_gradient() {
    for folder in cases() {
        let case = load(&folder);
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
        let whole = |of: &[f64], n: usize| -> Vec<f64> {
            let mut sums = vec![0.0; n];
            of.iter().enumerate().for_each(|(k, g)| sums[k % n] += g);
            sums
        };
        let name = folder.display().to_string();
        assert!((found.loss - case.loss).abs() < 1e-11, "{name}");
        let [n, tau, delta, rate] = &case.gradient;
        close(&whole(&found.target_inventory, firms), n, 1e-8, &name);
        close(&whole(&found.adjustment_time, firms), tau, 1e-8, &name);
        close(&whole(&found.severity, delta.len()), delta, 1e-8, &name);
        close(&whole(&found.recovery_rate, rate.len()), rate, 1e-8, &name);
    }
}
