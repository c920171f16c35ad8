//! Equilibrium yardsticks against economies that are solved by hand, in closed form, or by another road.

use bullwhip::prelude::*;

/// Firm 0 buys 0.4 of firm 1, and that 0.2 of firm 0, per unit of output.
fn pair() -> Network {
    Network::new(
        Firms {
            final_demand: vec![6.0, 4.0],
            ..Firms::default()
        },
        Links {
            buyer: vec![0, 1],
            supplier: vec![1, 0],
            coefficient: vec![0.4, 0.2],
            ..Links::default()
        },
    )
    .expect("an economy")
}

fn near(found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() < 1e-12 * (1.0 + wanted.abs()),
        "{found} is not {wanted}"
    );
}

#[test]
fn leontief_and_ghosh_of_two_firms_are_those_by_hand() {
    let n = pair();
    let (x0, x1) = (6.8 / 0.92, 6.4 / 0.92);
    near(n.output()[0], x0);
    near(n.output()[1], x1);
    // Final demand of firm 0 falls by 0.6: it makes 0.6 / 0.92 less, firm 1 makes 0.4 of that less.
    let pull = leontief(&n, &[-0.1, 0.0]).expect("an answer");
    near(pull.output[0], -0.6 / 0.92);
    near(pull.output[1], -0.24 / 0.92);
    near(pull.final_demand, -0.06);
    near(pull.total_output, -0.84 / 0.92 / (x0 + x1));
    // Primary inputs of firm 1, 0.8 of its output, fall by a tenth. Allocation: b01 = a01 x0 / x1, b10 = a10 x1 / x0.
    let push = ghosh(&n, &[0.0, -0.1]).expect("an answer");
    let (b01, b10) = (0.4 * x0 / x1, 0.2 * x1 / x0);
    let lost = -0.1 * 0.8 * x1 / (1.0 - b01 * b10);
    near(push.output[1], lost);
    near(push.output[0], b01 * lost);
    near(push.final_demand, -0.1 * 0.8 * x1 / 10.0);
}

#[test]
fn effects_of_both_signs_that_cancel_are_summed_to_the_end() {
    let n = pair();
    let [plus, minus, both] = [[0.1, 0.0], [0.0, -0.15], [0.1, -0.15]]
        .map(|change| leontief(&n, &change).expect("an answer"));
    near(both.final_demand, 0.0);
    for i in 0..2 {
        near(both.output[i], plus.output[i] + minus.output[i]);
    }
    let none = yardsticks(&n, &[0.0, 0.0], &Elasticities::default()).expect("an answer");
    assert_eq!(none.leontief.output, [0.0, 0.0]);
    assert_eq!(
        (none.ghosh.final_demand, none.baqaee_farhi.final_demand),
        (0.0, 0.0)
    );
}

#[test]
fn domar_weights_are_sales_over_final_demand() {
    let n = pair();
    let found = hulten(&n, &[-0.1, 0.2]).expect("an answer");
    near(found.domar[0], 0.68 / 0.92);
    near(found.domar[1], 0.64 / 0.92);
    near(
        found.log_change,
        (0.68 * 0.9f64.ln() + 0.64 * 1.2f64.ln()) / 0.92,
    );
    near(found.final_demand, found.log_change.exp() - 1.0);
    // What all firms add in value is what is for final demand.
    near(found.domar[0] * 0.6 + found.domar[1] * 0.8, 1.0);
}

/// The law of prices of a nested CES economy, solved from scratch: the logarithm of real final demand when
/// productivities are exp(`a`), the factor being the unit of account.
fn solved(n: &Network, a: &[f64], theta: &Elasticities) -> f64 {
    // The price of a CES nest of shares and logarithms of prices.
    let ces = |choices: &[(f64, f64)], theta: f64| -> f64 {
        if theta == 1.0 {
            return choices.iter().map(|(w, p)| w * p).sum();
        }
        let power = 1.0 - theta;
        let sum: f64 = choices.iter().map(|(w, p)| w * (power * p).exp()).sum();
        sum.ln() / power
    };
    let mut price = vec![0.0; n.firms()];
    for _ in 0..2000 {
        let next: Vec<f64> = (0..n.firms())
            .map(|i| {
                let links = || n.by_buyer().of(i).iter().map(|e| *e as usize);
                let inputs: f64 = links().map(|e| n.coefficient()[e]).sum();
                let mut products = Vec::new();
                for g in 0..n.products().len() {
                    let of = || links().filter(|e| n.product()[*e] as usize == g);
                    let share: f64 = of().map(|e| n.coefficient()[e]).sum();
                    if share == 0.0 {
                        continue;
                    }
                    let suppliers: Vec<(f64, f64)> = of()
                        .map(|e| (n.coefficient()[e] / share, price[n.supplier()[e] as usize]))
                        .collect();
                    products.push((share / inputs, ces(&suppliers, theta.suppliers)));
                }
                let bundle = ces(&products, theta.products);
                ces(&[(1.0 - inputs, 0.0), (inputs, bundle)], theta.factor) - a[i]
            })
            .collect();
        price = next;
    }
    let all: f64 = n.final_demand().iter().sum();
    let basket: Vec<(f64, f64)> = (0..n.firms())
        .map(|i| (n.final_demand()[i] / all, price[i]))
        .collect();
    -ces(&basket, theta.consumption)
}

fn small() -> Network {
    Network::synthetic(&Synthetic {
        firms: 12,
        mean_suppliers: 4.0,
        regions: 1,
        sectors: 3,
        seed: 5,
        ..Synthetic::default()
    })
    .expect("an economy")
}

#[test]
fn the_second_order_is_that_of_ces_economies_solved_numerically() {
    let n = small();
    let a: Vec<f64> = (0..12).map(|i| (i as f64 * 1.7).sin()).collect();
    let nests = [
        Elasticities::default(),
        Elasticities {
            consumption: 3.0,
            factor: 1.0,
            products: 1.0,
            suppliers: 1.0,
        },
        Elasticities {
            consumption: 1.0,
            factor: 0.2,
            products: 1.0,
            suppliers: 1.0,
        },
        Elasticities {
            consumption: 1.0,
            factor: 1.0,
            products: 0.1,
            suppliers: 1.0,
        },
        Elasticities {
            consumption: 1.0,
            factor: 1.0,
            products: 1.0,
            suppliers: 4.0,
        },
        Elasticities {
            consumption: 0.7,
            factor: 0.4,
            products: 0.2,
            suppliers: 5.0,
        },
        Elasticities::all(0.3),
    ];
    for theta in nests {
        let at = |h: f64| {
            let change: Vec<f64> = a.iter().map(|a| (h * a).exp_m1()).collect();
            let log: Vec<f64> = a.iter().map(|a| h * a).collect();
            let found = baqaee_farhi(&n, &change, &theta).expect("an answer");
            (
                found.clone(),
                solved(&n, &log, &theta) - found.first - found.second,
            )
        };
        let ((found, wide), (_, narrow)) = (at(0.02), at(0.01));
        // What is left is of third order: an eighth at half the shock, and far below the second order.
        assert!(
            (6.5..9.5).contains(&(wide / narrow)),
            "{theta:?}: {wide} and {narrow}"
        );
        assert!(
            wide.abs() < 0.1 * found.second.abs(),
            "{theta:?}: {wide} beside {}",
            found.second
        );
        near(found.final_demand, (found.first + found.second).exp() - 1.0);
    }
}

#[test]
fn cobb_douglas_has_no_second_order_and_is_exact() {
    let n = small();
    let change: Vec<f64> = (0..12).map(|i| 0.4 * (i as f64 * 1.7).sin()).collect();
    let log: Vec<f64> = change.iter().map(|c| c.ln_1p()).collect();
    let one = Elasticities::all(1.0);
    let found = baqaee_farhi(&n, &change, &one).expect("an answer");
    assert_eq!(found.second, 0.0);
    near(
        found.first,
        hulten(&n, &change).expect("an answer").log_change,
    );
    assert!((solved(&n, &log, &one) - found.first).abs() < 1e-12);
}

/// Firms without inputs, of which households buy: log Y = ln Σ w_i exp((θ - 1) a_i) / (θ - 1).
#[test]
fn a_horizontal_economy_has_the_variance_of_its_basket() {
    let n = Network::new(
        Firms {
            final_demand: vec![3.0, 1.0],
            ..Firms::default()
        },
        Links::default(),
    )
    .expect("an economy");
    let theta = Elasticities {
        consumption: 0.5,
        ..Elasticities::default()
    };
    let found = baqaee_farhi(&n, &[-0.2, 0.0], &theta).expect("an answer");
    let a = 0.8f64.ln();
    near(found.first, 0.75 * a);
    near(found.second, 0.5 * -0.5 * (0.75 * 0.25) * a * a);
    near(found.log_price[0], -a);
    assert_eq!(
        (found.factor, found.products, found.suppliers),
        (0.0, 0.0, 0.0)
    );
    let exact = (0.75 * (-0.5 * a).exp() + 0.25).ln() / -0.5;
    assert!((found.first + found.second - exact).abs() < 1e-3 * exact.abs());
}

#[test]
fn products_decide_which_suppliers_can_stand_in() {
    let n = small();
    let change: Vec<f64> = (0..12).map(|i| if i == 3 { -0.2 } else { 0.0 }).collect();
    let theta = Elasticities {
        suppliers: 8.0,
        ..Elasticities::default()
    };
    let alone: Vec<String> = (0..n.links()).map(|e| e.to_string()).collect();
    let each = n.with_products(&alone).expect("products");
    let one = n
        .with_products(&vec!["input".to_string(); n.links()])
        .expect("products");
    let of = |n: &Network| baqaee_farhi(n, &change, &theta).expect("an answer");
    let (each, sectors, one) = (of(&each), of(&n), of(&one));
    assert!(each.second < sectors.second && sectors.second < one.second);
    assert_eq!((each.suppliers, one.products), (0.0, 0.0));
    // Products of one input each, or one product: what is between them is the same.
    let same = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} and {b}");
    same(each.products / (0.001 - 1.0), one.suppliers / (8.0 - 1.0));
    same(each.first, one.first);
}

#[test]
fn a_firm_of_a_large_network_is_what_others_say_it_is() {
    let n = Network::synthetic(&Synthetic {
        firms: 3000,
        seed: 2,
        ..Synthetic::default()
    })
    .expect("an economy");
    let mut lost = vec![0.0; 3000];
    lost[17] = 0.3;
    let found = yardsticks(&n, &lost, &Elasticities::default()).expect("an answer");
    let all: f64 = n.final_demand().iter().sum();
    near(
        found.leontief.final_demand,
        -0.3 * n.final_demand()[17] / all,
    );
    near(found.hulten.log_change, n.output()[17] / all * 0.7f64.ln());
    // Every unit of final demand is value that someone adds: what is no longer bought is no longer earned.
    let share: f64 = n
        .by_buyer()
        .of(17)
        .iter()
        .map(|e| n.coefficient()[*e as usize])
        .sum();
    near(
        found.ghosh.final_demand,
        -0.3 * (1.0 - share) * n.output()[17] / all,
    );
    let sold: f64 = found
        .ghosh
        .output
        .iter()
        .zip(n.output())
        .zip(n.final_demand())
        .map(|((z, x), d)| z / x * d)
        .sum();
    near(sold / all, found.ghosh.final_demand);
    assert!(found.baqaee_farhi.second < 0.0);
    assert!(found.baqaee_farhi.final_demand < found.hulten.final_demand);
}

#[test]
fn what_has_no_answer_is_refused_with_place_fact_and_remedy() {
    let n = pair();
    let said = |e: bullwhip::Error| e.to_string();
    let refused = |change: &[f64]| said(leontief(&n, change).expect_err("refused"));
    assert_eq!(
        refused(&[0.1]),
        "change: 1 numbers, but there are 2 firms; give one relative change a firm, 0 where nothing changes"
    );
    assert!(
        refused(&[0.0, -1.5])
            .starts_with("change, firm 1: its final demand would change by -1.5; ")
    );
    assert!(refused(&[f64::NAN, 0.0]).contains("firm 0"));
    assert!(ghosh(&n, &[-1.0, 0.0]).is_ok() && ghosh(&n, &[0.0, f64::INFINITY]).is_err());
    let stop = said(hulten(&n, &[-1.0, 0.0]).expect_err("refused"));
    assert!(stop.contains("a firm that makes nothing"), "{stop}");
    let bad = Elasticities {
        factor: -0.5,
        ..Elasticities::default()
    };
    let e = said(baqaee_farhi(&n, &[0.0, 0.0], &bad).expect_err("refused"));
    assert!(e.starts_with("Elasticities.factor: -0.5; "), "{e}");
    let e = said(yardsticks(&n, &[0.0, 1.0], &Elasticities::default()).expect_err("refused"));
    assert!(e.starts_with("lost, firm 1: "), "{e}");
    // A firm that loses money has a steady state, but no share of a factor.
    let losing = Network::new(
        Firms {
            name: vec!["acme".into(), "bolt".into()],
            final_demand: vec![1.0, 1.0],
            ..Firms::default()
        },
        Links {
            buyer: vec![0],
            supplier: vec![1],
            coefficient: vec![1.25],
            ..Links::default()
        },
    )
    .expect("an economy");
    let change = [-0.1, -0.1];
    let e = said(baqaee_farhi(&losing, &change, &Elasticities::default()).expect_err("refused"));
    assert!(
        e.starts_with("firm acme: its inputs cost 1.250 per unit of output"),
        "{e}"
    );
    assert!(leontief(&losing, &change).is_ok() && ghosh(&losing, &change).is_ok());
    near(
        hulten(&losing, &change).expect("an answer").log_change,
        3.25 / 2.0 * 0.9f64.ln(),
    );
}

#[test]
fn yardsticks_are_shown_as_a_table_and_a_card() {
    let n = pair();
    let found = yardsticks(&n, &[0.1, 0.0], &Elasticities::default()).expect("an answer");
    let frame = found.frame().expect("a frame");
    let names = frame.get_column_names();
    assert_eq!(names, ["yardstick", "final_demand_change", "output_change"]);
    assert_eq!((frame.height(), frame.columns()[2].null_count()), (4, 2));
    let text = found.text();
    assert!(
        text.contains("Leontief, loss of final demand: final demand -6.000 %"),
        "{text}"
    );
    assert!(text.contains("of it second order -0."), "{text}");
}
