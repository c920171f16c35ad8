//! Says what is made of input-output tables, and of firms that are made of them: one line a file or size.

use bullwhip::Result;
use bullwhip::prelude::*;
use std::path::PathBuf;
use std::time::Instant;

const USAGE: &str =
    "usage: cargo run --release --example tables -- [--final-demand FILE] [--firms N,N] FILE...";

fn main() {
    let (mut files, mut firms, mut options) = (Vec::new(), Vec::new(), TableOptions::default());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--final-demand" => options.final_demand_file = arguments.next().map(PathBuf::from),
            "--firms" => {
                let list = arguments.next().unwrap_or_default();
                firms = list.split(',').filter_map(|n| n.parse().ok()).collect();
            }
            _ => files.push(argument),
        }
    }
    if files.is_empty() {
        eprintln!("{USAGE}");
        std::process::exit(2);
    }
    println!(
        "file | layout | n | zeros | spectral radius | largest column sum | negative final demand | findings | seconds"
    );
    let mut good = true;
    for file in files {
        if let Err(e) = inspect(&file, &options, &firms) {
            good = false;
            println!("{e}");
        }
    }
    std::process::exit(i32::from(!good));
}

fn inspect(file: &str, options: &TableOptions, firms: &[usize]) -> Result<()> {
    let begin = Instant::now();
    let table = read_table(file, options)?;
    let seconds = begin.elapsed().as_secs_f64();
    let (n, findings) = (table.len(), table.findings().len());
    // Sectors without output have no coefficients, and are left out of what follows.
    let used = |i: &usize| table.output[*i] > 0.0;
    let sectors: Vec<usize> = (0..n).filter(used).collect();
    let zeros = sectors
        .iter()
        .flat_map(|i| sectors.iter().map(|j| table.flow(*i, *j)))
        .filter(|z| *z == 0.0);
    let zeros = zeros.count() as f64 / (sectors.len() * sectors.len()) as f64;
    let negative = table.final_demand().iter().filter(|d| **d < -1e-9).count();
    let corrected = table.correct(&Corrections::all())?;
    let raw = if sectors.len() == n {
        &table
    } else {
        &corrected.table
    };
    let largest = raw.input_shares()?.into_iter().fold(0.0, f64::max);
    println!(
        "{file} | {} | {n}, {} with output | {:.1} % | {:.4} | {largest:.3} | {negative} | {findings} | {seconds:.4}",
        table.layout.name(),
        sectors.len(),
        100.0 * zeros,
        raw.spectral_radius()?,
    );
    for firms in firms {
        let begin = Instant::now();
        let made = disaggregate(
            &corrected.table,
            &Disaggregate {
                firms: *firms,
                ..Disaggregate::default()
            },
        )?;
        println!(
            "  {firms} firms, {} links: {:.2} s; flows to {:.0e}, output to {:.0e}, sizes to {:.2} %, inputs to {:.2} % in {} rounds, {} loss-making",
            made.network.links(),
            begin.elapsed().as_secs_f64(),
            made.flow_error,
            made.output_error,
            100.0 * made.size_error,
            100.0 * made.input_error,
            made.rounds,
            made.loss_making
        );
    }
    Ok(())
}
