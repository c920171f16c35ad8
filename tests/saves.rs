//! Saves that are interrupted, mixed, damaged or without room: whole, or refused.

use bullwhip::prelude::*;
use folder::Folder;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[path = "common/folder.rs"]
mod folder;
#[path = "common/small.rs"]
mod small;

impl Folder {
    /// Its files with their bytes.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(&self.0).expect("a folder");
        let read = |e: std::io::Result<std::fs::DirEntry>| {
            let e = e.expect("an entry");
            let name = e.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(e.path()).expect("bytes"))
        };
        entries.map(read).collect()
    }
}

fn fits() -> [Posterior; 2] {
    let problem = small::problem();
    [1, 2].map(|seed| {
        let svi = Svi {
            steps: 4,
            draws: 5,
            ..Svi::default()
        };
        let run = Run {
            seed,
            ..Run::default()
        };
        calibrate(&problem, &svi, &run, &mut ()).expect("a posterior")
    })
}

/// All numbers of a posterior, as bits.
fn print(p: &Posterior) -> Vec<u64> {
    let learnt = p.parameters.iter();
    let all = learnt.flat_map(|l| l.samples.iter().chain(&l.location).chain(&l.scale).copied());
    let history = p.history.iter().map(|s| s.objective);
    let panels = p.predictive.samples.iter().copied();
    all.chain(history).chain(panels).map(f64::to_bits).collect()
}

#[test]
fn an_interrupted_save_is_one_fit_or_the_other_or_refused() {
    let [a, b] = fits();
    for end in ["parquet", "arrow", "csv"] {
        let folder = Folder::new(&format!("saves-{end}"));
        let path = folder.0.join(format!("fit.{end}"));
        a.save(&path).expect("saved");
        let first = folder.files();
        b.save(&path).expect("saved over it");
        let second = folder.files();
        assert_eq!(
            first.keys().collect::<Vec<_>>(),
            second.keys().collect::<Vec<_>>()
        );
        let names: Vec<&String> = first.keys().collect();
        let (of_a, of_b) = (print(&a), print(&b));
        assert_ne!(of_a, of_b);
        // One file of the other save, or all but one: whatever a kill between two renames can leave.
        for k in 0..names.len() {
            for other in [false, true] {
                for (j, name) in names.iter().enumerate() {
                    let from_second = (j == k) != other;
                    folder.write(
                        name,
                        if from_second {
                            &second[*name]
                        } else {
                            &first[*name]
                        },
                    );
                }
                match Posterior::load(&path) {
                    Ok(p) => assert!(
                        print(&p) == of_a || print(&p) == of_b,
                        "{end}: a mixture by {}",
                        names[k]
                    ),
                    Err(e) => {
                        let text = e.to_string();
                        assert!(
                            text.contains("not of the same save")
                                || text.contains("changed since bullwhip wrote it"),
                            "{text}"
                        );
                    }
                }
            }
        }
        for (name, bytes) in &second {
            folder.write(name, bytes);
        }
        assert_eq!(print(&Posterior::load(&path).expect("whole again")), of_b);
    }
}

#[test]
fn one_changed_bit_is_refused_or_changes_nothing() {
    let panel = small::problem().observed;
    for end in ["parquet", "arrow", "csv"] {
        let folder = Folder::new(&format!("bit-{end}"));
        let path = folder.0.join(format!("panel.{end}"));
        panel
            .save_with(&path, &[("severity", &0.3)])
            .expect("saved");
        let good = folder.files();
        let (mut refused, mut same) = (0, 0);
        for (name, bytes) in &good {
            // Every byte of small files, fewer of large ones, whose numbers are alike.
            for k in (0..bytes.len()).step_by(bytes.len().div_ceil(6000)) {
                let mut hurt = bytes.clone();
                hurt[k] ^= 1 << (k % 8);
                folder.write(name, &hurt);
                match (Observation::load(&path), load(&path)) {
                    (Ok(back), Ok(loaded)) => {
                        let equal = back
                            .values
                            .iter()
                            .zip(&panel.values)
                            .all(|(a, b)| a.to_bits() == b.to_bits());
                        assert!(equal, "{name}: byte {k} changed the numbers without a word");
                        let severity = loaded.about.facts.get("severity").map(String::as_str);
                        assert_eq!(
                            severity,
                            Some("0.3"),
                            "{name}: byte {k} changed a fact without a word"
                        );
                        same += 1;
                    }
                    _ => refused += 1,
                }
            }
            folder.write(name, bytes);
        }
        println!("{end}: {refused} refused, {same} the same");
        assert!(refused > same);
    }
}

#[test]
fn a_file_that_asks_for_more_than_there_is_is_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/allocates.parquet");
    for said in [
        load(&path).expect_err("refused").to_string(),
        Observation::load(&path).expect_err("refused").to_string(),
    ] {
        assert!(
            said.contains("allocates.parquet") && said.contains("damaged"),
            "{said}"
        );
    }
}

#[test]
fn what_is_no_file_is_refused() {
    if !Path::new("/dev/full").exists() {
        println!("left out: no /dev/full here");
        return;
    }
    let svi = Svi {
        steps: 2,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some("/dev/full".into()),
        ..Run::default()
    };
    let said = calibrate(&small::problem(), &svi, &run, &mut ())
        .expect_err("refused")
        .to_string();
    assert!(said.contains("it is not a file"), "{said}");
}

/// A disk of 64 kB, where this process may mount one.
struct Disk(PathBuf);

impl Disk {
    fn new(folder: &Folder) -> Option<Self> {
        let at = folder.0.join("disk");
        std::fs::create_dir_all(&at).expect("a folder");
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(&at)
            .stderr(std::process::Stdio::null())
            .status();
        match mount {
            Ok(status) if status.success() => Some(Self(at)),
            _ => {
                println!("left out: this process cannot mount a small disk");
                None
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

/// Fills a disk at a step, and notes what is told of it until the steps are over.
struct Filler {
    fill: PathBuf,
    told: Vec<String>,
}

impl Progress for Filler {
    fn update(&mut self, done: usize, _: &str) {
        if done == 20 {
            // More than there is room for: the file takes what is left.
            let _ = std::fs::write(&self.fill, vec![0_u8; 1 << 20]);
        }
    }
}

impl Watch for Filler {
    fn watches(&self) -> bool {
        true
    }
    fn wants_picture(&mut self) -> bool {
        true
    }
    fn picture(&mut self, snapshot: Snapshot) {
        if snapshot.done < snapshot.total {
            self.told.extend(snapshot.warnings);
        }
    }
}

#[test]
fn a_disk_that_fills_is_told_while_the_fit_runs() {
    let problem = small::problem();
    let folder = Folder::new("saves-fills");
    let Some(disk) = Disk::new(&folder) else {
        return;
    };
    let svi = Svi {
        steps: 60,
        draws: 5,
        ..Svi::default()
    };
    let run = Run {
        state_file: Some(disk.0.join("fit.safetensors")),
        save_seconds: 0.0,
        ..Run::default()
    };
    let mut filler = Filler {
        fill: disk.0.join("fill"),
        told: Vec::new(),
    };
    let result = calibrate(&problem, &svi, &run, &mut filler).expect("a posterior");
    let unsaved = |w: &String| w.contains("the state of the calibration cannot be written");
    assert!(filler.told.iter().any(unsaved), "{:?}", filler.told);
    assert!(result.warnings.iter().any(unsaved), "{:?}", result.warnings);
    let alone = calibrate(&problem, &svi, &Run::default(), &mut ()).expect("a posterior");
    assert_eq!(print(&result), print(&alone));
    // The last state that had room is there, and nothing else.
    std::fs::remove_file(&filler.fill).expect("removed");
    let left = std::fs::read_dir(&disk.0).expect("a folder").count();
    assert_eq!(left, 1);
    let again = calibrate(&problem, &svi, &run, &mut ()).expect("the rest");
    assert_eq!(print(&again), print(&alone));
}

#[test]
fn a_full_disk_leaves_the_old_panel_with_its_old_facts() {
    let panel = small::problem().observed;
    let folder = Folder::new("saves-full");
    let Some(disk) = Disk::new(&folder) else {
        return;
    };
    let path = disk.0.join("p.csv");
    panel
        .save_with(&path, &[("severity", &0.3)])
        .expect("there is room");
    std::fs::write(disk.0.join("fill"), vec![0_u8; 40_000]).expect("filled");
    let mut rest = 65_536;
    for k in 0.. {
        if rest == 0 {
            break;
        }
        let name = disk.0.join(format!("fill-{k}"));
        if std::fs::write(&name, vec![0_u8; rest]).is_err() {
            let _ = std::fs::remove_file(&name);
            rest /= 2;
        }
    }
    let said = panel
        .save_with(&path, &[("severity", &0.9)])
        .expect_err("no room")
        .to_string();
    assert!(said.contains("it cannot be written"), "{said}");
    let back = load(&path).expect("the old one");
    assert_eq!(
        back.about.facts.get("severity").map(String::as_str),
        Some("0.3")
    );
    assert_eq!(
        Observation::load(&path).expect("the old one").values.len(),
        panel.values.len()
    );
    let left: Vec<_> = std::fs::read_dir(&disk.0)
        .expect("a folder")
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().ends_with(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
