//! Writes the CUDA C++ of the GPU kernels into a folder, without an NVIDIA GPU: `.ci/nvrtc.py` compiles
//! them. It needs any adapter to launch the kernels on, a software one included.
//!
//! `cargo run --release --features cuda-source --example cuda_source -- DIR`

use bullwhip::prelude::*;
use std::path::Path;

fn main() {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: cuda_source DIR");
        std::process::exit(2);
    };
    if let Err(e) = write(Path::new(&folder)) {
        eprintln!("{e}");
        std::process::exit(1);
    }
}

fn write(folder: &Path) -> Result<(), Error> {
    let sources = bullwhip::cuda_sources(|| {
        for rule in [Production::Capacity, Production::Paper] {
            launch_all(rule)?;
        }
        Ok(())
    })?;
    let fail = |e: std::io::Error| Error::new(folder.display().to_string(), e.to_string(), "");
    std::fs::create_dir_all(folder).map_err(fail)?;
    let mut listed = Vec::new();
    for kernel in &sources {
        let file = format!("{}.cu", kernel.name);
        std::fs::write(folder.join(&file), &kernel.source).map_err(fail)?;
        listed.push(serde_json::json!({
            "name": kernel.name, "file": file, "entry": kernel.entry, "shared": kernel.shared,
        }));
    }
    let text = serde_json::Value::from(listed).to_string();
    std::fs::write(folder.join("kernels.json"), text).map_err(fail)?;
    println!("{} kernels in {}", sources.len(), folder.display());
    Ok(())
}

/// Runs that launch every variant of every kernel: a hub that sells to and buys from all others, shocks
/// that vary and that do not, several particles and one, a replay from checkpoints.
fn launch_all(rule: Production) -> Result<(), Error> {
    let firms = 200;
    let mut links = Links::default();
    for i in 1..firms {
        for (buyer, supplier, coefficient) in [(i, 0, 0.1), (0, i, 0.001)] {
            links.buyer.push(buyer);
            links.supplier.push(supplier);
            links.coefficient.push(coefficient);
        }
    }
    let network = Network::new(
        Firms {
            region: vec!["R".into(); firms],
            sector: vec!["S".into(); firms],
            final_demand: vec![1.0; firms],
            ..Firms::default()
        },
        links,
    )?;
    let shock = Shock::random(&network, 2, 0.3, 3, 1);
    let adapter = devices()
        .into_iter()
        .find(|d| matches!(d.device, Device::Wgpu(_)))
        .ok_or_else(|| {
            Error::new(
                "cuda_source",
                "no adapter is found",
                "install a Vulkan driver",
            )
        })?;
    let simulation = Simulation {
        periods: 8,
        model: Model {
            production: rule,
            ..Model::default()
        },
        checkpoint: Checkpoint::Every(4),
        device: adapter.device,
        ..Simulation::default()
    };
    let params = Params::uniform(&network, 2.0, 6.0);
    let observed = simulate(&network, &params, &shock, &simulation)?.observe();
    let mut problem = Problem::new(&network, &shock, &observed);
    problem.simulation = simulation.clone();
    for particles in [1, 3] {
        let objective = Objective::new(&problem)?;
        objective.gradient(&vec![0.3; objective.dimension() * particles])?;
    }
    // Gradients in shocks that all particles share.
    sensitivity(&network, &params, &shock, &simulation, &observed)?;
    Ok(())
}
