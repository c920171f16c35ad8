//! What the process of the cells says, and what it is answered.

use super::{Outlet, State, Stop};
use crate::display::bearable;
use crate::link::{self, Tell, Word};
use serde_json::{Value, json};
use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::sync::{MutexGuard, PoisonError};

impl Outlet {
    /// Answers the words of one connection from the process of the cells.
    pub(super) fn converse(&self, stream: &UnixStream) {
        let Ok(clone) = stream.try_clone() else {
            return;
        };
        let mut reader = BufReader::new(clone);
        // What is no word ends the conversation.
        while let Ok(Some(word)) = link::receive::<Word>(&mut reader) {
            let answer = match word {
                Word::Wants => json!(self.wants()),
                Word::Hears => {
                    *self.hears() = stream.try_clone().ok();
                    Value::Null
                }
                word => self.hear(word),
            };
            if link::send(stream, &answer).is_err() {
                return;
            }
        }
    }

    pub(super) fn hear(&self, word: Word) -> Value {
        let mut state = self.state();
        let state = &mut *state;
        self.drain(state);
        match word {
            Word::Show { value, data } => {
                self.whole(state);
                self.release(state);
                match value {
                    true => state.held = Some(data),
                    false => self.show(state, data, false),
                }
            }
            Word::Value => {
                if let Some(data) = state.held.take() {
                    self.show(state, data, true);
                }
            }
            Word::Live { id, data } => {
                self.release(state);
                let bytes = data.values().filter_map(Value::as_str).map(str::len).sum();
                (self.notebook.tell)(&Tell::Display {
                    id: Some(id),
                    data: bearable(data, bytes),
                });
            }
            Word::Comm { id, kind, state } => {
                (self.notebook.tell)(&Tell::Comm { id, kind, state });
            }
            Word::Failed { text, file, line } => {
                state.outcome.failed = true;
                state.stop = Some(Stop::Failed { text, file, line });
            }
            Word::Panicked {
                text,
                file,
                line,
                at,
                ends: true,
                ..
            } => {
                state.outcome.panicked = true;
                state.stop = Some(Stop::Panicked {
                    text,
                    file,
                    line,
                    at,
                });
            }
            Word::Panicked {
                text,
                file,
                line,
                thread,
                ..
            } => {
                let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
                let place = place(&file, line);
                self.notice(state, &text, &place, thread.as_deref());
            }
            Word::Waits { text } => self.tell_text(false, text),
            Word::Lost { name } => state.outcome.lost.push(name),
            Word::Done => return json!(std::mem::take(&mut state.outcome)),
            Word::Wants | Word::Hears => {}
        }
        Value::Null
    }

    /// The connection that hears what the page moves.
    fn hears(&self) -> MutexGuard<'_, Option<UnixStream>> {
        self.hears.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the process of the cells what the page has moved; without one nothing is lost.
    pub(crate) fn moved(&self, id: &str, state: &Value) {
        let mut hears = self.hears();
        let told = hears
            .as_ref()
            .map(|stream| link::send(stream, &json!({ "id": id, "state": state })));
        if told.is_some_and(|told| told.is_err()) {
            *hears = None;
        }
    }

    /// A panic that does not end the cell.
    fn notice(&self, state: &mut State, text: &str, place: &str, thread: Option<&str>) {
        let who = match thread {
            Some("") => "a thread panicked".to_string(),
            Some(name) => format!("the thread `{name}` panicked"),
            None => "a panic was caught".to_string(),
        };
        let text = format!("{who} {place}: {text}\n");
        self.bounded(state, true, text);
    }

    pub(super) fn wants(&self) -> Option<String> {
        let (prompt, password) = {
            let mut state = self.state();
            self.drain(&mut state);
            let asks = std::mem::take(&mut state.asks);
            match asks.split_once(':') {
                Some((word, prompt)) => (prompt.trim_end().to_string(), word.ends_with("PASSWORD")),
                None => (std::mem::take(&mut state.line), false),
            }
        };
        let line = (self.notebook.ask)(&prompt, password);
        self.state().refused |= line.is_none();
        line
    }
}
