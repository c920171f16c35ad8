//! What each behaviour of firms costs: a simulation of 8 particles and its gradient, as multiples of the default's by its
//! kernels, in turns in one run.
//!
//! `cargo bench --bench variants [-- FIRMS [ROUNDS] [NAME]]` prints a table, of those whose name holds NAME.

use bullwhip::prelude::*;
use std::time::Instant;

/// A behaviour and what it needs of network, parameters and scenario.
struct Case {
    name: &'static str,
    model: Model,
    change: fn(&mut Network, &mut Params, &mut Shock),
}

fn nothing(_: &mut Network, _: &mut Params, _: &mut Shock) {}

fn cases() -> Vec<Case> {
    let usual = Model::default();
    let case = |name, model| Case {
        name,
        model,
        change: nothing,
    };
    let products = Model {
        substitution: Substitution::Product,
        ..usual
    };
    let division = |division| Model {
        division,
        ..products
    };
    let rationing = |rationing| Model { rationing, ..usual };
    vec![
        case(
            "rationing final last (kernels)",
            rationing(Rationing::FinalLast),
        ),
        case("rationing final first", rationing(Rationing::FinalFirst)),
        case("rationing priority", rationing(Rationing::Priority)),
        case("rationing lower first", rationing(Rationing::LowerFirst)),
        Case {
            name: "mixed",
            model: rationing(Rationing::FinalLast),
            change: |n, p, _| p.mix = vec![0.5; n.firms()],
        },
        case("products, per link", products),
        case("products, fixed", division(Division::Fixed)),
        case("products, delivered", division(Division::Delivered)),
        case("products, cumulative", division(Division::Cumulative)),
        case("products, capacity", division(Division::Capacity)),
        case(
            "overproduction smooth",
            Model {
                overproduction: Overproduction::Smooth,
                ..usual
            },
        ),
        case(
            "stock seen after",
            Model {
                stock_seen: StockSeen::After,
                ..usual
            },
        ),
        Case {
            name: "criticality",
            model: usual,
            change: |n, p, _| p.criticality = vec![0.5; n.links()],
        },
        Case {
            name: "stretching",
            model: usual,
            change: |n, p, _| p.stretching = vec![0.5; n.firms()],
        },
        Case {
            name: "stocks per input",
            model: usual,
            change: |n, p, _| p.input_inventory = vec![2.0; n.links()],
        },
        Case {
            name: "lags of 0 to 2 periods",
            model: usual,
            change: |n, _, _| {
                let lags: Vec<u32> = (0..n.links() as u32).map(|e| e % 3).collect();
                *n = n.with_lags(&lags).expect("lags");
            },
        },
        Case {
            name: "products and lags",
            model: products,
            change: |n, _, _| {
                let lags: Vec<u32> = (0..n.links() as u32).map(|e| e % 3).collect();
                *n = n.with_lags(&lags).expect("lags");
            },
        },
        Case {
            name: "events on demand",
            model: usual,
            change: |n, _, s| {
                let firms: Vec<usize> = (0..n.firms()).step_by(10).collect();
                s.demand.push(DemandEvent {
                    start: 3,
                    demand_change: vec![-0.2; firms.len()],
                    demand_recovery_rate: vec![0.1; firms.len()],
                    firms,
                    ..DemandEvent::default()
                });
            },
        },
        Case {
            name: "recovery damped",
            model: usual,
            change: |_, _, s| *s = s.clone().recovering(Recovery::Damped),
        },
        Case {
            name: "BoARIO",
            model: Preset::BoarioAlt.model(),
            change: |n, p, _| *p = Preset::BoarioAlt.params(n, p),
        },
        Case {
            name: "Inoue and Todo",
            model: Preset::InoueTodo.model(),
            change: nothing,
        },
    ]
}

/// The problem of a case.
fn objective(firms: usize, case: &Case) -> (Objective, Vec<f64>) {
    let mut network = Network::synthetic(&Synthetic {
        firms,
        seed: 1,
        ..Synthetic::default()
    })
    .expect("an economy");
    let mut shock = Shock::random(&network, 3, 0.3, 10, 1);
    let mut params = Params::usual(&network);
    (case.change)(&mut network, &mut params, &mut shock);
    let simulation = Simulation {
        periods: 40,
        model: case.model,
        device: Device::Cpu,
        ..Simulation::default()
    };
    let run = simulate(&network, &params, &shock, &simulation).expect("a run");
    let mut problem = Problem::new(&network, &shock, &run.observe());
    problem.simulation = simulation;
    problem.params = params;
    problem.priors.target_inventory = problem
        .priors
        .target_inventory
        .filter(|_| problem.params.input_inventory.is_empty());
    let objective = Objective::new(&problem).expect("an objective");
    let u = (0..8 * objective.dimension())
        .map(|k| (k as f64 * 0.37).sin())
        .collect();
    (objective, u)
}

fn best(rounds: usize, mut run: impl FnMut()) -> f64 {
    let once = |run: &mut dyn FnMut()| {
        let begin = Instant::now();
        run();
        begin.elapsed().as_secs_f64()
    };
    (0..rounds)
        .map(|_| once(&mut run))
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let firms = numbers.first().copied().unwrap_or(10_000);
    let rounds = numbers.get(1).copied().unwrap_or(5);
    let usual = Case {
        name: "default",
        model: Model::default(),
        change: nothing,
    };
    let (base, base_u) = objective(firms, &usual);
    let wanted = std::env::args()
        .skip(1)
        .find(|a| a.parse::<usize>().is_err() && !a.starts_with("--"));
    println!(
        "{firms} firms, 8 particles, 40 periods, 32-bit floats; best of {rounds}, in turns with the default"
    );
    println!("| behaviour | simulation | with gradient | milliseconds |\n|---|---|---|---|");
    let all = cases().into_iter();
    for case in all.filter(|c| wanted.as_ref().is_none_or(|w| c.name.contains(w.as_str()))) {
        let (own, u) = objective(firms, &case);
        let loss = |o: &Objective, u: &[f64]| drop(o.loss(u).expect("a loss"));
        let gradient = |o: &Objective, u: &[f64]| drop(o.gradient(u).expect("a gradient"));
        let (mut times, mut bases) = ([f64::INFINITY; 2], [f64::INFINITY; 2]);
        for _ in 0..rounds {
            bases[0] = bases[0].min(best(1, || loss(&base, &base_u)));
            times[0] = times[0].min(best(1, || loss(&own, &u)));
            bases[1] = bases[1].min(best(1, || gradient(&base, &base_u)));
            times[1] = times[1].min(best(1, || gradient(&own, &u)));
        }
        println!(
            "| {} | {:.2} | {:.2} | {:.1}, {:.1} |",
            case.name,
            times[0] / bases[0],
            times[1] / bases[1],
            1e3 * times[0],
            1e3 * times[1]
        );
    }
}
