//! Behaviours of firms as a user meets them: refusals, warnings, presets, attribution, files, and the comparison of
//! assumptions.

#[path = "common/everything.rs"]
#[allow(unreachable_pub, dead_code)]
mod everything;
#[path = "common/folder.rs"]
#[allow(unreachable_pub, dead_code)]
mod folder;

use bullwhip::prelude::*;
use everything::{economy, everything, parameters, simulation};

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
