//! The stop button and Ctrl-C: while a long call runs, they ask it to return what it has.
//!
//! A long call looks between its steps, so it returns after the step that is running: at once for
//! small economies, after about nine seconds where one step of a fit of a million firms takes so long.
//!
//! In a terminal a second Ctrl-C in the same call ends the process, and outside long calls the first
//! does, as ever. In the notebook kernel *Rust (bullwhip)* the signal never ends anything: there the
//! kernel itself ends a cell on the second press. A program that handles SIGINT itself is, after its
//! first long call, ended by a signal outside long calls nevertheless.

use signal_hook::{consts::SIGINT, flag};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Held by a long call while it runs. All calls that hold one are asked together; a stop that was
/// asked for before the first of them began does not count. Fits that were spawned hold none: they
/// are stopped by `Background::stop` only.
///
/// ```
/// let interrupt = bullwhip::interrupt::Interrupt::watch();
/// let mut steps = 0;
/// while steps < 3 && !interrupt.asked() {
///     steps += 1;
/// }
/// assert_eq!(steps, 3);
/// ```
#[derive(Debug)]
pub struct Interrupt {
    handler: &'static Handler,
}

#[derive(Debug)]
struct Handler {
    /// Long calls that are running.
    running: Mutex<usize>,
    /// True while none is.
    idle: Arc<AtomicBool>,
    /// True after a signal.
    asked: Arc<AtomicBool>,
}

impl Handler {
    fn installed() -> &'static Self {
        static HANDLER: OnceLock<Handler> = OnceLock::new();
        HANDLER.get_or_init(|| {
            let idle = Arc::new(AtomicBool::new(true));
            let asked = Arc::new(AtomicBool::new(false));
            // Where no handler can be installed, the signal keeps its default effect.
            if std::env::var_os("BULLWHIP_KERNEL").is_none() {
                // Before the flag is set below, so that `asked` acts from the second signal on.
                for condition in [&idle, &asked] {
                    let _ = flag::register_conditional_default(SIGINT, condition.clone());
                }
            }
            let _ = flag::register(SIGINT, asked.clone());
            Handler {
                running: Mutex::new(0),
                idle,
                asked,
            }
        })
    }

    fn running(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Interrupt {
    /// Begins to watch; ends when the value is dropped.
    pub fn watch() -> Self {
        let handler = Handler::installed();
        let mut running = handler.running();
        if *running == 0 {
            handler.asked.store(false, Ordering::SeqCst);
            handler.idle.store(false, Ordering::SeqCst);
        }
        *running += 1;
        Self { handler }
    }

    /// True once the user asked to stop.
    pub fn asked(&self) -> bool {
        self.handler.asked.load(Ordering::SeqCst)
    }
}

impl Interrupt {
    /// True once the user asked to stop, for loops that know nothing of signals.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        self.handler.asked.clone()
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let mut running = self.handler.running();
        *running -= 1;
        if *running == 0 {
            self.handler.idle.store(true, Ordering::SeqCst);
        }
    }
}
