//! Laws that every behaviour keeps: each member of each family, with each member of every other, on economies with firms
//! without inputs, dead firms, short stocks, products, lags, classes, damage and total outages.

mod world;

use super::economy::{Each, Run, State};
use super::{Division, Model, Rationing};
use crate::number::{Dual, Row};
use proptest::prelude::*;
use world::{Choice, FIRMS, PERIODS, SAME, World, members, number, pairs, plain_world, run, world};

#[test]
fn without_a_shock_nothing_changes() {
    for (seed, model) in pairs().into_iter().enumerate() {
        let World { layout, numbers } = world(model, seed as u64, &SAME, 1.0, true);
        for (_, output) in &run(&layout, &numbers)[1..] {
            for (x, x0) in output.iter().zip(&layout.steady) {
                assert!(
                    (x - x0).abs() <= 1e-9 * x0.max(1.0),
                    "{seed} {model:?}: {x} {x0}"
                );
            }
        }
    }
}

#[test]
fn goods_are_neither_made_of_nothing_nor_lost() {
    let mut short = 0;
    for (seed, model) in pairs().into_iter().enumerate() {
        let World { layout, numbers } = world(model, seed as u64, &SAME, 1.0, false);
        let mut run = Run::new(&layout, &numbers);
        let mut before = run.start();
        for t in 1..=PERIODS {
            let mut after = State::zeros(&layout);
            run.step(t, &before, &mut after);
            let work = run.work();
            let mut delivered = [0.0; FIRMS];
            for k in 0..layout.links() {
                let j = layout.supplier[k] as usize;
                let slot = layout.slot.get(k).map_or(0, |s| *s as usize);
                let order = before.orders[k];
                let usual = layout.usual(k);
                let goods = layout
                    .delivered(&numbers, (order, usual), (j, slot), work)
                    .0[0];
                assert!(
                    (-1e-12..=order.0[0] + 1e-9).contains(&goods),
                    "{seed} {model:?}"
                );
                delivered[j] += layout.coefficient[k] * goods;
                assert!(after.stock[k].0[0] >= -1e-9, "{seed} {model:?}, period {t}");
                assert!(after.orders[k].0[0] >= 0.0, "{seed} {model:?}");
            }
            for (b, builder) in layout.builders.iter().enumerate() {
                delivered[builder.firm] += work.rebuilt[b].0[0];
            }
            for (j, delivered) in delivered.iter().enumerate() {
                let outside = layout.outside(&numbers, t, j).0[0];
                let unmet = layout.unmet(&numbers, t, (&before, work), j).0[0];
                let (x, demand) = (work.output[j].0[0], before.demand[j].0[0]);
                assert!((-1e-12..=demand + 1e-9).contains(&x), "{seed} {model:?}");
                assert!(
                    (-1e-9..=outside + 1e-9).contains(&unmet),
                    "{seed} {model:?} {unmet}"
                );
                let all = delivered + outside - unmet;
                assert!(
                    (all - x).abs() <= 1e-9 * x.max(1.0),
                    "{seed} {model:?}: {all} of {x}"
                );
                short += usize::from(x < 0.99 * demand);
            }
            before = after;
        }
    }
    assert!(short > 1000, "the scenario does nothing");
}

#[test]
fn a_larger_economy_behaves_as_a_smaller_one() {
    for (seed, model) in pairs().into_iter().enumerate() {
        let of = |factor: f64| {
            let mut of = world(model, seed as u64, &SAME, factor, false);
            of.numbers.open.fill(Row::all(1.0));
            run(&of.layout, &of.numbers)
        };
        for ((_, small), (_, large)) in of(1.0).iter().zip(&of(3.5)) {
            for (a, b) in small.iter().zip(large) {
                assert!(
                    (3.5 * a - b).abs() <= 1e-9 * b.max(1.0),
                    "{seed} {model:?}: {a} {b}"
                );
            }
        }
    }
}

#[test]
fn other_numbers_of_firms_change_nothing_else() {
    let order = [3, 7, 1, 9, 0, 5, 8, 2, 6, 4];
    for (seed, model) in pairs().into_iter().enumerate() {
        let of = |order: &[usize]| {
            let mut of = world(model, seed as u64, order, 1.0, false);
            of.numbers.open.fill(Row::all(1.0));
            run(&of.layout, &of.numbers)
        };
        for ((_, own), (_, other)) in of(&SAME).iter().zip(&of(&order)) {
            for (to, x) in other.iter().enumerate() {
                let expected = own[order[to]];
                let close = (x - expected).abs() <= 1e-9 * expected.max(1.0);
                assert!(close, "{seed} {model:?}: {x} {expected}");
            }
        }
    }
}

#[test]
fn plain_links_do_what_all_links_do() {
    let mut plain = 0;
    for (seed, model) in pairs().into_iter().enumerate() {
        let mut of = plain_world(model, seed as u64);
        if !of.layout.is_plain() {
            continue;
        }
        plain += 1;
        adjoint_of(&of, &format!("{model:?}, seed {seed}"));
        let fast = run(&of.layout, &of.numbers);
        of.layout.forget_plain();
        for ((_, a), (_, b)) in fast.iter().zip(&run(&of.layout, &of.numbers)) {
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() <= 1e-12 * a.max(1.0), "{model:?}");
            }
        }
    }
    assert!(plain > 200, "{plain}");
}

/// <J v, w> = <v, Jᵀ w>: the slope of a weighted sum of outputs in a direction, by dual numbers and by the adjoint.
fn adjoint_agrees(model: Model, seed: u64) {
    let of = world(model, seed, &SAME, 1.0, false);
    adjoint_of(&of, &format!("{model:?}, seed {seed}"));
}

fn adjoint_of(World { layout, numbers }: &World, what: &str) {
    let seed = 7;
    let weights: Vec<f64> = (0..PERIODS * FIRMS)
        .map(|k| number(seed, 2000 + k) - 0.4)
        .collect();
    let mut forward = Run::new(layout, numbers);
    let mut states = vec![forward.start()];
    for t in 1..=PERIODS {
        let mut after = State::zeros(layout);
        forward.step(t, &states[t - 1], &mut after);
        states.push(after);
    }
    // A firm that is out may order what rounding left of nothing: what is delivered of that has no slope worth the name.
    let rounding = |o: &Row<f64, 1>| o.0[0] > 0.0 && o.0[0] < 1e-9;
    if states.iter().any(|s| s.orders.iter().any(rounding)) {
        return;
    }
    let mut pull = forward.pull();
    for t in (1..=PERIODS).rev() {
        let weight = |i: usize| Row::all(weights[(t - 1) * FIRMS + i]);
        forward.back(t, &states[t - 1], weight, &mut pull);
    }
    let to = forward.end(&states[0], pull);
    for which in 0..to.rows().len() {
        let length = to.rows()[which].len();
        let along = |k: usize| number(seed, 3000 + 50 * which + k) - 0.5;
        let dual =
            numbers.map(|field, k, v| Dual::new(v, if field == which { along(k) } else { 0.0 }));
        let outputs = run(layout, &dual);
        let outputs = outputs.iter().flat_map(|(_, output)| output);
        let forward: f64 = outputs.zip(&weights).map(|(x, w)| x.slope * w).sum();
        let back: f64 = (0..length)
            .map(|k| to.rows()[which][k].0[0] * along(k))
            .sum();
        assert!(
            (forward - back).abs() <= 1e-8 * forward.abs().max(1.0),
            "{what}, field {which}: {forward} and {back}"
        );
    }
}

#[test]
fn the_adjoint_of_each_pair_is_that_of_dual_numbers() {
    for (seed, model) in pairs().into_iter().enumerate() {
        adjoint_agrees(model, seed as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    /// Any combination of all members, on any economy.
    #[test]
    fn the_adjoint_of_any_combination_is_that_of_dual_numbers(
        chosen in prop::collection::vec(0usize..100, 10),
        seed in 0u64..1_000_000,
    ) {
        let mut model = Model {
            final_class: (seed % 3) as i32 - 1,
            rebuild_class: (seed % 2) as i32,
            ..Model::default()
        };
        let all = members();
        for (family, k) in chosen.iter().enumerate() {
            let own: Vec<&Choice> = all.iter().filter(|(f, _)| *f == family).collect();
            (own[k % own.len()].1)(&mut model);
        }
        adjoint_agrees(model, seed);
    }
}

#[test]
fn equal_classes_and_no_mix_are_proportional() {
    for rationing in Rationing::ALL {
        let run_of = |rationing: Rationing, mix: f64| {
            let model = Model {
                rationing,
                ..Model::default()
            };
            let mut of = world(model, 7, &SAME, 1.0, false);
            of.numbers.mix = Each::all(mix);
            run(&of.layout, &of.numbers)
        };
        let (plain, none) = (
            run_of(Rationing::Proportional, 1.0),
            run_of(*rationing, 0.0),
        );
        for ((_, a), (_, b)) in plain.iter().zip(&none) {
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() <= 1e-12 * a.max(1.0), "{rationing:?}");
            }
        }
    }
}

#[test]
fn divisions_of_single_links_are_the_same() {
    let run_of = |division: Division| {
        let model = Model {
            division,
            ..Model::default()
        };
        let mut of = world(model, 11, &SAME, 1.0, false);
        // Under `Capacity` they are, unless a supplier's is 0.
        of.numbers
            .capacity
            .iter_mut()
            .for_each(|z| *z = Row::all(z.0[0].max(0.1)));
        run(&of.layout, &of.numbers)
    };
    let plain = run_of(Division::PerLink);
    for division in Division::ALL {
        for ((_, a), (_, b)) in plain.iter().zip(&run_of(*division)) {
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() <= 1e-12 * a.max(1.0), "{division:?}");
            }
        }
    }
}
