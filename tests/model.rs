//! The model against its golden cases, finite differences, and its accounting identities.

#[allow(dead_code, unreachable_pub, missing_docs)]
#[path = "common/case.rs"]
mod case;

use bullwhip::prelude::*;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn golden() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("tests/golden")
        .map(|entry| entry.expect("an entry").path())
        .filter(|p| p.is_dir())
        .collect();
    dirs.sort();
    dirs
}

#[test]
fn golden_cases_agree_in_values_and_gradients() {
    let dirs = golden();
    assert_eq!(dirs.len(), 4);
    for dir in dirs {
        for report in case::check(&dir).expect("a good case") {
            assert!(report.passed(), "{}", report.json());
        }
    }
}

#[test]
fn orders_and_inventories_agree_with_the_case_by_hand() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/c1_m5_hand");
    let (network, params, shock) = case::inputs(&dir).expect("a good case");
    for rule in [Production::Capacity, Production::Paper] {
        let simulation = Simulation {
            periods: 40,
            model: Model {
                production: rule,
                ..Model::default()
            },
            record: Record::Everything,
            precision: Precision::Double,
            ..Simulation::default()
        };
        let run = simulate(&network, &params, &shock, &simulation).expect("a run");
        for (name, found) in [
            ("D", &run.demand),
            ("O", &run.orders),
            ("S", &run.inventory),
        ] {
            let path = dir.join(format!("{}_{name}.csv", rule.name()));
            let text = std::fs::read_to_string(path).expect("a table");
            // Row 0 of the table is the steady state, which a trajectory does not repeat.
            let expected: Vec<f64> = text
                .lines()
                .skip(2)
                .flat_map(|l| {
                    l.split(',')
                        .skip(1)
                        .map(|c| c.parse::<f64>().expect("a number"))
                })
                .collect();
            assert_eq!(found.len(), expected.len(), "{name}");
            for (f, e) in found.iter().zip(&expected) {
                assert!((f - e).abs() <= 1e-12, "{name}: {f} against {e}");
            }
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let network = small(30, 7);
    let params = Params {
        target_inventory: (0..30).map(|i| 1.3 + 0.07 * i as f64).collect(),
        adjustment_time: (0..30).map(|i| 2.1 + 0.11 * i as f64).collect(),
        ..Params::default()
    };
    let shock = Shock::random(&network, 3, 0.4, 12, 5);
    let simulation = Simulation {
        periods: 25,
        precision: Precision::Double,
        ..Simulation::default()
    };
    let flat = vec![1.0; 25 * network.groups().len()];
    let observed = Observation::from_values(&network, flat).expect("a panel");
    let loss = |p: &Params, s: &Shock| {
        sensitivity(&network, p, s, &simulation, &observed)
            .expect("a gradient")
            .loss
    };
    let g = sensitivity(&network, &params, &shock, &simulation, &observed).expect("a gradient");
    let largest = |v: &[f64]| v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let h = 1e-6;
    for i in (0..30).step_by(5) {
        let (mut up, mut down) = (params.clone(), params.clone());
        up.target_inventory[i] += h;
        down.target_inventory[i] -= h;
        let fd = (loss(&up, &shock) - loss(&down, &shock)) / (2.0 * h);
        assert!(
            (fd - g.target_inventory[i]).abs() < 1e-5 * largest(&g.target_inventory),
            "n of {i}"
        );
        let (mut up, mut down) = (params.clone(), params.clone());
        up.adjustment_time[i] += h;
        down.adjustment_time[i] -= h;
        let fd = (loss(&up, &shock) - loss(&down, &shock)) / (2.0 * h);
        assert!(
            (fd - g.adjustment_time[i]).abs() < 1e-5 * largest(&g.adjustment_time),
            "tau of {i}"
        );
    }
    let (mut up, mut down) = (shock.clone(), shock.clone());
    up.events[0].severity[0] += h;
    down.events[0].severity[0] -= h;
    let fd = (loss(&params, &up) - loss(&params, &down)) / (2.0 * h);
    assert!(
        (fd - g.severity[0]).abs() < 1e-5 * largest(&g.severity),
        "delta"
    );
    let (mut up, mut down) = (shock.clone(), shock.clone());
    up.events[0].recovery_rate[0] += h;
    down.events[0].recovery_rate[0] -= h;
    let fd = (loss(&params, &up) - loss(&params, &down)) / (2.0 * h);
    assert!(
        (fd - g.recovery_rate[0]).abs() < 1e-5 * largest(&g.recovery_rate),
        "lambda"
    );
}

/// At the steady state demand, capacity and inputs can tie: demand comes first, so that nothing
/// that only moves a tied limit has an influence.
#[test]
fn at_a_tie_the_gradient_goes_to_demand() {
    let network = small(12, 3);
    let params = Params::uniform(&network, 1.0, 4.0);
    let simulation = Simulation {
        periods: 1,
        precision: Precision::Double,
        ..Simulation::default()
    };
    let observed =
        Observation::from_values(&network, vec![0.0; network.groups().len()]).expect("a panel");
    let g =
        sensitivity(&network, &params, &Shock::none(), &simulation, &observed).expect("a gradient");
    assert!(g.loss > 0.9);
    assert!(g.target_inventory.iter().all(|v| *v == 0.0));
}

fn small(firms: usize, seed: u64) -> Network {
    Network::synthetic(&Synthetic {
        firms,
        mean_suppliers: 3.0,
        regions: 2,
        sectors: 2,
        seed,
        ..Synthetic::default()
    })
    .expect("a synthetic economy")
}

fn everything(rule: Production) -> Simulation {
    Simulation {
        periods: 30,
        model: Model {
            production: rule,
            ..Model::default()
        },
        record: Record::Everything,
        precision: Precision::Double,
        ..Simulation::default()
    }
}

prop_compose! {
    fn economy()(
        firms in 5usize..40,
        seed in 0u64..1000,
        n in prop::collection::vec(1.0f64..5.0, 40),
        tau in prop::collection::vec(1.0f64..9.0, 40),
        paper in any::<bool>(),
    ) -> (Network, Params, Production, u64) {
        let params = Params { target_inventory: n[..firms].to_vec(), adjustment_time: tau[..firms].to_vec(), ..Params::default() };
        (small(firms, seed), params, if paper { Production::Paper } else { Production::Capacity }, seed)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_shock_is_a_fixed_point((network, params, rule, _) in economy()) {
        let run = simulate(&network, &params, &Shock::none(), &everything(rule)).expect("a run");
        for (k, x) in run.output.iter().enumerate() {
            let x0 = network.output()[k % network.firms()];
            prop_assert!((x - x0).abs() <= 1e-10 * x0);
        }
    }

    #[test]
    fn what_leaves_a_firm_is_what_it_made((network, params, rule, seed) in economy()) {
        let shock = Shock::random(&network, 3, 0.5, 15, seed);
        let run = simulate(&network, &params, &shock, &everything(rule)).expect("a run");
        let (m, e) = (network.firms(), network.links());
        // Period 0 is the steady state.
        let orders0: Vec<f64> = (0..e).map(|l| network.coefficient()[l] * network.output()[network.buyer()[l] as usize]).collect();
        let stock0: Vec<f64> = (0..e).map(|l| params.target_inventory[network.buyer()[l] as usize] * orders0[l]).collect();
        for t in 1..=run.periods {
            let before = |rows: &[f64], first: &[f64], n: usize| -> Vec<f64> {
                if t == 1 { first.to_vec() } else { rows[(t - 2) * n..(t - 1) * n].to_vec() }
            };
            let demand = before(&run.demand, network.output(), m);
            let orders = before(&run.orders, &orders0, e);
            let stock = before(&run.inventory, &stock0, e);
            let x = run.output_at(t).expect("a period");
            let mut shipped: Vec<f64> = (0..m)
                .map(|j| if demand[j] > 0.0 { network.final_demand()[j] * x[j] / demand[j] } else { 0.0 })
                .collect();
            for l in 0..e {
                let (i, j) = (network.buyer()[l] as usize, network.supplier()[l] as usize);
                let now = run.inventory[(t - 1) * e + l];
                prop_assert!(now >= 0.0);
                // What arrived is what the inventory gained beyond what was used.
                let arrived = now - stock[l] + network.coefficient()[l] * x[i];
                shipped[j] += arrived;
                let share = if demand[j] > 0.0 { x[j] / demand[j] } else { 0.0 };
                prop_assert!((arrived - orders[l] * share).abs() <= 1e-9 * (1.0 + stock[l]));
            }
            for j in 0..m {
                prop_assert!(x[j] >= 0.0 && x[j] <= demand[j] * (1.0 + 1e-12));
                prop_assert!((shipped[j] - x[j]).abs() <= 1e-8 * (1.0 + network.output()[j]), "period {t} firm {j}");
            }
        }
    }

    #[test]
    fn relabelling_firms_relabels_results((network, params, rule, seed) in economy()) {
        let m = network.firms();
        let shock = Shock::random(&network, 2, 0.5, 10, seed);
        let to = |i: usize| m - 1 - i;
        let flip = |v: &[f64]| -> Vec<f64> { v.iter().rev().copied().collect() };
        let other = Network::new(
            Firms { final_demand: flip(network.final_demand()), ..Firms::default() },
            Links {
                buyer: network.buyer().iter().map(|b| to(*b as usize)).collect(),
                supplier: network.supplier().iter().map(|s| to(*s as usize)).collect(),
                coefficient: network.coefficient().to_vec(),
                ..Links::default()
            },
        ).expect("the same economy");
        let mut moved = shock.clone();
        for event in &mut moved.events {
            for f in &mut event.firms { *f = to(*f); }
        }
        let turned = Params { target_inventory: flip(&params.target_inventory), adjustment_time: flip(&params.adjustment_time), ..Params::default() };
        let a = simulate(&network, &params, &shock, &everything(rule)).expect("a run");
        let b = simulate(&other, &turned, &moved, &everything(rule)).expect("a run");
        for t in 1..=a.periods {
            for i in 0..m {
                let (x, y) = (
                    a.output_at(t).expect("a period")[i],
                    b.output_at(t).expect("a period")[to(i)],
                );
                prop_assert!((x - y).abs() <= 1e-9 * (1.0 + network.output()[i]));
            }
        }
    }

    #[test]
    fn scaling_demand_scales_everything((network, params, rule, seed) in economy()) {
        let c = 7.5;
        let shock = Shock::random(&network, 2, 0.5, 10, seed);
        let larger = Network::new(
            Firms { final_demand: network.final_demand().iter().map(|d| c * d).collect(), ..Firms::default() },
            Links {
                buyer: network.buyer().iter().map(|b| *b as usize).collect(),
                supplier: network.supplier().iter().map(|s| *s as usize).collect(),
                coefficient: network.coefficient().to_vec(),
                ..Links::default()
            },
        ).expect("the same economy, larger");
        let a = simulate(&network, &params, &shock, &everything(rule)).expect("a run");
        let b = simulate(&larger, &params, &shock, &everything(rule)).expect("a run");
        for (k, (x, y)) in a.output.iter().zip(&b.output).enumerate() {
            prop_assert!((c * x - y).abs() <= 1e-8 * c * (1.0 + network.output()[k % network.firms()]));
        }
    }
}
