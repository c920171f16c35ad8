//! Runs a cell so that the kernel hears of its end, and of the lines that a panic went through.

use backtrace::Backtrace;
use bullwhip::notebook::cell::{self, Trace};

/// Called by the code that the kernel writes around a cell.
pub fn run<R>(cell: impl FnOnce() -> R) -> std::thread::Result<R> {
    cell::trace_by(trace);
    cell::run(cell)
}

fn trace() -> Trace {
    let mut trace = Backtrace::new_unresolved();
    Box::new(move || {
        // It was made before the cell was loaded.
        backtrace::clear_symbol_cache();
        trace.resolve();
        let symbols = trace.frames().iter().flat_map(|frame| frame.symbols());
        let places =
            symbols.map(|symbol| Some((symbol.filename()?.to_path_buf(), symbol.lineno()?)));
        places.flatten().collect()
    })
}
