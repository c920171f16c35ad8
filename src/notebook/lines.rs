//! Progress as short lines, one every five per cent: what any notebook kernel and log can show.

use crate::error::Error;
use crate::infer::Watch;
use crate::progress::Progress;
use std::io::Write;
use std::time::Instant;

/// Prints a line every `every` per cent of the work.
#[derive(Clone, Debug)]
pub struct Lines {
    /// Per cent between two lines.
    pub every: usize,
    total: usize,
    next: usize,
    begin: Instant,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            every: 5,
            total: 0,
            next: 0,
            begin: Instant::now(),
        }
    }
}

pub(super) fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    // A closed output cannot be told to anybody.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

impl Watch for Lines {}

impl Progress for Lines {
    fn start(&mut self, task: &str, total: usize) {
        self.total = total.max(1);
        self.next = self.every;
        self.begin = Instant::now();
        print(&format!("{task}: {total} steps"));
    }

    fn update(&mut self, done: usize, note: &str) {
        let percent = 100 * done / self.total.max(1);
        if percent < self.next {
            return;
        }
        self.next = percent - percent % self.every.max(1) + self.every.max(1);
        let spent = self.begin.elapsed().as_secs_f64();
        let left = spent * (self.total as f64 / done.max(1) as f64 - 1.0);
        print(&format!(
            "  {percent:3} %  {note}  {spent:.0} s, {:.0} s left",
            left.max(0.0)
        ));
    }

    fn finish(&mut self, note: &str) {
        print(&format!(
            "  done in {:.1} s: {note}",
            self.begin.elapsed().as_secs_f64()
        ));
    }

    fn fail(&mut self, _: &Error) {
        // The error itself is the caller's to show.
        if self.total > 0 {
            print(&format!(
                "  failed after {:.1} s",
                self.begin.elapsed().as_secs_f64()
            ));
        }
    }
}
