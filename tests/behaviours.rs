//! Behaviours of firms as a user meets them: refusals, warnings, presets, attribution, files, calibration of every parameter,
//! and the comparison of assumptions.

#[path = "common/folder.rs"]
#[allow(unreachable_pub, dead_code)]
mod folder;

use bullwhip::prelude::*;

/// An economy of 24 firms with products, lags and classes.
fn economy() -> Network {
    let made = Network::synthetic(&Synthetic {
        firms: 24,
        mean_suppliers: 4.0,
        regions: 2,
        sectors: 3,
        seed: 5,
        ..Synthetic::default()
    })
    .expect("an economy");
    let links = made.links();
    let lags: Vec<u32> = (0..links).map(|e| (e % 5 == 0) as u32 * 2).collect();
    let classes: Vec<i32> = (0..links).map(|e| (e % 3) as i32).collect();
    made.with_lags(&lags)
        .and_then(|n| n.with_classes(&classes))
        .expect("links")
}

/// A scenario of every kind.
fn everything(network: &Network) -> Shock {
    let hold = |mut e: Event| {
        e.hold = vec![1.5; e.firms.len()];
        e.steepness = vec![2.2; e.firms.len()];
        e.recovery = Recovery::Hill;
        e
    };
    Shock {
        events: vec![
            hold(Shock::firms(&[0, 3, 7], 3, 0.55, 0.2).events[0].clone()),
            Shock::firms(&[5, 6], 4, 0.4, 0.15)
                .recovering(Recovery::Damped)
                .events[0]
                .clone(),
        ],
        demand: vec![DemandEvent {
            start: 2,
            firms: vec![1, 4],
            demand_change: vec![-0.3, 0.25],
            demand_recovery_rate: vec![0.13, 0.17],
            demand_steepness: vec![1.7, 2.1],
            demand_hold: vec![0.4, 1.3],
            recovery: Recovery::Hill,
        }],
        links: vec![LinkEvent {
            start: 3,
            links: vec![2, 9],
            link_severity: vec![0.6, 0.3],
            link_recovery_rate: vec![0.3, 0.4],
            link_steepness: vec![1.6, 1.4],
            link_hold: vec![0.3, 1.2],
            recovery: Recovery::Hill,
        }],
        capacity_path: Cells::path(&[8, 9], 5, &[0.8, 0.7, 0.9]),
        demand_path: Cells::path(&[2], 6, &[1.1, 0.8]),
        extra_demand: Cells::path(&[10], 7, &[0.4]),
        rebuilding: vec![Rebuilding {
            start: 4,
            hold: 1,
            firms: vec![11, 12],
            damage: vec![0.8, 1.1],
            households: 0.5,
            builders: vec![13, 14],
            builder_share: vec![0.45, 0.55],
            rebuilding_time: 6.0,
            rebuilding_factor: 0.9,
        }],
    }
    .checked(network)
}

trait Checked: Sized {
    fn checked(self, network: &Network) -> Self;
}

impl Checked for Shock {
    fn checked(self, network: &Network) -> Self {
        self.check(network).expect("a scenario");
        self
    }
}

/// Parameters of all kinds, away from their bounds.
fn parameters(network: &Network, inputs: bool) -> Params {
    let m = network.firms();
    let some = |low: f64, step: f64| (0..m).map(|i| low + step * (i % 5) as f64).collect();
    let mut params = Params {
        target_inventory: some(1.7, 0.13),
        adjustment_time: some(4.1, 0.31),
        slack: some(0.11, 0.013),
        stretching: some(0.62, 0.03),
        mix: some(0.55, 0.07),
        trust_rate: some(0.3, 0.05),
        trust_floor: some(0.1, 0.02),
        overproduction: some(1.2, 0.03),
        overproduction_time: some(5.0, 0.7),
        supply_line: some(0.6, 0.05),
        capital: some(9.0, 0.5),
        ..Params::default()
    };
    if inputs {
        let count = network.inputs(Substitution::Product);
        params.input_inventory = (0..count).map(|g| 1.6 + 0.1 * (g % 7) as f64).collect();
        params.input_time = (0..count).map(|g| 4.2 + 0.2 * (g % 4) as f64).collect();
        params.criticality = (0..count).map(|g| 0.4 + 0.1 * (g % 5) as f64).collect();
    }
    params
}

fn model() -> Model {
    Model {
        rationing: Rationing::Priority,
        final_class: 1,
        rebuild_class: 2,
        substitution: Substitution::Product,
        division: Division::Delivered,
        overproduction: Overproduction::Smooth,
        need: Need::Capped,
        target: StockTarget::Demand,
        stock_seen: StockSeen::After,
        ..Model::default()
    }
}

fn simulation() -> Simulation {
    Simulation {
        periods: 14,
        model: model(),
        precision: Precision::Double,
        device: Device::Cpu,
        ..Simulation::default()
    }
}

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

fn refusal(result: bullwhip::Result<Trajectory>) -> String {
    result.expect_err("refused").to_string()
}

#[test]
fn what_the_law_refuses_is_refused_with_a_remedy() {
    let network = economy();
    let good = parameters(&network, false);
    let run =
        |params: &Params, shock: &Shock| refusal(simulate(&network, params, shock, &simulation()));
    let with = |change: &dyn Fn(&mut Params)| {
        let mut params = good.clone();
        change(&mut params);
        run(&params, &Shock::none())
    };
    for (told, found) in [
        ("between 0 and 1", with(&|p| p.stretching[2] = 1.1)),
        ("between 0 and 1", with(&|p| p.mix[0] = -0.1)),
        ("between 0 and 1", with(&|p| p.trust_rate[0] = 2.0)),
        ("above 0 and at most 1", with(&|p| p.trust_floor[0] = 0.0)),
        ("of at least 1", with(&|p| p.overproduction[0] = 0.9)),
        ("of at least 1", with(&|p| p.overproduction_time[0] = 0.5)),
        ("between 0 and 1", with(&|p| p.supply_line[0] = 1.5)),
        ("values for 24 firms", with(&|p| p.slack.truncate(3))),
        (
            "inputs under substitution product",
            with(&|p| p.criticality = vec![1.0; 3]),
        ),
    ] {
        assert!(found.contains(told), "{told}: {found}");
    }
    let of = |change: &dyn Fn(&mut Shock)| {
        let mut shock = everything(&network);
        change(&mut shock);
        run(&good, &shock)
    };
    for (told, found) in [
        (
            "of at least -1",
            of(&|s| s.demand[0].demand_change[0] = -1.2),
        ),
        ("add up to", of(&|s| s.rebuilding[0].builder_share[0] = 0.9)),
        ("which has", of(&|s| s.rebuilding[0].damage[0] = 1e3)),
        (
            "rebuilding_time",
            of(&|s| s.rebuilding[0].rebuilding_time = 0.2),
        ),
        ("is given twice", of(&|s| s.capacity_path.period[1] = 5)),
        ("of at least 0", of(&|s| s.capacity_path.value[1] = -0.1)),
        (
            "damped recovery is that of firms",
            of(&|s| s.demand[0].recovery = Recovery::Damped),
        ),
        (
            "is not defined",
            of(&|s| {
                s.demand[0].recovery = Recovery::Geometric;
                s.demand[0].demand_recovery_rate[0] = 1.2;
            }),
        ),
        (
            "links are counted from 0",
            of(&|s| s.links[0].links[0] = 99_999),
        ),
        (
            "give a whole number",
            of(&|s| s.events[1].hold = vec![0.5, 1.0]),
        ),
    ] {
        assert!(found.contains(told), "{told}: {found}");
    }
    let mut without = good.clone();
    without.capital.clear();
    let found = run(&without, &everything(&network));
    assert!(found.contains("no firm has any"), "{found}");
}

#[test]
fn orders_that_oscillate_for_ever_are_warned_of() {
    let network = economy();
    let params = Params::uniform(&network, 2.0, 0.9);
    let warned = |stock_seen| {
        let simulation = Simulation {
            model: Model {
                stock_seen,
                ..Model::default()
            },
            ..Simulation::default()
        };
        let run = simulate(&network, &params, &Shock::none(), &simulation).expect("a run");
        run.warnings.join(" ")
    };
    assert!(warned(StockSeen::Before).contains("oscillate for ever"));
    assert!(!warned(StockSeen::After).contains("oscillate for ever"));
    // Goods in transit that are not counted make it worse.
    let mut forgetful = Params::uniform(&network, 2.0, 3.0);
    forgetful.supply_line = vec![0.0; network.firms()];
    let run = simulate(&network, &forgetful, &Shock::none(), &Simulation::default());
    let told = run.expect("a run").warnings.join(" ");
    assert!(told.contains("goods in transit"), "{told}");
}

#[test]
fn presets_run_and_rest_in_their_steady_state() {
    let network = economy();
    for preset in Preset::ALL {
        let simulation = Simulation {
            periods: 25,
            precision: Precision::Double,
            ..preset.simulation()
        };
        let params = preset.params(&network, &Params::usual(&network));
        let calm = simulate(&network, &params, &Shock::none(), &simulation).expect("a run");
        assert!(calm.loss_share().abs() < 1e-9, "{}", preset.name());
        let shock = Shock::sector(&network, "S1", 3, 0.5, 0.2).expect("a sector");
        let run = simulate(&network, &params, &shock, &simulation).expect("a run");
        assert!(run.loss_share() > 1e-4, "{}", preset.name());
        assert_eq!(run.model, preset.model());
        assert!(run.text().contains("behaviour"), "{}", run.text());
    }
}

#[test]
fn losses_by_cause_add_up_to_the_loss() {
    let network = economy();
    let simulation = Simulation {
        record: Record::Everything,
        ..simulation()
    };
    let params = parameters(&network, true);
    let run = simulate(&network, &params, &everything(&network), &simulation).expect("a run");
    let found = run.attribution().expect("causes");
    let whole: f64 = found.shares().iter().sum();
    assert!((whole - run.loss_share()).abs() < 1e-12);
    let by_input: f64 = found.products_short().iter().map(|(_, share)| share).sum();
    assert!((by_input - found.shares()[Cause::Input as usize]).abs() < 1e-12);
    let unmet: f64 = found.unmet.iter().sum();
    assert!((unmet - run.unmet.iter().sum::<f64>()).abs() < 1e-9);
    assert!(found.bottlenecks.len() <= 10);
    let frame = found.frame().expect("a frame");
    assert_eq!(frame.height(), 14 * network.regions().len() * 3);
    found.figure().svg().expect("a figure");
    assert!(found.text().contains("own capacity"), "{}", found.text());
    let plain = simulate(
        &network,
        &params,
        &Shock::none(),
        &Simulation {
            record: Record::Output,
            ..simulation
        },
    );
    let refused = plain
        .expect("a run")
        .attribution()
        .expect_err("refused")
        .to_string();
    assert!(refused.contains("Record::Everything"), "{refused}");
}

#[test]
fn what_is_new_is_kept_in_files() {
    let network = economy();
    let (shock, params) = (everything(&network), parameters(&network, true));
    let simulation = Simulation {
        record: Record::Everything,
        ..simulation()
    };
    let run = simulate(&network, &params, &shock, &simulation).expect("a run");
    let folder = folder::Folder::new("behaviours");
    for extension in ["parquet", "arrow", "csv"] {
        let file = |name: &str| folder.0.join(format!("{name}.{extension}"));
        shock.save(file("shock")).expect("written");
        assert_eq!(
            Shock::load(file("shock")).expect("read"),
            shock,
            "{extension}"
        );
        params.save(file("params")).expect("written");
        assert_eq!(
            Params::load(file("params")).expect("read"),
            params,
            "{extension}"
        );
        run.save(file("run")).expect("written");
        let again = Trajectory::load(file("run")).expect("read");
        assert_eq!(again.model, run.model);
        assert_eq!(again.limit, run.limit);
        assert_eq!(again.margin, run.margin);
        assert_eq!(again.unmet, run.unmet);
        assert_eq!(again.overproduction, run.overproduction);
        assert_eq!(again.shares, run.shares);
        assert_eq!(again.damage_left, run.damage_left);
    }
}

#[test]
fn assumptions_stand_side_by_side() {
    let network = economy();
    let shock = Shock::sector(&network, "S2", 3, 0.6, 0.1).expect("a sector");
    let simulation = Simulation {
        periods: 20,
        ..Simulation::default()
    };
    let params = Params::usual(&network);
    let observed = simulate(&network, &params, &shock, &simulation)
        .expect("a run")
        .observe();
    let variants = [
        Variant::new("indispensable", Model::default()),
        Variant::new(
            "substitutes",
            Model {
                substitution: Substitution::Product,
                ..Model::default()
            },
        ),
        Variant::preset(&network, Preset::BoarioAlt),
    ];
    let options = Assuming {
        simulation: simulation.clone(),
        draws: 6,
        observed: Some(observed.clone()),
        ..Assuming::default()
    };
    let found = assumptions(&network, &shock, &variants, &options).expect("answers");
    assert_eq!(found.variants.len(), 3);
    assert!(found.spread() > 0.0);
    assert!(found.yardsticks.is_some());
    assert!(
        found
            .variants
            .iter()
            .all(|v| v.lost.len() == 6 && v.fit.is_some())
    );
    assert_eq!(found.frame().expect("a frame").height(), 3 + 4);
    found.figure().svg().expect("a figure");
    assert!(found.text().contains("Hulten"), "{}", found.text());
    // The same draws, alone, are the same answer.
    let alone = assumptions(&network, &shock, &variants[..1], &options).expect("answers");
    assert_eq!(alone.variants[0].lost, found.variants[0].lost);
    let none = assumptions(&network, &shock, &[], &options)
        .expect_err("refused")
        .to_string();
    assert!(none.contains("there are no variants"), "{none}");
    let problem = Problem::new(&network, &shock, &observed);
    let svi = Svi {
        steps: 10,
        draws: 10,
        ..Svi::default()
    };
    let fitted = assumptions_fitted(&problem, &svi, &Run::default(), &variants, &mut ());
    let fitted = fitted.expect("fits");
    assert!(
        fitted
            .variants
            .iter()
            .all(|v| v.fit.is_some_and(f64::is_finite))
    );
}
