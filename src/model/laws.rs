//! Laws that every member of every family keeps, alone and with all others: a new member stands under them at once.

use super::production::host as production;
use super::rationing::host as rationing;
use super::reference::{Economy, Gradient, State};
use super::{Model, Production, Rationing};
use crate::network::{Firms, Links, Network, Synthetic};
use crate::number::{Dual, PADDING, Real};

/// All models: each member with each of the other families.
fn models() -> Vec<Model> {
    let of = |production: &Production| {
        let with = |rationing: &Rationing| Model {
            production: *production,
            rationing: *rationing,
        };
        Rationing::ALL.iter().map(with).collect::<Vec<_>>()
    };
    Production::ALL.iter().flat_map(of).collect()
}

fn network(seed: u64) -> Network {
    Network::synthetic(&Synthetic {
        firms: 14,
        mean_suppliers: 2.5,
        regions: 2,
        sectors: 2,
        seed,
        ..Synthetic::default()
    })
    .expect("an economy")
}

/// The same economy with so many times its final demand.
fn times(made: &Network, factor: f64) -> Network {
    let whole = |v: &[u32]| v.iter().map(|i| *i as usize).collect();
    let name = |i: usize| format!("R{i}");
    Network::new(
        Firms {
            region: (0..made.firms()).map(name).collect(),
            sector: (0..made.firms()).map(name).collect(),
            final_demand: made.final_demand().iter().map(|d| factor * d).collect(),
            ..Firms::default()
        },
        Links {
            buyer: whole(made.buyer()),
            supplier: whole(made.supplier()),
            coefficient: made.coefficient().to_vec(),
            ..Links::default()
        },
    )
    .expect("an economy")
}

const PERIODS: usize = 12;

/// Numbers in 0..1 that look random, the same every time.
fn number(k: usize) -> f64 {
    ((k as f64 * 0.754_877_666 + 0.31).fract() * 7.3).fract()
}

/// n and τ of each firm; capacities that are cut from period 3 on, harder for some.
fn inputs(network: &Network) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let firms = network.firms();
    let n = (0..firms).map(|i| 1.3 + 2.0 * number(i)).collect();
    let tau = (0..firms).map(|i| 1.5 + 4.0 * number(i + 50)).collect();
    let left = |t: usize, i: usize| match t {
        0..2 => 1.0,
        _ => 1.0 - 0.8 * number(i + 90) * (-0.1 * (t as f64 - 2.0)).exp(),
    };
    let remaining = (0..PERIODS).flat_map(|t| (0..firms).map(move |i| left(t, i)));
    (n, tau, remaining.collect())
}

fn economy(network: &Network, model: Model) -> Economy<'_> {
    Economy {
        network,
        model,
        slack: 0.2,
    }
}

/// Every period's state and output.
fn run<R: Real>(
    economy: &Economy<'_>,
    (n, tau, remaining): (&[R], &[R], &[R]),
) -> Vec<(State<R>, Vec<R>)> {
    let firms = economy.network.firms();
    let mut all = Vec::new();
    let of = |t: usize, i: usize| remaining[(t - 1) * firms + i];
    economy.run((n, tau), of, PERIODS, |_, state, output| {
        all.push((state.clone(), output.to_vec()));
        true
    });
    all
}

#[test]
fn without_a_shock_nothing_changes() {
    for (seed, model) in models().into_iter().enumerate() {
        let network = network(seed as u64);
        let (n, tau, remaining) = inputs(&network);
        let economy = economy(&network, model);
        let calm = vec![1.0; remaining.len()];
        for (state, output) in run(&economy, (&n, &tau, &calm)) {
            for (i, x0) in network.output().iter().enumerate() {
                for found in [output[i], state.demand[i]] {
                    assert!((found - x0).abs() <= 1e-9 * x0.max(1.0), "{model:?}");
                }
            }
        }
    }
}

#[test]
fn goods_are_neither_made_of_nothing_nor_lost() {
    for (seed, model) in models().into_iter().enumerate() {
        let network = network(seed as u64);
        let (n, tau, remaining) = inputs(&network);
        let economy = economy(&network, model);
        let (first, _) = economy.start(&n, &tau);
        let mut before = first;
        let mut short = false;
        for (t, (state, output)) in run(&economy, (&n, &tau, &remaining))
            .into_iter()
            .enumerate()
        {
            let mut to_firms = vec![0.0; network.firms()];
            for (e, (i, j)) in network.buyer().iter().zip(network.supplier()).enumerate() {
                let (i, j) = (*i as usize, *j as usize);
                // What arrived is what the stock has more than what was used of it.
                let arrived = state.stock[e] - before.stock[e] + output[i];
                assert!(arrived >= -1e-9 && arrived <= before.orders[e] * (1.0 + 1e-9) + 1e-9);
                to_firms[j] += network.coefficient()[e] * arrived;
                assert!(state.stock[e] >= -1e-9, "{model:?}, period {t}");
            }
            for (j, delivered) in to_firms.iter().enumerate() {
                let (x, demand) = (output[j], before.demand[j]);
                assert!((-1e-12..=demand * (1.0 + 1e-12) + 1e-12).contains(&x));
                short |= x < 0.99 * demand;
                // Final demand gets the rest, no more than it asked for.
                let rest = x - delivered;
                let outside = network.final_demand()[j];
                assert!(
                    (-1e-9..=outside + 1e-9 * x.max(1.0)).contains(&rest),
                    "{model:?}, period {t}: {rest} of {outside}"
                );
            }
            before = state;
        }
        assert!(short, "{model:?}: the shock does nothing");
    }
}

#[test]
fn a_larger_economy_behaves_as_a_smaller_one() {
    for (seed, model) in models().into_iter().enumerate() {
        let made = network(seed as u64);
        let (n, tau, remaining) = inputs(&made);
        let larger = times(&made, 3.5);
        let small = run(&economy(&made, model), (&n, &tau, &remaining));
        let large = run(&economy(&larger, model), (&n, &tau, &remaining));
        for ((_, small), (_, large)) in small.iter().zip(&large) {
            for (a, b) in small.iter().zip(large) {
                assert!((3.5 * a - b).abs() <= 1e-9 * b.max(1.0), "{model:?}");
            }
        }
    }
}

/// <J v, w> = <v, Jᵀ w>: the slope of a weighted sum of outputs in a direction, by dual numbers and by the adjoint.
#[test]
fn the_adjoint_of_a_run_is_that_of_dual_numbers() {
    for (seed, model) in models().into_iter().enumerate() {
        let network = network(seed as u64);
        let (n, tau, remaining) = inputs(&network);
        let economy = economy(&network, model);
        let firms = network.firms();
        let weights: Vec<f64> = (0..PERIODS * firms).map(|k| number(k + 7) - 0.4).collect();
        let Gradient {
            target_inventory,
            adjustment_time,
            remaining: to_remaining,
        } = economy.gradient(
            (&n, &tau),
            |t, i| remaining[(t - 1) * firms + i],
            PERIODS,
            |_| weights.clone(),
        );
        for direction in 0..3 {
            let along = |values: &[f64], which: usize| -> (Vec<Dual>, Vec<f64>) {
                let slope = |k: usize| match which == direction {
                    true => number(k + 31 * direction) - 0.5,
                    false => 0.0,
                };
                let slopes: Vec<f64> = (0..values.len()).map(slope).collect();
                let both = values.iter().zip(&slopes);
                (both.map(|(v, s)| Dual::new(*v, *s)).collect(), slopes)
            };
            let (dual_n, v) = along(&n, 0);
            let (dual_tau, w) = along(&tau, 1);
            let (dual_left, z) = along(&remaining, 2);
            let outputs = run(&economy, (&dual_n, &dual_tau, &dual_left));
            let outputs = outputs.iter().flat_map(|(_, output)| output);
            let forward: f64 = outputs.zip(&weights).map(|(x, w)| x.slope * w).sum();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let back =
                dot(&target_inventory, &v) + dot(&adjustment_time, &w) + dot(&to_remaining, &z);
            assert!(
                (forward - back).abs() <= 1e-9 * forward.abs().max(1.0),
                "{model:?}, direction {direction}: {forward} and {back}"
            );
        }
    }
}

/// Each rule's adjoint, by dual numbers, away from its kinks.
#[test]
fn the_adjoint_of_each_rule_is_that_of_dual_numbers() {
    let fixed = |v: f64| Dual::new(v, 0.0);
    for kind in Rationing::ALL {
        // What is made is less than what firms order, or more.
        for (x, demand, outside) in [(3.0, 7.0, 2.0), (6.0, 7.0, 2.0), (0.0, 7.0, 7.5)] {
            let by_output =
                rationing::offer(*kind, Dual::new(x, 1.0), fixed(demand), fixed(outside));
            let by_demand =
                rationing::offer(*kind, fixed(x), Dual::new(demand, 1.0), fixed(outside));
            let found = rationing::offer_to_output(*kind, x, demand, outside, 0.7);
            assert!((0.7 * by_output.slope - found).abs() < 1e-12, "{kind:?}");
            let found = rationing::offer_to_demand(*kind, x, demand, outside, 0.7);
            assert!((0.7 * by_demand.slope - found).abs() < 1e-12, "{kind:?}");
            let offer: f64 = rationing::offer(*kind, x, demand, outside);
            assert!((0.0..=1.0).contains(&offer) && offer * (demand - outside) <= x + 1e-12);
        }
        // Where nobody orders nothing is divided by nothing.
        let none: f64 = rationing::offer(*kind, 0.0, 0.0, 0.0);
        assert_eq!(none, 0.0, "{kind:?}");
    }
    for kind in Production::ALL {
        for (full, z, lowest) in [(5.0, 0.5, 3.0), (5.0, 0.9, 1.2), (5.0, 0.7, PADDING)] {
            let of = |z: Dual, lowest: Dual| production::limit(*kind, z * fixed(full), z, lowest);
            let unfed = f64::from(u8::from(lowest == PADDING));
            let limit = of(fixed(z), fixed(lowest)).value;
            let own = production::own_limits(*kind, limit, z * full, unfed) > 0.0;
            let (to_z, to_lowest) = match own {
                true => (full, 0.0),
                false => (
                    production::slope_in_factor(*kind, lowest),
                    production::slope_in_lowest(*kind, z),
                ),
            };
            let by_z = of(Dual::new(z, 1.0), fixed(lowest)).slope;
            let by_lowest = of(fixed(z), Dual::new(lowest, 1.0)).slope;
            assert!((by_z - to_z).abs() < 1e-12, "{kind:?} {z} {lowest}");
            assert!(
                (by_lowest - to_lowest).abs() < 1e-12,
                "{kind:?} {z} {lowest}"
            );
        }
    }
}
