//! Files that are hurt: what readers are tried on, by the test of the same name and by `examples/fuzz.rs`.

use bullwhip::prelude::*;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What reads a file, and files that it can read.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    seeds: Vec<Seed>,
    read: fn(&Path) -> bool,
    /// Text is changed by lines and fields as well as by bytes.
    text: bool,
}

/// A whole file; `beside` are files that it needs and that stay as they are.
struct Seed {
    end: String,
    bytes: Vec<u8>,
    beside: Vec<(String, Vec<u8>)>,
}

/// What happened to the files of one reader.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) tried: usize,
    pub(crate) refused: usize,
    pub(crate) read: usize,
    pub(crate) panics: usize,
    pub(crate) longest: Duration,
}

impl Counts {
    pub(crate) fn line(&self, name: &str) -> String {
        format!(
            "{name:<34} {:>9} files  {:>9} refused  {:>9} read  {} panics  longest {:.2} s",
            self.tried,
            self.refused,
            self.read,
            self.panics,
            self.longest.as_secs_f64()
        )
    }
}

/// Files of some folders below `tests`, by their endings.
fn files_of(folders: &[&str], ends: &[&str]) -> Vec<Seed> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders
        .iter()
        .map(|f| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(f))
        .collect();
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let end = path
                .extension()
                .unwrap_or_default()
                .to_string_lossy()
                .to_lowercase();
            if ends.contains(&end.as_str())
                && let Ok(bytes) = std::fs::read(&path)
            {
                found.push(Seed {
                    end,
                    bytes,
                    beside: Vec::new(),
                });
            }
        }
    }
    found
}

fn text_seed(end: &str, text: &str) -> Seed {
    Seed {
        end: end.into(),
        bytes: text.into(),
        beside: Vec::new(),
    }
}

fn index(path: &Path) -> bool {
    read(path, &ReadOptions::default()).is_ok()
}

fn table(path: &Path) -> bool {
    match read_table(path, &TableOptions::default()) {
        Ok(table) => {
            table.findings();
            true
        }
        Err(_) => false,
    }
}

fn either(path: &Path) -> bool {
    index(path) | table(path)
}

/// The XML of a sheet, in a workbook of each kind.
fn sheet(path: &Path) -> bool {
    let Ok(xml) = std::fs::read_to_string(path) else {
        return false;
    };
    let mut any = false;
    let books = [
        (
            "book.xlsx",
            super::workbook::workbook(&[("Production", xml.clone())]),
        ),
        ("book.ods", super::workbook::ods(&[("Production", xml)])),
    ];
    for (name, book) in books {
        let path = path.with_file_name(name);
        std::fs::write(&path, book).expect("written");
        any |= either(&path);
    }
    any
}

/// A small index as a sheet of each kind.
fn sheets() -> [String; 2] {
    use super::workbook::Cell::{Empty, Number, Text};
    let mut rows = vec![vec![Text("month"), Text("Steel"), Text("Food")]];
    for month in ["2020-01", "2020-02", "2020-03"] {
        rows.push(vec![Text(month), Number(101.5), Number(99.25)]);
    }
    rows.push(vec![Text("2020-04"), Empty, Number(98.0)]);
    [
        super::workbook::sheet_xml(&rows),
        super::workbook::ods_rows(&rows),
    ]
}

fn books() -> Vec<Seed> {
    let [xlsx, ods] = sheets();
    let of = |end: &str, bytes| Seed {
        end: end.into(),
        bytes,
        beside: Vec::new(),
    };
    vec![
        of("xlsx", super::workbook::workbook(&[("Production", xlsx)])),
        of("ods", super::workbook::ods(&[("Production", ods)])),
    ]
}

fn links(path: &Path) -> bool {
    let files = NetworkFiles {
        links: path.to_path_buf(),
        input_share: Some(0.5),
        ..NetworkFiles::default()
    };
    read_network(&files).is_ok()
}

fn words(path: &Path) -> bool {
    let files = InoueTodo {
        edges: path.to_path_buf(),
        final_demand: Some(path.with_file_name("demand.txt")),
        output: None,
        affiliation: None,
    };
    Network::from_inoue_todo(&files).is_ok()
}

fn saved(path: &Path) -> bool {
    let first = load(path).is_ok();
    first
        | Observation::load(path).is_ok()
        | Network::load(path).is_ok()
        | Posterior::load(path).is_ok()
}

fn state(path: &Path) -> bool {
    let options = Svi {
        steps: 3,
        draws: 1,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some(path.to_path_buf()),
        ..Run::default()
    };
    calibrate(&super::small::problem(), &options, &run, &mut ()).is_ok()
}

/// Values of all kinds, saved in all formats: the file that `load` is given, with those beside it.
fn saves(folder: &Path) -> Vec<Seed> {
    let problem = super::small::problem();
    let svi = Svi {
        steps: 2,
        draws: 2,
        ..Svi::default()
    };
    let fit = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a posterior");
    let mut all = Vec::new();
    for end in ["parquet", "arrow", "csv"] {
        for kind in ["panel", "network", "fit"] {
            let folder = folder.join(format!("{kind}-{end}"));
            std::fs::create_dir_all(&folder).expect("a folder");
            let path = folder.join(format!("x.{end}"));
            match kind {
                "panel" => problem.observed.save(&path),
                "network" => problem.network.save(&path),
                _ => fit.save(&path),
            }
            .expect("saved");
            let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
                .expect("a folder")
                .flatten()
                .map(|e| {
                    let name = e.file_name().to_string_lossy().into_owned();
                    (name, std::fs::read(e.path()).expect("bytes"))
                })
                .collect();
            files.sort();
            let main = format!("x.{end}");
            let at = files
                .iter()
                .position(|(name, _)| *name == main)
                .expect("the first file");
            let (_, bytes) = files.remove(at);
            // The same without its sum, as of another program: what reads it gets to see the damage.
            if end != "csv" {
                let name = b"\"checksum\"";
                let starts: Vec<usize> = (0..bytes.len() - name.len())
                    .filter(|k| bytes[*k..].starts_with(name))
                    .collect();
                let mut bytes = bytes.clone();
                starts.iter().for_each(|k| bytes[k + 8] = b'_');
                all.push(Seed {
                    end: end.into(),
                    bytes,
                    beside: files.clone(),
                });
            }
            all.push(Seed {
                end: end.into(),
                bytes,
                beside: files,
            });
        }
    }
    all
}

fn states(folder: &Path) -> Vec<Seed> {
    let path = folder.join("state.safetensors");
    let svi = Svi {
        steps: 2,
        draws: 1,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some(path.clone()),
        ..Run::default()
    };
    calibrate(&super::small::problem(), &svi, &run, &mut ()).expect("a posterior");
    let bytes = std::fs::read(&path).expect("the state");
    vec![Seed {
        end: "safetensors".into(),
        bytes,
        beside: Vec::new(),
    }]
}

/// All readers; `folder` is room to make their files in.
pub(crate) fn readers(folder: &Path) -> Vec<Reader> {
    let table_seeds = || {
        let mut seeds = files_of(&["cases", "tables"], &["csv", "tsv", "txt"]);
        seeds.push(text_seed(
            "csv",
            ",A,B,Final demand,Output\nA,10,20,70,100\nB,5,10,85,100\nValue added,85,70,,\n",
        ));
        seeds.push(text_seed("csv", "supplier,buyer,value\nA,A,10\nA,B,20\nB,A,5\nB,B,10\nA,final demand,70\nB,final demand,85\nvalue added,A,85\nvalue added,B,70\n"));
        seeds
    };
    let link_seeds = || {
        vec![
            text_seed("csv", "buyer,supplier,flow\nA,B,0.2\nB,C,0.3\nC,A,0.1\n"),
            text_seed("csv", "seller,client,amount\n01,02,10\n02,03,5\n01,03,4\n"),
        ]
    };
    let reader = |name, read: fn(&Path) -> bool, text, seeds| Reader {
        name,
        seeds,
        read,
        text,
    };
    let all = vec![
        reader(
            "indices",
            index,
            true,
            files_of(&["indices/cases", "cases"], &["csv", "tsv", "txt", "xml"]),
        ),
        reader("input-output tables", table, true, table_seeds()),
        reader("workbooks, as index and as table", either, false, {
            let mut seeds = files_of(&["cases"], &["xlsx", "ods"]);
            seeds.extend(books());
            seeds
        }),
        reader(
            "sheets of workbooks",
            sheet,
            true,
            sheets().iter().map(|xml| text_seed("xml", xml)).collect(),
        ),
        reader("networks", links, true, link_seeds()),
        reader(
            "Inoue and Todo's files",
            words,
            true,
            vec![Seed {
                beside: vec![("demand.txt".into(), b"1 10\n2 10\n3 10\n".to_vec())],
                ..text_seed("txt", "1 2 2.5\n2 1 3.5\n3 1 1\n2 3 0.5\n")
            }],
        ),
        reader("saved values", saved, false, saves(folder)),
        reader("states", state, false, states(folder)),
    ];
    all.into_iter().filter(|r| !r.seeds.is_empty()).collect()
}

/// A number that readers are asked what to do with.
const NUMBERS: [&str; 16] = [
    "",
    "0",
    "-1",
    "-999",
    "1e308",
    "1e999",
    "NaN",
    "inf",
    "1.015",
    "1,015",
    "1.234.567,8",
    "1 234",
    "\u{2212}5",
    "12%",
    "(3)",
    "x",
];
/// Text that is no number.
const TEXTS: [&str; 8] = [
    "\u{1}bullwhip-display {}",
    "\u{200b}",
    "<img src=x onerror=alert(1)>",
    "\"",
    "\u{202e}abc",
    "EVCXR_EXECUTION_COMPLETE",
    "\u{0}",
    "Total",
];

/// One change of a text that means something.
fn change_text(text: &str, rng: &mut StdRng) -> String {
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    if lines.is_empty() {
        return TEXTS[rng.random_range(0..TEXTS.len())].into();
    }
    let at = rng.random_range(0..lines.len());
    let separator = [',', ';', '\t', ' ']
        .into_iter()
        .max_by_key(|s| lines[at].matches(*s).count())
        .unwrap_or(',');
    let mut fields: Vec<String> = lines[at].split(separator).map(String::from).collect();
    let field = rng.random_range(0..fields.len());
    let join = separator.to_string();
    match rng.random_range(0..13) {
        0 => lines.insert(at, lines[at].clone()),
        1 => drop(lines.remove(at)),
        2 => fields[field] = NUMBERS[rng.random_range(0..NUMBERS.len())].into(),
        3 => fields[field] = TEXTS[rng.random_range(0..TEXTS.len())].into(),
        4 => fields.insert(field, String::new()),
        5 => drop(fields.remove(field)),
        6 => {
            let other = rng.random_range(0..fields.len());
            fields.swap(field, other);
        }
        7 => {
            let other = rng.random_range(0..lines.len());
            lines.swap(at, other);
        }
        8 => fields[field] = fields[field].repeat(rng.random_range(2..400)),
        9 => {
            let other = [",", ";", "\t", "|"][rng.random_range(0..4)];
            return text.replace(separator, other);
        }
        10 => return lines.join("\r\n"),
        11 => {
            let times = rng.random_range(2..60);
            return text.repeat(times);
        }
        _ => fields[field] += TEXTS[rng.random_range(0..TEXTS.len())],
    }
    // What was done to fields, where the line is still there and was not moved.
    if at < lines.len() && lines[at].split(separator).count() <= fields.len() + 1 {
        lines[at] = fields.join(&join);
    }
    lines.join("\n") + "\n"
}

/// One change of bytes.
fn change_bytes(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    if bytes.is_empty() {
        bytes.push(rng.random());
        return;
    }
    let at = rng.random_range(0..bytes.len());
    let length = rng.random_range(1..=(bytes.len() - at).min(64));
    match rng.random_range(0..6) {
        0 => bytes[at] ^= 1 << rng.random_range(0..8),
        1 => bytes[at] = [0, 0xff, 0x7f, 0x80, b'"', b'\n'][rng.random_range(0..6)],
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..at + length)),
        4 => {
            let some = bytes[at..at + length].to_vec();
            let to = rng.random_range(0..bytes.len());
            bytes.splice(to..to, some);
        }
        _ => rng.fill_bytes(&mut bytes[at..at + length]),
    }
}

/// Tries a reader on hurt files until `enough`, which is told how many there were.
pub(crate) fn try_hurt(
    reader: &Reader,
    folder: &Path,
    seed: u64,
    mut enough: impl FnMut(usize) -> bool,
) -> Counts {
    let mut counts = Counts::default();
    let mut rng = StdRng::seed_from_u64(seed);
    let folder = folder.join("hurt");
    while !enough(counts.tried) {
        let one = &reader.seeds[rng.random_range(0..reader.seeds.len())];
        let mut bytes = one.bytes.clone();
        for _ in 0..rng.random_range(1..4) {
            match String::from_utf8(bytes) {
                Ok(text) if reader.text && rng.random_bool(0.7) => {
                    bytes = change_text(&text, &mut rng).into_bytes();
                }
                Ok(text) => {
                    bytes = text.into_bytes();
                    change_bytes(&mut bytes, &mut rng);
                }
                Err(e) => {
                    bytes = e.into_bytes();
                    change_bytes(&mut bytes, &mut rng);
                }
            }
            bytes.truncate(4 << 20);
        }
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("x.{}", one.end));
        std::fs::write(&path, &bytes).expect("written");
        for (name, beside) in &one.beside {
            std::fs::write(folder.join(name), beside).expect("written");
        }
        let begin = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| (reader.read)(&path)));
        counts.longest = counts.longest.max(begin.elapsed());
        counts.tried += 1;
        match done {
            Ok(true) => counts.read += 1,
            Ok(false) => counts.refused += 1,
            Err(_) => {
                counts.panics += 1;
                let kept =
                    folder.with_file_name(format!("panic-{seed}-{}.{}", counts.tried, one.end));
                let _ = std::fs::write(&kept, &bytes);
                println!(
                    "{}: a panic, the file is kept: {}",
                    reader.name,
                    kept.display()
                );
            }
        }
    }
    counts
}
