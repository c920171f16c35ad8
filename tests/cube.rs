//! The GPU kernels against the CPU's, the reference and the golden cases, on the first adapter that is
//! found, a software one if there is no other. Without one each test says so and passes.
#![cfg(feature = "wgpu")]

#[path = "common/breadth.rs"]
#[allow(unreachable_pub, dead_code)]
mod breadth;
#[path = "common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;
#[path = "common/hub.rs"]
#[allow(unreachable_pub)]
mod hub;

use bullwhip::infer::Evaluation;
use bullwhip::prelude::*;
use hub::hub;
use proptest::prelude::*;
use std::path::Path;

/// The first adapter that the kernels run on; None, with a printed line, where there is none.
fn adapter() -> Option<Device> {
    let found = devices()
        .into_iter()
        .find(|d| matches!(d.device, Device::Wgpu(_)));
    match &found {
        Some(info) => println!("on {} ({})", info.name, info.device),
        None => println!("skipped: no adapter (Debian: apt-get install mesa-vulkan-drivers)"),
    }
    found.map(|info| info.device)
}

/// The network with the links of which `keep` says so.
fn with_links(made: &Network, keep: impl Fn(usize) -> bool) -> Network {
    let keep: Vec<usize> = (0..made.links()).filter(|e| keep(*e)).collect();
    let pick = |v: &[u32]| keep.iter().map(|e| v[*e] as usize).collect();
    Network::new(
        Firms {
            region: (0..made.firms()).map(|i| format!("R{}", i % 2)).collect(),
            sector: (0..made.firms()).map(|i| format!("S{}", i % 3)).collect(),
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

/// An economy in which every fifth firm has no inputs.
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
    with_links(&made, |e| !made.buyer()[e].is_multiple_of(5))
}

fn problem(network: &Network, periods: usize, rule: Production, shocks_vary: bool) -> Problem {
    let shock = Shock::random(network, 3, 0.5, periods / 2, 3);
    let simulation = Simulation {
        periods,
        model: Model {
            production: rule,
            ..Model::default()
        },
        precision: Precision::Double,
        device: Device::Cpu,
        ..Simulation::default()
    };
    let truth = Priors::default().draw(network, 4);
    let observed = simulate(network, &truth, &shock, &simulation)
        .expect("a run")
        .observe();
    let mut problem = Problem::new(network, &shock, &observed);
    problem.simulation = simulation;
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

fn on(problem: &Problem, device: Device) -> Problem {
    let mut problem = problem.clone();
    problem.simulation.device = device;
    problem.simulation.precision = Precision::Single;
    problem
}

fn evaluate(problem: &Problem, u: &[f64]) -> Evaluation {
    let objective = Objective::new(problem).expect("an objective");
    let found = objective.gradient(u).expect("a gradient");
    let loss = objective.loss(u).expect("a loss");
    // The sum of a panel's squares is taken in another order.
    assert!(apart(&loss, &found.loss) < 1e-13);
    found
}

/// Largest difference, relative to the largest expected number.
fn apart(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(1e-12f64, |m, v| m.max(v.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0, |m, (a, b)| m.max((a - b).abs() / size))
}

/// Losses and gradients in 32 bits on the device are those in 64 bits on the CPU.
fn agree(problem: &Problem, device: Device, u: &[f64]) -> (f64, f64) {
    let expected = evaluate(problem, u);
    let found = evaluate(&on(problem, device), u);
    (
        apart(&found.loss, &expected.loss),
        apart(&found.gradient, &expected.gradient),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn values_and_gradients_are_those_of_the_cpu(
        firms in 2usize..90,
        seed in 0u64..1000,
        particles in prop::sample::select(vec![1usize, 3, 7, 16]),
        paper in any::<bool>(),
        shocks_vary in any::<bool>(),
    ) {
        let Some(device) = adapter() else { return Ok(()) };
        let rule = if paper { Production::Paper } else { Production::Capacity };
        let problem = problem(&economy(firms, seed), 17, rule, shocks_vary);
        let u = points(&problem, particles, seed);
        let (loss, gradient) = agree(&problem, device, &u);
        prop_assert!(loss < 1e-4 && gradient < 2e-3, "{loss:.1e} {gradient:.1e}");
    }
}

#[test]
fn the_kernels_are_the_reference_and_that_is_not_had_on_a_device() {
    let Some(device) = adapter() else { return };
    let plain = problem(&economy(30, 1), 9, Production::Capacity, true);
    let mut problem = on(&plain, device);
    let mut by_loops = plain;
    by_loops.simulation.method = Method::Reference;
    let u = points(&by_loops, 3, 8);
    let (kernels, reference) = (evaluate(&problem, &u), evaluate(&by_loops, &u));
    assert!(apart(&kernels.loss, &reference.loss) < 1e-4);
    assert!(apart(&kernels.gradient, &reference.gradient) < 2e-3);
    problem.simulation.method = Method::Reference;
    let said = Objective::new(&problem).err().expect("refused").to_string();
    assert!(said.contains("run on the processor only"), "{said}");
}

#[test]
fn golden_cases() {
    let Some(device) = adapter() else { return };
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut cases = 0;
    for entry in std::fs::read_dir(root).expect("golden cases") {
        let dir = entry.expect("an entry").path();
        if dir.join("meta.json").exists() {
            for (rule, errors) in case::check_on(&dir, device).expect("a case") {
                println!("{} {rule}: {errors:?}", dir.display());
                assert!(
                    errors.within_single(),
                    "{} {rule}: {errors:?}",
                    dir.display()
                );
                cases += 1;
            }
        }
    }
    assert!(cases >= 6);
}

#[test]
fn members_of_families_are_those_of_the_cpu() {
    let Some(device) = adapter() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/breadth");
    // What the kernels know; `tests/breadth.rs` sees that all else is refused by name.
    let known = [
        "a1_final_last",
        "b1_curves",
        "b1_linear",
        "b3_z_path",
        "b4_worst",
        "z0_default",
    ];
    for name in known {
        let folder = root.join(name);
        let case = breadth::load(&folder).expect("a case");
        let on_device = Simulation {
            precision: Precision::Single,
            device,
            ..case.simulation.clone()
        };
        let of = |simulation: &Simulation| {
            let run = simulate(&case.network, &case.params, &case.shock, simulation);
            let slopes = sensitivity(
                &case.network,
                &case.params,
                &case.shock,
                simulation,
                &case.target,
            );
            (run.expect("a run").output, slopes.expect("a gradient"))
        };
        let ((output, found), (expected, slopes)) = (of(&on_device), of(&case.simulation));
        assert!(apart(&output, &expected) < 1e-5, "{}", folder.display());
        for (found, slope) in [
            (&found.target_inventory, &slopes.target_inventory),
            (&found.adjustment_time, &slopes.adjustment_time),
            (&found.severity, &slopes.severity),
            (&found.recovery_rate, &slopes.recovery_rate),
            (&found.steepness, &slopes.steepness),
            (&found.hold, &slopes.hold),
            (&found.capacity_path, &slopes.capacity_path),
        ] {
            assert!(apart(found, slope) < 1e-3, "{}", folder.display());
        }
    }
}

#[test]
fn hubs_are_summed_by_many_units() {
    let Some(device) = adapter() else { return };
    // 3,000 links are a few chunks; 50,000 many, and three groups of 17,000 firms.
    for (others, particles, rule) in [
        (3_000, 3, Production::Capacity),
        (3_000, 16, Production::Paper),
        (50_000, 1, Production::Capacity),
        (50_000, 3, Production::Paper),
    ] {
        let problem = problem(&hub(others), 8, rule, false);
        let u = points(&problem, particles, 6);
        let (loss, gradient) = agree(&problem, device, &u);
        println!("{others} x {particles}: {loss:.1e} {gradient:.1e}");
        assert!(loss < 1e-4 && gradient < 2e-3, "{loss:.1e} {gradient:.1e}");
    }
}

#[test]
fn every_checkpoint_policy_gives_the_same_gradient() {
    let Some(device) = adapter() else { return };
    for (network, rule) in [
        (economy(30, 3), Production::Capacity),
        (hub(200), Production::Paper),
    ] {
        let mut problem = on(&problem(&network, 17, rule, true), device);
        let u = points(&problem, 5, 4);
        let mut gradient = |checkpoint| {
            problem.simulation.checkpoint = checkpoint;
            evaluate(&problem, &u)
        };
        let all = gradient(Checkpoint::All);
        assert_eq!(gradient(Checkpoint::Auto), all);
        for k in [1, 2, 3, 5, 16, 17, 100] {
            assert_eq!(gradient(Checkpoint::Every(k)), all, "every {k}");
        }
    }
}

#[test]
fn trajectories_and_sensitivities_are_those_of_the_cpu() {
    let Some(device) = adapter() else { return };
    let network = economy(70, 8);
    let shock = Shock::random(&network, 2, 0.4, 5, 1);
    let params = Priors::default().draw(&network, 2);
    let cpu = Simulation {
        periods: 30,
        device: Device::Cpu,
        ..Simulation::default()
    };
    let gpu = Simulation {
        device,
        ..cpu.clone()
    };
    let expected = simulate(&network, &params, &shock, &cpu).expect("a run");
    let found = simulate(&network, &params, &shock, &gpu).expect("a run");
    assert_eq!(expected.device, "CPU");
    assert!(
        found.device.contains(&device.to_string()),
        "{}",
        found.device
    );
    assert!(apart(&found.output, &expected.output) < 2e-5);
    let target = Observation::from_values(&network, vec![1.0; 30 * network.groups().len()])
        .expect("a panel");
    let expected = sensitivity(&network, &params, &shock, &cpu, &target).expect("gradients");
    let found = sensitivity(&network, &params, &shock, &gpu, &target).expect("gradients");
    assert!((found.loss - expected.loss).abs() < 1e-4 * expected.loss);
    for (found, expected) in [
        (&found.target_inventory, &expected.target_inventory),
        (&found.adjustment_time, &expected.adjustment_time),
        (&found.severity, &expected.severity),
        (&found.recovery_rate, &expected.recovery_rate),
    ] {
        assert!(apart(found, expected) < 2e-3);
    }
}

#[test]
fn a_particle_that_is_not_finite_is_told_and_spoils_no_other() {
    let Some(device) = adapter() else { return };
    let problem = on(
        &problem(&economy(20, 5), 9, Production::Capacity, false),
        device,
    );
    let mut u = points(&problem, 3, 1);
    let good = evaluate(&problem, &u).loss;
    let n = u.len() / 3;
    u[n] = 1e6;
    let objective = Objective::new(&problem).expect("an objective");
    let loss = objective.loss(&u).expect("losses");
    assert!(loss[1].is_nan());
    assert_eq!((loss[0], loss[2]), (good[0], good[2]));
}

#[test]
fn a_calibration_runs_on_the_device() {
    let Some(device) = adapter() else { return };
    let problem = on(
        &problem(&economy(20, 5), 9, Production::Capacity, false),
        device,
    );
    let svi = Svi {
        steps: 5,
        ..Svi::default()
    };
    let run = Run {
        seed: 1,
        ..Run::default()
    };
    let found = calibrate(&problem, &svi, &run, &mut ()).expect("a posterior");
    let mut cpu = problem.clone();
    cpu.simulation.device = Device::Cpu;
    let expected = calibrate(&cpu, &svi, &run, &mut ()).expect("a posterior");
    let losses = |p: &Posterior| p.history.iter().map(|s| s.loss).collect::<Vec<_>>();
    assert!(apart(&losses(&found), &losses(&expected)) < 1e-3);
    assert!(found.device.contains(&device.to_string()));
}

#[test]
fn what_cannot_be_had_is_a_sentence() {
    let network = economy(5, 1);
    let params = Params::uniform(&network, 2.0, 3.0);
    let ask = |device, precision| {
        let simulation = Simulation {
            device,
            precision,
            ..Simulation::default()
        };
        simulate(&network, &params, &Shock::default(), &simulation)
            .expect_err("not to be had")
            .to_string()
    };
    let said = ask(Device::Wgpu(99), Precision::Single);
    assert!(
        said.starts_with("simulation.device: wgpu 99 is asked for"),
        "{said}"
    );
    let said = ask(Device::Wgpu(0), Precision::Double);
    assert!(
        said.contains("64-bit floats are asked for; take Precision::Single"),
        "{said}"
    );
    if cfg!(not(feature = "cuda")) {
        let said = ask(Device::Cuda(0), Precision::Single);
        assert!(said.contains("build it with the feature `cuda`"), "{said}");
    }
}
