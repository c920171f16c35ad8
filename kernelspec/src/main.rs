//! The bullwhip notebook kernel: evcxr with the toolkit compiled once, and a headless runner.

mod cli;
mod doctor;
mod execute;
mod html;
mod install;
mod kernel;
mod runtime;
mod session;
mod toolchain;

fn main() {
    // evcxr starts this very program again to run cells and to wrap the compiler; Jupyter starts it
    // with a connection file. None of these is a command of ours.
    let of_evcxr = ["EVCXR_IS_RUNTIME", "EVCXR_RUSTC_WRAPPER"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let connection = std::env::args()
        .nth(1)
        .is_some_and(|a| a == "--control_file");
    let result = if let Some(result) = toolchain::serve() {
        result
    } else if of_evcxr {
        evcxr_jupyter::main()
    } else if connection {
        kernel::serve()
    } else {
        cli::run()
    };
    if let Err(error) = result {
        eprintln!("bullwhip-kernel: {error:#}");
        std::process::exit(1);
    }
}
