//! Every parameter of every behaviour can be calibrated: its gradient is that of differences, at all levels.

#[path = "common/everything.rs"]
#[allow(unreachable_pub, dead_code)]
mod everything;

use bullwhip::prelude::*;
use everything::{economy, everything, parameters, simulation};

/// A problem in which one parameter varies.
fn problem(network: &Network, parameter: Parameter, per: Per) -> Problem {
    let shock = everything(network);
    let inputs = matches!(parameter.domain(), Domain::Input);
    let params = parameters(network, inputs);
    let truth = simulate(network, &params, &shock, &simulation()).expect("a run");
    let mut observed = truth.observe();
    let values = observed.values.iter_mut().enumerate();
    values.for_each(|(k, v)| *v *= 1.0 + 0.02 * ((k % 7) as f64 - 3.0));
    let mut problem = Problem::new(network, &shock, &observed);
    problem.simulation = simulation();
    problem.params = params;
    let mut priors = Priors::none();
    *priors.of_mut(parameter) = Some(Priors::sensible(parameter));
    *priors.per.get_mut(parameter) = per;
    problem.priors = priors;
    problem
}

/// The gradient in every coordinate, by central differences.
fn assert_gradient(problem: &Problem, what: &str) {
    let objective = Objective::new(problem).unwrap_or_else(|e| panic!("{what}: {e}"));
    let n = objective.dimension();
    assert!(n > 0, "{what}");
    let u: Vec<f64> = (0..n).map(|k| 0.3 * (k as f64 * 1.7 + 0.4).sin()).collect();
    let found = objective.gradient(&u).expect("a gradient").gradient;
    let size = found.iter().fold(1e-12f64, |m, v| m.max(v.abs()));
    for k in (0..n).step_by((n / 12).max(1)) {
        let at = |d: f64| {
            let mut u = u.clone();
            u[k] += d;
            objective.loss(&u).expect("a loss")[0]
        };
        // A kink within the step is no error: one of the steps sees none.
        let differences = [1e-4, 1e-5, 1e-6].map(|h| (at(h) - at(-h)) / (2.0 * h));
        let close = |d: &f64| (found[k] - d).abs() < 2e-5 * size + 1e-9;
        assert!(
            differences.iter().any(close),
            "{what}, coordinate {k}: {} and {differences:?}, largest {size}",
            found[k]
        );
    }
}

#[test]
fn every_parameter_can_be_calibrated() {
    let network = economy();
    for parameter in Parameter::ALL {
        let problem = problem(&network, *parameter, Per::Firm);
        assert_gradient(&problem, parameter.name());
    }
}

#[test]
fn parameters_can_be_those_of_regions_and_of_all() {
    let network = economy();
    for per in [Per::Region, Per::Sector, Per::All, Per::FirmInSector(0.4)] {
        for parameter in [
            Parameter::Slack,
            Parameter::Overproduction,
            Parameter::Criticality,
            Parameter::DemandChange,
        ] {
            let problem = problem(&network, parameter, per);
            assert_gradient(&problem, &format!("{} {per:?}", parameter.name()));
        }
    }
}

#[test]
fn unknown_paths_walk_at_random() {
    let network = economy();
    for per in [
        Per::Walk(0.3),
        Per::RegionWalk(0.2),
        Per::SectorWalk(0.2),
        Per::GroupWalk(0.5),
    ] {
        assert_gradient(
            &problem(&network, Parameter::CapacityPath, per),
            &format!("{per:?}"),
        );
    }
    // Of one that walks in large steps the later periods differ more.
    let problem = problem(&network, Parameter::CapacityPath, Per::Walk(2.0));
    assert_eq!(problem.unknowns(), [(Parameter::CapacityPath, 3)]);
    let mut wrong = problem.clone();
    wrong.priors = Priors::none();
    wrong.priors.slack = Some(Priors::sensible(Parameter::Slack));
    wrong.priors.per.slack = Per::Walk(0.2);
    let refused = Objective::new(&wrong).err().expect("refused").to_string();
    assert!(
        refused.contains("only a path over periods can walk"),
        "{refused}"
    );
}

#[test]
fn a_behaviour_is_calibrated_and_predicts() {
    let network = economy();
    let problem = problem(&network, Parameter::Slack, Per::All);
    let svi = Svi {
        steps: 30,
        ..Svi::default()
    };
    let posterior = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a fit");
    assert_eq!(posterior.learnt(Parameter::Slack).expect("slack").len(), 1);
    let prediction = posterior
        .predict(&problem, &problem.shock, 20)
        .expect("a prediction");
    assert!(prediction.samples.iter().all(|v| v.is_finite()));
}
