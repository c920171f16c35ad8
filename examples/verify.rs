//! Checks case directories (the layouts of `tests/golden` and of `tests/breadth`) against the model: one JSON line per
//! case and rule, and a non-zero exit past the tolerance.

#[path = "../tests/common/breadth.rs"]
#[allow(unreachable_pub, dead_code)]
mod breadth;
#[path = "../tests/common/case.rs"]
#[allow(unreachable_pub, dead_code)]
mod case;

fn main() {
    let dirs: Vec<String> = std::env::args().skip(1).collect();
    if dirs.is_empty() {
        eprintln!("usage: cargo run --release --example verify -- DIR...");
        std::process::exit(2);
    }
    let mut good = true;
    for dir in dirs {
        let path = std::path::Path::new(&dir);
        if breadth::is_case(path) {
            match breadth::report(path) {
                Ok((passed, json)) => {
                    good &= passed;
                    println!("{json}");
                }
                Err(e) => {
                    good = false;
                    println!(
                        "{}",
                        serde_json::json!({ "case": dir, "error": e.to_string() })
                    );
                }
            }
            continue;
        }
        match case::check(path) {
            Ok(reports) => {
                for report in reports {
                    good &= report.passed();
                    println!("{}", report.json());
                }
            }
            Err(e) => {
                good = false;
                println!(
                    "{}",
                    serde_json::json!({ "case": dir, "error": e.to_string() })
                );
            }
        }
    }
    std::process::exit(i32::from(!good));
}
