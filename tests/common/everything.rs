//! An economy with a scenario of every kind, and parameters of all kinds away from their bounds.

use bullwhip::prelude::*;

/// An economy of 24 firms with products, lags and classes.
pub fn economy() -> Network {
    let made = Network::synthetic(&Synthetic {
        firms: 24,
        mean_suppliers: 4.0,
        regions: 2,
        sectors: 3,
        seed: 5,
        ..Synthetic::default()
    })
    .expect("an economy");
    let links = made.links();
    let lags: Vec<u32> = (0..links).map(|e| (e % 5 == 0) as u32 * 2).collect();
    let classes: Vec<i32> = (0..links).map(|e| (e % 3) as i32).collect();
    made.with_lags(&lags)
        .and_then(|n| n.with_classes(&classes))
        .expect("links")
}

/// A scenario of every kind.
pub fn everything(network: &Network) -> Shock {
    let hold = |mut e: Event| {
        e.hold = vec![1.5; e.firms.len()];
        e.steepness = vec![2.2; e.firms.len()];
        e.recovery = Recovery::Hill;
        e
    };
    Shock {
        events: vec![
            hold(Shock::firms(&[0, 3, 7], 3, 0.55, 0.2).events[0].clone()),
            Shock::firms(&[5, 6], 4, 0.4, 0.15)
                .recovering(Recovery::Damped)
                .events[0]
                .clone(),
        ],
        demand: vec![DemandEvent {
            start: 2,
            firms: vec![1, 4],
            demand_change: vec![-0.3, 0.25],
            demand_recovery_rate: vec![0.13, 0.17],
            demand_steepness: vec![1.7, 2.1],
            demand_hold: vec![0.4, 1.3],
            recovery: Recovery::Hill,
        }],
        links: vec![LinkEvent {
            start: 3,
            links: vec![2, 9],
            link_severity: vec![0.6, 0.3],
            link_recovery_rate: vec![0.3, 0.4],
            link_steepness: vec![1.6, 1.4],
            link_hold: vec![0.3, 1.2],
            recovery: Recovery::Hill,
        }],
        capacity_path: Cells::path(&[8, 9], 5, &[0.8, 0.7, 0.9]),
        demand_path: Cells::path(&[2], 6, &[1.1, 0.8]),
        extra_demand: Cells::path(&[10], 7, &[0.4]),
        rebuilding: vec![Rebuilding {
            start: 4,
            hold: 1,
            firms: vec![11, 12],
            damage: vec![0.8, 1.1],
            households: 0.5,
            builders: vec![13, 14],
            builder_share: vec![0.45, 0.55],
            rebuilding_time: 6.0,
            rebuilding_factor: 0.9,
        }],
    }
    .checked(network)
}

trait Checked: Sized {
    fn checked(self, network: &Network) -> Self;
}

impl Checked for Shock {
    fn checked(self, network: &Network) -> Self {
        self.check(network).expect("a scenario");
        self
    }
}

/// Parameters of all kinds, away from their bounds.
pub fn parameters(network: &Network, inputs: bool) -> Params {
    let m = network.firms();
    let some = |low: f64, step: f64| (0..m).map(|i| low + step * (i % 5) as f64).collect();
    let mut params = Params {
        target_inventory: some(1.7, 0.13),
        adjustment_time: some(4.1, 0.31),
        slack: some(0.11, 0.013),
        stretching: some(0.62, 0.03),
        mix: some(0.55, 0.07),
        trust_rate: some(0.3, 0.05),
        trust_floor: some(0.1, 0.02),
        overproduction: some(1.2, 0.03),
        overproduction_time: some(5.0, 0.7),
        supply_line: some(0.6, 0.05),
        capital: some(9.0, 0.5),
        ..Params::default()
    };
    if inputs {
        let count = network.inputs(Substitution::Product);
        params.input_inventory = (0..count).map(|g| 1.6 + 0.1 * (g % 7) as f64).collect();
        params.input_time = (0..count).map(|g| 4.2 + 0.2 * (g % 4) as f64).collect();
        params.criticality = (0..count).map(|g| 0.4 + 0.1 * (g % 5) as f64).collect();
    }
    params
}

pub fn model() -> Model {
    Model {
        rationing: Rationing::Priority,
        final_class: 1,
        rebuild_class: 2,
        substitution: Substitution::Product,
        division: Division::Delivered,
        overproduction: Overproduction::Smooth,
        need: Need::Capped,
        target: StockTarget::Demand,
        stock_seen: StockSeen::After,
        ..Model::default()
    }
}

pub fn simulation() -> Simulation {
    Simulation {
        periods: 14,
        model: model(),
        precision: Precision::Double,
        device: Device::Cpu,
        ..Simulation::default()
    }
}
