//! The kernels against the plain tensors: batches, gradients, checkpoints, threads, precision.

#[path = "common/hub.rs"]
#[allow(unreachable_pub)]
mod hub;

use bullwhip::infer::Objective;
use bullwhip::prelude::*;
use hub::hub;
use proptest::prelude::*;

/// A small economy with firms without inputs, firms without customers, and one that aims at less
/// than a period's inventory in some draws.
fn economy(firms: usize, seed: u64) -> Network {
    let made = Network::synthetic(&Synthetic {
        firms,
        mean_suppliers: 3.0_f64.min(firms as f64 - 1.0),
        regions: 2,
        sectors: 2,
        seed,
        ..Synthetic::default()
    })
    .expect("an economy");
    let keep: Vec<usize> = (0..made.links())
        .filter(|e| !made.buyer()[*e].is_multiple_of(5))
        .collect();
    let pick = |v: &[u32]| keep.iter().map(|e| v[*e] as usize).collect();
    Network::new(
        Firms {
            region: (0..firms).map(|i| format!("R{}", i % 2)).collect(),
            sector: (0..firms).map(|i| format!("S{}", i % 3)).collect(),
            final_demand: made.final_demand().to_vec(),
            ..Firms::default()
        },
        Links {
            buyer: pick(made.buyer()),
            supplier: pick(made.supplier()),
            coefficient: keep.iter().map(|e| made.coefficient()[*e]).collect(),
            ..Links::default()
        },
    )
    .expect("an economy with fewer links")
}

fn problem(firms: usize, seed: u64, rule: Production, shocks_vary: bool) -> Problem {
    let network = economy(firms, seed);
    let shock = Shock::random(&network, 3, 0.5, 9, seed);
    let simulation = Simulation {
        periods: 17,
        model: Model {
            production: rule,
            ..Model::default()
        },
        precision: Precision::Double,
        ..Simulation::default()
    };
    let truth = Priors::default().draw(&network, seed + 1);
    let observed = simulate(&network, &truth, &shock, &simulation)
        .expect("a run")
        .observe();
    let mut problem = Problem::new(&network, &shock, &observed);
    problem.simulation = simulation;
    // Some aim at less than a period's inventory: then no shock is not a fixed point.
    problem.priors.target_inventory = Some(Prior::LogNormal {
        shift: 0.8,
        median: 1.0,
        sigma: 0.7,
    });
    if shocks_vary && problem.shock.hits() > 0 {
        problem.priors.severity = Some(Prior::LogitNormal {
            median: 0.6,
            sigma: 0.8,
        });
        problem.priors.recovery_rate = Some(Prior::LogNormal {
            shift: 0.0,
            median: 0.1,
            sigma: 0.5,
        });
    }
    problem
}

/// Points away from kinks with probability one.
fn points(problem: &Problem, particles: usize, seed: u64) -> Vec<f64> {
    use rand::{RngExt, SeedableRng};
    let n = Objective::new(problem).expect("an objective").dimension();
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
    (0..n * particles)
        .map(|_| rng.random_range(-1.5..1.5))
        .collect()
}

fn evaluate(problem: &Problem, u: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let objective = Objective::new(problem).expect("an objective");
    let found = objective.gradient(u).expect("a gradient");
    let alone = objective.loss(u).expect("a loss");
    for (a, b) in alone.iter().zip(&found.loss) {
        assert!(
            (a - b).abs() <= 1e-12 * b.abs(),
            "with and without a gradient: {a}, {b}"
        );
    }
    (found.loss, found.gradient)
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    let size = b.iter().fold(1e-12f64, |m, v| m.max(v.abs()));
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(x, y)| (x - y).abs() <= tolerance * size)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn kernels_are_the_reference_in_values_and_gradients(
        firms in 2usize..40,
        seed in 0u64..1000,
        particles in prop::sample::select(vec![1usize, 2, 3, 7, 9, 16]),
        paper in any::<bool>(),
        shocks_vary in any::<bool>(),
        // Squares of levels are summed as periods pass, other losses once the panel is there.
        square in any::<bool>(),
    ) {
        let rule = if paper { Production::Paper } else { Production::Capacity };
        let mut problem = problem(firms, seed, rule, shocks_vary);
        if !square {
            problem.loss = Loss::StudentT { freedom: 4.0 };
            problem.scale = Scale::Indices { first: 1, last: 4 };
        }
        let u = points(&problem, particles, seed);
        let (loss, gradient) = evaluate(&problem, &u);
        problem.simulation.method = Method::Reference;
        let (expected, by_reference) = evaluate(&problem, &u);
        prop_assert!(close(&loss, &expected, 1e-10), "{loss:?} {expected:?}");
        prop_assert!(close(&gradient, &by_reference, 1e-9));
    }

    #[test]
    fn a_batch_is_its_particles_one_by_one(firms in 2usize..40, seed in 0u64..1000, particles in 2usize..20) {
        let problem = problem(firms, seed, Production::Capacity, true);
        let u = points(&problem, particles, seed);
        let (loss, gradient) = evaluate(&problem, &u);
        let n = u.len() / particles;
        for p in 0..particles {
            let (one, its) = evaluate(&problem, &u[p * n..][..n]);
            prop_assert!(close(&one, &loss[p..=p], 1e-10));
            prop_assert!(close(&its, &gradient[p * n..][..n], 1e-9));
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    for (rule, particles) in [
        (Production::Capacity, 1),
        (Production::Paper, 1),
        (Production::Capacity, 3),
    ] {
        let problem = problem(20, 5, rule, true);
        let u = points(&problem, particles, 8);
        let objective = Objective::new(&problem).expect("an objective");
        let found = objective.gradient(&u).expect("a gradient").gradient;
        let n = objective.dimension();
        let largest = found.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(largest > 0.0);
        for k in 0..u.len() {
            let at = |h: f64| {
                let mut moved = u.clone();
                moved[k] += h;
                objective.loss(&moved).expect("a loss")[k / n]
            };
            let h = 1e-6;
            let difference = (at(h) - at(-h)) / (2.0 * h);
            assert!(
                (difference - found[k]).abs() <= 1e-6 * largest,
                "{rule:?}, coordinate {k}: {difference} {}",
                found[k]
            );
        }
    }
}

/// From 2,000 links on there are parts, from 20,000 firms on links have letters.
#[test]
fn large_networks_are_the_reference_in_values_and_gradients() {
    for (firms, particles, rule) in [
        (9_000, 1, Production::Paper),
        (20_500, 1, Production::Paper),
        (20_500, 3, Production::Capacity),
        (30_000, 1, Production::Capacity),
    ] {
        let mut problem = problem(firms, 6, rule, true);
        let u = points(&problem, particles, 7);
        let (loss, gradient) = evaluate(&problem, &u);
        problem.simulation.method = Method::Reference;
        let (expected, by_reference) = evaluate(&problem, &u);
        assert!(close(&loss, &expected, 1e-10), "{loss:?} {expected:?}");
        assert!(close(&gradient, &by_reference, 1e-9));
    }
}

/// Without a gradient many particles of a large network stand side by side, few are run one by one. From 65,536 firms on
/// their places take more than 16 bits.
#[test]
fn many_particles_of_large_networks_are_those_alone_on_any_threads() {
    for (firms, rule) in [(20_500, Production::Paper), (70_000, Production::Capacity)] {
        let problem = problem(firms, 8, rule, false);
        let u = points(&problem, 17, 9);
        let objective = Objective::new(&problem).expect("an objective");
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("threads");
            pool.install(|| objective.loss(&u).expect("losses"))
        };
        let together = run(1);
        assert_eq!(run(2), together);
        assert_eq!(run(5), together);
        let each = u.chunks(objective.dimension());
        let alone = each.flat_map(|u| objective.loss(u).expect("a loss"));
        let alone: Vec<f64> = alone.collect();
        assert!(close(&together, &alone, 1e-11), "{together:?} {alone:?}");
        let mut by_reference = problem.clone();
        by_reference.simulation.method = Method::Reference;
        let reference = Objective::new(&by_reference).expect("an objective");
        let some = &u[16 * objective.dimension()..];
        let expected = reference.loss(some).expect("a loss");
        assert!(close(&together[16..], &expected, 1e-10), "{expected:?}");
    }
}

#[test]
fn every_checkpoint_policy_gives_the_same_gradient() {
    for (firms, particles) in [(30, 1), (30, 5), (700, 1), (30_000, 2)] {
        let mut problem = problem(firms, 3, Production::Capacity, true);
        let u = points(&problem, particles, 4);
        let mut gradient = |checkpoint| {
            problem.simulation.checkpoint = checkpoint;
            evaluate(&problem, &u)
        };
        let all = gradient(Checkpoint::All);
        assert_eq!(gradient(Checkpoint::Auto), all);
        for k in [1, 2, 3, 4, 5, 8, 16, 17, 100] {
            assert!(gradient(Checkpoint::Every(k)) == all, "every {k}");
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    // In two partitions without messages and in one with messages; in eight where lanes are particles.
    for (firms, mean_suppliers, links) in [
        (5_000, 5.0, 22_000),
        (12_000, 5.0, 55_000),
        (21_000, 5.0, 55_000),
        (2_600, 260.0, 500_000),
    ] {
        with_any_threads(firms, mean_suppliers, links);
    }
}

fn with_any_threads(firms: usize, mean_suppliers: f64, links: usize) {
    let network = Network::synthetic(&Synthetic {
        firms,
        mean_suppliers,
        ..Synthetic::default()
    })
    .expect("an economy");
    // Enough of them to be worked on in parts.
    assert!(network.links() > links);
    let shock = Shock::random(&network, 2, 0.3, 4, 1);
    let simulation = Simulation {
        periods: 8,
        ..Simulation::default()
    };
    let truth = Params::uniform(&network, 1.5, 5.0);
    let observed = simulate(&network, &truth, &shock, &simulation)
        .expect("a run")
        .observe();
    let problem = Problem::new(&network, &shock, &observed);
    let objective = Objective::new(&problem).expect("an objective");
    for particles in [1, 10] {
        let u = points(&problem, particles, 2);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().expect("threads");
            let found = pool.install(|| objective.gradient(&u).expect("a gradient"));
            let loss = pool.install(|| objective.loss(&u).expect("losses"));
            (found.loss, found.gradient, loss)
        };
        let one = run(1);
        assert_eq!(run(2), one);
        assert_eq!(run(5), one);
        // Each is what it is alone, laid out in another way.
        let first = objective
            .gradient(&u[..u.len() / particles])
            .expect("a gradient");
        assert!(close(&first.loss, &one.0[..1], 1e-4));
        assert!(close(&first.gradient, &one.1[..first.gradient.len()], 1e-4));
        // Several of a large network may be laid out in two ways: their losses differ in rounding.
        if particles == 1 || firms < 20_000 {
            assert_eq!(evaluate(&problem, &u), (one.0, one.1));
        }
    }
}

/// Runs in parts keep threads at hand; those of another run come to their end all the same.
#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    let problem = problem(12_000, 5, Production::Capacity, false);
    assert!(problem.network.links() > 22_000, "one part");
    let objective = Objective::new(&problem).expect("an objective");
    let u = points(&problem, 1, 3);
    let alone = objective.gradient(&u).expect("a gradient");
    let again = || {
        for _ in 0..10 {
            assert_eq!(objective.gradient(&u).expect("a gradient"), alone);
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(again);
        }
        // And from within the threads' own pool.
        rayon::join(again, || rayon::join(again, again));
    });
}

#[test]
fn single_precision_stays_close_over_a_thousand_periods() {
    let network = economy(60, 9);
    let shock = Shock::random(&network, 12, 0.3, 700, 2);
    let params = Priors::default().draw(&network, 3);
    let run = |precision| {
        let simulation = Simulation {
            periods: 1000,
            precision,
            ..Simulation::default()
        };
        let run = simulate(&network, &params, &shock, &simulation).expect("a run");
        run.observe()
    };
    let (single, double) = (run(Precision::Single), run(Precision::Double));
    let g = double.groups();
    let cells = single.values.iter().zip(&double.values).enumerate();
    let largest = cells.fold(0.0f64, |m, (k, (a, b))| {
        m.max((a - b).abs() / double.base[k % g])
    });
    println!("largest difference of a group's output over 1,000 periods: {largest:.1e}");
    assert!(largest < 1e-4, "{largest}");
}

/// Small numbers that are added to a large sum lose their digits, unless sums are taken in stages. The
/// loss of runs that are close to the observed one shows it: it consists of small differences.
#[test]
fn sums_of_many_keep_their_digits_in_single_precision() {
    for firms in [19_000, 21_000] {
        digits_of_sums(firms);
    }
}

fn digits_of_sums(firms: usize) {
    let network = hub(firms);
    let shock = Shock::random(&network, 3, 0.3, 10, 1);
    let simulation = Simulation {
        periods: 20,
        precision: Precision::Double,
        ..Simulation::default()
    };
    let truth = Priors::default().draw(&network, 2);
    let observed = simulate(&network, &truth, &shock, &simulation)
        .expect("a run")
        .observe();
    let mut problem = Problem::new(&network, &shock, &observed);
    problem.simulation = simulation.clone();
    let mut single = simulation.clone();
    single.precision = Precision::Single;

    let firm = |simulation: &Simulation| {
        let run = simulate(&network, &truth, &shock, simulation).expect("a run");
        (1..=20)
            .map(|t| run.output[(t - 1) * network.firms()])
            .collect::<Vec<f64>>()
    };
    let (exact, found) = (firm(&simulation), firm(&single));
    let apart = |a: &f64, b: &f64| (a - b).abs() / a;
    let worst = exact
        .iter()
        .zip(&found)
        .map(|(a, b)| apart(a, b))
        .fold(0.0, f64::max);
    println!("the hub's output: {worst:.1e}");
    assert!(worst < 2e-6, "{worst:.1e}");

    let dimension = Objective::new(&problem).expect("an objective").dimension();
    for particles in [1, 8, 16] {
        let u = vec![0.0; particles * dimension];
        let mut at = |precision| {
            problem.simulation.precision = precision;
            let objective = Objective::new(&problem).expect("an objective");
            objective.loss(&u).expect("a loss")[0]
        };
        let (exact, found) = (at(Precision::Double), at(Precision::Single));
        let worst = apart(&exact, &found);
        println!("loss {exact:.1e} of {particles} particles: {worst:.1e}");
        assert!(worst < 5e-6, "{worst:.1e}");
    }
}

#[test]
fn a_particle_that_is_not_finite_is_told_and_spoils_no_other() {
    let problem = problem(20, 5, Production::Capacity, false);
    let mut u = points(&problem, 3, 1);
    let objective = Objective::new(&problem).expect("an objective");
    let good = objective.loss(&u).expect("losses");
    let n = u.len() / 3;
    u[n] = 1e6;
    let loss = objective.loss(&u).expect("losses");
    assert!(loss[1].is_nan());
    assert_eq!((loss[0], loss[2]), (good[0], good[2]));
    let said = objective
        .loss(&u[1..])
        .expect_err("a row is short")
        .to_string();
    assert!(said.contains("Objective::dimension"), "{said}");
}

#[test]
fn a_device_that_cannot_be_had_is_a_sentence_and_results_name_theirs() {
    assert_eq!(devices()[0].device, Device::Cpu);
    let network = economy(20, 5);
    let params = Params::uniform(&network, 2.0, 3.0);
    let run = |device, precision| {
        let simulation = Simulation {
            periods: 3,
            device,
            precision,
            ..Simulation::default()
        };
        simulate(&network, &params, &Shock::default(), &simulation)
    };
    for device in [Device::Cpu, Device::Auto] {
        let found = run(device, Precision::Double).expect("a run");
        assert_eq!(found.device, "CPU");
    }
    for (device, name) in [
        (Device::Cuda(0), "CUDA 0"),
        (Device::Rocm(1), "ROCm 1"),
        (Device::Wgpu(99), "wgpu 99"),
    ] {
        let said = run(device, Precision::Double)
            .expect_err("32 bits")
            .to_string();
        assert!(
            said.contains(&format!("{name} computes in 32-bit floats")),
            "{said}"
        );
    }
    let said = run(Device::Wgpu(99), Precision::Single)
        .expect_err("none")
        .to_string();
    assert!(
        said.starts_with("simulation.device: wgpu 99 is asked for, and"),
        "{said}"
    );
    assert!(said.ends_with("or take Device::Cpu"), "{said}");
}
