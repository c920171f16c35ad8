//! Faults of other libraries that this one guards against: they are still there, so the guards are still needed.
//!
//! Each is reproduced without our guard, in a process of its own. Where one of these tests fails after an update, the
//! fault is mended upstream: see `bullwhip::upstream` for what can then go.

use calamine::{Ods, Reader};
use polars::prelude::{
    Column, DataFrame, IpcReader, IpcWriter, ParquetReader, ParquetWriter, SerReader, SerWriter,
};
use std::io::Cursor;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::{Command, Output};

fn file(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(path);
    std::fs::read(path).expect("a file")
}

/// Runs one of the ignored tests below in a process of its own, with 8 GB of memory and five seconds of a processor;
/// none where there is no shell to limit it.
fn run(child: &str) -> Option<Output> {
    if !cfg!(unix) {
        println!("left out: no shell here");
        return None;
    }
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "ulimit -c 0; ulimit -v 8000000; ulimit -t 5; exec \"$0\" \"$@\"",
    ]);
    command.arg(std::env::current_exe().expect("this program"));
    command.args(["--exact", child, "--ignored", "--nocapture"]);
    Some(command.output().expect("it runs"))
}

/// True where the process was ended by a signal, as by an abort.
fn was_ended(out: &Output) -> bool {
    out.status.code().is_none()
}

#[test]
fn polars_makes_room_for_what_a_parquet_file_says() {
    let Some(out) = run("allocates") else { return };
    assert!(was_ended(&out), "{out:?}");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("memory allocation of 2305"), "{said}");
}

#[test]
#[ignore = "run by the test above, which it ends"]
fn allocates() {
    let bytes = file("faults/allocates.parquet");
    let _ = ParquetReader::new(Cursor::new(bytes)).finish();
}

/// A frame of a hundred numbers and names.
fn frame() -> DataFrame {
    let numbers: Vec<f64> = (0..100).map(|k| f64::from(k).sqrt()).collect();
    let names: Vec<String> = (0..100).map(|k| format!("name {}", k % 7)).collect();
    DataFrame::new_infer_height(vec![
        Column::new("number".into(), numbers),
        Column::new("name".into(), names),
    ])
    .expect("a frame")
}

/// Address space that the process has had at most, where the system tells it.
fn room() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("VmPeak:"));
    let number = line.and_then(|l| l.split_whitespace().next()?.parse().ok());
    number.map_or(0, |kib: usize| kib << 10)
}

/// Reads a file that is changed here and there until the reader panics or makes room for a gigabyte, and says so.
fn until_a_fault(good: &[u8], changes: impl Iterator<Item = (usize, Vec<u8>)>, read: fn(Vec<u8>)) {
    std::panic::set_hook(Box::new(|_| ()));
    read(good.to_vec());
    let before = room();
    let (mut panics, mut rooms) = (Vec::new(), Vec::new());
    for (k, bytes) in changes {
        let mut hurt = good.to_vec();
        hurt[k..k + bytes.len()].copy_from_slice(&bytes);
        if catch_unwind(|| read(hurt)).is_err() {
            panics.push(k);
        }
        if rooms.is_empty() && room() > before + (1 << 30) {
            rooms.push(k);
        }
        if panics.len() > 2 || !rooms.is_empty() {
            break;
        }
    }
    println!(
        "\nfile of {} bytes, panics at {panics:?}, room at {rooms:?}",
        good.len()
    );
}

#[test]
fn polars_panics_at_damaged_parquet_files() {
    let Some(out) = run("flips") else { return };
    let said = String::from_utf8_lossy(&out.stdout);
    let ended = String::from_utf8_lossy(&out.stderr).contains("memory allocation of");
    println!("{said}");
    assert!(!said.contains("panics at [],") || ended, "{out:?}");
}

#[test]
#[ignore = "run by the test above, which it may end"]
fn flips() {
    let mut good = Vec::new();
    ParquetWriter::new(&mut good)
        .finish(&mut frame())
        .expect("written");
    let flips = (0..8 * good.len()).map(|k| (k / 8, vec![good[k / 8] ^ 1 << (k % 8)]));
    until_a_fault(&good, flips, |hurt| {
        let _ = ParquetReader::new(Cursor::new(hurt)).finish();
    });
}

#[test]
fn polars_makes_room_for_what_an_arrow_file_says() {
    let Some(out) = run("lengths") else { return };
    let said = String::from_utf8_lossy(&out.stdout);
    println!("{said}");
    assert!(!said.contains("room at []") || was_ended(&out), "{out:?}");
}

#[test]
#[ignore = "run by the test above, which it ends"]
fn lengths() {
    let mut good = Vec::new();
    IpcWriter::new(&mut good)
        .finish(&mut frame())
        .expect("written");
    // Lengths of messages have four bytes and stand at every fourth.
    let places = (0..good.len() - 4).step_by(4);
    let changes = places.map(|k| (k, i32::MAX.to_le_bytes().to_vec()));
    until_a_fault(&good, changes, |hurt| {
        let _ = IpcReader::new(Cursor::new(hurt)).finish();
    });
}

#[test]
fn calamine_reads_a_table_that_is_not_closed_for_ever() {
    let Some(out) = run("endless") else { return };
    assert!(was_ended(&out), "{out:?}");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains("begun") && !said.contains("over"), "{said}");
}

#[test]
#[ignore = "run by the test above, whose limit of time ends it"]
fn endless() {
    println!("begun");
    let book = Ods::new(Cursor::new(file("cases/workbooks/table_not_closed.ods")));
    println!(
        "over: {:?}",
        book.map(|b| b.sheet_names()).map_err(|e| e.to_string())
    );
}
