//! Tries every reader on hurt files for as long as is wanted, and counts what happened:
//! `cargo run --release --example fuzz -- --minutes 60 [--seed 1] [--reader networks]`.
//!
//! A file over which a reader panics is kept; one that takes more than a minute is kept, named, and ends the run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[path = "../tests/common/damage.rs"]
mod damage;
#[path = "../tests/common/small.rs"]
mod small;
#[path = "../tests/common/workbook.rs"]
mod workbook;

/// The value of an option, or what it is without.
fn option<T: std::str::FromStr>(name: &str, default: T) -> T {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|a| a == name);
    let value = at.and_then(|k| arguments.get(k + 1)?.parse().ok());
    value.unwrap_or(default)
}

/// Files tried, so that a thread beside sees when one takes too long.
static TRIED: AtomicU64 = AtomicU64::new(0);

fn main() {
    let minutes: f64 = option("--minutes", 1.0);
    let seed: u64 = option("--seed", 1);
    let only: String = option("--reader", String::new());
    let folder = std::env::temp_dir().join(format!("bullwhip-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
    // Panics are counted; their messages would fill the screen.
    std::panic::set_hook(Box::new(|_| ()));
    let hurt = folder.join("hurt");
    std::thread::spawn(move || {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let now = TRIED.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > Duration::from_secs(60) {
                println!("a reader hangs; its file is kept in {}", hurt.display());
                std::process::exit(2);
            }
        }
    });
    let readers = damage::readers(&folder);
    let readers: Vec<_> = readers.iter().filter(|r| r.name.contains(&only)).collect();
    let each = Duration::from_secs_f64(60.0 * minutes / readers.len().max(1) as f64);
    let mut panics = 0;
    for (k, reader) in readers.iter().enumerate() {
        let begin = Instant::now();
        let counts = damage::try_hurt(reader, &folder, seed + k as u64, |_| {
            TRIED.fetch_add(1, Ordering::Relaxed);
            begin.elapsed() > each
        });
        panics += counts.panics;
        println!("{}", counts.line(reader.name));
    }
    println!(
        "{panics} panics in {} files (seed {seed})",
        TRIED.load(Ordering::Relaxed)
    );
    if panics == 0 {
        let _ = std::fs::remove_dir_all(&folder);
    } else {
        std::process::exit(1);
    }
}
