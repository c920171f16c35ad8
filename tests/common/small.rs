//! A small calibration problem, for tests that make many steps.

use bullwhip::prelude::*;

/// 40 firms over 24 periods.
pub(crate) fn problem() -> Problem {
    let network = Network::synthetic(&Synthetic {
        firms: 40,
        mean_suppliers: 3.0,
        regions: 3,
        sectors: 3,
        seed: 4,
        ..Synthetic::default()
    })
    .expect("an economy");
    let truth = Priors::default().draw(&network, 9);
    let shock = Shock::random(&network, 4, 0.4, 15, 1);
    let simulation = Simulation {
        periods: 24,
        ..Simulation::default()
    };
    let run = simulate(&network, &truth, &shock, &simulation).expect("a run");
    Problem::new(&network, &shock, &run.observe())
}
