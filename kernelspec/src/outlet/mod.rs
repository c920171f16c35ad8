//! What cells print and show, on its way to the notebook: in order, whole, and within bounds.

mod words;

use crate::display::{bearable, size, whole_characters};
use crate::link::{Outcome, PIPES, Tell};
use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, poll};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Text that a cell prints at most, in bytes.
const TEXT: usize = 2 << 20;
/// All that a cell shows at most, in bytes, less what changes in place.
const SHOWN: usize = 64 << 20;
/// A line of `evcxr_input`'s, which asks for a line of input.
const ASKS: &str = "EVCXR_INPUT_REQUEST";

/// Asks the user for a line by this prompt, perhaps one that shall not be seen; None where nobody can be
/// asked.
type AskUser = dyn Fn(&str, bool) -> Option<String> + Send + Sync;
/// Names the place of a line of what is compiled.
type NamePlace = dyn Fn(&str, usize) -> String + Send;

/// How the outlet reaches the notebook.
pub(crate) struct Notebook {
    pub(crate) tell: Box<dyn Fn(&Tell) + Send + Sync>,
    pub(crate) ask: Box<AskUser>,
}

/// What ends a cell before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The error of a `?`.
    Failed {
        text: String,
        file: String,
        line: usize,
    },
    Panicked {
        text: String,
        file: String,
        line: usize,
        at: usize,
    },
}

pub(crate) struct Outlet {
    notebook: Notebook,
    /// Where what cells print comes out.
    pipes: [File; 2],
    state: Mutex<State>,
    /// Lines of the source that is compiled, as lines of the cell.
    place: Mutex<Box<NamePlace>>,
    /// Where the process of the cells hears what the page moves.
    hears: Mutex<Option<UnixStream>>,
}

#[derive(Default)]
struct State {
    /// Bytes of a character that is not whole yet.
    begun: [Vec<u8>; 2],
    printed: usize,
    left_out: usize,
    shown: usize,
    /// A display that may be the cell's value.
    held: Option<Map<String, Value>>,
    /// The last line that was printed, if it has no end.
    line: String,
    /// A line that asks for input, until something is read, or printed after it.
    asks: String,
    /// What was printed last on the error stream.
    errors: String,
    stop: Option<Stop>,
    outcome: Outcome,
    /// Input was wanted, and nobody could be asked.
    refused: bool,
    /// The user has been told what to do instead of printing evcxr's words.
    hinted: bool,
}

impl Outlet {
    /// Makes the pipes and the socket in the session's folder, and serves them in the background.
    pub(crate) fn open(dir: &Path, notebook: Notebook) -> Result<Arc<Self>> {
        let made = Command::new("mkfifo")
            .args(["-m", "600"])
            .args(PIPES.map(|name| dir.join(name)))
            .status()
            .context("mkfifo cannot be started")?;
        anyhow::ensure!(made.success(), "no pipes can be made in {}", dir.display());
        // Also for writing: else the pipe ends with the process that writes.
        let open = |name: &str| File::options().read(true).write(true).open(dir.join(name));
        let [out, err] = PIPES.map(open);
        let outlet = Arc::new(Self {
            notebook,
            pipes: [out?, err?],
            state: Mutex::default(),
            place: Mutex::new(Box::new(|_, _| String::new())),
            hears: Mutex::default(),
        });
        let listener = UnixListener::bind(dir.join("shows.sock"))?;
        let ours = outlet.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let outlet = ours.clone();
                std::thread::spawn(move || outlet.converse(&stream));
            }
        });
        let ours = outlet.clone();
        std::thread::spawn(move || ours.pump());
        Ok(outlet)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cell begins; `place` names a line of what is compiled for it.
    pub(crate) fn begin(&self, place: impl Fn(&str, usize) -> String + Send + 'static) {
        self.drain(&mut self.state());
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(place);
        let mut state = self.state();
        *state = State {
            hinted: state.hinted,
            ..State::default()
        };
    }

    /// The cell has ended: all that it has printed is sent. What has stopped it.
    pub(crate) fn end(&self) -> Option<Stop> {
        let mut state = self.state();
        self.drain(&mut state);
        self.whole(&mut state);
        self.release(&mut state);
        if state.left_out > 0 {
            let text = format!(
                "\n[{} more were not shown]\n",
                size(std::mem::take(&mut state.left_out))
            );
            self.tell_text(false, text);
        }
        state.line.clear();
        state.stop.take()
    }

    /// What was printed last on the error stream.
    pub(crate) fn errors(&self) -> String {
        self.state().errors.clone()
    }

    /// True when the cell wanted input, and nobody could be asked.
    pub(crate) fn refused(&self) -> bool {
        self.state().refused
    }

    fn tell_text(&self, error: bool, text: String) {
        (self.notebook.tell)(&Tell::Text { error, text });
    }

    /// Waits for what is printed, and sends it.
    fn pump(&self) {
        loop {
            let [out, err] = &self.pipes;
            let mut files = [
                PollFd::new(out, PollFlags::IN),
                PollFd::new(err, PollFlags::IN),
            ];
            // An interrupted wait begins again.
            let _ = poll(&mut files, None);
            self.drain(&mut self.state());
        }
    }

    /// Sends what is in the pipes now.
    fn drain(&self, state: &mut State) {
        let mut buffer = vec![0; 1 << 16];
        for (error, mut pipe) in [(false, &self.pipes[0]), (true, &self.pipes[1])] {
            while rustix::io::ioctl_fionread(pipe).is_ok_and(|waiting| waiting > 0)
                && let Ok(count) = pipe.read(&mut buffer)
            {
                self.printed(state, error, &buffer[..count]);
            }
        }
    }

    fn printed(&self, state: &mut State, error: bool, bytes: &[u8]) {
        let begun = &mut state.begun[usize::from(error)];
        begun.extend_from_slice(bytes);
        let text = whole_characters(begun);
        if error {
            state.errors += &text;
            let surplus = state.errors.len().saturating_sub(2000);
            let cut = (surplus..).find(|at| state.errors.is_char_boundary(*at));
            state.errors.drain(..cut.unwrap_or(0));
            return self.bounded(state, true, text);
        }
        let mut text = std::mem::take(&mut state.asks) + &text;
        let begin = match text.strip_suffix('\n') {
            Some(lines) => lines.rfind('\n').map_or(0, |at| at + 1),
            None => text.rfind('\n').map_or(0, |at| at + 1),
        };
        if text[begin..].starts_with(ASKS) && (begin > 0 || state.line.is_empty()) {
            state.asks = text.split_off(begin);
        }
        match text.rfind('\n') {
            Some(at) => state.line = text[at + 1..].to_string(),
            None => state.line += &text,
        }
        let hint =
            text.contains("EVCXR_BEGIN_CONTENT") && !std::mem::replace(&mut state.hinted, true);
        self.bounded(state, false, text);
        if hint {
            let text = "EVCXR_BEGIN_CONTENT: this kernel shows printed text as text, whatever it says; to show a value of your own, implement `Show` for its type, or `show!` a `bullwhip::notebook::Page`\n";
            self.tell_text(true, text.into());
        }
    }

    /// Sends text until a cell has printed enough.
    fn bounded(&self, state: &mut State, error: bool, mut text: String) {
        if text.is_empty() {
            return;
        }
        self.release(state);
        let room = TEXT.saturating_sub(state.printed);
        if text.len() > room {
            let cut = (0..=room).rev().find(|at| text.is_char_boundary(*at));
            let cut = cut.unwrap_or(0);
            let first = state.left_out == 0;
            state.left_out += text.len() - cut;
            text.truncate(cut);
            if first {
                text += &format!(
                    "\n[cut here: a cell prints {} at most; write what is longer to a file]\n",
                    size(TEXT)
                );
            }
        }
        state.printed += text.len().min(room);
        if !text.is_empty() {
            self.tell_text(error, text);
        }
    }

    /// Sends what is no whole character, and what asks for input that nobody has read.
    fn whole(&self, state: &mut State) {
        for error in [false, true] {
            let bytes = std::mem::take(&mut state.begun[usize::from(error)]);
            self.bounded(state, error, String::from_utf8_lossy(&bytes).into_owned());
        }
        let asks = std::mem::take(&mut state.asks);
        self.bounded(state, false, asks);
    }

    /// Shows what was held back as the value of the cell, and is not.
    fn release(&self, state: &mut State) {
        if let Some(data) = state.held.take() {
            self.show(state, data, false);
        }
    }

    fn show(&self, state: &mut State, data: Map<String, Value>, value: bool) {
        let long = |part: &Value| part.as_str().map_or(0, str::len);
        let bytes: usize = data.values().map(long).sum();
        if state.shown.saturating_add(bytes) > SHOWN {
            if state.shown <= SHOWN {
                let text = format!(
                    "[cut here: a cell shows {} at most; use another cell, or save figures as files]\n",
                    size(SHOWN)
                );
                self.tell_text(true, text);
            }
            state.shown = SHOWN + 1;
            return;
        }
        state.shown += bytes;
        let data = bearable(data, bytes);
        (self.notebook.tell)(&match value {
            true => Tell::Show(data),
            false => Tell::Display { id: None, data },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Word;
    use serde_json::json;

    /// An outlet that writes down what it tells.
    fn outlet(name: &str) -> (Arc<Outlet>, Arc<Mutex<Vec<Tell>>>) {
        let dir =
            std::env::temp_dir().join(format!("bullwhip-outlet-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("a folder");
        let told = Arc::new(Mutex::new(Vec::new()));
        let ours = told.clone();
        let notebook = Notebook {
            tell: Box::new(move |tell| {
                let text = serde_json::to_string(tell).expect("JSON");
                let copy = serde_json::from_str(&text).expect("a tell");
                ours.lock().expect("a lock").push(copy);
            }),
            ask: Box::new(|_, _| None),
        };
        let outlet = Outlet::open(&dir, notebook).expect("an outlet");
        outlet.begin(|_, line| format!("in line {line}"));
        (outlet, told)
    }

    fn texts(told: &Mutex<Vec<Tell>>, wanted: bool) -> String {
        let told = told.lock().expect("a lock");
        let some = told.iter().filter_map(|tell| match tell {
            Tell::Text { error, text } if *error == wanted => Some(text.as_str()),
            _ => None,
        });
        some.collect()
    }

    #[test]
    fn characters_are_whole_however_they_come() {
        let (outlet, told) = outlet("whole");
        for byte in "é…\u{1F600} 50 %".as_bytes() {
            outlet.printed(&mut outlet.state(), false, &[*byte]);
        }
        outlet.printed(&mut outlet.state(), false, b"\xff\xfe x");
        outlet.printed(&mut outlet.state(), false, "é".as_bytes().split_at(1).0);
        assert!(outlet.end().is_none());
        let text = texts(&told, false);
        assert_eq!(text, "é…\u{1F600} 50 %\u{FFFD}\u{FFFD} x\u{FFFD}");
    }

    #[test]
    fn a_cell_prints_so_much_and_says_what_is_left_out() {
        let (outlet, told) = outlet("bound");
        for _ in 0..TEXT / 1000 + 5 {
            outlet.printed(&mut outlet.state(), false, "é".repeat(500).as_bytes());
        }
        outlet.end();
        let text = texts(&told, false);
        assert!(text.len() < TEXT + 300, "{}", text.len());
        assert!(text.contains("[cut here: a cell prints 2.1 MB at most"));
        assert!(
            text.ends_with("more were not shown]\n"),
            "{}",
            &text[text.len() - 90..]
        );
        // The next cell prints again.
        outlet.begin(|_, _| String::new());
        outlet.printed(&mut outlet.state(), false, b"again");
        outlet.end();
        assert!(texts(&told, false).ends_with("again"));
    }

    #[test]
    fn shows_come_in_order_and_the_last_is_the_value() {
        let (outlet, told) = outlet("order");
        let data = |text: &str| Map::from_iter([("text/plain".to_string(), json!(text))]);
        let show = |value: bool, text: &str| {
            outlet.hear(Word::Show {
                value,
                data: data(text),
            })
        };
        show(false, "1");
        show(true, "2");
        outlet.printed(&mut outlet.state(), false, b"between");
        show(true, "3");
        outlet.hear(Word::Value);
        outlet.end();
        let told = told.lock().expect("a lock");
        let lines: Vec<String> = told
            .iter()
            .map(|tell| match tell {
                Tell::Display { data, .. } => format!("display {}", data["text/plain"]),
                Tell::Show(data) => format!("value {}", data["text/plain"]),
                Tell::Text { text, .. } => text.clone(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            lines,
            ["display \"1\"", "display \"2\"", "between", "value \"3\""]
        );
    }

    #[test]
    fn what_asks_for_input_is_the_prompt_or_text() {
        let (outlet, told) = outlet("input");
        outlet.printed(
            &mut outlet.state(),
            false,
            b"a\nEVCXR_INPUT_REQUEST:which\n",
        );
        assert_eq!(texts(&told, false), "a\n");
        outlet.printed(&mut outlet.state(), false, b"b");
        assert_eq!(texts(&told, false), "a\nEVCXR_INPUT_REQUEST:which\nb");
        assert_eq!(outlet.wants(), None);
        assert!(outlet.refused());
    }
}
