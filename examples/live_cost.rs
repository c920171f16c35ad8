//! What watching costs: fits with and without the live picture, in turns, and the share of time between.
//!
//! The picture goes to a pipe that somebody reads, as in the kernel.

use bullwhip::Result;
use bullwhip::prelude::*;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

fn main() {
    if std::env::var_os("BULLWHIP_KERNEL").is_some() {
        if let Err(e) = measure() {
            eprintln!("{e}");
            std::process::exit(1);
        }
        return;
    }
    let own = std::env::current_exe().expect("this program");
    let mut child = Command::new(own)
        .args(std::env::args().skip(1))
        .env("BULLWHIP_KERNEL", "cost")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (mut pictures, mut bytes) = (0, 0);
    for line in lines.map_while(std::io::Result::ok) {
        pictures += 1;
        bytes += line.len();
    }
    let status = child.wait().expect("it ends");
    println!(
        "{pictures} pictures of {} KB each",
        bytes / pictures.max(1) / 1000
    );
    std::process::exit(status.code().unwrap_or(1));
}

fn measure() -> Result<()> {
    let sizes: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    for firms in if sizes.is_empty() {
        vec![120, 1000, 10_000]
    } else {
        sizes
    } {
        let network = Network::synthetic(&Synthetic {
            firms,
            regions: 4,
            sectors: 4,
            seed: 3,
            ..Synthetic::default()
        })?;
        let shock = Shock::random(&network, 8, 0.2, 25, 1);
        let truth = Priors::default().draw(&network, 42);
        let observed = simulate(&network, &truth, &shock, &Simulation::default())?.observe();
        let problem = Problem::new(&network, &shock, &observed);
        // Steps for about four seconds.
        let begin = Instant::now();
        calibrate(
            &problem,
            &Svi {
                steps: 10,
                draws: 1,
                ..Svi::default()
            },
            &mut (),
        )?;
        let steps = (40.0 / begin.elapsed().as_secs_f64()) as usize;
        let svi = Svi {
            steps,
            draws: 1,
            ..Svi::default()
        };
        let time = |progress: &mut dyn Progress| -> Result<f64> {
            let begin = Instant::now();
            calibrate(&problem, &svi, progress)?;
            Ok(begin.elapsed().as_secs_f64())
        };
        let (mut silent, mut live) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            silent.push(time(&mut ())?);
            live.push(time(&mut Live::default())?);
        }
        let least = |v: &[f64]| v.iter().copied().fold(f64::INFINITY, f64::min);
        let sum = |v: &[f64]| v.iter().sum::<f64>();
        eprintln!(
            "{firms} firms, {steps} steps: silent {:.2} s, live {:.2} s; live costs {:+.1} % (sum of five), {:+.1} % (best of five)",
            sum(&silent) / 5.0,
            sum(&live) / 5.0,
            100.0 * (sum(&live) / sum(&silent) - 1.0),
            100.0 * (least(&live) / least(&silent) - 1.0)
        );
    }
    Ok(())
}
