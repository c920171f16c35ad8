//! Time and peak memory of reading a large index file, generated in the temporary folder.

use bullwhip::Result;
use bullwhip::prelude::*;
use std::io::{BufWriter, Write};
use std::time::Instant;

const MONTHS: usize = 400;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let layout = arguments.first().map_or("csv", String::as_str);
    let cells: usize = arguments
        .get(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(10_000_000);
    if !matches!(layout, "csv" | "tsv" | "csv.gz" | "tsv.gz") {
        eprintln!("usage: cargo run --release --example bulk -- [csv|tsv|csv.gz|tsv.gz] [CELLS]");
        std::process::exit(2);
    }
    let path = std::env::temp_dir().join(format!("bullwhip-bulk-{}.{layout}", std::process::id()));
    let read =
        write(&path, layout, cells).map_err(|e| Error::new("bulk", e.to_string(), "make room"));
    let done = read.and_then(|()| measure(&path));
    let _ = std::fs::remove_file(&path);
    done
}

fn measure(path: &std::path::Path) -> Result<()> {
    let megabytes = std::fs::metadata(path).map_or(0, |m| m.len()) as f64 / 1e6;
    let before = peak();
    let (begin, used) = (Instant::now(), processor());
    let index = read_with(path, &ReadOptions::default(), &mut Lines::default())?;
    let (seconds, used) = (begin.elapsed().as_secs_f64(), processor() - used);
    println!(
        "{}: {megabytes:.0} MB, {} cells, {} regions, {} missing: {seconds:.2} s, {used:.2} s of a processor, peak {:.0} MB (before reading {before:.0} MB)",
        index.format.name(),
        index.frame.height(),
        distinct(&index.frame, "region")?.len(),
        index.missing,
        peak(),
    );
    Ok(())
}

/// Peak resident memory of this process, MB; 0 where the system does not tell.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse().ok())
        .map_or(0.0, |kb: f64| kb * 1024.0 / 1e6)
}

/// Processor time of this process, s; 0 where the system does not tell.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .map(|f| f.parse().unwrap_or(0.0))
        .collect();
    // User and system time in ticks, 100 a second on Linux.
    fields.get(11..13).map_or(0.0, |f| (f[0] + f[1]) / 100.0)
}

fn write(path: &std::path::Path, layout: &str, cells: usize) -> std::io::Result<()> {
    let file = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    if layout.ends_with(".gz") {
        let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        rows(&mut out, layout, cells)?;
        out.finish()?.flush()
    } else {
        let mut out = file;
        rows(&mut out, layout, cells)?;
        out.flush()
    }
}

/// One in 50 cells is missing, one in 20 has a flag, as in the bulk file of `sts_inpr_m`.
fn rows(out: &mut dyn Write, layout: &str, cells: usize) -> std::io::Result<()> {
    let month = |k: usize, sign| format!("{}{sign}{:02}", 1990 + k / 12, k % 12 + 1);
    let names: Vec<String> = (0..MONTHS).map(|k| month(k, '-')).collect();
    let tsv = layout.starts_with("tsv");
    if tsv {
        write!(out, "freq,indic_bt,nace_r2,s_adj,unit,geo\\TIME_PERIOD")?;
        for name in &names {
            write!(out, "\t{name} ")?;
        }
        write!(out, "\r\n")?;
    } else {
        write!(
            out,
            "DATAFLOW,LAST UPDATE,freq,indic_bt,nace_r2,s_adj,unit,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG\r\n"
        )?;
    }
    let mut left = cells;
    for series in 0.. {
        if left == 0 {
            break;
        }
        let (sector, region) = (format!("C{}", series / 40), format!("R{:02}", series % 40));
        if tsv {
            write!(out, "M,PRD,{sector},SCA,I21,{region}")?;
        }
        for (k, name) in names.iter().enumerate().take(left.min(MONTHS)) {
            let n = series * MONTHS + k;
            let value = 80.0 + ((n * 7919) % 400) as f64 / 10.0;
            let flag = if n.is_multiple_of(20) { "p" } else { "" };
            match (tsv, n.is_multiple_of(50)) {
                (true, true) => write!(out, "\t: {flag}")?,
                (true, false) => write!(out, "\t{value:.1} {flag}")?,
                (false, missing) => {
                    let value = if missing {
                        String::new()
                    } else {
                        format!("{value:.1}")
                    };
                    write!(
                        out,
                        "ESTAT:STS_INPR_M(1.0),24/09/22 11:00:00,M,PRD,{sector},SCA,I21,{region},{name},{value},{flag}\r\n"
                    )?;
                }
            }
        }
        if tsv {
            // A series that is cut short still has all its cells.
            for _ in left.min(MONTHS)..MONTHS {
                write!(out, "\t")?;
            }
            write!(out, "\r\n")?;
        }
        left -= left.min(MONTHS);
    }
    Ok(())
}
