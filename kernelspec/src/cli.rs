//! The commands: run, install, uninstall, doctor.

use crate::{doctor, execute, install};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Rust notebooks with bullwhip compiled once.
#[derive(Parser)]
#[command(name = "bullwhip-kernel", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Execute a notebook with the real kernel; no Python needed.
    ///
    /// Fails with the first cell that does not compile, panics, or writes to the error stream,
    /// which is how evcxr reports an error returned by `?`.
    Run {
        /// The notebook.
        notebook: PathBuf,
        /// Where the executed notebook goes [default: in place].
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// Also write a page of HTML here [default: beside the executed notebook].
        #[arg(long)]
        html: Option<PathBuf>,
        /// Do not write a page of HTML.
        #[arg(long, conflicts_with = "html")]
        no_html: bool,
        /// Give up on a cell after this many seconds.
        #[arg(long, default_value_t = 1800)]
        timeout: u64,
    },
    /// Compile the notebook runtime and register the kernel with Jupyter.
    Install {
        /// Jupyter data folder [default: the user's].
        #[arg(long)]
        prefix: Option<PathBuf>,
    },
    /// Remove the kernel from Jupyter, and the compiled runtime.
    Uninstall {
        /// Jupyter data folder [default: the user's].
        #[arg(long)]
        prefix: Option<PathBuf>,
    },
    /// Say what is there and what is missing.
    Doctor,
}

/// Parses the command line and does what it says.
pub(crate) fn run() -> Result<()> {
    match Cli::parse().command {
        Command::Run {
            notebook,
            output,
            html,
            no_html,
            timeout,
        } => {
            let output = output.unwrap_or_else(|| notebook.clone());
            let html = (!no_html).then(|| html.unwrap_or_else(|| output.with_extension("html")));
            execute::run(&notebook, &output, html.as_deref(), timeout)
        }
        Command::Install { prefix } => install::install(prefix),
        Command::Uninstall { prefix } => install::uninstall(prefix),
        Command::Doctor => doctor::doctor(),
    }
}
