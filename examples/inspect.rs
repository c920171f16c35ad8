//! Says what was made of files: one JSON object each, or the error and a non-zero exit.

use bullwhip::Result;
use bullwhip::prelude::*;

fn main() {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: cargo run --release --example inspect -- FILE...");
        std::process::exit(2);
    }
    let mut good = true;
    for file in files {
        let line = inspect(&file).unwrap_or_else(|e| {
            good = false;
            serde_json::json!({ "file": file, "error": e.to_string() })
        });
        println!("{line}");
    }
    std::process::exit(i32::from(!good));
}

fn inspect(file: &str) -> Result<serde_json::Value> {
    let index = read(file, &ReadOptions::default())?;
    let distinct = |column: &str| distinct(&index.frame, column);
    let covered = months(&index.frame)?;
    let month = |m: Option<&(i32, u32)>| m.map(|(y, m)| format!("{y:04}-{m:02}"));
    let values = index.frame.column("value")?.f64()?;
    Ok(serde_json::json!({
        "file": file,
        "format": index.format.name(),
        "rows": index.frame.height(),
        "regions": distinct("region")?,
        "sectors": distinct("sector")?,
        "first_month": month(covered.first()),
        "last_month": month(covered.last()),
        "missing": index.missing,
        "flags": index.flags()?,
        "s_adj": distinct("s_adj")?,
        "unit": distinct("unit")?,
        "sum": values.iter().flatten().sum::<f64>(),
    }))
}
