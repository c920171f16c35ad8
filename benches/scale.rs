//! How time grows with the number of firms: making an economy, one simulation, one gradient.
//!
//! `cargo bench --bench scale` prints one line a size; `cargo bench --bench scale -- 1000 100000`
//! chooses the sizes.

use bullwhip::prelude::*;
use std::time::Instant;

fn main() -> Result<(), Error> {
    let chosen: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sizes = if chosen.is_empty() {
        vec![1_000, 10_000, 100_000, 1_000_000]
    } else {
        chosen
    };
    println!(
        "   firms      links   economy s   forward s   gradient s   (10 periods, one particle)"
    );
    for firms in sizes {
        let begin = Instant::now();
        let network = Network::synthetic(&Synthetic {
            firms,
            ..Synthetic::default()
        })?;
        let economy = begin.elapsed().as_secs_f64();
        let params = Priors::default().draw(&network, 1);
        let shock = Shock::region(&network, "R1", 2, 0.6, 0.1)?;
        let simulation = Simulation {
            periods: 10,
            ..Simulation::default()
        };
        let begin = Instant::now();
        let observed = simulate(&network, &params, &shock, &simulation)?.observe();
        let forward = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        sensitivity(
            &network,
            &Params::uniform(&network, 2.0, 6.0),
            &shock,
            &simulation,
            &observed,
        )?;
        let gradient = begin.elapsed().as_secs_f64();
        println!(
            "{firms:8} {:10} {economy:11.4} {forward:11.4} {gradient:12.4}",
            network.links()
        );
    }
    Ok(())
}
