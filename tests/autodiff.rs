//! The simulation as an operation on burn's tensors: its panel, its gradient, and a module that is trained through it.

use bullwhip::prelude::*;
use bullwhip::simulate::{Differentiable, differentiable};
use burn::tensor::{DType, Tensor, TensorData};

const FIRMS: usize = 15;

fn scenario() -> (Network, Shock, Simulation) {
    let network = Network::synthetic(&Synthetic {
        firms: FIRMS,
        regions: 2,
        sectors: 2,
        seed: 5,
        ..Synthetic::default()
    })
    .expect("an economy");
    let shock = Shock::random(&network, 3, 0.3, 4, 2);
    let simulation = Simulation {
        periods: 10,
        precision: Precision::Double,
        device: Device::Cpu,
        ..Simulation::default()
    };
    (network, shock, simulation)
}

fn tensor<const D: usize>(
    simulator: &Differentiable,
    values: &[f64],
    shape: [usize; D],
) -> Tensor<D> {
    let device = simulator.device().autodiff();
    Tensor::from_data(
        TensorData::new(values.to_vec(), shape),
        (&device, DType::F64),
    )
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn close(found: &[f64], expected: &[f64], by: f64) {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(1e-9f64, |m, v| m.max(v.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= by * size, "{a} and {b}");
    }
}

#[test]
fn panel_and_gradient_are_those_of_the_simulation() {
    let (network, shock, simulation) = scenario();
    let simulator = differentiable(&network, &shock, &simulation).expect("an operation");
    let params = Priors::default().draw(&network, 3);
    let run = simulate(&network, &params, &shock, &simulation).expect("a run");
    let n = tensor(&simulator, &params.target_inventory, [1, FIRMS]).require_grad();
    let tau = tensor(&simulator, &params.adjustment_time, [1, FIRMS]).require_grad();
    let panel = simulator
        .panel(n.clone(), tau.clone(), None)
        .expect("a panel");
    let observed = run.observe();
    close(&numbers(panel.clone()), &observed.values, 1e-12);
    // The loss against a panel of its own, composed here.
    let mut target = observed.clone();
    target.values.iter_mut().for_each(|v| *v *= 0.9);
    let expected = sensitivity(&network, &params, &shock, &simulation, &target).expect("slopes");
    let shape = panel.dims();
    let base = target.base.repeat(simulation.periods);
    let off =
        (panel - tensor(&simulator, &target.values, shape)) / tensor(&simulator, &base, shape);
    let loss = (off.clone() * off).mean();
    close(&numbers(loss.clone()), &[expected.loss], 1e-12);
    let gradients = loss.backward();
    let of = |leaf: &Tensor<2>| numbers(leaf.grad(&gradients).expect("a gradient"));
    close(&of(&n), &expected.target_inventory, 1e-10);
    close(&of(&tau), &expected.adjustment_time, 1e-10);
}

#[test]
fn capacity_is_an_input_too() {
    let (network, shock, simulation) = scenario();
    let simulator = differentiable(&network, &shock, &simulation).expect("an operation");
    let columns = simulator.hit().len();
    let rows = |v: f64| tensor(&simulator, &[v; 2 * FIRMS], [2, FIRMS]);
    let own = numbers(simulator.remaining());
    let both: Vec<f64> = own.iter().chain(&own).copied().collect();
    let left = tensor(&simulator, &both, [2, 10, columns]).require_grad();
    let run = |left: Tensor<3>| {
        let panel = simulator.panel(rows(2.0), rows(4.0), Some(left));
        panel.expect("a panel").sum()
    };
    let slopes = numbers(left.grad(&run(left.clone()).backward()).expect("slopes"));
    let k = slopes
        .iter()
        .position(|s| s.abs() > 0.1)
        .expect("capacity that matters");
    let at = |step: f64| {
        let mut moved = both.clone();
        moved[k] += step;
        numbers(run(tensor(&simulator, &moved, [2, 10, columns])))[0]
    };
    let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
    assert!((slopes[k] - difference).abs() < 1e-5 * difference.abs());
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let (network, shock, simulation) = scenario();
    let simulator = differentiable(&network, &shock, &simulation).expect("an operation");
    let rows = |particles: usize, firms: usize| {
        tensor(
            &simulator,
            &vec![2.0; particles * firms],
            [particles, firms],
        )
    };
    for (n, tau, place) in [
        (rows(1, 14), rows(1, 14), "target_inventory"),
        (rows(2, FIRMS), rows(1, FIRMS), "adjustment_time"),
    ] {
        let said = simulator.panel(n, tau, None).expect_err("refused");
        assert_eq!(said.place, place);
    }
    let other = tensor(&simulator, &[1.0; 30], [3, 10, 1]);
    let said = simulator.panel(rows(2, FIRMS), rows(2, FIRMS), Some(other));
    assert_eq!(said.expect_err("refused").place, "remaining");
}
