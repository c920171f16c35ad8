//! Says what was made of files: one JSON object each, or a row each with `--table`, or the error and a
//! non-zero exit.

use bullwhip::Result;
use bullwhip::prelude::*;
use std::time::Instant;

fn main() {
    let (marks, files): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a == "--table");
    if files.is_empty() {
        eprintln!("usage: cargo run --release --example inspect -- [--table] FILE...");
        std::process::exit(2);
    }
    let table = !marks.is_empty();
    if table {
        println!("| file | format | rows | regions | sectors | months | missing | seconds |");
        println!("|---|---|---|---|---|---|---|---|");
    }
    let mut good = true;
    for file in files {
        let begin = Instant::now();
        let read = read(&file, &ReadOptions::default());
        let seconds = begin.elapsed().as_secs_f64();
        let line = read.and_then(|index| {
            if table {
                row(&file, &index, seconds)
            } else {
                object(&file, &index, seconds).map(|o| o.to_string())
            }
        });
        println!(
            "{}",
            line.unwrap_or_else(|e| {
                good = false;
                if table {
                    format!("| {file} | {e} | | | | | | {seconds:.3} |")
                } else {
                    serde_json::json!({ "file": file, "error": e.to_string() }).to_string()
                }
            })
        );
    }
    std::process::exit(i32::from(!good));
}

fn row(file: &str, index: &Index, seconds: f64) -> Result<String> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let covered = months(&index.frame)?;
    let month = |m: Option<&(i32, u32)>| m.map_or(String::new(), |(y, m)| format!("{y:04}-{m:02}"));
    Ok(format!(
        "| {name} | {} | {} | {} | {} | {} ({} to {}) | {} | {seconds:.3} |",
        index.format.name(),
        index.frame.height(),
        distinct(&index.frame, "region")?.len(),
        distinct(&index.frame, "sector")?.len(),
        covered.len(),
        month(covered.first()),
        month(covered.last()),
        index.missing
    ))
}

fn object(file: &str, index: &Index, seconds: f64) -> Result<serde_json::Value> {
    let distinct = |column: &str| distinct(&index.frame, column);
    let covered = months(&index.frame)?;
    let month = |m: Option<&(i32, u32)>| m.map(|(y, m)| format!("{y:04}-{m:02}"));
    let values = index.frame.column("value")?.f64()?;
    Ok(serde_json::json!({
        "file": file,
        "format": index.format.name(),
        "reason": index.reason,
        "rows": index.frame.height(),
        "regions": distinct("region")?,
        "sectors": distinct("sector")?,
        "months": covered.len(),
        "first_month": month(covered.first()),
        "last_month": month(covered.last()),
        "missing": index.missing,
        "flags": index.flags()?,
        "s_adj": distinct("s_adj")?,
        "unit": distinct("unit")?,
        "notes": index.notes,
        "sum": values.iter().flatten().sum::<f64>(),
        "seconds": seconds,
    }))
}
