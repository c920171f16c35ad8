//! The bullwhip notebook kernel: evcxr with the toolkit compiled once and kept warm, and a headless runner.

mod answers;
mod book;
mod building;
mod cells;
mod cli;
mod compile;
mod connection;
mod display;
mod doctor;
mod evaluator;
mod execute;
mod fates;
mod folder;
mod html;
mod input;
mod install;
mod instrument;
mod kernel;
mod kernelspec;
mod known;
mod lab;
mod link;
mod metadata;
mod obey;
mod outlet;
mod parameters;
mod pipes;
mod process;
mod protocol;
mod report;
mod runner;
mod runtime;
mod seek;
mod serve;
mod session;
mod slim;
mod source;
mod spare;
mod standin;
mod stock;
mod toolchain;

fn main() {
    // evcxr starts this very program again to run cells and to wrap the compiler; Jupyter starts it
    // with a connection file; kernels start evaluators. None of these is a command for users.
    let set = |name: &str| std::env::var_os(name);
    let first = std::env::args().nth(1).unwrap_or_default();
    let result = if let Some(result) = standin::serve() {
        result
    } else if set("EVCXR_IS_RUNTIME").is_some() {
        runner::serve()
    } else if set("EVCXR_RUSTC_WRAPPER").is_some() || set(stock::INSIDE).is_some() {
        evcxr_jupyter::main()
    } else if let Some(dir) = set(evaluator::FOLDER) {
        evaluator::serve(dir.as_ref())
    } else if first == "engine" {
        evaluator::start()
    } else if first == "--control_file" && set(stock::WANTED).is_some() {
        stock::serve()
    } else if first == "--control_file" {
        kernel::serve()
    } else {
        cli::run()
    };
    if let Err(error) = result {
        eprintln!("bullwhip-kernel: {error:#}");
        std::process::exit(1);
    }
}
