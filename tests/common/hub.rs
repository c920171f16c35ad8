//! An economy around one firm.

use bullwhip::prelude::*;

/// Firm 0 sells to all others and buys from all others; they sell to each other in a ring.
pub(crate) fn hub(others: usize) -> Network {
    let firms = others + 1;
    let mut links = Links::default();
    for i in 1..firms {
        let next = if i == others { 1 } else { i + 1 };
        for (buyer, supplier, coefficient) in
            [(i, 0, 0.1), (0, i, 0.2 / others as f64), (i, next, 0.3)]
        {
            links.buyer.push(buyer);
            links.supplier.push(supplier);
            links.coefficient.push(coefficient);
        }
    }
    Network::new(
        Firms {
            region: (0..firms).map(|i| format!("R{}", i % 3)).collect(),
            sector: vec!["S".into(); firms],
            final_demand: (0..firms).map(|i| 1.0 + (i % 7) as f64).collect(),
            ..Firms::default()
        },
        links,
    )
    .expect("a hub")
}
