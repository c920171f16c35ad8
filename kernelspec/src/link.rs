//! What a kernel, its evaluator and the process of its cells say to each other: one line of JSON a message, over a
//! Unix socket; and the names of these sockets.

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// The socket on which cells say what they show, in the environment of their process.
pub(crate) const SHOWS: &str = "BULLWHIP_SHOWS";

/// Beside that socket: the pipes for what cells print.
pub(crate) const PIPES: [&str; 2] = ["out", "err"];

/// The evaluator's socket, in the environment of the process.
pub(crate) const CELLS: &str = "BULLWHIP_CELLS";

/// Where the shared libraries of cells are.
pub(crate) const LIBRARIES: &str = "BULLWHIP_LIBRARIES";

/// Where a notebook's cells run: its folder and the environment that Jupyter gave its kernel.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A kernel's words.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum Ask {
    /// Be the evaluator of this notebook. The first word on a connection.
    Serve(Place),
    /// Run a cell; `count` is its number, for the headings of errors.
    Execute { code: String, count: usize },
    /// Complete at a position in bytes.
    Complete { code: String, at: usize },
    /// Describe what is at a position in bytes.
    Inspect { code: String, at: usize },
    /// Ask the running call to return what it has.
    Stop,
    /// End the cells' process; the variables are lost.
    Kill,
    /// The line that a cell waits for; None where nobody can be asked.
    Input(Option<String>),
    /// The page has moved the model of a widget.
    Moved { id: String, state: Value },
    /// The notebook is closed.
    Leave,
    /// End, instead of serving.
    End,
}

/// An evaluator's words.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum Tell {
    /// From here on requests are served.
    Ready,
    /// What a cell printed.
    Text { error: bool, text: String },
    /// What a cell shows before its end; with an `id` it takes the place of what has the same.
    Display { id: Option<String>, data: Value },
    /// What the process of the cells does to the model of a widget.
    Comm {
        id: String,
        kind: Comm,
        state: Value,
    },
    /// A cell waits for a line from the user.
    Input { prompt: String, password: bool },
    /// The value of a cell, by MIME type.
    Show(Value),
    /// One error of a cell.
    Failed(Failure),
    /// The cell has ended; `restarted` when its process and the variables are gone.
    Done { ok: bool, restarted: bool },
    /// The content of a reply to `Complete` or `Inspect`.
    Answer(Value),
}

/// What is done to the model of a widget.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Comm {
    Open,
    Update,
    Close,
}

/// Words of the process that runs cells, each of which is answered by one line of JSON.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum Word {
    /// A display, perhaps the cell's value, by MIME type.
    Show {
        value: bool,
        data: Map<String, Value>,
    },
    /// A display that changes in place.
    Live {
        id: String,
        data: Map<String, Value>,
    },
    /// The model of a widget.
    Comm {
        id: String,
        kind: Comm,
        state: Value,
    },
    /// From here on this connection hears what the page moves, a line each.
    Hears,
    /// What was shown last is the cell's value.
    Value,
    /// The error of a `?` ends the cell.
    Failed {
        text: String,
        file: String,
        line: usize,
    },
    /// A panic: it `ends` the cell, or was caught, or is one of another thread.
    Panicked {
        text: String,
        file: String,
        line: usize,
        /// The line of the cell whose statement ran; 0 where that is not known.
        at: usize,
        thread: Option<String>,
        ends: bool,
    },
    /// A variable is lost, as its type was defined anew.
    Lost { name: String },
    /// A cell is compiled, and waits for this.
    Waits { text: String },
    /// The cell has returned. Answered by its `Outcome`.
    Done,
    /// The cell waits for a line of input. Answered by it, or by null where nobody can be asked.
    Wants,
}

/// The evaluator's word to the process: where it has to run.
#[derive(Serialize, Deserialize, Clone, Default)]
pub(crate) struct Order {
    pub(crate) turn: u64,
    pub(crate) place: Option<Place>,
}

/// How a cell has ended, in what evcxr wants to know of it.
#[derive(Serialize, Deserialize, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) panicked: bool,
    pub(crate) failed: bool,
    pub(crate) lost: Vec<String>,
}

/// An error as Jupyter shows it.
#[derive(Serialize, Deserialize, Debug, Clone, Default)]
pub(crate) struct Failure {
    pub(crate) ename: String,
    pub(crate) evalue: String,
    pub(crate) traceback: Vec<String>,
}

impl Failure {
    /// An error that is one sentence.
    pub(crate) fn of(ename: &str, text: &str) -> Self {
        Self {
            ename: ename.to_string(),
            evalue: text.to_string(),
            traceback: vec![text.to_string()],
        }
    }
}

/// Sends one message.
pub(crate) fn send(mut stream: &UnixStream, message: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line).context("the other side has gone")
}

/// Waits for one message; None when the other side has gone.
pub(crate) fn receive<T: DeserializeOwned>(reader: &mut impl BufRead) -> Result<Option<T>> {
    let mut line = String::new();
    match reader.read_line(&mut line) {
        Ok(0) | Err(_) => Ok(None),
        Ok(_) => Ok(Some(serde_json::from_str(&line)?)),
    }
}
