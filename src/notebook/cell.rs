//! The channel of their own by which cells speak to the kernel *Rust (bullwhip)*: what is shown, and how a
//! cell ended. Nothing of it goes over stdout, so nothing that a cell prints can pass for it.
//!
//! Called by the code that the kernel writes around a cell. Not for use by hand.

use serde_json::{Value, json};
use std::any::Any;
use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, Location, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::thread::{Thread, ThreadId};
use std::time::Duration;

/// The kernel's socket, in the environment of the process that runs cells.
const SOCKET: &str = "BULLWHIP_SHOWS";

/// Longer text of a value is cut.
const LONGEST: usize = 20_000;

#[cfg(unix)]
type Stream = BufReader<std::os::unix::net::UnixStream>;
#[cfg(not(unix))]
type Stream = BufReader<std::net::TcpStream>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection to the kernel; None elsewhere.
fn channel() -> Option<&'static Mutex<Stream>> {
    static CHANNEL: OnceLock<Option<Mutex<Stream>>> = OnceLock::new();
    CHANNEL.get_or_init(connect).as_ref()
}

#[cfg(unix)]
fn connect() -> Option<Mutex<Stream>> {
    let socket = std::env::var_os(SOCKET)?;
    let stream = std::os::unix::net::UnixStream::connect(socket).ok()?;
    Some(Mutex::new(BufReader::new(stream)))
}

#[cfg(not(unix))]
fn connect() -> Option<Mutex<Stream>> {
    std::env::var_os(SOCKET).and(None)
}

/// Tells the kernel something, and waits until it has taken it; false where there is no such kernel.
fn say(word: &Value) -> bool {
    let Some(channel) = channel() else {
        return false;
    };
    let mut channel = lock(channel);
    // A kernel that has gone ends this process, too.
    let _ =
        writeln!(channel.get_mut(), "{word}").and_then(|()| channel.read_line(&mut String::new()));
    true
}

/// Has the kernel show something here, below what was printed before; false where there is no such kernel.
pub(super) fn show(parts: &[(&str, &str)], value: bool) -> bool {
    if channel().is_none() {
        return false;
    }
    flush();
    say(&json!({ "Show": { "value": value, "data": by_type(parts) } }))
}

/// Has the kernel show a display that changes in place; false where there is no such kernel.
pub fn live(id: &str, parts: &[(&str, &str)]) -> bool {
    if channel().is_none() {
        return false;
    }
    flush();
    say(&json!({ "Live": { "id": id, "data": by_type(parts) } }))
}

thread_local! {
    /// Panics of this thread are told elsewhere.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs something whose panics stand elsewhere, as in a picture's place.
pub(super) fn quietly<R>(work: impl FnOnce() -> R) -> std::thread::Result<R> {
    let before = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(before);
    result
}

/// Has the kernel open, update or close a widget's model.
pub(super) fn comm(id: &str, kind: &str, state: &Value) {
    say(&json!({ "Comm": { "id": id, "kind": kind, "state": state } }));
}

/// What the page moves, a word each; None where there is no such kernel.
#[cfg(unix)]
pub(super) fn heard() -> Option<impl Iterator<Item = Value> + Send> {
    channel()?;
    let mut stream = connect()?.into_inner().ok()?;
    writeln!(stream.get_mut(), "\"Hears\"").ok()?;
    // Its answer says that it is heard from now on.
    stream.read_line(&mut String::new()).ok()?;
    let words = stream.lines().map_while(std::io::Result::ok);
    Some(words.filter_map(|line| serde_json::from_str(&line).ok()))
}

#[cfg(not(unix))]
pub(super) fn heard() -> Option<std::iter::Empty<Value>> {
    None
}

fn by_type(parts: &[(&str, &str)]) -> Value {
    let parts = parts.iter();
    let parts = parts.map(|(mime, part)| ((*mime).to_string(), Value::from(*part)));
    Value::Object(parts.collect())
}

/// The cell's value by its `Debug` form, where it has no other.
pub fn debug(text: &str) {
    super::page::emit(&[("text/plain", &short(text.to_string()))]);
}

/// Text of bearable length: a longer one is cut, and says so.
pub(super) fn short(text: String) -> String {
    let Some((at, _)) = text.char_indices().nth(LONGEST) else {
        return text;
    };
    let all = text.chars().count();
    format!(
        "{}…\n[cut here: {LONGEST} of {all} characters are shown; print a part of the value, or write it to a file]",
        &text[..at]
    )
}

/// What was shown last is the value of the cell.
pub fn value() {
    say(&json!("Value"));
}

/// The error of a `?` ends the cell. `text` is the error as its reader shall see it.
#[track_caller]
pub fn failed(text: &str) {
    let place = Location::caller();
    say(&json!({ "Failed": { "text": text, "file": place.file(), "line": place.line() } }));
}

/// A variable is lost, as its type was defined anew.
pub fn lost(name: &str) {
    say(&json!({ "Lost": { "name": name } }));
}

/// The line of the cell whose statement runs, from 1.
static LINE: AtomicU32 = AtomicU32::new(0);

/// The statement of this line of the cell begins.
pub fn at(line: u32) {
    LINE.store(line, Ordering::Relaxed);
}

/// A panic that was seen in the thread of the cells.
struct Seen {
    text: String,
    file: String,
    line: u32,
    at: u32,
}

static SEEN: Mutex<Option<Seen>> = Mutex::new(None);
static THREAD: Mutex<Option<ThreadId>> = Mutex::new(None);
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Runs a cell. A panic ends it and is told; what it has printed is out when it ends.
///
/// What is here is compiled with every cell again, so all that does not depend on the cell is elsewhere.
pub fn run<R>(cell: impl FnOnce() -> R) -> std::thread::Result<R> {
    let told = begin();
    let result = catch_unwind(AssertUnwindSafe(cell));
    if told {
        end(result.as_ref().err().map(|payload| &**payload));
    }
    result
}

/// A cell begins; false where no kernel is told of it.
#[inline(never)]
fn begin() -> bool {
    static HOOK: Once = Once::new();
    if channel().is_none() {
        return false;
    }
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(note));
    });
    static FLUSHER: OnceLock<Option<Thread>> = OnceLock::new();
    // Without the thread unfinished lines appear when the cell ends.
    let flusher = FLUSHER.get_or_init(|| {
        let thread = std::thread::Builder::new().name("unfinished lines".into());
        Some(thread.spawn(flush_now_and_then).ok()?.thread().clone())
    });
    *lock(&THREAD) = Some(std::thread::current().id());
    at(0);
    RUNNING.store(true, Ordering::SeqCst);
    flusher.iter().for_each(Thread::unpark);
    true
}

/// A cell has ended, by a panic with this payload if there is one.
#[inline(never)]
fn end(payload: Option<&(dyn Any + Send)>) {
    RUNNING.store(false, Ordering::SeqCst);
    flush();
    let seen = lock(&SEEN).take();
    match (payload, seen) {
        (Some(payload), seen) => {
            let text = payload
                .downcast_ref::<&str>()
                .map(|s| (*s).to_string())
                .or_else(|| payload.downcast_ref::<String>().cloned());
            tell(seen, text, None, true);
        }
        (None, Some(seen)) => tell(Some(seen), None, None, false),
        (None, None) => {}
    }
}

fn tell(seen: Option<Seen>, text: Option<String>, thread: Option<&str>, ends: bool) {
    let none = "a panic without a message".to_string();
    let seen = seen.unwrap_or(Seen {
        text: text.unwrap_or(none),
        file: String::new(),
        line: 0,
        at: LINE.load(Ordering::Relaxed),
    });
    say(&json!({ "Panicked": {
        "text": seen.text, "file": seen.file, "line": seen.line, "at": seen.at,
        "thread": thread, "ends": ends,
    } }));
}

/// The hook of all panics: in a cell it is kept until the cell has ended, elsewhere it is told at once.
fn note(panic: &PanicHookInfo<'_>) {
    let text = panic
        .payload_as_str()
        .unwrap_or("a panic without a message");
    let seen = Seen {
        text: text.to_string(),
        file: panic
            .location()
            .map_or(String::new(), |l| l.file().to_string()),
        line: panic.location().map_or(0, Location::line),
        at: LINE.load(Ordering::Relaxed),
    };
    if QUIET.get() {
        return;
    }
    let thread = std::thread::current();
    if RUNNING.load(Ordering::SeqCst) && *lock(&THREAD) == Some(thread.id()) {
        // One before it was caught by the cell itself.
        let before = lock(&SEEN).replace(seen);
        if let Some(before) = before {
            tell(Some(before), None, None, false);
        }
    } else {
        tell(Some(seen), None, Some(thread.name().unwrap_or("")), false);
    }
}

fn flush() {
    // A closed output cannot be told to anybody.
    let _ = std::io::stdout().flush();
}

/// Lines without an end are seen while a cell runs, as counters are that go back to the line's begin.
fn flush_now_and_then() {
    loop {
        std::thread::sleep(Duration::from_millis(100));
        match RUNNING.load(Ordering::SeqCst) {
            true => flush(),
            false => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_and_say_so() {
        assert_eq!(short("abc".into()), "abc");
        let cut = short("é".repeat(3 * LONGEST));
        assert!(cut.starts_with(&"é".repeat(LONGEST)), "{}", cut.len());
        assert!(cut.ends_with("[cut here: 20000 of 60000 characters are shown; print a part of the value, or write it to a file]"));
    }

    #[test]
    fn elsewhere_nobody_is_told_and_a_panic_is_caught() {
        assert!(!show(&[("text/plain", "1")], false));
        assert!(run(|| 3).is_ok_and(|v| v == 3));
    }
}
