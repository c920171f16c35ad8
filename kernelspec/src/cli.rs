//! The commands: run, lab, install, uninstall, serve, doctor.

use crate::{doctor, execute, install, lab, serve};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
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
    /// Fails with the first cell that does not compile, panics, or ends with the error of a `?`, unless it is
    /// tagged `raises-exception`. Cells tagged `skip-execution` do not run.
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
        /// A parameter and its value, in place of the `let` in the cell tagged `parameters`; as often as needed.
        #[arg(short, long = "parameter", num_args = 2, value_names = ["NAME", "VALUE"], allow_hyphen_values = true)]
        parameters: Vec<String>,
        /// Give up on a cell after this many seconds.
        #[arg(long, default_value_t = 1800)]
        timeout: u64,
    },
    /// Start JupyterLab with the kernel; where there is none, install it for bullwhip alone.
    Lab {
        /// For JupyterLab: a folder, a notebook, options.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Compile the notebook runtime and register the kernel with Jupyter.
    Install {
        /// Jupyter data folder [default: the user's].
        #[arg(long)]
        prefix: Option<PathBuf>,
        /// Features of bullwhip that notebooks have, such as cuda,remote; kept until others are given
        /// [default: those of the last time, at first none].
        #[arg(long, value_delimiter = ',')]
        features: Option<Vec<String>>,
    },
    /// Serve a device of this machine to notebooks on others; compiles what that needs.
    ///
    /// Prints the token that lets clients in, and the line that connects a notebook. The token belongs into
    /// ~/.config/bullwhip/token on the machine of the notebook (chmod 600), or into BULLWHIP_TOKEN, not into the
    /// notebook. All that travels is encrypted. Who has the token can have the operations of bullwhip done here, and
    /// hold so much memory; who has not, can have nothing done. Ctrl-C ends it.
    Serve(serve::Options),
    /// Remove the kernel from Jupyter, the compiled runtime, waiting engines, and our JupyterLab.
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
            parameters,
            timeout,
        } => {
            let pairs = parameters.chunks_exact(2);
            let pairs: Vec<(String, String)> = pairs
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect();
            let output = output.unwrap_or_else(|| notebook.clone());
            let html = (!no_html).then(|| html.unwrap_or_else(|| output.with_extension("html")));
            execute::run(&notebook, &output, html.as_deref(), timeout, &pairs)
        }
        Command::Lab { arguments } => lab::lab(&arguments),
        Command::Install { prefix, features } => install::install(prefix, features),
        Command::Serve(options) => serve::serve(options),
        Command::Uninstall { prefix } => install::uninstall(prefix),
        Command::Doctor => doctor::doctor(),
    }
}
