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
            &Run::default(),
            &mut (),
        )?;
        let steps = (40.0 / begin.elapsed().as_secs_f64()) as usize;
        let svi = Svi {
            steps,
            draws: 1,
            early_stop: None,
            ..Svi::default()
        };
        // Seconds of the fit, and of the last picture, for which the call waits.
        let time = |progress: &mut dyn Watch| -> Result<(f64, f64)> {
            let begin = Instant::now();
            let posterior = calibrate(&problem, &svi, &Run::default(), progress)?;
            let all = begin.elapsed().as_secs_f64();
            Ok((posterior.seconds, all - posterior.seconds))
        };
        let (mut silent, mut live, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..5 {
            silent.push(time(&mut ())?.0);
            let (fit, picture) = time(&mut Live::default())?;
            live.push(fit);
            last.push(picture);
        }
        let median = |v: &mut Vec<f64>| {
            v.sort_by(f64::total_cmp);
            v[v.len() / 2]
        };
        let cost = 100.0 * (median(&mut live) / median(&mut silent) - 1.0);
        let best = 100.0 * (live[0] / silent[0] - 1.0);
        eprintln!(
            "{firms} firms, {steps} steps, {:.2} s: watching costs {cost:+.1} % (median of five), \
             {best:+.1} % (best of five), and the last picture {:.2} s",
            median(&mut silent),
            median(&mut last)
        );
    }
    Ok(())
}
